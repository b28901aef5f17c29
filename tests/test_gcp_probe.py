"""The live reads of Google Cloud: Google's own library and addresses, answered by the laboratory's cloud."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from ekm_core.check import Checked, check
from ekm_core.credentials import GcpDefault, GcpFile, GcpToken
from ekm_core.evidence import State, outcome
from ekm_core.gcp import evidence as gcp_evidence
from ekm_core.gcp import probe
from ekm_core.model import Configuration, Exhibit, Link, LinkState, Provider, Status
from ekm_core.probing import live, runner
from ekm_core.probing.event import Ended, Stopped
from ekm_core.probing.step import CallError, Step, Trouble
from tests.lab import declared, gcp, hostile
from tests.lab.frame import Laboratory, laboratory

SETUPS = {setup.name.partition("/")[2]: setup for setup in declared.setups(Provider.GCP)}
HEALTHY = SETUPS["healthy"]
ME = GcpToken(gcp.TOKEN)
KEYS = "cloudkms.projects.locations.keyRings.cryptoKeys"
POOLS = "iam.projects.locations.workloadIdentityPools"
KEY = "projects/acme-keys/locations/europe-west1/keyRings/ekm/cryptoKeys/openai"
POOL = "projects/481516234299/locations/global/workloadIdentityPools/openai-pool"
HOSTS = {
    *("iam.googleapis.com", "cloudkms.googleapis.com", "cloudresourcemanager.googleapis.com"),
    *("serviceusage.googleapis.com", "sts.googleapis.com", "oauth2.googleapis.com"),
}


@pytest.fixture(scope="module")
def lab() -> Iterator[Laboratory]:
    with laboratory() as running, patch.dict(os.environ, running.environment):
        yield running


@dataclass
class Cloud:
    """The stand-in, routed. ``address``: its own."""

    lab: Laboratory
    address: str

    def of(self, name: str) -> Cloud:
        """The cloud of a set-up, in place of the one before."""
        gcp.become(self.address, SETUPS[name].cloud)
        self.lab.route(dict.fromkeys(gcp.HOSTS, self.address))
        self.lab.forget()
        return self

    def change(self, **patch: Any) -> None:
        gcp.change(self.address, patch)

    def fault(self, on: str, status: int, body: object, **headers: str) -> None:
        self.change(faults=[{"on": on, "status": status, "body": body, "headers": headers}])

    @property
    def ids(self) -> list[str]:
        return [call["id"] for call in gcp.calls(self.address)]


@pytest.fixture(scope="module")
def served(lab: Laboratory) -> Iterator[Cloud]:
    with gcp.serve(HEALTHY.cloud) as address:
        yield Cloud(lab, address)


@pytest.fixture
def cloud(served: Cloud) -> Cloud:
    """The healthy set-up, fresh for each test."""
    return served.of("healthy")


@dataclass
class Run:
    """What a run brought: the end of each step by its id, without ``gcp-``."""

    configuration: Configuration
    ended: Mapping[str, Ended]

    @property
    def exhibits(self) -> list[Exhibit]:
        return [exhibit for event in self.ended.values() for exhibit in event.exhibits]

    @cached_property
    def checked(self) -> Checked:
        return check(self.configuration, self.exhibits)

    @cached_property
    def known(self) -> gcp_evidence.GcpEvidence:
        return gcp_evidence.read(self.exhibits)

    def of(self, state: State) -> set[str]:
        return {step for step, event in self.ended.items() if event.state is state}

    @property
    def failed(self) -> set[str]:
        return {finding.id for finding in self.checked.of(Status.FAIL)}


def run(configuration: Configuration = HEALTHY.configuration, credentials: probe.GcpCredentials | None = ME) -> Run:
    return _run(configuration, probe.steps(configuration, credentials))


def _run(configuration: Configuration, steps: tuple[Step, ...]) -> Run:
    """Runs steps; what must hold of every run whatever happens in it is asserted here."""
    ended: dict[str, Ended] = {}
    for event in runner.run(steps):
        if isinstance(event, Ended):
            assert not event.crash, event
            assert event.trouble is None or event.sentence
            for exhibit in event.exhibits:
                assert outcome(exhibit).state is event.state
            ended[event.step.removeprefix("gcp-")] = event
        assert not isinstance(event, Stopped)
    return Run(configuration, ended)


def changed(**fields: str) -> Configuration:
    given = HEALTHY.configuration
    return Configuration(given.provider, {**given.fields, **fields}, given.organization_id)


# --- A healthy set-up; all the others are read in test_lab_setups -----------------------------------------------------


@pytest.mark.parametrize("name", ["healthy", "healthy-two-projects", "kms-custom-role-whole"])
def test_everything_of_a_healthy_set_up_is_read_and_used(served: Cloud, name: str) -> None:
    served.of(name)
    found = run(SETUPS[name].configuration)
    assert found.of(State.SEEN) == set(found.ended)
    assert [loose.exhibit.command[:4] for loose in found.known.loose] == ["curl"], "what it said of our token is no use"
    assert found.checked.of(Status.FAIL) == found.checked.of(Status.COULD_NOT_CHECK) == ()
    states = {link.link: link.state for link in found.checked.chain}
    assert [states[link] for link in (Link.TRUST, Link.PERMISSION, Link.KEY)] == [LinkState.PROVEN] * 3


# --- What is called --------------------------------------------------------------------------------------------------

READS = re.compile(
    r"(?:.*\.(?:get|list|getIamPolicy|getAncestry|listPolicies)|sts\.token|iam\.policies\.get)", re.ASCII
)


EVERY_READ = (
    *("healthy", "healthy-two-projects", "kms-deny-policy", "kms-custom-role-whole", "key-misspelt"),
    *("key-in-other-location", "service-account-in-between"),
)


@pytest.mark.parametrize("name", EVERY_READ)
def test_a_run_only_reads_and_asks_for_nothing_beyond_what_was_granted(served: Cloud, name: str) -> None:
    cloud = served.of(name)
    steps = {f"gcp-{step}": event for step, event in run(SETUPS[name].configuration).ended.items()}
    assert steps
    calls = gcp.calls(cloud.address)
    assert [call for call in calls if not READS.fullmatch(call["id"])] == []
    assert {call["host"] for call in calls} <= HOSTS
    assert all(call.routed for call in served.lab.calls())
    needed = {gcp.CALLS[call["id"]][0] for call in calls if call["id"] != "sts.token"}
    role, above = probe.permissions(HEALTHY.configuration)
    granted = set(json.loads(role.text)["includedPermissions"])
    assert {one for one in granted if not re.search(r"\.(?:get|list|getIamPolicy)$", one)} == set()
    # What stands above the project is read with two of Google's own roles.
    beyond = {"resourcemanager.folders.getIamPolicy", "resourcemanager.organizations.getIamPolicy"}
    beyond |= {"iam.denypolicies.list", "iam.denypolicies.get"}
    assert needed - granted <= beyond
    assert "roles/iam.denyReviewer" in above.text


def test_every_step_names_the_permission_of_its_calls(cloud: Cloud) -> None:
    """The stand-in knows from Google's references which call needs which; one permission is taken away at a time."""
    cloud.change(caller={"lacks": []})
    run()
    needed = {gcp.CALLS[id][0] for id in cloud.ids if id != "sts.token"}
    assert len(needed) >= 14
    for permission in needed:
        cloud.change(caller={"lacks": [permission]})
        found = run()
        refused = found.of(State.REFUSED)
        assert refused
        assert {found.ended[step].permission for step in refused} == {permission}
        assert {found.ended[step].trouble for step in refused} == {Trouble.REFUSED}
        assert all(permission in found.ended[step].sentence for step in refused)
        assert found.of(State.SEEN) == set(found.ended) - refused


