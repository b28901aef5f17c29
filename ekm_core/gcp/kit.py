"""The Google Cloud part of the kit: pool and provider that know OpenAI alone, a key, and the binding on that key.

Facts: help article 20000949, Google's documentation of IAM and Cloud KMS and of the Terraform provider google, read on
2026-11-23. gcloud 528 parses the commands; it takes a duration from now (``+p90d``) as the time of the first rotation.
"""

from __future__ import annotations

from textwrap import indent

from ekm_core import vendor
from ekm_core.gcp import snippets as gcp
from ekm_core.kitparts import KitFile, Parts, Variable, code, friendly_name, known, name_variable, outputs_tf
from ekm_core.model import Configuration, Snippet, Values
from ekm_core.snippets import hcl, json_snippet
from ekm_core.values import FIELDS

_ROTATION = ("--rotation-period=90d", "--next-rotation-time=+p90d")
_MAPPING = "\n".join(f"    {hcl(target)} = {hcl(source)}" for target, source in gcp.MAPPING.items())

_MAIN = f"""# In the key's project and in the pool's. Nothing is switched off when Terraform goes.
resource "google_project_service" "kms_of_key" {{
  project            = var.kms_project_id
  service            = {hcl(gcp.KMS_API)}
  disable_on_destroy = false
}}

resource "google_project_service" "kms_of_pool" {{
  project            = var.workload_identity_project_number
  service            = {hcl(gcp.KMS_API)}
  disable_on_destroy = false
}}

resource "google_iam_workload_identity_pool" "openai_ekm" {{
  project                   = var.workload_identity_project_number
  workload_identity_pool_id = var.workload_identity_pool_id
  display_name              = "OpenAI EKM"
}}

resource "google_iam_workload_identity_pool_provider" "openai_ekm" {{
  project                            = var.workload_identity_project_number
  workload_identity_pool_id          = google_iam_workload_identity_pool.openai_ekm.workload_identity_pool_id
  workload_identity_pool_provider_id = var.workload_identity_provider_id
  attribute_condition                = {hcl(gcp.condition())}

  attribute_mapping = {{
{_MAPPING}
  }}

  oidc {{
    issuer_uri        = {hcl(vendor.GCP_ISSUER)}
    allowed_audiences = [var.audience]
  }}
}}

resource "google_kms_key_ring" "openai_ekm" {{
  project  = var.kms_project_id
  location = var.kms_key_location
  name     = var.kms_key_ring_name

  depends_on = [google_project_service.kms_of_key]
}}

resource "google_kms_crypto_key" "openai_ekm" {{
  key_ring        = google_kms_key_ring.openai_ekm.id
  name            = var.kms_key_name
  purpose         = "ENCRYPT_DECRYPT"
  rotation_period = "7776000s" # 90 days

  # Destroying the key would make the data that it protects unreadable for ever.
  lifecycle {{
    prevent_destroy = true
  }}
}}

locals {{
  pool = google_iam_workload_identity_pool.openai_ekm.name # projects/<number>/locations/global/…
}}

resource "google_kms_crypto_key_iam_member" "openai_ekm" {{
  crypto_key_id = google_kms_crypto_key.openai_ekm.id
  role          = {hcl(gcp.ROLE)}
  member        = "principal://iam.googleapis.com/${{local.pool}}/subject/{vendor.GCP_SUBJECT}"
}}
"""
_VERSIONS = """terraform {
  required_version = ">= 1.3"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 5.0, < 8.0"
    }
  }
}

provider "google" {
  project = var.kms_project_id
}
"""
_OUTPUTS = outputs_tf(
    {
        "type": hcl("gcp"),
        "name": "var.registration_name",
        "workload_identity_project_number": "var.workload_identity_project_number",
        "workload_identity_pool_id": "google_iam_workload_identity_pool.openai_ekm.workload_identity_pool_id",
        "workload_identity_provider_id": (
            "google_iam_workload_identity_pool_provider.openai_ekm.workload_identity_pool_provider_id"
        ),
        "audience": "var.audience",
        "kms_project_id": "var.kms_project_id",
        "kms_key_ring_name": "google_kms_key_ring.openai_ekm.name",
        "kms_key_name": "google_kms_crypto_key.openai_ekm.name",
        "kms_key_location": "google_kms_key_ring.openai_ekm.location",
    }
)
_VALUES = {
    "workload_identity_project_number": "project_number",
    "workload_identity_pool_id": "pool_id",
    "workload_identity_provider_id": "provider_id",
    "kms_project_id": "project_id",
    "kms_key_ring_name": "key_ring",
    "kms_key_name": "key_name",
    "kms_key_location": "location",
}


def parts(configuration: Configuration, values: Values) -> Parts:
    """The Google Cloud side. values: those of the configuration that are right; the rest is open."""
    fields = {**gcp.registration(values), **friendly_name(configuration)}
    return Parts(
        needs=(
            "gcloud or Terraform, signed in.",
            "In the pool's project: the role IAM Workload Identity Pool Admin. In the key's project: Cloud KMS Admin. "
            "In both: Service Usage Admin.",
        ),
        plan=_plan(values),
        create=_create(values),
        policies=_policies(values),
        checklist=_checklist(values),
        variables=_variables(values, fields["name"]),
        main=_MAIN,
        outputs=_OUTPUTS,
        versions=_VERSIONS,
        registration=fields,
        notes=(
            "What is there already stays as it is. Compare a provider that you had with policies/provider.json.",
            "A pool or provider that was deleted keeps its name for 30 days: bring it back, or take another name.",
            "A key ring and a key can never be renamed or moved to another location.",
            "Rotation makes a new version every 90 days and does not cut OpenAI's access. Keep the older versions "
            "enabled: they decrypt what was encrypted with them.",
            "The member of the binding names OpenAI's subject, so no other identity of the pool can use the key.",
        ),
        undo=(_unbind(values),),
    )


