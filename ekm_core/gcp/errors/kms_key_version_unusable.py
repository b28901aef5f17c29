"""The key's version is disabled, destroyed, or not ready."""

from __future__ import annotations

from collections.abc import Callable

from ekm_core import vendor
from ekm_core.gcp import causes, checks, sources, wordings
from ekm_core.gcp import snippets as gcp
from ekm_core.model import Cause, Fix, KnownError, Link, NearMiss, Provider, Sample, Signature, Snippet, Values
from ekm_core.openai import snippets as openai

_STATE = (
    r"(?:disabled|destroyed|destroy_scheduled|pending_generation|pending_import|import_failed|generation_failed"
    r"|pending_external_destruction|external_destruction_failed)"
)


def _fix(
    summary: str, step: str, commands: Callable[[Values], tuple[Snippet, ...]], *, anew: bool = False
) -> Callable[[Values], Fix]:
    def fix(values: Values) -> Fix:
        return Fix(
            summary,
            console=(causes.key_console(values), step),
            cli=commands(values),
            terraform=(gcp.key_terraform(values),) if anew else (),
            verify=(gcp.list_versions(values), *openai.validate(values)),
        )

    return fix


ERROR = KnownError(
    id="gcp-kms-key-version-unusable",
    provider=Provider.GCP,
    title="The version of the Cloud KMS key is disabled, destroyed or not ready",
    summary=(
        "The key exists and the caller may use it, but the version of it that is needed is not enabled. Data that was "
        "encrypted with that version cannot be read until it is enabled again."
    ),
    link=Link.KEY,
    signatures=(
        # What follows is a state, or cut off; a program that makes the sentence has a place-holder there.
        Signature(
            "sentence",
            r"not enabled,? (?:and )?(?:the |its )?current state(?:(?: is)? ?: ?[^%{ ]| is [^%{: ]|(?: is)?\W{0,3}$)",
        ),
        Signature(
            "state",
            rf"current state(?: is)?: ?['\"]?{_STATE}\b",
            0.9,
            needs=(r"crypto ?key|cloud ?kms|\bkms\b|keyrings|failed_?precondition",),
        ),
        Signature(
            "field",
            rf"value ['\"]?{_STATE}['\"]? in field ['\"]?(?:crypto_key|cryptokey)[\w.]{{0,30}}\.state\b",
            0.9,
        ),
        Signature(
            "violation",
            rf"\bkey_(?:{_STATE}|not_enabled)\b",
            0.8,
            needs=(r"precondition|crypto ?key|cloud ?kms",),
        ),
        Signature(
            "version-state",
            r"cryptokeys/[^ ]+ (?:is|was|has been) (?:currently )?(?:disabled|destroyed|not enabled"
            r"|scheduled for destruction)",
            0.9,
        ),
        # Cloud Storage's sentence and its reason, which a list of reasons has without quotes.
        Signature(
            "storage",
            r"kms key (?:version )?is disabled, destroyed,? or (?:is )?scheduled (?:to be|for) (?:destr|delet)",
            0.9,
            unless=wordings.STORAGE_REASONS,
        ),
        Signature("storage-reason", r"(?:['\"]|, )cloudkmsdisabledkey\b", 0.8, unless=wordings.STORAGE_REASONS),
        Signature(
            "in-words",
            r"\bkey used to (?:en|de)crypt (?:this |the |your )?\w{1,20} (?:has been|is|was) (?:disabled|destroyed)\b",
            0.8,
            needs=(r"cloud ?kms|gcloud|googleapi",),
        ),
    ),
    causes=(
        Cause(
            id="disabled",
            title="Someone disabled the key version",
            why="A disabled version keeps its key material. Enabling it makes the data readable again.",
            check=checks.version_state("disabled"),
            look=causes.look_at_key("Read the state of each version and which one is primary."),
            fix=_fix(
                "Find out why it was disabled. If OpenAI should have access, enable it.",
                "Select the version and choose Enable.",
                lambda values: (gcp.enable_version(values),),
            ),
            who=causes.KMS_ADMIN,
            wait=vendor.GCP_KEY_STATE_WAIT,
            proof=causes.proof("key", "version_disabled"),
        ),
        Cause(
            id="destroy-scheduled",
            title="The key version will be destroyed soon",
            why="Until the planned time, the destruction can be cancelled. After it, the data is lost for good.",
            check=checks.version_state("scheduled"),
            look=causes.look_at_key("Read destroyTime of the version: there is no way back after it."),
            fix=_fix(
                "Cancel the destruction now, then enable the version. A restored version is disabled at first.",
                "Select the version, choose Restore, then Enable.",
                lambda values: (gcp.restore_version(values), gcp.enable_version(values)),
            ),
            who=causes.KMS_ADMIN,
            wait=vendor.GCP_KEY_STATE_WAIT,
            proof=causes.proof("key", "version_destroy_scheduled"),
        ),
        Cause(
            id="destroyed",
            title="The key version was destroyed",
            why="Its key material is gone. What was encrypted with it alone cannot be read again by anyone.",
            check=checks.version_state("destroyed"),
            look=causes.look_at_key("If another version is primary and enabled, new data can use that one."),
            fix=_fix(
                "There is no way back for this version. Speak with your OpenAI contact before you change anything; for "
                "new data, make a new key and register it.",
                "Create a new key for encrypting and decrypting.",
                lambda values: (*gcp.create_key(values), *gcp.register(values)),
                anew=True,
            ),
            who=causes.KMS_ADMIN,
            proof=causes.proof("key", "version_destroyed"),
        ),
        Cause(
            id="not-ready",
            title="The key version is still being made or imported",
            why="Making key material takes from seconds to minutes. An import waits for your key material.",
            check=checks.version_state("pending"),
            look=causes.look_at_key("Read the state of the version again after a few minutes."),
            fix=causes.fix_elsewhere("Wait until the version is enabled. For an import, finish it."),
            who=causes.KMS_ADMIN,
            proof=causes.proof("key", "version_not_ready"),
        ),
        Cause(
            id="import-failed",
            title="Making or importing the key version failed",
            why="A version without key material can never be used.",
            check=checks.version_state("failed"),
            look=causes.look_at_key("Read importFailureReason or generationFailureReason of the version."),
            fix=_fix(
                "Make a new version, or import once more, and make it primary.",
                "Choose Rotate to make a new version.",
                lambda values: (gcp.rotate_key(values),),
            ),
            who=causes.KMS_ADMIN,
            proof=causes.proof("key", "version_failed"),
        ),
        causes.OWN_CALL,
    ),
    references=(sources.KMS_STATES, sources.KMS_DESTROY, vendor.GCP_KEY_STATE_WAIT.reference, vendor.REVOCATION_GUIDE),
    samples=(
        Sample(
            "failed to fetch public key: rpc error: code = FailedPrecondition desc = [redacted] is not enabled, "
            "current state is: PENDING_GENERATION.",
            "https://github.com/google/exposure-notifications-server/issues/1328",
        ),
        Sample(
            "googleapi: Error 400: projects/p/locations/global/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1 is not "
            "enabled, current state is: DISABLED., failedPrecondition"
        ),
        Sample(
            "cryptoKeyVersions/1 is not enabled, current state is: DESTROY_SCHEDULED. [violations { type: "
            '"KEY_DESTROY_SCHEDULED" }]'
        ),
        Sample(
            "k/cryptoKeyVersions/3 has value DESTROY_SCHEDULED in field crypto_key_version.state., failedPrecondition",
            "https://github.com/hashicorp/terraform-provider-google/issues/7044",
        ),
        Sample(
            "ERROR: (gcloud.storage.cat) HTTPError 400: Cloud KMS error when decrypting the object: The key used to "
            "encrypt this object has been disabled or destroyed."
        ),
        Sample(
            "ERROR: (gcloud.storage.cat) HTTPError 400: Cloud KMS key is disabled, destroyed, or scheduled to be "
            "destroyed. type: KEY_DISABLED"
        ),
        Sample("403 PERMISSION_DENIED: Cloud KMS key is disabled, destroyed, or scheduled for destruction"),
    ),
    near_misses=(
        NearMiss("disk-1 has value DELETING in field disk.state., failedPrecondition", why="another service"),
        NearMiss(
            "After destroying a key version, data encrypted with it cannot be decrypted any more.",
            why="prose about rotation",
        ),
        NearMiss(
            'cerrors.FailedPrecondition, "%s is not enabled, current state is: %s", name, v.State)', why="a program"
        ),
        NearMiss(
            "cloudKmsBadKey\nBad Cloud KMS key.\ncloudKmsDisabledKey\nCloud KMS key is disabled, destroyed, or "
            "scheduled to be destroyed.",
            why="the list of a service's errors",
        ),
        NearMiss("AliCloud KMS Key is disabled", why="another cloud's key"),
        NearMiss("The key used to encrypt this volume has been disabled.", why="any cloud's volume"),
        NearMiss("Instance is not running, current state is: STOPPED", why="another kind of resource"),
    ),
    proves=(Link.IDENTITY, Link.TRUST, Link.PERMISSION),
)
