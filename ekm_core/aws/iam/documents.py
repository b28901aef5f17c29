"""Policy documents: strict reading, and the grammar that AWS holds them to.

``parse`` never raises. A document with ``problems`` is one that AWS would refuse to save; ``notes`` name statements
that AWS saves and then ignores.

Sources, read on 2026-11-23: Grammar of the IAM JSON policy language
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html), the element reference beside it
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html), IAM quotas
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html), key policies
(https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html), PutKeyPolicy, RCP syntax
(https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html).
Read on 2026-11-27: RCP syntax again (Principal, Action, Version), and set operators in key policies, which may end in
OverlyPermissiveCondition (https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ekm_core import strictjson
from ekm_core.aws.iam.conditions import Condition, parse_operator
from ekm_core.aws.iam.request import is_account_id


class Kind(StrEnum):
    """What a document is for; the value is how a person calls it."""

    TRUST = "trust policy"
    KEY = "key policy"
    IDENTITY = "identity policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    SCP = "service control policy"
    RCP = "resource control policy"


_WITH_PRINCIPAL = frozenset({Kind.TRUST, Kind.KEY, Kind.RCP})

# The most characters without white space (IAM quotas; a trust policy's 2,048 can be raised to 8,192, once 4,096, as the
# page is quoted in 2026; a managed policy has 6,144, a role's inline policies 10,240 together). Those of an
# organization: its page of quotas, in a copy that is newer than May 2026, when a service control policy's was doubled
# (https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html).
_MOST_CHARACTERS = {
    Kind.TRUST: 8192,
    Kind.KEY: 32768,
    Kind.IDENTITY: 10240,
    Kind.BOUNDARY: 6144,
    Kind.SESSION: 2048,
    Kind.SCP: 10240,
    Kind.RCP: 5120,
}
_DEEPEST = 12
_GREATEST = 10**60

_TOP = frozenset({"Version", "Id", "Statement"})
_ELEMENTS = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)
_PRINCIPALS = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})
_VERSIONS = ("2012-10-17", "2008-10-17")

_REFUSED = re.compile("[^\t\n\r\u0020-\u00ff]")
_SID = re.compile(r"[A-Za-z0-9]*")
_ACTION = re.compile(r"\*|\*:\*|[A-Za-z0-9-]+:[^:]*")
_ARN_SERVICE = re.compile(r"arn:[^:]*:([^:]*)")
_UNIQUE_ID = re.compile(r"A[A-Z0-9]{15,127}")
_PRINCIPAL_ARN = re.compile(
    r"arn:aws[a-z-]*:(iam|sts)::(\d{12}):(root|(user|role|assumed-role|federated-user)/.+)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at one place: ``path`` (``Statement[1].Condition``, "" for the whole document), in a sentence."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Principal:
    """One value of a Principal element: ``type`` AWS, Service, Federated or CanonicalUser; ``*`` alone is AWS ``*``."""

    type: str
    value: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. ``index`` counts from 0. None stands for an element that is absent; ``not_…`` for its Not form.

    effective: False where AWS saves the statement and ignores it (a key policy's without Action or Resource).
    """

    index: int
    sid: str
    allow: bool
    principals: tuple[Principal, ...] | None
    not_principal: bool
    actions: tuple[str, ...]
    not_action: bool
    resources: tuple[str, ...] | None
    not_resource: bool
    conditions: tuple[Condition, ...]
    effective: bool = True


