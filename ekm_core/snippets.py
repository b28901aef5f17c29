"""What the clouds' snippet builders share: quoting for each language, and the marking of open placeholders.

A value of a paste is data. It enters a document only through ``sh``, ``hcl``, ``cel`` or ``json.dumps``, never by
plain formatting, so that it cannot become a command, a flag, an interpolation or a second statement.
"""

from __future__ import annotations

import json
import re
import shlex

from ekm_core.model import Language, Snippet

_PLACEHOLDER = re.compile(r"<[A-Z][A-Z0-9_]{1,40}>")


def snippet(title: str, language: Language, text: str) -> Snippet:
    """A snippet that knows which placeholders (``<ORGANIZATION_ID>``) are still open in its text."""
    return Snippet(title, language, text, tuple(dict.fromkeys(_PLACEHOLDER.findall(text))))


def told(before: str, value: str, words: str) -> str:
    """A value in a sentence, after ``before``; ``words`` in place of both where it is still open.

    A placeholder is for what is copied. In a sentence it reads like something to type.
    """
    return words if value.startswith("<") else f"{before}{value}"


def json_snippet(title: str, document: object) -> Snippet:
    """A JSON document: built as dicts and lists, dumped last, so that any value in it is inert."""
    return snippet(title, Language.JSON, json.dumps(document, indent=2, ensure_ascii=False))


def sh(value: str) -> str:
    """One POSIX shell word; quotes also a leading dash, which ``shlex.quote`` would leave to be read as a flag.

    A dash cannot be escaped by quoting: give such values as ``--option=value`` or behind ``--``.
    """
    return shlex.quote(value.replace("\x00", ""))


_NOT_HCL = {"\\b": "\\u0008", "\\f": "\\u000c"}


def hcl(value: str) -> str:
    """One HCL (Terraform) string literal: quotes, backslashes, controls and ``${`` / ``%{`` come out inert."""
    text = json.dumps(value, ensure_ascii=False)
    # JSON's two short escapes that HCL does not know; a pair of backslashes is stepped over whole.
    text = re.sub(r"\\.", lambda match: _NOT_HCL.get(match.group(), match.group()), text)
    return text.replace("${", "$${").replace("%{", "%%{")


def cel(value: str) -> str:
    """One CEL string literal in double quotes (CEL shares JSON's escapes for quotes, backslashes and controls)."""
    return json.dumps(value, ensure_ascii=True)
