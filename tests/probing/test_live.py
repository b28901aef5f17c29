"""A run as the rest of the program sees it, through a real child process whose cloud is a stand-in."""

from pathlib import Path

from ekm_core.credentials import AwsKeys
from ekm_core.evidence import State
from ekm_core.model import Configuration, Provider
from ekm_core.probing import live
from ekm_core.probing.event import Ended, Planned, Started

FAKE = (str(Path(__file__).with_name("fake.py")),)
KEYS = AwsKeys("ASIACANARYCANARYCANA", "canary/secret/canary/secret/canary/secre", "canary-token-canary-token")


def run(fields, **options):
    configuration = Configuration(Provider.AWS, fields)
    return list(live.run(configuration, KEYS, child=FAKE, **options))


def test_every_planned_step_is_started_and_ends_once_and_a_failure_stops_no_other():
    events = run({"good": "fine:x", "refused": "refused", "crash": "crash", "leads": "then"})
    planned = [event.step for event in events if isinstance(event, Planned)]
    assert planned == ["good", "refused", "crash", "leads", "next"]
    assert sorted(event.step for event in events if isinstance(event, Started)) == sorted(planned)
    states = {event.step: event.state for event in events if isinstance(event, Ended)}
    assert states == {
        "good": State.SEEN,
        "refused": State.REFUSED,
        "crash": State.FAILED,
        "leads": State.SEEN,
        "next": State.SEEN,
    }


def test_a_step_that_fails_may_lead_to_others_too():
    events = run({"lost": "absent-then"})
    states = {event.step: event.state for event in events if isinstance(event, Ended)}
    assert states == {"lost": State.FAILED, "why": State.SEEN}
