"""Which known errors stand in a text: RE2 over all signatures, then the context rules of those that hit.

RE2 cannot backtrack, so the time is linear in the text whatever it holds. ``re2.Filter`` looks for the literals that
each pattern cannot do without, all in one pass, and tries only the patterns whose literals are there. (One ``re2.Set``
over all patterns is as fast on the same text again, but ten times slower on texts it has not seen: the bounded gaps of
the patterns make new automaton states with every new text.) Only for the patterns that match is the place looked up and
the context (``needs``, ``unless``) tested.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice

import re2

from ekm_core import required
from ekm_core.catalogue import errors
from ekm_core.model import KnownError, Link, Provider, Signature
from ekm_core.normalise import whole_characters

WINDOW = 600
"""How many characters before and behind a hit count as its context."""

CERTAIN = 0.75
"""From this weight on a wording is the provider's own; errors shown only by weaker ones are listed behind."""

_MAX_OCCURRENCES = 40
_PATTERN_MEMORY = 8 << 20
_LINKS = tuple(Link)


# Program text that only speaks of an error: a test for its words, or its code in a list of codes. Looked for directly
# before and behind a hit, on slices of bounded length.
_NEAR = 90
# Behind a test for the words, the same words are what the program then says itself.
_BRANCH = 160
_REMARK = r"(?:#|//)"
_PHRASE = r"[\"'][^\"':]{4,60}[\"']"
_TESTED_BEFORE = re.compile(
    r"(?:(?:\b|_)(?:includes|contains|indexOf|startsWith|endsWith|search|match|matches|test|assertIn|ErrorContains"
    r"|hasMessage\w{0,20}) ?"
    r"\((?:[^\"'/()]{1,40}(?:\(\))?, ?)?"
    r"|\bgrep(?: -\w{1,8}){0,3} |-i?c?(?:match|like|contains) |[=!]==? ?|=~ ?|\b(?:if|elif|and|or|not) (?=.\S{0,40}$))"
    r"(?:[\"'/*(]{1,3}[^\"'/]{0,60}|\"[^\"/]{0,80})$"
    r"|(?::raises?|@throws|@exception) [\w.{@]{0,40}$|\bgrep(?: -\w{1,8}){0,3} $"
    # What a call expects of an error that it is given: a sentence without its subject.
    r"|\w\((?:[\w.&*]{1,40}(?:\(\))?, ?){1,3}[\"'](?:is|are|was) [^\"'/]{0,60}$"
    # A sentence put together in a program, which has yet to say it.
    r"|[\"'] ?\+ ?\w[\w.()]{0,40} ?\+ ?[\"'][^\"'/]{0,60}$",
    re.IGNORECASE,
)
# Names that are nothing but a test's, so that the hit may begin with the quote itself.
_ASSERTED_BEFORE = re.compile(
    r"(?:\bassert_(?:match|include)[ (]|\.to(?:Be|(?:Strict)?Equal|Contain|Match|Throw(?:Error)?)\( ?"
    r"|\b(?:index|hasPrefix)\((?:[^\"'/()]{1,40}(?:\(\))?, ?)?)[\"'][^\"'/]{0,60}$",
    re.IGNORECASE,
)
_TESTED_BEHIND = re.compile(
    r"[^\"']{0,60}\(\.[*+]\??\)"  # the sentence as a pattern of its own
    r"|[^\"']{0,60}[\"'] (?:not )?in (?:str\(|repr\(|\w{0,20}(?:err|exc|msg|message|text|body|output|ex)\b|[es]\b)"
    r"|/(?:[gimsu]{1,3}[\s;,)]|[gimsu]{0,3}\.(?:test|exec)\()"
)
_ALTERNATIVE = re.compile(rf"\w\|$|[\"'], ?{_REMARK} ?[^\"':.]{{0,40}}$|AADSTS\d{{4,8}}(?:, ?|、)$")
# A code that stands in an index beside the phrases of others.
_INDEXED_BEFORE = re.compile(rf"(?:^|[^:= ]) ?{_PHRASE}, ?$")
_INDEXED_BEHIND = re.compile(r" ?(?:[|,)\]}]|$)")
# The name of a field that a program asks for.
_FIELD_BEFORE = re.compile(r"(?:\.(?:get|has|pop|opt)\w{0,20}\(|[\w)\]]\[)[\"']$")
_FIELD_BEHIND = re.compile(r"[\"'] ?(?:[)\]]|, ?(?:[\"'][\w -]{0,30}[\"']|none|null|nil|\{\}|\[\]) ?\))", re.IGNORECASE)
# Behind a colon it is the value of a field, and what follows is the next field's name: no list.
_LISTED_BEFORE = re.compile(
    rf"(?:^|[^: ] ?){_PHRASE}, ?(?:{_REMARK}[^\"'#]{{0,60}} ?)?[\"'][\w.]{{0,20}}$|AADSTS\d{{4,8}},? $"
)
_LISTED_BEHIND = re.compile(rf"\|\w|[\"'], ?(?:{_REMARK}|{_PHRASE} ?[,)\]}}#])|,? AADSTS\d")
_ENDS_BEHIND = re.compile(r"[\"']?,? ?(?:[,)\]}#]|$)|[\"'], ")
_COMMENTED = re.compile(rf"[\"'], ?{_REMARK}")
# A whole literal as the label of a branch, as the key of an entry, or beside what a test expects of it.
_NAME = re.compile(r"(?:AADSTS[ :_-]?\d{4,8}|ForbiddenBy\w{2,20})$", re.IGNORECASE)
_CASE_BEFORE = re.compile(r"\bcase (?:[\w.]{1,40}\.|[\"'])$")
_CASE_BEHIND = re.compile(r"[\"']? ?(?::|,|=>|->)")
_NAMED_BEHIND = re.compile(
    r"/\d{5,8}\b|[\"'] ?(?::|=>) ?[\"'{(\[]|: ?[\"'](?:[\w-]{3,40}[\"']|[^\"']{3,90}[\"'], ?[\"']?AADSTS\d)"
)
_ARGUMENT_BEFORE = re.compile(r"\w\([\"']$")
_ARGUMENT_BEHIND = re.compile(r"[\"'], ?(?:true|false|null|none|nil|\d{1,6}|[A-Z]\w{0,40}\.\w{1,40})\)", re.IGNORECASE)
_DECLARED_BEFORE = re.compile(r"\b(?:enum|static final|readonly|const) $")
# The variant of an enumeration that is made with its fields: Rust's way to name an error of one's own.
_VARIANT_BEFORE = re.compile(r"\b[A-Z]\w{2,40}::$")
_VARIANT_BEHIND = re.compile(r" ?\{ ?\w{1,40} ?:")
# Three codes without their sentences, or three exceptions with a remark to each, make a list of what there is. Entra
# puts a trace id into its own errors, and chains of credentials join several of those.
_GLOSSARY = 240
_GLOSSARY_SIZE = 3
_GLOSSARY_NAMES = re.compile(r"\b(?:AADSTS\d{4,8}\b(?! ?[:|])|[A-Z]\w{3,40}Exception - )")
_TRACED = re.compile(r"trace id|correlation id", re.IGNORECASE)


