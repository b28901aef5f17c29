"""All patterns in one look at a text: for a triage of many messages, and only there.

RE2 looks for the literals of all patterns and then tries the likely ones, each from the start of the text; Hyperscan
tries them all at once, in half the time. It costs two seconds to make, which only a file of about 200,000 messages is
worth. It says only WHETHER a pattern matches, and is asked for ASCII text alone, where the two engines read a pattern
alike; places and contexts stay with RE2. Where it is not installed, the triage does without: the answers are the same.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from importlib.util import find_spec
from itertools import accumulate, chain
from typing import NamedTuple

from ekm_core import classify, entities

_MOST_REMEMBERED = 20_000


class Signs(NamedTuple):
    """What one look at a normalised text found.

    patterns: the numbers of ``classify``'s patterns that match, those that matter for the matching signatures.
    mentioned: what ``classify.may_be_mentioned`` says; finders: the numbers of the ``entities.telltales`` that match.
        None where it was not looked for.
    """

    patterns: frozenset[int]
    mentioned: bool | None = None
    finders: tuple[int, ...] | None = None


class Scanner:
    """The compiled patterns. Not shared between threads.

    gate: groups of patterns to look for in raw texts, over bytes and without case, see ``doubtful``. No match of one
    may need the beginning or end of its text where a blank would not do as well. finders: whether ``Signs.finders``
    are wanted.
    """

    def __init__(self, gate: Sequence[Sequence[bytes]], *, finders: bool = True) -> None:
        import hyperscan

        engine = classify.engine()
        patterns = engine.patterns()
        self._relevant = engine.relevant()
        self._mention = len(patterns)
        self._finders = len(patterns) + 1
        telltales = entities.telltales() if finders else ()
        different = list(dict.fromkeys(telltales))
        self._finders_of = [
            tuple(number for number, telltale in enumerate(telltales) if telltale == one) for one in different
        ]
        every = [f"(?i){pattern}" for pattern in patterns] + [classify.MENTION, *different]
        self._patterns = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        self._patterns.compile(
            expressions=[_of_ascii(pattern) for pattern in every],
            ids=list(range(len(every))),
            elements=len(every),
            flags=hyperscan.HS_FLAG_SINGLEMATCH,
        )
        self._gate = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        self._gate.compile(
            expressions=[pattern for patterns in gate for pattern in patterns],
            ids=[number for number, patterns in enumerate(gate) for _ in patterns],
            elements=sum(map(len, gate)),
            flags=hyperscan.HS_FLAG_CASELESS,
        )
        self._every_gate = range(len(gate))
        self._remembered: dict[frozenset[int], Signs | None] = {}

    def doubtful(self, texts: Sequence[str]) -> Iterator[tuple[str, Collection[int]]]:
        """Those texts in which some pattern of the gate may match, each with the numbers of these groups.

        All texts are looked through at once. One that is not ASCII counts as if all matched.
        """
        plain = [text if text.isascii() else "" for text in texts]
        ends = list(accumulate(len(text) + 1 for text in plain))
        found: list[tuple[int, int]] = []

        def note(number: int, start: int, end: int, flags: int, context: object) -> None:
            found.append((end, number))

        self._gate.scan(" ".join(plain).encode(), match_event_handler=note)
        signs: dict[int, set[int]] = {}
        limit = 0
        for end, number in sorted(found):
            if end > limit:
                at = bisect_left(ends, end)
                limit, here = ends[at], signs.setdefault(at, set())
            here.add(number)
        for at, text in enumerate(texts):
            if at in signs:
                yield text, signs[at]
            elif text and not plain[at]:
                yield text, self._every_gate

    def look(self, text: str) -> Signs | None:
        """What matches in a text of ASCII characters; None where no signature's own pattern does."""
        found: list[int] = []

        def note(number: int, start: int, end: int, flags: int, context: object) -> None:
            found.append(number)

        self._patterns.scan(text.encode(), match_event_handler=note)
        numbers = frozenset(found)
        try:
            return self._remembered[numbers]
        except KeyError:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            signs = self._remembered[numbers] = self._signs(numbers)
            return signs

    def _signs(self, numbers: frozenset[int]) -> Signs | None:
        mains = numbers & self._relevant.keys()
        if not mains:
            return None
        matter = mains.union(*[self._relevant[main] for main in mains])
        return Signs(
            numbers & matter,
            self._mention in numbers,
            tuple(sorted(chain(*[self._finders_of[at - self._finders] for at in numbers if at >= self._finders]))),
        )


def _of_ascii(pattern: str) -> bytes:
    """The pattern for texts of ASCII characters: any other becomes one byte that stands in none of them.

    (Hyperscan can read UTF-8, but takes minutes to compile it.)
    """
    return re.sub(r"[^\x00-\x7f]", r"\\x80", pattern).encode()


def scanner(gate: Sequence[Sequence[bytes]], *, finders: bool = True) -> Scanner | None:
    """A new scanner; None where Hyperscan is not installed."""
    return Scanner(gate, finders=finders) if find_spec("hyperscan") else None
