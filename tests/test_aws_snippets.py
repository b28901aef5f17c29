"""Every AWS snippet, for normal, missing and hostile values: it parses, and a value stays a value."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ekm_core import vendor
from ekm_core.aws import snippets as aws
from ekm_core.catalogue import errors
from ekm_core.model import Language, Provider, Snippet, Values
from tests.snippets import COMMON, all_of, block, parsed, run, texts, unquote

NORMAL = Values(
    {
        "organization_id": "org-AbCdEf123456",
        "role_arn": "arn:aws:iam::222222222222:role/team/openai-ekm",
        "kms_key": "arn:aws:kms:eu-central-1:222222222222:key/1d0e24a5-1bfe-4099-9c81-41c3155c506b",
        "account_id": "222222222222",
        "region": "eu-central-1",
        "external_key_id": "extkey_123",
    }
)
EMPTY = Values()
NASTY = (
    *COMMON,
    "--profile=evil",
    "arn:aws:iam::1:role/$(touch pwned)",
    "arn:aws:iam::1:role/a'b",
    "arn:aws:kms:'x':1:key/\"$(touch pwned)\"",
)
NAMES = (
    "organization_id",
    "external_id",
    "role_arn",
    "kms_key",
    "account_id",
    "region",
    "principal",
    "external_key_id",
)
TEXT = texts(NASTY)
HOSTILE = st.dictionaries(st.sampled_from(NAMES), TEXT.filter(bool)).map(
    lambda known: Values({**known, "action": "kms:x"})
)


def all_snippets(values: Values) -> Iterator[Snippet]:
    return all_of(values, Provider.AWS)


@pytest.mark.parametrize("values", [NORMAL, EMPTY], ids=["normal", "empty"])
def test_every_snippet_parses_in_its_language(values, tmp_path):
    languages = parsed(all_snippets(values), tmp_path)
    assert languages == {Language.JSON, Language.BASH, Language.HCL, Language.PYTHON}


def test_open_values_are_marked_and_named():
    assert aws.trust_policy(EMPTY).placeholders == ("<ORGANIZATION_ID>",)
    assert aws.cli_set_identity(EMPTY).placeholders == ("<ROLE_NAME>", "<KMS_KEY_ARN>")
    assert aws.show_key_policy(EMPTY).placeholders == ("<KMS_KEY_ARN>", "<REGION>")
    for cause in errors()["aws-sts-assume-role-denied"].causes[1:6]:
        assert cause.fix(replace(NORMAL, typed=frozenset(NORMAL.known))).placeholders == ()


def test_what_is_registered_or_read_is_not_printed_as_its_own_repair():
    wrong = next(cause for cause in errors()["aws-sts-assume-role-denied"].causes if cause.id == "role-arn-wrong")
    names = frozenset(NORMAL.known)
    for values in (NORMAL, replace(NORMAL, typed=names, registered=names)):
        assert "<ROLE_ARN>" in wrong.fix(values).placeholders


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=HOSTILE)
def test_hostile_values_never_change_a_command(values, tmp_path):
    plain = [snippet for snippet in all_snippets(EMPTY) if snippet.language is Language.BASH]
    hostile = [snippet for snippet in all_snippets(values) if snippet.language is Language.BASH]
    assert len(plain) == len(hostile)
    # The same commands stand in many entries: run each pair once.
    for one, other in dict.fromkeys(zip(plain, hostile, strict=True)):
        expected, got = run(one, tmp_path), run(other, tmp_path)
        assert [len(words) for words in got] == [len(words) for words in expected]
        for words, literal in zip(got, expected, strict=True):
            for word, pattern in zip(words, literal, strict=True):
                name = pattern.partition("=")[0]
                assert word == pattern or (name.startswith("--") and word.startswith(f"{name}=")) or "<" in pattern
    assert {path.name for path in tmp_path.iterdir()} <= {"arguments", "key-policy.json"}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(organization=TEXT.filter(bool), role=TEXT.filter(lambda text: bool(text) and "/" not in text))
def test_the_trust_policy_holds_the_organization_whole(organization, role, tmp_path):
    arn = f"arn:aws:iam::222222222222:role/{role}"
    values = Values({"organization_id": organization, "role_arn": arn})
    document = json.loads(aws.trust_policy(values).text)
    [statement] = document["Statement"]
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": organization}}
    assert statement["Principal"] == {"AWS": vendor.AWS_PRINCIPAL}

    [words] = run(aws.cli_set_trust(values), tmp_path)
    assert words[:3] == ["iam", "update-assume-role-policy", f"--role-name={role}"]
    assert json.loads(words[3].removeprefix("--policy-document=")) == document


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tail=TEXT)
def test_the_identity_policy_holds_the_key_whole(tail, tmp_path):
    key = f"arn:aws:kms:eu-west-1:222222222222:key/{tail}"
    values = Values({"kms_key": key})
    document = json.loads(aws.identity_policy(values).text)
    assert document["Statement"][0]["Resource"] == key
    [words] = run(aws.cli_set_identity(values), tmp_path)
    assert json.loads(words[-1].removeprefix("--policy-document=")) == document
    [words] = run(aws.show_key(values), tmp_path)
    assert words == ["kms", "describe-key", f"--key-id={key}", "--region=eu-west-1"]


# \b and \f are left out: JSON's escapes for them are not HCL's. So is what opens a template: python-hcl2 reads it where
# it is escaped only if it is closed again, as in NASTY.
@settings(max_examples=40, deadline=None)
@given(
    tail=st.one_of(
        st.sampled_from(NASTY), st.text(st.characters(codec="ascii", exclude_characters="\x00/{"), max_size=30)
    )
)
def test_terraform_gives_the_values_back(tail):
    organization = f"org-{tail}"
    arn = f"arn:aws:iam::222222222222:role/{tail.replace('/', '')}x"
    key = f"arn:aws:kms:eu-west-1:222222222222:key/{tail}"
    values = Values({"organization_id": organization, "role_arn": arn, "kms_key": key})
    role = block(aws.terraform_trust(values), "resource", "aws_iam_role")
    assert unquote(role["name"]) == arn.partition("role/")[2]
    data = block(aws.terraform_trust(values), "data", "aws_iam_policy_document")
    assert [unquote(value) for value in data["statement"][0]["condition"][0]["values"]] == [organization]
    data = block(aws.terraform_identity(values), "data", "aws_iam_policy_document")
    assert [unquote(value) for value in data["statement"][0]["resources"]] == [key]
    policy = block(aws.terraform_key_policy(values), "resource", "aws_kms_key_policy")
    assert unquote(policy["key_id"]) == key


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(organization=TEXT.filter(bool))
def test_the_registration_holds_the_values(organization, tmp_path):
    values = Values({**NORMAL.known, "organization_id": organization})
    curl, python = aws.registration(values)
    [words] = run(curl, tmp_path)
    body = json.loads(next(word for word in words if word.startswith("{")))
    assert body["external_id"] == organization
    assert body["role_arn"] == NORMAL.get("role_arn")
    assert body["kms_arn"] == NORMAL.get("kms_key")
    constants = {node.value for node in ast.walk(ast.parse(python.text)) if isinstance(node, ast.Constant)}
    assert {organization, NORMAL.get("role_arn"), NORMAL.get("kms_key")} <= constants


def test_what_is_derived():
    assert aws.role_name(NORMAL) == "openai-ekm"
    assert aws.role_path(NORMAL) == "/team/"
    assert aws.role_account(NORMAL) == "222222222222"
    assert aws.region(NORMAL) == "eu-central-1"
    gov = Values({"kms_key": "arn:aws-us-gov:kms:us-gov-west-1:222222222222:key/x"})
    assert aws.delegation_statement(gov)["Principal"] == {"AWS": "arn:aws-us-gov:iam::222222222222:root"}


def test_an_alias_never_becomes_a_resource():
    values = Values({"kms_key": "arn:aws:kms:eu-west-1:222222222222:alias/ekm"})
    assert json.loads(aws.identity_policy(values).text)["Statement"][0]["Resource"] == "<KMS_KEY_ARN>"
    assert aws.region(values) == "eu-west-1"


def test_openais_own_role_is_never_the_one_to_change():
    values = Values({"role_arn": vendor.AWS_PRINCIPAL})
    assert aws.role_name(values) == "<ROLE_NAME>"
    assert vendor.AWS_ACCOUNT not in aws.cli_set_identity(values).text
    assert aws.role_statement(values)["Principal"] == {"AWS": "<ROLE_ARN>"}


def test_the_caller_names_the_role_for_kms_only():
    principal = "arn:aws:sts::333333333333:assumed-role/openai-ekm/session"
    assert aws.role_name(Values({"principal": principal, "action": "kms:Decrypt"})) == "openai-ekm"
    assert aws.role_account(Values({"principal": principal, "action": "kms:Decrypt"})) == "333333333333"
    assert aws.role_name(Values({"principal": principal, "action": "sts:AssumeRole"})) == "<ROLE_NAME>"


def test_the_key_policy_is_merged_and_never_replaced():
    fetch, statement, put = aws.cli_key_policy(NORMAL)
    assert "get-key-policy" in fetch.text
    assert fetch.text.endswith("> key-policy.json")
    assert json.loads(statement.text)["Action"] == ["kms:Encrypt", "kms:Decrypt"]
    assert "--policy=file://key-policy.json" in put.text
