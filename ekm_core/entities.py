"""Finds the values that stand in a normalised text: accounts, ARNs, projects, pools, tenants, vaults, codes.

Every pattern is bounded and runs on a bounded piece of text (``LIMIT``), so ``re`` cannot run away. A pattern runs only
where its telltale stands in the text (one RE2 set looks for all of them), and the costly ones only at the places where
their first letters stand: most messages name one cloud, and extraction is what a triage spends its time on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import re2

from ekm_core import vendor
from ekm_core.model import Entity, Provider
from ekm_core.wellformed import well_formed

LIMIT = 24_000
"""The longest piece of text, in characters, that is searched for values at once."""

_GUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
# An identifier as people paste it: real, masked (***, xxxx, ####) or a placeholder (<account-id>, ${VAR}, {my id}).
_FIELD = r"(?:<[^<>]{1,60}>|\[[^\s\[\]]{1,40}\]|\{[\w .-]{1,40}\}|[^\s:\"'()\[\]]{0,40})"
_ARN = (
    rf"(?:arn:)?aws[\w-]{{0,12}}:[\w-]{{2,20}}:{_FIELD}:"
    # Behind a masked account its colon may be gone with it.
    rf"(?:(?:assumed-role|role|user|key|alias)/[^\s\"'()\[\],;`\\]{{1,300}}+|{_FIELD}"
    r"(?::(?>[^\s\"'()\[\],;`\\]{1,300}+|\[[^\s\[\]]{1,40}\]){1,4}+)?)"
)


# Groups that make values of other names, or of more than their own.
_MAKES: Mapping[str, tuple[str, ...]] = {
    "resource": ("resource", "region", "account_id"),
    "arn": ("region", "account_id"),
    "pool_project": ("project_number", "project_id"),
    "aadsts_number": ("aadsts_code",),
}


_Anchors = tuple[tuple[str, int], ...]
_Places = dict[_Anchors, list[int]]


@dataclass(frozen=True, slots=True)
class _Around:
    """Where a pattern that could begin at any letter is looked for.

    literal: stands in every match. before, behind: how far a match reaches from there at most; it does not look beyond.
    word: what a match has before the literal is one word, unless it has angle brackets or braces.
    """

    literal: str
    before: int
    behind: int
    word: bool = False


@dataclass(frozen=True, slots=True)
class _Finder:
    """Where a value stands: the groups of the pattern are named after the entities they hold.

    telltale: RE2; matches in every text in which the pattern is looked for. The less it matches elsewhere, the better.
    names, gives: the pattern's groups, and the names of the values that they make. only: the name, where it is one.
    at: every match begins this many characters before one of these literals; () where ``around`` says it.
    """

    telltale: str
    pattern: re.Pattern[str]
    names: tuple[str, ...]
    gives: frozenset[str]
    only: str
    at: _Anchors
    around: _Around | None

    def following(self, text: str, places: _Places, done: int) -> re.Match[str] | None:
        """The first match that begins at ``done`` or later. ``places`` keeps the anchors' places of this text."""
        if self.around is not None:
            return self._around(self.around, text, done)
        match_at, anchors = self.pattern.match, self.at
        if len(anchors) == 1:
            literal, before = anchors[0]
            at = text.find(literal, max(done + before, 0))
            while at >= 0:
                if match := match_at(text, at - before):
                    return match
                at = text.find(literal, at + 1)
            return None
        starts = places.get(anchors)
        if starts is None:
            starts = places[anchors] = _starts(text, anchors)
        for start in starts:
            if start >= done and (match := match_at(text, start)):
                return match
        return None

    def _around(self, around: _Around, text: str, done: int) -> re.Match[str] | None:
        at = text.find(around.literal, done)
        while at >= 0:
            start = max(done, at - around.before)
            if around.word:
                blank = text.rfind(" ", start, at)
                if text.find(">", max(blank, start), at) < 0 and text.find("}", max(blank, start), at) < 0:
                    start = max(blank + 1, start)
            if match := self.pattern.search(text, start, at + around.behind):
                return match
            at = text.find(around.literal, at + 1)
        return None


