"""The Cloud KMS API is switched off in a project."""

from __future__ import annotations

from collections.abc import Callable

from ekm_core import vendor
from ekm_core.gcp import causes, sources
from ekm_core.gcp import snippets as gcp
from ekm_core.model import (
    Cause,
    Fix,
    KnownError,
    Link,
    Look,
    NearMiss,
    Propagation,
    Provider,
    Sample,
    Signature,
    Values,
)
from ekm_core.openai import snippets as openai
from ekm_core.rulings import undecided
from ekm_core.snippets import told

_API = r"(?:cloud )?(?:key management service(?: \(kms\))?|kms) api"
_WAIT = Propagation("Google's own message asks to wait a few minutes after an API is enabled", 10, sources.ENABLE_API)


def _project(values: Values, name: str) -> str:
    return told("the project ", gcp.own(values, name), "the project that the message names")


def _look(name: str) -> Callable[[Values], Look]:
    def look(values: Values) -> Look:
        return Look(
            (
                f"In the Google Cloud console, choose {_project(values, name)}, open APIs & Services, then "
                "Enabled APIs & services, and look for Cloud Key Management Service (KMS) API.",
            ),
            (gcp.project_number(), gcp.enabled_apis(gcp.own(values, name))),
        )

    return look


def _fix(name: str) -> Callable[[Values], Fix]:
    def fix(values: Values) -> Fix:
        project = gcp.own(values, name)
        return Fix(
            "Enable the Cloud KMS API in this project, and wait a few minutes.",
            console=(
                f"In the Google Cloud console, choose {_project(values, name)} and open APIs & Services, then Library.",
                "Open Cloud Key Management Service (KMS) API and choose Enable. Billing must be active.",
            ),
            cli=(gcp.enable_api(project),),
            terraform=(gcp.api_terraform(project),),
            verify=(gcp.enabled_apis(project), *openai.validate(values)),
        )

    return fix


ERROR = KnownError(
    id="gcp-kms-api-disabled",
    provider=Provider.GCP,
    title="The Cloud KMS API is not enabled in a project",
    summary=(
        "Google Cloud serves the Cloud KMS API only in projects where it is enabled. For OpenAI it must be on in the "
        "project of the key and in the project of the workload identity pool. The message names the project."
    ),
    link=Link.KEY,
    signatures=(
        Signature("sentence", rf"{_API} has not been used in (?:this )?project"),
        Signature("cut-off", r"(?:key management service \(kms\)|cloud kms) api has not been\b"),
        Signature("gcloud-prompt", r"api \[?cloudkms\.googleapis\.com\]? (?:is |was )?not enabled"),
        Signature("reason", r"\bservice_disabled\b", 0.8, needs=(r"cloudkms\.googleapis\.com",)),
        Signature(
            "short",
            rf"{_API} (?:is|has been|was) (?:currently )?(?:disabled|not enabled|not yet enabled)",
            0.8,
            needs=(r"project|\b403\b|denied|precondition",),
        ),
    ),
    causes=(
        Cause(
            id="pool-project",
            title="The API is off in the project of the workload identity pool",
            why="OpenAI's guide wants the API enabled in the project of the pool too, not only in the key's.",
            check=undecided(
                "The message names a project. Compare its number with the project of the pool and the project "
                "of the key."
            ),
            look=_look("project_number"),
            fix=_fix("project_number"),
            who=causes.API_ADMIN,
            wait=_WAIT,
            proof=causes.proof("key", "api_off_in_pool_project"),
        ),
        Cause(
            id="key-project",
            title="The API is off in the project of the key",
            why="If the API was switched off after the key was made, the key cannot be used.",
            check=undecided(
                "The message names a project. Compare its number with the project of the pool and the project "
                "of the key."
            ),
            look=_look("project_id"),
            fix=_fix("project_id"),
            who=causes.API_ADMIN,
            wait=_WAIT,
            proof=causes.proof("key", "api_off_in_key_project"),
        ),
        causes.OWN_CALL,
    ),
    references=(vendor.GCP_GUIDE, sources.SERVICE_USAGE, sources.ENABLE_API),
    samples=(
        Sample(
            "Error: Error creating KeyRing: googleapi: Error 403: Cloud Key Management Service (KMS) API has not "
            "been used in project tef-olapp before or it is disabled. Enable it by visiting "
            "https://console.developers.google.com/apis/api/cloudkms.googleapis.com/overview?project=tef-olapp then "
            "retry.",
            "https://github.com/terraform-google-modules/terraform-example-foundation/issues/1142",
        ),
        Sample(
            "failed to create KMS key ring berglas: rpc error: code = FailedPrecondition desc = Google Cloud KMS API "
            "has not been used in this project before, or it is disabled.",
            "https://github.com/GoogleCloudPlatform/berglas/issues/9",
        ),
        Sample(
            "API [cloudkms.googleapis.com] not enabled on project [123456789012]. Would you like to enable and retry"
        ),
    ),
    near_misses=(
        NearMiss(
            "IAM Service Account Credentials API has not been used in project 123456789012 before or it is disabled.",
            why="another API",
        ),
        NearMiss("Enabling KMS API not listed as an instruction", why="prose"),
    ),
    proves=(Link.IDENTITY, Link.TRUST),
)
