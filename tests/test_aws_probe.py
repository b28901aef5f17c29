"""The live probe of AWS, by boto3's own clients at production addresses, against the laboratory's stand-in."""

from __future__ import annotations

import copy
import itertools
import json
import os
import re
import shlex
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from ekm_core import check, classify, normalise, vendor
from ekm_core.aws import probe, reads
from ekm_core.credentials import AwsKeys, AwsProfile
from ekm_core.evidence import State
from ekm_core.model import Configuration, Exhibit, Finding, Link, LinkState, Provider, Status
from ekm_core.probing import http, live, runner
from ekm_core.probing.event import Ended, Planned
from ekm_core.probing.step import CallError, Trouble
from tests.lab import aws, aws_cli, declared, hostile
from tests.lab.frame import Laboratory, laboratory
from tests.lab.servers import free_port, served

ACCOUNT, OTHER = "418273645091", "529384756102"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/openai-ekm"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/6f0e1d2c-3b4a-4958-8776-5a4b3c2d1e0f"
SETUPS = {setup.name.removeprefix("aws/"): setup for setup in declared.setups(Provider.AWS)}
HEALTHY = SETUPS["healthy"].configuration


@pytest.fixture(scope="module")
def lab() -> Iterator[Laboratory]:
    with laboratory() as running, pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in running.environment.items():
            patch.setenv(name, value)
        yield running


@pytest.fixture(scope="module")
def address(lab: Laboratory) -> Iterator[str]:
    with aws.running() as address:
        lab.route(dict.fromkeys(aws.HOSTS, address))
        yield address


def run(configuration: Configuration, credentials: AwsKeys | AwsProfile) -> dict[str, Ended]:
    """How each step ended."""
    events = runner.run(probe.steps(configuration, credentials))
    ended = {event.step: event for event in events if isinstance(event, Ended)}
    assert not [event for event in ended.values() if event.crash]
    return ended


def exhibits(ended: dict[str, Ended]) -> list[Exhibit]:
    return [exhibit for event in ended.values() for exhibit in event.exhibits]


def causes(findings: tuple[Finding, ...]) -> list[str]:
    """Those of the catalogue: the fields' own findings have no dot in their ids."""
    return sorted(finding.id for finding in findings if "." in finding.id)


def cloud(name: str = "healthy") -> dict[str, Any]:
    return copy.deepcopy(dict(SETUPS[name].cloud))


def allow(*actions: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}


def with_reader(state: dict[str, Any], policy: dict[str, Any], **keys: Any) -> AwsKeys:
    """A user with one policy in the place of the set-up's own reader."""
    user = {"id": "AKIAONLYONLYONLYONLY", "secret": "only-secret", "policy": policy, **keys}
    state["accounts"][ACCOUNT]["users"] = {"ekm-reader": user}
    return AwsKeys(user["id"], user["secret"], user.get("token", ""))


# ------------------------------------------------------------ two accounts; one by one they are read in test_lab_setups
def test_the_role_in_one_account_and_the_key_in_another_are_proven_by_a_run_in_each(address: str) -> None:
    setup = SETUPS["kms-cross-account-healthy"]
    aws.load(address, setup.cloud)
    both = [exhibits(run(setup.configuration, aws.reader(account))) for account in (ACCOUNT, OTHER)]
    chain = {item.link: item.state for item in check.check(setup.configuration, [*both[0], *both[1]]).chain}
    assert [chain[link] for link in (Link.TRUST, Link.PERMISSION, Link.KEY)] == [LinkState.PROVEN] * 3


