"""Condition operators: what one line of a Condition block says of a request.

Source, read on 2026-11-23: IAM JSON policy elements: Condition operators
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html) and
Single-valued vs. multivalued context keys
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html);
on 2026-11-27 the first again (an empty string is a null data set), and Policy variables with no value, which no value
equals, so that a negated line is true
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-no-value).
on 2026-11-28, in AWS's copy on GitHub of 2023, IAM Access Analyzer policy checks, Empty array condition: with
ForAnyValue it never matches, with ForAllValues or IfExists only where the key is missing
(https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html).
Not in the documentation, so not known: a negated line whose values cannot be compared (no date, no number, no network,
an ARN of fewer than six sections, a variable with several values), an ARN pattern that is a star alone, a key with
several values without a set operator, an empty list of values without set operator and IfExists (the page says that it
is true and that its statement permits nothing).
"""

from __future__ import annotations

import ipaddress
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from ekm_core.aws.iam.logic import Tri, all_of, any_of, negate
from ekm_core.aws.iam.matching import (
    SeveralValuesError,
    UnknownError,
    UnresolvedError,
    arn_matches,
    matches,
    pattern,
    plain,
)
from ekm_core.aws.iam.request import Facts, Value

# Whether one value of the policy agrees with one of the request; None where the two cannot be compared.
_Compare = Callable[[Sequence[str], str], bool | None]


@dataclass(frozen=True, slots=True)
class Operator:
    """A condition operator, taken apart: ``ForAnyValue:StringNotLikeIfExists``.

    family: lower case, without the set operator, "not" and "ifexists"; the key of ``_FAMILIES``.
    over: "all" or "any" for ForAllValues and ForAnyValue, else "".
    """

    family: str
    negated: bool = False
    if_exists: bool = False
    over: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of a Condition block: the operator as written, the key as written, the policy's values as text."""

    operator: str
    key: str
    values: tuple[str, ...]


def parse_operator(name: str) -> Operator | None:
    """The operator of that name (case does not matter), None where AWS has none such."""
    over, colon, base = name.lower().rpartition(":")
    if colon and over not in _OVER:
        return None
    if base == "null":
        return Operator("null", over=_OVER.get(over, ""))
    stem = base.removesuffix("ifexists")
    known = _OPERATORS.get(stem)
    if known is None:
        return None
    return Operator(known[0], known[1], stem != base, _OVER.get(over, ""))


def holds(condition: Condition, facts: Facts, *, variables: bool) -> Tri:
    """Whether the line is fulfilled; None where that hangs on a key that cannot be known offline.

    ``variables``: whether the policy's version has policy variables. An operator that does not exist is never fulfilled
    (the document is refused before this).
    """
    parsed = parse_operator(condition.operator)
    if parsed is None:
        return False
    if facts.is_unknown(condition.key):
        return _of_unknown(parsed, condition, facts, variables=variables)
    value = facts.get(condition.key)
    return _of_known(parsed, condition, () if value is None else value, facts, variables=variables)


def _of_unknown(parsed: Operator, condition: Condition, facts: Facts, *, variables: bool) -> Tri:
    """The same for a key that nobody can know offline: what is the same for all that it can be, counts."""
    possible = facts.possible(condition.key)
    outcomes = {_of_known(parsed, condition, value, facts, variables=variables) for value in possible}
    texts = parsed.family in ("stringequals", "stringlike")
    if texts and condition.values and all(facts.never(condition.key, value) for value in condition.values):
        outcomes = {parsed.negated, _absent(parsed)}
    return outcomes.pop() if len(outcomes) == 1 else None


def _of_known(parsed: Operator, condition: Condition, value: Value, facts: Facts, *, variables: bool) -> Tri:
    actual = (value,) if isinstance(value, str) else value
    # Set operators and Null take an empty text for no value at all; the other operators compare it.
    null = not any(actual)
    if not condition.values:
        return _of_no_values(parsed, absent=not actual)
    if parsed.family == "null":
        return ("true" if null else "false") in {wanted.lower() for wanted in condition.values}
    if not actual:
        return _absent(parsed)
    if null and parsed.over:
        return parsed.over == "all"
    outcomes = [_agrees(parsed, condition.values, one, facts if variables else None) for one in actual]
    if not parsed.over and len(actual) > 1:
        # A key with several values needs a set operator; only where none of them agrees is the answer plain without it.
        return None if parsed.negated or any_of(outcomes) is not False else False
    return all_of(outcomes) if parsed.over == "all" else any_of(outcomes)


def _of_no_values(parsed: Operator, *, absent: bool) -> Tri:
    """What a line with an empty list says; without set operator and IfExists AWS's page contradicts itself."""
    if parsed.over == "any":
        return False
    return absent if parsed.over == "all" or parsed.if_exists else None


