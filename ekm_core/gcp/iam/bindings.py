"""Do IAM bindings give a federated identity a permission on a key: pure functions of ``get-iam-policy`` documents.

Sources, read on 2026-11-23: "Principal identifiers" (members), "Cloud Key Management Service roles and permissions"
(roles), both on docs.cloud.google.com/iam. Policies of folders and organizations, deny policies and principal access
boundaries are not among the documents: an answer is about the given levels alone, and its ``missing`` says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ekm_core.decision import Decision, Near, Outcome
from ekm_core.gcp.iam import cel
from ekm_core.pasted import shown, texts

ENCRYPT = "cloudkms.cryptoKeyVersions.useToEncrypt"
DECRYPT = "cloudkms.cryptoKeyVersions.useToDecrypt"

# Which of the two permissions Google's own roles hold. Roles of other services, and the basic roles (owner, editor,
# viewer), are left out: their lists are long and change, so they must be described.
_ROLES: Mapping[str, frozenset[str]] = {
    "roles/cloudkms.cryptoKeyEncrypterDecrypter": frozenset({ENCRYPT, DECRYPT}),
    "roles/cloudkms.cryptoOperator": frozenset({ENCRYPT, DECRYPT}),
    "roles/cloudkms.cryptoKeyEncrypter": frozenset({ENCRYPT}),
    "roles/cloudkms.cryptoKeyDecrypter": frozenset({DECRYPT}),
    "roles/cloudkms.admin": frozenset(),
    "roles/cloudkms.viewer": frozenset(),
    "roles/cloudkms.publicKeyViewer": frozenset(),
    "roles/cloudkms.signer": frozenset(),
    "roles/cloudkms.verifier": frozenset(),
    "roles/cloudkms.signerVerifier": frozenset(),
    # "Via delegation": only through other Google services, never for a direct call such as OpenAI's.
    "roles/cloudkms.cryptoKeyEncrypterDecrypterViaDelegation": frozenset(),
    "roles/cloudkms.cryptoKeyEncrypterViaDelegation": frozenset(),
    "roles/cloudkms.cryptoKeyDecrypterViaDelegation": frozenset(),
}
_POOL_MEMBER = re.compile(
    r"(principal|principalSet)://iam\.googleapis\.com/projects/([^/]+)/locations/global/workloadIdentityPools/([^/]+)/(.+)"
)
# Members that are no federated identity of a workload pool. allAuthenticatedUsers "doesn't include federated
# identities" (Principal identifiers, read again on 2026-11-28).
_OTHER_KINDS = re.compile(
    r"allAuthenticatedUsers$|(?:user|serviceAccount|group|domain|projectOwner|projectEditor|projectViewer):"
    r"|(?:principal|principalSet)://iam\.googleapis\.com/locations/global/workforcePools/"
)
_UNSEEN = (
    "Policies of the folders and the organization above the project, deny policies and principal access boundaries "
    "were not looked at."
)
# What comes again each hour, day or year: such a condition may have refused a message and let the next request in.
_RECURRING = re.compile(r"\.get(?:Milliseconds|Seconds|Minutes|Hours|Date|DayOf(?:Week|Month|Year)|Month)\s*\(")
_MOST_BINDINGS = 2000
_MOST_NEAR = 6
_MOST_CONDITIONS = 20


@dataclass(frozen=True, slots=True)
class Identity:
    """The federated identity after the token exchange.

    groups, attributes: what the provider's mapping makes; None where not known.
    """

    project_number: str
    pool: str
    subject: str
    groups: tuple[str, ...] | None = None
    attributes: Mapping[str, str] | None = None

    @property
    def member(self) -> str:
        """The identity as a binding names it."""
        return f"principal://iam.googleapis.com/{self.pool_name}/subject/{self.subject}"

    @property
    def pool_name(self) -> str:
        """The pool's full name, with the project's number."""
        return f"projects/{self.project_number}/locations/global/workloadIdentityPools/{self.pool}"


@dataclass(frozen=True, slots=True)
class Level:
    """One level's policy: ``name`` in words ("key", "key ring", "project"), ``policy`` None where it is not known."""

    name: str
    policy: object


@dataclass(frozen=True, slots=True)
class _Reach:
    """Whether something holds (None: cannot be told), with the reason."""

    holds: bool | None
    why: str = ""
    near: Near | None = None


