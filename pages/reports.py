"""Reports, for the support team: open a customer's report, compare it with a later one, draft the reply."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from ekm_core import reopen
from ekm_core.model import Diagnosis
from pages.components import frame, markup, on_demand, staff, uploads

_LABEL = "Report of the customer"
_LATER = "A later report, to compare"
_PASTED = {_LABEL: "Or paste the report", _LATER: "Or paste the later report"}

_SHOWN = "The reply and the result below are about the later report."


def _take(key: str) -> None:
    """Keep what is uploaded, for an upload field is empty again after a visit to another page.

    What was kept goes where the file is taken out, or something is pasted in its place.
    """
    file = st.session_state[key]
    if file is None:
        _close(key)
    else:
        st.session_state[f"kept_{key}"] = (file.name, file.getvalue().decode("utf-8", "replace"))


def _close(key: str) -> None:
    st.session_state.pop(f"kept_{key}", None)


def _opened(label: str, key: str) -> tuple[Diagnosis | None, str]:
    """The report in one of two fields, or None with the sentence that says why not ("" while both are empty)."""
    file = st.file_uploader(
        label, type=["json", "md"], key=key, max_upload_size=uploads.MEGABYTES, on_change=_take, args=(key,)
    )
    kept: tuple[str, str] | None = st.session_state.get(f"kept_{key}")
    if kept and file is None:
        st.html(markup.page(markup.note(f"Still open: {kept[0]}")))
        st.button("Close it", key=f"close_{key}", on_click=_close, args=(key,), type="tertiary")
    pasted = st.text_area(
        _PASTED[label], key=f"{key}-paste", height=70, on_change=_take, args=(key,), persist_state="session"
    )
    text = kept[1] if kept else pasted or ""
    if not kept and not text.strip():
        return None, ""
    try:
        return reopen.read(text), ""
    except reopen.ReportError as problem:
        return None, str(problem)


def _draw_result(diagnosis: Diagnosis) -> None:
    if not diagnosis.errors:
        st.html(markup.page(markup.unknown(diagnosis)))
        return
    st.html(markup.deferred(markup.page(markup.answer(diagnosis), markup.details(diagnosis))))
    groups = [(judged.match.error, judged.causes) for judged in diagnosis.errors]
    on_demand.draw(lambda: (groups, 0))


def _draw_differences(before: Diagnosis, after: Diagnosis) -> None:
    found = reopen.compare(before, after)
    st.html(markup.page(f"<h2>What changed ({len(found)})</h2>", markup.differences(found)))


def _server() -> str:
    """The address of this server, for links in the reply; "" where the customer cannot reach it, or no one tells it."""
    parts = urlsplit(st.context.url or "")
    if parts.scheme not in ("http", "https") or staff.is_loopback(parts.netloc):
        return ""
    return f"{parts.scheme}://{parts.netloc}{frame.base_path()}"


staff.admit("Reports")
frame.head(
    "Reports",
    "Open the report that a customer shared, see what changed since, and draft the reply.",
    "A report goes with this session and is stored nowhere. Commands and links are made by this server, not "
    "taken from the file.",
)
left, right = st.columns(2, gap="large")
with left:
    first, problem = _opened(_LABEL, "report")
with right:
    later, later_problem = _opened(_LATER, "later")
for name, sentence in ((_LABEL, problem), (_LATER, later_problem)):
    if sentence:
        st.html(markup.page(markup.note(f"{name}: {sentence}", bad=True)))
if first is None and later is None:
    if not (problem or later_problem):
        said = "Upload or paste the JSON or the Markdown that “Share this result” made on the Diagnose page."
        st.html(markup.page(markup.note(said)))
else:
    if first and later:
        _draw_differences(first, later)
        st.html(markup.page(f'<p class="ekm-quiet">{_SHOWN}</p>'))
    shown = later or first
    if shown:
        with st.expander("Draft a reply", key="reply", on_change="rerun", icon=":material/mail:") as draft:
            if draft.open:
                text = reopen.reply(shown, _server())
                st.download_button("Download the reply", text, "reply.txt", "text/plain", on_click="ignore")
                st.code(text, language=None, wrap_lines=True)
        _draw_result(shown)
