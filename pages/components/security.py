"""Security headers for every answer of the server.

The policy lets scripts come from this server alone; the one inline script of Streamlit's own index page is allowed by
its hash, read from the installed package, so that an update of Streamlit does not break it.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from pathlib import Path

import streamlit
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FRAME_SETTING = "EKM_FRAME_ANCESTORS"
"""Environment variable: the origins, separated by blanks, whose pages may embed the app. Empty: none."""

_ORIGIN = re.compile(r"'self'|https?://(?:\*\.)?[A-Za-z0-9.-]{1,253}(?::\d{1,5})?")
_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


class SettingError(ValueError):
    """A setting that cannot be honoured; raised at start, so that a wrong one never opens more than was meant."""


def frame_ancestors(setting: str) -> str:
    """The value for ``frame-ancestors``: ``'none'`` for a blank setting. Raises SettingError for what is no origin."""
    origins = setting.split()
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise SettingError(
                f"{FRAME_SETTING}: {origin!r} is no origin. Write origins such as https://portal.example.com, "
                "separated by blanks."
            )
    return " ".join(origins) or "'none'"


def content_security_policy(ancestors: str) -> str:
    """The policy for this version of Streamlit."""
    index = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in _INLINE.findall(index)
    )
    return "; ".join(
        (
            "default-src 'self'",
            # Streamlit loads a component's script from a blob that its own front end makes; markup cannot make one.
            f"script-src 'self' blob: {hashes}".rstrip(),
            # Streamlit's front end writes its styles into the page while it runs.
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            f"frame-ancestors {ancestors}",
        )
    )


class SecurityHeaders:
    """ASGI middleware that adds the headers to every HTTP answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        ancestors = frame_ancestors(os.environ.get(FRAME_SETTING, ""))
        headers = {
            "Content-Security-Policy": content_security_policy(ancestors),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
            "Cross-Origin-Opener-Policy": "same-origin",
        }
        if ancestors == "'none'":
            headers["X-Frame-Options"] = "DENY"
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self._names = {name for name, _ in self._headers}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; add the headers where the answer begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                kept = [item for item in message.get("headers", []) if item[0].lower() not in self._names]
                message = {**message, "headers": [*kept, *self._headers]}
            await send(message)

        try:
            await self._app(scope, receive, with_headers)
        except Exception:  # whatever it is, Starlette would answer it outside of this, without the headers
            if not started:
                await PlainTextResponse("The server made a mistake.", 500)(scope, receive, with_headers)
            raise
