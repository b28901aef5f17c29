"""A triage whose work is done by several processes: in order, a few tasks ahead, and given up at any time."""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from ekm_core.triage.calm import uninterrupted
from ekm_core.triage.rows import Progress, TriageError
from ekm_core.triage.sinks import Layout
from ekm_core.triage.sources import Task
from ekm_core.triage.work import Done, Plan, work

_AHEAD = 3  # tasks a process that may wait to be done or to be written


@contextmanager
def of(processes: int) -> Iterator[Executor]:
    """Processes of our own, started afresh as on every system; what still waits at the end is given up."""
    executor = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _begin)
    with uninterrupted():  # an interruption is the business of this process alone
        for _ in range(processes):
            executor.submit(int)
    try:
        yield executor
    finally:
        with uninterrupted():
            executor.shutdown(cancel_futures=True)


def _begin() -> None:
    """What a worker process does first: it sees to it that it ends with the one that started it, however that ends."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gc.disable()  # rows hold no cycles


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def done(
    executor: Executor, processes: int, plan: Plan, tasks: Iterator[Task], seen: Progress
) -> Generator[Done, None, None]:
    """What came of each task, in their order. In the end all bad rows, whoever saw them, stand in ``seen`` in order."""
    waiting: deque[tuple[Task, Progress, Future[Done]]] = deque()
    total = Progress()
    layout: Layout = () if plan.out in ("", "jsonl") else None  # where no row depends on others, nothing is waited for
    number = 0  # lines before the next task's, of a file that the processes read themselves

    def ready() -> Done:
        nonlocal number
        task, noted, future = waiting.popleft()
        try:
            result = future.result()
        except BrokenProcessPool as problem:
            raise TriageError("a worker process was ended from outside, perhaps for lack of memory") from problem
        total.join(noted)
        if result.seen is not None:
            if task.path:
                result.seen.behind(number if task.start else 0)
                number = result.seen.number
            total.join(result.seen)
        return result

    try:
        for task in tasks:
            waiting.append((task, seen.take(), executor.submit(work, plan, task, layout)))
            # the first rows fix the columns with which all others are written
            while waiting and (len(waiting) > _AHEAD * processes or layout is None):
                result = ready()
                layout = layout if layout is not None else result.layout
                yield result
        while waiting:
            yield ready()
    finally:
        for _, _, future in waiting:
            future.cancel()
    total.join(seen.take())
    seen.join(total)
