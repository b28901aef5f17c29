"""Proofs about service control policies and resource control policies.

They bind neither an account outside an organization nor the organization's management account. From inside a member
account nobody sees all levels above it, so "no policy denies" is never proven there.
Source: AWS Organizations, SCPs and RCPs (``sources.SCP``, ``sources.RCP``).
"""

from __future__ import annotations

from collections.abc import Sequence

from ekm_core.aws import checks
from ekm_core.aws import snippets as aws
from ekm_core.aws.account import OrganizationPolicy, PolicyKind
from ekm_core.aws.iam.documents import Document, Kind, parse
from ekm_core.aws.iam.evaluate import Policies, Result, evaluate
from ekm_core.aws.iam.request import Request, assume_role_request, kms_request
from ekm_core.aws.proofs import common
from ekm_core.aws.proofs.common import Setting, fails, holds, stays_open
from ekm_core.evidence import State
from ekm_core.model import Case, Check, Ruling

_NAMES = {Kind.SCP: "service control policy", Kind.RCP: "resource control policy"}
_TYPES = {Kind.SCP: "SERVICE_CONTROL_POLICY", Kind.RCP: "RESOURCE_CONTROL_POLICY"}
_STATEMENT = {"Effect": "Allow", "Principal": "*", "Action": "*"}
_OPEN_TRUST = parse({"Version": aws.VERSION, "Statement": _STATEMENT}, Kind.TRUST)
_OPEN_KEY = parse({"Version": aws.VERSION, "Statement": {**_STATEMENT, "Resource": "*"}}, Kind.KEY)
_FULL_SCP = parse({"Version": aws.VERSION, "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}, Kind.SCP)


def _rule(case: Case, kind: Kind, account: str, requests: Sequence[Request]) -> Ruling:
    """Whether a policy of the organization that stands on the account itself denies one of the requests."""
    setting = common.setting(case)
    if setting is None:
        return stays_open(common.UNREGISTERED)
    what = _NAMES[kind]
    if reason := setting.evidence.unbound.get(account):
        return fails(f"No {what} binds account {account}. {reason}", (reason,))
    on_account = _attached(setting, account)
    unplaced = []
    for item in setting.evidence.organization:
        if item.policy.kind is not (PolicyKind.SCP if kind is Kind.SCP else PolicyKind.RCP):
            continue
        document = common.read_policy(item.policy, kind, setting)
        if isinstance(document, Ruling) or not _denies(document, kind, requests):
            continue
        if item.id in on_account:
            because = f"{item.policy.title} stands on account {account}, and a Deny statement in it covers the call."
            source = f"{on_account[item.id]} lists {item.id} for account {account}"
            return holds(because, (common.show_whole(item.policy), source))
        unplaced.append(item)
    if unplaced:
        because = f"{_titles(unplaced)} would deny the call. Whether it stands above account {account} is not shown."
    else:
        because = f"Whether a {what} above account {account} denies the call is not shown."
    organization = aws.command(
        "Show the organization and its management account", "organizations", "describe-organization"
    )
    return stays_open(because, organization, *aws.show_organization_policies(case.values, _TYPES[kind])[:1])


def _attached(setting: Setting, account: str) -> dict[str, str]:
    """The policies that stand on the account itself, by id, with what showed it."""
    found: dict[str, str] = {}
    for target, fact in setting.evidence.organization_lists:
        if target == account and fact.state is State.SEEN:
            found.update(dict.fromkeys(fact.value or (), fact.source))
    return found


def _denies(document: Document, kind: Kind, requests: Sequence[Request]) -> bool:
    for request in requests:
        resource = _OPEN_TRUST if request.action.startswith("sts:") else _OPEN_KEY
        policies = Policies(
            identity=(common.ALLOW_ALL,),
            resource=resource,
            scps=[[_FULL_SCP, document]] if kind is Kind.SCP else None,
            rcps=[[document]] if kind is Kind.RCP else None,
        )
        if evaluate(request, policies).result is Result.EXPLICITLY_DENIED:
            return True
    return False


def _titles(policies: Sequence[OrganizationPolicy]) -> str:
    return common.listed(item.policy.title for item in policies)


def _on_role(case: Case) -> Ruling:
    setting = common.setting(case)
    if setting is None or not setting.role_is_whole:
        return stays_open(common.UNREGISTERED if setting is None else "The registered role_arn is not whole.")
    request = assume_role_request(setting.role, setting.external_id)
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
        requests = [kms_request(setting.role, key, action) for action in aws.ACTIONS]
        # An SCP binds the caller's account, an RCP the resource's.
        account = aws.arn_part(setting.role if kind is Kind.SCP else key, "account")
        return _rule(case, kind, account, requests)

    return common.only_if(judge, not_that=checks.kms_not_ekm_role, nor=checks.other_key)


rcp_on_role = common.only_if(_on_role, not_that=checks.own_assume_role, nor=checks.other_role)
scp_on_key = _on_key(Kind.SCP)
rcp_on_key = _on_key(Kind.RCP)
