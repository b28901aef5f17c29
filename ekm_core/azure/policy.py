"""Does Azure let a principal use a key: role assignments, deny assignments, access policies, network rules.

Pure functions of documents as ``az … -o json`` and ``az rest`` print them. Sources, read on 2026-11-23:
learn.microsoft.com, role-based-access-control (role definitions, scope overview, deny assignments), key-vault/general
(RBAC guide, network security) and the REST reference of vaults.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ekm_core.decision import Decision, Near, Outcome
from ekm_core.pasted import shown, texts

_KEYS = "Microsoft.KeyVault/vaults/keys"
ENCRYPT = f"{_KEYS}/encrypt/action"
DECRYPT = f"{_KEYS}/decrypt/action"
READ = f"{_KEYS}/read"
_EVERYONE = "00000000-0000-0000-0000-000000000000"
_PLANES = ("actions", "notActions", "dataActions", "notDataActions")
_MOST = 5000
_MOST_NEAR = 6


@dataclass(frozen=True, slots=True)
class _BuiltIn:
    """A role of Microsoft's: its name and data actions (none of these has notDataActions)."""

    name: str
    data_actions: tuple[str, ...] = ()


# Read on 2026-11-23 from the role definitions as azure-rbac-catalog.org and azadvertizer.net republish them. Owner,
# Contributor and Reader: the role definitions page says that they hold no data actions.
_BUILT_IN: Mapping[str, _BuiltIn] = {
    "00482a5a-887f-4fb3-b363-3b7fe8e74483": _BuiltIn("Key Vault Administrator", ("Microsoft.KeyVault/vaults/*",)),
    "14b46e9e-c2b7-41b4-b07b-48a6ebf60603": _BuiltIn(
        "Key Vault Crypto Officer", (f"{_KEYS}/*", "Microsoft.KeyVault/vaults/keyrotationpolicies/*")
    ),
    "12338af0-0e69-4776-bea7-57ae8d297424": _BuiltIn(
        "Key Vault Crypto User",
        (
            READ,
            *(f"{_KEYS}/{verb}/action" for verb in ("update", "backup", "encrypt", "decrypt", "wrap", "unwrap")),
            *(f"{_KEYS}/{verb}/action" for verb in ("sign", "verify")),
        ),
    ),
    "e147488a-f6f5-4113-8e2d-b22465e65bf6": _BuiltIn(
        "Key Vault Crypto Service Encryption User", (READ, f"{_KEYS}/wrap/action", f"{_KEYS}/unwrap/action")
    ),
    "08bbd89e-9f13-488c-ac41-acfcb10c90ab": _BuiltIn(
        "Key Vault Crypto Service Release User", (f"{_KEYS}/release/action",)
    ),
    "21090545-7ca7-4776-b22c-e363652d74d2": _BuiltIn(
        "Key Vault Reader",
        ("Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/vaults/secrets/readMetadata/action"),
    ),
    "f25e0fa2-a7c8-4377-a976-54943a77a395": _BuiltIn("Key Vault Contributor"),
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": _BuiltIn("Owner"),
    "b24988ac-6180-42a0-ab88-20f7382dd24c": _BuiltIn("Contributor"),
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": _BuiltIn("Reader"),
}


def decide(
    data_action: str,
    principal_object_id: str,
    key_scope: str,
    definitions: object,
    assignments: object,
    deny_assignments: object,
    vault: object,
    *,
    app_id: str = "",
    tenant_id: str = "",
) -> Decision:
    """Whether the vault lets the principal do it: by roles or by access policies, as the vault is set.

    The arguments are those of ``decide_by_roles`` and ``decide_by_access_policy``. For network rules see ``network``.
    """
    mode = _field(vault, "enableRbacAuthorization")
    if mode is True:
        return decide_by_roles(
            data_action, principal_object_id, key_scope, definitions, assignments, deny_assignments, app_id=app_id
        )
    if mode is False:
        return decide_by_access_policy(data_action, principal_object_id, vault, app_id=app_id, tenant_id=tenant_id)
    # An empty value meant access policies, and newer API versions create vaults with roles: it proves neither.
    return Decision(
        Outcome.UNKNOWN, missing=("Whether the vault uses roles or access policies (enableRbacAuthorization).",)
    )


