"""What all pages share: our styles and our script, drawn with the fewest elements."""

from __future__ import annotations

import hashlib
from pathlib import Path

import streamlit as st

ASSETS = Path(__file__).parent / "assets"
_STYLE = f"<style>{(ASSETS / 'ekm.css').read_text(encoding='utf-8')}</style>"
_VERSION = hashlib.sha256((ASSETS / "ekm.js").read_bytes()).hexdigest()[:12]
SCRIPT_PATH = "/assets/ekm.js"


def base_path() -> str:
    """The configured prefix of all addresses, such as ``/ekm``; "" where there is none."""
    prefix = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{prefix}" if prefix else ""


def head(title: str = "", lead: str = "", quiet: str = "") -> None:
    """Draw styles, script, heading and lead in one element: each element of a page costs about a millisecond.

    Every page calls it once. All is constant: an element that may run a script holds no value of a user.
    """
    # Here, not above: the server reads this file before it answers its first health check, and markup loads the core.
    from pages.components import markup

    parts = [f"<h1>{markup.esc(title)}</h1>"] if title else []
    if lead:
        parts.append(f'<p class="ekm-lead">{markup.esc(lead)}</p>')
    if quiet:
        parts.append(f'<p class="ekm-quiet">{markup.esc(quiet)}</p>')
    script = f'<script src="{markup.esc(base_path())}{SCRIPT_PATH}?v={_VERSION}"></script>'
    st.html(f"{_STYLE}{markup.page(*parts)}{script}", unsafe_allow_javascript=True)
