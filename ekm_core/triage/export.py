"""A summary in other people's tools: Markdown to read, the kept rows as csv or parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import asdict

from ekm_core import catalogue
from ekm_core.triage.job import Counts
from ekm_core.triage.results import Summary, TableRow

MOST_LINES = 50
"""Of one table in the Markdown."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def markdown(summary: Summary, counts: Counts) -> str:
    """What broke, since when, for whom, and what nobody knows yet."""
    known = catalogue.errors()
    parts = [
        "# Triage",
        f"{summary.rows:,} messages, {summary.matched:,} with a known error; {counts.bad:,} rows could not be read; "
        f"{counts.silent:,} audit records without an error.",
        "## Known errors",
        _table(("Messages", "Error", "Title"), ((f"{n:,}", id, known[id].title) for id, n in summary.by_error.items())),
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
            ("Messages", "Template", "First", "Last"),
            ((f"{g.count:,}", g.template, g.first, g.last) for g in summary.groups[:MOST_LINES]),
        ),
    ]
    if counts.bad:
        parts += ["## Rows that could not be read", "\n".join(f"- {_inert(row.sentence)}" for row in counts.named)]
    return "\n\n".join(parts) + "\n"


def as_csv(rows: Iterable[TableRow]) -> bytes:
    """The rows as csv. A cell that a spreadsheet would take for a formula gets an apostrophe in front."""
    made = io.StringIO(newline="")
    writer = csv.writer(made)
    writer.writerow(("number", "time", "customer", "error_id", "text"))
    for row in rows:
        writer.writerow((row.number, row.time, _cell(row.customer), row.error_id, _cell(row.text)))
    return made.getvalue().encode("utf-8", "replace")


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


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
