"""Live read-only calls to AWS with the user's own credentials: the only module that imports boto3, inside functions.

``reads`` says which calls; here they are made, each within a limit of time, size and number of requests, and each
failure is told apart. Clients are made for one run from its credentials alone and go with it.
"""

from __future__ import annotations

import base64
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ekm_core.aws.reads import READS as READS
from ekm_core.aws.reads import SECONDS, Plan, Read
from ekm_core.aws.reads import permissions as permissions
from ekm_core.credentials import AwsKeys, AwsProfile
from ekm_core.evidence import State, outcome
from ekm_core.model import Configuration, Exhibit
from ekm_core.probing import http
from ekm_core.probing.step import ORIGIN, CallError, Step, Trouble

if TYPE_CHECKING:
    import urllib3
    from boto3.session import Session
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from botocore.client import BaseClient
    from botocore.exceptions import BotoCoreError, ClientError

Credentials = AwsKeys | AwsProfile

_CONNECT_SECONDS = 5.0
_TRIES = 3
_MOST_REQUESTS = 40
"""For one call: enough for every page of a list, and an end to a server that always names a further one."""

_LONGEST_ERROR = 20_000
_NONSENSE = "This answer is not one that AWS gives, so it showed nothing."


def steps(configuration: Configuration, credentials: Credentials | None) -> tuple[Step, ...]:
    """Every read-only call for one registration; further ones follow from what these find.

    Without credentials there is none: AWS shows a stranger neither whether a role exists nor whether a key does (a
    denied and a missing role get the same answer), and that its hosts answer proves nothing about the set-up.
    """
    if credentials is None:
        return ()
    plan = Plan(_Cloud(credentials).ask, configuration)
    return (plan.caller(), *plan.role(), *plan.key(), *plan.organization(), *plan.trail())


def round_trip(configuration: Configuration, credentials: Credentials | None) -> tuple[Step, ...]:
    """One encryption and decryption of a fixed text with the registered key, by the user's own identity.

    It proves that the key exists, is enabled and of the right kind. It does not prove that OpenAI's role may use it:
    the user is another caller. Nothing is stored, and no state changes.
    """
    if credentials is None:
        return ()
    return (Plan(_Cloud(credentials).ask, configuration).round_trip(),)


