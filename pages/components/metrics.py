"""What the server did, counted for Prometheus and written to the log. Called at the edges: by the pages and by the API.

The figures are served at ``/metrics`` where ``EKM_METRICS`` is 1; without it nothing is counted and the library is not
even loaded. A server that listens on loopback often stands behind a proxy on the same machine, which would show the
figures to the world, so the address alone never switches them on. Each process counts for itself: Prometheus asks each
one, not the proxy before them.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ekm_core.model import Diagnosis
from pages.components import logs

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter, Histogram

SETTING = "EKM_METRICS"
UNKNOWN = "unknown"
"""Stands for the id where a text held no known error."""

_MAKING = threading.Lock()
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


@dataclass(frozen=True, slots=True)
class _Instruments:
    registry: CollectorRegistry
    diagnoses: Counter
    seconds: Histogram
    requests: Counter
    probes: Counter


def on() -> bool:
    """Whether this server counts."""
    return os.environ.get(SETTING) == "1"


def _instruments() -> _Instruments:
    # A request may come while the warming up makes them: what it counted in a second set would never be shown.
    with _MAKING:
        return _made()


@cache
def _made() -> _Instruments:
    from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, disable_created_metrics

    disable_created_metrics()  # a second series for each, of when it was first counted
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return _Instruments(
        registry,
        Counter("ekm_diagnoses", "Texts diagnosed, by their first error.", ["source", "error_id"], registry=registry),
        Histogram("ekm_diagnosis_seconds", "Time of one diagnosis.", ["source"], buckets=_BUCKETS, registry=registry),
        Counter("ekm_api_requests", "Answers of the JSON API.", ["route", "status"], registry=registry),
        Counter("ekm_probes", "Steps of live probes, by how they ended.", ["state"], registry=registry),
    )


def load() -> None:
    """Load what counting needs, where it is on: no visitor should wait for it."""
    if on():
        _instruments()


def diagnosed(source: str, text: str, answer: Diagnosis, seconds: float) -> None:
    """One diagnosis was made. source: "page" or "api". Writes ``diagnosis``: source, error_ids, characters, seconds."""
    ids = [judged.match.error.id for judged in answer.errors]
    logs.event("diagnosis", source=source, error_ids=ids, characters=len(text), seconds=round(seconds, 4))
    if on():
        instruments = _instruments()
        instruments.diagnoses.labels(source, ids[0] if ids else UNKNOWN).inc()
        instruments.seconds.labels(source).observe(seconds)


def answered(method: str, route: str, status: int, seconds: float) -> None:
    """The API gave an answer. route: the template, never the address itself.

    Writes ``api``: method, route, status, seconds.
    """
    logs.event("api", method=method, route=route, status=status, seconds=round(seconds, 4))
    if on():
        _instruments().requests.labels(route, str(status)).inc()


def probe(state: str) -> None:
    """One step of a live probe ended. state: a value of an enumeration of ours. Writes ``probe``: state."""
    logs.event("probe", state=state)
    if on():
        _instruments().probes.labels(state).inc()


def exposition() -> tuple[bytes, str]:
    """The figures in Prometheus' text format, and its media type."""
    from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

    return generate_latest(_instruments().registry), CONTENT_TYPE_LATEST
