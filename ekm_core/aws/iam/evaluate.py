"""AWS's decision on one request, and the statements it rests on. Pure; never raises for what a document holds.

Rules and sources, read on 2026-11-23:
- An explicit deny in any document wins; boundary, session policy, every level of SCPs must each allow
  (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html).
- Across accounts both sides must allow
  (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html).
- A key policy or trust policy is the root of trust: identity policies count only where it allows the account
  (https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html).
- A resource policy that names the session, the user, or everyone, is not limited by a boundary or session policy that
  does not mention the action; one that names the role is
  (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html).
- RCPFullAWSAccess is always attached, so that RCPs can only deny
  (https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html).
Grants of a KMS key stand in no policy: "not allowed" always means "not by these documents".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from ekm_core.aws.iam.conditions import Condition, holds
from ekm_core.aws.iam.documents import Document, Kind, Principal, Statement
from ekm_core.aws.iam.logic import Tri, all_of, any_of, negate
from ekm_core.aws.iam.matching import action_matches, resource_matches
from ekm_core.aws.iam.request import Caller, Facts, Request, caller

_MOST_NEAR = 12


class Result(StrEnum):
    """The decision; the value is public (``simulate``)."""

    ALLOWED = "Allowed"
    IMPLICITLY_DENIED = "ImplicitlyDenied"
    EXPLICITLY_DENIED = "ExplicitlyDenied"
    INVALID = "Invalid"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Policies:
    """All documents that bear on a request.

    identity: the caller's own. resource: the trust policy or key policy. scps, rcps: per level, root first; None where
    there is no organization. unseen: kinds that may exist and were not given; they may deny: nothing is Allowed then.
    """

    identity: Sequence[Document] = ()
    resource: Document | None = None
    boundary: Document | None = None
    session: Document | None = None
    scps: Sequence[Sequence[Document]] | None = None
    rcps: Sequence[Sequence[Document]] | None = None
    unseen: frozenset[Kind] = frozenset()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a statement stands: kind of document, which of its kind, its level (SCP, RCP), statement; all from 0."""

    kind: Kind
    policy: int
    level: int
    statement: int
    sid: str = ""

    @property
    def words(self) -> str:
        """The place for a person, who counts from 1."""
        level = f", level {self.level + 1}" if self.kind in (Kind.SCP, Kind.RCP) else ""
        several = self.kind in (Kind.IDENTITY, Kind.SCP, Kind.RCP)
        which = f" {self.policy + 1}" if several else ""
        sid = f" (“{self.sid}”)" if self.sid else ""
        return f"{self.kind}{which}{level}, statement {self.statement + 1}{sid}"


@dataclass(frozen=True, slots=True)
class Miss:
    """Why a statement does not match: ``element`` with what it wants and what the request has.

    element: Principal, Action, Resource (or the Not form) or Condition; for the last, ``operator`` and ``key`` are set.
    actual: the request's values; () where the key is absent. unknown: whether the value cannot be known offline.
    """

    element: str
    wanted: tuple[str, ...]
    actual: tuple[str, ...]
    operator: str = ""
    key: str = ""
    unknown: bool = False

    @property
    def words(self) -> str:
        """The miss as the end of a sentence."""
        wanted = " or ".join(f"“{text}”" for text in self.wanted[:4]) or "nothing"
        if len(self.wanted) > 4:
            wanted += f" or {len(self.wanted) - 4} more"
        actual = ", ".join(f"“{text}”" for text in self.actual) or "nothing"
        if self.element == "Condition":
            has = f"has {actual}" if self.actual or not self.unknown else "cannot be known here"
            has += ", and whether that fulfils it cannot be told" if self.actual and self.unknown else ""
            return f"{self.operator} {self.key} wants {wanted}; the request {has}"
        return f"its {self.element} is {wanted}; the request has {actual}"


@dataclass(frozen=True, slots=True)
class Ground:
    """One statement that decided, and why, in a sentence."""

    place: Place
    why: str


@dataclass(frozen=True, slots=True)
class NearMiss:
    """An allowing statement that does not match this request, and all that keeps it from matching."""

    place: Place
    misses: tuple[Miss, ...]

    @property
    def why(self) -> str:
        """The reasons in one sentence."""
        return f"{_begin(self.place)} would allow this, but {'; '.join(miss.words for miss in self.misses)}."


