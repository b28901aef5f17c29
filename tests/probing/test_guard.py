"""What a probe may call: the names that a user gives, the files, and the addresses behind names."""

import socket

import pytest
import requests
import urllib3

from ekm_core.model import Configuration, Provider
from ekm_core.probing import guard
from ekm_core.probing.step import CallError, Trouble


def forbidden(call, *arguments):
    with pytest.raises(CallError) as caught:
        call(*arguments)
    assert caught.value.trouble is Trouble.FORBIDDEN_TARGET
    assert caught.value.sentence.endswith(".")
    return caught.value.sentence


def azure(**fields):
    return Configuration(Provider.AZURE, fields)


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("https://my-vault.vault.azure.net/", "my-vault.vault.azure.net"),
        ("https://MY-Vault.VAULT.azure.net", "my-vault.vault.azure.net"),
        ("my-vault.vault.azure.net", "my-vault.vault.azure.net"),
        ("https://v-1.vault.usgovcloudapi.net/", "v-1.vault.usgovcloudapi.net"),
        ("https://v-1.vault.azure.cn/", "v-1.vault.azure.cn"),
    ],
)
def test_vaults_of_azures_own_clouds(uri, host):
    assert guard.vault(azure(vault_uri=uri)).host == host


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "http://my-vault.vault.azure.net/",
        "https://evil.example/",
        "https://vault.azure.net/",
        "https://.vault.azure.net/",
        "https://my-vault.vault.azure.net.evil.example/",
        "https://my-vault.vault.azure.net@evil.example/",
        "https://evil.example#.vault.azure.net",
        "https://evil.example/.vault.azure.net",
        "https://evil.example\\.vault.azure.net",
        "https://a.b.vault.azure.net/",
        "https://my-vault.vault.azure.net:8443/",
        "https://user@my-vault.vault.azure.net/",
        "https://my-vault.privatelink.vaultcore.azure.net/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::1",
        "https://my-vault.vault.azure.net:x/",
        "ftp://my-vault.vault.azure.net/",
        "https://my_vault.vault.azure.net/",
        "https://my‑vault.vault.azure.net/",
        "https://my-vault。vault.azure.net/",
        "https://my-vault.vault.azure.net\r\nHost: evil.example",
        f"https://{'a' * 70}.vault.azure.net/",
    ],
)
def test_no_other_host_is_a_vault(uri):
    forbidden(guard.vault, azure(vault_uri=uri))


@pytest.mark.parametrize("name", ["", "../secrets/x", "a/b", "a?b", "a%2fb", "a b", "a#b", "ключ", "a" * 128])
def test_names_of_azure_that_none_can_have(name):
    forbidden(guard.azure_key_name, azure(key_name=name))


def test_a_tenant_is_an_id():
    assert guard.tenant("3F2504E0-4F89-41D3-9A0C-0305E82C3301").startswith("3f25")
    for text in ("", "contoso.onmicrosoft.com", "common", "../x", "3f2504e0-4f89-41d3-9a0c-0305e82c3301/x"):
        forbidden(guard.tenant, text)


@pytest.mark.parametrize(
    ("text", "service", "region"),
    [
        ("arn:aws:iam::111122223333:role/path/x", "iam", ""),
        ("arn:aws-cn:iam::111122223333:role/x", "iam", ""),
        ("arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", "kms", "eu-central-1"),
        ("arn:aws:kms:ap-southeast-7:111122223333:alias/x", "kms", "ap-southeast-7"),
        ("arn:aws-us-gov:kms:us-gov-west-1:111122223333:alias/x", "kms", "us-gov-west-1"),
        ("arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab", "kms", "us-east-1"),
    ],
)
def test_arns_of_known_partitions(text, service, region):
    assert guard.arn(text, service).region == region


@pytest.mark.parametrize(
    ("text", "service"),
    [
        ("", "iam"),
        ("openai-ekm", "iam"),
        ("arn:aws:iam::111122223333:user/x", "iam"),
        ("arn:aws:iam:us-east-1:111122223333:role/x", "iam"),
        ("arn:aws-evil:iam::111122223333:role/x", "iam"),
        ("arn:aws:iam::111122223333:role/x\n", "iam"),
        ("arn:aws:iam::111122223333:role/x y", "iam"),
        ("arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", "iam"),
        ("arn:aws:iam::111122223333:role/x", "kms"),
        ("arn:aws:kms:evil.example:111122223333:alias/x", "kms"),
        ("arn:aws:kms:x.evil-1:111122223333:alias/x", "kms"),
        ("arn:aws:kms:us-east-1@evil:111122223333:alias/x", "kms"),
        ("arn:aws:kms:cn-north-1:111122223333:alias/x", "kms"),
        ("arn:aws-cn:kms:us-east-1:111122223333:alias/x", "kms"),
        ("arn:aws:kms::111122223333:alias/x", "kms"),
        ("arn:aws:kms:us-east-1:1111:alias/x", "kms"),
        ("arn:aws:kms:us-east-1:١١١١٢٢٢٢٣٣٣٣:alias/x", "kms"),
        ("arn:aws:kms:us-east-1:111122223333:key/../../x", "kms"),
    ],
)
def test_no_other_arn_is_asked_for(text, service):
    forbidden(guard.arn, text, service)


GCP = {
    "workload_identity_project_number": "123456789012",
    "workload_identity_pool_id": "openai-ekm-pool",
    "kms_project_id": "my-project",
    "kms_key_location": "europe-west3",
    "kms_key_ring_name": "ring_1",
    "kms_key_name": "Key-1",
}


def test_names_of_google_cloud():
    found = guard.gcp(
        Configuration(Provider.GCP, GCP), "project_number", "pool_id", "project_id", "location", "key_ring"
    )
    assert found["pool_id"] == "openai-ekm-pool"
    assert found["location"] == "europe-west3"


