"""What the answers of OpenAI's management API say: the registered keys, and whether OpenAI could use one of them.

In: exhibits, pasted or of a live probe, told apart by their command (``openai.snippets``). Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from ekm_core import configuration
from ekm_core.evidence import NOT_READ
from ekm_core.importing.names import REGISTRATION
from ekm_core.model import Configuration, Exhibit
from ekm_core.openai.snippets import EXTERNAL_KEYS_URL

_KEY = re.compile(rf"{re.escape(EXTERNAL_KEYS_URL)}/(?P<id>extkey_[A-Za-z0-9]{{1,80}})/validate\b")
_LIST = re.compile(rf"{re.escape(EXTERNAL_KEYS_URL)}(?![/\w])")
_OF_THE_CALL = frozenset({"invalid_api_key", "missing_scope", "not_found", "rate_limit_exceeded"})
_SAID_OF_THE_CALL = ("insufficient permissions for this operation", "Incorrect API key", "session key", "Rate limit")


@dataclass(frozen=True, slots=True)
class Validation:
    """What came of letting OpenAI use a key. error: what the cloud answered OpenAI; "" where all went well."""

    id: str
    error: str = ""


def keys(exhibits: Iterable[Exhibit]) -> tuple[Configuration, ...]:
    """Every registered key that can be read in the lists, with its ``id`` among its fields; for EKM alone."""
    found = {
        key.get("id"): key
        for exhibit in exhibits
        if exhibit.output is not None and _LIST.search(exhibit.command)
        for key in configuration.read(exhibit.text).configurations
    }
    return tuple(key for id, key in found.items() if id and key.get("purpose") in ("", "ekm"))


def validations(exhibits: Iterable[Exhibit]) -> tuple[Validation, ...]:
    """What each validation said, in order; a call that failed itself, or got no answer, said nothing."""
    found = []
    for exhibit in exhibits:
        named = _KEY.search(exhibit.command)
        if named and not exhibit.text.startswith(NOT_READ) and not is_of_the_call(exhibit.text):
            passed = isinstance(exhibit.output, dict) and exhibit.output.get("status") == "success"
            found.append(Validation(named["id"], "" if passed else error(exhibit.text)[0] or exhibit.text))
    return tuple(found)


def error(text: str) -> tuple[str, str]:
    """Message and code in the body of an error of the API; "" where it has none."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return "", ""
    inner = body.get("error") if isinstance(body, dict) else None
    if not isinstance(inner, dict):
        return "", ""
    message, code = inner.get("message"), inner.get("code")
    return (message if isinstance(message, str) else ""), (code if isinstance(code, str) else "")


def is_of_the_call(text: str) -> bool:
    """Whether the body of an error is for certain about the user's own call, and not what a cloud told OpenAI."""
    message, code = error(text)
    return code in _OF_THE_CALL or any(words in message for words in _SAID_OF_THE_CALL)


def is_registration_of(key: Configuration, configured: Configuration) -> bool:
    """Whether a registered key is the one of a form: all that the form gives of its fields is the same."""
    if key.provider is not configured.provider:
        return False
    given = {name for name in REGISTRATION[key.provider] if configured.get(name)}
    return bool(given) and all(_plain(key, name) == _plain(configured, name) for name in given)


def is_proven(configured: Configuration, exhibits: Iterable[Exhibit]) -> bool:
    """Whether OpenAI said that it could use the very key of a form: every field given and the same as registered."""
    given = tuple(exhibits)
    passed = {found.id: not found.error for found in validations(given)}
    return all(configured.get(name) for name in REGISTRATION[configured.provider]) and any(
        passed.get(key.get("id"), False) and is_registration_of(key, configured) for key in keys(given)
    )


def _plain(configured: Configuration, name: str) -> str:
    value = configured.get(name)
    return value.rstrip("/").lower() if name in ("vault_uri", "tenant_id") else value
