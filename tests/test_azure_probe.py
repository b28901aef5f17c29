"""The live probe of Azure against the stand-in, at Azure's production addresses through the laboratory's proxy.

Every run also shows that a step's event and its exhibit say the same (``evidence.outcome``), and that no step crashed.
"""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import azure.identity
import pytest
from azure.keyvault.keys._shared import http_challenge_cache

from ekm_core.azure import evidence, probe, script
from ekm_core.azure.evidence import read
from ekm_core.check import Checked, check
from ekm_core.credentials import AzureDefault, AzureDeviceCode, AzureTokens
from ekm_core.evidence import State, outcome
from ekm_core.model import Configuration, Exhibit, LinkState, Provider, Status
from ekm_core.probing import http, runner
from ekm_core.probing.event import Ended, Planned, Prompted
from ekm_core.probing.step import Trouble
from ekm_core.vendor import AZURE_APP_ID
from tests.lab import azure as lab
from tests.lab import hostile
from tests.lab.azure.cloud import (
    BASE,
    KEY,
    OTHER_TENANT,
    PRINCIPAL,
    READER,
    READING_APPLICATION,
    SUBSCRIPTION,
    TENANT,
    VAULT,
    VAULT_ID,
    merged,
)
from tests.lab.frame import Laboratory, laboratory

FIELDS = {"tenant_id": TENANT, "vault_uri": f"https://{VAULT}.vault.azure.net/", "key_name": KEY}
LOGIN, GRAPH, ARM, VAULTS = lab.HOSTS
TOKENS = "the reader's own tokens"
HEALTHY: Mapping[str, Any] = {}


@pytest.fixture(scope="module")
def frame() -> Iterator[Laboratory]:
    with laboratory() as running, patch.dict(os.environ, running.environment):
        yield running


@dataclass
class Run:
    """What came of one run. calls: what the stand-in was asked."""

    events: list
    calls: list[dict[str, str]]
    configuration: Configuration

    def __getitem__(self, step: str) -> Ended:
        return self.ended[step]

    @property
    def ended(self) -> dict[str, Ended]:
        return {event.step: event for event in self.events if isinstance(event, Ended)}

    @property
    def exhibits(self) -> list[Exhibit]:
        return [exhibit for event in self.ended.values() for exhibit in event.exhibits]

    @property
    def failed(self) -> set[str]:
        """The steps that showed nothing."""
        return {step for step, event in self.ended.items() if event.state is not State.SEEN}

    @property
    def checked(self) -> Checked:
        return check(self.configuration, self.exhibits)

    @property
    def confirmed(self) -> set[str]:
        return {finding.id for finding in self.checked.of(Status.FAIL)}

    def asked(self, host: str) -> list[dict[str, str]]:
        return [call for call in self.calls if re.fullmatch(host, call["host"])]


@pytest.fixture
def run(frame: Laboratory):
    """A run in the laboratory. strange: those of HOSTS that lead to another server than the stand-in."""

    # The SDK keeps what a vault has said for the whole process; a probe's process makes one run.
    http_challenge_cache.clear()

    def make(state=HEALTHY, credentials=TOKENS, *, strange=None, round_trip=False, **fields) -> Run:
        configuration = Configuration(Provider.AZURE, {**FIELDS, **fields}, "org-Xk29Lm3Qp7")
        given = AzureTokens(**lab.tokens(state)) if credentials is TOKENS else credentials
        with lab.serve(state) as address:
            frame.route({**dict.fromkeys(lab.HOSTS, address), **(strange or {})})
            frame.forget()
            steps = [*probe.steps(configuration, given)]
            if round_trip:
                steps += probe.round_trip(configuration, given)
            found = Run(list(runner.run(steps)), lab.calls(address), configuration)
        assert all(call.routed for call in frame.calls()), "a host of nobody's was called"
        for event in found.ended.values():
            assert event.crash == ""
            for exhibit in event.exhibits:
                assert (outcome(exhibit).state is State.SEEN) == (event.state is State.SEEN)
                assert event.state is State.SEEN or outcome(exhibit).state is event.state
        return found

    return make


def without(*actions: str) -> dict[str, Any]:
    """The reader's role without some actions or data actions."""
    role = BASE["roles"]["reader"]
    kept = {plane: [action for action in role[plane] if action not in actions] for plane in ("actions", "dataActions")}
    return {"roles": {"reader": kept}}


