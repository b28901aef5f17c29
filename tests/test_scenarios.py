"""Misconfigurations and healthy set-ups as files: the right causes are confirmed, and never a wrong one."""

from __future__ import annotations

import pytest

from benchmarks import causes
from ekm_core import catalogue

pytestmark = pytest.mark.usefixtures("cel_once")
SCENARIOS = causes.load()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario.name for scenario in SCENARIOS])
def test_scenario(scenario):
    outcome = causes.run(scenario)
    assert outcome.found, f"{scenario.error} is not recognised in the text"
    assert outcome.confirmed == scenario.confirmed
    assert scenario.ruled_out <= outcome.ruled_out
    assert not scenario.open & outcome.ruled_out


def _judged(kind):
    for scenario in SCENARIOS:
        for cause in getattr(scenario, kind):
            yield cause if not scenario.text else f"{scenario.error}.{cause}"


PROVABLE = [
    f"{error.id}.{cause.id}"
    for error in catalogue.errors().values()
    for cause in error.causes
    if cause.proof is not None
]


@pytest.mark.parametrize("kind", ["confirmed", "ruled_out"])
def test_every_provable_cause_has_a_scenario(kind):
    assert sorted(set(PROVABLE) - set(_judged(kind))) == []


def test_there_are_enough():
    assert len(SCENARIOS) >= 120
    for cloud in ("aws", "gcp", "azure"):
        assert any(item.name.startswith(f"{cloud}/") and not item.confirmed and not item.text for item in SCENARIOS)
