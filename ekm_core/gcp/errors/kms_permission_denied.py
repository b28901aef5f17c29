"""Google Cloud KMS refuses the caller a permission on the key, or the key does not exist."""

from __future__ import annotations

from ekm_core import vendor
from ekm_core.gcp import causes, sources
from ekm_core.gcp import snippets as gcp
from ekm_core.gcp.wordings import CODE
from ekm_core.model import Cause, Fix, KnownError, Link, Look, NearMiss, Provider, Sample, Signature, Values
from ekm_core.openai import snippets as openai
from ekm_core.rulings import undecided

_NAME = r"cloudkms\.[a-z]+(?:\.[a-z]+)?"


def _look_at_role(values: Values) -> Look:
    return Look(
        (
            "In the Google Cloud console, open IAM & Admin, then Roles, and open the role that is bound to OpenAI's "
            "principal on the key.",
            f"It must hold {gcp.PERMISSIONS[0]} and {gcp.PERMISSIONS[1]}.",
        ),
        (gcp.key_policy(values),),
    )


def _fix_role(values: Values) -> Fix:
    return Fix(
        "Add both permissions to the custom role, or bind the built-in role instead.",
        console=(
            "In the Google Cloud console, open IAM & Admin, then Roles, and edit the custom role.",
            f"Add {gcp.PERMISSIONS[0]} and {gcp.PERMISSIONS[1]}, and save.",
        ),
        cli=(gcp.custom_role(values), gcp.bind_key(values)),
        terraform=(gcp.binding_terraform(values),),
        verify=(gcp.key_policy(values), *openai.validate(values)),
    )


