"""What a triage reads: archives, the clouds' audit records, damaged and hostile files; each told by its content."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ekm_core import triage
from ekm_core.triage import sources
from tests.test_triage import DENIED, read

TRAIL = {
    "eventTime": "2026-11-27T10:00:00Z",
    "eventSource": "sts.amazonaws.com",
    "eventName": "AssumeRole",
    "errorCode": "AccessDenied",
    "errorMessage": DENIED,
    "recipientAccountId": "123456789012",
    "userIdentity": {"userName": "a.person"},
}
TRAIL_OK = {"eventTime": "2026-11-27T10:01:00Z", "eventSource": "kms.amazonaws.com", "eventName": "Decrypt"}
TRAIL_BARE = {"eventSource": "kms.amazonaws.com", "eventName": "Decrypt", "errorCode": "AccessDenied"}
GOOGLE = {
    "insertId": "a1",
    "timestamp": "2026-11-27T10:00:00.123456789Z",
    "resource": {"labels": {"project_id": "acme-prod"}},
    "protoPayload": {
        "serviceName": "cloudkms.googleapis.com",
        "methodName": "Decrypt",
        "status": {
            "code": 7,
            "message": "Permission 'cloudkms.cryptoKeyVersions.useToDecrypt' denied on resource "
            "'projects/acme-prod/locations/us/keyRings/r/cryptoKeys/k' (or it may not exist).",
        },
    },
}
GOOGLE_OK = {"timestamp": "2026-11-27T10:00:00Z", "protoPayload": {"methodName": "Decrypt", "status": {}}}
GCLOUD = f"""---
insertId: a1
protoPayload:
  methodName: Decrypt
  serviceName: cloudkms.googleapis.com
  status:
    code: 7
    message: "{GOOGLE["protoPayload"]["status"]["message"]}"
resource:
  labels:
    project_id: acme-prod
timestamp: '2026-11-27T10:00:00Z'
---
insertId: a2
protoPayload:
  methodName: Decrypt
