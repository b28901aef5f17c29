"""Live, read-only calls to Azure for one registration: what ``script`` collects, with the user's own credentials.

Out: exhibits in the form of the Azure CLI, so that ``evidence`` reads both alike. Without credentials only what Entra
and the vault tell anybody. Nothing is looked up by Resource Graph: its one call for all subscriptions is a POST, and it
may be minutes old. The list of subscriptions needs no permission, and a list of vaults the one to read them.

TRAP: CryptographyClient.encrypt of azure-keyvault-keys encrypts on this machine with an RSA key and sends nothing, so
it proves nothing about permissions. ``round_trip`` asks the vault itself.

Facts: the REST references of Resource Manager, Authorization (2022-04-01), Key Vault (2023-07-01 and 7.4) and Graph
(v1.0), azure-identity 1.27 and azure-keyvault-keys 4.11, read on 2026-11-27.
"""

from __future__ import annotations

import base64
import io
import json
import re
import secrets
import shlex
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import urlsplit

from ekm_core.azure import printed, rest, script
from ekm_core.azure.proofs.setting import guid, is_slip
from ekm_core.credentials import AZURE_TOKENS, AzureDefault, AzureDeviceCode, AzureTokens, claims
from ekm_core.model import Configuration, Exhibit, Language, Snippet
from ekm_core.probing import guard, http
from ekm_core.probing.step import ORIGIN, CallError, Prompt, Step, Taken, Trouble, ask
from ekm_core.snippets import sh, snippet
from ekm_core.vendor import AZURE_APP_ID

if TYPE_CHECKING:
    import requests
    from azure.core.credentials import AccessToken
    from azure.core.pipeline.transport import RequestsTransport
    from azure.identity import DefaultAzureCredential, DeviceCodeCredential
    from azure.keyvault.keys import KeyClient

AzureCredentials = AzureTokens | AzureDeviceCode | AzureDefault
T = TypeVar("T")

_SIGN_IN_SECONDS = 900.0
"""So long Microsoft's device codes are good."""

_FIND_SECONDS = 60.0
_MOST_SUBSCRIPTIONS = 200
_MOST_DELETED_LISTS = 20
_MOST_KEYS = 1000
_AT_ONCE = 6

_READ_VAULT = "Microsoft.KeyVault/vaults/read"
_READ_DELETED_VAULTS = "Microsoft.KeyVault/deletedVaults/read"
_READ_KEY = "Microsoft.KeyVault/vaults/keys/read"
_READ_KEY_DATA = "Microsoft.KeyVault/vaults/keys/read (data action)"
_READ_ROLES = "Microsoft.Authorization/roleDefinitions/read"
_READ_ASSIGNMENTS = "Microsoft.Authorization/roleAssignments/read"
_READ_DENIALS = "Microsoft.Authorization/denyAssignments/read"
_READ_DIRECTORY = "Application.Read.All (Microsoft Graph; the directory role Directory Readers gives it)"
_USE_KEY = tuple(f"Microsoft.KeyVault/vaults/keys/{verb}/action (data action)" for verb in ("encrypt", "decrypt"))

_SUBSCRIPTIONS_API = {"api-version": "2022-12-01"}
_VAULT_API = {"api-version": "2023-07-01"}
_AUTHORIZATION_API = {"api-version": "2022-04-01"}
_KEYS_API = "7.4"

_LABELS = {"arm": "Azure Resource Manager", "graph": "Microsoft Graph", "vault": "Key Vault"}
_IDS = {
    "arm": "797f4846-ba00-4fd7-ba43-dac1f8f63013",
    "graph": "00000003-0000-0000-c000-000000000000",
    "vault": "cfa8b339-82a2-471a-a3c9-0fc0be7a4093",
}
_ENVIRONMENTS = {".vault.azure.net": "AzureCloud", ".vault.azure.cn": "AzureChinaCloud"}
_VAULT_ID = re.compile(
    r"/subscriptions/(?P<subscription>[0-9a-f-]{36})/resourceGroups/[\w().-]{1,90}/providers/Microsoft\.KeyVault/vaults/"
    r"(?P<name>[a-z0-9-]{3,24})",
    re.IGNORECASE | re.ASCII,
)
_CHALLENGE = re.compile(r'Bearer authorization="https://[a-z.]{8,60}/(?P<tenant>[0-9a-f-]{36})"', re.IGNORECASE)
_AADSTS = re.compile(r"AADSTS(?P<code>\d{5,8}): [^\r\n]{0,1500}")


