"""Roles, deny assignments and the vault's permission model: whether the vault lets OpenAI use the key.

The evaluator (``ekm_core.azure.policy``) decides; here its answers become verdicts on each cause.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ekm_core.azure import policy, snippets
from ekm_core.azure.evidence import Kind, covers
from ekm_core.azure.proofs.setting import Setting, fails, guid, holds, is_masked, proves, stays_open, unseen
from ekm_core.azure.proofs.vault import nearly_named
from ekm_core.decision import Outcome
from ekm_core.evidence import State
from ekm_core.facts import Document
from ekm_core.model import Change, Ruling
from ekm_core.pasted import shown
from ekm_core.vendor import AZURE_APP_ID, AZURE_DATA_ACTIONS

_SCOPE = re.compile(
    r"/|/providers/microsoft\.management/managementgroups/[\w().-]{1,90}"
    r"|/subscriptions/(?P<subscription>[0-9a-f-]{36})(?:/resourcegroups/[\w().-]{1,90}(?:/providers(?:/[\w().-]{1,200}){1,20})?)?",
    re.IGNORECASE,
)
_DATA = ("dataActions", "notDataActions")
_MOST_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Access:
    """What the role assignments say about OpenAI's service principal and the registered key.

    reaching: its assignments on the key or above it. elsewhere: its assignments on other scopes whose role could use a
    key. stray: assignments of a custom role with the right actions on this very key, to somebody else. groups: those
    that reach the key and may be of groups, whose members are not known. outcomes and by: by data action, what the
    roles allow, without deny assignments, and what decided it. listed: whether all assignments that reach the key were
    listed; everything: whether those of the whole subscription were.
    """

    object_id: str
    key_scope: str
    roles: Mapping[str, Document]
    reaching: tuple[Document, ...]
    elsewhere: tuple[Document, ...]
    stray: tuple[Document, ...]
    groups: tuple[Document, ...]
    outcomes: dict[str, Outcome]
    by: dict[str, tuple[str, ...]]
    listed: bool
    everything: bool

    @property
    def uses_key(self) -> bool:
        """Whether roles let OpenAI encrypt and decrypt."""
        return all(self.outcomes[action] is Outcome.ALLOWED for action in (policy.ENCRYPT, policy.DECRYPT))

    @property
    def lacking(self) -> tuple[str, ...]:
        """The data actions that no role is seen to give."""
        return tuple(action for action in AZURE_DATA_ACTIONS if self.outcomes[action] is not Outcome.ALLOWED)


def access(known: Setting) -> Access | Ruling:
    """What the role assignments say, or why that cannot be judged."""
    key = ("azure.access",)
    if key not in known.case.memo:
        known.case.memo[key] = _access(known)
    found: Access | Ruling = known.case.memo[key]
    return found


def _object_id(known: Setting) -> str | Ruling:
    """The object id of OpenAI's service principal, from the directory or from the message."""
    fact, said = known.principal, known.said
    named = guid(said.object_id) if said.application.lower() == AZURE_APP_ID else ""
    if fact.state in (State.ABSENT, State.CONFLICTING):
        return unseen(fact, "OpenAI's service principal in your tenant", snippets.show_service_principal())
    found = guid(fact.value.object_id) if fact.value else ""
    if fact.value and not found:
        return stays_open("The object id of OpenAI's service principal is masked in your evidence. Give it unmasked.")
    if named and found and named != found:
        return stays_open(
            f"The message names the object id {named}, and your tenant shows {found} for OpenAI's service principal. "
            "The message is older, or about another tenant."
        )
    if not (named or found):
        return unseen(
            fact,
            "the object id of OpenAI's service principal",
            snippets.show_tenant(),
            snippets.show_service_principal(),
        )
    return named or found


def _key_scope(known: Setting) -> str | Ruling:
    if not known.key or not known.vault_name:
        return stays_open("The configuration names no key and vault that can exist, so no role can reach it.")
    if not known.vault_id:
        if known.vault.value:
            return stays_open(
                "The vault's id is missing or masked in your evidence.", snippets.show_vault(known.values)
            )
        return unseen(known.vault, "the registered vault", snippets.show_vault(known.values))
    return f"{known.vault_id}/keys/{known.key}"


