"""The process in which one live probe runs: ``python -m ekm_core.probing.child``. ``live`` starts it and ends it.

On standard input: the request, one JSON object on one line, and then nothing until the parent goes away; the end of the
input ends this process. On standard output: events, one JSON object a line. Credentials are in this process alone, and
go with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import resource
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from ekm_core.credentials import Credentials, is_ambient, load
from ekm_core.model import Configuration, Provider
from ekm_core.probing import guard, runner
from ekm_core.probing.event import Event, Stopped, Tick, encode
from ekm_core.probing.step import Step, Taken

_MEMORY = 4 << 30
"""Of address space, which threads and libraries take generously; an answer is bounded long before."""

_CPU_SECONDS = 300
_GRACE = 10.0
"""So many seconds behind the end of its own run this process ends itself, should nobody do it."""

_NOT_DUMPABLE = 4  # PR_SET_DUMPABLE of <linux/prctl.h>


def main() -> None:
    """Reads the request, runs it, prints the events."""
    _limit()
    out = _own_output()
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    seconds = float(request["seconds"])
    clock = threading.Timer(seconds + _GRACE, os._exit, (1,))
    clock.daemon = True
    clock.start()
    try:
        for event in _events(request, seconds):
            _print(out, event)
    except Exception as problem:  # the text of it may hold anything, so only its kind and place go out
        _print(out, Stopped("A fault in our own program stopped the check. It is in the log.", runner.place(problem)))
    os._exit(0)  # without waiting for the threads of steps that were given up


def _events(request: Mapping[str, Any], seconds: float) -> Iterator[Event]:
    plain = request["configuration"]
    configuration = None
    if plain is not None:
        configuration = Configuration(Provider(plain["provider"]), plain["fields"], plain["organization_id"])
    credentials, openai = load(request["credentials"]), load(request["openai"])
    steps: list[Step] = []
    if configuration is not None:
        steps += _planned(configuration.provider, "steps", configuration, credentials)
        if request["round_trip"]:
            steps += _planned(configuration.provider, "round_trip", configuration, credentials)
    if openai is not None:
        steps += _planned(Provider.OPENAI, "steps", configuration, openai)
    if not is_ambient(credentials):
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # no library can put a token into a file
        guard.watch(guard.proxies(os.environ))
    return runner.run(steps, seconds=seconds)


def _planned(
    provider: Provider, name: str, configuration: Configuration | None, credentials: Credentials | None
) -> tuple[Step, ...]:
    """The steps of one provider's probe; where it cannot plan them, one step that says why, so that others go on."""
    try:
        probe = importlib.import_module(f"ekm_core.{provider}.probe")
        found: tuple[Step, ...] = getattr(probe, name)(configuration, credentials)
    except Exception as problem:  # of whatever kind: the runner tells a CallError and a fault of ours apart
        fault = problem

        def fail() -> Taken:
            raise fault

        return (Step(f"{provider}-{name}", f"Plan the calls to {provider.label}", "", fail),)
    return found


def _limit() -> None:
    for what, limit in (
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_CPU, _CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
    ):
        # A lower limit of the system's own stays; some systems know no limit of the address space.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (limit, limit))
    if sys.platform == "linux":
        # No dump to a program that gathers them (the limit above does not count for those), and no debugger.
        ctypes.CDLL(None).prctl(_NOT_DUMPABLE, 0, 0, 0, 0)


def _own_output() -> int:
    """The events' own way out: whatever a library prints goes nowhere."""
    out = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return out


def _end_with_parent() -> None:
    """Waits for the end of the input, which the parent keeps open as long as it wants the answers."""
    while os.read(0, 1024):
        pass
    os._exit(1)


def _print(out: int, event: Event) -> None:
    if isinstance(event, Tick):
        return
    rest = memoryview(json.dumps(encode(event), ensure_ascii=False).encode("utf-8", "replace") + b"\n")
    while rest:
        rest = rest[os.write(out, rest) :]


if __name__ == "__main__":
    main()
