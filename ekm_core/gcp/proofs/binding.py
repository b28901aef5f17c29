"""What IAM policies prove: may OpenAI's principal encrypt and decrypt with the key, and if not, why.

OpenAI's request is evaluated on the policies of the key, its key ring and its project, and above them as far as they
are among the evidence. A denial counts only where the three were seen: any of them may hold the binding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from ekm_core import vendor
from ekm_core.decision import Decision, Outcome
from ekm_core.evidence import State
from ekm_core.facts import Document, Fact
from ekm_core.gcp import snippets as gcp
from ekm_core.gcp.iam.bindings import DECRYPT, ENCRYPT, Identity, Level, allows, reaches
from ekm_core.gcp.iam.denials import denies
from ekm_core.gcp.proofs import provider as providers
from ekm_core.gcp.proofs.setup import (
    Setup,
    cannot_tell,
    change,
    confirmed,
    hidden,
    mapping,
    meant_for_openai,
    of,
    other_key,
    quoted,
    ruled_out,
    sentence,
)
from ekm_core.model import Case, Change, Language, Ruling, Snippet, Verdict
from ekm_core.pasted import shown, texts
from ekm_core.snippets import sh, snippet

_NAMES = ("key", "key ring", "project")
_MOST_TRIED = 4
# The fixes bind the principal of OpenAI's guide, which such a mapping does not make.
_OTHER_SUBJECT = (
    "The provider's mapping gives OpenAI another subject than the guide does. Set google.subject to assertion.sub "
    "first, then check the bindings."
)
_ACTING = frozenset({"roles/iam.workloadIdentityUser", "roles/iam.serviceAccountTokenCreator"})
_ITSELF = frozenset({"other-role", "condition-false"})


@dataclass(frozen=True, slots=True)
class KeyLevel:
    """One level above the key and the key itself; ``needed``: a denial is certain only if it was seen."""

    name: str
    resource: str
    fact: Fact[Document]
    needed: bool


@dataclass(frozen=True, slots=True)
class Access:
    """What the policies say of OpenAI's principal.

    encrypt, decrypt: for each of the two permissions. identity: whom the provider makes of OpenAI's token.
    """

    identity: Identity
    encrypt: Decision
    decrypt: Decision
    levels: tuple[KeyLevel, ...]

    @property
    def decisions(self) -> tuple[Decision, Decision]:
        return self.encrypt, self.decrypt

    @property
    def allowed(self) -> bool:
        """Whether both permissions are granted."""
        return all(decision.outcome is Outcome.ALLOWED for decision in self.decisions)

    @property
    def denied(self) -> tuple[Decision, ...]:
        """Those that are surely not granted."""
        return tuple(decision for decision in self.decisions if decision.outcome is Outcome.DENIED)

    @property
    def named(self) -> bool:
        """Whether any binding names the identity."""
        return any(
            decision.outcome is Outcome.ALLOWED or any(near.kind in _ITSELF for near in decision.near)
            for decision in self.decisions
        )

    @property
    def shown(self) -> tuple[str, ...]:
        """What decided, with the commands that showed it."""
        lines = dict.fromkeys(line for decision in self.decisions for line in decision.by)
        return (*lines, f"Policies seen: {_sources(self.levels)}.")


def _sources(levels: tuple[KeyLevel, ...]) -> str:
    return ", ".join(f"{level.name} ({level.fact.source})" for level in levels if level.fact.value is not None)


def access(case: Case) -> Access | Ruling:
    """The access of OpenAI's principal, evaluated once for all proofs of the case."""
    setup = of(case)
    if not setup.pool:
        return cannot_tell("The registered project number and pool id are not both given in a valid form.")
    if not setup.key:
        return cannot_tell("The registered project, location, key ring and key are not all given in a valid form.")
    if other := other_key(case):
        return cannot_tell(
            f"The message is about another key than the registered one: {quoted(other)}. Give the registration that "
            "the message belongs to."
        )
    memo = ("gcp", "access")
    if memo not in case.memo:
        exchange = providers.exchange(case)
        identity = Identity(setup.number, setup.pool_id, vendor.GCP_SUBJECT)
        if not isinstance(exchange, Ruling) and exchange.subject:
            identity = replace(
                identity, subject=exchange.subject, groups=exchange.groups, attributes=exchange.attributes
            )
        case.memo[memo] = evaluate(setup, identity, _levels(setup))
    found: Access = case.memo[memo]
    return found


