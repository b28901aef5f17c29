"""A summary in other people's tools: Markdown to read, the kept rows as csv or parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from ekm_core import catalogue
from ekm_core.triage.job import Counts
from ekm_core.triage.results import MOST_COUNTED, Affected, Group, Summary, TableRow

MOST_LINES = 50
"""Of one table in the Markdown."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def markdown(summary: Summary, counts: Counts) -> str:
    """What broke, since when, for whom, and what nobody knows yet."""
    known, lasted = catalogue.errors(), summary.lasted
    never = "", ""
    parts = [
        "# Triage",
        f"{summary.rows:,} messages, {summary.matched:,} with a known error; "
        f"{counts.bad:,} row{'' if counts.bad == 1 else 's'} could not be read; "
        f"{counts.silent:,} audit records without an error.",
        "## Known errors",
        _table(
            ("Messages", "Error", "Title", "First", "Last"),
            ((f"{n:,}", id, known[id].title, *lasted.get(id, never)) for id, n in summary.by_error.items()),
        ),
        "## By cloud",
        _table(("Messages", "Cloud"), _counted(summary.by_cloud)),
        "## By link of the chain",
        _table(("Messages", "Link"), _counted(summary.by_link)),
        "## Since when, for whom",
        _table(
            ("Messages", "Error", "Customer", "First", "Last"),
            ((f"{a.count:,}", a.error_id, a.customer, a.first, a.last) for a in summary.affected[:MOST_LINES]),
        ),
        "## Messages that nobody knows yet",
        _table(
            ("Messages", "Customers", "Template", "First", "Last"),
            ((f"{g.count:,}", customers(g), g.template, g.first, g.last) for g in foremost(summary.groups)),
        ),
    ]
    if counts.bad:
        parts += ["## Rows that could not be read", "\n".join(f"- {_inert(row.sentence)}" for row in counts.named)]
    return "\n\n".join(parts) + "\n"


def customers(group: Group) -> str:
    """How many customers have a message of this group, in words; "" where no customer is known."""
    if group.customers == MOST_COUNTED:
        return f"{MOST_COUNTED} or more"
    return f"{group.customers}" if group.customers else ""


def foremost(groups: Sequence[Group]) -> list[Group]:
    """As many as one table of the Markdown has: of those without a word that errors have at least a fifth."""
    quiet = [group for group in groups if not group.alarming]
    loud = [group for group in groups if group.alarming][: MOST_LINES - min(len(quiet), MOST_LINES // 5)]
    return [*loud, *quiet][:MOST_LINES]


def affected_as_csv(affected: Iterable[Affected]) -> bytes:
    """Which customer has which error, how often and since when, as csv."""
    names = ("messages", "error_id", "customer", "first", "last")
    return _csv(names, ((item.count, item.error_id, item.customer, item.first, item.last) for item in affected))


def as_csv(rows: Iterable[TableRow]) -> bytes:
    """The rows as csv."""
    names = ("number", "time", "customer", "error_id", "text")
    return _csv(names, ((row.number, row.time, row.customer, row.error_id, row.text) for row in rows))


def as_parquet(rows: Iterable[TableRow]) -> bytes:
    """The rows as parquet, unchanged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = ("time", "customer", "error_id", "text")
    schema = pa.schema([("number", pa.int64()), *((name, pa.string()) for name in names)])
    plain = [asdict(row) for row in rows]
    for row in plain:
        row["text"] = row["text"].encode("utf-8", "replace").decode()
    made = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(plain, schema=schema), made)
    return made.getvalue()


def _counted(counts: Mapping[str, int]) -> Iterable[tuple[str, str]]:
    return ((f"{count:,}", name) for name, count in counts.items())


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(map(_inert, row))} |" for row in rows]
    if not lines:
        return "None."
    return "\n".join([f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines])


def _inert(text: str) -> str:
    """A value of a message as it may stand in Markdown: it can make no column, no link and no markup."""
    line = " ".join(text.split())
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>|#!&" else sign for sign in line)


def _csv(names: Sequence[str], rows: Iterable[Sequence[str | int]]) -> bytes:
    """A cell that a spreadsheet would take for a formula gets an apostrophe in front."""
    made = io.StringIO(newline="")
    writer = csv.writer(made)
    writer.writerow(names)
    for row in rows:
        writer.writerow(f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell for cell in row)
    return made.getvalue().encode("utf-8", "replace")
