"""What a triage says of many messages: counts, time, customers, unknown messages by template, and the way out."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ekm_core import triage
from ekm_core.model import Provider
from ekm_core.triage import export, proposal, results, session
from ekm_core.triage.results import Collector, Summary
from tests.serving import ROOT
from tests.test_triage import DENIED, PATTERN, SECRET

UNKNOWN = "Wrapping key {} for tenant 'acme{}' failed: quorum of attestation servers not reached after {} ms"


def export_of(rows: int = 300) -> bytes:
    lines = []
    for number in range(rows):
        text = (DENIED, f"{PATTERN} {SECRET}", UNKNOWN.format(f"k-{number}", number, number * 3), "all is well")[
            number % 4
        ]
        hour = number % 5
        lines.append(
            json.dumps(
                {
                    "created": f"2026-11-{20 + number % 3}T0{hour}:00:00Z",
                    "organization": f"customer-{number % 2}" if number % 7 else "a.person@example.com",
                    "text": text,
                }
            )
        )
    return "\n".join(lines).encode()


def summary_of(data: bytes, tmp_path: Path, time_column: str = "created", customer: str = "organization") -> Summary:
    source = tmp_path / "in.jsonl"
    source.write_bytes(data)
    collector = Collector(time_column, customer)
    triage.run(str(source), None, collector=collector)
    return collector.summary()


def test_what_broke_since_when_for_whom(tmp_path: Path) -> None:
    found = summary_of(export_of(), tmp_path)
    assert (found.rows, found.matched, found.untimed) == (300, 150, 0)
    assert found.by_error == {"aws-sts-assume-role-denied": 75, "azure-key-name-pattern": 75}
    assert found.by_cloud == {"aws": 75, "azure": 75}
    assert found.by_link == {"trust": 75, "request": 75}
    assert found.bucket == "hour"
    assert sum(point.count for point in found.over_time) == 150
    assert found.over_time[0].start == "2026-11-20 00:00:00"
    assert {item.customer for item in found.affected} == {"customer-0", "customer-1", "[removed:e-mail] 1"}
    assert all(item.first.startswith("2026-11-20") and item.last.startswith("2026-11-22") for item in found.affected)


def test_a_long_span_is_shown_by_days(tmp_path: Path) -> None:
    data = "".join(json.dumps({"text": DENIED, "time": f"2026-11-{day:02}T23:59:59Z"}) + "\n" for day in range(1, 29))
    found = summary_of(data.encode(), tmp_path, "", "")
    assert found.bucket == "day"
    assert [point.start for point in found.over_time][:2] == ["2026-11-01 00:00:00", "2026-11-02 00:00:00"]


def test_unknown_messages_are_grouped_and_what_alarms_comes_first(tmp_path: Path) -> None:
    found = summary_of(export_of(), tmp_path)
    assert [(group.template, group.count) for group in found.groups] == [
        ("Wrapping key <*> for tenant <*> failed: quorum of attestation servers not reached after <*> ms", 75),
        ("all is well", 75),
    ]
    assert found.groups[0].first.startswith("2026-11-20")
    assert found.groups[0].customers == 2


def test_what_sounds_like_no_error_has_room_beside_what_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "MOST_GROUPS", 10)
    monkeypatch.setattr(results, "QUIET_GROUPS", 3)
    rows = [f"{chr(97 + n)}x failed" for n in range(20)] + ["my chats are gone"] * 9 + ["ay", "by", "cy", "dy"]
    found = summary_of("\n".join(json.dumps({"text": row}) for row in rows).encode(), tmp_path)
    assert [group.alarming for group in found.groups] == [True] * 7 + [False] * 3
    assert found.groups[7].template == "my chats are gone"
    found = summary_of("\n".join(json.dumps({"text": row}) for row in rows[15:]).encode(), tmp_path)
    assert [group.alarming for group in found.groups] == [True] * 5 + [False] * 5


def test_customers_of_a_group_are_counted_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"text": "it failed", "organization": f"c{n % 4}"} for n in range(20)] + [{"text": "it failed"}]
    data = "\n".join(map(json.dumps, rows)).encode()
    group = summary_of(data, tmp_path).groups[0]
    assert (group.customers, export.customers(group)) == (4, "4")
    assert export.customers(summary_of(data, tmp_path, customer="nothing").groups[0]) == ""
    for room in (results, export):
        monkeypatch.setattr(room, "MOST_COUNTED", 3)
    group = summary_of(data, tmp_path).groups[0]
    assert (group.customers, export.customers(group)) == (3, "3 or more")


def test_the_table_reaches_the_end_and_holds_the_first_rows_of_each_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("MOST_KNOWN", 5), ("MOST_UNKNOWN", 4), ("OF_EACH", 3)):
        monkeypatch.setattr(results, name, value)
    rows = [DENIED] * 30 + ["all is well"] * 30 + [PATTERN] * 2 + [DENIED] * 28
    found = summary_of("\n".join(json.dumps({"text": row}) for row in rows).encode(), tmp_path)
    numbers = [row.number for row in found.table]
    assert numbers == sorted(set(numbers))
    assert {1, 2, 3, 61, 62} <= set(numbers)
    assert max(numbers) > 75
    assert max(number for number in numbers if 31 <= number <= 60) > 50
    assert len(numbers) <= 5 + 4 + 2 * 3


def test_customers_whose_names_are_removed_are_still_told_apart(tmp_path: Path) -> None:
    names = ["a.person@example.com", "b.person@example.com", "Acme", "a.person@example.com"]
    data = "\n".join(json.dumps({"text": DENIED, "organization": name}) for name in names).encode()
    counts = {item.customer: item.count for item in summary_of(data, tmp_path).affected}
    assert counts == {"[removed:e-mail] 1": 2, "[removed:e-mail] 2": 1, "Acme": 1}


def test_one_error_is_looked_at_alone(tmp_path: Path) -> None:
    found = summary_of(export_of(), tmp_path)
    alone = found.of("azure-key-name-pattern")
    assert sum(point.count for point in alone.over_time) == sum(item.count for item in alone.affected) == 75
    assert {item.error_id for item in (*alone.over_time, *alone.affected)} == {"azure-key-name-pattern"}
    first, last = found.lasted["azure-key-name-pattern"]
    assert first == min(item.first for item in alone.affected)
    assert last == max(item.last for item in alone.affected)


def test_nothing_in_a_summary_is_a_secret(tmp_path: Path) -> None:
    data = json.dumps(
        {"text": f"Something failed {SECRET} in account 123456789012 key arn:aws:kms:eu-west-1:123456789012:key/abc"}
    )
    found = summary_of(data.encode(), tmp_path)
    assert "abc8Q~" not in repr(found)
    assert "123456789012" not in found.groups[0].sample
    assert "account-1" in found.groups[0].sample


def test_a_summary_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("_MOST_TEMPLATES", 20), ("MOST_GROUPS", 5), ("_MOST_CUSTOMERS", 3), ("MOST_UNKNOWN", 7)):
        monkeypatch.setattr(results, name, value)
    words = [f"{chr(97 + a)}{chr(97 + b)}x failed" for a in range(20) for b in range(20)]
    rows = [{"text": word, "organization": word} for word in words] + [
        {"text": DENIED, "organization": f"c{n}"} for n in range(50)
    ]
    rows += [{"text": "often failed"}] * 100
    found = summary_of("\n".join(map(json.dumps, rows)).encode(), tmp_path)
    assert len(found.groups) == 5
    assert found.groups[0].template == "often failed"
    assert found.groups[0].count == 100
    assert found.ungrouped > 300
    assert {item.customer for item in found.affected} == {results.OTHERS}
    assert 4 <= len([row for row in found.table if not row.error_id]) <= 7


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("2026-11-27T10:00:00Z", "2026-11-27 10:00:00"),
        ("2026-11-27T10:00:00.123456789Z", "2026-11-27 10:00:00"),
        ("2026-11-27 12:00:00,5+02:00", "2026-11-27 10:00:00"),
        (1795773600, "2026-11-27 10:00:00"),
        ("1795773600000", "2026-11-27 10:00:00"),
        ("2026-11-27 10:00:00 UTC", "2026-11-27 10:00:00"),
        ("2026/11/27 10:00:00", "2026-11-27 10:00:00"),
        ("Fri, 27 Nov 2026 12:00:00 +0200", "2026-11-27 10:00:00"),
        ("27 Nov 2026 10:00:00 GMT", "2026-11-27 10:00:00"),
        ("27/Nov/2026:12:00:00 +0200", "2026-11-27 10:00:00"),
        ("27.11.2026 10:00", "2026-11-27 10:00:00"),
        (" 7.1.2026 ", "2026-01-07 00:00:00"),
        ("11/12/2026 10:00", ""),
        ("99.99.2026", ""),
        ("32 Nov 2026 10:00", ""),
        ("yesterday", ""),
        (None, ""),
        (float("nan"), ""),
        (True, ""),
    ],
)
def test_times_as_exports_write_them(value: object, said: str) -> None:
    assert results.written(results.seconds(value)) == said


def test_a_line_of_a_log_begins_with_its_time(tmp_path: Path) -> None:
    source = tmp_path / "in.log"
    source.write_text(f"2026-11-27T10:00:00Z {DENIED}\n[2026-11-27 11:00:00] {DENIED}\n")
    collector = Collector()
    triage.run(str(source), None, collector=collector)
    assert [point.start for point in collector.summary().over_time] == ["2026-11-27 10:00:00", "2026-11-27 11:00:00"]


HOSTILE = 'Key \'x\' failed"""\n{}\\N{DASH} \\ """ + __import__("os") # \' %s {0} é\u2028 <script>'


@pytest.mark.parametrize(
    ("message", "cloud"),
    [
        (UNKNOWN.format("k-1", 1, 3), Provider.AZURE),
        ("KMS replica set refused arn:aws:kms:eu-west-1:123456789012:key/abc: epoch mismatch", Provider.AWS),
        ("googleapis frobnication failed for projects/acme/locations/us", Provider.GCP),
        (HOSTILE, Provider.OPENAI),
    ],
)
def test_a_proposal_loads_and_passes_the_tests_of_the_catalogue(message: str, cloud: Provider, tmp_path: Path) -> None:
    group = summary_of(json.dumps({"text": message}).encode() + b"\n", tmp_path).groups[0]
    assert proposal.provider(group) is cloud
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "ekm_core", copy / "ekm_core", ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "test_catalogue.py", copy / "tests")
    made = copy / proposal.file_name(group)
    assert not made.exists()
    made.write_text(proposal.proposal(group))
    assert made.read_text().startswith('"""Proposed by the triage, from 1 message.\n')
    assert f"It belongs at {proposal.file_name(group)}\n" in made.read_text()
    settings = ("--line-length", "120", "--no-cache")  # those of the project, which its own tests ask for
    subprocess.run([sys.executable, "-m", "ruff", "format", "--check", *settings, made], check=True)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-k",
            f"{cloud}-new-",
            "tests/test_catalogue.py",
        ],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    # All but the one thing that only a person can do: to read a source.
    assert re.search(r"\b1 failed, [1-9]\d* passed", done.stdout), done.stdout
    assert "no source that was read" in done.stdout


