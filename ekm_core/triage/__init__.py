"""Many messages at once: the same redaction, classifier and values as for one paste, over a file of any size.

In: csv, JSON lines, parquet or a plain log (one line is one message), a JSON list, the audit records of the three
clouds (see ``records``), .gz and .zip of them, or ``-`` for standard input; told by the content. Out, by the ending of
OUT: csv, jsonl or parquet with four columns added:

    error_id    the first known error, the root cause, or ""
    error_ids   all of them: a list in jsonl and parquet, joined with ";" in csv
    provider    who raised the first error, or ""
    entities    one value a name: an object in jsonl, the same as JSON text in csv and parquet

The input's columns stay as they are, except the text column: it is written REDACTED, so that a secret in a log does not
spread into a second file. Columns that already have one of the four names are replaced.

A row that cannot be read (broken JSON, no text in it, a line of more than 16 MiB) is left out, counted and named by its
number with the reason; the rest is done, and packed data that was cut off is read up to the cut. Bytes of a plain log
or csv that are not UTF-8 are read as U+FFFD and counted. Memory does not grow with the file: rows are read, classified
and written in chunks.
"""

from __future__ import annotations

from ekm_core.triage.job import Counts, run
from ekm_core.triage.rows import ADDED, BadRow, TriageError

__all__ = ["ADDED", "BadRow", "Counts", "TriageError", "run"]
