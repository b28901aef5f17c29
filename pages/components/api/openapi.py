"""The API's description (OpenAPI 3.1), served at ``/api/v1/openapi.json``."""

from __future__ import annotations

from typing import Any

from ekm_core import catalogue
from ekm_core.model import Language, Link, LinkState, Provider, Verdict
from pages.components.api.settings import Settings

LONGEST_TEXT = 2_000_000
"""Characters, as on the page."""

MOST_EVIDENCE = 100

Schema = dict[str, Any]


def _object(properties: Schema, optional: tuple[str, ...] = ()) -> Schema:
    """An object that has exactly these properties."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _one_of(names: type[Provider | Link | LinkState | Verdict | Language]) -> Schema:
    return {"type": "string", "enum": [name.value for name in names]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_TEXT: Schema = {"type": "string"}
_WHOLE: Schema = {"type": "integer"}
_ID: Schema = {"type": "string", "pattern": "^[a-z0-9-]{1,80}$"}
_SCHEMA: Schema = {"const": 1, "description": "The version of this form."}
_REPAIR: Schema = {
    "look": _ref("Look"),
    "fix": _ref("Fix"),
    "who": {**_TEXT, "description": "Who can carry out the fix, in the cloud's own role names."},
    "wait_minutes": {"type": ["integer", "null"], "description": "After so long, waiting is no longer the answer."},
}
_LISTED: Schema = {
    "id": _ID,
    "provider": _one_of(Provider),
    "title": _TEXT,
    "summary": _TEXT,
    "link": {**_one_of(Link), "description": "The link of the chain that this error shows broken."},
}

_SCHEMAS: Schema = {
    "Question": _object(
        {
            "text": {
                **_TEXT,
                "minLength": 1,
                "maxLength": LONGEST_TEXT,
                "description": "The error message with everything around it. Secrets are removed before it is read.",
            },
            "configuration": {
                "type": ["string", "object"],
                "minLength": 1,
                "minProperties": 1,
                "description": "What is registered for the key: the JSON body, or a text of any form that the "
                "Configuration page reads.",
            },
            "evidence": {
                "type": "array",
                "maxItems": MOST_EVIDENCE,
                "description": "What the cloud says: the output of commands, a terminal transcript, or entries of the "
                "script's bundle.",
                "items": {
                    "anyOf": [
                        {**_TEXT, "minLength": 1},
                        _object({"command": {**_TEXT, "description": "As it was typed."}, "output": {}}),
                    ]
                },
            },
        },
        ("configuration", "evidence"),
    ),
    "Diagnosis": _object(
        {
            "schema": _SCHEMA,
            "redactions": {
                "type": "object",
                "additionalProperties": _WHOLE,
                "description": "How many secrets of which kind were removed.",
            },
            "matches": {**_list(_ref("Match")), "description": "The most certain first; empty where none is known."},
            "chain": _list(_ref("ChainLink")),
            "perhaps": {
                **_list(_object({"id": _ID, "title": _TEXT})),
                "description": "Entries with similar words, where there is no match. They prove nothing.",
            },
            "next_step": _TEXT,
            "remarks": {
                **_list(_TEXT),
                "description": "What of the configuration or the evidence could not be used; absent where all was.",
            },
        },
        ("remarks",),
    ),
    "Match": _object(
        {
            "id": _ID,
            "provider": _one_of(Provider),
            "title": _TEXT,
            "score": {"type": "number", "minimum": 0, "maximum": 1},
            "evidence": {
                **_list(_object({"signature": _TEXT, "text": _TEXT})),
                "description": "The words of the text that prove it.",
            },
            "entities": {"type": "object", "additionalProperties": _TEXT},
            "causes": _list(_ref("JudgedCause")),
            "references": _list(_ref("Reference")),
        }
    ),
    "JudgedCause": _object(
        {
            "id": _ID,
            "title": _TEXT,
            "verdict": _one_of(Verdict),
            "because": _TEXT,
            "quotes": _list(_TEXT),
            "shown": _list(_TEXT),
            "changes": _list(_ref("Change")),
            "missing": {**_list(_ref("Snippet")), "description": "Commands whose output would decide it."},
            **_REPAIR,
        }
    ),
    "Cause": _object({"id": _ID, "title": _TEXT, "why": _TEXT, **_REPAIR}),
    "Change": _object({"title": _TEXT, "language": _one_of(Language), "diff": _TEXT, "after": _TEXT}),
    "Look": _object({"console": _list(_TEXT), "commands": _list(_ref("Snippet"))}),
    "Fix": _object(
        {
            "summary": _TEXT,
            "console": _list(_TEXT),
            **{name: _list(_ref("Snippet")) for name in ("cli", "terraform", "policies", "verify")},
        }
    ),
    "Snippet": _object(
        {
            "title": _TEXT,
            "language": _one_of(Language),
            "text": _TEXT,
            "placeholders": {**_list(_TEXT), "description": "Names such as <ORGANIZATION_ID> that are still open."},
        }
    ),
    "ChainLink": _object({"link": _one_of(Link), "state": _one_of(LinkState), "because": _TEXT}),
    "Reference": _object({"title": _TEXT, "url": _TEXT, "read": {"type": ["string", "null"], "format": "date"}}),
    "ListedError": _object(_LISTED),
    "ErrorList": _object({"schema": _SCHEMA, "errors": _list(_ref("ListedError"))}),
    "KnownError": _object(
        {
            "schema": _SCHEMA,
            **_LISTED,
            "samples": _list(_TEXT),
            "causes": _list(_ref("Cause")),
            "references": _list(_ref("Reference")),
        }
    ),
    "Problem": _object(
        {
            "type": _TEXT,
            "title": _TEXT,
            "status": _WHOLE,
            "detail": _TEXT,
            "errors": _list(_object({"pointer": _TEXT, "detail": _TEXT})),
        },
        ("errors",),
    ),
}

_PROBLEMS = {
    400: "The body is no JSON.",
    404: "There is no known error with this id.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The body is not application/json, or encoded.",
    422: "The body or a parameter is not of the form asked for; errors says where.",
    429: "Too many requests of one client; Retry-After says how many seconds to wait.",
    500: "A mistake of the server.",
    503: "The server is busy; Retry-After says how many seconds to wait.",
}


def _answers(what: str, name: str, *problems: int) -> Schema:
    answers: Schema = {"200": {"description": what, "content": {"application/json": {"schema": _ref(name)}}}}
    for status in sorted({*problems, 429, 500}):
        content = {"application/problem+json": {"schema": _ref("Problem")}}
        answers[str(status)] = {"description": _PROBLEMS[status], "content": content}
    return answers


def document(base: str, settings: Settings) -> Schema:
    """The description. base: the path before each address. settings: whose limits it names."""
    limit = f"at most {settings.per_minute} requests a minute" if settings.per_minute else "any number of requests"
    example = next(iter(catalogue.errors().values()))
    question = {"text": example.samples[0].text}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "EKM Troubleshooter",
            "version": "1",
            "summary": "Which known error of OpenAI's External Key Management a text holds, why, and how to mend it.",
            "description": f"Nothing that is sent is stored or logged. Each client may make {limit}; a body may have "
            f"{settings.most_bytes} bytes.",
        },
        "servers": [{"url": base}],
        "paths": {
            "/diagnose": {
                "post": {
                    "operationId": "diagnose",
                    "summary": "Diagnose one text.",
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": {"schema": _ref("Question"), "example": question}},
                    },
                    "responses": _answers(
                        "What the command line prints with --json.", "Diagnosis", 400, 408, 413, 415, 422, 503
                    ),
                }
            },
            "/errors": {
                "get": {
                    "operationId": "listErrors",
                    "summary": "List the known errors.",
                    "parameters": [{"name": "provider", "in": "query", "schema": _one_of(Provider)}],
                    "responses": _answers("All, or those of one provider.", "ErrorList", 422),
                }
            },
            "/errors/{id}": {
                "get": {
                    "operationId": "getError",
                    "summary": "One known error, with its causes and fixes.",
                    "parameters": [
                        {"name": "id", "in": "path", "required": True, "schema": _ID, "example": example.id}
                    ],
                    "responses": _answers("The entry.", "KnownError", 404),
                }
            },
            "/openapi.json": {
                "get": {
                    "operationId": "describe",
                    "summary": "This description.",
                    "responses": {
                        "200": {
                            "description": "An OpenAPI document.",
                            "content": {"application/json": {"schema": {"type": "object"}}},
                        },
                        "429": _answers("", "Problem")["429"],
                        "500": _answers("", "Problem")["500"],
                    },
                }
            },
        },
        "components": {"schemas": _SCHEMAS},
    }
