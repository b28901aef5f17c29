"""The token service refuses the provider's name that was built from the registration."""

from __future__ import annotations

from ekm_core import vendor
from ekm_core.gcp import causes, checks, sources
from ekm_core.gcp.wordings import CODE
from ekm_core.model import Cause, KnownError, Link, NearMiss, Provider, Sample, Signature

_REGISTER_NUMBER = "Register the project's number, which is digits only, not its id."

ERROR = KnownError(
    id="gcp-sts-invalid-audience",
    provider=Provider.GCP,
    title="Google does not recognise the name of the workload identity provider",
    summary=(
        "OpenAI builds the provider's full name from the project number, pool id and provider id that you registered, "
        "and asks Google's token service for access with it. Google answers that this is not the name of a provider. "
        "So most likely one of the three fields has the wrong form."
    ),
    link=Link.TRUST,
    signatures=(
        Signature(
            "sentence",
            r"invalid value for .{0,3}audience.{0,6} ?this value should be the full resource name",
            unless=CODE,
        ),
        Signature("full-resource-name", r"value should be the full resource name of the identity provider"),
        Signature(
            "short",
            r"invalid value for .{0,3}audience\b",
            0.8,
            needs=(
                r"invalid_request|federated|\bsts\b|security token service|workload|identity provider"
                r"|full resource name|googleapis|google cloud|\bgcp\b|(?:\b|_)wif(?:\b|_)",
            ),
            unless=CODE,
        ),
        # The half sentence alone, as a title or a search query.
        Signature("title", r"^\W{0,12}(?:error:? )?invalid value for .{0,3}audience\W{0,8}$", 0.7),
        Signature(
            "title-told",
            r"^.{0,80}\b(?:errors?|fail\w{0,3} with|get|got|getting)\b.{0,12}invalid value for .{0,3}audience\W{0,8}$",
            0.7,
            unless=CODE,
        ),
    ),
    causes=(
        Cause(
            id="project-id-instead-of-number",
            title="The project's id was registered instead of its number",
            why="Every Google Cloud project has an id (my-project) and a number (digits). The provider's name takes "
            "the number.",
            check=checks.about_openai(checks.project_id_for_number),
            look=causes.look_at_names("Compare workload_identity_project_number with the column of project numbers."),
            fix=causes.fix_registration(_REGISTER_NUMBER, "project_number"),
            who=causes.REGISTRAR,
            proof=causes.proof("registration", "project_id_for_number"),
        ),
        Cause(
            id="project-number-not-a-number",
            title="The project number is empty or holds more than digits",
            why="A blank, a dash or a word beside the digits makes a name that no provider has.",
            check=checks.about_openai(checks.not_a_number),
            look=causes.look_at_names("Compare workload_identity_project_number with the column of project numbers."),
            fix=causes.fix_registration(_REGISTER_NUMBER, "project_number"),
            who=causes.REGISTRAR,
            proof=causes.proof("registration", "not_a_number"),
        ),
        Cause(
            id="full-name-in-one-field",
            title="A full resource name was pasted into a field that takes one short id",
            why="The console and gcloud show the provider's full name. OpenAI wants its parts and puts them together.",
            check=checks.about_openai(checks.full_name_in_a_field),
            look=causes.look_at_names("No registered field may hold a slash."),
            fix=causes.fix_registration(
                "Register the short ids: what stands between the slashes, without the slashes.",
                "project_number",
                "pool_id",
                "provider_id",
            ),
            who=causes.REGISTRAR,
            proof=causes.proof("registration", "full_name_in_a_field"),
        ),
        Cause(
            id="pool-or-provider-id-wrong",
            title="The pool id or the provider id is wrong",
            why="The ids are not the display names. They have 4 to 32 characters: small letters, digits and dashes.",
            check=checks.about_openai(checks.malformed_id),
            look=causes.look_at_names(
                "Compare both registered ids with the lists: the id is the last part of the name."
            ),
            fix=causes.fix_registration(
                "Register the ids as the lists show them, not the display names.", "pool_id", "provider_id"
            ),
            who=causes.REGISTRAR,
            proof=causes.proof("registration", "pool_or_provider_id"),
        ),
        Cause(
            id="pool-given-as-provider",
            title="The pool's id was registered as the provider's",
            why="A pool holds one or more providers. OpenAI needs the ids of both.",
            check=checks.about_openai(checks.pool_as_provider),
            look=causes.look_at_names("The provider id must stand in the list of the pool's providers."),
            fix=causes.fix_registration("Register the provider's own id.", "provider_id"),
            who=causes.REGISTRAR,
            proof=causes.proof("registration", "pool_as_provider"),
        ),
        Cause(
            id="https-prefix",
            title="The provider's name begins with https:",
            why="Google shows the name with https: as the default audience of tokens. The token service wants it "
            "without.",
            check=checks.about_openai(checks.https_prefix),
            look=causes.look_at_names("No registered field may begin with https: or with two slashes."),
            fix=causes.fix_registration(
                "Register the short ids, without https: and without slashes.", "pool_id", "provider_id"
            ),
            who=causes.REGISTRAR,
        ),
        Cause(
            id="location-not-global",
            title="The provider's name has another location than global",
            why="Workload identity pools are always in the location global; the location of the key does not "
            "matter here.",
            check=checks.about_openai(checks.location_not_global),
            look=causes.look_at_names("The full name of the pool contains locations/global."),
            fix=causes.fix_registration(
                "Register the short ids; the location is not part of them.", "pool_id", "provider_id"
            ),
            who=causes.REGISTRAR,
        ),
        causes.OWN_TEST,
    ),
    references=(vendor.FAQ, vendor.GCP_GUIDE, vendor.API_GUIDE, sources.STS, sources.POOLS_API, sources.PROJECTS),
    samples=(
        Sample(
            "Failed to acquire GCP STS token for audience //iam.googleapis.com/projects/xxxxxxxxx/locations/global/"
            "workloadIdentityPools/xxxxxxx/providers/xxxxxxxxxx: {'error': 'invalid_request', 'error_description': "
            '\'Invalid value for \\"audience\\". This value should be the full resource name of the Identity Provider. '
            "See https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token for the list of possible "
            "formats.",
            vendor.FAQ.url,
        ),
        Sample(
            'oauth2/google: status code 400: {"error":"invalid_request","error_description":"Invalid value for '
            '\\"audience\\". This value should be the full resource name of the Identity Provider."}'
        ),
        Sample(
            "ERROR: (gcloud.run.deploy) There was a problem refreshing your current auth tokens: ('Error code "
            'invalid_request: Invalid value for "audience". This value should be the full resource name'
        ),
        Sample(
            'a wrong value gives `auth failed … invalid value for "audience" … should be the full resource name`',
        ),
        Sample(
            "Setup fails with 'Invalid value for \"audience\"'",
            "https://github.com/google-github-actions/setup-gcloud/issues/546",
        ),
    ),
    near_misses=(
        NearMiss(
            'The target service indicated by the "audience" parameters is invalid. This might either be because the '
            "pool or provider is disabled or deleted or because it doesn't exist.",
            "gcp-sts-provider-not-found",
            "the name has the right form, but nothing has that name",
        ),
        NearMiss(
            'if (error.message.includes("Invalid value for \\"audience\\"")) { return res.status(401).json({}) }',
            why="source code that tests for the message",
        ),
    ),
    proves=(),
)
