"""What the words of an AWS error prove. Pure functions; they read nothing but the Case.

Facts (AWS IAM, "Troubleshoot access denied error messages" and "Policy evaluation logic", read 2026-11-23):

- The end of a denial names ONE policy type, even where several deny. So it proves that type, and clears no other.
- "because no … policy allows" is only said where no explicit deny applied, for explicit denies are evaluated first.
- A service control policy can be reported as an explicit deny even where it merely lacks an allow.
- SCPs bind the CALLER's account, resource control policies the RESOURCE's account. OpenAI's AssumeRole call comes from
  OpenAI's account; the KMS calls come from the customer's role.

Masked parts (``xxxxx``, ``***``, ``<account>``) prove nothing, and a paste may hold several denials: only those of the
action in question are read.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

import re2

from ekm_core import vendor
from ekm_core.aws.snippets import arn_part
from ekm_core.model import Case, Check, Ruling, Verdict
from ekm_core.rulings import cannot_tell, confirmed, ruled_out

if TYPE_CHECKING:
    from ekm_core.aws.iam.documents import Statement

EKM_ACTIONS = frozenset({"kms:encrypt", "kms:decrypt", "sts:assumerole"})
"""What OpenAI calls in the customer's account, in lower case (article 20000947)."""


class Policy(StrEnum):
    """The policy types that a denial can name."""

    IDENTITY = "identity-based policy"
    RESOURCE = "resource-based policy"
    TRUST = "role trust policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    SCP = "service control policy"
    RCP = "resource control policy"
    ENDPOINT = "VPC endpoint policy"


class Caller(StrEnum):
    """Who made an AssumeRole call, as far as the text tells."""

    OPENAI = "openai"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reason:
    """The end of a denial: which policy type, by an explicit deny or by a missing allow, and the very words.

    ``policy`` is None for a bare "with an explicit deny".
    """

    policy: Policy | None
    explicit: bool
    words: str


@dataclass(frozen=True, slots=True)
class Denial:
    """One access-denied sentence. ``principal`` and ``resource`` are "" where the text does not name them."""

    principal: str
    action: str
    resource: str
    reason: Reason | None


_TYPES = "|".join(
    (
        "identity-based polic",
        "resource-based polic",
        "role trust polic",
        "permissions? boundar",
        "sessions? polic",
        "service control polic",
        "resource control polic",
        "VPC endpoint polic",
    )
)
# Bounded gaps: the text is at most a few kilobytes round the match, but it is still somebody else's.
_DENIAL = re.compile(r"not authori[sz]ed to perform ?:? (?P<action>[a-z0-9-]{2,30}:\w{2,60})", re.IGNORECASE)
_TAIL = 900
"""How many characters behind its action a denial may go on; the next denial ends it before."""
_RESOURCE = re.compile(r"^ ?on (?:the )?resource:? [\"']?(?P<resource>[^\s\"',;)]{3,400})", re.IGNORECASE)
# What may stand between the action and its reason. Words of the user's own further on are no reason of AWS's.
_UP_TO_REASON = re.compile(
    r"[ ,.\"']{0,3}(?:on (?:the |this )?resources?(?: associated with this ciphertext)?:? ?"
    r"(?:[\"']?(?!with |because )[^\s\"']{1,400}(?: [^\s\"']{1,60}>[^\s\"']{0,200})?[\"']?)? ?)?",
    re.IGNORECASE,
)
_EXPLICIT = re.compile(
    rf"with an explicit deny(?: in (?:an? |the )?(?P<direct>{_TYPES})(?:y|ies)"
    rf"(?: transitively through an? (?P<through>{_TYPES})y)?)?",
    re.IGNORECASE,
)
_IMPLICIT = re.compile(
    rf"because (?:no|the) (?P<type>{_TYPES})(?:y|ies) allows? the (?P<action>[a-z0-9-]{{2,30}}:\w{{2,60}}) action",
    re.IGNORECASE,
)
_KMS_ARN = re.compile(r"arn:aws[\w-]{0,12}:kms:[^\s\"',;()]{3,300}", re.IGNORECASE)
_MASK = re.compile(r"[*#<>\[\]…]|x{3,}|\.\.\.|redacted|masked", re.IGNORECASE)
_ACCOUNT = re.compile(r"\d{12}")
# Numbers of AWS's own documentation and of hand-made redaction: they are nobody's account.
_EXAMPLE_ACCOUNTS = frozenset({"123456789012", "111122223333", "444455556666", "777788889999", "012345678901"})
_TRUST_EXTERNAL_ID = re.compile(r"sts:ExternalId[\"']? ?[:=] ?\[? ?[\"'](?P<value>[^\"']{1,200})[\"']", re.IGNORECASE)


