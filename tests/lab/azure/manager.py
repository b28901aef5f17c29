"""Azure Resource Manager: subscriptions, vaults, their keys, roles and who holds them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.lab.azure import refusals
from tests.lab.azure.cloud import Cloud
from tests.lab.azure.tokens import Caller, bearer

_WRONG = {
    "missing": ("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."),
    "bad": ("InvalidAuthenticationToken", "The access token is invalid."),
    "audience": (
        "InvalidAuthenticationTokenAudience",
        "The access token has been obtained for wrong audience or resource. It should exactly match with one of the "
        "allowed audiences 'https://management.core.windows.net/','https://management.azure.com/'.",
    ),
    "expired": (
        "ExpiredAuthenticationToken",
        "The access token expiry UTC time '11/27/2026 9:00:00 AM' is earlier than current UTC time "
        "'11/27/2026 10:00:00 AM'.",
    ),
}
_AUTHORIZATION = re.compile(r"(?i)(/subscriptions/.+?|)/providers/Microsoft\.Authorization/(\w+)(?:/(.+))?")
_VAULT = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/([^/]+)/providers/Microsoft\.KeyVault/vaults/([^/]+)(?:/keys/([^/]+))?"
)
_NO_TYPE = ("InvalidResourceType", "The resource type could not be found in the namespace.")


class Manager:
    """Resource Manager for one caller at a time."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._state = cloud.state

    def answer(self, request: Request) -> Response:
        caller, wrong, _ = bearer(request, "arm")
        if caller is None:
            raise refusals.manager(401, *_WRONG[wrong])
        if "api-version" not in request.query_params:
            message = "The api-version query parameter (?api-version=) is required for all requests."
            raise refusals.manager(400, "MissingApiVersionParameter", message)
        path = request.url.path.rstrip("/")
        if path == "/subscriptions":
            shown = self._subscriptions(caller)
            return JSONResponse({"value": shown, "count": {"type": "Total", "value": len(shown)}})
        self._in_its_tenant(caller, path.split("/")[2].lower())
        if found := _AUTHORIZATION.fullmatch(path):
            scope, kind, name = found.groups(default="")
            documents = self._documents(caller, scope or "/", kind.lower(), request.query_params.get("$filter", ""))
            if name:
                return JSONResponse(next(item for item in documents if item["name"] == name))
            return JSONResponse({"value": documents})
        return JSONResponse(self._resource(caller, path))

    def _in_its_tenant(self, caller: Caller, subscription: str) -> None:
        known = self._state["subscriptions"].get(subscription)
        if known is None:
            sentence = f"The subscription '{subscription}' could not be found."
            raise refusals.manager(404, "SubscriptionNotFound", sentence)
        if known["tenant"] != caller.tenant:
            sentence = f"The access token is from the wrong issuer 'https://sts.windows.net/{caller.tenant}/'. It must"
            tail = f"match the tenant 'https://sts.windows.net/{known['tenant']}/' associated with this subscription."
            raise refusals.manager(401, "InvalidAuthenticationTokenTenant", f"{sentence} {tail}")

    def _subscriptions(self, caller: Caller) -> list[dict[str, Any]]:
        """Those in which the caller has any role."""
        shown = []
        for identifier, item in self._state["subscriptions"].items():
            scope = f"/subscriptions/{identifier}"
            held = (one["properties"] for one in self._cloud.assignments())
            mine = [one["scope"].lower() for one in held if one["principalId"] == caller.object_id]
            reached = any(one.startswith(scope) or one in self._cloud.scopes_above(scope) for one in mine)
            if item["tenant"] == caller.tenant and reached:
                shown.append(
                    {
                        "id": scope,
                        "authorizationSource": "RoleBased",
                        "managedByTenants": [],
                        "subscriptionId": identifier,
                        "tenantId": item["tenant"],
                        "displayName": item["name"],
                        "state": item["state"],
                        "subscriptionPolicies": {"quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off"},
                    }
                )
        return shown

    def _allow(self, caller: Caller, action: str, scope: str) -> None:
        if not self._cloud.may(caller.object_id, action, scope).allowed:
            sentence = f"The client '{caller.name}' with object id '{caller.object_id}' does not have authorization to"
            tail = f"perform action '{action}' over scope '{scope}' or the scope is invalid. If access was recently"
            message = f"{sentence} {tail} granted, please refresh your credentials."
            raise refusals.manager(403, "AuthorizationFailed", message)

    def _documents(self, caller: Caller, scope: str, kind: str, query: str) -> list[dict[str, Any]]:
        above = self._cloud.scopes_above(scope)

        def reaches(document: Mapping[str, Any]) -> bool:
            own = document["properties"]["scope"].lower()
            return own in above or (query != "atScope()" and own.startswith(scope.lower()))

        match kind:
            case "roledefinitions":
                self._allow(caller, "Microsoft.Authorization/roleDefinitions/read", scope)
                custom = query == "type eq 'CustomRole'"
                return [
                    item
                    for item in self._cloud.definitions(scope)
                    if not custom or item["properties"]["type"] == "CustomRole"
                ]
            case "roleassignments":
                self._allow(caller, "Microsoft.Authorization/roleAssignments/read", scope)
                wanted = re.fullmatch(r"principalId eq '([^']+)'", query)
                return [
                    item
                    for item in self._cloud.assignments()
                    if reaches(item) and (not wanted or item["properties"]["principalId"] == wanted[1])
                ]
            case "denyassignments":
                self._allow(caller, "Microsoft.Authorization/denyAssignments/read", scope)
                return [item for item in self._cloud.denials() if reaches(item)]
        raise refusals.manager(404, *_NO_TYPE)

    def _resource(self, caller: Caller, path: str) -> dict[str, Any]:
        parts = path.strip("/").split("/")
        subscription = f"/subscriptions/{parts[1]}"
        if parts[2:] == ["providers", "Microsoft.KeyVault", "vaults"]:
            self._allow(caller, "Microsoft.KeyVault/vaults/read", subscription)
            held = [name for name, item in self._state["vaults"].items() if item["subscription"] == parts[1].lower()]
            return {"value": [self._cloud.vault(name) for name in held]}
        if parts[2:] == ["providers", "Microsoft.KeyVault", "deletedVaults"]:
            self._allow(caller, "Microsoft.KeyVault/deletedVaults/read", subscription)
            return {"value": [self._cloud.deleted_vault(subscription, name) for name in self._state["deleted_vaults"]]}
        found = _VAULT.fullmatch(path)
        if not found:
            raise refusals.manager(404, *_NO_TYPE)
        group, name, key = found.groups()
        self._allow(caller, f"Microsoft.KeyVault/vaults/{'keys/' if key else ''}read", path)
        vault = self._state["vaults"].get(name.lower())
        if vault is None or vault["group"].lower() != group.lower():
            sentence = f"The Resource 'Microsoft.KeyVault/vaults/{name}' under resource group '{group}' was not found."
            tail = "For more details please go to https://aka.ms/ARMResourceNotFoundFix"
            raise refusals.manager(404, "ResourceNotFound", f"{sentence} {tail}")
        if not key:
            return self._cloud.vault(name.lower())
        versions = self._cloud.key_versions(name.lower(), key)
        if not versions:
            sentence = f"A key with (name/id) {key} was not found in this key vault."
            raise refusals.manager(404, "KeyNotFound", sentence)
        current = versions[-1]
        uri = current["key"]["kid"].rpartition("/")[0]
        return {
            "id": path,
            "name": key,
            "type": "Microsoft.KeyVault/vaults/keys",
            "location": vault["location"],
            "properties": {
                "attributes": current["attributes"],
                "kty": current["key"]["kty"],
                "keyOps": current["key"]["key_ops"],
                "keyUri": uri,
                "keyUriWithVersion": current["key"]["kid"],
            },
        }
