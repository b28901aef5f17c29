"""Reading the Azure CLI's output: every shape, every state, contradictions, and hostile documents.

The shapes are those of Microsoft's REST references and of the Azure CLI 2.91, with made-up values.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ekm_core.azure.evidence import AzureEvidence, Kind, Listing, covers, read
from ekm_core.evidence import State, outcome
from ekm_core.model import Exhibit
from ekm_core.vendor import AZURE_APP_ID

TENANT, SUBSCRIPTION = "7f0d2c9e-41b6-4c58-9a3e-5d1b8c2f6a70", "2f9a6c51-73de-4b0c-a1f4-8d5e3b7c9016"
OBJECT = "4be1c0de-0b7a-4e55-8a0f-6f1d2c3b4a59"
VAULT_ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/ekm/providers/Microsoft.KeyVault/vaults/ekm-vault"
KEY_NAME = "org-abc--chat"
KEY_ID = f"{VAULT_ID}/keys/{KEY_NAME}"
KID = f"https://ekm-vault.vault.azure.net/keys/{KEY_NAME}/0123456789abcdef0123456789abcdef"
ROLE_GUID = "11112222-3333-4444-5555-666677778888"
ROLE_ID = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{ROLE_GUID}"

PRINCIPAL = {
    "accountEnabled": True,
    "appDisplayName": "EKM - OpenAI Azure",
    "appId": AZURE_APP_ID,
    "appOwnerOrganizationId": "a48cca56-e6da-484e-a814-9c849652bcb3",
    "deletedDateTime": None,
    "displayName": "EKM - OpenAI Azure",
    "id": OBJECT,
    "servicePrincipalType": "Application",
}
VAULT = {
    "id": VAULT_ID,
    "location": "westeurope",
    "name": "ekm-vault",
    "properties": {
        "accessPolicies": [],
        "enablePurgeProtection": True,
        "enableRbacAuthorization": True,
        "networkAcls": {"bypass": "AzureServices", "defaultAction": "Deny", "ipRules": [], "virtualNetworkRules": []},
        "publicNetworkAccess": "Enabled",
        "tenantId": TENANT,
        "vaultUri": "https://ekm-vault.vault.azure.net/",
    },
    "resourceGroup": "ekm",
}
KEY = {
    "attributes": {"created": "2026-01-01T00:00:00+00:00", "enabled": True, "expires": None, "notBefore": None},
    "key": {"e": "AQAB", "keyOps": ["encrypt", "decrypt"], "kid": KID, "kty": "RSA", "n": "abc"},
    "managed": None,
    "tags": None,
}
ASSIGNMENT = {
    "condition": None,
    "id": f"{KEY_ID}/providers/Microsoft.Authorization/roleAssignments/99998888-7777-6666-5555-444433332222",
    "principalId": OBJECT,
    "principalType": "ServicePrincipal",
    "roleDefinitionId": ROLE_ID,
    "roleDefinitionName": "OpenAI EKM key user",
    "scope": KEY_ID,
}
PERMISSIONS = [
    {"actions": [], "notActions": [], "dataActions": ["Microsoft.KeyVault/vaults/keys/read"], "notDataActions": []}
]
ROLE = {
    "assignableScopes": [f"/subscriptions/{SUBSCRIPTION}"],
    "id": ROLE_ID,
    "name": ROLE_ID.rpartition("/")[2],
    "permissions": PERMISSIONS,
    "roleName": "OpenAI EKM key user",
    "roleType": "CustomRole",
}
SHOW_KEY = f"az keyvault key show --vault-name ekm-vault --name {KEY_NAME}"
ASSIGNMENTS_URL = f"https://management.azure.com{KEY_ID}/providers/Microsoft.Authorization/roleAssignments"
LIST_ASSIGNMENTS = f"az role assignment list --include-inherited --scope {KEY_ID}"
DENY_URL = (
    f"https://management.azure.com{KEY_ID}/providers/Microsoft.Authorization/denyAssignments?api-version=2022-04-01"
)


def shown(output: object, command: str = "") -> Exhibit:
    return Exhibit(command, output, json.dumps(output))


def said(text: str, command: str) -> Exhibit:
    return Exhibit(command, None, text)


def rest(document: dict[str, object], *inner: str) -> dict[str, object]:
    """The document as `az rest` prints it: its own fields under "properties"."""
    outer = {name: value for name, value in document.items() if name not in inner}
    return {**outer, "properties": {name: document[name] for name in inner}}


def test_the_signed_in_account() -> None:
    account = {"environmentName": "AzureCloud", "id": SUBSCRIPTION, "isDefault": True, "tenantId": TENANT}
    found = read([shown(account, "az account show")])
    assert found.account.value is not None
    assert (found.account.value.tenant_id, found.account.value.subscription_id) == (TENANT, SUBSCRIPTION)
    other = {**account, "tenantId": SUBSCRIPTION}
    assert read([shown(account), shown(other)]).account.state is State.CONFLICTING
    assert read([]).account.state is State.NOT_GIVEN


@pytest.mark.parametrize(
    "output",
    [
        PRINCIPAL,
        [PRINCIPAL],
        {"value": [PRINCIPAL]},
        {"objectId": OBJECT, "appId": AZURE_APP_ID, "name": "EKM - OpenAI Azure", "enabled": True},
    ],
)
def test_the_service_principal_in_every_shape(output: object) -> None:
    found = read([shown(output)])
    for identifier in (AZURE_APP_ID.upper(), OBJECT):
        principal = found.service_principal(identifier).value
        assert principal is not None
        assert (principal.object_id, principal.app_id, principal.enabled) == (OBJECT, AZURE_APP_ID, True)


def test_an_application_is_no_service_principal() -> None:
    application = {"appId": AZURE_APP_ID, "id": OBJECT, "displayName": "x", "signInAudience": "AzureADMyOrg"}
    assert read([shown(application)]).service_principal(AZURE_APP_ID).state is State.NOT_GIVEN


def test_a_deleted_service_principal_is_not_there() -> None:
    deleted = {"appId": AZURE_APP_ID, "id": OBJECT, "deletedDateTime": "2026-11-01T00:00:00Z", "displayName": "x"}
    found = read([shown([deleted])])
    assert found.service_principal(AZURE_APP_ID).state is State.NOT_GIVEN
    assert (Kind.SERVICE_PRINCIPAL, AZURE_APP_ID) in found.deleted


MISSING = (
    f"ERROR: Resource '{AZURE_APP_ID}' does not exist or one of its queried reference-property objects are not present."
)


@pytest.mark.parametrize(
    ("exhibit", "state"),
    [
        (said(MISSING, f"az ad sp show --id {AZURE_APP_ID}"), State.ABSENT),
        (shown([], f"az ad sp list --filter \"appId eq '{AZURE_APP_ID}'\""), State.ABSENT),
        (shown([], f"az ad sp list --filter=\"appId eq '{AZURE_APP_ID}'\" --query '[0]'"), State.NOT_GIVEN),
        (
            shown([], f"az ad sp list --filter \"appId eq '{AZURE_APP_ID}' and accountEnabled eq true\""),
            State.NOT_GIVEN,
        ),
        (
            shown([], f"az ad sp list --filter \"accountEnabled eq true and appId eq '{AZURE_APP_ID}'\""),
            State.NOT_GIVEN,
        ),
        (
            shown(
                {"value": []},
                'az rest --url "https://graph.microsoft.com/v1.0/servicePrincipals'
                f"?\\$filter=appId eq '{AZURE_APP_ID}'&\\$select=id\"",
            ),
            State.ABSENT,
        ),
        (
            shown([], f"az ad sp list --filter \"appId eq '{AZURE_APP_ID}'\" | jq 'map(select(.accountEnabled))'"),
            State.NOT_GIVEN,
        ),
        (shown([], "az ad sp list --display-name EKM"), State.NOT_GIVEN),
        (shown([], f"az ad sp list --filter \"appId eq '{AZURE_APP_ID}'\" --show-mine"), State.NOT_GIVEN),
        (
            shown(
                {"value": []},
                f"az rest --url \"https://graph.microsoft.com/v1.0/applications?\\$filter=appId eq '{AZURE_APP_ID}'\"",
            ),
            State.NOT_GIVEN,
        ),
        (shown([]), State.NOT_GIVEN),
        (said("ERROR: Please run 'az login' to setup account.", f"az ad sp show --id {AZURE_APP_ID}"), State.FAILED),
        (
            said("ERROR: Insufficient privileges to complete the operation.", f"az ad sp show --id {AZURE_APP_ID}"),
            State.REFUSED,
        ),
    ],
)
def test_a_service_principal_that_is_not_shown(exhibit: Exhibit, state: State) -> None:
    assert read([exhibit]).service_principal(AZURE_APP_ID).state is state


POWERSHELL_VAULT = {
    "VaultName": "ekm-vault",
    "VaultUri": "https://ekm-vault.vault.azure.net/",
    "TenantId": TENANT,
    "EnableRbacAuthorization": True,
    "ResourceId": VAULT_ID,
}


@pytest.mark.parametrize(
    "output",
    [VAULT, [VAULT], POWERSHELL_VAULT, {"uri": VAULT["properties"]["vaultUri"], "tenant": TENANT, "rbac": True}],
)
def test_the_vault_in_every_shape(output: object) -> None:
    vault = read([shown(output)]).vault("EKM-Vault").value
    assert vault is not None
    assert (vault.uri, vault.tenant_id, vault.rbac) == ("https://ekm-vault.vault.azure.net/", TENANT, True)


def test_what_a_vault_does_not_show_is_not_known() -> None:
    vault = read([shown(POWERSHELL_VAULT)]).vault("ekm-vault").value
    assert vault is not None
    assert (vault.access_policies, vault.network, vault.public_network, vault.purge_protection) == (
        None,
        None,
        "",
        None,
    )


def test_a_vault_not_found_where_it_was_searched_may_stand_elsewhere() -> None:
    text = "ERROR: (ResourceNotFound) The Resource 'Microsoft.KeyVault/vaults/ekm-vault' was not found."
    assert read([said(text, "az keyvault show --name ekm-vault -g ekm")]).vault("ekm-vault").state is State.FAILED


def test_two_vault_outputs_that_disagree() -> None:
    properties = {**VAULT["properties"], "enableRbacAuthorization": False}
    assert (
        read([shown(VAULT), shown({**VAULT, "properties": properties})]).vault("ekm-vault").state is State.CONFLICTING
    )


def test_network_rules_need_their_vault() -> None:
    rules = {"bypass": "None", "defaultAction": "Allow", "ipRules": [], "virtualNetworkRules": []}
    command = "az keyvault network-rule list --name ekm-vault"
    assert read([shown(rules, command)]).network("ekm-vault").value == rules
    assert read([shown(rules)]).network("ekm-vault").state is State.NOT_GIVEN
    assert read([shown(rules, command), shown(VAULT)]).network("ekm-vault").state is State.CONFLICTING


REST_KEY = {
    "key": {"kid": KID, "kty": "RSA", "key_ops": ["encrypt", "decrypt"]},
    "attributes": {"enabled": True, "created": 1},
}
ARM_KEY = {
    "id": KEY_ID,
    "name": KEY_NAME,
    "type": "Microsoft.KeyVault/vaults/keys",
    "properties": {
        "attributes": {"enabled": True, "created": 1},
        "keyOps": ["encrypt", "decrypt"],
        "keyUri": KID.rpartition("/")[0],
        "keyUriWithVersion": KID,
        "kty": "RSA",
    },
}
LOOKED_UP = {"kid": KID, "type": "RSA", "operations": ["encrypt", "decrypt"], "attributes": {"enabled": True}}


@pytest.mark.parametrize("output", [KEY, REST_KEY, ARM_KEY, LOOKED_UP])
def test_the_key_in_every_shape(output: object) -> None:
    key = read([shown(output)]).key("ekm-vault", KEY_NAME).value
    assert key is not None
    assert (key.kty, key.operations, key.enabled, key.version) == ("RSA", ("encrypt", "decrypt"), True, KID[-32:])
    assert (key.expires, key.dated, key.current) == (None, True, False)


def test_the_command_says_whether_it_is_the_newest_version() -> None:
    newest = read([shown(KEY, SHOW_KEY)]).key("ekm-vault", KEY_NAME).value
    assert newest is not None
    assert newest.current
    old = read([shown(KEY, f"{SHOW_KEY} --version {KID[-32:]}")])
    assert old.key("ekm-vault", KEY_NAME).state is State.NOT_GIVEN
    assert len(old.versions("ekm-vault", KEY_NAME)) == 1


@pytest.mark.parametrize(
    ("attributes", "expires"),
    [
        ({"exp": 1_767_225_600}, datetime(2026, 1, 1, tzinfo=UTC)),
        ({"expires": "2026-01-01T00:00:00+00:00"}, datetime(2026, 1, 1, tzinfo=UTC)),
        ({"Expires": "2026-01-01T00:00:00Z"}, datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_dates(attributes: dict[str, object], expires: datetime) -> None:
    key = read([shown({**KEY, "attributes": attributes})]).key("ekm-vault", KEY_NAME).value
    assert key is not None
    assert key.expires == expires


@pytest.mark.parametrize("attributes", [{"expires": "soon"}, {"exp": 10**30}, {"exp": []}, {"enabled": "yes"}])
def test_a_field_that_cannot_be_read_makes_no_fact(attributes: dict[str, object]) -> None:
    found = read([shown({**KEY, "attributes": attributes})])
    assert found.key("ekm-vault", KEY_NAME).state is State.NOT_GIVEN
    assert "cannot be used" in found.loose[0].sentence


def test_a_list_of_versions_is_not_the_key_itself() -> None:
    items = [{"kid": KID, "attributes": {"enabled": False}}, {"kid": KID[:-1] + "0", "attributes": {"enabled": True}}]
    found = read([shown(items, SHOW_KEY.replace("show", "list-versions"))])
    assert found.key("ekm-vault", KEY_NAME).state is State.NOT_GIVEN
    assert [fact.value.enabled for fact in found.versions("ekm-vault", KEY_NAME) if fact.value] == [False, True]


def test_a_deleted_key_is_not_there() -> None:
    deleted = {**KEY, "deletedDate": "2026-11-01T00:00:00+00:00", "scheduledPurgeDate": "2027-01-30T00:00:00+00:00"}
    found = read([shown(deleted)])
    assert found.key("ekm-vault", KEY_NAME).state is State.NOT_GIVEN
    assert (Kind.KEY, f"ekm-vault/{KEY_NAME}") in found.deleted


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (f"ERROR: (KeyNotFound) A key with (name/id) {KEY_NAME} was not found in this key vault.", State.ABSENT),
        ("ERROR: (Forbidden) Caller is not authorized to perform action on resource.\nForbiddenByRbac", State.REFUSED),
        ("ERROR: (Forbidden) Client address is not authorized and caller is not a trusted service.", State.FAILED),
        ("<urlopen error [Errno -2] Name or service not known>", State.FAILED),
    ],
)
def test_an_error_is_about_the_key_of_its_command(text: str, state: State) -> None:
    assert read([said(text, SHOW_KEY)]).key("ekm-vault", KEY_NAME).state is state


POWERSHELL_ROLE = {
    "Name": "OpenAI EKM key user",
    "Id": ROLE["name"],
    "IsCustom": True,
    "Actions": [],
    "NotActions": [],
    "DataActions": ["Microsoft.KeyVault/vaults/keys/read"],
    "NotDataActions": [],
    "AssignableScopes": ROLE["assignableScopes"],
}


@pytest.mark.parametrize("output", [ROLE, rest(ROLE, "roleName", "permissions", "assignableScopes"), POWERSHELL_ROLE])
@pytest.mark.parametrize("identifier", [ROLE_ID, ROLE_ID.rpartition("/")[2].upper(), "openai ekm key user"])
def test_the_role_in_every_shape(output: object, identifier: str) -> None:
    role = read([shown([output])]).role(identifier).value
    assert role is not None
    assert (role["roleName"], role["permissions"]) == ("OpenAI EKM key user", PERMISSIONS)


def test_a_role_without_its_permissions_is_not_used() -> None:
    command = "az role definition list --query '[].{name:roleName}'"
    assert read([shown([{"name": "x"}], command)]).loose
    assert read([shown([{"roleName": "x", "id": ROLE_ID}])]).role("x").state is State.NOT_GIVEN


POWERSHELL_ASSIGNMENT = {
    "RoleAssignmentId": ASSIGNMENT["id"],
    "Scope": KEY_ID,
    "ObjectId": OBJECT,
    "ObjectType": "ServicePrincipal",
    "RoleDefinitionId": ROLE_ID,
    "RoleDefinitionName": "OpenAI EKM key user",
}


def test_a_subscription_that_is_changed_behind_the_sign_in_is_not_known() -> None:
    account = {"environmentName": "AzureCloud", "id": OBJECT, "isDefault": True, "tenantId": AZURE_APP_ID}
    before, change = shown(account, "az account show"), said("", "az account set --subscription x")
    assert read([change, before]).account.state is State.SEEN
    assert read([before, change]).account.state is State.CONFLICTING


@pytest.mark.parametrize(
    "output", [ASSIGNMENT, rest(ASSIGNMENT, "scope", "principalId", "roleDefinitionId"), POWERSHELL_ASSIGNMENT]
)
def test_assignments_in_every_shape(output: object) -> None:
    found = read([shown([output])])
    (fact,) = found.assignments.values()
    assert fact.value is not None
    assert (fact.value["principalId"], fact.value["roleDefinitionId"]) == (OBJECT, ROLE_ID)
    assert fact.value["scope"] == KEY_ID


@pytest.mark.parametrize(
    ("command", "state"),
    [
        (LIST_ASSIGNMENTS, State.SEEN),
        (f"{LIST_ASSIGNMENTS.lower()} --assignee {OBJECT}", State.SEEN),
        (f"{LIST_ASSIGNMENTS} --assignee {AZURE_APP_ID}", State.SEEN),
        (f"{LIST_ASSIGNMENTS} --assignee someone@example.com", State.NOT_GIVEN),
        (f"{LIST_ASSIGNMENTS} --role Reader", State.NOT_GIVEN),
        (f"{LIST_ASSIGNMENTS} --query '[]'", State.NOT_GIVEN),
        (f"{LIST_ASSIGNMENTS} | jq .", State.SEEN),
        (f"{LIST_ASSIGNMENTS} | tee list.json | jq -r '.'", State.SEEN),
        (f"{LIST_ASSIGNMENTS} | jq '.[:1]'", State.NOT_GIVEN),
        (f"{LIST_ASSIGNMENTS} | head -1 | jq .", State.NOT_GIVEN),
        (f"az role assignment list --scope {KEY_ID}", State.NOT_GIVEN),
        (f"az role assignment list --include-inherited --scope {VAULT_ID}", State.NOT_GIVEN),
        ("az role assignment list --all", State.NOT_GIVEN),
        (f"az rest --url '{ASSIGNMENTS_URL}?api-version=2022-04-01&$filter=atScope()'", State.SEEN),
        (f"az rest --url \"{ASSIGNMENTS_URL}?$filter=principalId+eq+'{OBJECT}'&api-version=2022-04-01\"", State.SEEN),
        (f"az rest --url \"{ASSIGNMENTS_URL}?$filter=assignedTo('{OBJECT}')\"", State.SEEN),
        (f"az rest --url \"{ASSIGNMENTS_URL}?$filter=principalId eq '{TENANT}'\"", State.NOT_GIVEN),
        (f"az rest --url '{ASSIGNMENTS_URL}Schedules?$filter=atScope()'", State.NOT_GIVEN),
        ("", State.NOT_GIVEN),
    ],
)
def test_when_a_list_of_assignments_is_whole(command: str, state: State) -> None:
    assert read([shown([], command)]).assignments_listed(KEY_ID, (OBJECT, AZURE_APP_ID)).state is state


def test_a_refused_list_is_no_empty_one() -> None:
    action = "Microsoft.Authorization/roleAssignments/read"
    text = f"ERROR: (AuthorizationFailed) The client 'x' does not have authorization to perform action '{action}'."
    fact = read([said(text, LIST_ASSIGNMENTS)]).assignments_listed(KEY_ID, (OBJECT,))
    assert fact.state is State.REFUSED
    both = read([said(text, LIST_ASSIGNMENTS), shown([], LIST_ASSIGNMENTS)])
    assert both.assignments_listed(KEY_ID, (OBJECT,)).value == Listing(KEY_ID)


def test_deny_assignments() -> None:
    denial = {
        "id": f"{VAULT_ID}/providers/Microsoft.Authorization/denyAssignments/1",
        "properties": {"denyAssignmentName": "system", "scope": VAULT_ID, "permissions": [], "principals": []},
    }
    command = f"az rest --method get --url '{DENY_URL}'"
    found = read([shown({"value": [denial]}, command)])
    assert [fact.value for fact in found.denials_covering(KEY_ID)] == [denial]
    assert found.denials_listed(KEY_ID).state is State.SEEN
    assert (
        read([shown({"value": [], "nextLink": "https://x"}, command)]).denials_listed(KEY_ID).state is State.NOT_GIVEN
    )
    by_cli = f"az role deny-assignment list --scope {KEY_ID}"
    flat = read([shown([{"id": denial["id"], **denial["properties"]}], by_cli)])
    assert flat.denials_listed(KEY_ID).state is State.SEEN
    assert [fact.value["properties"]["scope"] for fact in flat.denials_covering(KEY_ID) if fact.value] == [VAULT_ID]
    assert read([shown([], f"{by_cli} --filter atScope()")]).denials_listed(KEY_ID).state is State.NOT_GIVEN
    assert read([shown({"value": []})]).denials_listed(KEY_ID).state is State.NOT_GIVEN


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        (KEY_ID, True),
        (KEY_ID.lower() + "/", True),
        (VAULT_ID, True),
        (f"/subscriptions/{SUBSCRIPTION}", True),
        ("/", True),
        ("/providers/Microsoft.Management/managementGroups/root", True),
        (KEY_ID + "2", False),
        (KEY_ID[:-1], False),
        (f"{VAULT_ID}/keys/other", False),
    ],
)
def test_scopes_are_compared_by_whole_segments(scope: str, *, covered: bool) -> None:
    assert covers(scope, KEY_ID) is covered


def test_exhibits_of_other_clouds_are_passed_over() -> None:
    assert read([shown(VAULT, "gcloud kms keys list")]) == AzureEvidence(read([]).account)


_NAMES = [
    "id",
    "appId",
    "objectId",
    "value",
    "properties",
    "key",
    "kid",
    "attributes",
    "enabled",
    "exp",
    "scope",
    "name",
]
_MORE = [
    "vaultUri",
    "accessPolicies",
    "roleName",
    "permissions",
    "principalId",
    "roleDefinitionId",
    "denyAssignmentName",
]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True)
    | st.sampled_from([KID, ""])
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES + _MORE), inner, max_size=6),
    max_leaves=20,
)
COMMANDS = st.sampled_from(["", SHOW_KEY, LIST_ASSIGNMENTS, f"az rest --url '{DENY_URL}'", "az ad sp list", "az x"])


@given(st.lists(st.tuples(COMMANDS, JSON), max_size=4))
def test_no_document_raises(outputs: list[tuple[str, object]]) -> None:
    found = read([Exhibit(command, output, "") for command, output in outputs])
    found.denials_covering(KEY_ID)
    found.role("x")
    found.network("v")
    found.service_principal("x")


# --- What Azure says to anybody --------------------------------------------------------------------------------------

OTHER = "c3a9e1d4-8b52-47f6-b0e9-2d6f7a815c34"
CALL = "curl --silent --output /dev/null '--write-out=%{header_json}' --url 'https://ekm-vault.vault.azure.net/keys?api-version=7.4'"
DISCOVERY = f"curl --silent --url https://login.microsoftonline.com/{TENANT}/v2.0/.well-known/openid-configuration"
BEARER = 'Bearer authorization="https://login.microsoftonline.com/{}", resource="https://vault.azure.net"'


def test_a_vault_names_its_tenant_to_anybody():
    known = read([Exhibit(CALL, {"www-authenticate": [BEARER.format(OTHER)]}, "")])
    assert known.challenge("EKM-vault").value == OTHER
    assert known.challenge("other").state is State.NOT_GIVEN


@pytest.mark.parametrize(
    ("command", "headers"),
    [
        (CALL, []),
        (CALL, ["Bearer realm=here"]),
        (CALL, [BEARER.format(OTHER), BEARER.format(TENANT)]),
        (CALL, [BEARER.format(OTHER).replace("login.microsoftonline.com", "login.microsoftonline.com.evil.example")]),
        (CALL, [7]),
        (CALL.replace("ekm-vault.vault.azure.net", "example.com"), [BEARER.format(OTHER)]),
        ("", [BEARER.format(OTHER)]),
    ],
)
def test_no_other_answer_names_a_tenant(command, headers):
    assert not read([Exhibit(command, {"www-authenticate": headers}, "")]).challenges


def test_entra_tells_which_tenants_there_are():
    issuer = f"https://login.microsoftonline.com/{TENANT}/v2.0"
    there = Exhibit(DISCOVERY, {"issuer": issuer, "token_endpoint": "https://login.microsoftonline.com/x"}, "")
    assert read([there]).tenant(TENANT.upper()).state is State.SEEN
    error = {
        "error": "invalid_tenant",
        "error_description": f"AADSTS90002: Tenant '{TENANT}' not found.",
        "error_codes": [90002],
        "timestamp": "2026-11-27 08:23:17Z",
        "trace_id": "81beda46-f15d-4e7d-b42b-71374dccc100",
    }
    gone = Exhibit(DISCOVERY, error, json.dumps(error))
    assert outcome(gone).state is State.ABSENT
    assert read([gone]).tenant(TENANT).state is State.ABSENT
    assert read([there, gone]).tenant(TENANT).state is State.CONFLICTING


def test_another_error_of_entra_is_no_absence():
    error = {"error": "server_error", "error_description": "AADSTS90033: A transient error has occurred."}
    assert read([Exhibit(DISCOVERY, error, json.dumps(error))]).tenant(TENANT).state is State.FAILED


def test_of_any_other_command_an_unknown_tenant_means_that_it_was_not_signed_in():
    text = f"ERROR: AADSTS90002: Tenant '{TENANT}' not found."
    listed = Exhibit(f"az ad sp list \"--filter=appId eq '{AZURE_APP_ID}'\" --output=json", None, text)
    assert read([listed]).service_principal(AZURE_APP_ID).state is State.FAILED


def test_a_sign_in_without_a_subscription_shows_its_tenant_alone():
    account = {"environmentName": "AzureCloud", "id": TENANT, "tenantId": TENANT, "name": "N/A(tenant level account)"}
    whole = {"environmentName": "AzureCloud", "id": SUBSCRIPTION, "tenantId": TENANT, "homeTenantId": TENANT}
    known = read([Exhibit("az account show", account, "")]).account
    assert known.value is not None
    assert (known.value.tenant_id, known.value.subscription_id) == (TENANT, "")
    both = read([Exhibit("az account show", account, ""), Exhibit("az account show", whole, "")]).account
    assert both.value is not None
    assert both.value.subscription_id == SUBSCRIPTION


ARM_KEY = f"az rest --method=get '--url=https://management.azure.com{KEY_ID}?api-version=2023-07-01'"


def test_resource_manager_shows_the_current_version_of_a_key():
    properties = {
        "attributes": {"enabled": True},
        "kty": "RSA",
        "keyOps": ["encrypt"],
        "keyUri": KID.rpartition("/")[0],
    }
    shown = Exhibit(ARM_KEY, {"id": KEY_ID, "properties": {**properties, "keyUriWithVersion": KID}}, "")
    key = read([shown]).key("ekm-vault", KEY_NAME).value
    assert key is not None
    assert (key.current, key.enabled, key.operations) == (True, True, ("encrypt",))


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("ERROR: (KeyNotFound) A key with (name/id) x was not found in this key vault.", State.ABSENT),
        ("ERROR: (ResourceNotFound) The Resource 'Microsoft.KeyVault/vaults/v' was not found.", State.FAILED),
        ("ERROR: (AuthorizationFailed) The client 'a' does not have authorization to perform action", State.REFUSED),
    ],
)
def test_resource_manager_that_finds_no_vault_says_nothing_of_the_key(text, state):
    assert read([Exhibit(ARM_KEY, None, text)]).key("ekm-vault", KEY_NAME).state is state


def test_a_key_that_is_not_shown_since_it_is_disabled():
    text = "ERROR: (Forbidden) Operation get is not allowed on a disabled key.\nCode: Forbidden"
    asked = Exhibit(f"az keyvault key show --vault-name=ekm-vault --name={KEY_NAME}", None, text)
    assert outcome(asked).state is State.FAILED
    key = read([asked]).key("ekm-vault", KEY_NAME).value
    assert key is not None
    assert (key.enabled, key.current) == (False, True)