def _levels(setup: Setup) -> tuple[KeyLevel, ...]:
    levels = [
        KeyLevel(name, resource, fact, needed=True)
        for name, (resource, fact) in zip(_NAMES, setup.evidence.policies(setup.key), strict=False)
    ]
    above = setup.evidence.policies(setup.key)[len(_NAMES) :]
    levels += [KeyLevel(resource, resource, fact, needed=False) for resource, fact in above]
    return tuple(levels)


def evaluate(setup: Setup, identity: Identity, levels: tuple[KeyLevel, ...]) -> Access:
    """The access that these levels alone give an identity."""
    judged = [Level(level.name, level.fact.value) for level in levels if level.needed or level.fact.value is not None]
    roles = {
        role: fact.value
        for level in levels
        for _, bound in _bindings(level.fact.value)
        if (fact := setup.evidence.role(role := str(bound.get("role")))).value is not None
    }
    # The request is OpenAI's next one: a condition that has run out by now refuses it.
    now = datetime.now(UTC)
    encrypt, decrypt = (allows(one, identity, judged, roles, key=setup.key, now=now) for one in (ENCRYPT, DECRYPT))
    return Access(identity, encrypt, decrypt, levels)


def _bindings(policy: object) -> Iterator[tuple[int, Mapping[str, Any]]]:
    bindings = mapping(policy).get("bindings")
    for number, bound in enumerate(bindings if isinstance(bindings, list) else (), 1):
        if isinstance(bound, dict):
            yield number, bound


def _open(case: Case, found: Access) -> Ruling:
    """Why it cannot be told, with the commands that would settle it."""
    missing: list[Snippet] = []
    reasons: list[str] = []
    for level in found.levels:
        if level.needed and level.fact.value is None:
            missing.append(_policy_command(case, level.name))
            reason = "" if level.fact.state is State.NOT_GIVEN else f" {sentence(level.fact.because)}"
            reasons.append(f"The IAM policy of the {level.name} was not seen.{reason}")
    for decision in found.decisions:
        reasons += decision.by if decision.outcome is Outcome.UNKNOWN else ()
    missing += _role_commands(found)
    if isinstance(providers.seen(case), Ruling):
        missing.append(gcp.describe_provider(case.values))
    because = " ".join(dict.fromkeys(reasons)) or "What was seen does not decide it."
    return cannot_tell(because, *missing)


def _policy_command(case: Case, level: str) -> Snippet:
    if level == "key":
        return gcp.key_policy(case.values)
    title = f"Show who may use every key of the {level}"
    if level == "key ring":
        return gcp.command(
            title, "gcloud", "kms", "keyrings", "get-iam-policy", gcp.key_ring_name(case.values), "--format=json"
        )
    project = gcp.own(case.values, "project_id")
    return gcp.command(title, "gcloud", "projects", "get-iam-policy", project, "--format=json")


def _role_commands(found: Access) -> list[Snippet]:
    """How to describe the roles that are bound and whose permissions are not known."""
    commands: dict[str, Snippet] = {}
    for level in found.levels:
        for number, bound in _bindings(level.fact.value):
            role = str(bound.get("role"))
            where = f"Policy of the {level.name}, binding {number} ("
            if not any(line.startswith(where) and "describe it" in line for d in found.decisions for line in d.by):
                continue
            owner, _, name = role.rpartition("/roles/")
            kind, _, id = owner.partition("/")
            option = f" --{kind.removesuffix('s')}={sh(id)}" if kind in ("projects", "organizations") else ""
            wanted = sh(name if option else role)
            text = f"gcloud iam roles describe {wanted}{option} --format=json"
            commands[role] = snippet(f"Show the role {name or role}", Language.BASH, text)
    return list(commands.values())


