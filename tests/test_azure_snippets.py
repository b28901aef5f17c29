"""Every Azure snippet, for normal, missing and hostile values: it parses, and a value stays a value."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ekm_core import vendor
from ekm_core.azure import snippets as azure
from ekm_core.catalogue import errors
from ekm_core.diagnose import explain
from ekm_core.model import Language, Provider, Snippet, Values
from tests.snippets import COMMON, all_of, block, parsed, run, texts, unquote

NORMAL = Values(
    {
        "organization_id": "org-AbCdEf123456",
        "tenant_id": "7f0d2c9e-41b6-4c58-9a3e-5d1b8c2f6a70",
        "subscription_id": "2f9a6c51-73de-4b0c-a1f4-8d5e3b7c9016",
        "resource_group": "ekm",
        "vault": "ekm-vault",
        "key_name": "org-AbCdEf123456--chat",
        "object_id": "4be1c0de-0b7a-4e55-8a0f-6f1d2c3b4a59",
        "app_id": vendor.AZURE_APP_ID,
        "external_key_id": "extkey_123",
    }
)
EMPTY = Values()
NASTY = (
    *COMMON,
    "--subscription=evil",
    "@/etc/passwd",
    "@-",
    "a=@/etc/passwd",
)
NAMES = tuple(NORMAL.known)
TEXT = texts(NASTY)
HOSTILE = st.dictionaries(st.sampled_from(NAMES), TEXT.filter(bool)).map(Values)


def all_snippets(values: Values) -> Iterator[Snippet]:
    return all_of(values, Provider.AZURE, Provider.OPENAI)


@pytest.mark.parametrize("values", [NORMAL, EMPTY], ids=["normal", "empty"])
def test_every_snippet_parses_in_its_language(values, tmp_path):
    languages = parsed(all_snippets(values), tmp_path)
    assert languages == {Language.JSON, Language.BASH, Language.HCL, Language.PYTHON}


def test_open_values_are_marked_and_named():
    assert azure.assign_role(EMPTY).placeholders == ("<SUBSCRIPTION_ID>", "<RESOURCE_GROUP>", "<VAULT>", "<KEY_NAME>")
    assert azure.create_key(EMPTY).placeholders == ("<VAULT>", "<ORGANIZATION_ID>")
    assert azure.assign_role(NORMAL).placeholders == ()
    for cause in errors()["azure-key-name-pattern"].causes:
        assert cause.fix(NORMAL).placeholders == ()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=HOSTILE)
def test_hostile_values_never_change_a_command(values, tmp_path):
    plain = [snippet for snippet in all_snippets(EMPTY) if snippet.language is Language.BASH]
    hostile = [snippet for snippet in all_snippets(values) if snippet.language is Language.BASH]
    assert len(plain) == len(hostile)
    # The same commands stand in many entries: run each pair once.
    for one, other in dict.fromkeys(zip(plain, hostile, strict=True)):
        if one == other:
            continue
        expected, got = run(one, tmp_path), run(other, tmp_path)
        assert [len(words) for words in got] == [len(words) for words in expected]
        for words, literal in zip(got, expected, strict=True):
            for word, pattern in zip(words, literal, strict=True):
                assert word == pattern or "<" in pattern
                if one.text.startswith("az "):
                    # az opens a file for every value that begins so, behind the first equals sign too.
                    assert not word.startswith("@")
                    assert not word.partition("=")[2].startswith("@")
                name = pattern.partition("=")[0]
                assert not pattern.startswith("--") or word.partition("=")[0] == name
    assert {path.name for path in tmp_path.iterdir()} <= {"arguments"}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(vault=TEXT.filter(bool), key=TEXT.filter(bool), group=TEXT.filter(bool))
def test_the_scope_holds_the_values_whole(vault, key, group, tmp_path):
    values = Values({**NORMAL.known, "vault": vault, "key_name": key, "resource_group": group})
    lookup, words = run(azure.assign_role(values), tmp_path)
    assert lookup[:3] == ["ad", "sp", "show"]
    assert "--assignee-object-id=found" in words
    subscription = NORMAL.get("subscription_id")
    assert words[-1] == (
        f"--scope=/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{vault}/keys/{key}"
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(subscription=TEXT.filter(bool))
def test_the_role_is_the_documented_one(subscription, tmp_path):
    values = Values({"subscription_id": subscription})
    document = json.loads(azure.role_document(values).text)
    assert document["DataActions"] == list(vendor.AZURE_DATA_ACTIONS)
    assert document["Actions"] == []
    assert document["AssignableScopes"] == [f"/subscriptions/{subscription}"]
    [words] = run(azure.create_role(values), tmp_path)
    assert json.loads(words[-1].removeprefix("--role-definition=")) == document


# \b and \f are left out: JSON's escapes for them are not HCL's. So is what opens a template: python-hcl2 reads it where
# it is escaped only if it is closed again, as in NASTY.
@settings(max_examples=40, deadline=None)
@given(
    value=st.one_of(
        st.sampled_from(NASTY), st.text(st.characters(codec="ascii", exclude_characters="\x00\x08\x0c{"), max_size=30)
    )
)
def test_terraform_gives_the_values_back(value):
    values = Values({**NORMAL.known, "vault": f"v{value}", "key_name": f"k{value}"})
    assignment = block(azure.terraform_access(values), "resource", "azurerm_role_assignment")
    assert unquote(assignment["scope"]) == azure.key_scope(values)
    assert f"v{value}/keys/k{value}" in azure.key_scope(values)
    key = block(azure.terraform_key(values), "resource", "azurerm_key_vault_key")
    assert unquote(key["key_vault_id"]) == azure.vault_scope(values)
    assert unquote(
        block(azure.terraform_service_principal(), "resource", "azuread_service_principal")["client_id"]
    ) == (vendor.AZURE_APP_ID)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tenant=TEXT.filter(bool), key=TEXT.filter(bool))
def test_the_registration_holds_the_values(tenant, key, tmp_path):
    values = Values({**NORMAL.known, "tenant_id": tenant, "key_name": key})
    curl, python = azure.register(values)
    [words] = run(curl, tmp_path)
    body = json.loads(next(word for word in words if word.startswith("{")))
    assert body == {
        "type": "azure",
        "name": "Azure EKM",
        "tenant_id": tenant,
        "vault_uri": "https://ekm-vault.vault.azure.net/",
        "key_name": key,
    }
    constants = {node.value for node in ast.walk(ast.parse(python.text)) if isinstance(node, ast.Constant)}
    assert {tenant, key, "https://ekm-vault.vault.azure.net/"} <= constants


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", "org-AbCdEf123456--ekm-key"),
        ("chat", "org-AbCdEf123456--chat"),
        ("chat_eu.v2", "org-AbCdEf123456--chat-eu-v2"),
        ("org-AbCdEf123456-chat", "org-AbCdEf123456--chat"),
        ("org-AbCdEf123456--chat", "org-AbCdEf123456--chat"),
        ("org-AbCdEf123456--chat_1", "org-AbCdEf123456--chat-1"),
        ("org-other--chat", "org-AbCdEf123456--chat"),
        ("org-other--", "org-AbCdEf123456--ekm-key"),
        ("x" * 200, "org-AbCdEf123456--" + "x" * 109),
    ],
)
def test_a_key_name_is_made_to_fit(name, expected):
    assert azure.ekm_key_name(Values({**NORMAL.known, "key_name": name})) == expected


@given(name=TEXT, organization=st.from_regex(r"org-[0-9a-zA-Z]{1,24}", fullmatch=True))
def test_a_made_key_name_always_fits(name, organization):
    made = azure.ekm_key_name(Values({"key_name": name, "organization_id": organization}))
    assert re.fullmatch(vendor.AZURE_KEY_NAME_PATTERN, made)
    assert made.startswith(f"{organization}--")
    assert len(made) <= azure.KEY_NAME_MAX


def test_the_role_is_assigned_on_the_key_that_is_created_and_registered():
    for cause in errors()["azure-key-name-pattern"].causes:
        fix = cause.fix(Values({**NORMAL.known, "key_name": "chat_1"}))
        create, assign, curl, _ = fix.cli
        assert "--name=org-AbCdEf123456--chat-1" in create.text
        assert "/keys/org-AbCdEf123456--chat-1" in assign.text
        assert '"key_name": "org-AbCdEf123456--chat-1"' in curl.text
        assert all("chat_1" not in snippet.text for snippet in (*fix.cli, *fix.terraform))


SUSPECTS = [
    ("azure-missing-service-principal", "wrong-tenant-registered", "tenant_id"),
    ("azure-tenant-not-found", "wrong-tenant-id", "tenant_id"),
    ("azure-keyvault-rbac-denied", "wrong-key-or-vault", "vault"),
    ("azure-keyvault-rbac-denied", "wrong-key-or-vault", "key_name"),
    ("azure-vault-not-found", "wrong-address", "vault"),
    ("azure-keyvault-wrong-tenant", "wrong-tenant-registered", "tenant_id"),
]


@pytest.mark.parametrize(("error", "cause", "suspect"), SUSPECTS)
def test_a_repair_never_prints_the_value_that_may_be_the_fault(error, cause, suspect):
    [found] = [one for one in errors()[error].causes if one.id == cause]
    fix = found.fix(NORMAL)
    assert f"<{suspect.upper()}>" in fix.placeholders
    assert all(NORMAL.get(suspect) not in snippet.text for snippet in fix.cli)


@pytest.mark.parametrize(("error", "cause", "suspect"), SUSPECTS)
def test_a_repair_takes_the_value_that_the_user_typed_into_its_field(error, cause, suspect):
    [found] = [one for one in explain(error, NORMAL.known) if one.cause.id == cause]
    assert f"<{suspect.upper()}>" not in found.fix.placeholders
    assert any(NORMAL.get(suspect) in snippet.text for snippet in found.fix.cli)


def test_switching_the_vaults_mode_warns_first():
    [cause] = [one for one in errors()["azure-keyvault-rbac-denied"].causes if one.id == "access-policy-mode"]
    assert "stop counting at once" in cause.fix(NORMAL).summary


def test_looking_changes_nothing():
    reading = re.compile(
        r"az (?:login|account show|ad sp show|rest --method get|keyvault (?:key )?(?:show|list\S*)|"
        r"role (?:assignment|definition) list)|curl (?:'?https)"
    )
    for error in errors().values():
        if error.provider in (Provider.AZURE, Provider.OPENAI):
            for cause in error.causes:
                for snippet in cause.look(NORMAL).commands:
                    assert reading.match(snippet.text), snippet.text
