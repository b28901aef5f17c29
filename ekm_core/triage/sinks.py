"""What a triage writes: the rows as they came, their text redacted, with what was found in four more columns."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from ekm_core.batch import Result
from ekm_core.triage.rows import Row, TriageError
from ekm_core.triage.sources import format_of

ADDED = ("error_id", "error_ids", "provider", "entities")


class Sink(Protocol):
    def write(self, rows: Sequence[Row], results: Sequence[Result], lines: Sequence[bytes]) -> None: ...
    def close(self) -> None: ...


_ESCAPED_LETTER = re.compile(rb"\\u00")  # three times as fast as ``in`` on lines with many backslashes
_NOTHING: Row = {"error_id": "", "error_ids": [], "provider": "", "entities": {}}
_NOTHING_IN_JSON = b',"error_id":"","error_ids":[],"provider":"","entities":{}}'


class _Jsonl:
    def __init__(self, file: BinaryIO, column: str) -> None:
        import orjson

        self._file, self._column, self._dumps = file, column, orjson.dumps
        # A name of other characters could stand in a line with escapes, where it is not looked for.
        self._name = orjson.dumps(column) if re.fullmatch(r"[\w .-]+", column, re.ASCII) else b""

    def write(self, rows: Sequence[Row], results: Sequence[Result], lines: Sequence[bytes]) -> None:
        column, name, dumps = self._column, self._name, self._dumps
        out = []
        for row, result, line in zip(rows, results, lines or [b""] * len(rows), strict=True):
            text, ids, provider, entities = result
            added: Row = _NOTHING
            if ids:
                added = {"error_id": ids[0], "error_ids": ids, "provider": provider, "entities": entities}
            if text == row[column] and _extensible(line, name) and row.keys().isdisjoint(ADDED):
                # As it came, with the new columns behind: far cheaper than to write the row anew.
                out.append(line[:-1] + (b"," + dumps(added)[1:] if ids else _NOTHING_IN_JSON))
            else:
                out.append(dumps({**row, column: text, **added}))
        if out:
            out.append(b"")
            self._file.write(b"\n".join(out))

    def close(self) -> None:
        self._file.close()


def _extensible(line: bytes, name: bytes) -> bool:
    """Whether columns may be added to a line of JSON as it stands: it holds the quoted name of the text once only.

    A second one, perhaps with escapes in its name, would be lost on reading, but its secrets would be written out.
    """
    return line.endswith(b"}") and name != b"" and line.count(name) == 1 and not _ESCAPED_LETTER.search(line)


class _Csv:
    def __init__(self, file: BinaryIO, column: str) -> None:
        self._text = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="")
        self._column = column
        self._writer: csv.DictWriter[str] | None = None

    def write(self, rows: Sequence[Row], results: Sequence[Result], lines: Sequence[bytes]) -> None:
        if self._writer is None:
            self._writer = csv.DictWriter(self._text, _columns(rows))
            self._writer.writeheader()
        flat = [
            _flat(row, result, self._column, ";".join(result.ids)) for row, result in zip(rows, results, strict=True)
        ]
        try:
            self._writer.writerows(flat)
        except ValueError as problem:
            raise TriageError(
                f"a later row has columns that the first rows do not have; write .jsonl: {problem}"
            ) from problem

    def close(self) -> None:
        self._text.close()


class _Parquet:
    def __init__(self, file: BinaryIO, column: str) -> None:
        self._file, self._column = file, column
        self._writer: Any = None

    def write(self, rows: Sequence[Row], results: Sequence[Result], lines: Sequence[bytes]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        flat = [_flat(row, result, self._column, list(result.ids)) for row, result in zip(rows, results, strict=True)]
        try:
            if self._writer is None:
                table = pa.Table.from_pylist(flat)
                fixed = {"error_ids": pa.list_(pa.string()), **dict.fromkeys((self._column, "entities"), pa.string())}
                fields = [pa.field(field.name, fixed.get(field.name, field.type)) for field in table.schema]
                self._writer = pq.ParquetWriter(self._file, pa.schema(fields))
            schema = self._writer.schema
            if unknown := {name for row in flat for name in row} - set(schema.names):
                raise TriageError(
                    f"later rows have columns that the first rows do not have; write .jsonl: {min(unknown)}"
                )
            self._writer.write_table(pa.Table.from_pylist(flat, schema=schema))
        except pa.ArrowException as problem:
            raise TriageError(f"a column holds values of several types; write .jsonl instead: {problem}") from problem

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._file.close()


def _columns(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys([*(name for row in rows for name in row if name not in ADDED), *ADDED]))


def _flat(row: Row, result: Result, column: str, ids: str | list[str]) -> Row:
    return {
        **row,
        column: result.text,
        "error_id": result.ids[0] if result.ids else "",
        "error_ids": ids,
        "provider": result.provider,
        "entities": json.dumps(dict(result.entities or {}), ensure_ascii=False),
    }


_SINKS: Mapping[str, Callable[[BinaryIO, str], Sink]] = {"jsonl": _Jsonl, "csv": _Csv, "parquet": _Parquet}


def opened(source: str, out: str | None, column: str, stack: ExitStack) -> tuple[Sink | None, Callable[[], None]]:
    """Where the rows go, and what gives the finished file its name."""
    if out is None:
        return None, lambda: None
    make = _SINKS.get(format_of(out))
    packed = out.lower().endswith(".gz")
    if make is None or (packed and make is _Parquet):
        raise TriageError(f"{out!r} must end with .csv, .jsonl or .parquet (.csv.gz and .jsonl.gz are fine)")
    target = Path(out)
    if source != "-" and target.exists() and target.samefile(source):
        raise TriageError("OUT is the input itself; give it another name")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as problem:
        raise TriageError(f"cannot write {out!r}: {problem.strerror}") from problem
    stack.callback(Path(name).unlink, missing_ok=True)
    plain = stack.enter_context(os.fdopen(handle, "wb"))
    # fast rather than small, and without a file name inside
    file = io.BufferedWriter(gzip.GzipFile("", "wb", 3, plain)) if packed else plain

    def finish() -> None:
        plain.close()
        Path(name).chmod(0o644)
        Path(name).replace(target)

    return make(file, column), finish
