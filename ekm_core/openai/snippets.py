"""Calls of OpenAI's management API, ready to copy: register, validate, list, retrieve and delete an external key.

Facts: help article 20000953 and the typed models of the ``openai`` Python SDK 3.54.0 (``OpenAI`` reads the admin key
from OPENAI_ADMIN_KEY, ``client.admin.organization.external_keys``); both read on 2026-11-23. The admin key itself
never stands in a snippet: each reads it from the environment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote

from ekm_core.model import Language, Snippet, Values
from ekm_core.snippets import sh, snippet

BASE_URL = "https://api.openai.com/v1/organization"
EXTERNAL_KEYS_URL = f"{BASE_URL}/external_keys"
_HEADER = '--header "Authorization: Bearer $OPENAI_ADMIN_KEY"'
_CLIENT = "from openai import OpenAI\n\nclient = OpenAI()  # reads the admin key from OPENAI_ADMIN_KEY\n"


def register(fields: Mapping[str, str]) -> tuple[Snippet, ...]:
    """The registration call, as curl and as the SDK's call.

    fields: what the customer registers, by the API's own names (``type``, ``name``, ``kms_arn`` …). The names must be
    Python identifiers (ValueError otherwise); the values may be anything and come out inert.
    """
    for name in fields:
        if not name.isidentifier():
            raise ValueError(f"not a field name of the API: {name!r}")
    body = json.dumps(dict(fields), indent=2)
    curl = "\n".join(
        (
            f"curl --request POST {EXTERNAL_KEYS_URL} \\",
            f"  {_HEADER} \\",
            "  --header 'Content-Type: application/json' \\",
            f"  --data-raw {sh(body)}",
        )
    )
    arguments = "".join(f"    {name}={value!r},\n" for name, value in fields.items())
    python = (
        f"{_CLIENT}key = client.admin.organization.external_keys.create(\n{arguments})\n"
        "print(key.id)  # keep this id: validate needs it\n"
    )
    return (
        snippet("Register the key (curl)", Language.BASH, curl),
        snippet("Register the key (Python, openai SDK)", Language.PYTHON, python),
    )


def register_file(path: str) -> Snippet:
    """The registration call with its body from a file; an error of the API is printed and fails the command."""
    curl = "\n".join(
        (
            f"curl --fail-with-body --silent --show-error --request POST {EXTERNAL_KEYS_URL} \\",
            f"  {_HEADER} \\",
            "  --header 'Content-Type: application/json' \\",
            f"  --data-binary {sh('@' + path)}",
        )
    )
    return snippet("Register the key", Language.BASH, curl)


def validate(values: Values) -> tuple[Snippet, ...]:
    """The call that makes OpenAI use the key once, as curl and as the SDK's call.

    It answers at once with ``{"status": "success"}`` or with the cloud's own error. ``external_key_id`` stays an open
    placeholder where it is not known.
    """
    python = (
        f"{_CLIENT}result = client.admin.organization.external_keys.validate({values.need('external_key_id')!r})\n"
        "print(result.status)\n"
    )
    return (
        snippet(
            "Ask OpenAI to use the key once (curl)",
            Language.BASH,
            f"curl --request POST {_one_key_url(values, '/validate')} \\\n  {_HEADER}",
        ),
        snippet("Ask OpenAI to use the key once (Python, openai SDK)", Language.PYTHON, python),
    )


def list_keys() -> Snippet:
    """The read-only call that lists every registration with all its fields."""
    return snippet("List the registered keys", Language.BASH, f"curl {EXTERNAL_KEYS_URL} \\\n  {_HEADER}")


def retrieve(values: Values) -> Snippet:
    """The read-only call that shows one registration, with the projects and the workspace that use it."""
    return snippet("Show one registered key", Language.BASH, f"curl {_one_key_url(values)} \\\n  {_HEADER}")


def delete(values: Values) -> Snippet:
    """The call that deletes one registration; OpenAI refuses it while a live project or workspace uses the key."""
    return snippet(
        "Delete the registration",
        Language.BASH,
        f"curl --request DELETE {_one_key_url(values)} \\\n  {_HEADER}",
    )


def list_projects() -> Snippet:
    """The read-only call that lists the projects, with ``external_key_id`` where the organization may use EKM."""
    url = sh(f"{BASE_URL}/projects?limit=100")
    return snippet("List the projects and the key of each", Language.BASH, f"curl {url} \\\n  {_HEADER}")


def _one_key_url(values: Values, tail: str = "") -> str:
    """The quoted URL of one registration; an id that is not known stays readable as its placeholder."""
    known = values.get("external_key_id")
    # "." and ".." would be walked as a path: such a value is no id.
    known = known if known.strip(".") else ""
    # errors="replace": a lone surrogate of a paste cannot be encoded and must not raise here.
    segment = quote(known, safe="", errors="replace") if known else "<EXTERNAL_KEY_ID>"
    return sh(f"{EXTERNAL_KEYS_URL}/{segment}{tail}")
