"""AWS for the laboratory: ministack with its known gaps mended, in ministack's own process.

Run by ``aws.serve`` with the Python of ministack's environment, so it imports nothing of ours: ``python aws_front.py
PORT``. ministack checks signatures, keeps IAM and the sessions of STS, does the cryptography of KMS, and compares
actions, resources and conditions. What it lacks stands here: AWS's decision over all policy types (accounts on both
sides, boundaries, SCPs, RCPs, NotPrincipal, grants), with the ends of sentences that AWS gives; denials of KMS as 400;
keys and aliases of other accounts and of fixed ids; more key states; Organizations; CloudTrail with failures.

This is a rule of its own on purpose: it shares nothing with ``ekm_core.aws.iam``, which is judged by it.
Sources: AWS IAM, "Policy evaluation logic"; AWS KMS, "Key states", "Logging API calls": a denied call across accounts
is logged with the caller alone; AWS IAM, "Logging IAM and AWS STS API calls": a refused AssumeRole across accounts is
not logged in the account of the role.

POST /_lab/state sets all up anew (see ``aws.py`` for its form), GET /_lab/calls answers with every request since.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import sys
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlencode
from xml.sax.saxutils import escape

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.core import iam_evaluator as rules
from ministack.core.iam_actions import access_denied_response
from ministack.core.responses import _account_from_sts_session, request_scope
from ministack.core.router import extract_access_key_id
from ministack.services import iam, kms, sts

OPENAI_ACCOUNT = "790389265272"
OPENAI_ROLE = "EnterpriseKeyManagement"
OPENAI_SESSION = "OpenAI-EKM-Service"
FULL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
_OPEN = {**FULL, "Statement": [{**FULL["Statement"][0], "Principal": "*"}]}
# The policies of AWS with which every level of an organization begins.
_FULL = {
    "SERVICE_CONTROL_POLICY": ("p-FullAWSAccess", FULL),
    "RESOURCE_CONTROL_POLICY": ("p-RCPFullAWSAccess", _OPEN),
}

Answer = tuple[int, dict[str, str], bytes]


class Failed(Exception):
    """An error that AWS answers with."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class Denied(Failed):
    """A denial of access."""


@dataclass
class Caller:
    """Who calls. entity: the ARN of the role or user; arn: of the session or user. policies: None for the root."""

    key: str
    arn: str
    entity: str
    unique_id: str
    account: str
    kind: str
    policies: list[list[Any]] | None
    limits: list[list[list[Any]]]
    keys: dict[str, Any]


@dataclass
class Call:
    """One request. resources: ARNs that it is about, for CloudTrail; owner: the account that these belong to."""

    service: str
    name: str
    region: str
    headers: dict[str, str]
    body: bytes
    parameters: dict[str, Any]
    caller: Caller | None = None
    resources: list[tuple[str, str]] = field(default_factory=list)
    owner: str = ""

    @property
    def action(self) -> str:
        return f"{self.service}:{self.name}"


# What the laboratory knows beside ministack: the set-up, the requests, and CloudTrail's events by account.
LAB = SimpleNamespace(state={}, calls=[], events={}, faults=[])


# ------------------------------------------------------------------------------------------------------- the decision
def _part(arn: str, number: int) -> str:
    parts = arn.split(":", 5)
    return parts[number] if len(parts) > number else ""


def _how(principals: object, caller: Caller) -> str:
    """How a Principal names the caller: "session" (or everyone), "role", "account", or ""."""
    if principals == "*":
        return "session"
    given = principals.get("AWS", []) if isinstance(principals, dict) else []
    found = ""
    for value in [given] if isinstance(given, str) else given:
        if value in ("*", caller.arn):
            return "session"
        if value in (caller.entity, caller.unique_id):
            found = "role"
        elif value in (caller.account, f"arn:aws:iam::{caller.account}:root"):
            found = found or "account"
    return found


def _matching(statements: list[dict[str, Any]], context: rules.EvalContext, caller: Caller, effect: str) -> set[str]:
    """How the statements of a resource's policy with this effect, that match the request, name the caller."""
    found = set()
    for statement in statements:
        if "NotPrincipal" in statement:
            how = "" if _how(statement["NotPrincipal"], caller) else "session"
        else:
            how = _how(statement.get("Principal"), caller)
        if how and rules._first_match(context, rules.parse_policy_document({"Statement": statement}), effect):
            found.add(how)
    return found


def _statements(document: object) -> list[dict[str, Any]]:
    parsed = json.loads(document) if isinstance(document, str) else document
    given = parsed.get("Statement", []) if isinstance(parsed, dict) else []
    return [given] if isinstance(given, dict) else list(given)


