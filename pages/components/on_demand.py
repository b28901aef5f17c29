"""What is drawn after the rest: the browser asks for it, a fragment alone is run and answers.

So come the bodies of causes that are opened, and all that stands below the head of an answer, once that is painted.

A fragment's run costs a few milliseconds and leaves the rest of the page as it stands, so that nothing moves, and the
keyboard's focus stays where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from ekm_core.model import JudgedCause, KnownError
from pages.components import markup

_MOST = 60
"""No page has more causes than this; a browser that asks for more names is not one of our pages."""

_LISTENER = """
export default function ({ setTriggerValue }) {
  const ask = (event) => setTriggerValue("cause", event.detail);
  window.addEventListener("ekm-open", ask);
  return () => window.removeEventListener("ekm-open", ask);
}
"""
_listen = st.components.v2.component("ekm_open", js=_LISTENER)


Groups = Sequence[tuple[KnownError, Sequence[JudgedCause]]]


@st.fragment
def draw(
    current: Callable[[], tuple[Groups, int]], *, judgement: bool = True, below: Callable[[], None] | None = None
) -> None:
    """Draw, unseen, the bodies of the causes that were opened so far.

    current: gives the errors on the page with their judged causes, and the turn that ``markup.deferred`` was given.
        It is asked anew on each run, since the page may have drawn another answer meanwhile.
    below: draws what stands below the head of an answer. The browser asks for it where the turn of the head (see
        ``markup.head_of``) is not the one drawn here; any run of the whole page draws it too.
    """
    if below:
        with st.container():
            below()
    groups, turn = current()
    opened: dict[str, None] = st.session_state.setdefault("opened", {})
    asked = _listen(key="open_cause", on_cause_change=lambda: None).cause
    if asked and isinstance(asked, str) and len(opened) < _MOST:
        opened[asked] = None
    bodies = "".join(markup.store(error, judged, opened, judgement=judgement) for error, judged in groups)
    st.html(f'<div class="ekm ekm-store" data-turn="{turn}" hidden>{bodies}</div>')
