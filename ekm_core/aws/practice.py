"""What works on AWS and is unwise: best practice, from configuration and evidence; and what CloudTrail says.

PASS where it is seen to be well; nothing where it is not seen. That kms_arn is an alias says ``config.validate``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ekm_core import vendor
from ekm_core.aws import sources
from ekm_core.model import Case, Change, Finding, Link, Reference, Ruling, Status

if TYPE_CHECKING:
    from ekm_core.aws.iam.documents import Statement
    from ekm_core.aws.proofs.call import Kms
    from ekm_core.aws.proofs.trust import Trust


def findings(case: Case) -> tuple[Finding, ...]:
    """One finding for each practice that the evidence shows; nothing where it is not seen."""
    from ekm_core.aws import trail
    from ekm_core.aws.proofs.call import kms_of  # the evaluator, which a page without evidence does not need
    from ekm_core.aws.proofs.common import setting
    from ekm_core.aws.proofs.trust import trust_of

    found: list[Finding] = []
    trust, kms = trust_of(case), kms_of(case)
    if not isinstance(trust, Ruling):
        found += _trust(trust)
    if not isinstance(kms, Ruling):
        found += (*_key_policy(kms), *_identity(kms), *_key(kms))
    if known := setting(case):
        found += trail.findings(known)
    return tuple(found)


def _warn(
    id: str,
    link: Link,
    title: str,
    saw: str,
    means: str,
    next_step: str,
    reference: Reference,
    changes: tuple[Change, ...] = (),
) -> Finding:
    return Finding(f"aws-{id}", Status.WARN, link, title, saw, means, next_step, reference=reference, changes=changes)


def _pass(id: str, link: Link, title: str, saw: str, reference: Reference) -> Finding:
    return Finding(f"aws-{id}", Status.PASS, link, title, saw, reference=reference)


# ---------------------------------------------------------------------------------------------------- the trust policy
def _trust(trust: Trust) -> Iterable[Finding]:
    from ekm_core.aws.iam.evaluate import Result
    from ekm_core.aws.proofs.common import show

    letting = [item for item in trust.allows if trust.result([item]) is Result.ALLOWED]
    for statement in letting:
        shown = show(trust.policy, statement)
        yield from _external_id(trust, statement, shown)
        yield from _principal(statement, shown)


def _external_id(trust: Trust, statement: Statement, shown: str) -> Iterable[Finding]:
    from ekm_core.aws.iam.conditions import parse_operator
    from ekm_core.aws.proofs.trust import is_external_id

    lines = [line for line in statement.conditions if is_external_id(line)]
    if not lines:
        yield _warn(
            "no-external-id",
            Link.TRUST,
            "The trust policy demands no ExternalId",
            shown,
            "AWS lets the call through whatever ExternalId OpenAI sends, so another customer of OpenAI who knows the "
            "role's ARN could register it.",
            "Add the condition StringEquals sts:ExternalId with the external_id that you register.",
            sources.EXTERNAL_ID,
            _demanding(trust, statement),
        )
        return
    parsed = [parse_operator(line.operator) for line in lines]
    wild = any("*" in value or "?" in value for line in lines for value in line.values)
    like = any(operator is not None and operator.family == "stringlike" for operator in parsed)
    if like and wild:
        yield _warn(
            "external-id-wildcard",
            Link.TRUST,
            "The ExternalId is demanded with a wildcard",
            shown,
            "Every ExternalId that fits the wildcard is let in, also those of other customers of OpenAI.",
            "Use StringEquals with the one external_id that you register.",
            sources.EXTERNAL_ID,
            _demanding(trust, statement),
        )
    elif any(operator is not None and operator.if_exists for operator in parsed):
        yield _warn(
            "external-id-if-exists",
            Link.TRUST,
            "The ExternalId counts only where one is sent",
            shown,
            "With …IfExists a call without any ExternalId is let in too.",
            "Use StringEquals.",
            sources.EXTERNAL_ID,
            _demanding(trust, statement),
        )
    elif all(
        operator is not None and operator.family.startswith("string") and not operator.negated for operator in parsed
    ):
        title = "The trust policy demands your ExternalId"
        yield _pass("external-id-demanded", Link.TRUST, title, shown, sources.EXTERNAL_ID)


def _demanding(trust: Trust, statement: Statement) -> tuple[Change, ...]:
    """The trust policy with the registered ExternalId demanded, and no other line on it, in that statement."""
    from ekm_core.aws.iam.documents import Kind, parse
    from ekm_core.aws.iam.evaluate import Result
    from ekm_core.aws.proofs import changes
    from ekm_core.aws.proofs.trust import registration_is_wrong

    if not trust.setting.external_id or registration_is_wrong(trust.setting):
        return ()
    after = changes.copied(trust.policy)
    raw = changes.statements(after)[statement.index]
    kept = {
        operator: {key: value for key, value in block.items() if key.lower() != "sts:externalid"}
        for operator, block in raw.get("Condition", {}).items()
    }
    kept = {operator: block for operator, block in kept.items() if block}
    kept["StringEquals"] = {**kept.get("StringEquals", {}), "sts:ExternalId": trust.setting.external_id}
    raw["Condition"] = kept
    corrected = parse(after, Kind.TRUST)
    if not corrected.valid or trust.result(corrected.statements) is not Result.ALLOWED:
        return ()
    return (changes.change(trust.policy, after),)


def _principal(statement: Statement, shown: str) -> Iterable[Finding]:
    values = [principal.value for principal in statement.principals or ()]
    if "*" in values:
        yield _warn(
            "trust-principal-everyone",
            Link.TRUST,
            "The trust policy lets every AWS account in",
            shown,
            "With the principal “*” anybody who meets the conditions can assume the role.",
            f"Name {vendor.AWS_PRINCIPAL} as the Principal.",
            vendor.AWS_GUIDE,
        )
    elif vendor.AWS_PRINCIPAL not in values and any(vendor.AWS_ACCOUNT in value for value in values):
        yield _warn(
            "trust-principal-account",
            Link.TRUST,
            "The trust policy does not name OpenAI's role itself",
            shown,
            "Naming the account lets in each of its roles that OpenAI allows; a session's name may change.",
            f"Name {vendor.AWS_PRINCIPAL} as the Principal.",
            vendor.AWS_GUIDE,
        )
    elif vendor.AWS_PRINCIPAL in values:
        title = "The trust policy names OpenAI's role"
        yield _pass("trust-principal-named", Link.TRUST, title, shown, vendor.AWS_GUIDE)


# -------------------------------------------------------------------------------------------------------- permissions
def _key_policy(kms: Kms) -> Iterable[Finding]:
    from ekm_core.aws.proofs.common import show

    held = kms.key_policy
    if isinstance(held, Ruling):
        return
    for statement in held.document.statements:
        if not statement.allow or not statement.effective:
            continue
        values = [principal.value for principal in statement.principals or ()]
        shown = show(held.policy, statement)
        if "*" in values and not statement.conditions:
            yield _warn(
                "key-policy-everyone",
                Link.PERMISSION,
                "The key policy lets every AWS account in",
                shown,
                "The principal “*” without a condition is anybody in any account.",
                "Name the role that OpenAI assumes instead.",
                sources.KEY_POLICY,
            )
        if kms.setting.role in values and not statement.not_action and _is_wide(statement.actions):
            yield _warn(
                "key-policy-wide",
                Link.PERMISSION,
                "The key policy gives the role more than it needs",
                shown,
                "OpenAI could manage, disable or delete the key through this role. It needs two actions.",
                "Put kms:Encrypt and kms:Decrypt in the place of the wildcard.",
                vendor.AWS_GUIDE,
            )


def _is_wide(actions: Iterable[str]) -> bool:
    return any(action.lower() in ("*", "kms:*") for action in actions)


def _identity(kms: Kms) -> Iterable[Finding]:
    from ekm_core.aws.proofs.common import show

    for held in kms.identity.certain:
        for statement in held.document.statements:
            if not statement.allow or statement.not_action:
                continue
            shown = show(held.policy, statement)
            about_kms = any(action == "*" or action.lower().startswith("kms:") for action in statement.actions)
            if _is_wide(statement.actions):
                yield _warn(
                    "identity-policy-wide",
                    Link.PERMISSION,
                    "The role's policy allows more than EKM needs",
                    shown,
                    "OpenAI needs kms:Encrypt and kms:Decrypt alone.",
                    "Put the two actions in the place of the wildcard.",
                    vendor.AWS_GUIDE,
                )
            elif about_kms and any(text == "*" or text.endswith(":key/*") for text in statement.resources or ()):
                yield _warn(
                    "identity-policy-every-key",
                    Link.PERMISSION,
                    "The role's policy covers every key",
                    shown,
                    "Through this role OpenAI could use each key whose key policy leaves it to the account.",
                    f"Name {kms.key} as the Resource.",
                    sources.KMS_IAM,
                )


# ------------------------------------------------------------------------------------------------------------- the key
def _key(kms: Kms) -> Iterable[Finding]:
    rotation = kms.setting.evidence.rotation(kms.key)
    if rotation.value is False:
        yield _warn(
            "key-rotation",
            Link.KEY,
            "The key is not rotated automatically",
            f"{rotation.source}: KeyRotationEnabled is false.",
            "It works. Rotation limits how much data one version of the key protects, and never cuts OpenAI off.",
            "Switch automatic rotation on, unless your rules say otherwise.",
            vendor.REVOCATION_GUIDE,
        )
    elif rotation.value:
        saw = f"{rotation.source}: KeyRotationEnabled is true."
        yield _pass("key-rotation", Link.KEY, "The key is rotated automatically", saw, vendor.REVOCATION_GUIDE)
    grants = kms.setting.evidence.grants(kms.key)
    others = [grant for grant in grants.value or () if grant.grantee and grant.grantee != kms.setting.role]
    if others:
        from ekm_core.aws.proofs.common import listed

        yield _warn(
            "key-shared",
            Link.KEY,
            "The key is used by others too",
            f"{grants.source} shows grants for {listed(grant.grantee for grant in others)}.",
            "To revoke OpenAI's access by disabling the key would stop those as well.",
            "Give OpenAI a key of its own.",
            vendor.REVOCATION_GUIDE,
        )
