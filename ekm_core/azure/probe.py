"""Live, read-only calls to Azure for one registration, with the user's own credentials.

``reads`` says what is called; here are the sign-in by azure-identity and the vault's keys by azure-keyvault-keys, both
of which call through ``http.call``, and no other hosts than their own. Without credentials only what Entra and the
vault tell anybody is read.

TRAP: CryptographyClient.encrypt of azure-keyvault-keys encrypts on this machine with an RSA key and sends nothing, so
it proves nothing about permissions. ``round_trip`` asks the vault itself.

Facts: azure-identity 1.27, azure-keyvault-keys 4.11 and Key Vault's REST reference 7.4, read on 2026-11-27.
"""

from __future__ import annotations

import base64
import io
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from ekm_core.azure import printed, rest, script
from ekm_core.azure.reads import KEYS_API, READ_DELETED_VAULTS, READ_KEY, READ_KEY_DATA, Plan
from ekm_core.azure.tokens import Pasted, Tokens
from ekm_core.credentials import AzureDefault, AzureDeviceCode, AzureTokens
from ekm_core.model import Configuration, Language, Snippet
from ekm_core.probing import guard, http
from ekm_core.probing.step import SECONDS, CallError, Prompt, Step, Taken, Trouble, ask
from ekm_core.snippets import snippet

if TYPE_CHECKING:
    import requests
    from azure.core.credentials import AccessToken
    from azure.core.pipeline.transport import RequestsTransport
    from azure.identity import DefaultAzureCredential, DeviceCodeCredential
    from azure.keyvault.keys import KeyClient

AzureCredentials = AzureTokens | AzureDeviceCode | AzureDefault
T = TypeVar("T")

READS = (*script.READS, "what Entra and the vault tell anybody, which needs no credentials")
"""What a run reads, in words."""

_SIGN_IN_SECONDS = 900.0
"""So long Microsoft's device codes are good."""

_MOST_KEYS = 1000
_USE_KEY = tuple(f"Microsoft.KeyVault/vaults/keys/{verb}/action (data action)" for verb in ("encrypt", "decrypt"))
_AADSTS = re.compile(r"AADSTS(?P<code>\d{5,8}): [^\r\n]{0,1500}")
_VERSION = re.compile(r"[0-9a-f]{32}")


def permissions(configuration: Configuration) -> tuple[Snippet, ...]:
    """What to grant before a run: the role of the script with what the probe reads beside it."""
    beside = (
        "The live check also shows, without any permission, whether the tenant exists and which one the vault trusts.\n"
        "Only the encryption and decryption on request, with your own identity, needs two data actions more:\n"
        "Microsoft.KeyVault/vaults/keys/encrypt/action\nMicrosoft.KeyVault/vaults/keys/decrypt/action\n"
    )
    return (
        *script.permissions(configuration, READ_DELETED_VAULTS, READ_KEY),
        snippet("For the live check", Language.TEXT, beside),
    )


def steps(configuration: Configuration, credentials: AzureCredentials | None) -> tuple[Step, ...]:
    """The first steps; most follow from them. ``credentials`` None: only what Azure tells anybody."""
    if credentials is None:
        return Plan(configuration).public()
    plan = Plan(configuration, _sign_in(credentials), _Keys)
    waits = _SIGN_IN_SECONDS if isinstance(credentials, AzureDeviceCode) else SECONDS
    return (*plan.public(), plan.signed_in(waits))


def round_trip(configuration: Configuration, credentials: AzureCredentials | None) -> tuple[Step, ...]:
    """Encrypts and decrypts 32 random bytes with the registered key, by the user's own identity.

    It proves that the key works and that the vault lets THIS caller in from here. It says nothing of OpenAI's access.
    """
    plan = Plan(configuration, _sign_in(credentials) if credentials else None, _Keys)
    again = " (signs you in once more)" if isinstance(credentials, AzureDeviceCode) else ""
    title = f"Encrypt and decrypt with your own identity, which shows nothing of OpenAI's{again}"
    waits = _SIGN_IN_SECONDS if again else 3 * SECONDS
    # No command: whatever comes of it is no evidence of OpenAI's access.
    return (Step("azure-round-trip", title, "", lambda: _use(plan), (*_USE_KEY, READ_KEY_DATA), waits),)


