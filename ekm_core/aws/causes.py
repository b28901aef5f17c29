"""Causes that several AWS entries share, and the looks and fixes that several causes share."""

from __future__ import annotations

from collections.abc import Callable

from ekm_core import vendor
from ekm_core.aws import checks, proofs
from ekm_core.aws import snippets as aws
from ekm_core.model import Cause, Check, Fix, Look, Snippet, Values
from ekm_core.openai import snippets as openai
from ekm_core.rulings import undecided
from ekm_core.snippets import told

ROLE_ADMIN = "IAM administrator of the account that owns the role"
KEY_ADMIN = "Key administrator of the account that owns the KMS key"
ORGANIZATION_ADMIN = "Administrator of your AWS organization (management account or delegated policy administrator)"
REGISTRAR = "OpenAI organization owner with an admin API key, or your OpenAI contact for ChatGPT Enterprise"
YOURSELF = "Whoever ran the command"


def account(values: Values) -> str:
    """The account of the role, in a sentence."""
    return told("account ", aws.role_account(values), "your account")


def role(values: Values) -> str:
    """The role, in a sentence."""
    return told("", aws.role_name(values), "your role")


def region(values: Values) -> str:
    """The Region of the key, in a sentence."""
    return told("Region ", aws.region(values), "the key's Region")


def role_console(values: Values) -> str:
    """The way to the role in the console."""
    return f"Open the IAM console of {account(values)}, choose Roles and open {role(values)}."


def key_console(values: Values) -> str:
    """The way to the key in the console."""
    return (
        f"Open the KMS console of {told('account ', aws.key_account(values), 'the account that owns the key')}, "
        f"switch to {region(values)}, choose Customer managed keys and open "
        f"{told('', aws.key_arn(values), 'your key')}."
    )


def look_at_trust(values: Values) -> Look:
    """How to read the trust policy."""
    return Look(
        (
            role_console(values),
            f"On the tab Trust relationships, read the Principal (it should be {vendor.AWS_PRINCIPAL}) and the "
            f"sts:ExternalId (it should be {told('', aws.external_id(values), 'your OpenAI organization ID')}).",
        ),
        (aws.show_trust(values),),
    )


def fix_trust(summary: str) -> Callable[[Values], Fix]:
    """A fix that saves OpenAI's trust policy on the role; ``summary`` says why."""

    def fix(values: Values) -> Fix:
        return Fix(
            summary,
            console=(
                role_console(values),
                "On the tab Trust relationships, choose Edit trust policy.",
                "Add the statement of the policy below, keep any other statement that you still need, and choose "
                "Update policy.",
            ),
            cli=(aws.cli_set_trust(values),),
            terraform=(aws.terraform_trust(values),),
            policies=(aws.trust_policy(values),),
            verify=(aws.show_trust(values), *openai.validate(values)),
        )

    return fix


def look_for_trusting_roles(values: Values) -> Look:
    """How to find every role of the account that lets OpenAI in."""
    look = look_at_trust(values)
    return Look(
        (*look.console, "If OpenAI is not there, find the role on which the trust policy was saved instead."),
        (*look.commands, aws.list_trusting_roles()),
    )


def fix_missing_role(values: Values) -> Fix:
    """A fix that makes the role which the registration names."""
    return Fix(
        "If you have the role under another ARN, register that one. Else make the role under exactly this ARN.",
        console=(
            f"Open the IAM console of {account(values)}, choose Roles, then Create role, then Custom trust policy.",
            f"Paste the trust policy below, name the role {told('', aws.role_name(values), 'as in the ARN')}, and give "
            "it the policy on the key.",
        ),
        cli=(aws.cli_create_role(values), aws.cli_set_identity(values), *aws.registration(values)),
        terraform=(aws.terraform_trust(values), aws.terraform_identity(values)),
        policies=(aws.trust_policy(values), aws.identity_policy(values)),
        verify=(aws.show_role(values), *openai.validate(values)),
    )


def fix_registration(summary: str, *suspects: str) -> Callable[[Values], Fix]:
    """A fix that registers the right values; ``summary`` says why.

    suspects: the values that may be the very fault. They stay open, unless the user typed them.
    """

    def fix(values: Values) -> Fix:
        values = values.doubting(*suspects)
        return Fix(
            summary,
            console=(
                "Register the key anew with the values below. Delete the wrong registration once no project uses it.",
                "For ChatGPT Enterprise, send the corrected values to your OpenAI contact instead.",
            ),
            cli=aws.registration(values),
            verify=openai.validate(values),
        )

    return fix


def look_at_identity(values: Values) -> Look:
    """How to read the role's own policies."""
    return Look(
        (
            role_console(values),
            "On the tab Permissions, look for kms:Encrypt and kms:Decrypt with the key's ARN as the Resource.",
        ),
        (aws.simulate(values), *aws.show_identity(values)),
    )


def fix_identity(summary: str) -> Callable[[Values], Fix]:
    """A fix that gives the role an identity policy on the key ARN."""

    def fix(values: Values) -> Fix:
        return Fix(
            summary,
            console=(
                role_console(values),
                "On the tab Permissions, choose Add permissions, then Create inline policy, then JSON.",
                f"Paste the policy below, name it {aws.POLICY_NAME}, and choose Create policy.",
            ),
            cli=(aws.cli_set_identity(values),),
            terraform=(aws.terraform_identity(values),),
            policies=(aws.identity_policy(values),),
            verify=(aws.simulate(values), *openai.validate(values)),
        )

    return fix


def look_at_key_policy(values: Values) -> Look:
    """How to read the key policy."""
    return Look(
        (
            key_console(values),
            "On the tab Key policy, switch to policy view. Look for a statement whose Principal is the account's root, "
            "or the role, and for any statement with Effect Deny.",
        ),
        (aws.show_key_policy(values),),
    )


