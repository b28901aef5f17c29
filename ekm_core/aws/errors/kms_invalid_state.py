"""The key is in a state that does not allow the call: pending deletion or import, unavailable, being made or "
"changed."""

from __future__ import annotations

from ekm_core import vendor
from ekm_core.aws import causes, checks, proofs, sources
from ekm_core.aws import snippets as aws
from ekm_core.aws.wordings import NOT_THROWN, thrown
from ekm_core.model import Cause, Fix, KnownError, Link, Look, NearMiss, Provider, Sample, Signature, Values
from ekm_core.openai import snippets as openai

_DELETION = r"\S{1,300} is pending deletion"
_IMPORT = r"\S{1,300} is pending import"
_REPLICA = r"\S{1,300} is pending replica deletion"
_UNAVAILABLE = r"\S{1,300} is unavailable"
_MOVING = r"\S{1,300} is (?:being )?(?:creating|created|updating|updated)"
_STATES = (_DELETION, _IMPORT, _REPLICA, _UNAVAILABLE, _MOVING)
# KMS gives the same exception for faults of custom key stores, whose sentences name the store.
_NOT_THIS = (r"external key|key store|CloudHSM cluster|AWS KMS rejected the request", *NOT_THROWN)


def _others(state: str) -> str:
    return "|".join(other for other in _STATES if other != state)


def _fix_deletion(values: Values) -> Fix:
    return Fix(
        "Cancel the deletion before its date, then enable the key: it comes back disabled. After the date the key and "
        "all that it encrypted are lost.",
        console=(causes.key_console(values), "Choose Key actions, then Cancel key deletion.", "Then choose Enable."),
        cli=(
            aws.key_command("1. Cancel the deletion", "cancel-key-deletion", values),
            aws.key_command("2. Enable the key, which is disabled after that", "enable-key", values),
        ),
        verify=(aws.show_key(values), *openai.validate(values)),
    )


def _fix_import(values: Values) -> Fix:
    return Fix(
        "Import the key material, the very same as before where the key was in use. It was never imported, has "
        "expired, "
        "or was deleted.",
        console=(
            causes.key_console(values),
            "On the tab Key material, choose Import key material and follow the steps.",
        ),
        cli=(
            aws.key_command(
                "Get the public key and the token for the import",
                "get-parameters-for-import",
                values,
                wrapping_algorithm="RSAES_OAEP_SHA_256",
                wrapping_key_spec="RSA_4096",
            ),
        ),
        verify=(aws.show_key(values), *openai.validate(values)),
    )


def _fix_replica(values: Values) -> Fix:
    return Fix(
        "The primary key of a multi-Region key is deleted only after its last replica. Cancel the deletion if the key "
        "is "
        "still in use, then enable it.",
        console=(causes.key_console(values), "Choose Key actions, then Cancel key deletion.", "Then choose Enable."),
        cli=(
            aws.key_command("1. Cancel the deletion", "cancel-key-deletion", values),
            aws.key_command("2. Enable the key, which is disabled after that", "enable-key", values),
        ),
        verify=(aws.show_key(values), *openai.validate(values)),
    )


def _look_store(values: Values) -> Look:
    return Look(
        (causes.key_console(values), "Read its Status and its Custom key store, and open that key store."),
        (aws.show_key(values), aws.show_key_store(values)),
    )


def _fix_store(values: Values) -> Fix:
    return Fix(
        "Connect the key's custom key store again. The key then takes up its former state by itself.",
        console=("Open the KMS console, choose Custom key stores, select the store, and choose Connect.",),
        cli=(
            aws.command(
                "Connect the custom key store",
                "kms",
                "connect-custom-key-store",
                custom_key_store_id="<CUSTOM_KEY_STORE_ID>",
                region=aws.region(values),
            ),
        ),
        verify=(aws.show_key_store(values), *openai.validate(values)),
    )


def _fix_wait(values: Values) -> Fix:
    return Fix(
        "Wait until the key's status is Enabled, which takes seconds or minutes, and try again.",
        console=("Reload the key's page in the KMS console until its Status is Enabled.",),
        verify=(aws.show_key(values), *openai.validate(values)),
    )


