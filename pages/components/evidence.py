"""The evidence of a session: the script that collects it, boxes to paste and upload it, and the list of what was read.

Uploads are read once and put away; only the exhibits stay in the session, without their secrets.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Hashable, Sequence

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from ekm_core import evidence
from ekm_core.evidence import State
from ekm_core.model import Configuration, Exhibit, Provider, Snippet
from pages.components import given, markup, recognised, uploads

_LONGEST = 4_000_000
"""Characters of one paste or file. A whole account's answers are some hundred thousand."""
_MOST_FILES = 50
_SHELLS = {Provider.AWS: "AWS CloudShell", Provider.GCP: "Google Cloud Shell", Provider.AZURE: "Azure Cloud Shell"}
CHIPS = {
    State.SEEN: ("ruled_out", "Read"),
    State.ABSENT: ("cannot_tell", "Does not exist"),
    State.REFUSED: ("cannot_tell", "Refused"),
    State.FAILED: ("cannot_tell", "No answer"),
}
_FORMAT_OPTIONS = frozenset({"output", "o", "format", "no-cli-pager", "only-show-errors"})

_LISTENER = """
export default function ({ setTriggerValue }) {
  const ask = (event) => setTriggerValue("removed", event.detail);
  window.addEventListener("ekm-remove", ask);
  return () => window.removeEventListener("ekm-remove", ask);
}
"""
_listen = st.components.v2.component("ekm_remove", js=_LISTENER)


def _turn() -> int:
    turn: int = st.session_state.get("evidence_turn", 0)
    return turn


def _keep(exhibits: tuple[Exhibit, ...]) -> None:
    st.session_state["evidence"] = exhibits
    st.session_state["evidence_turn"] = _turn() + 1


def _asked(exhibit: Exhibit) -> Hashable:
    """What was asked, however it was written; for an output without a command the output itself."""
    command = evidence.command_of(exhibit)
    if not command.program:
        return exhibit.text
    options = frozenset(item for item in command.options.items() if item[0] not in _FORMAT_OPTIONS)
    return (command.program, command.service, command.verb, command.arguments, options)


def add_exhibits(found: Sequence[Exhibit]) -> tuple[int, tuple[str, ...]]:
    """Put exhibits, which hold no secrets, into the evidence; how many older answers they replaced, and what was wrong.

    A command that is given again replaces its older answer: that is how somebody shows a set-up after a correction.
    """
    new = {_asked(exhibit) for exhibit in found}
    kept = [exhibit for exhibit in given.evidence() if _asked(exhibit) not in new]
    replaced = len(given.evidence()) - len(kept)
    together = (*kept, *found)
    if found:
        _keep(together[: evidence.MOST])
    if len(together) > evidence.MOST:
        return replaced, (f"Only {evidence.MOST} outputs are kept at a time. Remove what is not of this set-up.",)
    return replaced, ()


def _add(texts: Sequence[tuple[str, str]]) -> bool:
    """Read texts, each with its origin, into the evidence; whether all of it could be read."""
    problems: list[str] = []
    found: list[Exhibit] = []
    removed: Counter[str] = Counter()
    for text, origin in texts:
        before = f"{origin}: " if origin != "paste" else ""
        if len(text) > _LONGEST:
            problems.append(f"{before}This has {len(text):,} characters. Up to {_LONGEST:,} can be read at once.")
            continue
        gathered = evidence.read(text, origin)
        problems += [before + problem for problem in gathered.problems]
        found += gathered.exhibits
        removed.update(gathered.redactions)
    replaced, overflow = add_exhibits(found)
    problems += overflow
    said = [f"{len(found)} {'output' if len(found) == 1 else 'outputs'} added."] if found else []
    if replaced:
        said.append(f"{replaced} of the same command {'was' if replaced == 1 else 'were'} replaced.")
    if removed:
        said.append(f"Removed first: {', '.join(f'{count} × {kind}' for kind, count in removed.items())}.")
    st.session_state["evidence_said"] = " ".join(said)
    st.session_state["evidence_problems"] = tuple(problems)
    return not problems


def _add_paste() -> None:
    text: str = st.session_state.get("evidence_paste") or ""
    if not text.strip():
        return
    whole = _add([(text, "paste")])
    # What could not be read stays, so that it can be mended; its secrets do not.
    given.clean("evidence_paste", _LONGEST)
    if whole:
        st.session_state["evidence_paste"] = ""


def _add_files() -> None:
    files: list[UploadedFile] = st.session_state.get(_uploader()) or []
    if not files:
        return
    _add([(_decoded(file.getvalue()), _file_name(file.name)) for file in files[:_MOST_FILES]])
    if len(files) > _MOST_FILES:
        st.session_state["evidence_problems"] += (f"Only the first {_MOST_FILES} files were read.",)
    # A new uploader, and the files themselves are not kept: secrets may stand in them.
    context = get_script_run_ctx()
    if context is not None:
        for file in files:
            context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)
    st.session_state["uploads"] = st.session_state.get("uploads", 0) + 1


