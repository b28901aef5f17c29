"""The app in a frame on somebody else's page: a server on another origin, as a documentation site would have it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from tests.browser.conftest import ASSUME_ROLE
from tests.lab.servers import served
from tests.serving import ROOT, serve

PATHS = {
    "diagnose": "/?embed=true",
    "dark": "/?embed=true&embed_options=dark_theme",
    "entry": "/errors?embed=true&error=azure-keyvault-rbac-denied",
}


def tag(path: str, allow: str = 'allow="clipboard-write"') -> str:
    """The tag of the README, for another address and path."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"^    <iframe.*?</script>", readme, re.MULTILINE | re.DOTALL)
    assert found
    text = found[0].replace("/?embed=true", path).replace('allow="clipboard-write"', allow)
    assert path in text
    return text


@contextmanager
def documentation(ours: list[str]) -> Iterator[str]:
    """The origin of a page that holds the frame. ours: the address of the app, once it is known."""

    async def page(request: Request) -> HTMLResponse:
        allow = "" if "bare" in request.query_params else 'allow="clipboard-write"'
        frame = tag(PATHS[request.path_params["name"]], allow).replace("https://ekm.example.com", ours[0])
        return HTMLResponse(f"<!doctype html><title>Documentation</title><h1>Documentation</h1>{frame}<p>The end</p>")

    with served(Starlette(routes=[Route("/{name}", page)])) as address:
        # Another site than 127.0.0.1, not only another port.
        yield address.replace("127.0.0.1", "localhost")


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    """A documentation site whose pages may hold the app."""
    ours: list[str] = []
    with documentation(ours) as origin, serve(EKM_FRAME_ANCESTORS=f"https://portal.example.com {origin}") as address:
        ours.append(address)
        yield origin


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 1100, "height": 800}, permissions=["clipboard-read", "clipboard-write"]
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    yield page
    context.close()


def frame_of(page: Page, address: str) -> FrameLocator:
    page.goto(address)
    frame = page.frame_locator("iframe")
    frame.locator(".ekm:visible").first.wait_for()
    frame.locator("[data-testid='stApp'][data-test-script-state='notRunning']").wait_for()
    return frame


def ask(frame: FrameLocator) -> None:
    frame.get_by_label("Error message").fill(ASSUME_ROLE)
    frame.get_by_role("button", name="Diagnose").click()
    frame.locator("details.ekm-cause[open] .ekm-snippet:visible").first.wait_for()


def test_diagnose_stands_in_the_frame_without_a_menu_and_answers(page: Page, host: str) -> None:
    frame = frame_of(page, f"{host}/diagnose")
    expect(frame.get_by_role("heading", name="What does your EKM error mean?")).to_be_visible()
    for name in ("Diagnose", "Configuration", "Error reference"):
        expect(frame.get_by_role("link", name=name)).to_have_count(0)
    ask(frame)
    expect(frame.locator(".ekm-finding h2").first).to_be_visible()


@pytest.mark.parametrize("query", ["", "?bare"])
def test_a_copy_button_works_in_the_frame(page: Page, host: str, query: str) -> None:
    """With the tag's permission; and without it in the older way."""
    frame = frame_of(page, f"{host}/diagnose{query}")
    ask(frame)
    snippet = frame.locator("details.ekm-cause[open] .ekm-snippet:visible").first
    shown = snippet.locator("pre").evaluate("element => element.textContent")
    snippet.locator(".ekm-copy").click()
    expect(snippet.locator(".ekm-copy")).to_contain_text("Copied")
    page.bring_to_front()
    page.locator("h1").click()
    assert page.evaluate("navigator.clipboard.readText()") == shown


def test_the_frame_is_as_tall_as_its_content_and_comes_to_rest(page: Page, host: str) -> None:
    frame = frame_of(page, f"{host}/diagnose")
    element = page.locator("iframe")
    scrolls = "main => main.scrollHeight - main.clientHeight"
    main = frame.locator(".stMain")
    ask(frame)
    page.wait_for_function("document.querySelector('iframe').clientHeight > 1500")
    page.wait_for_timeout(1000)
    tall = element.evaluate("frame => frame.clientHeight")
    assert main.evaluate(scrolls) <= 1
    page.wait_for_timeout(1000)
    assert element.evaluate("frame => frame.clientHeight") == tall
    frame.get_by_label("Error message").fill(" ")
    frame.get_by_role("button", name="Diagnose").click()
    expect(frame.get_by_text("The text area is empty.")).to_be_visible()
    page.wait_for_function("document.querySelector('iframe').clientHeight < 1200")
    page.wait_for_timeout(1000)
    assert main.evaluate(scrolls) <= 1


def test_the_message_with_the_height_says_nothing_else(page: Page, host: str) -> None:
    page.add_init_script(
        "window.heard = []; window.addEventListener('message', (e) => window.heard.push([e.origin, e.data]))"
    )
    frame = frame_of(page, f"{host}/diagnose")
    ask(frame)
    page.wait_for_function("window.heard.some(([, data]) => data.type === 'ekm-height' && data.height > 1500)")
    heard = [data for _, data in page.evaluate("window.heard") if isinstance(data, dict) and "height" in data]
    assert all(set(data) == {"type", "height"} and isinstance(data["height"], int) for data in heard)


def test_one_entry_stands_in_the_frame_and_its_links_open_outside_it(page: Page, host: str) -> None:
    frame = frame_of(page, f"{host}/entry")
    expect(frame.get_by_role("heading", name="The key vault refuses")).to_be_visible()
    links = frame.locator("a[href^='http']")
    frame.locator(".ekm-sources a").first.wait_for(state="attached")
    assert links.count() > 1
    assert {link.get_attribute("target") for link in links.all()} == {"_blank"}
    assert all("noopener" in str(link.get_attribute("rel")) for link in links.all())
    frame.get_by_role("button", name="Copy link to this error").click()
    page.locator("h1").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.endswith("/errors?error=azure-keyvault-rbac-denied")
    frame.get_by_role("button", name="All errors").click()
    expect(frame.get_by_role("heading", name="Error reference")).to_be_visible()


def test_the_tag_chooses_the_theme(page: Page, host: str) -> None:
    colour = "app => getComputedStyle(app).backgroundColor"
    found = [frame_of(page, f"{host}/{name}").locator(".stApp").evaluate(colour) for name in ("diagnose", "dark")]
    assert found == ["rgb(255, 255, 255)", "rgb(17, 24, 22)"]


@pytest.mark.parametrize("setting", ["", "https://portal.example.com"])
def test_a_page_that_is_not_listed_gets_an_empty_frame(page: Page, setting: str) -> None:
    ours: list[str] = []
    with documentation(ours) as origin, serve(EKM_FRAME_ANCESTORS=setting) as address:
        ours.append(address)
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(f"{origin}/diagnose")
        page.wait_for_timeout(1500)
        assert any("frame-ancestors" in text for text in said)
        assert [frame.url for frame in page.frames[1:]] == ["chrome-error://chromewebdata/"]
