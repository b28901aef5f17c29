"""What a run brought, put together."""

import json

from ekm_core import evidence
from ekm_core.evidence import NOT_READ, State
from ekm_core.model import Exhibit, Values
from ekm_core.openai.evidence import validations
from ekm_core.openai.snippets import validate
from ekm_core.probing.event import Ended, Planned, Started, Stopped
from ekm_core.probing.record import Record
from ekm_core.probing.step import ORIGIN, Trouble

VALIDATE = validate(Values({"external_key_id": "extkey_1"}))[0].text


def record(*ends, stopped=""):
    made = Record()
    for end in ends:
        made.add(Planned(end.step, f"Reads {end.step}", "aws iam x", ("iam:X",)))
        made.add(Started(end.step))
    for end in reversed(ends):
        made.add(end)
    if stopped:
        made.add(Stopped(stopped))
    return made


def test_evidence_stands_in_the_order_of_the_plan_and_is_read_again_as_it_was():
    exhibits = (
        Exhibit("aws iam get-role", {"Role": "x"}, '{\n  "Role": "x"\n}', ORIGIN),
        Exhibit("aws kms describe-key", None, "An error occurred (AccessDenied): no", ORIGIN),
        Exhibit("aws kms list-grants", None, f"{NOT_READ}There was no answer in time.", ORIGIN),
    )
    made = record(*(Ended(f"aws-{number}", State.SEEN, 0.1, (item,)) for number, item in enumerate(exhibits)))
    assert made.exhibits == exhibits
    assert evidence.read(made.bundle(), ORIGIN).exhibits == exhibits


def test_the_public_form_of_a_step():
    end = Ended("aws-1", State.REFUSED, 0.12345, (), Trouble.REFUSED, "Why.", "iam:X", "text", ("aws-x",), "crash")
    made = record(end, stopped="Too slow.")
    made.add(Planned("aws-2", "Never ran", "aws iam y"))
    first, second = (line.as_dict() for line in made.lines.values())
    assert json.loads(json.dumps(first)) == {
        "id": "aws-1",
        "title": "Reads aws-1",
        "command": "aws iam x",
        "permissions": ["iam:X"],
        "state": "refused",
        "trouble": "refused",
        "sentence": "Why.",
        "permission": "iam:X",
        "errors": ["aws-x"],
        "seconds": 0.123,
    }
    assert (second["state"], second["seconds"], made.stopped) == ("open", None, "Too slow.")


def test_only_what_the_cloud_told_openai_is_said_by_openai():
    denied = Exhibit(VALIDATE, {"error": {"message": "denied"}}, '{"error": {"message": "denied"}}', ORIGIN)
    passed = Exhibit(VALIDATE, {"status": "success"}, '{"status": "success"}', ORIGIN)
    unread = Exhibit(VALIDATE, None, f"{NOT_READ}There was no answer in time.", ORIGIN)
    assert record(Ended("openai-validate", State.SEEN, 1.0, (denied,))).said_by_openai == "denied"
    assert record(Ended("openai-validate", State.SEEN, 1.0, (passed,))).said_by_openai == ""
    own = Ended("openai-validate", State.REFUSED, 1.0, (denied,), Trouble.REFUSED, "Your key lacks a scope.")
    assert record(own).said_by_openai == ""
    assert validations((unread, passed)) == validations((passed,))
