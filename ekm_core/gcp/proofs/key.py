"""What the evidence proves of the key: is it there, is it of the right kind, is its version usable, is the API on."""

from __future__ import annotations

import re

from ekm_core.evidence import State
from ekm_core.facts import Document, Fact
from ekm_core.gcp import snippets as gcp
from ekm_core.gcp.checks import differ_by_one
from ekm_core.gcp.evidence import Kind
from ekm_core.gcp.proofs.setup import (
    Setup,
    cannot_tell,
    confirmed,
    of,
    other_key,
    quoted,
    ruled_out,
    unseen,
)
from ekm_core.model import Case, Check, Ruling

_NO_KEY = "The registered project, location, key ring and key are not all given in a valid form."
_EXTERNAL = "What an external key manager does is not seen in Google Cloud. Ask who runs it."
_VERSION = re.compile(r"cryptoKeyVersions/(\d{1,10})\b")


def _key(case: Case) -> Fact[Document] | Ruling:
    """The registered key, whatever is known of it, or the ruling that says why it cannot be judged."""
    setup = of(case)
    if not setup.key:
        return cannot_tell(_NO_KEY)
    if other := other_key(case):
        return cannot_tell(
            f"The message is about another key than the registered one: {quoted(other)}. Give the registration that "
            "the message belongs to."
        )
    return setup.evidence.key(setup.key)


# --- Does it exist? --------------------------------------------------------------------------------------------------


def _absent(case: Case) -> Fact[Document] | Ruling:
    """The fact that says that the key is not there; a ruling where it is there or not known."""
    key, setup = _key(case), of(case)
    if isinstance(key, Ruling):
        return key
    if key.state is State.SEEN:
        return ruled_out("A key of exactly the registered name exists.", f"{setup.key} ({key.source}).")
    ring = setup.evidence.key_ring(setup.ring)
    if State.ABSENT in (key.state, ring.state):
        return key if key.state is State.ABSENT else ring
    return unseen(key, "The key", gcp.describe_key(case.values), gcp.list_keys(case.values))


def does_not_exist(case: Case) -> Ruling:
    """Whether the cloud said that there is no key of the registered name."""
    absent = _absent(case)
    if isinstance(absent, Ruling):
        return absent
    setup = of(case)
    hint = _elsewhere(setup) or _close(setup)
    because = f"There is no key of the registered name {setup.key}.{f' {hint}' if hint else ''}"
    return confirmed(because, f"{absent.because.rstrip('.')} ({absent.source}).")


def wrong_name(case: Case) -> Ruling:
    """Whether a key or key ring of nearly the registered name is there, and none of the registered name itself."""
    absent = _absent(case)
    if isinstance(absent, Ruling):
        return absent
    setup = of(case)
    if _elsewhere(setup):
        return ruled_out("The names are right; the location is not.", _elsewhere(setup))
    if close := _close(setup):
        return confirmed(f"There is no key of the registered name. {close}", f"Registered: {setup.key}.")
    return cannot_tell(
        "There is no key of the registered name, and we see none of a similar name. It may be misspelt or never made.",
        gcp.list_key_rings(case.values),
        gcp.list_keys(case.values),
    )


def wrong_location(case: Case) -> Ruling:
    """Whether the key ring is in another location than the registered one."""
    absent, setup = _absent(case), of(case)
    if isinstance(absent, Ruling):
        return absent
    if setup.evidence.key_ring(setup.ring).state is State.SEEN:
        return ruled_out(
            "The key ring exists in the registered location.", setup.evidence.key_ring(setup.ring).source + "."
        )
    if elsewhere := _elsewhere(setup):
        return confirmed(f"The location is wrong. {elsewhere}", f"Registered: {setup.key}.")
    return cannot_tell("We do not see where the key ring is.", gcp.list_key_rings(case.values))


def _elsewhere(setup: Setup) -> str:
    """Where the evidence shows the very key in another location of the same project, in a sentence; "" if nowhere."""
    _, project, _, _, *rest = setup.evidence.canonical(setup.key).split("/")
    for (kind, name), fact in setup.evidence.facts.items():
        parts = name.split("/")
        same = parts[1:2] == [project] and parts[4:] == rest
        if kind is Kind.KEY and same and fact.state is State.SEEN and name != setup.evidence.canonical(setup.key):
            return f"The key is in the location {parts[3]} ({fact.source})."
    return ""


def _close(setup: Setup) -> str:
    """A key or key ring that differs from the registered one by a letter, in a sentence; "" where there is none."""
    for wanted, what in ((setup.key, "key"), (setup.ring, "key ring")):
        collection, _, own = wanted.rpartition("/")
        listing = setup.evidence.listed(collection)
        for name in sorted(listing.value["names"]) if listing.value else ():
            there = name.rpartition("/")[2]
            # Names that differ in a number alone are most likely two keys, not a typing error.
            if re.sub(r"\d", "", there) != re.sub(r"\d", "", own) and differ_by_one(there, own):
                return f"There is a {what} {there} where {own} is registered ({listing.source})."
    return ""


# --- Its kind and its versions ---------------------------------------------------------------------------------------


