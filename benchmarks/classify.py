"""Speed of redaction, classification and triage: ``python benchmarks/classify.py [--rows 1000000]``.

Prints the machine, then medians. The baseline is a loop of ``re.search`` over the same signatures in the same run. The
generated messages are seeded: samples and near misses of the catalogue with fresh ids and padding, among log lines of
other programs, so that no two lines are equal and none can be answered from memory.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs from anywhere

from ekm_core import classify, diagnose, normalise, redact
from ekm_core.catalogue import errors

ROOT = Path(__file__).resolve().parent.parent
SEED = 20261123
FILLER = (
    "{stamp} INFO  worker-{n} [req-{hex}] processed batch id={n} rows={n} duration={n}ms queue=orders status=200",
    '10.{b}.{b}.7 - - [23/Nov/2026:10:11:12 +0000] "GET /api/v1/orders/{n}?page={b} HTTP/1.1" 200 {n} "-" "curl/8.5.0"',
    '{{"level":"info","ts":{n}.{b},"caller":"controller/controller.go:{b}","msg":"Reconciled","name":"app-{hex}"}}',
    "{stamp} WARN  c.e.orders.Retry - attempt {b} failed: Connection reset by peer, retrying in {b} s (order {hex})",
    "I1123 10:11:12.{n} 1 reflector.go:{b}] Watch close - *v1.Pod total {n} items received for cluster {hex}",
    "User: arn:aws:iam::{account}:user/ci-{b} is not authorized to perform: s3:GetObject on resource: "
    "arn:aws:s3:::logs-{hex}/part-{n}.gz because no identity-based policy allows the s3:GetObject action",
    "{stamp} ERROR Permission 'storage.objects.get' denied on resource 'projects/_/buckets/b-{hex}' "
    "(or it may not exist).",
    "AADSTS50126: Error validating credentials due to invalid username or password. Trace ID: {guid}",
)


def machine() -> str:
    """One line about where this ran."""
    cpu = next((line.split(":", 1)[1].strip() for line in _proc("cpuinfo") if line.startswith("model name")), "")
    return (
        f"{platform.system()}, {cpu or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )


def _proc(name: str) -> list[str]:
    path = Path("/proc") / name
    return path.read_text().splitlines() if path.exists() else []


def median(work: Callable[[], object], repeat: int = 7) -> float:
    """Seconds, the median of several runs."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


class Messages:
    """Seeded messages of 200 to 1500 characters, about 30 in 100 with a known error."""

    def __init__(self, seed: int = SEED) -> None:
        self._random = random.Random(seed)
        known = errors().values()
        self._hits = [sample.text for error in known for sample in error.samples if len(sample.text) <= 1400]
        self._misses = [miss.text for error in known for miss in error.near_misses if len(miss.text) <= 1400]

    def __iter__(self) -> Iterator[str]:
        while True:
            yield self.message()

    def message(self) -> str:
        """The next message."""
        draw = self._random.random()
        length = self._random.randint(200, 700) if self._random.random() < 0.8 else self._random.randint(700, 1500)
        if draw < 0.3:
            core = self.hit()
        elif draw < 0.35:
            core = self._fresh(self._random.choice(self._misses))
        else:
            core = self.filler()
        text = f"{self._stamp()} {core}"
        while len(text) < length:
            text += " | " + self.filler()
        return text if len(text) <= 1500 else text[: max(1500, len(core) + 40)]

    def _fresh(self, text: str) -> str:
        """The sample with other account and project numbers, so that every message is new to every cache."""
        if "AADSTS" in text or "rror" in text[:20]:
            return f"{text} Trace ID: {self._guid()}"
        return re.sub(r"\b\d{12}\b", lambda _: str(self._random.randint(10**11, 10**12 - 1)), text)

    def hit(self) -> str:
        """A message with a known error, without padding."""
        return self._fresh(self._random.choice(self._hits))

    def filler(self) -> str:
        """A line of another program, or another error of a cloud."""
        pick = self._random
        return pick.choice(FILLER).format(
            stamp=self._stamp(),
            n=pick.randint(10_000, 9_999_999),
            b=pick.randint(1, 250),
            hex=f"{pick.getrandbits(48):012x}",
            account=pick.randint(10**11, 10**12 - 1),
            guid=self._guid(),
        )

    def _stamp(self) -> str:
        pick = self._random
        clock = f"{pick.randint(0, 23):02}:{pick.randint(0, 59):02}:{pick.randint(0, 59):02}.{pick.randint(0, 999):03}"
        return f"2026-11-{pick.randint(1, 23):02}T{clock}Z"

    def _guid(self) -> str:
        value = f"{self._random.getrandbits(128):032x}"
        return f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"