# --- The causes ------------------------------------------------------------------------------------------------------


def not_bound(case: Case) -> Ruling:
    """Whether no binding gives OpenAI's principal any role on the key."""
    found = access(case)
    if isinstance(found, Ruling):
        return found
    if found.named:
        return ruled_out("OpenAI's principal has a role on the key.", *_naming(found))
    if bound := [where for where, _, member in _granted(found, conditional=True) if member == found.identity.member]:
        return ruled_out("OpenAI's principal has a role on the key, whatever that role holds.", *bound)
    if len(found.denied) < 2 or _doubtful(case, found):
        return _open(case, found)
    if found.identity.subject != vendor.GCP_SUBJECT:
        return cannot_tell(_OTHER_SUBJECT)
    if _meant(found):
        return cannot_tell(
            "No binding names OpenAI's principal, but one seems to be meant for it; see the cause “another principal”."
        )
    because = f"No binding on the key, its key ring or its project names OpenAI's principal {found.identity.member}."
    return confirmed(because, f"Policies seen: {_sources(found.levels)}.", changes=bound_on_key(found))


def _naming(found: Access) -> tuple[str, ...]:
    lines = [line for decision in found.decisions if decision.outcome is Outcome.ALLOWED for line in decision.by]
    near = [one.text for decision in found.decisions for one in decision.near if one.kind in _ITSELF]
    return (*dict.fromkeys([*lines, *near]), f"Policies seen: {_sources(found.levels)}.")


def wrong_principal(case: Case) -> Ruling:
    """Whether a binding names somebody else where OpenAI's principal was meant: with that it would be let in."""
    found = access(case)
    if isinstance(found, Ruling):
        return found
    if found.allowed:
        return ruled_out("A binding names OpenAI's principal and gives it both permissions.", *found.shown)
    if _doubtful(case, found):
        return _open(case, found)
    if not found.denied and not _names_the_right_one_alone(found):
        return _open(case, found)
    if not case.text and isinstance(providers.seen(case), Ruling) and not found.named and _meant(found):
        return cannot_tell(
            "A binding names another principal than the registration makes. The registered provider was not seen, so "
            "we cannot tell which of the two is wrong.",
            gcp.describe_provider(case.values),
        )
    for level, number, member in _meant(found)[:_MOST_TRIED]:
        after = _with_member(level.fact.value, member, found.identity.member)
        levels = tuple(
            replace(one, fact=replace(one.fact, value=after)) if one is level else one for one in found.levels
        )
        mended = evaluate(of(case), found.identity, levels)
        if len(mended.denied) < len(found.denied):
            because = (
                f"A binding names {quoted(member)}. OpenAI's principal is {found.identity.member}, and in its place it "
                "would be let in."
            )
            said = f"Policy of the {level.name}, binding {number} ({level.fact.source})."
            if found.identity.subject != vendor.GCP_SUBJECT:
                because += " Its subject comes from the provider's mapping, which should be assertion.sub alone."
                return confirmed(because, said, changes=_mapped_as_in_the_guide(case))
            corrected = change(f"IAM policy of the {level.name} {level.resource}", mapping(level.fact.value), after)
            return confirmed(because, said, changes=(corrected,))
    if not found.named and _of_the_pool(found):
        return cannot_tell(
            "A binding names another subject of the pool. We cannot tell whether it was meant for OpenAI; compare it "
            f"with {found.identity.member}."
        )
    because = "No binding names a principal in whose place OpenAI's would be let in."
    return ruled_out(because, f"Policies seen: {_sources(found.levels)}.")


