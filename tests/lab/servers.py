"""Servers of the laboratory: ministack in a process of its own, and ours in a thread."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from tests.lab.programs import installed


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def ministack(account: str) -> Iterator[str]:
    """The address of a stand-in of AWS that checks signatures and policies, on this machine alone."""
    port = free_port()
    settings = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AUTH": "true",
        "CLOUDTRAIL_RECORDING": "1",
        "MINISTACK_ACCOUNT_ID": account,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
    program = installed("ministack") / "ministack"
    process = subprocess.Popen(
        [program], env={**os.environ, **settings}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return as soon as a program that was just started accepts connections."""
    for _ in range(600):
        assert process.poll() is None, f"{process.args!r} ended at once"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"{process.args!r} did not answer within 30 seconds")


class _Server(uvicorn.Server):
    """Ends as soon as it is told to: uvicorn's own looks ten times a second, then waits a tenth for its clients."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop, self._told = asyncio.get_running_loop(), asyncio.Event()
        await super().startup(sockets)

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()  # what is still being answered ends with the loop

    def end(self) -> None:
        """Called from another thread."""
        self._loop.call_soon_threadsafe(self._told.set)


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The address of a server of ours, in a thread of this process. It sees the Host header that the client sent."""
    # With its protocol named: else asyncio leaves Nagle's algorithm on, and each answer but the first takes 40 ms more.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    settings = uvicorn.Config(app, log_level="critical", lifespan="off", ws="none")
    server = _Server(settings)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server ended at once"
            time.sleep(0.002)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        if server.started:
            server.end()
        thread.join(timeout=10)
        listening.close()