# What a program makes or raises, with the values still to be filled in: no log has it so.
_MADE_BEFORE = re.compile(
    r"(?:\bthrow new [\w.]{3,60}\(|[\w)] ?\.(?:with|set)?message\() ?[\"'`]?[^\"'/]{0,60}$"
    r"|\b(?:will|may|can|might) (?:throw|raise) (?:an? |the )?[\"'`]?[^\"'/]{0,60}$"
    r"|_raises?\((?::{2}\w{1,20})?:{0,2}(?:\w{1,20}::)?$"
    r"|[\"'`][^\"'/%]{0,60}%[svq] (?:is |was )?$",
    re.IGNORECASE,
)
_MADE_WITHIN = re.compile(r"%[svq] (?:is|are|was) ")
_MADE_BEHIND = re.compile(
    r"(?: on)?(?: the)?(?: resource| role)?:? ?[\"'] ?\+ ?[A-Za-z]|[^\"']{0,60}\$\{ ?\w{1,40}\.\w", re.IGNORECASE
)
# A text beside the constant that stands for it.
_MAPPED_BEHIND = re.compile(r"[^\"']{0,80}[\"'], ?[\"'][A-Z][A-Z0-9]{1,20}_[A-Z0-9_]{1,40}[\"'] ?,? ?[\])}]")


