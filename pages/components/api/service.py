"""The API's addresses and what stands behind them: request -> ``ekm_core`` -> answer.

What takes long runs in one thread of its own, never on the event loop. A second one would only take turns with the
first, and with the pages (measured 2026-11-27: p95 of a click beside two callers with a megabyte each, without a rate
limit: 217 ms with two, 170 ms with one).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import Message, Receive, Scope, Send

from ekm_core import catalogue, configuration, evidence, report
from ekm_core.diagnose import Setup, diagnose, explain
from ekm_core.model import Configuration, Exhibit, Provider
from pages.components import logs, metrics
from pages.components.api import limits, openapi, problems
from pages.components.api.problems import Fault, ProblemError
from pages.components.api.settings import Settings

_MOST_AT_ONCE = 32
"""Diagnoses under way or waiting; each may hold a body in memory."""

_READ_SECONDS = 30
"""For the whole of a body: a client that sends it drop by drop holds a place that others need."""

_NO_STORE = {"Cache-Control": "no-store"}
_DETAILS = {
    404: "There is nothing at this address. The addresses stand in openapi.json.",
    405: "This address does not answer that method.",
}
_OURS = "The server made a mistake. The same request will fail again; its log says where."
_TOP = ("text", "configuration", "evidence")
_MOST_FAULTS = 20

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Question:
    """A body of POST diagnose that is of the right form.

    configuration: "" where there is none. evidence: each text as somebody would paste it.
    """

    text: str
    configuration: str = ""
    evidence: tuple[str, ...] = ()


class Service:
    """The API as an ASGI application. base: the path before each address, such as ``/api/v1``."""

    def __init__(self, settings: Settings, base: str) -> None:
        self._settings = settings
        self._rate = limits.RateLimit(settings.per_minute)
        self._pool = ThreadPoolExecutor(1, "ekm-api")
        self._busy = 0
        self._document = orjson.dumps(openapi.document(base, settings))
        addresses: dict[str, tuple[str, Handler]] = {
            "/diagnose": ("POST", self._diagnose),
            "/errors": ("GET", self._list),
            "/errors/{id}": ("GET", self._entry),
            "/openapi.json": ("GET", self._describe),
        }
        self._router = Router(
            [Route(base + path, handler, methods=[method]) for path, (method, handler) in addresses.items()],
            redirect_slashes=False,
            default=_nothing_here,
        )
        self._base = base

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; never raises, so that nothing of it gets into a log by way of a traceback."""
        began = time.perf_counter()
        status, started = 500, False

        async def watched(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
            await send(message)

        problem: ProblemError | None = None
        try:
            if seconds := self._rate.wait(limits.client(scope, self._settings.proxies)):
                detail = f"Too many requests: at most {self._settings.per_minute} a minute."
                raise ProblemError(429, detail, headers={"Retry-After": str(seconds)})
            # Starlette itself answers a wrong method where it is told of no application, and raises where it is.
            await self._router({**scope, "app": self}, receive, watched)
        except ProblemError as raised:
            problem = raised
        except HTTPException as raised:
            problem = ProblemError(
                raised.status_code, _DETAILS.get(raised.status_code, ""), headers=dict(raised.headers or {})
            )
        except ClientDisconnect:
            return
        except Exception as raised:  # whatever it is, it is ours, and the caller gets an answer
            logs.fault("api_fault", raised)
            problem = ProblemError(500, _OURS)
        if problem and not started:
            problem.headers = {**_NO_STORE, **problem.headers}
            await problems.answer(problem)(scope, receive, watched)
        metrics.answered(*self._named(scope), status, time.perf_counter() - began)

    def _named(self, scope: Scope) -> tuple[str, str]:
        """The method, and the route's template: an address may hold anything."""
        for route in self._router.routes:
            if isinstance(route, Route) and route.path_regex.match(scope["path"]):
                return _known_method(scope["method"]), route.path.removeprefix(self._base)
        return _known_method(scope["method"]), "none"

    # -------------------------------------------------------------------------------------------------------- addresses
    async def _describe(self, _: Request) -> Response:
        return Response(self._document, media_type="application/json", headers=_NO_STORE)

    async def _list(self, request: Request) -> Response:
        known = {provider.value: provider for provider in Provider}
        asked = request.query_params.getlist("provider")
        if set(request.query_params) - {"provider"}:
            raise ProblemError(422, "The only parameter is provider.")
        if len(asked) > 1 or (asked and asked[0] not in known):
            raise ProblemError(422, f"The provider is one of {', '.join(known)}, given once.")
        chosen = [error for error in catalogue.errors().values() if not asked or error.provider is known[asked[0]]]
        return _json({"schema": report.SCHEMA, "errors": [report.listed_dict(error) for error in chosen]})

    async def _entry(self, request: Request) -> Response:
        error = catalogue.get(request.path_params["id"])
        if error is None:
            raise ProblemError(404, "There is no known error with this id. GET errors lists them all.")
        return await self._in_thread(lambda: _json(report.entry_dict(error, explain(error.id))))

    async def _diagnose(self, request: Request) -> Response:
        _expect_json(request)
        if self._busy >= _MOST_AT_ONCE:
            raise ProblemError(503, "The server is busy. Try again in a second.", headers={"Retry-After": "1"})
        self._busy += 1
        try:
            body = await _read(request, self._settings.most_bytes)
            return await self._in_thread(lambda: _json(_answer(_question(body))))
        finally:
            self._busy -= 1

    async def _in_thread(self, work: Callable[[], Response]) -> Response:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)


