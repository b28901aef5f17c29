"""What is known of the customer's AWS account, asked by role ARN and key ARN: each answer a ``Fact`` with its state.

``evidence.read`` fills an ``AwsEvidence``; proofs only ask it. Conflicting evidence is never decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from ekm_core.aws.snippets import arn_part
from ekm_core.evidence import State
from ekm_core.facts import Fact, Loose, combine

T = TypeVar("T")
Tags = tuple[tuple[str, str], ...]


class PolicyKind(StrEnum):
    """What a policy is attached to; it decides how it is evaluated."""

    TRUST = "trust"
    IDENTITY = "identity"
    KEY = "key"
    BOUNDARY = "boundary"
    SCP = "scp"
    RCP = "rcp"


@dataclass(frozen=True, slots=True)
class PolicyText:
    """One policy document, as the user or the cloud gave it.

    title: names it in a sentence ("Trust policy of role openai-ekm"). value: the parsed document of any shape, None
    where it is no valid JSON (``problems`` says why). text: formatted for diffs. unknown: the Terraform expressions in
    it that only Terraform can resolve; they stand in ``value`` as ``${…}``, so such a document proves little.
    """

    kind: PolicyKind
    title: str
    value: Any
    text: str
    source: str
    unknown: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Role:
    """A role.

    boundary_arn: its permissions boundary, "" where it has none, None where the output does not show it.
    unique_id: RoleId (AROA…), "" if unseen. tags: all of them, None where the output does not show them.
    """

    arn: str
    name: str
    account: str
    boundary_arn: str | None
    unique_id: str = ""
    tags: Tags | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """A KMS key, in AWS's own words (KeyMetadata); "" or None for what the answer does not hold."""

    arn: str
    id: str
    region: str
    account: str
    state: str
    enabled: bool | None
    spec: str
    usage: str
    origin: str
    manager: str
    multi_region: bool | None


@dataclass(frozen=True, slots=True)
class Grant:
    """One grant on a key."""

    id: str
    grantee: str
    operations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IdentityPolicies:
    """What a role may do by its own policies.

    complete: every attached and inline policy of the role was seen, so that what they do not allow is not allowed.
    missing: sentences that say what was not seen. conflicting: two outputs contradict each other; ``missing`` says
    which. An explicit deny in ``policies`` counts even where they are not complete.
    """

    policies: tuple[PolicyText, ...]
    complete: bool
    missing: tuple[str, ...] = ()
    conflicting: bool = False


@dataclass(frozen=True, slots=True)
class OrganizationPolicy:
    """One SCP or RCP. Whether it stands above the account only ``organization_lists`` can show."""

    id: str
    name: str
    policy: PolicyText


