"""AADSTS500011: the resource principal was not found in the tenant."""

from __future__ import annotations

from ekm_core.azure import causes, checks, proofs, references, wordings
from ekm_core.model import KnownError, Link, NearMiss, Provider, Sample, Signature
from ekm_core.rulings import undecided

_ISSUE = "https://github.com/hashicorp/vault-helm/issues/801"

ERROR = KnownError(
    id="azure-resource-principal-not-found",
    provider=Provider.AZURE,
    title="Entra does not know the service that the token was asked for",
    summary=(
        "The caller asked for a token for an address that is no service in this tenant. A vault's token is for "
        "https://vault.azure.net, whatever the vault is named."
    ),
    link=Link.TRUST,
    signatures=(
        *wordings.aadsts("500011"),
        Signature("sentence", r"the (?:resource principal|application) named.{0,240}was not found in the tenant"),
    ),
    causes=(
        causes.wrong_registration(
            "private-link-host",
            "A private-link host was given as the vault's address",
            "The host of privatelink names a network path, not the vault. Register https://<vault>.vault.azure.net/.",
            checks.confirmed_by(
                r"named ['\"]?(?:https://)?[\w.-]{0,80}privatelink\.[\w.-]{1,60}",
                "The token was asked for a private-link host.",
                "Compare vault_uri of your registration with the Vault URI on the vault's Overview page.",
            ),
            ("vault",),
            proofs.later("vault", "private_link_host"),
        ),
        causes.wrong_registration(
            "wrong-vault-address",
            "The registered vault address is not a key vault's",
            "An address of another service, of another cloud, or with a misspelt ending leads to a token for something "
            "that Entra does not know.",
            undecided("Compare the name in the error with https://vault.azure.net."),
            ("vault",),
            proofs.later("vault", "not_a_vault"),
        ),
        causes.wrong_registration(
            "wrong-tenant",
            "The token was asked for in the wrong tenant",
            "As far as we know, a tenant without any Azure subscription does not know Azure Key Vault.",
            undecided("Compare the tenant that the error names with the tenant of the key vault."),
            ("tenant_id",),
            proofs.later("identity", "wrong_tenant"),
        ),
    ),
    references=(references.ENTRA_CODES,),
    samples=(
        Sample(
            "AADSTS500011: The resource principal named https://privatelink.vaultcore.azure.net/ was not found in the "
            "tenant named xxx. This can happen if the application has not been installed by the administrator of the "
            "tenant or consented to by any user in the tenant.",
            _ISSUE,
        ),
        Sample(
            "The resource principal named https://<my-vault-name>.vault.azure.net/ was not found in the tenant "
            "named ***",
            "https://github.com/dotnet/sign/issues/287",
        ),
    ),
    near_misses=(
        NearMiss(
            "AADSTS700016: Application with identifier 'a' was not found in the directory 'b'.",
            "azure-missing-service-principal",
            "the calling application is missing, not the service",
        ),
    ),
)
