"""Triage in a real browser: an export of some thousand rows, a row opened, a proposal and files taken along."""

from __future__ import annotations

import ast
import gzip
import io
from pathlib import Path
from typing import TypeGuard

import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, result, settled, violations
from tests.test_triage import DENIED
from tests.test_triage_results import export_of


def upload(page: Page, name: str, data: bytes) -> None:
    page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    )
    page.get_by_text("Column of the text").wait_for()
    settled(page)


def start(page: Page) -> None:
    page.get_by_role("button", name="Triage", exact=True).click()


def taken(page: Page, button: str, number: int = 0) -> bytes:
    with page.expect_download() as found:
        page.get_by_role("button", name=button).nth(number).click()
    return Path(found.value.path()).read_bytes()


def is_text(item: ast.AST) -> TypeGuard[ast.Constant]:
    return isinstance(item, ast.Constant) and isinstance(item.value, str)


def test_an_export_is_triaged_and_taken_along(open_page: OpenPage) -> None:
    page = open_page("/triage")
    upload(page, "export.jsonl.gz", gzip.compress(export_of(4000)))
    expect(page.get_by_text("Column of the text")).to_be_visible()
    start(page)
    expect(page.get_by_role("heading", name="Result")).to_be_visible()
    expect(page.get_by_text("4,000 messages in")).to_be_visible()
    expect(page.get_by_role("cell", name="aws-sts-assume-role-denied").first).to_be_visible()
    expect(page.get_by_role("heading", name="Since when (by hour, UTC)")).to_be_visible()
    expect(page.get_by_role("cell", name="customer-1").first).to_be_visible()
    settled(page)
    assert violations(page) == []
    written = ast.walk(ast.parse(taken(page, "Export as a proposal")))
    assert any("not reached after" in item.value for item in written if is_text(item))
    assert taken(page, "Download Markdown").startswith(b"# Triage")
    assert taken(page, "Download csv").startswith(b"number,time,customer,error_id,text")
    assert pq.read_table(io.BytesIO(taken(page, "Download parquet"))).num_rows == 4000


@pytest.mark.parametrize(
    "settings",
    [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 844}}],
    ids=["light", "dark", "narrow"],
)
def test_a_file_on_this_computer_is_read_where_it_lies_and_shows_for_whom(
    open_page: OpenPage, tmp_path: Path, settings: dict[str, object]
) -> None:
    (tmp_path / "export.jsonl").write_bytes(export_of(2000))
    page = open_page("/triage", timezone_id="America/New_York", **settings)
    page.get_by_role("textbox", name="Or a path on this computer").fill(str(tmp_path / "*.jsonl"))
    page.get_by_role("textbox", name="Or a path on this computer").press("Enter")
    page.get_by_text("Column of the customer").wait_for()
    settled(page)
    start(page)
    expect(page.get_by_text("2,000 messages in")).to_be_visible()
    expect(page.get_by_role("heading", name="For whom")).to_be_visible()
    over_time, for_whom = page.get_by_test_id("stVegaLiteChart").nth(0), page.get_by_test_id("stVegaLiteChart").nth(1)
    expect(for_whom.get_by_text("customer-1")).to_be_visible()
    expect(over_time.get_by_text("Nov 20")).to_be_visible()  # midnight in UTC, on this visitor's 19th
    settled(page)
    assert violations(page) == []
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollWidth <= main.clientWidth")


def test_a_row_is_filtered_and_opened_as_a_diagnosis(open_page: OpenPage) -> None:
    page = open_page("/triage")
    page.get_by_label("Or paste lines").fill(f"all is well\n{DENIED}\n")
    page.get_by_label("Or paste lines").blur()
    settled(page)
    start(page)
    page.get_by_role("heading", name="Result").wait_for()
    page.get_by_label("Words in the text").fill("assumerole")
    page.get_by_label("Words in the text").press("Enter")
    expect(page.get_by_text("1 of 2 kept rows")).to_be_visible()
    settled(page)
    # The table is drawn on a canvas, so that only its place can be clicked.
    page.get_by_test_id("stDataFrame").click(position={"x": 22, "y": 52})
    expect(page.get_by_role("button", name="Open in Diagnose")).to_be_enabled()
    page.get_by_role("button", name="Open in Diagnose").click()
    result(page)
    expect(page.get_by_label("Error message")).to_have_value(DENIED)
    expect(page.get_by_role("heading", name="OpenAI is not allowed to assume your IAM role").first).to_be_visible()


def test_bad_rows_are_named_and_a_run_is_cancelled(open_page: OpenPage) -> None:
    page = open_page("/triage")
    upload(page, "in.jsonl", b'{"text": "a"}\n{broken\n')
    start(page)
    expect(page.get_by_text("row 2: the JSON is broken")).to_be_visible()

    page = open_page("/triage")
    upload(page, "large.jsonl", export_of(60_000))  # larger than what everybody may upload
    start(page)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("The triage was cancelled.")).to_be_visible()
