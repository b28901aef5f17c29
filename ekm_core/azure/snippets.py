"""Commands, documents and Terraform for Azure, built from the user's values.

Facts: help article 20000951 (application id, data actions, RSA key, key name), Microsoft Graph's deletedItems, and the
documentation of the Terraform providers azurerm and azuread, read on 2026-11-23. The commands were parsed by the Azure
CLI of that day. The use of azapi follows public code.

The Azure CLI reads a file for every value that begins with an at sign, also behind ``--option=``. No name or id of
Azure begins with one, so such a value is shown as a placeholder that is still open (see ``argument``).
"""

from __future__ import annotations

import json
import re
from urllib.parse import quote

from ekm_core.model import Fix, Language, Look, Snippet, Values
from ekm_core.openai import snippets as openai
from ekm_core.snippets import hcl, json_snippet, sh, snippet, told
from ekm_core.vendor import AZURE_APP_ID, AZURE_APP_NAME, AZURE_DATA_ACTIONS

ROLE_NAME = "OpenAI EKM key user"
VAULT_API_VERSION = "2023-07-01"
# Any RSA size is accepted (article 20000951); 3072 bits are the least that Key Vault offers beyond 2048.
KEY_SIZE = 3072
KEY_NAME_MAX = 127

_GRAPH = "https://graph.microsoft.com/v1.0"
_MANAGEMENT = "https://management.azure.com"
_DENY_API_VERSION = "2022-04-01"
_NOT_IN_KEY_NAMES = re.compile(r"[^0-9a-zA-Z-]+")
_ORGANIZATION_PREFIX = re.compile(r"org-[0-9a-zA-Z]*-+")
# Looks the object id up where it is used: an id copied from "App registrations" is another one and never works.
_OBJECT_ID_LOOKUP = f'"$(az ad sp show --id {AZURE_APP_ID} --query id --output tsv)"'


def argument(values: Values, name: str) -> str:
    """A value for an az argument, or its placeholder where it is open or begins with an at sign (see the module)."""
    value = values.need(name)
    return f"<{name.upper()}>" if value.startswith("@") else value


def option(flag: str, value: str) -> str:
    """``--flag='value'`` as one shell word: a leading dash in the value cannot become a flag."""
    return f"--{flag}={sh(value)}"


def bash(title: str, *lines: str) -> Snippet:
    """A shell snippet of one command over several lines, continued by backslashes."""
    return snippet(title, Language.BASH, " \\\n  ".join(lines))


def subscription_scope(values: Values) -> str:
    """The ARM id of the subscription."""
    return f"/subscriptions/{values.need('subscription_id')}"


def vault_scope(values: Values) -> str:
    """The ARM id of the vault."""
    group, vault = values.need("resource_group"), values.need("vault")
    return f"{subscription_scope(values)}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{vault}"


def key_scope(values: Values) -> str:
    """The ARM id of the key: the scope on which the role must be assigned."""
    return f"{vault_scope(values)}/keys/{values.need('key_name')}"


def vault_uri(values: Values) -> str:
    """The vault's address in the public cloud, as it is registered with OpenAI."""
    return f"https://{values.need('vault')}.vault.azure.net/"


def ekm_key_name(values: Values) -> str:
    """A key name that OpenAI accepts: ``<organization id>--<name>``, made from the present name where there is one.

    A name that fits already stays as it is. Without an organization id the placeholder stands in its place.
    """
    organization, name = argument(values, "organization_id"), values.get("key_name")
    if name.startswith(f"{organization}--") and not _NOT_IN_KEY_NAMES.search(name):
        return name
    tail = name.rpartition("--")[2] if "--" in name else _ORGANIZATION_PREFIX.sub("", name, count=1)
    tail = _NOT_IN_KEY_NAMES.sub("-", tail).strip("-") or "ekm-key"
    return f"{organization}--{tail[: max(1, KEY_NAME_MAX - len(organization) - 2)]}"


