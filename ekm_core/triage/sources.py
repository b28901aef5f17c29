"""What a triage reads: rows of every format, block by block, the bad ones counted and left out."""

from __future__ import annotations

import csv
import gzip
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

_BLOCK = 2 << 20
_LONGEST = 16 << 20
ROWS_AT_ONCE = 4096
_MOST_NAMED = 20

Row = dict[str, Any]
Batch = tuple[list[Row], list[bytes]]
"""Rows, and the lines of JSON that they were read from (none for other formats)."""


class TriageError(Exception):
    """The input or the output cannot be used; the message is one sentence for the person at the terminal."""


@dataclass(slots=True)
class Progress:
    """What has been read so far; the readers write it, the bar shows it."""

    size: int = 0
    position: Callable[[], int] = lambda: 0
    rows: int = 0
    number: int = 0
    bad: int = 0
    bad_rows: tuple[int, ...] = ()

    def leave_out(self) -> None:
        """Counts the current row as unreadable."""
        self.bad += 1
        if len(self.bad_rows) < _MOST_NAMED:
            self.bad_rows = (*self.bad_rows, self.number)


def _lines(file: BinaryIO, seen: Progress) -> Iterator[list[bytes]]:
    """Blocks of whole lines without their line breaks; a line of more than 16 MiB is left out and counted."""
    rest = b""
    skipping = False
    while block := file.read(_BLOCK):
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        if skipping and lines:
            lines.pop(0)
            skipping = False
        if len(rest) > _LONGEST:
            rest, skipping = b"", True
            yield lines
            seen.number += 1
            seen.leave_out()
        elif skipping:
            rest = b""
        elif lines:
            yield lines
    if rest and not skipping:
        yield [rest]


def _read_log(file: BinaryIO, column: str, seen: Progress) -> Iterator[Batch]:
    for lines in _lines(file, seen):
        seen.number += len(lines)
        yield [{column: line.rstrip(b"\r").decode("utf-8", "replace")} for line in lines], []


def _read_jsonl(file: BinaryIO, column: str, seen: Progress) -> Iterator[Batch]:
    import orjson

    for lines in _lines(file, seen):
        rows: list[Row] = []
        read: list[bytes] = []
        for line in lines:
            seen.number += 1
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError:
                if line.strip():
                    seen.leave_out()
                continue
            if isinstance(row, dict) and isinstance(row.get(column), str):
                rows.append(row)
                read.append(line)
            else:
                seen.leave_out()
        yield rows, read


def _read_csv(file: BinaryIO, column: str, seen: Progress) -> Iterator[Batch]:
    csv.field_size_limit(_LONGEST)
    reader = csv.reader(io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline=""))
    header = next(reader, [])
    if column not in header:
        raise TriageError(f"the csv has no column {column!r}; its columns are: {', '.join(header) or 'none'}")
    rows: list[Row] = []
    while True:
        seen.number += 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error:
            seen.leave_out()
            continue
        if len(cells) == len(header):
            rows.append(dict(zip(header, cells, strict=True)))
        elif cells:
            seen.leave_out()
        if len(rows) == ROWS_AT_ONCE:
            yield rows, []
            rows = []
    yield rows, []


def _read_parquet(file: BinaryIO, column: str, seen: Progress) -> Iterator[Batch]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(file)
        if column not in table.schema_arrow.names:
            raise TriageError(
                f"the file has no column {column!r}; its columns are: {', '.join(table.schema_arrow.names)}"
            )
        for batch in table.iter_batches(batch_size=ROWS_AT_ONCE):
            rows: list[Row] = []
            for row in batch.to_pylist():
                seen.number += 1
                if isinstance(row[column], str):
                    rows.append(row)
                else:
                    seen.leave_out()
            yield rows, []
    except pa.ArrowException as problem:
        raise TriageError(f"this is not a readable parquet file: {problem}") from problem


READERS = {"jsonl": _read_jsonl, "csv": _read_csv, "parquet": _read_parquet, "log": _read_log}
_ENDINGS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet", ".pq": "parquet"}


def format_of(path: str) -> str:
    """What the ending says, .gz apart: jsonl, csv, parquet, or "" where it says nothing."""
    name = path.lower().removesuffix(".gz")
    return next((kind for ending, kind in _ENDINGS.items() if name.endswith(ending)), "")


def opened(source: str, stack: ExitStack, seen: Progress) -> tuple[BinaryIO, str]:
    """The bytes of the source, unpacked, and its format."""
    if source == "-":
        file = cast(io.BufferedReader, sys.stdin.buffer)
    else:
        try:
            # closed by the stack, at the end of the run
            file = stack.enter_context(Path(source).open("rb"))  # noqa: SIM115
        except OSError as problem:
            raise TriageError(f"cannot read {source!r}: {problem.strerror}") from problem
        seen.size = os.fstat(file.fileno()).st_size
        seen.position = file.tell
    kind = format_of(source)
    if file.peek(2)[:2] == b"\x1f\x8b":
        file = io.BufferedReader(stack.enter_context(gzip.GzipFile(fileobj=file)))
        if kind == "parquet":
            # parquet is read from its end, which a stream cannot give; the stack closes it
            unpacked = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
            shutil.copyfileobj(file, unpacked, _BLOCK)
            unpacked.seek(0)
            return unpacked, kind
    return file, kind or ("jsonl" if file.peek(4096).lstrip()[:1] == b"{" else "log")