def hostile() -> dict[str, str]:
    """Pastes of one megabyte that look for a slow path."""
    size = 1_000_000
    near = "User: arn:aws:sts::123456789012:assumed-role/x is not authorized to perform: sts:Assume"
    noise = random.Random(SEED)
    return {
        "one letter": "a" * size,
        "repeated near matches": (near + " ") * (size // len(near)),
        "repeated real matches": (near + "Role on resource: arn:aws:iam::123456789012:role/r ") * (size // 140),
        "half a sentence for ever": "is not authorized to perform: " * (size // 30),
        "deep escaping": json.dumps(json.dumps(json.dumps([near] * 4000)))[:size],
        "backslashes": "\\" * size,
        "nested quotes": "\"'" * (size // 2),
        "brackets": "[{(" * (size // 3),
        "dotted": "a." * (size // 2),
        "arn parts": "arn:aws:" * (size // 8),
        "blank lines": "\n \n" * (size // 3),
        "gutters": "│ | > # " * (size // 8),
        "secrets": "password=hunter2 AKIAABCDEFGHIJKLMNOP " * (size // 38),
        "all noise": "".join(chr(noise.randrange(32, 127)) for _ in range(size)),
        "all characters": "".join(
            chr(noise.choice((noise.randrange(32, 0xD7FF), noise.randrange(0xE000, 0x2FFFF)))) for _ in range(size // 3)
        ),
    }


def engines() -> None:
    """The engine against a loop over the same patterns."""
    messages = [normalise.plain(redact.redact(text).text) for text, _ in zip(Messages(), range(2000), strict=False)]
    patterns = [re.compile(signature.pattern, re.I) for error in errors().values() for signature in error.signatures]
    engine = classify.engine()
    some = messages[:100]
    loop = median(lambda: [pattern.search(text) for text in some for pattern in patterns], 3) / len(some)
    one = median(lambda: [engine.matching(text) for text in messages], 7) / len(messages)
    whole = median(lambda: [classify.classify(text) for text in messages], 7) / len(messages)
    print(f"\n{len(patterns)} signatures, {statistics.mean(map(len, messages)):.0f} characters a message, medians")
    print(f"  loop of re.search    {loop * 1e6:10,.1f} µs a message")
    print(f"  filtered RE2         {one * 1e6:10,.1f} µs a message   {loop / one:6,.0f} times as fast")
    print(f"  classify, with places{whole * 1e6:10,.1f} µs a message   {loop / whole:6,.0f} times as fast")


def pastes() -> None:
    """One paste of up to 10 kB through the whole diagnosis."""
    print("\nOne paste of 0.2 to 10 kB, the whole diagnosis, 600 pastes (goal: 99th percentile under 5 ms)")
    for name, fill in (("one error in a log", Messages.filler), ("up to ten errors", Messages.message)):
        source = Messages(SEED + 1)
        pick = random.Random(SEED)
        times = []
        for number in range(900):
            text = source.hit()
            length = pick.randint(200, 10_000)
            while len(text) < length:
                more = fill(source)
                text = f"{text}\n{more}" if pick.random() < 0.5 else f"{more}\n{text}"
            text = text if len(text) <= 10_000 else text[-10_000:]
            start = time.perf_counter()
            diagnose.diagnose(text)
            # the first pastes of a process also compile patterns; a server does that once
            if number >= 300:
                times.append(time.perf_counter() - start)
        times.sort()
        middle, high, most = (times[at] * 1e3 for at in (300, 594, -1))
        print(f"  {name:20} median {middle:.2f} ms   99th percentile {high:.2f} ms   slowest {most:.2f} ms")


def attacks() -> None:
    """Hostile pastes through the whole diagnosis."""
    print("\nHostile pastes of 1 MB, the whole diagnosis (goal: under 1 s each); of it redaction")
    for name, text in hostile().items():
        whole = median(lambda text=text: diagnose.diagnose(text), 3)
        part = median(lambda text=text: redact.redact(text), 3)
        print(f"  {name:26} {whole:7.3f} s   {part:7.3f} s{'   OVER' if whole >= 1 else ''}")


CHILD = """
import json, sys, time
from pathlib import Path
from ekm_core import batch, triage
batch.Classifier().one("warm up")
cpu = time.process_time()
counts = triage.run(sys.argv[1], sys.argv[2] or None)
cpu = time.process_time() - cpu
# not getrusage: its peak would include that of the process which started this one
status = Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else []
peaks = [line.split()[1] for line in lines if line.startswith("VmHWM")]
memory = int(peaks[0]) if peaks else 0
print(json.dumps([counts.rows, counts.matched, cpu, counts.seconds, memory]))
"""


def triage(rows: int) -> None:
    """The triage of a generated jsonl file, in a process of its own, so that its memory can be told apart."""
    print("\nTriage of jsonl, values included, one process")
    with tempfile.TemporaryDirectory() as folder:
        for count in sorted({max(rows // 10, 1), rows}):
            source = Path(folder) / "in.jsonl"
            with source.open("w") as file:
                for number, text in zip(range(count), Messages(SEED + 2), strict=False):
                    file.write(json.dumps({"id": number, "text": text}) + "\n")
            for out in ("", str(Path(folder) / "out.jsonl")):
                done = subprocess.run(
                    [sys.executable, "-c", CHILD, str(source), out],
                    cwd=ROOT,
                    check=True,
                    capture_output=True,
                    text=True,
                )
                lines, matched, cpu, seconds, memory = json.loads(done.stdout)
                print(
                    f"  {lines:>9,} lines ({source.stat().st_size / 1e6:.0f} MB, {matched / lines:.0%} known)"
                    f" {'to jsonl' if out else 'counts only':11}  {lines / cpu:9,.0f} lines/s and core"
                    f"  {lines / seconds:9,.0f} lines/s by the clock  peak memory {memory / 1024:.0f} MiB"
                )


def main() -> None:
    """Runs all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="lines of the triage (default 1,000,000)")
    parser.add_argument("--only", choices=("engines", "pastes", "attacks", "triage"))
    options = parser.parse_args()
    print(machine())
    parts: dict[str, Callable[[], None]] = {
        "engines": engines,
        "pastes": pastes,
        "attacks": attacks,
        "triage": lambda: triage(options.rows),
    }
    for name, part in parts.items():
        if options.only in (None, name):
            part()


if __name__ == "__main__":
    main()
