"""Proofs within the role's trust policy: whom it names, which ExternalId it demands, what else, and what it denies.

Each cause is a question to the evaluator about a part of the policy: the same statements with only their principals,
only their ExternalId, or only the rest left in. OpenAI's own side of the call is taken as allowed (article 20000947).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ekm_core import vendor
from ekm_core.aws import checks
from ekm_core.aws import snippets as aws
from ekm_core.aws.account import PolicyText
from ekm_core.aws.iam.conditions import Condition, parse_operator
from ekm_core.aws.iam.documents import Document, Kind, Principal, Statement, parse
from ekm_core.aws.iam.evaluate import Policies, Result, evaluate
from ekm_core.aws.proofs import changes, common
from ekm_core.aws.proofs.common import Setting, fails, holds, stays_open
from ekm_core.evidence import State
from ekm_core.model import Case, Change, Check, Ruling, Snippet, Verdict

ACTION = "sts:AssumeRole"
_OPENAI_ID = re.compile(r"(?:org-|proj_)\w{4,}")
_SESSIONS = f"arn:aws:sts::{vendor.AWS_ACCOUNT}:assumed-role/EnterpriseKeyManagement/"
_UNIQUE_ID = re.compile(r"A[A-Z0-9]{15,127}")
_TRUE, _FALSE = Result.ALLOWED, Result.IMPLICITLY_DENIED


@dataclass(frozen=True, slots=True)
class Trust:
    """The registered role's trust policy, ready to be asked."""

    setting: Setting
    policy: PolicyText
    document: Document

    @property
    def allows(self) -> tuple[Statement, ...]:
        """The statements that allow anything."""
        return tuple(statement for statement in self.document.statements if statement.allow)

    @property
    def denies(self) -> tuple[Statement, ...]:
        """The Deny statements."""
        return tuple(statement for statement in self.document.statements if not statement.allow)

    @property
    def name(self) -> str:
        """The policy in the middle of a sentence."""
        return common.in_sentence(self.policy.title)

    def result(self, statements: Iterable[Statement], external_id: str = "") -> Result:
        """AWS's decision on OpenAI's call under these statements; without an external_id, with the registered one."""
        sent = external_id or self.setting.external_id
        given = tuple(statements)
        if not sent and any(is_external_id(line) for item in given for line in item.conditions):
            return Result.UNKNOWN
        document = replace(self.document, statements=given)
        request = common.assume_role(self.setting, sent)
        return evaluate(request, Policies(identity=(common.ALLOW_ALL,), resource=document)).result

    def names_openai(self, statement: Statement) -> Result:
        """Whether an Allow statement reaches OpenAI's role by its principals (and the conditions on them)."""
        lines = tuple(line for line in statement.conditions if _is_about_principal(line))
        result = self.result([_anything(statement, statement.principals, lines)])
        unsure = any(_is_unsure(principal) for principal in statement.principals or ())
        return Result.UNKNOWN if result is not _TRUE and unsure else result

    def asks_more(self, statement: Statement) -> bool:
        """Whether an Allow statement names OpenAI, and conditions on the caller leave open whether it reaches it."""
        named = self.result([_anything(statement, statement.principals, ())])
        return named is _TRUE and self.names_openai(statement) is Result.UNKNOWN

    def external_id_fits(self, statement: Statement) -> Result:
        """Whether an Allow statement's conditions on the ExternalId hold for the registered one."""
        lines = tuple(line for line in statement.conditions if is_external_id(line))
        return self.result([_anything(statement, _EVERYONE, lines)])

    def rest_fits(self, statement: Statement) -> Result:
        """Whether all but principal and ExternalId of an Allow statement lets the call through."""
        lines = tuple(
            line for line in statement.conditions if not is_external_id(line) and not _is_about_principal(line)
        )
        return self.result([replace(statement, principals=_EVERYONE, conditions=lines)])

    def for_openai(self) -> tuple[Statement, ...]:
        """The Allow statements that name OpenAI's role; else those that are plainly meant for OpenAI."""
        named = tuple(item for item in self.allows if self.names_openai(item) is _TRUE)
        return named or tuple(item for item in self.allows if _is_meant(item))


_EVERYONE = (Principal("AWS", "*"),)


