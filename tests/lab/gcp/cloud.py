"""What each call of Google's APIs does with the laboratory's state, with Google's own codes and sentences.

A state (the "cloud" of a set-up) holds Google's own documents by their names; ``{"as": "healthy", …}`` takes another
set-up's and changes it (JSON merge patch, RFC 7396).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request

from tests.lab.gcp import rules
from tests.lab.gcp.rules import RefusedError, Who, info, refused

TOKEN = "ya29.laboratory-user"
"""The access token of a person who may read everything, unless the state's ``caller`` lacks a permission."""
EXPIRED = "ya29.laboratory-expired"
REFRESH = "1//laboratory-refresh"
"""The refresh token of the same person, as it stands in a credential file."""

_SETUPS = Path(__file__).resolve().parents[1] / "setups" / "gcp"
_KMS = "cloudkms.googleapis.com"
_IAM = "iam.googleapis.com"
_TITLES = {
    _KMS: "Cloud Key Management Service (KMS) API",
    _IAM: "Identity and Access Management (IAM) API",
    "cloudresourcemanager.googleapis.com": "Cloud Resource Manager API",
    "serviceusage.googleapis.com": "Service Usage API",
}
_KEY = "cloudkms.projects.locations.keyRings.cryptoKeys"
_POOLS = "iam.projects.locations.workloadIdentityPools"
_PROJECTS = "cloudresourcemanager.projects"
_MISSING_LOGIN = (
    "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
_BAD_LOGIN = _MISSING_LOGIN.replace(
    "is missing required authentication credential", "had invalid authentication credentials"
)


def state_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The whole state that a set-up's "cloud" means."""
    state = dict(given)
    if name := state.pop("as", ""):
        base = json.loads((_SETUPS / f"{name}.json").read_text(encoding="utf-8"))["cloud"]
        state = patched(state_of(base), state)
    kinds = ("projects", "parents", "pools", "providers", "rings", "keys", "versions", "policies", "roles", "deny")
    return {**{kind: {} for kind in kinds}, "disabled": {}, "caller": {}, "faults": [], "page": 50, **state}


def patched(old: Any, new: Any) -> Any:
    if not isinstance(new, Mapping):
        return new
    result = dict(old) if isinstance(old, Mapping) else {}
    for name, value in new.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = patched(result.get(name), value)
    return result


class Cloud:
    """One Google Cloud: its state, the tokens that it has given out, and every call that was made."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        self.state = state_of(state)
        self.given: dict[str, Who] = {}
        self.calls: list[dict[str, Any]] = []

    # --- Names ---

    def project(self, name: str) -> Mapping[str, Any] | None:
        """The project by id or number."""
        for project in self.state["projects"].values():
            if name in (project["projectId"], project["projectNumber"]):
                found: Mapping[str, Any] = project
                return found
        return None

    def by_id(self, name: str) -> str:
        """A resource name with the project's id, as Cloud KMS and policies have it."""
        return self._renamed(name, "projectId")

    def by_number(self, name: str) -> str:
        """The same with the number, as IAM has it."""
        return self._renamed(name, "projectNumber")

    def _renamed(self, name: str, field: str) -> str:
        kind, _, rest = name.partition("/")
        own, slash, tail = rest.partition("/")
        project = self.project(own) if kind == "projects" else None
        return f"projects/{project[field]}{slash}{tail}" if project else name

    # --- Callers ---

    def who(self, request: Request) -> Who:
        """The caller. Raises RefusedError (401) where nobody is."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if not token or kind.lower() != "bearer":
            raise refused(401, "UNAUTHENTICATED", _MISSING_LOGIN, info("CREDENTIALS_MISSING", "googleapis.com"))
        if token == TOKEN:
            caller = self.state["caller"]
            lacks = frozenset(caller.get("lacks", ()))
            return Who("user:ada@acme.example", frozenset({"user:ada@acme.example"}), lacks=lacks, trusted=True)
        if token not in self.given:
            reason = "ACCESS_TOKEN_EXPIRED" if token == EXPIRED else "ACCESS_TOKEN_TYPE_UNSUPPORTED"
            raise refused(401, "UNAUTHENTICATED", _BAD_LOGIN, info(reason, "googleapis.com"))
        return self.given[token]

    def enabled(self, service: str, *projects: str) -> None:
        """Raises RefusedError where the API is off in one of the projects."""
        for name in projects:
            project = self.project(name)
            if project is None or service not in self.state["disabled"].get(project["projectId"], ()):
                continue
            number = project["projectNumber"]
            where = f"https://console.developers.google.com/apis/api/{service}/overview?project={number}"
            raise refused(
                403,
                "PERMISSION_DENIED",
                f"{_TITLES[service]} has not been used in project {number} before or it is disabled. Enable it by "
                f"visiting {where} then retry. If you enabled this API recently, wait a few minutes for the action to "
                "propagate to our systems and retry.",
                {
                    "@type": "type.googleapis.com/google.rpc.Help",
                    "links": [{"description": "Google developers console API activation", "url": where}],
                },
                info("SERVICE_DISABLED", "googleapis.com", service=service, consumer=f"projects/{number}"),
            )

    def may(self, who: Who, permission: str, resource: str) -> bool:
        """Whether the caller has the permission on a resource, by project id."""
        own = re.sub(r"/cryptoKeyVersions/[^/]+$", "", resource)
        return rules.allowed(self.state, who, permission, rules.chain(self.state, own), own)

    # --- What the calls do ---

    def token(self, form: Mapping[str, str]) -> dict[str, Any]:
        who = rules.exchange(self.state, form)
        access = f"ya29.d.{len(self.given)}.{hashlib.sha256(who.label.encode()).hexdigest()[:40]}"
        self.given[access] = who
        kind = "urn:ietf:params:oauth:token-type:access_token"
        return {"access_token": access, "issued_token_type": kind, "token_type": "Bearer", "expires_in": 3599}


@dataclass(frozen=True)
class Asked:
    """One call: its permission, the name in its address, what stands behind that and in its body, and whose it is."""

    host: str
    permission: str
    name: str
    query: Mapping[str, str]
    body: Mapping[str, Any]
    who: Who


def _denied(asked: Asked, resource: str) -> RefusedError:
    where = f"//{_IAM}/{resource}" if asked.host == _IAM else resource
    message = f"Permission '{asked.permission}' denied on resource '{where}' (or it may not exist)."
    if asked.host == "cloudresourcemanager.googleapis.com":
        return refused(403, "PERMISSION_DENIED", "The caller does not have permission")
    if asked.host == "serviceusage.googleapis.com":
        service = resource.rpartition("/")[2]
        what = f"Permission denied to get service [{service}]"
        return refused(403, "PERMISSION_DENIED", what, info("AUTH_PERMISSION_DENIED", "serviceusage.googleapis.com"))
    detail = info("IAM_PERMISSION_DENIED", asked.host, permission=asked.permission, resource=resource)
    return refused(403, "PERMISSION_DENIED", message, detail)


def _checked(cloud: Cloud, asked: Asked, resource: str) -> None:
    """The order of Google's own answers: is the API on, may the caller do it; then whether the thing is there."""
    project = resource.split("/")[1] if resource.startswith("projects/") else ""
    cloud.enabled(asked.host, *filter(None, (project, asked.who.project)))
    known = not project or cloud.project(project) is not None
    if not known or not cloud.may(asked.who, asked.permission, cloud.by_id(resource)):
        raise _denied(asked, resource)


def _paged(cloud: Cloud, asked: Asked, field: str, items: list[Any]) -> dict[str, Any]:
    size = min(int(asked.query.get("pageSize", 0)) or cloud.state["page"], cloud.state["page"])
    start = int(asked.query.get("pageToken", 0))
    result: dict[str, Any] = {field: items[start : start + size]} if items[start : start + size] else {}
    return {**result, "nextPageToken": str(start + size)} if start + size < len(items) else result


def _get(kind: str, missing: Callable[[str], str], by: str = "by_number") -> Callable[[Cloud, Asked], dict[str, Any]]:
    def act(cloud: Cloud, asked: Asked) -> dict[str, Any]:
        _checked(cloud, asked, asked.name)
        name = getattr(cloud, by)(asked.name)
        if name not in cloud.state[kind]:
            raise refused(404, "NOT_FOUND", missing(name))
        return dict(cloud.state[kind][name])

    return act


def _list(kind: str, field: str, by: str = "by_number", above: str = "") -> Callable[[Cloud, Asked], dict[str, Any]]:
    """A list of what stands directly under a parent; deleted things are there on demand alone.

    above: what kind the parent is of, "" where it is always there.
    """

    def act(cloud: Cloud, asked: Asked) -> dict[str, Any]:
        _checked(cloud, asked, asked.name)
        parent, there = getattr(cloud, by)(asked.name), cloud.state[kind]
        if above and parent not in cloud.state[above]:
            gone = {"rings": f"KeyRing {parent} not found.", "keys": _key_missing(parent)}
            raise refused(404, "NOT_FOUND", gone.get(above, "Requested entity was not found."))
        deleted = asked.query.get("showDeleted") == "true" or by == "by_id"
        items = [
            dict(item)
            for name, item in there.items()
            if name.rpartition("/")[0].rpartition("/")[0] == parent and (deleted or item.get("state") != "DELETED")
        ]
        return _paged(cloud, asked, field, items)

    return act


def _key(cloud: Cloud, asked: Asked) -> dict[str, Any]:
    """A key, with a copy of its primary version as that is now."""
    key = _get("keys", _key_missing, "by_id")(cloud, asked)
    return {**key, "primary": cloud.state["versions"][key["primary"]["name"]]} if "primary" in key else key


def _location_known(cloud: Cloud, name: str) -> None:
    location = name.split("/")[3]
    if location not in cloud.state["locations"]:
        raise refused(
            404,
            "NOT_FOUND",
            f"The request concerns location '{location}' but was sent to location 'global'. Either Cloud KMS is not "
            f"available in '{location}' or the request was misrouted.",
            info("KMS_RESOURCE_NOT_FOUND_IN_LOCATION", _KMS),
        )


def _in_kms(act: Callable[[Cloud, Asked], dict[str, Any]]) -> Callable[[Cloud, Asked], dict[str, Any]]:
    """Cloud KMS looks at the location first, then does the rest."""

    def inside(cloud: Cloud, asked: Asked) -> dict[str, Any]:
        _location_known(cloud, asked.name)
        return act(cloud, asked)

    return inside


def _key_missing(name: str) -> str:
    return f"CryptoKey {name} not found."


def _kms_policy(cloud: Cloud, asked: Asked) -> dict[str, Any]:
    _checked(cloud, asked, asked.name)
    name = cloud.by_id(asked.name)
    kind, missing = ("keys", _key_missing(name)) if "/cryptoKeys/" in name else ("rings", f"KeyRing {name} not found.")
    if name not in cloud.state[kind]:
        raise refused(404, "NOT_FOUND", missing)
    return dict(cloud.state["policies"].get(name, {"etag": "ACAB"}))


def _policy_above(collection: str) -> Callable[[Cloud, Asked], dict[str, Any]]:
    """The policy of a project, folder or organization."""

    def act(cloud: Cloud, asked: Asked) -> dict[str, Any]:
        name = cloud.by_id(asked.name if "/" in asked.name else f"{collection}/{asked.name}")
        _checked(cloud, asked, name)
        return dict(cloud.state["policies"].get(name, {"etag": "ACAB"}))

    return act


def _project(cloud: Cloud, asked: Asked) -> dict[str, Any]:
    _checked(cloud, asked, f"projects/{asked.name}")
    return dict(cloud.project(asked.name) or {})


def _ancestry(cloud: Cloud, asked: Asked) -> dict[str, Any]:
    _checked(cloud, asked, f"projects/{asked.name}")
    levels = rules.chain(cloud.state, cloud.by_id(f"projects/{asked.name}"))
    names = (level.split("/") for level in levels)
    return {"ancestor": [{"resourceId": {"type": kind.removesuffix("s"), "id": id}} for kind, id in names]}


def _service(cloud: Cloud, asked: Asked) -> dict[str, Any]:
    _checked(cloud, asked, asked.name)
    _, owner, _, service = asked.name.split("/")
    project = cloud.project(owner) or {}
    off = service in cloud.state["disabled"].get(project["projectId"], ())
    return {
        "name": f"projects/{project['projectNumber']}/services/{service}",
        "config": {"name": service, "title": _TITLES.get(service, service)},
        "state": "DISABLED" if off else "ENABLED",
        "parent": f"projects/{project['projectNumber']}",
    }


def _role(cloud: Cloud, asked: Asked) -> dict[str, Any]:
    if "/roles/" in asked.name:
        _checked(cloud, asked, asked.name.partition("/roles/")[0])
    found = rules.role(cloud.state, asked.name)
    if found is None:
        raise refused(404, "NOT_FOUND", f"The role named {asked.name} was not found.")
    return dict(found)


def _attached(name: str) -> str:
    """The resource that a deny policy's name speaks of."""
    return unquote(name.split("/")[1]).partition("/")[2]


def _deny_list(cloud: Cloud, asked: Asked) -> dict[str, Any]:
    resource = _attached(asked.name)
    _checked(cloud, asked, resource)
    found = cloud.state["deny"].get(cloud.by_id(resource), [])
    items = [{name: value for name, value in policy.items() if name != "rules"} for policy in found]
    return _paged(cloud, asked, "policies", items)


def _deny_get(cloud: Cloud, asked: Asked) -> dict[str, Any]:
    resource = _attached(asked.name)
    _checked(cloud, asked, resource)
    for policy in cloud.state["deny"].get(cloud.by_id(resource), []):
        if policy["name"].rpartition("/")[2] == asked.name.rpartition("/")[2]:
            return dict(policy)
    raise refused(404, "NOT_FOUND", "Requested entity was not found.")


def _locations(cloud: Cloud, asked: Asked) -> dict[str, Any]:
    _checked(cloud, asked, asked.name)
    items = [{"name": f"{asked.name}/locations/{one}", "locationId": one} for one in cloud.state["locations"]]
    return _paged(cloud, asked, "locations", items)


def _rights(cloud: Cloud, asked: Asked) -> dict[str, Any]:
    name = cloud.by_id(asked.name if "/" in asked.name else f"projects/{asked.name}")
    cloud.enabled(asked.host, *filter(None, (name.split("/")[1], asked.who.project)))
    held = [one for one in asked.body.get("permissions", []) if cloud.may(asked.who, one, name)]
    return {"permissions": held} if held else {}


# --- Cloud KMS at work -----------------------------------------------------------------------------------------------


def _usable(cloud: Cloud, asked: Asked) -> tuple[str, str]:
    """The key and the version that a request means, after every check that Cloud KMS makes before it works."""
    _checked(cloud, asked, asked.name)
    name = cloud.by_id(asked.name)
    key_name = name.partition("/cryptoKeyVersions/")[0]
    key = cloud.state["keys"].get(key_name)
    if key is None:
        raise refused(404, "NOT_FOUND", _key_missing(key_name))
    version = (
        name if "/cryptoKeyVersions/" in name else key.get("primary", {}).get("name", f"{key_name}/cryptoKeyVersions/1")
    )
    if key["purpose"] != "ENCRYPT_DECRYPT":
        message = f"Operation requested for Key {version} has incorrect key purpose: {key['purpose']}"
        raise refused(400, "FAILED_PRECONDITION", message, _violation("CRYPTO_SCHEME_MISMATCH", version))
    _enabled_version(cloud, version)
    if fault := cloud.state.get("external"):  # what the key manager outside of Google answers
        raise refused(fault["code"], fault["status"], fault["message"], _violation(fault["type"], version))
    return key_name, version


def _violation(kind: str, subject: str) -> dict[str, Any]:
    violations = [{"type": kind, "subject": subject}]
    return {"@type": "type.googleapis.com/google.rpc.PreconditionFailure", "violations": violations}


def _enabled_version(cloud: Cloud, version: str) -> None:
    current = cloud.state["versions"][version]["state"]
    if current != "ENABLED":
        message = f"{version} is not enabled, current state is: {current}."
        raise refused(400, "FAILED_PRECONDITION", message, _violation(f"KEY_{current}", version))


def _sealed(version: str, plain: bytes, nonce: bytes) -> bytes:
    """The laboratory's own cipher: a keystream of SHA-256, and an HMAC over all of it."""
    secret = hashlib.sha256(version.encode()).digest()
    stream = b"".join(hashlib.sha256(secret + nonce + bytes([block])).digest() for block in range(len(plain) // 32 + 1))
    return bytes(one ^ other for one, other in zip(plain, stream, strict=False))


def _mac(version: str, sealed: bytes) -> bytes:
    return hmac.new(hashlib.sha256(version.encode()).digest(), sealed, hashlib.sha256).digest()


def _encrypt(cloud: Cloud, asked: Asked) -> dict[str, Any]:
    _, version = _usable(cloud, asked)
    plain, nonce = base64.b64decode(asked.body.get("plaintext", "")), os.urandom(12)
    sealed = nonce + _sealed(version, plain, nonce)
    cipher = base64.b64encode(sealed + _mac(version, sealed)).decode()
    return {"name": version, "ciphertext": cipher, "protectionLevel": "SOFTWARE"}


def _decrypt(cloud: Cloud, asked: Asked) -> dict[str, Any]:
    key, primary = _usable(cloud, asked)
    raw = base64.b64decode(asked.body.get("ciphertext", ""))
    sealed, mac = raw[:-32], raw[-32:]
    for version in cloud.state["versions"]:
        if version.startswith(f"{key}/") and hmac.compare_digest(_mac(version, sealed), mac):
            _enabled_version(cloud, version)
            plain = base64.b64encode(_sealed(version, sealed[12:], sealed[:12])).decode()
            return {"plaintext": plain, "usedPrimary": version == primary, "protectionLevel": "SOFTWARE"}
    raise refused(400, "INVALID_ARGUMENT", "Decryption failed: verify that 'name' refers to the correct CryptoKey.")


_Act = Callable[[Cloud, Asked], dict[str, Any]]
# The permission that Google's references of the IAM permissions name for each call, and what the call does.
CALLS: Mapping[str, tuple[str, _Act]] = {
    f"{_POOLS}.get": ("iam.workloadIdentityPools.get", _get("pools", lambda _: "Requested entity was not found.")),
    f"{_POOLS}.list": ("iam.workloadIdentityPools.list", _list("pools", "workloadIdentityPools")),
    f"{_POOLS}.providers.get": (
        "iam.workloadIdentityPoolProviders.get",
        _get("providers", lambda _: "Requested entity was not found."),
    ),
    f"{_POOLS}.providers.list": (
        "iam.workloadIdentityPoolProviders.list",
        _list("providers", "workloadIdentityPoolProviders", above="pools"),
    ),
    "iam.roles.get": ("iam.roles.get", _role),
    "iam.projects.roles.get": ("iam.roles.get", _role),
    "iam.organizations.roles.get": ("iam.roles.get", _role),
    "iam.policies.listPolicies": ("iam.denypolicies.list", _deny_list),
    "iam.policies.get": ("iam.denypolicies.get", _deny_get),
    f"{_PROJECTS}.get": ("resourcemanager.projects.get", _project),
    f"{_PROJECTS}.getAncestry": ("resourcemanager.projects.get", _ancestry),
    f"{_PROJECTS}.getIamPolicy": ("resourcemanager.projects.getIamPolicy", _policy_above("projects")),
    f"{_PROJECTS}.testIamPermissions": ("", _rights),
    "cloudresourcemanager.folders.getIamPolicy": ("resourcemanager.folders.getIamPolicy", _policy_above("folders")),
    "cloudresourcemanager.organizations.getIamPolicy": (
        "resourcemanager.organizations.getIamPolicy",
        _policy_above("organizations"),
    ),
    "serviceusage.services.get": ("serviceusage.services.get", _service),
    "cloudkms.projects.locations.list": ("cloudkms.locations.list", _locations),
    "cloudkms.projects.locations.keyRings.get": (
        "cloudkms.keyRings.get",
        _in_kms(_get("rings", lambda name: f"KeyRing {name} not found.", "by_id")),
    ),
    "cloudkms.projects.locations.keyRings.list": (
        "cloudkms.keyRings.list",
        _in_kms(_list("rings", "keyRings", "by_id")),
    ),
    "cloudkms.projects.locations.keyRings.getIamPolicy": ("cloudkms.keyRings.getIamPolicy", _in_kms(_kms_policy)),
    f"{_KEY}.get": ("cloudkms.cryptoKeys.get", _in_kms(_key)),
    f"{_KEY}.list": ("cloudkms.cryptoKeys.list", _in_kms(_list("keys", "cryptoKeys", "by_id", "rings"))),
    f"{_KEY}.getIamPolicy": ("cloudkms.cryptoKeys.getIamPolicy", _in_kms(_kms_policy)),
    f"{_KEY}.testIamPermissions": ("", _rights),
    f"{_KEY}.cryptoKeyVersions.list": (
        "cloudkms.cryptoKeyVersions.list",
        _in_kms(_list("versions", "cryptoKeyVersions", "by_id", "keys")),
    ),
    f"{_KEY}.encrypt": ("cloudkms.cryptoKeyVersions.useToEncrypt", _in_kms(_encrypt)),
    f"{_KEY}.decrypt": ("cloudkms.cryptoKeyVersions.useToDecrypt", _in_kms(_decrypt)),
}
