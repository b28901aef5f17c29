"""The form of what is registered: filled by hand, from a paste of any form, or from the error on the Diagnose page.

Secrets are removed from every box before its text is kept. The form stays as it is on the way to another page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from ekm_core import configuration
from ekm_core.importing.names import BESIDE, OF_EVERY_CLOUD, REGISTRATION
from ekm_core.model import Configuration, Diagnosis, Finding, Provider, Status
from ekm_core.values import FIELDS, LONGEST
from ekm_core.wellformed import well_formed
from pages.components import given, markup

CLOUDS = tuple(REGISTRATION)
_ORGANIZATION = "organization_id"
# Where the registration's field is another one than the core's value of the same meaning.
_WORDS = {
    (Provider.AZURE, "vault_uri"): (
        "Key Vault URI",
        "The vault's address on its Overview page, with https:// and without a key's path.",
        "https://my-vault.vault.azure.net/",
    ),
    (Provider.GCP, "kms_key_name"): ("Key name", "The key's short name, without its path.", "openai-ekm-key"),
    (Provider.AZURE, "key_name"): (
        "Key name",
        "It begins with your organization ID and two dashes.",
        "org-AbCdEfGhIjKlMnOpQrStUvWx--ekm",
    ),
}
_LABELS = {provider.label: provider for provider in CLOUDS}


def cloud() -> Provider:
    """The cloud that the form is for."""
    chosen: Provider = st.session_state.get("setup_cloud", Provider.AWS)
    return chosen


def _names(provider: Provider) -> tuple[str, ...]:
    """Every name that the form may hold for a cloud."""
    beside = (*BESIDE[provider], *(name for name in OF_EVERY_CLOUD if name != _ORGANIZATION))
    return (*REGISTRATION[provider], _ORGANIZATION, *beside)


def _state_key(provider: Provider, name: str) -> str:
    # One organization for all clouds.
    return f"form_{name}" if name == _ORGANIZATION else f"form_{provider}_{name}"


def _value(provider: Provider, name: str) -> str:
    return st.session_state.get(_state_key(provider, name)) or ""


def _configure() -> None:
    """Read the form into the session's configuration. Runs in callbacks, so that no page misses the last change."""
    provider = cloud()
    values = {name: _value(provider, name) for name in _names(provider)}
    anything = any(values[name].strip() for name in REGISTRATION[provider])
    st.session_state["configuration"] = configuration.from_values(values, provider) if anything else None


def choose(provider: Provider) -> None:
    """Show the form of another cloud; what stands in this one stays."""
    if provider is not cloud() or "setup_cloud" not in st.session_state:
        st.session_state["setup_cloud"] = provider
        _configure()


def _clean(key: str) -> None:
    """A field was changed: remove what looks like a secret, and read the form anew."""
    given.clean(key, LONGEST)
    _configure()


def _fill(provider: Provider, values: Mapping[str, str], *, whole: bool) -> None:
    """Put values into the form: all fields anew (whole), or only those that are still blank."""
    choose(provider)
    st.query_params["provider"] = provider.value
    for name in _names(provider):
        if (whole and (name in values or name != _ORGANIZATION)) or not _value(provider, name):
            st.session_state[_state_key(provider, name)] = values.get(name, "")[:LONGEST]
    _configure()


def take(found: Configuration) -> None:
    """Fill the whole form with a configuration, of whichever cloud."""
    organization = {_ORGANIZATION: found.organization_id} if found.organization_id else {}
    _fill(found.provider, {**found.fields, **organization}, whole=True)


def _import() -> None:
    """Read what was pasted. The paste stays, without its secrets."""
    text: str = st.session_state.get("import") or ""
    if not text.strip():
        return
    if text != st.session_state.get("import_read"):
        read = configuration.read(text, cloud())
        # What is longer is refused anyway, and nobody needs it back.
        st.session_state["import_read"] = given.clean("import", configuration.LONGEST)
        st.session_state["import_problems"] = read.problems
        st.session_state["import_removed"] = read.removed
        st.session_state["import_keys"] = read.configurations
    keys: Sequence[Configuration] = st.session_state["import_keys"]
    if len(keys) == 1:
        take(keys[0])


def _take_key() -> None:
    keys: Sequence[Configuration] = st.session_state.get("import_keys", ())
    number = st.session_state.get("import_choice")
    if isinstance(number, int) and number < len(keys):
        take(keys[number])


def _pick_cloud() -> None:
    provider = _LABELS.get(st.session_state["setup_pills"])
    if provider is not None:
        choose(provider)
        st.query_params["provider"] = provider.value


def clear() -> None:
    """Empty the form of this cloud, and the import."""
    for name in _names(cloud()):
        st.session_state[_state_key(cloud(), name)] = ""
    st.session_state["import"] = ""
    for key in ("import_read", "import_problems", "import_removed", "import_keys", "import_choice"):
        st.session_state.pop(key, None)
    _configure()


