"""The laboratory's frame: production addresses lead to the stand-ins of this machine, and to nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """One request that went through the frame. address: "" where the host was refused."""

    method: str
    host: str
    path: str
    status: int


class Laboratory:
    """A frame that runs. environment: what a child process needs beside its own, to live in the laboratory."""

    environment: Mapping[str, str]

    def route(self, hosts: Mapping[str, str]) -> None:
        """Lead hosts (regular expression -> "http://127.0.0.1:PORT") there, from the next request on, and no others."""
        raise NotImplementedError

    def calls(self) -> tuple[Call, ...]:
        """Every request so far since the last ``route``."""
        raise NotImplementedError


@contextmanager
def laboratory() -> Iterator[Laboratory]:
    """The frame, with no host routed yet."""
    yield Laboratory()
