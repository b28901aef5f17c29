"""Matching of policy strings: wildcards, policy variables, ARNs.

A pattern is a list of items: one character each, or ``STAR`` or ``ANY``. Built once from a policy's string, so that a
wildcard inside a value that a variable brings in is an ordinary character.

Sources, read on 2026-11-23: IAM JSON policy elements: Resource
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html), Variables and tags
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ekm_core.aws.iam.logic import Tri
from ekm_core.aws.iam.request import Facts

_VARIABLE = re.compile(r"\$\{[^}]*\}")
STAR = "**"
ANY = "??"
_WILD = {"*": STAR, "?": ANY}

# No name, ARN or tag that AWS sends is longer; a longer value would only serve to make matching slow.
MOST_CHARACTERS = 8192


class UnresolvedError(Exception):
    """A policy variable has no value in this request: what contains it can match nothing."""


class SeveralValuesError(UnresolvedError):
    """A policy variable has several values in this request; which of them AWS would take is not documented."""


class UnknownError(Exception):
    """A policy variable's value cannot be known offline; ``key`` is its context key."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def pattern(text: str, facts: Facts | None) -> list[str]:
    """A policy's string as a pattern; ``facts`` None where the policy's version has no variables.

    Raises UnresolvedError or UnknownError for a variable without a value, SeveralValuesError for one with several.
    """
    items: list[str] = []
    position = 0
    while position < len(text):
        # Without a closing brace "${" is plain text; the search is made once and ends the look for variables.
        if facts is not None and text.startswith("${", position):
            end = text.find("}", position)
            if end < 0:
                facts = None
                continue
            items.extend(_variable(text[position + 2 : end], facts))
            position = end + 1
        else:
            items.append(_WILD.get(text[position], text[position]))
            position += 1
    return items


def _variable(inside: str, facts: Facts) -> str:
    if inside in ("*", "?", "$"):
        return inside
    key, comma, default = inside.partition(",")
    key, default = key.strip(), default.strip()
    value = facts.get(key)
    if isinstance(value, str):
        return value
    if value is not None:
        raise SeveralValuesError
    if facts.is_unknown(key):
        raise UnknownError(key)
    if comma and len(default) >= 2 and default[0] == default[-1] == "'":
        return default[1:-1]
    raise UnresolvedError


def plain(items: Sequence[str]) -> str:
    """The pattern as the text it stands for where wildcards have no meaning (StringEquals)."""
    return "".join(item[0] for item in items)


def matches(items: Sequence[str], text: str) -> bool:
    """Whether the whole text matches the pattern. Linear in practice; at worst pattern times text, never backtracking.

    Between two stars a part has a fixed length, so that its leftmost place is always the right one to take.
    """
    if len(text) > MOST_CHARACTERS:
        return False
    first, *others = _split(items, STAR)
    if not others:
        return _part(first).fullmatch(text) is not None
    found = _part(first).match(text)
    for part in others[:-1]:
        if found is None:
            return False
        found = _part(part).search(text, found.end())
    tail = len(text) - len(others[-1])
    return found is not None and tail >= found.end() and _part(others[-1]).fullmatch(text, tail) is not None


def _part(items: Sequence[str]) -> re.Pattern[str]:
    return re.compile("".join("." if item == ANY else re.escape(item) for item in items), re.DOTALL)


def _split(items: Sequence[str], at: str, most: int = -1) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for item in items:
        if item == at and len(parts) - 1 != most:
            parts.append([])
        else:
            parts[-1].append(item)
    return parts


def arn_matches(items: Sequence[str], arn: str) -> bool | None:
    """Whether an ARN matches section by section (the sixth holds the rest); None where one of the two is no ARN."""
    wanted, actual = _split(items, ":", 5), arn.split(":", 5)
    if len(wanted) < 6 or len(actual) < 6:
        return None
    return all(matches(part, text) for part, text in zip(wanted, actual, strict=True))


def resource_matches(text: str, resource: str, facts: Facts | None) -> Tri:
    """Whether a Resource value covers the resource; None where it hangs on a value that cannot be known.

    AWS completes an ARN with too few sections with wildcards; a policy variable without a value covers nothing. AWS
    allows variables in the last section alone, and does not say what becomes of one before it.
    """
    if text == "*":
        return True
    try:
        items = pattern(text, facts)
    except UnresolvedError:
        return False
    except UnknownError:
        return None
    missing = 5 - min(5, items.count(":"))
    covered = arn_matches([*items, *([":", STAR] * missing)], resource) is True
    early = facts is not None and any("$" in part for part in _VARIABLE.sub("$", text).split(":")[:5])
    return None if covered and early else covered


def action_matches(text: str, action: str) -> bool:
    """Whether an Action value covers the action; both compare without case."""
    return matches(pattern(text.lower(), None), action.lower())
