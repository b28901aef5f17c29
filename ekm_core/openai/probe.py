"""Live calls to OpenAI's management API with the user's admin key: list the registered keys, validate one of them.

Validating is the truest test there is, since OpenAI's own principal makes the calls. It needs the reading scope alone
and changes nothing at OpenAI; in the customer's cloud it makes OpenAI encrypt and decrypt a few bytes once, which that
cloud writes into its log (help article 20000953, read on 2026-11-27).

The ``openai`` SDK sends no request elsewhere than ``BASE_URL``, whatever the environment or a server says.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

from ekm_core.credentials import Credentials, OpenAIKey
from ekm_core.model import Configuration, Exhibit, Language, Provider, Snippet, Values
from ekm_core.openai import evidence, snippets
from ekm_core.probing import guard
from ekm_core.probing.http import MOST_BYTES
from ekm_core.probing.step import ORIGIN, CallError, Step, Taken, Trouble

if TYPE_CHECKING:
    import httpx2
    import openai
    from openai.resources.admin.organization import ExternalKeys

BASE_URL = "https://api.openai.com/v1"
READ = "api.external_keys.read"

_PAGE = 100
_MOST_PAGES = 5
_LIST_SECONDS = 20.0
_VALIDATE_SECONDS = 60.0
"""OpenAI itself waits for the customer's cloud meanwhile."""
_PAUSE = 1.0
_BUSY = frozenset({429, 500, 502, 503, 504})

_NOT_HERE = "Sign in to platform.openai.com as an owner, Settings, Organization, Admin keys, and create one."
_REFUSED = f"OpenAI says that this key lacks the scope {READ}. Use an admin key that has it."
_BAD_KEY = f"OpenAI does not know this admin key: it is mistyped, was deleted or has expired. {_NOT_HERE}"


def steps(configuration: Configuration | None, credentials: Credentials | None) -> tuple[Step, ...]:
    """The calls. configuration: which of the keys to validate; None validates only where there is but one.

    Without credentials there is nothing to call: nothing of this API is public.
    """
    if not isinstance(credentials, OpenAIKey):
        return ()
    return (_list(credentials, configuration, 1, ""),)


def permissions(configuration: Configuration | None) -> tuple[Snippet, ...]:
    """What the admin key must be allowed to do."""
    return (Snippet("Scope of the admin key (OpenAI)", Language.TEXT, READ),)


def _list(key: OpenAIKey, configured: Configuration | None, page: int, after: str) -> Step:
    command = snippets.list_keys().text

    def run() -> Taken:
        seconds = _LIST_SECONDS - 2
        if after:
            text = _called(key, seconds, lambda keys: keys.with_raw_response.list(limit=_PAGE, after=after), own=True)
        else:
            text = _called(key, seconds, lambda keys: keys.with_raw_response.list(limit=_PAGE), own=True)
        output = _document(text)
        exhibit = Exhibit(command, output, text, ORIGIN)
        found = evidence.keys((exhibit,))
        then = [_validate(key, item) for item in _chosen(found, configured, bool(after or output.get("has_more")))]
        last = output.get("last_id")
        if output.get("has_more") is True and isinstance(last, str) and last and page < _MOST_PAGES:
            then.append(_list(key, configured, page + 1, last))
        return Taken((exhibit,), tuple(then))

    title = "List the external keys of your organization at OpenAI"
    number = f"-{page}" if page > 1 else ""
    return Step(f"openai-keys{number}", f"{title}{', further ones' if number else ''}", command, run, (READ,))


def _chosen(
    found: tuple[Configuration, ...], configured: Configuration | None, more: bool
) -> tuple[Configuration, ...]:
    """The key to validate: the one of the form; without a form the only one."""
    if configured is None:
        return found if len(found) == 1 and not more else ()
    named = tuple(key for key in found if key.get("id") == configured.get("id"))
    return named or tuple(key for key in found if evidence.is_registration_of(key, configured))[:3]


def _validate(key: OpenAIKey, registered: Configuration) -> Step:
    id = registered.get("id")
    command = snippets.validate(Values({"external_key_id": id}))[0].text

    def run() -> Taken:
        text = _called(key, _VALIDATE_SECONDS - 5, lambda keys: keys.with_raw_response.validate(id), own=False)
        try:
            output = json.loads(text)
        except (ValueError, RecursionError):
            output = None
        return Taken((Exhibit(command, output, text, ORIGIN),))

    name = registered.get("name")[:60]
    title = f"Let OpenAI use the key once (validate {name or id})"
    return Step(f"openai-validate-{id}", title, command, run, (READ,), _VALIDATE_SECONDS)


def _document(text: str) -> dict[str, Any]:
    try:
        output = json.loads(text)
    except (ValueError, RecursionError):
        output = None
    if not isinstance(output, dict) or not isinstance(output.get("data"), list):
        raise CallError(Trouble.BAD_ANSWER, "OpenAI's answer is no list of keys, so it showed nothing.")
    return output


