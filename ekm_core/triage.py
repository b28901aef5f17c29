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
import gzip
import io
import json
import os
import shutil
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol, TextIO, cast

import re2

from ekm_core import catalogue, classify, entities, normalise, redact
from ekm_core.diagnose import read_values
from ekm_core.model import Link

_BLOCK = 2 << 20
_LONGEST = 16 << 20
_ROWS_AT_ONCE = 4096
_MOST_NAMED = 20
_MOST_REMEMBERED = 20_000
ADDED = ("error_id", "error_ids", "provider", "entities")

Row = dict[str, Any]


class TriageError(Exception):
    """The input or the output cannot be used; the message is one sentence for the person at the terminal."""


class Result(NamedTuple):
    """What is known of one message. ``text`` is redacted; ``ids`` is () where no known error stands in it.

    entities: the values of the first error's provider, one a name. (A tuple is made faster than a dataclass.)
    """

    text: str
    ids: tuple[str, ...] = ()
    provider: str = ""
    entities: Mapping[str, str] | None = None


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


# ---------------------------------------------------------------------------------------------------- one message, fast
def _searcher(*patterns: bytes) -> re2.Set:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.case_sensitive = False
    found = re2.Set.SearchSet(options)
    for pattern in patterns:
        found.Add(pattern)
    found.Compile()
    return found


# Everything that ``normalise`` could change, apart from what leads a line and from runs of blanks. Where none of it
# stands, and that is most lines of a log, the slower pass is left out.
_WRAPPED = rb"[\\\x0a-\x0d\x1b`\x80-\xff]|[\"'] *\+ *[\"']|&[a-z#]|%[0235][0-9a-f]|</?[a-z]|\[[0-9]{1,2}[m;]|[*][*]"
_LINKS = tuple(Link)
_SECRETIVE, _NOISY = 0, 1


def _telltales(engine: classify._Engine) -> re2.Set:
    """One look at a raw text: a secret, noise, the letters of a signature. Most lines of a log have none of them."""
    words = engine.literals()
    some = b"" if words is None else b"|".join(re2.escape(word).replace("\\ ", "[ \t]+").encode() for word in words)
    return _searcher(redact.GATE, _WRAPPED, some)


class Classifier:
    """Redaction, classification and values for many messages; the answers are those of ``classify.classify``.

    Not shared between threads: it remembers what each set of matching patterns decides.
    """

    def __init__(self) -> None:
        self._engine = classify.engine()
        self._telltales = _telltales(self._engine)
        self._errors = catalogue.errors()
        self._decided: dict[tuple[int, ...], _Decision] = {}
        self._decided_long: dict[tuple[int, ...], _Decision] = {}

    def one(self, text: str) -> Result:
        """The result for one message."""
        return self.many((text,))[0]

    def many(self, texts: Iterable[str]) -> list[Result]:
        """One result a text; equal texts are looked at once.

        Every stage does all texts before the next stage begins: each has tables of its own, and they stay in the
        processor's cache only while one stage runs.
        """
        order = list(texts)
        different = list(dict.fromkeys(order))
        look = self._telltales.Match
        seen = [(text, signs) for text in different if (signs := look(text.encode("utf-8", "surrogatepass")))]
        cleaned = [redact.redact(text).text if _SECRETIVE in signs else text for text, signs in seen]
        normal = [_normal(text, _NOISY in signs) for text, (_, signs) in zip(cleaned, seen, strict=True)]
        numbers = list(map(self._engine.matching, normal))
        known: dict[str, Result] = {}
        for (text, _), clean, plain, some in zip(seen, cleaned, normal, numbers, strict=True):
            if some and (ids := self._ids(plain, some)):
                provider = self._errors[ids[0]].provider
                known[text] = Result(clean, ids, provider.value, read_values(entities.extract(plain, provider)))
            elif clean is not text:
                known[text] = Result(clean)
        return [known.get(text) or Result(text) for text in order]

    def _ids(self, text: str, numbers: list[int]) -> tuple[str, ...]:
        """The ids that ``classify.classify`` gives, from the matching patterns alone wherever they decide it."""
        short = len(text) <= classify.WINDOW
        remembered = self._decided if short else self._decided_long
        key = tuple(numbers)
        decision = remembered.get(key)
        if decision is None:
            if len(remembered) >= _MOST_REMEMBERED:
                remembered.clear()
            decision = remembered[key] = self._decide(numbers, short=short)
        if decision.ids != () and classify.may_be_mentioned(text):
            ids = None  # the places decide
        elif not decision.open:
            ids = decision.ids
        else:
            present = frozenset(numbers)
            scores = dict(decision.scores)
            for rule in decision.open:
                weight = rule.signature.weight
                if weight > scores.get(rule.error.id, 0.0) and self._engine.place(rule, present, text):
                    scores[rule.error.id] = weight
            ids = _ordered(scores)
        return tuple(found.error.id for found in classify.classify(text)) if ids is None else ids

    def _decide(self, numbers: list[int], *, short: bool) -> _Decision:
        """What holds wherever the patterns stand.

        In a text no longer than the window every context is the whole text, so a rule holds if all that it needs is
        among the matching patterns and nothing that forbids it. In a longer one such rules stay open.
        """
        present = frozenset(numbers)
        scores: dict[str, float] = {}
        doubtful = []
        for rule in self._engine.rules(numbers):
            forbidden = not present.isdisjoint(rule.unless)
            if not short and (forbidden or rule.needs):
                doubtful.append(rule)
            elif not forbidden:
                scores[rule.error.id] = max(scores.get(rule.error.id, 0.0), rule.signature.weight)
        return _Decision(scores, tuple(doubtful), _ordered(scores))


