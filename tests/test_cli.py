"""The command line as a user runs it: a process of its own, exit codes, one line on stderr, JSON on stdout."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (
    "User: arn:aws:sts::790389265272:assumed-role/EnterpriseKeyManagement/OpenAI-EKM-Service is not authorized to "
    "perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/ekm"
)


def run(*arguments, given="", **environment):
    return subprocess.run(
        [sys.executable, "-m", "ekm_core", *arguments],
        input=given,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        check=False,
    )


def test_diagnose_from_standard_input():
    done = run("diagnose", given=TEXT)
    assert done.returncode == 0
    assert "aws-sts-assume-role-denied" in done.stdout
    assert done.stderr == ""


def test_diagnose_json_of_a_file(tmp_path):
    file = tmp_path / "message.txt"
    file.write_text(TEXT)
    done = run("diagnose", str(file), "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == 0
    assert answer["schema"] == 1
    assert answer["matches"][0]["id"] == "aws-sts-assume-role-denied"
    assert answer["matches"][0]["entities"]["role_arn"] == "arn:aws:iam::111122223333:role/ekm"
    assert [item["link"] for item in answer["chain"]][:2] == ["identity", "trust"]


def test_configuration_enters_the_fix(tmp_path):
    file = tmp_path / "key.json"
    file.write_text(json.dumps({"type": "aws", "external_id": "org-AbCdEfGh12345678"}))
    done = run("diagnose", "--config", str(file), "--json", given=TEXT)
    assert "org-AbCdEfGh12345678" in done.stdout


def test_unknown_text_exits_1():
    done = run("diagnose", given="nothing of ours")
    assert done.returncode == 1
    assert "No known error" in done.stdout
    assert run("diagnose", "--json", given="nothing of ours").returncode == 1


@pytest.mark.parametrize("name", ["utf-16", "utf-8-sig"])
def test_files_as_windows_writes_them(tmp_path, name):
    file = tmp_path / "message.txt"
    file.write_text(TEXT, encoding=name)
    assert run("diagnose", str(file)).returncode == 0


def test_a_terminal_that_knows_no_typographic_characters_ends_nothing_with_a_traceback():
    given = f"{TEXT} 🔑 “quoted”"
    plain = run("diagnose", given=given, PYTHONIOENCODING="ascii")
    assert (plain.returncode, plain.stderr) == (0, "")
    assert "aws-sts-assume-role-denied" in plain.stdout
    answer = run("diagnose", "--json", given=given, PYTHONIOENCODING="ascii")
    assert json.loads(answer.stdout) == json.loads(run("diagnose", "--json", given=given).stdout)


def test_bytes_that_are_no_text(tmp_path):
    file = tmp_path / "message.bin"
    file.write_bytes(b"\x00\xff\xfe\x80" * 50 + TEXT.encode())
    assert run("diagnose", str(file)).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("diagnose", "no-such-file"), "no-such-file"),
        (("diagnose", "."), "cannot read"),
        (("diagnose", "-", "--config", "no-such-file"), "no-such-file"),
        (("explain", "aws-sts-assume-role"), "aws-sts-assume-role-denied"),
        (("explain", "quite-different"), "no known error"),
        (("triage", "no-such-file.csv"), "no-such-file"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(arguments, says):
    done = run(*arguments, given=TEXT)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


def test_a_summary_that_cannot_be_written_is_said_before_the_work(tmp_path):
    source, out = tmp_path / "in.log", tmp_path / "out.csv"
    source.write_text(TEXT)
    for summary in (tmp_path / "no-such-folder" / "found.md", tmp_path):
        done = run("triage", str(source), "--out", str(out), "--summary", str(summary))
        assert (done.returncode, done.stdout) == (2, "")
        assert str(summary) in done.stderr
        assert not out.exists()


def test_faulty_configuration_names_line_and_column(tmp_path):
    file = tmp_path / "key.json"
    file.write_text('{"type": "aws",\n "role_arn": }')
    done = run("diagnose", "--config", str(file), given=TEXT)
    assert done.returncode == 2
    assert "Line 2, column" in done.stderr


def test_explain_prints_markdown():
    done = run("explain", "azure-key-name-pattern")
    assert done.returncode == 0
    assert done.stdout.startswith("# ")


def test_a_secret_never_comes_back():
    secret = "wJalrXUtnFEMIK7MDENGbPxRfiCYzzzzzzzzzKEY"
    for arguments in (("diagnose",), ("diagnose", "--json")):
        done = run(*arguments, given=f"aws_secret_access_key = {secret}\n{TEXT}")
        assert secret not in done.stdout + done.stderr
        assert done.returncode == 0


def test_triage_adds_columns(tmp_path):
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(json.dumps({"text": text}) + "\n" for text in (TEXT, "fine", TEXT)))
    done = run("triage", str(source), "--out", str(out))
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["error_id"] for row in rows] == ["aws-sts-assume-role-denied", "", "aws-sts-assume-role-denied"]
    assert rows[0]["provider"] == "aws"
    assert "aws-sts-assume-role-denied" in done.stdout


DENIED = (
    "User: arn:aws:sts::790389265272:assumed-role/EnterpriseKeyManagement/OpenAI-EKM-Service is not authorized to "
    "perform: sts:AssumeRole on resource: arn:aws:iam::222233334444:role/openai-ekm"
)
CURL = """curl https://api.openai.com/v1/organization/external_keys \\
  -H "Authorization: Bearer $OPENAI_ADMIN_KEY" -d '{"type": "aws", "role_arn":
  "arn:aws:iam::222233334444:role/openai-ekm", "external_id": "org-AbCdEfGhIjKlMnOpQrSt", "kms_arn":
  "arn:aws:kms:us-east-1:222233334444:key/1234abcd-12ab-34cd-56ef-1234567890ab"}'