def fix_key_policy(summary: str) -> Callable[[Values], Fix]:
    """A fix that adds the role to the key policy, keeping every other statement."""

    def fix(values: Values) -> Fix:
        return Fix(
            summary,
            console=(
                key_console(values),
                "On the tab Key policy, switch to policy view and choose Edit.",
                "Add the statement below to the Statement list. Keep all the others, above all the one that lets your "
                "administrators manage the key. Choose Save changes.",
            ),
            cli=aws.cli_key_policy(values),
            terraform=(aws.terraform_key_policy(values),),
            policies=(aws.key_policy_statement(values), aws.key_policy_delegation(values)),
            verify=(aws.show_key_policy(values), *openai.validate(values)),
        )

    return fix


def look_at_key(values: Values) -> Look:
    """How to read the key's state and type."""
    return Look(
        (
            key_console(values),
            "Read its Status, and on the tab Cryptographic configuration its Key type and Key usage.",
        ),
        (aws.show_key(values),),
    )


def _look_at_organization(kind: str, name: str) -> Callable[[Values], Look]:
    def look(values: Values) -> Look:
        return Look(
            (
                "Sign in to the management account and open AWS Organizations, then Policies.",
                f"Open {name}, and look for Deny statements (or a missing allow) that cover the action, on the "
                "account, on its organizational units and on the root.",
            ),
            aws.show_organization_policies(values, kind),
        )

    return look


def organization_policy(
    cause_id: str, title: str, why: str, check: Check, kind: str, proof: Check, *, spare_openai: bool = False
) -> Cause:
    """A cause for an SCP or an RCP.

    ``kind`` is the API's name of the policy type. ``spare_openai``: the exception to add is for OpenAI's account (the
    caller is OpenAI), else for the customer's role.
    """
    name = "Service control policies" if kind == "SERVICE_CONTROL_POLICY" else "Resource control policies"

    def fix(values: Values) -> Fix:
        return Fix(
            "Change the policy of the organization so that it spares this call. Only the organization's administrators "
            "can do that.",
            console=(
                f"In AWS Organizations, open Policies, then {name}, then the policy that denies.",
                "Add the condition below to the Deny statement. Keep its other conditions; they must all still hold.",
                "If no statement denies the call, an allow is missing: add the action to what the policy allows.",
                "Save, and check again.",
            ),
            policies=(aws.openai_exception() if spare_openai else aws.principal_exception(values),),
            verify=openai.validate(values),
        )

    look = _look_at_organization(kind, name)
    return Cause(cause_id, title, why, check, look, fix, ORGANIZATION_ADMIN, proof=proof)


def just_changed(what: str) -> Cause:
    """The change is right and has not spread yet. No text can decide it, and after the wait it is not the answer."""

    def look(values: Values) -> Look:
        return Look(
            (f"Ask when {what} was last changed. CloudTrail's event history shows the time.",),
            (
                aws.command(
                    "List the latest changes of the role",
                    "cloudtrail",
                    "lookup-events",
                    lookup_attributes=f"AttributeKey=ResourceName,AttributeValue={aws.role_name(values)}",
                    max_results="10",
                    # IAM is global: CloudTrail keeps its events in this Region.
                    region="us-east-1",
                ),
            ),
        )

    def fix(values: Values) -> Fix:
        return Fix(
            "Wait a few minutes, then let OpenAI try once more. If it still fails, waiting is not the answer.",
            console=("Change nothing meanwhile, for each change starts the wait anew.",),
            verify=openai.validate(values),
        )

    return Cause(
        "just-changed",
        f"{what[0].upper()}{what[1:]} was changed a moment ago",
        "IAM is eventually consistent: a change takes seconds as a rule and some minutes at times.",
        undecided(f"The text does not say when {what} was changed. If that was minutes ago, wait and try again."),
        look,
        fix,
        "Nobody: wait",
        vendor.AWS_IAM_WAIT,
        passes=True,
    )


def show_caller() -> Snippet:
    """Who the command line is signed in as."""
    return aws.command("Show who you are signed in as", "sts", "get-caller-identity")


def other_key_cause(summary: str) -> Cause:
    """The registered key is not the one that the customer means."""
    return Cause(
        "other-key",
        "OpenAI uses another key than the one you set up",
        "The registered ARN differs from the key that you mean, or an alias was pointed at another key.",
        checks.key_used,
        look_at_other_key,
        fix_registration(summary),
        REGISTRAR,
        proof=proofs.later("kms", "other_key"),
    )


def look_at_other_key(values: Values) -> Look:
    """How to compare the registered key with the customer's."""
    return Look(
        (key_console(values), "Compare account, Region and key id with the kms_arn that you registered."),
        (aws.show_key(values), aws.show_aliases(values), openai.list_keys()),
    )


def new_symmetric_key(summary: str) -> Callable[[Values], Fix]:
    """A fix that makes a symmetric key, opens it to the role and registers it."""

    def fix(values: Values) -> Fix:
        fresh = Values({name: value for name, value in values.known.items() if name != "kms_key"})
        return Fix(
            summary,
            console=(
                f"Open the KMS console in {region(values)}, choose Create key, then Symmetric and Encrypt and decrypt.",
                "Let the role use it, and register the new key's ARN with OpenAI.",
            ),
            cli=(aws.cli_create_key(values), aws.cli_set_identity(fresh), *aws.registration(fresh)),
            terraform=(aws.terraform_key(), aws.terraform_identity(fresh)),
            policies=(aws.identity_policy(fresh), aws.key_policy_statement(fresh)),
            verify=openai.validate(values),
        )

    return fix
