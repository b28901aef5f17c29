"""Proofs of a denied KMS call: the role's own policies, its boundary, and the key policy.

Each cause is a question to the evaluator with all other sides taken as allowed. Sources of the rules are named in
``ekm_core.aws.iam.evaluate``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from ekm_core.aws import checks
from ekm_core.aws import snippets as aws
from ekm_core.aws.account import Key, PolicyText
from ekm_core.aws.iam.documents import Document, Kind, Statement, parse
from ekm_core.aws.iam.evaluate import Policies, Result, evaluate
from ekm_core.aws.iam.request import kms_request
from ekm_core.aws.proofs import changes, common
from ekm_core.aws.proofs.common import Setting, fails, holds, stays_open
from ekm_core.evidence import State
from ekm_core.facts import Fact
from ekm_core.model import Case, Change, Check, Ruling, Snippet

_TRUE, _FALSE, _DENIED = Result.ALLOWED, Result.IMPLICITLY_DENIED, Result.EXPLICITLY_DENIED
_AWS_MANAGED = ":iam::aws:policy/"


@dataclass(frozen=True, slots=True)
class Held:
    """One policy and its document."""

    policy: PolicyText
    document: Document


@dataclass(frozen=True, slots=True)
class Identity:
    """The role's own policies.

    certain: those that AWS said the role has. pasted: documents without that. gap: why these may not be all, or "".
    """

    certain: tuple[Held, ...]
    pasted: tuple[Held, ...]
    gap: str = ""

    @property
    def all(self) -> tuple[Held, ...]:
        """Both."""
        return (*self.certain, *self.pasted)


@dataclass(frozen=True, slots=True)
class Kms:
    """What a KMS call of the registered role on one key meets.

    key: the key's ARN. actions: those that are asked about. key_policy: the document, or why it is not known.
    boundary: None where the role has none. values: for the commands that would tell more.
    """

    setting: Setting
    case: Case
    key: str
    actions: tuple[str, ...]
    identity: Identity
    key_policy: Held | Ruling
    boundary: Held | Ruling | None

    @property
    def same_account(self) -> bool:
        """Whether role and key belong to one account."""
        return aws.arn_part(self.setting.role, "account") == aws.arn_part(self.key, "account")

    def result(
        self, action: str, identity: Sequence[Document], resource: Document, boundary: Document | None = None
    ) -> Result:
        """AWS's decision on the role's call under these documents."""
        request = kms_request(self.setting.role, self.key, action)
        return evaluate(request, Policies(identity=identity, resource=resource, boundary=boundary)).result

    def delegating(self) -> Document:
        """A key policy that leaves everything to the policies of the role's account."""
        account = aws.arn_part(self.setting.role, "account")
        partition = aws.arn_part(self.setting.role, "partition")
        principal = {"AWS": f"arn:{partition}:iam::{account}:root"}
        statement = {"Effect": "Allow", "Principal": principal, "Action": "kms:*", "Resource": "*"}
        return parse({"Version": aws.VERSION, "Statement": statement}, Kind.KEY)

    def own(self, action: str, held: Iterable[Held] | None = None) -> Result:
        """Whether the role's own policies allow the action on the key; UNKNOWN where some of them are not known."""
        given = self.identity.all if held is None else tuple(held)
        documents = [_only(item.document, allow=True) for item in given]
        result = self.result(action, documents, self.delegating())
        return Result.UNKNOWN if result is _FALSE and self.identity.gap else result

    def key_lets(self, action: str) -> Result:
        """Whether the key policy lets the role use the key, itself or by leaving it to the account."""
        if isinstance(self.key_policy, Ruling):
            return Result.UNKNOWN
        result = self.result(action, (common.ALLOW_ALL,), _only(self.key_policy.document, allow=True))
        return Result.UNKNOWN if result is _FALSE and self._may_name_by_id(self.key_policy.document) else result

    def _may_name_by_id(self, document: Document) -> bool:
        """Whether the key policy may name the role by its unique id: AWS shows that of a role that was deleted."""
        ids = {
            principal.value
            for statement in document.statements
            for principal in statement.principals or ()
            if statement.allow and principal.value.startswith("AROA")
        }
        role = self.setting.evidence.role(self.setting.role).value
        return bool(ids) and (role is None or not role.unique_id or role.unique_id in ids)

    def needs_own(self, action: str) -> bool | None:
        """Whether the role needs a policy of its own: across accounts always, else unless the key policy names it."""
        if not self.same_account:
            return True
        if isinstance(self.key_policy, Ruling):
            return None
        result = self.result(action, (), _only(self.key_policy.document, allow=True))
        return {_TRUE: False, _FALSE: True}.get(result)

    def granted(self) -> str:
        """A sentence on a grant that may let the role use the key, or ""."""
        fact = self.setting.evidence.grants(self.key)
        name = aws.arn_part(self.setting.role, "rest").rpartition("/")[2]
        wanted = {action.partition(":")[2] for action in self.actions}
        for grant in fact.value or ():
            rest = aws.arn_part(grant.grantee, "rest")
            is_role = grant.grantee == self.setting.role or rest.startswith(f"assumed-role/{name}/") or rest == "root"
            if is_role and wanted & set(grant.operations):
                return f"The grant {grant.id} on the key may allow it all the same, whatever the policies say."
        return ""


