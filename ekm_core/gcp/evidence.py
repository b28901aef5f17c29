"""What is known of the customer's Google Cloud set-up, read from the output of gcloud's own read-only commands.

In: exhibits, in any order. Out: ``GcpEvidence``: facts by resource name, each with its state and its source. An output
is recognised by its shape; the command matters where an output does not name its own resource (get-iam-policy, an
empty list, an error). JSON and gcloud's default YAML are read. Shapes: Google's API references of IAM, Cloud KMS,
Resource Manager and Service Usage, 2026-11-23.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ekm_core.evidence import Command, State, command_of, outcome
from ekm_core.facts import Document, Fact, Loose, combine, conflict, piped, source_of
from ekm_core.gcp import printed
from ekm_core.model import Exhibit

KMS_API = "cloudkms.googleapis.com"


class Kind(StrEnum):
    """What a fact is about. The name of each is a full resource name that begins with ``projects/`` or its like."""

    POOL = "workload identity pool"
    PROVIDER = "provider"
    KEY_RING = "key ring"
    KEY = "key"
    VERSION = "key version"
    POLICY = "IAM policy"
    """Named by the resource that it is set on."""
    ROLE = "role"
    PROJECT = "project"
    SERVICE = "API"
    """SEEN: enabled. ABSENT: not enabled."""
    DENY_POLICY = "deny policy"
    """Named ``policies/<its place>/denypolicies/<its id>``; SEEN with its rules alone, which lists leave out."""
    EXCHANGE = "answer of the token service"
    """Named by the provider as it was asked for; SEEN where the token service refused that name itself."""
    LISTING = "list"
    """Named by its collection (``…/keyRings/r/cryptoKeys``); the value holds the full names under "names"."""


_SEGMENT = r"[^/\s]{1,200}"
_POOL = rf"projects/{_SEGMENT}/locations/{_SEGMENT}/workloadIdentityPools/{_SEGMENT}"
_RING = rf"projects/{_SEGMENT}/locations/{_SEGMENT}/keyRings/{_SEGMENT}"
_KEY = rf"{_RING}/cryptoKeys/{_SEGMENT}"
_NAMES = {
    Kind.POOL: re.compile(_POOL),
    Kind.PROVIDER: re.compile(rf"{_POOL}/providers/{_SEGMENT}"),
    Kind.KEY_RING: re.compile(_RING),
    Kind.KEY: re.compile(_KEY),
    Kind.VERSION: re.compile(rf"{_KEY}/cryptoKeyVersions/{_SEGMENT}"),
    Kind.ROLE: re.compile(rf"(?:(?:projects|organizations)/{_SEGMENT}/)?roles/{_SEGMENT}"),
    Kind.SERVICE: re.compile(rf"projects/{_SEGMENT}/services/{_SEGMENT}"),
}
_DENY_POLICY = re.compile(rf"policies/{_SEGMENT}/denypolicies/{_SEGMENT}")
_POLICY_FIELDS = frozenset({"bindings", "etag", "version", "auditConfigs"})
_STS = "https://sts.googleapis.com/v1/token"
# What the token service says of the name itself, whatever token comes with it; samples in the errors of that name.
_NAME_REFUSED = re.compile(r'Invalid value for "audience"|The target service indicated by the "audience"')
_URL = re.compile(r"https://[a-z.]{1,60}/v\d[a-z0-9]{0,8}/|//[a-z.]{1,60}/")
_API_IS_OFF = re.compile(r"apis/api/([a-z]{2,40}\.googleapis\.com)/overview\?project=([a-z0-9.:-]{1,90})")
# `name` would be compared with projects/…/services/…, so a filter on it answers nothing even where the API is on.
_KMS_FILTER = re.compile(r"config\.name\s*[:=]\s*[\"']?cloudkms\.googleapis\.com[\"']?")
_SWITCHES = ("show-deleted", "enabled", "include-deny", "quiet", "q", "uri")


@dataclass(frozen=True, slots=True)
class GcpEvidence:
    """Every fact, by kind and full resource name; a project may be given by id or number wherever both are known.

    facts: for ``find``. numbers: project number by project id. ancestors: ``folders/…`` and ``organizations/…`` above
    a project, nearest first, where a command listed them. loose: outputs that we could not use, with the reason.
    """

    facts: Mapping[tuple[Kind, str], Fact[Document]] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)
    ancestors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    loose: tuple[Loose, ...] = ()

    def pool(self, name: str) -> Fact[Document]:
        """The pool ``projects/N/locations/global/workloadIdentityPools/P``, as gcloud describes it."""
        return self.find(Kind.POOL, name)

    def provider(self, name: str) -> Fact[Document]:
        """The provider ``<pool>/providers/X``, as gcloud describes it."""
        return self.find(Kind.PROVIDER, name)

    def key_ring(self, name: str) -> Fact[Document]:
        """The key ring ``projects/P/locations/L/keyRings/R``."""
        return self.find(Kind.KEY_RING, name)

    def key(self, name: str) -> Fact[Document]:
        """The key ``<key ring>/cryptoKeys/K``, as gcloud describes it (purpose, primary, versionTemplate …)."""
        return self.find(Kind.KEY, name)

    def version(self, name: str) -> Fact[Document]:
        """The key version ``<key>/cryptoKeyVersions/V``; only its name and state are sure to be there."""
        return self.find(Kind.VERSION, name)

    def versions(self, key: str) -> tuple[Fact[Document], ...]:
        """Every version of the key that was shown. ``listed`` says whether these are all."""
        start = f"{self.canonical(key)}/cryptoKeyVersions/"
        found = (name for kind, name in self.facts if kind is Kind.VERSION and name.startswith(start))
        return tuple(fact for name in found if (fact := self.version(name)).state is not State.ABSENT)

    def policy(self, resource: str) -> Fact[Document]:
        """The IAM policy on one resource (key, key ring, ``projects/P``, ``folders/F``, ``organizations/O``)."""
        return self.find(Kind.POLICY, resource)

    def policies(self, key: str) -> tuple[tuple[str, Fact[Document]], ...]:
        """(resource, its IAM policy) from the key up to its project, and above it as far as the ancestors are known."""
        ring, project = key.partition("/cryptoKeys/")[0], "/".join(key.split("/")[:2])
        levels = (key, ring, project, *self.ancestors.get(self.canonical(project), ()))
        return tuple((level, self.policy(level)) for level in levels)

    def role(self, name: str) -> Fact[Document]:
        """The role ``roles/X``, ``projects/P/roles/X`` or ``organizations/O/roles/X`` with its includedPermissions."""
        return self.find(Kind.ROLE, name)

    def project(self, project: str) -> Fact[Document]:
        """The project, by id or number."""
        return self.find(Kind.PROJECT, f"projects/{project}")

    def api(self, project: str, service: str = KMS_API) -> Fact[Document]:
        """Whether an API is enabled in a project (by id or number): SEEN is enabled, ABSENT is not enabled."""
        return self.find(Kind.SERVICE, f"projects/{project}/services/{service}")

    def exchange(self, audience: str) -> Fact[Document]:
        """What the token service said of a provider's full name (``//iam.googleapis.com/…``), if it refused it."""
        return self.facts.get((Kind.EXCHANGE, audience), _not_given(Kind.EXCHANGE.value))

    def deny_policies(self, resource: str) -> Fact[Document]:
        """The deny policies attached to ``projects/P`` (or folder, organization): their names, under "names"."""
        return self.listed(f"{resource}/denypolicies")

    def deny_policy(self, name: str) -> Fact[Document]:
        """One deny policy with its rules, by the full name that ``deny_policies`` lists."""
        return self.facts.get((Kind.DENY_POLICY, name), _not_given(Kind.DENY_POLICY.value))

    def listed(self, collection: str) -> Fact[Document]:
        """The complete list of a collection such as ``<key>/cryptoKeyVersions``: full names under "names"."""
        return self.facts.get((Kind.LISTING, self.canonical(collection)), _not_given("the list"))

    def number_of(self, project: str) -> str:
        """The number of a project given by id or number, or "" where it is not known."""
        return project if project.isdecimal() else self.numbers.get(project, "")

    def id_of(self, project: str) -> str:
        """The id of a project given by id or number, or "" where it is not known."""
        if not project.isdecimal():
            return project
        return next((name for name, number in self.numbers.items() if number == project), "")

    def canonical(self, name: str) -> str:
        """The resource name with the project's number in place of its id, where the number is known."""
        return _canonical(name, self.numbers)

    def find(self, kind: Kind, name: str) -> Fact[Document]:
        """The fact on one resource. A complete list that lacks it proves that it is absent."""
        name = self.canonical(name)
        fact = self.facts.get((kind, name), _not_given(kind.value))
        listing = self.facts.get((Kind.LISTING, name.rpartition("/")[0]))
        if listing is None or listing.value is None or kind in (Kind.POLICY, Kind.PROJECT):
            return fact
        if name in listing.value["names"]:
            return fact
        if fact.state is State.SEEN:
            return conflict(fact.source, listing.source)
        if fact.state in (State.ABSENT, State.CONFLICTING):
            return fact
        return Fact(State.ABSENT, source=listing.source, because=f"{listing.source} does not list it")


