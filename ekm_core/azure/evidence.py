"""What is known of the customer's Azure set-up, read from the output of the Azure CLI's own read-only commands.

In: exhibits, in any order. Out: ``AzureEvidence``: facts, each with its state and its source. An output is recognised
by its shape, as `az`, `az rest` or PowerShell print it; the command matters where an output does not name its own
subject (an empty list, an error, network rules). Shapes: the REST references of Key Vault, Authorization and Microsoft
Graph and the Azure CLI's models, 2026-11-23.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import unquote

from ekm_core.evidence import Command, State, command_of, outcome
from ekm_core.facts import Document, Fact, Loose, combine, piped, source_of
from ekm_core.model import Exhibit
from ekm_core.pasted import texts


@dataclass(frozen=True, slots=True)
class Account:
    """Where the Azure CLI was signed in: every other output is of this tenant and subscription.

    subscription_id: "" where the sign-in has none, only a tenant. home_tenant: the tenant that the subscription belongs
    to, where the output shows it: with a delegated one (Azure Lighthouse) it is another than the tenant that was signed
    in to.
    """

    tenant_id: str
    subscription_id: str
    home_tenant: str = ""


@dataclass(frozen=True, slots=True)
class ServicePrincipal:
    """An application's presence in the tenant. ``home_tenant`` is the tenant of the application's maker."""

    object_id: str
    app_id: str
    name: str = ""
    enabled: bool | None = None
    home_tenant: str = ""


@dataclass(frozen=True, slots=True)
class Vault:
    """A key vault. None or "" means that the output did not show it, never a default.

    id: its ARM id. rbac: whether roles decide (true) or access policies (false). network: networkAcls as printed.
    document: in the shape of `az keyvault show`, for the evaluator; empty parts are those not shown. whole: whether the
    command printed all of it, so that what is missing there is not set.
    """

    name: str
    id: str = ""
    uri: str = ""
    tenant_id: str = ""
    rbac: bool | None = None
    public_network: str = ""
    network: Document | None = None
    access_policies: tuple[Document, ...] | None = None
    purge_protection: bool | None = None
    document: Document = field(default_factory=dict)
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Key:
    """A key, or one version of it.

    expires and not_before are None where the key has no such date; ``dated`` says whether the output showed its dates.
    current: whether the output is surely of the newest version, which is the one that OpenAI's service uses: the
    command is known and asked for no other.
    """

    vault: str
    name: str
    version: str = ""
    kty: str = ""
    operations: tuple[str, ...] | None = None
    enabled: bool | None = None
    expires: datetime | None = None
    not_before: datetime | None = None
    dated: bool = False
    current: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """A command that listed all assignments at and above a scope; ``assignee`` "" means: for every principal."""

    scope: str
    assignee: str = ""


class Kind(StrEnum):
    """What an output may be about, where only its absence or a refusal is known too."""

    ACCOUNT = "signed-in account"
    SERVICE_PRINCIPAL = "service principal"
    VAULT = "key vault"
    KEY = "key"
    VERSION = "key version"
    NETWORK = "network rules"
    ROLE = "role definition"
    ASSIGNMENT = "role assignment"
    DENIAL = "deny assignment"
    ROTATION = "rotation policy"
    TENANT = "tenant"
    CHALLENGE = "vault's answer to a call without a token"


@dataclass(frozen=True, slots=True)
class AzureEvidence:
    """Every fact. Names and ids are looked up without regard to case, as Azure does.

    principals are by application id, vaults by name, keys by "vault/key", network rules by vault name, rotation
    policies by "vault/key"; role assignments are in the flat shape of `az role assignment list`. tenants are what Entra
    tells anybody, by tenant id; challenges the tenants that the vaults themselves name to anybody, by vault name:
    nobody needs to be signed in for either. ``key_listings`` says which output lists all keys of a vault, by its name.
    ``deleted`` says which output shows something as soft-deleted: service principals by application id, keys by
    "vault/key", vaults by name. loose: outputs that we could not use, with the reason.
    """

    account: Fact[Account]
    principals: Mapping[str, Fact[ServicePrincipal]] = field(default_factory=dict)
    vaults: Mapping[str, Fact[Vault]] = field(default_factory=dict)
    keys: Mapping[str, Fact[Key]] = field(default_factory=dict)
    key_versions: Mapping[str, Fact[Key]] = field(default_factory=dict)
    networks: Mapping[str, Fact[Document]] = field(default_factory=dict)
    roles: Mapping[str, Fact[Document]] = field(default_factory=dict)
    assignments: Mapping[str, Fact[Document]] = field(default_factory=dict)
    denials: Mapping[str, Fact[Document]] = field(default_factory=dict)
    assignment_listings: tuple[tuple[Listing, Fact[Listing]], ...] = ()
    denial_listings: tuple[tuple[Listing, Fact[Listing]], ...] = ()
    rotations: Mapping[str, Fact[Document]] = field(default_factory=dict)
    tenants: Mapping[str, Fact[str]] = field(default_factory=dict)
    challenges: Mapping[str, Fact[str]] = field(default_factory=dict)
    key_listings: Mapping[str, str] = field(default_factory=dict)
    deleted: Mapping[tuple[Kind, str], str] = field(default_factory=dict)
    loose: tuple[Loose, ...] = ()

    def service_principal(self, identifier: str) -> Fact[ServicePrincipal]:
        """The service principal with this application id or object id."""
        wanted = identifier.lower()
        by_object = (fact for fact in self.principals.values() if fact.value and fact.value.object_id.lower() == wanted)
        return self.principals.get(wanted) or next(by_object, None) or _not_given(Kind.SERVICE_PRINCIPAL)

    def vault(self, name: str) -> Fact[Vault]:
        """The vault with this name (not its URI)."""
        return self.vaults.get(name.lower()) or _not_given(Kind.VAULT)

    def tenant(self, identifier: str) -> Fact[str]:
        """Whether Microsoft Entra knows a tenant of this id; its value is the id."""
        return self.tenants.get(identifier.lower()) or _not_given(Kind.TENANT)

    def challenge(self, vault: str) -> Fact[str]:
        """The id of the tenant that the vault of this name trusts, as it says itself to a call without a token.

        It shows that a vault of this name exists, not whose it was meant to be.
        """
        return self.challenges.get(vault.lower()) or _not_given(Kind.CHALLENGE)

    def network(self, vault: str) -> Fact[Document]:
        """The vault's networkAcls, from the vault itself or from its list of network rules."""
        shown = self.vault(vault)
        own = self.networks.get(vault.lower())
        if shown.value is None or shown.value.network is None:
            return own or _not_given(Kind.NETWORK)
        fact = Fact(State.SEEN, shown.value.network, shown.source)
        return combine((fact, own), _same_rules) if own else fact

    def key(self, vault: str, name: str) -> Fact[Key]:
        """The key as it is now: its newest version."""
        found = self.keys.get(f"{vault}/{name}".lower())
        source = self.key_listings.get(vault.lower())
        if found is None and source:
            return Fact(State.ABSENT, None, source, f"{source} lists no key of this name")
        return found or _not_given(Kind.KEY)

    def versions(self, vault: str, name: str) -> tuple[Fact[Key], ...]:
        """Every version of the key that was shown."""
        start = f"{vault}/{name}/".lower()
        return tuple(fact for key, fact in self.key_versions.items() if key.startswith(start))

    def role(self, identifier: str) -> Fact[Document]:
        """The role definition with this id (the whole or its last part) or this name, as `az` prints it."""
        wanted = identifier.lower().rpartition("/")[2]
        named = (fact for fact in self.roles.values() if fact.value and _text(fact.value, "roleName").lower() == wanted)
        return self.roles.get(wanted) or next(named, None) or _not_given(Kind.ROLE)

    def assignments_listed(self, scope: str, principals: Collection[str]) -> Fact[Listing]:
        """Whether all assignments at and above the scope were listed, for everyone or one of ``principals`` (its ids).

        A scope of "" asks for those of the whole subscription that was signed in to, as ``--all`` lists them.
        SEEN: an assignment that is not among ``assignments`` does not exist. Membership of groups is not shown.
        """
        return _listed(self.assignment_listings, scope, principals, Kind.ASSIGNMENT)

    def denials_covering(self, scope: str) -> tuple[Fact[Document], ...]:
        """Every deny assignment shown at or above the scope, in the nested shape of `az rest`."""
        return tuple(
            fact
            for fact in self.denials.values()
            if fact.value is None or covers(_text(fact.value.get("properties"), "scope"), scope)
        )

    def denials_listed(self, scope: str) -> Fact[Listing]:
        """Whether all deny assignments at and above the key's scope were listed, on the key or on its vault.

        Without a filter the list of a vault holds those below it too.
        """
        own = _listed(self.denial_listings, scope, (), Kind.DENIAL)
        vault = _listed(self.denial_listings, scope.partition("/keys/")[0], (), Kind.DENIAL)
        return own if own.state is State.SEEN else vault if vault.state is State.SEEN else own


