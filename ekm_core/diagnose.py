"""From a pasted text and the user's own values to the whole answer: which error, which cause, which fix.

One direction: redact -> normalise -> classify -> entities -> judge every cause -> chain. Pure: no network, no state.
A cause is judged twice: on the words of the error, and on the configuration and the evidence where there are any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ekm_core import catalogue, classify, entities, nearest, normalise, redact, vendor, waiting, wellformed
from ekm_core.model import (
    Case,
    Cause,
    ChainLink,
    Configuration,
    Diagnosis,
    Entity,
    Exhibit,
    JudgedCause,
    JudgedError,
    KnownError,
    Link,
    LinkState,
    Match,
    Proof,
    Provider,
    Ruling,
    Values,
    Verdict,
)

OWN_TEST = "own-test"
"""The id that every provider gives to the cause "this is your own test, not OpenAI's call"."""

_REACH = 2_000
"""How many characters before and behind a match are judged with it; a trust policy pasted below still is."""

_BEFORE = entities.LIMIT // 2
"""How much of a long paste before a match is searched for values; as much behind it."""

_ORDER = {Verdict.CONFIRMED: 0, Verdict.CANNOT_TELL: 1, Verdict.RULED_OUT: 2}


@dataclass(frozen=True, slots=True)
class Setup:
    """What is known beside the error text: what is registered, what the cloud says, when it was last changed.

    now: the user's clock, an aware time; it is asked for only where ``changed`` is given.
    """

    configuration: Configuration | None = None
    evidence: tuple[Exhibit, ...] = ()
    changed: datetime | None = None
    now: datetime | None = None


NOTHING = Setup()


def diagnose(text: str, typed: Mapping[str, str] | None = None, setup: Setup = NOTHING) -> Diagnosis:
    """The whole answer to one paste.

    text: anything; secrets are removed before anything else sees it. typed: what the user gave in the form, by value
    name (``organization_id``, ``role_arn`` …); blank entries count as not given. setup: configuration and evidence;
    what is typed goes before what is registered.
    """
    given = _given(typed)
    registered = _given(_registered(setup))
    redacted = redact.redact(text)
    normal = normalise.normalise(redacted.text)
    classified = classify.classify(normal.text)
    # Extraction is the costly part: only the values of the errors' own clouds, once for all errors of one paste.
    several = len(classified) > 1 and len(normal.text) <= entities.LIMIT
    clouds = {result.error.provider for result in classified} if several else ()
    whole = {provider: entities.extract(normal.text, provider) for provider in clouds}
    errors = tuple(
        _judged_error(result, classified, normal, whole.get(result.error.provider, ()), given, registered, setup)
        for result in classified
    )
    perhaps: tuple[KnownError, ...] = () if errors else nearest.nearest(normal.text)
    return Diagnosis(
        text=redacted.text,
        redactions=redacted.counts,
        errors=errors,
        perhaps=perhaps,
        chain=_chain(errors, setup),
        next_step=next_step(errors, bool(normal.text.strip())),
        typed=registered | given,
    )


def explain(error_id: str, typed: Mapping[str, str] | None = None) -> tuple[JudgedCause, ...]:
    """The causes of one entry with looks and fixes, judged on the user's values alone (there is no error text).

    Raises KeyError for an unknown id.
    """
    given = _given(typed)
    case = Case("", (), Values(wellformed.derive(given), frozenset(given)))
    return _judge(catalogue.errors()[error_id].causes, case)


def read_values(found: Sequence[Entity]) -> dict[str, str]:
    """One value a name, as it is shown: the most trusted, but a well-formed one before a masked one."""
    read = entities.first(found) | _usable(found)
    if read.get("account_id") == vendor.AWS_ACCOUNT:
        del read["account_id"]  # the name stands for the customer's account; OpenAI's is in the principal
    return read


def _usable(found: Sequence[Entity]) -> dict[str, str]:
    return entities.first([item for item in found if wellformed.well_formed(item.name, item.value)])


def _given(typed: Mapping[str, str] | None) -> dict[str, str]:
    """What was typed, without blanks and without secrets: a token in a form field must not reach a snippet."""
    return {name: redact.redact(value.strip()).text for name, value in (typed or {}).items() if value.strip()}


def _judged_error(
    result: classify.Classified,
    others: Sequence[classify.Classified],
    normal: normalise.Normalised,
    whole: tuple[Entity, ...],
    given: Mapping[str, str],
    registered: Mapping[str, str],
    setup: Setup,
) -> JudgedError:
    words, found = _surroundings(result, others, normal.text, whole)
    usable = _usable(found)
    read = read_values(found)
    usable.update(registered)
    usable.update(given)
    mine = setup if _is_about(setup, result.error.provider) else NOTHING
    values = Values(
        wellformed.derive(usable), frozenset({**registered, **given}), frozenset(registered) - frozenset(given)
    )
    case = Case(words, found, values, mine.configuration, mine.evidence)
    proofs: list[Proof] = []
    for hit in result.hits:
        start, end = normal.span(hit.start, hit.end)
        if not any(proof.start <= start and end <= proof.end for proof in proofs):
            proofs.append(Proof(hit.signature.id, normal.text[hit.start : hit.end], start, end))
    match = Match(result.error, result.score, tuple(proofs))
    return JudgedError(match, read, _judge(result.error.causes, case, mine))


def _registered(setup: Setup) -> dict[str, str]:
    if setup.configuration is None:
        return {}
    from ekm_core import configuration  # readers of curl, SDK calls and Terraform: a bare paste needs none of them

    return configuration.values(setup.configuration)


def _is_about(setup: Setup, provider: Provider) -> bool:
    """Whether a set-up says anything about errors of a provider: it is of one cloud, and OpenAI's API is about each."""
    return setup.configuration is None or provider in (setup.configuration.provider, Provider.OPENAI)