def _not_given(what: str) -> Fact[Document]:
    return Fact(State.NOT_GIVEN, because=f"no output shows the {what}")


def _canonical(name: str, numbers: Mapping[str, str]) -> str:
    name = _URL.sub("", name, count=1) if name.startswith(("https://", "//")) else name
    head, _, rest = name.partition("/")
    project, slash, tail = rest.partition("/")
    return f"projects/{numbers[project]}{slash}{tail}" if head == "projects" and project in numbers else name


# --- Reading ---------------------------------------------------------------------------------------------------------


def read(exhibits: Iterable[Exhibit]) -> GcpEvidence:
    """Everything that the exhibits say about Google Cloud. Exhibits of other clouds are passed over. Never raises."""
    reader = _Reader()
    for exhibit in exhibits:
        reader.take(exhibit)
    return reader.result()


class _Reader:
    """Collects facts under the names as given; project ids become numbers at the end, when all numbers are known."""

    def __init__(self) -> None:
        self._facts: list[tuple[Kind, str, Fact[Document]]] = []
        self._ancestors: dict[str, tuple[str, ...]] = {}
        self._loose: list[Loose] = []

    def take(self, exhibit: Exhibit) -> None:
        command = command_of(exhibit)
        if command.program not in ("", "gcloud", "curl"):
            return
        if command.program == "curl" and (audience := _asked_for(exhibit.command)):
            return self._exchange(audience, exhibit)
        value = exhibit.output
        if value is None and not exhibit.text.lstrip().startswith("ERROR"):
            value = printed.read(exhibit.text)
        if value is None or (isinstance(value, dict) and "error" in value):
            self._error(exhibit, command)
        elif isinstance(value, list):
            self._list(value, exhibit, command)
        elif isinstance(value, dict) and not self._document(value, exhibit, command) and command.program == "gcloud":
            self._loose.append(Loose(exhibit, f"{source_of(exhibit)} shows nothing that we know how to use."))

    def _add(
        self, kind: Kind, name: str, state: State, source: str, value: Document | None = None, why: str = ""
    ) -> None:
        self._facts.append((kind, name, Fact(state, value, source, why)))

    def _exchange(self, audience: str, exhibit: Exhibit) -> None:
        """An answer of the token service. One about the token says nothing of the name."""
        answer = exhibit.output
        sentence = answer.get("error_description") if isinstance(answer, dict) else None
        if isinstance(sentence, str) and _NAME_REFUSED.match(sentence):
            self._add(Kind.EXCHANGE, audience, State.SEEN, source_of(exhibit), answer)
        elif isinstance(sentence, str):
            why = "Google's token service spoke of the token and not of the provider's name, so it proves nothing."
            self._loose.append(Loose(exhibit, why))
        else:
            self._loose.append(Loose(exhibit, f"The token service was not asked. {outcome(exhibit).sentence}"))

    def _error(self, exhibit: Exhibit, command: Command) -> None:
        source, result = source_of(exhibit), outcome(exhibit)
        off = _API_IS_OFF.search(exhibit.text) if "it is disabled" in exhibit.text else None
        if off:
            why = f"{source} answered that the API {off[1]} is not enabled in project {off[2]}"
            self._add(Kind.SERVICE, f"projects/{off[2]}/services/{off[1]}", State.ABSENT, source, why=why)
        subject = _subject(command)
        if subject is None:
            if command.program == "gcloud":
                self._loose.append(Loose(exhibit, f"{source} could not be used. {result.sentence}"))
            return
        # A disabled API hides the resource: it says nothing about whether that exists.
        state = State.FAILED if off else result.state
        self._add(*subject, state, source, why=result.sentence)

    def _list(self, items: list[Any], exhibit: Exhibit, command: Command) -> None:
        source, documents = source_of(exhibit), [item for item in items if isinstance(item, dict)]
        if (
            command.verb.startswith("get-ancestors")
            and len(documents) == len(items)
            and not _selected(exhibit, command)
        ):
            return self._above(documents, exhibit, command)
        subject = _subject(command)
        known = [self._document(item, exhibit, command) for item in documents]
        if subject is not None and subject[0] is Kind.LISTING and len(documents) == len(items) and not piped(exhibit):
            collection = subject[1]
            names = frozenset(_listed_name(item, collection) for item in documents)
            if _complete(command, collection) and "" not in names:
                self._add(Kind.LISTING, collection, State.SEEN, source, {"names": names})
                return None
            if (
                not items
                and collection.endswith("/services")
                and _KMS_FILTER.fullmatch(command.option("filter").strip())
            ):
                why = f"{source} does not list the API {KMS_API} among the enabled ones"
                self._add(Kind.SERVICE, f"{collection}/{KMS_API}", State.ABSENT, source, why=why)
                return None
        if not items:
            sentence = f"{source} shows an empty list. Without its command in full we cannot tell what it is empty of."
            self._loose.append(Loose(exhibit, sentence))
        elif command.program == "gcloud" and not any(known):
            self._loose.append(Loose(exhibit, f"{source} shows nothing that we know how to use."))
        return None

    def _above(self, items: list[dict[str, Any]], exhibit: Exhibit, command: Command) -> None:
        """`projects get-ancestors` and `get-ancestors-iam-policy`: the project's folders and organization."""
        project = command.arguments[0] if command.arguments else ""
        levels = []
        for item in items:
            kind, number, policy = item.get("type"), item.get("id"), item.get("policy")
            if kind not in ("project", "folder", "organization") or not isinstance(number, str | int):
                continue
            name = f"{kind}s/{number}"
            levels.append(name)
            if isinstance(policy, dict) and _is_policy(policy):
                self._add(Kind.POLICY, name, State.SEEN, source_of(exhibit), policy)
        if project:
            self._ancestors[f"projects/{project}"] = tuple(
                dict.fromkeys(level for level in levels if not level.startswith("projects/"))
            )

    def _document(self, document: dict[str, Any], exhibit: Exhibit, command: Command) -> bool:
        """Files one document by its shape; whether it was recognised."""
        source = source_of(exhibit)
        if _selected(exhibit, command) and (_is_policy(document) or _says_by_silence(document.get("name"))):
            sentence = f"{source} shows a part of it alone. Give its whole output, with --format=json and no more."
            self._loose.append(Loose(exhibit, sentence))
            return True
        if _is_policy(document):
            subject = _subject(command)
            if subject is not None and subject[0] is Kind.POLICY:
                self._add(*subject, State.SEEN, source, document)
            else:
                self._loose.append(
                    Loose(
                        exhibit,
                        "This IAM policy does not say what it is set on. Paste the whole command above its output, "
                        "with its key ring, location and project.",
                    )
                )
            return True
        number, project = document.get("projectNumber"), document.get("projectId")
        if isinstance(number, str | int) and isinstance(project, str):
            self._add(
                Kind.PROJECT, f"projects/{project}", State.SEEN, source, {**document, "projectNumber": str(number)}
            )
            return True
        return self._named(document, exhibit, command)

    def _named(self, document: dict[str, Any], exhibit: Exhibit, command: Command) -> bool:
        source, name = source_of(exhibit), document.get("name")
        service = document.get("config")
        if isinstance(service, dict) and isinstance(service.get("name"), str):
            return self._service(document, service["name"], command, source)
        if not isinstance(name, str):
            return False
        if _DENY_POLICY.fullmatch(name):
            if isinstance(document.get("rules"), list):
                self._add(Kind.DENY_POLICY, name, State.SEEN, source, document)
            return True
        kind = next((kind for kind, pattern in _NAMES.items() if pattern.fullmatch(name)), None)
        if kind is None:
            return False
        if (
            kind is Kind.ROLE
            and not isinstance(document.get("includedPermissions"), list)
            and command.verb != "describe"
        ):
            return True  # lists of roles leave the permissions out, so they say nothing about them
        if kind is Kind.SERVICE:
            return self._service(document, name.rpartition("/")[2], command, source)
        self._add(kind, name, State.SEEN, source, document)
        primary = document.get("primary")
        if kind is Kind.KEY and isinstance(primary, dict) and isinstance(primary.get("name"), str):
            self._add(Kind.VERSION, primary["name"], State.SEEN, source, primary)
        return True

    def _service(self, document: dict[str, Any], name: str, command: Command, source: str) -> bool:
        """One API of a list: it names its project by number; the command may name it by id."""
        full, state = document.get("name"), document.get("state")
        owners = {command.option("project")}
        if isinstance(full, str) and _NAMES[Kind.SERVICE].fullmatch(full):
            owners.add(full.split("/")[1])
        if state not in ("ENABLED", "DISABLED"):
            return True
        enabled = state == "ENABLED"
        why = "" if enabled else f"{source} shows the API {name} as disabled"
        for owner in filter(None, owners):
            self._add(
                Kind.SERVICE,
                f"projects/{owner}/services/{name}",
                State.SEEN if enabled else State.ABSENT,
                source,
                document if enabled else None,
                why,
            )
        return True

    def result(self) -> GcpEvidence:
        numbers = _numbers(self._facts)
        grouped: dict[tuple[Kind, str], list[Fact[Document]]] = {}
        for kind, name, fact in self._facts:
            if kind is Kind.LISTING and fact.value is not None:
                names = frozenset(_canonical(item, numbers) for item in fact.value["names"])
                fact = Fact(fact.state, {"names": names}, fact.source, fact.because)
            # To the token service a project's id is another name than its number, and no right one.
            same = name if kind is Kind.EXCHANGE else _canonical(name, numbers)
            grouped.setdefault((kind, same), []).append(fact)
        ancestors = {_canonical(name, numbers): above for name, above in self._ancestors.items()}
        facts = {key: combine(group, _SAME.get(key[0], _same)) for key, group in grouped.items()}
        return GcpEvidence(facts, numbers, ancestors, tuple(self._loose))


