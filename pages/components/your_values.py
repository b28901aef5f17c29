"""The "Your values" form: fields of the matched providers whose values go into every fix.

What is typed stays in the session's state for as long as the session lives, and nowhere else.
"""

from __future__ import annotations

import streamlit as st

from ekm_core.model import Provider
from ekm_core.values import FIELDS, LONGEST, fields_of, fitting
from pages.components import markup


def _key(name: str) -> str:
    return f"value_{name}"


def typed() -> dict[str, str]:
    """The values typed so far that fit their fields."""
    return fitting({name: st.session_state.get(_key(name)) or "" for name in FIELDS})


def draw(*providers: Provider) -> None:
    """Draw the form with the fields of these providers."""
    st.html(
        markup.page(
            '<h3 class="ekm-values">Your values</h3>',
            '<p class="ekm-quiet">They go into every fix beside this. They stay in this browser session and are not '
            "stored.</p>",
        )
    )
    for field in fields_of(*providers):
        value = st.text_input(
            field.label,
            key=_key(field.name),
            placeholder=f"e.g. {field.example}",
            help=field.help,
            max_chars=LONGEST,
            autocomplete="off",
            persist_state="session",
        )
        problem = field.check(value or "")
        if problem:
            st.html(markup.value_problem(problem))
