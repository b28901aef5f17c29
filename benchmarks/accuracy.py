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
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ekm_core import classify, entities, normalise, redact


def main() -> int:
    """Prints the figures and every wrong answer; exit 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--show", action="store_true", help="print the text of each wrong answer and missed value")
    parser.add_argument("--only", default="", help="only ids that begin so")
    arguments = parser.parse_args()
    path = arguments.corpus / "messages.jsonl" if arguments.corpus.is_dir() else arguments.corpus
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    rows = [row for row in rows if row["id"].startswith(arguments.only)]
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}, {len(rows)} messages")

    right: Counter[bool] = Counter()
    total: Counter[bool] = Counter()
    nones = alarms = given = extracted = 0
    confusions: Counter[tuple[str, str]] = Counter()
    missed: Counter[str] = Counter()
    notes = []
    began = time.perf_counter()
    for row in rows:
        text = normalise.normalise(redact.redact(row["text"]).text).text
        ids = [result.error.id for result in classify.classify(text)]
        labels = [label for label in row["labels"] if label != "none"]
        good = not ids if not labels else set(labels) <= set(ids) if len(labels) > 1 else ids[:1] == labels
        doubt = bool(row.get("doubt"))
        total[doubt] += 1
        right[doubt] += good
        if not labels and not doubt:
            nones += 1
            alarms += bool(ids)
        if not good:
            if not doubt:
                confusions[row["labels"][0], ids[0] if ids else "none"] += 1
            mark = "doubtful " if doubt else ""
            notes.append(f"{mark}{row['id']}: {row['labels']} got {ids}\n{text[:900] if arguments.show else ''}")
        values = {entity.value for entity in entities.extract(text)}
        for name, value in (row.get("entities") or {}).items():
            given += 1
            if value in values:
                extracted += 1
            else:
                missed[name] += 1
                notes.append(f"{row['id']}: no {name} {value!r} {text[:600] if arguments.show else ''}")
    seconds = time.perf_counter() - began

    print("\n".join(notes))
    for (label, answer), count in confusions.most_common():
        print(f"  {count:3} x {label} taken for {answer}")
    for doubt, name in ((False, "certain"), (True, "doubtful")):
        if total[doubt]:
            print(f"{name}: {right[doubt]} of {total[doubt]} right, {right[doubt] / total[doubt]:.2%}")
    if nones:
        print(f"false alarms on none: {alarms} of {nones}, {alarms / nones:.2%}")
    if given:
        print(f"entities: {extracted} of {given} values extracted, {extracted / given:.2%}; missed: {dict(missed)}")
    print(f"{seconds / len(rows) * 1e3:.2f} ms a message")
    return 0


if __name__ == "__main__":
    sys.exit(main())
