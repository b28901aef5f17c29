"""The Azure part of the kit: OpenAI's service principal, a vault and key, and a custom role on that key alone.

Facts: help article 20000951, the reference of the Azure CLI and the documentation of the Terraform providers azurerm 4
and azuread 3, read on 2026-11-23. The application is OpenAI's own; the kit makes no secret and no credential.
"""

from __future__ import annotations

from ekm_core.azure import snippets as azure
from ekm_core.azure.snippets import option
from ekm_core.kitparts import (
    KitFile,
    Parts,
    Variable,
    code,
    friendly_name,
    name_variable,
    outputs_tf,
    titled,
)
from ekm_core.model import Configuration, Snippet, Values
from ekm_core.snippets import hcl, sh
from ekm_core.values import FIELDS
from ekm_core.vendor import AZURE_APP_ID, AZURE_APP_NAME, AZURE_DATA_ACTIONS, AZURE_KEY_NAME_PATTERN

_SOFT_DELETE_DAYS = 90
_DATA_ACTIONS = "".join(f"      {hcl(action)},\n" for action in AZURE_DATA_ACTIONS)

_MAIN = f"""data "azurerm_resource_group" "vault" {{
  name = var.resource_group
}}

# OpenAI's application; a service principal that is there already is taken over.
resource "azuread_service_principal" "openai_ekm" {{
  client_id    = {hcl(AZURE_APP_ID)}
  use_existing = true
}}

resource "azurerm_key_vault" "openai_ekm" {{
  name                       = var.vault_name
  resource_group_name        = data.azurerm_resource_group.vault.name
  location                   = data.azurerm_resource_group.vault.location
  tenant_id                  = var.tenant_id
  sku_name                   = "standard"
  rbac_authorization_enabled = true
  purge_protection_enabled   = true
  soft_delete_retention_days = {_SOFT_DELETE_DAYS}

  lifecycle {{
    prevent_destroy = true
  }}
}}

resource "azurerm_key_vault_key" "openai_ekm" {{
  name         = var.key_name
  key_vault_id = azurerm_key_vault.openai_ekm.id
  key_type     = "RSA"
  key_size     = {azure.KEY_SIZE}
  key_opts     = ["encrypt", "decrypt"]

  # Deleting the key would make the data that it protects unreadable.
  lifecycle {{
    prevent_destroy = true
  }}
}}

resource "azurerm_role_definition" "openai_ekm" {{
  name  = {hcl(azure.ROLE_NAME)}
  scope = "/subscriptions/${{var.subscription_id}}"

  permissions {{
    data_actions = [
{_DATA_ACTIONS}    ]
  }}

  assignable_scopes = ["/subscriptions/${{var.subscription_id}}"]
}}

# On the key, not on the vault: OpenAI can use this key and no other.
resource "azurerm_role_assignment" "openai_ekm" {{
  scope              = azurerm_key_vault_key.openai_ekm.resource_versionless_id
  role_definition_id = azurerm_role_definition.openai_ekm.role_definition_resource_id
  principal_id       = azuread_service_principal.openai_ekm.object_id
  principal_type     = "ServicePrincipal"
}}
"""
_VERSIONS = """terraform {
  required_version = ">= 1.3"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 4.42"
    }
    azuread = {
      source  = "hashicorp/azuread"
      version = "~> 3.0"
    }
  }
}

provider "azurerm" {
  subscription_id = var.subscription_id
  tenant_id       = var.tenant_id

  features {}
}

provider "azuread" {
  tenant_id = var.tenant_id
}
"""
_OUTPUTS = outputs_tf(
    {
        "type": hcl("azure"),
        "name": "var.registration_name",
        "tenant_id": "azurerm_key_vault.openai_ekm.tenant_id",
        "vault_uri": "azurerm_key_vault.openai_ekm.vault_uri",
        "key_name": "azurerm_key_vault_key.openai_ekm.name",
    }
)


def parts(configuration: Configuration, values: Values) -> Parts:
    """The Azure side. values: those of the configuration that are right; the rest is open."""
    fields = {**azure.registration_fields(values), **friendly_name(configuration)}
    return Parts(
        needs=(
            "The Azure CLI or Terraform, signed in to the tenant and subscription of the vault.",
            "In Microsoft Entra ID: the role Application Administrator or Cloud Application Administrator, to create "
            "OpenAI's service principal.",
            "In Azure: Owner, or User Access Administrator and Contributor, on the subscription.",
            "Key Vault Administrator on the resource group: even an Owner cannot create keys without it. A role takes "
            "up to 10 minutes to work.",
            "A resource group for the vault.",
        ),
        plan=_plan(values),
        create=_create(values),
        policies=(
            KitFile("policies/custom-role.json", titled("the custom role for OpenAI", azure.role_document(values))),
        ),
        checklist=_checklist(values),
        variables=_variables(values, fields["name"]),
        main=_MAIN,
        outputs=_OUTPUTS,
        versions=_VERSIONS,
        registration=fields,
        notes=(
            "A new custom role takes some minutes until it can be assigned. If the last step does not find it, run "
            "create.sh or Terraform again.",
            "The vault gets purge protection, which can never be switched off again. It keeps a deleted key for "
            f"{_SOFT_DELETE_DAYS} days.",
            "A vault that uses access policies is left alone: create.sh stops there, because the switch to role-based "
            "access makes all of them stop counting at once.",
            "Rotation of the key is left to you. It makes a new version and does not cut OpenAI's access. Keep the "
            "older versions enabled: they decrypt what was encrypted with them.",
            "The service principal is known in the portal as "
            f"{code(AZURE_APP_NAME)}, with the application id {code(AZURE_APP_ID)}.",
        ),
        undo=(_unassign(values),),
    )