# ----------------------------------------------------------------------------------------------------- what it reads
def test_a_healthy_set_up_is_proven_from_end_to_end(run):
    found = run()
    assert found.failed == set()
    assert {link.state for link in found.checked.chain} == {LinkState.PROVEN}
    assert found.confirmed == set()


def test_every_exhibit_is_read_as_if_the_user_had_pasted_it(run):
    found = run()
    known = read(found.exhibits)
    assert known.loose == ()
    assert known.tenant(TENANT).value == TENANT
    assert known.challenge(VAULT).value == TENANT
    assert known.account.value == evidence.Account(TENANT, SUBSCRIPTION, TENANT)
    assert known.service_principal(AZURE_APP_ID).value.object_id == PRINCIPAL
    assert known.vault(VAULT).value.purge_protection is True
    key = known.key(VAULT, KEY).value
    assert (key.kty, key.operations, key.enabled, key.current) == ("RSA", ("encrypt", "decrypt"), True, True)
    assert len(known.versions(VAULT, KEY)) == 1
    scope = f"{VAULT_ID}/keys/{KEY}"
    assert known.assignments_listed(scope, ()).state is State.SEEN
    assert known.assignments_listed("", (AZURE_APP_ID,)).state is State.SEEN
    assert known.denials_listed(scope).state is State.SEEN
    assert known.role("OpenAI EKM key user").state is State.SEEN


def test_the_commands_are_those_of_the_script(run):
    script_text = script.script(Configuration(Provider.AZURE, FIELDS)).text
    commands = {" ".join(exhibit.command.split()) for exhibit in run().exhibits}
    for command in re.findall(r"^collect (az (?!role|rest --method=get \"--url).*)$", script_text, re.MULTILINE):
        assert command in commands


def test_a_role_is_shown_by_its_name(run):
    extra = {"role": "12338af0-0e69-4776-bea7-57ae8d297424", "principal": PRINCIPAL, "type": "ServicePrincipal"}
    known = read(run({"assignments": {"more": {**extra, "scope": VAULT_ID}}}).exhibits)
    names = {fact.value["roleDefinitionName"] for fact in known.assignments.values()}
    assert {"OpenAI EKM key user", "Key Vault Crypto User"} <= names


def test_every_version_and_date_of_a_key(run):
    versions = [{"enabled": False}, {"exp": 1767225600, "nbf": 1735689600, "key_ops": []}]
    found = run({"vaults": {VAULT: {"keys": {KEY: {"versions": versions}}}}})
    known = read(found.exhibits)
    assert sorted(fact.value.enabled for fact in known.versions(VAULT, KEY)) == [False, True]
    key = known.key(VAULT, KEY).value
    assert (key.enabled, key.operations, key.expires.year, key.not_before.year) == (True, (), 2026, 2025)


def test_a_deleted_service_principal_on_a_later_page_is_found(run):
    deleted = {
        name: {"id": READER, "appId": app, "displayName": name, "deletedDateTime": "2026-11-19T08:00:00Z"}
        for name, app in (("first", READER), ("second", SUBSCRIPTION), ("third", AZURE_APP_ID))
    }
    found = run({"tenants": {TENANT: {"applications": {"openai": None}, "deleted": deleted}}})
    assert found.confirmed == {"azure-missing-service-principal.deleted"}


# --------------------------------------------------------------------------------------------- reads, and nothing else
_ID = f"/subscriptions/{SUBSCRIPTION}"
_SCOPE = f"{VAULT_ID}/keys/{KEY}"
_AUTHORIZATION = "providers/Microsoft.Authorization"
READS = {
    "login.microsoftonline.com": {f"/{TENANT}/v2.0/.well-known/openid-configuration"},
    "graph.microsoft.com": {
        "/v1.0/servicePrincipals",
        "/v1.0/directory/deletedItems/microsoft.graph.servicePrincipal",
    },
    "management.azure.com": {
        "/subscriptions",
        f"{_ID}/providers/Microsoft.KeyVault/vaults",
        VAULT_ID,
        _SCOPE,
        f"{VAULT_ID}/{_AUTHORIZATION}/roleDefinitions",
        f"{_SCOPE}/{_AUTHORIZATION}/roleAssignments",
        f"{_ID}/{_AUTHORIZATION}/roleAssignments",
        f"{_SCOPE}/{_AUTHORIZATION}/denyAssignments",
    },
    f"{VAULT}.vault.azure.net": {"/keys", f"/keys/{KEY}", f"/keys/{KEY}/", f"/keys/{KEY}/versions"},
}
_LOOKED_FOR = {
    "management.azure.com": {f"{_ID}/providers/Microsoft.KeyVault/deletedVaults"},
    f"{VAULT}.vault.azure.net": {"/deletedkeys"},
}


