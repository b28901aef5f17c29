"""What the configuration and the evidence prove for each cause: pure functions from a Case.

Rooms: ``registration`` (the fields), ``provider``, ``audience`` and ``attributes`` (the token exchange), ``binding``
(who may use the key), ``key`` (the key, its versions, the API). ``errors`` binds them by name.
"""

from __future__ import annotations

from ekm_core.decision import Outcome
from ekm_core.gcp.proofs import binding, key, provider
from ekm_core.model import Case, ChainLink, Link, LinkState, Ruling, Verdict


def chain(case: Case) -> tuple[ChainLink, ...]:
    """The links that configuration and evidence prove or show broken; those not known are left out.

    OpenAI's own identity, the network and the request itself are never seen in the customer's project.
    """
    return tuple(link for link in (_trust(case), _permission(case), _key(case)) if link is not None)


def _trust(case: Case) -> ChainLink | None:
    rulings = (provider.wrong_number_or_id(case), provider.disabled(case), provider.deleted(case))
    for ruling in rulings:
        if ruling.verdict is Verdict.CONFIRMED:
            return ChainLink(Link.TRUST, LinkState.BROKEN, ruling.because)
    if refused := provider.refused_by_name(case):
        return ChainLink(Link.TRUST, LinkState.BROKEN, f"{refused.title}.")
    exchange = provider.exchange(case)
    if isinstance(exchange, Ruling) or exchange.outcome is Outcome.UNKNOWN:
        return None
    if exchange.outcome is Outcome.DENIED:
        return ChainLink(Link.TRUST, LinkState.BROKEN, exchange.failures[0].text)
    if any(ruling.verdict is not Verdict.RULED_OUT for ruling in rulings):
        return None
    return ChainLink(Link.TRUST, LinkState.PROVEN, "The registered provider accepts OpenAI's token.")


def _permission(case: Case) -> ChainLink | None:
    access = binding.access(case)
    if isinstance(access, Ruling):
        return None
    if access.denied:
        return ChainLink(Link.PERMISSION, LinkState.BROKEN, " ".join(access.denied[0].by))
    stopped = binding.denied_by_condition(case)
    if stopped.verdict is Verdict.CONFIRMED:
        return ChainLink(Link.PERMISSION, LinkState.BROKEN, stopped.because)
    if not access.allowed or not binding.project_denies_nothing(case):
        return None
    because = "OpenAI's principal may encrypt and decrypt, and no deny policy of the key's project forbids it."
    if stopped.verdict is not Verdict.RULED_OUT:
        because += " Deny policies of the folders and the organization above it were not seen."
    return ChainLink(Link.PERMISSION, LinkState.PROVEN, because)


def _key(case: Case) -> ChainLink | None:
    faults = (
        key.does_not_exist,
        key.not_symmetric,
        *key.VERSION_STATES,
        key.api_off_in_pool_project,
        key.api_off_in_key_project,
    )
    rulings = [fault(case) for fault in faults]
    for ruling in rulings:
        if ruling.verdict is Verdict.CONFIRMED:
            return ChainLink(Link.KEY, LinkState.BROKEN, ruling.because)
    if all(ruling.verdict is Verdict.RULED_OUT for ruling in rulings):
        because = "The key exists, is for encrypting, its primary version is enabled, and the API is on."
        return ChainLink(Link.KEY, LinkState.PROVEN, because)
    return None