def _plan(values: Values) -> tuple[str, ...]:
    tenant, subscription = values.need("tenant_id"), values.need("subscription_id")
    vault, group = values.need("vault"), values.need("resource_group")
    return (
        f"stop, unless you are signed in to tenant {tenant} and subscription {subscription}",
        f"create the service principal of OpenAI's application {AZURE_APP_ID}",
        f"create the vault {vault} in the resource group {group}, with role-based access and purge protection",
        f"create the RSA key {values.need('key_name')} in it",
        f'create the custom role "{azure.ROLE_NAME}" and assign it to OpenAI on that key',
    )


def _create(values: Values) -> str:
    group, vault = option("resource-group", values.need("resource_group")), values.need("vault")
    name, key = option("name", vault), values.need("key_name")
    return f"""# $1: a list, one item a line. $2: the item to find. A list that could not be read stops the script.
has() {{
  grep -Fixq -- "$2" <<< "$1"
}}

signed_in="$(az account show --query='[tenantId, id]' --output=tsv)"
if ! has "$signed_in" {sh(values.need("tenant_id"))} || ! has "$signed_in" {sh(values.need("subscription_id"))}; then
  echo 'You are signed in elsewhere. Run these two commands first:' >&2
  echo {sh("  " + azure.sign_in(values).text)} >&2
  echo {sh("  az account set " + option("subscription", values.need("subscription_id")))} >&2
  exit 1
fi

principal="$(az ad sp list --filter="appId eq '{AZURE_APP_ID}'" --query='[].id' --output=tsv)"
if [ -z "$principal" ]; then
  {azure.create_service_principal()[0].text}
fi

vaults="$(az keyvault list {group} --query='[].name' --output=tsv)"
if has "$vaults" {sh(vault)}; then
  rbac="$(az keyvault show {name} --query=properties.enableRbacAuthorization --output=tsv)"
  if [ "$rbac" != true ]; then
    echo 'The vault is there already and uses access policies. Switch it to role-based access first.' >&2
    exit 1
  fi
else
  location="$(az group show {option("name", values.need("resource_group"))} --query=location --output=tsv)"
  az keyvault create {name} {group} --location="$location" \\
    --enable-rbac-authorization=true --enable-purge-protection=true --retention-days={_SOFT_DELETE_DAYS}
fi

# Creating a key that is there already would add a version to it.
keys="$(az keyvault key list {option("vault-name", vault)} --query='[].name' --output=tsv)"
if ! has "$keys" {sh(key)}; then
  {azure.create_key(values, name=key).text}
fi

roles="$(az role definition list {option("name", azure.ROLE_NAME)} --query='[].roleName' --output=tsv)"
if has "$roles" {sh(azure.ROLE_NAME)}; then
  echo 'The custom role is there already. Compare it with policies/custom-role.json.'
else
  {azure.create_role(values).text}
fi

{azure.assign_role(values).text}

echo 'Done. Now register the key: see README.md.'
"""


def _checklist(values: Values) -> tuple[str, ...]:
    vault, key = code(values.need("vault")), code(values.need("key_name"))
    return (
        f"Open the Azure portal in the tenant {code(values.need('tenant_id'))}.",
        "Create OpenAI's service principal: open Cloud Shell and run "
        f"{code(azure.create_service_principal()[0].text)}.",
        f"Open Subscriptions, {code(values.need('subscription_id'))}, Access control (IAM), Add, Add custom role. On "
        "the JSON tab, enter the name, the data actions and the assignable scope of policies/custom-role.json.",
        f"Create the key vault {vault} in the resource group {code(values.need('resource_group'))}. Choose role-based "
        "access control (RBAC) and enable purge protection.",
        "Give yourself the role Key Vault Administrator on the vault. Wait some minutes.",
        f"Open the vault, then Objects, Keys, Generate/Import. Generate an RSA key with the name {key}.",
        f"Open the key, then Access control (IAM), Add role assignment. Choose the role {code(azure.ROLE_NAME)}.",
        f"Under Members choose User, group, or service principal, search for {code(AZURE_APP_NAME)}, and assign.",
    )


def _variables(values: Values, registration_name: str) -> tuple[Variable, ...]:
    return (
        _variable("tenant_id", "tenant_id", values),
        _variable("subscription_id", "subscription_id", values),
        _variable("resource_group", "resource_group", values),
        # RE2, which Terraform uses, knows no look-ahead.
        _variable("vault_name", "vault", values, "[a-zA-Z][a-zA-Z0-9-]{1,22}[a-zA-Z0-9]"),
        Variable(
            "key_name",
            values.get("key_name"),
            "Key name: your OpenAI organization ID, two dashes, and any name",
            AZURE_KEY_NAME_PATTERN.removeprefix("^").removesuffix("$"),
            "A key's name begins with your organization ID and two dashes, such as org-AbCdEf123456--ekm.",
        ),
        name_variable(registration_name),
    )


def _variable(name: str, value: str, values: Values, pattern: str = "") -> Variable:
    field = FIELDS[value]
    return Variable(
        name,
        values.get(value),
        f"{field.label}. {field.help}",
        pattern or field.pattern.pattern,
        field.problem,
    )


def _unassign(values: Values) -> Snippet:
    return azure.bash(
        "Take the role off the key",
        "az role assignment delete",
        option("assignee", AZURE_APP_ID),
        option("role", azure.ROLE_NAME),
        option("scope", azure.key_scope(values)),
    )
