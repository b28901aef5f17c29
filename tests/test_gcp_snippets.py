"""Google Cloud snippets: inert with any value, right with good ones, and each parses in its own language."""

import json
import re
import shutil
import subprocess

import hcl2
import pytest
from cel_expr_python import cel as cel_runtime
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ekm_core import catalogue, vendor
from ekm_core.gcp import snippets as gcp
from ekm_core.model import Language, Provider, Values
from ekm_core.snippets import sh
from tests import snippets

ERRORS = [error for error in catalogue.errors().values() if error.provider is Provider.GCP]
GOOD = {
    "organization_id": "org-AbCdEf123456",
    "project_number": "123456789012",
    "project_id": "acme-kms",
    "pool_id": "openai-pool",
    "provider_id": "openai-provider",
    "location": "europe-west3",
    "key_ring": "openai",
    "key_name": "openai-ekm",
    "key_version": "1",
}
HOSTILE = [
    "$(touch /tmp/pwned)",
    "`id`",
    "'; rm -rf ~; '",
    '"; echo x; "',
    "a\nb",
    "--project=evil",
    "-x",
    "${var.secret}",
    "%{ if true }",
    "a,b",
    "^;^a;b",
    "<script>alert(1)</script>",
    "org-good12345,org-evil12345",
    "good-pool/providers/evil",
    "../../evil",
    "\\",
    "\x00",
    "é中",
    "EOF",
]
BASH = shutil.which("bash") or "/bin/bash"
names = st.sampled_from([*GOOD, "audience", "openai_project_id", "external_key_id"])
hostile = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=60))
any_values = st.dictionaries(names, st.one_of(hostile, st.sampled_from(sorted(GOOD.values()))), max_size=12)


def every_snippet(values):
    found = []
    for error in ERRORS:
        for cause in error.causes:
            fix = cause.fix(values)
            found += (*fix.policies, *fix.cli, *fix.terraform, *fix.verify, *cause.look(values).commands)
    return found


def echoed(script):
    """The arguments that each gcloud command of the script would get."""
    shell = (
        'gcloud() { printf "CALL\\0"; for a in "$@"; do printf "%s\\0" "$a"; done; }\n'
        'curl() { printf "CURL\\0"; for a in "$@"; do printf "%s\\0" "$a"; done; }\n'
    )
    done = subprocess.run(
        [BASH, "-c", shell + script],
        capture_output=True,
        check=True,
        timeout=20,
        env={"PATH": "", "HOME": "/nonexistent"},
    )
    assert not done.stderr
    calls = []
    for word in done.stdout.decode().split("\0")[:-1]:
        if word in ("CALL", "CURL"):
            calls.append([word])
        else:
            calls[-1].append(word)
    return calls


def check_parses(one):
    if one.language is Language.CEL:
        assert condition_holds(one.text, vendor.GCP_SUBJECT)
    else:
        snippets.check_parses(one)


def condition_holds(expression, subject):
    types = cel_runtime.Type
    environment = cel_runtime.NewEnv(variables={"assertion": types.Map(types.STRING, types.STRING)})
    return environment.compile(expression).eval(data={"assertion": {"sub": subject}}).plain_value()


@pytest.mark.parametrize("values", [Values(), Values(GOOD)], ids=["empty", "normal"])
def test_every_snippet_parses_in_its_language(values):
    for one in every_snippet(values):
        check_parses(one)


def test_good_values_leave_only_what_no_value_can_fill():
    still_open = {name for one in every_snippet(Values(GOOD, frozenset(GOOD))) for name in one.placeholders}
    assert still_open == {"<EXTERNAL_KEY_ID>", "<SERVICE_ACCOUNT_EMAIL>", "<CUSTOM_ROLE_ID>"}


def test_looking_changes_nothing():
    reading = {"describe", "list", "get-iam-policy", "read"}
    for error in ERRORS:
        for cause in error.causes:
            for one in cause.look(Values(GOOD)).commands:
                for call in echoed(one.text):
                    if call[0] == "CALL":
                        assert reading & set(call), call
                    else:
                        assert "--request" not in call, call


def skeleton(calls):
    """Each call without the parts that values fill: how many words it has, and every option's name."""
    return [[word.split("=")[0] if word.startswith("-") else "word" for word in call] for call in calls]


def script_of(snippets):
    return "\n".join(one.text for one in snippets if one.language is Language.BASH)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example({"organization_id": HOSTILE[0], "audience": "org-"})
@example({"organization_id": HOSTILE[0], "audience": GOOD["organization_id"]})
@given(any_values)
def test_any_value_comes_out_inert(values):
    snippets = every_snippet(Values(values))
    for one in set(snippets):
        if one.language not in (Language.BASH, Language.CEL):
            check_parses(one)
    # One shell for all of them: a value that broke out of its quotes would add, swallow or split a word.
    calls = echoed(script_of(snippets))
    assert skeleton(calls) == skeleton(echoed(script_of(every_snippet(Values()))))
    for word in (word for call in calls for word in call):
        if word.startswith("--allowed-audiences="):
            assert re.fullmatch(r"--allowed-audiences=(?:(?:org-|proj_)[A-Za-z0-9_-]+|<ORGANIZATION_ID>)", word)
        if word.startswith("--attribute-mapping="):
            assert word == "--attribute-mapping=google.subject=assertion.sub"


@given(hostile, st.sampled_from(sorted(GOOD)))
def test_a_value_of_the_wrong_form_becomes_a_placeholder(value, name):
    got = gcp.own(Values({name: value}), name)
    assert got in (value, f"<{name.upper()}>")
    assert re.fullmatch(r"[A-Za-z0-9_.:-]+|<[A-Z_]+>", got)
    assert sh(got) == got or got.startswith("<")


