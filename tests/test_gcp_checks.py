"""What the text of a Google Cloud error decides: confirmed, ruled out, and masked or cut off -> cannot tell."""

import pytest

from ekm_core.diagnose import diagnose
from ekm_core.gcp import checks
from ekm_core.model import Case, Values, Verdict
from ekm_core.normalise import normalise

YES, NO, OPEN = Verdict.CONFIRMED, Verdict.RULED_OUT, Verdict.CANNOT_TELL
TAIL = (
    ": {'error': 'invalid_request', 'error_description': 'Invalid value for \\\"audience\\\". This value should be the "
    "full resource name of the Identity Provider."
)


def case(text, typed=None):
    given = typed or {}
    return Case(normalise(text).text, (), Values(given, frozenset(given)))


def refused(name):
    return f"Failed to acquire GCP STS token for audience {name}{TAIL}"


def named(project="123456789012", location="global", pool="openai-pool", provider="openai-provider", prefix="//"):
    return (
        f"{prefix}iam.googleapis.com/projects/{project}/locations/{location}/workloadIdentityPools/{pool}"
        f"/providers/{provider}"
    )


def verdicts(text, error_id):
    (judged_error,) = [one for one in diagnose(text).errors if one.match.error.id == error_id]
    return {judged.cause.id: judged.ruling.verdict for judged in judged_error.causes}


FULL = "projects/123456789012/locations/global/workloadIdentityPools/openai-pool"


@pytest.mark.parametrize(
    ("check", "name", "expected"),
    [
        (checks.project_id_for_number, named("acme-kms-prod"), YES),
        (checks.project_id_for_number, named("example.com:acme-kms"), YES),
        (checks.project_id_for_number, named(), NO),
        (checks.project_id_for_number, named("xxxxxxxxx"), OPEN),
        (checks.project_id_for_number, named("***"), OPEN),
        (checks.project_id_for_number, named("<PROJECT_NUMBER>"), OPEN),
        (checks.project_id_for_number, named("project-number"), OPEN),
        (checks.project_id_for_number, "//iam.googleapis.com/***", OPEN),
        (checks.not_a_number, named("1234-5678"), YES),
        (checks.not_a_number, named("12345 6789"), YES),
        (checks.not_a_number, named("#123456789012"), YES),
        (checks.not_a_number, named(""), YES),
        (checks.not_a_number, named("1" * 20), YES),
        (checks.not_a_number, named("acme-kms-prod"), OPEN),
        (checks.not_a_number, named(), NO),
        (checks.not_a_number, named("xxxxxxxxx"), OPEN),
        (checks.full_name_in_a_field, named(pool=FULL), YES),
        (checks.full_name_in_a_field, named(provider=f"{FULL}/providers/openai-provider"), YES),
        (checks.full_name_in_a_field, named("projects/123456789012"), YES),
        (checks.full_name_in_a_field, named(f"https://iam.googleapis.com/{FULL}"), YES),
        (checks.full_name_in_a_field, named(), NO),
        (checks.full_name_in_a_field, named("xxxxxxxxx", "global", "xxxxxxx", "xxxxxxxxxx"), OPEN),
        (checks.malformed_id, named(pool="OpenAI_Pool"), YES),
        (checks.malformed_id, named(provider="OpenAI Provider"), YES),
        (checks.malformed_id, named(pool="abc"), YES),
        (checks.malformed_id, named(provider="a" * 33), YES),
        (checks.malformed_id, named(pool=""), YES),
        (checks.malformed_id, named(provider=""), YES),
        (checks.malformed_id, named(pool="gcp-pool"), OPEN),
        (checks.malformed_id, named(), OPEN),
        (checks.malformed_id, named(pool="xxxxxxx", provider="xxxxxxxxxx"), OPEN),
        (checks.pool_as_provider, named(pool="openai", provider="openai"), OPEN),
        (checks.pool_as_provider, named(), OPEN),
        (checks.https_prefix, named(prefix="https://"), YES),
        (checks.https_prefix, named(prefix="http://"), YES),
        (checks.https_prefix, named(), NO),
        (checks.https_prefix, "***", OPEN),
        (checks.location_not_global, named(location="europe-west3"), YES),
        (checks.location_not_global, named(location=""), YES),
        (checks.location_not_global, named(), NO),
        (checks.location_not_global, named(location="xxxxx"), OPEN),
    ],
)
def test_the_providers_name(check, name, expected):
    ruling = check(case(refused(name)))
    assert ruling.verdict is expected, ruling
    assert (expected is OPEN) == (not ruling.quotes)
    assert all(quote in normalise(refused(name)).text for quote in ruling.quotes)