def _paths(calls) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for call in calls:
        found.setdefault(call["host"], set()).add(call["path"].partition("?")[0])
    return found


def test_exactly_the_declared_addresses_are_read_and_nothing_is_written(run):
    found = run()
    assert {call["method"] for call in found.calls} == {"GET"}
    assert {host: paths - {f"/keys/{KEY}", f"/keys/{KEY}/"} for host, paths in _paths(found.calls).items()} == {
        host: paths - {f"/keys/{KEY}", f"/keys/{KEY}/"} for host, paths in READS.items()
    }


@pytest.mark.parametrize(
    "state",
    [
        {"vaults": {VAULT: {"keys": {KEY: None}, "deleted_keys": {KEY: {}}}}},
        {"vaults": {VAULT: None}, "deleted_vaults": {VAULT: {"location": "westeurope"}}},
        {"vaults": {VAULT: {"properties": {"publicNetworkAccess": "Disabled"}}}},
        {"tenants": {TENANT: {"applications": {"openai": None}}}},
    ],
)
def test_what_is_looked_for_in_a_broken_set_up_is_read_too_and_nothing_else(run, state):
    found = run(state)
    assert {call["method"] for call in found.calls} == {"GET"}
    for host, paths in _paths(found.calls).items():
        assert paths <= READS[host] | _LOOKED_FOR.get(host, set())


def test_the_role_to_grant_before_a_run_is_what_the_calls_need_and_no_more(run):
    configuration = Configuration(Provider.AZURE, FIELDS)
    document = json.loads(probe.permissions(configuration)[0].text)
    role = BASE["roles"]["reader"]
    assert (document["Actions"], document["DataActions"]) == (sorted(role["actions"]), role["dataActions"])
    declared = {name for event in run().events if isinstance(event, Planned) for name in event.permissions}
    deleted = "Microsoft.KeyVault/deletedVaults/read"
    granted = {*document["Actions"], *(f"{action} (data action)" for action in document["DataActions"])}
    assert {name for name in declared if name.startswith("Microsoft.")} == granted - {deleted}


# ---------------------------------------------------------------------------------------------- a permission is missing
_ACTIONS = {
    "Microsoft.Authorization/denyAssignments/read": {"azure-deny-assignments"},
    "Microsoft.Authorization/roleAssignments/read": {"azure-role-assignments", "azure-openai-roles"},
    "Microsoft.Authorization/roleDefinitions/read": {"azure-role-definitions"},
}


@pytest.mark.parametrize("action", _ACTIONS)
def test_a_missing_permission_is_named_and_the_rest_goes_on(run, action):
    found = run(without(action))
    assert found.failed == _ACTIONS[action]
    for step in found.failed:
        assert found[step].state is State.REFUSED
        assert action in found[step].permission
        assert action in found[step].sentence
    assert found.confirmed == set()


def test_without_the_right_to_read_the_key_it_is_not_called_absent(run):
    found = run(without("Microsoft.KeyVault/vaults/keys/read"))
    assert found.failed == {"azure-key", "azure-key-settings"}
    assert {found[step].trouble for step in found.failed} == {Trouble.REFUSED}
    assert all("Microsoft.KeyVault/vaults/keys/read" in found[step].sentence for step in found.failed)
    assert found.confirmed == set()


def test_without_the_right_to_read_vaults_the_key_is_read_all_the_same(run):
    found = run(without("Microsoft.KeyVault/vaults/read"))
    vault = found["azure-vault"]
    assert (vault.state, vault.trouble) == (State.REFUSED, Trouble.REFUSED)
    assert "Microsoft.KeyVault/vaults/read" in vault.permission
    assert found["azure-key"].state is State.SEEN
    assert found.confirmed == set()


def test_without_a_role_of_the_directory_its_permission_is_named(run):
    found = run({"people": {"reader": {"directory": False}}})
    assert found.failed == {"azure-service-principal", "azure-deleted-service-principals", "azure-openai-roles"}
    assert "Application.Read.All" in found["azure-service-principal"].permission
    assert found["azure-service-principal"].state is State.REFUSED
    assert found.confirmed == set()


