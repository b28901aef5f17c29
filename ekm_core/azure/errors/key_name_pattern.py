"""Invalid 'key_name': string does not match pattern, raised by OpenAI's API."""

from __future__ import annotations

from ekm_core.azure import causes, checks, proofs, snippets
from ekm_core.model import Cause, Check, Fix, KnownError, Link, Look, NearMiss, Provider, Sample, Signature, Values
from ekm_core.openai import snippets as openai
from ekm_core.vendor import API_GUIDE, AZURE_GUIDE, AZURE_KEY_NAME_PATTERN, FAQ

_SENTENCE = (
    "Invalid 'key_name': string does not match pattern. Expected a string that matches the pattern "
    f"'{AZURE_KEY_NAME_PATTERN}'."
)


def _look(values: Values) -> Look:
    return Look(
        console=(
            "Find your organization id at platform.openai.com, Settings, Organization, General. It begins with org-.",
            f"{snippets.keys_console(values)}, and read the key's name.",
            "It must be the organization id, two dashes, and a name of letters, digits and dashes.",
        ),
        commands=(snippets.list_keys(values), openai.list_keys()),
    )


def _fix(values: Values) -> Fix:
    name = snippets.ekm_key_name(values)
    return Fix(
        summary=(
            "Create a key whose name begins with your organization id and two dashes, let OpenAI use it, and register "
            "that name. Key Vault cannot rename a key."
        ),
        console=(
            f"{snippets.keys_console(values)}, then Generate/Import.",
            f"Choose Generate and the type RSA, and give the name {name}.",
            "Open the new key, Access control (IAM), and assign your custom role to OpenAI's service principal.",
            "Register the key under its new name, or send it to your OpenAI contact.",
        ),
        policies=(snippets.role_document(values),),
        cli=(
            snippets.create_key(values, name=name),
            snippets.assign_role(Values({**values.known, "key_name": name})),
            *snippets.register(values, key_name=name),
        ),
        terraform=(
            snippets.terraform_key(values),
            snippets.terraform_access(Values({**values.known, "key_name": name})),
        ),
        verify=snippets.proof(values),
    )


def _cause(id: str, title: str, why: str, check: Check, proof: str) -> Cause:
    return Cause(
        id=id,
        title=title,
        why=why,
        check=check,
        proof=proofs.later("names", proof),
        look=_look,
        fix=_fix,
        who=causes.VAULT_ADMIN,
    )


ERROR = KnownError(
    id="azure-key-name-pattern",
    provider=Provider.AZURE,
    title="The key's name does not begin with your OpenAI organization id",
    summary=(
        "OpenAI's API refused the registration before it called Azure. The name of an Azure key must be your "
        "organization id, two dashes, and any name: org-…--name. This keeps others from registering your key."
    ),
    link=Link.REQUEST,
    signatures=(
        Signature(
            "sentence",
            r"invalid ['\"]?key_name['\"]?:? (?:string|value|the string|the value)? ?(?:does|did) ?(?:not|n't) match",
        ),
        Signature(
            "field",
            r"['\"]?\bkey_name['\"]?.{0,40}(?:does not|doesn't|must) match (?:the )?(?:pattern|regex)",
            weight=0.8,
        ),
        Signature("pattern", r"\^org-\[0-9a-zA-Z-\]\*--", weight=0.8, needs=(r"match|invalid|pattern",)),
    ),
    causes=(
        _cause(
            "no-prefix",
            "The key's name does not begin with org-",
            "The name must begin with your OpenAI organization id, in small letters as it is written there.",
            checks.no_prefix,
            "no_prefix",
        ),
        _cause(
            "one-dash",
            "The two dashes between organization id and name are missing",
            "Two dashes in a row must divide your organization id from the rest of the name.",
            checks.one_dash,
            "no_dashes",
        ),
        _cause(
            "forbidden-character",
            "The name holds an underscore, a dot or another character that is not allowed",
            "Only letters, digits and dashes are allowed. A whole key address in this field fails for the same reason: "
            "give the name alone.",
            checks.forbidden_character,
            "forbidden_character",
        ),
        _cause(
            "other-organization",
            "The name carries the id of another organization",
            "OpenAI compares the id in the name with the organization that registers it, then and on every request. "
            "The id of a personal organization or of a project (proj_…) does not do.",
            checks.other_organization,
            "other_organization",
        ),
    ),
    references=(FAQ, AZURE_GUIDE, API_GUIDE),
    samples=(
        Sample(f'"{_SENTENCE}"', FAQ.url),
        Sample(
            '{"error": {"message": "Invalid \'key_name\': string does not match pattern. Expected a string that '
            "matches "
            'the pattern \'^org-[0-9a-zA-Z-]*--[0-9a-zA-Z-]*$\'.", "type": "invalid_request_error", "param": '
            '"key_name", "code": "invalid_value"}}'
        ),
    ),
    near_misses=(
        NearMiss(
            "Invalid 'role_arn': string does not match pattern. Expected a string that matches the pattern "
            "'^arn:aws:iam::\\d{12}:role/.+$'.",
            "openai-invalid-parameter",
            "another field",
        ),
        NearMiss(
            "Provide a key name with the following format: <org-xxx>--<any_name> where org-xxx is your OpenAI "
            "organization ID",
            why="instructions, no error",
        ),
    ),
)
