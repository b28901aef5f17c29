"""What the pool and the provider prove: is it there, is it on, and does it exchange OpenAI's token."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from ekm_core import strictjson, vendor
from ekm_core.evidence import State
from ekm_core.facts import Document
from ekm_core.gcp import snippets as gcp
from ekm_core.gcp.config import token_audience
from ekm_core.gcp.evidence import Kind
from ekm_core.gcp.iam import federation
from ekm_core.gcp.iam.federation import Exchange
from ekm_core.gcp.proofs.setup import (
    Setup,
    any_hidden,
    cannot_tell,
    change,
    confirmed,
    mapping,
    of,
    other_provider,
    quoted,
    ruled_out,
    unseen,
)
from ekm_core.model import Case, Check, Ruling


@dataclass(frozen=True, slots=True)
class Seen:
    """The registered provider as the cloud shows it. ``source``: the command, ready to stand in a sentence."""

    id: str
    document: Document
    source: str


def seen(case: Case) -> Seen | Ruling:
    """The registered provider, or the ruling that says why it cannot be judged."""
    setup = of(case)
    if not setup.provider:
        return cannot_tell(
            "The registered project number, pool id and provider id are not all given in a valid form, so we cannot "
            "tell which provider is meant."
        )
    if other := other_provider(case):
        return cannot_tell(
            f"The message is about another provider than the registered one: {quoted(other)}. Give the registration "
            "that the message belongs to."
        )
    fact = setup.evidence.provider(setup.provider)
    if fact.value is None:
        return unseen(fact, f"The provider {setup.provider_id}", gcp.describe_provider(case.values))
    return Seen(setup.provider_id, fact.value, fact.source)


def exchange(case: Case) -> Exchange | Ruling:
    """How Google would treat OpenAI's token at the registered provider; evaluated once for all proofs of the case."""
    provider = seen(case)
    if isinstance(provider, Ruling):
        return provider
    memo = ("gcp", "exchange")
    if memo not in case.memo:
        setup = of(case)
        pool = setup.evidence.pool(setup.pool).value
        case.memo[memo] = federation.exchange(provider.document, federation.openai_claims(setup.audience), pool)
    found: Exchange = case.memo[memo]
    return found


# --- What the token service itself said ---


@dataclass(frozen=True, slots=True)
class NameRefused:
    """Google's token service refused the registered provider's name, whatever token came with it.

    form: it is no name of a provider at all; else no usable provider has it. said: its words, and where they stand.
    """

    form: bool
    title: str
    said: str


def refused_by_name(case: Case) -> NameRefused | None:
    """What the token service said of the registered name; None where it was not asked or said nothing of it."""
    audience = token_audience(case.configuration) if case.configuration else ""
    fact = of(case).evidence.exchange(audience)
    if not audience or fact.value is None:
        return None
    words = str(fact.value["error_description"])
    form = words.startswith("Invalid value")
    title = (
        "Google's token service does not read the registered ids as the name of a provider"
        if form
        else "Google's token service finds no usable provider under the registered name"
    )
    return NameRefused(form, title, f"Asked for {quoted(audience)}, it said: {quoted(words)} ({fact.source}).")


# --- Is it there, and is it on? --------------------------------------------------------------------------------------


def wrong_number_or_id(case: Case) -> Ruling:
    """Whether no pool or no provider has the registered name."""
    provider = seen(case)
    if isinstance(provider, Seen):
        because = "A provider of exactly the registered name exists."
        if of(case).evidence.pool(of(case).pool).state is State.ABSENT:
            return cannot_tell("Your evidence shows the provider, and also that its pool does not exist.")
        return ruled_out(because, f"{of(case).provider} ({provider.source}).")
    setup = of(case)
    if not setup.provider or other_provider(case):
        return provider
    for fact, name in (
        (setup.evidence.pool(setup.pool), setup.pool),
        (setup.evidence.provider(setup.provider), setup.provider),
    ):
        if fact.state is State.ABSENT:
            because = f"The registered name points to nothing: {name} does not exist."
            return confirmed(because, f"{fact.because.rstrip('.')} ({fact.source}).")
    because = f"{provider.because}{_same_ids_elsewhere(setup)}"
    return cannot_tell(because, gcp.describe_provider(case.values), gcp.list_providers(case.values))


def _same_ids_elsewhere(setup: Setup) -> str:
    """A hint, no proof: the evidence may be of another project on purpose."""
    ids = setup.provider.split("/")[2:]
    for (kind, name), fact in setup.evidence.facts.items():
        if kind is Kind.PROVIDER and fact.state is State.SEEN and name.split("/")[2:] == ids:
            number = name.split("/")[1]
            return (
                f" Your evidence shows a provider of the same ids in the project with the number {number}. If that is "
                f"OpenAI's, the registered number {setup.number} is wrong."
            )
    return ""


