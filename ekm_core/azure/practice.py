"""What works and is unwise: best practice for an Azure key, from configuration and evidence.

And one thing that does not work and has several causes, between which the evidence does not decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ekm_core.azure import policy, references, snippets
from ekm_core.azure.proofs.access import Access, access
from ekm_core.azure.proofs.setting import Setting, guid, setting
from ekm_core.model import Case, Finding, Link, Reference, Status
from ekm_core.pasted import shown
from ekm_core.vendor import AZURE_APP_NAME, AZURE_GUIDE, REVOCATION_GUIDE

_SOON = timedelta(days=30)
_MORE_THAN_NEEDED = ("sign/action", "wrap/action", "delete", "write")


def findings(case: Case) -> tuple[Finding, ...]:
    """One finding for each practice that the evidence shows; nothing where it is not seen."""
    known = setting(case)
    if known is None:
        return ()
    found = access(known)
    roles = _roles(found) if isinstance(found, Access) else iter(())
    return (*_strange_vault(known), *_vault(known), *roles, *_key(known))


def _finding(
    id: str,
    status: Status,
    link: Link,
    title: str,
    saw: str,
    means: str = "",
    next_step: str = "",
    reference: Reference = AZURE_GUIDE,
) -> Finding:
    return Finding(f"azure-practice-{id}", status, link, title, saw, means, next_step, reference=reference)


def _strange_vault(known: Setting) -> Iterator[Finding]:
    fact = known.stranger
    if fact.value is None or not known.tenant:
        return
    yield _finding(
        "vault-tenant",
        Status.FAIL,
        Link.TRUST,
        "The vault trusts another tenant than the registered one",
        f"{fact.source}: the vault {known.vault_name} trusts the tenant {fact.value}. Configuration: tenant_id "
        f"{known.tenant}.",
        "OpenAI takes its token from the registered tenant, so the vault will refuse it. Either tenant_id is wrong, or "
        "vault_uri is the address of somebody else's vault, or the vault's subscription was moved to another tenant.",
        "Compare both with the vault's Overview page in the Azure portal (Vault URI, Directory ID).",
    )


def _vault(known: Setting) -> Iterator[Finding]:
    vault, source = known.vault.value, known.vault.source
    if vault is None:
        return
    if vault.purge_protection:
        title = "The vault is protected against purging"
        yield _finding("purge", Status.PASS, Link.KEY, title, f"{source}: enablePurgeProtection true.")
    elif "enablePurgeProtection" in (vault.document.get("properties") or {}):
        yield _finding(
            "purge",
            Status.WARN,
            Link.KEY,
            "The vault has no purge protection",
            f"{source}: enablePurgeProtection is not true.",
            "A deleted key can be purged at once. What it encrypted is then lost for good.",
            "Switch on purge protection under Properties of the vault. It cannot be switched off again.",
            references.VAULT_SOFT_DELETE,
        )
    if vault.rbac is False:
        yield _finding(
            "access-policies",
            Status.WARN,
            Link.PERMISSION,
            "The vault decides by access policies",
            f"{source}: enableRbacAuthorization false.",
            "OpenAI's guide asks for a vault that decides by roles: only a role can be given on one key alone.",
            "Assign roles to everyone who uses the vault, then switch it to role-based access.",
            references.VAULT_RBAC,
        )


def _roles(found: Access) -> Iterator[Finding]:
    using = [item for item in found.reaching if _holds(item["roleDefinitionId"], policy.DECRYPT, found)]
    wide = [item for item in using if item["scope"].lower().rstrip("/") != found.key_scope.lower()]
    if wide:
        yield _finding(
            "role-scope",
            Status.WARN,
            Link.PERMISSION,
            "OpenAI's role reaches more than this key",
            f"A role of {AZURE_APP_NAME} is assigned at {shown(wide[0]['scope'])}.",
            "It reaches every key below that scope. OpenAI needs this one key.",
            f"Assign the role at {found.key_scope}, let OpenAI validate the key, then remove the wider assignment.",
        )
    elif using:
        title = "OpenAI's role is assigned on this key alone"
        yield _finding("role-scope", Status.PASS, Link.PERMISSION, title, f"Scope {shown(using[0]['scope'])}.")
    broad = [item for item in using if _does_more(item["roleDefinitionId"], found)]
    if broad:
        yield _finding(
            "role-actions",
            Status.WARN,
            Link.PERMISSION,
            "OpenAI's role allows more than it needs",
            f"The role “{shown(broad[0]['roleDefinitionName'] or broad[0]['roleDefinitionId'])}” allows more than "
            "encrypt, decrypt and read.",
            "OpenAI needs these three data actions and no other.",
            f"Assign a custom role with the three data actions, such as “{snippets.ROLE_NAME}”.",
        )


def _holds(role: str, action: str, found: Access) -> bool:
    return policy.role_holds(action, role, found.roles) is True


def _does_more(role: str, found: Access) -> bool:
    return any(_holds(role, f"Microsoft.KeyVault/vaults/keys/{more}", found) for more in _MORE_THAN_NEEDED)


def _key(known: Setting) -> Iterator[Finding]:
    fact = known.evidence.key(known.vault_name, known.key)
    key = fact.value
    if key and key.current and key.expires and datetime.now(UTC) < key.expires < datetime.now(UTC) + _SOON:
        yield _finding(
            "key-expires",
            Status.WARN,
            Link.KEY,
            "The key expires soon",
            f"{fact.source}: expires {key.expires:%Y-%m-%d %H:%M} UTC.",
            "After that date the key no longer encrypts.",
            "Add a new version to the same key, or move the date.",
            references.VAULT_KEYS,
        )
    yield from _rotation(known)
    found = access(known)
    if not isinstance(found, Access):
        return
    others = [
        item
        for item in (fact.value for fact in known.evidence.assignments.values())
        if item
        and item["scope"].lower().rstrip("/") == found.key_scope.lower()
        and guid(item["principalId"]) != found.object_id
        and _holds(item["roleDefinitionId"], policy.DECRYPT, found)
    ]
    if others:
        yield _finding(
            "key-shared",
            Status.WARN,
            Link.KEY,
            "Others may use this key too",
            f"A role on this key is assigned to {shown(others[0]['principalId'])}.",
            "Whoever may decrypt with this key and gets hold of OpenAI's data keys can read your content.",
            "Give EKM a key of its own, and remove the assignment where it is not needed.",
        )


def _rotation(known: Setting) -> Iterator[Finding]:
    fact = known.evidence.rotations.get(f"{known.vault_name}/{known.key}".lower())
    if fact is None or fact.value is None:
        return
    actions = fact.value.get("lifetimeActions")
    if not isinstance(actions, list):
        return
    if any(_rotates(item) for item in actions):
        yield _finding("rotation", Status.PASS, Link.KEY, "The key is rotated by itself", f"{fact.source}: Rotate.")
        return
    yield _finding(
        "rotation",
        Status.WARN,
        Link.KEY,
        "The key is not rotated by itself",
        f"{fact.source}: no action Rotate.",
        "Rotation limits what one key protects. It does not cut OpenAI off: old versions go on decrypting.",
        "Set a rotation policy on the key, and leave older versions enabled.",
        REVOCATION_GUIDE,
    )


def _rotates(item: object) -> bool:
    """Whether an action of a rotation policy rotates: `az` prints its name, REST an object with its type."""
    action = item.get("action") if isinstance(item, dict) else None
    kind = action.get("type") if isinstance(action, dict) else action
    return isinstance(kind, str) and kind.lower() == "rotate"
