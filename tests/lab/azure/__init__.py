"""A stand-in of Azure: Entra, Microsoft Graph, Resource Manager and Key Vault, and OpenAI's own walk through it.

``serve`` starts it, ``walk`` is OpenAI's part, ``tokens`` are what a person would paste, ``calls`` is what it was
asked. The state of a set-up file is a change of ``cloud.BASE``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ekm_core.credentials import AzureTokens
from tests.lab.azure.server import HOSTS, calls, serve
from tests.lab.azure.tokens import tokens
from tests.lab.azure.walk import walk

__all__ = ["HOSTS", "calls", "serve", "sign_in", "tokens", "walk"]


def sign_in(state: Mapping[str, Any]) -> AzureTokens:
    """The tokens of the set-up's reader."""
    return AzureTokens(**tokens(state))
