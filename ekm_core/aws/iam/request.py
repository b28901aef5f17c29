"""What is asked of AWS: who calls which action on which resource, with which context keys.

Sources, read on 2026-11-23: AWS global condition context keys
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html), condition keys of AWS KMS
(https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html) and of AWS STS
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html); on 2026-11-28 Secure API
access with MFA (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html); the
first also in AWS's copy on GitHub of 2023: aws:EpochTime, aws:RequestedRegion and aws:ViaAWSService are always there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ekm_core import vendor

Value = str | tuple[str, ...]

# Keys that AWS may put into the request and that nobody can know offline; a name that ends in "/" or ":" stands for all
# keys that begin with it. They are three-valued where a request is not complete.
UNKNOWABLE = (
    "aws:currenttime",
    "aws:ec2instancesourceprivateipv4",
    "aws:ec2instancesourcevpc",
    "aws:epochtime",
    "aws:federatedprovider",
    "aws:multifactorauthage",
    "aws:multifactorauthpresent",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principaltag/",
    "aws:referer",
    "aws:requestedregion",
    "aws:requesttag/",
    "aws:resourceorgid",
    "aws:resourceorgpaths",
    "aws:resourcetag/",
    "aws:sourceidentity",
    "aws:sourceip",
    "aws:sourcevpc",
    "aws:sourcevpcarn",
    "aws:sourcevpce",
    "aws:tagkeys",
    "aws:tokenissuetime",
    "aws:useragent",
    "aws:userid",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "aws:vpceorgpaths",
    "aws:vpcsourceip",
    "iam:resourcetag/",
    "kms:encryptioncontext:",
    "kms:encryptioncontextkeys",
    "kms:keyorigin",
    "kms:keyspec",
    "kms:keyusage",
    "kms:multiregion",
    "kms:multiregionkeytype",
    "kms:recipientattestation:",
    "kms:requestalias",
    "kms:resourcealiases",
    "sts:rolesessionname",
    "sts:sourceidentity",
    "sts:transitivetagkeys",
)
_UNKNOWABLE = frozenset(UNKNOWABLE)
# Deprecated names that AWS KMS still supports and that "work the same way" (condition keys of AWS KMS, in AWS's copy on
# GitHub of 2023, read on 2026-11-28).
_RENAMED: Mapping[str, str] = {
    "kms:customermasterkeyspec": "kms:keyspec",
    "kms:customermasterkeyusage": "kms:keyusage",
}
# The credentials of AssumeRole carry no MFA information: whether AWS then says "false" or nothing is not documented.
_OF_SESSIONS: Mapping[str, tuple[Value, ...]] = {
    "aws:multifactorauthpresent": ("false", ()),
    "aws:multifactorauthage": ((),),
}
# Only a call that a service makes for the caller carries one of these: without them the caller calls directly.
_OF_A_SERVICES_CALL = ("aws:calledvia", "kms:viaservice")
_LONGEST_SESSION = timedelta(hours=12)
"""MaxSessionDuration of a role is at most that (IAM API reference, CreateRole)."""
_FAMILIES = tuple(name for name in UNKNOWABLE if name[-1] in "/:")


@dataclass(frozen=True, slots=True)
class Request:
    """One call to AWS.

    principal: the caller's ARN (role session, role, user, root) or account id. resource_account: the resource's owner.
    context: condition keys and their values, a tuple where AWS sends several, () where AWS surely sends none.
        complete: True where ``context`` is all there is (a simulation); False for a real caller, of whom the keys in
        ``UNKNOWABLE`` are unknown if not given.
    never: by key, values that an unknown key surely does not have; one that ends in "/" stands for all that begin with
        it. closed: families (see ``UNKNOWABLE``) of which ``context`` has all keys.
    session_known: False where the name of the caller's role session is a guess; a policy that names one is then open.
    """

    principal: str
    action: str
    resource: str
    resource_account: str
    context: Mapping[str, Value] = field(default_factory=dict)
    complete: bool = True
    session_known: bool = True
    never: Mapping[str, frozenset[str]] = field(default_factory=dict)
    closed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller, taken apart.

    arn: what aws:PrincipalArn holds: the role's ARN for a session. session: the session's own ARN, else "".
    path_known: False where the role's ARN was derived from the session's, which does not carry the role's path.
    """

    type: str
    partition: str
    account: str
    arn: str
    session: str = ""
    path_known: bool = True

    @property
    def is_root(self) -> bool:
        """Whether the account itself calls (its root user)."""
        return self.type == "Account"

    @property
    def role_name(self) -> str:
        """The role's name without its path."""
        return self.arn.rsplit("/", 1)[-1]


