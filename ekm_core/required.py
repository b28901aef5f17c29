"""Which letters a pattern cannot do without: what a quick look for many patterns at once may search for.

Knows the part of RE2's syntax that signatures use. Whatever it does not know ends a run of letters, so that an answer
is always true, at worst shorter than it could be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_SHORTEST = 3
# Ordinary words of logs: true of a pattern, but they would send every line to the slow path.
_COMMON = re.compile(
    r"(?:(?:aadsts|access|action|allow|allows|auth|because|cannot|client|cloud|code|could|"
    r"crypto|denied|does|ed|error|exception|failed|find|for|found|from|get|"
    r"identity|import|in|invalid|is|key|name|not|on|operation|permission|policy|"
    r"project|query|reach|request|requests|resource|response|ring|role|service|status|"
    r"the|to|token|user|value|version)(?: |$))+|not authori|denied on"
)
_Words = frozenset[str]


def literals(pattern: str) -> frozenset[str] | None:
    """In: an RE2 pattern. Out: one of these stands in every text that it matches, letters of any case; None: unknown.

    The words are in lower case and hold ASCII alone. Of several such sets it gives the one that ordinary logs are
    least likely to hold.
    """
    reader = _Reader(pattern)
    found = reader.alternatives()
    return found if reader.at == len(pattern) else None


def raw_spellings(word: str) -> frozenset[str]:
    """In: a word of ``literals``. Out: plain strings, one of which stands in every text that a run of blanks or tabs in
    place of a blank turns into one with the word. (Plain strings are searched three times as fast as ``[ \\t]+``.)
    """
    found: set[str] = set()
    body = word.strip(" ")
    for head in " \t" if word.startswith(" ") else ("",):
        for tail in " \t" if word.endswith(" ") else ("",):
            found.add(head + body + tail)
        # up to the first longer run, every gap is one blank
        for gap in re.finditer(" ", body):
            found.update(head + body[: gap.start()] + run for run in ("  ", "\t", " \t"))
    return frozenset(found)


def _worth(words: _Words) -> tuple[float, int]:
    return min(0.5 if _COMMON.fullmatch(word.strip()) else len(word) for word in words), -len(words)


class _Reader:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self.at = 0

    def alternatives(self) -> _Words | None:
        """Reads up to the closing bracket or the end."""
        all_words: set[str] | None = set()
        while True:
            best = max(self._sequence(), key=_worth, default=None)
            all_words = None if best is None or all_words is None else all_words | best
            if self._pattern[self.at : self.at + 1] != "|":
                return None if all_words is None else frozenset(all_words)
            self.at += 1

    def _sequence(self) -> Iterator[_Words]:
        """The sets of words that one alternative needs."""
        run = ""
        while self.at < len(self._pattern) and self._pattern[self.at] not in "|)":
            letter, words = self._item()
            optional, once = self._repeated()
            if letter and not optional:
                run += letter
                if once:
                    continue
            if len(run) >= _SHORTEST:
                yield frozenset({run.lower()})
            run = ""
            if words and not optional:
                yield words
        if len(run) >= _SHORTEST:
            yield frozenset({run.lower()})

    def _item(self) -> tuple[str, _Words | None]:
        """One letter, or the words of a group, or neither."""
        character = self._pattern[self.at]
        self.at += 1
        if character == "\\":
            return self._escape(), None
        if character == "[":
            self._skip_class()
            return "", None
        if character == "(":
            return "", self._group()
        if character in ".^$" or not character.isascii():
            return "", None
        return character, None

    def _escape(self) -> str:
        character = self._pattern[self.at : self.at + 1]
        self.at += 1
        if character in ("x", "p", "P"):
            if self._pattern[self.at : self.at + 1] == "{":
                self.at = self._pattern.index("}", self.at) + 1
            else:
                self.at += 2 if character == "x" else 1
        return "" if character.isalnum() or not character.isascii() else character

    def _skip_class(self) -> None:
        if self._pattern[self.at : self.at + 1] == "^":
            self.at += 1
        first = True
        while first or self._pattern[self.at] != "]":
            if self._pattern.startswith("[:", self.at):
                self.at = self._pattern.index(":]", self.at) + 1
            elif self._pattern[self.at] == "\\":
                self.at += 1
            self.at += 1
            first = False
        self.at += 1

    def _group(self) -> _Words | None:
        if self._pattern[self.at : self.at + 1] == "?":
            self.at += 1
            while self._pattern[self.at] not in ":>)":
                self.at += 1
            if self._pattern[self.at] != ")":  # flags for the rest of the group hold no words
                self.at += 1
        words = self.alternatives()
        self.at += 1
        return words

    def _repeated(self) -> tuple[bool, bool]:
        """Whether the item may be missing, and whether it stands exactly once."""
        character = self._pattern[self.at : self.at + 1]
        if character not in ("*", "+", "?", "{"):
            return False, True
        start = self.at
        self.at = self._pattern.index("}", start) + 1 if character == "{" else start + 1
        least = self._pattern[start + 1 : self.at - 1].partition(",")[0] if character == "{" else ""
        if self._pattern[self.at : self.at + 1] == "?":
            self.at += 1
        return character in "*?" or least == "0", False
