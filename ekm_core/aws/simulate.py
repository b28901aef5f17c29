"""``simulate``: one case of policy evaluation a line (JSON), one verdict a line.

A case holds principal, action, resource, resource_account, context (all that the request carries), identity_policies (a
list), resource_policy, permission_boundary, session_policy, scps and rcps (a list per level, root first, or null). A
document may be JSON or the text of JSON. The resource policy is a trust policy for sts actions, else a key policy.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from ekm_core import strictjson
from ekm_core.aws.iam.documents import Document, Kind, parse
from ekm_core.aws.iam.evaluate import Decision, Policies, evaluate
from ekm_core.aws.iam.matching import MOST_CHARACTERS
from ekm_core.aws.iam.request import Request, Value


class CaseError(ValueError):
    """A line is no case; the message says in a sentence what is wrong."""


def lines(source: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """One line of JSON for each case, and whether it is a verdict; a bad line gives its id (or null) and its error.

    ``by`` holds the statements that decided, or what makes a document invalid; ``near`` the allowing statements that
    come closest to the request that they do not match.
    """
    for number, line in enumerate(source, 1):
        if not line.strip():
            continue
        case: dict[str, Any] = {}
        try:
            case = _object(line, number)
            answer = _answer(case.get("id"), decide(case))
        except CaseError as problem:
            yield json.dumps({"id": _id(case.get("id")), "error": str(problem)}), False
        else:
            yield json.dumps(answer), True


def decide(case: dict[str, Any]) -> Decision:
    """The decision on one case. Raises CaseError where it is none."""
    return evaluate(request(case), policies(case))


def request(case: dict[str, Any]) -> Request:
    """The call that a case describes; its context counts as complete. Raises CaseError."""
    context = case.get("context") or {}
    if not isinstance(context, dict):
        raise CaseError("context must be an object of condition keys and their values.")
    principal, action, resource = (_text(case, name) for name in ("principal", "action", "resource"))
    values = {key: _value(key, value) for key, value in context.items()}
    return Request(principal, action, resource, _text(case, "resource_account"), values)


def policies(case: dict[str, Any]) -> Policies:
    """The documents of a case. Raises CaseError where a list is none; a faulty document is the evaluator's to judge."""
    is_trust = _text(case, "action").lower().startswith("sts:")
    return Policies(
        identity=tuple(parse(document, Kind.IDENTITY) for document in _list(case, "identity_policies")),
        resource=_document(case, "resource_policy", Kind.TRUST if is_trust else Kind.KEY),
        boundary=_document(case, "permission_boundary", Kind.BOUNDARY),
        session=_document(case, "session_policy", Kind.SESSION),
        scps=_levels(case, "scps", Kind.SCP),
        rcps=_levels(case, "rcps", Kind.RCP),
    )


def _object(line: str, number: int) -> dict[str, Any]:
    parsed = strictjson.parse(line)
    if not parsed.valid:
        raise CaseError(f"Line {number} is not valid JSON: {parsed.problems[0].sentence}")
    if not isinstance(parsed.value, dict):
        raise CaseError(f"Line {number} must hold one JSON object, a case.")
    return parsed.value


def _text(case: dict[str, Any], name: str) -> str:
    value = case.get(name)
    if not isinstance(value, str):
        raise CaseError(f"{name} must be given, as text.")
    if len(value) > MOST_CHARACTERS:
        raise CaseError(f"{name} is longer than {MOST_CHARACTERS:,} characters.")
    return value


def _value(key: str, value: object) -> Value:
    listed = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str | bool | int | float) for one in listed):
        raise CaseError(f"context: the value of {key[:80]} must be text, a number, true, false, or a list of them.")
    texts = tuple(str(one).lower() if isinstance(one, bool) else str(one) for one in listed)
    if sum(map(len, texts)) > MOST_CHARACTERS:
        raise CaseError(f"context: the value of {key[:80]} is longer than {MOST_CHARACTERS:,} characters.")
    return texts if isinstance(value, list) else texts[0]


def _list(case: dict[str, Any], name: str) -> list[Any]:
    value = case.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise CaseError(f"{name} must be a list.")
    return value


def _document(case: dict[str, Any], name: str, kind: Kind) -> Document | None:
    return None if case.get(name) is None else parse(case[name], kind)


def _levels(case: dict[str, Any], name: str, kind: Kind) -> tuple[tuple[Document, ...], ...] | None:
    if case.get(name) is None:
        return None
    levels = _list(case, name)
    if not all(isinstance(level, list) for level in levels):
        raise CaseError(f"{name} must be a list of lists of policies, one list per level.")
    return tuple(tuple(parse(document, kind) for document in level) for level in levels)


def _answer(id_: object, decision: Decision) -> dict[str, Any]:
    by: list[dict[str, Any]] = [
        {
            "policy": ground.place.kind,
            "index": ground.place.policy,
            "level": ground.place.level,
            "statement": ground.place.statement,
            "sid": ground.place.sid,
            "why": ground.why,
        }
        for ground in decision.by
    ]
    by += [
        {"policy": fault.kind, "index": fault.policy, "path": fault.path, "why": fault.reason}
        for fault in decision.faults
    ]
    answer: dict[str, Any] = {"id": _id(id_), "result": decision.result, "by": by, "because": decision.because}
    if decision.near:
        answer["near"] = [near.why for near in decision.near]
    return answer


def _id(value: object) -> str | int | float | None:
    return value if isinstance(value, str | int | float) else None
