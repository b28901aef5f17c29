"""What each pasted output told, in words, for the list of evidence. Pure: exhibits in, rows out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from ekm_core.aws import evidence as aws
from ekm_core.azure import evidence as azure
from ekm_core.evidence import State, command_of, is_terraform, outcome
from ekm_core.facts import Loose
from ekm_core.gcp import evidence as gcp
from ekm_core.model import Exhibit, Provider
from ekm_core.openai import evidence as openai

_OF_PROGRAM = {"aws": Provider.AWS, "gcloud": Provider.GCP, "az": Provider.AZURE}
_AWS = {
    "roles": "role",
    "trusts": "trust policy",
    "attached": "list of attached policies",
    "inline": "list of inline policies",
    "inline_documents": "inline policy",
    "pasted_identity": "identity policy",
    "default_versions": "policy in force",
    "versions": "policy document",
    "keys": "KMS key",
    "key_policies": "key policy",
    "rotations": "key rotation",
    "key_grants": "grants on the key",
    "aliases": "aliases",
    "organization": "policy of the organization",
    "organization_lists": "list of the organization's policies",
    "callers": "signed-in account",
}
_AZURE = {
    "principals": "service principal",
    "vaults": "key vault",
    "keys": "key",
    "key_versions": "key version",
    "networks": "network rules",
    "roles": "role definition",
    "assignments": "role assignments",
    "denials": "deny assignments",
    "assignment_listings": "list of role assignments",
    "denial_listings": "list of deny assignments",
    "key_listings": "list of keys",
    "deleted": "what was deleted",
    "tenants": "tenant",
    "challenges": "the tenant that the vault trusts",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list. command: as typed, or in words where the output came without one. used: whether it tells
    anything about the cloud at hand."""

    command: str
    state: State
    told: str
    used: bool


def rows(exhibits: Sequence[Exhibit], provider: Provider) -> tuple[Row, ...]:
    """What each exhibit told about a set-up in one cloud, in order."""
    return tuple(_row(exhibit, provider) for exhibit in exhibits)


def _row(exhibit: Exhibit, provider: Provider) -> Row:
    command = " ".join(exhibit.command.split()) or f"Output without its command ({exhibit.origin})"
    result = outcome(exhibit)
    if told := _told_by_openai(exhibit):
        return Row(command, State.SEEN, told, True)
    program = _OF_PROGRAM.get(command_of(exhibit).program)
    if program not in (None, provider):
        return Row(command, result.state, f"This is of {program.label if program else ''}, so it is not used.", False)
    things, loose = _seen(exhibit, provider)
    if loose:
        return Row(command, State.FAILED, loose, False)
    if is_terraform(exhibit) and things:
        return Row(command, State.SEEN, f"Terraform: {', '.join(things)}.", True)
    if result.state is not State.SEEN:
        return Row(command, result.state, result.sentence, True)
    if not things and exhibit.output in ([], {}, {"value": []}):
        return Row(command, State.SEEN, "Read: an empty answer, so there is none.", True)
    if not things:
        return Row(command, State.FAILED, f"Nothing in it is of use for {provider.label}.", False)
    return Row(command, State.SEEN, f"Read: {', '.join(things)}.", True)


def _told_by_openai(exhibit: Exhibit) -> str:
    """What an answer of OpenAI's management API told; "" where it is none."""
    for found in openai.validations((exhibit,)):
        return "OpenAI could not use the key; Diagnose tells why." if found.error else "OpenAI could use the key."
    count = len(openai.keys((exhibit,)))
    return f"Read: {count} registered {'key' if count == 1 else 'keys'}." if count else ""


def _seen(exhibit: Exhibit, provider: Provider) -> tuple[list[str], str]:
    """What one exhibit shows, in words, and why it could not be used where it could not."""
    loose: Sequence[Loose]
    if provider is Provider.GCP:
        google = gcp.read((exhibit,))
        things = list(dict.fromkeys(str(kind) for kind, _ in google.facts))
        loose = google.loose
        if google.ancestors:
            things.append("folders and organization above the project")
    elif provider is Provider.AZURE:
        microsoft = azure.read((exhibit,))
        things = [label for name, label in _AZURE.items() if getattr(microsoft, name)]
        if microsoft.account.state is State.SEEN:
            things.append("signed-in account")
        loose = microsoft.loose
    else:
        amazon = aws.read((exhibit,))
        named = {item.name for item in fields(amazon)}
        things = [label for name, label in _AWS.items() if name in named and getattr(amazon, name)]
        loose = amazon.loose
    return things, loose[0].sentence if loose else ""
