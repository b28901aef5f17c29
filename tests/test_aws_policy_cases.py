"""The evaluator's verdicts: our own table from AWS's documentation, and the shared sample where it is at hand.

Each line of the table names its source: a page of the IAM user guide (``reference_policies_<source>`` where the name is
short), of the Organizations user guide (``orgs_…``) or of the KMS developer guide (``kms-…``), read on 2026-11-23; on
2026-11-27 the lines of empty texts, of variables without value, of ``orgs_manage_policies_rcps_syntax`` and of
``kms-conditions-kms``; the raised quota of a trust policy (``too-long``, ``long-…``) as others quoted the page in 2026.
Read on 2026-11-28, in AWS's copy on GitHub of 2023: the lines of ``access-analyzer-…``, of a key's old names, of the
keys that are always sent (``epoch-…``, ``direct-call…``), and those that expect Unknown, because the page does not
decide.
"""

import json
from pathlib import Path

import pytest

from ekm_core.aws import simulate

OWN = Path(__file__).parent / "data" / "aws_policies.jsonl"
SHARED = Path(__file__).parents[2] / "shared" / "policies" / "aws_cases.jsonl"

OPENAI = "arn:aws:sts::790389265272:assumed-role/EnterpriseKeyManagement/OpenAI-EKM-Service"
ROLE = "arn:aws:iam::111122223333:role/openai-ekm"
SESSION = "arn:aws:sts::111122223333:assumed-role/openai-ekm/OpenAI-EKM-Service"
KEY_ID = "key/1234abcd-12ab-34cd-56ef-1234567890ab"
ANY_ROLE = [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def policy(statements: list | None) -> dict | None:
    return None if statements is None else {"Version": "2012-10-17", "Statement": statements}


def whole(line: dict) -> dict:
    """A line of our table as a whole case: it names only what matters."""
    case = {
        "session_policy": policy(line.get("session")),
        "permission_boundary": policy(line.get("boundary")),
        "scps": line.get("scps"),
        "rcps": line.get("rcps"),
    }
    if line["flow"] == "assume":
        identity = line.get("identity", ANY_ROLE)
        case |= {"principal": OPENAI, "action": "sts:AssumeRole", "resource": ROLE, "resource_account": "111122223333"}
        case |= {"resource_policy": line["trust"]}
        context = line.get("context", {"sts:ExternalId": "org-Zk3nPq7RtYw2LmVb"})
    else:
        identity = line["identity"]
        owner = "444455556666" if line["flow"] == "cross" else "111122223333"
        key = f"arn:aws:kms:us-east-1:{owner}:{KEY_ID}"
        case |= {"principal": SESSION, "action": "kms:Encrypt", "resource": key, "resource_account": owner}
        case |= {"resource_policy": line["key"]}
        context = {"aws:RequestedRegion": "us-east-1", **line.get("context", {})}
    context = {"aws:SecureTransport": "true", **context}
    return case | {"context": context, "identity_policies": [policy(identity)] if identity else []}


@pytest.mark.parametrize("line", read(OWN), ids=lambda line: line["id"])
def test_own_table(line):
    decision = simulate.decide(whole(line))
    assert decision.result == line["expected"], decision


@pytest.mark.skipif(not SHARED.exists(), reason="the shared sample is not at hand")
def test_shared_sample():
    strict = [case for case in read(SHARED) if case["strict"]]
    wrong = [case["id"] for case in strict if simulate.decide(case).result not in case["expected"]]
    assert len(wrong) <= 0.005 * len(strict), wrong
