"""The script for CloudShell, run by bash with the real AWS CLI against ministack; what it prints is read back."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from ekm_core import evidence, vendor
from ekm_core.aws import evidence as aws
from ekm_core.aws.account import AwsEvidence
from ekm_core.aws.script import permissions, script
from ekm_core.evidence import State
from ekm_core.model import Configuration, Provider
from tests.lab import aws_cli
from tests.lab.programs import installed
from tests.lab.servers import ministack

ACCOUNT = "111111111111"
REGION = "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/openai+ekm"
ROOT = (ACCOUNT, "test")
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": vendor.AWS_PRINCIPAL},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": "org-abc"}},
        }
    ],
}
HOSTILE = (
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    "--profile=x",
    "file:///etc/passwd",
    "a\nb",
    "\ud800",
)


def allow(*actions: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}


def configured(**fields: str) -> Configuration:
    return Configuration(Provider.AWS, fields)


class Cloud:
    """One set-up in ministack."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        iam, kms = self.client("iam"), self.client("kms")
        iam.create_policy(PolicyName="edge", PolicyDocument=json.dumps(allow("kms:*")))
        iam.create_role(
            RoleName="openai+ekm",
            AssumeRolePolicyDocument=json.dumps(TRUST),
            PermissionsBoundary=f"arn:aws:iam::{ACCOUNT}:policy/edge",
        )
        attached = iam.create_policy(PolicyName="use-key", PolicyDocument=json.dumps(allow("kms:List*")))["Policy"][
            "Arn"
        ]
        iam.create_policy_version(
            PolicyArn=attached, PolicyDocument=json.dumps(allow("kms:Encrypt")), SetAsDefault=True
        )
        iam.attach_role_policy(RoleName="openai+ekm", PolicyArn=attached)
        iam.put_role_policy(
            RoleName="openai+ekm", PolicyName="in line", PolicyDocument=json.dumps(allow("kms:Decrypt"))
        )
        self.key: str = kms.create_key()["KeyMetadata"]["Arn"]
        kms.create_alias(AliasName="alias/ekm", TargetKeyId=self.key)
        self.alias = f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/ekm"
        # Not the alias: ministack, unlike AWS, does not look for the key behind it when it judges a policy.
        self.configuration = configured(role_arn=ROLE, kms_arn=self.key, external_id="org-abc")

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=ROOT[0],
            aws_secret_access_key=ROOT[1],
        )

    def user(self, name: str, policy: dict[str, Any] | None) -> tuple[str, str]:
        """The credentials of a new user with at most one policy."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        if policy:
            iam.put_user_policy(UserName=name, PolicyName="only", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def state(self) -> list[Any]:
        """All that the script could have changed."""
        iam, kms = self.client("iam"), self.client("kms")
        details = iam.get_account_authorization_details()
        return [
            {name: details[name] for name in ("RoleDetailList", "Policies", "UserDetailList") if name in details},
            kms.list_aliases()["Aliases"],
            kms.describe_key(KeyId=self.key)["KeyMetadata"],
            kms.get_key_policy(KeyId=self.key, PolicyName="default")["Policy"],
            kms.list_grants(KeyId=self.key)["Grants"],
        ]


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with ministack(ACCOUNT) as endpoint:
        yield Cloud(endpoint)


def run(text: str, folder: Path, path: str, **variables: str) -> str:
    python = Path(sys.executable).parent  # not a version manager's slow stand-in
    environment = {"PATH": f"{path}:{python}:{os.environ['PATH']}", "HOME": str(folder), **variables}
    done = subprocess.run(
        ["bash", "-c", text], cwd=folder, env=environment, capture_output=True, text=True, check=True, timeout=300
    )
    return done.stdout


@pytest.fixture(scope="module")
def awake() -> Iterator[Path]:
    """The CLI without the second that each start takes; the first test starts it each time, as CloudShell does."""
    with aws_cli.awake() as tools:
        yield tools


def collected(
    cloud: Cloud, credentials: tuple[str, str], folder: Path, tools: Path, other: Configuration | None = None
) -> AwsEvidence:
    printed = run(
        script(other or cloud.configuration).text,
        folder,
        str(tools),
        AWS_ENDPOINT_URL=cloud.endpoint,
        AWS_ACCESS_KEY_ID=credentials[0],
        AWS_SECRET_ACCESS_KEY=credentials[1],
        AWS_DEFAULT_REGION=REGION,
    )
    gathered = evidence.read(printed)
    assert gathered.problems == ()
    return aws.read(gathered.exhibits)


def assert_all_seen(cloud: Cloud, found: AwsEvidence) -> None:
    trust = found.trust(ROLE)
    assert trust.value is not None
    assert trust.value.value == TRUST
    identity = found.identity(ROLE)
    assert identity.complete, identity.missing
    assert [policy.value for policy in identity.policies] == [allow("kms:Encrypt"), allow("kms:Decrypt")]
    boundary = found.boundary(ROLE)
    assert boundary.value is not None
    assert boundary.value.value == allow("kms:*")
    assert found.resolve(cloud.alias).value == cloud.key
    key = found.key(cloud.alias).value
    assert key is not None
    assert (key.arn, key.state, key.spec, key.usage) == (cloud.key, "Enabled", "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
    assert found.key_policy(cloud.key).state is State.SEEN
    assert found.rotation(cloud.key).value is False
    assert found.grants(cloud.key).value == ()


def test_the_bundle_holds_the_whole_set_up_and_nothing_is_changed(cloud: Cloud, tmp_path: Path) -> None:
    """Run by a user with the policy that we give and no more, so that it is proven to be enough."""
    (policy,) = permissions(cloud.configuration)
    reader = cloud.user("reader", json.loads(policy.text))
    before = cloud.state()
    trail = cloud.client("cloudtrail")
    known = {event["EventId"] for event in trail.lookup_events()["Events"]}
    found = collected(cloud, reader, tmp_path, installed("awscli"))
    assert_all_seen(cloud, found)
    assert found.loose == []
    assert found.refusals == []
    names = {event["EventName"] for event in trail.lookup_events()["Events"] if event["EventId"] not in known}
    assert "DescribeKey" in names
    # ministack records IAM's form posts without their action: for these the comparison of the state stands.
    names = {name for name in names if not name.startswith("POST.")}
    assert all(re.match(r"Get|List|Describe|Lookup", name) for name in names), names
    assert cloud.state() == before


def test_what_is_refused_is_told_apart_from_what_is_absent(cloud: Cloud, awake: Path, tmp_path: Path) -> None:
    found = collected(cloud, cloud.user("stranger", None), tmp_path, awake)
    assert found.role(ROLE).state is State.REFUSED
    assert found.trust(ROLE).state is State.REFUSED
    assert not found.identity(ROLE).complete
    assert "iam:GetRole" in {refusal.permission for refusal in found.refusals}


def test_a_missing_role_is_absent_in_its_own_account(cloud: Cloud, awake: Path, tmp_path: Path) -> None:
    missing = f"arn:aws:iam::{ACCOUNT}:role/none"
    found = collected(cloud, ROOT, tmp_path, awake, configured(role_arn=missing, kms_arn=cloud.alias))
    assert found.role(missing).state is State.ABSENT
    assert found.role("arn:aws:iam::222222222222:role/none").state is State.NOT_GIVEN
    # An alias leads to its key, and so do the commands that take no alias.
    for state in (found.key(cloud.alias).state, found.key_policy(cloud.alias).state, found.grants(cloud.alias).state):
        assert state is State.SEEN


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_come_out_inert(value: str, tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "aws"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\nprintf "%s " "$@"\n')
    fake.chmod(0o755)
    given = configured(
        role_arn=f"arn:aws:iam::{ACCOUNT}:role/{value}", kms_arn=f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/{value}"
    )
    printed = json.loads(run(script(given).text, tmp_path, str(fake.parent)))
    for words in (shlex.split(item["command"]) for item in printed):
        assert words[0] == "aws"
        assert not any(word == value or word.startswith("--profile") for word in words)
        assert not any("file:" in word for word in words)
    assert script(configured(role_arn=value, kms_arn=value)).text == script(configured()).text
    json.loads(permissions(given)[0].text)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin"]


def test_the_script_only_reads() -> None:
    text = script(configured(role_arn=ROLE, kms_arn=f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/ekm")).text
    verbs = re.findall(r"\baws (?:iam|kms|sts) (\S+)", text)
    assert len(verbs) > 10
    assert all(re.match(r"get-|list-|describe-", verb) for verb in verbs)
    assert ">" not in re.sub(r"2?>/dev/null|>&2", "", "\n".join(line for line in text.splitlines() if line[:1] != "#"))


def test_bash_and_shellcheck_accept_it() -> None:
    text = script(configured()).text
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", "-"], input=text, text=True, check=True)
    assert set(script(configured()).placeholders) == {"<ROLE_NAME>", "<KMS_KEY_ARN>", "<REGION>"}
