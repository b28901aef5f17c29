"""Live check as a person meets it, in the laboratory: from the registration to the proof, with real child processes."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ekm_core import configuration
from ekm_core.model import Provider
from tests.browser.conftest import AXE, OpenPage, result, serve, settled, violations
from tests.lab import hostile, openai
from tests.lab.declared import Setup, setups
from tests.lab.frame import laboratory
from tests.lab.play import Stage, stage

SETUPS = {setup.name: setup for setup in setups()}
BROKEN = {
    Provider.AWS: ("aws/trust-external-id-personal", "The ExternalId is not the one that OpenAI sends"),
    Provider.GCP: (
        "gcp/audience-typing-error",
        "The registered audience is not among the provider's allowed audiences",
    ),
    Provider.AZURE: ("azure/role-lacks-decrypt", "The custom role lacks one of the three data actions"),
}


@pytest.fixture(scope="module")
def shown() -> Iterator[Stage]:
    with laboratory() as running, stage(running) as made:
        for name, _ in BROKEN.values():
            if name in SETUPS:
                made.show(SETUPS[name])
        yield made


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the server writes."""
    return tmp_path_factory.mktemp("server") / "log"


@pytest.fixture(scope="module")
def base(shown: Stage, log: Path) -> Iterator[str]:
    """The app in the laboratory, in place of the plain one of the other browser tests."""
    with log.open("wb") as out, serve(log=out, **shown.laboratory.environment) as address:
        yield address


def register(page: Page, setup: Setup) -> None:
    """Give the registration under Configuration and go on to the live check."""
    body = {**configuration.body(setup.configuration), "organization_id": setup.configuration.organization_id}
    settled(page)
    page.get_by_label("Paste what you have").fill(json.dumps(body))
    page.get_by_role("button", name="Fill in the form").click()
    page.get_by_text("The form below is filled in.").wait_for()
    settled(page)
    page.get_by_role("link", name="Live check", exact=True).click()
    page.get_by_role("button", name="Run the live check").wait_for()
    settled(page)


def sign_in(page: Page, setup: Setup, shown: Stage) -> list[str]:
    """Fill in the credentials of the set-up's reader and an admin key; what was typed."""
    given = shown.sign_in(setup.provider)
    values = [getattr(given, item.name) for item in dataclasses.fields(given)]
    if setup.provider is Provider.AZURE:
        page.get_by_text("Access tokens", exact=True).click()
        settled(page)
    fields = page.locator("[data-testid=stForm] input[type=password]")
    expect(fields).to_have_count(len(values) + 1)
    for number, value in enumerate((*values, openai.READING_KEY)):
        fields.nth(number).fill(value)
    return [value for value in (*values, openai.READING_KEY) if value]


def run(page: Page) -> None:
    page.get_by_role("button", name="Run the live check").click()


def over(page: Page) -> None:
    page.get_by_role("heading", name="What came of it").wait_for(timeout=60_000)
    settled(page)


def everything(page: Page) -> str:
    """All that the page and the browser hold."""
    stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])")
    typed = page.evaluate("JSON.stringify([...document.querySelectorAll('input, textarea')].map(field => field.value))")
    return f"{page.content()}{stored}{typed}"


@pytest.mark.parametrize("cloud", list(BROKEN))
def test_from_a_registration_to_the_proof(open_page: OpenPage, shown: Stage, log: Path, cloud: Provider) -> None:
    name, cause = BROKEN[cloud]
    page = open_page("/configuration")
    register(page, SETUPS[name])
    expect(page.get_by_text("The permissions to grant before the run")).to_be_visible()
    secrets = sign_in(page, SETUPS[name], shown)
    run(page)
    over(page)
    wrong = page.locator("article.ekm-check.fail").filter(has=page.get_by_role("heading", name=cause))
    expect(wrong.first).to_be_visible()
    held = everything(page) + log.read_text(encoding="utf-8")
    assert not [secret for secret in secrets if secret in held]

    page.get_by_role("button", name="Diagnose this").click()
    result(page)
    expect(page.locator("details.ekm-cause.confirmed").first).to_contain_text(cause)
    page.get_by_role("link", name="Live check", exact=True).click()
    over(page)
    expect(page.get_by_text("OpenAI could not use the key", exact=True)).to_be_visible()


def test_a_healthy_set_up_is_proven_throughout(open_page: OpenPage, shown: Stage) -> None:
    shown.show(SETUPS["aws/healthy"])
    page = open_page("/configuration")
    register(page, SETUPS["aws/healthy"])
    sign_in(page, SETUPS["aws/healthy"], shown)
    run(page)
    over(page)
    expect(page.get_by_text("OpenAI could use the key", exact=True)).to_be_visible()
    expect(page.locator(".ekm-chain li.proven")).to_have_count(6)


