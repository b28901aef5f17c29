"""What a triage reads: rows of every format, block by block, the bad ones counted and left out.

The format is told by the content; the name decides where the content fits several. An archive gives its members one
after the other, each by its own shape.
"""

from __future__ import annotations

import codecs
import csv
import glob
import io
import json
import os
import re
import shutil
import stat
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, BinaryIO, TypeVar, cast

from ekm_core.triage import blocks, records
from ekm_core.triage.records import NO_RECORD
from ekm_core.triage.rows import Batch, Progress, Row, TriageError

_T = TypeVar("_T")
_BLOCK = 4 << 20
_LONGEST = 16 << 20
HEAD = 1 << 16
"""Bytes from which the format is told."""
ROWS_AT_ONCE = 4096
_MOST_MEMBERS = 10_000
_FREE = 64 << 20
_RATIO = 500
"""Packed data that grows to more than so many times its size, beyond 64 MiB, is a bomb: logs reach 10 to 100."""

_BROKEN = "the JSON is broken"
_TOO_LONG = "the line is longer than 16 MiB"
_ENDLESS = "the entry is longer than 16 MiB"


def _blocks(file: BinaryIO, seen: Progress) -> Iterator[bytes]:
    """Whole lines, many at a time; one of more than 16 MiB is left out and counted."""
    rest = b""
    skipping = False
    while block := file.read(_BLOCK):
        if skipping:
            _, found, block = block.partition(b"\n")
            skipping = not found
        end = block.rfind(b"\n") + 1
        if end:
            yield b"".join((rest, memoryview(block)[:end]))
            rest = block[end:]
        elif not skipping:
            rest += block
        if len(rest) > _LONGEST:
            rest, skipping = b"", True
            seen.number += 1
            seen.leave_out(_TOO_LONG)
    if rest:
        yield rest


def _lines(file: BinaryIO, seen: Progress) -> Iterator[list[bytes]]:
    """The same, apart and without their line breaks."""
    for block in _blocks(file, seen):
        yield block.removesuffix(b"\n").split(b"\n")


def _read_log(file: BinaryIO, column: str, seen: Progress) -> Iterator[Batch]:
    for lines in _lines(file, seen):
        seen.number += len(lines)
        texts = [line.rstrip(b"\r").decode("utf-8", "replace") for line in lines]
        seen.mended += sum("\ufffd" in text for text in texts)
        yield Batch(texts, [{column: text} for text in texts])


def _read_jsonl(file: BinaryIO, column: str, seen: Progress) -> Iterator[Batch]:
    reader = blocks.reader(column)
    for block in _blocks(file, seen):
        read = reader.batch(block)
        if read is None:
            yield _one_by_one(block.removesuffix(b"\n").split(b"\n"), column, seen)
        else:
            seen.number += len(read.texts)
            yield read


def _one_by_one(lines: list[bytes], column: str, seen: Progress) -> Batch:
    rows: list[Row] = []
    read: list[bytes] = []
    for line in lines:
        seen.number += 1
        line = line.removeprefix(codecs.BOM_UTF8)  # Windows' programs begin a file with it
        try:
            row = blocks.loaded(line)
        except ValueError as problem:
            if line.strip():
                seen.leave_out("its bytes are not UTF-8" if "UTF-8" in str(problem) else _BROKEN)
            continue
        if isinstance(row, dict) and isinstance(row.get(column), str):
            rows.append(row)
            read.append(line)
        elif (made := _made(row, column, seen)) is not None:
            rows.append(made)
            read.append(b"")
    return Batch.of(rows, column, read)


def _made(found: object, column: str, seen: Progress) -> Row | None:
    """The row in something that was parsed: with a text of its own, or an audit record with an error."""
    if not isinstance(found, dict):
        seen.leave_out("it is no JSON object")
        return None
    if isinstance(found.get(column), str):
        return found
    made = records.row(found, column)
    if made is NO_RECORD:
        seen.leave_out(f"it has no text in {column!r}")
        return None
    seen.silent += made is None
    return made


def _read_json(file: BinaryIO, column: str, seen: Progress) -> Iterator[Batch]:
    rows: list[Row] = []
    for found in _elements(file, seen):
        seen.number += 1
        if (made := _made(found, column, seen)) is not None:
            rows.append(made)
        if len(rows) == ROWS_AT_ONCE:
            yield Batch.of(rows, column)
            rows = []
    yield Batch.of(rows, column)


