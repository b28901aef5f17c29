"""Which read-only calls a live check of AWS makes, and what follows from what they find; ``ask`` makes them.

The calls are those of ``script``, with the organization's policies and CloudTrail beside them; each exhibit is what the
AWS CLI would print. What a server answers is a stranger's text: no part of it stands in a sentence of ours, and what of
it goes into a further call has been matched whole.

Facts, read on 2026-11-27: AWS Service Authorization Reference (the permission of each call); AWS Organizations, "Using
delegated administrators" (an organization shows its policies to its management account and to delegates alone); AWS
CloudTrail, LookupEvents (two calls a second, 90 days).
"""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from ekm_core import vendor
from ekm_core.aws import script
from ekm_core.aws.snippets import arn_part
from ekm_core.model import Configuration, Exhibit, Snippet
from ekm_core.probing import guard
from ekm_core.probing.step import ORIGIN, CallError, Step, Taken, Trouble
from ekm_core.snippets import json_snippet

SECONDS = 15.0
"""For one call with its pages and retries."""

READS = (
    *script.READS,
    "the policies of your organization that bind role and key, where the account may see them",
    "OpenAI's last calls in CloudTrail, and why they failed",
)
"""What a run reads, in words."""

_MOST_ITEMS = 1000
_MOST_EVENTS = 100
_MOST_POLICIES = 40
_MOST_KEYS = 3

# Where IAM and Organizations of a partition are asked; OpenAI itself is in the first.
_HOME = {"aws": "us-east-1", "aws-cn": "cn-northwest-1", "aws-us-gov": "us-gov-west-1"}
_POLICY = re.compile(r"arn:aws[a-z-]{0,12}:iam::(?:[0-9]{12}|aws):policy/[\w+=,.@/-]{1,600}", re.ASCII)
_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
_KEY = re.compile(r"arn:aws[a-z-]{0,12}:kms:[a-z0-9-]{2,30}:[0-9]{12}:key/[0-9a-zA-Z-]{1,64}", re.ASCII)
_KINDS = ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY")


@dataclass(frozen=True, slots=True)
class Read:
    """One call of the SDK, and the command line that prints the same.

    operation: the SDK's method. permission: what the caller needs, or "". parameters: for a lookup of CloudTrail, its
    one attribute. regional: whether the command names the Region. most: for a list, how many items; 0 for a call
    without pages. query: a JMESPath expression on the answer, as the CLI takes it.
    """

    service: str
    operation: str
    region: str
    permission: str
    parameters: Mapping[str, str]
    regional: bool = False
    most: int = 0
    query: str = ""

    @property
    def command(self) -> str:
        """As a person would type it."""
        words = ["aws", self.service, self.operation.replace("_", "-")]
        if self.service == "cloudtrail":
            words.append(
                "--lookup-attributes=" + ",".join(f"{name}={value}" for name, value in self.parameters.items())
            )
        else:
            words += [f"--{_dashed(name)}={value}" for name, value in self.parameters.items()]
        words += [f"--region={self.region}"] if self.regional else []
        words += [f"--max-items={self.most}"] if self.most else []
        words += [f"--query={self.query}"] if self.query else []
        return shlex.join(words)

    @property
    def arguments(self) -> dict[str, Any]:
        """What the SDK's method takes."""
        if self.service == "cloudtrail":
            return {"LookupAttributes": [dict(self.parameters)]}
        return dict(self.parameters)


