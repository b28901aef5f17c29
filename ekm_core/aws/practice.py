"""What works and is unwise: best practice, from configuration and evidence."""

from __future__ import annotations

from ekm_core.model import Case, Finding


def findings(case: Case) -> tuple[Finding, ...]:
    """One finding for each practice that the evidence shows; nothing where it is not seen."""
    return ()
