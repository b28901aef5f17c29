"""Policies of an organization: what stands above an account, and when "none denies" is proven."""

from __future__ import annotations

import copy
import json

import pytest

from ekm_core import check
from ekm_core.aws import evidence as aws
from ekm_core.evidence import State
from ekm_core.model import Configuration, Exhibit, Link, LinkState, Provider, Status
from tests.lab import declared

ACCOUNT, UNIT, ROOT = "418273645091", "ou-ab12-c3d4e5f6", "r-ab12"
HEALTHY = next(item for item in declared.setups(Provider.AWS) if item.name == "aws/healthy").configuration
SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
KINDS = {SCP: "service-control-policy", RCP: "resource-control-policy"}
FULL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
DENY = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "kms:*", "Resource": "*"}]}
DENY_ALL = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}],
}


def exhibit(command: str, output: object) -> Exhibit:
    return Exhibit(f"aws organizations {command}", output, json.dumps(output))


def listed(kind: str, target: str, *ids: str, **more: object) -> Exhibit:
    policies = [{"Id": id, "Name": id, "Type": kind} for id in ids]
    return exhibit(f"list-policies-for-target --target-id={target} --filter={kind}", {"Policies": policies, **more})


def policy(kind: str, id: str, document: object) -> Exhibit:
    summary = {"Id": id, "Name": id, "Type": kind}
    content = {"Policy": {"PolicySummary": summary, "Content": json.dumps(document)}}
    return exhibit(f"describe-policy --policy-id={id}", content)


PARENTS = [
    exhibit(f"list-parents --child-id={child}", {"Parents": [{"Id": parent, "Type": "x"}]})
    for child, parent in ((ACCOUNT, UNIT), (UNIT, ROOT))
]
NOTHING_DENIES = [
    *PARENTS,
    policy(SCP, "p-FullAWSAccess", FULL),
    *(listed(SCP, level, "p-FullAWSAccess") for level in (ACCOUNT, UNIT, ROOT)),
    *(listed(RCP, level) for level in (ACCOUNT, UNIT, ROOT)),
]


def status(exhibits: list[Exhibit], kind: str) -> tuple[Status, str]:
    found = check.check(HEALTHY, exhibits).findings
    (finding,) = (item for item in found if item.id == f"aws-kms-access-denied.{KINDS[kind]}")
    return finding.status, finding.saw


@pytest.mark.parametrize("kind", KINDS)
def test_no_policy_denies_where_every_level_was_read(kind: str) -> None:
    assert status(NOTHING_DENIES, kind)[0] is Status.PASS


@pytest.mark.parametrize("left_out", range(len(NOTHING_DENIES)))
def test_with_any_part_unread_it_stays_open(left_out: int) -> None:
    less = [item for number, item in enumerate(NOTHING_DENIES) if number != left_out]
    statuses = {status(less, kind)[0] for kind in KINDS}
    assert Status.COULD_NOT_CHECK in statuses
    assert Status.FAIL not in statuses


@pytest.mark.parametrize("level", [ACCOUNT, UNIT, ROOT])
@pytest.mark.parametrize(("kind", "document"), [(SCP, DENY), (RCP, DENY_ALL)])
def test_a_deny_on_any_level_above_the_account_is_found(kind: str, document: object, level: str) -> None:
    found, saw = status([*PARENTS, policy(kind, "p-deny", document), listed(kind, level, "p-deny")], kind)
    assert found is Status.FAIL
    assert level in saw


def test_a_deny_elsewhere_in_the_organization_proves_nothing() -> None:
    elsewhere = [*PARENTS, policy(SCP, "p-deny", DENY), listed(SCP, "ou-zz99-aaaaaaaa", "p-deny")]
    assert status(elsewhere, SCP)[0] is Status.COULD_NOT_CHECK
    assert status([policy(SCP, "p-deny", DENY), listed(SCP, UNIT, "p-deny")], SCP)[0] is Status.COULD_NOT_CHECK


def test_a_level_without_any_allow_denies() -> None:
    storage = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    less = [
        item
        for item in NOTHING_DENIES
        if not item.command.startswith(f"aws organizations list-policies-for-target --target-id={UNIT} --filter={SCP}")
    ]
    found, saw = status([*less, policy(SCP, "p-storage", storage), listed(SCP, UNIT, "p-storage")], SCP)
    assert found is Status.FAIL
    assert "no service control policy allows kms:" in saw


