"""The links of the chain that configuration and evidence prove or show broken."""

from __future__ import annotations

from collections.abc import Iterable

from ekm_core.aws.errors import (
    kms_access_denied,
    kms_invalid_state,
    kms_key_disabled,
    kms_key_not_found,
    kms_wrong_key_type,
    sts_assume_role_denied,
)
from ekm_core.model import Case, ChainLink, KnownError, Link, LinkState, Verdict

_ERRORS = {
    Link.TRUST: (sts_assume_role_denied,),
    Link.PERMISSION: (kms_access_denied,),
    Link.KEY: (kms_key_not_found, kms_key_disabled, kms_invalid_state, kms_wrong_key_type),
}
_PROVEN = {
    Link.TRUST: "The role exists, its trust policy lets OpenAI in, and no organization's policy can stand above it.",
    Link.PERMISSION: "The role's policies and the key policy let the role encrypt and decrypt, and nothing denies it.",
    Link.KEY: "The key exists, is enabled, and is a symmetric key for encryption.",
}


def chain(case: Case) -> tuple[ChainLink, ...]:
    """Trust, permission and key: broken where a cause holds, proven where each cause is ruled out that evidence can
    show, unknown with what is missing where one is open. Of the other links nothing is known."""
    return tuple(_link(link, (module.ERROR for module in modules), case) for link, modules in _ERRORS.items())


def _link(link: Link, errors: Iterable[KnownError], case: Case) -> ChainLink:
    # Which key is meant is a matter of what the policies name, so of the permission alone.
    rulings = [
        cause.proof(case)
        for error in errors
        for cause in error.causes
        if cause.proof is not None and (link is not Link.KEY or cause.id != "other-key")
    ]
    for verdict, state in ((Verdict.CONFIRMED, LinkState.BROKEN), (Verdict.CANNOT_TELL, LinkState.UNKNOWN)):
        found = next((ruling for ruling in rulings if ruling.verdict is verdict), None)
        if found is not None:
            return ChainLink(link, state, found.because)
    return ChainLink(link, LinkState.PROVEN, _PROVEN[link])