"""


def _trusting(external_id):
    condition = {"StringEquals": {"sts:ExternalId": external_id}}
    principal = {"AWS": "arn:aws:iam::790389265272:role/EnterpriseKeyManagement"}
    allow = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", "Condition": condition}
    role = {
        "RoleName": "openai-ekm",
        "Arn": "arn:aws:iam::222233334444:role/openai-ekm",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [allow]},
    }
    return f"$ aws iam get-role --role-name openai-ekm\n{json.dumps({'Role': role}, indent=4)}\n"


@pytest.fixture
def setup_files(tmp_path):
    def write(external_id):
        (tmp_path / "key.sh").write_text(CURL)
        (tmp_path / "role.txt").write_text(_trusting(external_id))
        return str(tmp_path / "key.sh"), "--evidence", str(tmp_path / "role.txt")

    return write


def test_check_fails_on_a_wrong_external_id_and_shows_the_change(setup_files):
    done = run("check", *setup_files("org-PersonalPersonal12"), given="")
    assert done.returncode == 1
    assert '-          "sts:ExternalId": "org-PersonalPersonal12"' in done.stdout
    assert '+          "sts:ExternalId": "org-AbCdEfGhIjKlMnOpQrSt"' in done.stdout


def test_check_as_json_without_a_fault(setup_files):
    done = run("check", *setup_files("org-AbCdEfGhIjKlMnOpQrSt"), "--json", given="")
    answer = json.loads(done.stdout)
    assert done.returncode == 0
    assert {"schema", "findings", "chain", "missing"} == set(answer)
    assert not [finding for finding in answer["findings"] if finding["status"] == "fail"]
    assert {"link": "trust", "state": "proven"}.items() <= answer["chain"][1].items()


def test_diagnose_with_configuration_and_evidence_confirms_the_cause(setup_files):
    config, *evidence = setup_files("org-PersonalPersonal12")
    done = run("diagnose", "--config", config, *evidence, "--changed", "2 days ago", "--json", given=DENIED)
    causes = json.loads(done.stdout)["matches"][0]["causes"]
    verdicts = {cause["id"]: cause["verdict"] for cause in causes}
    assert verdicts["external-id-mismatch"] == "confirmed"
    assert verdicts["just-changed"] == "ruled_out"
    assert causes[0]["changes"][0]["after"].count("org-AbCdEfGhIjKlMnOpQrSt") == 1


@pytest.mark.parametrize(
    "arguments", [("check", "-"), ("diagnose", "--changed", "some day"), ("check", "nowhere.json")]
)
def test_what_cannot_be_used_is_one_line(arguments):
    done = run(*arguments, given="nothing of use")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


def test_triage_tells_since_when_and_for_whom(tmp_path):
    source, said = tmp_path / "in.csv", tmp_path / "found.md"
    source.write_text(f'created,org,body\n2026-11-27T10:00:00Z,acme,"{DENIED}"\n')
    columns = ("--text-column", "body", "--time-column", "created", "--customer-column", "org")
    done = run("triage", str(source), *columns, "--summary", str(said))
    assert done.returncode == 0
    row = "| 1 | aws-sts-assume-role-denied | acme | 2026-11-27 10:00:00 | 2026-11-27 10:00:00 |"
    assert row in said.read_text()
    assert row in run("triage", str(source), *columns).stdout
    assert run("triage", str(source), *columns, "--summary", str(tmp_path / "no" / "found.md")).returncode == 2
