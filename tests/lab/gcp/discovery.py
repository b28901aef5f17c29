"""Google's APIs as their own discovery documents describe them: which calls there are, and what may stand in them.

A request is refused, and an answer of ours found wrong, by the same rules: the schemas of the documents, which ship in
google-api-python-client. The sentences are those of Google's own servers.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tests.lab.programs import installed

_DOCUMENTS = {
    "iam.googleapis.com": ("iam.v1", "iam.v2"),
    "sts.googleapis.com": ("sts.v1",),
    "cloudkms.googleapis.com": ("cloudkms.v1",),
    "cloudresourcemanager.googleapis.com": ("cloudresourcemanager.v1", "cloudresourcemanager.v3"),
    "serviceusage.googleapis.com": ("serviceusage.v1",),
}
HOSTS = tuple(_DOCUMENTS)


class InvalidError(Exception):
    """A request that does not fit its description. ``field``: where, "" for the whole of it."""

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.field = field


@dataclass(frozen=True)
class Method:
    """One call of one API. ``path``: matches the part of the address behind the first slash."""

    id: str
    verb: str
    path: re.Pattern[str]
    parameters: Mapping[str, Any]
    request: str
    response: str
    schemas: Mapping[str, Any]

    def query(self, given: Mapping[str, str]) -> dict[str, str]:
        """The parameters behind the question mark. Raises InvalidError for unknown names and values of a wrong type."""
        known = {name: rule for name, rule in self.parameters.items() if rule["location"] == "query"}
        for name, value in given.items():
            if name not in known:
                raise InvalidError(
                    f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter. '
                    f"Field '{name}' could not be found in request message."
                )
            kind, field = known[name].get("type"), _snake(name)
            if kind == "integer" and not re.fullmatch(r"-?\d{1,10}", value):
                raise InvalidError(f"Invalid value at '{field}' (TYPE_INT32), \"{value}\"", field)
            if kind == "boolean" and value not in ("true", "false"):
                raise InvalidError(f"Invalid value at '{field}' (TYPE_BOOL), \"{value}\"", field)
            if value not in known[name].get("enum", [value]):
                raise InvalidError(f"Invalid value at '{field}' (TYPE_ENUM), \"{value}\"", field)
        return dict(given)

    def body(self, raw: bytes) -> dict[str, Any]:
        """The JSON of the request by its camel-case names. Raises InvalidError for what the schema does not know."""
        if not self.request:
            if raw.strip():
                raise InvalidError('Invalid JSON payload received. Unknown name "": Root element must be a message.')
            return {}
        try:
            value = json.loads(raw or b"{}")
        except ValueError:
            raise InvalidError("Invalid JSON payload received. Unexpected token.") from None
        if not isinstance(value, dict):
            raise InvalidError("Invalid JSON payload received. Root element must be a message.")
        return self._message(value, self.schemas[self.request], "")

    def answer(self, value: Mapping[str, Any]) -> None:
        """Raises InvalidError where an answer of ours is not what the schema promises."""
        self._message(dict(value), self.schemas[self.response], "")

    def _message(self, value: Mapping[str, Any], schema: Mapping[str, Any], at: str) -> dict[str, Any]:
        rules, others, found = schema.get("properties", {}), schema.get("additionalProperties"), {}
        for name, item in value.items():
            camel = name if name in rules else re.sub(r"_([a-z])", lambda match: match[1].upper(), name)
            rule = rules.get(camel, others)
            if rule is None:
                place = f" at '{at}'" if at else ""
                raise InvalidError(
                    f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.', at
                )
            found[camel] = self._value(item, rule, f"{at}.{_snake(camel)}".lstrip("."))
        return found

    def _value(self, value: Any, rule: Mapping[str, Any], at: str) -> Any:
        if "$ref" in rule:
            rule = self.schemas[rule["$ref"]]
        kind, form = rule.get("type", "any"), rule.get("format", "")
        wanted = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "array": list, "object": dict}
        number_as_text = kind == "string" and form in ("int64", "uint64") and isinstance(value, int)
        fits = kind == "any" or number_as_text or isinstance(value, wanted[kind])
        if not fits or (kind == "integer" and isinstance(value, bool)):
            name = {"string": "TYPE_BYTES" if form == "byte" else "TYPE_STRING"}.get(kind, f"TYPE_{kind.upper()}")
            raise InvalidError(f"Invalid value at '{at}' ({name}), {json.dumps(value)}", at)
        if kind == "string" and value not in rule.get("enum", [value]):
            raise InvalidError(f"Invalid value at '{at}' (TYPE_ENUM), \"{value}\"", at)
        if form == "byte" and not _base64(value):
            raise InvalidError(f"Invalid value at '{at}' (TYPE_BYTES), Base64 decoding failed for \"{value}\"", at)
        if kind == "array":
            return [self._value(item, rule["items"], f"{at}[{place}]") for place, item in enumerate(value)]
        return self._message(value, rule, at) if kind == "object" else value


def _base64(text: str) -> bool:
    try:
        base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda match: f"_{match[1].lower()}", name)


@lru_cache(maxsize=1)
def _methods() -> Mapping[str, tuple[Method, ...]]:
    home = installed("google-api-python-client").parent
    folder = next(home.glob("lib/python*/site-packages/googleapiclient/discovery_cache/documents"))
    return {
        host: tuple(
            method
            for name in names
            for method in _described(json.loads((folder / f"{name}.json").read_text(encoding="utf-8")))
        )
        for host, names in _DOCUMENTS.items()
    }


def _described(document: Mapping[str, Any]) -> Iterator[Method]:
    found = list(_all(document))
    # "…/keys/k:encrypt" also looks like a key of that name: what ends in a verb of its own goes first.
    found.sort(key=lambda method: ":" not in method["path"].rpartition("}")[2])
    for method in found:
        parameters = method.get("parameters", {})
        yield Method(
            method["id"],
            method["httpMethod"],
            _pattern(method["path"], parameters),
            parameters,
            method.get("request", {}).get("$ref", ""),
            method["response"]["$ref"],
            document["schemas"],
        )


def _all(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from node.get("methods", {}).values()
    for resource in node.get("resources", {}).values():
        yield from _all(resource)


def _pattern(path: str, parameters: Mapping[str, Any]) -> re.Pattern[str]:
    parts = re.split(r"\{\+?(\w+)\}", path)
    built = re.escape(parts[0])
    for name, literal in zip(parts[1::2], parts[2::2], strict=True):
        inside = parameters[name].get("pattern", "[^/]+").removeprefix("^").removesuffix("$")
        inside = re.sub(r"\[\^/\]\+$", "[^/:]+", inside)  # what follows a colon is a verb of its own
        built += f"(?P<{name}>{inside}){re.escape(literal)}"
    return re.compile(built)


def find(host: str, verb: str, path: str) -> tuple[Method, dict[str, str]] | None:
    """The call that an address means, with the values in its path; None for what no document describes.

    path: still percent-encoded, without the leading slash.
    """
    for method in _methods().get(host, ()):
        if method.verb == verb and (match := method.path.fullmatch(path)):
            return method, match.groupdict()
    return None
