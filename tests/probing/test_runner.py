"""How a step ends: its state is what the evidence shows, too, and never more than both agree on."""

import pytest

from ekm_core.evidence import State, outcome
from ekm_core.model import Exhibit
from ekm_core.probing import runner
from ekm_core.probing.step import CallError, Prompt, Step, Taken, Trouble, ask

ABSENT = "An error occurred (NoSuchEntity) when calling the GetRole operation: The role with name x cannot be found."
REFUSED = (
    "An error occurred (AccessDenied) when calling the GetRole operation: User: u is not authorized to perform: x:Y"
)
BUSY = "An error occurred (ThrottlingException) when calling the GetRole operation: Rate exceeded"


def step(action, id="aws-get-role", command="aws iam get-role --role-name=x", **more):
    return Step(id, "Read the role", command, action, **more)


def raising(*arguments):
    def action():
        raise CallError(*arguments)

    return action


def one(action, **more):
    (end,) = [event for event in runner.run((step(action, **more),)) if isinstance(event, runner.Ended)]
    return end


@pytest.mark.parametrize(
    ("trouble", "text", "state"),
    [
        (Trouble.ABSENT, ABSENT, State.ABSENT),
        (Trouble.REFUSED, REFUSED, State.REFUSED),
        (Trouble.THROTTLED, BUSY, State.FAILED),
        (Trouble.ABSENT, REFUSED, State.FAILED),
        (Trouble.ABSENT, BUSY, State.FAILED),
        (Trouble.REFUSED, ABSENT, State.FAILED),
        (Trouble.CREDENTIALS, ABSENT, State.FAILED),
        (Trouble.TIMEOUT, REFUSED, State.FAILED),
        (Trouble.ABSENT, "", State.FAILED),
        (Trouble.BAD_ANSWER, "", State.FAILED),
        (Trouble.BAD_ANSWER, '{"Role": {}}', State.FAILED),
    ],
)
def test_the_state_is_what_the_exhibit_shows_and_doubt_is_could_not_check(trouble, text, state):
    end = one(raising(trouble, "Our sentence.", text))
    assert (end.state, end.trouble, end.text) == (state, trouble, text)
    (exhibit,) = end.exhibits
    assert outcome(exhibit).state is state
    if text not in (ABSENT, REFUSED, BUSY) or state is not trouble.state:
        assert outcome(exhibit).sentence == "Our sentence."


@pytest.mark.parametrize("trouble", Trouble)
def test_every_trouble_without_a_text_could_not_be_checked(trouble):
    end = one(raising(trouble, "Our sentence."))
    assert end.state is State.FAILED
    assert outcome(end.exhibits[0]).sentence == "Our sentence."


def test_a_failure_without_a_command_is_put_on_no_record():
    assert one(raising(Trouble.TIMEOUT, "Our sentence."), command="").exhibits == ()


def test_what_is_no_taken_is_a_fault_of_ours():
    end = one(lambda: (Exhibit("aws iam get-role", {}, ""),))
    assert (end.trouble, end.state) == (Trouble.OURS, State.FAILED)


def test_a_crash_shows_where_and_nothing_of_what():
    def crash():
        runner.place("canary")

    end = one(crash)
    assert end.crash.startswith("AttributeError at ekm_core/probing/runner.py:")
    assert "canary" not in repr(end)


def test_a_step_is_made_once_whoever_leads_to_it():
    made = []

    def action():
        made.append(1)
        return Taken(())

    again = step(action, id="aws-again")
    first, second = (step(lambda: Taken((), (again, again)), id=f"aws-{name}") for name in ("first", "second"))
    ends = [event.step for event in runner.run((first, second, again)) if isinstance(event, runner.Ended)]
    assert sorted(ends) == ["aws-again", "aws-first", "aws-second"]
    assert len(made) == 1


def test_without_anybody_to_ask_a_sign_in_is_a_trouble():
    with pytest.raises(CallError) as caught:
        ask(Prompt("https://microsoft.com/devicelogin", "ABCD1234", 900.0))
    assert caught.value.trouble is Trouble.CREDENTIALS
