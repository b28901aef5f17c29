"""What is known of one thing of a customer's cloud, and how we know it: for Google Cloud and Azure.

A missing answer is never read as "it does not exist": see the states in ``ekm_core.evidence``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ekm_core.evidence import State
from ekm_core.model import Exhibit

T = TypeVar("T")

_SHOWN = 240
# Programs behind a pipe that print what they get, or one part of it whole, as people do for colours and for a file.
_PRINTER = re.compile(
    r"\|[ ]*(?:jq(?:[ ]+-{1,2}[a-z-]{1,20})*[ ]*(?:[ ](?:'\.[\w.]{0,80}'|\"\.[\w.]{0,80}\"|\.[\w.]{0,80}))?"
    r"|cat|less|more|tee(?:[ ]+-a)?[ ]+[\w./~-]{1,80}|python3?[ ]+-m[ ]+json\.tool"
    r"|Convert(?:From|To)-Json(?:[ ]+-Depth[ ]+\d{1,3})?)[ ]*$"
)


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """One thing of the cloud.

    value: what the cloud showed; None unless ``state`` is SEEN. source: what showed it, ready to stand in a sentence
    ("`gcloud kms keys describe …`"). because: for every other state, a sentence that says why it is so.
    """

    state: State
    value: T | None = None
    source: str = ""
    because: str = ""


Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Loose:
    """An exhibit that could not be used: what it seems to be, and what to do so that it can."""

    exhibit: Exhibit
    sentence: str


def source_of(exhibit: Exhibit) -> str:
    """What showed it, ready to stand in a sentence: the command in back-ticks, else where the output came from."""
    command = " ".join(exhibit.command.split()).replace("`", "'")
    if not command:
        return f"an output without its command ({exhibit.origin})"
    return f"`{command[:_SHOWN]}…`" if len(command) > _SHOWN else f"`{command}`"


def piped(exhibit: Exhibit) -> bool:
    """Whether the output went through a program that may have left some of it out; mere printers do not count."""
    command = exhibit.command.rstrip()
    while found := _PRINTER.search(command):
        command = command[: found.start()].rstrip()
    return "|" in command


def combine(facts: Iterable[Fact[T]], same: Callable[[T, T], bool] = lambda first, second: first == second) -> Fact[T]:
    """All facts on one thing as one: what decides wins over what could not be checked; a contradiction is CONFLICTING.

    facts: at least one. same: whether two values say the same.
    """
    result: Fact[T] | None = None
    for fact in facts:
        result = fact if result is None else _pair(result, fact, same)
    if result is None:
        raise ValueError("no facts")
    return result


def _pair(first: Fact[T], second: Fact[T], same: Callable[[T, T], bool]) -> Fact[T]:
    for fact in (first, second):
        if fact.state is State.CONFLICTING:
            return fact
    open_states = (State.REFUSED, State.FAILED, State.NOT_GIVEN)
    if second.state in open_states:
        return first
    if first.state in open_states:
        return second
    if first.state is second.state and (first.value is None or second.value is None or same(first.value, second.value)):
        return first
    return conflict(first.source, second.source)


def conflict(first: str, second: str) -> Fact[T]:
    """The fact that two sources contradict each other."""
    where = f"{first} and {second} contradict each other" if first != second else f"two answers of {first} differ"
    return Fact(State.CONFLICTING, source=second, because=f"{where}; give the newest output alone")
