"""OpenAI's token was genuine, and the provider's own condition refused it."""

from __future__ import annotations

from ekm_core import vendor
from ekm_core.gcp import causes, sources
from ekm_core.gcp import snippets as gcp
from ekm_core.model import Cause, KnownError, Link, NearMiss, Provider, Sample, Signature
from ekm_core.rulings import undecided

_STEP = "Under Attribute conditions, enter the condition below exactly."

ERROR = KnownError(
    id="gcp-sts-attribute-condition",
    provider=Provider.GCP,
    title="The provider's attribute condition refuses OpenAI's token",
    summary=(
        "Google accepted the token's issuer, signature and audience. Then the attribute condition of your provider was "
        "evaluated, and it said no. For OpenAI the condition must compare the subject with OpenAI's own."
    ),
    link=Link.TRUST,
    signatures=(
        Signature(
            "sentence",
            r"(?:credential|token) (?:is|was|has been|got) rejected by (?:the |an |your )?attribute condition",
        ),
        Signature(
            "short",
            r"rejected by (?:the |an |your )?(?:provider's )?attribute[- ]condition",
            0.9,
            unless=(r"\b(?:are|be|get|gets) rejected by",),
        ),
        Signature("cut-off", r"the given credential is reject", 0.8),
    ),
    causes=(
        Cause(
            id="wrong-subject",
            title="The condition names another subject than OpenAI's",
            why=f"OpenAI's tokens have the subject {vendor.GCP_SUBJECT}. A typing error in it, or another subject, "
            "shuts OpenAI out.",
            check=undecided(
                "The text does not show the provider's condition. Compare it with the one below, character by "
                "character."
            ),
            look=causes.look_at_provider("Read attributeCondition and compare the number in it."),
            fix=causes.fix_provider("Set the condition of OpenAI's guide.", _STEP, gcp.update_condition),
            who=causes.FEDERATION_ADMIN,
            proof=causes.proof("attributes", "wrong_subject"),
        ),
        Cause(
            id="condition-of-another-system",
            title="The condition was written for another system, such as a build pipeline",
            why="A condition on a repository or a group does not hold for OpenAI's token, which has no such claims.",
            check=undecided(
                "The text does not show the provider's condition. If it speaks of anything but assertion.sub, make a "
                "provider for OpenAI alone."
            ),
            look=causes.look_at_provider("The condition may use assertion.sub only."),
            fix=causes.fix_provider(
                "Make a provider for OpenAI alone and register its id. Leave the other system's provider as it is.",
                "Go back, choose Add provider, OpenID Connect, and enter the settings of OpenAI's guide.",
                gcp.create_provider,
            ),
            who=causes.FEDERATION_ADMIN,
            proof=causes.proof("attributes", "condition_of_another_system"),
        ),
        causes.OWN_TEST,
    ),
    references=(vendor.GCP_GUIDE, sources.FEDERATION, sources.PROVIDERS_API),
    samples=(
        Sample(
            "Failed to acquire GCP STS token for audience //iam.googleapis.com/projects/123456789012/locations/global/"
            "workloadIdentityPools/openai-pool/providers/openai-provider: {'error': 'unauthorized_client', "
            "'error_description': 'The given credential is rejected by the attribute condition.'}"
        ),
        Sample(
            "google.auth.exceptions.OAuthError: ('Error code unauthorized_client: The given credential is rejected by "
            'the attribute condition.\', \'{"error":"unauthorized_client","error_description":"The given credential is '
            "rejected by the attribute condition.\"}')"
        ),
    ),
    near_misses=(
        NearMiss(
            "ERROR: (gcloud.iam.workload-identity-pools.providers.create-oidc) INVALID_ARGUMENT: The attribute "
            "condition must reference one of the provider's claims.",
            why="a provider that could not be created; no token was refused",
        ),
        NearMiss(
            '{"error_id":"unauthorized_client","error_description":"The OAuth client was not found."}',
            why="the same error code from another service",
        ),
    ),
    proves=(Link.IDENTITY,),
)