def _mapped_as_in_the_guide(case: Case) -> tuple[Change, ...]:
    provider = providers.seen(case)
    if isinstance(provider, Ruling):
        return ()
    before = provider.document
    after = {**before, "attributeMapping": {**mapping(before.get("attributeMapping")), **gcp.MAPPING}}
    return (change(f"Provider {provider.id}", before, after),)


def role_lacks_permission(case: Case) -> Ruling:
    """Whether OpenAI's principal has a role, and no role of it holds one of the two permissions."""
    found = access(case)
    if isinstance(found, Ruling):
        return found
    if found.allowed:
        return ruled_out("The roles of OpenAI's principal hold both permissions.", *found.shown)
    if not found.denied or _doubtful(case, found):
        return _open(case, found)
    if found.identity.subject != vendor.GCP_SUBJECT:
        return cannot_tell(_OTHER_SUBJECT)
    if not found.named:
        return ruled_out(
            "OpenAI's principal has no role at all on the key.", f"Policies seen: {_sources(found.levels)}."
        )
    near = [one for decision in found.denied for one in decision.near]
    if any(one.kind == "condition-false" for one in near):
        return cannot_tell("A condition stops one of the bindings, so we cannot tell whether its role would be enough.")
    lacking = " and ".join(
        permission
        for permission, decision in zip((ENCRYPT, DECRYPT), found.decisions, strict=True)
        if decision.outcome is Outcome.DENIED
    )
    because = f"OpenAI's principal has a role on the key, and no role of it holds {lacking}."
    return confirmed(because, *_naming(found), changes=bound_on_key(found))


def through_service_account(case: Case) -> Ruling:
    """Whether OpenAI's principal may act as a service account, and a service account has the key in its place."""
    found = access(case)
    if isinstance(found, Ruling):
        return found
    if found.allowed:
        return ruled_out("OpenAI's principal may use the key itself, without a service account.", *found.shown)
    own = {role: where for where, role, member in _granted(found) if member == found.identity.member}
    accounts = [
        where for where, role, member in _granted(found) if role == gcp.ROLE and member.startswith("serviceAccount:")
    ]
    seen = all(level.fact.value is not None for level in found.levels if level.needed)
    if own and own.keys() <= _ACTING and accounts and seen and not _doubtful(case, found):
        because = "OpenAI's principal may act as a service account, and a service account has the role on the key."
        return confirmed(because, *own.values(), accounts[0], changes=bound_on_key(found))
    return cannot_tell(
        "Whether a service account stands between OpenAI and the key is not seen. OpenAI's principal needs the role "
        "itself.",
        *_open(case, found).missing,
    )


def _granted(found: Access, *, conditional: bool = False) -> Iterator[tuple[str, str, str]]:
    """(where, role, member) of every binding without a condition; ``conditional``: of those with one, too."""
    for level in found.levels:
        for number, bound in _bindings(level.fact.value):
            members = bound.get("members")
            if (conditional or bound.get("condition") is None) and texts(members):
                where = f"Policy of the {level.name}, binding {number} ({level.fact.source})."
                yield from ((where, str(bound.get("role")), member) for member in members)


