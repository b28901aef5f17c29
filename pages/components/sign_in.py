"""Who makes the calls of a live check: the form for credentials, and how it is emptied again.

The fields form one Streamlit form, so that nothing of them reaches the server before the button is pressed; then they
are taken out of the session at once, before the first call is made. Their values are never drawn.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import streamlit as st

from ekm_core import credentials
from ekm_core.credentials import AzureDefault, AzureDeviceCode, Credentials, GcpDefault, Given
from ekm_core.model import Provider
from pages.components import markup

_PREFIX = "secret_"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the person asked for. The credentials are in here, so it must not outlive the run (and its repr is bare).

    advice: what is unwise about the credentials, though they can be used.
    """

    credentials: Credentials | None = field(repr=False)
    openai: Credentials | None = field(repr=False)
    round_trip: bool
    ambient_allowed: bool
    advice: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Kind:
    """One way to sign in. fields: the labels of what is pasted, each with a hint. read: from the pasted texts."""

    label: str
    lead: str
    fields: tuple[tuple[str, str], ...] = ()
    read: Callable[[Sequence[str]], Given] = lambda _: Given(None)
    ambient: bool = False
    secret: bool = True


_PUBLIC = _Kind("No credentials", "Only what the cloud shows to everybody is read.")
_OPENAI_ALONE = _Kind("OpenAI alone", "Your cloud shows nothing to a stranger, so nothing is asked of it.")
_NO_SIGN_IN = (_PUBLIC, _OPENAI_ALONE)
_KINDS: Mapping[Provider, tuple[_Kind, ...]] = {
    Provider.AWS: (
        _Kind(
            "Access keys",
            "Best are temporary ones: AWS CloudShell prints three lines for “aws configure export-credentials --format "
            "env”. All three may be pasted into the first field.",
            (
                ("Access key ID", "ASIA… or AKIA…"),
                ("Secret access key", "40 characters"),
                ("Session token", "for temporary keys (ASIA…)"),
            ),
            lambda texts: credentials.aws_keys(*texts),
        ),
        _Kind(
            "A profile of this machine",
            "Left blank, the SDK looks where it always does: environment, default profile, single sign-on.",
            (("Profile", "default chain"),),
            lambda texts: credentials.aws_profile(texts[0]),
            ambient=True,
            secret=False,
        ),
        _PUBLIC,
    ),
    Provider.GCP: (
        _Kind(
            "Access token",
            "“gcloud auth print-access-token” prints one in Cloud Shell; it is good for an hour. The JSON file of a "
            "user or a service account works, too.",
            (("Access token, or the whole JSON file", "ya29.…"),),
            lambda texts: credentials.gcp(texts[0]),
        ),
        _Kind(
            "This machine's default credentials",
            "What “gcloud auth application-default login” left on the machine of this server.",
            read=lambda _: Given(GcpDefault()),
            ambient=True,
        ),
        _PUBLIC,
    ),
    Provider.AZURE: (
        _Kind(
            "Sign in with a browser",
            "You get an address of Microsoft's and a code to enter there, and no token passes through your clipboard.",
            read=lambda _: Given(AzureDeviceCode()),
        ),
        _Kind(
            "Access tokens",
            "Each says itself what it is for. Whatever is missing, that part is not read. “az account get-access-token "
            "--resource=…” prints them.",
            (
                ("Token for Azure Resource Manager", "--resource=https://management.azure.com"),
                ("Token for Microsoft Graph", "--resource=https://graph.microsoft.com"),
                ("Token for Key Vault", "--resource=https://vault.azure.net"),
            ),
            lambda texts: credentials.azure_tokens(*texts),
        ),
        _Kind(
            "This machine's identity",
            "What the Azure SDK finds on the machine of this server: environment, managed identity, Azure CLI.",
            read=lambda _: Given(AzureDefault()),
            ambient=True,
        ),
        _PUBLIC,
    ),
}
_AMBIENT_OFF = (
    "This server does not lend its own credentials. A profile or a default login can be used only by whoever runs the "
    "app for themselves: started with EKM_LOCAL_CREDENTIALS=1 and STREAMLIT_SERVER_ADDRESS=127.0.0.1, and opened at "
    "127.0.0.1 without a proxy between."
)
_ROUND_TRIP = (
    "It encrypts a few random bytes with the registered key as you and decrypts them again. It proves that the key "
    "exists, is enabled and of the right kind. It does not prove that OpenAI may use it: you are another caller. It "
    "needs the permissions to encrypt and decrypt, and leaves two lines in your audit log."
)
_OPENAI = (
    "With an admin key, OpenAI lists your keys and uses the one of your form once (validate). That is the truest test, "
    "since OpenAI's own identity makes the calls. It needs the scope api.external_keys.read alone and changes nothing; "
    "the audit log of your cloud shows one encryption and one decryption."
)


