"""OpenAI's own calls with a registration."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests

from tests.lab.gcp import rules
from tests.lab.gcp.server import own_session


def walk(address: str, configuration: Mapping[str, Any]) -> str:
    """What OpenAI's service does with a registration: exchange its token, encrypt, decrypt. "" or the error's text."""
    registered = {name: str(value) for name, value in configuration.items()}
    provider = (
        f"//iam.googleapis.com/projects/{registered['workload_identity_project_number']}/locations/global/workloadIdentityPools/"
        f"{registered['workload_identity_pool_id']}/providers/{registered['workload_identity_provider_id']}"
    )
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": provider,
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "subject_token": rules.token(registered["audience"]),
    }
    session = own_session()
    given = session.post(f"{address}/v1/token", data=form, headers={"Host": "sts.googleapis.com"}, timeout=20)
    if given.status_code != 200:
        return f"Failed to acquire GCP STS token for audience {provider}: {given.json()}"
    session.headers.update(
        {"Host": "cloudkms.googleapis.com", "Authorization": f"Bearer {given.json()['access_token']}"}
    )
    parts = (registered[f"kms_{name}"] for name in ("project_id", "key_location", "key_ring_name", "key_name"))
    project, location, ring, key = (quote(part, safe="") for part in parts)
    name = f"{address}/v1/projects/{project}/locations/{location}/keyRings/{ring}/cryptoKeys/{key}"
    secret = base64.b64encode(os.urandom(32)).decode()
    sealed = session.post(f"{name}:encrypt", json={"plaintext": secret}, timeout=20)
    if sealed.status_code != 200:
        return _kms_error(sealed)
    opened = session.post(f"{name}:decrypt", json={"ciphertext": sealed.json()["ciphertext"]}, timeout=20)
    if opened.status_code != 200:
        return _kms_error(opened)
    assert opened.json()["plaintext"] == secret
    return ""


def _kms_error(response: requests.Response) -> str:
    """As google-cloud-kms puts an error into words."""
    error = response.json()["error"]
    return f"{error['code']} {error['message']}"
