"""Tenant and service principal: whom Microsoft Entra gives a token."""

from __future__ import annotations

import json

from ekm_core import configuration
from ekm_core.azure import snippets
from ekm_core.azure.evidence import Kind
from ekm_core.azure.proofs.setting import Setting, fails, guid, holds, is_masked, proves, stays_open, unseen
from ekm_core.evidence import State
from ekm_core.model import Change, Ruling
from ekm_core.vendor import AZURE_APP_ID


def _look(known: Setting) -> Ruling:
    return unseen(
        known.principal,
        "whether OpenAI's service principal exists in your tenant",
        snippets.show_tenant(),
        snippets.show_service_principal(),
    )


def _exists(known: Setting) -> Ruling | None:
    """RULED_OUT where the service principal is there."""
    fact = known.principal
    if fact.value is None:
        return None
    return fails(
        "OpenAI's application has a service principal in your tenant, as your evidence stands now.",
        (f"{fact.source}: object id {fact.value.object_id}.",),
    )


def _absent(known: Setting) -> tuple[str, str] | None:
    """What shows that the service principal is not in the customer's tenant: the sentence, and where it stands."""
    fact = known.principal
    if fact.state is State.ABSENT:
        where = known.signed_in or "that your Azure CLI was signed in to"
        return f"Microsoft Entra finds no service principal of OpenAI's application in the tenant {where}.", fact.source
    said = known.said
    asked = said.application.lower() == AZURE_APP_ID and guid(said.tenant) == known.vault_tenant != ""
    if asked and fact.state is not State.SEEN and fact.state is not State.CONFLICTING:
        because = f"The message says that it is missing in the tenant {said.tenant}, which is the vault's."
        return because, f"{known.trusted.source}: tenant {known.vault_tenant}"
    return None


def _deleted(known: Setting) -> str:
    """Which output shows the service principal as deleted in the customer's own tenant, or ""."""
    elsewhere = known.signed_in and known.signed_in != known.own_tenant
    return "" if elsewhere else known.evidence.deleted.get((Kind.SERVICE_PRINCIPAL, AZURE_APP_ID), "")


def _elsewhere(known: Setting) -> str:
    """What shows the service principal in a tenant that is not the customer's own, or ""."""
    fact = known.evidence.service_principal(AZURE_APP_ID)
    if fact.value is None or not known.signed_in or known.own_tenant in ("", known.signed_in):
        return ""
    return f"{fact.source}: object id {fact.value.object_id}."


@proves
def not_created(known: Setting) -> Ruling:
    """OpenAI's application has no service principal in the customer's tenant (and it was not deleted)."""
    there = _exists(known)
    if there:
        return there
    absent = _absent(known)
    if absent is None:
        return _look(known)
    # Each is a reason of its own with a fix of its own, so this one is not claimed beside it.
    if _deleted(known):
        return stays_open("It was created, and deleted since: see that cause.")
    if _elsewhere(known):
        return stays_open("It was created, but in another tenant: see that cause.")
    return holds(
        f"{absent[0]} Until it is created there, Entra gives OpenAI no token.",
        (f"{absent[1]}: no entry for the application {AZURE_APP_ID}.",)
        if known.principal.state is State.ABSENT
        else (f"{absent[1]}.",),
    )


@proves
def deleted(known: Setting) -> Ruling:
    """The service principal was deleted in the customer's tenant."""
    there = _exists(known)
    if there:
        return there
    source = _deleted(known)
    absent = _absent(known)
    if source and absent:
        return holds(
            f"{absent[0]} It is among the deleted ones, so it was there before.",
            (f"{source}: application {AZURE_APP_ID} with the date of its deletion.",),
        )
    if source:
        return _look(known)
    return stays_open(
        "We have not seen it among the deleted service principals. They are kept for 30 days.",
        snippets.deleted_service_principals(),
    )


@proves
def created_elsewhere(known: Setting) -> Ruling:
    """The service principal was created in another tenant than the vault's."""
    there = _exists(known)
    if there:
        return there
    fact = known.evidence.service_principal(AZURE_APP_ID)
    elsewhere = known.signed_in and known.own_tenant and known.signed_in != known.own_tenant
    if fact.value and elsewhere:
        absent = _absent(known)
        if absent:
            return holds(
                f"{absent[0]} It exists in the tenant {known.signed_in}, where your Azure CLI was signed in.",
                (
                    f"{known.evidence.account.source}: tenant {known.signed_in}.",
                    f"{fact.source}: the service principal.",
                ),
            )
    return stays_open(
        "One sign-in shows one tenant. Sign in to the vault's tenant and look for the service principal there.",
        snippets.sign_in(known.values),
        snippets.show_tenant(),
        snippets.show_service_principal(),
    )


