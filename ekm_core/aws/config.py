"""What the fields of an AWS registration show by themselves: role_arn, kms_arn, external_id. Pure.

Facts: article 20000953 (the fields and the pattern of role_arn, ``^arn:aws:iam::\\d{12}:role/.+$``), 20000947 (who
calls), 20000957 (re-pointing an alias is a revocation), AWS's pages in ``sources``; all read on 2026-11-23.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ekm_core import vendor
from ekm_core.aws import sources
from ekm_core.aws.snippets import arn_part
from ekm_core.model import Configuration, Finding, Link, Reference, Status
from ekm_core.registered import REFUSED, Field, judged, openai_id, shown

_ROLE_FOUND = "Open the role in the IAM console and copy its ARN: arn:aws:iam::<12 digits>:role/<name>."
_KEY_FOUND = "Open the key in the KMS console and copy its ARN: arn:aws:kms:<region>:<12 digits>:key/<key id>."
_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]{2,9}){1,2}-[0-9]")
_KEY_ID = re.compile(r"mrk-[0-9a-f]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def validate(configuration: Configuration) -> tuple[Finding, ...]:
    """Findings on each field and on how they fit together; a healthy registration has only PASS."""
    return (*judged(configuration, _FIELDS), *_together(configuration))


def _fault(
    id: str,
    field: str,
    title: str,
    saw: str,
    means: str,
    next_step: str,
    *,
    status: Status = Status.FAIL,
    errors: tuple[str, ...] = (),
    reference: Reference = vendor.API_GUIDE,
) -> Finding:
    link = Link.KEY if field == "kms_arn" else Link.TRUST
    return Finding(f"aws-{id}", status, link, title, saw, means, next_step, field, errors, reference)


def _role(configuration: Configuration, value: str) -> Iterable[Finding]:
    saw = f"role_arn is {shown(value)}."
    service, account, rest = (arn_part(value, part) for part in ("service", "account", "rest"))
    kind = rest.split("/", 1)[0]
    if not service:
        name = "This looks like the role's name." if re.fullmatch(r"[\w+=,.@-]{1,64}", value) else "This is no ARN."
        yield _fault("role-arn-is-no-arn", "role_arn", "role_arn is not an ARN", saw, name, _ROLE_FOUND, errors=REFUSED)
    elif service == "sts" or kind == "assumed-role":
        role = rest.split("/")[1] if rest.count("/") else ""
        means = "This is a session of a role, not the role. Its ARN lacks the role's path, too."
        step = f"Look up the role {shown(role)} and copy its ARN from the IAM console."
        yield _fault("role-arn-is-session", "role_arn", "role_arn names a session", saw, means, step, errors=REFUSED)
    elif service != "iam" or kind != "role":
        what = {
            "user": "This is an IAM user. OpenAI assumes a role; a user cannot be assumed.",
            "root": "This is the account's root. OpenAI assumes a role.",
            "policy": "This is a policy, not the role that it is attached to.",
            "instance-profile": "This is an instance profile, not the role inside it.",
            "group": "This is a group of users, not a role.",
        }.get(kind, "This is the ARN of something else than an IAM role.")
        yield _fault("role-arn-is-no-role", "role_arn", "role_arn is no role", saw, what, _ROLE_FOUND, errors=REFUSED)
    elif account == vendor.AWS_ACCOUNT:
        means = "This is OpenAI's own account. The role to register is the one in YOUR account that trusts OpenAI's."
        yield _fault("role-arn-is-openai", "role_arn", "role_arn names OpenAI's role", saw, means, _ROLE_FOUND)
    elif not _ACCOUNT.fullmatch(account):
        means = "An AWS account ID has exactly 12 digits."
        yield _fault(
            "role-arn-account", "role_arn", "role_arn has no account ID", saw, means, _ROLE_FOUND, errors=REFUSED
        )
    elif arn_part(value, "region"):
        means = "IAM has no regions: two colons stand between iam and the account."
        yield _fault("role-arn-region", "role_arn", "role_arn names a region", saw, means, _ROLE_FOUND, errors=REFUSED)
    elif "*" in value or "?" in value:
        means = "OpenAI assumes one role; a wildcard names none."
        yield _fault("role-arn-wildcard", "role_arn", "role_arn holds a wildcard", saw, means, _ROLE_FOUND)
    elif rest.startswith("role/aws-service-role/"):
        means = "A service-linked role can only be assumed by its AWS service."
        step = "Create a role of your own that trusts OpenAI's role, and register that."
        yield _fault("role-arn-service-linked", "role_arn", "role_arn is a service-linked role", saw, means, step)
    elif arn_part(value, "partition") != "aws":
        yield _other_partition("role_arn", value)


def _other_partition(field: str, value: str) -> Finding:
    """A role or key in China or GovCloud: OpenAI's role is in the partition ``aws`` (article 20000947)."""
    partition = arn_part(value, "partition")
    means = "OpenAI's role is in the partition aws, and roles cannot be assumed across partitions."
    step = "Use a role and a key in a commercial region (arn:aws:…), or ask your OpenAI contact."
    return _fault(
        f"{field.replace('_', '-')}-partition",
        field,
        f"{field} is in another partition",
        f"{field} is {shown(value)}, in the partition {shown(partition)}.",
        means,
        step,
        errors=REFUSED if field == "role_arn" else (),
    )


