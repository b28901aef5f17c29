"""Google Cloud's evaluator: the token exchange, IAM bindings, and the limits of the process that evaluates CEL."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ekm_core import vendor
from ekm_core.decision import Outcome
from ekm_core.gcp.iam import bindings, cel, cel_child, federation
from ekm_core.gcp.iam.bindings import DECRYPT, ENCRYPT, Identity, Level
from ekm_core.gcp.iam.denials import denies

ALLOWED, DENIED, UNKNOWN = Outcome.ALLOWED, Outcome.DENIED, Outcome.UNKNOWN
NAME = "projects/123456789012/locations/global/workloadIdentityPools/openai-pool/providers/openai-provider"
AUDIENCE = "org-AbCdEf123456"
CLAIMS = federation.openai_claims(AUDIENCE)
CONDITION = f'assertion.sub == "{vendor.GCP_SUBJECT}"'
SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def provider(**changes):
    """OpenAI's guide, as gcloud prints the provider, with changes; None takes a field away."""
    document = {
        "name": NAME,
        "state": "ACTIVE",
        "oidc": {"issuerUri": vendor.GCP_ISSUER, "allowedAudiences": [AUDIENCE]},
        "attributeMapping": {"google.subject": "assertion.sub"},
        "attributeCondition": CONDITION,
    }
    return {key: value for key, value in (document | changes).items() if value is not None}


def oidc(**changes):
    return {"oidc": {"issuerUri": vendor.GCP_ISSUER, "allowedAudiences": [AUDIENCE]} | changes}


def mapping(**attributes):
    return {"attributeMapping": {"google.subject": "assertion.sub"} | attributes}


def errors(exchange):
    return [failure.error for failure in exchange.failures]


def test_the_guides_provider_lets_openai_in():
    found = federation.exchange(provider(), CLAIMS)
    assert (found.outcome, found.subject) == (ALLOWED, vendor.GCP_SUBJECT)
    assert federation.exchange(provider(attributeCondition=None), CLAIMS, {"state": "ACTIVE"}).outcome is ALLOWED


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"disabled": True}, "gcp-sts-provider-not-found"),
        ({"state": "DELETED"}, "gcp-sts-provider-not-found"),
        (oidc(issuerUri="https://accounts.google.com/"), "gcp-sts-issuer-mismatch"),
        (oidc(issuerUri="http://accounts.google.com"), "gcp-sts-issuer-mismatch"),
        (oidc(allowedAudiences=["org-other"]), "gcp-sts-audience-mismatch"),
        (oidc(allowedAudiences=[AUDIENCE.lower()]), "gcp-sts-audience-mismatch"),
        (oidc(allowedAudiences=[AUDIENCE + " "]), "gcp-sts-audience-mismatch"),
        (oidc(allowedAudiences=[]), "gcp-sts-audience-mismatch"),
        (oidc(allowedAudiences=None), "gcp-sts-audience-mismatch"),
        ({"oidc": None, "aws": {"accountId": "1"}}, ""),
        ({"attributeMapping": {"attribute.a": "assertion.sub"}}, "gcp-sts-attribute-mapping"),
        ({"attributeMapping": {"google.subject": CONDITION}}, "gcp-sts-attribute-mapping"),
        ({"attributeMapping": {"google.subject": "assertion.repository"}}, "gcp-sts-attribute-mapping"),
        ({"attributeMapping": {"google.subject": "assertion.sub + '" + "x" * 107 + "'"}}, "gcp-sts-attribute-mapping"),
        ({"attributeCondition": "assertion.sub == '1'"}, "gcp-sts-attribute-condition"),
        ({"attributeCondition": f"assertion.sub == {vendor.GCP_SUBJECT[:18]}"}, "gcp-sts-attribute-condition"),
        ({"attributeCondition": "assertion.repository == 'a/b'"}, "gcp-sts-attribute-condition"),
        ({"attributeCondition": "has(assertion.repository)"}, "gcp-sts-attribute-condition"),
        ({"attributeCondition": "assertion.email == 'a' && assertion.sub == '1'"}, "gcp-sts-attribute-condition"),
        ({"attributeCondition": "'admins' in google.groups"}, "gcp-sts-attribute-condition"),
        ({"attributeCondition": "attribute.repository == 'a'"}, "gcp-sts-attribute-condition"),
    ],
)
def test_why_the_exchange_fails(changes, error):
    found = federation.exchange(provider(**changes), CLAIMS)
    assert found.outcome is DENIED
    assert errors(found) == [error]