def test_the_follow_ups_name_their_permissions_too(served: Cloud) -> None:
    for name, permission in (
        ("key-misspelt", "cloudkms.keyRings.list"),
        ("key-misspelt", "cloudkms.cryptoKeys.list"),
        ("key-in-other-location", "cloudkms.locations.list"),
        ("kms-custom-role-lacks", "iam.roles.get"),
        ("kms-deny-policy", "iam.denypolicies.get"),
    ):
        cloud = served.of(name)
        cloud.change(caller={"lacks": [permission]})
        found = run(SETUPS[name].configuration)
        assert {event.permission for event in found.ended.values() if event.permission} == {permission}


def test_without_credentials_only_the_token_service_is_asked(cloud: Cloud) -> None:
    found = run(credentials=None)
    assert found.of(State.SEEN) == {"token-service"}
    (call,) = gcp.calls(cloud.address)
    assert (call["id"], call["signed"]) == ("sts.token", False)


def test_a_run_with_credentials_sends_none_to_the_token_service(cloud: Cloud) -> None:
    run()
    assert {call["id"] for call in gcp.calls(cloud.address) if not call["signed"]} == {"sts.token"}


# --- The token service -----------------------------------------------------------------------------------------------


def test_an_answer_about_our_token_proves_nothing(cloud: Cloud) -> None:
    found = run(credentials=None)
    (exhibit,) = found.ended["token-service"].exhibits
    assert exhibit.output == {"error": "invalid_grant", "error_description": "Unable to parse the ID Token."}
    assert found.failed == set()
    assert found.known.facts == {}
    assert {link.state for link in found.checked.chain} == {LinkState.UNKNOWN}


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("provider-disabled", "gcp-sts-provider-not-found"),
        ("provider-never-made", "gcp-sts-provider-not-found"),
        ("number-is-project-id", "gcp-sts-provider-not-found"),
        ("pool-id-is-display-name", "gcp-sts-invalid-audience"),
    ],
)
def test_a_refused_name_shows_without_any_credential(served: Cloud, name: str, error: str) -> None:
    served.of(name)
    found = run(SETUPS[name].configuration, None)
    (finding,) = (one for one in found.checked.of(Status.FAIL) if one.id == "gcp-token-service-refuses-name")
    assert finding.errors == (error,)
    states = {link.link: link.state for link in found.checked.chain}
    assert states[Link.TRUST] is LinkState.BROKEN


