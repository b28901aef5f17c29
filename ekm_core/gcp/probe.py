"""The set-up read live with a person's own credentials: the same evidence that ``script`` collects in Cloud Shell.

In: a registration and credentials. Out: steps whose exhibits are what gcloud prints for the same commands. Only the
hosts below are called, and only to read; the token service is asked without any credential. Failures: CallError.
Calls, permissions and shapes: Google's API references of IAM, STS, Cloud KMS, Resource Manager and Service Usage,
read on 2026-11-27.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import shlex
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from ekm_core import evidence
from ekm_core.credentials import GcpDefault, GcpFile, GcpToken
from ekm_core.gcp import script
from ekm_core.gcp import snippets as gcp
from ekm_core.gcp.config import token_audience
from ekm_core.gcp.snippets import SHAPES
from ekm_core.model import Configuration, Exhibit, Snippet
from ekm_core.probing import guard, http
from ekm_core.probing.http import Answer
from ekm_core.probing.step import ORIGIN, SECONDS, CallError, Step, Taken, Trouble

if TYPE_CHECKING:
    import google.auth.credentials
    import requests

GcpCredentials = GcpToken | GcpFile | GcpDefault

_IAM = "https://iam.googleapis.com/v1"
_DENY = "https://iam.googleapis.com/v2"
_KMS = "https://cloudkms.googleapis.com/v1"
_PROJECTS = "https://cloudresourcemanager.googleapis.com/v1/projects"
_ABOVE = "https://cloudresourcemanager.googleapis.com/v3"
_SERVICES = "https://serviceusage.googleapis.com/v1"
_TOKENS = "https://sts.googleapis.com/v1/token"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"

READS = (*script.READS, "what Google's token service says of the provider's name, which needs no credentials")
"""What a run reads, in words."""

_MORE = ("cloudkms.cryptoKeys.list", "cloudkms.keyRings.list", "cloudkms.locations.list", "serviceusage.services.get")
"""What the reads need that gcloud's script does not make."""
_ENCRYPT, _DECRYPT = "cloudkms.cryptoKeyVersions.useToEncrypt", "cloudkms.cryptoKeyVersions.useToDecrypt"
_POLICY_VERSION = 3
"""Older versions of a policy leave out what has a condition."""
_MOST_PAGES = 20
_MOST_ROLES = 40
_MOST_LEVELS = 12
_MOST_DENIALS = 50
_MOST_LOCATIONS = 80
_LONGEST_MESSAGE = 2_000

# The registered values that stand in the address of a pool and of a key.
_POOL = ("project_number", "pool_id")
_KEY = ("project_id", "location", "key_ring", "key_name")

# Names that become a part of an address; none can hold a step up, a query or a fragment.
_CUSTOM_ROLE = re.compile(r"(projects|organizations)/([a-z0-9][a-z0-9.:-]{0,99})/roles/(\w[\w.]{2,63})", re.ASCII)
_GOOGLES_ROLE = re.compile(r"roles/[A-Za-z]\w*(?:\.\w+)?", re.ASCII)
_DENY_POLICY = re.compile(
    r"policies/cloudresourcemanager\.googleapis\.com%2F(?:projects|folders|organizations)%2F[a-z0-9][a-z0-9.:-]{0,99}"
    r"/denypolicies/[a-z0-9][a-z0-9.-]{2,62}"
)
_LOCATION = re.compile(r"projects/[^/\s]{1,100}/locations/([a-z][a-z0-9-]{1,39})")
_PERMISSION = re.compile(r"[a-z][A-Za-z0-9]{1,40}(?:\.[A-Za-z0-9]{1,60}){2}")


def permissions(configuration: Configuration) -> tuple[Snippet, ...]:
    """What to grant before a run; a run without it notes what was refused and goes on."""
    return script.permissions(configuration, *_MORE)


def steps(configuration: Configuration, credentials: GcpCredentials | None) -> tuple[Step, ...]:
    """Every read of one registration. credentials None: the one that needs none."""
    public = (_token_service(configuration),)
    return public if credentials is None else (*public, *_Reads(configuration, _Caller(credentials)).steps())


