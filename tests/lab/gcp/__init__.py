"""A stand-in of Google Cloud: what OpenAI's calls and the probe's calls need of IAM, STS, Cloud KMS and the projects.

``discovery`` says which calls there are and refuses what Google refuses; ``rules`` decides who may do what; ``cloud``
is what the calls do; ``server`` serves them; ``walk`` is OpenAI's part.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ekm_core.credentials import GcpToken
from tests.lab.gcp.cloud import CALLS, EXPIRED, REFRESH, TOKEN
from tests.lab.gcp.server import HOSTS, become, calls, change, serve
from tests.lab.gcp.walk import walk

__all__ = ["CALLS", "EXPIRED", "HOSTS", "REFRESH", "TOKEN", "become", "calls", "change", "serve", "sign_in", "walk"]


def sign_in(state: Mapping[str, Any]) -> GcpToken:
    """The token of the person who may read the set-up; every state knows the same one."""
    return GcpToken(TOKEN)