def is_masked(text: str) -> bool:
    """Whether a part was made unreadable, or is an example; such a part proves nothing."""
    return not text or bool(_MASK.search(text))


def is_account(text: str) -> bool:
    """Whether it is a whole, real-looking account number."""
    return bool(_ACCOUNT.fullmatch(text)) and text not in _EXAMPLE_ACCOUNTS and len(set(text)) > 1


def _policy(words: str) -> Policy:
    stem = words.lower().replace("permission ", "permissions ").replace("sessions ", "session ")
    return next(policy for policy in Policy if policy.lower().startswith(stem))


def _reason(after: str, action: str) -> Reason | None:
    start = match.end() if (match := _UP_TO_REASON.match(after)) else 0
    explicit = _EXPLICIT.match(after, start)
    if explicit:
        named = explicit.group("through") or explicit.group("direct")
        return Reason(_policy(named) if named else None, True, explicit.group())
    implicit = _IMPLICIT.match(after, start)
    if implicit and implicit.group("action").lower() == action.lower():
        return Reason(_policy(implicit.group("type")), False, implicit.group())
    return None


def _principal(before: str) -> str:
    """The principal in the words before "not authorized"; read from the end, for there may be a long log before it."""
    words = before.rsplit(None, 2)
    return re.split(r"[\"']", words[-2])[-1] if len(words) > 1 and words[-1].lower() == "is" else ""


def denials(case: Case, service: str) -> tuple[Denial, ...]:
    """Every denial of ``service`` ("kms") or of one action ("sts:AssumeRole") in the text, in order.

    A message whose beginning was cut off counts as well where its end names the action ("because no resource-based
    policy allows the kms:DescribeKey action").
    """

    key = ("aws.denials", service)
    if key not in case.memo:
        case.memo[key] = _denials(case, service)
    found: tuple[Denial, ...] = case.memo[key]
    return found


def _denials(case: Case, service: str) -> tuple[Denial, ...]:
    def wanted(action: str) -> bool:
        lower, want = action.lower(), service.lower()
        return lower == want if ":" in want else lower.startswith(f"{want}:")

    found = []
    covered = []
    sentences = list(_DENIAL.finditer(case.text))
    ends = [match.start() for match in sentences[1:]] + [len(case.text)]
    for match, end in zip(sentences, ends, strict=False):  # no denial at all still has an end
        if not wanted(match["action"]):
            continue
        end = min(end, match.end() + _TAIL)
        after = case.text[match.end() : end]
        resource = _RESOURCE.match(after)
        found.append(
            Denial(
                _principal(case.text[max(0, match.start() - 420) : match.start()]),
                match["action"],
                _trim(resource["resource"]) if resource else "",
                _reason(after, match["action"]),
            )
        )
        covered.append((match.start(), end))
    for match in _IMPLICIT.finditer(case.text):
        inside = any(start <= match.start() < end for start, end in covered)
        if not inside and wanted(match["action"]):
            found.append(Denial("", match["action"], "", Reason(_policy(match["type"]), False, match.group())))
    return tuple(found)


# --- Who called -------------------------------------------------------------------------------------------------------


def sts_caller(principal: str) -> Caller:
    """Whether a principal is OpenAI's EKM role, somebody else, or cannot be told (masked, cut, absent)."""
    account = arn_part(principal, "account")
    rest = arn_part(principal, "rest")
    if account == vendor.AWS_ACCOUNT:
        return Caller.OPENAI
    kind, _, name = rest.partition("/")
    name = name.partition("/")[0]
    if kind == "user" or rest == "root":
        return Caller.OTHER
    if name == "EnterpriseKeyManagement":
        return Caller.OTHER if is_account(account) else Caller.UNKNOWN
    if is_account(account) or (kind in {"assumed-role", "role"} and not is_masked(name)):
        return Caller.OTHER
    return Caller.UNKNOWN


