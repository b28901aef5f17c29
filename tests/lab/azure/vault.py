"""Key Vault's own address: the challenge, the firewall, who may use a key, and the key itself."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.lab.azure import refusals
from tests.lab.azure.cloud import Cloud, pair
from tests.lab.azure.tokens import Caller, bearer, packed, unpacked

NO_VAULT = "The laboratory knows no vault of this name."
_OAEP = {
    "RSA-OAEP": padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None),
    "RSA-OAEP-256": padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None),
}
_WRONG = {
    "missing": "AKV10000: Request is missing a Bearer or PoP token.",
    "bad": "AKV10001: Bearer token is malformed or cannot be parsed.",
    "audience": "AKV10022: Invalid audience. Expected https://vault.azure.net, found: {audience}.",
    "expired": "AKV10047: Error validating token: the token is expired.",
}


class Vault:
    """One vault that answers."""

    def __init__(self, cloud: Cloud, name: str) -> None:
        self._cloud = cloud
        self._name = name
        self._vault: dict[str, Any] = cloud.state["vaults"][name]
        self._where = f"{name};location={self._vault['location']}"

    def answer(self, request: Request, body: bytes) -> Response:
        trusted = self._vault["properties"]["tenantId"]
        authority = f'authorization="https://login.microsoftonline.com/{trusted}"'
        challenge = {"www-authenticate": f'Bearer {authority}, resource="https://vault.azure.net"'}
        caller, wrong, audience = bearer(request, "vault")
        if caller is None:
            raise refusals.vault(401, "Unauthorized", _WRONG[wrong].format(audience=audience), headers=challenge)
        if caller.tenant != trusted:
            issuers = f"https://sts.windows.net/{trusted}/, found https://sts.windows.net/{caller.tenant}/."
            message = f"AKV10032: Invalid issuer. Expected one of {issuers}"
            raise refusals.vault(401, "Unauthorized", message, headers=challenge)
        self._let_in(caller)
        if "api-version" not in request.query_params:
            raise refusals.vault(400, "BadParameter", "Missing or invalid api-version query parameter.")
        collection, key, *rest = (*request.url.path.strip("/").split("/"), "", "")
        if collection not in ("keys", "deletedkeys"):
            raise refusals.vault(404, "NotFound", "Not found.")
        if request.method == "POST":
            return JSONResponse(self._use(caller, key, [part for part in rest if part], body))
        self._authorize(caller, "read", "get" if key and rest[0] != "versions" else "list", key)
        if collection == "deletedkeys":
            return JSONResponse(self._deleted(key))
        return JSONResponse(self._read(key, rest[0]))

    # ---------------------------------------------------------------------------------------------------- who may
    def _let_in(self, caller: Caller) -> None:
        inner = self._vault["properties"]
        who = f"Caller: {caller.words}\r\nVault: {self._where}"
        if inner.get("publicNetworkAccess") == "Disabled":
            sentence = "Public network access is disabled and request is not from a trusted service nor via an approved"
            message = f"{sentence} private link.\r\n{who}"
            raise refusals.vault(403, "Forbidden", message, "ForbiddenByConnection")
        people = {item["object_id"]: item["address"] for item in self._cloud.state["people"].values()}
        address = people.get(caller.object_id, self._cloud.state["openai_address"])
        rules = inner.get("networkAcls") or {"defaultAction": "Allow"}
        if rules["defaultAction"] == "Deny" and {"value": f"{address}/32"} not in rules["ipRules"]:
            sentence = "Client address is not authorized and caller is not a trusted service."
            message = f"{sentence}\r\nClient address: {address}\r\n{who}"
            raise refusals.vault(403, "Forbidden", message, "ForbiddenByFirewall")

    def _authorize(self, caller: Caller, action: str, permission: str, key: str) -> None:
        """By roles, or by access policies, as the vault is set. What is asked for need not exist."""
        if not self._vault["properties"].get("enableRbacAuthorization"):
            if not self._cloud.key_permission(self._name, caller.object_id, permission):
                sentence = f"The user, group or application '{caller.words}' does not have keys {permission} permission"
                tail = "For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287"
                message = f"{sentence} on key vault '{self._where}'. {tail}"
                raise refusals.vault(403, "Forbidden", message, "ForbiddenByPolicy")
            return
        scope = f"{self._cloud.vault_id(self._name)}{f'/keys/{key}' if key else ''}"
        whole = f"Microsoft.KeyVault/vaults/keys/{action}"
        answer = self._cloud.may(caller.object_id, whole, scope, data=True)
        if answer.allowed:
            return
        resource = scope.replace("resourceGroups", "resourcegroups").replace("Microsoft.KeyVault", "microsoft.keyvault")
        lines = (
            "Caller is not authorized to perform action on resource.",
            "If role assignments, deny assignments or role definitions were changed recently, please observe "
            "propagation time.",
            f"Caller: {caller.words}",
            f"Action: '{whole}'",
            f"Resource: '{resource}'",
            "Assignment: (not found)",
            f"DenyAssignmentId: '{answer.denial}'" if answer.denial else "DenyAssignmentId: null",
            f"DecisionReason: '{'DeniedByDenyAssignment' if answer.denial else 'DeniedWithNoValidRBAC'}' ",
            f"Vault: {self._where}",
            "",
        )
        raise refusals.vault(403, "Forbidden", "\r\n".join(lines), "ForbiddenByRbac")

    # -------------------------------------------------------------------------------------------------------- keys
    def _read(self, key: str, part: str) -> dict[str, Any]:
        if not key:
            names = [self._cloud.key_versions(self._name, name)[-1] for name in self._vault["keys"]]
            items = [_item(shown) for shown in names]
            return {"value": [{**item, "kid": item["kid"].rpartition("/")[0]} for item in items], "nextLink": None}
        versions = self._versions(key)
        if part == "versions":
            return {"value": [_item(shown) for shown in versions], "nextLink": None}
        return self._one(versions, key, part)

    def _versions(self, key: str) -> list[dict[str, Any]]:
        found = self._cloud.key_versions(self._name, key)
        if not found:
            raise _not_found(key)
        return found

    @staticmethod
    def _one(versions: list[dict[str, Any]], key: str, version: str) -> dict[str, Any]:
        """The version that is asked for; the current one where none is."""
        if not version:
            return versions[-1]
        found = [shown for shown in versions if shown["key"]["kid"].endswith(f"/{version}")]
        if not found:
            raise _not_found(f"{key}/{version}")
        return found[0]

    def _deleted(self, key: str) -> dict[str, Any]:
        gone = self._vault["deleted_keys"]
        if key and key not in gone:
            raise refusals.vault(404, "KeyNotFound", f"Deleted Key not found: {key}")
        if key:
            return self._cloud.deleted_key(self._name, key)
        items = []
        for name in gone:
            shown = self._cloud.deleted_key(self._name, name)
            items.append({**shown, **_item(shown), "kid": shown["key"]["kid"].rpartition("/")[0]})
        return {"value": [{k: v for k, v in item.items() if k != "key"} for item in items], "nextLink": None}

    def _use(self, caller: Caller, key: str, rest: list[str], body: bytes) -> dict[str, Any]:
        *version, operation = rest
        if operation not in ("encrypt", "decrypt"):
            raise refusals.vault(405, "BadParameter", "The operation is not part of this laboratory.")
        self._authorize(caller, f"{operation}/action", operation, key)
        shown = self._one(self._versions(key), key, version[0] if version else "")
        self._usable(shown, operation)
        try:
            given = json.loads(body)
            how, value = _OAEP[given["alg"]], unpacked(given["value"])
        except (ValueError, KeyError, TypeError):
            raise refusals.vault(400, "BadParameter", "Property has invalid value.") from None
        private = pair(shown["key"]["kid"])
        try:
            done = private.public_key().encrypt(value, how) if operation == "encrypt" else private.decrypt(value, how)
        except ValueError:
            raise refusals.vault(400, "BadParameter", "The parameter is incorrect.\r\n") from None
        return {"kid": shown["key"]["kid"], "value": packed(done)}

    @staticmethod
    def _usable(shown: Mapping[str, Any], operation: str) -> None:
        """Out of its dates a key still decrypts; disabled it does nothing."""
        attributes, now = shown["attributes"], time.time()
        encrypts = operation == "encrypt"
        if not attributes["enabled"]:
            message, inner = f"Operation {operation} is not allowed on a disabled key.", "KeyDisabled"
        elif encrypts and attributes.get("exp", now + 1) <= now:
            message, inner = "Operation encrypt is not allowed on an expired key.", "KeyExpired"
        elif encrypts and attributes.get("nbf", 0) > now:
            message, inner = "Operation encrypt is not allowed on a key that is not yet valid.", "KeyNotYetValid"
        elif operation not in shown["key"]["key_ops"]:
            message, inner = f"Operation {operation} is not permitted on this key.", "KeyOperationForbidden"
        else:
            return
        raise refusals.vault(403, "Forbidden", message, inner)


def _item(shown: Mapping[str, Any]) -> dict[str, Any]:
    return {"kid": shown["key"]["kid"], "attributes": shown["attributes"], "tags": {}}


def _not_found(key: str) -> refusals.Refusal:
    sentence = (
        f"A key with (name/id) {key} was not found in this key vault. If you recently deleted this key you may be"
    )
    tail = "able to recover it using the correct recovery command. For help resolving this issue, please see"
    return refusals.vault(404, "KeyNotFound", f"{sentence} {tail} https://go.microsoft.com/fwlink/?linkid=2125182")
