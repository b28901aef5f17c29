"""The laboratory itself: what reaches a stand-in, and that nothing else is reached."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import pytest
import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ekm_core.probing.http import call
from ekm_core.probing.step import CallError, Trouble
from tests.lab import hostile
from tests.lab.frame import Call, Laboratory, laboratory
from tests.lab.servers import served


async def _echo(request: Request) -> Response:
    return JSONResponse(
        {"host": request.headers["host"], "path": request.url.path, "body": (await request.body()).decode()}
    )


async def _endless(_: Request) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536
            await asyncio.sleep(0)  # else the server would never see that the client has gone

    return StreamingResponse(parts())


@pytest.fixture(scope="module")
def lab() -> Iterator[Laboratory]:
    app = Starlette(routes=[Route("/endless", _endless), Route("/{rest:path}", _echo, methods=["GET", "POST"])])
    with laboratory() as running, served(app) as address:
        running.route({r"kms\.[a-z0-9-]+\.amazonaws\.com": address, r"[a-z0-9-]+\.vault\.azure\.net": address})
        yield running


def session(lab: Laboratory) -> requests.Session:
    made = requests.Session()
    made.trust_env = False
    made.proxies = {"https": lab.environment["HTTPS_PROXY"], "http": lab.environment["HTTP_PROXY"]}
    made.verify = lab.environment["REQUESTS_CA_BUNDLE"]
    return made


def test_a_production_host_is_answered_by_its_stand_in_under_its_own_name(lab: Laboratory) -> None:
    lab.forget()
    answer = session(lab).post(
        "https://kms.eu-west-1.amazonaws.com/", data=b"{}", headers={"X-Amz-Target": "TrentService.DescribeKey"}
    )
    assert answer.json() == {"host": "kms.eu-west-1.amazonaws.com", "path": "/", "body": "{}"}
    session(lab).post("https://kms.us-east-1.amazonaws.com/?a=b", data={"Action": "GetRole", "Version": "1"})
    assert lab.calls() == (
        Call("POST", "kms.eu-west-1.amazonaws.com", "/", "TrentService.DescribeKey", True),
        Call("POST", "kms.us-east-1.amazonaws.com", "/?a=b", "GetRole", True),
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "http://169.254.169.254/latest/meta-data/",
        "https://kms.eu-west-1.amazonaws.com.evil.test/",
        "https://evil.vault.azure.net.test/",
    ],
)
def test_every_other_host_is_answered_502(lab: Laboratory, url: str) -> None:
    lab.forget()
    assert session(lab).get(url).status_code == 502
    assert [call.routed for call in lab.calls()] == [False]


def test_an_endless_answer_is_passed_on_as_it_comes(lab: Laboratory) -> None:
    with session(lab).get("https://a.vault.azure.net/endless", stream=True) as answer:
        assert sum(len(part) for _, part in zip(range(64), answer.iter_content(65536), strict=False)) >= 1 << 20


def test_a_child_process_lives_in_it_by_environment_alone(lab: Laboratory) -> None:
    code = "import requests; print(requests.get('https://v.vault.azure.net/keys').json()['path'])"
    environment = {"PATH": os.environ["PATH"], **lab.environment}
    assert subprocess.check_output([sys.executable, "-c", code], env=environment, text=True).strip() == "/keys"


@pytest.mark.parametrize(
    ("kind", "trouble"),
    [
        ("endless", Trouble.BAD_ANSWER),
        ("drip", Trouble.TIMEOUT),
        ("redirect", Trouble.BAD_ANSWER),
        ("not-json", Trouble.BAD_ANSWER),
        ("deep", Trouble.BAD_ANSWER),
        ("cut", Trouble.CONNECTION),
        ("silent", Trouble.TIMEOUT),
        ("empty", Trouble.BAD_ANSWER),
    ],
)
def test_each_hostile_answer_is_what_it_says(lab: Laboratory, kind: str, trouble: Trouble) -> None:
    with hostile.serve(kind) as address:
        lab.route({r"sts\.googleapis\.com": address})
        with pytest.raises(CallError) as problem:
            call(session(lab), "GET", "https://sts.googleapis.com/v1/token", seconds=1.0, retries=0).document()
        assert problem.value.trouble is trouble


@pytest.mark.parametrize(("kind", "status"), [("throttled", 429), ("broken", 503), ("wrong-types", 200)])
def test_a_server_in_trouble_says_so(lab: Laboratory, kind: str, status: int) -> None:
    with hostile.serve(kind) as address:
        lab.route({r"sts\.googleapis\.com": address})
        assert call(session(lab), "GET", "https://sts.googleapis.com/", seconds=1.0, retries=0).status == status
