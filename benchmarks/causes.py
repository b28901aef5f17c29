"""Are the right causes confirmed? ``python benchmarks/causes.py [FOLDER]`` over scenario files.

A scenario is one JSON file: what is registered (``configuration``: the body of POST external_keys, and
``organization_id`` where it is known), what the cloud says (``evidence``: a list of {"command", "output"}), the error
(``text``, "" for a set-up that is checked before any error), and what must come out (``expect``): ``error`` (the known
error's id), ``confirmed`` (exactly these causes), ``ruled_out`` (at least these) and, where it matters, ``open``
(neither of the two may be said of these). Without an error text the causes are those of the findings of ``check`` and
read ``error-id.cause-id``.

A wrong cause that is confirmed is the worst fault of all, a true one that is ruled out the next: the exit code is 1 if
there is one of either.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ekm_core import configuration, evidence
from ekm_core.check import check
from ekm_core.diagnose import Setup, diagnose
from ekm_core.model import Configuration, Exhibit, Finding, Status, Verdict

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "scenarios"


@dataclass(frozen=True)
class Scenario:
    """One file. ``name``: its path below the folder without the ending, such as ``aws/external-id-personal``."""

    name: str
    title: str
    configuration: Configuration
    evidence: tuple[Exhibit, ...]
    text: str
    error: str
    confirmed: frozenset[str]
    ruled_out: frozenset[str]
    open: frozenset[str]


@dataclass(frozen=True)
class Outcome:
    """What came out of one scenario; ``found`` is whether the known error was recognised (always, without a text)."""

    found: bool
    confirmed: frozenset[str]
    ruled_out: frozenset[str]


@cache
def load(folder: Path = FOLDER) -> tuple[Scenario, ...]:
    """Every scenario of a folder, in the order of their names. Raises ValueError for a file that cannot be used."""
    return tuple(_scenario(path, folder) for path in sorted(folder.rglob("*.json")))


def _scenario(path: Path, folder: Path) -> Scenario:
    name = str(path.relative_to(folder).with_suffix(""))
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    registered = configuration.read(json.dumps(content["configuration"]))
    if len(registered.configurations) != 1:
        raise ValueError(f"{name}: its configuration cannot be read")
    gathered = evidence.read(json.dumps(content["evidence"]))
    expect = content["expect"]
    return Scenario(
        name,
        content["title"],
        registered.configurations[0],
        gathered.exhibits,
        content["text"],
        expect["error"],
        frozenset(expect["confirmed"]),
        frozenset(expect["ruled_out"]),
        frozenset(expect.get("open", ())),
    )


def run(scenario: Scenario) -> Outcome:
    """What the product says of a scenario."""
    if not scenario.text:
        findings = check(scenario.configuration, scenario.evidence).findings
        return Outcome(True, _of_status(findings, Status.FAIL), _of_status(findings, Status.PASS))
    diagnosis = diagnose(scenario.text, setup=Setup(scenario.configuration, scenario.evidence))
    for judged_error in diagnosis.errors:
        if judged_error.match.error.id == scenario.error:
            verdicts = {judged.cause.id: judged.ruling.verdict for judged in judged_error.causes}
            return Outcome(
                True,
                frozenset(cause for cause, verdict in verdicts.items() if verdict is Verdict.CONFIRMED),
                frozenset(cause for cause, verdict in verdicts.items() if verdict is Verdict.RULED_OUT),
            )
    return Outcome(False, frozenset(), frozenset())


def _of_status(findings: tuple[Finding, ...], status: Status) -> frozenset[str]:
    return frozenset(finding.id for finding in findings if finding.status is status)


def main() -> int:
    """Prints the figures and each scenario that is not as it should be; 1 if a verdict was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    scenarios = load(parser.parse_args().folder)
    counts: Counter[str] = Counter()
    started = time.process_time()
    for scenario in scenarios:
        outcome = run(scenario)
        wrong = outcome.confirmed - scenario.confirmed
        unknown = scenario.confirmed - outcome.confirmed
        lost = (scenario.confirmed | scenario.open) & outcome.ruled_out
        counts["right cause confirmed"] += len(outcome.confirmed & scenario.confirmed)
        counts["wrong cause confirmed"] += len(wrong)
        counts["wrong cause ruled out"] += len(lost)
        counts["left unknown"] += len(unknown)
        counts["ruled out as it should be"] += len(outcome.ruled_out & scenario.ruled_out)
        counts["not ruled out"] += len(scenario.ruled_out - outcome.ruled_out)
        counts["error not recognised"] += not outcome.found
        left = scenario.ruled_out - outcome.ruled_out
        for label, causes in (("WRONG", wrong), ("LOST", lost), ("unknown", unknown), ("open", left)):
            if causes:
                print(f"{label:8} {scenario.name}: {', '.join(sorted(causes))}")
    spent = (time.process_time() - started) / max(1, len(scenarios))
    print(f"{len(scenarios)} scenarios, {spent * 1000:.1f} ms of CPU each, Python {platform.python_version()}")
    for label, count in counts.items():
        print(f"{count:6} {label}")
    return 1 if counts["wrong cause confirmed"] or counts["wrong cause ruled out"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
