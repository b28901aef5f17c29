"""The classifier for many messages: the same answers as ``classify.classify`` and ``diagnose.read_values``, faster.

Most lines of a log hold nothing: one look at the raw text spares them all further work. The others are redacted and
normalised as a paste is; then one scan says which patterns match somewhere, and mostly that alone decides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import re2

from ekm_core import catalogue, classify, entities, kept, normalise, redact, required, scan
from ekm_core.model import Link, Provider

_MOST_REMEMBERED = 20_000
_MOST_TEXTS, _LONGEST_TEXT = 3_000, 2_000
"""So many texts are remembered with their results, and as many of before, and of so many characters at most: some
megabytes."""

CLOSE = 256
"""So many messages fit into the processor's cache together."""

_WORTH_A_SCANNER = 60_000
"""After so many texts that need all patterns a scanner, had there been one, would have earned its making."""


class Result(NamedTuple):
    """What is known of one message. ``text`` is redacted; ``ids`` is () where no known error stands in it.

    entities: the values of the first error's provider, one a name; None where they are not asked for. (A tuple is made
    faster than a dataclass.)
    """

    text: str
    ids: tuple[str, ...] = ()
    provider: str = ""
    entities: Mapping[str, str] | None = None


# Everything that ``normalise`` could change, apart from what leads a line and from runs of blanks. Where none of it
# stands, and that is most lines of a log, the slower pass is left out.
_WRAPPED = (
    rb"[\\\x0a-\x0d\x1b-\x1f`\x80-\xff]|[\"'] *\+ *[$@bfru]?[\"']|''|\"\""
    rb"|&[a-z#]|%[02-7][0-9a-f]|</?[a-z]|\[[0-9]{1,2}[m;]|(?:^|[^*])[*][*](?:[^*]|$)|ription=|aadsts[0-9]{4,8}:[+]"
)
_LINKS = tuple(Link)
NO_ERROR = Result("")
"""What ``found`` leaves out: neither a known error nor a secret."""
_SECRETIVE, _NOISY = 1, 2
_BITS = {provider: 4 << place for place, provider in enumerate(Provider)}


def _gate(engine: classify._Engine) -> dict[int, tuple[bytes, ...]]:
    """What to look for in a raw text: a secret, noise, the letters of each provider's signatures. Most lines of a log
    have none.
    """
    gate: dict[int, tuple[bytes, ...]] = {_SECRETIVE: (redact.GATE,), _NOISY: (_WRAPPED,)}
    words = _spellings(engine)
    if words is None:
        return gate | dict.fromkeys(_BITS.values(), (rb"[\x00-\xff]",))
    return gate | {_BITS[provider]: tuple(re.escape(word).encode() for word in its) for provider, its in words.items()}


def _spellings(engine: classify._Engine) -> dict[Provider, list[str]] | None:
    """For each provider the strings, one of which stands in every raw text in which a signature of its errors matches;
    None: unknown. To work them out takes a quarter of a second; they are kept.
    """
    patterns, providers = engine.patterns(), engine.providers()
    own = [(patterns[main], sorted(its)) for main, its in providers.items()]
    name = kept.key(Path(required.__file__).read_bytes(), repr(own).encode())
    if (data := kept.get(name)) is not None:
        return {Provider(provider): its for provider, its in json.loads(data).items()}
    words = engine.literals()
    if words is None:
        return None
    made = {provider: sorted(frozenset().union(*map(required.raw_spellings, its))) for provider, its in words.items()}
    kept.put(name, json.dumps(made).encode())
    return made


def _searcher(gate: Mapping[int, Sequence[bytes]]) -> re2.Set:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.case_sensitive = False
    found = re2.Set.SearchSet(options)
    for patterns in gate.values():
        found.Add(b"|".join(patterns))
    found.Compile()
    return found


