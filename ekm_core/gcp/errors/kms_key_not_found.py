"""The key, key ring or key version does not exist in the place where it was looked for."""

from __future__ import annotations

from ekm_core import vendor
from ekm_core.gcp import causes, checks, sources, wordings
from ekm_core.model import Cause, KnownError, Link, NearMiss, Provider, Sample, Signature
from ekm_core.rulings import undecided

_GONE = r"(?:(?:was|is|were|are|could|can) )?not (?:be )?found|notfound|does not exist|doesn't exist|cannot be found"
_THING = r"(?:crypto ?key ?versions?|crypto ?keys?|key ?rings?|import ?jobs?)"

ERROR = KnownError(
    id="gcp-kms-key-not-found",
    provider=Provider.GCP,
    title="The Cloud KMS key, key ring or location does not exist",
    summary=(
        "Google Cloud KMS looked for the key under the given project, location, key ring and name and found nothing. "
        "Every part counts: a key in europe-west1 is not found in global."
    ),
    link=Link.KEY,
    signatures=(
        Signature("full-name", rf"/keyrings/[^ ]+ ?(?:{_GONE})"),
        Signature(
            "bare",
            rf"\b{_THING}\b ?['\"]?(?:[a-z0-9_.${{}}<>/*-]+['\"]?)? ?(?:{_GONE})",
            0.9,
            needs=(r"cloud ?kms|\bkms\b|code ?[=:] ?notfound|\bnot_found\b|error:? 404|\b404\b|googleapi",),
            unless=(r"raise HTTPException\(",),
        ),
        Signature("wrong-location", r"request concerns location [^ ]+ but was sent to location"),
        Signature("wrong-location-code", r"kms_resource_not_found_in_location", 0.9),
        Signature(
            "storage", r"cloud kms (?:en|de)cryption key (?:was )?not found", 0.9, unless=wordings.STORAGE_REASONS
        ),
        Signature("no-such-location", r"cloud kms is not available in", 0.9),
    ),
    causes=(
        Cause(
            id="wrong-name",
            title="Key, key ring or project is misspelt in the registration",
            why="The registration takes the project's id, the key ring's name and the key's name, each alone.",
            check=checks.another_key_named,
            look=causes.look_at_key_name("Compare all four parts with what is registered with OpenAI."),
            fix=causes.fix_key_registration("Register the key by its exact name."),
            who=causes.REGISTRAR,
            proof=causes.proof("key", "wrong_name"),
        ),
        Cause(
            id="wrong-location",
            title="The location is not the one of the key ring",
            why="A key ring stays in the location where it was made. Names of storage locations, such as EU, are not "
            "always locations of Cloud KMS.",
            check=checks.says(
                r"request concerns location .{0,60}but was sent to location|kms_resource_not_found_in_location",
                "Google says that the location does not fit the key.",
                "The text does not say whether the location or a name is wrong. Compare the location with the "
                "key ring's.",
            ),
            look=causes.look_at_key_name("Read the location in the list of key rings."),
            fix=causes.fix_key_registration("Register the location of the key ring."),
            who=causes.REGISTRAR,
            proof=causes.proof("key", "wrong_location"),
        ),
        Cause(
            id="not-created",
            title="The key was never made in this project",
            why="The key may be in another project, or a script made the key ring and stopped before the key.",
            check=undecided("The text does not show which keys there are. List them."),
            look=causes.look_at_key_name("An empty list means that the key was not made."),
            fix=causes.fix_key_registration("Make the key, then register it."),
            who=causes.KMS_ADMIN,
        ),
        causes.OWN_CALL,
    ),
    references=(vendor.GCP_GUIDE, sources.KMS_LOCATIONS, sources.KMS_KEY_RINGS),
    samples=(
        Sample(
            "ERROR: (gcloud.kms.keys.describe) NOT_FOUND: CryptoKey "
            "projects/p/locations/us/keyRings/r/cryptoKeys/k not found."
        ),
        Sample(
            "google.api_core.exceptions.NotFound: 404 The request concerns location 'us-east1' but was sent to "
            "location 'global'."
        ),
        Sample(
            "googleapi: Error 400: Resource's Cloud KMS decryption key not found., cloudKmsDecryptionKeyNotFound",
            "https://docs.cloud.google.com/storage/docs/json_api/v1/status-codes",
        ),
        Sample("rpc error: code = NotFound desc = KeyRing projects/p/locations/global/keyRings/openai not found."),
    ),
    near_misses=(
        NearMiss(
            'google-native:cloudkms/v1:KeyRing (ring): error: property "keyRingsId"/"keyRingId" not found',
            why="a property of a program's description of a key ring",
        ),
        NearMiss(
            'if key is None:\n    raise HTTPException(status_code=404, detail="CryptoKey not found")',
            why="a web service of someone's own, which keeps keys in a database",
        ),
        NearMiss("KeyringError::NotFound", why="the operating system's own store of secrets"),
        NearMiss(
            "Permission 'cloudkms.cryptoKeys.get' denied on resource "
            "'projects/p/locations/l/keyRings/r/cryptoKeys/k' (or it may not exist).",
            "gcp-kms-permission-denied",
            "a caller without access is not told whether the key exists",
        ),
    ),
    proves=(Link.IDENTITY, Link.TRUST),
)
