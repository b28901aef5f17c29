"""Policies, commands and Terraform for AWS, built from the user's values.

In: ``Values``, of which any may be missing (it becomes a placeholder such as ``<ROLE_ARN>``) or hostile (it stays one
inert string). Out: ``Snippet``. Policies are dicts until the last line; values reach a command only as
``--option=<quoted>``, so that none can be read as a flag. ``put-key-policy`` replaces the whole policy, hence the
commands here always fetch the present one first and never print a complete new one to paste over it.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ekm_core import vendor
from ekm_core.model import Language, Snippet, Values
from ekm_core.openai import snippets as openai_snippets
from ekm_core.snippets import hcl, json_snippet, sh, snippet

Policy = dict[str, Any]

# The two actions that EKM needs (article 20000947).
ACTIONS = ("kms:Encrypt", "kms:Decrypt")
POLICY_NAME = "OpenAI-EKM"
_ARN = re.compile(
    r"arn:(?P<partition>[^:]*):(?P<service>[^:]*):(?P<region>[^:]*):(?P<account>[^:]*):(?P<rest>.*)", re.DOTALL
)
VERSION = "2012-10-17"


def arn_part(arn: str, part: str) -> str:
    """One named part (partition, service, region, account, rest) of an ARN, or "" where it is no ARN."""
    match = _ARN.fullmatch(arn)
    return match.group(part) if match else ""


def is_key_arn(arn: str) -> bool:
    """Whether it is the ARN of a KMS key, as against an alias, a bare key id or something else."""
    return arn_part(arn, "service") == "kms" and arn_part(arn, "rest").startswith("key/")


def _own_role(values: Values) -> str:
    """The customer's role ARN, or "". A paste may also name OpenAI's role, which is never the one to change."""
    given = values.get("role_arn")
    return "" if arn_part(given, "account") == vendor.AWS_ACCOUNT else given


def _kms_caller(values: Values) -> str:
    """The caller of a denied KMS call where it is a role's session, or "": that role is the one which lacks something.

    For sts:AssumeRole the caller is OpenAI or somebody's own test, never the role to mend.
    """
    principal = values.get("principal") if values.get("action").lower().startswith("kms:") else ""
    return principal if arn_part(principal, "rest").startswith("assumed-role/") else ""


def role_arn(values: Values) -> str:
    """The role that the customer registers, or its placeholder. A session's ARN lacks the role's path: not used."""
    return _own_role(values) or "<ROLE_ARN>"


def role_name(values: Values) -> str:
    """The role's name, which the IAM commands want: an ARN's part after the last slash (a path may stand before it)."""
    rest = arn_part(_own_role(values), "rest")
    if rest.startswith("role/"):
        return rest.rpartition("/")[2] or "<ROLE_NAME>"
    return arn_part(_kms_caller(values), "rest").removeprefix("assumed-role/").partition("/")[0] or "<ROLE_NAME>"


def role_path(values: Values) -> str:
    """The role's path ("/" where it has none): Terraform would replace a role whose path is left out."""
    rest = arn_part(_own_role(values), "rest").removeprefix("role/")
    return f"/{rest.rpartition('/')[0]}/" if "/" in rest else "/"


def key_arn(values: Values) -> str:
    """The key's ARN. An alias is not used: as a policy's Resource it grants nothing (AWS KMS: keys in IAM policies)."""
    given = values.get("kms_key")
    return given if is_key_arn(given) else "<KMS_KEY_ARN>"


def key_account(values: Values) -> str:
    """The account that owns the key."""
    return arn_part(values.get("kms_key"), "account") or "<KEY_ACCOUNT_ID>"


def role_account(values: Values) -> str:
    """The account that owns the role."""
    for arn in (_own_role(values), _kms_caller(values)):
        if account := arn_part(arn, "account"):
            return account
    return values.need("account_id")


def region(values: Values) -> str:
    """The key's Region."""
    return arn_part(values.get("kms_key"), "region") or values.need("region")


def external_id(values: Values) -> str:
    """The ExternalId that OpenAI sends: a project's id where that is registered, else the organization id (the FAQ's
    advice), else what was registered."""
    registered = values.get("external_id")
    if "external_id" in values.typed and registered.startswith("proj_"):
        return registered
    return values.get("organization_id") or values.get("external_id") or "<ORGANIZATION_ID>"


