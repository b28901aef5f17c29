"""What the fields of an Azure registration show by themselves: tenant_id, vault_uri, key_name. Pure.

Facts: article 20000953 (the fields; key_version is not accepted for EKM), 20000955 (the pattern of key_name, and that
OpenAI checks the organization ID in it at registration and on every request); read on 2026-11-23.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from ekm_core import vendor
from ekm_core.azure import references
from ekm_core.model import Configuration, Finding, Link, Reference, Status
from ekm_core.registered import Field, judged, shown
from ekm_core.values import FIELDS

_TENANT_FOUND = "Copy the tenant ID from the Azure portal, under Microsoft Entra ID, Overview."
_VAULT_FOUND = "Copy the Vault URI from the vault's Overview page: https://<vault>.vault.azure.net/."
_KEY_FOUND = "Copy the key's name from the vault: your organization ID, two dashes, and any name."
_GUID = FIELDS["tenant_id"].pattern
_VAULT = FIELDS["vault"].pattern
_KEY_NAME = re.compile(vendor.AZURE_KEY_NAME_PATTERN.removesuffix("$") + r"\Z")
_PATTERN = ("azure-key-name-pattern",)
_OTHER_CLOUDS = (".vault.azure.cn", ".vault.usgovcloudapi.net", ".vault.microsoftazure.de")


def validate(configuration: Configuration) -> tuple[Finding, ...]:
    """Findings on each field; a healthy registration has only PASS."""
    return judged(configuration, _FIELDS)


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
    id = f"azure-{fault}"
    return Finding(id, status, _FIELDS[field].link, title, saw, means, next_step, field, errors, reference)


def _tenant(configuration: Configuration, value: str) -> Iterable[Finding]:
    if value.lower() == vendor.AZURE_APP_ID:
        means = "This is the ID of OpenAI's application, which is the same for every customer."
        title = "tenant_id is OpenAI's application ID"
        yield _fault(configuration, "tenant_id", "tenant-id-is-application", title, means, _TENANT_FOUND)
    elif not _GUID.fullmatch(value):
        means = "OpenAI asks for the tenant's ID: 32 hexadecimal digits in five groups."
        if re.fullmatch(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", value):
            means = f"This is the name of a domain, not the tenant's ID. {means}"
        title = "tenant_id is not the tenant's ID"
        yield _fault(configuration, "tenant_id", "tenant-id-is-name", title, means, _TENANT_FOUND)
    elif not value.strip("0-"):
        means = "An ID of zeros belongs to no tenant."
        title = "tenant_id is all zeros"
        yield _fault(configuration, "tenant_id", "tenant-id-is-zero", title, means, _TENANT_FOUND)


def _vault(configuration: Configuration, value: str) -> Iterable[Finding]:
    def fault(id: str, title: str, means: str, step: str = _VAULT_FOUND, errors: tuple[str, ...] = ()) -> Finding:
        return _fault(configuration, "vault_uri", f"vault-uri-{id}", title, means, step, errors=errors)

    try:
        uri = urlsplit(value if "://" in value else f"https://{value}")
        host, port = (uri.hostname or "").lower(), uri.port
    except ValueError:
        yield fault("malformed", "vault_uri is no address", "No address has this form.")
        return
    right = f"https://{host}/"
    if "." not in host and "://" not in value:
        step = f"If {shown(value)} is the vault's name, register https://{host}.vault.azure.net/."
        yield fault("is-name", "vault_uri is not an address", "OpenAI asks for the vault's whole URI.", step)
    elif host.endswith(".privatelink.vaultcore.azure.net") or ".privatelink." in host:
        name = host.split(".", 1)[0]
        yield fault(
            "privatelink",
            "vault_uri is the private link's host",
            "This name is for DNS inside your network. Microsoft Entra knows no resource of that name.",
            f"Register the vault's public name: https://{name}.vault.azure.net/.",
            ("azure-resource-principal-not-found",),
        )
    elif host.endswith(".managedhsm.azure.net"):
        means = "This is a managed HSM. OpenAI's guide is for a key vault (….vault.azure.net)."
        yield fault("managed-hsm", "vault_uri is a managed HSM", means, "Register a key in a key vault.")
    elif host.endswith(_OTHER_CLOUDS):
        means = "This vault is in a national cloud of its own. OpenAI's application is in the public cloud."
        step = "Use a vault in the public cloud, or ask your OpenAI contact."
        yield fault("other-cloud", "vault_uri is in another Azure cloud", means, step)
    elif not host.endswith(".vault.azure.net") or not _VAULT.fullmatch(host.removesuffix(".vault.azure.net")):
        means = "The host of a vault reads <vault>.vault.azure.net. The portal's address is another."
        yield fault("other-host", "vault_uri is not a vault's address", means)
    elif "://" not in value:
        yield fault("no-scheme", "vault_uri lacks https://", "An address begins with https://.", f"Register {right}.")
    elif uri.scheme != "https":
        means = "Key Vault answers https alone."
        yield fault("http", "vault_uri does not begin with https://", means, f"Register {right}.")
    elif uri.path not in ("", "/") or uri.query or uri.fragment:
        means = "This is the address of something inside the vault. OpenAI adds the key's name itself."
        step = f"Register {right}, and the key's name in key_name."
        yield fault("has-path", "vault_uri holds more than the vault", means, step)
    elif port or uri.username or "@" in uri.netloc:
        means = "The address of a vault has no port and no user."
        yield fault("has-port", "vault_uri holds a port or a user", means, f"Register {right}.")


def _key(configuration: Configuration, value: str) -> Iterable[Finding]:
    organization = configuration.organization_id.strip()
    wanted = organization if re.fullmatch(r"org-[A-Za-z0-9]{1,80}", organization) else "<organization ID>"

    def fault(id: str, title: str, means: str, step: str = "", status: Status = Status.FAIL) -> Finding:
        # OpenAI's API refuses exactly what does not match its published pattern.
        errors = () if _KEY_NAME.match(value) else _PATTERN
        step = step or f"Create a key named {wanted}--<any name>: a key cannot be renamed."
        return _fault(
            configuration,
            "key_name",
            f"key-name-{id}",
            title,
            means,
            step,
            status=status,
            errors=errors,
            reference=vendor.FAQ,
        )

    if "/" in value:
        part = re.search(r"/keys/([^/]{1,127})", value)
        step = f"Register only {shown(part[1])}." if part else _KEY_FOUND
        yield fault("is-address", "key_name holds an address", "OpenAI asks for the key's name alone.", step)
    elif re.search(r"[^0-9A-Za-z-]", value):
        means = "OpenAI accepts letters, digits and dashes. An underscore is not accepted, nor is any other sign."
        yield fault("character", "key_name holds a sign that is not accepted", means)
    elif not value.startswith("org-"):
        means = "OpenAI accepts only keys whose name begins with your organization ID and two dashes."
        yield fault("no-prefix", "key_name does not begin with the organization ID", means)
    elif "--" not in value:
        means = "Two dashes must stand between the organization ID and the rest of the name."
        yield fault("one-dash", "key_name lacks the two dashes", means)
    elif len(value) > 127:
        means = f"Key Vault allows names of up to 127 characters; this has {len(value)}."
        yield fault("length", "key_name is too long", means)
    elif wanted == organization and value.split("--", 1)[0] != organization:
        prefix = value.split("--", 1)[0]
        means = f"It begins with {shown(prefix)}; your organization is {shown(organization)}."
        if prefix.lower() == organization.lower():
            means = f"{means} They differ in upper and lower case only; we do not know whether OpenAI minds."
            step = "Compare both with the ID on platform.openai.com."
            yield fault("case", "key_name writes the organization ID differently", means, step, Status.WARN)
        else:
            means = f"{means} OpenAI compares the two at registration and on every request."
            yield fault("other-organization", "key_name names another organization", means)


_FIELDS = {
    "tenant_id": Field(Link.IDENTITY, _TENANT_FOUND, _tenant, vendor.AZURE_GUIDE),
    "vault_uri": Field(Link.KEY, _VAULT_FOUND, _vault, references.VAULT_RBAC),
    "key_name": Field(Link.KEY, _KEY_FOUND, _key, vendor.FAQ),
}