@pytest.mark.parametrize(
    "changes",
    [
        {"attributeCondition": "assertion.email == 'a'"},
        {"attributeCondition": "assertion['email'] == 'a'"},
        {"attributeCondition": "has(assertion.email)"},
        {"attributeCondition": "!has(assertion.email) || assertion.email == 'a'"},
        {"attributeCondition": "'email' in assertion"},
        {"attributeCondition": "assertion.exists(name, name == 'email')"},
        {"attributeCondition": "size(assertion) == 4"},
        {"attributeCondition": "assertion.iat > 0"},
        {"attributeCondition": "assertion.sub =="},
        {"attributeCondition": "assertion.sub.frobnicate()"},
        {"attributeCondition": "assertion.sub"},
        {"attributeCondition": "1 / 0 == 1"},
        {"attributeCondition": "true" + " " * 4096},
        {"attributeCondition": ["true"]},
        {"attributeMapping": None},
        {"attributeMapping": {"google.subject": "assertion.email"}},
        {"attributeMapping": {"google.subject": "assertion.sub", "attribute.a": "assertion.repository"}},
        {"attributeMapping": {"google.subject": "assertion.sub", "attribute.a": "'" + "a" * 2048 + "'"}},
        {"oidc": None},
        oidc(jwksJson='{"keys": []}'),
        oidc(allowedAudiences=[f"a{number}" for number in range(11)]),
        oidc(allowedAudiences=AUDIENCE),
        {"state": "STATE_UNSPECIFIED"},
        {"disabled": "true"},
    ],
)
def test_what_cannot_be_told(changes):
    found = federation.exchange(provider(**changes), CLAIMS)
    assert (found.outcome, errors(found)) == (UNKNOWN, [])
    assert found.unknown


@pytest.mark.parametrize(
    "condition",
    [
        "assertion.email == 'a' || assertion.sub.startsWith('1059')",
        f"google.subject == '{vendor.GCP_SUBJECT}'",
        f"assertion['sub'] == '{vendor.GCP_SUBJECT}'",
        f"assertion.iss == 'https://accounts.google.com' && assertion.aud == '{AUDIENCE}'",
        f"assertion.azp in ['{vendor.GCP_SUBJECT}', 'other']",
        "assertion.sub.extract('1059{rest}') == '00137572174660365'",
        "assertion.sub.split('9')[0] == '105'",
        "!has(assertion.repository)",
        "  ",
    ],
)
def test_conditions_that_hold(condition):
    assert federation.exchange(provider(attributeCondition=condition), CLAIMS).outcome is ALLOWED


def test_without_allowed_audiences_the_full_name_counts_in_both_forms():
    # IAM API, Oidc.allowedAudiences: "with or without the HTTPS prefix".
    bare = provider(**oidc(allowedAudiences=[]))
    for prefix in ("//", "https://"):
        assert (
            federation.exchange(bare, federation.openai_claims(f"{prefix}iam.googleapis.com/{NAME}")).outcome is ALLOWED
        )
    assert federation.exchange(provider(), federation.openai_claims("")).outcome is UNKNOWN
    unnamed = federation.exchange(provider(name=None, **oidc(allowedAudiences=[])), CLAIMS)
    assert (unnamed.outcome, errors(unnamed)) == (UNKNOWN, [])


def test_a_disabled_pool_and_several_faults_at_once():
    found = federation.exchange(provider(**oidc(issuerUri="x", allowedAudiences=["y"])), CLAIMS, {"disabled": True})
    assert errors(found) == ["gcp-sts-provider-not-found", "gcp-sts-issuer-mismatch", "gcp-sts-audience-mismatch"]


def test_what_the_mapping_makes():
    found = federation.exchange(
        provider(**mapping(**{"attribute.aud": "assertion.aud", "google.groups": "['a', 'b']"})), CLAIMS
    )
    assert (found.groups, found.attributes) == (("a", "b"), {"aud": AUDIENCE})
    assert federation.exchange(provider(**mapping(**{"attribute.a": "assertion.email"})), CLAIMS).attributes is None


