"""A customer's Azure as the stand-in keeps it: a healthy one, changes of it, and who may do what in it.

``BASE`` is as OpenAI's guide demands. A set-up file holds what differs, as a JSON merge patch (RFC 7386): a null takes
away. The rules here are Azure's own, written for this stand-in alone; the product's evaluators are not used. Sources:
learn.microsoft.com, role-based-access-control and key-vault/general, read on 2026-11-27; recorded answers in the source
distributions of azure-keyvault-keys 4.0.0, azure-mgmt-keyvault 8.0.0 and azure-mgmt-authorization 1.0.0 (MIT).
"""

from __future__ import annotations

import base64
import copy
import functools
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa

OPENAI = "20a14814-5ab7-4612-a671-1382b412bf93"
CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"  # the Azure CLI's own application, in which people sign in
TENANT = "7f0d2c9e-41b6-4c58-9a3e-5d1b8c2f6a70"
OTHER_TENANT = "c3a9e1d4-8b52-47f6-b0e9-2d6f7a815c34"
SUBSCRIPTION = "2f9a6c51-73de-4b0c-a1f4-8d5e3b7c9016"
PRINCIPAL = "4be1c0de-0b7a-4e55-8a0f-6f1d2c3b4a59"
READER = "d5a1c7e3-60b4-4f29-8e17-9c3b2f6a0d84"
VAULT, KEY = "ekm-vault", "org-Xk29Lm3Qp7--chat"
READING_APPLICATION: Mapping[str, str] = {
    "AZURE_TENANT_ID": TENANT,
    "AZURE_CLIENT_ID": "b6e3f1d2-7a49-4c08-95d1-2e8c0f6a4b37",
    "AZURE_CLIENT_SECRET": "a-demo-secret-of-the-laboratory-only",
}
"""An application of the customer's that may read as much as the reader, as a shell's environment names it."""
_READING_OBJECT = "c4d1a9b7-3e60-4f52-8b1c-9a7d5e2f6034"
_SUBSCRIPTION_ID = f"/subscriptions/{SUBSCRIPTION}"
VAULT_ID = f"{_SUBSCRIPTION_ID}/resourceGroups/ekm/providers/Microsoft.KeyVault/vaults/{VAULT}"

_KEYS = "Microsoft.KeyVault/vaults/keys"
BUILT_IN: Mapping[str, dict[str, Any]] = {
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": {"roleName": "Reader", "actions": ["*/read"]},
    "f25e0fa2-a7c8-4377-a976-54943a77a395": {
        "roleName": "Key Vault Contributor",
        "actions": ["Microsoft.KeyVault/*", "Microsoft.Authorization/*/read"],
    },
    "21090545-7ca7-4776-b22c-e363652d74d2": {
        "roleName": "Key Vault Reader",
        "actions": ["Microsoft.KeyVault/vaults/*/read", "Microsoft.Authorization/*/read"],
        "dataActions": ["Microsoft.KeyVault/vaults/*/read"],
    },
    "12338af0-0e69-4776-bea7-57ae8d297424": {
        "roleName": "Key Vault Crypto User",
        "dataActions": [
            f"{_KEYS}/read",
            *(f"{_KEYS}/{verb}/action" for verb in ("update", "backup", "encrypt", "decrypt", "wrap", "unwrap")),
        ],
    },
    "e147488a-f6f5-4113-8e2d-b22465e65bf6": {
        "roleName": "Key Vault Crypto Service Encryption User",
        "dataActions": [f"{_KEYS}/read", f"{_KEYS}/wrap/action", f"{_KEYS}/unwrap/action"],
    },
}

