"""One read-only script for Azure Cloud Shell: everything that the checks of this cloud can use.

The commands are the Azure CLI's; the permissions are those of Microsoft's lists of Azure operations, 2026-11-23. The
answers are read by ``ekm_core.azure.evidence``.
"""

from __future__ import annotations

import re

from ekm_core import collect
from ekm_core.model import Configuration, Language, Snippet
from ekm_core.snippets import json_snippet, sh, snippet
from ekm_core.vendor import AZURE_APP_ID

_VAULT = re.compile(r"https://([A-Za-z][A-Za-z0-9-]{2,23})\.vault\.(?:azure\.net|azure\.cn|usgovcloudapi\.net)(?:/.*)?")
_KEY_NAME = re.compile(r"[0-9A-Za-z-]{1,127}")
READS = (
    "which tenant and subscription you are signed in to",
    "OpenAI's service principal in this tenant, also where it was deleted",
    "the vault, and the key with its versions (never its private part)",
    "the custom roles of this subscription, the role assignments and the deny assignments at the key and above",
)
_ACTIONS = (
    "Microsoft.Authorization/denyAssignments/read",
    "Microsoft.Authorization/roleAssignments/read",
    "Microsoft.Authorization/roleDefinitions/read",
    "Microsoft.KeyVault/vaults/read",
)
_ROLE = {
    "Name": "OpenAI EKM set-up reader",
    "IsCustom": True,
    "Description": "Reads what OpenAI's external key management needs. It cannot use keys or change anything.",
    "Actions": [*_ACTIONS],
    "NotActions": [],
    "DataActions": ["Microsoft.KeyVault/vaults/keys/read"],
    "NotDataActions": [],
    "AssignableScopes": ["/subscriptions/<SUBSCRIPTION_ID>"],
}
_BESIDE = """Microsoft Entra: members may read service principals as a rule; else the role Directory Readers.
A vault with access policies: the key permissions Get and List in its access policies, in place of the data action.
"""


def vault_name(configuration: Configuration) -> str:
    """The vault's name out of its registered URI, or the placeholder where the URI does not show it."""
    found = _VAULT.fullmatch(configuration.get("vault_uri"))
    return found[1] if found else "<VAULT>"


def script(configuration: Configuration) -> Snippet:
    """The script; what the configuration leaves open, or gives in a wrong form, is a marked placeholder in it."""
    vault, given = vault_name(configuration), configuration.get("key_name")
    # Only such names exist in a vault; a leading at sign would make the Azure CLI read a file.
    key = given if _KEY_NAME.fullmatch(given) else "<KEY_NAME>"
    graph = "https://graph.microsoft.com/v1.0/directory/deletedItems/microsoft.graph.servicePrincipal"
    named = (f"--vault-name={vault}", f"--name={key}")
    read = (
        ("az", "account", "show"),
        ("az", "ad", "sp", "list", f"--filter=appId eq '{AZURE_APP_ID}'"),
        ("az", "rest", "--method=get", f"--url={graph}", f"--query=value[?appId=='{AZURE_APP_ID}']"),
        ("az", "keyvault", "show", f"--name={vault}"),
        ("az", "keyvault", "key", "show", *named),
        ("az", "keyvault", "key", "list-versions", *named),
        ("az", "role", "definition", "list", "--custom-role-only=true"),
    )
    denials = "/providers/Microsoft.Authorization/denyAssignments?api-version=2022-04-01"
    lines = (
        # az must never install an extension or ask a question.
        "export AZURE_EXTENSION_USE_DYNAMIC_INSTALL=no AZURE_CORE_DISABLE_CONFIRM_PROMPT=true",
        *(collect.command(*words, "--output=json") for words in read),
        f'vault_id="$(az keyvault show {sh(f"--name={vault}")} --query=id --output=tsv </dev/null 2>/dev/null)"',
        'if [ -n "$vault_id" ]; then',
        f'  scope="$vault_id"/keys/{sh(key)}',
        '  collect az role assignment list --include-inherited "--scope=$scope" --output=json',
        f'  collect az rest --method=get "--url=https://management.azure.com$scope"{sh(denials)} --output=json',
        "fi",
    )
    return collect.script("Read your Azure set-up (for Cloud Shell)", READS, lines)


def permissions(configuration: Configuration, *more: str) -> tuple[Snippet, ...]:
    """What the script needs: a custom role on the vault's subscription, and two things that no Azure role grants.

    more: actions that the role gets beside those of the script.
    """
    role = {**_ROLE, "Actions": sorted([*_ACTIONS, *more])}
    return (
        json_snippet("Custom role for the subscription of the vault", role),
        snippet("What else it needs", Language.TEXT, _BESIDE),
    )