# IAM bindings.

IDENTITY = Identity("123456789012", "openai-pool", vendor.GCP_SUBJECT, ("g",), {"aud": AUDIENCE})
POOL = f"//iam.googleapis.com/{IDENTITY.pool_name}"
BOTH = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
KEY = "projects/my-project/locations/europe-west1/keyRings/ring/cryptoKeys/key"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
EMPTY = {"etag": "ACAB"}
CUSTOM = "projects/my-project/roles/ekm"


def binding(member=IDENTITY.member, role=BOTH, expression=None):
    found = {"role": role, "members": ["user:a@example.com", member]}
    return found if expression is None else found | {"condition": {"title": "t", "expression": expression}}


def allows(*found, permission=ENCRYPT, roles=None, ring=EMPTY, project=EMPTY, identity=IDENTITY):
    levels = [Level("key", {"bindings": list(found), "etag": "x"}), Level("key ring", ring), Level("project", project)]
    return bindings.allows(permission, identity, levels, roles or {}, key=KEY, now=NOW)


@pytest.mark.parametrize(
    ("member", "expected", "near"),
    [
        (IDENTITY.member, ALLOWED, ""),
        (f"principalSet:{POOL}/*", ALLOWED, ""),
        (f"principalSet:{POOL}/group/g", ALLOWED, ""),
        (f"principalSet:{POOL}/group/h", DENIED, "other-attribute"),
        (f"principalSet:{POOL}/attribute.aud/{AUDIENCE}", ALLOWED, ""),
        (f"principalSet:{POOL}/attribute.aud/org-other", DENIED, "other-attribute"),
        (f"principalSet:{POOL}/attribute.repository/a", DENIED, "attribute-not-mapped"),
        ("allUsers", ALLOWED, ""),
        ("allAuthenticatedUsers", DENIED, ""),
        (IDENTITY.member[:-1], DENIED, "other-subject"),
        (IDENTITY.member.replace("123456789012", "my-project"), DENIED, "project-id"),
        (IDENTITY.member.replace("123456789012", "210987654321"), DENIED, "other-project"),
        (IDENTITY.member.replace("openai-pool", "github"), DENIED, "other-pool"),
        (IDENTITY.member.replace("principal:", "principalSet:"), DENIED, "malformed-member"),
        (IDENTITY.member.replace("locations/global/", ""), DENIED, "malformed-member"),
        (f"deleted:{IDENTITY.member}?uid=1", DENIED, "deleted-member"),
        ("serviceAccount:ekm@my-project.iam.gserviceaccount.com", DENIED, ""),
        ("principalSet://cloudresourcemanager.googleapis.com/projects/123456789012", UNKNOWN, ""),
    ],
)
def test_members(member, expected, near):
    found = allows(binding(member))
    assert found.outcome is expected
    assert [one.kind for one in found.near] == ([near] if near else [])


