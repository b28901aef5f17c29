"""Proofs of a denied KMS call: the role's own policies, its boundary, and the key policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ekm_core.aws import checks
from ekm_core.aws import snippets as aws
from ekm_core.aws.account import Key
from ekm_core.aws.iam.documents import Statement
from ekm_core.aws.proofs import common, mending
from ekm_core.aws.proofs.call import (
    DENIED,
    FALSE,
    TRUE,
    Held,
    Kms,
    denies_key,
    hangs,
    is_kms,
    kms_of,
    missing_identity,
    on_key,
    only_effect,
)
from ekm_core.aws.proofs.common import Setting, fails, holds, stays_open
from ekm_core.evidence import State
from ekm_core.facts import Fact
from ekm_core.model import Case, Check, Ruling


def _judged(proof: Callable[[Kms], Ruling]) -> Check:
    def judge(case: Case) -> Ruling:
        kms = kms_of(case)
        return kms if isinstance(kms, Ruling) else proof(kms)

    return common.only_if(judge, not_that=checks.kms_not_ekm_role, nor=checks.other_key)


# ------------------------------------------------------------------------------------------------ the role's own policy
def _lacking(kms: Kms) -> tuple[tuple[str, ...], Ruling | None]:
    """The actions that the role's own policies surely lack and need; else the ruling for both causes of this kind."""
    lacking = tuple(action for action in kms.actions if kms.own(action) is FALSE and kms.needs_own(action))
    if lacking:
        if sentence := kms.granted():
            return (), stays_open(sentence)
        return lacking, None
    open_ = [action for action in kms.actions if kms.own(action) is not TRUE and kms.needs_own(action) is not False]
    if not open_:
        if all(kms.own(action) is TRUE for action in kms.actions):
            because = f"As your evidence stands now, the role's own policies allow {_words(kms.actions)} on the key."
            return (), fails(because, _allowing(kms))
        because = "The key policy itself lets the role use the key, so that it needs no policy of its own."
        return (), fails(because, _key_shown(kms))
    if any(kms.own(action) is FALSE for action in open_) and isinstance(kms.key_policy, Ruling):
        because = (
            f"The role's own policies do not allow {_words(open_)}. Whether they have to hangs on the key policy. "
            f"{kms.key_policy.because}"
        )
        return (), stays_open(because, *kms.key_policy.missing)
    missing = missing_identity(kms)
    if kms.identity.gap:
        return (), stays_open(kms.identity.gap, *missing)
    documents = [item.document for item in kms.identity.all]
    return (), hangs(kms, "A condition in the role's policies", documents, *missing)


def _identity_missing(kms: Kms) -> Ruling:
    lacking, otherwise = _lacking(kms)
    if otherwise is not None:
        return otherwise
    held = kms.identity.certain
    seen = [common.show_whole(item.policy) for item in held[:4]] or [
        f"{aws.arn_part(kms.setting.role, 'rest')} has no policies, attached or inline."
    ]
    because = f"No policy of the role allows {_words(lacking)} on {kms.key}.{_grants(kms)}"
    return holds(because, seen, mending.identity(kms))


def _wrong_resource(kms: Kms) -> Ruling:
    lacking, otherwise = _lacking(kms)
    if otherwise is not None:
        return otherwise
    wrong = [(item, statement) for item in kms.identity.certain for statement in _misdirected(kms, item, lacking)]
    if not wrong:
        because = "No statement of the role's policies allows the action on another key or on an alias."
        return fails(because, [common.show_whole(item.policy) for item in kms.identity.certain[:4]] or ["No policies."])
    named = [text for _, statement in wrong for text in statement.resources or () if is_kms(text)]
    because = (
        f"The role's policy names {common.listed(named)}. That is {_what(named[0], kms.key)}; the registered key is "
        f"{kms.key}."
    )
    shown = [common.show(item.policy, statement) for item, statement in wrong]
    return holds(because, shown, mending.identity(kms))


def _misdirected(kms: Kms, held: Held, actions: Sequence[str]) -> list[Statement]:
    """Allow statements that would let the action through if only they named the key."""
    found = []
    for statement in held.document.statements:
        if not statement.allow or statement.not_resource or not any(map(is_kms, statement.resources or ())):
            continue
        elsewhere = replace(held.document, statements=(replace(statement, resources=("*",)),))
        if any(kms.result(action, (elsewhere,), kms.delegating()) is TRUE for action in actions):
            found.append(statement)
    return found


def _what(resource: str, key: str) -> str:
    rest, region = aws.arn_part(resource, "rest"), aws.arn_part(resource, "region")
    if rest.startswith("alias/"):
        return "an alias, which grants nothing as a Resource"
    return "another key" if region in ("*", aws.arn_part(key, "region")) else "another Region"


