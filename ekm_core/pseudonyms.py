"""Stable pseudonyms for the identifiers in anything made for sharing: account-1, key-2, organization-1.

In: what was found in a text (entities) and the text itself, already redacted. Out: ``Pseudonyms``, whose ``apply``
renames every such identifier in prose, JSON, URLs and ARNs alike; the same value always gets the same name within one
report. OpenAI's own public identities stay readable (``vendor``), because the reader must see whether they are right;
so do masked values, placeholders and everyday words, which identify nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import re2

from ekm_core import vendor
from ekm_core.model import Entity

_GUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
# What may stand between the parts of a path: a slash, as it is, escaped (\/) or percent-encoded.
_SLASH = r"(?:\\{0,8}/|%(?:25){0,3}2[Ff])"
_NAME = r"[A-Za-z0-9][A-Za-z0-9_.+=,-]{0,127}"
_DASHED = r"[A-Za-z0-9][A-Za-z0-9-]{1,126}"

# Kinds with the patterns whose group 1 is such a value. The first kind that claims a value keeps it.
_PATTERNS: tuple[tuple[str, str], ...] = (
    ("key", rf"\bkey{_SLASH}((?:mrk-)?[0-9a-fA-F][0-9a-fA-F-]{{31,35}})\b"),
    ("key", r"\b(mrk-[0-9a-fA-F]{32})\b"),
    ("key", rf"\balias{_SLASH}((?!aws{_SLASH})[A-Za-z0-9_][A-Za-z0-9/_-]{{0,249}})"),
    (
        "project",
        rf"(?:\b|\\[nrt])projects?{_SLASH}([A-Za-z0-9][A-Za-z0-9.:-]{{2,60}}?)(?=[{{}}\s\"'/?&,;)\]\\%]|$|\.\s|\.$)",
    ),
    ("project", r"@([a-z][a-z0-9-]{3,40})\.iam\.gserviceaccount\.com"),
    ("service-account", r"\b([a-z0-9][a-z0-9-]{2,63})@[a-z0-9-]{3,60}\.(?:iam|developer)\.gserviceaccount\.com"),
    ("pool", rf"workloadIdentityPools{_SLASH}({_DASHED})"),
    ("provider", rf"workloadIdentityPools{_SLASH}[A-Za-z0-9-]{{1,127}}{_SLASH}providers{_SLASH}({_DASHED})"),
    ("ring", rf"keyRings{_SLASH}({_NAME})"),
    ("key", rf"cryptoKeys{_SLASH}({_NAME})"),
    ("vault", rf"(?:{_SLASH}|\b)({_DASHED})\.(?:privatelink\.)?(?:vault(?:core)?|managedhsm)\.(?:azure|usgovcloudapi)"),
    ("vault", rf"[vV]aults{_SLASH}({_DASHED})"),
    ("vault", rf"\b[vV]ault:? ['\"]?({_DASHED})['\"]?;location="),
    ("key", rf"(?:vault\.azure\.net(?::443)?|[vV]aults{_SLASH}[A-Za-z0-9-]{{1,127}}){_SLASH}keys{_SLASH}({_DASHED})"),
    ("resource-group", rf"resource[gG]roups{_SLASH}([A-Za-z0-9][A-Za-z0-9_.()-]{{0,89}})"),
    ("subscription", rf"subscriptions{_SLASH}({_GUID})"),
    ("tenant", rf"(?:sts\.windows\.net|login\.microsoftonline\.[a-z]{{2,3}}){_SLASH}({_GUID})"),
    (
        "tenant",
        rf"\b(?:[tT]enant|[dD]irectory)(?:[ _]?[iI][dD]|[ _][iI]dentifier)?[\"'\\]{{0,4}} ?[:=]? ?"
        rf"[\"'\\(]{{0,4}}({_GUID})",
    ),
    ("organization", r"(?:\b|_)(org-[A-Za-z0-9]{6,60})"),
    ("openai-project", r"(?:\b|_)(proj_[A-Za-z0-9]{4,60})"),
    ("external-key", r"(?:\b|_)(extkey_[A-Za-z0-9]{4,60})"),
    ("account", r"\barn:aws[a-z-]{0,12}:[a-z0-9-]{2,20}:[a-z0-9-]{0,20}:(\d{12}):"),
    ("role", rf"(?<!assumed-)role{_SLASH}((?:{_NAME}/){{0,8}}{_NAME})"),
    ("role", rf"\bassumed-role{_SLASH}({_NAME})"),
    ("session", rf"\bassumed-role{_SLASH}{_NAME}{_SLASH}({_NAME})"),
    ("user", rf":user{_SLASH}((?:{_NAME}/){{0,8}}{_NAME})"),
    ("id", r"\b((?:AROA|AIDA|AGPA|ANPA)[A-Z0-9]{12,20})\b"),
    ("id", rf"({_GUID})"),
    ("account", r"(?:(?<![\w-])|_|%[0-9A-Fa-f]{2}|\\[nrt])(\d{12})\b"),
    ("id", r"\b(\d{15,21})\b"),
    ("id", r"\b([0-9a-f]{32})\b"),
    ("address", r"\b(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})\b"),
    (
        "address",
        r"(?<![0-9A-Fa-f:])((?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}|(?:[0-9A-Fa-f]{1,4}:){1,6}:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,5})(?![0-9A-Fa-f:])",
    ),
)
_FOUND = tuple((kind, re.compile(pattern)) for kind, pattern in _PATTERNS)

_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "account_id": "account",
        "tenant_id": "tenant",
        "organization_id": "organization",
        "openai_project_id": "openai-project",
        "project_number": "project",
        "project_id": "project",
        "pool_id": "pool",
        "provider_id": "provider",
        "key_ring": "ring",
        "key_name": "key",
        "vault": "vault",
        "app_id": "id",
        "object_id": "id",
        "subscription_id": "subscription",
        "resource_group": "resource-group",
        "external_id": "organization",
        "audience": "audience",
        "expected_audience": "audience",
        "role_name": "role",
    }
)

_PUBLIC = frozenset(
    value.lower()
    for value in (
        vendor.AWS_ACCOUNT,
        "EnterpriseKeyManagement",
        "EnterpriseKeyManagement/OpenAI-EKM-Service",
        "OpenAI-EKM-Service",
        "CustomerStorage",
        vendor.GCP_SUBJECT,
        vendor.GCP_ISSUER,
        vendor.AZURE_APP_ID,
    )
)
# Words that tell nobody who the customer is, and that the report itself needs to stay readable.
_WORDS = (
    "access account action address admin alias api app application attribute audience aws azure broken by "
    "cannot cause cell client cloud cloudkms condition confirmed console credential credentials crypto "
    "customer data decrypt default denied dev development disabled does encrypt encryption error errors "
    "example expected external federated gcp github global google group groups hsm iam id identity issuer "
    "json key keyring keyrings keys kms link location locations main message microsoft missing name names "
    "network none not null number object oidc openai operation or organization organizations owner "
    "permission permissions policy pool pools principal prod production project projects proven provider "
    "providers public read region request resource resources ring role roles root secret secrets service "
    "session sessions staging sts subject subscription subscriptions tenant terraform test testing text "
    "token tool trust unknown unverified user users value vault vaults version with write "
)
_EVERYDAY = frozenset(_WORDS.split()) | {kind for kind, _ in _PATTERNS} | set(_KINDS.values())
_USELESS = re.compile(r"[Xx*#.0_-]+|[A-Z]+(?:_[A-Z]+)+|.{0,2}|0{3,}.*|127\.0\.0\.1|0\.0\.0\.0|::1")
LIKE_OURS = re.compile(rf"(?:{'|'.join(sorted({kind for kind, _ in _PATTERNS} | set(_KINDS.values())))})-\d{{1,9}}")
"""What looks like a name of ours, such as account-1."""
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """The names that stand for identifiers in one report.

    names: pseudonym by value, the value in lower case (clouds compare ids and vault names without case).
    table: kind by pseudonym, such as ``{"account-1": "account"}``; it holds no value.
    """

    names: Mapping[str, str]
    table: Mapping[str, str]
    _patterns: tuple[re2._Regexp, ...] = field(default=(), repr=False, compare=False)

    @classmethod
    def of(cls, entities: Iterable[Entity], text: str) -> Pseudonyms:
        """Names for all identifiers among the entities and in the text, numbered in the order of the text."""
        found = list(entities)
        values = "\n".join(entity.value for entity in found)
        whole = f"{text}\n{values}"
        lowered = whole.lower()
        claimed: dict[str, str] = {}
        places: dict[str, int] = {}
        for entity in found:
            kind = _KINDS.get(entity.name)
            if kind and (kind != "audience" or re.search(r"[0-9./_-]", entity.value)) and "/" not in entity.value:
                _claim(claimed, places, kind, entity.value, lowered.find(entity.value.lower()))
        for kind, pattern in _FOUND:
            for match in pattern.finditer(whole):
                _claim(claimed, places, kind, match.group(1).rstrip(".,-"), match.start(1))
        # a customer's own key may be called key-1: no pseudonym may look like anything that is there
        return cls._numbered(claimed, places, set(LIKE_OURS.findall(lowered)))

    @classmethod
    def _numbered(cls, claimed: Mapping[str, str], places: Mapping[str, int], there: set[str]) -> Pseudonyms:
        names: dict[str, str] = {}
        table: dict[str, str] = {}
        taken: dict[str, int] = {}
        for value in sorted(claimed, key=lambda value: (places[value], value)):
            kind = claimed[value]
            number = taken.get(kind, 0) + 1
            while f"{kind}-{number}" in there:
                number += 1
            taken[kind] = number
            names[value] = f"{kind}-{number}"
            table[names[value]] = kind
        return cls(MappingProxyType(names), MappingProxyType(table), tuple(_patterns(names)))

    def apply(self, text: str) -> str:
        """The text with every identifier renamed; applying it twice changes nothing more."""
        text = str(text)  # a StrEnum is a str too, but RE2 cannot make an empty one
        for pattern in self._patterns:
            text = pattern.sub(self._renamed, text)
        return text

    def _renamed(self, match: re2._Match) -> str:
        value: str = match.group(2)
        return f"{match.group(1) or ''}{self.names.get(value.lower(), value)}"


def _patterns(names: Mapping[str, str]) -> Iterator[re2._Regexp]:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = 64 << 20
    # A role is often named OpenAI-EKM, a part of the name of OpenAI's session: the longer one comes first, and stays.
    public = [value for value in _PUBLIC if any(name in value for name in names)]
    values = sorted((*names, *public), key=lambda value: (-len(value), value))
    for start in range(0, len(values), _AT_ONCE):
        some = values[start : start + _AT_ONCE]
        loose = "|".join(re2.escape(value) for value in some if _is_distinctive(value))
        bound = "|".join(re2.escape(value) for value in some if not _is_distinctive(value))
        if loose:
            yield re2.compile(f"()({loose})", options)
        if bound:
            yield re2.compile(rf"(\b|_|%[0-9a-f][0-9a-f]|\\[nrt])({bound})(?:\b|$)", options)
    # the library remembers what it compiled; one user's identifiers must not outlive their report
    re2.purge()


def _is_distinctive(value: str) -> bool:
    """Whether the value can be renamed wherever it stands, even inside a longer word."""
    return len(value) >= 12 and re.search(r"\d", value) is not None and re.search(r"[a-z]", value) is not None


def _claim(claimed: dict[str, str], places: dict[str, int], kind: str, value: str, place: int) -> None:
    value = value.strip()
    lowered = value.lower()
    if lowered in _PUBLIC or lowered in _EVERYDAY or _USELESS.fullmatch(value) or not value.isascii():
        return
    if not value[:1].isalnum() or not value[-1:].isalnum():
        return
    claimed.setdefault(lowered, kind)
    places[lowered] = min(place, places.get(lowered, place))
