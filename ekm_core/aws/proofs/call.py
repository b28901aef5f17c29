"""What a KMS call of the registered role meets, and the questions to the evaluator about it.

Each question is about one side alone, with all others taken as allowed. Sources of the rules are named in
``ekm_core.aws.iam.evaluate``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ekm_core.aws import checks
from ekm_core.aws import snippets as aws
from ekm_core.aws.account import PolicyText
from ekm_core.aws.iam.documents import Document, Kind, Statement, parse
from ekm_core.aws.iam.evaluate import Policies, Result, evaluate
from ekm_core.aws.proofs import common
from ekm_core.aws.proofs.common import Setting, stays_open
from ekm_core.evidence import State
from ekm_core.facts import Fact
from ekm_core.model import Case, Ruling, Snippet

TRUE, FALSE, DENIED = Result.ALLOWED, Result.IMPLICITLY_DENIED, Result.EXPLICITLY_DENIED


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
        request = common.use_key(self.setting, self.key, action)
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
        documents = [only_effect(item.document, allow=True) for item in given]
        result = self.result(action, documents, self.delegating())
        return Result.UNKNOWN if result is FALSE and self.identity.gap else result

    def key_lets(self, action: str) -> Result:
        """Whether the key policy lets the role use the key, itself or by leaving it to the account."""
        if isinstance(self.key_policy, Ruling):
            return Result.UNKNOWN
        result = self.result(action, (common.ALLOW_ALL,), only_effect(self.key_policy.document, allow=True))
        return Result.UNKNOWN if result is FALSE and self._may_name_by_id(self.key_policy.document) else result

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
        result = self.result(action, (), only_effect(self.key_policy.document, allow=True))
        return {TRUE: False, FALSE: True}.get(result)

    def granted(self) -> str:
        """A sentence on a grant that may let the role use the key, or ""."""
        fact = self.setting.evidence.grants(self.key)
        # A denial that OpenAI has met shows that no grant let it through; before one, a list that failed shows nothing.
        if not self.case.text and fact.state in (State.REFUSED, State.FAILED, State.CONFLICTING):
            return f"The policies do not allow it, and a grant on the key might. {fact.because}"
        name = aws.arn_part(self.setting.role, "rest").rpartition("/")[2]
        wanted = {action.partition(":")[2] for action in self.actions}
        for grant in fact.value or ():
            rest = aws.arn_part(grant.grantee, "rest")
            is_role = grant.grantee == self.setting.role or rest.startswith(f"assumed-role/{name}/") or rest == "root"
            if is_role and wanted & set(grant.operations):
                return f"The grant {grant.id} on the key may allow it all the same, whatever the policies say."
        return ""


def only_effect(document: Document, *, allow: bool) -> Document:
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


def missing_identity(kms: Kms) -> tuple[Snippet, ...]:
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


def hangs(kms: Kms, what: str, documents: Iterable[Document], *more: Snippet) -> Ruling:
    """That a condition in the documents leaves ``what`` open, with the commands that would show what it asks for."""
    evidence, key = kms.setting.evidence, kms.key
    place = {"region": aws.arn_part(key, "region")}
    keys = {line.key.lower() for item in documents for one in item.statements for line in one.conditions}
    commands = []
    if any(name.startswith("aws:resourcetag/") for name in keys) and evidence.tags(key).value is None:
        commands.append(aws.command("List the key's tags", "kms", "list-resource-tags", key_id=key, **place))
    if "kms:resourcealiases" in keys and evidence.aliases_of(key) is None:
        commands.append(aws.command("List all aliases of the Region", "kms", "list-aliases", **place))
    account = aws.arn_part(kms.setting.role, "account")
    if keys & {"aws:principalorgid", "aws:resourceorgid"} and not evidence.organization_of(account):
        commands.append(aws.command("Show the organization", "organizations", "describe-organization"))
    on = "what your evidence does not show" if commands else "something that nobody can know offline"
    return stays_open(f"{what} hangs on {on}.", *more, *commands)


def is_kms(resource: str) -> bool:
    """Whether a Resource names something of KMS."""
    return aws.arn_part(resource, "service") == "kms"


def denies_key(kms: Kms, held: Held, statement: Statement) -> bool | None:
    """Whether a Deny statement of the key policy covers the call; None where that cannot be known."""
    document = replace(held.document, statements=(*kms.delegating().statements, statement))
    results = [kms.result(action, (common.ALLOW_ALL,), document) for action in kms.actions]
    return True if DENIED in results else False if all(result is TRUE for result in results) else None
