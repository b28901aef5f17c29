"""A real server and a real browser. The browser is Debian's chromium; without it they are skipped and say so."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("EKM_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
FAQ = json.loads((ROOT / "tests" / "data" / "faq.json").read_text(encoding="utf-8"))["messages"]
ASSUME_ROLE = FAQ[0]["text"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serve(script: str, port: int, **settings: str) -> Iterator[str]:
    """The address of a server of our own on loopback. settings: environment variables, which may say otherwise."""
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", script, "--server.port", str(port)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT), "STREAMLIT_SERVER_ADDRESS": "127.0.0.1", **settings},
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).close()
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def base() -> Iterator[str]:
    """The address of the app."""
    with serve("app.py", free_port()) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        # Containers often run as root, where chromium's own sandbox cannot start; the pages are our own.
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, base: str) -> Iterator[OpenPage]:
    """Opens a path in a context of its own; on the way out, no page may have raised an error or been refused a load."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_(path: str = "/", **settings: object) -> Page:
        context = browser.new_context(
            **{
                "viewport": {"width": 1280, "height": 900},
                "permissions": ["clipboard-read", "clipboard-write"],
                **settings,
            }
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console", lambda message: problems.append(message.text) if "Policy directive" in message.text else None
        )
        page.goto(base + path)
        page.wait_for_selector(".ekm h1")
        settled(page)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not problems


def diagnose(page: Page, text: str) -> None:
    """Paste and click."""
    area = page.get_by_label("Error message")
    area.wait_for()
    settled(page)
    area.fill(text)
    page.get_by_role("button", name="Diagnose").click()


def result(page: Page) -> None:
    """Wait for a result that has settled: all of it, and the fields beside it, are drawn."""
    page.wait_for_selector(".ekm-finding")
    page.wait_for_selector("details.ekm-cause")
    page.get_by_role("heading", name="Your values").wait_for()
    settled(page)


def settled(page: Page) -> None:
    """Wait until no run of the page is under way: a click in the midst of one may meet a button that is replaced."""
    page.locator("[data-testid='stApp'][data-test-script-state='notRunning']").wait_for()


def violations(page: Page) -> list[str]:
    """Serious and critical findings of axe-core, with the elements."""
    # Through the debugger, not as a script of the page: the page's own policy would rightly refuse it.
    page.evaluate(AXE.read_text(encoding="utf-8") + "; undefined")
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{item['id']} ({item['impact']}): {[node['html'][:160] for node in item['nodes']][:4]}"
        for item in found["violations"]
        if item["impact"] in ("serious", "critical")
    ]