# --- Looking: nothing below changes anything -------------------------------------------------------------------------


def show_tenant() -> Snippet:
    """Which tenant and subscription the Azure CLI is signed in to."""
    return bash(
        "See which tenant you are signed in to",
        "az account show",
        "--query '{id:id,tenantId:tenantId,homeTenantId:homeTenantId,isDefault:isDefault}' -o json",
    )


def show_service_principal() -> Snippet:
    """Whether OpenAI's service principal exists in the tenant, and whether it is enabled."""
    return bash(
        "Look for OpenAI's service principal in this tenant",
        f"az ad sp show --id {AZURE_APP_ID}",
        "--query '{objectId:id,appId:appId,name:displayName,enabled:accountEnabled}' -o json",
    )


def sign_in(values: Values) -> Snippet:
    """Sign in to the tenant that owns the vault."""
    return bash(
        "Sign in to the tenant that owns the vault", f"az login {option('tenant', argument(values, 'tenant_id'))}"
    )


def deleted_service_principals() -> Snippet:
    """Whether OpenAI's service principal was deleted in the last 30 days."""
    return bash(
        "Look for it among the deleted service principals",
        "az rest --method get",
        f"--url {_GRAPH}/directory/deletedItems/microsoft.graph.servicePrincipal",
        f"--query \"value[?appId=='{AZURE_APP_ID}'].{{id:id,appId:appId,deletedDateTime:deletedDateTime}}\" -o json",
    )


def show_vault(values: Values) -> Snippet:
    """The vault's tenant, permission model and network settings."""
    return bash(
        "See the vault's tenant, permission model and network",
        f"az keyvault show {option('name', argument(values, 'vault'))} -o json",
    )


def list_vaults() -> Snippet:
    """The vaults of the subscription with their addresses."""
    return bash("List the vaults of this subscription", "az keyvault list --query '[].{name:name,id:id}' -o table")


def list_keys(values: Values) -> Snippet:
    """The names of the keys in the vault."""
    return bash(
        "List the keys of the vault",
        f"az keyvault key list {option('vault-name', argument(values, 'vault'))} -o json",
    )


def list_deleted_keys(values: Values) -> Snippet:
    """The keys of the vault that were deleted and can still be recovered."""
    return bash(
        "List the deleted keys of the vault",
        f"az keyvault key list-deleted {option('vault-name', argument(values, 'vault'))} -o json",
    )


def list_deleted_vaults() -> Snippet:
    """The vaults that were deleted and can still be recovered."""
    return bash("List the deleted vaults", "az keyvault list-deleted --resource-type vault -o json")


def show_key(values: Values) -> Snippet:
    """The key's type, permitted operations, state and dates."""
    return bash(
        "See the key's type, operations, state and dates",
        "az keyvault key show",
        option("vault-name", argument(values, "vault")),
        option("name", argument(values, "key_name")),
        "--query '{kid:key.kid,type:key.kty,operations:key.keyOps,attributes:attributes}' -o json",
    )


def list_assignments(values: Values) -> Snippet:
    """Every role assignment that reaches the key, inherited ones included."""
    return bash(
        "List every role assignment that reaches the key",
        "az role assignment list --include-inherited -o json",
        option("scope", key_scope(values)),
    )


def list_openai_roles() -> Snippet:
    """Every role of OpenAI's service principal in the subscription, on whatever scope."""
    return bash(
        "List every role of OpenAI's service principal",
        f"az role assignment list --all --assignee={AZURE_APP_ID} -o json",
    )


def show_role() -> Snippet:
    """The custom roles of the subscription, with all their data actions."""
    return bash(
        "See the custom roles with their data actions",
        "az role definition list --custom-role-only true -o json",
    )


def list_deny_assignments(values: Values) -> Snippet:
    """The deny assignments that reach the vault."""
    path = quote(vault_scope(values), safe="/<>", errors="replace")
    url = f"{_MANAGEMENT}{path}/providers/Microsoft.Authorization/denyAssignments?api-version={_DENY_API_VERSION}"
    return bash("List the deny assignments on the vault", "az rest --method get", f"--url {sh(url)}")