def test_a_vault_with_access_policies_names_its_own_permission(run):
    properties = {"enableRbacAuthorization": False}
    found = run({"vaults": {VAULT: {"properties": properties}}})
    assert found["azure-key"].permission.startswith("keys/get ")
    assert found.confirmed == {"azure-keyvault-access-policy.access-policy-mode"}
    policy = {"tenantId": TENANT, "objectId": READER, "permissions": {"keys": ["get"]}}
    found = run({"vaults": {VAULT: {"properties": {**properties, "accessPolicies": [policy]}}}})
    assert found["azure-key"].state is State.SEEN
    assert found["azure-key-versions"].permission.startswith("keys/list ")


# ----------------------------------------------------------------------------------------------------------- the tokens
def test_an_expired_token_is_said_before_any_call(run):
    found = run(HEALTHY, AzureTokens(**lab.tokens(HEALTHY, lasts=-60)))
    assert found["azure-sign-in"].trouble is Trouble.CREDENTIALS
    assert "expired" in found["azure-sign-in"].sentence
    assert {call["who"] for call in found.calls} == {""}


@pytest.mark.parametrize(
    ("audience", "steps"),
    [
        ("graph", {"azure-service-principal", "azure-deleted-service-principals", "azure-openai-roles"}),
        ("vault", {"azure-key"}),
        ("arm", {"azure-vault"}),
    ],
)
@pytest.mark.parametrize(("fault", "words"), [("missing", "No access token"), ("swapped", "another service")])
def test_a_token_that_is_missing_or_of_another_service_is_said_before_its_call(run, audience, steps, fault, words):
    given = lab.tokens(HEALTHY)
    other = {"graph": "arm", "arm": "vault", "vault": "graph"}[audience]
    given[audience] = "" if fault == "missing" else given[other]
    found = run(HEALTHY, AzureTokens(**given))
    assert found.failed == steps
    assert all(
        found[step].trouble is Trouble.CREDENTIALS and words in found[step].sentence
        for step in steps - {"azure-openai-roles"}
    )
    host = {"graph": GRAPH, "arm": ARM, "vault": VAULTS}[audience]
    assert {call["who"] for call in found.asked(host)} <= {""}
    assert found.confirmed == set()


@pytest.mark.parametrize("token", ["", "eyJh.eyJh.x", "no token", "..", "a.b.c"])
def test_what_is_no_token_is_sent_nowhere(run, token):
    found = run(HEALTHY, AzureTokens(token, token, token))
    assert found["azure-sign-in"].trouble is Trouble.CREDENTIALS
    assert {call["who"] for call in found.calls} == {""}


def test_tokens_of_two_tenants_are_not_mixed(run):
    given = lab.tokens(HEALTHY)
    given["graph"] = lab.tokens(HEALTHY, tenant=OTHER_TENANT)["graph"]
    found = run(HEALTHY, AzureTokens(**given))
    assert OTHER_TENANT in found["azure-service-principal"].sentence
    assert found.asked(GRAPH) == []
    assert found.confirmed == set()


def test_a_token_for_a_vault_of_another_tenant_is_not_sent(run):
    given = lab.tokens(HEALTHY)
    given["vault"] = lab.tokens(HEALTHY, tenant=OTHER_TENANT)["vault"]
    found = run(HEALTHY, AzureTokens(**given))
    assert TENANT in found["azure-key"].sentence
    assert {call["who"] for call in found.asked(VAULTS)} == {""}


def test_all_tokens_of_another_tenant_prove_nothing_about_this_one(run):
    other = merged(HEALTHY, {"people": {"reader": {"tenants": [OTHER_TENANT]}}})
    found = run(other)
    assert found.confirmed == set()
    assert read(found.exhibits).account.value.tenant_id == OTHER_TENANT


def test_a_token_that_azure_does_not_accept_after_all(run):
    given = {name: token[:-2] + "AA" for name, token in lab.tokens(HEALTHY).items()}
    found = run(HEALTHY, AzureTokens(**given))
    for step in ("azure-service-principal", "azure-vault", "azure-key"):
        assert (found[step].state, found[step].trouble) == (State.FAILED, Trouble.CREDENTIALS)
    assert found.confirmed == set()


