"""The stand-in of Azure: its rules are Azure's own, and Microsoft's own clients read what it answers."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from typing import Any

import pytest
import requests

from tests.lab import azure
from tests.lab.azure.cloud import (
    KEY,
    OPENAI,
    OTHER_TENANT,
    PRINCIPAL,
    READER,
    SUBSCRIPTION,
    TENANT,
    VAULT,
    VAULT_ID,
    Cloud,
)
from tests.lab.azure.entra import OPENAI_SECRET
from tests.lab.frame import laboratory
from tests.lab.programs import installed

REGISTERED = {"tenant_id": TENANT, "vault_uri": f"https://{VAULT}.vault.azure.net/", "key_name": KEY}
SCOPE = f"{VAULT_ID}/keys/{KEY}"
ENCRYPT, DECRYPT = (f"Microsoft.KeyVault/vaults/keys/{verb}/action" for verb in ("encrypt", "decrypt"))
HOST = f"{VAULT}.vault.azure.net"
VALUE = base64.urlsafe_b64encode(b"a data key").rstrip(b"=").decode()


def ask(address: str, method: str, host: str, path: str, token: str = "", **given: Any) -> requests.Response:
    session = requests.Session()
    session.trust_env = False
    headers = {"Host": host} | ({"Authorization": f"Bearer {token}"} if token else {})
    return session.request(method, f"{address}{path}", headers=headers, timeout=20, **given)


def openai_token(address: str, **form: str) -> requests.Response:
    wanted = {
        "grant_type": "client_credentials",
        "client_id": OPENAI,
        "client_secret": OPENAI_SECRET,
        "scope": "https://vault.azure.net/.default",
        **form,
    }
    tenant = wanted.pop("tenant", TENANT)
    return ask(address, "POST", "login.microsoftonline.com", f"/{tenant}/oauth2/v2.0/token", data=wanted)


# -------------------------------------------------------------------------------------------------------------- roles
@pytest.mark.parametrize(
    ("patch", "action", "allowed"),
    [
        ({}, ENCRYPT, True),
        ({}, "Microsoft.KeyVault/vaults/keys/wrap/action", False),
        ({}, ENCRYPT.upper(), True),
        ({"roles": {"openai": {"dataActions": ["Microsoft.KeyVault/*"], "notDataActions": [DECRYPT]}}}, DECRYPT, False),
        ({"roles": {"openai": {"dataActions": ["Microsoft.KeyVault/*"], "notDataActions": [DECRYPT]}}}, ENCRYPT, True),
        ({"roles": {"openai": {"actions": [ENCRYPT], "dataActions": []}}}, ENCRYPT, False),
        ({"assignments": {"openai": {"scope": f"{VAULT_ID}/keys/{KEY}s"}}}, ENCRYPT, False),
        ({"assignments": {"openai": {"scope": f"{VAULT_ID}-2"}}}, ENCRYPT, False),
        ({"assignments": {"openai": {"scope": VAULT_ID.upper()}}}, ENCRYPT, True),
        ({"assignments": {"openai": {"scope": "/"}}}, ENCRYPT, True),
        ({"assignments": {"openai": {"principal": "a-group", "type": "Group"}}}, ENCRYPT, False),
        (
            {"groups": {"a-group": [PRINCIPAL]}, "assignments": {"openai": {"principal": "a-group"}}},
            ENCRYPT,
            True,
        ),
    ],
)
def test_roles_count_as_azure_counts_them(patch, action, allowed):
    assert Cloud(patch).may(PRINCIPAL, action, SCOPE, data=True).allowed is allowed


@pytest.mark.parametrize(
    ("denial", "allowed"),
    [
        ({}, False),
        ({"dataActions": ["Microsoft.KeyVault/vaults/secrets/*"]}, True),
        ({"scope": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/other"}, True),
        ({"principals": [{"id": READER, "type": "User"}]}, True),
        ({"excludePrincipals": [{"id": PRINCIPAL, "type": "ServicePrincipal"}]}, True),
        ({"doNotApplyToChildScopes": True}, True),
        ({"doNotApplyToChildScopes": True, "scope": SCOPE}, False),
    ],
)
def test_a_deny_assignment_comes_before_every_role(denial, allowed):
    everyone = [{"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}]
    base = {"name": "x", "dataActions": ["Microsoft.KeyVault/vaults/keys/*"], "scope": VAULT_ID, "principals": everyone}
    found = Cloud({"denials": {"one": {**base, **denial}}}).may(PRINCIPAL, ENCRYPT, SCOPE, data=True)
    assert found.allowed is allowed
    assert bool(found.denial) is not allowed


# ------------------------------------------------------------------------------------------------------------- sign-in
@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"client_secret": "wrong"}, 7000215),
        ({"client_id": READER}, 700016),
        ({"tenant": OTHER_TENANT}, 7000229),
        ({"tenant": READER}, 90002),
        ({"tenant": "northwind"}, 900023),
        ({"scope": "https://privatelink.vaultcore.azure.net/.default"}, 500011),
    ],
)
def test_entra_refuses_in_its_own_words(form, code):
    with azure.serve({}) as address:
        answer = openai_token(address, **form)
    assert answer.status_code in (400, 401)
    assert answer.json()["error_codes"] == [code]
    assert answer.json()["error_description"].startswith(f"AADSTS{code}: ")


# ----------------------------------------------------------------------------------------------------------- the vault
@pytest.mark.parametrize(
    ("token", "words"),
    [
        (lambda: "", "AKV10000"),
        (lambda: "x.y.z", "AKV10001"),
        (lambda: azure.tokens({})["arm"], "AKV10022: Invalid audience"),
        (lambda: azure.tokens({}, lasts=-5)["vault"], "AKV10047"),
        (lambda: azure.tokens({}, tenant=OTHER_TENANT)["vault"], "AKV10032: Invalid issuer"),
    ],
)
def test_a_vault_looks_at_the_token_and_challenges(token, words):
    with azure.serve({}) as address:
        answer = ask(address, "GET", HOST, f"/keys/{KEY}?api-version=7.4", token())
    assert answer.status_code == 401
    assert words in answer.json()["error"]["message"]
    assert f'authorization="https://login.microsoftonline.com/{TENANT}"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("version", "encrypts", "decrypts"),
    [
        ({}, 200, 200),
        ({"enabled": False}, 403, 403),
        ({"exp": 1767225600}, 403, 200),
        ({"nbf": 4070908800}, 403, 200),
        ({"key_ops": ["decrypt"]}, 403, 200),
        ({"key_ops": ["wrapKey"]}, 403, 403),
    ],
)
def test_a_key_out_of_its_dates_still_decrypts(version, encrypts, decrypts):
    def use(address: str, operation: str, value: str) -> requests.Response:
        token = openai_token(address).json()["access_token"]
        body = {"alg": "RSA-OAEP-256", "value": value}
        return ask(address, "POST", HOST, f"/keys/{KEY}/{operation}?api-version=7.4", token, json=body)

    with azure.serve({}) as address:
        sealed = use(address, "encrypt", VALUE).json()["value"]
    # The same version of the same key has the same pair in every cloud of this process.
    with azure.serve({"vaults": {VAULT: {"keys": {KEY: {"versions": [version]}}}}}) as address:
        assert use(address, "encrypt", VALUE).status_code == encrypts
        opened = use(address, "decrypt", sealed)
    assert opened.status_code == decrypts
    assert decrypts != 200 or opened.json()["value"] == VALUE


def test_a_sealed_value_of_another_version_is_not_opened():
    with azure.serve({"vaults": {VAULT: {"keys": {KEY: {"versions": [{}, {}]}}}}}) as address:
        token = openai_token(address).json()["access_token"]
        body = {"alg": "RSA-OAEP-256", "value": VALUE}
        sealed = ask(address, "POST", HOST, f"/keys/{KEY}/encrypt?api-version=7.4", token, json=body).json()
        old = next(iter(Cloud({"vaults": {VAULT: {"keys": {KEY: {"versions": [{}, {}]}}}}}).key_versions(VAULT, KEY)))
        version = old["key"]["kid"].rpartition("/")[2]
        body = {"alg": "RSA-OAEP-256", "value": sealed["value"]}
        answer = ask(address, "POST", HOST, f"/keys/{KEY}/{version}/decrypt?api-version=7.4", token, json=body)
    assert answer.status_code == 400


def test_whoever_may_not_read_the_key_does_not_learn_whether_there_is_one():
    with azure.serve({"assignments": {"openai": None}, "vaults": {VAULT: {"keys": {KEY: None}}}}) as address:
        assert "ForbiddenByRbac" in azure.walk(address, REGISTERED)


# -------------------------------------------------------------------------------------------------- Microsoft's clients
_TOKEN = """
import json, sys, time
from types import SimpleNamespace
class Credential:
    def get_token(self, *_, **__):
        return SimpleNamespace(token=TOKEN, expires_on=int(time.time()) + 3600)
