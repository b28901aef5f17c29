"""The AWS part of the kit: a role that OpenAI can assume, its policy on one key, and the key where there is none yet.

Facts: help article 20000947 and the documentation of AWS IAM, AWS KMS and the Terraform provider aws 5, read on
2026-11-23. Whoever gave a ``kms_arn`` has a key: the kit then makes none, and leaves that key and its policy alone.
"""

from __future__ import annotations

import json

from ekm_core import vendor
from ekm_core.aws import snippets as aws
from ekm_core.kitparts import KitFile, Parts, Variable, code, friendly_name, known, name_variable, outputs_tf, titled
from ekm_core.model import Configuration, Snippet, Values
from ekm_core.snippets import hcl, sh
from ekm_core.values import FIELDS

_ALIAS = "alias/openai-ekm"
_KEY_MARK = "KEY_ARN"
_KEY_PATTERN = (
    r"arn:aws[a-z-]{0,12}:kms:[a-z0-9-]{2,30}:[0-9]{12}:key/"
    r"(?:mrk-[0-9a-f]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
)

_MAIN = f"""data "aws_iam_policy_document" "trust" {{
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
      values   = [var.external_id]
    }}
  }}
}}

resource "aws_iam_role" "openai_ekm" {{
  name               = var.role_name
  path               = var.role_path
  assume_role_policy = data.aws_iam_policy_document.trust.json
}}

data "aws_iam_policy_document" "key" {{
  statement {{
    sid       = "OpenAIEKM"
    actions   = ["kms:Encrypt", "kms:Decrypt"]
    resources = [local.kms_arn]
  }}
}}

resource "aws_iam_role_policy" "openai_ekm" {{
  name   = {hcl(aws.POLICY_NAME)}
  role   = aws_iam_role.openai_ekm.name
  policy = data.aws_iam_policy_document.key.json
}}
"""
_OWN_KEY = """provider "aws" {
  region              = split(":", var.kms_arn)[3]
  allowed_account_ids = [var.account_id]
}

# The key is yours already: Terraform does not manage it.
locals {
  kms_arn = var.kms_arn
}

"""
_NEW_KEY = f"""provider "aws" {{
  region              = var.region
  allowed_account_ids = [var.account_id]
}}

# Without a policy of its own the key gets the default one of AWS, which lets IAM policies of this account decide.
resource "aws_kms_key" "openai_ekm" {{
  description              = "OpenAI EKM"
  key_usage                = "ENCRYPT_DECRYPT"
  customer_master_key_spec = "SYMMETRIC_DEFAULT"
  enable_key_rotation      = true

  # Deleting the key would make the data that it protects unreadable for ever.
  lifecycle {{
    prevent_destroy = true
  }}
}}

resource "aws_kms_alias" "openai_ekm" {{
  name          = {hcl(_ALIAS)}
  target_key_id = aws_kms_key.openai_ekm.key_id
}}

locals {{
  kms_arn = aws_kms_key.openai_ekm.arn
}}

"""
_VERSIONS = """terraform {
  required_version = ">= 1.3"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0, < 7.0"
    }
  }
}
"""
_OUTPUTS = outputs_tf(
    {
        "type": hcl("aws"),
        "name": "var.registration_name",
        "role_arn": "aws_iam_role.openai_ekm.arn",
        "kms_arn": "local.kms_arn",
        "external_id": "var.external_id",
    }
)


def parts(configuration: Configuration, values: Values) -> Parts:
    """The AWS side. values: those of the configuration that are right; the rest is open."""
    # Also where the key was given in a form that we cannot use (an alias): there is one, so none must be made.
    has_key = bool(configuration.get("kms_arn"))
    if values.get("external_id"):
        # The builders prefer the organization's id; a project's id (proj_…) was registered on purpose.
        values = Values({name: value for name, value in values.known.items() if name != "organization_id"})
    fields = {**aws.registration_fields(values), **friendly_name(configuration)}
    return Parts(
        needs=_needs(),
        plan=_plan(values, has_key),
        create=_create(values, has_key),
        policies=_policies(values),
        checklist=_checklist(values, has_key),
        variables=_variables(values, fields["name"], has_key),
        main=(_OWN_KEY if has_key else _NEW_KEY) + _MAIN,
        outputs=_OUTPUTS,
        versions=_VERSIONS,
        registration=fields,
        notes=_notes(has_key),
        undo=_undo(values),
    )