# ---------------------------------------------------------------------------------------------------------- the sign-in
def test_a_person_signs_in_by_a_code(run):
    found = run(HEALTHY, AzureDeviceCode())
    prompts = [event for event in found.events if isinstance(event, Prompted)]
    assert [(prompt.step, prompt.code) for prompt in prompts] == [("azure-sign-in", "LABCODE7Q")]
    assert found.failed == set()
    posts = {call["path"] for call in found.calls if call["method"] != "GET"}
    assert posts == {f"/{TENANT}/oauth2/v2.0/devicecode", f"/{TENANT}/oauth2/v2.0/token"}
    assert found.confirmed == set()


def test_the_code_is_for_the_tenant_that_the_vault_trusts(run):
    found = run({"sign_in": {"polls": 0}}, AzureDeviceCode(), tenant_id=OTHER_TENANT)
    assert "azure-keyvault-wrong-tenant.wrong-tenant-registered" in found.confirmed


def test_a_vault_of_a_moved_subscription_is_found_in_the_other_tenant(run):
    moved = {
        "vaults": {VAULT: {"properties": {"tenantId": OTHER_TENANT}}},
        "people": {"reader": {"tenants": [TENANT, OTHER_TENANT]}},
        "sign_in": {"polls": 0},
    }
    found = run(moved, AzureDeviceCode())
    assert found.confirmed == {"azure-keyvault-wrong-tenant.vault-moved"}


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ({"sign_in": {"polls": 0, "ends": "declined"}}, "AADSTS70018"),
        ({"sign_in": {"polls": 0, "ends": "expired"}}, "AADSTS70020"),
        ({"sign_in": {"polls": 0}, "people": {"reader": {"tenants": [OTHER_TENANT]}}}, "AADSTS50020"),
    ],
)
def test_a_sign_in_that_fails_names_the_code_of_entra(run, state, code):
    found = run(state, AzureDeviceCode())
    signed = found["azure-sign-in"]
    assert (signed.state, signed.trouble) == (State.FAILED, Trouble.CREDENTIALS)
    assert code in signed.sentence
    assert code in signed.text
    assert found.ended.keys() == {"azure-sign-in", "azure-tenant", "azure-vault-challenge"}


def test_the_credentials_of_this_machine(run, monkeypatch):
    for name, value in READING_APPLICATION.items():
        monkeypatch.setenv(name, value)
    found = run(HEALTHY, AzureDefault())
    assert found.failed == set()
    assert {link.state for link in found.checked.chain} == {LinkState.PROVEN}
    assert READING_APPLICATION["AZURE_CLIENT_SECRET"] not in repr(found.events)


def test_this_machine_without_any_credential(run, monkeypatch):
    class Default:
        def __init__(self, authority):
            pass

        def get_token(self, *_, **__):
            raise azure.identity.CredentialUnavailableError("canary")

    monkeypatch.setattr(azure.identity, "DefaultAzureCredential", Default)
    found = run(HEALTHY, AzureDefault())
    assert found["azure-sign-in"].trouble is Trouble.CREDENTIALS
    assert "canary" not in repr(found.events)


# --------------------------------------------------------------------------------------------------- without credential
def test_without_credentials_two_calls_tell_what_anybody_may_know(run):
    found = run(HEALTHY, None)
    assert [(call["method"], call["host"], call["who"]) for call in found.calls] == [
        ("GET", call["host"], "") for call in found.calls
    ]
    assert {call["host"] for call in found.calls} == {"login.microsoftonline.com", f"{VAULT}.vault.azure.net"}
    assert len(found.calls) == 2
    assert found.failed == set()
    ruled_out = {finding.id for finding in found.checked.of(Status.PASS)}
    assert "azure-keyvault-wrong-tenant.wrong-tenant-registered" in ruled_out


def test_a_strangers_vault_fails_without_a_cause_being_claimed(run):
    found = run(HEALTHY, None, tenant_id=OTHER_TENANT)
    assert found.confirmed == {"azure-practice-vault-tenant"}


def test_an_unknown_tenant_is_absent(run):
    unknown = TENANT.replace("7f0d", "7f0e")
    found = run(HEALTHY, None, tenant_id=unknown)
    assert found["azure-tenant"].state is State.ABSENT
    assert read(found.exhibits).tenant(unknown).state is State.ABSENT


