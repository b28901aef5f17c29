"""One read-only script for AWS CloudShell: everything that the checks of this cloud can use.

The commands are the AWS CLI's; which permission each needs, and on which resource, is AWS's Service Authorization
Reference for IAM and KMS, 2026-11-23. The answers are read by ``ekm_core.aws.evidence``.
"""

from __future__ import annotations

import re

from ekm_core import collect
from ekm_core.aws.snippets import VERSION, arn_part
from ekm_core.model import Configuration, Snippet
from ekm_core.snippets import json_snippet, sh

# Whole ARNs of the right kind alone: the CLI would read a value such as file://… as the name of a file to load.
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,600}", re.ASCII)
_KEY = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]{1,30}:\d{12}:(?:key|alias)/[\w/-]{1,256}", re.ASCII)
READS = (
    "which account and identity you are signed in with",
    "the role with its trust policy and its permissions boundary",
    "every policy of the role, attached and inline",
    "the key: its state, policy, rotation and grants",
    "the names of all aliases in the key's Region, and which keys they point at",
)


def _role_arn(configuration: Configuration) -> str:
    given = configuration.get("role_arn")
    return given if _ROLE.fullmatch(given) else "<ROLE_ARN>"


def _key_arn(configuration: Configuration) -> str:
    """The registered key, which may be an alias."""
    given = configuration.get("kms_arn")
    return given if _KEY.fullmatch(given) else "<KMS_KEY_ARN>"


def script(configuration: Configuration) -> Snippet:
    """The script; what the configuration leaves open, or gives in a wrong form, is a marked placeholder in it.

    It reads what the signed-in account may see: with role and key in two accounts, run it once in each.
    """
    name = arn_part(_role_arn(configuration), "rest").rpartition("/")[2] or "<ROLE_NAME>"
    key = _key_arn(configuration)
    role = f"--role-name={name}"
    region = f"--region={arn_part(key, 'region') or '<REGION>'}"
    get_role = ("aws", "iam", "get-role", role)
    attached = ("aws", "iam", "list-attached-role-policies", role)
    inline = ("aws", "iam", "list-role-policies", role)
    describe = ("aws", "kms", "describe-key", f"--key-id={key}", region)
    lines = [
        "export AWS_PAGER='' AWS_DEFAULT_OUTPUT=json",
        # One value a line; the CLI prints None for what is not there.
        "ask() { \"$@\" --output=text </dev/null 2>/dev/null | tr '\\t' '\\n'; }",
        collect.command("aws", "sts", "get-caller-identity"),
        collect.command(*get_role),
        collect.command(*attached),
        collect.command(*inline),
        'policies="$( {',
        f"  ask {_words(*get_role, '--query=Role.PermissionsBoundary.PermissionsBoundaryArn')}",
        f"  ask {_words(*attached, '--query=AttachedPolicies[].PolicyArn')}",
        '} | sort -u )"',
        "while IFS= read -r policy; do",
        '  case "$policy" in arn:*) ;; *) continue ;; esac',
        '  collect aws iam get-policy "--policy-arn=$policy"',
        '  version="$(ask aws iam get-policy "--policy-arn=$policy" --query=Policy.DefaultVersionId)"',
        '  collect aws iam get-policy-version "--policy-arn=$policy" "--version-id=$version"',
        'done <<< "$policies"',
        f'names="$(ask {_words(*inline, "--query=PolicyNames[]")})"',
        "while IFS= read -r name; do",
        '  if [ -n "$name" ] && [ "$name" != None ]; then',
        f'    collect aws iam get-role-policy {sh(role)} "--policy-name=$name"',
        "  fi",
        'done <<< "$names"',
        collect.command(*describe),
        "# The next commands take no alias, so they get the ARN of the key behind it.",
        f'key="$(ask {_words(*describe, "--query=KeyMetadata.Arn")})"',
        f'if [ -z "$key" ]; then key={sh(key)}; fi',
        f'collect aws kms get-key-policy "--key-id=$key" --policy-name=default {sh(region)}',
        f'collect aws kms get-key-rotation-status "--key-id=$key" {sh(region)}',
        f'collect aws kms list-grants "--key-id=$key" {sh(region)}',
        collect.command("aws", "kms", "list-aliases", region),
    ]
    return collect.script("Read your AWS set-up (for CloudShell)", READS, lines)


def permissions(configuration: Configuration) -> tuple[Snippet, ...]:
    """The identity policy that the script needs: on this role and this key alone, where AWS lets it be limited."""
    role, key = _role_arn(configuration), _key_arn(configuration)
    partition, account = arn_part(role, "partition") or "aws", arn_part(role, "account") or "<ACCOUNT_ID>"
    if arn_part(key, "rest").startswith("alias/"):
        # An alias is no resource of these actions, and which key it points at is what the script finds out.
        key = f"{key.rpartition(':')[0]}:key/*"
    document = {
        "Version": VERSION,
        "Statement": [
            {
                "Sid": "ReadRole",
                "Effect": "Allow",
                "Action": [
                    "iam:GetRole",
                    "iam:GetRolePolicy",
                    "iam:ListAttachedRolePolicies",
                    "iam:ListRolePolicies",
                ],
                "Resource": role,
            },
            {
                "Sid": "ReadManagedPolicies",
                "Effect": "Allow",
                "Action": ["iam:GetPolicy", "iam:GetPolicyVersion"],
                "Resource": [f"arn:{partition}:iam::{account}:policy/*", f"arn:{partition}:iam::aws:policy/*"],
            },
            {
                "Sid": "ReadKey",
                "Effect": "Allow",
                "Action": ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListGrants"],
                "Resource": key,
            },
            {"Sid": "ListAliases", "Effect": "Allow", "Action": "kms:ListAliases", "Resource": "*"},
        ],
    }
    return (json_snippet("Policy for whoever runs the script (read-only)", document),)


def _words(*words: str) -> str:
    return " ".join(sh(word) for word in words)