def _asked_for(command: str) -> str:
    """The audience in a call of the token service that was made with curl, or ""."""
    try:
        words = shlex.split(command)
    except ValueError:  # a quote that is never closed
        return ""
    given = [word.removeprefix("audience=") for word in words if word.startswith("audience=//")]
    return given[0] if len(given) == 1 and _STS in words else ""


def _numbers(facts: list[tuple[Kind, str, Fact[Document]]]) -> dict[str, str]:
    """Project number by project id; a project with two numbers is left out, and so shows as conflicting."""
    found: dict[str, set[str]] = {}
    for kind, _, fact in facts:
        if kind is Kind.PROJECT and fact.value is not None:
            found.setdefault(fact.value["projectId"], set()).add(fact.value["projectNumber"])
    return {project: next(iter(numbers)) for project, numbers in found.items() if len(numbers) == 1}


def _is_policy(document: Mapping[str, Any]) -> bool:
    """An IAM policy; one without any binding prints its etag alone."""
    return set(document) <= _POLICY_FIELDS and (isinstance(document.get("bindings"), list) or "etag" in document)


def _selected(exhibit: Exhibit, command: Command) -> bool:
    """Whether the command picked parts of each document out: a projection (``--format="json(name)"``), or a filter."""
    options = command.options
    return piped(exhibit) or "(" in options.get("format", "") or "flatten" in options