def permissions(configuration: Configuration) -> tuple[Snippet, ...]:
    """What to grant before a run: the role of the script with what the probe reads beside it."""
    beside = (
        "The live check also shows, without any permission, which tenant exists and which one the vault trusts.\n"
        "Only the encryption and decryption on request, with your own identity, needs these two data actions more:\n"
        + "\n".join(_USE_KEY)
    )
    return (
        *script.permissions(configuration, _READ_DELETED_VAULTS, _READ_KEY),
        snippet("For the live check", Language.TEXT, beside),
    )


def steps(configuration: Configuration, credentials: AzureCredentials | None) -> tuple[Step, ...]:
    """The first steps; most follow from them. ``credentials`` None: only what Azure tells anybody."""
    return _Probe(configuration, credentials).first()


def round_trip(configuration: Configuration, credentials: AzureCredentials | None) -> tuple[Step, ...]:
    """Encrypts and decrypts 32 random bytes with the registered key, by the user's own identity.

    It proves that the key works and that the vault lets THIS caller in from here. It says nothing of OpenAI's access.
    """
    probe = _Probe(configuration, credentials)
    again = " (signs you in once more)" if isinstance(credentials, AzureDeviceCode) else ""
    title = f"Encrypt and decrypt with your own identity, which shows nothing of OpenAI's{again}"
    wait = _SIGN_IN_SECONDS if again else _FIND_SECONDS
    # No command: whatever comes of it is no evidence of OpenAI's access.
    return (Step("azure-round-trip", title, "", probe.round_trip, (*_USE_KEY, _READ_KEY_DATA), wait),)


class _Once(Generic[T]):
    """A call that several steps need, made once; the others wait for it. Its CallError is everybody's."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: list[T | CallError] = []

    def __call__(self) -> T:
        with self._lock:
            if not self._made:
                try:
                    self._made.append(self._make())
                except CallError as problem:
                    self._made.append(problem)
        found = self._made[0]
        if isinstance(found, CallError):
            raise CallError(found.trouble, found.sentence, found.text, found.permission)
        return found


def _exhibit(command: str, output: object) -> Exhibit:
    return Exhibit(command, output, json.dumps(output, indent=2), ORIGIN)


# ------------------------------------------------------------------------------------------------------------- sign-in
class _Tokens:
    """Access tokens for one of Azure's clouds, by what each is for ("arm", "graph", "vault")."""

    def __init__(self, cloud: guard.AzureCloud) -> None:
        self.cloud = cloud

    def get(self, audience: str) -> str:
        """A token. Raises CallError (CREDENTIALS) where there is none that can be used."""
        raise NotImplementedError

    def in_tenant(self, tenant: str) -> str:
        """A token for Resource Manager in another tenant than the one that was signed in to."""
        raise CallError(Trouble.CREDENTIALS, f"The access tokens are not of the tenant {tenant}.")

    def host(self, audience: str) -> str:
        """The host of a service, as it stands in the audience of its tokens."""
        return {"arm": self.cloud.arm, "graph": self.cloud.graph, "vault": self.cloud.vaults[1:]}[audience]

    @property
    def tenant(self) -> str:
        """The tenant that was signed in to. Raises CallError where no token can be used."""
        problems = []
        for audience in _LABELS:
            try:
                return _tenant_of(self.get(audience))
            except CallError as problem:
                problems.append(problem)
        raise problems[0]


def _tenant_of(token: str) -> str:
    tenant = guid(str(claims(token).get("tid", "")))
    if not tenant:
        raise CallError(Trouble.CREDENTIALS, "The access token does not name its tenant, so it cannot be used.")
    return tenant


