"""What all proofs of Google Cloud share: the registered names, the evidence, and how a verdict is said.

Every proof judges the resources of the REGISTERED names alone; evidence on any other project, pool or key is not used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ekm_core import vendor
from ekm_core.evidence import State
from ekm_core.facts import Document, Fact
from ekm_core.gcp import checks, evidence
from ekm_core.gcp.evidence import GcpEvidence
from ekm_core.gcp.snippets import SHAPES, masked
from ekm_core.model import Case, Change, Ruling, Snippet, Verdict
from ekm_core.pasted import shown

_FIELDS = {
    "workload_identity_project_number": "project_number",
    "workload_identity_pool_id": "pool_id",
    "workload_identity_provider_id": "provider_id",
    "kms_key_location": "location",
    "kms_key_ring_name": "key_ring",
    "kms_key_name": "key_name",
}
_KEY_IN_TEXT = re.compile(
    r"projects/([^/\s'\"]{1,80})/locations/([^/\s'\"]{1,60})/keyRings/([^/\s'\"]{1,80})/cryptoKeys/([\w-]{1,80})"
)


@dataclass(frozen=True, slots=True)
class Setup:
    """The registered names and what is known of the cloud.

    provider, pool, key: full resource names, "" where a part is not given, is masked or has a wrong form.
    audience: the registered one, "" where not given or masked. organization: OpenAI's organization, where it is known.
    """

    evidence: GcpEvidence
    number: str = ""
    pool_id: str = ""
    provider_id: str = ""
    audience: str = ""
    organization: str = ""
    project: str = ""
    key: str = ""

    @property
    def pool(self) -> str:
        if not (self.number and self.pool_id):
            return ""
        return f"projects/{self.number}/locations/global/workloadIdentityPools/{self.pool_id}"

    @property
    def provider(self) -> str:
        return f"{self.pool}/providers/{self.provider_id}" if self.pool and self.provider_id else ""

    @property
    def ring(self) -> str:
        return self.key.partition("/cryptoKeys/")[0]


def of(case: Case) -> Setup:
    """The set-up of a case; read once for all proofs of the case."""
    memo = ("gcp", "setup")
    if memo not in case.memo:
        case.memo[memo] = _read(case)
    found: Setup = case.memo[memo]
    return found


def _read(case: Case) -> Setup:
    read = evidence.read(case.evidence)
    registered = case.configuration
    if registered is None:
        return Setup(read)
    given = {
        name: value
        for field, name in _FIELDS.items()
        if SHAPES[name].fullmatch(value := registered.get(field)) and not masked(value)
    }
    # A number in place of the project's id is accepted by Cloud KMS; config.validate speaks of it.
    project = registered.get("kms_project_id")
    fits = any(SHAPES[name].fullmatch(project) for name in ("project_id", "project_number")) and not masked(project)
    audience, organization = registered.get("audience"), registered.organization_id.strip()
    ring = f"projects/{project}/locations/{given.get('location')}/keyRings/{given.get('key_ring')}"
    whole = fits and {"location", "key_ring", "key_name"} <= given.keys()
    return Setup(
        read,
        given.get("project_number", ""),
        given.get("pool_id", ""),
        given.get("provider_id", ""),
        "" if hidden(audience) else audience,
        organization if SHAPES["organization_id"].fullmatch(organization) and not masked(organization) else "",
        project if fits else "",
        f"{ring}/cryptoKeys/{given['key_name']}" if whole else "",
    )


# --- Verdicts --------------------------------------------------------------------------------------------------------


def confirmed(because: str, *proof: str, changes: tuple[Change, ...] = ()) -> Ruling:
    """The cause holds; ``proof`` says where that is seen."""
    return Ruling(Verdict.CONFIRMED, because, shown=proof, changes=changes)


def ruled_out(because: str, *proof: str) -> Ruling:
    """The cause does not hold; ``proof`` says where that is seen."""
    return Ruling(Verdict.RULED_OUT, because, shown=proof)


def cannot_tell(because: str, *missing: Snippet) -> Ruling:
    """Not decided; ``missing`` are the commands whose output would settle it."""
    return Ruling(Verdict.CANNOT_TELL, because, missing=missing)


def unseen(fact: Fact[Document], what: str, *missing: Snippet) -> Ruling:
    """Not decided because something could not be seen. ``what``: "The provider", at the start of a sentence.

    Of what does not exist, no command shows more: the cause that says so is another one.
    """
    if fact.state is State.NOT_GIVEN:
        return cannot_tell(f"{what} is not among the evidence.", *missing)
    if fact.state is State.ABSENT:
        return cannot_tell(f"{what} does not exist, so there is nothing to judge ({fact.source}).")
    if fact.state is State.CONFLICTING:
        return cannot_tell(f"{what} is shown in two ways: {sentence(fact.because)}", *missing)
    return cannot_tell(f"{what} could not be read with {fact.source}. {sentence(fact.because)}", *missing)


def sentence(text: str) -> str:
    """The text with a full stop at its end."""
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def quoted(value: str) -> str:
    """A pasted value in a sentence."""
    return f"“{shown(value)}”"


def change(title: str, before: Document, after: Document) -> Change:
    """The user's own document and the same corrected, formatted alike."""
    first, second = (json.dumps(document, indent=2, ensure_ascii=False) for document in (before, after))
    return Change(title, first, second)


# --- Values ----------------------------------------------------------------------------------------------------------


def hidden(value: str) -> bool:
    """Whether a value is masked, or too long or too odd to be a value of a set-up."""
    return masked(value) or len(value) > 500 or not value.isprintable()


def any_hidden(value: object) -> bool:
    """Whether any text in a part of a document is masked. The part is a text or a list of texts."""
    if isinstance(value, str):
        return hidden(value)
    return isinstance(value, list) and any(isinstance(item, str) and hidden(item) for item in value)


def meant_for_openai(subject: str) -> bool:
    """Whether a subject that is not OpenAI's was likely meant to be: digits, an id of OpenAI's, or it holds OpenAI's.

    A subject such as ``repo:acme/app`` or an address belongs to another system.
    """
    subject = subject.strip()
    return bool(
        vendor.GCP_SUBJECT in subject
        or subject.isdecimal()
        or re.fullmatch(r"(?:org-|proj_)[\w-]{1,64}", subject)
        or (len(subject) < 40 and checks.differ_by_one(subject, vendor.GCP_SUBJECT))
    )


# --- Is the message about this set-up at all? ------------------------------------------------------------------------


def other_provider(case: Case) -> str:
    """The provider that the error names, where it is another than the registered one; else ""."""
    named, setup = checks.provider_name(case.text), of(case)
    if named is None or not setup.provider or not (named.pool and named.provider):
        return ""
    pairs = ((named.project, setup.number), (named.pool, setup.pool_id), (named.provider, setup.provider_id))
    return named.whole if any(not masked(here) and here != there for here, there in pairs) else ""


def other_key(case: Case) -> str:
    """The key that the error names, where it is another than the registered one; else ""."""
    found, setup = _KEY_IN_TEXT.search(case.text), of(case)
    if found is None or not setup.key:
        return ""
    project, location, ring, key = found.groups()
    name = setup.evidence.canonical(found.group())
    same_project = project.isdecimal() != setup.project.isdecimal()  # one is the number, the other the id
    ours = setup.evidence.canonical(setup.key)
    if any(map(masked, (project, location, ring, key))) or name == ours:
        return ""
    if same_project and name.split("/")[2:] == ours.split("/")[2:]:
        return ""
    return found.group()


def mapping(value: object) -> Mapping[str, Any]:
    """The value where it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}
