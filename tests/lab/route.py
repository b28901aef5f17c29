"""An addon of mitmproxy: each production host goes to its stand-in on this machine, every other one is answered 502.

It runs in mitmproxy's own process and environment, started by ``frame``, and so imports nothing of ours. Bodies are
passed on as they come: a stand-in may send one that never ends.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from mitmproxy import http

_ROUTES = Path(os.environ["LAB_ROUTES"])
_CALLS = Path(os.environ["LAB_CALLS"])


def _address(host: str) -> str:
    # Read anew for each request: a test leads hosts elsewhere while the proxy runs.
    routes: dict[str, str] = json.loads(_ROUTES.read_text(encoding="utf-8"))
    return next((address for pattern, address in routes.items() if re.fullmatch(pattern, host, re.IGNORECASE)), "")


def _action(request: http.Request) -> str:
    """What an AWS request asks for, which its method and path do not tell."""
    target = str(request.headers.get("x-amz-target", ""))
    form = "x-www-form-urlencoded" in request.headers.get("content-type", "")
    return target or (parse_qs(request.get_text(strict=False) or "").get("Action", [""])[0] if form else "")


class Router:
    """Leads requests, and writes each down."""

    def request(self, flow: http.HTTPFlow) -> None:
        """The request is whole: note it, then send it on with the Host header that the client sent."""
        host, request = flow.request.pretty_host, flow.request
        address = _address(host)
        call = {
            "method": request.method,
            "host": host,
            "path": request.path,
            "action": _action(request),
            "routed": bool(address),
        }
        with _CALLS.open("a", encoding="utf-8") as calls:
            calls.write(json.dumps(call) + "\n")
        if not address:
            flow.response = http.Response.make(502, f"The laboratory has no stand-in of {host}.")
            return
        target, named = urlsplit(address), request.host_header
        request.scheme, request.host, request.port = "http", target.hostname or "", target.port or 80
        request.host_header = named or host

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """The answer begins: pass it on piece by piece."""
        if flow.response is not None:
            flow.response.stream = True


addons = [Router()]