# ------------------------------------------------------------------------------------------------------------ one call
def _called(key: OpenAIKey, seconds: float, ask: Callable[[ExternalKeys], Any], *, own: bool) -> str:
    """The text of OpenAI's answer; for a validation also of an error that the customer's cloud gave OpenAI.

    own: whether every error is about the call itself. Raises CallError.
    """
    import openai

    ends = time.monotonic() + seconds
    with _client(key, ends) as client:
        for last in (False, True):
            try:
                return str(ask(client.admin.organization.external_keys).text)
            except openai.APIStatusError as problem:
                status, text = problem.status_code, problem.response.text
                if (
                    status in _BUSY
                    and not last
                    and time.monotonic() + _PAUSE < ends
                    and not _is_of_the_cloud(status, text)
                ):
                    time.sleep(_PAUSE)  # a busy server is asked once more
                    continue
                if not own and _is_of_the_cloud(status, text):
                    return text
                raise _refusal(status, text) from None
            except openai.APIError as problem:
                raise _trouble(problem) from None  # the chain would hold the request, and with it the key
    raise AssertionError("the second try returns or raises")


def _client(key: OpenAIKey, ends: float) -> openai.OpenAI:
    """A client for one call. It sends the key to OpenAI alone, follows no redirect, and reads a bounded answer."""
    import openai

    def bound(response: httpx2.Response) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise CallError(Trouble.BAD_ANSWER, "OpenAI's answer is packed in a way that we did not ask for.")
        response.stream = _bounded(cast("httpx2.SyncByteStream", response.stream), ends)

    left = max(1.0, ends - time.monotonic())
    http = openai.DefaultHttpxClient(follow_redirects=False, timeout=left, event_hooks={"response": [bound]})
    return openai.OpenAI(
        api_key="",
        admin_api_key=key.key,
        base_url=BASE_URL,
        max_retries=0,
        timeout=left,
        http_client=http,
        default_headers={"Accept-Encoding": "identity"},
    )


def _bounded(stream: httpx2.SyncByteStream, ends: float) -> httpx2.SyncByteStream:
    """The same stream of bytes, which ends with CallError where it is too long or too slow."""
    import httpx2

    class Bounded(httpx2.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            size = 0
            for part in stream:
                size += len(part)
                if size > MOST_BYTES:
                    sentence = f"The answer was larger than {MOST_BYTES >> 20} MiB; given up."
                    raise CallError(Trouble.BAD_ANSWER, sentence)
                if time.monotonic() > ends:
                    raise CallError(Trouble.TIMEOUT, "The answer came too slowly and was given up.")
                yield part

        def close(self) -> None:
            stream.close()

    return Bounded()


def _is_of_the_cloud(status: int, text: str) -> bool:
    """Whether an error is what the customer's cloud answered OpenAI, and not about the call itself.

    The status and the code of such an error are not published: the words decide, and a plain 400 where they do not.
    """
    message, _ = evidence.error(text)
    if not message or evidence.is_of_the_call(text):
        return False
    from ekm_core import classify, normalise

    known = classify.classify(normalise.normalise(message).text)
    return status == 400 or any(match.error.provider is not Provider.OPENAI for match in known)


def _refusal(status: int, text: str) -> CallError:
    message, code = evidence.error(text)
    if "insufficient permissions" in message or code == "missing_scope":
        return CallError(Trouble.REFUSED, _REFUSED, text, READ)
    if status == 401:
        return CallError(Trouble.CREDENTIALS, _BAD_KEY, text)
    if status == 403:
        return CallError(Trouble.REFUSED, f"OpenAI refused the call. {_REFUSED}", text, READ)
    if status == 404:
        sentence = "OpenAI knows no such key in the organization of this admin key. Is it the right organization?"
        return CallError(Trouble.ABSENT, sentence, text)
    if status == 429:
        return CallError(Trouble.THROTTLED, "OpenAI asked to slow down. Run the check again in a minute.", text)
    if 300 <= status < 400:
        return CallError(Trouble.BAD_ANSWER, "The server sent us on to another address; we do not follow.")
    return CallError(Trouble.BAD_ANSWER, "OpenAI answered with an error of its own. Run the check again later.", text)


def _trouble(problem: BaseException) -> CallError:
    """What an exception without an answer means, in words of ours."""
    chain: list[BaseException] = []
    inner: BaseException | None = problem
    while inner is not None and inner not in chain:
        chain.append(inner)
        inner = inner.__cause__ or inner.__context__
    for item in chain:
        if isinstance(item, CallError):
            return item
    names = {kind.__name__ for item in chain for kind in type(item).__mro__}
    if guard.refused(problem):
        return CallError(Trouble.FORBIDDEN_TARGET, "The address belongs to a private network, which we do not call.")
    kinds = (
        ("ProxyError", Trouble.PROXY, "A proxy between us and OpenAI did not let the call pass."),
        ("gaierror", Trouble.DNS, "The name api.openai.com does not resolve here; check the network."),
        ("SSLError", Trouble.CONNECTION, "The server's certificate is not trusted here."),
        ("TimeoutException", Trouble.TIMEOUT, "There was no answer in time."),
        ("APITimeoutError", Trouble.TIMEOUT, "There was no answer in time."),
    )
    for name, what, sentence in kinds:
        if name in names:
            return CallError(what, sentence)
    return CallError(Trouble.CONNECTION, "The connection failed or was cut before the answer was whole.")
