"""The "Your values" fields: what a person may type so that the fixes carry their own values. Standard library only.

In: a field's name and what was typed. Out: the sentence to show where it does not fit, or "". Patterns run with
``fullmatch`` on a bounded string, so no input can make them slow. They are the forms that the providers and OpenAI's
registration accept (articles 20000947 to 20000953 and the providers' naming rules, read on 2026-11-23).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ekm_core.model import Provider

LONGEST = 600
"""No field holds more characters than this; longer input is refused before any pattern sees it."""

_GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_GUID_EXAMPLE = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
_GUID_PROBLEM = "This is 32 hexadecimal digits in five groups, such as"
_EVERY = (Provider.AWS, Provider.GCP, Provider.AZURE, Provider.OPENAI)


@dataclass(frozen=True, slots=True)
class Field:
    """One value a person can give.

    name: the value's name in checks and snippets. help: one sentence: where it is found. problem: the sentence shown
    where a value does not fit ``pattern``.
    """

    name: str
    label: str
    providers: tuple[Provider, ...]
    help: str
    example: str
    pattern: re.Pattern[str]
    problem: str

    def check(self, value: str) -> str:
        """The sentence to show for ``value``, or "" where it fits or is blank."""
        value = value.strip()
        if not value or (len(value) <= LONGEST and self.pattern.fullmatch(value)):
            return ""
        return self.problem


def _field(
    name: str, label: str, providers: tuple[Provider, ...], help: str, example: str, pattern: str, problem: str
) -> Field:
    return Field(name, label, providers, help, example, re.compile(pattern), problem)


_AWS = (Provider.AWS,)
_GCP = (Provider.GCP,)
_AZURE = (Provider.AZURE,)

FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        field.name: field
        for field in (
            _field(
                "organization_id",
                "OpenAI organization ID",
                _EVERY,
                "On platform.openai.com under Settings, Organization, General.",
                "org-AbCdEfGhIjKlMnOpQrStUvWx",
                r"org-[A-Za-z0-9]{6,60}",
                "An organization ID begins with org- and goes on with letters and digits.",
            ),
            _field(
                "role_arn",
                "Role ARN",
                _AWS,
                "The role that OpenAI assumes in your account. Copy it from the IAM console.",
                "arn:aws:iam::111122223333:role/OpenAI-EKM",
                r"arn:aws[a-z-]{0,12}:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]{1,512}",
                "A role ARN reads arn:aws:iam::<12 digits>:role/<name>.",
            ),
            _field(
                "kms_key",
                "KMS key ARN",
                _AWS,
                "Copy it from the key's page in the KMS console. OpenAI advises against an alias.",
                "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
                r"arn:aws[a-z-]{0,12}:kms:[a-z0-9-]{2,30}:[0-9]{12}:"
                rf"(?:key/(?:mrk-[0-9a-f]{{32}}|{_GUID})|alias/[A-Za-z0-9_/-]{{1,256}})",
                "A key ARN reads arn:aws:kms:<region>:<12 digits>:key/<key id>.",
            ),
            _field(
                "external_id",
                "External ID",
                _AWS,
                "What you registered as external_id. Leave it empty if it is your organization ID.",
                "org-AbCdEfGhIjKlMnOpQrStUvWx",
                r"(?:org-|proj_)[A-Za-z0-9]{6,60}",
                "OpenAI accepts an organization ID (org-…) or a project ID (proj_…) here.",
            ),
            _field(
                "account_id",
                "AWS account ID",
                _AWS,
                "Leave it empty if you gave an ARN: it stands in there.",
                "111122223333",
                r"[0-9]{12}",
                "An AWS account ID has exactly 12 digits.",
            ),
            _field(
                "region",
                "AWS region",
                _AWS,
                "The region of the key. Leave it empty if you gave the key's ARN.",
                "us-east-1",
                r"[a-z]{2}(?:-[a-z]{2,9}){1,2}-[0-9]",
                "A region reads like us-east-1 or eu-central-1.",
            ),
            _field(
                "project_number",
                "Project number",
                _GCP,
                "The NUMBER of the project that holds the identity pool, not its ID. It stands on the project's "
                "dashboard.",
                "123456789012",
                r"[0-9]{1,19}",
                "A project number has digits only. The project's ID, with letters, is another field.",
            ),
            _field(
                "pool_id",
                "Workload identity pool ID",
                _GCP,
                "The short ID of the pool, not its display name.",
                "openai-ekm-pool",
                r"[a-z0-9-]{4,32}",
                "A pool ID has 4 to 32 lowercase letters, digits and dashes.",
            ),
            _field(
                "provider_id",
                "Provider ID",
                _GCP,
                "The short ID of the provider inside the pool, not the pool's own.",
                "openai-ekm-provider",
                r"[a-z0-9-]{4,32}",
                "A provider ID has 4 to 32 lowercase letters, digits and dashes.",
            ),
            _field(
                "audience",
                "Audience",
                _GCP,
                "What you registered as audience. Leave it empty if it is your organization ID.",
                "org-AbCdEfGhIjKlMnOpQrStUvWx",
                r"(?:org-|proj_)[A-Za-z0-9]{6,60}",
                "OpenAI accepts an organization ID (org-…) or a project ID (proj_…) here.",
            ),
            _field(
                "project_id",
                "Key's project ID",
                _GCP,
                "The ID, with letters, of the project that holds the key.",
                "my-kms-project",
                r"(?:[a-z][a-z0-9.-]{0,60}[a-z0-9]:)?[a-z][a-z0-9-]{4,28}[a-z0-9]",
                "A project ID has 6 to 30 lowercase letters, digits and dashes, and begins with a letter.",
            ),
            _field(
                "location",
                "Key location",
                _GCP,
                "Where the key ring is, as it stands in the key's resource name.",
                "us-east1",
                r"[a-z]{2,20}(?:-[a-z]{2,20}[0-9]{0,2})?[0-9]{0,2}",
                "A location reads like global, us or europe-west3.",
            ),
            _field(
                "key_ring",
                "Key ring",
                _GCP,
                "The key ring's short name.",
                "openai-ring",
                r"[A-Za-z0-9_-]{1,63}",
                "A key ring's name has up to 63 letters, digits, dashes and underscores.",
            ),
            _field(
                "key_name",
                "Key name",
                (Provider.GCP, Provider.AZURE, Provider.OPENAI),
                "The key's short name, without its path. In Azure it must begin with your organization ID and two "
                "dashes.",
                "org-AbCdEfGhIjKlMnOpQrStUvWx--ekm",
                r"[A-Za-z0-9_-]{1,127}",
                "A key's name has letters, digits and dashes only.",
            ),
            _field(
                "tenant_id",
                "Tenant ID",
                _AZURE,
                "In the Azure portal under Microsoft Entra ID, Overview.",
                _GUID_EXAMPLE,
                _GUID,
                f"{_GUID_PROBLEM} {_GUID_EXAMPLE}.",
            ),
            _field(
                "vault",
                "Key Vault name",
                _AZURE,
                "The name only: in https://my-vault.vault.azure.net/ it is my-vault.",
                "my-vault",
                r"(?=.{3,24}\Z)[a-zA-Z](?:[a-zA-Z0-9]|-(?=[a-zA-Z0-9]))+",
                "A vault's name has 3 to 24 letters, digits and single dashes, and begins with a letter.",
            ),
            _field(
                "subscription_id",
                "Subscription ID",
                _AZURE,
                "On the vault's Overview page.",
                _GUID_EXAMPLE,
                _GUID,
                f"{_GUID_PROBLEM} {_GUID_EXAMPLE}.",
            ),
            _field(
                "resource_group",
                "Resource group",
                _AZURE,
                "On the vault's Overview page.",
                "ekm-resources",
                r"[A-Za-z0-9_.()-]{0,89}[A-Za-z0-9_()-]",
                "A resource group's name has up to 90 letters, digits, dashes, dots, underscores and brackets.",
            ),
            _field(
                "object_id",
                "Service principal's object ID",
                _AZURE,
                "In Microsoft Entra ID under Enterprise applications: the object ID, not the application ID.",
                _GUID_EXAMPLE,
                _GUID,
                f"{_GUID_PROBLEM} {_GUID_EXAMPLE}.",
            ),
            _field(
                "openai_project_id",
                "OpenAI project ID",
                (Provider.OPENAI,),
                "On platform.openai.com under the project's settings.",
                "proj_AbCdEfGhIjKlMnOpQrStUvWx",
                r"proj_[A-Za-z0-9]{6,60}",
                "A project ID begins with proj_ and goes on with letters and digits.",
            ),
            _field(
                "external_key_id",
                "External key ID",
                _EVERY,
                "What OpenAI answered when the key was registered. The list of registered keys shows it as id.",
                "extkey_AbCdEfGh1234",
                r"extkey_[A-Za-z0-9]{1,80}",
                "The ID of a registered key begins with extkey_ and goes on with letters and digits.",
            ),
        )
    }
)
"""All fields by name, in the order in which a form shows them."""


def fields_of(*providers: Provider) -> tuple[Field, ...]:
    """The fields that matter for errors of these providers, in order."""
    return tuple(field for field in FIELDS.values() if not set(providers).isdisjoint(field.providers))


# Placeholders whose value is a part of what a field takes.
_PART_OF = {"role_name": "role_arn", "kms_key_arn": "kms_key", "key_account_id": "kms_key"}


def field_of(placeholder: str) -> Field | None:
    """The field that fills a placeholder such as ``<ROLE_NAME>``; None where only the user's own hand can."""
    name = placeholder.strip("<>").lower()
    return FIELDS.get(_PART_OF.get(name, name))


def fitting(typed: Mapping[str, str]) -> dict[str, str]:
    """What was typed, trimmed, without the blank values, the unknown names and those that do not fit their field."""
    return {
        name: value.strip()
        for name, value in typed.items()
        if value.strip() and name in FIELDS and not FIELDS[name].check(value)
    }
