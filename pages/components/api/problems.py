"""What the API answers when it cannot do what was asked: ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Fault:
    """One part of a body that cannot be used.

    pointer: where, as a JSON pointer. detail: a sentence.
    """

    pointer: str
    detail: str


@dataclass
class ProblemError(Exception):
    """A request that is not done. detail: a sentence for whoever calls; ``headers`` go with the answer."""

    status: int
    detail: str
    faults: Sequence[Fault] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(problem: ProblemError) -> Response:
    """The problem as an answer."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.faults:
        body["errors"] = [{"pointer": fault.pointer, "detail": fault.detail} for fault in problem.faults]
    return Response(json.dumps(body), problem.status, dict(problem.headers), MEDIA_TYPE)
