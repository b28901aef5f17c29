"""Configuration as a person meets it, for each cloud from a curl command to a check that is clean."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import AXE, ROOT, OpenPage, diagnose, result, settled, violations

OPENAI_KEY = "sk-" + "proj-Zk3vQ9rT7wX1yB5nM8cL2dF6gH4jK0pS"
AWS_ID, AWS_SECRET = "AKIA" + "Q3EGRLWZ7YXK2MVB", "wJalrXUtnFEMI" + "K7MDENGbPxRfiCYzQ8vT3sLw1e"


def scenario(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "tests" / "scenarios" / f"{name}.json").read_text(encoding="utf-8"))
    return found


def curl(configuration: dict[str, str]) -> str:
    body = {name: value for name, value in configuration.items() if name != "organization_id"}
    return (
        "curl https://api.openai.com/v1/organization/external_keys \\\n"
        f"  -H 'Authorization: Bearer {OPENAI_KEY}' \\\n"
        f"  -H 'OpenAI-Organization: {configuration['organization_id']}' \\\n"
        f"  -H 'Content-Type: application/json' \\\n  -d '{json.dumps(body)}'"
    )


def transcript(evidence: list[dict[str, Any]]) -> str:
    """What somebody copies from a terminal, with credentials in it."""
    return f"$ export AWS_ACCESS_KEY_ID={AWS_ID} AWS_SECRET_ACCESS_KEY={AWS_SECRET}\n" + "\n".join(
        f"$ {item['command']}\n{output if isinstance(output := item['output'], str) else json.dumps(output, indent=2)}"
        for item in evidence
    )


def import_(page: Page, text: str) -> None:
    settled(page)
    page.get_by_label("Paste what you have").fill(text)
    page.get_by_role("button", name="Fill in the form").click()
    page.get_by_text("The form below is filled in.").wait_for()
    settled(page)


def add(page: Page, text: str) -> None:
    settled(page)
    page.get_by_label("Paste outputs").fill(text)
    page.get_by_role("button", name="Add to the evidence").click()
    page.get_by_text(re.compile("added")).wait_for()
    settled(page)


def applied(diff: str, text: str) -> str | None:
    """The text with a unified diff applied; None where it does not fit exactly."""
    lines, made, place = text.splitlines(), [], 0
    for line in diff.splitlines()[2:]:
        if at := re.match(r"@@ -(\d+)", line):
            made += lines[place : int(at[1]) - 1]
            place = int(at[1]) - 1
            continue
        if line[:1] in " -":
            if place >= len(lines) or lines[place] != line[1:]:
                return None
            place += 1
        if line[:1] in " +":
            made.append(line[1:])
    return "\n".join((*made, *lines[place:]))


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every object and list inside a value, as its holder and the key there."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield value, key
        yield from places(inner)


def mended(evidence: list[dict[str, Any]], diff: str) -> list[dict[str, Any]]:
    """The evidence with the one document that the diff fits corrected by it."""
    corrected = copy.deepcopy(evidence)
    for holder, key in list(places(corrected)):
        if isinstance(holder[key], dict | list):
            text = applied(diff, json.dumps(holder[key], indent=2, ensure_ascii=False))
            if text is not None:
                holder[key] = json.loads(text)
                return corrected
    raise AssertionError("the diff fits no document of the evidence")


def without_decrypt(evidence: list[dict[str, Any]]) -> None:
    """The custom role of an Azure set-up loses one of its two data actions, as the FAQ warns."""
    for item in evidence:
        if "role definition" in item["command"]:
            actions = item["output"][0]["permissions"][0]["dataActions"]
            actions.remove("Microsoft.KeyVault/vaults/keys/decrypt/action")


def _as_it_is(_: list[dict[str, Any]]) -> None:
    pass


DENIED_BY_AZURE = (
    "(Forbidden) Caller is not authorized to perform action on resource.\nIf role assignments, deny assignments or "
    "role definitions were changed recently, please observe propagation time."
)


@pytest.mark.parametrize(
    ("name", "broken", "text", "cause"),
    [
        ("aws/trust-external-id-personal", _as_it_is, "", "The ExternalId is not the one that OpenAI sends"),
        (
            "gcp/audience-typing-error",
            _as_it_is,
            "",
            "The registered audience is not among the provider's allowed audiences",
        ),
        ("azure/healthy", without_decrypt, DENIED_BY_AZURE, "The custom role lacks one of the three data actions"),
    ],
    ids=["aws", "gcp", "azure"],
)
def test_from_a_broken_set_up_to_a_clean_check(
    open_page: OpenPage, name: str, broken: Callable[[list[dict[str, Any]]], None], text: str, cause: str
) -> None:
    given = scenario(name)
    broken(given["evidence"])
    page = open_page("/configuration")
    import_(page, curl(given["configuration"]))
    add(page, transcript(given["evidence"]))
    wrong = page.locator("article.ekm-check.fail").filter(has=page.get_by_role("heading", name=cause)).first
    expect(wrong).to_be_visible()
    wrong.get_by_role("button", name="Copy the diff").first.click()
    expect(wrong.locator(".ekm-copy").first).to_contain_text("Copied")
    diff = page.evaluate("navigator.clipboard.readText()")
    wrong.get_by_role("button", name="Copy the whole document").first.click()
    expect(wrong.locator(".ekm-copy").nth(1)).to_contain_text("Copied")
    whole = json.loads(page.evaluate("navigator.clipboard.readText()"))
    shown = page.content() + page.get_by_label("Paste what you have").input_value()
    for secret in (OPENAI_KEY, AWS_ID, AWS_SECRET):
        assert secret not in shown

    page.get_by_role("link", name="Diagnose").click()
    diagnose(page, text or given["text"])
    result(page)
    expect(page.locator(".ekm-next")).to_contain_text(cause)
    expect(page.locator("details.ekm-cause.confirmed").first).to_contain_text(cause)
    assert page.locator("details.ekm-cause.ruled_out").count() >= 3
    expect(page.get_by_text(re.compile(r"configuration and \d+ pieces? of evidence are used"))).to_be_visible()
    page.get_by_role("link", name="Configuration and evidence").click()

    corrected = mended(given["evidence"], diff)
    assert any(holder[key] == whole for holder, key in places(corrected))
    add(page, transcript(corrected))
    expect(page.locator(".ekm-next").first).to_contain_text("Nothing wrong")
    expect(page.locator("article.ekm-check.fail")).to_have_count(0)


def test_nothing_is_lost_on_the_way_to_another_page_and_back(open_page: OpenPage) -> None:
    given = scenario("aws/trust-external-id-personal")
    page = open_page("/configuration")
    import_(page, curl(given["configuration"]))
    add(page, transcript(given["evidence"]))
    page.get_by_label("Or a time, on your clock").fill("yesterday")
    page.get_by_label("Paste outputs").fill("$ aws sts get-caller-identity\n{ cut off")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("line 2")).to_be_visible()
    page.get_by_role("link", name="Error reference").click()
    page.get_by_label("Search").wait_for()
    page.get_by_role("link", name="Configuration").click()
    expect(page.get_by_role("textbox", name="(role_arn)")).to_have_value(given["configuration"]["role_arn"])
    expect(page.get_by_role("textbox", name="(organization_id)")).to_have_value(
        given["configuration"]["organization_id"]
    )
    expect(page.get_by_label("Or a time, on your clock")).to_have_value("yesterday")
    expect(page.get_by_label("Paste outputs")).to_have_value("$ aws sts get-caller-identity\n{ cut off")
    expect(page.locator("article.ekm-check.fail")).to_have_count(1)
    assert "418273645091" not in page.url


def test_two_sessions_never_see_each_other(open_page: OpenPage) -> None:
    given = scenario("aws/trust-external-id-personal")
    first = open_page("/configuration")
    import_(first, curl(given["configuration"]))
    add(first, transcript(given["evidence"]))
    second = open_page("/configuration")
    second.get_by_text("Fill in at least one field").wait_for()
    assert given["configuration"]["role_arn"] not in second.content()
    assert second.get_by_role("textbox", name="(role_arn)").input_value() == ""


def test_one_output_is_removed_by_keyboard(open_page: OpenPage) -> None:
    page = open_page("/configuration")
    add(page, "$ aws sts get-caller-identity\n{}\n$ aws iam list-roles\nAn error occurred (AccessDenied)")
    expect(page.locator(".ekm-rows li")).to_have_count(2)
    page.get_by_role("button", name="Remove: aws iam list-roles").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".ekm-rows li")).to_have_count(1)
    expect(page.locator(".ekm-rows li code")).to_have_text("aws sts get-caller-identity")
    expect(page.get_by_role("button", name="Remove: aws sts get-caller-identity")).to_be_focused()


def test_the_kit_is_previewed_and_downloaded(open_page: OpenPage) -> None:
    page = open_page("/configuration?provider=gcp")
    page.get_by_text("Show the kit").click()
    page.get_by_text("terraform/main.tf", exact=True).wait_for()
    settled(page)
    with page.expect_download() as started:
        page.get_by_role("button", name="Download the kit").click()
    assert started.value.suggested_filename == "openai-ekm-gcp.zip"
    page.get_by_text("terraform/main.tf", exact=True).click()
    expect(page.locator("details.ekm-fold[open] pre").first).to_contain_text("google_")


def test_the_script_is_copied_whole(open_page: OpenPage) -> None:
    page = open_page("/configuration?provider=azure")
    page.get_by_text("The read-only script for Azure Cloud Shell").click()
    page.get_by_role("button", name="Copy: Read your Azure set-up").click()
    expect(page.get_by_role("button", name="Copy: Read your Azure set-up")).to_contain_text("Copied")
    script = page.evaluate("navigator.clipboard.readText()")
    assert script.startswith("#!/usr/bin/env bash")
    assert script.rstrip().endswith(")")


def test_a_pasted_value_is_inert(open_page: OpenPage) -> None:
    page = open_page("/configuration?provider=aws")
    page.get_by_role("textbox", name="(role_arn)").fill(
        '"><img src=x onerror=window.pwned=1>![i](https://example.invalid/x.png)'
    )
    page.keyboard.press("Enter")
    expect(page.get_by_text("still holds a placeholder").first).to_be_visible()
    add(page, "$ aws iam get-role --role-name '<img src=x onerror=window.pwned=1>'\nAn error occurred (AccessDenied)")
    assert page.evaluate("window.pwned") is None
    assert page.locator(".ekm img").count() == 0


def test_a_phone_needs_no_sideways_scrolling(open_page: OpenPage) -> None:
    given = scenario("aws/trust-external-id-personal")
    page = open_page("/configuration", viewport={"width": 390, "height": 844})
    import_(page, curl(given["configuration"]))
    add(page, transcript(given["evidence"]))
    page.locator("article.ekm-check.fail").wait_for()
    widths = "[document.documentElement.scrollWidth, document.querySelector('.stMain').scrollWidth]"
    assert max(page.evaluate(widths)) <= 390


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm install --no-save")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_page: OpenPage, scheme: str) -> None:
    given = scenario("aws/trust-external-id-personal")
    page = open_page("/configuration", color_scheme=scheme)
    page.wait_for_timeout(500)
    found = violations(page)
    import_(page, curl(given["configuration"]))
    add(page, transcript(given["evidence"]))
    page.locator("article.ekm-check.fail").wait_for()
    for fold in page.locator("details.ekm-fold > summary").all():
        fold.click()
    page.wait_for_timeout(500)
    assert not found + violations(page)


def test_the_first_visitor_of_a_server_meets_our_navigation(open_page: OpenPage) -> None:
    page = open_page("/configuration")
    expect(page.get_by_role("link", name="Error reference")).to_be_visible()
    expect(page.get_by_role("link", name="app", exact=True)).to_have_count(0)