class _Pasted(_Tokens):
    """Tokens that the user pasted; each is looked at before it is sent. vault_tenant: the one that the vault trusts."""

    def __init__(self, cloud: guard.AzureCloud, given: AzureTokens, vault_tenant: Callable[[], str]) -> None:
        super().__init__(cloud)
        self._given = {"arm": given.arm, "graph": given.graph, "vault": given.vault}
        self._vault_tenant = vault_tenant

    def get(self, audience: str) -> str:
        token, label, command = self._given[audience], _LABELS[audience], AZURE_TOKENS[audience]
        if not token:
            raise CallError(Trouble.CREDENTIALS, f"No access token for {label} was given. This prints one: {command}")
        said = claims(token)
        host, audiences = self.host(audience), {_IDS[audience]}
        audiences |= {f"https://{host}", f"https://{host.replace('azure.com', 'core.windows.net')}"}
        if str(said.get("aud", "")).rstrip("/") not in audiences:
            raise CallError(Trouble.CREDENTIALS, f"The token given for {label} is for another service. Use {command}")
        expires = said.get("exp")
        if not isinstance(expires, int | float) or expires <= time.time():
            raise CallError(Trouble.CREDENTIALS, f"The token for {label} has expired. Get a new one: {command}")
        self._same_tenant(audience, _tenant_of(token))
        return token

    def _same_tenant(self, audience: str, tenant: str) -> None:
        """What is read of the directory counts for the tenant that Resource Manager was asked in."""
        if audience == "graph" and self._given["arm"]:
            other = guid(str(claims(self._given["arm"]).get("tid", "")))
            if other not in ("", tenant):
                sentence = (
                    f"The token for Microsoft Graph is of the tenant {tenant}, the one for Azure Resource Manager"
                )
                raise CallError(Trouble.CREDENTIALS, f"{sentence} of {other}. Get both in one sign-in.")
        if audience == "vault":
            trusted = self._vault_tenant()
            if trusted not in ("", tenant):
                sentence = f"The token for Key Vault is of the tenant {tenant}, and the vault trusts {trusted}."
                raise CallError(Trouble.CREDENTIALS, f"{sentence} Get one with: az login --tenant={trusted}")


class _SignedIn(_Tokens):
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


def _device_code(cloud: guard.AzureCloud, tenant: str) -> _Tokens:
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


def _default(cloud: guard.AzureCloud) -> _Tokens:
    from azure.identity import DefaultAzureCredential

    return _SignedIn(cloud, DefaultAzureCredential(authority=cloud.login))


# --------------------------------------------------------------------------------------------------------------- steps
@dataclass(frozen=True, slots=True)
class _Subscription:
    """A subscription that the user sees, and the vaults in it. refused: why its vaults could not be listed."""

    document: dict[str, Any]
    token: Callable[[], str]
    vaults: tuple[dict[str, Any], ...] = ()
    refused: CallError | None = None

    @property
    def id(self) -> str:
        return str(self.document["subscriptionId"]).lower()