def _access(known: Setting) -> Access | Ruling:
    scope, principal = _key_scope(known), _object_id(known)
    if isinstance(scope, Ruling):
        return scope
    if isinstance(principal, Ruling):
        return principal
    items = _assignments(known, principal)
    if isinstance(items, Ruling):
        return items
    roles = policy.by_id([fact.value for fact in known.evidence.roles.values() if fact.value is not None])
    decisions = {
        action: policy.decide_by_roles(action, principal, scope, list(roles.values()), items, [], app_id=AZURE_APP_ID)
        for action in AZURE_DATA_ACTIONS
    }
    mine = [item for item in items if guid(item["principalId"]) == principal]
    others = [item for item in items if guid(item["principalId"]) != principal and covers(item["scope"], scope)]
    ids = (principal, AZURE_APP_ID)
    everything = _of_the_subscription(known, scope) and known.evidence.assignments_listed("", ids).state is State.SEEN
    return Access(
        principal,
        scope,
        roles,
        tuple(item for item in mine if covers(item["scope"], scope)),
        tuple(item for item in mine if not covers(item["scope"], scope) and _may_use_key(item, roles)),
        tuple(item for item in others if covers(scope, item["scope"]) and _is_stray(item, roles)),
        tuple(item for item in others if _may_be_group(item)),
        {action: decision.outcome for action, decision in decisions.items()},
        {action: (*decision.by, *decision.missing) for action, decision in decisions.items()},
        everything or known.evidence.assignments_listed(scope, ids).state is State.SEEN,
        everything,
    )


def _of_the_subscription(known: Setting, key_scope: str) -> bool:
    """Whether the Azure CLI was signed in to the key's subscription, as the sign-in or an assignment there shows."""
    account = known.evidence.account.value
    here = f"/subscriptions/{key_scope.split('/')[2]}".lower()
    if account is not None:
        return f"/subscriptions/{account.subscription_id}".lower() == here
    shown = (fact.value["scope"].lower() for fact in known.evidence.assignments.values() if fact.value is not None)
    return any(scope == here or scope.startswith(f"{here}/") for scope in shown)


def _assignments(known: Setting, principal: str) -> list[Document] | Ruling:
    """Every role assignment shown that can count, or why they cannot be judged."""
    evidence = known.evidence
    if any(fact.state is State.CONFLICTING for fact in (*evidence.assignments.values(), *evidence.roles.values())):
        return stays_open("Two outputs about roles contradict each other. Give the newest alone.")
    items = [fact.value for fact in evidence.assignments.values() if fact.value is not None]
    used = {str(item["roleDefinitionId"]).rpartition("/")[2].lower() for item in items}
    if any(name in used and fact.value and _is_hidden(fact.value) for name, fact in evidence.roles.items()):
        return stays_open("A role definition is masked or cut short. Give the whole output.", snippets.show_role())
    hidden = next((item for item in items if not (guid(item["principalId"]) and _is_whole(item["scope"]))), None)
    if hidden:
        return stays_open(
            f"A role assignment is masked: principalId {shown(hidden['principalId'])}, scope "
            f"{shown(hidden['scope'])}. Give the output unmasked.",
            snippets.list_assignments(known.values),
        )
    if known.message and not any("--include-groups" in exhibit.command for exhibit in known.case.evidence):
        # Azure refused in fact, so whatever a group may do, OpenAI's service principal is not in it.
        return [item for item in items if guid(item["principalId"]) == principal or not _may_be_group(item)]
    return items


def _is_whole(scope: str) -> bool:
    """Whether a scope has its form, without a masked part."""
    found = _SCOPE.fullmatch(scope)
    return bool(found and (found["subscription"] is None or guid(found["subscription"])))


def _is_hidden(role: Document) -> bool:
    """Whether the data actions of a role were cut off or made unreadable; one star in a name is a wildcard."""
    for part in role["permissions"]:
        granted = part.get("dataActions") if isinstance(part, dict) else None
        if not isinstance(granted, list):
            return True
        excluded = part.get("notDataActions")
        for action in (*granted, *(excluded if isinstance(excluded, list) else ())):
            if not isinstance(action, str) or not action or "**" in action or is_masked(action.replace("*", "")):
                return True
    return False


