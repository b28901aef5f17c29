"""429 TooManyRequests from Key Vault."""

from __future__ import annotations

from ekm_core.azure import causes, references, snippets
from ekm_core.model import KnownError, Link, NearMiss, Provider, Sample, Signature
from ekm_core.rulings import undecided

# The client libraries' exception names no service; whoever reports it then speaks of "the vault".
_VAULT = (
    r"\.vault\.azure\.net|key ?vault|\bvaults?\b.{0,160}\bazure\.requestfailedexception"
    r"|\bazure\.requestfailedexception.{0,160}\bvaults?\b",
)

ERROR = KnownError(
    id="azure-throttled",
    provider=Provider.AZURE,
    title="The key vault takes no more requests for the moment",
    summary="More requests reached the vault, or its subscription, than Key Vault serves in ten seconds.",
    link=Link.REQUEST,
    signatures=(
        Signature("sentence", r"request was not processed because too many requests were received"),
        Signature("reason", r"\bVault[a-z]{0,24}LimitReached\b", weight=0.9),
        Signature(
            "status-code",
            r"returned an invalid status code ['\"]?429\b",
            weight=0.6,
            needs=_VAULT,
        ),
        Signature("status", r"\btoo ?many ?requests\b", weight=0.6, needs=_VAULT),
    ),
    causes=(
        causes.simple(
            "shared-vault",
            "Other programs use up the vault's limit",
            "The limit counts all callers of a vault together, and all vaults of a subscription and region.",
            undecided("Look at the vault's metrics by caller and result at the time of the error."),
            steps=(
                "Open the key vault, Monitoring, Metrics, choose Total Service API Results, and split by Status Code.",
                "Split by Activity Name to see which calls use the limit.",
            ),
            commands=lambda values: (snippets.show_vault(values),),
            summary="Give EKM a vault of its own, and let other programs cache what they read.",
            mend=(
                "Try again after some seconds: short peaks pass by themselves.",
                "If it returns, create a vault for EKM alone, with a key of its own, and register that key.",
            ),
            cli=lambda values: (snippets.create_key(values), snippets.assign_role(values), *snippets.register(values)),
            who=causes.VAULT_CONTRIBUTOR,
        ),
    ),
    references=(references.VAULT_THROTTLING,),
    samples=(
        Sample(
            '{"error":{"code":"Throttled","message":"Request was not processed because too many requests were '
            "received. "
            'Reason: VaultRequestTypeLimitReached"}}'
        ),
        Sample(
            "Microsoft.Azure.KeyVault.Models.KeyVaultErrorException: Operation returned an invalid status code '429'",
            "https://github.com/SharePoint/sp-dev-docs/issues/4349",
        ),
        Sample(
            "We are hitting the vault throttling rate limit.\n\nAzure.RequestFailedException: Service request failed.\n"
            "Status: 429 (Too Many Requests)",
        ),
        Sample("Throttled, reason VaultOperationLimitReached"),
        Sample("(TooManyRequests) Key Vault ekm-vault returned 429 Too Many Requests"),
    ),
    near_misses=(
        NearMiss("Operation returned an invalid status code '429' from the search service", why="another service"),
        NearMiss(
            "Azure.RequestFailedException: Service request failed.\nStatus: 429 (Too Many Requests)",
            why="every client library of Azure throws it",
        ),
        NearMiss("429 Too Many Requests: rate limit exceeded, please retry later", why="no key vault in it"),
    ),
    proves=(Link.IDENTITY,),
)
