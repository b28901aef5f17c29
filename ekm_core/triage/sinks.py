"""What a triage writes: the rows as they came, their text redacted, with what was found in four more columns."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from ekm_core.batch import NO_ERROR, Result
from ekm_core.triage import blocks
from ekm_core.triage.rows import ADDED, Batch, Row, TriageError
from ekm_core.triage.sources import format_of

Found = Sequence[Result | None]
"""One a row; None where nothing was found, so that the row stays as it is."""

Layout = Any
"""What the first rows fix for all that follow: the columns of a csv, the schema of a parquet file."""

Piece = Any
"""Some rows as they will stand in the file: bytes, the path of a file of them, or a table of Arrow for parquet."""


class Form(Protocol):
    """Turns rows into pieces of a file. Other processes may do that, each with the layout of the first piece."""

    layout: Layout

    def render(self, batch: Batch, texts: Sequence[str], found: Found) -> Piece:
        """texts: those of the batch, as they were classified."""


_NOTHING: Row = {"error_id": "", "error_ids": [], "provider": "", "entities": {}}
_NOTHING_IN_JSON = b',"error_id":"","error_ids":[],"provider":"","entities":{}}\n'


class _Jsonl:
    def __init__(self, column: str, layout: Layout) -> None:
        self._column, self.layout = column, layout
        self._reader = blocks.reader(column)

    def render(self, batch: Batch, texts: Sequence[str], found: Found) -> Piece:
        """Rows of JSON lines as they came, with the new columns behind: far cheaper than to write them anew."""
        import orjson

        self.layout = ()  # every line stands for itself
        dumps = orjson.dumps
        # two pieces for each: what stands before its new columns, and these
        out: list[bytes | memoryview] = [_NOTHING_IN_JSON] * (2 * len(texts))
        out[::2], anew = self._as_they_came(batch)
        for at, result in enumerate(found):
            if result is None:
                continue
            text, ids, provider, entities = result
            if ids:
                out[2 * at + 1] = _added_in_json(ids, provider) + dumps(entities) + b"}\n"
            if text != texts[at]:
                anew.add(at)
        if texts is not batch.texts:
            anew.update(at for at, text in enumerate(batch.texts) if text != texts[at])
        for at in anew:
            out[2 * at : 2 * at + 2] = self._anew(batch, at, texts[at], found[at]), b"\n"
        return b"".join(out)

    def _as_they_came(self, batch: Batch) -> tuple[Sequence[bytes | memoryview], set[int]]:
        """Each row up to its closing brace, and the places of those that must be written anew."""
        lines = batch.lines
        if isinstance(lines, blocks.Lines) and lines.plain:
            return lines.bodies(), set()
        if not lines:
            return [b""] * len(batch.texts), set(range(len(batch.texts)))
        return [line[:-1] for line in lines], {at for at, line in enumerate(lines) if not self._reader.is_plain(line)}

    def _anew(self, batch: Batch, at: int, text: str, result: Result | None) -> bytes:
        """The row as an object of JSON. What was read from JSON keeps its other columns to the letter, but for one that
        is too deep to be read, which keeps none.
        """
        import msgspec
        import orjson

        added = _NOTHING
        if result is not None:
            text = result.text
            if result.ids:
                ids, entities = result.ids, result.entities
                added = {"error_id": ids[0], "error_ids": ids, "provider": result.provider, "entities": entities}
        if batch.lines and (line := batch.lines[at]):
            row: dict[str, msgspec.Raw] = {}
            with suppress(RecursionError):
                row = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
            return msgspec.json.encode({**row, self._column: text, **added})
        return orjson.dumps({**batch.rows[at], self._column: text, **added})


@lru_cache(maxsize=4096)
def _added_in_json(ids: tuple[str, ...], provider: str) -> bytes:
    """The new columns up to the entities; a file holds few sets of ids, and all are of the catalogue."""
    import orjson

    added = {"error_id": ids[0], "error_ids": ids, "provider": provider}
    return b"," + orjson.dumps(added)[1:-1] + b',"entities":'


class _Csv:
    def __init__(self, column: str, layout: Layout) -> None:
        self._column, self.layout = column, layout

    def render(self, batch: Batch, texts: Sequence[str], found: Found) -> Piece:
        made = io.StringIO(newline="")
        first = self.layout is None
        if first:
            names = dict.fromkeys(name for row in batch.rows for name in row if name not in ADDED)
            self.layout = (*names, *ADDED)
        writer = csv.DictWriter(made, self.layout)
        if first:
            writer.writeheader()
        try:
            writer.writerows(_flat(batch.rows, texts, found, self._column, ";".join))
        except ValueError as problem:
            raise TriageError(
                f"a later row has columns that the first rows do not have; write .jsonl: {problem}"
            ) from problem
        except RecursionError as problem:
            raise TriageError(blocks.TOO_DEEP) from problem
        return made.getvalue().encode("utf-8", "replace")


class _Parquet:
    def __init__(self, column: str, layout: Layout) -> None:
        self._column, self.layout = column, layout

    def render(self, batch: Batch, texts: Sequence[str], found: Found) -> Piece:
        import pyarrow as pa

        flat = list(_flat(batch.rows, texts, found, self._column, list))
        try:
            if self.layout is None:
                table = pa.Table.from_pylist(flat)
                fixed = {"error_ids": pa.list_(pa.string()), **dict.fromkeys((self._column, "entities"), pa.string())}
                self.layout = pa.schema([pa.field(item.name, fixed.get(item.name, item.type)) for item in table.schema])
            if unknown := {name for row in flat for name in row} - set(self.layout.names):
                raise TriageError(
                    f"later rows have columns that the first rows do not have; write .jsonl: {min(unknown)}"
                )
            return pa.Table.from_pylist(flat, schema=self.layout)
        except pa.ArrowException as problem:
            raise TriageError(f"a column holds values of several types; write .jsonl instead: {problem}") from problem


def _flat(
    rows: Sequence[Row],
    texts: Sequence[str],
    found: Found,
    column: str,
    joined: Callable[[tuple[str, ...]], str | list[str]],
) -> Iterator[Row]:
    for row, text, result in zip(rows, texts, found, strict=True):
        _, ids, provider, entities = result or NO_ERROR
        yield {
            **row,
            column: text if result is None else result.text,
            "error_id": ids[0] if ids else "",
            "error_ids": joined(ids),
            "provider": provider,
            "entities": json.dumps(dict(entities or {}), ensure_ascii=False),
        }


_FORMS: Mapping[str, Callable[[str, Layout], Form]] = {"jsonl": _Jsonl, "csv": _Csv, "parquet": _Parquet}


def form(kind: str, column: str, layout: Layout = None) -> Form:
    """How rows are written into a file of that kind. layout: of the pieces before, None for the first one."""
    return _FORMS[kind](column, layout)


class Target:
    """The file to be written. It appears under its name only when all is done; until then the stack removes it."""

    def __init__(self, named: Sequence[str], out: str, stack: ExitStack) -> None:
        """named: the files that are read, none of which may be written."""
        self.kind = format_of(out)
        packed = out.lower().endswith(".gz")
        if self.kind not in _FORMS or (packed and self.kind == "parquet"):
            raise TriageError(f"{out!r} must end with .csv, .jsonl or .parquet (.csv.gz and .jsonl.gz are fine)")
        self._target = Path(out)
        if self._target.exists() and any(Path(name).exists() and self._target.samefile(name) for name in named):
            raise TriageError("OUT is the input itself; give it another name")
        try:
            handle, name = tempfile.mkstemp(prefix=f".{self._target.name}.", dir=self._target.parent)
        except OSError as problem:
            raise TriageError(f"cannot write {out!r}: {problem.strerror}") from problem
        self._name = Path(name)
        stack.callback(self._name.unlink, missing_ok=True)
        self._plain = stack.enter_context(os.fdopen(handle, "wb"))
        # fast rather than small, and without a file name inside
        self._file = io.BufferedWriter(gzip.GzipFile("", "wb", 3, self._plain)) if packed else self._plain
        self._writer: Any = None
        stack.callback(self._close_writer)  # while there is still a file: it writes when it goes
        self._empty = True

    def folder(self, stack: ExitStack) -> str:
        """A folder beside the file, for pieces that other processes leave; the stack removes it. "" for parquet."""
        if self.kind == "parquet":
            return ""
        return stack.enter_context(
            tempfile.TemporaryDirectory(prefix=f".{self._target.name}.", dir=self._target.parent)
        )

    def append(self, pieces: Sequence[Piece], layout: Layout) -> None:
        """Writes what a form made."""
        self._empty = self._empty and not pieces
        if self.kind != "parquet":
            for piece in pieces:
                if isinstance(piece, Path):
                    self._file.write(piece.read_bytes())
                    piece.unlink()
                else:
                    self._file.write(piece)
            return
        import pyarrow.parquet as pq

        for piece in pieces:
            if self._writer is None:
                self._writer = pq.ParquetWriter(self._file, layout)
            self._writer.write_table(piece)

    def finish(self, column: str) -> None:
        """Gives the file its name, also one without rows."""
        if self._empty:
            made = form(self.kind, column)
            self.append([made.render(Batch((), ()), (), ())], made.layout)
        self._close_writer()
        self._file.close()
        self._plain.close()
        self._name.chmod(0o644)
        self._name.replace(self._target)

    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
