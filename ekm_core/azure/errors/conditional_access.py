"""AADSTS53003 and the other 530xx codes: Conditional Access blocks the sign-in."""

from __future__ import annotations

from ekm_core.azure import causes, checks, references, snippets, wordings
from ekm_core.model import KnownError, Link, NearMiss, Provider, Sample, Signature
from ekm_core.vendor import AZURE_APP_NAME

ERROR = KnownError(
    id="azure-conditional-access",
    provider=Provider.AZURE,
    title="Conditional Access blocks the sign-in",
    summary="Entra knows the caller, but one of the tenant's Conditional Access policies forbids a token.",
    link=Link.TRUST,
    signatures=(
        *wordings.aadsts(r"530\d{2,3}"),
        Signature("sentence", r"access has been blocked by (?:conditional access polic|security defaults)"),
        # What the person sees whose sign-in is blocked.
        Signature("criteria", r"(?:does not|doesn't) meet the criteria to access this resource", weight=0.9),
        Signature("device", r"your admin requires the device requesting access to be managed", weight=0.9),
        Signature("token", r"the access policy does not allow token issuance", weight=0.9),
        # The brackets hold a platform only where somebody was refused; lists of codes leave them out.
        Signature(
            "platform",
            r"from a platform \([^()]{1,40}\) that.{0,4} currently not supported through conditional access",
            weight=0.9,
        ),
    ),
    causes=(
        causes.own_test(
            checks.confirmed_by(
                r"device is required to be|requires? a compliant device|device must be (?:managed|compliant)"
                r"|device is not (?:compliant|in required device state)",
                "The error speaks of a device. OpenAI's calls have none, so a person's sign-in was blocked.",
                "See whose sign-in was blocked: policies for users and devices do not apply to OpenAI's service "
                "principal.",
            )
        ),
        # Microsoft: such policies cover single-tenant service principals of one's own tenant, no multi-tenant ones.
        causes.simple(
            "workload-policy",
            "A policy for workload identities blocks a service principal",
            "Such a policy blocks service principals by place or by risk. Microsoft says that it covers only those of "
            "single-tenant applications of your own tenant. OpenAI's application is multi-tenant, so as far as we know "
            "such a policy does not apply to it.",
            checks.openai_principal(
                "Find the sign-in in the logs under Service principal sign-ins, by the time of the error, and see "
                "whose it was."
            ),
            steps=(
                "Open Microsoft Entra ID, Monitoring, Sign-in logs, Service principal sign-ins.",
                "Find the failure by its time, read which application it was, and open the tab Conditional Access.",
            ),
            commands=lambda values: (snippets.sign_in(values), snippets.show_service_principal()),
            summary=(
                "If the application is your own, let the policy spare it. If the log really shows OpenAI's, exclude "
                "that from the policy, and tell your OpenAI contact."
            ),
            mend=(
                "Open Microsoft Entra ID, Conditional Access, Policies, and the policy that the log names.",
                f"Exclude the blocked application under Workload identities (OpenAI's is named {AZURE_APP_NAME}), "
                "save, and let OpenAI validate the key.",
            ),
            who=causes.CONDITIONAL_ACCESS_ADMIN,
        ),
    ),
    references=(references.ENTRA_CODES, references.CONDITIONAL_ACCESS),
    samples=(
        Sample(
            "AADSTS53003: Access has been blocked by Conditional Access policies. The access policy does not "
            "allow token "
            "issuance.",
            references.ENTRA_CODES.url,
        ),
        Sample("invalid_grant: AADSTS530003: Your device is required to be managed to access this resource."),
        Sample(
            "You cannot access this right now\nYour sign-in was successful but does not meet the criteria to access "
            "this resource. For example, you might be signing in from a browser, app, or location that is restricted "
            "by your admin.",
        ),
        Sample(
            "Your sign-in was successful but your admin requires the device requesting access to be managed by Acme to "
            "access this resource.",
            "https://github.com/AzureAD/MSAL.PS/issues/51",
        ),
        Sample(
            "AADSTS50005: User tried to log in to a device from a platform (Unknown) that's currently not supported "
            "through Conditional Access policy. Supported device platforms are: iOS, Android, Mac, and Windows.",
            "https://github.com/hashicorp/terraform-provider-azuread/issues/586",
        ),
    ),
    near_misses=(
        NearMiss(
            "Your sign-in was successful. You can close this window and return to the command line.",
            why="a sign-in that was let through",
        ),
        NearMiss(
            "| AADSTS50005 | DevicePolicyError - User tried to log in to a device from a platform that's currently not "
            "supported through Conditional Access policy. |",
            why="a list of codes",
        ),
        NearMiss(
            '"Unable to process this item", AADSTS530004 | "We were unable to sign you in", AADSTS50076 |',
            why="an index of a page's chapters",
        ),
        NearMiss(
            '"AADSTS53003":  "a Conditional Access policy blocks token issuance",', why="a table of texts in a program"
        ),
        NearMiss(
            "AADSTS50076: Due to a configuration change made by your administrator, or because you moved to a new "
            "location, you must use multi-factor authentication to access '797f4846-ba00-4fd7-ba43-dac1f8f63013'.",
            why="a person's second factor, which OpenAI's calls never meet",
        ),
    ),
)
