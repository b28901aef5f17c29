"""All patterns in one look at a text: for a triage of many messages, and only there.

RE2 looks for the literals of all patterns and then tries the likely ones, each from the start of the text; Hyperscan
tries them all at once, in half the time. It costs two seconds to make, which only a file of some 200,000 messages is
worth; then it is kept (see ``kept``). It says only WHETHER a pattern matches, and is asked for ASCII text alone, where
the two engines read a pattern alike; places and contexts stay with RE2. Where it is not installed, the triage does
without: the answers are the same.

Every match that is reported costs a call. So the signatures come first; the contexts, and the telltales of values, only
for texts in which one of these matches, and only those of its provider.
"""

from __future__ import annotations

import contextlib
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from itertools import accumulate, count
from typing import TYPE_CHECKING, cast

from ekm_core import classify, entities, kept
from ekm_core.model import Provider

if TYPE_CHECKING:
    import hyperscan

_MOST_REMEMBERED = 20_000
_BITS = 8
_EVERY_BIT = (1 << _BITS) - 1
Gate = Mapping[int, Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class Signs:
    """What one look at a normalised text found.

    patterns: the numbers of ``classify``'s patterns that match, those that matter for the matching signatures.
    mentioned: what ``classify.may_be_mentioned`` says; None where it was not looked for.
    finders: of ``entities.telltales``, those of the one provider whose signatures match, that match too, ascending;
        None where they were not looked for.
    """

    patterns: frozenset[int]
    mentioned: bool | None = None
    finders: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Mains:
    """What the matching signatures' own patterns tell already.

    matter: the contexts whose match could matter too. providers: those whose details are to be looked for.
    alone: whether these are of one provider. number: another one for each.
    """

    signs: Signs
    matter: frozenset[int]
    providers: tuple[Provider, ...]
    alone: bool
    number: int


class Scanner:
    """The compiled patterns. Not shared between threads.

    gate: patterns to look for in raw texts, over bytes and without case, each group by one of eight bits, see
    ``doubtful``. No match of one may need the beginning or end of its text where a blank would not do as well. alone:
    the bits of the providers without whose patterns there is no match of their signatures. finders: whether
    ``finders`` will be asked. make: whether it may be compiled where it was not kept.
    """

    def __init__(self, gate: Gate, alone: Mapping[int, Provider], *, finders: bool = True, make: bool = True) -> None:
        engine = classify.engine()
        patterns = engine.patterns()
        relevant = engine.relevant()
        self._relevant = relevant
        self._mention = len(patterns)
        own = [(number, f"(?i){pattern}") for number, pattern in enumerate(patterns) if number in relevant]
        self._providers = engine.providers()
        mentions = [(self._mention, f"(?i){pattern}") for pattern in classify.MENTIONS]
        self._mains = _database(own + mentions, make=make)
        self._mains_of = {
            bit: _database([main for main in own if provider in self._providers[main[0]]] + mentions, make=make)
            for bit, provider in alone.items()
        }
        contexts: dict[Provider, set[int]] = {provider: set() for provider in Provider}
        for main, providers in self._providers.items():
            for provider in providers:
                contexts[provider] |= relevant[main] - relevant.keys()
        telltales = entities.telltales()
        self._finders = finders
        self._behind = self._mention + 1  # from here on the numbers are those of telltales
        self._details = {
            provider: _database(
                [(number, f"(?i){patterns[number]}") for number in sorted(numbers)]
                + [(self._behind + at, telltales[at]) for at in sorted(entities.finders_of(provider)) if finders],
                make=make,
            )
            for provider, numbers in contexts.items()
            if numbers or finders
        }
        self._gate = _compiled(
            [(bit, pattern) for bit, patterns in gate.items() for pattern in patterns], once=False, make=make
        )
        self._every_gate = sum(gate)
        self._blanks = _compiled([(0, rb"  ")], once=False, make=make)
        self._remembered: dict[frozenset[int], _Mains | None] = {}
        self._numbers = count()
        self._told: dict[tuple[int, frozenset[int]], Signs] = {}

    def doubtful(self, texts: Sequence[str]) -> list[tuple[int, int]]:
        """The places of those texts in which some pattern of the gate may match, each with the bits of these.

        All texts are looked through at once. One that is not ASCII counts as if all matched.
        """
        read = texts if (plain := all(map(str.isascii, texts))) else [text if text.isascii() else "" for text in texts]
        signs = self._gated(read)
        if plain:
            return signs
        every = dict(signs)
        every.update((at, self._every_gate) for at, text in enumerate(texts) if not text.isascii())
        return sorted(every.items())

    def _gated(self, texts: Sequence[str]) -> list[tuple[int, int]]:
        """As ``doubtful``, for texts of ASCII characters."""
        found: list[int] = []
        self._gate.scan(" ".join(texts).encode(), _NOTE_PLACE, 0, found.append)
        found.sort()
        ends = list(accumulate(map((1).__add__, map(len, texts))))
        signs: list[tuple[int, int]] = []
        at, limit, here = -1, 0, 0
        for place in found:
            if place >= limit:
                if here:
                    signs.append((at, here))
                at, here = bisect_left(ends, place >> _BITS, at + 1), 0
                limit = (ends[at] + 1) << _BITS
            here |= place & _EVERY_BIT
        if here:
            signs.append((at, here))
        return signs

    def single_blanks(self, texts: Sequence[str]) -> list[str]:
        """As ``normalise.single_blanks``, for texts of ASCII characters without line breaks, all at once."""
        every = "\n".join(texts)
        ends: list[int] = []
        self._blanks.scan(every.encode(), _NOTE_END, 0, ends.append)
        pieces, done = [], 0
        for end in ends:
            pieces.append(every[done : end - 1])
            done = end
        pieces.append(every[done:])
        return "".join(pieces).split("\n") if texts else []

    def look(self, texts: Sequence[str], bits: Sequence[int]) -> list[Signs | None]:
        """What matches in each of some texts of ASCII characters; None where no signature's own pattern does.

        bits: of the gate, that stood in each raw text. Where one provider's stand alone, no other's signatures match.
        """
        data = [text.encode() for text in texts]
        database, remembered = self._mains_of.get, self._remembered
        every: list[_Mains | None] = []
        for text, its in zip(data, bits, strict=True):
            found: list[int] = []
            database(its, self._mains).scan(text, _NOTE, 0, found.append)
            mains = None
            if found:
                numbers = frozenset(found)
                mains = remembered[numbers] if numbers in remembered else self._main(numbers)
            every.append(mains)
        # only now, for the tables of two searches would drive each other out of the processor's cache
        return [self._signs(mains, text) if mains else None for mains, text in zip(every, data, strict=True)]

    def _main(self, numbers: frozenset[int]) -> _Mains | None:
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        mains = self._remembered[numbers] = self._known(numbers)
        return mains

    def _signs(self, mains: _Mains, text: bytes) -> Signs:
        if not mains.providers:
            return mains.signs
        found: list[int] = []
        for provider in mains.providers:
            self._details[provider].scan(text, _NOTE, 0, found.append)
        details = frozenset(found)
        signs = self._told.get((mains.number, details))
        if signs is None:
            if len(self._told) >= _MOST_REMEMBERED:
                self._told.clear()
            finders = self._among(found) if mains.alone and self._finders else None
            signs = Signs(mains.signs.patterns | (mains.matter & details), mains.signs.mentioned, finders)
            self._told[mains.number, details] = signs
        return signs

    def _among(self, found: list[int]) -> tuple[int, ...]:
        """The finders among the numbers."""
        behind = self._behind
        return tuple(sorted([number - behind for number in found if number >= behind]))

    def knows(self, numbers: Iterable[int]) -> bool:
        """Whether ``contexts`` looks for all these patterns: none of them is a signature's own."""
        return self._relevant.keys().isdisjoint(numbers)

    def contexts(self, text: str, provider: Provider) -> frozenset[int]:
        """Those of the contexts of the provider's signatures that match in a text of ASCII characters."""
        return frozenset(_matching(self._details[provider], text.encode()))

    def finders(self, text: str, provider: Provider) -> tuple[int, ...]:
        """The numbers, ascending, of the provider's ``entities.telltales`` that match in a text of ASCII characters."""
        return self._among(_matching(self._details[provider], text.encode()))

    def _known(self, numbers: frozenset[int]) -> _Mains | None:
        mains = numbers - {self._mention}
        if not mains:
            return None
        matter = frozenset().union(*[self._relevant[main] for main in mains]) - frozenset(self._relevant)
        providers = frozenset().union(*[self._providers[main] for main in mains])
        alone = len(providers) == 1
        if not (alone and self._finders):
            providers = frozenset(
                provider for main in mains for provider in self._providers[main] if matter & self._relevant[main]
            )
        return _Mains(Signs(mains, self._mention in numbers), matter, tuple(providers), alone, next(self._numbers))


# Handlers of the module, told where to write: a closure for every text would cost more than the call.
def _note(number: int, start: int, end: int, flags: int, note: Callable[[int], None]) -> None:
    note(number)


def _note_place(number: int, start: int, end: int, flags: int, note: Callable[[int], None]) -> None:
    note(end << _BITS | number)  # one number is made and sorted in half the time of a pair


def _note_end(number: int, start: int, end: int, flags: int, note: Callable[[int], None]) -> None:
    note(end)


_Handler = Callable[[int, int, int, int, object], bool | None]
_NOTE = cast(_Handler, _note)
_NOTE_PLACE = cast(_Handler, _note_place)
_NOTE_END = cast(_Handler, _note_end)


def _matching(database: hyperscan.Database, text: bytes) -> list[int]:
    """The numbers of the patterns that match in the text."""
    found: list[int] = []
    database.scan(text, _NOTE, 0, found.append)
    return found


def _database(patterns: Sequence[tuple[int, str]], *, make: bool) -> hyperscan.Database:
    """Patterns with their numbers, for texts of ASCII characters; each is reported once a text.

    Any other character of a pattern becomes one byte that stands in no such text. (Hyperscan can read UTF-8, but takes
    minutes to compile it.)
    """
    of_ascii = [(number, re.sub(r"[^\x00-\x7f]", r"\\x80", pattern).encode()) for number, pattern in patterns]
    return _compiled(of_ascii, once=True, make=make)


def _compiled(patterns: Sequence[tuple[int, bytes]], *, once: bool, make: bool) -> hyperscan.Database:
    """As it was made before, or made now if it may be."""
    import hyperscan

    name = kept.key(version("hyperscan").encode(), repr((once, patterns)).encode())
    data = kept.get(name)
    if data is not None:
        # it is checked on loading: another processor's, or a damaged one, is refused
        with contextlib.suppress(hyperscan.HyperscanError):
            loaded = hyperscan.loadb(data, hyperscan.HS_MODE_BLOCK)
            loaded.scratch = hyperscan.Scratch(loaded)
            return loaded
    if not make:
        raise _NotKeptError
    made = _made(patterns, once=once)
    kept.put(name, hyperscan.dumpb(made))
    return made


def _made(patterns: Sequence[tuple[int, bytes]], *, once: bool) -> hyperscan.Database:
    import hyperscan

    made = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    made.compile(
        expressions=[pattern for _, pattern in patterns],
        ids=[number for number, _ in patterns],
        elements=len(patterns),
        flags=hyperscan.HS_FLAG_SINGLEMATCH if once else hyperscan.HS_FLAG_CASELESS,
    )
    return made


def which(patterns: Mapping[int, bytes]) -> Callable[[bytes], frozenset[int]]:
    """A function that says which of the patterns, by their numbers, match in some bytes; several times as fast as
    ``re``. Not to be shared between threads.
    """
    if not find_spec("hyperscan"):
        every = {number: re.compile(pattern) for number, pattern in patterns.items()}
        return lambda data: frozenset(number for number, pattern in every.items() if pattern.search(data))
    database = _made(list(patterns.items()), once=True)
    return lambda data: frozenset(_matching(database, data))


class _NotKeptError(Exception):
    """The patterns were not compiled before."""


def scanner(gate: Gate, alone: Mapping[int, Provider], *, finders: bool = True, make: bool = True) -> Scanner | None:
    """A new scanner; None where Hyperscan is not installed, or the scanner not kept from before and not to be made."""
    if not find_spec("hyperscan"):
        return None
    try:
        return Scanner(gate, alone, finders=finders, make=make)
    except _NotKeptError:
        return None