def _anything(
    statement: Statement, principals: tuple[Principal, ...] | None, conditions: tuple[Condition, ...]
) -> Statement:
    """The statement for sts:AssumeRole with these principals and conditions alone."""
    return replace(statement, actions=(ACTION,), not_action=False, principals=principals, conditions=conditions)


def is_external_id(line: Condition) -> bool:
    """Whether a condition is about the ExternalId."""
    return line.key.lower() == "sts:externalid"


def _is_about_principal(line: Condition) -> bool:
    return line.key.lower().startswith("aws:principal") or line.key.lower() == "aws:userid"


def _is_unsure(principal: Principal) -> bool:
    """Whether it may be OpenAI all the same: another session of its role, a unique id, or a masked account."""
    value = principal.value
    account, rest = aws.arn_part(value, "account"), aws.arn_part(value, "rest")
    masked = common.is_example_account(account) and "EnterpriseKeyManagement" in rest
    return value.startswith(_SESSIONS) or _UNIQUE_ID.fullmatch(value) is not None or masked


def _is_meant(statement: Statement) -> bool:
    """Whether a statement that does not name OpenAI's role was made for OpenAI: by its account, or by an OpenAI id."""
    if any(vendor.AWS_ACCOUNT in principal.value for principal in statement.principals or ()):
        return True
    return any(_OPENAI_ID.fullmatch(value) for value in demanded_ids([statement]))


def demanded_ids(statements: Iterable[Statement]) -> tuple[str, ...]:
    """The ExternalIds that conditions ask for by a text operator, in order: an Allow that they be equal, a Deny that
    they be not."""
    found = []
    for statement in statements:
        for line in statement.conditions:
            parsed = parse_operator(line.operator)
            if parsed is None or not is_external_id(line) or parsed.negated is statement.allow:
                continue
            if parsed.family.startswith("string"):
                found += list(line.values)
    return tuple(dict.fromkeys(found))


# --------------------------------------------------------------------------------------------------------- the policy
def trust_of(case: Case) -> Trust | Ruling:
    """The registered role's trust policy, or the ruling for every cause that stands in it."""
    key = ("aws.trust",)
    if key not in case.memo:
        case.memo[key] = _trust_of(case)
    found: Trust | Ruling = case.memo[key]
    return found


def _trust_of(case: Case) -> Trust | Ruling:
    setting = common.setting(case)
    if setting is None:
        return stays_open(common.UNREGISTERED)
    if not setting.role_is_whole:
        return stays_open("The registered role_arn is not the whole ARN of a role of yours. Give it unmasked.")
    if reason := setting.of_other_account:
        return stays_open(reason, aws.show_role(case.values))
    fact = setting.evidence.trust(setting.role)
    if fact.state is State.ABSENT:
        because = "There is no such role in its account, so no trust policy refuses the call."
        return fails(because, (f"{fact.source}: {fact.because}",))
    if fact.value is None:
        return stays_open(fact.because, aws.show_role(case.values), who_am_i())
    document = common.read_policy(fact.value, Kind.TRUST, setting)
    if isinstance(document, Ruling):
        return replace(document, missing=(aws.show_role(case.values),))
    if setting.external_id and common.is_masked(setting.external_id):
        return stays_open("The registered external_id is masked or still a placeholder. Give the real one.")
    return Trust(setting, fact.value, document)


def who_am_i() -> Snippet:
    """Which account the commands run in: without it "no such role" may only mean "not in this account"."""
    return aws.command("Show the account that you are signed in to", "sts", "get-caller-identity")


def _judged(proof: Check) -> Check:
    return common.only_if(proof, not_that=checks.own_assume_role, nor=checks.other_role)


def _allowed_by(trust: Trust) -> tuple[str, ...]:
    """Where OpenAI's whole call is allowed, the statements that allow it; else ()."""
    if trust.result(trust.document.statements) is not _TRUE:
        return ()
    return tuple(common.show(trust.policy, item) for item in trust.allows if trust.result([item]) is _TRUE)


def _lets_in(trust: Trust) -> str:
    return f"As your evidence stands now, {trust.name} lets OpenAI's role in with the registered ExternalId."


def _shown(trust: Trust, statements: Sequence[Statement]) -> tuple[str, ...]:
    if not statements:
        return (common.show_whole(trust.policy),)
    return tuple(common.show(trust.policy, item) for item in statements[:4])


