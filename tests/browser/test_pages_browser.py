"""The pages as a person meets them: a real browser against a real server."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from ekm_core import catalogue
from tests.browser.conftest import ASSUME_ROLE, AXE, FAQ, OpenPage, diagnose, result, settled, violations

HOSTILE = (
    "<script>window.pwned=1</script><img src=x onerror=window.pwned=1>![i](https://example.invalid/x.png)"
    '[l](javascript:window.pwned=1) ${{7*7}} "><svg onload=window.pwned=1> </details><b id=bold>b</b> '
)


@pytest.mark.parametrize("message", FAQ, ids=[message["id"] for message in FAQ])
def test_each_faq_message_word_for_word_shows_its_entry(open_page: OpenPage, message: dict[str, str]) -> None:
    page = open_page()
    diagnose(page, message["text"])
    result(page)
    title = catalogue.errors()[message["id"]].title
    assert page.locator(".ekm-finding h2").first.inner_text() == title
    marked = page.locator("pre.ekm-text mark").all_inner_texts()
    assert marked
    assert all(" ".join(words.split()) in " ".join(message["text"].split()) for words in marked)
    assert page.locator("details.ekm-cause[open]").count() == 1
    assert page.locator(".ekm-next").inner_text().strip()


def test_each_of_several_answers_gets_what_stands_below_it(open_page: OpenPage) -> None:
    page = open_page()
    for message in (*FAQ, FAQ[0]):
        diagnose(page, message["text"])
        expect(page.locator(".ekm-finding .ekm-eyebrow code").first).to_have_text(message["id"])
        expect(page.locator("details.ekm-cause").first).to_have_attribute("data-cause", re.compile(message["id"]))
        expect(page.locator("details.ekm-cause").first).to_be_visible()
        expect(page.locator(".ekm-deferred.stale")).to_have_count(0)
    diagnose(page, "  ")
    expect(page.locator(".ekm-note").first).to_contain_text("The text area is empty")
    expect(page.locator("details.ekm-cause")).to_have_count(0)
    expect(page.get_by_text("Share this result")).to_have_count(0)


def test_a_copy_button_copies_exactly_what_is_shown(open_page: OpenPage) -> None:
    page = open_page()
    diagnose(page, ASSUME_ROLE)
    result(page)
    snippet = page.locator("details.ekm-cause[open] .ekm-snippet:visible").first
    shown = snippet.locator("pre").evaluate("element => element.textContent")
    snippet.locator(".ekm-copy").click()
    expect(snippet.locator(".ekm-copy")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == shown


@pytest.mark.parametrize("path", ["/", "/configuration", "/live-check", "/triage"])
def test_no_field_is_sent_to_a_spelling_service(open_page: OpenPage, path: str) -> None:
    fields = open_page(path).locator("textarea, input:not([type=file])")
    spelt = fields.evaluate_all("all => all.map(field => field.spellcheck)")
    assert spelt
    assert not any(spelt)


def test_a_browser_that_translates_leaves_what_is_copied_alone(open_page: OpenPage) -> None:
    page = open_page()
    diagnose(page, ASSUME_ROLE)
    result(page)
    translated = page.locator("pre").evaluate_all("all => all.map(text => text.translate)")
    assert len(translated) > 3
    assert not any(translated)


def test_a_cause_gets_its_fix_when_it_is_opened_and_keeps_it_when_values_change(open_page: OpenPage) -> None:
    page = open_page()
    diagnose(page, ASSUME_ROLE)
    result(page)
    cause = page.locator("details.ekm-cause").nth(1)
    cause.locator("summary").click()
    expect(cause.get_by_role("heading", name="How to mend it")).to_be_visible()
    cause.get_by_role("tab", name="Terraform").click()
    expect(cause.get_by_role("tabpanel", name="Terraform")).to_be_visible()
    page.get_by_label("OpenAI organization ID", exact=True).fill("org-Qx3tLm8WvZc1Rk5Jd0Hs7Byp")
    page.keyboard.press("Enter")
    expect(cause.get_by_role("tabpanel", name="Terraform")).to_contain_text("org-Qx3tLm8WvZc1Rk5Jd0Hs7Byp")


def test_a_value_that_does_not_fit_is_named_and_not_used(open_page: OpenPage) -> None:
    page = open_page()
    diagnose(page, ASSUME_ROLE)
    result(page)
    page.get_by_label("Role ARN", exact=True).fill("my-role; rm -rf")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Not used yet:")).to_be_visible()
    assert "rm -rf" not in page.locator(".stMain").inner_text()


def test_the_keyboard_alone_is_enough(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_label("Error message").focus()
    page.keyboard.insert_text(ASSUME_ROLE)
    page.keyboard.press("Control+Enter")
    result(page)
    page.locator("details.ekm-cause summary").nth(1).focus()
    page.keyboard.press("Enter")
    cause = page.locator("details.ekm-cause").nth(1)
    expect(cause.get_by_role("tab", name="Console")).to_be_visible()
    cause.get_by_role("tab", name="Console").focus()
    page.keyboard.press("ArrowRight")
    expect(cause.get_by_role("tab", name="CLI")).to_be_focused()
    expect(cause.get_by_role("tabpanel", name="CLI")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 390])
def test_an_open_value_leads_to_its_field_and_is_filled_from_there(open_page: OpenPage, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 844})
    diagnose(page, ASSUME_ROLE)
    result(page)
    page.get_by_role("button", name="Go to the field Role ARN").first.click()
    field = page.get_by_label("Role ARN", exact=True)
    expect(field).to_be_focused()
    expect(field).to_be_in_viewport()
    page.keyboard.insert_text("arn:aws:iam::482615937044:role/acme-ekm")
    page.keyboard.press("Enter")
    expect(page.locator("details.ekm-cause").first).to_contain_text("--role-name=acme-ekm")
    expect(page.get_by_role("button", name="Go to the field Role ARN")).to_have_count(0)


def test_a_second_error_of_another_cloud_is_announced_reached_and_filled_in(open_page: OpenPage) -> None:
    page = open_page()
    diagnose(page, f"{ASSUME_ROLE}\n\n{FAQ[5]['text']}")
    result(page)
    expect(page.get_by_text("Your text holds one more error, further down:")).to_be_visible()
    page.get_by_role("button", name="The key vault refuses").click()
    second = page.locator("article", has=page.get_by_role("heading", name="The key vault refuses"))
    expect(second).to_be_focused()
    expect(second.get_by_role("heading").first).to_be_in_viewport()
    # The fields stay in sight that far down, those of the second cloud too.
    field = page.get_by_label("Key Vault name", exact=True)
    field.fill("acme-kv7")
    page.keyboard.press("Enter")
    expect(second.locator("details.ekm-cause").first).to_contain_text("vaults/acme-kv7/keys")
    expect(page.get_by_label("OpenAI organization ID", exact=True)).to_be_in_viewport()


def test_the_words_that_decide_are_in_sight_in_a_long_log(open_page: OpenPage) -> None:
    page = open_page()
    lines = [f"2026-11-27T10:00:{number % 60:02d}Z INFO request {number} answered" for number in range(200)]
    diagnose(page, "\n".join([*lines[:120], ASSUME_ROLE, *lines[120:]]))
    result(page)
    text = page.get_by_label("Your text")
    text.scroll_into_view_if_needed()
    expect(text.locator("mark").first).to_be_in_viewport()


@pytest.mark.parametrize(("width", "each"), [(1280, 6), (1024, 3), (390, 2)])
def test_the_links_of_the_chain_stand_in_full_rows(open_page: OpenPage, width: int, each: int) -> None:
    page = open_page(viewport={"width": width, "height": 844})
    diagnose(page, ASSUME_ROLE)
    result(page)
    tops = page.evaluate(
        "[...document.querySelectorAll('.ekm-chain li')].map((link) => Math.round(link.offsetTop / 20))"
    )
    assert {tops.count(top) for top in tops} == {each}


def test_the_window_is_named_after_its_page(open_page: OpenPage) -> None:
    page = open_page("/errors?error=aws-kms-access-denied")
    expect(page).to_have_title("Your role is not allowed to use the KMS key · EKM Troubleshooter")
    page.get_by_role("button", name="All errors").click()
    expect(page).to_have_title("Error reference · EKM Troubleshooter")
    page.get_by_role("link", name="Configuration").click()
    expect(page).to_have_title("Configuration · EKM Troubleshooter")


def test_the_keyboards_place_in_the_menu_is_seen(open_page: OpenPage) -> None:
    page = open_page()
    link = page.get_by_role("link", name="Configuration")
    for _ in range(10):
        page.keyboard.press("Tab")
        if link.evaluate("link => link === document.activeElement"):
            break
    expect(link).to_be_focused()
    expect(link).to_have_css("outline-style", "solid")


@pytest.mark.parametrize("touched", [False, True])
def test_keys_to_press_are_named_where_there_is_a_keyboard(open_page: OpenPage, touched: bool) -> None:
    page = open_page("/", has_touch=touched, is_mobile=touched)
    expect(page.get_by_role("button", name="Diagnose")).to_be_visible()
    expect(page.locator(".st-key-ask kbd")).to_be_visible(visible=not touched)


@pytest.mark.parametrize("path", ["/", "/errors", "/errors?error=azure-keyvault-rbac-denied"])
def test_a_phone_needs_no_sideways_scrolling(open_page: OpenPage, path: str) -> None:
    page = open_page(path, viewport={"width": 390, "height": 844})
    if path == "/":
        diagnose(page, ASSUME_ROLE)
        result(page)
    page.wait_for_timeout(500)
    widths = "[document.documentElement.scrollWidth, document.querySelector('.stMain').scrollWidth]"
    assert max(page.evaluate(widths)) <= 390


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm install --no-save")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/errors", "/errors?error=aws-kms-access-denied"])
def test_axe_finds_nothing_serious(open_page: OpenPage, path: str, scheme: str) -> None:
    page = open_page(path, color_scheme=scheme)
    page.wait_for_timeout(500)
    found = violations(page)
    if path == "/":
        diagnose(page, ASSUME_ROLE)
        result(page)
        page.wait_for_timeout(500)
        found += violations(page)
    assert not found


def test_a_deep_link_shows_its_entry_also_embedded_and_without_the_page(open_page: OpenPage) -> None:
    title = catalogue.errors()["gcp-sts-audience-mismatch"].title
    for path in ("/errors?error=", "/errors?embed=true&error=", "/?error="):
        page = open_page(f"{path}gcp-sts-audience-mismatch")
        expect(page.get_by_role("heading", name=title)).to_be_visible()
        assert "error=gcp-sts-audience-mismatch" in page.url


def test_unknown_ids_are_answered_in_a_sentence(open_page: OpenPage) -> None:
    page = open_page("/errors?error=%3Cb%3Eno-such-error")
    expect(page.get_by_text("There is no error with the ID “<b>no-such-error”.")).to_be_visible()
    page = open_page("/errors?provider=nimbus")
    expect(page.get_by_text("There is no cloud named “nimbus”.")).to_be_visible()


def test_the_list_filters_by_cloud_and_as_you_type(open_page: OpenPage) -> None:
    page = open_page("/errors?provider=azure")
    expect(page.get_by_role("heading", name="Azure")).to_be_visible()
    expect(page.get_by_role("heading", name="AWS")).to_have_count(0)
    page.get_by_label("Search").press_sequentially("7000229")
    expect(page.get_by_role("button", name="azure-missing-service-principal")).to_be_visible()
    expect(page.get_by_role("button", name="azure-keyvault-firewall")).to_have_count(0)
    page.get_by_role("button", name="azure-missing-service-principal").click()
    expect(page.get_by_role("button", name="Copy link to this error")).to_be_visible()
    assert "error=azure-missing-service-principal" in page.url


def test_nothing_is_lost_on_the_way_to_the_other_page_and_back(open_page: OpenPage) -> None:
    page = open_page()
    diagnose(page, ASSUME_ROLE)
    result(page)
    page.get_by_label("OpenAI organization ID", exact=True).fill("org-Qx3tLm8WvZc1Rk5Jd0Hs7Byp")
    page.keyboard.press("Enter")
    page.get_by_label("Error message").fill("a text not yet diagnosed")
    page.get_by_role("link", name="Error reference").click(delay=120)
    page.get_by_label("Search").wait_for()
    page.get_by_role("link", name="Diagnose").click()
    result(page)
    expect(page.get_by_label("Error message")).to_have_value("a text not yet diagnosed")
    expect(page.get_by_label("OpenAI organization ID", exact=True)).to_have_value("org-Qx3tLm8WvZc1Rk5Jd0Hs7Byp")


def test_a_paste_is_inert_and_in_no_address(open_page: OpenPage) -> None:
    page = open_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    diagnose(page, HOSTILE + ASSUME_ROLE.replace("role/xxxxxx", "role/<img/src=x/onerror=window.pwned=1>"))
    result(page)
    for number in range(page.locator("details.ekm-cause").count()):
        cause = page.locator("details.ekm-cause").nth(number)
        if cause.get_attribute("open") is None:
            cause.locator("summary").click()
        expect(cause.locator(".ekm-body > *").first).to_be_attached()
    assert page.evaluate("window.pwned") is None
    assert page.locator(".ekm img, .ekm svg, #bold").count() == 0
    assert "<script>window.pwned=1</script>" in page.locator("pre.ekm-text").first.inner_text()
    assert not [url for url in requests if "pwned" in url or "example.invalid" in url]
    assert "pwned" not in page.url


def test_secrets_are_counted_and_never_shown(open_page: OpenPage) -> None:
    page = open_page()
    secret = "AKIA" + "Q3EGRLWZ7YXK2MVB"
    diagnose(page, f"key {secret} {ASSUME_ROLE}")
    result(page)
    expect(page.get_by_text("1 × AWS access key id")).to_be_visible()
    assert secret not in page.locator(".stMain").inner_text()


def test_the_report_is_previewed_exactly(open_page: OpenPage) -> None:
    page = open_page()
    diagnose(page, ASSUME_ROLE)
    result(page)
    page.get_by_text("Share this result").click()
    button = page.get_by_role("button", name="Download Markdown")
    button.wait_for()
    settled(page)
    preview = page.locator("[data-testid='stCode'] code").first.evaluate("element => element.textContent")
    with page.expect_download() as started:
        button.click()
    text = started.value.path().read_text(encoding="utf-8")
    assert preview.strip() == text.strip()
    assert page.locator("[data-testid='stException']").count() == 0


def test_unknown_text_names_no_cause(open_page: OpenPage) -> None:
    page = open_page()
    diagnose(page, "It rained all day, and nothing was denied to anyone.")
    expect(page.get_by_role("heading", name="No known error in this text")).to_be_visible()
    assert page.locator("details.ekm-cause").count() == 0
    diagnose(page, "   ")
    expect(page.get_by_text("The text area is empty.")).to_be_visible()
