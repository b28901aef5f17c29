"""Google Cloud commands, Terraform and conditions for OpenAI's key set-up, with the user's own values in them.

Facts: help article 20000949 (the set-up) and 20000953 (the registration), Google's references of the IAM and Cloud KMS
APIs, and the documentation of the Terraform provider google; read on 2026-11-23. gcloud 528 parses the commands.

Every value that names a resource is checked against the form that Google gives for it and else becomes a marked
placeholder. So a value that came from a paste can never add a path segment to a resource name, a second audience to
gcloud's comma-separated lists, or a flag; what passes is quoted all the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from ekm_core import vendor
from ekm_core.model import Language, Snippet, Values
from ekm_core.openai import snippets as openai
from ekm_core.snippets import cel, hcl, sh, snippet

ROLE = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
PERMISSIONS = ("cloudkms.cryptoKeyVersions.useToDecrypt", "cloudkms.cryptoKeyVersions.useToEncrypt")
MAPPING = MappingProxyType({"google.subject": "assertion.sub"})
KMS_API = "cloudkms.googleapis.com"
# Project number: the pattern of the registration field (20000953). Pool and provider ids, key rings, keys and projects:
# Google's API references of IAM, Cloud KMS and Resource Manager. Organization and project ids of OpenAI: their prefixes
# stand in 20000953; the rest is only as narrow as quoting needs.
SHAPES: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "project_number": re.compile(r"[0-9]{1,19}"),
        "project_id": re.compile(r"(?:[a-z0-9.-]{1,63}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]"),
        "pool_id": re.compile(r"[a-z0-9-]{4,32}"),
        "provider_id": re.compile(r"[a-z0-9-]{4,32}"),
        "location": re.compile(r"[a-z][a-z0-9-]{1,39}"),
        "key_ring": re.compile(r"[A-Za-z0-9_-]{1,63}"),
        "key_name": re.compile(r"[A-Za-z0-9_-]{1,63}"),
        "key_version": re.compile(r"[0-9]{1,10}"),
        "organization_id": re.compile(r"org-[A-Za-z0-9-]{1,64}"),
        "openai_project_id": re.compile(r"proj_[A-Za-z0-9_-]{1,64}"),
    }
)
_MASK = re.compile(
    r"(?i)(?:x{3,}|[#*._-]+|0{6,}|your[-_ ].*|project[-_]?(?:number|id|name)|(?:pool|provider)[-_]?(?:id|name))"
)
_MARKS = ("*", "<", ">", "…", "...", "$", "{", "}", "[", "]", "xxx", "XXX", "###", "REDACTED")


def masked(value: str) -> bool:
    """Whether the value is masked or a placeholder (``xxxxx``, ``***``, ``<project>``, ``$KEY``): it proves nothing."""
    return bool(_MASK.fullmatch(value)) or any(mark in value for mark in _MARKS)


def own(values: Values, name: str) -> str:
    """The user's value where it has the form that Google (or OpenAI) gives for it, else its marked placeholder."""
    value = values.get(name)
    return value if SHAPES[name].fullmatch(value) and not masked(value) else f"<{name.upper()}>"


def audience(values: Values) -> str:
    """The audience to register and to allow: the one in use if it is an id of OpenAI's, else the organization id.

    The FAQ (20000955) recommends the organization id; a project id of OpenAI's is the other form that is accepted.
    """
    used = values.get("audience")
    for name in ("organization_id", "openai_project_id"):
        if SHAPES[name].fullmatch(used) and not masked(used):
            return used
    for name in ("organization_id", "openai_project_id"):
        if not (value := own(values, name)).startswith("<"):
            return value
    return own(values, "organization_id")


def pool_name(values: Values) -> str:
    """The pool's resource name, ``projects/<number>/locations/global/workloadIdentityPools/<pool>``."""
    number, pool = own(values, "project_number"), own(values, "pool_id")
    return f"projects/{number}/locations/global/workloadIdentityPools/{pool}"


def provider_name(values: Values) -> str:
    """The provider's resource name; behind ``//iam.googleapis.com/`` it is what the token service wants."""
    return f"{pool_name(values)}/providers/{own(values, 'provider_id')}"


def principal(values: Values) -> str:
    """OpenAI's service as a member of IAM policies (20000949)."""
    return f"principal://iam.googleapis.com/{pool_name(values)}/subject/{vendor.GCP_SUBJECT}"


def key_ring_name(values: Values) -> str:
    """The key ring's resource name."""
    return (
        f"projects/{own(values, 'project_id')}/locations/{own(values, 'location')}/keyRings/{own(values, 'key_ring')}"
    )


