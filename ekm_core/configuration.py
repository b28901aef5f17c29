"""A registration's configuration, from any form a person has it in, and back to the API's body.

In: a pasted text (JSON body, curl command, the API's answer, an SDK call, lines of key=value), or values by name. Out:
``Imported``. Everything pasted is redacted first; nothing is run, stored or logged. The body is flat, with ``type`` for
the cloud (article 20000953 and the ``openai`` Python SDK 3.54.0, both read on 2026-11-23).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ekm_core import redact
from ekm_core.importing import Draft, Read, code, lines, names, shell
from ekm_core.model import Configuration, Provider
from ekm_core.strictjson import parse, placeholders
from ekm_core.values import fitting

LONGEST = 1 << 20
"""Characters that are read; a configuration has a few hundred."""

_KEY_ID = re.compile(r"extkey_[A-Za-z0-9]{1,80}")
_MOST_KEYS = 100
_MOST_PROBLEMS = 20
_SHOWN = 60
_HOW = "Paste the JSON body of the registration, the curl command, the SDK's call, the API's answer or key=value lines."
_NO_GUIDE = "OpenAI's API knows Oracle Cloud (oci), but there is no public guide for it, so we cannot check this key."
_OTHER_PURPOSE = "This key is for psp_decryption, another product of OpenAI's. This guide checks keys for EKM."


@dataclass(frozen=True, slots=True)
class Imported:
    """What a text holds.

    configurations: one for each key. problems: sentences on what could not be used or needs a look; where there is no
    configuration they say why. removed: how many secrets were taken out of the text before it was read.
    """

    configurations: tuple[Configuration, ...]
    problems: tuple[str, ...] = ()
    removed: int = 0


def read(text: str, provider: Provider | None = None) -> Imported:
    """The configurations in a text of any of the forms. ``provider`` counts where the text does not name its cloud.

    Never raises for what is in the text.
    """
    if len(text) > LONGEST:
        return Imported((), ("This text is longer than 1 MiB. Paste only the configuration.",))
    redacted = redact.redact(text)
    removed = sum(redacted.counts.values())
    found = _read(redacted.text)
    configurations, problems = [], list(found.problems)
    for draft in found.drafts:
        configured, remarks = _configuration(draft, provider)
        problems += remarks
        if configured:
            configurations.append(configured)
    return Imported(tuple(configurations), tuple(dict.fromkeys(problems))[:_MOST_PROBLEMS], removed)


def from_values(values: Mapping[str, str], provider: Provider | None = None) -> Configuration | None:
    """The configuration that values by name make (of a form, or found in an error); None where their cloud is unclear.

    The names may be the registration's or the core's; values that belong to no field are left out.
    """
    given = {name: value for name, value in values.items() if value.strip()}
    cloud = provider if provider in names.REGISTRATION else names.cloud_of(given)
    return _configuration(Draft(given, "values"), cloud)[0] if cloud else None


def body(configuration: Configuration) -> dict[str, str]:
    """The body of POST /v1/organization/external_keys: what is given of the fields, in the API's order.

    A key's version is left out: the API does not accept it for EKM.
    """
    fields = ("name", *names.REGISTRATION[configuration.provider])
    given = {name: configuration.get(name) for name in fields if configuration.get(name)}
    return {"type": str(configuration.provider), **given}


def values(configuration: Configuration) -> dict[str, str]:
    """The configuration by the names that checks and snippets use: only what fits its field and is no placeholder.

    What does not fit would make a wrong policy; ``config.validate`` of the cloud says what is wrong with it.
    """
    registration = names.REGISTRATION[configuration.provider]
    found = {registration.get(name, name): value.strip() for name, value in configuration.fields.items()}
    if "vault" in found:
        found["vault"] = _vault_name(found["vault"])
    if configuration.organization_id:
        found["organization_id"] = configuration.organization_id
    key = {"external_key_id": found["id"]} if _KEY_ID.fullmatch(found.get("id", "")) else {}
    return {name: value for name, value in fitting(found).items() if not placeholders(value)} | key


def _vault_name(uri: str) -> str:
    """The vault's name in its URI; the text as it is where it is none, for a bare name is a name too."""
    return uri.strip().removeprefix("https://").removesuffix("/").removesuffix(".vault.azure.net")


# ------------------------------------------------------------------------------------------------------------- reading
def _read(text: str) -> Read:
    stripped = text.strip()
    if not stripped:
        return Read((), (f"There is nothing to read. {_HOW}",))
    if code.is_call(text):
        found = code.read_call(text)
    elif shell.is_curl(text):
        found = shell.read_curl(text)
    elif stripped[0] in "{[\ufeff`“‘\u200b\u00a0":
        found = _json(text)
    else:
        found = lines.read_lines(text)
        if not found.drafts and "{" in text:
            found = _json(text)
    drafts = tuple(part for draft in found.drafts for part in _keys(draft))[:_MOST_KEYS]
    if not drafts and not found.problems:
        return Read((), (f"No field of a registration stands in this text. {_HOW}",))
    return Read(drafts, found.problems)