def _uploader() -> str:
    return f"upload_{st.session_state.get('uploads', 0)}"


def _decoded(data: bytes) -> str:
    # PowerShell's > writes UTF-16.
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")


def _file_name(name: str) -> str:
    clean = "".join(character if character.isprintable() else "�" for character in name[:80])
    return clean or "a file"


def _remove(asked: object) -> None:
    """Remove one exhibit. asked: turn and number of its row, from the browser, so it may be anything."""
    turn, _, number = str(asked).partition("-")
    if turn == str(_turn()) and number.isdecimal() and len(number) < 6 and int(number) < len(given.evidence()):
        exhibits = given.evidence()
        _keep(exhibits[: int(number)] + exhibits[int(number) + 1 :])
        st.session_state["evidence_said"], st.session_state["evidence_problems"] = "1 output removed.", ()


def _clear() -> None:
    _keep(())
    for key in ("evidence_said", "evidence_problems"):
        st.session_state.pop(key, None)
    st.session_state["evidence_paste"] = ""


# -------------------------------------------------------------------------------------------------------------- drawing
def draw(configured: Configuration) -> None:
    """Script, boxes and list for the cloud of a configuration (whose fields may all be blank)."""
    _remove(_listen(key="remove_evidence", on_removed_change=lambda: None).removed)
    st.html(markup.deferred(_script(configured)))
    left, right = st.columns([1.7, 1], gap="medium")
    with left:
        st.text_area(
            "Paste outputs",
            key="evidence_paste",
            height=150,
            on_change=_add_paste,
            placeholder="What the script printed, or the output of any single command. Best with the command above "
            "it. Several at once are fine.",
            persist_state="session",
        )
        st.button("Add to the evidence", on_click=_add_paste, key="add-evidence", type="primary")
    with right:
        st.file_uploader(
            "Or upload files",
            accept_multiple_files=True,
            key=_uploader(),
            on_change=_add_files,
            max_upload_size=uploads.MEGABYTES,
        )
    said: str = st.session_state.get("evidence_said", "")
    problems: Sequence[str] = st.session_state.get("evidence_problems", ())
    parts = [markup.note(said)] if said else []
    if problems:
        parts.append(markup.sentences(problems, bad=True))
    if parts:
        st.html(markup.page(*parts))
    if given.evidence():
        st.html(markup.deferred(listing(_rows(configured.provider), _turn())))
        st.button("Remove all evidence", on_click=_clear, key="clear-evidence", type="tertiary")


def _rows(provider: Provider) -> Sequence[recognised.Row]:
    """The lines of the list, read anew only where the evidence has changed."""
    question = (_turn(), provider)
    if st.session_state.get("rows_question") != question:
        st.session_state["rows"] = recognised.rows(given.evidence(), provider)
        st.session_state["rows_question"] = question
    rows: Sequence[recognised.Row] = st.session_state["rows"]
    return rows


def _script(configured: Configuration) -> str:
    room = importlib.import_module(f"ekm_core.{configured.provider}.script")
    script: Snippet = room.script(configured)
    permissions: Sequence[Snippet] = room.permissions(configured)
    shell = _SHELLS[configured.provider]
    return markup.page(
        f'<details class="ekm-fold"><summary>The read-only script for {markup.esc(shell)}</summary>'
        f"<p>Open {markup.esc(shell)}, paste the script and press Enter. It runs read-only commands, changes nothing "
        "and sends nothing anywhere. It prints one JSON document: read it, then paste it below.</p>"
        f"{markup.snippet_block(script)}</details>"
        '<details class="ekm-fold"><summary>The permissions that the script needs</summary>'
        "<p>Give them to whoever runs the script. What is refused is noted, and the rest still helps.</p>"
        f"{''.join(map(markup.snippet_block, permissions))}</details>"
    )


def listing(found: Sequence[recognised.Row], turn: int) -> str:
    """The list of evidence, each with a button that removes it."""
    items = []
    for number, row in enumerate(found):
        kind, label = CHIPS.get(row.state, CHIPS[State.FAILED])
        if not row.used:
            kind, label = "cannot_tell", "Not used"
        items.append(
            f'<li><span class="ekm-chip {kind}">{label}</span><div><code>{markup.esc(row.command[:300])}</code>'
            f"<p>{markup.esc(row.told)}</p></div>"
            f'<button type="button" class="ekm-remove" data-remove="{turn}-{number}" '
            f'aria-label="Remove: {markup.esc(row.command[:120])}">Remove</button></li>'
        )
    used = sum(row.used for row in found)
    return markup.page(
        f'<p class="ekm-quiet">{len(found)} in the evidence, {used} of use here. It stays in this browser session and '
        f'is not stored.</p><ul class="ekm-rows">{"".join(items)}</ul>'
    )
