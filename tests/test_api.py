"""The JSON API as programs meet it: over HTTP, at a real server; and its limits one by one."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ekm_core import catalogue
from ekm_core.model import Diagnosis, Provider
from pages.components.api import limits, openapi, service
from pages.components.api.settings import Settings
from pages.components.security import SettingError
from tests.lab.programs import installed
from tests.lab.servers import served
from tests.serving import ROOT, serve

ASSUME_ROLE = json.loads((ROOT / "tests" / "data" / "faq.json").read_text(encoding="utf-8"))["messages"][0]["text"]
SCENARIO = json.loads((ROOT / "tests" / "scenarios" / "aws" / "role-missing.json").read_text(encoding="utf-8"))
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def call(address: str, method: str = "GET", body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
    """One request. body: bytes as they are, else anything as JSON."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    given = dict(headers) if headers is not None else dict(JSON if data is not None else {})
    request = urllib.request.Request(address, data, given, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as problem:
        return Answer(problem.code, problem.headers, problem.read())


def is_problem(answer: Answer, status: int) -> bool:
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.json["detail"]
    return True


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    """A real server without a rate limit; bodies of 100 kB at most."""
    with serve(EKM_API_PER_MINUTE="0", EKM_API_MAX_BYTES="100000") as address:
        yield f"{address}/api/v1"


def command_line(*arguments: str, text: str) -> Any:
    child = subprocess.run(
        [sys.executable, "-m", "ekm_core", "diagnose", "-", "--json", *arguments],
        input=text,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    return json.loads(child.stdout)


# --------------------------------------------------------------------------------------------------------- what it says
@pytest.mark.parametrize("text", [ASSUME_ROLE, "It rained all day.", f"key AKIAQ3EGRLWZ7YXK2MVB {ASSUME_ROLE}", " "])
def test_it_says_what_the_command_line_says(api: str, text: str) -> None:
    answer = call(f"{api}/diagnose", "POST", {"text": text})
    assert answer.status == 200
    assert answer.json == command_line(text=text)


def test_configuration_and_evidence_are_judged_as_by_the_command_line(api: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(SCENARIO["configuration"]), encoding="utf-8")
    (tmp_path / "evidence.json").write_text(json.dumps(SCENARIO["evidence"]), encoding="utf-8")
    files = ("--config", str(tmp_path / "config.json"), "--evidence", str(tmp_path / "evidence.json"))
    expected = command_line(*files, text=SCENARIO["text"])
    verdicts = {cause["id"]: cause["verdict"] for match in expected["matches"] for cause in match["causes"]}
    assert "confirmed" in verdicts.values()
    as_objects = {"configuration": SCENARIO["configuration"], "evidence": SCENARIO["evidence"]}
    as_texts = {
        "configuration": json.dumps(SCENARIO["configuration"]),
        "evidence": [json.dumps(SCENARIO["evidence"])],
    }
    for given in (as_objects, as_texts):
        answer = call(f"{api}/diagnose", "POST", {"text": SCENARIO["text"], **given}).json
        assert {cause["id"]: cause["verdict"] for match in answer["matches"] for cause in match["causes"]} == verdicts


@pytest.mark.parametrize(
    ("given", "remark"),
    [
        ({"configuration": {**SCENARIO["configuration"], "colour": "blue"}}, "colour"),
        ({"configuration": {"colour": "blue"}}, "The configuration was not used."),
        ({"configuration": "nothing of the kind"}, "The configuration was not used."),
        ({"configuration": {"data": [SCENARIO["configuration"]] * 2}}, "It holds 2 keys"),
        ({"evidence": ["nothing of the kind"]}, "Evidence 1 was not used"),
        (
            {"evidence": [*SCENARIO["evidence"], {"command": "aws iam get-role", "output": "{"}]},
            "entry 1 of the bundle",
        ),
    ],
)
def test_what_could_not_be_used_is_remarked(api: str, given: Mapping[str, object], remark: str) -> None:
    answer = call(f"{api}/diagnose", "POST", {"text": SCENARIO["text"], **given})
    assert answer.status == 200
    assert answer.json["matches"]
    assert any(remark in said for said in answer.json["remarks"])


def test_half_a_character_is_answered_as_json(api: str) -> None:
    text = '{"message": "\\ud800 ' + ASSUME_ROLE.replace('"', "'") + '"}'
    answer = call(f"{api}/diagnose", "POST", {"text": text})
    assert answer.status == 200
    assert answer.json["matches"]


def test_every_error_is_listed_and_can_be_read(api: str) -> None:
    listed = call(f"{api}/errors").json
    assert [error["id"] for error in listed["errors"]] == list(catalogue.errors())
    for provider in Provider:
        some = call(f"{api}/errors?provider={provider}").json["errors"]
        assert some == [error for error in listed["errors"] if error["provider"] == provider]
    for error in catalogue.errors().values():
        entry = call(f"{api}/errors/{error.id}").json
        assert entry["title"] == error.title
        assert [cause["id"] for cause in entry["causes"]]
        assert entry["samples"] == [sample.text for sample in error.samples]


# ------------------------------------------------------------------------------------------------------ what it refuses
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/errors/no-such-error", 404),
        ("GET", "/errors/", 404),
        ("GET", "/errors/%00", 404),
        ("GET", "/errors/..%2f..%2fapp.py", 404),
        ("GET", "/", 404),
        ("GET", "", 404),
        ("GET", "/../v2", 404),
        ("GET", "/diagnose", 405),
        ("PUT", "/diagnose", 405),
        ("OPTIONS", "/diagnose", 405),
        ("POST", "/errors", 405),
        ("DELETE", "/errors/aws-kms-access-denied", 405),
        ("POST", "/openapi.json", 405),
        ("GET", "/errors?provider=nimbus", 422),
        ("GET", "/errors?provider=aws&provider=gcp", 422),
        ("GET", "/errors?cloud=aws", 422),
    ],
)
def test_an_address_or_a_method_that_is_not_there(api: str, method: str, path: str, status: int) -> None:
    answer = call(api + path, method)
    assert is_problem(answer, status)
    assert (answer.headers["Allow"] is not None) is (status == 405)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {}, 415),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{}", {"Content-Type": "application/json; charset=latin-1"}, 415),
        (b"{}", {**JSON, "Content-Encoding": "gzip"}, 415),
        (b"", JSON, 400),
        (b"{", JSON, 400),
        (b'{"text": "a", }', JSON, 400),
        (b'{"text": NaN}', JSON, 400),
        (b'{"text": "\xff"}', JSON, 400),
        (b'{"text": "\\ud800"}', JSON, 400),
        (b"[" * 90_000, JSON, 400),
        (b"null", JSON, 422),
        (b'["text"]', JSON, 422),
        (b"{}", JSON, 422),
        (b'{"text": ""}', JSON, 422),
        (b'{"text": 1}', JSON, 422),
        (b'{"text": ["a"]}', JSON, 422),
        (b'{"text": "a", "typed": {}}', JSON, 422),
        (b'{"text": "a", "configuration": null}', JSON, 422),
        (b'{"text": "a", "configuration": {}}', JSON, 422),
        (b'{"text": "a", "evidence": "aws iam get-role"}', JSON, 422),
        (b'{"text": "a", "evidence": [1]}', JSON, 422),
        (b'{"text": "a", "evidence": [""]}', JSON, 422),
        (b'{"text": "a", "evidence": [{"command": "aws iam get-role"}]}', JSON, 422),
        (b'{"text": "a", "evidence": [{"command": 1, "output": {}}]}', JSON, 422),
        (b'{"text": "a", "configuration": ' + b'{"a":' * 500 + b"1" + b"}" * 501, JSON, 422),
        (b'{"text": "a", "evidence": [{"command": "x", "output": ' + b"[" * 500 + b"]" * 500 + b"}]}", JSON, 422),
        (b'{"text": "' + b"a" * 100_000 + b'"}', JSON, 413),
    ],
)
def test_a_body_that_cannot_be_used(api: str, body: bytes, headers: Mapping[str, str], status: int) -> None:
    answer = call(f"{api}/diagnose", "POST", body, headers)
    assert is_problem(answer, status)


