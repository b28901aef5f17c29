"""What the text of a Google Cloud error proves about its causes; pure functions of the case.

A verdict other than CANNOT_TELL needs words of the text that prove it. A value that someone masked decides nothing.
Facts: the form of pool and provider ids from Google's IAM API reference (workloadIdentityPools.create), the form of the
registration from help articles 20000949 and 20000953; read on 2026-11-23.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from ekm_core import vendor
from ekm_core.gcp.snippets import SHAPES, masked
from ekm_core.model import Case, Check, Ruling, Verdict
from ekm_core.rulings import cannot_tell, confirmed, ruled_out

# Who asked.

_OPENAI_SENTENCE = re.compile(r"(?i)failed to acquire gcp sts token for audience")
_OTHER_CALLERS = (
    # Sentences that these tools print themselves; OpenAI's service uses none of them.
    (re.compile(r"(?i)google-github-actions/auth failed"), "GitHub's action google-github-actions/auth"),
    (re.compile(r"(?i)error: \(gcloud\.[a-z0-9.-]{2,80}\)"), "the gcloud command line"),
    (re.compile(r"(?i)There was a problem refreshing your current auth tokens"), "the gcloud command line"),
    (re.compile(r"(?i)data key required to decrypt the SOPS file"), "SOPS"),
    (re.compile(r"(?i)error parsing seal configuration|failed to unseal core"), "HashiCorp Vault"),
    (re.compile(r"(?i)\bon [\w./-]{1,80}\.tf line \d{1,5}\b"), "Terraform"),
)
_OTHER_AUDIENCE = re.compile(
    r"(?i)(?:https?:)?//(?:[a-z0-9-]+\.)*(?:github\.com|gitlab\.com|bitbucket\.org|circleci\.com|amazonaws\.com)(?:/\S*)?"
)


def another_federation(case: Case) -> Ruling:
    """Whether the failing caller was not OpenAI, but a tool or a pipeline of the user's own."""
    if found := _OPENAI_SENTENCE.search(case.text):
        return ruled_out("The message begins with the sentence that OpenAI's service writes.", found.group())
    for pattern, name in _OTHER_CALLERS:
        if found := pattern.search(case.text):
            return confirmed(
                f"The message was written by {name}. OpenAI's service does not use it, so this error comes from a "
                "set-up or a test of your own and says nothing about OpenAI's access.",
                found.group(),
            )
    token = audiences(case.text).token
    if token and _OTHER_AUDIENCE.fullmatch(token):
        return confirmed(
            f"The token was issued for {token}. OpenAI sends an id that begins with org- or proj_, so this token came "
            "from another system, such as a build pipeline.",
            token,
        )
    if kind(token) in (Kind.ORGANIZATION, Kind.PROJECT):
        return ruled_out("The token carries an id of OpenAI's as its audience, as OpenAI's own tokens do.", token)
    return cannot_tell(
        "The text does not say whose token was refused. If OpenAI's validation did not show it, check which tool did."
    )


def about_openai(check: Check) -> Check:
    """The same check, which decides nothing where the message is about a federation of the user's own.

    Its fix would change OpenAI's registration or the provider of that other system, and neither is right.
    """

    def only_openais(case: Case) -> Ruling:
        if another_federation(case).verdict is Verdict.CONFIRMED:
            return cannot_tell("The message is about a federation of your own, so it does not show OpenAI's settings.")
        return check(case)

    return only_openais


# The provider's resource name, as it stands in the text.

