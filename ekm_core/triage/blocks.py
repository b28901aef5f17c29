"""JSON lines, a block of a file at a time: the texts at once, all else of a row only for whom asks for it.

To read one column of a whole block takes half as long as to make an object of every line, and most lines are written
out as they stand.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from operator import attrgetter
from typing import Any, overload

from ekm_core import scan
from ekm_core.triage.rows import ADDED, Batch, Row, TriageError

TOO_DEEP = "a row holds lists within lists, hundreds deep, which only .jsonl can be written of"
_TEXT = attrgetter("text")
_TOGETHER = 0
"""Two objects on one line, which the decoder takes as well as one on two lines: then numbers of lines say nothing."""


class Lines(Sequence[bytes]):
    """Lines of JSON in a block, each with one object.

    starts, ends: where each begins, and where the next one would. plain: all are, see ``Reader.is_plain``.
    """

    def __init__(self, data: bytes, starts: Sequence[int], ends: Sequence[int], *, plain: bool) -> None:
        self._data, self._starts, self._ends, self.plain = data, starts, ends, plain

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> Lines: ...
    def __getitem__(self, at: int | slice) -> bytes | Lines:
        if isinstance(at, int):
            return self._data[self._starts[at] : self._ends[at] - 1]
        return Lines(self._data, self._starts[at], self._ends[at], plain=self.plain)

    def bodies(self) -> list[memoryview]:
        """Each without its closing brace, where they are plain."""
        view = memoryview(self._data)
        return [view[start : end - 2] for start, end in zip(self._starts, self._ends, strict=True)]


class _Rows(Sequence[Row]):
    """The rows in lines of JSON, each made when it is asked for."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Row]: ...
    def __getitem__(self, at: int | slice) -> Row | Sequence[Row]:
        if isinstance(at, slice):
            return _Rows(self._lines[at])
        try:
            row: Row = loaded(self._lines[at])
        except ValueError as problem:
            raise TriageError(TOO_DEEP) from problem
        return row


def loaded(line: bytes) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """What stands in a line. Raises ValueError where that is no JSON.

    A column with a number that no computer's own can hold is given as it is written.
    """
    import msgspec
    import orjson

    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as problem:
        if "infinity" not in str(problem):
            raise
    try:
        columns = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, RecursionError) as problem:
        raise ValueError(str(problem)) from problem
    return {name: _value(bytes(written)) for name, written in columns.items()}


def _value(written: bytes) -> Any:  # noqa: ANN401 - whatever JSON can hold
    import orjson

    try:
        return orjson.loads(written)
    except orjson.JSONDecodeError:
        return written.decode()


class Reader:
    """Reads blocks. column: the name of the texts' column. Not to be shared between threads."""

    def __init__(self, column: str) -> None:
        import msgspec

        # A name of other characters could stand in a line with escapes, where it is not looked for.
        self._is_plain = re.fullmatch(r"[\w .-]+", column, re.ASCII) is not None
        name = column if self._is_plain else "text"
        made = msgspec.defstruct("Line", [("text", str)], rename={"text": name}, gc=False)
        self._decode = msgspec.json.Decoder(made).decode_lines
        self._problems = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
        quoted = re.escape(f'"{name}"').encode()
        self._which = scan.which(
            {
                _TOGETHER: rb"\}[ \t\r]*\{[ \t\r]*[\"}\n]",  # within a text the quotes have backslashes
                1: rb"\\u00",  # a letter of a name may be escaped
                2: quoted + rb"[^\n]*" + quoted,
                3: b'"(?:' + "|".join(ADDED).encode() + b')"',
                4: rb"[^}]\n",
            }
        )

    def is_plain(self, line: bytes) -> bool:
        """Whether the new columns can be added behind the last one of the line, as it stands.

        It must hold the quoted name of the text once only: a second one, perhaps with escapes in its name, would be
        lost on reading, but its secrets would be written out. And none of the new columns may be there already.
        """
        return self._is_plain and line.endswith(b"}") and self._which(line) <= {_TOGETHER}

    def batch(self, data: bytes) -> Batch | None:
        """The rows of whole lines; None where one of them has no text, or needs a closer look."""
        if not data.endswith(b"\n"):
            data += b"\n"
        marks = self._which(data)
        if not self._is_plain or _TOGETHER in marks or not (data.isascii() or _is_utf8(data)):
            return None
        try:
            texts = list(map(_TEXT, self._decode(data)))
        except self._problems:
            return None
        ends = _ends(data)
        if len(texts) != len(ends):
            return None
        lines = Lines(data, [0, *ends[:-1]], ends, plain=not marks)
        return Batch(texts, _Rows(lines), lines)


def _ends(data: bytes) -> list[int]:
    """Behind each line break."""
    ends: list[int] = []
    find, note, at = data.find, ends.append, 0
    while at := find(b"\n", at) + 1:
        note(at)
    return ends


_mine = threading.local()


def reader(column: str) -> Reader:
    """A reader for this thread, made once."""
    readers: dict[str, Reader] = _mine.__dict__
    if column not in readers:
        readers[column] = Reader(column)
    return readers[column]


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
