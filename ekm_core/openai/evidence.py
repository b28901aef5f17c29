"""What the answers of OpenAI's management API say: the registered keys, and whether OpenAI could use one of them.

In: exhibits, pasted or of a live probe, told apart by their command (``openai.snippets``). Pure.
"""

from __future__ import annotations

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
    """What each validation said, in order; one to which OpenAI gave no answer said nothing."""
    found = []
    for exhibit in exhibits:
        if exhibit.text.startswith(NOT_READ):
            continue
        if named := _KEY.search(exhibit.command):
            passed = isinstance(exhibit.output, dict) and exhibit.output.get("status") == "success"
            found.append(Validation(named["id"], "" if passed else exhibit.text))
    return tuple(found)


def is_registration_of(key: Configuration, configured: Configuration) -> bool:
    """Whether a registered key is the one of a form: all that the form gives of its fields is the same."""
    if key.provider is not configured.provider:
        return False
    given = {name for name in REGISTRATION[key.provider] if configured.get(name)}
    return bool(given) and all(_plain(key, name) == _plain(configured, name) for name in given)


def _plain(configured: Configuration, name: str) -> str:
    value = configured.get(name)
    return value.rstrip("/").lower() if name in ("vault_uri", "tenant_id") else value
