"""Who calls, and how often they may."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.types import Scope

_MOST_CLIENTS = 10_000
"""Remembered at once; beyond that the one not seen for longest is forgotten."""

UNNAMED = "behind a proxy"
"""The client where a request shows a proxy that the settings do not know: all such callers count as one."""


def client(scope: Scope, proxies: int) -> str:
    """Who calls: the address of a caller, as a key.

    proxies: how many of X-Forwarded-For's last entries were written by proxies that can be trusted. What stands before
    them the caller may have made up.
    """
    values = [value.decode("latin-1") for name, value in scope.get("headers", []) if name == b"x-forwarded-for"]
    forwarded = [item.strip() for item in ",".join(values).split(",") if item.strip()]
    if proxies:
        return _key(forwarded[-proxies]) if len(forwarded) >= proxies else UNNAMED
    if forwarded:
        # The web server has already put one of these in place of the true address where the connection came from
        # loopback, so that one says nothing either.
        return UNNAMED
    return _key(scope["client"][0] if scope.get("client") else "")


def _key(address: str) -> str:
    """The address; of IPv6 the network of a household, within which anybody can change their address at will."""
    try:
        found = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return UNNAMED
    if isinstance(found, ipaddress.IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped or ipaddress.ip_network((found, 64), strict=False))
    return str(found)


class RateLimit:
    """A bucket for each client: it holds a minute's requests and fills again evenly."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = per_minute
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, key: str) -> int:
        """Take one request from the client's bucket; whole seconds to wait where it is empty, else 0."""
        if not self._most:
            return 0
        now = self._clock()
        left, since = self._buckets.pop(key, (float(self._most), now))
        left = min(self._most, left + (now - since) * self._most / 60)
        enough = left >= 1
        self._buckets[key] = (left - 1 if enough else left, now)
        if len(self._buckets) > _MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return 0 if enough else math.ceil((1 - left) * 60 / self._most)
