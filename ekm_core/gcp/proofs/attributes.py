"""What the provider's attribute condition and mapping prove, evaluated with what is known of OpenAI's token."""

from __future__ import annotations

import re

from ekm_core import vendor
from ekm_core.gcp import snippets as gcp
from ekm_core.gcp.checks import differ_by_one
from ekm_core.gcp.iam import cel, federation
from ekm_core.gcp.proofs import provider as providers
from ekm_core.gcp.proofs.setup import (
    cannot_tell,
    change,
    confirmed,
    hidden,
    mapping,
    meant_for_openai,
    of,
    quoted,
    ruled_out,
)
from ekm_core.model import Case, Change, Check, Ruling
from ekm_core.snippets import cel as cel_literal

_ERROR = "gcp-sts-attribute-mapping"
# A plain literal of CEL, without escapes: all that people write in a condition.
_LITERAL = re.compile(r"\"([^\"\\\n]{0,300})\"|'([^'\\\n]{0,300})'")
_MOST_LITERALS = 4


def _condition(case: Case) -> tuple[providers.Seen, str] | Ruling:
    """The provider and its condition, where that refuses OpenAI's token; else the ruling for all its causes."""
    provider, exchange = providers.seen(case), providers.exchange(case)
    if isinstance(provider, Ruling):
        return provider
    if isinstance(exchange, Ruling):
        return exchange
    condition = provider.document.get("attributeCondition") or ""
    said = _said(provider, condition) if isinstance(condition, str) else ""
    if exchange.condition is True:
        because = "As your evidence stands now, the attribute condition lets OpenAI's token in."
        return ruled_out(because if condition else "The provider has no attribute condition.", said)
    if exchange.condition is None or not isinstance(condition, str):
        why = next((one for one in exchange.unknown if "condition" in one), "The condition cannot be evaluated.")
        return cannot_tell(f"{why} ({provider.source})", gcp.describe_provider(case.values))
    if any(hidden(literal) for literal in _literals(condition)):
        return cannot_tell(f"The condition holds a masked value ({provider.source}). Paste it as it is.")
    return provider, condition


def _said(provider: providers.Seen, condition: str) -> str:
    return (
        f"Provider {provider.id}, attributeCondition: {quoted(condition) if condition else 'none'} ({provider.source})."
    )


def _literals(condition: str) -> list[str]:
    return [found[1] or found[2] or "" for found in _LITERAL.finditer(condition)]


def _mended(case: Case, provider: providers.Seen, condition: str) -> Change | None:
    """The provider with the one wrong subject in its condition put right, if that alone lets OpenAI's token in."""
    claims = federation.openai_claims(of(case).audience)
    right = cel_literal(vendor.GCP_SUBJECT)
    literals = [(found, found[1] or found[2] or "") for found in _LITERAL.finditer(condition)]
    wrong = [(found, text) for found, text in literals if meant_for_openai(text) and text != vendor.GCP_SUBJECT]
    for found, text in wrong[:_MOST_LITERALS]:
        mended = f"{condition[: found.start()]}{right}{condition[found.end() :]}"
        after = {**provider.document, "attributeCondition": mended}
        if federation.exchange(after, claims).condition is not True:
            continue
        if text.isdecimal() and not differ_by_one(text, vendor.GCP_SUBJECT):
            # It may be the number of another Google identity that somebody needs: that one stays.
            after["attributeCondition"] = f"({condition}) || {gcp.condition()}"
        return change(f"Provider {provider.id}", provider.document, after)
    return None


def _reads_subject(provider: providers.Seen, condition: str) -> bool:
    """Whether the condition reads the subject: in the token, as it was mapped, or through an attribute of its own."""
    mapped = mapping(provider.document.get("attributeMapping"))
    own = cel.reads(condition, "attribute")
    sources = [made for name, made in mapped.items() if own.whole or name.removeprefix("attribute.") in own.names]
    texts = [condition, *(made for made in sources if isinstance(made, str))]
    token, google = ([cel.reads(text, name) for text in texts] for name in ("assertion", "google"))
    return any(found.whole or {"sub", "azp"} & found.names for found in token) or any(
        found.whole or "subject" in found.names for found in google
    )