timestamp: '2026-11-27T10:00:01Z'
"""
VAULT = {
    "time": "2026-11-27T10:00:00.5Z",
    "category": "AuditEvent",
    "operationName": "KeyUnwrap",
    "resultType": "Success",
    "resultSignature": "Forbidden",
    "resultDescription": "Caller is not authorized to perform action on resource.",
    "properties": {"httpStatusCode": 403, "requestUri": "https://v.vault.azure.net/keys/k?api-version=7.4"},
    "resourceId": "/SUBSCRIPTIONS/S/RESOURCEGROUPS/R/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/ACME-KEYS",
}
VAULT_OK = {
    "category": "AuditEvent",
    "operationName": "KeyGet",
    "resultSignature": "OK",
    "properties": {"httpStatusCode": 200},
}


def lines(*records: object) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def run(tmp_path: Path, name: str, data: bytes) -> tuple[triage.Counts, list[dict[str, object]]]:
    source = tmp_path / name
    source.write_bytes(data)
    counts = triage.run(str(source), str(tmp_path / "out.jsonl"))
    return counts, read(tmp_path / "out.jsonl")


@pytest.mark.parametrize(
    ("data", "error_id", "customer"),
    [
        (lines({"Records": [TRAIL, TRAIL_OK]}), "aws-sts-assume-role-denied", "123456789012"),
        (json.dumps({"Records": [TRAIL, TRAIL_OK]}, indent=1).encode(), "aws-sts-assume-role-denied", "123456789012"),
        (lines({"Records": [TRAIL]}, {"Records": [TRAIL_OK]}), "aws-sts-assume-role-denied", "123456789012"),
        (
            lines({"Events": [{"CloudTrailEvent": json.dumps(record)} for record in (TRAIL, TRAIL_OK)]}),
            "aws-sts-assume-role-denied",
            "123456789012",
        ),
        (lines(TRAIL_BARE, TRAIL_OK), "aws-kms-access-denied", ""),
        (json.dumps([GOOGLE, GOOGLE_OK]).encode(), "gcp-kms-permission-denied", "acme-prod"),
        (json.dumps([GOOGLE, GOOGLE_OK], indent=2).encode(), "gcp-kms-permission-denied", "acme-prod"),
        (lines(GOOGLE, GOOGLE_OK), "gcp-kms-permission-denied", "acme-prod"),
        (GCLOUD.encode(), "gcp-kms-permission-denied", "acme-prod"),
        (lines({"records": [VAULT, VAULT_OK]}), "azure-keyvault-rbac-denied", "acme-keys"),
        (lines(VAULT, VAULT_OK), "azure-keyvault-rbac-denied", "acme-keys"),
    ],
)
@pytest.mark.parametrize("name", ["in.json", "in.log.gz", "in"])
def test_audit_records_speak_in_their_own_words(
    name: str, data: bytes, error_id: str, customer: str, tmp_path: Path
) -> None:
    counts, rows = run(tmp_path, name, gzip.compress(data) if name.endswith(".gz") else data)
    assert [row["error_id"] for row in rows] == [error_id]
    assert rows[0]["customer"] == customer
    assert (counts.rows, counts.bad, counts.silent) == (1, 0, 1)
    assert "audit records without an error" in counts.table()
    assert "a.person" not in json.dumps(rows)


def test_a_record_keeps_its_time(tmp_path: Path) -> None:
    _, rows = run(tmp_path, "in.jsonl", lines(TRAIL, GOOGLE, VAULT))
    assert [row["time"] for row in rows] == [TRAIL["eventTime"], GOOGLE["timestamp"], VAULT["time"]]


def test_a_denied_key_without_a_description_is_not_guessed_at(tmp_path: Path) -> None:
    bare = {name: value for name, value in VAULT.items() if name != "resultDescription"}
    _, rows = run(tmp_path, "in.jsonl", lines(bare))
    assert rows[0]["error_id"] == ""
    assert "(Forbidden)" in str(rows[0]["text"])


def zipped(members: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return made.getvalue()


def test_every_member_of_an_archive_by_its_own_shape(tmp_path: Path) -> None:
    members = {
        "a.log": f"{DENIED}\nall is well\n".encode(),
        "b/trail.json.gz": gzip.compress(lines({"Records": [TRAIL]})),
        "c.csv": f'n,text\n1,"{DENIED}"\n2,b,c\n'.encode(),
        "d.jsonl": lines({"text": DENIED}) + b"{broken\n",
        "inner.zip": zipped({"a.log": b"x"}),
        "__MACOSX/._a.log": b"\0\0",
        "empty/": b"",
    }
    counts, rows = run(tmp_path, "in.zip", zipped(members))
    assert [row["error_id"] for row in rows] == ["aws-sts-assume-role-denied", "", *["aws-sts-assume-role-denied"] * 3]
    assert [row.sentence for row in counts.named] == [
        "c.csv: row 2: it has 3 cells where the header has 2",
        "d.jsonl: row 2: the JSON is broken",
        "inner.zip: row 1: an archive within an archive is not opened",
    ]


def test_a_damaged_archive_is_one_sentence(tmp_path: Path) -> None:
    source = tmp_path / "in.zip"
    source.write_bytes(zipped({"a.log": b"x" * 1000})[:-40])
    with pytest.raises(triage.TriageError, match="zip archive is damaged or cut off"):
        triage.run(str(source), None)


def test_a_damaged_member_stops_no_other(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.log": DENIED.encode() * 9, "b.log": DENIED.encode()}))
    data[60:70] = b"\xff" * 10
    counts, rows = run(tmp_path, "in.zip", bytes(data))
    assert rows[-1]["error_id"] == "aws-sts-assume-role-denied"
    assert counts.named[0].file == "a.log"
    assert "damaged" in counts.named[0].reason


def test_files_of_a_folder_that_are_of_no_use_stop_no_other(tmp_path: Path) -> None:
    """Also not one whose packed data ends before its rows begin."""
    packed = gzip.compress(b"text,n\nx,1\n" * 1000)
    members = {
        "1.csv": b"a,b\n1,2\n",
        "2.jsonl": lines({"text": DENIED}),
        "3.csv.gz": packed[:12],
        "4.log": DENIED.encode(),
    }
    folder = tmp_path / "logs"
    (folder / "deeper").mkdir(parents=True)
    (folder / "a.csv.gz").write_bytes(packed[:12])
    (folder / "b.csv.gz").write_bytes(gzip.compress(f"text\n{DENIED}\n".encode()))
    (folder / "c.parquet").write_bytes(b"PAR1 nonsense")
    (folder / "deeper" / "app.log.1").write_text(DENIED)
    (folder / "e.zip").write_bytes(zipped(members))
    (folder / "f.jsonl").write_bytes(lines({"text": DENIED}))
    for aside in (".git/x.log", "_delta_log/x.json", "_started.json", "picture.png"):
        (folder / aside).parent.mkdir(exist_ok=True)
        (folder / aside).write_text(DENIED)
    out = tmp_path / "out.jsonl"
    counts = triage.run(str(folder), str(out))
    assert [row["error_id"] for row in read(out)] == ["aws-sts-assume-role-denied"] * 5
    assert [
        (row.file.removeprefix(str(folder)), row.number, row.reason.partition(" (")[0]) for row in counts.named
    ] == [
        ("/a.csv.gz", 0, "the packed data is damaged or cut off from here on"),
        ("/c.parquet", 0, counts.named[1].reason),
        ("/e.zip: 1.csv", 0, "the csv has no column 'text'; its columns are: a, b"),
        ("/e.zip: 3.csv.gz", 0, "the packed data is damaged or cut off from here on"),
    ]
    assert "4  rows could not be read and were left out: they are" in counts.table()
    both = triage.run(str(folder), str(tmp_path / "both.jsonl"), processes=2)
    assert (both.bad, both.named) == (counts.bad, counts.named)
    assert out.read_bytes() == (tmp_path / "both.jsonl").read_bytes()


def test_what_was_read_before_the_cut_is_kept(tmp_path: Path) -> None:
    data = "".join(f"{number} {DENIED}\n" for number in range(2000)).encode()
    counts, rows = run(tmp_path, "in.log.gz", gzip.compress(data)[:-2000])
    assert 100 < counts.matched < 2000
    assert rows[0]["error_id"] == "aws-sts-assume-role-denied"
    assert counts.bad == 1
    assert counts.bad_rows[0] == counts.rows + 1
    assert "damaged or cut off" in counts.named[0].reason


@pytest.mark.parametrize("name", ["in.log.gz", "in.zip"])
def test_a_bomb_is_not_unpacked_to_its_end(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_FREE", 1 << 20)
    bomb = f"{DENIED}\n".encode() + (b" " * 9999 + b"\n") * 3000
    counts, rows = run(tmp_path, name, gzip.compress(bomb) if name.endswith("gz") else zipped({"a.log": bomb}))
    assert rows[0]["error_id"] == "aws-sts-assume-role-denied"
    assert counts.rows < 3000
    assert "grows to more than 500 times its size" in counts.named[-1].reason


def test_several_packed_files_behind_one_another_are_one(tmp_path: Path) -> None:
    counts, _ = run(tmp_path, "in.gz", gzip.compress(f"{DENIED}\n".encode()) * 3 + b"\0" * 20)
    assert (counts.matched, counts.bad) == (3, 0)


@pytest.mark.parametrize(
    ("data", "rows", "bad"),
    [
        (b'[{"text": "a"}, {"text": "b"}, {"te', 2, [3]),
        (b'[{"text": "a"}, 5, {"text": 6}, {"text": "b"}]', 2, [2, 3]),
        (b'[{"text": "a"}, ' + b"[" * 100_000, 1, [2]),
        (b'[{"text": "a"}, {"text": "b", "n": ' + b"9" * 9000 + b"}]", 1, [2]),
        (b'{"Records": [{"text": "a"}],\n "NextToken": "x"\n}\n{"Records": [{"text": "b"}]}', 2, []),
        (b"[]", 0, []),
        (b'{\n "text": "a"\n}\n{\n "text": "b"\n}\n', 2, []),
    ],
)
def test_a_broken_list_of_json_ends_where_it_breaks(data: bytes, rows: int, bad: list[int], tmp_path: Path) -> None:
    counts, _ = run(tmp_path, "in.json", data)
    assert (counts.rows, list(counts.bad_rows)) == (rows, bad)


def test_reasons_are_given_and_broken_bytes_are_counted(tmp_path: Path) -> None:
    counts, _ = run(tmp_path, "in.jsonl", b'{"text": "a"}\n{"text": "\xff"}\n{"text": 5}\n[1]\n')
    assert [row.reason for row in counts.named] == [
        "its bytes are not UTF-8",
        "it has no text in 'text'",
        "it is no JSON object",
    ]
    counts, rows = run(tmp_path, "in.log", b"caf\xe9\nfine\n")
    assert (counts.rows, counts.mended, rows[0]["text"]) == (2, 1, "caf\ufffd")


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_csv_is_known_by_its_header_and_marks(mark: str, tmp_path: Path) -> None:
    data = f'id{mark}text\n1{mark}"{DENIED}"\n'.encode()
    for name in ("in.csv", "export"):
        _, rows = run(tmp_path, name, data)
        assert rows == [{**rows[0], "id": "1", "text": DENIED, "error_id": "aws-sts-assume-role-denied"}]


def test_a_folder_that_may_not_be_read_is_not_called_empty() -> None:
    me = os.geteuid()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0)
        try:
            os.seteuid(me or 65534)  # root may read every folder
            with pytest.raises(triage.TriageError, match=r"cannot read '.*': Permission denied"):
                sources.paths(folder)
        finally:
            os.seteuid(me)


READ = """
import re, sys
from contextlib import ExitStack
from ekm_core.triage import sources
from ekm_core.triage.rows import Progress
import pyarrow.parquet
def peak():
    return int(re.search(r"VmHWM:\\s*([0-9]+)", open("/proc/self/status").read()).group(1))
