"""A stand-in of OpenAI's management API for external keys. Register and validate really walk the customer's cloud.

Paths, fields, required fields, scopes and the form of answers: help article 20000953 and the typed models of the
``openai`` Python SDK 3.57, both read on 2026-11-27. Sentences of a missing scope and of a field's pattern are real ones
(github.com/microsoft/PowerToys/issues/32989, article 20000955). Not public, and so a guess: the status (400) and the
``code`` beside the cloud's text, and the sentences for a key that is not there or is in use.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.lab.servers import served

HOSTS = (r"api\.openai\.com",)
READ, WRITE = "api.external_keys.read", "api.external_keys.write"

ADMIN_KEY = "sk-admin-ThisIsADemoKeyOfTheLaboratoryOnly"
"""May do everything."""
READING_KEY = "sk-admin-ThisDemoKeyMayListAndValidate"
WRITING_KEY = "sk-admin-ThisDemoKeyMayNotReadExternalKeys"
_SCOPES = {ADMIN_KEY: {READ, WRITE}, READING_KEY: {READ}, WRITING_KEY: {WRITE}}

Walk = Callable[[Mapping[str, str]], str]
"""From the body of a registration to "", or to what the customer's cloud answered OpenAI."""

_FIELDS: Mapping[str, tuple[str, ...]] = {
    "aws": ("name", "role_arn", "kms_arn", "external_id"),
    "gcp": (
        *("name", "workload_identity_project_number", "workload_identity_pool_id", "workload_identity_provider_id"),
        *("audience", "kms_project_id", "kms_key_ring_name", "kms_key_name", "kms_key_location"),
    ),
    "azure": ("name", "tenant_id", "vault_uri", "key_name"),
    "oci": ("name", "region", "vault_ocid", "key_ocid"),
}
_BESIDE = {"aws": (), "gcp": ("kms_key_version",), "azure": ("key_version",), "oci": ("key_version_ocid",)}
_PATTERNS = {
    "role_arn": r"^arn:aws:iam::\d{12}:role/.+$",
    "workload_identity_project_number": r"^[0-9]{1,19}$",
    "key_name": r"^org-[0-9a-zA-Z-]*--[0-9a-zA-Z-]*$",
}