def test_the_refusal_of_one_name_is_none_of_another(served: Cloud) -> None:
    """A project's id in the name is refused; the same provider under its number may be well."""
    served.of("number-is-project-id")
    wrong = run(SETUPS["number-is-project-id"].configuration)
    assert "gcp-token-service-refuses-name" in wrong.failed
    right = check(HEALTHY.configuration, wrong.exhibits)
    assert "gcp-token-service-refuses-name" not in {finding.id for finding in right.findings}


@pytest.mark.parametrize(
    ("status", "body", "trouble"),
    [
        (200, {"access_token": "ya29.surprise", "token_type": "Bearer"}, Trouble.BAD_ANSWER),
        (400, {"error": 7, "error_description": ["x"]}, Trouble.BAD_ANSWER),
        (400, {"error": {"code": 400, "message": "x", "status": "INVALID_ARGUMENT"}}, Trouble.BAD_ANSWER),
        (429, {"error": {"code": 429}}, Trouble.THROTTLED),
    ],
)
def test_odd_answers_of_the_token_service(cloud: Cloud, status: int, body: object, trouble: Trouble) -> None:
    cloud.fault("sts.token", status, body, **{"retry-after": "0"})
    found = run(credentials=None)
    assert found.ended["token-service"].trouble is trouble
    assert "surprise" not in repr(found)


def test_a_name_that_is_not_whole_is_not_asked_for(cloud: Cloud) -> None:
    for value in ("", "xxxxx", "<POOL_ID>", "a" * 2000):
        found = run(changed(workload_identity_pool_id=value), None)
        assert found.ended["token-service"].trouble is Trouble.FORBIDDEN_TARGET
    assert cloud.ids == []


# --- What may go wrong -----------------------------------------------------------------------------------------------

KMS_STEPS = {"key", "versions", "key-policy", "ring-policy"}


