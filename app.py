"""The frame: the server with its security headers, and the navigation between the pages. Nothing else.

Streamlit uses this file twice. The server imports it and serves ``app``; every run of a session executes it again as
the script, under the name ``__main__``, and draws the chosen page.
"""

from __future__ import annotations

import streamlit as st

from pages.components import connection, frame, staff


def draw() -> None:
    """One run of one session: navigation and page."""
    diagnose = st.Page("pages/diagnose.py", title="Diagnose", default=True)
    configuration = st.Page("pages/configuration.py", title="Configuration", url_path="configuration")
    probe = st.Page("pages/probe.py", title="Live check", url_path="live-check")
    errors = st.Page("pages/errors.py", title="Error reference", url_path="errors")
    triage = st.Page("pages/triage.py", title="Triage", url_path="triage", visibility=staff.visibility())
    reports = st.Page("pages/reports.py", title="Reports", url_path="reports", visibility=staff.visibility())
    # In a frame on another site the page around it is the way on.
    menu = "hidden" if st.context.is_embedded else "top"
    page = st.navigation([diagnose, configuration, probe, errors, reports, triage], position=menu)
    # Each page by its own name, so that tabs, bookmarks and screen readers tell them apart.
    st.set_page_config(page_title=frame.window_title(page.title), layout="wide")
    wanted = st.query_params.get("error")
    if wanted and page is diagnose:
        # A link to an error is also right without the page's name in it.
        st.switch_page(errors, query_params={"error": wanted})
    page.run()
    connection.draw()


if __name__ == "__main__":
    draw()
else:
    from starlette.middleware import Middleware

    from pages.components import server
    from pages.components.api import Api
    from pages.components.prompt import PromptSockets
    from pages.components.security import SecurityHeaders
    from pages.components.uploads import Uploads

    app = st.App(
        "app.py",
        lifespan=server.lifespan,
        routes=server.routes(),
        middleware=[Middleware(SecurityHeaders), Middleware(PromptSockets), Middleware(Uploads), Middleware(Api)],
    )