def _dashed(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


class Ask(Protocol):
    """Makes one call: its answer as the CLI prints it. Raises CallError."""

    def __call__(self, read: Read, **more: bytes) -> dict[str, Any]: ...


Then = Callable[[dict[str, Any]], Iterable[Step]]


class Plan:
    """The steps for one registration; each answers with those that follow from it."""

    def __init__(self, ask: Ask, configuration: Configuration) -> None:
        self.ask = ask
        self.role_arn = _arn(configuration, "role_arn", "iam")
        self.key_arn = _arn(configuration, "kms_arn", "kms")
        known = [item for item in (self.key_arn, self.role_arn) if isinstance(item, guard.Arn)]
        self.partition = known[-1].partition if known else "aws"
        named = known[0].region if known else ""
        self.home = _HOME.get(self.partition, named)
        self.region = named or self.home

    def step(self, id: str, title: str, read: Read, then: Then | None = None, settles: str = "") -> Step:
        """A step that makes one call.

        then: the steps that follow from its answer. settles: a pattern of an error text that is an answer as well;
        ``then`` is asked about {} for it.
        """

        def run() -> Taken:
            try:
                output = self.ask(read)
            except CallError as problem:
                if not settles or not re.search(settles, problem.text):
                    raise
                return Taken((Exhibit(read.command, None, problem.text, ORIGIN),), tuple(then({}) if then else ()))
            return Taken((_exhibit(read, output),), tuple(then(output) if then else ()))

        return Step(f"aws-{id}", title, read.command, run, (read.permission,) if read.permission else ())

    def refused(self, id: str, title: str, command: str, problem: CallError) -> Step:
        """The step in place of calls that we do not make."""

        def run() -> Taken:
            raise problem

        return Step(f"aws-{id}", title, command, run)

    # --------------------------------------------------------------------------------------------------- the identity
    def caller(self) -> Step:
        """Which account and identity the credentials belong to; needs no permission."""
        read = Read("sts", "get_caller_identity", self.region, "", {})
        return self.step("caller", "Find out whose credentials these are", read)

    # ------------------------------------------------------------------------------------------------------- the role
    def role(self) -> Iterator[Step]:
        """The role with its trust policy, boundary and policies; the one that trusts OpenAI, if this does not."""
        title = "Read the role and its trust policy"
        if isinstance(self.role_arn, CallError):
            yield self.refused("role", title, "aws iam get-role", self.role_arn)
            return
        name = self.role_arn.rest.rpartition("/")[2]

        def after(output: dict[str, Any]) -> Iterator[Step]:
            role = _map(output.get("Role"))
            boundary = _map(role.get("PermissionsBoundary")).get("PermissionsBoundaryArn")
            yield from self.managed([boundary])
            if vendor.AWS_ACCOUNT not in json.dumps(role.get("AssumeRolePolicyDocument")):
                yield self.roles()

        read = self.iam("get_role", RoleName=name)
        # That there is no such role is an answer: then which role was set up for OpenAI is the next question.
        yield self.step("role", title, read, after, settles=r"\(NoSuchEntity\)")
        attached = self.iam("list_attached_role_policies", most=_MOST_ITEMS, RoleName=name)
        yield self.step(
            "attached",
            "List the role's attached policies",
            attached,
            lambda output: self.managed(item.get("PolicyArn") for item in _maps(output.get("AttachedPolicies"))),
        )
        inline = self.iam("list_role_policies", most=_MOST_ITEMS, RoleName=name)
        yield self.step(
            "inline",
            "List the role's inline policies",
            inline,
            lambda output: self.inline(name, output.get("PolicyNames")),
        )

    def iam(self, operation: str, most: int = 0, query: str = "", **parameters: str) -> Read:
        permission = _permission("iam", operation)
        return Read("iam", operation, self.home, permission, parameters, most=most, query=query)

    def managed(self, arns: Iterable[object]) -> Iterator[Step]:
        """Managed policies, each with its version in force."""
        known = dict.fromkeys(arn for arn in arns if isinstance(arn, str) and _POLICY.fullmatch(arn))
        for arn in list(known)[:_MOST_POLICIES]:
            read = self.iam("get_policy", PolicyArn=arn)
            title = "Read which version of a managed policy is in force"
            yield self.step(f"policy-{arn}", title, read, partial(self.version, arn))

    def version(self, arn: str, output: dict[str, Any]) -> Iterator[Step]:
        """The document of the version that get-policy names."""
        version = _map(output.get("Policy")).get("DefaultVersionId")
        if isinstance(version, str) and re.fullmatch(r"v[0-9]{1,9}", version):
            read = self.iam("get_policy_version", PolicyArn=arn, VersionId=version)
            yield self.step(f"version-{arn}", "Read a managed policy", read, self.named_keys)

    def inline(self, role: str, names: object) -> Iterator[Step]:
        """The role's inline policies."""
        known = [name for name in _list(names) if isinstance(name, str) and _NAME.fullmatch(name)]
        for policy in known[:_MOST_POLICIES]:
            read = self.iam("get_role_policy", RoleName=role, PolicyName=policy)
            yield self.step(f"inline-{policy}", "Read an inline policy", read, self.named_keys)

    def roles(self) -> Step:
        """The roles of the account whose trust policy names OpenAI's account."""
        query = f"{{Roles: Roles[?{_holds(vendor.AWS_ACCOUNT, 'to_string(AssumeRolePolicyDocument)')}]}}"
        read = self.iam("list_roles", most=_MOST_ITEMS, query=query)
        return self.step("roles", "Look which role trusts OpenAI", read)

    # -------------------------------------------------------------------------------------------------------- the key
    def key(self) -> Iterator[Step]:
        """The key, its policy, rotation and grants, and the aliases of its Region."""
        key, title = self.key_arn, "Read the key and its state"
        if isinstance(key, CallError):
            yield self.refused("key", title, "aws kms describe-key", key)
            return
        is_alias = key.rest.startswith("alias/")

        def after(output: dict[str, Any]) -> Iterator[Step]:
            found = _map(output.get("KeyMetadata")).get("Arn")
            # An alias leads to a key of its own account and Region.
            place = key.text.rpartition(":")[0]
            if is_alias and isinstance(found, str) and _KEY.fullmatch(found) and found.startswith(f"{place}:"):
                yield from self.key_details(found)

        yield self.step("key", title, self.kms("describe_key", key.region, KeyId=key.text), after)
        if not is_alias:
            yield from self.key_details(key.text)
        aliases = self.kms("list_aliases", key.region, most=_MOST_ITEMS)
        yield self.step("aliases", "List the aliases of the key's Region", aliases)

    def kms(self, operation: str, region: str, most: int = 0, **parameters: str) -> Read:
        permission = _permission("kms", operation)
        return Read("kms", operation, region, permission, parameters, regional=True, most=most)

    def key_details(self, arn: str) -> Iterator[Step]:
        """What takes a key's own ARN and no alias."""
        region = arn_part(arn, "region")
        policy = self.kms("get_key_policy", region, KeyId=arn, PolicyName="default")
        yield self.step(f"key-policy-{arn}", "Read the key policy", policy)
        rotation = self.kms("get_key_rotation_status", region, KeyId=arn)
        # Only symmetric keys can be rotated: AWS's answer for the others.
        unsupported = r"\(UnsupportedOperationException\)"
        yield self.step(f"rotation-{arn}", "Read whether the key is rotated", rotation, settles=unsupported)
        grants = self.kms("list_grants", region, most=_MOST_ITEMS, KeyId=arn)
        yield self.step(f"grants-{arn}", "List the key's grants", grants)

    def named_keys(self, output: dict[str, Any]) -> Iterator[Step]:
        """The keys that a policy of the role names, where it does not name the registered one, which may be wrong."""
        text = json.dumps(output)
        if not isinstance(self.key_arn, guard.Arn) or not self.key_arn.rest.startswith("key/"):
            return
        if self.key_arn.text in text:
            return
        for arn in list(dict.fromkeys(_KEY.findall(text)))[:_MOST_KEYS]:
            try:
                key = guard.arn(arn, "kms")
            except CallError:
                continue  # no key's ARN after all
            title = "Read the key that the role's policy names"
            yield self.step(f"key-{arn}", title, self.kms("describe_key", key.region, KeyId=arn))
            policy = self.kms("get_key_policy", key.region, KeyId=arn, PolicyName="default")
            yield self.step(f"key-policy-{arn}", "Read the key policy", policy)

    # ----------------------------------------------------------------------------------------------- the organization
    def organization(self) -> Iterator[Step]:
        """The policies of the organization on the accounts of role and key, and on all above them."""
        known = [item for item in (self.role_arn, self.key_arn) if isinstance(item, guard.Arn)]
        accounts = list(dict.fromkeys(item.account for item in known))

        def after(output: dict[str, Any]) -> Iterator[Step]:
            management = _map(output.get("Organization")).get("MasterAccountId")
            # No policy of the organization binds its management account.
            for account in accounts:
                if output and account != management:
                    yield self.parents(account)

        if accounts:
            read = self.organizations("describe_organization")
            title = "Read which organization the account is in"
            yield self.step("organization", title, read, after, settles=r"\(AWSOrganizationsNotInUseException\)")

    def organizations(self, operation: str, most: int = 0, **parameters: str) -> Read:
        permission = _permission("organizations", operation)
        return Read("organizations", operation, self.home, permission, parameters, most=most)

    def parents(self, child: str) -> Step:
        """What is above an account or a unit; only who sees that may see the policies."""

        def after(output: dict[str, Any]) -> Iterator[Step]:
            targets = [child]
            for parent in _maps(output.get("Parents")):
                id = parent.get("Id")
                if isinstance(id, str) and re.fullmatch(r"ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}", id):
                    yield self.parents(id)
                elif isinstance(id, str) and re.fullmatch(r"r-[0-9a-z]{4,32}", id):
                    targets.append(id)
            for target in targets:
                for kind in _KINDS:
                    yield self.policies(target, kind)

        read = self.organizations("list_parents", most=_MOST_ITEMS, ChildId=child)
        return self.step(f"parents-{child}", "Read what is above the account in the organization", read, after)

    def policies(self, target: str, kind: str) -> Step:
        """The organization's policies on one account, unit or root, each with its document."""

        def after(output: dict[str, Any]) -> Iterator[Step]:
            for policy in _maps(output.get("Policies"))[:_MOST_POLICIES]:
                id = policy.get("Id")
                if isinstance(id, str) and re.fullmatch(r"p-[0-9a-zA-Z_]{8,128}", id):
                    document = self.organizations("describe_policy", PolicyId=id)
                    yield self.step(f"organization-policy-{id}", "Read a policy of the organization", document)

        read = self.organizations("list_policies_for_target", most=_MOST_ITEMS, TargetId=target, Filter=kind)
        what = "service" if kind == _KINDS[0] else "resource"
        return self.step(f"{what}-policies-{target}", f"List the {what} control policies on one level", read, after)

    # ------------------------------------------------------------------------------------------------------ CloudTrail
    def trail(self) -> Iterator[Step]:
        """OpenAI's last calls, as CloudTrail wrote them down in the account of the role."""
        role, key = self.role_arn, self.key_arn
        if not isinstance(role, guard.Arn):
            return
        name = role.rest.rpartition("/")[2]
        own = f"Events[?{_holds(f':assumed-role/{name}/')}]"
        foreign = f"Events[?{_holds(vendor.AWS_ACCOUNT)} && {_holds(role.text)}]"
        lookups = [("EventName", "Encrypt", own), ("EventName", "Decrypt", own)]
        if isinstance(key, guard.Arn):
            # Among all events on one key OpenAI's are found where others use KMS often.
            lookups.append(("ResourceName", key.text, own))
        reads = [self.lookup(self.region, *lookup) for lookup in (*lookups, ("EventName", "AssumeRole", foreign))]
        yield self.lookups("trail", "Read OpenAI's last calls in CloudTrail", reads)
        if self.region != self.home:
            # An AssumeRole is written down where STS was called, which may be the global endpoint.
            elsewhere = self.lookup(self.home, "EventName", "AssumeRole", foreign)
            yield self.lookups("trail-home", "Read OpenAI's last AssumeRole at the global endpoint", [elsewhere])

    def lookup(self, region: str, key: str, value: str, events: str) -> Read:
        parameters = {"AttributeKey": key, "AttributeValue": value}
        query = f"{{Events: {events}}}"
        return Read(
            "cloudtrail", "lookup_events", region, "cloudtrail:LookupEvents", parameters, True, _MOST_EVENTS, query
        )

    def lookups(self, id: str, title: str, reads: list[Read]) -> Step:
        """Several lookups one after another: CloudTrail takes two a second."""

        def run() -> Taken:
            return Taken(tuple(_exhibit(read, self.ask(read)) for read in reads))

        seconds = SECONDS * len(reads)
        return Step(f"aws-{id}", title, reads[0].command, run, (reads[0].permission,), seconds)

    # -------------------------------------------------------------------------------------------------- the round trip
    def round_trip(self) -> Step:
        key, title = self.key_arn, "Encrypt and decrypt a text with the key, as yourself"
        if isinstance(key, CallError):
            return self.refused("round-trip", title, "aws kms encrypt", key)
        text = b"EKM Troubleshooter"
        encrypt = self.kms("encrypt", key.region, KeyId=key.text)
        decrypt = self.kms("decrypt", key.region, KeyId=key.text)

        def run() -> Taken:
            sealed = self.ask(encrypt, Plaintext=text).get("CiphertextBlob")
            if not isinstance(sealed, str):
                raise CallError(Trouble.BAD_ANSWER, "AWS sent no ciphertext, so the round trip shows nothing.")
            opened = self.ask(decrypt, CiphertextBlob=base64.b64decode(sealed)).get("Plaintext")
            if opened != base64.b64encode(text).decode():
                raise CallError(Trouble.BAD_ANSWER, "What came back is not the text that was sent.")
            return Taken(())

        return Step("aws-round-trip", title, encrypt.command, run, (encrypt.permission, decrypt.permission))


def _holds(text: str, what: str = "CloudTrailEvent") -> str:
    """In JMESPath, whether a text stands in it. No single quote, so that a shell can quote it readably."""
    return f'contains({what}, `"{text}"`)'


def _permission(service: str, operation: str) -> str:
    return f"{service}:{''.join(word.capitalize() for word in operation.split('_'))}"


def _arn(configuration: Configuration, field: str, service: str) -> guard.Arn | CallError:
    try:
        return guard.arn(configuration.get(field), service)
    except CallError as problem:
        return problem


def _exhibit(read: Read, output: dict[str, Any]) -> Exhibit:
    return Exhibit(read.command, output, json.dumps(output, indent=4, ensure_ascii=False), ORIGIN)


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _maps(value: object) -> list[Mapping[str, Any]]:
    return [_map(item) for item in _list(value)]


def permissions(configuration: Configuration) -> tuple[Snippet, ...]:
    """The identity policy to grant before the run: that of the script, and what the live calls read beyond it."""
    document = json.loads(script.permissions(configuration)[0].text)
    role = document["Statement"][0]["Resource"]
    keys = f"arn:{arn_part(role, 'partition') or 'aws'}:kms:*:{arn_part(role, 'account') or '<ACCOUNT_ID>'}:key/*"
    more = {
        "ReadKeysOfPolicies": (["kms:DescribeKey", "kms:GetKeyPolicy"], keys),
        "FindRoleOfOpenAI": (["iam:ListRoles"], "*"),
        "ReadOrganization": (
            [
                "organizations:DescribeOrganization",
                "organizations:DescribePolicy",
                "organizations:ListParents",
                "organizations:ListPoliciesForTarget",
            ],
            "*",
        ),
        "ReadTrail": (["cloudtrail:LookupEvents"], "*"),
    }
    document["Statement"] += [
        {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}
        for sid, (actions, resource) in more.items()
    ]
    return (json_snippet("Policy for the live check (read-only)", document),)