def trust_document(values: Values) -> Policy:
    """The trust policy that lets OpenAI, and only for this organization, assume the role."""
    return {
        "Version": VERSION,
        "Statement": [
            {
                "Sid": "OpenAIEKM",
                "Effect": "Allow",
                "Principal": {"AWS": vendor.AWS_PRINCIPAL},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": external_id(values)}},
            }
        ],
    }


def identity_document(values: Values) -> Policy:
    """The identity policy of the role: encrypt and decrypt on the one key."""
    return {
        "Version": VERSION,
        "Statement": [
            {"Sid": "OpenAIEKM", "Effect": "Allow", "Action": list(ACTIONS), "Resource": key_arn(values)},
        ],
    }


def delegation_statement(values: Values) -> Policy:
    """The key-policy statement that lets IAM policies of the key's own account decide (AWS KMS: default key policy)."""
    partition = arn_part(values.get("kms_key"), "partition") or "aws"
    return {
        "Sid": "EnableIAMUserPermissions",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::{key_account(values)}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }


def role_statement(values: Values) -> Policy:
    """The key-policy statement that lets the role use the key. In a key policy "*" means this key."""
    return {
        "Sid": "OpenAIEKM",
        "Effect": "Allow",
        "Principal": {"AWS": role_arn(values)},
        "Action": list(ACTIONS),
        "Resource": "*",
    }


def trust_policy(values: Values) -> Snippet:
    """The trust policy as JSON."""
    return json_snippet("Trust policy of the role", trust_document(values))


def identity_policy(values: Values) -> Snippet:
    """The identity policy as JSON."""
    return json_snippet("Identity policy of the role", identity_document(values))


def key_policy_statement(values: Values) -> Snippet:
    """The statement to add to the key policy."""
    return json_snippet("Statement to add to the key policy", role_statement(values))


def key_policy_delegation(values: Values) -> Snippet:
    """The delegation statement, to add where the key policy lacks it."""
    return json_snippet("Key policy statement that lets IAM policies decide", delegation_statement(values))


def principal_exception(values: Values) -> Snippet:
    """A condition for a Deny statement (SCP, RCP, key policy) that spares the customer's EKM role."""
    return json_snippet(
        "Condition to add to the Deny statement, so that it spares the role",
        {"ArnNotEquals": {"aws:PrincipalArn": role_arn(values)}},
    )


def openai_exception() -> Snippet:
    """A condition for a Deny statement of an RCP that spares OpenAI's account."""
    return json_snippet(
        "Condition to add to the Deny statement, so that it spares OpenAI's account",
        {"StringNotEquals": {"aws:PrincipalAccount": vendor.AWS_ACCOUNT}},
    )


def command(title: str, *words: str, **options: str) -> Snippet:
    """One command of the aws CLI: literal ``words``, then ``--option=value`` with each value as one inert shell word.

    An option's underscore becomes a dash. Keep ``words`` free of user values.
    """
    parts = [*words, *(f"--{name.replace('_', '-')}={sh(value)}" for name, value in options.items())]
    return snippet(title, Language.BASH, " ".join(["aws", *parts]))


def _pretty(document: Policy) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)


def cli_set_trust(values: Values) -> Snippet:
    """Save the trust policy on the role. It replaces the role's present one, which its title says."""
    return command(
        "Save the trust policy on the role (replaces its present trust policy)",
        "iam",
        "update-assume-role-policy",
        role_name=role_name(values),
        policy_document=_pretty(trust_document(values)),
    )


def cli_create_role(values: Values) -> Snippet:
    """Make the role with its trust policy, under its path."""
    return command(
        "Make the role with its trust policy",
        "iam",
        "create-role",
        role_name=role_name(values),
        path=role_path(values),
        assume_role_policy_document=_pretty(trust_document(values)),
    )


def cli_set_identity(values: Values) -> Snippet:
    """Give the role an inline policy of its own; other policies of the role stay as they are."""
    return command(
        "Add the inline policy to the role (its other policies stay)",
        "iam",
        "put-role-policy",
        role_name=role_name(values),
        policy_name=POLICY_NAME,
        policy_document=_pretty(identity_document(values)),
    )


