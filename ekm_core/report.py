"""A diagnosis as JSON and as Markdown.

Two audiences: the user's own screen or terminal (``as_dict``: their identifiers stand in it, secrets do not) and
anything made for sharing (``to_json``, ``to_markdown``: identifiers become stable pseudonyms such as account-1).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ekm_core import VERSION
from ekm_core.model import (
    ChainLink,
    Change,
    Diagnosis,
    Entity,
    Finding,
    Fix,
    JudgedCause,
    JudgedError,
    KnownError,
    Look,
    Reference,
    Snippet,
    Verdict,
)
from ekm_core.pseudonyms import Pseudonyms

if TYPE_CHECKING:
    from ekm_core.check import Checked

SCHEMA = 1

COPY_HEADING = "For opening this report again"
"""Behind it stands, at the end of the Markdown, what ``reopen`` reads: the verdicts and their evidence as JSON."""

VERDICT_LABELS = {
    Verdict.CONFIRMED: "Confirmed",
    Verdict.CANNOT_TELL: "Cannot tell yet",
    Verdict.RULED_OUT: "Ruled out",
}


def as_dict(diagnosis: Diagnosis) -> dict[str, Any]:
    """The public JSON form (schema 1), with the user's own identifiers and without secrets."""
    return {
        "schema": SCHEMA,
        "redactions": dict(diagnosis.redactions),
        "matches": [_judged_error(judged_error) for judged_error in diagnosis.errors],
        "chain": [_link(item) for item in diagnosis.chain],
        "perhaps": [{"id": error.id, "title": error.title} for error in diagnosis.perhaps],
        "next_step": diagnosis.next_step,
    }


def checked_dict(checked: Checked) -> dict[str, Any]:
    """The public JSON form of a check (schema 1), with the user's own identifiers and without secrets."""
    return {
        "schema": SCHEMA,
        "findings": [_finding(finding) for finding in checked.findings],
        "chain": [_link(item) for item in checked.chain],
        "missing": [_snippet(item) for item in checked.missing],
    }


def listed_dict(error: KnownError) -> dict[str, Any]:
    """One entry of the catalogue in short, for a list of them."""
    return {
        "id": error.id,
        "provider": error.provider,
        "title": error.title,
        "summary": error.summary,
        "link": error.link,
    }


def entry_dict(error: KnownError, causes: Iterable[JudgedCause]) -> dict[str, Any]:
    """One entry of the catalogue (schema 1); open values stand as ``<NAME>`` and are listed as placeholders."""
    return {
        "schema": SCHEMA,
        **listed_dict(error),
        "samples": [sample.text for sample in error.samples],
        "causes": [
            {
                "id": judged.cause.id,
                "title": judged.cause.title,
                "why": judged.cause.why,
                **_repair(judged),
            }
            for judged in causes
        ],
        "references": [_reference(item) for item in error.references],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "status": finding.status,
        "link": finding.link,
        "title": finding.title,
        "saw": finding.saw,
        "means": finding.means,
        "next_step": finding.next_step,
        "field": finding.field,
        "errors": list(finding.errors),
        "reference": _reference(finding.reference) if finding.reference else None,
        "changes": [_change(change) for change in finding.changes],
        "missing": [_snippet(item) for item in finding.missing],
    }


def _link(item: ChainLink) -> dict[str, str]:
    return {"link": item.link, "state": item.state, "because": item.because}


def _reference(reference: Reference) -> dict[str, Any]:
    read = reference.read.isoformat() if reference.read else None
    return {"title": reference.title, "url": reference.url, "read": read}


def to_json(diagnosis: Diagnosis) -> str:
    """The report to share: the public form plus the redacted text, with pseudonyms for every identifier."""
    names = _pseudonyms(diagnosis)
    more = {"version": VERSION, "text": diagnosis.text, "pseudonyms": dict(names.table)}
    return json.dumps(_renamed({**as_dict(diagnosis), **more}, names), indent=2, ensure_ascii=False)


