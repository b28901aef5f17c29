"""One HTTPS call that cannot hang, swell or wander: a deadline, a limit on size, bounded retries, no redirects.

It works on any ``requests`` session, such as google-auth's AuthorizedSession. What comes back is data of a stranger: no
word of it stands in a sentence of ours.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ekm_core.probing import guard
from ekm_core.probing.step import CallError, Trouble

if TYPE_CHECKING:
    import requests
    import urllib3

MOST_BYTES = 4 * 1024 * 1024
"""No answer that we read is larger; the IAM policy of a large project has some hundred kilobytes."""

_CHUNK = 64 * 1024
_RETRIES = 2
_BUSY = frozenset({429, 500, 502, 503, 504})
_LONGEST_PAUSE = 4.0

_PROXY = "A proxy between us and the cloud did not let the call pass."
_CUT = "The connection failed or was cut before the answer was whole."


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered. ``headers``: by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def document(self) -> dict[str, Any]:
        """The body as a JSON object. Raises CallError (BAD_ANSWER) for anything else."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise CallError(Trouble.BAD_ANSWER, "The server did not answer with a JSON object, so it showed nothing.")
        return value


def call(
    session: requests.Session,
    method: str,
    url: str,
    *,
    seconds: float = 15.0,
    headers: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
    form: Mapping[str, str] | bytes | None = None,
    retries: int = _RETRIES,
) -> Answer:
    """Make one call; what the server said, whatever its status, except a redirect.

    url: https, made of parts that were checked before. seconds: for all tries together. body: sent as JSON. form: sent
    as a form, or as it is where it is bytes, in place of a body. retries: how often a busy server (429, 5xx) is asked
    again.
    Raises CallError where there is no whole answer.
    """
    ends = time.monotonic() + seconds
    for left in range(retries, -1, -1):
        answer = _once(session, method, url, ends, headers, body, form)
        if answer.status not in _BUSY or not left:
            break
        pause = _pause(answer, retries - left)
        if time.monotonic() + pause >= ends:
            break
        time.sleep(pause)
    if 300 <= answer.status < 400:
        raise CallError(Trouble.BAD_ANSWER, "The server sent us on to another address; we do not follow.")
    return answer


def _pause(answer: Answer, tried: int) -> float:
    wanted = answer.headers.get("retry-after", "")
    return min(float(wanted) if wanted.isdecimal() else 0.5 * 2**tried, _LONGEST_PAUSE)


def _once(
    session: requests.Session,
    method: str,
    url: str,
    ends: float,
    headers: Mapping[str, str] | None,
    body: Mapping[str, Any] | None,
    form: Mapping[str, str] | bytes | None,
) -> Answer:
    import requests
    import urllib3

    left = max(0.1, ends - time.monotonic())
    try:
        with session.request(
            method, url, headers=headers, json=body, data=form, timeout=left, allow_redirects=False, stream=True
        ) as response:
            content = whole(response.raw, ends)
            found = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status_code, found, content)
    except (requests.RequestException, urllib3.exceptions.HTTPError) as problem:
        raise trouble(problem) from None  # the chain would hold the request, and with it the credential


def whole(raw: urllib3.BaseHTTPResponse, ends: float) -> bytes:
    """The body of an answer that is still under way.

    ends: by the monotonic clock. Raises CallError for one that is too large or too slow, and what urllib3 raises.
    """
    parts, size = [], 0
    while part := raw.read1(_CHUNK, decode_content=True):
        size += len(part)
        if size > MOST_BYTES:
            raise CallError(Trouble.BAD_ANSWER, f"The answer was larger than {MOST_BYTES >> 20} MiB; given up.")
        if time.monotonic() > ends:
            raise CallError(Trouble.TIMEOUT, "The answer came too slowly and was given up.")
        parts.append(part)
    return b"".join(parts)


def trouble(problem: BaseException) -> CallError:
    """What an exception of requests or urllib3 means, in words of ours."""
    import requests
    import urllib3

    if guard.refused(problem):
        return CallError(
            Trouble.FORBIDDEN_TARGET, "From here this name leads into a private network; we do not call it."
        )
    if "NameResolutionError" in repr(problem):
        return CallError(Trouble.DNS, "The name of the host does not resolve; check its spelling and the network.")
    errors, lower = requests.exceptions, urllib3.exceptions
    kinds: tuple[tuple[tuple[type[BaseException], ...], Trouble, str], ...] = (
        ((errors.ProxyError, lower.ProxyError), Trouble.PROXY, _PROXY),
        ((lower.NewConnectionError,), Trouble.CONNECTION, _CUT),  # to urllib3 a refused connection is a timeout too
        ((errors.Timeout, lower.TimeoutError), Trouble.TIMEOUT, "There was no answer in time."),
        ((errors.SSLError, lower.SSLError), Trouble.CONNECTION, "The server's certificate is not trusted here."),
        ((errors.ContentDecodingError, lower.DecodeError), Trouble.BAD_ANSWER, "The server's answer was broken."),
    )
    for classes, what, sentence in kinds:
        if isinstance(problem, classes):
            return CallError(what, sentence)
    return CallError(Trouble.CONNECTION, _CUT)
