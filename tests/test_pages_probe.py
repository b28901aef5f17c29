"""The Live check page by Streamlit's own test harness; in place of its calls come events as of a real run."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from ekm_core.credentials import AwsKeys, AzureDeviceCode, OpenAIKey
from ekm_core.evidence import State
from ekm_core.importing.names import REGISTRATION
from ekm_core.model import Configuration, Exhibit, Provider
from ekm_core.probing import live
from ekm_core.probing.event import Ended, Event, Planned, Prompted, Started, Stopped, Tick
from ekm_core.probing.record import Record
from ekm_core.probing.step import ORIGIN, Trouble
from pages.components import metrics, probed, recognised
from tests.test_pages_configuration import SCENARIO, html

ROOT = Path(__file__).resolve().parents[1]
BODY = SCENARIO["configuration"]
GET_ROLE = SCENARIO["evidence"][0]["command"]
ROLE = SCENARIO["evidence"][0]["output"]
ACCESS_KEY = "ASIA" + "CANARYCANARYCANA"
SECRET = "canarySecret" + "0123456789abcdefghijABCDEFGH"
TOKEN = "IQoJcanaryToken" + "0123456789abcdef"
ADMIN_KEY = "sk-admin-" + "canaryAdminKey0123456789"
CANARIES = (ACCESS_KEY, SECRET, TOKEN, ADMIN_KEY)


def exhibit(command: str, output: Any) -> Exhibit:
    text = output if isinstance(output, str) else json.dumps(output)
    return Exhibit(command, None if isinstance(output, str) else output, text, ORIGIN)


READ_ROLE = (
    Planned("aws-get-role", "Read the role and its trust policy", GET_ROLE, ("iam:GetRole",)),
    Started("aws-get-role"),
    Tick(0.5),
    Ended("aws-get-role", State.SEEN, 0.2, (exhibit(GET_ROLE, ROLE),)),
)


class Calls:
    """In place of ``live.run``: gives the events of ``events``, then raises what ``fault`` is; keeps what it got."""

    def __init__(self) -> None:
        self.events: list[Event] = list(READ_ROLE)
        self.fault: BaseException | None = None
        self.given: dict[str, Any] = {}
        self.during = ""
        self.closed = False
        self.counted: list[str] = []

    def run(
        self, configuration: Configuration | None, credentials: object = None, **options: object
    ) -> Generator[Event, None, None]:
        self.given = {"configuration": configuration, "credentials": credentials, **options}
        self.during = repr(st.session_state.to_dict())
        try:
            yield from self.events
            if self.fault:
                raise self.fault
        finally:
            self.closed = True


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    replaced = Calls()
    monkeypatch.setattr(live, "run", replaced.run)
    monkeypatch.setattr(metrics, "probe", replaced.counted.append)
    return replaced


def page(provider: Provider | None = Provider.AWS) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    if provider is Provider.AWS:
        fields = {name: value for name, value in BODY.items() if name not in ("type", "organization_id")}
        test.session_state["configuration"] = Configuration(Provider.AWS, fields, BODY["organization_id"])
    elif provider:
        test.session_state["configuration"] = Configuration(provider, dict.fromkeys(REGISTRATION[provider], "x"))
    test.switch_page("pages/probe.py").run()
    assert not test.exception
    return test


def fill(test: AppTest, *values: str, openai: str = "") -> AppTest:
    fields = [item for item in test.text_input if str(item.key).startswith("secret_")]
    for field, value in zip(fields, values, strict=False):
        field.set_value(value)
    fields[-1].set_value(openai)
    return test


def press(test: AppTest) -> AppTest:
    next(button for button in test.button if button.label == "Run the live check").click().run()
    return test


def inside(test: AppTest) -> str:
    """All that the session keeps, and all that is drawn."""
    inner = test.session_state._state._state
    state = {name: getattr(inner, name) for name in type(inner).__dataclass_fields__}
    drawn = [str(getattr(element, "proto", "")) for element in test.main]
    return "\n".join((*(f"{name}: {value!r}" for name, value in state.items()), *drawn, html(test)))


def rows(test: AppTest) -> list[str]:
    """What the list of evidence says of each output."""
    return [row.told for row in recognised.rows(test.session_state["evidence"], Provider.AWS)]


# ------------------------------------------------------------------------------------------------------- before the run
def test_what_is_read_and_what_to_grant_stand_before_the_form(calls: Calls) -> None:
    test = page()
    drawn = html(test)
    assert "The permissions to grant before the run" in drawn
    assert "iam:GetRole" in drawn
    assert not calls.given


def test_without_a_registration_the_page_says_where_to_give_it(calls: Calls) -> None:
    test = page(None)
    assert "There is no registration to check yet." in html(test)
    press(test)
    assert "There is no key." in html(test)
    assert not calls.given


def test_openai_alone_can_be_asked_without_a_registration(calls: Calls) -> None:
    press(fill(page(None), openai=ADMIN_KEY))
    assert calls.given["configuration"] is None
    assert calls.given["openai"] == OpenAIKey(ADMIN_KEY)


@pytest.mark.parametrize("cloud", list(REGISTRATION))
def test_each_secret_has_a_password_field(cloud: Provider) -> None:
    test = page(cloud)
    radio = next(item for item in test.radio if item.label == "Whose credentials?")
    for option in radio.options:
        radio.set_value(option).run()
        assert not test.exception
        fields = [item for item in test.text_input if str(item.key).startswith("secret_")]
        assert fields
        assert all(item.proto.type == item.proto.PASSWORD for item in fields)
        assert all(item.proto.autocomplete == "off" for item in fields)


def test_the_machines_own_credentials_are_not_offered_and_the_page_says_why() -> None:
    for cloud in REGISTRATION:
        test = page(cloud)
        radio = next(item for item in test.radio if item.label == "Whose credentials?")
        assert not [option for option in radio.options if "machine" in option]
        assert "EKM_LOCAL_CREDENTIALS=1" in html(test)


def test_they_are_offered_where_the_core_allows_it(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ekm_core.credentials.ambient_allowed", lambda *_: True)
    test = page()
    radio = next(item for item in test.radio if item.label == "Whose credentials?")
    radio.set_value("A profile of this machine").run()
    press(fill(test, "staging"))
    assert calls.given["ambient_allowed"] is True
    assert calls.given["credentials"].name == "staging"


# ---------------------------------------------------------------------------------------------------------------- a run
def test_a_run_gets_the_credentials_and_its_evidence_counts_everywhere(calls: Calls) -> None:
    test = press(fill(page(), ACCESS_KEY, SECRET, TOKEN, openai=ADMIN_KEY))
    assert not test.exception
    assert calls.given["credentials"] == AwsKeys(ACCESS_KEY, SECRET, TOKEN)
    assert calls.given["openai"] == OpenAIKey(ADMIN_KEY)
    assert (calls.given["round_trip"], calls.given["ambient_allowed"], calls.closed) == (False, False, True)
    assert calls.counted == ["seen"]
    drawn = html(test)
    assert "1 of 1 call answered." in drawn
    assert "The ExternalId is not the one that OpenAI sends" in drawn
    test.switch_page("pages/configuration.py").run()
    assert "The ExternalId is not the one that OpenAI sends" in html(test)


def test_the_round_trip_is_off_unless_asked_for(calls: Calls) -> None:
    test = fill(page(), ACCESS_KEY, SECRET, TOKEN)
    next(item for item in test.checkbox if item.key == "round_trip").check()
    press(test)
    assert calls.given["round_trip"] is True


def test_bad_credentials_start_nothing_and_are_forgotten(calls: Calls) -> None:
    test = press(fill(page(), SECRET, ACCESS_KEY, openai="sk-proj-" + "canaryAdminKey0123456789"))
    assert not calls.given
    drawn = html(test)
    assert "A secret access key stands where the access key ID" in drawn
    assert "project&#x27;s key" in drawn
    assert not [canary for canary in CANARIES if canary in inside(test)]
    press(fill(test, ACCESS_KEY, SECRET, TOKEN))
    assert calls.given
    assert "A secret access key stands" not in html(test)


@pytest.mark.parametrize("fault", [None, RuntimeError("a fault with nothing in it"), MemoryError(), "stopped"])
def test_no_credential_outlives_a_run_however_it_ends(calls: Calls, fault: BaseException | str | None) -> None:
    if isinstance(fault, BaseException):
        calls.fault = fault
    elif fault:
        calls.events.append(Stopped("The process that makes the calls could not be started. Try again in a minute."))
    test = press(fill(page(), ACCESS_KEY, SECRET, TOKEN, openai=ADMIN_KEY))
    assert calls.given["credentials"] == AwsKeys(ACCESS_KEY, SECRET, TOKEN)
    assert bool(test.exception) == isinstance(fault, BaseException)
    held = inside(test) + calls.during
    assert "openai-ekm" in calls.during
    assert not [canary for canary in CANARIES if canary in held]
    assert len(test.session_state["evidence"]) == 1
    fields = [item for item in test.text_input if str(item.key).startswith("secret_")]
    assert [item.value for item in fields] == [""] * len(fields)


def test_what_was_read_before_a_fault_is_kept_and_the_page_goes_on(calls: Calls) -> None:
    calls.fault = RuntimeError()
    test = press(fill(page(), ACCESS_KEY, SECRET, TOKEN))
    test.run()
    assert not test.exception
    assert "The check was ended before all was read; what was read until then counts." in html(test)


def test_a_refused_call_names_the_permission_and_the_known_error(calls: Calls) -> None:
    text = "An error occurred (AccessDenied) when calling the GetRole operation: User: arn:aws:iam::1:user/me is not "
    calls.events = [
        READ_ROLE[0],
        Ended(
            "aws-get-role",
            State.REFUSED,
            0.1,
            (exhibit(GET_ROLE, f"{text}authorized to perform: iam:GetRole"),),
            Trouble.REFUSED,
            "You may not read the role.",
            "iam:GetRole",
            text,
            ("aws-kms-access-denied",),
        ),
        Planned("aws-describe-key", "Read the key", "aws kms describe-key"),
    ]
    drawn = html(press(fill(page(), ACCESS_KEY, SECRET, TOKEN)))
    assert "Missing permission: <code>iam:GetRole</code>" in drawn
    assert '<a href="/errors?error=aws-kms-access-denied" target="_blank"' in drawn
    assert "1 was refused: a permission of yours is missing." in drawn
    assert "Not read" in drawn


def test_a_code_to_sign_in_with_is_shown(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    calls.events = [
        Planned("azure-sign-in", "Sign in", ""),
        Prompted("azure-sign-in", "https://microsoft.com/devicelogin", "ABCD1234", 900.0),
    ]
    from pages.components import probing

    drawn = probing._sign_in
    monkeypatch.setattr(probing, "_sign_in", lambda event: shown.append(drawn(event)) or drawn(event))
    press(fill(page(Provider.AZURE)))
    assert isinstance(calls.given["credentials"], AzureDeviceCode)
    assert 'href="https://microsoft.com/devicelogin"' in shown[0]
    assert "ABCD1234" in shown[0]


# --------------------------------------------------------------------------------------------------------------- OpenAI
URL = "https://api.openai.com/v1/organization/external_keys"
LIST = Planned("openai-keys", "List the external keys", f"curl {URL} \\\n  --header x")
VALIDATE = Planned("openai-validate-extkey_1", "Validate", f"curl --request POST '{URL}/extkey_1/validate'")


def listed(*bodies: dict[str, Any]) -> list[Event]:
    data = [{"object": "organization.external_key", "api_project_ids": [], **body} for body in bodies]
    answer = {"object": "list", "data": data, "has_more": False}
    return [LIST, Ended("openai-keys", State.SEEN, 0.1, (exhibit(LIST.command, answer),))]


def body(**changes: str) -> dict[str, str]:
    return {**{name: value for name, value in BODY.items() if name != "organization_id"}, "id": "extkey_1", **changes}


def test_a_registered_key_is_taken_over_into_the_form(calls: Calls) -> None:
    calls.events = listed(body(name="One"), body(id="extkey_2", name="Two", role_arn=BODY["role_arn"] + "2"))
    test = press(fill(page(None), openai=ADMIN_KEY))
    test.selectbox(key="registered_choice").select_index(1).run()
    test.button(key="take-registered").click().run()
    assert test.session_state["configuration"].get("role_arn") == BODY["role_arn"] + "2"
    test.switch_page("pages/configuration.py").run()
    assert test.text_input(key="form_aws_role_arn").value == BODY["role_arn"] + "2"


def test_a_form_that_is_not_what_is_registered_is_named(calls: Calls) -> None:
    calls.events = listed(body(external_id="org-Other"))
    drawn = html(press(fill(page(), ACCESS_KEY, SECRET, TOKEN, openai=ADMIN_KEY)))
    assert "<code>external_id</code> differ" in drawn
    calls.events = listed(body())
    test = press(fill(page(), ACCESS_KEY, SECRET, TOKEN, openai=ADMIN_KEY))
    assert "take-registered" not in [button.key for button in test.button]


def test_openais_own_error_goes_into_diagnose(calls: Calls) -> None:
    answer = {"error": {"message": SCENARIO["text"], "type": "invalid_request_error", "param": None, "code": None}}
    calls.events = [
        *listed(body()),
        VALIDATE,
        Ended(VALIDATE.step, State.SEEN, 0.1, (exhibit(VALIDATE.command, answer),)),
    ]
    test = press(fill(page(), ACCESS_KEY, SECRET, TOKEN, openai=ADMIN_KEY))
    assert "OpenAI could not use the key" in html(test)
    assert "OpenAI could not use the key; Diagnose tells why." in rows(test)
    test.button(key="diagnose-0").click().run()
    assert not test.exception
    assert "aws-sts-assume-role-denied" in html(test)
    assert test.text_area(key="paste").value == SCENARIO["text"]


def test_a_key_that_openai_can_use_is_said_so(calls: Calls) -> None:
    done = Ended(VALIDATE.step, State.SEEN, 0.1, (exhibit(VALIDATE.command, {"status": "success"}),))
    calls.events = [*listed(body()), VALIDATE, done]
    assert "OpenAI could use the key" in html(press(fill(page(None), openai=ADMIN_KEY)))


# ------------------------------------------------------------------------------------------------ the drawing functions
def test_every_trouble_has_its_words_and_all_is_inert() -> None:
    record = Record()
    for trouble in Trouble:
        record.add(Planned(trouble, "<b>title", "<i>command"))
        record.add(Ended(trouble, trouble.state, 0.1, (), trouble, "<u>said", "<s>permission"))
    drawn = probed.outcomes(record) + probed.summary(record)
    assert not re.search("<(?:b|i|u|s)>", drawn)
    labels = re.findall(r'<span class="ekm-chip \w+">([^<]+)</span>', drawn)
    assert len(set(labels)) == len(Trouble)
    assert unescape(drawn).count("<b>title") == len(Trouble)
    assert probed.progress(record).count("<li>") == len(Trouble)
