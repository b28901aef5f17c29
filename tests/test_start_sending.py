"""What a run draws goes to the browser together; see pages/components/sending.py."""

from __future__ import annotations

import asyncio
import inspect
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import runtime
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from pages.components import sending


class Session:
    """As much of an AppSession as sending looks at."""

    def __init__(self) -> None:
        self._browser_queue = ForwardMsgQueue()
        self.looks = 0

    def _message_enqueued_callback(self) -> None:
        self.looks += 1

    def draw(self, *kinds: str) -> None:
        for kind in kinds:
            message = ForwardMsg()
            if kind == "script_finished":
                message.script_finished = ForwardMsg.FINISHED_SUCCESSFULLY
            else:
                getattr(message, kind).SetInParent()
            self._browser_queue.enqueue(message)

    def sent(self) -> list[str | None]:
        session: Any = self
        return [message.WhichOneof("type") for message in sending._send_together(session)]


def test_the_messages_of_a_short_run_go_together() -> None:
    async def scenario() -> None:
        session = Session()
        assert session.sent() == []
        session.draw("new_session", "session_status_changed")
        assert session.sent() == []
        session.draw("delta", "script_finished", "session_status_changed")
        assert session.sent() == [
            "new_session",
            "session_status_changed",
            "delta",
            "script_finished",
            "session_status_changed",
        ]
        assert session.sent() == []

    asyncio.run(scenario())


def test_a_long_run_shows_what_it_has_drawn_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(sending, "time", SimpleNamespace(perf_counter=lambda: now))

    async def scenario() -> None:
        nonlocal now
        session = Session()
        for _ in range(3):
            session.draw("new_session", "delta")
            assert session.sent() == []
            session.looks = 0
            await asyncio.sleep(sending._LONGEST_WAIT * 2)
            assert session.looks == 1  # the server is told to look again, though nothing more was drawn
            now += sending._LONGEST_WAIT + 1e-6
            assert session.sent() == ["new_session", "delta"]

    asyncio.run(scenario())


def test_streamlit_still_has_what_it_hangs_on() -> None:
    source = inspect.getsource(runtime.Runtime)
    assert "await asyncio.sleep(MESSAGE_FLUSH_INTERVAL_SECS)" in source
    assert ".session.flush_browser_queue()" in source
    assert inspect.getsource(sending._send_all).rstrip().endswith("return self._browser_queue.flush()")
    source = inspect.getsource(AppSession)
    assert "self._browser_queue = ForwardMsgQueue()" in source
    assert "self._message_enqueued_callback()" in source
    assert "self._queue: list[ForwardMsg] = []" in inspect.getsource(ForwardMsgQueue)
