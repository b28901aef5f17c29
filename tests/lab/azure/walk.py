"""What OpenAI's service does with a registration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from tests.lab.azure.cloud import OPENAI
from tests.lab.azure.entra import OPENAI_SECRET
from tests.lab.azure.server import direct
from tests.lab.azure.tokens import packed
from tests.lab.azure.vault import NO_VAULT

_PATTERN = "^org-[0-9a-zA-Z-]*--[0-9a-zA-Z-]*$"
_ADDRESSES_OF_NO_VAULT = ("privatelink.vaultcore.azure.net",)
"""They resolve, and Entra knows no service of that name."""


def walk(address: str, configuration: Mapping[str, str]) -> str:
    """OpenAI's calls: a token in the customer's tenant, encrypt, decrypt. "", or the provider's error as it came.

    First OpenAI checks the key's name, on every request (article 20000955). Whether it reads the key too, and when, is
    not published; its guide asks for keys/read, so it is read last.
    """
    if not re.search(_PATTERN, configuration["key_name"]):
        sentence = "Invalid 'key_name': string does not match pattern. Expected a string that matches the pattern"
        return f"{sentence} '{_PATTERN}'."
    host = (urlsplit(configuration["vault_uri"]).hostname or "").lower()
    domain = host.partition(".")[2]
    if domain not in ("vault.azure.net", *_ADDRESSES_OF_NO_VAULT):
        return f"getaddrinfo ENOTFOUND {host}"
    scope = f"https://{domain}/.default"
    form = {"grant_type": "client_credentials", "client_id": OPENAI, "client_secret": OPENAI_SECRET, "scope": scope}
    sign_in = f"/{configuration['tenant_id']}/oauth2/v2.0/token"
    token = _send(address, "POST", "login.microsoftonline.com", sign_in, data=form)
    if token.status_code != 200:
        return str(token.json()["error_description"])
    headers = {"Authorization": f"Bearer {token.json()['access_token']}"}
    key, query, value = f"/keys/{configuration['key_name']}", "?api-version=7.4", packed(b"a data key of OpenAI's")
    for operation in ("encrypt", "decrypt"):
        body = {"alg": "RSA-OAEP-256", "value": value}
        done = _send(address, "POST", host, f"{key}/{operation}{query}", headers, json=body)
        if done.status_code != 200:
            return _words(host, done)
        value = done.json()["value"]
    shown = _send(address, "GET", host, f"{key}{query}", headers)
    return "" if shown.status_code == 200 else _words(host, shown)


def _send(
    address: str, method: str, host: str, path: str, headers: Mapping[str, str] | None = None, **content: Any
) -> requests.Response:
    return direct().request(
        method, f"{address}{path}", headers={**(headers or {}), "Host": host}, timeout=20, **content
    )


def _words(host: str, answer: requests.Response) -> str:
    return f"getaddrinfo ENOTFOUND {host}" if answer.text == NO_VAULT else answer.text
