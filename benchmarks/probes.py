"""Every set-up of the laboratory read live, and how long that takes: ``python benchmarks/probes.py [--only aws]``.

For each cloud: how many set-ups there are, at how many of them OpenAI's own call meets the known error that the set-up
names, how many true causes are confirmed and how many wrong ones, how many healthy ones are proven throughout, and the
median and slowest time of a probe; the healthy one once more in a process of its own, as the app does it. Prints what
it ran on; exit 1 where a wrong cause was confirmed. All servers are on this machine: the network's time is not in it.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ekm_core import evidence
from ekm_core.check import check
from ekm_core.credentials import OpenAIKey
from ekm_core.diagnose import diagnose
from ekm_core.model import LinkState, Provider, Status
from ekm_core.openai import probe as openai_probe
from ekm_core.probing import live, runner
from ekm_core.probing.record import Record
from ekm_core.probing.step import ORIGIN
from tests.lab import openai
from tests.lab.declared import Setup, setups
from tests.lab.frame import laboratory
from tests.lab.play import Stage, stage


def probe(setup: Setup, shown: Stage, *, child: bool) -> tuple[Record, float]:
    """What one probe brings, with OpenAI's own call, and the seconds that it took."""
    credentials, key = shown.sign_in(setup.provider), OpenAIKey(openai.READING_KEY)
    record, began = Record(), time.perf_counter()
    if child:
        events = live.run(setup.configuration, credentials, openai=key)
    else:
        cloud = importlib.import_module(f"ekm_core.{setup.provider}.probe")
        steps = (*cloud.steps(setup.configuration, credentials), *openai_probe.steps(setup.configuration, key))
        events = runner.run(steps)
    for event in events:
        record.add(event)
    return record, time.perf_counter() - began


def judge(setup: Setup, record: Record, counts: Counter[str]) -> None:
    """Adds one set-up to the counts, and prints what is not as the set-up says."""
    checked = check(setup.configuration, evidence.read(record.bundle(), ORIGIN).exhibits)
    met = [judged.match.error.id for judged in diagnose(record.said_by_openai).errors[:1]]
    found = {finding.id for finding in checked.of(Status.FAIL) if "." in finding.id}
    wrong, missed = found - set(setup.confirmed), set(setup.confirmed) - found
    proven = all(item.state is LinkState.PROVEN for item in checked.chain)
    counts["set-ups"] += 1
    counts["OpenAI's error as named"] += met == ([setup.error] if setup.error else [])
    counts["true causes confirmed"] += len(found) - len(wrong)
    counts["true causes missed"] += len(missed)
    counts["wrong causes confirmed"] += len(wrong)
    counts["broken, nothing to confirm"] += not setup.healthy and not setup.confirmed
    counts["healthy"] += setup.healthy
    counts["healthy, all links proven"] += setup.healthy and proven
    for label, causes in (("WRONG", wrong), ("missed", missed)):
        if causes:
            print(f"{label:8} {setup.name}: {', '.join(sorted(causes))}")


def main() -> int:
    """Prints the table; 1 if a wrong cause was confirmed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--only", choices=["aws", "gcp", "azure"])
    only = parser.parse_args().only
    load = f"load {os.getloadavg()[0]:.1f}"
    print(f"{platform.machine()}, {os.cpu_count()} cores, {load}, Python {platform.python_version()}")
    wrong = 0
    with laboratory() as running, stage(running) as shown:
        os.environ.update(running.environment)
        for provider in [Provider(only)] if only else [Provider.AWS, Provider.GCP, Provider.AZURE]:
            counts: Counter[str] = Counter()
            times: list[float] = []
            for setup in setups(provider):
                shown.show(setup)
                record, seconds = probe(setup, shown, child=False)
                judge(setup, record, counts)
                times.append(seconds)
            healthy = setups(provider)[0]
            shown.show(healthy)
            whole = [probe(healthy, shown, child=True) for _ in range(5)]
            calls = len(whole[0][0].ended)
            print(f"\n{provider.label}")
            for label, count in counts.items():
                print(f"{count:6} {label}")
            print(f"  a probe in this process: median {statistics.median(times):.2f} s, slowest {max(times):.2f} s")
            took = statistics.median(seconds for _, seconds in whole)
            print(f"  {healthy.name} in a process of its own: {calls} calls, median of 5: {took:.2f} s")
            wrong += counts["wrong causes confirmed"]
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