def _absent(parsed: Operator) -> bool:
    if parsed.if_exists or parsed.over == "all":
        return True
    return parsed.negated and not parsed.over


def _agrees(parsed: Operator, wanted: Sequence[str], actual: str, facts: Facts | None) -> Tri:
    """One value of the request against all values of the policy: any of them, or none of them where negated."""
    compare = _FAMILIES[parsed.family]
    with_variables = facts if parsed.family in _WITH_VARIABLES else None
    incomparable, outcomes = False, list[Tri]()
    for text in wanted:
        try:
            outcome = compare(pattern(text, with_variables), actual)
        except SeveralValuesError:
            outcome = None
        except UnresolvedError:
            outcome = False
        except UnknownError:
            outcomes.append(None)
            continue
        if outcome is None and parsed.family == "arnlike" and text == "*":
            outcomes.append(None)
            continue
        incomparable = incomparable or outcome is None
        outcomes.append(outcome is True)
    agreed = any_of(outcomes)
    if not parsed.negated:
        return agreed
    return None if agreed is False and incomparable else negate(agreed)


def _equal(wanted: Sequence[str], actual: str) -> bool:
    return plain(wanted) == actual


def _equal_without_case(wanted: Sequence[str], actual: str) -> bool:
    return plain(wanted).lower() == actual.lower()


def _bool(wanted: Sequence[str], actual: str) -> bool | None:
    words = plain(wanted).lower(), actual.lower()
    return words[0] == words[1] if {*words} <= {"true", "false"} else None


def _ip(wanted: Sequence[str], actual: str) -> bool | None:
    try:
        return ipaddress.ip_address(actual) in ipaddress.ip_network(plain(wanted), strict=False)
    except ValueError:
        return None


_NUMBER = re.compile(r"[+-]?\d{1,60}(\.\d{1,60})?([eE][+-]?\d{1,3})?", re.ASCII)


def number(text: str) -> Decimal | None:
    """The number a Numeric operator reads, None for any other text."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:Z|([+-])(\d\d):?(\d\d))?)?)?)?",
    re.ASCII,
)
_EPOCH = re.compile(r"\d{5,12}", re.ASCII)  # four digits are a year


def date(text: str) -> Decimal | None:
    """Seconds since 1970 of a date that a Date operator reads, None for any other text.

    ISO 8601 in the forms of the W3C note, or Unix seconds; a time without a zone is read as UTC (unverified).
    """
    if _EPOCH.fullmatch(text):
        return Decimal(text)
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (
        int(part or low) for part, low in zip(found.groups()[:6], "111000", strict=True)
    )
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    seconds = Decimal((moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1))
    offset = int(found[9] or 0) * 3600 + int(found[10] or 0) * 60
    return seconds + Decimal(f"0.{found[7] or 0}") - (-offset if found[8] == "-" else offset)


def _ordered(read: Callable[[str], Decimal | None], compare: Callable[[Decimal, Decimal], bool]) -> _Compare:
    def compared(wanted: Sequence[str], actual: str) -> bool | None:
        limit, value = read(plain(wanted)), read(actual)
        return None if limit is None or value is None else compare(value, limit)

    return compared


_FAMILIES: Mapping[str, _Compare] = {
    "stringequals": _equal,
    "stringequalsignorecase": _equal_without_case,
    "stringlike": matches,
    "arnlike": arn_matches,
    "bool": _bool,
    "binaryequals": _equal,
    "ipaddress": _ip,
    **{
        f"{kind}{name}": _ordered(read, compare)
        for kind, read in (("numeric", number), ("date", date))
        for name, compare in (
            ("equals", operator.eq),
            ("lessthan", operator.lt),
            ("lessthanequals", operator.le),
            ("greaterthan", operator.gt),
            ("greaterthanequals", operator.ge),
        )
    },
}
_WITH_VARIABLES = frozenset({"stringequals", "stringequalsignorecase", "stringlike", "arnlike"})
_OVER = {"forallvalues": "all", "foranyvalue": "any"}
# Every operator name in lower case: its family and whether it is the negated form. ArnEquals is the same as ArnLike.
_OPERATORS: Mapping[str, tuple[str, bool]] = {
    **{name: (name, False) for name in _FAMILIES},
    "arnequals": ("arnlike", False),
    "stringnotequals": ("stringequals", True),
    "stringnotequalsignorecase": ("stringequalsignorecase", True),
    "stringnotlike": ("stringlike", True),
    "arnnotequals": ("arnlike", True),
    "arnnotlike": ("arnlike", True),
    "notipaddress": ("ipaddress", True),
    "numericnotequals": ("numericequals", True),
    "datenotequals": ("dateequals", True),
}