class _Probe:
    """The steps of one run, and what they know in common. Nothing is called before a step runs."""

    def __init__(self, configuration: Configuration, credentials: AzureCredentials | None) -> None:
        self._configuration = configuration
        self._credentials = credentials
        self._challenge = _Once(self._ask_vault)
        self._tokens = _Once(self._sign_in)
        self._principals = _Once(self._list_principals)

    # ---------------------------------------------------------------------------------------- what is open to anybody
    def first(self) -> tuple[Step, ...]:
        """What needs no credential, and the sign-in."""
        tenant = self._configuration.get("tenant_id")
        public = (
            Step("azure-tenant", "See whether the tenant exists", self._discovery_command(tenant), self._tenant),
            Step(
                "azure-vault-challenge",
                "See whether the vault exists and which tenant it trusts",
                self._challenge_command(),
                self._show_challenge,
            ),
        )
        if self._credentials is None:
            return public
        waits = isinstance(self._credentials, AzureDeviceCode)
        seconds = _SIGN_IN_SECONDS if waits else _FIND_SECONDS
        sign_in = Step("azure-sign-in", "Sign in", _ACCOUNT, self._signed_in, seconds=seconds)
        return (*public, sign_in)

    def _cloud(self) -> guard.AzureCloud:
        """Azure's cloud of the registered vault; the public one where no vault's address is registered."""
        try:
            return guard.vault(self._configuration).cloud
        except CallError:
            return guard.PUBLIC_AZURE

    def _discovery(self, tenant: str) -> str:
        return f"https://{self._cloud().login}/{tenant}/v2.0/.well-known/openid-configuration"

    def _discovery_command(self, tenant: str) -> str:
        return f"curl --silent --url {sh(self._discovery(tenant))}"

    def _tenant(self) -> Taken:
        tenant = guard.tenant(self._configuration.get("tenant_id"))
        answer = http.call(rest.session(), "GET", self._discovery(tenant))
        document = answer.document()
        if "AADSTS90002" in str(document.get("error_description")):
            raise CallError(Trouble.ABSENT, "Microsoft Entra knows no tenant of this ID.", answer.text[:1500])
        if answer.status != 200 or "issuer" not in document:
            raise CallError(Trouble.BAD_ANSWER, "Microsoft Entra did not describe the tenant.", answer.text[:1500])
        return Taken((_exhibit(self._discovery_command(tenant), document),))

    def _challenge_command(self) -> str:
        address = f"{self._configuration.get('vault_uri').rstrip('/')}/keys?api-version={_KEYS_API}"
        return f"curl --silent --output /dev/null '--write-out=%{{header_json}}' --url {sh(address)}"

    def _ask_vault(self) -> Mapping[str, str]:
        """The headers of the vault's answer to a call without a token."""
        vault = guard.vault(self._configuration)
        guard.public(vault.host)
        answer = http.call(rest.session(), "GET", f"https://{vault.host}/keys?api-version={_KEYS_API}")
        if answer.status != 401 or "www-authenticate" not in answer.headers:
            raise rest.failure(answer.status, answer.text, "")
        return answer.headers

    def _vault_tenant(self) -> str:
        """The tenant that the vault says it trusts, or "" where it did not answer."""
        try:
            found = _CHALLENGE.match(self._challenge().get("www-authenticate", ""))
        except CallError:
            return ""
        return guid(found["tenant"]) if found else ""

    def _show_challenge(self) -> Taken:
        try:
            headers = self._challenge()
        except CallError as problem:
            if problem.trouble is Trouble.DNS:
                sentence = f"{problem.sentence} For a vault it means, as a rule, that none has this name."
                raise CallError(Trouble.DNS, sentence) from None
            raise
        shown = {name: [headers[name]] for name in ("www-authenticate", "x-ms-keyvault-region") if name in headers}
        return Taken((_exhibit(self._challenge_command(), shown),))

    # ---------------------------------------------------------------------------------------------------- the sign-in
    def _sign_in(self) -> _Tokens:
        cloud, given = self._cloud(), self._credentials
        if isinstance(given, AzureTokens):
            return _Pasted(cloud, given, self._vault_tenant)
        if isinstance(given, AzureDeviceCode):
            return _device_code(cloud, self._vault_tenant() or guard.tenant(self._configuration.get("tenant_id")))
        return _default(cloud)

    def _signed_in(self) -> Taken:
        tokens = self._tokens()
        environment = _ENVIRONMENTS.get(tokens.cloud.vaults, "AzureUSGovernment")
        account = _exhibit(_ACCOUNT, printed.account(environment, tokens.tenant, None))
        directory = (_READ_DIRECTORY,)
        then = (
            Step(
                "azure-service-principal",
                "Look for OpenAI's service principal",
                _PRINCIPALS,
                self._principal,
                directory,
            ),
            Step(
                "azure-deleted-service-principals",
                "Look for it among the deleted service principals",
                _deleted_principals(tokens.cloud),
                self._deleted_principals,
                directory,
            ),
            Step(
                "azure-vault",
                "Find the vault and read it",
                self._vault_command(),
                self._vault,
                (_READ_VAULT,),
                _FIND_SECONDS,
            ),
            *self._key_steps(),
        )
        return Taken((account,), then)

    def _api(self, audience: str, token: Callable[[], str] | None = None) -> rest.Api:
        tokens = self._tokens()
        return rest.Api(tokens.host(audience), token or (lambda: tokens.get(audience)))

    # ---------------------------------------------------------------------------------------------------- the directory
    def _list_principals(self) -> list[dict[str, Any]]:
        query = {"$filter": f"appId eq '{AZURE_APP_ID}'"}
        return self._api("graph").all("/v1.0/servicePrincipals", query, _READ_DIRECTORY)

    def _principal(self) -> Taken:
        return Taken((_exhibit(_PRINCIPALS, self._principals()),))

    def _deleted_principals(self) -> Taken:
        path = "/v1.0/directory/deletedItems/microsoft.graph.servicePrincipal"
        found = self._api("graph").all(path, {"$top": "100"}, _READ_DIRECTORY)
        mine = [item for item in found if item.get("appId") == AZURE_APP_ID]
        return Taken((_exhibit(_deleted_principals(self._cloud()), mine),))

    # -------------------------------------------------------------------------------------------------------- the vault
    def _vault_command(self, name: str = "") -> str:
        return f"az keyvault show --name={sh(name or script.vault_name(self._configuration))} --output=json"

    def _vault(self) -> Taken:
        vault = guard.vault(self._configuration)
        searched = self._search(vault)
        for subscription in searched:
            for document in subscription.vaults:
                place = _VAULT_ID.fullmatch(str(document.get("id")))
                if place and place["name"].lower() == vault.name and place["subscription"].lower() == subscription.id:
                    return self._found(place.group(), subscription)
        raise self._nowhere(vault, searched)

    def _search(self, vault: guard.Vault) -> list[_Subscription]:
        """The user's subscriptions with their vaults, up to the one that holds the registered vault."""
        tokens = self._tokens()
        found = self._subscriptions(lambda: tokens.get("arm"), vault)
        registered = guid(self._configuration.get("tenant_id"))
        if any(item.get("name") == vault.name for one in found for item in one.vaults):
            return found
        if not isinstance(self._credentials, AzureTokens) and registered not in ("", tokens.tenant):
            # A vault may trust another tenant than the one that its subscription belongs to.
            try:
                tokens.in_tenant(registered)
            except CallError:
                return found
            found += self._subscriptions(lambda: tokens.in_tenant(registered), vault)
        return found

    def _subscriptions(self, token: Callable[[], str], vault: guard.Vault) -> list[_Subscription]:
        api = self._api("arm", token)
        documents = api.all("/subscriptions", _SUBSCRIPTIONS_API, "Microsoft.Resources/subscriptions/read")
        wanted = guid(self._configuration.get("subscription_id"))
        known = [item for item in documents if guid(str(item.get("subscriptionId"))) and wanted in ("", _id(item))]

        def look(document: dict[str, Any]) -> _Subscription:
            path = f"/subscriptions/{_id(document)}/providers/Microsoft.KeyVault/vaults"
            try:
                return _Subscription(document, token, tuple(api.all(path, _VAULT_API, _READ_VAULT)))
            except CallError as problem:
                return _Subscription(document, token, refused=problem)

        with ThreadPoolExecutor(_AT_ONCE) as threads:
            return list(threads.map(look, known[:_MOST_SUBSCRIPTIONS]))

    def _found(self, vault_id: str, subscription: _Subscription) -> Taken:
        api = self._api("arm", subscription.token)
        document = api.get(vault_id, _VAULT_API, _READ_VAULT)
        group = vault_id.split("/")[4]
        environment = _ENVIRONMENTS.get(self._tokens().cloud.vaults, "AzureUSGovernment")
        account = printed.account(environment, self._tokens().tenant, subscription.document)
        exhibits = (
            _exhibit(_ACCOUNT, account),
            _exhibit(self._vault_command(), {**document, "resourceGroup": group}),
        )
        return Taken(exhibits, self._around(vault_id, api))

    def _nowhere(self, vault: guard.Vault, searched: list[_Subscription]) -> CallError:
        """The vault is not where we looked: the error, and steps that may show why."""
        refused = [one for one in searched if one.refused]
        sentence = f"No vault named {vault.name} is in the {len(searched)} subscriptions that your account sees."
        if refused and refused[0].refused:
            problem = refused[0].refused
            sentence = f"{sentence} In {len(refused)} of them we could not look: {problem.sentence}"
            error = CallError(problem.trouble, sentence, problem.text, problem.permission)
        else:
            text = rest.printed("VaultNotFound", f"The Vault or HSM '{vault.name}' not found within subscription.")
            error = CallError(Trouble.ABSENT, f"{sentence} It may stand in another one, or be misspelt.", text)
        near = (
            (str(item.get("name")).lower(), item, one)
            for one in searched
            for item in one.vaults
            if is_slip(str(item.get("name")).lower(), vault.name)
        )
        alike = tuple(self._alike(*found) for found in islice(near, 3))
        error.then = (*alike, *(self._deleted_vaults(one) for one in searched[:_MOST_DELETED_LISTS]))
        return error

    def _alike(self, name: str, document: dict[str, Any], subscription: _Subscription) -> Step:
        """A vault whose name differs by a slip: it may be the one that was meant."""
        place = _VAULT_ID.fullmatch(str(document.get("id")))

        def read() -> Taken:
            if place is None or place["name"].lower() != name:
                raise CallError(Trouble.BAD_ANSWER, "Azure's list of vaults has not the form that we know.")
            shown = self._api("arm", subscription.token).get(place.group(), _VAULT_API, _READ_VAULT)
            keys = self._key_steps(guard.Vault(name, f"{name}{self._cloud().vaults}", self._cloud()), f"-of-{name}")
            return Taken((_exhibit(self._vault_command(name), shown),), keys[:1])

        title = "Read the vault with nearly the registered name"
        return Step(f"azure-vault-{name}", title, self._vault_command(name), read, (_READ_VAULT,))

    def _deleted_vaults(self, subscription: _Subscription) -> Step:
        command = f"az keyvault list-deleted --subscription={subscription.id} --resource-type=vault --output=json"
        path = f"/subscriptions/{subscription.id}/providers/Microsoft.KeyVault/deletedVaults"

        def read() -> Taken:
            found = self._api("arm", subscription.token).all(path, _VAULT_API, _READ_DELETED_VAULTS)
            return Taken((_exhibit(command, found),))

        id = f"azure-deleted-vaults-{subscription.id}"
        return Step(id, "Look for the vault among the deleted ones", command, read, (_READ_DELETED_VAULTS,))

    # -------------------------------------------------------------------------------------- what Resource Manager knows
    def _around(self, vault_id: str, api: rest.Api) -> tuple[Step, ...]:
        """What is read once it is known where the vault stands."""
        subscription = "/".join(vault_id.split("/")[:3])
        roles = f"az role definition list --custom-role-only=true {sh(f'--scope={vault_id}')} --output=json"
        authorization = "providers/Microsoft.Authorization"

        def definitions() -> Taken:
            query = {"$filter": "type eq 'CustomRole'", **_AUTHORIZATION_API}
            found = api.all(f"{vault_id}/{authorization}/roleDefinitions", query, _READ_ROLES)
            return Taken((_exhibit(roles, [printed.flat(item) for item in found]),))

        whole = f"az role assignment list --all --assignee={AZURE_APP_ID} --output=json"

        def everywhere() -> Taken:
            ids = [guid(str(item.get("id"))) for item in self._principals()]
            if not ids or not ids[0]:
                return Taken(())  # without a service principal there is nobody to have a role
            query = {"$filter": f"principalId eq '{ids[0]}'", **_AUTHORIZATION_API}
            found = api.all(f"{subscription}/{authorization}/roleAssignments", query, _READ_ASSIGNMENTS)
            return Taken((_exhibit(whole, [printed.flat(item) for item in found]),))

        title = "Read every role of OpenAI's service principal in the subscription"
        steps = (
            Step("azure-role-definitions", "Read the custom roles", roles, definitions, (_READ_ROLES,)),
            Step("azure-openai-roles", title, whole, everywhere, (_READ_ASSIGNMENTS, _READ_DIRECTORY)),
        )
        try:
            scope = f"{vault_id}/keys/{guard.azure_key_name(self._configuration)}"
        except CallError:
            return steps  # the step that reads the key says it
        return (*steps, *self._on_key(scope, api))

    def _on_key(self, scope: str, api: rest.Api) -> tuple[Step, ...]:
        authorization = f"{scope}/providers/Microsoft.Authorization"
        reaching = f"az role assignment list --include-inherited {sh(f'--scope={scope}')} --output=json"
        denials = _rest_command(api.host, f"{authorization}/denyAssignments", _AUTHORIZATION_API)
        settings = _rest_command(api.host, scope, _VAULT_API)

        def assignments() -> Taken:
            query = {"$filter": "atScope()", **_AUTHORIZATION_API}
            found = api.all(f"{authorization}/roleAssignments", query, _READ_ASSIGNMENTS)
            return Taken((_exhibit(reaching, [printed.flat(item) for item in found]),))

        def denied() -> Taken:
            found = api.all(f"{authorization}/denyAssignments", _AUTHORIZATION_API, _READ_DENIALS)
            return Taken((_exhibit(denials, {"value": found}),))

        def key() -> Taken:
            return Taken((_exhibit(settings, api.get(scope, _VAULT_API, _READ_KEY)),))

        reads = "Read every role assignment that reaches the key"
        return (
            Step("azure-role-assignments", reads, reaching, assignments, (_READ_ASSIGNMENTS,)),
            Step("azure-deny-assignments", "Read the deny assignments", denials, denied, (_READ_DENIALS,)),
            Step("azure-key-settings", "Read the key's settings without the vault", settings, key, (_READ_KEY,)),
        )

    # ---------------------------------------------------------------------------------------------------------- the key
    def _key_steps(self, other: guard.Vault | None = None, of: str = "") -> tuple[Step, ...]:
        """The steps that ask the vault itself; ``other`` in place of the registered one, with ``of`` in their ids."""
        name = self._configuration.get("key_name")
        vault = other.name if other else script.vault_name(self._configuration)
        named = f"{sh(f'--vault-name={vault}')} {sh(f'--name={name}')} --output=json"
        show, versions = f"az keyvault key show {named}", f"az keyvault key list-versions {named}"

        def one() -> Taken:
            key_name = guard.azure_key_name(self._configuration)
            try:
                found = self._of_vault(lambda client: printed.key(client.get_key(key_name)), other)
            except CallError as problem:
                if problem.trouble is Trouble.ABSENT and other is None:
                    problem.then = self._lost_key(vault)
                raise
            return Taken((_exhibit(show, found),))

        def all_versions() -> Taken:
            key_name = guard.azure_key_name(self._configuration)
            found = self._listed(lambda client: map(printed.listed, client.list_properties_of_key_versions(key_name)))
            return Taken((_exhibit(versions, found),))

        permissions = (_READ_KEY_DATA,)
        return (
            Step(f"azure-key{of}", "Read the key: operations, state and dates", show, one, permissions),
            Step(f"azure-key-versions{of}", "Read the key's versions", versions, all_versions, permissions),
        )

    def _lost_key(self, vault: str) -> tuple[Step, ...]:
        """What may show why the vault holds no such key."""
        named = f"{sh(f'--vault-name={vault}')} --output=json"
        every, gone = f"az keyvault key list {named}", f"az keyvault key list-deleted {named}"

        def keys() -> Taken:
            return Taken(
                (_exhibit(every, self._listed(lambda client: map(printed.listed, client.list_properties_of_keys()))),)
            )

        def deleted() -> Taken:
            return Taken(
                (_exhibit(gone, self._listed(lambda client: map(printed.deleted, client.list_deleted_keys()))),)
            )

        return (
            Step("azure-keys", "Read which keys the vault holds", every, keys, (_READ_KEY_DATA,)),
            Step("azure-deleted-keys", "Look for the key among the deleted ones", gone, deleted, (_READ_KEY_DATA,)),
        )

    def _listed(self, read: Callable[[KeyClient], Iterable[dict[str, Any]]]) -> list[dict[str, Any]]:
        found = self._of_vault(lambda client: list(islice(read(client), _MOST_KEYS + 1)))
        if len(found) > _MOST_KEYS:
            raise CallError(Trouble.BAD_ANSWER, f"The vault lists more than {_MOST_KEYS}, so it was not read whole.")
        return found

    def _of_vault(self, read: Callable[[KeyClient], T], other: guard.Vault | None = None) -> T:
        """What azure-keyvault-keys reads from a vault. Raises CallError."""
        from azure.core.exceptions import AzureError, HttpResponseError
        from azure.keyvault.keys import KeyClient

        vault, tokens = other or guard.vault(self._configuration), self._tokens()
        guard.public(vault.host)
        credential = _VaultCredential(tokens)
        transport = _transport(vault.host)
        client = KeyClient(
            f"https://{vault.host}/", credential, api_version=_KEYS_API, transport=transport, retry_total=0
        )
        try:
            return read(client)
        except HttpResponseError as problem:
            ours, answer = _inside(problem), problem.response
            if ours is None and answer is not None:
                ours = rest.failure(answer.status_code or 0, answer.text(), _READ_KEY_DATA)
            raise ours or _strange() from None
        except AzureError as problem:
            raise _inside(problem) or _strange() from None
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as problem:
            # The SDK reads what a server sent as it comes: wrong types and endless nesting end in any of these.
            raise _inside(problem) or _strange() from None

    # -------------------------------------------------------------------------------------------------- on request only
    def round_trip(self) -> Taken:
        """Encrypts and decrypts 32 random bytes in the vault."""
        vault, name = guard.vault(self._configuration), guard.azure_key_name(self._configuration)
        if self._credentials is None:
            raise CallError(Trouble.CREDENTIALS, "To encrypt and decrypt, somebody has to sign in.")
        shown = self._of_vault(lambda client: client.get_key(name).properties.version)
        version = shown if isinstance(shown, str) and re.fullmatch(r"[0-9a-f]{32}", shown) else ""
        start = f"https://{vault.host}/keys/{name}/{version}"
        sent = _packed(secrets.token_bytes(32))
        value = sent
        for operation, permission in zip(("encrypt", "decrypt"), _USE_KEY, strict=True):
            headers = {"Authorization": f"Bearer {self._tokens().get('vault')}"}
            body = {"alg": "RSA-OAEP-256", "value": value}
            url = f"{start}/{operation}?api-version={_KEYS_API}"
            answer = http.call(rest.session(), "POST", url, headers=headers, body=body)
            if answer.status != 200:
                raise rest.failure(answer.status, answer.text, permission)
            value = str(answer.document().get("value"))
        if value != sent:
            raise CallError(Trouble.BAD_ANSWER, "The vault decrypted to something else than was encrypted.")
        return Taken(())


