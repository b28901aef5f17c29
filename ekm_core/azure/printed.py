"""Azure's answers in the form in which the Azure CLI prints them, so that ``evidence`` reads both alike.

In: documents of the REST APIs (2022-04-01 for authorization), and objects of azure-keyvault-keys. Out: plain JSON. The
forms are those of Azure CLI 2.91.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ekm_core.probing.step import CallError, Trouble

if TYPE_CHECKING:
    from azure.keyvault.keys import DeletedKey, KeyProperties, KeyVaultKey


def account(environment: str, tenant: str, subscription: Mapping[str, Any] | None) -> dict[str, Any]:
    """``az account show``. subscription: as Resource Manager lists it; None for a sign-in to the tenant alone."""
    shown = {"environmentName": environment, "isDefault": True, "tenantId": tenant}
    if subscription is None:
        return {**shown, "id": tenant, "name": "N/A(tenant level account)", "state": "Enabled"}
    return {
        **shown,
        "homeTenantId": subscription.get("tenantId"),
        "id": subscription.get("subscriptionId"),
        "managedByTenants": subscription.get("managedByTenants"),
        "name": subscription.get("displayName"),
        "state": subscription.get("state"),
    }


def flat(document: Mapping[str, Any]) -> dict[str, Any]:
    """A role assignment or definition: its properties beside its id, name and type."""
    inner = document.get("properties")
    shown = dict(inner) if isinstance(inner, dict) else {}
    if "roleName" in shown:
        shown["roleType"] = shown.pop("type", None)
    if "principalId" in shown:
        shown |= {"principalName": "", "roleDefinitionName": ""}
    return {**shown, **{name: document.get(name) for name in ("id", "name", "type")}}


def key(found: KeyVaultKey) -> dict[str, Any]:
    """``az keyvault key show``. Raises CallError where the vault sent something else than a key."""
    inner = found.key
    material = {name: _base64(getattr(inner, name, None)) for name in ("n", "e", "x", "y")}
    shown = {
        "attributes": _attributes(found.properties),
        "key": {
            "crv": _text(getattr(inner, "crv", None)),
            **{name: value for name, value in material.items() if value},
            "keyOps": [_text(operation) for operation in found.key_operations or ()],
            "kid": found.id,
            "kty": _text(found.key_type),
        },
        "managed": found.properties.managed,
        "tags": _tags(found.properties.tags),
    }
    if found.key_operations is None:
        del shown["key"]["keyOps"]
    return shown


def listed(found: KeyProperties) -> dict[str, Any]:
    """An item of ``az keyvault key list`` or ``list-versions``."""
    return {"attributes": _attributes(found), "kid": found.id, "name": found.name, "tags": _tags(found.tags)}


def deleted(found: DeletedKey) -> dict[str, Any]:
    """An item of ``az keyvault key list-deleted``."""
    return {
        **listed(found.properties),
        "deletedDate": _moment(found.deleted_date),
        "recoveryId": found.recovery_id,
        "scheduledPurgeDate": _moment(found.scheduled_purge_date),
    }


def _attributes(found: KeyProperties) -> dict[str, Any]:
    if found.enabled is not None and not isinstance(found.enabled, bool):
        raise _strange()
    return {
        "created": _moment(found.created_on),
        "enabled": found.enabled,
        "expires": _moment(found.expires_on),
        "notBefore": _moment(found.not_before),
        "recoverableDays": found.recoverable_days,
        "recoveryLevel": _text(found.recovery_level),
        "updated": _moment(found.updated_on),
    }


def _moment(value: object) -> str | None:
    if value is not None and not isinstance(value, datetime):
        raise _strange()
    return value.isoformat() if value else None


def _text(value: object) -> str | None:
    """A text; the SDK's enumerations are texts, too."""
    if value is not None and not isinstance(value, str):
        raise _strange()
    return str(getattr(value, "value", value)) if value is not None else None


def _tags(value: object) -> dict[str, str] | None:
    return {str(name): str(text) for name, text in value.items()} if isinstance(value, dict) else None


def _base64(value: object) -> str | None:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else None


def _strange() -> CallError:
    return CallError(Trouble.BAD_ANSWER, "The vault did not answer with a key, so it showed nothing.")