class Classifier:
    """Redaction, classification and values for many messages; the answers are those of ``classify.classify``.

    Not shared between threads: it remembers what each set of matching patterns decides. scanner: "auto" takes one that
    was made before, or makes one when enough texts have come by, "now" makes it at once, "never" does without; the
    answers are the same. values: whether the results have them.
    """

    def __init__(self, scanner: str = "auto", *, values: bool = True) -> None:
        self._engine = classify.engine()
        self._gate = _gate(self._engine)
        self._providers = {error_id: error.provider for error_id, error in catalogue.errors().items()}
        self._names = {error_id: provider.value for error_id, provider in self._providers.items()}
        self._decided: dict[frozenset[int], _Decision] = {}
        self._decided_long: dict[frozenset[int], _Decision] = {}
        self._until_scanner = _WORTH_A_SCANNER if scanner == "auto" else -1
        self._values = values
        self._known: dict[str, Result | None] = {}
        self._before: dict[str, Result | None] = {}
        self._scanner = self._made(make=scanner == "now") if scanner != "never" else None
        self._searcher = _searcher(self._gate)

    def _made(self, *, make: bool) -> scan.Scanner | None:
        alone = {bit: provider for provider, bit in _BITS.items()}
        return scan.scanner(self._gate, alone, finders=self._values, make=make)

    def one(self, text: str) -> Result:
        """The result for one message."""
        return self.many((text,))[0]

    def many(self, texts: Iterable[str]) -> list[Result]:
        """One result a text."""
        order = whole(list(texts))
        found = self.found(order)
        return [result or Result(text) for result, text in zip(found, order, strict=True)]

    def found(self, texts: Sequence[str]) -> list[Result | None]:
        """For each text its result, None where no known error and no secret stands in it; equal texts, even
        of earlier calls, are read once.

        Every stage does all texts before the next stage begins: each has tables of its own, and they stay in the
        processor's cache only while one stage runs. Half characters must be gone from the texts (``whole``).
        """
        found: list[Result | None] = [None] * len(texts)
        doubtful = self._doubtful(texts)
        if not doubtful:
            return found
        known, before = self._known, self._before
        seen = {text: bits for at, bits in doubtful if (text := texts[at]) not in known}
        for text in before.keys() & seen.keys():
            known[text] = before[text]
            del seen[text]
        order = sorted(seen, key=seen.__getitem__)  # those of one provider follow each other
        known.update(zip(order, self._results(order, [seen[text] for text in order]), strict=True))
        for at, _ in doubtful:
            found[at] = known[texts[at]]
        for text, bits in seen.items():  # a text that may hold a secret is never kept
            if bits & _SECRETIVE or len(text) > _LONGEST_TEXT:
                del known[text]
        if len(known) > _MOST_TEXTS:
            self._known, self._before = {}, known
        return found

    def _results(self, texts: list[str], bits: list[int]) -> list[Result | None]:
        """What ``found`` gives for each of some texts; bits: what stands there."""
        cleaned = [
            redact.redact(text).text if its & _SECRETIVE else text for text, its in zip(texts, bits, strict=True)
        ]
        normal = self._normal(cleaned, bits)
        every = self._scan(normal, bits)
        ids = [self._ids(plain, signs) if signs else None for plain, signs in zip(normal, every, strict=True)]
        values = self._read(normal, every, ids) if self._values else [None] * len(texts)
        names = self._names
        results: list[Result | None] = [
            Result(clean, its, names[its[0]], read) if its else None
            for clean, its, read in zip(cleaned, ids, values, strict=True)
        ]
        for at, (text, clean) in enumerate(zip(texts, cleaned, strict=True)):
            if clean is not text and results[at] is None:
                results[at] = Result(clean)
        return results

    def _normal(self, texts: list[str], bits: list[int]) -> list[str]:
        """The normal forms of redacted texts; mostly there is no more to undo than runs of blanks."""
        quiet = [text.replace("\t", " ") for text, its in zip(texts, bits, strict=True) if not its & _NOISY]
        single = iter(self._scanner.single_blanks(quiet) if self._scanner else map(normalise.single_blanks, quiet))
        return [normalise.plain(text) if its & _NOISY else next(single) for text, its in zip(texts, bits, strict=True)]

    def _doubtful(self, texts: Sequence[str]) -> list[tuple[int, int]]:
        """The places of the texts that need more than a look, each with what stands there: bits of ``_gate``."""
        if self._scanner is not None:
            return [
                (start + at, bits)
                for start in range(0, len(texts), CLOSE)
                for at, bits in self._scanner.doubtful(texts[start : start + CLOSE])
            ]
        look, bits = self._searcher.Match, tuple(self._gate)
        return [
            (at, sum(bits[number] for number in numbers))
            for at, text in enumerate(texts)
            if (numbers := look(text.encode()))
        ]

    def _scan(self, texts: list[str], bits: list[int]) -> list[scan.Signs | None]:
        """What matches in each text, None where no signature does. bits: what stood in the raw texts."""
        if self._scanner is None and self._until_scanner >= 0:
            self._until_scanner -= len(texts)
            if self._until_scanner < 0:
                self._scanner = self._made(make=True)
        slowly = self._engine.matching
        if self._scanner is None:
            return [scan.Signs(frozenset(numbers)) if (numbers := slowly(text)) else None for text in texts]
        others = [at for at, text in enumerate(texts) if not text.isascii()]
        plain = list(texts)
        for at in others:
            plain[at] = ""
        signs = self._scanner.look(plain, bits)
        for at in others:
            numbers = slowly(texts[at])
            signs[at] = scan.Signs(frozenset(numbers)) if numbers else None
        return signs

    def _read(
        self, texts: list[str], every: list[scan.Signs | None], ids: list[tuple[str, ...] | None]
    ) -> list[dict[str, str] | None]:
        """The values in each text with an error, those of its first error's provider."""
        return [
            self._values_of(text, signs, its[0]) if its and signs else None
            for text, signs, its in zip(texts, every, ids, strict=True)
        ]

    def _values_of(self, text: str, signs: scan.Signs, error_id: str) -> dict[str, str]:
        provider, likely = self._providers[error_id], signs.finders
        if likely is None and self._scanner is not None and text.isascii():
            likely = self._scanner.finders(text, provider)
        return entities.values(text, provider, likely)

    def _ids(self, text: str, signs: scan.Signs) -> tuple[str, ...]:
        """The ids that ``classify.classify`` gives, from the matching patterns alone wherever they decide it."""
        short = len(text) <= classify.WINDOW
        remembered = self._decided if short else self._decided_long
        decision = remembered.get(signs.patterns)
        if decision is None:
            if len(remembered) >= _MOST_REMEMBERED:
                remembered.clear()
            decision = remembered[signs.patterns] = self._decide(signs.patterns, short=short)
        mentioned = (decision.ids != () or decision.open != ()) and (
            classify.may_be_mentioned(text) if signs.mentioned is None else signs.mentioned
        )
        if mentioned:
            ids = None  # the places decide
        elif not decision.open:
            ids = decision.ids
        else:
            scores = dict(decision.scores)
            for rule in decision.open:
                weight = rule.signature.weight
                if weight > scores.get(rule.error.id, 0.0) and self._holds(rule, signs.patterns, text):
                    scores[rule.error.id] = weight
            ids = _ordered(scores)
        if ids is None:
            return tuple(found.error.id for found in classify.classify(text, sorted(signs.patterns)))
        return ids

    def _holds(self, rule: classify.Rule, present: frozenset[int], text: str) -> bool:
        """Whether the rule's pattern stands in a context that it accepts, in a text where no hit is only mentioned."""
        scanner = self._scanner
        if scanner is None or not text.isascii() or not scanner.knows(rule.needs + rule.unless):
            return self._engine.place(rule, present, text) is not None
        window = classify.WINDOW
        for start, end in self._engine.places(rule, text):
            near = present
            if not classify.is_whole(start, end, len(text)):
                near = scanner.contexts(text[max(0, start - window) : end + window], rule.error.provider)
            if near.issuperset(rule.needs) and near.isdisjoint(rule.unless):
                return True
        return False

    def _decide(self, present: frozenset[int], *, short: bool) -> _Decision:
        """What holds wherever the patterns stand.

        In a text no longer than the window every context is the whole text, so a rule holds if all that it needs is
        among the matching patterns and nothing that forbids it. In a longer one such rules stay open.
        """
        scores: dict[str, float] = {}
        doubtful = []
        for rule in self._engine.rules(sorted(present)):
            forbidden = not present.isdisjoint(rule.unless)
            if not short and (forbidden or rule.needs):
                doubtful.append(rule)
            elif not forbidden:
                scores[rule.error.id] = max(scores.get(rule.error.id, 0.0), rule.signature.weight)
        return _Decision(scores, tuple(doubtful), _ordered(scores))


@dataclass(frozen=True, slots=True)
class _Decision:
    """The errors that hold with their scores, the rules that only the places decide, and the ids if there are none."""

    scores: Mapping[str, float]
    open: tuple[classify.Rule, ...]
    ids: tuple[str, ...] | None


def _ordered(scores: Mapping[str, float]) -> tuple[str, ...] | None:
    """The ids in the order of ``classify.classify``, or None where that needs the places of the hits."""
    if len(scores) < 2:
        return tuple(scores)
    known = catalogue.errors()
    if any(not scores.keys().isdisjoint(known[error_id].after) for error_id in scores):
        return None
    ranks = {
        error_id: (score < classify.CERTAIN, _LINKS.index(known[error_id].link)) for error_id, score in scores.items()
    }
    if len(set(ranks.values())) < len(ranks):
        return None
    return tuple(sorted(ranks, key=ranks.__getitem__))


def whole(texts: Sequence[str]) -> Sequence[str]:
    """The texts without half characters, which come from JSON escapes and which no engine takes."""
    if all(map(str.isascii, texts)):
        return texts
    return [text if text.isascii() else normalise.whole_characters(text) for text in texts]