def test_each_fault_of_a_body_says_where_it_stands(api: str) -> None:
    body = {"text": "", "configuration": 1, "evidence": ["x", 2], "more": True}
    faults = call(f"{api}/diagnose", "POST", body).json["errors"]
    assert [fault["pointer"] for fault in faults] == ["", "/text", "/configuration", "/evidence/1"]


def test_a_body_of_unknown_length_is_cut_off_where_it_is_too_large(api: str) -> None:
    host, port = api.removeprefix("http://").split("/")[0].split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        head = f"POST /api/v1/diagnose HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(11):
            connection.sendall(b"2710\r\n" + b"a" * 10_000 + b"\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_no_other_web_page_may_use_it_and_nothing_is_kept(api: str) -> None:
    for headers in ({"Origin": "https://elsewhere.example"}, {**JSON, "Origin": "https://elsewhere.example"}):
        for answer in (
            call(f"{api}/errors", headers=headers),
            call(f"{api}/diagnose", "POST", {"text": "a"}, headers),
            call(f"{api}/diagnose", "OPTIONS", headers={**headers, "Access-Control-Request-Method": "POST"}),
        ):
            assert not [name for name in answer.headers if name.lower().startswith("access-control")]
            assert answer.headers["Set-Cookie"] is None
            assert answer.headers["Cache-Control"] == "no-store"


# --------------------------------------------------------------------------------------------------------------- limits
def test_too_many_requests_are_told_to_wait() -> None:
    with serve(EKM_API_PER_MINUTE="3") as address:
        found = [call(f"{address}/api/v1/errors/aws-kms-access-denied") for _ in range(4)]
        assert [answer.status for answer in found] == [200, 200, 200, 429]
        assert is_problem(found[-1], 429)
        assert 1 <= int(found[-1].headers["Retry-After"]) <= 20
        # A made-up forwarded address is no other client.
        assert call(f"{address}/api/v1/errors", headers={"X-Forwarded-For": "203.0.113.7"}).status == 200
        made_up = [call(f"{address}/api/v1/errors", headers={"X-Forwarded-For": f"203.0.113.{n}"}) for n in range(3)]
        assert [answer.status for answer in made_up] == [200, 200, 429]


def test_a_bucket_fills_evenly_and_each_client_has_its_own() -> None:
    now = 0.0
    limit = limits.RateLimit(6, lambda: now)
    assert [limit.wait("a") for _ in range(7)] == [0] * 6 + [10]
    assert limit.wait("b") == 0
    now = 9.0
    assert limit.wait("a") == 1
    now = 10.0
    assert [limit.wait("a"), limit.wait("a")] == [0, 10]
    now = 10_000.0
    assert [limit.wait("a") for _ in range(7)] == [0] * 6 + [10]


def test_the_clients_that_are_remembered_are_bounded() -> None:
    limit = limits.RateLimit(1, lambda: 0.0)
    assert limit.wait("first") == 0
    for number in range(limits._MOST_CLIENTS + 5):
        limit.wait(str(number))
    assert len(limit._buckets) == limits._MOST_CLIENTS
    assert limit.wait("first") == 0  # forgotten


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "client"),
    [
        ("198.51.100.1", [], 0, "198.51.100.1"),
        ("::ffff:198.51.100.1", [], 0, "198.51.100.1"),
        ("2001:db8:1:2:3:4:5:6", [], 0, "2001:db8:1:2::/64"),
        ("198.51.100.1", ["203.0.113.7"], 0, limits.UNNAMED),
        ("10.0.0.1", ["203.0.113.7"], 1, "203.0.113.7"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.7"], 1, "203.0.113.7"),
        ("10.0.0.1", ["1.1.1.1", "203.0.113.7"], 1, "203.0.113.7"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.7, 10.0.0.2"], 2, "203.0.113.7"),
        ("10.0.0.1", ["203.0.113.7"], 2, limits.UNNAMED),
        ("10.0.0.1", [], 1, limits.UNNAMED),
        ("10.0.0.1", ["rubbish"], 1, limits.UNNAMED),
        ("", [], 0, limits.UNNAMED),
    ],
)
def test_the_client_is_who_the_last_trusted_proxy_saw(
    peer: str, forwarded: list[str], proxies: int, client: str
) -> None:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    scope = {"type": "http", "client": (peer, 1) if peer else None, "headers": headers}
    assert limits.client(scope, proxies) == client


@pytest.mark.parametrize("name", ["EKM_API_PER_MINUTE", "EKM_API_MAX_BYTES", "EKM_TRUSTED_PROXIES"])
@pytest.mark.parametrize("value", ["many", "-1", "1.5", "9" * 5000, "٣"])
def test_a_wrong_setting_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match=name):
        Settings.read()


