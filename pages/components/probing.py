"""A live check: its run with progress, and what came of it. The calls are made by ``ekm_core.probing.live``."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st

from ekm_core.importing.names import REGISTRATION
from ekm_core.model import Configuration
from ekm_core.openai import evidence as openai
from ekm_core.probing import live
from ekm_core.probing.event import Ended, Event, Prompted, Tick
from ekm_core.probing.record import Record
from pages.components import asking, evidence, frame, markup, metrics, probed, registration
from pages.components.sign_in import Asked

_TICK = 0.5
_MOST_BEFORE = 24
"""So many elements at most stand on the page before a run, one under the other."""
_ENDED = "The check was ended before all was read; what was read until then counts."


@dataclass(slots=True)
class Run:
    """The last run of this session. configured: what was checked. advice: on the credentials that were used.

    The script that makes a run writes into it, and nothing else of the session: where somebody cancels or leaves,
    Streamlit lets that script touch the session no more.
    """

    configured: Configuration | None
    advice: tuple[str, ...] = ()
    record: Record = field(default_factory=Record)
    over: bool = False


def last() -> Run | None:
    """The last run of this session. Where a page is drawn, none is under way: one that is not over was ended."""
    found: Run | None = st.session_state.get("probe")
    if found and not found.over:
        found.over = True
        found.record.stopped = found.record.stopped or _ENDED
    return found


def run(configured: Configuration | None, asked: Asked) -> None:
    """Make the calls and show them as they happen, then draw the page anew with what came of it.

    Whatever ends it (the last answer, Cancel, another page, a fault), what was read until then is in the evidence.
    """
    current = st.session_state["probe"] = Run(configured, asked.advice)
    record = current.record
    st.button("Cancel", key="cancel-probe", icon=":material/stop_circle:")
    progress = st.container()
    for _ in range(_MOST_BEFORE):
        st.empty()  # takes the place of what stood here: the browser shows that to the end of the script
    with progress, st.status("The check begins …", expanded=True) as status:
        prompt, lines = st.empty(), st.empty()
        events = live.run(
            configured,
            asked.credentials,
            openai=asked.openai,
            round_trip=asked.round_trip,
            ambient_allowed=asked.ambient_allowed,
            tick=_TICK,
        )
        with contextlib.closing(events):
            for event in events:
                record.add(event)
                # Drawing is also what notices that somebody cancelled or left: it then raises.
                status.update(label=_progress(record, event), expanded=True)
                if isinstance(event, Prompted):
                    prompt.html(_sign_in(event))
                elif not isinstance(event, Tick):
                    lines.html(probed.progress(record, frame.base_path()))
                if isinstance(event, Ended):
                    evidence.add_exhibits(event.exhibits)
                    metrics.probe(event.state)
    current.over = True
    st.rerun()


def _progress(record: Record, event: Event) -> str:
    clock = f" · {event.seconds:.0f} s" if isinstance(event, Tick) else ""
    return f"Reading: {len(record.ended)} of {len(record.lines)} calls answered{clock}"


def _sign_in(event: Prompted) -> str:
    """The request to sign in. The address is one of Microsoft's own; the core has refused every other."""
    url = markup.esc(event.url)
    return markup.page(
        '<div class="ekm-next" role="status"><strong>Sign in to go on</strong>'
        f'<p>Open <a href="{url}" target="_blank" rel="noopener noreferrer">{url}</a> '
        f'and enter the code <code class="ekm-code">{markup.esc(event.code)}</code>. It is good for '
        f"{event.seconds / 60:.0f} minutes. Enter it only because you have just started this check yourself.</p></div>"
    )


# -------------------------------------------------------------------------------------------------- what came of a run
def draw(shown: Run) -> None:
    """What the last run brought: how far it came, what OpenAI said, each step, and what else OpenAI knows."""
    exhibits = shown.record.exhibits
    keys = openai.keys(exhibits)
    st.html(probed.summary(shown.record, shown.advice))
    names = {key.get("id"): registration.named(key) for key in keys}
    for number, found in enumerate(openai.validations(exhibits)):
        st.html(probed.validation(found, names.get(found.id, found.id)))
        if found.error and st.button("Diagnose this", key=f"diagnose-{number}", type="primary"):
            asking.put(found.error)
            st.switch_page("pages/diagnose.py")
    st.html(markup.deferred(probed.outcomes(shown.record, frame.base_path())))
    others = [key for key in keys if not (shown.configured and openai.is_registration_of(key, shown.configured))]
    if others:
        _draw_keys(shown.configured, others)


def _draw_keys(configured: Configuration | None, keys: Sequence[Configuration]) -> None:
    """Registered keys that are not the one of the form, to take over."""
    if configured and len(keys) == 1 and keys[0].provider is configured.provider:
        fields = [name for name in REGISTRATION[configured.provider] if keys[0].get(name) != configured.get(name)]
        st.html(probed.differences(keys[0], fields))
    count = f"{len(keys)} {'other ' if configured else ''}{'key' if len(keys) == 1 else 'keys'}"
    number = st.selectbox(
        f"OpenAI knows {count}. Which one shall be checked?",
        range(len(keys)),
        format_func=lambda item: registration.named(keys[item]),
        key="registered_choice",
    )
    st.button(
        "Take it over into the form",
        key="take-registered",
        on_click=registration.take,
        args=(keys[number],),
        icon=":material/input:",
    )
