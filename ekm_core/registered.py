"""What the checks of a registration's fields share: the walk over the fields, and the faults that any field can have.

Each cloud's ``config.validate`` names its fields and judges their values; here stands what is the same for all: not
given, a placeholder left in, a character that only looks right, another field's value, the form at last.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ekm_core.importing.names import REGISTRATION
from ekm_core.model import Configuration, Finding, Link, Reference, Status
from ekm_core.strictjson import placeholders
from ekm_core.values import FIELDS
from ekm_core.vendor import API_GUIDE

Judge = Callable[[Configuration, str], Iterable[Finding]]
"""From the configuration and one field's value to what is wrong or doubtful with it."""

REFUSED = ("openai-invalid-parameter",)
"""What OpenAI's API answers where a value does not fit the field's published pattern."""

_SHOWN = 120
_ODD = re.compile(
    r"[“”„‟«»‘’‚‛`´\"'\u00a0\u00ad\u2000-\u200f\u2028-\u202f\u205f-\u2064\u2066-\u2069\u3000\ufeff\x00-\x20\x7f]"
)
_ORGANIZATION = re.compile(r"org-[A-Za-z0-9]{1,80}")
_OPENAI_ID = re.compile(r"(?:org-|proj_)[A-Za-z0-9]{1,80}")
# What is so telling that it can be recognised in the wrong field.
_SHAPES: Mapping[str, tuple[str, re.Pattern[str]]] = {
    "role_arn": ("the ARN of a role", re.compile(r"arn:[^:]{1,20}:iam:[^:]{0,20}:[^:]{0,20}:role/.{1,600}")),
    "kms_arn": ("the ARN of a KMS key", re.compile(r"arn:[^:]{1,20}:kms:.{1,600}")),
    "external_id": ("an OpenAI organization or project ID", _OPENAI_ID),
    "audience": ("an OpenAI organization or project ID", _OPENAI_ID),
    "tenant_id": ("a tenant's or another object's ID", FIELDS["tenant_id"].pattern),
    "vault_uri": ("the address of a key vault", re.compile(r"https?://[^/\s]{1,200}\.vault\.[^/\s]{1,60}/?")),
    "key_name": ("the name of a key for EKM", re.compile(r"org-[0-9a-zA-Z]{1,80}--[0-9a-zA-Z-]{0,100}")),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field to judge: the link of the chain that it decides, where it is found, its judge, and the page for it."""

    link: Link
    found: str
    judge: Judge
    reference: Reference = API_GUIDE


def shown(value: str) -> str:
    """A value of the user's inside a sentence: quoted, short, printable."""
    clean = "".join(character if character.isprintable() else "�" for character in value[:_SHOWN])
    return f"“{clean}{'…' if len(value) > _SHOWN else ''}”"


def judged(configuration: Configuration, fields: Mapping[str, Field]) -> tuple[Finding, ...]:
    """At least one finding for each field: PASS only where nothing is wrong or doubtful."""
    found: list[Finding] = []
    for name, field in fields.items():
        findings = tuple(_judged(configuration, name, field))
        found += findings or (_passed(configuration, name, field),)
    found += _version(configuration)
    found += _organization(configuration)
    return tuple(found)


def slug(configuration: Configuration, field: str, fault: str) -> str:
    """A finding's id, such as ``gcp-kms-key-name-missing``."""
    return f"{configuration.provider}-{field.replace('_', '-')}-{fault}"


def _passed(configuration: Configuration, name: str, field: Field) -> Finding:
    return Finding(
        id=slug(configuration, name, "ok"),
        status=Status.PASS,
        link=field.link,
        title=f"{name} has the right form",
        saw=f"{name} is {shown(configuration.get(name))}.",
        means="The form is right. Whether such a thing exists in your cloud only evidence can show.",
        field=name,
        reference=field.reference,
    )


def _judged(configuration: Configuration, name: str, field: Field) -> Iterable[Finding]:
    value = configuration.get(name)
    if not value:
        yield Finding(
            id=slug(configuration, name, "missing"),
            status=Status.COULD_NOT_CHECK,
            link=field.link,
            title=f"{name} is not given",
            saw=f"The configuration has no {name}.",
            means="OpenAI does not register a key without it.",
            next_step=f"Give {name}. {field.found}",
            field=name,
            reference=API_GUIDE,
        )
        return
    general = _placeholder(configuration, name, field) or _odd_character(configuration, name, field)
    general = general or _other_field(configuration, name, field)
    if general:
        yield general
        return
    findings = tuple(field.judge(configuration, value))
    yield from findings
    core = FIELDS[REGISTRATION[configuration.provider][name]]
    # A vault is registered by its URI and known to the core by its name: its own judge covers the form.
    if not findings and name != "vault_uri" and (problem := core.check(value)):
        yield Finding(
            id=slug(configuration, name, "malformed"),
            status=Status.FAIL,
            link=field.link,
            title=f"{name} has another form",
            saw=f"{name} is {shown(value)}.",
            means=problem,
            next_step=field.found,
            field=name,
            reference=field.reference,
        )


def _placeholder(configuration: Configuration, name: str, field: Field) -> Finding | None:
    left = placeholders(configuration.get(name))
    if not left:
        return None
    return Finding(
        id=slug(configuration, name, "placeholder"),
        status=Status.FAIL,
        link=field.link,
        title=f"{name} still holds a placeholder",
        saw=f"{name} is {shown(configuration.get(name))}; {shown(left[0].text)} stands for a value of yours.",
        means="OpenAI would take these very characters as the value.",
        next_step=f"Put your own value there. {field.found}",
        field=name,
        reference=API_GUIDE,
    )


def _odd_character(configuration: Configuration, name: str, field: Field) -> Finding | None:
    value = configuration.get(name)
    odd = _ODD.search(value)
    if not odd:
        return None
    character = odd.group()
    what = "a space" if character == " " else f"the character U+{ord(character):04X}"
    return Finding(
        id=slug(configuration, name, "odd-character"),
        status=Status.FAIL,
        link=field.link,
        title=f"{name} holds a character that does not belong there",
        saw=f"{name} is {shown(value)}; character {odd.start() + 1} of it is {what}.",
        means="Spaces, quotes and invisible characters come along when text is copied, and count as part of it.",
        next_step=f"Remove it, or type the value anew. {field.found}",
        field=name,
        reference=API_GUIDE,
    )


def _other_field(configuration: Configuration, name: str, field: Field) -> Finding | None:
    value = configuration.get(name)
    fields = REGISTRATION[configuration.provider]
    if len(value) > 600 or not FIELDS[fields[name]].check(value):
        return None
    for other, (what, shape) in _SHAPES.items():
        if other in fields and other != name and shape.fullmatch(value):
            return Finding(
                id=slug(configuration, name, "other-field"),
                status=Status.FAIL,
                link=field.link,
                title=f"{name} holds the value of another field",
                saw=f"{name} is {shown(value)}: this is {what}.",
                means=f"It belongs in {other}. Two fields may be in each other's place.",
                next_step=f"Put it in {other}, and give {name} its own value. {field.found}",
                field=name,
                reference=API_GUIDE,
            )
    return None


def _version(configuration: Configuration) -> Iterable[Finding]:
    for name in ("key_version", "kms_key_version"):
        if value := configuration.get(name):
            yield Finding(
                id=slug(configuration, name, "given"),
                status=Status.FAIL,
                link=Link.REQUEST,
                title=f"{name} is not accepted for EKM",
                saw=f"{name} is {shown(value)}.",
                means="OpenAI uses the key's current version. Only another product, psp_decryption, names a version.",
                next_step=f"Leave {name} out of the registration.",
                field=name,
                reference=API_GUIDE,
            )


def _organization(configuration: Configuration) -> Iterable[Finding]:
    value = configuration.organization_id
    if not value or _ORGANIZATION.fullmatch(value):
        return
    yield Finding(
        id=f"{configuration.provider}-organization-id-malformed",
        status=Status.FAIL,
        link=Link.REQUEST,
        title="The organization ID has another form",
        saw=f"The organization ID is {shown(value)}.",
        means="An organization ID begins with org- and goes on with letters and digits, without spaces.",
        next_step="Copy it from platform.openai.com under Settings, Organization, General.",
        field="organization_id",
        reference=API_GUIDE,
    )


def openai_id(configuration: Configuration, name: str, link: Link, reference: Reference) -> Iterable[Finding]:
    """What is wrong with a field that must be the organization's ID or that of one of its API projects."""
    value = configuration.get(name)
    organization = configuration.organization_id.strip()
    where = "Copy the organization ID from platform.openai.com under Settings, Organization, General."
    if not _OPENAI_ID.fullmatch(value):
        yield Finding(
            id=slug(configuration, name, "is-no-openai-id"),
            status=Status.FAIL,
            link=link,
            title=f"{name} is no ID of an OpenAI organization or project",
            saw=f"{name} is {shown(value)}.",
            means="OpenAI accepts your organization ID (org-…) or the ID of one of its API projects (proj_…).",
            next_step=f"{where} Use the same value here and in your cloud.",
            field=name,
            reference=reference,
        )
    elif value.startswith("org-") and _ORGANIZATION.fullmatch(organization) and value != organization:
        case = " They differ in upper and lower case only." if value.lower() == organization.lower() else ""
        yield Finding(
            id=slug(configuration, name, "other-organization"),
            status=Status.FAIL,
            link=link,
            title=f"{name} names another organization",
            saw=f"{name} is {shown(value)}; your organization is {shown(organization)}.{case}",
            means="OpenAI accepts only the organization that registers the key, or one of its projects.",
            next_step=f"{where} A personal organization has an ID of its own.",
            field=name,
            reference=reference,
        )
