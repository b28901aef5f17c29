"""Two helpers for values of pasted documents, which may be anything."""

from __future__ import annotations

from typing import TypeGuard


def texts(value: object) -> TypeGuard[list[str]]:
    """Whether the value is a list of texts and of nothing else."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def shown(text: str, longest: int = 200) -> str:
    """A pasted value as it may stand inside a sentence: short, on one line, without lone surrogates."""
    line = " ".join(text[: longest * 4].encode("utf-8", "replace").decode().split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
