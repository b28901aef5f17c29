"""Readers of the forms in which people keep a configuration; each turns a text into ``Draft``s and judges nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Draft:
    """One key as it was written: names and values as they stand there, not yet checked.

    organization_id: where the form gave it beside the body (a header). source: the form in words.
    """

    fields: Mapping[str, object]
    source: str
    organization_id: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """What one reader found: drafts, and sentences on what it could not use."""

    drafts: tuple[Draft, ...] = ()
    problems: tuple[str, ...] = field(default=())


def open_value(name: str) -> str:
    """The placeholder that stands for a value which only the user's program or shell knows."""
    clean = "".join(character if character.isalnum() else "_" for character in name[:40]).strip("_")
    return f"<{clean.upper() or 'VALUE'}>"