def _only(document: Document, *, allow: bool) -> Document:
    """The document with its Allow statements alone, or its Deny statements."""
    return replace(document, statements=tuple(item for item in document.statements if item.allow is allow))


# ------------------------------------------------------------------------------------------------------ what is known
def kms_of(case: Case) -> Kms | Ruling:
    """What the call meets, or the ruling for every cause of a denied KMS call."""
    key = ("aws.kms",)
    if key not in case.memo:
        case.memo[key] = _kms_of(case)
    found: Kms | Ruling = case.memo[key]
    return found


def _kms_of(case: Case) -> Kms | Ruling:
    setting = common.setting(case)
    if setting is None:
        return stays_open(common.UNREGISTERED)
    if not setting.role_is_whole or not setting.key_is_whole:
        return stays_open("role_arn and kms_arn are not both whole ARNs. Give them unmasked.")
    target = setting.evidence.resolve(setting.key)
    if target.value is None:
        return stays_open(f"Which key the alias {setting.key} points at is not shown.", aws.show_key(case.values))
    denied = {denial.action.lower() for denial in checks.denials(case, "kms")}
    actions = tuple(action for action in aws.ACTIONS if not denied or action.lower() in denied)
    if not actions:
        return stays_open(
            f"The message denies {common.listed(sorted(denied))}. EKM needs kms:Encrypt and kms:Decrypt only."
        )
    return on_key(case, setting, target.value, actions)


def on_key(case: Case, setting: Setting, key: str, actions: tuple[str, ...] = aws.ACTIONS) -> Kms:
    """What the registered role's calls on a key meet."""
    policy = setting.evidence.key_policy(key)
    held = _held(setting, policy, Kind.KEY, aws.show_key_policy(case.values))
    boundary = setting.evidence.boundary(setting.role)
    limit = (
        None if boundary.state is State.ABSENT else _held(setting, boundary, Kind.BOUNDARY, aws.show_role(case.values))
    )
    return Kms(setting, case, key, actions, _identity(setting), held, limit)


def _held(setting: Setting, fact: Fact[PolicyText], kind: Kind, command: Snippet) -> Held | Ruling:
    if fact.value is None:
        return stays_open(fact.because, command)
    document = common.read_policy(fact.value, kind, setting)
    return replace(document, missing=(command,)) if isinstance(document, Ruling) else Held(fact.value, document)


def _identity(setting: Setting) -> Identity:
    if reason := setting.of_other_account:
        return Identity((), (), reason)
    known = setting.evidence.identity(setting.role)
    bare = [entry.fact.value for entry in setting.evidence.pasted_identity]
    certain, pasted, gaps = [], [], list(known.missing)
    for policy in known.policies:
        document = common.read_policy(policy, Kind.IDENTITY, setting)
        if isinstance(document, Ruling):
            gaps.append(document.because)
        elif any(policy is item for item in bare):
            pasted.append(Held(policy, document))
        else:
            certain.append(Held(policy, document))
    if not known.complete and not gaps:
        gaps.append("Not every policy of the role could be read.")
    return Identity(tuple(certain), tuple(pasted), gaps[0] if gaps else "")


def _missing_identity(kms: Kms) -> tuple[Snippet, ...]:
    """The commands that show what is not known of the role's policies."""
    name, evidence = aws.arn_part(kms.setting.role, "rest").rpartition("/")[2], kms.setting.evidence
    lists = aws.show_identity(kms.case.values)[:2]
    attached = [entry.fact.value for entry in evidence.attached if entry.owner == name and entry.fact.value is not None]
    inline = [entry.fact.value for entry in evidence.inline if entry.owner == name and entry.fact.value is not None]
    commands = [command for command, seen in zip(lists, (inline, attached), strict=True) if not seen]
    given = {policy for policy, entry in evidence.inline_documents if entry.fact.value is not None}
    for policy in (policy for names in inline for policy in names if policy not in given):
        title = "Show an inline policy"
        commands.append(aws.command(title, "iam", "get-role-policy", role_name=name, policy_name=policy))
    for arn in (arn for arns in attached for arn in arns if evidence.managed(arn).value is None):
        version = next((fact.value for owner, fact in evidence.default_versions if owner == arn and fact.value), "")
        if not version:
            commands.append(aws.command("Show which version is in force", "iam", "get-policy", policy_arn=arn))
        title = "Show the version that is in force"
        options = {"policy_arn": arn, "version_id": version or "<DEFAULT_VERSION_ID>"}
        commands.append(aws.command(title, "iam", "get-policy-version", **options))
    return tuple(commands)