def test_the_ways_out(tmp_path: Path) -> None:
    data = (
        export_of() + b"\n" + json.dumps({"text": "=HYPERLINK(1) failed | [x](http://y) <b>"}).encode() + b"\n{broken"
    )
    source = tmp_path / "in.jsonl"
    source.write_bytes(data)
    collector = Collector("created", "organization")
    counts = triage.run(str(source), None, collector=collector)
    found = collector.summary()
    said = export.markdown(found, counts)
    assert "- row 302: the JSON is broken" in said
    assert "<b>" not in said
    assert "1 row could not be read" in said
    plain = said.replace("\\", "")
    assert "| 75 | aws-sts-assume-role-denied | OpenAI is not allowed to assume your IAM role | 2026-11-20" in plain
    assert "| 75 | 2 | all is well | 2026-11-20" in plain
    customers = list(csv.DictReader(io.StringIO(export.affected_as_csv(found.affected).decode(), newline="")))
    assert sum(int(row["messages"]) for row in customers) == 150
    assert customers[0]["first"].startswith("2026-11-20")
    rows = list(csv.DictReader(io.StringIO(export.as_csv(found.table).decode(), newline="")))
    assert len(rows) == 301
    assert rows[-1]["text"].startswith("'=HYPERLINK")
    assert pq.read_table(io.BytesIO(export.as_parquet(found.table))).num_rows == 301


