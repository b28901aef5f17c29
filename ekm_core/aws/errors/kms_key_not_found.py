"""KMS finds no such key or alias in this account and Region."""

from __future__ import annotations

from ekm_core import vendor
from ekm_core.aws import causes, checks, proofs, sources
from ekm_core.aws import snippets as aws
from ekm_core.aws.wordings import KMS_OPERATIONS, NOT_THROWN, thrown
from ekm_core.model import Cause, Fix, KnownError, Link, NearMiss, Provider, Sample, Signature, Values
from ekm_core.openai import snippets as openai
from ekm_core.rulings import undecided

# The same exception says "Invalid arn" where the ARN's Region or form is wrong: an entry of its own.
_NOT_THIS = (r"Invalid arn\b", *NOT_THROWN)
_ALIAS = r"Alias \S{1,300} is not found"
_KEY = r"Key ['\"]?\S{1,300} does not exist"


def _fix_alias(values: Values) -> Fix:
    return Fix(
        "Register the key's own ARN. It cannot be pointed elsewhere by mistake, as an alias can.",
        console=(causes.key_console(values), "Copy the ARN of the key, and register that."),
        cli=(
            aws.command("List the aliases of the Region", "kms", "list-aliases", region=aws.region(values)),
            *aws.registration(values),
        ),
        verify=openai.validate(values),
    )


# What people put in the place of an ARN.
_MASKED = r"['\"]?(?:\*{2,60}|#{2,60}|x{3,60}|\[[\w -]{2,40}\]|<[^>]{1,60}>)['\"]?"

