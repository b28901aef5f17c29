"""The pages of Google that the Google Cloud entries rest on; all read on 2026-11-23."""

from __future__ import annotations

from ekm_core.model import Reference
from ekm_core.vendor import READ


def _page(title: str, path: str) -> Reference:
    return Reference(f"Google Cloud: {title}", f"https://docs.cloud.google.com/{path}", READ)


STS = _page("Security Token Service, method token", "iam/docs/reference/sts/rest/v1/TopLevel/token")
FEDERATION = _page(
    "Workload Identity Federation with other identity providers",
    "iam/docs/workload-identity-federation-with-other-providers",
)
FEDERATION_TROUBLE = _page(
    "troubleshoot Workload Identity Federation", "iam/docs/troubleshooting-workload-identity-federation"
)
POOLS_API = _page(
    "IAM API, workloadIdentityPools.create",
    "iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools/create",
)
PROVIDERS_API = _page(
    "IAM API, workload identity pool providers",
    "iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools.providers",
)
MANAGE_POOLS = _page(
    "manage workload identity pools and providers", "iam/docs/manage-workload-identity-pools-providers"
)
PROJECTS = _page("identify projects", "resource-manager/docs/creating-managing-projects")
KMS_ROLES = _page("Cloud KMS permissions and roles", "kms/docs/reference/permissions-and-roles")
KMS_KEYS = _page("Cloud KMS: create a key", "kms/docs/create-key")
KMS_LOCATIONS = _page("Cloud KMS locations", "kms/docs/locations")
KMS_STATES = _page("Cloud KMS key version states", "kms/docs/key-states")
KMS_DESTROY = _page("Cloud KMS: destroy and restore key versions", "kms/docs/destroy-restore")
KMS_PURPOSES = _page("Cloud KMS key purposes and algorithms", "kms/docs/algorithms")
KMS_DECRYPT = _page("Cloud KMS: encrypt and decrypt", "kms/docs/encrypt-decrypt")
KMS_QUOTAS = _page("Cloud KMS quotas", "kms/quotas")
EKM_ERRORS = _page("Cloud EKM error reference", "kms/docs/reference/ekm_errors")
ENABLE_API = _page("enable and disable services", "service-usage/docs/enable-disable")
VPC_SC = _page("troubleshoot VPC Service Controls", "vpc-service-controls/docs/troubleshooting")
IMPERSONATION = _page("service account impersonation", "iam/docs/service-account-impersonation")
DENY = _page("IAM deny policies", "iam/docs/deny-overview")
