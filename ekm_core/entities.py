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
# An identifier as people paste it: real, masked (***, xxxx, ####) or a placeholder (<account-id>, ${VAR}).
_FIELD = r"(?:<[^<>]{1,60}>|[^\s:\"'()\[\]]{0,40}|\[[^\s\[\]]{1,40}\])"
_ARN = (
    rf"(?:arn:)?aws[\w-]{{0,12}}:[\w-]{{2,20}}:{_FIELD}:{_FIELD}"
    r"(?::(?:[^\s\"'()\[\],;`\\]|\[[^\s\[\]]{1,40}\]){1,300})?"
)


# Groups that make values of other names, or of more than their own.
_MAKES: Mapping[str, tuple[str, ...]] = {
    "resource": ("resource", "region", "account_id"),
    "arn": ("region", "account_id"),
    "pool_project": ("project_number", "project_id"),
    "aadsts_number": ("aadsts_code",),
}


@dataclass(frozen=True, slots=True)
class _Finder:
    """Where a value stands: the groups of the pattern are named after the entities they hold.

    telltale: one of these stands in every text that the pattern can match.
    names, gives: the pattern's groups, and the names of the values that they make.
    anchors: every match begins this many characters before one of these literals; () searches the whole text.
    ends: what every match ends with, "" for nothing special. It begins with a blank, and a match has no other blank
        unless it has angle brackets; so most places need no look with the pattern.
    around: how far a match reaches at most before and behind the place of its only telltale; (0, 0) for nothing
        known. It serves patterns that could begin at any letter and do not look beyond their match.
    """

    telltale: tuple[str, ...]
    pattern: re.Pattern[str]
    names: tuple[str, ...]
    gives: frozenset[str]
    anchors: tuple[tuple[str, int], ...]
    ends: str
    around: tuple[int, int]

    def matches(self, text: str, places: _Places) -> list[re.Match[str]]:
        """All matches from left to right, without overlap. ``places`` keeps the anchors' places of this text."""
        if any(self.around):
            return self._matches_around(text)
        if not self.anchors:
            return list(self.pattern.finditer(text))
        starts = places.get(self.anchors)
        if starts is None:
            starts = places[self.anchors] = _starts(text, self.anchors)
        found = []
        done = 0
        end = -1
        for start in starts:
            if start < done:
                continue
            if self.ends:
                if end < start:
                    end = text.find(self.ends, start)
                if end < 0:
                    break
                if text.find(" ", start) < end and text.find("<", start, end) < 0 and text.find(">", start, end) < 0:
                    continue
            if match := self.pattern.match(text, start):
                done = match.end()
                found.append(match)
        return found

    def _matches_around(self, text: str) -> list[re.Match[str]]:
        (telltale,), (before, behind) = self.telltale, self.around
        found: list[re.Match[str]] = []
        done = 0
        at = text.find(telltale)
        while at >= 0:
            if match := self.pattern.search(text, max(done, at - before), at + behind):
                done = match.end()
                found.append(match)
            at = text.find(telltale, at + 1)
        return found


def _starts(text: str, anchors: tuple[tuple[str, int], ...]) -> list[int]:
    starts = []
    for literal, before in anchors:
        at = text.find(literal)
        while at >= 0:
            if at >= before:
                starts.append(at - before)
            at = text.find(literal, at + 1)
    return starts if len(anchors) == 1 else sorted(set(starts))


_Places = dict[tuple[tuple[str, int], ...], list[int]]


def _finder(
    telltale: str | tuple[str, ...],
    pattern: str,
    flags: int = 0,
    at: tuple[tuple[str, int], ...] = (),
    ends: str = "",
    around: tuple[int, int] = (0, 0),
) -> _Finder:
    compiled = re.compile(pattern, flags)
    names = tuple(sorted(compiled.groupindex, key=compiled.groupindex.__getitem__))
    gives = frozenset(made for name in names for made in _MAKES.get(name, (name,)))
    return _Finder((telltale,) if isinstance(telltale, str) else telltale, compiled, names, gives, at, ends, around)