def _turn() -> int:
    turn: int = st.session_state.get("sign_in_turn", 0)
    return turn


def _forget() -> None:
    """Take every credential out of the session. The fields of the next drawing are other ones, and blank.

    Before the run and not behind it: a script that is stopped in its midst may touch the session no more.
    """
    for key in [str(key) for key in st.session_state if str(key).startswith(_PREFIX)]:
        del st.session_state[key]
    st.session_state["sign_in_turn"] = _turn() + 1


def _problems() -> tuple[str, ...]:
    found: tuple[str, ...] = st.session_state.get("sign_in_problems", ())
    return found


def failed() -> bool:
    """Whether what was pasted last could not be used."""
    return bool(_problems())


def _ambient_allowed() -> bool:
    address = st.get_option("server.address")
    return credentials.ambient_allowed(os.environ, str(address or ""), dict(st.context.headers))


def draw(provider: Provider | None, public: bool) -> Asked | None:
    """The form; what was asked for where its button was just pressed.

    provider: of the configuration; without one only OpenAI can be asked. public: whether this cloud shows anything at
    all to somebody without credentials.
    """
    allowed = _ambient_allowed()
    kind = _draw_kinds(provider, allowed, public) if provider else _OPENAI_ALONE
    if problems := _problems():
        said = "Nothing was called, and what you pasted was forgotten."
        st.html(markup.page(markup.sentences((*problems, said), bad=True)))
    with st.form(f"sign-in-{_turn()}"):
        if provider:
            st.html(markup.page(f'<p class="ekm-quiet">{markup.esc(kind.lead)}</p>'))
        texts = [_field(kind, number, *words) for number, words in enumerate(kind.fields)]
        openai = _text(f"OpenAI admin key{'' if kind is _OPENAI_ALONE else ' (optional)'}", "openai", "sk-admin-…")
        st.html(markup.page(f'<p class="ekm-quiet">{markup.esc(_OPENAI)}</p>'))
        round_trip = False
        if kind not in _NO_SIGN_IN:
            label = "Also encrypt and decrypt once, as yourself"
            round_trip = st.checkbox(label, key="round_trip", help=_ROUND_TRIP, persist_state="session")
        if not st.form_submit_button("Run the live check", type="primary", key=f"run-{_turn()}"):
            return None
    _forget()
    given = kind.read(texts)
    key = credentials.openai_key(openai) if openai.strip() or kind is _OPENAI_ALONE else Given(None)
    st.session_state["sign_in_problems"] = problems = (*given.problems, *key.problems)
    if problems:
        st.rerun()
    return Asked(given.credentials, key.credentials, round_trip, allowed, advice=(*given.advice, *key.advice))


def _draw_kinds(provider: Provider, allowed: bool, public: bool) -> _Kind:
    kinds = {kind.label: kind for kind in _KINDS[provider] if allowed or not kind.ambient}
    if not public:
        del kinds[_PUBLIC.label]
        kinds[_OPENAI_ALONE.label] = _OPENAI_ALONE
    chosen = st.radio(
        "Whose credentials?", list(kinds), key=f"who_{provider}", horizontal=True, persist_state="session"
    )
    if not allowed:
        st.html(
            markup.page(
                '<details class="ekm-fold"><summary>Why not the credentials of this machine?</summary>'
                f"<p>{markup.esc(_AMBIENT_OFF)}</p></details>"
            )
        )
    return kinds[chosen]


def _field(kind: _Kind, number: int, label: str, hint: str) -> str:
    return _text(label, f"{kind.label}_{number}", hint, secret=kind.secret)


def _text(label: str, name: str, hint: str, *, secret: bool = True) -> str:
    return st.text_input(
        label,
        key=f"{_PREFIX}{_turn()}_{name}",
        type="password" if secret else "default",
        placeholder=hint,
        max_chars=credentials.LONGEST,
        autocomplete="off",
    )
