"""What all proofs share: the registered values with the evidence, rulings, and how a statement is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ekm_core import vendor
from ekm_core.aws import evidence
from ekm_core.aws import snippets as aws
from ekm_core.aws.account import AwsEvidence, PolicyText, Tags
from ekm_core.aws.iam.documents import Document, Kind, Statement, parse
from ekm_core.aws.iam.request import Request, Value, assume_role_request, kms_request
from ekm_core.model import Case, Change, Check, Provider, Ruling, Snippet, Verdict
from ekm_core.pasted import shown as short

_ROLE = re.compile(r"arn:aws[a-z-]{0,12}:iam::[0-9]{12}:role/[\w+=,.@/-]{1,600}", re.ASCII)
_KEY = re.compile(r"arn:aws[a-z-]{0,12}:kms:[a-z0-9-]{2,30}:[0-9]{12}:(?:key|alias)/[\w/-]{1,256}", re.ASCII)
# What a person puts in the place of a value. One "*" alone is a wildcard, in an ExternalId often by mistake.
_MASK = re.compile(r"\*{2,}|x{3,}|[#<>\[\]…]|\.\.\.|redacted|masked|hidden", re.IGNORECASE)
# Account numbers of AWS's documentation and of hand-made masks.
_EXAMPLE_ACCOUNT = re.compile(r"([0-9])\1{11}|123456789012|012345678901|111122223333|444455556666|777788889999")
_MOST_SHOWN = 600

UNREGISTERED = "We do not know what you registered. Give the configuration too."
_EVERYTHING = {"Version": aws.VERSION, "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
# The caller's side where it is not what is asked: OpenAI's own account, or a role that may do everything.
ALLOW_ALL = parse(_EVERYTHING, Kind.IDENTITY)


@dataclass(frozen=True, slots=True)
class Setting:
    """What is registered (as given; "" where it is not), and what is known of the account."""

    role: str
    key: str
    external_id: str
    organization: str
    evidence: AwsEvidence

    @property
    def role_is_whole(self) -> bool:
        """Whether the registered role ARN is one that a role can have, without a masked part."""
        return is_whole(self.role, _ROLE) and aws.arn_part(self.role, "account") != vendor.AWS_ACCOUNT

    @property
    def of_other_account(self) -> str:
        """A sentence where the evidence is of another account than the role's, as far as it names one; else "".

        Lists of a role's policies do not name their account, so that those of a role of the same name look alike.
        """
        account, name = aws.arn_part(self.role, "account"), aws.arn_part(self.role, "rest").rpartition("/")[2]
        named = {entry.place for entry in self.evidence.roles if entry.owner == name and entry.place}
        accounts = named or {one for group in self.evidence.callers.values() for one in group}
        if not accounts or account in accounts:
            return ""
        return f"The evidence is of account {listed(sorted(accounts))}, and the registered role is in {account}."

    @property
    def key_is_whole(self) -> bool:
        """Whether the registered key ARN is one that a key or an alias can have, without a masked part."""
        return is_whole(self.key, _KEY)


def assume_role(setting: Setting, external_id: str, role: str = "") -> Request:
    """OpenAI's call for a role (the registered one, if none is given), with what the evidence shows around it."""
    arn = role or setting.role
    organization = setting.evidence.organization_of(aws.arn_part(arn, "account"))
    request = assume_role_request(arn, external_id, organization=organization)
    found = setting.evidence.role(arn).value
    return _tagged(request, found.tags if found else None, "aws:ResourceTag/", "iam:ResourceTag/")


def _tagged(request: Request, tags: Tags | None, *families: str) -> Request:
    """The request, with all tags of what it asks for where they are known."""
    if tags is None:
        return request
    context = {**request.context, **{f"{family}{name}": value for family in families for name, value in tags}}
    return replace(request, context=context, closed=tuple(family.lower() for family in families))


def use_key(setting: Setting, key: str, action: str) -> Request:
    """The registered role's call on a key, with what the evidence shows around it.

    OpenAI names the key in its call as it is registered: by an alias only where that is registered.
    """
    evidence = setting.evidence
    registered = aws.arn_part(setting.key, "rest")
    known: dict[str, Value] = {"kms:RequestAlias": registered if registered.startswith("alias/") else ()}
    texts = {
        "aws:PrincipalOrgID": evidence.organization_of(aws.arn_part(setting.role, "account")),
        "aws:ResourceOrgID": evidence.organization_of(aws.arn_part(key, "account")),
    }
    found = evidence.key(key).value
    if found is not None:
        texts |= {"kms:KeySpec": found.spec, "kms:KeyUsage": found.usage, "kms:KeyOrigin": found.origin}
        if found.multi_region is not None:
            known["kms:MultiRegion"] = str(found.multi_region).lower()
    known |= {name: value for name, value in texts.items() if value}
    if (aliases := evidence.aliases_of(key)) is not None:
        known["kms:ResourceAliases"] = aliases
    return _tagged(kms_request(setting.role, key, action, known=known), evidence.tags(key).value, "aws:ResourceTag/")


def is_whole(value: str, pattern: re.Pattern[str]) -> bool:
    """Whether a value has its form and no part of it was made unreadable."""
    return len(value) <= 700 and pattern.fullmatch(value) is not None and not is_masked(value)


def setting(case: Case) -> Setting | None:
    """The case's set-up, read once; None where the configuration is not given or of another cloud."""
    configured = case.configuration
    if configured is None or configured.provider is not Provider.AWS:
        return None
    key = ("aws.setting",)
    if key not in case.memo:
        case.memo[key] = Setting(
            configured.get("role_arn"),
            configured.get("kms_arn"),
            configured.get("external_id"),
            configured.organization_id.strip(),
            evidence.read(case.evidence),
        )
    found: Setting = case.memo[key]
    return found


