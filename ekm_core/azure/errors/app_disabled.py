"""AADSTS7000112 and AADSTS500014: the application or the resource's service principal is disabled."""

from __future__ import annotations

from ekm_core.azure import causes, checks, references, wordings
from ekm_core.model import KnownError, Link, NearMiss, Provider, Sample, Signature
from ekm_core.vendor import AZURE_APP_ID

ERROR = KnownError(
    id="azure-app-disabled",
    provider=Provider.AZURE,
    title="The application is disabled in the tenant",
    summary="Entra knows the application, but it is switched off, so that Entra gives it no token.",
    link=Link.IDENTITY,
    signatures=(
        *wordings.aadsts("7000112|500014"),
        Signature("application", r"application ['\"]?[\w<>*-]{3,60}['\"]? ?\([^()]{0,120}\) is disabled", weight=0.8),
        Signature("resource", r"service principal for resource .{0,160}is disabled"),
        Signature("resource-older", r"\bAADSTS50001: ?resource .{0,160}is disabled"),
    ),
    causes=(
        causes.principal_disabled(
            checks.openai_principal(
                f"See whether the error names OpenAI's application {AZURE_APP_ID}, and whether it is switched on."
            )
        ),
        causes.openai_side(
            "application-disabled",
            "The application's publisher switched it off",
            "A publisher, or Microsoft, can disable an application for all tenants. No customer can undo that.",
            checks.openai_principal(
                "If the service principal is switched on in your tenant, the application itself is off."
            ),
        ),
        causes.own_test(),
    ),
    references=(references.ENTRA_CODES,),
    samples=(
        Sample(
            "AADSTS7000112: Application '8d0f4e7c-5e3f-4ed8-abc7-6f20e739de15'(Northwind Sync) is disabled.",
        ),
        Sample(
            "AADSTS500014: The service principal for resource 'https://vault.azure.net' is disabled. This "
            "indicate that a "
            "subscription within the tenant has lapsed, or that the administrator for this tenant has disabled the "
            "application.",
        ),
    ),
    near_misses=(
        NearMiss("AADSTS50057: The user account is disabled.", why="a person's account"),
        NearMiss("The feature (Preview) is disabled."),
    ),
)
