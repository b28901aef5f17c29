"""Client address is not authorized and caller is not a trusted service (ForbiddenByFirewall)."""

from __future__ import annotations

from ekm_core.azure import causes, references
from ekm_core.model import KnownError, Link, NearMiss, Provider, Sample, Signature
from ekm_core.rulings import undecided

ERROR = KnownError(
    id="azure-keyvault-firewall",
    provider=Provider.AZURE,
    title="The key vault's firewall refuses the caller's address",
    summary=(
        "The vault is open to listed networks only, and the call came from another address. Roles and policies do not "
        "matter until the network lets the call in."
    ),
    link=Link.NETWORK,
    signatures=(
        Signature("sentence", r"client address(?: .{0,60})? (?:is not|isn't|was not) aut+h?ori[sz]ed"),
        Signature("caller", r"caller (?:is not|isn't) a trusted service", weight=0.8),
        Signature("inner-code", r"\bForbiddenByFirewall\b", weight=0.8),
        Signature("portal", r"client ip address is not authori[sz]ed to access this key vault"),
        Signature("perimeter", r"request was not allowed by NSP rules", weight=0.8),
    ),
    causes=(
        causes.network(
            undecided(
                "The vault refused an address that is not on its list. Whether that address is OpenAI's or your own, "
                "compare the Caller and the Client address of the error."
            )
        ),
        causes.own_test(),
    ),
    references=(references.VAULT_CODES, references.VAULT_NETWORK),
    samples=(
        Sample(
            "Client address is not authorized and caller is not a trusted service.\r\nClient address: 192.0.2.44\r\n"
            "Caller: appid=***;oid=***;iss=https://sts.windows.net/***/\r\nVault: ekm-vault;location=westeurope",
        ),
        Sample("(Forbidden) Client address is not autorized and caller is not a trusted service."),
        Sample("| ForbiddenByFirewall | Client address isn't authorized and caller isn't a trusted service. |"),
    ),
    near_misses=(
        NearMiss(
            "Public network access is disabled and request is not from a trusted service nor via an approved private "
            "link.",
            "azure-keyvault-network-disabled",
        ),
        NearMiss(
            "This request is not authorized to perform this operation. ErrorCode: AuthorizationFailure",
            why="a storage account's firewall",
        ),
    ),
    proves=(Link.IDENTITY,),
)