def _starts(text: str, anchors: _Anchors) -> list[int]:
    starts = []
    for literal, before in anchors:
        at = text.find(literal)
        while at >= 0:
            if at >= before:
                starts.append(at - before)
            at = text.find(literal, at + 1)
    return starts if len(starts) < 2 else sorted(set(starts))


def _finder(
    telltale: str | tuple[str, ...],
    pattern: str,
    flags: int = 0,
    at: _Anchors = (),
    around: _Around | None = None,
) -> _Finder:
    """telltale: literals, one of which must stand in the text, or one pattern for RE2."""
    compiled = re.compile(pattern, flags)
    names = tuple(sorted(compiled.groupindex, key=compiled.groupindex.__getitem__))
    gives = frozenset(made for name in names for made in _MAKES.get(name, (name,)))
    looked_for = telltale if isinstance(telltale, str) else "|".join(map(re2.escape, telltale))
    return _Finder(looked_for, compiled, names, gives, next(iter(gives)) if len(gives) == 1 else "", at, around)


_AT_ARN = (("arn:aws", 0), ("aws", 0))
_AT_PROJECTS = (("projects/", 0),)
_GUID_BEGINS = "[0-9a-fA-F]{8}-"
# The projects of Google's own service agents: service-123@compute-system.iam.gserviceaccount.com.
_OF_GOOGLE = (
    r"(?:gcp-|bigquery-encryption|cloud(?:build|composer-accounts|-filer|-redis|-tpu)|compute-system|container"
    r"(?:-engine-robot|registry)|dataflow-service-producer|dataproc-accounts|firebase-rules|gcf-admin-robot"
    r"|gs-project-accounts|serverless-robot|service-networking|sourcerepo-service)"
)
_I = re.IGNORECASE
_OF_AWS: tuple[_Finder, ...] = (
    # The sentence first, its values outrank others of the same name.
    _finder(
        ("is not auth",),
        rf"(?P<principal>(?:{_ARN}|\bassumed-role/[^\s\"']{{1,300}})"
        r"(?: [^\s\"':]{1,60}>[^\s\"']{0,200})?)\S{0,80} is not auth",
        around=_Around(" is not auth", 1600, 12, word=True),
    ),
    _finder("User:? (?:arn:)?aws", rf"\bUser:? (?P<principal>{_ARN}) is\b", at=(("User", 0),)),
    _finder(
        "o perform",
        r"[Tt]o perform(?: action)?:? (?P<action>[A-Za-z0-9-]{2,30}:[A-Za-z*]{2,60})",
        at=(("o perform", 1),),
    ),
    _finder(
        "polic(?i:y|ies) (?i:allow)",
        r"polic(?:y|ies) allows? the (?P<action>[a-z0-9-]{2,30}:[A-Za-z*]{2,60}) action",
        _I,
        (("polic", 0),),
    ),
    _finder(
        "not have (?i:the )?['\"]?(?i:kms|sts):",
        r"not have (?:the )?['\"]?(?P<action>(?:kms|sts):[A-Za-z*]{2,60})['\"]? (?:permission|access)",
        _I,
        (("not have ", 0),),
    ),
    _finder(
        "(?:AccessDenied(?:Exception)?:|ccess denied to) ?['\"]?(?i:kms|sts):",
        r"(?:AccessDenied(?:Exception)?:|[Aa]ccess denied to) ?['\"]?(?P<action>(?:kms|sts):[A-Za-z*]{2,60})",
        _I,
        (("AccessDenied", 0), ("ccess denied to", 1)),
    ),
    _finder(
        ("on resource", "on the resource"),
        rf"on (?:the )?resource:? [\"']?(?P<resource>{_ARN}|arn:aws[^\s\"',;]{{1,200}}|\*(?=[\s.,\"']|$))",
        at=(("on resource", 0), ("on the resource", 0)),
    ),
    _finder(
        "(?:Key|Alias) '?(?:(?:arn:)?aws|alias/)",
        rf"(?:Key|Alias) '?(?P<resource>{_ARN}|alias/[\w/-]{{1,256}})",
        at=(("Key", 0), ("Alias", 0)),
    ),
    _finder(
        r"\d:role/",
        r"(?P<role_arn>arn:aws[\w-]{0,12}:iam::\d{12}:role/[\w+=,.@/-]{1,512})",
        around=_Around(":role/", 40, 520, word=True),
    ),
    _finder(
        r":kms:[\w-]{2,30}:\d{12}:(?:key|alias)/",
        r"(?P<kms_key>arn:aws[\w-]{0,12}:kms:[\w-]{2,30}:\d{12}:(?:key/(?:mrk-)?[0-9a-fA-F-]{32,36}|alias/[\w/-]{1,256}))",
        at=(("arn:aws", 0),),
    ),
    _finder(":kms:", rf"(?P<resource>(?<![\w:]){_ARN})", at=_AT_ARN),
    _finder(r"aws[\w-]{0,12}:[\w-]{2,20}:", rf"(?P<arn>(?<![\w:]){_ARN})", at=_AT_ARN),
    _finder(
        r"(?i:account):? ?\d{12}",
        r"\baccount:? ?(?P<account_id>\d{12})\b",
        _I,
        (("account", 0), ("Account", 0), ("ACCOUNT", 0)),
    ),
)
_OF_OPENAI: tuple[_Finder, ...] = (
    # What customers have in every cloud.
    _finder(
        r"(?i:external[_ -]?id)",
        r"external[_ -]?id[\"']?\s?[:=]{1,2}\s?[\"']?(?P<external_id>(?:org-|proj_)[A-Za-z0-9]{4,60})",
        _I,
        at=(("xternal", 1), ("EXTERNAL", 0)),
    ),
    _finder("org-", r"(?<![\w-])(?P<organization_id>org-[A-Za-z0-9]{8,60})(?![A-Za-z0-9])", at=(("org-", 0),)),
    _finder("proj_", r"(?<!\w)(?P<openai_project_id>proj_[A-Za-z0-9]{6,60})", at=(("proj_", 0),)),
    _finder(
        r"(?i:region)[\"']?[:=]? ?[\"']?[A-Za-z]{2}-",
        r"\bregion[\"']?[:=]? ?[\"']?(?P<region>[a-z]{2}(?:-[a-z]{2,9}){1,2}-\d)\b",
        _I,
        at=(("egion", 1), ("REGION", 0)),
    ),
)
_OF_GCP: tuple[_Finder, ...] = (
    _finder(
        "workloadIdentityPools",
        r"projects/(?P<pool_project>[^/\s\"']{1,60})/locations/[^/\s\"']{1,40}/workloadIdentityPools/(?P<pool_id>[^/\s\"':,]{1,80})"
        r"(?:/providers/(?P<provider_id>[^/\s\"':,\])}]{1,80}))?",
        at=_AT_PROJECTS,
    ),
    _finder(
        r"//iam\.googleapis\.com/projects/\d",
        r"//iam\.googleapis\.com/projects/(?P<project_number>\d{5,19})/\S{0,80}?providers/(?P<provider_id>[a-z0-9-]{2,40})",
        at=(("//iam.googleapis.com/projects/", 0),),
    ),
    _finder(
        r"(?i:token) ?\[",
        r"audience in (?:the )?ID token ?\[(?!removed:)(?P<audience>[^\]]{1,300})\]",
        _I,
        at=(("audience in", 0), ("Audience in", 0)),
    ),
    _finder(
        "xpected audience",
        r"expected audience:? [\"']?(?P<expected_audience>[^\s\"'{}\]]{1,300})",
        _I,
        at=(("xpected audience", 1),),
    ),
    _finder("ermission '", r"Permission '(?P<permission>[A-Za-z0-9.]{3,100})' denied", _I, (("ermission '", 1),)),
    _finder(
        r"ermission[\"']? ?[:=]? ?[\[\"']{1,2}[A-Za-z]{2,40}\.",
        r"permission[\"']? ?[:=]? ?[\[\"']{1,2}(?P<permission>[a-z]{2,40}\.[A-Za-z]{2,60}\.[A-Za-z]{2,60})",
        _I,
        (("ermission", 1),),
    ),
    _finder(
        r"not have [a-z]{2,40}\.",
        r"not have (?P<permission>[a-z]{2,40}\.[A-Za-z]{2,60}\.[A-Za-z]{2,60}) (?:access|permission)",
        at=(("not have ", 0),),
    ),
    _finder(
        r"(?:cloudkms|iam)\.(?:cryptoKey|keyRing|serviceAccount)",
        r"\b(?P<permission>(?:cloudkms|iam)\.(?:cryptoKey|keyRing|serviceAccount)\w{0,30}\.[a-z]\w{2,60})",
        at=(("cloudkms.", 0), ("iam.", 0)),
    ),
    _finder(
        "keyRings/",
        r"projects/(?P<project_id>[^/\s\"']{1,60})/locations/(?P<location>[^/\s\"']{1,40})/keyRings/(?P<key_ring>[^/\s\"':,]{1,80})"
        r"(?:/cryptoKeys/(?P<key_name>[\w.-]{1,80}))?",
        at=_AT_PROJECTS,
    ),
    _finder("cryptoKeys/", r"cryptoKeys/(?P<key_name>[\w.-]{1,80})", at=(("cryptoKeys/", 0),)),
    _finder("cryptoKeyVersions/", r"cryptoKeyVersions/(?P<key_version>\d{1,9})", at=(("cryptoKeyVersions/", 0),)),
    _finder(
        " denied on resource", r"denied on resource:? '(?P<resource>[^'\s]{1,300})'", _I, ((" denied on resource", -1),)
    ),
    _finder(
        r"(?i:projects?)[/_ =]{1,2}(?i:number)?[:= ']{0,3}\d",
        r"\bprojects?[/_ =]{1,2}(?:number)?[:= ']{0,3}(?P<project_number>\d{5,19}|\d{1,4}(?= before or))(?![\w-])",
        _I,
        (("roject", 1),),
    ),
    _finder(
        r"projects/[a-z][a-z0-9:.-]{3}",
        r"\bprojects/(?P<project_id>[a-z][a-z0-9:.-]{3,40})(?=[/\s\"'])",
        at=_AT_PROJECTS,
    ),
    _finder(
        r"(?i:project(?:_id)?)[\"']?[:=] ?[\"']?[A-Za-z]",
        r"PROJECT(?:_ID)?[\"']?[:=] ?[\"']?(?P<project_id>[a-z][a-z0-9-]{4,28}[a-z0-9])\b(?![.@/])",
        _I,
        (("PROJECT", 0), ("roject", 1)),
    ),
    _finder(
        r"\.iam\.gserviceaccount\.com",
        rf"@(?!{_OF_GOOGLE})(?P<project_id>[a-z][a-z0-9-]{{4,28}}[a-z0-9])\.iam\.gserviceaccount\.com",
        around=_Around(".iam.gserviceaccount.com", 31, 24, word=True),
    ),
)
_OF_AZURE: tuple[_Finder, ...] = (
    _finder(r"AADSTS\d", r"(?P<aadsts_code>AADSTS\d{4,8})\b", at=(("AADSTS", 0),)),
    _finder(r"Error\(s\): \d", r"Error\(s\): (?P<aadsts_number>\d{5,8})\b", at=(("Error(s): ", 0),)),
    _finder("error_codes", r"error_codes[\"']?: ?\[(?P<aadsts_number>\d{5,8})\b", at=(("error_codes", 0),)),
    _finder(
        rf"(?i:appid)=[\"']?{_GUID_BEGINS}",
        rf"\bappid=[\"']?(?P<app_id>{_GUID})",
        _I,
        (("appid", 0), ("appId", 0), ("AppId", 0), ("APPID", 0)),
    ),
    _finder(
        rf"(?i:app|application|client)(?i: with (?:the )?identifier| id)? ?[:=]? ?[\"'(]{{0,2}}{_GUID_BEGINS}",
        rf"\b(?:application|app|client)(?: with (?:the )?identifier| id)? ?[:=]? ?[\"'(]{{0,2}}(?P<app_id>{_GUID})",
        _I,
        (("pplication", 1), ("app", 0), ("App", 0), ("lient", 1)),
    ),
    _finder("oid=", rf"\boid=(?P<object_id>{_GUID})", at=(("oid=", 0),)),
    _finder("sts.windows.net", rf"sts\.windows\.net/(?P<tenant_id>{_GUID})", _I, at=(("sts.windows.net", 0),)),
    _finder(
        "login.microsoftonline",
        rf"login\.microsoftonline\.(?:com|us|cn)/(?P<tenant_id>{_GUID})",
        _I,
        at=(("login.microsoftonline", 0),),
    ),
    _finder(
        rf"(?i:(?:tenant|directory)(?: identifier|[ _-]?id| named| with)?)[\"']? ?[:=]? ?[\"'(]{{0,2}}{_GUID_BEGINS}",
        # As a setting too, after whatever the program puts before it: AZURE_TENANT_ID.
        r"(?<![A-Za-z0-9])(?:tenant|directory)(?: identifier|[ _-]?id| named| with)?[\"']? ?[:=]? ?"
        rf"[\"'(]{{0,2}}(?P<tenant_id>{_GUID})",
        _I,
        (("enant", 1), ("irectory", 1), ("TENANT", 0), ("DIRECTORY", 0)),
    ),
    _finder(
        (".vault",),
        r"\b(?P<vault>[a-zA-Z0-9][a-zA-Z0-9-]{1,126})\.(?:privatelink\.)?vault(?:core)?\.(?:azure\.net|azure\.cn|usgovcloudapi\.net)",
        around=_Around(".vault", 140, 40),
    ),
    # An "n" before a name is what is left of an escaped line break whose backslash was lost.
    _finder(
        r"(?i:vault):? ?'?[a-zA-Z0-9-]",
        r"(?:\b|(?<=\bn))Vault:? ?'?(?P<vault>[a-zA-Z0-9-]{2,126});location=",
        _I,
        at=(("ault", 1), ("VAULT", 0)),
    ),
    _finder("ey vault '", r"\bkey vault '(?P<vault>[a-zA-Z0-9-]{2,126})[';]", _I, at=(("ey vault '", 1),)),
    # Backup vaults of two clouds are missing in the same words.
    _finder(
        r"(?i:vault ['\"][a-zA-Z0-9-]{2,126}['\"] (?:was )?not found)",
        r"(?<!backup )(?<!services )\bvault ['\"](?P<vault>[a-zA-Z0-9-]{2,126})['\"] (?:was )?not found",
        _I,
        at=(("ault ", 1), ("VAULT ", 0)),
    ),
    _finder(
        "/vaults/",
        r"/vaults/(?!(?:keys|secrets|certificates)/)(?P<vault>[a-zA-Z0-9-]{2,126})\b",
        _I,
        at=(("/vaults/", 0),),
    ),
    _finder(
        "(?i:/keys/)",
        r"(?:vault(?:core)?\.azure\.net(?::443)?|/vaults/[a-z0-9-]{2,126})/keys/(?P<key_name>[a-zA-Z0-9-]{1,127})",
        _I,
        at=(("vault.azure.net", 0), ("vaultcore.azure.net", 0), ("/vaults/", 0)),
    ),
    _finder(
        ("name/id",),
        r"A key with \(name/id\) ['\"]?(?P<key_name>[a-zA-Z0-9_.-]{1,127})",
        _I,
        at=(("key with (name/id)", 2),),
    ),
    _finder("xisting ", r"existing key ['\"](?P<key_name>[a-zA-Z0-9_.-]{1,127})['\"]", _I, at=(("xisting ", 1),)),
    _finder("key_name", r"[\"']?key_name[\"']? ?[:=] ?[\"'](?P<key_name>[^\"'\s]{1,127})[\"']", at=(("key_name", 0),)),
    _finder(
        r"ction: '(?i:microsoft)\.",
        r"(?:\b|(?<=\bn))Action: '(?P<action>Microsoft\.[\w./]{3,120})'",
        _I,
        at=(("ction: '", 1),),
    ),
    _finder(
        r"erform action '?[Mm]icrosoft\.",
        r"\bperform action '?(?P<action>Microsoft\.[\w./]{3,120})'?",
        _I,
        (("erform action", 1),),
    ),
    _finder(
        r"[Mm]icrosoft\.(?i:keyvault)/",
        r"\b(?P<action>Microsoft\.KeyVault/[\w./]{3,120}?/(?:action|read|write|delete))\b",
        _I,
        at=(("icrosoft.", 1),),
    ),
    _finder(
        r"not have (?i:keys|secrets|certificates) ",
        r"not have (?:keys|secrets|certificates) (?P<action>[a-z]{2,20}) permission",
        _I,
        at=(("not have ", 0),),
    ),
    _finder(
        r"peration [a-zA-Z]{2,20} (?i:is not )(?i:permitted|allowed)",
        r"\bOperation (?P<action>[a-zA-Z]{2,20}) is not (?:permitted|allowed)",
        _I,
        (("peration ", 1),),
    ),
    _finder(
        "esource: '",
        r"(?:\b|(?<=\bn))Resource: '(?P<resource>/subscriptions/[^'\s]{1,400})'",
        _I,
        at=(("esource: '", 1),),
    ),
    _finder(
        f"/subscriptions/{_GUID_BEGINS}",
        rf"/subscriptions/(?P<subscription_id>{_GUID})",
        _I,
        at=(("/subscriptions/", 0),),
    ),
    _finder(
        "/resource[gG]roups/",
        r"/resourcegroups/(?P<resource_group>[\w.()-]{1,90})/",
        _I,
        at=(("/resourcegroups/", 0), ("/resourceGroups/", 0)),
    ),
)

