"""A child process whose cloud is a stand-in: what its steps do is said by the fields of the configuration.

``live.run(…, child=(str(FAKE),))`` runs this file in place of ``ekm_core.probing.child``. Each field is one step: its
name the step's id, its value what the step does (see ``does``).
"""

import ctypes
import os
import sys
import threading
import time
from pathlib import Path
from types import ModuleType

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ekm_core.credentials import OpenAIKey
from ekm_core.model import Exhibit, Provider, Values
from ekm_core.openai.snippets import validate
from ekm_core.probing import child, http
from ekm_core.probing.event import Ended
from ekm_core.probing.step import ORIGIN, CallError, Prompt, Step, Taken, Trouble, ask

DENIED = (
    "An error occurred (AccessDenied) when calling the GetRole operation: User: arn:aws:iam::111122223333:user/me is "
    "not authorized to perform: iam:GetRole on resource: role openai-ekm because no identity-based policy allows the "
    "iam:GetRole action"
)

VALIDATE = validate(Values({"external_key_id": "extkey_1"}))[0].text
TRUST = {
    "Role": {
        "RoleName": "openai-ekm",
        "Arn": "arn:aws:iam::111122223333:role/openai-ekm",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
    }
}


def _exhibit(output, text="", name="get-role"):
    return Taken((Exhibit(f"aws iam {name}", output, text, ORIGIN),))


def _raise(problem):
    raise problem


def _call(url, seconds=20.0):
    import requests

    answer = http.call(requests.Session(), "GET", url, seconds=seconds)
    if answer.status == 429:
        raise CallError(Trouble.THROTTLED, "The cloud asked to slow down.", f"HTTP {answer.status}")
    return _exhibit(answer.document())


def _kill():
    os.kill(os.getpid(), 9)


def _eat_memory():
    return [bytes(1 << 28) for _ in range(1 << 10)]


def _prompt():
    ask(Prompt("https://microsoft.com/devicelogin", "ABCD1234", 900.0))
    return _exhibit({"signed": "in"})


def _later(what, credentials):
    FIRST_ENDED.wait(30)
    return does(what, credentials)


def does(what, credentials):
    """What a step does, by a word; everything behind a colon is for it."""
    word, _, rest = what.partition(":")
    values = [getattr(credentials, name) for name in getattr(credentials, "__slots__", ())]
    actions = {
        "fine": lambda: _exhibit({"Role": rest}),
        "echo": lambda: _exhibit({"sent": values}, name=" ".join(["echo", *values])),
        "echo-error": lambda: _raise(CallError(Trouble.BAD_ANSWER, f"odd {values}", f"ERROR: {values}")),
        "refused": lambda: _raise(CallError(Trouble.REFUSED, "You lack a permission.", DENIED, "iam:GetRole")),
        "denied": lambda: _raise(CallError(Trouble.REFUSED, "You lack a permission.", rest)),
        "later": lambda: _later(rest, credentials),
        "who": lambda: _exhibit({}),
        "openai": lambda: _exhibit({}),
        "trust": lambda: _exhibit(TRUST),
        "crash": lambda: _raise(KeyError(f"canary {values}")),
        "exit": lambda: sys.exit(f"canary {values}"),
        "print": lambda: print(values, file=sys.stderr) or print(values, flush=True) or _exhibit({"Role": "printed"}),
        "call": lambda: _call(rest),
        "call-slow": lambda: _call(rest, 0.5),
        "sleep": lambda: time.sleep(float(rest)) or _exhibit({}),
        "segfault": lambda: ctypes.string_at(0),
        "kill": _kill,
        "memory": _eat_memory,
        "prompt": _prompt,
        "phish": lambda: ask(Prompt("https://evil.example/login", "ABCD1234", 900.0)),
        "program": lambda: os.system("true") or _exhibit({}),
        "file": lambda: Path(rest).write_text("token") and _exhibit({}),
        "raw": lambda: os.write(OUT, rest.encode() + b"\n") and _exhibit({}),
        "flood": lambda: [os.write(OUT, b"x" * (1 << 20)) for _ in range(1 << 10)],
        "environment": lambda: _exhibit({"environment": dict(os.environ), "arguments": sys.argv}),
        "exhibits": lambda: Taken(tuple(Exhibit("aws iam x", {"a": 1}, "", ORIGIN) for _ in range(int(rest)))),
        "absent-then": lambda: _raise(
            CallError(Trouble.ABSENT, "It is not there.", "", "", (_step("why", "fine:why", credentials),))
        ),
        "then": lambda: Taken((), (_step("next", "fine:next", credentials), _step("next", "fine:next", credentials))),
        "many": lambda: Taken((), tuple(_step(f"more-{n}", "fine:", credentials) for n in range(int(rest)))),
    }
    return actions[word]()


def _step(id, what, credentials):
    seconds = 1.5 if what.startswith(("sleep:60", "call-slow:")) else 30.0
    title = type(credentials).__name__ if what == "who" else f"Reads {id}"
    return Step(id, title, f"aws iam {id}", lambda: does(what, credentials), ("iam:GetRole",), seconds)


def steps(configuration, credentials):
    """One step a field; of OpenAI one for what its own call met."""
    if isinstance(credentials, OpenAIKey) and configuration.provider is not Provider.GCP:
        met = [what.partition(":")[2] for what in configuration.fields.values() if what.startswith("openai:")]
        exhibits = tuple(Exhibit(VALIDATE, None, text, ORIGIN) for text in met)
        return (Step("openai-validate", "Let OpenAI use the key once", "", lambda: Taken(exhibits)),)
    if "fail" in configuration.fields:
        raise ValueError(f"canary {credentials}")
    if "forbid" in configuration.fields:
        raise CallError(Trouble.FORBIDDEN_TARGET, "Not there.")
    return tuple(_step(id, what, credentials) for id, what in configuration.fields.items())


def round_trip(configuration, credentials):
    return (_step("round-trip", "fine:", credentials),)


def _notice(out, event):
    PRINT(out, event)
    if isinstance(event, Ended):
        FIRST_ENDED.set()


OUT = 1
FIRST_ENDED = threading.Event()
PRINT = child._print

if __name__ == "__main__":
    child._print = _notice
    for name in ("aws", "gcp", "azure", "openai"):
        probe = ModuleType(f"ekm_core.{name}.probe")
        probe.steps, probe.round_trip = steps, round_trip
        sys.modules[probe.__name__] = probe
    OUT = os.dup(1)
    child.main()
