"""What a session was given beside the error text: configuration, evidence, the time of the last change.

It stays in the session's state for as long as the session lives, and nowhere else; secrets were removed before it came
there. This module is imported by the Diagnose page, so it loads nothing of the core that a bare paste does not need.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import streamlit as st

from ekm_core import redact
from ekm_core.diagnose import NOTHING, Setup
from ekm_core.model import Configuration, Exhibit, Provider
from pages.components import markup


def clean(key: str, most: int) -> str:
    """Take the secrets out of a box, in place; its text without them, at most so many characters of it."""
    text = redact.redact((st.session_state.get(key) or "")[:most]).text
    st.session_state[key] = text
    return text


def configuration() -> Configuration | None:
    """What the form on the Configuration page holds; None while it is empty."""
    found: Configuration | None = st.session_state.get("configuration")
    return found


def evidence() -> tuple[Exhibit, ...]:
    """Every output that was pasted or uploaded and not removed again."""
    found: tuple[Exhibit, ...] = st.session_state.get("evidence", ())
    return found


def changed() -> datetime | None:
    """When the set-up was last changed, where the user said so."""
    found: datetime | None = st.session_state.get("changed")
    return found


def now() -> datetime:
    """The browser's clock, to the minute: the same set-up is not judged anew within one."""
    # The offset comes from the browser, so it may be any number.
    offset = st.context.timezone_offset
    if offset is None or not -1440 < offset < 1440:
        offset = 0
    return datetime.now(UTC).astimezone(timezone(timedelta(minutes=-offset))).replace(second=0, microsecond=0)


def setup() -> Setup:
    """All of it for ``diagnose``; NOTHING where the session has none."""
    configured, exhibits, moment = configuration(), evidence(), changed()
    if configured is None and not exhibits and moment is None:
        return NOTHING
    return Setup(configured, exhibits, moment, now() if moment else None)


def draw(provider: Provider | None) -> None:
    """Tell beside a diagnosis what of it is used, with the way to its page. provider: of the error, where one is known.

    Draws nothing where the session has nothing.
    """
    configured, count = configuration(), len(evidence())
    if configured is None and not count:
        return
    parts = [f"Your {configured.provider.label} configuration"] if configured else []
    parts += [f"{count} {'piece' if count == 1 else 'pieces'} of evidence"] if count else []
    used = f"{' and '.join(parts)} {'is' if len(parts) == 1 and count < 2 else 'are'} used."
    if configured and provider not in (None, configured.provider, Provider.OPENAI):
        used = f"Your configuration is for {configured.provider.label}, so it is not used for this error."
    st.html(markup.page(markup.note(used)))
    st.page_link("pages/configuration.py", label="Configuration and evidence", icon=":material/tune:")