def to_markdown(diagnosis: Diagnosis) -> str:
    """The report to share, as Markdown, with pseudonyms for every identifier."""
    lines = ["# EKM Troubleshooter report", "", f"Next step: {_inline(diagnosis.next_step)}", ""]
    if diagnosis.redactions:
        removed = ", ".join(f"{count} × {kind}" for kind, count in diagnosis.redactions.items())
        lines += [f"Removed from the text: {removed}.", ""]
    lines += ["## The message", "", *_fenced(diagnosis.text), ""]
    if not diagnosis.errors:
        lines += ["No known error stands in this text.", ""]
    if diagnosis.perhaps:
        lines += ["Perhaps (not a match):", "", *(f"- {error.title} (`{error.id}`)" for error in diagnosis.perhaps), ""]
    for judged_error in diagnosis.errors:
        lines += _error_lines(judged_error)
    if diagnosis.chain:
        lines += ["## The chain", ""]
        lines += [f"- {item.link}: {item.state}. {_inline(item.because)}" for item in diagnosis.chain]
        lines.append("")
    names = _pseudonyms(diagnosis)
    copy = json.dumps(_renamed(_copy(diagnosis), names))  # plain ASCII: nothing in it can end a line
    lines = [names.apply("\n".join(lines)), f"## {COPY_HEADING}", "", *_fenced(copy, "json"), ""]
    return "\n".join(lines)


def _copy(diagnosis: Diagnosis) -> dict[str, Any]:
    """The public form without what the catalogue knows: looks, fixes and sources are built anew from the ids."""
    whole = as_dict(diagnosis)
    ruling = ("id", "verdict", "because", "quotes", "shown", "changes")
    matches = [
        {name: match[name] for name in ("id", "score", "evidence", "entities")}
        | {"causes": [{name: cause[name] for name in ruling} for cause in match["causes"]]}
        for match in whole["matches"]
    ]
    return {**whole, "version": VERSION, "text": diagnosis.text, "matches": matches}


def explain(error: KnownError, causes: Iterable[JudgedCause]) -> str:
    """One entry of the catalogue as Markdown; open values stand as ``<NAME>``."""
    lines = [f"# {error.title}", "", f"`{error.id}` · {error.provider.label} · breaks the link: {error.link}", ""]
    lines += [error.summary, ""]
    if error.samples:
        lines += ["## How it reads", ""]
        for sample in error.samples:
            lines += [*_fenced(sample.text), ""]
    lines += ["## Possible causes", ""]
    for judged in causes:
        lines += _cause_lines(judged, "###", verdict=False)
    lines += ["## Sources", "", *map(_reference_line, error.references), ""]
    return "\n".join(lines)


def _judged_error(judged_error: JudgedError) -> dict[str, Any]:
    match = judged_error.match
    return {
        "id": match.error.id,
        "provider": match.error.provider,
        "title": match.error.title,
        "score": match.score,
        "evidence": [{"signature": proof.signature, "text": proof.text} for proof in match.proofs],
        "entities": dict(judged_error.entities),
        "causes": [
            {
                "id": judged.cause.id,
                "title": judged.cause.title,
                "verdict": judged.ruling.verdict,
                "because": judged.ruling.because,
                "quotes": list(judged.ruling.quotes),
                "shown": list(judged.ruling.shown),
                "changes": [_change(change) for change in judged.ruling.changes],
                "missing": [_snippet(item) for item in judged.ruling.missing],
                **_repair(judged),
            }
            for judged in judged_error.causes
        ],
        "references": [_reference(item) for item in match.error.references],
    }


def _repair(judged: JudgedCause) -> dict[str, Any]:
    return {
        "look": _look(judged.look),
        "fix": _fix(judged.fix),
        "who": judged.cause.who,
        "wait_minutes": judged.cause.wait.minutes if judged.cause.wait else None,
    }


def _change(change: Change) -> dict[str, Any]:
    """A change of the user's own document: the document before and after, and the diff of the two."""
    return {
        "title": change.title,
        "language": change.language,
        "diff": change.diff,
        "before": change.before,
        "after": change.after,
    }


def _snippet(snippet: Snippet) -> dict[str, Any]:
    return {
        "title": snippet.title,
        "language": snippet.language,
        "text": snippet.text,
        "placeholders": list(snippet.placeholders),
    }


def _look(look: Look) -> dict[str, Any]:
    return {"console": list(look.console), "commands": [_snippet(item) for item in look.commands]}


def _fix(fix: Fix) -> dict[str, Any]:
    return {
        "summary": fix.summary,
        "console": list(fix.console),
        "cli": [_snippet(item) for item in fix.cli],
        "terraform": [_snippet(item) for item in fix.terraform],
        "policies": [_snippet(item) for item in fix.policies],
        "verify": [_snippet(item) for item in fix.verify],
    }


