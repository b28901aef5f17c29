"""A diagnosis as HTML: pure functions from the core's values to one string, so that one element draws a whole result.

Everything that is not a literal of this file passes ``esc``: a paste, and the values read from it, come out inert.
Only the first cause comes with its body. A result has a dozen causes with several snippets each; building, sending and
drawing the closed ones would take several times as long as all the rest, so they are sent when they are opened (see
``on_demand``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from ekm_core.diagnose import WHERE_TO_COPY
from ekm_core.importing.names import REGISTRATION
from ekm_core.model import (
    ChainLink,
    Change,
    Diagnosis,
    Fix,
    JudgedCause,
    JudgedError,
    KnownError,
    Link,
    LinkState,
    Proof,
    Reference,
    Snippet,
    Verdict,
)
from ekm_core.report import VERDICT_LABELS
from ekm_core.values import field_of

if TYPE_CHECKING:
    from ekm_core.reopen import Difference

VERBATIM = 'tabindex="0" translate="no"'
"""For a ``pre``: the keyboard scrolls it, and no browser that translates the page rewrites what is then copied."""

_SHOWN_TEXT = 6_000
"""A longer paste is shown only around the words that matter; a browser is slow with megabytes of text."""
_ROUND_PROOF = 900
_NARROW = 3
"""So many columns of a table have room in a narrow window."""

_LINKS = {
    Link.IDENTITY: ("Identity", "OpenAI proves who it is"),
    Link.TRUST: ("Trust", "your cloud lets it in"),
    Link.PERMISSION: ("Permission", "it may use the key"),
    Link.NETWORK: ("Network", "it reaches the key"),
    Link.KEY: ("Key", "the key can be used"),
    Link.REQUEST: ("Request", "the call itself is right"),
}
_STATES = {LinkState.PROVEN: "✓ passed", LinkState.BROKEN: "✕ broken here", LinkState.UNKNOWN: "? not shown"}
_REMOVED = re.compile(r"\[removed: ?[A-Za-z]")
_PLACEHOLDER = re.compile(r"&lt;[A-Z][A-Z0-9_]{1,40}&gt;")


def esc(text: str) -> str:
    """Text as HTML that shows exactly this text, in content and in quoted attributes."""
    return escape(text, quote=True)


def page(*parts: str) -> str:
    """One block with our styles."""
    return f'<div class="ekm">{"".join(parts)}</div>'


def note(text: str, *, bad: bool = False) -> str:
    """One plain sentence in a box."""
    return f'<div class="ekm-note{" bad" if bad else ""}" role="status"><p>{esc(text)}</p></div>'


def sentences(said: Sequence[str], *, head: str = "", bad: bool = False) -> str:
    """Sentences in a box, one a line. head: what they are about, above them."""
    if len(said) == 1 and not head:
        return note(said[0], bad=bad)
    items = "".join(f"<li>{esc(sentence)}</li>" for sentence in said)
    above = f"<p>{esc(head)}</p>" if head else ""
    return f'<div class="ekm-note{" bad" if bad else ""}" role="status">{above}<ul>{items}</ul></div>'


def deferred(html: str, turn: int = 0) -> str:
    """One of our own pieces as an attribute, from which the script puts it in its place.

    turn: which answer of the session it is, so that no cause gets the body of an earlier one.

    The front end's sanitiser, which takes longer than all else on the page, then has one element to look at. The piece
    must hold nothing that ``esc`` has not made inert; the page's policy lets no inline script run beside that.
    Where it stands in sight or below, what stands above it is painted first.
    """
    return f'<div class="ekm-deferred" data-turn="{turn}" data-html="{esc(html)}"></div>'


def head_of(turn: int, html: str) -> str:
    """What a click on Diagnose draws at once; the script asks for what stands below it (see ``on_demand``)."""
    return f'<div class="ekm-answer" data-turn="{turn}">{html}</div>'


def differences(found: Sequence[Difference]) -> str:
    """What changed between two reports, as a table."""
    if not found:
        return note("Nothing changed: the same errors, the same verdicts, the same links.")
    return table(("What", "Before", "After"), [(item.what, item.before, item.after) for item in found])


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows of plain texts under their headings."""
    titles = "".join(f"<th>{esc(title)}</th>" for title in head)
    body = "".join(f"<tr>{''.join(f'<td>{esc(cell)}</td>' for cell in row)}</tr>" for row in rows)
    # A wide one moves sideways in a narrow window: by the keyboard too.
    wide = ' class="ekm-table wide" tabindex="0"' if len(head) > _NARROW else ' class="ekm-table"'
    return f"<div{wide}><table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>"


