"""What a triage writes: the rows as they came, their text redacted, with what was found in four more columns."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from ekm_core import scan
from ekm_core.batch import CLOSE, NO_ERROR, Result
from ekm_core.triage.rows import Row, TriageError
from ekm_core.triage.sources import format_of

ADDED = ("error_id", "error_ids", "provider", "entities")


Found = Sequence[Result | None]
"""One a row; None where nothing was found, so that the row stays as it is."""

Layout = Any
"""What the first rows fix for all that follow: the columns of a csv, the schema of a parquet file."""

Piece = Any
"""Some rows as they will stand in the file: bytes, the path of a file of them, or a table of Arrow for parquet."""


class Form(Protocol):
    """Turns rows into pieces of a file. Other processes may do that, each with the layout of the first piece."""

    layout: Layout

    def render(self, rows: Sequence[Row], texts: Sequence[str], found: Found, lines: Sequence[bytes]) -> Piece: ...


_NOTHING: Row = {"error_id": "", "error_ids": [], "provider": "", "entities": {}}
_NOTHING_IN_JSON = b',"error_id":"","error_ids":[],"provider":"","entities":{}}\n'


class _Jsonl:
    def __init__(self, column: str, layout: Layout) -> None:
        self._column, self.layout = column, layout
        # A name of other characters could stand in a line with escapes, where it is not looked for.
        self._is_plain = re.fullmatch(r"[\w .-]+", column, re.ASCII) is not None
        name = re.escape(f'"{column if self._is_plain else "text"}"').encode()
        self._is_twice = scan.whether([name + rb"[^\n]*" + name, rb"\\u00"])

    def render(self, rows: Sequence[Row], texts: Sequence[str], found: Found, lines: Sequence[bytes]) -> Piece:
        self.layout = ()  # every line stands for itself
        pieces: list[bytes] = []
        for start in range(0, len(rows), CLOSE):
            these = slice(start, start + CLOSE)
            pieces += self._rendered(rows[these], texts[these], found[these], lines[these])
        return b"".join(pieces)

    def _rendered(
        self, rows: Sequence[Row], texts: Sequence[str], found: Found, lines: Sequence[bytes]
    ) -> Sequence[bytes]:
        """The rows as pieces, two for each: mostly what stands before its new columns, and these."""
        import orjson

        column, dumps = self._column, orjson.dumps
        out = [_NOTHING_IN_JSON] * (2 * len(rows))
        # As it came, with the new columns behind: far cheaper than to write the row anew.
        out[::2] = [line[:-1] for line in lines] or [b""] * len(rows)
        anew = self._not_extensible(rows, lines) if lines else set(range(len(rows)))
        for at, result in enumerate(found):
            text = texts[at] if result is None else result.text
            if result is not None and result.ids:
                out[2 * at + 1] = _added_in_json(result.ids, result.provider) + dumps(result.entities) + b"}\n"
            if (result is not None or not text.isascii()) and text != rows[at][column]:
                anew.add(at)
        for at in anew:
            text, ids, provider, entities = found[at] or NO_ERROR
            added = _NOTHING
            if ids:
                added = {"error_id": ids[0], "error_ids": ids, "provider": provider, "entities": entities}
            row = {**rows[at], column: texts[at] if found[at] is None else text, **added}
            out[2 * at : 2 * at + 2] = dumps(row), b"\n"
        return out

    def _not_extensible(self, rows: Sequence[Row], lines: Sequence[bytes]) -> set[int]:
        """The lines of JSON to which columns may not be added as they stand.

        A line must hold the quoted name of the text once only: a second one, perhaps with escapes in its name, would
        be lost on reading, but its secrets would be written out. What holds for all together spares a look at each.
        """
        if not self._is_plain:
            return set(range(len(lines)))
        if (
            {line[-1:] for line in lines} == {b"}"}
            and not self._is_twice(b"\n".join(lines))
            and frozenset().union(*rows).isdisjoint(ADDED)
        ):
            return set()
        return {
            at
            for at, line in enumerate(lines)
            if not line.endswith(b"}") or self._is_twice(line) or not rows[at].keys().isdisjoint(ADDED)
        }


@lru_cache(maxsize=4096)
def _added_in_json(ids: tuple[str, ...], provider: str) -> bytes:
    """The new columns up to the entities; a file holds few sets of ids, and all are of the catalogue."""
    import orjson

    added = {"error_id": ids[0], "error_ids": ids, "provider": provider}
    return b"," + orjson.dumps(added)[1:-1] + b',"entities":'


class _Csv:
    def __init__(self, column: str, layout: Layout) -> None:
        self._column, self.layout = column, layout

    def render(self, rows: Sequence[Row], texts: Sequence[str], found: Found, lines: Sequence[bytes]) -> Piece:
        made = io.StringIO(newline="")
        first = self.layout is None
        if first:
            names = dict.fromkeys(name for row in rows for name in row if name not in ADDED)
            self.layout = (*names, *ADDED)
        writer = csv.DictWriter(made, self.layout)
        if first:
            writer.writeheader()
        try:
            writer.writerows(_flat(rows, texts, found, self._column, ";".join))
        except ValueError as problem:
            raise TriageError(
                f"a later row has columns that the first rows do not have; write .jsonl: {problem}"
            ) from problem
        return made.getvalue().encode("utf-8", "replace")


class _Parquet:
    def __init__(self, column: str, layout: Layout) -> None:
        self._column, self.layout = column, layout

    def render(self, rows: Sequence[Row], texts: Sequence[str], found: Found, lines: Sequence[bytes]) -> Piece:
        import pyarrow as pa

        flat = list(_flat(rows, texts, found, self._column, list))
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
            self.append([made.render((), (), (), ())], made.layout)
        self._close_writer()
        self._file.close()
        self._plain.close()
        self._name.chmod(0o644)
        self._name.replace(self._target)

    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
