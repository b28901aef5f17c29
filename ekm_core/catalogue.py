"""Finds every known error: each module in an ``errors`` folder binds one ``ERROR``. There is no central list."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from ekm_core.model import KnownError, Provider


class CatalogueError(Exception):
    """The catalogue contradicts itself; raised when it is loaded, so that such a version never starts."""


@cache
def errors() -> Mapping[str, KnownError]:
    """All known errors by id, ordered by provider and id.

    Raises CatalogueError where a file binds no ``ERROR``, its name and id disagree, or an id occurs twice.
    """
    found: dict[str, KnownError] = {}
    for provider in Provider:
        package = importlib.import_module(f"ekm_core.{provider}.errors")
        for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
            module = importlib.import_module(f"{package.__name__}.{info.name}")
            error = getattr(module, "ERROR", None)
            if not isinstance(error, KnownError):
                raise CatalogueError(f"{module.__name__} binds no KnownError to the name ERROR")
            if error.id in found:
                raise CatalogueError(f"{module.__name__} repeats the id {error.id}")
            slug = error.id.removeprefix(f"{error.provider}-").replace("-", "_")
            if slug != info.name.removeprefix(f"{error.provider}_"):
                raise CatalogueError(f"{module.__name__} holds {error.id}: file name and id must agree")
            found[error.id] = error
    return MappingProxyType(found)


def get(error_id: str) -> KnownError | None:
    """The entry with that id, or None."""
    return errors().get(error_id)
