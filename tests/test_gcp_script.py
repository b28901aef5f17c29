"""The script for Google Cloud Shell, run by bash with a stand-in for gcloud; what it prints is read back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ekm_core import evidence
from ekm_core.evidence import State
from ekm_core.gcp import evidence as gcp
from ekm_core.gcp.script import permissions, script
from ekm_core.model import Configuration, Provider
from tests import cloud_shell

NUMBER, PROJECT = "123456789012", "acme-keys"
POOL = f"projects/{NUMBER}/locations/global/workloadIdentityPools/openai-pool"
PROVIDER = f"{POOL}/providers/openai-ekm"
RING = f"projects/{PROJECT}/locations/europe-west1/keyRings/ekm"
KEY = f"{RING}/cryptoKeys/openai"
ROLE = f"projects/{PROJECT}/roles/openai.ekm"
FIELDS = {
    "workload_identity_project_number": NUMBER,
    "workload_identity_pool_id": "openai-pool",
    "workload_identity_provider_id": "openai-ekm",
    "audience": "org-abc",
    "kms_project_id": PROJECT,
    "kms_key_ring_name": "ekm",
    "kms_key_name": "openai",
    "kms_key_location": "europe-west1",
}
PROJECT_DOCUMENT = {"projectId": PROJECT, "projectNumber": NUMBER, "lifecycleState": "ACTIVE"}
POLICY = {"bindings": [{"role": ROLE, "members": [f"principal://iam.googleapis.com/{POOL}/subject/1"]}], "etag": "BwX="}
VERSION = {"name": f"{KEY}/cryptoKeyVersions/1", "state": "ENABLED"}
ANSWERS: dict[str, object] = {
    f"projects describe {NUMBER} --format=value(projectId)": PROJECT,
    f"projects describe {NUMBER}": PROJECT_DOCUMENT,
    f"projects describe {PROJECT}": PROJECT_DOCUMENT,
    f"iam workload-identity-pools describe {POOL}": {"name": POOL, "state": "ACTIVE"},
    f"iam workload-identity-pools providers describe {PROVIDER}": {"name": PROVIDER, "state": "ACTIVE", "oidc": {}},
    "iam workload-identity-pools list": [{"name": POOL, "state": "ACTIVE"}],
    "iam workload-identity-pools providers list": [{"name": PROVIDER, "state": "ACTIVE", "oidc": {}}],
    f"kms keys describe {KEY}": {"name": KEY, "purpose": "ENCRYPT_DECRYPT", "primary": VERSION},
    "kms keys versions list": [VERSION],
    f"kms keys get-iam-policy {KEY}": POLICY,
    f"kms keyrings get-iam-policy {RING}": {"etag": "ACAB"},
    f"projects get-iam-policy {PROJECT}": {"etag": "ACAB"},
    f"projects get-ancestors-iam-policy {PROJECT}": [{"id": PROJECT, "type": "project", "policy": {"etag": "ACAB"}}],
    "iam policies list": [],
    "services list": [{"config": {"name": "cloudkms.googleapis.com"}, "state": "ENABLED"}],
    f"iam roles describe openai.ekm --project={PROJECT}": {"name": ROLE, "includedPermissions": ["a.b.c"]},
}


def text(fields: dict[str, str]) -> str:
    return script(Configuration(Provider.GCP, fields)).text


def test_everything_is_read_and_read_back(tmp_path: Path) -> None:
    run = cloud_shell.run(text(FIELDS), "gcloud", ANSWERS, tmp_path)
    gathered = evidence.read(run.stdout)
    assert gathered.problems == ()
    found = gcp.read(gathered.exhibits)
    assert found.loose == ()
    facts = (found.pool(POOL), found.provider(PROVIDER), found.key(KEY), found.role(ROLE), found.project(PROJECT))
    assert {fact.state for fact in facts} == {State.SEEN}
    assert found.policy(KEY).value == POLICY
    assert [fact.state for _, fact in found.policies(KEY)] == [State.SEEN] * 3
    assert [fact.value for fact in found.versions(KEY)] == [VERSION]
    assert found.listed(f"{KEY}/cryptoKeyVersions").state is State.SEEN
    assert found.deny_policies(f"projects/{PROJECT}").state is State.SEEN
    assert found.api(NUMBER).state is found.api(PROJECT).state is State.SEEN
    assert found.provider(f"{POOL}/providers/another").state is State.ABSENT
    assert "Reading: gcloud kms keys describe" in run.stderr


def test_a_refused_command_is_noted_and_the_rest_goes_on(tmp_path: Path) -> None:
    refused = "ERROR: (gcloud.kms.keys.describe) PERMISSION_DENIED: Permission 'cloudkms.cryptoKeys.get' denied"
    run = cloud_shell.run(text(FIELDS), "gcloud", {**ANSWERS, f"kms keys describe {KEY}": refused}, tmp_path)
    found = gcp.read(evidence.read(run.stdout).exhibits)
    assert found.key(KEY).state is State.REFUSED
    assert "cloudkms.cryptoKeys.get" in found.key(KEY).because
    assert found.policy(KEY).state is State.SEEN


def test_without_gcloud_everything_failed(tmp_path: Path) -> None:
    run = cloud_shell.run(text(FIELDS).replace("gcloud", "gcloud-that-is-not-here"), "x", {}, tmp_path)
    outputs = [entry["output"] for entry in json.loads(run.stdout)]
    assert outputs
    assert all("command not found" in output for output in outputs)


def test_what_is_not_known_is_a_marked_placeholder() -> None:
    made = script(Configuration(Provider.GCP, {}))
    assert "<PROJECT_NUMBER>" in made.placeholders
    assert "<KEY_NAME>" in made.placeholders
    assert script(Configuration(Provider.GCP, FIELDS)).placeholders == ()


HOSTILE = ("$(touch pwned)", "`touch pwned`", "'; touch pwned; '", "--project=x y", "a\nb", "\ud800")


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("field", FIELDS)
def test_hostile_values_never_reach_the_script(field: str, value: str) -> None:
    """None of these forms is a name at Google, so a placeholder stands in their place."""
    made = text({**FIELDS, field: value})
    assert value not in made
    assert cloud_shell.parses(made)


def test_the_permissions_only_read() -> None:
    role, above = permissions(Configuration(Provider.GCP, FIELDS))
    for permission in json.loads(role.text)["includedPermissions"]:
        assert permission.rpartition(".")[2] in ("get", "list", "getIamPolicy")
    assert "roles/iam.denyReviewer" in above.text
