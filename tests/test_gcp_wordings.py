"""Wordings of Google's errors beyond the entries' own samples: wrappers, cuts, masks, siblings, and look-alikes."""

import pytest

from ekm_core.classify import classify
from ekm_core.normalise import plain

FOUND = {
    "gcp-sts-invalid-audience": [
        r'oauth2/google: status code 400: {"error":"invalid_request","error_description":"Invalid value for '
        r"\"audience\"",
        'Error code invalid_request: Invalid value for "audience". This value should be the full resource name of the '
        "Identity Provider. See https://cloud.google.com/iam/docs for the list - https://cloud.google.com",
        '| STS 400 `Invalid value for "audience"` | no https prefix |',
        "failed to exchange token: Invalid value for audience. This value should be the full resource name of the "
        "Identity Prov",
        "com.google.auth.oauth2.OAuthException: Error code invalid_request: Invalid value for &quot;audience&quot;. "
        "This value should be the full resource name of the Identity Provider.",
        "{'error': 'invalid_request', 'error_description': 'Invalid value for \\\\\\\"audience\\\\\\\". This value "
        "should be the\n    full resource name of the Identity Provider.'}",
    ],
    "gcp-sts-audience-mismatch": [
        "google.auth.exceptions.OAuthError: ('Error code invalid_grant: The audience in ID Token [https://a.example] "
        'does not match the expected audience.\', \'{"error":"invalid_grant"}\')',
        "The audience in ID Token [sts.amazonaws.com] does not match the expected audience "
        "https://iam.googleapis.com/x",
        "The audience in ID Token [32555940559.apps.googleusercontent.com] does not match the expected audience.",
        "STS rejected the token (invalid_grant): the audience in the ID token doesn't match the expected audience",
        '{"error":"invalid_grant","error_description":"The audience in ID Token [***',
        "firebase deploy: google-github-actions/auth failed with: failed to generate Google Cloud federated token "
        "for ***: The audience in ID Token [https://x] does not match the expected audience.",
    ],
    "gcp-sts-attribute-condition": [
        "| wrong sub | 400 unauthorized_client: rejected by the attribute condition |",
        "Error code unauthorized_client: The given credential is rejected by the attribute condition. - https://x",
        'STS 401 {"error":"unauthorized_client","error_description":"The given credential is reject',
        "status code 400: The given credential was rejected by the attribute condition",
    ],
    "gcp-sts-provider-not-found": [
        'invalid_target: The target service indicated by the "audience" parameters is invalid.',
        "The target service indicated by the audience parameters is invalid. This might either be because",
        "GCP answers: the pool or provider is disabled or deleted or because it doesn't exist",
        "google sts token exchange failed: invalid_target",
        'failed to generate Google Cloud federated token... error="invalid_target"...',
    ],
    "gcp-sts-issuer-mismatch": [
        "| iss | invalid_grant: The issuer in ID Token null does not match the expected one |",
        "The issuer in ID Token https://gitlab.example.com/ does not match the expected ones: "
        "https://gitlab.example.com",
        "'Error code invalid_grant: `issuer` claim in OIDC discovery document does not match the issuer specified in "
        "the request.'",
        "the issuer in ID token *** doesn't match the expected one in config: ***",
    ],
    "gcp-sts-invalid-token": [
        "| iat | invalid_grant: ID Token issued at null is stale to sign-in. |",
        "ID Token issued at (xxx) is stale to sign-in.",
        "Error connecting to the given credential's issuer",
        "invalid_grant: Error connecting to the given credential\\'s issuer.",
        'STS returned 400 Bad Request: {"error":"invalid_grant","error_description":"Unable to parse the ID Token."}',
        "| different key, same kid | 400 invalid_grant: Unable to verify the ID Token signature. |",
        "INVALID_ARGUMENT: Input JWK is not in a valid json format",
        "Input jwks contains corrupted key material.",
    ],
    "gcp-sts-attribute-mapping": [
        "The mapped attribute 'google.subject' must be of type STRING.",
        "Error: Unauthorized_client: Could not obtain a value for google.subject from the given credential.",
        "STS 400 mapped attribute google.subject exceeds the 127 bytes limit",
        "The size of mapped attribute google.subject exceeds",
        "Mapped google.subject claim exceeds the 127 bytes limit",
        "could not obtain a value for attribute.repository from the given credential",
    ],
    "gcp-kms-permission-denied": [
        "Permission denied on Cloud KMS resource [projects/p/locations/l/keyRings/r/cryptoKeys/k] (or it does not "
        "exist). Please grant cloudkms.cryptoKeyVersions.useToDecrypt to the Secret Manager service identity.",
        "Error 403: Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied for resource 'projects/xxx/locations/l/"
        "keyRings/vault/cryptoKeys/vault-init'., forbidden",
        "Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied on resource",
        "Permission cloudkms.cryptoKeyVersions.useToDecrypt denied on resource projects/p/locations/l",
        "Required 'cloudkms.cryptoKeys.get' permission for 'projects/p/locations/l/keyRings/r/cryptoKeys/k'",
        "Error 403: service account x does not have permission cloudkms.cryptoKeyVersions.useToEncrypt on the key",
        "the caller does not have cloudkms.cryptoKeyVersions.useToDecrypt",
        "missing permission: cloudkms.cryptoKeyVersions.useToEncrypt",
        'PERMISSION_DENIED: Permission \\"cloudkms.keyRings.create\\" denied on resource \\"projects/p/locations/l\\"',
        "status { code: 7 message: \"Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied on re",
        "Permission denied on Cloud KMS key. Please ensure that your Cloud Storage service account may use this key.",
    ],
    "gcp-kms-key-not-found": [
        'Error when reading or editing KMSCryptoKey "projects/p/locations/l/keyRings/r/cryptoKeys/k": googleapi: Error '
        "404: CryptoKey projects/p/locations/l/keyRings/r/cryptoKeys/k not found.",
        "googleapi: Error 404: KeyRing projects/p/locations/us/keyRings/r not found., notFound",
        "NOT_FOUND: CryptoKeyVersion projects/p/locations/us/keyRings/r/cryptoKeys/k/cryptoKeyVersions/3 not found.",
        "google.api_core.exceptions.NotFound: 404 CryptoKey "
        "projects/***/locations/global/keyRings/***/cryptoKeys/*** not found.",
        "The request concerns location 'eu' but was sent to location 'global'.",
        "Cloud KMS is not available in 'US'",
        "KMS rejects it with KMS_RESOURCE_NOT_FOUND_IN_LOCATION",
        "error: rpc error: code = NotFound desc = ImportJob projects/p/locations/l/keyRings/r/importJobs/j not found.",
    ],
    "gcp-kms-key-version-unusable": [
        "$KEY is not enabled, current state is: DISABLED.",
        "FailedPrecondition: 400 projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1 is not "
        "enabled, current",
        "cryptoKeyVersions/2 is not enabled, current state is: GENERATION_FAILED",
        "cloudkms: failed to fetch public key: is not enabled, current state is: PENDING_IMPORT",
        "key projects/p/locations/l/keyRings/r/cryptoKeys/k is disabled",
        'name = PreconditionFailure type = KEY_PENDING_GENERATION subj = projects/p desc ="',
    ],
    "gcp-kms-wrong-purpose": [
        "Operation requested for Key projects/p has incorrect key purpose: MAC",
        "Troubleshooting incorrect key purpose: ASYMMETRIC_SIGN",
        'violations { type: "CRYPTO_SCHEME_MISMATCH" }',
    ],
    "gcp-kms-api-disabled": [
        "Cloud Key Management Service (KMS) API has not been used in project 123 before or it is disabled.",
        "PERMISSION_DENIED: Cloud Key Management Service (KMS) API has not been",
        "Google Cloud KMS API has not been used in this project before, or it is disabled.",
        '"reason": "SERVICE_DISABLED", "domain": "googleapis.com", "metadata": {"service": "cloudkms.googleapis.com"}',
        "API [cloudkms.googleapis.com] not enabled on project [my-project].",
    ],
    "gcp-kms-ciphertext-mismatch": [
        "Decryption failed: verify that &#39;name&#39; refers to the correct CryptoKey.",
        "INVALID_ARGUMENT: Decryption failed: the ciphertext is invalid.",
        "rpc error: code = InvalidArgument desc = Decryption failed: verify that 'name' refers to the corr",
    ],
    "gcp-vpc-service-controls": [
        "VPC Service Controls: Request is prohibited by the organisation's policy. "
        "vpcServiceControlsUniqueIdentifier: ....",
        "Request is prohibited by organization\\'s policy",
        '"reason":"SECURITY_POLICY_VIOLATED","metadata":{"uid":"abc","service":"cloudkms.googleapis.com","x":"google"}',
        '"violationReason": "NO_MATCHING_ACCESS_LEVEL"',
    ],
    "gcp-kms-external-key": [
        "Permission was denied when accessing the key. EXTERNAL_ PERMISSION_ DENIED",
        "Could not find a key EXTERNAL_NOT_FOUND",
        "Key URI host is not supported. | EXTERNAL_KEY_HOST_NOT_WHITELISTED",
        "FAILED_PRECONDITION: Timed out when trying to access the key URI https://ekm.example.com/v0/keys/1",
        "Could not validate the TLS server certificate for the key. Cloud EKM: TLS_CERT",
        "Decryption failed: The EKM reports that decryption failed.",
        "OVERLOADED_EKM Could not reach the key because the external key manager reports that it is overloaded.",
    ],
    "gcp-impersonation-denied": [
        "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).",
        "Permission iam.serviceAccounts.getAccessToken denied on resource",
        "Unable to acquire impersonated credentials",
        'Post "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/x:generateAccessToken": '
        "oauth2/google: "
        'status code 403: { "error": { "code": 403, "message": "The caller does not have permission" } }',
        '"reason": "IAM_PERMISSION_DENIED", "metadata": { "permission": "iam.serviceAccounts.getAccessToken" }',
    ],
    "gcp-quota-exceeded": [
        "8 RESOURCE_EXHAUSTED: Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute' of "
        "service 'cloudkms.googleapis.com' for consumer 'project_number:1'",
        "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute' of service "
        "'iam.googleapis.com' for consumer 'project_number:1'.",
        '"reason": "RATE_LIMIT_EXCEEDED", "metadata": { "service": "cloudkms.googleapis.com" }',
        "429 Too Many Requests from sts.googleapis.com",
    ],
}
NOT_FOUND = [
    'google.auth.exceptions.RefreshError: (\'Unable to acquire impersonated credentials\', \'{ "error": { "code": 404, '
    '"message": "Not found; Gaia id not found for email sa@p.iam.gserviceaccount.com" } }\')',
    "The audience in ID Token [ru.acme.shop] does not match the expected audience.",
    "identitytoolkit.googleapis.com: The audience in ID Token [abc] does not match the expected audience abd.",
    "Ensure the key exists, is enabled, and the service account has cloudkms.cryptoKeyVersions.useToEncrypt "
    "permissions.",
    "The required cloudkms.cryptoKeyVersions.useToDecrypt permission comes with the role.",
    "Permission iam.serviceAccountKeys.create is required to perform this operation on service account x., forbidden",
    "Invalid KeyRing id format, expecting `{projectId}/{locationId}/{keyRingName}`",
    "Firebase: The supplied auth credential is malformed. The audience in ID Token [com.acme.app] does not match",
    "FirebaseError: auth/invalid-credential: The audience in ID Token [x] does not match the expected audience y",
    "INVALID_IDP_RESPONSE : The issuer in ID Token https://a does not match the expected one in config: https://b.",
    "INVALID_IDP_RESPONSE : Unable to verify the ID Token signature.",
    "INVALID_IDP_RESPONSE : Error connecting to the given credential's issuer.",
    "Unable to parse the ID Token. Please notify the support team, or try the command again in a few moments.",
    "Invalid audience in ID token",
    "Permission 'artifactregistry.repositories.get' denied on resource '//artifactregistry.googleapis.com/x'",
    "Permission 'iam.serviceAccounts.actAs' denied on service account x (or it may not exist).",
    "Permission 'secretmanager.versions.access' denied for resource 'projects/1/secrets/x/versions/latest'",
    "Security Token Service API has not been used in project 1 before or it is disabled.",
    "Compute Engine API has not been used in project 1 before or it is disabled.",
    "INVALID_ARGUMENT: The attribute condition must reference one of the provider's claims.",
    "Grant cloudkms.cryptoKeyVersions.useToEncrypt and cloudkms.cryptoKeyVersions.useToDecrypt to OpenAI.",
    "includedPermissions: - cloudkms.cryptoKeyVersions.useToDecrypt - cloudkms.cryptoKeyVersions.useToEncrypt",
    "keyring not found in the default session",
    "The keyring is locked. Error: item not found",
    "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of service 'compute.googleapis.com'",
    "429 Too Many Requests",
    "OAuth 2.0 defines invalid_target (RFC 8707) for a bad resource parameter.",
    "Key version state: ENABLED. Primary: yes. Purpose: ENCRYPT_DECRYPT",
    "Your instance is not enabled. Current plan: free",
    "The certificate was rejected by the policy condition.",
    "Error: failed to generate Google Cloud access token for x: IAM Service Account Credentials API has not been "
    "used in project 1 before or it is disabled.",
    "gcloud kms keys add-iam-policy-binding k --member=principal://x --role=roles/cloudkms.cryptoKeyEncrypterDecrypter",
    "Invalid issuer (https://accounts.google.com) for token did not match expected: https://x",
    "invalid_grant: Invalid JWT Signature.",
    "The external key store proxy could not find the external key.",
]


def ids(text):
    return [result.error.id for result in classify(plain(text))]


@pytest.mark.parametrize(("error_id", "text"), [(name, text) for name, texts in FOUND.items() for text in texts])
def test_sibling_wordings_are_found(error_id, text):
    assert ids(text) == [error_id]


@pytest.mark.parametrize("text", NOT_FOUND)
def test_look_alikes_are_not(text):
    assert [name for name in ids(text) if name.startswith("gcp-")] == []
