"""What an evaluator of a cloud's own documents answers: allowed, denied, or cannot tell, and by which words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """Whether the documents let a request through."""

    ALLOWED = "allowed"
    DENIED = "denied"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Near:
    """Something in the documents that nearly lets the request through.

    kind: a slug for code (``other-subject``). text: one sentence that names the part of the document.
    """

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for one request.

    by: sentences that name the parts of the documents that decided. near: what nearly matched, for a denial.
    missing: what was not given and could change the answer. For UNKNOWN, ``by`` or ``missing`` says why.
    """

    outcome: Outcome
    by: tuple[str, ...] = ()
    near: tuple[Near, ...] = ()
    missing: tuple[str, ...] = ()
