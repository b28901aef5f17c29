"""The policies inside Terraform: what the user's own files say, without running them.

Read are ``aws_iam_role`` (assume_role_policy, inline_policy), ``aws_iam_policy``, ``aws_iam_role_policy``,
``aws_kms_key`` and ``aws_kms_key_policy``, with the document as ``jsonencode({…})``, a string, a heredoc, or a data
source ``aws_iam_policy_document``. Nothing is resolved that only Terraform can know: it is named in ``unknown``.

Shapes: the AWS provider's documentation of these resources, read on 2026-11-23.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ekm_core import strictjson
from ekm_core.aws.account import PolicyKind

LONGEST = 60_000
"""Characters that are read: the parser takes about a second for 40,000, and a role with its key needs some 4,000."""

_DEEPEST = 60


@dataclass(frozen=True, slots=True)
class TerraformPolicy:
    """One policy. kind: None where only the document's words can tell. address: Terraform's own name of the block.

    owner: the role's name where it is written out, else "". unknown: the expressions that are not resolved.
    """

    kind: PolicyKind | None
    address: str
    owner: str
    value: Any
    unknown: tuple[str, ...]


def read(text: str) -> tuple[tuple[TerraformPolicy, ...], tuple[str, ...]]:
    """The policies in the text, and a sentence for each thing that could not be read. Never raises."""
    if len(text) > LONGEST:
        return (), (f"This Terraform is longer than {LONGEST:,} characters. Paste the role, its policies and the key.",)
    try:
        document = _parse(text)
    except _UnreadableError as problem:
        return (), (str(problem),)
    return _Module(document).policies()


class _UnreadableError(Exception):
    """The text is no Terraform that the parser reads; the message is a sentence for people."""


def _parse(text: str) -> Mapping[str, Any]:
    # Imported here: the two take a third of a second, and few pastes hold Terraform.
    import hcl2
    from lark.exceptions import LarkError, UnexpectedInput

    depth = deepest = 0
    for sign in re.findall(r"[{}\[\]()]", text):
        depth += 1 if sign in "{[(" else -1
        deepest = max(deepest, depth)
    if deepest > _DEEPEST:
        raise _UnreadableError(f"This Terraform nests deeper than {_DEEPEST} levels, so it was not read.")
    options = hcl2.SerializationOptions(with_comments=False, explicit_blocks=False, strip_string_quotes=True)
    try:
        document = hcl2.loads(text if text.endswith("\n") else f"{text}\n", serialization_options=options)
    except UnexpectedInput as error:
        where = f"line {error.line}, column {error.column}" if error.line and error.line > 0 else "its end"
        raise _UnreadableError(f"This Terraform has a fault at {where}, so it was not read.") from error
    except (LarkError, RecursionError, ValueError) as error:
        raise _UnreadableError("This Terraform could not be read. Paste the policy as JSON.") from error
    return document if isinstance(document, dict) else {}


_HEREDOC = re.compile(r"<<(?P<indented>-?)(?P<word>[\w.-]+)\r?\n(?P<body>.*?)\r?\n?[ \t]*(?P=word)", re.DOTALL)
_CALL = re.compile(r"\$\{jsonencode\((?P<inside>.*)\)\}", re.DOTALL)
_DATA = re.compile(r"\$\{data\.aws_iam_policy_document\.(?P<name>[\w-]+)\.json\}")
# An interpolation; $${ is an escaped one, which stands for a policy variable.
_OPEN = re.compile(r"(?<!\$)\$\{[^}]*\}|(?<!%)%\{[^}]*\}")


class _Module:
    """The blocks of one text, by type and name."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.resources = tuple(_blocks(document.get("resource")))
        self.data = {name: body for kind, name, body in _blocks(document.get("data")) if kind == _DOCUMENT}
        self.used: set[str] = set()
        self.problems: list[str] = []

    def policies(self) -> tuple[tuple[TerraformPolicy, ...], tuple[str, ...]]:
        """Every policy of the resources, then the documents that no resource here uses."""
        found: list[TerraformPolicy] = []
        for kind, name, body in self.resources:
            address = f"{kind}.{name}"
            if kind == "aws_iam_role":
                owner = _literal(body.get("name"))
                found += self._policy(PolicyKind.TRUST, address, owner, body.get("assume_role_policy"))
                for inline in _maps(body.get("inline_policy")):
                    found += self._policy(PolicyKind.IDENTITY, f"{address}.inline_policy", owner, inline.get("policy"))
            elif kind == "aws_iam_role_policy":
                found += self._policy(PolicyKind.IDENTITY, address, _literal(body.get("role")), body.get("policy"))
            elif kind == "aws_iam_policy":
                found += self._policy(PolicyKind.IDENTITY, address, "", body.get("policy"))
            elif kind in ("aws_kms_key", "aws_kms_key_policy"):
                found += self._policy(PolicyKind.KEY, address, "", body.get("policy"))
        for name in self.data:
            if name not in self.used:
                found.append(_finished(None, f"data.{_DOCUMENT}.{name}", "", self._document(name)))
        return tuple(found), tuple(self.problems)

    def _policy(self, kind: PolicyKind, address: str, owner: str, expression: object) -> Iterator[TerraformPolicy]:
        """At most one policy; a sentence in ``problems`` where the expression cannot be read."""
        if not isinstance(expression, str):
            return
        if data := _DATA.fullmatch(expression):
            name = data.group("name")
            self.used.add(name)
            if name in self.data:
                yield _finished(kind, address, owner, self._document(name))
            else:
                self.problems.append(
                    f"{address} uses data.{_DOCUMENT}.{name}, which is not in this text. Paste it too."
                )
            return
        if call := _CALL.fullmatch(expression):
            try:
                value = _parse(f"value = {call.group('inside')}").get("value")
            except _UnreadableError:
                value = None
            if isinstance(value, dict):
                yield _finished(kind, address, owner, value)
                return
        heredoc = _HEREDOC.fullmatch(expression.strip())
        text = expression if heredoc is None else heredoc.group("body")
        parsed = strictjson.parse(textwrap.dedent(text))
        if isinstance(parsed.value, dict):
            yield _finished(kind, address, owner, parsed.value)
        else:
            self.problems.append(f"The policy of {address} is not written out here. Paste the policy as JSON.")

    def _document(self, name: str) -> dict[str, Any]:
        """The policy that the data source makes (the provider's own defaults: Version 2012-10-17, Effect Allow)."""
        body = self.data[name]
        document: dict[str, Any] = {"Version": body.get("version", "2012-10-17")}
        for merged in ("source_policy_documents", "override_policy_documents", "dynamic"):
            if merged in body:
                document[merged] = f"${{{merged}}}"  # more statements than are written here
        document["Statement"] = [_statement(item) for item in _maps(body.get("statement"))]
        return document


