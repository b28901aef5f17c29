"""AADSTS7000229 and its siblings: the calling application has no service principal in the tenant."""

from __future__ import annotations

from ekm_core.azure import causes, checks, proofs, references, snippets, wordings
from ekm_core.model import Cause, Fix, KnownError, Link, Look, NearMiss, Provider, Sample, Signature, Values
from ekm_core.openai import snippets as openai
from ekm_core.vendor import AZURE_APP_ID, AZURE_APP_NAME, AZURE_GUIDE, FAQ

_FAQ_TEXT = (
    "The client application xxxxx is missing service principal in the tenant xxxxx. See instructions here: "
    "https://go.microsoft.com/fwlink/?linkid=2225119"
)


def _create(values: Values, summary: str) -> Fix:
    return Fix(
        summary=summary,
        console=(
            "The portal has no page for this step. Open the Azure Cloud Shell, or use Terraform.",
            "Sign in to the tenant that owns the key vault, and run one of the two commands that create it.",
            f"Open Microsoft Entra ID, Enterprise applications, and see that {AZURE_APP_NAME} is there.",
            "Assign your custom role to it on the key, and let OpenAI validate the key.",
        ),
        cli=(snippets.sign_in(values), *snippets.create_service_principal(), snippets.assign_role(values)),
        terraform=(snippets.terraform_service_principal(),),
        verify=(snippets.show_service_principal(), *snippets.proof(values)),
    )


def _look_deleted(values: Values) -> Look:
    return Look(
        console=(
            "Open Microsoft Entra ID, then Audit logs, and filter by the activity Remove service principal.",
            f"Look for {AZURE_APP_NAME}.",
        ),
        commands=(snippets.sign_in(values), snippets.deleted_service_principals()),
    )


