"""Error reference: every known error, found by words or by cloud, each with a stable address (``?error=<id>``)."""

from __future__ import annotations

import streamlit as st

from ekm_core import catalogue
from ekm_core.diagnose import explain
from ekm_core.model import KnownError, Provider
from pages.components import frame, markup, on_demand, your_values

_EVERY = "All"
_LABELS = {provider.label: provider for provider in Provider}


def _words(error: KnownError) -> str:
    """All that a search may find of one entry."""
    parts = [error.id, error.title, error.summary, error.provider.label]
    parts += [sample.text for sample in error.samples]
    parts += [cause.title for cause in error.causes]
    return " ".join(parts).casefold()


def _found(errors: list[KnownError], search: str) -> list[KnownError]:
    """The entries that hold every word of the search."""
    wanted = search.casefold().split()
    return [error for error in errors if all(word in _words(error) for word in wanted)]


def _open(error_id: str) -> None:
    st.query_params["error"] = error_id


def _close() -> None:
    st.query_params.pop("error", None)


def _pick_cloud() -> None:
    provider = _LABELS.get(st.session_state["cloud"])
    if provider is None:
        st.query_params.pop("provider", None)
    else:
        st.query_params["provider"] = provider.value


def _draw_way_to_diagnose() -> None:
    # Somebody who followed a link from elsewhere may not know that there is such a page, and a frame has no menu.
    st.page_link("pages/diagnose.py", label="Diagnose a message of your own", icon=":material/troubleshoot:")


def _draw_entry(error: KnownError) -> None:
    frame.head()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("All errors", icon=":material/arrow_back:", on_click=_close, type="tertiary")
        _draw_way_to_diagnose()
    left, right = st.columns([2.6, 1], gap="large")
    judged = explain(error.id, your_values.typed())
    left.html(markup.deferred(markup.entry(error, judged)))
    with left:
        on_demand.draw(lambda: ([(error, judged)], 0), judgement=False)
    with right.container(key="your-values"):
        your_values.draw(error.provider)


def _draw_list() -> None:
    frame.head("Error reference", "Every error that the troubleshooter knows. Search for a word, a code or an ID.")
    asked = st.query_params.get("provider", "")
    known = {provider.value: provider for provider in Provider}
    if asked and asked not in known:
        st.html(
            markup.page(markup.note(f"There is no cloud named “{asked[:60]}”. You see all errors instead.", bad=True))
        )
    label = known[asked].label if asked in known else _EVERY
    st.session_state["cloud"] = label
    st.pills("Cloud", [_EVERY, *_LABELS], key="cloud", required=True, on_change=_pick_cloud)
    search = st.text_input(
        "Search", key="search", placeholder="e.g. AADSTS7000229", live=True, persist_state="session", max_chars=200
    )
    provider = _LABELS.get(label)
    errors = [error for error in catalogue.errors().values() if provider is None or error.provider is provider]
    found = _found(errors, search or "")
    st.html(markup.page(f'<p class="ekm-quiet" role="status">{len(found)} of {len(errors)} errors</p>'))
    if not found:
        said = "No entry holds all of these words. Search for one word or code alone, or paste the whole message."
        st.html(markup.page(markup.note(said)))
        _draw_way_to_diagnose()
    for group in Provider:
        rows = [error for error in found if error.provider is group]
        if rows:
            with st.container(key=f"rows-{group}", gap=None):
                st.html(markup.page(f"<h2>{markup.esc(group.label)}</h2>"))
                for error in rows:
                    # Title and id are ours: nothing of a paste becomes Markdown here.
                    text = f"{error.title}  `{error.id}`"
                    st.button(text, key=f"open-{error.id}", type="tertiary", on_click=_open, args=(error.id,))


asked_id = st.query_params.get("error", "")
# An ID that came through a ticket or a chat may be in capitals, or have taken a sign of the sentence around it along.
chosen = catalogue.get(asked_id.strip(" .,;:!?)").casefold()) if asked_id else None
if chosen is not None:
    st.set_page_config(page_title=frame.window_title(chosen.title))
    _draw_entry(chosen)
else:
    if asked_id:
        st.html(
            markup.page(
                markup.note(
                    f"There is no error with the ID “{asked_id[:80]}”. IDs never change, so the link is probably "
                    "incomplete. All errors are listed below.",
                    bad=True,
                )
            )
        )
    _draw_list()
