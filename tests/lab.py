"""Programs for the tests that need an environment of their own, installed once under .venv-lab (ignored by git).

In the app's own environment pip would fall back to an old ministack and move botocore.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LAB = Path(__file__).resolve().parents[1] / ".venv-lab"


def installed(name: str, version: str) -> Path:
    """The folder of the programs of one package; installs it where that was not done yet."""
    home = LAB / f"{name}-{version}"
    mark = home / ".installed"
    if not mark.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        install = [home / "bin" / "python", "-m", "pip", "install", "-q", f"{name}=={version}"]
        subprocess.run(install, check=True)
        mark.touch()
    return home / "bin"


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
    program = installed("ministack", "1.5.33") / "ministack"
    process = subprocess.Popen(
        [program], env={**os.environ, **settings}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert process.poll() is None, "ministack ended at once"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("ministack did not answer within 30 seconds")