given = json.load(sys.stdin)
TOKEN, SUBSCRIPTION, SCOPE, VAULT, KEY = (given[name] for name in ("token", "subscription", "scope", "vault", "key"))
"""
_VAULTS = """
from azure.mgmt.keyvault import KeyVaultManagementClient
client = KeyVaultManagementClient(Credential(), SUBSCRIPTION)
(listed,), vault = client.vaults.list_by_subscription(), client.vaults.get("ekm", VAULT)
key, (gone,) = client.keys.get("ekm", VAULT, KEY), client.vaults.list_deleted()
print(json.dumps([
    listed.id, vault.properties.tenant_id, vault.properties.enable_rbac_authorization, vault.properties.vault_uri,
    vault.properties.network_acls.default_action, key.kty, key.key_ops, key.attributes.enabled,
    key.key_uri_with_version, gone.name, gone.properties.scheduled_purge_date.year,
]))
"""
_ROLES = """
from azure.mgmt.authorization import AuthorizationManagementClient
client = AuthorizationManagementClient(Credential(), SUBSCRIPTION)
(role,) = [item for item in client.role_definitions.list(SCOPE) if item.role_name == "OpenAI EKM key user"]
(mine,) = [item for item in client.role_assignments.list_for_scope(SCOPE, filter="atScope()") if item.scope == SCOPE]
(denial,) = client.deny_assignments.list_for_scope(SCOPE)
print(json.dumps([
    role.role_type, role.permissions[0].data_actions, mine.principal_id, mine.principal_type, mine.role_definition_id,
    denial.deny_assignment_name, denial.permissions[0].data_actions, denial.principals[0].id,
    denial.is_system_protected,
]))
"""


def client_of_microsofts(name: str, program: str, state: dict[str, Any]) -> list[Any]:
    """What a program prints that runs with Microsoft's current client in the laboratory."""
    given = {
        "token": azure.tokens(state)["arm"],
        "subscription": SUBSCRIPTION,
        "scope": SCOPE,
        "vault": VAULT,
        "key": KEY,
    }
    with laboratory() as running, azure.serve(state) as address:
        running.route(dict.fromkeys(azure.HOSTS, address))
        printed = subprocess.run(
            [installed(name) / "python", "-c", _TOKEN + program],
            input=json.dumps(given),
            env={"PATH": os.environ["PATH"], **running.environment},
            capture_output=True,
            text=True,
            check=False,
        )
    assert printed.returncode == 0, printed.stderr
    found: list[Any] = json.loads(printed.stdout)
    return found


