"""Calls to Azure's REST APIs with a token, and what their refusals mean.

In: paths made of checked parts. Out: JSON objects. Errors: CallError, whose text is the error as the Azure CLI prints
it. Error codes: learn.microsoft.com, "common errors of Azure Resource Manager", "Key Vault REST API error codes" and
"Microsoft Graph error responses", read on 2026-11-27.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from ekm_core.probing import http
from ekm_core.probing.step import CallError, Trouble

if TYPE_CHECKING:
    import requests

MOST_PAGES = 25
"""Of a list; a subscription holds at most 4000 role assignments, some hundred on a page."""

_LONGEST = 1500
_FIREWALL = frozenset({"ForbiddenByFirewall", "ForbiddenByConnection"})
_SWITCHED_OFF = frozenset({"MissingSubscriptionRegistration", "DisabledSubscription", "ReadOnlyDisabledSubscription"})
_ABSENT = frozenset({"KeyNotFound", "ResourceNotFound", "Request_ResourceNotFound", "RoleDefinitionDoesNotExist"})
_ACTION = re.compile(r"[Aa]ction:? '(?P<action>Microsoft\.[A-Za-z]{1,40}(?:/[A-Za-z]{1,60}){1,6})'")
_POLICY = re.compile(r"does not have keys (?P<permission>[A-Za-z]{2,20}) permission")


def session() -> requests.Session:
    """A session of its own for each step: none is shared between threads."""
    import requests

    made = requests.Session()
    made.auth = _as_it_is  # else a .netrc of this machine could replace the caller's token
    return made


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def printed(code: str, message: str, inner: str = "") -> str:
    """An error as the Azure CLI prints it."""
    lines = [f"ERROR: ({code}) {message}", f"Code: {code}", f"Message: {message}"]
    if inner:
        lines.append(f'Inner error: {{\n    "code": "{inner}"\n}}')
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Api:
    """One of Azure's services as one caller sees it. token: gives the access token; may raise CallError."""

    host: str
    token: Callable[[], str]

    def get(self, path: str, query: Mapping[str, str], permission: str) -> dict[str, Any]:
        """One object. permission: the one that the call needs, for a refusal that does not name it."""
        return self._get(f"https://{self.host}{quote(path)}?{_encoded(query)}", permission)

    def all(self, path: str, query: Mapping[str, str], permission: str) -> list[dict[str, Any]]:
        """Every object of a list, over all its pages."""
        start = f"https://{self.host}{quote(path)}"
        url, found = f"{start}?{_encoded(query)}", []
        for _ in range(MOST_PAGES):
            page = self._get(url, permission)
            items = page.get("value")
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                raise CallError(Trouble.BAD_ANSWER, "Azure did not answer with a list, so it showed nothing.")
            found += items
            following = page.get("nextLink") or page.get("@odata.nextLink")
            if not following:
                return found
            url = self._next(following)
        raise CallError(Trouble.BAD_ANSWER, f"The list is longer than {MOST_PAGES} pages, so it was not read whole.")

    def _next(self, link: object) -> str:
        """The address of the next page: it must be of the same service, which alone gets the token."""
        parts = urlsplit(link) if isinstance(link, str) and link.isascii() and link.isprintable() else None
        if parts is None or parts.scheme != "https" or parts.netloc.lower() not in (self.host, f"{self.host}:443"):
            raise CallError(Trouble.BAD_ANSWER, "The list went on at an address of another service; given up.")
        return parts.geturl()

    def _get(self, url: str, permission: str) -> dict[str, Any]:
        answer = http.call(session(), "GET", url, headers={"Authorization": f"Bearer {self.token()}"})
        if answer.status != HTTPStatus.OK:
            raise failure(answer.status, answer.text, permission)
        return answer.document()


def _encoded(query: Mapping[str, str]) -> str:
    return "&".join(f"{quote(name, safe='$-')}={quote(value)}" for name, value in query.items())


def failure(status: int, body: str, permission: str) -> CallError:
    """What an answer with an error means. permission: the one that the call needs."""
    code, message, inner = _error(body)
    if not code:
        return _of_no_service(status)
    text = printed(code, message[:_LONGEST], inner)
    if status == HTTPStatus.UNAUTHORIZED:
        sentence = "Azure did not accept the access token: it has expired, or it is of another tenant or service."
        return CallError(Trouble.CREDENTIALS, f"{sentence} Sign in again, or paste a new one.", text)
    if inner in _FIREWALL:
        sentence = "The vault's network settings refused the address that this call came from, so this was not read."
        return CallError(Trouble.NETWORK_RULE, sentence, text)
    if inner == "KeyDisabled":
        return CallError(Trouble.DISABLED, "The key is disabled, so the vault does not show it.", text)
    if status == HTTPStatus.FORBIDDEN:
        lacking = _permission(message) or permission
        sentence = f"Your account lacks the permission {lacking}, so Azure refused this."
        return CallError(Trouble.REFUSED, sentence, text, lacking)
    if code in _SWITCHED_OFF:
        sentence = "The subscription is disabled, or not registered for Key Vault, so Azure did not answer."
        return CallError(Trouble.DISABLED, sentence, text)
    if status == HTTPStatus.NOT_FOUND and code in _ABSENT:
        return CallError(Trouble.ABSENT, "Azure says that it does not exist.", text)
    if status == HTTPStatus.NOT_FOUND:
        return CallError(Trouble.BAD_ANSWER, "Azure did not find the place that was asked.", text)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        sentence = "Azure asked to slow down, also after two more tries. Wait a minute and run the check again."
        return CallError(Trouble.THROTTLED, sentence, text)
    return CallError(Trouble.BAD_ANSWER, f"Azure answered with an error of its own (HTTP {status}).", text)


def _of_no_service(status: int) -> CallError:
    """An answer that no service of Azure's gives: none of them leaves its error without a code."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        sentence = "The server asked to slow down, also after two more tries. Wait a minute and run the check again."
        return CallError(Trouble.THROTTLED, sentence)
    if status in (
        HTTPStatus.FORBIDDEN,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    ):
        sentence = f"Something between us and Azure answered in its place (HTTP {status}): a proxy, as a rule."
        return CallError(Trouble.PROXY, f"{sentence} It may also stand for a host that does not exist.")
    return CallError(Trouble.BAD_ANSWER, f"The server answered with an error that says nothing (HTTP {status}).")


def _error(body: str) -> tuple[str, str, str]:
    """Code, message and inner code of an error's body; each "" where it is not given in the known form."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return "", "", ""
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict):
        return "", "", ""
    inside = error.get("innererror") or error.get("innerError")
    code, message = error.get("code"), error.get("message")
    inner = inside.get("code") if isinstance(inside, dict) else ""
    named = (code, inner)
    code, inner = (name if isinstance(name, str) and re.fullmatch(r"\w{1,80}", name) else "" for name in named)
    return code, message if isinstance(message, str) else "", inner


def _permission(message: str) -> str:
    found = _ACTION.search(message)
    if found:
        return found["action"]
    policy = _POLICY.search(message)
    return f"keys/{policy['permission']} (in the vault's access policies)" if policy else ""
