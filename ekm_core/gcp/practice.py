"""What works and is unwise: best practice, from configuration and evidence; and what a live call has shown.

Judged as OpenAI's own request is: what would a stranger get, and what would be left if only the key's policy counted.
"""

from __future__ import annotations

from collections.abc import Iterator

from ekm_core import vendor
from ekm_core.decision import Outcome
from ekm_core.evidence import State
from ekm_core.gcp import snippets as gcp
from ekm_core.gcp import sources
from ekm_core.gcp.iam import federation
from ekm_core.gcp.iam.bindings import Identity
from ekm_core.gcp.proofs import binding
from ekm_core.gcp.proofs import provider as providers
from ekm_core.gcp.proofs.setup import change, mapping, of, quoted
from ekm_core.model import Case, Finding, Link, Reference, Ruling, Status
from ekm_core.pasted import shown, texts

_STRANGER = "100000000000000000001"
_MOST_SHOWN = 3
# Roles that let their members encrypt or decrypt; sources.KMS_ROLES.
_USING_ROLES = frozenset(
    f"roles/cloudkms.{name}"
    for name in ("cryptoKeyEncrypterDecrypter", "cryptoKeyEncrypter", "cryptoKeyDecrypter", "cryptoOperator")
)
_UNUSABLE = frozenset({"DISABLED", "DESTROY_SCHEDULED", "DESTROYED"})


def findings(case: Case) -> tuple[Finding, ...]:
    """One finding for each practice that the evidence shows; nothing where it is not seen."""
    return (
        *_token_service(case),
        *_condition(case),
        *_access(case),
        *_other_users(case),
        *_rotation(case),
        *_older_versions(case),
    )


def _well(id: str, link: Link, title: str, saw: str, reference: Reference) -> Finding:
    return Finding(id, Status.PASS, link, title, saw, reference=reference)


def _token_service(case: Case) -> Iterator[Finding]:
    """What Google's token service itself said of the registered provider's name."""
    refused = providers.refused_by_name(case)
    if refused is None:
        return
    step = (
        "Compare the project number, the pool id and the provider id with the provider's own name in the console."
        if refused.form
        else "Compare the three ids with the provider's own name, and see that pool and provider are enabled."
    )
    yield Finding(
        "gcp-token-service-refuses-name",
        Status.FAIL,
        Link.TRUST,
        refused.title,
        refused.said,
        "OpenAI asks with the same name, so it gets the same answer.",
        step,
        errors=("gcp-sts-invalid-audience" if refused.form else "gcp-sts-provider-not-found",),
        reference=sources.STS,
    )


def _condition(case: Case) -> Iterator[Finding]:
    """Would the provider let the token of another Google identity in, if that had the same audience?"""
    provider, exchange = providers.seen(case), providers.exchange(case)
    if isinstance(provider, Ruling) or isinstance(exchange, Ruling) or exchange.condition is not True:
        return
    stranger = federation.openai_claims(of(case).audience) | {"sub": _STRANGER, "azp": _STRANGER}
    open_ = federation.exchange(provider.document, stranger).condition
    id = "gcp-condition-open-to-others"
    if open_ is False:
        title = "The attribute condition lets OpenAI in and no other Google identity"
        yield _well(id, Link.TRUST, title, f"Shown by {provider.source}.", vendor.GCP_GUIDE)
    if open_ is not True:
        return
    old = str(provider.document.get("attributeCondition") or "").strip()
    condition = f"({old}) && {gcp.condition()}" if old else gcp.condition()
    after = {**provider.document, "attributeCondition": condition}
    yield Finding(
        id,
        Status.WARN,
        Link.TRUST,
        "The attribute condition lets others in" if old else "The provider has no attribute condition",
        f"Provider {provider.id}, attributeCondition: {quoted(old) if old else 'none'} ({provider.source}).",
        "Any Google identity that has a token for the allowed audience can enter the pool, not only OpenAI.",
        "Set the attribute condition of OpenAI's guide, which compares the subject.",
        reference=vendor.GCP_GUIDE,
        changes=(change(f"Provider {provider.id}", provider.document, after),),
    )