def _key(configuration: Configuration, value: str) -> Iterable[Finding]:
    saw = f"kms_arn is {shown(value)}."
    service, region, account, rest = (arn_part(value, part) for part in ("service", "region", "account", "rest"))
    ids = sources.KEY_IDENTIFIERS

    def fault(id: str, title: str, means: str, next_step: str = _KEY_FOUND, status: Status = Status.FAIL) -> Finding:
        return _fault(id, "kms_arn", title, saw, means, next_step, status=status, reference=ids)

    if not service:
        if _KEY_ID.fullmatch(value):
            means = "This is the key's ID alone. It says neither the region nor the account."
            yield fault("kms-arn-is-key-id", "kms_arn is a key ID, not an ARN", means)
        elif value.startswith("alias/"):
            means = "This is an alias without region and account."
            yield fault("kms-arn-is-alias-name", "kms_arn is an alias name, not an ARN", means)
        else:
            yield fault("kms-arn-is-no-arn", "kms_arn is not an ARN", "OpenAI expects the whole ARN of the key.")
    elif service != "kms":
        means = f"This is an ARN of {shown(service)}, not of a KMS key."
        yield fault("kms-arn-other-service", "kms_arn is no KMS key", means)
    elif not _REGION.fullmatch(region):
        yield fault("kms-arn-region", "kms_arn has no valid region", f"{shown(region)} is no AWS region's name.")
    elif not _ACCOUNT.fullmatch(account):
        yield fault("kms-arn-account", "kms_arn has no account ID", "An AWS account ID has exactly 12 digits.")
    elif arn_part(value, "partition") != "aws":
        yield _other_partition("kms_arn", value)
    elif region.startswith(("cn-", "us-gov-", "us-iso", "eu-isoe-", "eusc-")):
        means = f"The region {region} is not in the partition aws, so no key has this ARN."
        yield fault("kms-arn-region-partition", "kms_arn mixes partition and region", means)
    elif rest.startswith("alias/aws/"):
        means = "This is the alias of a key that AWS manages. Its key policy cannot be changed to let your role in."
        step = f"Create a symmetric key of your own. {_KEY_FOUND}"
        yield fault("kms-arn-aws-managed", "kms_arn names a key that AWS manages", means, step)
    elif rest.startswith("alias/"):
        means = "It works, but whoever re-points the alias at another key revokes OpenAI's access to all data."
        yield _fault(
            "kms-arn-is-alias",
            "kms_arn",
            "kms_arn is an alias",
            saw,
            f"{means} A policy cannot name a key by its alias, either.",
            f"Register the key itself. {_KEY_FOUND}",
            status=Status.WARN,
            reference=vendor.REVOCATION_GUIDE,
        )
    elif not _KEY_ID.fullmatch(rest.removeprefix("key/")) or not rest.startswith("key/"):
        means = "Behind the account stands key/ and the key's ID: 32 hexadecimal digits in five groups, or mrk-…"
        yield fault("kms-arn-key-id", "kms_arn does not end with a key ID", means)


def _external_id(configuration: Configuration, value: str) -> Iterable[Finding]:
    return openai_id(configuration, "external_id", Link.TRUST, sources.EXTERNAL_ID)


def _together(configuration: Configuration) -> Iterable[Finding]:
    """How the role and the key fit; nothing where either is not known."""
    role, key = configuration.get("role_arn"), configuration.get("kms_arn")
    if arn_part(role, "service") != "iam" or arn_part(key, "service") != "kms":
        return
    if arn_part(role, "account") == vendor.AWS_ACCOUNT:  # said of the role already
        return
    if arn_part(role, "partition") != arn_part(key, "partition"):
        yield _fault(
            "partitions-differ",
            "kms_arn",
            "Role and key are in different partitions",
            f"role_arn is {shown(role)}, kms_arn is {shown(key)}.",
            "A role of one partition cannot use a key of another.",
            "Register a role and a key of the same partition.",
        )
        return
    accounts = arn_part(role, "account"), arn_part(key, "account")
    if accounts[0] != accounts[1] and all(_ACCOUNT.fullmatch(account) for account in accounts):
        yield _fault(
            "accounts-differ",
            "kms_arn",
            "Role and key are in different accounts",
            f"The role is in account {accounts[0]}, the key in {accounts[1]}.",
            "This works only where BOTH allow it: the role's own policy and the key's policy in the other account.",
            "Name the role in the key policy, or correct the account if you meant one account.",
            status=Status.WARN,
            reference=sources.KMS_CROSS_ACCOUNT,
        )


_FIELDS = {
    "role_arn": Field(Link.TRUST, _ROLE_FOUND, _role, vendor.AWS_GUIDE),
    "kms_arn": Field(Link.KEY, _KEY_FOUND, _key, sources.KEY_IDENTIFIERS),
    "external_id": Field(Link.TRUST, "Give your OpenAI organization ID (org-…).", _external_id, sources.EXTERNAL_ID),
}
