"""The types that all rooms share. Standard library only, no behaviour beyond small look-ups.

Everything is frozen: a diagnosis is a value, made once per request and never shared between users.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any


class Provider(StrEnum):
    """Who raised the error. The value is public: it stands in URLs and in the JSON."""

    AWS = "aws"
    GCP = "gcp"
    AZURE = "azure"
    OPENAI = "openai"

    @property
    def label(self) -> str:
        """The name to show to a person."""
        return {"aws": "AWS", "gcp": "Google Cloud", "azure": "Azure", "openai": "OpenAI API"}[self]


class Link(StrEnum):
    """One link of the chain that OpenAI's request walks; declared in the order it is walked."""

    IDENTITY = "identity"
    TRUST = "trust"
    PERMISSION = "permission"
    NETWORK = "network"
    KEY = "key"
    REQUEST = "request"


class LinkState(StrEnum):
    """What is known about one link for this user."""

    PROVEN = "proven"
    BROKEN = "broken"
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    """Whether a cause holds for this user."""

    CONFIRMED = "confirmed"
    CANNOT_TELL = "cannot_tell"
    RULED_OUT = "ruled_out"


class Status(StrEnum):
    """What a check found; declared from the most urgent to the least."""

    FAIL = "fail"
    COULD_NOT_CHECK = "could_not_check"
    WARN = "warn"
    PASS = "pass"  # noqa: S105 - the result of a check, no password
    NOT_APPLICABLE = "not_applicable"


class Language(StrEnum):
    """The language of a snippet, for highlighting and for the tests that parse it."""

    JSON = "json"
    BASH = "bash"
    HCL = "hcl"
    PYTHON = "python"
    CEL = "cel"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a fact comes from.

    ``url`` is https; ``read`` is the day on which we read the page, None where we know it but could not read it again:
    such a page is a place to look, and no fact stands on it alone.
    """

    title: str
    url: str
    read: date | None

    @property
    def dated(self) -> str:
        """When it was read, in words, to stand behind the title."""
        return f"read on {self.read.isoformat()}" if self.read else "for further reading, not checked by us"


@dataclass(frozen=True, slots=True)
class Signature:
    """A wording that proves one known error.

    pattern: RE2 syntax, matched without case against NORMALISED text (see ``normalise``): single blanks, straight
        quotes, no escapes, no gutters. Bounded gaps only, such as ``.{0,80}``: they stay linear but cost memory.
    weight: how much this wording alone proves, 0 to 1. 1.0 the provider's own full sentence; 0.8 an error code or an
        exception's name that belongs to this error alone; 0.6 a fragment of the sentence.
    needs: further patterns, every one of which must match within ``classify.WINDOW`` characters of the hit.
    unless: patterns, none of which may match within ``classify.WINDOW`` characters of the hit.
    """

    id: str
    pattern: str
    weight: float = 1.0
    needs: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """The words that prove a match.

    ``start`` and ``end`` are offsets in the REDACTED text as the user wrote it; ``text`` is the same place in
    normalised form (so it is readable even where the paste broke the sentence over lines).
    """

    signature: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Values:
    """The user's own values, by entity name (``role_arn``, ``organization_id`` …), for checks and snippets.

    ``get`` answers "" for what is not known; ``snippet`` functions use ``need`` which answers a marked placeholder.
    ``typed`` names those that the user gave on purpose, in the form or as the registration, as against those read from
    an error, which may be the fault. ``registered`` names those of them that stand in the registration alone: what
    OpenAI uses, right or wrong.
    """

    known: Mapping[str, str] = field(default_factory=dict)
    typed: frozenset[str] = frozenset()
    registered: frozenset[str] = frozenset()

    def get(self, name: str) -> str:
        """The value, or "" where it is not known."""
        return self.known.get(name, "")

    def doubting(self, *names: str) -> Values:
        """The same without these, unless the user typed them: a repair must not repeat what may be the fault."""
        sure = self.typed - self.registered
        kept = {name: value for name, value in self.known.items() if name not in names or name in sure}
        return Values(kept, self.typed, self.registered)

    def need(self, name: str) -> str:
        """The value, or a placeholder such as ``<ORGANIZATION_ID>`` that names what is still open."""
        return self.known.get(name, "") or f"<{name.upper()}>"


@dataclass(frozen=True, slots=True)
class Snippet:
    """Something to copy.

    ``placeholders`` are the names (``<ORGANIZATION_ID>``) that are still open in ``text``.
    """

    title: str
    language: Language
    text: str
    placeholders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fix:
    """How to mend one cause, with the user's own values in it.

    ``policies`` are documents that both the console and the CLI way need; each of ``console``'s steps is one plain
    sentence (no markup: values of a paste stand in them).
    """

    summary: str
    console: tuple[str, ...] = ()
    cli: tuple[Snippet, ...] = ()
    terraform: tuple[Snippet, ...] = ()
    policies: tuple[Snippet, ...] = ()
    verify: tuple[Snippet, ...] = ()

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Every placeholder that is still open in any snippet, in order, once."""
        snippets = (*self.policies, *self.cli, *self.terraform, *self.verify)
        return tuple(dict.fromkeys(name for snippet in snippets for name in snippet.placeholders))


