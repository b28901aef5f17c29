"""One read-only script for Google Cloud Shell: everything that the checks of this cloud can use.

The commands are gcloud's; the permissions are those of Google's references of IAM, Cloud KMS, Service Usage and
Resource Manager, 2026-11-23. The answers are read by ``ekm_core.gcp.evidence``.
"""

from __future__ import annotations

from dataclasses import dataclass

from ekm_core import collect
from ekm_core.gcp import snippets as gcp
from ekm_core.model import Configuration, Language, Snippet, Values
from ekm_core.snippets import json_snippet, sh, snippet

_FIELDS = {
    "project_number": "workload_identity_project_number",
    "pool_id": "workload_identity_pool_id",
    "provider_id": "workload_identity_provider_id",
    "project_id": "kms_project_id",
    "key_ring": "kms_key_ring_name",
    "key_name": "kms_key_name",
    "location": "kms_key_location",
}
READS = (
    "the workload identity pools and providers of the pool's project",
    "whether the Cloud KMS API is enabled in both projects",
    "the key with its versions",
    "who may use it: the IAM policies of the key, its key ring, its project and everything above that",
    "the custom roles in those policies, and the names of deny policies",
)
# Prints the custom roles of an IAM policy, one a line. No single quote may stand in it.
_CUSTOM_ROLES = """
import json, re, sys
try:
    bindings = json.load(sys.stdin).get("bindings", [])
except ValueError:
    bindings = []
roles = {str(binding.get("role")) for binding in bindings}
for role in sorted(roles):
    if re.fullmatch("(projects|organizations)/[^/ ]+/roles/[A-Za-z0-9_.]+", role):
        print(role)
""".strip()
_PERMISSIONS = (
    "cloudkms.cryptoKeyVersions.list",
    "cloudkms.cryptoKeys.get",
    "cloudkms.cryptoKeys.getIamPolicy",
    "cloudkms.keyRings.getIamPolicy",
    "iam.roles.get",
    "iam.workloadIdentityPoolProviders.get",
    "iam.workloadIdentityPoolProviders.list",
    "iam.workloadIdentityPools.get",
    "iam.workloadIdentityPools.list",
    "resourcemanager.projects.get",
    "resourcemanager.projects.getIamPolicy",
    "serviceusage.services.list",
)
_ABOVE = """roles/iam.securityReviewer on the organization (or its folders): the IAM policies above the project
roles/iam.denyReviewer on the organization: deny policies
"""


def values(configuration: Configuration) -> Values:
    """The configuration under the names that the snippets of this cloud use."""
    return Values({name: configuration.get(field) for name, field in _FIELDS.items() if configuration.get(field)})


@dataclass(frozen=True, slots=True)
class Reads:
    """gcloud's commands, as words, that read one set-up; ``--format=json`` and a project are still to be added.

    apis: the list of enabled APIs, filtered; it takes a project's id, not its number.
    """

    pool_project: tuple[str, ...]
    key_project: tuple[str, ...]
    pool: tuple[str, ...]
    provider: tuple[str, ...]
    pools: tuple[str, ...]
    providers: tuple[str, ...]
    key: tuple[str, ...]
    versions: tuple[str, ...]
    key_policy: tuple[str, ...]
    ring_policy: tuple[str, ...]
    project_policy: tuple[str, ...]
    policies_above: tuple[str, ...]
    deny_policies: tuple[str, ...]
    apis: tuple[str, ...]


