"""What the server logs and counts for Prometheus: every line is JSON, and no word of a paste is in either."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import prometheus_client
import pytest
from streamlit.testing.v1 import AppTest
from websockets.sync.client import connect

from pages.components import logs, metrics
from tests.serving import ROOT, serve
from tests.test_api import ASSUME_ROLE, call

PRIVATE = "PRIVATE-7f3a"


@pytest.fixture(scope="module")
def served_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The log and the figures of a server that was asked many things with a private word in them."""
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    with path.open("w", encoding="utf-8") as log, serve(log=log, EKM_METRICS="1") as address:
        api = f"{address}/api/v1"
        told = ASSUME_ROLE.replace("xxxxxx", PRIVATE)
        assert PRIVATE in told
        call(f"{api}/diagnose", "POST", {"text": told})
        call(f"{api}/diagnose", "POST", {"text": told, "configuration": PRIVATE, "evidence": [PRIVATE]})
        call(f"{api}/diagnose", "POST", {"text": f"nothing known {PRIVATE}"})
        call(f"{api}/diagnose", "POST", f'{{"text": {PRIVATE}'.encode())
        call(f"{api}/diagnose", "POST", {PRIVATE: PRIVATE})
        call(f"{api}/errors/{PRIVATE}?{PRIVATE}={PRIVATE}", headers={"User-Agent": PRIVATE, "X-Forwarded-For": PRIVATE})
        call(f"{api}/errors?provider={PRIVATE}")
        call(f"{address}/{PRIVATE}?error={PRIVATE}")
        call(f"{api}/errors", PRIVATE)
        with connect(f"{address.replace('http', 'ws', 1)}/_stcore/stream?{PRIVATE}={PRIVATE}") as socket:
            visitor = socket.local_address[1]
        figures = call(f"{address}/metrics").body.decode()
    assert not re.search(rf":{visitor}\b", path.read_text(encoding="utf-8")), "the log holds a visitor's address"
    return path.read_text(encoding="utf-8"), figures


def test_every_line_of_the_log_is_json_with_the_documented_fields(served_once: tuple[str, str]) -> None:
    lines = [json.loads(line) for line in served_once[0].splitlines()]
    assert all({"time", "level", "logger", "event"} <= set(line) for line in lines)
    asked = [line for line in lines if line["event"] == "diagnosis"]
    assert [line["error_ids"] for line in asked] == [["aws-sts-assume-role-denied"]] * 2 + [[]]
    assert {line["source"] for line in asked} == {"api"}
    answered = [(line["method"], line["route"], line["status"]) for line in lines if line["event"] == "api"]
    assert answered == [
        *[("POST", "/diagnose", status) for status in (200, 200, 200, 400, 422)],
        ("GET", "/errors/{id}", 404),
        ("GET", "/errors", 422),
        ("other", "/errors", 405),
    ]


def test_neither_the_log_nor_the_figures_hold_a_word_of_a_paste(served_once: tuple[str, str]) -> None:
    for text in served_once:
        assert text
        assert PRIVATE.casefold() not in text.casefold()


def test_the_figures_tell_errors_unknown_texts_and_times(served_once: tuple[str, str]) -> None:
    figures = served_once[1]
    assert 'ekm_diagnoses_total{error_id="aws-sts-assume-role-denied",source="api"} 2.0' in figures
    assert 'ekm_diagnoses_total{error_id="unknown",source="api"} 1.0' in figures
    assert 'ekm_diagnosis_seconds_count{source="api"} 3.0' in figures
    assert 'ekm_api_requests_total{route="/diagnose",status="422"} 1.0' in figures
    assert re.search(r"^process_resident_memory_bytes ", figures, re.MULTILINE)


def test_without_the_setting_there_are_no_figures() -> None:
    with serve() as address, pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{address}/metrics")
    assert refused.value.code == 404


def test_the_page_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(metrics.SETTING, "1")
    metrics.probe("absent")
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()
    for text in (ASSUME_ROLE, "nothing that is known"):
        test.text_area(key="paste").set_value(text)
        next(button for button in test.button if button.label == "Diagnose").click().run()
    figures = metrics.exposition()[0].decode()
    assert 'ekm_diagnoses_total{error_id="aws-sts-assume-role-denied",source="page"} 1.0' in figures
    assert 'ekm_diagnoses_total{error_id="unknown",source="page"} 1.0' in figures
    assert 'ekm_diagnosis_seconds_count{source="page"} 2.0' in figures
    assert 'ekm_probes_total{state="absent"} 1.0' in figures


def test_who_counts_first_counts_into_the_figures_that_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first request may come while the server still warms up, in another thread."""
    monkeypatch.setenv(metrics.SETTING, "1")
    metrics._made.cache_clear()
    together = threading.Barrier(8)
    made = prometheus_client.CollectorRegistry

    def slowly() -> prometheus_client.CollectorRegistry:
        time.sleep(0.05)
        return made()

    def count(_: int) -> None:
        together.wait()
        metrics.probe("absent")

    monkeypatch.setattr(prometheus_client, "CollectorRegistry", slowly)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count, range(8)))
    assert 'ekm_probes_total{state="absent"} 8.0' in metrics.exposition()[0].decode()
    metrics._made.cache_clear()


# A fault in a page's script that quotes what was pasted, logged by Streamlit itself; and a logger that it makes later.
_CHILD = f"""
import logging
from pages.components import logs
logs.install()
from streamlit.error_util import _log_uncaught_app_exception
from streamlit.logger import get_logger
try:
    try:
        raise KeyError("{PRIVATE}")
    except KeyError as problem:
        raise ValueError("{PRIVATE}") from problem
except ValueError as problem:
    _log_uncaught_app_exception(problem)
    get_logger("streamlit.made.later").warning("it failed: %s", problem)
    get_logger("streamlit.made.later").warning(problem)
get_logger("streamlit.made.later").warning("%d of %s", "odd")
"""


def test_streamlit_writes_json_too_and_no_words_of_an_exception() -> None:
    child = subprocess.run([sys.executable, "-c", _CHILD], cwd=ROOT, capture_output=True, text=True, check=True)
    assert PRIVATE not in child.stderr
    lines = [json.loads(line) for line in child.stderr.splitlines()]
    assert lines[0]["error"] == ["ValueError", "KeyError"]
    assert lines[0]["at"] == ["<string>:11 <module>"]
    assert [line["message"] for line in lines[1:]] == ["it failed: ValueError", "ValueError", "%d of %s"]
    assert {line["logger"] for line in lines[1:]} == {"streamlit.made.later"}


def test_a_place_in_our_code_is_named_from_the_top_of_the_project(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise OSError(PRIVATE)
    except OSError as problem:
        logs.fault("somewhere", problem, part="x")
    line = json.loads(logs.JsonLines().format(caplog.records[0]))
    assert line["part"] == "x"
    assert line["at"][0].startswith(f"{Path(__file__).relative_to(ROOT)}:")
