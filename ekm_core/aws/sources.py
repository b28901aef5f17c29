"""Where the facts about AWS come from.

READ: the page's text, or the text that AWS generates it from, was read on that day. None: the page was not found again,
so it is a place to look, and no fact here rests on it.
"""

from __future__ import annotations

from datetime import date

from ekm_core.model import Reference
from ekm_core.vendor import READ

_DOCS = "https://docs.aws.amazon.com"

# How the reason at the end of an access-denied message is worded, that an SCP can be called an explicit deny even where
# it merely lacks an allow, and that AWS names only one policy type where several deny.
ACCESS_DENIED = Reference(
    "AWS IAM: troubleshoot access denied error messages",
    f"{_DOCS}/IAM/latest/UserGuide/troubleshoot_access-denied.html",
    READ,
)
# Explicit denies are evaluated before any allow is looked for.
EVALUATION = Reference(
    "AWS IAM: policy evaluation logic",
    f"{_DOCS}/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html",
    READ,
)
EXTERNAL_ID = Reference(
    "AWS IAM: access to AWS accounts owned by third parties (external ID)",
    f"{_DOCS}/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html",
    READ,
)
TRUST_UPDATE = Reference(
    "AWS IAM: update a role trust policy",
    f"{_DOCS}/IAM/latest/UserGuide/id_roles_update-role-trust-policy.html",
    READ,
)
SCP = Reference(
    "AWS Organizations: service control policies",
    f"{_DOCS}/organizations/latest/userguide/orgs_manage_policies_scps.html",
    READ,
)
RCP = Reference(
    "AWS Organizations: resource control policies",
    f"{_DOCS}/organizations/latest/userguide/orgs_manage_policies_rcps.html",
    READ,
)
ASSUME_ROLE = Reference("AWS STS: AssumeRole", f"{_DOCS}/STS/latest/APIReference/API_AssumeRole.html", READ)
STS_REGIONS = Reference(
    "AWS IAM: manage AWS STS in an AWS Region",
    f"{_DOCS}/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html",
    READ,
)
# Sessions of GetSessionToken and GetFederationToken last longest.
SESSION_LENGTH = Reference(
    "AWS STS: GetSessionToken", f"{_DOCS}/STS/latest/APIReference/API_GetSessionToken.html", date(2026, 11, 28)
)
STS_ERRORS = Reference("AWS STS: common errors", f"{_DOCS}/STS/latest/APIReference/CommonErrors.html", None)
KEY_POLICY = Reference(
    "AWS KMS: default key policy",
    f"{_DOCS}/kms/latest/developerguide/key-policy-default.html",
    READ,
)
# A policy names a key by its key ARN: a key id, an alias or an alias ARN does not identify a key there.
KMS_IAM = Reference(
    "AWS KMS: specifying KMS keys in IAM policy statements",
    f"{_DOCS}/kms/latest/developerguide/cmks-in-iam-policies.html",
    READ,
)
KMS_CROSS_ACCOUNT = Reference(
    "AWS KMS: allowing users in other accounts to use a KMS key",
    f"{_DOCS}/kms/latest/developerguide/key-policy-modifying-external-accounts.html",
    READ,
)
KMS_ENCRYPT = Reference("AWS KMS: Encrypt", f"{_DOCS}/kms/latest/APIReference/API_Encrypt.html", READ)
KMS_DECRYPT = Reference("AWS KMS: Decrypt", f"{_DOCS}/kms/latest/APIReference/API_Decrypt.html", READ)
# A denied call across accounts is logged with its caller alone.
KMS_LOGGING = Reference(
    "AWS KMS: logging API calls with CloudTrail",
    f"{_DOCS}/kms/latest/developerguide/logging-using-cloudtrail.html",
    date(2026, 11, 27),
)
# A denied AssumeRole across accounts is not logged in the account of the role.
STS_LOGGING = Reference(
    "AWS IAM: logging IAM and STS API calls with CloudTrail",
    f"{_DOCS}/IAM/latest/UserGuide/cloudtrail-integration.html",
    date(2026, 11, 27),
)
KEY_STATES = Reference("AWS KMS: key states", f"{_DOCS}/kms/latest/developerguide/key-state.html", READ)
KEY_DELETION = Reference("AWS KMS: delete a key", f"{_DOCS}/kms/latest/developerguide/deleting-keys.html", READ)
KEY_ENABLE = Reference(
    "AWS KMS: enable and disable keys", f"{_DOCS}/kms/latest/developerguide/enabling-keys.html", READ
)
KEY_IMPORT = Reference("AWS KMS: import key material", f"{_DOCS}/kms/latest/developerguide/importing-keys.html", READ)
KEY_IDENTIFIERS = Reference(
    "AWS KMS: key identifiers (KeyId)",
    f"{_DOCS}/kms/latest/developerguide/concepts.html#key-id",
    READ,
)
KEY_TYPES = Reference(
    "AWS KMS: key type reference",
    f"{_DOCS}/kms/latest/developerguide/symm-asymm-compare.html",
    READ,
)
KMS_QUOTAS = Reference("AWS KMS: throttling requests", f"{_DOCS}/kms/latest/developerguide/throttling.html", READ)
XKS = Reference(
    "AWS KMS: troubleshooting external key stores",
    f"{_DOCS}/kms/latest/developerguide/xks-troubleshooting.html",
    READ,
)
CLOUDHSM = Reference(
    "AWS KMS: troubleshooting a CloudHSM key store",
    f"{_DOCS}/kms/latest/developerguide/fix-keystore.html",
    READ,
)
CREDENTIALS = Reference(
    "AWS: configuration and credential precedence of the CLI",
    f"{_DOCS}/cli/latest/userguide/cli-chap-configure.html",
    READ,
)
