"""One call against servers that misbehave: it ends in time, with a trouble and a sentence, and reads only so much."""

import tracemalloc

import pytest
import requests
import urllib3

from ekm_core.probing import http
from ekm_core.probing.step import CallError, Trouble
from tests.probing import hostile


@pytest.fixture(scope="module")
def server():
    with hostile.serve() as (address, asked):
        yield address, asked


def ask(server, what, seconds=1.0, **options):
    session = requests.Session()
    session.trust_env = False
    return http.call(session, "GET", f"{server[0]}/{what}", seconds=seconds, **options)


@pytest.mark.parametrize(
    ("what", "troubles"),
    [
        ("endless", {Trouble.BAD_ANSWER}),
        ("drip", {Trouble.TIMEOUT}),
        ("silent", {Trouble.TIMEOUT}),
        ("reset", {Trouble.CONNECTION}),
        ("closed", {Trouble.CONNECTION}),
        ("nonsense", {Trouble.CONNECTION}),
        ("short", {Trouble.CONNECTION}),
        ("redirect", {Trouble.BAD_ANSWER}),
        ("not-gzip", {Trouble.BAD_ANSWER}),
        ("bomb", {Trouble.BAD_ANSWER}),
        ("header", {Trouble.CONNECTION}),
        ("headers", {Trouble.CONNECTION}),
    ],
)
def test_a_misbehaving_server_is_a_trouble_with_a_sentence(server, what, troubles):
    with pytest.raises(CallError) as caught:
        ask(server, what)
    assert caught.value.trouble in troubles
    assert caught.value.sentence.endswith(".")
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("what", ["list", "text", "deep"])
def test_an_answer_of_another_type_is_no_document(server, what):
    with pytest.raises(CallError) as caught:
        ask(server, what).document()
    assert caught.value.trouble is Trouble.BAD_ANSWER


def test_a_redirect_is_not_followed_and_a_busy_server_is_asked_again_only_in_time(server):
    asked = server[1]
    before = len(asked)
    assert ask(server, "busy", seconds=0.5).status == 429
    assert len(asked) == before + 1
    assert ask(server, "fine").document() == {"fine": True}


def test_a_bomb_takes_no_memory(server):
    tracemalloc.start()
    with pytest.raises(CallError):
        ask(server, "bomb", seconds=10.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20


def test_a_host_without_a_name_a_port_without_a_server_and_a_proxy_without_an_answer_are_told_apart():
    session = requests.Session()
    session.trust_env = False
    for url, proxies, trouble in (
        ("https://no-such-host.invalid/", {}, Trouble.DNS),
        ("https://127.0.0.1:9/", {}, Trouble.CONNECTION),
        ("https://example.com/", {"https": "http://127.0.0.1:9"}, Trouble.PROXY),
    ):
        session.proxies = proxies
        with pytest.raises(CallError) as caught:
            http.call(session, "GET", url, seconds=5.0)
        assert caught.value.trouble is trouble, url


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (urllib3.exceptions.NameResolutionError("kms.example", None, OSError("unknown")), Trouble.DNS),
        (urllib3.exceptions.NewConnectionError(None, "refused"), Trouble.CONNECTION),
        (urllib3.exceptions.ProxyError("no way through", OSError("refused")), Trouble.PROXY),
        (urllib3.exceptions.ConnectTimeoutError(), Trouble.TIMEOUT),
    ],
)
def test_what_urllib3_raises_itself_is_told_apart_too(problem, expected):
    """As a library meets it that uses urllib3 without requests; to urllib3 the first two are timeouts."""
    assert http.trouble(problem).trouble is expected