def test_microsofts_client_reads_the_vaults():
    state = {"deleted_vaults": {"ekm-old": {"location": "westeurope"}}}
    kid = Cloud({}).key_versions(VAULT, KEY)[0]["key"]["kid"]
    assert client_of_microsofts("azure-mgmt-keyvault", _VAULTS, state) == [
        *(VAULT_ID, TENANT, True, f"https://{VAULT}.vault.azure.net/", "Allow"),
        *("RSA", ["encrypt", "decrypt"], True, kid, "ekm-old", 2027),
    ]


def test_microsofts_client_reads_roles_and_denials():
    everyone = "00000000-0000-0000-0000-000000000000"
    denial = {
        "name": "Deny assignment of deployment stack ekm-stack",
        "dataActions": ["Microsoft.KeyVault/vaults/secrets/*"],
        "scope": VAULT_ID,
        "principals": [{"id": everyone, "type": "SystemDefined"}],
    }
    role = Cloud({}).definition("openai")
    assert client_of_microsofts("azure-mgmt-authorization", _ROLES, {"denials": {"stack": denial}}) == [
        *("CustomRole", role["properties"]["permissions"][0]["dataActions"], PRINCIPAL, "ServicePrincipal", role["id"]),
        *(denial["name"], denial["dataActions"], everyone, True),
    ]
