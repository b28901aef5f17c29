"""A triage whose work is done by the workers of a Dask cluster, an existing one or one on this machine.

They are given the rows, so they need the same version of this package and no access to the files. A worker that dies
loses nothing: its tasks are done again by another. Dask neither logs nor shows what stands in a task.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import io
import logging
import pickle
import tempfile
import time
import traceback
import uuid
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import ekm_core
from ekm_core.triage.calm import uninterrupted
from ekm_core.triage.rows import TriageError

_ANSWER = 10
"""Seconds in which a scheduler answers that is there."""
_STILL = 30
"""Seconds without an answer in the midst of a run, after which nobody waits for more."""
_PATIENCE = 30
"""The same without any worker: one that is started again has time to come."""
_GOODBYE = 5
"""Seconds in which a client takes its leave."""
_EVERY = 1.0
"""Seconds between two looks at a cluster that has nothing to give."""


@contextmanager
def of(scheduler: str = "", processes: int | None = None) -> Iterator[tuple[Executor, int]]:
    """What has tasks done, and how many can be done at once.

    scheduler: its address; "" starts workers here, as many as ``processes`` says, or one a core. They and their
    scheduler listen on the loopback address, to nobody but each other, and show no pages.
    Raises TriageError with one sentence.
    """
    try:
        import distributed
    except ImportError as problem:
        raise TriageError("--engine dask needs Dask: pip install -r requirements-dask.txt") from problem
    with ExitStack() as stack:
        stack.enter_context(_quiet())
        if scheduler:
            _knock(scheduler)
        cluster = stack.enter_context(_closed_whatever_happens())
        with uninterrupted():
            try:
                given = scheduler or cluster.enter_context(_workers_here(processes))
                client = distributed.Client(given, timeout=_ANSWER, set_as_default=False)
            except Exception as problem:
                raise TriageError(f"{_named(scheduler)} cannot be used: {_words(problem)}") from problem
            cluster.callback(_closed, client)
        threads = _Threads(client, scheduler)
        while not threads.now():
            time.sleep(_EVERY / 10)
        yield _Workers(client, threads), threads.now()


class _Workers(Executor):
    """The workers behind a client, as an executor."""

    def __init__(self, client: Any, threads: _Threads) -> None:  # noqa: ANN401 - Dask has no types
        # pure: equal tasks are not looked for, which would mean to read them all
        self._tasks, self._threads = client.get_executor(pure=False), threads

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401 - as above
        try:
            # a file, for its representation, which Dask logs when something fails, shows nothing of the text
            task = io.BytesIO(pickle.dumps(_Task(fn, args, kwargs)))
            inner = self._tasks.submit(pickle.load, task, key=f"ekm-triage-{uuid.uuid4()}")
        except Exception as problem:  # whatever a client says that was closed behind us
            raise TriageError(_lost(self._threads.scheduler)) from problem
        return _Awaited(inner, self._threads)


class _Awaited(Future[Any]):
    """A task's future, which is not waited for when there is nobody left to do the task."""

    def __init__(self, inner: Future[Any], threads: _Threads) -> None:
        super().__init__()
        self._inner, self._threads = inner, threads

    def cancel(self) -> bool:
        return self._inner.cancel()

    def result(self, timeout: float | None = None) -> Any:  # noqa: ANN401 - as in Future
        from distributed import KilledWorker

        while True:
            try:
                found = self._inner.result(_EVERY if timeout is None else timeout)
                break
            except CancelledError as problem:
                raise TriageError(_lost(self._threads.scheduler)) from problem
            except KilledWorker as problem:
                raise TriageError("the workers were ended again and again, perhaps for lack of memory") from problem
            except Exception as problem:
                if self._inner.done():
                    lacking = isinstance(problem, ImportError | AttributeError)
                    why = "lack this package or have another version of it" if lacking else "could not do it"
                    raise TriageError(
                        f"the workers of {_named(self._threads.scheduler)} {why}: {_words(problem)}"
                    ) from problem
                if timeout is not None:
                    raise
                self._threads.now()
        if isinstance(found, _Refused):
            raise TriageError(found.why)
        return found


class _Threads:
    """How many tasks the cluster can do at once, asked now and then."""

    def __init__(self, client: Any, scheduler: str) -> None:  # noqa: ANN401 - Dask has no types
        self._client, self.scheduler = client, scheduler
        self._last = time.monotonic()

    def now(self) -> int:
        """How many. Raises TriageError where there have been none for too long, or nobody answers."""
        try:
            threads: int = sum(self._client.sync(self._client.scheduler.ncores, callback_timeout=_STILL).values())
        except Exception as problem:
            raise TriageError(_lost(self.scheduler)) from problem
        if threads:
            self._last = time.monotonic()
        elif time.monotonic() - self._last > _PATIENCE:
            raise TriageError(f"{_named(self.scheduler)} has had no worker for {_PATIENCE:g} seconds")
        return threads