def cli_key_policy(values: Values) -> tuple[Snippet, ...]:
    """Fetch the key policy into a file, and put it back once the statement has been added to it."""
    where = {"key_id": key_arn(values), "policy_name": "default", "region": region(values)}
    fetch = command(
        "1. Save the present key policy to a file", "kms", "get-key-policy", **where, query="Policy", output="text"
    )
    return (
        snippet(fetch.title, Language.BASH, f"{fetch.text} > key-policy.json"),
        json_snippet(
            "2. Add this to the Statement list in key-policy.json and keep all the others", role_statement(values)
        ),
        command(
            "3. Put the whole policy back (put-key-policy replaces everything, so step 1 matters)",
            "kms",
            "put-key-policy",
            **where,
            policy="file://key-policy.json",
        ),
    )


def show_role(values: Values) -> Snippet:
    """Show the role with its trust policy and its permissions boundary; fails where there is no such role."""
    return command(
        "Show the role, its trust policy and its permissions boundary", "iam", "get-role", role_name=role_name(values)
    )


def show_trust(values: Values) -> Snippet:
    """Show the trust policy alone."""
    return command(
        "Show the trust policy",
        "iam",
        "get-role",
        role_name=role_name(values),
        query="Role.AssumeRolePolicyDocument",
        output="json",
    )


def list_trusting_roles() -> Snippet:
    """List every role of the account whose trust policy names OpenAI's account."""
    return command(
        "List the roles of this account that let OpenAI in",
        "iam",
        "list-roles",
        query=f"Roles[?contains(to_string(AssumeRolePolicyDocument), '{vendor.AWS_ACCOUNT}')].Arn",
        output="text",
    )


def show_identity(values: Values) -> tuple[Snippet, ...]:
    """List the policies of the role."""
    name = role_name(values)
    return (
        command("List the inline policies", "iam", "list-role-policies", role_name=name),
        command("List the attached policies", "iam", "list-attached-role-policies", role_name=name),
        command(
            "Show an inline policy",
            "iam",
            "get-role-policy",
            role_name=name,
            policy_name="<POLICY_NAME>",
        ),
    )


def simulate(values: Values) -> Snippet:
    """Ask IAM whether the role's identity policies allow both actions; it does not see the key policy or an SCP's
    effect on every condition."""
    return command(
        "Ask IAM whether the role's own policies allow both actions",
        "iam",
        "simulate-principal-policy",
        "--action-names kms:Encrypt kms:Decrypt",
        policy_source_arn=role_arn(values),
        resource_arns=key_arn(values),
        query="EvaluationResults[].[EvalActionName,EvalDecision]",
        output="table",
    )


def show_key_policy(values: Values) -> Snippet:
    """Print the key policy."""
    return command(
        "Show the key policy",
        "kms",
        "get-key-policy",
        key_id=key_arn(values),
        policy_name="default",
        region=region(values),
        query="Policy",
        output="text",
    )


def show_key(values: Values) -> Snippet:
    """Print the key's state, type, usage and origin. Takes the registered identifier as it is, also an alias."""
    return command(
        "Show the key's state, type and usage",
        "kms",
        "describe-key",
        key_id=values.get("kms_key") or key_arn(values),
        region=region(values),
    )


def show_aliases(values: Values) -> Snippet:
    """Print the aliases that point at the key."""
    return command("List the aliases of the key", "kms", "list-aliases", key_id=key_arn(values), region=region(values))


def show_organization_policies(values: Values, kind: str) -> tuple[Snippet, ...]:
    """List the organization's policies of one kind on the account, and show one of them.

    ``kind``: SERVICE_CONTROL_POLICY or RESOURCE_CONTROL_POLICY. Policies of parent units are not in this list: repeat
    it for the units and the root.
    """
    account = key_account(values) if values.get("kms_key") else role_account(values)
    return (
        command(
            "List the policies on the account (repeat for its organizational units and the root)",
            "organizations",
            "list-policies-for-target",
            target_id=account,
            filter=kind,
        ),
        command("Show one policy", "organizations", "describe-policy", policy_id="<POLICY_ID>"),
    )


