"""Who passes the staff gate, by the claims of a sign-in and by the way a visitor came. In a browser: tests/browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from pages.components import staff
from pages.components.security import SettingError
from pages.components.staff import Access, Rules

NOW = 1_800_000_000.0
RULES = Rules.read({"domains": ["Support.example.com"], "addresses": ["Dan@Example.net"], "groups": ["ekm-support"]})


def user(**claims: object) -> dict[str, object]:
    return {"is_logged_in": True, "iat": NOW - 60, "email_verified": True, **claims}


@pytest.mark.parametrize("address", ["ann@support.example.com", "ANN@SUPPORT.EXAMPLE.COM", "dan@example.net"])
def test_a_listed_domain_and_a_listed_address_pass_without_regard_to_case(address: str) -> None:
    assert staff.judge(user(email=address), RULES, NOW) is Access.LISTED


@pytest.mark.parametrize(
    "address",
    [
        "ann@example.com",
        "ann@sub.support.example.com",
        "ann@evilsupport.example.com",
        "ann@support.example.com.evil.example",
        "ann@support.example.com@evil.example",
        "evil.example@support.example.com@evil.example",
        "ann@evil.example\n@support.example.com",
        "ann @support.example.com",
        "ann@support.example.com.",
        "@support.example.com",
        "support.example.com",
        "ann@\u017fupport.example.com",  # a long s, which is an s in upper case
        "",
        None,
        ["ann@support.example.com"],
        True,
    ],
)
def test_what_only_resembles_a_listed_address_does_not_pass(address: object) -> None:
    assert staff.judge(user(email=address), RULES, NOW) is Access.NOT_LISTED


@pytest.mark.parametrize("claim", [False, None, "false", "yes", 1, [True], "missing"])
def test_an_address_that_was_not_verified_does_not_count(claim: object) -> None:
    claims = user(email="ann@support.example.com", email_verified=claim)
    if claim == "missing":
        del claims["email_verified"]
    assert staff.judge(claims, RULES, NOW) is Access.UNVERIFIED


def test_a_group_needs_no_address_and_is_compared_as_it_is() -> None:
    assert staff.judge(user(groups=["other", "ekm-support"]), RULES, NOW) is Access.LISTED
    assert staff.judge(user(groups="ekm-support"), RULES, NOW) is Access.LISTED
    for groups in (["EKM-support"], "ekm-support-2", ["ekm-support "], {"ekm-support": True}, [["ekm-support"]], None):
        assert staff.judge(user(groups=groups), RULES, NOW) is Access.NOT_LISTED
    roles = Rules.read({"groups": ["ekm-support"], "groups_claim": "roles"})
    assert staff.judge(user(groups=["ekm-support"]), roles, NOW) is Access.NOT_LISTED
    assert staff.judge(user(roles=["ekm-support"]), roles, NOW) is Access.LISTED


@pytest.mark.parametrize("issued", [NOW - 13 * 3600, NOW + 3600, None, "now", True])
def test_a_sign_in_that_is_old_or_has_no_time_is_too_old(issued: object) -> None:
    assert staff.judge(user(email="ann@support.example.com", iat=issued), RULES, NOW) is Access.EXPIRED


def test_hours_decide_how_long_a_sign_in_counts() -> None:
    claims = user(email="ann@support.example.com", iat=NOW - 13 * 3600)
    assert staff.judge(claims, Rules.read({"domains": ["support.example.com"], "hours": 14}), NOW) is Access.LISTED


@pytest.mark.parametrize("logged_in", [False, None, "true", 1])
def test_claims_without_a_sign_in_are_nothing(logged_in: object) -> None:
    assert staff.judge(user(email="dan@example.net", is_logged_in=logged_in), RULES, NOW) is Access.SIGN_IN
    assert staff.judge({}, RULES, NOW) is Access.SIGN_IN


@given(st.dictionaries(st.sampled_from(["is_logged_in", "iat", "email", "groups"]), st.from_type(object)))
def test_no_claims_whatever_raise_or_pass_by_chance(claims: dict[str, object]) -> None:
    assert not staff.judge(claims, RULES, NOW).open


@pytest.mark.parametrize(
    "section",
    [
        {"domain": ["example.com"]},
        {"domains": "example.com"},
        {"domains": [""]},
        {"groups": [1]},
        {"hours": 0},
        {"hours": "12"},
        {"hours": True},
        {"groups_claim": ""},
        "example.com",
        ["example.com"],
    ],
)
def test_a_list_that_is_not_understood_is_refused(section: object) -> None:
    with pytest.raises(SettingError):
        Rules.read(section)


def test_no_list_lets_nobody_in() -> None:
    assert Rules.read({}).empty
    assert not staff.judge(user(email="dan@example.net", groups=["x"]), Rules.read({}), NOW).open


@pytest.mark.parametrize(
    ("auth", "names"),
    [
        ({"client_id": "a"}, ("",)),
        ({"google": {"client_id": "a"}, "okta": {"client_id": "b"}}, ("google", "okta")),
        ({"client_id": "a", "client_kwargs": {"prompt": "login"}}, ("",)),
        ({"client_id": "a", "cookie_secret": "short"}, ()),
        ({"client_id": "a", "redirect_uri": ""}, ()),
        ({}, ()),
        ("a", ()),
    ],
)
def test_a_sign_in_needs_its_settings(auth: object, names: tuple[str, ...]) -> None:
    if isinstance(auth, dict) and auth:
        auth = {"redirect_uri": "https://ekm.example.com/oauth2callback", "cookie_secret": "x" * 32, **auth}
    assert staff.providers(auth) == names


@pytest.mark.parametrize("host", ["localhost", "localhost:8501", "127.0.0.1:8501", "127.9.9.9", "[::1]:8501"])
def test_a_visitor_from_this_machine_came_straight(host: str) -> None:
    assert staff.came_straight({"Host": host, "Origin": f"http://{host}"})


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "ekm.example.com"},
        {"Host": "localhost.evil.example:8501"},
        {"Host": "127.0.0.1.nip.example"},
        {"Host": "localhost", "Origin": "https://ekm.example.com"},
        {"Host": "localhost", "Origin": "null"},
        {"Host": ""},
        {"Host": "[::1"},
        {"Host": "localhost:8501", "X-Forwarded-For": "127.0.0.1"},
        {"Host": "localhost:8501", "Forwarded": "for=127.0.0.1"},
        {"Host": "localhost:8501", "Via": "1.1 proxy"},
    ],
)
def test_a_visitor_who_came_through_a_proxy_or_under_another_name_did_not(headers: dict[str, str]) -> None:
    assert not staff.came_straight(headers)


AUTH = {"redirect_uri": "https://ekm.example.com/oauth2callback", "cookie_secret": "x" * 32, "client_id": "a"}
SHOWN = "Only staff reads this."


def tool(secrets: dict[str, object]) -> str:
    """What a page behind the gate shows to somebody who has not signed in."""
    script = f"from pages.components import staff\nimport streamlit as st\nstaff.admit('Tool')\nst.html('{SHOWN}')"
    test = AppTest.from_string(script)
    for name, value in secrets.items():
        test.secrets[name] = value
    test.run()
    assert not test.exception
    return "\n".join(str(element.proto.body) for element in test.get("html"))


@pytest.mark.parametrize(
    ("secrets", "sentence"),
    [
        ({"auth": AUTH, "staff": {"domains": ["example.com"]}}, "Please sign in."),
        ({"auth": AUTH}, "nobody is listed"),
        ({"auth": AUTH, "staff": {"domains": []}}, "nobody is listed"),
        ({"auth": AUTH, "staff": {"domain": ["example.com"]}}, "is not set up correctly"),
        ({"auth": {}, "staff": {"domains": ["example.com"]}}, "is not set up correctly"),
    ],
)
def test_the_gate_is_closed_and_says_why(secrets: dict[str, object], sentence: str) -> None:
    shown = tool(secrets)
    assert sentence in shown
    assert SHOWN not in shown


def test_secrets_that_cannot_be_read_close_the_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SHOWN in tool({})  # this machine's own server, without secrets
    (tmp_path / "secrets.toml").write_text("[auth", encoding="utf-8")
    monkeypatch.setattr("streamlit.get_option", {"secrets.files": [str(tmp_path / "secrets.toml")]}.get)
    shown = tool({})
    assert "is not set up correctly" in shown
    assert SHOWN not in shown
