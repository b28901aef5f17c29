"""What a run tells while it is under way, and its form on the wire between the child process and its parent."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ekm_core.evidence import State
from ekm_core.model import Exhibit
from ekm_core.probing.step import ORIGIN, Trouble

LONGEST = 20_000
"""No text of an event but an exhibit's is longer, in characters."""

MOST_EXHIBITS = 500
"""No step brings more; a page of a list is one exhibit."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A step is going to run. command: the cloud's own command line that would read the same."""

    step: str
    title: str
    command: str
    permissions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Started:
    """A step runs now."""

    step: str


@dataclass(frozen=True, slots=True)
class Prompted:
    """A step waits for a person, who has to open ``url`` and enter ``code`` within ``seconds``."""

    step: str
    url: str
    code: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Ended:
    """A step is over; each planned one ends exactly once.

    state: SEEN, ABSENT, REFUSED or FAILED (the last two: could not check). trouble and sentence: why, and what to do,
    unless SEEN. permission: the missing one, where it is known. exhibits: what it brought; for a failure what
    ``evidence.outcome`` reads as the same state. text: the cloud's own error, "" where it gave none. errors: ids of the
    known errors in it, the root first. crash: the kind and place of a fault in our own code, for the log.
    """

    step: str
    state: State
    seconds: float
    exhibits: tuple[Exhibit, ...] = ()
    trouble: Trouble | None = None
    sentence: str = ""
    permission: str = ""
    text: str = ""
    errors: tuple[str, ...] = ()
    crash: str = ""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The whole run ended early; what it brought until then counts. sentence: why, and what to do."""

    sentence: str
    crash: str = ""


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing happened; the run is ``seconds`` old. It lets a page move its clock and notice that it was left."""

    seconds: float


Event = Planned | Started | Prompted | Ended | Stopped | Tick

_NAMES: Mapping[str, type[Planned | Started | Prompted | Ended | Stopped]] = {
    "planned": Planned,
    "started": Started,
    "prompted": Prompted,
    "ended": Ended,
    "stopped": Stopped,
}
_KINDS = {kind: name for name, kind in _NAMES.items()}


class WireError(ValueError):
    """What the child wrote is no event."""


def encode(event: Planned | Started | Prompted | Ended | Stopped) -> dict[str, Any]:
    """The event as JSON can carry it."""
    plain = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
    if isinstance(event, Ended):
        # The raw text where there is no JSON, as in a bundle: the parent reads it as it reads a paste.
        plain["exhibits"] = [
            {"command": item.command, "output": item.text if item.output is None else item.output}
            for item in event.exhibits
        ]
    return {"event": _KINDS[type(event)], **plain}


def decode(message: object) -> Planned | Started | Prompted | Ended | Stopped:
    """The event in a message of the child. Raises WireError for all that has not exactly an event's form.

    The exhibits are as the child sent them: not redacted, not parsed.
    """
    if not isinstance(message, dict):
        raise WireError("no object")
    kind = _NAMES.get(str(message.get("event")))
    if kind is None or set(message) != {"event", *(field.name for field in dataclasses.fields(kind))}:
        raise WireError("unknown event or fields")
    values: dict[str, Any] = {name: value for name, value in message.items() if name != "event"}
    try:
        if kind is Ended:
            values["state"] = State(values["state"])
            values["trouble"] = None if values["trouble"] is None else Trouble(values["trouble"])
            values["exhibits"] = tuple(_exhibit(item) for item in _list(values["exhibits"], MOST_EXHIBITS))
    except ValueError as problem:
        raise WireError("unknown state or trouble") from problem
    for name in ("permissions", "errors"):
        if name in values:
            values[name] = tuple(_text(item) for item in _list(values[name], MOST_EXHIBITS))
    if "seconds" in values:
        values["seconds"] = _number(values["seconds"])
    for name, value in values.items():
        if not isinstance(value, tuple | float | State | Trouble | None):
            values[name] = _text(value)
    return kind(**values)


def _exhibit(item: object) -> Exhibit:
    if not isinstance(item, dict) or set(item) != {"command", "output"}:
        raise WireError("no exhibit")
    output = item["output"]
    text = output if isinstance(output, str) else ""
    return Exhibit(_text(item["command"]), None if isinstance(output, str) else output, text, ORIGIN)


def _list(value: object, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise WireError("no list, or too long")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise WireError("no text")
    return value[:LONGEST]


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise WireError("no number")
    return float(value)
