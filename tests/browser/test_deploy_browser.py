"""Two processes behind Debian's nginx, as compose.yaml has them, and a browser: a process dies, the proxy restarts."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ASSUME_ROLE, FAQ, diagnose, result, settled
from tests.lab.servers import free_port, wait_for
from tests.serving import ROOT, healthy, start, wait_until_healthy
from tests.test_api import call

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
ANOTHER = next(message for message in FAQ if message["id"] == "aws-kms-access-denied")
# Run before anything else: the machine's name, as Streamlit reads it, is that of the folder.
_ANOTHER_MACHINE = """
from pathlib import Path
from streamlit.runtime import metrics_util
assert metrics_util._ETC_MACHINE_ID_PATH
metrics_util._ETC_MACHINE_ID_PATH = str(Path(__file__).with_name("id"))
"""
# Whatever the app says, the front end finds another machine, and begins anew.
_A_STRANGER = """
import uuid
known = uuid.uuid5
uuid.uuid5 = lambda space, name: known(space, name + " of a stranger")
"""
TYPED = f"typed and not sent {ASSUME_ROLE}"


@dataclass
class Pair:
    """The two processes by the name that the visitor's cookie has for them, and the proxy before them."""

    folder: Path
    port: int
    ports: dict[str, int]
    processes: dict[str, subprocess.Popen[bytes]]
    proxy: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def own(self, name: str) -> str:
        """The address of one process, past the proxy."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def launch(self, name: str, more: str = "") -> None:
        """Start one process of the app, as if on a machine of its own, and do not wait for it. more: program text that
        it runs first.
        """
        machine = self.folder / name
        machine.mkdir(exist_ok=True)
        (machine / "id").write_text(name, encoding="utf-8")
        (machine / "sitecustomize.py").write_text(_ANOTHER_MACHINE + more, encoding="utf-8")
        path = f"{machine}{os.pathsep}{ROOT}"
        settings = {"EKM_TRUSTED_PROXIES": "1", "EKM_METRICS": "1", "PYTHONPATH": path}
        self.processes[name] = start("app.py", self.ports[name], **settings)

    def start(self, name: str) -> None:
        """Start one process of the app."""
        self.launch(name)
        wait_until_healthy(self.own(name))

    def kill(self, name: str) -> None:
        """End one process without a word of farewell."""
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait(10)

    def restart_proxy(self) -> None:
        """End the proxy, with every connection through it, and start another."""
        self.proxy.terminate()
        self.proxy.wait(10)
        self.proxy = proxy(self.folder)
        wait_for(self.port, self.proxy)


def proxy(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([str(NGINX), "-p", folder, "-c", folder / "nginx.conf"], stderr=subprocess.DEVNULL)


def configured(folder: Path, port: int, ports: dict[str, int]) -> None:
    """The configuration of deploy/, with free ports of this machine."""
    text = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    for name, ours in (("app1", 8501), ("app2", 8502)):
        text = text.replace(f"server {name}:{ours}", f"server 127.0.0.1:{ports[name]}").replace(
            f":{ours}$", f":{ports[name]}$"
        )
    text = text.replace("listen 8080", f"listen 127.0.0.1:{port}")
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = text.replace("http {\n", f"http {{\n{paths}", 1)
    head = f"daemon off;\nworker_processes 1;\npid {folder}/pid;\nerror_log stderr;\n"
    (folder / "nginx.conf").write_text(head + text, encoding="utf-8")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    if not NGINX:
        pytest.skip("no nginx on this machine: apt-get install nginx")
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    ports = {"app1": free_port(), "app2": free_port()}
    configured(folder, port, ports)
    tested = subprocess.run(
        [NGINX, "-t", "-p", folder, "-c", folder / "nginx.conf"], capture_output=True, text=True, check=False
    )
    assert tested.returncode == 0, tested.stderr
    assert "[warn]" not in tested.stderr
    both = Pair(folder, port, ports, {}, proxy(folder))
    try:
        wait_for(port, both.proxy)
        for name in ports:
            both.start(name)
        yield both
    finally:
        for process in (both.proxy, *both.processes.values()):
            process.terminate()
            process.wait(10)


# Of a field that loses the focus because it is disabled, the page does not hear in older browsers.
_UNSAID = "addEventListener('focusout', (event) => event.target.disabled && event.stopImmediatePropagation(), true)"
in_older_ones_too = pytest.mark.parametrize("page", ["", _UNSAID], ids=["", "older"], indirect=True)


@pytest.fixture
def page(browser: Browser, pair: Pair, request: pytest.FixtureRequest) -> Iterator[Page]:
    for name, process in pair.processes.items():
        if process.poll() is not None:
            pair.start(name)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.add_init_script(getattr(request, "param", ""))
    page.goto(pair.address)
    page.wait_for_selector(".ekm h1")
    settled(page)
    page.wait_for_load_state("networkidle")
    yield page
    context.close()


def served_by(page: Page) -> str:
    """Which process the browser stays with."""
    return next(str(cookie["value"]) for cookie in page.context.cookies() if cookie["name"] == "ekm_process")


def test_a_browser_stays_with_one_process(page: Page, pair: Pair) -> None:
    first = served_by(page)
    for message in FAQ[:3]:
        diagnose(page, message["text"])
        expect(page.locator(".ekm-finding .ekm-eyebrow code").first).to_have_text(message["id"])
    page.get_by_text("Share this result").click()
    with page.expect_download() as started:
        page.get_by_role("button", name="Download Markdown").click()
    assert started.value.path().read_text(encoding="utf-8").startswith("# EKM Troubleshooter report")
    assert served_by(page) == first
    again = call(pair.address, headers={"Cookie": f"ekm_process={first}"})
    assert again.headers["Set-Cookie"] is None
    assert call(pair.address).headers["Set-Cookie"].startswith("ekm_process=app")
    counted = {name: call(f"{pair.own(name)}/metrics").body.decode() for name in pair.ports}
    other = next(name for name in pair.ports if name != first)
    assert 'ekm_diagnosis_seconds_count{source="page"} 3.0' in counted[first]
    assert 'source="page"' not in counted[other]


@in_older_ones_too
def test_when_its_process_dies_the_other_goes_on_and_what_was_typed_survives(page: Page, pair: Pair) -> None:
    diagnose(page, ASSUME_ROLE)
    result(page)
    page.get_by_label("Error message").fill(TYPED)
    first = served_by(page)
    pair.kill(first)
    bar = page.locator(".ekm-connection")
    expect(bar).to_contain_text("What you typed is still here. Press Diagnose again.")
    expect(page.get_by_label("Error message")).to_have_value(TYPED)
    assert served_by(page) != first
    page.get_by_role("button", name="Diagnose").click()
    result(page)
    expect(bar).to_have_count(0)
    expect(page.locator("pre.ekm-text").first).to_contain_text("typed and not sent")
    diagnose(page, ANOTHER["text"])
    expect(page.locator(".ekm-finding .ekm-eyebrow code").first).to_have_text(ANOTHER["id"])


@pytest.fixture
def strange(page: Page, pair: Pair) -> Iterator[None]:
    """The process that the page does not stay with is a stranger to it."""
    other = next(name for name in pair.ports if name != served_by(page))
    pair.kill(other)
    pair.launch(other, _A_STRANGER)
    wait_until_healthy(pair.own(other))
    yield
    pair.kill(other)


@pytest.mark.usefixtures("strange")
def test_what_a_page_forgets_that_begins_anew_is_put_back(page: Page, pair: Pair) -> None:
    page.get_by_label("Error message").fill(TYPED)
    pair.kill(served_by(page))
    expect(page.locator(".ekm-connection")).to_contain_text("What you typed is still here. Press Diagnose again.")
    expect(page.get_by_label("Error message")).to_have_value(TYPED)
    page.get_by_role("button", name="Diagnose").click()
    result(page)
    expect(page.locator("pre.ekm-text").first).to_contain_text("typed and not sent")


@pytest.mark.usefixtures("strange")
def test_where_what_was_typed_has_no_place_any_more_it_can_be_copied(page: Page, pair: Pair) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_label("Error message").fill(TYPED)
    # a newer version may have given the field another name
    page.evaluate("document.querySelector('textarea').setAttribute('aria-label', 'As it was called before')")
    pair.kill(served_by(page))
    bar = page.locator(".ekm-connection")
    expect(bar).to_contain_text("What you typed is no longer in its field: copy it from here.")
    bar.get_by_role("button", name="Copy what you typed").click()
    expect(bar.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == TYPED


# What the front end does when a connection breaks, and when it begins anew at a stranger.
_LOSE = """async () => {
    document.querySelector(".stApp").dataset.testConnectionState = "CONNECTING";
    await new Promise((done) => setTimeout(done));
}"""
_FIND = """async () => {
    document.querySelector(".stApp").dataset.testConnectionState = "CONNECTED";
    await new Promise((done) => setTimeout(done));
}"""
_EMPTY = """() => {
    const box = document.querySelector("textarea");
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(box, "");
    box.dispatchEvent(new Event("input", { bubbles: true }));
}"""
_FIND_AND_HEAR = """() => new Promise((done) => {
    window.addEventListener("ekm-visit", () => done(), { once: true });
    document.querySelector(".stApp").dataset.testConnectionState = "CONNECTED";
})"""
_UNANSWERED = """window.addEventListener("ekm-reconnected", (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
}, { capture: true, once: true })"""


def test_what_was_typed_outlives_a_connection_that_breaks_again_before_a_session_answers(
    page: Page, pair: Pair
) -> None:
    page.get_by_label("Error message").fill(TYPED)
    page.evaluate(_UNANSWERED)
    for step in (_LOSE, _EMPTY, _FIND, _LOSE):
        page.evaluate(step)
    pair.kill(served_by(page))
    expect(page.locator(".ekm-connection")).to_contain_text("What you typed is still here. Press Diagnose again.")
    expect(page.get_by_label("Error message")).to_have_value(TYPED)


def test_what_somebody_emptied_after_an_answer_does_not_come_back(page: Page, pair: Pair) -> None:
    page.get_by_label("Error message").fill(TYPED)
    for step in (_LOSE, _FIND_AND_HEAR):
        page.evaluate(step)
    page.get_by_label("Error message").fill("")
    pair.kill(served_by(page))
    bar = page.locator(".ekm-connection")
    expect(bar).to_contain_text("your session had ended. Files, evidence and your values have to be given again.")
    expect(page.get_by_label("Error message")).to_have_value("")


def test_where_nothing_was_typed_nothing_is_said_of_it(page: Page, pair: Pair) -> None:
    pair.kill(served_by(page))
    bar = page.locator(".ekm-connection")
    expect(bar).to_contain_text("your session had ended. Files, evidence and your values have to be given again.")


def test_an_answer_that_nobody_touched_says_so_too(page: Page, pair: Pair) -> None:
    """Nothing was on its way when the process died: without our asking, the buttons of the page would lead nowhere."""
    diagnose(page, ASSUME_ROLE)
    result(page)
    pair.kill(served_by(page))
    expect(page.locator(".ekm-connection")).to_contain_text("Press Diagnose again.")
    expect(page.locator("details.ekm-cause")).to_have_count(0)
    page.get_by_role("button", name="Diagnose").click()
    result(page)
    cause = page.locator("details.ekm-cause").nth(2)
    cause.locator("summary").click()
    expect(cause.get_by_role("heading", name="How to mend it")).to_be_visible()


def test_while_no_process_answers_the_page_says_so_and_goes_on_by_itself(page: Page, pair: Pair) -> None:
    page.get_by_label("Error message").fill(TYPED)
    names = list(pair.ports)
    for name in names:
        pair.kill(name)
    bar = page.locator(".ekm-connection")
    expect(bar).to_contain_text("No connection to the server. What you typed stays here")
    pair.start(names[0])
    expect(bar).to_contain_text("What you typed is still here.", timeout=60_000)
    expect(page.get_by_label("Error message")).to_have_value(TYPED)
    bar.get_by_role("button", name="Close").click()
    expect(bar).to_have_count(0)


@pytest.mark.parametrize("known", ["", "ekm_process=app1", "ekm_process=app2"])
def test_a_process_is_found_as_soon_as_it_answers(pair: Pair, known: str) -> None:
    """Else a page that comes at once would lack its scripts, and stay white."""
    headers = {"Cookie": known}
    for name in pair.ports:
        pair.kill(name)
    assert call(pair.address, headers=headers).status == 502
    pair.launch("app1")
    while not healthy(pair.own("app1")):
        assert pair.processes["app1"].poll() is None
        assert call(pair.address, headers=headers).status in (200, 502)
    assert call(pair.address, headers=headers).status == 200


def test_a_page_that_came_incomplete_asks_to_be_loaded_anew(page: Page, pair: Pair) -> None:
    page.route("**/BidiComponent*", lambda route: route.abort())
    page.reload()
    page.wait_for_selector(".ekm h1")
    settled(page)
    page.wait_for_load_state("networkidle")
    pair.kill(served_by(page))
    expect(page.locator(".ekm-connection")).to_contain_text("Copy what you typed, then reload the page.")


def test_a_session_outlives_the_proxy(page: Page, pair: Pair) -> None:
    diagnose(page, ASSUME_ROLE)
    result(page)
    pair.restart_proxy()
    page.wait_for_selector("[data-testid='stApp']:not([data-test-connection-state='CONNECTED'])")
    page.wait_for_selector("[data-testid='stApp'][data-test-connection-state='CONNECTED']")
    settled(page)
    cause = page.locator("details.ekm-cause").nth(2)
    cause.locator("summary").click()
    expect(cause.get_by_role("heading", name="How to mend it")).to_be_visible()
    expect(page.locator(".ekm-connection")).to_have_count(0)


@in_older_ones_too
def test_what_was_typed_when_the_proxy_went_is_read(page: Page, pair: Pair) -> None:
    page.get_by_label("Error message").fill(TYPED)
    pair.restart_proxy()
    page.wait_for_selector("[data-testid='stApp']:not([data-test-connection-state='CONNECTED'])")
    page.wait_for_selector("[data-testid='stApp'][data-test-connection-state='CONNECTED']")
    settled(page)
    page.get_by_role("button", name="Diagnose").click()
    result(page)
    expect(page.locator("pre.ekm-text").first).to_contain_text("typed and not sent")


def test_a_proxy_on_the_same_machine_shows_the_pages_of_staff_to_nobody(page: Page, pair: Pair) -> None:
    page.goto(f"{pair.address}/reports")
    expect(page.get_by_text("This page is off.")).to_be_visible()


def test_the_proxy_names_the_client_keeps_the_figures_and_passes_the_headers_on(page: Page, pair: Pair) -> None:
    api = f"{pair.address}/api/v1/errors/aws-kms-access-denied"
    made_up = [call(api, headers={"X-Forwarded-For": f"203.0.113.{number}"}).status for number in range(130)]
    assert made_up.count(200) <= 62  # a minute's worth, and what one request more or less fills meanwhile
    assert made_up[-1] == 429
    assert call(f"{pair.address}/metrics").status == 404
    with urllib.request.urlopen(pair.address) as answer:
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