def test_a_disabled_api_is_told_apart_and_is_evidence_itself(cloud: Cloud) -> None:
    cloud.change(disabled={"acme-keys": ["cloudkms.googleapis.com"]})
    found = run()
    assert {step for step, event in found.ended.items() if event.trouble is Trouble.DISABLED} == KMS_STEPS
    assert "projects/481516234299" in found.ended["key"].sentence
    assert found.failed == {"gcp-kms-api-disabled.key-project", "gcp-kms-api-disabled.pool-project"}
    assert found.known.key(KEY).state is State.FAILED
    assert found.of(State.SEEN) == set(found.ended) - KMS_STEPS


def test_an_expired_token_stops_every_read_and_says_how_to_get_another(cloud: Cloud) -> None:
    found = run(credentials=GcpToken(gcp.EXPIRED))
    assert found.of(State.SEEN) == {"token-service"}
    assert {event.trouble for step, event in found.ended.items() if step != "token-service"} == {Trouble.CREDENTIALS}
    assert "gcloud auth print-access-token" in found.ended["key"].sentence
    assert found.failed == set()
    assert all(cloud.ids.count(id) == 1 for id in (f"{KEYS}.get", f"{POOLS}.get")), "a refused token is not tried again"


def test_throttling_is_tried_again_a_few_times(cloud: Cloud) -> None:
    body = {"error": {"code": 429, "message": "Quota exceeded for quota metric 'x'.", "status": "RESOURCE_EXHAUSTED"}}
    cloud.fault(f"{KEYS}.get", 429, body, **{"retry-after": "0"})
    found = run()
    assert found.ended["key"].trouble is Trouble.THROTTLED
    assert cloud.ids.count(f"{KEYS}.get") == 3
    assert found.of(State.SEEN) == set(found.ended) - {"key"}


@pytest.mark.parametrize("kind", hostile.KINDS)
def test_one_misbehaving_server_takes_nothing_from_the_others(
    cloud: Cloud, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "SECONDS", 1.5)
    with hostile.serve(kind) as address:
        cloud.lab.route({**dict.fromkeys(gcp.HOSTS, cloud.address), re.escape("cloudkms.googleapis.com"): address})
        found = run()
    assert found.of(State.FAILED) == KMS_STEPS
    assert found.of(State.SEEN) == set(found.ended) - KMS_STEPS
    assert found.failed == set()
    assert {call.host for call in cloud.lab.calls()} <= HOSTS, "no redirect was followed"


@pytest.mark.parametrize("kind", hostile.KINDS)
def test_where_every_server_misbehaves_nothing_is_proven(
    cloud: Cloud, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "SECONDS", 1.0)
    with hostile.serve(kind) as address:
        cloud.lab.route(dict.fromkeys(gcp.HOSTS, address))
        own = run(credentials=ME) if kind not in ("silent", "drip") else _without_token_service()
    assert own.of(State.FAILED) == set(own.ended)
    assert own.failed == set()
    assert own.known.facts.keys() <= {
        (kind, name) for kind, name in own.known.facts if own.known.facts[kind, name].state is State.FAILED
    }


def _without_token_service() -> Run:
    """The reads with credentials, whose deadline the test has shortened."""
    steps = (step for step in probe.steps(HEALTHY.configuration, ME) if step.id != "gcp-token-service")
    return _run(HEALTHY.configuration, tuple(steps))


def error(code: int, status: str, message: str = "x", **reason: str) -> dict[str, Any]:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "metadata": {}, **reason}] if reason else []
    return {"error": {"code": code, "status": status, "message": message, "details": details}}


