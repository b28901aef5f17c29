"""What all regular expressions of the project keep to."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.serving import ROOT

# Before Python 3.11.5 (Debian 12 has 3.11.2) a group that is repeated possessively, and fails half-way at last,
# leaves the place where it failed as the end of the match: https://github.com/python/cpython/issues/106052. Seen here
# as an endless loop over a paste, until the memory was full. An atomic group within does not fail half-way.
_LOOK = """
import importlib, json, pkgutil, re._compiler, sys
from re._constants import ATOMIC_GROUP, POSSESSIVE_REPEAT
from re._parser import SubPattern, parse

def loose(part):
    if isinstance(part, (SubPattern, list, tuple)):
        if len(part) == 2 and part[0] is POSSESSIVE_REPEAT:
            body = part[1][2]
            if not re._compiler._simple(body) and [kind for kind, _ in body] != [ATOMIC_GROUP]:
                return True
        return any(map(loose, part))
    return False

found, seen, compile_ = [], 0, re._compiler.compile

def look(pattern, flags=0):
    global seen
    frame = sys._getframe(1)
    while (caller := frame.f_globals["__name__"]).partition(".")[0] == "re":
        frame = frame.f_back
    if caller.startswith(("ekm_core", "pages")):
        seen += 1
        if loose(parse(pattern, flags)):
            found.append((caller, str(pattern)))
    return compile_(pattern, flags)

re._compiler.compile = look
for name in ("ekm_core", "pages.components"):
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, f"{name}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
assert loose(parse("(?:ab?c)++")) and not loose(parse("(?>ab?c)++[a-z]*+"))
print(json.dumps([seen, found]))
"""


def test_a_group_that_is_repeated_possessively_is_atomic() -> None:
    run = subprocess.run([sys.executable, "-c", _LOOK], cwd=ROOT, capture_output=True, text=True, check=True)
    seen, found = json.loads(run.stdout)
    assert seen > 200
    assert found == []
