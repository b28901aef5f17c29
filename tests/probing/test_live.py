"""A run as the rest of the program sees it, through a real child process whose cloud is a stand-in."""

import contextlib
import json
import logging
import os
import threading
from pathlib import Path

import pytest

from ekm_core import evidence
from ekm_core.check import check
from ekm_core.credentials import (
    AwsKeys,
    AwsProfile,
    AzureDeviceCode,
    AzureTokens,
    GcpDefault,
    GcpFile,
    GcpToken,
    OpenAIKey,
    provider_of,
)
from ekm_core.evidence import State
from ekm_core.model import Configuration, Provider
from ekm_core.probing import live
from ekm_core.probing.event import Ended, Planned, Prompted, Started, Stopped, Tick
from ekm_core.probing.record import Record
from ekm_core.probing.step import Trouble
from tests.probing import hostile

FAKE = (str(Path(__file__).with_name("fake.py")),)
CANARIES = ("ASIACANARYCANARYCANA", "canary/secret/canary/secret/canary/secre", "canary-token+canary/token=")
KEYS = AwsKeys(*CANARIES)


def run(fields, credentials=KEYS, **options):
    configuration = Configuration(Provider.AWS, fields)
    return list(live.run(configuration, credentials, child=FAKE, **options))


def ends(events):
    return {event.step: event for event in events if isinstance(event, Ended)}


def stopped(events):
    return [event.sentence for event in events if isinstance(event, Stopped)]


