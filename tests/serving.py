"""The app under its real server, on loopback and in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.lab.servers import free_port

ROOT = Path(__file__).resolve().parents[1]


def healthy(address: str) -> bool:
    """Whether a server answers there."""
    try:
        urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).close()
    except (urllib.error.URLError, OSError):
        return False
    return True


def wait_until_healthy(address: str) -> None:
    """Wait half a minute at most."""
    for _ in range(300):
        if healthy(address):
            return
        time.sleep(0.1)  # there is no other sign of a start
    raise AssertionError(f"{address} did not answer within 30 seconds")


@contextmanager
def serve(
    script: str = "app.py", port: int = 0, log: IO[str] | int = subprocess.DEVNULL, **settings: str
) -> Iterator[str]:
    """The address of a server, with its prefix. settings: environment variables. log: where standard error goes."""
    port = port or free_port()
    process = start(script, port, log, **settings)
    prefix = settings.get("STREAMLIT_SERVER_BASE_URL_PATH", "")
    address = f"http://127.0.0.1:{port}{prefix and '/'}{prefix}"
    try:
        wait_until_healthy(address)
        yield address
    finally:
        process.terminate()
        process.wait(10)


def start(script: str, port: int, log: IO[str] | int = subprocess.DEVNULL, **settings: str) -> subprocess.Popen[bytes]:
    """The process of a server that is about to answer; whoever calls ends it."""
    return subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", script, "--server.port", str(port)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=log,
        env={**os.environ, "PYTHONPATH": str(ROOT), "STREAMLIT_SERVER_ADDRESS": "127.0.0.1", **settings},
    )