BASE: Mapping[str, Any] = {
    # applications: the service principals of a tenant, as Graph shows them, by any name; deleted: likewise.
    "tenants": {
        TENANT: {
            "name": "Northwind",
            "applications": {
                "openai": {
                    "id": PRINCIPAL,
                    "appId": OPENAI,
                    "displayName": "EKM - OpenAI Azure",
                    "accountEnabled": True,
                },
                "reader": {
                    "id": _READING_OBJECT,
                    "appId": READING_APPLICATION["AZURE_CLIENT_ID"],
                    "displayName": "EKM set-up reader",
                },
            },
            "deleted": {},
        },
        OTHER_TENANT: {"name": "Fabrikam", "applications": {}, "deleted": {}},
    },
    # directory: whether they may read the directory; tenants: where they are members.
    "people": {
        "reader": {
            "object_id": READER,
            "name": "reader@northwind.example",
            "tenants": [TENANT],
            "directory": True,
            "address": "203.0.113.7",
        },
        "application": {"object_id": _READING_OBJECT, "tenants": [TENANT], "directory": True, "address": "203.0.113.8"},
    },
    # The device code: who enters it, after how many questions of the program; "declined", "expired".
    "sign_in": {"person": "reader", "polls": 1, "ends": ""},
    "openai_address": "198.51.100.20",
    "subscriptions": {SUBSCRIPTION: {"tenant": TENANT, "name": "Production", "state": "Enabled"}},
    "management_groups": {},  # name: the subscriptions below it
    "groups": {},  # object id of a security group: its members
    # By their names in small letters; written: as Resource Manager shows the name, which has no case.
    "vaults": {
        VAULT: {
            "subscription": SUBSCRIPTION,
            "group": "ekm",
            "location": "westeurope",
            "properties": {
                "sku": {"family": "A", "name": "standard"},
                "tenantId": TENANT,
                "accessPolicies": [],
                "networkAcls": {
                    "bypass": "AzureServices",
                    "defaultAction": "Allow",
                    "ipRules": [],
                    "virtualNetworkRules": [],
                },
                "enabledForDeployment": False,
                "enableSoftDelete": True,
                "softDeleteRetentionInDays": 90,
                "enableRbacAuthorization": True,
                "enablePurgeProtection": True,
                "provisioningState": "Succeeded",
                "publicNetworkAccess": "Enabled",
            },
            # versions: from the oldest to the current one; each with what differs from a usable RSA key.
            "keys": {KEY: {"versions": [{}]}},
            "deleted_keys": {},
        }
    },
    "deleted_vaults": {},
    "roles": {
        "openai": {
            "id": "b7e6a4d2-9c15-4f83-8a60-3d2e1c5f7098",
            "roleName": "OpenAI EKM key user",
            "dataActions": [f"{_KEYS}/encrypt/action", f"{_KEYS}/decrypt/action", f"{_KEYS}/read"],
        },
        "reader": {
            "id": "1d7c5b30-8e2f-4a96-b0d4-7f3a6e91c258",
            "roleName": "OpenAI EKM set-up reader",
            "actions": [
                "Microsoft.Authorization/denyAssignments/read",
                "Microsoft.Authorization/roleAssignments/read",
                "Microsoft.Authorization/roleDefinitions/read",
                "Microsoft.KeyVault/deletedVaults/read",
                "Microsoft.KeyVault/vaults/read",
                f"{_KEYS}/read",
            ],
            "dataActions": [f"{_KEYS}/read"],
        },
    },
    # role: a name of "roles", or the id of a built-in role.
    "assignments": {
        "openai": {
            "role": "openai",
            "principal": PRINCIPAL,
            "type": "ServicePrincipal",
            "scope": f"{VAULT_ID}/keys/{KEY}",
        },
        "reader": {"role": "reader", "principal": READER, "type": "User", "scope": _SUBSCRIPTION_ID},
        "application": {
            "role": "reader",
            "principal": _READING_OBJECT,
            "type": "ServicePrincipal",
            "scope": _SUBSCRIPTION_ID,
        },
    },
    "denials": {},
    # Answers in place of the right ones: {"host", "path": expressions, "status", "headers", "body", "times"}.
    "faults": [],
}


