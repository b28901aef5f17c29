"""The provider does not accept the audience of OpenAI's token."""

from __future__ import annotations

from collections.abc import Callable

from ekm_core import vendor
from ekm_core.gcp import causes, checks, sources
from ekm_core.gcp import snippets as gcp
from ekm_core.gcp.wordings import FEDERATION, FIREBASE, FIREBASE_SURE
from ekm_core.model import Cause, Fix, KnownError, Link, NearMiss, Provider, Sample, Signature, Values
from ekm_core.openai import snippets as openai
from ekm_core.snippets import told

_SENTENCE = r"audience in (?:the )?id token ?(?:\[[^\]]*\])?,? ?(?:does not|doesn't|did not|didn't|do not) match"
_BRACKET = r"the audience in (?:the )?id token ?\["


def _step(values: Values) -> str:
    otherwise = "the audience that is registered with OpenAI, best your organization id"
    return f"Under Allowed audiences, enter {told('', gcp.audience(values), otherwise)}."


def _fix_organization(values: Values) -> Fix:
    # Which of the two organizations is right, only the user knows: their own id goes before the one of the token.
    chosen = Values({name: value for name, value in values.known.items() if name != "audience"})
    return Fix(
        f"Use the id of the organization that EKM is for on both sides. {causes.REPLACED}",
        console=(
            causes.provider_console(values),
            "Under Allowed audiences, enter the id of the organization that EKM is for.",
            "If the registration names the other organization, register the key anew with this id as its audience.",
            "Keep the audiences of other systems that use this provider.",
        ),
        cli=(gcp.update_audiences(chosen), *gcp.register(chosen)),
        terraform=(gcp.pool_terraform(chosen),),
        verify=(gcp.describe_provider(values), *openai.validate(values)),
    )


def _allow(summary: str) -> Callable[[Values], Fix]:
    """A fix that allows the registered audience, unless the user named another organization than it does."""

    def fix(values: Values) -> Fix:
        named, sent = values.get("organization_id"), values.get("audience")
        both = {checks.kind(named), checks.kind(sent)} == {checks.Kind.ORGANIZATION}
        if both and named != sent:
            return _fix_organization(values)
        return causes.fix_provider(summary, _step(values), gcp.update_audiences, audience=True)(values)

    return fix


ERROR = KnownError(
    id="gcp-sts-audience-mismatch",
    provider=Provider.GCP,
    title="The provider does not accept the audience of OpenAI's token",
    summary=(
        "OpenAI sends the audience that you registered. The workload identity provider in your project expects another "
        "one. The registered audience must be among the provider's allowed audiences, letter by letter."
    ),
    link=Link.TRUST,
    signatures=(
        Signature("sentence", _SENTENCE, unless=FIREBASE),
        Signature("sentence-of-a-federation", _SENTENCE, needs=FEDERATION, unless=FIREBASE_SURE),
        Signature("cut-off", _BRACKET, 0.8, unless=FIREBASE),
    ),
    causes=(
        Cause(
            id="audience-not-allowed",
            title="The registered audience is not among the provider's allowed audiences",
            why="The provider accepts only tokens for the audiences in its list.",
            check=checks.audience_not_allowed,
            look=causes.look_at_provider(
                "Compare Allowed audiences with the audience that is registered with OpenAI, letter by letter."
            ),
            fix=_allow("Allow the audience that OpenAI sends. OpenAI recommends your organization id."),
            who=causes.FEDERATION_ADMIN,
            proof=causes.proof("audience", "audience_not_allowed"),
        ),
        Cause(
            id="default-audience",
            title="The provider has no allowed audiences and expects its own resource name",
            why="Without a list, Google accepts only the provider's full name as the audience. OpenAI sends an id of "
            "yours at OpenAI.",
            check=checks.about_openai(checks.default_audience),
            look=causes.look_at_provider("Allowed audiences must be chosen, not Default audience."),
            fix=_allow("Choose Allowed audiences and enter the audience that OpenAI sends."),
            who=causes.FEDERATION_ADMIN,
            proof=causes.proof("audience", "default_audience"),
        ),
        Cause(
            id="organization-against-project",
            title="One side has the organization id and the other a project id",
            why="Both kinds of id are accepted, but both sides must have the same one.",
            check=checks.about_openai(checks.organization_against_project),
            look=causes.look_at_provider("An organization id begins with org-, a project id with proj_."),
            fix=_allow("Use one id on both sides. OpenAI recommends the organization id."),
            who=causes.FEDERATION_ADMIN,
            proof=causes.proof("audience", "organization_against_project"),
        ),
        Cause(
            id="another-organization",
            title="The two sides name two different organizations",
            why="Many people belong to a personal organization too. Its id is not the one that EKM is for.",
            check=checks.about_openai(checks.another_organization),
            look=causes.look_at_provider(
                "In OpenAI's settings, open General and compare the id of the organization that EKM is for."
            ),
            fix=_fix_organization,
            who=causes.FEDERATION_ADMIN,
            proof=causes.proof("audience", "another_organization"),
        ),
        causes.OWN_TEST,
    ),
    references=(vendor.FAQ, vendor.GCP_GUIDE, vendor.API_GUIDE, sources.PROVIDERS_API, sources.FEDERATION),
    samples=(
        Sample(
            "Failed to acquire GCP STS token for audience //iam.googleapis.com/projects/xxxxxx/locations/global/"
            "workloadIdentityPools/xxxxxxx/providers/xxxxxxxx: {'error': 'invalid_grant', 'error_description': 'The "
            "audience in ID Token [xxxxx] does not match the expected audience xxxxxxx.'}",
            vendor.FAQ.url,
        ),
        Sample(
            "{'error': 'invalid_grant', 'error_description': 'The audience in ID Token [org-AbC123] does not match the "
            "expected audience https://iam.googleapis.com/projects/123456789012/locations/global/"
            "workloadIdentityPools/openai-pool/providers/openai-provider.'}"
        ),
        Sample("invalid_grant: The audience in ID Token [other] does not match the expected audience."),
    ),
    near_misses=(
        NearMiss(
            "Firebase sign in failed: The audience in ID Token [host.exp.Exponent] does not match the expected "
            "audience com.company.app",
            why="Firebase Authentication uses the same sentence",
        ),
        NearMiss(
            "INVALID_IDP_RESPONSE : The audience in ID Token [other-client] does not match the expected audience c.",
            why="Identity Platform uses the same sentence",
        ),
    ),
)
