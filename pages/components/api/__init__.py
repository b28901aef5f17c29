"""The JSON API, in the same server as the pages: ``/api/v1``. Stores nothing, and no web page of elsewhere may call it.

This file is read before the server's first answer, so it loads next to nothing; the rest comes with the first call.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from pages.components import frame
from pages.components.api.settings import Settings

PREFIX = "/api"


class Api:
    """ASGI middleware that answers everything below ``/api`` and passes the rest on.

    It stands before Streamlit's own middleware, which answers some odd addresses in plain text, and whose routes would
    answer an unknown address with a page.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._base = frame.base_path()
        self._settings = Settings.read()
        self._service: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or pass on."""
        path = scope.get("path", "").removeprefix(self._base) if scope["type"] == "http" else ""
        if path != PREFIX and not path.startswith(PREFIX + "/"):
            await self._app(scope, receive, send)
            return
        if self._service is None:
            from pages.components.api.service import Service

            self._service = Service(self._settings, self._base + PREFIX + "/v1")
        await self._service(scope, receive, send)
