"""The page for support: two reports opened and compared, and a reply drafted, in a real browser."""

from __future__ import annotations

from playwright.sync_api import expect

from benchmarks import causes
from ekm_core import report
from ekm_core.diagnose import Setup, diagnose
from tests.browser.conftest import OpenPage, settled, violations


def test_a_customers_report_is_opened_compared_and_answered(open_page: OpenPage) -> None:
    scenario = next(item for item in causes.load() if item.name == "aws/trust-external-id-personal")
    first = report.to_json(diagnose(scenario.text))
    later = report.to_markdown(diagnose(scenario.text, setup=Setup(scenario.configuration, scenario.evidence)))

    page = open_page("/reports")
    uploads = page.locator("input[type=file]")
    uploads.nth(0).set_input_files({"name": "a.json", "mimeType": "application/json", "buffer": b'{"schema": 99}'})
    expect(page.get_by_text("Report of the customer: This JSON is no report")).to_be_visible()
    uploads.nth(0).set_input_files({"name": "b.json", "mimeType": "application/json", "buffer": first.encode()})
    expect(page.get_by_role("heading", name="OpenAI is not allowed to assume your IAM role")).to_be_visible()
    uploads.nth(1).set_input_files({"name": "c.md", "mimeType": "text/markdown", "buffer": later.encode()})
    expect(page.get_by_role("heading", name="What changed (9)")).to_be_visible()
    row = page.get_by_role("row", name="The ExternalId is not the one that OpenAI sends")
    expect(row).to_contain_text("Confirmed")
    settled(page)
    page.locator("details.ekm-cause > summary").nth(1).click()
    expect(page.locator("details.ekm-cause").nth(1).get_by_text("How we know:")).to_be_visible()
    page.get_by_text("Draft a reply").click()
    expect(page.get_by_text("What to do first")).to_be_visible()
    expect(page.get_by_text("All causes, with commands to copy")).to_have_count(0)  # no customer reaches this machine
    settled(page)
    assert violations(page) == []

    # Somebody who looks something up meanwhile finds both reports again.
    page.get_by_role("link", name="Error reference").click()
    page.get_by_label("Search").wait_for()
    settled(page)
    page.get_by_role("link", name="Reports").click()
    expect(page.get_by_text("Still open: b.json")).to_be_visible()
    expect(page.get_by_role("heading", name="What changed (9)")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Close it").nth(1).click()
    expect(page.get_by_role("heading", name="What changed (9)")).to_have_count(0)
    expect(page.get_by_role("heading", name="OpenAI is not allowed to assume your IAM role")).to_be_visible()
    settled(page)
    assert violations(page) == []
