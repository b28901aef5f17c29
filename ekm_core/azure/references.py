"""Microsoft's pages that several Azure entries cite: their text, or its public source, was read on the day named."""

from __future__ import annotations

from ekm_core.model import Reference
from ekm_core.vendor import READ

ENTRA_CODES = Reference(
    "Microsoft Entra: authentication and authorization error codes",
    "https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes",
    READ,
)
VAULT_REST_CODES = Reference(
    "Azure Key Vault: REST API error codes",
    "https://learn.microsoft.com/en-us/azure/key-vault/general/rest-error-codes",
    READ,
)
VAULT_CODES = Reference(
    "Azure Key Vault: common error codes",
    "https://learn.microsoft.com/en-us/azure/key-vault/general/common-error-codes",
    READ,
)
VAULT_RBAC = Reference(
    "Azure Key Vault: RBAC guide", "https://learn.microsoft.com/en-us/azure/key-vault/general/rbac-guide", READ
)
VAULT_NETWORK = Reference(
    "Azure Key Vault: network security",
    "https://learn.microsoft.com/en-us/azure/key-vault/general/network-security",
    READ,
)
VAULT_KEYS = Reference(
    "Azure Key Vault: key types, algorithms and operations",
    "https://learn.microsoft.com/en-us/azure/key-vault/keys/about-keys-details",
    READ,
)
VAULT_SOFT_DELETE = Reference(
    "Azure Key Vault: soft-delete",
    "https://learn.microsoft.com/en-us/azure/key-vault/general/soft-delete-overview",
    READ,
)
"""Deleted vaults and keys can be recovered for 7 to 90 days, as the vault was set up."""
VAULT_MOVE = Reference(
    "Azure Key Vault: move a vault to another subscription",
    "https://learn.microsoft.com/en-us/azure/key-vault/general/move-subscription",
    READ,
)
"""A vault keeps the tenant that it was created in until its tenant id is changed by hand."""
VAULT_THROTTLING = Reference(
    "Azure Key Vault: throttling guidance",
    "https://learn.microsoft.com/en-us/azure/key-vault/general/overview-throttling",
    READ,
)
CONDITIONAL_ACCESS = Reference(
    "Microsoft Entra: Conditional Access for workload identities",
    "https://learn.microsoft.com/en-us/entra/identity/conditional-access/workload-identity",
    READ,
)
"""Policies cover single-tenant service principals of one's own tenant; multi-tenant applications are not covered."""
DELETED_ITEMS = Reference(
    "Microsoft Graph: deleted items", "https://learn.microsoft.com/en-us/graph/api/resources/directory", READ
)
"""Restorable for up to 30 days."""
DELETED_ITEMS_LIST = Reference(
    "Microsoft Graph: list deleted items",
    "https://learn.microsoft.com/en-us/graph/api/directory-deleteditems-list",
    READ,
)
"""Service principals are among them."""
DENY_ASSIGNMENTS = Reference(
    "Azure RBAC: deny assignments",
    "https://learn.microsoft.com/en-us/azure/role-based-access-control/deny-assignments",
    READ,
)
