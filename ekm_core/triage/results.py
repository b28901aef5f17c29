"""What a triage found, as one value: counts, what broke when and for whom, unknown messages by template, some rows.

``Collector`` is fed while rows are read; ``summary`` gives the frozen result. All of it is bounded, however large the
input is, and all texts in it are redacted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import re2

from ekm_core import catalogue, entities, normalise, redact
from ekm_core.batch import Result
from ekm_core.model import Link, Provider
from ekm_core.pasted import shown
from ekm_core.pseudonyms import Pseudonyms
from ekm_core.triage.rows import Row

MOST_KNOWN, MOST_UNKNOWN, OF_EACH = 3_000, 2_000, 20
"""Rows kept for the table: so many with a known error and so many without, spread over the whole input; and the first
ones of each error, however rare it is."""
LONGEST_TEXT = 4_000
MOST_GROUPS, QUIET_GROUPS = 200, 50
"""Groups of unknown messages in the result; so many of them are kept for those without a word that errors have."""
MOST_COUNTED = 100
"""Customers of one group are counted up to here."""
_MOST_TEMPLATES = 4_000
_MOST_CUSTOMERS = 2_000
_MOST_HOURS = 20_000
_HOURLY = 72
"""So many hours between the first and the last are still shown hour by hour."""
OTHERS = "(other customers)"


@dataclass(frozen=True, slots=True)
class TableRow:
    """One message. number: its place among the messages, from 1. text: redacted, at most 4,000 characters of it."""

    number: int
    time: str
    customer: str
    error_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Point:
    """So many messages with this error began in the hour or day that starts at ``start`` (ISO 8601, UTC)."""

    start: str
    error_id: str
    count: int


@dataclass(frozen=True, slots=True)
class Affected:
    """One error of one customer: how often, and when first and last ("" where no time was given)."""

    error_id: str
    customer: str
    count: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Group:
    """Unknown messages of one template.

    template: the message with what varies replaced by ``<*>``. sample: one of them, redacted, identifiers renamed.
    alarming: whether it has a word that errors have; such groups come first. customers: how many they came from, at
    most ``MOST_COUNTED``, which then stands for any larger number.
    """

    template: str
    count: int
    first: str
    last: str
    sample: str
    alarming: bool
    customers: int


@dataclass(frozen=True, slots=True)
class Summary:
    """All that a triage found. by_error … by_link: messages by their first error, the most frequent first.

    bucket: "hour" or "day". ungrouped: unknown messages whose templates were too many to keep. untimed: messages
    without a readable time.
    """

    rows: int
    by_error: Mapping[str, int]
    by_cloud: Mapping[str, int]
    by_link: Mapping[str, int]
    bucket: str
    over_time: tuple[Point, ...]
    affected: tuple[Affected, ...]
    groups: tuple[Group, ...]
    ungrouped: int
    untimed: int
    table: tuple[TableRow, ...]

    @property
    def matched(self) -> int:
        """How many messages hold a known error."""
        return sum(self.by_error.values())

    @property
    def lasted(self) -> Mapping[str, tuple[str, str]]:
        """When each error was first and last seen, where times are known."""
        found: dict[str, tuple[str, str]] = {}
        for item in self.affected:
            if item.first:
                first, last = found.get(item.error_id, (item.first, item.last))
                found[item.error_id] = min(first, item.first), max(last, item.last)
        return found

    def of(self, error_id: str) -> Summary:
        """What broke, since when and for whom, of this error alone."""
        return replace(
            self,
            by_error={error_id: self.by_error[error_id]},
            over_time=tuple(point for point in self.over_time if point.error_id == error_id),
            affected=tuple(item for item in self.affected if item.error_id == error_id),
        )


@dataclass(slots=True)
class _Span:
    count: int = 0
    first: float = 0.0
    last: float = 0.0

    def add(self, time: float) -> None:
        self.count += 1
        if time:
            self.first = min(self.first or time, time)
            self.last = max(self.last, time)


@dataclass(slots=True)
class _Template:
    sample: str
    span: _Span = field(default_factory=_Span)
    customers: set[str] = field(default_factory=set)


class _Spread:
    """Rows at equal distances, which grow with the input: whoever asks for the table wants to see the last day too."""

    def __init__(self, most: int) -> None:
        self.rows: list[TableRow] = []
        self._most, self._seen, self._distance = most, 0, 1

    def wants(self) -> bool:
        """Whether the next row is to be kept. Called once for each."""
        self._seen += 1
        return (self._seen - 1) % self._distance == 0

    def keep(self, row: TableRow) -> None:
        """Takes it; where there is no more room, every second one goes."""
        self.rows.append(row)
        if len(self.rows) > self._most:
            self.rows = self.rows[::2]
            self._distance *= 2


class Collector:
    """Gathers a summary from rows and their results. time_column, customer_column: "" where the rows have none."""

    def __init__(self, time_column: str = "", customer_column: str = "") -> None:
        self._time, self._customer = time_column or "time", customer_column or "customer"
        self._rows = self._untimed = self._ungrouped = self._removed = 0
        self._errors: Counter[str] = Counter()
        self._hours: Counter[tuple[int, str]] = Counter()
        self._affected: dict[tuple[str, str], _Span] = {}
        self._customers: dict[str, str] = {}
        self._templates: dict[str, _Template] = {}
        self._known, self._unknown = _Spread(MOST_KNOWN), _Spread(MOST_UNKNOWN)
        self._first: list[TableRow] = []

    def add(self, rows: Sequence[Row], results: Sequence[Result]) -> None:
        """Takes the rows of one chunk."""
        for row, result in zip(rows, results, strict=True):
            self._rows += 1
            text = result.text
            moment = seconds(row[self._time]) if self._time in row else _leading(text)
            self._untimed += not moment
            customer = self._named(row.get(self._customer))
            error_id = result.ids[0] if result.ids else ""
            if error_id:
                self._errors[error_id] += 1
                if moment and (len(self._hours) < _MOST_HOURS or (int(moment // 3600), error_id) in self._hours):
                    self._hours[int(moment // 3600), error_id] += 1
                self._affected.setdefault((error_id, customer), _Span()).add(moment)
            elif text.strip():
                self._group(text, moment, customer)
            if text.strip():
                spread = self._known if error_id else self._unknown
                is_first, is_next = 0 < self._errors.get(error_id, 0) <= OF_EACH, spread.wants()
                if is_first or is_next:
                    kept = TableRow(self._rows, written(moment), customer, error_id, text[:LONGEST_TEXT])
                    if is_first:
                        self._first.append(kept)
                    if is_next:
                        spread.keep(kept)

    def summary(self) -> Summary:
        """What was found so far."""
        known = catalogue.errors()
        clouds: Counter[str] = Counter()
        links: Counter[str] = Counter()
        for error_id, count in self._errors.items():
            clouds[known[error_id].provider] += count
            links[known[error_id].link] += count
        hours = [hour for hour, _ in self._hours]
        bucket = "hour" if not hours or max(hours) - min(hours) <= _HOURLY else "day"
        points: Counter[tuple[int, str]] = Counter()
        for (hour, error_id), count in self._hours.items():
            points[hour if bucket == "hour" else hour - hour % 24, error_id] += count
        return Summary(
            rows=self._rows,
            by_error=dict(self._errors.most_common()),
            by_cloud={name: clouds[name] for name in Provider if clouds[name]},
            by_link={name: links[name] for name in Link if links[name]},
            bucket=bucket,
            over_time=tuple(Point(written(hour * 3600), name, points[hour, name]) for hour, name in sorted(points)),
            affected=tuple(
                Affected(error_id, customer, span.count, written(span.first), written(span.last))
                for (error_id, customer), span in sorted(self._affected.items(), key=lambda item: -item[1].count)
            ),
            groups=self._groups(),
            ungrouped=self._ungrouped,
            untimed=self._untimed,
            table=self._table(),
        )

    def _table(self) -> tuple[TableRow, ...]:
        kept = {row.number: row for row in (*self._first, *self._known.rows, *self._unknown.rows)}
        return tuple(kept[number] for number in sorted(kept))

    def _named(self, value: object) -> str:
        """The customer's name: redacted, bounded, and always the same for the same value."""
        if value is None or value == "":
            return ""
        name = str(value)[:200]
        if name not in self._customers:
            if len(self._customers) >= _MOST_CUSTOMERS:
                return OTHERS
            said = shown(redact.redact(name).text, 80)
            if said != shown(name, 80):  # or all whose name is an e-mail address would be one customer
                self._removed += 1
                said = f"{said} {self._removed}"
            self._customers[name] = said
        return self._customers[name]

    def _group(self, text: str, moment: float, customer: str) -> None:
        key = template(text)
        found = self._templates.get(key)
        if found is None:
            if len(self._templates) >= _MOST_TEMPLATES:
                self._forget()
            found = self._templates[key] = _Template(text[:LONGEST_TEXT])
        found.span.add(moment)
        if customer and len(found.customers) < MOST_COUNTED:
            found.customers.add(customer)

    def _forget(self) -> None:
        """Gives up the rarer half of the templates, so that one that comes late and often is still seen."""
        order = sorted(self._templates, key=lambda key: self._templates[key].span.count)
        for key in order[: len(order) // 2]:
            self._ungrouped += self._templates.pop(key).span.count

    def _groups(self) -> tuple[Group, ...]:
        order = sorted(self._templates.items(), key=lambda item: (-item[1].span.count, item[0]))
        kinds: dict[bool, list[tuple[str, _Template]]] = {True: [], False: []}
        for item in order:
            kinds[is_alarming(item[0])].append(item)
        quiet = kinds[False]
        loud = kinds[True][: MOST_GROUPS - min(len(quiet), QUIET_GROUPS)]
        return tuple(
            Group(
                key,
                found.span.count,
                written(found.span.first),
                written(found.span.last),
                pseudonymous(found.sample),
                number < len(loud),
                len(found.customers),
            )
            for number, (key, found) in enumerate([*loud, *quiet][:MOST_GROUPS])
        )


# What varies from message to message: quoted values, and every word with a digit or a mark that names, paths and
# addresses have. What stays are the words that the program itself writes. Not RE2: its Python makes an object for each
# match, and there are a dozen in a message; the text is short, so that going back costs 2 ms at worst.
_VARIES = re.compile(
    r"'[^'\n]{1,300}'|\"[^\"\n]{1,300}\"|“[^”\n]{1,300}”|`[^`\n]{1,300}`|\[removed: [^\]]{1,60}\]"
    r"|(?>[^\s,;()\[\]{}0-9@/\\=_]*)[0-9@/\\=_][^\s,;()\[\]{}]*"
)
_RUN = re.compile(r"<\*>(?:[\s,;:.|()\[\]{}-]*<\*>)+")
_ALARM = re2.compile(
    r"(?i)\b(?:errors?|exceptions?|denied|den(?:y|ies)|fail\w*|fatal|invalid|forbidden|unauthori[sz]ed|refused|rejected"
    r"|cannot|can't|could not|unable|timed? ?out|(?:not|never) (?:\w+ed|found|valid)|missing|mismatch\w*|corrupt\w*"
    r"|expired|revoked|disabled|unreachable|unavailable|unsupported|abort\w*|panic)\b|(?i)(?:error|exception)\b"
)
_STAMP = re.compile(r"\[?(\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)")
_DOTTED = re.compile(r"(\d\d?)\.(\d\d?)\.(\d{4})(?:,? (\d\d:\d\d(?::\d\d)?))?")
_OF_SERVERS = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):")
_MAILED = re.compile(r"(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d|" + _OF_SERVERS.pattern)
_NAMED_ZONE = re.compile(r" ?(?:UTC|GMT)$")
_LONGEST_TEMPLATE = 300