def terraform_trust(values: Values) -> Snippet:
    """The role with its trust policy."""
    return snippet(
        "The role and its trust policy (import the role first if Terraform does not manage it yet)",
        Language.HCL,
        f"""data "aws_iam_policy_document" "openai_ekm_trust" {{
  statement {{
    sid     = "OpenAIEKM"
    actions = ["sts:AssumeRole"]

    principals {{
      type        = "AWS"
      identifiers = [{hcl(vendor.AWS_PRINCIPAL)}]
    }}

    condition {{
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = [{hcl(external_id(values))}]
    }}
  }}
}}

resource "aws_iam_role" "openai_ekm" {{
  name               = {hcl(role_name(values))}
  path               = {hcl(role_path(values))}
  assume_role_policy = data.aws_iam_policy_document.openai_ekm_trust.json
}}
""",
    )


def terraform_identity(values: Values) -> Snippet:
    """The role's identity policy on the key."""
    return snippet(
        "The role's policy on the key",
        Language.HCL,
        f"""data "aws_iam_policy_document" "openai_ekm_key" {{
  statement {{
    sid       = "OpenAIEKM"
    actions   = ["kms:Encrypt", "kms:Decrypt"]
    resources = [{hcl(key_arn(values))}]
  }}
}}

resource "aws_iam_role_policy" "openai_ekm" {{
  name   = {hcl(POLICY_NAME)}
  role   = {hcl(role_name(values))}
  policy = data.aws_iam_policy_document.openai_ekm_key.json
}}
""",
    )


def terraform_key_policy(values: Values) -> Snippet:
    """A key policy with the delegation and the role; like the API it owns the whole policy."""
    root = delegation_statement(values)["Principal"]["AWS"]
    return snippet(
        "The key policy (Terraform owns the whole policy: keep the statements you have)",
        Language.HCL,
        f"""data "aws_iam_policy_document" "openai_ekm_key_policy" {{
  statement {{
    sid       = "EnableIAMUserPermissions"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {{
      type        = "AWS"
      identifiers = [{hcl(root)}]
    }}
  }}

  statement {{
    sid       = "OpenAIEKM"
    actions   = ["kms:Encrypt", "kms:Decrypt"]
    resources = ["*"]

    principals {{
      type        = "AWS"
      identifiers = [{hcl(role_arn(values))}]
    }}
  }}
}}

resource "aws_kms_key_policy" "openai_ekm" {{
  key_id = {hcl(key_arn(values))}
  policy = data.aws_iam_policy_document.openai_ekm_key_policy.json
}}
""",
    )


def terraform_key() -> Snippet:
    """A new symmetric key, which EKM needs."""
    return snippet(
        "A symmetric key",
        Language.HCL,
        """resource "aws_kms_key" "openai_ekm" {
  description              = "OpenAI EKM"
  key_usage                = "ENCRYPT_DECRYPT"
  customer_master_key_spec = "SYMMETRIC_DEFAULT"
  enable_key_rotation      = true
}
""",
    )


def cli_create_key(values: Values) -> Snippet:
    """Create a symmetric key."""
    return command(
        "Create a symmetric key",
        "kms",
        "create-key",
        key_spec="SYMMETRIC_DEFAULT",
        key_usage="ENCRYPT_DECRYPT",
        description="OpenAI EKM",
        region=region(values),
    )


def registration_fields(values: Values) -> dict[str, str]:
    """The fields of the registration (article 20000953), by the API's own names."""
    return {
        "type": "aws",
        "name": "EKM key in AWS",
        "role_arn": role_arn(values),
        "kms_arn": key_arn(values),
        "external_id": external_id(values),
    }


def registration(values: Values) -> tuple[Snippet, ...]:
    """The call that registers role and key with OpenAI, as curl and as Python."""
    return openai_snippets.register(registration_fields(values))


def key_command(title: str, action: str, values: Values, **options: str) -> Snippet:
    """One ``aws kms`` command on the key."""
    return command(title, "kms", action, key_id=key_arn(values), region=region(values), **options)


def show_key_store(values: Values) -> Snippet:
    """Print the custom key stores with their connection state and connection error."""
    return command("Show the custom key stores", "kms", "describe-custom-key-stores", region=region(values))
