"""Reads what gcloud prints when nobody asked for JSON: the YAML of describe and get-iam-policy, and two short tables.

Only the block style that gcloud writes is read; anything else is None, never a guess. Shapes: gcloud's default output,
2026-11-23.
"""

from __future__ import annotations

import json
import re
from typing import Any

_LINES = 5_000
_DEPTH = 24
_KEY = re.compile(
    r"(?P<key>'[^']{1,300}'|\"[^\"\\]{1,300}\"|[A-Za-z_][^\s:'\"{}\[\]#]{0,300}(?::[^\s:]{1,300}){0,4})"
    r":(?:[ ]+(?P<value>.*))?$"
)
_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,17})")
_BLOCK = re.compile(r"[|>][-+]?")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None, "{}": {}, "[]": []}
_TABLES = {"NAME STATE": "state", "NAME TITLE": "title"}


class _NotPrinted(Exception):
    """The text is not in gcloud's block style."""


def read(text: str) -> object | None:
    """The document that gcloud printed (a list where it printed several), or None where the text is something else."""
    lines = [line.rstrip() for line in text.expandtabs(2).splitlines()]
    lines = [line for line in lines if not line.startswith(("#", "Updated ", "Listed "))]
    if len(lines) > _LINES:
        return None
    while lines and not lines[0]:
        del lines[0]
    if lines and (column := _TABLES.get(" ".join(lines[0].split()))):
        return _table(lines[1:], column)
    documents: list[list[str]] = [[]]
    for line in lines:
        if line == "---":
            documents.append([])
        else:
            documents[-1].append(line)
    try:
        values = [_Reader(document).document() for document in documents if any(document)]
    except _NotPrinted:
        return None
    if not values or not all(isinstance(value, dict | list) for value in values):
        return None
    return values[0] if len(values) == 1 and len(documents) == 1 else values


def _table(lines: list[str], column: str) -> list[dict[str, Any]] | None:
    """The rows of `kms keys versions list` (NAME, STATE) or `services list` (NAME, TITLE)."""
    rows: list[dict[str, Any]] = []
    for line in filter(None, lines):
        name, _, rest = line.partition(" ")
        if not rest.strip():
            return None
        if column == "state":
            rows.append({"name": name, "state": rest.strip()})
        else:
            rows.append({"config": {"name": name}, "state": "ENABLED"})
    return rows


class _Reader:
    """Reads one document, line by line; every line is read once."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._at = 0

    def document(self) -> object:
        self._skip_blank()
        value = self._block(self._indent(), 0)
        self._skip_blank()
        if self._at < len(self._lines):
            raise _NotPrinted
        return value

    def _skip_blank(self) -> None:
        while self._at < len(self._lines) and not self._lines[self._at]:
            self._at += 1

    def _indent(self) -> int:
        """The indent of the next line, -1 at the end."""
        self._skip_blank()
        if self._at >= len(self._lines):
            return -1
        line = self._lines[self._at]
        return len(line) - len(line.lstrip(" "))

    def _block(self, indent: int, depth: int) -> object:
        if depth > _DEPTH or indent < 0:
            raise _NotPrinted
        line = self._lines[self._at][indent:]
        if line == "-" or line.startswith("- "):
            return self._list(indent, depth)
        return self._mapping(indent, depth)

    def _list(self, indent: int, depth: int) -> list[Any]:
        items: list[Any] = []
        while self._indent() == indent:
            line = self._lines[self._at][indent:]
            if line != "-" and not line.startswith("- "):
                break
            content = line[1:].lstrip(" ")
            inner = indent + len(line) - len(content)
            if not content:
                self._at += 1
                items.append(self._block(self._indent(), depth + 1) if self._indent() > indent else None)
            elif _KEY.match(content) or content.startswith("- "):
                # A mapping that begins behind the dash: its other keys stand below this one.
                self._lines[self._at] = " " * inner + content
                items.append(self._block(inner, depth + 1))
            else:
                self._at += 1
                items.append(self._scalar(content, indent))
        return items

    def _mapping(self, indent: int, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while self._indent() == indent:
            line = self._lines[self._at][indent:]
            match = _KEY.match(line)
            if match is None:
                if line == "-" or line.startswith("- "):
                    break
                raise _NotPrinted
            key = match["key"].strip("'\"")
            if key in found:
                raise _NotPrinted
            self._at += 1
            value = match["value"] or ""
            if value:
                found[key] = self._scalar(value, indent)
                continue
            following = self._indent()
            dash = following == indent and self._lines[self._at][indent:].startswith("-")
            found[key] = self._block(following, depth + 1) if following > indent or dash else None
        return found

    def _scalar(self, first: str, indent: int) -> object:
        """A value that begins on the line just read; longer ones go on below, deeper than ``indent``."""
        lines: list[str] = []
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if line and len(line) - len(line.lstrip(" ")) <= indent:
                break
            lines.append(line)
            self._at += 1
        if _BLOCK.fullmatch(first):
            margin = min((len(line) - len(line.lstrip(" ")) for line in lines if line), default=0)
            return ("\n" if first[0] == "|" else " ").join(line[margin:] for line in lines).strip("\n")
        return _resolve(_folded(first, lines))


def _folded(first: str, lines: list[str]) -> str:
    """Lines of one value joined: a break is a blank, an empty line a break, an escaped break nothing."""
    text = first
    breaks = 0
    for line in lines:
        if not line:
            breaks += 1
            continue
        escaped = text.startswith('"') and text.endswith("\\") and not text.endswith("\\\\")
        part = line.strip(" ")
        if escaped:
            text = text[:-1] + part.removeprefix("\\")
        else:
            text += ("\n" * breaks or " ") + part
        breaks = 0
    return text


def _resolve(text: str) -> object:
    if text in _WORDS:
        value = _WORDS[text]
        return type(value)() if isinstance(value, dict | list) else value
    if text.startswith("'"):
        if len(text) < 2 or not text.endswith("'"):
            raise _NotPrinted
        return text[1:-1].replace("''", "'")
    if text.startswith('"'):
        try:
            value = json.loads(text, strict=False)
        except ValueError as error:
            raise _NotPrinted from error
        return value
    if text[0] in "{[&*!%@`,":
        raise _NotPrinted
    return int(text) if _INTEGER.fullmatch(text) else text