@pytest.mark.parametrize("value", ["", "../x", "a/b", "a?b=c", "a%2Fb", "a b", "<PROJECT_ID>", "a:b", "ä", "x" * 600])
@pytest.mark.parametrize(("name", "field"), [("project_id", "kms_project_id"), ("key_name", "kms_key_name")])
def test_no_other_name_of_google_cloud_becomes_part_of_an_address(name, field, value):
    sentence = forbidden(guard.gcp, Configuration(Provider.GCP, GCP | {field: value}), name)
    assert field in sentence


SERVICE_ACCOUNT = {
    "type": "service_account",
    "project_id": "p",
    "private_key_id": "1",
    "private_key": "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\n",
    "client_email": "a@p.iam.gserviceaccount.com",
    "client_id": "1",
    "auth_uri": "https://accounts.google.com/o/oauth2/auth",
    "token_uri": "https://oauth2.googleapis.com/token",
    "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
    "client_x509_cert_url": "https://www.googleapis.com/robot/v1/metadata/x509/a%40p.iam.gserviceaccount.com",
    "universe_domain": "googleapis.com",
}


def test_googles_own_files_pass_without_their_addresses():
    clean = guard.google_file(SERVICE_ACCOUNT)
    assert clean["client_email"] == SERVICE_ACCOUNT["client_email"]
    assert [name for name, value in clean.items() if "://" in value] == ["token_uri"]
    assert (
        guard.google_file({"type": "authorized_user", "client_id": "1", "refresh_token": "r"})["refresh_token"] == "r"
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"token_uri": "https://evil.example/token"}, "address of its own"),
        ({"token_uri": "http://oauth2.googleapis.com/token"}, "address of its own"),
        ({"token_uri": "https://169.254.169.254/"}, "address of its own"),
        ({"client_x509_cert_url": "https://www.googleapis.com/robot/v1/metadata/x509/../../x"}, "address of its own"),
        ({"universe_domain": "evil.example"}, "universe"),
        ({"token_uri": ["https://evil.example"]}, "texts"),
        ({"type": "external_account", "credential_source": {"executable": {"command": "rm -rf /"}}}, "program"),
        ({"type": "external_account", "credential_source": {"url": "http://169.254.169.254"}}, "addresses or files"),
        ({"type": "external_account", "credential_source": {"file": "/etc/passwd"}}, "addresses or files"),
        ({"type": "external_account", "token_url": "https://evil.example"}, "addresses or files"),
        ({"type": "external_account_authorized_user"}, "addresses or files"),
        ({"type": "impersonated_service_account"}, "impersonate"),
        ({"type": "gdch_service_account"}, "no credential file"),
        ({"type": None}, "no credential file"),
        ({"type": ["service_account"]}, "no credential file"),
    ],
)
def test_files_that_decide_what_is_called_or_run_are_refused_with_the_reason(change, says):
    assert says in forbidden(guard.google_file, SERVICE_ACCOUNT | change)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("64:ff9b::808:808", True),
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_which_addresses_are_public(address, public):
    assert guard.is_public(address) is public


def _resolves_to(monkeypatch, *addresses):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


@pytest.fixture
def no_proxy(monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


def test_a_name_that_leads_into_a_private_network_is_refused(monkeypatch, no_proxy):
    _resolves_to(monkeypatch, "8.8.8.8")
    guard.public("my-vault.vault.azure.net")
    _resolves_to(monkeypatch, "8.8.8.8", "10.0.0.4")
    assert "private" in forbidden(guard.public, "my-vault.vault.azure.net")


def test_with_a_proxy_the_proxy_resolves(monkeypatch, no_proxy):
    _resolves_to(monkeypatch, "10.0.0.4")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:8080")
    guard.public("my-vault.vault.azure.net")
    monkeypatch.setenv("NO_PROXY", "vault.azure.net")
    forbidden(guard.public, "my-vault.vault.azure.net")


def test_a_name_that_does_not_resolve_is_told_apart(no_proxy):
    with pytest.raises(CallError) as caught:
        guard.public("no-such-vault.invalid")
    assert caught.value.trouble is Trouble.DNS


def test_what_was_refused_is_recognised_through_any_sdk():
    inner = guard.ForbiddenError("x")
    try:
        raise urllib3.exceptions.NewConnectionError(None, "y") from inner
    except urllib3.exceptions.NewConnectionError as problem:
        wrapped = requests.ConnectionError(urllib3.exceptions.MaxRetryError(None, "/", problem))
    assert guard.refused(wrapped)
    assert not guard.refused(requests.ConnectionError("x"))
    circle = ValueError()
    circle.__context__ = RuntimeError()
    circle.__context__.__context__ = circle
    assert not guard.refused(circle)


def test_the_proxies_of_an_environment():
    found = guard.proxies({"HTTPS_PROXY": "http://user:secret@proxy.example:3128", "http_proxy": "other.example:80"})
    assert found == (("proxy.example", 3128), ("other.example", 80))
    assert guard.proxies({"HTTPS_PROXY": "http://[::1", "ALL_PROXY": ""}) == ()


@pytest.mark.parametrize(
    ("url", "code", "good"),
    [
        ("https://microsoft.com/devicelogin", "ABCD1234", True),
        ("https://login.microsoft.com/device", "ABCD1234", True),
        ("https://microsoft.com.evil.example/devicelogin", "ABCD1234", False),
        ("javascript:alert(1)", "ABCD1234", False),
        ("https://microsoft.com/devicelogin", "<b>x</b>", False),
        ("https://microsoft.com/devicelogin", "", False),
    ],
)
def test_where_a_person_may_be_sent_to_sign_in(url, code, good):
    assert guard.is_sign_in(url, code) is good