def children() -> list[str]:
    """The command lines of the processes that make live calls on this machine, for a server of ours."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().replace(b"\0", b" ").decode()
            parent = (entry.parent / "status").read_text(encoding="utf-8")
        except OSError:
            continue
        mine = re.search(r"^PPid:\t(\d+)$", parent, re.MULTILINE)
        if "ekm_core.probing.child" in command and mine and _is_ours(int(mine[1])):
            found.append(command)
    return found


def _is_ours(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except OSError:
        return False
    return f"PPid:\t{os.getpid()}\n" in status


def gone() -> bool:
    """Whether the last of them ends soon: the script that reads from it looks twice a second whether it is wanted."""
    for _ in range(100):
        if not children():
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("how", ["cancel", "leave"])
def test_a_run_that_is_left_ends_at_once_and_keeps_nothing_secret(
    open_page: OpenPage, shown: Stage, log: Path, how: str
) -> None:
    setup = SETUPS[BROKEN[Provider.AWS][0]]
    shown.show(setup)
    page = open_page("/configuration")
    register(page, setup)
    secrets = sign_in(page, setup, shown)
    with hostile.serve("silent") as nothing:
        shown.laboratory.route({r"(?:kms|cloudtrail)\..*": nothing, **shown.routes})
        run(page)
        page.get_by_text(re.compile(r"Reading: (?:[3-9]|[1-9]\d+) of \d+ calls answered")).wait_for()
        assert page.locator("input[type=password]").count() == 0
        assert len(children()) == 1
        if how == "cancel":
            page.get_by_role("button", name="Cancel").click()
        else:
            page.get_by_role("link", name="Error reference").click()
            page.get_by_label("Search").wait_for()
            page.get_by_role("link", name="Live check", exact=True).click()
        over(page)
        assert gone()
        expect(
            page.get_by_text("The check was ended before all was read; what was read until then counts.")
        ).to_be_visible()
    expect(page.get_by_text("Not read", exact=True).first).to_be_visible()
    cause = BROKEN[Provider.AWS][1]
    expect(page.locator("article.ekm-check.fail").filter(has_text=cause).first).to_be_visible()
    held = everything(page) + log.read_text(encoding="utf-8")
    assert not [secret for secret in secrets if secret in held]


def test_two_at_once_see_only_their_own(open_page: OpenPage, shown: Stage) -> None:
    mine, yours = (SETUPS[BROKEN[cloud][0]] for cloud in (Provider.AWS, Provider.GCP))
    shown.show(mine)
    shown.show(yours)
    pages = []
    for setup in (mine, yours):
        page = open_page("/configuration")
        register(page, setup)
        sign_in(page, setup, shown)
        pages.append(page)
    for page in pages:
        run(page)
    for page in pages:
        over(page)
    for page, setup, other in ((pages[0], mine, yours), (pages[1], yours, mine)):
        page.get_by_text(re.compile(r"✓ \d+ calls answered")).click()
        steps = page.locator(".ekm-steps").last.inner_text()
        own, theirs = ("aws ", "gcloud ") if setup is mine else ("gcloud ", "aws ")
        assert own in steps
        assert theirs not in steps
        expect(page.locator("article.ekm-check.fail").filter(has_text=BROKEN[setup.provider][1]).first).to_be_visible()
        assert BROKEN[other.provider][1] not in page.content()


def test_a_code_to_sign_in_with_is_shown_and_used(open_page: OpenPage, shown: Stage) -> None:
    setup = SETUPS[BROKEN[Provider.AZURE][0]]
    page = open_page("/configuration")
    register(page, setup)
    page.get_by_text("Sign in with a browser", exact=True).click()
    settled(page)
    run(page)
    expect(page.get_by_role("link", name=re.compile("devicelogin"))).to_be_visible()
    over(page)
    expect(page.locator("article.ekm-check.fail").filter(has_text=BROKEN[Provider.AZURE][1]).first).to_be_visible()


@pytest.mark.parametrize(
    ("switch", "host", "offered"), [("1", "127.0.0.1", 1), ("1", "localhost", 1), ("", "127.0.0.1", 0)]
)
def test_the_machines_own_credentials_are_offered_to_who_sits_at_it(
    browser: Browser, switch: str, host: str, offered: int
) -> None:
    with serve(EKM_LOCAL_CREDENTIALS=switch) as address:
        page = browser.new_page()
        page.goto(f"{address.replace('127.0.0.1', host)}/configuration")
        page.wait_for_selector(".ekm h1")
        register(page, SETUPS[BROKEN[Provider.AWS][0]])
        expect(page.get_by_text("A profile of this machine", exact=True)).to_have_count(offered)
        page.close()


def test_a_phone_needs_no_sideways_scrolling(open_page: OpenPage, shown: Stage) -> None:
    setup = SETUPS[BROKEN[Provider.AWS][0]]
    shown.show(setup)
    page = open_page("/configuration")
    register(page, setup)
    page.set_viewport_size({"width": 390, "height": 844})
    widths = "[document.documentElement.scrollWidth, document.querySelector('.stMain').scrollWidth]"
    assert max(page.evaluate(widths)) <= 390
    sign_in(page, setup, shown)
    run(page)
    over(page)
    page.get_by_text(re.compile(r"✓ \d+ calls answered")).click()
    assert max(page.evaluate(widths)) <= 390


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm install --no-save")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_page: OpenPage, shown: Stage, scheme: str) -> None:
    setup = SETUPS[BROKEN[Provider.AWS][0]]
    shown.show(setup)
    page = open_page("/configuration", color_scheme=scheme)
    register(page, setup)
    page.wait_for_timeout(500)
    found = violations(page)
    sign_in(page, setup, shown)
    with hostile.serve("silent") as nothing:
        shown.laboratory.route({r"cloudtrail\..*": nothing, **shown.routes})
        run(page)
        page.get_by_text(re.compile(r"Reading: (?:[3-9]|[1-9]\d+) of \d+ calls answered")).wait_for()
        found += violations(page)
        page.get_by_role("button", name="Cancel").click()
        over(page)
    page.get_by_text("Run another check").click()
    page.get_by_text("What will be read").wait_for()
    for fold in page.locator("details.ekm-fold > summary").filter(visible=True).all():
        fold.click()
    page.wait_for_timeout(500)
    assert not found + violations(page)