@dataclass(frozen=True, slots=True)
class TargetPolicies:
    """Which policies of the organization stand on an account, unit or root (``target``), by id. kind: the one that was
    asked for (SERVICE_CONTROL_POLICY …), "" where the command does not say."""

    target: str
    kind: str
    fact: Fact[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One call as CloudTrail wrote it down.

    time: in UTC, as AWS gives it. action: "kms:Encrypt". caller: the ARN of the session or user, "" where CloudTrail
    shows the account alone. role: the role whose session called, or "". asked: the role's ARN of an AssumeRole, or "".
    code, message: the error, both "" where the call succeeded.
    """

    time: str
    action: str
    region: str
    account: str
    caller: str
    role: str
    asked: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """One command that gave no answer: why, and for REFUSED the permission that was missing."""

    command: str
    state: State
    permission: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """A fact about ``owner``: a role's name with its account in ``place``, or a key as the command named it with its
    Region in ``place``; ``place`` is "" where it is not known, ``owner`` "" for a document pasted without a name."""

    owner: str
    place: str
    fact: Fact[T]


@dataclass(frozen=True, slots=True)
class Version:
    """A document of a managed policy; default: whether it is the version in force, None where the output hides it."""

    arn: str
    id: str
    default: bool | None
    fact: Fact[PolicyText]


@dataclass(frozen=True, slots=True)
class AwsEvidence:
    """Filled once by ``read``, then only asked. Every method takes the ARNs of the configuration as they are."""

    roles: list[Entry[Role]] = field(default_factory=list)
    trusts: list[Entry[PolicyText]] = field(default_factory=list)
    attached: list[Entry[tuple[str, ...]]] = field(default_factory=list)
    inline: list[Entry[tuple[str, ...]]] = field(default_factory=list)
    inline_documents: list[tuple[str, Entry[PolicyText]]] = field(default_factory=list)
    pasted_identity: list[Entry[PolicyText]] = field(default_factory=list)
    default_versions: list[tuple[str, Fact[str]]] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)
    keys: list[Entry[Key]] = field(default_factory=list)
    key_policies: list[Entry[PolicyText]] = field(default_factory=list)
    rotations: list[Entry[bool]] = field(default_factory=list)
    key_tags: list[Entry[Tags]] = field(default_factory=list)
    key_grants: list[Entry[tuple[Grant, ...]]] = field(default_factory=list)
    aliases: list[Entry[str]] = field(default_factory=list)
    whole_alias_lists: set[tuple[str, str]] = field(default_factory=set)
    organization: list[OrganizationPolicy] = field(default_factory=list)
    organization_lists: list[TargetPolicies] = field(default_factory=list)
    organization_parents: dict[str, str] = field(default_factory=dict)  # child, its parent; "" where outputs differ
    organization_ids: dict[str, set[str]] = field(default_factory=dict)  # by account, and by policy of the organization
    listed_roles: list[Entry[Role]] = field(default_factory=list)  # of a list, which tells nothing of boundaries
    recorded: list[RecordedCall] = field(default_factory=list)
    lookups: list[str] = field(default_factory=list)  # what CloudTrail was asked, also where it found nothing
    unbound: dict[str, str] = field(
        default_factory=dict
    )  # accounts that no SCP and no RCP binds, and how that is shown
    callers: dict[str, set[str]] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    loose: list[Loose] = field(default_factory=list)

    # ------------------------------------------------------------------------------------------------------- the role
    def role(self, arn: str) -> Fact[Role]:
        """The role with that ARN. ABSENT only where the command surely ran in the role's own account."""
        # What shows more goes first: it is what the others are compared with.
        facts = sorted(_of_role(self.roles, arn), key=_unseen)
        return combine(facts, _same_role) if facts else _one((), "Role")

    def trust(self, arn: str) -> Fact[PolicyText]:
        """The role's trust policy: of get-role, or one that was pasted for it."""
        return _one_document(_of_role(self.trusts, arn), "The role's trust policy")

    def boundary(self, arn: str) -> Fact[PolicyText]:
        """The role's permissions boundary; ABSENT where get-role shows that it has none."""
        role = self.role(arn)
        if role.value is None:
            return Fact(role.state, source=role.source, because=role.because)
        if role.value.boundary_arn is None:
            because = f"{role.source} does not show whether the role has a permissions boundary."
            return Fact(State.NOT_GIVEN, source=role.source, because=because)
        if not role.value.boundary_arn:
            return Fact(State.ABSENT, source=role.source, because="The role has no permissions boundary.")
        return self.managed(role.value.boundary_arn)

    def identity(self, arn: str) -> IdentityPolicies:
        """The role's identity policies, attached and inline, and whether these are all."""
        missing: list[str] = []
        found: list[PolicyText] = []
        conflicting = False
        attached = _one(_of_role(self.attached, arn), "The list of the role's attached policies")
        inline = _one(_of_role(self.inline, arn), "The list of the role's inline policies")
        documents = [self.managed(policy) for policy in attached.value or ()]
        for name in inline.value or ():
            entries = [entry for policy, entry in self.inline_documents if policy == name]
            documents.append(_one_document(_of_role(entries, arn), f"The inline policy {name}"))
        states = [(fact.state, fact.because) for fact in documents]
        for state, because in ((attached.state, attached.because), (inline.state, inline.because), *states):
            if state is not State.SEEN:
                missing.append(because)
            conflicting = conflicting or state is State.CONFLICTING
        found += [fact.value for fact in documents if fact.value is not None]
        complete = not missing and all(not policy.problems and not policy.unknown for policy in found)
        # An inline document that was given is the role's own, also where the list of names was not given.
        given = [
            entry.fact.value
            for name, entry in self.inline_documents
            if name not in (inline.value or ()) and _is_role(entry, arn)
        ]
        given += [entry.fact.value for entry in self.pasted_identity if _is_role(entry, arn)]
        for policy in given:
            if policy is None or any(policy.value == other.value for other in found):
                continue
            found.append(policy)
            if complete:
                conflicting = True
                missing.append(f"{policy.title} ({policy.source}) is not among the policies that the role has.")
        return IdentityPolicies(tuple(found), complete and not conflicting, tuple(missing), conflicting)

    def managed(self, arn: str) -> Fact[PolicyText]:
        """The document in force of a managed policy."""
        title = f"The managed policy {arn}"
        in_force = _one([fact for owner, fact in self.default_versions if owner == arn], f"{title}: its version")
        facts: list[Fact[PolicyText]] = []
        for version in self.versions:
            known = bool(version.id) and version.id == in_force.value
            if version.arn != arn or (version.default is False and not known):
                continue
            fact = version.fact
            if fact.value is not None and version.default is None and not known:
                why = f"{title}: it is not known which version is in force. Give the output of get-policy too."
                fact = Fact(State.FAILED, source=fact.source, because=why)
            elif fact.value is not None and in_force.value and version.id and not known:
                why = f"{title}: get-policy names {in_force.value} as the version in force, {fact.source} {version.id}."
                fact = Fact(State.CONFLICTING, source=fact.source, because=why)
            facts.append(fact)
        if not facts and in_force.value is None and in_force.state is not State.NOT_GIVEN:
            return Fact(in_force.state, source=in_force.source, because=in_force.because)
        return _one_document(facts, title)

    # -------------------------------------------------------------------------------------------------------- the key
    def resolve(self, reference: str) -> Fact[str]:
        """The key ARN that a key ARN (itself) or an alias ARN points at."""
        if arn_part(reference, "rest").startswith("key/"):
            return Fact(State.SEEN, reference, "the ARN itself")
        facts = [entry.fact for entry in self.aliases if entry.owner == reference]
        if not facts and (arn_part(reference, "account"), arn_part(reference, "region")) in self.whole_alias_lists:
            return Fact(
                State.ABSENT, source="`aws kms list-aliases`", because=f"The alias {reference} is not in the list."
            )
        return _one(facts, f"Where {reference} points")

    def key(self, reference: str) -> Fact[Key]:
        """The key with that key ARN, or that an alias ARN points at."""
        direct = [entry.fact for entry in self.keys if entry.owner == reference and entry.fact.value is None]
        target = self.resolve(reference)
        if target.value is None:
            return _one([*direct, Fact(target.state, source=target.source, because=target.because)], "The key")
        return _one([*direct, *self._of_key(self.keys, target.value)], "The key")

    def key_policy(self, reference: str) -> Fact[PolicyText]:
        """The key's policy: of get-key-policy, or one that was pasted for it."""
        return _one_document(self._of_key(self.key_policies, reference), "The key policy")

    def rotation(self, reference: str) -> Fact[bool]:
        """Whether the key is rotated automatically."""
        return _one(self._of_key(self.rotations, reference), "The key's rotation")

    def tags(self, reference: str) -> Fact[Tags]:
        """All tags of the key."""
        return _one(self._of_key(self.key_tags, reference), "The list of the key's tags")

    def grants(self, reference: str) -> Fact[tuple[Grant, ...]]:
        """All grants on the key."""
        return _one(self._of_key(self.key_grants, reference), "The list of the key's grants")

    def aliases_of(self, key: str) -> tuple[str, ...] | None:
        """The names of all aliases of the key with that ARN; None where they were not all listed."""
        if (arn_part(key, "account"), arn_part(key, "region")) not in self.whole_alias_lists:
            return None
        names = {entry.owner for entry in self.aliases if arn_part(entry.owner, "rest").startswith("alias/")}
        targets = {name: self.resolve(name) for name in names}
        if any(target.value is None for target in targets.values()):
            return None
        return tuple(sorted(arn_part(name, "rest") for name, target in targets.items() if target.value == key))

    def organization_of(self, account: str) -> str:
        """The id of the organization (o-…) that the account is in, or "": as the organization itself says, or the ARN
        of a policy that stands on the account or above it."""
        levels = [account]
        while (above := self.organization_parents.get(levels[-1])) and above not in levels:
            levels.append(above)
        lists = [item.fact.value or () for item in self.organization_lists if item.target in levels]
        named = (account, *(id for ids in lists for id in ids))
        found = {organization for name in named for organization in self.organization_ids.get(name, ())}
        return found.pop() if len(found) == 1 else ""

    def _of_key(self, entries: Iterable[Entry[T]], reference: str) -> list[Fact[T]]:
        arn = self.resolve(reference).value or reference
        return [entry.fact for entry in entries if not entry.owner or self._is_key(entry.owner, entry.place, arn)]

    def _is_key(self, named: str, region: str, arn: str) -> bool:
        """Whether what a command named is the key with that ARN."""
        if named == arn:
            return True
        if region and region != arn_part(arn, "region"):
            return False
        if named.startswith("arn:"):
            return self.resolve(named).value == arn
        if named.startswith("alias/"):
            prefix = f"arn:{arn_part(arn, 'partition')}:kms:{arn_part(arn, 'region')}:{arn_part(arn, 'account')}:"
            return bool(region) and self.resolve(prefix + named).value == arn
        # A multi-Region key has the same id in each Region, each with a policy of its own.
        return named == arn_part(arn, "rest").removeprefix("key/") and (bool(region) or not named.startswith("mrk-"))

    # --------------------------------------------------------------------------------------------------- for the reader
    def account_of(self, profile: str) -> str:
        """The account in which a command ran under a profile, as get-caller-identity showed it there, or ""."""
        accounts = self.callers.get(profile, set())
        return next(iter(accounts)) if len(accounts) == 1 else ""


def _one(facts: Sequence[Fact[T]], what: str) -> Fact[T]:
    """All facts on one thing as one; NOT_GIVEN where there is none."""
    return combine(facts) if facts else Fact(State.NOT_GIVEN, because=f"{what} is not in what you gave.")


def _unseen(fact: Fact[Role]) -> int:
    """How much of a role an output leaves open."""
    role = fact.value
    return (role.boundary_arn is None) + (not role.unique_id) + (role.tags is None) if role else 0


def _same_role(first: Role, second: Role) -> bool:
    """Whether two outputs agree in all that both show."""
    one = second.boundary_arn if first.boundary_arn is None else first.boundary_arn
    other = first.boundary_arn if second.boundary_arn is None else second.boundary_arn
    ids = {first.unique_id, second.unique_id} - {""}
    tags = {first.tags, second.tags} - {None}
    return first.arn == second.arn and one == other and len(ids) < 2 and len(tags) < 2


def _one_document(facts: Sequence[Fact[PolicyText]], what: str) -> Fact[PolicyText]:
    """The same for policies. One with open Terraform expressions contradicts none, and gives way to one without."""
    ordered = sorted(facts, key=lambda fact: fact.value is not None and bool(fact.value.unknown))
    return combine(ordered, _same_document) if ordered else _one((), what)


def _same_document(first: PolicyText, second: PolicyText) -> bool:
    same = first.value == second.value and first.problems == second.problems
    return same or bool(first.unknown or second.unknown)


def _is_role(entry: Entry[T], arn: str) -> bool:
    name = arn_part(arn, "rest").rpartition("/")[2]
    return entry.owner in ("", name) and entry.place in ("", arn_part(arn, "account"))


def _of_role(entries: Iterable[Entry[T]], arn: str) -> list[Fact[T]]:
    return [entry.fact for entry in entries if _is_role(entry, arn)]