MENTIONS = (
    r"(?:includes|contains|index(?:of)?|startswith|endswith|hasprefix|search|match|matches|test|assertin"
    r"|hasmessage\w{0,20}) ?\(",
    r"grep ",
    r"\bassert_(?:match|include)[ (]",
    r"\.to(?:be|(?:strict)?equal|contain|match|throw(?:error)?)\(",
    r"\bthrow new ",
    r"\b(?:will|may|can|might) (?:throw|raise) ",
    r"[\"'] ?\+ ?[A-Z]",
    r"\$\{ ?\w{1,40}\.\w",
    r"\.(?:with|set)?message\(",
    r"_raises?\(",
    r"%[svq] ",
    r"(?:match|like|contains) [\"'/*(]",
    r"[=!]==? ?[\"'/*(]",
    r"=~",
    r"\b(?:if|elif|and|or|not) [\"'/*(]",
    r":raise",
    r"@throws",
    r"@exception",
    r"[\"'] (?:not )?in ",
    r"/(?:[gimsu]{1,3}[\s;,)]|[gimsu]{0,3}\.(?:test|exec)\()",
    r"\w\|",
    r"\|\w",
    r"[\"'], ?(?:#|//)",
    r"[\"'], ?AADSTS",
    r"\.(?:get|has|pop|opt)\w{0,20}\([\"']",
    r"[\w)\]]\[[\"']",
    r"(?:^|[^: ] ?)[\"'][^\"':]{4,60}[\"'], ?[\"']",
    r"[\"'], ?[\"'][^\"':]{4,70}[\"'] ?[,)\]}#]",
    r"AADSTS\d{4,8}(?:,? [\"']?|,|、)AADSTS",
    r"\(\.[*+]\??\)",
    r"AADSTS[ :_-]?\d{4,8}(?:[^:\d]|: ?[\"'])",
    r"ForbiddenBy\w{2,20}(?:[\"'] ?(?::|=>|,)|: ?[\"']|/\d)",
    r"Exception - ",
    r"\b(?:enum|static final|readonly|const) ",
    r"\bcase (?:[\w.]{1,40}\.|[\"'])",
    r"\w::\w{1,60} ?\{",
    r", ?[\"'](?:is|are|was) ",
    r"[\"'] ?\+ ?\w[\w.()]{0,40} ?\+ ?[\"']",
)
"""Patterns, of letters of any case. One of these matches wherever one of the patterns above can, at whatever place:
then a text needs the look at its places. (Apart, they are looked for faster than as one.)
"""
_ANY_MENTION = re2.compile("(?i)" + "|".join(MENTIONS))


def may_be_mentioned(text: str) -> bool:
    """Whether some hit in the text may be program text about an error; False means that none is, wherever it stands."""
    return _ANY_MENTION.search(text) is not None


def _tested(text: str, start: int, end: int) -> bool:
    """Whether a hit is no message of a failure but program text that tests for one.

    Real messages stand in string literals too (fixtures, raised errors).
    """
    end = start + len(text[start:end].rstrip(" \"',"))
    before, behind = text[max(0, start - _NEAR) : start], text[end : end + _NEAR]
    if _CASE_BEFORE.search(before) and _CASE_BEHIND.match(behind):
        return True
    if _ASSERTED_BEFORE.search(before + text[start]):
        return True
    return bool(_TESTED_BEFORE.search(before) or _TESTED_BEHIND.match(behind))


def _listed(text: str, start: int, end: int) -> bool:
    """Whether a hit is no message of a failure but an entry in a list of codes or names."""
    end = start + len(text[start:end].rstrip(" \"',"))
    before, behind = text[max(0, start - _NEAR) : start], text[end : end + _NEAR]
    if _LISTED_BEHIND.match(behind) or _ALTERNATIVE.search(before) or _COMMENTED.search(text[start:end][:_NEAR]):
        return True
    if _MADE_BEFORE.search(before) or _MADE_WITHIN.search(text[start:end][:_NEAR]):
        return True
    if _MADE_BEHIND.match(behind) or _MAPPED_BEHIND.match(behind):
        return True
    if _DECLARED_BEFORE.search(before):
        return True
    if text[start:end].isalnum() and _VARIANT_BEFORE.search(before) and _VARIANT_BEHIND.match(behind):
        return True
    if _NAME.match(text[start:end][:_NEAR]) and (
        _NAMED_BEHIND.match(behind) or (_ARGUMENT_BEFORE.search(before) and _ARGUMENT_BEHIND.match(behind))
    ):
        return True
    if text[start:end].isalnum() and (
        (_FIELD_BEFORE.search(before) and _FIELD_BEHIND.match(behind))
        or (text[start:end].startswith("AADSTS") and _INDEXED_BEFORE.search(before) and _INDEXED_BEHIND.match(behind))
    ):
        return True
    if _LISTED_BEFORE.search(before) and _ENDS_BEHIND.match(behind):
        return True
    return _in_glossary(text, start, end)


