"""JSON lines read a block at a time: what is read and written of a line never depends on its neighbours."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ekm_core import triage
from ekm_core.triage import blocks, sinks, sources
from ekm_core.triage.rows import Progress

FINE = [
    b'{"text":"a"}',
    b'{"n":1,"text":"caf\xc3\xa9 \\"x\\" } {"}',
    b' {"text" : "spaced" , "n": [1, {"a": null}] } ',
    b'{"text":"windows"}\r',
    b'{"te\\u0078t":"escaped name"}',
    b'{"text":"first","text":"second"}',
    b'{"text":"a","inner":{"text":"b"}}',
    b'{"text":"a","error_id":"old"}',
    b'{"text":"a","n":1e999,"m":123456789012345678901234567890}',
    b'{"text":"a","n":' + b"[" * 900 + b"]" * 900 + b"}",
]
BROKEN = [
    b"",
    b"  ",
    b"{",
    b'{"text":"a"} {"text":"b"}',
    b'{"text":"a"}{"text":"b"}',
    b'{"text":"a"} {',
    b'{"text":"a"}\t{ ',
    b'{"text":',
    b'"a"}',
    b'{"text":1}',
    b'{"n":1}',
    b"[]",
    b"null",
    b'{"text":"a","n":"\xff"}',
    b'{"text":"\xff"}',
    b'{"text":"\\ud800"}',
    b'{"text":"a","n":NaN}',
    b'{"text":"a","n":01}',
    b'{"text":"a","n":' + b"[" * 3_000 + b"]" * 3_000 + b"}",
    b'{"text":"a"}\x00',
]
PIECES = [*'{}[],:"1- \ré', '"text"', '"text":"a"', '"n":', "1e999", "\\u0041"]
SOME = st.lists(st.sampled_from(PIECES), max_size=6).map(lambda some: "".join(some).encode())
LINE = st.sampled_from(FINE + BROKEN) | SOME | SOME.map(lambda some: b'{"text":"v","b":' + some + b"}")


def outcome(data: bytes, column: str = "text") -> tuple[list[str], list[object], bytes, list[tuple[int, str]]]:
    """Texts and rows of a file, what is written of them, and the bad rows."""
    seen, form = Progress(), sinks.form("jsonl", column)
    texts: list[str] = []
    rows: list[object] = []
    written = b""
    for batch in sources._read_jsonl(io.BytesIO(data), column, seen):
        texts += batch.texts
        rows += list(batch.rows)
        written += form.render(batch, batch.texts, [None] * len(batch.texts))
    return texts, rows, written, [(row.number, row.reason) for row in seen.named]


@given(st.lists(LINE, max_size=6), st.booleans())
def test_a_line_is_read_and_written_as_if_it_were_alone(lines: list[bytes], ended: bool) -> None:
    data = b"\n".join(lines) + b"\n" * ended
    texts, rows, written, bad = outcome(data)
    apart = [outcome(line + b"\n") for line in lines]
    assert texts == [text for one in apart for text in one[0]]
    assert rows == [row for one in apart for row in one[1]]
    assert written == b"".join(one[2] for one in apart)
    assert bad == [(number, reason) for number, one in enumerate(apart, 1) for _, reason in one[3]]


@pytest.mark.parametrize("line", FINE)
def test_what_is_json_is_read_whatever_stands_beside_it(line: bytes) -> None:
    for beside in (b'{"text":"other"}', b"broken"):
        texts, *_ = outcome(b"\n".join([line, beside, line]))
        assert texts[0] == texts[-1] == json.loads(line)["text"]


@pytest.mark.parametrize("line", BROKEN)
def test_what_is_no_row_is_left_out_whatever_stands_beside_it(line: bytes) -> None:
    other = b'{"text":"other"}'
    texts, _, _, bad = outcome(b"\n".join([other, line, other]))
    assert texts == ["other", "other"]
    assert [number for number, _ in bad] == ([2] if line.strip() else [])


def test_most_blocks_are_read_at_once() -> None:
    data = b'{"n":1,"text":"caf\xc3\xa9 {\\"a\\":1} {\\"b\\":2}"}\n{"text":"b"}\n'
    read = blocks.reader("text").batch(data)
    assert read is not None
    assert list(read.texts) == ['café {"a":1} {"b":2}', "b"]
    assert read.rows[1:][0] == {"text": "b"}
    assert isinstance(read.lines, blocks.Lines)
    assert read.lines.plain
    assert [bytes(body) for body in read.lines[1:].bodies()] == [b'{"text":"b"']


@pytest.mark.parametrize("column", ["message", "a b.c-d", "Nachricht (Text)", 'a"b', "a\\b", "本文", "", "error_id"])
def test_the_column_may_have_any_name(column: str) -> None:
    data = (json.dumps({column: "a", "n": 1}) + "\n") * 2
    texts, rows, written, bad = outcome(data.encode(), column)
    assert (texts, rows, bad) == (["a", "a"], [{column: "a", "n": 1}] * 2, [])
    assert [json.loads(line)["n"] for line in written.splitlines()] == [1, 1]


def test_what_is_written_anew_keeps_its_other_columns_to_the_letter(tmp_path: Path) -> None:
    numbers = '"n":1.10,"m":123456789012345678901234567890,"i":1e999,"o":{"b": 1,"a":[ ]}'
    (tmp_path / "in.jsonl").write_text('{"text":"password=hunter2hunter2",' + numbers + "}\n")
    triage.run(str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl"))
    written = (tmp_path / "out.jsonl").read_text()
    assert "hunter2" not in written
    assert numbers in written


def deep(depth: int, more: str = "") -> str:
    return '{"text":"password=hunter2hunter2",' + more + '"o":' + "[" * depth + "]" * depth + '}\n{"text":"other"}\n'


@pytest.mark.parametrize("depth", [900, 1_000, 1_020])
@pytest.mark.parametrize("more", ["", '"n":1e999,'])
def test_lists_within_lists_are_no_traceback(depth: int, more: str, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(deep(depth, more))
    counts = triage.run(str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl"))
    assert counts.rows + counts.bad == 2
    assert "hunter2" not in (tmp_path / "out.jsonl").read_text()


def test_what_no_csv_can_hold_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(deep(1_000))
    with pytest.raises(triage.TriageError, match=re.escape(blocks.TOO_DEEP)):
        triage.run(str(tmp_path / "in.jsonl"), str(tmp_path / "out.csv"))