# --- Mending ---------------------------------------------------------------------------------------------------------


def create_service_principal() -> tuple[Snippet, ...]:
    """Creates OpenAI's service principal, by the CLI or by Microsoft Graph: either one is enough."""
    body = sh(json.dumps({"appId": AZURE_APP_ID}))
    return (
        bash("Create OpenAI's service principal", f"az ad sp create --id {AZURE_APP_ID}"),
        bash(
            "The same through Microsoft Graph (instead of the command above)",
            f"az rest --method post --url {_GRAPH}/servicePrincipals",
            f"--body {body}",
        ),
    )


def restore_service_principal() -> Snippet:
    """Restores the deleted service principal; it keeps its object id."""
    query = f"\"value[?appId=='{AZURE_APP_ID}'].id | [0]\""
    items = f"{_GRAPH}/directory/deletedItems"
    lookup = f"$(az rest --method get --url {items}/microsoft.graph.servicePrincipal --query {query} --output tsv)"
    return bash(
        "Restore the deleted service principal (within 30 days)",
        f'az rest --method post --url "{items}/{lookup}/restore"',
    )


def enable_service_principal() -> Snippet:
    """Lets the service principal sign in again."""
    return bash(
        "Let OpenAI's service principal sign in", f"az ad sp update --id {AZURE_APP_ID} --set accountEnabled=true"
    )


def role_definition(values: Values) -> dict[str, object]:
    """The custom role with the three data actions that OpenAI needs and nothing else."""
    return {
        "Name": ROLE_NAME,
        "IsCustom": True,
        "Description": "Lets the EKM application of OpenAI encrypt and decrypt with one key.",
        "Actions": [],
        "NotActions": [],
        "DataActions": list(AZURE_DATA_ACTIONS),
        "NotDataActions": [],
        "AssignableScopes": [subscription_scope(values)],
    }


def role_document(values: Values) -> Snippet:
    """The custom role as the JSON document that the portal and the CLI take."""
    return json_snippet("Custom role for OpenAI", role_definition(values))


def create_role(values: Values) -> Snippet:
    """Creates the custom role."""
    return bash(
        "Create the custom role",
        f"az role definition create --role-definition={sh(json.dumps(role_definition(values)))}",
    )


def update_role(values: Values) -> Snippet:
    """Gives the custom role of this name all three data actions; the document replaces all that the role was."""
    return bash(
        "Give the custom role all three data actions (replaces the whole role: add what else it must hold)",
        f"az role definition update --role-definition={sh(json.dumps(role_definition(values)))}",
    )


def assign_role(values: Values) -> Snippet:
    """Assigns the custom role to OpenAI's service principal on the key."""
    return bash(
        "Assign the role to OpenAI's service principal on the key",
        "az role assignment create --assignee-principal-type ServicePrincipal",
        f"--assignee-object-id={_OBJECT_ID_LOOKUP}",
        option("role", ROLE_NAME),
        option("scope", key_scope(values)),
    )


def create_key(values: Values, *, name: str = "") -> Snippet:
    """Creates the RSA key; ``name`` replaces the name that the user gave."""
    return bash(
        "Create the key",
        f"az keyvault key create --kty RSA --size {KEY_SIZE} --ops encrypt decrypt",
        option("vault-name", argument(values, "vault")),
        option("name", name or ekm_key_name(values)),
    )


def enable_rbac(values: Values) -> Snippet:
    """Switches the vault to RBAC: its access policies stop counting at once."""
    return bash(
        "Switch the vault to role-based access (its access policies stop counting at once)",
        "az keyvault update --enable-rbac-authorization true",
        option("name", argument(values, "vault")),
        option("resource-group", argument(values, "resource_group")),
    )