_TRAILING = ".,;:)]}>'\"|"
_READ_FURTHER = frozenset(
    ("resource", "principal", "arn", "expected_audience", "role_arn", "pool_project", "aadsts_number")
)
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]{2,9}){1,2}-\d")
_ACCOUNT = re.compile(r"\d{12}")


_ALL = (*_OF_AWS, *_OF_OPENAI, *_OF_GCP, *_OF_AZURE)


def _those_of(*finders: _Finder) -> frozenset[int]:
    return frozenset(_ALL.index(finder) for finder in finders)


_EVERY = frozenset(range(len(_ALL)))
_BY_PROVIDER = {
    Provider.AWS: _those_of(*_OF_AWS, *_OF_OPENAI),
    Provider.GCP: _those_of(*_OF_OPENAI, *_OF_GCP),
    Provider.AZURE: _those_of(*_OF_OPENAI, *_OF_AZURE),
}


def telltales() -> tuple[str, ...]:
    """For each finder the pattern, in RE2 syntax, that matches in every text in which it can find something."""
    return tuple(finder.telltale for finder in _ALL)


def finders_of(provider: Provider) -> frozenset[int]:
    """The numbers of the finders whose values the provider's errors name."""
    return _BY_PROVIDER.get(provider, _EVERY)


def _searcher(numbers: frozenset[int]) -> tuple[re2.Set, tuple[int, ...]]:
    order, patterns = tuple(sorted(numbers)), telltales()
    found = re2.Set.SearchSet()
    for number in order:
        found.Add(patterns[number])
    found.Compile()
    return found, order