def _levels(account: str) -> list[str]:
    """The account and everything above it in the organization; () where no policy of an organization binds it."""
    organization = LAB.state.get("organization") or {}
    parents = organization.get("parents", {})
    if account == organization.get("management") or account not in parents:
        return []
    levels = [account]
    while levels[-1] in parents:
        levels.append(parents[levels[-1]])
    return levels


def _attached(kind: str, target: str) -> list[dict[str, Any]]:
    policies = (LAB.state.get("organization") or {}).get("policies", {})
    return [
        {"Id": id, **policy}
        for id, policy in policies.items()
        if policy["type"] == kind and target in policy["targets"]
    ]


def _full_access(target: str) -> bool:
    """Whether FullAWSAccess still stands on that level."""
    return target not in (LAB.state.get("organization") or {}).get("without_full_access", [])


def _organization_denies(call: Call, caller: Caller, context: rules.EvalContext, owner: str) -> str:
    """Which policy type of an organization denies, as the end of AWS's sentence; "" for none."""
    for level in _levels(caller.account):
        documents = [
            rules.parse_policy_document(item["content"]) for item in _attached("SERVICE_CONTROL_POLICY", level)
        ]
        every = [statement for document in documents for statement in document]
        if rules._first_match(context, every, "Deny"):
            return " with an explicit deny in a service control policy"
        if not _full_access(level) and not rules._first_match(context, every, "Allow"):
            return f" because no service control policy allows the {call.action} action"
    for level in _levels(owner):
        for item in _attached("RESOURCE_CONTROL_POLICY", level):
            if _matching(_statements(item["content"]), context, caller, "Deny"):
                return " with an explicit deny in a resource control policy"
    return ""


def _decide(call: Call, resource: str, document: object = None, owner: str = "", granted: bool = False) -> str | None:
    """None where AWS allows the call; else the end of its sentence.

    document: the resource's own policy, where it has one. owner: the resource's account. granted: by a grant.
    """
    caller = call.caller
    assert caller is not None
    keys = {"aws:principalisawsservice": "false", "aws:viaawsservice": "false", "kms:calleraccount": caller.account}
    organization = LAB.state.get("organization") or {}
    if caller.account in organization.get("parents", {}) or caller.account == organization.get("management"):
        keys["aws:principalorgid"] = organization.get("id", "o-a1b2c3d4e5")
    if call.name == "AssumeRole":
        keys["sts:externalid"] = call.parameters.get("ExternalId")
        keys["sts:rolesessionname"] = call.parameters.get("RoleSessionName")
    context = rules.EvalContext(
        principal_arn=caller.entity,
        principal_type=caller.kind,
        principal_account=caller.account,
        action=call.action,
        resource_arn=resource,
        region=call.region,
        secure_transport=True,
        service_context=keys,
        principal_keys=caller.keys,
    )
    if caller.policies is None:
        return None
    identity = [statement for policy in caller.policies for statement in policy]
    boundary = [[statement for policy in limit for statement in policy] for limit in caller.limits]
    # A statement of a key policy without a Resource has no effect; a trust policy has none.
    own = [item for item in _statements(document) if call.service != "kms" or {"Resource", "NotResource"} & set(item)]
    if end := _organization_denies(call, caller, context, owner):
        return end
    if rules._first_match(context, identity, "Deny"):
        return " with an explicit deny in an identity-based policy"
    if _matching(own, context, caller, "Deny"):
        return " with an explicit deny in a resource-based policy"
    if any(rules._first_match(context, limit, "Deny") for limit in boundary):
        return " with an explicit deny in a permissions boundary"
    if granted:
        return None
    named = _matching(own, context, caller, "Allow")
    if document is not None and not named:
        return f" because no resource-based policy allows the {call.action} action"
    same_account = owner in ("", caller.account)
    if same_account and "session" in named:
        return None
    direct = same_account and "role" in named
    if not direct and not rules._first_match(context, identity, "Allow"):
        return f" because no identity-based policy allows the {call.action} action"
    if not all(rules._first_match(context, limit, "Allow") for limit in boundary):
        return f" because no permissions boundary allows the {call.action} action"
    return None


def _require(call: Call, resource: str, shown: str = "", **more: Any) -> None:
    """Raises Denied unless the caller may. shown: the resource in AWS's sentence, where it is not the ARN."""
    end = _decide(call, resource, **more)
    if end is None:
        return
    assert call.caller is not None
    status = 403 if call.service in ("iam", "sts") else 400
    code = "AccessDenied" if call.service in ("iam", "sts") else "AccessDeniedException"
    raise Denied(
        code,
        f"User: {call.caller.arn} is not authorized to perform: {call.action} on resource: {shown or resource}{end}",
        status,
    )


