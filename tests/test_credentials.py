"""Credentials show nothing of themselves; what is pasted as one is understood, or refused with a sentence."""

import base64
import json

import pytest

from ekm_core import credentials
from ekm_core.credentials import (
    AwsKeys,
    AwsProfile,
    AzureDefault,
    AzureDeviceCode,
    AzureTokens,
    GcpDefault,
    GcpFile,
    GcpToken,
    OpenAIKey,
)
from ekm_core.model import Provider

EVERY = [
    AwsKeys("canary-id", "canary-secret", "canary-token"),
    AwsProfile("canary-profile"),
    GcpToken("canary-token"),
    GcpFile('{"private_key": "canary-key", "refresh_token": "canary-refresh"}'),
    GcpDefault(),
    AzureTokens("canary-arm", "canary-graph", "canary-vault"),
    AzureDeviceCode(),
    AzureDefault(),
    OpenAIKey("canary-key"),
]


@pytest.mark.parametrize("item", EVERY)
def test_no_value_is_shown(item):
    assert "canary" not in f"{item} {item!r}"
    assert "canary" not in repr(credentials.Given(item))


@pytest.mark.parametrize("item", EVERY)
def test_every_kind_goes_through_the_pipe_unchanged(item):
    assert credentials.load(json.loads(json.dumps(credentials.dump(item)))) == item
    assert credentials.provider_of(item) in Provider


def test_no_kind_is_forgotten_here():
    assert {type(item) for item in EVERY} == {kind for kind, _ in credentials._KINDS.values()}
    assert credentials.dump(None) is credentials.load(None) is None


def test_the_secrets_of_credentials():
    found = credentials.secrets(*EVERY, None)
    assert {"canary-secret", "canary-token", "canary-refresh", "canary-graph"} <= set(found)
    assert list(found) == sorted(found, key=len, reverse=True)
    assert credentials.secrets(GcpToken("short")) == ()


@pytest.mark.parametrize("item", EVERY)
def test_which_are_the_machines_own(item):
    assert credentials.is_ambient(item) is isinstance(item, AwsProfile | GcpDefault | AzureDefault)
    assert not credentials.is_ambient(None)


# ------------------------------------------------------------------------------------------------------------- ambient
ON = {"EKM_LOCAL_CREDENTIALS": "1"}
HERE = {"Host": "localhost:8501"}


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("127.0.0.1", "localhost:8501"),
        ("localhost", "127.0.0.1:8501"),
        ("::1", "[::1]:8501"),
        ("127.0.0.1", "localhost"),
        ("127.3.2.1", "LOCALHOST:80"),
    ],
)
def test_who_sits_at_the_machine_may_use_its_credentials(address, host):
    assert credentials.ambient_allowed(ON, address, {"Host": host})


@pytest.mark.parametrize(
    ("environment", "address", "headers"),
    [
        ({}, "127.0.0.1", HERE),
        ({"EKM_LOCAL_CREDENTIALS": "0"}, "127.0.0.1", HERE),
        ({"EKM_LOCAL_CREDENTIALS": "true"}, "127.0.0.1", HERE),
        (ON, None, HERE),
        (ON, "", HERE),
        (ON, "0.0.0.0", HERE),
        (ON, "::", HERE),
        (ON, "192.168.1.5", HERE),
        (ON, "ekm.example", HERE),
        (ON, "127.0.0.1", {}),
        (ON, "127.0.0.1", {"Host": ""}),
        (ON, "127.0.0.1", {"Host": "ekm.example"}),
        (ON, "127.0.0.1", {"Host": "127.0.0.1.evil.example:8501"}),
        (ON, "127.0.0.1", {"Host": "localhost.evil.example"}),
        (ON, "127.0.0.1", {"Host": "localhost:8501@evil.example"}),
        (ON, "127.0.0.1", {**HERE, "X-Forwarded-For": "10.0.0.1"}),
        (ON, "127.0.0.1", {**HERE, "x-real-ip": "10.0.0.1"}),
        (ON, "127.0.0.1", {**HERE, "Forwarded": "for=10.0.0.1"}),
        (ON, "127.0.0.1", {**HERE, "Via": "1.1 proxy"}),
    ],
)
def test_a_shared_server_never_lends_its_own_identity(environment, address, headers):
    assert not credentials.ambient_allowed(environment, address, headers)


