"""Microsoft Entra: which tenants there are, and who gets a token."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.lab.azure import refusals
from tests.lab.azure.cloud import CLI, OPENAI, READING_APPLICATION, Cloud
from tests.lab.azure.tokens import AUDIENCES, LASTS, Caller, access_token, claims_in, packed, signed

OPENAI_SECRET = "openai's own"
_SECRETS = {
    OPENAI: OPENAI_SECRET,
    READING_APPLICATION["AZURE_CLIENT_ID"]: READING_APPLICATION["AZURE_CLIENT_SECRET"],
}
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NOT_INSTALLED = (
    "This can happen if the application has not been installed by the administrator of the tenant or consented to by "
    "any user in the tenant. You might have sent your authentication request to the wrong tenant."
)


class Entra:
    """The sign-in service."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._state = cloud.state
        self._scopes: dict[str, str] = {}  # by device code: what it was asked for
        self._asked: dict[str, int] = {}  # and how often the program came back for it

    def answer(self, request: Request, form: Mapping[str, str]) -> Response:
        tenant, _, rest = request.url.path.strip("/").partition("/")
        tenant = tenant.lower()
        if (tenant, rest) == ("common", "discovery/instance"):
            named = ["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"]
            host = {"preferred_network": named[0], "preferred_cache": named[1], "aliases": named}
            return JSONResponse({"api-version": "1.1", "metadata": [host]})
        if tenant not in self._state["tenants"]:
            raise _no_tenant(tenant)
        base = f"https://{request.headers['host']}/{tenant}"
        if rest == "v2.0/.well-known/openid-configuration":
            return JSONResponse(
                {
                    "token_endpoint": f"{base}/oauth2/v2.0/token",
                    "jwks_uri": f"{base}/discovery/v2.0/keys",
                    "issuer": f"{base}/v2.0",
                    "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                    "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                    "tenant_region_scope": "EU",
                    "cloud_instance_name": "microsoftonline.com",
                    "msgraph_host": "graph.microsoft.com",
                }
            )
        if rest == "oauth2/v2.0/devicecode" and request.method == "POST":
            code, url = secrets.token_urlsafe(40), "https://microsoft.com/devicelogin"
            self._scopes[code] = form.get("scope", "")
            message = f"To sign in, use a web browser to open the page {url} and enter the code LABCODE7Q."
            shown = {"user_code": "LABCODE7Q", "device_code": code, "verification_uri": url, "message": message}
            return JSONResponse({**shown, "expires_in": 900, "interval": 1})
        if rest == "oauth2/v2.0/token" and request.method == "POST":
            scopes = form.get("scope", "") or self._scopes.get(form.get("device_code", ""), "")
            scope = next((part for part in scopes.split() if part.endswith("/.default")), "")
            resource = scope.removesuffix("/.default").rstrip("/")
            if form.get("grant_type") == "client_credentials":
                return self._application(tenant, form, resource)
            return self._person(tenant, form, resource)
        return Response(status_code=404)

    def _person(self, tenant: str, form: Mapping[str, str], resource: str) -> Response:
        if form.get("grant_type", "").endswith("device_code"):
            person = self._entered(form.get("device_code", ""))
        else:
            person = (claims_in(form.get("refresh_token", "")) or {}).get("person", "")
        if not person:
            sentence = "The provided authorization code or refresh token has expired due to inactivity."
            raise refusals.entra(70008, "invalid_grant", sentence)
        found = self._state["people"][person]
        home = found["tenants"][0]
        if tenant not in found["tenants"]:
            sentence = (
                f"User account '{found['name']}' from identity provider 'https://sts.windows.net/{home}/' does not"
            )
            where = f"exist in tenant '{self._state['tenants'][tenant]['name']}' and cannot access the application."
            raise refusals.entra(50020, "invalid_grant", f"{sentence} {where}")
        self._known(tenant, resource)
        now = int(time.time())
        identity = {
            "aud": form["client_id"],
            "iss": f"https://login.microsoftonline.com/{tenant}/v2.0",
            "oid": found["object_id"],
            "sub": found["object_id"],
            "tid": tenant,
            "preferred_username": found["name"],
            "iat": now,
            "nbf": now,
            "exp": now + LASTS,
        }
        account = json.dumps({"uid": found["object_id"], "utid": home}).encode()
        return JSONResponse(
            {
                "token_type": "Bearer",
                "scope": f"{resource}/.default",
                "expires_in": LASTS,
                "ext_expires_in": LASTS,
                "access_token": access_token(resource, Caller(found["object_id"], CLI, tenant, found["name"])),
                "refresh_token": signed({"person": person}),
                "id_token": signed(identity),
                "client_info": packed(account),
            }
        )

    def _entered(self, code: str) -> str:
        """Who entered the device code."""
        settings = self._state["sign_in"]
        self._asked[code] = asked = self._asked.get(code, 0) + 1
        if asked <= settings["polls"]:
            sentence = "OAuth 2.0 device flow error. Authorization is pending. Continue polling."
            raise refusals.entra(70016, "authorization_pending", sentence)
        if settings["ends"] == "declined":
            raise refusals.entra(70018, "authorization_declined", "The user declined to authorize the device.")
        if settings["ends"] == "expired":
            raise refusals.entra(70020, "expired_token", "The provided value for 'device_code' has expired.")
        return str(settings["person"])

    def _application(self, tenant: str, form: Mapping[str, str], resource: str) -> Response:
        app_id, name = form.get("client_id", ""), self._state["tenants"][tenant]["name"]
        found = self._cloud.application(tenant, app_id)
        if found is None and app_id != OPENAI:
            sentence = f"Application with identifier '{app_id}' was not found in the directory '{name}'."
            raise refusals.entra(700016, "unauthorized_client", f"{sentence} {_NOT_INSTALLED}")
        if form.get("client_secret") != _SECRETS.get(app_id):
            sentence = "Invalid client secret provided. Ensure the secret being sent in the request is the client"
            tail = f"secret value, not the client secret ID, for a secret added to app '{app_id}'."
            raise refusals.entra(7000215, "invalid_client", f"{sentence} {tail}", 401)
        if found is None:
            where = f"The client application {app_id} is missing service principal in the tenant {tenant}."
            link = "See instructions here: https://go.microsoft.com/fwlink/?linkid=2225119"
            raise refusals.entra(7000229, "invalid_client", f"{where} {link}", 401)
        if not found["accountEnabled"]:
            sentence = f"Application '{app_id}'({found['displayName']}) is disabled."
            raise refusals.entra(7000112, "unauthorized_client", sentence)
        self._known(tenant, resource)
        token = access_token(resource, Caller(found["id"], app_id, tenant, ""))
        return JSONResponse({"token_type": "Bearer", "expires_in": LASTS, "access_token": token})

    def _known(self, tenant: str, resource: str) -> None:
        if resource not in (*AUDIENCES.values(), "https://management.core.windows.net"):
            name = self._state["tenants"][tenant]["name"]
            sentence = f"The resource principal named {resource} was not found in the tenant named {name}."
            raise refusals.entra(500011, "invalid_resource", f"{sentence} {_NOT_INSTALLED}")


def _no_tenant(tenant: str) -> refusals.Refusal:
    if not _GUID.fullmatch(tenant) and "." not in tenant:
        sentence = f"Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain."
        return refusals.entra(900023, "invalid_request", sentence)
    sentence = (
        f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the"
    )
    tail = "correct cloud. Check with your subscription administrator, this may happen if there are no active"
    return refusals.entra(90002, "invalid_tenant", f"{sentence} {tail} subscriptions for the tenant.")
