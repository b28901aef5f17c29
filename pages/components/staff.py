"""Who may use the pages that are made for the support team.

With an ``[auth]`` section in the secrets: whoever has signed in (OpenID Connect) and stands on the list in
``[staff]``. Without one: everybody on a server that this machine alone can reach, nobody on any other. Whatever is
unclear closes the gate. A page calls ``admit`` before anything else, on every run; the navigation asks ``visibility``.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import streamlit as st

from pages.components import frame
from pages.components.security import SettingError

HOURS = 12
"""A sign-in counts for so long, unless ``[staff] hours`` says otherwise. Streamlit's own cookie would last 30 days."""

LOCAL_FILES = "EKM_LOCAL_FILES"
"""The switch: an environment variable of the server; 1 lets its own user name files of this machine."""

_EARLY = 300
"""Seconds by which the provider's clock may be ahead of ours."""

_SHORTEST_SECRET = 16
"""Characters of ``cookie_secret``: whoever guesses it writes their own sign-in."""

# ASCII alone: other letters become these when they are put in lower case, and would pass for another domain.
_ADDRESS = re.compile(r"[\x21-\x3f\x41-\x7e]+@([a-z0-9-]+(?:\.[a-z0-9-]+)+)")
_PROXIED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded", "Via")
_KEYS = {"domains", "addresses", "groups", "groups_claim", "hours"}


class Access(StrEnum):
    """Whether the gate is open for the visitor of this run, and why."""

    LISTED = "listed"
    LOOPBACK = "loopback"
    PUBLIC = "public"
    SIGN_IN = "sign_in"
    NOT_LISTED = "not_listed"
    UNVERIFIED = "unverified"
    EXPIRED = "expired"
    NO_LIST = "no_list"
    MISCONFIGURED = "misconfigured"

    @property
    def open(self) -> bool:
        """Whether the visitor may pass."""
        return self in (Access.LISTED, Access.LOOPBACK)


_SENTENCES = {
    Access.LOOPBACK: "Open without a sign-in, because only this machine can reach this server.",
    Access.PUBLIC: "This page is off. No sign-in is set up, and other machines can reach this server. To open it: add "
    "[auth] and [staff] to .streamlit/secrets.toml (“Staff only” in the README), or start the server with "
    "STREAMLIT_SERVER_ADDRESS=127.0.0.1 and open it on the same machine.",
    Access.SIGN_IN: "This page is for the support team. Please sign in.",
    Access.NOT_LISTED: "You are signed in, but your account is not on the list of this server. Whoever runs it can add "
    "your address, your domain or one of your groups to [staff] in .streamlit/secrets.toml.",
    Access.UNVERIFIED: "Your sign-in does not say that your e-mail address was verified, so it does not count. Verify "
    "it with your identity provider, or ask whoever runs this server to list one of your groups in its place.",
    Access.EXPIRED: "Your sign-in is too old. Please sign in again.",
    Access.NO_LIST: "This page is off. A sign-in is set up, but nobody is listed: add domains, addresses or groups to "
    "[staff] in .streamlit/secrets.toml.",
    Access.MISCONFIGURED: "This page is off, because the sign-in of this server is not set up correctly.",
}


@dataclass(frozen=True, slots=True)
class Rules:
    """Who is staff: the ``[staff]`` section.

    domains and addresses are in lower case and count for verified e-mail addresses alone; a domain does not include
    those below it. groups are compared as they are, with the claim named ``groups_claim``.
    """

    domains: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    groups_claim: str = "groups"
    hours: float = HOURS

    @classmethod
    def read(cls, section: object) -> Rules:
        """The rules in a section of the secrets. Raises SettingError for what is not meant for it."""
        if not isinstance(section, Mapping):
            raise SettingError("[staff] must be a section with domains, addresses or groups.")
        if unknown := sorted(set(section) - _KEYS):
            raise SettingError(f"[staff] has no setting {unknown[0]!r}. It has: {', '.join(sorted(_KEYS))}.")
        claim, hours = section.get("groups_claim", "groups"), section.get("hours", HOURS)
        if not isinstance(claim, str) or not claim:
            raise SettingError("[staff] groups_claim must be the name of a claim.")
        if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 < hours <= 24 * 30:
            raise SettingError("[staff] hours must be a number above 0, up to 720.")
        domains = _names(section, "domains")
        return cls(
            frozenset(name.lower().removeprefix("@") for name in domains),
            frozenset(name.lower() for name in _names(section, "addresses")),
            frozenset(_names(section, "groups")),
            claim,
            hours,
        )

    @property
    def empty(self) -> bool:
        """Whether they let nobody in."""
        return not (self.domains or self.addresses or self.groups)


def _names(section: Mapping[str, object], key: str) -> list[str]:
    found = section.get(key, [])
    if not isinstance(found, list) or not all(isinstance(name, str) and name.strip() for name in found):
        raise SettingError(f'[staff] {key} must be a list of names, such as {key} = ["…"].')
    return [name.strip() for name in found]