_WRAPPED = re.compile(
    r"(?i)(?:STS token for audience|federated token for) "
    r"(?P<name>.{1,700}?)(?=:? ?[{(] ?['\"]|: ?(?:\*{3}|Invalid value|error))"
)
# Without a wrapper only the form with two slashes counts: one with https: may be the provider's default audience,
# which people quote beside the error.
_BARE = re.compile(r"(?<![:\w])//iam\.googleapis\.com/projects/[^\s'\"\])}>,]{1,600}")
_PARTS = re.compile(
    r"(?P<prefix>(?:https?:)?//iam\.googleapis\.com/|/?)projects/(?P<project>.*?)/locations/(?P<location>[^/]*)"
    r"/workloadIdentityPools/(?P<pool>.*?)/providers/(?P<provider>.*)"
)
_PROJECT_ONLY = re.compile(r"(?P<prefix>(?:https?:)?//iam\.googleapis\.com/|/?)projects/(?P<project>[^/]*)/locations/")
_PROJECT_ID = re.compile(r"(?:[a-z0-9.-]{1,63}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class ProviderName:
    """The parts of the STS audience; ``None`` for a part that the text does not show, or shows cut off."""

    whole: str
    prefix: str
    project: str
    location: str | None = None
    pool: str | None = None
    provider: str | None = None


def provider_name(text: str) -> ProviderName | None:
    """The provider's name that the token service was asked for, or None where the text does not show one."""
    wrapped = _WRAPPED.search(text)
    if wrapped and "projects/" in wrapped["name"]:
        whole, cut = wrapped["name"], False
    elif bare := _BARE.search(text):
        whole, cut = bare.group(), bare.end() == len(text)
    else:
        return None
    whole = whole.strip(" \"'").rstrip(":;,.")
    if parts := _PARTS.fullmatch(whole):
        provider = None if cut else parts["provider"]
        return ProviderName(whole, parts["prefix"], parts["project"], parts["location"], parts["pool"], provider)
    if parts := _PROJECT_ONLY.match(whole):
        return ProviderName(whole, parts["prefix"], parts["project"])
    return None


_NO_NAME = "The text does not show the audience with its project, pool and provider; paste the whole message."


def _segment_hidden(value: str) -> bool:
    return bool(value) and masked(value)


def project_id_for_number(case: Case) -> Ruling:
    """Whether the project's id stands where its number belongs."""
    name = provider_name(case.text)
    if name is None:
        return cannot_tell(_NO_NAME)
    if _segment_hidden(name.project):
        return cannot_tell("The project is masked in this text. Check that you registered digits, not a name.")
    if SHAPES["project_number"].fullmatch(name.project):
        return ruled_out(f"The audience names the project by digits: {name.project}.", f"projects/{name.project}/")
    if _PROJECT_ID.fullmatch(name.project):
        return confirmed(
            f"The audience names the project as {name.project}. That is a project id; Google wants the project's "
            "number, which is digits only.",
            f"projects/{name.project}/",
        )
    return cannot_tell("What stands for the project is neither a number nor a project id; see the other causes.")


def not_a_number(case: Case) -> Ruling:
    """Whether something that is neither a number nor a project id stands where the number belongs."""
    name = provider_name(case.text)
    if name is None:
        return cannot_tell(_NO_NAME)
    if not name.project:
        return confirmed("The project number is empty in the audience.", "projects//locations/")
    if _segment_hidden(name.project):
        return cannot_tell("The project is masked in this text. Check that you registered digits and nothing else.")
    if SHAPES["project_number"].fullmatch(name.project):
        return ruled_out(f"The project number consists of digits: {name.project}.", f"projects/{name.project}/")
    if "/" in name.project or _PROJECT_ID.fullmatch(name.project):
        return cannot_tell("The project is not a number, but another cause says more exactly what it is.")
    return confirmed(
        f"The audience has “{name.project}” where the project number belongs. A project number has 1 to 19 digits "
        "and nothing else.",
        f"projects/{name.project}/",
    )


def full_name_in_a_field(case: Case) -> Ruling:
    """Whether a whole resource name was registered where a single id belongs."""
    name = provider_name(case.text)
    if name is None:
        return cannot_tell(_NO_NAME)
    fields = (("project number", name.project), ("pool id", name.pool), ("provider id", name.provider))
    for label, value in fields:
        if value and "/" in value and not (masked(value) and "projects/" not in value):
            return confirmed(
                f"The {label} in this audience is “{value}”. Each field takes one short id without slashes; OpenAI "
                "builds the full name itself.",
                value,
            )
    if name.pool is None or name.provider is None:
        return cannot_tell("The audience is cut off, so its later parts cannot be seen.")
    if any(_segment_hidden(value) for _, value in fields if value):
        return cannot_tell("Parts of the audience are masked. Check that no field of the registration holds a slash.")
    return ruled_out("Each part of the audience stands in its place once.", name.whole)


def malformed_id(case: Case) -> Ruling:
    """Whether the pool or provider id cannot exist at all; a well-formed one may still be wrong."""
    name = provider_name(case.text)
    if name is None:
        return cannot_tell(_NO_NAME)
    for label, value in (("pool", name.pool), ("provider", name.provider)):
        if value is None or "/" in value or _segment_hidden(value):
            continue
        if not value:
            return confirmed(f"The {label} id is empty in the audience.", name.whole)
        if not SHAPES["pool_id"].fullmatch(value):
            return confirmed(
                f"No {label} can have the id “{value}”: these ids have 4 to 32 characters, only small letters, digits "
                "and dashes.",
                value,
            )
        if value.startswith("gcp-"):
            return cannot_tell(
                f"The {label} id {value} begins with gcp-, which Google keeps for itself. Compare it with the list of "
                "your pools and providers."
            )
    return cannot_tell(
        "Whether the pool and the provider exist does not stand in the text. Compare both ids with the lists."
    )


def pool_as_provider(case: Case) -> Ruling:
    """Whether the pool's id was given as the provider's; equal ids are a hint, not a proof."""
    name = provider_name(case.text)
    if name is None or not name.pool or not name.provider or masked(name.pool) or masked(name.provider):
        return cannot_tell("The text does not show both ids. Compare the registered ones with the lists.")
    if name.pool == name.provider:
        return cannot_tell(
            f"Pool and provider have the same id here, {name.pool}. That is allowed but rare: check in the list of "
            "providers that one has this name."
        )
    return cannot_tell(
        f"The ids differ: pool {name.pool}, provider {name.provider}. Check in the lists that each is what it is "
        "called here."
    )


def https_prefix(case: Case) -> Ruling:
    """Whether the audience of the token request begins with https: instead of two slashes."""
    name = provider_name(case.text)
    if name is None:
        return cannot_tell(_NO_NAME)
    if name.prefix.startswith("http"):
        return confirmed(
            f"The audience begins with {name.prefix}. The token service wants it to begin with //iam.googleapis.com/.",
            name.prefix,
        )
    if name.prefix.startswith("//"):
        return ruled_out("The audience begins with two slashes, as it must.", name.prefix)
    return cannot_tell("The text does not show how the audience begins.")


def location_not_global(case: Case) -> Ruling:
    """Whether the audience names another location than global, where all pools are."""
    name = provider_name(case.text)
    if name is None or name.location is None:
        return cannot_tell(_NO_NAME)
    if name.location == "global":
        return ruled_out("The audience names the location global.", "/locations/global/")
    if not name.location:
        return confirmed("The location is empty in the audience; it must be global.", "/locations//")
    if masked(name.location):
        return cannot_tell("The location is masked in this text; it must be global.")
    return confirmed(
        f"The audience names the location {name.location}. Workload identity pools are always in global.",
        f"/locations/{name.location}/",
    )


# The two audiences of a mismatch.

_MISMATCH = re.compile(
    r"(?i)audience in (?:the )?ID Token(?: ?\[(?P<token>[^\]]{0,400})\])?(?: does not match(?: the)?"
    r"(?: expected audience(?: ?:? ?[\['\"]{0,2}(?P<expected>[^\s'\"\]},]{1,400}))?)?)?"
)


class Kind(StrEnum):
    """What an audience is by its form."""

    ORGANIZATION = "organization"
    PROJECT = "project"
    PROVIDER = "provider"
    URL = "url"
    OTHER = "other"
    UNKNOWN = "unknown"


def kind(audience: str) -> Kind:
    """What the audience is by its form; UNKNOWN where it is absent or masked."""
    if not audience or masked(audience):
        return Kind.UNKNOWN
    if SHAPES["organization_id"].fullmatch(audience):
        return Kind.ORGANIZATION
    if SHAPES["openai_project_id"].fullmatch(audience):
        return Kind.PROJECT
    if re.match(r"(?:https?:)?//iam\.googleapis\.com/projects/", audience):
        return Kind.PROVIDER
    if re.match(r"(?:https?:)?//", audience):
        return Kind.URL
    return Kind.OTHER


@dataclass(frozen=True, slots=True)
class Audiences:
    """What the token carried and what the provider expected; "" where the text does not say or masks it."""

    token: str = ""
    expected: str = ""


def audiences(text: str) -> Audiences:
    """Both audiences of the mismatch sentence. A word of prose behind the sentence is not taken for an audience."""
    found = _MISMATCH.search(text)
    if found is None:
        return Audiences()
    token = (found["token"] or "").strip(" '\"")
    expected = (found["expected"] or "").rstrip(".;:)")
    if kind(expected) is Kind.OTHER and not re.search(r"[._:/@0-9-]", expected):
        expected = ""
    return Audiences("" if masked(token) else token, "" if masked(expected) else expected)


_SENT_HIDDEN = (
    "The text does not show which audience the token carried. Compare the audience that you registered with OpenAI "
    "with the provider's allowed audiences, character by character."
)
_EXPECTED_HIDDEN = (
    "The text does not show which audience the provider expects. Compare the provider's allowed audiences with the "
    "audience that you registered with OpenAI."
)


NEARLY_ONE_ORGANIZATION = (
    "The two organization ids are nearly the same, so one of them may be a typing error and not another organization. "
    "Compare both with the id in OpenAI's settings."
)


def audience_not_allowed(case: Case) -> Ruling:
    """Whether the registered audience is missing from the provider's allowed audiences."""
    found = audiences(case.text)
    if not found.token:
        return cannot_tell(_SENT_HIDDEN)
    if another_federation(case).verdict is Verdict.CONFIRMED:
        return cannot_tell(
            "The token in this text was not OpenAI's, so it does not show what OpenAI sends. Do not add its audience "
            "to the provider that OpenAI uses."
        )
    if found.expected:
        return confirmed(
            f"The token carries {found.token}; the provider expects {found.expected}. So what the token carries, which "
            "is the audience registered with OpenAI, is not among the provider's allowed audiences.",
            found.token,
            found.expected,
        )
    if kind(found.token) in (Kind.ORGANIZATION, Kind.PROJECT):
        return confirmed(
            f"OpenAI's token carries {found.token}, and Google answers that the provider does not accept it.",
            found.token,
        )
    return cannot_tell(_EXPECTED_HIDDEN)


def organization_against_project(case: Case) -> Ruling:
    """Whether one side has the organization id and the other an API project's id."""
    found = audiences(case.text)
    if not found.token:
        return cannot_tell(_SENT_HIDDEN)
    if not found.expected:
        return cannot_tell(_EXPECTED_HIDDEN)
    kinds = {kind(found.token), kind(found.expected)}
    if kinds == {Kind.ORGANIZATION, Kind.PROJECT}:
        return confirmed(
            f"One side has an organization id and the other a project id: the token carries {found.token}, the "
            f"provider expects {found.expected}.",
            found.token,
            found.expected,
        )
    return ruled_out(
        "The two audiences are not an organization id on one side and a project id on the other.",
        found.token,
        found.expected,
    )


def differ_by_one(first: str, second: str) -> bool:
    """Whether two ids differ by one character, or by small and capital letters alone: a typing error is likely."""
    first, second = first[:100].lower(), second[:100].lower()
    same = sum(block.size for block in SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks())
    return max(len(first), len(second)) - same <= 1


def another_organization(case: Case) -> Ruling:
    """Whether both sides have an organization id, but not the same."""
    found = audiences(case.text)
    if not found.token:
        return cannot_tell(_SENT_HIDDEN)
    if not found.expected:
        return cannot_tell(_EXPECTED_HIDDEN)
    if {kind(found.token), kind(found.expected)} == {Kind.ORGANIZATION} and found.token != found.expected:
        if differ_by_one(found.token, found.expected):
            return cannot_tell(NEARLY_ONE_ORGANIZATION)
        return confirmed(
            f"The two sides name two organizations: the token carries {found.token}, the provider expects "
            f"{found.expected}.",
            found.token,
            found.expected,
        )
    return ruled_out("The two audiences are not two organization ids.", found.token, found.expected)


def default_audience(case: Case) -> Ruling:
    """Whether the provider has no allowed audiences set and so expects its own resource name."""
    expected = audiences(case.text).expected
    if not expected:
        return cannot_tell(_EXPECTED_HIDDEN)
    if kind(expected) is Kind.PROVIDER:
        return confirmed(
            f"The provider expects its own resource name, {expected}. Google falls back to it when the provider has no "
            "allowed audiences.",
            expected,
        )
    return ruled_out(f"The provider expects {expected}, which is not its own resource name.", expected)


# Cloud KMS.

_PERMISSION = re.compile(r"(?i)\bcloudkms\.[a-z]{2,40}\.[a-z]{2,60}\b")
_KEY = re.compile(
    r"(?i)projects/(?P<project_id>[^/\s'\"]{1,80})/locations/(?P<location>[^/\s'\"]{1,60})/keyRings/(?P<key_ring>[^/\s'\"]{1,80})/cryptoKeys/(?P<key_name>[^/\s'\",.)]{1,80})"
)
_DECRYPT = "cloudkms.cryptokeyversions.usetodecrypt"
_USE = frozenset({"cloudkms.cryptokeyversions.usetoencrypt", _DECRYPT})
_ADMIN = re.compile(
    r"(?i)cloudkms\.(?:(?:keyRings|cryptoKeys|cryptoKeyVersions|importJobs|ekmConnections|ekmConfigs)\.(?:create|update|destroy|restore|list|setIamPolicy|getIamPolicy|createTagBinding|deleteTagBinding)|(?:keyRings|importJobs|ekmConnections|ekmConfigs|locations|projects)\.[a-z]+)"
)
_LABELS = (("project_id", "project"), ("location", "location"), ("key_ring", "key ring"), ("key_name", "key"))


def another_key_named(case: Case) -> Ruling:
    """Whether OpenAI asked for another key than the one that the user gave on purpose."""
    found = _KEY.search(case.text)
    if found is None:
        return cannot_tell(
            "The text does not show the key's full name. Compare project, location, key ring and key of the "
            "registration with the key in the console; Google gives this same error for a key that does not exist."
        )
    for name, label in _LABELS:
        given = case.values.get(name) if name in case.typed else ""
        asked = found[name]
        if asked.isdigit() != given.isdigit():  # one may be a project's number and the other its id
            continue
        if given and not masked(given) and not masked(asked) and given != asked:
            if {match.group().lower() for match in _PERMISSION.finditer(case.text)} == {_DECRYPT}:
                return cannot_tell(
                    f"The request to decrypt went to the {label} {asked}, and you gave {given}. It may be the key "
                    "under which older data was encrypted."
                )
            return confirmed(
                f"The request went to the {label} {asked}, but you gave {given}. Google gives this same error for a "
                "key that does not exist.",
                found.group(),
            )
    return cannot_tell(
        "Google gives this same error for a key that does not exist. Compare project, location, key ring and key in "
        "the text with the key in the console, letter by letter."
    )


def not_an_openai_call(case: Case) -> Ruling:
    """Whether the call was the user's own: another tool wrote the text, or OpenAI never uses the denied permission."""
    if (ruling := another_federation(case)).verdict is Verdict.CONFIRMED:
        return ruling
    denied = tuple(dict.fromkeys(match.group() for match in _PERMISSION.finditer(case.text)))
    if denied and all(_ADMIN.fullmatch(name) for name in denied):
        return confirmed(
            f"The denied permission is {denied[0]}. OpenAI only encrypts and decrypts, so this call was made by you or "
            "by a tool of yours, such as Terraform.",
            denied[0],
        )
    if any(name.lower() in _USE for name in denied):
        return cannot_tell(
            "Encrypting and decrypting is what OpenAI does, but other callers do it too. The text does not name the "
            "caller; the audit log of the key's project does."
        )
    return cannot_tell("The text does not show who called. The audit log of the key's project names the caller.")


_STATE = re.compile(r"(?i)(?:current )?state(?: is)?:? ?(?P<state>[A-Z_]{5,40})\b")
_STATES = {
    "disabled": frozenset({"DISABLED"}),
    "scheduled": frozenset({"DESTROY_SCHEDULED"}),
    "destroyed": frozenset({"DESTROYED"}),
    "pending": frozenset({"PENDING_GENERATION", "PENDING_IMPORT", "PENDING_EXTERNAL_DESTRUCTION"}),
    "failed": frozenset({"IMPORT_FAILED", "GENERATION_FAILED", "EXTERNAL_DESTRUCTION_FAILED"}),
}


def version_state(group: str) -> Check:
    """A check whether the text gives one of a group of states to the key version.

    group: "disabled", "scheduled", "destroyed", "pending" or "failed".
    """
    wanted = _STATES[group]

    def check(case: Case) -> Ruling:
        known = {state for states in _STATES.values() for state in states}
        found = [match for match in _STATE.finditer(case.text) if match["state"].upper() in known]
        states = {match["state"].upper() for match in found}
        if len(states) != 1:
            return cannot_tell("The text does not name one state of the key version. List the versions to see it.")
        state, quote = states.pop(), found[0].group()
        if state in wanted:
            return confirmed(f"Google names the state of the key version: {state}.", quote)
        return ruled_out(f"Google names another state of the key version: {state}.", quote)

    return check


_PURPOSE = re.compile(
    r"(?i)incorrect key purpose: ?(?P<purpose>ENCRYPT_DECRYPT|ASYMMETRIC_SIGN|ASYMMETRIC_DECRYPT|RAW_ENCRYPT_DECRYPT"
    r"|MAC|KEY_ENCAPSULATION)\b"
)


def purpose_not_symmetric(case: Case) -> Ruling:
    """Whether the key's purpose is another than symmetric encryption, which OpenAI needs."""
    found = _PURPOSE.search(case.text)
    if found is None:
        return cannot_tell(
            "The text does not name the key's purpose. Show the key: its purpose must be ENCRYPT_DECRYPT."
        )
    purpose = found["purpose"].upper()
    if purpose == "ENCRYPT_DECRYPT":
        return ruled_out("The key's purpose is ENCRYPT_DECRYPT, which is the right one for OpenAI.", found.group())
    return confirmed(f"The key's purpose is {purpose}; OpenAI needs ENCRYPT_DECRYPT.", found.group())


def operation_not_symmetric(case: Case) -> Ruling:
    """Whether the key is right and the operation was one for other keys, which OpenAI does not ask for."""
    found = _PURPOSE.search(case.text)
    if found is None:
        return cannot_tell("The text does not name the key's purpose, so it does not show which side is wrong.")
    if found["purpose"].upper() == "ENCRYPT_DECRYPT":
        return confirmed(
            "The key is for encrypting and decrypting, and the operation was another, such as signing. OpenAI does not "
            "sign with your key, so the call came from another program.",
            found.group(),
        )
    return ruled_out("The key's purpose is not the one that OpenAI needs.", found.group())


# The issuer.

_ISSUER = re.compile(
    r"(?i)issuer in (?:the )?ID Token \[?(?P<token>[^\s'\"\]]{1,300})\]? (?:does not|doesn't|did not) match(?: the)?"
    r"(?: expected)?(?: issuer| ones?)?(?: in config)?(?: ?:? ?\[?(?P<expected>https?://[^\s'\"\]},]{1,300}))?"
)


def provider_has_another_issuer(case: Case) -> Ruling:
    """Whether OpenAI's token met a provider that trusts another issuer."""
    found = _ISSUER.search(case.text)
    if found is None or masked(found["token"]):
        return cannot_tell(
            "The text does not show the token's issuer. Compare the provider's issuer with OpenAI's guide."
        )
    if found["token"].rstrip("/.").lower() not in (vendor.GCP_ISSUER, vendor.GCP_ISSUER.removeprefix("https://")):
        return cannot_tell("The token in this text was not issued by Google, so it was not OpenAI's.")
    return confirmed(
        f"The token was issued by {vendor.GCP_ISSUER}, as OpenAI's tokens are, and the provider does not trust that "
        "issuer.",
        found["token"],
    )


def token_of_another_issuer(case: Case) -> Ruling:
    """Whether the token was issued by somebody else than Google, so that it cannot be OpenAI's."""
    found = _ISSUER.search(case.text)
    if found is None or masked(found["token"]) or found["token"].lower() == "null":
        return cannot_tell("The text does not show the token's issuer.")
    issuer = found["token"].rstrip("/.").lower()
    if issuer in (vendor.GCP_ISSUER, vendor.GCP_ISSUER.removeprefix("https://")):
        return ruled_out("The token was issued by Google, as OpenAI's tokens are.", found["token"])
    if not issuer.startswith("http"):
        return cannot_tell("The text does not show the token's issuer as an address.")
    return confirmed(
        f"The token was issued by {found['token']}. OpenAI's tokens are issued by {vendor.GCP_ISSUER}, so this one "
        "came from another system.",
        found["token"],
    )


# The token itself.


def says(pattern: str, because: str, otherwise: str) -> Check:
    """A check that confirms a cause where the text holds Google's own sentence for it.

    pattern: bounded, without case, against the normalised text. otherwise: what is missing when it does not match.
    """
    sentence = re.compile(pattern, re.IGNORECASE)

    def check(case: Case) -> Ruling:
        found = sentence.search(case.text)
        return confirmed(because, found.group()) if found else cannot_tell(otherwise)

    return check
