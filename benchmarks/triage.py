"""Speed of the triage: ``python benchmarks/triage.py [--rows 1000000]``.

A seeded file of mixed JSON lines, 200 to 1,500 bytes, 30 in 100 with a known error, no two alike, goes to JSON lines
with ids, provider and values: by one process and by two. Two other files have as many lines, in which a message comes
twice and ten times on average, as in an export of tickets or audit records, whose times stand in a field of their own:
there de-duplication has something to do. In the same run: a bare pass that only reads and splits lines (the floor),
``re`` looped over the signatures, and pandas ``str.contains`` for each signature. The last two are so slow that they
get a sample of the file; their rates are those of the sample, and neither redacts, normalises or finds values.
Medians of several runs. "a core" is per second of processor time, of all processes together.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs from anywhere

from benchmarks.classify import ROOT, SEED, Messages, machine
from ekm_core.catalogue import errors

_RUNS = 3
_TIMES = (2, 10)
_BACK = 2_000
"""A message that comes again is one of so many different ones before it."""
_SAMPLE_RE, _SAMPLE_PANDAS = 400, 4_000

# A process of its own: its memory and its processor time, with those of its workers, can be told from ours.
CHILD = """
import json, resource, sys, time
sys.path.insert(0, sys.argv[1])

def main():
    from ekm_core import triage
    started = time.monotonic()
    counts = triage.run(sys.argv[2], sys.argv[3], processes=int(sys.argv[4]))
    wall = time.monotonic() - started
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(one.ru_utime + one.ru_stime for one in used)
    print(json.dumps([counts.rows, counts.matched, wall, cpu, max(one.ru_maxrss for one in used)]))

if __name__ == "__main__":
    main()
"""


def main() -> None:
    """Prints the machine, then a line for each engine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="lines of the file (default 1,000,000)")
    parser.add_argument("--runs", type=int, default=_RUNS, help="runs, of which the median counts")
    options = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.jsonl"
        with source.open("w") as file:
            for number, text in zip(range(options.rows), Messages(SEED + 2), strict=False):
                file.write(json.dumps({"id": number, "text": text}) + "\n")
        print(f"{options.rows:,} lines, {source.stat().st_size / 1e6:,.0f} MB; medians of {options.runs}")
        print(f"{'':40}{'a second':>12}{'and core':>12}{'MiB':>8}")
        _print("bare pass over the file (floor)", options.rows, *_median(options.runs, lambda: _pass(source)))
        for processes in (1, 2):
            _triage(source, Path(folder) / "out.jsonl", processes, options.runs)
        for times in _TIMES:
            repeated = Path(folder) / "repeated.jsonl"
            _repeat(source, repeated, options.rows, times)
            _triage(repeated, Path(folder) / "out.jsonl", 1, options.runs, f", {times} times each")
        texts = [json.loads(line)["text"] for line, _ in zip(source.open(), range(_SAMPLE_PANDAS), strict=False)]
    patterns = [re.compile(signature.pattern, re.I) for error in errors().values() for signature in error.signatures]
    some = texts[:_SAMPLE_RE]
    _print(f"re over {len(patterns)} signatures", len(some), *_median(1, lambda: _loop(patterns, some)))
    _print("pandas str.contains for each", len(texts), *_median(1, lambda: _pandas(patterns, texts)))
    print(f"(the last two: samples of {len(some):,} and {len(texts):,} lines)")


def _print(name: str, rows: int, wall: float, cpu: float, memory: float = 0) -> None:
    shown = f"{memory:8,.0f}" if memory else ""
    print(f"  {name:38}{rows / wall:12,.0f}{rows / cpu:12,.0f}{shown}")


def _median(runs: int, work: Callable[[], object]) -> tuple[float, float]:
    walls, cpus = [], []
    for _ in range(runs):
        wall, cpu = time.monotonic(), time.process_time()
        work()
        walls.append(time.monotonic() - wall)
        cpus.append(time.process_time() - cpu)
    return statistics.median(walls), statistics.median(cpus)


def _pass(source: Path) -> int:
    with source.open("rb") as file:
        return sum(len(line) for line in file)


def _loop(patterns: list[re.Pattern[str]], texts: list[str]) -> int:
    return sum(pattern.search(text) is not None for text in texts for pattern in patterns)


def _pandas(patterns: list[re.Pattern[str]], texts: list[str]) -> int:
    import pandas as pd

    column = pd.Series(texts)
    return sum(int(column.str.contains(pattern).sum()) for pattern in patterns)


def _repeat(source: Path, target: Path, rows: int, times: int) -> None:
    """Lines of the source in their order, each so many times on average, not far from each other."""
    pick = random.Random(SEED)
    recent: deque[bytes] = deque(maxlen=_BACK)
    with source.open("rb") as lines, target.open("wb") as file:
        for _ in range(rows):
            if recent and pick.random() >= 1 / times:
                file.write(pick.choice(recent))
            else:
                recent.append(next(lines))
                file.write(recent[-1])


def _triage(source: Path, out: Path, processes: int, runs: int, remark: str = "") -> None:
    found = []
    for _ in range(runs):
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(ROOT), str(source), str(out), str(processes)],
            check=True,
            capture_output=True,
            text=True,
        )
        found.append(json.loads(done.stdout))
    rows, matched = found[0][:2]
    wall, cpu, memory = (statistics.median(one[at] for one in found) for at in (2, 3, 4))
    name = f"triage by {processes}, {matched / rows:.0%} known{remark}"
    _print(name, rows, wall, cpu, memory / 1024)


if __name__ == "__main__":
    main()
