"""Reads a curl command as the shell would, without running anything: words, quotes, heredocs, line continuations.

In: redacted text. What only the shell knows (``$ORG_ID``) stays in the word as it is written. One pass, linear.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ekm_core.importing import Draft, Read
from ekm_core.strictjson import parse

_CURL = re.compile(r"(?<![\w./-])curl(?:\.exe)?(?=\s)")
_PLAIN = re.compile(r"[^\s'\"\\$;|&<>`]+")
_SINGLE = re.compile(r"[^']*+")
_DOUBLE = re.compile(r"(?>[^\"\\`$]|\\.|\$(?!\(cat <<))*+", re.DOTALL)
_ANSI = re.compile(r"(?>[^'\\]|\\.)*+", re.DOTALL)
_HEREDOC = re.compile(r"<<(?P<strip>-?)[ \t]*(?P<quote>['\"]?)(?P<tag>\w{1,40})(?P=quote)")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w{0,60})\}?")
_ANSI_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b"}
_ANSI_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|([0-7]{1,3})|(.))", re.DOTALL)
_DATA = re.compile(r"--(?:data(?:-raw|-binary|-ascii)?|json)(?:=(?P<long>.*))?|-[sSkfLivg]*d(?P<short>.*)", re.DOTALL)
_HEADER = re.compile(r"--header(?:=(?P<long>.*))?|-[sSkfLivg]*H(?P<short>.*)", re.DOTALL)
_ORGANIZATION = re.compile(r"openai-organization\s*:\s*(\S+)\s*", re.IGNORECASE)


@dataclass(slots=True)
class _Command:
    """One command's words, its heredocs, and the variables that single quotes keep the shell from filling in."""

    words: list[str] = field(default_factory=list)
    heredoc: str | None = None
    unfilled: list[str] = field(default_factory=list)
    end: int = 0
    open_quote: bool = False


def is_curl(text: str) -> bool:
    """Whether a curl command stands in the text."""
    return _CURL.search(text) is not None


def read_curl(text: str) -> Read:
    """The body of the first curl command in the text; its answer where the command sends no body."""
    text = text.replace("\r\n", "\n")
    start = _CURL.search(text)
    if start is None:
        return Read()
    windows = "curl.exe" in start.group() or re.search(r"\^[ \t]*\n|\s\^\"", text) is not None
    command = text[start.end() :]
    if windows:
        # cmd's escape: a caret before the character, or before the end of the line
        command = re.sub(r"\^([ \t]*\n|.)", lambda found: " " if found[1].endswith("\n") else found[1], command)
    parsed = _words(command)
    if parsed.open_quote:
        return Read((), ("A quote of the curl command is never closed; its end seems to be cut off. Copy it again.",))
    bodies, organization = _options(parsed)
    if not bodies:
        return _answer(command[parsed.end :], organization)
    body = bodies[0]
    if body == "@-" and parsed.heredoc is not None:
        body = parsed.heredoc
    if body.startswith("@"):
        return Read((), (f"The curl command sends a file ({body[:80]}). Paste what stands in that file.",))
    if body.lstrip().startswith(("$(", "`", "$")) and "{" not in body[:1]:
        return Read((), ("Another command makes the body of this curl command. Paste the body itself.",))
    document = parse(body)
    if not document.valid and windows and '\\"' in body:
        document = parse(body.replace('\\"', '"'))
    if not document.valid:
        return Read((), tuple(f"In the body of the curl command: {item.sentence}" for item in document.problems))
    if not isinstance(document.value, dict):
        return Read((), ("The body of the curl command is no JSON object. It must begin with { and end with }.",))
    problems = []
    if unfilled := [name for name in dict.fromkeys(parsed.unfilled) if f"${name}" in body or f"${{{name}}}" in body]:
        names = ", ".join(f"${name}" for name in unfilled[:5])
        problems.append(
            f"The shell does not fill in {names}: it stands in single quotes, so OpenAI would get these very "
            "characters. Write the value itself."
        )
    if "external_keys" not in command:
        problems.append("The address of this curl command is not …/v1/organization/external_keys.")
    return Read((Draft(document.value, "curl command", organization),), tuple(problems))


