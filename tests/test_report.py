"""Reports: what may be shared holds no identifier and no live markup; what the user sees holds their own values."""

import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from ekm_core import catalogue
from ekm_core.diagnose import diagnose, explain
from ekm_core.report import as_dict, to_json, to_markdown
from ekm_core.report import explain as as_markdown

ACCOUNT, ROLE, ORG = "111122223333", "acme-ekm-role", "org-AbCdEfGh12345678"
TEXT = (
    "User: arn:aws:sts::790389265272:assumed-role/EnterpriseKeyManagement/OpenAI-EKM-Service is not authorized to "
    f"perform: sts:AssumeRole on resource: arn:aws:iam::{ACCOUNT}:role/{ROLE}"
)
KEYS = {"schema", "redactions", "matches", "chain"}


def test_public_form():
    shown = as_dict(diagnose(TEXT, {"organization_id": ORG}))
    assert shown["schema"] == 1
    assert set(shown) >= KEYS
    match = shown["matches"][0]
    assert match["id"] == "aws-sts-assume-role-denied"
    assert set(match) >= {"id", "provider", "title", "score", "evidence", "entities", "causes"}
    assert set(match["evidence"][0]) == {"signature", "text"}
    assert set(match["causes"][0]) >= {"id", "title", "verdict", "because", "fix"}
    assert match["entities"]["account_id"] == ACCOUNT
    json.dumps(shown)


def test_what_is_shared_holds_no_identifier():
    diagnosis = diagnose(TEXT, {"organization_id": ORG, "vault": "acme-vault-eu"})
    for report in (to_json(diagnosis), to_markdown(diagnosis)):
        for identifier in (ACCOUNT, ROLE, ORG):
            assert identifier not in report
        assert "account-1" in report
        assert "790389265272" in report  # OpenAI's own account is public


def test_markdown_keeps_a_paste_inert():
    hostile = "![x](https://evil.example/p.png) <script>alert(1)</script> ```\n# heading\n``` [a](javascript:b)"
    report = to_markdown(diagnose(f"{TEXT} {hostile}"))
    outside = re.sub(r"^(`{3,})[^\n]*\n.*?\n\1$", "", report, flags=re.S | re.M)
    assert "<script>" not in outside
    assert "](javascript:" not in outside
    assert "![x](" not in outside


@settings(deadline=None, max_examples=40)
@given(st.text(max_size=200))
def test_any_text_can_be_reported(text):
    diagnosis = diagnose(text)
    assert json.loads(to_json(diagnosis))["schema"] == 1
    assert to_markdown(diagnosis).startswith("# ")


def test_every_entry_can_be_explained():
    for error in catalogue.errors().values():
        markdown = as_markdown(error, explain(error.id))
        assert markdown.startswith(f"# {error.title}")
        for cause in error.causes:
            assert cause.title in markdown
        for reference in error.references:
            assert reference.url in markdown
