"""The links of the chain that configuration and evidence prove or show broken."""

from __future__ import annotations

from collections.abc import Iterable

from ekm_core.aws import trail
from ekm_core.aws.errors import (
    kms_access_denied,
    kms_invalid_state,
    kms_key_disabled,
    kms_key_not_found,
    kms_wrong_key_type,
    sts_assume_role_denied,
)
from ekm_core.aws.proofs import common
from ekm_core.model import Case, ChainLink, KnownError, Link, LinkState, Verdict

_ERRORS = {
    Link.TRUST: (sts_assume_role_denied,),
    Link.PERMISSION: (kms_access_denied,),
    Link.KEY: (kms_key_not_found, kms_key_disabled, kms_invalid_state, kms_wrong_key_type),
}
_PROVEN = {
    Link.TRUST: "The role exists and its trust policy lets OpenAI in.",
    Link.PERMISSION: "The role's policies and the key policy let the role encrypt and decrypt, and nothing denies it.",
    Link.KEY: "The key exists, is enabled, and is a symmetric key for encryption.",
}

# A member account cannot read its organization's policies: the link is then proven by the account's own documents.
_ORGANIZATION = ("resource-control-policy", "service-control-policy")
_UNSEEN = " This is what your account's own documents show; policies of your AWS organization were not seen."


def chain(case: Case) -> tuple[ChainLink, ...]:
    """Trust, permission and key. Broken where a cause holds; proven where each cause that the account's own evidence
    can show is ruled out; unknown, with what is missing, where one is open. Of the other links CloudTrail may know."""
    setting = common.setting(case)
    called = trail.proven(setting) if setting else {}
    return (
        *(_link(link, (module.ERROR for module in modules), case) for link, modules in _ERRORS.items()),
        *(ChainLink(link, LinkState.PROVEN, because) for link, because in called.items()),
    )


def _link(link: Link, errors: Iterable[KnownError], case: Case) -> ChainLink:
    causes = [
        cause
        for error in errors
        for cause in error.causes
        # Which key is meant is a matter of what the policies name, so of the permission alone.
        if cause.proof is not None and (link is not Link.KEY or cause.id != "other-key")
    ]
    rulings = [(cause.id, cause.proof(case)) for cause in causes if cause.proof is not None]
    unseen = [name for name, ruling in rulings if name in _ORGANIZATION and ruling.verdict is Verdict.CANNOT_TELL]
    for verdict, state in ((Verdict.CONFIRMED, LinkState.BROKEN), (Verdict.CANNOT_TELL, LinkState.UNKNOWN)):
        found = next((ruling for name, ruling in rulings if ruling.verdict is verdict and name not in unseen), None)
        if found is not None:
            return ChainLink(link, state, found.because)
    return ChainLink(link, LinkState.PROVEN, _PROVEN[link] + (_UNSEEN if unseen else ""))
