"""How the IAM evaluator fares on labelled cases: python benchmarks/policies.py CASES.jsonl [--all]

Prints accuracy per verdict, what was answered in place of what, the ids of the wrong ones, and cases a second. Without
--all only the strict cases count.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ekm_core.aws import simulate


def main() -> int:
    parser = argparse.ArgumentParser(description="Accuracy and speed of policy evaluation.")
    parser.add_argument("cases", type=Path)
    parser.add_argument("--all", action="store_true", help="count the cases that are not strict, too")
    options = parser.parse_args()
    try:
        cases = [json.loads(line) for line in options.cases.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        parser.error(f"{options.cases} is not a file of JSON lines: {error}")
    cases = [case for case in cases if options.all or case["strict"]]

    started = time.perf_counter()
    answers = [simulate.decide(case).result for case in cases]
    seconds = time.perf_counter() - started

    total: Counter[str] = Counter()
    right: Counter[str] = Counter()
    confused: Counter[tuple[str, str]] = Counter()
    wrong = []
    for case, answer in zip(cases, answers, strict=True):
        wanted = " or ".join(case["expected"])
        total[wanted] += 1
        if answer in case["expected"]:
            right[wanted] += 1
        else:
            confused[wanted, answer] += 1
            wrong.append(case["id"])
    for wanted, count in total.most_common():
        print(f"{wanted:32} {right[wanted]:5} of {count:5}  {right[wanted] / count:7.2%}")
    for (wanted, answer), count in confused.most_common():
        print(f"  {count} x {answer} in place of {wanted}")
    print(f"{'all':32} {len(cases) - len(wrong):5} of {len(cases):5}  {1 - len(wrong) / max(1, len(cases)):7.2%}")
    if wrong:
        print("wrong:", " ".join(wrong))
    print(f"{len(cases) / seconds:,.0f} cases a second")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
