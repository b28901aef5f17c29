"""Reads the answers of AWS's read-only commands and pasted policies into ``AwsEvidence``.

In: exhibits of any cloud (those of others are left alone). Outputs are recognised by their shape; the command line
decides only where an output does not name its own resource (``get-policy-version``, ``get-key-policy``, the two
listings of a role). Nothing is guessed: what cannot be placed stands in ``loose`` with a sentence.

Shapes: AWS CLI command reference for iam, kms, sts and organizations, read on 2026-11-23.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import unquote

from ekm_core import strictjson
from ekm_core.aws.account import (
    AwsEvidence,
    Entry,
    Grant,
    Key,
    OrganizationPolicy,
    PolicyKind,
    PolicyText,
    RecordedCall,
    Refusal,
    Role,
    Tags,
    TargetPolicies,
    Version,
)
from ekm_core.aws.snippets import arn_part
from ekm_core.evidence import Command, State, command_of, is_terraform, outcome
from ekm_core.facts import Fact, Loose, piped, source_of
from ekm_core.model import Exhibit

T = TypeVar("T")

_PROFILE = re.compile(r"(?:[A-Za-z_]\w{0,60}=[^\s]{0,200}[ ]+){0,4}?AWS_(?:DEFAULT_)?PROFILE=([^\s]{1,200})")
_NO_ROLE = "This output does not name its role. Paste the command above it too."
_NO_POLICY = "This output does not name its policy. Paste the command above it too."
_NO_KEY = "This output does not name its key. Paste the command above it too."
_ORGANIZATION_ID = re.compile(r"o-[a-z0-9]{10,32}")
_ORGANIZATION = re.compile(
    r"arn:aws[a-z-]{0,12}:organizations::[0-9]{12}:policy/(o-[a-z0-9]{10,32})/[a-z_]{1,60}/p-[\w-]{1,130}"
)
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_UNREAD = "This output is not one that we read. Leave out --query, and use --output json."
_UNPLACED = "It is not plain what this policy is attached to. Paste the command that printed it above it."


def read(exhibits: Iterable[Exhibit]) -> AwsEvidence:
    """All that the exhibits say about AWS. Never raises; what cannot be used stands in ``loose`` or ``refusals``."""
    mine = [(exhibit, command_of(exhibit)) for exhibit in exhibits]
    mine = [(exhibit, command) for exhibit, command in mine if command.program not in ("gcloud", "az")]
    evidence = AwsEvidence()
    for exhibit, command in mine:  # first who ran the commands: it decides what an absence means
        output = _map(exhibit.output)
        if {"UserId", "Account", "Arn"} <= set(output) and isinstance(output["Account"], str):
            evidence.callers.setdefault(_profile(exhibit, command), set()).add(output["Account"])
    for exhibit, command in mine:
        _Reading(evidence, exhibit, command).read()
    return evidence


@dataclass(frozen=True, slots=True)
class _Reading:
    """One exhibit on its way into the evidence."""

    evidence: AwsEvidence
    exhibit: Exhibit
    command: Command

    @property
    def source(self) -> str:
        return source_of(self.exhibit)

    def read(self) -> None:
        if is_terraform(self.exhibit):
            self._terraform()
            return
        result = outcome(self.exhibit)
        if result.state is not State.SEEN:
            # An error without its command may be of any cloud and any resource.
            if self.command.program == "aws":
                self._no_answer(result.state, result.permission, result.sentence)
            return
        if piped(self.exhibit):
            self._loose("This output went through another program, which may have left some of it out.")
            return
        output = _map(self.exhibit.output)
        for shape, reader in _SHAPES:
            if shape <= set(output):
                reader(self, output)
                return
        if self.command.program == "aws":
            self._loose(_UNREAD)

    # ------------------------------------------------------------------------------------------------------- helpers
    def _seen(self, value: T) -> Fact[T]:
        return Fact(State.SEEN, value, self.source)

    def _loose(self, sentence: str) -> None:
        self.evidence.loose.append(Loose(self.exhibit, sentence))

    def _policy(self, kind: PolicyKind, title: str, document: object) -> PolicyText:
        if not isinstance(document, str):
            return PolicyText(kind, title, document, _formatted(document), self.source)
        # The raw API answers with URL-encoded JSON; get-key-policy with JSON inside a string.
        text = unquote(document) if document.lstrip()[:3].upper() == "%7B" else document
        parsed = strictjson.parse(text)
        problems = tuple(problem.sentence for problem in parsed.problems)
        shown = _formatted(parsed.value) if parsed.valid else text
        return PolicyText(kind, title, parsed.value, shown, self.source, problems=problems)

    def _not_whole(self, output: Mapping[str, Any]) -> bool:
        """Whether a list lacks items: it says that there is more, or the command picked some of them out."""
        return _cut_off(output) or bool(self.command.option("query", "path-prefix", "starting-token", "marker"))

    @property
    def _role_name(self) -> str:
        return self.command.option("role-name")

    @property
    def _account(self) -> str:
        return self.evidence.account_of(_profile(self.exhibit, self.command))

    @property
    def _key_id(self) -> str:
        return self.command.option("key-id")

    @property
    def _region(self) -> str:
        return arn_part(self._key_id, "region") or self.command.option("region")

    # ----------------------------------------------------------------------------------------------------------- roles
    def role(self, output: Mapping[str, Any]) -> None:
        self._add_role(_map(output["Role"]), whole=not self.command.option("query"))

    def bare_role(self, output: Mapping[str, Any]) -> None:
        """A role without the braces around it: of get-role, or an item of list-roles, which shows no boundary. Only the
        former says when the role was last used."""
        self._add_role(output, whole="RoleLastUsed" in output)

    def _add_role(self, output: Mapping[str, Any], *, whole: bool) -> None:
        arn, name = _text(output, "Arn"), _text(output, "RoleName")
        account = arn_part(arn, "account")
        if not account:
            self._loose("This role has no ARN.")
            return
        name = name or arn_part(arn, "rest").rpartition("/")[2]
        boundary = _text(_map(output.get("PermissionsBoundary")), "PermissionsBoundaryArn") or ("" if whole else None)
        tags = _tags(output.get("Tags"), "Key", "Value") if whole or "Tags" in output else None
        role = Role(arn, name, account, boundary, _text(output, "RoleId"), tags)
        self.evidence.roles.append(Entry(name, account, self._seen(role)))
        if "AssumeRolePolicyDocument" in output:
            self._trust(name, account, output["AssumeRolePolicyDocument"])

    def roles(self, output: Mapping[str, Any]) -> None:
        """list-roles: roles with their trust policies. It never shows a boundary, so none is concluded from it."""
        for item in map(_map, _list(output["Roles"])):
            arn, name = _text(item, "Arn"), _text(item, "RoleName")
            account = arn_part(arn, "account")
            if not account or not name or "AssumeRolePolicyDocument" not in item:
                continue
            role = Role(arn, name, account, "", _text(item, "RoleId"))
            self.evidence.listed_roles.append(Entry(name, account, self._seen(role)))
            self._trust(name, account, item["AssumeRolePolicyDocument"])

    def _trust(self, name: str, account: str, document: object) -> None:
        title = f"Trust policy of role {name}" if name else "The trust policy that you pasted"
        policy = self._policy(PolicyKind.TRUST, title, document)
        self.evidence.trusts.append(Entry(name, account, self._seen(policy)))

    def attached(self, output: Mapping[str, Any]) -> None:
        arns = tuple(_text(_map(item), "PolicyArn") for item in _list(output["AttachedPolicies"]))
        self._listing(self.evidence.attached, arns, output, "list-attached-role-policies")

    def inline(self, output: Mapping[str, Any]) -> None:
        names = tuple(item for item in _list(output["PolicyNames"]) if isinstance(item, str))
        self._listing(self.evidence.inline, names, output, "list-role-policies")

    def _listing(
        self, target: list[Entry[tuple[str, ...]]], names: tuple[str, ...], output: Mapping[str, Any], verb: str
    ) -> None:
        if not self._role_name or self.command.verb != verb:
            self._loose(_NO_ROLE)
            return
        fact = self._seen(names)
        if self._not_whole(output) or not all(names):
            because = f"The output of {self.source} is not the whole list. Run it again without options that select."
            fact = Fact(State.FAILED, source=self.source, because=because)
        target.append(Entry(self._role_name, self._account, fact))

    def inline_document(self, output: Mapping[str, Any]) -> None:
        self._add_inline(_text(output, "RoleName"), self._account, output)

    def _add_inline(self, role: str, account: str, output: Mapping[str, Any]) -> None:
        name = _text(output, "PolicyName")
        policy = self._policy(PolicyKind.IDENTITY, f"Inline policy {name} of role {role}", output["PolicyDocument"])
        self.evidence.inline_documents.append((name, Entry(role, account, self._seen(policy))))

    def account_details(self, output: Mapping[str, Any]) -> None:
        """get-account-authorization-details: every role with its policies, and every managed policy."""
        for item in map(_map, _list(output["RoleDetailList"])):
            self._add_role(item, whole=True)
            name, account = _text(item, "RoleName"), arn_part(_text(item, "Arn"), "account")
            inline = [_map(policy) for policy in _list(item.get("RolePolicyList"))]
            for policy in inline:
                if "PolicyDocument" in policy:
                    self._add_inline(name, account, policy)
            if isinstance(item.get("RolePolicyList"), list):
                names = tuple(_text(policy, "PolicyName") for policy in inline)
                self.evidence.inline.append(Entry(name, account, self._seen(names)))
            if isinstance(item.get("AttachedManagedPolicies"), list):
                arns = tuple(_text(_map(policy), "PolicyArn") for policy in item["AttachedManagedPolicies"])
                self.evidence.attached.append(Entry(name, account, self._seen(arns)))
        for item in map(_map, _list(output.get("Policies"))):
            arn, default = _text(item, "Arn"), _text(item, "DefaultVersionId")
            if default:
                self.evidence.default_versions.append((arn, self._seen(default)))
            for version in map(_map, _list(item.get("PolicyVersionList"))):
                self._version(arn, version)

    # ------------------------------------------------------------------------------------------------ managed policies
    def managed(self, output: Mapping[str, Any]) -> None:
        """``{"Policy": …}``: get-policy, get-key-policy and describe-policy of Organizations share the name."""
        policy = output["Policy"]
        if isinstance(policy, str):
            if self._key_id:
                self._key_policy(policy)
            else:
                self._loose(_NO_KEY)
        elif "PolicySummary" in (summary := _map(policy)):
            self._organization_policy(_map(summary["PolicySummary"]), summary.get("Content"))
        elif arn_part(arn := _text(summary, "Arn"), "service") == "iam" and "DefaultVersionId" in summary:
            self.evidence.default_versions.append((arn, self._seen(_text(summary, "DefaultVersionId"))))
        else:
            self._loose(_UNPLACED)

    def policy_version(self, output: Mapping[str, Any]) -> None:
        if arn := self.command.option("policy-arn"):
            self._version(arn, _map(output["PolicyVersion"]))
        else:
            self._loose(_NO_POLICY)

    def _version(self, arn: str, version: Mapping[str, Any]) -> None:
        default = version.get("IsDefaultVersion")
        fact = self._seen(self._policy(PolicyKind.IDENTITY, f"Managed policy {arn}", version.get("Document")))
        flag = default if isinstance(default, bool) else None
        self.evidence.versions.append(Version(arn, _text(version, "VersionId"), flag, fact))

    def _organization_policy(self, summary: Mapping[str, Any], content: object) -> None:
        kinds = {"SERVICE_CONTROL_POLICY": PolicyKind.SCP, "RESOURCE_CONTROL_POLICY": PolicyKind.RCP}
        kind = kinds.get(_text(summary, "Type"))
        if kind is None:
            self._loose("This policy of the organization is neither an SCP nor an RCP.")
            return
        name = _text(summary, "Name")
        policy = self._policy(kind, f"{kind.upper()} {name}", content)
        self._in_organization(summary)
        self.evidence.organization.append(OrganizationPolicy(_text(summary, "Id"), name, policy))

    def organization_targets(self, output: Mapping[str, Any]) -> None:
        """list-policies-for-target: which policies stand on the account or unit that the command names."""
        if self.command.verb != "list-policies-for-target" or not self.command.option("target-id"):
            self._loose("This list does not name its account or unit. Paste the command above it too.")
            return
        items = [_map(item) for item in _list(output["Policies"])]
        ids = tuple(_text(item, "Id") for item in items)
        for item in items:
            self._in_organization(item)
        fact = self._seen(ids)
        if self._not_whole(output):
            because = f"The output of {self.source} is not the whole list. Run it again without options that select."
            fact = Fact(State.FAILED, source=self.source, because=because)
        target, kind = self.command.option("target-id"), self.command.option("filter")
        self.evidence.organization_lists.append(TargetPolicies(target, kind, fact))

    def _in_organization(self, policy: Mapping[str, Any]) -> None:
        if found := _ORGANIZATION.fullmatch(_text(policy, "Arn")):
            self.evidence.organization_ids.setdefault(_text(policy, "Id"), set()).add(found[1])

    def parents(self, output: Mapping[str, Any]) -> None:
        """list-parents: what is right above the account or unit that the command names."""
        above = [_text(_map(item), "Id") for item in _list(output["Parents"])]
        if not self.command.option("child-id"):
            self._loose("This output does not name its account or unit. Paste the command above it too.")
        elif len(above) == 1 and above[0]:
            child, known = self.command.option("child-id"), self.evidence.organization_parents
            known[child] = above[0] if known.get(child, above[0]) == above[0] else ""  # moved meanwhile

    def the_organization(self, output: Mapping[str, Any]) -> None:
        """describe-organization: no policy of the organization binds its management account."""
        organization = _map(output["Organization"])
        management, id = _text(organization, "MasterAccountId"), _text(organization, "Id")
        for account in {self._account, management} - {""} if _ORGANIZATION_ID.fullmatch(id) else ():
            self.evidence.organization_ids.setdefault(account, set()).add(id)
        if management:
            self.evidence.unbound[management] = f"{self.source} shows that it is the organization's management account."

    # ------------------------------------------------------------------------------------------------------------ keys
    def key(self, output: Mapping[str, Any]) -> None:
        data = _map(output["KeyMetadata"])
        arn = _text(data, "Arn")
        if arn_part(arn, "service") != "kms":
            self._loose("This key has no ARN.")
            return
        key = Key(
            arn=arn,
            id=_text(data, "KeyId"),
            region=arn_part(arn, "region"),
            account=arn_part(arn, "account"),
            state=_text(data, "KeyState"),
            enabled=_flag(data, "Enabled"),
            spec=_text(data, "KeySpec") or _text(data, "CustomerMasterKeySpec"),
            usage=_text(data, "KeyUsage"),
            origin=_text(data, "Origin"),
            manager=_text(data, "KeyManager"),
            multi_region=_flag(data, "MultiRegion"),
        )
        self.evidence.keys.append(Entry(arn, key.region, self._seen(key)))
        alias = self._key_id.rpartition(":")[2]
        if alias.startswith("alias/"):
            owner = self._key_id if self._key_id.startswith("arn:") else _sibling(arn, alias)
            self.evidence.aliases.append(Entry(owner, key.region, self._seen(arn)))

    def _key_policy(self, document: object) -> None:
        title = f"Key policy of {self._key_id}" if self._key_id else "The key policy that you pasted"
        policy = self._policy(PolicyKind.KEY, title, document)
        self.evidence.key_policies.append(Entry(self._key_id, self._region, self._seen(policy)))

    def rotation(self, output: Mapping[str, Any]) -> None:
        enabled = output["KeyRotationEnabled"]
        owner = _text(output, "KeyId") or self._key_id
        if not owner or not isinstance(enabled, bool):
            self._loose(_NO_KEY)
            return
        self.evidence.rotations.append(Entry(owner, self._region, self._seen(enabled)))

    def grants(self, output: Mapping[str, Any]) -> None:
        items = [_map(item) for item in _list(output["Grants"])]
        named = {_text(item, "KeyId") for item in items} - {""}
        owner = self._key_id or (named.pop() if len(named) == 1 else "")
        if not owner:
            self._loose(_NO_KEY)
            return
        filtered = self.command.option("grantee-principal", "grant-id")
        fact = self._seen(
            tuple(
                Grant(
                    _text(item, "GrantId"),
                    _text(item, "GranteePrincipal"),
                    tuple(name for name in _list(item.get("Operations")) if isinstance(name, str)),
                )
                for item in items
            )
        )
        if self._not_whole(output) or filtered:
            fact = Fact(
                State.FAILED, source=self.source, because=f"The output of {self.source} does not hold all grants."
            )
        self.evidence.key_grants.append(Entry(owner, self._region, fact))

    def key_tags(self, output: Mapping[str, Any]) -> None:
        if self.command.verb != "list-resource-tags" or not self._key_id:
            self._loose(_NO_KEY if self.command.verb in ("", "list-resource-tags") else _UNREAD)
            return
        fact = self._seen(_tags(output["Tags"], "TagKey", "TagValue"))
        if self._not_whole(output):
            because = f"The output of {self.source} does not hold all tags."
            fact = Fact(State.FAILED, source=self.source, because=because)
        self.evidence.key_tags.append(Entry(self._key_id, self._region, fact))

    def aliases(self, output: Mapping[str, Any]) -> None:
        places = set()
        for item in map(_map, _list(output["Aliases"])):
            arn, target = _text(item, "AliasArn"), _text(item, "TargetKeyId")
            places.add((arn_part(arn, "account"), arn_part(arn, "region")))
            if target and arn_part(arn, "service") == "kms":
                fact = self._seen(_sibling(arn, f"key/{target}"))
                self.evidence.aliases.append(Entry(arn, arn_part(arn, "region"), fact))
        # Every account has AWS's own aliases in every Region, so a whole list always names its place.
        if self.command.verb == "list-aliases" and not self._key_id and not self._not_whole(output):
            self.evidence.whole_alias_lists.update(places)

    # ------------------------------------------------------------------------------------------------------ CloudTrail
    def events(self, output: Mapping[str, Any]) -> None:
        """lookup-events: each event is JSON inside a string."""
        self.evidence.lookups.append(self.source)
        for item in map(_map, _list(output["Events"])):
            event = _map(strictjson.parse(_text(item, "CloudTrailEvent")).value)
            who = _map(event.get("userIdentity"))
            issuer = _map(_map(who.get("sessionContext")).get("sessionIssuer"))
            service = _text(event, "eventSource").partition(".")[0]
            time, name = _text(event, "eventTime"), _text(event, "eventName")
            if not service or not name or not _TIME.fullmatch(time):
                continue
            call = RecordedCall(
                time,
                f"{service}:{name}",
                _text(event, "awsRegion"),
                _text(who, "accountId"),
                _text(who, "arn"),
                _text(issuer, "arn"),
                _text(_map(event.get("requestParameters")), "roleArn"),
                _text(event, "errorCode"),
                _text(event, "errorMessage"),
            )
            self.evidence.recorded.append(call)

    def caller(self, output: Mapping[str, Any]) -> None:
        """Read beforehand, for all exhibits."""

    # ---------------------------------------------------------------------------------------------------- bare policies
    def bare(self, output: Mapping[str, Any]) -> None:
        """A policy document alone: by its command (``--query``, ``--output text``), else by what it says."""
        verb = self.command.verb if self.command.program == "aws" else ""
        if verb == "get-role" and self._role_name:
            self._trust(self._role_name, self._account, output)
        elif verb == "get-role-policy" and self._role_name:
            item = {"PolicyName": self.command.option("policy-name"), "PolicyDocument": output}
            self._add_inline(self._role_name, self._account, item)
        elif verb == "get-policy-version" and self.command.option("policy-arn"):
            item = {"VersionId": self.command.option("version-id"), "Document": output}
            self._version(self.command.option("policy-arn"), item)
        elif verb == "get-key-policy":
            self._key_policy(output)
        elif verb:
            self._loose(_UNPLACED)
        else:
            self._pasted(kind_of(output), output)

    def _pasted(self, kind: PolicyKind | None, document: object) -> None:
        if kind is PolicyKind.TRUST:
            self._trust("", "", document)
        elif kind is PolicyKind.KEY:
            self._key_policy(document)
        elif kind is PolicyKind.IDENTITY:
            policy = self._policy(kind, "The identity policy that you pasted", document)
            self.evidence.pasted_identity.append(Entry("", "", self._seen(policy)))
        else:
            self._loose(_UNPLACED)

    def _terraform(self) -> None:
        from ekm_core.aws import terraform  # heavy: only where there is Terraform to read

        policies, problems = terraform.read(self.exhibit.text)
        for sentence in problems:
            self._loose(sentence)
        targets = {
            PolicyKind.TRUST: self.evidence.trusts,
            PolicyKind.KEY: self.evidence.key_policies,
            PolicyKind.IDENTITY: self.evidence.pasted_identity,
        }
        for found in policies:
            kind = found.kind or kind_of(found.value)
            if kind not in targets:
                self._loose(f"{found.address}: {_UNPLACED}")
                continue
            source = f"Terraform, {found.address}"
            text = _formatted(found.value)
            policy = PolicyText(kind, f"The policy of {found.address}", found.value, text, source, found.unknown)
            targets[kind].append(Entry(found.owner, "", Fact(State.SEEN, policy, source)))

    # ------------------------------------------------------------------------------------------------------- no answer
    def _no_answer(self, state: State, permission: str, sentence: str) -> None:
        """A command that was refused, failed, or was told that there is no such thing."""
        if state is not State.ABSENT:
            self.evidence.refusals.append(Refusal(self.exhibit.command, state, permission, sentence))
        evidence, name, account = self.evidence, self._role_name, self._account
        if state is State.ABSENT and self.command.service == "iam" and not account:
            state = State.FAILED
            sentence = (
                "AWS did not find it in the account of whoever ran the command, and it is not known which account "
                "that is. Give the output of aws sts get-caller-identity too."
            )
        source = self.source
        because = f"{source}: {sentence}"
        verb = self.command.verb
        if verb == "get-role" and name:
            evidence.roles.append(Entry(name, account, Fact(state, source=source, because=because)))
            evidence.trusts.append(Entry(name, account, Fact(state, source=source, because=because)))
        elif verb == "list-attached-role-policies" and name:
            evidence.attached.append(Entry(name, account, Fact(state, source=source, because=because)))
        elif verb == "list-role-policies" and name:
            evidence.inline.append(Entry(name, account, Fact(state, source=source, because=because)))
        elif verb == "get-role-policy" and name:
            unread: Fact[PolicyText] = Fact(state, source=source, because=because)
            evidence.inline_documents.append((self.command.option("policy-name"), Entry(name, account, unread)))
        elif verb == "get-policy":
            evidence.default_versions.append(
                (self.command.option("policy-arn"), Fact(state, source=source, because=because))
            )
        elif verb == "get-policy-version":
            fact: Fact[PolicyText] = Fact(state, source=source, because=because)
            evidence.versions.append(
                Version(self.command.option("policy-arn"), self.command.option("version-id"), None, fact)
            )
        elif verb == "describe-organization" and account and "AWSOrganizationsNotInUse" in self.exhibit.text:
            evidence.unbound[account] = f"{source}: AWS says that the account is in no organization."
        elif self.command.service == "kms" and self._key_id:
            self._no_key(state, source, because)

    def _no_key(self, state: State, source: str, because: str) -> None:
        key_id = self._key_id
        # "Invalid arn us-west-2" (the wrong Region was asked) bears the same code as a key that does not exist.
        gone = re.search(r"does not exist|is not found", self.exhibit.text)
        if state is State.ABSENT and (not gone or not key_id.startswith("arn:")):
            region, account = self._region, self._account
            if gone and region and account and self.command.option("region"):
                rest = key_id if key_id.startswith("alias/") else f"key/{key_id}"
                key_id = f"arn:aws:kms:{region}:{account}:{rest}"
            else:
                state = State.FAILED
                because = f"{source}: AWS did not find it where it looked. Run it with the key's ARN and its Region."
        if self.command.verb == "get-key-policy" and self._account not in ("", arn_part(key_id, "account")):
            state = State.FAILED  # AWS shows a key's policy within its own account alone
        targets: dict[str, list[Any]] = {
            "describe-key": self.evidence.keys,
            "get-key-policy": self.evidence.key_policies,
            "get-key-rotation-status": self.evidence.rotations,
            "list-grants": self.evidence.key_grants,
        }
        target = targets.get(self.command.verb)
        if target is not None:
            target.append(Entry(key_id, self._region, Fact(state, source=source, because=because)))


_SHAPES = (
    (frozenset({"Role"}), _Reading.role),
    (frozenset({"RoleName", "PolicyName", "PolicyDocument"}), _Reading.inline_document),
    (frozenset({"RoleName", "Arn", "AssumeRolePolicyDocument"}), _Reading.bare_role),
    (frozenset({"AttachedPolicies"}), _Reading.attached),
    (frozenset({"PolicyNames"}), _Reading.inline),
    (frozenset({"RoleDetailList"}), _Reading.account_details),
    (frozenset({"PolicyVersion"}), _Reading.policy_version),
    (frozenset({"Policy"}), _Reading.managed),
    (frozenset({"Policies"}), _Reading.organization_targets),
    (frozenset({"Parents"}), _Reading.parents),
    (frozenset({"Roles"}), _Reading.roles),
    (frozenset({"Events"}), _Reading.events),
    (frozenset({"Organization"}), _Reading.the_organization),
    (frozenset({"KeyMetadata"}), _Reading.key),
    (frozenset({"KeyRotationEnabled"}), _Reading.rotation),
    (frozenset({"Grants"}), _Reading.grants),
    (frozenset({"Tags"}), _Reading.key_tags),
    (frozenset({"Aliases"}), _Reading.aliases),
    (frozenset({"UserId", "Account", "Arn"}), _Reading.caller),
    (frozenset({"Statement"}), _Reading.bare),
)


def kind_of(document: object) -> PolicyKind | None:
    """What a bare policy document is, by its own words; None where they do not tell.

    A policy with principals is one of a resource: trust where its actions are of sts, key where they are of kms. One
    without principals is an identity policy, unless it speaks of sts alone (then it is perhaps a broken trust policy).
    """
    statements = _map(document).get("Statement")
    items = [_map(item) for item in (statements if isinstance(statements, list) else [statements])]
    services: set[str] = set()
    for item in items:
        for name in ("Action", "NotAction"):
            actions = item.get(name)
            listed = actions if isinstance(actions, list) else [actions]
            services |= {action.partition(":")[0].lower() for action in listed if isinstance(action, str)}
    principals = any("Principal" in item or "NotPrincipal" in item for item in items)
    if principals:
        return {frozenset({"sts"}): PolicyKind.TRUST, frozenset({"kms"}): PolicyKind.KEY}.get(frozenset(services))
    return None if not services or services == {"sts"} else PolicyKind.IDENTITY


def _profile(exhibit: Exhibit, command: Command) -> str:
    """Under which profile a command ran, as far as its line says; "" for the one that is set elsewhere."""
    found = _PROFILE.match(exhibit.command)
    return command.option("profile") or (found[1] if found else "")


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(output: Mapping[str, Any], name: str) -> str:
    value = output.get(name)
    return value if isinstance(value, str) else ""


def _flag(output: Mapping[str, Any], name: str) -> bool | None:
    value = output.get(name)
    return value if isinstance(value, bool) else None


def _tags(listed: object, key: str, value: str) -> Tags:
    """Tags by name, each as a name and a text."""
    return tuple(sorted((_text(tag, key), _text(tag, value)) for tag in map(_map, _list(listed)) if _text(tag, key)))


def _cut_off(output: Mapping[str, Any]) -> bool:
    """Whether a listing says that there is more."""
    return bool(output.get("IsTruncated") or output.get("Truncated") or output.get("NextToken") or output.get("Marker"))


def _sibling(arn: str, rest: str) -> str:
    """The ARN of another KMS resource in the same account and Region."""
    return f"{arn.rpartition(':')[0]}:{rest}"


def _formatted(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)
