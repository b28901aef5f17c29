"""The staff gate, closed and open: a real browser, a real server and a real OpenID provider, all on loopback."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.lab.servers import free_port
from tests.serving import ROOT, serve

NODE = shutil.which("node")
PROVIDER = ROOT / "node_modules" / "oidc-provider" / "package.json"
ACCOUNTS = {
    "ann": {"email": "Ann@Support.Example.com", "email_verified": True, "name": "Ann"},
    "bob": {"email": "bob@example.net", "email_verified": True},
    "eve": {"email": "eve@support.example.com", "email_verified": False},
    "joe": {"email": "joe@example.net", "email_verified": False, "groups": ["ekm-support"]},
}
FIRST = "What does your EKM error mean?"
BEHIND = "Open the report that a customer shared"
SECRETS = """
[auth]
redirect_uri = "{app}/oauth2callback"
cookie_secret = "only-for-this-test-and-long-enough"
client_id = "ekm"
client_secret = "not-a-secret-of-anyone"
server_metadata_url = "{provider}/.well-known/openid-configuration"
client_kwargs = {{ scope = "openid email profile groups", prompt = "login" }}

[staff]
domains = ["support.example.com"]
groups = ["ekm-support"]
"""


def node_is_new_enough() -> bool:
    if not NODE or not PROVIDER.exists():
        return False
    version = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"v(\d+)", version)
    return found is not None and int(found[1]) >= 20


@pytest.fixture(scope="module")
def signing_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with a sign-in and a list."""
    if not node_is_new_enough():
        pytest.skip("the OpenID provider needs node 20 or newer and: npm install --no-save")
    port, provider_port = free_port(), free_port()
    app, provider = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{provider_port}"
    secrets = tmp_path_factory.mktemp("secrets") / "secrets.toml"
    secrets.write_text(SECRETS.format(app=app, provider=provider), encoding="utf-8")
    script = Path(__file__).with_name("openid_provider.mjs")
    process = subprocess.Popen(
        [str(NODE), script, str(provider_port), f"{app}/oauth2callback", json.dumps(ACCOUNTS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        with serve(port=port, STREAMLIT_SECRETS_FILES=str(secrets)) as address:
            yield address
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(20_000)
    yield page
    context.close()


def sign_in(page: Page, address: str, name: str) -> None:
    """From the closed gate through the provider's own form, and back to the page."""
    page.goto(f"{address}/reports")
    page.get_by_role("button", name="Sign in").click()
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill("any")
    page.get_by_role("button").click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("heading", name=FIRST).wait_for()
    page.goto(f"{address}/reports")


def test_nobody_signed_in_meets_a_closed_gate(page: Page, signing_in: str) -> None:
    page.goto(signing_in)
    page.get_by_role("heading", name=FIRST).wait_for()
    expect(page.get_by_role("link", name="Reports")).to_have_count(0)
    page.goto(f"{signing_in}/reports")
    expect(page.get_by_text("This page is for the support team. Please sign in.")).to_be_visible()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert BEHIND not in page.content()


@pytest.mark.parametrize(("name", "known_as"), [("ann", "Ann@Support.Example.com"), ("joe", "joe@example.net")])
def test_a_verified_address_of_the_domain_and_a_listed_group_pass(
    page: Page, signing_in: str, name: str, known_as: str
) -> None:
    sign_in(page, signing_in, name)
    expect(page.get_by_text(BEHIND)).to_be_visible()
    expect(page.get_by_text(f"Signed in as {known_as}.")).to_be_visible()
    expect(page.get_by_role("link", name="Reports")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Yes, sign me out").click()
    page.get_by_role("heading", name=FIRST).wait_for()
    page.goto(f"{signing_in}/reports")
    expect(page.get_by_text("Please sign in.")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "sentence"), [("bob", "is not on the list of this server"), ("eve", "e-mail address was verified")]
)
def test_another_domain_and_an_unverified_address_do_not_pass(
    page: Page, signing_in: str, name: str, sentence: str
) -> None:
    sign_in(page, signing_in, name)
    expect(page.get_by_text(sentence)).to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert BEHIND not in page.content()
    expect(page.get_by_role("link", name="Reports")).to_have_count(0)


def test_a_cookie_that_was_made_up_is_no_sign_in(page: Page, signing_in: str) -> None:
    made_up = '"{\\"is_logged_in\\":true,\\"email\\":\\"ann@support.example.com\\",\\"email_verified\\":true}"'
    page.context.add_cookies([{"name": "_streamlit_user", "value": made_up, "url": signing_in}])
    page.goto(f"{signing_in}/reports")
    expect(page.get_by_text("Please sign in.")).to_be_visible()
    assert BEHIND not in page.content()


def test_without_a_sign_in_a_loopback_server_is_open(page: Page) -> None:
    with serve() as address:
        page.goto(f"{address}/reports")
        expect(page.get_by_text(BEHIND)).to_be_visible()
        expect(page.get_by_text("only this machine can reach this server")).to_be_visible()


def test_without_a_sign_in_a_public_server_is_closed(page: Page) -> None:
    with serve(STREAMLIT_SERVER_ADDRESS="0.0.0.0") as address:
        page.goto(address)
        page.get_by_role("heading", name=FIRST).wait_for()
        expect(page.get_by_role("link", name="Reports")).to_have_count(0)
        page.goto(f"{address}/reports")
        expect(page.get_by_text("This page is off. No sign-in is set up")).to_be_visible()
        assert BEHIND not in page.content()
