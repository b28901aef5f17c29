"""Configuration: what is registered and what the cloud says, checked without an error. Form -> ekm_core -> draw."""

from __future__ import annotations

import streamlit as st

from ekm_core import catalogue, kit, waiting
from ekm_core.check import Checked
from ekm_core.model import Configuration, Propagation
from pages.components import checking, evidence, findings, frame, given, markup, registration

_AGO = {"Just now": "now", "10 minutes ago": "10 minutes", "1 hour ago": "1 hour", "Yesterday": "yesterday"}
_LONGEST_WHEN = 60


# -------------------------------------------------------------------------------------------------------- wait or wrong
def _take_when() -> None:
    """Read the typed time against the browser's clock, once: ten minutes ago stays the same moment."""
    words = given.clean("when", _LONGEST_WHEN)
    st.session_state["changed"], st.session_state["when_problem"] = None, ""
    if words.strip():
        try:
            st.session_state["changed"] = waiting.parse(words, given.now())
        except waiting.WhenError as problem:
            st.session_state["when_problem"] = str(problem)


def _take_ago() -> None:
    chosen = st.session_state.get("ago")
    if chosen in _AGO:
        st.session_state["when"] = f"{waiting.parse(_AGO[chosen], given.now()):%Y-%m-%d %H:%M}"
        st.session_state["ago"] = None
        _take_when()


def _waits() -> tuple[Propagation, ...]:
    """How long the changes of this cloud may take to spread."""
    cloud = registration.cloud()
    found = (
        cause.wait
        for error in catalogue.errors().values()
        if error.provider is cloud
        for cause in error.causes
        if cause.passes and cause.wait
    )
    return tuple(dict.fromkeys(found))


def _draw_when(checked: Checked | None) -> None:
    st.pills("When did you last change it?", list(_AGO), key="ago", on_change=_take_ago)
    st.text_input(
        "Or a time, on your clock",
        key="when",
        placeholder="e.g. 14:05, or 25 minutes ago",
        max_chars=_LONGEST_WHEN,
        autocomplete="off",
        on_change=_take_when,
        persist_state="session",
        width=340,
    )
    problem: str = st.session_state.get("when_problem", "")
    changed = given.changed()
    if problem:
        st.html(markup.page(markup.note(problem, bad=True)))
    elif changed and checked and checked.failed:
        said = "Something below is wrong, whatever the time. Waiting does not mend it: correct it first, then wait."
        st.html(markup.page(markup.note(said)))
    elif changed:
        rulings = [waiting.rule(wait, changed, given.now()) for wait in _waits()]
        st.html(markup.page(*(markup.note(f"{' '.join(item.shown)} {item.because}") for item in rulings)))


# ------------------------------------------------------------------------------------------------------------- the page
def _draw_result(checked: Checked | None) -> None:
    if checked is None:
        said = "Fill in at least one field, or paste your registration. The result stands here at once."
        st.html(markup.page(markup.note(said)))
        return
    st.html(markup.deferred(findings.result(checked, frame.base_path(), configured.get("id"))))


def _draw_kit(configured: Configuration) -> None:
    shown = st.expander("Show the kit", key="kit", on_change="rerun", icon=":material/inventory_2:")
    if not shown.open:
        return
    with shown:
        st.download_button(
            "Download the kit (zip)",
            kit.archive(configured),
            f"openai-ekm-{configured.provider}.zip",
            "application/zip",
            on_click="ignore",
            type="primary",
        )
        st.html(
            markup.deferred(markup.page(*(markup.folded(file.path, file.snippet) for file in kit.files(configured))))
        )


asked = st.query_params.get("provider", "")
if asked in registration.CLOUDS:
    registration.choose(next(cloud for cloud in registration.CLOUDS if cloud == asked))
frame.head(
    "Check your configuration",
    "Give what you registered and what your cloud says. You see what is wrong, how we know, and the smallest change "
    "that mends it.",
    "Secrets are removed before anything is kept. All stays in this browser session: nothing is stored or sent on.",
)
frame.step(1, "What you register", "The fields of the registration with OpenAI, by their own names.")
checked = checking.checked()
registration.draw(checked.findings if checked else ())
frame.step(
    2,
    "What your cloud says",
    "The output of read-only commands. It decides what the form alone cannot. You run them yourself, so no credential "
    "is needed here.",
)
st.page_link("pages/probe.py", label="Or have it read live, with credentials of your own", icon=":material/sensors:")
configured = given.configuration() or Configuration(registration.cloud(), {})
evidence.draw(configured)
frame.step(3, "Wait, or wrong?", "A change takes a while to spread. Tell when you made the last one.")
_draw_when(checking.checked())
frame.step(4, "What we found", "From the most urgent to the least, each with how we know.")
_draw_result(checking.checked())
frame.step(
    5,
    "The kit",
    "Everything to create: policies, a script, a Terraform module, a checklist, the registration. Made from the form.",
)
_draw_kit(configured)
