"""Reads one field a line: key=value, key: value, exports of a shell, YAML, Terraform's tfvars."""

from __future__ import annotations

import re

from ekm_core.importing import Draft, Read, names, open_value

_LINE = re.compile(
    r"[ \t]*(?:[-*•|][ \t]+|\$env:|(?:export|set|setx|declare -x)[ \t]+)?"
    r"[\"'`]?(?P<name>[A-Za-z][\w .-]{0,60}?)[\"'`]?[ \t]*(?:=>|:=|=|:|\||\t)[ \t]*(?P<value>[^\n]{0,2000})"
)
_QUOTED = re.compile(r"(?P<quote>[\"'`])(?P<inside>[^\"'`]*+)(?P=quote)[ \t]*[,;|]?[ \t]*(?:#.*|//.*)?")
_TERRAFORM = re.compile(r"(?:var|local|module|data|aws_\w+|google_\w+|azurerm_\w+)\.[\w.\[\]-]{1,200}")
_MOST_LINES = 20_000


def read_lines(text: str) -> Read:
    """The fields of the lines that have the form; () where none of them is a known field."""
    found: dict[str, object] = {}
    problems: list[str] = []
    for number, line in enumerate(text.splitlines()[:_MOST_LINES], 1):
        match = _LINE.match(line)
        if not match:
            continue
        if match["value"].strip() in ("", "{", "[", ">", "|"):  # opens a block
            continue
        name, value = match["name"].strip(), _value(match["name"], match["value"].strip())
        if name in found and found[name] != value and len(problems) < 10 and names.is_known(name):
            problems.append(f"Line {number} gives {name} again with another value; the last one counts.")
        found[name] = value
    if not any(names.is_known(name) and not names.is_type(name) for name in found):
        return Read()
    return Read((Draft(found, "list of fields"),), tuple(problems))


def _value(name: str, value: str) -> str:
    if quoted := _QUOTED.fullmatch(value):
        return quoted["inside"].strip()
    value = re.split(r"[ \t]#", value, maxsplit=1)[0].strip().removesuffix("|").strip().rstrip(",;")
    return open_value(name) if _TERRAFORM.fullmatch(value) else value
