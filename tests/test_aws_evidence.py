"""What is known of an AWS account: each command's real shape, what names its resource, and what contradicts itself."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ekm_core import evidence
from ekm_core.aws import evidence as aws
from ekm_core.aws.account import AwsEvidence, PolicyKind
from ekm_core.evidence import State
from ekm_core.model import Exhibit

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/ekm/openai-ekm"
KEY_ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{KEY_ID}"
ALIAS = f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/ekm"
POLICY = f"arn:aws:iam::{ACCOUNT}:policy/use-key"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::1:root"}, "Action": "sts:AssumeRole"}],
}
USE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:Encrypt", "Resource": KEY}]}
OWN = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}],
}
NAMED = "--role-name openai-ekm"


def seen(*commands: tuple[str, Any]) -> AwsEvidence:
    """The evidence of commands with their outputs (a string is what the command printed)."""
    exhibits = []
    for command, output in commands:
        text = output if isinstance(output, str) else json.dumps(output)
        exhibits.append(Exhibit(command, None if isinstance(output, str) else output, text))
    return aws.read(exhibits)


CALLER = (
    "aws sts get-caller-identity",
    {"UserId": "AIDA", "Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/b"},
)
GET_ROLE = (
    f"aws iam get-role {NAMED}",
    {
        "Role": {
            "Path": "/ekm/",
            "RoleName": "openai-ekm",
            "RoleId": "AROA",
            "Arn": ROLE,
            "CreateDate": "2026-01-01T00:00:00+00:00",
            "AssumeRolePolicyDocument": TRUST,
            "MaxSessionDuration": 3600,
        }
    },
)
ATTACHED = (
    f"aws iam list-attached-role-policies {NAMED}",
    {"AttachedPolicies": [{"PolicyName": "use-key", "PolicyArn": POLICY}]},
)
INLINE = (f"aws iam list-role-policies {NAMED}", {"PolicyNames": []})
VERSION = (
    f"aws iam get-policy-version --policy-arn {POLICY} --version-id v2",
    {"PolicyVersion": {"Document": USE, "VersionId": "v2", "IsDefaultVersion": True, "CreateDate": "2026-01-01"}},
)
DESCRIBE = (
    f"aws kms describe-key --key-id {KEY}",
    {
        "KeyMetadata": {
            "AWSAccountId": ACCOUNT,
            "KeyId": KEY_ID,
            "Arn": KEY,
            "CreationDate": "2026-01-01T00:00:00+00:00",
            "Enabled": True,
            "KeyUsage": "ENCRYPT_DECRYPT",
            "KeyState": "Enabled",
            "Origin": "AWS_KMS",
            "KeyManager": "CUSTOMER",
            "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "KeySpec": "SYMMETRIC_DEFAULT",
            "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
            "MultiRegion": False,
        }
    },
)
KEY_POLICY = (
    f"aws kms get-key-policy --key-id {KEY} --policy-name default",
    {"Policy": json.dumps(OWN), "PolicyName": "default"},
)
NO_ENTITY = "An error occurred (NoSuchEntity) when calling the GetRole operation: The role with name x cannot be found."


def test_a_role_with_all_its_policies() -> None:
    found = seen(GET_ROLE, ATTACHED, INLINE, VERSION)
    assert found.role(ROLE).state is State.SEEN
    trust = found.trust(ROLE).value
    assert trust is not None
    assert (trust.value, trust.title) == (TRUST, "Trust policy of role openai-ekm")
    assert found.boundary(ROLE).state is State.ABSENT
    identity = found.identity(ROLE)
    assert identity.complete
    assert [policy.value for policy in identity.policies] == [USE]
    assert found.role(ROLE.replace(ACCOUNT, "444455556666")).state is State.NOT_GIVEN


@pytest.mark.parametrize("left_out", [ATTACHED, INLINE, VERSION])
def test_without_one_output_the_policies_are_not_complete(left_out: tuple[str, Any]) -> None:
    identity = seen(*(item for item in (GET_ROLE, ATTACHED, INLINE, VERSION) if item is not left_out)).identity(ROLE)
    assert not identity.complete
    assert identity.missing


def test_a_listing_that_is_cut_off_is_not_complete() -> None:
    cut = (ATTACHED[0], {**ATTACHED[1], "IsTruncated": True, "Marker": "x"})
    assert not seen(GET_ROLE, cut, INLINE, VERSION).identity(ROLE).complete


@pytest.mark.parametrize("bare", [ATTACHED, INLINE, VERSION])
def test_an_output_that_names_nothing_needs_its_command(bare: tuple[str, Any]) -> None:
    found = seen(("", bare[1]))
    assert len(found.loose) == 1
    assert "command" in found.loose[0].sentence


def test_an_old_version_is_not_in_force() -> None:
    old = (VERSION[0], {"PolicyVersion": {**VERSION[1]["PolicyVersion"], "IsDefaultVersion": False}})
    assert seen(old).managed(POLICY).state is State.NOT_GIVEN
    other = ("aws iam get-policy", {"Policy": {"Arn": POLICY, "DefaultVersionId": "v3"}})
    assert seen(other, VERSION).managed(POLICY).state is State.CONFLICTING
    bare = (VERSION[0] + " --query PolicyVersion.Document", USE)
    assert seen(bare).managed(POLICY).state is State.FAILED
    same = ("aws iam get-policy", {"Policy": {"Arn": POLICY, "DefaultVersionId": "v2"}})
    assert seen(bare, same).managed(POLICY).state is State.SEEN


def test_an_absent_role_is_absent_in_a_known_account_alone() -> None:
    missing = (f"aws iam get-role {NAMED}", NO_ENTITY)
    assert seen(missing, CALLER).role(ROLE).state is State.ABSENT
    assert seen(missing).role(ROLE).state is State.FAILED
    assert seen(missing, CALLER).role(ROLE.replace(ACCOUNT, "444455556666")).state is State.NOT_GIVEN
    profile = (f"aws --profile other iam get-role {NAMED}", NO_ENTITY)
    assert seen(profile, CALLER).role(ROLE).state is State.FAILED


def test_a_refusal_names_the_permission_and_is_no_absence() -> None:
    text = (
        f"An error occurred (AccessDenied) when calling the GetRole operation: User: arn:aws:iam::{ACCOUNT}:user/b is "
        "not authorized to perform: iam:GetRole on resource: role x because no identity-based policy allows the action"
    )
    found = seen((f"aws iam get-role {NAMED}", text), CALLER)
    assert found.role(ROLE).state is State.REFUSED
    assert found.refusals[0].permission == "iam:GetRole"
    assert seen((f"aws iam get-role {NAMED}", text), GET_ROLE).trust(ROLE).state is State.SEEN


def test_policies_that_contradict_each_other_decide_nothing() -> None:
    other = {"Version": "2012-10-17", "Statement": []}
    twice = (GET_ROLE[0], {"Role": {**GET_ROLE[1]["Role"], "AssumeRolePolicyDocument": other}})
    assert seen(GET_ROLE, twice).trust(ROLE).state is State.CONFLICTING
    assert seen(GET_ROLE, ("", TRUST)).trust(ROLE).state is State.SEEN
    changed = {"Version": "2012-10-17", "Statement": [{**TRUST["Statement"][0], "Principal": "*"}]}
    assert seen(GET_ROLE, ("", changed)).trust(ROLE).state is State.CONFLICTING
    identity = seen(GET_ROLE, ATTACHED, INLINE, VERSION, ("", {**USE, "Id": "other"})).identity(ROLE)
    assert identity.conflicting
    assert not identity.complete


def test_a_key_and_its_aliases() -> None:
    aliases = (
        "aws kms list-aliases",
        {"Aliases": [{"AliasName": "alias/ekm", "AliasArn": ALIAS, "TargetKeyId": KEY_ID}]},
    )
    found = seen(DESCRIBE, KEY_POLICY, aliases)
    key = found.key(ALIAS).value
    assert key is not None
    assert (key.arn, key.state, key.enabled, key.region, key.account) == (KEY, "Enabled", True, "us-east-1", ACCOUNT)
    policy = found.key_policy(ALIAS).value
    assert policy is not None
    assert policy.value == OWN
    assert found.key(ALIAS.replace("ekm", "none")).state is State.ABSENT
    assert found.key(ALIAS.replace("us-east-1", "eu-west-1")).state is State.NOT_GIVEN
    filtered = ("aws kms list-aliases --key-id x", aliases[1])
    assert seen(filtered).key(ALIAS.replace("ekm", "none")).state is State.NOT_GIVEN


@pytest.mark.parametrize("named", [KEY, KEY_ID, "alias/ekm", ALIAS])
def test_the_key_policy_belongs_to_the_key_that_the_command_names(named: str) -> None:
    by_alias = ("aws kms describe-key --key-id alias/ekm --region us-east-1", DESCRIBE[1])
    command = f"aws kms get-key-policy --key-id {named} --region us-east-1 --query Policy --output text"
    found = seen(by_alias, (command, OWN))
    assert found.key_policy(KEY).state is State.SEEN
    assert found.key_policy(KEY.replace("1234abcd", "99999999")).state is State.NOT_GIVEN
    assert found.key_policy(KEY.replace("us-east-1", "eu-west-1")).state is State.NOT_GIVEN


def test_a_multi_region_key_is_told_by_its_region() -> None:
    arn = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/mrk-1234abcd12ab34cd56ef1234567890ab"
    policy = KEY_POLICY[1]
    bare = "aws kms get-key-policy --key-id mrk-1234abcd12ab34cd56ef1234567890ab"
    assert seen((bare, policy)).key_policy(arn).state is State.NOT_GIVEN
    assert seen((f"{bare} --region us-east-1", policy)).key_policy(arn).state is State.SEEN
    assert seen((f"{bare} --region eu-west-1", policy)).key_policy(arn).state is State.NOT_GIVEN


@pytest.mark.parametrize(
    ("text", "state"),
    [(f"Key '{KEY}' does not exist", State.ABSENT), ("Invalid arn us-west-2", State.FAILED)],
)
def test_the_wrong_region_is_no_absence(text: str, state: State) -> None:
    error = f"An error occurred (NotFoundException) when calling the DescribeKey operation: {text}"
    assert seen((DESCRIBE[0], error)).key(KEY).state is state


def test_grants_and_rotation() -> None:
    grants = {
        "Grants": [
            {"KeyId": KEY, "GrantId": "g", "GranteePrincipal": ROLE, "Operations": ["Encrypt"], "IssuingAccount": "x"},
            {"KeyId": KEY, "GrantId": "h", "Constraints": {"EncryptionContextSubset": {"a": "b"}}},
        ],
        "Truncated": False,
    }
    found = seen(("", grants), (f"aws kms get-key-rotation-status --key-id {KEY}", {"KeyRotationEnabled": True}))
    assert found.rotation(KEY).value is True
    listed = found.grants(KEY).value
    assert listed is not None
    assert [(grant.id, grant.operations) for grant in listed] == [("g", ("Encrypt",)), ("h", ())]
    assert seen(("", {**grants, "Truncated": True})).grants(KEY).state is State.FAILED
    assert seen(("", {"KeyRotationEnabled": True})).loose


def test_policies_of_the_organization() -> None:
    summary = {
        "Id": "p-1",
        "Arn": "arn:aws:organizations::1:policy/x",
        "Name": "deny",
        "Type": "SERVICE_CONTROL_POLICY",
    }
    described = ("", {"Policy": {"PolicySummary": summary, "Content": json.dumps(USE)}})
    listed = (
        f"aws organizations list-policies-for-target --target-id {ACCOUNT} --filter SERVICE_CONTROL_POLICY",
        {"Policies": [summary]},
    )
    found = seen(described, listed)
    assert [(item.id, item.policy.kind, item.policy.value) for item in found.organization] == [
        ("p-1", PolicyKind.SCP, USE)
    ]
    assert [(item.target, item.fact.value) for item in found.organization_lists] == [(ACCOUNT, ("p-1",))]


def test_account_authorization_details() -> None:
    details = {
        "RoleDetailList": [
            {
                **GET_ROLE[1]["Role"],
                "RolePolicyList": [{"PolicyName": "i", "PolicyDocument": quote(json.dumps(USE))}],
                "AttachedManagedPolicies": [{"PolicyName": "use-key", "PolicyArn": POLICY}],
                "PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": POLICY},
            }
        ],
        "Policies": [
            {
                "Arn": POLICY,
                "DefaultVersionId": "v2",
                "PolicyVersionList": [
                    {"Document": OWN, "VersionId": "v1", "IsDefaultVersion": False},
                    {"Document": USE, "VersionId": "v2", "IsDefaultVersion": True},
                ],
            }
        ],
        "IsTruncated": False,
    }
    found = seen(("", details))
    identity = found.identity(ROLE)
    assert identity.complete
    assert [policy.value for policy in identity.policies] == [USE, USE]
    boundary = found.boundary(ROLE).value
    assert boundary is not None
    assert boundary.value == USE


def test_bare_policies_are_told_apart_by_their_words() -> None:
    found = seen(("", TRUST), ("", OWN), ("cat policy.json", USE))
    assert found.trust(ROLE).state is State.SEEN
    assert found.key_policy(KEY).state is State.SEEN
    identity = found.identity(ROLE)
    assert [policy.value for policy in identity.policies] == [USE]
    assert not identity.complete
    assert aws.kind_of({"Statement": [{"Action": "sts:AssumeRole"}]}) is None
    assert aws.kind_of({"Statement": [{"Principal": "*", "Action": "*"}]}) is None
    assert len(seen(("", {"Statement": []})).loose) == 1


def test_a_policy_that_is_no_json_says_why() -> None:
    found = seen((KEY_POLICY[0], {"Policy": '{"Version": "2012-10-17",}'}))
    policy = found.key_policy(KEY).value
    assert policy is not None
    assert policy.value is None
    assert "comma" in policy.problems[0]


TERRAFORM = """
resource "aws_iam_role" "ekm" {
  name               = "openai-ekm"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::790389265272:role/EnterpriseKeyManagement"]
    }
    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = [EXTERNAL]
    }
  }
}

