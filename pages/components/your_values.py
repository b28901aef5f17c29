"""The "Your values" form: fields of the matched provider whose values go into every fix.

What is typed stays in the session's state for as long as the session lives, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from ekm_core.model import Provider
from ekm_core.values import FIELDS, LONGEST, fields_of, fitting
from pages.components import markup


def _key(name: str) -> str:
    return f"value_{name}"


def typed() -> dict[str, str]:
    """The values typed so far that fit their fields."""
    return fitting({name: st.session_state.get(_key(name)) or "" for name in FIELDS})


def draw(provider: Provider, read: Mapping[str, str]) -> None:
    """Draw the form. ``read``: what stands in the text, shown as a hint where nothing is typed."""
    st.html(
        markup.page(
            '<h3 class="ekm-values">Your values</h3>',
            '<p class="ekm-quiet">They go into every fix beside this. They stay in this browser session and are not '
            "stored.</p>",
        )
    )
    problems = {}
    for field in fields_of(provider):
        found = read.get(field.name, "")
        value = st.text_input(
            field.label,
            key=_key(field.name),
            placeholder=f"In your text: {found}" if found else f"e.g. {field.example}",
            help=field.help,
            max_chars=LONGEST,
            autocomplete="off",
            persist_state="session",
        )
        problem = field.check(value or "")
        if problem:
            problems[field.label] = problem
    if problems:
        st.html(markup.value_problems(problems))