def folded_table(head: Sequence[str], rows: Sequence[Sequence[str]], most: int) -> str:
    """A table whose rows behind the first ``most`` open with a click."""
    shown = table(head, rows[:most])
    if rest := rows[most:]:
        shown += f'<details class="ekm-fold"><summary>{len(rest):,} more</summary>{table(head, rest)}</details>'
    return shown


def how_it_works() -> str:
    """What to expect, for a person who has pasted nothing yet."""
    return page(
        '<div class="ekm-note"><h3 class="ekm-values">How it works</h3><ol>'
        "<li>Paste what OpenAI, AWS, Google Cloud or Azure answered.</li>"
        "<li>Read which error it is, and which causes your text confirms or rules out.</li>"
        "<li>Add your own values, so that every fix carries them, and copy the fix.</li></ol>"
        "<p>Where the text does not decide, we say so and tell you where to look. What you registered and what your "
        "cloud says can prove it: give them under Configuration.</p></div>"
    )


def answer(diagnosis: Diagnosis) -> str:
    """What a person reads first about a paste that holds a known error: the next step, and which error it is.

    Short on purpose: it is sent and drawn before all that stands below it (``details``).
    """
    return page(
        _next_step(diagnosis),
        _further(diagnosis.errors[1:]),
        f'<article class="ekm-finding">{_head(diagnosis.errors[0].match.error)}</article>',
    )


def _further(errors: Sequence[JudgedError]) -> str:
    """That the text holds more errors than the one on top, each with the way to it: they stand a long way below."""
    if not errors:
        return ""
    count = "one more error" if len(errors) == 1 else f"{len(errors)} more errors"
    items = "".join(
        f'<li><button type="button" class="ekm-goto" data-error="{esc(item.match.error.id)}">'
        f"{esc(item.match.error.title)}</button> ({esc(item.match.error.provider.label)})</li>"
        for item in errors
    )
    return f'<p class="ekm-further">Your text holds {count}, further down:</p><ul>{items}</ul>'


def details(diagnosis: Diagnosis) -> str:
    """All that stands below ``answer``: the chain, the text, the causes, the sources, and any further errors."""
    parts = [chain(diagnosis.chain), text_block(diagnosis)]
    for number, judged_error in enumerate(diagnosis.errors):
        error = judged_error.match.error
        below = causes(error, judged_error.causes) + sources(error.references)
        whole = (
            f'<article class="ekm-finding" tabindex="-1" data-error="{esc(error.id)}">{_head(error)}{below}</article>'
        )
        parts.append(whole if number else below)
    return page(*parts)


def unknown(diagnosis: Diagnosis) -> str:
    """What a person reads whose text holds no error that we know."""
    copy = "".join(f"<li>{esc(sentence)}</li>" for sentence in WHERE_TO_COPY.values())
    return page(
        "<h2>No known error in this text</h2>",
        "<p>We do not recognise an EKM error here, so we name no cause. A wrong fix would cost you more than none.</p>",
        "<h3>What to copy instead</h3>",
        "<p>Copy the whole message, from its first line to its last. It stands here:</p>",
        f"<ul>{copy}</ul>",
        text_block(diagnosis),
    )


def _next_step(diagnosis: Diagnosis) -> str:
    first = next(iter(diagnosis.errors[0].causes), None)
    proven = ""
    if first and first.ruling.verdict is Verdict.CONFIRMED:
        # The next step is its fix then, and does not name it.
        proven = f"<p>{_chip(Verdict.CONFIRMED)} <b>{esc(first.cause.title)}</b></p>"
    return f'<div class="ekm-next">{proven}<strong>Next step</strong>{esc(diagnosis.next_step)}</div>'


def _chip(verdict: Verdict) -> str:
    return f'<span class="ekm-chip {verdict}">{VERDICT_LABELS[verdict]}</span>'


def _head(error: KnownError, heading: str = "h2") -> str:
    return (
        f'<p class="ekm-eyebrow"><span class="ekm-chip cloud">{esc(error.provider.label)}</span>'
        f"<code>{esc(error.id)}</code></p><{heading}>{esc(error.title)}</{heading}><p>{esc(error.summary)}</p>"
    )


def link_words(link: Link) -> tuple[str, str]:
    """A link of the chain in words: its name, and what happens there."""
    return _LINKS[link]


def chain(links: Sequence[ChainLink]) -> str:
    """The links of the request in order, each with its state in words."""
    if not links:
        return ""
    items = "".join(
        f'<li class="{item.state}" title="{esc(item.because)}"><b>{_LINKS[item.link][0]}</b>'
        f'{_LINKS[item.link][1]}<br><span class="state">{_STATES[item.state]}</span></li>'
        for item in links
    )
    return f'<h3>Where the request stops</h3><ol class="ekm-chain">{items}</ol>'