# ------------------------------------------------------------------------------------------- from the error on Diagnose
def _from_error() -> tuple[Provider, dict[str, str]] | None:
    """What the message on the Diagnose page says of the registration; None where it says nothing."""
    answer: Diagnosis | None = st.session_state.get("answer")
    if answer is None or not answer.errors:
        return None
    first = answer.errors[0]
    provider = first.match.error.provider
    if provider not in REGISTRATION:
        return None
    known = {**first.entities, **answer.typed}
    found = {}
    for field, name in REGISTRATION[provider].items():
        value = known.get(name, "")
        if value and well_formed(name, value):
            found[field] = f"https://{value.lower()}.vault.azure.net/" if field == "vault_uri" else value
    if found and well_formed(_ORGANIZATION, known.get(_ORGANIZATION, "")):
        found[_ORGANIZATION] = known.get(_ORGANIZATION, "")
    return (provider, found) if found else None


def _take_over() -> None:
    found = _from_error()
    if found:
        _fill(*found, whole=False)


# -------------------------------------------------------------------------------------------------------------- drawing
def draw(findings: Sequence[Finding]) -> None:
    """Cloud, import and form. findings: of ``check``; the sentences about a field stand below it."""
    asked = st.query_params.get("provider", "")
    if asked and asked not in REGISTRATION:
        said = f"There is no cloud named “{asked[:60]}” here. Choose one of these."
        st.html(markup.page(markup.note(said, bad=True)))
    st.session_state["setup_pills"] = cloud().label
    st.pills("Cloud", list(_LABELS), key="setup_pills", required=True, on_change=_pick_cloud)
    _draw_import()
    _draw_form(findings)


def _draw_import() -> None:
    found = _from_error()
    if found and any(not _value(found[0], name) for name in found[1]):
        st.button(
            f"Take over what your error message says ({', '.join(found[1])})",
            on_click=_take_over,
            icon=":material/input:",
            key="take-over",
        )
    st.text_area(
        "Paste what you have",
        key="import",
        height=120,
        on_change=_import,
        placeholder="The JSON body or the whole curl command of the registration, the API's answer, an SDK call, or "
        "lines of key=value. Or fill in the form below.",
        persist_state="session",
    )
    with st.container(horizontal=True):
        st.button("Fill in the form", on_click=_import, key="fill", type="primary")
        st.button("Empty the form", on_click=clear, key="empty", type="tertiary")
    keys: Sequence[Configuration] = st.session_state.get("import_keys", ())
    said = []
    if len(keys) == 1:
        said.append(f"Read as: {keys[0].provider.label}, {keys[0].source}. The form below is filled in.")
    removed = st.session_state.get("import_removed", 0)
    if removed:
        said.append(f"{removed} {'secret was' if removed == 1 else 'secrets were'} removed from it.")
    notes = [markup.note(" ".join(said))] if said else []
    problems: Sequence[str] = st.session_state.get("import_problems", ())
    if problems:
        outcome = () if keys else ("Nothing was filled in.",)
        notes.append(markup.sentences((*outcome, *problems), bad=not keys))
    if notes:
        st.html(markup.page(*notes))
    if len(keys) > 1:
        st.selectbox(
            f"This text holds {len(keys)} keys. Which one shall we check?",
            range(len(keys)),
            index=None,
            format_func=lambda number: named(keys[number]),
            key="import_choice",
            on_change=_take_key,
            placeholder="Choose a key",
            persist_state="session",
        )


def named(found: Configuration) -> str:
    """One line that tells the keys of a list apart."""
    fields = (found.get(name) for name in ("name", "kms_arn", "kms_key_name", "key_name", "id"))
    return f"{found.provider.label}: {' · '.join(dict.fromkeys(filter(None, fields)))}"[:160]


def _draw_form(findings: Sequence[Finding]) -> None:
    provider = cloud()
    wrong: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.field and finding.status in (Status.FAIL, Status.WARN):
            wrong.setdefault(finding.field, []).append(finding)
    fields = REGISTRATION[provider]
    given_beside = [name for name in _names(provider) if name not in fields and name != _ORGANIZATION]
    shown = [*fields, _ORGANIZATION, *(name for name in given_beside if _value(provider, name))]
    columns = st.columns(2, gap="medium")
    half = (len(shown) + 1) // 2
    for number, name in enumerate(shown):
        with columns[number >= half]:
            _draw_field(provider, name, wrong.get(name, ()))


def _draw_field(provider: Provider, name: str, wrong: Sequence[Finding]) -> None:
    known = FIELDS.get(REGISTRATION[provider].get(name, name))
    words = (known.label, known.help, known.example) if known else (name.replace("_", " ").capitalize(), None, "")
    label, help, example = _WORDS.get((provider, name), words)
    key = _state_key(provider, name)
    st.text_input(
        f"{label} ({name})",
        key=key,
        placeholder=f"e.g. {example}" if example else None,
        help=help,
        max_chars=LONGEST,
        autocomplete="off",
        on_change=_clean,
        args=(key,),
        persist_state="session",
    )
    if wrong:
        st.html(markup.page(*(_said(finding) for finding in wrong)))


def _said(finding: Finding) -> str:
    kind = "bad" if finding.status is Status.FAIL else "warn"
    parts = (finding.title + ".", finding.means, finding.next_step)
    return f'<p class="ekm-said {kind}" role="status">{markup.esc(" ".join(part for part in parts if part))}</p>'