def merged(base: Any, patch: Any) -> Any:
    """The JSON merge patch applied to a copy of the base."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = copy.deepcopy(base) if isinstance(base, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether somebody may do something: why not, or by which assignment."""

    allowed: bool
    assignment: str = ""
    denial: str = ""


class Cloud:
    """The state with Azure's rules on it."""

    def __init__(self, patch: Mapping[str, Any]) -> None:
        self.state: dict[str, Any] = merged(BASE, patch)

    # ------------------------------------------------------------------------------------------------- identities
    def applications(self, tenant: str) -> list[dict[str, Any]]:
        return [_graph(item) for item in self.state["tenants"][tenant]["applications"].values()]

    def deleted_applications(self, tenant: str) -> list[dict[str, Any]]:
        return [_graph(item) for item in self.state["tenants"][tenant]["deleted"].values()]

    def application(self, tenant: str, app_id: str) -> dict[str, Any] | None:
        return next((item for item in self.applications(tenant) if item["appId"] == app_id), None)

    # ----------------------------------------------------------------------------------------------------- scopes
    def scopes_above(self, scope: str) -> list[str]:
        """The scope and everything above it, in small letters."""
        parts = scope.strip("/").split("/")
        found = ["/" + "/".join(parts[:size]) for size in range(2, len(parts) + 1, 2)] if parts != [""] else []
        subscription = parts[1].lower() if parts[0].lower() == "subscriptions" and len(parts) > 1 else ""
        for name, below in self.state["management_groups"].items():
            if subscription in below:
                found.append(f"/providers/Microsoft.Management/managementGroups/{name}")
        return [item.lower() for item in ("/", *found)]

    def _reaches(self, assigned: str, scope: str) -> bool:
        return (assigned.rstrip("/") or "/").lower() in self.scopes_above(scope)

    # ------------------------------------------------------------------------------------------------------ roles
    def role_id(self, role: str) -> str:
        return str(self.state["roles"][role]["id"] if role in self.state["roles"] else role)

    def definition(self, role: str) -> dict[str, Any]:
        """A role definition as ARM shows it, by its name in the state or its id."""
        own = self.state["roles"].get(role) or next(
            (item for item in self.state["roles"].values() if item["id"] == role), None
        )
        found = own or BUILT_IN[role]
        planes = ("actions", "notActions", "dataActions", "notDataActions")
        role_id = own["id"] if own else role
        return {
            "properties": {
                "roleName": found["roleName"],
                "type": "CustomRole" if own else "BuiltInRole",
                "description": "",
                "assignableScopes": found.get("assignableScopes", [_SUBSCRIPTION_ID]) if own else ["/"],
                "permissions": [{plane: found.get(plane, []) for plane in planes}],
                "createdOn": "2026-10-02T09:40:00.0000000Z",
                "updatedOn": "2026-10-02T09:40:00.0000000Z",
                "createdBy": None,
                "updatedBy": None,
            },
            "id": f"{_SUBSCRIPTION_ID}/providers/Microsoft.Authorization/roleDefinitions/{role_id}",
            "type": "Microsoft.Authorization/roleDefinitions",
            "name": role_id,
        }

    def definitions(self, scope: str) -> Iterator[dict[str, Any]]:
        """All that can be assigned at a scope: custom and built-in ones."""
        above = self.scopes_above(scope)
        for role in (*self.state["roles"], *BUILT_IN):
            found = self.definition(role)
            if any(item.lower() in above for item in found["properties"]["assignableScopes"]):
                yield found

    def assignments(self) -> Iterator[dict[str, Any]]:
        """Every role assignment as ARM shows it."""
        for number, item in enumerate(self.state["assignments"].values(), 1):
            name = f"5c0e7d1a-24b8-4f96-a3d7-{number:012d}"
            yield {
                "properties": {
                    "roleDefinitionId": self.definition(item["role"])["id"],
                    "principalId": item["principal"],
                    "principalType": item["type"],
                    "scope": item["scope"],
                    "condition": item.get("condition"),
                    "conditionVersion": "2.0" if item.get("condition") else None,
                    "createdOn": "2026-10-02T10:00:00.0000000Z",
                    "updatedOn": "2026-10-02T10:00:00.0000000Z",
                    "createdBy": READER,
                    "updatedBy": READER,
                    "delegatedManagedIdentityResourceId": None,
                    "description": None,
                },
                "id": f"{item['scope'].rstrip('/')}/providers/Microsoft.Authorization/roleAssignments/{name}",
                "type": "Microsoft.Authorization/roleAssignments",
                "name": name,
            }

    def denials(self) -> Iterator[dict[str, Any]]:
        """Every deny assignment as ARM shows it."""
        for number, item in enumerate(self.state["denials"].values(), 1):
            name = f"6d0f8e2b-35c9-4a07-b4e8-{number:012d}"
            permission = {"actions": [], "notActions": [], "dataActions": [], "notDataActions": []}
            yield {
                "properties": {
                    "denyAssignmentName": item["name"],
                    "description": "",
                    "permissions": [{**permission, "dataActions": item["dataActions"]}],
                    "scope": item["scope"],
                    "doNotApplyToChildScopes": item.get("doNotApplyToChildScopes", False),
                    "principals": item["principals"],
                    "excludePrincipals": item.get("excludePrincipals", []),
                    "isSystemProtected": True,
                },
                "id": f"{item['scope']}/providers/Microsoft.Authorization/denyAssignments/{name}",
                "type": "Microsoft.Authorization/denyAssignments",
                "name": name,
            }

    def may(self, principal: str, action: str, scope: str, *, data: bool = False) -> Answer:
        """Azure's own order: a deny assignment first, then any role that gives it."""
        memberships = {group for group, members in self.state["groups"].items() if principal in members}
        ids = {principal, *memberships}
        for denial in self.denials() if data else ():
            inner = denial["properties"]
            named = any(one["id"] in {*ids, "00000000-0000-0000-0000-000000000000"} for one in inner["principals"])
            spared = any(one["id"] in ids for one in inner["excludePrincipals"])
            here = inner["scope"].lower() == scope.lower() if inner["doNotApplyToChildScopes"] else True
            if named and not spared and here and self._reaches(inner["scope"], scope) and _gives(inner, action, data):
                return Answer(False, denial=denial["id"])
        for assignment in self.assignments():
            inner = assignment["properties"]
            if inner["principalId"] in ids and self._reaches(inner["scope"], scope):
                role = self.definition(inner["roleDefinitionId"].rpartition("/")[2])
                if _gives(role["properties"], action, data):
                    return Answer(True, assignment["id"])
        return Answer(False)

    # ----------------------------------------------------------------------------------------------------- vaults
    def vault_id(self, name: str) -> str:
        vault = self.state["vaults"][name]
        return (
            f"/subscriptions/{vault['subscription']}/resourceGroups/{vault['group']}"
            f"/providers/Microsoft.KeyVault/vaults/{vault.get('written', name)}"
        )

    def vault(self, name: str) -> dict[str, Any]:
        """The vault as ARM shows it."""
        vault = self.state["vaults"][name]
        return {
            "id": self.vault_id(name),
            "name": vault.get("written", name),
            "type": "Microsoft.KeyVault/vaults",
            "location": vault["location"],
            "tags": {},
            "systemData": {"createdBy": "reader@northwind.example", "createdByType": "User"},
            "properties": {**vault["properties"], "vaultUri": f"https://{name}.vault.azure.net/"},
        }

    def deleted_vault(self, subscription: str, name: str) -> dict[str, Any]:
        """The vault as ARM's list of deleted ones shows it."""
        location = self.state["deleted_vaults"][name]["location"]
        provider = f"{subscription}/providers/Microsoft.KeyVault"
        return {
            "id": f"{provider}/locations/{location}/deletedVaults/{name}",
            "name": name,
            "type": "Microsoft.KeyVault/deletedVaults",
            "properties": {
                "vaultId": f"{subscription}/resourceGroups/ekm/providers/Microsoft.KeyVault/vaults/{name}",
                "location": location,
                "tags": {},
                "deletionDate": "2026-11-19T08:00:00Z",
                "scheduledPurgeDate": "2027-02-17T08:00:00Z",
                "purgeProtectionEnabled": True,
            },
        }

    def key_permission(self, name: str, principal: str, permission: str) -> bool:
        """Whether an access policy of the vault gives the object a permission on keys."""
        policies = self.state["vaults"][name]["properties"]["accessPolicies"]
        mine = [item["permissions"]["keys"] for item in policies if item["objectId"] == principal]
        return any(one.lower() in (permission, "all") for held in mine for one in held)

    # ------------------------------------------------------------------------------------------------------- keys
    def key_versions(self, vault: str, name: str) -> list[dict[str, Any]]:
        """The versions of a key as the vault shows them, the current one last; none where there is no such key."""
        keys = self.state["vaults"][vault]["keys"]
        versions = next((item["versions"] for given, item in keys.items() if given.lower() == name.lower()), [])
        return [_version(vault, name, number, given) for number, given in enumerate(versions)]

    def deleted_key(self, vault: str, name: str) -> dict[str, Any]:
        """A deleted key as the vault shows it."""
        shown = _version(vault, name, 0, self.state["vaults"][vault]["deleted_keys"][name])
        dates = {"deletedDate": 1795075200, "scheduledPurgeDate": 1802851200}
        return {**shown, "recoveryId": f"https://{vault}.vault.azure.net/deletedkeys/{name}", **dates}