@dataclass(frozen=True, slots=True)
class Look:
    """How a person finds out whether a cause holds: console steps (plain sentences) and read-only commands."""

    console: tuple[str, ...] = ()
    commands: tuple[Snippet, ...] = ()


@dataclass(frozen=True, slots=True)
class Propagation:
    """How long a change may take to spread. ``minutes`` is the longest usual wait; after it, waiting is no answer."""

    what: str
    minutes: int
    reference: Reference


@dataclass(frozen=True, slots=True)
class Entity:
    """One value found in the text; ``start`` and ``end`` are offsets in the normalised text."""

    name: str
    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the customer registers (or is about to) for one key: the body of POST external_keys.

    fields: by the registration's own names (``role_arn``, ``kms_arn``, ``vault_uri`` …; article 20000953), as given:
        they may be wrong, that is what is checked. organization_id: the OpenAI organization that the key is for, where
        the user said so, else "". source: where it was read, in words ("curl command", "form").
    """

    provider: Provider
    fields: Mapping[str, str]
    organization_id: str = ""
    source: str = ""

    def get(self, name: str) -> str:
        """The field's value, trimmed, or "" where it is not given."""
        return self.fields.get(name, "").strip()


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One piece of evidence: what one read-only command (or live call) answered.

    command: as typed, "" where the user pasted the bare output; it matters where an output does not name its own
        resource. output: the parsed JSON, None where the command printed text or an error. text: the raw output, for
        errors and for diffs of the user's own documents. origin: where it comes from, in words ("paste", a file's
        name, "live probe").
    """

    command: str
    output: Any
    text: str
    origin: str = "paste"


@dataclass(frozen=True, slots=True)
class Case:
    """All that is known of one user's set-up when a cause is judged.

    text: the normalised, redacted words around the match (never the whole of a long paste).
    entities: every value found in the paste, in order of position; one name may occur with several values.
    values: one value a name: what the user typed, before what the text says.
    configuration, evidence: what the user registers and what their cloud says, where they gave it.
    memo: what one check has read from the text, for the others of the same case; it goes with the case.
    """

    text: str
    entities: tuple[Entity, ...] = ()
    values: Values = field(default_factory=Values)
    configuration: Configuration | None = None
    evidence: tuple[Exhibit, ...] = ()
    memo: dict[tuple[str, ...], Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def typed(self) -> frozenset[str]:
        """The names in ``values`` that the user gave on purpose (form or configuration), not read from the error."""
        return self.values.typed

    def all(self, name: str) -> tuple[str, ...]:
        """Every distinct value of that name in the paste, in order."""
        return tuple(dict.fromkeys(entity.value for entity in self.entities if entity.name == name))


@dataclass(frozen=True, slots=True)
class Change:
    """The smallest change of a document that the user gave: theirs, and the same with the fault mended.

    title: names the document ("Trust policy of role openai-ekm"). before and after: whole documents, formatted alike,
    so that a diff of the two shows the change alone. language: of both.
    """

    title: str
    before: str
    after: str
    language: Language = Language.JSON

    @property
    def diff(self) -> str:
        """The change as a unified diff with three lines of context."""
        import difflib  # a diagnosis without a set-up never needs it

        lines = difflib.unified_diff(
            self.before.splitlines(), self.after.splitlines(), "yours", "corrected", lineterm=""
        )
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Ruling:
    """A cause's verdict with its reason.

    because: one or two plain sentences: what we saw, what it means; for CANNOT_TELL, what is missing.
    quotes: the words of the paste that prove it. shown: what of the configuration or the evidence proves it, each with
        where it stands ("Trust policy of role r, statement 1: …"). A decided verdict has at least one of the two.
    changes: the user's own documents, corrected (CONFIRMED only).
    missing: for CANNOT_TELL, the read-only commands whose output would settle it.
    """

    verdict: Verdict
    because: str
    quotes: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    missing: tuple[Snippet, ...] = ()


Check = Callable[[Case], Ruling]


@dataclass(frozen=True, slots=True)
class Cause:
    """One possible reason behind a known error.

    id: unique within its error, a slug, public. check: pure; what the words of the error and the typed values prove.
    proof: pure; what the configuration and the evidence prove, None where neither can show it.
    passes: whether the set-up is right under this cause and waiting alone mends it.
    who: who can carry out the fix, in the cloud's own role names. wait: None where waiting never helps.
    """

    id: str
    title: str
    why: str
    check: Check
    look: Callable[[Values], Look]
    fix: Callable[[Values], Fix]
    who: str
    wait: Propagation | None = None
    proof: Check | None = None
    passes: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """A real message for the tests and the documentation; ``source`` is its public address, or "" if composed."""

    text: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A text that resembles this error and is not: ``is_really`` is another entry's id, or "" for none."""

    text: str
    is_really: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class KnownError:
    """One entry of the catalogue.

    link: the link of the chain that this error shows broken.
    proves: links that the request must have passed for this error to be answered at all, PROVIDED that the failing
        caller was OpenAI (or a role it assumed); the diagnosis withdraws them where the text shows another caller.
    after: ids whose presence in the same paste is the deeper root: this entry is then listed behind them.
    """

    id: str
    provider: Provider
    title: str
    summary: str
    link: Link
    signatures: tuple[Signature, ...]
    causes: tuple[Cause, ...]
    references: tuple[Reference, ...]
    samples: tuple[Sample, ...]
    near_misses: tuple[NearMiss, ...] = ()
    proves: tuple[Link, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """A known error that stands in the text, with the words that prove it; ``score`` is 0 to 1."""

    error: KnownError
    score: float
    proofs: tuple[Proof, ...]


@dataclass(frozen=True, slots=True)
class JudgedCause:
    """A cause with its verdict for this user.

    ``look`` and ``fix`` are built on each call with the user's values: a paste has up to a dozen causes, and a page
    shows one or two of them at a time.
    """

    cause: Cause
    ruling: Ruling
    values: Values

    @property
    def look(self) -> Look:
        """How this user finds out whether the cause holds."""
        return self.cause.look(self.values)

    @property
    def fix(self) -> Fix:
        """How this user mends it."""
        return self.cause.fix(self.values)


@dataclass(frozen=True, slots=True)
class JudgedError:
    """A match with everything a user reads about it; ``causes`` are ordered: confirmed, open, ruled out."""

    match: Match
    entities: Mapping[str, str]
    causes: tuple[JudgedCause, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check of the set-up found, with or without an error text.

    id: a slug. saw: what we saw, and where. means: what follows from it. next_step: the exact thing to do, or what to
    give so that we can tell. field: the configuration field that it is about, or "". errors: ids of the known errors
    that the user would get. changes: their own documents, corrected. missing: commands that would settle it.
    """

    id: str
    status: Status
    link: Link
    title: str
    saw: str
    means: str = ""
    next_step: str = ""
    field: str = ""
    errors: tuple[str, ...] = ()
    reference: Reference | None = None
    changes: tuple[Change, ...] = ()
    missing: tuple[Snippet, ...] = ()


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One link of the chain view, with how we know."""

    link: Link
    state: LinkState
    because: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The whole answer to one paste.

    text: the REDACTED text; the original is not kept. perhaps: entries that resemble it, never counted as matches.
    redactions: how many secrets each rule removed. next_step: one plain sentence. typed: what the user gave in the
        form or the configuration, redacted too.
    """

    text: str
    redactions: Mapping[str, int]
    errors: tuple[JudgedError, ...]
    perhaps: tuple[KnownError, ...]
    chain: tuple[ChainLink, ...]
    next_step: str
    typed: Mapping[str, str] = field(default_factory=dict)
