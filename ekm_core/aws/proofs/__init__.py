"""What the configuration and the evidence prove for each cause of AWS's errors. Pure functions from a Case.

The proofs need the policy evaluator and the reader of evidence. A bare paste needs neither, so both are loaded when the
first proof is asked for (``later``), not when the errors are.
"""

from __future__ import annotations

import importlib

from ekm_core.model import Case, ChainLink, Check, Ruling


def later(module: str, name: str) -> Check:
    """The proof ``name`` of ``ekm_core.aws.proofs.<module>``, loaded at its first call."""

    def proof(case: Case) -> Ruling:
        found: Check = getattr(importlib.import_module(f"{__name__}.{module}"), name)
        return found(case)

    return proof


def chain(case: Case) -> tuple[ChainLink, ...]:
    """What configuration and evidence say of the links trust, permission and key; nothing of the others."""
    from ekm_core.aws.proofs.links import chain as known

    return known(case)