def _use(plan: Plan) -> Taken:
    vault, name = guard.vault(plan.configuration), guard.azure_key_name(plan.configuration)
    tokens = plan.tokens()
    version = _Keys(tokens).one(vault, name)["key"]["kid"].rpartition("/")[2]
    if not _VERSION.fullmatch(version):
        raise _strange()
    sent = value = base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
    for operation, permission in zip(("encrypt", "decrypt"), _USE_KEY, strict=True):
        url = f"https://{vault.host}/keys/{name}/{version}/{operation}?api-version={KEYS_API}"
        headers = {"Authorization": f"Bearer {tokens.get('vault')}"}
        answer = http.call(rest.session(), "POST", url, headers=headers, body={"alg": "RSA-OAEP-256", "value": value})
        if answer.status != 200:
            raise rest.failure(answer.status, answer.text, permission)
        value = str(answer.document().get("value"))
    if value != sent:
        raise CallError(Trouble.BAD_ANSWER, "The vault decrypted to something else than was encrypted.")
    return Taken(())


# ------------------------------------------------------------------------------------------------------------- sign-in
def _sign_in(credentials: AzureCredentials) -> Callable[[Plan], Tokens]:
    """What gives the access tokens of a run, once a step asks for them."""

    def sign_in(plan: Plan) -> Tokens:
        if isinstance(credentials, AzureTokens):
            return Pasted(plan.cloud, credentials, plan.vault_tenant)
        if isinstance(credentials, AzureDeviceCode):
            tenant = plan.vault_tenant() or guard.tenant(plan.configuration.get("tenant_id"))
            return _device_code(plan.cloud, tenant)
        return _default(plan.cloud)

    return sign_in


class _SignedIn(Tokens):
    """Tokens of a credential of azure-identity. ``start`` signs in, where a person has to."""

    def __init__(
        self,
        cloud: guard.AzureCloud,
        credential: DeviceCodeCredential | DefaultAzureCredential,
        start: Callable[[str], object] | None = None,
    ) -> None:
        super().__init__(cloud)
        self._credential = credential
        self._lock = threading.Lock()
        if start is not None:
            _asked_of_entra(lambda: start(self._scope("arm")))

    def _scope(self, audience: str) -> str:
        return f"https://{self.host(audience)}/.default"

    def get(self, audience: str) -> str:
        with self._lock:
            return str(_asked_of_entra(lambda: self._credential.get_token(self._scope(audience)).token))

    def in_tenant(self, tenant: str) -> str:
        with self._lock:
            return str(_asked_of_entra(lambda: self._credential.get_token(self._scope("arm"), tenant_id=tenant).token))


def _asked_of_entra(call: Callable[[], T]) -> T:
    """What azure-identity gives. Raises CallError with Entra's own error in it, and nothing else of the exception's."""
    from azure.core.exceptions import AzureError

    try:
        return call()
    except AzureError as problem:
        raise _inside(problem) or _no_token(problem) from None  # its chain would hold requests with their tokens


def _inside(problem: BaseException) -> CallError | None:
    """Our own error, where an SDK wrapped it."""
    cause: BaseException | None = problem
    while cause is not None:
        if isinstance(cause, CallError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None


def _no_token(problem: BaseException) -> CallError:
    found = _AADSTS.search(str(problem))
    if found is None:
        return CallError(Trouble.CREDENTIALS, "The sign-in brought no access token. Sign in and run the check again.")
    sentence = f"Microsoft Entra gave no access token (AADSTS{found['code']})."
    return CallError(Trouble.CREDENTIALS, sentence, f"ERROR: {found.group()}")


class _Sdk:
    """What an SDK takes for its HTTP session: each call is made by ``http.call``, and to these hosts alone."""

    def __init__(self, hosts: Iterable[str]) -> None:
        self._hosts = frozenset(hosts)

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str], data: object = None, **_: object
    ) -> requests.Response:
        """In the manner of ``requests.Session.request``; what else it is told about (timeouts, proxies) is settled."""
        import requests
        import urllib3

        if urlsplit(url).hostname not in self._hosts:
            raise CallError(Trouble.FORBIDDEN_TARGET, "The server sent us on to another host; we do not follow.")
        content = data if isinstance(data, dict | bytes) else str(data).encode() if data else None
        answer = http.call(rest.session(), method, url, headers=dict(headers), form=content)
        if not _plain_switches(answer.body):
            raise _strange()
        made = requests.Response()
        made.status_code, made.url, made.reason = answer.status, url, ""
        made.headers.update(answer.headers)
        made.headers.pop("content-encoding", None)  # it was decoded already
        made.raw = urllib3.HTTPResponse(
            io.BytesIO(answer.body), headers=made.headers, status=answer.status, preload_content=False
        )
        return made

    def close(self) -> None:
        """There is nothing to close."""