def round_trip(configuration: Configuration, credentials: GcpCredentials | None) -> tuple[Step, ...]:
    """Encrypts and decrypts some random bytes with the person's own identity; nothing without credentials.

    It shows that the key works and that this identity may use it; of OpenAI's identity it shows nothing.
    """
    if credentials is None:
        return ()
    caller, key = _Caller(credentials), gcp.key_resource(script.values(configuration))
    command = shlex.join(("gcloud", "kms", "encrypt", f"--key={key}", "--plaintext-file=-", "--ciphertext-file=-"))

    def run() -> Taken:
        _fit(configuration, _KEY)
        plain = base64.b64encode(secrets.token_bytes(16)).decode()
        calls = _Calls(caller, command, _ENCRYPT)
        sealed = _text(calls.post(f"{_KMS}/{key}:encrypt", {"plaintext": plain}), "ciphertext")
        opened = calls.named(command, _DECRYPT).post(f"{_KMS}/{key}:decrypt", {"ciphertext": sealed})
        if _text(opened, "plaintext") != plain:
            raise CallError(Trouble.BAD_ANSWER, "What came back is not what was encrypted.")
        return Taken(())

    title = "Encrypt and decrypt as yourself (it shows that the key works, not that OpenAI may use it)"
    return (Step("gcp-round-trip", title, command, run, (_ENCRYPT, _DECRYPT)),)


def _fit(configuration: Configuration, parts: tuple[str, ...]) -> None:
    """Raises CallError where one of these registered values must not become a part of an address."""
    guard.gcp(configuration, *parts)
    own = script.values(configuration)
    if any(gcp.own(own, part).startswith("<") for part in parts):
        raise CallError(Trouble.FORBIDDEN_TARGET, "A registered value is masked, so it is not asked for.")


# --- The token service, without any credential -----------------------------------------------------------------------


def _token_service(configuration: Configuration) -> Step:
    """What Google's token service says of the registered provider's name, asked with a token that nobody can use.

    A refusal of the name counts for OpenAI's request too, which carries the same name. Any other answer is about our
    token and proves nothing of the provider: it is not documented that the service looks at the name first.
    """
    audience = token_audience(configuration)
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": audience,
        "scope": _SCOPE,
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "subject_token": "unusable",
    }
    data = (word for name, value in form.items() for word in ("--data-urlencode", f"{name}={value}"))
    command = shlex.join(("curl", "-sS", _TOKENS, *data))

    def run() -> Taken:
        if not audience:
            sentence = "The project number, the pool id and the provider id are not all given in full."
            raise CallError(Trouble.FORBIDDEN_TARGET, sentence)
        answer = http.call(_session(None), "POST", _TOKENS, form=form)
        if answer.status == 429:
            raise CallError(Trouble.THROTTLED, "Google's token service asks to slow down. Wait a minute and run again.")
        document = answer.document()
        said = {name: document.get(name) for name in ("error", "error_description")}
        if answer.status not in (400, 401, 403) or not all(isinstance(value, str) for value in said.values()):
            raise CallError(Trouble.BAD_ANSWER, "Google's token service gave an answer that we do not know.")
        return _taken(command, {name: str(value)[:_LONGEST_MESSAGE] for name, value in said.items()})

    title = "Ask Google's token service whether it knows the registered provider (no credential is sent)"
    return Step("gcp-token-service", title, command, run)


# --- What is read with credentials -----------------------------------------------------------------------------------

_Run = Callable[["_Calls"], Taken]


