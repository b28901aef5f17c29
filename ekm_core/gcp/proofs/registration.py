"""What the registered fields prove about the name that OpenAI asks Google's token service for.

OpenAI puts the name together from three fields (article 20000953); the forms of the ids are those of Google's IAM API
reference (``sources.POOLS_API``); read on 2026-11-23.
"""

from __future__ import annotations

from ekm_core.evidence import State
from ekm_core.gcp import snippets as gcp
from ekm_core.gcp.checks import differ_by_one
from ekm_core.gcp.proofs.setup import (
    cannot_tell,
    confirmed,
    hidden,
    of,
    quoted,
    ruled_out,
    unseen,
)
from ekm_core.gcp.snippets import SHAPES
from ekm_core.model import Case, Ruling

_NUMBER = "workload_identity_project_number"
_POOL = "workload_identity_pool_id"
_PROVIDER = "workload_identity_provider_id"
# For a well-formed name of nothing Google answers "invalid_target". OpenAI's FAQ names wrong ids for "invalid_request"
# too, so with that message they count as its cause; before any message only the former is said to follow.
_ANOTHER_ERROR = (
    "No provider of the registered name is there. Google may answer that with another error: the workload identity "
    "pool or provider is missing."
)


def _field(case: Case, name: str) -> str:
    return case.configuration.get(name) if case.configuration else ""


def _said(name: str, value: str) -> str:
    return f"Registration, {name}: {quoted(value)}."


def project_id_for_number(case: Case) -> Ruling:
    """Whether the project's id is registered in place of its number."""
    value = _field(case, _NUMBER)
    if not value:
        return cannot_tell(f"The registered {_NUMBER} is not given.")
    if hidden(value):
        return cannot_tell(f"The registered {_NUMBER} is masked, so we cannot tell whether it is a number.")
    if SHAPES["project_number"].fullmatch(value):
        return ruled_out("The registered project number consists of digits.", _said(_NUMBER, value))
    if SHAPES["project_id"].fullmatch(value):
        number = of(case).evidence.number_of(value)
        right = f" The number of this project is {number}." if number else ""
        because = f"The registration has a project's id where Google wants the project's number.{right}"
        return confirmed(because, _said(_NUMBER, value))
    return cannot_tell(f"The registered {_NUMBER} is neither a number nor a project's id; see the other causes.")


def not_a_number(case: Case) -> Ruling:
    """Whether something that is neither a number nor a project's id is registered as the number."""
    value = _field(case, _NUMBER)
    if case.configuration and _NUMBER in case.configuration.fields and not value:
        return confirmed("The registered project number is empty.", _said(_NUMBER, value))
    if not value or hidden(value):
        return project_id_for_number(case)
    if SHAPES["project_number"].fullmatch(value):
        return ruled_out("The registered project number consists of digits.", _said(_NUMBER, value))
    if value.isdecimal():
        return cannot_tell(f"The registered {_NUMBER} has {len(value)} digits; a project number has at most 19.")
    if "/" in value or SHAPES["project_id"].fullmatch(value):
        return cannot_tell(f"The registered {_NUMBER} is no number, but another cause says more exactly what it is.")
    return confirmed("The registered project number holds more than digits.", _said(_NUMBER, value))


def full_name_in_a_field(case: Case) -> Ruling:
    """Whether a whole resource name is registered where one short id belongs."""
    values = {name: _field(case, name) for name in (_NUMBER, _POOL, _PROVIDER)}
    for name, value in values.items():
        if "/" in value and ("projects/" in value or "workloadIdentityPools/" in value):
            because = f"The field {name} holds a path. Each field takes one short id without slashes."
            return confirmed(because, _said(name, value))
    if not all(values.values()) or any("/" in value or hidden(value) for value in values.values()):
        return cannot_tell("The three registered ids are not all given in full.")
    return ruled_out(
        "None of the three registered fields holds a path.", *(_said(name, value) for name, value in values.items())
    )


def pool_or_provider_id(case: Case) -> Ruling:
    """Whether the pool's or the provider's registered id is wrong: impossible, or not among those that there are."""
    for name in (_POOL, _PROVIDER):
        value = _field(case, name)
        if value and not hidden(value) and "/" not in value and not SHAPES["pool_id"].fullmatch(value):
            because = "No pool or provider can have this id: 4 to 32 small letters, digits and dashes are allowed."
            return confirmed(because, _said(name, value))
    setup = of(case)
    if not setup.provider:
        return cannot_tell("The registered project number, pool id and provider id are not all given in full.")
    fact = setup.evidence.provider(setup.provider)
    if fact.state is State.SEEN:
        return ruled_out("A provider of exactly this name exists.", f"{setup.provider} ({fact.source}).")
    missing = (gcp.list_pools(case.values), gcp.list_providers(case.values))
    listing = setup.evidence.listed(f"{setup.pool}/providers")
    if setup.evidence.pool(setup.pool).state is State.ABSENT:
        listing = setup.evidence.listed(setup.pool.rpartition("/")[0])
    absent = listing.value is not None and not {setup.pool, setup.provider} & set(listing.value["names"])
    if not absent or listing.value is None:
        return unseen(fact, "A provider of the registered name", *missing)
    there = sorted(str(name).rpartition("/")[2] for name in listing.value["names"])
    wanted = setup.provider_id if any("/providers/" in name for name in listing.value["names"]) else setup.pool_id
    if not case.text or not there:
        return cannot_tell(_ANOTHER_ERROR)
    close = next((name for name in there if differ_by_one(name, wanted)), "")
    likely = f" It looks like a typing error for {close}." if close else ""
    because = f"The id {wanted} is not among those that your project has: {', '.join(there[:10])}.{likely}"
    return confirmed(because, f"{wanted} is missing in the answer of {listing.source}.")


def pool_as_provider(case: Case) -> Ruling:
    """Whether the pool's id is registered as the provider's, and no provider is called so."""
    setup = of(case)
    if not setup.provider:
        return cannot_tell("The registered project number, pool id and provider id are not all given in full.")
    provider, pool = setup.evidence.provider(setup.provider), setup.evidence.pool(setup.pool)
    said = f"{_said(_POOL, setup.pool_id)} {_said(_PROVIDER, setup.provider_id)}"
    if provider.state is State.SEEN:
        return ruled_out("The registered provider id is that of a provider.", said, f"Shown by {provider.source}.")
    if setup.pool_id != setup.provider_id:
        if pool.state is State.SEEN:
            return ruled_out("The registered provider id is another than the pool's.", said, f"Pool: {pool.source}.")
        return cannot_tell("We do not see the pool, so we cannot tell which id is whose.", gcp.list_pools(case.values))
    if provider.state is State.ABSENT and pool.state is State.SEEN and not case.text:
        return cannot_tell(_ANOTHER_ERROR)
    if provider.state is State.ABSENT and pool.state is State.SEEN:
        because = "Both ids are the same. A pool has this id, and no provider in it."
        return confirmed(because, said, f"No such provider: {provider.source}.", f"The pool: {pool.source}.")
    return unseen(provider, "A provider of the registered name", gcp.list_providers(case.values))