def reads(own: Values) -> Reads:
    """The commands for a set-up; what ``own`` leaves open, or gives in a wrong form, is a marked placeholder."""
    number, project = gcp.own(own, "project_number"), gcp.own(own, "project_id")
    pool, key, ring = gcp.pool_name(own), gcp.key_resource(own), gcp.key_ring_name(own)
    pools = ("gcloud", "iam", "workload-identity-pools")
    return Reads(
        pool_project=("gcloud", "projects", "describe", number),
        key_project=("gcloud", "projects", "describe", project),
        pool=(*pools, "describe", pool),
        provider=(*pools, "providers", "describe", gcp.provider_name(own)),
        pools=(*pools, "list", f"--location=projects/{number}/locations/global", "--show-deleted"),
        providers=(*pools, "providers", "list", f"--workload-identity-pool={pool}", "--show-deleted"),
        key=("gcloud", "kms", "keys", "describe", key),
        versions=("gcloud", "kms", "keys", "versions", "list", f"--key={key}"),
        key_policy=("gcloud", "kms", "keys", "get-iam-policy", key),
        ring_policy=("gcloud", "kms", "keyrings", "get-iam-policy", ring),
        project_policy=("gcloud", "projects", "get-iam-policy", project),
        policies_above=("gcloud", "projects", "get-ancestors-iam-policy", project),
        deny_policies=deny_policies(f"projects/{project}"),
        apis=("gcloud", "services", "list", "--enabled", f"--filter=config.name={gcp.KMS_API}"),
    )


def deny_policies(resource: str) -> tuple[str, ...]:
    """The list of the deny policies of ``projects/P``, ``folders/F`` or ``organizations/O``."""
    attached = f"--attachment-point=cloudresourcemanager.googleapis.com/{resource}"
    return ("gcloud", "iam", "policies", "list", attached, "--kind=denypolicies")


def script(configuration: Configuration) -> Snippet:
    """The script; what the configuration leaves open, or gives in a wrong form, is a marked placeholder in it."""
    own = values(configuration)
    number, project = gcp.own(own, "project_number"), gcp.own(own, "project_id")
    read = reads(own)
    policies = (read.key_policy, read.ring_policy, read.project_policy)
    apis = (*read.apis, "--format=json")
    once = (
        *(read.pool_project, read.key_project, read.pool, read.provider, read.pools, read.providers),
        *(read.key, read.versions, *policies, read.policies_above, read.deny_policies),
    )
    lines = [
        # gcloud must never offer to enable an API, and never wait for an answer.
        "export CLOUDSDK_CORE_DISABLE_PROMPTS=1 CLOUDSDK_CORE_SHOULD_PROMPT_TO_ENABLE_API=false",
        *(collect.command(*words, "--format=json") for words in once),
        collect.command(*apis, f"--project={project}"),
        "# Lists of APIs take a project's id, not its number.",
        f"pool_project=\"$(gcloud projects describe {sh(number)} '--format=value(projectId)' </dev/null 2>/dev/null)\"",
        'if [ -n "$pool_project" ]; then',
        f'  {collect.command(*apis)} "--project=$pool_project"',
        "fi",
        f"roles_of_policy='{_CUSTOM_ROLES}'",
        'custom_roles() { "$@" --format=json </dev/null 2>/dev/null | python3 -c "$roles_of_policy"; }',
        'roles="$( {',
        *(f"  custom_roles {' '.join(map(sh, words))}" for words in policies),
        '} | sort -u )"',
        # gcloud takes a custom role's id beside its owner, not its full name.
        "while IFS=/ read -r kind owner _ role; do",
        '  case "$kind" in',
        '    projects) collect gcloud iam roles describe "$role" "--project=$owner" --format=json ;;',
        '    organizations) collect gcloud iam roles describe "$role" "--organization=$owner" --format=json ;;',
        "  esac",
        'done <<< "$roles"',
    ]
    return collect.script("Read your Google Cloud set-up (for Cloud Shell)", READS, lines)


def permissions(configuration: Configuration, *more: str) -> tuple[Snippet, ...]:
    """What the script needs: a custom role for both projects, and, above them, two of Google's own roles.

    more: permissions that the role must hold beyond those.
    """
    role = {
        "title": "OpenAI EKM set-up reader",
        "description": "Reads what OpenAI's external key management needs. It cannot use keys or change anything.",
        "stage": "GA",
        "includedPermissions": sorted({*_PERMISSIONS, *more}),
    }
    return (
        json_snippet("Custom role for the key's project and the pool's project", role),
        snippet("To read what stands above the project (without these, it is noted as refused)", Language.TEXT, _ABOVE),
    )