def _identity_deny(kms: Kms) -> Ruling:
    denying = [
        (item, statement)
        for item in kms.identity.all
        for statement in item.document.statements
        if not statement.allow and _denies_identity(kms, item, statement) is not False
    ]
    certain = [pair for pair in denying if _denies_identity(kms, *pair) and pair[0] in kms.identity.certain]
    if certain:
        because = f"A Deny statement in {common.in_sentence(certain[0][0].policy.title)} covers the call on the key."
        return holds(because, [common.show(item.policy, statement) for item, statement in certain])
    if denying:
        item, statement = denying[0]
        because = "This Deny statement may cover the call, which the evidence does not settle: "
        return stays_open(because + common.show(item.policy, statement) + ".", *missing_identity(kms))
    if kms.identity.gap:
        return stays_open(kms.identity.gap, *missing_identity(kms))
    shown = [common.show_whole(item.policy) for item in kms.identity.certain[:4]]
    because = "The role's policies were all given, and no Deny statement in them covers the call."
    return fails(because, shown or ["The role has no policies, attached or inline."])


def _denies_identity(kms: Kms, held: Held, statement: Statement) -> bool | None:
    alone = replace(held.document, statements=(statement,))
    results = [kms.result(action, (common.ALLOW_ALL, alone), kms.delegating()) for action in kms.actions]
    return True if DENIED in results else False if all(result is TRUE for result in results) else None


def _boundary(kms: Kms) -> Ruling:
    limit = kms.boundary
    if limit is None:
        fact = kms.setting.evidence.boundary(kms.setting.role)
        return fails("The role has no permissions boundary.", (f"{fact.source} shows none.",))
    if isinstance(limit, Ruling):
        return limit
    documents = (common.ALLOW_ALL,)
    results = {action: kms.result(action, documents, kms.delegating(), limit.document) for action in kms.actions}
    shown = (common.show_whole(limit.policy),)
    if all(result is TRUE for result in results.values()):
        return fails("The role's permissions boundary allows the call.", shown)
    stopped = [action for action, result in results.items() if result in (FALSE, DENIED)]
    if not stopped:
        return hangs(kms, "A condition in the boundary", [limit.document])
    if isinstance(kms.key_policy, Ruling) and kms.same_account and DENIED not in results.values():
        because = "The boundary does not allow the call. Whether it binds hangs on whom the key policy names."
        return stays_open(because, *kms.key_policy.missing)
    if not isinstance(kms.key_policy, Ruling) and kms.same_account:
        allows = only_effect(kms.key_policy.document, allow=True)
        direct = [kms.result(action, (), allows, limit.document) for action in stopped]
        if any(result is not FALSE and result is not DENIED for result in direct):
            return stays_open(
                "The key policy lets in more than the role by its ARN, so the boundary may not bind here."
            )
    if sentence := kms.granted():
        return stays_open(sentence)
    because = f"The role's permissions boundary {limit.policy.title} does not allow {_words(stopped)} on the key."
    return holds(because, shown, mending.boundary(kms))


# ----------------------------------------------------------------------------------------------------- the key's policy
def _key_policy_missing(kms: Kms) -> Ruling:
    if isinstance(kms.key_policy, Ruling):
        return kms.key_policy
    results = {action: kms.key_lets(action) for action in kms.actions}
    refused = [action for action, result in results.items() if result is FALSE]
    if refused:
        if sentence := kms.granted():
            return stays_open(sentence)
        because = (
            f"No statement of {common.in_sentence(kms.key_policy.policy.title)} allows {_words(refused)} for the role "
            f"{kms.setting.role}, or leaves it to the policies of the role's account.{_grants(kms)}"
        )
        return holds(because, (common.show_whole(kms.key_policy.policy),), mending.key_policy(kms))
    if any(result is not TRUE for result in results.values()):
        return hangs(kms, "A statement of the key policy", [kms.key_policy.document])
    because = "As your evidence stands now, the key policy lets the role, or its account, use the key."
    return fails(because, _key_shown(kms))


def _key_deny(kms: Kms) -> Ruling:
    held = kms.key_policy
    if isinstance(held, Ruling):
        return held
    denies = [(item, denies_key(kms, held, item)) for item in held.document.statements if not item.allow]
    applying = [item for item, applies in denies if applies]
    if applying:
        because = f"A Deny statement in {common.in_sentence(held.policy.title)} covers the role's call on the key."
        shown = [common.show(held.policy, item) for item in applying]
        return holds(because, shown, mending.spared(kms, held, applying))
    if any(applies is None for _, applies in denies):
        return hangs(kms, "A Deny statement of the key policy", [held.document])
    because = "No Deny statement of the key policy covers the role's call."
    return fails(because, (common.show_whole(held.policy),))


