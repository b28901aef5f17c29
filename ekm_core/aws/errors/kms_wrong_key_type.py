"""The key is asymmetric, for signing or for HMAC: EKM needs a symmetric one for encryption."""

from __future__ import annotations

from ekm_core import vendor
from ekm_core.aws import causes, checks, proofs, sources
from ekm_core.aws import snippets as aws
from ekm_core.aws.wordings import NOT_THROWN, thrown
from ekm_core.model import Cause, Fix, KnownError, Link, Look, NearMiss, Provider, Sample, Signature, Values
from ekm_core.rulings import undecided

_NEW_KEY = causes.new_symmetric_key(
    "A key's type never changes. Make a symmetric key (SYMMETRIC_DEFAULT, for encryption), and register that."
)


def _look_call(values: Values) -> Look:
    return Look(
        ("Look at the command or code that made the call, and at the algorithm that it names.",),
        (aws.show_key(values),),
    )


def _fix_call(values: Values) -> Fix:
    return Fix(
        "Leave the algorithm out, or name SYMMETRIC_DEFAULT. OpenAI's own calls need no change.",
        console=("If the key is symmetric, only the call of your test is wrong.",),
        verify=(aws.show_key(values),),
    )


ERROR = KnownError(
    id="aws-kms-wrong-key-type",
    provider=Provider.AWS,
    title="The KMS key is of the wrong type for encryption",
    summary=(
        "EKM needs a symmetric key whose usage is ENCRYPT_DECRYPT. This key is asymmetric, or made for signing, for "
        "HMAC "
        "or for key agreement, or the call names an algorithm that does not fit it."
    ),
    link=Link.KEY,
    proves=(Link.IDENTITY, Link.TRUST),
    signatures=(
        Signature("usage", r"key usage is \w{3,40},? which is not valid for"),
        Signature("spec", r"key spec is \w{3,40},? which is not valid for"),
        Signature(
            "algorithm",
            r"algorithm ['\"]?[\w-]{3,60}['\"]? is (?:incompatible|not compatible) with key ?(?:spec|usage)",
        ),
        Signature(
            "usage-spec", r"key ?usage .{0,60}(?:not compatible|incompatible|not supported|not valid) .{0,30}key ?spec"
        ),
        Signature(
            "algorithm-spec",
            r"algorithm ['\"]?[\w-]{3,60}['\"]? (?:is not valid for|and|is not supported (?:by|for)|does not match)"
            r" (?:the )?key ?spec",
        ),
        Signature(
            "must-be",
            r"KeyUsage value of the (?:CMK|KMS key|key) is",
            unless=(r"is incompatible with the API operation",),
        ),
        Signature("missing-usage", r"must specify a KeyUsage value for (?:an asymmetric|all|HMAC)"),
        Signature("data-key", r"cannot generate a data key with an asymmetric"),
        Signature(
            "grant",
            r"only when creating a grant for a symmetric|\bEncryptionContext is supported only when creating a grant\b",
        ),
        Signature(
            "asymmetric",
            r"asymmetric (?:KMS |customer master )?(?:keys?|CMKs?) (?:is|are) not supported",
            0.8,
            needs=(r"Exception\b|An error occurred|validation error|Status Code|status code",),
        ),
        Signature(
            "parameter",
            r"at '(?:encryptionAlgorithm|signingAlgorithm|macAlgorithm|keySpec|keyUsage|customerMasterKeySpec)' "
            r"failed to "
            r"satisfy constraint",
            0.8,
        ),
        Signature("exception", thrown(r"(?:KMS\.?)?InvalidKeyUsage(?:Exception)?"), 0.8, unless=NOT_THROWN),
    ),
    causes=(
        Cause(
            "wrong-usage",
            "The key is for signing, HMAC or key agreement",
            "A key's usage is chosen when it is made, and only ENCRYPT_DECRYPT lets it encrypt.",
            checks.wording(
                r"key ?usage (?:value of the \S{1,40}(?: \S{1,10})? )?is "
                r"(?:SIGN_VERIFY|GENERATE_VERIFY_MAC|KEY_AGREEMENT)",
                "KMS names the key's usage, and it is not encryption.",
                "Look at the key's usage: it should be ENCRYPT_DECRYPT.",
            ),
            causes.look_at_key,
            _NEW_KEY,
            causes.KEY_ADMIN,
            proof=proofs.later("keys", "wrong_usage"),
        ),
        Cause(
            "asymmetric",
            "The key is asymmetric",
            "An asymmetric key can encrypt little and only with its own algorithms. EKM uses a symmetric key.",
            checks.wording(
                r"key spec:? (?:is )?(?:RSA|ECC|SM2|ML_DSA|HMAC)_?\w*|with an asymmetric (?:CMK|KMS key|customer "
                r"master key)",
                "KMS names the key's spec, and it is not symmetric.",
                "Look at the key's type: it should be SYMMETRIC_DEFAULT.",
            ),
            causes.look_at_key,
            _NEW_KEY,
            causes.KEY_ADMIN,
            proof=proofs.later("keys", "asymmetric"),
        ),
        Cause(
            "wrong-algorithm",
            "The call names an algorithm that the key does not have",
            "A symmetric key knows SYMMETRIC_DEFAULT only.",
            undecided("Compare the algorithm of the call with the key's type."),
            _look_call,
            _fix_call,
            causes.YOURSELF,
        ),
    ),
    references=(sources.KEY_TYPES, sources.KMS_ENCRYPT, vendor.AWS_GUIDE),
    samples=(
        Sample("services.kms.model.AWSKMSException: EncryptionContext is supported only when creating a grant"),
        Sample(
            "InvalidKeyUsageException: arn:aws:kms:eu-west-1:222222222222:key/9a956830-5b5d-4203-bc1e-52781bbab0a2 key "
            "usage is SIGN_VERIFY which is not valid for Encrypt.",
            "https://github.com/jonathankeebler/jwt-kms/issues/4",
        ),
        Sample("InvalidKeyUsageException: Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_3072."),
    ),
    near_misses=(
        NearMiss(
            'msg := fmt.Sprintf("%s key usage is SIGN_VERIFY which is not valid for GenerateDataKey.", key)',
            why="A program that makes the sentence.",
        ),
        NearMiss(
            "An error occurred (ValidationException) when calling the CreateAlias operation: Invalid identifier",
            why="An alias without the alias/ prefix.",
        ),
        NearMiss(
            'InvalidKeyUsageException: "KEYRING_MISCONFIGURED",\n  InvalidArnException: "KEYRING_MISCONFIGURED",',
            why="A table of what each exception means to a program.",
        ),
        NearMiss(
            "InvalidKeyUsageException\nThe request was rejected for one of the following reasons:\nThe KeyUsage value "
            "of the KMS key is incompatible with the API operation.",
            why="KMS's own description of the error.",
        ),
        NearMiss("This meant that the client was using a symmetric key and SYMMETRIC_DEFAULT.", why="Prose."),
    ),
)