# -------------------------------------------------------------------------------------------------- read-only, no more
def rich() -> tuple[Configuration, dict[str, Any]]:
    """A set-up in which every call has something to read: an alias, all kinds of policies, an organization."""
    state = cloud("healthy-organization")
    account = state["accounts"][ACCOUNT]
    role = account["roles"]["openai-ekm"]
    role["attached"] = [f"arn:aws:iam::{ACCOUNT}:policy/logs", "arn:aws:iam::aws:policy/ReadOnlyAccess"]
    role["boundary"] = f"arn:aws:iam::{ACCOUNT}:policy/edge"
    account["policies"] = {
        "logs": {"versions": [allow("s3:*"), allow("logs:*")]},
        "edge": {"versions": [allow("kms:*")]},
    }
    state["aws_policies"] = {"arn:aws:iam::aws:policy/ReadOnlyAccess": allow("s3:Get*")}
    account["keys"][KEY] |= {"aliases": ["alias/openai-ekm"]}
    account["keys"][KEY]["grants"] = [
        {"GranteePrincipal": f"arn:aws:iam::{ACCOUNT}:role/backup", "Operations": ["DescribeKey"]}
    ]
    alias = {**HEALTHY.fields, "kms_arn": KEY.replace(KEY.rpartition(":")[2], "alias/openai-ekm")}
    return Configuration(Provider.AWS, alias, HEALTHY.organization_id), state


def stray() -> tuple[Configuration, dict[str, Any]]:
    """A set-up whose role does not name OpenAI, and whose policy names another key: the right ones are looked for."""
    state = cloud("kms-other-key-registered")
    state["accounts"][ACCOUNT]["roles"]["openai-ekm"]["trust"] = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
    return HEALTHY, state


def granted(configuration: Configuration) -> dict[str, Any]:
    (snippet,) = probe.permissions(configuration)
    assert not snippet.placeholders
    document: dict[str, Any] = json.loads(snippet.text)
    return document


def actions_of(document: dict[str, Any]) -> list[str]:
    given = [statement["Action"] for statement in document["Statement"]]
    return [action for actions in given for action in ([actions] if isinstance(actions, str) else actions)]


def test_what_is_granted_is_needed_and_enough_and_nothing_else_is_called(address: str) -> None:
    used: set[str] = set()
    for configuration, state in (rich(), stray()):
        keys = with_reader(state, granted(configuration))
        aws.load(address, state)
        before = aws.everything(address)
        events = list(runner.run(probe.steps(configuration, keys)))
        troubles = [event.sentence for event in events if isinstance(event, Ended) and event.trouble]
        assert troubles == [], "the policy that we give is enough"
        called = {call["action"] for call in aws.calls(address)}
        planned = {name for event in events if isinstance(event, Planned) for name in event.permissions}
        assert called == planned | {"sts:GetCallerIdentity"}
        assert all(call["method"] == "POST" and call["status"] in (200, 400) for call in aws.calls(address))
        assert aws.everything(address) == before
        used |= called
    assert used == {*actions_of(granted(HEALTHY)), "sts:GetCallerIdentity"}, "nothing is granted for no use"
    verbs = {name.partition(":")[2] for name in used}
    assert all(verb.startswith(("Get", "List", "Describe", "Lookup")) for verb in verbs)


@pytest.mark.parametrize("missing", sorted({*actions_of(granted(HEALTHY))}))
def test_a_missing_permission_is_named_and_every_other_finding_is_kept(missing: str, address: str) -> None:
    configuration, state = stray() if missing == "iam:ListRoles" else rich()
    policy = granted(configuration)
    keys = with_reader(state, policy)
    aws.load(address, state)
    whole = {(item.id, item.status) for item in check.check(configuration, exhibits(run(configuration, keys))).findings}

    for statement in policy["Statement"]:
        given = statement["Action"]
        statement["Action"] = [action for action in ([given] if isinstance(given, str) else given) if action != missing]
    policy["Statement"] = [statement for statement in policy["Statement"] if statement["Action"]]
    with_reader(state, policy)
    aws.load(address, state)
    ended = run(configuration, keys)
    refused = [event for event in ended.values() if event.trouble]
    assert refused
    for event in refused:
        assert (event.trouble, event.state, event.permission) == (Trouble.REFUSED, State.REFUSED, missing)
        assert missing in event.sentence
        assert "not authorized to perform" in event.exhibits[0].text
    lacking = check.check(configuration, exhibits(ended))
    assert {(item.id, item.status) for item in lacking.of(Status.FAIL)} <= whole
    settled = (Status.FAIL, Status.PASS, Status.WARN)
    lost = {id for id, status in whole if status in settled} - {
        item.id for status in settled for item in lacking.of(status)
    }
    open_now = {item.id for item in lacking.of(Status.COULD_NOT_CHECK)}
    # A practice (no dot) that is not seen is not mentioned; a cause that is not seen is said to be open.
    assert {id for id in lost if "." in id} <= open_now


