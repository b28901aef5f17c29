"""The drawing functions alone: highlighting, escaping, and the values form's own rules."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ekm_core.diagnose import diagnose
from ekm_core.model import Language, Proof, Provider, Verdict
from ekm_core.snippets import snippet
from ekm_core.values import FIELDS, LONGEST, fields_of, fitting
from pages.components import markup, security
from pages.components.examples import EXAMPLES

TAG = re.compile(r"<[^>]*>")


@given(st.text(max_size=300), st.lists(st.tuples(st.integers(0, 320), st.integers(0, 320)), max_size=6))
def test_highlighting_changes_no_character(text: str, spans: list[tuple[int, int]]) -> None:
    proofs = [Proof("s", "", min(span), max(span)) for span in spans]
    drawn = markup.highlighted(text, proofs)
    assert html.unescape(TAG.sub("", drawn)) == text
    assert set(TAG.findall(drawn)) <= {"<mark>", "</mark>"}


def test_a_long_text_is_shown_around_its_proof_and_the_rest_counted() -> None:
    text = "a" * 50_000 + "THE WORDS" + "b" * 50_000
    drawn = markup.highlighted(text, [Proof("s", "", 50_000, 50_009)])
    assert "<mark>THE WORDS</mark>" in drawn
    assert "49,100 characters not shown" in drawn
    assert len(drawn) < 10_000


def test_a_snippet_names_its_open_values_and_stays_inert() -> None:
    drawn = markup.snippet_block(snippet("<b>t</b>", Language.BASH, "echo '<ROLE_NAME>' '<img src=x>' \"&amp;\""))
    assert '<mark class="ekm-open">&lt;ROLE_NAME&gt;</mark>' in drawn
    assert re.search(r"Still open: <code>&lt;ROLE_NAME&gt;</code> \(give <button [^>]*>Role ARN</button>\)", drawn)
    assert "<img" not in drawn
    assert "<b>t" not in drawn
    assert "&amp;amp;" in drawn


def test_an_open_value_without_a_field_is_said_to_be_filled_in_by_hand() -> None:
    drawn = markup.snippet_block(snippet("t", Language.BASH, "echo <POLICY_NAME> <EXTERNAL_KEY_ID>"))
    assert "<code>&lt;POLICY_NAME&gt;</code> (by hand)" in drawn
    assert "External key ID</button>" in drawn


@pytest.mark.parametrize("name", list(FIELDS))
def test_each_field_accepts_its_own_example_and_refuses_markup(name: str) -> None:
    field = FIELDS[name]
    assert field.check(field.example) == ""
    assert field.check("  ") == ""
    assert field.check("<b>$(x)\n'\"") == field.problem
    assert field.check("a" * (LONGEST + 1)) == field.problem


def test_only_fitting_values_are_used() -> None:
    typed = {"role_arn": "no arn", "organization_id": " org-AbCdEf123456 ", "unknown": "x", "vault": ""}
    assert fitting(typed) == {"organization_id": "org-AbCdEf123456"}
    assert all(fields_of(provider) for provider in Provider)


def test_there_are_seven_examples() -> None:
    assert len(EXAMPLES) == 7


@pytest.mark.parametrize(
    ("setting", "expected"),
    [("", "'none'"), ("https://portal.example.com  'self'", "https://portal.example.com 'self'")],
)
def test_frame_ancestors(setting: str, expected: str) -> None:
    assert security.frame_ancestors(setting) == expected


@pytest.mark.parametrize(
    "setting", ["*", "https://a.example;script-src *", "javascript:alert(1)", "https://a.example/path"]
)
def test_frame_ancestors_refuses_what_is_no_origin(setting: str) -> None:
    with pytest.raises(security.SettingError):
        security.frame_ancestors(setting)


def test_a_confirmed_cause_is_named_in_what_is_drawn_first() -> None:
    answer = diagnose(
        "User: arn:aws:sts::111122223333:assumed-role/OpenAI-EKM/s is not authorized to perform: kms:Encrypt on "
        "resource: arn:aws:kms:us-east-1:111122223333:key/5f0c2f6e-8d5b-4c46-9d27-6a1d3f0b7c11 with an explicit deny "
        "in a service control policy"
    )
    first = answer.errors[0].causes[0]
    assert first.ruling.verdict is Verdict.CONFIRMED
    head = markup.answer(answer)
    assert markup.esc(first.cause.title) in head
    assert markup.esc(answer.next_step) in head
    assert "ekm-cause" not in head
    assert f'data-cause="{markup.cause_key(answer.errors[0].match.error, first)}"' in markup.details(answer)
