"""One triage from end to end: read, classify, count, write; see the top of the package."""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, TextIO, TypeVar

from ekm_core.triage import pool, sinks, sources
from ekm_core.triage.rows import BadRow, Batch, Progress
from ekm_core.triage.work import Done, Plan, Worker

if TYPE_CHECKING:
    from ekm_core.triage.results import Collector

_T = TypeVar("_T")
_LARGE = 200 << 20  # bytes, from which a scanner earns the two seconds of its making


@dataclass(frozen=True, slots=True)
class Counts:
    """What a run found.

    rows: messages classified. by_error: messages by their first error, the most frequent first. bad: rows left out;
    named: the first twenty of them, each with the reason. silent: audit records without an error, which are no
    messages. mended: rows among the messages whose bytes were not UTF-8. seconds: wall-clock time.
    """

    rows: int
    by_error: Mapping[str, int]
    bad: int
    named: tuple[BadRow, ...]
    seconds: float
    silent: int = 0
    mended: int = 0

    @property
    def bad_rows(self) -> tuple[int, ...]:
        """The numbers of the rows in ``named``."""
        return tuple(row.number for row in self.named)

    @property
    def matched(self) -> int:
        """How many messages hold a known error."""
        return sum(self.by_error.values())

    def table(self) -> str:
        """The counts as lines for a terminal."""
        lines = [f"{count:>10,}  {error_id}" for error_id, count in self.by_error.items()]
        lines.append(f"{self.rows - self.matched:>10,}  no known error")
        lines.append(f"{self.rows:>10,}  messages")
        if self.bad:
            numbers = ", ".join(map(str, self.bad_rows)) + (" …" if self.bad > len(self.bad_rows) else "")
            if any(row.file for row in self.named):
                numbers = "the first are" if self.bad > len(self.named) else "they are"
            lines.append(f"{self.bad:>10,}  rows could not be read and were left out: {numbers}")
            lines += [f"            {row.sentence}" for row in self.named]
        if self.silent:
            lines.append(f"{self.silent:>10,}  audit records without an error")
        if self.mended:
            lines.append(f"{self.mended:>10,}  messages held bytes that are not UTF-8, read as \ufffd")
        return "\n".join(lines)


def run(
    source: str,
    out: str | None,
    text_column: str = "text",
    progress: TextIO | None = None,
    *,
    file: BinaryIO | None = None,
    collector: Collector | None = None,
    observe: Callable[[Progress], None] = lambda _: None,
    unpacked_limit: int = 0,
    processes: int = 1,
    executor: Executor | None = None,
    elsewhere: bool = False,
) -> Counts:
    """Classifies every message of ``source``; writes ``out`` where it is given (see the top of this module).

    source: a path, a folder, a pattern, or ``-``. progress: where to draw a bar (a terminal), or None. ``out`` appears
    only when all is done. file: the bytes, where they are open already; ``source`` is then their name. collector: is
    given all rows. observe: is called after each chunk. unpacked_limit: so many bytes are unpacked at most, 0 for any
    number.
    processes: how many do the work, 1 does it here; executor: what else has it done by others; elsewhere: they are on
    machines that cannot read this one's files. The output is the same.
    Raises TriageError with one sentence for what a person can get wrong.
    """
    started = time.monotonic()
    seen = Progress(unpacked_limit=unpacked_limit)
    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        named = sources.paths(source) if file is None else []
        target = sinks.Target(named, out, stack) if out is not None else None
        large = sources.size(named, file) >= (_LARGE // 10 if source.lower().endswith((".gz", ".zip")) else _LARGE)
        here = processes > 1 if executor is None else not elsewhere
        plan = Plan(
            text_column,
            target.kind if target else "",
            collector is not None,
            "now" if large else "auto",
            target.folder(stack) if target and here else "",
        )
        if processes > 1 and executor is None:
            executor = stack.enter_context(pool.of(processes))
        bar = _Bar(progress, seen, started)
        stack.enter_context(_without_collector())

        def everything(read: sources.Reading[_T]) -> Iterator[_T]:
            if file is None:
                return sources.every(named, read, text_column, seen)
            return read(sources.measured(file, seen), source, text_column, seen, stack)

        try:
            if executor is None:
                parts = _here(plan, everything(sources.batches))
            else:
                parts = pool.done(executor, processes, plan, everything(partial(sources.tasks, here=here)), seen)
            for done in stack.enter_context(closing(parts)):
                counts.update(done.by_error)
                if target is not None:
                    target.append(done.pieces, done.layout)
                if collector is not None:
                    for rows, results in done.collected:
                        collector.add(rows, results)
                seen.rows += done.rows
                bar.draw()
                observe(seen)
        finally:
            bar.clear()
        if target is not None:
            target.finish(text_column)
    seconds = time.monotonic() - started
    return Counts(seen.rows, dict(counts.most_common()), seen.bad, seen.named, seconds, seen.silent, seen.mended)


def _here(plan: Plan, batches: Iterator[Batch]) -> Generator[Done, None, None]:
    """The rows done by this process."""
    worker, layout = Worker(plan), None
    for batch in batches:
        for done in worker.do(batch, layout):
            layout = done.layout
            yield done


@contextmanager
def _without_collector() -> Iterator[None]:
    """Rows hold no cycles, and a search for them among all that lives would take a third of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class _Bar:
    """Rows, rate and remaining time on one line of a terminal, five times a second."""

    def __init__(self, screen: TextIO | None, seen: Progress, started: float) -> None:
        self._screen, self._seen, self._started, self._next = screen, seen, started, started

    def draw(self) -> None:
        now = time.monotonic()
        if self._screen is None or now < self._next:
            return
        self._next = now + 0.2
        elapsed = max(now - self._started, 1e-3)
        text = f"{self._seen.rows:,} rows, {self._seen.rows / elapsed:,.0f} a second"
        if self._seen.size:
            share = self._seen.share
            filled = int(share * 30)
            text = f"[{'#' * filled}{'.' * (30 - filled)}] {share:4.0%}  {text}"
            if share > 0.01:
                text += f", {elapsed / share - elapsed:,.0f} s left"
        self._screen.write(f"\r{text}\x1b[K")
        self._screen.flush()

    def clear(self) -> None:
        if self._screen is not None:
            self._screen.write("\r\x1b[K")
            self._screen.flush()
