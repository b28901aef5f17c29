"""The frame of the read-only scripts: runs commands one by one and prints one JSON bundle of their answers.

Everything stays in the shell of the person who runs it. There are no temporary files; python3 (which every cloud's own
shell has) keeps a command's answer apart from its messages, and writes the JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ekm_core.model import Language, Snippet
from ekm_core.snippets import sh, snippet

SECONDS = 120
"""After so long one command is given up and the script goes on."""

# No single quote may stand in it: the script holds it in single quotes.
_RECORDER = f"""
import json, shlex, subprocess, sys
words = sys.argv[1:]
try:
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout={SECONDS})
    answer, messages = (part.decode("utf-8", "replace").strip() for part in (done.stdout, done.stderr))
    output = answer or messages if done.returncode == 0 else messages or answer
    if done.returncode == 0:
        try:
            output = json.loads(answer)
        except ValueError:
            pass
except subprocess.TimeoutExpired:
    output = "ERROR: the command timed out after {SECONDS} seconds"
except OSError as problem:
    output = f"ERROR: the command could not be started, command not found: {{problem}}"
print(json.dumps({{"command": shlex.join(words), "output": output}}))
""".strip()


def command(*words: str) -> str:
    """A line that runs one command and adds its answer to the bundle; every word is quoted."""
    return " ".join(("collect", *(sh(word) for word in words)))


def script(title: str, reads: Sequence[str], lines: Iterable[str]) -> Snippet:
    """The whole script.

    title: of the snippet. reads: what is read, one thing a line, our own words alone (they become comments).
    lines: bash, where every value of the user is quoted; ``command`` makes most of them.
    """
    head = "\n".join(f"#   - {line}" for line in reads)
    body = "\n".join(lines)
    text = f"""#!/usr/bin/env bash
# Reads your set-up for OpenAI's external key management. It reads:
{head}
# It changes nothing in your cloud and sends nothing anywhere: it prints one JSON document, and you decide who gets it.
# The document names people and roles of your policies. A command that is refused is noted, and the rest goes on.
# Save it as ekm-read.sh and run: bash ekm-read.sh > ekm-evidence.json
(
set -u
recorder='{_RECORDER}'
separator=''
collect() {{
  printf 'Reading: %s\\n' "$*" >&2
  printf '%s' "$separator"
  separator=','
  python3 -c "$recorder" "$@"
}}
printf '['
{body}
printf ']\\n'
)
"""
    return snippet(title, Language.BASH, text)
