"""The key is disabled: somebody switched it off, on purpose or not."""

from __future__ import annotations

from ekm_core import vendor
from ekm_core.aws import causes, checks, proofs, sources
from ekm_core.aws import snippets as aws
from ekm_core.aws.wordings import NOT_THROWN, thrown
from ekm_core.model import Cause, Fix, KnownError, Link, NearMiss, Provider, Sample, Signature, Values
from ekm_core.openai import snippets as openai


def _fix(values: Values) -> Fix:
    return Fix(
        "Enable the key again. First ask who disabled it and why: disabling is also the way to revoke OpenAI's access.",
        console=(causes.key_console(values), "Choose Key actions, then Enable."),
        cli=(aws.key_command("Enable the key", "enable-key", values),),
        verify=(aws.show_key(values), *openai.validate(values)),
    )


ERROR = KnownError(
    id="aws-kms-key-disabled",
    provider=Provider.AWS,
    title="The KMS key is disabled",
    summary="The key exists, and it is switched off: nobody can encrypt or decrypt with it until it is enabled again.",
    link=Link.KEY,
    proves=(Link.IDENTITY, Link.TRUST),
    signatures=(
        Signature("sentence", r"\bkms:\S{1,250} is (?:currently )?disabled\b"),
        Signature("elided", r"\bkey/\S{1,120} is (?:currently )?disabled\b"),
        Signature("lambda", r"because the KMS key used is disabled"),
        Signature(
            "services", r"\bspecified KMS key(?: ARN)? is disabled\b", 0.8, needs=(r"An error occurred|\(Service: ",)
        ),
        Signature("dynamodb", r"KMS key disabled(?: error)?:"),
        Signature(
            "class",
            r"(?:\bkms\.model\.|KeyManagementService\.Model\.|KMS::Errors::)DisabledException\b"
            r"|\bKMS\.DisabledException(?:: |['\"], ?['\"])",
            0.8,
            unless=NOT_THROWN,
        ),
        Signature("cli-frame", r"\((?:KMS\.?)?Disabled(?:Exception)?\) (?:occurred )?when calling the", 0.8),
        Signature("service-code", thrown(r"KMS\.?Disabled(?:Exception)?"), 0.8, unless=NOT_THROWN),
        Signature(
            "exception",
            thrown("DisabledException"),
            0.8,
            needs=(r"\bkms\b|AWSKMS|KeyManagementService|arn:aws",),
            unless=(*NOT_THROWN, r"springframework|UserDisabled"),
        ),
    ),
    causes=(
        Cause(
            "key-disabled",
            "Somebody disabled the key",
            "A person or a tool disables a key. As far as we know nothing else does, neither billing nor rotation.",
            checks.wording(
                r"\S{1,300} is (?:currently )?disabled|DisabledException",
                "KMS says that the key is disabled.",
                "Look at the key's status.",
            ),
            causes.look_at_key,
            _fix,
            causes.KEY_ADMIN,
            proof=proofs.later("keys", "disabled"),
        ),
        causes.other_key_cause("Register the key that is meant to be in use."),
    ),
    references=(sources.KEY_ENABLE, sources.KEY_STATES, vendor.REVOCATION_GUIDE),
    samples=(
        Sample(
            "An error occurred (ValidationException) when calling the PutDataExportConfiguration operation: The "
            "specified KMS key ARN is disabled. (Service: S3Tables, Status Code: 400)",
            "https://docs.aws.amazon.com/AmazonS3/latest/API/API_s3Buckets_PutDataExportConfiguration.html",
        ),
        Sample(
            "An error occurred (DisabledException) when calling the Encrypt operation: "
            "arn:aws:kms:us-west-2:222222222222:key/ea9fe275-3667-4e16-8043-80a307cfb20b is disabled."
        ),
        Sample(
            "KMSDisabledException: Lambda was unable to decrypt the environment variables because the KMS key used is "
            "disabled. Please check the function's KMS key settings.",
            "https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html",
        ),
        Sample("KMS.DisabledException: The request was rejected because the specified KMS key is not enabled"),
    ),
    near_misses=(
        NearMiss(
            "| DisabledException | The request was rejected because the specified KMS key is disabled. |",
            why="The documentation explains an exception.",
        ),
        NearMiss(
            "org.springframework.security.authentication.DisabledException: User is disabled", why="Spring's own class."
        ),
        NearMiss("Look in the log group for KMS.DisabledException.", why="Advice."),
        NearMiss(
            "KMS.DisabledException, KMS.NotFoundException, KMS.KMSInvalidStateException: permanent", why="A list."
        ),
        NearMiss('"KMS.DisabledException": alias("KMS.DisabledException", _KMS, "the key is off"),', why="A table."),
    ),
)
