"""A live probe as the rest of the program sees it: a generator of events; the calls are made in a process of their own.

Credentials go to the child process on its standard input and stand nowhere else. Everything it brings is bounded,
stripped of the credentials' own texts, and then read as a paste is: redacted first.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from ekm_core import classify, normalise, redact
from ekm_core.credentials import AzureDeviceCode, Credentials, dump, is_ambient, provider_of, secrets
from ekm_core.evidence import State
from ekm_core.model import Configuration, Provider
from ekm_core.probing import guard, runner
from ekm_core.probing.event import Ended, Event, Planned, Prompted, Started, Stopped, Tick, WireError, decode
from ekm_core.probing.step import Trouble

SIGN_IN_SECONDS = 900.0
"""So much longer a run may take where a person has to sign in first: Microsoft's codes are good for 15 minutes."""

CHILD = ("-m", "ekm_core.probing.child")
"""What the interpreter is told to run."""

_ROOT = Path(__file__).resolve().parents[2]
_LOG = logging.getLogger(__name__)
_MOST_AT_ONCE = 8
_SLOTS = threading.BoundedSemaphore(_MOST_AT_ONCE)
"""Each child may take some hundred megabytes: a few at a time, whatever the number of visitors."""

_START_SECONDS = 5.0
_LONGEST_REQUEST = 256 * 1024
_LONGEST_LINE = 48 * 1024 * 1024
_MOST_BYTES = 128 * 1024 * 1024
_CHUNK = 256 * 1024
_MOST_EVENTS = 4 * runner.MOST_STEPS
_CRASH = re.compile(r"[\w ]{1,80}(?: at [\w./]{1,120}:[0-9]{1,6})?", re.ASCII)

