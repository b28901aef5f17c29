"""A live check as HTML: pure functions from a ``Record`` to one string. Every value passes ``markup.esc``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ekm_core.evidence import State
from ekm_core.model import Configuration, Snippet
from ekm_core.openai.evidence import Validation
from ekm_core.probing.record import Line, Record
from ekm_core.probing.step import Trouble
from pages.components import findings, markup
from pages.components.evidence import CHIPS

_ANSWERED = (State.SEEN, State.ABSENT)
_WORDS = {
    Trouble.CREDENTIALS: "Credentials",
    Trouble.DISABLED: "API switched off",
    Trouble.THROTTLED: "Slowed down",
    Trouble.NETWORK_RULE: "Firewall",
    Trouble.TIMEOUT: "Too slow",
    Trouble.DNS: "Unknown host",
    Trouble.PROXY: "Proxy",
    Trouble.CONNECTION: "Connection",
    Trouble.BAD_ANSWER: "Bad answer",
    Trouble.FORBIDDEN_TARGET: "Not called",
    Trouble.CANCELLED: "Cancelled",
    Trouble.OURS: "Our fault",
}


def reads(configured: Configuration, titles: Sequence[str], permissions: Sequence[Snippet]) -> str:
    """What a run will read, and the permissions to grant before it."""
    items = "".join(f"<li>{markup.esc(title)}</li>" for title in titles)
    return markup.page(
        f"<p>From your {markup.esc(configured.provider.label)} set-up, all of it read-only:</p><ul>{items}</ul>"
        '<details class="ekm-fold"><summary>The permissions to grant before the run</summary>'
        "<p>They go to whoever's credentials you use below, not to OpenAI. Take them away again afterwards.</p>"
        f"{''.join(map(markup.snippet_block, permissions))}</details>"
    )


def progress(record: Record, base: str = "") -> str:
    """Each call of a run that is under way. base: the prefix of the app's addresses."""
    return markup.page(_list(record.lines.values(), base))


def outcomes(record: Record, base: str = "") -> str:
    """Each call of a run that is over: first those without an answer, then the others, folded."""
    answered = [line for line in record.lines.values() if line.ended and line.ended.state in _ANSWERED]
    others = [line for line in record.lines.values() if line not in answered]
    folded = ""
    if answered:
        count = f"{len(answered)} {'call' if len(answered) == 1 else 'calls'}"
        folded = f'<details class="ekm-fold"><summary>✓ {count} answered</summary>{_list(answered, base)}</details>'
    return markup.page(_list(others, base, over=True), folded)


def _list(found: Iterable[Line], base: str, *, over: bool = False) -> str:
    items = "".join(_line(line, base, over) for line in found)
    return f'<ul class="ekm-rows ekm-steps">{items}</ul>' if items else ""


def _line(line: Line, base: str, over: bool) -> str:
    planned, end = line.planned, line.ended
    if end is None:
        label = "Not read" if over else "Reading …" if line.started else "Waits"
        return _row("cannot_tell" if over else "ruled_out", label, planned.title, "", planned.command)
    kind, label = CHIPS.get(end.state, CHIPS[State.FAILED])
    if end.state is State.FAILED and end.trouble:
        label = _WORDS.get(end.trouble, label)
    said = markup.esc(end.sentence)
    if end.permission:
        said += f" Missing permission: <code>{markup.esc(end.permission)}</code>."
    if end.errors:
        links = " · ".join(findings.error_link(error, base) for error in end.errors)
        said += f" Known error: {links}."
    return _row(kind, label, planned.title, said, planned.command)


def _row(kind: str, label: str, title: str, said: str, command: str) -> str:
    said = f"<p>{said}</p>" if said else ""
    shown = " ".join(command.split())[:300]
    command = f"<p><code>{markup.esc(shown)}</code></p>" if shown else ""
    title = markup.esc(title)
    return f'<li><span class="ekm-chip {kind}">{label}</span><div><span>{title}</span>{said}{command}</div></li>'


def summary(record: Record, advice: Sequence[str] = ()) -> str:
    """How much was read, why it ended early where it did, and what was unwise about the credentials."""
    ended = record.ended
    read = sum(end.state in _ANSWERED for end in ended)
    refused = sum(end.state is State.REFUSED for end in ended)
    said = f"{read} of {len(record.lines)} {'call' if len(record.lines) == 1 else 'calls'} answered."
    if refused:
        said += f" {refused} {'was' if refused == 1 else 'were'} refused: a permission of yours is missing."
    stopped = f"{record.stopped} " if record.stopped else ""
    if advice:
        return markup.page(markup.sentences((f"{stopped}{said}", *advice), bad=bool(stopped)))
    return markup.page(markup.note(f"{stopped}{said}", bad=bool(stopped)))


def validation(found: Validation, name: str) -> str:
    """What OpenAI itself met when it used a key. name: the key's, as it was registered."""
    if not found.error:
        return markup.page(
            '<div class="ekm-next" role="status"><strong>OpenAI could use the key</strong>'
            f"<p>{markup.esc(name)}: OpenAI's own identity encrypted and decrypted with it just now.</p></div>"
        )
    return markup.page(
        '<div class="ekm-next bad" role="status"><strong>OpenAI could not use the key</strong>'
        f"<p>{markup.esc(name)}: this is what OpenAI met just now.</p></div>"
        f'<pre class="ekm-text" {markup.VERBATIM} aria-label="What OpenAI met">{markup.esc(found.error)}</pre>'
    )


def differences(key: Configuration, fields: Sequence[str]) -> str:
    """In which fields the form and a registered key differ; both may be right."""
    names = ", ".join(f"<code>{markup.esc(name)}</code>" for name in fields)
    title = markup.esc(key.get("name") or key.get("id"))
    return markup.page(
        f'<div class="ekm-note" role="status"><p>Your form is not the registered key “{title}”: {names} differ. OpenAI '
        "uses what is registered.</p></div>"
    )
