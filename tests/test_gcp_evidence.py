"""Reading gcloud's output: every shape, every state, contradictions, and hostile documents.

The shapes are those of Google's API references (IAM, Cloud KMS, Resource Manager, Service Usage), with made-up values.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ekm_core import evidence
from ekm_core.evidence import State
from ekm_core.gcp import printed
from ekm_core.gcp.evidence import GcpEvidence, read
from ekm_core.model import Exhibit

NUMBER, PROJECT = "123456789012", "acme-keys"
POOL = f"projects/{NUMBER}/locations/global/workloadIdentityPools/openai-pool"
PROVIDER = f"{POOL}/providers/openai-ekm"
RING = f"projects/{PROJECT}/locations/europe-west1/keyRings/ekm"
KEY = f"{RING}/cryptoKeys/openai"
MEMBER = f"principal://iam.googleapis.com/{POOL}/subject/105900137572174660365"
PLACE = f"--keyring=ekm --location=europe-west1 --project={PROJECT}"

PROVIDER_DOCUMENT = {
    "name": PROVIDER,
    "state": "ACTIVE",
    "attributeMapping": {"google.subject": "assertion.sub"},
    "attributeCondition": 'assertion.sub == "105900137572174660365"',
    "oidc": {"issuerUri": "https://accounts.google.com", "allowedAudiences": ["org-abc"]},
}
KEY_DOCUMENT = {
    "name": KEY,
    "purpose": "ENCRYPT_DECRYPT",
    "primary": {"name": f"{KEY}/cryptoKeyVersions/1", "state": "ENABLED", "algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION"},
    "versionTemplate": {"protectionLevel": "SOFTWARE", "algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION"},
}
POLICY = {"bindings": [{"role": "roles/x", "members": [MEMBER, "user:a@b.c"]}], "etag": "BwX=", "version": 1}
PROJECT_DOCUMENT = {"projectId": PROJECT, "projectNumber": NUMBER, "lifecycleState": "ACTIVE"}
DESCRIBE_KEY = f"gcloud kms keys describe openai {PLACE}"
KEY_POLICY = f"gcloud kms keys get-iam-policy openai {PLACE}"


def shown(output: object, command: str = "") -> Exhibit:
    return Exhibit(command, output, json.dumps(output))


def said(text: str, command: str) -> Exhibit:
    return Exhibit(command, None, text)


def test_documents_that_name_themselves_need_no_command() -> None:
    role = {"name": f"projects/{PROJECT}/roles/ekm", "includedPermissions": ["cloudkms.cryptoKeyVersions.useToEncrypt"]}
    found = read(
        [
            shown({"name": POOL, "state": "ACTIVE"}),
            shown([PROVIDER_DOCUMENT]),
            shown({"name": RING}),
            shown(KEY_DOCUMENT),
            shown(role),
            shown(PROJECT_DOCUMENT),
        ]
    )
    assert found.pool(POOL).state is State.SEEN
    assert found.provider(PROVIDER).value == PROVIDER_DOCUMENT
    assert found.key_ring(RING).state is State.SEEN
    assert found.key(KEY).value == KEY_DOCUMENT
    assert found.version(f"{KEY}/cryptoKeyVersions/1").value == KEY_DOCUMENT["primary"]
    assert found.role(f"projects/{PROJECT}/roles/ekm").value == role
    assert found.project(PROJECT).value == found.project(NUMBER).value == PROJECT_DOCUMENT
    assert found.number_of(PROJECT) == NUMBER
    assert found.id_of(NUMBER) == PROJECT
    assert found.loose == ()


def test_a_project_may_be_named_by_id_or_number_once_both_are_known() -> None:
    by_number = KEY.replace(PROJECT, NUMBER)
    assert read([shown(KEY_DOCUMENT)]).key(by_number).state is State.NOT_GIVEN
    assert read([shown(KEY_DOCUMENT), shown(PROJECT_DOCUMENT)]).key(by_number).state is State.SEEN


def test_two_numbers_for_one_project_translate_nothing() -> None:
    found = read([shown(PROJECT_DOCUMENT), shown({**PROJECT_DOCUMENT, "projectNumber": "999"})])
    assert found.project(PROJECT).state is State.CONFLICTING
    assert found.number_of(PROJECT) == ""


@pytest.mark.parametrize(
    ("command", "resource"),
    [
        (KEY_POLICY, KEY),
        (f"gcloud kms keys get-iam-policy {KEY} --format=json", KEY),
        (f"gcloud kms keys get-iam-policy openai --keyring={RING}", KEY),
        (f"gcloud --quiet kms keys get-iam-policy openai {PLACE}", KEY),
        (f"gcloud kms keyrings get-iam-policy ekm --location=europe-west1 --project={PROJECT}", RING),
        (f"gcloud projects get-iam-policy {PROJECT}", f"projects/{PROJECT}"),
        ("gcloud resource-manager folders get-iam-policy 42", "folders/42"),
        ("gcloud organizations get-iam-policy 77", "organizations/77"),
    ],
)
def test_a_policy_stands_on_the_resource_of_its_command(command: str, resource: str) -> None:
    fact = read([shown(POLICY, command)]).policy(resource)
    assert (fact.state, fact.value) == (State.SEEN, POLICY)
    assert fact.source == f"`{command}`"


@pytest.mark.parametrize("command", ["", "gcloud kms keys get-iam-policy openai --keyring=ekm --location=europe-west1"])
def test_a_policy_without_a_full_command_stays_loose(command: str) -> None:
    found = read([shown(POLICY, command)])
    assert found.policy(KEY).state is State.NOT_GIVEN
    assert "does not say what it is set on" in found.loose[0].sentence


def test_the_policies_from_the_key_up() -> None:
    above = [
        {"id": PROJECT, "type": "project", "policy": POLICY},
        {"id": "42", "type": "folder", "policy": {"etag": "ACAB"}},
        {"id": "77", "type": "organization", "policy": {"etag": "ACAB"}},
    ]
    found = read(
        [shown({"etag": "ACAB"}, KEY_POLICY), shown(above, f"gcloud projects get-ancestors-iam-policy {PROJECT}")]
    )
    states = [(resource, fact.state) for resource, fact in found.policies(KEY)]
    assert states == [
        (KEY, State.SEEN),
        (RING, State.NOT_GIVEN),
        (f"projects/{PROJECT}", State.SEEN),
        ("folders/42", State.SEEN),
        ("organizations/77", State.SEEN),
    ]


def test_the_order_of_members_is_no_contradiction_and_another_member_is() -> None:
    turned = {"bindings": [{"role": "roles/x", "members": ["user:a@b.c", MEMBER]}], "etag": "other"}
    assert read([shown(POLICY, KEY_POLICY), shown(turned, KEY_POLICY)]).policy(KEY).state is State.SEEN
    other = {"bindings": [], "etag": "other"}
    fact = read([shown(POLICY, KEY_POLICY), shown(other, KEY_POLICY)]).policy(KEY)
    assert fact.state is State.CONFLICTING
    assert "newest" in fact.because


def test_a_provider_that_changed_between_two_outputs_is_conflicting() -> None:
    changed = {name: value for name, value in PROVIDER_DOCUMENT.items() if name != "attributeCondition"}
    assert read([shown(PROVIDER_DOCUMENT), shown(changed)]).provider(PROVIDER).state is State.CONFLICTING


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (f"ERROR: (gcloud.kms.keys.describe) NOT_FOUND: CryptoKey {KEY} not found.", State.ABSENT),
        (
            "ERROR: (gcloud.kms.keys.describe) PERMISSION_DENIED: Permission 'cloudkms.cryptoKeys.get' denied on "
            f"resource '{KEY}' (or it may not exist).",
            State.REFUSED,
        ),
        ("ERROR: (gcloud.kms.keys.describe) You do not currently have an active account selected.", State.FAILED),
    ],
)
def test_an_error_is_about_the_resource_of_its_command(text: str, state: State) -> None:
    fact = read([said(text, DESCRIBE_KEY)]).key(KEY)
    assert fact.state is state
    assert fact.because


def test_what_was_seen_outweighs_a_refusal() -> None:
    refusal = said("ERROR: (gcloud.kms.keys.describe) PERMISSION_DENIED: denied", DESCRIBE_KEY)
    assert read([refusal, shown(KEY_DOCUMENT)]).key(KEY).state is State.SEEN


def test_a_disabled_api_says_nothing_about_the_key() -> None:
    text = (
        "ERROR: (gcloud.kms.keys.describe) PERMISSION_DENIED: Cloud Key Management Service (KMS) API has not been "
        f"used in project {NUMBER} before or it is disabled. Enable it by visiting "
        f"https://console.developers.google.com/apis/api/cloudkms.googleapis.com/overview?project={NUMBER} then retry."
    )
    found = read([said(text, DESCRIBE_KEY)])
    assert found.key(KEY).state is State.FAILED
    assert found.api(NUMBER).state is State.ABSENT


SERVICE = {
    "config": {"name": "cloudkms.googleapis.com", "title": "Cloud KMS"},
    "name": f"projects/{NUMBER}/services/cloudkms.googleapis.com",
    "parent": f"projects/{NUMBER}",
    "state": "ENABLED",
}
OTHER_SERVICE = {"config": {"name": "iam.googleapis.com"}, "state": "ENABLED"}
SERVICES = f"gcloud services list --enabled --project={PROJECT}"


@pytest.mark.parametrize(
    ("output", "command", "state"),
    [
        ([SERVICE], SERVICES, State.SEEN),
        ([SERVICE], "", State.NOT_GIVEN),
        ([OTHER_SERVICE], SERVICES, State.ABSENT),
        ([OTHER_SERVICE], "", State.NOT_GIVEN),
        ([], f"{SERVICES} --filter=config.name=cloudkms.googleapis.com", State.ABSENT),
        ([], f"{SERVICES} --filter=config.name:cloudkms.googleapis.com", State.ABSENT),
        ([], f"{SERVICES} --filter=name=cloudkms.googleapis.com", State.NOT_GIVEN),
        ([OTHER_SERVICE], f"{SERVICES} --limit=1", State.NOT_GIVEN),
        ([OTHER_SERVICE], f"{SERVICES} | head -20", State.NOT_GIVEN),
        ([{**SERVICE, "state": "DISABLED"}], f"{SERVICES} --available", State.ABSENT),
    ],
)
def test_whether_the_api_is_enabled(output: object, command: str, state: State) -> None:
    assert read([shown(output, command)]).api(PROJECT).state is state


def test_a_list_of_apis_counts_for_the_number_that_it_names() -> None:
    assert read([shown([SERVICE])]).api(NUMBER).state is State.SEEN


def test_a_whole_list_proves_what_it_lacks() -> None:
    listing = f"gcloud iam workload-identity-pools providers list --workload-identity-pool={POOL}"
    other = {**PROVIDER_DOCUMENT, "name": f"{POOL}/providers/other"}
    hidden = read([shown([other], listing)])
    assert hidden.provider(PROVIDER).state is State.NOT_GIVEN, "deleted providers are not in this list"
    whole = read([shown([other], f"{listing} --show-deleted")])
    assert whole.provider(PROVIDER).state is State.ABSENT
    assert whole.provider(f"{POOL}/providers/other").state is State.SEEN
    contradicting = read([shown([other], f"{listing} --show-deleted"), shown(PROVIDER_DOCUMENT)])
    assert contradicting.provider(PROVIDER).state is State.CONFLICTING


def test_the_versions_of_a_key() -> None:
    versions = [{"name": f"{KEY}/cryptoKeyVersions/{number}", "state": "DESTROYED"} for number in (1, 2)]
    command = f"gcloud kms keys versions list --key=openai {PLACE}"
    found = read([shown(versions, command)])
    assert [fact.value for fact in found.versions(KEY)] == versions
    assert found.listed(f"{KEY}/cryptoKeyVersions").state is State.SEEN
    assert read([shown(versions, command), shown(KEY_DOCUMENT)]).version(versions[0]["name"]).state is State.CONFLICTING


def test_no_deny_policies_are_a_fact_only_with_the_command() -> None:
    point = f"cloudresourcemanager.googleapis.com/projects/{PROJECT}"
    command = f"gcloud iam policies list --attachment-point={point} --kind=denypolicies"
    assert read([shown([], command)]).deny_policies(f"projects/{PROJECT}").value == {"names": frozenset()}
    found = read([shown([])])
    assert found.deny_policies(f"projects/{PROJECT}").state is State.NOT_GIVEN
    assert "empty list" in found.loose[0].sentence


def test_what_gcloud_prints_without_being_asked_for_json() -> None:
    transcript = f"""$ gcloud iam workload-identity-pools providers describe openai-ekm \\
    --workload-identity-pool=openai-pool --location=global --project={PROJECT}
