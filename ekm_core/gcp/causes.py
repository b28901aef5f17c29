"""Causes that several Google Cloud entries share, and the looks and fixes that several causes share."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from ekm_core import vendor
from ekm_core.gcp import checks
from ekm_core.gcp import snippets as gcp
from ekm_core.model import Case, Cause, Check, Fix, Look, Ruling, Snippet, Values
from ekm_core.openai import snippets as openai
from ekm_core.rulings import undecided
from ekm_core.snippets import told

FEDERATION_ADMIN = (
    "Workload Identity Pool Admin (roles/iam.workloadIdentityPoolAdmin) of the project that owns the pool"
)
KMS_ADMIN = "Cloud KMS Admin (roles/cloudkms.admin) of the project that owns the key"
API_ADMIN = "Service Usage Admin (roles/serviceusage.serviceUsageAdmin) of the project"
PERIMETER_ADMIN = "Access Context Manager Admin (roles/accesscontextmanager.policyAdmin) of your Google organization"
REGISTRAR = "OpenAI organization owner with an admin API key, or your OpenAI contact for ChatGPT Enterprise"
YOURSELF = "Whoever ran the command or owns the pipeline"
REPLACED = "OpenAI's API cannot edit a registration: register the key anew, then delete the wrong registration."


def proof(room: str, name: str) -> Check:
    """The proof ``name`` of ``proofs.<room>``, loaded when it first judges: a bare paste needs none of them."""

    def judge(case: Case) -> Ruling:
        check: Check = getattr(importlib.import_module(f"ekm_core.gcp.proofs.{room}"), name)
        return check(case)

    return judge


def provider_console(values: Values) -> str:
    """The way to the provider in the console."""
    return (
        "In the Google Cloud console, open IAM & Admin, then Workload Identity Federation, in the project "
        f"{told('with the number ', gcp.own(values, 'project_number'), 'that holds the identity pool')}. Open "
        f"{told('the pool ', gcp.own(values, 'pool_id'), 'your pool')} and edit "
        f"{told('the provider ', gcp.own(values, 'provider_id'), 'the provider for OpenAI')}."
    )


def key_console(values: Values) -> str:
    """The way to the key in the console."""
    return (
        "In the Google Cloud console, open Security, then Key Management, in the project "
        f"{told('', gcp.own(values, 'project_id'), 'that holds the key')}. Open "
        f"{told('the key ring ', gcp.own(values, 'key_ring'), 'your key ring')}"
        f"{told(' in ', gcp.own(values, 'location'), '')} and "
        f"{told('the key ', gcp.own(values, 'key_name'), 'your key')}."
    )


def look_at_provider(*what: str) -> Callable[[Values], Look]:
    """How to read the provider; ``what`` are the sentences on what to compare there."""

    def look(values: Values) -> Look:
        return Look((provider_console(values), *what), (gcp.describe_provider(values),))

    return look


def look_at_names(*what: str) -> Callable[[Values], Look]:
    """How to see the right project number, pool id and provider id, and what is registered with OpenAI."""

    def look(values: Values) -> Look:
        return Look(
            (
                "In the Google Cloud console, open IAM & Admin, then Workload Identity Federation, and note the ids of "
                "the pool and of the provider. The project number stands on the project's welcome page.",
                *what,
            ),
            (gcp.project_number(), gcp.list_pools(values), gcp.list_providers(values), openai.list_keys()),
        )

    return look


def look_at_key(*what: str) -> Callable[[Values], Look]:
    """How to read the key and its versions."""

    def look(values: Values) -> Look:
        return Look((key_console(values), *what), (gcp.describe_key(values), gcp.list_versions(values)))

    return look


def look_at_key_name(*what: str) -> Callable[[Values], Look]:
    """How to see whether the registered key exists."""

    def look(values: Values) -> Look:
        return Look(
            (key_console(values), *what),
            (gcp.list_key_rings(values), gcp.list_keys(values), openai.list_keys()),
        )

    return look


def look_at_binding(*what: str) -> Callable[[Values], Look]:
    """How to see who may use the key."""

    def look(values: Values) -> Look:
        return Look(
            (key_console(values), "Open the tab Permissions.", *what),
            (gcp.key_policy(values), gcp.deny_policies(values)),
        )

    return look


def fix_registration(summary: str, *suspects: str) -> Callable[[Values], Fix]:
    """A fix that registers the key with the right fields; ``summary`` says which field was wrong.

    suspects: the values that may be the very fault. They stay open, unless the user typed them.
    """

    def fix(values: Values) -> Fix:
        values = values.doubting(*suspects)
        return Fix(
            f"{summary} {REPLACED}",
            console=(
                "If you use ChatGPT Enterprise, send the corrected fields to your OpenAI contact instead of calling "
                "the API.",
                f"Send the project number ({told('', gcp.own(values, 'project_number'), 'digits only')}), the pool "
                f"({told('', gcp.own(values, 'pool_id'), 'its short id')}), the provider "
                f"({told('', gcp.own(values, 'provider_id'), 'its short id')}) and the audience "
                f"({told('', gcp.audience(values), 'best your organization id')}).",
            ),
            cli=(*gcp.register(values), openai.delete(values)),
            verify=openai.validate(values),
        )

    return fix


def fix_key_registration(summary: str) -> Callable[[Values], Fix]:
    """A fix that registers the right key, or makes the key that is missing."""

    def fix(values: Values) -> Fix:
        values = values.doubting("project_id", "location", "key_ring", "key_name")
        return Fix(
            f"{summary} {REPLACED}",
            console=(
                "Copy project, location, key ring and key from the key's page in the console, letter by letter. The "
                "project is its id here, not its number.",
            ),
            cli=(*gcp.create_key(values), *gcp.register(values), openai.delete(values)),
            terraform=(gcp.key_terraform(values),),
            verify=openai.validate(values),
        )

    return fix


def fix_provider(
    summary: str, step: str, command: Callable[[Values], Snippet], *, audience: bool = False
) -> Callable[[Values], Fix]:
    """A fix that changes one setting of the provider.

    step: the console's step. command: the builder of the gcloud command. audience: whether the list of allowed
    audiences is touched, in which other systems may have theirs.
    """

    def fix(values: Values) -> Fix:
        shared = (
            "Keep the audiences of other systems that use this provider."
            if audience
            else "If another system uses this provider too, do not change it: make a provider for OpenAI alone, and "
            "register its id."
        )
        return Fix(
            summary,
            console=(provider_console(values), step, shared, "Save the provider."),
            cli=(command(values),),
            terraform=(gcp.pool_terraform(values),),
            policies=() if audience else (gcp.condition_snippet(),),
            verify=(gcp.describe_provider(values), *openai.validate(values)),
        )

    return fix


def fix_binding(summary: str) -> Callable[[Values], Fix]:
    """A fix that binds OpenAI's principal to the key."""

    def fix(values: Values) -> Fix:
        return Fix(
            summary,
            console=(
                key_console(values),
                "Open the tab Permissions and choose Grant access.",
                f"Enter {gcp.principal(values)} as the new principal.",
                "Choose the role Cloud KMS CryptoKey Encrypter/Decrypter and save.",
            ),
            cli=(gcp.bind_key(values),),
            terraform=(gcp.binding_terraform(values),),
            verify=(gcp.key_policy(values), *openai.validate(values)),
        )

    return fix


