"""Real messages to try with one click: the seven of OpenAI's FAQ, with values filled in where the FAQ masks them.

Source: OpenAI: EKM onboarding troubleshooting FAQ (article 20000955), read on 2026-11-23. All values are invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_STS = (
    "Failed to acquire GCP STS token for audience //iam.googleapis.com/projects/{project}/locations/global/"
    "workloadIdentityPools/openai-ekm/providers/openai: "
)

EXAMPLES: Mapping[str, str] = MappingProxyType(
    {
        "AWS: AssumeRole": (
            "User: arn:aws:sts::790389265272:assumed-role/EnterpriseKeyManagement/OpenAI-EKM-Service is not authorized "
            "to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/OpenAI-EKM"
        ),
        "AWS: kms:Encrypt": (
            "User: arn:aws:sts::111122223333:assumed-role/OpenAI-EKM/OpenAI-EKM-Service is not authorized to perform: "
            "kms:Encrypt on resource: arn:aws:kms:us-east-1:111122223333:key/5f0c2f6e-8d5b-4c46-9d27-6a1d3f0b7c11 "
            "because no identity-based policy allows the kms:Encrypt action"
        ),
        "GCP: invalid audience": (
            _STS.format(project="my-kms-project")
            + "{'error': 'invalid_request', 'error_description': 'Invalid value for \\\"audience\\\". This value "
            "should be the full resource name of the Identity Provider. See https://cloud.google.com/iam/docs/reference/sts/"
            "rest/v1/TopLevel/token for the list of possible formats.'}"
        ),
        "GCP: audience mismatch": (
            _STS.format(project="318254907731") + "{'error': 'invalid_grant', 'error_description': 'The audience in ID "
            "Token [org-Qx3tLm8WvZc1Rk5Jd0Hs7Byp] does not match the expected audience "
            "https://iam.googleapis.com/projects/318254907731/locations/global/workloadIdentityPools/openai-ekm/"
            "providers/openai.'}"
        ),
        "Azure: service principal": (
            "AADSTS7000229: The client application 20a14814-5ab7-4612-a671-1382b412bf93 is missing service principal "
            "in the tenant 6b0f4c1e-52d7-4c0a-9a5e-1d2f8e7c3b90. See instructions here: "
            "https://go.microsoft.com/fwlink/?linkid=2225119"
        ),
        "Azure: not authorized": (
            "Caller is not authorized to perform action on resource. If role assignments, deny assignments or role "
            "definitions were changed recently, please observe propagation time."
        ),
        "Key name": (
            "Invalid 'key_name': string does not match pattern. Expected a string that matches the pattern "
            "'^org-[0-9a-zA-Z-]*--[0-9a-zA-Z-]*$'."
        ),
    }
)