# ---------------------------------------------------------------------------------------------------------- the SDK
class _Cloud:
    """The SDK's clients of one run, made from its credentials alone and gone with it."""

    def __init__(self, credentials: Credentials) -> None:
        from botocore.httpsession import URLLib3Session
        from botocore.utils import get_environ_proxies

        self._credentials = credentials
        self._transport = URLLib3Session(
            verify=os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE") or True,
            proxies=get_environ_proxies("https://sts.amazonaws.com/"),
            timeout=(_CONNECT_SECONDS, SECONDS),
            max_pool_connections=10,
        )
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], BaseClient] = {}
        self._session: Session | None = None
        # Of the step that runs in this thread: when it has to be over, and how many requests it may still make.
        self._step = threading.local()

    def ask(self, read: Read, **more: bytes) -> dict[str, Any]:
        """One call's answer as the CLI prints it. Raises CallError, whatever AWS or the way to it does."""
        from botocore import exceptions
        from botocore.parsers import ResponseParserError

        self._step.ends = time.monotonic() + SECONDS
        self._step.left = _MOST_REQUESTS
        try:
            client = self._client(read.service, read.region)
            if read.most:
                pages = client.get_paginator(read.operation).paginate(
                    **read.arguments, PaginationConfig={"MaxItems": read.most}
                )
                answer = pages.build_full_result()
            else:
                answer = getattr(client, read.operation)(**read.arguments, **more)
        except exceptions.ClientError as problem:
            raise _said(problem, read) from None
        except (
            *(exceptions.NoCredentialsError, exceptions.PartialCredentialsError, exceptions.CredentialRetrievalError),
            *(exceptions.ProfileNotFound, exceptions.SSOError, exceptions.TokenRetrievalError),
        ) as problem:
            sentence = "This machine has no credentials of AWS that could be used. Sign in, or paste keys."
            raise CallError(Trouble.CREDENTIALS, sentence, str(problem)[:_LONGEST_ERROR]) from None
        except (
            exceptions.BotoCoreError,
            ResponseParserError,
            # What botocore's parsers raise for an answer of another shape than the service's own description.
            *(AttributeError, KeyError, TypeError, ValueError, RecursionError, OverflowError),
        ):
            raise CallError(
                Trouble.BAD_ANSWER, "This answer is not one that AWS gives, so it showed nothing."
            ) from None
        printed = {name: _printed(item) for name, item in answer.items() if name != "ResponseMetadata"}
        return _queried(printed, read.query)

    def _client(self, service: str, region: str) -> BaseClient:
        with self._lock:  # a session makes its clients one at a time; the clients themselves may be shared
            if (service, region) not in self._clients:
                self._clients[service, region] = self._new_client(service, region)
            return self._clients[service, region]

    def _new_client(self, service: str, region: str) -> BaseClient:
        from botocore.config import Config

        if self._session is None:
            self._session = _session(self._credentials)
        settings = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=SECONDS,
            retries={"mode": "standard", "total_max_attempts": _TRIES},
            ignore_configured_endpoint_urls=True,
        )
        client = self._session.client(service, region_name=region, config=settings)
        # botocore reads answers without a limit of size or time, so the sending is ours.
        client.meta.events.register("before-send", self._send)
        return client

    def _send(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        """Sends one signed request, and reads its answer within bounds. Raises CallError."""
        import urllib3
        from botocore.awsrequest import AWSResponse
        from botocore.exceptions import BotoCoreError

        self._step.left -= 1
        if self._step.left < 0:
            raise CallError(Trouble.BAD_ANSWER, "The server always named a further page, so the list was given up.")
        left = self._step.ends - time.monotonic()
        if left <= 0:
            raise CallError(Trouble.TIMEOUT, "There was no answer in time.")
        request.stream_output = True
        request.context = {**(getattr(request, "context", None) or {}), "read_timeout": left}
        try:
            answer = self._transport.send(request)
            raw: urllib3.BaseHTTPResponse = answer.raw
            body = http.whole(raw, self._step.ends)
        except BotoCoreError as problem:
            raise _cut(problem) from None
        except urllib3.exceptions.HTTPError as problem:
            raise http.trouble(problem) from None
        if 300 <= answer.status_code < 400:
            raise CallError(Trouble.BAD_ANSWER, "The server sent us on to another address; we do not follow.")
        announced = raw.headers.get("content-length", "")
        if announced.isdecimal() and len(body) < int(announced):
            raise CallError(Trouble.CONNECTION, "The connection was cut before the answer was whole.")
        return AWSResponse(request.url, answer.status_code, raw.headers, _Body(body))


@dataclass(frozen=True, slots=True)
class _Body:
    """A body that was read, in the form in which botocore asks for it."""

    content: bytes

    def stream(self) -> Iterator[bytes]:
        yield self.content


def _session(credentials: Credentials) -> Session:
    import boto3
    from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
    from botocore.session import Session as CoreSession

    if isinstance(credentials, AwsProfile):
        return boto3.Session(profile_name=credentials.name or None)
    # Given keys owe nothing to this machine: no variable and no file of it chooses a profile, an address or a model.
    closed = {
        name: (None, None, default, conversion)
        for name, (_, _, default, conversion) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    for name in ("config_file", "credentials_file"):
        closed[name] = (None, None, os.devnull, None)
    return boto3.Session(
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        aws_session_token=credentials.session_token or None,
        botocore_session=CoreSession(session_vars=closed),
    )


def _printed(value: object) -> object:
    """A value of the SDK as the CLI prints it: dates as text, bytes in base64."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {name: _printed(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_printed(item) for item in value]
    return value


def _queried(answer: dict[str, Any], query: str) -> dict[str, Any]:
    if not query:
        return answer
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        found: dict[str, Any] = jmespath.search(query, answer)
    except JMESPathError:  # a value of another type than the service's own description says
        raise CallError(Trouble.BAD_ANSWER, _NONSENSE) from None
    return found


# ------------------------------------------------------------------------------------------------------- no answer
_EXPIRED = frozenset(("ExpiredToken", "ExpiredTokenException", "RequestExpired"))
_INVALID = frozenset(
    (
        *("InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "SignatureDoesNotMatch"),
        *("InvalidSignatureException", "IncompleteSignature", "IncompleteSignatureException", "AuthFailure"),
        *("MissingAuthenticationToken", "MissingAuthenticationTokenException", "InvalidToken"),
    )
)
_THROTTLED = re.compile(r"Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|PriorRequestNotComplete")
_OFF = frozenset(("RegionDisabledException", "OptInRequired", "SubscriptionRequiredException"))


def _said(problem: ClientError, read: Read) -> CallError:
    """What an error that AWS answered with means. Its text is what the CLI prints."""
    text = str(problem)[:_LONGEST_ERROR]
    code = str(problem.response.get("Error", {}).get("Code", ""))
    status = problem.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    state = outcome(Exhibit(read.command, None, text, ORIGIN)).state
    if state is State.ABSENT:
        return CallError(Trouble.ABSENT, "AWS says that it does not exist.", text)
    if state is State.REFUSED:
        return CallError(Trouble.REFUSED, _refusal(read), text, read.permission)
    kinds = (
        (code in _EXPIRED, Trouble.CREDENTIALS, "Your credentials have expired. Give new ones."),
        (
            code in _INVALID,
            Trouble.CREDENTIALS,
            "AWS does not accept your credentials. Check that all parts belong together and were copied whole, and "
            "that this machine's clock is right.",
        ),
        (
            bool(_THROTTLED.search(code)) or status == 429,
            Trouble.THROTTLED,
            "AWS asked to slow down, also after some tries.",
        ),
        (code in _OFF, Trouble.DISABLED, "The service is not switched on for your account in the Region asked."),
        (
            not isinstance(status, int) or status >= 500,
            Trouble.BAD_ANSWER,
            "AWS answered with an error of its own. Try again later.",
        ),
    )
    for holds, trouble, sentence in kinds:
        if holds:
            return CallError(trouble, sentence, text)
    return CallError(Trouble.BAD_ANSWER, "AWS did not accept this call for this resource, so it shows nothing.", text)


def _refusal(read: Read) -> str:
    needed = f"AWS refused the call: your identity needs the permission {read.permission}, and no policy may deny it."
    if not read.permission:
        return "AWS refused the call."
    if read.service == "organizations" and read.operation != "describe_organization":
        return f"{needed} An organization shows its policies to its management account and to delegates alone."
    return needed


def _cut(problem: BotoCoreError) -> CallError:
    """What it means that a request brought no answer at all. Its text is what the CLI prints."""
    inner = problem.kwargs.get("error") or problem
    if isinstance(inner, socket.gaierror):
        said = CallError(Trouble.DNS, "The name of the host does not resolve; check the Region and the network.")
    else:
        said = http.trouble(inner)
    return CallError(said.trouble, said.sentence, str(problem)[:_LONGEST_ERROR])
