"""What a page needs to go on after its connection to the server was lost: by a restart, another process, a long sleep.

The front end connects again by itself, but it does not ask for the page anew: where the session is gone, the buttons
that stand on the page lead nowhere, and nothing says so. Drawn once on each page, unseen, this lets our script ask for
the page, and tells it whether the session is still the same.
"""

from __future__ import annotations

import secrets

import streamlit as st

_LISTENER = """
export default function ({ data, setTriggerValue }) {
  const again = (event) => {
    event.preventDefault(); // tells our script that somebody listens
    setTriggerValue("again", true);
  };
  window.addEventListener("ekm-reconnected", again);
  document.documentElement.dataset.ekmVisit = data.visit; // for our script where it comes after this
  window.dispatchEvent(new CustomEvent("ekm-visit", { detail: data.visit }));
  return () => window.removeEventListener("ekm-reconnected", again);
}
"""
_listen = st.components.v2.component("ekm_connection", js=_LISTENER)


def draw() -> None:
    """Draw it. ``visit`` is a random name of the session, and means nothing elsewhere."""
    visit = st.session_state.setdefault("visit", secrets.token_hex(8))
    # what has not changed is not handed on, and an answer would not be noticed
    asked = st.session_state.get("asked_again", 0)
    _listen(key="connection", data={"visit": visit, "asked": asked}, on_again_change=_count)


def _count() -> None:
    st.session_state["asked_again"] = st.session_state.get("asked_again", 0) + 1
