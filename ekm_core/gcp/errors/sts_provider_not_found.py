"""The pool or the provider does not exist, or is disabled or deleted."""

from __future__ import annotations

from ekm_core import vendor
from ekm_core.gcp import causes, checks, sources
from ekm_core.gcp import snippets as gcp
from ekm_core.model import Cause, Fix, KnownError, Link, Look, NearMiss, Provider, Sample, Signature, Values
from ekm_core.openai import snippets as openai
from ekm_core.rulings import undecided

_WHICH = (
    "The sentence is the same for a pool or provider that is disabled, deleted or was never there. The list "
    "shows which."
)


def _look(values: Values) -> Look:
    return Look(
        (
            causes.provider_console(values),
            "Choose Show deleted pools and providers, and read the state of both.",
        ),
        (gcp.project_number(), gcp.list_pools(values), gcp.list_providers(values)),
    )


def _enable(values: Values) -> Fix:
    return Fix(
        "Enable the pool and the provider.",
        console=(causes.provider_console(values), "Switch Status to enabled, on the pool and on the provider."),
        cli=gcp.enable_pool(values),
        verify=(gcp.describe_provider(values), *openai.validate(values)),
    )


def _undelete(values: Values) -> Fix:
    return Fix(
        "Bring the pool or provider back. Google keeps deleted ones for about 30 days; after that, make them anew.",
        console=(
            causes.provider_console(values),
            "Choose Show deleted pools and providers, then Restore.",
        ),
        cli=(*gcp.undelete_pool(values), gcp.create_pool(values), gcp.create_provider(values)),
        terraform=(gcp.pool_terraform(values),),
        verify=(gcp.describe_provider(values), *openai.validate(values)),
    )


ERROR = KnownError(
    id="gcp-sts-provider-not-found",
    provider=Provider.GCP,
    title="The workload identity pool or provider is missing, disabled or deleted",
    summary=(
        "The name that OpenAI built from your registration has the right form, but Google finds no usable provider "
        "under it. The text does not say whether the number or an id is wrong, or the pool or provider is switched off."
    ),
    link=Link.TRUST,
    signatures=(
        Signature("sentence", r"target service indicated by the .{0,8}audience.{0,4} param"),
        Signature("disabled-or-deleted", r"pool or (?:the )?provider is (?:either )?(?:disabled|deleted)(?: or|,)"),
        Signature(
            "code",
            r"\binvalid_target\b",
            0.8,
            needs=(
                r"federated|googleapis|google cloud|\bgcp\b|workload|\bwif\b|identity ?pool|sts token|oauth2/google",
            ),
        ),
    ),
    causes=(
        Cause(
            id="wrong-number-or-id",
            title="The project number, pool id or provider id names something that does not exist",
            why="A number of another project, or a display name in place of an id, points to nothing.",
            check=undecided(f"{_WHICH} Compare all three registered values with it."),
            look=causes.look_at_names("Compare all three values with what is registered with OpenAI."),
            fix=causes.fix_registration(
                "Register number, pool and provider as the lists show them.", "project_number", "pool_id", "provider_id"
            ),
            who=causes.REGISTRAR,
            proof=causes.proof("provider", "wrong_number_or_id"),
        ),
        Cause(
            id="project-id-instead-of-number",
            title="The project's id was registered instead of its number",
            why="The provider's name takes the project's number, which is digits only.",
            check=checks.about_openai(checks.project_id_for_number),
            look=causes.look_at_names("Compare workload_identity_project_number with the column of project numbers."),
            fix=causes.fix_registration(
                "Register the project's number, which is digits only, not its id.", "project_number"
            ),
            who=causes.REGISTRAR,
            proof=causes.proof("registration", "project_id_for_number"),
        ),
        Cause(
            id="disabled",
            title="The pool or the provider is disabled",
            why="A disabled pool or provider gives no more tokens.",
            check=undecided(f"{_WHICH} Look for disabled: true."),
            look=_look,
            fix=_enable,
            who=causes.FEDERATION_ADMIN,
            proof=causes.proof("provider", "disabled"),
        ),
        Cause(
            id="deleted",
            title="The pool or the provider was deleted",
            why="Deleted pools and providers stay in the list for about 30 days with the state DELETED.",
            check=undecided(f"{_WHICH} Look for state: DELETED."),
            look=_look,
            fix=_undelete,
            who=causes.FEDERATION_ADMIN,
            proof=causes.proof("provider", "deleted"),
        ),
        Cause(
            id="just-created",
            title="The pool or the provider was made a moment ago",
            why=(
                "New pools and providers may take minutes to be known everywhere (unverified). "
                f"{vendor.GCP_IAM_WAIT.what}."
            ),
            check=undecided("The text does not say when the provider was made. If just now, wait and retry."),
            look=_look,
            fix=causes.fix_elsewhere("Wait, then let OpenAI use the key again."),
            who=causes.FEDERATION_ADMIN,
            wait=vendor.GCP_IAM_WAIT,
            passes=True,
        ),
        causes.OWN_TEST,
    ),
    references=(vendor.GCP_GUIDE, sources.POOLS, sources.STS, sources.MANAGE_POOLS),
    samples=(
        Sample(
            "Error: google-github-actions/auth failed with: retry function failed with 0 attempts: failed to generate "
            "Google Cloud federated token for projects/my-project-id/locations/global/workloadIdentityPools/my-pool/"
            'providers/gh-provider: {"error":"invalid_target","error_description":"The target service indicated by the '
            '\\"audience\\" parameters is invalid. This might either be because the pool or provider is disabled or '
            "deleted or because it doesn't exist.\"}",
            "https://github.com/google-github-actions/auth/issues/202",
        ),
        Sample('failed to generate Google Cloud federated token: {"error":"invalid_target"}'),
    ),
    near_misses=(
        NearMiss(
            "The OAuth error codes of RFC 8707 include invalid_target for an unknown resource.",
            why="prose on OAuth in general",
        ),
    ),
)