def test_a_condition_that_nobody_can_know_stays_open() -> None:
    unsure = copy.deepcopy(DENY)
    unsure["Statement"][0]["Condition"] = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
    known = [*NOTHING_DENIES, policy(SCP, "p-unsure", unsure), listed(SCP, ROOT, "p-FullAWSAccess", "p-unsure")]
    assert status(known, SCP)[0] is Status.COULD_NOT_CHECK


def test_a_list_that_is_cut_off_is_no_whole_list() -> None:
    cut = [*NOTHING_DENIES, listed(SCP, ROOT, "p-FullAWSAccess", NextToken="more")]
    assert status(cut, SCP)[0] is Status.COULD_NOT_CHECK
    (item,) = aws.read([cut[-1]]).organization_lists
    assert item.fact.state is State.FAILED


def test_two_answers_on_one_policy_that_differ_prove_no_absence() -> None:
    harmless = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}
    twice = [policy(SCP, "p-FullAWSAccess", harmless), *NOTHING_DENIES]
    assert status(twice, SCP)[0] is Status.COULD_NOT_CHECK


def test_units_that_stand_above_each_other_end() -> None:
    circle = [exhibit(f"list-parents --child-id={UNIT}", {"Parents": [{"Id": ACCOUNT}]}), PARENTS[0]]
    assert status(circle, SCP)[0] is Status.COULD_NOT_CHECK


def test_parents_without_their_command_belong_to_nothing() -> None:
    found = aws.read([Exhibit("", {"Parents": [{"Id": ROOT}]}, "")])
    assert found.organization_parents == {}
    assert found.loose


def test_a_list_of_roles_shows_who_trusts_openai_and_nothing_of_boundaries() -> None:
    role = {
        "Path": "/",
        "RoleName": "openai-ekm",
        "RoleId": "AROAX",
        "Arn": HEALTHY.get("role_arn"),
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"AWS": "790389265272"}, "Action": "sts:AssumeRole"}],
        },
    }
    bound = {**role, "PermissionsBoundary": {"PermissionsBoundaryArn": f"arn:aws:iam::{ACCOUNT}:policy/edge"}}
    list_roles = Exhibit("aws iam list-roles", {"Roles": [role, {"Arn": 7}, "x"]}, "")
    alone = aws.read([list_roles])
    assert alone.trust(role["Arn"]).state is State.SEEN
    assert alone.boundary(role["Arn"]).state is State.NOT_GIVEN
    both = aws.read([list_roles, Exhibit("aws iam get-role --role-name=openai-ekm", {"Role": bound}, "")])
    seen = both.role(role["Arn"]).value
    assert seen is not None
    assert seen.boundary_arn.endswith("policy/edge")


def test_the_policy_of_a_key_is_not_absent_because_another_account_cannot_see_it() -> None:
    key = HEALTHY.get("kms_arn")
    caller = Exhibit("aws sts get-caller-identity", {"UserId": "A", "Account": "529384756102", "Arn": "arn:x"}, "")
    text = f"An error occurred (NotFoundException) when calling the GetKeyPolicy operation: Key '{key}' does not exist"
    refused = Exhibit(f"aws kms get-key-policy --key-id={key} --policy-name=default --region=eu-central-1", None, text)
    assert aws.read([caller, refused]).key_policy(key).state is State.FAILED


# ---------------------------------------------------------------------------------------------------------- CloudTrail
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/openai-ekm/OpenAI-EKM-Service"
DENIED = (
    f"User: {SESSION} is not authorized to perform: kms:Encrypt on resource: {HEALTHY.get('kms_arn')} because no "
    "identity-based policy allows the kms:Encrypt action"
)


def event(name: str, second: int, code: str = "", message: str = "", **more: object) -> dict[str, object]:
    issuer = {"type": "Role", "arn": HEALTHY.get("role_arn"), "userName": "openai-ekm"}
    who = {"type": "AssumedRole", "arn": SESSION, "accountId": ACCOUNT, "sessionContext": {"sessionIssuer": issuer}}
    whole: dict[str, object] = {
        "userIdentity": who,
        "eventTime": f"2026-11-27T10:00:{second:02}Z",
        "eventSource": "kms.amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-central-1",
        **({"errorCode": code, "errorMessage": message} if code else {}),
        **more,
    }
    return {"EventName": name, "CloudTrailEvent": json.dumps(whole)}