# ------------------------------------------------------------------------------------------------ as the AWS CLI prints
def test_every_exhibit_is_what_the_aws_cli_prints(address: str, tmp_path: Path) -> None:
    """But for its message where the last page was cut, and for the time that CloudTrail gives anew."""
    configuration, state = rich()
    keys = with_reader(state, granted(configuration))
    aws.load(address, state)
    aws.walk(address, {**configuration.fields})
    (tmp_path / "config").write_text("[default]\ncli_timestamp_format = iso8601\noutput = json\n")
    variables = {
        **os.environ,
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "TZ": "UTC",
    }
    found = exhibits(run(configuration, keys))
    assert len({exhibit.command for exhibit in found}) > 20
    seen = set()
    with aws_cli.awake() as tools:
        variables["PATH"] = f"{tools}{os.pathsep}{os.environ['PATH']}"
        for exhibit in found:
            command = shlex.split(exhibit.command)
            if tuple(command[:3]) in seen:
                continue  # once for each command
            seen.add(tuple(command[:3]))
            done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
            assert json.loads(done.stdout) == exhibit.output, exhibit.command
            assert json.loads(exhibit.text) == exhibit.output


def test_an_error_is_printed_as_the_aws_cli_prints_it(address: str) -> None:
    state = cloud("role-missing")
    aws.load(address, state)
    ended = run(HEALTHY, aws.sign_in(state))
    (exhibit,) = ended["aws-attached"].exhibits
    assert exhibit.text == (
        "An error occurred (NoSuchEntity) when calling the ListAttachedRolePolicies operation: "
        "The role with name openai-ekm cannot be found."
    )
    assert (ended["aws-attached"].state, ended["aws-attached"].trouble) == (State.ABSENT, Trouble.ABSENT)


# --------------------------------------------------------------------------------------------------------- no answer
def assert_could_not_check(ended: dict[str, Ended], trouble: Trouble, *steps: str) -> None:
    for step in steps or ended:
        event = ended[step]
        assert (event.trouble, event.state) == (trouble, State.FAILED), (step, event.sentence)
        assert event.sentence.endswith(".")
    checked = check.check(HEALTHY, exhibits(ended))
    assert causes(checked.of(Status.FAIL)) == []


def test_expired_credentials_say_so(address: str) -> None:
    state = cloud()
    keys = with_reader(state, allow("*"), token="only-token", expired=True)
    aws.load(address, state)
    ended = run(HEALTHY, keys)
    assert_could_not_check(ended, Trouble.CREDENTIALS)
    assert all("expired" in event.sentence for event in ended.values())
    assert "ExpiredToken" in ended["aws-caller"].exhibits[0].text
    assert "ExpiredTokenException" in ended["aws-key"].exhibits[0].text


@pytest.mark.parametrize(
    "wrong",
    [
        AwsKeys("AKIANOBODYNOBODYNOBO", "only-secret"),
        AwsKeys("AKIAONLYONLYONLYONLY", "another-secret"),
        AwsKeys("AKIAONLYONLYONLYONLY", "only-secret", "a-token-of-nobody"),
    ],
    ids=["unknown key", "wrong secret", "wrong token"],
)
def test_wrong_credentials_say_so(wrong: AwsKeys, address: str) -> None:
    state = cloud()
    with_reader(state, allow("*"))
    aws.load(address, state)
    ended = run(HEALTHY, wrong)
    assert_could_not_check(ended, Trouble.CREDENTIALS)
    assert all(wrong.secret_access_key not in str(event) for event in ended.values())