class _RefusedError(Exception):
    def __init__(self, status: int, message: str, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
        self.answer = JSONResponse({"error": error}, status)


@dataclass(slots=True)
class OpenAI:
    """One organization. walks: for each cloud what its calls would meet. in_use: ids that a live project uses."""

    organization: str
    walks: dict[str, Walk]
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    in_use: set[str] = field(default_factory=set)

    def put(self, body: Mapping[str, str]) -> str:
        """Register a key as if it had been good once, whatever its cloud says today; its id."""
        digest = hashlib.sha256(json.dumps([len(self.keys), dict(body)], sort_keys=True).encode()).hexdigest()
        id = f"extkey_{digest[:24]}"
        beside = {"id": id, "object": "organization.external_key", "created_at": 1746175499 + len(self.keys)}
        self.keys[id] = {**beside, "api_project_ids": [], "workspace_id": "", "purpose": "ekm", **body}
        return id

    # ------------------------------------------------------------------------------------------------------- the API
    async def collection(self, request: Request) -> Response:
        """GET and POST of /v1/organization/external_keys."""
        if request.method == "GET":
            _authorize(request, READ)
            return self._list(request.query_params)
        _authorize(request, WRITE)
        try:
            body = json.loads(await request.body())
        except ValueError:
            raise _RefusedError(400, "We could not parse the JSON body of your request.") from None
        given = self._accepted(body)
        await self._walk(given)
        return JSONResponse(self.keys[self.put(given)])

    async def one(self, request: Request) -> Response:
        """GET and DELETE of one key."""
        _authorize(request, READ if request.method == "GET" else WRITE)
        found = self._found(request)
        if request.method == "GET":
            return JSONResponse(found)
        if found["id"] in self.in_use:
            sentence = f"The external key {found['id']} is associated with active projects and cannot be deleted."
            raise _RefusedError(400, sentence)
        del self.keys[found["id"]]
        return JSONResponse({**found, "object": "organization.external_key.deleted"})

    async def validate(self, request: Request) -> Response:
        """POST …/{id}/validate."""
        _authorize(request, READ)
        await self._walk(self._found(request))
        return JSONResponse({"status": "success"})

    def _list(self, query: Mapping[str, str]) -> Response:
        purpose = query.get("purpose")
        keys = [key for key in self.keys.values() if purpose in (None, key["purpose"])]
        keys.sort(key=lambda key: key["created_at"], reverse=query.get("order", "desc") == "desc")
        ids = [key["id"] for key in keys]
        start = ids.index(query["after"]) + 1 if query.get("after") in ids else 0
        limit = int(query.get("limit", "20"))
        page = keys[start : start + limit]
        ends = {"first_id": page[0]["id"] if page else None, "last_id": page[-1]["id"] if page else None}
        return JSONResponse({"object": "list", "data": page, **ends, "has_more": start + limit < len(keys)})

    def _accepted(self, body: object) -> dict[str, str]:
        """The body, where the API takes it. Raises _RefusedError as the API does."""
        if not isinstance(body, dict):
            raise _RefusedError(400, "Invalid type for request body: expected an object.")
        kind = body.get("type")
        if kind is None:
            raise _missing("type")
        if kind not in _FIELDS:
            clouds = ", ".join(f"'{name}'" for name in _FIELDS)
            sentence = f"Invalid value: '{kind}'. Supported values are: {clouds}."
            raise _RefusedError(400, sentence, "invalid_value", "type")
        for name in _FIELDS[kind]:
            if name not in body:
                raise _missing(name)
        for name, value in body.items():
            if name not in (*_FIELDS[kind], *_BESIDE[kind], "type", "purpose"):
                raise _RefusedError(400, f"Unknown parameter: '{name}'.", "unknown_parameter", name)
            if not isinstance(value, str):
                raise _RefusedError(400, f"Invalid type for '{name}': expected a string.", "invalid_type", name)
            if name in _PATTERNS and not re.fullmatch(_PATTERNS[name], value):
                sentence = (
                    f"Invalid '{name}': string does not match pattern. Expected a string that matches the pattern "
                    f"'{_PATTERNS[name]}'."
                )
                raise _RefusedError(400, sentence, "invalid_string", name)
        owner = body.get("external_id") or body.get("audience") or body.get("key_name", "").partition("--")[0]
        if owner and owner.startswith("org-") and owner != self.organization:
            # Article 20000953: "This must be the OpenAI organization ID or an API project ID that belongs to it".
            raise _RefusedError(400, f"'{owner}' is not your organization or one of its projects.", "invalid_value")
        return body

    async def _walk(self, body: Mapping[str, Any]) -> None:
        said = await run_in_threadpool(self.walks[body["type"]], body)
        if said:
            raise _RefusedError(400, said)

    def _found(self, request: Request) -> dict[str, Any]:
        id = request.path_params["id"]
        if id not in self.keys:
            raise _RefusedError(404, f"No external key found with id '{id}'.", "not_found", "external_key_id")
        return self.keys[id]


def _missing(name: str) -> _RefusedError:
    return _RefusedError(400, f"Missing required parameter: '{name}'.", "missing_required_parameter", name)


def _authorize(request: Request, scope: str) -> None:
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not key:
        raise _RefusedError(401, "You didn't provide an API key.")
    if not key.startswith("sk-") or (key.startswith("sk-admin-") and key not in _SCOPES):
        shown = f"{key[:11]}{'*' * 20}{key[-4:]}"
        where = "You can find your API key at https://platform.openai.com/account/api-keys."
        raise _RefusedError(401, f"Incorrect API key provided: {shown}. {where}", "invalid_api_key")
    if scope not in _SCOPES.get(key, ()):
        raise _RefusedError(
            403,
            f"You have insufficient permissions for this operation. Missing scopes: {scope}. Check that you have the "
            "correct role in your organization (Reader, Writer, Owner) and project (Member, Owner), and if you're "
            "using a restricted API key, that it has the necessary scopes.",
            "missing_scope",
        )


@contextmanager
def serve(organization: OpenAI) -> Iterator[str]:
    """The address of the API of one organization."""
    path = "/v1/organization/external_keys"
    routes = [
        Route(path, organization.collection, methods=["GET", "POST"]),
        Route(f"{path}/{{id}}", organization.one, methods=["GET", "DELETE"]),
        Route(f"{path}/{{id}}/validate", organization.validate, methods=["POST"]),
    ]
    app = Starlette(routes=routes, exception_handlers={_RefusedError: _refused})
    with served(app) as address:
        yield address


def _refused(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, _RefusedError)
    return problem.answer