_LIST = re.compile(r'\s*(?:\{\s*"(?:[Rr]ecords|Events|entries|value)"\s*:\s*)?\[')
_BETWEEN = re.compile(r"[\s,]*")
_NEXT = re.compile(r"\n\s*[\[{]")


def _elements(file: BinaryIO, seen: Progress) -> Iterator[object]:
    """The elements of a JSON list, bare or as the one list of an object, or JSON values behind one another.

    Only one element is held at a time. What cannot be parsed ends the reading: nobody knows where the next one begins.
    """
    decode = codecs.getincrementaldecoder("utf-8-sig")("replace").decode
    parse = json.JSONDecoder().raw_decode
    text, at, ended = "", 0, False
    fresh, behind, asked = True, False, HEAD
    while True:
        if behind and (match := _NEXT.search(text, at)):  # what stands before it belongs to no list
            at, behind, fresh = match.end() - 1, False, True
        at = cast(re.Match[str], _BETWEEN.match(text, at)).end()
        if fresh and (match := _LIST.match(text, at)):
            at = match.end()
            fresh = False
            continue
        if not behind and text[at : at + 1] == "]":
            at, behind = at + 1, True
            continue
        try:
            if not behind:
                found, at = parse(text, at)
                fresh = False
                yield found
                asked = HEAD
                continue
        except (ValueError, RecursionError):
            pass
        if ended or (len(text) - at > _LONGEST and not behind):
            if text[at:].strip() and not behind and not seen.cut:
                seen.cut = f"{_BROKEN} from here on; the rest is not read"
            return
        block = file.read(asked)
        asked = min(asked * 2, _BLOCK)
        ended = not block
        # behind a list all is dropped but the end, where the next one may begin
        text, at = text[max(at, len(text) - 200) if behind else at :] + decode(block, ended), 0


def _read_yaml(file: BinaryIO, column: str, seen: Progress) -> Iterator[Batch]:
    """Entries as ``gcloud logging read`` prints them unless it is asked for JSON: documents between lines of dashes."""
    from ekm_core.gcp import printed

    document: list[bytes] = []
    size = 0

    def rows() -> Iterator[Row]:
        if size > _LONGEST:
            seen.number += 1
            seen.leave_out(_ENDLESS)
        elif document:
            seen.number += 1
            found = printed.read(b"\n".join(document).decode("utf-8", "replace"))
            document.clear()
            if found is None:
                seen.leave_out("it is not in the form that gcloud prints")
            elif (made := _made(found, column, seen)) is not None:
                yield made

    for lines in _lines(file, seen):
        made: list[Row] = []
        for line in lines:
            if line.rstrip() == b"---":
                made += rows()
                size = 0
            elif line.strip() or document:
                size += len(line)
                document.append(line)
                if size > _LONGEST:
                    document.clear()
        yield Batch.of(made, column)
    yield Batch.of(list(rows()), column)


def _read_csv(file: BinaryIO, column: str, seen: Progress) -> Iterator[Batch]:
    csv.field_size_limit(_LONGEST)
    head = _peek(file).decode("utf-8-sig", "replace")
    reader = csv.reader(
        io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline=""), delimiter=_delimiter(head, column)
    )
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
        except csv.Error as problem:
            seen.leave_out(f"the csv is broken: {problem}")
            continue
        if len(cells) == len(header):
            rows.append(dict(zip(header, cells, strict=True)))
            seen.mended += any("\ufffd" in cell for cell in cells)
        elif cells:
            seen.leave_out(f"it has {len(cells):,} cells where the header has {len(header):,}")
        if len(rows) == ROWS_AT_ONCE:
            yield Batch.of(rows, column)
            rows = []
    yield Batch.of(rows, column)


def _read_parquet(file: BinaryIO, column: str, seen: Progress) -> Iterator[Batch]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # otherwise it keeps a whole row group, or more of the file than that
        table = pq.ParquetFile(file, pre_buffer=False, buffer_size=HEAD)
        if column not in table.schema_arrow.names:
            raise TriageError(
                f"the file has no column {column!r}; its columns are: {', '.join(table.schema_arrow.names)}"
            )
        for group in table.iter_batches(batch_size=ROWS_AT_ONCE, use_threads=False):
            rows: list[Row] = []
            for row in group.to_pylist():
                seen.number += 1
                if isinstance(row[column], str):
                    rows.append(row)
                else:
                    seen.leave_out(f"it has no text in {column!r}")
            yield Batch.of(rows, column)
    except pa.ArrowException as problem:
        raise TriageError(f"this is not a readable parquet file: {problem}") from problem


