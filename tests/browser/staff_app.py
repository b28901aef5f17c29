"""A server with one page behind the staff gate, for the gate's own tests. Serves and draws itself, as app.py does."""

from __future__ import annotations

import streamlit as st

from pages.components import frame, markup, staff


def tool() -> None:
    staff.admit("Tool")
    frame.head("Tool")
    st.html(markup.page("<p>Only staff reads this.</p>"))


def start() -> None:
    frame.head("Start")


if __name__ == "__main__":
    pages = [
        st.Page(start, title="Start", default=True),
        st.Page(tool, title="Tool", url_path="tool", visibility=staff.visibility()),
    ]
    st.navigation(pages, position="top").run()
else:
    from pages.components import server

    app = st.App(__file__, routes=server.routes())
