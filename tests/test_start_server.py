"""The server as it starts: settings that speed hangs on, headers, and what it does not import."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from streamlit import config
from streamlit.runtime.scriptrunner import script_runner

from pages.components.prompt import PromptSockets
from pages.components.security import SecurityHeaders
from tests.lab.servers import free_port, served
from tests.serving import ROOT, serve
from tests.test_api import ASSUME_ROLE, call

HEAVY = ("boto3", "botocore", "azure", "google.auth", "google.cloud", "openai", "pydantic")

# Starts the real app under the real server, uses it once over its socket, and prints which modules are loaded then.
_CHILD = """
import asyncio, json, sys, threading, urllib.request
port, text = sys.argv[1:3]
def use():
    import time
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health").close()
            break
        except OSError:
            time.sleep(0.05)
    time.sleep(1.5)
    from websockets.sync.client import connect
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
    with connect(f"ws://127.0.0.1:{port}/_stcore/stream", subprotocols=["streamlit"], max_size=None) as socket:
        def run(message):
            socket.send(message.SerializeToString())
            ids = {}
            while True:
                got = ForwardMsg.FromString(socket.recv())
                if got.WhichOneof("type") == "delta":
                    element = got.delta.new_element
                    kind = element.WhichOneof("type")
                    if kind in ("text_area", "button"):
                        ids[kind] = getattr(element, kind).id
                    if kind == "html" and "ekm-finding" in element.html.body:
                        ids["found"] = True
                if got.WhichOneof("type") == "script_finished":
                    return ids
        first = BackMsg()
        first.rerun_script.query_string = ""
        ids = run(first)
        click = BackMsg()
        area = click.rerun_script.widget_states.widgets.add()
        area.id, area.string_value = ids["text_area"], text
        button = click.rerun_script.widget_states.widgets.add()
        button.id, button.trigger_value = ids["button"], True
        found = run(click)
    print(json.dumps({"found": found.get("found", False), "modules": sorted(sys.modules)}), flush=True)
    import os
    os._exit(0)
threading.Thread(target=use, daemon=True).start()
sys.argv = ["streamlit", "run", "app.py", "--server.port", port, "--server.address", "127.0.0.1"]
from streamlit.web import cli
cli.main()
"""


def test_the_app_loads_no_cloud_sdk_and_diagnose_no_pandas() -> None:
    import json

    from pages.components.examples import EXAMPLES

    child = subprocess.run(
        [sys.executable, "-c", _CHILD, str(free_port()), EXAMPLES["AWS: AssumeRole"]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    line = next(line for line in child.stdout.splitlines() if line.startswith("{"))
    answer = json.loads(line)
    assert answer["found"]
    loaded = answer["modules"]
    assert not [name for name in loaded if name.startswith(HEAVY)]
    assert not [name for name in loaded if name.split(".")[0] in ("pandas", "pyarrow")]


def test_the_core_imports_no_streamlit() -> None:
    code = "import sys; from ekm_core import cli, diagnose, report, values; print('streamlit' in sys.modules)"
    child = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert child.stdout.strip() == "False"


def test_the_settings_hold() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert settings["client"]["showErrorDetails"] == "none"
    assert settings["browser"]["gatherUsageStats"] is False
    assert settings["server"]["maxUploadSize"] <= 200
    assert settings["runner"]["postScriptGC"] is False
    known = config._config_options_template
    for section, options in settings.items():
        if section != "theme":
            assert all(f"{section}.{name}" in known for name in options)


def test_streamlit_still_honours_the_option_that_stops_collecting_after_each_run() -> None:
    source = Path(script_runner.__file__).read_text(encoding="utf-8")
    assert 'if config.get_option("runner.postScriptGC"):' in source


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serve(EKM_FRAME_ANCESTORS="https://portal.example.com") as address:
        yield address


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/errors?error=x", "/_stcore/health", "/assets/ekm.js", "/metrics", "//odd", "/static/none.js"),
        *("/api/v1/errors", "/api/v1/errors/none", "/api/v1/diagnose", "/api/none", "/_stcore/agent/interact"),
    ],
)
def test_every_answer_has_the_security_headers(server: str, path: str) -> None:
    found = call(server + path).headers
    policy = found["Content-Security-Policy"]
    assert "frame-ancestors https://portal.example.com" in policy
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "unsafe" not in scripts
    assert "object-src 'none'" in policy
    assert found["X-Content-Type-Options"] == "nosniff"
    assert found["Referrer-Policy"] == "no-referrer"


def test_a_fault_of_the_server_has_them_too() -> None:
    async def faulty(scope: object, receive: object, send: object) -> None:
        raise ZeroDivisionError

    with served(SecurityHeaders(faulty)) as address:
        answer = call(address)
    assert answer.status == 500
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_sockets_send_at_once() -> None:
    """The connection of a WebSocket has Nagle's algorithm off, under the server that Streamlit uses."""
    seen = []

    class Connection:
        family = socket.AF_INET

        def setsockopt(self, *option: int) -> None:
            seen.append(option)

    class Transport(asyncio.BaseTransport):
        def get_extra_info(self, name: str, default: object = None) -> object:
            return Connection() if name == "socket" else default

    class Protocol:
        transport = Transport()

        async def receive(self) -> None: ...

    async def inner(scope: object, receive: object, send: object) -> None: ...

    asyncio.run(PromptSockets(inner)({"type": "websocket"}, Protocol().receive, None))
    assert seen == [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]


def test_uvicorn_still_keeps_its_connection_where_we_look_for_it() -> None:
    from uvicorn.protocols.websockets import websockets_sansio_impl

    source = Path(websockets_sansio_impl.__file__).read_text(encoding="utf-8")
    assert "self.transport" in source
    assert "self.app(self.scope, self.receive, self.send)" in source


def test_answers_on_a_connection_that_is_kept_open_are_sent_at_once() -> None:
    option = socket.IPPROTO_TCP, socket.TCP_NODELAY
    seen = []

    async def as_under_streamlit(scope: object, receive: Any, send: Any) -> None:
        connection = receive.__self__.transport.get_extra_info("socket")
        connection.setsockopt(*option, 0)
        await PromptSockets(PlainTextResponse("here"))(scope, receive, send)
        seen.append(connection.getsockopt(*option))

    with served(as_under_streamlit) as address:
        call(address)
    assert seen == [1]


def test_the_agent_interface_of_streamlit_is_off_and_works_where_it_is_switched_on(server: str) -> None:
    """The README offers it as an option; it is experimental, so an update may take it away."""
    assert call(f"{server}/_stcore/agent/interact", "POST", {}).status == 403
    with serve(STREAMLIT_SERVER_ENABLE_AGENT_API="true") as address:
        first = call(f"{address}/_stcore/agent/interact", "POST", {}).json
        asked = {"session_id": first["session_id"], "widget_state": {"paste": ASSUME_ROLE}, "trigger": {"key": "ask"}}
        answer = call(f"{address}/_stcore/agent/interact", "POST", asked)
        assert "aws-sts-assume-role-denied" in json.dumps(answer.json["tree"])