class _VaultCredential:
    """The token for Key Vault, in the form that azure-keyvault-keys asks for it, and for Key Vault alone."""

    def __init__(self, tokens: _Tokens) -> None:
        self._tokens = tokens

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        """The token, where the vault's challenge names Key Vault's own resource."""
        from azure.core.credentials import AccessToken

        if scopes != (f"https://{self._tokens.host('vault')}/.default",):
            raise CallError(Trouble.BAD_ANSWER, "The vault asked for a token of another service; given up.")
        return AccessToken(self._tokens.get("vault"), int(time.time()) + 3600)


def _id(subscription: Mapping[str, Any]) -> str:
    return str(subscription.get("subscriptionId")).lower()


def _packed(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _strange() -> CallError:
    return CallError(Trouble.BAD_ANSWER, "The vault's answer has not the form that we know, so it showed nothing.")


# ------------------------------------------------------------------------------------------------------------ commands
_ACCOUNT = "az account show --output=json"
_PRINCIPALS = shlex.join(("az", "ad", "sp", "list", f"--filter=appId eq '{AZURE_APP_ID}'", "--output=json"))


def _deleted_principals(cloud: guard.AzureCloud) -> str:
    url = f"https://{cloud.graph}/v1.0/directory/deletedItems/microsoft.graph.servicePrincipal"
    query = f"--query=value[?appId=='{AZURE_APP_ID}']"
    return shlex.join(("az", "rest", "--method=get", f"--url={url}", query, "--output=json"))


def _rest_command(host: str, path: str, query: Mapping[str, str]) -> str:
    version = query["api-version"]
    return f"az rest --method=get {sh(f'--url=https://{host}{path}?api-version={version}')} --output=json"
