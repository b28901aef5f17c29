"""What the server does beside Streamlit's own: our script's address, and warming up after the start."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route
from streamlit.runtime import metrics_util
from streamlit.runtime.pages_manager import PagesManager
from streamlit.starlette import App

from pages.components import frame, logs, sending

_WARM_UP_AFTER = 0.4
"""Seconds. The first health check comes before that; compiling the signatures beside it would delay its answer."""


async def _script(_: Request) -> Response:
    return FileResponse(
        frame.ASSETS / "ekm.js", media_type="text/javascript", headers={"Cache-Control": "public, max-age=31536000"}
    )


async def _icon(_: Request) -> Response:
    # In place of Streamlit's own: naming an icon in the page's configuration would cost every run some milliseconds.
    return FileResponse(frame.ASSETS / "icon.png", media_type="image/png")


async def _metrics(_: Request) -> Response:
    from pages.components import metrics  # as the API: it is loaded after the start

    if not metrics.on():
        return PlainTextResponse(f"No figures here. {metrics.SETTING}=1 switches them on.\n", 404)
    figures, media_type = metrics.exposition()
    return Response(figures, media_type=media_type)


def routes() -> list[Route]:
    """The addresses of our own."""
    base = frame.base_path()
    return [
        Route(base + frame.SCRIPT_PATH, _script),
        Route(f"{base}/favicon.png", _icon),
        Route(f"{base}/metrics", _metrics),
    ]


def warm_up() -> None:
    """Load the catalogue and compile the classifier, so that the first paste does not wait for it."""
    from ekm_core.diagnose import diagnose
    from pages.components import metrics
    from pages.components.examples import EXAMPLES

    metrics.load()

    for text in (*EXAMPLES.values(), "an unknown text loads the index of similar entries"):
        diagnose(text)


def _machine() -> str:
    """What Streamlit takes for the name of the machine. A browser whose process died forgets what was typed where the
    one that goes on is another machine, and each container is one. (Seen with Streamlit 1.67 and Podman, 2026-11-28.)
    """
    return "ekm-troubleshooter"


@asynccontextmanager
async def lifespan(_: App) -> AsyncIterator[None]:
    """Start the warming up beside the server, never before it."""
    sending.install()
    metrics_util._get_machine_id_v3 = _machine
    # A folder named pages makes Streamlit offer each file in it as a page of its own, until st.navigation has run once:
    # a first visitor who follows a link to an error would meet that menu instead of ours.
    PagesManager.uses_pages_directory = False
    logs.install()
    timer = threading.Timer(_WARM_UP_AFTER, warm_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