def _needs() -> tuple[str, ...]:
    return (
        "The AWS CLI or Terraform, signed in to the account that owns the role (create.sh and Terraform check this).",
        "The right to create IAM roles and their inline policies there, and a KMS key where there is none yet.",
    )


def _plan(values: Values, has_key: bool) -> tuple[str, ...]:
    role = aws.role_name(values)
    key = (
        f"leave your key {aws.key_arn(values)} as it is"
        if has_key
        else f"create a symmetric key with yearly rotation in {aws.region(values)}, under the alias {_ALIAS}"
    )
    return (
        f"stop, unless you are signed in to account {aws.role_account(values)}",
        key,
        f"create the role {role}, which OpenAI alone can assume, with the external id {aws.external_id(values)}",
        f"let that role encrypt and decrypt with the key (inline policy {aws.POLICY_NAME})",
    )


def _create(values: Values, has_key: bool) -> str:
    identity = aws.identity_document(values)
    if not has_key:
        identity["Statement"][0]["Resource"] = _KEY_MARK
    policy = aws.command(
        "Add the policy",
        "iam",
        "put-role-policy",
        role_name=aws.role_name(values),
        policy_name=aws.POLICY_NAME,
    )
    return f"""account="$(aws sts get-caller-identity --query=Account --output=text)"
if [ "$account" != {sh(aws.role_account(values))} ]; then
  echo "You are signed in to account $account, which is not the account of the role." >&2
  exit 1
fi

{f"key_arn={sh(aws.key_arn(values))}" if has_key else _create_key(values)}

# A look that fails leads to the creation, which never overwrites a role and says why it fails.
if {aws.show_role(values).text} > /dev/null 2>&1; then
  echo 'The role is there already. Compare its trust policy with policies/trust-policy.json.'
else
  {aws.cli_create_role(values).text}
fi

policy={sh(json.dumps(identity, indent=2, ensure_ascii=False))}
{policy.text} --policy-document="${{policy/{_KEY_MARK}/$key_arn}}"

echo "Done. Register this key as kms_arn: $key_arn"
"""


def _create_key(values: Values) -> str:
    region = f"--region={sh(aws.region(values))}"
    return f"""# The alias lets this script find its key again. OpenAI gets the key's own ARN.
key_id="$(aws kms list-aliases {region} --output=text \\
  --query="Aliases[?AliasName=='{_ALIAS}'].TargetKeyId" | tr -d '[:space:]')"
if [ -z "$key_id" ]; then
  key_id="$({aws.cli_create_key(values).text} --query=KeyMetadata.KeyId --output=text)"
  aws kms create-alias --alias-name={_ALIAS} --target-key-id="$key_id" {region}
fi
aws kms enable-key-rotation --key-id="$key_id" {region}
key_arn="$(aws kms describe-key --key-id="$key_id" {region} --query=KeyMetadata.Arn --output=text)\""""


def _policies(values: Values) -> tuple[KitFile, ...]:
    return (
        KitFile("policies/trust-policy.json", titled("who may assume the role", aws.trust_policy(values))),
        KitFile("policies/identity-policy.json", titled("what the role may do", aws.identity_policy(values))),
        KitFile(
            "policies/key-policy-statement.json",
            titled(
                "a statement for the key policy, needed where that policy does more than delegate to IAM, or where the "
                "key is in another account than the role",
                aws.key_policy_statement(values),
            ),
        ),
    )