def template(text: str) -> str:
    """A message with what varies masked, on one line, at most 300 characters."""
    line = " ".join(text[:2_000].split())[:1_000].encode("utf-8", "replace").decode()
    return _RUN.sub("<*>", _VARIES.sub("<*>", line))[:_LONGEST_TEMPLATE]


def is_alarming(text: str) -> bool:
    """Whether it has a word that errors have."""
    return _ALARM.search(text) is not None


def pseudonymous(text: str) -> str:
    """A redacted text with its identifiers renamed, as in a report for sharing."""
    plain = normalise.normalise(text).text
    found = [entity for provider in Provider for entity in entities.extract(plain, provider)]
    return Pseudonyms.of(found, text).apply(text)


def seconds(value: object) -> float:
    """A time of a row as seconds since 1970, 0 where it cannot be read. Without a zone it is taken as UTC.

    ISO 8601 and its looser forms in logs and databases, the dates of mails and of web servers, a German date, a
    datetime, or seconds or milliseconds since 1970. Not 11/20/2026: nobody knows whether the month comes first.
    """
    try:
        if isinstance(value, bool):
            return 0.0
        if isinstance(value, datetime):
            moment = value
        elif isinstance(value, int | float) or (isinstance(value, str) and re.fullmatch(r"\d{9,13}(\.\d+)?", value)):
            number = float(value)
            number = number / 1000 if number > 1e11 else number
            return number if 0 < number < 1e10 else 0.0
        elif isinstance(value, str):
            moment = _read(value.strip()[:60])
        else:
            return 0.0
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0


def _read(text: str) -> datetime:
    """Raises ValueError for what is no time."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        if found := _DOTTED.fullmatch(text):
            text = f"{found[3]}-{found[2]:0>2}-{found[1]:0>2} {found[4] or '00:00'}"
        elif _MAILED.match(text):
            return parsedate_to_datetime(_OF_SERVERS.sub(r"\1 \2 \3 ", text))
        return datetime.fromisoformat(_NAMED_ZONE.sub("+00:00", text).replace("/", "-"))


def written(moment: float) -> str:
    """The time as people read it, in UTC; "" for none."""
    try:
        return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S}" if moment else ""
    except (ValueError, OverflowError, OSError):
        return ""


def _leading(text: str) -> float:
    """The time at the beginning of a log's line."""
    match = _STAMP.match(text)
    return seconds(match.group(1)) if match else 0.0