@pytest.mark.parametrize(
    ("role", "encrypt", "decrypt"),
    [
        (BOTH, ALLOWED, ALLOWED),
        ("roles/cloudkms.cryptoKeyEncrypter", ALLOWED, DENIED),
        ("roles/cloudkms.cryptoKeyDecrypter", DENIED, ALLOWED),
        ("roles/cloudkms.admin", DENIED, DENIED),
        ("roles/cloudkms.cryptoKeyEncrypterDecrypterViaDelegation", DENIED, DENIED),
        ("roles/owner", UNKNOWN, UNKNOWN),
        (CUSTOM, UNKNOWN, UNKNOWN),
        (f"{BOTH}_withcond_1a2b3c", UNKNOWN, UNKNOWN),
    ],
)
def test_roles(role, encrypt, decrypt):
    assert allows(binding(role=role)).outcome is encrypt
    assert allows(binding(role=role), permission=DECRYPT).outcome is decrypt


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        ({"name": CUSTOM, "includedPermissions": [ENCRYPT]}, ALLOWED),
        ({"name": CUSTOM, "includedPermissions": [DECRYPT]}, DENIED),
        ({"name": CUSTOM, "includedPermissions": [ENCRYPT], "deleted": True}, DENIED),
        ({"name": CUSTOM, "includedPermissions": [ENCRYPT], "stage": "DISABLED"}, DENIED),
        ({"name": CUSTOM, "title": "from a list"}, UNKNOWN),
        ({"name": "projects/other/roles/ekm", "includedPermissions": [ENCRYPT]}, UNKNOWN),
        ({"name": CUSTOM, "includedPermissions": ENCRYPT}, UNKNOWN),
    ],
)
def test_custom_roles(described, expected):
    assert allows(binding(role=CUSTOM), roles={CUSTOM: described}).outcome is expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("true", ALLOWED),
        ("request.time < timestamp('2030-01-01T00:00:00Z')", ALLOWED),
        ("request.time < timestamp('2025-01-01T00:00:00Z')", DENIED),
        ("resource.name.startsWith('projects/my-project/locations/europe-west1/keyRings/ring/')", ALLOWED),
        ("resource.name.startsWith('projects/other/')", DENIED),
        ("resource.name.extract('keyRings/{ring}/') == 'ring'", ALLOWED),
        ("resource.service == 'cloudkms.googleapis.com'", ALLOWED),
        ("resource.service == 'storage.googleapis.com'", DENIED),
        # The key or its version: which of the two Google looks at is not certain.
        ("resource.type == 'cloudkms.googleapis.com/CryptoKey'", UNKNOWN),
        (f"resource.name == '{KEY}'", UNKNOWN),
        ("resource.name.startsWith('projects/123456789012/')", UNKNOWN),
        ("resource.matchTag('1/env', 'prod')", UNKNOWN),
        ("api.getAttribute('a', []).hasOnly(['b'])", UNKNOWN),
        ("request.time <", UNKNOWN),
        ("'true'", UNKNOWN),
        ("'True'", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_conditions_of_bindings(expression, expected):
    found = allows(binding(expression=expression))
    assert found.outcome is expected
    assert ("condition-false" in [one.kind for one in found.near]) is (expected is DENIED)


def test_inheritance_and_levels_that_are_not_given():
    granted = {"bindings": [binding()]}
    assert allows(project=granted).outcome is ALLOWED
    assert allows(ring=granted).outcome is ALLOWED
    assert allows(binding(), project=None).outcome is ALLOWED
    for unreadable in (None, {}, [], "x", {"bindings": 3}, {"bindings": [{"role": BOTH}]}, {"bindings": [3]}):
        found = allows(project=unreadable)
        assert found.outcome is UNKNOWN
        assert any("project" in sentence for sentence in found.missing)
    assert bindings.allows(ENCRYPT, IDENTITY, [], {}).outcome is UNKNOWN
    assert allows(identity=Identity("my-project", "openai-pool", "1")).outcome is UNKNOWN


EVERYBODY = "principalSet://goog/public:all"
USE = "cloudkms.googleapis.com/cryptoKeyVersions.useToEncrypt"
WHOLE_POOL = f"principalSet://iam.googleapis.com/{IDENTITY.pool_name}/*"


def deny(**rule):
    return {"rules": [{"denyRule": {"deniedPrincipals": [EVERYBODY], "deniedPermissions": [USE], **rule}}]}


@pytest.mark.parametrize(
    ("policy", "holds"),
    [
        (deny(), True),
        (deny(deniedPrincipals=[IDENTITY.member]), True),
        (deny(deniedPrincipals=["principal://goog/subject/ada@acme.example", WHOLE_POOL]), True),
        (deny(deniedPrincipals=[f"{IDENTITY.member}0"]), False),
        (deny(deniedPrincipals=["principal://goog/subject/ada@acme.example"]), False),
        (deny(deniedPrincipals=["principal://iam.googleapis.com/projects/-/serviceAccounts/a@b.example"]), False),
        (deny(deniedPrincipals=["principalSet://goog/group/all@acme.example"]), None),
        (deny(deniedPrincipals=["principalSet://goog/cloudIdentityCustomerId/C01Abc35"]), None),
        (deny(deniedPermissions=["cloudkms.googleapis.com/cryptoKeyVersions.useToDecrypt"]), False),
        (deny(deniedPermissions=["cloudkms.googleapis.com/*.*"]), True),
        (deny(deniedPermissions=["cloudkms.googleapis.com/cryptoKeyVersions.*"]), True),
        (deny(deniedPermissions=["cloudkms.googleapis.com/*.useToEncrypt"]), True),
        (deny(deniedPermissions=["cloudkms.googleapis.com/keyRings.*"]), False),
        (deny(deniedPermissions=["cloudkms.googleapis.com/crypto*"]), None),
        (deny(exceptionPermissions=["cloudkms.googleapis.com/cryptoKeyVersions.*"]), False),
        (deny(deniedPermissions=["iam.googleapis.com/*.*"]), False),
        (deny(exceptionPermissions=[USE]), False),
        (deny(exceptionPrincipals=[WHOLE_POOL]), False),
        (deny(exceptionPrincipals=[f"{IDENTITY.member}0"]), True),
        (deny(exceptionPrincipals=["principalSet://goog/group/all@acme.example"]), None),
        (deny(denialCondition={"expression": "resource.matchTag('1/a', 'b')"}), None),
        (deny(denialCondition={"expression": "x"}, exceptionPrincipals=[WHOLE_POOL]), False),
        (deny(deniedPrincipals="everybody"), None),
        ({"rules": [{}]}, None),
        ({"rules": [*deny(deniedPrincipals=[])["rules"], *deny()["rules"]]}, True),
        ({"rules": []}, False),
        ({"name": "policies/x"}, None),
        ([], None),
    ],
)
def test_deny_policies(policy, holds):
    assert denies(ENCRYPT, IDENTITY, policy).holds is holds


def test_a_denial_names_its_rule():
    found = denies(ENCRYPT, IDENTITY, {"rules": [*deny(deniedPrincipals=[])["rules"], *deny()["rules"]]})
    assert found.rule == 2
    assert EVERYBODY in found.why


def test_groups_and_attributes_that_are_not_known():
    stranger = Identity("123456789012", "openai-pool", vendor.GCP_SUBJECT)
    for rest in ("group/g", "attribute.aud/x"):
        assert allows(binding(f"principalSet:{POOL}/{rest}"), identity=stranger).outcome is UNKNOWN


MEMBERS = st.sampled_from(
    (
        IDENTITY.member,
        IDENTITY.member[:-1],
        "allUsers",
        "allAuthenticatedUsers",
        f"principalSet:{POOL}/group/h",
        "user:a",
    )
)
ROLES = st.sampled_from((BOTH, "roles/cloudkms.admin", "roles/owner", "roles/cloudkms.cryptoKeyDecrypter", CUSTOM))
BINDINGS = st.lists(st.builds(binding, MEMBERS, ROLES), max_size=5)
NAMES = st.sampled_from(
    ("bindings", "role", "members", "condition", "expression", "oidc", "issuerUri", "allowedAudiences", "state", "name")
) | st.sampled_from(("attributeMapping", "attributeCondition", "google.subject", "disabled"))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from((IDENTITY.member, BOTH, "assertion.sub", "\ud800", "'" * 9, "[" * 99)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(max_size=4), inner, max_size=5),
    max_leaves=20,
)


