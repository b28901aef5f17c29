"""Does Google exchange OpenAI's token at this provider, and if not, why: a pure function of documents.

Sources, read on 2026-11-23: IAM API, workloadIdentityPools.providers (audiences, mapping, condition, limits, state);
help article 20000949 (OpenAI's issuer and subject); Google's OpenID Connect guide (the claims of its ID tokens).
In which order Google looks at issuer, audience, mapping and condition is not documented, so every failure is named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ekm_core import vendor
from ekm_core.decision import Outcome
from ekm_core.gcp.iam import cel
from ekm_core.pasted import shown, texts

# What the IAM API allows in a provider; a document beyond it is not what Google has stored.
_MOST_AUDIENCES = 10
_LONGEST_MAPPING = 2048
_MOST_ATTRIBUTES = 50
_SUBJECT_BYTES = 127

# OpenAI documents sub, azp, iss and aud. Google's ID tokens may also carry these; whether OpenAI's do, or with which
# value, is not published. Any claim beyond them is none of Google's, so the token does not have it.
_POSSIBLE_CLAIMS = frozenset(
    {"iat", "exp", "nbf", "jti", "auth_time", "email", "email_verified", "hd", "at_hash", "c_hash", "nonce", "name"}
    | {"given_name", "family_name", "picture", "profile", "locale", "amr", "acr", "sid", "scope", "google"}
    | {"target_audience", "gender", "birthdate", "zoneinfo", "phone_number", "phone_number_verified"}
)
_NAME = re.compile(
    r"projects/(\d+)/locations/global/workloadIdentityPools/([a-z0-9-]{4,32})/providers/([a-z0-9-]{4,32})"
)
_ATTRIBUTE = re.compile(r"attribute\.([a-z0-9_]{1,90})")


@dataclass(frozen=True, slots=True)
class Failure:
    """One reason why Google refuses the exchange: the id of the known error that it answers, and a sentence.

    ``error`` is "" where it is not documented which error Google answers. ``cause`` is the id of that error's cause,
    where the failure can have but one.
    """

    error: str
    text: str
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Whether the token exchange succeeds.

    failures: for DENIED, every reason. by: what was seen to be right. unknown: what could not be judged, with the
    reason. subject: the google.subject that the mapping makes, "" where not known. groups, attributes: what the
    mapping makes of the token, None where any of it is not known.
    condition: whether the attribute condition lets the token in (no condition does), None where not known.
    """

    outcome: Outcome
    failures: tuple[Failure, ...] = ()
    by: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    subject: str = ""
    groups: tuple[str, ...] | None = None
    attributes: Mapping[str, str] | None = None
    condition: bool | None = None


def openai_claims(audience: str) -> dict[str, str]:
    """The claims that OpenAI's token is known to have (help article 20000949); ``audience`` is the registered one."""
    claims = {"iss": vendor.GCP_ISSUER, "azp": vendor.GCP_SUBJECT, "sub": vendor.GCP_SUBJECT}
    return claims | {"aud": audience} if audience else claims


class _Notes:
    """What one exchange has shown so far."""

    def __init__(self) -> None:
        self.failures: list[Failure] = []
        self.by: list[str] = []
        self.unknown: list[str] = []

    def fail(self, error: str, text: str, cause: str = "") -> None:
        self.failures.append(Failure(error, text, cause))

    @property
    def outcome(self) -> Outcome:
        if self.failures:
            return Outcome.DENIED
        return Outcome.UNKNOWN if self.unknown else Outcome.ALLOWED


def exchange(provider: object, claims: Mapping[str, str], pool: object = None) -> Exchange:
    """Judges the exchange of a token with these claims at a provider, as ``gcloud … providers describe`` prints it.

    pool: the same for the pool, None where not given. A document of the wrong shape gives UNKNOWN, never an error.
    """
    if not isinstance(provider, Mapping):
        return Exchange(Outcome.UNKNOWN, unknown=("The provider is not a JSON object.",))
    notes = _Notes()
    _state(notes, provider, "provider")
    if isinstance(pool, Mapping):
        _state(notes, pool, "pool")
    _oidc(notes, provider, claims)
    mapped = _map(notes, provider, claims)
    condition = _condition(notes, provider, claims, mapped)
    return Exchange(
        notes.outcome,
        tuple(notes.failures),
        tuple(notes.by),
        tuple(notes.unknown),
        mapped.subject,
        mapped.groups,
        None if mapped.attributes is None or _open_attributes(mapped) else mapped.attributes,
        condition,
    )


def _open_attributes(mapped: _Mapped) -> bool:
    return any(name.startswith("attribute.") for name in mapped.open)


def _state(notes: _Notes, document: Mapping[str, object], what: str) -> None:
    # gcloud leaves out what has its default: no "disabled" means enabled.
    if document.get("state", "ACTIVE") == "DELETED":
        notes.fail("gcp-sts-provider-not-found", f"The {what} is deleted (state: DELETED).")
    elif document.get("state", "ACTIVE") != "ACTIVE":
        notes.unknown.append(f"The {what} has a state that we do not know.")
    if document.get("disabled", False) is True:
        notes.fail("gcp-sts-provider-not-found", f"The {what} is disabled (disabled: true).")
    elif document.get("disabled", False) is not False:
        notes.unknown.append(f"The {what}'s field disabled is neither true nor false.")