def judge(user: Mapping[str, object], rules: Rules, now: float) -> Access:
    """Whether a signed-in user is staff. user: the claims of the identity token. now: seconds since 1970."""
    if user.get("is_logged_in") is not True:
        return Access.SIGN_IN
    issued = user.get("iat")
    if isinstance(issued, bool) or not isinstance(issued, int | float):
        return Access.EXPIRED
    if not -_EARLY <= now - issued <= rules.hours * 3600:
        return Access.EXPIRED
    if rules.groups & _groups(user.get(rules.groups_claim)):
        return Access.LISTED
    address = str(user.get("email") or "")
    fits = _ADDRESS.fullmatch(address.lower()) if address.isascii() else None
    if fits is None or not (fits[0] in rules.addresses or fits[1] in rules.domains):
        return Access.NOT_LISTED
    # Some providers write the claim as a word.
    verified = user.get("email_verified")
    return Access.LISTED if verified is True or verified == "true" else Access.UNVERIFIED


def _groups(claim: object) -> frozenset[str]:
    names = [claim] if isinstance(claim, str) else claim if isinstance(claim, list) else []
    return frozenset(name for name in names if isinstance(name, str))


def is_loopback(host: str) -> bool:
    """Whether a host name or an address, with or without a port, means this very machine."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def came_straight(headers: Mapping[str, str]) -> bool:
    """Whether a visitor of a loopback server sits at this machine: nothing in the request shows a proxy before it."""
    if any(name in headers for name in _PROXIED):
        return False
    origin = headers.get("Origin")
    hosts = [headers.get("Host"), urlsplit(origin).netloc if origin else None]
    return all(is_loopback(host) for host in hosts if host is not None)


def access() -> Access:
    """For the visitor of this run."""
    if not st.secrets.load_if_toml_exists():
        if any(Path(path).exists() for path in st.get_option("secrets.files")):
            return Access.MISCONFIGURED  # they cannot be read, so nobody knows what they ask for
        return _without_sign_in()
    if "auth" not in st.secrets:
        return _without_sign_in()
    if not providers(st.secrets["auth"]):
        return Access.MISCONFIGURED
    try:
        rules = Rules.read(st.secrets.get("staff", {}))
    except SettingError:
        return Access.MISCONFIGURED
    if rules.empty:
        return Access.NO_LIST
    return judge(st.user.to_dict(), rules, datetime.now(UTC).timestamp())


def may_name_files() -> bool:
    """Whether the visitor of this run may have files of this machine read, as the server itself may read them.

    Only with the switch on, and only who sits at the very machine of a server that has no sign-in and that nobody else
    reaches. Other accounts of a shared computer reach it too, hence the switch.
    """
    return os.environ.get(LOCAL_FILES) == "1" and access() is Access.LOOPBACK


def _without_sign_in() -> Access:
    address = str(st.get_option("server.address") or "")
    return Access.LOOPBACK if is_loopback(address) and came_straight(st.context.headers) else Access.PUBLIC


def providers(auth: object) -> tuple[str, ...]:
    """The names for ``st.login``, "" for the unnamed one; empty where ``[auth]`` cannot be used."""
    if not isinstance(auth, Mapping) or not auth.get("redirect_uri"):
        return ()
    if len(str(auth.get("cookie_secret") or "")) < _SHORTEST_SECRET:
        return ()
    named = (name for name, value in auth.items() if isinstance(value, Mapping) and name != "client_kwargs")
    return (*([""] if auth.get("client_id") else []), *named)


def visibility() -> Literal["visible", "hidden"]:
    """For ``st.Page``: the menu names the pages of staff to those who may use them. Their addresses work for all."""
    return "visible" if access().open else "hidden"


def admit(title: str) -> None:
    """Let staff pass and say in a line why; draw the closed gate for anybody else, and end the run. First on a page.

    title: the heading of the page that the gate stands before.
    """
    found = access()
    if not found.open:
        _draw_closed(title, found)
        st.stop()
    if found is Access.LOOPBACK:
        _line(_SENTENCES[found], [])
        return
    # Who has no address there is known by name or by the provider's own number.
    user = st.user.to_dict()
    _line(f"Signed in as {user.get('email') or user.get('name') or user.get('sub')}.", ["Sign out"])


def _draw_closed(title: str, found: Access) -> None:
    from pages.components import markup

    frame.head(title)
    st.html(markup.page(markup.note(_SENTENCES[found], bad=found is Access.MISCONFIGURED)))
    if found in (Access.SIGN_IN, Access.EXPIRED):
        _draw_sign_in(providers(st.secrets["auth"]))
    elif found in (Access.NOT_LISTED, Access.UNVERIFIED):
        st.button("Sign out", on_click=st.logout)


def _draw_sign_in(names: Iterable[str]) -> None:
    for name in names:
        label = f"Sign in with {name}" if name else "Sign in"
        st.button(label, key=f"sign-in-{name}", type="primary", on_click=st.login, args=(name or None,))


def _line(sentence: str, buttons: list[str]) -> None:
    from pages.components import markup

    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(markup.page(f'<p class="ekm-quiet">{markup.esc(sentence)}</p>'))
        for label in buttons:
            st.button(label, type="tertiary", on_click=st.logout)