def _judged(proof: Callable[[Kms], Ruling]) -> Check:
    def judge(case: Case) -> Ruling:
        kms = kms_of(case)
        return kms if isinstance(kms, Ruling) else proof(kms)

    return common.only_if(judge, not_that=checks.kms_not_ekm_role, nor=checks.other_key)


# ------------------------------------------------------------------------------------------------ the role's own policy
def _lacking(kms: Kms) -> tuple[tuple[str, ...], Ruling | None]:
    """The actions that the role's own policies surely lack and need; else the ruling for both causes of this kind."""
    lacking = tuple(action for action in kms.actions if kms.own(action) is _FALSE and kms.needs_own(action))
    if lacking:
        if sentence := kms.granted():
            return (), stays_open(sentence)
        return lacking, None
    open_ = [action for action in kms.actions if kms.own(action) is not _TRUE and kms.needs_own(action) is not False]
    if not open_:
        if all(kms.own(action) is _TRUE for action in kms.actions):
            because = f"As your evidence stands now, the role's own policies allow {_words(kms.actions)} on the key."
            return (), fails(because, _allowing(kms))
        because = "The key policy itself lets the role use the key, so that it needs no policy of its own."
        return (), fails(because, _key_shown(kms))
    if any(kms.own(action) is _FALSE for action in open_) and isinstance(kms.key_policy, Ruling):
        because = (
            f"The role's own policies do not allow {_words(open_)}. Whether they have to hangs on the key policy. "
            f"{kms.key_policy.because}"
        )
        return (), stays_open(because, *kms.key_policy.missing)
    because = kms.identity.gap or "A condition in the role's policies hangs on something that nobody can know offline."
    return (), stays_open(because, *_missing_identity(kms))


def _identity_missing(kms: Kms) -> Ruling:
    lacking, otherwise = _lacking(kms)
    if otherwise is not None:
        return otherwise
    held = kms.identity.certain
    seen = [common.show_whole(item.policy) for item in held[:4]] or [
        f"{aws.arn_part(kms.setting.role, 'rest')} has no policies, attached or inline."
    ]
    because = f"No policy of the role allows {_words(lacking)} on {kms.key}.{_grants(kms)}"
    return holds(because, seen, _corrected_identity(kms))


def _wrong_resource(kms: Kms) -> Ruling:
    lacking, otherwise = _lacking(kms)
    if otherwise is not None:
        return otherwise
    wrong = [(item, statement) for item in kms.identity.certain for statement in _misdirected(kms, item, lacking)]
    if not wrong:
        because = "No statement of the role's policies allows the action on another key or on an alias."
        return fails(because, [common.show_whole(item.policy) for item in kms.identity.certain[:4]] or ["No policies."])
    named = [text for _, statement in wrong for text in statement.resources or () if _is_kms(text)]
    because = (
        f"The role's policy names {common.listed(named)}. That is {_what(named[0], kms.key)}; the registered key is "
        f"{kms.key}."
    )
    shown = [common.show(item.policy, statement) for item, statement in wrong]
    return holds(because, shown, _corrected_identity(kms))


def _misdirected(kms: Kms, held: Held, actions: Sequence[str]) -> list[Statement]:
    """Allow statements that would let the action through if only they named the key."""
    found = []
    for statement in held.document.statements:
        if not statement.allow or statement.not_resource or not any(map(_is_kms, statement.resources or ())):
            continue
        elsewhere = replace(held.document, statements=(replace(statement, resources=("*",)),))
        if any(kms.result(action, (elsewhere,), kms.delegating()) is _TRUE for action in actions):
            found.append(statement)
    return found


def _is_kms(resource: str) -> bool:
    return aws.arn_part(resource, "service") == "kms"


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
        return stays_open(because + common.show(item.policy, statement) + ".", *_missing_identity(kms))
    if kms.identity.gap:
        return stays_open(kms.identity.gap, *_missing_identity(kms))
    shown = [common.show_whole(item.policy) for item in kms.identity.certain[:4]]
    because = "The role's policies were all given, and no Deny statement in them covers the call."
    return fails(because, shown or ["The role has no policies, attached or inline."])