def text_block(diagnosis: Diagnosis) -> str:
    """The redacted text with the proving words marked, and what was removed from it, by kind and count."""
    proofs = [proof for judged_error in diagnosis.errors for proof in judged_error.match.proofs]
    words = "The marked words decide." if proofs else "This is what we read."
    removed = "Nothing in it looked like a secret."
    if diagnosis.redactions:
        kinds = ", ".join(f"{count} × {kind}" for kind, count in diagnosis.redactions.items())
        removed = f"Removed before anything read it: {kinds}."
    return (
        f'<h3>Your text</h3><p class="ekm-quiet">{words} {esc(removed)}</p>'
        f'<pre class="ekm-text" {VERBATIM} aria-label="Your text">{highlighted(diagnosis.text, proofs)}</pre>'
    )


def highlighted(text: str, proofs: Iterable[Proof]) -> str:
    """The text as HTML with the proofs in ``<mark>``; a long text only around them, the gaps counted."""
    spans = _merged((max(0, proof.start), min(len(text), proof.end)) for proof in proofs)
    if len(text) <= _SHOWN_TEXT:
        shown = [(0, len(text))]
    elif spans:
        # At most so many places: a hostile paste may match in very many.
        near = [(max(0, start - _ROUND_PROOF), min(len(text), end + _ROUND_PROOF)) for start, end in spans[:4]]
        shown = _merged(near)
    else:
        shown = [(0, _SHOWN_TEXT)]
    pieces = []
    position = 0
    for begin, finish in shown:
        finish = min(finish, begin + _SHOWN_TEXT)
        pieces.append(_gap(begin - position))
        position = begin
        for start, end in spans:
            start, end = max(start, position), min(end, finish)
            if start < end:
                pieces.append(f"{esc(text[position:start])}<mark>{esc(text[start:end])}</mark>")
                position = end
        pieces.append(esc(text[position:finish]))
        position = finish
    pieces.append(_gap(len(text) - position))
    return "".join(pieces)


def _gap(count: int) -> str:
    return f'<span class="ekm-cut">\n… {count:,} characters not shown …\n</span>' if count > 0 else ""


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif start < end:
            merged.append((start, end))
    return merged


def causes(error: KnownError, judged: Sequence[JudgedCause], *, judgement: bool = True) -> str:
    """The causes as a list that opens one by one; the first is open.

    judgement: False where there is no text to judge, as in the reference.
    """
    if not judged:
        return ""
    counts = {verdict: sum(item.ruling.verdict is verdict for item in judged) for verdict in Verdict}
    if not judgement:
        said = "Open one to see how to look for it and how to mend it."
    elif counts[Verdict.CONFIRMED]:
        by = "Your set-up confirms" if judged[0].ruling.shown else "Your text confirms"
        count = counts[Verdict.CONFIRMED]
        said = f"{by} the first{f' {count}' if count > 1 else ''}."
    elif any(item.ruling.shown or item.ruling.missing for item in judged):
        said = "What you gave does not decide between them yet."
    else:
        said = (
            "Your text alone does not decide between them. The most common stand first. Your configuration and the "
            "answers of your cloud decide: give them under Configuration."
        )
    if judgement and counts[Verdict.RULED_OUT]:
        said += f" {counts[Verdict.RULED_OUT]} ruled out."
    cards = "".join(_card(error, item, number == 0, judgement) for number, item in enumerate(judged))
    return f'<h3>Possible causes ({len(judged)})</h3><p class="ekm-quiet">{said}</p>{cards}'


def cause_key(error: KnownError, item: JudgedCause) -> str:
    """What names one cause in a page."""
    return f"{error.id}/{item.cause.id}"


def _card(error: KnownError, item: JudgedCause, opened: bool, judgement: bool) -> str:
    verdict = item.ruling.verdict
    chip = _chip(verdict) if judgement else ""
    key = cause_key(error, item)
    # As an attribute the body does not pass the front end's sanitiser, which takes longer than all else on the page;
    # it holds nothing that ``esc`` has not made inert.
    body = f' open data-body="{esc(_body(item, key, judgement))}"' if opened else ""
    return (
        f'<details class="ekm-cause{f" {verdict}" if judgement else ""}" data-cause="{esc(key)}"{body}>'
        f'<summary>{chip}<h4>{esc(item.cause.title)}</h4></summary><div class="ekm-body"></div></details>'
    )


