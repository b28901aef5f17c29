"""The server of the stand-in: tells the services apart by the Host header, and can be disturbed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.lab import servers
from tests.lab.azure import graph
from tests.lab.azure.cloud import Cloud
from tests.lab.azure.entra import Entra
from tests.lab.azure.manager import Manager
from tests.lab.azure.refusals import Refusal
from tests.lab.azure.tokens import claims_in
from tests.lab.azure.vault import NO_VAULT, Vault

_LOGIN = r"login\.microsoftonline\.(?:com|us)|login\.(?:chinacloudapi|partner\.microsoftonline)\.cn"
_GRAPH = r"graph\.microsoft\.(?:com|us)|microsoftgraph\.chinacloudapi\.cn"
_MANAGER = r"management\.(?:azure\.com|usgovcloudapi\.net|chinacloudapi\.cn)"
_VAULTS = r"[a-z0-9-]+\.vault\.(?:azure\.net|azure\.cn|usgovcloudapi\.net)"
HOSTS = (_LOGIN, _GRAPH, _MANAGER, _VAULTS)


class _Server:
    def __init__(self, patch: Mapping[str, Any]) -> None:
        self._cloud = Cloud(patch)
        self._entra, self._manager = Entra(self._cloud), Manager(self._cloud)
        self._faults = [dict(fault) for fault in self._cloud.state["faults"]]
        self._calls: list[dict[str, str]] = []

    async def answer(self, request: Request) -> Response:
        host = request.headers["host"].partition(":")[0].lower()
        if host == "lab":
            return JSONResponse(self._calls)
        claims = claims_in(request.headers.get("authorization", "").removeprefix("Bearer ")) or {}
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        who = str(claims.get("unique_name") or claims.get("appid", ""))
        self._calls.append({"method": request.method, "host": host, "path": path, "who": who})
        body = await request.body()
        form = {name: str(value) for name, value in (await request.form()).items()}
        try:
            return self._fault(host, path) or self._answer(host, request, form, body)
        except Refusal as refusal:
            return refusal.response

    def _answer(self, host: str, request: Request, form: Mapping[str, str], body: bytes) -> Response:
        if re.fullmatch(_LOGIN, host):
            return self._entra.answer(request, form)
        if re.fullmatch(_GRAPH, host):
            return graph.answer(self._cloud, request)
        if re.fullmatch(_MANAGER, host):
            return self._manager.answer(request)
        name = host.partition(".")[0]
        if name not in self._cloud.state["vaults"]:
            return Response(NO_VAULT, 502)  # as a proxy answers for a name that does not resolve
        return Vault(self._cloud, name).answer(request, body)

    def _fault(self, host: str, path: str) -> Response | None:
        for fault in self._faults:
            fits = re.search(fault.get("host", ""), host) and re.search(fault.get("path", ""), path)
            if not fits or fault.get("times", 1) <= 0:
                continue
            if "times" in fault:
                fault["times"] -= 1
            body = fault.get("body", "")
            headers = {"content-type": "application/json; charset=utf-8", **fault.get("headers", {})}
            text = body if isinstance(body, str) else json.dumps(body)
            return Response(text, fault.get("status", 200), headers)
        return None


def direct() -> requests.Session:
    """A session that goes past the proxy of the frame."""
    made = requests.Session()
    made.trust_env = False
    return made


@contextmanager
def serve(state: Mapping[str, Any]) -> Iterator[str]:
    """The address of a cloud that differs from the healthy one by ``state`` (see ``cloud.BASE``)."""
    server = _Server(state)
    route = Route("/{path:path}", server.answer, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    with servers.served(Starlette(routes=[route])) as address:
        yield address


def calls(address: str) -> list[dict[str, str]]:
    """Every request that the stand-in had so far: method, host, path with its query, and who called."""
    found: list[dict[str, str]] = direct().get(f"{address}/", headers={"Host": "lab"}, timeout=10).json()
    return found
