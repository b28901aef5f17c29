"""Wordings of the AWS errors in many dresses, and texts that resemble them and are none.

Composed for this test after the frames of the SDKs and tools; the entries' own samples are tested with the catalogue.
"""

from __future__ import annotations

import pytest

from ekm_core import normalise
from ekm_core.catalogue import errors
from ekm_core.classify import classify
from ekm_core.model import Provider, Values


def ids(text: str) -> list[str]:
    return [result.error.id for result in classify(normalise.normalise(text).text)]


WORDINGS = {
    "aws-sts-assume-role-denied": [
        (
            "Error: AccessDenied: User: arn:aws:iam::xxx:user/terraform is not authorized to "
            "perform: sts:AssumeRole on resource: arn:aws:iam::xxx:role/tf\n\tstatus code: 403, "
            "request id: 8b2f"
        ),
        (
            "Error: error configuring Terraform AWS Provider: IAM Role (arn:aws:iam::111:role/x) "
            "cannot be assumed.\n\nThere are a number of possible causes of this - the most common "
            "are:\n  * The credentials used in order to assume the role are invalid\n  * The "
            "credentials do not have appropriate permission to assume the role\n  * The role ARN "
            "is not valid\n\nError: operation error STS: AssumeRole, https response error "
            "StatusCode: 403, RequestID: x, api error AccessDenied: User: "
            "arn:aws:sts::1:assumed-role/a/b is not authorized to perform: sts:AssumeRole on "
            "resource: arn:aws:iam::111:role/x"
        ),
        (
            'Aws\\Sts\\Exception\\StsException: Error executing "AssumeRole" on '
            '"https://sts.amazonaws.com"; AWS HTTP error: Client error: `POST '
            "https://sts.amazonaws.com` resulted in a `403 Forbidden` response: "
            "<Code>AccessDenied</Code>"
        ),
        (
            "Aws::STS::Errors::AccessDenied: User: arn:aws:iam::1:user/x is not authorized to "
            "perform: sts:AssumeRole on resource: arn"
        ),
        (
            "Amazon.SecurityToken.AmazonSecurityTokenServiceException: User: x is not authorized "
            "to perform: sts:AssumeRole on resource: y ---> "
            "Amazon.Runtime.Internal.HttpErrorResponseException"
        ),
        "An error occurred (AccessDenied) when calling the AssumeRole operation: Access denied",
        (
            "An error occurred (AccessDenied) when calling the AssumeRole operation: Roles may "
            "not be assumed by root accounts."
        ),
        "AccessDenied: Roles may not be assumed by root accounts.",
        (
            "User: "
            "arn:aws:sts::790389265272:assumed-role/EnterpriseKeyManagement/OpenAI-EKM-Service is "
            "not authorized to perform: sts:AssumeRole on resource: "
            "arn:aws:iam::222222222222:role/x because no resource-based policy allows the "
            "sts:AssumeRole action"
        ),
        (
            "software.amazon.awssdk.services.sts.model.StsException: User: "
            "arn:aws:sts::111:assumed-role/a/b is not authorized to perform: sts:AssumeRole on "
            "resource: arn:aws:iam::222:role/c (Service: Sts, Status Code: 403, Request ID: abc)"
        ),
        "is not authorized to perform: sts:AssumeRole on resource",
        "because no identity-based policy allows the sts:AssumeRole action",
        "User: x isn't authorized to perform: sts:AssumeRole on resource: y",
    ],
    "aws-kms-access-denied": [
        (
            "botocore.exceptions.ClientError: An error occurred (AccessDeniedException) when "
            "calling the GenerateDataKeyWithoutPlaintext operation: User: arn:aws:iam::1:user/x "
            "is not authorized to perform: kms:GenerateDataKeyWithoutPlaintext on resource: "
            "arn:aws:kms:us-east-1:1:key/x"
        ),
        (
            "<Error><Code>AccessDenied</Code><Message>User: arn:aws:iam::111:user/y is not "
            "authorized to perform: kms:Decrypt on the resource associated with this ciphertext "
            "because the resource does not exist in this Region, no resource-based policies allow "
            "access, or a resource-based policy explicitly denies access</Message></Error>"
        ),
        (
            "operation error KMS: Decrypt, https response error StatusCode: 400, RequestID: abc, "
            "api error AccessDeniedException: "
        ),
        "Aws::KMS::Errors::AccessDeniedException: The ciphertext refers to a customer master key that does not exist",
        (
            "Amazon.KeyManagementService.AmazonKeyManagementServiceException: User: x is not "
            "authorized to perform: kms:Encrypt on resource: y with an explicit deny in a service "
            "control policy"
        ),
        (
            '"eventSource": "kms.amazonaws.com", "eventName": "GenerateDataKey", "awsRegion": '
            '"us-east-1", "sourceIPAddress": "1.1.1.1", "userAgent": "x", "errorCode": '
            '"AccessDenied", "errorMessage": ""'
        ),
        (
            "com.amazonaws.services.kms.model.AWSKMSException: User: arn:aws:iam::1:user/a is not "
            "authorized to perform: kms:CreateGrant on resource: arn:aws:kms:eu:1:key/2 (Service: "
            "AWSKMS; Status Code: 400; Error Code: AccessDeniedException; Request ID: 1)"
        ),
        (
            "Failed to call KMS decryption service: AccessDeniedException: The ciphertext "
            "references a key that either does not exist or you do not have access to."
        ),
        "The ciphertext references a key that either does not exist or you do not have access to",
        (
            "InsufficientEncryptionPolicyException: Insufficient permissions to access S3 bucket "
            "foo or KMS key arn:aws:kms:us-east-1:1:key/2."
        ),
        (
            "An error occurred (AccessDeniedException) when calling the CreateLogGroup operation: "
            "The specified KMS key does not exist or is not allowed to be used with Arn "
            "'arn:aws:logs:eu-west-1:1:log-group:x'"
        ),
        (
            "The source snapshot KMS key [arn:aws:kms:us-east-1:1:key/2] does not exist, is not "
            "enabled or you do not have permissions to access it."
        ),
        "User: arn:aws:sts::1:assumed-role/a/b is not authorised to perform: kms:Decrypt",
        (
            "...perform: kms:Decrypt on resource: arn:aws:kms:us-east-1:1:key/x because no "
            "identity-based policy allows the kms:Decrypt action"
        ),
        (
            "You don't have permission to kms:ListAliases. To request access, copy the following "
            "text and send it to your AWS administrator. User: arn:aws:iam::1:user/x Service: kms "
            "Action: ListAliases On resource(s): * Context: no identity-based policy allows the "
            "action"
        ),
        "User: arn:aws:iam::1:user/x is not authorized to perform : kms:Decrypt on resource : arn",
    ],
    "aws-kms-key-not-found": [
        (
            "An error occurred (NotFoundException) when calling the DescribeKey operation: Key "
            "'arn:aws:kms:us-east-1:123:key/abc' does not exist"
        ),
        "An error occurred (NotFoundException) when calling the DescribeKey operation: Invalid keyId 'foo'",
        (
            "operation error KMS: DescribeKey, https response error StatusCode: 400, RequestID: "
            "1, NotFoundException: Alias arn:aws:kms:us-east-1:1:alias/foo is not found."
        ),
        "Aws::KMS::Errors::NotFoundException: Key 'abc' does not exist",
        (
            "KMSNotFoundException: Lambda was unable to decrypt the environment variables because "
            "the KMS key used was not found"
        ),
        "An error occurred (KMS.NotFoundException) when calling the PutObject operation: Invalid keyId abc",
        "KMS key not found error: com.amazonaws.services.kms.model.NotFoundException",
        "NotFoundException: Key arn:aws:kms:us-west-2:***:key/*** does not exist",
        "Alias 'alias/foo' is not found.",
        (
            "Key 'arn:aws:kms:eu-west-1:123456789012:key/abcd' does not exist (Service: Kms, "
            "Status Code: 400, Request ID: x)"
        ),
        (
            "KMSNotFoundException: Lambda was unable to decrypt the environment variables because "
            "the KMS key was not found. KMS Exception: NotFoundExceptionKMS Message: Key does not "
            "exist"
        ),
    ],
    "aws-kms-key-disabled": [
        (
            "operation error KMS: Decrypt, https response error StatusCode: 400, RequestID: x, "
            "DisabledException: arn:aws:kms:x:y:key/z is disabled."
        ),
        "Aws::KMS::Errors::DisabledException: arn:aws:kms:us-east-1:1:key/x is disabled.",
        '{"__type":"DisabledException","message":"arn:aws:kms:us-east-1:111:key/x is disabled."}',
        "An error occurred (KMS.DisabledException) when calling the PutObject operation: arn",
        "KMSDisabledException: x",
        "Amazon.KeyManagementService.Model.DisabledException: arn is disabled",
    ],
    "aws-kms-invalid-state": [
        "arn:aws:kms:eu-west-1:***:key/*** is pending import.",
        "arn:aws:kms:eu-west-1:111:key/mrk-1 is pending replica deletion.",
        "KMS.KMSInvalidStateException: arn:aws:kms:eu:1:key/2 is pending deletion",
        '{"__type":"KMSInvalidStateException","message":"arn:aws:kms:x:1:key/y is unavailable."}',
        (
            "operation error KMS: Sign, https response error StatusCode: 400, RequestID: q, "
            "KMSInvalidStateException: arn:aws:kms:us-east-1:1:key/2 is creating."
        ),
        (
            "software.amazon.awssdk.services.kms.model.KmsInvalidStateException: "
            "arn:aws:kms:us-east-1:1:key/2 is pending deletion. (Service: Kms, Status Code: 400"
        ),
        (
            "KMSInvalidStateException: Lambda was unable to decrypt the environment variables "
            "because the state of the KMS key used is not valid for Decrypt. KMS Message: "
            "arn:aws:kms:x:1:key/2 is pending deletion."
        ),
        "An error occurred (KMSInvalidStateException) when calling the Encrypt operation",
    ],
    "aws-kms-wrong-key-type": [
        (
            "operation error KMS: Encrypt, https response error StatusCode: 400, RequestID: x, "
            "InvalidKeyUsageException: "
        ),
        (
            "An error occurred (InvalidKeyUsageException) when calling the Encrypt operation: "
            "arn:aws:kms:us:1:key/2 key usage is GENERATE_VERIFY_MAC which is not valid for "
            "Encrypt."
        ),
        (
            "An error occurred (ValidationException) when calling the Encrypt operation: "
            "Algorithm RSAES_OAEP_SHA_256 and key spec SYMMETRIC_DEFAULT are incompatible."
        ),
        "ValidationException: The algorithm RSAES_OAEP_SHA_1 is not valid for the key spec SYMMETRIC_DEFAULT",
        "InvalidKeyUsageException: You cannot generate a data key with an asymmetric CMK",
        (
            "An error occurred (ValidationException) when calling the CreateKey operation: "
            "KeyUsage ENCRYPT_DECRYPT is not compatible with KeySpec ECC_NIST_P256"
        ),
        (
            "ValidationException: 1 validation error detected: Value 'FOO' at "
            "'encryptionAlgorithm' failed to satisfy constraint: Member must satisfy enum value "
            "set"
        ),
    ],
    "aws-kms-ciphertext-mismatch": [
        (
            "operation error KMS: Decrypt, https response error StatusCode: 400, RequestID: x, "
            "InvalidCiphertextException: "
        ),
        (
            "com.amazonaws.services.kms.model.InvalidCiphertextException: null (Service: AWSKMS; "
            "Status Code: 400; Error Code: InvalidCiphertextException; Request ID: x)"
        ),
        "Aws::KMS::Errors::InvalidCiphertextException",
        '{"__type":"InvalidCiphertextException"}',
        "ERROR: InvalidCiphertextException:\n\tstatus code: 400, request id: 1",
        "Error: InvalidCiphertextException\n    at Request.extractError",
        "InvalidCiphertextException: UnknownError",
        "Amazon.KeyManagementService.Model.InvalidCiphertextException: Exception of type",
        (
            "IncorrectKeyException: The key ID in the request does not identify a KMS key that "
            "can perform this operation."
        ),
    ],
    "aws-kms-custom-key-store": [
        "An error occurred (CustomKeyStoreInvalidStateException) when calling the CreateKey operation: ",
        "CloudHsmClusterNotActiveException: CloudHSM cluster is not active",
        (
            "KMSInvalidStateException: The external key store proxy rejected the request because "
            "it could not authenticate AWS KMS. Verify the credentials for your external key "
            "store and update if necessary."
        ),
        (
            "An error occurred (XksProxyInvalidConfigurationException) when calling the "
            "CreateCustomKeyStore operation: foo"
        ),
        (
            "KMSInvalidStateException: AWS KMS cannot communicate with the external key store "
            "proxy. This might be a transient network issue."
        ),
        "XksKeyAlreadyInUseException: The external key",
        (
            "The external key store proxy denied access to the operation. Verify that the user "
            "and the external key are both authorized for this operation, and try the request "
            "again."
        ),
        (
            "The ciphertext that the external key store proxy submitted for decryption, or the "
            "encryption context, is corrupted, missing, or otherwise invalid."
        ),
    ],
    "aws-kms-invalid-arn": [
        "NotFoundException: Invalid arn eu-central-1",
        "InvalidArnException: Invalid ARN for KMS key",
        "An error occurred (InvalidArnException) when calling the Encrypt operation: arn:aws:kms",
        (
            "Lambda was unable to configure access to your environment variables because the KMS "
            "key is invalid for CreateGrant. Please check your KMS key settings. KMS Exception: "
            "InvalidArnExceptionKMS Message: ARN does not refer to a valid principal"
        ),
    ],
    "aws-sts-invalid-role-arn": [
        (
            "An error occurred (ValidationError) when calling the AssumeRole operation: 1 "
            "validation error detected: Value 'foo' at 'roleArn' failed to satisfy constraint: "
            "Member must have length greater than or equal to 20"
        ),
        (
            "An error occurred (ValidationError) when calling the AssumeRole operation: "
            "arn:aws:iam::123:rol/foo is invalid"
        ),
        (
            "botocore.exceptions.ParamValidationError: Parameter validation failed:\nInvalid "
            "length for parameter RoleArn, value: 0, valid min length: 20"
        ),
        (
            "operation error STS: AssumeRole, https response error StatusCode: 400, RequestID: x, "
            "api error ValidationError: Request ARN is invalid"
        ),
        "ValidationError: Request ARN is invalid\n\tstatus code: 400, request id:",
    ],
    "aws-sts-region-disabled": [
        (
            "An error occurred (RegionDisabledException) when calling the AssumeRole operation: "
            "STS is not activated in this region for account:1."
        ),
        "RegionDisabledException",
    ],
    "aws-throttled": [
        (
            "An error occurred (ThrottlingException) when calling the Decrypt operation (reached "
            "max retries: 4): Rate exceeded"
        ),
        (
            "An error occurred (Throttling) when calling the AssumeRole operation (reached max "
            "retries: 4): Rate exceeded"
        ),
        (
            "com.amazonaws.services.securitytoken.model.AWSSecurityTokenServiceException: Rate "
            "exceeded (Service: AWSSecurityTokenService; Status Code: 400; Error Code: "
            "Throttling; Request ID: x)"
        ),
        "Aws::KMS::Errors::ThrottlingException: You have exceeded the rate at which you may call KMS",
        "KMSThrottlingException: The request was throttled",
        "Aws::STS::Errors::Throttling: Rate exceeded",
        "kms.model.KmsException: Rate exceeded (Service: Kms, Status Code: 400)",
        "You have exceeded the rate at which you may call KMS",
    ],
    "aws-credentials-invalid": [
        (
            "An error occurred (ExpiredToken) when calling the AssumeRole operation: The security "
            "token included in the request is expired"
        ),
        (
            "An error occurred (UnrecognizedClientException) when calling the Encrypt operation: "
            "The security token included in the request is invalid."
        ),
        "botocore.exceptions.NoCredentialsError: Unable to locate credentials",
        "Could not connect: CredentialsProviderError: Could not load credentials from any providers",
        "api error InvalidClientTokenId: The security token included in the request is invalid",
        (
            "com.amazonaws.SdkClientException: Unable to load AWS credentials from any provider "
            "in the chain: [EnvironmentVariableCredentialsProvider..."
        ),
        "failed to refresh cached credentials, no EC2 IMDS role found, operation error ec2imds: GetMetadata",
        "InvalidSignatureException: The request signature we calculated does not match the signature you provided.",
        "Aws::Errors::MissingCredentialsError: unable to sign request without credentials set",
        "Aws::Sigv4::Errors::MissingCredentialsError",
        "<Code>ExpiredToken</Code><Message>The provided token has expired.</Message>",
        (
            "An error occurred (IncompleteSignature) when calling the GetCallerIdentity "
            "operation: 'x' not a valid key=value pair"
        ),
        "Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY",
        "CredentialsError: Missing credentials in config, if using AWS_CONFIG_FILE, set AWS_SDK_LOAD_CONFIG=1",
        "Error when retrieving token from sso: Token has expired and refresh failed",
        "EmptyStaticCreds: static credentials are empty",
        (
            "No valid credential sources found for AWS Provider. Please see "
            "https://terraform.io/docs/providers/aws/index.html"
        ),
        (
            "boto.exception.NoAuthHandlerFound: No handler was ready to authenticate. 1 handlers "
            "were checked. ['HmacAuthV4Handler'] Check your credentials"
        ),
        "Error retrieving credentials from the instance profile metadata service. (cURL error 28)",
        (
            "Error loading SSO Token: Token for default does not exist. To refresh this SSO "
            "session run 'aws sso login' with the corresponding profile."
        ),
        "ExpiredTokenException: The provided token is expired.",
    ],
}
NONE = [
    (
        "An error occurred (AccessDenied) when calling the AssumeRoleWithWebIdentity "
        "operation: Not authorized to perform sts:AssumeRoleWithWebIdentity"
    ),
    (
        "An error occurred (AccessDenied) when calling the AssumeRoleWithSAML operation: User "
        "is not authorized to perform: sts:AssumeRoleWithSAML"
    ),
    (
        "An error occurred (AccessDenied) when calling the AssumeRole operation: User: x is "
        "not authorized to perform: sts:TagSession on resource: y"
    ),
    (
        "An error occurred (ResourceNotFoundException) when calling the GetSecretValue "
        "operation: Secrets Manager can't find the specified secret."
    ),
    "An error occurred (ThrottlingException) when calling the DescribeLogGroups operation: Rate exceeded",
    (
        "An error occurred (DisabledException) ... "
        "org.springframework.security.authentication.DisabledException: User is disabled"
    ),
    "Use kms:Decrypt to decrypt. The key policy must allow kms:Decrypt.",
    "The KMS key is pending deletion for 7 days and can be restored.",
    "aws kms decrypt --key-id alias/x",
    "Throws InvalidCiphertextException if the ciphertext is invalid.",
    "raise InvalidCiphertextException()",
    "except ClientError as e: if e.response['Error']['Code'] == 'AccessDeniedException': raise",
    "An error occurred (NotFoundException) when calling the GetRestApi operation: Invalid API identifier specified",
    (
        "An error occurred (ResourceNotFoundException) when calling the DescribeTable "
        "operation: Requested resource not found"
    ),
    "An error occurred (NoSuchEntity) when calling the GetRole operation: The role with name x cannot be found.",
    "An error occurred (InvalidKeyId.NotFound) x",
    "The provided execution role does not have permissions to call CreateNetworkInterface on EC2",
    "The role defined for the function cannot be assumed by Lambda.",
    "ECS was unable to assume the role 'arn:aws:iam::1:role/x' that was provided for this task.",
    "User: arn:aws:sts::1:assumed-role/x/y is not authorized to perform: kms-foo:Bar",
    (
        "User x is not authorized to perform: iam:PassRole on resource: arn because no "
        "identity-based policy allows the iam:PassRole action"
    ),
    "sts:AssumeRole must be allowed in the trust policy so that the principal can assume the role.",
    "'InvalidKeyUsageException': The key usage is wrong",
    "AADSTS700082: The refresh token has expired due to inactivity.",
    "InvalidArnException: clouddirectory",
    "ExpiredTokenError: jwt expired",
    (
        "An error occurred (ValidationError) when calling the CreateStack operation: Role "
        "arn:aws:iam::1:role/x is invalid or cannot be assumed"
    ),
    (
        "    KMSInternalException: Type[BotocoreClientError]\n    KMSInvalidMacException: "
        "Type[BotocoreClientError]\n    KMSInvalidStateException: Type[BotocoreClientError]\n   "
        " InvalidKeyUsageException: Type[BotocoreClientError]"
    ),
    (
        'if (event["KMSInvalidStateException"] != null) { return { KMSInvalidStateException: '
        'await de_KMSInvalidStateException_event(event["KMSInvalidStateException"], context), '
        "}; }"
    ),
    (
        "KMSDisabledException: Optional[KMSDisabledException]\n KMSInvalidStateException: "
        "Optional[KMSInvalidStateException]\n KMSAccessDeniedException: "
        "Optional[KMSAccessDeniedException]"
    ),
    (
        "const STATUS = { NotFoundException: 400, DisabledException: 400, "
        "InvalidKeyUsageException: 400, KMSInvalidStateException: 400 }"
    ),
    (
        'case "com.amazonaws.trent#InvalidCiphertextException": throw await '
        "de_InvalidCiphertextExceptionRes(parsedOutput, context);"
    ),
    "try:\n    kms.decrypt(CiphertextBlob=blob)\nexcept kms.exceptions.InvalidCiphertextException:\n    pass",
    "} catch (KMSInvalidStateException | DisabledException e) {",
    "if (err.code === 'InvalidCiphertextException') { return null }",
    "except NoCredentialsError:\n    print('no')",
    "from botocore.exceptions import NoCredentialsError, PartialCredentialsError",
    (
        "kms.ErrCodeInvalidCiphertextException: gcerrors.InvalidArgument, "
        "kms.ErrCodeInvalidKeyUsageException: gcerrors.InvalidArgument"
    ),
    (
        "export interface KMSInvalidStateException extends __SmithyException, $MetadataBearer "
        '{ name: "KMSInvalidStateException"; }'
    ),
    (
        "import com.amazonaws.services.kms.model.InvalidCiphertextException;\nimport "
        "com.amazonaws.services.kms.model.NotFoundException;"
    ),
    "import software.amazon.awssdk.services.kms.model.NotFoundException;",
    (
        "* @throws {@link NotFoundException} (client fault) <p>The request was rejected "
        "because the specified entity or resource could not be found.</p>"
    ),
    "| `ThrottlingException` | KMS throttles the request. Retry with backoff. |",
    "MyError: sts:AssumeRole needs MFA",
    (
        "An error occurred (ValidationError) when calling the AssumeRole operation: 1 "
        "validation error detected: Value '2/fluent' at 'roleSessionName' failed to satisfy "
        "constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*"
    ),
    (
        "Make sure that the key policy allows the kms:Decrypt action and that the role policy "
        "allows the kms:Encrypt action."
    ),
    "ISSUE 5: KMS ACCESS DENIED",
    "If the external key store proxy is not reachable, check the network.",
    "Asymmetric KMS keys are not supported by this feature.",
    "The trust policy allows the sts:AssumeRole action for the principal.",
    "org.bouncycastle.crypto.InvalidCipherTextException: mac check in GCM failed",
    (
        "SignatureDoesNotMatch: The request signature we calculated does not match the "
        "signature you provided. Check your Google secret key and signing method."
    ),
]


@pytest.mark.parametrize(("error_id", "text"), [(key, text) for key, texts in WORDINGS.items() for text in texts])
def test_a_wording_is_recognised(error_id, text):
    assert ids(text) == [error_id]


@pytest.mark.parametrize("text", NONE)
def test_a_look_alike_is_none(text):
    assert ids(text) == []


def test_every_cause_says_how_to_look_how_to_mend_and_who_can():
    for error in errors().values():
        if error.provider is not Provider.AWS:
            continue
        assert error.references
        assert len({cause.id for cause in error.causes}) == len(error.causes)
        for cause in error.causes:
            look, fix = cause.look(Values()), cause.fix(Values())
            assert look.console or look.commands, (error.id, cause.id)
            assert fix.summary, (error.id, cause.id)
            assert fix.console or fix.cli, (error.id, cause.id)
            assert cause.who, (error.id, cause.id)


def test_the_two_errors_of_the_faq_offer_every_way_to_mend():
    for error_id in ("aws-sts-assume-role-denied", "aws-kms-access-denied"):
        fixes = [cause.fix(Values()) for cause in errors()[error_id].causes]
        assert any(fix.console and fix.cli and fix.terraform and fix.policies and fix.verify for fix in fixes)
