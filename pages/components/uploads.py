"""How large an upload may be: Streamlit has one limit for all, and keeps what is uploaded in memory.

That limit is as high as the Triage page needs it. Whoever has not been let into that page is held to a lower one here,
before the server reads any of it.
"""

from __future__ import annotations

from http import HTTPStatus
from weakref import WeakValueDictionary

import streamlit as st
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.components import frame

MEGABYTES = 8
"""Of one upload, for everybody."""

_PATH = "/_stcore/upload_file/"
_FRAMING = 64 << 10
"""Bytes that a form puts around a file, at most."""


class _Leave:
    """That a session may upload more; it lies in the session and goes with it."""


_leaves: WeakValueDictionary[str, _Leave] = WeakValueDictionary()


def allow_large() -> None:
    """The session of this run may upload as much as the server's own limit says. Call it for staff alone."""
    context = get_script_run_ctx()
    if context is not None and "large-uploads" not in st.session_state:
        _leaves[context.session_id] = st.session_state["large-uploads"] = _Leave()


class Uploads:
    """ASGI middleware that refuses an upload that is too large for its session."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._path = frame.base_path() + _PATH

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it by what its head says."""
        refused = None
        if scope["type"] == "http" and scope["method"] == "PUT" and scope["path"].startswith(self._path):
            session = scope["path"].removeprefix(self._path).partition("/")[0]
            if session not in _leaves:
                refused = _refusal(Headers(scope=scope).get("content-length", ""))
        await (self._app if refused is None else refused)(scope, receive, send)


def _refusal(length: str) -> PlainTextResponse | None:
    if not (length.isascii() and length.isdigit()):  # browsers always say it
        return PlainTextResponse("Say how long it is.", HTTPStatus.LENGTH_REQUIRED)
    if int(length[:20]) > (MEGABYTES << 20) + _FRAMING:
        said = f"An upload may have {MEGABYTES} MB here."
        return PlainTextResponse(said, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return None