# ----------------------------------------------------------------------------------------------------------------- who
def _caller(call: Call, scope: dict[str, Any], query: dict[str, list[str]]) -> Caller | Answer:
    """Who signed the request, or the answer for credentials that do not hold."""
    raw_path = (scope.get("raw_path") or b"/").decode("latin-1")
    rules.pin_signed_request(scope["method"], raw_path, query, scope["headers"])
    rules.pin_signed_body(call.body)
    key = extract_access_key_id(call.headers, query)
    account = _account_from_sts_session(key) or rules.find_iam_access_key_account(key) or ""
    with request_scope(account, call.region):
        found = rules.authenticate(key, account) if key else rules.AuthError("MissingAuthenticationToken", "")
        found = found or rules.AuthError("MissingAuthenticationToken", "Request is missing Authentication Token")
        principal = found if isinstance(found, rules.AuthError) else rules.resolve_principal(key, account, found)
        if isinstance(principal, rules.AuthError):
            code, message = principal.code, principal.message
            return access_denied_response(
                call.service, call.action, "", str(uuid.uuid4()), error_code=code, message=message, headers=call.headers
            )
        entity, unique_id = principal.arn, ""
        if ":assumed-role/" in principal.arn:
            role = iam._roles.get(principal.arn.split("/")[1]) or {}
            entity, unique_id = role.get("Arn", ""), role.get("RoleId", "")
    return Caller(
        key,
        principal.arn,
        entity,
        unique_id,
        account,
        principal.type,
        principal.policies,
        principal.limits,
        principal.keys,
    )


# ---------------------------------------------------------------------------------------------------------------- IAM
async def _iam(call: Call) -> Answer:
    caller, parameters = call.caller, call.parameters
    assert caller is not None
    role, policy = parameters.get("RoleName", ""), parameters.get("PolicyArn", "")
    record = iam._roles.get(role) or {}
    if role:
        _require(call, record.get("Arn", f"arn:aws:iam::{caller.account}:role/{role}"), shown=f"role {role}")
    elif policy:
        _require(call, policy, shown=f"policy {policy}")
    else:
        _require(call, f"arn:aws:iam::{caller.account}:role/", shown=f"arn:aws:iam::{caller.account}:role/")
    if role and not record:
        raise Failed("NoSuchEntity", f"The role with name {role} cannot be found.", 404)
    return await iam.handle_request("POST", "/", call.headers, call.body, {})


async def _sts(call: Call) -> Answer:
    if call.name == "GetCallerIdentity":
        return await sts.handle_request("POST", "/", call.headers, call.body, {})
    if call.name != "AssumeRole":
        raise Failed("InvalidAction", f"Could not find operation {call.name} for version 2011-06-15")
    arn = call.parameters.get("RoleArn", "")
    if len(arn) < 20:
        raise Failed(
            "ValidationError",
            f"1 validation error detected: Value '{arn}' at 'roleArn' failed to satisfy constraint: Member must have "
            "length greater than or equal to 20",
        )
    if not re.fullmatch(r"arn:aws:iam::\d{12}:role/[\w+=,.@/-]+", arn):
        raise Failed("ValidationError", f"{arn} is invalid")
    call.owner = _part(arn, 4)
    call.resources = [("AWS::IAM::Role", arn)]
    with request_scope(call.owner, call.region):
        role = iam._roles.get(arn.rpartition("/")[2])
    # AWS does not tell a missing role from a denied one; a name under another path is another role.
    document = role["AssumeRolePolicyDocument"] if role and role["Arn"] == arn else {"Statement": []}
    end = _decide(call, arn, document, call.owner)
    if end is not None:
        assert call.caller is not None
        # Across accounts AWS gives no reason, unless a deny was explicit.
        shown = end if "explicit" in end else ""
        sentence = f"User: {call.caller.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}{shown}"
        raise Denied("AccessDenied", sentence, 403)
    if call.region in LAB.state.get("sts_inactive", []):
        raise Failed(
            "RegionDisabledException",
            f"STS is not activated in this region for account:{call.owner}. Your account administrator can activate "
            "STS in this region using the IAM Console.",
            403,
        )
    return await sts.handle_request("POST", "/", call.headers, call.body, {})


# ---------------------------------------------------------------------------------------------------------------- KMS
_STATES = {
    "Disabled": ("DisabledException", "is disabled."),
    "PendingDeletion": ("KMSInvalidStateException", "is pending deletion."),
    "PendingImport": ("KMSInvalidStateException", "is pending import."),
    "PendingReplicaDeletion": ("KMSInvalidStateException", "is pending replica deletion."),
    "Unavailable": ("KMSInvalidStateException", "is unavailable."),
}
_READS = ("DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListGrants")


