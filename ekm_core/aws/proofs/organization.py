"""Proofs about service control policies and resource control policies.

They bind neither an account outside an organization nor the organization's management account. "No policy denies" is
proven only where every level from the account to the root was read, which a member account cannot do by itself.
While SCPs are switched on, each level has at least one; switched off, none has any (API reference, DetachPolicy;
"Disabling a policy type"; read on 2026-11-27). Source of the rest: SCPs and RCPs (``sources.SCP``, ``sources.RCP``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ekm_core import vendor
from ekm_core.aws import checks
from ekm_core.aws import snippets as aws
from ekm_core.aws.account import OrganizationPolicy, PolicyKind, PolicyText
from ekm_core.aws.iam.documents import Document, Kind, parse
from ekm_core.aws.iam.evaluate import Policies, Result, evaluate
from ekm_core.aws.iam.request import Request
from ekm_core.aws.proofs import changes, common
from ekm_core.aws.proofs.common import Setting, fails, holds, stays_open
from ekm_core.aws.proofs.trust import ACTION
from ekm_core.evidence import State
from ekm_core.model import Case, Change, Check, Ruling

_NAMES = {Kind.SCP: "service control policy", Kind.RCP: "resource control policy"}
_TYPES = {Kind.SCP: "SERVICE_CONTROL_POLICY", Kind.RCP: "RESOURCE_CONTROL_POLICY"}
_STATEMENT = {"Effect": "Allow", "Principal": "*", "Action": "*"}
_OPEN_TRUST = parse({"Version": aws.VERSION, "Statement": _STATEMENT}, Kind.TRUST)
_OPEN_KEY = parse({"Version": aws.VERSION, "Statement": {**_STATEMENT, "Resource": "*"}}, Kind.KEY)
_FULL_SCP = parse({"Version": aws.VERSION, "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}, Kind.SCP)


def _rule(case: Case, kind: Kind, account: str, requests: Sequence[Request]) -> Ruling:
    """Whether a policy of the organization that stands on the account, or above it, denies one of the requests."""
    setting = common.setting(case)
    if setting is None:
        return stays_open(common.UNREGISTERED)
    what = _NAMES[kind]
    if reason := setting.evidence.unbound.get(account):
        return fails(f"No {what} binds account {account}. {reason}", (reason,))
    levels = _levels(setting, account)
    standing = {
        id: (level, source) for level in reversed(levels) for id, source in _attached(setting, level, kind).items()
    }
    unplaced = []
    for item in _of_kind(setting, kind):
        if any(other.id == item.id and other.policy.value != item.policy.value for other in _of_kind(setting, kind)):
            return stays_open(f"Two outputs show {item.policy.title} differently. Give the newest alone.")
        document = common.read_policy(item.policy, kind, setting)
        if isinstance(document, Ruling) or not _denies(document, kind, requests):
            continue
        if item.id in standing:
            level, source = standing[item.id]
            because = (
                f"{item.policy.title} stands on {_place(level, account)}, and a Deny statement in it covers the call."
            )
            shown = (common.show_whole(item.policy), f"{source} lists {item.id} for {level}")
            return holds(because, shown, _spared(setting, item.policy, document, kind, requests))
        unplaced.append(item)
    if lacking := _without_allow(setting, kind, account, levels, requests):
        return lacking
    if unplaced:
        because = f"{_titles(unplaced)} would deny the call. Whether it stands above account {account} is not shown."
    elif whole := _all_levels(setting, kind, levels):
        return _whole(kind, account, requests, whole)
    else:
        because = f"Whether a {what} above account {account} denies the call is not shown."
    organization = aws.command(
        "Show the organization and its management account", "organizations", "describe-organization"
    )
    return stays_open(because, organization, *aws.show_organization_policies(case.values, _TYPES[kind])[:1])


def _without_allow(
    setting: Setting, kind: Kind, account: str, levels: Sequence[str], requests: Sequence[Request]
) -> Ruling | None:
    """A level whose SCPs are all known, none of which allows the call: whatever the other levels do, it is denied."""
    for level in levels if kind is Kind.SCP else ():
        held = _on_level(setting, kind, level)
        documents = [document for _, document in held or ()]
        for request in requests if documents else ():
            if _decided(kind, [documents], request) is Result.IMPLICITLY_DENIED:
                because = f"On {_place(level, account)} no {_NAMES[kind]} allows {request.action}."
                shown = [common.show_whole(policy) for policy, _ in held or ()][:4]
                return holds(because, shown, _allowing(held or [], requests))
    return None


def _spared(
    setting: Setting, policy: PolicyText, document: Document, kind: Kind, requests: Sequence[Request]
) -> tuple[Change, ...]:
    """The policy with its Deny statements narrowed so that they spare the call; () where that is not enough."""
    after = changes.copied(policy)
    for statement in document.statements:
        if not statement.allow and _denies(replace(document, statements=(statement,)), kind, requests):
            raw = changes.statements(after)[statement.index]
            if requests[0].action == ACTION:
                changes.spare_account(raw, vendor.AWS_ACCOUNT)
            else:
                changes.spare(raw, setting.role)
    corrected = parse(after, kind)
    return (changes.change(policy, after),) if corrected.valid and not _denies(corrected, kind, requests) else ()


def _allowing(held: Sequence[tuple[PolicyText, Document]], requests: Sequence[Request]) -> tuple[Change, ...]:
    """The first SCP of a level with a statement that allows the calls; the others stay as they are."""
    policy = held[0][0]
    after = changes.copied(policy)
    actions = [request.action for request in requests]
    changes.append(after, {"Sid": "OpenAIEKM", "Effect": "Allow", "Action": actions, "Resource": "*"})
    corrected = parse(after, Kind.SCP)
    documents = [corrected, *(document for _, document in held[1:])]
    if corrected.valid and all(_decided(Kind.SCP, [documents], one) is Result.ALLOWED for one in requests):
        return (changes.change(policy, after),)
    return ()


def _place(level: str, account: str) -> str:
    return f"account {account}" if level == account else f"{level}, which is above account {account}"


def _levels(setting: Setting, account: str) -> tuple[str, ...]:
    """The account and what is above it, as far as that was read; the last is the root (r-…) where all of it was."""
    levels = [account]
    while (above := setting.evidence.organization_parents.get(levels[-1])) and above not in levels:
        levels.append(above)
    return tuple(levels)


def _of_kind(setting: Setting, kind: Kind) -> list[OrganizationPolicy]:
    wanted = PolicyKind.SCP if kind is Kind.SCP else PolicyKind.RCP
    return [item for item in setting.evidence.organization if item.policy.kind is wanted]


def _all_levels(setting: Setting, kind: Kind, levels: Sequence[str]) -> list[list[tuple[PolicyText, Document]]]:
    """Every policy of that kind on every level, the account's first; [] where any of it is not known."""
    if not levels[-1].startswith("r-"):
        return []
    whole = []
    for level in levels:
        held = _on_level(setting, kind, level)
        if held is None:
            return []
        whole.append(held)
    if kind is Kind.SCP and any(whole) and not all(whole):
        return []
    return whole


