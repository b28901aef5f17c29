"""The smallest changes of the user's own policies: each works on a copy of the document, in its own order.

Nothing here decides whether a change is right: whoever asks for one evaluates the result and drops it if it is not.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from ekm_core.aws.account import PolicyText
from ekm_core.model import Change

Raw = dict[str, Any]


def copied(policy: PolicyText) -> Raw:
    """A copy of a document that ``documents.parse`` found valid."""
    value: Raw = copy.deepcopy(policy.value)
    return value


def change(policy: PolicyText, after: Raw) -> Change:
    """The change from the user's document to ``after``, both formatted alike (Terraform as the JSON it makes)."""
    title = f"{policy.title}, as JSON" if policy.source.startswith("Terraform") else policy.title
    return Change(title, _pretty(policy.value), _pretty(after))


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def statements(document: Raw) -> list[Raw]:
    """The statements of a valid document; they may be changed in place."""
    raw = document["Statement"]
    return raw if isinstance(raw, list) else [raw]


def append(document: Raw, statement: Raw) -> None:
    """Adds a statement behind the others, under a Sid that none of them has."""
    present = statements(document)
    taken = {item.get("Sid") for item in present}
    sid = str(statement["Sid"])
    number = 1
    while sid in taken:
        number += 1
        sid = f"{statement['Sid']}{number}"
    document["Statement"] = [*present, {**statement, "Sid": sid}]


def add_value(holder: Raw, name: str, value: str) -> None:
    """Adds a value to an element that is one text or a list of texts."""
    present = holder.get(name)
    if present is None:
        holder[name] = value
    elif isinstance(present, list):
        holder[name] = [*present, value]
    elif present != value:
        holder[name] = [present, value]


def replace_value(holder: Raw, name: str, old: str, new: str) -> None:
    """Puts a value in another's place, in an element that is one text or a list of texts."""
    present = holder[name]
    if isinstance(present, list):
        fresh = [new if item == old else item for item in present]
        holder[name] = list(dict.fromkeys(fresh))
    elif present == old:
        holder[name] = new


def spare(statement: Raw, principal_arn: str) -> None:
    """Narrows a Deny statement so that it spares one principal; its other conditions stay."""
    _also_not(statement, "ArnNotEquals", "aws:PrincipalArn", principal_arn)


def spare_account(statement: Raw, account: str) -> None:
    """Narrows a Deny statement so that it spares the callers of one account; its other conditions stay."""
    _also_not(statement, "StringNotEquals", "aws:PrincipalAccount", account)


def _also_not(statement: Raw, operator: str, key: str, value: str) -> None:
    conditions = statement.setdefault("Condition", {})
    operator = next((name for name in conditions if name.lower() == operator.lower()), operator)
    block = conditions.setdefault(operator, {})
    add_value(block, next((name for name in block if name.lower() == key.lower()), key), value)
