"""The links of the chain that configuration and evidence prove or show broken."""

from __future__ import annotations

from ekm_core.aws.errors import sts_assume_role_denied
from ekm_core.model import Case, Cause, ChainLink, Link, LinkState, Verdict


def chain(case: Case) -> tuple[ChainLink, ...]:
    """Trust, permission and key, as far as they are known; network and request no evidence shows."""
    return tuple(_link(Link.TRUST, sts_assume_role_denied.ERROR.causes, case))


def _link(link: Link, causes: tuple[Cause, ...], case: Case) -> tuple[ChainLink, ...]:
    """Broken where a cause holds, proven where each that evidence can show is ruled out; else nothing."""
    rulings = [cause.proof(case) for cause in causes if cause.proof is not None]
    for ruling in rulings:
        if ruling.verdict is Verdict.CONFIRMED:
            return (ChainLink(link, LinkState.BROKEN, ruling.because),)
    if all(ruling.verdict is Verdict.RULED_OUT for ruling in rulings):
        return (ChainLink(link, LinkState.PROVEN, rulings[0].because),)
    return ()