def key_resource(values: Values) -> str:
    """The key's resource name."""
    return f"{key_ring_name(values)}/cryptoKeys/{own(values, 'key_name')}"


def key_version_name(values: Values) -> str:
    """The resource name of the key version that the error speaks of."""
    return f"{key_resource(values)}/cryptoKeyVersions/{own(values, 'key_version')}"


def condition() -> str:
    """The attribute condition that lets OpenAI's service in and nobody else (20000949), in CEL."""
    return f"assertion.sub == {cel(vendor.GCP_SUBJECT)}"


def condition_snippet() -> Snippet:
    """The attribute condition for the console's field."""
    return snippet("Attribute condition", Language.CEL, condition())


def command(title: str, *words: str) -> Snippet:
    """One gcloud command: every word quoted, one option a line."""
    lines: list[str] = []
    for word in words:
        quoted = sh(word)
        if word.startswith("--") or "/" in word:
            lines.append(f"  {quoted}")
        elif len(lines) > 1:
            lines[-1] += f" {quoted}"
        elif lines:
            lines[0] += f" {quoted}"
        else:
            lines.append(quoted)
    return snippet(title, Language.BASH, " \\\n".join(lines))


def _pool(title: str, *words: str) -> Snippet:
    return command(title, "gcloud", "iam", "workload-identity-pools", *words)


def _provider(title: str, verb: str, values: Values, *options: str) -> Snippet:
    return _pool(title, "providers", verb, provider_name(values), *options)


# Looking: none of these changes anything.


def project_number() -> Snippet:
    """Lists the caller's projects with id and number; it needs no value, so that none can be wrong."""
    return command(
        "List your projects with their numbers", "gcloud", "projects", "list", "--format=table(projectId,projectNumber)"
    )


def list_pools(values: Values) -> Snippet:
    """The pools of the project that owns the federation, deleted ones too.

    These lists refuse a project's number as ``--project``, and the number is all that we know: full names take it.
    """
    return _pool(
        "List the workload identity pools",
        "list",
        f"--location=projects/{own(values, 'project_number')}/locations/global",
        "--show-deleted",
    )


def list_providers(values: Values) -> Snippet:
    """The providers of the pool, deleted ones too."""
    return _pool(
        "List the providers of the pool",
        "providers",
        "list",
        f"--workload-identity-pool={pool_name(values)}",
        "--show-deleted",
    )


def describe_pool(values: Values) -> Snippet:
    """The pool with its state."""
    return _pool("Show the pool", "describe", pool_name(values), "--format=yaml")


def describe_provider(values: Values) -> Snippet:
    """The provider: issuer, allowed audiences, mapping, condition, state."""
    return _provider("Show the provider", "describe", values, "--format=yaml")


def describe_key(values: Values) -> Snippet:
    """The key: purpose, primary version and its state."""
    return command("Show the key", "gcloud", "kms", "keys", "describe", key_resource(values), "--format=yaml")


def list_versions(values: Values) -> Snippet:
    """The key's versions with their states."""
    return command(
        "List the versions of the key",
        "gcloud",
        "kms",
        "keys",
        "versions",
        "list",
        f"--key={own(values, 'key_name')}",
        f"--keyring={own(values, 'key_ring')}",
        f"--location={own(values, 'location')}",
        f"--project={own(values, 'project_id')}",
    )


def list_keys(values: Values) -> Snippet:
    """The keys of the key ring."""
    return command(
        "List the keys of the key ring",
        "gcloud",
        "kms",
        "keys",
        "list",
        f"--keyring={own(values, 'key_ring')}",
        f"--location={own(values, 'location')}",
        f"--project={own(values, 'project_id')}",
    )


def list_key_rings(values: Values) -> Snippet:
    """The key rings of the location."""
    return command(
        "List the key rings of the location",
        "gcloud",
        "kms",
        "keyrings",
        "list",
        f"--location={own(values, 'location')}",
        f"--project={own(values, 'project_id')}",
    )


def key_policy(values: Values) -> Snippet:
    """Who may use the key, as bound on the key itself."""
    return command(
        "Show who may use the key", "gcloud", "kms", "keys", "get-iam-policy", key_resource(values), "--format=json"
    )


def enabled_apis(project: str) -> Snippet:
    """Whether the Cloud KMS API is on in a project; the answer is empty where it is off."""
    return command(
        "See whether the Cloud KMS API is enabled",
        "gcloud",
        "services",
        "list",
        "--enabled",
        f"--filter=config.name={KMS_API}",
        f"--project={project}",
    )


def deny_policies(values: Values) -> Snippet:
    """Deny policies of the key's project; they win over every role."""
    return command(
        "List the deny policies of the key's project",
        "gcloud",
        "iam",
        "policies",
        "list",
        f"--attachment-point=cloudresourcemanager.googleapis.com/projects/{own(values, 'project_id')}",
        "--kind=denypolicies",
    )


