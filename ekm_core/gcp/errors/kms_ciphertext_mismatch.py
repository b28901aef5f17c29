"""The ciphertext was not made with this key, or was damaged."""

from __future__ import annotations

from ekm_core import vendor
from ekm_core.gcp import causes, checks, sources
from ekm_core.model import Cause, KnownError, Link, NearMiss, Provider, Sample, Signature
from ekm_core.rulings import undecided

ERROR = KnownError(
    id="gcp-kms-ciphertext-mismatch",
    provider=Provider.GCP,
    title="The ciphertext was not encrypted with this Cloud KMS key",
    summary=(
        "Google Cloud KMS could not decrypt: the ciphertext belongs to another key, or it was changed on the way. "
        "Identity, access and the key's state are all right."
    ),
    link=Link.REQUEST,
    signatures=(
        Signature("sentence", r"verify that .{0,3}name.{0,3} refers to the correct crypto ?key"),
        Signature("cut-off", r"decryption failed:? verify that"),
        Signature(
            "gcloud",
            r"\(gcloud\.kms\.(?:asymmetric-)?decrypt\) INVALID_ARGUMENT: Decryption failed(?:\W|$)",
            0.9,
            unless=(r"decryption failed: the EKM\b",),
        ),
        # Amazon's keys have encryption contexts; programs for those say the same in words of their own.
        Signature(
            "invalid",
            r"decryption failed:? the ciphertext is invalid",
            unless=(r"invalidciphertextexception|encryption ?context",),
        ),
    ),
    causes=(
        Cause(
            id="another-key",
            title="Another key is registered now than when the data was encrypted",
            why="Data that was encrypted with the former key can only be decrypted with the former key.",
            check=undecided(
                "The text does not show which key encrypted the data. Compare the registered key with the earlier one."
            ),
            look=causes.look_at_key_name("Find out whether the key was made anew under the same or another name."),
            fix=causes.fix_key_registration(
                "Speak with your OpenAI contact before you change anything; the former key must stay enabled."
            ),
            who=causes.REGISTRAR,
        ),
        Cause(
            id="own-test",
            title="The refused call was your own, with a ciphertext of another key",
            why="Tools such as SOPS, Vault or Terraform keep ciphertexts of keys of their own.",
            check=checks.another_federation,
            look=causes.look_at_key("Find out which tool printed the message, and which key it was given."),
            fix=causes.fix_elsewhere("Give the tool the key with which its data was encrypted."),
            who=causes.YOURSELF,
        ),
    ),
    references=(vendor.REVOCATION_GUIDE, sources.KMS_DECRYPT),
    samples=(
        Sample("3 INVALID_ARGUMENT: Decryption failed: verify that 'name' refers to the correct CryptoKey."),
        Sample(
            "ERROR: (gcloud.kms.decrypt) INVALID_ARGUMENT: Decryption failed: verify that 'name' refers to the correct "
            "CryptoKey."
        ),
        Sample(
            "ERROR: (gcloud.kms.decrypt) INVALID_ARGUMENT: Decryption failed",
            "https://github.com/GoogleCloudPlatform/cloud-builders/issues/144",
        ),
    ),
    near_misses=(
        NearMiss(
            'logger.error(f"Decryption failed: The ciphertext is invalid or the encryption context does not match.")',
            why="a program's own words for another cloud's key",
        ),
        NearMiss(
            'Grpc.Core.RpcException: Status(StatusCode=InvalidArgument, Detail="Decryption failed.")', why="no reason"
        ),
        NearMiss(
            "INVALID_ARGUMENT: Decryption failed: The EKM reports that decryption failed.",
            "gcp-kms-external-key",
            "the external key manager refused",
        ),
    ),
    proves=(Link.IDENTITY, Link.TRUST, Link.PERMISSION, Link.KEY),
)