def _version(vault: str, name: str, number: int, given: Mapping[str, Any]) -> dict[str, Any]:
    version = hashlib.md5(f"{vault}/{name}/{number}".encode()).hexdigest()
    kid, kty = f"https://{vault}.vault.azure.net/keys/{name}/{version}", given.get("kty", "RSA")
    if kty == "EC":
        point = _curve().public_key().public_numbers()
        material = {"crv": "P-256", "x": _big(point.x), "y": _big(point.y)}
    else:
        public = pair(kid).public_key().public_numbers()
        material = {"n": _big(public.n), "e": _big(public.e)}
    operations = given.get("key_ops", ["sign", "verify"] if kty == "EC" else ["encrypt", "decrypt"])
    return {
        "key": {"kid": kid, "kty": kty, "key_ops": operations, **material},
        "attributes": {
            "enabled": given.get("enabled", True),
            **{date: given[date] for date in ("exp", "nbf") if date in given},
            "created": 1790932473 + number,
            "updated": 1790932473 + number,
            "recoveryLevel": "Recoverable",
            "recoverableDays": 90,
            "exportable": False,
        },
        "tags": {},
    }


@functools.cache
def pair(kid: str) -> rsa.RSAPrivateKey:
    """The key pair of a version; each is made once a process, since it takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@functools.cache
def _curve() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _big(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()


def _graph(item: Mapping[str, Any]) -> dict[str, Any]:
    """A service principal as Graph shows it."""
    return {
        "deletedDateTime": None,
        "accountEnabled": True,
        "alternativeNames": [],
        "appDisplayName": item["displayName"],
        "appOwnerOrganizationId": "a48cca56-e6da-484e-a814-9c849652bcb3",
        "appRoleAssignmentRequired": False,
        "createdDateTime": "2026-10-01T08:00:00Z",
        "servicePrincipalNames": [item["appId"]],
        "servicePrincipalType": "Application",
        "signInAudience": "AzureADMultipleOrgs",
        "tags": [],
        **item,
    }


def _gives(document: Mapping[str, Any], action: str, data: bool) -> bool:
    plane, taken = ("dataActions", "notDataActions") if data else ("actions", "notActions")

    def fits(patterns: list[str]) -> bool:
        return any(re.fullmatch(".*".join(map(re.escape, item.split("*"))), action, re.IGNORECASE) for item in patterns)

    return any(fits(part[plane]) and not fits(part[taken]) for part in document["permissions"])
