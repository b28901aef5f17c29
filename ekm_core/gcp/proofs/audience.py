"""What the provider and the registered audience prove: the FAQ's "audience in ID Token does not match"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ekm_core.gcp.checks import NEARLY_ONE_ORGANIZATION, Kind, differ_by_one, kind
from ekm_core.gcp.iam.federation import default_audiences
from ekm_core.gcp.proofs import provider as providers
from ekm_core.gcp.proofs.setup import (
    any_hidden,
    cannot_tell,
    change,
    confirmed,
    mapping,
    of,
    quoted,
    ruled_out,
)
from ekm_core.model import Case, Change, Ruling
from ekm_core.pasted import texts


@dataclass(frozen=True, slots=True)
class _Sides:
    """The registered audience, and what the provider accepts; ``listed``: whether it has a list of its own."""

    registered: str
    accepted: tuple[str, ...]
    listed: bool
    said: str
    provider: providers.Seen


def _sides(case: Case) -> _Sides | Ruling:
    seen = providers.seen(case)
    if isinstance(seen, Ruling):
        return seen
    registered = of(case).audience
    if not registered:
        return cannot_tell("The registered audience is not given in full, so it cannot be compared.")
    oidc = seen.document.get("oidc")
    allowed = mapping(oidc).get("allowedAudiences", [])
    # Google stores no OpenID Connect provider without an issuer: such a document is not whole.
    if not isinstance(oidc, dict) or not isinstance(oidc.get("issuerUri"), str) or not texts(allowed):
        return cannot_tell(f"The provider shows no readable OpenID Connect settings ({seen.source}).")
    if registered not in allowed and any_hidden(allowed):
        return cannot_tell(f"An allowed audience of the provider is masked ({seen.source}).")
    accepted = tuple(allowed) or default_audiences(seen.document.get("name"))
    what = ", ".join(map(quoted, allowed[:10])) if allowed else "no allowed audiences"
    said = f"Provider {seen.id}, oidc.allowedAudiences: {what} ({seen.source})."
    return _Sides(registered, accepted, bool(allowed), said, seen)


def _judged(rule: Callable[[Case, _Sides], Ruling]) -> Callable[[Case], Ruling]:
    """The proof that asks ``rule`` where the provider does not accept the registered audience."""

    def proof(case: Case) -> Ruling:
        sides = _sides(case)
        if isinstance(sides, Ruling):
            return sides
        if sides.registered in sides.accepted:
            because = f"As your evidence stands now, the provider accepts the registered audience {sides.registered}."
            return ruled_out(because, sides.said)
        return rule(case, sides)

    return proof


def _added(case: Case, sides: _Sides) -> tuple[Change, ...]:
    """The provider with the registered audience added, unless that audience is surely the side that is wrong."""
    organization = of(case).organization
    if kind(sides.registered) not in (Kind.ORGANIZATION, Kind.PROJECT):
        return ()
    if organization and kind(sides.registered) is Kind.ORGANIZATION and sides.registered != organization:
        return ()
    before = sides.provider.document
    allowed = [*before["oidc"].get("allowedAudiences", []), sides.registered]
    after = {**before, "oidc": {**before["oidc"], "allowedAudiences": allowed}}
    sure = sides.registered == organization
    title = f"Provider {sides.provider.id}" if sure else f"Provider {sides.provider.id}, if the registration is right"
    return (change(title, before, after),)


def _which(case: Case, sides: _Sides) -> str:
    """Which side to change, as far as it is known."""
    organization = of(case).organization
    if organization and sides.registered == organization:
        return " The registered one is the organization that you named, so the provider is to be changed."
    if organization in sides.accepted:
        return " The organization that you named is allowed, so register that one."
    return " Either allow the registered audience, or register the key with an audience that is allowed."


def _not_allowed(case: Case, sides: _Sides) -> Ruling:
    same = any("".join(one.split()).lower() == sides.registered.lower() for one in sides.accepted)
    nearly = " One of them differs from it only in blanks or in capital letters." if same else ""
    because = (
        f"The registered audience {quoted(sides.registered)} is not among the provider's allowed audiences."
        f"{nearly}{_which(case, sides)}"
    )
    return confirmed(because, sides.said, changes=_added(case, sides))


def _default(case: Case, sides: _Sides) -> Ruling:
    if sides.listed:
        return ruled_out("The provider has a list of allowed audiences.", sides.said)
    because = (
        "The provider has no allowed audiences, so it accepts only its own resource name. "
        f"OpenAI sends {quoted(sides.registered)}."
    )
    return confirmed(because, sides.said, changes=_added(case, sides))


def _organization_against_project(case: Case, sides: _Sides) -> Ruling:
    ours, theirs = kind(sides.registered), {kind(one) for one in sides.accepted}
    other = {Kind.ORGANIZATION: Kind.PROJECT, Kind.PROJECT: Kind.ORGANIZATION}.get(ours)
    if other is None or other not in theirs:
        because = "The two sides are not an organization id on one side and a project id on the other."
        return ruled_out(because, f"Registration, audience: {quoted(sides.registered)}.", sides.said)
    if ours in theirs:
        return cannot_tell("The provider allows ids of both kinds, and none of them is the registered one.")
    because = f"The registered audience is one kind of id and the provider allows the other.{_which(case, sides)}"
    proof = (f"Registration, audience: {quoted(sides.registered)}.", sides.said)
    return confirmed(because, *proof, changes=_added(case, sides))


def _another_organization(case: Case, sides: _Sides) -> Ruling:
    others = [one for one in sides.accepted if kind(one) is Kind.ORGANIZATION]
    proof = (f"Registration, audience: {quoted(sides.registered)}.", sides.said)
    if kind(sides.registered) is not Kind.ORGANIZATION or not others:
        return ruled_out("The two sides are not two organization ids.", *proof)
    if any(differ_by_one(one, sides.registered) for one in others):
        return cannot_tell(NEARLY_ONE_ORGANIZATION)
    because = f"The registration and the provider name two different organizations.{_which(case, sides)}"
    return confirmed(because, *proof, changes=_added(case, sides))


audience_not_allowed = _judged(_not_allowed)
default_audience = _judged(_default)
organization_against_project = _judged(_organization_against_project)
another_organization = _judged(_another_organization)
