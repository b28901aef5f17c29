"""Public network access is disabled (ForbiddenByConnection)."""

from __future__ import annotations

from ekm_core.azure import causes, checks, references
from ekm_core.model import KnownError, Link, NearMiss, Provider, Sample, Signature

_SENTENCE = (
    "Public network access is disabled and request is not from a trusted service nor via an approved private link."
)

ERROR = KnownError(
    id="azure-keyvault-network-disabled",
    provider=Provider.AZURE,
    title="The key vault's public network access is disabled",
    summary=(
        "The vault answers over private endpoints only. As far as we know, OpenAI calls over the vault's public "
        "address, so it cannot reach the key."
    ),
    link=Link.NETWORK,
    signatures=(
        Signature("sentence", r"public network access is disabled and (?:the )?request (?:is|was) not"),
        Signature("private-link", r"(?:not from a trusted service nor|nor via an approved private link)", weight=0.8),
        Signature("not-approved", r"connection is not an approved private link"),
        Signature("inner-code", r"\bForbiddenByConnection\b", weight=0.8),
    ),
    causes=(
        causes.network(
            checks.confirmed_by(
                r"public network access is disabled and (?:the )?request (?:is|was) not|ForbiddenByConnection",
                "The error says that the vault takes no calls over its public address.",
                "See Networking of the vault.",
            )
        ),
        causes.own_test(),
    ),
    references=(references.VAULT_NETWORK,),
    samples=(
        Sample(_SENTENCE),
        Sample(f'(Forbidden) {_SENTENCE}\nInner error: {{\n    "code": "ForbiddenByConnection"\n}}'),
        Sample(
            "(Forbidden) Connection is not an approved private link and caller was ignored because bypass is not set "
            "to 'AzureServices' and PublicNetworkAccess is set to 'Disabled'.\nVault: ekm-vault;location=eastus",
        ),
    ),
    near_misses=(
        NearMiss(
            "Approve the private link connection in the portal, or with az network private-endpoint-connection.",
            why="how a connection is approved",
        ),
        NearMiss(
            "Public network access is disabled for this registry. Please connect through a private endpoint.",
            why="another service's network setting",
        ),
        NearMiss("Client address is not authorized and caller is not a trusted service.", "azure-keyvault-firewall"),
    ),
    proves=(Link.IDENTITY,),
)