def own_assume_role(case: Case) -> Ruling:
    """Whether the AssumeRole call of the text was made by the user and not by OpenAI."""
    found = denials(case, "sts:AssumeRole")
    callers = {sts_caller(denial.principal) for denial in found}
    named = [denial.principal for denial in found if denial.principal]
    if callers == {Caller.OTHER}:
        return confirmed(
            f"The caller is {named[0]}, which is not OpenAI's role {vendor.AWS_PRINCIPAL}. A trust policy made for "
            "OpenAI refuses this caller rightly, so the text says nothing about OpenAI's own call.",
            named[0],
        )
    if callers == {Caller.OPENAI}:
        return ruled_out("The caller is OpenAI's account, so this is OpenAI's own call.", named[0])
    return cannot_tell(
        "The text does not show the caller whole. Compare the account in it with OpenAI's, "
        f"{vendor.AWS_ACCOUNT}: any other account means that it was your own test."
    )


def for_openai(check: Check) -> Check:
    """The check, unless the AssumeRole call was not OpenAI's: then the text proves nothing about OpenAI's call."""

    def guarded(case: Case) -> Ruling:
        if own_assume_role(case).verdict is Verdict.CONFIRMED:
            return cannot_tell(
                "The call in this text is not OpenAI's, so it proves nothing here. Run OpenAI's validate call and "
                "paste the error that it gives."
            )
        return check(case)

    return guarded


def kms_not_ekm_role(case: Case) -> Ruling:
    """Whether the KMS call of the text was made by something other than the role that OpenAI assumes.

    OpenAI's KMS calls always carry the session of the customer's own role, never a user or the root.
    """
    found = [denial for denial in denials(case, "kms") if denial.principal]
    typed = case.values.get("role_arn") if "role_arn" in case.typed else ""
    strangers = []
    same = []
    for denial in found:
        rest = arn_part(denial.principal, "rest")
        account = arn_part(denial.principal, "account")
        kind, _, tail = rest.partition("/")
        name = tail.partition("/")[0]
        if kind == "user" or rest == "root":
            strangers.append(denial.principal)
        elif typed and kind == "assumed-role" and not is_masked(name):
            other_name = name != arn_part(typed, "rest").rpartition("/")[2]
            other_account = is_account(account) and account != arn_part(typed, "account")
            if other_name or other_account:
                strangers.append(denial.principal)
            elif is_account(account):
                same.append(denial.principal)
    if strangers and len(strangers) == len(found):
        return confirmed(
            f"The caller is {strangers[0]}. OpenAI reaches the key only as a session of your EKM role, so this call "
            "was made by something else: another application, or your own test.",
            strangers[0],
        )
    if same and len(same) == len(found):
        return ruled_out("The caller is a session of the role that you entered.", same[0])
    actions = {denial.action.lower() for denial in denials(case, "kms")}
    if actions and not actions & EKM_ACTIONS:
        return cannot_tell(
            "EKM needs kms:Encrypt and kms:Decrypt only, and this text denies another action. Compare the caller's "
            "role name with your EKM role's."
        )
    return cannot_tell("Compare the role name in the caller with the role that you registered with OpenAI.")


def for_ekm_role(check: Check) -> Check:
    """The check, unless the KMS call was not made by the EKM role: then it proves nothing about that role."""

    def guarded(case: Case) -> Ruling:
        if kms_not_ekm_role(case).verdict is Verdict.CONFIRMED:
            return cannot_tell(
                "The call in this text was not made by your EKM role, so it proves nothing about that role."
            )
        return check(case)

    return guarded


# --- Which policy -----------------------------------------------------------------------------------------------------


def _reasons(case: Case, service: str) -> list[Reason]:
    return [denial.reason for denial in denials(case, service) if denial.reason]


