"""Proofs about the registered key itself: whether it exists, its state and its type.

Key states and what they refuse: AWS KMS, "Key states of AWS KMS keys" (``sources.KEY_STATES``).
"""

from __future__ import annotations

from collections.abc import Callable

from ekm_core.aws import checks, sources
from ekm_core.aws import snippets as aws
from ekm_core.aws.account import Key
from ekm_core.aws.proofs import common
from ekm_core.aws.proofs.common import fails, holds, stays_open
from ekm_core.aws.proofs.kms import set_up_keys
from ekm_core.evidence import State
from ekm_core.facts import Fact
from ekm_core.model import Case, Check, Ruling

_STATES = frozenset(
    (
        *("Creating", "Disabled", "Enabled", "PendingDeletion", "PendingImport", "PendingReplicaDeletion"),
        *("Unavailable", "Updating"),
    )
)
_USAGES = frozenset(("ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT"))
_ASYMMETRIC = ("RSA_", "ECC_", "SM2", "ML_DSA_")


def _fact(case: Case) -> Fact[Key] | Ruling:
    setting = common.setting(case)
    if setting is None:
        return stays_open(common.UNREGISTERED)
    if not setting.key_is_whole:
        return stays_open("The registered kms_arn is not the whole ARN of a key or an alias. Give it unmasked.")
    return setting.evidence.key(setting.key)


def _judged(proof: Callable[[Case, Key, str], Ruling]) -> Check:
    """The proof on the key as describe-key shows it; its third argument says where it stands."""

    def judge(case: Case) -> Ruling:
        fact = _fact(case)
        if isinstance(fact, Ruling):
            return fact
        if fact.value is None:
            return stays_open(fact.because, aws.show_key(case.values))
        return proof(case, fact.value, fact.source)

    return _about_key(judge)


def _about_key(proof: Check) -> Check:
    return common.only_if(proof, not_that=checks.kms_not_ekm_role, nor=checks.other_key)


def _in_state(*states: str) -> Check:
    def proof(case: Case, key: Key, source: str) -> Ruling:
        shown = (f"{source}: KeyState is {key.state or 'not given'}",)
        contradiction = key.enabled is not None and key.enabled is not (key.state == "Enabled")
        if key.state not in _STATES or contradiction:
            because = f"{source} does not show the key's state plainly."
            return stays_open(because, aws.show_key(case.values))
        if key.state in states:
            return holds(f"The key {key.arn} is in the state {key.state}, as your evidence stands now.", shown)
        return fails(f"The key's state is {key.state}.", shown)

    return _judged(proof)


def _wrong_usage(case: Case, key: Key, source: str) -> Ruling:
    if key.usage not in _USAGES:
        return stays_open(f"{source} does not show the key's usage.", aws.show_key(case.values))
    shown = (f"{source}: KeyUsage is {key.usage}",)
    if key.usage == "ENCRYPT_DECRYPT":
        return fails("The key is for encryption and decryption.", shown)
    return holds(f"The key {key.arn} is for {key.usage}. EKM needs ENCRYPT_DECRYPT.", shown)


def _asymmetric(case: Case, key: Key, source: str) -> Ruling:
    shown = (f"{source}: KeySpec is {key.spec}",)
    if key.spec.startswith(_ASYMMETRIC):
        return holds(f"The key {key.arn} is asymmetric: its spec is {key.spec}. EKM needs SYMMETRIC_DEFAULT.", shown)
    if key.spec == "SYMMETRIC_DEFAULT" or key.spec.startswith("HMAC_"):
        return fails(f"The key is not asymmetric: its spec is {key.spec}.", shown)
    return stays_open(f"{source} does not show the key's spec.", aws.show_key(case.values))


def _alias_missing(case: Case) -> Ruling:
    fact = _fact(case)
    setting = common.setting(case)
    if isinstance(fact, Ruling) or setting is None:
        return fact if isinstance(fact, Ruling) else stays_open(common.UNREGISTERED)
    if not aws.arn_part(setting.key, "rest").startswith("alias/"):
        return fails("The registered kms_arn is a key's ARN, not an alias.", (f"kms_arn: {setting.key}",))
    if fact.value is not None:
        return fails(f"The alias exists and points at {fact.value.arn}.", (f"{fact.source}: {fact.value.arn}",))
    target = setting.evidence.resolve(setting.key)
    for absent in (target, fact):
        if absent.state is State.ABSENT:
            return holds(f"The alias {setting.key} does not exist.", (f"{absent.source}: {absent.because}",))
    if target.value is not None:
        return fails(f"The alias exists and points at {target.value}.", (f"{target.source}: {target.value}",))
    return stays_open(f"Whether the alias {setting.key} exists is not shown.", aws.show_key(case.values))


def _arn_wrong(case: Case) -> Ruling:
    fact = _fact(case)
    setting = common.setting(case)
    if isinstance(fact, Ruling) or setting is None:
        return fact if isinstance(fact, Ruling) else stays_open(common.UNREGISTERED)
    if fact.value is not None:
        return fails("A key with the registered ARN exists.", (f"{fact.source} shows the key {fact.value.arn}",))
    if fact.state is not State.ABSENT:
        return stays_open(fact.because, aws.show_key(case.values))
    name = aws.arn_part(setting.key, "rest")
    others = [entry.fact for entry in setting.evidence.keys if entry.fact.value]
    twins = [item for item in others if item.value and aws.arn_part(item.value.arn, "rest") == name]
    right = twins or set_up_keys(case, setting, setting.key)
    if not right:
        return stays_open(
            "No key has the registered ARN. Which one is yours is not shown: it may have been deleted, or the ARN is "
            f"wrong. See {sources.KEY_DELETION.url}.",
            aws.show_aliases(case.values),
        )
    arns = common.listed(item.value.arn for item in right if item.value)
    because = f"No key has the registered ARN {setting.key}. Your key is {arns}."
    return holds(because, (fact.because, *(f"{item.source} shows the key {arns}" for item in right)))


disabled = _in_state("Disabled")
pending_deletion = _in_state("PendingDeletion")
pending_import = _in_state("PendingImport")
unavailable = _in_state("Unavailable")
pending_replica_deletion = _in_state("PendingReplicaDeletion")
in_transition = _in_state("Creating", "Updating")
wrong_usage = _judged(_wrong_usage)
asymmetric = _judged(_asymmetric)
alias_missing = _about_key(_alias_missing)
arn_wrong = _about_key(_arn_wrong)