_READERS: dict[str, Callable[[BinaryIO, str, Progress], Iterator[Batch]]] = {
    "jsonl": _read_jsonl,
    "json": _read_json,
    "yaml": _read_yaml,
    "csv": _read_csv,
    "parquet": _read_parquet,
    "log": _read_log,
}
_OF_LINES = ("jsonl", "log")


@dataclass(frozen=True, slots=True)
class Task:
    """Some rows of the input that another process may do.

    kind: "jsonl" or "log", whose ``lines`` follow ``number`` others of their ``file``; or "", and they are ``rows``.
    path: where the lines stand instead, from ``start`` to ``end``, in bytes; how many go before them is not known then.
    """

    kind: str
    lines: bytes = b""
    rows: list[Row] = field(default_factory=list)
    number: int = 0
    file: str = ""
    path: str = ""
    start: int = 0
    end: int = 0


_ENDINGS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
}


def format_of(path: str) -> str:
    """What the ending says, .gz apart: jsonl, csv, parquet, or "" where it says nothing."""
    name = path.lower().removesuffix(".gz")
    return next((kind for ending, kind in _ENDINGS.items() if name.endswith(ending)), "")


def _delimiter(head: str, column: str) -> str:
    """What stands between the cells of a csv: whatever of the usual three makes the text's column appear."""
    line = head.partition("\n")[0].rstrip("\r")
    splits = {mark: [cell.strip(' "') for cell in line.split(mark)] for mark in ",;\t"}
    return next((mark for mark, cells in splits.items() if column in cells), ",")


_PACKED = (b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf\x27\x1c", b"Rar!")
_CONTROLS = bytes({*range(1, 9), 11, *range(14, 27), *range(28, 32), 127})
"""No text has them; zeros stand in logs that were cut while they were written, and escapes colour others."""


def _why_not(head: bytes) -> str:
    """Why a file that begins so has no messages; "" where it may have some."""
    if head.startswith(_PACKED):
        return "it is packed in a form that is not read; .gz and .zip are"
    if head.startswith(b"%PDF-") or len(head) - len(head.translate(None, _CONTROLS)) > len(head) / 50:
        return "it is no text: csv, JSON, parquet, logs, and .gz and .zip of them are read"
    return ""


_YAML = re.compile(rb"(?:---\s*)?(?:insertId|labels|logName|operation|protoPayload|receiveTimestamp):[ \n]")


def _kind(head: bytes, name: str, column: str) -> str:
    """The format of a file that begins so: by its content, and by its name where that says nothing."""
    said = format_of(name)
    if head.startswith(b"PAR1") or said == "parquet":
        return "parquet"
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if re.match(rb"\[\s*[{\]]", start) or (start[:1] == b"{" and _is_document(start)):
        return "json"
    if start[:1] == b"{":
        return "jsonl"
    if _YAML.match(start) and b"protoPayload:" in head:
        return "yaml"
    if not said and column:
        line = start.partition(b"\n")[0].decode("utf-8", "replace").rstrip("\r")
        mark = _delimiter(line, column)
        said = "csv" if mark in line and column in [cell.strip(' "') for cell in line.split(mark)] else ""
    return said or "log"


def _is_document(start: bytes) -> bool:
    """Whether what begins with a brace is no JSON lines: it has a list of records, or goes over many lines."""
    return bool(_LIST.match(start[:200].decode("utf-8", "replace"))) or start.partition(b"\n")[0].strip() == b"{"


class _Made(io.RawIOBase):
    """Bytes that are made piece by piece; where ``_next`` has none, they end."""

    _rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - whatever io hands over
        self._rest = self._rest or self._next()
        some, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(some)] = some
        return len(some)

    def _next(self) -> bytes:
        raise NotImplementedError