@SLOW
@given(BINDINGS, BINDINGS, st.randoms(use_true_random=False))
def test_order_does_not_matter_and_a_binding_never_takes_away(some, more, random):
    first = allows(*some).outcome
    shuffled = random.sample(some, len(some))
    assert allows(*shuffled).outcome is first
    if first is ALLOWED:
        assert allows(*some, *more).outcome is ALLOWED


@SLOW
@given(JSON, JSON)
def test_no_document_raises(document, other):
    federation.exchange(document, CLAIMS, other)
    changed = provider(attributeMapping={"google.subject": "assertion.sub", "attribute.a": document}, oidc=other)
    federation.exchange(changed, CLAIMS)
    condition = {"role": BOTH, "members": [IDENTITY.member], "condition": other}
    levels = [Level("key", document), Level("project", {"bindings": [condition]})]
    bindings.allows(ENCRYPT, IDENTITY, levels, {BOTH: document}, key=KEY, now=NOW)


# The process that evaluates.


@pytest.mark.parametrize(
    ("template", "expected"),
    [("a/{x}/", "b"), ("{x}/b", "a"), ("b/{x}", "c"), ("{x}", "a/b/c"), ("z/{x}", ""), ("b/{x}/", "")],
)
def test_extract(template, expected):
    assert cel_child.extract("a/b/c", template) == expected