@pytest.mark.parametrize(
    ("suffix", "login"),
    [("vault.azure.cn", "login.chinacloudapi.cn"), ("vault.usgovcloudapi.net", "login.microsoftonline.us")],
)
def test_a_sovereign_cloud_has_a_login_of_its_own(run, suffix, login):
    found = run(HEALTHY, None, vault_uri=f"https://{VAULT}.{suffix}/")
    assert {call["host"] for call in found.calls} == {login, f"{VAULT}.{suffix}"}


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "https://ekm-vault.vault.azure.net.evil.example/",
        "https://ekm-vault.vault.azure.net@evil.example/",
        "http://ekm-vault.vault.azure.net/",
        "https://ekm-vault.vault.azure.net:8443/",
        "https://169.254.169.254/",
        "https://ekm-vault.privatelink.vaultcore.azure.net/",
        "",
    ],
)
def test_no_other_host_than_a_vaults_is_called(run, address):
    found = run(vault_uri=address)
    assert found.asked(VAULTS) == []
    for step in ("azure-vault-challenge", "azure-vault", "azure-key"):
        assert found[step].trouble is Trouble.FORBIDDEN_TARGET


@pytest.mark.parametrize("name", ["../secrets/x", "a/b", "k?x=1", "@/etc/passwd", "", "k\r\nHost: evil.example"])
def test_a_name_that_no_key_has_reaches_no_address(run, name):
    found = run(key_name=name)
    assert found["azure-key"].trouble is Trouble.FORBIDDEN_TARGET
    assert {call["path"].partition("?")[0] for call in found.asked(VAULTS)} == {"/keys"}
    assert found["azure-role-definitions"].state is State.SEEN


def test_a_name_that_does_not_resolve_is_told_apart_and_concludes_nothing(run, monkeypatch, frame):
    for name in frame.environment:
        monkeypatch.delenv(name, raising=False)

    def resolve(host, *_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    configuration = Configuration(Provider.AZURE, FIELDS)
    events = [event for event in runner.run(probe.steps(configuration, None)) if isinstance(event, Ended)]
    assert {event.trouble for event in events} == {Trouble.DNS}
    assert {event.state for event in events} == {State.FAILED}
    exhibits = [exhibit for event in events for exhibit in event.exhibits]
    assert check(configuration, exhibits).of(Status.FAIL) == ()


def test_a_private_endpoint_is_not_called(monkeypatch, frame):
    for name in frame.environment:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("10.0.0.4", 443))])
    step = probe.steps(Configuration(Provider.AZURE, FIELDS), None)[1]
    (event,) = [event for event in runner.run([step]) if isinstance(event, Ended)]
    assert event.trouble is Trouble.FORBIDDEN_TARGET


# ----------------------------------------------------------------------------------------------- where the vault stands
def test_the_vault_is_found_in_any_subscription_that_the_user_sees(run):
    others = {
        f"{number}f9a6c51-73de-4b0c-a1f4-8d5e3b7c9016": {"tenant": TENANT, "name": "x", "state": "Enabled"}
        for number in (0, 1, 3)
    }
    scopes = {
        name: {"role": "reader", "principal": READER, "type": "User", "scope": f"/subscriptions/{name}"}
        for name in others
    }
    forbidden = "1f9a6c51-73de-4b0c-a1f4-8d5e3b7c9016"
    scopes[forbidden] = {**scopes[forbidden], "role": "12338af0-0e69-4776-bea7-57ae8d297424"}
    found = run({"subscriptions": others, "assignments": scopes})
    assert found.failed == set()
    assert read(found.exhibits).account.value.subscription_id == SUBSCRIPTION


def test_a_vault_whose_name_is_written_otherwise_is_found(run):
    found = run({"vaults": {VAULT: {"written": "EKM-Vault"}}})
    assert found.failed == set()
    assert {link.state for link in found.checked.chain} == {LinkState.PROVEN}


def test_a_subscription_that_is_given_is_the_only_one_searched(run):
    found = run(subscription_id="0f9a6c51-73de-4b0c-a1f4-8d5e3b7c9016")
    assert found["azure-vault"].trouble is Trouble.ABSENT
    assert found.confirmed == set()


def test_a_vault_that_is_nowhere_is_looked_for_among_the_deleted_and_the_alike(run):
    found = run(vault_uri="https://ekm-valut.vault.azure.net/")
    assert found["azure-vault"].state is State.FAILED
    assert "misspelt" in found["azure-vault"].sentence
    assert found["azure-vault"].errors == () or found["azure-vault"].text.startswith("ERROR: (VaultNotFound)")
    assert found["azure-vault-ekm-vault"].state is State.SEEN
    assert found["azure-key-of-ekm-vault"].state is State.SEEN
    assert found.confirmed == {"azure-keyvault-rbac-denied.wrong-key-or-vault"}