def _plan(values: Values) -> tuple[str, ...]:
    project, number = gcp.own(values, "project_id"), gcp.own(values, "project_number")
    return (
        f"enable the Cloud KMS API in project {project} and in project number {number}",
        f"create the workload identity pool {gcp.own(values, 'pool_id')}",
        f"create its provider {gcp.own(values, 'provider_id')}, which lets OpenAI's service alone in, "
        f"with the audience {gcp.audience(values)}",
        f"create the key {gcp.key_resource(values)}, with rotation every 90 days",
        "let OpenAI's service encrypt and decrypt with that key",
    )


def _create(values: Values) -> str:
    pool, provider = gcp.pool_name(values), gcp.provider_name(values)
    ring, key = gcp.key_ring_name(values), gcp.key_resource(values)
    make_ring, make_key = gcp.create_key(values, rotation=_ROTATION)
    things = (
        ("The pool", _look("iam workload-identity-pools", pool, "state"), gcp.create_pool(values)),
        (
            "The provider",
            _look("iam workload-identity-pools providers", provider, "state"),
            gcp.create_provider(values),
        ),
        ("The key ring", _look("kms keyrings", ring, "name"), make_ring),
        ("The key", _look("kms keys", key, "name"), make_key),
    )
    made = "\n\n".join(
        f"""if is_missing '{name}' "$({look.text} 2> /dev/null || true)"; then
{indent(make.text, "  ")}
fi"""
        for name, look, make in things
    )
    return f"""# $1: what it is. $2: what the look at it printed. A look that fails prints nothing and leads to the
# creation, which never overwrites anything and says why it fails.
is_missing() {{
  case "$2" in
    '') return 0 ;;
    DELETED)
      echo "$1 was deleted less than 30 days ago and keeps its name. Bring it back, or choose another name." >&2
      exit 1
      ;;
  esac
  echo "$1 is there already and stays as it is."
  return 1
}}

{gcp.enable_api(gcp.own(values, "project_id")).text}
{gcp.enable_api(gcp.own(values, "project_number")).text}

{made}

{gcp.bind_key(values).text}

echo 'Done. Now register the key: see README.md.'
"""


def _look(kind: str, name: str, field: str) -> Snippet:
    """A look at one thing that prints one field of it alone; it fails where there is no such thing."""
    return gcp.command("Look", "gcloud", *kind.split(), "describe", name, f"--format=value({field})")


def _policies(values: Values) -> tuple[KitFile, ...]:
    provider = {
        "oidc": {"issuerUri": vendor.GCP_ISSUER, "allowedAudiences": [gcp.audience(values)]},
        "attributeMapping": dict(gcp.MAPPING),
        "attributeCondition": gcp.condition(),
    }
    binding = {"role": gcp.ROLE, "members": [gcp.principal(values)]}
    return (
        KitFile("policies/provider.json", json_snippet("the provider as it must be, to compare with yours", provider)),
        KitFile(
            "policies/key-binding.json",
            json_snippet("the binding to have on the key, beside those that are there", binding),
        ),
    )


def _checklist(values: Values) -> tuple[str, ...]:
    number, project = code(gcp.own(values, "project_number")), code(gcp.own(values, "project_id"))
    return (
        f"Open the project with the number {number}, then IAM & Admin, Workload Identity Federation, Create pool. Give "
        f"the pool the ID {code(gcp.own(values, 'pool_id'))}.",
        f"Add a provider: OpenID Connect (OIDC), with the ID {code(gcp.own(values, 'provider_id'))} and the issuer "
        f"{code(vendor.GCP_ISSUER)}.",
        f"Under Audiences choose Allowed audiences and enter {code(gcp.audience(values))}.",
        f"Under Attribute mapping set {code('google.subject')} to {code('assertion.sub')}.",
        f"Under Attribute conditions enter {code(gcp.condition())}. Save.",
        f"Under APIs & Services, enable the Cloud KMS API in this project and in {project}.",
        f"Open {project}, then Security, Key Management. Create the key ring {code(gcp.own(values, 'key_ring'))} in "
        f"the location {code(gcp.own(values, 'location'))}.",
        f"Create the key {code(gcp.own(values, 'key_name'))} in it: purpose symmetric encrypt/decrypt, rotation every "
        "90 days.",
        "Open the key, then Permissions, Grant access. As the new principal enter "
        f"{code(gcp.principal(values))}, with the role Cloud KMS CryptoKey Encrypter/Decrypter.",
    )


def _variables(values: Values, registration_name: str) -> tuple[Variable, ...]:
    made = [
        Variable(
            name,
            known(gcp.own(values, value)),
            f"{FIELDS[value].label}. {FIELDS[value].help}",
            gcp.SHAPES[value].pattern,
            FIELDS[value].problem,
        )
        for name, value in _VALUES.items()
    ]
    field = FIELDS["audience"]
    audience = Variable(
        "audience",
        known(gcp.audience(values)),
        "What OpenAI's token names: your OpenAI organization ID, or a project ID",
        field.pattern.pattern,
        field.problem,
    )
    return (*made, audience, name_variable(registration_name))


def _unbind(values: Values) -> Snippet:
    return gcp.command(
        "Take the binding off the key",
        "gcloud",
        "kms",
        "keys",
        "remove-iam-policy-binding",
        gcp.key_resource(values),
        f"--member={gcp.principal(values)}",
        f"--role={gcp.ROLE}",
    )