def _other_account(kms: Kms) -> Ruling:
    shown = (f"role_arn: {kms.setting.role}", f"kms_arn: {kms.setting.key}")
    if kms.same_account:
        return fails("Role and key are in the same account.", shown)
    own = {kms.own(action) for action in kms.actions}
    lets = {kms.key_lets(action) for action in kms.actions}
    if own == lets == {TRUE}:
        return fails("Role and key are in different accounts, and both sides allow the call.", shown)
    lacking = [
        words
        for results, words in ((own, "the role's own policies do not"), (lets, "the key policy does not"))
        if FALSE in results
    ]
    if not lacking:
        missing = kms.key_policy.missing if isinstance(kms.key_policy, Ruling) else missing_identity(kms)
        return stays_open("Role and key are in different accounts. Both sides must allow it.", *missing)
    if sentence := kms.granted():
        return stays_open(sentence)
    because = f"Role and key are in different accounts. Both sides must allow the call, and {' and '.join(lacking)}."
    changed = mending.key_policy(kms) if FALSE in lets else mending.identity(kms)
    both = FALSE in lets and FALSE in own
    return holds(because, shown, () if both else changed)


# ------------------------------------------------------------------------------------------------------- the right key
def permitted(kms: Kms) -> bool | None:
    """Whether the documents let the role use the key; None where that is not known."""
    own = [
        False
        if kms.needs_own(action) and kms.own(action) is FALSE
        else True
        if kms.own(action) is TRUE or kms.needs_own(action) is False
        else None
        for action in kms.actions
    ]
    lets = [{TRUE: True, FALSE: False}.get(kms.key_lets(action)) for action in kms.actions]
    if False in own or False in lets:
        return False
    return True if all(own) and all(lets) else None


def set_up_keys(case: Case, setting: Setting, registered: str) -> list[Fact[Key]]:
    """The other keys in the evidence that were set up for the registered role, and that EKM can use.

    Set up: the role may use it, and a policy names the two together. With a wide policy of the role it may use every
    key of the account that leaves its use to IAM.
    """
    found: dict[str, Fact[Key]] = {}
    for entry in setting.evidence.keys:
        key = entry.fact.value
        if key is None or key.arn == registered or key.state != "Enabled" or key.spec != "SYMMETRIC_DEFAULT":
            continue
        kms = on_key(case, setting, key.arn)
        if permitted(kms) and (_names_key(kms) or kms.needs_own(kms.actions[0]) is False):
            found.setdefault(key.arn, entry.fact)
    return list(found.values())


def _names_key(kms: Kms) -> bool:
    """Whether an Allow statement of the role's own policies names this very key."""
    id = aws.arn_part(kms.key, "rest").removeprefix("key/")
    return any(
        id in resource
        for held in kms.identity.all
        for statement in held.document.statements
        if statement.allow and not statement.not_resource
        for resource in statement.resources or ()
    )


def _other_key(kms: Kms) -> Ruling:
    if permitted(kms):
        because = "The policies let the role use the registered key: it is the one that you set up."
        return fails(because, _key_shown(kms))
    others = set_up_keys(kms.case, kms.setting, kms.key)
    if permitted(kms) is False and others:
        arns = common.listed(fact.value.arn for fact in others if fact.value)
        because = f"{kms.setting.key} is registered, and not set up for the role. Set up is {arns}."
        shown = (*_key_shown(kms), *(f"{fact.source} shows the key {arns}" for fact in others))
        return holds(because, shown)
    if kms.setting.evidence.key(kms.key).value is None:
        return stays_open("Which key you set up for OpenAI is not shown.", aws.show_key(kms.case.values))
    return stays_open(
        "Whether the registered key is the one that you meant is not shown. If you meant another, give its "
        "describe-key and get-key-policy too."
    )


# ----------------------------------------------------------------------------------------------------------- sentences
def _words(actions: Sequence[str]) -> str:
    return " and ".join(actions)


def _grants(kms: Kms) -> str:
    if kms.case.text or kms.setting.evidence.grants(kms.key).state is State.SEEN:
        return ""
    return " Only a grant on the key could still allow it, and the list of grants was not given."


def _allowing(kms: Kms) -> list[str]:
    return [
        common.show(item.policy, statement)
        for item in kms.identity.all
        for statement in item.document.statements
        if statement.allow
        and kms.own(kms.actions[0], [replace(item, document=replace(item.document, statements=(statement,)))]) is TRUE
    ][:4]


def _key_shown(kms: Kms) -> list[str]:
    held = kms.key_policy
    if isinstance(held, Ruling):
        return [f"kms_arn: {kms.setting.key}"]
    letting = [
        statement
        for statement in held.document.statements
        if statement.allow
        and kms.result(kms.actions[0], (common.ALLOW_ALL,), replace(held.document, statements=(statement,))) is TRUE
    ]
    return [common.show(held.policy, item) for item in letting[:4]] or [common.show_whole(held.policy)]


identity_missing = _judged(_identity_missing)
identity_wrong_resource = _judged(_wrong_resource)
identity_deny = _judged(_identity_deny)
boundary = _judged(_boundary)
key_policy_missing = _judged(_key_policy_missing)
key_policy_deny = _judged(_key_deny)
key_in_other_account = _judged(_other_account)
other_key = _judged(_other_key)