def allows(
    permission: str,
    identity: Identity,
    levels: Sequence[Level],
    roles: Mapping[str, object],
    *,
    key: str = "",
    now: datetime | None = None,
) -> Decision:
    """Whether these policies give the identity the permission on the key.

    levels: from the key up to the project; every level that is not given makes a denial UNKNOWN.
    roles: ``gcloud iam roles describe`` by role name, for custom roles and those that we do not know.
    key: the key's resource name; now: the moment of the request (with a time zone); both for conditions only.
    """
    if not (identity.project_number.isdecimal() and identity.pool and identity.subject):
        return Decision(Outcome.UNKNOWN, missing=("The project number, the pool or the subject is not known.",))
    granted: list[str] = []
    open_: list[str] = []
    near: list[Near] = []
    missing = [f"The IAM policy of the {level.name} is not known." for level in levels if not _readable(level.policy)]
    conditional: list[tuple[str, Mapping[str, object]]] = []
    # Once a role, not once a binding: a pasted policy may repeat one huge role thousands of times.
    known: dict[str, _Reach] = {}
    for level in levels:
        for number, binding in _bindings(level.policy):
            role = str(binding.get("role", ""))
            where = f"Policy of the {level.name}, binding {number} ({shown(role)})"
            member = _members(binding.get("members"), identity)
            if role not in known:
                known[role] = _grants(permission, role, roles)
            grants = known[role]
            if member.holds is False:
                # A member that nearly fits is worth naming only where the role would have been enough.
                if member.near and grants.holds is not False:
                    near.append(Near(member.near.kind, f"{where}: {member.near.text}"))
            elif grants.holds is False:
                if member.holds:
                    near.append(Near("other-role", f"{where} names the identity, but {grants.why}"))
            elif member.holds is None or grants.holds is None:
                open_.append(f"{where}: {' '.join(filter(None, (member.why, grants.why)))}")
            elif binding.get("condition") is None:
                granted.append(f"{where} gives the identity {permission}: {member.why}")
            elif isinstance(condition := binding["condition"], Mapping):
                conditional.append((where, condition))
            else:
                open_.append(f"{where}: its condition is not readable.")
    for (where, condition), met in zip(conditional, _conditions(conditional, key, now), strict=True):
        title = shown(str(condition.get("title") or "without a title"))
        if met.holds:
            granted.append(f"{where} gives the identity {permission}: its condition ({title}) is true.")
        elif met.holds is None:
            open_.append(f"{where}: condition ({title}): {met.why}")
        else:
            near.append(Near("condition-false", f"{where}: its condition ({title}) is false: {met.why}"))
    if granted:
        return Decision(Outcome.ALLOWED, tuple(granted), missing=(_UNSEEN,))
    if open_ or missing or not levels:
        return Decision(Outcome.UNKNOWN, tuple(open_[:_MOST_NEAR]), _first(near), (*missing, _UNSEEN))
    seen = ", ".join(level.name for level in levels)
    by = (f"No binding in the given policies ({seen}) gives {permission} to {identity.member}.",)
    return Decision(Outcome.DENIED, by, _first(near), (_UNSEEN,))


def _first(near: Sequence[Near]) -> tuple[Near, ...]:
    """A few of them, and first those that name the identity itself, so that no crowd of others hides these."""
    itself = ("condition-false", "other-role")
    return tuple(dict.fromkeys(sorted(near, key=lambda item: item.kind not in itself)))[:_MOST_NEAR]


def _readable(policy: object) -> bool:
    """Whether the document is a whole policy. gcloud prints one without any binding with its etag alone."""
    if not isinstance(policy, Mapping):
        return False
    bindings = policy.get("bindings", [])
    return (
        (bool(bindings) or "etag" in policy or "bindings" in policy)
        and isinstance(bindings, list)
        and len(bindings) <= _MOST_BINDINGS
        and all(
            isinstance(binding, Mapping) and isinstance(binding.get("role"), str) and texts(binding.get("members"))
            for binding in bindings
        )
    )


def _bindings(policy: object) -> Iterator[tuple[int, Mapping[str, object]]]:
    if isinstance(policy, Mapping) and isinstance(bindings := policy.get("bindings"), list):
        for number, binding in enumerate(bindings[:_MOST_BINDINGS], 1):
            if isinstance(binding, Mapping):
                yield number, binding


def _members(members: object, identity: Identity) -> _Reach:
    """Whether one of the members is the identity; the best answer of all of them."""
    best = _Reach(False)
    for member in members if isinstance(members, list) else ():
        reach = _member(member, identity) if isinstance(member, str) else _Reach(False)
        if reach.holds:
            return reach
        if (reach.holds is None and best.holds is False) or (best.holds is False and best.near is None):
            best = reach
    return best


def reaches(member: str, identity: Identity) -> bool | None:
    """Whether a member of a policy is the identity or holds it; None where that cannot be told."""
    return _member(member, identity).holds


def _member(member: str, identity: Identity) -> _Reach:
    label = shown(member)
    if member == identity.member or member == "allUsers":
        return _Reach(True, f"member {label}.")
    if member.startswith("deleted:"):
        near = Near("deleted-member", f"the member {label} is deleted.") if identity.pool_name in member else None
        return _Reach(False, near=near)
    if _OTHER_KINDS.match(member):
        return _Reach(False)
    parts = _POOL_MEMBER.fullmatch(member)
    if parts is None:
        if member.startswith("principalSet:"):
            return _Reach(None, f"who belongs to {label} cannot be seen here.")
        near = Near("malformed-member", f"the member {label} is not in the form that Google reads.")
        return _Reach(False, near=near if "workloadIdentityPools" in member else None)
    kind, project, pool, rest = parts.groups()
    if f"projects/{project}/locations/global/workloadIdentityPools/{pool}" != identity.pool_name:
        return _Reach(False, near=_other_pool(label, project, pool, identity))
    if kind == "principal":
        return _Reach(False, near=Near("other-subject", f"the member {label} is another subject of the same pool."))
    return _set(label, rest, identity)