def _may_be_group(item: Document) -> bool:
    return str(item["principalType"]).lower() not in ("user", "serviceprincipal")


def _may_use_key(item: Document, roles: Mapping[str, Document]) -> bool:
    answers = [
        policy.role_holds(action, item["roleDefinitionId"], roles) for action in (policy.ENCRYPT, policy.DECRYPT)
    ]
    return all(answer is True for answer in answers)


def _is_stray(item: Document, roles: Mapping[str, Document]) -> bool:
    """Whether an assignment on the key was plainly meant for OpenAI: of a custom role that may encrypt and decrypt."""
    if str(item["principalType"]).lower() == "group":
        return False
    named = guid(item["principalId"]) == AZURE_APP_ID
    return _may_use_key(item, roles) and (named or not policy.built_in(item["roleDefinitionId"]))


def _named(known: Setting, items: Iterable[Document]) -> tuple[str, ...]:
    """Assignments, to be shown with the command that printed each."""
    sources = {id(fact.value): fact.source for fact in known.evidence.assignments.values()}
    return tuple(
        f"Role assignment of “{_role_name(item)}” to {shown(item['principalId'])} at {shown(item['scope'], 600)} "
        f"(from {sources[id(item)]})."
        for item in islice(items, _MOST_SHOWN)
    )


def _role_name(item: Document) -> str:
    return shown(item["roleDefinitionName"] or policy.built_in(item["roleDefinitionId"]) or item["roleDefinitionId"])


def _by_roles(known: Setting) -> Ruling | None:
    """What stands against a verdict from roles: the vault does not read them, or whether it does is not known."""
    vault = known.vault.value
    if vault is not None and vault.rbac is False:
        return stays_open(
            "The vault decides by access policies, so roles do not count now. They will after the switch."
        )
    if not known.message and (vault is None or vault.rbac is None):
        return unseen(known.vault, "whether the vault decides by roles", snippets.show_vault(known.values))
    return None


def _allowed(found: Access) -> Ruling:
    by = dict.fromkeys(sentence for action in (policy.ENCRYPT, policy.DECRYPT) for sentence in found.by[action])
    return fails("A role lets OpenAI's service principal encrypt and decrypt with this key.", tuple(by))


def _unlisted(known: Setting, found: Access) -> Ruling:
    fact = known.evidence.assignments_listed(found.key_scope, (found.object_id, AZURE_APP_ID))
    return unseen(fact, "every role assignment that reaches the key", snippets.list_assignments(known.values))


def _unclear(known: Setting, found: Access) -> Ruling | None:
    """What keeps the roles' refusal from being sure, or from being the reason."""
    key = known.evidence.key(known.vault_name, known.key)
    if key.state is State.ABSENT:
        return stays_open(f"The vault holds no key {known.key}, so no role can be on it: see that cause.")
    if not found.listed:
        return _unlisted(known, found)
    if found.outcomes[policy.DECRYPT] is Outcome.UNKNOWN:
        return stays_open(
            f"Whether a role lets OpenAI decrypt is not certain. {' '.join(found.by[policy.DECRYPT])}",
            snippets.show_role(),
            snippets.list_assignments(known.values),
        )
    return _by_roles(known)


@proves
def role_not_assigned(known: Setting) -> Ruling:
    """OpenAI's service principal has no role on the key or above it."""
    found = access(known)
    if isinstance(found, Ruling):
        return found
    if found.uses_key:
        return _allowed(found)
    if found.reaching:
        return fails("OpenAI's service principal has a role that reaches this key.", _named(known, found.reaching))
    unclear = _unclear(known, found)
    if unclear:
        return unclear
    if found.elsewhere or found.stray:
        return stays_open("A role was assigned, but elsewhere or to somebody else: see that cause.")
    return holds(
        f"None of the role assignments that reach the key is for OpenAI's service principal {found.object_id}.",
        (f"{_listing(known, found)}: no assignment with principalId {found.object_id}.",),
    )


def _listing(known: Setting, found: Access) -> str:
    ids = (found.object_id, AZURE_APP_ID)
    facts = (known.evidence.assignments_listed(scope, ids) for scope in (found.key_scope, ""))
    return next((fact.source for fact in facts if fact.state is State.SEEN), "")


