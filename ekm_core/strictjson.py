"""Strict JSON that says in words, with line and column, what is wrong. Standard library only.

The verdict always comes from the standard library's strict parser. Only where that refuses does a second, tolerant look
try to explain: it mends one fault after another IN PLACE (so that places stay true) and lists what it met. What it
mended is never used as a value. Stricter than the standard library: no NaN, no key twice in one object, no number
beyond a float, at most ``DEEPEST`` levels. Time is linear in the text's length.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, NoReturn

DEEPEST = 100
"""Levels of brackets that are read; no policy and no cloud's answer has more than about fifteen."""

_BUDGET = 6_000_000
_MOST_ROUNDS = 40


class Kind(StrEnum):
    """What is wrong with a text that should be JSON."""

    EMPTY = "empty"
    BOM = "bom"
    SMART_QUOTE = "smart-quote"
    ODD_SPACE = "odd-space"
    INVISIBLE = "invisible-character"
    FENCE = "markdown-fence"
    TRAILING_COMMA = "trailing-comma"
    MISSING_COMMA = "missing-comma"
    COMMENT = "comment"
    SINGLE_QUOTE = "single-quote"
    PLACEHOLDER = "placeholder"
    PYTHON_WORD = "python-word"
    NOT_A_NUMBER = "not-a-number"
    NUMBER = "number"
    UNQUOTED = "unquoted"
    ELLIPSIS = "ellipsis"
    CONTROL_CHARACTER = "control-character"
    ESCAPE = "escape"
    TRUNCATED = "truncated"
    DUPLICATE_KEY = "duplicate-key"
    SEVERAL = "several-documents"
    TEXT_BEFORE = "text-before"
    TEXT_AFTER = "text-after"
    NOT_JSON = "not-json"
    TOO_DEEP = "too-deep"
    SYNTAX = "syntax"


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: where it stands (line and column count from 1), and a sentence with the place in it and what to do."""

    kind: Kind
    line: int
    column: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """What ``parse`` answers. ``value`` is None unless ``valid``; ``problems`` is empty exactly where it is valid."""

    value: Any
    problems: tuple[Problem, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether the text is strict JSON (the value of which may be null)."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A string that still holds a placeholder: where it stands (``Statement[0].Resource``) and the placeholder."""

    path: str
    text: str


