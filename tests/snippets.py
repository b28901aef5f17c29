"""What the tests of snippets share: all of a cloud's, run for their words and parsed."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import hcl2
from hypothesis import strategies as st

from ekm_core.catalogue import errors
from ekm_core.model import Language, Provider, Snippet, Values

BASH = shutil.which("bash") or "bash"
COMMON = (
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    '"; touch pwned; "',
    "-rf",
    "${data.x.y}",
    "%{ if true }",
    "a\nb",
    "a\\",
    "<script>alert(1)</script>",
    "EOF",
    "# x",
    "üñí 漢字 🙂",
)
# Looks up what is not known before; az prints something, so that a command substitution has a value.
_TOOLS = (
    'note() { printf "%s\\0" "$#" "$@" >> "$OUT"; }\naws() { note "$@"; }\naz() { note "$@"; echo found; }\n'
    'curl() { note "$@"; }\npython() { note "$@"; }\n'
)


def texts(nasty: Sequence[str]) -> st.SearchStrategy[str]:
    """Any text, often a nasty one. NUL cannot stand in a process's arguments; sh() leaves it out."""
    any_text = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)
    return st.one_of(st.sampled_from(nasty), any_text)


def all_of(values: Values, *providers: Provider) -> Iterator[Snippet]:
    """What every entry of these providers would print for these values."""
    for error in errors().values():
        if error.provider not in providers:
            continue
        for cause in error.causes:
            yield from cause.look(values).commands
            fix = cause.fix(values)
            for group in (fix.policies, fix.cli, fix.terraform, fix.verify):
                yield from group


def run(snippet: Snippet, folder: Path) -> list[list[str]]:
    """The arguments of every command, as bash really splits them: each tool is replaced by one that notes them."""
    out = folder / "arguments"
    out.unlink(missing_ok=True)
    subprocess.run(
        [BASH, "-eu", "-c", _TOOLS + snippet.text],
        cwd=folder,
        env={"OUT": str(out), "PATH": "/nonexistent", "OPENAI_ADMIN_KEY": "unused", "LC_ALL": "C.UTF-8"},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    words = iter(out.read_bytes().decode("utf-8").split("\0")[:-1])
    return [[next(words) for _ in range(int(count))] for count in words]


def check_parses(snippet: Snippet) -> None:
    """The snippet parses in its language."""
    if snippet.language is Language.JSON:
        json.loads(snippet.text)
    elif snippet.language is Language.PYTHON:
        ast.parse(snippet.text)
    elif snippet.language is Language.HCL:
        hcl2.loads(snippet.text)
    else:
        assert snippet.language is Language.BASH
        subprocess.run([BASH, "-n"], input=snippet.text.encode(), check=True)


def parsed(snippets: Iterable[Snippet], folder: Path) -> set[Language]:
    """The languages of the snippets, each of which parses in its own; the commands call something."""
    seen = set()
    for snippet in dict.fromkeys(snippets):
        seen.add(snippet.language)
        check_parses(snippet)
        if snippet.language is Language.BASH:
            assert run(snippet, folder)
    return seen


def unquote(literal: str) -> str:
    """The value of an HCL string literal as python-hcl2 hands it out."""
    return str(json.loads(literal.replace("$${", "${").replace("%%{", "%{"), strict=False))


def block(snippet: Snippet, kind: str, type_: str) -> Mapping[str, object]:
    """The only block of a type in a Terraform snippet. kind: "resource" or "data"."""
    [found] = [
        next(iter(item[f'"{type_}"'].values())) for item in hcl2.loads(snippet.text)[kind] if f'"{type_}"' in item
    ]
    return found
