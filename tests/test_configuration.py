"""A configuration is read from every form a person has it in, and comes back the same."""

import json
import shlex
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ekm_core import configuration
from ekm_core.importing.names import REGISTRATION
from ekm_core.model import Configuration, Provider

ADDRESS = "https://api.openai.com/v1/organization/external_keys"
SECRET = "sk-admin-abcdefghijklmnop1234567890"
AWS = {
    "type": "aws",
    "name": "AWS EKM Config",
    "role_arn": "arn:aws:iam::111122223333:role/OpenAI-EKM",
    "kms_arn": "arn:aws:kms:us-east-1:111122223333:key/3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "external_id": "org-AbCdEfGhIjKl",
}
BODY = json.dumps(AWS)
LINES = "\n".join(f"{name}={value}" for name, value in AWS.items())
ESCAPED = BODY.replace('"', '\\"')
FIELDS = {name: value for name, value in AWS.items() if name != "type"}

FORMS = {
    "body": json.dumps(AWS, indent=2),
    "wrapped": json.dumps({"name": AWS["name"], "provider": {k: v for k, v in AWS.items() if k != "name"}}),
    "without type": json.dumps(FIELDS),
    "article": f'curl -X POST \\\n-H "Content-type: application/json" \\\n-H "Authorization: Bearer {SECRET}" \\\n'
    f"\"{ADDRESS}\" \\\n-d '{json.dumps(AWS, indent=2)}'\n",
    "double quotes": f'curl {ADDRESS} --data "{ESCAPED}"',
    "attached": f"curl {ADDRESS} --data-raw={shlex.quote(BODY)}",
    "short attached": f"curl -sd{shlex.quote(BODY)} {ADDRESS}",
    "heredoc": f"curl {ADDRESS} --json @- <<'EOF' | jq .\n{BODY}\nEOF\n",
    "substituted heredoc": f'curl {ADDRESS} -d "$(cat <<EOF\n{BODY}\nEOF\n)" -H "a: b"',
    "ansi": f"curl {ADDRESS} --data-binary $'{BODY}'",
    "cmd": f'curl.exe -X POST {ADDRESS} ^\r\n  -H "Authorization: Bearer {SECRET}" ^\r\n  -d "{ESCAPED}"\r\n',
    "cmd of a browser": f'curl ^"{ADDRESS}^" --data-raw ^"{BODY.replace(chr(34), "^" + chr(92) + "^" + chr(34))}^"',
    "powershell": f"curl.exe {ADDRESS} `\n  -d '{ESCAPED}'",
    "prompt": f'me@host:~$ curl {ADDRESS} -d \'{BODY}\'\n{{"id": "extkey_1"}}',
    "python": f"key = client.admin.organization.external_keys.create(**{AWS!r})",
    "python keywords": "client.admin.organization.external_keys.create(  # ours\n"
    + "".join(f"    {name}={value!r},\n" for name, value in AWS.items())
    + ")",
    "requests": f'requests.post("{ADDRESS}", headers={{"Authorization": "Bearer {SECRET}"}}, json={AWS!r})',
    "typescript": "const key = await client.admin.organization.externalKeys.create({\n"
    + "".join(f"  {name}: '{value}', // ours\n" for name, value in AWS.items())
    + "});",
    "camel case": 'client.admin.organization.externalKeys.create({ type: `aws`, name: "AWS EKM Config", roleArn: '
    f"'{AWS['role_arn']}', kmsArn: '{AWS['kms_arn']}', 'externalId': '{AWS['external_id']}' }})",
    "lines": LINES,
    "exports": "\n".join(f"export OPENAI_{name.upper()}='{value}'" for name, value in FIELDS.items()),
    "yaml": "ekm:\n" + "\n".join(f"  {name}: {value}  # ours" for name, value in AWS.items()),
    "tfvars": "\n".join(f'{name.ljust(12)} = "{value}"' for name, value in AWS.items()),
    "labels": f"Name: {AWS['name']}\nRole ARN: {AWS['role_arn']}\nKMS key ARN: {AWS['kms_arn']}\n"
    f"External ID: {AWS['external_id']}",
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_gives_the_same_key(form):
    imported = configuration.read(FORMS[form])
    assert imported.problems == ()
    (found,) = imported.configurations
    assert (found.provider, found.fields) == (Provider.AWS, FIELDS)
    assert configuration.body(found) == AWS
    assert imported.removed == FORMS[form].count(SECRET)


def test_a_list_of_the_api_gives_several_keys():
    keys = [
        {"id": "extkey_1", "object": "organization.external_key", "created_at": 1, "api_project_ids": [], **AWS},
        {"id": "extkey_2", "type": "azure", "tenant_id": "t", "vault_uri": None, "workspace_id": "w"},
    ]
    imported = configuration.read(json.dumps({"object": "list", "data": keys, "has_more": False}))
    assert [(key.provider, key.get("id")) for key in imported.configurations] == [
        (Provider.AWS, "extkey_1"),
        (Provider.AZURE, "extkey_2"),
    ]
    assert imported.problems == ()
    assert configuration.values(imported.configurations[0])["external_key_id"] == "extkey_1"


def test_the_header_names_the_organization():
    text = f"curl {ADDRESS} -H 'OpenAI-Organization: org-AbCdEfGhIjKl' -d '{BODY}'"
    assert configuration.read(text).configurations[0].organization_id == "org-AbCdEfGhIjKl"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "nothing to read"),
        ("hello", "No field"),
        ("3", "No field"),
        ("[1, [2]]", "No field"),
        ('{"type": "aws",\n "role_arn": }', "Line 2, column 14"),
        ('{"type": "oci", "vault_ocid": "x"}', "no public guide"),
        ('{"error": {"message": "no"}}', "Diagnose page"),
        ('{"name": "x"}', "which cloud"),
        (f"curl {ADDRESS} -d @body.json", "body.json"),
        (f'curl {ADDRESS} -d \'{{"type": "aws"', "never closed"),
        (f"curl {ADDRESS} -d '{{\"type\": True}}'", "Write true"),
        (f"curl {ADDRESS}", "sends no body"),
        ("external_keys.create(type='aws'", "cut off"),
        ("external_keys.create(type='aws' name='x')", "not valid Python"),
        ("x" * 2_000_000, "longer than"),
    ],
)
def test_what_cannot_be_read_is_said(text, says):
    imported = configuration.read(text)
    assert imported.configurations == ()
    assert says in imported.problems[0]


