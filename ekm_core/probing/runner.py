"""Runs the steps of a probe at the same time, each with its own deadline; one that fails stops no other."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from ekm_core import evidence, redact
from ekm_core.evidence import NOT_READ, State, outcome
from ekm_core.model import Exhibit
from ekm_core.probing import guard
from ekm_core.probing.event import LONGEST, MOST_EXHIBITS, Ended, Event, Planned, Prompted, Started, Stopped
from ekm_core.probing.step import ASK, ORIGIN, CallError, Prompt, Step, Taken, Trouble

THREADS = 8
"""So many steps run at a time; each waits for the network most of its life."""

SECONDS = 120.0
"""After so long a run is given up with what it has."""

MOST_STEPS = 400
"""A role with every policy that AWS allows takes some hundred reads."""

_PACKAGE = Path(__file__).resolve().parents[1]
_UNREADABLE = "The answer could not be read once the secrets were taken out of it."
_OUR_FAULT = "A fault in our own program stopped this step; the others went on. It is in the server's log."


@dataclass(frozen=True, slots=True)
class _Crash:
    """A fault in our own code. what: its kind and place, without a word of its message, which may hold anything."""

    what: str


_Result = Taken | CallError | _Crash


def run(steps: Iterable[Step], *, threads: int = THREADS, seconds: float = SECONDS) -> Iterator[Event]:
    """The events of all steps and of those that follow from them, as they happen.

    threads: how many steps run at a time. seconds: for the whole run. Every planned step ends exactly once. Never
    raises for what a step does. A step that is given up goes on in its thread until its call ends: the process that
    runs this is short-lived.
    """
    return _Run(threads, seconds).events(steps)


def not_read(command: str, sentence: str) -> tuple[Exhibit, ...]:
    """What stands on record of a step that brought no answer of the cloud."""
    return (Exhibit(command, None, f"{NOT_READ}{sentence}", ORIGIN),) if command else ()


def as_pasted(exhibit: Exhibit) -> Exhibit:
    """The exhibit as if its output had been pasted as one entry of a bundle: redacted, then parsed."""
    output = exhibit.text if exhibit.output is None else exhibit.output
    bundle = json.dumps([{"command": exhibit.command, "output": output}], ensure_ascii=False)
    found = evidence.read(bundle, ORIGIN).exhibits
    if len(found) == 1:
        return found[0]
    command = redact.redact(exhibit.command).text
    return Exhibit(command, None, f"{NOT_READ}{_UNREADABLE}", ORIGIN)


def ended(step: Step, result: _Result, seconds: float) -> Ended:
    """How a step ended, for what it brought or raised.

    The state is what ``evidence.outcome`` reads in the exhibit, too. Where the step and the cloud's text say different
    things, neither is a proof: it could not be checked.
    """
    if isinstance(result, Taken):
        return Ended(step.id, State.SEEN, seconds, result.exhibits[:MOST_EXHIBITS])
    if isinstance(result, _Crash):
        exhibits = not_read(step.command, _OUR_FAULT)
        return Ended(step.id, State.FAILED, seconds, exhibits, Trouble.OURS, _OUR_FAULT, crash=result.what)
    state = result.trouble.state
    text = result.text[:LONGEST]
    exhibit = as_pasted(Exhibit(step.command, None, text, ORIGIN))
    exhibits = (exhibit,) if step.command else ()
    if not text.strip() or outcome(exhibit).state is not state:
        state, exhibits = State.FAILED, not_read(step.command, result.sentence)
    return Ended(step.id, state, seconds, exhibits, result.trouble, result.sentence, result.permission, text)


def place(problem: BaseException) -> str:
    """The kind of an exception and the last line of ours that it passed: all that may stand in a log."""
    where = ""
    trace: TracebackType | None = problem.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if file.is_relative_to(_PACKAGE):
            where = f" at {file.relative_to(_PACKAGE.parent)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(problem).__name__}{where}"


class _Run:
    """One run: what waits, what runs, and what has come back."""

    def __init__(self, threads: int, seconds: float) -> None:
        self.threads = threads
        self.ends = time.monotonic() + seconds
        self.seconds = seconds
        self.waiting: deque[Step] = deque()
        self.running: dict[str, tuple[Step, float]] = {}
        self.known: set[str] = set()
        self.back: queue.SimpleQueue[tuple[str, _Result | Prompt]] = queue.SimpleQueue()

    def events(self, steps: Iterable[Step]) -> Iterator[Event]:
        yield from self.plan(steps)
        while self.waiting or self.running:
            while self.waiting and len(self.running) < self.threads and time.monotonic() < self.ends:
                yield from self.start(self.waiting.popleft())
            yield from self.next()
            if time.monotonic() >= self.ends:
                yield from self.give_up()
                return
        if len(self.known) > MOST_STEPS:
            yield Stopped(f"Only the first {MOST_STEPS} reads were made.")

    def plan(self, steps: Iterable[Step]) -> Iterator[Event]:
        for step in steps:
            if step.id in self.known:
                continue
            self.known.add(step.id)
            if len(self.known) > MOST_STEPS:
                return
            self.waiting.append(step)
            yield Planned(step.id, step.title, step.command, step.permissions)

    def start(self, step: Step) -> Iterator[Event]:
        now = time.monotonic()
        yield Started(step.id)
        try:
            threading.Thread(target=self.work, args=(step,), name=step.id, daemon=True).start()
        except RuntimeError as problem:  # no further thread: a limit of the process
            yield ended(step, _Crash(place(problem)), 0.0)
            return
        self.running[step.id] = (step, now)

    def work(self, step: Step) -> None:
        """The life of a step's thread."""

        def show(prompt: Prompt) -> None:
            if not guard.is_sign_in(prompt.url, prompt.code):
                raise CallError(Trouble.BAD_ANSWER, "The address or the code to sign in with is none of Microsoft's.")
            self.back.put((step.id, prompt))

        ASK.set(show)
        result: _Result
        try:
            result = step.run()
            if not isinstance(result, Taken):
                result = _Crash("a step brought something else than Taken")
        except CallError as problem:
            result = problem
        except MemoryError:
            result = CallError(Trouble.BAD_ANSWER, "The answer was larger than the memory that a probe may use.")
        except BaseException as problem:  # whatever it is, SystemExit too, it ends this step alone
            result = _Crash(place(problem))
        self.back.put((step.id, result))

    def next(self) -> Iterator[Event]:
        """What comes back next; where nothing does in time, the steps whose time is up."""
        due = min([self.ends, *(began + step.seconds for step, began in self.running.values())])
        try:
            id, result = self.back.get(timeout=max(0.0, due - time.monotonic()))
        except queue.Empty:
            yield from self.overdue()
            return
        if id not in self.running:
            return  # it was given up before
        step, began = self.running[id]
        if isinstance(result, Prompt):
            yield Prompted(id, result.url, result.code, result.seconds)
            return
        del self.running[id]
        event = ended(step, result, time.monotonic() - began)
        if not isinstance(result, _Crash):
            yield from self.plan(result.then)
        yield event

    def overdue(self) -> Iterator[Event]:
        now = time.monotonic()
        for step, began in list(self.running.values()):
            if now >= began + step.seconds:
                del self.running[step.id]
                sentence = f"It took longer than {step.seconds:g} seconds and was given up."
                yield ended(step, CallError(Trouble.TIMEOUT, sentence), now - began)

    def give_up(self) -> Iterator[Event]:
        """The end of a run whose time is up."""
        now = time.monotonic()
        sentence = f"The whole check took longer than {self.seconds:g} seconds; this was not read any more."
        open_steps = [*self.running.values(), *((step, now) for step in self.waiting)]
        for step, began in open_steps:
            yield ended(step, CallError(Trouble.TIMEOUT, sentence), now - began)
        if open_steps:
            yield Stopped(f"The whole check took longer than {self.seconds:g} seconds.")