def _not_given(kind: Kind) -> Fact[Any]:
    return Fact(State.NOT_GIVEN, because=f"no output shows the {kind.value}")


def _text(document: object, name: str) -> str:
    value = document.get(name) if isinstance(document, Mapping) else None
    return value if isinstance(value, str) else ""


def _same_rules(first: Document, second: Document) -> bool:
    return {name: value for name, value in first.items() if value} == {k: v for k, v in second.items() if v}


def covers(scope: str, target: str) -> bool:
    """Whether a scope is the target or lies above it, by whole segments; management groups count as above."""
    scope, target = scope.lower().rstrip("/"), target.lower().rstrip("/")
    return (
        scope == target
        or target.startswith(f"{scope}/")
        or scope.startswith("/providers/microsoft.management/managementgroups/")
    )


def _listed(
    listings: Iterable[tuple[Listing, Fact[Listing]]], scope: str, principals: Collection[str], kind: Kind
) -> Fact[Listing]:
    ids = {"", *(principal.lower() for principal in principals)}
    best: Fact[Listing] = _not_given(kind)
    for listing, fact in listings:
        same_scope = listing.scope.lower().rstrip("/") == scope.lower().rstrip("/")
        if same_scope and listing.assignee.lower() in ids and best.state is not State.SEEN:
            best = fact
    return best


