"""The set-ups of ``setups/<cloud>/*.json``: a customer's cloud each, with what is true of it.

{"title": "…", "configuration": {body of POST external_keys}, "organization_id": "org-…",
 "cloud": {what the stand-in of that cloud is told},
 "expect": {"error": the known error that OpenAI's validate meets, "" where it succeeds,
            "confirmed": ["error-id.cause-id", … every cause that ``check`` confirms, and no other],
            "with_error": [what only that error's words and the evidence together confirm; may be left out]}}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ekm_core import catalogue
from ekm_core.importing.names import REGISTRATION
from ekm_core.model import Configuration, Provider

_FOLDER = Path(__file__).with_name("setups")
_MEMBERS = {"title": str, "configuration": dict, "organization_id": str, "cloud": dict, "expect": dict}


class SetupError(Exception):
    """A file that does not hold a set-up; the message names the file and the fault."""


@dataclass(frozen=True, slots=True)
class Setup:
    """One set-up. name: "aws/healthy". cloud: what its stand-in is told. The rest: what is true of it."""

    name: str
    title: str
    configuration: Configuration
    cloud: Mapping[str, Any] = field(repr=False)
    error: str = ""
    confirmed: tuple[str, ...] = ()
    with_error: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether OpenAI can use the key."""
        return not self.error

    @property
    def provider(self) -> Provider:
        """The cloud."""
        return self.configuration.provider


def setups(provider: Provider | None = None) -> tuple[Setup, ...]:
    """All of them, or those of one cloud: the healthy ones first, then by name. Raises SetupError."""
    found = [read(path) for path in _FOLDER.glob("*/*.json") if provider in (None, path.parent.name)]
    return tuple(sorted(found, key=lambda setup: (list(Provider).index(setup.provider), bool(setup.error), setup.name)))


def read(path: Path) -> Setup:
    """One file. Raises SetupError for what is not as the head of this module says."""
    name = f"{path.parent.name}/{path.stem}"

    def demand(true: object, fault: str) -> None:
        if not true:
            raise SetupError(f"{name}: {fault}")

    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise SetupError(f"{name}: {problem}") from problem
    demand(isinstance(given, dict) and given.keys() == _MEMBERS.keys(), f"its members must be {', '.join(_MEMBERS)}")
    for member, kind in _MEMBERS.items():
        demand(isinstance(given[member], kind), f"{member} is no {kind.__name__}")
    provider = next((cloud for cloud in REGISTRATION if cloud == path.parent.name), None)
    demand(provider, "its folder is named after no cloud")
    body, expect, organization = given["configuration"], given["expect"], given["organization_id"]
    demand(body.get("type") == provider, "the configuration's type is another cloud than the folder")
    demand(all(isinstance(value, str) for value in body.values()), "a field of the configuration is no text")
    demand(organization.startswith("org-"), "organization_id is none")
    demand(
        expect.keys() | {"with_error"} == {"error", "confirmed", "with_error"}, "expect lacks a member or has others"
    )
    error, confirmed, with_error = expect["error"], tuple(expect["confirmed"]), tuple(expect.get("with_error", ()))
    entry = catalogue.get(error)
    demand(entry or error == "", f"there is no known error {error!r}")
    causes = {f"{known.id}.{cause.id}" for known in catalogue.errors().values() for cause in known.causes}
    for cause in (*confirmed, *with_error):
        demand(cause in causes, f"there is no cause {cause!r}")
    demand(bool(error) or not confirmed + with_error, "a healthy set-up confirms no cause")
    fields = {key: value for key, value in body.items() if key != "type"}
    assert provider is not None
    configured = Configuration(provider, fields, organization, f"set-up {name}")
    return Setup(name, given["title"], configured, given["cloud"], error, confirmed, with_error)
