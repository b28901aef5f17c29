"""KeyNotFound: a key with (name/id) was not found in this key vault."""

from __future__ import annotations

from ekm_core.azure import causes, checks, proofs, references, snippets, wordings
from ekm_core.model import Cause, Fix, KnownError, Link, Look, NearMiss, Provider, Sample, Signature
from ekm_core.rulings import undecided
from ekm_core.vendor import AZURE_GUIDE

_VAULT = r"vault"

ERROR = KnownError(
    id="azure-key-not-found",
    provider=Provider.AZURE,
    title="The key vault holds no key of this name",
    summary=(
        "The caller may read the vault, but the vault has no such key. It is misspelt, deleted, or in another vault."
    ),
    link=Link.KEY,
    signatures=(
        Signature("sentence", r"\bkey with \(?name/id\)? ?.{0,200}was not found in this key ?vault"),
        Signature("sentence-cut", r"\bkey with \(name/id\)", weight=0.8),
        Signature("deleted", r"\bdeleted key not found\b", weight=0.8),
        Signature("code", r"\bKeyNotFound\b", weight=0.8, needs=(_VAULT,), unless=wordings.DECLARED),
        Signature(
            "service-codes",
            r"\b(?:AzureKeyVaultKeyNotFound|KeyVaultEncryptionKeyNotFound|KeyVaultKeyNotFound)(?:Message|Error)?\b",
            weight=0.8,
            unless=wordings.DECLARED,
        ),
        # With the key's name: without it the sentence is a row of a list of errors.
        Signature(
            "database-sentence",
            r"azure key vault key name ['\"][^'\"]{1,200}['\"] does not exist",
            weight=0.9,
        ),
        Signature("storage-sentence", r"key vault key (?:is|was) not found", weight=0.8, unless=wordings.DECLARED),
    ),
    causes=(
        causes.wrong_registration(
            "wrong-name",
            "The registered key name or vault is wrong",
            "A misspelt name, or the right name with another vault's address.",
            checks.wrong_key_or_vault,
            ("vault", "key_name"),
            proofs.later("vault", "wrong_name"),
        ),
        Cause(
            id="deleted",
            title="The key was deleted",
            why="A deleted key can be recovered until its retention ends: 7 to 90 days, as the vault was set up.",
            check=undecided("A deleted key gives the same words. Look at the vault's deleted keys."),
            proof=proofs.later("vault", "key_deleted"),
            look=lambda values: Look(
                console=("Open the key vault, Objects, Keys, Manage deleted keys, and look for the name.",),
                commands=(snippets.list_deleted_keys(values),),
            ),
            fix=lambda values: Fix(
                summary="Recover the key. A new key of the same name could not decrypt what the old one encrypted.",
                console=("Open the key vault, Objects, Keys, Manage deleted keys, choose the key, and Recover.",),
                cli=(
                    snippets.bash(
                        "Recover the deleted key",
                        "az keyvault key recover",
                        snippets.option("vault-name", snippets.argument(values, "vault")),
                        snippets.option("name", snippets.argument(values, "key_name")),
                    ),
                ),
                verify=(snippets.show_key(values), *snippets.proof(values)),
            ),
            who=causes.VAULT_ADMIN,
        ),
        Cause(
            id="never-created",
            title="The key was never created in this vault",
            why="The set-up was left unfinished, or the key was created in another vault.",
            check=undecided("List the keys of the vault and look for the name."),
            look=snippets.look_key,
            fix=lambda values: Fix(
                summary="Create the key and assign the role on it.",
                console=("Open the key vault, Objects, Keys, Generate/Import, and create an RSA key.",),
                cli=(snippets.create_key(values), snippets.assign_role(values)),
                terraform=(snippets.terraform_key(values),),
                verify=(snippets.show_key(values), *snippets.proof(values)),
            ),
            who=causes.VAULT_ADMIN,
        ),
    ),
    references=(AZURE_GUIDE, references.VAULT_SOFT_DELETE),
    samples=(
        Sample(
            '{"error":{"code":"KeyNotFound","message":"A key with (name/id) org-a1b2c3--chat was not found in this key '
            "vault. If you recently deleted this key you may be able to recover it using the correct recovery command. "
            'For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182"}}'
        ),
        Sample(
            "AzureKeyVaultKeyNameNotFound: The operation could not be completed because the Azure Key Vault Key name "
            "'org-a1b2c3--chat' does not exist or User Assigned Identity does not have Get access to the Key"
        ),
        Sample("(KeyNotFound) A key with (name/id) *** was not found in this key vault."),
    ),
    near_misses=(
        NearMiss(
            '{"error":{"code":"SecretNotFound","message":"A secret with (name/id) db was not found in this key '
            'vault."}}',
            why="a secret",
        ),
        NearMiss(
            'if echo "$ANSWER" | grep KeyNotFound; then\n  az keyvault key create --vault-name v --name k',
            why="a script that looks for the code",
        ),
        NearMiss(
            'public const string KeyVaultKeyNotFound = "KeyVaultKeyNotFound"; // Indicate the Key Vault Key is not '
            "found",
            why="a constant",
        ),
        NearMiss(
            "* 409 AzureKeyVaultKeyNameNotFound - The operation could not be completed because the Azure Key Vault Key "
            "name does not exist.\n* 409 AzureKeyVaultKeyInUse - The key is currently being used by the server.",
            why="a list of a database's errors",
        ),
        NearMiss('4003 => Some("KeyVaultKeyNotFound"),', why="a table of codes"),
        NearMiss("KeyVaultAuthenticationFailure = 4002, KeyVaultKeyNotFound = 4003,", why="an enumeration"),
        NearMiss("if (ex.KeyVaultErrorCode == KeyVaultErrorCode.KeyVaultKeyNotFound) {", why="a member of it"),
        NearMiss("System.Collections.Generic.KeyNotFoundException: The given key was not present in the dictionary."),
    ),
    proves=(Link.IDENTITY, Link.TRUST, Link.NETWORK),
)
