"""The calls to OpenAI's management API, by the real SDK in real child processes, against the laboratory's stand-in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from ekm_core import configuration
from ekm_core.check import check
from ekm_core.credentials import OpenAIKey
from ekm_core.diagnose import diagnose
from ekm_core.evidence import State, outcome
from ekm_core.model import Configuration, Exhibit, LinkState, Provider, Values
from ekm_core.openai import evidence, probe, snippets
from ekm_core.probing import live, runner
from ekm_core.probing.event import Ended, Event, Stopped
from ekm_core.probing.step import Trouble
from tests.lab import hostile, openai
from tests.lab.frame import Laboratory, laboratory

ROOT = Path(__file__).parent / "scenarios"
ORGANIZATION = "org-Lab"
BODY = {
    "type": "aws",
    "name": "Production",
    "role_arn": "arn:aws:iam::111111111111:role/openai-ekm",
    "kms_arn": "arn:aws:kms:us-east-1:111111111111:key/3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "external_id": ORGANIZATION,
}
DENIED = (
    "An error occurred (AccessDenied) when calling the AssumeRole operation: User: arn:aws:sts::790389265272:"
    "assumed-role/EnterpriseKeyManagement/OpenAI-EKM-Service is not authorized to perform: sts:AssumeRole on resource: "
    "arn:aws:iam::111111111111:role/openai-ekm"
)


@pytest.fixture(scope="module")
def lab() -> Iterator[Laboratory]:
    with laboratory() as running:
        yield running


@pytest.fixture
def api(lab: Laboratory, monkeypatch: pytest.MonkeyPatch) -> Iterator[openai.OpenAI]:
    """An organization without keys; its clouds answer what a test puts into ``said``."""
    for name, value in lab.environment.items():
        monkeypatch.setenv(name, value)
    organization = openai.OpenAI(ORGANIZATION, {})
    organization.walks = dict.fromkeys(("aws", "gcp", "azure"), lambda body: said.get(body["name"], ""))
    said.clear()
    with openai.serve(organization) as address:
        lab.route(dict.fromkeys(openai.HOSTS, address))
        lab.forget()
        yield organization


said: dict[str, str] = {}


def configured(body: Mapping[str, str] = BODY) -> Configuration:
    return configuration.read(json.dumps(body)).configurations[0]


def run(of: Configuration | None = None, key: str = openai.ADMIN_KEY) -> dict[str, Ended]:
    """How each step ended, by the first two words of its id; in this process, which is faster than a child."""
    return _ended(runner.run(probe.steps(of, OpenAIKey(key))))


def in_a_child(key: str = openai.ADMIN_KEY) -> dict[str, Ended]:
    return _ended(live.run(None, openai=OpenAIKey(key)))


def _ended(events: Iterable[Event]) -> dict[str, Ended]:
    found = list(events)
    assert not [event for event in found if isinstance(event, Stopped)]
    return {"-".join(event.step.split("-")[:2]): event for event in found if isinstance(event, Ended)}


def test_the_keys_come_back_as_configurations(api: openai.OpenAI) -> None:
    gcp = {name: f"x-{name}" for name in openai._FIELDS["gcp"]}
    ids = [api.put(BODY), api.put({**BODY, "name": "Other", "role_arn": BODY["role_arn"] + "2"})]
    ids.append(api.put({"type": "gcp", **gcp, "workload_identity_project_number": "123456789012"}))
    api.put({**BODY, "name": "For another product", "purpose": "psp_decryption"})
    ended = in_a_child()
    assert list(ended) == ["openai-keys"]
    assert ended["openai-keys"].state is State.SEEN
    keys = evidence.keys(ended["openai-keys"].exhibits)
    assert {key.get("id") for key in keys} == set(ids)
    assert configuration.body(next(key for key in keys if key.get("id") == ids[0])) == BODY


def test_more_keys_than_a_page_holds_are_all_listed(api: openai.OpenAI) -> None:
    for number in range(150):
        api.put({**BODY, "name": f"Key {number}"})
    events = list(runner.run(probe.steps(None, OpenAIKey(openai.ADMIN_KEY))))
    exhibits = tuple(exhibit for event in events if isinstance(event, Ended) for exhibit in event.exhibits)
    assert len(evidence.keys(exhibits)) == 150


def test_the_only_key_is_validated_without_a_form(api: openai.OpenAI) -> None:
    id = api.put(BODY)
    ended = run()
    assert evidence.validations(ended["openai-validate"].exhibits) == (evidence.Validation(id),)


def test_what_the_cloud_told_openai_is_diagnosed(api: openai.OpenAI) -> None:
    id = api.put(BODY)
    said["Production"] = DENIED
    ended = in_a_child()["openai-validate"]
    (validation,) = evidence.validations(ended.exhibits)
    assert validation.id == id
    assert ended.trouble is None
    assert [judged.match.error.id for judged in diagnose(validation.error).errors] == ["aws-sts-assume-role-denied"]


@pytest.mark.parametrize(
    "said_by_cloud", ["The dog ate the key.", "400 projects/p/keyRings/r is not enabled, current state is: DISABLED."]
)
def test_words_that_nobody_knows_are_the_answer_too(api: openai.OpenAI, said_by_cloud: str) -> None:
    api.put(BODY)
    said["Production"] = said_by_cloud
    (validation,) = evidence.validations(run()["openai-validate"].exhibits)
    assert said_by_cloud in validation.error


def test_of_several_keys_only_that_of_the_form_is_validated(api: openai.OpenAI, lab: Laboratory) -> None:
    api.put({**BODY, "name": "Other", "role_arn": BODY["role_arn"] + "2"})
    id = api.put(BODY)
    ended = run(configured())
    assert [item.id for item in evidence.validations(ended["openai-validate"].exhibits)] == [id]
    assert [call.path for call in lab.calls() if call.method == "POST"] == [
        f"/v1/organization/external_keys/{id}/validate"
    ]
    said["Production"] = said["Other"] = DENIED
    assert "openai-validate" not in run(configured({**BODY, "role_arn": BODY["role_arn"] + "3"}))


def test_a_form_is_the_registered_key_however_its_vault_is_spelt() -> None:
    body = {"type": "azure", "tenant_id": "7F0D2C9E-41b6-4c58-9a3e-5d1b8c2f6a70", "key_name": "org-a--b"}
    key = configured({**body, "vault_uri": "https://V.vault.azure.net/"})
    assert evidence.is_registration_of(key, configured({**body, "vault_uri": "https://v.vault.azure.net"}))
    assert not evidence.is_registration_of(key, configured({**body, "vault_uri": "https://w.vault.azure.net"}))
    assert not evidence.is_registration_of(key, configured())
    assert not evidence.is_registration_of(key, Configuration(Provider.AZURE, {"name": "x"}))


@pytest.mark.parametrize(
    ("key", "trouble", "permission"),
    [
        (openai.WRITING_KEY, Trouble.REFUSED, "api.external_keys.read"),
        ("sk-proj-aNormalKeyOfAProject0123", Trouble.REFUSED, "api.external_keys.read"),
        ("sk-admin-nobodyKnowsThisKey012345", Trouble.CREDENTIALS, ""),
    ],
)
def test_a_key_that_may_not_is_told_apart(api: openai.OpenAI, key: str, trouble: Trouble, permission: str) -> None:
    api.put(BODY)
    (ended,) = in_a_child(key).values()
    assert (ended.trouble, ended.permission) == (trouble, permission)
    assert ended.errors == ("openai-insufficient-permissions",)
    assert outcome(ended.exhibits[0]).state is ended.state
    assert key not in repr(ended)


def test_only_two_paths_are_called_and_the_reading_scope_is_enough(api: openai.OpenAI, lab: Laboratory) -> None:
    id = api.put(BODY)
    assert run(key=openai.READING_KEY)["openai-validate"].state is State.SEEN
    path = "/v1/organization/external_keys"
    assert [(call.method, call.host, call.path) for call in lab.calls()] == [
        ("GET", "api.openai.com", f"{path}?limit=100"),
        ("POST", "api.openai.com", f"{path}/{id}/validate"),
    ]


def test_no_setting_sends_the_key_elsewhere(
    api: openai.OpenAI, lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://evil.example/v1")
    monkeypatch.setenv("OPENAI_DATA_RESIDENCY", "eu")
    api.put(BODY)
    assert run().keys() == in_a_child().keys() == {"openai-keys", "openai-validate"}
    assert {call.host for call in lab.calls()} == {"api.openai.com"}


@pytest.mark.parametrize(
    ("kind", "trouble"),
    [
        ("endless", Trouble.BAD_ANSWER),
        ("drip", Trouble.TIMEOUT),
        ("redirect", Trouble.BAD_ANSWER),
        ("not-json", Trouble.BAD_ANSWER),
        ("wrong-types", Trouble.BAD_ANSWER),
        ("deep", Trouble.BAD_ANSWER),
        ("cut", Trouble.CONNECTION),
        ("silent", Trouble.TIMEOUT),
        ("empty", Trouble.BAD_ANSWER),
        ("throttled", Trouble.THROTTLED),
        ("broken", Trouble.BAD_ANSWER),
    ],
)
def test_a_hostile_server_ends_in_a_sentence(
    api: openai.OpenAI, lab: Laboratory, monkeypatch: pytest.MonkeyPatch, kind: str, trouble: Trouble
) -> None:
    monkeypatch.setattr(probe, "_LIST_SECONDS", 4.0)
    with hostile.serve(kind) as address:
        lab.route(dict.fromkeys(openai.HOSTS, address))
        problem = _problem()
    assert problem.trouble is trouble
    assert problem.sentence.endswith(".")


def _problem() -> probe.CallError:
    (step,) = probe.steps(None, OpenAIKey(openai.ADMIN_KEY))
    with pytest.raises(probe.CallError) as problem:
        step.run()
    return problem.value


def test_a_proxy_a_name_and_a_refused_connection_are_told_apart(
    api: openai.OpenAI, lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.route({})
    assert _problem().trouble is Trouble.BAD_ANSWER  # 502 from behind the proxy
    monkeypatch.delenv("SSL_CERT_FILE")
    assert (_problem().trouble, "certificate" in _problem().sentence) == (Trouble.CONNECTION, True)
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert _problem().trouble is Trouble.CONNECTION


def test_without_credentials_there_is_nothing_to_call() -> None:
    assert probe.steps(configured(), None) == ()
    assert "api.external_keys.read" in probe.permissions(None)[0].text


def _answer(command: str, output: object) -> Exhibit:
    return Exhibit(command, output, json.dumps(output), "paste")


LIST = snippets.list_keys().text
VALIDATE = snippets.validate(Values({"external_key_id": "extkey_1"}))[0].text
REGISTERED = _answer(LIST, {"object": "list", "data": [{"id": "extkey_1", **BODY}]})
SUCCESS = _answer(VALIDATE, {"status": "success"})


@pytest.mark.parametrize(
    ("form", "exhibits", "proven"),
    [
        (BODY, (REGISTERED, SUCCESS), True),
        (BODY, (SUCCESS,), False),  # whose key that is, nothing shows
        (BODY, (REGISTERED,), False),
        (BODY, (REGISTERED, SUCCESS, _answer(VALIDATE, {"error": {"message": DENIED}})), False),
        ({**BODY, "kms_arn": BODY["kms_arn"][:-1] + "2"}, (REGISTERED, SUCCESS), False),
        ({name: BODY[name] for name in ("type", "role_arn")}, (REGISTERED, SUCCESS), False),
        (BODY, (REGISTERED, _answer(VALIDATE, {"status": "pending"})), False),
    ],
)
def test_a_key_that_openai_has_just_used_is_proven_throughout(
    form: dict[str, str], exhibits: tuple[Exhibit, ...], proven: bool
) -> None:
    states = {item.state for item in check(configured(form), exhibits).chain}
    assert (states == {LinkState.PROVEN}) is proven


def test_what_evidence_shows_broken_stays_broken() -> None:
    scenario = json.loads((ROOT / "aws" / "trust-external-id-personal.json").read_text(encoding="utf-8"))
    given = configuration.from_values(scenario["configuration"])
    assert given is not None
    exhibits = tuple(_answer(item["command"], item["output"]) for item in scenario["evidence"])
    registered = _answer(LIST, {"data": [{"id": "extkey_1", **scenario["configuration"]}]})
    broken = {item.link for item in check(given, exhibits).chain if item.state is LinkState.BROKEN}
    walked = check(given, (*exhibits, registered, SUCCESS)).chain
    assert {item.link for item in walked if item.state is not LinkState.PROVEN} == broken != set()