@proves
def other_principal_or_scope(known: Setting) -> Ruling:
    """The role is assigned to another principal, or not on this key."""
    found = access(known)
    if isinstance(found, Ruling):
        return found
    if found.uses_key:
        return _allowed(found)
    if not (found.elsewhere or found.stray):
        if found.reaching:
            return fails("A role of OpenAI's service principal reaches this key.", _named(known, found.reaching))
        if found.everything:
            because = "No role that may use keys is assigned to OpenAI elsewhere, nor to somebody else on this key."
            return fails(because, (f"{_listing(known, found)}: all assignments of the subscription.",))
        return stays_open("We have not seen every role of OpenAI's service principal.", snippets.list_openai_roles())
    unclear = _unclear(known, found)
    if unclear:
        return unclear
    if found.elsewhere:
        return holds(
            f"OpenAI's service principal has its role elsewhere, not on the key {found.key_scope} or above it.",
            _named(known, found.elsewhere),
        )
    return holds(
        f"The role on this key is assigned to another principal. OpenAI's service principal is {found.object_id}.",
        _named(known, found.stray),
    )


@proves
def wrap_only(known: Setting) -> Ruling:
    """Only built-in roles that cannot encrypt and decrypt reach the key."""
    found = access(known)
    if isinstance(found, Ruling):
        return found
    if found.uses_key:
        return _allowed(found)
    custom = [item for item in found.reaching if not policy.built_in(item["roleDefinitionId"])]
    if custom:
        return fails("A role that is not built in is assigned too.", _named(known, custom))
    if found.elsewhere:
        return fails("A role that may encrypt and decrypt is assigned elsewhere.", _named(known, found.elsewhere))
    unclear = _unclear(known, found)
    if unclear:
        return unclear
    if not found.reaching:
        return fails(
            "No role at all of OpenAI's service principal reaches the key.",
            (f"{_listing(known, found)}: no assignment with principalId {found.object_id}.",),
        )
    return holds(
        "Only built-in roles are assigned to OpenAI's service principal, and none of them may encrypt and decrypt.",
        _named(known, found.reaching),
    )


@proves
def role_lacks_action(known: Setting) -> Ruling:
    """The custom role lacks one of the three data actions."""
    found = access(known)
    if isinstance(found, Ruling):
        return found
    if not found.lacking:
        return _allowed(found)
    custom = [item for item in found.reaching if not policy.built_in(item["roleDefinitionId"])]
    if not custom:
        if found.reaching and found.listed:
            return fails("No custom role reaches the key.", _named(known, found.reaching))
        whole = [item for item in (*found.elsewhere, *found.stray) if not _lacks(item, found)]
        if whole:
            return fails("The role that is assigned elsewhere holds all three data actions.", _named(known, whole))
        if found.listed:
            return stays_open("No role of OpenAI's service principal reaches this key: see that cause.")
        return _unlisted(known, found)
    for item in custom:
        lacks = _lacks(item, found)
        if lacks is None:
            return stays_open(
                f"We have not seen the definition of a role. {_named(known, [item])[0]}", snippets.show_role()
            )
    if found.lacking == (policy.READ,) and known.said.action not in ("", "keys/read"):
        return stays_open("The role lacks keys/read alone, and the message is about another action.")
    if not found.listed:
        return _unlisted(known, found)
    if blocked := _by_roles(known):
        return blocked
    unclear = [action for action in found.lacking if not all(_lacking(item, action, found) for item in custom)]
    by_groups = any(
        policy.role_holds(action, item["roleDefinitionId"], found.roles) is not False
        for action in found.lacking
        for item in found.groups
    )
    if unclear or by_groups:
        return stays_open(
            f"Whether a role gives it is not certain. {' '.join(found.by[found.lacking[0]])}", snippets.show_role()
        )
    role = _definition(custom[0], found)
    missing = ", ".join(found.lacking)
    return holds(
        f"The role that is assigned to OpenAI's service principal lacks {missing} among its data actions.",
        (*_named(known, custom), *_shown(role, known)),
        _changes(custom[0], found, known),
    )