@pytest.mark.parametrize(
    ("code", "body", "trouble"),
    [
        (403, error(403, "PERMISSION_DENIED", reason="SECURITY_POLICY_VIOLATED"), Trouble.NETWORK_RULE),
        (403, error(403, "PERMISSION_DENIED", reason="ACCESS_TOKEN_SCOPE_INSUFFICIENT"), Trouble.REFUSED),
        (403, error(403, "PERMISSION_DENIED", "timed out, NOT_FOUND, HTTP 503"), Trouble.REFUSED),
        (403, "<html>403 Forbidden</html>", Trouble.BAD_ANSWER),
        (404, "<html>404 Not Found</html>", Trouble.BAD_ANSWER),
        (404, {"error": "not_found"}, Trouble.BAD_ANSWER),
        (404, error(403, "NOT_FOUND"), Trouble.BAD_ANSWER),
        (404, error(404, "NOT_FOUND", "PERMISSION_DENIED"), Trouble.ABSENT),
        (400, error(400, "INVALID_ARGUMENT"), Trouble.BAD_ANSWER),
        (500, error(500, "INTERNAL"), Trouble.BAD_ANSWER),
        (502, "The laboratory has no stand-in", Trouble.BAD_ANSWER),
        (200, {"name": "projects/x", "primary": []}, Trouble.BAD_ANSWER),
        (200, {"name": f"{KEY}-2", "purpose": "ENCRYPT_DECRYPT"}, Trouble.BAD_ANSWER),
        (200, [], Trouble.BAD_ANSWER),
        (204, "", Trouble.BAD_ANSWER),
    ],
)
def test_each_kind_of_answer_is_read_for_what_it_is(cloud: Cloud, code: int, body: object, trouble: Trouble) -> None:
    """Whatever the words in an answer pretend: the exhibit says the same as the step (asserted in every run)."""
    cloud.fault(f"{KEYS}.get", code, body, **{"retry-after": "0"})
    found = run()
    assert found.ended["key"].trouble is trouble
    assert (found.known.key(KEY).state is State.ABSENT) <= (trouble is Trouble.ABSENT)
    if trouble is not Trouble.ABSENT:
        assert found.failed == set()


def test_where_no_proxy_and_no_name_server_answer(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert {event.trouble for event in run().ended.values()} == {Trouble.PROXY}
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name)
    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", _nothing_resolves)
        assert {event.trouble for event in run().ended.values()} == {Trouble.DNS}
    assert cloud.ids == []


def _nothing_resolves(*_: object, **__: object) -> None:
    raise socket.gaierror(-2, "Name or service not known")


# --- Lists -----------------------------------------------------------------------------------------------------------


def test_lists_are_read_to_their_last_page(served: Cloud) -> None:
    cloud = served.of("healthy")
    whole = run().known
    cloud.change(page=1)
    found = run().known
    collection = f"{POOL.rpartition('/')[0]}"
    assert cloud.ids.count(f"{POOLS}.list") == 2
    assert found.listed(collection).value == whole.listed(collection).value
    assert len(found.listed(collection).value["names"]) == 2


ENDLESS = {"workloadIdentityPools": [], "nextPageToken": "again"}
OTHER_LIST = {"workloadIdentityPools": [{"name": "projects/1/locations/global/workloadIdentityPools/x"}]}


@pytest.mark.parametrize(
    "body",
    [ENDLESS, OTHER_LIST, {"pools": []}, {"error": {}}, {"workloadIdentityPools": [1]}, {"workloadIdentityPools": {}}],
)
def test_a_list_that_is_not_whole_or_of_something_else_is_none(cloud: Cloud, body: object) -> None:
    """An empty list would prove that there is no such pool."""
    cloud.fault(f"{POOLS}.list", 200, body)
    found = run()
    assert found.ended["pools"].trouble is Trouble.BAD_ANSWER
    assert found.failed == set()
    assert cloud.ids.count(f"{POOLS}.list") <= 20


# --- Names that come from an answer ----------------------------------------------------------------------------------