_SEARCHERS = {provider: _searcher(numbers) for provider, numbers in _BY_PROVIDER.items()}
_SEARCH_ALL = _searcher(_EVERY)


def _likely(text: str, provider: Provider | None) -> list[_Finder]:
    """The finders whose telltale stands in the text, in the order of trust."""
    searcher, order = _SEARCHERS.get(provider, _SEARCH_ALL) if provider else _SEARCH_ALL
    return [_ALL[order[at]] for at in sorted(searcher.Match(text.encode("utf-8", "replace")) or ())]


@lru_cache(maxsize=4096)
def _chosen(numbers: tuple[int, ...]) -> Sequence[_Finder]:
    return tuple(_ALL[number] for number in numbers)


def extract(text: str, provider: Provider | None = None) -> tuple[Entity, ...]:
    """All values in a NORMALISED text of at most ``LIMIT`` characters (the rest is not searched).

    The order is that of trust: the value a provider's own sentence gives comes before one that merely stands nearby, so
    the first entity of a name is the one to use. A masked value (``***``, ``<account>``) is given as it stands.
    provider: look only for the values that its errors name, so that a line about two clouds gives those of the one.
    """
    text = text[:LIMIT]
    found: dict[tuple[str, str], Entity] = {}
    places: _Places = {}
    for finder in _likely(text, provider):
        done = 0
        while match := finder.following(text, places, done):
            done = match.end()
            for group in finder.names:
                for name, value, length in _named(group, match.group(group)):
                    if (name, value) not in found:
                        start = match.start(group)
                        found[name, value] = Entity(name, value, start, start + length)
    return tuple(found.values())