def decide_by_roles(
    data_action: str,
    principal_object_id: str,
    key_scope: str,
    definitions: object,
    assignments: object,
    deny_assignments: object,
    *,
    app_id: str = "",
) -> Decision:
    """Whether role and deny assignments let a principal do a data action on a key.

    key_scope: the key's ARM id. definitions, assignments, deny_assignments: lists as printed; None where not given.
    The caller must know that the list of assignments is complete for the key (with inherited ones); a list that is
    not, must be given as None. app_id: the application's id, to recognise an assignment made to it by mistake.
    """
    if not (principal_object_id and _segments(key_scope)):
        return Decision(Outcome.UNKNOWN, missing=("The principal's object id or the key's ARM id is not known.",))
    denial = _denied(data_action, principal_object_id, key_scope, deny_assignments)
    if denial.outcome is Outcome.DENIED:
        return denial
    grant = _granted(data_action, principal_object_id, key_scope, definitions, assignments, app_id)
    if grant.outcome is Outcome.ALLOWED:
        outcome = denial.outcome
        return Decision(outcome, (*grant.by, *denial.by), missing=denial.missing)
    return grant


def _granted(
    data_action: str, principal: str, key_scope: str, definitions: object, assignments: object, app_id: str
) -> Decision:
    items = _items(assignments)
    if items is None:
        return Decision(Outcome.UNKNOWN, missing=("The role assignments that apply to the key are not known.",))
    roles: dict[str, Mapping[str, object]] = {}
    for role in _items(definitions) or ():
        if role_id := _guid(_text(role, "name") or _text(role, "id")):
            # Two different definitions of one role: none of them counts, whatever their order.
            roles[role_id] = role if roles.get(role_id, role) == role else {}
    # Once a role, not once an assignment: a pasted list may repeat one huge role thousands of times.
    used = {_guid(_text(item, "roleDefinitionId")) for item in items}
    held = {role_id: _role_holds(data_action, role_id, roles) for role_id in used}
    readers = {role_id for role_id in used if _role_holds(READ, role_id, roles) is not False}
    granted: list[str] = []
    unclear: list[str] = []
    near: list[Near] = []
    reads_key = False
    for item in items:
        role_id = _guid(_text(item, "roleDefinitionId"))
        where = f"Assignment of {_role_name(item, role_id)} at {shown(_text(item, 'scope')) or 'an unnamed scope'}"
        holds = held[role_id]
        reach = _covers(_text(item, "scope"), key_scope)
        who = _is_principal(item, principal, app_id)
        if reach is False or who is False:
            if holds is not False:
                near.extend(_near_assignment(where, item, reach, who, app_id))
        elif holds is False:
            reads_key = reads_key or role_id in readers
            if who and len(near) < _MOST_NEAR:
                near.append(_near_role(where, data_action, roles.get(role_id)))
        elif None in (holds, reach, who) or _text(item, "condition"):
            unclear.append(f"{where}: {_why_unclear(holds, reach, who)}")
        else:
            granted.append(f"{where} gives the principal {data_action}.")
    if granted:
        return Decision(Outcome.ALLOWED, tuple(granted))
    if reads_key and data_action.lower() == ENCRYPT.lower():
        # The operation's own description in Azure says so; whether the vault's encrypt call follows it is not certain.
        unclear.append("A role holds keys/read, which Microsoft says is enough to encrypt with an RSA or EC key.")
    if unclear:
        return Decision(Outcome.UNKNOWN, tuple(unclear[:_MOST_NEAR]), _first(near))
    return Decision(
        Outcome.DENIED, (f"No role assignment gives {principal} {data_action} on {shown(key_scope)}.",), _first(near)
    )


def _why_unclear(holds: bool | None, reach: bool | None, who: bool | None) -> str:
    if holds is None:
        return "its role definition is not known."
    if reach is None:
        return "whether its scope lies above the key cannot be seen from the ids."
    if who is None:
        return "it is given to a group, or to someone unnamed, and who belongs to it is not known."
    return "it has a condition, which is not evaluated here."


def _near_assignment(
    where: str, item: Mapping[str, object], reach: bool | None, who: bool | None, app_id: str
) -> Iterable[Near]:
    principal = _text(item, "principalId")
    if who and reach is False:
        yield Near("other-scope", f"{where} is for the principal, but its scope is not above the key.")
    elif who is False and reach and app_id and principal.lower() == app_id.lower():
        yield Near(
            "application-id", f"{where} is for the application id; it must be the service principal's object id."
        )
    elif who is False and reach:
        yield Near("other-principal", f"{where} is for another principal: {shown(principal)}.")


