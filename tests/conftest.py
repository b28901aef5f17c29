"""What holds for every test, and what many share."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator, Mapping

import hypothesis
import pytest

from ekm_core.gcp.iam import cel

# How long one example takes says nothing of what is tested, and more on a busy machine.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

_ANSWERED: dict[str, tuple[cel.Result, ...]] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """What is collected lives until the end: looking for garbage among it finds none, and takes seconds."""
    gc.disable()


def pytest_collection_finish() -> None:
    """The garbage collector looks at none of it again, which each of thousands of tests would pay for.

    And it looks less often: the descriptions of services that an SDK reads for one client are objects by the ten
    thousand, all of them in use.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)
    gc.enable()


@pytest.fixture(scope="module")
def cel_once() -> Iterator[None]:
    """The process that evaluates CEL is started once for each request that differs, not each time it is made.

    The same request has the same answer; what the process itself does and survives is the matter of test_gcp_policy.
    """
    evaluated = cel._run

    def run(request: Mapping[str, object]) -> tuple[cel.Result, ...]:
        asked = json.dumps(request)
        if asked not in _ANSWERED:
            _ANSWERED[asked] = evaluated(request)
        return _ANSWERED[asked]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cel, "_run", run)
        yield
