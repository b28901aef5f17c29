"""The stand-in of Google Cloud: Google's descriptions decide what it takes, its own clients can use it."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
import requests

from tests.lab import gcp
from tests.lab.frame import Laboratory, laboratory
from tests.lab.gcp import rules

KEY = "/v1/projects/acme-keys/locations/europe-west1/keyRings/ekm/cryptoKeys/openai"
POOLS = "/v1/projects/481516234299/locations/global/workloadIdentityPools"
PROVIDER = f"//iam.googleapis.com{POOLS.removeprefix('/v1')}/openai-pool/providers/openai-ekm"
KMS, IAM, STS = "cloudkms.googleapis.com", "iam.googleapis.com", "sts.googleapis.com"
MAY = {"Authorization": f"Bearer {gcp.TOKEN}"}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with gcp.serve({"as": "healthy"}) as running:
        yield running


@pytest.fixture(autouse=True)
def healthy(address: str) -> None:
    gcp.become(address, {"as": "healthy"})


def ask(address: str, method: str, host: str, path: str, **given: Any) -> requests.Response:
    session = requests.Session()
    session.trust_env = False
    headers = {"Host": host, **MAY, **given.pop("headers", {})}
    return session.request(method, f"{address}{path}", headers=headers, timeout=20, **given)


@pytest.mark.parametrize(
    ("method", "host", "path", "given", "sentence"),
    [
        ("GET", IAM, f"{POOLS}?pageSize=many", {}, "Invalid value at 'page_size' (TYPE_INT32)"),
        ("GET", IAM, f"{POOLS}?showDeleted=yes", {}, "Invalid value at 'show_deleted' (TYPE_BOOL)"),
        ("GET", IAM, f"{POOLS}?deleted=true", {}, 'Unknown name "deleted": Cannot bind query parameter.'),
        ("POST", KMS, f"{KEY}:encrypt", {"json": {"plain": "AAAA"}}, 'Unknown name "plain": Cannot find field.'),
        ("POST", KMS, f"{KEY}:encrypt", {"json": {"plaintext": "?"}}, "Base64 decoding failed"),
        ("POST", KMS, f"{KEY}:encrypt", {"json": {"plaintext": 1}}, "(TYPE_BYTES), 1"),
        ("POST", KMS, f"{KEY}:encrypt", {"data": "{"}, "Invalid JSON payload received"),
        ("POST", STS, "/v1/token", {"data": {"grant": "x"}}, 'Unknown name "grant": Cannot find field.'),
    ],
)
def test_what_the_discovery_documents_do_not_allow_is_refused(
    address: str, method: str, host: str, path: str, given: dict[str, Any], sentence: str
) -> None:
    answer = ask(address, method, host, path, **given)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["status"] == "INVALID_ARGUMENT"
    assert sentence in error["message"]
    assert error["details"][0]["fieldViolations"][0]["description"] == error["message"]


@pytest.mark.parametrize(
    ("method", "host", "path"),
    [
        ("POST", KMS, KEY),
        ("GET", KMS, f"{KEY}:encrypt"),
        ("GET", KMS, "/v2/projects/x"),
        ("GET", IAM, KEY),
        ("GET", "storage.googleapis.com", "/b"),
    ],
)
def test_an_address_that_no_document_describes_is_not_found(address: str, method: str, host: str, path: str) -> None:
    answer = ask(address, method, host, path)
    assert answer.status_code == 404
    assert "html" in answer.headers["content-type"]


def test_a_caller_without_a_good_token_is_nobody(address: str) -> None:
    for header in ({"Authorization": ""}, {"Authorization": "Bearer x"}, {"Authorization": f"Bearer {gcp.EXPIRED}"}):
        answer = ask(address, "GET", KMS, KEY, headers=header)
        assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_encryption_is_of_one_key_and_whole(address: str) -> None:
    sealed = ask(address, "POST", KMS, f"{KEY}:encrypt", json={"plaintext": base64.b64encode(b"a secret").decode()})
    cipher = sealed.json()["ciphertext"]
    opened = ask(address, "POST", KMS, f"{KEY}:decrypt", json={"ciphertext": cipher})
    assert base64.b64decode(opened.json()["plaintext"]) == b"a secret"
    raw = bytearray(base64.b64decode(cipher))
    raw[20] ^= 1
    broken = ask(address, "POST", KMS, f"{KEY}:decrypt", json={"ciphertext": base64.b64encode(raw).decode()})
    assert broken.json()["error"]["message"].startswith("Decryption failed: verify that 'name' refers to")


def test_rights_are_tested_for_the_caller(address: str) -> None:
    gcp.change(address, {"caller": {"lacks": ["cloudkms.cryptoKeyVersions.useToDecrypt"]}})
    asked = ["cloudkms.cryptoKeyVersions.useToEncrypt", "cloudkms.cryptoKeyVersions.useToDecrypt"]
    answer = ask(address, "POST", KMS, f"{KEY}:testIamPermissions", json={"permissions": asked})
    assert answer.json() == {"permissions": asked[:1]}
    answer = ask(
        address,
        "POST",
        "cloudresourcemanager.googleapis.com",
        "/v3/projects/acme-keys:testIamPermissions",
        json={"permissions": asked},
    )
    assert answer.json() == {"permissions": asked[:1]}


FORM = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "audience": PROVIDER,
    "scope": "https://www.googleapis.com/auth/cloud-platform",
    "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
}


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        ("no-token", "Unable to parse the ID Token."),
        (f"{rules.token('org-Acme7xQ2LmT9')}x", "Unable to verify the ID Token signature."),
        (rules.token("org-Acme7xQ2LmT9", issued=time.time() - 90000), "is stale to sign-in."),
        (rules.token("org-Acme7xQ2LmT9", issuer="https://other.example"), "does not match the expected ones"),
        (rules.token("org-Other"), "The audience in ID Token [org-Other] does not match the expected audience"),
        (rules.token("org-Acme7xQ2LmT9", subject="1"), "rejected by the attribute condition"),
    ],
)
def test_each_fault_of_a_token_has_its_own_sentence(address: str, token: str, sentence: str) -> None:
    answer = ask(address, "POST", STS, "/v1/token", data={**FORM, "subject_token": token})
    assert answer.status_code == 400
    assert sentence in answer.json()["error_description"]


def test_the_token_service_takes_json_too(address: str) -> None:
    body = {**FORM, "subject_token": rules.token("org-Acme7xQ2LmT9")}
    answer = ask(address, "POST", STS, "/v1/token", data=json.dumps(body), headers={"Content-Type": "application/json"})
    assert answer.json()["token_type"] == "Bearer"


# --- Google's own clients, over the production addresses --------------------------------------------------------------


@pytest.fixture(scope="module")
def lab(address: str) -> Iterator[Laboratory]:
    with laboratory() as running, patch.dict(os.environ, running.environment):
        running.route(dict.fromkeys(gcp.HOSTS, address))
        yield running


def federated() -> Any:
    """google-auth's credentials of OpenAI's service."""
    from google.auth import identity_pool

    class OpenAI(identity_pool.SubjectTokenSupplier):
        def get_subject_token(self, context: object, request: object) -> str:
            return rules.token("org-Acme7xQ2LmT9")

    return identity_pool.Credentials(
        audience=PROVIDER,
        subject_token_type="urn:ietf:params:oauth:token-type:jwt",
        token_url="https://sts.googleapis.com/v1/token",
        subject_token_supplier=OpenAI(),
        scopes=["https://www.googleapis.com/auth/cloud-platform"],
    )


def test_google_auth_federates_and_uses_the_key(lab: Laboratory, address: str) -> None:
    from google.auth.transport.requests import AuthorizedSession

    with AuthorizedSession(federated()) as session:
        answer = session.post(f"https://{KMS}{KEY}:encrypt", json={"plaintext": "AAAA"})
    assert answer.json()["name"].endswith("/cryptoKeyVersions/1")
    assert gcp.calls(address)[-1]["who"].endswith(f"/openai-pool/subject/{rules.SUBJECT}")


def test_google_auth_reads_the_refusals_of_the_token_service(lab: Laboratory, address: str) -> None:
    from google.auth import exceptions
    from google.auth.transport.requests import Request

    gcp.change(address, {"pools": {f"{POOLS.removeprefix('/v1/')}/openai-pool": {"disabled": True}}})
    with pytest.raises(exceptions.OAuthError, match="Error code invalid_target: The target service"):
        federated().refresh(Request())