def _plain_switches(body: bytes) -> bool:
    """Whether each ``enabled`` of a vault's answer is true or false: the SDK takes any other text for true."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return True  # the SDK says what is wrong with it
    listed = document.get("value") if isinstance(document, dict) else None
    items = [document, *(listed if isinstance(listed, list) else ())]
    inner = [item.get("attributes") for item in items if isinstance(item, dict)]
    return all(isinstance(one.get("enabled"), bool | None) for one in inner if isinstance(one, dict))


def _transport(*hosts: str) -> RequestsTransport:
    from azure.core.pipeline.transport import RequestsTransport

    return RequestsTransport(session=_Sdk(hosts), session_owner=False)


def _device_code(cloud: guard.AzureCloud, tenant: str) -> Tokens:
    from azure.identity import DeviceCodeCredential

    def show(url: str, code: str, expires: datetime) -> None:
        ask(Prompt(url, code, max(0.0, (expires - datetime.now(UTC)).total_seconds())))

    credential = DeviceCodeCredential(
        tenant_id=tenant,
        authority=cloud.login,
        prompt_callback=show,
        disable_automatic_authentication=True,
        disable_instance_discovery=True,
        additionally_allowed_tenants=["*"],
        transport=_transport(cloud.login),
        retry_total=0,
    )
    return _SignedIn(cloud, credential, lambda scope: credential.authenticate(scopes=[scope]))


def _default(cloud: guard.AzureCloud) -> Tokens:
    from azure.identity import DefaultAzureCredential

    return _SignedIn(cloud, DefaultAzureCredential(authority=cloud.login))


# ---------------------------------------------------------------------------------------------------------------- keys
class _Keys:
    """Reads a vault's keys by azure-keyvault-keys."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def one(self, vault: guard.Vault, name: str) -> dict[str, Any]:
        """See ``reads.Keys``, as for the others."""
        return self._of(vault, lambda client: printed.key(client.get_key(name)))

    def versions(self, vault: guard.Vault, name: str) -> list[dict[str, Any]]:
        return self._list(vault, lambda client: map(printed.listed, client.list_properties_of_key_versions(name)))

    def all(self, vault: guard.Vault) -> list[dict[str, Any]]:
        return self._list(vault, lambda client: map(printed.listed, client.list_properties_of_keys()))

    def deleted(self, vault: guard.Vault) -> list[dict[str, Any]]:
        return self._list(vault, lambda client: map(printed.deleted, client.list_deleted_keys()))

    def _list(self, vault: guard.Vault, read: Callable[[KeyClient], Iterable[dict[str, Any]]]) -> list[dict[str, Any]]:
        found = self._of(vault, lambda client: list(islice(read(client), _MOST_KEYS + 1)))
        if len(found) > _MOST_KEYS:
            raise CallError(Trouble.BAD_ANSWER, f"The vault lists more than {_MOST_KEYS}, so it was not read whole.")
        return found

    def _of(self, vault: guard.Vault, read: Callable[[KeyClient], T]) -> T:
        """What the SDK reads from a vault. Raises CallError."""
        from azure.core.exceptions import AzureError, HttpResponseError
        from azure.keyvault.keys import KeyClient

        credential, transport = _VaultCredential(self._tokens), _transport(vault.host)
        guard.public(vault.host)
        client = KeyClient(
            f"https://{vault.host}/", credential, api_version=KEYS_API, transport=transport, retry_total=0
        )
        try:
            return read(client)
        except HttpResponseError as problem:
            ours, answer = _inside(problem), problem.response
            if ours is None and answer is not None:
                ours = rest.failure(answer.status_code or 0, answer.text(), READ_KEY_DATA)
            raise ours or _strange() from None
        except AzureError as problem:
            raise _inside(problem) or _strange() from None
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as problem:
            # The SDK reads what a server sent as it comes: wrong types and endless nesting end in any of these.
            raise _inside(problem) or _strange() from None


class _VaultCredential:
    """The token for Key Vault, in the form that azure-keyvault-keys asks for it, and for Key Vault alone."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        """The token, where the vault's challenge names Key Vault's own resource."""
        from azure.core.credentials import AccessToken

        if scopes != (f"https://{self._tokens.host('vault')}/.default",):
            raise CallError(Trouble.BAD_ANSWER, "The vault asked for a token of another service; given up.")
        return AccessToken(self._tokens.get("vault"), int(time.time()) + 3600)


def _strange() -> CallError:
    return CallError(Trouble.BAD_ANSWER, "The vault's answer has not the form that we know, so it showed nothing.")