def _other_pool(label: str, project: str, pool: str, identity: Identity) -> Near | None:
    if pool == identity.pool and not project.isdecimal():
        return Near(
            "project-id",
            f"the member {label} has the project's id where Google needs its number ({identity.project_number}).",
        )
    if pool == identity.pool:
        return Near("other-project", f"the member {label} is of the project {shown(project)}.")
    if project == identity.project_number:
        return Near("other-pool", f"the member {label} is of the pool {shown(pool)}.")
    return None


def _set(label: str, rest: str, identity: Identity) -> _Reach:
    """A principalSet of the identity's own pool: all of it, a group, or those with one attribute's value."""
    if rest == "*":
        return _Reach(True, f"member {label}.")
    name, _, value = rest.partition("/")
    other = Near("other-attribute", f"the member {label} does not fit what the provider's mapping makes.")
    if name == "subject":  # "Principal identifiers" knows a subject as principal:// alone
        near = Near("malformed-member", f"the member {label} is a principalSet; a single subject is a principal.")
        return _Reach(False, near=near)
    if name == "group":
        if identity.groups is None:
            return _Reach(None, f"the groups of the identity are not known ({label}).")
        return _Reach(True, f"member {label}.") if value in identity.groups else _Reach(False, near=other)
    if name.startswith("attribute."):
        attribute = name.removeprefix("attribute.")
        if identity.attributes is None:
            return _Reach(None, f"the attributes of the identity are not known ({label}).")
        if attribute not in identity.attributes:
            near = Near("attribute-not-mapped", f"the member {label} needs {name}, which the provider does not map.")
            return _Reach(False, near=near)
        fits = identity.attributes[attribute] == value
        return _Reach(True, f"member {label}.") if fits else _Reach(False, near=other)
    return _Reach(None, f"who belongs to {label} cannot be seen here.")


def _grants(permission: str, role: str, roles: Mapping[str, object]) -> _Reach:
    label = shown(role)
    described = roles.get(role)
    if isinstance(described, Mapping):
        # A role of `roles list` has no includedPermissions: that is no role without permissions.
        included = described.get("includedPermissions")
        if described.get("deleted") is True or described.get("stage") == "DISABLED":
            return _Reach(False, f"the role {label} is deleted or disabled.")
        if texts(included) and described.get("name", role) == role:
            return _Reach(True) if permission in included else _Reach(False, f"{label} does not hold {permission}.")
    held = _ROLES.get(role)
    if held is None or permission not in (ENCRYPT, DECRYPT):
        return _Reach(
            None, f"Which permissions {label} holds is not known: describe it with gcloud iam roles describe."
        )
    return _Reach(True) if permission in held else _Reach(False, f"{label} does not hold {permission}.")


def _conditions(
    conditional: Sequence[tuple[str, Mapping[str, object]]], key: str, now: datetime | None
) -> Iterator[_Reach]:
    """Whether each binding's condition is true for the request, in order.

    Google does not say whether resource.name and resource.type are those of the key or of its version when it is used;
    so a condition is judged for both, and only what is the same for both counts.
    """
    expressions = [str(condition.get("expression", "")) for _, condition in conditional[:_MOST_CONDITIONS]]
    resource = {"resource.service": "cloudkms.googleapis.com"}
    names = {
        f"{key}": "cloudkms.googleapis.com/CryptoKey",
        f"{key}/cryptoKeyVersions/1": "cloudkms.googleapis.com/CryptoKeyVersion",
    }
    worlds = [
        cel.evaluate(
            expressions,
            resource | ({"resource.name": name, "resource.type": kind} if key else {}),
            {"request.time": now} if now else {},
        )
        for name, kind in names.items()
        if expressions
    ]
    for at, (_, condition) in enumerate(conditional):
        expression = str(condition.get("expression", ""))
        results = {(world[at].state, repr(world[at].value)) for world in worlds} if at < len(expressions) else set()
        if len(results) != 1 or not isinstance(condition.get("expression"), str):
            yield _Reach(None, "it cannot be judged for this key.")
        elif re.search(r"projects/\d|cryptoKeyVersions", expression):
            yield _Reach(None, "it depends on the exact form in which Google gives the name of the key.")
        elif _RECURRING.search(expression):
            yield _Reach(None, "it depends on the hour or the day of the request.")
        elif results == {(cel.State.VALUE, "True")}:
            yield _Reach(True)
        elif results == {(cel.State.VALUE, "False")}:
            yield _Reach(False, shown(expression))
        else:
            yield _Reach(None, worlds[0][at].message or "its result is neither true nor false.")
