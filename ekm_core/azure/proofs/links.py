"""The chain of OpenAI's request to a key vault, as far as configuration and evidence show it."""

from __future__ import annotations

from ekm_core.model import Case, ChainLink


def chain(case: Case) -> tuple[ChainLink, ...]:
    """The links that are proven or broken."""
    return ()