def _error_lines(judged_error: JudgedError) -> list[str]:
    error = judged_error.match.error
    lines = [f"## {error.title}", "", f"`{error.id}` · {error.provider.label}", "", error.summary, ""]
    lines += ["Proved by:", "", *(f"- {_inline(proof.text)}" for proof in judged_error.match.proofs), ""]
    if judged_error.entities:
        lines += ["Values in the text:", ""]
        lines += [f"- {name}: {_inline(value)}" for name, value in judged_error.entities.items()]
        lines.append("")
    for judged in judged_error.causes:
        lines += _cause_lines(judged, "###", verdict=True)
    lines += ["Sources:", "", *map(_reference_line, error.references), ""]
    return lines


def _cause_lines(judged: JudgedCause, heading: str, verdict: bool) -> list[str]:
    cause, ruling, fix = judged.cause, judged.ruling, judged.fix
    label = f"{VERDICT_LABELS[ruling.verdict]}: " if verdict else ""
    lines = [f"{heading} {label}{cause.title}", "", cause.why, ""]
    if verdict:
        lines += [_inline(ruling.because), ""]
        proving = (*ruling.quotes, *ruling.shown)
        lines += [f"> {_inline(quote)}" for quote in proving]
        if proving:
            lines.append("")
        if ruling.verdict is Verdict.RULED_OUT:
            return lines
    if judged.look.console or judged.look.commands:
        lines += ["How to look:", "", *(f"{n}. {_inline(step)}" for n, step in enumerate(judged.look.console, 1)), ""]
        lines += _snippet_lines(judged.look.commands)
    lines += [f"Fix: {_inline(fix.summary)}", ""]
    lines += [f"{number}. {_inline(step)}" for number, step in enumerate(fix.console, 1)]
    if fix.console:
        lines.append("")
    for change in ruling.changes:
        lines += [f"{change.title}, the change:", "", *_fenced(change.diff, "diff"), ""]
    lines += _snippet_lines((*fix.policies, *fix.cli, *fix.terraform, *fix.verify))
    if fix.placeholders:
        lines += [f"Still open: {', '.join(fix.placeholders)}.", ""]
    lines += [f"Who can do it: {cause.who}.", ""]
    if cause.wait:
        lines += [f"Waiting: {cause.wait.what}; after {cause.wait.minutes} minutes it is something else.", ""]
    return lines


def _snippet_lines(snippets: Iterable[Snippet]) -> list[str]:
    lines = []
    for snippet in snippets:
        lines += [f"{snippet.title}:", "", *_fenced(snippet.text, snippet.language), ""]
    return lines


def _fenced(text: str, language: str = "") -> list[str]:
    """A code block that no run of backticks in the text can close."""
    longest = run = 0
    for character in text:
        run = run + 1 if character == "`" else 0
        longest = max(longest, run)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *text.splitlines(), fence]


_MARKUP = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]<>#|!~"})


def _inline(text: str) -> str:
    """Text of a paste on one line of Markdown, with its markup inert."""
    return " ".join(text.translate(_MARKUP).split())


def _reference_line(reference: Reference) -> str:
    return f"- [{reference.title}]({reference.url}), {reference.dated}"


def _pseudonyms(diagnosis: Diagnosis) -> Pseudonyms:
    found = [
        Entity(name, value, 0, 0) for judged_error in diagnosis.errors for name, value in judged_error.entities.items()
    ]
    found += [Entity(name, value, 0, 0) for name, value in diagnosis.typed.items()]
    rulings = [judged.ruling for judged_error in diagnosis.errors for judged in judged_error.causes]
    proving = [
        line
        for ruling in rulings
        for line in (ruling.because, *ruling.shown, *(change.before + change.after for change in ruling.changes))
    ]
    return Pseudonyms.of(found, "\n".join((diagnosis.text, *proving)))


# A role may be called "other", which is a part of an id of ours: renamed, the report could not be read again.
_OURS = frozenset({"id", "provider", "signature", "verdict", "link", "state", "language", "url", "version"})


def _renamed(value: object, names: Pseudonyms) -> object:
    if isinstance(value, str):
        return names.apply(value)
    if isinstance(value, dict):
        return {key: item if key in _OURS else _renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    return value