def test_a_throttled_call_is_made_again_and_one_that_stays_throttled_is_given_up(address: str) -> None:
    state = cloud()
    throttled = {"code": "ThrottlingException", "message": "Rate exceeded"}
    state["faults"] = [
        {"call": "kms:DescribeKey", "times": 2, **throttled},
        {"call": "kms:GetKeyPolicy", "times": 99, **throttled},
        {"call": "iam:GetRole", "times": 2, "code": "Throttling", "message": "Rate exceeded"},
        {"call": "kms:ListGrants", "times": 99, "code": "KMSInternalException", "message": "", "status": 500},
    ]
    aws.load(address, state)
    ended = run(HEALTHY, aws.sign_in(state))
    assert ended["aws-key"].trouble is None
    assert ended["aws-role"].trouble is None
    assert_could_not_check(ended, Trouble.THROTTLED, f"aws-key-policy-{KEY}")
    assert_could_not_check(ended, Trouble.BAD_ANSWER, f"aws-grants-{KEY}")
    tried = [call["action"] for call in aws.calls(address)]
    assert tried.count("kms:GetKeyPolicy") == tried.count("kms:ListGrants") == 3
    links = {item.link: item.state for item in check.check(HEALTHY, exhibits(ended)).chain}
    assert (links[Link.TRUST], links[Link.PERMISSION]) == (LinkState.PROVEN, LinkState.UNKNOWN)


def test_a_region_that_is_switched_off_says_so(address: str) -> None:
    state = cloud()
    message = "STS is not activated in this region for account:418273645091."
    off = {"call": "sts:GetCallerIdentity", "code": "RegionDisabledException", "message": message, "status": 403}
    state["faults"] = [off]
    aws.load(address, state)
    assert_could_not_check(run(HEALTHY, aws.sign_in(state)), Trouble.DISABLED, "aws-caller")


