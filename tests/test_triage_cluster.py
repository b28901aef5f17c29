"""Two worker processes on loopback find what one process finds, whatever happens to one of them; and nothing hangs."""

from __future__ import annotations

import dataclasses
import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ekm_core import cli, triage
from ekm_core.triage import cluster, results, sources
from tests.texts import many_texts

distributed = pytest.importorskip("distributed", reason="requirements-dask.txt is not installed")
psutil = pytest.importorskip("psutil")  # comes with distributed
ROOT = Path(__file__).resolve().parent.parent
SECRET = "client_secret=abc8Q~0123456789abcdefABCDEF0123456789ab"


@dataclasses.dataclass
class Cluster:
    address: str
    workers: list[subprocess.Popen]
    scheduler: subprocess.Popen
    logs: Path

    def logged(self):
        return "".join(path.read_text() for path in self.logs.glob("*.log"))


def written(file, scheduler):
    """The address in the scheduler's file, which it makes before it fills it."""
    while scheduler.poll() is None:
        with suppress(OSError, ValueError):
            return json.loads(file.read_text())["address"]
        time.sleep(0.02)
    raise AssertionError("the scheduler has ended")


@contextmanager
def started(folder, threads, path=str(ROOT)):
    """A scheduler, which knows nothing of this project, and workers with so many threads each."""
    with ExitStack() as stack:

        def start(name, *arguments, path=""):
            environment = os.environ | {"PYTHONPATH": path, "DASK_TEMPORARY_DIRECTORY": str(folder)}
            log = stack.enter_context((folder / f"{name}.log").open("w"))
            command = [sys.executable, "-m", "distributed.cli.dask_" + name.partition("-")[0], *arguments]
            process = subprocess.Popen(
                [*command, "--scheduler-file", str(folder / "scheduler.json"), "--host", "127.0.0.1", "--no-dashboard"],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=log,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        scheduler = start("scheduler", "--port", "0", "--dashboard-address", "127.0.0.1:0")
        workers = [
            start(f"worker-{at}", "--nthreads", str(count), "--no-nanny", path=path) for at, count in enumerate(threads)
        ]
        address = written(folder / "scheduler.json", scheduler)
        with distributed.Client(address, set_as_default=False) as client:
            client.wait_for_workers(len(threads))
        yield Cluster(address, workers, scheduler, folder)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Two worker processes, one of them with two threads."""
    with started(tmp_path_factory.mktemp("cluster"), [1, 2]) as made:
        yield made


@pytest.fixture
def two(tmp_path_factory):
    """Two worker processes of which a test may do as it likes."""
    with started(tmp_path_factory.mktemp("cluster"), [1, 1]) as made:
        yield made


def write(folder):
    """Files of every kind: .jsonl.gz with broken lines, parquet partitions, csv, a zip, a log; one without the text."""
    folder.mkdir()
    texts = [*many_texts()[:600], SECRET, "ünï"]
    for number in range(3):
        some = texts[number::3]
        lines = [json.dumps({"text": text, "n": str(at)}) for at, text in enumerate(some)]
        lines += ["{broken", '{"n": "1"}']
        (folder / f"{number}.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
        table = pa.table({"text": [*some, None], "n": [str(at) for at in range(len(some) + 1)]})
        pq.write_table(table, folder / f"part-{number}.parquet", row_group_size=70)
    rows = "".join(f'"{" ".join(text.split())}",1\n'.replace('"', "'") for text in texts if "," not in text)
    (folder / "a.csv").write_text("text,n\n" + rows + "1,2,3\n")
    (folder / "a.log").write_text("\n".join(" ".join(text.split()) for text in texts))
    (folder / "b.csv").write_text("a,b\n1,2\n")
    with zipfile.ZipFile(folder / "c.zip", "w") as archive:
        archive.writestr("in.jsonl", "\n".join(lines))
        archive.writestr("in.csv", "text,n\nall is well,1\n1\n")
    return str(folder)


def same(one, two):
    """Byte for byte; parquet as a table, for a file of it names what wrote it."""
    if one.suffix == ".parquet":
        return pq.read_table(one).equals(pq.read_table(two))
    return one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("out", ["out.jsonl", "out.csv", "out.parquet"])
def test_two_workers_find_what_one_process_finds(shared, out, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_BLOCK", 30_000)
    monkeypatch.setattr(sources, "ROWS_AT_ONCE", 100)
    source = write(tmp_path / "in")
    collectors = results.Collector(), results.Collector()
    alone = triage.run(source, str(tmp_path / f"one-{out}"), collector=collectors[0])
    with cluster.of(shared.address) as (executor, processes):
        assert processes == 3
        both = triage.run(
            source,
            str(tmp_path / f"two-{out}"),
            collector=collectors[1],
            executor=executor,
            processes=processes,
            elsewhere=True,
        )
    assert dataclasses.replace(alone, seconds=0) == dataclasses.replace(both, seconds=0)
    assert alone.bad == 6 + 3 + 1 + 1 + 3
    assert "b.csv: the csv has no column 'text'" in both.table()
    assert "0.jsonl.gz: row 202: the JSON is broken" in both.table()
    assert same(tmp_path / f"one-{out}", tmp_path / f"two-{out}")
    assert collectors[0].summary() == collectors[1].summary()
    assert b"abc8Q~" not in (tmp_path / f"two-{out}").read_bytes()


def command(capsys, *arguments):
    code = cli.main(["triage", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_on_the_command_line(shared, tmp_path, capsys):
    source = write(tmp_path / "in")
    alone = command(capsys, source, "--out", str(tmp_path / "one.jsonl"))
    both = subprocess.run(
        [
            *(sys.executable, "-m", "ekm_core", "triage", source, "--out", str(tmp_path / "two.jsonl")),
            *("--engine", "dask", "--scheduler", shared.address),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert (both.returncode, both.stdout, both.stderr) == alone
    assert (alone[0], alone[2]) == (0, "")
    assert same(tmp_path / "one.jsonl", tmp_path / "two.jsonl")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "one.jsonl", "two.jsonl"]


class Kill:
    """Kills a process as soon as some rows are done and others are not."""

    def __init__(self, process):
        self.process, self.done = process, False

    def __call__(self, seen):
        if not self.done and 200 < seen.rows < 1500:
            self.process.kill()
            self.process.wait()
            self.done = True


def on(made, source, out, kill):
    with cluster.of(made.address) as (executor, processes):
        return triage.run(source, out, executor=executor, processes=processes, elsewhere=True, observe=kill)


def test_a_killed_worker_loses_nothing_and_without_any_the_run_ends(two, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_BLOCK", 5_000)
    source = write(tmp_path / "in")
    alone = triage.run(source, str(tmp_path / "one.jsonl"))
    kill = Kill(two.workers[0])
    both = on(two, source, str(tmp_path / "two.jsonl"), kill)
    assert kill.done
    assert dataclasses.replace(alone, seconds=0) == dataclasses.replace(both, seconds=0)
    assert same(tmp_path / "one.jsonl", tmp_path / "two.jsonl")

    monkeypatch.setattr(cluster, "_PATIENCE", 1)
    with pytest.raises(triage.TriageError, match="has had no worker for 1 second"):
        on(two, source, str(tmp_path / "three.jsonl"), Kill(two.workers[1]))
    with pytest.raises(triage.TriageError, match="has had no worker for 1 second"), cluster.of(two.address):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "one.jsonl", "two.jsonl"]


def test_a_scheduler_that_is_killed_or_stands_still_is_one_sentence(two, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_BLOCK", 5_000)
    monkeypatch.setattr(cluster, "_STILL", 1)
    monkeypatch.setattr(cluster, "_GOODBYE", 1)
    source = write(tmp_path / "in")

    class Stop(Kill):
        def __call__(self, seen):
            if not self.done and 200 < seen.rows < 1500:
                self.process.send_signal(signal.SIGSTOP)
                self.done = True

    for kill in (Stop(two.scheduler), Kill(two.scheduler)):
        with pytest.raises(triage.TriageError, match=r"scheduler of the Dask cluster at 'tcp://.*' no longer answers"):
            on(two, source, str(tmp_path / "out.jsonl"), kill)
        assert kill.done
        assert [path.name for path in tmp_path.iterdir()] == ["in"]
        two.scheduler.send_signal(signal.SIGCONT)


def test_what_fails_on_a_worker_is_the_same_sentence_and_is_not_logged(shared, tmp_path, capsys):
    source = tmp_path / "in.jsonl"
    source.write_text(f'{{"text": "a", "n": 1}}\n{{"text": "{SECRET}", "n": "x"}}\n')
    arguments = (str(source), "--out", str(tmp_path / "out.parquet"))
    alone = command(capsys, *arguments)
    assert alone[0] == 2
    assert "a column holds values of several types" in alone[2]
    assert command(capsys, *arguments, "--engine", "dask", "--scheduler", shared.address) == alone
    assert "abc8Q~" not in shared.logged()
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_a_fault_of_ours_on_a_worker_tells_where_but_nothing_of_the_text(shared):
    with (
        cluster.of(shared.address) as (executor, _),
        pytest.raises(triage.TriageError, match=r"^a worker failed with KeyError in <string>:1$"),
    ):
        executor.submit(eval, f"{{}}['{SECRET}']").result()
    assert "abc8Q~" not in shared.logged()


def test_workers_of_another_version_of_the_package_are_refused(shared, monkeypatch):
    monkeypatch.setattr(cluster, "version", lambda: "another")
    with (
        cluster.of(shared.address) as (executor, _),
        pytest.raises(triage.TriageError, match="the workers have another version of this package"),
    ):
        executor.submit(int, "1").result()


def test_workers_without_the_package_are_refused_and_live_on(tmp_path):
    with started(tmp_path, [1], path="") as made, cluster.of(made.address) as (executor, _):
        for _ in range(2):
            with pytest.raises(triage.TriageError, match=r"lack this package .* No module named 'ekm_core'"):
                executor.submit(len, SECRET).result()
        assert made.workers[0].poll() is None
        assert "abc8Q~" not in made.logged()


def refused(capsys, *arguments):
    """The one line that the command says."""
    code, out, err = command(capsys, str(ROOT / "README.md"), "--engine", "dask", *arguments)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    return err


def test_what_is_no_scheduler_is_one_sentence(shared, monkeypatch, capsys):
    monkeypatch.setattr(cluster, "_ANSWER", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        assert f"no Dask scheduler answers at '{address}'" in refused(capsys, "--scheduler", address)
    assert f"no Dask scheduler answers at '{address}'" in refused(capsys, "--scheduler", address)
    assert "'nowhere' cannot be the address of a Dask scheduler" in refused(capsys, "--scheduler", "nowhere")
    with distributed.Client(shared.address, set_as_default=False) as client:
        worker = next(iter(client.nthreads()))
    monkeypatch.setattr(cluster, "_ANSWER", 10)
    assert "is no Dask scheduler but a worker" in refused(capsys, "--scheduler", worker)
    monkeypatch.setattr(distributed, "__version__", "1.0")
    assert f"has distributed {version('distributed')} and this machine 1.0" in refused(
        capsys, "--scheduler", shared.address
    )


def test_without_dask_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert "--engine dask needs Dask: pip install -r requirements-dask.txt" in refused(capsys)


def test_options_that_do_not_go_together(capsys):
    assert "--processes is for this machine" in refused(capsys, "--scheduler", "tcp://127.0.0.1:9", "--processes", "2")
    assert "--processes must be 1 or more" in refused(capsys, "--processes", "0")
    assert cli.main(["triage", "x", "--scheduler", "tcp://127.0.0.1:9"]) == 2
    assert "--scheduler is for --engine dask" in capsys.readouterr().err


@contextmanager
def waiting(tmp_path, *arguments):
    """A run whose input does not come yet, when its processes have been started; and all of them."""
    (tmp_path / "temporary").mkdir()
    # what is ignored stays ignored in a new process, and whoever runs the tests in the background has Ctrl-C ignored
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    run = subprocess.Popen(
        [sys.executable, "-m", "ekm_core", "triage", "-", "--out", str(tmp_path / "out.jsonl"), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(tmp_path / "temporary")},
        cwd=ROOT,
        start_new_session=True,
    )
    signal.signal(signal.SIGINT, before)
    family = psutil.Process(run.pid)
    # two that work, and one of Python's own
    while len(everybody := [family, *family.children(recursive=True)]) < 4 or not any(tmp_path.glob(".out.jsonl.*")):
        assert run.poll() is None
        time.sleep(0.02)
    try:
        yield run, everybody
    finally:
        psutil.wait_procs(everybody)


@pytest.mark.parametrize(("engine", "by"), [("dask", signal.SIGINT), ("local", signal.SIGTERM)])
def test_a_run_that_is_stopped_leaves_nothing_behind(engine, by, tmp_path):
    with waiting(tmp_path, "--engine", engine, "--processes", "2") as (run, everybody):
        listening = [
            at.laddr.ip
            for process in everybody
            for at in process.net_connections("inet")
            if at.status == psutil.CONN_LISTEN
        ]
        if by == signal.SIGINT:
            os.killpg(run.pid, by)  # Ctrl-C reaches all processes of a terminal
        else:
            run.send_signal(by)
        out, err = run.communicate()
    assert set(listening) == ({"127.0.0.1"} if engine == "dask" else set())
    assert (run.returncode, out, err) == (130, b"", b"ekm_core: stopped before the end\n")
    assert [path.name for path in tmp_path.iterdir()] == ["temporary"]
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_worker_of_its_own_finds_the_same_and_leaves_nothing_behind(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps({"text": text}) + "\n" for text in many_texts()[:600]))
    alone = command(capfd, str(source), "--out", str(tmp_path / "one.jsonl"))
    ours = command(capfd, str(source), "--out", str(tmp_path / "two.jsonl"), "--engine", "dask", "--processes", "1")
    assert ours == alone
    assert same(tmp_path / "one.jsonl", tmp_path / "two.jsonl")
    assert list((tmp_path / "temporary").iterdir()) == []


def test_the_processes_of_a_run_that_is_killed_end_too(tmp_path):
    with waiting(tmp_path, "--processes", "2") as (run, _):
        run.kill()
        run.communicate()
