"""The vault's host does not resolve, or the vault does not exist."""

from __future__ import annotations

from ekm_core.azure import causes, checks, proofs, references, snippets, wordings
from ekm_core.model import Cause, Fix, KnownError, Link, Look, NearMiss, Provider, Sample, Signature
from ekm_core.rulings import undecided
from ekm_core.vendor import AZURE_GUIDE

_HOST = r"[\w<>*.-]{0,80}\.vault(?:core)?\.(?:azure\.net|azure\.cn|usgovcloudapi\.net|microsoftazure\.de)"
_UNRESOLVED = (
    r"(?:no such host|name or service not known|nodename nor servname|no address associated with hostname"
    r"|name resolution|name does not resolve|getaddrinfo|enotfound|unknownhostexception|nxdomain"
    r"|server misbehaving|unknown host)"
)

ERROR = KnownError(
    id="azure-vault-not-found",
    provider=Provider.AZURE,
    title="The key vault's address leads nowhere",
    summary=(
        "The vault's host name does not resolve. The vault does not exist under this name, or its address is misspelt."
    ),
    link=Link.NETWORK,
    signatures=(
        Signature("resolve-before", rf"{_UNRESOLVED}.{{0,60}}{_HOST}"),
        Signature("resolve-after", rf"{_HOST}.{{0,160}}{_UNRESOLVED}"),
        # Python names the host, then the path and the object that failed.
        Signature("python", rf"host='{_HOST}', port=\d{{1,5}}\).{{0,400}}{_UNRESOLVED}"),
        # The host must follow at once: "could not resolve secret https://…" is another failure.
        Signature(
            "resolve-host",
            r"(?:(?:could not|cannot|can't|unable to|failed to) (?:resolve|find)(?: (?:host(?:name)?|name))?"
            rf"|(?:remote|host) ?name could not be resolved):? ?['\"]?{_HOST}",
        ),
        Signature("code", r"\bVaultNotFound\b", weight=0.8, unless=wordings.DECLARED),
        # Data Explorer's, the recovery services' and Cosmos DB's name for it.
        Signature(
            "service-code",
            r"\bKeyVaultNotFound\b",
            weight=0.6,
            unless=(*wordings.DECLARED, r"\w\.KeyVaultNotFound\b", r"\bKeyVaultNotFound\w"),
        ),
        Signature("sql-code", r"\bAkvHostNotResolvingFromNode\b|\bAKV host .{0,80}is not resolvable", weight=0.8),
        Signature("cli", r"vault may not exist or you may need to flush your dns cache"),
        Signature(
            "cli-log", r"getaddrinfo failed", weight=0.6, needs=(r"\bkeyvault (?:secret|key|show|certificate)\b",)
        ),
    ),
    causes=(
        causes.wrong_registration(
            "wrong-address",
            "The registered vault address is misspelt or not of a key vault",
            "The address of a vault in the public cloud is https://<name>.vault.azure.net/. A host of privatelink, a "
            "portal link or a resource id does not work.",
            checks.wrong_key_or_vault,
            ("vault",),
            proofs.later("vault", "wrong_address"),
        ),
        Cause(
            id="vault-deleted",
            title="The vault was deleted",
            why="A deleted vault no longer has an address. It can be recovered until its retention ends.",
            check=undecided("A deleted vault and a misspelt one give the same words. List the deleted vaults."),
            proof=proofs.later("vault", "vault_deleted"),
            look=lambda values: Look(
                console=("Open Key vaults in the portal, then Manage deleted vaults, and choose the subscription.",),
                commands=(
                    snippets.list_vaults(),
                    snippets.list_deleted_vaults(),
                ),
            ),
            fix=lambda values: Fix(
                summary="Recover the vault. What its keys encrypted cannot be read without them.",
                console=("Open Key vaults, Manage deleted vaults, choose the vault, and Recover.",),
                cli=(
                    snippets.bash(
                        "Recover the deleted vault",
                        "az keyvault recover",
                        snippets.option("name", snippets.argument(values, "vault")),
                    ),
                ),
                verify=(snippets.show_vault(values), *snippets.proof(values)),
            ),
            who=causes.VAULT_CONTRIBUTOR,
        ),
        Cause(
            id="private-dns",
            title="Your own network resolves the vault's name privately",
            why=(
                "With a private endpoint, a private DNS zone answers for the vault. That holds for your calls, "
                "not OpenAI's."
            ),
            check=undecided("See from where the call came. From your own machine, ask the DNS for the name."),
            look=lambda values: Look(
                console=("Open the key vault, Networking, Private endpoint connections.",),
                commands=(snippets.show_vault(values),),
            ),
            fix=lambda values: Fix(
                summary="Let OpenAI validate the key: only its answer shows whether OpenAI finds the vault.",
                console=("Run validate and paste its answer here.",),
                cli=snippets.proof(values),
            ),
            who=causes.OPENAI_OWNER,
        ),
    ),
    references=(AZURE_GUIDE, references.VAULT_NETWORK, references.VAULT_SOFT_DELETE),
    samples=(
        Sample("dial tcp: lookup ekm-vault.vault.azure.net: no such host"),
        Sample("KeyVaultNotFound: the specified Key Vault doesn't exist."),
        Sample("java.net.UnknownHostException: <name>.vault.azure.net"),
        Sample(
            "request to https://ekm-vault.vault.azure.net/keys failed, reason: getaddrinfo ENOTFOUND "
            "ekm-vault.vault.azure.net"
        ),
        Sample(
            "HTTPSConnectionPool(host='ekm-vault.vault.azure.net', port=443): Max retries exceeded with url: "
            "/keys/ekm?api-version=7.4 (Caused by NewConnectionError('<urllib3.connection.HTTPSConnection object at "
            "0x7f1b2c3d4e50>: Failed to establish a new connection: [Errno -2] Name or service not known'))"
        ),
    ),
    near_misses=(
        NearMiss(
            "HTTPSConnectionPool(host='ekm-vault.vault.azure.net', port=443): Max retries exceeded with url: "
            "/keys/ekm?api-version=7.4 (Caused by SSLError(SSLCertVerificationError(1, '[SSL: "
            "CERTIFICATE_VERIFY_FAILED] certificate verify failed: self signed certificate in certificate chain')))",
            why="the host was found; its certificate was not trusted",
        ),
        NearMiss("dial tcp: lookup login.microsoftonline.com: no such host", why="another host"),
        NearMiss("return Errors.AppSetting.KeyVaultNotFound(keyVaultId);", why="a program's own error"),
        NearMiss('private const string KeyVaultNotFoundCode = "KeyVaultNotFound";', why="a constant"),
        NearMiss('#[error("vault not found: {path}")] VaultNotFound { path: String },', why="another program's error"),
        NearMiss("dial tcp *******:443: getsockopt: operation timed out", why="a timeout, no missing name"),
    ),
)
