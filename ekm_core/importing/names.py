"""How people call the fields of a registration, and which cloud a set of names belongs to.

The registration's own names are those of article 20000953 and of the ``openai`` Python SDK 3.54.0 (types of
``client.admin.organization.external_keys``; both read on 2026-11-23); the core's are those of ``ekm_core.values``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

from ekm_core.model import Provider

REGISTRATION: Mapping[Provider, Mapping[str, str]] = {
    Provider.AWS: {"role_arn": "role_arn", "kms_arn": "kms_key", "external_id": "external_id"},
    Provider.GCP: {
        "workload_identity_project_number": "project_number",
        "workload_identity_pool_id": "pool_id",
        "workload_identity_provider_id": "provider_id",
        "audience": "audience",
        "kms_project_id": "project_id",
        "kms_key_ring_name": "key_ring",
        "kms_key_name": "key_name",
        "kms_key_location": "location",
    },
    Provider.AZURE: {"tenant_id": "tenant_id", "vault_uri": "vault", "key_name": "key_name"},
}
"""The fields to register, by cloud and in the API's order, each with the name that checks and snippets use."""

BESIDE: Mapping[Provider, tuple[str, ...]] = {
    Provider.AWS: ("account_id", "region"),
    Provider.GCP: ("kms_key_version",),
    Provider.AZURE: ("key_version", "subscription_id", "resource_group", "object_id"),
}
"""What is not registered and is worth keeping: for snippets, or because giving it is a mistake."""

OF_EVERY_CLOUD = ("name", "id", "purpose", "organization_id")
OF_THE_ANSWER = frozenset({"object", "createdat", "workspaceid", "apiprojectids", "status", "redacted", "hasmore"})
"""What the API's answer holds beside the fields."""

_TYPE = frozenset({"type", "provider", "cloud", "cloudprovider", "kmsprovider"})
_OTHER_CLOUD = frozenset({"vaultocid", "keyocid", "keyversionocid"})

_ALIASES: Mapping[str, Mapping[str, str]] = {
    "*": {
        "organization": "organization_id",
        "orgid": "organization_id",
        "org": "organization_id",
        "openaiorganization": "organization_id",
        "openaiorgid": "organization_id",
        "externalkeyid": "id",
        "friendlyname": "name",
        "displayname": "name",
    },
    Provider.AWS: {
        "role": "role_arn",
        "iamrole": "role_arn",
        "iamrolearn": "role_arn",
        "rolearn": "role_arn",
        "key": "kms_arn",
        "keyarn": "kms_arn",
        "kmskey": "kms_arn",
        "kmskeyarn": "kms_arn",
        "kmskeyid": "kms_arn",
        "kms": "kms_arn",
        "stsexternalid": "external_id",
        "account": "account_id",
    },
    Provider.GCP: {
        "projectnumber": "workload_identity_project_number",
        "gcpprojectnumber": "workload_identity_project_number",
        "workloadidentityproject": "workload_identity_project_number",
        "poolid": "workload_identity_pool_id",
        "pool": "workload_identity_pool_id",
        "workloadidentitypool": "workload_identity_pool_id",
        "providerid": "workload_identity_provider_id",
        "workloadidentityprovider": "workload_identity_provider_id",
        "aud": "audience",
        "projectid": "kms_project_id",
        "kmsproject": "kms_project_id",
        "keyring": "kms_key_ring_name",
        "kmskeyring": "kms_key_ring_name",
        "keyringname": "kms_key_ring_name",
        "key": "kms_key_name",
        "kmskey": "kms_key_name",
        "keyname": "kms_key_name",
        "location": "kms_key_location",
        "keylocation": "kms_key_location",
        "kmslocation": "kms_key_location",
        "keyversion": "kms_key_version",
    },
    Provider.AZURE: {
        "tenant": "tenant_id",
        "directoryid": "tenant_id",
        "vault": "vault_uri",
        "vaulturl": "vault_uri",
        "keyvaulturi": "vault_uri",
        "keyvaulturl": "vault_uri",
        "keyvaultname": "vault_uri",
        "vaultname": "vault_uri",
        "key": "key_name",
        "keyvaultkeyname": "key_name",
        "subscription": "subscription_id",
    },
}
_PREFIXES = ("tfvar", "openaiekm", "openai", "ekm", "aws", "gcp", "google", "azure", "az", "var")


def _plain(name: str) -> str:
    """A name without case and separators: ``kmsArn``, ``KMS_ARN`` and ``KMS ARN`` are one."""
    return re.sub(r"[^a-z0-9]", "", name[:80].lower())


_BY_CLOUD: Mapping[Provider, Mapping[str, str]] = {
    cloud: {
        **{_plain(name): name for name in (*fields, *BESIDE[cloud], *OF_EVERY_CLOUD)},
        **_ALIASES["*"],
        **_ALIASES[cloud],
    }
    for cloud, fields in REGISTRATION.items()
}
# A name that only one cloud knows tells the cloud.
_TELLS: Mapping[str, Provider] = {
    name: cloud
    for cloud, known in _BY_CLOUD.items()
    for name in known
    if all(name not in others for other, others in _BY_CLOUD.items() if other is not cloud)
}
_CLOUDS = {
    "aws": Provider.AWS,
    "amazon": Provider.AWS,
    "awskms": Provider.AWS,
    "gcp": Provider.GCP,
    "google": Provider.GCP,
    "googlecloud": Provider.GCP,
    "gcpkms": Provider.GCP,
    "azure": Provider.AZURE,
    "microsoft": Provider.AZURE,
    "azurekeyvault": Provider.AZURE,
}


def _look_up(name: str, known: Mapping[str, object]) -> str:
    """The plain name under which ``known`` has it, without the usual prefixes of variables, or ""."""
    plain = _plain(name)
    if plain in known:
        return plain
    for prefix in _PREFIXES:
        rest = plain.removeprefix(prefix)
        if rest != plain and rest in known:
            return rest
    return ""


def field_name(name: str, cloud: Provider) -> str:
    """The registration's name of a field that a person calls ``name``, or "" where that cloud has none."""
    known = _BY_CLOUD[cloud]
    found = _look_up(name, known)
    return known[found] if found else ""


def is_known(name: str) -> bool:
    """Whether any cloud has a field of that name."""
    return is_type(name) or any(field_name(name, cloud) for cloud in _BY_CLOUD)


def is_type(name: str) -> bool:
    """Whether the name is that of the field that says which cloud it is."""
    return _plain(name) in _TYPE


def cloud_named(value: object) -> Provider | None:
    """The cloud that a ``type`` field names, or None."""
    return _CLOUDS.get(_plain(value)) if isinstance(value, str) else None


def cloud_of(names: Iterable[str]) -> Provider | None:
    """The cloud that the names belong to; None where they fit none or several."""
    tells = {_TELLS[found] for name in names if (found := _look_up(name, _TELLS))}
    return tells.pop() if len(tells) == 1 else None


def is_other_cloud(names: Iterable[str]) -> bool:
    """Whether the names are those of Oracle's cloud, which the API knows and which has no public guide."""
    return any(_plain(name) in _OTHER_CLOUD for name in names)


def is_of_the_answer(name: str) -> bool:
    """Whether the API's answer holds it beside the fields."""
    return _plain(name) in OF_THE_ANSWER


def nearest(name: str, cloud: Provider) -> str:
    """The field that was probably meant, or ""."""
    close = difflib.get_close_matches(_plain(name), _BY_CLOUD[cloud], 1, 0.8)
    return _BY_CLOUD[cloud][close[0]] if close else ""