def _near_role(where: str, data_action: str, role: Mapping[str, object] | None) -> Near:
    actions = (part for permission in _permissions(role) or () for part in _patterns(permission, "actions") or ())
    # "Microsoft.KeyVault/vaults/*" among the actions is the ordinary right to manage vaults, no slip.
    if any(part.lower() == data_action.lower() for part in actions):
        return Near(
            "under-actions", f"{where}: the role has {data_action} under actions; it belongs under dataActions."
        )
    return Near("other-role", f"{where} is for the principal, but the role does not hold {data_action}.")


def _denied(data_action: str, principal: str, key_scope: str, deny_assignments: object) -> Decision:
    """DENIED, UNKNOWN, or ALLOWED for "no deny assignment stands against it"."""
    items = _items(deny_assignments)
    if items is None:
        if deny_assignments is not None:
            return Decision(Outcome.UNKNOWN, missing=("The deny assignments are not readable.",))
        return Decision(Outcome.ALLOWED, missing=("Deny assignments were not looked at.",))
    unclear: list[str] = []
    for item in items:
        where = f"Deny assignment {shown(_text(item, 'denyAssignmentName') or _text(item, 'id'))}"
        answers = (
            _denies(data_action, _permissions(item)),
            _deny_covers(item, key_scope),
            _deny_names(item, principal),
            _enforced(item),
        )
        if False in answers:
            continue
        if None in answers:
            unclear.append(f"{where} may apply: not all of it can be judged.")
        else:
            return Decision(Outcome.DENIED, (f"{where} denies the principal {data_action} on the key.",))
    return Decision(Outcome.UNKNOWN if unclear else Outcome.ALLOWED, tuple(unclear))


def _denies(data_action: str, permissions: list[Mapping[str, object]] | None) -> bool | None:
    return None if permissions is None else _holds(data_action, permissions)


def _deny_covers(item: Mapping[str, object], key_scope: str) -> bool | None:
    scope = _text(item, "scope")
    own = _segments(scope) == _segments(key_scope)
    match _field(item, "doNotApplyToChildScopes"):
        case None | False:
            return _covers(scope, key_scope)
        case True:
            return own
        case _:
            return own or (None if _covers(scope, key_scope) is not False else False)


def _deny_names(item: Mapping[str, object], principal: str) -> bool | None:
    """Whether the deny assignment is for the principal: named, and not excluded."""
    named = _among(_field(item, "principals"), principal)
    excluded = _among(_field(item, "excludePrincipals") or [], principal)
    if named is False or excluded is True:
        return False
    return None if named is None or excluded is None else True


def _among(principals: object, principal: str) -> bool | None:
    if not isinstance(principals, list) or not all(isinstance(one, Mapping) for one in principals):
        return None
    answers = []
    for one in principals:
        found = _text(one, "id").lower()
        kind = _text(one, "type").lower()
        if found in (principal.lower(), _EVERYONE):
            return True
        # A group's members are not known; the type may be left out.
        answers.append(False if kind in ("user", "serviceprincipal") and found else None)
    return None if None in answers else False


def _enforced(item: Mapping[str, object]) -> bool | None:
    if _text(item, "condition"):
        return None
    return True if (_text(item, "denyAssignmentEffect") or "enforced").lower() == "enforced" else None