def _says_by_silence(name: object) -> bool:
    """Whether a document of this name says something by what it lacks: no list of audiences is a default one."""
    kinds = (_NAMES[Kind.POOL], _NAMES[Kind.PROVIDER], _NAMES[Kind.ROLE], _DENY_POLICY)
    return isinstance(name, str) and any(pattern.fullmatch(name) for pattern in kinds)


def _same(first: Document, second: Document) -> bool:
    return {**first, "etag": ""} == {**second, "etag": ""}


def _same_policy(first: Document, second: Document) -> bool:
    return _essences(first) == _essences(second)


def _essences(policy: Document) -> list[str]:
    bindings = policy.get("bindings")
    return sorted(map(_essence, bindings)) if isinstance(bindings, list) else [json.dumps(bindings)] * bool(bindings)


def _essence(binding: object) -> str:
    if isinstance(binding, dict) and isinstance(binding.get("members"), list):
        binding = {**binding, "members": sorted(map(str, binding["members"]))}
    return json.dumps(binding, sort_keys=True)


def _same_state(first: Document, second: Document) -> bool:
    """Tables and a key's primary show less of a version than describe does."""
    return bool(first.get("state") == second.get("state"))


_SAME = {Kind.POLICY: _same_policy, Kind.VERSION: _same_state, Kind.SERVICE: _same_state}