# ------------------------------------------------------------------------------------------------- a firewall, a state
@pytest.mark.parametrize(
    "properties", [{"publicNetworkAccess": "Disabled"}, {"networkAcls": {"defaultAction": "Deny"}}]
)
def test_a_firewall_of_the_vault_is_told_apart_and_the_key_is_seen_elsewhere(run, properties):
    found = run({"vaults": {VAULT: {"properties": properties, "keys": {KEY: {"versions": [{"enabled": False}]}}}}})
    assert found.failed == {"azure-key"}
    assert found["azure-key"].trouble is Trouble.NETWORK_RULE
    assert found.confirmed == {"azure-keyvault-firewall.openai-not-allowed", "azure-key-unusable.disabled"}


def test_a_disabled_key_that_the_vault_does_not_show(run):
    message = "Operation get is not allowed on a disabled key."
    body = {"error": {"code": "Forbidden", "message": message, "innererror": {"code": "KeyDisabled"}}}
    # The challenge comes first, as from a vault; what it guards is refused.
    fault = {"host": "vault", "path": f"^/keys/{KEY}/?\\?", "status": 403, "body": body}
    without_management = without("Microsoft.KeyVault/vaults/keys/read")
    state = {**without_management, "roles": {"reader": {**without_management["roles"]["reader"]}}, "faults": [fault]}
    state["roles"]["reader"]["dataActions"] = ["Microsoft.KeyVault/vaults/keys/read"]
    found = run(state)
    assert found["azure-key"].trouble is Trouble.DISABLED
    assert found["azure-key-versions"].state is State.SEEN
    assert found.confirmed == {"azure-key-unusable.disabled"}


def test_a_subscription_that_is_switched_off(run):
    body = {"error": {"code": "MissingSubscriptionRegistration", "message": "The subscription is not registered."}}
    found = run({"faults": [{"host": "management", "path": "/vaults\\?", "status": 409, "body": body}]})
    assert found["azure-vault"].trouble is Trouble.DISABLED


@pytest.mark.parametrize(
    ("host", "step"),
    [("graph", "azure-service-principal"), ("management", "azure-vault"), ("vault", "azure-key")],
)
def test_throttling_that_goes_on_ends_in_could_not_check(run, host, step):
    body = {"error": {"code": "TooManyRequests", "message": "Too many requests."}}
    found = run({"faults": [{"host": host, "status": 429, "headers": {"retry-after": "0"}, "body": body}]})
    assert (found[step].state, found[step].trouble) == (State.FAILED, Trouble.THROTTLED)
    assert found.confirmed == set()


def test_throttling_that_passes_is_not_noticed(run):
    fault = {"host": "graph|management|vault", "status": 429, "headers": {"retry-after": "0"}, "times": 2}
    assert run({"faults": [fault]}).failed == set()


@pytest.mark.parametrize("status", [403, 502, 503])
def test_a_proxy_that_answers_in_azures_place(run, monkeypatch, status):
    monkeypatch.setitem(http.call.__kwdefaults__, "retries", 0)
    page = "<html>Blocked by the policy of your company</html>"
    found = run({"faults": [{"host": "management|vault", "status": status, "body": page}]})
    for step in ("azure-vault-challenge", "azure-vault", "azure-key"):
        assert (found[step].state, found[step].trouble) == (State.FAILED, Trouble.PROXY)
        assert "company" not in found[step].sentence
    assert found["azure-service-principal"].state is State.SEEN
    assert found.confirmed == set()


def test_a_list_that_goes_on_elsewhere_is_given_up_and_the_token_stays_here(run):
    page = {"value": [], "nextLink": "https://evil.example/more"}
    found = run({"faults": [{"host": "management", "path": "/subscriptions\\?", "body": page}]})
    assert found["azure-vault"].trouble is Trouble.BAD_ANSWER


def test_a_vault_that_goes_on_elsewhere_is_given_up(run):
    page = {"value": [], "nextLink": "https://evil.example/more"}
    found = run({"faults": [{"host": "vault", "path": "/versions", "body": page}]})
    assert found["azure-key-versions"].trouble in (Trouble.FORBIDDEN_TARGET, Trouble.BAD_ANSWER)


