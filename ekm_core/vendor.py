"""OpenAI's identities, the fields a customer registers, and how long clouds take: constants with source and date.

Article numbers are of help.openai.com/en/articles/<number>; all read on 2026-11-23 unless a line says otherwise.
"""

from __future__ import annotations

from datetime import date

from ekm_core.model import Propagation, Reference

READ = date(2026, 11, 23)


def article(number: int, title: str) -> Reference:
    """A reference to one of OpenAI's public help articles."""
    return Reference(title, f"https://help.openai.com/en/articles/{number}", READ)


AWS_GUIDE = article(20000947, "OpenAI: External Key Management for AWS")
GCP_GUIDE = article(20000949, "OpenAI: External Key Management for Google Cloud")
AZURE_GUIDE = article(20000951, "OpenAI: External Key Management for Azure")
API_GUIDE = article(20000953, "OpenAI: External Keys in the Management API")
FAQ = article(20000955, "OpenAI: EKM onboarding troubleshooting FAQ")
REVOCATION_GUIDE = article(20000957, "OpenAI: EKM rotation and revocation")

# Article 20000947.
AWS_ACCOUNT = "790389265272"
AWS_PRINCIPAL = f"arn:aws:iam::{AWS_ACCOUNT}:role/EnterpriseKeyManagement"
AWS_SESSION = f"arn:aws:sts::{AWS_ACCOUNT}:assumed-role/EnterpriseKeyManagement/OpenAI-EKM-Service"
# The same account owns this role of another OpenAI product; a trust policy that names it is a mistake.
AWS_OTHER_PRINCIPAL = f"arn:aws:iam::{AWS_ACCOUNT}:role/CustomerStorage"

# Article 20000949.
GCP_SUBJECT = "105900137572174660365"
GCP_ISSUER = "https://accounts.google.com"

# Article 20000951.
AZURE_APP_ID = "20a14814-5ab7-4612-a671-1382b412bf93"
AZURE_APP_NAME = "EKM - OpenAI Azure"
AZURE_DATA_ACTIONS = (
    "Microsoft.KeyVault/vaults/keys/encrypt/action",
    "Microsoft.KeyVault/vaults/keys/decrypt/action",
    "Microsoft.KeyVault/vaults/keys/read",
)
# Article 20000955 (the pattern stands in the error's own text).
AZURE_KEY_NAME_PATTERN = "^org-[0-9a-zA-Z-]*--[0-9a-zA-Z-]*$"

AWS_IAM_WAIT = Propagation(
    "IAM and trust policies are eventually consistent; AWS gives no figure, users report over 5 minutes",
    15,
    Reference(
        "AWS IAM: changes that I make are not always immediately visible",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html",
        READ,
    ),
)
GCP_IAM_WAIT = Propagation(
    "IAM bindings typically take 2 minutes, 7 or more are possible; group membership takes hours",
    10,
    Reference(
        "Google Cloud: access change propagation",
        "https://cloud.google.com/iam/docs/access-change-propagation",
        READ,
    ),
)
GCP_KEY_STATE_WAIT = Propagation(
    "Enabling or disabling a key version takes about 1 minute (older text: up to 3 hours)",
    180,
    Reference("Google Cloud KMS: enable and disable", "https://cloud.google.com/kms/docs/enable-disable", READ),
)
AZURE_RBAC_WAIT = Propagation(
    "Role assignments take up to 10 minutes (older text: 30); inherited from a management group: hours",
    30,
    Reference(
        "Azure RBAC: troubleshooting",
        "https://learn.microsoft.com/azure/role-based-access-control/troubleshooting",
        READ,
    ),
)
AZURE_VAULT_MODE_WAIT = Propagation(
    "After a vault is switched to RBAC its access policies stop counting at once; roles take several minutes",
    10,
    Reference("Azure Key Vault: RBAC guide", "https://learn.microsoft.com/azure/key-vault/general/rbac-guide", READ),
)