def not_symmetric(case: Case) -> Ruling:
    """Whether the key's purpose is another than symmetric encryption."""
    key = _key(case)
    if isinstance(key, Ruling):
        return key
    purpose = key.value.get("purpose") if key.value else None
    if not isinstance(purpose, str) or not re.fullmatch(r"[A-Z_]{3,40}", purpose):
        return unseen(key, "The key's purpose", gcp.describe_key(case.values))
    said = f"Key {of(case).key}, purpose: {purpose} ({key.source})."
    if purpose == "ENCRYPT_DECRYPT":
        return ruled_out("The key is for encrypting and decrypting.", said)
    return confirmed(f"The key's purpose is {purpose}; OpenAI needs ENCRYPT_DECRYPT. A purpose never changes.", said)


_WORDS = {
    "DISABLED": "disabled",
    "DESTROY_SCHEDULED": "destroy-scheduled",
    "DESTROYED": "destroyed",
    "PENDING_GENERATION": "not-ready",
    "PENDING_IMPORT": "not-ready",
    "IMPORT_FAILED": "import-failed",
    "GENERATION_FAILED": "import-failed",
}
_OTHER_STATES = frozenset({"ENABLED", "PENDING_EXTERNAL_DESTRUCTION", "EXTERNAL_DESTRUCTION_FAILED"})


def _version(case: Case) -> tuple[str, Fact[Document]] | Ruling:
    """The version that the message names, else the primary one, with its name."""
    key, setup = _key(case), of(case)
    if isinstance(key, Ruling):
        return key
    named = set(_VERSION.findall(case.text))
    if len(named) > 1:
        return cannot_tell("The message names several versions of the key.")
    if named:
        name = f"{setup.key}/cryptoKeyVersions/{named.pop()}"
        return name, setup.evidence.version(name)
    primary = key.value.get("primary") if key.value else None
    if not isinstance(primary, dict) or not isinstance(primary.get("name"), str):
        return unseen(key, "The key's primary version", gcp.describe_key(case.values))
    if not setup.evidence.canonical(primary["name"]).startswith(f"{setup.evidence.canonical(setup.key)}/"):
        return cannot_tell("The key's primary version has the name of another key.")
    return primary["name"], setup.evidence.version(primary["name"])


def _in_state(cause: str) -> Check:
    """The proof whether the version that counts is in the states of one cause."""

    def proof(case: Case) -> Ruling:
        version = _version(case)
        if isinstance(version, Ruling):
            return version
        name, fact = version
        state = fact.value.get("state") if fact.value else None
        if not isinstance(state, str) or state not in {*_WORDS, *_OTHER_STATES}:
            return unseen(fact, "The state of the key version", gcp.list_versions(case.values))
        number = name.rpartition("/")[2]
        said = f"Version {number} of {of(case).key}, state: {state} ({fact.source})."
        if _WORDS.get(state) == cause:
            return confirmed(f"The key version {number} is in the state {state}.", said)
        return ruled_out(f"As your evidence stands now, the key version {number} is in the state {state}.", said)

    return proof


version_disabled = _in_state("disabled")
version_destroy_scheduled = _in_state("destroy-scheduled")
version_destroyed = _in_state("destroyed")
version_not_ready = _in_state("not-ready")
version_failed = _in_state("import-failed")
VERSION_STATES = (version_disabled, version_destroy_scheduled, version_destroyed, version_not_ready, version_failed)


def not_external(case: Case) -> Ruling:
    """Rules out every fault of an external key manager where the key has none; what that manager does is not seen."""
    key = _key(case)
    if isinstance(key, Ruling):
        return key
    template = key.value.get("versionTemplate") if key.value else None
    level = template.get("protectionLevel") if isinstance(template, dict) else None
    if level in ("SOFTWARE", "HSM"):
        said = f"Key {of(case).key}, versionTemplate.protectionLevel: {level} ({key.source})."
        return ruled_out("The key is kept by Google, so no external key manager is asked.", said)
    return unseen(key, "The key", gcp.describe_key(case.values)) if key.value is None else cannot_tell(_EXTERNAL)


# --- The API ---------------------------------------------------------------------------------------------------------


def _api(case: Case, project: str, whose: str) -> Ruling:
    if not project:
        return cannot_tell(f"The project of {whose} is not given in a valid form.")
    setup = of(case)
    named = setup.evidence.id_of(project) or project
    fact = setup.evidence.api(project)
    if fact.state is State.SEEN:
        return ruled_out(f"The Cloud KMS API is enabled in the project of {whose}, {named}.", f"{fact.source}.")
    if fact.state is State.ABSENT:
        because = f"The Cloud KMS API is not enabled in the project of {whose}, {named}."
        return confirmed(because, f"{fact.because.rstrip('.')}.")
    missing = (gcp.enabled_apis(named),) if not named.isdecimal() else (gcp.project_number(),)
    return unseen(fact, f"Whether the Cloud KMS API is on in {named}", *missing)


def api_off_in_pool_project(case: Case) -> Ruling:
    """Whether the Cloud KMS API is off in the project of the workload identity pool."""
    return _api(case, of(case).number, "the pool")


def api_off_in_key_project(case: Case) -> Ruling:
    """Whether the Cloud KMS API is off in the project of the key."""
    return _api(case, of(case).project, "the key")