# ----------------------------------------------------------------------------------------------------------------- AWS
ID, LONG_ID = "ASIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCXVzLWVhc3QtMSJHMEUCIQ=="
TEMPORARY = AwsKeys(ID, SECRET, TOKEN)


def given(result):
    assert not result.problems
    return result.credentials


def refused(result, *canaries):
    """The sentences of a refusal, which show nothing of what was pasted."""
    assert result.credentials is None
    assert result.problems
    sentences = " ".join(result.problems)
    assert not any(canary in sentences for canary in canaries)
    return sentences


@pytest.mark.parametrize(
    "fields",
    [
        (ID, SECRET, TOKEN),
        (f"  {ID}\n", f'"{SECRET}"', f"'{TOKEN}'"),
        (f"\ufeff{ID}\u200b", f"“{SECRET}”", TOKEN[:30] + "\n  " + TOKEN[30:]),
        (
            f"export AWS_ACCESS_KEY_ID={ID}",
            f"export AWS_SECRET_ACCESS_KEY={SECRET}",
            f"export AWS_SESSION_TOKEN={TOKEN}",
        ),
        (
            f'export AWS_ACCESS_KEY_ID="{ID}"\n'
            f'export AWS_SECRET_ACCESS_KEY="{SECRET}"\n'
            f'export AWS_SESSION_TOKEN="{TOKEN}"',
        ),
        ("", f"SET AWS_ACCESS_KEY_ID={ID}\r\nSET AWS_SECRET_ACCESS_KEY={SECRET}\r\nSET AWS_SESSION_TOKEN={TOKEN}\r\n"),
        (
            "",
            "",
            f'$Env:AWS_ACCESS_KEY_ID="{ID}"\n$Env:AWS_SECRET_ACCESS_KEY="{SECRET}"\n$Env:AWS_SESSION_TOKEN="{TOKEN}"',
        ),
        (f"[default]\naws_access_key_id = {ID}\naws_secret_access_key = {SECRET}\naws_session_token = {TOKEN}",),
        (
            json.dumps(
                {
                    "Credentials": {
                        "AccessKeyId": ID,
                        "SecretAccessKey": SECRET,
                        "SessionToken": TOKEN,
                        "Expiration": "2026-11-27T10:00:00Z",
                    }
                },
                indent=4,
            ),
        ),
        (json.dumps({"AccessKeyId": ID, "SecretAccessKey": SECRET, "SessionToken": TOKEN}),),
    ],
)
def test_aws_keys_in_every_form_they_are_printed_in(fields):
    result = credentials.aws_keys(*fields)
    assert given(result) == TEMPORARY
    assert not result.advice


def test_long_lived_keys_are_taken_and_advised_against():
    result = credentials.aws_keys(LONG_ID, SECRET)
    assert given(result) == AwsKeys(LONG_ID, SECRET)
    assert "long-lived" in result.advice[0]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (("", "", ""), "missing"),
        ((ID, "", ""), "secret access key is missing"),
        ((ID, SECRET, ""), "session token"),
        ((LONG_ID, SECRET, TOKEN), "long-lived"),
        ((SECRET, SECRET, TOKEN), "A secret access key stands"),
        ((ID, ID, TOKEN), "An access key ID stands"),
        ((TOKEN, SECRET, ""), "session token stands"),
        (("AROAIOSFODNN7EXAMPLE", SECRET, TOKEN), "a role's ID"),
        (("AIDAIOSFODNN7EXAMPLE", SECRET, TOKEN), "a user's ID"),
        (("111122223333", SECRET, TOKEN), "account's number"),
        (("arn:aws:iam::111122223333:user/me", SECRET, TOKEN), "ARN"),
        ((ID, SECRET[:-1], TOKEN), "exactly 40"),
        ((ID, SECRET + "x", TOKEN), "exactly 40"),
        ((ID, SECRET, TOKEN + "<br>"), "signs"),
        (("what", SECRET, TOKEN), "no access key ID"),
        (("\x00" * 100_000, "x" * 100_000, "[" * 100_000), "access key ID"),
    ],
)
def test_aws_keys_that_cannot_be_used_say_why(fields, says):
    assert says in refused(credentials.aws_keys(*fields), SECRET, TOKEN, ID)


