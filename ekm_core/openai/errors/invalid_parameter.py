"""Invalid '<field>': string does not match pattern, or a missing field, raised by OpenAI's API."""

from __future__ import annotations

import re

from ekm_core.model import (
    Case,
    Cause,
    Fix,
    KnownError,
    Link,
    Look,
    NearMiss,
    Provider,
    Ruling,
    Sample,
    Signature,
    Values,
)
from ekm_core.openai import snippets
from ekm_core.rulings import cannot_tell, confirmed, ruled_out
from ekm_core.vendor import API_GUIDE, AWS_GUIDE, AZURE_GUIDE, GCP_GUIDE

# The key's name has an entry of its own with its own causes.
_KEY_NAME = (r"['\"]?\bkey_name['\"]?.{0,40}(?:does not|doesn't) match|\^org-\[0-9a-zA-Z-\]\*--",)
_FORM = re.compile(r"Invalid ['\"]?(?P<field>[\w.\[\]-]{1,80})['\"]?: ?string does not match", re.IGNORECASE)
_MISSING = re.compile(r"Missing required parameter: ?['\"]?(?P<field>[\w.\[\]-]{1,80})", re.IGNORECASE)

# Article 20000953 and the SDK's types, read on 2026-11-23.
_FIELDS = {
    "aws": ("name", "role_arn", "kms_arn", "external_id"),
    "gcp": (
        "name",
        "workload_identity_project_number",
        "workload_identity_pool_id",
        "workload_identity_provider_id",
        "audience",
        "kms_project_id",
        "kms_key_ring_name",
        "kms_key_name",
        "kms_key_location",
    ),
    "azure": ("name", "tenant_id", "vault_uri", "key_name"),
}
_EKM_FIELDS = frozenset(field for fields in _FIELDS.values() for field in fields) | {"type"}


def _form(case: Case) -> Ruling:
    return _judge(case, _FORM, "does not have the form that OpenAI expects")


def _missing(case: Case) -> Ruling:
    return _judge(case, _MISSING, "was not sent")


def _judge(case: Case, pattern: re.Pattern[str], fault: str) -> Ruling:
    match = pattern.search(case.text)
    if match and match["field"] in _EKM_FIELDS:
        return confirmed(f"The error says that the field {match['field']} {fault}.", match.group())
    return cannot_tell("Read which field the error names, and compare it with the fields of your cloud.")


def _other_call(case: Case) -> Ruling:
    match = _FORM.search(case.text) or _MISSING.search(case.text)
    if not match:
        return cannot_tell("The name of the field is not in the text.")
    if match["field"] in _EKM_FIELDS:
        return ruled_out(f"The registration of a key has a field {match['field']}.", match.group())
    return confirmed(
        f"The registration of a key has no field {match['field']}. The error comes from another call.", match.group()
    )


def _look(values: Values) -> Look:
    fields = tuple(f"For {cloud}: type, {', '.join(names)}." for cloud, names in _FIELDS.items())
    return Look(
        console=("Compare your request with the fields of your cloud, all of them text in quotes.", *fields),
        commands=(snippets.list_keys(),),
    )


def _fix(values: Values) -> Fix:
    azure = {
        "type": "azure",
        "name": "Azure EKM",
        "tenant_id": values.need("tenant_id"),
        "vault_uri": f"https://{values.need('vault')}.vault.azure.net/",
        "key_name": values.need("key_name"),
    }
    aws = {
        "type": "aws",
        "name": "AWS EKM",
        "role_arn": values.need("role_arn"),
        "kms_arn": values.need("kms_key"),
        "external_id": values.get("external_id") or values.need("organization_id"),
    }
    gcp = {
        "type": "gcp",
        "name": "Google Cloud EKM",
        "workload_identity_project_number": values.need("project_number"),
        "workload_identity_pool_id": values.need("pool_id"),
        "workload_identity_provider_id": values.need("provider_id"),
        "audience": values.need("audience"),
        "kms_project_id": values.need("project_id"),
        "kms_key_ring_name": values.need("key_ring"),
        "kms_key_name": values.need("key_name"),
        "kms_key_location": values.need("location"),
    }
    return Fix(
        summary="Send every field of your cloud in its form. Use the one call below that is for your cloud.",
        console=("Correct the field that the error names, and send the request again.",),
        cli=tuple(call for fields in (aws, gcp, azure) for call in snippets.register(fields)),
        verify=snippets.validate(values),
    )