def audit_log(title: str, log_filter: str, project: str) -> Snippet:
    """The newest entries of a project's audit log that fit a filter of our own."""
    return command(
        title,
        "gcloud",
        "logging",
        "read",
        log_filter,
        f"--project={project}",
        "--freshness=1d",
        "--limit=5",
        "--format=json",
    )


def service_account_policy() -> Snippet:
    """Who may impersonate the service account; OpenAI's set-up needs none, so its name stays open."""
    return command(
        "Show who may impersonate the service account",
        "gcloud",
        "iam",
        "service-accounts",
        "get-iam-policy",
        "<SERVICE_ACCOUNT_EMAIL>",
        "--format=json",
    )


# Mending.


def create_pool(values: Values) -> Snippet:
    """Makes the workload identity pool."""
    return _pool("Create the pool", "create", pool_name(values), "--display-name=OpenAI EKM")


_MAPPING_OPTION = "--attribute-mapping=" + ",".join(f"{target}={source}" for target, source in MAPPING.items())


def _provider_settings(values: Values) -> tuple[str, ...]:
    return (
        f"--issuer-uri={vendor.GCP_ISSUER}",
        f"--allowed-audiences={audience(values)}",
        _MAPPING_OPTION,
        f"--attribute-condition={condition()}",
    )


def create_provider(values: Values) -> Snippet:
    """Makes the OIDC provider exactly as OpenAI's guide wants it (20000949)."""
    return _provider("Create the provider", "create-oidc", values, *_provider_settings(values))


def update_provider(values: Values) -> Snippet:
    """Sets issuer, audience, mapping and condition of the provider to OpenAI's guide; replaces each whole."""
    return _provider(
        "Set issuer, audience, mapping and condition (replaces what is there)",
        "update-oidc",
        values,
        *_provider_settings(values),
    )


def update_audiences(values: Values) -> Snippet:
    """Sets the allowed audiences; gcloud replaces the whole list."""
    return _provider(
        "Set the allowed audiences (replaces the list: add those of other systems, with commas)",
        "update-oidc",
        values,
        f"--allowed-audiences={audience(values)}",
    )


def update_condition(values: Values) -> Snippet:
    """Sets the attribute condition alone."""
    return _provider("Set the attribute condition", "update-oidc", values, f"--attribute-condition={condition()}")


def update_mapping(values: Values) -> Snippet:
    """Sets the attribute mapping alone; gcloud replaces the whole mapping."""
    return _provider("Set the attribute mapping (replaces it)", "update-oidc", values, _MAPPING_OPTION)


def update_issuer(values: Values) -> Snippet:
    """Sets the issuer alone."""
    return _provider("Set the issuer", "update-oidc", values, f"--issuer-uri={vendor.GCP_ISSUER}")


def enable_pool(values: Values) -> tuple[Snippet, ...]:
    """Enables the pool and the provider."""
    return (
        _pool("Enable the pool", "update", pool_name(values), "--no-disabled"),
        _provider("Enable the provider", "update-oidc", values, "--no-disabled"),
    )


def undelete_pool(values: Values) -> tuple[Snippet, ...]:
    """Brings back a pool or provider that was deleted less than 30 days ago."""
    return (
        _pool("Bring the pool back", "undelete", pool_name(values)),
        _provider("Bring the provider back", "undelete", values),
    )


def enable_api(project: str) -> Snippet:
    """Enables the Cloud KMS API in a project."""
    return command("Enable the Cloud KMS API", "gcloud", "services", "enable", KMS_API, f"--project={project}")


def create_key(values: Values, rotation: tuple[str, ...] = ()) -> tuple[Snippet, ...]:
    """Makes the key ring and a symmetric key in it. ``rotation``: options for the key's schedule, none by default."""
    return (
        command("Create the key ring", "gcloud", "kms", "keyrings", "create", key_ring_name(values)),
        command(
            "Create the key", "gcloud", "kms", "keys", "create", key_resource(values), "--purpose=encryption", *rotation
        ),
    )


def bind_key(values: Values) -> Snippet:
    """Lets OpenAI's service encrypt and decrypt with this key and no other."""
    return command(
        "Let OpenAI use the key",
        "gcloud",
        "kms",
        "keys",
        "add-iam-policy-binding",
        key_resource(values),
        f"--member={principal(values)}",
        f"--role={ROLE}",
    )


