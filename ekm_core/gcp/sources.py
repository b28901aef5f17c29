"""The pages of Google that the Google Cloud entries rest on.

READ: the page's text, or the API description that Google generates it from, was read on that day. None: the page was
not found again, so it is a place to look, and no fact here rests on it.
"""

from __future__ import annotations

from datetime import date

from ekm_core.model import Reference
from ekm_core.vendor import READ


def _page(title: str, path: str, read: date | None = READ) -> Reference:
    return Reference(f"Google Cloud: {title}", f"https://docs.cloud.google.com/{path}", read)


STS = _page("Security Token Service, method token", "iam/docs/reference/sts/rest/v1/TopLevel/token")
FEDERATION = _page(
    "Workload Identity Federation with other identity providers",
    "iam/docs/workload-identity-federation-with-other-providers",
    None,
)
FEDERATION_TROUBLE = _page(
    "troubleshoot Workload Identity Federation", "iam/docs/troubleshooting-workload-identity-federation"
)
POOLS_API = _page(
    "IAM API, workloadIdentityPools.create",
    "iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools/create",
)
# Deleted pools can be restored for about 30 days; a disabled or deleted one exchanges no tokens.
POOLS = _page("IAM API, workload identity pools", "iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools")
PROVIDERS_API = _page(
    "IAM API, workload identity pool providers",
    "iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools.providers",
)
MANAGE_POOLS = _page(
    "manage workload identity pools and providers", "iam/docs/manage-workload-identity-pools-providers", None
)
PROJECTS = _page("identify projects", "resource-manager/docs/creating-managing-projects")
KMS_ROLES = _page("Cloud KMS permissions and roles", "kms/docs/reference/permissions-and-roles")
# A key ring and its keys stay in their location.
KMS_KEY_RINGS = _page("Cloud KMS: create a key ring", "kms/docs/create-key-ring")
KMS_LOCATIONS = _page("Cloud KMS locations", "kms/docs/locations")
KMS_STATES = _page("Cloud KMS key version states", "kms/docs/key-states")
KMS_DESTROY = _page("Cloud KMS: destroy and restore key versions", "kms/docs/destroy-restore")
KMS_PURPOSES = _page("Cloud KMS key purposes and algorithms", "kms/docs/algorithms")
KMS_DECRYPT = _page("Cloud KMS: encrypt and decrypt", "kms/docs/encrypt-decrypt")
# Some count against the calling project, others against the key's; the latter are enforced by the second.
KMS_QUOTAS = _page("Cloud KMS quotas", "kms/quotas")
EKM_ERRORS = _page("Cloud EKM error reference", "kms/docs/reference/ekm_errors")
SERVICE_USAGE = _page("Service Usage overview", "service-usage/docs/overview")
ENABLE_API = _page("enable and disable services", "service-usage/docs/enable-disable", None)
VPC_SC = _page("troubleshoot VPC Service Controls", "vpc-service-controls/docs/troubleshooting")
IMPERSONATION = _page("service account impersonation", "iam/docs/service-account-impersonation", None)
DENY = _page("IAM deny policies", "iam/docs/deny-overview")
