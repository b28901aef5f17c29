"""When it was changed, in the words that people use, and what follows from it."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ekm_core import vendor, waiting
from ekm_core.diagnose import Setup, diagnose
from ekm_core.model import Verdict

NOW = datetime(2026, 11, 23, 14, 20, tzinfo=timezone(timedelta(hours=1)))
DENIED = (
    "User: arn:aws:sts::790389265272:assumed-role/EnterpriseKeyManagement/OpenAI-EKM-Service is not authorized to "
    "perform: sts:AssumeRole on resource: arn:aws:iam::222233334444:role/openai-ekm"
)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("now", 0),
        ("5 minutes ago", 5),
        ("10min", 10),
        ("an hour ago", 60),
        ("half an hour", 30),
        ("2 h", 120),
        ("3 days ago", 3 * 24 * 60),
        ("yesterday", 24 * 60),
        ("14:05", 15),
        ("at 14:05", 15),
        ("14:21", 24 * 60 - 1),
        ("2026-11-23 14:00", 20),
        ("2026-11-23T13:00:00Z", 20),
    ],
)
def test_times_that_people_write(text, minutes):
    assert waiting.parse(text, NOW) == NOW - timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "text", ["", "soon", "0001-01-01T00:00+05:00", "2027-01-01 00:00", "25:00", "five", "1e9 minutes", "-3 minutes"]
)
def test_what_cannot_be_a_time_is_refused_with_a_sentence(text):
    with pytest.raises(waiting.WhenError, match=r"(?i)write|give"):
        waiting.parse(text, NOW)


@given(st.text(max_size=60))
def test_no_text_raises_anything_else(text):
    with contextlib.suppress(waiting.WhenError):
        assert waiting.parse(text, NOW) <= NOW


def test_a_fresh_change_may_still_spread_until_a_time_of_their_clock():
    ruling = waiting.rule(vendor.AWS_IAM_WAIT, NOW, NOW)
    assert ruling.verdict is Verdict.CANNOT_TELL
    assert "until about 14:35" in ruling.because


def test_an_old_change_is_not_propagation():
    ruling = waiting.rule(vendor.AWS_IAM_WAIT, NOW - timedelta(hours=3), NOW)
    assert ruling.verdict is Verdict.RULED_OUT
    assert ruling.shown == ("Your last change: 11:20.",)


@pytest.mark.parametrize(("ago", "verdict"), [(1, Verdict.CANNOT_TELL), (600, Verdict.RULED_OUT)])
def test_a_diagnosis_tells_wait_from_wrong(ago, verdict):
    changed = datetime.now(UTC) - timedelta(minutes=ago)
    diagnosis = diagnose(DENIED, setup=Setup(changed=changed, now=datetime.now(UTC)))
    rulings = {judged.cause.id: judged.ruling for judged in diagnosis.errors[0].causes}
    assert rulings["just-changed"].verdict is verdict