attributeCondition: assertion.sub ==
  "105900137572174660365"
attributeMapping:
  google.subject: assertion.sub
name: {PROVIDER}
oidc:
  allowedAudiences:
  - org-abc
  issuerUri: https://accounts.google.com
state: ACTIVE
$ gcloud kms keys versions list --key=openai {PLACE}
NAME                                  STATE
{KEY}/cryptoKeyVersions/1  ENABLED
"""
    found = read(evidence.read(transcript).exhibits)
    assert found.provider(PROVIDER).value == PROVIDER_DOCUMENT
    assert [fact.value["state"] for fact in found.versions(KEY) if fact.value] == ["ENABLED"]


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("a: 1\nb: '1'\nc: true\nd: null\ne: {}\nf: []", {"a": 1, "b": "1", "c": True, "d": None, "e": {}, "f": []}),
        ("a:\n- b: c\n  d: e\n- f\n- - g\n  - h", {"a": [{"b": "c", "d": "e"}, "f", ["g", "h"]]}),
        ("a: 'it''s'\nb: \"x\\ty\"", {"a": "it's", "b": "x\ty"}),
        ("a: |-\n  one\n    two\n\n  three\nb: c", {"a": "one\n  two\n\nthree", "b": "c"}),
        ("---\na: b\n---\na: c", [{"a": "b"}, {"a": "c"}]),
        (
            "bindings:\n- condition:\n    title: t\n  role: r\netag: BwX=",
            {"bindings": [{"condition": {"title": "t"}, "role": "r"}], "etag": "BwX="},
        ),
        (
            "NAME TITLE\ncloudkms.googleapis.com Cloud KMS",
            [{"config": {"name": "cloudkms.googleapis.com"}, "state": "ENABLED"}],
        ),
        ("a: b\na: c", None),
        ("a: &x b", None),
        ("a: [b, c]", None),
        ("a: 'open", None),
        ("plain words", None),
        ("", None),
        ("a:\n" * 5_001, None),
    ],
)
def test_yaml_as_gcloud_prints_it(text: str, document: object) -> None:
    assert printed.read(text) == document


@pytest.mark.parametrize(
    "text", ["- " * 400_000, "a:\n" + " " * 999_000, "a: b\n" + " c\\\n" * 200_000, "'" * 1_000_000]
)
def test_a_long_text_is_read_quickly(text: str) -> None:
    printed.read(text)


def test_exhibits_of_other_clouds_are_passed_over() -> None:
    assert read([shown({"name": POOL}, "az account show"), shown(POLICY, "aws iam get-role")]) == GcpEvidence()


_NAMES = ["name", "bindings", "etag", "config", "state", "policy", "id", "type", "projectId", "projectNumber"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES) | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=20,
)
COMMANDS = st.sampled_from(
    ["", KEY_POLICY, SERVICES, f"gcloud projects get-ancestors {PROJECT}", DESCRIBE_KEY, "gcloud x"]
)


@given(st.lists(st.tuples(COMMANDS, JSON), max_size=4))
def test_no_document_raises(outputs: list[tuple[str, object]]) -> None:
    found = read([Exhibit(command, output, "") for command, output in outputs])
    for kind, name in found.facts:
        found.find(kind, name)
    found.policies(KEY)


@given(st.text(alphabet="a:-' \"\n|>[]{}&#\\", max_size=80) | st.text(max_size=60))
def test_no_text_raises(text: str) -> None:
    printed.read(text)
    read([said(text, DESCRIBE_KEY)])


# --- The token service and deny policies -----------------------------------------------------------------------------

AUDIENCE = f"//iam.googleapis.com/{PROVIDER}"
CURL = "curl -sS https://sts.googleapis.com/v1/token --data-urlencode"
TARGET = {
    "error": "invalid_target",
    "error_description": 'The target service indicated by the "audience" parameters is invalid. This might either be '
    "because the pool or provider is disabled or deleted or because it doesn't exist.",
}


def test_the_token_service_refused_the_name_that_was_asked_for() -> None:
    found = read([shown(TARGET, f"{CURL} 'grant_type=x' --data-urlencode audience={AUDIENCE}")])
    assert found.exchange(AUDIENCE).state is State.SEEN
    assert found.exchange(f"{AUDIENCE}2").state is State.NOT_GIVEN
    assert found.loose == ()


@pytest.mark.parametrize(
    ("answer", "command"),
    [
        (
            {"error": "invalid_grant", "error_description": "Unable to parse the ID Token."},
            f"{CURL} audience={AUDIENCE}",
        ),
        ({"error": "invalid_target"}, f"{CURL} audience={AUDIENCE}"),
        ({"error": "x", "error_description": 7}, f"{CURL} audience={AUDIENCE}"),
        (TARGET, f"{CURL} audience={AUDIENCE} --data-urlencode audience={AUDIENCE}2"),
        (TARGET, f"{CURL} audience={AUDIENCE} 'unclosed"),
        (TARGET, f"curl https://elsewhere.example/v1/token -d audience={AUDIENCE}"),
        (TARGET, CURL),
        (TARGET, ""),
    ],
)
def test_what_says_nothing_of_a_name(answer: object, command: str) -> None:
    assert read([shown(answer, command)]).facts == {}


def test_an_answer_about_the_token_is_said_to_be_one() -> None:
    answer = {"error": "invalid_grant", "error_description": "Unable to parse the ID Token."}
    exhibit = shown(answer, f"{CURL} audience={AUDIENCE}")
    assert evidence.outcome(exhibit).state is State.SEEN
    (loose,) = read([exhibit]).loose
    assert "spoke of the token" in loose.sentence
    failed = said(f"{evidence.NOT_READ}There was no answer in time.", f"{CURL} audience={AUDIENCE}")
    assert "no answer in time" in read([failed]).loose[0].sentence


def test_a_deny_policy_counts_with_its_rules_alone() -> None:
    name = f"policies/cloudresourcemanager.googleapis.com%2Fprojects%2F{NUMBER}/denypolicies/guard"
    attached = f"--attachment-point=cloudresourcemanager.googleapis.com/projects/{PROJECT} --kind=denypolicies"
    listed = shown([{"name": name, "kind": "DenyPolicy"}], f"gcloud iam policies list {attached}")
    whole = shown({"name": name, "kind": "DenyPolicy", "rules": []}, f"gcloud iam policies get guard {attached}")
    assert read([listed]).deny_policy(name).state is State.NOT_GIVEN
    found = read([listed, whole])
    assert found.deny_policy(name).state is State.SEEN
    assert found.deny_policies(f"projects/{PROJECT}").value == {"names": frozenset({name})}
    assert found.loose == ()
