"""A group of unknown messages as a file for the catalogue: it loads as it is, and says what a person has to fill in."""

from __future__ import annotations

import re

import re2

from ekm_core import catalogue
from ekm_core.model import Provider
from ekm_core.triage.results import Group

_CLOUDS = (
    (Provider.AWS, r"\b(?:aws|arn|kms|sts|iam|amazonaws|cloudtrail)\b"),
    (
        Provider.GCP,
        r"\b(?:gcp|google\w*|cloudkms|workload ?identity\w*|permission_denied)\b|googleapis|gserviceaccount",
    ),
    (Provider.AZURE, r"\b(?:azure|entra|aadsts\d*|key ?vault|tenant|microsoft\w*)\b|vault\.azure|AADSTS"),
)
_WORD = re.compile(r"[A-Za-z]{2,}")
_DULL_WORDS = "the of an and to in on is was for at by or from with this that error info warn warning utc"
_DULL = frozenset(_DULL_WORDS.split())
_PIECE = re.compile(r".{1,80}\Z|.{1,80}(?<= )|.{1,80}", re.DOTALL)
_MOST_WORDS = 5
_MOST_PATTERN = 400
_LINE = 120


def provider(group: Group) -> Provider:
    """The cloud whose words stand in the message; OpenAI's API where none's do."""
    text = f"{group.template} {group.sample}"
    counts = {cloud: len(re.findall(pattern, text, re.IGNORECASE)) for cloud, pattern in _CLOUDS}
    best = max(counts, key=counts.__getitem__)
    return best if counts[best] else Provider.OPENAI


def file_name(group: Group) -> str:
    """Where the file belongs: ``ekm_core/<cloud>/errors/<slug>.py``."""
    cloud = provider(group)
    slug = _id(group, cloud).removeprefix(f"{cloud}-").replace("-", "_")
    return f"ekm_core/{cloud}/errors/{slug}.py"


def proposal(group: Group) -> str:
    """The file's text. Its sample is redacted and its identifiers are renamed; nothing of it can become code."""
    cloud = provider(group)
    parts = [part.strip() for part in group.template.split("<*>")]
    pattern = _pattern(parts)
    said = " ".join(" … ".join(part for part in parts if part).split())
    lasted = f", first seen {group.first}, last seen {group.last} UTC" if group.first else ""
    return f'''"""Proposed by the triage, from {group.count:,} message{"" if group.count == 1 else "s"}{lasted}.

It belongs at {file_name(group)}

Before it is merged: say in title and summary what went wrong, shorten the signature to the words that only this error
has, choose the link of the chain, write the causes with their checks and fixes, and cite a source that you have read.
The tests of the catalogue name what is still missing.
"""

from ekm_core.model import Cause, Fix, KnownError, Link, Look, Provider, Reference, Sample, Signature, Values
from ekm_core.rulings import undecided


def _look(values: Values) -> Look:
    return Look(("Read the whole message and the log of the service that wrote it.",))


def _fix(values: Values) -> Fix:
    return Fix("The fix is not known yet.", console=("Ask the support team, with the whole message.",))


ERROR = KnownError(
    id="{_id(group, cloud)}",
    provider=Provider.{cloud.name},
    title={_quoted(_title(said))},
    summary="A message that is not explained yet.",
    link=Link.REQUEST,
    signatures=(
        Signature(
            "message",
            {_literal(pattern, 12)},
            0.6,
        ),
    ),
    causes=(
        Cause(
            "not-known",
            "The cause is not known yet",
            "Nobody has found out so far what leads to this message.",
            undecided("The message alone does not tell its cause."),
            _look,
            _fix,
            "Support team",
        ),
    ),
    references=(Reference("The error reference of OpenAI's external keys", "https://help.openai.com/", None),),
    samples=(
        Sample(
            {_literal(group.sample, 12)},
        ),
    ),
)
'''


def _literal(text: str, indent: int) -> str:
    """Python that means this text: ASCII, in pieces one below the other, cut at blanks where there are any.

    As the formatter of the project has it: whoever merges the file should have nothing to do but what only they can.
    """
    if indent + len(whole := _quoted(text)) < _LINE:  # a comma follows
        return whole
    pieces = _PIECE.findall(text) or [""]
    return f"\n{' ' * indent}".join(map(_quoted, pieces))


def _quoted(text: str) -> str:
    """Between double quotes, unless single ones save escapes."""
    mark = "'" if text.count('"') > text.count("'") else '"'
    inner = text.encode("unicode_escape").decode("ascii").replace(mark, f"\\{mark}")
    return f"{mark}{inner}{mark}"


def _title(said: str) -> str:
    line = " ".join(re.sub(r"[^ -~]", " ", said).split())
    if len(line) > 70:
        line = line[:71].rpartition(" ")[0] or line[:70]
    return f"New: {line.strip(' .,:;') or 'A message without words'}"


def _id(group: Group, cloud: Provider) -> str:
    words = [word.lower() for word in _WORD.findall(group.template)]
    chosen = [word[:20] for word in words if word not in _DULL and word != cloud][:_MOST_WORDS] or ["unnamed"]
    made = f"{cloud}-new-{'-'.join(chosen)}"
    number = 2
    name = made
    while name in catalogue.errors():
        name, number = f"{made}-{number}", number + 1
    return name


def _pattern(parts: list[str]) -> str:
    """The template's own words in order, with bounded gaps where it varies; punctuation at their edges may be cut."""
    # Quotes and blanks are what the normal form of a text changes, so they are left to the gaps.
    words = [part for whole in parts for part in re.split(r"[^A-Za-z0-9 ,.:;()-]+", whole)]
    words = [part for part in (part.strip(" ,.:;()-") for part in words) if len(part) > 2]
    pattern = ""
    for part in words:
        plain = re2.escape(part).replace("\\ ", " ").replace("\\:", ":").replace("\\,", ",").replace("\\-", "-")
        longer = f"{pattern}.{{0,300}}{plain}" if pattern else plain
        if len(longer) > _MOST_PATTERN:
            break
        pattern = longer
    return pattern or r"\bunnamed message without words\b"