def test_a_vault_that_asks_for_another_services_token_gets_none(run):
    bearer = f'Bearer authorization="https://login.microsoftonline.com/{TENANT}", resource="https://azure.net"'
    fault = {"host": "vault", "path": "^/keys/", "status": 401, "headers": {"www-authenticate": bearer}, "body": "{}"}
    found = run({"faults": [fault]})
    assert found["azure-key"].trouble is Trouble.BAD_ANSWER
    assert {call["who"] for call in found.asked(VAULTS)} == {""}


@pytest.mark.parametrize(
    "body",
    [
        {"key": 5},
        {"key": {"kid": 7}},
        {"key": {"kid": f"https://{VAULT}.vault.azure.net/keys/{KEY}/1", "key_ops": 3, "n": 5}},
        {"key": {"kid": f"https://{VAULT}.vault.azure.net/keys/{KEY}/1", "kty": {}}, "attributes": {"enabled": True}},
        {"key": {"kid": f"https://{VAULT}.vault.azure.net/keys/{KEY}/1", "kty": "RSA"}, "attributes": {"exp": "soon"}},
        {
            "key": {"kid": f"https://{VAULT}.vault.azure.net/keys/{KEY}/1", "kty": "RSA"},
            "attributes": {"enabled": "no"},
        },
        [],
        "x",
        {},
    ],
)
def test_a_vault_that_answers_with_no_key(run, body):
    found = run({"faults": [{"host": "vault", "path": "^/keys/", "body": json.dumps(body)}]})
    assert (found["azure-key"].state, found["azure-key"].trouble) == (State.FAILED, Trouble.BAD_ANSWER)
    assert found.confirmed == set()


@pytest.mark.parametrize("kind", hostile.KINDS)
@pytest.mark.parametrize("hosts", [(GRAPH, VAULTS), (ARM,), (LOGIN,)], ids=["graph-and-vault", "manager", "login"])
def test_a_hostile_server_ends_in_could_not_check_and_the_rest_goes_on(run, monkeypatch, kind, hosts):
    call = http.call

    def impatient(session, method, url, **options):
        if any(re.fullmatch(host, urlsplit(url).hostname) for host in hosts):  # what is waited for never comes
            options = {**options, "seconds": 0.5, "retries": 0}
        return call(session, method, url, **options)

    monkeypatch.setattr(http, "call", impatient)
    with hostile.serve(kind) as address:
        found = run(
            strange=dict.fromkeys(hosts, address), credentials=AzureDeviceCode() if hosts == (LOGIN,) else TOKENS
        )
    steps = {
        GRAPH: {"azure-service-principal", "azure-deleted-service-principals"},
        VAULTS: {"azure-vault-challenge", "azure-key"},
        ARM: {"azure-vault"},
        LOGIN: {"azure-tenant", "azure-sign-in"},
    }
    expected = set().union(*(steps[host] for host in hosts))
    assert expected <= found.failed <= expected | {"azure-openai-roles"}
    assert {found[step].state for step in expected} == {State.FAILED}
    assert all(found[step].sentence for step in expected)
    assert found.confirmed == set()


# ----------------------------------------------------------------------------------------------------------- round trip
_USERS = {"roles": {"reader": {"dataActions": ["Microsoft.KeyVault/vaults/keys/*"]}}}


def test_a_round_trip_is_made_on_request_and_in_the_vault_itself(run):
    found = run(_USERS, round_trip=True)
    assert found["azure-round-trip"].state is State.SEEN
    assert found["azure-round-trip"].exhibits == ()
    posts = [call["path"].partition("?")[0].rpartition("/")[2] for call in found.calls if call["method"] == "POST"]
    assert posts == ["encrypt", "decrypt"]
    assert not any(call["method"] == "POST" for call in run(_USERS).calls)


def test_a_refused_round_trip_names_the_permission_and_is_no_evidence(run):
    found = run(HEALTHY, round_trip=True)
    trip = found["azure-round-trip"]
    assert trip.trouble is Trouble.REFUSED
    assert "keys/encrypt/action" in trip.permission
    assert trip.exhibits == ()
    assert found.confirmed == set()


def test_a_round_trip_without_credentials(run):
    trip = run(HEALTHY, None, round_trip=True)["azure-round-trip"]
    assert trip.trouble is Trouble.CREDENTIALS
