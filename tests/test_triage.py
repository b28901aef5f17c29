"""Triage: every format in and out, the same answers as for one paste, bad rows left out by number, flat memory."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import io
import json
import multiprocessing
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from ekm_core import batch, classify, diagnose, entities, normalise, redact, scan, triage
from ekm_core.model import Provider
from ekm_core.triage import results, sources
from tests.texts import many_texts

LATIN = re2.Options()
LATIN.encoding = re2.Options.Encoding.LATIN1
LATIN.case_sensitive = False
DENIED = (
    "User: arn:aws:sts::790389265272:assumed-role/EnterpriseKeyManagement/OpenAI-EKM-Service is not authorized to "
    "perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/ekm"
)
PATTERN = "Invalid 'key_name': string does not match pattern. Expected a string that matches the pattern '^org-'."
SECRET = "client_secret=abc8Q~0123456789abcdefABCDEF0123456789ab"
TEXTS = [DENIED, "all is well", f"{PATTERN} {SECRET}", "ünï — ok", ""]
IDS = ["aws-sts-assume-role-denied", "", "azure-key-name-pattern", "", ""]


def write(path: Path) -> Path:
    name = path.name
    if name.startswith("in.csv"):
        made = io.StringIO(newline="")
        writer = csv.writer(made)
        writer.writerow(["n", "text"])
        writer.writerows([number, text] for number, text in enumerate(TEXTS))
        data = made.getvalue().encode()
    elif name.startswith("in.jsonl"):
        data = "".join(json.dumps({"n": number, "text": text}) + "\n" for number, text in enumerate(TEXTS)).encode()
    elif name.startswith("in.parquet"):
        buffer = io.BytesIO()
        pq.write_table(pa.table({"n": list(range(len(TEXTS))), "text": TEXTS}), buffer)
        data = buffer.getvalue()
    else:
        data = "\n".join(TEXTS).encode() + b"\n"
    path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
    return path


def read(path: Path) -> list[dict[str, object]]:
    name = path.name
    if name.endswith(".parquet"):
        rows = pq.read_table(path).to_pylist()
    else:
        data = path.read_bytes()
        text = (gzip.decompress(data) if name.endswith(".gz") else data).decode()
        if ".csv" in name:
            rows = list(csv.DictReader(io.StringIO(text, newline="")))
        else:
            rows = [json.loads(line) for line in text.splitlines()]
    return rows


@pytest.mark.parametrize("out", ["out.csv", "out.jsonl", "out.parquet", "out.jsonl.gz", "out.csv.gz"])
@pytest.mark.parametrize(
    "name",
    ["in.csv", "in.jsonl", "in.parquet", "in.log", "in.txt", "in.csv.gz", "in.jsonl.gz", "in.parquet.gz", "in.log.gz"],
)
def test_every_format(name: str, out: str, tmp_path: Path) -> None:
    counts = triage.run(str(write(tmp_path / name)), str(tmp_path / out))
    rows = read(tmp_path / out)
    assert [row["error_id"] for row in rows] == IDS
    assert [row["provider"] for row in rows] == ["aws", "", "azure", "", ""]
    assert rows[0]["text"] == DENIED
    assert rows[3]["text"] == "ünï — ok"
    assert rows[2]["text"] == f"{PATTERN} client_secret=[removed: client secret]"
    ids, values = rows[0]["error_ids"], rows[0]["entities"]
    assert ids == (IDS[0] if ".csv" in out else [IDS[0]])
    entities = values if ".jsonl" in out else json.loads(str(values))
    assert entities["role_arn"] == "arn:aws:iam::123456789012:role/ekm"
    if ".log" not in name and ".txt" not in name:
        assert [int(str(row["n"])) for row in rows] == list(range(len(TEXTS)))
    assert (counts.rows, counts.matched, counts.bad) == (5, 2, 0)
    assert counts.by_error == {"aws-sts-assume-role-denied": 1, "azure-key-name-pattern": 1}
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, out])


def test_without_out_it_only_counts(tmp_path: Path) -> None:
    counts = triage.run(str(write(tmp_path / "in.log")), None)
    table = counts.table()
    assert "1  aws-sts-assume-role-denied" in table
    assert "3  no known error" in table
    assert "5  messages" in table


@pytest.mark.parametrize(
    ("data", "rows"), [((json.dumps({"text": DENIED}) + "\n").encode() * 2, 2), (DENIED.encode(), 1)]
)
@pytest.mark.parametrize("packed", [False, True])
def test_standard_input(data: bytes, rows: int, packed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BufferedReader(io.BytesIO(gzip.compress(data, mtime=0) if packed else data))  # type: ignore[arg-type]

    monkeypatch.setattr(sys, "stdin", Stdin)
    counts = triage.run("-", None)
    assert counts.by_error == {"aws-sts-assume-role-denied": rows}


def test_bad_rows_are_named_and_the_rest_is_done(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    good = json.dumps({"text": DENIED}).encode()
    source.write_bytes(
        b"\n".join([good, b"{broken", b'{"text": 5}', b'{"other": "x"}', b'{"text": "\xff"}', b"[1]", good])
    )
    counts = triage.run(str(source), str(tmp_path / "out.jsonl"))
    assert (counts.rows, counts.bad, counts.bad_rows) == (2, 5, (2, 3, 4, 5, 6))
    assert len(read(tmp_path / "out.jsonl")) == 2
    assert "5  rows could not be read and were left out: 2, 3, 4, 5, 6" in counts.table()


def test_a_csv_row_of_another_width_is_left_out(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes(b"\xef\xbb\xbftext,n\r\n" + DENIED.encode() + b',1\r\na,b,c\r\n"two\nlines",2\r\n\xff,3\r\n')
    counts = triage.run(str(source), str(tmp_path / "out.jsonl"))
    assert (counts.rows, counts.bad, counts.bad_rows) == (3, 1, (2,))
    assert read(tmp_path / "out.jsonl")[1]["text"] == "two\nlines"


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_LONGEST", 1000)
    monkeypatch.setattr(sources, "_BLOCK", 300)
    source = tmp_path / "in.log"
    source.write_text(f"{DENIED}\n{'x' * 5000}\n{DENIED}\n{'y' * 5000}")
    counts = triage.run(str(source), None)
    assert (counts.rows, counts.bad) == (2, 2)
    assert counts.bad_rows == (2, 4)
    assert counts.matched == 2


@pytest.mark.parametrize(
    ("name", "data", "out", "column", "says"),
    [
        ("in.csv", b"a,b\n1,2\n", None, "text", "no column 'text'; its columns are: a, b"),
        ("in.csv", b"", None, "text", "no column 'text'"),
        ("in.parquet", b"PAR1 nonsense", None, "text", "not a readable parquet file"),
        ("in.log", b"x", "out.xlsx", "text", "must end with .csv, .jsonl or .parquet"),
        ("in.log", b"x", "no/such/folder/out.csv", "text", "cannot write"),
        ("in.jsonl", b'{"text": "a", "n": 1}\n{"text": "b", "n": "x"}\n', "out.parquet", "text", "several types"),
    ],
)
def test_bad_input_is_one_sentence(
    name: str, data: bytes, out: str | None, column: str, says: str, tmp_path: Path
) -> None:
    source = tmp_path / name
    source.write_bytes(data)
    with pytest.raises(triage.TriageError) as caught:
        triage.run(str(source), out and str(tmp_path / out), column)
    assert says in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_out_is_never_the_input(tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv")
    with pytest.raises(triage.TriageError, match="is the input itself"):
        triage.run(str(source), str(source))
    with pytest.raises(triage.TriageError, match="cannot read"):
        triage.run(str(tmp_path / "absent.csv"), None)


def test_an_empty_file_gives_an_empty_table(tmp_path: Path) -> None:
    source = tmp_path / "in.log"
    source.write_bytes(b"")
    for out in ("out.csv", "out.jsonl", "out.parquet"):
        assert triage.run(str(source), str(tmp_path / out)).rows == 0
        assert (tmp_path / out).exists()


@pytest.mark.parametrize("scanner", ["never", "now"])
def test_the_same_answers_as_for_one_paste(scanner: str) -> None:
    if scanner == "now":
        pytest.importorskip("hyperscan")
    texts = many_texts()
    answers = batch.Classifier(scanner).many(texts)
    ids_alone = batch.Classifier(scanner, values=False).many(texts)
    assert ids_alone == [answer._replace(entities=None) for answer in answers]
    for text, fast in zip(texts, answers, strict=True):
        clean = redact.redact(text).text
        normal = normalise.normalise(clean).text
        found = classify.classify(normal)
        assert fast.ids == tuple(result.error.id for result in found), text
        assert fast.text == clean
        assert fast.provider == (found[0].error.provider if found else "")
        if found:
            values = entities.extract(normal, found[0].error.provider)
            assert fast.entities == diagnose.read_values(values), text


@pytest.mark.parametrize(
    "text",
    [
        'ForbiddenByConnection: "abc-def"',
        "see ForbiddenByConnection/12345 there",
        'const known = { ForbiddenByConnection: "public-network" }',
        'check("ForbiddenByConnection", 3)',
        "code ForbiddenByRbac: 'role-missing'",
    ],
)
def test_a_name_beside_what_a_program_makes_of_it_is_no_error_for_the_triage_either(text: str) -> None:
    assert classify.classify(normalise.normalise(text).text) == ()
    assert without_scanner().one(text).ids == ()


def test_a_sentence_before_a_code_is_none_of_a_list_of_codes() -> None:
    text = f"{DENIED.rpartition(' on resource')[0]} AADSTS700016"
    ids = ("azure-missing-service-principal", "aws-sts-assume-role-denied")
    assert tuple(found.error.id for found in classify.classify(normalise.plain(text))) == ids
    assert without_scanner().one(text).ids == ids


def test_a_message_that_comes_again_is_read_once_as_long_as_it_is_among_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batch, "_MOST_TEXTS", 2)
    read: list[str] = []
    values = entities.values
    monkeypatch.setattr(entities, "values", lambda text, *more: read.append(text[-1]) or values(text, *more))
    classifier = batch.Classifier("never")
    order = "aababcadaeafagbahbic"
    for name in order:
        text = f"{DENIED} {name}"
        assert classifier.one(text).ids == ("aws-sts-assume-role-denied",)
    assert "".join(read) == "abcdefgbhic"


def test_the_scanner_sees_the_patterns_that_re2_sees() -> None:
    pytest.importorskip("hyperscan")
    engine = classify.engine()
    scanner = scan.Scanner({1: [b"x"]}, {})
    for text in many_texts():
        normal = normalise.plain(redact.redact(text).text)
        if normal.isascii():
            (signs,) = scanner.look([normal], [0])
            numbers = engine.matching(normal)
            assert (sorted(signs.patterns) if signs else []) == numbers, normal
            if signs:
                assert signs.mentioned == classify.may_be_mentioned(normal), normal
            for provider in Provider:
                likely = tuple(entities._ALL.index(finder) for finder in entities._likely(normal, provider))
                assert scanner.finders(normal, provider) == likely, normal


def test_where_one_providers_words_stand_alone_no_others_signature_matches() -> None:
    pytest.importorskip("hyperscan")
    classifier = batch.Classifier("now")
    texts = many_texts()
    alone = set(batch._BITS.values())
    found = [(texts[at], bits) for at, bits in classifier._doubtful(texts) if bits in alone]
    assert {bits for _, bits in found} == alone
    normal = classifier._normal([text for text, _ in found], [bits for _, bits in found])
    assert classifier._scanner
    narrow = classifier._scanner.look(normal, [bits for _, bits in found])
    assert narrow == classifier._scanner.look(normal, [0] * len(normal))
    assert any(narrow)


@cache
def without_scanner() -> batch.Classifier:
    return batch.Classifier("never")


@cache
def with_scanner() -> batch.Classifier:
    return batch.Classifier("now")


@settings(max_examples=300, deadline=None)
@given(
    texts=st.lists(st.text(alphabet="ab \t\n\r\\\"'|>#%20nrt&;+*`[m<\x0b\x1c\x1b-=é\ud800", max_size=24), max_size=6)
)
def test_a_text_without_noise_has_only_blanks_to_lose(texts: list[str]) -> None:
    texts = batch.whole(texts)
    noisy = re2.compile(batch._WRAPPED, LATIN)
    signs = [batch._NOISY if noisy.search(text.encode()) else 0 for text in texts]
    for text, sign, normal in zip(texts, signs, without_scanner()._normal(texts, signs), strict=True):
        complete = normalise.normalise(text).text
        # apart from what leads a line
        assert normal == complete if sign else normal.endswith(complete.lstrip(" ")), text
    assert with_scanner()._normal(texts, signs) == without_scanner()._normal(texts, signs)
    assert [result.text for result in without_scanner().many(texts)] == [redact.redact(text).text for text in texts]


def small(block: int) -> None:
    """What the processes of a pool do first, so that a few hundred rows are many blocks."""
    sources._BLOCK, sources._LONGEST, sources.ROWS_AT_ONCE = block, 3 * block, 50


@pytest.fixture(scope="module")
def two() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn"), small, (20_000,)) as pool:
        yield pool


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("name", ["in.jsonl", "in.csv", "in.parquet", "in.log.gz"])
@pytest.mark.parametrize("out", ["out.jsonl", "out.csv", "out.parquet"])
def test_two_processes_give_what_one_gives(
    name: str, out: str, elsewhere: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, two: ProcessPoolExecutor
) -> None:
    monkeypatch.setattr(sources, "_BLOCK", 20_000)
    monkeypatch.setattr(sources, "ROWS_AT_ONCE", 50)
    monkeypatch.setattr(sources, "_LONGEST", 60_000)
    monkeypatch.setitem(globals(), "TEXTS", [*many_texts()[:400], "", "ünï", SECRET])
    source = write(tmp_path / name)
    if name == "in.jsonl":
        bad = b"{broken\n" + b'"' + b"x" * 90_000 + b'"\n[1]\n\n{"n": 1}\n'
        data = source.read_bytes()
        cut = data.index(b"\n", len(data) // 2) + 1
        source.write_bytes(b"{broken\n" + data[:cut] + bad + data[cut:] + b"[2]")
    collectors = results.Collector(), results.Collector()
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    alone = triage.run(str(source), str(tmp_path / "one" / out), collector=collectors[0])
    both = triage.run(
        str(source),
        str(tmp_path / "two" / out),
        collector=collectors[1],
        executor=two,
        processes=2,
        elsewhere=elsewhere,
    )
    assert dataclasses.replace(alone, seconds=0) == dataclasses.replace(both, seconds=0)
    assert alone.rows > 400
    assert alone.bad == (6 if name == "in.jsonl" else 0)
    assert collectors[0].summary() == collectors[1].summary()
    assert read(tmp_path / "one" / out) == read(tmp_path / "two" / out)
    assert [path.name for path in (tmp_path / "two").iterdir()] == [out]


def test_blank_lines_are_messages_of_a_log_wherever_a_block_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, two: ProcessPoolExecutor
) -> None:
    source = tmp_path / "in.log"
    source.write_bytes(b"\n\na\n\n\nbc\n\n")
    for block in range(1, 9):
        monkeypatch.setattr(sources, "_BLOCK", block)
        for executor, elsewhere in ((None, False), (two, False), (two, True)):
            out = tmp_path / "out.jsonl"
            triage.run(str(source), str(out), executor=executor, elsewhere=elsewhere)
            assert [row["text"] for row in read(out)] == ["", "", "a", "", "", "bc", ""]


def test_what_is_remembered_is_bounded_and_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "_MOST_TEXTS", 3)
    monkeypatch.setattr(batch, "_LONGEST_TEXT", 400)
    classifier = batch.Classifier("never")
    texts = [f"{DENIED} {number % 5} {SECRET if number % 2 else ''} {'x' * (number % 3) * 400}" for number in range(20)]
    expected = batch.Classifier("never").many(texts)
    remembered: set[str] = set()
    for start in range(0, 20, 2):
        assert classifier.many(texts[start : start + 2]) == expected[start : start + 2]
        assert len(classifier._known) <= 3
        remembered.update(classifier._known)
    assert remembered
    assert not any("abc8Q~" in text or len(text) > 400 for text in remembered)


def test_processes_of_its_own(tmp_path: Path) -> None:
    source = str(write(tmp_path / "in.jsonl"))
    counts = triage.run(source, str(tmp_path / "out.jsonl"), processes=2)
    assert (counts.rows, counts.matched) == (5, 2)
    assert [row["error_id"] for row in read(tmp_path / "out.jsonl")] == IDS


class Killed(Executor):
    """Processes that something ends from outside."""

    def submit(self, *_: object, **__: object) -> Future[object]:  # type: ignore[override]
        future: Future[object] = Future()
        future.set_exception(BrokenProcessPool())
        return future


def test_a_killed_process_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(triage.TriageError, match="worker process was ended from outside"):
        triage.run(str(write(tmp_path / "in.log")), str(tmp_path / "out.csv"), executor=Killed())
    assert [path.name for path in tmp_path.iterdir()] == ["in.log"]


def test_compiled_patterns_are_kept_and_never_trusted_blindly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("hyperscan")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    patterns = [(3, "abc"), (5, "d.{0,80}e")]
    assert scan.scanner({1: [b"x"]}, {}, make=False) is None
    with pytest.raises(scan._NotKeptError):
        scan._database(patterns, make=False)
    made = scan._database(patterns, make=True)
    loaded = scan._database(patterns, make=False)
    assert scan._matching(loaded, b"d abc e") == scan._matching(made, b"d abc e") == [3, 5]
    folder = tmp_path / "ekm-troubleshooter"
    (path,) = folder.iterdir()
    data = path.read_bytes()
    for damaged in (data[:-5], b"", data[:200] + bytes([data[200] ^ 1]) + data[201:]):
        path.write_bytes(damaged)
        with pytest.raises(scan._NotKeptError):
            scan._database(patterns, make=False)
    path.write_bytes(data)
    folder.chmod(0o777)
    with pytest.raises(scan._NotKeptError):
        scan._database(patterns, make=False)


def test_the_words_of_the_gate_are_kept_and_a_damaged_file_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = classify.engine()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = batch._gate(engine)
    (path,) = (tmp_path / "ekm-troubleshooter").iterdir()
    data = path.read_bytes()
    monkeypatch.setattr(type(engine), "literals", lambda _: None)  # what is kept is not worked out again
    assert batch._gate(engine) == made
    for damaged in (data[:-1], b"", b"{}", data.replace(b"aws", b"gcp")):
        path.write_bytes(damaged)
        assert batch._gate(engine) != made
    path.write_bytes(data)
    assert batch._gate(engine) == made


def test_lines_of_json_are_written_as_they_came_unless_that_would_keep_a_secret(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    plain = json.dumps(SECRET)
    source.write_text(
        '{ "n": 1.50, "text": "all is well" }\n'
        f'{{"text": {plain}, "n": 2, "text": "all is well"}}\n'
        f'{{"te\\u0078t": {plain}, "n": 3, "text": "all is well"}}\n'
        '{"text": "all is well", "entities": "mine", "n": 4}\n'
        f'{{"n": 5, "text": {json.dumps(DENIED)}}}\n'
    )
    triage.run(str(source), str(tmp_path / "out.jsonl"))
    out = (tmp_path / "out.jsonl").read_text()
    assert "abc8Q~" not in out
    assert out.startswith('{ "n": 1.50, "text": "all is well" ,"error_id":"","error_ids":[]')
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["n"] for row in rows] == [1.5, 2, 3, 4, 5]
    assert [row["error_id"] for row in rows] == ["", "", "", "", "aws-sts-assume-role-denied"]
    assert rows[3]["entities"] == {}


def test_a_broken_half_of_a_character_is_written_as_a_question_mark(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(b'{"text": "a \\ud800 b"}\n')
    counts = triage.run(str(source), str(tmp_path / "out.jsonl"))
    assert counts.rows + counts.bad == 1


def test_a_bar_on_a_terminal_only(tmp_path: Path) -> None:
    screen = io.StringIO()
    triage.run(str(write(tmp_path / "in.log")), None, progress=screen)
    assert "rows" in screen.getvalue()
    assert screen.getvalue().endswith("\r\x1b[K")