class _Unpacked(_Made):
    """Unpacked bytes; where the packed ones are damaged, cut off or a bomb they end, and ``seen.cut`` says why."""

    def __init__(self, blocks: Iterator[bytes], packed: Callable[[], int], seen: Progress) -> None:
        self._blocks, self._packed, self._seen = blocks, packed, seen
        self._made = 0

    def _next(self) -> bytes:
        seen = self._seen
        if seen.cut:
            return b""
        try:
            block = next(self._blocks, b"")
        except (EOFError, zlib.error, zipfile.BadZipFile, OSError) as problem:
            seen.cut = f"the packed data is damaged or cut off from here on ({problem}); the rest is not read"
            return b""
        self._made += len(block)
        seen.unpacked += len(block)
        if self._made > _FREE and self._made > _RATIO * max(self._packed(), 1):
            seen.cut = f"the packed data grows to more than {_RATIO} times its size; the rest is not read"
            return b""
        if seen.unpacked_limit and seen.unpacked > seen.unpacked_limit:
            seen.cut = f"unpacked it is more than {seen.unpacked_limit >> 20:,} MiB; the rest is not read"
            return b""
        return block


class _Recoded(_Made):
    """UTF-16 as UTF-8: what spreadsheets call Unicode text, and what PowerShell writes behind ``>``."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-16")("replace").decode

    def _next(self) -> bytes:
        made, block = b"", b"more"
        while block and not made:
            block = self._file.read(HEAD)
            made = self._decode(block, not block).encode("utf-8", "replace")
        return made


def _gunzipped(file: BinaryIO, read: list[int]) -> Iterator[bytes]:
    """The unpacked blocks of gzip's members; ``read``: how many packed bytes that took."""
    packed = b""
    while packed := packed.lstrip(b"\0") or file.read(HEAD):  # zeros may pad it
        unpack = zlib.decompressobj(wbits=31)
        while not unpack.eof:
            if not packed:
                packed = file.read(HEAD)
                if not packed:
                    raise EOFError("the end is missing")
                read[0] += len(packed)
            if block := unpack.decompress(packed, HEAD):
                yield block
            packed = unpack.unconsumed_tail
        packed = unpack.unused_data


def _peek(file: BinaryIO) -> bytes:
    """The first bytes, which stay to be read."""
    return cast(io.BufferedReader, file).peek(HEAD)[:HEAD]


def _seekable(file: BinaryIO, stack: ExitStack) -> BinaryIO:
    """The same bytes in a file of no name: what is read from its end cannot be read from a stream."""
    # the stack closes it
    unpacked = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
    shutil.copyfileobj(file, unpacked, _BLOCK)
    unpacked.seek(0)
    return cast(BinaryIO, unpacked)


Part = tuple[BinaryIO, str]
"""One file that holds rows, and its format."""


def _parts(
    file: BinaryIO, name: str, column: str, seen: Progress, stack: ExitStack, *, deep: bool = True
) -> Iterator[Part]:
    """The files in a file: itself, what is packed in it, the members of an archive. deep: archives are opened."""
    head = _peek(file)
    if head.startswith(b"\x1f\x8b"):
        read = [0]
        raw = _Unpacked(_gunzipped(file, read), lambda: read[0], seen)
        yield from _parts(io.BufferedReader(raw, HEAD), name.removesuffix(".gz"), column, seen, stack, deep=False)
        return
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        if not deep:
            seen.cut = "an archive within an archive is not opened"
            return
        yield from _members(file if file.seekable() else _seekable(file, stack), column, seen, stack)
        return
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        file = cast(BinaryIO, io.BufferedReader(_Recoded(file), HEAD))
        head = _peek(file)
    kind = _kind(head, name, column)
    if why_not := "" if kind == "parquet" else _why_not(head):
        if not seen.several:
            raise TriageError(why_not)
        seen.leave_out_file(why_not)
        return
    yield (file if kind != "parquet" or file.seekable() else _seekable(file, stack)), kind


