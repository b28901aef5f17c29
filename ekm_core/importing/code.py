"""Reads the SDK's call in Python or TypeScript: literal arguments alone, nothing is ever run.

A variable or any other expression is an open value. Only the call itself is looked at, and only ``_LONGEST``
characters of it, so that no program can make the reading slow or deep.
"""

from __future__ import annotations

import ast
import re

from ekm_core.importing import Draft, Read, open_value

_CALL = re.compile(r"\b(?:external_keys|externalKeys)\s*\.\s*create\s*\(")
_POST = re.compile(r"\b(?:requests|httpx|session|client)\s*\.\s*post\s*\(")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""'
    r"|'''(?:[^\\]|\\.)*?'''"
    r'|"(?>[^"\\]|\\.)*+"'
    r"|'(?>[^'\\]|\\.)*+'"
    r"|`(?>[^`\\]|\\.)*+`",
    re.DOTALL,
)
_COMMENT = re.compile(r"//[^\n]*+|/\*(?>[^*]|\*(?!/))*+\*/")
_NAME = re.compile(r"[A-Za-z_$][\w$]*+")
_NUMBER = re.compile(r"[0-9]++(?![\w.])")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_LONGEST = 20_000
_DEEPEST = 40
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def is_call(text: str) -> bool:
    """Whether a call of the SDK, or a POST to its address, stands in the text."""
    return _find(text) is not None


def _find(text: str) -> re.Match[str] | None:
    return _CALL.search(text) or (_POST.search(text) if "external_keys" in text else None)


def read_call(text: str) -> Read:
    """The arguments of the first call."""
    call = _find(text)
    if call is None:
        return Read()
    python = "externalKeys" not in call.group()
    arguments = _inside(text[call.end() : call.end() + _LONGEST], python)
    if arguments is None:
        return Read((), ("The call is cut off or nested too deeply. Copy it again, down to its closing bracket.",))
    if not python:
        return Read((Draft(_typescript(arguments), "TypeScript call"),))
    try:
        tree = ast.parse(f"call({arguments})", mode="eval")
    except SyntaxError as problem:
        line = text.count("\n", 0, call.end()) + (problem.lineno or 1)
        return Read((), (f"The call is not valid Python near line {line}: {problem.msg}.",))
    except (ValueError, RecursionError, MemoryError):
        return Read((), ("The call cannot be read as Python. Paste the JSON body instead.",))
    if not isinstance(tree.body, ast.Call):
        return Read((), ("The call cannot be read as Python. Paste the JSON body instead.",))
    return Read((Draft(_python(tree.body), "Python call"),))


def _inside(text: str, python: bool) -> str | None:
    """What stands between the call's brackets, or None where they are not closed."""
    stack, at = [")"], 0
    while at < len(text):
        character = text[at]
        if python and character == "#":
            at = text.find("\n", at)
            if at < 0:
                return None
        elif not python and (comment := _COMMENT.match(text, at)):
            at = comment.end()
            continue
        elif string := _STRING.match(text, at):
            at = string.end()
            continue
        elif character in "\"'`":
            return None
        elif character in _CLOSING:
            stack.append(_CLOSING[character])
            if len(stack) > _DEEPEST:
                return None
        elif character == stack[-1]:
            stack.pop()
            if not stack:
                return text[:at]
        at += 1
    return None


def _python(call: ast.Call) -> dict[str, object]:
    found: dict[str, object] = {}
    for keyword in call.keywords:
        if keyword.arg in ("extra_body", "json", None) and isinstance(keyword.value, ast.Dict):
            for key, value in zip(keyword.value.keys, keyword.value.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    found[key.value] = _literal(key.value, value)
        elif keyword.arg is not None and keyword.arg not in ("extra_headers", "extra_query", "timeout", "headers"):
            found[keyword.arg] = _literal(keyword.arg, keyword.value)
    return found


def _literal(name: str, node: ast.expr) -> object:
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int):
        return node.value
    if isinstance(node, ast.Name):
        return open_value(node.id)
    return open_value(name)


def _typescript(arguments: str) -> dict[str, object]:
    """The pairs of an object literal, those of nested literals among them."""
    found: dict[str, object] = {}
    name, waiting, at = "", False, 0
    while at < len(arguments):
        character = arguments[at]
        if comment := _COMMENT.match(arguments, at):
            at = comment.end()
        elif token := _STRING.match(arguments, at) or _NAME.match(arguments, at) or _NUMBER.match(arguments, at):
            at = token.end()
            if waiting:
                found[name] = _value(name, token.group(), arguments[at : at + 20])
                at, name, waiting = _end_of_value(arguments, at), "", False
            else:
                name = token.group().strip("\"'`")
        else:
            if character == ":" and name:
                waiting = True
            elif character == "," and name and not waiting:
                found[name] = open_value(name)  # {roleArn} is short for {roleArn: roleArn}
                name = ""
            elif character in "{,":
                name, waiting = "", False
            elif character == "}" and name and not waiting:
                found[name] = open_value(name)
                name = ""
            at += 1
    return found


def _value(name: str, word: str, behind: str) -> object:
    follows = behind.lstrip()[:1]
    if word[0] in "\"'`" and follows in ("", ",", "}", ")") and not (word[0] == "`" and "${" in word):
        return _ESCAPE.sub(_unescape, word[1:-1])
    if word.isdigit():
        return int(word) if len(word) < 40 else word
    return open_value(word if _NAME.fullmatch(word) and follows in ("", ",", "}") else name)


def _unescape(found: re.Match[str]) -> str:
    if code := found[1] or found[2]:
        return chr(int(code, 16))
    return {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}.get(found[3], found[3])


def _end_of_value(text: str, at: int) -> int:
    """Where the value's expression ends (``process.env.ROLE ?? ''``): at the next comma or bracket of its own level."""
    depth = 0
    while at < len(text):
        if string := _STRING.match(text, at):
            at = string.end()
            continue
        if text[at] in "([{":
            depth += 1
        elif text[at] in ")]}":
            if not depth:
                return at
            depth -= 1
        elif text[at] in ",\n" and not depth:
            return at
        at += 1
    return at
