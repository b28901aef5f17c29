"""Does a deny policy forbid a federated identity a permission: a pure function of ``gcloud iam policies get``.

Source: IAM API v2, DenyRule (principals, permissions, exceptions, conditions), read on 2026-11-27. A denial wins over
every role. A permission group ("Deny policies", read on 2026-11-28) is all of a service (``*.*``), all verbs of a kind
of resource (``keyRings.*``) or one verb of all kinds (``*.delete``). What is not certain (groups of people, conditions
on tags, other patterns) is said to be so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ekm_core.gcp.iam.bindings import Identity, reaches
from ekm_core.pasted import shown, texts

_EVERYBODY = "principalSet://goog/public:all"
# The forms of a permission group: what has one of them and is not the permission's own holds other permissions.
_GROUP = re.compile(r"[a-z0-9.-]{1,100}/(?:[A-Za-z0-9]{1,60}\.\*|\*\.[A-Za-z0-9]{1,60}|\*\.\*)")
_MOST_RULES = 500
"""A deny policy holds at most as many rules."""


@dataclass(frozen=True, slots=True)
class Denial:
    """Whether a policy forbids it (None: cannot be told), with the reason; ``rule``: the place of the rule, from 1."""

    holds: bool | None
    why: str = ""
    rule: int = 0


def denies(permission: str, identity: Identity, policy: object) -> Denial:
    """Whether one deny policy forbids the identity the permission (``cloudkms.cryptoKeyVersions.useToEncrypt``)."""
    rules = policy.get("rules") if isinstance(policy, Mapping) else None
    if not isinstance(rules, list) or len(rules) > _MOST_RULES:
        return Denial(None, "its rules are not shown")
    service, _, rest = permission.partition(".")
    name = f"{service}.googleapis.com/{rest}"
    open_ = Denial(False)
    for number, rule in enumerate(rules, 1):
        found = _rule(name, identity, rule.get("denyRule") if isinstance(rule, Mapping) else None)
        if found.holds:
            return Denial(True, f"rule {number} forbids {name} to {found.why}", number)
        if found.holds is None and open_.holds is False:
            open_ = Denial(None, f"rule {number}: {found.why}", number)
    return open_


def _rule(name: str, identity: Identity, rule: object) -> Denial:
    if not isinstance(rule, Mapping):
        return Denial(None, "it is not readable")
    lists = [
        rule.get(field, [])
        for field in ("deniedPermissions", "deniedPrincipals", "exceptionPermissions", "exceptionPrincipals")
    ]
    if not all(texts(one) for one in lists):
        return Denial(None, "it is not readable")
    permissions, principals, but_permissions, but_principals = lists
    steps = (
        (_permitted(name, permissions), True),
        (_meant(identity, principals), True),
        (_permitted(name, but_permissions), False),
        (_meant(identity, but_principals), False),
    )
    # One sure "does not apply" decides, whatever else is open.
    if any(denial.holds is not None and denial.holds is not wanted for denial, wanted in steps):
        return Denial(False)
    if unsure := next((denial for denial, _ in steps if denial.holds is None), None):
        return unsure
    if rule.get("denialCondition"):
        return Denial(None, "it has a condition, which speaks of tags that are not seen here")
    return Denial(True, steps[1][0].why)


def _permitted(name: str, permissions: list[str]) -> Denial:
    """Whether the permission is among these."""
    service, _, rest = name.partition("/")
    kind, _, verb = rest.partition(".")
    groups = {f"{service}/{kind}.*", f"{service}/*.{verb}", f"{service}/*.*"}
    if name in permissions or groups & set(permissions):
        return Denial(True)
    others = (one for one in permissions if "*" in one and one.startswith((f"{service}/", "*")))
    pattern = next((one for one in others if not _GROUP.fullmatch(one)), "")
    return Denial(None, f"it names permissions by the pattern {shown(pattern)}") if pattern else Denial(False)


def _meant(identity: Identity, principals: list[str]) -> Denial:
    """Whether the identity is among these."""
    unsure = Denial(False)
    for principal in principals:
        holds = True if principal == _EVERYBODY else reaches(principal, identity)
        if holds:
            return Denial(True, shown(principal))
        if holds is None:
            unsure = Denial(None, f"who belongs to {shown(principal)} cannot be seen here")
    return unsure