def test_no_name_in_an_answer_becomes_an_address_unless_it_is_one_of_googles(cloud: Cloud) -> None:
    hostile_roles = [
        "projects/acme-keys/roles/../../../v1/projects/acme-keys:setIamPolicy",
        "projects/acme-keys/roles/..",
        "projects/acme-keys/roles/a?x=1",
        "projects/../roles/abc",
        "organizations/1/roles/a#b",
        "roles/../x",
        "https://elsewhere.example/roles/abc",
    ]
    member = f"principal://iam.googleapis.com/{POOL}/subject/1"
    policy = {"etag": "ACAB", "bindings": [{"role": role, "members": [member]} for role in hostile_roles]}
    denials = {"policies": [{"name": "policies/cloudresourcemanager.googleapis.com%2Fprojects%2F1/denypolicies/../x"}]}
    ancestry = {
        "ancestor": [
            {"resourceId": {"type": "project", "id": "acme-keys"}},
            {"resourceId": {"type": "folder", "id": "1/../../x"}},
        ]
    }
    cloud.change(
        faults=[
            {"on": f"{KEYS}.getIamPolicy", "status": 200, "body": policy},
            {"on": "iam.policies.listPolicies", "status": 200, "body": denials},
            {"on": "cloudresourcemanager.projects.getAncestry", "status": 200, "body": ancestry},
        ]
    )
    found = run()
    assert {"denies", "levels"} == found.of(State.FAILED)
    assert not any("role" in step for step in found.ended)
    asked = {call["path"] for call in gcp.calls(cloud.address)}
    assert not any("roles" in path or "denypolicies/" in path or "folders" in path for path in asked)
    assert all(call.routed for call in cloud.lab.calls())


@pytest.mark.parametrize(
    ("field", "value", "steps"),
    [
        ("workload_identity_pool_id", "../../x", {"pool", "provider", "providers"}),
        ("workload_identity_pool_id", "xxxxx", {"pool", "provider", "providers", "token-service"}),
        ("workload_identity_project_number", "1?alt=media", {"pool", "provider", "providers", "pools", "pool-project"}),
        ("kms_key_name", "openai:encrypt", {"key", "versions", "key-policy"}),
        ("kms_key_ring_name", "ekm/cryptoKeys/x", {"key", "versions", "key-policy", "ring-policy"}),
        ("kms_project_id", "acme keys", {*KMS_STEPS, "key-project", "key-api", "denies", "levels", "project-policy"}),
    ],
)
def test_a_registered_value_of_a_wrong_form_is_never_called(
    cloud: Cloud, field: str, value: str, steps: set[str]
) -> None:
    found = run(changed(**{field: value}))
    assert {step for step, event in found.ended.items() if event.trouble is Trouble.FORBIDDEN_TARGET} == steps
    assert not any(value in call["path"] for call in gcp.calls(cloud.address))
    assert {id for id in cloud.ids if "testIam" in id or "encrypt" in id} == set()


# --- Credentials -----------------------------------------------------------------------------------------------------


def _file(refresh: str) -> GcpFile:
    document = {"type": "authorized_user", "client_id": "1.apps", "client_secret": "s", "refresh_token": refresh}
    return GcpFile(json.dumps(document))


def test_a_credential_file_fetches_its_token_from_google(cloud: Cloud) -> None:
    found = run(credentials=_file(gcp.REFRESH))
    assert found.of(State.SEEN) == set(found.ended)
    assert "oauth2.token" in cloud.ids


def test_a_revoked_credential_file_is_said_to_be_one(cloud: Cloud) -> None:
    found = run(credentials=_file("1//revoked"))
    assert found.of(State.SEEN) == {"token-service"}
    assert {event.trouble for step, event in found.ended.items() if step != "token-service"} == {Trouble.CREDENTIALS}


def test_where_the_token_cannot_be_fetched_the_network_is_named(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    (step,) = (step for step in probe.steps(HEALTHY.configuration, _file(gcp.REFRESH)) if step.id == "gcp-key")
    with pytest.raises(CallError) as caught:
        step.run()
    assert caught.value.trouble is Trouble.PROXY


@pytest.mark.parametrize(
    "document",
    [
        {"type": "external_account", "credential_source": {"executable": {"command": "/bin/sh"}}},
        {"type": "authorized_user", "client_id": "a", "client_secret": "b", "refresh_token": "c", "token_uri": "https://evil.example"},
    ],
)  # fmt: skip
def test_a_file_that_leads_elsewhere_is_refused_here_too(cloud: Cloud, document: dict[str, Any]) -> None:
    found = run(credentials=GcpFile(json.dumps(document)))
    assert {event.trouble for step, event in found.ended.items() if step != "token-service"} == {
        Trouble.FORBIDDEN_TARGET
    }
    assert cloud.ids == ["sts.token"]


def _ambient(monkeypatch: pytest.MonkeyPatch, folder: Path, document: Mapping[str, Any]) -> None:
    """The application-default credentials of this machine."""
    file = folder / "default.json"
    file.write_text(json.dumps(document))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))


