"""KMS cannot open the ciphertext with this key: another key, another encryption context, or damaged data."""

from __future__ import annotations

from ekm_core import vendor
from ekm_core.aws import causes, checks, sources
from ekm_core.aws import snippets as aws
from ekm_core.aws.wordings import NOT_THROWN, thrown
from ekm_core.model import Cause, Fix, KnownError, Link, Look, NearMiss, Provider, Sample, Signature, Values
from ekm_core.openai import snippets as openai
from ekm_core.rulings import undecided


def _fix_key(values: Values) -> Fix:
    return Fix(
        "Keep the key that the data was encrypted under, and point the registration or the alias at it again.",
        console=(
            causes.key_console(values),
            "Find out which key was registered when the data was written, and let the role use that key too.",
        ),
        cli=(aws.show_aliases(values), *aws.registration(values)),
        verify=openai.validate(values),
    )


def _look_data(values: Values) -> Look:
    return Look(
        (
            "If the call was your own test, compare the encryption context and the ciphertext with those of the "
            "Encrypt "
            "call.",
            "A ciphertext must reach KMS as raw bytes: the command line wants it as a file (fileb://) or in Base64.",
        ),
        (aws.show_key(values),),
    )


def _fix_data(values: Values) -> Fix:
    return Fix(
        "Pass the same encryption context and the unchanged ciphertext. If the call was OpenAI's, send the whole "
        "message to "
        "OpenAI's support: the data is in their hands.",
        console=("Repeat your own test with a freshly encrypted value.",),
        verify=openai.validate(values),
    )


ERROR = KnownError(
    id="aws-kms-ciphertext-mismatch",
    provider=Provider.AWS,
    title="KMS cannot decrypt this ciphertext with this key",
    summary=(
        "The call reached the key, and the ciphertext does not belong to it: it was made with another key or another "
        "encryption context, or it was damaged. KMS mostly gives no message with this exception."
    ),
    link=Link.REQUEST,
    proves=(Link.IDENTITY, Link.TRUST),
    signatures=(
        Signature(
            "incorrect-key",
            r"key ID in the request does not identify a (?:CMK|(?:AWS )?KMS key|customer master key) that can perform "
            r"this operation",
        ),
        Signature(
            "context",
            r"encryption context (?:provided|given|supplied|passed|specified)(?: here)? "
            r"(?:may|might|does|did)(?:n't| not) match",
            0.8,
            needs=(r"\bKMS\b",),
        ),
        # With its own capitals: Bouncy Castle has an InvalidCipherTextException.
        Signature(
            "exception",
            thrown(r"(?:KMS\.?)?(?-i:InvalidCiphertext(?:Exception)?)"),
            0.8,
            unless=(*NOT_THROWN, r"bouncycastle|spongycastle|CipherSweet"),
        ),
        Signature("incorrect-key-exception", thrown(r"(?:KMS\.?)?IncorrectKeyException"), 0.8, unless=NOT_THROWN),
    ),
    causes=(
        Cause(
            "other-key",
            "The data was encrypted under another key",
            "The registration, or an alias, was pointed at another key since. To OpenAI that is a revocation.",
            checks.wording(
                r"IncorrectKeyException|does not identify a [\w ]{2,24} that can perform this operation",
                "KMS says that the key in the request is not the ciphertext's key.",
                "Find out which key was registered when the data was written.",
            ),
            causes.look_at_other_key,
            _fix_key,
            causes.KEY_ADMIN,
        ),
        Cause(
            "context-or-damage",
            "The encryption context differs, or the ciphertext was damaged",
            "KMS checks both, and tells neither apart.",
            undecided(
                "KMS gives no details. Compare ciphertext and encryption context with those of the Encrypt call."
            ),
            _look_data,
            _fix_data,
            causes.YOURSELF,
        ),
    ),
    references=(sources.KMS_DECRYPT, vendor.REVOCATION_GUIDE),
    samples=(
        Sample(
            "I am getting com.amazonaws.services.kms.model.InvalidCiphertextException and below is the code.",
            "https://github.com/aws/aws-sdk-java/issues/2310",
        ),
        Sample("An error occurred (InvalidCiphertextException) when calling the Decrypt operation:"),
        Sample(
            "I have tried many base64 encoding and decoding, and I still get **InvalidCiphertextException**.",
            "https://github.com/aws/aws-sdk-js-v3/issues/2600",
        ),
        Sample(
            "KMS ERROR: Could not decrypt hmac key with KMS. The encryption context provided may not match the one "
            "used when the credential was stored.",
            "https://github.com/fugue/credstash/issues/130",
        ),
        Sample("cannot open the box: operation error KMS: Decrypt, InvalidCiphertextException"),
        Sample("InvalidCiphertextException: null\n    at Request.extractError (aws-sdk/lib/protocol/json.js:43:27)"),
        Sample(
            "An error occurred (IncorrectKeyException) when calling the Decrypt operation: The key ID in the request "
            "does "
            "not identify a CMK that can perform this operation.",
            "https://github.com/floci-io/floci/issues/1844",
        ),
    ),
    near_misses=(
        NearMiss(
            "KMS checks that the encryption context matches the one that was used to encrypt.", why="An explanation."
        ),
        NearMiss("The security context provided does not match the SELinux policy.", why="No encryption context."),
        NearMiss(
            "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or "
            "you are "
            "not allowed to access.",
            is_really="aws-kms-access-denied",
        ),
        NearMiss(
            "org.bouncycastle.crypto.InvalidCipherTextException: pad block corrupted", why="Another library's class."
        ),
        NearMiss("Real KMS raises <c>IncorrectKeyException</c> on a mismatch.", why="A comment."),
        NearMiss("} catch (InvalidCiphertextException e) {", why="Source code."),
        NearMiss(
            "InvalidCiphertextException: {\n  code: 'INVALID_CIPHERTEXT',\n  message: 'Invalid ciphertext',\n},",
            why="A table of what to say for each exception.",
        ),
    ),
)
