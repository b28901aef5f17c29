"""Opens a shared report again (support's side), compares two of them, and drafts the reply to the customer.

A report is a stranger's file. What it says of the customer's case is taken as text: the words, the values, the verdicts
with their evidence. Titles, links, looks and fixes come from this program's own catalogue, built anew with the report's
values, so that a file which was tampered with cannot put a command or an address before anybody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from ekm_core import VERSION, catalogue, redact, strictjson
from ekm_core.diagnose import next_step
from ekm_core.model import (
    Cause,
    ChainLink,
    Change,
    Diagnosis,
    JudgedCause,
    JudgedError,
    KnownError,
    Language,
    Link,
    LinkState,
    Match,
    Proof,
    Ruling,
    Values,
    Verdict,
)
from ekm_core.pseudonyms import LIKE_OURS
from ekm_core.report import COPY_HEADING, SCHEMA, VERDICT_LABELS
from ekm_core.values import fitting

Member = TypeVar("Member", bound=StrEnum)

MOST_CHARACTERS = 4_000_000
"""A report on a paste of two million characters, with all causes, stays below it."""

_MOST_ITEMS = 400
_LONGEST_TEXT = 2_000_000
_LONGEST_LINE = 100_000
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})", re.ASCII)
_FENCED = re.compile(rf"^## {re.escape(COPY_HEADING)}\s+(`{{3,}})json\n(.*)\n\1[ \t]*$", re.MULTILINE)
"""The last one counts: the customer's own words stand above it, and below it what they wrote around a pasted report."""


class ReportError(ValueError):
    """The file cannot be opened as a report; the message is the sentence that a person reads."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed between two reports. what: an error, a cause or a link, in words. before, after: its state each."""

    what: str
    before: str
    after: str


def read(text: str) -> Diagnosis:
    """The diagnosis in a report, JSON or Markdown. Raises ReportError for everything else."""
    if len(text) > MOST_CHARACTERS:
        raise ReportError("This file is larger than any report. Open the file that “Share this result” made.")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").strip()
    if not text:
        raise ReportError("This file is empty. Open the file that “Share this result” made.")
    copy = next(reversed(list(_FENCED.finditer(text))), None)
    if not copy and not text.startswith("{"):
        raise ReportError(
            "This is no report of the troubleshooter: neither its JSON nor its Markdown with the part "
            f"“{COPY_HEADING}” at the end. Ask the customer for the file that “Share this result” made."
        )
    parsed = strictjson.parse(copy[2] if copy else text)
    if not parsed.valid:
        raise ReportError(f"This report is damaged. {parsed.problems[0].sentence}")
    if not isinstance(parsed.value, dict) or "schema" not in parsed.value or "matches" not in parsed.value:
        raise ReportError("This JSON is no report of the troubleshooter. Open the file that “Share this result” made.")
    return _Reader(parsed.value).diagnosis()


