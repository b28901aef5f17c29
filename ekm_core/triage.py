"""Many messages at once: the same redaction, classifier and values as for one paste, over a file of any size.

In: csv, jsonl, parquet or a plain log (one line is one message), .gz of each, or ``-`` for standard input (jsonl or
plain log). Out, by the ending of OUT: csv, jsonl or parquet with four columns added:

    error_id    the first known error, the root cause, or ""
    error_ids   all of them: a list in jsonl and parquet, joined with ";" in csv
    provider    who raised the first error, or ""
    entities    one value a name: an object in jsonl, the same as JSON text in csv and parquet

The input's columns stay as they are, except the text column: it is written REDACTED, so that a secret in a log does not
spread into a second file. Columns that already have one of the four names are replaced.

A row that cannot be read (broken JSON, no text in it, a line of more than 16 MiB) is left out, counted and named by its
number; the rest is done. Bytes of a plain log or csv that are not UTF-8 are read as U+FFFD. Memory does not grow with
the file: rows are read, classified and written in chunks.
"""

from __future__ import annotations

import csv
import gc
import gzip
import io
import json
import os
import re
import shutil
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TextIO, cast

from ekm_core.batch import Classifier, Result

_BLOCK = 2 << 20
_LONGEST = 16 << 20
_ROWS_AT_ONCE = 4096
_LARGE = 200 << 20  # bytes, from which a scanner earns the two seconds of its making
_MOST_NAMED = 20
ADDED = ("error_id", "error_ids", "provider", "entities")

Row = dict[str, Any]
Batch = tuple[list[Row], list[bytes]]
"""Rows, and the lines of JSON that they were read from (none for other formats)."""


class TriageError(Exception):
    """The input or the output cannot be used; the message is one sentence for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a run found.

    rows: messages classified. by_error: messages by their first error, the most frequent first. bad: rows left out;
    bad_rows: the numbers of the first twenty of them, from 1, a csv's header not counted. seconds: wall-clock time.
    """

    rows: int
    by_error: Mapping[str, int]
    bad: int
    bad_rows: tuple[int, ...]
    seconds: float

    @property
    def matched(self) -> int:
        """How many messages hold a known error."""
        return sum(self.by_error.values())

    def table(self) -> str:
        """The counts as lines for a terminal."""
        lines = [f"{count:>10,}  {error_id}" for error_id, count in self.by_error.items()]
        lines.append(f"{self.rows - self.matched:>10,}  no known error")
        lines.append(f"{self.rows:>10,}  messages")
        if self.bad:
            numbers = ", ".join(map(str, self.bad_rows)) + (" …" if self.bad > len(self.bad_rows) else "")
            lines.append(f"{self.bad:>10,}  rows could not be read and were left out: {numbers}")
        return "\n".join(lines)


# ------------------------------------------------------------------------------------------------------------- reading
@dataclass(slots=True)
class _Progress:
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


def _lines(file: BinaryIO, seen: _Progress) -> Iterator[list[bytes]]:
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


def _read_log(file: BinaryIO, column: str, seen: _Progress) -> Iterator[Batch]:
    for lines in _lines(file, seen):
        seen.number += len(lines)
        yield [{column: line.rstrip(b"\r").decode("utf-8", "replace")} for line in lines], []


def _read_jsonl(file: BinaryIO, column: str, seen: _Progress) -> Iterator[Batch]:
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


def _read_csv(file: BinaryIO, column: str, seen: _Progress) -> Iterator[Batch]:
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
        if len(rows) == _ROWS_AT_ONCE:
            yield rows, []
            rows = []
    yield rows, []


def _read_parquet(file: BinaryIO, column: str, seen: _Progress) -> Iterator[Batch]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(file)
        if column not in table.schema_arrow.names:
            raise TriageError(
                f"the file has no column {column!r}; its columns are: {', '.join(table.schema_arrow.names)}"
            )
        for batch in table.iter_batches(batch_size=_ROWS_AT_ONCE):
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


_READERS = {"jsonl": _read_jsonl, "csv": _read_csv, "parquet": _read_parquet, "log": _read_log}
_ENDINGS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet", ".pq": "parquet"}


