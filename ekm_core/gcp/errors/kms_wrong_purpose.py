"""The key is for something else than the operation that was asked of it."""

from __future__ import annotations

from ekm_core import vendor
from ekm_core.gcp import causes, checks, sources
from ekm_core.gcp.wordings import KMS
from ekm_core.model import Cause, KnownError, Link, NearMiss, Provider, Sample, Signature

ERROR = KnownError(
    id="gcp-kms-wrong-purpose",
    provider=Provider.GCP,
    title="The Cloud KMS key was made for another purpose",
    summary=(
        "Every Cloud KMS key has one purpose for life. OpenAI encrypts and decrypts with a symmetric key, so the "
        "purpose must be ENCRYPT_DECRYPT. A key for signing, for MACs or with a key pair does not do."
    ),
    link=Link.KEY,
    signatures=(
        Signature("sentence", r"(?:has|have|with|an?|is) incorrect key purpose"),
        Signature("purpose", r"incorrect key purpose: ?[a-z_]+"),
        Signature("violation", r"crypto_scheme_mismatch", 0.8),
        Signature(
            "not-for-purpose",
            r"(?:not|isn't) (?:valid|supported|allowed|permitted|compatible) (?:for|with|by) (?:this |the |a )?"
            r"(?:crypto ?)?(?:key'?s? )?purpose",
            0.8,
            needs=(KMS,),
        ),
        Signature(
            "purpose-not-allowed",
            r"key purpose (?:[a-z_]+ )?(?:does not|doesn't|do not) (?:support|allow|permit|match)",
            0.8,
            needs=(KMS,),
        ),
    ),
    causes=(
        Cause(
            id="key-not-symmetric",
            title="The registered key is not a symmetric encryption key",
            why="A key for signing, decrypting with a key pair, or MACs refuses to encrypt.",
            check=checks.purpose_not_symmetric,
            look=causes.look_at_key("The purpose must be ENCRYPT_DECRYPT (Symmetric encrypt/decrypt)."),
            fix=causes.fix_key_registration("Make a new key for encrypting and decrypting, and register that one."),
            who=causes.KMS_ADMIN,
            proof=causes.proof("key", "not_symmetric"),
        ),
        Cause(
            id="own-test",
            title="The key is right, and another program asked it to do something else",
            why="A program that signs, or a command for key pairs, was pointed at OpenAI's key.",
            check=checks.operation_not_symmetric,
            look=causes.look_at_key("If the purpose is ENCRYPT_DECRYPT, the key is right for OpenAI."),
            fix=causes.fix_elsewhere("Point the other program at a key of its own."),
            who=causes.YOURSELF,
        ),
    ),
    references=(vendor.GCP_GUIDE, sources.KMS_PURPOSES),
    samples=(
        Sample(
            "FailedPrecondition: 400 Operation requested for Key "
            "projects/acme-kms/locations/global/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1 has incorrect key "
            'purpose: ASYMMETRIC_SIGN [violations { type: "CRYPTO_SCHEME_MISMATCH" }]'
        ),
        Sample("400 FAILED_PRECONDITION: incorrect key purpose: ASYMMETRIC_SIGN"),
    ),
    near_misses=(
        NearMiss(
            "Key purpose ENCRYPT_DECRYPT: CryptoKeys with this purpose may be used with Encrypt and Decrypt.",
            why="reference documentation",
        ),
    ),
    proves=(Link.IDENTITY, Link.TRUST, Link.PERMISSION),
)