def wait(running: session.Session) -> session.State:
    for _ in range(600):
        if not running.state.running:
            break
        time.sleep(0.05)  # another process works; it tells nobody else when it is done
    return running.state


def test_a_session_gives_the_same_as_a_run(tmp_path: Path) -> None:
    data = export_of()
    assert session.columns(data, "in.jsonl") == ("created", "organization", "text")
    state = wait(session.Session(data, "in.jsonl", "text", "created", "organization"))
    assert state.problem == ""
    assert state.summary == summary_of(data, tmp_path)
    assert state.counts is not None
    assert state.counts.rows == 300


@pytest.mark.parametrize("path", ["a.jsonl", "", "*.jsonl", "**/*.jsonl"])
def test_a_path_of_this_computer_is_read_where_it_lies(path: str, tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_bytes(export_of())
    meant = f"{tmp_path}/{path}"
    assert session.columns(None, meant) == ("created", "organization", "text")
    collector = Collector("created", "organization")
    counts = triage.run(meant, None, collector=collector)
    state = wait(session.Session(None, meant, "text", "created", "organization"))
    assert state.summary == collector.summary()
    assert state.counts is not None
    assert state.counts.rows == counts.rows == (300 if path == "a.jsonl" else 600)


def test_of_many_files_one_without_columns_is_passed_over_in_search_of_them(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 nonsense")
    (tmp_path / "b.log").write_text("a line\n")
    (tmp_path / "c.csv").write_text("created,body\n1,x\n")
    assert session.columns(None, str(tmp_path)) == ("created", "body")


def test_a_session_says_what_is_wrong_and_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no column 'text'" in wait(session.Session(b"a,b\n1,2\n", "in.csv", "text")).problem
    running = session.Session(export_of(50_000), "in.jsonl", "text")
    running.cancel()
    assert wait(running).problem == session.FAULT
    monkeypatch.setattr(session, "MOST_BYTES", 10)
    with pytest.raises(triage.TriageError, match="command line has no limit"):
        session.Session(b"x" * 11, "in.log", "text")


def test_only_so_many_at_once_and_the_room_comes_back() -> None:
    data = export_of(20_000)
    running = [session.Session(data, "in.jsonl", "text") for _ in range(2)]
    with pytest.raises(triage.TriageError, match="run on this server already"):
        session.Session(data, "in.jsonl", "text")
    for one in running:
        one.cancel()
        wait(one)
    assert wait(session.Session(b"x\n", "in.log", "text")).problem == ""


def test_columns_of_an_export() -> None:
    assert session.columns(b"id;created;message\n1;2;x\n", "in.csv") == ("id", "created", "message")
    assert session.columns(b"a log line\n", "in.log") == ()
    with pytest.raises(triage.TriageError, match="not a readable parquet"):
        session.columns(b"PAR1 nonsense", "in.parquet")
    with pytest.raises(triage.TriageError, match=r"^The file is empty\.$"):
        session.columns(b"", "in.csv")
