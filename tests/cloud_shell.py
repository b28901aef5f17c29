"""A cloud shell for the tests of the scripts: bash with a stand-in for the cloud's command line on its PATH."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BASH = shutil.which("bash") or "bash"

# Answers as told, notes its arguments, and fails for anything that it was not told, or that does not only read.
_STAND_IN = """#!{python}
import json, pathlib, sys
here = pathlib.Path(__file__).parent
words = sys.argv[1:]
with (here / "calls").open("a") as calls:
    calls.write(json.dumps(words) + "\\n")
answers = json.loads((here / "answers.json").read_text())
verbs = {{"show", "list", "describe", "get-iam-policy", "get-ancestors-iam-policy", "list-versions", "--method=get"}}
if not verbs & set(words):
    sys.exit("This command may change something: " + " ".join(words))
line = " ".join(words)
found = [answer for start, answer in answers.items() if line.startswith(start)]
if not found:
    sys.exit("ERROR: nothing is known of: " + line)
if isinstance(found[0], str) and found[0].startswith("ERROR"):
    sys.exit(found[0])
print("WARNING: a message beside the answer", file=sys.stderr)
print(found[0] if isinstance(found[0], str) else json.dumps(found[0], indent=2))
"""


@dataclass(frozen=True, slots=True)
class Run:
    """How a script ran: what it printed, and the arguments of every call of the stand-in."""

    stdout: str
    stderr: str
    calls: list[list[str]]


def run(script: str, program: str, answers: Mapping[str, object], place: Path) -> Run:
    """Runs a script in an empty directory.

    answers: by the beginning of the arguments; a text that begins with ERROR is printed to stderr and fails.
    """
    tools, work = place / "tools", place / "work"
    tools.mkdir()
    work.mkdir()
    stand_in = tools / program
    stand_in.write_text(_STAND_IN.format(python=sys.executable))
    stand_in.chmod(0o755)
    (tools / "answers.json").write_text(json.dumps(answers))
    (tools / "calls").touch()
    # The real command lines of this machine, if there are any, must not be reached.
    environment = {"PATH": f"{tools}{os.pathsep}/usr/bin{os.pathsep}/bin", "HOME": str(work)}
    done = subprocess.run(
        [BASH], input=script, cwd=work, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert list(work.iterdir()) == [], "the script writes no file"
    calls = [json.loads(line) for line in (tools / "calls").read_text().splitlines()]
    return Run(done.stdout, done.stderr, calls)


def parses(script: str) -> bool:
    """Whether bash accepts it."""
    done = subprocess.run([BASH, "-n"], input=script.encode("utf-8", "replace"), capture_output=True, check=False)
    return done.returncode == 0