def children():
    """The processes that this one has started and that are still there."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children")
    if not listed.exists():
        pytest.skip("this system does not list a process's children")
    return {int(pid) for file in Path("/proc/self/task").glob("*/children") for pid in file.read_text().split()}


# --------------------------------------------------------------------------------------------------------------- steps
def test_every_planned_step_is_started_and_ends_once_and_a_failure_stops_no_other():
    events = run({"good": "fine:x", "refused": "refused", "crash": "crash", "leads": "then", "exit": "exit"})
    planned = [event.step for event in events if isinstance(event, Planned)]
    assert planned == ["good", "refused", "crash", "leads", "exit", "next"]
    assert sorted(event.step for event in events if isinstance(event, Started)) == sorted(planned)
    assert len([event for event in events if isinstance(event, Ended)]) == len(planned)
    assert {step: end.state for step, end in ends(events).items()} == {
        "good": State.SEEN,
        "refused": State.REFUSED,
        "crash": State.FAILED,
        "leads": State.SEEN,
        "exit": State.FAILED,
        "next": State.SEEN,
    }
    assert not stopped(events)


def test_a_step_that_fails_may_lead_to_others_too():
    found = ends(run({"lost": "absent-then"}))
    assert {step: end.state for step, end in found.items()} == {"lost": State.FAILED, "why": State.SEEN}


def test_what_a_step_brings_is_read_like_a_paste():
    end = ends(run({"role": "fine:me@example.com"}))["role"]
    (exhibit,) = end.exhibits
    assert exhibit.command == "aws iam get-role"
    assert exhibit.origin == "live probe"
    assert exhibit.output == {"Role": "[removed:e-mail]"}
    assert json.loads(exhibit.text) == exhibit.output


def test_a_refusal_is_evidence_of_the_same_state_and_names_the_permission():
    end = ends(run({"role": "refused"}))["role"]
    assert (end.trouble, end.permission) == (Trouble.REFUSED, "iam:GetRole")
    assert evidence.outcome(end.exhibits[0]).state is State.REFUSED
    assert "no identity-based policy allows" in end.text


def test_a_refusal_of_a_key_names_the_known_error():
    denied = (
        "An error occurred (AccessDeniedException) when calling the DescribeKey operation: User: "
        "arn:aws:iam::111122223333:user/me is not authorized to perform: kms:DescribeKey on resource: "
        "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab because no resource-based policy "
        "allows the kms:DescribeKey action"
    )
    assert ends(run({"key": f"denied:{denied}"}))["key"].errors == ("aws-kms-access-denied",)


def test_a_step_that_hangs_ends_at_its_own_deadline_and_the_run_at_its_own():
    assert ends(run({"slow": "sleep:60", "good": "fine:"}, seconds=20.0))["slow"].trouble is Trouble.TIMEOUT
    events = run({f"slow-{number}": "sleep:60" for number in range(12)} | {"good": "fine:"}, seconds=1.0)
    assert {end.trouble for end in ends(events).values()} == {Trouble.TIMEOUT}
    assert len(ends(events)) == 13
    assert len(stopped(events)) == 1
    assert isinstance(events[-1], Stopped)


def test_too_many_steps_are_cut_off_with_a_sentence():
    events = run({"many": "many:600"})
    assert len(ends(events)) == 400
    assert "400" in stopped(events)[0]


def test_a_prompt_reaches_the_page_and_no_page_but_microsofts():
    events = run({"sign-in": "prompt"})
    (prompt,) = [event for event in events if isinstance(event, Prompted)]
    assert (prompt.url, prompt.code) == ("https://microsoft.com/devicelogin", "ABCD1234")
    events = run({"sign-in": "phish"})
    assert not [event for event in events if isinstance(event, Prompted)]
    assert ends(events)["sign-in"].trouble is Trouble.BAD_ANSWER


# ------------------------------------------------------------------------------------------------- a child that is ill
@pytest.mark.parametrize("how", ["kill", "segfault"])
def test_a_child_that_dies_leaves_what_it_brought(how):
    events = run({"good": "fine:x", "slow": "sleep:2", "death": f"later:{how}"})
    found = ends(events)
    assert found["good"].state is State.SEEN
    assert {found["slow"].state, found["death"].state} == {State.FAILED}
    assert evidence.outcome(found["slow"].exhibits[0]).sentence == found["slow"].sentence
    assert len(stopped(events)) == 1


def test_memory_is_bounded_and_only_the_step_that_takes_it_fails():
    found = ends(run({"good": "fine:x", "greedy": "memory"}))
    assert found["good"].state is State.SEEN
    assert found["greedy"].trouble is Trouble.BAD_ANSWER


@pytest.mark.parametrize(
    "line",
    [
        "no JSON",
        "[]",
        '{"event": "ended"}',
        '{"event": "started", "step": 5}',
        '{"event": "started", "step": "never planned"}',
        '{"event": "stopped", "sentence": "x", "crash": "", "more": 1}',
        '{"event": "prompted", "step": "x", "url": "https://evil.example", "code": "ABCD", "seconds": 1e999}',
        "[" * 100_000,
    ],
)
def test_nonsense_of_the_child_ends_the_run_and_keeps_what_came_before(line, caplog):
    events = run({"good": "fine:x", "odd": f"later:raw:{line}", "slow": "sleep:2"})
    found = ends(events)
    assert found["good"].state is State.SEEN
    assert {found["odd"].trouble, found["slow"].trouble} == {Trouble.OURS}
    assert len(stopped(events)) == 1
    assert "evil" not in caplog.text


def test_what_a_library_prints_disturbs_nothing():
    events = run({"loud": "print", "good": "fine:x"})
    assert {end.state for end in ends(events).values()} == {State.SEEN}
    assert not stopped(events)


def test_what_the_child_says_of_a_crash_is_logged_only_as_a_kind_and_a_place(caplog):
    assert stopped(run({"odd": 'raw:{"event": "stopped", "sentence": "Over.", "crash": "canary: what I saw"}'})) == [
        "Over."
    ]
    assert "canary" not in caplog.text
    assert "a fault without a name" in caplog.text


def test_a_flood_is_ended():
    events = run({"good": "fine:x", "flood": "later:flood"})
    assert ends(events)["good"].state is State.SEEN
    assert ends(events)["flood"].trouble is Trouble.BAD_ANSWER


def test_a_cloud_that_cannot_plan_its_calls_stops_not_openais(caplog):
    events = run({"fail": ""}, openai=OpenAIKey("canary-key-of-openai"))
    found = ends(events)
    assert (found["aws-steps"].trouble, found["openai-validate"].state) == (Trouble.OURS, State.SEEN)
    assert not stopped(events)
    assert "ValueError at" in caplog.text
    found = ends(run({"forbid": ""}))
    assert (found["aws-steps"].trouble, found["aws-steps"].sentence) == (Trouble.FORBIDDEN_TARGET, "Not there.")


def test_the_round_trip_is_made_only_where_it_was_asked_for():
    assert set(ends(run({"good": "fine:"}))) == {"good"}
    assert set(ends(run({"good": "fine:"}, round_trip=True))) == {"good", "round-trip"}


def test_a_request_that_the_child_cannot_read_is_a_sentence_and_a_line_in_the_log(caplog, monkeypatch):
    monkeypatch.setattr(live, "_request", lambda *_: b'{"seconds": 5}\n')
    events = run({"good": "fine:"})
    assert len(events) == len(stopped(events)) == 1
    assert "KeyError at ekm_core/probing/child.py" in caplog.text


def test_a_child_that_cannot_start_is_a_sentence():
    configuration = Configuration(Provider.AWS, {"good": "fine:"})
    assert stopped(list(live.run(configuration, KEYS, child=("no-such-file.py",))))


# ------------------------------------------------------------------------------------------------------- leaving it
def test_closing_ends_the_child_at_once_and_whatever_it_does():
    before = children()
    configuration = Configuration(Provider.AWS, {"good": "fine:", "slow": "sleep:60"})
    with contextlib.closing(live.run(configuration, KEYS, child=FAKE)) as events:
        assert next(event for event in events if isinstance(event, Ended)).step == "good"
        assert len(children() - before) == 1
    assert children() <= before


def test_a_child_whose_parent_is_gone_ends_itself():
    process = live._Child((live.sys.executable, "-s", *FAKE), live.environment(os.environ, ambient=False))
    configuration = Configuration(Provider.AWS, {"slow": "sleep:60"})
    request = live._request(configuration, KEYS, None, False, 60.0)
    for line in process.lines(request, 60.0, None):
        if b"started" in line:
            break
    process.process.stdin.close()
    assert process.process.wait(timeout=20) == 1
    process.end()


def test_a_quiet_run_ticks():
    events = run({"slow": "sleep:0.4"}, tick=0.05)
    assert len([event for event in events if isinstance(event, Tick)]) > 2
    assert ends(events)["slow"].state is State.SEEN


def test_only_so_many_run_at_once(monkeypatch):
    monkeypatch.setattr(live, "_SLOTS", threading.BoundedSemaphore(1))
    first = live.run(Configuration(Provider.AWS, {"good": "fine:"}), KEYS, child=FAKE)
    next(first)
    assert "Too many" in stopped(run({"good": "fine:"}))[0]
    first.close()
    assert not stopped(run({"good": "fine:"}))


# ------------------------------------------------------------------------------------------------------------ secrets
def shown(events, caplog, capfd):
    """Everything that anybody could read of a run."""
    record = Record()
    for event in events:
        record.add(event)
    checked = check(Configuration(Provider.AWS, {}), record.exhibits)
    lines = [line.as_dict() for line in record.lines.values()]
    captured = capfd.readouterr()
    return "\n".join(
        (
            repr(events),
            repr(record),
            record.bundle(),
            repr(lines),
            repr(checked),
            caplog.text,
            captured.out,
            captured.err,
        )
    )


@pytest.mark.parametrize(
    "what",
    ["fine:x", "echo", "echo-error", "crash", "exit", "print", "refused", "later:kill", "raw:no JSON", "sleep:60"],
)
def test_no_secret_comes_back_on_any_path(what, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    text = shown(run({"good": "fine:", "step": what}, seconds=2.0), caplog, capfd)
    for canary in CANARIES:
        assert canary not in text
        assert canary.replace("/", "%2F") not in text


def test_no_secret_comes_back_where_the_run_never_began(caplog, capfd):
    text = shown([*run({"fail": ""}), *run({"a": "x" * 300_000})], caplog, capfd)
    assert not any(canary in text for canary in CANARIES)


@pytest.mark.parametrize(
    "credentials",
    [
        GcpToken("canary-token-of-google"),
        GcpFile(
            json.dumps({"private_key": "-----BEGIN\ncanary+key/of=a\nservice account", "refresh_token": "canary-r"})
        ),
        OpenAIKey("canary-key-of-openai"),
        AzureTokens("canary-of-arm", "canary-of-graph", "canary-of-vault"),
    ],
)
def test_secrets_of_every_kind_are_taken_out(credentials, caplog, capfd):
    own = isinstance(credentials, OpenAIKey)
    configuration = Configuration(
        Provider.GCP if own else provider_of(credentials), {"e": "echo", "error": "echo-error"}
    )
    given = {"openai": credentials} if own else {"credentials": credentials}
    events = list(live.run(configuration, **given, child=FAKE))
    assert ends(events)["e"].state is State.SEEN
    assert "canary" not in shown(events, caplog, capfd)


def test_credentials_stand_neither_in_the_arguments_nor_in_the_environment_of_the_child(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the server's own canary")
    monkeypatch.setenv("OPENAI_API_KEY", "the server's own canary")
    before = children()
    configuration = Configuration(Provider.AWS, {"good": "fine:", "slow": "sleep:60"})
    with contextlib.closing(live.run(configuration, KEYS, child=FAKE)) as events:
        next(event for event in events if isinstance(event, Ended))
        (pid,) = children() - before
        seen = [Path(f"/proc/{pid}/cmdline").read_bytes()]
        with contextlib.suppress(PermissionError):  # it cannot be looked into, unless by root
            seen.append(Path(f"/proc/{pid}/environ").read_bytes())
    assert b"fake.py" in seen[0]
    for canary in (*CANARIES, "the server's own canary"):
        assert not any(canary.encode() in text for text in seen)


def test_the_child_of_a_shared_server_knows_nothing_of_the_server(monkeypatch):
    for name in ("AWS_PROFILE", "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_CLIENT_SECRET", "OPENAI_API_KEY", "DATABASE"):
        monkeypatch.setenv(name, "canary")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:8080")
    found = ends(run({"look": "environment"}))["look"].exhibits[0].output["environment"]
    assert "canary" not in found.values()
    assert found["HTTPS_PROXY"] == "http://proxy.example:8080"
    assert not Path(found["HOME"]).exists()


def test_the_machines_own_identity_is_lent_only_where_that_was_allowed(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("OPENAI_API_KEY", "canary")
    assert "sits at it" in stopped(run({"look": "environment"}, AwsProfile()))[0]
    found = ends(run({"look": "environment"}, AwsProfile(), ambient_allowed=True))["look"].exhibits[0].output
    assert found["environment"]["AWS_PROFILE"] == "mine"
    assert "OPENAI_API_KEY" not in found["environment"]


@pytest.mark.parametrize(
    "credentials", [GcpDefault(), GcpToken("canary-token"), AzureDeviceCode(), OpenAIKey("canary-k")]
)
def test_credentials_of_another_cloud_make_no_call(credentials):
    assert "another cloud" in stopped(run({"good": "fine:"}, credentials, ambient_allowed=True))[0]


def test_two_users_at_once_see_only_their_own():
    found = {}

    def one(name):
        keys = AwsKeys("ASIA" + name * 16, name * 40, name * 20)
        events = run({f"step-{name}-{number}": f"fine:{name * 12}" for number in range(20)}, keys)
        found[name] = repr(events)

    threads = [threading.Thread(target=one, args=(name,)) for name in "ABCD"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in "ABCD":
        assert found[name].count(f"'{name * 12}'") >= 20
        assert not any(
            other * 12 in found[name] or f"step-{other}-" in found[name] for other in "ABCD" if other != name
        )


# ------------------------------------------------------------------------------------------------------------ network
SLOW = ("drip", "silent", "slow-head")


@pytest.fixture
def server(monkeypatch):
    with hostile.serve() as (address, asked):
        monkeypatch.setenv("HTTP_PROXY", address)
        monkeypatch.setenv("NO_PROXY", "")
        yield asked


def test_hostile_servers_end_in_could_not_check_and_every_other_finding_is_kept(server):
    bad = [what for what in hostile.BEHAVIOURS if what != "fine"]
    calls = {what: f"call{'-slow' * (what in SLOW)}:http://cloud.example/{what}" for what in hostile.BEHAVIOURS}
    events = run({**calls, "good": "fine:x"})
    found = ends(events)
    assert {found["fine"].state, found["good"].state} == {State.SEEN}
    for what in bad:
        assert found[what].state is State.FAILED, what
        assert found[what].trouble not in (None, Trouble.OURS), what
        assert evidence.outcome(found[what].exhibits[0]).state is State.FAILED
    assert not [line for line in server if "169.254" in line]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/fine",
        "http://localhost:{port}/fine",
        "http://[::1]:{port}/fine",
        "http://169.254.169.254/latest",
    ],
)
def test_no_private_address_is_called_whatever_the_step_does(url, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with hostile.serve() as (address, asked):
        end = ends(run({"inside": f"call:{url.format(port=address.rpartition(':')[2])}"}))["inside"]
        assert end.trouble is Trouble.FORBIDDEN_TARGET
        assert not asked


def test_no_program_is_started_and_no_file_written(tmp_path):
    found = ends(run({"program": "program", "file": f"file:{tmp_path / 'token'}"}))
    assert found["program"].state is State.FAILED
    assert found["file"].state is State.FAILED
    assert not (tmp_path / "token").exists() or not (tmp_path / "token").read_text()
