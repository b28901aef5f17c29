"""Diagnose: paste an error, read which one it is, which cause, and the fix. Form -> ekm_core -> draw."""

from __future__ import annotations

import time

import streamlit as st

from ekm_core import report
from ekm_core.diagnose import diagnose
from ekm_core.model import Diagnosis, KnownError, Provider
from pages.components import asking, frame, given, markup, metrics, on_demand, your_values
from pages.components.examples import EXAMPLES

LONGEST_TEXT = 2_000_000
"""Characters. A whole log of a megabyte is fine; more is no error message."""


def _take() -> None:
    """Diagnose what stands in the text area. Runs as a callback, so that the page is drawn once, with the result."""
    st.session_state["asked"] = True
    st.session_state["asked_text"] = st.session_state.get("paste") or ""


def _take_example() -> None:
    name = st.session_state.get("example")
    if name:
        asking.put(EXAMPLES[name])
        st.session_state["example"] = None


def _answer() -> Diagnosis | None:
    """The diagnosis of the text last asked for, made anew only where the text, the values or the set-up changed."""
    text: str = st.session_state.get("asked_text", "")
    if not text.strip() or len(text) > LONGEST_TEXT:
        return None
    question = (text, your_values.typed(), given.setup())
    if st.session_state.get("question") != question:
        began = time.perf_counter()
        st.session_state["answer"] = diagnose(*question)
        metrics.diagnosed("page", text, st.session_state["answer"], time.perf_counter() - began)
        st.session_state["question"] = question
        st.session_state["turn"] = st.session_state.get("turn", 0) + 1
    answer: Diagnosis = st.session_state["answer"]
    return answer


def _turn() -> int:
    """Which answer of this session stands on the page; 0 where a sentence stands in its place."""
    turn: int = st.session_state.get("turn", 0) if _answer() else 0
    return turn


def _current() -> tuple[on_demand.Groups, int]:
    answer = _answer() if st.session_state.get("asked") else None
    groups = [(judged.match.error, judged.causes) for judged in answer.errors] if answer else []
    return groups, _turn()


def _draw_perhaps(perhaps: tuple[KnownError, ...]) -> None:
    st.html(
        markup.page(
            "<h3>Perhaps</h3><p>These entries use similar words. They are no match: compare the message first.</p>"
        )
    )
    for error in perhaps:
        if st.button(f"{error.title} · `{error.id}`", key=f"open-{error.id}", type="tertiary"):
            st.switch_page("pages/errors.py", query_params={"error": error.id})


def _draw_report(answer: Diagnosis) -> None:
    share = st.expander("Share this result", key="share", on_change="rerun", icon=":material/ios_share:")
    if not share.open:
        return
    with share:
        st.html(
            markup.page(
                "<p>A report for a colleague or for support. Secrets are removed; account numbers, ARNs and IDs become "
                "names such as account-1. The preview shows exactly what the file holds.</p>"
            )
        )
        as_markdown, as_json = st.tabs(["Markdown", "JSON"])
        for tab, kind, text, mime in (
            (as_markdown, "md", report.to_markdown(answer), "text/markdown"),
            (as_json, "json", report.to_json(answer), "application/json"),
        ):
            with tab:
                name = "Markdown" if kind == "md" else "JSON"
                st.download_button(f"Download {name}", text, f"ekm-report.{kind}", mime, on_click="ignore")
                st.code(text, language=None, wrap_lines=True, height=420)


def _note(answer: Diagnosis | None) -> str:
    """What to say instead of a diagnosis."""
    text: str = st.session_state.get("asked_text", "")
    if answer is None and not text.strip():
        return markup.note("The text area is empty. Paste the error message first, or try an example.")
    return markup.note(
        f"This text has {len(text):,} characters. Up to {LONGEST_TEXT:,} can be read. "
        "Please paste the part with the error.",
        bad=True,
    )


def _providers(answer: Diagnosis | None) -> tuple[Provider, ...]:
    """Whose errors the text holds, that of the first error first."""
    return tuple(dict.fromkeys(judged.match.error.provider for judged in answer.errors)) if answer else ()


@st.fragment
def _draw_answer() -> None:
    """The button and the head of the answer. A fragment: a click draws these alone, so that they are there at once."""
    st.button("Diagnose", key="ask", type="primary", shortcut="Ctrl+Enter", on_click=_take)
    if not st.session_state.get("asked"):
        return
    answer = _answer()
    if (st.session_state.get("paste") or "").strip() not in ("", st.session_state.get("asked_text", "").strip()):
        st.html(markup.page(markup.note("The text above was changed since. Press Diagnose to read it anew.")))
    if answer is None:
        st.html(markup.head_of(_turn(), markup.page(_note(answer))))
    elif answer.errors:
        st.html(markup.head_of(_turn(), markup.answer(answer)))
    else:
        st.html(markup.head_of(_turn(), markup.unknown(answer)))


def _draw_below() -> None:
    """All that stands below the head of the answer."""
    answer = _answer() if st.session_state.get("asked") else None
    if answer is not None:
        if answer.errors:
            st.html(markup.deferred(markup.details(answer), _turn()))
        elif answer.perhaps:
            _draw_perhaps(answer.perhaps)
        _draw_report(answer)
    # Not with the head: the browser asks for what stands below it at that very moment, and of the two runs that are
    # then wanted the one of the whole page was seen to get lost, once in some hundred clicks on a busy machine.
    if _providers(answer) != st.session_state.get("form"):
        st.rerun()  # the fields beside the result are those of another cloud now


left, right = st.columns([2.6, 1], gap="large")
with left:
    frame.head(
        "What does your EKM error mean?",
        "Paste the message. You get the error's name, which of its causes holds for you, and the exact fix to copy.",
        "Secrets are removed before anything else reads the text. Nothing you paste is stored, logged or sent on.",
    )
    st.pills("Try a real message", list(EXAMPLES), key="example", on_change=_take_example, wrap=True)
    st.text_area(
        "Error message",
        key="paste",
        height=150,
        placeholder="The whole message, with everything around it: a JSON answer, a traceback or a log is fine.",
        persist_state="session",
    )
    shown = _answer() if st.session_state.get("asked") else None
    providers = _providers(shown)
    st.session_state["form"] = providers
    # Each fragment alone in a container. A run of the page whose fragment is asked for anew meanwhile leaves that
    # fragment out (seen with Streamlit 1.67, 2026-11-24); what stands below in the same container would move up into
    # its place, and be overwritten when the fragment comes.
    with st.container():
        _draw_answer()
    with st.container():
        on_demand.draw(_current, below=_draw_below)
with right.container(key="your-values"):
    given.draw(providers[0] if providers else None)
    if providers:
        your_values.draw(*providers)
    else:
        st.html(markup.how_it_works())