def missing_allow(service: str, policy: Policy, otherwise: str) -> Check:
    """Confirms where the text says that no policy of this type allows the action.

    Never rules out: AWS names one policy type only, and an explicit deny may hide a missing allow.
    """

    def check(case: Case) -> Ruling:
        reasons = _reasons(case, service)
        for denial in denials(case, service):
            reason = denial.reason
            if reason and reason.policy is policy and not reason.explicit:
                because = f"AWS says so: no {policy} allows {denial.action}."
                if denial.action.lower() not in EKM_ACTIONS:
                    because += " EKM itself needs kms:Encrypt and kms:Decrypt only, so look who needs this one."
                return confirmed(because, reason.words)
        if reasons:
            return cannot_tell(f"AWS names another reason first, so start there. This may still hold. {otherwise}")
        return cannot_tell(otherwise)

    return check


def explicit_deny(service: str, policies: tuple[Policy, ...], otherwise: str) -> Check:
    """Confirms where the text says that a policy of one of these types denies explicitly.

    Rules out where the text says that an allow is missing, because explicit denies are evaluated before that.
    """

    def check(case: Case) -> Ruling:
        found = denials(case, service)
        reasons = _reasons(case, service)
        for reason in reasons:
            if reason.explicit and reason.policy in policies:
                return confirmed(f"AWS says so: a Deny statement in a {reason.policy} applies.", reason.words)
        if reasons and len(reasons) == len(found) and not any(reason.explicit for reason in reasons):
            return ruled_out(
                "AWS says that an allow is missing. It looks at Deny statements before that, so none applied.",
                reasons[0].words,
            )
        if any(reason.explicit and reason.policy is None for reason in reasons):
            return cannot_tell(f"The text says explicit deny, but not in which policy. {otherwise}")
        if reasons:
            return cannot_tell("AWS names one policy type even where several deny, and here it names another.")
        return cannot_tell(otherwise)

    return check


def any_deny(service: str, policy: Policy, otherwise: str) -> Check:
    """Confirms where the text names this policy type at all (explicit deny or missing allow); never rules out."""

    def check(case: Case) -> Ruling:
        reasons = _reasons(case, service)
        for reason in reasons:
            if reason.policy is policy:
                return confirmed(f"AWS names a {policy} as the reason.", reason.words)
        if reasons:
            return cannot_tell(
                f"AWS names another policy type here, so start with that one. It names only one even where several "
                f"deny. {otherwise}"
            )
        return cannot_tell(otherwise)

    return check


# --- Values of the text against values that the user gave -------------------------------------------------------------


def _typed(case: Case, name: str) -> str:
    return case.values.get(name) if name in case.typed else ""


def other_role(case: Case) -> Ruling:
    """The role in the error against the role that the user entered."""
    found = [denial.resource for denial in denials(case, "sts:AssumeRole") if denial.resource]
    return _compare_arns(case, "role_arn", found, "role")


def other_key(case: Case) -> Ruling:
    """The key in the error against the key that the user entered: account, Region and key id."""
    found = [denial.resource for denial in denials(case, "kms") if arn_part(denial.resource, "service") == "kms"]
    if not found:
        found = [_trim(match.group()) for match in _KMS_ARN.finditer(case.text)]
    return _compare_arns(case, "kms_key", found, "key")


def key_used(case: Case) -> Ruling:
    """The same as a cause: whether OpenAI uses another key than the user means.

    On Decrypt KMS takes the key from the ciphertext (AWS KMS API reference, Decrypt), so another key in the message may
    be the one in use before.
    """
    ruling = other_key(case)
    actions = {denial.action.lower() for denial in denials(case, "kms")}
    unnamed = not actions and _is_registered(case, _typed(case, "kms_key"))
    if ruling.verdict is Verdict.CONFIRMED and (actions == {"kms:decrypt"} or unnamed):
        return cannot_tell(
            f"The key in the text is {ruling.quotes[0]}, another than yours. It may be the key under which older data "
            "was encrypted: on Decrypt KMS takes the key from the data, not from the registration."
        )
    return ruling


_PART_NAMES = {"partition": "partition", "region": "Region", "account": "account", "rest": "name"}


