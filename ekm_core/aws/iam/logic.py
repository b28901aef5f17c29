"""Three-valued logic: True, False, and None for what cannot be known offline (Kleene's tables)."""

from __future__ import annotations

from collections.abc import Iterable

Tri = bool | None


def all_of(parts: Iterable[Tri]) -> Tri:
    """False if any part is False, else None if any is unknown, else True."""
    outcome: Tri = True
    for part in parts:
        if part is False:
            return False
        if part is None:
            outcome = None
    return outcome


def any_of(parts: Iterable[Tri]) -> Tri:
    """True if any part is True, else None if any is unknown, else False."""
    outcome: Tri = False
    for part in parts:
        if part is True:
            return True
        if part is None:
            outcome = None
    return outcome


def negate(part: Tri) -> Tri:
    """The opposite; what is unknown stays unknown."""
    return None if part is None else not part