class _Task:
    """Does its work where it is read: so nothing of this package is asked of anybody but the worker, and a worker that
    lacks it gives an error, where Dask would end it for a message that it cannot read.
    """

    def __init__(self, *task: object) -> None:
        self._task = pickle.dumps(task)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, bytes]]:
        return done, (version(), self._task)


class _Refused:
    """Why a task was not done, in place of an exception, which Dask would log with all its words."""

    def __init__(self, why: str) -> None:
        self.why = why


def done(made_by: str, task: bytes) -> Any:  # noqa: ANN401 - whatever the task gives
    """What a worker does. made_by: the version that has made the task."""
    if made_by != version():
        return _Refused("the workers have another version of this package than this machine")
    fn, args, kwargs = pickle.loads(task)  # noqa: S301 - whoever reaches a worker can have anything done anyway
    collecting = gc.isenabled()
    gc.disable()  # rows hold no cycles
    try:
        return fn(*args, **kwargs)
    except TriageError as problem:
        return _Refused(str(problem))
    except Exception as problem:
        place = traceback.extract_tb(problem.__traceback__)[-1]
        return _Refused(f"a worker failed with {type(problem).__name__} in {Path(place.filename).name}:{place.lineno}")
    finally:
        if collecting:
            gc.enable()


@cache
def version() -> str:
    """Another one wherever a file of this package differs, for then the answers might."""
    digest = hashlib.sha256()
    folder = Path(ekm_core.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _knock(address: str) -> None:
    """Raises TriageError unless a scheduler is there whose version of Dask is ours: a client would wait for ever."""
    import distributed

    async def ask() -> tuple[dict[str, Any], dict[str, Any]]:
        arguments = distributed.Security().get_connection_args("client")
        async with distributed.rpc(address, timeout=_ANSWER, connection_args=arguments) as there:
            return await there.identity(), await there.versions()

    try:
        who, has = asyncio.run(asyncio.wait_for(ask(), _ANSWER))
    except OSError as problem:
        raise TriageError(f"no Dask scheduler answers at {address!r} within {_ANSWER:g} seconds") from problem
    except Exception as problem:
        raise TriageError(f"{address!r} cannot be the address of a Dask scheduler: {_words(problem)}") from problem
    if who.get("type") != "Scheduler":
        raise TriageError(f"{address!r} is no Dask scheduler but a {str(who.get('type')).lower()}")
    theirs = has["packages"]["distributed"]
    if theirs != distributed.__version__:
        raise TriageError(
            f"the scheduler at {address!r} has distributed {theirs} and this machine {distributed.__version__}: "
            "they must have the same"
        )


@contextmanager
def _workers_here(processes: int | None) -> Iterator[Any]:
    import dask
    import distributed

    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        no_pages: dict[str, list[str]] = {"distributed.scheduler.http.routes": [], "distributed.worker.http.routes": []}
        stack.enter_context(dask.config.set({**no_pages, "temporary-directory": folder}))
        yield stack.enter_context(
            distributed.LocalCluster(
                n_workers=processes,
                threads_per_worker=1,
                host="127.0.0.1",
                security=True,
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                memory_limit=0,
                silence_logs=logging.CRITICAL,
            )
        )


def _closed(client: Any) -> None:  # noqa: ANN401 - Dask has no types
    with suppress(Exception):  # it may have lost its scheduler
        client.close(timeout=_GOODBYE)


@contextmanager
def _closed_whatever_happens() -> Iterator[ExitStack]:
    """A stack that is left in peace while it closes."""
    stack = ExitStack()
    try:
        yield stack
    finally:
        with uninterrupted():
            stack.close()


@contextmanager
def _quiet() -> Iterator[None]:
    """Nothing of what Dask tells of itself reaches the terminal."""
    before = logging.root.manager.disable
    logging.disable()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logging.disable(before)


def _named(scheduler: str) -> str:
    return f"the Dask cluster at {scheduler!r}" if scheduler else "the Dask cluster on this machine"


def _lost(scheduler: str) -> str:
    return f"the scheduler of {_named(scheduler)} no longer answers"


def _words(problem: BaseException) -> str:
    return str(problem) or type(problem).__name__