def store(error: KnownError, judged: Sequence[JudgedCause], keys: Iterable[str], *, judgement: bool = True) -> str:
    """The bodies of the causes that were opened, not drawn: the script moves each into its cause."""
    wanted = set(keys)
    return "".join(
        f'<div data-for="{esc(key)}" data-body="{esc(_body(item, key, judgement))}"></div>'
        for item in judged
        if (key := cause_key(error, item)) in wanted
    )


def _body(item: JudgedCause, key: str, judgement: bool) -> str:
    cause, ruling = item.cause, item.ruling
    parts = [f"<p>{esc(cause.why)}</p>"]
    if judgement:
        parts.append(f"<p><b>How we know:</b> {esc(ruling.because)}</p>")
        parts += [f"<blockquote>{esc(proof)}</blockquote>" for proof in (*ruling.quotes, *ruling.shown)]
        if ruling.verdict is Verdict.RULED_OUT:
            return "".join(parts)
        if ruling.changes:
            parts.append(f"<h4>The smallest change</h4>{''.join(map(change_block, ruling.changes))}")
        if ruling.missing:
            how = "Run it and give its output under Configuration."
            parts.append(f"<h4>What would decide it</h4><p>{how}</p>{_snippets(ruling.missing)}")
    look, fix = item.look, item.fix
    if look.console or look.commands:
        parts.append(f"<h4>How to look</h4>{_steps(look.console)}{_snippets(look.commands)}")
    parts.append(f"<h4>How to mend it</h4><p>{esc(fix.summary)}</p>{_ways(fix, esc(key.replace('/', '-')))}")
    if fix.verify:
        parts.append(f"<h4>How to prove that it is mended</h4>{_snippets(fix.verify)}")
    wait = "Waiting does not help."
    if cause.wait:
        wait = f"Up to {_minutes(cause.wait.minutes)}. {cause.wait.what}. After that, waiting is no longer the answer."
    parts.append(
        f'<dl class="ekm-facts"><dt>Who can do it</dt><dd>{esc(cause.who)}</dd>'
        f"<dt>How long to wait</dt><dd>{esc(wait)}</dd></dl>"
    )
    return "".join(parts)


def _minutes(count: int) -> str:
    return f"{count} minutes" if count < 120 else f"{count // 60} hours"


def _ways(fix: Fix, prefix: str) -> str:
    """The fix by console, command line and Terraform; the documents stand with the ways that need them."""
    documents = _snippets(fix.policies)
    ways = [
        (
            "console",
            "Console",
            f"{_steps(fix.console)}{documents}" if fix.console or (documents and not fix.cli) else "",
        ),
        ("cli", "CLI", f"{_snippets(fix.cli)}{documents}" if fix.cli else ""),
        ("terraform", "Terraform", _snippets(fix.terraform)),
    ]
    ways = [way for way in ways if way[2]]
    if len(ways) < 2:
        return "".join(panel for _, _, panel in ways)
    tabs = "".join(
        f'<button type="button" role="tab" id="{prefix}-{way}-tab" aria-controls="{prefix}-{way}" data-way="{way}" '
        f'aria-selected="{"false" if number else "true"}" tabindex="{-1 if number else 0}">{label}</button>'
        for number, (way, label, _) in enumerate(ways)
    )
    panels = "".join(
        f'<div role="tabpanel" id="{prefix}-{way}" aria-labelledby="{prefix}-{way}-tab"{" hidden" if number else ""}>'
        f"{panel}</div>"
        for number, (way, _, panel) in enumerate(ways)
    )
    return f'<div class="ekm-tabs" role="tablist" aria-label="Ways to mend it">{tabs}</div>{panels}'


def _steps(steps: Sequence[str]) -> str:
    if not steps:
        return ""
    return f"<ol>{''.join(f'<li>{_marked(esc(step))}</li>' for step in steps)}</ol>"


def _marked(html: str) -> str:
    """Open placeholders stand out, so that nobody takes them for words to type."""
    return _PLACEHOLDER.sub(lambda hit: f'<mark class="ekm-open">{hit[0]}</mark>', html)


def _snippets(snippets: Iterable[Snippet]) -> str:
    return "".join(map(snippet_block, snippets))


