"""AADSTS90002 and AADSTS900023: the tenant does not exist, or its id has the wrong form."""

from __future__ import annotations

from ekm_core.azure import causes, proofs, references, snippets, wordings
from ekm_core.model import Cause, KnownError, Link, Look, NearMiss, Provider, Sample, Signature
from ekm_core.openai import snippets as openai
from ekm_core.rulings import undecided
from ekm_core.vendor import API_GUIDE

ERROR = KnownError(
    id="azure-tenant-not-found",
    provider=Provider.AZURE,
    title="The Entra tenant does not exist",
    summary=(
        "Entra knows no tenant by this id. The registered tenant_id is misspelt, empty, or not a tenant's id at all."
    ),
    link=Link.IDENTITY,
    signatures=(
        *wordings.aadsts("90002|900021|900023"),
        Signature("form", r"tenant identifier .{0,120}is neither a valid DNS name"),
        Signature("requested", r"requested tenant identifier .{0,120}is not valid"),
        Signature(
            "not-found",
            r"tenant .{0,120}not found\. ?(?:this may happen|check to make sure)",
        ),
        Signature("subscriptions", r"this may happen if there are no active subscriptions for the tenant", weight=0.8),
    ),
    causes=(
        Cause(
            id="wrong-tenant-id",
            title="The registered tenant_id is wrong",
            why=(
                "It must be the Directory (tenant) ID of the tenant that owns the key vault: 36 signs in five "
                "groups. A "
                "subscription id or an application id looks alike and does not do."
            ),
            check=undecided("Compare tenant_id of your registration with the Directory ID of the key vault."),
            proof=proofs.later("identity", "wrong_tenant_id"),
            look=lambda values: Look(
                console=(
                    "Open the key vault in the Azure portal and note the Directory ID on its Overview page.",
                    "List your registrations and compare tenant_id, sign by sign.",
                ),
                commands=(openai.list_keys(), snippets.show_vault(values), snippets.show_tenant()),
            ),
            fix=lambda values: snippets.fix_registration(
                values, "Register the tenant that owns the key vault.", ("tenant_id",)
            ),
            who=causes.OPENAI_OWNER,
        ),
        Cause(
            id="tenant-deleted",
            title="The tenant was deleted, or lives in another cloud",
            why="Tenants of the national clouds (US Government, China) are unknown to the public cloud's sign-in.",
            check=undecided("Sign in to that tenant yourself. If it works, it exists in the cloud you use."),
            look=lambda values: Look(
                console=("Open entra.microsoft.com, sign in, and switch to the directory with this id.",),
                commands=(snippets.sign_in(values), snippets.show_tenant()),
            ),
            fix=lambda values: snippets.fix_registration(
                values, "Set up the key in a tenant of the public cloud, and register that tenant.", ("tenant_id",)
            ),
            who=causes.OPENAI_OWNER,
        ),
    ),
    references=(references.ENTRA_CODES, API_GUIDE),
    samples=(
        Sample(
            "AADSTS90002: Tenant '7f0d2c9e-41b6-4c58-9a3e-5d1b8c2f6a70' not found. Check to make sure you have "
            "the correct "
            "tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may "
            "happen if there are no active subscriptions for the tenant.",
        ),
        Sample(
            "AADSTS900023: Specified tenant identifier 'northwind' is neither a valid DNS name, nor a valid "
            "external domain."
        ),
    ),
    near_misses=(
        NearMiss(
            "AADSTS50107: Requested federation realm object 'https://sts.windows.net/x/' does not exist.",
            why="a federation realm, not the tenant",
        ),
        NearMiss("### See also: AADSTS50107, AADSTS500083, AADSTS900023\n\n---", why="a list of codes"),
    ),
)
