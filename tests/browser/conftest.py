"""A real server and a real browser. The browser is Debian's chromium; without it they are skipped and say so."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.serving import ROOT, serve

CHROMIUM = os.environ.get("EKM_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
# Debian's chromium loads two pages of its address bar beside every page of ours, a third of all work. Naming features
# replaces Playwright's list of those that it switches off, so what counts of that is here too.
_OFF = (
    "WebUIOmniboxPopup,WebUIOmniboxAimPopup,AimEnabled,AvoidUnnecessaryBeforeUnloadCheckSync,HttpsUpgrades,LensOverlay"
)
_OFF += ",DestroyProfileOnBrowserClose,MediaRouter,OptimizationHints,PaintHolding,ThirdPartyStoragePartitioning"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
expect.set_options(timeout=20_000)  # as for actions: a busy machine is no fault of a page
FAQ = json.loads((ROOT / "tests" / "data" / "faq.json").read_text(encoding="utf-8"))["messages"]
ASSUME_ROLE = FAQ[0]["text"]


@pytest.fixture(scope="session")
def base() -> Iterator[str]:
    """The address of the app, on somebody's own computer."""
    with serve(EKM_LOCAL_FILES="1") as address:
        yield address


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Not for the whole session: Playwright's event loop runs in the thread of all tests, and others have their own."""
    if not CHROMIUM:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        # Containers often run as root, where chromium's own sandbox cannot start; the pages are our own.
        flags = ["--no-sandbox", f"--disable-features={_OFF}"]
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
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


_QUIET = """() => new Promise((done) => {
  let since = performance.now();
  const look = () => {
    const app = document.querySelector("[data-testid='stApp']");
    if (app?.dataset.testScriptState !== "notRunning") since = performance.now();
    if (performance.now() - since > 300) done();
    else setTimeout(look, 20);
  };
  look();
})"""


def settled(page: Page) -> None:
    """Wait until no run of the page is under way: a click in the midst of one may meet a button that is replaced.

    One run may ask for the next, so the page must have been at rest for a while.
    """
    page.locator("[data-testid='stApp'][data-test-script-state='notRunning']").wait_for()
    page.evaluate(_QUIET)


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