def _key(reference: str, call: Call) -> tuple[dict[str, Any], str]:
    """The record of a key, and its account. Raises NotFoundException as KMS words it."""
    assert call.caller is not None
    account, rest, named = call.caller.account, reference, reference
    if reference.startswith("arn:"):
        if not re.fullmatch(r"arn:aws:kms:[a-z0-9-]+:\d{12}:(key|alias)/.+", reference):
            raise Failed("NotFoundException", "Invalid arn")
        if _part(reference, 3) != call.region:
            raise Failed("NotFoundException", f"Invalid arn {_part(reference, 3)}")
        account, rest = _part(reference, 4), _part(reference, 5).removeprefix("key/")
    elif not reference.startswith("alias/"):
        if not re.fullmatch(r"mrk-[0-9a-f]{32}|[0-9a-f-]{36}", reference):
            raise Failed("NotFoundException", f"Invalid keyId '{reference}'")
        named = f"arn:aws:kms:{call.region}:{account}:key/{reference}"
    else:
        named = f"arn:aws:kms:{call.region}:{account}:{reference}"
    if rest.startswith("alias/") and call.name in ("GetKeyPolicy", "GetKeyRotationStatus", "ListGrants"):
        raise Failed("InvalidArnException", "Key Aliases are not supported for this operation.")
    with request_scope(account, call.region):
        record = kms._resolve_key(rest)
    if record is None:
        missing = f"Alias {named} is not found." if rest.startswith("alias/") else f"Key '{named}' does not exist"
        raise Failed("NotFoundException", missing)
    return record, account


def _granted(record: dict[str, Any], call: Call) -> bool:
    assert call.caller is not None
    grants = [grant for grant in kms._grants.values() if grant["KeyId"] == record["Arn"]]
    return any(grant["GranteePrincipal"] == call.caller.entity and call.name in grant["Operations"] for grant in grants)


async def _kms(call: Call) -> Answer:
    caller, data = call.caller, dict(call.parameters)
    assert caller is not None
    if call.name == "ListAliases":
        _require(call, "*")
        status, headers, body = await _forward_kms(call, caller.account, data)
        answer = json.loads(body)
        # Every account has those of AWS itself.
        own = f"arn:aws:kms:{call.region}:{caller.account}:alias/aws/s3"
        answer["Aliases"].insert(0, {"AliasName": "alias/aws/s3", "AliasArn": own})
        return status, headers, json.dumps(answer).encode()
    if call.name not in (*_READS, "Encrypt", "Decrypt"):
        raise Failed("UnknownOperationException", "")
    reference = data.get("KeyId") or ""
    inside = _key_in(data.get("CiphertextBlob", "")) if call.name == "Decrypt" else ""
    record, call.owner = _key(reference or inside, call)
    call.resources = [("AWS::KMS::Key", record["Arn"])]
    with request_scope(call.owner, call.region):
        granted = _granted(record, call)
    if call.owner != caller.account and call.name == "GetKeyPolicy":  # AWS offers it within an account alone
        sentence = f"User: {caller.arn} is not authorized to perform: {call.action} on resource: {record['Arn']}"
        raise Denied("AccessDeniedException", sentence)
    _require(call, record["Arn"], document=record["Policy"], owner=call.owner, granted=granted)
    if call.name in ("Encrypt", "Decrypt"):
        _usable(record, call, inside)
    if record["KeySpec"] != "SYMMETRIC_DEFAULT" and call.name == "GetKeyRotationStatus":
        raise Failed("UnsupportedOperationException", "")
    status, headers, body = await _forward_kms(call, call.owner, {**data, "KeyId": record["KeyId"]})
    if call.name == "DescribeKey":
        answer = json.loads(body)
        answer["KeyMetadata"]["AWSAccountId"] = call.owner
        body = json.dumps(answer).encode()
    return status, headers, body


def _key_in(ciphertext: str) -> str:
    """The id of the key of ministack's that made the ciphertext, which begins with it."""
    return base64.b64decode(ciphertext)[:36].decode("latin-1")


def _usable(record: dict[str, Any], call: Call, inside: str) -> None:
    if state := _STATES.get(record["KeyState"]):
        raise Failed(state[0], f"{record['Arn']} {state[1]}")
    if record["KeyUsage"] != "ENCRYPT_DECRYPT":
        sentence = f"{record['Arn']} key usage is {record['KeyUsage']} which is not valid for {call.name}."
        raise Failed("InvalidKeyUsageException", sentence)
    if record["KeySpec"] != "SYMMETRIC_DEFAULT":
        sentence = f"Algorithm SYMMETRIC_DEFAULT is incompatible with key spec {record['KeySpec']}."
        raise Failed("InvalidKeyUsageException", sentence)
    if inside and inside != record["KeyId"][:36]:
        sentence = "The key ID in the request does not identify a CMK that can perform this operation."
        raise Failed("IncorrectKeyException", sentence)