def denied_by_condition(case: Case) -> Ruling:
    """Whether a condition on OpenAI's binding is false, or a deny policy forbids its request."""
    found = access(case)
    if isinstance(found, Ruling):
        return found
    stopped = [one.text for decision in found.denied for one in decision.near if one.kind == "condition-false"]
    if stopped and not _doubtful(case, found):
        because = "The binding of OpenAI's principal has a condition, and the condition is false for its request."
        shown = (*dict.fromkeys(stopped), f"Policies seen: {_sources(found.levels)}.")
        return confirmed(because, *shown, changes=bound_on_key(found))
    setup = of(case)
    above = setup.evidence.ancestors.get(setup.evidence.canonical(f"projects/{setup.project}"))
    rulings = [_denied_at(case, found, level) for level in (f"projects/{setup.project}", *(above or ()))]
    for ruling in sorted(filter(None, rulings), key=lambda ruling: ruling.verdict is not Verdict.CONFIRMED):
        return ruling
    if above is None:
        return cannot_tell(
            "No deny policy of the project stops OpenAI. Those of the folders and the organization above it were not "
            "seen.",
            _ancestors_command(case),
        )
    if not found.allowed:
        return _open(case, found)
    return ruled_out("No condition stops OpenAI's binding, and no deny policy above the key forbids it.", *found.shown)


def _denied_at(case: Case, found: Access, resource: str) -> Ruling | None:
    """What the deny policies of one level do to OpenAI's request; None where they surely let it pass."""
    evidence = of(case).evidence
    listing = evidence.deny_policies(resource)
    if listing.value is None:
        return cannot_tell(f"The deny policies of {resource} were not seen.", _deny_command(resource))
    doubts = []
    for name in sorted(listing.value["names"]):
        policy = evidence.deny_policy(name)
        short = shown(name.rpartition("/")[2])
        for permission in (ENCRYPT, DECRYPT):
            denial = denies(permission, found.identity, policy.value)
            if denial.holds and policy.value is not None and not isinstance(providers.seen(case), Ruling):
                because = f"The deny policy {short} of {resource} forbids OpenAI's request: {denial.why}."
                said = f"Deny policy {short} of {resource}, rule {denial.rule} ({policy.source})."
                return confirmed(because, said, changes=_excepted(policy.value, denial.rule, found.identity))
            if denial.holds is not False:
                doubts.append(f"Of the deny policy {short} of {resource} we cannot tell: {denial.why}.")
    if not doubts:
        return None
    return cannot_tell(
        " ".join(dict.fromkeys(doubts)), *(_deny_policy_command(resource, name) for name in listing.value["names"])
    )


def _excepted(policy: Document, rule: int, identity: Identity) -> tuple[Change, ...]:
    """The deny policy with OpenAI's principal among the exceptions of the rule that stops it."""
    rules = [dict(one) for one in policy["rules"]]
    denied = dict(rules[rule - 1]["denyRule"])
    denied["exceptionPrincipals"] = [*denied.get("exceptionPrincipals", []), identity.member]
    rules[rule - 1]["denyRule"] = denied
    name = str(policy["name"]).rpartition("/")[2]
    return (change(f"Deny policy {shown(name)}", policy, {**policy, "rules": rules}),)


def project_denies_nothing(case: Case) -> bool:
    """Whether the deny policies of the key's project were seen, and surely let OpenAI's request pass."""
    found = access(case)
    return not isinstance(found, Ruling) and _denied_at(case, found, f"projects/{of(case).project}") is None


def _deny_command(resource: str) -> Snippet:
    point = f"--attachment-point=cloudresourcemanager.googleapis.com/{resource}"
    return gcp.command(
        f"List the deny policies of {resource}",
        *("gcloud", "iam", "policies", "list", point, "--kind=denypolicies", "--format=json"),
    )


def _deny_policy_command(resource: str, name: str) -> Snippet:
    point = f"--attachment-point=cloudresourcemanager.googleapis.com/{resource}"
    id = name.rpartition("/")[2]
    return gcp.command(
        f"Show the rules of the deny policy {id}",
        *("gcloud", "iam", "policies", "get", id, point, "--kind=denypolicies", "--format=json"),
    )


def _ancestors_command(case: Case) -> Snippet:
    project = gcp.own(case.values, "project_id")
    return gcp.command(
        "Show what is above the project",
        *("gcloud", "projects", "get-ancestors-iam-policy", project, "--format=json"),
    )


# --- Members ---------------------------------------------------------------------------------------------------------