def _on_level(setting: Setting, kind: Kind, level: str) -> list[tuple[PolicyText, Document]] | None:
    """Every policy of that kind on one account, unit or root; None where any of it is not known."""
    documents: dict[str, tuple[PolicyText, Document]] = {}
    for item in _of_kind(setting, kind):
        document = common.read_policy(item.policy, kind, setting)
        known = documents.get(item.id)
        if isinstance(document, Ruling) or (known and known[0].value != item.policy.value):
            return None
        documents[item.id] = (item.policy, document)
    lists = [item.fact for item in setting.evidence.organization_lists if item.target == level]
    asked = [
        item.fact for item in setting.evidence.organization_lists if (item.target, item.kind) == (level, _TYPES[kind])
    ]
    if not asked or any(fact.state is not State.SEEN for fact in lists):
        return None
    ids = {id for fact in asked for id in fact.value or ()}
    return [documents[id] for id in sorted(ids)] if ids <= set(documents) else None


def _whole(
    kind: Kind, account: str, requests: Sequence[Request], whole: list[list[tuple[PolicyText, Document]]]
) -> Ruling:
    """The ruling where the policies of all levels are known, and none of them denies the call for certain."""
    what = _NAMES[kind]
    if not any(whole):
        because = f"No {what} stands on the {len(whole)} levels from account {account} to the root."
        return fails(because, ("The lists of all levels are empty.",))
    levels = [[document for _, document in level] for level in whole]
    results = {request.action: _decided(kind, levels, request) for request in requests}
    shown = [common.show_whole(policy) for level in whole for policy, _ in level][:4]
    if all(result is Result.ALLOWED for result in results.values()):
        because = f"No {what} on the {len(levels)} levels from account {account} to the root denies the call."
        return fails(because, shown)
    return stays_open(f"A {what} hangs on something that nobody can know offline.")


