"""The process of one triage for the web: ``python -m ekm_core.triage.child FD``. ``session`` starts it and ends it.

FD: the descriptor of the uploaded bytes. On standard input: the request, one JSON object on one line, and then nothing
until the parent goes away; the end of the input ends this process. On standard output: one JSON object a line.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

from ekm_core.triage import sources
from ekm_core.triage.rows import Progress, TriageError

_MEMORY = 4 << 30
_EVERY = 0.25
"""Seconds between two words on the progress."""


def main() -> None:
    """Reads the request, does it, prints what came of it."""
    with contextlib.suppress(ValueError, OSError):  # a lower limit of the system's own stays
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    os.nice(10)  # the pages of other users go first
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        with os.fdopen(int(sys.argv[1]), "rb", sources.HEAD) as file:
            _say(_columns(file, request) if request["look"] else _triage(file, request))
    except TriageError as problem:
        _say({"problem": str(problem)})
    except MemoryError:
        _say({"problem": "This file needs more memory than one triage on this server may use."})
    os._exit(0)


def _columns(file: Any, request: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - what fdopen gives
    with ExitStack() as stack:
        return {"columns": sources.columns(file, request["name"], Progress(), stack)}


def _triage(file: Any, request: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - what fdopen gives
    from ekm_core.triage import job
    from ekm_core.triage.results import Collector

    collector = Collector(request["time"], request["customer"])
    spoken = 0.0

    def observe(seen: Progress) -> None:
        nonlocal spoken
        if (now := time.monotonic()) >= spoken + _EVERY:
            spoken = now
            _say({"rows": seen.rows, "share": seen.share})

    counts = job.run(
        request["name"],
        None,
        request["text"],
        file=file,
        collector=collector,
        observe=observe,
        unpacked_limit=request["unpacked_limit"],
    )
    return {"counts": asdict(counts), "summary": asdict(collector.summary())}


def _end_with_parent() -> None:
    while os.read(0, 1024):
        pass
    os._exit(1)


def _say(what: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(what).encode() + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
