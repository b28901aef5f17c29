"""``make demo``: the app in the laboratory, so that anybody can try every page without a cloud account.

Beside the app stands a second page, the laboratory's own: it lists the set-ups, lets one be chosen for each cloud, and
shows the registration and the (invented) credentials to paste. Both listen on this machine alone.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from html import escape
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from ekm_core import configuration
from ekm_core.catalogue import get
from ekm_core.importing.names import REGISTRATION
from ekm_core.model import Provider
from tests.lab import openai
from tests.lab.declared import Setup, setups
from tests.lab.frame import laboratory
from tests.lab.play import Stage, stage
from tests.lab.servers import served

ROOT = Path(__file__).resolve().parents[2]
_KEYS = {
    openai.ADMIN_KEY: "An admin key that may do everything",
    openai.WRITING_KEY: "One that may not read external keys",
}
_LONGEST_PRINTED = 100
_LABELS = {
    "access_key_id": "Access key ID",
    "secret_access_key": "Secret access key",
    "session_token": "Session token",
    "access_token": "Access token",
    "arm": "Token for Azure Resource Manager",
    "graph": "Token for Microsoft Graph",
    "vault": "Token for Key Vault",
}
_STYLE = """
body { font: 16px/1.55 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
:root { color-scheme: light dark; }
fieldset, pre { border: 1px solid #8a9793; border-radius: 8px; padding: .75rem 1rem; margin: 0 0 1.5rem; min-width: 0; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .3rem 0 1rem; }
legend { font-weight: 650; padding: 0 .4rem; }
select, button { font: inherit; padding: .35rem .6rem; max-width: 100%; }
summary { cursor: pointer; }
"""


class Desk:
    """The laboratory's own page. app: the app's address."""

    def __init__(self, shown: Stage, app: str) -> None:
        self._stage, self._app = shown, app
        self._lock = threading.Lock()  # a set-up takes a moment to change
        self._setups = {setup.name: setup for setup in setups()}

    def begin(self) -> None:
        """Show a broken set-up of each cloud: a healthy one has little to tell."""
        for provider in REGISTRATION:
            of_cloud = [setup for setup in self._setups.values() if setup.provider is provider]
            for setup in [*(setup for setup in of_cloud if not setup.healthy), *of_cloud][:1]:
                self._stage.show(setup)

    def app(self) -> Starlette:
        """The page as a server's application."""
        return Starlette(routes=[Route("/", self.page), Route("/show", self.show, methods=["POST"])])

    def page(self, _: Request) -> Response:
        """What is shown, and what to paste."""
        with self._lock:
            clouds = "".join(map(self._cloud, REGISTRATION))
        keys = "".join(f"<p>{escape(words)}</p>{_pre(key)}" for key, words in _KEYS.items())
        return HTMLResponse(
            "<!doctype html><html lang=en><meta name=viewport content='width=device-width'>"
            f"<title>EKM laboratory</title><style>{_STYLE}</style><main><h1>The laboratory</h1>"
            "<p>Servers on this machine stand in for the clouds and for OpenAI. Nothing here is real, and no call "
            "leaves the machine. Choose what is set up, paste the registration into the app under Configuration, and "
            f'run a live check with the credentials that stand here. <a href="{escape(self._app)}">Open the app</a></p>'
            f"{clouds}<fieldset><legend>OpenAI</legend>{keys}</fieldset></main></html>"
        )

    async def show(self, request: Request) -> Response:
        """Show another set-up."""
        form = await request.form()
        if setup := self._setups.get(str(form.get("name"))):
            await run_in_threadpool(self._show, setup)
        return RedirectResponse("/", 303)

    def _show(self, setup: Setup) -> None:
        with self._lock:
            self._stage.show(setup)

    def _cloud(self, provider: Provider) -> str:
        shown = self._stage.shown(provider)
        if shown is None:
            return ""
        options = "".join(
            f'<option value="{escape(setup.name)}"{" selected" if setup is shown else ""}>'
            f"{'✓ ' if setup.healthy else ''}{escape(setup.title)}</option>"
            for setup in self._setups.values()
            if setup.provider is provider
        )
        return (
            f"<fieldset><legend>{escape(provider.label)}</legend><form method=post action=/show><label>Set-up "
            f"<select name=name>{options}</select></label> <button>Show this one</button></form>"
            f"<details><summary>What is wrong with it?</summary>{_truth(shown)}</details>"
            f"<p>Registration</p>{_pre(_body(shown))}{self._pasted(provider)}</fieldset>"
        )

    def _pasted(self, provider: Provider) -> str:
        given = self.credentials(provider)
        return "".join(f"<p>{label}</p>{_pre(value)}" for label, value in given.items())

    def credentials(self, provider: Provider) -> Mapping[str, str]:
        """What to paste into the live check for a cloud, by the labels there; nothing where nothing is shown of it."""
        if self._stage.shown(provider) is None:
            return {}
        given = self._stage.sign_in(provider)
        values = {_LABELS[item.name]: getattr(given, item.name) for item in dataclasses.fields(given)}
        return {label: value for label, value in values.items() if value}


def _pre(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def _body(shown: Setup) -> str:
    body = {**configuration.body(shown.configuration), "organization_id": shown.configuration.organization_id}
    return json.dumps(body, indent=2)


def _truth(shown: Setup) -> str:
    error = get(shown.error)
    if error is None:
        return "<p>Nothing: OpenAI can use the key.</p>"
    causes = "".join(f"<li><code>{escape(cause)}</code></li>" for cause in shown.confirmed)
    return f"<p>OpenAI meets: {escape(error.title)}.</p><ul>{causes}</ul>"


def printed(desk: Desk, app: str, address: str) -> str:
    """What stands in the terminal once all has started."""
    lines = [f"The app:        {app}", f"The laboratory: {address}   (set-ups, and all there is to paste)", ""]
    lines.append("Invented credentials for the live check:")
    for provider in REGISTRATION:
        for label, value in desk.credentials(provider).items():
            shown = value if len(value) < _LONGEST_PRINTED else "stands on the laboratory's page"
            lines.append(f"  {provider.label}: {label}: {shown}")
    lines.append(f"  {Provider.OPENAI.label}: Admin key: {openai.ADMIN_KEY}")
    return "\n".join(("", *lines, ""))


def main() -> int:
    """Start all, print where it is, and wait for the app to end or for Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.demo", description=__doc__)
    parser.add_argument("--port", type=int, default=8501, help="of the app")
    port = parser.parse_args().port
    # A signal to end must not leave the servers behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(
        "Starting the laboratory. The first time takes a minute: it installs what stands in for the clouds.", flush=True
    )
    app = f"http://127.0.0.1:{port}"
    with laboratory() as running, stage(running) as shown:
        desk = Desk(shown, app)
        desk.begin()
        with served(desk.app()) as address:
            command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
            settings = {**running.environment, "EKM_DEMO": address, "STREAMLIT_SERVER_ADDRESS": "127.0.0.1"}
            with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **settings}) as process:
                print(printed(desk, app, address), flush=True)
                try:
                    return process.wait()
                except KeyboardInterrupt:
                    return 0
                finally:
                    process.terminate()


if __name__ == "__main__":
    sys.exit(main())