@pytest.mark.parametrize(
    ("text", "field", "value", "says"),
    [
        (f'curl {ADDRESS} -d \'{{"external_id": "$ORG_ID"}}\'', "external_id", "$ORG_ID", "does not fill in $ORG_ID"),
        (f'curl {ADDRESS} -d \'{{"external_id": "\'"$ORG"\'"}}\'', "external_id", "$ORG", "placeholder “$ORG”"),
        ("external_keys.create(role_arn=ROLE)", "role_arn", "<ROLE>", "placeholder"),
        ("external_keys.create(role_arn=os.environ['X'])", "role_arn", "<ROLE_ARN>", "placeholder"),
        ("externalKeys.create({role_arn: process.env.X ?? 'y', type: 'aws'})", "role_arn", "<ROLE_ARN>", "placeholder"),
        ("externalKeys.create({roleArn, type: 'aws'})", "role_arn", "<ROLEARN>", "placeholder"),
        ("role_arn = aws_iam_role.ekm.arn", "role_arn", "<ROLE_ARN>", "placeholder"),
        ('{"role_arn": "x", "kms_ARM": "y"}', "role_arn", "x", "Did you mean kms_arn"),
        ('{"role_arn": "x", "kms_arn": ["y"]}', "role_arn", "x", "it is a list"),
        ('{"workload_identity_project_number": 123}', "workload_identity_project_number", "123", "double quotes"),
        ('{"role_arn": "x", "purpose": "psp_decryption"}', "purpose", "psp_decryption", "another product"),
    ],
)
def test_what_needs_a_look_is_said(text, field, value, says):
    imported = configuration.read(text)
    assert imported.configurations[0].get(field) == value
    assert any(says in problem for problem in imported.problems)


def test_a_name_that_two_clouds_share_is_read_by_the_cloud():
    assert configuration.read("type: gcp\nkey_name: k").configurations[0].fields == {"kms_key_name": "k"}
    assert configuration.read("type: azure\nkey_name: k").configurations[0].fields == {"key_name": "k"}
    assert configuration.read("key_name: k").configurations == ()
    assert configuration.read("key_name: k", Provider.AZURE).configurations[0].fields == {"key_name": "k"}