_AT_ARN = (("arn:aws", 0), ("aws", 0))
_I = re.IGNORECASE
_OF_AWS: tuple[_Finder, ...] = (
    # The sentence first, its values outrank others of the same name.
    _finder(
        ("is not auth",),
        rf"(?P<principal>(?:{_ARN}|\bassumed-role/[^\s\"']{{1,300}})"
        r"(?: [^\s\"':]{1,60}>[^\s\"']{0,200})?)\S{0,80} is not auth",
        at=(*_AT_ARN, ("assumed-role/", 0)),
        ends=" is not auth",
    ),
    _finder("User", rf"\bUser:? (?P<principal>{_ARN}) is\b", at=(("User", 0),)),
    _finder(("perform",), r"to perform:? (?P<action>[a-z0-9-]{2,30}:[A-Za-z*]{2,60})", _I, (("perform", 3),)),
    _finder(
        "polic", r"polic(?:y|ies) allows? the (?P<action>[a-z0-9-]{2,30}:[A-Za-z*]{2,60}) action", _I, (("polic", 0),)
    ),
    _finder(
        ("on resource", "on the resource"),
        rf"on (?:the )?resource:? [\"']?(?P<resource>{_ARN}|arn:aws[^\s\"',;]{{1,200}}|\*(?=[\s.,\"']|$))",
        _I,
        (("on resource", 0), ("on the resource", 0)),
    ),
    _finder(
        ("does not exist", "is not found", "Key '"),
        rf"(?:Key|Alias) '?(?P<resource>{_ARN}|alias/[\w/-]{{1,256}})",
        at=(("Key", 0), ("Alias", 0)),
    ),
    _finder("arn:aws", r"(?P<role_arn>arn:aws[\w-]{0,12}:iam::\d{12}:role/[\w+=,.@/-]{1,512})"),
    _finder(
        ":kms:",
        r"(?P<kms_key>arn:aws[\w-]{0,12}:kms:[\w-]{2,30}:\d{12}:(?:key/(?:mrk-)?[0-9a-fA-F-]{32,36}|alias/[\w/-]{1,256}))",
    ),
    _finder(":kms:", rf"(?P<resource>(?<![\w:]){_ARN})", at=_AT_ARN),
    _finder(("arn:aws", "aws:"), rf"(?P<arn>(?<![\w:]){_ARN})", at=_AT_ARN),
    _finder(
        "account", r"\baccount:? ?(?P<account_id>\d{12})\b", _I, at=(("account", 0), ("Account", 0), ("ACCOUNT", 0))
    ),
)
_OF_OPENAI: tuple[_Finder, ...] = (
    # What customers have in every cloud.
    _finder(
        ("xternal",),
        r"external[_ -]?id[\"']?\s?[:=]{1,2}\s?[\"']?(?P<external_id>(?:org-|proj_)[A-Za-z0-9]{4,60})",
        _I,
        at=(("xternal", 1), ("EXTERNAL", 0)),
    ),
    _finder("org-", r"(?<![\w-])(?P<organization_id>org-[A-Za-z0-9]{8,60})(?![A-Za-z0-9])", at=(("org-", 0),)),
    _finder("proj_", r"(?<!\w)(?P<openai_project_id>proj_[A-Za-z0-9]{6,60})", at=(("proj_", 0),)),
    _finder(
        "egion",
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
    ),
    _finder(
        "providers/",
        r"//iam\.googleapis\.com/projects/(?P<project_number>\d{5,19})/\S{0,80}?providers/(?P<provider_id>[a-z0-9-]{2,40})",
    ),
    _finder(
        ("oken [", "oken["),
        r"audience in (?:the )?ID token ?\[(?P<audience>[^\]]{1,300})\]",
        _I,
        at=(("audience in", 0), ("Audience in", 0)),
    ),
    _finder(
        "expected audience",
        r"expected audience:? [\"']?(?P<expected_audience>[^\s\"'{}\]]{1,300})",
        _I,
        at=(("xpected audience", 1),),
    ),
    _finder("ermission '", r"Permission '(?P<permission>[A-Za-z0-9.]{3,100})' denied", _I, (("ermission '", 1),)),
    _finder(
        "ermission",
        r"permission[\"']? ?[:=]? ?[\[\"']{1,2}(?P<permission>[a-z]{2,40}\.[A-Za-z]{2,60}\.[A-Za-z]{2,60})",
        _I,
        (("ermission", 1),),
    ),
    _finder("not have ", r"not have (?P<permission>[a-z]{2,40}\.[A-Za-z]{2,60}\.[A-Za-z]{2,60}) (?:access|permission)"),
    _finder(
        ("cloudkms.", "serviceAccounts."),
        r"\b(?P<permission>(?:cloudkms|iam)\.(?:cryptoKey|keyRing|serviceAccount)\w{0,30}\.[a-z]\w{2,60})",
        at=(("cloudkms.", 0), ("iam.", 0)),
    ),
    _finder(
        "keyRings/",
        r"projects/(?P<project_id>[^/\s\"']{1,60})/locations/(?P<location>[^/\s\"']{1,40})/keyRings/(?P<key_ring>[^/\s\"':,]{1,80})"
        r"(?:/cryptoKeys/(?P<key_name>[\w.-]{1,80}))?",
    ),
    _finder("cryptoKeys/", r"cryptoKeys/(?P<key_name>[\w.-]{1,80})"),
    _finder("cryptoKeyVersions/", r"cryptoKeyVersions/(?P<key_version>\d{1,9})"),
    _finder(
        " denied on resource", r"denied on resource:? '(?P<resource>[^'\s]{1,300})'", _I, ((" denied on resource", -1),)
    ),
    _finder(
        "roject",
        r"\bprojects?[/_ =]{1,2}(?:number)?[:= ']{0,3}(?P<project_number>\d{5,19}|\d{1,4}(?= before or))(?![\w-])",
        _I,
        (("roject", 1),),
    ),
    _finder(
        ("roject", "ROJECT"), r"\bprojects/(?P<project_id>[a-z][a-z0-9:.-]{3,40})(?=[/\s\"'])", at=(("projects/", 0),)
    ),
    _finder(
        ("PROJECT", "roject"),
        r"PROJECT(?:_ID)?[\"']?[:=] ?[\"']?(?P<project_id>[a-z][a-z0-9-]{4,28}[a-z0-9])\b(?![.@/])",
        _I,
        (("PROJECT", 0), ("roject", 1)),
    ),
    _finder(".iam.gserviceaccount.com", r"@(?P<project_id>[a-z][a-z0-9-]{4,28}[a-z0-9])\.iam\.gserviceaccount\.com"),
)
_OF_AZURE: tuple[_Finder, ...] = (
    _finder("AADSTS", r"(?P<aadsts_code>AADSTS\d{4,8})\b"),
    _finder("rror(s)", r"Error\(s\): (?P<aadsts_number>\d{5,8})\b"),
    _finder("rror_codes", r"error_codes[\"']?: ?\[(?P<aadsts_number>\d{5,8})\b"),
    _finder(
        "appid", rf"\bappid=[\"']?(?P<app_id>{_GUID})", _I, at=(("appid", 0), ("appId", 0), ("AppId", 0), ("APPID", 0))
    ),
    _finder(
        ("pplication", "client", " app "),
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
        ("enant", "irectory"),
        rf"\b(?:tenant|directory)(?: identifier| id| named| with)?[\"']? ?[:=]? ?[\"'(]{{0,2}}(?P<tenant_id>{_GUID})",
        _I,
        (("enant", 1), ("irectory", 1), ("TENANT", 0), ("DIRECTORY", 0)),
    ),
    _finder(
        ".vault",
        r"\b(?P<vault>[a-zA-Z0-9][a-zA-Z0-9-]{1,126})\.(?:privatelink\.)?vault(?:core)?\.(?:azure\.net|azure\.cn|usgovcloudapi\.net)",
        around=(140, 40),
    ),
    # An "n" before a name is what is left of an escaped line break whose backslash was lost.
    _finder(
        ("location=", "ault:"),
        r"(?:\b|(?<=\bn))Vault:? ?'?(?P<vault>[a-zA-Z0-9-]{2,126});location=",
        _I,
        at=(("ault", 1), ("VAULT", 0)),
    ),
    _finder("ey vault '", r"\bkey vault '(?P<vault>[a-zA-Z0-9-]{2,126})[';]", _I, at=(("ey vault '", 1),)),
    _finder("/vaults/", r"/vaults/(?P<vault>[a-zA-Z0-9-]{2,126})\b", _I, at=(("/vaults/", 0),)),
    _finder(
        "/keys/",
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
    _finder("ction: '", r"(?:\b|(?<=\bn))Action: '(?P<action>Microsoft\.[\w./]{3,120})'", _I, at=(("ction: '", 1),)),
    _finder("Microsoft.", r"\bperform action '?(?P<action>Microsoft\.[\w./]{3,120})'?", _I, at=(("erform action", 1),)),
    _finder(
        "Microsoft.",
        r"\b(?P<action>Microsoft\.KeyVault/[\w./]{3,120}?/(?:action|read|write|delete))\b",
        _I,
        at=(("icrosoft.", 1),),
    ),
    _finder(
        ("does not have", "not have"),
        r"not have (?:keys|secrets|certificates) (?P<action>[a-z]{2,20}) permission",
        _I,
        at=(("not have ", 0),),
    ),
    _finder(
        "peration ", r"\bOperation (?P<action>[a-zA-Z]{2,20}) is not (?:permitted|allowed)", _I, at=(("peration ", 1),)
    ),
    _finder(
        "esource: '",
        r"(?:\b|(?<=\bn))Resource: '(?P<resource>/subscriptions/[^'\s]{1,400})'",
        _I,
        at=(("esource: '", 1),),
    ),
    _finder("/subscriptions/", rf"/subscriptions/(?P<subscription_id>{_GUID})", _I, at=(("/subscriptions/", 0),)),
    _finder(
        "resourcegroups/",
        r"/resourcegroups/(?P<resource_group>[\w.()-]{1,90})/",
        _I,
        at=(("/resourcegroups/", 0), ("/resourceGroups/", 0)),
    ),
    _finder("resourceGroups/", r"/resourceGroups/(?P<resource_group>[\w.()-]{1,90})/"),
)

_TRAILING = ".,;:)]}>'\"|"
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
    return tuple("|".join(map(re2.escape, finder.telltale)) for finder in _ALL)


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
def _chosen(provider: Provider, numbers: tuple[int, ...]) -> Sequence[_Finder]:
    mine = _BY_PROVIDER.get(provider, _EVERY)
    return tuple(_ALL[number] for number in numbers if number in mine)


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
        for match in finder.matches(text, places):
            for group in finder.names:
                for name, value, length in _named(group, match.group(group)):
                    if (name, value) not in found:
                        start = match.start(group)
                        found[name, value] = Entity(name, value, start, start + length)
    return tuple(found.values())


def values(text: str, provider: Provider, likely: tuple[int, ...] | None = None) -> dict[str, str]:
    """One value a name: what ``diagnose.read_values`` makes of ``extract``, without the values that change nothing.

    likely: the numbers, ascending, of the ``telltales`` that match in the text, where they are known.
    """
    text = text[:LIMIT]
    finders = _likely(text, provider) if likely is None else _chosen(provider, likely)
    places: _Places = {}
    read: dict[str, str] = {}
    usable: dict[str, str] = {}
    for finder in finders:
        if finder.gives <= usable.keys():
            continue
        for match in finder.matches(text, places):
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
    if group in ("resource", "principal", "arn", "expected_audience", "role_arn"):
        value = _trim(value)
        if not value:
            return ()
    length = len(value)
    if group == "pool_project":
        return (("project_number" if value.isdigit() else "project_id", value, length),)
    if group == "aadsts_number":
        return (("aadsts_code", f"AADSTS{value}", length + 6),)
    if group not in ("resource", "arn"):
        return ((group, value, length),)
    # The caller's own account comes last: the refused resource is the customer's.
    named = [(group, value, length)] if group == "resource" else []
    parts = value.split(":", 5)
    if parts[0] == "arn" and len(parts) == 6:
        if _REGION.fullmatch(parts[3]):
            named.append(("region", parts[3], length))
        if _ACCOUNT.fullmatch(parts[4]):
            named.append(("account_id", parts[4], length))
    return named


def _trim(value: str) -> str:
    value = value.rstrip(_TRAILING) if not value.endswith(">") else value
    return value.split("](", 1)[0]


def first(entities: Sequence[Entity]) -> dict[str, str]:
    """One value a name: the most trusted one."""
    values: dict[str, str] = {}
    for entity in entities:
        values.setdefault(entity.name, entity.value)
    return values
