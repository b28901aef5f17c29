"""What the configuration and the evidence prove for each cause of Azure's errors. Pure functions from a Case.

The proofs need the evaluator and the reader of evidence. A bare paste needs neither, so both are loaded when the first
proof is asked for (``later``), not when the errors are.
"""

from __future__ import annotations

import importlib

from ekm_core.model import Case, ChainLink, Check, Ruling


def later(module: str, name: str) -> Check:
    """The proof ``name`` of ``ekm_core.azure.proofs.<module>``, loaded at its first call."""

    def proof(case: Case) -> Ruling:
        found: Check = getattr(importlib.import_module(f"{__name__}.{module}"), name)
        return found(case)

    return proof


def chain(case: Case) -> tuple[ChainLink, ...]:
    """The links that configuration and evidence prove or show broken; those not known are left out."""
    from ekm_core.azure.proofs import links

    return links.chain(case)
