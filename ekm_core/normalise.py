"""Undoes wrappers and escapes, so that a signature meets the sentence as its author wrote it.

What people paste went through terminals, loggers, JSON in JSON, Markdown and HTML on its way. One pass with one regular
expression undoes all of it and remembers where every piece came from, so that a match can be shown in the user's own
text. All quantifiers are possessive or bounded: the pass is linear on any input.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

# One character for one: offsets stay as they are.
_REPLACED: dict[int, str] = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}  # full-width forms
for _plain, _fancy in (
    ("'", "‘’‚‛′´ʼ"),
    ('"', "“”„‟″«»「」『』"),
    (" ", "\u00a0\u2007\u202f\u3000\u2002\u2003\u2009"),
    ("-", "‐‑‒–—−"),
):
    _REPLACED.update(dict.fromkeys(map(ord, _fancy), _plain))

_TIMESTAMP = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?+(?:Z|[+-]\d\d:?\d\d)?+[ \t|:-]*+"
_GUTTER = rf"(?:[│┃╷╵|#!*•+-]{{1,3}}+(?=\s)|>{{1,3}}+|/{{2,3}}+(?=\s)|{_TIMESTAMP})"
_BLANK = r"(?:\s|\\++[nrt])"

_NOISE = re.compile(
    rf"""
    (?P<gutter>\A\s*+(?:{_GUTTER}\s*+)++)
    | (?P<line>
        (?=[\s\\│┃|])(?:[^\S\n\r]|\\++t)*+(?:[│┃|][^\S\n\r]*+)?+(?:[\n\r]|\\++[nr]){_BLANK}*+(?:{_GUTTER}{_BLANK}*+)*+
      )
    | (?P<blank>(?=[^\S\ ]|\\++[nrt]|\ (?:\s|\\++[nrt])){_BLANK}++)
    | (?P<unicode>\\++u00[0-9a-fA-F]{{2}})
    | (?P<escape>\\++["'/`&<>{{}}\[\]]?+)
    | (?P<concatenation>["']\s{{0,40}}+\+\s{{0,40}}+["'](?=\w))
    | (?P<entity>&(?:quot|apos|amp|lt|gt|nbsp|\#39|\#x27|\#34|\#x22|\#x2[fF]|\#47|\#96|\#x60);)
    | (?P<percent>%(?:20|22|27|3[aA]|2[fF]|5[bBdD]|0[aAdD]))
    | (?P<tag></?(?:code|pre|em|strong|span|tt|div|br|td|tr|li|p|b|i)(?:\s[^<>\n]{{0,200}}+)?+/?>)
    | (?P<nothing>\x1b\[[0-9;?]*+[A-Za-z]|\[\d{{1,2}}(?:;\d{{1,3}}){{0,3}}+m
        |[\u200b-\u200f\u2060\ufeff\u00ad]++|`++|(?<!\*)\*\*(?!\*))
    """,
    re.VERBOSE,
)
_ENTITIES = {"quot": '"', "apos": "'", "amp": "&", "lt": "<", "gt": ">", "nbsp": " "}


def _replacement(match: re.Match[str]) -> str:
    kind = match.lastgroup
    found = match.group()
    if kind in ("blank", "line", "gutter"):
        return " "
    if kind == "escape":
        last = found[-1]
        return "\\" if last == "\\" else last
    if kind == "unicode":
        return chr(int(found[-2:], 16))
    if kind == "percent":
        return chr(int(found[1:], 16)) if found[1] != "0" else " "
    if kind == "entity":
        name = found[1:-1]
        if name in _ENTITIES:
            return _ENTITIES[name]
        return chr(int(name[2:], 16) if name[1] in "xX" else int(name[1:]))
    if kind == "tag":
        return " " if found.strip("</> ")[:2].lower() in ("br", "td", "tr", "li", "p", "di", "pr") else ""
    return ""


@dataclass(frozen=True, slots=True)
class Normalised:
    """Text in normal form. ``starts`` and ``origins`` say where each piece of it begins, here and in the source."""

    text: str
    starts: tuple[int, ...] = (0,)
    origins: tuple[int, ...] = (0,)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The place in the source of the non-empty slice ``text[start:end]``."""
        return self._origin(start), self._origin(max(end - 1, start)) + 1

    def _origin(self, offset: int) -> int:
        piece = bisect_right(self.starts, offset) - 1
        return self.origins[piece] + offset - self.starts[piece]


def plain(text: str) -> str:
    """The normal form alone, where nobody will ask for places (triage)."""
    if not text.isascii():
        text = text.translate(_REPLACED)
    return _NOISE.sub(_replacement, text)


def normalise(text: str) -> Normalised:
    """Any pasted text in normal form: single blanks, straight quotes, no escapes, gutters or markup.

    The result's ``text`` equals ``plain(text)``.
    """
    if not text.isascii():
        text = text.translate(_REPLACED)
    pieces: list[str] = []
    starts: list[int] = [0]
    origins: list[int] = [0]
    length = done = 0
    for match in _NOISE.finditer(text):
        start, end = match.span()
        kept = text[done:start]
        new = _replacement(match)
        length += len(kept)
        if new:
            starts.append(length)
            origins.append(start)
        length += len(new)
        starts.append(length)
        origins.append(end)
        pieces.append(kept)
        pieces.append(new)
        done = end
    if not pieces:
        return Normalised(text)
    pieces.append(text[done:])
    return Normalised("".join(pieces), tuple(starts), tuple(origins))