@dataclass(frozen=True, slots=True)
class Document:
    """One policy document, read.

    value: the document as JSON, None where it is none. variables: whether ``${…}`` is a variable in it.
    statements: those that could be read, even beside problems. problems: why AWS would refuse it.
    """

    kind: Kind
    value: Any
    variables: bool = False
    statements: tuple[Statement, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether AWS would save it, as far as the document alone shows."""
        return not self.problems


def parse(source: object, kind: Kind) -> Document:
    """Reads a document: JSON text, or the value parsed from it. Never raises; see ``Document.problems``."""
    if isinstance(source, str):
        parsed = strictjson.parse(source)
        if not parsed.valid:
            return Document(kind, None, problems=tuple(Problem("", fault.sentence) for fault in parsed.problems))
        source = parsed.value
    problem = _bounds(source, kind)
    if problem:
        return Document(kind, source, problems=(problem,))
    return _Reader(kind).document(source)


def _bounds(value: object, kind: Kind) -> Problem | None:
    """Depth, size, characters and figures, without recursion: what follows may then recurse and take its time."""
    most = _MOST_CHARACTERS[kind]
    size, pending = 0, [("", value, 1)]
    while pending and size <= most:
        path, item, depth = pending.pop()
        if depth > _DEEPEST:
            return Problem(path, "The document is nested deeper than any policy.")
        size += _own_characters(item)
        if isinstance(item, str):
            refused = _REFUSED.search(item)
            if refused:
                found = f"U+{ord(refused[0]):04X}"
                return Problem(path, f"AWS refuses the character {found} anywhere in a policy. Remove it.")
        elif isinstance(item, dict):
            for key, inner in item.items():
                here = f"{path}.{key[:60]}".lstrip(".")
                pending += [(here, inner, depth + 1), (here, key, depth + 1)]
        elif isinstance(item, list):
            pending += [(f"{path}[{index}]", inner, depth + 1) for index, inner in enumerate(item)]
        elif isinstance(item, int) and abs(item) > _GREATEST:
            return Problem(path, "This number is larger than any that a policy can use.")
    if size > most:
        quota = f"{_MOST_CHARACTERS[kind]:,}"
        return Problem(
            "", f"AWS takes at most {quota} characters (without white space) in a {kind}; this one has more."
        )
    return None


def _own_characters(item: object) -> int:
    """The characters of one value in JSON, without white space and what it holds; a number or a word counts as four."""
    if isinstance(item, str):
        return 2 + len(item) - sum(map(item.count, " \t\n\r")) + sum(map(item.count, '"\\'))
    if isinstance(item, dict | list):
        commas = max(0, len(item) - 1)
        return 2 + commas + (len(item) if isinstance(item, dict) else 0)
    return 4


class _Reader:
    """Reads one document and collects what is wrong with it."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.problems: list[Problem] = []
        self.notes: list[Problem] = []

    def document(self, value: object) -> Document:
        if not isinstance(value, dict):
            return Document(self.kind, value, problems=(Problem("", "A policy must be one JSON object."),))
        self._names(value, _TOP, "", "a policy")
        version = value.get("Version", "2008-10-17")
        if version not in _VERSIONS:
            self._wrong("Version", f"Version must be “2012-10-17” (or the older “2008-10-17”), not {_shown(version)}.")
        elif self.kind is Kind.RCP and value.get("Version") == "2008-10-17":
            self._wrong("Version", "The Version of a resource control policy must be “2012-10-17”.")
        if not isinstance(value.get("Id", ""), str):
            self._wrong("Id", "Id must be text.")
        raw = value.get("Statement")
        listed = raw if isinstance(raw, list) else [raw]
        if raw is None or not listed:
            self._wrong("Statement", "A policy must have at least one statement.")
            listed = []
        statements = [
            self._statement(item, index, f"Statement[{index}]" if isinstance(raw, list) else "Statement")
            for index, item in enumerate(listed)
        ]
        read = tuple(statement for statement in statements if statement)
        self._unique_sids(read)
        variables = version == "2012-10-17"
        return Document(self.kind, value, variables, read, tuple(self.problems), tuple(self.notes))

    def _wrong(self, path: str, reason: str) -> None:
        self.problems.append(Problem(path, reason))

    def _names(self, value: dict[str, Any], known: frozenset[str], path: str, what: str) -> None:
        by_lower = {name.lower(): name for name in known}
        for name in value:
            if name not in known:
                near = by_lower.get(name.lower())
                hint = f" Write {near}: the names are case-sensitive." if near else ""
                self._wrong(f"{path}.{name}".lstrip("."), f"AWS knows no element {_shown(name)} in {what}.{hint}")

    def _unique_sids(self, statements: tuple[Statement, ...]) -> None:
        seen: set[str] = set()
        for statement in statements:
            if statement.sid and statement.sid in seen:
                self._wrong(
                    f"Statement[{statement.index}].Sid", f"Two statements have the Sid {_shown(statement.sid)}."
                )
            seen.add(statement.sid)

    def _statement(self, value: object, index: int, path: str) -> Statement | None:
        if not isinstance(value, dict):
            self._wrong(path, "A statement must be a JSON object.")
            return None
        self._names(value, _ELEMENTS, path, "a statement")
        sid = value.get("Sid", "")
        if not isinstance(sid, str):
            self._wrong(f"{path}.Sid", "Sid must be text.")
            sid = ""
        elif self.kind is not Kind.KEY and not _SID.fullmatch(sid):
            self._wrong(f"{path}.Sid", f"In a {self.kind} a Sid may hold letters and digits only, not {_shown(sid)}.")
        effect = value.get("Effect")
        if effect not in ("Allow", "Deny"):
            self._wrong(f"{path}.Effect", f"Effect must be “Allow” or “Deny”, written just so, not {_shown(effect)}.")
        for name in ("Principal", "Action", "Resource"):
            if name in value and f"Not{name}" in value:
                self._wrong(path, f"A statement has either {name} or Not{name}, not both.")
        actions = self._texts(value, "Action", path)
        resources = self._texts(value, "Resource", path)
        self._check_actions(actions, "NotAction" if "NotAction" in value else "Action", path)
        self._check_resources(value, resources, path)
        if self.kind is Kind.RCP and not _is_full_access(value):
            if effect != "Deny" or "NotAction" in value:
                self._wrong(path, "A resource control policy of your own may only deny, and has no NotAction.")
            if any(text.startswith("*") for text in actions or ()):
                self._wrong(f"{path}.Action", "An action of a resource control policy names its service.")
        missing = [name for name, texts in (("Action", actions), ("Resource", resources)) if not texts]
        effective = not (self.kind is Kind.KEY and missing)
        if not effective:
            lacks = " and ".join(missing)
            self.notes.append(Problem(path, f"This statement has no {lacks}: AWS KMS saves it and ignores it."))
        return Statement(
            index=index,
            sid=sid,
            allow=effect == "Allow",
            principals=self._principals(value, path),
            not_principal="NotPrincipal" in value,
            actions=actions or (),
            not_action="NotAction" in value,
            resources=resources,
            not_resource="NotResource" in value,
            conditions=self._conditions(value.get("Condition", {}), f"{path}.Condition"),
            effective=effective,
        )

    def _texts(self, value: dict[str, Any], name: str, path: str) -> tuple[str, ...] | None:
        found = f"Not{name}" if f"Not{name}" in value else name
        if found not in value:
            return None
        raw = value[found]
        listed = raw if isinstance(raw, list) else [raw]
        if not all(isinstance(text, str) for text in listed):
            self._wrong(f"{path}.{found}", f"{found} must be text or a list of texts.")
        return tuple(text for text in listed if isinstance(text, str))

    def _check_actions(self, actions: tuple[str, ...] | None, name: str, path: str) -> None:
        if not actions and self.kind is not Kind.KEY:
            self._wrong(path, "A statement must have Action or NotAction, with at least one action.")
        for text in actions or ():
            if not _ACTION.fullmatch(text):
                self._wrong(f"{path}.{name}", f"An action is “service:Name” or “*”; AWS refuses {_shown(text)}.")

    def _check_resources(self, value: dict[str, Any], resources: tuple[str, ...] | None, path: str) -> None:
        name = "NotResource" if "NotResource" in value else "Resource"
        if self.kind is Kind.TRUST:
            if resources is not None:
                self._wrong(
                    f"{path}.{name}", "A trust policy has no Resource: the role itself is the resource. Remove it."
                )
            return
        if not resources and self.kind is not Kind.KEY:
            self._wrong(path, "A statement must have Resource or NotResource, with at least one resource.")
        for text in resources or ():
            service = _ARN_SERVICE.match(text)
            if text != "*" and (service is None or "*" in service[1] or "?" in service[1]):
                self._wrong(
                    f"{path}.{name}",
                    f"A resource is an ARN that names its service, or “*”; AWS refuses {_shown(text)}.",
                )

    def _principals(self, value: dict[str, Any], path: str) -> tuple[Principal, ...] | None:
        name = "NotPrincipal" if "NotPrincipal" in value else "Principal"
        path = f"{path}.{name}"
        if self.kind not in _WITH_PRINCIPAL:
            if name in value:
                self._wrong(path, f"A {self.kind} has no {name}: it stands for whom it is attached to. Remove it.")
            return None
        if name not in value:
            self._wrong(path, f"Each statement of a {self.kind} must name its Principal.")
            return None
        if name == "NotPrincipal" and (self.kind is not Kind.KEY or value.get("Effect") != "Deny"):
            self._wrong(path, "NotPrincipal works only with Deny, and never in a trust policy.")
        raw = value[name]
        if raw == "*":
            return (Principal("AWS", "*"),)
        if self.kind is Kind.RCP and raw not in ({"AWS": "*"}, {"AWS": ["*"]}):
            self._wrong(path, f"The Principal of a resource control policy is “*” alone, not {_shown(raw)}.")
        if not isinstance(raw, dict):
            self._wrong(path, f'{name} must be “*” or an object such as {{"AWS": "<ARN>"}}, not {_shown(raw)}.')
            return ()
        self._names(raw, _PRINCIPALS, path, f"a {name}")
        found = []
        for type_, values in raw.items():
            for text in values if isinstance(values, list) else [values]:
                found.append(Principal(type_, text if isinstance(text, str) else ""))
                self._check_principal(type_, text, f"{path}.{type_}")
        return tuple(found)

    def _check_principal(self, type_: str, text: object, path: str) -> None:
        if not isinstance(text, str) or not text:
            self._wrong(path, "A principal must be text, and not empty.")
        elif type_ == "AWS" and text != "*" and not is_account_id(text) and not _UNIQUE_ID.fullmatch(text):
            arn = _PRINCIPAL_ARN.fullmatch(text)
            if arn and ("*" in text or "?" in text):
                self._wrong(path, f"AWS refuses a wildcard inside a principal's ARN: {_shown(text)}.")
            elif not arn:
                self._wrong(
                    path, f"A principal is an account id or the ARN of a role, user or account, not {_shown(text)}."
                )

    def _conditions(self, value: object, path: str) -> tuple[Condition, ...]:
        if not isinstance(value, dict):
            self._wrong(path, "Condition must be an object of operators.")
            return ()
        found = []
        for name, block in value.items():
            here = f"{path}.{name}"
            if parse_operator(name) is None:
                self._wrong(here, f"AWS knows no condition operator {_shown(name)}.")
            if not isinstance(block, dict):
                self._wrong(here, "A condition operator holds an object of condition keys.")
                continue
            for key, values in block.items():
                if ":" not in key:
                    self._wrong(
                        here, f"A condition key begins with its service, such as “sts:ExternalId”, not {_shown(key)}."
                    )
                listed = values if isinstance(values, list) else [values]
                if self.kind is Kind.KEY and _is_overly_permissive(name, key):
                    self._wrong(
                        f"{here}.{key}",
                        "AWS KMS refuses ForAllValues with a key of one value (OverlyPermissiveCondition), because a "
                        "request without the key would pass. Remove ForAllValues.",
                    )
                if not all(isinstance(one, str | bool | int | float) for one in listed):
                    self._wrong(f"{here}.{key}", "The values of a condition key are texts, numbers, true or false.")
                found.append(Condition(name, key, tuple(_text(one) for one in listed)))
        return tuple(found)


def _is_overly_permissive(operator: str, key: str) -> bool:
    """Whether PutKeyPolicy refuses the operator with this key: OverlyPermissiveCondition."""
    all_of_one = operator.lower().startswith("forallvalues:")
    return all_of_one and key.lower().startswith(("kms:encryptioncontext:", "aws:requesttag/"))


def _is_full_access(value: dict[str, Any]) -> bool:
    """Whether it is the statement of RCPFullAWSAccess, which AWS attaches everywhere."""
    return value.get("Effect") == "Allow" and value.get("Action") in ("*", ["*"]) and "Condition" not in value


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shown(value: object) -> str:
    text = _text(value)
    return f"“{text[:120]}…”" if len(text) > 120 else f"“{text}”"