def _access(case: Case) -> Iterator[Finding]:
    """Is the key open to the whole pool, and does OpenAI hold its role on the key alone?"""
    access = binding.access(case)
    if isinstance(access, Ruling) or not access.allowed:
        return
    setup, key = of(case), access.levels[0]
    if key.fact.value is None:
        return
    stranger = Identity(setup.number, setup.pool_id, _STRANGER, (), {})
    if binding.evaluate(setup, stranger, access.levels).encrypt.outcome is Outcome.ALLOWED:
        yield Finding(
            "gcp-key-open-to-pool",
            Status.WARN,
            Link.PERMISSION,
            "The key is open to more than OpenAI's principal",
            " ".join(access.encrypt.by),
            "Any other identity that enters the pool could use the key too.",
            f"Bind {access.identity.member} alone, and remove the wider member.",
            reference=vendor.GCP_GUIDE,
            changes=binding.bound_on_key(access),
        )
    id = "gcp-role-above-key"
    if binding.evaluate(setup, access.identity, access.levels[:1]).allowed:
        title = "OpenAI's principal holds its role on the key itself"
        yield _well(id, Link.PERMISSION, title, f"Shown by {key.fact.source}.", vendor.GCP_GUIDE)
        return
    yield Finding(
        id,
        Status.WARN,
        Link.PERMISSION,
        "OpenAI's principal holds its role above the key",
        " ".join(dict.fromkeys((*access.encrypt.by, *access.decrypt.by))),
        "The role counts for every key below that place, not only for the registered one.",
        "Bind the role on the key, let OpenAI validate the key, then remove the binding above it.",
        reference=vendor.GCP_GUIDE,
        changes=binding.bound_on_key(access),
    )


def _other_users(case: Case) -> Iterator[Finding]:
    """Who else may use the key, by the key's own policy."""
    access = binding.access(case)
    if isinstance(access, Ruling) or access.levels[0].fact.value is None:
        return
    bindings = mapping(access.levels[0].fact.value).get("bindings")
    others = [
        member
        for bound in (bindings if isinstance(bindings, list) else ())
        if isinstance(bound, dict) and str(bound.get("role")) in _USING_ROLES and texts(bound.get("members"))
        for member in bound["members"]
        if vendor.GCP_SUBJECT not in member and "workloadIdentityPools" not in member
    ]
    if others:
        named = ", ".join(map(shown, others[:_MOST_SHOWN]))
        more = f" and {len(others) - _MOST_SHOWN} more" if len(others) > _MOST_SHOWN else ""
        yield Finding(
            "gcp-key-used-by-others",
            Status.WARN,
            Link.PERMISSION,
            "The same key is used by others",
            f"Policy of the key: {named}{more} ({access.levels[0].fact.source}).",
            "If you revoke or rotate the key for OpenAI, these are affected too.",
            "Make a key for OpenAI alone before you register it.",
            reference=vendor.REVOCATION_GUIDE,
        )


def _rotation(case: Case) -> Iterator[Finding]:
    setup = of(case)
    fact = setup.evidence.key(setup.key) if setup.key else None
    key = mapping(fact.value) if fact else {}
    level = mapping(key.get("versionTemplate")).get("protectionLevel")
    # Keys that are kept outside of Google are rotated there.
    if fact is None or key.get("purpose") != "ENCRYPT_DECRYPT" or level not in ("SOFTWARE", "HSM"):
        return
    id = "gcp-key-without-rotation"
    if isinstance(key.get("rotationPeriod"), str):
        title = "The key is rotated by itself"
        yield _well(id, Link.KEY, title, f"rotationPeriod: {shown(key['rotationPeriod'])}.", vendor.REVOCATION_GUIDE)
        return
    yield Finding(
        id,
        Status.WARN,
        Link.KEY,
        "The key is not rotated by itself",
        f"Key {setup.key} has no rotationPeriod ({fact.source}).",
        "Rotation makes a new version for new data. It does not cut OpenAI's access: older versions stay usable.",
        "Set a rotation period in the console, on the page of the key, if your policy asks for one.",
        reference=vendor.REVOCATION_GUIDE,
    )


def _older_versions(case: Case) -> Iterator[Finding]:
    """Older versions that cannot decrypt any more what OpenAI may have encrypted with them."""
    setup = of(case)
    if not setup.key:
        return
    primary = mapping(mapping(setup.evidence.key(setup.key).value).get("primary")).get("name")
    if not isinstance(primary, str):
        return
    unusable = [
        f"{fact.value['name'].rpartition('/')[2]} ({fact.value['state']})"
        for fact in setup.evidence.versions(setup.key)
        if fact.state is State.SEEN
        and fact.value is not None
        and str(fact.value.get("state")) in _UNUSABLE
        and setup.evidence.canonical(fact.value["name"]) != setup.evidence.canonical(primary)
    ]
    if unusable:
        yield Finding(
            "gcp-older-version-unusable",
            Status.WARN,
            Link.KEY,
            "An older version of the key cannot be used",
            f"Versions of {setup.key}: {', '.join(unusable[:_MOST_SHOWN])}.",
            "What OpenAI encrypted while such a version was the primary one cannot be read.",
            "If OpenAI used it, enable it, or cancel its destruction, before the planned time.",
            reference=sources.KMS_STATES,
        )