@dataclass(frozen=True, slots=True)
class Fault:
    """Why AWS would refuse one of the documents."""

    kind: Kind
    policy: int
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision on a request.

    because: one plain sentence. by: the statements that decided: those that allow, or those that deny.
    near: for a denial, the allowing statements that come closest, fewest misses first. faults: for Invalid.
    unknown: for Unknown, what would have to be known: context keys, kinds of documents.
    """

    result: Result
    because: str
    by: tuple[Ground, ...] = ()
    near: tuple[NearMiss, ...] = ()
    faults: tuple[Fault, ...] = ()
    unknown: tuple[str, ...] = ()


class _Reach(IntEnum):
    """How a statement reaches the caller; the stronger, the fewer other documents are asked."""

    NONE = 0
    ACCOUNT = 1  # only the account: the caller's own policies must allow too
    ROLE = 2  # the role by name: its boundary and session policy still limit
    DIRECT = 3  # the session or user by name, or everyone


@dataclass(frozen=True, slots=True)
class _Hit:
    """One statement held against the request."""

    place: Place
    allow: bool
    outcome: Tri
    reach: _Reach
    misses: tuple[Miss, ...]


def evaluate(request: Request, policies: Policies) -> Decision:
    """AWS's decision on the request under these documents; see ``Decision``.

    Invalid where AWS would refuse any of the documents; Unknown where the answer hangs on what was not given.
    """
    faults = tuple(_faults(policies))
    if faults:
        first = faults[0]
        where = f" at {first.path}" if first.path else ""
        return Decision(Result.INVALID, f"AWS would refuse the {first.kind}{where}: {first.reason}", faults=faults)
    who = caller(request)
    if who is None:
        because = "The caller is no role session, role, user or account of IAM, so that no policy can be applied."
        return Decision(Result.UNKNOWN, because, unknown=("principal",))
    return _Evaluation(request, policies, who).decision()


def _faults(policies: Policies) -> Iterable[Fault]:
    for index, _, document in _documents(policies):
        for problem in document.problems:
            yield Fault(document.kind, index, problem.path, problem.reason)


def _documents(policies: Policies) -> Iterable[tuple[int, int, Document]]:
    """Every document with its index among its kind (for SCPs and RCPs: within its level) and its level."""
    for document in (policies.resource, policies.boundary, policies.session):
        if document is not None:
            yield 0, 0, document
    for index, document in enumerate(policies.identity):
        yield index, 0, document
    for levels in (policies.scps, policies.rcps):
        for level, documents in enumerate(levels or ()):
            for index, document in enumerate(documents):
                yield index, level, document


class _Evaluation:
    """One request under one set of documents."""

    def __init__(self, request: Request, policies: Policies, who: Caller) -> None:
        self.request = request
        self.policies = policies
        self.who = who
        self.facts = Facts(request, who)
        self.hits = [
            self._hit(statement, document, index, level)
            for index, level, document in _documents(policies)
            for statement in document.statements
        ]

    def decision(self) -> Decision:
        denials = [hit for hit in self.hits if not hit.allow and hit.outcome is not False]
        certain = [hit for hit in denials if hit.outcome]
        if certain:
            grounds = tuple(
                Ground(hit.place, f"{_begin(hit.place)} denies this, and a deny always wins.") for hit in certain
            )
            return Decision(Result.EXPLICITLY_DENIED, grounds[0].why, by=grounds)
        allowed = self._allowed()
        if allowed is False:
            return Decision(Result.IMPLICITLY_DENIED, self._why_not(), near=self._near())
        if allowed is None or denials or self.policies.unseen:
            open_ = self._open()
            because = f"These documents cannot decide it: it hangs on {', '.join(open_)}."
            return Decision(Result.UNKNOWN, because, near=self._near(), unknown=open_)
        hits = self._granting()
        grounds = tuple(Ground(hit.place, f"{_begin(hit.place)} allows this.") for hit in hits)
        because = grounds[0].why if grounds else "These documents allow this."
        return Decision(Result.ALLOWED, because, by=grounds)

    def _allowed(self) -> Tri:
        limits = (
            self._passes(self.policies.boundary, Kind.BOUNDARY),
            self._passes(self.policies.session, Kind.SESSION),
        )
        own = all_of((self._grants(Kind.IDENTITY), *limits))
        direct, role, account = (self._resource_grants(reach) for reach in (_Reach.DIRECT, _Reach.ROLE, _Reach.ACCOUNT))
        if self.who.account == self.request.resource_account:
            grant = any_of((direct, all_of((role, *limits)), all_of((account, own))))
        else:
            grant = all_of((any_of((direct, role, account)), own))
        return all_of((grant, *self._levels()))

    def _resource_grants(self, reach: _Reach) -> Tri:
        if self.policies.resource is None:
            # Every key has a key policy and every role a trust policy: not given means not seen, unless all is given.
            return False if self.request.complete else None
        kind = self.policies.resource.kind
        return any_of(hit.outcome for hit in self.hits if hit.allow and hit.place.kind is kind and hit.reach is reach)

    def _grants(self, kind: Kind) -> Tri:
        outcomes: list[Tri] = [hit.outcome for hit in self.hits if hit.allow and hit.place.kind is kind]
        return any_of([*outcomes, None] if kind in self.policies.unseen else outcomes)

    def _passes(self, document: Document | None, kind: Kind) -> Tri:
        return True if document is None else self._grants(kind)

    def _levels(self) -> list[Tri]:
        return [
            any_of(
                hit.outcome
                for hit in self.hits
                if hit.allow and hit.place.kind is Kind.SCP and hit.place.level == level
            )
            for level in range(len(self.policies.scps or ()))
        ]

    def _granting(self) -> list[_Hit]:
        """The statements that an Allowed rests on: the resource policy's strongest, and the caller's own if asked."""
        allowing = [hit for hit in self.hits if hit.allow and hit.outcome]
        resource = [hit for hit in allowing if hit.place.kind in (Kind.TRUST, Kind.KEY)]
        strongest = max((hit.reach for hit in resource), default=_Reach.NONE)
        own = [hit for hit in allowing if hit.place.kind is Kind.IDENTITY]
        needs_own = strongest is _Reach.ACCOUNT or self.who.account != self.request.resource_account
        return [hit for hit in resource if hit.reach is strongest] + (own if needs_own else [])

    def _why_not(self) -> str:
        """The first of the needed permissions that is missing, in a sentence."""
        grants = {reach: self._resource_grants(reach) for reach in (_Reach.DIRECT, _Reach.ROLE, _Reach.ACCOUNT)}
        same = self.who.account == self.request.resource_account
        what = self.request.action
        if any(level is False for level in self._levels()):
            return f"No service control policy allows {what} at one of the organization's levels."
        if all(grant is False for grant in grants.values()):
            document = self.policies.resource.kind if self.policies.resource else "resource policy"
            return f"No statement of the {document} allows {what} for this caller."
        if self._passes(self.policies.boundary, Kind.BOUNDARY) is False:
            return f"The role's permissions boundary does not allow {what}."
        if self._passes(self.policies.session, Kind.SESSION) is False:
            return f"The session policy does not allow {what}."
        if same:
            return f"The resource policy leaves it to the account, and no identity policy of the caller allows {what}."
        return f"No identity policy of the caller allows {what} on this resource, and across accounts both sides must."

    def _near(self) -> tuple[NearMiss, ...]:
        near = [NearMiss(hit.place, hit.misses) for hit in self.hits if hit.allow and hit.outcome is not True]
        return tuple(sorted(near, key=lambda miss: len(miss.misses))[:_MOST_NEAR])

    def _open(self) -> tuple[str, ...]:
        """What an Unknown hangs on: context keys first, then kinds of documents."""
        names = [
            miss.key or f"what {miss.element} covers"
            for hit in self.hits
            if hit.outcome is None
            for miss in hit.misses
            if miss.unknown
        ]
        names += [f"the {kind}" for kind in Kind if kind in self.policies.unseen]
        if self.policies.resource is None:
            names.append("the resource policy")
        return tuple(dict.fromkeys(names))

    def _hit(self, statement: Statement, document: Document, index: int, level: int) -> _Hit:
        facts = self.facts if document.variables else None
        request = self.request
        misses: list[Miss] = []
        outcomes: list[Tri] = [statement.effective]
        if not statement.effective:
            misses.append(Miss("Action and Resource", (), (request.action,)))

        reach, reached = self._reach(statement)
        outcomes.append(reached)
        if statement.principals is not None and reached is not True:
            wanted = tuple(principal.value for principal in statement.principals)
            element = _element("Principal", statement.not_principal)
            misses.append(Miss(element, wanted, (self.who.session or self.who.arn,), unknown=reached is None))

        action: Tri = any(action_matches(text, request.action) for text in statement.actions)
        checked = [("Action", statement.actions, statement.not_action, action, request.action)]
        if statement.resources is not None:
            covered = any_of(resource_matches(text, request.resource, facts) for text in statement.resources)
            checked.append(("Resource", statement.resources, statement.not_resource, covered, request.resource))
        for element, wanted, negated, matched, actual in checked:
            outcome = negate(matched) if negated else matched
            outcomes.append(outcome)
            if outcome is not True:
                misses.append(Miss(_element(element, negated), wanted, (actual,), unknown=outcome is None))

        for condition in statement.conditions:
            outcome = holds(condition, self.facts, variables=document.variables)
            outcomes.append(outcome)
            if outcome is not True:
                misses.append(self._condition_miss(condition, unknown=outcome is None))
        place = Place(document.kind, index, level, statement.index, statement.sid)
        return _Hit(place, statement.allow, all_of(outcomes), reach, tuple(misses))

    def _condition_miss(self, condition: Condition, *, unknown: bool) -> Miss:
        value = self.facts.get(condition.key)
        actual = () if value is None else (value,) if isinstance(value, str) else value
        return Miss("Condition", condition.values, actual, condition.operator, condition.key, unknown)

    def _reach(self, statement: Statement) -> tuple[_Reach, Tri]:
        """How the statement reaches the caller, and whether it does."""
        if statement.principals is None:
            return _Reach.DIRECT, True
        reaches = {self._principal_reach(principal) for principal in statement.principals}
        if statement.not_principal:
            return _Reach.DIRECT, negate(self._is_spared(statement.principals, reaches))
        strongest = max(reaches, default=_Reach.NONE)
        if strongest is _Reach.NONE and any(self._may_be_session(principal) for principal in statement.principals):
            return _Reach.DIRECT, None
        return strongest, strongest is not _Reach.NONE

    def _may_be_session(self, principal: Principal) -> bool:
        """Whether it names a session of the caller's role, where the caller's session name is only a guess."""
        role = self.who.session.rpartition("/")[0]
        return not self.request.session_known and bool(role) and principal.value.startswith(f"{role}/")

    def _principal_reach(self, principal: Principal) -> _Reach:
        """How one value of Principal reaches the caller. Deny statements only ask whether it does."""
        who, value = self.who, principal.value
        if principal.type != "AWS":
            return _Reach.NONE
        if value == "*" or (value == who.session and self.request.session_known):
            return _Reach.DIRECT
        if value == who.arn and who.type == "User":
            return _Reach.DIRECT
        if value == self._unique_id():
            return _Reach.ROLE if who.type == "AssumedRole" else _Reach.DIRECT
        if value in (who.account, f"arn:{who.partition}:iam::{who.account}:root"):
            return _Reach.DIRECT if who.is_root else _Reach.ACCOUNT
        if who.type == "AssumedRole" and (value == who.arn or self._is_role_with_unknown_path(value)):
            return _Reach.ROLE
        return _Reach.NONE

    def _unique_id(self) -> str:
        """The caller's unique id, for which AWS keeps a role or user in a saved Principal; "" where it is not known."""
        user_id = self.facts.get("aws:userid")
        return user_id.split(":")[0] if isinstance(user_id, str) and not self.who.is_root else ""

    def _is_role_with_unknown_path(self, value: str) -> bool:
        who = self.who
        prefix = f"arn:{who.partition}:iam::{who.account}:role/"
        return not who.path_known and value.startswith(prefix) and value.rsplit("/", 1)[-1] == who.role_name

    def _is_spared(self, principals: Sequence[Principal], reaches: set[_Reach]) -> Tri:
        """Whether a Deny with NotPrincipal spares the caller.

        AWS asks for the account beside the role or user, and says that otherwise it "might" deny: unknown for a real
        caller, denied in a simulation. A caller with a boundary is never spared.
        """
        if self.policies.boundary is not None:
            return False
        if self.who.is_root or any(principal.value == "*" for principal in principals):
            return _Reach.DIRECT in reaches
        named = bool(reaches & {_Reach.ROLE, _Reach.DIRECT})
        if named and _Reach.ACCOUNT in reaches:
            return True
        return None if (named or _Reach.ACCOUNT in reaches) and not self.request.complete else False


def _element(name: str, negated: bool) -> str:
    return f"Not{name}" if negated else name


def _begin(place: Place) -> str:
    """The place as the beginning of a sentence."""
    return place.words[0].upper() + place.words[1:]
