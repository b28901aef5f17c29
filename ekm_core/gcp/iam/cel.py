"""CEL expressions of pasted documents, evaluated in a child process with limits on memory and time.

The runtime is Google's own (``cel-expr-python``, the C++ implementation). Google evaluates conditions at most 4096
characters long (IAM API, WorkloadIdentityPoolProvider, read 2026-11-23); a longer one is refused here unread.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

LONGEST = 4096
_MOST = 64
_WALL_SECONDS = 8.0
_CHILD = Path(__file__).with_name("cel_child.py")
# Each child may take 512 MB: a few at a time, whatever the number of visitors.
_SLOTS = threading.BoundedSemaphore(2)


class State(StrEnum):
    """How the evaluation of one expression ended."""

    VALUE = "value"
    MISSING = "missing"  # it reads a key that its input does not have
    ERROR = "error"
    SYNTAX = "syntax"
    UNSUPPORTED = "unsupported"  # well-formed, but it uses what this evaluator does not know
    LIMIT = "limit"  # too long, too slow, too large, or the child died


@dataclass(frozen=True, slots=True)
class Result:
    """One expression's answer; ``value`` counts for State.VALUE alone, ``message`` is a sentence for all others."""

    state: State
    value: object = None
    message: str = ""


_DIED = Result(State.LIMIT, message="The expression could not be evaluated within our limits of time and memory.")
_TOO_LONG = Result(State.LIMIT, message=f"The expression is longer than Google's limit of {LONGEST} characters.")
_TOO_MANY = Result(State.LIMIT, message=f"Only {_MOST} expressions are evaluated at a time.")
_NOT_TEXT = Result(State.SYNTAX, message="The expression holds characters that are no text.")


def evaluate(
    expressions: Sequence[str], variables: Mapping[str, object], time: Mapping[str, datetime] | None = None
) -> tuple[Result, ...]:
    """One result an expression, in order, from one child process; never raises for what the expressions say.

    variables: what the expressions may read, JSON values by name (a dotted name such as ``resource.name`` is one
    name). time: timestamps by name.
    """
    refused = {at: fault for at, text in enumerate(expressions) if (fault := _refusal(at, text))}
    wanted = [text for at, text in enumerate(expressions) if at not in refused]
    moments = {name: moment.isoformat() for name, moment in (time or {}).items()}
    answers = iter(_run({"expressions": wanted, "variables": dict(variables), "time": moments}) if wanted else ())
    return tuple(refused[at] if at in refused else next(answers, _DIED) for at in range(len(expressions)))


def _refusal(at: int, text: str) -> Result | None:
    if at >= _MOST:
        return _TOO_MANY
    if len(text) > LONGEST:
        return _TOO_LONG
    return None if text.isascii() or text.encode("utf-8", "replace").decode() == text else _NOT_TEXT


def _run(request: Mapping[str, object]) -> tuple[Result, ...]:
    # -I: neither the environment nor the working directory decides what the child imports.
    command = [sys.executable, "-I", str(_CHILD)]
    with _SLOTS:
        try:
            output = subprocess.run(  # noqa: S603 - a fixed command; the expressions go to its standard input
                command,
                input=json.dumps(request).encode(),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={},
                timeout=_WALL_SECONDS,
                check=False,
            ).stdout
        except subprocess.TimeoutExpired as expired:
            output = expired.stdout or b""
        except OSError:
            return ()
    return tuple(_read(output))


def _read(output: bytes) -> Iterator[Result]:
    for line in output.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            return  # the child died while it wrote
        answer = json.loads(line)
        state = State(answer["state"])
        place = f" (line {answer['line']}, column {answer['column']})" if "line" in answer else ""
        message = answer.get("message", "")
        if state is State.SYNTAX:
            message = f"The expression is not valid CEL{place}: {message}"
        elif state is State.UNSUPPORTED:
            message = f"The expression uses something that we cannot evaluate{place}: {message}"
        elif state is not State.VALUE:
            message = f"The evaluation ends in an error: {message}"
        yield Result(state, answer.get("value"), message)


_TOKEN = re.compile(
    r"""[rRbB]{0,2}(?:'''(?:[^\\]|\\.)*?'''|\"""(?:[^\\]|\\.)*?\"""|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")"""
    r"|//[^\n]*|[A-Za-z_][A-Za-z0-9_]*|\s+|.",
    re.DOTALL,
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Reads:
    """What an expression reads of one variable.

    names: the keys that it selects (``assertion.sub``, ``assertion['sub']``). whole: it also uses the variable as a
    whole, so that any of its keys may count.
    """

    names: frozenset[str]
    whole: bool


def reads(expression: str, variable: str) -> Reads:
    """Which keys of ``variable`` an expression selects; what is not plainly a selection counts as ``whole``."""
    tokens = [token for token in _TOKEN.findall(expression[:LONGEST]) if not token.isspace() and token[:2] != "//"]
    names: set[str] = set()
    whole = False
    for at, token in enumerate(tokens):
        if token != variable or (at and tokens[at - 1] == "."):
            continue
        following = tokens[at + 1 : at + 4]
        called = following[2:] == ["("]  # assertion.exists(…) looks at all of it
        if len(following) >= 2 and following[0] == "." and _NAME.fullmatch(following[1]) and not called:
            names.add(following[1])
        elif len(following) == 3 and following[0] == "[" and following[2] == "]" and _plain_text(following[1]):
            names.add(following[1][1:-1])
        else:
            whole = True
    return Reads(frozenset(names), whole)


def _plain_text(token: str) -> bool:
    return len(token) > 2 and token[0] in "'\"" and "\\" not in token and token[1] not in "'\""


def asks_presence(expression: str) -> bool:
    """Whether an expression may ask if something is there at all (``has(…)``): then a missing key is no error."""
    return "has" in _TOKEN.findall(expression[:LONGEST])
