"""Live check: read-only calls with the user's own credentials. What is read -> who reads -> what came of it."""

from __future__ import annotations

import importlib

import streamlit as st

from ekm_core.model import Configuration
from pages.components import checking, findings, frame, given, markup, probed, probing, sign_in
from pages.components.probing import Run
from pages.components.sign_in import Asked


def _draw_reads(configured: Configuration | None) -> bool:
    """What will be read and what to grant for it; whether a stranger is shown anything."""
    if configured is None:
        said = "There is no registration to check yet. Give it under Configuration, or let OpenAI tell its keys."
        st.html(markup.page(markup.note(said)))
        st.page_link("pages/configuration.py", label="Configuration", icon=":material/tune:")
        return False
    probe = importlib.import_module(f"ekm_core.{configured.provider}.probe")
    st.html(markup.deferred(probed.reads(configured, probe.READS, probe.permissions(configured))))
    return bool(probe.steps(configured, None))


def _draw_form() -> Asked | None:
    """All that stands before a run; what was asked for where its button was just pressed."""
    frame.step(1, "What will be read", "Grant this first. What is refused is noted, and the rest still helps.")
    public = _draw_reads(configured)
    frame.step(2, "Who reads it", "Use an identity of your own that may read. OpenAI's own cannot be used from here.")
    return sign_in.draw(configured.provider if configured else None, public)


def _draw_result(shown: Run) -> None:
    st.html(markup.page("<h2>What came of it</h2>"))
    probing.draw(shown)
    checked = checking.checked()
    if checked is not None:
        st.html(markup.page("<h2>What we found</h2><p>From all evidence of this session, with how we know.</p>"))
        st.html(
            markup.deferred(findings.result(checked, frame.base_path(), configured.get("id") if configured else ""))
        )
    st.page_link("pages/configuration.py", label="Configuration and evidence", icon=":material/tune:")


frame.head(
    "Check it live",
    "With credentials of yours we read what your cloud says, and OpenAI can be asked itself. Nothing is changed.",
    "Credentials are used for one run, in a process of its own, and forgotten: they are never stored, logged or shown.",
)
configured = given.configuration()
place = st.empty()
with place.container():
    shown = probing.last()
    if shown and shown.over:
        _draw_result(shown)
        with st.expander("Run another check", expanded=sign_in.failed(), icon=":material/replay:"):
            asked = _draw_form()
    else:
        asked = _draw_form()
if asked:
    with place.container():
        probing.run(configured, asked)