# --- Reading ---------------------------------------------------------------------------------------------------------


def read(exhibits: Iterable[Exhibit]) -> AzureEvidence:
    """Everything that the exhibits say about Azure. Exhibits of other clouds are passed over. Never raises."""
    reader = _Reader()
    for exhibit in exhibits:
        command = command_of(exhibit)
        if command.program in ("", "az", "curl"):
            reader.take(exhibit, command)
    return reader.result()


_ROLE_DATA = frozenset({"dataActions", "notDataActions"})


class _UnclearError(ValueError):
    """A field of a document holds what no Azure command prints there."""


class _Reader:
    """Collects facts, by kind and key in lower case."""

    def __init__(self) -> None:
        self._facts: dict[tuple[Kind, str], list[Fact[Any]]] = {}
        self._listings: dict[Kind, list[tuple[Listing, Fact[Listing]]]] = {Kind.ASSIGNMENT: [], Kind.DENIAL: []}
        self._deleted: dict[tuple[Kind, str], str] = {}
        self._key_listings: dict[str, str] = {}
        self._loose: list[Loose] = []

    def _add(self, kind: Kind, key: str, fact: Fact[Any]) -> None:
        self._facts.setdefault((kind, key.lower()), []).append(fact)

    def take(self, exhibit: Exhibit, command: Command) -> None:
        value, source = exhibit.output, source_of(exhibit)
        if command.service == "account set":
            if (Kind.ACCOUNT, "") in self._facts:
                why = f"{source} changed the subscription after it was shown; give az account show again, and the rest"
                self._add(Kind.ACCOUNT, "", Fact(State.CONFLICTING, None, source, why))
            return
        if value is None or (isinstance(value, dict) and "error" in value):
            if command.program == "az":
                self._error(exhibit, command, source)
            elif tenant := _asked_tenant(command):
                result = outcome(exhibit)
                self._add(Kind.TENANT, tenant, Fact(result.state, None, source, result.sentence))
            return
        whole = True
        if isinstance(value, dict) and isinstance(value.get("value"), list):  # az rest
            whole = not value.get("nextLink") and not value.get("@odata.nextLink")
            value = value["value"]
        items = value if isinstance(value, list) else [value]
        try:
            picked = piped(exhibit) or "query" in command.options
            known = [self._document(item, command, source, picked) for item in items if isinstance(item, dict)]
        except _UnclearError as unclear:
            self._loose.append(Loose(exhibit, f"{source} cannot be used: {unclear}."))
            return
        # An item that was not recognised may be the very one that a list seems to lack.
        listed = isinstance(value, list) and whole and len(known) == len(items) and all(known) and not piped(exhibit)
        if listed and self._listed(command, source, empty=not items):
            return
        if command.program == "az" and not any(known):
            sentence = f"{source} shows nothing that we know how to use. Give its whole output, without --query."
            self._loose.append(Loose(exhibit, sentence))
        elif not items:
            sentence = f"{source} shows an empty list. Without its command we cannot tell what it is empty of."
            self._loose.append(Loose(exhibit, sentence))

    def _error(self, exhibit: Exhibit, command: Command, source: str) -> None:
        result = outcome(exhibit)
        fact: Fact[Any] = Fact(result.state, None, source, result.sentence)
        listing = _listing(command)
        if listing is not None:
            self._listings[listing[0]].append((listing[1], fact))
            return
        subject = _subject(command)
        if subject and subject[0] is Kind.KEY and _DISABLED.search(exhibit.text):
            vault, _, name = subject[1].partition("/")
            fact = Fact(State.SEEN, Key(vault.lower(), name, enabled=False, current=True), source)
        elif subject and subject[0] is Kind.KEY and command.service == "rest" and "KeyNotFound" not in exhibit.text:
            # Resource Manager says "not found" of the vault, too.
            fact = fact if result.state is not State.ABSENT else Fact(State.FAILED, None, source, result.sentence)
        if subject is None:
            self._loose.append(Loose(exhibit, f"{source} could not be used. {result.sentence}"))
            return
        if subject[0] in (Kind.VAULT, Kind.NETWORK) and result.state is State.ABSENT:
            # A vault's name is unique in the world; only one subscription or resource group was searched.
            why = f"{source} did not find the vault where it searched; it may stand in another subscription"
            fact = Fact(State.FAILED, None, source, why)
        self._add(*subject, fact)

    def _listed(self, command: Command, source: str, *, empty: bool) -> bool:
        """Notes what a complete list proves by what it lacks; whether it proves anything."""
        listing = _listing(command)
        if listing is not None and _unfiltered(command):
            self._listings[listing[0]].append((listing[1], Fact(State.SEEN, listing[1], source)))
            return True
        vault = command.option("vault-name")
        if (command.service, command.verb) == ("keyvault key", "list") and vault and _unfiltered(command):
            self._key_listings[vault.lower()] = source
            return True
        address = unquote(command.option("filter", "url", "uri", "u"))
        if empty and ("/directory/deletedItems/" in address or command.verb == "list-deleted"):
            return True
        found = _APP_FILTER.search(address)
        of_principals = command.service == "ad sp" or (
            command.service == "rest" and "/serviceprincipals?" in address.lower()
        )
        if empty and found and of_principals and _unfiltered(command):
            why = f"{source} finds no service principal of the application {found[1]}"
            self._add(Kind.SERVICE_PRINCIPAL, found[1], Fact(State.ABSENT, None, source, why))
            return True
        return False

    def _document(self, document: dict[str, Any], command: Command, source: str, picked: bool) -> bool:
        """Files one document by its shape; whether it was recognised. picked: it may be a part of what there is."""
        top = _plain(document)
        inner = _plain(document["properties"]) if isinstance(document.get("properties"), dict) else {}
        both = {**top, **inner}
        gone = any(both.get(name) for name in ("deleteddatetime", "deleteddate", "scheduledpurgedate", "deletiondate"))
        marks = ("serviceprincipaltype", "accountenabled", "objectid")
        if _has(both, "appid") and (gone or any(mark in both for mark in marks)):
            return self._principal(both, source, gone=gone)
        if "vaulturi" in both or ("uri" in both and "rbac" in both) or (gone and "vaultid" in both):
            return self._vault(document, top, both, source, gone=gone, whole=not picked)
        key = _plain(both["key"]) if isinstance(both.get("key"), dict) else {}
        if _has({**both, **key}, "kid") or _has(both, "keyuri"):
            return self._key({**both, **key}, command, source, gone=gone, whole=not picked)
        if isinstance(both.get("lifetimeactions"), list) and _path(_string(both, "id")).endswith("/rotationpolicy"):
            address = _string(both, "id")
            name = f"{_host(address).partition('.')[0]}/{_path(address).split('/')[-2]}"
            self._add(Kind.ROTATION, name, Fact(State.SEEN, document, source))
            return True
        if _has(both, "issuer", "tokenendpoint"):
            found = _ISSUER.fullmatch(_string(both, "issuer"))
            if found:
                self._add(Kind.TENANT, found[1], Fact(State.SEEN, found[1].lower(), source))
            return found is not None
        if texts(both.get("www-authenticate")):
            return self._challenge(both["www-authenticate"], command, source)
        if "defaultaction" in both and ("iprules" in both or "bypass" in both):
            name = command.option("name", "n", "vault-name")
            if command.service == "keyvault network-rule" and name:
                self._add(Kind.NETWORK, name, Fact(State.SEEN, document, source))
                return True
            return False
        if _has(both, "denyassignmentname"):
            self._add(
                Kind.DENIAL, _string(top, "id") or repr(sorted(both)), Fact(State.SEEN, _nested(document), source)
            )
            return True
        if _has(both, "roledefinitionid", "scope") and (_has(both, "principalid") or _has(both, "objectid")):
            return _is_assignment(both, command) and self._assignment(top, both, source)
        if _has(both, "rolename") or ("dataactions" in top and "assignablescopes" in top):
            return self._role(top, both, source, whole=not picked)
        if (
            _has(both, "tenantid", "id")
            and ("environmentname" in both or "isdefault" in both)
            and command.verb != "list"
        ):
            subscription = _string(both, "id").rpartition("/")[2]
            if subscription.lower() == _string(both, "tenantid").lower():  # "N/A(tenant level account)"
                subscription = ""
            account = Account(_string(both, "tenantid"), subscription, _string(both, "hometenantid"))
            self._add(Kind.ACCOUNT, "", Fact(State.SEEN, account, source))
            return True
        return False

    def _challenge(self, headers: list[str], command: Command, source: str) -> bool:
        """The headers of a vault's answer, as `curl --write-out '%{header_json}'` prints them."""
        named = {found[1].lower() for header in headers if (found := _TRUSTS.match(header))}
        host = _host(command.option("url"))
        if len(named) != 1 or ".vault." not in host:
            return False
        self._add(Kind.CHALLENGE, host.partition(".")[0], Fact(State.SEEN, named.pop(), source))
        return True

    def _principal(self, both: dict[str, Any], source: str, *, gone: bool) -> bool:
        found = ServicePrincipal(
            _string(both, "objectid") or _string(both, "id"),
            _string(both, "appid"),
            _string(both, "displayname") or _string(both, "name"),
            _boolean(both, "accountenabled", "enabled"),
            _string(both, "appownerorganizationid"),
        )
        if gone:
            self._deleted[Kind.SERVICE_PRINCIPAL, found.app_id.lower()] = source
        else:
            self._add(Kind.SERVICE_PRINCIPAL, found.app_id, Fact(State.SEEN, found, source))
        return True

    def _vault(
        self,
        document: dict[str, Any],
        top: dict[str, Any],
        both: dict[str, Any],
        source: str,
        *,
        gone: bool,
        whole: bool,
    ) -> bool:
        uri = _string(both, "vaulturi") or _string(both, "uri")
        name = _string(top, "name") or _string(both, "vaultname") or _host(uri).partition(".")[0]
        if gone:
            self._deleted[Kind.VAULT, name.lower()] = source
            return True
        policies, network = both.get("accesspolicies"), both.get("networkacls")
        vault = Vault(
            name,
            _string(top, "id") or _string(top, "resourceid"),
            uri,
            _string(both, "tenantid") or _string(both, "tenant"),
            _boolean(both, "enablerbacauthorization", "rbac"),
            _string(both, "publicnetworkaccess"),
            network if isinstance(network, dict) else None,
            tuple(item for item in policies if isinstance(item, dict)) if isinstance(policies, list) else None,
            _boolean(both, "enablepurgeprotection"),
            _nested(document),
            whole,
        )
        self._add(Kind.VAULT, name, Fact(State.SEEN, vault, source))
        return True

    def _key(self, both: dict[str, Any], command: Command, source: str, *, gone: bool, whole: bool) -> bool:
        """A key of the data plane (kid), of the management plane (keyUri), or an item of a list of either."""
        kid = _string(both, "kid") or _string(both, "keyuriwithversion") or _string(both, "keyuri")
        parts = _path(kid).split("/")
        if len(parts) not in (2, 3) or parts[0] not in ("keys", "deletedkeys", "deletedKeys"):
            raise _UnclearError("its key identifier has not the form https://<vault>/keys/<name>/<version>")
        vault, name = _host(kid).partition(".")[0], parts[1]
        if gone or parts[0] != "keys":
            self._deleted[Kind.KEY, f"{vault}/{name}".lower()] = source
            return True
        dates = _plain(both["attributes"]) if isinstance(both.get("attributes"), dict) else {}
        operations = both.get("keyops", both.get("operations"))
        address = command.option("url", "uri", "u").partition("?")[0]
        asked = (command.service == "keyvault key" and command.verb == "show") or _arm_key(command) is not None
        asked = asked or (command.service == "rest" and _KEY_ADDRESS.fullmatch(address) is not None)
        version_asked = bool(command.option("version", "v")) or any(map(_versioned, (command.option("id"), address)))
        key = Key(
            vault,
            name,
            parts[2] if len(parts) == 3 else "",
            _string(both, "kty") or _string(both, "type"),
            tuple(operations) if texts(operations) and all(operations) else None,
            _boolean(dates, "enabled"),
            _moment(dates, "expires", "exp"),
            _moment(dates, "notbefore", "nbf"),
            dated=bool(dates) and (whole or {"expires", "notbefore"} <= dates.keys()),
            current=(asked and not version_asked) or len(parts) == 2,
        )
        fact = Fact(State.SEEN, key, source)
        if key.version:
            self._add(Kind.VERSION, f"{vault}/{name}/{key.version}", fact)
        if command.verb != "list-versions" and not version_asked:
            self._add(Kind.KEY, f"{vault}/{name}", fact)
        return True

    def _assignment(self, top: dict[str, Any], both: dict[str, Any], source: str) -> bool:
        flat = {
            "id": _string(top, "id") or _string(both, "roleassignmentid"),
            "scope": _string(both, "scope"),
            "principalId": _string(both, "principalid") or _string(both, "objectid"),
            "principalType": _string(both, "principaltype") or _string(both, "objecttype"),
            "roleDefinitionId": _string(both, "roledefinitionid"),
            "roleDefinitionName": _string(both, "roledefinitionname"),
            "condition": _string(both, "condition") or None,
        }
        key = "|".join(str(flat[name]) for name in ("scope", "principalId", "roleDefinitionId"))
        self._add(Kind.ASSIGNMENT, str(flat["id"]) or key, Fact(State.SEEN, flat, source))
        return True

    def _role(self, top: dict[str, Any], both: dict[str, Any], source: str, *, whole: bool) -> bool:
        name, permissions = _string(both, "rolename") or _string(top, "name"), both.get("permissions")
        if permissions is None and "dataactions" in top:  # PowerShell, or the document that creates a role
            fields = ("actions", "notActions", "dataActions", "notDataActions")
            permissions = [{field: top.get(field.lower()) or [] for field in fields}]
        if not isinstance(permissions, list):
            return False
        if not whole and not all(isinstance(one, dict) and one.keys() >= _ROLE_DATA for one in permissions):
            return False  # what was left out may take actions away
        identifier = _string(both, "id") or _string(both, "name")
        flat = {
            "id": identifier,
            "name": identifier.rpartition("/")[2],
            "roleName": name,
            "roleType": _string(both, "roletype") or _string(top, "type"),
            "permissions": permissions,
            "assignableScopes": both.get("assignablescopes"),
        }
        self._add(Kind.ROLE, identifier.rpartition("/")[2] or name, Fact(State.SEEN, flat, source))
        return True

    def result(self) -> AzureEvidence:
        found: dict[Kind, dict[str, Fact[Any]]] = {kind: {} for kind in Kind}
        for (kind, key), facts in self._facts.items():
            fullest = sorted(facts, key=_fullness, reverse=True)
            found[kind][key] = combine(fullest, _agree)
        return AzureEvidence(
            found[Kind.ACCOUNT].get("", _not_given(Kind.ACCOUNT)),
            found[Kind.SERVICE_PRINCIPAL],
            found[Kind.VAULT],
            found[Kind.KEY],
            found[Kind.VERSION],
            found[Kind.NETWORK],
            found[Kind.ROLE],
            found[Kind.ASSIGNMENT],
            found[Kind.DENIAL],
            tuple(self._listings[Kind.ASSIGNMENT]),
            tuple(self._listings[Kind.DENIAL]),
            found[Kind.ROTATION],
            found[Kind.TENANT],
            found[Kind.CHALLENGE],
            self._key_listings,
            self._deleted,
            tuple(self._loose),
        )


