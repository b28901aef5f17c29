"""Each set-up of the laboratory, read live with the clouds' own clients, and judged.

A healthy one must be proven throughout and a broken one must end with its true causes confirmed, no other; and what
OpenAI's own call meets there must be the known error that the set-up names.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from unittest.mock import patch

import pytest

from ekm_core import evidence
from ekm_core.check import check
from ekm_core.credentials import OpenAIKey
from ekm_core.diagnose import NOTHING, diagnose
from ekm_core.diagnose import Setup as Known
from ekm_core.model import Exhibit, Link, LinkState, Provider, Status, Verdict
from ekm_core.openai import probe as openai_probe
from ekm_core.probing import live, runner
from ekm_core.probing.event import Stopped
from ekm_core.probing.record import Record
from ekm_core.probing.step import ORIGIN, Trouble
from tests.lab import openai
from tests.lab.declared import Setup, setups
from tests.lab.frame import laboratory
from tests.lab.play import Stage, stage

pytestmark = pytest.mark.usefixtures("cel_once")
ALL = setups()
# A process of its own for each costs a second and more: the first set-up that meets a known error has one, and the
# healthy one of each cloud; the others make the same calls in this process.
IN_A_CHILD = frozenset({(setup.provider, setup.error): setup.name for setup in reversed(ALL)}.values())


@pytest.fixture(scope="module")
def shown() -> Iterator[Stage]:
    with laboratory() as running, stage(running) as made, patch.dict(os.environ, running.environment):
        yield made


def read(setup: Setup, shown: Stage) -> Record:
    """What a run brings with the credentials of the set-up's reader and an admin key of its organization."""
    shown.show(setup)
    shown.laboratory.forget()
    credentials, key = shown.sign_in(setup.provider), OpenAIKey(openai.READING_KEY)
    if setup.name in IN_A_CHILD:
        events = live.run(setup.configuration, credentials, openai=key)
    else:
        cloud = importlib.import_module(f"ekm_core.{setup.provider}.probe")
        steps = (*cloud.steps(setup.configuration, credentials), *openai_probe.steps(setup.configuration, key))
        events = runner.run(steps)
    record = Record()
    for event in events:
        assert not isinstance(event, Stopped), event.sentence
        record.add(event)
    return record


def exhibits(record: Record) -> tuple[Exhibit, ...]:
    """The evidence as it is saved and read again."""
    return evidence.read(record.bundle(), ORIGIN).exhibits


def confirmed(text: str, known: Known) -> set[str]:
    """The causes of the first error in a text that are confirmed."""
    found = diagnose(text, setup=known).errors[:1]
    return {judged.cause.id for error in found for judged in error.causes if judged.ruling.verdict is Verdict.CONFIRMED}


@pytest.mark.parametrize("setup", [pytest.param(setup, id=setup.name) for setup in ALL])
def test_a_live_check_finds_the_truth(setup: Setup, shown: Stage) -> None:
    record = read(setup, shown)
    own = {end.step: end.sentence for end in record.ended if end.trouble in (Trouble.OURS, Trouble.BAD_ANSWER)}
    assert own == {}
    assert all(call.routed for call in shown.laboratory.calls()), "a host that is none of the laboratory's was called"
    found = exhibits(record)
    checked = check(setup.configuration, found)
    # The faults of the form alone have ids without a dot.
    failed = [finding for finding in checked.of(Status.FAIL) if "." in finding.id]
    assert sorted(finding.id for finding in failed) == sorted(setup.confirmed)

    told = record.said_by_openai
    met = [judged.match.error for judged in diagnose(told).errors[:1]]
    assert [error.id for error in met] == ([setup.error] if setup.error else [])
    if setup.provider is Provider.AWS:
        states = {item.link: item.state for item in checked.chain}
        stopped = {finding.link for finding in failed}
        if any("openai-invalid-parameter" in finding.errors for finding in checked.of(Status.FAIL)):
            stopped.add(Link.REQUEST)
        assert {link for link, state in states.items() if state is LinkState.BROKEN} == stopped
        if setup.error in ("aws-sts-assume-role-denied", "aws-kms-access-denied", "aws-kms-key-not-found"):
            assert states[met[0].link] is not LinkState.PROVEN, "OpenAI met an error there"
    by_evidence = confirmed(told, Known(setup.configuration, found)) - confirmed(told, NOTHING)
    assert by_evidence <= {cause.partition(".")[2] for cause in (*setup.confirmed, *setup.with_error)}
    assert by_evidence >= {cause.partition(".")[2] for cause in setup.with_error}
    if setup.healthy:
        assert checked.of(Status.FAIL) == ()
        assert {item.link: item.because for item in checked.chain if item.state is not LinkState.PROVEN} == {}
    if setup.name.endswith("/healthy"):
        assert checked.of(Status.COULD_NOT_CHECK) == ()


def test_there_is_a_healthy_set_up_and_a_broken_one_of_each_cloud() -> None:
    for provider in {setup.provider for setup in ALL}:
        assert {setup.healthy for setup in ALL if setup.provider is provider} == {True, False}