def snippet_block(snippet: Snippet) -> str:
    """One snippet with its copy button; open placeholders are marked, and named below it."""
    text = esc(snippet.text)
    still_open = ""
    if snippet.placeholders:
        text = _marked(text)
        names = ", ".join(f"<code>{esc(name)}</code> ({_how_to_fill(name)})" for name in snippet.placeholders)
        still_open = f'<p class="ekm-openlist">Still open: {names}</p>'
    return (
        f'<div class="ekm-snippet"><div class="ekm-snippet-head"><span>{esc(snippet.title)}</span>'
        f'<button type="button" class="ekm-copy" data-open="{len(snippet.placeholders)}" '
        f'aria-label="Copy: {esc(snippet.title)}">Copy</button></div>'
        f"<pre {VERBATIM}><code>{text}</code></pre>{still_open}</div>"
    )


def _how_to_fill(placeholder: str) -> str:
    """The field that fills a placeholder, as a button that leads there.

    Not every open value has one: some ids, such as a policy's, only a command's answer tells.
    """
    field = field_of(placeholder)
    if field is None:
        return "by hand"
    keys = " ".join((f"value_{field.name}", f"form_{field.name}", *_registered_as(field.name)))
    label = f"Go to the field {field.label}"
    return (
        f'give <button type="button" class="ekm-goto" data-fields="{keys}" aria-label="{label}">{field.label}</button>'
    )


def _registered_as(name: str) -> Iterator[str]:
    for provider, fields in REGISTRATION.items():
        yield from (f"form_{provider}_{field}" for field, core in fields.items() if core == name)


def folded(title: str, snippet: Snippet) -> str:
    """A snippet behind its title."""
    return f'<details class="ekm-fold"><summary><code>{esc(title)}</code></summary>{snippet_block(snippet)}</details>'


def change_block(change: Change) -> str:
    """A change of the user's own document: the diff, and the whole corrected document to copy.

    The lines keep their + and -, so that colour is not all that tells them apart.
    """
    kinds = {"+": "add", "-": "del"}
    head, *rest = change.diff.partition("\n@@")
    lines = f'<span class="at">{esc(head)}\n</span>' if head else ""
    lines += "".join(
        f'<span class="{"at" if line.startswith("@@") else kinds.get(line[:1], "same")}">{esc(line)}\n</span>'
        for line in "".join(rest).lstrip("\n").splitlines()
    )
    title = esc(change.title)
    diff = (
        f'<div class="ekm-snippet"><div class="ekm-snippet-head"><span>{title}: the change</span>'
        f'<button type="button" class="ekm-copy" aria-label="Copy the diff: {title}">Copy diff</button></div>'
        f'<pre {VERBATIM} class="ekm-diff"><code>{lines}</code></pre></div>'
    )
    if _REMOVED.search(change.after):
        # A policy that is written back with a marker in place of a person's address would lock that person out.
        return (
            f'{diff}<p class="ekm-openlist">We removed addresses or secrets from what you gave, so there is no whole '
            "document to copy. Make the marked change in your own document, and keep its other lines.</p>"
        )
    return (
        f'{diff}<div class="ekm-snippet"><div class="ekm-snippet-head">'
        f"<span>{title}: the whole corrected document</span>"
        f'<button type="button" class="ekm-copy" aria-label="Copy the whole document: {title}">Copy document</button>'
        f'</div><details class="ekm-fold"><summary>Show it</summary><pre {VERBATIM}><code>{esc(change.after)}</code>'
        "</pre></details></div>"
    )


def sources(references: Sequence[Reference]) -> str:
    """Where the facts come from, each with the day on which it was read."""
    if not references:
        return ""
    items = "".join(
        f'<li><a href="{esc(item.url)}" target="_blank" rel="noopener noreferrer">{esc(item.title)}</a>, '
        f"{item.dated}</li>"
        for item in references
        if item.url.startswith("https://")
    )
    return f'<h3>Sources</h3><ul class="ekm-sources">{items}</ul>'


def entry(error: KnownError, judged: Sequence[JudgedCause]) -> str:
    """One entry of the reference: what it is, how it reads, its causes, its sources, and its stable address."""
    samples = "".join(
        f'<pre class="ekm-text" {VERBATIM} aria-label="A real message">{esc(sample.text)}</pre>'
        for sample in error.samples[:1]
    )
    name, meaning = _LINKS[error.link]
    return page(
        _head(error, "h1"),
        f'<p class="ekm-quiet">It breaks this link of the request: <b>{name}</b> ({meaning}).</p>',
        f'<p><button type="button" class="ekm-copy" data-link="{esc(error.id)}">Copy link to this error</button></p>',
        f"<h3>How it reads</h3>{samples}" if samples else "",
        causes(error, judged, judgement=False),
        sources(error.references),
    )


def value_problem(problem: str) -> str:
    """The sentence about a typed value that does not fit; such a value is not used."""
    return page(f'<p class="ekm-said bad" role="alert">Not used yet: {esc(problem)}</p>')