def _json(text: str) -> Read:
    parsed = parse(text)
    if not parsed.valid:
        return Read((), tuple(problem.sentence for problem in parsed.problems))
    if isinstance(parsed.value, list):
        return Read((Draft({"data": parsed.value}, "answer of the API"),))
    if not isinstance(parsed.value, dict):
        return Read((), (f"This is a single value, not a configuration. {_HOW}",))
    if isinstance(parsed.value.get("error"), dict | str):
        return Read((), ("This is the answer to a call that failed. Paste it on the Diagnose page.",))
    return Read((Draft(parsed.value, "JSON"),))


def _keys(draft: Draft) -> list[Draft]:
    """The keys of an answer: a list of them, one key, or one wrapped once or twice in a name (``provider``)."""
    level: list[Mapping[str, object]] = [draft.fields]
    found: list[Draft] = []
    for _ in range(4):
        deeper: list[Mapping[str, object]] = []
        for item in level:
            nested = [child for value in item.values() for child in _objects(value)]
            own = {name: value for name, value in item.items() if not _objects(value)}
            if nested and not any(names.is_known(name) for name in own if not names.is_type(name)):
                deeper += nested
            else:
                inside = {name: value for child in nested for name, value in child.items()}
                source = "answer of the API" if str(own.get("id", "")).startswith("extkey_") else draft.source
                found.append(Draft({**own, **inside}, source, draft.organization_id))
        if not deeper:
            break
        level = deeper[:_MOST_KEYS]
    return [item for item in found if any(names.is_known(name) for name in item.fields) or _is_oci(item)]


def _objects(value: object) -> list[Mapping[str, object]]:
    if isinstance(value, dict):
        return [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _is_oci(draft: Draft) -> bool:
    kind = next((value for name, value in draft.fields.items() if names.is_type(name)), "")
    return kind == "oci" or names.is_other_cloud(draft.fields)


def _configuration(draft: Draft, provider: Provider | None) -> tuple[Configuration | None, list[str]]:
    """One key of known names, and remarks; None where the cloud is not clear or has no guide."""
    if _is_oci(draft):
        return None, [_NO_GUIDE]
    named = [value for name, value in draft.fields.items() if names.is_type(name)]
    cloud = next((found for value in named if (found := names.cloud_named(value))), None)
    cloud = cloud or names.cloud_of(draft.fields) or (provider if provider in names.REGISTRATION else None)
    if cloud is None:
        return None, ["The fields do not tell which cloud the key is in. Add type: aws, gcp or azure."]
    fields: dict[str, str] = {}
    remarks: list[str] = []
    for name, value in draft.fields.items():
        if names.is_type(name) and names.cloud_named(value) in (cloud, None) and not names.field_name(name, cloud):
            continue
        field = names.field_name(name, cloud)
        if not field:
            if len(remarks) < _MOST_PROBLEMS and not names.is_type(name) and not names.is_of_the_answer(name):
                remarks.append(_unknown(name, cloud))
            continue
        text, remark = _text(field, value)
        if remark:
            remarks.append(remark)
        if not text:
            continue
        if fields.get(field, text) != text:
            remarks.append(f"{field} is given twice with different values; the last one counts.")
        fields[field] = text
    remarks += [_still_open(found.path, found.text) for found in placeholders(fields)]
    if fields.get("purpose") == "psp_decryption":
        remarks.append(_OTHER_PURPOSE)
    organization = fields.pop("organization_id", "") or draft.organization_id
    return Configuration(cloud, fields, organization, draft.source), remarks


def _text(field: str, value: object) -> tuple[str, str]:
    """The value as a text, and a remark where it was none."""
    if value is None:
        return "", ""
    if isinstance(value, str):
        return value.strip(), ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value), f"{field} is given as a number. The API takes a text: put it in double quotes."
    return "", f"{field} must be a text in double quotes; it is {_kind(value)} here."


def _kind(value: object) -> str:
    for kind, words in ((bool, "true or false"), (float, "a number"), (list, "a list"), (dict, "an object")):
        if isinstance(value, kind):
            return words
    return "something else"


def _unknown(name: str, cloud: Provider) -> str:
    near = names.nearest(name, cloud)
    hint = f" Did you mean {near}?" if near else ""
    return f"{_shown(name)} is no field of a registration for {cloud.label}; it is left out.{hint}"


def _still_open(field: str, text: str) -> str:
    return f"{field} still holds the placeholder {_shown(text)}. Put your own value there."


def _shown(text: str) -> str:
    clean = "".join(character if character.isprintable() else "�" for character in text[:_SHOWN])
    return f"“{clean}”"
