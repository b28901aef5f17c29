"""The Configuration page by Streamlit's own test harness, and its drawing functions alone."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from ekm_core.check import Checked
from ekm_core.importing.names import REGISTRATION
from ekm_core.model import Change, Exhibit, Finding, Language, Link, Provider, Snippet, Status
from pages.components import evidence, findings, markup, recognised, server

ROOT = Path(__file__).resolve().parents[1]
SCENARIO = json.loads(
    (ROOT / "tests" / "scenarios" / "aws" / "trust-external-id-personal.json").read_text(encoding="utf-8")
)
ROLE = SCENARIO["configuration"]["role_arn"]
BODY = {name: value for name, value in SCENARIO["configuration"].items() if name != "organization_id"}
ORGANIZATION = SCENARIO["configuration"]["organization_id"]
OPENAI_KEY = "sk-" + "proj-Zk3vQ9rT7wX1yB5nM8cL2dF6gH4jK0pS"
AWS_ID, AWS_SECRET = "AKIA" + "Q3EGRLWZ7YXK2MVB", "wJalrXUtnFEMI" + "K7MDENGbPxRfiCYzQ8vT3sLw1e"
CURL = (
    f"curl https://api.openai.com/v1/organization/external_keys -H 'Authorization: Bearer {OPENAI_KEY}' "
    f"-H 'OpenAI-Organization: {ORGANIZATION}' -H 'Content-Type: application/json' -d '{json.dumps(BODY)}'"
)
DEFERRED = re.compile(r'<div class="ekm-deferred" data-turn="\d+" data-html="([^"]*)"></div>')


def page(provider: str = "") -> AppTest:
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    if provider:
        test.query_params["provider"] = provider
    test.switch_page("pages/configuration.py").run()
    assert not test.exception
    return test


def html(test: AppTest) -> str:
    drawn = "\n".join(str(element.proto.body) for element in test.get("html"))
    return DEFERRED.sub(lambda piece: unescape(piece[1]), drawn)


def field(test: AppTest, name: str) -> str:
    return test.text_input(key=f"form_{name}").value


def give(test: AppTest, key: str, text: str) -> AppTest:
    test.text_area(key=key).set_value(text).run()
    assert not test.exception
    return test


# ------------------------------------------------------------------------------------------------------------- the form
def test_a_curl_command_fills_the_form_and_the_paste_stays_without_its_key() -> None:
    test = give(page(), "import", CURL)
    assert field(test, "aws_role_arn") == ROLE
    assert field(test, "organization_id") == ORGANIZATION
    assert ROLE in test.text_area(key="import").value
    assert "1 secret was removed" in html(test)
    test.button(key="fill").click().run()
    assert "1 secret was removed" in html(test)


@pytest.mark.parametrize("cloud", list(REGISTRATION))
def test_the_form_has_each_field_by_its_own_name(cloud: Provider) -> None:
    test = page(cloud)
    labels = [item.label for item in test.text_input]
    assert all(any(f"({name})" in label for label in labels) for name in REGISTRATION[cloud])


def test_a_paste_of_another_cloud_turns_the_form() -> None:
    test = give(page("aws"), "import", "tenant_id=7f0d2c9e-41b6-4c58-9a3e-5d1b8c2f6a70\nkey_name=chat")
    assert field(test, "azure_key_name") == "chat"
    assert test.query_params["provider"] == "azure"


def test_an_unknown_cloud_is_answered_in_a_sentence() -> None:
    assert "There is no cloud named “&lt;b&gt;nimbus” here." in html(page("<b>nimbus"))


def test_a_paste_that_cannot_be_read_says_why_and_stays() -> None:
    bad = '{"type": "aws",\n "role_arn": “x”}'
    test = give(page(), "import", bad)
    assert "line 2" in html(test).lower()
    assert test.text_area(key="import").value == bad


def test_of_several_keys_one_is_chosen() -> None:
    keys = {"data": [{"id": f"extkey_{number}", "type": "aws", "role_arn": f"{ROLE}{number}"} for number in (1, 2)]}
    test = give(page(), "import", json.dumps(keys))
    assert test.selectbox(key="import_choice").label.startswith("This text holds 2 keys")
    test.selectbox(key="import_choice").select_index(1).run()
    assert field(test, "aws_role_arn") == f"{ROLE}2"


def test_each_field_says_below_it_what_is_wrong() -> None:
    test = page("aws")
    test.text_input(key="form_aws_kms_arn").set_value("alias/openai").run()
    assert "kms_arn is an alias name, not an ARN." in html(test)
    assert "role_arn is not given." not in html(test)


def test_a_secret_in_a_field_is_not_kept() -> None:
    test = page("aws")
    test.text_input(key="form_aws_role_arn").set_value(OPENAI_KEY).run()
    assert OPENAI_KEY not in held(test)


def test_the_form_can_be_emptied() -> None:
    test = give(page(), "import", CURL)
    test.button(key="empty").click().run()
    assert field(test, "aws_role_arn") == ""
    assert test.text_area(key="import").value == ""
    assert "Fill in at least one field" in html(test)


def test_what_the_error_says_is_taken_over_with_one_click() -> None:
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    test.text_area(key="paste").set_value(SCENARIO["text"])
    next(button for button in test.button if button.label == "Diagnose").click().run()
    test.switch_page("pages/configuration.py").run()
    test.button(key="take-over").click().run()
    assert field(test, "aws_role_arn") == ROLE
    assert "take-over" not in [button.key for button in test.button]


# --------------------------------------------------------------------------------------------------------- the evidence
def test_evidence_proves_the_cause_here_and_on_diagnose() -> None:
    test = give(page(), "import", CURL)
    test = give(test, "evidence_paste", json.dumps(SCENARIO["evidence"]))
    assert test.text_area(key="evidence_paste").value == ""
    assert "1 output added." in html(test)
    assert "The ExternalId is not the one that OpenAI sends" in html(test)
    assert '<span class="add">+' in html(test)
    test.switch_page("pages/diagnose.py").run()
    test.text_area(key="paste").set_value(SCENARIO["text"])
    next(button for button in test.button if button.label == "Diagnose").click().run()
    drawn = html(test)
    assert "Your AWS configuration and 1 piece of evidence are used." in drawn
    assert "Your set-up confirms the first" in drawn
    assert "The ExternalId is not the one that OpenAI sends" in drawn.split("Next step")[0]


def test_the_same_command_given_again_replaces_its_older_answer() -> None:
    test = give(page(), "evidence_paste", json.dumps(SCENARIO["evidence"]))
    again = "$ aws iam get-role --output json --role-name openai-ekm\n" + json.dumps(SCENARIO["evidence"][0]["output"])
    test = give(test, "evidence_paste", again)
    assert "1 of the same command was replaced." in html(test)
    assert len(test.session_state["evidence"]) == 1


def test_a_faulty_paste_is_answered_with_its_place_and_stays() -> None:
    bad = '$ aws iam get-role --role-name x\n{"Role": {\n "Arn": “a”}}'
    test = give(page(), "evidence_paste", bad)
    assert "line 3" in html(test).lower()
    assert test.text_area(key="evidence_paste").value == bad


def test_all_evidence_can_be_removed() -> None:
    test = give(page(), "evidence_paste", json.dumps(SCENARIO["evidence"]))
    test.button(key="clear-evidence").click().run()
    assert test.session_state["evidence"] == ()
    assert "clear-evidence" not in [button.key for button in test.button]


def test_an_upload_is_read_and_put_away() -> None:
    test = page()
    data = json.dumps(SCENARIO["evidence"]).encode("utf-16")  # as PowerShell's > writes it
    test.file_uploader[0].upload("bundle.json", data, "application/json").run()
    assert len(test.session_state["evidence"]) == 1
    assert test.session_state["evidence"][0].command == SCENARIO["evidence"][0]["command"]
    assert test.file_uploader[0].key == "upload_1"


def test_of_a_document_with_something_removed_only_the_change_is_offered() -> None:
    change = Change("Policy", '["user:[removed:e-mail]", 1]', '["user:[removed:e-mail]", 2]')
    drawn = markup.change_block(change)
    assert "Copy diff" in drawn
    assert "Copy document" not in drawn
    assert "no whole document to copy" in " ".join(drawn.split())


def held(test: AppTest) -> str:
    """All that the session keeps, and all that is drawn."""
    test.run()  # Streamlit itself holds what the browser sent until it sends the next
    inner = test.session_state._state._state
    state = {name: getattr(inner, name) for name in type(inner).__dataclass_fields__}
    drawn = [str(getattr(element, "proto", "")) for element in test.main]
    return "\n".join((*(f"{name}: {value!r}" for name, value in state.items()), *drawn, html(test)))


def test_no_secret_of_any_box_is_kept_or_shown() -> None:
    test = give(page(), "import", CURL)
    pasted = f"$ export AWS_ACCESS_KEY_ID={AWS_ID} AWS_SECRET_ACCESS_KEY={AWS_SECRET}\n" + "\n".join(
        f"$ {item['command']}\n{json.dumps(item['output'])}" for item in SCENARIO["evidence"]
    )
    test = give(test, "evidence_paste", pasted)
    test.text_input(key="when").set_value(OPENAI_KEY).run()
    test.switch_page("pages/diagnose.py").run()
    test.text_area(key="paste").set_value(SCENARIO["text"])
    next(button for button in test.button if button.label == "Diagnose").click().run()
    everything = held(test)
    assert ROLE in everything
    for secret in (OPENAI_KEY, AWS_ID, AWS_SECRET):
        assert secret not in everything


@pytest.mark.parametrize(
    "text",
    ["x" * 1_000_000, "[" * 200_000, '{"Role":' * 50_000, "\ud800 lone", '{"Role": NaN, "Arn": 1e999}', "[{}]" * 9_000],
    ids=["long", "deep", "nested", "surrogate", "numbers", "many"],
)
@pytest.mark.parametrize("box", ["import", "evidence_paste"])
def test_hostile_pastes_get_a_sentence(box: str, text: str) -> None:
    test = page()
    test.text_area(key=box).set_value(text.encode("utf-8", "replace").decode()).run(timeout=60)
    assert not test.exception
    assert "ekm-note" in html(test)


# ----------------------------------------------------------------------------------------------- wait or wrong, and kit
def test_the_last_change_tells_wait_or_wrong() -> None:
    test = page()
    test.text_input(key="when").set_value("5 minutes ago").run()
    assert "Likely still spreading until about" in html(test)
    test.text_input(key="when").set_value("yesterday").run()
    assert "This is not propagation" in html(test)
    test.text_input(key="when").set_value("when <b>pigs fly").run()
    assert "“when &lt;b&gt;pigs fly” is not a time that we can read." in html(test)


def test_where_something_is_wrong_waiting_is_no_answer() -> None:
    test = give(page(), "import", CURL)
    test = give(test, "evidence_paste", json.dumps(SCENARIO["evidence"]))
    test.text_input(key="when").set_value("now").run()
    assert "Waiting does not mend it" in html(test)
    assert "Likely still spreading" not in html(test)


def test_the_clock_of_a_page_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from pages.components import given

    class Context:
        timezone_offset = -120

    monkeypatch.setattr(given.st, "context", Context)
    assert given.now().utcoffset() == timedelta(hours=2)
    Context.timezone_offset = 10**9
    assert given.now().utcoffset() == timedelta(0)
    assert abs(given.now() - datetime.now(UTC)) < timedelta(minutes=2)


# ------------------------------------------------------------------------------------------------ the drawing functions
def _finding(status: Status, **values: object) -> Finding:
    return Finding("f", status, Link.TRUST, "<b>title", "saw <img src=x>", **values)


def test_a_result_shows_each_group_and_stays_inert() -> None:
    change = Change("Policy <i>", '{\n  "a": 1\n}', '{\n  "a": "<script>"\n}')
    command = Snippet("Show <u>", Language.BASH, "aws iam get-role --role-name '<img>'")
    drawn = findings.result(
        Checked(
            (
                _finding(Status.FAIL, changes=(change,), errors=("aws-kms-access-denied",)),
                _finding(Status.FAIL, changes=(change,)),
                _finding(Status.COULD_NOT_CHECK, missing=(command,)),
                _finding(Status.COULD_NOT_CHECK, field="role_arn"),
                _finding(Status.WARN),
                _finding(Status.PASS),
            ),
            (),
            (command,),
        ),
        "/base",
    )
    assert not re.search(r"<(?:b>title|img|script|i>|u>)", drawn)
    assert "2 things are wrong" in drawn
    assert drawn.count('class="ekm-diff"') == 1
    assert "the change above mends this too" in drawn
    assert '<a href="/base/errors?error=aws-kms-access-denied" target="_blank"' in drawn
    assert "Still blank in the form: <code>role_arn</code>" in drawn
    assert drawn.index("Wrong (2)") < drawn.index("Evidence still missing (2)") < drawn.index("unwise (1)")


def test_a_clean_result_says_so_and_how_to_prove_it() -> None:
    drawn = findings.result(Checked((_finding(Status.PASS),), (), ()))
    assert "<strong>Nothing wrong</strong>" in drawn
    assert "&lt;EXTERNAL_KEY_ID&gt;</mark>/validate" in drawn
    assert "/extkey_a1b2c3/validate" in findings.result(Checked((_finding(Status.PASS),), (), ()), key="extkey_a1b2c3")
    assert "✓ 1 check passed" in drawn


def test_a_paste_that_cannot_be_read_says_that_nothing_was_filled_in() -> None:
    drawn = html(give(page(), "import", '{"role_arn": "x", "kms_arn": }'))
    assert re.search(r"<li>Nothing was filled in\.</li><li>Line 1, column \d+:", drawn)
    assert "Nothing was filled in." not in html(give(page(), "import", CURL))


def test_one_wrong_field_counts_once_and_stops_the_request() -> None:
    test = page("gcp")
    number = test.text_input(key="form_gcp_workload_identity_project_number")
    number.set_value("my-project").run()
    drawn = html(test)
    assert "1 thing is wrong" in drawn
    assert "The project&#x27;s id was registered instead of its number" not in drawn
    # The error that Google would give is told by the one finding that is left.
    assert "errors?error=gcp-sts-invalid-audience" in drawn
    assert re.search(r'<li class="broken"[^>]*><b>Request</b>', drawn)


def test_a_diff_is_copied_as_it_is() -> None:
    change = Change("Policy", "--- a\n-- b\nsame\nx & y", "--- a\n++ c\nsame\nx & z")
    drawn = markup.change_block(change)
    shown = re.search(r'<pre tabindex="0" translate="no" class="ekm-diff">(.*?)</pre>', drawn, re.DOTALL)
    assert shown
    assert unescape(re.sub(r"<[^>]*>", "", shown[1])).rstrip("\n") == change.diff


def test_the_list_of_evidence_says_what_each_told() -> None:
    exhibits = (
        Exhibit("aws iam get-role --role-name r", SCENARIO["evidence"][0]["output"], "{}"),
        Exhibit("gcloud projects describe p", {"projectId": "p"}, "{}"),
        Exhibit("aws iam get-role --role-name <b>", None, "An error occurred (AccessDenied): not authorized"),
        Exhibit("", {"weather": "fine"}, "{}", "a.json"),
    )
    rows = recognised.rows(exhibits, Provider.AWS)
    assert rows[0].told == "Read: role, trust policy."
    assert rows[1].told == "This is of Google Cloud, so it is not used."
    assert rows[2].told.startswith("The command was refused")
    assert rows[3].command == "Output without its command (a.json)"
    assert [row.used for row in rows] == [True, False, True, False]
    drawn = evidence.listing(rows, 7)
    assert "<b>" not in drawn
    assert 'data-remove="7-2"' in drawn


def test_the_folder_of_the_pages_is_no_menu_of_its_own() -> None:
    async def start() -> bool | None:
        PagesManager.uses_pages_directory = None
        async with server.lifespan(None):
            return PagesManager.uses_pages_directory

    assert asyncio.run(start()) is False
