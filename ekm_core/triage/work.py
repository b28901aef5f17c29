"""What is done with some rows: classify, render, count.

A pure function of (plan, task, layout) whose values can be pickled: the same in this process, in a pool of processes
and on the workers of a cluster.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ekm_core.batch import Classifier, Result, whole
from ekm_core.triage import sinks, sources
from ekm_core.triage.rows import Batch, Progress, Row
from ekm_core.triage.sinks import Layout, Piece
from ekm_core.triage.sources import Task


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is to do with all its rows.

    out: jsonl, csv or parquet, "" to write nothing. collect: whether rows and results are wanted back. scanner: see
    ``batch.Classifier``. folder: where pieces of bytes may be left as files, "" where they must be given back.
    """

    column: str
    out: str
    collect: bool
    scanner: str
    folder: str = ""


@dataclass(slots=True)
class Done:
    """What came of some rows.

    collected: rows with their results, where they are wanted. seen: bad rows and the like; None where the reader of
    the input has counted them itself.
    """

    rows: int = 0
    by_error: Counter[str] = field(default_factory=Counter)
    pieces: list[Piece] = field(default_factory=list)
    layout: Layout = None
    collected: list[tuple[Sequence[Row], Sequence[Result]]] = field(default_factory=list)
    seen: Progress | None = None


class Worker:
    """One thread's classifier, and what it does with rows."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._classifier = Classifier(plan.scanner, values=plan.out != "")
        self._form = sinks.form(plan.out, plan.column) if plan.out else None

    def do(self, batch: Batch, layout: Layout = None) -> Iterator[Done]:
        """The rows, some at a time. layout: of the pieces before."""
        form = self._form
        if form is not None:
            form.layout = layout
        for some in batch.parts():
            texts = whole(some.texts)
            found = self._classifier.found(texts)
            done = Done(len(texts), Counter([result.ids[0] for result in found if result and result.ids]))
            if form is not None:
                done.pieces.append(form.render(some, texts, found))
                done.layout = form.layout
            if self._plan.collect:
                results = [result or Result(text) for result, text in zip(found, texts, strict=True)]
                done.collected.append((list(some.rows), results))
            yield done


_mine = threading.local()


def work(plan: Plan, task: Task, layout: Layout = None) -> Done:
    """Does one task. Each thread keeps the worker of its last plan."""
    if getattr(_mine, "plan", None) != plan:
        _mine.plan, _mine.worker = plan, Worker(plan)
    worker: Worker = _mine.worker
    seen = Progress()
    whole_task = Done(layout=layout)
    for batch in sources.read(task, plan.column, seen):
        for done in worker.do(batch, whole_task.layout):
            whole_task.rows += done.rows
            whole_task.by_error.update(done.by_error)
            whole_task.pieces += done.pieces
            whole_task.layout = done.layout
            whole_task.collected += done.collected
    if task.kind:
        whole_task.seen = seen
    if plan.folder and whole_task.pieces:
        whole_task.pieces = [_left(plan.folder, whole_task.pieces)]
    return whole_task


def _left(folder: str, pieces: Sequence[bytes]) -> Path:
    """A new file of these pieces: to send them through a pipe would take longer."""
    handle, name = tempfile.mkstemp(dir=folder)
    with os.fdopen(handle, "wb") as file:
        file.writelines(pieces)
    return Path(name)
