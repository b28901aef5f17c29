"""What all pages share: our styles and our script, drawn with the fewest elements."""

from __future__ import annotations

import hashlib
from pathlib import Path

import streamlit as st

from pages.components import markup

ASSETS = Path(__file__).parent / "assets"
_STYLE = f"<style>{(ASSETS / 'ekm.css').read_text(encoding='utf-8')}</style>"
_VERSION = hashlib.sha256((ASSETS / "ekm.js").read_bytes()).hexdigest()[:12]
SCRIPT_PATH = "/assets/ekm.js"
ICON = str(ASSETS / "icon.png")
"""Our own file: Streamlit would load a named icon from another server."""


def base_path() -> str:
    """The configured prefix of all addresses, such as ``/ekm``; "" where there is none."""
    prefix = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{prefix}" if prefix else ""


def styles() -> None:
    """Draw the styles: an element of its own takes no room when it holds nothing else."""
    st.html(_STYLE)


def head(title: str, lead: str) -> None:
    """Draw the page's heading and its one sentence."""
    st.html(markup.page(f"<h1>{markup.esc(title)}</h1>", f'<p class="ekm-lead">{markup.esc(lead)}</p>'))


def script() -> None:
    """Draw the script: constant, no value of a user stands in it."""
    st.html(
        f'<script src="{markup.esc(base_path())}{SCRIPT_PATH}?v={_VERSION}"></script>', unsafe_allow_javascript=True
    )
