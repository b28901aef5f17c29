"""Anything pasted becomes exhibits: bundles, transcripts, JSON, errors, Terraform; hostile text does no harm."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ekm_core import evidence
from ekm_core.evidence import State, command_of, outcome, read
from ekm_core.model import Exhibit

ROLE = {"Role": {"Path": "/", "RoleName": "openai-ekm"}}
PRETTY = json.dumps(ROLE, indent=4)
COMMAND = "aws iam get-role --role-name openai-ekm"
DENIED = (
    "An error occurred (AccessDenied) when calling the GetRole operation: User: arn:aws:iam::111122223333:user/b is "
    "not authorized to perform: iam:GetRole on resource: role openai-ekm because no identity-based policy allows the "
    "iam:GetRole action"
)
PROMPTS = (
    "$ ",
    "% ",
    "❯ ",
    "➜  infra git:(main) ✗ ",
    "me@host:~/infra$ ",
    "(venv) me@host:~$ ",
    "root@0a1b:/# ",
    "me@mac infra % ",
    "mac:infra me$ ",
    "[cloudshell-user@ip-10-132-0-1 ~]$ ",
    "~ $ ",
    "me@cloudshell:~ (my-project)$ ",
    "me [ ~ ]$ ",
    "PS C:\\Users\\me> ",
    "PS /home/me> ",
    "C:\\Users\\me>",
    "bash-5.2$ ",
    "",
)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_transcript_gives_each_command_its_output(prompt: str) -> None:
    other = "gcloud kms keys describe k --keyring=r --location=global --format=json"
    text = f"{prompt}{COMMAND}\n{PRETTY}\n{prompt}{other}\n{DENIED}\n{prompt}az keyvault show --name v\n{{}}\n"
    gathered = read(text)
    assert gathered.problems == ()
    assert [(exhibit.command, exhibit.output) for exhibit in gathered.exhibits] == [
        (COMMAND, ROLE),
        (other, None),
        ("az keyvault show --name v", {}),
    ]
    assert gathered.exhibits[1].text == DENIED


@pytest.mark.parametrize(
    "text",
    [
        f"$ aws iam get-role \\\n>   --role-name openai-ekm\n{PRETTY}",
        f"PS C:\\> aws iam get-role `\n>> --role-name openai-ekm\n{PRETTY}",
        f"C:\\>aws iam get-role ^\n--role-name openai-ekm\n{PRETTY}",
        f"$ aws iam get-role \\\r\n  --role-name openai-ekm\r\n{PRETTY}",
    ],
)
def test_a_command_over_several_lines_is_one(text: str) -> None:
    assert [(exhibit.command, exhibit.output) for exhibit in read(text).exhibits] == [(COMMAND, ROLE)]


def test_a_markdown_answer_is_read() -> None:
    gathered = read(f"Here it is:\n\n```console\n$ {COMMAND}\n{PRETTY}\n```\nand the policy\n```json\n{{}}\n```\n")
    assert [exhibit.output for exhibit in gathered.exhibits] == [ROLE, {}]
    assert gathered.problems == ()


def test_a_bundle_is_taken_apart() -> None:
    bundle = [
        {"command": COMMAND, "output": ROLE},
        {"command": COMMAND, "output": PRETTY},
        {"command": COMMAND, "output": DENIED},
        {"command": 3, "output": {}},
        "x",
    ]
    gathered = read("\ufeff" + json.dumps(bundle), "a file")
    assert [exhibit.output for exhibit in gathered.exhibits] == [ROLE, ROLE, None]
    assert {exhibit.origin for exhibit in gathered.exhibits} == {"a file"}
    assert len(gathered.problems) == 2
    assert "Entry 4" in gathered.problems[0]


def test_faulty_json_is_placed_in_the_whole_paste() -> None:
    gathered = read(f"$ {COMMAND}\n{PRETTY}\n$ cat trust.json\n{{\n  “Version”: 1\n}}\n")
    assert gathered.exhibits[0].output == ROLE
    assert gathered.exhibits[1].output is None
    assert gathered.problems[0].startswith("Line 10, column 3:")


def test_an_error_without_its_command_is_kept() -> None:
    assert [(exhibit.command, exhibit.text) for exhibit in read(f"I get\n{DENIED}\n").exhibits] == [
        ("", f"I get\n{DENIED}")
    ]


def test_terraform_is_one_exhibit_beside_json() -> None:
    terraform = 'resource "aws_iam_role" "r" {\n  name = "x"\n}\n\n# the key\nresource "aws_kms_key" "k" {\n}'
    gathered = read(f"{terraform}\n{PRETTY}\n")
    assert [exhibit.text for exhibit in gathered.exhibits] == [terraform, PRETTY]
    assert evidence.is_terraform(gathered.exhibits[0])
    assert not evidence.is_terraform(gathered.exhibits[1])


def test_a_document_inside_quotes_is_taken_out() -> None:
    document = {"Version": "2012-10-17", "Statement": []}
    command = "aws kms get-key-policy --key-id k --query Policy"
    gathered = read(f"$ {command}\n{json.dumps(json.dumps(document))}\n")
    assert [(exhibit.command, exhibit.output) for exhibit in gathered.exhibits] == [(command, document)]


def test_the_advice_to_sign_in_is_no_command_of_the_user() -> None:
    error = "ERROR: (gcloud.kms.keys.describe) You do not currently have an active account selected.\nPlease run:"
    gathered = read(f"$ gcloud kms keys describe k\n{error}\n\n  $ gcloud auth login\n\nto obtain new credentials.\n")
    assert [(exhibit.command, exhibit.text) for exhibit in gathered.exhibits] == [("gcloud kms keys describe k", error)]
    assert outcome(gathered.exhibits[0]).state is State.FAILED


def test_brackets_of_a_log_are_no_documents() -> None:
    gathered = read('[INFO] started\n{"a": 1}\n[INFO] ended\n')
    assert [exhibit.output for exhibit in gathered.exhibits] == [{"a": 1}]
    assert gathered.problems == ()


def test_a_command_without_output_is_reported() -> None:
    gathered = read(f"$ {COMMAND}\n$ aws sts get-caller-identity\n{{}}\n")
    assert len(gathered.exhibits) == 1
    assert "no output below the command" in gathered.problems[0]


def test_secrets_are_removed_first() -> None:
    gathered = read('{"AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}')
    assert "AKIAIOSFODNN7EXAMPLE" not in str(gathered.exhibits)
    assert gathered.redactions


@pytest.mark.parametrize("text", ["", " \n", "hello", "there is no output here"])
def test_a_text_without_evidence_says_what_to_paste(text: str) -> None:
    gathered = read(text)
    assert gathered.exhibits == ()
    assert "Paste" in gathered.problems[0]


@pytest.mark.parametrize(
    ("between", "prefix"),
    [
        ("export AWS_PROFILE=sandbox", "AWS_PROFILE=sandbox "),
        ("set AWS_PROFILE=sandbox", "AWS_PROFILE=sandbox "),
        ('$env:AWS_PROFILE = "sandbox"', "AWS_PROFILE=sandbox "),
        ("export AWS_PROFILE=sandbox\n$ unset AWS_PROFILE", ""),
        ("cd infra", ""),
    ],
)
def test_a_profile_that_the_shell_sets_goes_with_the_commands_behind_it(between: str, prefix: str) -> None:
    gathered = read(f"$ {COMMAND}\n{PRETTY}\n$ {between}\n$ {COMMAND}\n{PRETTY}\n")
    assert [exhibit.command for exhibit in gathered.exhibits] == [COMMAND, f"{prefix}{COMMAND}"]


def test_a_change_of_the_subscription_prints_nothing_and_is_kept() -> None:
    gathered = read("$ az account set --subscription x\n$ az keyvault show --name v\n{}\n")
    assert [exhibit.command.split()[1] for exhibit in gathered.exhibits] == ["account", "keyvault"]
    assert gathered.problems == ()


def command(line: str) -> evidence.Command:
    return command_of(Exhibit(line, None, ""))


def test_commands_are_read_in_parts() -> None:
    read_command = command(
        "AWS_PROFILE=x aws --no-cli-pager iam get-role-policy --role-name='a b' --policy-name p | jq ."
    )
    assert (read_command.program, read_command.service, read_command.verb) == ("aws", "iam", "get-role-policy")
    assert read_command.options == {"no-cli-pager": "", "role-name": "a b", "policy-name": "p"}
    read_command = command("gcloud kms keys versions list --key k --location=global")
    assert (read_command.service, read_command.verb) == ("kms keys versions", "list")
    read_command = command("az.cmd role assignment list --all --scope /x -o json > out.json")
    assert (read_command.program, read_command.service, read_command.verb) == ("az", "role assignment", "list")
    assert read_command.option("o", "output") == "json"
    assert command("aws iam get-role 'unclosed --role-name x").option("role-name") == "x"
    assert command("gcloud projects get-iam-policy p").arguments == ("p",)


@pytest.mark.parametrize(
    ("text", "state", "permission"),
    [
        (DENIED, State.REFUSED, "iam:GetRole"),
        (
            "An error occurred (NoSuchEntity) when calling the GetRole operation: The role with name x was not found.",
            State.ABSENT,
            "",
        ),
        ("aws: [ERROR]: An error occurred (ExpiredToken) when calling the GetRole operation: …", State.FAILED, ""),
        ("Unable to locate credentials. You can configure credentials by running aws configure.", State.FAILED, ""),
        ('Could not connect to the endpoint URL: "https://kms.us-east-9.amazonaws.com/"', State.FAILED, ""),
        (
            "An error occurred (ThrottlingException) when calling the DescribeKey operation: Rate exceeded",
            State.FAILED,
            "",
        ),
        ("usage: aws [options] <command>\n\naws: error: argument operation: Invalid choice", State.FAILED, ""),
        (
            "ERROR: (gcloud.kms.keys.describe) PERMISSION_DENIED: Permission 'cloudkms.cryptoKeys.get' denied on "
            "resource 'projects/p/locations/l/keyRings/r/cryptoKeys/k' (or it may not exist).",
            State.REFUSED,
            "cloudkms.cryptoKeys.get",
        ),
        ("ERROR: (gcloud.kms.keys.describe) NOT_FOUND: CryptoKey projects/p not found.", State.ABSENT, ""),
        (
            "ERROR: (gcloud.projects.describe) [me] does not have permission to access projects instance [p] (or it "
            "may not exist): The caller does not have permission",
            State.REFUSED,
            "",
        ),
        (
            "ERROR: (AuthorizationFailed) The client 'x' with object id 'y' does not have authorization to perform "
            "action 'Microsoft.KeyVault/vaults/read' over scope '/s' or the scope is invalid.",
            State.REFUSED,
            "Microsoft.KeyVault/vaults/read",
        ),
        ("ERROR: (KeyNotFound) A key with (name/id) k was not found in this key vault.", State.ABSENT, ""),
        (
            "ERROR: Resource 'x' does not exist or one of its queried reference-property objects are not",
            State.ABSENT,
            "",
        ),
        ("ERROR: AADSTS700082: The refresh token has expired due to inactivity.", State.FAILED, ""),
        ("ERROR: Please run 'az login' to setup account.", State.FAILED, ""),
        ("name: projects/p/locations/global\nstate: ENABLED", State.FAILED, ""),
        ("{", State.FAILED, ""),
    ],
)
def test_how_a_command_turned_out(text: str, state: State, permission: str) -> None:
    result = outcome(Exhibit("a command", None, text))
    assert (result.state, result.permission) == (state, permission)
    assert result.sentence.endswith(".")


def test_an_error_body_as_json_is_no_answer() -> None:
    body = {"__type": "NotFoundException", "message": "Key does not exist"}
    assert outcome(Exhibit("", body, json.dumps(body))).state is State.ABSENT
    assert outcome(Exhibit("", ROLE, PRETTY)).state is State.SEEN


documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(st.characters(codec="ascii"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abcXYZ{}[]\"'$ ", max_size=6), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(
    st.lists(st.tuples(st.dictionaries(st.text("abc", max_size=3), documents, max_size=4), st.booleans()), min_size=1)
)
def test_no_document_is_lost_or_changed(given_documents: list[tuple[dict[str, Any], bool]]) -> None:
    parts = [
        json.dumps(document, indent=2 if pretty else None) + ("\nSome words between.\n" if pretty else "\n")
        for document, pretty in given_documents
    ]
    found = [exhibit.output for exhibit in read("".join(parts)).exhibits]
    removed = any(read(part).redactions for part in parts)
    assert removed or found == [document for document, _ in given_documents]


@given(
    st.text()
    | st.lists(st.sampled_from(["$ aws ", "{", "}", "[", '"', "\\", "\n", "```", 'resource "a" "b" {', "az "])).map(
        "".join
    )
)
def test_no_text_makes_it_fail(text: str) -> None:
    for exhibit in read(text).exhibits:
        command_of(exhibit)
        assert outcome(exhibit).state in State


@pytest.mark.parametrize(
    "unit",
    [
        "[\n",
        "{\n",
        "$ aws\n",
        "{}\n",
        "{x}\n",
        "[",
        '"',
        "$ ",
        'resource "a" "b" {\n}\n{}\n',
        "a@",
        "$ aws \\\n",
        "~",
        "(x",
        "\ud800",
    ],
)
def test_a_megabyte_of_anything_is_read_in_time(unit: str) -> None:
    begin = time.process_time()
    for exhibit in read(unit * (1_000_000 // len(unit))).exhibits:
        command_of(exhibit)
        outcome(exhibit)
    assert time.process_time() - begin < 5


def test_yaml_without_its_command_is_told_apart_from_prose() -> None:
    text = "bindings:\n- members:\n  - user:a@example.com\n  role: roles/owner\netag: abc\n"
    (problem,) = read(text).problems
    assert "--format=json" in str(problem)
    (problem,) = read("It does not work. Please help.").problems
    assert "found no output" in str(problem)
