"""The Reports page by Streamlit's own test harness: a report comes as a file or out of a ticket's text."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from ekm_core import report
from ekm_core.diagnose import diagnose
from tests.test_pages_app import app, html
from tests.test_triage import DENIED, PATTERN


def page() -> AppTest:
    test = app().run().switch_page("pages/reports.py").run()
    assert not test.exception
    return test


def paste(test: AppTest, key: str, text: str) -> str:
    test.text_area(key=key).set_value(text).run()
    assert not test.exception
    return html(test)


def test_a_report_is_pasted_and_compared_with_an_uploaded_one() -> None:
    test = page()
    assert "Upload or paste" in html(test)
    first = f"Hello support,\n\n{report.to_markdown(diagnose(DENIED))}\n"
    alone = paste(test, "report-paste", first)
    assert "OpenAI is not allowed to assume your IAM role" in alone
    assert "about the later report" not in alone
    test.file_uploader[1].upload("later.json", report.to_json(diagnose(PATTERN)).encode(), "application/json").run()
    assert not test.exception
    assert "What changed" in html(test)
    assert "The reply and the result below are about the later report." in html(test)


def test_of_a_file_and_a_paste_the_file_is_read() -> None:
    test = page()
    paste(test, "report-paste", report.to_json(diagnose(DENIED)))
    test.file_uploader[0].upload("a.json", report.to_json(diagnose(PATTERN)).encode(), "application/json").run()
    assert "OpenAI is not allowed to assume your IAM role" not in html(test)


def test_a_paste_that_is_no_report_is_refused_in_a_sentence() -> None:
    test = page()
    shown = paste(test, "report-paste", "<script>alert(1)</script>")
    assert "Report of the customer: This is no report of the troubleshooter" in shown
    assert "<script>alert" not in shown
    assert "no report" not in paste(test, "report-paste", " \n")