ERROR = KnownError(
    id="gcp-kms-permission-denied",
    provider=Provider.GCP,
    title="The caller may not use the Cloud KMS key, or the key does not exist",
    summary=(
        "Google Cloud KMS refused a permission on the key. It gives the same answer when the key does not exist, so "
        "that strangers cannot find out which keys there are. OpenAI needs to encrypt and to decrypt with the key."
    ),
    link=Link.PERMISSION,
    signatures=(
        Signature(
            "sentence",
            rf"permissions?:? .{{0,2}}{_NAME}.{{0,3}} ?(?:is |was |has been )?(?:denied|missing|required to)",
        ),
        Signature("denied", rf"{_NAME}.{{0,2}} (?:permission )?(?:is |was )?denied\b"),
        Signature(
            "denied-before",
            r"permission[ _]denied ?(?:: |on |for |to )?['\"]?"
            r"cloudkms\.(?:cryptokey|keyring|importjob|ekm)\w{0,12}\.[a-z]",
            0.9,
        ),
        Signature("required", rf"required ['\"]{_NAME}['\"] permission"),
        Signature(
            "lacking",
            r"(?:does not|doesn't|do not|did not) have (?:the )?(?:required )?(?:permissions? )?(?:to )?.{0,2}" + _NAME,
            0.9,
        ),
        Signature(
            "missing",
            r"(?:lacks? (?:the )?|missing (?:the )?(?:necessary |required |iam )*permissions?:? ?)"
            r"(?:(?:necessary |required |iam )*permissions?:? ?)?.{0,2}" + _NAME,
            0.9,
        ),
        Signature(
            "without-name",
            r"permission (?:was )?denied on (?:the )?cloud kms (?:crypto ?)?(?:key|resource)",
            0.9,
        ),
        # A service that encrypts with the customer's key, of its own agent.
        Signature(
            "service-agent",
            r"(?:did|does) not have the (?:necessary|required) permissions? (?:configured )?(?:to|for)\b",
            0.9,
            needs=(r"grant(?:ed)? (?:the )?(?:role )?['\"]?cloud kms cryptokey (?:encrypter|decrypter)",),
        ),
        # BigQuery's, unless a program only looks for it.
        Signature(
            "bigquery",
            r"please grant (?:the )?cloud kms cryptokey encrypter/decrypter role",
            0.8,
            unless=(*CODE, r"(?-i:\b[A-Z]{2,20}(?:_[A-Z]{2,20}){1,3} ?= ?\(? ?['\"])please grant"),
        ),
        Signature(
            "on-behalf",
            r"(?:lacks? (?:the )?permissions? (?:to|for|on)|(?:does not|doesn't) have (?:access|permissions?) "
            r"(?:to|for|on)(?: use| access)?) (?:the |a |this )?(?:cloud )?kms (?:crypto ?)?key",
            0.8,
            needs=(r"\bgcp-sa-|gserviceaccount|\bcmek\b|cryptokeys/|cloud ?kms",),
        ),
        Signature(
            "retold",
            r"\b(?:denied|refused|fail(?:s|ed)?) (?:at|on|with|for) ['\"]?cloudkms\.(?:cryptokey|keyring|importjob|ekm)"
            r"\w{0,12}\.[a-z]",
            0.8,
        ),
        # The command line's short form, for whole projects.
        Signature(
            "short",
            r"\(gcloud\.(?:beta\.|alpha\.)?kms\.[\w.-]{1,60}\) .{0,140} does not have permission to access",
            0.8,
        ),
        Signature(
            "project",
            r"\(gcloud\.(?:beta\.|alpha\.)?kms\.[\w.-]{1,60}\) permission_denied: "
            r"(?:permission denied on|the caller does not have permission)",
            0.8,
        ),
        # The seal of Vault and OpenBao asks which permissions it has, and drops the service's answer.
        Signature(
            "seal",
            r"permissions check failed - ensure the service account has at least roles/cloudkms\.",
            0.8,
        ),
        Signature(
            "masked-name",
            r"permission ['\"](?:\*|#|x{3}|\[|<)[^'\"]{0,40}['\"] denied on resource",
            0.8,
            needs=(r"cloud ?kms|crypto_?keys?|key ?rings?",),
        ),
        Signature(
            "details",
            rf"permission.{{0,3}} ?[:=] ?.{{0,2}}{_NAME}",
            0.8,
            needs=(r"iam_permission_denied|permission_?denied|granted.{0,3}: ?false",),
        ),
        Signature(
            "cut-off",
            rf"permission ['\"]{_NAME}",
            0.8,
            needs=(r"permission_?denied|error:? 403|\b403\b|forbidden|denied on resource",),
        ),
    ),
    causes=(
        Cause(
            id="not-bound",
            title="OpenAI's principal has no role on the key",
            why="OpenAI acts as a principal of your workload identity pool. It needs a role on the key itself.",
            check=undecided(
                "The text does not show the key's policy. Look there for OpenAI's principal with the role Cloud KMS "
                "CryptoKey Encrypter/Decrypter."
            ),
            look=causes.look_at_binding("OpenAI's principal must stand there with an encrypting and decrypting role."),
            fix=causes.fix_binding("Bind OpenAI's principal to the key."),
            who=causes.KMS_ADMIN,
            proof=causes.proof("binding", "not_bound"),
        ),
        Cause(
            id="wrong-principal",
            title="The binding names another principal than OpenAI's",
            why="Another subject, another pool, the project's id in place of its number, or principalSet in place of "
            "principal makes a binding that does not fit.",
            check=undecided(
                "The text does not show the key's policy. Compare the member there with the principal in the command, "
                "character by character."
            ),
            look=causes.look_at_binding(
                f"The member ends in /subject/{vendor.GCP_SUBJECT} and names the pool's project by its number."
            ),
            fix=causes.fix_binding("Bind exactly this principal. Remove the wrong one if nothing else needs it."),
            who=causes.KMS_ADMIN,
            proof=causes.proof("binding", "wrong_principal"),
        ),
        causes.ANOTHER_KEY,
        Cause(
            id="role-lacks-permission",
            title="The role does not hold both permissions",
            why="OpenAI encrypts and decrypts. A role for one of the two lets half of it through; Cloud KMS Admin and "
            "Viewer may not use keys at all.",
            check=undecided(
                "The text names the permission that was refused, but not what the role holds. Look at the role."
            ),
            look=_look_at_role,
            fix=_fix_role,
            who=causes.KMS_ADMIN,
            proof=causes.proof("binding", "role_lacks_permission"),
        ),
        Cause(
            id="deny-policy",
            title="A deny policy or a condition on the binding forbids it",
            why="A deny policy of the project, folder or organization wins over every role.",
            check=undecided("The text does not show deny policies or conditions. List them."),
            look=causes.look_at_binding(
                "Look for a condition on the binding, and for deny policies above the project."
            ),
            fix=causes.fix_binding("Except OpenAI's principal from the deny policy, or bind it without a condition."),
            who="Deny Admin (roles/iam.denyAdmin) of your Google organization",
            proof=causes.proof("binding", "denied_by_condition"),
        ),
        causes.RECENT_BINDING,
        causes.OWN_CALL,
    ),
    references=(vendor.GCP_GUIDE, sources.KMS_ROLES, sources.DENY, vendor.GCP_IAM_WAIT.reference),
    samples=(
        Sample("Cloud KMS key Permission '***' denied on resource '***' (or it may not exist). cannot be validated."),
        Sample(
            "PermissionDenied: 403 Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied on resource "
            "'projects/acme-kms/locations/us-central1/keyRings/openai/cryptoKeys/openai-ekm' (or it may not exist)."
        ),
        Sample(
            "rpc error: code = PermissionDenied desc = Permission 'cloudkms.cryptoKeys.get' denied on resource "
            "'projects/acme-kms/locations/global/keyRings/vault/cryptoKeys/vault-init'"
        ),
        Sample("403 Permission denied: cloudkms.cryptoKeys.get"),
        Sample(
            "ERROR: (gcloud.kms.keyrings.list) User [x] does not have permission to access projects instance [acme] "
            "(or it may not exist)"
        ),
        Sample("ERROR: (gcloud.kms.keys.create) PERMISSION_DENIED: Permission denied on resource project acme-kms."),
        Sample(
            "error parsing Seal configuration: permissions check failed - ensure the service account has at least "
            "roles/cloudkms.cryptoKeyEncrypterDecrypter permissions (for encryption keys)",
            "https://github.com/hashicorp/vault-helm/issues/1111",
        ),
        Sample("the service account lacks cloudkms.cryptoKeyVersions.useToDecrypt on the key"),
        Sample(
            "Error creating Topic: googleapi: Error 400: Cloud Pub/Sub did not have the necessary permissions "
            "configured to support this operation. Please verify that the service account "
            "service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com was granted the Cloud KMS CryptoKey "
            "Encrypter/Decrypter role for the project containing the CryptoKey resource "
            "projects/acme-kms/locations/us-central1/keyRings/r/cryptoKeys/k"
        ),
        Sample(
            "Please grant Cloud KMS CryptoKey Encrypter/Decrypter role to BigQuery service account "
            "bq-123456789012@bigquery-encryption.iam.gserviceaccount.com in your CloudKMS"
        ),
        Sample(
            "Error code 400 - service-123456789012@gcp-sa-financialservices.iam.gserviceaccount.com lacks permissions "
            "to KMS key"
        ),
        Sample("the first run failed on cloudkms.cryptoKeyVersions.useToDecrypt: the binding was not yet there"),
        Sample("Failed to encrypt: Permission cloudkms.cryptoKeyVersions.useToDecrypt denied on resource $KEY"),
    ),
    near_misses=(
        NearMiss(
            "Permission 'run.services.setIamPolicy' denied on resource (or it may not exist).",
            why="the same sentence for another service",
        ),
        NearMiss(
            "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).",
            "gcp-impersonation-denied",
            "the same sentence for a service account",
        ),
        NearMiss(
            "failed to encrypt with GCP CKMS - ensure the key exists and the service account has at least "
            "roles/cloudkms.cryptoKeyEncrypterDecrypter permission: rpc error: code = PermissionDenied desc = Request "
            "had insufficient authentication scopes.",
            why="advice of the seal's; the service's answer behind it is another one",
        ),
        NearMiss(
            "Cloud Pub/Sub did not have the necessary permissions configured to access the provided bucket acme (or "
            "the bucket may not exist). Please verify that the service account "
            "service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com was granted the Storage Legacy Bucket Reader "
            "role",
            why="the same sentence for a bucket",
        ),
        NearMiss(
            "ROLE_MISSING = ( 'Please grant Cloud KMS CryptoKey Encrypter/Decrypter role to BigQuery' ' service "
            "account')",
            why="a program that looks for the sentence",
        ),
        NearMiss("the logging principal does not have access to the KMS key", why="another cloud's key"),
        NearMiss(
            "ERROR: (gcloud.kms.keys.list) PERMISSION_DENIED: Request had insufficient authentication scopes.",
            why="the caller's token is too narrow; no permission is missing",
        ),
        NearMiss("ssh: Permission denied for cloudkms.internal", why="a host of that name"),
        NearMiss(
            'roles/cloudkms.cryptoKeyEncrypterDecrypter: "permissions": [ "cloudkms.cryptoKeyVersions.useToDecrypt", '
            '"cloudkms.cryptoKeyVersions.useToEncrypt" ]',
            why="what a role holds; nothing was refused",
        ),
    ),
    proves=(Link.IDENTITY, Link.TRUST),
)