def _lacking(item: Document, action: str, found: Access) -> bool:
    return policy.role_holds(action, item["roleDefinitionId"], found.roles) is False


def _lacks(item: Document, found: Access) -> tuple[str, ...] | None:
    """The data actions that the role of an assignment lacks; None where its definition is not known."""
    answers = {
        action: policy.role_holds(action, item["roleDefinitionId"], found.roles) for action in AZURE_DATA_ACTIONS
    }
    if None in answers.values():
        return None
    return tuple(action for action, answer in answers.items() if not answer)


def _definition(item: Document, found: Access) -> Document:
    return found.roles.get(str(item["roleDefinitionId"]).rpartition("/")[2].lower(), {})


def _shown(role: Document, known: Setting) -> tuple[str, ...]:
    fact = known.evidence.role(str(role.get("name", "")))
    actions = [{name: part.get(name) for name in _DATA} for part in role.get("permissions", ())]
    return (
        f"Role definition “{shown(str(role.get('roleName', '')))}” ({fact.source}): {shown(json.dumps(actions), 600)}",
    )


# ------------------------------------------------------------------------------------------------------------- changes
def _changes(item: Document, found: Access, known: Setting) -> tuple[Change, ...]:
    """The user's own role with the lacking data actions, where that lets OpenAI in."""
    wanted = str(item["roleDefinitionId"]).rpartition("/")[2].lower()
    for document in _documents(known):
        if str(document.get("name", "")).lower() != wanted:
            continue
        after = copy.deepcopy(document)
        holder = after["properties"] if isinstance(after.get("properties"), dict) else after
        permissions = holder.get("permissions")
        if not isinstance(permissions, list) or len(permissions) != 1:
            return ()
        _add(permissions[0], found.lacking)
        if all(policy.role_holds(action, wanted, policy.by_id([after])) for action in AZURE_DATA_ACTIONS):
            name = shown(item["roleDefinitionName"] or wanted)
            return (Change(f"Custom role “{name}”", _pretty(document), _pretty(after)),)
        return ()
    return ()


def _add(permission: dict[str, Any], actions: tuple[str, ...]) -> None:
    """Puts data actions into one permission, and takes them out of what it excludes."""
    held = permission.get("dataActions") or []
    excluded = permission.get("notDataActions") or []
    wanted = {action.lower() for action in actions}
    present = {str(action).lower() for action in held}
    permission["dataActions"] = [*held, *(action for action in actions if action.lower() not in present)]
    if excluded:
        permission["notDataActions"] = [action for action in excluded if str(action).lower() not in wanted]


def _documents(known: Setting) -> Iterator[dict[str, Any]]:
    for exhibit in known.case.evidence:
        value = exhibit.output
        if isinstance(value, dict) and isinstance(value.get("value"), list):
            value = value["value"]
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict) and ("permissions" in item or isinstance(item.get("properties"), dict)):
                yield item


def _pretty(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)


# ------------------------------------------------------------------------------------------------------- deny and mode
def denial(known: Setting) -> Ruling:
    """Whether a deny assignment stands against OpenAI's use of the key."""
    scope, principal = _key_scope(known), _object_id(known)
    if isinstance(scope, Ruling):
        return scope
    if isinstance(principal, Ruling):
        return principal
    facts = known.evidence.denials_covering(scope)
    look = snippets.list_deny_assignments(known.values)
    if any(fact.value is None for fact in facts):
        return stays_open("Two outputs about deny assignments contradict each other. Give the newest alone.", look)
    if any(_hides_a_principal(fact.value) for fact in facts if fact.value is not None):
        return stays_open("A deny assignment names a masked principal. Give the output unmasked.", look)
    # Everything is granted here, so that only a deny assignment can refuse.
    grant = {"principalId": principal, "principalType": "ServicePrincipal", "roleDefinitionId": "all", "scope": scope}
    every = {"name": "all", "permissions": [{"dataActions": ["*"]}]}
    unclear: list[str] = []
    for fact in facts:
        for action in AZURE_DATA_ACTIONS:
            decision = policy.decide_by_roles(action, principal, scope, [every], [grant], [fact.value])
            if decision.outcome is Outcome.DENIED:
                return holds(" ".join(decision.by), (f"{fact.source}: {shown(json.dumps(fact.value), 600)}",))
            if decision.outcome is Outcome.UNKNOWN:
                unclear += decision.by
    if unclear:
        return stays_open(f"Whether a deny assignment applies is not certain. {unclear[-1]}", look)
    listed = known.evidence.denials_listed(scope)
    if listed.state is not State.SEEN:
        return unseen(listed, "the deny assignments that reach the key", look)
    return fails("No deny assignment stands against OpenAI's use of the key.", (f"{listed.source}.",))