class _Reads:
    """The steps of one registration; some learn of further steps by what they read."""

    def __init__(self, configuration: Configuration, caller: _Caller) -> None:
        own = script.values(configuration)
        self.configuration = configuration
        self.caller = caller
        self.commands = script.reads(own)
        self.number, self.project = gcp.own(own, "project_number"), gcp.own(own, "project_id")
        self.pool, self.provider = gcp.pool_name(own), gcp.provider_name(own)
        self.key, self.ring = gcp.key_resource(own), gcp.key_ring_name(own)

    def step(
        self, id: str, title: str, words: Iterable[str], permission: str, run: _Run, parts: tuple[str, ...] = ()
    ) -> Step:
        """One step. words: gcloud's command without its format. parts: the registered values in the address."""
        command = _json(words)

        def checked() -> Taken:
            _fit(self.configuration, parts)
            return run(_Calls(self.caller, command, permission))

        return Step(f"gcp-{id}", title, command, checked, (permission,))

    def steps(self) -> tuple[Step, ...]:
        """The steps that need nothing but the registration."""
        return (*self._federation(), *self._projects(), *self._kms(), *self._policies())

    def _projects(self) -> tuple[Step, ...]:
        read, permission = self.commands, "resourcemanager.projects.get"
        ancestors, above = ("gcloud", "projects", "get-ancestors", self.project), "Find what is above the key's project"
        return (
            self.step(
                "pool-project", "Read the pool's project", read.pool_project, permission, self._pool_project, _POOL[:1]
            ),
            self.step(
                "key-project", "Read the key's project", read.key_project, permission, self._key_project, _KEY[:1]
            ),
            self.step("levels", above, ancestors, permission, self._levels, _KEY[:1]),
            self._api("key", self.project, _KEY[:1]),
        )

    def _federation(self) -> tuple[Step, ...]:
        read, pools, providers = self.commands, "iam.workloadIdentityPools", "iam.workloadIdentityPoolProviders"
        pool, provider = self._named(_IAM, self.pool), self._named(_IAM, self.provider)
        all_pools, all_providers = "List the pools, deleted ones too", "List the pool's providers, deleted ones too"
        return (
            self.step("pool", "Read the workload identity pool", read.pool, f"{pools}.get", pool, _POOL),
            self.step(
                "provider", "Read the provider", read.provider, f"{providers}.get", provider, (*_POOL, "provider_id")
            ),
            self.step("pools", all_pools, read.pools, f"{pools}.list", self._pools, _POOL[:1]),
            self.step("providers", all_providers, read.providers, f"{providers}.list", self._providers, _POOL),
        )

    def _kms(self) -> tuple[Step, ...]:
        read, get, versions = self.commands, "cloudkms.cryptoKeys.get", "cloudkms.cryptoKeyVersions.list"
        return (
            self.step("key", "Read the key with its primary version", read.key, get, self._the_key, _KEY),
            self.step("versions", "List the key's versions", read.versions, versions, self._versions, _KEY),
        )

    def _policies(self) -> tuple[Step, ...]:
        read, get = self.commands, "getIamPolicy"
        key, ring = self._kms_policy(self.key), self._kms_policy(self.ring)
        project, keys, rings = self._policy(f"{_PROJECTS}/{self.project}"), "cloudkms.cryptoKeys", "cloudkms.keyRings"
        of_ring, of_project = "Read the key ring's IAM policy", "Read the IAM policy of the key's project"
        return (
            self.step("key-policy", "Read the key's IAM policy", read.key_policy, f"{keys}.{get}", key, _KEY),
            self.step("ring-policy", of_ring, read.ring_policy, f"{rings}.{get}", ring, _KEY[:3]),
            self.step(
                "project-policy", of_project, read.project_policy, f"resourcemanager.projects.{get}", project, _KEY[:1]
            ),
            self._denies("projects", self.project, _KEY[:1]),
        )

    # --- Projects and APIs ---

    def _pool_project(self, calls: _Calls) -> Taken:
        document = calls.get(f"{_PROJECTS}/{self.number}")
        id = _text(document, "projectId")
        if document.get("projectNumber") != self.number or not SHAPES["project_id"].fullmatch(id):
            raise _strange()
        # The list of APIs takes a project's id, which is known only now. For the key's project it is read anyway.
        then = () if id == self.project else (self._api("pool", id),)
        return _taken(calls.command, document, *then)

    def _key_project(self, calls: _Calls) -> Taken:
        document = calls.get(f"{_PROJECTS}/{self.project}")
        number = _text(document, "projectNumber")
        if document.get("projectId") != self.project or not SHAPES["project_number"].fullmatch(number):
            raise _strange()
        return _taken(calls.command, document)

    def _api(self, whose: str, project: str, parts: tuple[str, ...] = ()) -> Step:
        """Whether the Cloud KMS API is on. gcloud lists what is enabled; we ask for this one, on or off."""

        def run(calls: _Calls) -> Taken:
            document = calls.get(f"{_SERVICES}/projects/{project}/services/{gcp.KMS_API}")
            state, config = document.get("state"), document.get("config")
            named = isinstance(config, dict) and config.get("name") == gcp.KMS_API
            if state not in ("ENABLED", "DISABLED") or not named:
                raise _strange()
            return _taken(calls.command, [document] if state == "ENABLED" else [])

        words = (*self.commands.apis, f"--project={project}")
        title = f"Read whether the Cloud KMS API is on in the {whose}'s project"
        return self.step(f"{whose}-api", title, words, "serviceusage.services.get", run, parts)

    # --- Things with a name ---

    def _named(self, api: str, name: str) -> _Run:
        """The thing of that name."""

        def run(calls: _Calls) -> Taken:
            document = calls.get(f"{api}/{name}")
            if not _same_name(document.get("name"), name):
                raise _strange()
            return _taken(calls.command, document)

        return run

    def _pools(self, calls: _Calls) -> Taken:
        place = f"projects/{self.number}/locations/global"
        return _taken(
            calls.command, calls.items(_IAM, place, "workloadIdentityPools", showDeleted="true", pageSize=1000)
        )

    def _providers(self, calls: _Calls) -> Taken:
        field = "workloadIdentityPoolProviders"
        found = calls.items(_IAM, self.pool, "providers", field, showDeleted="true", pageSize=100)
        return _taken(calls.command, found)

    def _versions(self, calls: _Calls) -> Taken:
        return _taken(calls.command, calls.items(_KMS, self.key, "cryptoKeyVersions", pageSize=1000))

    # --- Policies and roles ---

    def _kms_policy(self, name: str) -> _Run:
        def run(calls: _Calls) -> Taken:
            query = urlencode({"options.requestedPolicyVersion": _POLICY_VERSION})
            return self._with_roles(calls.command, calls.get(f"{_KMS}/{name}:getIamPolicy?{query}"))

        return run

    def _policy(self, url: str) -> _Run:
        """The policy of a project, a folder or the organization: a read in the form of a POST."""

        def run(calls: _Calls) -> Taken:
            options = {"options": {"requestedPolicyVersion": _POLICY_VERSION}}
            return self._with_roles(calls.command, calls.post(f"{url}:getIamPolicy", options))

        return run

    def _with_roles(self, command: str, policy: Mapping[str, Any]) -> Taken:
        """The policy, and a step for each role in it that decides and is not one of Google's roles of Cloud KMS."""
        bindings = policy.get("bindings", [])
        if "etag" not in policy or not isinstance(bindings, list):
            raise _strange()
        pool = f"/workloadIdentityPools/{self.pool.rpartition('/')[2]}/"
        roles: dict[str, None] = {}
        for bound in bindings:
            if not isinstance(bound, dict) or not isinstance(bound.get("members", []), list):
                raise _strange()
            name, ours = str(bound.get("role")), any(pool in str(member) for member in bound.get("members", []))
            googles = ours and _GOOGLES_ROLE.fullmatch(name) and not name.startswith("roles/cloudkms.")
            if googles or _CUSTOM_ROLE.fullmatch(name):
                roles[name] = None
        return _taken(command, policy, *map(self._role, list(roles)[:_MOST_ROLES]))

    def _role(self, name: str) -> Step:
        custom = _CUSTOM_ROLE.fullmatch(name)
        # gcloud takes a custom role's id beside its owner, not its full name.
        words = (custom[3], f"--{custom[1].removesuffix('s')}={custom[2]}") if custom else (name,)
        id = re.sub(r"\W+", "-", name)
        title = f"Read the permissions of {name}"
        words = ("gcloud", "iam", "roles", "describe", *words)
        return self.step(f"role-{id}", title, words, "iam.roles.get", self._named(_IAM, name))

    # --- Above the project ---

    def _levels(self, calls: _Calls) -> Taken:
        document = calls.post(f"{_PROJECTS}/{self.project}:getAncestry", {})
        levels = [_level(item) for item in _list(document, "ancestor")]
        if not levels or len(levels) > _MOST_LEVELS or levels[0] != ("project", self.project):
            raise _strange()
        above = [(f"{kind}s", id) for kind, id in levels[1:]]
        then = [step for kind, id in above for step in (self._policy_above(kind, id), self._denies(kind, id))]
        return _taken(calls.command, [{"id": id, "type": kind} for kind, id in levels], *then)

    def _policy_above(self, kind: str, id: str) -> Step:
        service = ("organizations",) if kind == "organizations" else ("resource-manager", "folders")
        words, title = ("gcloud", *service, "get-iam-policy", id), f"Read the IAM policy of {kind}/{id}"
        run = self._policy(f"{_ABOVE}/{kind}/{id}")
        return self.step(f"policy-{kind}-{id}", title, words, f"resourcemanager.{kind}.getIamPolicy", run)

    def _denies(self, kind: str, id: str, parts: tuple[str, ...] = ()) -> Step:
        """The deny policies attached to one level."""
        attached = quote(f"cloudresourcemanager.googleapis.com/{kind}/{id}", safe="")

        def run(calls: _Calls) -> Taken:
            found = [
                item for page in calls.pages(f"{_DENY}/policies/{attached}/denypolicies", "policies") for item in page
            ]
            names = [str(item.get("name")) for item in found]
            if not all(map(_DENY_POLICY.fullmatch, names)):
                raise _strange()
            rules = (self._deny_policy(name, kind, id) for name in names[:_MOST_DENIALS])
            return _taken(calls.command, found, *rules)

        words, title = script.deny_policies(f"{kind}/{id}"), f"List the deny policies of {kind}/{id}"
        step_id = "denies" if parts else f"denies-{kind}-{id}"
        return self.step(step_id, title, words, "iam.denypolicies.list", run, parts)

    def _deny_policy(self, name: str, kind: str, id: str) -> Step:
        """One deny policy with its rules, which the list leaves out."""
        attached = f"--attachment-point=cloudresourcemanager.googleapis.com/{kind}/{id}"
        own = name.rpartition("/")[2]
        words = ("gcloud", "iam", "policies", "get", own, attached, "--kind=denypolicies")
        title = f"Read the deny policy {own}"
        run = self._named(_DENY, name)
        return self.step(f"deny-{kind}-{id}-{own}", title, words, "iam.denypolicies.get", run)

    # --- The key, and where it may be if it is not where the registration says ---

    def _the_key(self, calls: _Calls) -> Taken:
        try:
            return self._named(_KMS, self.key)(calls)
        except CallError as problem:
            raise _followed(problem, self._rings_step()) from None

    def _rings_step(self) -> Step:
        place = self.ring.rpartition("/keyRings/")[0]

        def run(calls: _Calls) -> Taken:
            try:
                rings = calls.items(_KMS, place, "keyRings", pageSize=1000)
            except CallError as problem:  # Cloud KMS has no such location
                raise _followed(problem, self._elsewhere_step()) from None
            there = any(_same_name(ring["name"], self.ring) for ring in rings)
            return _taken(calls.command, rings, self._keys_step() if there else self._elsewhere_step())

        words = ("gcloud", "kms", "keyrings", "list", f"--location={place}")
        return self.step("rings", "List the key rings of the location", words, "cloudkms.keyRings.list", run)

    def _keys_step(self) -> Step:
        def run(calls: _Calls) -> Taken:
            return _taken(calls.command, calls.items(_KMS, self.ring, "cryptoKeys", pageSize=1000))

        words = ("gcloud", "kms", "keys", "list", f"--keyring={self.ring}")
        return self.step("keys", "List the keys of the key ring", words, "cloudkms.cryptoKeys.list", run)

    def _elsewhere_step(self) -> Step:
        """The very key in the other locations of the project."""
        project, _, rest = self.key.partition("/locations/")
        own, _, tail = rest.partition("/")

        def run(calls: _Calls) -> Taken:
            found: list[Exhibit] = []
            for item in calls.items(_KMS, project, "locations")[:_MOST_LOCATIONS]:
                match = _LOCATION.fullmatch(item["name"])
                if match is None or match[1] == own:
                    continue
                name = f"{project}/locations/{match[1]}/{tail}"
                reading = calls.named(_json(("gcloud", "kms", "keys", "describe", name)), "cloudkms.cryptoKeys.get")
                try:
                    found += self._named(_KMS, name)(reading).exhibits
                except CallError as problem:
                    if problem.trouble is not Trouble.ABSENT and not found:
                        raise
            return Taken(tuple(found))

        words = ("gcloud", "kms", "locations", "list", f"--project={self.project}")
        title = "Look for the key in the other locations"
        return self.step("elsewhere", title, words, "cloudkms.locations.list", run)


