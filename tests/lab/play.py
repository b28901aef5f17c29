"""Set-ups come to life: each in the stand-in of its cloud, and registered with the stand-in of OpenAI."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial

from ekm_core import configuration
from ekm_core.credentials import Credentials
from ekm_core.model import Provider
from tests.lab import openai
from tests.lab.declared import Setup
from tests.lab.frame import Laboratory


@dataclass(slots=True)
class _Scene:
    """One set-up that is served. address: of its cloud's stand-in. id: of its key at OpenAI."""

    setup: Setup
    address: str
    id: str
    hosts: tuple[str, ...]
    stack: ExitStack


@dataclass(slots=True)
class Stage:
    """Where set-ups are shown, one a cloud. openai: the organization in which their keys are registered."""

    laboratory: Laboratory
    openai: openai.OpenAI
    _api: str
    _scenes: dict[Provider, _Scene] = field(default_factory=dict)

    def show(self, setup: Setup) -> None:
        """Serve a set-up in place of its cloud's last one. OpenAI's organization becomes the set-up's."""
        self.clear(setup.provider)
        room = importlib.import_module(f"tests.lab.{setup.provider}")
        stack = ExitStack()
        address = stack.enter_context(room.serve(setup.cloud))
        self.openai.walks[setup.provider] = partial(room.walk, address)
        self.openai.organization = setup.configuration.organization_id
        id = self.openai.put(configuration.body(setup.configuration))
        self._scenes[setup.provider] = _Scene(setup, address, id, room.HOSTS, stack)
        self._route()

    def clear(self, provider: Provider) -> None:
        """Take a cloud's set-up away: its hosts answer 502, and OpenAI knows its key no more."""
        if scene := self._scenes.pop(provider, None):
            self._route()
            self.openai.keys.pop(scene.id, None)
            scene.stack.close()

    def shown(self, provider: Provider) -> Setup | None:
        """What is served of a cloud."""
        scene = self._scenes.get(provider)
        return scene.setup if scene else None

    def sign_in(self, provider: Provider) -> Credentials:
        """What somebody who may read a cloud's set-up would paste into the live check."""
        room = importlib.import_module(f"tests.lab.{provider}")
        found: Credentials = room.sign_in(self._scenes[provider].setup.cloud)
        return found

    def address(self, provider: Provider) -> str:
        """The address of a cloud's stand-in, for what tests ask it directly."""
        return self._scenes[provider].address

    @property
    def routes(self) -> Mapping[str, str]:
        """Where each host leads."""
        routes = dict.fromkeys(openai.HOSTS, self._api)
        for scene in self._scenes.values():
            routes.update(dict.fromkeys(scene.hosts, scene.address))
        return routes

    def _route(self) -> None:
        self.laboratory.route(self.routes)


@contextmanager
def stage(laboratory: Laboratory) -> Iterator[Stage]:
    """A stage on which nothing is shown yet but OpenAI's API."""
    organization = openai.OpenAI("org-Laboratory", {})
    with openai.serve(organization) as api:
        made = Stage(laboratory, organization, api)
        made._route()
        try:
            yield made
        finally:
            for provider in Provider:
                made.clear(provider)
