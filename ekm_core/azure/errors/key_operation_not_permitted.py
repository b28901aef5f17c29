"""The key's permitted operations, type or algorithm do not fit."""

from __future__ import annotations

from ekm_core.azure import causes, checks, proofs, references, snippets
from ekm_core.model import Cause, Fix, KnownError, Link, NearMiss, Provider, Sample, Signature
from ekm_core.vendor import AZURE_GUIDE

ERROR = KnownError(
    id="azure-key-operation-not-permitted",
    provider=Provider.AZURE,
    title="The key does not permit this operation, or is of the wrong type",
    summary=(
        "The key exists, but its list of permitted operations lacks this one, or its type cannot do it. OpenAI "
        "needs an "
        "RSA key that may encrypt and decrypt."
    ),
    link=Link.KEY,
    signatures=(
        Signature("operations", r"operation .{0,40}is not permitted (?:on|with|for) (?:this|the) key"),
        Signature("inner-code", r"\bKeyOperationForbidden\b", weight=0.8),
        Signature("algorithm", r"\bkey and (?:\w+ ){0,3}algorithm are incompatible"),
        Signature("unsupported", r"unsupported key operation\(s\): ?['\"]\w{3,10}['\"]", weight=0.8),
        Signature(
            "service-type",
            r"uses (?:an )?unsupported key size or key type",
            weight=0.8,
            needs=(r"\.vault\.azure\.net|key ?vault",),
        ),
        Signature("service-code", r"\bAzureKeyVaultRsaKeyNotSupported\b", weight=0.8),
        Signature("sdk", r"this key does not allow the ['\"]?\w{1,20}['\"]? operation", weight=0.8),
        Signature("sdk-java", r"operation is missing permission/not supported for key with id", weight=0.8),
    ),
    causes=(
        causes.simple(
            "operations",
            "The key's permitted operations lack encrypt or decrypt",
            "Each key version carries a list of permitted operations. OpenAI needs encrypt and decrypt on it.",
            checks.confirmed_by(
                r"operation .{0,40}is not permitted on this key|KeyOperationForbidden|this key does not allow the",
                "The error says that the key's permitted operations do not hold this one.",
                "Read the permitted operations of the key's current version.",
            ),
            steps=("Open the key's current version and read Permitted operations.",),
            commands=lambda values: (snippets.show_key(values),),
            summary="Permit encrypt and decrypt on the key's current version.",
            mend=("Open the key's current version, tick Encrypt and Decrypt under Permitted operations, and save.",),
            cli=lambda values: (
                snippets.bash(
                    "Permit encrypt and decrypt (replaces the list of permitted operations)",
                    "az keyvault key set-attributes --ops encrypt decrypt",
                    snippets.option("vault-name", snippets.argument(values, "vault")),
                    snippets.option("name", snippets.argument(values, "key_name")),
                ),
            ),
            who=causes.VAULT_ADMIN,
            proof=proofs.later("vault", "operations"),
        ),
        Cause(
            id="wrong-type",
            title="The key is not an RSA key",
            why="Keys of elliptic curves sign only. They cannot encrypt. OpenAI needs an RSA key, of any size.",
            check=checks.confirmed_by(
                r"uses curve '[^']{1,20}'",
                "The error says that the key lies on an elliptic curve.",
                "Read the key's type: it must be RSA or RSA-HSM.",
            ),
            look=snippets.look_key,
            fix=lambda values: Fix(
                summary="Create an RSA key. A key's type cannot be changed, so it needs a new name and registration.",
                console=(
                    "Open the key vault, Objects, Keys, Generate/Import, and choose the type RSA and a new name.",
                ),
                cli=(
                    snippets.create_key(values, name="<NEW_KEY_NAME>"),
                    *snippets.register(values, key_name="<NEW_KEY_NAME>"),
                ),
                verify=snippets.proof(values),
            ),
            who=causes.VAULT_ADMIN,
            proof=proofs.later("vault", "wrong_type"),
        ),
    ),
    references=(references.VAULT_KEYS, AZURE_GUIDE),
    samples=(
        Sample(
            '{"error": {"code": "Forbidden", "message": "Operation decrypt is not permitted on this key.", '
            '"innererror": '
            '{"code": "KeyOperationForbidden"}}}'
        ),
        Sample(
            '{"error":{"code":"BadParameter","message":"Key and signing algorithm are incompatible. Key https://<vault>'
            ".vault.azure.net/keys/<key name>/<key version> uses curve 'SECP256K1', and algorithm 'ES256K' can only be "
            "used with curve 'P-256K'.\"}}"
        ),
        Sample(
            '(BadParameter) Unsupported key operation(s): "wrapKey", "unwrapKey". Supported values are "sign", '
            '"verify".',
            "https://github.com/Azure/AzureKeyVault/issues/22",
        ),
        Sample(
            "The key vault provided 'https://ekm-vault.vault.azure.net/keys/ekm/0123' on server 'db1' uses unsupported "
            "Key Size or Key Type. The supported RSA Key Size is 2048 and Key Type is RSA or RSA-HSM.",
            "https://github.com/MicrosoftDocs/azure-docs/issues/35795",
        ),
    ),
    near_misses=(
        NearMiss("The server's certificate uses an unsupported key size.", why="a certificate of a web server"),
        NearMiss(
            "Operation unwrapKey is not allowed on a disabled key.",
            "azure-key-unusable",
            "the key's state, not its list",
        ),
        NearMiss(
            "Unsupported key size (4096). Supported sizes are [256, 384, 521]", why="the creation of a certificate"
        ),
    ),
    proves=(Link.IDENTITY, Link.TRUST, Link.NETWORK),
)