def test_a_default_audience_quoted_beside_the_error_proves_nothing():
    text = f"My default audience is {named(prefix='https://')}. Invalid value for audience, it says."
    assert checks.https_prefix(case(text)).verdict is OPEN
    assert checks.project_id_for_number(case(text)).verdict is OPEN


def test_an_id_that_the_paste_cut_off_proves_nothing():
    assert checks.malformed_id(case(named(provider="op"))).verdict is OPEN
    assert checks.full_name_in_a_field(case(named(provider="op"))).verdict is OPEN


def test_the_faqs_masked_message_decides_only_that_openai_wrote_it():
    text = refused(named("xxxxxxxxx", "global", "xxxxxxx", "xxxxxxxxxx"))
    found = verdicts(text, "gcp-sts-invalid-audience")
    assert found.pop("own-test") is NO
    assert found.pop("https-prefix") is NO
    assert found.pop("location-not-global") is NO
    assert set(found.values()) == {OPEN}


def test_a_pipelines_message_confirms_nothing_about_openai():
    text = (
        "Error: google-github-actions/auth failed with: failed to generate Google Cloud federated token for "
        f"{named('acme-kms-prod')}"
        + ': {"error":"invalid_request","error_description":"Invalid value for \\"audience\\"."}'
    )
    found = verdicts(text, "gcp-sts-invalid-audience")
    assert found.pop("own-test") is YES
    assert set(found.values()) == {OPEN}


DEFAULT = named(prefix="https://")
MISMATCH = (
    "audience-not-allowed",
    "default-audience",
    "organization-against-project",
    "another-organization",
    "own-test",
)


@pytest.mark.parametrize(
    ("token", "expected", "rulings"),
    [
        ("[org-AbC12345]", " org-XyZ98765", (YES, NO, NO, YES, NO)),
        ("[org-AbC12345]", " org-AbC67345", (YES, NO, NO, YES, NO)),
        ("[org-AbC12345]", " org-AbC12346", (YES, NO, NO, OPEN, NO)),
        ("[org-AbC12345]", " org-abc12345", (YES, NO, NO, OPEN, NO)),
        ("[org-AbC12345]", " proj_XyZ98765", (YES, NO, YES, NO, NO)),
        ("[proj_XyZ98765]", " org-AbC12345", (YES, NO, YES, NO, NO)),
        ("[org-AbC12345]", f" {DEFAULT}", (YES, YES, NO, NO, NO)),
        ("[org-AbC12345]", f" {named()}", (YES, YES, NO, NO, NO)),
        ("[org-AbC12345]", "", (YES, OPEN, OPEN, OPEN, NO)),
        ("[org-AbC12345]", " xxxxxxx", (YES, OPEN, OPEN, OPEN, NO)),
        ("[xxxxx]", " xxxxxxx", (OPEN, OPEN, OPEN, OPEN, OPEN)),
        ("[xxxxx]", f" {DEFAULT}", (OPEN, YES, OPEN, OPEN, OPEN)),
        ("[]", "", (OPEN, OPEN, OPEN, OPEN, OPEN)),
        ("[https://github.com/acme]", " org-AbC12345", (OPEN, OPEN, OPEN, OPEN, YES)),
        ("[***]", "", (OPEN, OPEN, OPEN, OPEN, OPEN)),
    ],
)
def test_the_two_audiences(token, expected, rulings):
    text = f"invalid_grant: The audience in ID Token {token} does not match the expected audience{expected}."
    assert verdicts(text, "gcp-sts-audience-mismatch") == dict(zip(MISMATCH, rulings, strict=True))


def test_prose_behind_the_sentence_is_not_an_audience():
    text = "The audience in ID Token [org-AbC12345] does not match the expected audience that we registered"
    assert checks.audiences(text) == checks.Audiences("org-AbC12345", "")


def test_the_wrapper_of_openai_rules_out_an_own_test():
    text = f"Failed to acquire GCP STS token for audience {named()}: {{'error': 'unauthorized_client'}}"
    assert checks.another_federation(case(text)).verdict is NO
    assert checks.another_federation(case("rejected by the attribute condition")).verdict is OPEN