def test_a_profile_is_a_name():
    assert given(credentials.aws_profile(" dev ")) == AwsProfile("dev")
    assert given(credentials.aws_profile("")) == AwsProfile("")
    refused(credentials.aws_profile("a\nb"))


# -------------------------------------------------------------------------------------------------------- Google Cloud
GOOGLE = "ya29.a0AfB_byCanaryCanaryCanary-Canary_Canary"
ACCOUNT = {
    "type": "service_account",
    "private_key": "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n",
    "client_email": "a@p.iam.gserviceaccount.com",
    "token_uri": "https://oauth2.googleapis.com/token",
}


@pytest.mark.parametrize(
    "text",
    [
        GOOGLE,
        f"  '{GOOGLE}'\n",
        f"Bearer {GOOGLE}",
        f"Authorization: Bearer {GOOGLE}",
        f"export CLOUDSDK_AUTH_ACCESS_TOKEN={GOOGLE}",
        f"GOOGLE_OAUTH_ACCESS_TOKEN={GOOGLE}",
        GOOGLE[:20] + "\n" + GOOGLE[20:],
        json.dumps({"access_token": GOOGLE, "expires_in": 3599, "token_type": "Bearer"}),
    ],
)
def test_a_google_token_in_every_form_it_is_printed_in(text):
    result = credentials.gcp(text)
    assert given(result) == GcpToken(GOOGLE)
    assert not result.advice


def test_a_service_accounts_file_is_taken_and_advised_against():
    result = credentials.gcp(json.dumps(ACCOUNT))
    assert json.loads(given(result).document)["client_email"] == ACCOUNT["client_email"]
    assert "revokes" in result.advice[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no access token"),
        ("eyJhbGciOi.canarycanary.canary", "ID token"),
        ("AIzaCanaryCanaryCanaryCanaryCanaryCanary", "API key"),
        ("1//0canarycanarycanarycanarycanary", "refresh token"),
        ("GOCSPX-canarycanarycanary", "OAuth client"),
        (ACCOUNT["private_key"], "private key alone"),
        ("canary canary äöü", "no access token"),
        ("canary", "no access token"),
        ('{"type": "service_account", "client_email": "canary', "cut off"),
        ("{" * 100_000, "cut off"),
        (json.dumps({"installed": {"client_secret": "canary"}}), "OAuth client"),
        (json.dumps(ACCOUNT | {"token_uri": "https://evil.example/canary"}), "address of its own"),
        (
            json.dumps({"type": "external_account", "credential_source": {"executable": {"command": "canary"}}}),
            "program",
        ),
        (json.dumps({"type": "service_account", "private_key": "canary"}), "client_email"),
        (json.dumps({"type": "authorized_user", "client_id": "canary"}), "refresh_token"),
        (json.dumps(["canary"]), "no access token"),
    ],
)
def test_google_credentials_that_cannot_be_used_say_why(text, says):
    assert says in refused(credentials.gcp(text), "canary", "Canary", "evil")


# --------------------------------------------------------------------------------------------------------------- Azure
NOW = 1_800_000_000.0


def token(**claims):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'typ': 'JWT', 'alg': 'RS256'})}.{part(claims)}.c2lnbmF0dXJlLWNhbmFyeQ"


ARM = token(aud="https://management.azure.com/", exp=NOW + 3600, appid="x")
GRAPH = token(aud="00000003-0000-0000-c000-000000000000", exp=NOW + 3600, appid="x")
VAULT = token(aud="https://vault.azure.net", exp=NOW + 3600, appid="x")


@pytest.mark.parametrize(
    "texts",
    [
        (ARM, GRAPH, VAULT),
        (VAULT, ARM, GRAPH),
        (f"{ARM}\n{GRAPH}\n\n{VAULT}\n",),
        (f"Bearer {ARM}", f'"{GRAPH}"', json.dumps({"accessToken": VAULT, "tokenType": "Bearer"}, indent=2)),
        (ARM[:40] + "\n" + ARM[40:], GRAPH, VAULT),
    ],
)
def test_azure_tokens_find_their_place_by_what_they_are_for(texts):
    result = credentials.azure_tokens(*texts, now=NOW)
    assert given(result) == AzureTokens(ARM, GRAPH, VAULT)
    assert not result.advice


