"""How many labelled messages get the right answer: ``python benchmarks/accuracy.py CORPUS``.

CORPUS is a folder with ``messages.jsonl`` or such a file: one JSON object a line with ``id``, ``labels`` (ids, the most
root-cause-like first; ["none"] where nothing of the catalogue stands in it), ``doubt``, ``text`` and ``entities``.
Right: the first id given is the label (several labels: all of them are given); for "none": no id is given.
Doubtful lines are counted apart. An entity counts as extracted where its value is among those given for the message.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ekm_core import classify, entities, normalise, redact


@dataclass
class Score:
    """The counts over a corpus; ``right`` and ``total`` by whether a line is doubtful, ``notes`` one line a fault."""

    right: Counter[bool] = field(default_factory=Counter)
    total: Counter[bool] = field(default_factory=Counter)
    nones: int = 0
    alarms: int = 0
    given: int = 0
    extracted: int = 0
    missed: Counter[str] = field(default_factory=Counter)
    confusions: Counter[tuple[str, str]] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def add(self, row: Mapping[str, object]) -> None:
        """Classifies one line and counts the answer."""
        text = normalise.normalise(redact.redact(str(row["text"])).text).text
        ids = [result.error.id for result in classify.classify(text)]
        labels = [label for label in row["labels"] if label != "none"]
        good = not ids if not labels else set(labels) <= set(ids) if len(labels) > 1 else ids[:1] == labels
        doubt = bool(row.get("doubt"))
        self.total[doubt] += 1
        self.right[doubt] += good
        if not labels and not doubt:
            self.nones += 1
            self.alarms += bool(ids)
        if not good:
            if not doubt:
                self.confusions[row["labels"][0], ids[0] if ids else "none"] += 1
            self.notes.append(f"{'doubtful ' if doubt else ''}{row['id']}: {row['labels']} got {ids}\t{text[:900]}")
        values = {entity.value for entity in entities.extract(text)}
        for name, value in (row.get("entities") or {}).items():
            self.given += 1
            self.extracted += value in values
            if value not in values:
                self.missed[name] += 1
                self.notes.append(f"{row['id']}: no {name} {value!r}\t{text[:600]}")


def read(path: Path) -> list[dict[str, object]]:
    """The labelled messages of a folder or file."""
    path = path / "messages.jsonl" if path.is_dir() else path
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def score(rows: Iterable[Mapping[str, object]]) -> Score:
    """The counts over all messages."""
    result = Score()
    for row in rows:
        result.add(row)
    return result


def main() -> int:
    """Prints the figures and every fault; exit 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--show", action="store_true", help="print the text of each wrong answer and missed value")
    parser.add_argument("--only", default="", help="only ids that begin so")
    arguments = parser.parse_args()
    rows = [row for row in read(arguments.corpus) if str(row["id"]).startswith(arguments.only)]
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}, {len(rows)} messages")
    began = time.perf_counter()
    result = score(rows)
    seconds = time.perf_counter() - began

    for note in result.notes:
        print(note if arguments.show else note.partition("\t")[0])
    for (label, answer), count in result.confusions.most_common():
        print(f"  {count:3} x {label} taken for {answer}")
    for doubt, name in ((False, "certain"), (True, "doubtful")):
        if result.total[doubt]:
            share = result.right[doubt] / result.total[doubt]
            print(f"{name}: {result.right[doubt]} of {result.total[doubt]} right, {share:.2%}")
    if result.nones:
        print(f"false alarms on none: {result.alarms} of {result.nones}, {result.alarms / result.nones:.2%}")
    if result.given:
        print(
            f"entities: {result.extracted} of {result.given} values extracted, {result.extracted / result.given:.2%}; "
            f"missed: {dict(result.missed)}"
        )
    print(f"{seconds / max(len(rows), 1) * 1e3:.2f} ms a message")
    return 0


if __name__ == "__main__":
    sys.exit(main())
