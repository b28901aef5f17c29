"""What all pages share: our styles and our script, drawn with the fewest elements."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import streamlit as st

ASSETS = Path(__file__).parent / "assets"
_STYLE = f"<style>{(ASSETS / 'ekm.css').read_text(encoding='utf-8')}</style>"
_VERSION = hashlib.sha256((ASSETS / "ekm.js").read_bytes()).hexdigest()[:12]
SCRIPT_PATH = "/assets/ekm.js"

DEMO = "EKM_DEMO"
"""An environment variable of the server: 1, or the address on this machine where a laboratory shows its set-ups."""


def base_path() -> str:
    """The configured prefix of all addresses, such as ``/ekm``; "" where there is none."""
    prefix = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{prefix}" if prefix else ""


def window_title(page: str) -> str:
    """The title of the browser's window on one page or on one entry."""
    return f"{page} · EKM Troubleshooter"


def demo(setting: str) -> str:
    """What every page of a demo says first; "" where this is none."""
    if not setting:
        return ""
    where = "."
    if re.fullmatch(r"http://(?:127\.0\.0\.1|localhost):[0-9]{1,5}", setting):
        link = f'<a href="{setting}" target="_blank" rel="noopener">the laboratory\'s own page</a>'
        where = f": {link} shows which set-ups there are, and what to paste."
    return (
        '<div class="ekm-note" role="note"><p><b>This is a demo.</b> A laboratory on this machine answers in place of '
        f"the clouds and of OpenAI{where} Give no credentials of your own.</p></div>"
    )


def head(title: str = "", lead: str = "", quiet: str = "") -> None:
    """Draw styles, script, heading and lead in one element: each element of a page costs about a millisecond.

    Every page calls it once. All is constant: an element that may run a script holds no value of a user.
    """
    # Here, not above: the server reads this file before it answers its first health check, and markup loads the core.
    from pages.components import markup

    parts = [demo(os.environ.get(DEMO, ""))]
    parts += [f"<h1>{markup.esc(title)}</h1>"] if title else []
    if lead:
        parts.append(f'<p class="ekm-lead">{markup.esc(lead)}</p>')
    if quiet:
        parts.append(f'<p class="ekm-quiet">{markup.esc(quiet)}</p>')
    script = f'<script src="{markup.esc(base_path())}{SCRIPT_PATH}?v={_VERSION}"></script>'
    st.html(f"{_STYLE}{markup.page(*parts)}{script}", unsafe_allow_javascript=True)


def step(number: int, title: str, lead: str) -> None:
    """The heading of one numbered part of a page."""
    from pages.components import markup

    st.html(markup.page(f'<h2 class="ekm-step"><span>{number}</span>{markup.esc(title)}</h2><p>{markup.esc(lead)}</p>'))
