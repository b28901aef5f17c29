"""The vault's address and network, and the key's state: what stands behind the errors of the vault itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from ekm_core.azure import config, policy, snippets
from ekm_core.azure.evidence import Key, Kind
from ekm_core.azure.proofs.setting import Setting, fails, holds, is_masked, is_slip, proves, stays_open, unseen
from ekm_core.decision import Decision, Outcome
from ekm_core.evidence import State
from ekm_core.facts import Fact
from ekm_core.model import Finding, Ruling, Status


# ------------------------------------------------------------------------------------------------------------- address
def _address_fault(known: Setting) -> Finding | None:
    """What the configuration's own check finds wrong with vault_uri."""
    configured = known.case.configuration
    if configured is None or not known.vault_uri or is_masked(known.vault_uri):
        return None
    found = (item for item in config.validate(configured) if item.field == "vault_uri")
    return next((item for item in found if item.status is Status.FAIL), None)


_NO_VAULT = frozenset(
    f"azure-vault-uri-{fault}"
    for fault in ("malformed", "is-name", "privatelink", "managed-hsm", "other-cloud", "other-host")
)


def _registered(known: Setting) -> tuple[str, ...]:
    return (f"Configuration: vault_uri {known.vault_uri[:200]}.",)


@proves
def wrong_address(known: Setting) -> Ruling:
    """The registered address is not that of a key vault."""
    fault = _address_fault(known)
    if fault and fault.id in _NO_VAULT:
        return holds(f"{fault.title}. {fault.means}", _registered(known))
    if known.there:
        return fails("The vault of this name exists.", (f"{known.there}.", *_registered(known)))
    named = known.vault_name and f"{known.vault_name}.vault.azure.net" in known.case.text.lower()
    if named and (Kind.VAULT, known.vault_name) not in known.evidence.deleted:
        alike = nearly_named(known)
        if len(alike) == 1:
            return holds(
                f"No vault answers to the registered name {known.vault_name}. Yours is named {alike[0][0]}.",
                (f"{alike[0][1]}: {alike[0][0]}.", *_registered(known)),
            )
    return unseen(known.vault, "the registered vault", snippets.list_vaults(), snippets.show_vault(known.values))


def nearly_named(known: Setting) -> list[tuple[str, str]]:
    """The name and the source of each vault shown whose name differs from the registered one as by a slip."""
    vaults = known.evidence.vaults.items()
    return [(name, fact.source) for name, fact in vaults if fact.value and is_slip(name, known.vault_name)]


@proves
def private_link_host(known: Setting) -> Ruling:
    """The registered address is a host of a private link."""
    fault = _address_fault(known)
    if fault and fault.id == "azure-vault-uri-privatelink":
        return holds(fault.means, _registered(known))
    if known.vault_name or (fault and fault.id in _NO_VAULT):
        return fails("The registered address is not a private link's host.", _registered(known))
    return stays_open("The configuration names no whole vault_uri.")


@proves
def not_a_vault(known: Setting) -> Ruling:
    """The registered address belongs to no key vault of the public cloud."""
    fault = _address_fault(known)
    if fault and fault.id in _NO_VAULT - {"azure-vault-uri-privatelink"}:
        return holds(f"{fault.title}. {fault.means}", _registered(known))
    if known.vault_name:
        return fails("The registered address has the form of a key vault's.", _registered(known))
    if fault:
        return stays_open("The registered address is a private link's host: see that cause.")
    return stays_open("The configuration names no whole vault_uri.")


@proves
def vault_deleted(known: Setting) -> Ruling:
    """The vault was deleted."""
    source = known.evidence.deleted.get((Kind.VAULT, known.vault_name)) if known.vault_name else None
    if known.there:
        return fails("The vault exists.", (f"{known.there}: {known.vault_name}.",))
    if source:
        return holds(f"The vault {known.vault_name} is among the deleted ones.", (f"{source}: {known.vault_name}.",))
    return stays_open("We have not seen it among the deleted vaults.", snippets.list_deleted_vaults())


@proves
def network(known: Setting) -> Ruling:
    """The vault's network settings do not let OpenAI in."""
    decision = network_decision(known)
    if decision is None:
        return unseen(known.vault, "the vault's network settings", snippets.show_vault(known.values))
    shown = tuple(f"{known.vault.source}: {sentence}" for sentence in decision.by)
    if decision.outcome is Outcome.DENIED:
        return holds("The vault takes no call from the public network, and OpenAI calls from there.", shown)
    if decision.outcome is Outcome.ALLOWED:
        return fails("The vault takes calls from every public address.", shown)
    return stays_open(" ".join((*decision.by, *decision.missing)), snippets.show_vault(known.values))


def network_decision(known: Setting) -> Decision | None:
    """What the vault's network settings say; None where they were not seen."""
    vault = known.vault.value
    if vault is None or not vault.whole:
        return None
    inner = vault.document.get("properties")
    names = {str(name).lower() for name in inner} if isinstance(inner, dict) else set()
    # A shortened output lacks fields; what is not shown is not "no rules".
    if not {"publicnetworkaccess", "networkacls"} <= names:
        return None
    rules = known.evidence.network(known.vault_name)
    if rules.state in (State.CONFLICTING, State.REFUSED, State.FAILED):
        return None
    return policy.network({**vault.document, "networkAcls": rules.value or vault.network})


# ----------------------------------------------------------------------------------------------------------------- key
def _key(known: Setting) -> Fact[Key]:
    return known.evidence.key(known.vault_name, known.key)