# Which fields of a typed value say nothing of their own when two outputs are compared.
_NOT_COMPARED = frozenset({"document", "dated", "current", "whole"})


def _fields(value: object) -> dict[str, object]:
    """The fields of a value that were shown."""
    if isinstance(value, Mapping):
        return {str(name): item for name, item in value.items() if item not in (None, "", [], {})}
    found = {name: getattr(value, name) for name in getattr(value, "__slots__", ())}
    shown = {name: item for name, item in found.items() if name not in _NOT_COMPARED and item not in (None, "")}
    if isinstance(value, Key) and value.dated:
        shown |= {"expires": value.expires, "not_before": value.not_before}
    return shown


def _fullness(fact: Fact[Any]) -> tuple[int, bool]:
    return len(_fields(fact.value)), bool(getattr(fact.value, "current", False))


def _agree(first: object, second: object) -> bool:
    """Whether two outputs agree in everything that both show."""
    one, other = _fields(first), _fields(second)
    return all(_fold(one[name]) == _fold(other[name]) for name in one.keys() & other.keys())


def _fold(value: object) -> object:
    """Azure's names and ids have no case; a resource's ARM id is printed in either."""
    return value.lower() if isinstance(value, str) else value


# --- Documents -------------------------------------------------------------------------------------------------------


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    """The document with its names in lower case and without underscores: key_ops, keyOps and KeyOps are one."""
    return {name.replace("_", "").lower(): value for name, value in document.items() if isinstance(name, str)}


