"""The demo: what every page says then, and the laboratory's own page beside the app."""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
from streamlit.testing.v1 import AppTest

from ekm_core.credentials import AwsKeys
from ekm_core.model import Configuration, Provider
from pages.components import frame
from tests.lab import demo, play
from tests.lab.declared import Setup
from tests.lab.servers import served
from tests.test_pages_app import ROOT
from tests.test_pages_app import html as drawn

PAGES = sorted(path.name for path in (ROOT / "pages").glob("*.py"))


@pytest.mark.parametrize("name", PAGES)
def test_every_page_of_a_demo_says_so(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.switch_page(f"pages/{name}").run()
    assert "This is a demo." not in drawn(test)
    monkeypatch.setenv(frame.DEMO, "http://127.0.0.1:4711")
    test.run()
    assert not test.exception
    assert "<b>This is a demo.</b>" in drawn(test)
    assert '<a href="http://127.0.0.1:4711" target="_blank" rel="noopener">' in drawn(test)


@pytest.mark.parametrize("setting", ["1", "javascript:alert(1)", "http://evil.example:80", 'http://localhost:1"><b>'])
def test_only_an_address_of_this_machine_becomes_a_link(setting: str) -> None:
    assert "This is a demo." in frame.demo(setting)
    assert "href" not in frame.demo(setting)
    assert frame.demo("") == ""


class Room:
    """In place of a cloud's stand-in."""

    HOSTS = ("cloud\\.test",)

    @staticmethod
    @contextmanager
    def serve(state: dict[str, str]) -> Iterator[str]:
        yield "http://127.0.0.1:9"

    @staticmethod
    def walk(address: str, body: dict[str, str]) -> str:
        return ""

    @staticmethod
    def sign_in(state: dict[str, str]) -> AwsKeys:
        return AwsKeys("AKIA<b>", state["secret"])


class Laboratory:
    """In place of the frame."""

    def route(self, hosts: dict[str, str]) -> None:
        self.hosts = hosts


def setup(name: str, **wrong: object) -> Setup:
    fields = {"name": name, "role_arn": f"arn:aws:iam::111111111111:role/{name}"}
    return Setup(
        f"aws/{name}",
        f"<b>{name}",
        Configuration(Provider.AWS, fields, "org-Lab"),
        {"secret": f"secret-{name}"},
        **wrong,
    )


def test_the_laboratorys_page_shows_what_to_paste_and_changes_the_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = setup("broken", error="aws-kms-access-denied", confirmed=("aws-kms-access-denied.explicit-deny",))
    monkeypatch.setattr(demo, "setups", lambda: (setup("healthy"), broken))
    monkeypatch.setitem(sys.modules, "tests.lab.aws", Room)
    running = Laboratory()
    with play.stage(running) as shown:
        desk = demo.Desk(shown, "http://127.0.0.1:8501")
        desk.begin()
        with served(desk.app()) as address, requests.Session() as client:
            client.trust_env = False
            page = client.get(f"{address}/").text
            assert not re.search("<b>(?:broken|healthy)|AKIA<b>", page)
            pasted = [html.unescape(text) for text in re.findall("<pre>(.*?)</pre>", page, re.DOTALL)]
            assert pasted[1:3] == ["AKIA<b>", "secret-broken"]
            assert "role/broken" in pasted[0]
            assert "aws-kms-access-denied.explicit-deny" in page
            told = demo.printed(desk, "http://127.0.0.1:8501", address)
            assert all(text in told for text in ("AWS: Secret access key: secret-broken", address, "sk-admin-"))
            page = client.post(f"{address}/show", data={"name": "aws/healthy"}).text
            assert "secret-healthy" in page
            assert "secret-broken" not in page
            assert "Nothing: OpenAI can use the key." in page
            assert client.post(f"{address}/show", data={"name": "nowhere"}).status_code == 200
        assert [key["name"] for key in shown.openai.keys.values()] == ["healthy"]
        assert running.hosts.keys() == {"cloud\\.test", *play.openai.HOSTS}