def values(text: str, provider: Provider, likely: tuple[int, ...] | None = None) -> dict[str, str]:
    """One value a name: what ``diagnose.read_values`` makes of ``extract``, without the values that change nothing.

    likely: the numbers, ascending, of the provider's ``telltales`` that match in the text, where they are known.
    """
    text = text[:LIMIT]
    finders = _likely(text, provider) if likely is None else _chosen(likely)
    places: _Places = {}
    read: dict[str, str] = {}
    usable: dict[str, str] = {}
    for finder in finders:
        only, gives = finder.only, finder.gives
        done = 0
        while not (only in usable or usable.keys() >= gives) and (match := finder.following(text, places, done)):
            done = match.end()
            for group in finder.names:
                for name, value, _ in _named(group, match.group(group)):
                    if name not in usable and well_formed(name, value):
                        usable[name] = value
                    elif name not in read:
                        read[name] = value
    read |= usable
    if read.get("account_id") == vendor.AWS_ACCOUNT:
        del read["account_id"]
    return read


def _named(group: str, value: str | None) -> Sequence[tuple[str, str, int]]:
    """The values that a group's text stands for: name, value, and how much of the text they are read from."""
    if not value:
        return ()
    if group not in _READ_FURTHER:
        return ((group, value, len(value)),)
    if group == "pool_project":
        return (("project_number" if value.isdigit() else "project_id", value, len(value)),)
    if group == "aadsts_number":
        return (("aadsts_code", f"AADSTS{value}", len(value) + 6),)
    if not (value[-1].isalnum() or value.endswith(">") or _closed(value, "[]") or _closed(value, "{}")):
        # behind a caller the sentence goes on: its dots are those of a name that somebody cut
        value = value.rstrip(_TRAILING.replace(".", "") if group == "principal" else _TRAILING)
    value = value.partition("](")[0]
    if not value:
        return ()
    length = len(value)
    if group not in ("resource", "arn"):
        return ((group, value, length),)
    # The caller's own account comes last: the refused resource is the customer's.
    named = [(group, value, length)] if group == "resource" else []
    parts = value.split(":", 5)
    if len(parts) == 6 and parts[0] == "arn":
        if _REGION.fullmatch(parts[3]):
            named.append(("region", parts[3], length))
        if _ACCOUNT.fullmatch(parts[4]):
            named.append(("account_id", parts[4], length))
    return named


def _closed(value: str, brackets: str) -> bool:
    """Whether a value ends with a bracket that opens in it, and so is no mark of the text around."""
    return value.endswith(brackets[1]) and value.count(brackets[0]) == value.count(brackets[1])


def first(entities: Sequence[Entity]) -> dict[str, str]:
    """One value a name: the most trusted one."""
    values: dict[str, str] = {}
    for entity in entities:
        values.setdefault(entity.name, entity.value)
    return values