def caller(request: Request) -> Caller | None:
    """The request's caller, or None where the principal is none that these flows can have."""
    if is_account_id(request.principal):
        return Caller("Account", "aws", request.principal, f"arn:aws:iam::{request.principal}:root")
    parts = request.principal.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn" or not is_account_id(parts[4]):
        return None
    _, partition, service, _, account, name = parts
    if service == "sts" and name.startswith("assumed-role/") and name.count("/") == 2:
        role = name.split("/")[1]
        given = next((value for key, value in request.context.items() if key.lower() == "aws:principalarn"), None)
        if isinstance(given, str):
            return Caller("AssumedRole", partition, account, given, request.principal)
        arn = f"arn:{partition}:iam::{account}:role/{role}"
        return Caller("AssumedRole", partition, account, arn, request.principal, path_known=False)
    if service == "iam" and name == "root":
        return Caller("Account", partition, account, request.principal)
    if service == "iam" and name.startswith("user/"):
        return Caller("User", partition, account, request.principal)
    if service == "iam" and name.startswith("role/"):
        return Caller("AssumedRole", partition, account, request.principal)
    return None


def _region_called(key_arn: str) -> dict[str, Value]:
    """aws:RequestedRegion, which AWS always sends: a key can be used in its own Region only."""
    region = key_arn.split(":")[3:4]
    return {"aws:RequestedRegion": region[0]} if region and region[0] else {}


def _epoch(current: Value | None) -> dict[str, Value]:
    """aws:EpochTime, which AWS always sends: the moment of aws:CurrentTime, in seconds since 1970."""
    try:
        moment = datetime.fromisoformat(current) if isinstance(current, str) else None
    except ValueError:
        moment = None
    if moment is None:
        return {}
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return {"aws:EpochTime": str((moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1))}


def _of_sessions() -> Mapping[str, tuple[Value, ...]]:
    """What the keys of a role's session can be: also its beginning, as early and as late as it can be."""
    now = datetime.now(UTC)
    return {**_OF_SESSIONS, "aws:tokenissuetime": (_moment(now - _LONGEST_SESSION), _moment(now))}


class Facts:
    """The request's context keys, by lower-case name, with those AWS always sends and that follow from the rest."""

    def __init__(self, request: Request, who: Caller) -> None:
        given = {_name(key): value for key, value in request.context.items()}
        derived: dict[str, Value] = {
            "aws:PrincipalArn": who.arn,
            "aws:PrincipalAccount": who.account,
            "aws:PrincipalType": who.type,
            "aws:PrincipalIsAWSService": "false",
            "aws:ResourceAccount": request.resource_account,
            **_epoch(given.get("aws:currenttime")),
        }
        if request.action.lower().startswith("kms:"):
            derived |= {"kms:CallerAccount": who.account, **_region_called(request.resource)}
        if not any(name.startswith(_OF_A_SERVICES_CALL) for name in given):
            derived["aws:ViaAWSService"] = "false"
        self._values = {_name(key): value for key, value in derived.items()} | given
        self._complete = request.complete
        self._closed = request.closed
        self._never = {_name(key): values for key, values in request.never.items()}
        self._possible = _of_sessions() if who.session and not request.complete else {}

    def get(self, key: str) -> Value | None:
        """The key's value (any case of the name), None where it is absent; an empty list is absent."""
        value = self._values.get(_name(key))
        return None if value == () else value

    def is_unknown(self, key: str) -> bool:
        """Whether AWS may set this key in reality and nobody here can know."""
        name = _name(key)
        if self._complete or name in self._values or (self._closed and name.startswith(self._closed)):
            return False
        return name in _UNKNOWABLE or name.startswith(_FAMILIES)

    def possible(self, key: str) -> tuple[Value, ...]:
        """All values that an unknown key can have, () for none at all; empty where that is not known either."""
        return self._possible.get(_name(key), ())

    def never(self, key: str, wanted: str) -> bool:
        """Whether an unknown key surely has no value that agrees with that text of a policy."""
        values = self._never.get(_name(key), frozenset())
        return any(wanted == value or (value[-1:] == "/" and wanted.startswith(value)) for value in values)


