"""Set-ups come to life: each in the stand-in of its cloud, all of them registered with the stand-in of OpenAI."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from ekm_core import configuration
from ekm_core.model import Provider
from tests.lab import openai
from tests.lab.declared import Setup
from tests.lab.frame import Laboratory


@dataclass(frozen=True, slots=True)
class Played:
    """What runs. addresses: of each stand-in. ids: of each set-up's key at OpenAI, by the set-up's name."""

    openai: openai.OpenAI
    addresses: Mapping[Provider, str]
    ids: Mapping[str, str]


@contextmanager
def play(laboratory: Laboratory, *setups: Setup) -> Iterator[Played]:
    """Serve set-ups, at most one a cloud, and route production hosts to them until the end.

    OpenAI's organization is that of the first set-up.
    """
    with ExitStack() as stack:
        hosts: dict[str, str] = {}
        addresses: dict[Provider, str] = {}
        walks: dict[str, openai.Walk] = {}
        for setup in setups:
            assert setup.provider not in addresses, "one set-up a cloud"
            room = importlib.import_module(f"tests.lab.{setup.provider}")
            address = addresses[setup.provider] = stack.enter_context(room.serve(setup.cloud))
            hosts.update(dict.fromkeys(room.HOSTS, address))
            walks[setup.provider] = partial(room.walk, address)
        organization = openai.OpenAI(setups[0].configuration.organization_id, walks)
        ids = {setup.name: organization.put(configuration.body(setup.configuration)) for setup in setups}
        addresses[Provider.OPENAI] = stack.enter_context(openai.serve(organization))
        hosts.update(dict.fromkeys(openai.HOSTS, addresses[Provider.OPENAI]))
        laboratory.route(hosts)
        laboratory.forget()
        stack.callback(laboratory.route, {})
        yield Played(organization, addresses, ids)