ERROR = KnownError(
    id="azure-missing-service-principal",
    provider=Provider.AZURE,
    title="OpenAI's application has no service principal in the tenant",
    summary=(
        "OpenAI asked Microsoft Entra for a token in your tenant. Entra does not know OpenAI's application "
        "there, so it "
        "gave none. The key vault was not asked yet."
    ),
    link=Link.IDENTITY,
    signatures=(
        *wordings.aadsts("7000229|700016|650052|1001010"),
        Signature(
            "missing-sentence",
            r"missing (?:a |the |its )?service principal in (?:the |this |your )?tenant|"
            r"client (?:or resource )?application:?.{0,80}is missing (?:a )?service principal",
        ),
        Signature("not-in-directory", r"application with identifier.{0,160}was not found in the directory"),
        Signature("service-sentence", r"that your organization.{0,80}lacks a service principal for"),
        Signature(
            "subscription-sentence",
            r"app (?:needs access to|is trying to access) a service.{0,160}that your organization",
        ),
    ),
    causes=(
        Cause(
            id="not-created",
            title="OpenAI's application has no service principal in your tenant",
            why=(
                "OpenAI's application lives in OpenAI's tenant. Each customer must create its service principal in "
                "their own tenant once. Until then Entra knows nothing of it there."
            ),
            check=checks.no_service_principal,
            proof=proofs.later("identity", "not_created"),
            look=snippets.look_service_principal,
            fix=lambda values: _create(values, "Create OpenAI's service principal in the tenant that owns the vault."),
            who=causes.APPLICATION_ADMIN,
        ),
        Cause(
            id="wrong-tenant-registered",
            title="The registration names another tenant than yours",
            why=(
                "OpenAI asks the tenant that was registered. A wrong tenant_id sends it to a tenant that has no "
                "part in this."
            ),
            check=checks.wrong_tenant,
            proof=proofs.later("identity", "wrong_tenant"),
            look=lambda values: Look(
                console=(
                    "Open the key vault in the Azure portal and note the Directory ID on its Overview page.",
                    "Compare it with the tenant_id of your registration.",
                ),
                commands=(openai.list_keys(), snippets.show_vault(values), snippets.show_tenant()),
            ),
            fix=lambda values: snippets.fix_registration(
                values, "Register the tenant that owns the key vault.", ("tenant_id",)
            ),
            who=causes.OPENAI_OWNER,
        ),
        Cause(
            id="created-in-another-tenant",
            title="The service principal was created in another tenant",
            why="The Azure CLI creates it in the tenant that it is signed in to, which need not be the vault's.",
            check=checks.openai_principal(
                "Look for the service principal in every tenant you use. The error shows only that it is missing in "
                "the one that was asked."
            ),
            proof=proofs.later("identity", "created_elsewhere"),
            look=lambda values: Look(
                console=(
                    "In the Azure portal, switch between your directories and search for the application in each.",
                ),
                commands=(snippets.show_tenant(), *snippets.look_service_principal(values).commands),
            ),
            fix=lambda values: _create(values, "Sign in to the vault's tenant and create the service principal there."),
            who=causes.APPLICATION_ADMIN,
        ),
        Cause(
            id="deleted",
            title="The service principal was deleted",
            why="Clean-up of unused enterprise applications removes it. Its role assignments stop working with it.",
            check=checks.openai_principal(
                "A deleted service principal gives the very same words. Look in the audit log and in the deleted items."
            ),
            proof=proofs.later("identity", "deleted"),
            look=_look_deleted,
            fix=lambda values: Fix(
                summary=(
                    "Restore it within 30 days: it keeps its object id. Later, create it and assign the role again."
                ),
                console=(
                    "Sign in and run the restore command. If it finds nothing, create the service principal anew.",
                    "Check that the role is assigned on the key. A new service principal has none.",
                ),
                cli=(
                    snippets.sign_in(values),
                    snippets.restore_service_principal(),
                    *snippets.create_service_principal(),
                    snippets.assign_role(values),
                ),
                terraform=(snippets.terraform_service_principal(),),
                verify=(snippets.show_service_principal(), *snippets.proof(values)),
            ),
            who=causes.APPLICATION_ADMIN,
        ),
        Cause(
            id="creation-blocked",
            title="Creating the service principal was refused",
            why="Creating it needs an administrator's role, and a tenant may forbid applications of other publishers.",
            check=checks.creation_blocked,
            look=lambda values: Look(
                console=(
                    "Open Microsoft Entra ID, Roles and administrators, and see which roles your account has.",
                    "Open Enterprise applications, Consent and permissions, and read the policies.",
                ),
                commands=(snippets.show_tenant(), snippets.show_service_principal()),
            ),
            fix=lambda values: _create(values, "Let an Application Administrator create the service principal."),
            who=causes.APPLICATION_ADMIN,
        ),
        Cause(
            id="service-has-no-principal",
            title="The service that was asked for has no service principal in your tenant",
            why=(
                "AADSTS650052 speaks of the service, not of the calling application. For EKM that service is Azure Key "
                "Vault, which a tenant without any Azure subscription does not know, as far as we know."
            ),
            check=checks.service_missing,
            look=lambda values: Look(
                console=("Compare the tenant of the error with the tenant of the subscription that holds the vault.",),
                commands=(snippets.show_tenant(), snippets.show_vault(values)),
            ),
            fix=lambda values: snippets.fix_registration(
                values, "Register the tenant that holds the subscription with your key vault.", ("tenant_id",)
            ),
            who=causes.OPENAI_OWNER,
        ),
        causes.own_test(),
    ),
    references=(FAQ, AZURE_GUIDE, references.ENTRA_CODES, references.DELETED_ITEMS, references.DELETED_ITEMS_LIST),
    samples=(
        Sample(_FAQ_TEXT, FAQ.url),
        Sample(
            f"AADSTS7000229: The client application {AZURE_APP_ID} is missing service principal in the tenant "
            "7f0d2c9e-41b6-4c58-9a3e-5d1b8c2f6a70. See instructions here: "
            "https://go.microsoft.com/fwlink/?linkid=2225119"
        ),
        Sample(
            "AADSTS700016: Application with identifier '8c1f0b7e-52d4-4a1b-8f3d-0e6a9c7b2d15' was not found in the "
            "directory 'Northwind'. This can happen if the application has not been installed by the administrator of "
            "the tenant or consented to by any user in the tenant.",
        ),
        Sample("invalid_client: Error(s): 7000229 - Timestamp: 2026-05-04 09:12:33Z"),
    ),
    near_misses=(
        NearMiss("OnRemoteFailure maps AADSTS650052/700016/65001 to plain messages", why="a list of codes"),
        NearMiss(
            "AADSTS500011: The resource principal named https://privatelink.vaultcore.azure.net/ was not found in the "
            "tenant named Northwind. This can happen if the application has not been installed by the administrator of "
            "the tenant or consented to by any user in the tenant.",
            "azure-resource-principal-not-found",
            "the resource is missing, not the calling application",
        ),
        NearMiss(
            "AADSTS65001: The user or administrator has not consented to use the application with ID 'XXXX'. Send an "
            "interactive authorization request for this user and resource.",
            why="a user's consent, which OpenAI's calls do not need",
        ),
        NearMiss("|| str_contains($desc, 'AADSTS650052')", why="program text that tests for the code"),
    ),
)