def _name(key: str) -> str:
    """A context key's name as it is compared: without case, and by its newest name."""
    return _RENAMED.get(key.lower(), key.lower())


def is_account_id(text: str) -> bool:
    """Whether the text is twelve ASCII digits."""
    return len(text) == 12 and text.isascii() and text.isdigit()


def assume_role_request(role_arn: str, external_id: str, *, complete: bool = False, organization: str = "") -> Request:
    """OpenAI's session calls sts:AssumeRole on the customer's role, with the registered external id ("" for none).

    What the articles and the errors show of the call (see ``vendor``). The name that OpenAI gives the session which it
    asks for (sts:RoleSessionName) is not documented: unknown. organization: the id of the customer's organization (o-…)
    if known; OpenAI's account is in another one or in none.
    """
    context: dict[str, Value] = {
        "aws:SecureTransport": "true",
        "aws:ViaAWSService": "false",
        "aws:PrincipalArn": vendor.AWS_PRINCIPAL,
    }
    if external_id:
        context["sts:ExternalId"] = external_id
    never: dict[str, frozenset[str]] = {}
    if organization:
        never["aws:PrincipalOrgID"] = frozenset({organization})
        never["aws:PrincipalOrgPaths"] = frozenset({f"{organization}/"})
        context["aws:ResourceOrgID"] = organization
    if not complete:
        context |= _now()
    account = _account(role_arn)
    return Request(vendor.AWS_SESSION, "sts:AssumeRole", role_arn, account, context, complete, never=never)


def _now() -> dict[str, str]:
    """The request is OpenAI's next one: a statement that has run out by now refuses it."""
    now = datetime.now(UTC)
    return {"aws:CurrentTime": _moment(now), "aws:EpochTime": str(int(now.timestamp()))}


def _moment(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def kms_request(
    role_arn: str, key_arn: str, action: str, *, complete: bool = False, known: Mapping[str, Value] | None = None
) -> Request:
    """The customer's role, assumed by OpenAI, calls kms:Encrypt or kms:Decrypt on the key (its ARN, never an alias).

    aws:PrincipalArn is the role's ARN. The session's name is that of OpenAI's own session, for want of a source; so it
    counts as known in a complete request only. known: what the evidence shows of the key and of the organization.
    """
    parts = role_arn.split(":", 5)
    partition = parts[1] if len(parts) == 6 else "aws"
    session = f"{role_arn.rsplit('/', 1)[-1]}/{vendor.AWS_SESSION.rsplit('/', 1)[-1]}"
    context: dict[str, Value] = {
        "aws:SecureTransport": "true",
        "aws:ViaAWSService": "false",
        "aws:PrincipalArn": role_arn,
        "kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        **({} if complete else _now()),
        **(known or {}),
        **_region_called(key_arn),
    }
    principal = f"arn:{partition}:sts::{_account(role_arn)}:assumed-role/{session}"
    return Request(principal, action, key_arn, _account(key_arn), context, complete, session_known=complete)


def _account(arn: str) -> str:
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 else ""