# ------------------------------------------------------------------------------------------------- how it does its work
def test_a_diagnosis_runs_beside_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []

    def diagnose(*_: object, **__: object) -> Diagnosis:
        threads.append(threading.current_thread().name)
        return found

    found = service.diagnose("a")
    monkeypatch.setattr(service, "diagnose", diagnose)
    with served(service.Service(Settings(), "")) as address:
        assert call(f"{address}/diagnose", "POST", {"text": "a"}).status == 200
    assert [name.startswith("ekm-api") for name in threads] == [True]


def test_a_fault_of_ours_is_a_problem_that_tells_nothing_and_logs_no_word_of_the_text(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from pages.components.logs import JsonLines

    def diagnose(text: str, **_: object) -> Diagnosis:
        raise KeyError(text)

    monkeypatch.setattr(service, "diagnose", diagnose)
    with caplog.at_level("INFO", "ekm"), served(service.Service(Settings(), "")) as address:
        answer = call(f"{address}/diagnose", "POST", {"text": "a private text"})
    assert is_problem(answer, 500)
    assert "private" not in answer.body.decode()
    lines = [JsonLines().format(record) for record in caplog.records]
    assert "private" not in "".join(lines)
    assert json.loads(lines[0])["error"] == ["KeyError"]
    assert "service.py" in json.loads(lines[0])["at"][0]


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="the examples need curl and jq")
def test_the_readme_s_examples_work_as_they_stand(api: str, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    examples = "".join(
        re.findall(r"^    .*\n", readme[readme.index("    curl -s") : readme.index("`/api/v1/openapi.json`")], re.M)
    )
    assert examples.count("curl") == 4
    (tmp_path / "error.txt").write_text(SCENARIO["text"], encoding="utf-8")
    (tmp_path / "body.json").write_text(json.dumps(SCENARIO["configuration"]), encoding="utf-8")
    (tmp_path / "bundle.json").write_text(json.dumps(SCENARIO["evidence"]), encoding="utf-8")
    script = examples.replace("https://ekm.example.com/api/v1", api)
    run = subprocess.run(["bash", "-ec", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    answers, rest = [], run.stdout
    while rest.strip():
        answer, end = json.JSONDecoder().raw_decode(rest)
        answers.append(answer)
        rest = rest[end:]
    assert [sorted(answer)[0] for answer in answers] == ["chain", "chain", "errors", "causes"]
    assert answers[1]["matches"][0]["causes"][0]["verdict"] == "confirmed"


# ---------------------------------------------------------------------------------------------------------- description
def test_the_description_names_every_address(api: str) -> None:
    document = call(f"{api}/openapi.json").json
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": "/api/v1"}]
    assert set(document["paths"]) == {"/diagnose", "/errors", "/errors/{id}", "/openapi.json"}
    assert document == json.loads(json.dumps(openapi.document("/api/v1", Settings(0, 100_000))))


def test_all_addresses_stand_below_the_prefix_of_the_server() -> None:
    with serve(STREAMLIT_SERVER_BASE_URL_PATH="ekm", EKM_METRICS="1") as address:
        assert address.endswith("/ekm")
        assert call(f"{address}/api/v1/openapi.json").json["servers"] == [{"url": "/ekm/api/v1"}]
        assert call(f"{address}/api/v1/errors/aws-kms-access-denied").status == 200
        assert is_problem(call(f"{address}/api/none"), 404)
        assert call(f"{address}/metrics").status == 200
        assert call(f"{address.removesuffix('/ekm')}/api/v1/errors").headers["Content-Type"] != "application/json"


def test_schemathesis_passes(api: str, tmp_path: Path) -> None:
    """Requests made up from the description, right and wrong ones: every answer is one that it foretells."""
    program = installed("schemathesis") / "schemathesis"
    run = subprocess.run(
        [
            *(program, "run", f"{api}/openapi.json", "--max-examples", "30", "--seed", "1", "--workers", "1"),
            *("--suppress-health-check", "all", "--no-color", "--generation-database", "none"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