def _compare_arns(case: Case, name: str, found: list[str], label: str) -> Ruling:
    typed = _typed(case, name)
    if not found:
        return cannot_tell(f"The text does not name the {label}. Compare the registered ARN with your {label}'s.")
    if not typed:
        return cannot_tell(
            f"Enter your {label}'s ARN, or compare it yourself, letter by letter, with {found[0]} in the text."
        )
    if len(set(found)) > 1:
        return cannot_tell(f"The text names more than one {label}. Compare each of them with {typed}.")
    seen = found[0]
    if typed == seen and _is_registered(case, typed):
        return cannot_tell(
            f"The {label} in the text is the registered one. Whether that is the one you set up, the text cannot show."
        )
    if typed == seen:
        return ruled_out(f"The {label} in the text is the one that you entered.", seen)
    if arn_part(typed, "rest").startswith("alias/") or arn_part(seen, "rest").startswith("alias/"):
        return cannot_tell("One of the two is an alias. Find out which key it points at before you compare.")
    for part, title in _PART_NAMES.items():
        ours, theirs = arn_part(typed, part), arn_part(seen, part)
        if part == "account" and not (is_account(ours) and is_account(theirs)):
            continue
        if ours and theirs and ours != theirs and not is_masked(theirs) and not _may_be_cut(typed, seen):
            return confirmed(
                f"The {label} in the text is {seen}, and you entered {typed}: the {title} differs. OpenAI uses the "
                "one in the text.",
                seen,
            )
    return cannot_tell(f"Parts of the ARN in the text are masked or cut. Compare the rest with {typed}.")


def _is_registered(case: Case, arn: str) -> bool:
    """Whether the ARN comes from the registration: that OpenAI uses what is registered tells nothing new."""
    return case.configuration is not None and arn in case.configuration.fields.values()


def _may_be_cut(typed: str, seen: str) -> bool:
    """Whether the entered ARN only goes on where the seen one ends: a log may have cut it there."""
    return typed.startswith(seen)


def _trim(arn: str) -> str:
    """The ARN without the sentence's full stop. An ellipsis stays: it marks a cut."""
    return arn if arn.endswith("..") else arn.rstrip(".:")


def other_account(case: Case) -> Ruling:
    """The account of the role in the error against the account that the user entered."""
    typed = _typed(case, "account_id")
    accounts = {
        arn_part(denial.resource, "account"): denial.resource
        for denial in denials(case, "sts:AssumeRole")
        if is_account(arn_part(denial.resource, "account"))
    }
    if not accounts:
        return cannot_tell("The text does not show the role's account whole. Compare it with the account you work in.")
    if len(accounts) > 1:
        return cannot_tell("The text names roles of more than one account. Compare each with the account you work in.")
    account, arn = next(iter(accounts.items()))
    if not is_account(typed):
        return cannot_tell(
            f"The role in the text is in account {account}. Compare that with the account in which you made the role."
        )
    if account == typed:
        return ruled_out(f"The role in the text is in account {account}, the one that you entered.", arn)
    return confirmed(
        f"The role in the text is in account {account}, and you entered account {typed}. OpenAI asks the account in "
        "the text.",
        arn,
    )


def key_in_other_account(case: Case) -> Ruling:
    """The caller's account against the key's account.

    Two accounts are allowed, if both policies are: so differing accounts alone prove no fault. With AWS's word that no
    resource-based policy allows the action they do.
    """
    pairs = []
    for denial in denials(case, "kms"):
        caller, owner = arn_part(denial.principal, "account"), arn_part(denial.resource, "account")
        if is_account(caller) and is_account(owner):
            pairs.append((caller, owner, denial))
    if not pairs:
        return cannot_tell("The text does not show both accounts. Compare that in the key's ARN with the role's.")
    caller, owner, denial = pairs[0]
    if len({(one, other) for one, other, _ in pairs}) > 1:
        return cannot_tell("The text names several accounts. Compare the key's with the role's in each message.")
    if caller == owner:
        return ruled_out(f"The caller and the key are both in account {caller}.", denial.principal, denial.resource)
    reason = denial.reason
    if reason and reason.policy is Policy.RESOURCE and not reason.explicit:
        return confirmed(
            f"The role is in account {caller}, the key in account {owner}, and AWS says that no resource-based policy "
            "allows the call. Across accounts the key policy must allow the role.",
            denial.principal,
            denial.resource,
            reason.words,
        )
    return cannot_tell(
        f"The role is in account {caller} and the key in account {owner}. That works only where the key policy allows "
        "the role AND the role's own policy allows the key. Check both."
    )


