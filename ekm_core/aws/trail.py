"""What CloudTrail says of OpenAI's last calls. Pure.

It tells how calls ended at that time, which proves nothing about the next one: so nothing here is a FAIL.
Facts, read on 2026-11-27: AWS KMS, "Logging AWS KMS API calls" (a denied call across accounts is logged in the caller's
account alone, and here the caller is the customer's role); AWS IAM, "Logging IAM and AWS STS API calls" (a denied
AssumeRole across accounts is not logged in the account of the role).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ekm_core import classify, normalise, vendor
from ekm_core.aws import snippets as aws
from ekm_core.aws import sources
from ekm_core.aws.account import RecordedCall
from ekm_core.aws.proofs.common import Setting
from ekm_core.model import Finding, Link, Status
from ekm_core.pasted import shown

_LONGEST = 600


def findings(setting: Setting) -> Iterable[Finding]:
    """How the last calls ended, or that there is none; nothing where CloudTrail was not asked."""
    if not setting.role_is_whole or not setting.evidence.lookups:
        return
    used, assumed = _used(setting), _assumed(setting)
    if used:
        yield _finding(used, "kms", Link.PERMISSION, "The role's last call of KMS")
    if assumed:
        yield _finding(assumed, "assume-role", Link.TRUST, "OpenAI's last AssumeRole")
    if not used and not assumed:
        yield Finding(
            "aws-cloudtrail-no-call",
            Status.NOT_APPLICABLE,
            Link.TRUST,
            "CloudTrail shows no call of OpenAI",
            "Among the events that were read there is none of OpenAI or of the registered role.",
            "AWS does not write a denied AssumeRole of another account into your CloudTrail, and an event may take 15 "
            "minutes to appear. So this proves nothing.",
            reference=sources.STS_LOGGING,
        )


def proven(setting: Setting) -> Mapping[Link, str]:
    """The links that the last calls went through, with how that is known."""
    found: dict[Link, str] = {}
    used, assumed = _used(setting), _assumed(setting)
    if assumed is None or assumed.code:
        return found
    found[Link.IDENTITY] = f"CloudTrail shows that OpenAI's account assumed the role at {assumed.time}."
    if used and not used.code:
        because = f"CloudTrail shows {used.action} by the role at {used.time}, which KMS carried out."
        found |= {Link.NETWORK: because, Link.REQUEST: because}
    return found


def _used(setting: Setting) -> RecordedCall | None:
    """The last call of the registered role on a key."""
    name, account = aws.arn_part(setting.role, "rest").rpartition("/")[2], aws.arn_part(setting.role, "account")
    session = f":{account}:assumed-role/{name}/"
    return _last(
        call
        for call in setting.evidence.recorded
        if call.action in ("kms:Encrypt", "kms:Decrypt") and (call.role == setting.role or session in call.caller)
    )


def _assumed(setting: Setting) -> RecordedCall | None:
    """The last time that OpenAI's account asked for the registered role."""
    return _last(
        call
        for call in setting.evidence.recorded
        if call.action == "sts:AssumeRole" and call.account == vendor.AWS_ACCOUNT and call.asked == setting.role
    )


def _last(calls: Iterable[RecordedCall]) -> RecordedCall | None:
    # Times have seconds alone; of two calls in the same second the one that failed is the last of that attempt.
    return max(calls, key=lambda call: (call.time, bool(call.code)), default=None)


def _finding(call: RecordedCall, id: str, link: Link, what: str) -> Finding:
    who = shown(call.caller or f"account {call.account}")
    saw = f"CloudTrail shows {call.action} at {call.time} in {call.region}, called by {who}"
    id = f"aws-cloudtrail-{id}"
    if not call.code:
        title = f"{what} in CloudTrail succeeded"
        return Finding(id, Status.PASS, link, title, f"{saw}.", reference=sources.KMS_LOGGING)
    message = f"{call.code}: {call.message}"
    known = classify.classify(normalise.normalise(message).text)
    titles = " or ".join(f"“{found.error.title}”" for found in known)
    means = "These are AWS's own words, as it was then."
    return Finding(
        id,
        Status.WARN,
        known[0].error.link if known else link,
        f"{what} in CloudTrail failed",
        f"{saw}: {shown(message, _LONGEST)}",
        f"{means} The known error: {titles}." if known else means,
        "Paste these words on the Diagnose page. After a change let OpenAI call again: an old event stays as it is.",
        errors=tuple(found.error.id for found in known),
        reference=sources.KMS_LOGGING,
    )