def _attached(setting: Setting, target: str, kind: Kind) -> dict[str, str]:
    """The policies of that kind on an account, unit or root, by id, with their sources; of two lists what both name."""
    lists = [
        item.fact
        for item in setting.evidence.organization_lists
        if item.target == target and item.kind in ("", _TYPES[kind]) and item.fact.state is State.SEEN
    ]
    return {
        id: fact.source for fact in lists for id in fact.value or () if all(id in (one.value or ()) for one in lists)
    }


def _denies(document: Document, kind: Kind, requests: Sequence[Request]) -> bool:
    levels = [[_FULL_SCP, document]] if kind is Kind.SCP else [[document]]
    return any(_decided(kind, levels, request) is Result.EXPLICITLY_DENIED for request in requests)


def _decided(kind: Kind, levels: Sequence[Sequence[Document]], request: Request) -> Result:
    """AWS's decision on a request that everything but these levels allows."""
    resource = _OPEN_TRUST if request.action.startswith("sts:") else _OPEN_KEY
    scps, rcps = (levels, None) if kind is Kind.SCP else (None, levels)
    policies = Policies(identity=(common.ALLOW_ALL,), resource=resource, scps=scps, rcps=rcps)
    return evaluate(request, policies).result


def _titles(policies: Sequence[OrganizationPolicy]) -> str:
    return common.listed(item.policy.title for item in policies)


def _on_role(case: Case) -> Ruling:
    setting = common.setting(case)
    if setting is None or not setting.role_is_whole:
        return stays_open(common.UNREGISTERED if setting is None else "The registered role_arn is not whole.")
    request = common.assume_role(setting, setting.external_id)
    return _rule(case, Kind.RCP, aws.arn_part(setting.role, "account"), [request])


def _on_key(kind: Kind) -> Check:
    def judge(case: Case) -> Ruling:
        setting = common.setting(case)
        if setting is None or not setting.role_is_whole or not setting.key_is_whole:
            return stays_open(common.UNREGISTERED if setting is None else "role_arn and kms_arn are not both whole.")
        key = setting.evidence.resolve(setting.key).value
        if key is None:
            because = f"Which key the alias {setting.key} points at is not shown."
            return stays_open(because, aws.show_key(case.values))
        requests = [common.use_key(setting, key, action) for action in aws.ACTIONS]
        # An SCP binds the caller's account, an RCP the resource's.
        account = aws.arn_part(setting.role if kind is Kind.SCP else key, "account")
        return _rule(case, kind, account, requests)

    return common.only_if(judge, not_that=checks.kms_not_ekm_role, nor=checks.other_key)


rcp_on_role = common.only_if(_on_role, not_that=checks.own_assume_role, nor=checks.other_role)
scp_on_key = _on_key(Kind.SCP)
rcp_on_key = _on_key(Kind.RCP)
