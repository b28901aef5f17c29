"""The laboratory's frame: production addresses lead to the stand-ins of this machine, and to nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.programs import installed
from tests.lab.servers import free_port, wait_for

_ROUTER = Path(__file__).with_name("route.py")


@dataclass(frozen=True, slots=True)
class Call:
    """One request that went through the frame.

    path: with its query. action: what an AWS request asks for (its X-Amz-Target or Action), else "". routed: False
    where the host is none of the laboratory's and was answered 502.
    """

    method: str
    host: str
    path: str
    action: str
    routed: bool


class Laboratory:
    """A frame that runs. environment: what a child process needs beside its own, to live in the laboratory."""

    def __init__(self, folder: Path, proxy: str, authority: Path) -> None:
        self._routes, self._calls = folder / "routes.json", folder / "calls.jsonl"
        self.environment: Mapping[str, str] = {
            **dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), proxy),
            **dict.fromkeys(("NO_PROXY", "no_proxy"), ""),
            **dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "AWS_CA_BUNDLE", "CURL_CA_BUNDLE"), str(authority)),
        }

    def route(self, hosts: Mapping[str, str]) -> None:
        """Lead hosts (regular expression of a whole name -> "http://127.0.0.1:PORT") there, from now on, and no others.

        Of several that fit, the first counts.
        """
        # In one step: the proxy reads the file for each request.
        fresh = self._routes.with_suffix(".new")
        fresh.write_text(json.dumps(dict(hosts)), encoding="utf-8")
        fresh.replace(self._routes)

    def forget(self) -> None:
        """Forget the calls so far."""
        self._calls.write_text("", encoding="utf-8")

    def calls(self) -> tuple[Call, ...]:
        """Every request since the start or the last ``forget``, in the order in which they came."""
        return tuple(Call(**json.loads(line)) for line in self._calls.read_text(encoding="utf-8").splitlines())


@contextmanager
def laboratory() -> Iterator[Laboratory]:
    """The frame, with no host routed yet."""
    with tempfile.TemporaryDirectory(prefix="ekm-lab-") as name:
        folder, port = Path(name), free_port()
        authority = folder / "mitmproxy-ca-cert.pem"
        running = Laboratory(folder, f"http://127.0.0.1:{port}", authority)
        running.route({})
        running.forget()
        options = ("connection_strategy=lazy", "upstream_cert=false", "http2=false", f"confdir={folder}")
        command = [str(installed("mitmproxy") / "mitmdump"), "-q", "-s", str(_ROUTER)]
        command += ["--listen-host", "127.0.0.1", "--listen-port", str(port)]
        command += [part for option in options for part in ("--set", option)]
        settings = {"LAB_ROUTES": str(running._routes), "LAB_CALLS": str(running._calls)}
        process = subprocess.Popen(
            command, env={**os.environ, **settings}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            wait_for(port, process)
            while not authority.exists():
                assert process.poll() is None, "mitmproxy ended at once"
                time.sleep(0.02)
            yield running
        finally:
            process.terminate()
            process.wait(timeout=20)
