"""The check of what a session holds, for the pages that show it."""

from __future__ import annotations

import streamlit as st

from ekm_core.check import Checked, check
from pages.components import given


def checked() -> Checked | None:
    """The check of what this session holds, made anew only where that has changed."""
    configured = given.configuration()
    if configured is None:
        return None
    question = (configured, given.evidence())
    if st.session_state.get("checked_question") != question:
        st.session_state["checked"] = check(*question)
        st.session_state["checked_question"] = question
    checked: Checked = st.session_state["checked"]
    return checked