@dataclass(frozen=True, slots=True)
class _Decision:
    """The errors that hold with their scores, the rules that only the places decide, and the ids if there are none."""

    scores: Mapping[str, float]
    open: tuple[Any, ...]
    ids: tuple[str, ...] | None


def _ordered(scores: Mapping[str, float]) -> tuple[str, ...] | None:
    """The ids in the order of ``classify.classify``, or None where that needs the places of the hits."""
    if len(scores) < 2:
        return tuple(scores)
    known = catalogue.errors()
    if any(not scores.keys().isdisjoint(known[error_id].after) for error_id in scores):
        return None
    ranks = {
        error_id: (score < classify.CERTAIN, _LINKS.index(known[error_id].link)) for error_id, score in scores.items()
    }
    if len(set(ranks.values())) < len(ranks):
        return None
    return tuple(sorted(ranks, key=ranks.__getitem__))


def _normal(text: str, wrapped: bool) -> str:
    """The normal form of a redacted text; ``wrapped``: it holds more to undo than runs of blanks."""
    if wrapped:
        return _storable(normalise.plain(text))
    text = text.replace("\t", " ")
    while "  " in text:
        text = text.replace("  ", " ")
    return text


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


def _read_log(file: BinaryIO, column: str, seen: _Progress) -> Iterator[list[Row]]:
    for lines in _lines(file, seen):
        seen.number += len(lines)
        yield [{column: line.rstrip(b"\r").decode("utf-8", "replace")} for line in lines]


def _read_jsonl(file: BinaryIO, column: str, seen: _Progress) -> Iterator[list[Row]]:
    import orjson

    for lines in _lines(file, seen):
        rows: list[Row] = []
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
            else:
                seen.leave_out()
        yield rows


def _read_csv(file: BinaryIO, column: str, seen: _Progress) -> Iterator[list[Row]]:
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
            yield rows
            rows = []
    yield rows


def _read_parquet(file: BinaryIO, column: str, seen: _Progress) -> Iterator[list[Row]]:
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
            yield rows
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
    def write(self, rows: Sequence[Row], results: Sequence[Result]) -> None: ...
    def close(self) -> None: ...


class _Jsonl:
    def __init__(self, file: BinaryIO, column: str) -> None:
        import orjson

        self._file, self._column, self._dumps = file, column, orjson.dumps

    def write(self, rows: Sequence[Row], results: Sequence[Result]) -> None:
        if not rows:
            return
        lines = []
        for row, result in zip(rows, results, strict=True):
            row[self._column] = _storable(result.text)
            row["error_id"] = result.ids[0] if result.ids else ""
            row["error_ids"] = result.ids
            row["provider"] = result.provider
            row["entities"] = result.entities or {}
            lines.append(self._dumps(row))
        lines.append(b"")
        self._file.write(b"\n".join(lines))

    def close(self) -> None:
        self._file.close()


class _Csv:
    def __init__(self, file: BinaryIO, column: str) -> None:
        self._text = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="")
        self._column = column
        self._writer: csv.DictWriter[str] | None = None

    def write(self, rows: Sequence[Row], results: Sequence[Result]) -> None:
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

    def write(self, rows: Sequence[Row], results: Sequence[Result]) -> None:
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
        column: _storable(result.text),
        "error_id": result.ids[0] if result.ids else "",
        "error_ids": ids,
        "provider": result.provider,
        "entities": json.dumps(dict(result.entities or {}), ensure_ascii=False),
    }


def _storable(text: str) -> str:
    """The text without lone surrogates, which a JSON escape can bring in and no file can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


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
    classifier = Classifier()
    with ExitStack() as stack:
        file, kind = _open(source, stack, seen)
        sink, finish = _sink(source, out, text_column, stack)
        bar = _Bar(progress, seen, started)
        try:
            for rows in _READERS[kind](file, text_column, seen):
                for start in range(0, len(rows), _ROWS_AT_ONCE):
                    some = rows[start : start + _ROWS_AT_ONCE]
                    results = classifier.many(row[text_column] for row in some)
                    counts.update(result.ids[0] for result in results if result.ids)
                    if sink is not None:
                        sink.write(some, results)
                    seen.rows += len(some)
                    bar.draw()
        except (EOFError, gzip.BadGzipFile, zlib.error) as problem:
            raise TriageError(f"the compressed data of {source!r} is damaged or cut off") from problem
        finally:
            bar.clear()
        if sink is not None:
            if seen.rows == 0:
                sink.write([], [])
            sink.close()
        finish()
    return Counts(seen.rows, dict(counts.most_common()), seen.bad, seen.bad_rows, time.monotonic() - started)


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
