"""How much the API takes, from the environment; a wrong setting stops the server's start."""

from __future__ import annotations

import os
from dataclasses import dataclass

from pages.components.security import SettingError


@dataclass(frozen=True, slots=True)
class Settings:
    """The API's limits.

    per_minute: requests of one client in a minute, 0 for any number (``EKM_API_PER_MINUTE``). most_bytes: of one
    request's body (``EKM_API_MAX_BYTES``). proxies: how many proxies of yours stand before the server and each add the
    address of their caller to X-Forwarded-For (``EKM_TRUSTED_PROXIES``).
    """

    per_minute: int = 60
    most_bytes: int = 4 << 20
    proxies: int = 0

    @classmethod
    def read(cls) -> Settings:
        """The settings of this server. Raises SettingError for one that is no number in its range."""
        usual = cls()
        return cls(
            _number("EKM_API_PER_MINUTE", usual.per_minute, 0, 1_000_000),
            _number("EKM_API_MAX_BYTES", usual.most_bytes, 1_000, 64 << 20),
            _number("EKM_TRUSTED_PROXIES", usual.proxies, 0, 10),
        )


def _number(name: str, usual: int, least: int, most: int) -> int:
    given = os.environ.get(name, "").strip()
    if not given:
        return usual
    # By its length first: a number of a million digits takes long to read.
    if not (given.isascii() and given.isdigit() and len(given) <= len(str(most)) and least <= int(given) <= most):
        raise SettingError(f"{name} must be a whole number from {least} to {most}.")
    return int(given)
