"""The read-only calls of a live probe of Azure, as steps: what ``script`` collects, and what Azure tells anybody.

No SDK is needed here: ``probe`` brings the access tokens and reads the vault's keys. Exhibits have the form of the
Azure CLI, so that ``evidence`` reads both alike.

The vault is found by lists: that of subscriptions needs no permission, that of vaults the one to read them. Resource
Graph would need one call for all, but it is a POST, and what it shows may be minutes old.

Facts: the REST references of Resource Manager, Authorization (2022-04-01), Key Vault (2023-07-01) and Graph (v1.0),
read on 2026-11-27.
"""

from __future__ import annotations

import json
import re
import shlex
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

from ekm_core.azure import policy, printed, rest, script
from ekm_core.azure.proofs.setting import guid, is_slip
from ekm_core.azure.tokens import Tokens
from ekm_core.model import Configuration, Exhibit
from ekm_core.probing import guard, http
from ekm_core.probing.guard import Vault
from ekm_core.probing.step import ORIGIN, SECONDS, CallError, Step, Taken, Trouble
from ekm_core.snippets import sh
from ekm_core.vendor import AZURE_APP_ID

T = TypeVar("T")

KEYS_API = "7.4"
"""The version of Key Vault's own API: all clouds have it."""

READ_VAULT = "Microsoft.KeyVault/vaults/read"
READ_DELETED_VAULTS = "Microsoft.KeyVault/deletedVaults/read"
READ_KEY = "Microsoft.KeyVault/vaults/keys/read"
READ_KEY_DATA = f"{READ_KEY} (data action)"
_READ_ROLES = "Microsoft.Authorization/roleDefinitions/read"
_READ_ASSIGNMENTS = "Microsoft.Authorization/roleAssignments/read"
_READ_DENIALS = "Microsoft.Authorization/denyAssignments/read"
_READ_DIRECTORY = "Application.Read.All (of Microsoft Graph; the directory role Directory Readers gives it)"
_READ_SUBSCRIPTION = "Microsoft.Resources/subscriptions/read"

_SUBSCRIPTIONS_API = {"api-version": "2022-12-01"}
_VAULT_API = {"api-version": "2023-07-01"}
_ROLES_API = {"api-version": "2022-04-01"}

_FIND_SECONDS = 60.0
_MOST_SUBSCRIPTIONS = 200
_MOST_DELETED_LISTS = 20
_MOST_ALIKE = 3
_AT_ONCE = 6
_LONGEST = 1500

_ENVIRONMENTS = {".vault.azure.net": "AzureCloud", ".vault.azure.cn": "AzureChinaCloud"}
_VAULT_ID = re.compile(
    r"/subscriptions/(?P<subscription>[0-9a-f-]{36})/resourceGroups/(?P<group>[\w().-]{1,90})"
    r"/providers/Microsoft\.KeyVault/vaults/(?P<name>[a-z0-9-]{3,24})",
    re.IGNORECASE | re.ASCII,
)
_CHALLENGE = re.compile(r'Bearer authorization="https://[a-z.]{8,60}/(?P<tenant>[0-9a-f-]{36})"', re.IGNORECASE)
_AUTHORIZATION = "providers/Microsoft.Authorization"
_ACCOUNT = "az account show --output=json"
_PRINCIPALS = shlex.join(("az", "ad", "sp", "list", f"--filter=appId eq '{AZURE_APP_ID}'", "--output=json"))
_ROLES_OF_OPENAI = f"az role assignment list --all --assignee={AZURE_APP_ID} --output=json"


class Keys(Protocol):
    """What reads a vault's keys, printed as the Azure CLI prints them. Every method raises CallError."""

    def one(self, vault: Vault, name: str) -> dict[str, Any]:
        """The key as it is now."""

    def versions(self, vault: Vault, name: str) -> list[dict[str, Any]]:
        """Every version of a key."""

    def all(self, vault: Vault) -> list[dict[str, Any]]:
        """Every key."""

    def deleted(self, vault: Vault) -> list[dict[str, Any]]:
        """Every deleted key."""