def _members(file: BinaryIO, column: str, seen: Progress, stack: ExitStack) -> Iterator[Part]:
    try:
        archive = stack.enter_context(zipfile.ZipFile(file))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as problem:
        raise TriageError(f"this zip archive is damaged or cut off: {problem}") from problem
    if "[Content_Types].xml" in archive.NameToInfo or "mimetype" in archive.NameToInfo:
        raise TriageError("this is a document of an office program; save its table as csv")
    members = [item for item in archive.infolist() if not item.is_dir() and not _is_hidden(item.filename)]
    seen.several = seen.several or len(members) > 1
    outer = seen.file
    for item in members[:_MOST_MEMBERS]:
        seen.file, seen.number = ": ".join(filter(None, (outer, item.filename[:200]))), 0
        try:
            member = archive.open(item)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError) as problem:
            seen.cut = f"it cannot be unpacked: {problem}"
            seen.end_file()
            continue
        with member:
            raw = _Unpacked(_read_on(member), partial(int, item.compress_size), seen)
            yield from _parts(io.BufferedReader(raw, HEAD), item.filename, column, seen, stack, deep=False)
        seen.end_file()
    if len(members) > _MOST_MEMBERS:
        seen.cut = f"only the first {_MOST_MEMBERS:,} files of the archive were read"


def _read_on(member: IO[bytes]) -> Iterator[bytes]:
    while block := cast(zipfile.ZipExtFile, member).read1(HEAD):
        yield block


