"""The API key lacks scopes, or is not an admin key."""

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
from ekm_core.rulings import cannot_tell, confirmed, ruled_out, undecided
from ekm_core.vendor import API_GUIDE

_SCOPE = re.compile(r"missing scopes?: ?(?P<scope>[a-z_]+(?:\.[a-z_]+)+)", re.IGNORECASE)
_UNKNOWN_KEY = r"Incorrect API key provided: ?['\"]?(?:\[removed: OpenAI admin key|sk-admin)"
_KEY_REFUSED = re.compile(_UNKNOWN_KEY, re.IGNORECASE)
_WHO = "Owner of the OpenAI organization"


def _unknown_key(case: Case) -> Ruling:
    if match := _KEY_REFUSED.search(case.text):
        return confirmed("OpenAI says that it does not know the admin key.", match.group())
    if match := _SCOPE.search(case.text):
        return ruled_out("OpenAI knows the key, for it says what the key lacks.", match.group())
    return cannot_tell("See whether the key stands in the list of admin keys.")


def _not_admin(case: Case) -> Ruling:
    if match := _KEY_REFUSED.search(case.text):
        return ruled_out("The key that the error quotes begins as admin keys do.", match.group())
    return cannot_tell("See whether the key stands in the list of admin keys.")


def _scope(case: Case) -> Ruling:
    match = _SCOPE.search(case.text)
    if match and match["scope"].casefold().startswith("api.external_keys."):
        return confirmed(f"The error says that the API key lacks the scope {match['scope']}.", match.group())
    if match := _KEY_REFUSED.search(case.text):
        return ruled_out("OpenAI refused the key itself, before it looked at scopes.", match.group())
    return cannot_tell(
        "Read which scopes the error names. The calls for external keys need api.external_keys.read to list and "
        "validate, api.external_keys.write to create and delete."
    )


def _other_scope(case: Case) -> Ruling:
    scopes = [match["scope"].casefold() for match in _SCOPE.finditer(case.text)]
    match = _SCOPE.search(case.text)
    if not match or not scopes:
        return cannot_tell("The names of the scopes are not in the text.")
    if any(scope.startswith("api.external_keys.") for scope in scopes):
        return ruled_out("The error names a scope of the external keys.", match.group())
    if any(scope.startswith(("api.management.", "api.projects.")) for scope in scopes):
        return cannot_tell("The error names a scope of the management API, which an admin key would have.")
    return confirmed(f"The scope {match['scope']} belongs to another call than those for external keys.", match.group())


def _look(values: Values) -> Look:
    return Look(
        console=(
            "Open platform.openai.com, Settings, Organization, Admin keys. Only owners of the organization see it.",
            "See whether the key that you use is listed there, and which permissions it has.",
        ),
        commands=(snippets.list_keys(), snippets.list_projects()),
    )


def _fix(values: Values) -> Fix:
    return Fix(
        summary="Use an admin API key with the scopes api.external_keys.read and api.external_keys.write.",
        console=(
            "As an owner, open platform.openai.com, Settings, Organization, Admin keys, and create a key.",
            "Give it read and write for external keys.",
            "Put it into the environment variable OPENAI_ADMIN_KEY and run the call again.",
        ),
        cli=(snippets.list_keys(),),
        verify=(snippets.list_keys(), *snippets.validate(values)),
    )


ERROR = KnownError(
    id="openai-insufficient-permissions",
    provider=Provider.OPENAI,
    title="The OpenAI API key may not make this call",
    summary=(
        "The calls for external keys need an admin API key with the right scopes. OpenAI refused this key before it "
        "called your cloud."
    ),
    link=Link.REQUEST,
    signatures=(
        Signature("sentence", r"you have insufficient permissions for this operation"),
        Signature(
            "scopes",
            r"missing scopes?: ?(?:api|model|organization)\.[a-z_.]+",
            weight=0.8,
        ),
        Signature("unknown-key", _UNKNOWN_KEY),
        Signature("session", r"must be made with a session key \(that is, it can only be made from the browser\)"),
    ),
    causes=(
        Cause(
            id="missing-scope",
            title="The admin key lacks a scope for external keys",
            why=(
                "Listing and validating need api.external_keys.read; creating and deleting need "
                "api.external_keys.write."
            ),
            check=_scope,
            look=_look,
            fix=_fix,
            who=_WHO,
        ),
        Cause(
            id="not-an-admin-key",
            title="A normal API key was used instead of an admin key",
            why=(
                "Normal API keys and service-account keys may not call the management API, whatever their owner's role."
            ),
            check=_not_admin,
            look=_look,
            fix=_fix,
            who=_WHO,
        ),
        Cause(
            id="unknown-key",
            title="OpenAI does not know the admin key",
            why="The key was deleted, belongs to nobody any more, or was not copied whole.",
            check=_unknown_key,
            look=_look,
            fix=_fix,
            who=_WHO,
        ),
        Cause(
            id="another-call",
            title="The refused call is not one for external keys",
            why="The same sentence answers every call that a restricted key may not make, such as a chat request.",
            check=_other_scope,
            look=_look,
            fix=lambda values: Fix(
                summary="Give that key the scope that the error names. For your external key, let OpenAI validate it.",
                console=("Open platform.openai.com, API keys, edit the key, and grant the permission named.",),
                cli=snippets.validate(values),
            ),
            who="Owner of the API key's project",
        ),
        Cause(
            id="feature-not-enabled",
            title="Your organization may not use EKM yet",
            why=(
                "OpenAI switches EKM on for each organization. Without it, List Projects shows no external_key_id. How "
                "the API answers such an organization is not documented (unverified)."
            ),
            check=undecided("List your projects and see whether they have the field external_key_id."),
            look=lambda values: Look(
                console=("List the projects with an admin key and look for external_key_id.",),
                commands=(snippets.list_projects(),),
            ),
            fix=lambda values: Fix(
                summary="Ask your OpenAI contact to switch on EKM for your organization.",
                console=("Send your organization id to your OpenAI contact.",),
                verify=(snippets.list_projects(),),
            ),
            who="OpenAI, through your contact there",
        ),
    ),
    references=(API_GUIDE,),
    samples=(
        Sample(
            "You have insufficient permissions for this operation. Missing scopes: api.external_keys.write. Check that "
            "you have the correct role in your organization (Reader, Writer, Owner) and project (Member, Owner), "
            "and if "
            "you're using a restricted API key, that it has the necessary scopes."
        ),
        Sample(
            "Incorrect API key provided: sk-admin-***. You can find your API key at "
            "https://platform.openai.com/account/api-keys."
        ),
        Sample(
            "HTTP 401: You have insufficient permissions for this operation. Missing scopes: model.request.",
            "https://github.com/microsoft/PowerToys/issues/32989",
        ),
    ),
    near_misses=(
        NearMiss(
            "401 Incorrect API key provided: sk-***. You can find your API key at "
            "https://platform.openai.com/account/api-keys.",
            why="the key does not exist at all",
        ),
        NearMiss("Slack API error: missing_scope", why="another service"),
    ),
)
