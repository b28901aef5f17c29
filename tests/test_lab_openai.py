"""The stand-in of OpenAI's management API, met by the real SDK: it must take and refuse what the API does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai as sdk
import pytest

from ekm_core.diagnose import diagnose
from tests.lab import openai
from tests.test_openai_probe import BODY, DENIED, ORGANIZATION

GCP = {
    "type": "gcp",
    "name": "Google",
    "workload_identity_project_number": "123456789012",
    "workload_identity_pool_id": "pool",
    "workload_identity_provider_id": "provider",
    "audience": ORGANIZATION,
    "kms_project_id": "project",
    "kms_key_ring_name": "ring",
    "kms_key_name": "key",
    "kms_key_location": "us-east1",
}
AZURE = {
    "type": "azure",
    "name": "Azure",
    "tenant_id": "7f0d2c9e-41b6-4c58-9a3e-5d1b8c2f6a70",
    "vault_uri": "https://vault.vault.azure.net/",
    "key_name": f"{ORGANIZATION}--key",
}


@pytest.fixture
def organization() -> openai.OpenAI:
    return openai.OpenAI(ORGANIZATION, dict.fromkeys(("aws", "gcp", "azure"), lambda body: said.get(body["name"], "")))


said = {"Denied": DENIED}


@pytest.fixture
def keys(organization: openai.OpenAI) -> Iterator[Any]:
    with openai.serve(organization) as address, client(address, openai.ADMIN_KEY) as found:
        yield found.admin.organization.external_keys


def client(address: str, key: str) -> sdk.OpenAI:
    http = sdk.DefaultHttpxClient(trust_env=False)
    return sdk.OpenAI(admin_api_key=key, api_key="", base_url=f"{address}/v1", max_retries=0, http_client=http)


@pytest.mark.parametrize("body", [BODY, GCP, AZURE], ids=["aws", "gcp", "azure"])
def test_a_key_lives_from_registration_to_deletion(keys: Any, body: dict[str, str]) -> None:
    made = keys.create(**body)
    assert made.id.startswith("extkey_")
    assert {name: getattr(made, name) for name in body} == body
    assert keys.retrieve(made.id) == made
    assert [key.id for key in keys.list()] == [made.id]
    assert keys.validate(made.id).status == "success"
    assert keys.delete(made.id).object == "organization.external_key.deleted"
    assert list(keys.list()) == []


def test_pages_follow_each_other_without_a_gap(organization: openai.OpenAI, keys: Any) -> None:
    ids = [organization.put({**BODY, "name": str(number)}) for number in range(7)]
    assert [key.id for key in keys.list(limit=3, order="asc")] == ids
    assert [key.id for key in keys.list(limit=3)] == ids[::-1]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"key_name": "chat"}, "azure-key-name-pattern"),
        ({"tenant_id": None}, "openai-invalid-parameter"),
        ({"name": None}, "openai-invalid-parameter"),
    ],
)
def test_a_bad_field_is_refused_in_the_words_of_the_api(keys: Any, change: dict[str, Any], error: str) -> None:
    body = {name: value for name, value in {**AZURE, **change}.items() if value is not None}
    with pytest.raises(sdk.BadRequestError) as problem:
        keys._post("/organization/external_keys", body=body, cast_to=object)
    assert [judged.match.error.id for judged in diagnose(str(problem.value)).errors] == [error]


@pytest.mark.parametrize(
    "change", [{"type": "ibm"}, {"type": None}, {"key_version": 7}, {"colour": "red"}, {"key_name": "org-Other--key"}]
)
def test_what_the_api_does_not_know_is_refused(keys: Any, change: dict[str, Any]) -> None:
    body = {name: value for name, value in {**AZURE, **change}.items() if value is not None}
    with pytest.raises(sdk.BadRequestError):
        keys._post("/organization/external_keys", body=body, cast_to=object)
    assert list(keys.list()) == []


def test_the_clouds_refusal_comes_back_at_registration_and_at_validation(
    organization: openai.OpenAI, keys: Any
) -> None:
    denied = {**BODY, "name": "Denied"}
    for call in (lambda: keys.create(**denied), lambda: keys.validate(organization.put(denied))):
        with pytest.raises(sdk.BadRequestError) as problem:
            call()
        assert DENIED in str(problem.value)


def test_a_key_in_use_stays(organization: openai.OpenAI, keys: Any) -> None:
    organization.in_use.add(organization.put(BODY))
    with pytest.raises(sdk.BadRequestError) as problem:
        keys.delete(*organization.in_use)
    assert [judged.match.error.id for judged in diagnose(str(problem.value)).errors] == ["openai-key-in-use"]


def test_each_call_demands_its_scope(organization: openai.OpenAI) -> None:
    id = organization.put(BODY)
    with openai.serve(organization) as address:
        for key in (openai.READING_KEY, openai.WRITING_KEY, "sk-proj-normal"):
            with client(address, key) as found:
                keys = found.admin.organization.external_keys
                for call, scope in (
                    (lambda keys=keys: keys.retrieve(id), openai.READ),
                    (lambda keys=keys: keys.validate(id), openai.READ),
                    (lambda keys=keys: keys.create(**BODY), openai.WRITE),
                ):
                    if scope in openai._SCOPES.get(key, ()):
                        call()
                    else:
                        with pytest.raises(sdk.PermissionDeniedError, match=scope):
                            call()
        with client(address, "sk-admin-unknown") as found, pytest.raises(sdk.AuthenticationError, match="Incorrect"):
            found.admin.organization.external_keys.list()


def test_an_unknown_key_is_not_found(keys: Any) -> None:
    for call in (keys.retrieve, keys.validate, keys.delete):
        with pytest.raises(sdk.NotFoundError):
            call("extkey_none")