# ---------------------------------------------------------------------------------------------------------- the causes
def _principal_missing(case: Case) -> Ruling:
    trust = trust_of(case)
    if isinstance(trust, Ruling):
        return trust
    results = [(item, trust.names_openai(item)) for item in trust.allows]
    named = [item for item, result in results if result is _TRUE]
    if named:
        return fails(f"{_begin(trust.name)} names OpenAI's role or its account.", _shown(trust, named))
    if any(result is not _FALSE for _, result in results):
        return stays_open(
            f"It cannot be told offline whether a principal of {trust.name} is OpenAI. Name "
            f"{vendor.AWS_PRINCIPAL} itself."
        )
    principals = [principal.value for item in trust.allows for principal in item.principals or ()]
    whom = f"It names {common.listed(principals)}." if principals else "It allows nobody."
    other = ""
    if vendor.AWS_OTHER_PRINCIPAL in principals:
        other = " The role CustomerStorage belongs to another OpenAI product."
    because = f"No statement of {trust.name} lets OpenAI's role {vendor.AWS_PRINCIPAL} in. {whom}{other}"
    return holds(because, _shown(trust, trust.allows), _corrected(trust))


def _external_id(trust: Trust) -> tuple[Verdict, tuple[Statement, ...]]:
    """Whether the ExternalId is wrong, and the statements that show it."""
    if trust.result(trust.document.statements) is _TRUE:
        return Verdict.RULED_OUT, tuple(item for item in trust.allows if trust.result([item]) is _TRUE)
    denying = tuple(item for item in trust.denies if _denies_by_external_id(trust, item))
    if denying:
        return Verdict.CONFIRMED, denying
    candidates = trust.for_openai()
    fitting = tuple(item for item in candidates if trust.rest_fits(item) is _TRUE)
    asked = fitting or candidates
    results = [trust.external_id_fits(item) for item in asked]
    if asked and all(result is _TRUE for result in results):
        return Verdict.RULED_OUT, asked
    if asked and all(result is _FALSE for result in results) and demanded_ids(asked):
        return Verdict.CONFIRMED, asked
    if not asked and not demanded_ids(trust.document.statements):
        return Verdict.RULED_OUT, trust.allows
    return Verdict.CANNOT_TELL, asked


def _denies_by_external_id(trust: Trust, statement: Statement) -> bool:
    """Whether a Deny statement applies, and would not for an ExternalId that it names itself."""
    if _applies(trust, statement) is not True or not trust.setting.external_id:
        return False
    ids = demanded_ids([statement])
    return any(_applies(trust, statement, value) is False for value in ids if "*" not in value)


def _external_id_mismatch(case: Case) -> Ruling:
    trust = trust_of(case)
    if isinstance(trust, Ruling):
        return trust
    verdict, statements = _external_id(trust)
    if verdict is Verdict.RULED_OUT:
        if _allowed_by(trust):
            return fails(_lets_in(trust), _shown(trust, statements))
        because = "What is meant for OpenAI there demands no other ExternalId than the registered one."
        return fails(because, _shown(trust, statements))
    if verdict is Verdict.CANNOT_TELL:
        return _id_open(trust)
    ids = demanded_ids(statements)
    registered = trust.setting.external_id
    because = (
        f"{_begin(trust.name)} demands the ExternalId {common.listed(ids)}, and OpenAI sends the registered "
        f"{common.listed([registered])}.{_difference(ids, registered)} {_which(trust.setting)}"
    )
    return holds(because, _shown(trust, statements), _corrected(trust))


def _id_open(trust: Trust) -> Ruling:
    if not trust.setting.external_id:
        return stays_open(f"{_begin(trust.name)} demands an ExternalId. Give the external_id that you registered, too.")
    return stays_open(f"Which ExternalId {trust.name} demands of OpenAI cannot be told from it. Compare it yourself.")


def _difference(ids: Sequence[str], registered: str) -> str:
    """What the eye may miss between two ids."""
    if any(value.strip() == registered for value in ids):
        return " The one in the trust policy has a blank at its beginning or end, which counts."
    if any(value.lower() == registered.lower() for value in ids):
        return " They differ in upper and lower case only, which counts."
    return ""


