"""The script for Azure Cloud Shell, run by bash with a stand-in for az; what it prints is read back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ekm_core import evidence
from ekm_core.azure import evidence as azure
from ekm_core.azure.script import permissions, script
from ekm_core.evidence import State
from ekm_core.model import Configuration, Provider
from ekm_core.vendor import AZURE_APP_ID
from tests import cloud_shell
from tests.test_azure_evidence import (
    ASSIGNMENT,
    KEY,
    KEY_ID,
    KEY_NAME,
    OBJECT,
    PRINCIPAL,
    ROLE,
    ROLE_ID,
    SUBSCRIPTION,
    TENANT,
    VAULT,
    VAULT_ID,
)

FIELDS = {"tenant_id": TENANT, "vault_uri": "https://ekm-vault.vault.azure.net/", "key_name": KEY_NAME}
NAMED = f"--vault-name=ekm-vault --name={KEY_NAME}"
ACCOUNT = {"environmentName": "AzureCloud", "id": SUBSCRIPTION, "isDefault": True, "tenantId": TENANT}
ANSWERS: dict[str, object] = {
    "account show": ACCOUNT,
    "ad sp list": [PRINCIPAL],
    "rest --method=get --url=https://graph.microsoft.com/": [],
    "rest --method=get --url=https://management.azure.com/": {"value": []},
    "keyvault show --name=ekm-vault --query=id": VAULT_ID,
    "keyvault show --name=ekm-vault": VAULT,
    f"keyvault key show {NAMED}": KEY,
    f"keyvault key list-versions {NAMED}": [{"kid": KEY["key"]["kid"], "attributes": KEY["attributes"]}],
    "role definition list": [ROLE],
    f"role assignment list --include-inherited --scope={KEY_ID}": [ASSIGNMENT],
}


def text(fields: dict[str, str]) -> str:
    return script(Configuration(Provider.AZURE, fields)).text


def test_everything_is_read_and_read_back(tmp_path: Path) -> None:
    run = cloud_shell.run(text(FIELDS), "az", ANSWERS, tmp_path)
    gathered = evidence.read(run.stdout)
    assert gathered.problems == ()
    found = azure.read(gathered.exhibits)
    assert found.loose == ()
    assert found.account.state is found.service_principal(AZURE_APP_ID).state is State.SEEN
    assert found.vault("ekm-vault").state is found.role(ROLE_ID).state is State.SEEN
    key = found.key("ekm-vault", KEY_NAME).value
    assert key is not None
    assert key.current
    assert len(found.versions("ekm-vault", KEY_NAME)) == 1
    assert [fact.value["principalId"] for fact in found.assignments.values() if fact.value] == [OBJECT]
    assert found.assignments_listed(KEY_ID, (OBJECT,)).state is State.SEEN
    assert found.denials_listed(KEY_ID).state is State.SEEN


def test_no_service_principal_and_no_vault(tmp_path: Path) -> None:
    answers = {name: answer for name, answer in ANSWERS.items() if not name.startswith("keyvault show")}
    missing = "ERROR: (VaultNotFound) The vault or HSM 'ekm-vault' was not found within subscription."
    run = cloud_shell.run(text(FIELDS), "az", {**answers, "ad sp list": [], "keyvault show": missing}, tmp_path)
    found = azure.read(evidence.read(run.stdout).exhibits)
    assert found.service_principal(AZURE_APP_ID).state is State.ABSENT
    assert found.vault("ekm-vault").state is State.FAILED
    assert not any("assignment" in call for call in run.calls)


def test_a_refused_command_is_noted_and_the_rest_goes_on(tmp_path: Path) -> None:
    refused = "ERROR: (Forbidden) Caller is not authorized to perform action on resource.\nForbiddenByRbac"
    run = cloud_shell.run(text(FIELDS), "az", {**ANSWERS, f"keyvault key show {NAMED}": refused}, tmp_path)
    found = azure.read(evidence.read(run.stdout).exhibits)
    assert found.key("ekm-vault", KEY_NAME).state is State.REFUSED
    assert found.assignments_listed(KEY_ID, (OBJECT,)).state is State.SEEN


def test_what_is_not_known_is_a_marked_placeholder() -> None:
    assert script(Configuration(Provider.AZURE, {})).placeholders == ("<VAULT>", "<KEY_NAME>")
    assert script(Configuration(Provider.AZURE, FIELDS)).placeholders == ()


HOSTILE = (
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    "--subscription=x y",
    "@/etc/passwd",
    "a\nb",
    "\ud800",
)


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("field", FIELDS)
def test_hostile_values_never_reach_the_script(field: str, value: str) -> None:
    """None of these forms is a name in Azure, so a placeholder stands in their place."""
    made = text({**FIELDS, field: value})
    assert value not in made
    assert cloud_shell.parses(made)


def test_the_permissions_only_read() -> None:
    role, _ = permissions(Configuration(Provider.AZURE, FIELDS))
    document = json.loads(role.text)
    assert all(action.endswith("/read") for action in document["Actions"] + document["DataActions"])
    assert role.placeholders == ("<SUBSCRIPTION_ID>",)