before = peak()
with ExitStack() as stack:
    seen = Progress()
    for _ in sources.batches(sources.opened(sys.argv[1], stack, seen), sys.argv[1], "text", seen, stack):
        pass
print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell how much memory was used")
@pytest.mark.parametrize("groups", [1, 40])
def test_of_a_parquet_file_little_is_held_at_once(groups: int, tmp_path: Path) -> None:
    texts = [os.urandom(700).hex() for _ in range(75_000)]
    source = tmp_path / "in.parquet"
    pq.write_table(pa.table({"text": texts}), source, row_group_size=len(texts) // groups, use_dictionary=False)
    child = [sys.executable, "-c", READ, str(source)]
    done = subprocess.run(child, capture_output=True, check=True, text=True, cwd=Path(__file__).parent.parent)
    assert int(done.stdout) << 10 < source.stat().st_size


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_unicode_text_of_spreadsheets_and_of_powershell_is_read(
    encoding: str, pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    table = f"created\ttext\r\n2026-11-27\tSchlüssel\r\n2026-11-27\t{DENIED}\r\n"
    trail = json.dumps({"Records": [TRAIL, TRAIL_OK]}, indent=2)
    log = f"eine Zeile mit ü und 🔑\r\n{DENIED}\r\n" * 20_000  # longer than what is read at once
    for text, messages, found in ((table, 2, 1), (trail, 1, 1), (log, 40_000, 20_000)):
        source = tmp_path / "in.txt"
        source.write_bytes(pack(("\ufeff" + text).encode(encoding)))
        counts = triage.run(str(source), None)
        assert (counts.rows, counts.matched, counts.bad, counts.mended) == (messages, found, 0, 0)
    several = triage.run(str(source), None, processes=2)
    assert (several.rows, several.matched) == (40_000, 20_000)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_mark_of_the_encoding_before_json_lines_costs_no_row(processes: int, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text(f"{json.dumps({'text': DENIED})}\n" * 2, encoding="utf-8-sig")
    counts = triage.run(str(source), None, processes=processes)
    assert (counts.rows, counts.matched, counts.bad) == (2, 2, 0)


def test_an_entry_without_end_is_left_out_and_not_held(tmp_path: Path) -> None:
    source = tmp_path / "in.yaml"
    endless = "insertId: a\nprotoPayload:\n" + f"  field: {'x' * 1000}\n" * 17_000
    source.write_text(f"{GCLOUD}---\n{endless}---\n{GCLOUD.removeprefix('---')}")
    counts = triage.run(str(source), None)
    assert (counts.rows, counts.bad) == (2, 1)
    assert "16 MiB" in counts.table()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, "it is no text"),
        (b"%PDF-1.7\n1 0 obj\n", "it is no text"),
        (b"BZh91AY&SY", "packed in a form that is not read"),
        (zipped({"[Content_Types].xml": b"<x/>", "xl/worksheets/sheet1.xml": b"<x/>"}), "save its table as csv"),
        (zipped({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}), "save its table as csv"),
    ],
)
def test_what_holds_no_messages_is_refused_with_what_to_do(data: bytes, said: str, tmp_path: Path) -> None:
    source = tmp_path / "in.dat"
    source.write_bytes(data)
    with pytest.raises(triage.TriageError, match=said):
        triage.run(str(source), None)


def test_one_of_several_that_holds_no_messages_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    source = tmp_path / "in.zip"
    source.write_bytes(zipped({"a.png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "b.log": f"{DENIED}\n".encode()}))
    counts = triage.run(str(source), None)
    assert (counts.rows, counts.matched, counts.bad) == (1, 1, 1)
    assert counts.named[0].sentence.startswith("a.png: it is no text")


def test_a_log_may_be_coloured_and_hold_zeros_where_it_was_cut(tmp_path: Path) -> None:
    source = tmp_path / "in.log"
    source.write_bytes(bytes(100_000) + f"\n\x1b[31m{DENIED}\x1b[0m\n".encode())
    assert triage.run(str(source), None).matched == 1