def registration_is_wrong(setting: Setting) -> bool:
    """Whether the registered ExternalId is surely the wrong one: an organization's, and not that of the user."""
    organizations = (setting.external_id, setting.organization)
    return all(value.startswith("org-") for value in organizations) and len(set(organizations)) == 2


def _which(setting: Setting) -> str:
    """Which of the two ids is to be corrected, as far as that is known."""
    if registration_is_wrong(setting):
        return f"Your organization is {common.listed([setting.organization])}, so the registration is what to correct."
    if setting.organization == setting.external_id:
        return "The registered one is your organization's, so the trust policy is what to correct."
    return (
        "If the registered one is right, correct the trust policy; if the one in the trust policy is right, register "
        "that."
    )


def _project_id(case: Case) -> Ruling:
    trust = trust_of(case)
    if isinstance(trust, Ruling):
        return trust
    verdict, statements = _external_id(trust)
    ids, registered = demanded_ids(statements), trust.setting.external_id
    kinds = {_kind(value) for value in ids}
    if verdict is Verdict.RULED_OUT:
        because = f"{_begin(trust.name)} demands no id of another kind than the registered one."
        return fails(_lets_in(trust) if _allowed_by(trust) else because, _shown(trust, statements))
    if verdict is Verdict.CANNOT_TELL:
        return _id_open(trust)
    if len(kinds) == 1 and _kind(registered) and "" not in kinds:
        if kinds == {_kind(registered)}:
            because = f"The registered id and the one that {trust.name} demands are both {_kind(registered)}'s id."
            return fails(because, _shown(trust, statements))
        because = (
            f"{_begin(trust.name)} demands {common.listed(ids)}, which is {_kind(ids[0])}'s id, and "
            f"{common.listed([registered])}, {_kind(registered)}'s id, is registered. {_which(trust.setting)}"
        )
        return holds(because, _shown(trust, statements), _corrected(trust))
    return stays_open("One of the two ids is neither an organization's (org-…) nor a project's (proj_…).")


def _kind(value: str) -> str:
    return "an organization" if value.startswith("org-") else "a project" if value.startswith("proj_") else ""


def _explicit_deny(case: Case) -> Ruling:
    trust = trust_of(case)
    if isinstance(trust, Ruling):
        return trust
    applying = [item for item in trust.denies if _applies(trust, item)]
    if applying:
        because = f"A Deny statement in {trust.name} covers OpenAI's call, and a Deny always wins."
        return holds(because, _shown(trust, applying), _corrected(trust))
    if any(_applies(trust, item) is None for item in trust.denies):
        return stays_open(
            f"Whether a Deny statement of {trust.name} applies hangs on something that nobody can know offline.",
        )
    because = f"No Deny statement in {trust.name} applies to OpenAI's call."
    return fails(because, _shown(trust, trust.denies))


def _applies(trust: Trust, statement: Statement, external_id: str = "") -> bool | None:
    """Whether a Deny statement covers OpenAI's call."""
    welcome = replace(_anything(statement, _EVERYONE, ()), allow=True)
    result = trust.result([welcome, statement], external_id)
    return {Result.EXPLICITLY_DENIED: True, Result.ALLOWED: False}.get(result)


def _other_condition(case: Case) -> Ruling:
    trust = trust_of(case)
    if isinstance(trust, Ruling):
        return trust
    if allowing := _allowed_by(trust):
        return fails(_lets_in(trust), allowing)
    candidates = trust.for_openai()
    results = [trust.rest_fits(item) for item in candidates]
    if any(result is _TRUE for result in results) and all(trust.asks_more(item) for item in candidates):
        # A condition on the caller's organization or tags is another condition, too.
        results = [Result.UNKNOWN]
    if all(result is _FALSE for result in results) and candidates:
        because = (
            f"The statement for OpenAI in {trust.name} asks for more than the right caller and ExternalId, and "
            f"OpenAI's call does not meet it: {_misses(trust, candidates[0])}."
        )
        return holds(because, _shown(trust, candidates), _corrected(trust))
    if any(result is _TRUE for result in results) or not candidates:
        because = f"Beside principal and ExternalId, nothing in {trust.name} keeps OpenAI out."
        return fails(because, _shown(trust, candidates or trust.allows))
    return stays_open(
        f"{_begin(trust.name)} holds a condition on something that nobody can know offline: {_open_keys(trust)}.",
    )


