"""The chain of OpenAI's request to a key vault, as far as configuration and evidence show it."""

from __future__ import annotations

from ekm_core import catalogue
from ekm_core.azure.proofs import access, identity, names, vault
from ekm_core.azure.proofs.setting import Setting, setting
from ekm_core.decision import Outcome
from ekm_core.model import Case, ChainLink, Check, Link, LinkState, Provider, Verdict

# A link is proven where each of these proofs says that its fault is not there.
_RULED_OUT: dict[Link, tuple[Check, ...]] = {
    Link.IDENTITY: (identity.not_created, identity.wrong_tenant, identity.disabled),
    Link.TRUST: (identity.wrong_tenant, identity.vault_moved),
    Link.PERMISSION: (
        access.role_not_assigned,
        access.role_lacks_action,
        access.access_policy_mode,
        access.deny_assignment,
    ),
    Link.NETWORK: (vault.network,),
    Link.KEY: (vault.disabled, vault.expired, vault.not_yet_valid, vault.wrong_type, vault.operations),
    Link.REQUEST: (names.no_prefix, names.no_dashes, names.forbidden_character, names.other_organization),
}
_BECAUSE = {
    Link.IDENTITY: "OpenAI's service principal exists in the vault's tenant and is switched on.",
    Link.TRUST: "The vault trusts the registered tenant.",
    Link.PERMISSION: "A role lets OpenAI encrypt, decrypt and read the key, and no deny assignment stands against it.",
    Link.NETWORK: "The vault takes calls from every public address.",
    Link.KEY: "The key is an enabled RSA key that permits encrypt and decrypt.",
    Link.REQUEST: "The key's name has the form that OpenAI demands, with your organization id.",
}


def chain(case: Case) -> tuple[ChainLink, ...]:
    """The links that are proven or broken, in the order in which OpenAI's request walks them."""
    known = setting(case)
    if known is None:
        return ()
    broken = _broken(case)
    found: list[ChainLink] = []
    for link in Link:
        if link in broken:
            found.append(ChainLink(link, LinkState.BROKEN, broken[link]))
        elif all(proof(case).verdict is Verdict.RULED_OUT for proof in _RULED_OUT[link]) and _whole(link, known):
            found.append(ChainLink(link, LinkState.PROVEN, _BECAUSE[link]))
    return tuple(found)


def _whole(link: Link, known: Setting) -> bool:
    """Whether roles give all that OpenAI needs: a cause may be ruled out where another one holds."""
    if link is not Link.PERMISSION:
        return True
    found = access.access(known)
    return isinstance(found, access.Access) and all(outcome is Outcome.ALLOWED for outcome in found.outcomes.values())


def _broken(case: Case) -> dict[Link, str]:
    """The first confirmed cause of each link."""
    broken: dict[Link, str] = {}
    for error in catalogue.errors().values():
        if error.provider is not Provider.AZURE:
            continue
        for cause in error.causes:
            if cause.proof is not None and error.link not in broken:
                ruling = cause.proof(case)
                if ruling.verdict is Verdict.CONFIRMED:
                    broken[error.link] = f"{cause.title}. {ruling.because}"
    return broken
