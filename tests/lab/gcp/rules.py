"""Who may do what in the laboratory's Google Cloud: the token exchange, bindings, deny policies. Written for it alone.

It shares no rule with ``ekm_core``, so that both can be wrong only apart from each other. Sentences: Google's own, as
people pasted them. Where Google's behaviour is not documented, the choice is marked "our choice".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cel_expr_python import cel

State = Mapping[str, Any]

ISSUER = "https://accounts.google.com"
SUBJECT = "105900137572174660365"
KEY_ID = "lab-1"
_SECRET = b"the laboratory signs with this; it protects nothing"

_WHOLE_NAME = re.compile(
    r"//iam\.googleapis\.com/(?P<name>projects/(?P<project>[a-z0-9.:-]+)/locations/global"
    r"/workloadIdentityPools/(?P<pool>[a-z0-9-]{4,32})/providers/[a-z0-9-]{4,32})"
)
_FORM = (
    'Invalid value for "audience". This value should be the full resource name of the Identity Provider. See '
    "https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token for the list of possible formats."
)
_TARGET = (
    'The target service indicated by the "audience" parameters is invalid. This might either be because the pool or '
    "provider is disabled or deleted or because it doesn't exist."
)


class RefusedError(Exception):
    """An answer of Google's that is an error: HTTP status, and the body as JSON."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body


def refused(code: int, status: str, message: str, *details: Mapping[str, Any]) -> RefusedError:
    """An error in the shape of Google's APIs."""
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details:
        error["details"] = list(details)
    return RefusedError(code, {"error": error})


def info(reason: str, domain: str, **metadata: str) -> dict[str, Any]:
    """The detail that names an error's reason."""
    kind = "type.googleapis.com/google.rpc.ErrorInfo"
    return {"@type": kind, "reason": reason, "domain": domain, "metadata": metadata}


# --- CEL -------------------------------------------------------------------------------------------------------------


def evaluated(expression: str, variables: Mapping[str, Any]) -> tuple[bool, Any]:
    """(whether it has a value, the value). Dotted names such as ``resource.name`` are one variable."""
    types = {
        name: cel.Type.TIMESTAMP
        if isinstance(value, datetime)
        else cel.Type.STRING
        if isinstance(value, str)
        else cel.Type.DYN
        for name, value in variables.items()
    }
    try:
        value = cel.NewEnv(variables=types).compile(expression).eval(data=dict(variables))
    except (RuntimeError, ValueError):
        return False, None
    return (False, None) if value.type().name() == "ERROR" else (True, value.plain_value())


# --- The token service -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Who:
    """An identity. names: every member of a policy that means it. project: whose quota its calls count on."""

    label: str
    names: frozenset[str]
    project: str = ""
    lacks: frozenset[str] = field(default_factory=frozenset)
    trusted: bool = False
    """A person of the customer's, who may do all but what ``lacks`` names."""


def _oauth(error: str, sentence: str) -> RefusedError:
    return RefusedError(400, {"error": error, "error_description": sentence})


