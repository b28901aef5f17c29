"""Causes that several Azure entries share, and the roles that can mend them."""

from __future__ import annotations

from collections.abc import Callable

from ekm_core.azure import checks, proofs, snippets
from ekm_core.model import Cause, Check, Fix, Look, Propagation, Snippet, Values
from ekm_core.openai import snippets as openai
from ekm_core.vendor import AZURE_APP_ID, AZURE_APP_NAME

APPLICATION_ADMIN = "Entra Application Administrator or Cloud Application Administrator"
CONDITIONAL_ACCESS_ADMIN = "Entra Conditional Access Administrator"
ACCESS_ADMIN = "Owner or User Access Administrator of the subscription"
VAULT_MODE_ADMIN = "Owner of the vault, or User Access Administrator with Key Vault Contributor"
VAULT_ADMIN = "Key Vault Administrator (also an Owner needs this role to see or change keys)"
VAULT_CONTRIBUTOR = "Owner, Contributor or Key Vault Contributor of the vault"
OPENAI_OWNER = "Owner of the OpenAI organization"
NOBODY = "Nobody: this is not a fault of your set-up"


def registered_values(values: Values) -> Look:
    """What is registered with OpenAI, beside the vault and the key as they are."""
    key = snippets.look_key(values)
    return Look(
        console=(
            "List your registrations with the command below, and compare tenant_id, vault_uri and key_name.",
            *key.console,
        ),
        commands=(openai.list_keys(), *key.commands),
    )


def own_test(check: Check = checks.another_application) -> Cause:
    """The error comes from the user's own call, not from OpenAI."""
    return Cause(
        id="own-test",
        title="The error comes from your own call, not from OpenAI",
        why=(
            f"OpenAI calls as the application {AZURE_APP_ID}. An error that names another application comes from your "
            "own test or from another program. Your rights and OpenAI's are separate."
        ),
        check=check,
        look=lambda values: Look(
            console=(f"Find the appid in the error and compare it with {AZURE_APP_ID}.",),
            commands=(snippets.show_tenant(), openai.list_keys()),
        ),
        fix=lambda values: Fix(
            summary="Let OpenAI make the call itself, and judge its answer.",
            console=("Run validate with the id of your registration. Paste its answer here.",),
            cli=openai.validate(values),
        ),
        who=OPENAI_OWNER,
    )


def wrong_registration(
    id: str, title: str, why: str, check: Check, suspects: tuple[str, ...], proof: Check | None = None
) -> Cause:
    """A registered value is wrong: register the right ones. ``suspects``: see ``snippets.fix_registration``."""
    return Cause(
        id=id,
        title=title,
        why=why,
        check=check,
        proof=proof,
        look=registered_values,
        fix=lambda values: snippets.fix_registration(
            values, "Register the values of your real tenant, vault and key.", suspects
        ),
        who=OPENAI_OWNER,
    )


def openai_side(id: str, title: str, why: str, check: Check) -> Cause:
    """A fault of the calling application's own: the customer can only tell OpenAI, or mend their own application."""
    return Cause(
        id=id,
        title=title,
        why=why,
        check=check,
        look=lambda values: Look(
            console=(f"Find the application id in the error. OpenAI's is {AZURE_APP_ID}.",),
            commands=(openai.list_keys(),),
        ),
        fix=lambda values: Fix(
            summary="Ask OpenAI to try again, and tell your OpenAI contact if the same error returns.",
            console=("Run validate again. If the error stays, send its text and time to your OpenAI contact.",),
            cli=openai.validate(values),
        ),
        who=NOBODY,
    )


def simple(
    id: str,
    title: str,
    why: str,
    check: Check,
    *,
    steps: tuple[str, ...],
    mend: tuple[str, ...],
    summary: str,
    who: str,
    commands: Callable[[Values], tuple[Snippet, ...]] = lambda values: (),
    cli: Callable[[Values], tuple[Snippet, ...]] = lambda values: (),
    terraform: Callable[[Values], tuple[Snippet, ...]] = lambda values: (),
    wait: Propagation | None = None,
    proof: Check | None = None,
) -> Cause:
    """A cause whose steps need no values, and whose repair is proven by OpenAI's validation."""
    return Cause(
        id=id,
        title=title,
        why=why,
        check=check,
        look=lambda values: Look(console=steps, commands=commands(values)),
        fix=lambda values: Fix(
            summary=summary,
            console=mend,
            cli=cli(values),
            terraform=terraform(values),
            verify=snippets.proof(values),
        ),
        who=who,
        wait=wait,
        proof=proof,
    )


def network(check: Check) -> Cause:
    """The vault's network settings refuse OpenAI's address."""
    return simple(
        "openai-not-allowed",
        "The vault's network settings do not let OpenAI in",
        "As far as we know, OpenAI calls your vault from its own network, over the vault's public address. It is not "
        "one of Microsoft's trusted services, and a private endpoint of yours does not carry its calls.",
        check,
        steps=(
            "Open the key vault, then Settings, then Networking.",
            "See whether public access is disabled, open to selected networks, or open to all.",
        ),
        commands=lambda values: (snippets.show_vault(values),),
        summary=(
            "Let the addresses in that OpenAI calls from. Ask your OpenAI contact for them: we know no public list."
        ),
        mend=(
            "Ask your OpenAI contact which address ranges OpenAI calls from.",
            "Open the key vault, then Networking, choose Allow public access from specific virtual networks and IP "
            "addresses, and add those ranges.",
            "Save, wait a few minutes, and let OpenAI validate the key.",
        ),
        cli=lambda values: (snippets.public_network(values), snippets.allow_address(values)),
        who=VAULT_CONTRIBUTOR,
        proof=proofs.later("vault", "network"),
    )


def principal_disabled(check: Check) -> Cause:
    """OpenAI's service principal was switched off in the tenant."""
    return simple(
        "principal-disabled",
        "OpenAI's service principal is switched off in your tenant",
        "An administrator can forbid sign-in for an enterprise application. Entra then gives it no token.",
        check,
        steps=(
            f"Open Microsoft Entra ID, Enterprise applications, {AZURE_APP_NAME}, Properties.",
            "See whether Enabled for users to sign in is set to No.",
        ),
        commands=lambda values: (snippets.sign_in(values), snippets.show_service_principal()),
        summary="Let OpenAI's service principal sign in again.",
        mend=(
            f"Open Microsoft Entra ID, Enterprise applications, {AZURE_APP_NAME}, Properties.",
            "Set Enabled for users to sign in to Yes and save.",
        ),
        cli=lambda values: (snippets.enable_service_principal(),),
        who=APPLICATION_ADMIN,
        proof=proofs.later("identity", "disabled"),
    )