def _denies_identity(kms: Kms, held: Held, statement: Statement) -> bool | None:
    alone = replace(held.document, statements=(statement,))
    results = [kms.result(action, (common.ALLOW_ALL, alone), kms.delegating()) for action in kms.actions]
    return True if _DENIED in results else False if all(result is _TRUE for result in results) else None


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
    if all(result is _TRUE for result in results.values()):
        return fails("The role's permissions boundary allows the call.", shown)
    stopped = [action for action, result in results.items() if result in (_FALSE, _DENIED)]
    if not stopped:
        return stays_open("The boundary has a condition on something that nobody can know offline.")
    if isinstance(kms.key_policy, Ruling) and kms.same_account and _DENIED not in results.values():
        because = "The boundary does not allow the call. Whether it binds hangs on whom the key policy names."
        return stays_open(because, *kms.key_policy.missing)
    if not isinstance(kms.key_policy, Ruling) and kms.same_account:
        allows = _only(kms.key_policy.document, allow=True)
        direct = [kms.result(action, (), allows, limit.document) for action in stopped]
        if any(result is not _FALSE and result is not _DENIED for result in direct):
            return stays_open(
                "The key policy lets in more than the role by its ARN, so the boundary may not bind here."
            )
    if sentence := kms.granted():
        return stays_open(sentence)
    because = f"The role's permissions boundary {limit.policy.title} does not allow {_words(stopped)} on the key."
    return holds(because, shown)


# ----------------------------------------------------------------------------------------------------- the key's policy
def _key_policy_missing(kms: Kms) -> Ruling:
    if isinstance(kms.key_policy, Ruling):
        return kms.key_policy
    results = {action: kms.key_lets(action) for action in kms.actions}
    refused = [action for action, result in results.items() if result is _FALSE]
    if refused:
        if sentence := kms.granted():
            return stays_open(sentence)
        because = (
            f"No statement of {common.in_sentence(kms.key_policy.policy.title)} allows {_words(refused)} for the role "
            f"{kms.setting.role}, or leaves it to the policies of the role's account.{_grants(kms)}"
        )
        return holds(because, (common.show_whole(kms.key_policy.policy),), _corrected_key(kms))
    if any(result is not _TRUE for result in results.values()):
        return stays_open("A statement of the key policy hangs on something that nobody can know offline.")
    because = "As your evidence stands now, the key policy lets the role, or its account, use the key."
    return fails(because, _key_shown(kms))


def _key_deny(kms: Kms) -> Ruling:
    held = kms.key_policy
    if isinstance(held, Ruling):
        return held
    denies = [(item, _denies_key(kms, held, item)) for item in held.document.statements if not item.allow]
    applying = [item for item, applies in denies if applies]
    if applying:
        because = f"A Deny statement in {common.in_sentence(held.policy.title)} covers the role's call on the key."
        shown = [common.show(held.policy, item) for item in applying]
        return holds(because, shown, _spared(kms, held, applying))
    if any(applies is None for _, applies in denies):
        return stays_open("A Deny statement of the key policy hangs on something that nobody can know offline.")
    because = "No Deny statement of the key policy covers the role's call."
    return fails(because, (common.show_whole(held.policy),))


def _denies_key(kms: Kms, held: Held, statement: Statement) -> bool | None:
    document = replace(held.document, statements=(*kms.delegating().statements, statement))
    results = [kms.result(action, (common.ALLOW_ALL,), document) for action in kms.actions]
    return True if _DENIED in results else False if all(result is _TRUE for result in results) else None


def _other_account(kms: Kms) -> Ruling:
    shown = (f"role_arn: {kms.setting.role}", f"kms_arn: {kms.setting.key}")
    if kms.same_account:
        return fails("Role and key are in the same account.", shown)
    own = {kms.own(action) for action in kms.actions}
    lets = {kms.key_lets(action) for action in kms.actions}
    if own == lets == {_TRUE}:
        return fails("Role and key are in different accounts, and both sides allow the call.", shown)
    lacking = [
        words
        for results, words in ((own, "the role's own policies do not"), (lets, "the key policy does not"))
        if _FALSE in results
    ]
    if not lacking:
        missing = kms.key_policy.missing if isinstance(kms.key_policy, Ruling) else _missing_identity(kms)
        return stays_open("Role and key are in different accounts. Both sides must allow it.", *missing)
    if sentence := kms.granted():
        return stays_open(sentence)
    because = f"Role and key are in different accounts. Both sides must allow the call, and {' and '.join(lacking)}."
    changed = _corrected_key(kms) if _FALSE in lets else _corrected_identity(kms)
    both = _FALSE in lets and _FALSE in own
    return holds(because, shown, () if both else changed)