def _hides_a_principal(document: Document) -> bool:
    inner = document.get("properties", {})
    lists = [inner.get("principals") or [], inner.get("excludePrincipals") or []]
    if not all(isinstance(part, list) for part in lists):
        return True
    named = [one for part in lists for one in part]
    nobody = "00000000-0000-0000-0000-000000000000"
    return any(not isinstance(one, dict) or (one.get("id") != nobody and not guid(str(one.get("id")))) for one in named)


deny_assignment = proves(denial)


@proves
def access_policy_mode(known: Setting) -> Ruling:
    """The vault decides by access policies."""
    vault = known.vault.value
    if vault is None or vault.rbac is None:
        return unseen(known.vault, "whether the vault decides by roles", snippets.show_vault(known.values))
    source = known.vault.source
    if vault.rbac:
        return fails("The vault decides by roles.", (f"{source}: enableRbacAuthorization true.",))
    if not known.message:
        principal = _object_id(known)
        policies = vault.access_policies
        if policies is None:
            return stays_open("We have not seen the vault's access policies.", snippets.show_vault(known.values))
        if policies and isinstance(principal, Ruling):
            return principal
        if isinstance(principal, str) and all(
            policy.decide_by_access_policy(action, principal, vault.document).outcome is Outcome.ALLOWED
            for action in (policy.ENCRYPT, policy.DECRYPT)
        ):
            return stays_open(
                "The vault decides by access policies, and one of them lets OpenAI in. OpenAI's guide asks for roles."
            )
    return holds(
        "The vault decides by access policies. A role that you assign to OpenAI has no effect there.",
        (f"{source}: enableRbacAuthorization false.",),
    )


@proves
def wrong_key_or_vault(known: Setting) -> Ruling:
    """The registered vault or key does not exist."""
    look = (snippets.show_vault(known.values), snippets.show_key(known.values), snippets.list_keys(known.values))
    if not known.vault_name or not known.key:
        return stays_open("The configuration names no vault and key that can exist. See what it says of its fields.")
    gone = known.evidence.deleted.get((Kind.VAULT, known.vault_name))
    if gone and known.vault.value is None:
        return holds(f"The vault {known.vault_name} was deleted.", (f"{gone}: {known.vault_name}.",))
    alike = nearly_named(known)
    if known.vault.state is State.FAILED and len(alike) == 1 and known.evidence.key(alike[0][0], known.key).value:
        return holds(
            f"The registered vault {known.vault_name} was not found. The key of the registered name is in your vault "
            f"{alike[0][0]}.",
            (f"{alike[0][1]}: {alike[0][0]}.", f"Configuration: vault_uri {known.vault_uri[:200]}."),
        )
    key = known.evidence.key(known.vault_name, known.key)
    if key.state is State.ABSENT:
        return holds(
            f"The vault {known.vault_name} holds no key named {known.key}.",
            (f"{key.source}: the key was not found.", f"Configuration: key_name {known.key}."),
        )
    if key.value is None:
        return unseen(key, f"the key {known.key} in the vault {known.vault_name}", *look)
    found = access(known)
    elsewhere = found.elsewhere if isinstance(found, Access) else ()
    # A vault's name is unique in the world: under another resource group it is this vault before it was moved.
    own = f"/vaults/{known.vault_name}/keys/{known.key}/".lower()
    others = [item for item in elsewhere if "/keys/" in item["scope"] and own not in f"{item['scope']}/".lower()]
    if others:
        return stays_open(
            "The registered key exists, but OpenAI has its role on another key. See which of the two you mean. "
            + _named(known, others)[0]
        )
    return fails("The registered vault and key exist.", (f"{key.source}: {known.vault_name}/{known.key}.",))