# ------------------------------------------------------------------------------------------------------------- rulings
def holds(because: str, shown: Iterable[str], changes: Iterable[Change] = ()) -> Ruling:
    """The set-up proves the cause."""
    return Ruling(Verdict.CONFIRMED, because, shown=tuple(shown), changes=tuple(changes))


def fails(because: str, shown: Iterable[str]) -> Ruling:
    """The set-up proves that it is not this."""
    return Ruling(Verdict.RULED_OUT, because, shown=tuple(shown))


def stays_open(because: str, *missing: Snippet) -> Ruling:
    """The set-up does not decide it; ``missing`` are the commands whose output would."""
    whole = because[:1].upper() + because[1:] + ("" if because.endswith((".", ")")) else ".")
    return Ruling(Verdict.CANNOT_TELL, whole, missing=tuple(dict.fromkeys(missing)))


def only_if(proof: Check, *, not_that: Check, nor: Check) -> Check:
    """The proof, as far as the message is about the registered set-up.

    not_that: confirms that the caller in the message is another: then nothing is confirmed, for the message has another
    reason. nor: confirms that the message is about another role or key: then nothing is decided.
    """

    def guarded(case: Case) -> Ruling:
        ruling = proof(case)
        if ruling.verdict is Verdict.CANNOT_TELL or not case.text:
            return ruling
        if nor(case).verdict is Verdict.CONFIRMED:
            return replace(
                stays_open(f"The message is about something else than what you registered. {nor(case).because}"),
                shown=ruling.shown,
            )
        if ruling.verdict is Verdict.CONFIRMED and not_that(case).verdict is Verdict.CONFIRMED:
            because = "The call in the message is not OpenAI's, so it has another reason. For OpenAI's own call: "
            return replace(stays_open(because + ruling.because), shown=ruling.shown)
        return ruling

    return guarded


# ----------------------------------------------------------------------------------------------------------- documents
def is_masked(value: str) -> bool:
    """Whether a part of the value was made unreadable, or is a placeholder; such a value proves nothing."""
    return _MASK.search(value) is not None


def is_example_account(account: str) -> bool:
    """Whether an account number is one of AWS's documentation, or one digit twelve times."""
    return _EXAMPLE_ACCOUNT.fullmatch(account) is not None


def masked_value(document: Document, setting: Setting) -> str:
    """The first value in a document that was made unreadable, or "".

    The registered role or key under an account number of the documentation is one too.
    """
    own = {aws.arn_part(arn, "rest"): aws.arn_part(arn, "account") for arn in (setting.role, setting.key)}
    for statement in document.statements:
        values = [
            *(principal.value for principal in statement.principals or ()),
            *(statement.resources or ()),
            *(value for condition in statement.conditions for value in condition.values),
        ]
        for value in values:
            account, rest = aws.arn_part(value, "account"), aws.arn_part(value, "rest")
            if is_masked(value) or (own.get(rest, account) != account and is_example_account(account)):
                return value
    return ""


def read_policy(policy: PolicyText, kind: Kind, setting: Setting) -> Document | Ruling:
    """The policy's document, or why it proves nothing: faulty, masked, or with expressions of Terraform in it."""
    if policy.unknown:
        return stays_open(
            f"{policy.title} holds {short(policy.unknown[0])}, which only Terraform can resolve. Give what AWS has "
            "saved instead."
        )
    if policy.problems:
        return stays_open(f"{policy.title} cannot be read. {policy.problems[0]}")
    document = parse(policy.value, kind)
    if document.problems:
        first = document.problems[0]
        where = f" at {first.path}" if first.path else ""
        return stays_open(
            f"AWS would refuse to save {in_sentence(policy.title)}{where}, so it cannot be what stands there. "
            f"{first.reason}"
        )
    if value := masked_value(document, setting):
        return stays_open(
            f"{policy.title} holds “{short(value)}”, which looks masked or like a placeholder. If it stands there "
            "word for word, put your own value in its place; else give the policy unchanged."
        )
    return document


def in_sentence(title: str) -> str:
    """A document's title in the middle of a sentence: "Trust policy of role r" becomes "the trust policy of role r"."""
    if title.startswith(("The ", "Trust ", "Key ", "Inline ", "Managed ", "Permissions ")):
        lower = title[0].lower() + title[1:]
        return lower if title.startswith("The ") else f"the {lower}"
    return f"the {title}"


def show(policy: PolicyText, statement: Statement) -> str:
    """One statement of a policy with its place and its source."""
    raw = policy.value["Statement"]
    words = json.dumps(raw[statement.index] if isinstance(raw, list) else raw, ensure_ascii=False)
    place = f"{policy.title}, statement {statement.index + 1}"
    return f"{place} (from {policy.source}): {short(words, _MOST_SHOWN)}"


def show_whole(policy: PolicyText) -> str:
    """A policy that as a whole shows something, by what its statements are."""
    return f"{policy.title} (from {policy.source}): {short(json.dumps(policy.value, ensure_ascii=False), _MOST_SHOWN)}"


def listed(values: Iterable[str]) -> str:
    """Up to four values for a sentence."""
    unique = list(dict.fromkeys(short(value) for value in values))
    more = f" and {len(unique) - 4} more" if len(unique) > 4 else ""
    return ", ".join(unique[:4]) + more
