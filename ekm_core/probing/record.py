"""What a run brought: its events put together, for a page, a report or the command line."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from ekm_core.model import Exhibit
from ekm_core.openai import evidence as openai
from ekm_core.probing.event import Ended, Event, Planned, Started, Stopped


@dataclass(slots=True)
class Line:
    """One step: planned, perhaps running, perhaps over."""

    planned: Planned
    started: bool = False
    ended: Ended | None = None

    def as_dict(self) -> dict[str, Any]:
        """The public JSON form (schema 1)."""
        end = self.ended
        return {
            "id": self.planned.step,
            "title": self.planned.title,
            "command": self.planned.command,
            "permissions": list(self.planned.permissions),
            "state": end.state if end else "open",
            "trouble": end.trouble if end else None,
            "sentence": end.sentence if end else "",
            "permission": end.permission if end else "",
            "errors": list(end.errors) if end else [],
            "seconds": round(end.seconds, 3) if end else None,
        }


@dataclass(slots=True)
class Record:
    """A run so far. stopped: why it ended early, "" where it did not."""

    lines: dict[str, Line] = field(default_factory=dict)
    stopped: str = ""

    def add(self, event: Event) -> None:
        """Take one more event of the run."""
        if isinstance(event, Planned):
            self.lines[event.step] = Line(event)
        elif isinstance(event, Started):
            self.lines[event.step].started = True
        elif isinstance(event, Ended):
            self.lines[event.step].ended = event
        elif isinstance(event, Stopped):
            self.stopped = event.sentence

    @property
    def ended(self) -> tuple[Ended, ...]:
        """The steps that are over, in the order in which they were planned."""
        return tuple(line.ended for line in self.lines.values() if line.ended)

    @property
    def exhibits(self) -> tuple[Exhibit, ...]:
        """All evidence, in the order in which its steps were planned."""
        return tuple(exhibit for end in self.ended for exhibit in end.exhibits)

    def bundle(self) -> str:
        """The evidence as the JSON that ``evidence.read`` takes, as from the cloud's own script."""
        entries = [
            {"command": exhibit.command, "output": exhibit.text if exhibit.output is None else exhibit.output}
            for exhibit in self.exhibits
        ]
        return json.dumps(entries, indent=2, ensure_ascii=False)

    @property
    def said_by_openai(self) -> str:
        """The errors that the cloud gave OpenAI, as OpenAI hands them back, to diagnose; "" where there is none.

        A step with a trouble of its own says nothing of that: there it was the user's own call that failed.
        """
        exhibits = (exhibit for end in self.ended if not end.trouble for exhibit in end.exhibits)
        return "\n".join(found.error for found in openai.validations(exhibits) if found.error)