class Once(Generic[T]):
    """A call that several steps need, made once; the others wait for it. Its CallError is everybody's."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: list[T | CallError] = []

    def __call__(self) -> T:
        """What the call brought. Raises CallError."""
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


@dataclass(frozen=True, slots=True)
class _Subscription:
    """A subscription that the user sees, and the vaults in it. refused: why its vaults could not be listed."""

    document: Mapping[str, Any]
    api: rest.Api
    vaults: tuple[Mapping[str, Any], ...] = ()
    refused: CallError | None = None

    @property
    def id(self) -> str:
        return str(self.document.get("subscriptionId")).lower()

    def places(self) -> Iterator[re.Match[str]]:
        """Where its vaults stand; a name of an odd form is left out, since it would become a part of an address."""
        for document in self.vaults:
            place = _VAULT_ID.fullmatch(str(document.get("id")))
            if place and place["subscription"].lower() == self.id:
                yield place


def exhibit(command: str, output: object) -> Exhibit:
    """What a command of the Azure CLI would have printed."""
    return Exhibit(command, output, json.dumps(output, indent=2), ORIGIN)


class Plan:
    """The steps of one run, and what they know in common. Nothing is called before a step runs."""

    def __init__(
        self,
        configuration: Configuration,
        sign_in: Callable[[Plan], Tokens] | None = None,
        keys: Callable[[Tokens], Keys] | None = None,
    ) -> None:
        """sign_in and keys are both given, or both not: then only what is open to anybody can be read."""
        self.configuration = configuration
        self._sign_in, self._keys = sign_in, keys
        self._challenge = Once(self._ask_vault)
        self._principals = Once(self._list_principals)
        self.tokens = Once(self._signed_in)
        """The access tokens of this run; they are asked for once."""

    # --------------------------------------------------------------------------------------- what is open to anybody
    @property
    def cloud(self) -> guard.AzureCloud:
        """Azure's cloud of the registered vault; the public one where no vault's address is registered."""
        try:
            return guard.vault(self.configuration).cloud
        except CallError:
            return guard.PUBLIC_AZURE

    def public(self) -> tuple[Step, ...]:
        """What needs no credential."""
        challenge = "See whether the vault exists and which tenant it trusts"
        return (
            Step("azure-tenant", "See whether the tenant exists", self._discovery_command(), self._tenant),
            Step("azure-vault-challenge", challenge, self._challenge_command(), self._show_challenge),
        )

    def _discovery(self, tenant: str) -> str:
        return f"https://{self.cloud.login}/{tenant}/v2.0/.well-known/openid-configuration"

    def _discovery_command(self) -> str:
        return f"curl --silent --url {sh(self._discovery(self.configuration.get('tenant_id')))}"

    def _tenant(self) -> Taken:
        tenant = guard.tenant(self.configuration.get("tenant_id"))
        answer = http.call(rest.session(), "GET", self._discovery(tenant))
        document = answer.document()
        if "AADSTS90002" in str(document.get("error_description")):
            raise CallError(Trouble.ABSENT, "Microsoft Entra knows no tenant of this ID.", answer.text[:_LONGEST])
        if answer.status != 200 or "issuer" not in document:
            raise CallError(Trouble.BAD_ANSWER, "Microsoft Entra did not describe the tenant.")
        return Taken((exhibit(self._discovery_command(), document),))

    def _challenge_command(self) -> str:
        address = f"{self.configuration.get('vault_uri').rstrip('/')}/keys?api-version={KEYS_API}"
        return f"curl --silent --output /dev/null '--write-out=%{{header_json}}' --url {sh(address)}"

    def _ask_vault(self) -> Mapping[str, str]:
        """The headers of the vault's answer to a call without a token."""
        vault = guard.vault(self.configuration)
        guard.public(vault.host)
        answer = http.call(rest.session(), "GET", f"https://{vault.host}/keys?api-version={KEYS_API}")
        if answer.status == 401 and "www-authenticate" in answer.headers:
            return answer.headers
        problem = rest.failure(answer.status, answer.text, "")
        if problem.trouble in (Trouble.PROXY, Trouble.THROTTLED, Trouble.NETWORK_RULE):
            raise problem
        raise CallError(Trouble.BAD_ANSWER, "The vault did not say which tenant it trusts.")

    def vault_tenant(self) -> str:
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
        return Taken((exhibit(self._challenge_command(), shown),))

    # ------------------------------------------------------------------------------------------------------ the sign-in
    def signed_in(self, seconds: float = SECONDS) -> Step:
        """The sign-in, which all else follows from. seconds: how long it may take."""
        return Step("azure-sign-in", "Sign in", _ACCOUNT, self._show_account, seconds=max(seconds, _FIND_SECONDS))

    def _signed_in(self) -> Tokens:
        if self._sign_in is None:
            raise CallError(Trouble.CREDENTIALS, "For this somebody has to sign in.")
        return self._sign_in(self)

    def _account(self, subscription: Mapping[str, Any] | None) -> Exhibit:
        environment = _ENVIRONMENTS.get(self.cloud.vaults, "AzureUSGovernment")
        return exhibit(_ACCOUNT, printed.account(environment, self.tokens().tenant, subscription))

    def _show_account(self) -> Taken:
        account = self._account(None)
        directory, gone = (_READ_DIRECTORY,), self._deleted_command()
        found = "Look for OpenAI's service principal"
        lost = "Look for it among the deleted service principals"
        then = (
            Step("azure-service-principal", found, _PRINCIPALS, self._principal, directory),
            Step("azure-deleted-service-principals", lost, gone, self._deleted_principals, directory),
            Step(
                *("azure-vault", "Find the vault and read it", self._vault_command(), self._vault),
                permissions=(READ_VAULT,),
                seconds=_FIND_SECONDS,
            ),
            self._key_step(),
        )
        return Taken((account,), then)

    def _api(self, audience: str) -> rest.Api:
        tokens = self.tokens()
        return rest.Api(tokens.host(audience), lambda: tokens.get(audience))

    # ---------------------------------------------------------------------------------------------------- the directory
    def _list_principals(self) -> list[dict[str, Any]]:
        query = {"$filter": f"appId eq '{AZURE_APP_ID}'"}
        return self._api("graph").all("/v1.0/servicePrincipals", query, _READ_DIRECTORY)

    def _principal(self) -> Taken:
        return Taken((exhibit(_PRINCIPALS, self._principals()),))

    def _deleted_command(self) -> str:
        url = f"--url=https://{self.cloud.graph}/v1.0/directory/deletedItems/microsoft.graph.servicePrincipal"
        query = f"--query=value[?appId=='{AZURE_APP_ID}']"
        return shlex.join(("az", "rest", "--method=get", url, query, "--output=json"))

    def _deleted_principals(self) -> Taken:
        path = "/v1.0/directory/deletedItems/microsoft.graph.servicePrincipal"
        found = self._api("graph").all(path, {"$top": "100"}, _READ_DIRECTORY)
        mine = [item for item in found if item.get("appId") == AZURE_APP_ID]
        return Taken((exhibit(self._deleted_command(), mine),))

    # -------------------------------------------------------------------------------------------------------- the vault
    def _vault_command(self, name: str = "") -> str:
        return f"az keyvault show --name={sh(name or script.vault_name(self.configuration))} --output=json"

    def _vault(self) -> Taken:
        vault = guard.vault(self.configuration)
        searched = self._search(vault)
        for subscription in searched:
            for place in subscription.places():
                if place["name"].lower() == vault.name:
                    exhibits = (self._account(subscription.document), self._read_vault(place, subscription, ""))
                    return Taken(exhibits, self._around(place.group(), subscription.api))
        raise self._nowhere(vault, searched)

    def _read_vault(self, place: re.Match[str], subscription: _Subscription, name: str) -> Exhibit:
        document = subscription.api.get(place.group(), _VAULT_API, READ_VAULT)
        return exhibit(self._vault_command(name), {**document, "resourceGroup": place["group"]})

    def _search(self, vault: Vault) -> list[_Subscription]:
        """The user's subscriptions with their vaults."""
        tokens = self.tokens()
        found = self._subscriptions(self._api("arm"))
        registered = guid(self.configuration.get("tenant_id"))
        if registered in ("", tokens.tenant) or any(
            place["name"].lower() == vault.name for one in found for place in one.places()
        ):
            return found
        try:
            # The vault may trust another tenant, the one signed in to, than its subscription belongs to.
            tokens.in_tenant(registered)
        except CallError:
            return found
        return found + self._subscriptions(rest.Api(tokens.host("arm"), lambda: tokens.in_tenant(registered)))

    def _subscriptions(self, api: rest.Api) -> list[_Subscription]:
        documents = api.all("/subscriptions", _SUBSCRIPTIONS_API, _READ_SUBSCRIPTION)
        wanted = guid(self.configuration.get("subscription_id"))
        seen = [_Subscription(document, api) for document in documents]
        known = [one for one in seen if guid(one.id) and wanted in ("", one.id)]

        def look(one: _Subscription) -> _Subscription:
            path = f"/subscriptions/{one.id}/providers/Microsoft.KeyVault/vaults"
            try:
                return _Subscription(one.document, api, tuple(api.all(path, _VAULT_API, READ_VAULT)))
            except CallError as problem:
                return _Subscription(one.document, api, refused=problem)

        with ThreadPoolExecutor(_AT_ONCE) as threads:
            return list(threads.map(look, known[:_MOST_SUBSCRIPTIONS]))

    def _nowhere(self, vault: Vault, searched: list[_Subscription]) -> CallError:
        """The vault is not where we looked: the error, and steps that may show why."""
        problems = [one.refused for one in searched if one.refused]
        looked = f"We looked for the vault {vault.name} in {len(searched)} subscriptions that your account sees."
        if problems:
            first = problems[0]
            sentence = f"{looked} In {len(problems)} of them we could not see the vaults: {first.sentence}"
            error = CallError(first.trouble, sentence, first.text, first.permission)
        else:
            text = rest.printed("VaultNotFound", f"The Vault or HSM '{vault.name}' not found within subscription.")
            error = CallError(Trouble.ABSENT, f"{looked} It may stand in another one, or be misspelt.", text)
        near = (
            self._alike(place, one)
            for one in searched
            for place in one.places()
            if is_slip(place["name"].lower(), vault.name)
        )
        deleted = (self._deleted_vaults(one) for one in searched[:_MOST_DELETED_LISTS])
        error.then = (*islice(near, _MOST_ALIKE), *deleted)
        return error

    def _alike(self, place: re.Match[str], subscription: _Subscription) -> Step:
        """A vault whose name differs by a slip: it may be the one that was meant."""
        name, cloud = place["name"].lower(), self.cloud

        def read() -> Taken:
            shown = self._read_vault(place, subscription, name)
            return Taken((shown,), (self._key_step(Vault(name, f"{name}{cloud.vaults}", cloud)),))

        title = "Read the vault with nearly the registered name"
        return Step(f"azure-vault-{name}", title, self._vault_command(name), read, (READ_VAULT,))

    def _deleted_vaults(self, subscription: _Subscription) -> Step:
        command = f"az keyvault list-deleted --subscription={subscription.id} --resource-type=vault --output=json"
        path = f"/subscriptions/{subscription.id}/providers/Microsoft.KeyVault/deletedVaults"

        def read() -> Taken:
            return Taken((exhibit(command, subscription.api.all(path, _VAULT_API, READ_DELETED_VAULTS)),))

        id, title = f"azure-deleted-vaults-{subscription.id}", "Look for the vault among the deleted ones"
        return Step(id, title, command, read, (READ_DELETED_VAULTS,))

    # -------------------------------------------------------------------------------------- what Resource Manager knows
    def _around(self, vault_id: str, api: rest.Api) -> tuple[Step, ...]:
        """What is read once it is known where the vault stands."""
        roles = f"az role definition list --custom-role-only=true {sh(f'--scope={vault_id}')} --output=json"
        query = {"$filter": "type eq 'CustomRole'", **_ROLES_API}
        custom = Once(lambda: api.all(f"{vault_id}/{_AUTHORIZATION}/roleDefinitions", query, _READ_ROLES))
        subscription = "/".join(vault_id.split("/")[:3])

        def definitions() -> Taken:
            return Taken((exhibit(roles, [printed.flat(item) for item in custom()]),))

        def assignments(command: str, scope: str, wanted: str) -> Taken:
            query = {"$filter": wanted, **_ROLES_API}
            found = api.all(f"{scope}/{_AUTHORIZATION}/roleAssignments", query, _READ_ASSIGNMENTS)
            names = _role_names(custom)
            return Taken((exhibit(command, [_named(printed.flat(item), names) for item in found]),))

        def everywhere() -> Taken:
            ids = [guid(str(item.get("id"))) for item in self._principals()]
            if not any(ids):
                return Taken(())  # without a service principal there is nobody to have a role
            return assignments(_ROLES_OF_OPENAI, subscription, f"principalId eq '{next(filter(None, ids))}'")

        title = "Read every role of OpenAI's service principal in the subscription"
        both = (_READ_ASSIGNMENTS, _READ_DIRECTORY)
        steps = (
            Step("azure-role-definitions", "Read the custom roles", roles, definitions, (_READ_ROLES,)),
            Step("azure-openai-roles", title, _ROLES_OF_OPENAI, everywhere, both),
        )
        try:
            scope = f"{vault_id}/keys/{guard.azure_key_name(self.configuration)}"
        except CallError:
            return steps  # the step that reads the key says why
        reaching = f"az role assignment list --include-inherited {sh(f'--scope={scope}')} --output=json"
        denials = _rest_command(api.host, f"{scope}/{_AUTHORIZATION}/denyAssignments", _ROLES_API)
        settings = _rest_command(api.host, scope, _VAULT_API)

        def denied() -> Taken:
            found = api.all(f"{scope}/{_AUTHORIZATION}/denyAssignments", _ROLES_API, _READ_DENIALS)
            return Taken((exhibit(denials, {"value": found}),))

        return (
            *steps,
            Step(
                *("azure-role-assignments", "Read every role assignment that reaches the key", reaching),
                lambda: assignments(reaching, scope, "atScope()"),
                (_READ_ASSIGNMENTS,),
            ),
            Step("azure-deny-assignments", "Read the deny assignments", denials, denied, (_READ_DENIALS,)),
            Step(
                *("azure-key-settings", "Read the key's settings without the vault's network", settings),
                lambda: Taken((exhibit(settings, api.get(scope, _VAULT_API, READ_KEY)),)),
                (READ_KEY,),
            ),
        )

    # ---------------------------------------------------------------------------------------------------------- the key
    def _key_step(self, other: Vault | None = None) -> Step:
        """Asks the vault itself for the key; ``other``: a vault in place of the registered one."""
        vault = other.name if other else script.vault_name(self.configuration)
        named = f"{sh(f'--vault-name={vault}')} {sh('--name=' + self.configuration.get('key_name'))} --output=json"
        show = f"az keyvault key show {named}"

        def read() -> Taken:
            where, name = other or guard.vault(self.configuration), guard.azure_key_name(self.configuration)
            versions = () if other else (self._versions(where, name, f"az keyvault key list-versions {named}"),)
            try:
                found = self._of_vault().one(where, name)
            except CallError as problem:
                if other is None and problem.trouble in (Trouble.ABSENT, Trouble.DISABLED):
                    problem.then = self._lost_key(where) if problem.trouble is Trouble.ABSENT else versions
                raise
            return Taken((exhibit(show, found),), versions)

        id = f"azure-key-of-{other.name}" if other else "azure-key"
        return Step(id, "Read the key: operations, state and dates", show, read, (READ_KEY_DATA,))

    def _of_vault(self) -> Keys:
        if self._keys is None:
            raise CallError(Trouble.CREDENTIALS, "For this somebody has to sign in.")
        return self._keys(self.tokens())

    def _versions(self, vault: Vault, name: str, command: str) -> Step:
        def read() -> Taken:
            return Taken((exhibit(command, self._of_vault().versions(vault, name)),))

        return Step("azure-key-versions", "Read the key's versions", command, read, (READ_KEY_DATA,))

    def _lost_key(self, vault: Vault) -> tuple[Step, ...]:
        """What may show why the vault holds no such key."""
        named = f"{sh(f'--vault-name={vault.name}')} --output=json"
        every, gone = f"az keyvault key list {named}", f"az keyvault key list-deleted {named}"
        return (
            Step(
                *("azure-keys", "Read which keys the vault holds", every),
                lambda: Taken((exhibit(every, self._of_vault().all(vault)),)),
                (READ_KEY_DATA,),
            ),
            Step(
                *("azure-deleted-keys", "Look for the key among the deleted ones", gone),
                lambda: Taken((exhibit(gone, self._of_vault().deleted(vault)),)),
                (READ_KEY_DATA,),
            ),
        )


def _role_names(custom: Once[list[dict[str, Any]]]) -> dict[str, Any]:
    """The names of the custom roles by their ids; none where the roles could not be read."""
    try:
        return {str(item.get("name")): printed.flat(item).get("roleName") for item in custom()}
    except CallError:
        return {}


def _named(assignment: dict[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """The assignment with the name of its role, as far as it is known."""
    role = str(assignment.get("roleDefinitionId"))
    return {**assignment, "roleDefinitionName": names.get(role.rpartition("/")[2]) or policy.built_in(role)}


def _rest_command(host: str, path: str, query: Mapping[str, str]) -> str:
    version = query["api-version"]
    return f"az rest --method=get {sh(f'--url=https://{host}{path}?api-version={version}')} --output=json"