def _state(flag: Callable[[Document], bool], word: str, *, lasting: bool) -> Check:
    """The proof whether the pool or the provider is ``word``; ``lasting``: something that is not there cannot be it.

    There is no change to offer: both are switched back by commands of their own, not by an edit of a document.
    """

    def proof(case: Case) -> Ruling:
        provider, setup = seen(case), of(case)
        if not setup.provider or other_provider(case):
            return provider if isinstance(provider, Ruling) else cannot_tell("The message is about another provider.")
        pool, fact = setup.evidence.pool(setup.pool), setup.evidence.provider(setup.provider)
        if pool.value and flag(pool.value):
            return confirmed(f"The pool {setup.pool_id} is {word}.", f"Pool {setup.pool} ({pool.source}).")
        if fact.value and flag(fact.value):
            because = f"The provider {setup.provider_id} is {word}."
            return confirmed(because, f"Provider {setup.provider} ({fact.source}).")
        known = (State.SEEN, State.ABSENT) if lasting else (State.SEEN,)
        if pool.state is State.ABSENT and lasting:
            return ruled_out(f"The registered pool does not exist, so it is not {word}.", f"Shown by {pool.source}.")
        if fact.state not in known:
            return unseen(fact, f"The provider {setup.provider_id}", gcp.describe_provider(case.values))
        if pool.state not in known:
            because = f"The provider is not {word}, but we do not see whether its pool is."
            return cannot_tell(because, gcp.describe_pool(case.values))
        because = f"Neither the pool nor the provider is {word}."
        return ruled_out(because, f"Pool: {pool.source}. Provider: {fact.source}.")

    return proof


disabled = _state(lambda document: document.get("disabled") is True, "disabled", lasting=True)
deleted = _state(lambda document: document.get("state") == "DELETED", "deleted", lasting=False)


# --- The issuer and its keys -----------------------------------------------------------------------------------------


def issuer(case: Case) -> Ruling:
    """Whether the provider trusts another issuer than Google, who signs OpenAI's tokens."""
    provider = seen(case)
    if isinstance(provider, Ruling):
        return provider
    given = mapping(provider.document.get("oidc")).get("issuerUri")
    if not isinstance(given, str) or not given or any_hidden(given):
        return cannot_tell(f"The provider's issuer is not shown in full ({provider.source}).")
    said = f"Provider {provider.id}, oidc.issuerUri: {quoted(given)} ({provider.source})."
    if given == vendor.GCP_ISSUER:
        return ruled_out(f"The provider's issuer is {vendor.GCP_ISSUER}, as it must be.", said)
    before = provider.document
    after = {**before, "oidc": {**before["oidc"], "issuerUri": vendor.GCP_ISSUER}}
    because = f"The provider trusts {quoted(given)}. OpenAI's tokens are issued by {vendor.GCP_ISSUER}."
    return confirmed(because, said, changes=(change(f"Provider {provider.id}", before, after),))


def keys_uploaded(case: Case) -> Ruling:
    """Whether the provider has uploaded keys that cannot be those with which Google signs.

    Google signs ID tokens with RS256 alone (its discovery document, id_token_signing_alg_values_supported), so a set
    without any RSA key is not Google's. A set with RSA keys may be, or may have been.
    """
    provider = seen(case)
    if isinstance(provider, Ruling):
        return provider
    oidc = provider.document.get("oidc")
    if not isinstance(oidc, dict):
        return cannot_tell(f"The provider shows no OpenID Connect settings ({provider.source}).")
    uploaded = oidc.get("jwksJson", "")
    if uploaded == "":
        return ruled_out(
            "The provider has no uploaded keys.", f"Provider {provider.id}, no oidc.jwksJson ({provider.source})."
        )
    kinds = _key_types(uploaded)
    if kinds and "RSA" not in kinds:
        listed = ", ".join(sorted(kinds))
        because = (
            f"The uploaded keys are of the kind {listed}. Google signs with RSA keys, so none of them is Google's."
        )
        return confirmed(because, f"Provider {provider.id}, oidc.jwksJson ({provider.source}).")
    return cannot_tell(
        "The provider has uploaded keys. Whether the one with which Google signs is among them cannot be seen here."
    )


def _key_types(uploaded: object) -> frozenset[str]:
    """The kinds of the keys in a JWK set, none where it is not one that can be read whole."""
    text = uploaded if isinstance(uploaded, str) else json.dumps(uploaded)
    keys = mapping(strictjson.parse(text).value).get("keys")
    if not isinstance(keys, list) or not all(
        isinstance(key, dict) and re.fullmatch(r"[A-Za-z]{2,10}", str(key.get("kty"))) for key in keys
    ):
        return frozenset()
    return frozenset(str(key["kty"]) for key in keys)