# The child sees nothing else of the server's environment: how to reach the network, and how to write text.
_PASSED_ON = (
    *("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "all_proxy", "no_proxy"),
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "AWS_CA_BUNDLE"),
    *("PATH", "PYTHONPATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH"),
)
# Settings of this machine never choose the address that a credential is sent to.
_OUR_ADDRESSES = {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
# Where a library would look for an identity of this machine.
_NOWHERE = {
    "HOME": "/nonexistent",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "CLOUDSDK_CONFIG": "/nonexistent",
    "NO_GCE_CHECK": "true",
}

_BUSY = "Too many live checks run at the moment. Try again in a minute."
_NOT_LOCAL = "The credentials of the machine that this program runs on may be used only by whoever sits at it."
_OTHER_CLOUD = "These credentials are of another cloud than the configuration, so no call was made."
_TOO_LONG = "The configuration is too long to be sent. Shorten it to the fields of the registration."
_NO_START = "The process that makes the calls could not be started. Try again in a minute."
_DIED = "The process that makes the calls ended before this was read (as a rule for lack of memory). Try again."
_NONSENSE = "The process that makes the calls sent something that we do not read, so it was ended."
_SWOLLEN = "The answers together were larger than we read, so the check was ended."
_SLOW = "The whole check took too long and was ended before this was read."


def environment(server: Mapping[str, str], ambient: bool) -> dict[str, str]:
    """The environment of the child process: the person's own where ambient, else next to nothing."""
    if ambient:
        return {name: value for name, value in server.items() if not name.startswith("OPENAI_")} | _OUR_ADDRESSES
    return {name: server[name] for name in _PASSED_ON if name in server} | _OUR_ADDRESSES | _NOWHERE


def run(
    configuration: Configuration | None,
    credentials: Credentials | None = None,
    *,
    openai: Credentials | None = None,
    round_trip: bool = False,
    ambient_allowed: bool = False,
    seconds: float | None = None,
    tick: float | None = None,
    child: Sequence[str] | None = None,
) -> Generator[Event, None, None]:
    """Makes the read-only calls for one configuration; the events as they happen.

    credentials: of the configuration's cloud; None makes the calls that need none. openai: adds the calls to OpenAI's
    API (which need no configuration). round_trip: adds an encryption and a decryption by the user's own identity.
    ambient_allowed: the answer of ``credentials.ambient_allowed`` for this visitor. seconds: for the whole run. tick:
    after so many seconds without an event comes a Tick. child: what the interpreter runs in place of CHILD, for tests.

    Every planned step ends exactly once, whatever happens to the child; a Stopped, where there is one, comes last.
    Closing the generator (leave the loop under ``contextlib.closing``) ends the child at once. Never raises for what a
    cloud, a user or the child does.
    """
    ambient = is_ambient(credentials)
    if ambient and not ambient_allowed:
        yield Stopped(_NOT_LOCAL)
        return
    cloud = configuration.provider if configuration else None
    if not _fits(credentials, cloud) or not _fits(openai, Provider.OPENAI):
        yield Stopped(_OTHER_CLOUD)
        return
    if seconds is None:
        seconds = runner.SECONDS + (SIGN_IN_SECONDS if isinstance(credentials, AzureDeviceCode) else 0.0)
    request = _request(configuration, credentials, openai, round_trip, seconds)
    if len(request) > _LONGEST_REQUEST:
        yield Stopped(_TOO_LONG)
        return
    if not _SLOTS.acquire(blocking=False):
        yield Stopped(_BUSY)
        return
    try:
        process = _Child((sys.executable, "-s", *(child or CHILD)), environment(os.environ, ambient))
        try:
            lines = process.lines(request, seconds + _START_SECONDS, tick)
            yield from _settled(lines, _forms(secrets(credentials, openai)))
        finally:
            process.end()
    except OSError:
        yield Stopped(_NO_START)
    finally:
        _SLOTS.release()


def _fits(credentials: Credentials | None, provider: Provider | None) -> bool:
    return credentials is None or provider_of(credentials) is provider


def _request(
    configuration: Configuration | None,
    credentials: Credentials | None,
    openai: Credentials | None,
    round_trip: bool,
    seconds: float,
) -> bytes:
    plain = configuration and {
        "provider": configuration.provider,
        "fields": dict(configuration.fields),
        "organization_id": configuration.organization_id,
    }
    request = {
        "configuration": plain,
        "credentials": dump(credentials),
        "openai": dump(openai),
        "round_trip": round_trip,
        "seconds": seconds,
    }
    return json.dumps(request).encode() + b"\n"


# ------------------------------------------------------------------------------------------------------- the process
class _EndedEarlyError(Exception):
    """Why nothing more comes from a child. trouble and sentence: for every step that is open."""

    def __init__(self, trouble: Trouble, sentence: str) -> None:
        super().__init__(sentence)
        self.trouble = trouble
        self.sentence = sentence


class _Child:
    """One child process. Raises OSError where it cannot be started."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - a fixed command; all that is the user's goes to its input
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environment),
            cwd=_ROOT,
            bufsize=0,
            start_new_session=True,
        )

    def lines(self, request: bytes, seconds: float, tick: float | None) -> Iterator[bytes | Tick]:
        """What the child prints, line by line, until it is done. Raises _EndedEarlyError where it does not get there.

        seconds: after so long it is given up. tick: after so many seconds without a line comes a Tick.
        """
        assert self.process.stdin is not None and self.process.stdout is not None  # noqa: S101, PT018 - for mypy
        began = time.monotonic()
        with contextlib.suppress(BrokenPipeError):  # it is dead already, which shows below
            self.process.stdin.write(request)
        out = self.process.stdout.fileno()
        poll = select.poll()
        poll.register(out, select.POLLIN)
        buffer, total = bytearray(), 0
        while True:
            left = began + seconds - time.monotonic()
            if left <= 0:
                raise _EndedEarlyError(Trouble.TIMEOUT, _SLOW)
            if not poll.poll(1000 * min(left, tick or left)):
                if tick:
                    yield Tick(time.monotonic() - began)
                continue
            data = os.read(out, _CHUNK)
            if not data:
                break
            total += len(data)
            if total > _MOST_BYTES or len(buffer) > _LONGEST_LINE:
                raise _EndedEarlyError(Trouble.BAD_ANSWER, _SWOLLEN)
            buffer += data
            if b"\n" in data:
                *lines, rest = bytes(buffer).split(b"\n")
                buffer = bytearray(rest)
                yield from lines
        if buffer or self.process.wait() != 0:
            raise _EndedEarlyError(Trouble.OURS, _DIED)

    def end(self) -> None:
        """Ends the child and whatever it has started."""
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


# --------------------------------------------------------------------------------------------------- what it brings
def _settled(lines: Iterator[bytes | Tick], forms: Sequence[bytes]) -> Iterator[Event]:
    """The events in the child's lines, and an end for each step that it left open."""
    open_steps: dict[str, Planned] = {}
    stopped: Stopped | None = None
    try:
        for number, line in enumerate(lines):
            if isinstance(line, Tick):
                yield line
                continue
            if number > _MOST_EVENTS:
                raise _EndedEarlyError(Trouble.BAD_ANSWER, _SWOLLEN)
            event = _event(line, forms)
            if isinstance(event, Stopped):
                stopped = event
                _log(event.crash)
                continue
            if isinstance(event, Planned):
                open_steps[event.step] = event
            elif event.step not in open_steps:
                raise _EndedEarlyError(Trouble.OURS, _NONSENSE)
            elif isinstance(event, Ended):
                del open_steps[event.step]
                _log(event.crash)
            yield event
        early = _EndedEarlyError(Trouble.OURS, stopped.sentence if stopped else _DIED)
    except _EndedEarlyError as problem:
        early, stopped = problem, stopped or Stopped(problem.sentence)
        if problem.trouble is Trouble.OURS:
            _LOG.error("Live probe: %s", problem.sentence)
    for step in open_steps.values():
        exhibits = runner.not_read(step.command, early.sentence)
        yield Ended(step.step, State.FAILED, 0.0, exhibits, early.trouble, early.sentence)
    if stopped:
        yield Stopped(stopped.sentence)


def _event(line: bytes, forms: Sequence[bytes]) -> Planned | Started | Prompted | Ended | Stopped:
    """The event in a line of the child, without secrets."""
    for form in forms:
        line = line.replace(form, b"[removed: credential]")
    try:
        event = decode(json.loads(line))
    except (WireError, ValueError, RecursionError):
        raise _EndedEarlyError(Trouble.OURS, _NONSENSE) from None  # its text would show what the child sent
    if isinstance(event, Planned):
        return replace(event, title=_clean(event.title), command=_clean(event.command))
    if isinstance(event, Prompted) and not guard.is_sign_in(event.url, event.code):
        raise _EndedEarlyError(Trouble.OURS, _NONSENSE)
    if isinstance(event, Ended):
        text = _clean(event.text)
        return replace(
            event,
            exhibits=tuple(runner.as_pasted(item) for item in event.exhibits),
            sentence=_clean(event.sentence),
            permission=_clean(event.permission),
            text=text,
            errors=known_errors(text),
        )
    return event


def _forms(found: Sequence[str]) -> tuple[bytes, ...]:
    """The spellings in which a secret may stand in a line of JSON."""
    forms = (form for text in found for form in (text, json.dumps(text)[1:-1], quote(text, safe="")))
    return tuple(dict.fromkeys(form.encode() for form in forms))


def _clean(text: str) -> str:
    return redact.redact(text).text


def known_errors(text: str) -> tuple[str, ...]:
    """The ids of the known errors in a cloud's refusal of the user's own call, the root first."""
    if not text.strip():
        return ()
    return tuple(found.error.id for found in classify.classify(normalise.normalise(text).text))


def _log(crash: str) -> None:
    """One line on a fault of our own: its kind and place. What the child says counts only in that form."""
    if crash:
        _LOG.error("Live probe: %s", crash if _CRASH.fullmatch(crash) else "a fault without a name")