def decide_by_access_policy(
    data_action: str, principal_object_id: str, vault: object, *, app_id: str = "", tenant_id: str = ""
) -> Decision:
    """Whether the access policies of a vault (``az keyvault show``) let a principal do a key's data action."""
    policies = _field(vault, "accessPolicies")
    wanted = re.fullmatch(rf"(?i){re.escape(_KEYS)}/(?:(encrypt|decrypt)/action|(read))", data_action)
    if not isinstance(policies, list) or len(policies) > _MOST or not all(isinstance(one, Mapping) for one in policies):
        return Decision(Outcome.UNKNOWN, missing=("The vault's access policies are not known.",))
    if wanted is None or not principal_object_id:
        return Decision(Outcome.UNKNOWN, missing=("The action or the principal's object id is not known.",))
    permission = "get" if wanted[2] else wanted[1].lower()
    near: list[Near] = []
    unclear: list[str] = []
    for number, policy in enumerate(policies, 1):
        where = f"Access policy {number}"
        granted = _field(_field(policy, "permissions"), "keys")
        holder = _text(policy, "objectId").lower()
        holds = {one.lower() for one in granted} & {permission, "all"} if texts(granted) else None
        if holder != principal_object_id.lower():
            if holds and holder and holder == app_id.lower():
                text = f"{where} names the application id; it must be the service principal's object id."
                near.append(Near("application-id", text))
            elif holds:
                # A group's policy has the group's object id, and its members are not known here.
                near.append(Near("other-principal", f"{where} is for another object: {shown(holder)}."))
        elif granted is not None and holds is None:
            unclear.append(f"{where} names the principal, and its key permissions are not readable.")
        elif not holds:
            near.append(Near("other-permission", f"{where} names the principal, but not the permission {permission}."))
        elif _text(policy, "applicationId"):
            # Such a policy is for that application acting on behalf of the object, not for the object alone.
            unclear.append(f"{where} holds {permission} for an application on behalf of the principal only.")
        elif tenant_id and _text(policy, "tenantId").lower() not in ("", tenant_id.lower()):
            near.append(Near("other-tenant", f"{where} names the principal in another tenant."))
        else:
            return Decision(Outcome.ALLOWED, (f"{where} gives the principal the key permission {permission}.",))
    if unclear:
        return Decision(Outcome.UNKNOWN, tuple(unclear), _first(near))
    if any(one.kind == "other-principal" for one in near):
        missing = ("Whether one of the named objects is a group with the principal in it is not known.",)
        return Decision(Outcome.UNKNOWN, near=_first(near), missing=missing)
    by = f"None of the {len(policies)} access policies gives the principal the key permission {permission}."
    return Decision(Outcome.DENIED, (by,), _first(near))


def network(vault: object) -> Decision:
    """Whether the vault's network rules let a caller from the public internet in, such as OpenAI's service.

    OpenAI's addresses are not published to us, so a rule for some addresses gives UNKNOWN.
    """
    public = _field(vault, "publicNetworkAccess")
    rules = _field(vault, "networkAcls")
    private = _field(vault, "privateEndpointConnections")
    access = public.lower() if isinstance(public, str) else public
    if access == "disabled":
        if private:
            missing = ("Whether one of the private endpoints is OpenAI's is not known.",)
            return Decision(Outcome.UNKNOWN, ("publicNetworkAccess is Disabled.",), missing=missing)
        return Decision(Outcome.DENIED, ("publicNetworkAccess is Disabled, and the vault has no private endpoint.",))
    if access not in ("enabled", None) or not isinstance(vault, Mapping):
        return Decision(Outcome.UNKNOWN, missing=("The vault's publicNetworkAccess is not one that we can judge.",))
    if rules is None and access == "enabled":
        return Decision(Outcome.ALLOWED, ("publicNetworkAccess is Enabled, and there are no network rules.",))
    default = _text(rules, "defaultAction").lower()
    if default == "allow":
        return Decision(Outcome.ALLOWED, ("networkAcls.defaultAction is Allow.",))
    if default != "deny":
        return Decision(Outcome.UNKNOWN, missing=("The vault's network rules are not known.",))
    lists = [_field(rules, name) for name in ("ipRules", "virtualNetworkRules")]
    if all(one == [] for one in lists):
        by = "networkAcls.defaultAction is Deny, and no address and no network is let in."
        return Decision(Outcome.DENIED, (by,))
    return Decision(
        Outcome.UNKNOWN,
        ("networkAcls.defaultAction is Deny, with exceptions.",),
        missing=("OpenAI's addresses are not published, so whether the exceptions cover them cannot be seen.",),
    )


# Documents.


def _field(document: object, name: str) -> object:
    """A field of the document, or of its ``properties`` (the REST form); None where neither has it."""
    if not isinstance(document, Mapping):
        return None
    if (value := document.get(name)) is not None:
        return value
    properties = document.get("properties")
    return properties.get(name) if isinstance(properties, Mapping) else None


def _text(document: object, name: str) -> str:
    value = _field(document, name)
    return value if isinstance(value, str) else ""


def _items(document: object) -> list[Mapping[str, object]] | None:
    """The objects of a printed list, or of a REST answer's ``value``; None for anything else or a cut-off page."""
    if isinstance(document, Mapping):
        if document.get("nextLink"):
            return None
        document = document.get("value")
    if not isinstance(document, list | tuple) or len(document) > _MOST:
        return None
    return list(document) if all(isinstance(item, Mapping) for item in document) else None