def _in_glossary(text: str, start: int, end: int) -> bool:
    """Whether a hit is a bare code or name among at least two others."""
    name = _GLOSSARY_NAMES.match(text, start + (text[start] == " "))
    if name is None or end > name.end():
        return False
    around = text[max(0, start - _GLOSSARY) : end + _GLOSSARY]
    return len(set(_GLOSSARY_NAMES.findall(around))) >= _GLOSSARY_SIZE and _TRACED.search(around) is None


@dataclass(frozen=True, slots=True)
class Hit:
    """One signature that holds, with its first place in the normalised text."""

    signature: Signature
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Classified:
    """One known error found in a text: its hits by weight, then length, and the weight of the best."""

    error: KnownError
    score: float
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A signature of an error, with its patterns by their numbers."""

    error: KnownError
    signature: Signature
    pattern: int
    needs: tuple[int, ...]
    unless: tuple[int, ...]


class _Patterns:
    """Many patterns, tried only where the literals that they need stand in the text."""

    def __init__(self, options: re2.Options) -> None:
        self._options = options
        self._filter = re2.Filter()
        self._numbers: list[int] = []

    def add(self, pattern: str, number: int) -> None:
        self._filter.Add(pattern, self._options)
        self._numbers.append(number)

    def compile(self) -> None:
        if self._numbers:
            self._filter.Compile()

    def matching(self, text: str) -> list[int]:
        if not self._numbers:
            return []
        found: list[int] | None = self._filter.Match(text)  # None, not [], where nothing matches
        return [self._numbers[index] for index in found] if found else []


class _Engine:
    """The compiled catalogue: shared by all users, holds no text."""

    def __init__(self) -> None:
        options = re2.Options()
        options.case_sensitive = False
        options.log_errors = False
        options.max_mem = _PATTERN_MEMORY
        self._options = options
        self._numbers: dict[str, int] = {}
        self._compiled: dict[int, re2._Regexp] = {}
        self._mains = _Patterns(options)
        self._contexts: dict[int, _Patterns] = {}
        self._rules: dict[int, list[Rule]] = {}
        for error in errors().values():
            for signature in error.signatures:
                rule = Rule(
                    error,
                    signature,
                    self._number(signature.pattern),
                    tuple(map(self._number, signature.needs)),
                    tuple(map(self._number, signature.unless)),
                )
                self._rules.setdefault(rule.pattern, []).append(rule)
        for pattern, number in self._numbers.items():
            if number in self._rules:
                self._mains.add(pattern, number)
        self._mains.compile()
        self._texts = tuple(self._numbers)

    def literals(self) -> Mapping[Provider, frozenset[str]] | None:
        """One of a provider's words, in ASCII letters of any case, stands in every normal text in which a signature of
        its errors matches; None: unknown.
        """
        found: dict[Provider, set[str]] = {}
        for number, rules in self._rules.items():
            words = required.literals(self._texts[number])
            if words is None:
                return None
            for rule in rules:
                found.setdefault(rule.error.provider, set()).update(words)
        return {provider: required.shortest(words) for provider, words in found.items()}

    def patterns(self) -> tuple[str, ...]:
        """All patterns, signatures' own and contexts, by their numbers; they match without case."""
        return self._texts

    def relevant(self) -> dict[int, frozenset[int]]:
        """For each signature's own pattern the contexts that decide about it."""
        return {
            main: frozenset(number for rule in rules for number in rule.needs + rule.unless)
            for main, rules in self._rules.items()
        }

    def providers(self) -> dict[int, frozenset[Provider]]:
        """For each signature's own pattern whose errors it shows."""
        return {main: frozenset(rule.error.provider for rule in rules) for main, rules in self._rules.items()}

    def _number(self, pattern: str) -> int:
        known = self._numbers.get(pattern)
        if known is None:
            known = self._numbers[pattern] = len(self._numbers)
        return known

    def _regexp(self, number: int) -> re2._Regexp:
        regexp = self._compiled.get(number)
        if regexp is None:
            regexp = self._compiled[number] = re2.compile(self._texts[number], self._options)
        return regexp

    def matching(self, text: str) -> list[int]:
        """The numbers of all patterns that match somewhere in the text and matter there, ascending.

        Those are the signatures' own patterns and the contexts of these; [] where no signature's own pattern matches.
        """
        found = self._mains.matching(text)
        if not found:
            return found
        numbers = set(found)
        for number in found:
            numbers.update(self._context(number).matching(text))
        return sorted(numbers)

    def _context(self, main: int) -> _Patterns:
        """The patterns that decide about a main pattern's rules, apart from those that are looked for anyway."""
        made = self._contexts.get(main)
        if made is None:
            made = _Patterns(self._options)
            for number in sorted({number for rule in self._rules[main] for number in rule.needs + rule.unless}):
                if number not in self._rules:
                    made.add(self._texts[number], number)
            made.compile()
            self._contexts[main] = made
        return made

    def rules(self, numbers: Sequence[int]) -> Iterator[Rule]:
        """The rules whose own pattern is among the numbers and whose context can still hold."""
        present = frozenset(numbers)
        for number in numbers:
            for rule in self._rules.get(number, ()):
                if present.issuperset(rule.needs):
                    yield rule

    def places(self, rule: Rule, text: str) -> Iterator[tuple[int, int]]:
        """Where the rule's pattern stands in a text of ASCII characters, as far as anybody looks."""
        for match in islice(self._regexp(rule.pattern).finditer(text.encode()), _MAX_OCCURRENCES + 1):
            yield match.span()

    def place(self, rule: Rule, numbers: frozenset[int], text: str) -> tuple[int, int] | None:
        """The first place where the rule's pattern stands in a context that the rule accepts.

        numbers: of all patterns that match in the text and matter there.
        """
        unless = [self._regexp(number) for number in rule.unless if number in numbers]
        needs = [self._regexp(number) for number in rule.needs]
        # Offsets in bytes are those of characters, and RE2 need not count them.
        searched = text.encode() if text.isascii() else text
        branch = -1
        for match in islice(self._regexp(rule.pattern).finditer(searched), _MAX_OCCURRENCES + 1):
            start, end = match.span()
            if is_whole(start, end, len(searched)):
                fits = not unless and numbers.issuperset(rule.needs)
            else:
                window = searched[max(0, start - WINDOW) : end + WINDOW] if needs or unless else ""
                fits = all(regexp.search(window) for regexp in needs) and not any(
                    regexp.search(window) for regexp in unless
                )
            if fits and start >= branch:
                # None of the looks below goes further than this, and mostly one search spares all of them.
                if not may_be_mentioned(text[max(0, start - _GLOSSARY) : end + _GLOSSARY]):
                    return start, end
                if _tested(text, start, end):
                    branch = end + _BRANCH
                elif not _listed(text, start, end):
                    return start, end
        return None