def _format(path: str) -> str:
    """What the ending says, .gz apart: jsonl, csv, parquet, or "" where it says nothing."""
    name = path.lower().removesuffix(".gz")
    return next((kind for ending, kind in _ENDINGS.items() if name.endswith(ending)), "")


def _open(source: str, stack: ExitStack, seen: _Progress) -> tuple[BinaryIO, str]:
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
    kind = _format(source)
    if file.peek(2)[:2] == b"\x1f\x8b":
        file = io.BufferedReader(stack.enter_context(gzip.GzipFile(fileobj=file)))
        if kind == "parquet":
            # parquet is read from its end, which a stream cannot give; the stack closes it
            unpacked = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
            shutil.copyfileobj(file, unpacked, _BLOCK)
            unpacked.seek(0)
            return unpacked, kind
    return file, kind or ("jsonl" if file.peek(4096).lstrip()[:1] == b"{" else "log")


# ------------------------------------------------------------------------------------------------------------- writing
class _Sink(Protocol):
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


_SINKS: Mapping[str, Callable[[BinaryIO, str], _Sink]] = {"jsonl": _Jsonl, "csv": _Csv, "parquet": _Parquet}


# ----------------------------------------------------------------------------------------------------------------- run
def run(source: str, out: str | None, text_column: str = "text", progress: TextIO | None = None) -> Counts:
    """Classifies every message of ``source``; writes ``out`` where it is given (see the top of this module).

    source: a path, or ``-``. progress: where to draw a bar (a terminal), or None. ``out`` appears only when all is
    done. Raises TriageError with one sentence for what a person can get wrong.
    """
    started = time.monotonic()
    seen = _Progress()
    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        file, kind = _open(source, stack, seen)
        large = seen.size >= (_LARGE // 10 if source.lower().endswith(".gz") else _LARGE)
        classifier = Classifier("now" if large else "auto", values=out is not None)
        sink, finish = _sink(source, out, text_column, stack)
        bar = _Bar(progress, seen, started)
        stack.enter_context(_without_collector())
        try:
            for rows, lines in _READERS[kind](file, text_column, seen):
                for start in range(0, len(rows), _ROWS_AT_ONCE):
                    some = rows[start : start + _ROWS_AT_ONCE]
                    results = classifier.many(row[text_column] for row in some)
                    counts.update(result.ids[0] for result in results if result.ids)
                    if sink is not None:
                        sink.write(some, results, lines[start : start + _ROWS_AT_ONCE])
                    seen.rows += len(some)
                    bar.draw()
        except (EOFError, gzip.BadGzipFile, zlib.error) as problem:
            raise TriageError(f"the compressed data of {source!r} is damaged or cut off") from problem
        finally:
            bar.clear()
        if sink is not None:
            if seen.rows == 0:
                sink.write([], [], [])
            sink.close()
        finish()
    return Counts(seen.rows, dict(counts.most_common()), seen.bad, seen.bad_rows, time.monotonic() - started)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Rows hold no cycles, and a search for them among all that lives would take a third of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _sink(source: str, out: str | None, column: str, stack: ExitStack) -> tuple[_Sink | None, Callable[[], None]]:
    """Where the rows go, and what gives the finished file its name."""
    if out is None:
        return None, lambda: None
    make = _SINKS.get(_format(out))
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


class _Bar:
    """Rows, rate and remaining time on one line of a terminal, five times a second."""

    def __init__(self, screen: TextIO | None, seen: _Progress, started: float) -> None:
        self._screen, self._seen, self._started, self._next = screen, seen, started, started

    def draw(self) -> None:
        now = time.monotonic()
        if self._screen is None or now < self._next:
            return
        self._next = now + 0.2
        elapsed = max(now - self._started, 1e-3)
        text = f"{self._seen.rows:,} rows, {self._seen.rows / elapsed:,.0f} a second"
        if self._seen.size:
            share = min(self._seen.position() / self._seen.size, 1.0)
            filled = int(share * 30)
            text = f"[{'#' * filled}{'.' * (30 - filled)}] {share:4.0%}  {text}"
            if share > 0.01:
                text += f", {elapsed / share - elapsed:,.0f} s left"
        self._screen.write(f"\r{text}\x1b[K")
        self._screen.flush()

    def clear(self) -> None:
        if self._screen is not None:
            self._screen.write("\r\x1b[K")
            self._screen.flush()