def test_what_a_missing_token_leaves_open_and_a_token_that_ends_soon_are_said():
    soon = token(aud="https://management.core.windows.net/", exp=NOW + 60)
    result = credentials.azure_tokens(soon, now=NOW)
    assert given(result) == AzureTokens(soon)
    assert "less than 5 minutes" in result.advice[0]
    assert "Microsoft Graph" in result.advice[1]
    assert "Key Vault" in result.advice[2]


@pytest.mark.parametrize(
    "exp", ["soon", None, [1], True, float("nan"), float("-inf"), -(10**400), 10**400], ids=lambda exp: str(exp)[:5]
)
def test_an_azure_token_that_does_not_say_when_it_ends_is_taken(exp):
    unusual = token(aud="https://vault.azure.net", exp=exp)
    result = credentials.azure_tokens(unusual, now=NOW)
    assert given(result) == AzureTokens(vault=unusual)
    assert not any("expires" in advice for advice in result.advice)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no access token"),
        (token(aud="https://management.azure.com", exp=NOW - 600), "expired 10 minutes ago"),
        (token(aud="https://management.azure.com", exp=NOW - 200_000), "2 days ago"),
        (token(aud="https://storage.azure.com", exp=NOW + 3600, appid="x"), "another service"),
        (token(aud="3f2504e0-4f89-41d3-9a0c-0305e82c3301", name="x", nonce="x"), "ID token"),
        (token(aud=["https://management.azure.com"]), "another service"),
        ("0.AXoAcanarycanarycanary", "refresh token"),
        ("abc8Q~canarycanarycanarycanary", "client's secret"),
        (ARM.rpartition(".")[0].rpartition(".")[0], "cut off"),
        ("canary", "no access token"),
        ("eyJcanary.!!!.x", "cut off"),
        ("eyJhbGciOiJ.bm8ganNvbg.canary", "another service"),
    ],
)
def test_azure_tokens_that_cannot_be_used_say_why(text, says):
    assert says in refused(credentials.azure_tokens(text, now=NOW), "canary", "eyJ0")


# -------------------------------------------------------------------------------------------------------------- OpenAI
ADMIN = "sk-admin-CanaryCanaryCanaryCanaryCanary_0123456789"


@pytest.mark.parametrize("text", [ADMIN, f" '{ADMIN}' ", f"Bearer {ADMIN}", f"export OPENAI_ADMIN_KEY={ADMIN}"])
def test_an_admin_key(text):
    assert given(credentials.openai_key(text)) == OpenAIKey(ADMIN)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no key"),
        ("sk-proj-CanaryCanaryCanaryCanary", "project's key"),
        ("sk-CanaryCanaryCanaryCanary", "project's key"),
        ("sk-svcacct-CanaryCanaryCanary", "service account's key"),
        ("sk-admin-****************1234", "masked"),
        ("sk-admin-Can", "cut off"),
        ("org-CanaryCanary", "an ID"),
        ("Canary", "no key of the OpenAI API"),
    ],
)
def test_other_keys_of_openai_are_told_apart(text, says):
    assert says in refused(credentials.openai_key(text), "Canary")


# ------------------------------------------------------------------------------------------------ a person's own shell
def test_the_usual_environment_variables():
    keys = {"AWS_ACCESS_KEY_ID": ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN, "AWS_PROFILE": "dev"}
    assert credentials.from_environment(Provider.AWS, keys).credentials == TEMPORARY
    assert credentials.from_environment(Provider.AWS, {"AWS_PROFILE": "dev"}).credentials == AwsProfile("dev")
    assert credentials.from_environment(Provider.AWS, {}).credentials == AwsProfile("")
    token = {"CLOUDSDK_AUTH_ACCESS_TOKEN": GOOGLE}
    assert credentials.from_environment(Provider.GCP, token).credentials == GcpToken(GOOGLE)
    assert credentials.from_environment(Provider.GCP, {}).credentials == GcpDefault()
    assert credentials.from_environment(Provider.AZURE, {}).credentials == AzureDefault()
    assert credentials.from_environment(Provider.OPENAI, {"OPENAI_ADMIN_KEY": ADMIN}).credentials == OpenAIKey(ADMIN)
    assert refused(credentials.from_environment(Provider.OPENAI, {}))
