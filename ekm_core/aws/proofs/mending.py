"""The smallest change of a policy of the role, or of the key policy, that lets the call through, tried beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ekm_core.aws import snippets as aws
from ekm_core.aws.iam.documents import Kind, Statement, parse
from ekm_core.aws.proofs import changes, common
from ekm_core.aws.proofs.call import (
    TRUE,
    Held,
    Kms,
    denies_key,
    is_kms,
)
from ekm_core.model import Change, Ruling

_AWS_MANAGED = ":iam::aws:policy/"


def identity(kms: Kms) -> tuple[Change, ...]:
    """The one policy of the role that nearly allows both actions, mended; () where none does, or AWS owns it."""
    for held in kms.identity.certain:
        if _AWS_MANAGED in held.policy.title:
            continue
        for statement in held.document.statements:
            if not statement.allow or not any(map(is_kms, statement.resources or ("",))):
                continue
            if statement.not_action or statement.not_resource:
                continue
            after = changes.copied(held.policy)
            raw = changes.statements(after)[statement.index]
            _name_key(kms, raw, statement, held)
            _add_actions(kms, raw, statement)
            corrected = Held(held.policy, parse(after, Kind.IDENTITY))
            others = [item for item in kms.identity.all if item is not held]
            mended = [kms.own(action, [*others, corrected]) for action in kms.actions]
            if corrected.document.valid and all(result is TRUE for result in mended):
                return (changes.change(held.policy, after),)
    return ()


def _name_key(kms: Kms, raw: changes.Raw, statement: Statement, held: Held) -> None:
    """The key's ARN in the place of an alias, which grants nothing; beside another key, which may be needed."""
    anything = replace(statement, actions=("kms:*",), conditions=())
    if kms.own(kms.actions[0], [replace(held, document=replace(held.document, statements=(anything,)))]) is TRUE:
        return
    aliases = [text for text in statement.resources or () if aws.arn_part(text, "rest").startswith("alias/")]
    if aliases:
        changes.replace_value(raw, "Resource", aliases[0], kms.key)
    else:
        changes.add_value(raw, "Resource", kms.key)


def _add_actions(kms: Kms, raw: changes.Raw, statement: Statement) -> None:
    """Adds to a statement the actions of EKM that it lacks, also those that the message does not speak of."""
    alone = replace(statement, principals=None, not_principal=False, resources=("*",), conditions=())
    anywhere = replace(common.ALLOW_ALL, statements=(alone,))
    for action in aws.ACTIONS:
        if kms.result(action, (anywhere,), kms.delegating()) is not TRUE:
            changes.add_value(raw, "Action", action)


def key_policy(kms: Kms) -> tuple[Change, ...]:
    """The key policy with the missing action in the statement that names the role, or with a statement for it."""
    held = kms.key_policy
    if isinstance(held, Ruling):
        return ()
    tries: list[changes.Raw] = []
    for statement in held.document.statements:
        names = [principal.value for principal in statement.principals or ()]
        if statement.allow and kms.setting.role in names and not statement.not_action and statement.effective:
            after = changes.copied(held.policy)
            _add_actions(kms, changes.statements(after)[statement.index], statement)
            tries.append(after)
    appended = changes.copied(held.policy)
    role_statement = aws.role_statement(kms.case.values)
    changes.append(appended, {**role_statement, "Principal": {"AWS": kms.setting.role}})
    for after in (*tries, appended):
        corrected = replace(kms, key_policy=Held(held.policy, parse(after, Kind.KEY)))
        if _valid(corrected) and all(corrected.key_lets(action) is TRUE for action in kms.actions):
            return (changes.change(held.policy, after),)
    return ()


def boundary(kms: Kms) -> tuple[Change, ...]:
    """The role's permissions boundary with a statement for the key; () where AWS owns it, or that is not enough."""
    held = kms.boundary
    if held is None or isinstance(held, Ruling) or _AWS_MANAGED in held.policy.title:
        return ()
    after = changes.copied(held.policy)
    statement = {"Sid": "OpenAIEKM", "Effect": "Allow", "Action": list(aws.ACTIONS), "Resource": kms.key}
    changes.append(after, statement)
    limit = parse(after, Kind.BOUNDARY)
    results = [kms.result(action, (common.ALLOW_ALL,), kms.delegating(), limit) for action in kms.actions]
    return (changes.change(held.policy, after),) if limit.valid and all(one is TRUE for one in results) else ()


def spared(kms: Kms, held: Held, denying: Sequence[Statement]) -> tuple[Change, ...]:
    """The key policy with the Deny statements narrowed so that they spare the role; () where that is not enough."""
    after = changes.copied(held.policy)
    for statement in denying:
        changes.spare(changes.statements(after)[statement.index], kms.setting.role)
    corrected = replace(kms, key_policy=Held(held.policy, parse(after, Kind.KEY)))
    if not _valid(corrected) or _key_deny_remains(corrected):
        return ()
    return (changes.change(held.policy, after),)


def _valid(kms: Kms) -> bool:
    return not isinstance(kms.key_policy, Ruling) and kms.key_policy.document.valid


def _key_deny_remains(kms: Kms) -> bool:
    held = kms.key_policy
    return not isinstance(held, Ruling) and any(
        denies_key(kms, held, item) is not False for item in held.document.statements if not item.allow
    )