@pytest.mark.parametrize(
    "text",
    [
        "ERROR: (gcloud.kms.encrypt) PERMISSION_DENIED: Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied",
        "Failed to get the data key required to decrypt the SOPS file. Permission 'cloudkms.x.y' denied",
        "Error parsing Seal configuration: Permission 'cloudkms.cryptoKeys.get' denied on resource",
        "googleapi: Error 403: Permission 'cloudkms.cryptoKeys.get' denied on main.tf line 93, in resource",
    ],
)
def test_another_tool_wrote_the_text(text):
    ruling = checks.not_an_openai_call(case(text))
    assert ruling.verdict is YES
    assert all(quote in normalise(text).text for quote in ruling.quotes)


KEY = "projects/acme-kms/locations/us/keyRings/openai/cryptoKeys/openai-ekm"
DENIED = f"Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied on resource '{KEY}' (or it may not exist)."


@pytest.mark.parametrize(
    ("text", "typed", "expected"),
    [
        (DENIED, {"key_name": "openai-ekm-2"}, YES),
        (DENIED, {"location": "europe"}, YES),
        (DENIED, {"project_id": "acme-other"}, YES),
        (DENIED, {"project_id": "123456789012"}, OPEN),
        (DENIED, {"key_name": "openai-ekm"}, OPEN),
        (DENIED, {}, OPEN),
        (DENIED.replace("openai-ekm'", "xxxx'"), {"key_name": "openai-ekm"}, OPEN),
        ("Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied on resource $KEY", {"key_name": "k1"}, OPEN),
    ],
)
def test_another_key_is_named(text, typed, expected):
    assert checks.another_key_named(case(text, typed)).verdict is expected


@pytest.mark.parametrize(
    ("permission", "expected"),
    [
        ("cloudkms.keyRings.setIamPolicy", YES),
        ("cloudkms.cryptoKeys.create", YES),
        ("cloudkms.cryptoKeyVersions.useToEncrypt", OPEN),
        ("cloudkms.cryptoKeyVersions.useToDecrypt", OPEN),
        ("cloudkms.cryptoKeyVersions.viewPublicKey", OPEN),
        ("cloudkms.cryptoKeys.get", OPEN),
    ],
)
def test_a_call_that_openai_never_makes(permission, expected):
    text = f"Permission '{permission}' denied on resource 'x' (or it may not exist)."
    assert checks.not_an_openai_call(case(text)).verdict is expected


@pytest.mark.parametrize(
    ("state", "group"),
    [
        ("DISABLED", "disabled"),
        ("DESTROY_SCHEDULED", "scheduled"),
        ("DESTROYED", "destroyed"),
        ("PENDING_GENERATION", "pending"),
        ("PENDING_IMPORT", "pending"),
        ("IMPORT_FAILED", "failed"),
    ],
)
def test_the_state_decides_every_cause_of_an_unusable_version(state, group):
    text = f"{KEY}/cryptoKeyVersions/1 is not enabled, current state is: {state}."
    for name in ("disabled", "scheduled", "destroyed", "pending", "failed"):
        assert checks.version_state(name)(case(text)).verdict is (YES if name == group else NO)
    assert checks.version_state(group)(case("the key is not enabled, current state is: ***")).verdict is OPEN
    assert checks.version_state(group)(case(f"{text} The state was PENDING_IMPORT or state is: ENABLED")).verdict in (
        YES,
        OPEN,
    )


def test_two_states_in_one_text_decide_nothing():
    text = "k1 current state is: DISABLED. k2 current state is: DESTROYED."
    assert checks.version_state("disabled")(case(text)).verdict is OPEN


@pytest.mark.parametrize(
    ("purpose", "key", "operation"),
    [("ENCRYPT_DECRYPT", NO, YES), ("ASYMMETRIC_SIGN", YES, NO), ("MAC", YES, NO), ("***", OPEN, OPEN)],
)
def test_the_purpose(purpose, key, operation):
    text = f"{KEY} has incorrect key purpose: {purpose}"
    assert checks.purpose_not_symmetric(case(text)).verdict is key
    assert checks.operation_not_symmetric(case(text)).verdict is operation


@pytest.mark.parametrize(
    ("issuer", "provider", "token"),
    [
        ("https://accounts.google.com", YES, NO),
        ("https://token.actions.githubusercontent.com", OPEN, YES),
        ("null", OPEN, OPEN),
        ("***", OPEN, OPEN),
    ],
)
def test_the_issuer(issuer, provider, token):
    text = (
        f"invalid_grant: The issuer in ID Token {issuer} does not match the expected one in config: https://a.example."
    )
    assert checks.provider_has_another_issuer(case(text)).verdict is provider
    assert checks.token_of_another_issuer(case(text)).verdict is token