async def _forward_kms(call: Call, account: str, data: dict[str, Any]) -> Answer:
    with request_scope(account, call.region):
        return await kms.handle_request("POST", "/", call.headers, json.dumps(data).encode(), {})


# ------------------------------------------------------------------------------------------------------- Organizations
async def _organizations(call: Call) -> Answer:
    caller, organization = call.caller, LAB.state.get("organization") or {}
    assert caller is not None
    shown = f"arn:aws:organizations::{caller.account}:*"
    end = _decide(call, "*")
    if end is not None:
        sentence = f"User: {caller.arn} is not authorized to perform: {call.action} on resource: {shown}{end}"
        raise Denied("AccessDeniedException", sentence)
    management, parents = organization.get("management"), organization.get("parents", {})
    if caller.account != management and caller.account not in parents:
        raise Failed("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
    policies = organization.get("policies", {})
    if call.name == "DescribeOrganization":
        id = organization.get("id", "o-a1b2c3d4e5")
        arn = f"arn:aws:organizations::{management}:organization/{id}"
        return _json({"Organization": {"Id": id, "Arn": arn, "FeatureSet": "ALL", "MasterAccountId": management}})
    # The rest is for the management account and its delegates.
    if caller.account != management and caller.account not in organization.get("delegates", []):
        raise Denied("AccessDeniedException", "You don't have permissions to access this resource.")
    if call.name == "ListParents":
        parent = parents.get(call.parameters.get("ChildId"))
        if parent is None:
            raise Failed("ChildNotFoundException", "You specified a child that doesn't exist.")
        kind = "ROOT" if parent.startswith("r-") else "ORGANIZATIONAL_UNIT"
        return _json({"Parents": [{"Id": parent, "Type": kind}]})
    if call.name == "ListPoliciesForTarget":
        kind, target = call.parameters.get("Filter", ""), call.parameters.get("TargetId", "")
        if target not in (management, *parents, *parents.values()):
            raise Failed("TargetNotFoundException", "You specified a target that doesn't exist.")
        listed = [_summary(item["Id"], item) for item in _attached(kind, target)]
        if kind == "RESOURCE_CONTROL_POLICY" or _full_access(target):
            listed.insert(0, _full_policy(kind))
        return _json({"Policies": listed})
    if call.name == "DescribePolicy":
        id = call.parameters.get("PolicyId", "")
        for kind, full in _FULL.items():
            if id == full[0]:
                return _json({"Policy": {"PolicySummary": _full_policy(kind), "Content": json.dumps(full[1])}})
        if id not in policies:
            raise Failed("PolicyNotFoundException", "You specified a policy that doesn't exist.")
        content = json.dumps(policies[id]["content"])
        return _json({"Policy": {"PolicySummary": _summary(id, policies[id]), "Content": content}})
    raise Failed("UnknownOperationException", "")


def _summary(id: str, policy: dict[str, Any]) -> dict[str, Any]:
    management = LAB.state["organization"]["management"]
    arn = f"arn:aws:organizations::{management}:policy/o-a1b2c3d4e5/{policy['type'].lower()}/{id}"
    return {
        "Id": id,
        "Arn": arn,
        "Name": policy["name"],
        "Description": "",
        "Type": policy["type"],
        "AwsManaged": False,
    }


def _full_policy(kind: str) -> dict[str, Any]:
    id = _FULL[kind][0]
    arn = f"arn:aws:organizations::aws:policy/{kind.lower()}/{id}"
    return {"Id": id, "Arn": arn, "Name": id.removeprefix("p-"), "Description": "", "Type": kind, "AwsManaged": True}


# ---------------------------------------------------------------------------------------------------------- CloudTrail
async def _cloudtrail(call: Call) -> Answer:
    if call.name != "LookupEvents":
        raise Failed("UnknownOperationException", "")
    _require(call, "*")
    assert call.caller is not None
    wanted = {item["AttributeKey"]: item["AttributeValue"] for item in call.parameters.get("LookupAttributes", [])}
    found = [
        event
        for event in reversed(LAB.events.get(call.caller.account, []))
        if json.loads(event["CloudTrailEvent"])["awsRegion"] == call.region
        and all(value in _attribute(event, name) for name, value in wanted.items())
    ]
    size, start = int(call.parameters.get("MaxResults", 50)), int(call.parameters.get("NextToken") or 0)
    answer: dict[str, Any] = {"Events": found[start : start + size]}
    if start + size < len(found):
        answer["NextToken"] = str(start + size)
    return _json(answer)


def _attribute(event: dict[str, Any], name: str) -> list[Any]:
    if name in ("ResourceName", "ResourceType"):
        return [item[name] for item in event["Resources"]]
    return [event.get(name)]


def _given(answer: Answer | None) -> dict[str, Any] | None:
    """What CloudTrail keeps of AssumeRole's answer: the session's keys but for the secret one."""
    found = re.findall(r"<(AccessKeyId|SessionToken|Expiration)>([^<]+)<", answer[2].decode()) if answer else []
    return {"credentials": {name[0].lower() + name[1:]: value for name, value in found}} if found else None


def _write_down(call: Call, failed: Failed | None, answer: Answer | None) -> None:
    """The call's events in CloudTrail, in the accounts in which AWS writes them."""
    caller = call.caller
    if caller is None or call.service not in ("kms", "sts") or call.name == "GetCallerIdentity":
        return
    denied = isinstance(failed, Denied)
    shared = str(uuid.uuid4())
    alone = denied or not call.owner or (failed is not None and call.service == "sts")
    accounts = {caller.account} if alone else {caller.account, call.owner}
    role = caller.entity.rpartition("/")[2]
    identity: dict[str, Any] = {
        "type": caller.kind,
        "principalId": f"{caller.unique_id}:{caller.arn.rpartition('/')[2]}",
    }
    identity |= {"arn": caller.arn, "accountId": caller.account, "accessKeyId": caller.key}
    if caller.kind == "AssumedRole":
        issuer = {"type": "Role", "principalId": caller.unique_id, "arn": caller.entity}
        issuer |= {"accountId": caller.account, "userName": role}
        identity["sessionContext"] = {"sessionIssuer": issuer, "attributes": {"mfaAuthenticated": "false"}}
    for account in accounts:
        now = datetime.now(UTC)
        foreign = account != caller.account
        event: dict[str, Any] = {
            "eventVersion": "1.11",
            # The other side sees the account of a stranger, and no more.
            "userIdentity": {"type": "AWSAccount", "principalId": identity["principalId"], "accountId": caller.account}
            if foreign
            else identity,
            "eventTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": f"{call.service}.amazonaws.com",
            "eventName": call.name,
            "awsRegion": call.region,
            "sourceIPAddress": "203.0.113.7",
            "userAgent": "aws-sdk",
            "requestParameters": _noted(call),
            "responseElements": _given(answer) if call.name == "AssumeRole" else None,
            "requestID": shared,
            "eventID": str(uuid.uuid4()),
            "readOnly": True,
            "resources": [{"accountId": call.owner, "type": kind, "ARN": arn} for kind, arn in call.resources],
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": account,
            "sharedEventID": shared,
            "eventCategory": "Management",
        }
        if failed is not None:
            code = "AccessDenied" if denied else failed.code
            event |= {"errorCode": code, "errorMessage": failed.message}
        record = {
            "EventId": event["eventID"],
            "EventName": call.name,
            "ReadOnly": "true",
            "EventTime": now.timestamp(),
            "EventSource": event["eventSource"],
            "Resources": [{"ResourceType": kind, "ResourceName": arn} for kind, arn in call.resources],
            "CloudTrailEvent": json.dumps(event),
        }
        if not foreign:
            record |= {"AccessKeyId": caller.key, "Username": caller.arn.rpartition("/")[2]}
        LAB.events.setdefault(account, []).append(record)


def _noted(call: Call) -> dict[str, Any] | None:
    names = {"RoleArn": "roleArn", "RoleSessionName": "roleSessionName", "ExternalId": "externalId", "KeyId": "keyId"}
    return {names[name]: value for name, value in call.parameters.items() if name in names} or None


# ---------------------------------------------------------------------------------------------------------- one request
_SERVICES = {"iam": _iam, "sts": _sts, "kms": _kms, "organizations": _organizations, "cloudtrail": _cloudtrail}


def _json(value: object, status: int = 200) -> Answer:
    return status, {"content-type": "application/x-amz-json-1.1"}, json.dumps(value).encode()


def _error(service: str, failed: Failed) -> Answer:
    if service in ("iam", "sts"):
        space = "iam.amazonaws.com/doc/2010-05-08" if service == "iam" else "sts.amazonaws.com/doc/2011-06-15"
        text = (
            f'<ErrorResponse xmlns="https://{space}/"><Error><Type>Sender</Type><Code>{escape(failed.code)}</Code>'
            f"<Message>{escape(failed.message)}</Message></Error><RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
        )
        return failed.status, {"content-type": "text/xml"}, text.encode()
    name = "Message" if failed.code == "AccessDeniedException" else "message"
    return _json({"__type": failed.code, name: failed.message}, failed.status)


def _fault(call: Call) -> Failed | None:
    """The failure that the set-up declares for this call, while it lasts."""
    for fault in LAB.faults:
        wanted = fault.get("region", call.region) == call.region and fault.get("times", 1) > 0
        if wanted and re.fullmatch(fault["call"], call.action):
            fault["times"] = fault.get("times", 1) - 1
            return Failed(fault["code"], fault["message"], fault.get("status", 400))
    return None


async def _answer(call: Call, scope: dict[str, Any], query: dict[str, list[str]]) -> Answer:
    caller = _caller(call, scope, query)
    if isinstance(caller, tuple):
        return caller
    call.caller = caller
    failed = _fault(call)
    answer: Answer | None = None
    if failed is None:
        try:
            with request_scope(caller.account, call.region):
                answer = await _SERVICES[call.service](call)
        except Failed as problem:
            failed = problem
    _write_down(call, failed, answer)
    return answer if answer is not None else _error(call.service, failed or Failed("InternalFailure", "", 500))


def _call(scope: dict[str, Any], headers: dict[str, str], body: bytes, query: dict[str, list[str]]) -> Call:
    scoped = re.search(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/", headers.get("authorization", ""))
    region, service = scoped.groups() if scoped else ("us-east-1", headers.get("host", "").partition(".")[0])
    if target := headers.get("x-amz-target"):
        given = json.loads(body or b"{}")
        return Call(service, target.rpartition(".")[2], region, headers, body, given if isinstance(given, dict) else {})
    form = {name: values[0] for name, values in {**query, **parse_qs(body.decode())}.items()}
    return Call(service, form.get("Action", ""), region, headers, body, form)


async def front(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The ASGI application."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    query = parse_qs(scope.get("query_string", b"").decode())
    if scope["path"].startswith("/_lab/"):
        status, answered, content = await _laboratory(scope["path"], body)
    else:
        call = _call(scope, headers, body, query)
        known = call.service in _SERVICES
        status, answered, content = await _answer(call, scope, query) if known else _json({"__type": "NotHere"}, 400)
        LAB.calls.append(
            {
                "action": call.action,
                "region": call.region,
                "host": headers.get("host", ""),
                "method": scope["method"],
                "path": scope["path"],
                "caller": call.caller.arn if call.caller else "",
                "status": status,
            }
        )
    content = content.encode() if isinstance(content, str) else content
    raw = [(name.lower().encode(), str(value).encode()) for name, value in answered.items()]
    raw = [item for item in raw if item[0] != b"content-length"] + [(b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": content})


async def _laboratory(path: str, body: bytes) -> Answer:
    if path == "/_lab/calls":
        return _json(LAB.calls)
    if path == "/_lab/everything":
        stores = (iam._roles, iam._policies, iam._users, iam._access_keys, kms._keys, kms._aliases, kms._grants)
        return _json([repr(store.to_dict()) for store in stores])
    if path == "/_lab/state":
        await _set_up(json.loads(body))
    return _json({})


# -------------------------------------------------------------------------------------------------------- the set-up
async def _set_up(state: dict[str, Any]) -> None:
    for module in (iam, sts, kms):
        module.reset()
    LAB.state, LAB.calls, LAB.events, LAB.faults = state, [], {}, [dict(item) for item in state.get("faults", [])]
    for arn, document in state.get("aws_policies", {}).items():
        name = arn.removeprefix("arn:aws:iam::aws:policy/")
        iam._aws_managed_policies[arn] = iam._make_aws_managed_record(name, json.dumps(document))
    for account, parts in state["accounts"].items():
        for region in sorted({_part(arn, 3) for arn in parts.get("keys", {})} | {"us-east-1"}):
            with request_scope(account, region):
                if region == "us-east-1":
                    await _identities(account, parts)
                for arn, key in parts.get("keys", {}).items():
                    if _part(arn, 3) == region:
                        _add_key(arn, key)
    nobody = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    openai = {"trust": {**FULL, "Statement": [nobody]}, "inline": {"all": FULL}}
    with request_scope(OPENAI_ACCOUNT, "us-east-1"):
        await _role(OPENAI_ROLE, openai)
        role = iam._roles[OPENAI_ROLE]
    _session(state["openai"], f"arn:aws:sts::{OPENAI_ACCOUNT}:assumed-role/{OPENAI_ROLE}/{OPENAI_SESSION}", role)


async def _identities(account: str, parts: dict[str, Any]) -> None:
    for name, versions in parts.get("policies", {}).items():
        arn = f"arn:aws:iam::{account}:policy/{name}"
        documents = versions["versions"]
        await _ask_iam("CreatePolicy", PolicyName=name, PolicyDocument=json.dumps(documents[0]))
        for number, document in enumerate(documents[1:], 2):
            default = "true" if number == versions.get("default", len(documents)) else "false"
            text = json.dumps(document)
            await _ask_iam("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=text, SetAsDefault=default)
    for name, role in parts.get("roles", {}).items():
        await _role(name, role)
    for name, user in parts.get("users", {}).items():
        await _ask_iam("CreateUser", UserName=name)
        await _ask_iam("PutUserPolicy", UserName=name, PolicyName="all", PolicyDocument=json.dumps(user["policy"]))
        arn, id = iam._users[name]["Arn"], iam._users[name]["UserId"]
        if user.get("token"):
            _session(user, arn, {"RoleId": id}, user.get("expired", False))
        else:
            record = {"UserName": name, "Status": "Active", "SecretAccessKey": user["secret"], "CreateDate": iam._now()}
            iam._access_keys[user["id"]] = {"AccessKeyId": user["id"], **record}


async def _role(name: str, role: dict[str, Any]) -> None:
    # Not through CreateRole's checks of principals: AWS, too, keeps a document whose principal is gone since.
    path = role.get("path", "/")
    await _ask_iam("CreateRole", RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(role["trust"]))
    record = iam._roles[name]
    record["RoleId"] = role.get("unique_id", record["RoleId"])
    record["PermissionsBoundary"] = role.get("boundary")
    for title, document in role.get("inline", {}).items():
        await _ask_iam("PutRolePolicy", RoleName=name, PolicyName=title, PolicyDocument=json.dumps(document))
    for arn in role.get("attached", []):
        await _ask_iam("AttachRolePolicy", RoleName=name, PolicyArn=arn)


async def _ask_iam(action: str, **parameters: str) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    body = urlencode({"Action": action, "Version": "2010-05-08", **parameters}).encode()
    status, _, answer = await iam.handle_request("POST", "/", headers, body, {})
    if status != 200:
        raise ValueError(f"{action} {parameters}: {answer!r}")


def _session(keys: dict[str, Any], arn: str, record: dict[str, Any], expired: bool = False) -> None:
    """A session that exists from the start. Put in directly: ministack drops expired ones with the next AssumeRole."""
    sts._sessions[keys["id"]] = {
        "Arn": arn,
        "UserId": f"{record['RoleId']}:{arn.rpartition('/')[2]}",
        "SecretAccessKey": keys["secret"],
        "SessionToken": keys["token"],
        "Expiration": time.time() + (-60 if expired else 86_400),
        "AccountId": _part(arn, 4),
        "PrincipalType": "AssumedRole" if ":assumed-role/" in arn else "User",
        "IssuedAt": time.time(),
    }


def _add_key(arn: str, key: dict[str, Any]) -> None:
    """One key under the id that the set-up gives it."""
    id = arn.rpartition("/")[2]
    wanted = {"Description": "OpenAI EKM", "Origin": key.get("origin", "AWS_KMS"), "MultiRegion": id.startswith("mrk-")}
    if key.get("policy"):
        wanted["Policy"] = json.dumps(key["policy"], indent=2)
    status, _, body = kms._create_key(wanted)
    if status != 200:
        raise ValueError(f"{arn}: {body!r}")
    record = kms._keys.pop(json.loads(body)["KeyMetadata"]["KeyId"])
    record |= {"KeyId": id, "Arn": arn, "KeyRotationEnabled": key.get("rotation", False)}
    # Of other kinds the description is enough: EKM is refused before any cryptography.
    record |= {"KeySpec": key.get("spec", "SYMMETRIC_DEFAULT"), "KeyUsage": key.get("usage", "ENCRYPT_DECRYPT")}
    kms._keys[id] = record
    for alias in key.get("aliases", []):
        kms._create_alias({"AliasName": alias, "TargetKeyId": id})
    for grant in key.get("grants", []):
        kms._create_grant({"KeyId": id, **grant})
    if key.get("state", "Enabled") != "Enabled":
        record |= {"KeyState": key["state"], "Enabled": False}
        if key["state"] == "PendingDeletion":
            record["DeletionDate"] = int(time.time()) + 7 * 86_400


if __name__ == "__main__":
    # The front has decided already, with the trust policy as AWS reads it.
    rules.evaluate_trust_policy = lambda *arguments: True
    settings = Config()
    settings.bind = [f"127.0.0.1:{sys.argv[1]}"]
    settings.loglevel = "CRITICAL"
    asyncio.run(serve(front, settings))
