"""Proofs about which role is registered: whether it exists, and whether another one was set up for OpenAI instead."""

from __future__ import annotations

from ekm_core import vendor
from ekm_core.aws import checks
from ekm_core.aws import snippets as aws
from ekm_core.aws.account import Role
from ekm_core.aws.iam.documents import Document, Kind
from ekm_core.aws.iam.evaluate import Policies, Result, evaluate
from ekm_core.aws.proofs import common, trust
from ekm_core.aws.proofs.common import Setting, fails, holds, stays_open
from ekm_core.evidence import State
from ekm_core.facts import Fact
from ekm_core.model import Case, Check, Ruling, Snippet


def _all_roles() -> Snippet:
    return aws.command(
        "Show every role with its trust policy", "iam", "get-account-authorization-details --filter Role"
    )


def _judged(proof: Check) -> Check:
    return common.only_if(proof, not_that=checks.own_assume_role, nor=checks.other_role)


def _registered(case: Case) -> Setting | Ruling:
    setting = common.setting(case)
    if setting is None:
        return stays_open(common.UNREGISTERED)
    if not setting.role_is_whole:
        return stays_open("The registered role_arn is not the whole ARN of a role of yours. Give it unmasked.")
    return setting


def _exists(setting: Setting) -> bool | None:
    """Whether there is a role with exactly the registered ARN. A name belongs to one role of an account, so a role of
    that name under another path means that there is none; None where it is not known."""
    fact = setting.evidence.role(setting.role)
    if fact.value is not None:
        return fact.value.arn == setting.role
    return False if fact.state is State.ABSENT else None


def _seen(fact: Fact[Role]) -> str:
    return f"{fact.source} shows the role {fact.value.arn}" if fact.value else f"{fact.because}"


def _set_up(setting: Setting) -> list[Fact[Role]]:
    """The other roles in the evidence whose trust policy lets OpenAI in with the registered ExternalId, and asks for
    it. A role that lets everybody in says nothing about OpenAI."""
    found: dict[str, Fact[Role]] = {}
    for entry in (*setting.evidence.roles, *setting.evidence.listed_roles):
        role = entry.fact.value
        if role is None or role.arn == setting.role or not setting.external_id:
            continue
        policy = setting.evidence.trust(role.arn).value
        if policy is None:
            continue
        document = common.read_policy(policy, Kind.TRUST, setting)
        if isinstance(document, Document) and setting.external_id in trust.demanded_ids(document.statements):
            request = common.assume_role(setting, setting.external_id, role.arn)
            decision = evaluate(request, Policies(identity=(common.ALLOW_ALL,), resource=document))
            if decision.result is Result.ALLOWED:
                found.setdefault(role.arn, entry.fact)
    return list(found.values())


def _names_openai(case: Case) -> bool | None:
    """Whether the registered role's trust policy names OpenAI's role; None where that is not known."""
    found = trust.trust_of(case)
    if isinstance(found, Ruling):
        return None
    results = [found.names_openai(item) for item in found.allows]
    if Result.ALLOWED in results:
        return True
    return False if all(result is Result.IMPLICITLY_DENIED for result in results) else None


def _role_missing(case: Case) -> Ruling:
    setting = _registered(case)
    if isinstance(setting, Ruling):
        return setting
    fact = setting.evidence.role(setting.role)
    exists = _exists(setting)
    if exists:
        return fails("The role with the registered ARN exists.", (_seen(fact),))
    if exists is None:
        return stays_open(fact.because, aws.show_role(case.values), trust.who_am_i())
    if fact.value is not None:
        because = (
            f"The role of that name is {fact.value.arn}, and {setting.role} is registered. A name belongs to one role "
            "of an account, so there is none with the registered ARN."
        )
        return holds(because, (_seen(fact),))
    return holds(f"AWS found no role {setting.role} in its account.", (_seen(fact),))


def _role_arn_wrong(case: Case) -> Ruling:
    given = common.setting(case)
    if given and aws.arn_part(given.role, "account") == vendor.AWS_ACCOUNT:
        because = "The registered role is in OpenAI's own account. Register the role in YOUR account that trusts it."
        return holds(because, (f"role_arn: {given.role}",))
    setting = _registered(case)
    if isinstance(setting, Ruling):
        return setting
    fact, others = setting.evidence.role(setting.role), _set_up(setting)
    exists = _exists(setting)
    if exists and _names_openai(case):
        return fails(
            "The registered role exists, and its trust policy names OpenAI: it is the one you set up.", (_seen(fact),)
        )
    if exists is False and others:
        because = f"{setting.role} is registered and does not exist. Set up for OpenAI is {_arns(others)}."
        return holds(because, (_seen(fact), *(_seen(other) for other in others)))
    if exists and others:
        return stays_open(
            f"The registered role does not name OpenAI, and {_arns(others)} does. If you meant that one, register it."
        )
    return stays_open("Which role you set up for OpenAI is not shown.", aws.show_role(case.values), _all_roles())


def _trust_on_other_role(case: Case) -> Ruling:
    setting = _registered(case)
    if isinstance(setting, Ruling):
        return setting
    fact, exists, named = setting.evidence.role(setting.role), _exists(setting), _names_openai(case)
    account = aws.arn_part(setting.role, "account")
    others = [other for other in _set_up(setting) if other.value and other.value.account == account]
    if exists and named:
        return fails("The trust policy of the registered role itself names OpenAI.", (_seen(fact),))
    if exists and named is False and others:
        because = (
            f"The trust policy for OpenAI with your ExternalId stands on {_arns(others)}. The registered role "
            f"{setting.role} has one without OpenAI."
        )
        return holds(because, (_seen(fact), *(_seen(other) for other in others)))
    return stays_open("It is not shown whether another role has the trust policy for OpenAI.", _all_roles())


def _other_account(case: Case) -> Ruling:
    setting = _registered(case)
    if isinstance(setting, Ruling):
        return setting
    fact, exists = setting.evidence.role(setting.role), _exists(setting)
    if exists and _names_openai(case):
        return fails("The registered account is the one in which the role for OpenAI exists.", (_seen(fact),))
    account = aws.arn_part(setting.role, "account")
    others = [other for other in _set_up(setting) if other.value and other.value.account != account]
    if exists is False and fact.value is None and others:
        because = f"Account {account} has no such role. Set up for OpenAI is {_arns(others)}, in another account."
        return holds(because, (_seen(fact), *(_seen(other) for other in others)))
    return stays_open(
        "It is not shown in which account the role for OpenAI was set up.",
        trust.who_am_i(),
        aws.show_role(case.values),
    )


def _arns(facts: list[Fact[Role]]) -> str:
    return common.listed(fact.value.arn for fact in facts if fact.value)


role_missing = _judged(_role_missing)
role_arn_wrong = _judged(_role_arn_wrong)
trust_on_other_role = _judged(_trust_on_other_role)
other_account = _judged(_other_account)