def token(audience: str, *, subject: str = SUBJECT, issuer: str = ISSUER, issued: float | None = None) -> str:
    """An ID token of the laboratory's own issuer. Its signature is an HMAC under the header that Google's have."""
    now = int(time.time() if issued is None else issued)
    claims = {"iss": issuer, "azp": subject, "aud": audience, "sub": subject, "iat": now, "exp": now + 3600}
    head = ".".join(_encoded(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": KEY_ID}, claims))
    return f"{head}.{_signature(head)}"


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _signature(head: str) -> str:
    return _encoded(hmac.new(_SECRET, head.encode(), hashlib.sha256).digest())


def exchange(state: State, form: Mapping[str, str]) -> Who:
    """Whom Google makes of the bearer of a token, or RefusedError. ``form``: by the camel-case names of the API.

    Our choice: first the form of the request, then the name, then the token, as the name alone decides where to look.
    """
    if form.get("grantType") != "urn:ietf:params:oauth:grant-type:token-exchange":
        raise _oauth("unsupported_grant_type", 'Invalid value for "grant_type".')
    if not form.get("scope"):
        raise _oauth("invalid_request", "Scope(s) must be provided.")
    # Our choice: ids and projects of a form that there cannot be count as a wrong form of the whole name.
    parts = _WHOLE_NAME.fullmatch(form.get("audience", ""))
    if parts is None:
        raise _oauth("invalid_request", _FORM)
    pool = state["pools"].get(parts["name"].partition("/providers/")[0])
    provider = state["providers"].get(parts["name"])
    if pool is None or provider is None or any(_off(one) for one in (pool, provider)):
        raise _oauth("invalid_target", _TARGET)
    return _accepted(parts["name"], provider, _claims(form.get("subjectToken", "")), form.get("subjectToken", ""))


def _off(document: Mapping[str, Any]) -> bool:
    return document.get("disabled", False) or document.get("state") != "ACTIVE"


def _claims(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        head, body, _ = text.split(".")
        parts = [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in (head, body)]
    except ValueError:
        raise _oauth("invalid_grant", "Unable to parse the ID Token.") from None
    if not all(isinstance(part, dict) for part in parts):
        raise _oauth("invalid_grant", "Unable to parse the ID Token.")
    return parts[0], parts[1]


def _accepted(name: str, provider: Mapping[str, Any], parts: tuple[dict[str, Any], dict[str, Any]], text: str) -> Who:
    (head, claims), oidc = parts, provider.get("oidc")
    if oidc is None:
        raise _oauth("invalid_request", "The subject token type does not fit the provider.")  # our choice of words
    if claims.get("iss") != oidc["issuerUri"]:
        expected = f"does not match the expected ones: {oidc['issuerUri']}."
        raise _oauth("invalid_grant", f"The issuer in ID Token {claims.get('iss')} {expected}")
    uploaded = oidc.get("jwksJson")
    if uploaded and head.get("kid") not in {key.get("kid") for key in json.loads(uploaded)["keys"]}:
        raise _oauth("invalid_grant", "Error connecting to the given credential's issuer.")
    if not hmac.compare_digest(_signature(text.rpartition(".")[0]), text.rpartition(".")[2]):
        raise _oauth("invalid_grant", "Unable to verify the ID Token signature.")
    if not claims["iat"] - 60 < time.time() < claims["exp"]:
        raise _oauth("invalid_grant", f"ID Token issued at {claims['iat']} is stale to sign-in.")
    allowed = oidc.get("allowedAudiences") or [f"{start}//iam.googleapis.com/{name}" for start in ("", "https:")]
    if claims["aud"] not in allowed:
        expected = f"does not match the expected audience {', '.join(allowed)}."
        raise _oauth("invalid_grant", f"The audience in ID Token [{claims['aud']}] {expected}")
    return _mapped(name.partition("/providers/")[0], provider, claims)


def _mapped(pool: str, provider: Mapping[str, Any], claims: Mapping[str, Any]) -> Who:
    made: dict[str, Any] = {}
    for target, expression in provider.get("attributeMapping", {}).items():
        there, value = evaluated(expression, {"assertion": dict(claims)})
        if there:  # our choice: a custom attribute without a value is left out
            made[target] = value
    subject = made.get("google.subject")
    if subject is None:
        raise _oauth("unauthorized_client", "Could not obtain a value for google.subject from the given credential.")
    if not isinstance(subject, str):
        raise _oauth("unauthorized_client", "The mapped attribute 'google.subject' must be of type STRING.")
    if len(subject.encode()) > 127:
        raise _oauth(
            "invalid_request",
            "The size of mapped attribute google.subject exceeds the 127 bytes limit. Either modify your attribute "
            "mapping or the incoming assertion to produce a mapped attribute that is less than 127 bytes.",
        )
    attributes = {name.removeprefix("attribute."): value for name, value in made.items() if name[:10] == "attribute."}
    groups = made.get("google.groups", [])
    condition = provider.get("attributeCondition", "")
    google = {"subject": subject, "groups": groups}
    variables = {"assertion": dict(claims), "google": google, "attribute": attributes}
    if condition and evaluated(condition, variables) != (True, True):
        raise _oauth("unauthorized_client", "The given credential is rejected by the attribute condition.")
    everyone = f"principalSet://iam.googleapis.com/{pool}"
    own = f"principal://iam.googleapis.com/{pool}/subject/{subject}"
    names = {own, "allUsers", f"{everyone}/*", *(f"{everyone}/group/{group}" for group in groups)}
    names |= {f"{everyone}/attribute.{name}/{value}" for name, value in attributes.items()}
    return Who(own, frozenset(names), project=pool.split("/")[1])


# --- Policies --------------------------------------------------------------------------------------------------------

_USE = ("cloudkms.cryptoKeyVersions.useToEncrypt", "cloudkms.cryptoKeyVersions.useToDecrypt")
_GOOGLES = {
    "roles/cloudkms.cryptoKeyEncrypterDecrypter": _USE,
    "roles/cloudkms.cryptoOperator": _USE,
    "roles/cloudkms.cryptoKeyEncrypter": _USE[:1],
    "roles/cloudkms.cryptoKeyDecrypter": _USE[1:],
    "roles/cloudkms.admin": ("cloudkms.cryptoKeys.get", "cloudkms.cryptoKeys.setIamPolicy"),
    "roles/cloudkms.viewer": ("cloudkms.cryptoKeys.get", "cloudkms.cryptoKeys.list"),
    "roles/iam.workloadIdentityUser": ("iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.getOpenIdToken"),
}


def role(state: State, name: str) -> Mapping[str, Any] | None:
    """A role with its permissions, Google's own or one of the set-up."""
    if name in state["roles"]:
        found: Mapping[str, Any] = state["roles"][name]
        return found
    held = _GOOGLES.get(name)
    return {"name": name, "title": name, "stage": "GA", "includedPermissions": list(held)} if held else None


def chain(state: State, resource: str) -> list[str]:
    """A resource and all that stands above it, nearest first."""
    parts = resource.split("/")
    found = ["/".join(parts[:length]) for length in (len(parts), 6, 2) if length <= len(parts)]
    while above := state["parents"].get(found[-1]):
        found.append(above)
    return list(dict.fromkeys(found))


def allowed(state: State, who: Who, permission: str, levels: list[str], resource: str) -> bool:
    """Whether the policies give the identity the permission. levels: the resource and all above it."""
    if permission in who.lacks:
        return False
    if _denied(state, who, permission, levels):
        return False
    return who.trusted or any(
        _granted(state, who, permission, bound, resource)
        for level in levels
        for bound in state["policies"].get(level, {}).get("bindings", [])
    )


def _granted(state: State, who: Who, permission: str, bound: Mapping[str, Any], resource: str) -> bool:
    held = role(state, bound["role"])
    if not who.names & set(bound["members"]) or held is None or held.get("deleted") or held.get("stage") == "DISABLED":
        return False
    if permission not in held.get("includedPermissions", []):
        return False
    if "condition" not in bound:
        return True
    return evaluated(
        bound["condition"]["expression"],
        {
            "resource.name": resource,
            "resource.type": "cloudkms.googleapis.com/CryptoKey",
            "resource.service": "cloudkms.googleapis.com",
            "request.time": datetime.now(UTC),
        },
    ) == (True, True)


def _denied(state: State, who: Who, permission: str, levels: list[str]) -> bool:
    service, _, rest = permission.partition(".")
    name = f"{service}.googleapis.com/{rest}"
    rules = (rule["denyRule"] for level in levels for one in state["deny"].get(level, []) for rule in one["rules"])
    return any(
        name in rule.get("deniedPermissions", [])
        and name not in rule.get("exceptionPermissions", [])
        and _meant(who, rule.get("deniedPrincipals", []))
        and not _meant(who, rule.get("exceptionPrincipals", []))
        for rule in rules
    )


def _meant(who: Who, principals: list[str]) -> bool:
    return bool(who.names & set(principals)) or "principalSet://goog/public:all" in principals