def wrong_subject(case: Case) -> Ruling:
    """Whether the condition names a subject that was meant to be OpenAI's and is not."""
    found = _condition(case)
    if isinstance(found, Ruling):
        return found
    provider, condition = found
    if not _reads_subject(provider, condition):
        return ruled_out("The condition refuses OpenAI's token, and it does not speak of the subject.", _said(*found))
    if mended := _mended(case, provider, condition):
        because = f"The condition names another subject. With OpenAI's, {vendor.GCP_SUBJECT}, it lets the token in."
        return confirmed(because, _said(*found), changes=(mended,))
    return cannot_tell(
        f"The condition {quoted(condition)} refuses OpenAI's token, and a wrong subject alone does not explain it. "
        "Compare it with the condition of OpenAI's guide."
    )


def condition_of_another_system(case: Case) -> Ruling:
    """Whether the condition asks for what only another system's tokens have."""
    found = _condition(case)
    if isinstance(found, Ruling):
        return _through_the_mapping(case) or found
    provider, condition = found
    if claims := federation.foreign_claims(condition):
        because = f"The condition asks for the claim {quoted(claims[0])}. OpenAI's token has no such claim."
        return confirmed(because, _said(*found))
    if _mended(case, provider, condition):
        return ruled_out("The condition speaks of a subject only, as it should, and names a wrong one.", _said(*found))
    foreign = [text for text in _literals(condition) if re.search(r"[:/@]", text) and text != vendor.GCP_ISSUER]
    if foreign and cel.reads(condition, "assertion").names in ({"sub"}, {"iss"}, {"sub", "iss"}):
        because = f"The condition asks for {quoted(foreign[0])}, which is no subject and no issuer of Google's."
        return confirmed(because, _said(*found))
    return cannot_tell(
        f"The condition {quoted(condition)} refuses OpenAI's token; we cannot tell for which system it was written."
    )


def _through_the_mapping(case: Case) -> Ruling | None:
    """The same where Google has said that the condition refuses, and it reads a foreign claim by a mapped attribute.

    Before any message it is not known what Google makes of an attribute whose claim is missing.
    """
    provider, exchange = providers.seen(case), providers.exchange(case)
    if isinstance(provider, Ruling) or isinstance(exchange, Ruling) or exchange.condition is not None or not case.text:
        return None
    condition = provider.document.get("attributeCondition")
    mapped = mapping(provider.document.get("attributeMapping"))
    read = [
        f"{variable}.{name}"
        for variable in ("attribute", "google")
        for name in (sorted(cel.reads(condition, variable).names) if isinstance(condition, str) else ())
    ]
    for name in read:
        source = mapped.get(name)
        if isinstance(source, str) and (claims := federation.foreign_claims(source)):
            because = (
                f"The condition asks for {name}, which comes from the claim {quoted(claims[0])}. OpenAI's token has no "
                "such claim."
            )
            return confirmed(because, _said(provider, str(condition)))
    return None


def _mapping(cause: str) -> Check:
    """The proof whether the mapping of google.subject fails in one way."""

    def proof(case: Case) -> Ruling:
        provider, exchange = providers.seen(case), providers.exchange(case)
        if isinstance(provider, Ruling):
            return provider
        if isinstance(exchange, Ruling):
            return exchange
        failure = next((one for one in exchange.failures if one.error == _ERROR), None)
        made = mapping(provider.document.get("attributeMapping")).get("google.subject")
        shown = f"google.subject = {quoted(made)}" if isinstance(made, str) else "google.subject is not set"
        said = f"Provider {provider.id}, attributeMapping: {shown} ({provider.source})."
        if failure is None and exchange.subject:
            because = f"As your evidence stands now, the mapping makes the subject {quoted(exchange.subject)}."
            return ruled_out(because, said)
        if failure is None:
            why = next((one for one in exchange.unknown if "mapping" in one), "The mapping cannot be evaluated.")
            return cannot_tell(why, gcp.describe_provider(case.values))
        if failure.cause != cause:
            return ruled_out(f"The mapping fails for another reason. {failure.text}", said)
        after = dict(provider.document)
        after["attributeMapping"] = {**mapping(after.get("attributeMapping")), **gcp.MAPPING}
        mended = change(f"Provider {provider.id}", provider.document, after)
        return confirmed(failure.text, said, changes=(mended,))

    return proof


subject_not_mapped = _mapping("subject-not-mapped")
subject_not_text = _mapping("subject-not-text")
subject_too_long = _mapping("subject-too-long")
