"""``python -m ekm_core probe`` in the laboratory: what is healthy is all proven, what is broken gets its true cause."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ekm_core import configuration
from ekm_core.credentials import AwsKeys, AzureTokens, GcpToken
from ekm_core.importing.names import REGISTRATION
from tests.lab import openai
from tests.lab.declared import setups
from tests.lab.frame import laboratory
from tests.lab.play import stage

ROOT = Path(__file__).resolve().parents[1]
CHOSEN = [
    setup
    for cloud in REGISTRATION
    for state in (True, False)
    for setup in [setup for setup in setups(cloud) if setup.healthy is state][:1]
]
"""One healthy and one broken set-up of each cloud; the tests of each cloud's probe go through all of them."""


@pytest.fixture(scope="module")
def shown():
    with laboratory() as running, stage(running) as made:
        yield made


def shell(credentials):
    """The variables in which a person's shell has these credentials; with Azure's a person signs in meanwhile."""
    if isinstance(credentials, AwsKeys):
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        return dict(zip(names, (getattr(credentials, name) for name in credentials.__slots__), strict=True))
    if isinstance(credentials, GcpToken):
        return {"CLOUDSDK_AUTH_ACCESS_TOKEN": credentials.access_token}
    if isinstance(credentials, AzureTokens):
        return {}
    raise AssertionError(f"no variables for {type(credentials).__name__}")


@pytest.mark.parametrize("setup", CHOSEN, ids=lambda setup: setup.name)
def test_a_set_up_is_read_live_and_judged(setup, shown, tmp_path):
    shown.show(setup)
    given = shown.sign_in(setup.provider)
    options = ("--device-code",) if isinstance(given, AzureTokens) else ()
    file = tmp_path / "key.json"
    body = {**configuration.body(setup.configuration), "organization_id": setup.configuration.organization_id}
    file.write_text(json.dumps(body))
    environment = {**os.environ, **shown.laboratory.environment, **shell(given), "OPENAI_ADMIN_KEY": openai.ADMIN_KEY}
    done = subprocess.run(
        [sys.executable, "-m", "ekm_core", "probe", str(file), "--json", *options],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
        check=False,
    )
    answer = json.loads(done.stdout)
    assert answer["stopped"] == ""
    assert ("https://microsoft.com/devicelogin" in done.stderr) is bool(options)
    assert done.returncode == (0 if setup.healthy else 1)
    assert {item["id"] for item in answer["findings"] if item["status"] == "fail"} == set(setup.confirmed)
    if setup.healthy:
        assert {item["state"] for item in answer["chain"]} == {"proven"}
        assert answer["diagnosis"] is None
    else:
        assert answer["diagnosis"]["matches"][0]["id"] == setup.error
    secrets = [value for value in shell(given).values() if len(value) >= 8]
    assert not any(secret in done.stdout + done.stderr for secret in (*secrets, openai.ADMIN_KEY))
