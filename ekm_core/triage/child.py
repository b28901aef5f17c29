"""The process of one triage for the web: ``python -m ekm_core.triage.child [FD]``. ``session`` starts it and ends it.

FD: the descriptor of the uploaded bytes; without one the request names a path of this computer. On standard input: the
request, one JSON object on one line, and then nothing until the parent goes away; the end of the input ends this
process. On standard output: one JSON object a line.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import stat
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from ekm_core.triage import sources
from ekm_core.triage.rows import Progress, TriageError

_MEMORY = 4 << 30
_EVERY = 0.25
"""Seconds between two words on the progress."""
_LOOKED_INTO = 20
"""Of many files so many are opened in search of columns to choose from."""


def main() -> None:
    """Reads the request, does it, prints what came of it."""
    with contextlib.suppress(ValueError, OSError):  # a lower limit of the system's own stays
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    os.nice(10)  # the pages of other users go first
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        with ExitStack() as stack:
            file = stack.enter_context(os.fdopen(int(sys.argv[1]), "rb", sources.HEAD)) if len(sys.argv) > 1 else None
            if file is None:
                _refuse_devices(request["name"])
            _say(_look(file, request["name"]) if request["look"] else _triage(file, request))
    except TriageError as problem:
        _say({"problem": _sentence(str(problem))})
    except OSError as problem:
        _say({"problem": f"What was to be read cannot be read to its end: {problem.strerror}."})
    except MemoryError:
        _say({"problem": "This file needs more memory than one triage on this server may use."})
    os._exit(0)


def _sentence(problem: str) -> str:
    """The command line's words as a sentence of its own."""
    return f"{problem[:1].upper()}{problem[1:].removesuffix('.')}."


def _refuse_devices(path: str) -> None:
    """A device or a pipe may have no end, and a pipe no other side."""
    with contextlib.suppress(OSError):  # said by whatever opens it
        if not stat.S_ISREG(mode := Path(path).stat().st_mode) and not stat.S_ISDIR(mode):
            raise TriageError(f"{path!r} is neither a file nor a folder")


def _look(file: BinaryIO | None, name: str) -> dict[str, Any]:
    """The columns of the first file that has any."""
    if file is not None:
        return {"columns": _columns(file, name)}
    named = sources.paths(name)
    if len(named) == 1:
        return {"columns": _columns_at(named[0])}
    for one in named[:_LOOKED_INTO]:
        with contextlib.suppress(TriageError):  # the run itself will say so
            if found := _columns_at(one):
                return {"columns": found}
    return {"columns": ()}


def _columns_at(path: str) -> tuple[str, ...]:
    with ExitStack() as stack:
        return _columns(sources.opened(path, stack, Progress()), path)


def _columns(file: BinaryIO, name: str) -> tuple[str, ...]:
    if not file.read(1):
        raise TriageError("the file is empty")
    file.seek(0)
    with ExitStack() as stack:
        return sources.columns(file, name, Progress(), stack)


def _triage(file: BinaryIO | None, request: dict[str, Any]) -> dict[str, Any]:
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