def test_application_default_credentials(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _ambient(monkeypatch, tmp_path, json.loads(_file(gcp.REFRESH).document))
    found = run(credentials=GcpDefault())
    assert found.of(State.SEEN) == set(found.ended)


@pytest.mark.parametrize(
    ("document", "trouble"),
    [
        (
            {
                "type": "external_account",
                "audience": "//iam.googleapis.com/x",
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "token_url": "https://sts.googleapis.com/v1/token",
                "credential_source": {"executable": {"command": "/bin/false"}},
            },
            Trouble.FORBIDDEN_TARGET,
        ),
        ({"type": "nothing"}, Trouble.CREDENTIALS),
    ],
)
def test_application_default_credentials_of_other_kinds(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, document: dict[str, Any], trouble: Trouble
) -> None:
    _ambient(monkeypatch, tmp_path, document)
    found = run(credentials=GcpDefault())
    assert {event.trouble for step, event in found.ended.items() if step != "token-service"} == {trouble}
    assert cloud.ids == ["sts.token"]


# --- The round trip --------------------------------------------------------------------------------------------------


def test_the_round_trip_is_a_step_of_its_own(cloud: Cloud) -> None:
    assert probe.round_trip(HEALTHY.configuration, None) == ()
    found = _run(HEALTHY.configuration, probe.round_trip(HEALTHY.configuration, ME))
    assert found.of(State.SEEN) == {"round-trip"}
    assert cloud.ids == [f"{KEYS}.encrypt", f"{KEYS}.decrypt"]
    assert found.ended["round-trip"].exhibits == ()


@pytest.mark.parametrize("verb", ["Encrypt", "Decrypt"])
def test_the_round_trip_names_what_is_missing(cloud: Cloud, verb: str) -> None:
    permission = f"cloudkms.cryptoKeyVersions.useTo{verb}"
    cloud.change(caller={"lacks": [permission]})
    ended = _run(HEALTHY.configuration, probe.round_trip(HEALTHY.configuration, ME)).ended["round-trip"]
    assert (ended.trouble, ended.permission) == (Trouble.REFUSED, permission)


def test_the_round_trip_looks_at_what_comes_back(cloud: Cloud) -> None:
    cloud.fault(f"{KEYS}.decrypt", 200, {"plaintext": "AAAA"})
    ended = _run(HEALTHY.configuration, probe.round_trip(HEALTHY.configuration, ME)).ended["round-trip"]
    assert ended.trouble is Trouble.BAD_ANSWER


# --- In the process of its own ---------------------------------------------------------------------------------------


def test_a_whole_run_in_its_own_process(cloud: Cloud) -> None:
    events = list(live.run(HEALTHY.configuration, ME, round_trip=True))
    ended = {event.step: event for event in events if isinstance(event, Ended)}
    assert {event.state for event in ended.values()} == {State.SEEN}
    assert "gcp-round-trip" in ended
    checked = check(HEALTHY.configuration, [exhibit for event in ended.values() for exhibit in event.exhibits])
    assert not checked.failed
    assert checked.of(Status.COULD_NOT_CHECK) == ()
    assert gcp.TOKEN not in repr(events)


def test_the_refusal_of_a_name_survives_the_way_out_of_that_process(served: Cloud) -> None:
    served.of("provider-disabled")
    ended = [event for event in live.run(HEALTHY.configuration, None) if isinstance(event, Ended)]
    checked = check(HEALTHY.configuration, [exhibit for event in ended for exhibit in event.exhibits])
    assert {finding.id for finding in checked.of(Status.FAIL)} == {"gcp-token-service-refuses-name"}