@pytest.mark.parametrize("kind", hostile.KINDS)
def test_a_server_that_misbehaves_ends_in_could_not_check(
    kind: str, lab: Laboratory, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One service of several misbehaves; what the others bring is kept."""
    if kind in ("drip", "silent"):
        monkeypatch.setattr(probe, "SECONDS", 2.0)
    monkeypatch.setattr(http, "MOST_BYTES", 1 << 20)
    state = cloud()
    aws.load(address, state)
    with hostile.serve(kind) as stranger:
        lab.route({r"kms\..*": stranger, **dict.fromkeys(aws.HOSTS, address)})
        try:
            ended = run(HEALTHY, aws.sign_in(state))
        finally:
            lab.route(dict.fromkeys(aws.HOSTS, address))
    reached = [event for step, event in ended.items() if step in ("aws-key", "aws-aliases", f"aws-key-policy-{KEY}")]
    for event in reached:
        if event.trouble is None:  # an empty object is an answer that shows nothing
            assert kind in ("wrong-types", "empty")
            continue
        assert event.state is State.FAILED
        expected = {"drip": Trouble.TIMEOUT, "silent": Trouble.TIMEOUT, "throttled": Trouble.THROTTLED}
        expected["cut"] = Trouble.CONNECTION
        assert event.trouble is expected.get(kind, Trouble.BAD_ANSWER), event.sentence
        assert ("do not follow" in event.sentence) is (kind == "redirect")
    checked = check.check(HEALTHY, exhibits(ended))
    assert causes(checked.of(Status.FAIL)) == []
    chain = {item.link: item.state for item in checked.chain}
    assert (chain[Link.TRUST], chain[Link.KEY]) == (LinkState.PROVEN, LinkState.UNKNOWN)
    assert "window.pwned" not in str([event.sentence for event in ended.values()])


def test_a_list_that_never_ends_is_given_up(lab: Laboratory, address: str) -> None:
    """Empty pages, each with a token of its own, which botocore would follow for ever."""
    pages = itertools.count()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse({"Aliases": [], "Truncated": True, "NextMarker": f"page-{next(pages)}"})(
            scope, receive, send
        )

    state = cloud()
    aws.load(address, state)
    with served(app) as endless:
        lab.route({r"kms\..*": endless, **dict.fromkeys(aws.HOSTS, address)})
        try:
            ended = run(HEALTHY, aws.sign_in(state))
        finally:
            lab.route(dict.fromkeys(aws.HOSTS, address))
    assert_could_not_check(ended, Trouble.BAD_ANSWER, "aws-aliases")
    assert "further page" in ended["aws-aliases"].sentence
    assert next(pages) < 100, "two lists and three single reads"


def test_a_proxy_in_the_way_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, f"http://user:proxy-secret@127.0.0.1:{free_port()}")
    ended = run(HEALTHY, AwsKeys("AKIAONLYONLYONLYONLY", "only-secret"))
    assert_could_not_check(ended, Trouble.PROXY)
    assert "proxy-secret" not in str(ended)


def test_a_name_that_does_not_resolve_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    assert_could_not_check(run(HEALTHY, AwsKeys("AKIAONLYONLYONLYONLY", "only-secret")), Trouble.DNS)


def test_a_certificate_that_is_not_trusted_says_so(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE")
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    assert_could_not_check(run(HEALTHY, AwsKeys("AKIAONLYONLYONLYONLY", "only-secret")), Trouble.CONNECTION)


# ------------------------------------------------------------------------------------------------- whose credentials
def test_given_keys_owe_nothing_to_the_machine(
    address: str, lab: Laboratory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another identity, another address, a broken profile and a folder of models are all set on the machine."""
    state = cloud()
    aws.load(address, state)
    (tmp_path / "config").write_text("[default]\nendpoint_url = https://evil.example\nuse_fips_endpoint = true\n")
    for name, value in {
        "AWS_ENDPOINT_URL": "https://evil.example",
        "AWS_ENDPOINT_URL_KMS": "https://evil.example",
        "AWS_PROFILE": "nobody",
        "AWS_ACCESS_KEY_ID": "AKIANOBODYNOBODYNOBO",
        "AWS_SECRET_ACCESS_KEY": "nobody",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_DATA_PATH": str(tmp_path),
        "AWS_MAX_ATTEMPTS": "99",
    }.items():
        monkeypatch.setenv(name, value)
    lab.forget()
    ended = run(HEALTHY, aws.sign_in(state))
    assert [event.sentence for event in ended.values() if event.trouble] == []
    assert {call.host for call in lab.calls()} == {
        *(f"{service}.eu-central-1.amazonaws.com" for service in ("sts", "kms", "cloudtrail")),
        *("iam.amazonaws.com", "organizations.us-east-1.amazonaws.com", "cloudtrail.us-east-1.amazonaws.com"),
    }


def test_a_profile_is_used_and_its_addresses_are_not(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = cloud()
    aws.load(address, state)
    keys = aws.sign_in(state)
    (tmp_path / "config").write_text("[profile ekm]\nendpoint_url = https://evil.example\nregion = us-west-2\n")
    (tmp_path / "credentials").write_text(
        f"[ekm]\naws_access_key_id = {keys.access_key_id}\naws_secret_access_key = {keys.secret_access_key}\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    ended = run(HEALTHY, AwsProfile("ekm"))
    assert [event.sentence for event in ended.values() if event.trouble] == []
    for nobody in (AwsProfile("nobody"), AwsProfile()):
        assert_could_not_check(run(HEALTHY, nobody), Trouble.CREDENTIALS)


def test_without_credentials_nothing_is_called() -> None:
    assert probe.steps(HEALTHY, None) == ()
    assert probe.round_trip(HEALTHY, None) == ()


def test_it_runs_in_the_process_of_its_own(address: str) -> None:
    """As the page and the command run it: with next to nothing of the environment, and every connection watched."""
    state = cloud()
    aws.load(address, state)
    aws.walk(address, HEALTHY.fields)
    ended = [event for event in live.run(HEALTHY, aws.sign_in(state)) if isinstance(event, Ended)]
    assert [event.sentence for event in ended if event.trouble] == []
    # CloudTrail's AssumeRole holds the session token that OpenAI got.
    tokens = re.findall(
        r'sessionToken[\\": ]+([^\\"]+)', str([item.text for event in ended for item in event.exhibits])
    )
    assert set(tokens) == {"[removed: AWS session token]"}
    checked = check.check(HEALTHY, [exhibit for event in ended for exhibit in event.exhibits])
    chain = {item.link: item.state for item in checked.chain}
    assert [chain[link] for link in (Link.TRUST, Link.PERMISSION, Link.KEY)] == [LinkState.PROVEN] * 3


# ------------------------------------------------------------------------------------------------------ the round trip
def test_the_round_trip_is_made_by_the_users_own_identity(address: str) -> None:
    state = cloud()
    keys = with_reader(state, allow("kms:Encrypt", "kms:Decrypt"))
    aws.load(address, state)
    before = aws.everything(address)
    (event,) = (event for event in runner.run(probe.round_trip(HEALTHY, keys)) if isinstance(event, Ended))
    assert (event.state, event.trouble, event.exhibits) == (State.SEEN, None, ())
    assert [call["action"] for call in aws.calls(address)] == ["kms:Encrypt", "kms:Decrypt"]
    assert aws.everything(address) == before


@pytest.mark.parametrize(
    ("name", "actions", "state", "trouble"),
    [
        ("healthy", ("kms:Encrypt",), State.REFUSED, Trouble.REFUSED),
        ("key-disabled", ("kms:*",), State.FAILED, Trouble.BAD_ANSWER),
        ("key-gone", ("kms:*",), State.ABSENT, Trouble.ABSENT),
    ],
)
def test_a_round_trip_that_fails_says_why(
    name: str, actions: tuple[str, ...], state: State, trouble: Trouble, address: str
) -> None:
    setup = cloud(name)
    keys = with_reader(setup, allow(*actions))
    aws.load(address, setup)
    (event,) = (event for event in runner.run(probe.round_trip(HEALTHY, keys)) if isinstance(event, Ended))
    assert (event.state, event.trouble) == (state, trouble)
    if name == "key-disabled":
        known = classify.classify(normalise.normalise(event.exhibits[0].text).text)
        assert known[0].error.id == "aws-kms-key-disabled"
    if trouble is Trouble.REFUSED:
        assert event.permission == "kms:Decrypt"


# --------------------------------------------------------------------------------------------- what an answer may do
def planned(configuration: Configuration, answers: dict[str, object]) -> list[str]:
    """The commands of a run in which AWS answers as told; what it was not told is refused."""

    def ask(read: reads.Read, **_: bytes) -> dict[str, Any]:
        if read.operation not in answers:
            raise CallError(Trouble.REFUSED, "No.")
        found: Any = answers[read.operation]
        return found

    plan = reads.Plan(ask, configuration)
    steps = [plan.caller(), *plan.role(), *plan.key(), *plan.organization(), *plan.trail()]
    events = list(runner.run(steps))
    assert not [event for event in events if isinstance(event, Ended) and event.crash]
    return [event.command for event in events if isinstance(event, Planned)]


EVIL = ("file:///etc/passwd", "--endpoint-url=https://evil.example", "$(touch pwned)", "a\nb", "", "x" * 5000)


@pytest.mark.parametrize("evil", [*EVIL, None, 7, ["x"], {"a": 1}], ids=lambda value: str(value)[:20])
def test_no_part_of_an_answer_becomes_a_call_unless_it_is_whole(evil: object) -> None:
    answers: dict[str, object] = {
        "get_role": {"Role": {"PermissionsBoundary": {"PermissionsBoundaryArn": evil}}},
        "list_attached_role_policies": {"AttachedPolicies": [{"PolicyArn": evil}, evil]},
        "list_role_policies": {"PolicyNames": [evil]},
        "describe_key": {"KeyMetadata": {"Arn": evil}},
        "describe_organization": {"Organization": {"MasterAccountId": evil}},
        "list_parents": {"Parents": [{"Id": evil}]},
        "list_policies_for_target": {"Policies": [{"Id": evil}, evil]},
        "list_roles": {"Roles": evil},
    }
    alias = Configuration(Provider.AWS, {**HEALTHY.fields, "kms_arn": KEY.replace("key/", "alias/")})
    for configuration in (HEALTHY, alias):
        harmless = planned(configuration, {**answers, "list_attached_role_policies": {}, "list_role_policies": {}})
        assert planned(configuration, answers) == harmless
        for command in harmless:
            assert not any(str(evil) in word for word in shlex.split(command)) or not isinstance(evil, str) or not evil


def test_an_alias_leads_to_a_key_of_its_own_account_and_region_alone() -> None:
    alias = Configuration(Provider.AWS, {**HEALTHY.fields, "kms_arn": KEY.replace("key/", "alias/")})
    for arn, follows in (
        (KEY, True),
        (KEY.replace("eu-central-1", "us-east-1"), False),
        (KEY.replace(ACCOUNT, OTHER), False),
    ):
        commands = planned(alias, {"describe_key": {"KeyMetadata": {"Arn": arn}}})
        assert any("get-key-policy" in command for command in commands) is follows


def test_lists_without_end_are_bounded() -> None:
    names = {"PolicyNames": [f"p{number}" for number in range(5000)]}
    assert len([line for line in planned(HEALTHY, {"list_role_policies": names}) if "get-role-policy" in line]) <= 40


@pytest.mark.parametrize(
    "fields",
    [
        {"role_arn": "arn:aws:iam::418273645091:role/$(touch pwned)", "kms_arn": "arn:aws:kms:evil.example/:1:key/x"},
        {"role_arn": "arn:evil:iam::418273645091:role/x", "kms_arn": KEY.replace("aws", "aws-evil")},
        {"role_arn": "--endpoint-url=x", "kms_arn": KEY.replace("eu-central-1", "kms.evil.example")},
        {"role_arn": "", "kms_arn": ""},
    ],
)
def test_what_is_no_arn_is_never_asked_for(fields: dict[str, str]) -> None:
    asked = []

    def ask(read: reads.Read, **_: bytes) -> dict[str, Any]:
        asked.append(read)
        return {}

    plan = reads.Plan(ask, Configuration(Provider.AWS, fields))
    steps = [plan.caller(), *plan.role(), *plan.key(), *plan.organization(), *plan.trail()]
    ended = {event.step: event for event in runner.run(steps) if isinstance(event, Ended)}
    assert [read.operation for read in asked] == ["get_caller_identity"]
    for step in ("aws-role", "aws-key"):
        assert (ended[step].trouble, ended[step].state) == (Trouble.FORBIDDEN_TARGET, State.FAILED)


def test_the_policy_to_grant_has_placeholders_where_the_registration_is_open() -> None:
    (snippet,) = probe.permissions(Configuration(Provider.AWS, {}))
    assert set(snippet.placeholders) == {"<ROLE_ARN>", "<KMS_KEY_ARN>", "<ACCOUNT_ID>"}
    assert vendor.AWS_ACCOUNT not in snippet.text