async def _nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    raise HTTPException(404)


def _known_method(method: str) -> str:
    return method if method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else "other"


def _json(content: object) -> Response:
    # Not orjson: a paste can spell half a character, which JSON can hold as an escape alone.
    return Response(json.dumps(content), media_type="application/json", headers=_NO_STORE)


# --------------------------------------------------------------------------------------------------------------- bodies
def _expect_json(request: Request) -> None:
    kind, _, parameters = request.headers.get("Content-Type", "").partition(";")
    charset = parameters.replace(" ", "").lower()
    if kind.strip().lower() != "application/json" or charset not in ("", "charset=utf-8", 'charset="utf-8"'):
        raise ProblemError(415, "Send the body as Content-Type: application/json, in UTF-8.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ProblemError(415, "Send the body as it is, without a Content-Encoding.")


async def _read(request: Request, most: int) -> bytes:
    """The body. Raises ProblemError as soon as it is known to be too large."""
    too_large = ProblemError(413, f"The body is larger than {most} bytes. Send the part with the error.")
    declared = request.headers.get("Content-Length", "")
    if declared.isdigit() and (len(declared) > len(str(most)) or int(declared) > most):
        raise too_large
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_READ_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > most:
                    raise too_large
                chunks.append(chunk)
    except TimeoutError as problem:
        raise ProblemError(408, f"The body did not arrive within {_READ_SECONDS} seconds.") from problem
    return b"".join(chunks)


def _question(body: bytes) -> Question:
    """The body's question. Raises ProblemError for a body that is no JSON (400) or of another form (422)."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as problem:
        # Its own words name the place; they never quote the body.
        raise ProblemError(400, f"The body is not valid JSON: {problem.msg}, at character {problem.pos}.") from None
    faults = list(_faults(value))
    if faults:
        raise ProblemError(422, "The body does not have the form that is asked for.", faults)
    given = value.get("configuration", "")
    return Question(
        value["text"],
        given if isinstance(given, str) else _as_text(given),
        tuple(item if isinstance(item, str) else _as_text([item]) for item in value.get("evidence", [])),
    )


def _as_text(value: object) -> str:
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:  # it reads deeper than it writes
        raise ProblemError(422, "The configuration or the evidence is nested too deep to be read.") from None


def _faults(value: Any) -> list[Fault]:  # noqa: ANN401 - parsed JSON
    if not isinstance(value, dict):
        return [Fault("", "The body must be an object with a text.")]
    faults = [Fault("", f"Only {', '.join(_TOP)} are known.")] if set(value) - set(_TOP) else []
    text = value.get("text")
    if not isinstance(text, str) or not text:
        faults.append(Fault("/text", "The text must be a string of at least one character."))
    elif len(text) > openapi.LONGEST_TEXT:
        faults.append(Fault("/text", f"The text may have {openapi.LONGEST_TEXT} characters."))
    if "configuration" in value and not (isinstance(value["configuration"], str | dict) and value["configuration"]):
        faults.append(Fault("/configuration", "The configuration must be an object or a string, and not empty."))
    items = value.get("evidence", [])
    if not isinstance(items, list) or len(items) > openapi.MOST_EVIDENCE:
        return [*faults, Fault("/evidence", f"The evidence must be a list of at most {openapi.MOST_EVIDENCE} items.")]
    for number, item in enumerate(items):
        if not _is_evidence(item):
            detail = "Evidence is a string, or an object with exactly a command (a string) and its output."
            faults.append(Fault(f"/evidence/{number}", detail))
    return faults[:_MOST_FAULTS]


def _is_evidence(item: object) -> bool:
    if isinstance(item, dict):
        return set(item) == {"command", "output"} and isinstance(item["command"], str)
    return isinstance(item, str) and bool(item)


# -------------------------------------------------------------------------------------------------------------- answers
def _answer(question: Question) -> dict[str, object]:
    """The public JSON of the diagnosis; ``remarks`` where something beside the text could not be used."""
    remarks: list[str] = []
    setup = Setup(_configured(question.configuration, remarks), _exhibits(question.evidence, remarks))
    began = time.perf_counter()
    found = diagnose(question.text, setup=setup)
    metrics.diagnosed("api", question.text, found, time.perf_counter() - began)
    content = report.as_dict(found)
    return {**content, "remarks": remarks} if remarks else content


def _configured(text: str, remarks: list[str]) -> Configuration | None:
    if not text:
        return None
    imported = configuration.read(text)
    if len(imported.configurations) == 1:
        remarks += imported.problems
        return imported.configurations[0]
    count = len(imported.configurations)
    why = f"It holds {count} keys; send the one that the error is about." if count else imported.problems[0]
    remarks.append(f"The configuration was not used. {why}")
    return None


def _exhibits(texts: tuple[str, ...], remarks: list[str]) -> tuple[Exhibit, ...]:
    exhibits: list[Exhibit] = []
    for number, text in enumerate(texts, 1):
        if len(exhibits) >= evidence.MOST:
            remarks.append(f"Only the first {evidence.MOST} outputs were read. Send those of one role and key alone.")
            break
        gathered = evidence.read(text, f"evidence {number}")
        exhibits += gathered.exhibits
        if not gathered.exhibits:
            remarks.append(f"Evidence {number} was not used: no command's output that can be read stands in it.")
        remarks += [f"Evidence {number}: {problem}" for problem in gathered.problems]
    return tuple(exhibits[: evidence.MOST])
