"""The classifier on what it was not made for: prose, code, other services, several errors, hostile text."""

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from ekm_core.batch import Classifier
from ekm_core.catalogue import errors
from ekm_core.classify import classify, engine
from ekm_core.normalise import normalise


def ids(text):
    return [result.error.id for result in classify(normalise(text).text)]


STS = (
    "User: arn:aws:sts::790389265272:assumed-role/EnterpriseKeyManagement/OpenAI-EKM-Service is not authorized to "
    "perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/ekm"
)
KMS = (
    "User: arn:aws:sts::111122223333:assumed-role/ekm/OpenAI-EKM-Service is not authorized to perform: kms:Encrypt on "
    "resource: arn:aws:kms:us-east-1:111122223333:key/0f9b04ee-ab13-4f35-a2b2-d0902bfe6a1e"
)
NONE = [
    "",
    " ",
    "Hello, could you please help me with my key? It does not work since yesterday.",
    "def classify(text):\n    raise PermissionError('denied')",
    "User: arn:aws:iam::111122223333:user/x is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b/k "
    "because no identity-based policy allows the s3:GetObject action",
    "User: arn:aws:iam::111122223333:user/x is not authorized to perform: iam:PassRole on resource: "
    "arn:aws:iam::111122223333:role/x",
    "An error occurred (AccessDenied) when calling the AssumeRoleWithWebIdentity operation: Not authorized to perform "
    "sts:AssumeRoleWithWebIdentity",
    "Permission 'storage.objects.get' denied on resource (or it may not exist).",
    "Firebase sign in failed: The audience in ID Token [com.example.app] does not match the expected audience x.",
    "AADSTS50076: Due to a configuration change made by your administrator you must use multi-factor authentication.",
    "The client 'x' with object id 'y' does not have authorization to perform action "
    "'Microsoft.Storage/storageAccounts/listKeys/action' over scope '/subscriptions/z'",
    "kms.Encrypt succeeded in 12 ms",
    "KMS keys enter a pending deletion state, and there is a waiting period of 7 to 30 days.",
]


def test_other_texts_match_nothing():
    for text in NONE:
        assert ids(text) == [], text


@pytest.mark.parametrize(
    "code",
    [
        'if (error.message.includes("The given credential is rejected by the attribute condition")) retry();',
        'strings.Contains(err.Error(), "is not authorized to perform: sts:AssumeRole on resource")',
        'if "AADSTS7000229" in str(error): pass',
        'if [[ "$out" == *"ForbiddenByConnection"* ]]; then',
        '$response -match "AADSTS53003"',
        "grep -q 'Key vault does not have keys get permission on key vault' log",
        "const BLOCKED = /ForbiddenByConnection|ForbiddenByFirewall|public network access is disabled/i;",
        "['consent_required', 'AADSTS65001', 'AADSTS7000215', 'AADSTS7000222', 'AADSTS7000112', ].map(lower)",
        "$codes = @( 'AADSTS65001', # no consent 'AADSTS700016', # app not found 'AADSTS50076' )",
        'IGNORE: "AADSTS53003 AADSTS50076 AADSTS50079"',
        'retryable("KMS.AccessDeniedException", "KMS.DisabledException", "KMS.NotFoundException")',
        ":raise KMS.DisabledException if the key is disabled",
        '.hasMessageContaining("Status Code: 400; Error Code: KMS.NotFoundException")',
        'assert.ErrorContains(t, err, "operation error KMS: Decrypt, InvalidCiphertextException")',
        'expectFail(err, "is not authorized to perform: kms:Decrypt on resource", logger)',
        'unique = metadata.get("vpcServiceControlsUniqueId", "")',
        'print(entry["vpcServiceControlsUniqueId"])',
        '| "Unable to process this item", AADSTS530004 | "Unable to sign in", AADSTS50076 |',
        'strings.Index(err.Error(), "InvalidClientTokenId: The security token included in the request is invalid") > 0',
        'assert_match "InvalidClientTokenId: The security token included in the request is invalid", output',
        'core.Errf(403, "AccessDenied", "User: %s is not authorized to perform: sts:AssumeRole on resource: %s", a)',
        'throw Sts.builder() .message( "The security token included in the request is invalid. (Service: Sts)")',
        'writeError(w, 403, "AccessDenied", "User is not authorized to perform sts:AssumeRole on "+roleArn)',
        'expect(describe(error)).toBe( "UnrecognizedClientException: The security token included in the request is '
        'invalid." )',
        'Failed(s"Unable to load AWS credentials from any provider in the chain: ${ reasons.mkString(", ") }")',
        'missing ones will throw an "AmazonClientException: Unable to load AWS credentials from any provider"',
        'throw new KeyStoreException("Custom key store is not connected.")',
        'Expired.builder().message("The SSO session associated with this profile has expired or is invalid")',
        "allow(client).to receive(:describe_key).and_raise(Aws::KMS::Errors::NotFoundException.new(1, 2))",
        "assert_raises(::Aws::KMS::Errors::NotFoundException) { aws.encrypt(key) }",
        'want := "User: " + caller + " is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::" + id',
    ],
)
def test_program_text_about_an_error_is_none(code):
    assert ids(code) == []
    assert Classifier().one(code).ids == ()  # many messages are read by a shorter way to the same answer


@pytest.mark.parametrize(
    ("code", "error_id"),
    [
        ('raise HttpError(message="Operation unwrapKey is not allowed on a disabled key.")', "azure-key-unusable"),
        ("fail('The given credential is rejected by the attribute condition.')", "gcp-sts-attribute-condition"),
        ('{"error":{"code":"Forbidden","innererror":{"code":"ForbiddenByRbac"}}}', "azure-keyvault-rbac-denied"),
        (
            '{"code":"KeyNotFound","message":"A key with (name/id) k was not found in this key vault"}',
            "azure-key-not-found",
        ),
        ('{"metadata": {"vpcServiceControlsUniqueId": "a1b2"}}', "gcp-vpc-service-controls"),
        ('error="invalid_grant", AADSTS530004: the setting is not configured', "azure-conditional-access"),
        ('fail(err, "User is not authorized to perform: kms:Decrypt on resource: *")', "aws-kms-access-denied"),
        (
            'it fails with "Client error on launch" or "KMS.DisabledException: the key is not enabled"',
            "aws-kms-key-disabled",
        ),
        ("Aws::KMS::Errors::NotFoundException (Alias alias/x is not found)", "aws-kms-key-not-found"),
        ("| ForbiddenByFirewall | Client address is not authorized |", "azure-keyvault-firewall"),
    ],
)
def test_a_message_in_a_string_is_still_a_message(code, error_id):
    assert ids(code) == [error_id]


def test_several_errors_in_one_paste_are_all_found_root_cause_first():
    assert ids(f"{KMS}\nand before that\n{STS}") == ["aws-sts-assume-role-denied", "aws-kms-access-denied"]


def test_case_does_not_matter():
    assert ids(STS.upper()) == ids(STS) == ["aws-sts-assume-role-denied"]


def test_every_pattern_is_re2():
    for error in errors().values():
        for signature in error.signatures:
            for pattern in (signature.pattern, *signature.needs, *signature.unless):
                re2.compile(pattern)


def test_no_pattern_matches_the_empty_text():
    assert engine().matching("") == []


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_gets_an_answer(text):
    for result in classify(normalise(text).text):
        assert result.hits
