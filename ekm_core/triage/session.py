"""One triage for a page: in a process of its own, with progress, and an end at any time.

The server never parses anything itself. The bytes of an upload go to the process in a file without a name, which is
gone with it; a path of this computer is opened by the process. What comes back is bounded.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ekm_core.triage.job import Counts
from ekm_core.triage.results import MOST_KNOWN, MOST_UNKNOWN, OF_EACH, Affected, Group, Point, Summary, TableRow
from ekm_core.triage.rows import BadRow, TriageError

MOST_BYTES = 200 << 20
"""Of one upload."""
_UNPACKED = 4 << 30
_AT_ONCE = 2
"""So many run on one server at a time; more would only make each other slow."""
_SECONDS = 1800
_LOOK_SECONDS = 20
COMMAND = "python -m ekm_core triage messages.jsonl --out found.parquet"
KEPT = (
    f"The table keeps up to {MOST_KNOWN:,} messages with a known error and {MOST_UNKNOWN:,} others, spread over the "
    f"whole file, and the first {OF_EACH} of each error; the counts are of all."
)
UNLIMITED = f"The command line has no limit: {COMMAND}"
FAULT = "The triage ended by itself before it was done. The file may need more memory than it may use; try the command."

_ROOT = Path(__file__).resolve().parents[2]
_running = threading.BoundedSemaphore(_AT_ONCE)


@dataclass(frozen=True, slots=True)
class State:
    """How far a triage is. seconds: since its start. summary, counts: None until it is done. problem: one sentence."""

    rows: int = 0
    share: float = 0.0
    seconds: float = 0.0
    summary: Summary | None = None
    counts: Counts | None = None
    problem: str = ""

    @property
    def running(self) -> bool:
        """Whether more is to come."""
        return self.summary is None and not self.problem

    @property
    def sentence(self) -> str:
        """Rows, rate and remaining time."""
        if not self.rows:
            return "Reading begins …"
        rate = self.rows / self.seconds if self.seconds else 0.0
        text = f"{self.rows:,} rows, {rate:,.0f} a second"
        if self.share > 0.02:
            text += f", about {self.seconds / self.share - self.seconds:,.0f} seconds left"
        return text


class Session:
    """A triage that runs. It ends with ``cancel``, or when nobody holds this object any more."""

    def __init__(self, data: bytes | None, name: str, text: str, time_column: str = "", customer: str = "") -> None:
        """Starts it. Raises TriageError where it cannot be started.

        data: an upload, and name its name; or None, and name a path of this computer: a file, a folder or a pattern.
            Whoever calls makes sure that this person may read what the server may.
        text: the column of the messages; "" where the input has none.
        """
        if data is not None and len(data) > MOST_BYTES:
            said = f"The upload has {len(data) >> 20:,} MB, and {MOST_BYTES >> 20} can be taken."
            raise TriageError(f"{said} {UNLIMITED}")
        if not _running.acquire(blocking=False):
            raise TriageError(f"{_AT_ONCE} triages run on this server already. Please try again when one is done.")
        self.column = text
        self.customer = customer
        self._box: list[State] = [State()]
        request = {"text": text or "text", "time": time_column, "customer": customer, "look": False}
        try:
            self._process = _start(data, name, {**request, "unpacked_limit": 0 if data is None else _UNPACKED})
        except BaseException:
            _running.release()
            raise
        clock = threading.Timer(_SECONDS, self._process.kill)
        clock.daemon = True
        if data is not None:  # what lies on a person's own computer may take as long as it does
            clock.start()
        threading.Thread(target=_follow, args=(self._process, self._box, clock), daemon=True).start()
        self._end = weakref.finalize(self, self._process.kill)

    @property
    def state(self) -> State:
        """How far it is now."""
        return self._box[0]

    def cancel(self) -> None:
        """Ends the process at once."""
        self._end()


def columns(data: bytes | None, name: str) -> tuple[str, ...]:
    """The columns of what a ``Session`` would read, by a process too. Raises TriageError with a sentence."""
    process = _start(data, name, {"look": True})
    clock = threading.Timer(_LOOK_SECONDS, process.kill)
    clock.start()
    with process:
        # its input stays open until it has spoken: the end of the input would end it
        line = process.stdout.readline() if process.stdout else b""
        clock.cancel()
        process.kill()
    said = json.loads(line) if line.strip() else {"problem": "The columns could not be read in time."}
    if "problem" in said:
        raise TriageError(said["problem"])
    return tuple(said["columns"])


def _start(data: bytes | None, name: str, request: Mapping[str, Any]) -> subprocess.Popen[bytes]:
    handed: tuple[int, ...] = ()
    with ExitStack() as stack:
        if data is None:
            name = _whole(name)
        else:
            file = stack.enter_context(tempfile.TemporaryFile())
            file.write(data)
            file.flush()
            file.seek(0)
            handed = (file.fileno(),)
        # A program of its own and no fork of the server, which has threads.
        process = subprocess.Popen(  # noqa: S603 - our own module, and a number
            [sys.executable, "-m", "ekm_core.triage.child", *map(str, handed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=handed,
            cwd=_ROOT,
        )
    if process.stdin is not None:
        process.stdin.write(json.dumps({"name": name, **request}).encode() + b"\n")
        process.stdin.flush()
    return process


def _whole(path: str) -> str:
    """A path that means the same whatever folder the server was started in. Raises TriageError for another one."""
    found = os.path.expanduser(path.strip())  # Path's own raises where there is no such person
    if "\0" in found or not Path(found).is_absolute():
        raise TriageError("Write the whole path, from its beginning: /… or ~/….")
    return found


def _follow(process: subprocess.Popen[bytes], box: list[State], clock: threading.Timer) -> None:
    """The thread that reads what the process says, until it ends. Holds no session, so that one can be forgotten."""
    import orjson  # the result has megabytes, and all sessions wait while it is read

    began = time.monotonic()
    try:
        for line in process.stdout or ():
            said = orjson.loads(line)
            seconds = time.monotonic() - began
            if "problem" in said:
                box[0] = State(seconds=seconds, problem=said["problem"])
            elif "summary" in said:
                summary, counts = _summary(said["summary"]), _counts(said["counts"])
                box[0] = State(counts.rows, 1.0, seconds, summary, counts)
            else:
                box[0] = State(said["rows"], said["share"], seconds)
    finally:
        process.kill()
        process.wait()
        clock.cancel()
        _running.release()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        if box[0].running:
            box[0] = State(box[0].rows, problem=FAULT)


def _summary(plain: dict[str, Any]) -> Summary:
    kinds = {"over_time": Point, "affected": Affected, "groups": Group, "table": TableRow}
    made = {name: tuple(kind(**item) for item in plain[name]) for name, kind in kinds.items()}
    return Summary(**{**plain, **made})


def _counts(plain: dict[str, Any]) -> Counts:
    return Counts(**{**plain, "named": tuple(BadRow(**item) for item in plain["named"])})
