"""The key is disabled, expired, or not yet valid."""

from __future__ import annotations

from ekm_core.azure import causes, checks, proofs, references, snippets, wordings
from ekm_core.model import Cause, Fix, KnownError, Link, NearMiss, Provider, Sample, Signature

_CONTEXT = (r"vault|azure|\bAKV|not allowed on an? ",)

ERROR = KnownError(
    id="azure-key-unusable",
    provider=Provider.AZURE,
    title="The key is disabled, expired or not yet valid",
    summary="The key exists and the caller may use it, but its state or its dates forbid the operation.",
    link=Link.KEY,
    signatures=(
        Signature(
            "sentence",
            r"is not allowed on an? (?:disabled|expired|inactive|deactivated|not[ -]yet[ -](?:valid|active)) "
            r"(?:\w+ )?key",
        ),
        Signature("dates", r"operation .{0,40}is not allowed on a key (?:that|which|whose|before|after|outside)"),
        Signature(
            "service-codes",
            r"\b(?:AzureKeyVaultKeyDisabled|AzureKeyVaultKeyExpired|AzureKeyVaultInvalidExpirationDate"
            r"|KeyVaultEncryptionKeyDisabled|KeyVaultKeyDisabled|KeyVaultKeyExpired)(?:Message|Error)?\b",
            weight=0.8,
            unless=wordings.DECLARED,
        ),
        Signature(
            "inner-code",
            r"\b(?:KeyDisabled|KeyExpired|KeyNotYetValid)\b",
            weight=0.8,
            needs=_CONTEXT,
            unless=wordings.DECLARED,
        ),
        Signature(
            "service-sentence",
            r"key ?vault key (?:['\"][^'\"]{1,200}['\"] )?"
            r"(?:is|has|was) (?:been )?(?:currently )?(?:disabled|expired|not enabled|not yet valid)",
            weight=0.6,
        ),
    ),
    causes=(
        causes.simple(
            "disabled",
            "The key, or its current version, is disabled",
            "Disabling a key is how access is revoked. It may have been done on purpose: ask before you enable it.",
            checks.confirmed_by(
                r"on a disabled (?:\w+ )?key|KeyDisabled",
                "The error says that the key is disabled.",
                "Look at Enabled on the key's current version.",
            ),
            steps=("Open the key vault, Objects, Keys, the key, its current version, and read Enabled.",),
            commands=lambda values: (snippets.show_key(values),),
            summary="Enable the key, if it was not disabled on purpose.",
            mend=("Open the key's current version, set Enabled to Yes, and save.",),
            cli=lambda values: (snippets.enable_key(values),),
            who=causes.VAULT_ADMIN,
            proof=proofs.later("vault", "disabled"),
        ),
        Cause(
            id="expired",
            title="The key has expired",
            why=(
                "After its expiration date a key no longer encrypts. A new version takes its place; old ones "
                "still decrypt."
            ),
            check=checks.confirmed_by(
                r"on an expired (?:\w+ )?key|KeyExpired",
                "The error says that the key has expired.",
                "Look at the expiration date of the key's current version.",
            ),
            look=lambda values: snippets.look_key(values),
            fix=lambda values: Fix(
                summary="Add a new version to the same key, or move its expiration date.",
                console=("Open the key and choose New version, or change the expiration date of the current version.",),
                cli=(snippets.new_key_version(values),),
                verify=(snippets.show_key(values), *snippets.proof(values)),
            ),
            who=causes.VAULT_ADMIN,
            proof=proofs.later("vault", "expired"),
        ),
        causes.simple(
            "not-yet-valid",
            "The key is not valid yet",
            "The activation date of the key lies in the future.",
            checks.confirmed_by(
                r"on a (?:not[ -]yet[ -](?:valid|active) (?:\w+ )?key|key that is not yet valid)|KeyNotYetValid",
                "The error says that the key is not valid yet.",
                "Look at the activation date of the key's current version. Mind the time zone: it is in UTC.",
            ),
            steps=("Open the key's current version and read Activation date.",),
            commands=lambda values: (snippets.show_key(values),),
            summary="Move the activation date into the past, or wait for it.",
            mend=("Open the key's current version, clear Set activation date, and save.",),
            who=causes.VAULT_ADMIN,
            proof=proofs.later("vault", "not_yet_valid"),
        ),
    ),
    references=(references.VAULT_KEYS,),
    samples=(
        Sample(
            '{"error":{"code":"Forbidden","message":"Operation decrypt is not allowed on a disabled key.",'
            '"innererror":{"code":"KeyDisabled"}}}',
            "https://github.com/Azure/azure-sdk-for-python/issues/45342",
        ),
        Sample("Operation encrypt is not allowed on an expired key."),
        Sample(
            "400 AzureKeyVaultKeyDisabled - The operation could not be completed on the server because the Azure Key "
            "Vault key is disabled.",
            "https://learn.microsoft.com/en-us/rest/api/sql/serverkeys/delete",
        ),
        Sample("The server cannot be reached because the Azure Key Vault key 'org-a1b2c3--chat' is disabled."),
        Sample(
            "* AzureKeyVaultKeyDisabledMessage\n* **Explanation** : The operation could not be completed on server "
            "because the Azure Key Vault key is disabled.",
            "https://learn.microsoft.com/en-us/azure/mysql/single-server/how-to-data-encryption-troubleshoot",
        ),
        Sample(
            "- `AzureKeyVaultKeyDisabledMessage`\n- **Uitleg:** de bewerking kan niet worden voltooid op de server "
            "omdat de Azure Key Vault-sleutel is uitgeschakeld."
        ),
    ),
    near_misses=(
        NearMiss(
            "Operation get is not allowed on a disabled secret.",
            why="a secret, which EKM does not use",
        ),
        NearMiss(
            "Operation encrypt is not permitted on this key.",
            "azure-key-operation-not-permitted",
            "the key's permitted operations, not its state",
        ),
    ),
    proves=(Link.IDENTITY, Link.TRUST, Link.NETWORK),
)