def assumed(second: int, account: str = "790389265272", role: str = "") -> dict[str, object]:
    who = {"type": "AWSAccount", "accountId": account}
    asked = {"roleArn": role or HEALTHY.get("role_arn")}
    return event("AssumeRole", second, eventSource="sts.amazonaws.com", userIdentity=who, requestParameters=asked)


def trail(*events: object, configuration: Configuration = HEALTHY) -> check.Checked:
    lookup = Exhibit("aws cloudtrail lookup-events --region=eu-central-1", {"Events": list(events)}, "")
    return check.check(configuration, [lookup])


def told(checked: check.Checked) -> dict[str, Status]:
    return {item.id: item.status for item in checked.findings if item.id.startswith("aws-cloudtrail")}


def test_the_last_call_counts_and_its_reason_is_named() -> None:
    checked = trail(event("Encrypt", 5, "AccessDenied", DENIED), event("Encrypt", 1), assumed(1))
    assert told(checked) == {"aws-cloudtrail-kms": Status.WARN, "aws-cloudtrail-assume-role": Status.PASS}
    (finding,) = (item for item in checked.findings if item.id == "aws-cloudtrail-kms")
    assert finding.errors == ("aws-kms-access-denied",)
    assert finding.link is Link.PERMISSION
    assert DENIED in finding.saw
    assert "2026-11-27T10:00:05Z" in finding.saw
    chain = {item.link: item.state for item in checked.chain}
    assert chain[Link.IDENTITY] is LinkState.PROVEN
    assert chain[Link.NETWORK] is LinkState.UNKNOWN
    assert not checked.failed, "what was is no proof of what will be"


def test_a_later_success_is_the_last_word() -> None:
    checked = trail(event("Encrypt", 1, "AccessDenied", DENIED), event("Decrypt", 2), assumed(2))
    assert told(checked) == {"aws-cloudtrail-kms": Status.PASS, "aws-cloudtrail-assume-role": Status.PASS}
    chain = {item.link: item.state for item in checked.chain}
    assert {chain[link] for link in (Link.IDENTITY, Link.NETWORK, Link.REQUEST)} == {LinkState.PROVEN}


def test_of_two_calls_in_the_same_second_the_failed_one_counts() -> None:
    failed = event("Decrypt", 3, "DisabledException", f"{HEALTHY.get('kms_arn')} is disabled.")
    assert told(trail(event("Encrypt", 3), failed))["aws-cloudtrail-kms"] is Status.WARN


@pytest.mark.parametrize(
    "events",
    [
        (),
        (assumed(1, account="529384756102"),),
        (assumed(1, role=f"arn:aws:iam::{ACCOUNT}:role/another"),),
        (event("Encrypt", 1, userIdentity={"arn": SESSION.replace("openai-ekm", "openai-ekm-2")}),),
        (event("Encrypt", 1, userIdentity={"arn": SESSION.replace(ACCOUNT, "529384756102")}),),
        (event("GenerateDataKey", 1),),
        (event("Encrypt", 1, eventTime="yesterday"),),
        ({"CloudTrailEvent": "{not json"}, {"CloudTrailEvent": "[]"}, {"CloudTrailEvent": 7}, {}, "x", None),
        (event("Encrypt", 1, userIdentity=[], eventName=3),),
    ],
)
def test_calls_of_others_and_rubbish_are_no_calls_of_openai(events: tuple[object, ...]) -> None:
    checked = trail(*events)
    assert told(checked) == {"aws-cloudtrail-no-call": Status.NOT_APPLICABLE}
    assert {item.state for item in checked.chain} == {LinkState.UNKNOWN}


def test_where_cloudtrail_was_not_asked_nothing_is_said_of_it() -> None:
    assert told(check.check(HEALTHY)) == {}
    masked = Configuration(Provider.AWS, {**HEALTHY.fields, "role_arn": "arn:aws:iam::xxx:role/openai-ekm"})
    assert told(trail(configuration=masked)) == {}
