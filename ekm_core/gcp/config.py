"""What the fields of a Google Cloud registration show by themselves. Pure.

Facts: article 20000953 (the fields; the number's pattern ``^[0-9]{1,19}$``; kms_key_version is not accepted for EKM),
20000955 (12 digits; a wrong number, pool or provider leads to "Invalid value for audience"), Google's naming rules in
``sources``; read on 2026-11-23.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ekm_core import vendor
from ekm_core.gcp import sources
from ekm_core.gcp.snippets import masked
from ekm_core.model import Configuration, Finding, Link, Reference, Status
from ekm_core.registered import REFUSED, Field, judged, openai_id, shown, slug

_NUMBER_FOUND = "The project number stands on the dashboard of the project that holds the workload identity pool."
_POOL_FOUND = "Copy the short ID of the pool from the page Workload Identity Federation of the Google Cloud console."
_PROVIDER_FOUND = "Copy the short ID of the provider inside the pool, from the page Workload Identity Federation."
_PROJECT_FOUND = "Copy the ID, with letters, of the project that holds the key."
_RING_FOUND = "Copy the key ring's short name from the page Key Management of the Google Cloud console."
_KEY_FOUND = "Copy the key's short name from the page Key Management of the Google Cloud console."
_LOCATION_FOUND = "Copy the key ring's location from the page Key Management of the Google Cloud console."
_AUDIENCE = ("gcp-sts-invalid-audience",)
_NUMBER = re.compile(r"[0-9]{1,19}")
_ID = re.compile(r"[a-z0-9-]{4,32}")
# What stands behind each collection's name in a full resource name.
_PARTS = {
    "workload_identity_project_number": "projects",
    "workload_identity_pool_id": "workloadIdentityPools",
    "workload_identity_provider_id": "providers",
    "kms_project_id": "projects",
    "kms_key_location": "locations",
    "kms_key_ring_name": "keyRings",
    "kms_key_name": "cryptoKeys",
}


def validate(configuration: Configuration) -> tuple[Finding, ...]:
    """Findings on each field; a healthy registration has only PASS."""
    return judged(configuration, _FIELDS)


_LONGEST_AUDIENCE = 1000


def token_audience(configuration: Configuration) -> str:
    """The audience with which OpenAI asks Google's token service: the provider's full name, as the fields make it.

    It is put together even where a field has a wrong form, as OpenAI does; "" where one is missing or masked.
    """
    names = ("workload_identity_project_number", "workload_identity_pool_id", "workload_identity_provider_id")
    number, pool, provider = (configuration.get(name) for name in names)
    built = f"//iam.googleapis.com/projects/{number}/locations/global/workloadIdentityPools/{pool}/providers/{provider}"
    whole = all((number, pool, provider)) and built.isprintable() and len(built) <= _LONGEST_AUDIENCE
    return built if whole and not any(map(masked, (number, pool, provider))) else ""


def _fault(
    configuration: Configuration,
    field: str,
    fault: str,
    title: str,
    means: str,
    next_step: str,
    *,
    status: Status = Status.FAIL,
    errors: tuple[str, ...] = (),
    reference: Reference = vendor.API_GUIDE,
) -> Finding:
    saw = f"{field} is {shown(configuration.get(field))}."
    link = _FIELDS[field].link
    id = slug(configuration, field, fault)
    return Finding(id, status, link, title, saw, means, next_step, field, errors, reference)


def _full_name(configuration: Configuration, field: str, value: str) -> Finding | None:
    """A resource name or an address where one part of it belongs."""
    if "/" not in value:
        return None
    part = re.search(rf"(?:^|/){_PARTS[field]}/([^/]{{1,80}})", value)
    step = f"Register only {shown(part[1])}." if part else f"Register only the short name. {_FIELDS[field].found}"
    means = "OpenAI puts the full name together from the single fields, so this one must hold its part alone."
    # In the other fields the same mistake shows as an error of Cloud KMS that we have not seen.
    errors = _AUDIENCE if field.startswith("workload_identity") else ()
    return _fault(configuration, field, "is-full-name", f"{field} holds a whole path", means, step, errors=errors)


def _number(configuration: Configuration, value: str) -> Iterable[Finding]:
    field = "workload_identity_project_number"
    if found := _full_name(configuration, field, value):
        yield found
    elif value == vendor.GCP_SUBJECT:
        means = "This is OpenAI's identity, which belongs in the provider's attribute condition."
        yield _fault(configuration, field, "is-subject", f"{field} is OpenAI's subject", means, _NUMBER_FOUND)
    elif not _NUMBER.fullmatch(value):
        means = "This is not a number. Google wants the project's NUMBER here, not its ID or name."
        title = "The project ID stands where the project number belongs"
        yield _fault(
            configuration,
            field,
            "is-id",
            title,
            means,
            f"Run gcloud projects describe for the pool's project and copy projectNumber. {_NUMBER_FOUND}",
            errors=(*REFUSED, *_AUDIENCE),
            reference=vendor.FAQ,
        )
    elif len(value) != 12:
        means = f"OpenAI's guide speaks of 12 digits; this number has {len(value)}. A digit may be missing."
        step = f"Compare it with the number in the console. {_NUMBER_FOUND}"
        yield _fault(
            configuration,
            field,
            "length",
            "The project number has an unusual length",
            means,
            step,
            status=Status.WARN,
            reference=vendor.FAQ,
        )


def _federation(field: str, configuration: Configuration, value: str) -> Iterable[Finding]:
    found = _FIELDS[field].found
    if full := _full_name(configuration, field, value):
        yield full
    elif not _ID.fullmatch(value):
        means = "An ID has 4 to 32 lowercase letters, digits and dashes. A display name may look different."
        title = f"{field} has no valid form"
        yield _fault(configuration, field, "form", title, means, found, reference=sources.POOLS_API)
    elif value.startswith("gcp-"):
        means = "The prefix gcp- is reserved for Google, so no pool or provider of yours can have this ID."
        title = f"{field} has a reserved prefix"
        yield _fault(configuration, field, "reserved", title, means, found, reference=sources.POOLS_API)


def _pool(configuration: Configuration, value: str) -> Iterable[Finding]:
    return _federation("workload_identity_pool_id", configuration, value)


def _provider(configuration: Configuration, value: str) -> Iterable[Finding]:
    return _federation("workload_identity_provider_id", configuration, value)


def _audience(configuration: Configuration, value: str) -> Iterable[Finding]:
    if "iam.googleapis.com/" in value:
        means = "This is the provider's own address. OpenAI's tokens carry your organization ID as audience."
        step = "Register your organization ID (org-…), and add the same ID to the provider's allowed audiences."
        title = "The audience is the provider's address"
        yield _fault(configuration, "audience", "is-provider", title, means, step, reference=vendor.GCP_GUIDE)
        return
    yield from openai_id(configuration, "audience", Link.TRUST, vendor.GCP_GUIDE)


def _project(configuration: Configuration, value: str) -> Iterable[Finding]:
    field = "kms_project_id"
    if found := _full_name(configuration, field, value):
        yield found
    elif value.isdigit():
        means = "This is a project's number. OpenAI asks for the ID here: the name with letters."
        title = "The project number stands where the project ID belongs"
        step = f"Register the ID. {_PROJECT_FOUND}"
        yield _fault(configuration, field, "is-number", title, means, step, status=Status.WARN)


def _location(configuration: Configuration, value: str) -> Iterable[Finding]:
    field = "kms_key_location"
    if found := _full_name(configuration, field, value):
        yield found
    elif re.fullmatch(r"[a-z]+-[a-z]+[0-9]{1,2}-[a-z]", value):
        means = f"This is a zone. Keys are in regions: {shown(value[:-2])} would be the region."
        title = "The location is a zone"
        yield _fault(configuration, field, "zone", title, means, _LOCATION_FOUND, reference=sources.KMS_LOCATIONS)
    elif value != value.lower():
        means = "Locations are written in lower case."
        title = "The location holds capital letters"
        yield _fault(configuration, field, "case", title, means, _LOCATION_FOUND, reference=sources.KMS_LOCATIONS)


def _ring(configuration: Configuration, value: str) -> Iterable[Finding]:
    found = _full_name(configuration, "kms_key_ring_name", value)
    return (found,) if found else ()


def _key(configuration: Configuration, value: str) -> Iterable[Finding]:
    found = _full_name(configuration, "kms_key_name", value)
    return (found,) if found else ()


_FIELDS = {
    "workload_identity_project_number": Field(Link.TRUST, _NUMBER_FOUND, _number, vendor.FAQ),
    "workload_identity_pool_id": Field(Link.TRUST, _POOL_FOUND, _pool, sources.POOLS_API),
    "workload_identity_provider_id": Field(Link.TRUST, _PROVIDER_FOUND, _provider, sources.PROVIDERS_API),
    "audience": Field(Link.TRUST, "Give your OpenAI organization ID (org-…).", _audience, vendor.GCP_GUIDE),
    "kms_project_id": Field(Link.KEY, _PROJECT_FOUND, _project, sources.PROJECTS),
    "kms_key_ring_name": Field(Link.KEY, _RING_FOUND, _ring, sources.KMS_KEY_RINGS),
    "kms_key_name": Field(Link.KEY, _KEY_FOUND, _key),
    "kms_key_location": Field(Link.KEY, _LOCATION_FOUND, _location, sources.KMS_LOCATIONS),
}