def _nested(document: dict[str, Any]) -> Document:
    """The document in the shape of `az`: what stands flat or in another case is put under "properties"."""
    if isinstance(document.get("properties"), dict):
        return document
    names = {name[:1].lower() + name[1:]: value for name, value in document.items()}
    return {**names, "properties": names}


def _has(document: Mapping[str, Any], *names: str) -> bool:
    return all(isinstance(document.get(name), str) and document[name] for name in names)


def _string(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if value is None or isinstance(value, dict | list):
        return ""
    if not isinstance(value, str):
        raise _UnclearError(f"{name} is not a text")
    return value


def _boolean(document: Mapping[str, Any], *names: str) -> bool | None:
    value = next((document[name] for name in names if document.get(name) is not None), None)
    if value is not None and not isinstance(value, bool):
        raise _UnclearError(f"{names[0]} is neither true nor false")
    return value


def _is_assignment(document: Mapping[str, Any], command: Command) -> bool:
    """Whether what looks like a role assignment is one.

    Privileged Identity Management prints who may activate a role, and requests for one, in the same shape.
    """
    names = (_string(document, "type"), unquote(command.option("url", "uri", "u")))
    return not any(_SCHEDULE.search(name) for name in names)


def _moment(document: Mapping[str, Any], *names: str) -> datetime | None:
    """A date as seconds since 1970 or as ISO 8601, in UTC (Key Vault's REST reference)."""
    value = next((document[name] for name in names if document.get(name) is not None), None)
    if value is None:
        return None
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise _UnclearError(f"{names[0]} is no date") from error
    raise _UnclearError(f"{names[0]} is no date")


def _host(address: str) -> str:
    """The host of an address, or "" where it is none."""
    found = _ADDRESS.match(address)
    return found[1].lower() if found else ""


def _path(address: str) -> str:
    """The path of an address without the slashes around it, or ""."""
    found = _ADDRESS.match(address)
    return found[2].strip("/") if found else ""


_ADDRESS = re.compile(r"https://([A-Za-z0-9.-]{1,253})(?::\d{1,5})?(/[^?#]*)?")
_KEY_ADDRESS = re.compile(r"https://[^/]+/keys/[^/]+(?:/[^/]+)?/?")
_VERSION_IN_ID = re.compile(r"https://[^/]+/keys/[^/]+/[^/]+/?")


def _versioned(identifier: str) -> bool:
    return bool(_VERSION_IN_ID.fullmatch(identifier))


# --- The subject that a command asks for -----------------------------------------------------------------------------

_SCHEDULE = re.compile(r"(?i)/role(?:Eligibility|Assignment)Schedule")
_GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
# A filter on anything beside the application's id hides the very service principal that is looked for.
_APP_FILTER = re.compile(rf"(?i)(?:^|[?&]\$?filter=)\s*appId eq '({_GUID})'\s*(?:&|$)")
_ASSIGNMENT_URL = re.compile(
    r"(?i)(/subscriptions/[^?]*?)/providers/Microsoft\.Authorization/roleAssignments"
    rf"\?(?:[^&]*&)*?\$filter=(?:atScope\(\)|(?:principalId[ +]eq[ +]|assignedTo\()'({_GUID})'\)?)(?:&|$)"
)
_DENY_URL = re.compile(r"(?i)(/subscriptions/[^?]*?)/providers/Microsoft\.Authorization/denyAssignments(?:\?|$)")


_LOGIN = r"https://login\.(?:microsoftonline\.(?:com|us)|windows\.net|chinacloudapi\.cn|partner\.microsoftonline\.cn)"
_ISSUER = re.compile(rf"(?i){_LOGIN}/({_GUID})/v2\.0")
_TRUSTS = re.compile(rf'(?i)Bearer authorization="{_LOGIN}/({_GUID})"(?:,|$)')
_DISCOVERY = re.compile(rf"(?i){_LOGIN}/({_GUID})/v2\.0/\.well-known/openid-configuration")
_ARM_KEY = re.compile(r"(?i)/providers/Microsoft\.KeyVault/vaults/([a-z0-9-]{3,24})/keys/([0-9a-z-]{1,127})(?:\?|$)")
_DISABLED = re.compile(r"Operation get is not allowed on a disabled key")


def _asked_tenant(command: Command) -> str:
    """The tenant that a call of Entra's public description is about, or ""."""
    found = _DISCOVERY.fullmatch(command.option("url"))
    return found[1] if found and command.program == "curl" else ""


def _arm_key(command: Command) -> re.Match[str] | None:
    """The vault and the key that `az rest` asks Resource Manager for: always the key's current version."""
    address = unquote(command.option("url", "uri", "u"))
    return _ARM_KEY.search(address) if command.service == "rest" else None


def _unfiltered(command: Command) -> bool:
    """Whether the list is whole: nothing picked some of it out."""
    return not any(
        name in command.options for name in ("query", "role", "max-items", "maxresults", "show-mine", "display-name")
    )


def _listing(command: Command) -> tuple[Kind, Listing] | None:
    """What a command lists in full, or None."""
    if command.service == "role assignment" and command.verb == "list":
        scope = command.option("scope")
        assignee = command.option("assignee", "assignee-object-id")
        if "all" in command.options and "subscription" not in command.options:
            return Kind.ASSIGNMENT, Listing("", assignee)
        # Without --include-inherited only what is assigned on the very scope is shown.
        if not scope or "include-inherited" not in command.options:
            return None
        return Kind.ASSIGNMENT, Listing(scope, assignee)
    if (command.service, command.verb) == ("role deny-assignment", "list"):
        scope = command.option("scope")
        return (Kind.DENIAL, Listing(scope)) if scope and "filter" not in command.options else None
    if command.service == "rest":
        address = unquote(command.option("url", "uri", "u"))
        found = _DENY_URL.search(address)
        if found and "filter=" not in address.lower():
            return Kind.DENIAL, Listing(found[1])
        if found := _ASSIGNMENT_URL.search(address):
            return Kind.ASSIGNMENT, Listing(found[1], found[2] or "")
    return None


def _subject(command: Command) -> tuple[Kind, str] | None:
    """What a command asks for, where it says so in full."""
    name, vault = command.option("name", "n"), command.option("vault-name")
    match command.service, command.verb:
        case "account", "show":
            return Kind.ACCOUNT, ""
        case "ad sp", "show" if command.option("id"):
            return Kind.SERVICE_PRINCIPAL, command.option("id")
        case "ad sp", "list" if found := _APP_FILTER.search(command.option("filter")):
            return Kind.SERVICE_PRINCIPAL, found[1]
        case "keyvault", "show" if name:
            return Kind.VAULT, name
        case "keyvault network-rule", "list" if name:
            return Kind.NETWORK, name
        case "keyvault key", "show" if name and vault and not command.option("version", "v"):
            return Kind.KEY, f"{vault}/{name}"
        case "rest", _ if arm := _arm_key(command):
            return Kind.KEY, f"{arm[1]}/{arm[2]}"
        case "keyvault key", "show" if command.option("id") and not _versioned(command.option("id")):
            address = command.option("id")
            return Kind.KEY, f"{_host(address).partition('.')[0]}/{_path(address).rpartition('/')[2]}"
    return None
