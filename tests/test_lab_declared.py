"""The reader of set-up files: a slip in one of them is found here and not by a test that proves nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ekm_core.model import Provider
from tests.lab import declared

GOOD: dict[str, Any] = {
    "title": "A healthy one",
    "configuration": {"type": "azure", "name": "x", "tenant_id": "t", "vault_uri": "v", "key_name": "k"},
    "organization_id": "org-Lab",
    "cloud": {"vaults": {}},
    "expect": {"error": "", "confirmed": []},
}
BROKEN = {"error": "aws-kms-access-denied", "confirmed": ["aws-kms-access-denied.permissions-boundary"]}


def write(folder: Path, given: object, cloud: str = "azure") -> Path:
    path = folder / cloud / "one.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(given if isinstance(given, str) else json.dumps(given), encoding="utf-8")
    return path


def test_a_good_one_is_read(tmp_path: Path) -> None:
    found = declared.read(write(tmp_path, GOOD))
    assert (found.name, found.provider, found.healthy) == ("azure/one", Provider.AZURE, True)
    assert "type" not in found.configuration.fields
    found = declared.read(write(tmp_path, {**GOOD, "expect": {**BROKEN, "with_error": BROKEN["confirmed"]}}))
    assert (found.healthy, found.with_error) == (False, ("aws-kms-access-denied.permissions-boundary",))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"colour": "red"}, "members"),
        ({"cloud": []}, "cloud is no dict"),
        ({"title": 7}, "title"),
        ({"configuration": {"type": "aws"}}, "type"),
        ({"configuration": {"type": "azure", "key_name": 7}}, "no text"),
        ({"organization_id": "Acme"}, "organization_id"),
        ({"expect": {"error": ""}}, "expect"),
        ({"expect": {"error": "aws-nothing", "confirmed": []}}, "aws-nothing"),
        ({"expect": {**BROKEN, "confirmed": ["aws-kms-access-denied.nothing"]}}, "nothing"),
        ({"expect": {**BROKEN, "error": ""}}, "healthy"),
    ],
)
def test_a_slip_is_named_with_its_file(tmp_path: Path, change: dict[str, Any], fault: str) -> None:
    with pytest.raises(declared.SetupError, match=f"^azure/one: .*{fault}"):
        declared.read(write(tmp_path, {**GOOD, **change}))


def test_what_is_no_json_or_of_no_cloud_is_named_too(tmp_path: Path) -> None:
    with pytest.raises(declared.SetupError, match=r"^azure/one: "):
        declared.read(write(tmp_path, "{"))
    with pytest.raises(declared.SetupError, match=r"^oci/one: its folder"):
        declared.read(write(tmp_path, GOOD, "oci"))