def enable_key(values: Values) -> Snippet:
    """Enables the key's current version."""
    return bash(
        "Enable the key",
        "az keyvault key set-attributes --enabled true",
        option("vault-name", argument(values, "vault")),
        option("name", argument(values, "key_name")),
    )


def new_key_version(values: Values) -> Snippet:
    """Adds a version without expiry to the same key; older versions stay for decryption."""
    return snippet(
        "Add a new version to the same key",
        Language.BASH,
        create_key(values, name=argument(values, "key_name")).text,
    )


def public_network(values: Values) -> Snippet:
    """Opens the vault's public endpoint while its firewall goes on to refuse addresses that are not listed."""
    return bash(
        "Open the public endpoint, for listed addresses only",
        "az keyvault update --public-network-access Enabled --default-action Deny",
        option("name", argument(values, "vault")),
        option("resource-group", argument(values, "resource_group")),
    )


def allow_address(values: Values) -> Snippet:
    """Adds one address range to the vault's firewall; the range is always left open, we know none for sure."""
    return bash(
        "Allow one address range that OpenAI gave you",
        "az keyvault network-rule add --ip-address='<OPENAI_ADDRESS_RANGE>'",
        option("name", argument(values, "vault")),
        option("resource-group", argument(values, "resource_group")),
    )


# --- Terraform -------------------------------------------------------------------------------------------------------


def terraform_service_principal() -> Snippet:
    """OpenAI's service principal; an existing one is adopted."""
    text = f"""resource "azuread_service_principal" "openai_ekm" {{
  client_id    = {hcl(AZURE_APP_ID)}
  use_existing = true
}}
"""
    return snippet("OpenAI's service principal (azuread 3)", Language.HCL, text)


def terraform_access(values: Values) -> Snippet:
    """The custom role and its assignment on the key."""
    actions = "".join(f"      {hcl(action)},\n" for action in AZURE_DATA_ACTIONS)
    text = f"""data "azuread_service_principal" "openai_ekm" {{
  client_id = {hcl(AZURE_APP_ID)}
}}

resource "azurerm_role_definition" "openai_ekm" {{
  name  = {hcl(ROLE_NAME)}
  scope = {hcl(subscription_scope(values))}

  permissions {{
    data_actions = [
{actions}    ]
  }}

  assignable_scopes = [{hcl(subscription_scope(values))}]
}}

resource "azurerm_role_assignment" "openai_ekm" {{
  scope              = {hcl(key_scope(values))}
  role_definition_id = azurerm_role_definition.openai_ekm.role_definition_resource_id
  principal_id       = data.azuread_service_principal.openai_ekm.object_id
  principal_type     = "ServicePrincipal"
}}
"""
    return snippet("Custom role and its assignment on the key (azurerm 4)", Language.HCL, text)


def terraform_vault_mode(values: Values) -> Snippet:
    """The vault's permission model, changed in place on a vault that other code or nobody manages."""
    text = f"""resource "azapi_update_resource" "vault_rbac" {{
  type        = "Microsoft.KeyVault/vaults@{VAULT_API_VERSION}"
  resource_id = {hcl(vault_scope(values))}

  body = {{
    properties = {{
      enableRbacAuthorization = true
    }}
  }}
}}
"""
    return snippet("Switch the vault to role-based access (azapi 2)", Language.HCL, text)


def terraform_key(values: Values) -> Snippet:
    """The RSA key with a name that OpenAI accepts."""
    text = f"""resource "azurerm_key_vault_key" "openai_ekm" {{
  name         = {hcl(ekm_key_name(values))}
  key_vault_id = {hcl(vault_scope(values))}
  key_type     = "RSA"
  key_size     = {KEY_SIZE}
  key_opts     = ["encrypt", "decrypt"]
}}
"""
    return snippet("The key (azurerm 4)", Language.HCL, text)


# --- Registration and proof ------------------------------------------------------------------------------------------


