"""Which letters a pattern cannot do without: what a quick look for many patterns at once may search for.

Knows the part of RE2's syntax that signatures use. Whatever it does not know ends a run of letters, so that an answer
is always true, at worst shorter than it could be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import product

_SHORTEST = 3
_MOST_TOGETHER = 48  # spellings of one place of a pattern that are told apart
_RARE_NUMBER = 5  # digits
_LONG, _LONG_WORD = 10, 16  # letters, from which on more of them make no difference
# What logs are full of, among it the clouds' denials for other services: a word that stands here would send too many
# lines to the slow path.
_ORDINARY = "\n".join(
    (
        "2026-11-23T10:11:12.345Z INFO  [worker-7] Request 9f3c processed in 231 ms, status=200, bytes=1024 - ok",
        '10.1.2.3 - - [23/Nov/2026:10:11:12 +0000] "GET /api/v1/users/42?key=1 HTTP/1.1" 404 153 "-" "curl/8.5.0"',
        '{"level":"error","ts":1763892672.1,"caller":"sync/loop.go:88","msg":"Reconcile failed","error":"not found"}',
        "Traceback (most recent call last): File app.py, line 3, in handler: KeyError: 'name' could not be resolved",
        "java.io.IOException: Connection reset by peer at com.example.Client.call(Client.java:10) [http-nio-8080]",
        "WARN Retry 3 of 5 failed because the request timed out; trying again in 20 s, no response from upstream",
        "User: arn:aws:iam::111122223333:user/ci is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b"
        " because no identity-based policy allows the s3:GetObject action (Service: Amazon S3; Status Code: 403)",
        "An error occurred (AccessDenied) when calling the PutItem operation: explicit deny in a resource policy",
        "ERROR Permission 'storage.objects.get' denied on resource 'projects/_/buckets/b' (or it may not exist).",
        'googleapi: Error 403: Required "compute.instances.list" permission for "projects/p", forbidden',
        "rpc error: code = PermissionDenied desc = The caller does not have permission; INVALID_ARGUMENT: bad value",
        "AADSTS50126: Error validating credentials due to invalid username or password. Trace ID: 1 Timestamp: 2026",
        "The client 'c' with object id 'o' does not have authorization to perform action 'Microsoft.Compute/read' over "
        "scope '/subscriptions/s/resourceGroups/g' or the scope is invalid. If access was recently granted, please "
        "refresh your credentials. Code: AuthorizationFailed",
        "OpenAI API error 429: Rate limit reached for requests, invalid_request_error, organization, project, model",
        "npm ERR! code E404 not found; fatal: unable to access repository: could not read from remote, check your key",
        "Warning  FailedScheduling pod default/app: 0/3 nodes are available: insufficient memory; key disabled",
        "kernel: audit: operation=open name=/etc/ssl/ denied; ssh: permission denied (publickey); exit status 1",
    )
).lower()
_MOST_TIMES = 4
_REPEATED = re.compile(r"(?:[*+?]|\{(?P<least>\d+)(?P<more>,\d*)?\})\??")
_FEW = re.compile(r"(?:[^\\^\[-]|\\[^A-Za-z0-9\\])+-?", re.ASCII)  # a class of single characters
_Words = frozenset[str]
_NOTHING: _Words = frozenset(("",))


def literals(pattern: str) -> frozenset[str] | None:
    """In: an RE2 pattern. Out: one of these stands in every text that it matches, letters of any case; None: unknown.

    The words are in lower case and hold ASCII alone. Of several such sets it gives the one that ordinary logs are
    least likely to hold.
    """
    reader = _Reader(pattern)
    found = reader.alternatives().needed
    return None if found is None or reader.at < len(pattern) else shortest(found)


def shortest(words: Iterable[str]) -> frozenset[str]:
    """The words without those that contain another one: they add nothing where one of the words is looked for."""
    every = frozenset(words)
    return frozenset(word for word in every if not any(other in word for other in every if other != word))


@cache
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


@cache
def _lines(word: str) -> frozenset[int]:
    """The ordinary lines that hold the word, by number; a short number may stand in any."""
    if word.isdigit() and len(word) < _RARE_NUMBER:
        return frozenset(range(_ORDINARY.count("\n") + 1))
    if word not in _ORDINARY:
        return frozenset()
    return frozenset(number for number, line in enumerate(_ORDINARY.split("\n")) if word in line)


def _cost(words: _Words) -> tuple[int, int]:
    """What it costs to look for these: lines that hold one of them in vain; then letters short of a rare word, and the
    ways to write them. A single plain word is rare only if it is long."""
    lines = len(frozenset().union(*map(_lines, words)))
    short = max(max((_LONG_WORD if word.isalpha() else _LONG) - len(word), 0) for word in words)
    return lines, 6 * short + sum(len(raw_spellings(word)) for word in words)


@cache
def _core(word: str) -> str:
    """The part of the words that is as good to look for as the whole."""
    words = word.split(" ")
    parts = {
        " ".join(words[start : start + count]).strip(" ")
        for count in range(1, len(words) + 1)
        for start in range(len(words))
    }
    long = (part for part in parts if len(part) >= _SHORTEST)
    return min(long, key=lambda part: (_cost(frozenset((part,))), part), default=word)


def _common_end(words: _Words) -> str:
    least = min(words, key=len)
    return next(end for at in range(len(least) + 1) if all(word.endswith(end := least[at:]) for word in words))


@dataclass(frozen=True, slots=True)
class _Part:
    """What is known of a part of a pattern.

    exact: all that it matches, where that is a handful of strings. needed: one of these stands in whatever it matches.
    head: whatever it matches begins with one of these.
    """

    exact: _Words | None = None
    needed: _Words | None = None
    head: _Words = _NOTHING


_UNKNOWN = _Part()


class _Reader:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self.at = 0

    def alternatives(self) -> _Part:
        """Reads up to the closing bracket or the end."""
        exact: _Words | None = frozenset()
        needed: _Words | None = frozenset()
        head: _Words = frozenset()
        while True:
            part = self._sequence()
            head |= part.head
            exact = None if exact is None or part.exact is None else exact | part.exact
            needed = None if needed is None or part.needed is None else needed | part.needed
            if self._pattern[self.at : self.at + 1] != "|":
                return _Part(
                    exact if exact and len(exact) <= _MOST_TOGETHER else None,
                    needed,
                    head if "" not in head and len(head) <= _MOST_TOGETHER else _NOTHING,
                )
            self.at += 1

    def _sequence(self) -> _Part:
        """One alternative: the strings that its exact items make side by side, and the best of what it needs."""
        run: _Words = _NOTHING
        head: _Words | None = None  # None while all items are exact
        candidates: list[_Words] = []
        while self.at < len(self._pattern) and self._pattern[self.at] not in "|)":
            part = self._item()
            optional, once, times = self._repeated()
            if part.needed and not optional:
                candidates.append(part.needed)
            exact = part.exact and frozenset(map("".join, product(part.exact, repeat=times)))
            if exact and optional and once:
                exact |= _NOTHING
            begins = exact if exact and (once or not optional) else _NOTHING if optional else part.head
            if len(run) * len(begins) > _MOST_TOGETHER:
                candidates.append(run)
                head = run if head is None else head
                run = frozenset((_common_end(run),))
            run = frozenset(before + behind for before in run for behind in begins)
            if not (exact and once):
                candidates.append(run)
                head = run if head is None else head
                run = exact if exact and once else _NOTHING
        candidates.append(run)
        long = [shortest(map(_core, words)) for words in candidates if min(map(len, words)) >= _SHORTEST]
        return _Part(run if head is None else None, min(long, key=_cost, default=None), run if head is None else head)

    def _item(self) -> _Part:
        """A letter, a class, a group, or something unknown."""
        character = self._pattern[self.at]
        self.at += 1
        if character == "\\":
            return self._escape()
        if character == "[":
            return self._class()
        if character == "(":
            return self._group()
        if character in "^$":
            return _Part(_NOTHING)
        if character == "." or not character.isascii():
            return _UNKNOWN
        return _Part(frozenset(character.lower()))

    def _escape(self) -> _Part:
        character = self._pattern[self.at : self.at + 1]
        self.at += 1
        if character in ("x", "p", "P"):
            if self._pattern[self.at : self.at + 1] == "{":
                self.at = self._pattern.index("}", self.at) + 1
            else:
                self.at += 2 if character == "x" else 1
        if character == "b":
            return _Part(_NOTHING)
        return _UNKNOWN if character.isalnum() or not character.isascii() else _Part(frozenset(character))

    def _class(self) -> _Part:
        start = self.at
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
        members = self._pattern[start : self.at]
        self.at += 1
        if not members.isascii() or not _FEW.fullmatch(members):
            return _UNKNOWN
        return _Part(frozenset(members.replace("\\", "").lower()))

    def _group(self) -> _Part:
        if self._pattern[self.at : self.at + 1] == "?":
            self.at += 1
            while self._pattern[self.at] not in ":>)":
                self.at += 1
            if self._pattern[self.at] != ")":  # flags for the rest of the group hold no words
                self.at += 1
        part = self.alternatives()
        self.at += 1
        return part

    def _repeated(self) -> tuple[bool, bool, int]:
        """Whether the item may be missing, whether nothing more than that is open, and how often it stands."""
        found = _REPEATED.match(self._pattern, self.at)
        if found is None:
            return False, True, 1
        self.at = found.end()
        least, more = found["least"], found["more"]
        if least is None:
            return found[0][0] in "*?", found[0][0] == "?", 1
        fixed = not more and 0 < int(least) <= _MOST_TIMES
        return int(least) == 0, fixed, int(least) if fixed else 1