def _members(found: Access) -> Iterator[tuple[KeyLevel, int, str]]:
    for level in found.levels:
        for number, bound in _bindings(level.fact.value):
            members = bound.get("members")
            for member in members if texts(members) else ():
                yield level, number, member


def _doubtful(case: Case, found: Access) -> bool:
    """Whether something that is not known could still be the binding of OpenAI's principal."""
    if any(level.fact.state is State.CONFLICTING for level in found.levels):
        return True
    if any(hidden(member.removesuffix("/*")) for _, _, member in _members(found) if _may_hide(member)):
        return True
    # Without the provider the subject is the guide's; another mapping would make another one, or groups.
    exchange = providers.exchange(case)
    known = not isinstance(exchange, Ruling) and bool(exchange.subject)
    return not known and any(_made_by_a_mapping(of(case).pool, member) for _, _, member in _members(found))


def _made_by_a_mapping(pool: str, member: str) -> bool:
    """Whether some mapping could make OpenAI's token this member of the pool; no mapping makes other digits of it."""
    _, found, rest = member.partition(f"{pool}/")
    subject = rest.removeprefix("subject/")
    return bool(found) and (subject == rest or not subject.isdecimal())


def _may_hide(member: str) -> bool:
    """Whether a masked member may stand for OpenAI's: one that is masked whole, or is of a pool."""
    return not member.startswith(("user:", "serviceAccount:", "group:", "domain:", "project"))


def _meant(found: Access) -> list[tuple[KeyLevel, int, str]]:
    """The members that are not OpenAI's principal and were likely meant to be, each once a level."""
    seen: dict[tuple[str, str], tuple[KeyLevel, int, str]] = {}
    for level, number, member in _members(found):
        pool, _, subject = member.partition("/subject/")
        ours = pool.endswith(f"/workloadIdentityPools/{found.identity.pool}")
        if member != found.identity.member and (
            vendor.GCP_SUBJECT in member or (ours and subject and meant_for_openai(subject))
        ):
            seen.setdefault((level.name, member), (level, number, member))
    return list(seen.values())


def _names_the_right_one_alone(found: Access) -> bool:
    """Whether only a role or a condition is open: all was seen, and nobody in it could be meant for OpenAI."""
    seen = all(level.fact.value is not None for level in found.levels if level.needed)
    unclear = any(reaches(member, found.identity) is None for _, _, member in _members(found))
    return seen and not (unclear or _meant(found) or _of_the_pool(found))


def _of_the_pool(found: Access) -> bool:
    return any(
        f"/workloadIdentityPools/{found.identity.pool}/" in member and member != found.identity.member
        for _, _, member in _members(found)
    )


# --- Corrected policies ----------------------------------------------------------------------------------------------


def _with_member(policy: object, beside: str, member: str) -> dict[str, Any]:
    """The policy with ``member`` added wherever ``beside`` stands. Nobody is taken out: others may need them."""
    document = dict(mapping(policy))
    document["bindings"] = [
        {**bound, "members": [*bound["members"], member]}
        if texts(bound.get("members")) and beside in bound["members"] and member not in bound["members"]
        else bound
        for _, bound in _bindings(document)
    ]
    return document


def bound_on_key(found: Access) -> tuple[Change, ...]:
    """The key's policy with OpenAI's principal bound to the role of the guide, without a condition."""
    level = found.levels[0]
    before = mapping(level.fact.value)
    bindings = [dict(bound) for _, bound in _bindings(before)]
    member = found.identity.member
    same = [bound for bound in bindings if bound.get("role") == gcp.ROLE and not bound.get("condition")]
    if same and texts(same[0].get("members")):
        same[0]["members"] = [*same[0]["members"], member]
    else:
        bindings.append({"role": gcp.ROLE, "members": [member]})
    after = {**before, "bindings": bindings}
    return (change(f"IAM policy of the key {level.resource}", before, after),)
