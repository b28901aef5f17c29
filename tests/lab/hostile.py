"""A server that answers as no cloud should: what a probe may meet behind a broken proxy or at a hostile address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from starlette.types import Receive, Scope, Send

from tests.lab.servers import served

KINDS = (
    "endless",
    "drip",
    "redirect",
    "not-json",
    "wrong-types",
    "deep",
    "cut",
    "silent",
    "empty",
    "throttled",
    "broken",
)


async def _body(kind: str) -> AsyncIterator[bytes]:
    if kind == "endless":
        yield b'{"value": "'
        while True:
            yield b"x" * 65536
            await asyncio.sleep(0)  # else the server would never see that the client has gone
    elif kind == "drip":
        while True:
            yield b" "
            await asyncio.sleep(0.2)
    elif kind == "cut":
        yield b'{"value": [1, 2'
        raise ConnectionAbortedError
    elif kind == "deep":
        yield b"[" * 200_000
    elif kind == "not-json":
        yield b"<html><script>window.pwned=1</script>\x00\xff</html>"
    elif kind == "wrong-types":
        yield b'{"value": 7, "data": "x", "Role": [], "error": [1], "KeyMetadata": null, "bindings": {"a": 1}}'


async def _answer(kind: str, send: Send) -> None:
    if kind == "silent":
        await asyncio.sleep(3600)
    status = {"redirect": 307, "throttled": 429, "broken": 503}.get(kind, 200)
    headers = [(b"content-type", b"application/json")]
    if kind == "redirect":
        headers.append((b"location", b"https://elsewhere.example/steal"))
    if kind == "cut":
        headers.append((b"content-length", b"5000"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    async for part in _body(kind):
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@contextmanager
def serve(kind: str) -> Iterator[str]:
    """The address of a server that gives one of KINDS of answers to every request."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        answering = asyncio.ensure_future(_answer(kind, send))

        async def gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        waiting = asyncio.ensure_future(gone())
        done, _ = await asyncio.wait((answering, waiting), return_when=asyncio.FIRST_COMPLETED)
        for task in (answering, waiting):
            task.cancel()
        if answering in done:
            answering.result()

    with served(app) as address:
        yield address
