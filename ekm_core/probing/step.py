"""One read-only call of a probe, and how it may end. Standard library only.

A cloud's ``probe.py`` offers ``steps(configuration, credentials) -> tuple[Step, ...]``: the calls that need nothing but
the configuration. A step that learns of more to read (the names of a role's policies) answers with further steps.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum

from ekm_core.evidence import State
from ekm_core.model import Exhibit

ORIGIN = "live probe"
"""Where the exhibits of a probe say that they come from."""

SECONDS = 20.0
"""After so long one step is given up and the others go on."""


class Trouble(StrEnum):
    """Why a call showed nothing. ABSENT and REFUSED alone are the cloud's answer about the thing asked for."""

    ABSENT = "absent"  # the cloud itself said that it does not exist
    REFUSED = "refused"  # a permission of the user's own is missing
    CREDENTIALS = "credentials"  # expired, revoked, malformed or of another place
    DISABLED = "disabled"  # the cloud's API is switched off where it was asked
    THROTTLED = "throttled"  # still asked to slow down after the last retry
    NETWORK_RULE = "network_rule"  # a firewall of the resource refused the place that the call came from
    TIMEOUT = "timeout"
    DNS = "dns"  # the name of the host does not resolve
    PROXY = "proxy"  # a proxy stands in the way
    CONNECTION = "connection"  # refused, reset, cut in the middle, or not trusted (TLS)
    BAD_ANSWER = "bad_answer"  # too large, no JSON, of the wrong shape, a redirect, an error of the cloud's own
    FORBIDDEN_TARGET = "forbidden_target"  # we ourselves refuse to call that host or that resource
    CANCELLED = "cancelled"
    OURS = "ours"  # a fault in our own code

    @property
    def state(self) -> State:
        """What it means for the evidence."""
        return {"absent": State.ABSENT, "refused": State.REFUSED}.get(self.value, State.FAILED)


class CallError(Exception):
    """A call that showed nothing.

    trouble: why. sentence: what happened and what to do, for a person; our own words, never an answer's. text: the
    cloud's error as its command line would print it, for the classifier and as the exhibit; "" where the cloud gave
    none. permission: the missing one, where it is known. then: steps that may show why, such as what was deleted.
    """

    def __init__(
        self, trouble: Trouble, sentence: str, text: str = "", permission: str = "", then: tuple[Step, ...] = ()
    ) -> None:
        super().__init__(sentence)
        self.trouble = trouble
        self.sentence = sentence
        self.text = text
        self.permission = permission
        self.then = then


@dataclass(frozen=True, slots=True)
class Taken:
    """What one step brought: exhibits, each with the command that would print the same, and steps that follow."""

    exhibits: tuple[Exhibit, ...]
    then: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One read-only call.

    id: a slug that begins with whose API it calls ("aws-get-role"); a step whose id the run knows already is the same
    call and is not made again. title: what it reads, in words ("Read the role and its trust policy"). command: the
    cloud's own command line that would read the same; a failure is put on record under it, and nowhere where it is "".
    permissions: what the caller needs, in the cloud's own names. run: makes the call; raises CallError. seconds: after
    which it is given up.
    """

    id: str
    title: str
    command: str
    run: Callable[[], Taken] = field(repr=False)
    permissions: tuple[str, ...] = ()
    seconds: float = SECONDS


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a person has to do before a step can go on: open ``url`` and enter ``code``, within ``seconds``."""

    url: str
    code: str
    seconds: float


ASK: ContextVar[Callable[[Prompt], None] | None] = ContextVar("ASK", default=None)
"""Where prompts of the step that runs in this thread go; the runner sets it."""


def ask(prompt: Prompt) -> None:
    """Show a prompt to the person who started the run. Raises CallError where nobody can be asked."""
    show = ASK.get()
    if show is None:
        raise CallError(Trouble.CREDENTIALS, "Somebody has to sign in, and there is nobody who could be asked.")
    show(prompt)
