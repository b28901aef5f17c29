"""Puts a text into the Diagnose page as if somebody had pasted it there and clicked."""

from __future__ import annotations

import streamlit as st


def put(text: str) -> None:
    """The page shows the diagnosis of this text when it is drawn next."""
    st.session_state["paste"] = text
    st.session_state["asked"] = True
    st.session_state["asked_text"] = text