def _misses(trust: Trust, statement: Statement) -> str:
    lines = tuple(line for line in statement.conditions if not is_external_id(line) and not _is_about_principal(line))
    document = replace(trust.document, statements=(replace(statement, principals=_EVERYONE, conditions=lines),))
    request = common.assume_role(trust.setting, trust.setting.external_id)
    near = evaluate(request, Policies(identity=(common.ALLOW_ALL,), resource=document)).near
    return "; ".join(miss.words for place in near for miss in place.misses if not miss.unknown)


def _open_keys(trust: Trust) -> str:
    keys = (line.key for item in trust.for_openai() for line in item.conditions if not is_external_id(line))
    return common.listed(keys)


def _begin(words: str) -> str:
    return words[0].upper() + words[1:]


principal_missing = _judged(_principal_missing)
external_id_mismatch = _judged(_external_id_mismatch)
project_id = _judged(_project_id)
explicit_deny = _judged(_explicit_deny)
other_condition = _judged(_other_condition)


# ------------------------------------------------------------------------------------------------------ the correction
def _corrected(trust: Trust) -> tuple[Change, ...]:
    """The user's trust policy with all that keeps OpenAI out mended; () where it is not known what is right."""
    setting = trust.setting
    if not setting.external_id or registration_is_wrong(setting):
        return ()
    for whole_statement in (False, True):
        after = changes.copied(trust.policy)
        _mend_denies(trust, after)
        if whole_statement:
            changes.append(after, _statement(setting))
        else:
            _mend_allow(trust, after)
        corrected = parse(after, Kind.TRUST)
        if corrected.valid and trust.result(corrected.statements) is _TRUE:
            return (changes.change(trust.policy, after),)
    return ()


def _statement(setting: Setting) -> changes.Raw:
    return {
        "Sid": "OpenAIEKM",
        "Effect": "Allow",
        "Principal": {"AWS": vendor.AWS_PRINCIPAL},
        "Action": ACTION,
        "Condition": {"StringEquals": {"sts:ExternalId": setting.external_id}},
    }


def _mend_allow(trust: Trust, after: changes.Raw) -> None:
    """Corrects the statement that was made for OpenAI, or adds one where there is none."""
    candidates = trust.for_openai()
    if not candidates:
        changes.append(after, _statement(trust.setting))
        return
    statement = candidates[0]
    raw = changes.statements(after)[statement.index]
    if trust.names_openai(statement) is not _TRUE:
        _mend_principal(raw, statement)
    if trust.external_id_fits(statement) is not _TRUE:
        for line in statement.conditions:
            if is_external_id(line):
                block = raw["Condition"][line.operator]
                _mend_id(block, line, trust.setting.external_id)
    if not any(action.lower() in ("*", "sts:*", ACTION.lower()) for action in statement.actions):
        changes.add_value(raw, "Action", ACTION)


def _mend_principal(raw: changes.Raw, statement: Statement) -> None:
    """OpenAI's role in the place of the one wrong principal; beside the others where there are several."""
    principals = [principal.value for principal in statement.principals or () if principal.type == "AWS"]
    wrong = [value for value in principals if vendor.AWS_ACCOUNT in value] or principals
    if len(wrong) == 1:
        changes.replace_value(raw["Principal"], "AWS", wrong[0], vendor.AWS_PRINCIPAL)
    elif isinstance(raw.get("Principal"), dict):
        changes.add_value(raw["Principal"], "AWS", vendor.AWS_PRINCIPAL)


def _mend_id(block: changes.Raw, line: Condition, external_id: str) -> None:
    if len(line.values) == 1:
        block[line.key] = [external_id] if isinstance(block[line.key], list) else external_id
    else:
        changes.add_value(block, line.key, external_id)


def _mend_denies(trust: Trust, after: changes.Raw) -> None:
    """Lets each Deny statement that covers OpenAI's call spare it, by the ExternalId where that is what it asks for."""
    for statement in trust.denies:
        if not _applies(trust, statement):
            continue
        raw = changes.statements(after)[statement.index]
        if _denies_by_external_id(trust, statement):
            for line in statement.conditions:
                if is_external_id(line):
                    _mend_id(raw["Condition"][line.operator], line, trust.setting.external_id)
        else:
            changes.spare(raw, vendor.AWS_PRINCIPAL)