_DOCUMENT = "aws_iam_policy_document"
_PARTS = {
    "sid": "Sid",
    "actions": "Action",
    "not_actions": "NotAction",
    "resources": "Resource",
    "not_resources": "NotResource",
}


def _statement(block: Mapping[str, Any]) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": block.get("effect", "Allow")}
    statement |= {theirs: _variables(block[ours]) for ours, theirs in _PARTS.items() if ours in block}
    for ours, theirs in (("principals", "Principal"), ("not_principals", "NotPrincipal")):
        principals: dict[str, list[Any]] = {}
        for item in _maps(block.get(ours)):
            identifiers = item.get("identifiers")
            principals.setdefault(str(item.get("type")), []).extend(
                identifiers if isinstance(identifiers, list) else [identifiers]
            )
        if principals:
            # The provider writes {"*": ["*"]} as "*".
            statement[theirs] = "*" if principals == {"*": ["*"]} else principals
    conditions: dict[str, dict[str, Any]] = {}
    for item in _maps(block.get("condition")):
        keys = conditions.setdefault(str(item.get("test")), {})
        values = _variables(item.get("values"))
        keys.setdefault(str(item.get("variable")), []).extend(values if isinstance(values, list) else [values])
    if conditions:
        statement["Condition"] = conditions
    if "dynamic" in block:
        statement["dynamic"] = "${dynamic}"
    return statement


def _variables(value: object) -> object:
    """In this data source ``&{…}`` writes the policy variable ``${…}``: as Terraform's own escape for one."""
    if isinstance(value, list):
        return [_variables(item) for item in value]
    return value.replace("&{", "$${") if isinstance(value, str) else value


def _finished(kind: PolicyKind | None, address: str, owner: str, document: dict[str, Any]) -> TerraformPolicy:
    unknown: list[str] = []
    value = {_text(name, unknown): _resolved(item, unknown) for name, item in document.items()}
    return TerraformPolicy(kind, address, owner, value, tuple(dict.fromkeys(unknown)))


def _resolved(value: object, unknown: list[str]) -> object:
    """The value with Terraform's escapes undone; what only Terraform can resolve is added to ``unknown``."""
    if isinstance(value, dict):
        return {_text(name, unknown): _resolved(item, unknown) for name, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, unknown) for item in value]
    return _text(value, unknown) if isinstance(value, str) else value


def _text(value: str, unknown: list[str]) -> str:
    unknown += _OPEN.findall(value)
    return value.replace("$${", "${").replace("%%{", "%{")


def _literal(value: object) -> str:
    """A string without any expression in it, else ""."""
    return value if isinstance(value, str) and not _OPEN.search(value) else ""


def _blocks(value: object) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(type, name, body) of each block."""
    for item in _maps(value):
        for kind, named in item.items():
            for name, body in named.items() if isinstance(named, dict) else ():
                if isinstance(body, dict):
                    yield kind, name, body


def _maps(value: object) -> Iterator[Mapping[str, Any]]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            yield item