class _Reader:
    """Reads one document; every value is checked for its kind and size where it is taken."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document

    def diagnosis(self) -> Diagnosis:
        self._version()
        text = _text(self.document.get("text", ""), "text", _LONGEST_TEXT)
        errors = tuple(self._error(item, text) for item in _list(self.document["matches"], "matches"))
        perhaps = tuple(
            _known(_object(item, "perhaps").get("id")) for item in _list(self.document.get("perhaps", []), "perhaps")
        )
        redactions = _object(self.document.get("redactions", {}), "redactions")
        if not all(type(count) is int and 0 <= count < 10**9 for count in redactions.values()):
            raise _damaged("redactions")
        return Diagnosis(
            text=text,
            redactions={_text(kind, "redactions"): count for kind, count in redactions.items()},
            errors=errors,
            perhaps=perhaps,
            chain=tuple(map(_link, _list(self.document.get("chain", []), "chain"))),
            next_step=next_step(errors, bool(text.strip())),
        )

    def _version(self) -> None:
        schema, version = self.document["schema"], self.document.get("version", VERSION)
        if type(schema) is not int or schema < 1 or not isinstance(version, str) or not _VERSION.fullmatch(version):
            raise _damaged("schema")
        if schema > SCHEMA or _numbers(version) > _numbers(VERSION):
            raise ReportError(
                f"This report was made by a newer version ({version}, schema {schema}) than this server has "
                f"({VERSION}, schema {SCHEMA}). Update this server, or open it on the one that made it."
            )

    def _error(self, item: object, text: str) -> JudgedError:
        found = _object(item, "matches")
        error = _known(found.get("id"))
        score = found.get("score")
        if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
            raise _damaged("score")
        proofs = []
        for proof in _list(found.get("evidence", []), "evidence"):
            words = _text(_object(proof, "evidence").get("text"), "evidence")
            start = text.find(words) if words else -1
            place = (start, start + len(words)) if start >= 0 else (0, 0)
            proofs.append(Proof(_text(proof.get("signature"), "evidence"), words, *place))
        entities = {
            _text(name, "entities"): _text(value, "entities")
            for name, value in _object(found.get("entities", {}), "entities").items()
        }
        values = Values(fitting(entities))
        causes = tuple(self._cause(cause, error, values) for cause in _list(found.get("causes", []), "causes"))
        return JudgedError(Match(error, float(score), tuple(proofs)), entities, causes)

    def _cause(self, item: object, error: KnownError, values: Values) -> JudgedCause:
        found = _object(item, "causes")
        known: dict[str, Cause] = {cause.id: cause for cause in error.causes}
        id = found.get("id")
        if not isinstance(id, str) or id not in known:
            raise ReportError(
                f"This report names a cause of {error.id} that this version does not know. It was made by another "
                "version, or changed since."
            )
        ruling = Ruling(
            _member(Verdict, found.get("verdict"), "verdict"),
            _text(found.get("because"), "because"),
            _texts(found.get("quotes", []), "quotes"),
            _texts(found.get("shown", []), "shown"),
            tuple(map(_change, _list(found.get("changes", []), "changes"))),
        )
        return JudgedCause(known[id], ruling, values)


def _known(id: object) -> KnownError:
    error = catalogue.get(id) if isinstance(id, str) else None
    if error is None:
        raise ReportError(
            "This report names an error that this version does not know. It was made by another version, or changed."
        )
    return error


def _change(item: object) -> Change:
    found = _object(item, "changes")
    title, before, after = (_text(found.get(name), "changes") for name in ("title", "before", "after"))
    return Change(title, before, after, _member(Language, found.get("language"), "changes"))


def _link(item: object) -> ChainLink:
    found = _object(item, "chain")
    link, state = _member(Link, found.get("link"), "chain"), _member(LinkState, found.get("state"), "chain")
    return ChainLink(link, state, _text(found.get("because"), "chain"))


def _damaged(where: str) -> ReportError:
    return ReportError(f"This report was damaged or changed: its part “{where}” is not as we write it.")


def _object(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict) or len(value) > _MOST_ITEMS:
        raise _damaged(where)
    return value


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list) or len(value) > _MOST_ITEMS:
        raise _damaged(where)
    return value


def _text(value: object, where: str, longest: int = _LONGEST_LINE) -> str:
    """A text, without secrets: a report that was changed by hand may hold some."""
    if not isinstance(value, str) or len(value) > longest:
        raise _damaged(where)
    return redact.redact(value).text


def _texts(value: object, where: str) -> tuple[str, ...]:
    return tuple(_text(item, where) for item in _list(value, where))


def _member(kind: type[Member], value: object, where: str) -> Member:
    try:
        return kind(str(value))
    except ValueError:
        raise _damaged(where) from None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


# ------------------------------------------------------------------------------------------------- before and after
_NOT_THERE = "not there"


def compare(before: Diagnosis, after: Diagnosis) -> tuple[Difference, ...]:
    """What changed from one report to a later one: errors, then verdicts of causes, then links; empty where nothing."""
    return (*_errors(before, after), *_causes(before, after), *_links(before, after))


def _errors(before: Diagnosis, after: Diagnosis) -> list[Difference]:
    old, new = ({item.match.error.id: item.match.error for item in side.errors} for side in (before, after))
    return [
        Difference(f"The error “{error.title}”", *("there" if id in side else _NOT_THERE for side in (old, new)))
        for id, error in (old | new).items()
        if (id in old) != (id in new)
    ]


def _causes(before: Diagnosis, after: Diagnosis) -> list[Difference]:
    old, new = (
        {
            (judged_error.match.error.id, judged.cause.id): judged
            for judged_error in side.errors
            for judged in judged_error.causes
        }
        for side in (before, after)
    )
    return [
        Difference(
            f"The cause “{old[key].cause.title}”", *(VERDICT_LABELS[side[key].ruling.verdict] for side in (old, new))
        )
        for key in old
        if key in new and old[key].ruling.verdict is not new[key].ruling.verdict
    ]


def _links(before: Diagnosis, after: Diagnosis) -> list[Difference]:
    old, new = ({item.link: item.state for item in side.chain} for side in (before, after))
    return [
        Difference(f"The link “{link}”", *(str(side.get(link, _NOT_THERE)) for side in (old, new)))
        for link in Link
        if old.get(link) is not new.get(link)
    ]


# --------------------------------------------------------------------------------------------------------- the reply
_MOST_OPEN = 5


def reply(diagnosis: Diagnosis, base: str = "") -> str:
    """A draft for the customer, as plain text: the one thing to do first, their causes in order, the links.

    base: the address of this server, for links into its error reference; "" leaves those out.
    """
    if not diagnosis.errors:
        lines = [
            "Hello,",
            "",
            "thank you for your message. We know no EKM error in it and will not guess.",
        ]
        return "\n".join((*lines, f"Please help us with this: {diagnosis.next_step}", "", "Kind regards", ""))
    lines = ["Hello,", "", "thank you for your report. This is what it shows.", ""]
    lines += ["What to do first", f"  {_one_line(diagnosis.next_step)}", ""]
    for judged_error in diagnosis.errors:
        error = judged_error.match.error
        lines += [f"{error.title} ({error.id})", f"  {_one_line(error.summary)}", ""]
        lines += _reply_causes(judged_error)
        lines += ["  Links", *(f"  - {item.title}: {item.url}" for item in error.references)]
        if base:
            lines.append(f"  - All causes, with commands to copy: {base}/errors?error={error.id}")
        lines.append("")
    names = list(dict.fromkeys(LIKE_OURS.findall("\n".join(lines))))
    lines.append("When you have changed something, let OpenAI validate the key again and send us the new report.")
    if names:
        listed = " and ".join(names[:2])
        lines.append(f"Names such as {listed} stand for your own values, which the report does not hold.")
    return "\n".join((*lines, "", "Kind regards", ""))


def _reply_causes(judged_error: JudgedError) -> list[str]:
    lines: list[str] = []
    of = {verdict: [item for item in judged_error.causes if item.ruling.verdict is verdict] for verdict in Verdict}
    for judged in of[Verdict.CONFIRMED]:
        lines += [f"  Confirmed: {judged.cause.title}", f"    How we know: {_one_line(judged.ruling.because)}"]
        lines += [f"    To mend it: {_one_line(judged.fix.summary)}", f"    Who can do it: {judged.cause.who}"]
    still = of[Verdict.CANNOT_TELL]
    if still:
        lines.append(f"  Not decided yet ({len(still)}), the most likely first:")
        lines += [f"    - {judged.cause.title}" for judged in still[:_MOST_OPEN]]
        lines += [f"    - and {len(still) - _MOST_OPEN} more"] if len(still) > _MOST_OPEN else []
    if of[Verdict.RULED_OUT]:
        lines.append(f"  Ruled out: {'; '.join(judged.cause.title for judged in of[Verdict.RULED_OUT])}")
    return [*lines, ""] if lines else []


def _one_line(text: str) -> str:
    return " ".join(text.split())
