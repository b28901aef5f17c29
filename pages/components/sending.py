"""How the server sends what a run draws: at once, and together.

A browser draws the whole page anew for every message that comes alone; that takes it longer than a short run takes
here (of 23 ms from a click to the painted answer it was 5, measured 2026-11-27). So the first messages of a run wait a
few milliseconds for its last ones. Both times below are no settings of Streamlit: what they hang on is looked for by
tests/test_start_sending.py.
"""

from __future__ import annotations

import asyncio
import time
from weakref import WeakKeyDictionary

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import runtime
from streamlit.runtime.app_session import AppSession

_FLUSH_EVERY = 0.001
"""Seconds between two looks at what is to be sent, five times as often as Streamlit: a run that ends between two looks
waits for the next one."""

_LONGEST_WAIT = 0.006
"""Seconds that a message waits for the end of its run. A run that takes longer shows what it has drawn so far."""

_send_all = AppSession.flush_browser_queue
_waiting_since: WeakKeyDictionary[AppSession, float] = WeakKeyDictionary()
"""From the first look at messages that wait to the look that sends them."""


def _send_together(session: AppSession) -> list[ForwardMsg]:
    waiting = session._browser_queue._queue
    if waiting and not any(message.HasField("script_finished") for message in waiting):
        now = time.perf_counter()
        if session not in _waiting_since:
            _waiting_since[session] = now
            # the end of the run has the server look again too
            asyncio.get_running_loop().call_later(_LONGEST_WAIT, session._message_enqueued_callback)
        if now - _waiting_since[session] < _LONGEST_WAIT:
            return []
    _waiting_since.pop(session, None)
    return _send_all(session)


def install() -> None:
    """Once a process, before the first session."""
    runtime.MESSAGE_FLUSH_INTERVAL_SECS = _FLUSH_EVERY  # type: ignore[misc]  # it is marked Final
    AppSession.flush_browser_queue = _send_together  # type: ignore[method-assign]