def is_whole(start: int, end: int, length: int) -> bool:
    """Whether the context of a hit is all of its text."""
    return start <= WINDOW and end + WINDOW >= length


@cache
def engine() -> _Engine:
    """The compiled catalogue, built on first use (about a tenth of a second)."""
    return _Engine()


def classify(text: str, numbers: Sequence[int] | None = None) -> tuple[Classified, ...]:
    """All known errors in a NORMALISED text, the root cause first; () means unknown.

    numbers: of the patterns that match, as ``_Engine.matching`` gives them, where they are known already.

    Order: certain before uncertain wordings, then the order in which OpenAI's request walks the chain (an error at an
    earlier link hides the later ones), then the place in the text; an entry's ``after`` comes before all of it.
    """
    text = whole_characters(text)
    built = engine()
    if numbers is None:
        numbers = built.matching(text)
    present = frozenset(numbers)
    hits: dict[str, list[Hit]] = {}
    found: dict[str, KnownError] = {}
    for rule in built.rules(numbers):
        place = built.place(rule, present, text)
        if place is not None:
            found[rule.error.id] = rule.error
            hits.setdefault(rule.error.id, []).append(Hit(rule.signature, *place))
    results = [
        Classified(
            error,
            max(hit.signature.weight for hit in hits[error_id]),
            tuple(sorted(hits[error_id], key=lambda hit: (-hit.signature.weight, hit.start - hit.end, hit.start))),
        )
        for error_id, error in found.items()
    ]
    results.sort(key=lambda result: (result.score < CERTAIN, _LINKS.index(result.error.link), result.hits[0].start))
    return tuple(_behind(results))


def _behind(results: list[Classified]) -> Iterator[Classified]:
    """The results with every entry moved behind those that its ``after`` names."""
    waiting = list(results)
    while waiting:
        left = {result.error.id for result in waiting}
        ready = next((result for result in waiting if not left.intersection(result.error.after)), waiting[0])
        waiting.remove(ready)
        yield ready
