"""The pages run by Streamlit's own test harness: what is drawn, without a browser."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ekm_core import catalogue
from ekm_core.model import Provider

ROOT = Path(__file__).resolve().parents[1]
FAQ = json.loads((ROOT / "tests" / "data" / "faq.json").read_text(encoding="utf-8"))["messages"]


def app() -> AppTest:
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)


DEFERRED = re.compile(r'<div class="ekm-deferred" data-turn="\d+" data-html="([^"]*)"></div>')


def html(test: AppTest) -> str:
    """What stands in the page once the script has put the deferred pieces in their places."""
    drawn = "\n".join(str(element.proto.body) for element in test.get("html"))
    return DEFERRED.sub(lambda piece: unescape(piece[1]), drawn)


def ask(test: AppTest, text: str) -> AppTest:
    test.text_area(key="paste").set_value(text)
    return next(button for button in test.button if button.label == "Diagnose").click().run()


@pytest.mark.parametrize("message", FAQ, ids=[message["id"] for message in FAQ])
def test_each_faq_message_draws_its_entry(message: dict[str, str]) -> None:
    test = ask(app().run(), message["text"])
    assert not test.exception
    assert f"<code>{message['id']}</code>" in html(test)
    assert "<mark>" in html(test)


def test_a_paste_reaches_the_page_escaped_only() -> None:
    test = ask(app().run(), "<script>alert(1)</script>" + FAQ[0]["text"])
    assert "&lt;script&gt;alert(1)" in html(test)
    assert "<script>alert(1)" not in html(test)
    assert not [element for element in test.markdown if "alert(1)" in element.value]


def test_blank_and_too_long_texts_are_answered_in_a_sentence() -> None:
    test = ask(app().run(), "  \n ")
    assert "The text area is empty." in html(test)
    test = ask(app().run(), "x" * 2_000_001)
    assert "2,000,001 characters" in html(test)


def test_a_text_that_was_changed_since_is_not_taken_for_the_one_diagnosed() -> None:
    said = "The text above was changed since."
    test = ask(app().run(), FAQ[0]["text"])
    assert said not in html(test)
    test.text_area(key="paste").set_value(FAQ[5]["text"]).run()
    assert said in html(test)
    assert f"<code>{FAQ[0]['id']}</code>" in html(test)
    assert said not in html(ask(test, FAQ[5]["text"]))


def test_a_value_that_does_not_fit_is_told_below_its_field() -> None:
    test = ask(app().run(), FAQ[0]["text"])
    test.text_input(key="value_organization_id").set_value("acme").run()
    order = [element.type for element in test.columns[1]]
    assert order.index("html", order.index("text_input")) == order.index("text_input") + 1
    assert "Not used yet: An organization ID begins with org-" in html(test)


def test_the_reference_lists_every_error() -> None:
    test = app().run().switch_page("pages/errors.py").run()
    assert not test.exception
    labels = " ".join(button.label for button in test.button)
    assert all(f"`{error_id}`" in labels for error_id in catalogue.errors())


def test_a_search_without_a_result_leads_on() -> None:
    test = app().run().switch_page("pages/errors.py").run()
    test.text_input(key="search").set_value("qqq zzz").run()
    assert "No entry holds all of these words." in html(test)
    assert not [button for button in test.button if (button.key or "").startswith("open-")]
    assert [link.proto.label for link in test.get("page_link")] == ["Diagnose a message of your own"]


@pytest.mark.parametrize("provider", list(Provider))
def test_the_reference_filters_by_cloud(provider: Provider) -> None:
    test = app()
    test.query_params["provider"] = provider.value
    test.switch_page("pages/errors.py").run()
    shown = {button.key.removeprefix("open-") for button in test.button if button.key.startswith("open-")}
    assert shown == {error.id for error in catalogue.errors().values() if error.provider is provider}


@pytest.mark.parametrize("linked", ["AWS-KMS-Access-Denied", " aws-kms-access-denied", "aws-kms-access-denied)."])
def test_a_link_that_a_ticket_or_a_chat_changed_still_leads_to_its_entry(linked: str) -> None:
    test = app()
    test.query_params["error"] = linked
    test.switch_page("pages/errors.py").run()
    assert "<code>aws-kms-access-denied</code>" in html(test)
    assert "There is no error with the ID" not in html(test)


@pytest.mark.parametrize("error_id", list(catalogue.errors()))
def test_every_entry_can_be_drawn(error_id: str) -> None:
    test = app()
    test.query_params["error"] = error_id
    test.switch_page("pages/errors.py").run()
    assert not test.exception
    assert f"<code>{error_id}</code>" in html(test)
