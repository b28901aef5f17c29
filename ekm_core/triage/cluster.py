"""A triage whose work is done by the workers of a Dask cluster, an existing one or one on this machine.

They are given the rows, so they need the same version of this package and no access to the files. A worker that dies
loses nothing: its tasks are done again by another.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager

from ekm_core.triage.rows import TriageError

_SECONDS = 30
"""How long to wait for a scheduler and its first worker."""


@contextmanager
def of(scheduler: str = "") -> Iterator[tuple[Executor, int]]:
    """What has tasks done, and how many can be done at once. scheduler: its address; "" starts workers here.

    Raises TriageError with one sentence.
    """
    try:
        import distributed
    except ImportError as problem:
        raise TriageError("--engine dask needs Dask: pip install -r requirements-dask.txt") from problem
    with ExitStack() as stack:
        address = scheduler or stack.enter_context(
            distributed.LocalCluster(threads_per_worker=1, dashboard_address=None)
        )
        try:
            client = stack.enter_context(distributed.Client(address, timeout=_SECONDS))
            client.wait_for_workers(1, timeout=_SECONDS)
        except (OSError, TimeoutError, ValueError) as problem:
            raise TriageError(f"no worker can be reached through {scheduler or 'this machine'!r}") from problem
        try:
            yield client.get_executor(), sum(client.nthreads().values())
        except distributed.KilledWorker as problem:
            raise TriageError("the workers were ended again and again, perhaps for lack of memory") from problem