def external_id_differs(case: Case) -> Ruling:
    """The ExternalId of a trust policy in the text against the one that OpenAI sends.

    OpenAI sends what was registered as external_id: an organization id or an id of a project of that organization.
    StringEquals compares letter by letter.
    """
    demanded = list(dict.fromkeys(match["value"] for match in _TRUST_EXTERNAL_ID.finditer(case.text)))
    registered, organization = _typed(case, "external_id"), _typed(case, "organization_id")
    if len(demanded) != 1 or is_masked(demanded[0]):
        return cannot_tell(
            "The error does not say which ExternalId OpenAI sent. Compare the one in your trust policy with the "
            "external_id that you registered, letter by letter, and with your organization id."
        )
    value = demanded[0]
    if registered and registered == value:
        return ruled_out("The trust policy in the text demands the external_id that you entered.", value)
    if registered:
        return confirmed(
            f"The trust policy in the text demands {value}, and you registered {registered}. They must be equal, "
            "letter by letter.",
            value,
        )
    if organization and organization == value:
        return ruled_out("The trust policy in the text demands the organization id that you entered.", value)
    if organization.startswith("org-") and value.startswith("org-"):
        return confirmed(
            f"The trust policy in the text demands {value}, and your organization is {organization}. Perhaps the "
            "first is a personal organization.",
            value,
        )
    return cannot_tell(
        f"The trust policy in the text demands {value}. Compare it with the external_id that you registered."
    )


def project_id_demanded(case: Case) -> Ruling:
    """A project id in the trust policy of the text, where the registered external_id is an organization id."""
    demanded = list(dict.fromkeys(match["value"] for match in _TRUST_EXTERNAL_ID.finditer(case.text)))
    registered = _typed(case, "external_id")
    if len(demanded) != 1 or not demanded[0].startswith(("proj_", "org-")):
        return cannot_tell(
            "Look at the ExternalId in your trust policy: proj_… is right only where you registered that project's id "
            "as external_id, org-… only where you registered the organization's id."
        )
    value = demanded[0]
    kinds = {value.split("-")[0].split("_")[0], registered.split("-")[0].split("_")[0]}
    if registered and kinds == {"proj", "org"}:
        return confirmed(
            f"The trust policy in the text demands {value}, and you registered {registered}: one is a project's id, "
            "the other an organization's.",
            value,
        )
    if registered and len(kinds) == 1:
        return ruled_out("Both the trust policy in the text and your registration hold the same kind of id.", value)
    return cannot_tell(
        f"The trust policy in the text demands {value}. That is right only where you registered that very id."
    )


def ciphertext_wording(case: Case) -> Ruling:
    """KMS's bare sentence about a ciphertext: three readings, which the text cannot tell apart."""
    if "ciphertext refers to" in case.text.lower():
        return cannot_tell(
            "KMS says that the key behind this ciphertext does not exist, is in another Region, or is closed to the "
            "caller, and does not say which. Look whether the key exists in that Region; if so, it is a matter of "
            "permission."
        )
    return cannot_tell("Look whether the data was encrypted under the key that is registered now.")


# RE2, since some wordings begin with a whole ARN: tried at every character, that is the slowest search of all.
_ANY_CASE = re2.Options()
_ANY_CASE.case_sensitive = False


def wording(pattern: str, because: str, otherwise: str, instead: str = "") -> Check:
    """Confirms where ``pattern`` stands in the text: the provider's own words state the cause.

    Rules out where only ``instead`` stands there: words that state something which cannot hold together with it.
    """
    compiled = re2.compile(pattern, _ANY_CASE)
    contrary = re2.compile(instead, _ANY_CASE) if instead else None

    def check(case: Case) -> Ruling:
        if match := compiled.search(case.text):
            return confirmed(because, match.group())
        if contrary and (match := contrary.search(case.text)):
            return ruled_out("The text states something else.", match.group())
        return cannot_tell(otherwise)

    return check