def _answer(rest: str, organization: str) -> Read:
    opening = re.search(r"[{\[]", rest)
    if opening is None:
        return Read((), ("This curl command sends no body. Paste the one that registers the key, or its answer.",))
    document = parse(rest[opening.start() :].strip())
    if not document.valid:
        return Read((), tuple(f"In the answer of the curl command: {item.sentence}" for item in document.problems))
    return Read((Draft({"data": document.value}, "answer of the API", organization),))


def _options(parsed: _Command) -> tuple[list[str], str]:
    """The bodies that are sent, and the organization of the header, or ""."""
    bodies, organization = [], ""
    words = iter(parsed.words)
    for word in words:
        for pattern in (_DATA, _HEADER):
            if not (found := pattern.fullmatch(word)):
                continue
            value = found["long"] if found["long"] is not None else found["short"] or next(words, "")
            if pattern is _DATA:
                bodies.append(value)
            elif header := _ORGANIZATION.fullmatch(value):
                organization = header[1]
            break
    return bodies, organization


def _words(text: str) -> _Command:
    """The words of the command that begins here, up to its end (a line end, ``;``, ``|``, ``&``)."""
    command = _Command()
    at, word = 0, None
    pending: re.Match[str] | None = None
    while at < len(text):
        character = text[at]
        if character in "\\`" and text[at + 1 : at + 2] == "\n":
            at += 2
            continue
        if character in " \t\n;|&)":
            if word is not None:
                command.words.append(word)
                word = None
            if character in "\n;|&)":
                if pending is not None:
                    line = text.find("\n", at)
                    command.heredoc, at = _heredoc(text, line + 1 if line >= 0 else len(text), pending)
                break
            at += 1
            continue
        if character == "<" and (found := _HEREDOC.match(text, at)):
            pending, at = found, found.end()
            continue
        piece, at = _piece(text, at, command)
        word = piece if word is None else word + piece
        if command.open_quote:
            break
    if word is not None:
        command.words.append(word)
    command.end = at
    return command


def _piece(text: str, at: int, command: _Command) -> tuple[str, int]:
    """The next piece of a word and where it ends; notes an open quote and unfilled variables in ``command``."""
    character = text[at]
    if character == "'":
        body = _match(_SINGLE, text, at + 1)
        command.unfilled += _VARIABLE.findall(body)
    elif text.startswith("$'", at):
        at += 1
        body = _match(_ANSI, text, at + 1)
    elif character == '"':
        if text.startswith('"$(cat <<', at) and (found := _HEREDOC.match(text, at + 7)):
            line = text.find("\n", found.end())
            body, end = _heredoc(text, line + 1 if line >= 0 else len(text), found)
            closing = text.find('"', end)
            command.open_quote = closing < 0
            return body, closing + 1 if closing >= 0 else len(text)
        body = _match(_DOUBLE, text, at + 1)
    elif character == "\\":
        return text[at + 1 : at + 2], at + 2
    else:
        plain = _match(_PLAIN, text, at) or character
        return plain, at + len(plain)
    end = at + 1 + len(body)
    command.open_quote = end >= len(text) or text[end] not in "'\""
    if character == '"':
        body = re.sub(r"\\([\"\\$`\n])", lambda found: "" if found[1] == "\n" else found[1], body)
    elif character == "$":
        body = _ANSI_ESCAPE.sub(_unescape, body)
    return body, end + 1


def _match(pattern: re.Pattern[str], text: str, at: int) -> str:
    found = pattern.match(text, at)
    return found.group() if found else ""


def _unescape(found: re.Match[str]) -> str:
    hexadecimal, unicode, octal, other = found.groups()
    if hexadecimal or unicode:
        return chr(int(hexadecimal or unicode, 16))
    if octal:
        return chr(int(octal, 8))
    return _ANSI_ESCAPES.get(other, other)


def _heredoc(text: str, start: int, opening: re.Match[str]) -> tuple[str, int]:
    """A heredoc's text and where it ends; the whole rest where its last line is missing."""
    tabs = r"\t*" if opening["strip"] else ""
    closing = re.compile(rf"^{tabs}{re.escape(opening['tag'])}[ \t]*$", re.MULTILINE).search(text, start)
    return (text[start : closing.start()], closing.end()) if closing else (text[start:], len(text))