ERROR = KnownError(
    id="aws-kms-key-not-found",
    provider=Provider.AWS,
    title="There is no such KMS key or alias in this account and Region",
    summary=(
        "KMS looked for the key or alias in the account and Region of its ARN and found none. A KMS key exists in one "
        "Region only, and a deleted key never comes back."
    ),
    link=Link.KEY,
    proves=(Link.IDENTITY, Link.TRUST),
    signatures=(
        Signature("key", r"\bKey ['\"]?(?:arn:)?aws[^'\" ]{0,14}:kms:[^'\"]{0,200}['\"]? does not exist"),
        Signature(
            "key-id",
            r"\bNotFoundException\)?.{0,80}\bKey(?: ID)? ['\"]?[^'\" ]{1,200}['\"]? (?:does not exist|not found)",
        ),
        Signature(
            "any-key",
            r"\bKey ['\"](?:[0-9a-fx*#]{8}-[0-9a-fx*#-]{20,40}|mrk-\w{6,40}|alias/\S{1,200}|<[^>]{1,60}>)['\"] does "
            r"not exist",
        ),
        Signature(
            "alias", r"\bAlias ['\"]?(?:arn:\S{1,250}|aws:kms\S{1,250}|alias/\S{1,250}|<[^>]{1,60}>) is not found"
        ),
        Signature(
            "masked", rf"\bNotFoundException\)?.{{0,80}}\b(?:Alias|Key) {_MASKED} (?:is not found|does not exist)"
        ),
        Signature("masked-kms", rf"\bKMS validation error\b.{{0,80}}\bKey {_MASKED} does not exist"),
        Signature(
            "invalid-key-id",
            r"\bInvalid keyId\b",
            0.8,
            needs=(r"\bkms\b|aws|amazon|NotFoundException|ServerlessError",),
        ),
        Signature("invalid-key-id-thrown", r"\bNotFoundException\)?.{0,100}\bInvalid keyId\b"),
        Signature(
            "class",
            r"(?:\bkms\.model\.|KeyManagementService\.Model\.|KMS::Errors::)NotFoundException\b"
            r"|\bKMS\.NotFoundException(?:: |['\"], ?['\"])",
            0.8,
            unless=_NOT_THIS,
        ),
        Signature("service-code", thrown(r"KMS(?:Key)?\.?NotFound(?:Exception|Fault)?"), 0.8, unless=_NOT_THIS),
        Signature(
            "java-frame",
            r"Service: (?:AWSKMS|KMS)[;,] Status Code: 400[;,] Error Code: NotFoundException",
            0.8,
            unless=_NOT_THIS,
        ),
        Signature(
            "cli-frame",
            rf"\(NotFoundException\) (?:occurred )?when calling the {KMS_OPERATIONS} operation",
            0.8,
            unless=_NOT_THIS,
        ),
        Signature(
            "go-frame",
            r"(?:operation error |error )KMS: \w{3,60}, .{0,200}\bNotFoundException\b",
            0.8,
            unless=_NOT_THIS,
        ),
        Signature(
            "ssm-code",
            r"\(InvalidKeyId(?:Exception)?\) (?:occurred )?when calling",
            0.6,
            unless=(r"is disabled|pending|AccessDenied|not authorized|Invalid arn",),
        ),
    ),
    causes=(
        Cause(
            "alias-missing",
            "The alias does not exist",
            "An alias belongs to one account and Region, and its name begins with alias/.",
            checks.wording(
                _ALIAS,
                "KMS names an alias that it does not find.",
                "Look whether the registered kms_arn is an alias, and whether that alias exists in its Region.",
                instead=_KEY,
            ),
            causes.look_at_other_key,
            _fix_alias,
            causes.REGISTRAR,
            proof=proofs.later("keys", "alias_missing"),
        ),
        Cause(
            "arn-wrong",
            "The registered ARN is not the one of your key",
            "A slip in the key id, a wrong Region or a wrong account: each leads to a place where no such key is.",
            checks.key_used,
            causes.look_at_other_key,
            causes.fix_registration("Register the ARN of the key as the console shows it.", "kms_key"),
            causes.REGISTRAR,
            proof=proofs.later("keys", "arn_wrong"),
        ),
        Cause(
            "key-deleted",
            "The key was deleted",
            "When the waiting period is over, KMS deletes the key for good, and what it encrypted cannot be read "
            "again.",
            undecided(
                "The text does not say whether the key ever existed. Look for a ScheduleKeyDeletion event in "
                "CloudTrail."
            ),
            causes.look_at_key,
            causes.new_symmetric_key(
                "A deleted key cannot be restored. Make a new one for new data, and tell OpenAI before you change the "
                "registration: data under the old key is lost."
            ),
            causes.KEY_ADMIN,
        ),
    ),
    references=(sources.KEY_IDENTIFIERS, sources.KEY_DELETION, vendor.REVOCATION_GUIDE),
    samples=(
        Sample(
            "Error: InvalidKeyId: Alias arn:aws:kms:us-west-2:222222222222:alias/parameter_store_key is not found. "
            "(Service: AWSKMS; Status Code: 400; Error Code: NotFoundException; Request ID: "
            "40c97139-788f-11e8-932c-45e4f64721d4)",
            "https://github.com/cloudposse/docs/issues/152",
        ),
        Sample(
            "botocore.errorfactory.NotFoundException: An error occurred (NotFoundException) when calling the Encrypt "
            "operation: Key 'arn:aws:kms:us-east-1:5*************2:key/e11f1804-f93a-4c67-be21-dd963d667090' does not "
            "exist",
            "https://github.com/boto/botocore/issues/2107",
        ),
        Sample(
            "Serverless: ServerlessError: Invalid keyId",
            "https://github.com/nordcloud/serverless-kms-secrets/issues/16",
        ),
        Sample("Error: error reading KMS Key (alias/image-builder): NotFoundException: Alias *** is not found."),
        Sample("ERROR: NotFoundException: Invalid keyId", "https://github.com/realestate-com-au/shush/pull/1"),
    ),
    near_misses=(
        NearMiss(
            "An error occurred (NoSuchKey) when calling the GetObject operation: The specified key does not exist.",
            why="S3.",
        ),
        NearMiss(
            "Error encrypting credentials/kubelet-tls-bootstrap-token: NotFoundException: Invalid arn\n\tstatus code: "
            "400",
            is_really="aws-kms-invalid-arn",
        ),
        NearMiss("case *kms.NotFoundException, *kms.InvalidKeyUsageException:", why="A program that handles both."),
        NearMiss("'NotFoundException': The key doesn't exist (already deleted).", why="A list of errors in prose."),
    ),
)