def test_resource_names():
    values = Values(GOOD)
    pool = "projects/123456789012/locations/global/workloadIdentityPools/openai-pool"
    assert gcp.provider_name(values) == f"{pool}/providers/openai-provider"
    assert gcp.principal(values) == f"principal://iam.googleapis.com/{pool}/subject/105900137572174660365"
    key = "projects/acme-kms/locations/europe-west3/keyRings/openai/cryptoKeys/openai-ekm"
    assert gcp.key_resource(values) == key
    assert gcp.key_version_name(values) == f"{key}/cryptoKeyVersions/1"


def test_the_binding_names_key_member_and_role_as_single_arguments():
    (call,) = echoed(gcp.bind_key(Values(GOOD)).text)
    assert call[1:] == [
        "kms",
        "keys",
        "add-iam-policy-binding",
        gcp.key_resource(Values(GOOD)),
        f"--member={gcp.principal(Values(GOOD))}",
        "--role=roles/cloudkms.cryptoKeyEncrypterDecrypter",
    ]


def test_the_provider_command_is_that_of_openais_guide():
    (call,) = echoed(gcp.create_provider(Values(GOOD)).text)
    assert call[1:] == [
        "iam",
        "workload-identity-pools",
        "providers",
        "create-oidc",
        gcp.provider_name(Values(GOOD)),
        "--issuer-uri=https://accounts.google.com",
        "--allowed-audiences=org-AbCdEf123456",
        "--attribute-mapping=google.subject=assertion.sub",
        '--attribute-condition=assertion.sub == "105900137572174660365"',
    ]


def plain(value):
    """python-hcl2 keeps the quotes of strings; nobody who reads the result wants them."""
    if isinstance(value, str):
        return json.loads(value) if value.startswith('"') else value
    if isinstance(value, list):
        return [plain(one) for one in value]
    return {plain(key): plain(one) for key, one in value.items()} if isinstance(value, dict) else value


def test_terraform_holds_the_values():
    values = Values(GOOD)
    pool, provider = plain(hcl2.loads(gcp.pool_terraform(values).text))["resource"]
    settings_of_pool = pool["google_iam_workload_identity_pool"]["openai_ekm"]
    assert settings_of_pool["workload_identity_pool_id"] == "openai-pool"
    settings_of_provider = provider["google_iam_workload_identity_pool_provider"]["openai_ekm"]
    assert settings_of_provider["attribute_condition"] == gcp.condition()
    assert settings_of_provider["attribute_mapping"] == {"google.subject": "assertion.sub"}
    (oidc,) = settings_of_provider["oidc"]
    assert oidc["issuer_uri"] == "https://accounts.google.com"
    assert oidc["allowed_audiences"] == ["org-AbCdEf123456"]
    (binding,) = plain(hcl2.loads(gcp.binding_terraform(values).text))["resource"]
    assert binding["google_kms_crypto_key_iam_member"]["openai_ekm"]["member"] == gcp.principal(values)
    _, key = plain(hcl2.loads(gcp.key_terraform(values).text))["resource"]
    assert key["google_kms_crypto_key"]["openai_ekm"]["purpose"] == "ENCRYPT_DECRYPT"


def test_the_condition_lets_openai_in_and_nobody_else():
    assert condition_holds(gcp.condition(), vendor.GCP_SUBJECT) is True
    assert condition_holds(gcp.condition(), "105900137572174660366") is False


def test_the_registration_has_every_field_of_the_api():
    fields = gcp.registration(Values(GOOD))
    assert fields == {
        "type": "gcp",
        "name": "Google Cloud key",
        "workload_identity_project_number": "123456789012",
        "workload_identity_pool_id": "openai-pool",
        "workload_identity_provider_id": "openai-provider",
        "audience": "org-AbCdEf123456",
        "kms_project_id": "acme-kms",
        "kms_key_ring_name": "openai",
        "kms_key_name": "openai-ekm",
        "kms_key_location": "europe-west3",
    }


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, "<ORGANIZATION_ID>"),
        ({"audience": "https://github.com/acme"}, "<ORGANIZATION_ID>"),
        ({"audience": "https://github.com/acme", "organization_id": "org-AbC12345"}, "org-AbC12345"),
        ({"audience": "proj_AbC12345"}, "proj_AbC12345"),
        ({"audience": "org-a,org-b"}, "<ORGANIZATION_ID>"),
        ({"openai_project_id": "proj_AbC12345"}, "proj_AbC12345"),
    ],
)
def test_only_an_id_of_openais_is_ever_allowed(known, expected):
    assert gcp.audience(Values(known)) == expected


@pytest.mark.parametrize(
    "value", ["xxxxx", "XXXX", "***", "<project>", "$KEY", "...", "[REDACTED]", "your-pool", "#####"]
)
def test_masks_are_seen(value):
    assert gcp.masked(value)


@pytest.mark.parametrize("value", ["openai-pool", "123456789012", "org-AbC12345", "max", "pool-1", "my-pool"])
def test_real_values_are_not_taken_for_masks(value):
    assert not gcp.masked(value)


@pytest.mark.parametrize("build", [gcp.list_pools, gcp.list_providers])
def test_the_lists_take_the_projects_number_in_a_full_name(build):
    text = build(Values(GOOD)).text
    assert "projects/123456789012/locations/global" in text
    assert "--project=" not in text
