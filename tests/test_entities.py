"""Values are found in what providers really say, and never outside the text."""

import pytest
import re2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ekm_core import diagnose, entities
from ekm_core.entities import extract, first
from ekm_core.model import Provider
from ekm_core.normalise import normalise
from ekm_core.redact import redact
from tests.texts import many_texts

TELLTALES = [re2.compile(telltale) for telltale in entities.telltales()]
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
            "AccessDenied: User: arn:aws:iam::[ID] is not authorized to perform: sts:AssumeRole on resource: "
            "arn:aws:iam::[ID]:role/x",
            {"principal": "arn:aws:iam::[ID]", "resource": "arn:aws:iam::[ID]:role/x"},
        ),
        (
            "User: arn:aws:sts::111122223333:assumed-role/Pipeline-..../Build-.... is not authorized to perform: "
            "sts:AssumeRole on resource: arn:aws:iam::111122223333:role/x.",
            {
                "principal": "arn:aws:sts::111122223333:assumed-role/Pipeline-..../Build-....",
                "resource": "arn:aws:iam::111122223333:role/x",
            },
        ),
        ('a "does not have kms:GenerateDataKey permissions" error', {"action": "kms:GenerateDataKey"}),
        ("All writes failed with AccessDeniedException: kms:Decrypt.", {"action": "kms:Decrypt"}),
        ("Access denied to kms:DescribeKey", {"action": "kms:DescribeKey"}),
        ("A vendor is not authorized to perform action sts:AssumeRole", {"action": "sts:AssumeRole"}),
        (
            "User: arn:aws:sts::{account suppressed}:assumed-role/ide/i-02d14764 is not authorized to perform: "
            "kms:CreateAlias on resource: arn:aws:kms:us-west-2:{account suppressed}:alias/eks",
            {
                "principal": "arn:aws:sts::{account suppressed}:assumed-role/ide/i-02d14764",
                "resource": "arn:aws:kms:us-west-2:{account suppressed}:alias/eks",
                "region": "us-west-2",
            },
        ),
        (
            "AccessDenied: User: arn:aws:sts:xxxxxxxx:assumed-role/crossplane-source-account-role/17678648632636023 is "
            "not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::xxxxxxxxxx:role/catalog/module/sqs",
            {
                "principal": "arn:aws:sts:xxxxxxxx:assumed-role/crossplane-source-account-role/17678648632636023",
                "resource": "arn:aws:iam::xxxxxxxxxx:role/catalog/module/sqs",
            },
        ),
        (
            "User: arn:aws:iam::111111111111:user/${NAME} is not authorized to perform: sts:AssumeRole on resource: "
            "arn:aws:iam::111111111111:role/ekm}",
            {"principal": "arn:aws:iam::111111111111:user/${NAME}", "resource": "arn:aws:iam::111111111111:role/ekm"},
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


def test_the_project_of_google_s_own_service_agent_is_not_the_project() -> None:
    agent = "grant it to bq-653407317329@bigquery-encryption.iam.gserviceaccount.com"
    assert "project_id" not in first(extract(f"Cloud KMS Error: {agent}"))
    assert first(extract(f"ekm@team-keys-1.iam.gserviceaccount.com: {agent}"))["project_id"] == "team-keys-1"


def test_what_the_redaction_left_is_no_audience() -> None:
    values = first(
        extract("The audience in ID Token [removed: token] does not match the expected audience proj_abcdefgh.")
    )
    assert values["expected_audience"] == "proj_abcdefgh"
    assert "audience" not in values


def test_a_vault_that_was_not_found_is_read_and_a_backup_vault_is_not() -> None:
    assert first(extract('ERROR: (VaultNotFound) The vault "team-kv" was not found.'))["vault"] == "team-kv"
    assert first(extract("The Vault 'team-kv' not found within subscription."))["vault"] == "team-kv"
    for other in ("Backup vault 'team-kv' not found", 'Recovery Services vault "team-kv" was not found'):
        assert "vault" not in first(extract(other))


def test_a_tenant_is_read_from_the_settings_that_name_it() -> None:
    for text in (f"AZURE_TENANT_ID={GUID}", f"ARM_TENANT_ID: '{GUID}'", f'"tenantId": "{GUID}"', f"tenant-id {GUID}"):
        assert first(extract(text)).get("tenant_id") == GUID, text
    assert "tenant_id" not in first(extract(f"subtenant_id={GUID}"))


@given(st.text(max_size=300))
def test_any_text_gets_an_answer_and_values_stand_in_it(text):
    normal = normalise(text).text
    for entity in extract(normal):
        assert entity.value.removeprefix("AADSTS") in normal


def test_telltales_and_anchors_lose_no_match() -> None:
    """What is looked for only at some places of some texts is what a search everywhere finds."""
    found = 0
    for pasted in many_texts():
        text = normalise(redact(pasted).text).text[: entities.LIMIT]
        likely = {number for number, telltale in enumerate(TELLTALES) if telltale.search(text)}
        for number, finder in enumerate(entities._ALL):
            everywhere = [match.span() for match in finder.pattern.finditer(text)]
            if number not in likely:
                # this one asks for a word that need not stand in the match
                assert not everywhere or finder.telltale == ":kms:", (finder.pattern.pattern, text)
                continue
            places: dict[tuple[tuple[str, int], ...], list[int]] = {}
            spans = []
            while match := finder.following(text, places, spans[-1][1] if spans else 0):
                spans.append(match.span())
            assert spans == everywhere, (finder.pattern.pattern, text)
            found += len(spans)
    assert found > 1000


@pytest.mark.parametrize("number", range(len(entities._ALL)))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_telltale_matches_wherever_its_pattern_does(number: int, data: st.DataObject) -> None:
    finder = entities._ALL[number]
    text = data.draw(st.from_regex(finder.pattern, alphabet=st.characters(min_codepoint=32, max_codepoint=126)))
    # a pattern reads some words in any case, but they are looked for in the cases that occur
    if finder.telltale != ":kms:" and finder.following(text, {}, 0):
        assert TELLTALES[number].search(text), text


def test_values_are_the_first_usable_ones_of_all() -> None:
    for pasted in many_texts():
        text = normalise(redact(pasted).text).text
        for provider in Provider:
            assert entities.values(text, provider) == diagnose.read_values(extract(text, provider)), text
