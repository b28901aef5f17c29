"""Who may upload how much: everybody a little, and whoever is let into the Triage page a whole export."""

from __future__ import annotations

import contextlib
import gc
import http.client
from collections.abc import Iterator
from urllib.parse import quote, urlsplit
from weakref import WeakValueDictionary

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from streamlit.testing.v1 import AppTest

from pages.components import staff, uploads
from pages.components.staff import Access
from pages.components.uploads import MEGABYTES, Uploads
from tests.lab.servers import served
from tests.test_pages_app import app

LARGE = (MEGABYTES + 1) << 20
SESSION = "test session id"
"""Of every session in Streamlit's test harness."""


async def stored(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with served(Uploads(Starlette(routes=[Route("/{path:path}", stored, methods=["PUT"])]))) as address:
        yield address


@pytest.fixture(autouse=True)
def nobody_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_leaves", WeakValueDictionary())


def put(server: str, size: int, *, chunked: bool = False) -> int:
    """The status that answers an upload of this size."""
    connection = http.client.HTTPConnection(urlsplit(server).netloc)
    body = iter([b"x" * size]) if chunked else b"x" * size
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it is refused before it is read
        connection.request("PUT", f"/_stcore/upload_file/{quote(SESSION)}/file", body, encode_chunked=chunked)
    status = connection.getresponse().status
    connection.close()
    return status


def opened(path: str) -> AppTest:
    test = app().run().switch_page(path).run()
    assert not test.exception
    return test


def test_everybody_may_upload_a_little(server: str) -> None:
    assert put(server, MEGABYTES << 20) == 200


def test_what_is_too_large_for_everybody_is_refused_by_its_head(server: str) -> None:
    session = opened("pages/configuration.py")
    assert put(server, LARGE) == 413
    assert put(server, 1, chunked=True) == 411
    del session


def test_whoever_is_let_into_the_triage_may_upload_a_whole_export_until_the_session_ends(server: str) -> None:
    session = opened("pages/triage.py")
    assert put(server, LARGE) == 200
    del session
    gc.collect()
    assert put(server, LARGE) == 413


@pytest.mark.parametrize("found", [Access.PUBLIC, Access.NOT_LISTED, Access.MISCONFIGURED, Access.NO_LIST])
def test_whoever_stands_before_its_gate_may_not(server: str, found: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staff, "access", lambda: found)
    session = opened("pages/triage.py")
    assert put(server, LARGE) == 413
    del session