ERROR = KnownError(
    id="aws-kms-invalid-state",
    provider=Provider.AWS,
    title="The KMS key is in a state that does not allow this call",
    summary=(
        "The key exists, and its state stands in the way: it waits for deletion or for its key material, its key store "
        "is not connected, or it is just being made."
    ),
    link=Link.KEY,
    proves=(Link.IDENTITY, Link.TRUST),
    signatures=(
        Signature(
            "sentence",
            r"(?:\bkms:|\bkey/)\S{1,250} is (?:currently )?(?:pending (?:deletion|import|replica "
            r"deletion)|unavailable|creating"
            r"|updating|being (?:created|updated)|not pending (?:deletion|import)|not in a valid state)",
        ),
        Signature("lambda", r"because the state of the KMS key used is not valid"),
        Signature("ebs", r"KMS key provided is in an incorrect state"),
        Signature("ebs-code", r"\bInvalidKMSKey\.InvalidState\b", 0.8),
        Signature("exception", thrown(r"KMSInvalidState(?:Exception|Fault)?"), 0.8, unless=_NOT_THIS),
    ),
    causes=(
        Cause(
            "pending-deletion",
            "The key is scheduled for deletion",
            "During the waiting period of 7 to 30 days the key cannot be used, and the deletion can still be "
            "cancelled.",
            checks.wording(
                _DELETION, "KMS says that the key is pending deletion.", "Look at the key's status.", _others(_DELETION)
            ),
            causes.look_at_key,
            _fix_deletion,
            causes.KEY_ADMIN,
            proof=proofs.later("keys", "pending_deletion"),
        ),
        Cause(
            "pending-import",
            "The key has no key material yet, or no longer",
            "A key whose material you import yourself is empty until the import, and again after the material expires.",
            checks.wording(
                _IMPORT, "KMS says that the key is pending import.", "Look at the key's status.", _others(_IMPORT)
            ),
            causes.look_at_key,
            _fix_import,
            causes.KEY_ADMIN,
            proof=proofs.later("keys", "pending_import"),
        ),
        Cause(
            "unavailable",
            "The key's custom key store is not connected",
            "A key in a custom key store is unavailable while the store is disconnected from its backing keys.",
            checks.wording(
                _UNAVAILABLE,
                "KMS says that the key is unavailable.",
                "Look at the key's status.",
                _others(_UNAVAILABLE),
            ),
            _look_store,
            _fix_store,
            causes.KEY_ADMIN,
            proof=proofs.later("keys", "unavailable"),
        ),
        Cause(
            "pending-replica-deletion",
            "The multi-Region primary key waits for the deletion of its replicas",
            "It was scheduled for deletion, and its replicas still exist.",
            checks.wording(
                _REPLICA,
                "KMS says that the key is pending replica deletion.",
                "Look at the key's status.",
                _others(_REPLICA),
            ),
            causes.look_at_key,
            _fix_replica,
            causes.KEY_ADMIN,
            proof=proofs.later("keys", "pending_replica_deletion"),
        ),
        Cause(
            "in-transition",
            "The key is just being made or changed",
            "A new multi-Region replica, and a primary that is being moved, cannot be used for a short while.",
            checks.wording(
                _MOVING,
                "KMS says that the key is being made or changed.",
                "Look at the key's status.",
                _others(_MOVING),
            ),
            causes.look_at_key,
            _fix_wait,
            "Nobody: wait",
            proof=proofs.later("keys", "in_transition"),
        ),
    ),
    references=(sources.KEY_STATES, sources.KEY_DELETION, sources.KEY_IMPORT, vendor.REVOCATION_GUIDE),
    samples=(
        Sample("调用 Decrypt 操作时发生错误 (KMSInvalidStateException)：请求被拒绝，因为密钥状态为 PendingDeletion"),
        Sample(
            "An error occurred (KMSInvalidStateException) when calling the Decrypt operation: "
            "arn:aws:kms:ap-southeast-2:222222222222:key/cd5e659e-33f2-4e8a-9203-19a0066a2d5b is pending deletion."
        ),
        Sample(
            "An error occurred (KMSInvalidStateException) when calling the Encrypt operation: "
            "arn:aws:kms:us-east-1:222222222222:key/1d0e24a5-1bfe-4099-9c81-41c3155c506b is pending import."
        ),
        Sample("Client.InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state"),
    ),
    near_misses=(
        NearMiss(
            "'KMSInvalidStateException': The key is in an invalid state, possibly already pending deletion.",
            why="A list of errors in prose.",
        ),
        NearMiss(
            "- `NotFoundException` — the key does not exist\n- `DisabledException` — the key is disabled\n"
            "- `KMSInvalidStateException` — the key is in a wrong state",
            why="A list of exceptions with what each means.",
        ),
        NearMiss(
            'Instead they enter a "pending deletion" state. There is a mandatory waiting period.', why="Documentation."
        ),
        NearMiss(
            "KMSInvalidStateException: AWS KMS rejected the request because the external key store proxy did not "
            "respond in "
            "time. Retry the request.",
            is_really="aws-kms-custom-key-store",
        ),
    ),
)
