"""The server: Google's addresses, told apart by the Host header, by the rules of Google's discovery documents."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qsl

import requests
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from tests.lab.gcp import discovery
from tests.lab.gcp.cloud import CALLS, REFRESH, TOKEN, Asked, Cloud, patched
from tests.lab.gcp.rules import RefusedError, refused
from tests.lab.servers import served

_LOGIN = "oauth2.googleapis.com"
HOSTS = tuple(re.escape(host) for host in (*discovery.HOSTS, _LOGIN))


class _Server:
    """Answers at Google's own addresses, told apart by the Host header; ``/_lab/…`` is the tests' own door."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self.door(request) if scope["path"].startswith("/_lab/") else await self.call(request)
        await response(scope, receive, send)

    async def door(self, request: Request) -> Response:
        if request.method == "PUT":
            self.cloud = Cloud(await request.json())
        if request.method == "POST":
            self.cloud.state = patched(self.cloud.state, await request.json())
            self.cloud.calls.clear()
        return JSONResponse(self.cloud.calls)

    async def call(self, request: Request) -> Response:
        host = request.headers.get("host", "").partition(":")[0].lower()
        path = request.scope["raw_path"].decode("ascii").removeprefix("/")
        if host == _LOGIN and path == "token":
            return await self.login(request)
        found = discovery.find(host, request.method, path)
        if found is None:
            page = f"<!DOCTYPE html><title>Error 404 (Not Found)!!1</title> /{path}"
            return PlainTextResponse(page, 404, media_type="text/html")
        method, values = found
        call = self.noted(method.id, request)
        for fault in self.cloud.state["faults"]:
            if fnmatchcase(method.id, fault["on"]):
                call["status"] = fault["status"]
                return _fault(fault)
        try:
            status, body = 200, await self.judged(request, method, next(iter(values.values()), ""), call)
        except RefusedError as error:
            status, body = error.status, error.body
        except discovery.InvalidError as error:
            violation = {"description": error.sentence, **({"field": error.field} if error.field else {})}
            detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}
            status, body = 400, refused(400, "INVALID_ARGUMENT", error.sentence, detail).body
        call["status"] = status
        return JSONResponse(body, status)

    def noted(self, id: str, request: Request) -> dict[str, Any]:
        host, path = request.headers.get("host", "").lower(), request.scope["raw_path"].decode("ascii")
        signed = "authorization" in request.headers
        call = {
            "id": id,
            "method": request.method,
            "host": host,
            "path": path,
            "signed": signed,
            "who": "",
            "status": 0,
        }
        self.cloud.calls.append(call)
        return call

    async def login(self, request: Request) -> Response:
        """The exchange of a person's refresh token, which no discovery document describes."""
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        good = form.get("grant_type") == "refresh_token" and form.get("refresh_token") == REFRESH
        self.noted("oauth2.token", request)["status"] = 200 if good else 400
        if not good:
            error = {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
            return JSONResponse(error, 400)
        return JSONResponse({"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer", "scope": "x"})

    async def judged(
        self, request: Request, method: discovery.Method, name: str, call: dict[str, Any]
    ) -> dict[str, Any]:
        query = method.query({name: value for name, value in request.query_params.items() if name != "alt"})
        body = method.body(await _json(request, method))
        if method.id == "sts.token":
            answer = self.cloud.token(body)
        else:
            who = self.cloud.who(request)
            call["who"] = who.label
            if method.id not in CALLS:
                raise refused(501, "UNIMPLEMENTED", "The laboratory has not this call.")
            permission, act = CALLS[method.id]
            answer = act(self.cloud, Asked(call["host"], permission, name, query, body, who))
        try:
            method.answer(answer)
        except discovery.InvalidError as error:  # our own fault, not the caller's
            raise AssertionError(f"{method.id}: {error.sentence}") from error
        return answer


async def _json(request: Request, method: discovery.Method) -> bytes:
    """The body as JSON. The token service also takes a form, with the names of RFC 8693."""
    raw = await request.body()
    if method.id == "sts.token" and "x-www-form-urlencoded" in request.headers.get("content-type", ""):
        return json.dumps(dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))).encode()
    return raw


def _fault(fault: Mapping[str, Any]) -> Response:
    """An answer that a test wants in place of the real one."""
    return JSONResponse(fault["body"], fault["status"], fault.get("headers"))


@contextmanager
def serve(state: Mapping[str, Any]) -> Iterator[str]:
    """The address of one Google Cloud in the given state; it keeps no other's calls or tokens."""
    with served(_Server(Cloud(state))) as address:
        yield address


def own_session() -> requests.Session:
    """A session of the tests' own, which no proxy of the environment leads elsewhere."""
    session = requests.Session()
    session.trust_env = False
    return session


def calls(address: str) -> list[dict[str, Any]]:
    """Every call so far: id (of the discovery document), method, host, path, who, status."""
    found: list[dict[str, Any]] = own_session().get(f"{address}/_lab/calls", timeout=20).json()
    return found


def become(address: str, state: Mapping[str, Any]) -> None:
    """Make a running stand-in another cloud, which knows nothing of the one before."""
    own_session().put(f"{address}/_lab/state", json=state, timeout=20).raise_for_status()


def change(address: str, patch: Mapping[str, Any]) -> None:
    """Change the state of a running stand-in (JSON merge patch), and forget the calls so far."""
    own_session().post(f"{address}/_lab/state", json=patch, timeout=20).raise_for_status()
