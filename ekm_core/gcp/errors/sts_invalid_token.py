"""The token itself was refused: too old, unreadable, or its signature could not be verified."""

from __future__ import annotations

from ekm_core import vendor
from ekm_core.gcp import causes, checks, sources
from ekm_core.gcp import snippets as gcp
from ekm_core.gcp.wordings import FIREBASE, FIREBASE_SURE
from ekm_core.model import Cause, KnownError, Link, NearMiss, Provider, Sample, Signature
from ekm_core.rulings import undecided

_CONTEXT = (r"invalid_grant|\bsts\b|sts\.googleapis|federated|workload|invalid_request|googleapis",)

ERROR = KnownError(
    id="gcp-sts-invalid-token",
    provider=Provider.GCP,
    title="Google refuses the token itself: too old, unreadable or not verifiable",
    summary=(
        "Google's token service could not accept the token before it came to your audience or condition. Either the "
        "token is too old, or Google could not read it or verify its signature with the issuer's public keys."
    ),
    link=Link.IDENTITY,
    signatures=(
        Signature("stale", r"id token issued at [^ ]* ?is stale to sign-? ?in", unless=FIREBASE),
        Signature("stale-short", r"is stale to sign-? ?in", 0.8, unless=FIREBASE),
        Signature(
            "issuer-unreachable", r"error connecting to the given credential.{0,3}s? issuer", unless=FIREBASE_SURE
        ),
        Signature(
            "unreadable",
            r"unable to (?:parse|decode|verify|validate) the id token\b",
            needs=_CONTEXT,
            unless=FIREBASE_SURE,
        ),
        Signature("bad-keys", r"input jwks? (?:is not in a valid json|contains corrupted key)"),
        Signature(
            "expired",
            r"the (?:given |subject )?(?:id |subject )?token (?:is|has) expired",
            0.6,
            needs=(r"sts\.googleapis|federated token|workloadidentitypools|sts token", r"invalid_grant"),
            unless=FIREBASE,
        ),
    ),
    causes=(
        Cause(
            id="stale",
            title="The token was issued too long ago, or the clock that made it is wrong",
            why="Google refuses a token that has run out, and one that seems to come from the future.",
            check=checks.about_openai(
                checks.says(
                    r"is stale to sign-? ?in",
                    "Google says that the token is too old or not yet valid. If it was OpenAI's, that is not set by "
                    "you in Google Cloud; let OpenAI use the key again.",
                    "The text does not say that the token is too old.",
                )
            ),
            look=causes.look_at_provider("Nothing has to be changed here if issuer and audience are right."),
            fix=causes.fix_elsewhere(
                "Retry. If OpenAI's validation gives this again, send the whole message to your OpenAI contact. In a "
                "system of your own, fetch a new token and check the clock."
            ),
            who=causes.REGISTRAR,
        ),
        Cause(
            id="issuer-unreachable",
            title="Google cannot reach the issuer, or finds no fitting key there",
            why="The issuer's address in the provider is wrong, or the provider has uploaded keys that are "
            "not Google's.",
            check=checks.about_openai(
                checks.says(
                    r"error connecting to the given credential.{0,3}s? issuer",
                    "Google says that it cannot get the issuer's keys. For OpenAI the issuer is Google itself, so the "
                    "provider's issuer or its uploaded keys are wrong, or the token was not OpenAI's.",
                    "The text does not say that the issuer could not be reached.",
                )
            ),
            look=causes.look_at_provider(
                f"The issuer must be {vendor.GCP_ISSUER}. There must be no uploaded keys (jwksJson)."
            ),
            fix=causes.fix_provider(
                "Set the issuer of OpenAI's guide. If keys were uploaded, make the provider anew without them.",
                f"Enter {vendor.GCP_ISSUER} as Issuer (URL) and remove any JWK file.",
                gcp.update_provider,
                audience=True,
            ),
            who=causes.FEDERATION_ADMIN,
        ),
        Cause(
            id="keys-uploaded",
            title="The provider verifies with uploaded keys that are not the issuer's",
            why="A provider with a JWK file does not ask the issuer. Google changes its keys regularly, so a file "
            "goes stale.",
            check=undecided("The text does not show whether the provider has uploaded keys."),
            look=causes.look_at_provider("There must be no uploaded keys (jwksJson)."),
            fix=causes.fix_provider(
                "Make a provider without uploaded keys and register its id with OpenAI.",
                "Go back, choose Add provider, OpenID Connect, and leave JWK file empty.",
                gcp.create_provider,
            ),
            who=causes.FEDERATION_ADMIN,
            proof=causes.proof("provider", "keys_uploaded"),
        ),
        causes.OWN_TEST,
    ),
    references=(vendor.GCP_GUIDE, sources.FEDERATION_TROUBLE, sources.PROVIDERS_API),
    samples=(
        Sample(
            "ERROR: (gcloud.spanner.instance-configs.list) There was a problem refreshing your current auth tokens: "
            "('Error code invalid_grant: ID Token issued at 1713260741 is stale to sign-in.', "
            '\'{"error":"invalid_grant",'
            '"error_description":"ID Token issued at 1713260741 is stale to sign-in."}\')'
        ),
        Sample(
            '{ "error": "invalid_grant", "error_description":"Error connecting to the given credential\'s issuer." }',
            sources.FEDERATION_TROUBLE.url,
        ),
        Sample(
            'STS returned 400 Bad Request: {"error":"invalid_grant","error_description":"Unable to parse the '
            'ID Token."}'
        ),
        Sample("400 invalid_grant: Unable to verify the ID Token signature."),
    ),
    near_misses=(
        NearMiss(
            "The supplied auth credential is incorrect, malformed or has expired. [ ID Token issued at 1783354763 is "
            "stale to sign-in.",
            why="Firebase Authentication uses the same sentence",
        ),
        NearMiss(
            '{ "error" : "invalid_grant", "error_description" : "Invalid JWT: Token must be a short-lived token (60 '
            'minutes) and in a reasonable timeframe." }',
            why="a service account's own key, not federation",
        ),
    ),
)