def fix_elsewhere(summary: str) -> Callable[[Values], Fix]:
    """Where the error is not OpenAI's: leave OpenAI's set-up alone and ask OpenAI itself."""

    def fix(values: Values) -> Fix:
        return Fix(
            summary,
            console=(
                "Do not change the provider or the key that OpenAI uses because of this message.",
                "Let OpenAI use the key once with the call below. What it answers is about OpenAI's access.",
            ),
            verify=openai.validate(values),
        )

    return fix


OWN_TEST = Cause(
    id="own-test",
    title="The message is not about OpenAI's access, but about a federation of your own",
    why="Build pipelines and the gcloud command line use the same token service and get the same sentences.",
    check=checks.another_federation,
    look=look_at_names("Find out which tool printed the message, and for which provider."),
    fix=fix_elsewhere("Mend the tool that printed the message; OpenAI's set-up may be right."),
    who=YOURSELF,
)

RECENT_BINDING = Cause(
    id="just-changed",
    title="The binding was made a moment ago and has not spread yet",
    why=f"{vendor.GCP_IAM_WAIT.what}.",
    check=undecided(
        "The text does not say when the binding was made. If it was less than "
        f"{vendor.GCP_IAM_WAIT.minutes} minutes ago, wait and validate again."
    ),
    look=look_at_binding("If OpenAI's principal stands there with the right role, only waiting is left."),
    fix=fix_elsewhere("Wait, then let OpenAI use the key again."),
    who=KMS_ADMIN,
    wait=vendor.GCP_IAM_WAIT,
    passes=True,
)

ANOTHER_KEY = Cause(
    id="another-key-registered",
    title="The registered key does not exist: project, location, key ring or key is misspelt",
    why="Google does not tell a caller without access whether a key exists, so a wrong name gives the same error.",
    check=checks.another_key_named,
    look=look_at_key_name("Compare all four parts with what is registered with OpenAI."),
    fix=fix_key_registration("Register the key by its exact name."),
    who=REGISTRAR,
    proof=proof("key", "does_not_exist"),
)

OWN_CALL = Cause(
    id="own-test",
    title="The failing call was your own, not OpenAI's",
    why="Your own tools get the same messages from Cloud KMS. OpenAI only encrypts and decrypts with the key.",
    check=checks.not_an_openai_call,
    look=lambda values: Look(
        ("In the Google Cloud console, open Logging, then Logs Explorer, in the project that owns the key.",),
        (
            gcp.audit_log(
                "Show which calls failed, and whose they were",
                'protoPayload.serviceName="cloudkms.googleapis.com" AND protoPayload.status.code>0',
                gcp.own(values, "project_id"),
            ),
        ),
    ),
    fix=fix_elsewhere("Mend the tool that made the call, or give its account what it lacks, if it should have it."),
    who=YOURSELF,
)