def _oidc(notes: _Notes, provider: Mapping[str, object], claims: Mapping[str, str]) -> None:
    other = next((kind for kind in ("aws", "saml", "x509") if kind in provider), None)
    oidc = provider.get("oidc")
    if other and oidc is None:
        notes.fail("", f"The provider is of the kind {other}. OpenAI's token needs an OpenID Connect provider.")
        return
    if not isinstance(oidc, Mapping):
        notes.unknown.append("The provider shows no OpenID Connect settings (oidc).")
        return
    _issuer(notes, oidc, claims)
    _audience(notes, provider, oidc, claims)


def _issuer(notes: _Notes, oidc: Mapping[str, object], claims: Mapping[str, str]) -> None:
    issuer = oidc.get("issuerUri")
    if not isinstance(issuer, str) or not issuer:
        notes.unknown.append("The provider shows no issuer (oidc.issuerUri).")
    elif issuer != claims.get("iss"):
        notes.fail(
            "gcp-sts-issuer-mismatch",
            f"The provider's issuer is {_quoted(issuer)}; the token's is {_quoted(claims.get('iss', ''))}.",
        )
    else:
        notes.by.append(f"The provider's issuer is the token's: {issuer}.")
    if oidc.get("jwksJson"):
        notes.unknown.append(
            "The provider has keys of its own (oidc.jwksJson). Whether the key that signed the token is among them "
            "cannot be seen here."
        )