def _listed_name(item: dict[str, Any], collection: str) -> str:
    """The full name of one item of a list, or "" where the item is not of that collection."""
    service = item.get("config")
    if isinstance(service, dict) and isinstance(service.get("name"), str):
        return f"{collection}/{service['name']}"
    name = item.get("name")
    if not isinstance(name, str):
        return ""
    ending = collection.rpartition("/")[2]
    return name if ending in name.split("/") else ""


# --- The resource that a command asks for ----------------------------------------------------------------------------


def _complete(command: Command, collection: str) -> bool:
    """Whether the command lists the whole collection: no filter, no limit, deleted ones too where they are hidden."""
    options = command.options
    if any(name in options for name in ("limit", "flatten", "available")):
        return False
    if collection.endswith(("/workloadIdentityPools", "/providers")) and "show-deleted" not in options:
        return False
    return "filter" not in options


def _subject(command: Command) -> tuple[Kind, str] | None:
    """What the command asks for: kind and full name, or None where the command does not say it in full."""
    if command.program != "gcloud":
        return None
    service = re.sub(r"^(?:alpha|beta) ", "", command.service)
    # gcloud's switches take no value: a word behind one is the argument.
    words = (*command.arguments, *(command.options[name] for name in _SWITCHES if command.options.get(name)))
    argument = words[0] if words else ""
    found = next(_subjects(service, command.verb, argument, command), None)
    return found if found is not None and found[1] else None