def _guid(identifier: str) -> str:
    return identifier.rstrip("/").rpartition("/")[2].lower()


def _role_name(item: Mapping[str, object], role_id: str) -> str:
    built_in = _BUILT_IN.get(role_id)
    return f"'{shown(_text(item, 'roleDefinitionName') or (built_in.name if built_in else '') or role_id)}'"


def _permissions(definition: object) -> list[Mapping[str, object]] | None:
    found = _field(definition, "permissions")
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        return None
    return found if all(_patterns(one, name) is not None for one in found for name in _PLANES) else None


def _patterns(permission: Mapping[str, object], name: str) -> list[str] | None:
    found = permission.get(name)
    if found is None:
        return []
    return found if texts(found) else None


def by_id(definitions: object) -> dict[str, Mapping[str, object]]:
    """Role definitions as printed, by their id's last part in small letters, for ``role_holds``."""
    named = ((_guid(_text(role, "name") or _text(role, "id")), role) for role in _items(definitions) or ())
    return {role_id: role for role_id, role in named if role_id}


def role_holds(data_action: str, role_id: str, roles: Mapping[str, Mapping[str, object]]) -> bool | None:
    """Whether a role has a data action; None where its definition is not known. role_id: whole, or its last part."""
    return _role_holds(data_action, _guid(role_id), roles)


def built_in(role_id: str) -> str:
    """The name of a role of Microsoft's that has to do with vaults, or "" for any other role."""
    found = _BUILT_IN.get(_guid(role_id))
    return found.name if found else ""


def _role_holds(data_action: str, role_id: str, roles: Mapping[str, Mapping[str, object]]) -> bool | None:
    """Whether a role has the data action; None where its definition is not known."""
    if role_id in roles:
        permissions = _permissions(roles[role_id])
        if not permissions or any(permission.get("condition") for permission in permissions):
            return None
        return _holds(data_action, permissions)
    built_in = _BUILT_IN.get(role_id)
    return _any_matches(data_action, built_in.data_actions) if built_in else None


def _holds(data_action: str, permissions: Iterable[Mapping[str, object]]) -> bool:
    """Subtracted within one element of ``permissions``, then united; the two planes never mix."""
    return any(
        _any_matches(data_action, _patterns(permission, "dataActions") or [])
        and not _any_matches(data_action, _patterns(permission, "notDataActions") or [])
        for permission in permissions
    )


def _any_matches(action: str, patterns: Iterable[str]) -> bool:
    return any(_matches(action.lower(), pattern.lower()) for pattern in patterns)


def _matches(action: str, pattern: str) -> bool:
    """``*`` stands for anything, also for slashes. The pieces are looked for from left to right: linear time."""
    first, *rest = pattern.split("*")
    if not rest:
        return action == pattern
    *middle, last = rest
    if len(action) < len(first) + len(last) or not action.startswith(first) or not action.endswith(last):
        return False
    at, end = len(first), len(action) - len(last)
    for piece in middle:
        found = action.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _segments(scope: str) -> tuple[str, ...]:
    return tuple(part for part in scope.lower().split("/") if part)


def _covers(scope: str, target: str) -> bool | None:
    """Whether a scope is the target or above it, by whole segments; None where the ids do not say."""
    if scope == "/":
        return True
    parts = _segments(scope)
    if not parts or parts[:3] == ("providers", "microsoft.management", "managementgroups"):
        return None
    if _segments(target)[: len(parts)] != parts:
        return False
    # A scope is a subscription, a resource group or a resource ("Understand scope", read on 2026-11-28): a part of the
    # id that is none of them, such as a provider without a resource, is no scope that is documented.
    return True if len(parts) in (2, 4) or (len(parts) >= 8 and len(parts) % 2 == 0) else None


def _is_principal(item: Mapping[str, object], principal: str, app_id: str) -> bool | None:
    """None for a group, and where the type is left out: it may be a group with the principal in it."""
    found = _text(item, "principalId").lower()
    if found == principal.lower():
        return True
    if found and found == app_id.lower():
        return False
    return False if found and _text(item, "principalType").lower() in ("user", "serviceprincipal") else None


def _first(near: Iterable[Near]) -> tuple[Near, ...]:
    return tuple(dict.fromkeys(near))[:_MOST_NEAR]
