"""Two worker processes on loopback find what one process finds, even when one of them is killed in the midst."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ekm_core import triage
from ekm_core.triage import cluster, sources
from tests.texts import many_texts

distributed = pytest.importorskip("distributed", reason="requirements-dask.txt is not installed")
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def two():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    ) as made:
        yield made


def write(folder):
    """Many files of several kinds: JSON lines with broken ones, parquet partitions, a log, one without the column."""
    folder.mkdir()
    texts = many_texts()[:600]
    for number in range(3):
        lines = [json.dumps({"text": text, "n": at}) for at, text in enumerate(texts[number::3])]
        (folder / f"{number}.jsonl").write_text("\n".join([*lines, "{broken", '{"n": 1}']))
        table = pa.table({"text": texts[number::3], "n": list(range(len(texts[number::3])))})
        pq.write_table(table, folder / f"part-{number}.parquet", row_group_size=70)
    (folder / "a.log").write_text("\n".join(" ".join(text.split()) for text in texts))
    (folder / "b.csv").write_text("a,b\n1,2\n")
    return folder


def found(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_two_workers_find_what_one_process_finds(two, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_BLOCK", 30_000)
    source = str(write(tmp_path / "in"))
    alone = triage.run(source, str(tmp_path / "one.jsonl"))
    with cluster.of(two.scheduler_address) as (executor, processes):
        assert processes == 2
        both = triage.run(source, str(tmp_path / "two.jsonl"), executor=executor, processes=processes)
    assert dataclasses.replace(alone, seconds=0) == dataclasses.replace(both, seconds=0)
    assert (alone.rows, alone.bad) == (1800, 7)
    assert "b.csv: the csv has no column 'text'" in alone.table()
    assert found(tmp_path / "one.jsonl") == found(tmp_path / "two.jsonl")


def test_a_worker_killed_in_the_midst_loses_nothing(two, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_BLOCK", 5_000)
    source = str(write(tmp_path / "in"))
    alone = triage.run(source, str(tmp_path / "one.jsonl"))
    killed = []

    def observe(seen):
        if not killed and 200 < seen.rows < 1500:
            killed.append(two.workers[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    with cluster.of(two.scheduler_address) as (executor, processes):
        both = triage.run(source, str(tmp_path / "two.jsonl"), executor=executor, processes=processes, observe=observe)
    assert killed
    assert dataclasses.replace(alone, seconds=0) == dataclasses.replace(both, seconds=0)
    assert found(tmp_path / "one.jsonl") == found(tmp_path / "two.jsonl")


def test_on_the_command_line(two, tmp_path):
    source = write(tmp_path / "in") / "*.parquet"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "ekm_core", "triage", str(source), "--out", str(tmp_path / "out.jsonl")),
            *("--engine", "dask", "--scheduler", two.scheduler_address),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(found(tmp_path / "out.jsonl")) == 600


def test_a_scheduler_that_is_not_there_is_one_sentence(monkeypatch):
    monkeypatch.setattr(cluster, "_SECONDS", 1)
    with pytest.raises(triage.TriageError, match="no worker can be reached"), cluster.of("tcp://127.0.0.1:9"):
        pass