@proves
def wrong_tenant(known: Setting) -> Ruling:
    """The registered tenant is not the vault's."""
    registered = known.case.configuration.get("tenant_id") if known.case.configuration else ""
    if not known.tenant:
        return stays_open(_no_id(registered))
    if not known.vault_tenant and known.stranger.value:
        return stays_open(
            f"A vault named {known.vault_name} trusts the tenant {known.stranger.value}, not the registered one. "
            "Whether it is yours, we have not seen.",
            snippets.show_vault(known.values),
        )
    if not known.vault_tenant:
        return unseen(known.vault, "which tenant the registered vault belongs to", snippets.show_vault(known.values))
    shown = (f"{known.trusted.source}: tenant {known.vault_tenant}.", f"Configuration: tenant_id {registered}.")
    if known.tenant == known.vault_tenant:
        return fails(f"The vault {known.vault_name} belongs to the registered tenant.", shown)
    if known.home == known.tenant:
        return stays_open(
            f"The vault {known.vault_name} trusts the tenant {known.vault_tenant}, while its subscription belongs to "
            "the registered one. Then the vault is to be changed, not the registration."
        )
    return holds(
        f"The vault {known.vault_name} belongs to the tenant {known.vault_tenant}. The registration names "
        f"{known.tenant}, so OpenAI asks the wrong tenant for its token.",
        shown,
        _registration(known, tenant_id=known.vault_tenant),
    )


def _registration(known: Setting, **right: str) -> tuple[Change, ...]:
    """The registration with the right values in it."""
    if known.case.configuration is None:
        return ()
    before = configuration.body(known.case.configuration)
    after = {**before, **right}
    return (
        Change(
            "Registration",
            json.dumps(before, indent=2, ensure_ascii=False),
            json.dumps(after, indent=2, ensure_ascii=False),
        ),
    )


@proves
def wrong_tenant_id(known: Setting) -> Ruling:
    """The registered tenant_id is no tenant's id, or another tenant's than the vault's."""
    registered = known.case.configuration.get("tenant_id") if known.case.configuration else ""
    if registered.lower() == AZURE_APP_ID:
        return holds(
            "The registered tenant_id is OpenAI's application id. It must be the id of your own tenant.",
            (f"Configuration: tenant_id {registered}.",),
        )
    if registered and not known.tenant and not is_masked(registered) and not guid_like(registered):
        return holds(
            "The registered tenant_id has not the form of an id: 32 hexadecimal digits in five groups.",
            (f"Configuration: tenant_id {registered[:200]}.",),
        )
    return wrong_tenant(known.case)


def guid_like(value: str) -> bool:
    """Whether a value may be an id with a part made unreadable: five groups."""
    return value.count("-") == 4


def _no_id(registered: str) -> str:
    if not registered:
        return "The configuration names no tenant_id."
    return "The registered tenant_id is not a whole id, so we cannot compare it. Give it unmasked."


@proves
def vault_moved(known: Setting) -> Ruling:
    """The vault trusts the tenant that it was created in, and its subscription belongs to another one now."""
    if not known.vault_tenant:
        return unseen(known.vault, "which tenant the registered vault trusts", snippets.show_vault(known.values))
    home = known.home
    if not home:
        return stays_open(
            "We have not seen to which tenant the subscription of the vault belongs.", snippets.show_tenant()
        )
    shown = (
        f"{known.trusted.source}: tenant {known.vault_tenant}.",
        f"{known.evidence.account.source}: the subscription is in the tenant {home}.",
    )
    if home == known.vault_tenant:
        return fails("The vault trusts the tenant of its own subscription.", shown)
    return holds(
        f"The vault {known.vault_name} trusts the tenant {known.vault_tenant}, and its subscription belongs to {home}. "
        "So the subscription was moved after the vault was created.",
        shown,
    )


@proves
def disabled(known: Setting) -> Ruling:
    """OpenAI's service principal is switched off."""
    fact = known.principal
    if fact.value is None or fact.value.enabled is None:
        return unseen(fact, "whether OpenAI's service principal is switched on", snippets.show_service_principal())
    if fact.value.enabled:
        return fails("The service principal is switched on.", (f"{fact.source}: accountEnabled true.",))
    return holds(
        "OpenAI's service principal is switched off in your tenant, so Entra gives it no token.",
        (f"{fact.source}: accountEnabled false.",),
    )