def test_a_syntax_error_names_line_and_column():
    (found,) = cel.evaluate(["true &&\n  (1 =="], {})
    assert found.state is cel.State.SYNTAX
    assert "line 2, column 8" in found.message


HOSTILE = {
    "many copies": "["
    + ",".join(["'" + "x" * 90 + "'"] * 40)
    + "]"
    + ".map(a, [0,1,2,3,4,5,6,7,8,9].map(b, a + a))" * 3,
    "long loop": ".map(a, ".join(["[0,1,2,3,4,5,6,7,8,9]"] * 30) + ", a" + ")" * 29,
    "deep brackets": "(" * 2000 + "1" + ")" * 2000,
    "deep lists": "[" * 2000 + "]" * 2000,
    "many nots": "!" * 4000 + "true",
    "long sum": "1" + "+1" * 2000,
    "nested quantifier": "'" + "a" * 3000 + "'.matches('(a*)*(a|a)*b')",
    "huge text": "'" + "x" * 4000 + "'.replace('x', '" + "y" * 50 + "')",
    "huge format": "'%1000000000d'.format([1])",
    "a lone surrogate": "'\ud800'",
    "null characters": "\x00" * 100,
    "a megabyte": "a" * 1_000_000,
}


@pytest.mark.parametrize("expression", HOSTILE.values(), ids=HOSTILE)
def test_hostile_expressions_end_soon_and_never_raise(expression):
    started = time.monotonic()
    (found,) = cel.evaluate([expression], {"assertion": CLAIMS})
    assert time.monotonic() - started < 15
    assert found.state is cel.State.VALUE or found.message


def test_a_long_expression_is_refused_unread(monkeypatch):
    monkeypatch.setattr(cel.subprocess, "run", None)
    assert cel.evaluate(["a" * 1_000_000], {})[0].state is cel.State.LIMIT


CHILDREN = {
    "eats memory": "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**28, 2**28)); x = bytearray(2**40)",
    "never ends": "while True: pass",
    "crashes": "import os; os.abort()",
    "says nothing": "",
}


@pytest.mark.parametrize("program", CHILDREN.values(), ids=CHILDREN)
def test_the_death_of_the_child_is_a_sentence(program, tmp_path, monkeypatch):
    child = tmp_path / "child.py"
    child.write_text('print(\'{"state": "value", "value": true}\', flush=True)\n' + program)
    monkeypatch.setattr(cel, "_CHILD", child)
    monkeypatch.setattr(cel, "_WALL_SECONDS", 1.0)
    first, second = cel.evaluate(["true", "true"], {})
    assert first.value is True
    assert second.state is cel.State.LIMIT
    assert "could not be evaluated" in second.message


def test_the_child_limits_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = cel._CHILD.read_text()
    for name, deed in (
        ("memory", "bytearray(2**31)"),
        ("time", "[None for _ in iter(int, 1)]"),
        ("file", "open('x', 'w').write('x' * 99)"),
    ):
        child = tmp_path / f"{name}.py"
        child.write_text(source.replace("request = json.load(sys.stdin.buffer)", deed))
        monkeypatch.setattr(cel, "_CHILD", child)
        assert cel.evaluate(["true"], {})[0].state is cel.State.LIMIT


@pytest.mark.parametrize(
    ("expression", "names", "whole"),
    [
        ("assertion.sub == 'assertion'", {"sub"}, False),
        ("assertion . sub", {"sub"}, False),
        ("assertion['a'] + assertion[\"b\"]", {"a", "b"}, False),
        ("// assertion\ntrue", set(), False),
        ("x.assertion", set(), False),
        ("assertion[key]", set(), True),
        ("assertion[r'a']", set(), True),
        ("assertion", set(), True),
        ("assertion.exists(a, a == 'b')", set(), True),
        ("'''assertion''' == \"\"\"assertion\"\"\"", set(), False),
        ("'\\'' + assertion.a", {"a"}, False),
    ],
)
def test_what_an_expression_reads(expression, names, whole):
    assert cel.reads(expression, "assertion") == cel.Reads(frozenset(names), whole)
