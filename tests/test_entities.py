"""Values are found in what providers really say, and never outside the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ekm_core.entities import extract, first
from ekm_core.normalise import normalise

GUID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "User: arn:aws:sts::790389265272:assumed-role/EnterpriseKeyManagement/OpenAI-EKM-Service is not authorized "
            "to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/team/ekm.",
            {
                "principal": "arn:aws:sts::790389265272:assumed-role/EnterpriseKeyManagement/OpenAI-EKM-Service",
                "action": "sts:AssumeRole",
                "resource": "arn:aws:iam::111122223333:role/team/ekm",
                "account_id": "111122223333",
            },
        ),
        (
            "AccessDeniedException: User: arn:aws-us-gov:sts::111122223333:assumed-role/ekm/s is not authorized to "
            f"perform: kms:Decrypt on resource: arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/{GUID} because no",
            {
                "kms_key": f"arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/{GUID}",
                "region": "us-gov-west-1",
                "action": "kms:Decrypt",
            },
        ),
        (
            "User: arn:aws:iam::***:user/app is not authorized to perform: sts:AssumeRole on resource: "
            "arn:aws:iam::<account-id>:role/x",
            {"principal": "arn:aws:iam::***:user/app", "resource": "arn:aws:iam::<account-id>:role/x"},
        ),
        (
            "Failed to acquire GCP STS token for audience //iam.googleapis.com/projects/123456789012/locations/global/"
            "workloadIdentityPools/my-pool/providers/my-provider: {'error': 'invalid_grant', 'error_description': 'The "
            "audience in ID Token [org-abcdefgh12345678] does not match the expected audience proj_abcdefgh.'}",
            {
                "project_number": "123456789012",
                "pool_id": "my-pool",
                "provider_id": "my-provider",
                "audience": "org-abcdefgh12345678",
                "expected_audience": "proj_abcdefgh",
            },
        ),
        (
            "Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied on resource 'projects/my-proj/locations/"
            "europe-west1/keyRings/ring/cryptoKeys/key' (or it may not exist).",
            {
                "permission": "cloudkms.cryptoKeyVersions.useToEncrypt",
                "project_id": "my-proj",
                "location": "europe-west1",
                "key_ring": "ring",
                "key_name": "key",
            },
        ),
        (
            f"AADSTS7000229: The client application {GUID} is missing service principal in the tenant {GUID[::-1]}.",
            {"aadsts_code": "AADSTS7000229", "app_id": GUID},
        ),
        (
            f"Caller: appid={GUID};oid={GUID};iss=https://sts.windows.net/{GUID}/\r\nAction: "
            f"'Microsoft.KeyVault/vaults/keys/encrypt/action'\r\nResource: '/subscriptions/{GUID}/resourcegroups/rg/"
            "providers/microsoft.keyvault/vaults/v1/keys/org-abc--k'\r\nVault: v1;location=westeurope",
            {
                "app_id": GUID,
                "object_id": GUID,
                "tenant_id": GUID,
                "action": "Microsoft.KeyVault/vaults/keys/encrypt/action",
                "subscription_id": GUID,
                "resource_group": "rg",
                "vault": "v1",
                "key_name": "org-abc--k",
            },
        ),
    ],
)
def test_values_in_what_providers_say(text, expected):
    values = first(extract(normalise(text).text))
    assert {name: values.get(name) for name in expected} == expected


@given(st.text(max_size=300))
def test_any_text_gets_an_answer_and_values_stand_in_it(text):
    normal = normalise(text).text
    for entity in extract(normal):
        assert entity.value.removeprefix("AADSTS") in normal