def _surroundings(
    result: classify.Classified, others: Sequence[classify.Classified], text: str, whole: tuple[Entity, ...]
) -> tuple[str, tuple[Entity, ...]]:
    """The words that belong to a match and the values in them.

    With several errors in one paste the words end half way to the neighbouring ones, and the values in them come first,
    so that each error gets its own account or key.
    """
    first = min(hit.start for hit in result.hits)
    last = max(hit.end for hit in result.hits)
    start, end = max(0, first - _REACH), min(len(text), max(last, first + 1) + _REACH)
    for other in others:
        if other is result:
            continue
        best = other.hits[0]
        if best.end <= first:
            start = max(start, (best.end + first) // 2)
        elif best.start >= last:
            end = min(end, (last + best.start) // 2)
    words = text[start:end][: entities.LIMIT]
    provider = result.error.provider
    if len(others) == 1:
        near = text if len(text) <= entities.LIMIT else text[max(0, first - _BEFORE) :]
        return words, entities.extract(near, provider)
    mine = entities.extract(words, provider)
    if len(text) > entities.LIMIT:  # a log of many errors: each one's own words are enough
        return words, mine
    seen = {(entity.name, entity.value) for entity in mine}
    return words, (*mine, *(item for item in whole if (item.name, item.value) not in seen))


def _judge(causes: Sequence[Cause], case: Case, setup: Setup = NOTHING) -> tuple[JudgedCause, ...]:
    judged = [JudgedCause(cause, _rule(cause, case, setup), case.values) for cause in causes]
    return tuple(sorted(judged, key=_rank))


def _rule(cause: Cause, case: Case, setup: Setup) -> Ruling:
    """The verdict of the words and the verdict of the set-up in one; where they disagree, neither is a proof."""
    if cause.passes and cause.wait and setup.changed and setup.now:
        return waiting.rule(cause.wait, setup.changed, setup.now)
    words = cause.check(case)
    if cause.proof is None or (case.configuration is None and not case.evidence):
        return words
    proved = cause.proof(case)
    if proved.verdict is Verdict.CANNOT_TELL:
        return words if words.verdict is not Verdict.CANNOT_TELL else proved
    if words.verdict is Verdict.CANNOT_TELL:
        return proved
    if words.verdict is proved.verdict:
        return replace(proved, quotes=words.quotes)
    return Ruling(
        Verdict.CANNOT_TELL,
        f"The message and your set-up disagree. The message: {words.because} Your set-up: {proved.because} One of the "
        "two is older than the last change, or is about something else. Let OpenAI validate the key again and paste "
        "the new message.",
        words.quotes,
        proved.shown,
    )


def _rank(judged: JudgedCause) -> tuple[int, bool]:
    """Confirmed, open, ruled out; among the open ones the user's own test is the least likely."""
    return _ORDER[judged.ruling.verdict], judged.cause.id == OWN_TEST


def _chain(errors: Sequence[JudgedError], setup: Setup) -> tuple[ChainLink, ...]:
    """The chain of the root error's provider: broken where an error shows it, proven where an error needs it passed.

    What no error shows comes from the configuration and the evidence.
    """
    if not errors:
        return ()
    provider = errors[0].match.error.provider
    states: dict[Link, ChainLink] = {}
    for judged_error in errors:
        error = judged_error.match.error
        if error.provider is not provider:
            continue
        if _own_test(judged_error):
            because = "The error comes from your own test, so it says nothing about OpenAI's call."
            states.setdefault(error.link, ChainLink(error.link, LinkState.UNKNOWN, because))
            continue
        states.setdefault(error.link, ChainLink(error.link, LinkState.BROKEN, f"{error.title}."))
        for link in error.proves:
            because = f"The cloud answers with “{error.title}” only after this step has passed."
            states.setdefault(link, ChainLink(link, LinkState.PROVEN, because))
    if setup.configuration is not None and _is_about(setup, provider) and provider is not Provider.OPENAI:
        from ekm_core import check  # as above: a bare paste does not need it

        for item in check.chain(check.case_of(setup.configuration, setup.evidence)):
            if item.state is not LinkState.UNKNOWN:
                states.setdefault(item.link, item)
    unknown = "The pasted text does not show it."
    return tuple(states.get(link, ChainLink(link, LinkState.UNKNOWN, unknown)) for link in Link)


def _own_test(judged_error: JudgedError) -> bool:
    return any(
        judged.cause.id == OWN_TEST and judged.ruling.verdict is Verdict.CONFIRMED for judged in judged_error.causes
    )


def next_step(errors: Sequence[JudgedError], anything: bool) -> str:
    """The one thing to do first, in a plain sentence. anything: whether the text holds anything at all."""
    if errors:
        first = errors[0]
        if not first.causes:
            return first.match.error.summary
        judged = first.causes[0]
        if judged.ruling.verdict is Verdict.CONFIRMED:
            return judged.fix.summary
        if judged.ruling.verdict is Verdict.RULED_OUT:
            return "The text rules out every cause we know. Send this report to your OpenAI contact."
        step = (judged.look.console or (judged.ruling.because,))[0]
        return f"Check first whether this is the cause: {judged.cause.title}. {step}"
    if not anything:
        return "Paste the whole error message."
    return "Copy the whole message, from the first line of the error to the last, and paste it again."


WHERE_TO_COPY: Mapping[Provider, str] = {
    Provider.AWS: "AWS: the answer of OpenAI's validate call, or the errorCode and errorMessage of the event in "
    "CloudTrail (event names AssumeRole, Encrypt, Decrypt).",
    Provider.GCP: "Google Cloud: the answer of OpenAI's validate call with error and error_description, or the "
    "status of the entry in Cloud Audit Logs (services sts.googleapis.com and cloudkms.googleapis.com).",
    Provider.AZURE: "Azure: the answer of OpenAI's validate call with the AADSTS code or the Key Vault message "
    "down to “Vault: …;location=…”, or the sign-in log of the service principal in Microsoft Entra.",
    Provider.OPENAI: "OpenAI API: the whole JSON body of the answer, with message, type, param and code.",
}
"""Where the whole message stands, by provider: what to tell a person whose text we do not know."""