# ------------------------------------------------------------------------------------------------------- the right key
def permitted(kms: Kms) -> bool | None:
    """Whether the documents let the role use the key; None where that is not known."""
    own = [
        False
        if kms.needs_own(action) and kms.own(action) is _FALSE
        else True
        if kms.own(action) is _TRUE or kms.needs_own(action) is False
        else None
        for action in kms.actions
    ]
    lets = [{_TRUE: True, _FALSE: False}.get(kms.key_lets(action)) for action in kms.actions]
    if False in own or False in lets:
        return False
    return True if all(own) and all(lets) else None


def set_up_keys(case: Case, setting: Setting, registered: str) -> list[Fact[Key]]:
    """The other keys in the evidence that the registered role may use, and that EKM can use."""
    found: dict[str, Fact[Key]] = {}
    for entry in setting.evidence.keys:
        key = entry.fact.value
        if key is None or key.arn == registered or key.state != "Enabled" or key.spec != "SYMMETRIC_DEFAULT":
            continue
        if permitted(on_key(case, setting, key.arn)):
            found.setdefault(key.arn, entry.fact)
    return list(found.values())


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
        and kms.own(kms.actions[0], [replace(item, document=replace(item.document, statements=(statement,)))]) is _TRUE
    ][:4]


def _key_shown(kms: Kms) -> list[str]:
    held = kms.key_policy
    if isinstance(held, Ruling):
        return [f"kms_arn: {kms.setting.key}"]
    letting = [
        statement
        for statement in held.document.statements
        if statement.allow
        and kms.result(kms.actions[0], (common.ALLOW_ALL,), replace(held.document, statements=(statement,))) is _TRUE
    ]
    return [common.show(held.policy, item) for item in letting[:4]] or [common.show_whole(held.policy)]


# ---------------------------------------------------------------------------------------------------- the corrections
def _corrected_identity(kms: Kms) -> tuple[Change, ...]:
    """The one policy of the role that nearly allows both actions, mended; () where none does, or AWS owns it."""
    for held in kms.identity.certain:
        if _AWS_MANAGED in held.policy.title:
            continue
        for statement in held.document.statements:
            if not statement.allow or not any(map(_is_kms, statement.resources or ("",))):
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
            if corrected.document.valid and all(result is _TRUE for result in mended):
                return (changes.change(held.policy, after),)
    return ()


def _name_key(kms: Kms, raw: changes.Raw, statement: Statement, held: Held) -> None:
    """The key's ARN in the place of an alias, which grants nothing; beside another key, which may be needed."""
    anything = replace(statement, actions=("kms:*",), conditions=())
    if kms.own(kms.actions[0], [replace(held, document=replace(held.document, statements=(anything,)))]) is _TRUE:
        return
    aliases = [text for text in statement.resources or () if aws.arn_part(text, "rest").startswith("alias/")]
    if aliases:
        changes.replace_value(raw, "Resource", aliases[0], kms.key)
    else:
        changes.add_value(raw, "Resource", kms.key)


def _add_actions(kms: Kms, raw: changes.Raw, statement: Statement) -> None:
    """Adds to a statement the actions that it lacks."""
    alone = replace(statement, principals=None, not_principal=False, resources=("*",), conditions=())
    anywhere = replace(common.ALLOW_ALL, statements=(alone,))
    for action in kms.actions:
        if kms.result(action, (anywhere,), kms.delegating()) is not _TRUE:
            changes.add_value(raw, "Action", action)


def _corrected_key(kms: Kms) -> tuple[Change, ...]:
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
        if _valid(corrected) and all(corrected.key_lets(action) is _TRUE for action in kms.actions):
            return (changes.change(held.policy, after),)
    return ()


def _spared(kms: Kms, held: Held, denying: Sequence[Statement]) -> tuple[Change, ...]:
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
        _denies_key(kms, held, item) is not False for item in held.document.statements if not item.allow
    )


identity_missing = _judged(_identity_missing)
identity_wrong_resource = _judged(_wrong_resource)
identity_deny = _judged(_identity_deny)
boundary = _judged(_boundary)
key_policy_missing = _judged(_key_policy_missing)
key_policy_deny = _judged(_key_deny)
key_in_other_account = _judged(_other_account)
other_key = _judged(_other_key)