def registration_fields(values: Values, *, key_name: str = "") -> dict[str, str]:
    """The fields of the registration (20000953), by the API's own names; ``key_name`` replaces the user's."""
    return {
        "type": "azure",
        "name": "Azure EKM",
        "tenant_id": values.need("tenant_id"),
        "vault_uri": vault_uri(values),
        "key_name": key_name or values.need("key_name"),
    }


def register(values: Values, *, key_name: str = "") -> tuple[Snippet, ...]:
    """The registration with OpenAI; ``key_name`` replaces the name that the user gave."""
    return openai.register(registration_fields(values, key_name=key_name))


def proof(values: Values) -> tuple[Snippet, ...]:
    """How to prove that it is mended: OpenAI's own validation."""
    return openai.validate(values)


# --- Ways to look and to mend that several causes share --------------------------------------------------------------


def keys_console(values: Values) -> str:
    """The way to the keys of the vault in the portal; the sentence goes on."""
    return f"Open {told('the key vault ', values.need('vault'), 'your key vault')}, then Objects, then Keys"


def key_console(values: Values) -> str:
    """The way to the key in the portal."""
    return f"{keys_console(values)}, then {told('', values.need('key_name'), 'your key')}."


def look_service_principal(values: Values) -> Look:
    """Whether OpenAI's service principal exists in the tenant of the vault."""
    return Look(
        console=(
            "Open the Azure portal and switch to the directory (tenant) that owns the key vault.",
            "Open Microsoft Entra ID, then Enterprise applications, and set the filter Application type to All.",
            f"Search for {AZURE_APP_ID}. The entry is named {AZURE_APP_NAME}.",
        ),
        commands=(sign_in(values), show_service_principal()),
    )


def look_key(values: Values) -> Look:
    """Which vault and key there are."""
    return Look(
        console=(
            f"Open Key vaults in the Azure portal and open {told('', values.need('vault'), 'your vault')}.",
            "Compare the Vault URI on the Overview page with the vault_uri that you registered.",
            "Open Objects, then Keys, and compare the name with the key_name that you registered, character by "
            "character. Seeing keys needs the role Key Vault Administrator or Key Vault Reader, also for an Owner.",
        ),
        commands=(list_vaults(), list_keys(values), show_key(values)),
    )


def look_access(values: Values) -> Look:
    """Which roles reach the key."""
    return Look(
        console=(
            key_console(values),
            "Open Access control (IAM), then Role assignments.",
            f"Look for {AZURE_APP_NAME}, its role, and its scope. The scope must be this key.",
        ),
        commands=(show_service_principal(), list_assignments(values), show_role()),
    )


def fix_access(values: Values, summary: str) -> Fix:
    """The custom role and its assignment on the key."""
    return Fix(
        summary=summary,
        console=(
            "In Subscriptions, open the subscription of the vault, then Access control (IAM), Add, Add custom role. "
            "On the JSON tab, paste the custom role of this page.",
            key_console(values),
            "Open Access control (IAM), Add, Add role assignment. Choose the custom role.",
            f"Under Members choose User, group, or service principal, search for {AZURE_APP_NAME}, and assign.",
        ),
        policies=(role_document(values),),
        cli=(create_role(values), assign_role(values)),
        terraform=(terraform_access(values),),
        verify=(list_assignments(values), *proof(values)),
    )


def fix_registration(values: Values, summary: str, suspects: tuple[str, ...]) -> Fix:
    """Register the right tenant, vault and key, and remove the wrong registration.

    suspects: the names whose present values may be the very fault. They stay open, unless the user typed them: the
    value that an error or the configuration names is the one that was registered, and to print it as the repair would
    repeat the mistake.
    """
    values = values.doubting(*suspects)
    return Fix(
        summary=summary,
        console=(
            "The API has no call that edits a registration. Register the right values again and create your project "
            "with the new id. Delete the old registration once no project uses it.",
            "ChatGPT Enterprise customers send the corrected values to their OpenAI contact instead.",
        ),
        cli=(openai.list_keys(), *register(values)),
        verify=proof(values),
    )
