"""The child process that evaluates CEL. It is started by ``cel.evaluate`` and is never imported by the app.

It reads one JSON object from standard input, {"expressions": [text], "variables": {name: value}, "time": {name: ISO}},
and prints one JSON object a line, in order, each as soon as it is known, so that one deadly expression takes none of
the answers before it. A hostile expression can eat memory or time: the limits below end this process, not the server.
"""

from __future__ import annotations

import datetime
import json
import re
import resource
import sys
from typing import Protocol

_MEMORY = 512 * 1024 * 1024
_CPU_SECONDS = 2
_LONGEST_ANSWER = 8192
_PLACE = re.compile(r"<input>:(\d+):(\d+): ([^\n]*)")


class _Kind(Protocol):
    def name(self) -> str: ...


class _Value(Protocol):
    def type(self) -> _Kind: ...

    def plain_value(self) -> object: ...


class _Expression(Protocol):
    def eval(self, *, data: dict[str, object]) -> _Value: ...


class _Environment(Protocol):
    """The parts of the runtime's environment that are used here; the package has no types of its own."""

    def compile(self, expression: str) -> _Expression: ...


def extract(text: str, template: str) -> str:
    """Google's own function: the part of ``text`` that stands where the template has its braces, "" if none does.

    ``'a/b/c'.extract('a/{x}/')`` is ``b``. Source: IAM Conditions attribute reference, "extract".
    """
    pieces = re.fullmatch(r"([^{}]*)\{[^{}]+\}([^{}]*)", template)
    if pieces is None:
        raise ValueError("the template of extract() needs one name in braces")
    before, after = pieces.groups()
    at = text.find(before)
    if at < 0:
        return ""
    start = at + len(before)
    end = text.find(after, start) if after else len(text)
    return text[start:end] if end >= 0 else ""


def _plain(value: object) -> object:
    """The value as JSON can carry it; other types by their name alone."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple) and len(value) <= 1000 and all(isinstance(item, str) for item in value):
        return list(value)
    return {"type": type(value).__name__}


def _evaluate(environment: _Environment, expression: str, data: dict[str, object]) -> dict[str, object]:
    try:
        compiled = environment.compile(expression)
    except RuntimeError as fault:
        place = _PLACE.search(str(fault))
        if place is None:
            return {"state": "unsupported", "message": str(fault)[:300]}
        line, column, message = place.groups()
        state = "syntax" if message.startswith("Syntax error") else "unsupported"
        return {"state": state, "message": message[:200], "line": int(line), "column": int(column)}
    try:
        value = compiled.eval(data=data)
    except (RuntimeError, ValueError) as fault:
        return {"state": "error", "message": str(fault)[:300]}
    if value.type().name() == "ERROR":
        message = str(value.plain_value())
        missing = message.startswith("NOT_FOUND: Key not found in map")
        return {"state": "missing" if missing else "error", "message": message[:300]}
    answer = {"state": "value", "value": _plain(value.plain_value())}
    if len(json.dumps(answer)) > _LONGEST_ANSWER:
        return {"state": "error", "message": f"The result is longer than {_LONGEST_ANSWER} characters."}
    return answer


def main() -> None:
    """Reads the request, evaluates it within the limits, prints the answers."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    from cel_expr_python import cel
    from cel_expr_python.ext import ext_strings

    request = json.load(sys.stdin.buffer)
    data: dict[str, object] = dict(request["variables"])
    types = {name: cel.Type.STRING if isinstance(value, str) else cel.Type.DYN for name, value in data.items()}
    for name, moment in request["time"].items():
        data[name] = datetime.datetime.fromisoformat(moment)
        types[name] = cel.Type.TIMESTAMP
    text = cel.Type.STRING
    overload = cel.Overload("string_extract", return_type=text, parameters=[text, text], is_member=True, impl=extract)
    environment = cel.NewEnv(
        variables=types,
        extensions=[ext_strings.ExtStrings()],
        functions=[cel.FunctionDecl("extract", [overload])],
    )
    for expression in request["expressions"]:
        print(json.dumps(_evaluate(environment, expression, data)), flush=True)


if __name__ == "__main__":
    main()