def _is_hidden(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")


def opened(source: str, stack: ExitStack, seen: Progress) -> BinaryIO:
    """The bytes of the source as they are. Raises TriageError where there are none."""
    if source == "-":
        return measured(cast(io.BufferedReader, sys.stdin.buffer), seen)
    try:
        # closed by the stack, at the end of the run
        found = stack.enter_context(Path(source).open("rb", HEAD))  # noqa: SIM115
    except OSError as problem:
        raise TriageError(f"cannot read {source!r}: {problem.strerror}") from problem
    return measured(found, seen)


_MEANT = re.compile(r"\.(?:csv|tsv|jsonl?|ndjson|parquet|pq|log(?:\.\d+)?|txt|zip)(?:\.gz)?$|\.gz$")
_ASIDE = (".", "_")
"""How names begin that hold no messages: hidden ones, and what engines write beside their partitions."""
Reading = Callable[[BinaryIO, str, str, Progress, ExitStack], Iterator[_T]]


def paths(source: str) -> list[str]:
    """The files that are meant: one, all of a folder that can hold messages, or those that a pattern names."""
    try:
        return _paths(source)
    except OSError as problem:
        raise TriageError(f"cannot read {source!r}: {problem.strerror}") from problem


def _paths(source: str) -> list[str]:
    folder = Path(source)
    if source != "-" and folder.is_dir():
        os.scandir(folder).close()  # rglob would pass over a folder that it may not read
        found = [item for item in folder.rglob("*") if _MEANT.search(item.name.lower()) and item.is_file()]
        named = sorted(
            str(item) for item in found if not any(part.startswith(_ASIDE) for part in item.relative_to(folder).parts)
        )
        if not named:
            raise TriageError(f"the folder {source!r} holds no csv, JSON, parquet or log files")
        return named
    if source != "-" and not folder.exists() and glob.has_magic(source):
        named = sorted(name for name in glob.glob(source, recursive=True) if Path(name).is_file())
        if not named:
            raise TriageError(f"no file has a name like {source!r}")
        return named
    return [source]


def every(named: Sequence[str], read: Reading[_T], column: str, seen: Progress) -> Iterator[_T]:
    """What ``read`` (``batches`` or ``tasks``) gives for one file after the other.

    Of several, one that is of no use as a whole is counted as one bad row, and the others are read.
    """
    many = len(named) > 1
    total, before = size(named, None) if many else 0, 0
    for name in named:
        with ExitStack() as stack:
            seen.file, seen.number, seen.several = name if many else "", 0, many
            try:
                file = opened(name, stack, seen)
                if many:
                    seen.size, seen.position = total, partial(_position, file, before)
                yield from read(file, name, column, seen, stack)
            except TriageError as problem:
                if not many:
                    raise
                seen.file = name
                seen.leave_out_file(str(problem))
        before += size([name], None)
        # the file is closed now, but may be asked once more
        seen.position = partial(int, before)


def size(named: Sequence[str], file: BinaryIO | None) -> int:
    """How many bytes the input has, 0 where that is not known."""
    with suppress(OSError):
        if file is not None:
            return os.fstat(file.fileno()).st_size
        return sum(Path(name).stat().st_size for name in named)
    return 0


def _position(file: BinaryIO, before: int) -> int:
    return before + file.tell()


def measured(file: BinaryIO, seen: Progress) -> BinaryIO:
    """The same file; ``seen`` knows its size, if it has one."""
    with suppress(OSError):  # not every stream has a descriptor
        status = os.fstat(file.fileno())
        if stat.S_ISREG(status.st_mode):
            seen.size, seen.position = status.st_size, file.tell
    return file


def batches(file: BinaryIO, name: str, column: str, seen: Progress, stack: ExitStack) -> Iterator[Batch]:
    """All rows of a file that can be read, in order; the others are counted in ``seen``."""
    for part, kind in _parts(file, name, column, seen, stack):
        with _of_several(seen):
            yield from _READERS[kind](part, column, seen)
    seen.end_file()


@contextmanager
def _of_several(seen: Progress) -> Iterator[None]:
    """One of several files that is of no use as a whole is one bad row."""
    try:
        yield
    except TriageError as problem:
        if not seen.several:
            raise
        seen.leave_out_file(str(problem))


def tasks(
    file: BinaryIO, name: str, column: str, seen: Progress, stack: ExitStack, *, here: bool = False
) -> Iterator[Task]:
    """The same rows for other processes: lines as they stand, to be read there; of other formats the rows.

    here: these processes can read the file themselves, so that they need only be told where.
    """
    for part, kind in _parts(file, name, column, seen, stack):
        if kind not in _OF_LINES:
            with _of_several(seen):
                for found in _READERS[kind](part, column, seen):
                    yield Task("", rows=list(found.rows))
        elif here and part is file and stat.S_ISREG(os.fstat(file.fileno()).st_mode) and name != "-":
            for start, end in pairwise(_cuts(file)):
                yield Task(kind, file=seen.file, path=name, start=start, end=end)
        else:
            for block in _blocks(part, seen):
                yield Task(kind, block, number=seen.number, file=seen.file)
                seen.number += block.count(b"\n") + (not block.endswith(b"\n"))
    seen.end_file()


def _cuts(file: BinaryIO) -> Iterator[int]:
    """Places between lines, about a block apart, the file's beginning and end among them; it stands there then."""
    place, size = 0, os.fstat(file.fileno()).st_size
    yield place
    while place < size:
        file.seek(place + _BLOCK)
        while piece := file.read(HEAD):
            at = piece.find(b"\n")
            if at >= 0:
                file.seek(at + 1 - len(piece), os.SEEK_CUR)
                break
        place = min(file.tell(), size)
        yield place


def read(task: Task, column: str, seen: Progress) -> Iterator[Batch]:
    """What a task holds, as ``batches`` gives it."""
    if not task.kind:
        yield Batch.of(task.rows, column)
        return
    seen.number, seen.file, lines = task.number, task.file, task.lines
    if task.path:
        try:
            with Path(task.path).open("rb") as file:
                file.seek(task.start)
                lines = file.read(task.end - task.start)
        except OSError as problem:
            raise TriageError(f"cannot read {task.path!r}: {problem.strerror}") from problem
    yield from _READERS[task.kind](io.BytesIO(lines), column, seen)


def columns(file: BinaryIO, name: str, seen: Progress, stack: ExitStack) -> tuple[str, ...]:
    """The names of the columns of the first file with any: what a person may choose the text from."""
    for part, kind in _parts(file, name, "", seen, stack):
        if kind == "csv":
            line = _peek(part).decode("utf-8-sig", "replace").partition("\n")[0]
            mark = max(",;\t", key=line.count)
            return tuple(next(csv.reader([line.rstrip("\r")], delimiter=mark), []))
        if kind == "parquet":
            import pyarrow as pa
            import pyarrow.parquet as pq

            try:
                return tuple(pq.ParquetFile(part).schema_arrow.names)
            except pa.ArrowException as problem:
                raise TriageError(f"this is not a readable parquet file: {problem}") from problem
        if kind in ("json", "jsonl") and (found := _first(part, seen)):
            return found
    return ()


def _first(file: BinaryIO, seen: Progress) -> tuple[str, ...]:
    """The names in the first object of a JSON file that is no audit record."""
    found: Iterable[object] = _elements(file, seen)
    for value in found:
        if isinstance(value, dict) and records.row(value, "") is NO_RECORD:
            return tuple(name for name in value if isinstance(name, str))
        return ()
    return ()