def parse(text: str) -> Parsed:
    """The value of a text that is strict JSON, or the reasons in words why it is not. Never raises."""
    fault = _fault(text)
    if not isinstance(fault, _Fault):
        return Parsed(fault.value)
    found: dict[Kind, Problem] = {}
    for _ in range(1 + min(_MOST_ROUNDS, _BUDGET // (len(text) + 1))):
        place = _explain(text, fault)
        if not found or place.kind not in _VAGUE:
            found.setdefault(place.kind, place.problem(text))
        mended = _mend(text, place)
        if mended == text:
            break
        text = mended
        again = _fault(text)
        if not isinstance(again, _Fault):
            break
        fault = again
    return Parsed(None, tuple(found.values()))


# ------------------------------------------------------------------------------------------------------- strict parse
@dataclass(frozen=True, slots=True)
class _Value:
    value: Any


@dataclass(frozen=True, slots=True)
class _Fault:
    """Where the strict parser stopped. ``kind`` where the fault is of our own rules, else what the parser said."""

    at: int
    said: str = ""
    kind: Kind | None = None
    detail: str = ""


class _RefusedError(Exception):
    """Raised by the parser's hooks, which do not know where they are."""


_TOKEN = re.compile(r'"(?>[^"\\]|\\.)*+(?:"|\\?\Z)|[\[{]|[\]}]|[0-9]{65,}+', re.DOTALL)
_LEXEME = re.compile(r'"(?>[^"\\]|\\.)*+"|[\[\]{},:]|[^\s"\[\]{},:]++', re.DOTALL)


def _fault(text: str) -> _Value | _Fault:
    """The one strict parse: the value, or the first fault."""
    if out_of_bounds := _out_of_bounds(text):
        return out_of_bounds
    if text.startswith("\ufeff"):
        return _Fault(0, kind=Kind.BOM)
    try:
        return _Value(
            json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_float),
        )
    except json.JSONDecodeError as problem:
        return _Fault(problem.pos, problem.msg)
    except _RefusedError:
        return _refused(text)


def _out_of_bounds(text: str) -> _Fault | None:
    """Nesting or a number that is too much to read at all."""
    depth = 0
    for token in _TOKEN.finditer(text):
        first = token.group()[0]
        if first in "[{":
            depth += 1
            if depth > DEEPEST:
                return _Fault(token.start(), kind=Kind.TOO_DEEP)
        elif first in "]}":
            depth -= 1
        elif first != '"':
            return _Fault(token.start(), kind=Kind.NUMBER)
    return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _RefusedError
    return found


def _refuse_constant(_: str) -> NoReturn:
    raise _RefusedError


def _float(literal: str) -> float:
    value = float(literal)
    if math.isinf(value):
        raise _RefusedError
    return value


def _refused(text: str) -> _Fault:
    """Where the first thing stands that a hook refused.

    The parser may have stopped before the end of the text, but up to there it is well-formed.
    """
    objects: list[dict[str, int] | None] = []
    before = ""
    for lexeme in _LEXEME.finditer(text):
        word = lexeme.group()
        if word == "{":
            objects.append({})
        elif word == "[":
            objects.append(None)
        elif word in "]}" and objects:
            objects.pop()
        elif word in ("NaN", "Infinity", "-Infinity"):
            return _Fault(lexeme.start(), kind=Kind.NOT_A_NUMBER)
        elif word[0] in "-0123456789" and _is_infinite(word):
            return _Fault(lexeme.start(), kind=Kind.NUMBER)
        elif word[0] == '"' and before in ("{", ",") and objects and (keys := objects[-1]) is not None:
            key = _decoded(word)
            if key in keys:
                detail = f"{_shown(key)} stands in line {_line(text, keys[key])} already"
                return _Fault(lexeme.start(), kind=Kind.DUPLICATE_KEY, detail=detail)
            keys[key] = lexeme.start()
        before = word
    return _Fault(len(text), kind=Kind.SYNTAX)


def _is_infinite(word: str) -> bool:
    try:
        return math.isinf(float(word))
    except ValueError:
        return False


def _decoded(word: str) -> str:
    try:
        return str(json.loads(word))
    except json.JSONDecodeError:
        return word


# ------------------------------------------------------------------------------------------------------------ in words
_VAGUE = frozenset({Kind.SYNTAX, Kind.NOT_JSON, Kind.MISSING_COMMA, Kind.TEXT_AFTER, Kind.TEXT_BEFORE, Kind.UNQUOTED})
"""What may be an after-effect of our own mending, and is said only of the text as it was pasted."""

_SMART = "“”„‟«»″＂"
_SMART_SINGLE = "‘’‚‛′`´"
_ODD_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\u00ad\ufeff\u202a\u202c\u2066\u2069"
_PYTHON_WORD = re.compile(r"(?:True|False|None|undefined|nil|TRUE|FALSE|NULL|Null)\b")
_JSON_WORDS = {"true": "true", "false": "false", "none": "null", "undefined": "null", "nil": "null", "null": "null"}
_OPEN_PLACEHOLDER = re.compile(r"<[^<>\n\"]{1,80}>|\$\{[^{}\n\"]{1,80}\}|\{\{[^{}\n\"]{1,80}\}\}|\$[A-Za-z_]\w{0,79}")
_COMMENT = re.compile(r"//[^\n]*+|#[^\n]*+|/\*.*?(?:\*/|\Z)", re.DOTALL)
_SINGLE_QUOTED = re.compile(r"'[^'\"\\\n]*+'")
_SMART_QUOTED = re.compile(
    rf"[{_SMART}][^{_SMART}\"\\\n]*+[{_SMART}\"]|[{_SMART_SINGLE}][^{_SMART_SINGLE}\"\n]*+[’‘'`´]"
)
_ELLIPSIS = re.compile(r"\.{3,}|…")
_FENCE = re.compile(r"[ \t]*```[^\n]*")
_BAD_NUMBER = re.compile(r"[+.]?[0-9][0-9.eE_+x]*|[+-]")
_WORD = re.compile(r"[A-Za-z_][\w.-]{0,79}")
_BLANK = re.compile(r"[ \t\r\n]*+")


class _Place(NamedTuple):
    """A fault in words, with its offset."""

    kind: Kind
    at: int
    sentence: str

    def problem(self, text: str) -> Problem:
        line, column = _line(text, self.at), self.at - text.rfind("\n", 0, self.at)
        return Problem(self.kind, line, column, f"Line {line}, column {column}: {self.sentence}")


def _explain(text: str, fault: _Fault) -> _Place:
    if fault.kind:
        return _Place(fault.kind, fault.at, _OWN_RULES[fault.kind].format(detail=fault.detail))
    if not text.strip():
        return _Place(Kind.EMPTY, 0, "there is nothing here. Paste the whole JSON, from the first { to the last }.")
    fence = _FENCE.match(text, _skip(text, 0))
    if fence and fault.at <= fence.end():
        return _Place(Kind.FENCE, fence.start(), _FENCE_SENTENCE)
    at = _skip(text, fault.at)
    if "control character" in fault.said:
        return _control_character(text, fault.at)
    if "escape" in fault.said:
        return _Place(
            Kind.ESCAPE,
            fault.at,
            "a backslash stands before a character that JSON does not escape. Write \\\\ for a backslash.",
        )
    if at >= len(text) or "Unterminated string" in fault.said:
        return _truncated(text, fault)
    if fault.said.startswith("Extra data"):
        return _after(text, at)
    return _at_character(text, at, fault.said)


_FENCE_SENTENCE = "this is a Markdown fence, not JSON. Remove the lines that begin with ```."
_OWN_RULES = {
    Kind.BOM: "the text begins with an invisible byte order mark (BOM). Save the file as UTF-8 without BOM.",
    Kind.TOO_DEEP: f"the brackets are nested more than {DEEPEST} levels deep. Paste the answer of one command alone.",
    Kind.NUMBER: "this number is too large to be read. Put it in double quotes if it is an ID.",
    Kind.NOT_A_NUMBER: "NaN and Infinity are not allowed in JSON. Write a number or null.",
    Kind.DUPLICATE_KEY: "the same key is given twice in one object: {detail}. Keep one of the two; which one counts is "
    "not defined.",
    Kind.SYNTAX: "the text is not valid JSON here.",
}


def _control_character(text: str, at: int) -> _Place:
    if text[at] in "\r\n":
        return _Place(
            Kind.CONTROL_CHARACTER,
            at,
            "the text in quotes is not closed on its line. Add the missing double quote, or join the broken lines.",
        )
    name = "a tab" if text[at] == "\t" else f"the control character U+{ord(text[at]):04X}"
    return _Place(
        Kind.CONTROL_CHARACTER,
        at,
        f"{name} stands inside the quotes. Remove it, or escape it.",
    )


def _truncated(text: str, fault: _Fault) -> _Place:
    at = fault.at if "Unterminated string" in fault.said else len(text.rstrip())
    what = "the quotes that open here are never closed" if at < len(text.rstrip()) else "the text ends too early"
    missing = len(_open_brackets(text))
    brackets = f" {missing} closing bracket{'s are' if missing != 1 else ' is'} missing." if missing else ""
    return _Place(
        Kind.TRUNCATED, at, f"{what}; the end seems to be cut off.{brackets} Copy it again down to the last line."
    )


def _open_brackets(text: str) -> list[str]:
    stack: list[str] = []
    for token in _TOKEN.finditer(text):
        first = token.group()[0]
        if first in "[{":
            stack.append(first)
        elif first in "]}" and stack:
            stack.pop()
    return stack


def _after(text: str, at: int) -> _Place:
    if text.startswith("```", at):
        return _Place(Kind.FENCE, at, _FENCE_SENTENCE)
    if text[at] in "{[":
        return _Place(
            Kind.SEVERAL,
            at,
            "a second JSON document begins here. Paste one at a time, or make a list of them.",
        )
    if invisible := _odd_character(text, at):
        return invisible
    if text[at] in "}]":
        return _Place(
            Kind.SYNTAX,
            at,
            f"this {text[at]} closes nothing. Look for a bracket that closes too early.",
        )
    if text[at] == "," or text[at] == ":":
        return _Place(
            Kind.SYNTAX,
            at,
            "the JSON is complete before this place. The bracket { that should open the whole seems to be missing.",
        )
    if _COMMENT.match(text, at):
        return _Place(Kind.COMMENT, at, "JSON has no comments. Remove it.")
    if not text[:at].lstrip().startswith(("{", "[")):
        return _Place(Kind.NOT_JSON, 0, "this is not JSON. JSON begins with { or [.")
    return _Place(Kind.TEXT_AFTER, at, "other text stands behind the JSON. Remove everything after the last bracket.")


def _odd_character(text: str, at: int) -> _Place | None:
    """A character that looks right to people and is not."""
    character = text[at]
    if character in _SMART or character in _SMART_SINGLE:
        return _Place(
            Kind.SMART_QUOTE, at, f'{character} is a typographic quote. Replace it by a plain double quote: ".'
        )
    if character in _ODD_SPACES:
        return _Place(
            Kind.ODD_SPACE,
            at,
            f"this is not a plain space (U+{ord(character):04X}). Type it anew.",
        )
    if character in _INVISIBLE:
        return _Place(Kind.INVISIBLE, at, f"an invisible character (U+{ord(character):04X}) stands here. Delete it.")
    return None


def _at_character(text: str, at: int, said: str) -> _Place:
    """What the character says at which the parser stopped."""
    if odd := _odd_character(text, at):
        return odd
    character = text[at]
    before = text[:at].rstrip()[-1:]
    if character in "}]" and before == ",":
        comma = text.rfind(",", 0, at)
        return _Place(Kind.TRAILING_COMMA, comma, f"this comma stands before a closing {character}. Remove the comma.")
    if _COMMENT.match(text, at):
        return _Place(Kind.COMMENT, at, "JSON has no comments. Remove it.")
    if placeholder := _OPEN_PLACEHOLDER.match(text, at):
        shown = _shown(placeholder.group())
        return _Place(
            Kind.PLACEHOLDER,
            at,
            f"the placeholder {shown} is still open. Write your value, in double quotes.",
        )
    if _ELLIPSIS.match(text, at):
        return _Place(Kind.ELLIPSIS, at, "something is left out here (…). Paste the whole text, without gaps.")
    if word := _PYTHON_WORD.match(text, at):
        right = _JSON_WORDS[word.group().lower()]
        return _Place(
            Kind.PYTHON_WORD,
            at,
            f"JSON does not know {word.group()}. Write {right}, without quotes.",
        )
    if not before:
        return _begins_wrongly(text, at)
    if character == "'":
        return _Place(Kind.SINGLE_QUOTE, at, "JSON wants double quotes, not single ones. Replace ' by \".")
    if "delimiter" in said and "','" in said:
        return _no_comma(text, at, before)
    if character == "=" or "':'" in said:
        return _Place(Kind.SYNTAX, at, "a colon is missing between the name and its value.")
    if _BAD_NUMBER.match(text, at):
        return _Place(
            Kind.NUMBER, at, "this is not a number of JSON. Put it in double quotes if it is an ID or a version."
        )
    if word := _WORD.match(text, at):
        return _Place(Kind.UNQUOTED, at, f"{_shown(word.group())} must stand in double quotes.")
    return _Place(Kind.SYNTAX, at, f"{_shown(character)} is not expected here.")


def _begins_wrongly(text: str, at: int) -> _Place:
    opening = re.search(r"[{\[]", text)
    if not opening:
        return _Place(Kind.NOT_JSON, at, "this is not JSON. JSON begins with { or [.")
    if opening.start() == at:
        return _Place(Kind.SYNTAX, at, "the text is not valid JSON here.")
    return _Place(
        Kind.TEXT_BEFORE,
        at,
        f"other text stands before the JSON. Remove everything before the first {opening.group()} "
        f"(line {_line(text, opening.start())}).",
    )


def _no_comma(text: str, at: int, before: str) -> _Place:
    if text[at] == "'":
        return _Place(Kind.SINGLE_QUOTE, at, "JSON wants double quotes, not single ones. Replace ' by \".")
    if text[at].isdigit() and text[at - 1].isdigit():
        return _Place(Kind.NUMBER, at, "a number of JSON has no leading zero. Put it in double quotes if it is an ID.")
    if text[at] in '"{[' or text[at].isdigit():
        return _Place(Kind.MISSING_COMMA, at, "a comma is missing before this.")
    if text[at] in "}]":
        return _Place(
            Kind.SYNTAX,
            at,
            f"this {text[at]} does not fit the open bracket. Look for a missing one before.",
        )
    if before == '"':
        return _Place(
            Kind.SYNTAX, at, 'the quotes before this close too early. Write a double quote inside a text as \\".'
        )
    return _Place(Kind.SYNTAX, at, f"{_shown(text[at])} is not expected here; a comma or a closing bracket is.")


# ---------------------------------------------------------------------------------------- mending, to see what is next
_ANY = re.compile(r".", re.DOTALL)
_SPACED = re.compile(r"[^\n]")


def _in_quotes(word: str) -> str:
    """The word with plain double quotes in place of its first and last character."""
    inside = word[1:-1].replace('"', " ").replace("\\", " ")
    return f'"{inside}"'


def _in_json(word: str) -> str:
    """Python's word in JSON, as long as it was; ``nil`` is too short for null and becomes a zero."""
    json_word = _JSON_WORDS[word.lower()]
    return json_word.ljust(len(word)) if len(json_word) <= len(word) else "0".ljust(len(word))


def _blank(word: str) -> str:
    return _SPACED.sub(" ", word)


def _zero(word: str) -> str:
    return "0".ljust(len(word))


_MENDING: Mapping[Kind, tuple[re.Pattern[str], Callable[[str], str]]] = {
    Kind.BOM: (_ANY, _blank),
    Kind.ODD_SPACE: (_ANY, _blank),
    Kind.INVISIBLE: (_ANY, _blank),
    Kind.TRAILING_COMMA: (_ANY, _blank),
    Kind.CONTROL_CHARACTER: (re.compile(r"[^\r\n]"), _blank),
    Kind.FENCE: (_FENCE, _blank),
    Kind.COMMENT: (_COMMENT, _blank),
    Kind.SMART_QUOTE: (_SMART_QUOTED, _in_quotes),
    Kind.SINGLE_QUOTE: (_SINGLE_QUOTED, _in_quotes),
    Kind.PLACEHOLDER: (_OPEN_PLACEHOLDER, _in_quotes),
    Kind.PYTHON_WORD: (_PYTHON_WORD, _in_json),
    Kind.NOT_A_NUMBER: (re.compile(r"-?(?:NaN|Infinity)"), _zero),
}


def _mend(text: str, place: _Place) -> str:
    """The text with the one fault mended by as many characters, so that all places stay; the same where we cannot."""
    how = _MENDING.get(place.kind)
    found = how[0].match(text, place.at) if how else None
    if not how or not found:
        return text
    return text[: found.start()] + how[1](found.group()) + text[found.end() :]


def _skip(text: str, at: int) -> int:
    """The next place that is not JSON's own white space (other odd spaces are faults)."""
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _shown(text: str) -> str:
    """A bit of the user's text inside our sentence: short, and without what cannot be printed."""
    clean = "".join(character if character.isprintable() else "�" for character in text[:60])
    return f"“{clean}{'…' if len(text) > 60 else ''}”"


# -------------------------------------------------------------------------------------------------------- placeholders
# ${aws:PrincipalTag/x} is a policy variable and no placeholder; a masked value (xxxx, ****) is one.
_LEFT_IN = re.compile(
    r"<[A-Za-z][^<>\n]{0,60}>"
    r"|\$\{(?!aws:|[a-z0-9-]{1,30}:|\*|\?|\$)[^{}\n]{1,60}\}"
    r"|(?<![\w$])\$[A-Z][A-Z0-9_]{2,60}\b"
    r"|\{\{[^{}\n]{1,60}\}\}"
    r"|\b(?:REPLACE|INSERT|CHANGE|ENTER)_[A-Z0-9_]{2,60}"
    r"|\b(?i:your)[_-][A-Za-z0-9_-]{1,60}"
    r"|\b(?:REGION|ACCOUNT(?:[_-]?ID)?|KEY[_-]ID|ORG(?:ANIZATION)?[_-]ID|PROJECT[_-](?:ID|NUMBER)|TENANT[_-]ID|"
    r"VAULT[_-]NAME|ROLE[_-]NAME|KEY[_-]NAME|POOL[_-]ID|PROVIDER[_-]ID|CHANGEME|TODO|TBD)\b"
    r"|\*{3,}|(?<![A-Za-z0-9])[xX]{4,}(?![A-Za-z0-9])|#{4,}|\.{3}|…"
)


_Path = tuple["_Path", str] | tuple[()]


def placeholders(value: object) -> tuple[Placeholder, ...]:
    """The placeholders left inside the strings of a JSON value, by path and in order; at most 50. Never raises."""
    found: list[Placeholder] = []
    stack: list[tuple[_Path, object]] = [((), value)]
    while stack and len(found) < 50:
        path, item = stack.pop()
        if isinstance(item, str):
            if match := _LEFT_IN.search(item):
                found.append(Placeholder(_written(path), match.group()))
        elif isinstance(item, dict):
            stack.extend(reversed([((path, f".{str(key)[:60]}"), child) for key, child in item.items()]))
        elif isinstance(item, list):
            stack.extend(reversed([((path, f"[{number}]"), child) for number, child in enumerate(item)]))
    return tuple(found)


def _written(path: _Path) -> str:
    parts: list[str] = []
    while path:
        path, part = path
        parts.append(part)
    return "".join(reversed(parts)).removeprefix(".")