def trust_open(otherwise: str) -> Check:
    """For causes within the trust policy: AWS may name that policy, and never says which part of it."""

    def check(case: Case) -> Ruling:
        named = {reason.policy for reason in _reasons(case, "sts:AssumeRole") if not reason.explicit}
        if named & {Policy.TRUST, Policy.RESOURCE}:
            return cannot_tell(
                f"AWS says that the role's trust policy does not allow the call, and not why: its Principal, its "
                f"ExternalId or another condition. {otherwise}"
            )
        return cannot_tell(otherwise)

    return check


def principal_differs(case: Case) -> Ruling:
    """The Principals of a trust policy in the text against OpenAI's role.

    With several trust policies the text does not say which is the role's; a masked Principal may be any.
    """
    shown = _trust_statements(case.text)
    if shown is None:
        seen = "" if '"Principal"' in case.text else "The text does not show your trust policy. "
        return trust_open(f"{seen}Compare its Principal, letter by letter, with {vendor.AWS_PRINCIPAL}.")(case)
    named = [one.value for statement in shown for one in statement.principals or () if one.type == "AWS"]
    if any(statement.not_principal or not statement.principals for statement in shown) or any(map(is_masked, named)):
        return cannot_tell(
            f"The trust policy in the text does not show its Principals whole. One must be {vendor.AWS_PRINCIPAL}."
        )
    for value in named:
        if value in _OPENAI_PRINCIPALS:
            return ruled_out("A Principal of the trust policy in the text lets OpenAI's role in.", value)
    whom = f"names {' and '.join(named[:3])}" if named else "names no AWS principal"
    other = ""
    if vendor.AWS_OTHER_PRINCIPAL in named:
        other = " The role CustomerStorage belongs to another OpenAI product."
    return confirmed(
        f"The trust policy in the text {whom} for sts:AssumeRole, and not {vendor.AWS_PRINCIPAL}.{other}",
        *([value for value in named[:3] if value in case.text] or ["Principal"]),
    )


_OPENAI_PRINCIPALS = frozenset(
    {vendor.AWS_PRINCIPAL, vendor.AWS_SESSION, vendor.AWS_ACCOUNT, f"arn:aws:iam::{vendor.AWS_ACCOUNT}:root", "*"}
)
_POLICY_BEGINS = re.compile(r"\{\s{0,200}\"(?:Version|Id|Statement)\"")
_MOST_POLICIES = 5


def _trust_statements(text: str) -> list[Statement] | None:
    """What the one trust policy in a text says of sts:AssumeRole under Allow; None where it shows none, or several.

    What has no Principal is no trust policy, but one that allows its holder to assume roles.
    """
    # Imported here: few pastes hold a policy, and every start of the app would wait for its reader.
    from ekm_core.aws.iam.documents import Kind, parse
    from ekm_core.aws.iam.matching import action_matches

    def allows(statement: Statement) -> bool:
        named = any(action_matches(action, "sts:AssumeRole") for action in statement.actions)
        return statement.principals is not None and statement.allow and named is not statement.not_action

    found: list[list[Statement]] = []
    for begin in islice(_POLICY_BEGINS.finditer(text), _MOST_POLICIES):
        try:
            policy, _ = json.JSONDecoder().raw_decode(text, begin.start())
        except (ValueError, RecursionError):
            continue
        allowing = [statement for statement in parse(policy, Kind.TRUST).statements if allows(statement)]
        if allowing and allowing not in found:
            found.append(allowing)
    return found[0] if len(found) == 1 else None


def first_confirmed(*checks: Check, otherwise: str) -> Check:
    """The first confirmation among several checks, else cannot tell."""

    def check(case: Case) -> Ruling:
        for one in checks:
            ruling = one(case)
            if ruling.verdict is Verdict.CONFIRMED:
                return ruling
        return cannot_tell(otherwise)

    return check