resource "aws_iam_role_policy" "use" {
  role   = aws_iam_role.ekm.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "kms:Encrypt", Resource = "&{x}", Sid = "$${aws:username}" }]
  })
}

resource "aws_kms_key_policy" "own" {
  key_id = "x"
  policy = <<-EOT
    {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}]}
  EOT
}
"""


def test_policies_in_terraform() -> None:
    found = aws.read(evidence.read(TERRAFORM.replace("EXTERNAL", '"org-abc"')).exhibits)
    assert found.loose == []
    trust = found.trust(ROLE).value
    assert trust is not None
    assert trust.unknown == ()
    assert trust.value["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["sts:AssumeRole"],
            "Principal": {"AWS": ["arn:aws:iam::790389265272:role/EnterpriseKeyManagement"]},
            "Condition": {"StringEquals": {"sts:ExternalId": ["org-abc"]}},
        }
    ]
    (use,) = found.identity(ROLE).policies
    assert use.unknown == ()
    assert use.value["Statement"][0]["Sid"] == "${aws:username}"
    policy = found.key_policy(KEY).value
    assert policy is not None
    assert policy.value["Statement"][0]["Action"] == "kms:*"
    assert found.trust(ROLE.replace("openai-ekm", "other")).state is State.NOT_GIVEN


def test_what_terraform_leaves_open_is_unknown_and_gives_way() -> None:
    exhibits = evidence.read(TERRAFORM.replace("EXTERNAL", "var.organization")).exhibits
    trust = aws.read(exhibits).trust(ROLE).value
    assert trust is not None
    assert trust.unknown == ("${var.organization}",)
    both = aws.read((*exhibits, Exhibit(GET_ROLE[0], GET_ROLE[1], "{}"))).trust(ROLE)
    assert both.value is not None
    assert both.value.value == TRUST


@pytest.mark.parametrize(
    "text",
    [
        'resource "aws_iam_role" "r" {\n  assume_role_policy = \n}',
        'resource "aws_iam_role" "r" {\n  assume_role_policy = file("trust.json")\n}',
        'resource "aws_iam_role" "r" {\n  assume_role_policy = data.aws_iam_policy_document.none.json\n}',
        'resource "aws_iam_role" "r" {\n  x = ' + "[" * 100 + "]" * 100 + "\n}",
        'resource "aws_iam_role" "r" {\n' + "  a = 1\n" * 20_000 + "}",
    ],
)
def test_terraform_that_cannot_be_read_says_so(text: str) -> None:
    found = aws.read(evidence.read(text).exhibits)
    assert found.loose
    assert not found.trusts


SHAPES: list[Any] = [item[1] for item in (CALLER, GET_ROLE, ATTACHED, INLINE, VERSION, DESCRIBE, KEY_POLICY)] + [
    TRUST,
    USE,
]
ODD = st.sampled_from([None, True, 3, "", "x", [], {}, [[]], [{}], {"Arn": 3}, "\ud800", "%7B", 1e300])


@given(
    st.sampled_from(SHAPES),
    st.lists(st.integers(0, 30), max_size=3),
    ODD,
    st.sampled_from(["", *(c[0] for c in (GET_ROLE, ATTACHED, VERSION, KEY_POLICY, DESCRIBE))]),
)
def test_wrong_types_in_any_place_never_fail(shape: Any, places: list[int], odd: Any, command: str) -> None:
    output = json.loads(json.dumps(shape))
    target = output
    for place in places:
        name = list(target)[place % len(target)] if isinstance(target, dict) else place % len(target)
        inner = target[name]
        if not isinstance(inner, (dict, list)) or not inner:
            target[name] = odd
            break
        target = inner
    else:
        name = next(iter(target)) if isinstance(target, dict) else 0
        target[name] = odd
    found = aws.read([Exhibit(command, output, json.dumps(output))])
    found.role(ROLE)
    found.trust(ROLE)
    found.boundary(ROLE)
    found.identity(ROLE)
    for reference in (KEY, ALIAS):
        found.key(reference)
        found.key_policy(reference)
        found.grants(reference)
        found.rotation(reference)


@given(
    st.text()
    | st.sampled_from(["{", "}", '"', "${", "<<EOF\n", "jsonencode(", "\n", "=", "a"]).flatmap(
        lambda part: st.just(part * 20)
    )
)
def test_no_terraform_makes_it_fail(text: str) -> None:
    aws.read([Exhibit("", None, f'resource "aws_iam_role" "r" {{\n  assume_role_policy = {text}\n}}')])


def test_tags_of_a_key_count_only_whole() -> None:
    listed = {"Tags": [{"TagKey": "project", "TagValue": "ekm"}], "Truncated": False}
    command = f"aws kms list-resource-tags --key-id {KEY}"
    assert seen((command, listed)).tags(KEY).value == (("project", "ekm"),)
    assert seen((command, {**listed, "Truncated": True})).tags(KEY).state is State.FAILED
    assert seen((f"aws iam list-role-tags {NAMED}", listed)).tags(KEY).state is State.NOT_GIVEN
    assert seen((command.replace(KEY, KEY.replace("us-east-1", "us-west-2")), listed)).tags(KEY).value is None


def test_tags_of_a_role_are_known_where_all_of_it_was_printed() -> None:
    role = GET_ROLE[1]["Role"]
    tagged = {"Role": {**role, "Tags": [{"Key": "team", "Value": "ai"}]}}
    assert [seen((GET_ROLE[0], output)).role(ROLE).value.tags for output in (GET_ROLE[1], tagged)] == [
        (),
        (("team", "ai"),),
    ]
    assert seen((f"{GET_ROLE[0]} --query Role", role)).role(ROLE).value.tags in ((), None)
    both = seen(GET_ROLE, (GET_ROLE[0], tagged))
    assert both.role(ROLE).state is State.CONFLICTING


def test_the_organization_of_an_account() -> None:
    policy = {
        "Id": "p-guard",
        "Arn": "arn:aws:organizations::999988887777:policy/o-a1b2c3d4e5/resource_control_policy/p-guard",
        "Type": "RESOURCE_CONTROL_POLICY",
    }
    managed = {
        "Id": "p-FullAWSAccess",
        "Arn": "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess",
    }
    listed = (
        "aws organizations list-policies-for-target --target-id ou-ab12-c3d4e5f6",
        {"Policies": [policy, managed]},
    )
    above = (
        f"aws organizations list-parents --child-id {ACCOUNT}",
        {"Parents": [{"Id": "ou-ab12-c3d4e5f6", "Type": "ORGANIZATIONAL_UNIT"}]},
    )
    assert seen(listed, above).organization_of(ACCOUNT) == "o-a1b2c3d4e5"
    assert seen(listed).organization_of(ACCOUNT) == ""

    described = (
        "aws organizations describe-organization",
        {"Organization": {"Id": "o-zz99yy88xx", "MasterAccountId": "999988887777"}},
    )
    found = seen(CALLER, described)
    assert [found.organization_of(one) for one in (ACCOUNT, "999988887777", "444455556666")] == [
        "o-zz99yy88xx",
        "o-zz99yy88xx",
        "",
    ]
    assert seen(CALLER, described, listed, above).organization_of(ACCOUNT) == "", "two organizations contradict"


def test_all_aliases_of_a_key_are_known_from_a_whole_list_alone() -> None:
    items = [
        {"AliasName": "alias/aws/s3", "AliasArn": ALIAS.replace("alias/ekm", "alias/aws/s3")},
        {"AliasName": "alias/ekm", "AliasArn": ALIAS, "TargetKeyId": KEY_ID},
    ]
    whole = ("aws kms list-aliases --region us-east-1", {"Aliases": items})
    assert seen(whole).aliases_of(KEY) == ("alias/ekm",)
    assert seen(whole).aliases_of(KEY.replace(KEY_ID, "other")) == ()
    assert seen((whole[0], {"Aliases": items, "NextToken": "x"})).aliases_of(KEY) is None
    assert seen(whole).aliases_of(KEY.replace("us-east-1", "us-west-2")) is None
