"""AKV10032: Invalid issuer. The token comes from another tenant than the vault's."""

from __future__ import annotations

from ekm_core.azure import causes, proofs, references, snippets
from ekm_core.model import Cause, KnownError, Link, Look, NearMiss, Provider, Sample, Signature
from ekm_core.rulings import undecided

ERROR = KnownError(
    id="azure-keyvault-wrong-tenant",
    provider=Provider.AZURE,
    title="The key vault belongs to another tenant than the one that was asked",
    summary=(
        "The caller got its token in one tenant, and the vault trusts another. The error names both: the vault's after "
        "'Expected', the caller's after 'found'."
    ),
    link=Link.TRUST,
    signatures=(
        Signature("code", r"\bAKV10032\b"),
        Signature("sentence", r"invalid issuer\.? ?expected (?:one of|https://sts)"),
    ),
    causes=(
        causes.wrong_registration(
            "wrong-tenant-registered",
            "The registered tenant is not the vault's",
            "OpenAI asks the registered tenant for its token, then calls the registered vault. Both must be the same "
            "tenant's.",
            undecided("Compare tenant_id of your registration with the tenants that the error names after Expected."),
            ("tenant_id",),
            proofs.later("identity", "wrong_tenant"),
        ),
        Cause(
            id="wrong-vault",
            title="The registered address is another organization's vault",
            why="Vault names are worldwide. A misspelt name may be somebody else's vault.",
            check=undecided("See whether the vault of that name is yours, and which tenant it belongs to."),
            look=snippets.look_key,
            fix=lambda values: snippets.fix_registration(
                values, "Register the address of your own vault.", ("vault", "key_name")
            ),
            who=causes.OPENAI_OWNER,
        ),
        Cause(
            id="vault-moved",
            title="The vault's subscription was moved to another tenant",
            why="A moved vault keeps the tenant that it was created in until it is changed.",
            check=undecided("Compare the vault's tenant with the tenant of its subscription."),
            proof=proofs.later("identity", "vault_moved"),
            look=lambda values: Look(
                console=("Open the key vault, Overview, and compare Directory ID with your directory.",),
                commands=(snippets.show_vault(values), snippets.show_tenant()),
            ),
            fix=lambda values: snippets.fix_registration(
                values,
                "Create a vault and a key in your present tenant, assign the role on the key, and register it.",
                ("tenant_id", "vault", "key_name"),
            ),
            who=causes.VAULT_CONTRIBUTOR,
        ),
    ),
    references=(references.VAULT_REST_CODES, references.VAULT_MOVE),
    samples=(
        Sample(
            "AKV10032: Invalid issuer. Expected one of https://sts.windows.net/7f0d2c9e-41b6-4c58-9a3e-5d1b8c2f6a70/, "
            "found https://sts.windows.net/2aa8cde7-7144-4826-b5d1-6c2f0e9a3b84/."
        ),
        Sample("(Unauthorized) AKV10032: Invalid issuer. Expected one of https://sts.windows.net/..."),
    ),
    near_misses=(
        NearMiss('{"error":"invalid_request","error_description":"Invalid issuer"}', why="another server"),
        NearMiss(
            "AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://management.azure.com/.",
            why="a token for another service, made by the caller's own program",
        ),
    ),
    proves=(Link.IDENTITY,),
)
