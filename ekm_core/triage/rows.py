"""What all rooms of the triage share: rows, the bad ones, and how far the reading has come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

MOST_NAMED = 20
_AT_ONCE = 16_384
"""So many rows at most are classified and written together: more of them would only take memory."""
ADDED = ("error_id", "error_ids", "provider", "entities")
"""The columns that a triage adds."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows.

    texts: of the column with the messages. lines: of JSON, that the rows were read from, b"" for one that was not; ()
    where none was.
    """

    texts: Sequence[str]
    rows: Sequence[Row]
    lines: Sequence[bytes] = ()

    @classmethod
    def of(cls, rows: Sequence[Row], column: str, lines: Sequence[bytes] = ()) -> Batch:
        """Rows that all have a text in that column."""
        return cls([row[column] for row in rows], rows, lines)

    def parts(self) -> Iterator[Batch]:
        """The same rows, not too many at once."""
        for start in range(0, len(self.texts), _AT_ONCE):
            these = slice(start, start + _AT_ONCE)
            yield Batch(self.texts[these], self.rows[these], self.lines[these])


class TriageError(Exception):
    """The input or the output cannot be used; the message is one sentence for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be read.

    number: from 1, a csv's header not counted, 0 for a whole file; within ``file``: one of several, the member of an
        archive, or "" where there is but one.
    reason: why, as words behind the number.
    """

    number: int
    reason: str
    file: str = ""

    @property
    def sentence(self) -> str:
        """The row and the reason on one line."""
        place = f"row {self.number:,}" if self.number else ""
        return ": ".join(filter(None, (self.file, place, self.reason)))


def _nowhere() -> int:
    """Where a reader stands whose input has no places; a function of the module, so that it can be pickled."""
    return 0


@dataclass(slots=True)
class Progress:
    """What has been read so far; the readers write it, the bar shows it.

    silent: audit records without an error. mended: rows whose bytes were not UTF-8. unpacked_limit: so many bytes of
    packed data are unpacked at most, 0 for any number. cut: why the reading of the present file ended before its end.
    several: whether there are others beside it, which are read where it is of no use.
    """

    size: int = 0
    position: Callable[[], int] = _nowhere
    rows: int = 0
    number: int = 0
    bad: int = 0
    silent: int = 0
    mended: int = 0
    named: tuple[BadRow, ...] = ()
    file: str = ""
    cut: str = ""
    several: bool = False
    unpacked: int = 0
    unpacked_limit: int = 0

    @property
    def share(self) -> float:
        """How much of the input has been read, 0 to 1; 0 where its size is not known."""
        return min(self.position() / self.size, 1.0) if self.size else 0.0

    def leave_out(self, reason: str) -> None:
        """Counts the current row as unreadable."""
        self.bad += 1
        if len(self.named) < MOST_NAMED:
            self.named = (*self.named, BadRow(self.number, reason, self.file))

    def leave_out_file(self, reason: str) -> None:
        """Counts the present file as unreadable as a whole; where it was damaged, that is the reason."""
        self.number = 0
        self.leave_out(self.cut or reason)
        self.cut = ""

    def take(self) -> Progress:
        """What was counted of bad rows and the like, which is then forgotten here."""
        taken = Progress(bad=self.bad, silent=self.silent, mended=self.mended, named=self.named)
        self.bad = self.silent = self.mended = 0
        self.named = ()
        return taken

    def behind(self, number: int) -> None:
        """Numbers what was counted as if so many rows of the file went before."""
        self.number += number
        self.named = tuple(replace(row, number=row.number + number) for row in self.named)

    def join(self, other: Progress) -> None:
        """Takes in what another reader counted of rows that follow."""
        self.bad += other.bad
        self.silent += other.silent
        self.mended += other.mended
        self.named = (*self.named, *other.named)[:MOST_NAMED]

    def end_file(self) -> None:
        """Counts what could not be read behind the last row of a file that was cut off."""
        if self.cut:
            self.number += 1
            self.leave_out(self.cut)
            self.cut = ""
