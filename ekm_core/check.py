"""The set-up checked on its own, with or without an error: "if you register now, you will get this".

One source of truth: the proofs of the known errors' causes judge here what they judge in a diagnosis; each cloud's
``config.validate`` adds what the fields alone show, and its ``practice.findings`` what works and is unwise.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ekm_core import catalogue, configuration
from ekm_core.model import (
    Case,
    Cause,
    ChainLink,
    Configuration,
    Exhibit,
    Finding,
    KnownError,
    Link,
    LinkState,
    Provider,
    Ruling,
    Snippet,
    Status,
    Values,
    Verdict,
)
from ekm_core.openai import evidence as openai
from ekm_core.registered import REFUSED
from ekm_core.wellformed import derive

_STATUS = {
    Verdict.CONFIRMED: Status.FAIL,
    Verdict.CANNOT_TELL: Status.COULD_NOT_CHECK,
    Verdict.RULED_OUT: Status.PASS,
}
_ORDER = {status: place for place, status in enumerate(Status)}


@dataclass(frozen=True, slots=True)
class Checked:
    """What a set-up looks like: findings from the most urgent to the least, the chain, and what would tell more.

    missing: the read-only commands whose output would settle what could not be checked, without repeats. by_form: the
    ids of the causes that the registration proves without any evidence.
    """

    findings: tuple[Finding, ...]
    chain: tuple[ChainLink, ...]
    missing: tuple[Snippet, ...]
    by_form: frozenset[str] = frozenset()

    @property
    def failed(self) -> bool:
        """Whether anything is wrong for sure."""
        return bool(self.of(Status.FAIL))

    def of(self, status: Status) -> tuple[Finding, ...]:
        """The findings with one status, in order."""
        return tuple(finding for finding in self.findings if finding.status is status)


def case_of(configured: Configuration, evidence: Sequence[Exhibit]) -> Case:
    """The case of a set-up without an error text."""
    registered = configuration.values(configured)
    return Case(
        "", (), Values(derive(registered), frozenset(registered), frozenset(registered)), configured, tuple(evidence)
    )


def check(configured: Configuration, evidence: Sequence[Exhibit] = ()) -> Checked:
    """Every finding about one configuration and what is known of the customer's cloud. Pure: no network, no state."""
    case = case_of(configured, evidence)
    cloud = configured.provider
    proved = _proved(cloud, case)
    found = [
        *importlib.import_module(f"ekm_core.{cloud}.config").validate(configured),
        *proved,
        *importlib.import_module(f"ekm_core.{cloud}.practice").findings(case),
    ]
    found.sort(key=lambda finding: (_ORDER[finding.status], list(Link).index(finding.link)))
    walked = chain(case)
    refused = [item for item in found if item.status is Status.FAIL and set(REFUSED) & set(item.errors)]
    if openai.is_proven(configured, evidence):
        walked = tuple(_passed(item) for item in walked)
    elif refused:
        because = f"OpenAI's API refuses the registration: {refused[0].title}."
        walked = tuple(
            ChainLink(item.link, LinkState.BROKEN, because) if item.link is Link.REQUEST else item for item in walked
        )
    missing = dict.fromkeys(
        snippet for finding in found if finding.status is Status.COULD_NOT_CHECK for snippet in finding.missing
    )
    sure = {item.id for item in proved if item.status is Status.FAIL}
    alone = sure and {item.id for item in _proved(cloud, case_of(configured, ())) if item.status is Status.FAIL}
    return Checked(tuple(found), walked, tuple(missing), frozenset(sure & alone))


def _passed(item: ChainLink) -> ChainLink:
    """A link of a request that OpenAI has just made with success; what evidence shows broken stays so."""
    if item.state is not LinkState.UNKNOWN:
        return item
    return ChainLink(item.link, LinkState.PROVEN, "OpenAI validated the key: its own request passed this link.")


def chain(case: Case) -> tuple[ChainLink, ...]:
    """What configuration and evidence prove of each link, in the order in which OpenAI's request walks them."""
    if case.configuration is None:
        return ()
    proofs = importlib.import_module(f"ekm_core.{case.configuration.provider}.proofs")
    known = {item.link: item for item in proofs.chain(case)}
    unseen = "The configuration and the evidence do not show it."
    return tuple(known.get(link, ChainLink(link, LinkState.UNKNOWN, unseen)) for link in Link)


def _proved(cloud: Provider, case: Case) -> list[Finding]:
    """A finding for each cause that configuration and evidence can show; one that several errors share comes once."""
    rulings: dict[tuple[str, str], tuple[Cause, Ruling, list[KnownError]]] = {}
    for error in catalogue.errors().values():
        if error.provider is not cloud:
            continue
        for cause in error.causes:
            if cause.proof is not None:
                ruling = cause.proof(case)
                rulings.setdefault((cause.id, ruling.because), (cause, ruling, []))[2].append(error)
    return [_finding(cause, ruling, errors, case) for cause, ruling, errors in rulings.values()]


def _finding(cause: Cause, ruling: Ruling, errors: Sequence[KnownError], case: Case) -> Finding:
    first = errors[0]
    finding = Finding(
        id=f"{first.id}.{cause.id}",
        status=_STATUS[ruling.verdict],
        link=first.link,
        title=cause.title,
        saw=" ".join((ruling.because, *ruling.shown)),
        errors=tuple(error.id for error in errors),
        reference=first.references[0],
        changes=ruling.changes,
        missing=ruling.missing,
    )
    if ruling.verdict is Verdict.RULED_OUT:
        # A cause is named as a fault: without these words its title would say the opposite of what we saw.
        return replace(finding, title=f"Ruled out: {cause.title}")
    if ruling.verdict is Verdict.CONFIRMED:
        means = f"If OpenAI calls now, the answer will be: {_titles(errors)}."
        return replace(finding, means=means, next_step=cause.fix(case.values).summary)
    if ruling.verdict is Verdict.CANNOT_TELL and ruling.missing:
        return replace(finding, next_step=f"{ruling.missing[0].title}, and paste the output.")
    return finding


def _titles(errors: Iterable[KnownError]) -> str:
    return " or ".join(f"“{error.title}”" for error in errors)
