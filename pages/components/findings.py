"""The result of a check as HTML: pure functions from ``Checked`` to one string. Every value passes ``markup.esc``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import replace

from ekm_core import catalogue
from ekm_core.check import Checked
from ekm_core.model import Change, Finding, Snippet, Status, Values
from ekm_core.openai.snippets import validate
from pages.components import markup


def result(checked: Checked, base: str = "", key: str = "") -> str:
    """Summary, chain, and the findings from the most urgent to the least.

    base: the prefix of the app's addresses, for links to the error reference. key: the id of the registered key, where
    it is known, for the call that proves a clean result.
    """
    wrong, unclear, passed = (checked.of(status) for status in (Status.FAIL, Status.COULD_NOT_CHECK, Status.PASS))
    wrong = _each_once(wrong, checked.by_form)
    return markup.page(
        _summary(wrong, unclear, len(passed), key),
        markup.chain(checked.chain),
        _group("Wrong", wrong, base),
        _open(unclear),
        _group("Works, but unwise", checked.of(Status.WARN), base),
        _passed(passed),
    )


def _each_once(wrong: Sequence[Finding], by_form: Set[str]) -> tuple[Finding, ...]:
    """The faults, without a cause that says of a wrong field what the finding on the field itself says.

    by_form: the causes that the form alone proves. The errors that such a cause would give go to the field's finding.
    """
    told: dict[str, list[str]] = {item.field: [] for item in wrong if item.field}
    kept = []
    for item in wrong:
        named = next((name for name in told if re.search(rf"\b{re.escape(name)}\b", item.saw)), "")
        if item.id not in by_form or not named:
            kept.append(item)
        else:
            told[named] += item.errors
    return tuple(
        replace(item, errors=tuple(dict.fromkeys((*item.errors, *told[item.field])))) if item.field else item
        for item in kept
    )


def _summary(wrong: Sequence[Finding], unclear: Sequence[Finding], passed: int, key: str) -> str:
    if wrong:
        first = wrong[0]
        count = f"{len(wrong)} {'thing is' if len(wrong) == 1 else 'things are'} wrong"
        return (
            f'<div class="ekm-next bad" role="status"><strong>{count}</strong><p><b>{markup.esc(first.title)}.</b> '
            f"{markup.esc(first.next_step)}</p></div>"
        )
    if unclear:
        return (
            '<div class="ekm-next" role="status"><strong>Nothing wrong so far</strong>'
            f"<p>{_checks(passed)} passed. {len(unclear)} more {'needs' if len(unclear) == 1 else 'need'} evidence "
            "that is not here yet.</p></div>"
        )
    return (
        '<div class="ekm-next" role="status"><strong>Nothing wrong</strong>'
        f"<p>All {passed} checks passed. Let OpenAI validate the key to prove it. Where it is not registered yet, the "
        "kit on the page Configuration holds the call that does it.</p></div>"
        f"{markup.snippet_block(validate(Values({'external_key_id': key}))[0])}"
    )


def _checks(count: int) -> str:
    return f"{count} {'check' if count == 1 else 'checks'}"


def _group(title: str, found: Sequence[Finding], base: str) -> str:
    if not found:
        return ""
    shown: set[Change] = set()
    items = []
    for item in found:
        items.append(_finding(item, base, shown))
        shown.update(item.changes)
    return f"<h3>{title} ({len(found)})</h3>{''.join(items)}"


def _finding(item: Finding, base: str, shown: Set[Change]) -> str:
    """One finding. shown: the changes that stand above already; several faults may be mended by one."""
    link, _ = markup.link_words(item.link)
    label, kind = ("Wrong", "confirmed") if item.status is Status.FAIL else ("Unwise", "cannot_tell")
    field = f"<code>{markup.esc(item.field)}</code>" if item.field else ""
    facts = (("What we saw", item.saw), ("What it means", item.means), ("Next step", item.next_step))
    said = "".join(f"<dt>{name}</dt><dd>{markup.esc(text)}</dd>" for name, text in facts if text)
    changes = "".join(
        f"<p>{markup.esc(change.title)}: the change above mends this too.</p>"
        if change in shown
        else markup.change_block(change)
        for change in item.changes
    )
    if changes:
        changes = f"<h4>The smallest change</h4>{changes}"
    errors = ""
    if item.errors and item.status is Status.FAIL:
        links = " · ".join(error_link(error_id, base) for error_id in item.errors)
        errors = f"<dt>The error you would get</dt><dd>{links}</dd>"
    source = ""
    if item.reference and item.reference.url.startswith("https://"):
        source = (
            f'<dt>Source</dt><dd><a href="{markup.esc(item.reference.url)}" target="_blank" rel="noopener noreferrer">'
            f"{markup.esc(item.reference.title)}</a>, {item.reference.dated}</dd>"
        )
    return (
        f'<article class="ekm-check {item.status}"><p class="ekm-eyebrow"><span class="ekm-chip {kind}">{label}</span>'
        f'<span>{link}</span>{field}</p><h4 class="ekm-title">{markup.esc(item.title)}</h4>'
        f'<dl class="ekm-facts">{said}</dl>{changes}<dl class="ekm-facts">{errors}{source}</dl></article>'
    )


def error_link(error_id: str, base: str) -> str:
    """A link to an entry of the reference, by its title."""
    error = catalogue.get(error_id)
    title = error.title if error else error_id
    # In a new tab: here the whole page would load anew, without what this session holds.
    return (
        f'<a href="{markup.esc(base)}/errors?error={markup.esc(error_id)}" target="_blank" rel="noopener">'
        f"{markup.esc(title)}</a>"
    )


def _open(found: Sequence[Finding]) -> str:
    """What could not be checked: first the one command that settles the most, then the rest, folded."""
    if not found:
        return ""
    # What is about a field and no command would settle is a field left blank.
    blank = [item.field for item in found if item.field and not item.missing]
    rest = [item for item in found if not item.field or item.missing]
    parts = [f"<h3>Evidence still missing ({len(found)})</h3>"]
    if blank:
        names = ", ".join(f"<code>{markup.esc(name)}</code>" for name in blank)
        parts.append(f"<p>Still blank in the form: {names}.</p>")
    commands = _by_command(rest)
    if commands:
        first, settled = commands[0]
        count = "one check" if len(settled) == 1 else f"{len(settled)} checks"
        parts.append(f"<p>This one command can settle {count}. The read-only script reads most of them at once.</p>")
        parts.append(markup.snippet_block(first))
    if rest:
        parts.append(f'<details class="ekm-fold"><summary>All open checks ({len(rest)})</summary>')
        for number, (command, settled) in enumerate(commands):
            # The first command stands above already.
            head = markup.snippet_block(command) if number else f"<h4>{markup.esc(command.title)}</h4>"
            parts.append(head + _titles(settled))
        parts.append(_reasons(item for item in rest if not item.missing))
        parts.append("</details>")
    return "".join(parts)


def _by_command(found: Sequence[Finding]) -> list[tuple[Snippet, list[Finding]]]:
    """The commands with the checks that they settle, the most useful first; each check stands once."""
    counts = Counter(command for item in found for command in dict.fromkeys(item.missing))
    groups: dict[Snippet, list[Finding]] = {}
    for item in found:
        if item.missing:
            groups.setdefault(max(item.missing, key=lambda command: counts[command]), []).append(item)
    return sorted(groups.items(), key=lambda group: -len(group[1]))


def _reasons(found: Iterable[Finding]) -> str:
    by_reason: dict[str, list[Finding]] = {}
    for item in found:
        by_reason.setdefault(" ".join(filter(None, (item.saw, item.next_step))), []).append(item)
    return "".join(f"<h4>{markup.esc(reason)}</h4>{_titles(items)}" for reason, items in by_reason.items())


def _titles(found: Sequence[Finding]) -> str:
    items = "".join(f"<li>{markup.esc(item.title)}</li>" for item in found)
    return f'<p class="ekm-quiet">It would tell whether one of these holds:</p><ul>{items}</ul>'


def _passed(found: Sequence[Finding]) -> str:
    if not found:
        return ""
    items = "".join(f"<li>{markup.esc(item.title)}. {markup.esc(item.saw)}</li>" for item in found)
    return (
        f'<details class="ekm-fold"><summary>✓ {_checks(len(found))} passed</summary>'
        f'<ul class="ekm-passed">{items}</ul></details>'
    )
