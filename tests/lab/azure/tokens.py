"""Access tokens that the stand-in alone can make, so that audience, tenant and lifetime of each really count."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from tests.lab.azure.cloud import CLI, Cloud

AUDIENCES: Mapping[str, str] = {
    "arm": "https://management.azure.com",
    "graph": "https://graph.microsoft.com",
    "vault": "https://vault.azure.net",
}
LASTS = 3600
_KEY = secrets.token_bytes(32)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom a token stands for."""

    object_id: str
    app_id: str
    tenant: str
    name: str

    @property
    def words(self) -> str:
        """As Key Vault names a caller."""
        return f"appid={self.app_id};oid={self.object_id};iss=https://sts.windows.net/{self.tenant}/"


def packed(value: bytes) -> str:
    """In base64 for URLs, as JWTs and Key Vault have it."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _signature(body: str) -> str:
    return packed(hmac.digest(_KEY, body.encode(), "sha256"))


def signed(claims: Mapping[str, Any]) -> str:
    """A JWT with these claims."""
    head = packed(json.dumps({"typ": "JWT", "alg": "RS256", "kid": "lab"}).encode())
    body = f"{head}.{packed(json.dumps(claims).encode())}"
    return f"{body}.{_signature(body)}"


def claims_in(token: str) -> dict[str, Any] | None:
    """The claims of a token of ours, else None."""
    body, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_signature(body).encode(), signature.encode()):
        return None
    found: dict[str, Any] = json.loads(unpacked(body.partition(".")[2]))
    return found


def access_token(audience: str, caller: Caller, lasts: float = LASTS) -> str:
    """What Entra gives for a resource."""
    now = int(time.time())
    about = {"appid": caller.app_id, "oid": caller.object_id, "sub": caller.object_id, "tid": caller.tenant}
    times = {"iat": now, "nbf": now, "exp": int(now + lasts)}
    issuer = f"https://sts.windows.net/{caller.tenant}/"
    return signed({"aud": audience, "iss": issuer, **times, **about, "ver": "1.0", "unique_name": caller.name})


def tokens(
    state: Mapping[str, Any], person: str = "reader", *, tenant: str = "", lasts: float = LASTS
) -> dict[str, str]:
    """The access tokens that a person of the set-up would paste: by "arm", "graph" and "vault"."""
    found = Cloud(state).state["people"][person]
    caller = Caller(found["object_id"], CLI, tenant or found["tenants"][0], found["name"])
    return {name: access_token(audience, caller, lasts) for name, audience in AUDIENCES.items()}


def bearer(request: Request, audience: str) -> tuple[Caller | None, str, str]:
    """Who calls, why not ("missing", "bad", "audience", "expired"), and the audience that the token was made for."""
    given = request.headers.get("authorization", "")
    if not given:
        return None, "missing", ""
    claims = claims_in(given.removeprefix("Bearer "))
    if claims is None:
        return None, "bad", ""
    made_for = str(claims["aud"]).rstrip("/")
    allowed = (AUDIENCES[audience], "https://management.core.windows.net" if audience == "arm" else "")
    if made_for not in allowed:
        return None, "audience", made_for
    if claims["exp"] <= time.time():
        return None, "expired", made_for
    return Caller(claims["oid"], claims["appid"], claims["tid"], claims["unique_name"]), "", made_for