def default_audiences(name: object) -> tuple[str, ...]:
    """What a provider without a list accepts: its own full name, with and without ``https:``; () for a bad name."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return ()
    return (f"https://iam.googleapis.com/{name}", f"//iam.googleapis.com/{name}")


def _audience(
    notes: _Notes, provider: Mapping[str, object], oidc: Mapping[str, object], claims: Mapping[str, str]
) -> None:
    # A projection prints null for a list that the provider does not have.
    given = [] if oidc.get("allowedAudiences") is None else oidc["allowedAudiences"]
    if not texts(given) or len(given) > _MOST_AUDIENCES:
        notes.unknown.append(f"The allowed audiences are not a list of at most {_MOST_AUDIENCES} texts.")
        return
    allowed = tuple(given) or default_audiences(provider.get("name"))
    audience = claims.get("aud", "")
    if not audience:
        notes.unknown.append("The registered audience is not known.")
    elif not allowed:
        notes.unknown.append("The provider has no allowed audiences, and its own full name is not shown.")
    elif audience in allowed:
        notes.by.append(f"The audience {_quoted(audience)} is allowed.")
    else:
        listed = ", ".join(_quoted(one) for one in allowed)
        lead = "The provider allows" if given else "The provider has no allowed audiences, so it expects its own name:"
        notes.fail("gcp-sts-audience-mismatch", f"{lead} {listed}. The token's audience is {_quoted(audience)}.")


@dataclass(frozen=True, slots=True)
class _Mapped:
    """What the mapping makes of the token; ``open`` names the targets whose value is not known."""

    subject: str = ""
    groups: tuple[str, ...] | None = None
    attributes: Mapping[str, str] | None = None
    open: frozenset[str] = frozenset()


def _map(notes: _Notes, provider: Mapping[str, object], claims: Mapping[str, str]) -> _Mapped:
    mapping = provider.get("attributeMapping")
    if not isinstance(mapping, Mapping) or not all(
        isinstance(key, str) and isinstance(value, str) for key, value in mapping.items()
    ):
        notes.unknown.append("The provider shows no attribute mapping (attributeMapping).")
        return _Mapped(open=frozenset({"google.subject"}))
    if len(mapping) > _MOST_ATTRIBUTES + 2 or any(len(value) > _LONGEST_MAPPING for value in mapping.values()):
        notes.unknown.append(
            f"The attribute mapping is beyond Google's limits ({_MOST_ATTRIBUTES} attributes, {_LONGEST_MAPPING} "
            "characters each)."
        )
        return _Mapped(open=frozenset(mapping))
    if "google.subject" not in mapping:
        notes.fail(
            "gcp-sts-attribute-mapping", "The attribute mapping does not set google.subject.", "subject-not-mapped"
        )
    results = cel.evaluate(list(mapping.values()), {"assertion": dict(claims)})
    subject = ""
    groups: tuple[str, ...] | None = None if "google.groups" in mapping else ()
    attributes: dict[str, str] = {}
    unclear: set[str] = set()
    for target, result in zip(mapping, results, strict=True):
        doubt = _doubt(mapping[target], result, frozenset(claims))
        made = _ATTRIBUTE.fullmatch(target)
        if target == "google.subject":
            subject = _subject(notes, mapping[target], result, doubt)
            if not subject:
                unclear.add(target)
        elif doubt or result.state is not cel.State.VALUE:
            unclear.add(target)
            # What Google does with a custom attribute that comes out empty is not documented.
            reason = doubt or result.message
            notes.unknown.append(f"The mapping of {_quoted(target)} ({_quoted(mapping[target])}): {reason}")
        elif target == "google.groups" and texts(result.value):
            groups = tuple(result.value)
        elif made and isinstance(result.value, str):
            attributes[made[1]] = result.value
        else:
            unclear.add(target)
            notes.unknown.append(f"The mapping of {_quoted(target)} gives a value of a kind that we cannot judge.")
    return _Mapped(subject, groups, attributes, frozenset(unclear))


def _subject(notes: _Notes, expression: str, result: cel.Result, doubt: str) -> str:
    """The subject, or "" with the failure or the doubt noted."""
    where = f"The mapping of google.subject is {_quoted(expression)}."
    if doubt:
        notes.unknown.append(f"{where} {doubt}")
    elif result.state is cel.State.MISSING:
        text = f"{where} It reads something that OpenAI's token does not have."
        notes.fail("gcp-sts-attribute-mapping", text, "subject-not-mapped")
    elif result.state is not cel.State.VALUE:
        notes.unknown.append(f"{where} {result.message}")
    elif not isinstance(result.value, str):
        notes.fail("gcp-sts-attribute-mapping", f"{where} Its result is no text.", "subject-not-text")
    elif not result.value:
        notes.unknown.append(f"{where} Its result is empty.")
    elif len(result.value.encode("utf-8", "replace")) > _SUBJECT_BYTES:
        text = f"{where} Its result is longer than {_SUBJECT_BYTES} bytes."
        notes.fail("gcp-sts-attribute-mapping", text, "subject-too-long")
    else:
        notes.by.append(f"{where} It gives {_quoted(result.value)}.")
        return result.value
    return ""


def _condition(
    notes: _Notes, provider: Mapping[str, object], claims: Mapping[str, str], mapped: _Mapped
) -> bool | None:
    """Whether the condition lets the token in, with the reason noted; None where it cannot be told."""
    condition = provider.get("attributeCondition", "")
    if not isinstance(condition, str):
        notes.unknown.append("The attribute condition is no text.")
        return None
    if not condition.strip():
        notes.by.append("The provider has no attribute condition.")
        return True
    google: dict[str, object] = {"subject": mapped.subject} if mapped.subject else {}
    if mapped.groups is not None:
        google["groups"] = list(mapped.groups)
    variables = {"assertion": dict(claims), "google": google, "attribute": dict(mapped.attributes or {})}
    (result,) = cel.evaluate([condition], variables)
    where = f"The attribute condition is {_quoted(condition)}."
    doubt = _doubt(condition, result, frozenset(claims)) or _doubt_about_mapped(condition, result, mapped)
    if doubt:
        notes.unknown.append(f"{where} {doubt}")
    elif result.state is cel.State.MISSING:
        lacking = "It reads something that OpenAI's token does not have, so it cannot be true."
        notes.fail("gcp-sts-attribute-condition", f"{where} {lacking}")
        return False
    elif result.state is not cel.State.VALUE:
        notes.unknown.append(f"{where} {result.message}")
    elif result.value is True:
        notes.by.append(f"{where} It is true for OpenAI's token.")
        return True
    elif result.value is False:
        notes.fail("gcp-sts-attribute-condition", f"{where} It is false for OpenAI's token.")
        return False
    else:
        notes.unknown.append(f"{where} Its result is neither true nor false.")
    return None


def foreign_claims(expression: str) -> tuple[str, ...]:
    """The claims that an expression reads and that no token of Google's, so none of OpenAI's, has."""
    own = _POSSIBLE_CLAIMS | openai_claims("").keys() | {"aud"}
    return tuple(sorted(cel.reads(expression, "assertion").names - own))


def _doubt(expression: str, result: cel.Result, known: frozenset[str]) -> str:
    """Why the result does not count: a claim that it reads may or may not be in the token; "" where it counts."""
    reads = cel.reads(expression, "assertion")
    if reads.whole:
        return "It looks at the whole token, and not all of OpenAI's claims are published."
    return _open_names(expression, result, "claim", sorted(reads.names & ((_POSSIBLE_CLAIMS | {"aud"}) - known)))


def _doubt_about_mapped(expression: str, result: cel.Result, mapped: _Mapped) -> str:
    for variable in ("google", "attribute"):
        reads = cel.reads(expression, variable)
        if reads.whole:
            return f"It looks at all mapped values of {variable} at once."
        unclear = sorted(name for name in reads.names if f"{variable}.{name}" in mapped.open)
        if doubt := _open_names(expression, result, "mapped value", unclear):
            return doubt
    return ""


def _open_names(expression: str, result: cel.Result, what: str, names: Sequence[str]) -> str:
    # CEL's "or" and "and" give a sure answer where one side decides alone, whatever the open value is. Not so where
    # the expression asks whether the value is there at all.
    if not names or (result.state is cel.State.VALUE and not cel.asks_presence(expression)):
        return ""
    return f"It needs the {what} {_quoted(names[0])}, and its value in OpenAI's token is not known."


def _quoted(text: str) -> str:
    return f"'{shown(text)}'"