_WHO = "Owner of the OpenAI organization"

ERROR = KnownError(
    id="openai-invalid-parameter",
    provider=Provider.OPENAI,
    title="OpenAI's API refuses a field of the request",
    summary=(
        "The API refused the request before it called your cloud: a field is missing, or its value has the wrong form."
    ),
    link=Link.REQUEST,
    signatures=(
        Signature("pattern", r"invalid ['\"]?[\w.\[\]-]{1,80}['\"]?: ?string does not match", unless=_KEY_NAME),
        Signature("pattern-tail", r"expected a string that matches the pattern", weight=0.8, unless=_KEY_NAME),
        # OpenAI's own form, as other programs do not write it: a full stop behind the name, or a path into the body.
        Signature("missing", r"missing required parameter: ?['\"](?:[\w.\[\]]{1,80}['\"]\.|\w{1,60}[.\[]\w)"),
        Signature(
            "missing-bare",
            r"missing required parameter: ?['\"]?[\w.\[\]]{1,80}",
            weight=0.8,
            needs=(
                r"invalid_request_error|openai|input\[\d|messages\[\d|role_arn|kms_arn|vault_uri|tenant_id|key_name"
                r"|external_id|workload_identity|kms_(?:key|project)_",
            ),
        ),
        Signature("missing-code", r"\bmissing_required_parameter\b", weight=0.8),
    ),
    causes=(
        Cause(
            id="wrong-form",
            title="A field has the wrong form",
            why=(
                "The API checks the form of each field: a role ARN, a project number of digits only, a tenant id of 36 "
                "signs."
            ),
            check=_form,
            look=_look,
            fix=_fix,
            who=_WHO,
        ),
        Cause(
            id="missing-field",
            title="A field is missing",
            why="Each cloud has its own fields, and all of them must be sent.",
            check=_missing,
            look=_look,
            fix=_fix,
            who=_WHO,
        ),
        Cause(
            id="another-call",
            title="The error comes from another call of OpenAI's API",
            why="The same sentences answer every call, such as a chat request. They then say nothing about your key.",
            check=_other_call,
            look=_look,
            fix=lambda values: Fix(
                summary="Mend that other request. For your key, let OpenAI validate it and judge its answer.",
                console=("Look up the field in the API reference of the call that failed.",),
                cli=snippets.validate(values),
            ),
            who="Whoever wrote the request",
        ),
    ),
    references=(API_GUIDE, AWS_GUIDE, GCP_GUIDE, AZURE_GUIDE),
    samples=(
        Sample(
            "Invalid 'role_arn': string does not match pattern. Expected a string that matches the pattern "
            "'^arn:aws:iam::\\d{12}:role/.+$'."
        ),
        Sample(
            '{"error": {"message": "Missing required parameter: \'tenant_id\'.", "type": '
            '"invalid_request_error", "param": '
            '"tenant_id", "code": "missing_required_parameter"}}'
        ),
        Sample("400 Missing required parameter: 'messages[0].content[0].type'"),
    ),
    near_misses=(
        NearMiss(
            "Invalid 'key_name': string does not match pattern. Expected a string that matches the pattern "
            "'^org-[0-9a-zA-Z-]*--[0-9a-zA-Z-]*$'.",
            "azure-key-name-pattern",
        ),
        NearMiss(
            "messages.5.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
            why="another vendor's API",
        ),
        NearMiss(
            "httpError(w, r, \"Missing required parameter: 'hash'\", http.StatusBadRequest)",
            why="another program's own words",
        ),
    ),
)