def _on_key(judge: Callable[[Key, str], Ruling | None]) -> Callable[[Setting], Ruling]:
    """A judge of the key as it is now; None from it means that the output does not show what it needs."""

    def judged(known: Setting) -> Ruling:
        if not known.vault_name or not known.key:
            return stays_open("The configuration names no vault and key that can exist.")
        fact = _key(known)
        ruling = judge(fact.value, fact.source) if fact.value and fact.value.current else None
        return ruling or unseen(fact, "the newest version of the registered key", snippets.show_key(known.values))

    return judged


@proves
@_on_key
def disabled(key: Key, source: str) -> Ruling | None:
    """The key's current version is disabled."""
    if key.enabled is None:
        return None
    if key.enabled:
        return fails("The key's current version is enabled.", (f"{source}: enabled true.",))
    return holds("The key's current version is disabled.", (f"{source}: enabled false.",))


@proves
@_on_key
def expired(key: Key, source: str) -> Ruling | None:
    """The key's expiration date has passed, by the clock of this machine."""
    if not key.dated:
        return None
    if key.expires and key.expires <= datetime.now(UTC):
        return holds(f"The key expired on {key.expires:%Y-%m-%d %H:%M} UTC.", (f"{source}: expires {key.expires}.",))
    until = f"expires {key.expires}" if key.expires else "no expiration date"
    return fails("The key has not expired.", (f"{source}: {until}.",))


@proves
@_on_key
def not_yet_valid(key: Key, source: str) -> Ruling | None:
    """The key's activation date lies ahead, by the clock of this machine."""
    if not key.dated:
        return None
    if key.not_before and key.not_before > datetime.now(UTC):
        because = f"The key is valid from {key.not_before:%Y-%m-%d %H:%M} UTC on."
        return holds(because, (f"{source}: notBefore {key.not_before}.",))
    since = f"notBefore {key.not_before}" if key.not_before else "no activation date"
    return fails("The key is valid already.", (f"{source}: {since}.",))


@proves
@_on_key
def wrong_type(key: Key, source: str) -> Ruling | None:
    """The key is no RSA key."""
    if not key.kty or is_masked(key.kty):
        return None
    shown = (f"{source}: kty {key.kty[:40]}.",)
    if key.kty.upper() in ("RSA", "RSA-HSM"):
        return fails("The key is an RSA key.", shown)
    return holds(f"The key is of the type {key.kty[:40]}. OpenAI needs an RSA key.", shown)


@proves
@_on_key
def operations(key: Key, source: str) -> Ruling | None:
    """The key's permitted operations lack encrypt or decrypt."""
    if key.operations is None or any(map(is_masked, key.operations)):
        return None
    permitted = {operation.lower() for operation in key.operations}
    shown = (f"{source}: keyOps {', '.join(key.operations)[:200] or 'none'}.",)
    lacking = [name for name in ("encrypt", "decrypt") if name not in permitted]
    if not lacking:
        return fails("The key permits encrypt and decrypt.", shown)
    if not key.kty or is_masked(key.kty):
        return stays_open("The key's type is not shown, so its operations alone decide nothing.")
    if key.kty.upper() not in ("RSA", "RSA-HSM"):
        # The vault words it alike, and to permit the operations is no way out.
        return fails("The key's type cannot encrypt, whatever is permitted: see that cause.", shown)
    return holds(f"The key's permitted operations lack {' and '.join(lacking)}.", shown)


@proves
def key_deleted(known: Setting) -> Ruling:
    """The key was deleted."""
    fact = _key(known)
    if fact.value:
        return fails("The key exists.", (f"{fact.source}: {known.vault_name}/{known.key}.",))
    source = known.evidence.deleted.get((Kind.KEY, f"{known.vault_name}/{known.key}".lower()))
    if source and (fact.state is State.ABSENT or known.message):
        return holds(
            f"The key {known.key} is among the deleted keys of the vault.",
            (f"{source}: {known.vault_name}/{known.key}.",),
        )
    look = snippets.show_key(known.values) if source else snippets.list_deleted_keys(known.values)
    return stays_open("We have not seen whether the key was deleted and not recovered.", look)


@proves
def wrong_name(known: Setting) -> Ruling:
    """The registered name is not that of the key that the vault holds."""
    fact = _key(known)
    if fact.value:
        return fails("The vault holds a key of the registered name.", (f"{fact.source}: {known.key}.",))
    look = (snippets.list_keys(known.values), snippets.show_key(known.values))
    if fact.state is not State.ABSENT:
        return unseen(fact, f"the key {known.key} in the vault {known.vault_name}", *look)
    if known.evidence.deleted.get((Kind.KEY, f"{known.vault_name}/{known.key}".lower())):
        return stays_open("The key of this name was deleted: see that cause.")
    alike = [other for other in known.evidence.keys.values() if other.value and _nearly(other.value, known)]
    if len(alike) == 1 and alike[0].value:
        return holds(
            f"The vault {known.vault_name} holds no key {known.key}, but one that is named {alike[0].value.name}.",
            (f"{fact.source}: no key {known.key}.", f"{alike[0].source}: key {alike[0].value.name}."),
        )
    return stays_open(
        "The vault holds no key of this name. Whether it was never created or is misspelt, see its keys.", *look
    )


def _nearly(key: Key, known: Setting) -> bool:
    return key.vault.lower() == known.vault_name and is_slip(key.name.lower(), known.key.lower())