def _checklist(values: Values, has_key: bool) -> tuple[str, ...]:
    role = code(aws.role_name(values))
    key = (
        f"In AWS KMS, open your key {code(aws.key_arn(values))}. It must be symmetric, for encrypting and decrypting, "
        "and enabled. Under Key rotation, switch automatic rotation on."
        if has_key
        else f"In AWS KMS, in the Region {code(aws.region(values))}, choose Create key: Symmetric, Encrypt and "
        "decrypt. Afterwards open the key, switch automatic rotation on under Key rotation, and copy its ARN."
    )
    return (
        f"Sign in to the account {code(aws.role_account(values))}.",
        key,
        "In IAM, choose Roles, Create role, Custom trust policy. Paste policies/trust-policy.json. It names OpenAI's "
        f"role {code(vendor.AWS_PRINCIPAL)} and the external id {code(aws.external_id(values))}.",
        f"Attach no policy yet. Name the role {role} and create it.",
        "Open the role, choose Add permissions, Create inline policy, JSON. Paste policies/identity-policy.json, which "
        f"names the key's own ARN and no alias. Name it {code(aws.POLICY_NAME)}.",
        "Open the key policy in KMS. If it does more than let IAM decide, or if the key is in another account than the "
        "role, add the statement of policies/key-policy-statement.json and keep all the others.",
        f"Copy the role's ARN. It must be the one in registration.json: {code(aws.role_arn(values))}.",
    )


def _variables(values: Values, registration_name: str, has_key: bool) -> tuple[Variable, ...]:
    key, region = FIELDS["kms_key"], FIELDS["region"]
    external, account = FIELDS["external_id"], FIELDS["account_id"]
    has_role = bool(values.get("role_arn"))
    where = (
        Variable("kms_arn", known(aws.key_arn(values)), key.label, _KEY_PATTERN, "Give a key's ARN, not an alias.")
        if has_key
        else Variable("region", known(aws.region(values)), "Region of the key", region.pattern.pattern, region.problem)
    )
    return (
        Variable(
            "account_id", known(aws.role_account(values)), account.label, account.pattern.pattern, account.problem
        ),
        Variable(
            "role_name",
            known(aws.role_name(values)),
            "Name of the role, the last part of its ARN",
            "[A-Za-z0-9_+=,.@-]{1,64}",
            "A role's name has up to 64 letters, digits and signs of _+=,.@- in it.",
        ),
        Variable(
            "role_path",
            aws.role_path(values) if has_role else "",
            "Path of the role, a slash where it has none",
            "/(?:[A-Za-z0-9_+=,.@/-]{1,510}/)?",
            "A path begins and ends with a slash.",
        ),
        where,
        Variable(
            "external_id",
            known(aws.external_id(values)),
            "Your OpenAI organization ID, or a project ID",
            external.pattern.pattern,
            external.problem,
        ),
        name_variable(registration_name),
    )


def _notes(has_key: bool) -> tuple[str, ...]:
    key = (
        "A key of your own is never changed by this kit. Switch its rotation on yourself (console checklist)."
        if has_key
        else "AWS gives the key its ARN when it is made. create.sh and Terraform print it and put it into the role's "
        f"policy. Put it in place of {code('<KMS_KEY_ARN>')} elsewhere."
    )
    return (
        "If the role is there already, create.sh leaves its trust policy as it is: compare it with "
        "policies/trust-policy.json.",
        "Register the key's own ARN. An alias works too, but pointing it at another key is a revocation.",
        "Rotation keeps the key's ARN, and it does not cut OpenAI's access.",
        key,
    )


def _undo(values: Values) -> tuple[Snippet, ...]:
    name = aws.role_name(values)
    return (
        aws.command(
            "Take the role's policy away", "iam", "delete-role-policy", role_name=name, policy_name=aws.POLICY_NAME
        ),
        aws.command("Delete the role", "iam", "delete-role", role_name=name),
    )