def test_values_are_only_what_fits():
    fields = {"role_arn": "nonsense", "kms_arn": AWS["kms_arn"], "external_id": "org-xxxxxxxx"}
    found = configuration.values(Configuration(Provider.AWS, fields, "org-AbCdEfGh"))
    assert found == {"kms_key": AWS["kms_arn"], "organization_id": "org-AbCdEfGh"}
    vault = Configuration(Provider.AZURE, {"vault_uri": "https://ekm-vault.vault.azure.net/"})
    assert configuration.values(vault) == {"vault": "ekm-vault"}


def test_values_by_name_become_a_configuration():
    found = configuration.from_values({"kms_key": AWS["kms_arn"], "role_arn": AWS["role_arn"], "region": "us-east-1"})
    assert found is not None
    assert configuration.body(found) == {"type": "aws", "role_arn": AWS["role_arn"], "kms_arn": AWS["kms_arn"]}
    assert configuration.from_values({"key_name": "k"}) is None
    assert configuration.from_values({"key_name": "k"}, Provider.OPENAI) is None


_SIGNS = st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="'\"`#$<>*,;|\\")
_VALUE = st.text(_SIGNS, min_size=1, max_size=30)
_KEYS = st.sampled_from(list(REGISTRATION)).flatmap(
    lambda cloud: st.fixed_dictionaries({"type": st.just(str(cloud)), **dict.fromkeys(REGISTRATION[cloud], _VALUE)})
)


@given(_KEYS)
def test_a_body_comes_back_from_every_rendering(body):
    # a value that looks like a secret is taken out on purpose: then there is nothing to compare
    expected = configuration.read(json.dumps(body))
    if expected.removed or not expected.configurations:
        return
    arguments = ", ".join(f"{name}={value!r}" for name, value in body.items())
    for text in (
        f"curl {ADDRESS} --data-raw {shlex.quote(json.dumps(body))}",
        f"client.admin.organization.external_keys.create({arguments})",
        "\n".join(f"{name}={shlex.quote(value)}" for name, value in body.items()),
    ):
        found = configuration.read(text)
        if not found.removed:
            assert [item.fields for item in found.configurations] == [item.fields for item in expected.configurations]


@given(st.one_of(st.text(max_size=80), st.text("curl -d'\"{}<EOF\n$()\\^`:=,[]ab", max_size=80)), st.booleans())
@example('curl -d "$(cat <<a', False)
@example("\ud800", True)
def test_random_text_never_raises(text, call):
    for before in ("", "curl ", "curl.exe -d ", "external_keys.create(", "externalKeys.create({"):
        configuration.read(before + text + (")" if call else ""))
    configuration.read('{"type": "aws", "role_arn": ' + json.dumps(text) + "}")


@pytest.mark.parametrize(
    "text",
    [
        "curl " + "'" * 1_000_000,
        "curl -d " + "\\\n" * 500_000,
        "curl " + "<<a " * 250_000,
        "curl " + '"$(cat <<a\n' * 90_000,
        "curl " * 200_000,
        "curl " + "a=$'\\" * 150_000,
        "external_keys.create(" + "(" * 1_000_000,
        "external_keys.create(" * 45_000,
        "external_keys.create(" + '"""' * 300_000,
        "externalKeys.create({" + "a:" * 500_000,
        "externalKeys.create({" + "`" * 1_000_000,
        "role_arn=" + "x" * 1_000_000,
        "role_arn: x\n" * 85_000,
        " " * 1_000_000 + "a",
        "[" * 1_000_000,
        '{"data":[' + ",".join(['{"role_arn":"x"}'] * 55_000) + "]}",
        '{"a":' * 90 + '{"role_arn":"x"}' + "}" * 90,
        "{" + ",".join(f'"x{number}":1' for number in range(80_000)) + ',"role_arn":"x"}',
    ],
    ids=range(18),
)
def test_a_megabyte_of_anything_is_read_in_time(text):
    start = time.process_time()
    configuration.read(text)
    assert time.process_time() - start < 6