def _subjects(service: str, verb: str, argument: str, command: Command) -> Iterator[tuple[Kind, str]]:
    policy = verb == "get-iam-policy"
    match service, verb:
        case "iam workload-identity-pools", "describe":
            yield Kind.POOL, _child(_location(command), "workloadIdentityPools", argument)
        case "iam workload-identity-pools", "list":
            yield Kind.LISTING, _under(_location(command), "workloadIdentityPools")
        case "iam workload-identity-pools providers", "describe":
            yield Kind.PROVIDER, _child(_pool(command), "providers", argument)
        case "iam workload-identity-pools providers", "list":
            yield Kind.LISTING, _under(_pool(command), "providers")
        case "kms keyrings", "describe" | "get-iam-policy":
            yield Kind.POLICY if policy else Kind.KEY_RING, _child(_location(command), "keyRings", argument)
        case "kms keyrings", "list":
            yield Kind.LISTING, _under(_location(command), "keyRings")
        case "kms keys", "describe" | "get-iam-policy":
            yield Kind.POLICY if policy else Kind.KEY, _child(_ring(command), "cryptoKeys", argument)
        case "kms keys", "list":
            yield Kind.LISTING, _under(_ring(command), "cryptoKeys")
        case "kms keys versions", "describe":
            yield Kind.VERSION, _child(_key(command), "cryptoKeyVersions", argument)
        case "kms keys versions", "list":
            yield Kind.LISTING, _under(_key(command), "cryptoKeyVersions")
        case "projects", "describe" | "get-iam-policy":
            yield Kind.POLICY if policy else Kind.PROJECT, _child("", "projects", argument)
        case "resource-manager folders", "get-iam-policy":
            yield Kind.POLICY, _child("", "folders", argument)
        case "organizations", "get-iam-policy":
            yield Kind.POLICY, _child("", "organizations", argument)
        case "iam roles", "describe":
            yield Kind.ROLE, _role(command, argument)
        case "services", "list":
            yield Kind.LISTING, _under(_child("", "projects", command.option("project")), "services")
        case "iam policies", "list" if command.option("kind") == "denypolicies":
            point = command.option("attachment-point").replace("%2F", "/").replace("%2f", "/")
            yield Kind.LISTING, _under(point.removeprefix("cloudresourcemanager.googleapis.com/"), "denypolicies")


def _under(parent: str, collection: str) -> str:
    return f"{parent}/{collection}" if parent else ""


def _child(parent: str, collection: str, value: str) -> str:
    """The full name of ``value``, which may be one already; "" where the parent is not known."""
    value = _URL.sub("", value, count=1)
    if not value or "/" in value:
        return value
    return f"{parent}/{collection}/{value}" if parent else f"{collection}/{value}" if collection in _ROOTS else ""


_ROOTS = ("projects", "folders", "organizations")


def _location(command: Command) -> str:
    project, location = command.option("project"), command.option("location")
    return _child(_child("", "projects", project), "locations", location) if project or "/" in location else ""


def _pool(command: Command) -> str:
    return _child(_location(command), "workloadIdentityPools", command.option("workload-identity-pool"))


def _ring(command: Command) -> str:
    return _child(_location(command), "keyRings", command.option("keyring"))


def _key(command: Command) -> str:
    return _child(_ring(command), "cryptoKeys", command.option("key"))


def _role(command: Command, argument: str) -> str:
    if "/" in argument or not argument:
        return argument
    for option, collection in (("project", "projects"), ("organization", "organizations")):
        if owner := command.option(option):
            return f"{collection}/{owner}/roles/{argument}"
    return ""
