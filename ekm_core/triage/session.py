"""One triage for a page: in a process of its own, with progress, and an end at any time.

The server never parses an upload itself. The bytes go to the process in a file without a name, which is gone with it;
what comes back is bounded.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ekm_core.triage.job import Counts
from ekm_core.triage.results import MOST_KNOWN, MOST_UNKNOWN, Affected, Group, Point, Summary, TableRow
from ekm_core.triage.rows import BadRow, TriageError

MOST_BYTES = 200 << 20
"""Of one upload."""
_UNPACKED = 4 << 30
_AT_ONCE = 2
"""So many run on one server at a time; more would only make each other slow."""
_SECONDS = 1800
_LOOK_SECONDS = 20
COMMAND = "python -m ekm_core triage messages.jsonl --out found.parquet"
LIMITS = (
    f"The table keeps the first {MOST_KNOWN:,} messages with a known error and the first "
    f"{MOST_UNKNOWN:,} others; the counts are of all. The command line has no limit: {COMMAND}"
)
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
        rate = self.rows / self.seconds if self.seconds else 0.0
        text = f"{self.rows:,} rows, {rate:,.0f} a second"
        if self.share > 0.02:
            text += f", about {self.seconds / self.share - self.seconds:,.0f} seconds left"
        return text


class Session:
    """A triage that runs. It ends with ``cancel``, or when nobody holds this object any more."""

    def __init__(
        self, data: bytes | memoryview, name: str, text: str, time_column: str = "", customer: str = ""
    ) -> None:
        """Starts it. name: the upload's, for its ending. Raises TriageError where it cannot be started."""
        if len(data) > MOST_BYTES:
            raise TriageError(f"The upload has {len(data) >> 20:,} MB, and {MOST_BYTES >> 20} can be taken. {LIMITS}")
        if not _running.acquire(blocking=False):
            raise TriageError(f"{_AT_ONCE} triages run on this server already. Please try again when one is done.")
        self._box: list[State] = [State()]
        request = {"name": name, "text": text or "text", "time": time_column, "customer": customer, "look": False}
        try:
            self._process = _start(data, {**request, "unpacked_limit": _UNPACKED})
        except BaseException:
            _running.release()
            raise
        self._clock = threading.Timer(_SECONDS, self._process.kill)
        self._clock.daemon = True
        self._clock.start()
        threading.Thread(target=_follow, args=(self._process, self._box, self._clock), daemon=True).start()
        self._end = weakref.finalize(self, self._process.kill)

    @property
    def state(self) -> State:
        """How far it is now."""
        return self._box[0]

    def cancel(self) -> None:
        """Ends the process at once."""
        self._end()


def columns(data: bytes | memoryview, name: str) -> tuple[str, ...]:
    """The columns of an upload, read by a process too; () where it has none. Raises TriageError with a sentence."""
    process = _start(data, {"name": name, "look": True})
    clock = threading.Timer(_LOOK_SECONDS, process.kill)
    clock.start()
    with process:
        # its input stays open until it has spoken: the end of the input would end it
        line = process.stdout.readline() if process.stdout else b""
        clock.cancel()
        process.kill()
    said = json.loads(line) if line.strip() else {"problem": "The columns of this file could not be read in time."}
    if "problem" in said:
        raise TriageError(said["problem"])
    return tuple(said["columns"])


def _start(data: bytes | memoryview, request: Mapping[str, Any]) -> subprocess.Popen[bytes]:
    # A program of its own and no fork of the server, which has threads.
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        file.seek(0)
        process = subprocess.Popen(  # noqa: S603 - our own module, and a number
            [sys.executable, "-m", "ekm_core.triage.child", str(file.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(file.fileno(),),
            cwd=_ROOT,
        )
    if process.stdin is not None:
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
    return process


def _follow(process: subprocess.Popen[bytes], box: list[State], clock: threading.Timer) -> None:
    """The thread that reads what the process says, until it ends. Holds no session, so that one can be forgotten."""
    began = time.monotonic()
    try:
        for line in process.stdout or ():
            said = json.loads(line)
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