def custom_role(values: Values) -> Snippet:
    """Adds the two permissions to a custom role of the user's own, for those who do not use the built-in role."""
    return command(
        "Add the two permissions to your custom role",
        "gcloud",
        "iam",
        "roles",
        "update",
        "<CUSTOM_ROLE_ID>",
        f"--add-permissions={','.join(PERMISSIONS)}",
        f"--project={own(values, 'project_id')}",
    )


def enable_version(values: Values) -> Snippet:
    """Enables the key version."""
    return command("Enable the key version", "gcloud", "kms", "keys", "versions", "enable", key_version_name(values))


def restore_version(values: Values) -> Snippet:
    """Takes back the planned destruction of the key version; it is then disabled."""
    return command(
        "Cancel the planned destruction", "gcloud", "kms", "keys", "versions", "restore", key_version_name(values)
    )


def rotate_key(values: Values) -> Snippet:
    """Makes a new version of the key and makes it primary."""
    return command(
        "Make a new version",
        "gcloud",
        "kms",
        "keys",
        "versions",
        "create",
        f"--key={own(values, 'key_name')}",
        f"--keyring={own(values, 'key_ring')}",
        f"--location={own(values, 'location')}",
        f"--project={own(values, 'project_id')}",
        "--primary",
    )


# Terraform.


def pool_terraform(values: Values) -> Snippet:
    """Pool and provider as OpenAI's guide wants them."""
    number, pool, provider = (own(values, name) for name in ("project_number", "pool_id", "provider_id"))
    mapping = "\n".join(f"    {hcl(target)} = {hcl(source)}" for target, source in MAPPING.items())
    return snippet(
        "Pool and provider (import them first if they exist)",
        Language.HCL,
        f"""resource "google_iam_workload_identity_pool" "openai_ekm" {{
  project                   = {hcl(number)}
  workload_identity_pool_id = {hcl(pool)}
  display_name              = "OpenAI EKM"
}}

resource "google_iam_workload_identity_pool_provider" "openai_ekm" {{
  project                            = {hcl(number)}
  workload_identity_pool_id          = google_iam_workload_identity_pool.openai_ekm.workload_identity_pool_id
  workload_identity_pool_provider_id = {hcl(provider)}
  attribute_condition                = {hcl(condition())}

  attribute_mapping = {{
{mapping}
  }}

  oidc {{
    issuer_uri        = {hcl(vendor.GCP_ISSUER)}
    allowed_audiences = [{hcl(audience(values))}]
  }}
}}
""",
    )


def binding_terraform(values: Values) -> Snippet:
    """The binding on the key."""
    return snippet(
        "Binding on the key (adds to the policy, replaces nothing)",
        Language.HCL,
        f"""resource "google_kms_crypto_key_iam_member" "openai_ekm" {{
  crypto_key_id = {hcl(key_resource(values))}
  role          = {hcl(ROLE)}
  member        = {hcl(principal(values))}
}}
""",
    )


def key_terraform(values: Values) -> Snippet:
    """Key ring and symmetric key; destroying a key by mistake would make the data unreadable, so it is guarded."""
    project, location, ring, key = (own(values, name) for name in ("project_id", "location", "key_ring", "key_name"))
    return snippet(
        "Key ring and key (import them first if they exist)",
        Language.HCL,
        f"""resource "google_kms_key_ring" "openai_ekm" {{
  project  = {hcl(project)}
  location = {hcl(location)}
  name     = {hcl(ring)}
}}

resource "google_kms_crypto_key" "openai_ekm" {{
  key_ring = google_kms_key_ring.openai_ekm.id
  name     = {hcl(key)}
  purpose  = "ENCRYPT_DECRYPT"

  lifecycle {{
    prevent_destroy = true
  }}
}}
""",
    )


def api_terraform(project: str) -> Snippet:
    """The Cloud KMS API of one project."""
    return snippet(
        "Cloud KMS API",
        Language.HCL,
        f"""resource "google_project_service" "cloudkms" {{
  project            = {hcl(project)}
  service            = {hcl(KMS_API)}
  disable_on_destroy = false
}}
""",
    )


# Registration with OpenAI.


def registration(values: Values) -> Mapping[str, str]:
    """The fields of the registration (20000953), by the API's own names."""
    return {
        "type": "gcp",
        "name": "Google Cloud key",
        "workload_identity_project_number": own(values, "project_number"),
        "workload_identity_pool_id": own(values, "pool_id"),
        "workload_identity_provider_id": own(values, "provider_id"),
        "audience": audience(values),
        "kms_project_id": own(values, "project_id"),
        "kms_key_ring_name": own(values, "key_ring"),
        "kms_key_name": own(values, "key_name"),
        "kms_key_location": own(values, "location"),
    }


def register(values: Values) -> tuple[Snippet, ...]:
    """The registration call: curl and the ``openai`` SDK."""
    return openai.register(registration(values))
