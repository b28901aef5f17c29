"""The measured accuracy, where the labelled messages are at hand (a customer's clone has none)."""

from pathlib import Path

import pytest

from benchmarks import accuracy

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT.parent / "shared" / "corpus" / "messages.jsonl"


@pytest.mark.skipif(not CORPUS.exists(), reason="no labelled messages beside this clone")
def test_labelled_messages():
    result = accuracy.score(accuracy.read(CORPUS))
    assert result.right[False] >= 0.98 * result.total[False], "\n".join(result.notes)
    assert result.alarms <= 0.01 * result.nones, "\n".join(result.notes)
    assert result.extracted >= 0.95 * result.given, "\n".join(result.notes)


def test_the_score_itself_sees_faults():
    text = "User: arn:aws:iam::*:user/x is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::*:role/y"
    rows = [
        {
            "id": "right",
            "labels": ["aws-sts-assume-role-denied"],
            "text": text,
            "entities": {"action": "sts:AssumeRole"},
        },
        {"id": "wrong", "labels": ["aws-throttled"], "text": text, "entities": {"region": "eu-west-9"}},
        {"id": "alarm", "labels": ["none"], "text": text},
        {"id": "doubtful", "labels": ["none"], "doubt": True, "text": text},
    ]
    result = accuracy.score(rows)
    assert (result.right[False], result.total[False]) == (1, 3)
    assert (result.right[True], result.total[True]) == (0, 1)
    assert (result.alarms, result.nones) == (1, 1)
    assert (result.extracted, result.given) == (1, 2)
    assert result.confusions["aws-throttled", "aws-sts-assume-role-denied"] == 1
