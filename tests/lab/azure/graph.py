"""Microsoft Graph: the service principals of a tenant, and those that were deleted."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.lab.azure import refusals
from tests.lab.azure.cloud import Cloud
from tests.lab.azure.tokens import bearer

_BASE = "https://graph.microsoft.com/v1.0"
_DELETED = "/v1.0/directory/deletedItems/microsoft.graph.servicePrincipal"
_WRONG = {
    "missing": "Access token is empty.",
    "bad": "IDX14100: JWT is not well formed, there are no dots (.).",
    "audience": "Access token validation failure. Invalid audience.",
    "expired": "Lifetime validation failed, the token is expired.",
}


def answer(cloud: Cloud, request: Request) -> Response:
    caller, wrong, _ = bearer(request, "graph")
    if caller is None:
        raise refusals.graph(401, "InvalidAuthenticationToken", _WRONG[wrong])
    people = cloud.state["people"].values()
    if not any(item["object_id"] == caller.object_id and item["directory"] for item in people):
        sentence = "Insufficient privileges to complete the operation."
        raise refusals.graph(403, "Authorization_RequestDenied", sentence)
    found: list[dict[str, Any]]
    if request.url.path == "/v1.0/servicePrincipals":
        wanted = re.fullmatch(r"appId eq '([^']+)'", request.query_params.get("$filter", ""))
        found = [item for item in cloud.applications(caller.tenant) if not wanted or item["appId"] == wanted[1]]
        return JSONResponse({"@odata.context": f"{_BASE}/$metadata#servicePrincipals", "value": found})
    if request.url.path == _DELETED:
        # One a page, so that whoever reads only the first page is found out.
        found, start = cloud.deleted_applications(caller.tenant), int(request.query_params.get("$skiptoken", "0"))
        page = {"@odata.context": f"{_BASE}/$metadata#servicePrincipals", "value": found[start : start + 1]}
        if len(found) > start + 1:
            page["@odata.nextLink"] = f"https://graph.microsoft.com{_DELETED}?$skiptoken={start + 1}"
        return JSONResponse(page)
    raise refusals.graph(400, "BadRequest", "Resource not found for the segment.")
