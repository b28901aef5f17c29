"""Each field's faults are named; a healthy registration has nothing but PASS; nothing hostile raises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ekm_core import catalogue
from ekm_core.aws import config as aws
from ekm_core.azure import config as azure
from ekm_core.gcp import config as gcp
from ekm_core.model import Configuration, Provider, Status

ORG = "org-AbCdEfGhIjKlMnOp"
KEY = "arn:aws:kms:us-east-1:111122223333:key/3f2504e0-4f89-41d3-9a0c-0305e82c3301"
HEALTHY = {
    Provider.AWS: {"role_arn": "arn:aws:iam::111122223333:role/path/OpenAI-EKM", "kms_arn": KEY, "external_id": ORG},
    Provider.GCP: {
        "workload_identity_project_number": "123456789012",
        "workload_identity_pool_id": "openai-ekm-pool",
        "workload_identity_provider_id": "openai-ekm-provider",
        "audience": ORG,
        "kms_project_id": "kms-project",
        "kms_key_ring_name": "Ring_1",
        "kms_key_name": "openai_key",
        "kms_key_location": "europe-west3",
    },
    Provider.AZURE: {
        "tenant_id": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        "vault_uri": "https://ekm-vault.vault.azure.net/",
        "key_name": f"{ORG}--ekm",
    },
}
VALIDATE = {Provider.AWS: aws.validate, Provider.GCP: gcp.validate, Provider.AZURE: azure.validate}
NUMBER = "workload_identity_project_number"
POOL = "//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/p-1234"
RING = "projects/kms-project/locations/us/keyRings/ring"

A, G, Z = Provider.AWS, Provider.GCP, Provider.AZURE
FAULTS = [
    (A, "role_arn", "OpenAI-EKM", "aws-role-arn-is-no-arn"),
    (A, "role_arn", "arn:aws:sts::111122223333:assumed-role/ekm/me", "aws-role-arn-is-session"),
    (A, "role_arn", "arn:aws:iam::111122223333:user/me", "aws-role-arn-is-no-role"),
    (A, "role_arn", "arn:aws:iam::111122223333:root", "aws-role-arn-is-no-role"),
    (A, "role_arn", "arn:aws:iam::111122223333:instance-profile/x", "aws-role-arn-is-no-role"),
    (A, "role_arn", "arn:aws:iam::790389265272:role/EnterpriseKeyManagement", "aws-role-arn-is-openai"),
    (A, "role_arn", "arn:aws:iam::11112222333:role/ekm", "aws-role-arn-account"),
    (A, "role_arn", "arn:aws:iam:us-east-1:111122223333:role/ekm", "aws-role-arn-region"),
    (A, "role_arn", "arn:aws:iam::111122223333:role/ekm-?", "aws-role-arn-wildcard"),
    (A, "role_arn", "arn:aws-us-gov:iam::111122223333:role/ekm", "aws-role-arn-partition"),
    (A, "role_arn", "arn:aws:iam::111122223333:role/aws-service-role/a/b", "aws-role-arn-service-linked"),
    (A, "role_arn", KEY, "aws-role-arn-other-field"),
    (A, "role_arn", "arn:aws:iam::<ACCOUNT>:role/ekm", "aws-role-arn-placeholder"),
    (A, "kms_arn", "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "aws-kms-arn-is-key-id"),
    (A, "kms_arn", "alias/ekm", "aws-kms-arn-is-alias-name"),
    (A, "kms_arn", "arn:aws:kms:us-east-1:111122223333:alias/ekm", "aws-kms-arn-is-alias"),
    (A, "kms_arn", "arn:aws:kms:us-east-1:111122223333:alias/aws/s3", "aws-kms-arn-aws-managed"),
    (A, "kms_arn", "arn:aws:kms::111122223333:key/x", "aws-kms-arn-region"),
    (A, "kms_arn", "arn:aws:kms:us-east-1:1:key/x", "aws-kms-arn-account"),
    (A, "kms_arn", "arn:aws:kms:us-east-1:111122223333:key/x", "aws-kms-arn-key-id"),
    (A, "kms_arn", "arn:aws:s3:::bucket", "aws-kms-arn-other-service"),
    (A, "kms_arn", "arn:aws:kms:cn-north-1:111122223333:key/x", "aws-kms-arn-region-partition"),
    (A, "kms_arn", KEY.replace("aws:kms", "aws-cn:kms"), "aws-partitions-differ"),
    (A, "kms_arn", KEY.replace("111122223333", "444455556666"), "aws-accounts-differ"),
    (A, "external_id", "my-org", "aws-external-id-is-no-openai-id"),
    (A, "external_id", "org-AbCdEf GhIj", "aws-external-id-odd-character"),
    (A, "external_id", "org-AnotherOne123", "aws-external-id-other-organization"),
    (A, "external_id", "“org-AbCdEf”", "aws-external-id-odd-character"),
    (A, "external_id", "", "aws-external-id-missing"),
    (G, NUMBER, "my-project", "gcp-workload-identity-project-number-is-id"),
    (G, NUMBER, "1234567890", "gcp-workload-identity-project-number-length"),
    (G, NUMBER, "projects/123456789012", "gcp-workload-identity-project-number-is-full-name"),
    (G, NUMBER, "105900137572174660365", "gcp-workload-identity-project-number-is-subject"),
    (G, "workload_identity_pool_id", POOL, "gcp-workload-identity-pool-id-is-full-name"),
    (G, "workload_identity_pool_id", "OpenAIPool", "gcp-workload-identity-pool-id-form"),
    (G, "workload_identity_provider_id", "gcp-openai", "gcp-workload-identity-provider-id-reserved"),
    (G, "audience", f"https:{POOL}/providers/x", "gcp-audience-is-provider"),
    (G, "audience", "openai", "gcp-audience-is-no-openai-id"),
    (G, "kms_project_id", "123456789012", "gcp-kms-project-id-is-number"),
    (G, "kms_key_ring_name", RING, "gcp-kms-key-ring-name-is-full-name"),
    (G, "kms_key_name", f"{RING}/cryptoKeys/key", "gcp-kms-key-name-is-full-name"),
    (G, "kms_key_location", "us-east1-b", "gcp-kms-key-location-zone"),
    (G, "kms_key_location", "US", "gcp-kms-key-location-case"),
    (G, "kms_key_version", "1", "gcp-kms-key-version-given"),
    (Z, "tenant_id", "contoso.onmicrosoft.com", "azure-tenant-id-is-name"),
    (Z, "tenant_id", "20a14814-5ab7-4612-a671-1382b412bf93", "azure-tenant-id-is-application"),
    (Z, "tenant_id", "https://v-1.vault.azure.net/", "azure-tenant-id-other-field"),
    (Z, "vault_uri", "ekm-vault", "azure-vault-uri-is-name"),
    (Z, "vault_uri", "ekm-vault.vault.azure.net", "azure-vault-uri-no-scheme"),
    (Z, "vault_uri", "http://ekm-vault.vault.azure.net/", "azure-vault-uri-http"),
    (Z, "vault_uri", "https://ekm-vault.vault.azure.net/keys/k/1", "azure-vault-uri-has-path"),
    (Z, "vault_uri", "https://ekm-vault.privatelink.vaultcore.azure.net/", "azure-vault-uri-privatelink"),
    (Z, "vault_uri", "https://ekm.managedhsm.azure.net/", "azure-vault-uri-managed-hsm"),
    (Z, "vault_uri", "https://ekm-vault.vault.azure.cn/", "azure-vault-uri-other-cloud"),
    (Z, "vault_uri", "https://portal.azure.com/", "azure-vault-uri-other-host"),
    (Z, "vault_uri", "https://ekm-vault.vault.azure.net:8443/", "azure-vault-uri-has-port"),
    (Z, "vault_uri", "https://[", "azure-vault-uri-malformed"),
    (Z, "key_name", "ekm-key", "azure-key-name-no-prefix"),
    (Z, "key_name", f"{ORG}-ekm", "azure-key-name-one-dash"),
    (Z, "key_name", f"{ORG}--my_key", "azure-key-name-character"),
    (Z, "key_name", "org-Another1234--ekm", "azure-key-name-other-organization"),
    (Z, "key_name", f"{ORG.lower()}--ekm", "azure-key-name-case"),
    (Z, "key_name", f"https://v-1.vault.azure.net/keys/{ORG}--ekm/1", "azure-key-name-is-address"),
    (Z, "key_version", "abc", "azure-key-version-given"),
]


def validate(cloud, **fields):
    return VALIDATE[cloud](Configuration(cloud, {**HEALTHY[cloud], **fields}, ORG))


@pytest.mark.parametrize("cloud", HEALTHY)
def test_a_healthy_registration_has_only_passes(cloud):
    findings = validate(cloud)
    assert {finding.status for finding in findings} == {Status.PASS}
    assert {finding.field for finding in findings} == set(HEALTHY[cloud])


@pytest.mark.parametrize(("cloud", "field", "value", "id"), FAULTS)
def test_each_fault_has_its_finding(cloud, field, value, id):
    unhealthy = [finding for finding in validate(cloud, **{field: value}) if finding.status is not Status.PASS]
    assert id in [finding.id for finding in unhealthy]
    assert field in [finding.field for finding in unhealthy]
    for finding in unhealthy:
        assert finding.saw
        assert finding.means
        assert finding.next_step
        assert finding.reference
        assert all(catalogue.get(error) for error in finding.errors)


@pytest.mark.parametrize("name", ["ekm-key", f"{ORG}-ekm", f"{ORG}--my_key"])
def test_a_key_name_that_the_api_refuses_names_its_error(name):
    errors = [finding.errors for finding in validate(Provider.AZURE, key_name=name) if finding.status is Status.FAIL]
    assert errors == [("azure-key-name-pattern",)]


def test_a_project_id_for_the_number_names_its_error():
    found = [finding for finding in validate(Provider.GCP, **{NUMBER: "my-project"}) if finding.status is Status.FAIL]
    assert "gcp-sts-invalid-audience" in found[0].errors


def test_an_organization_with_a_space_is_named():
    findings = aws.validate(Configuration(Provider.AWS, HEALTHY[Provider.AWS], "org-Ab Cd"))
    assert [item.id for item in findings if item.status is Status.FAIL] == ["aws-organization-id-malformed"]


@pytest.mark.parametrize("cloud", HEALTHY)
@pytest.mark.parametrize("bad", ["\ud800", "a" * 1_000_000, "/" * 300_000, "arn:" * 200_000, "<" * 1_000_000, "\x00"])
def test_hostile_values_are_judged_too(cloud, bad):
    findings = VALIDATE[cloud](Configuration(cloud, dict.fromkeys(HEALTHY[cloud], bad), bad))
    assert not any(finding.status is Status.PASS for finding in findings)
    assert all(len(finding.saw) < 1_000 for finding in findings)


@given(st.text(max_size=80))
def test_any_text_is_judged(text):
    for cloud, fields in HEALTHY.items():
        assert VALIDATE[cloud](Configuration(cloud, dict.fromkeys(fields, text), text))