# --- Answers ---------------------------------------------------------------------------------------------------------


def _json(words: Iterable[str]) -> str:
    return shlex.join((*words, "--format=json"))


def _taken(command: str, output: object, *then: Step) -> Taken:
    return Taken((_exhibit(command, output),), then)


def _exhibit(command: str, output: object) -> Exhibit:
    return Exhibit(command, output, json.dumps(output, indent=2, ensure_ascii=False), ORIGIN)


def _followed(problem: CallError, step: Step) -> CallError:
    """The same failure; where it says that a thing is not there, a step follows that looks for it."""
    then = (step,) if problem.trouble is Trouble.ABSENT else ()
    return CallError(problem.trouble, problem.sentence, problem.text, problem.permission, then)


def _strange() -> CallError:
    return CallError(Trouble.BAD_ANSWER, "The answer has not the form that Google documents, so it showed nothing.")


def _text(document: Mapping[str, Any], field: str) -> str:
    value = document.get(field)
    if not isinstance(value, str):
        raise _strange()
    return value


def _list(document: Mapping[str, Any], field: str) -> list[dict[str, Any]]:
    """The list in a field; Google leaves an empty one out."""
    value = document.get(field, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _strange()
    return value


def _level(item: Mapping[str, Any]) -> tuple[str, str]:
    """(kind, id) of one level of a project's ancestry; the id becomes a part of an address."""
    found = item.get("resourceId")
    kind, id = (found.get("type"), found.get("id")) if isinstance(found, dict) else (None, None)
    shape = SHAPES["project_id" if kind == "project" else "project_number"]
    if kind not in ("project", "folder", "organization") or not isinstance(id, str) or not shape.fullmatch(id):
        raise _strange()
    return kind, id


def _same_name(given: object, name: str) -> bool:
    """Whether an answer is about the thing that was asked for; its project may be named by number or by id."""
    if not isinstance(given, str) or given == name:
        return given == name
    (kind, project, *rest), (_, own, *tail) = (*given.split("/"), "", "")[:99], (*name.split("/"), "", "")[:99]
    return kind == "projects" and rest == tail and project.isdecimal() != own.isdecimal()


# --- Calls -----------------------------------------------------------------------------------------------------------


class _Caller:
    """One identity. Its credentials are loaded by the first step that needs them, for all steps of the run."""

    def __init__(self, given: GcpCredentials) -> None:
        self._given = given
        self._loaded: google.auth.credentials.Credentials | None = None
        self._loading = threading.Lock()

    def session(self) -> requests.Session:
        """A session for one call; a session is not for several threads. Raises CallError."""
        with self._loading:
            if self._loaded is None:
                self._loaded = _loaded(self._given)
        return _session(self._loaded)


def _loaded(given: GcpCredentials) -> google.auth.credentials.Credentials:
    """google-auth's credentials, which fetch tokens from Google's own address alone. Raises CallError."""
    import google.auth
    from google.auth import compute_engine, exceptions
    from google.oauth2 import credentials as of_user
    from google.oauth2 import service_account as of_account

    if isinstance(given, GcpToken):
        return of_user.Credentials(given.access_token)
    try:
        if isinstance(given, GcpFile):
            document = guard.google_file(json.loads(given.document))
            if document["type"] == "service_account":
                return of_account.Credentials.from_service_account_info(document, scopes=[_SCOPE])
            return of_user.Credentials.from_authorized_user_info(document, scopes=[_SCOPE])
        found, _ = google.auth.default(scopes=[_SCOPE])
    except (exceptions.GoogleAuthError, ValueError):
        raise CallError(
            Trouble.CREDENTIALS,
            "google-auth cannot use these credentials. Sign in again (gcloud auth application-default login), or paste "
            "an access token.",
        ) from None
    kinds = (of_user.Credentials, of_account.Credentials, compute_engine.Credentials)
    if not isinstance(found, kinds):
        raise CallError(
            Trouble.FORBIDDEN_TARGET,
            "The credentials of this machine come from another identity provider or act as another account, over "
            "addresses that we do not follow. Paste an access token instead: gcloud auth print-access-token.",
        )
    return found


def _session(credentials: google.auth.credentials.Credentials | None) -> requests.Session:
    import requests
    from google.auth.transport.requests import AuthorizedSession

    # A refused token is an answer that we want to see: google-auth is not to fetch another one in its place.
    session = AuthorizedSession(credentials, refresh_status_codes=()) if credentials else requests.Session()
    session.auth = lambda request: request  # or requests would send a password of ~/.netrc in place of the token
    return session


class _Calls:
    """The calls of one step. command: the one that stands for them; permission: what they need; both for failures."""

    def __init__(self, caller: _Caller, command: str, permission: str, ends: float = 0.0) -> None:
        self.command = command
        self._caller = caller
        self._permission = permission
        # A little before the step is given up, so that it can say itself what was too slow.
        self._ends = ends or time.monotonic() + 0.9 * SECONDS

    def named(self, command: str, permission: str) -> _Calls:
        """Further calls of the same step under another command."""
        return _Calls(self._caller, command, permission, self._ends)

    def get(self, url: str) -> dict[str, Any]:
        """The document at an address. Raises CallError."""
        return self._call("GET", url, None)

    def post(self, url: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a document. Raises CallError."""
        return self._call("POST", url, body)

    def items(
        self, api: str, parent: str, collection: str, field: str = "", **query: str | int
    ) -> list[dict[str, Any]]:
        """A whole collection, each item with its name. field: where the list stands, if not under its own name."""
        found: list[dict[str, Any]] = []
        for page in self.pages(f"{api}/{parent}/{collection}", field or collection, **query):
            found += page
        start = f"{parent}/{collection}/"
        for item in found:
            name = item.get("name")
            own = str(name).rpartition("/")[2]
            if not own or not _same_name(name, f"{start}{own}"):
                raise _strange()
        return found

    def pages(self, url: str, field: str, **query: str | int) -> Iterator[list[dict[str, Any]]]:
        """The pages of a list. A list that is not read whole is none: raises CallError."""
        asked = dict(query)
        for _ in range(_MOST_PAGES):
            document = self.get(f"{url}?{urlencode(asked)}" if asked else url)
            # What is not the list is part of the answer's frame; anything else is another answer.
            if not set(document) <= {field, "nextPageToken", "totalSize"}:
                raise _strange()
            yield _list(document, field)
            following = document.get("nextPageToken", "")
            if not isinstance(following, str):
                raise _strange()
            if not following:
                return
            asked["pageToken"] = following
        raise CallError(Trouble.BAD_ANSWER, f"The list has more than {_MOST_PAGES} pages, so it was not read whole.")

    def _call(self, method: str, url: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        from google.auth import exceptions

        left = self._ends - time.monotonic()
        if left <= 0:
            raise CallError(Trouble.TIMEOUT, "The answers came too slowly, so this was given up.")
        try:
            with self._caller.session() as session:
                answer = http.call(session, method, url, seconds=left, headers={}, body=body)
        except exceptions.TransportError as problem:
            raise http.trouble(problem.__cause__ or problem) from None
        except exceptions.GoogleAuthError:
            raise CallError(
                Trouble.CREDENTIALS,
                "Google gives no access token for these credentials: they were revoked or have expired. Sign in again.",
            ) from None
        if answer.status != 200:
            raise self._failure(answer)
        return answer.document()

    def _failure(self, answer: Answer) -> CallError:
        """Google's refusal in words, with the text that gcloud would print."""
        said = _Said(answer)
        trouble, sentence = _meaning(answer, said, self._permission)
        permission = ""
        if trouble is Trouble.REFUSED:
            permission = said.permission or self._permission
        text = said.printed(self.command) if said.status else ""
        return CallError(trouble, sentence, text, permission)


class _Said:
    """The error in an answer, in the shape of Google's APIs; all of it "" where there is none."""

    def __init__(self, answer: Answer) -> None:
        self.status = self.message = self.reason = self.permission = self.consumer = ""
        try:
            error = answer.document().get("error")
        except CallError:
            return
        if not isinstance(error, dict) or error.get("code") != answer.status:
            return
        status, message = error.get("status"), error.get("message")
        if not isinstance(status, str) or not re.fullmatch(r"[A-Z_]{2,40}", status) or not isinstance(message, str):
            return
        self.status, self.message = status, " ".join(message[:_LONGEST_MESSAGE].split())
        details = error.get("details")
        for item in details if isinstance(details, list) else ():
            if isinstance(item, dict) and str(item.get("@type")).endswith("google.rpc.ErrorInfo"):
                self._info(item)

    def _info(self, item: Mapping[str, Any]) -> None:
        metadata = item.get("metadata")
        given = metadata if isinstance(metadata, dict) else {}
        self.reason = reason if re.fullmatch(r"[A-Z][A-Z0-9_]{2,62}", reason := str(item.get("reason"))) else ""
        self.permission = name if _PERMISSION.fullmatch(name := str(given.get("permission"))) else ""
        self.consumer = number if re.fullmatch(r"projects/[0-9]{1,19}", number := str(given.get("consumer"))) else ""

    def printed(self, command: str) -> str:
        """The error as gcloud prints it."""
        words = evidence.command_of(Exhibit(command, None, ""))
        tool = ".".join(("gcloud", *words.service.split(), *filter(None, (words.verb,))))
        lines = [f"ERROR: ({tool}) {self.status}: {self.message}"]
        if self.reason:
            lines += ["- '@type': type.googleapis.com/google.rpc.ErrorInfo", f"  reason: {self.reason}"]
        return "\n".join(lines)


def _meaning(answer: Answer, said: _Said, permission: str) -> tuple[Trouble, str]:
    """What an error means, with a sentence of our own."""
    status, reason = answer.status, said.reason
    if not said.status:
        return Trouble.BAD_ANSWER, (
            f"The answer (HTTP {status}) is not Google's. A proxy may stand between us and Google; ask who runs it."
        )
    if status == 401:
        return Trouble.CREDENTIALS, (
            "Google does not accept the access token: it has expired or was revoked. Get a new one with gcloud auth "
            "print-access-token and run again."
        )
    if status == 429:
        return Trouble.THROTTLED, "Google asks to slow down. Wait a minute and run again."
    if status == 404:
        return Trouble.ABSENT, "Google says that it does not exist."
    if status == 403 and (reason == "SERVICE_DISABLED" or "has not been used in project" in said.message):
        where = f" ({said.consumer})" if said.consumer else ""
        return (
            Trouble.DISABLED,
            f"The API is not enabled in the project that was asked{where}, so it shows nothing else.",
        )
    if status == 403 and (reason == "SECURITY_POLICY_VIOLATED" or "vpcServiceControls" in said.message):
        return Trouble.NETWORK_RULE, (
            "VPC Service Controls of your organization refuse calls from here. Run it from a place that they allow, or "
            "use the script for Cloud Shell."
        )
    if status == 403 and reason == "ACCESS_TOKEN_SCOPE_INSUFFICIENT":
        return Trouble.REFUSED, "The access token is not for all of Google Cloud: it lacks the scope cloud-platform."
    if status == 403:
        return Trouble.REFUSED, f"You lack the permission {said.permission or permission}."
    if status >= 500:
        return Trouble.BAD_ANSWER, f"Google answered with an error of its own (HTTP {status}). Run it again later."
    return Trouble.BAD_ANSWER, f"Google did not accept the call (HTTP {status}), so it shows nothing."
