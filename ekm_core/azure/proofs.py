"""What the configuration and the evidence prove for each cause. Pure functions from a Case."""

from __future__ import annotations

from ekm_core.model import Case, ChainLink


def chain(case: Case) -> tuple[ChainLink, ...]:
    """The links that configuration and evidence prove or show broken; those not known are left out."""
    return ()
