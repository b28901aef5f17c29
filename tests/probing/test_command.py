"""``python -m ekm_core probe`` as a user runs it: a process of its own, exit codes, streams, files, Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FAKE = Path(__file__).with_name("fake.py")
# The command itself, with a stand-in for the cloud.
PROGRAM = f"""
import sys
from ekm_core import cli
from ekm_core.probing import live
live.CHILD = ({str(FAKE)!r},)
sys.exit(cli.main(sys.argv[1:]))
"""
CANARIES = {
    "AWS_ACCESS_KEY_ID": "ASIACANARYCANARYCANA",
    "AWS_SECRET_ACCESS_KEY": "canary/secret/canary/secret/canary/secre",
    "AWS_SESSION_TOKEN": "canary-token+canary/token=",
    "OPENAI_ADMIN_KEY": "sk-admin-canarycanarycanarycanary",
}
KEYS = {name: value for name, value in CANARIES.items() if name.startswith("AWS_")}
DENIED = (
    "User: arn:aws:sts::790389265272:assumed-role/EnterpriseKeyManagement/OpenAI-EKM-Service is not authorized to "
    "perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/openai-ekm"
)


@pytest.fixture
def config(tmp_path):
    def write(cloud="aws", **fields):
        file = tmp_path / "key.json"
        file.write_text(json.dumps({"type": cloud, **fields}))
        return str(file)

    return write


def start(*arguments, **environment):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OPENAI_"))}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "probe", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**kept, **environment},
        # Where the tests run in the background of a shell, Ctrl-C is ignored, and that would be inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def run(*arguments, **environment):
    process = start(*arguments, **environment)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_what_was_read_is_checked_and_saved_as_check_reads_it(config, tmp_path):
    saved = tmp_path / "evidence.json"
    file = config(role_arn="trust:", external_id="refused", kms_arn="sleep:0")
    code, out, err = run(file, "--json", "--save", str(saved), **CANARIES)
    answer = json.loads(out)
    assert {"schema", "findings", "chain", "missing", "steps", "stopped", "diagnosis"} == set(answer)
    steps = {step["id"]: step for step in answer["steps"]}
    assert steps["role_arn"]["state"] == "seen"
    assert steps["external_id"]["state"] == "refused"
    assert steps["external_id"]["permission"] == "iam:GetRole"
    assert steps["external_id"]["sentence"]
    again = subprocess.run(
        [sys.executable, "-m", "ekm_core", "check", file, "--evidence", str(saved), "--json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert json.loads(again.stdout)["findings"] == answer["findings"]
    assert again.returncode == code == 1  # the registration itself is broken, which both say
    assert err == ""


def test_without_json_it_says_what_was_not_read(config):
    code, out, _ = run(config(role_arn="crash", external_id="refused", kms_arn="fine:"), **KEYS)
    assert "Read 1 of 3." in out
    assert out.count("[Not read]") == 2
    assert "Chain:" in out
    assert code == 1


def test_no_credential_comes_out_of_any_stream(config):
    file = config(role_arn="echo", external_id="echo-error", kms_arn="crash")
    for arguments in ((file,), (file, "--json")):
        _, out, err = run(*arguments, **CANARIES)
        assert not any(canary in out + err for canary in CANARIES.values())


def test_what_openais_own_call_met_is_diagnosed(config):
    file = config(role_arn=f"openai:{DENIED}")
    code, out, _ = run(file, "--json", "--changed", "2 days ago", **CANARIES)
    answer = json.loads(out)
    assert code == 1
    (match,) = answer["diagnosis"]["matches"]
    assert match["id"] == "aws-sts-assume-role-denied"
    assert {cause["id"]: cause["verdict"] for cause in match["causes"]}["just-changed"] == "ruled_out"
    assert json.loads(run(file, "--json", "--public", **CANARIES)[1])["diagnosis"] is None


def test_credentials_are_those_of_the_shell_or_none(config):
    file = config(role_arn="who")

    def who(*arguments, **environment):
        _, out, _ = run(file, "--json", *arguments, **environment)
        return next(step["title"] for step in json.loads(out)["steps"])

    assert who(**CANARIES) == "AwsKeys"
    assert who(AWS_PROFILE="dev") == "AwsProfile"
    assert who("--public", **CANARIES) == "NoneType"


def test_long_lived_keys_are_advised_against_on_stderr(config):
    keys = {"AWS_ACCESS_KEY_ID": "AKIACANARYCANARYCANA", "AWS_SECRET_ACCESS_KEY": CANARIES["AWS_SECRET_ACCESS_KEY"]}
    _, _, err = run(config(role_arn="fine:"), **keys)
    assert "long-lived" in err


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        (("nowhere.json",), {}, "cannot read"),
        (("--changed", "some day"), CANARIES, "some day"),
        (("--device-code",), {}, "Azure"),
        ((), {"AWS_ACCESS_KEY_ID": "canary", "AWS_SECRET_ACCESS_KEY": "canary"}, "no access key ID"),
        (("--save", "/nowhere/evidence.json"), CANARIES, "cannot write"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_exit_2(config, arguments, environment, says):
    file = () if arguments[:1] == ("nowhere.json",) else (config(role_arn="fine:"),)
    code, out, err = run(*file, *arguments, **environment)
    assert (code, out) == (2, "")
    assert says in err
    assert len(err.strip().splitlines()) == 1
    assert "canary" not in err


def test_ctrl_c_ends_it_and_its_child_without_a_traceback(config):
    process = start(config(role_arn="fine:", kms_arn="sleep:60"), **CANARIES)
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    in_time(lambda: listed.read_text().split())
    (child,) = listed.read_text().split()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err
    in_time(lambda: gone(child))


def gone(pid):
    """Whether a process has ended, even where nobody has asked how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def in_time(true):
    ends = time.monotonic() + 30
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.02)
