"""Azure's evaluator: the rules of learn.microsoft.com (role-based-access-control, key-vault), as tables."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ekm_core import vendor
from ekm_core.azure import policy
from ekm_core.decision import Decision, Outcome

ALLOWED, DENIED, UNKNOWN = Outcome.ALLOWED, Outcome.DENIED, Outcome.UNKNOWN
SUBSCRIPTION = "/subscriptions/11111111-2222-3333-4444-555555555555"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg1"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
KEY = f"{VAULT}/keys/org-abc--k"
OPENAI = "aaaaaaaa-0000-0000-0000-000000000001"
SOMEONE = "bbbbbbbb-0000-0000-0000-000000000002"
CUSTOM = "cccccccc-0000-0000-0000-000000000003"
CRYPTO_USER = "12338af0-0e69-4776-bea7-57ae8d297424"
SERVICE_ENCRYPTION = "e147488a-f6f5-4113-8e2d-b22465e65bf6"


def assignment(role=CUSTOM, principal=OPENAI, scope=KEY, kind="ServicePrincipal", **more):
    definition = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    return {"principalId": principal, "principalType": kind, "roleDefinitionId": definition, "scope": scope, **more}


def definition(*permissions):
    return {"name": CUSTOM, "roleName": "EKM", "permissions": list(permissions)}


def role(data_actions, not_data_actions=(), actions=()):
    lists = {"dataActions": list(data_actions), "notDataActions": list(not_data_actions), "actions": list(actions)}
    return definition({**lists, "notActions": []})


def deny(principal=None, scope=VAULT, data_actions=("*",), exclude=(), **more):
    properties = {
        "denyAssignmentName": "stack",
        "permissions": [{"actions": [], "dataActions": list(data_actions), "notDataActions": []}],
        "principals": [principal or {"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}],
        "excludePrincipals": list(exclude),
        "scope": scope,
    }
    return {"id": "d1", "properties": {**properties, **more}}


GOOD = role(vendor.AZURE_DATA_ACTIONS)


def by_roles(definitions, assignments, denials=(), action=policy.DECRYPT) -> Decision:
    return policy.decide_by_roles(
        action, OPENAI, KEY, definitions, assignments, list(denials), app_id=vendor.AZURE_APP_ID
    )


@pytest.mark.parametrize(
    ("permissions", "expected"),
    [
        ([{"dataActions": [policy.DECRYPT]}], ALLOWED),
        ([{"dataActions": [policy.DECRYPT.upper()]}], ALLOWED),
        ([{"dataActions": ["Microsoft.KeyVault/vaults/*"]}], ALLOWED),
        ([{"dataActions": ["*/action"]}], ALLOWED),
        ([{"dataActions": ["*"]}], ALLOWED),
        ([{"dataActions": ["Microsoft.KeyVault/*/decrypt/action"]}], ALLOWED),
        ([{"dataActions": ["Microsoft.KeyVault/vaults/keys/*/read"]}], DENIED),
        ([{"actions": ["*"]}], DENIED),
        ([{"actions": [policy.DECRYPT]}], DENIED),
        ([{"dataActions": ["*"], "notDataActions": [policy.DECRYPT]}], DENIED),
        ([{"dataActions": ["*"], "notDataActions": [policy.DECRYPT]}, {"dataActions": [policy.DECRYPT]}], ALLOWED),
        ([{"dataActions": ["*"], "notActions": ["*"]}], ALLOWED),
        ([{"dataActions": "*"}], UNKNOWN),
        ([{"dataActions": ["*"], "condition": "x"}], UNKNOWN),
        ([], UNKNOWN),
        ("*", UNKNOWN),
    ],
)
def test_what_a_role_holds(permissions, expected):
    assert by_roles([{"name": CUSTOM, "permissions": permissions}], [assignment()]).outcome is expected


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("/", ALLOWED),
        (SUBSCRIPTION, ALLOWED),
        (GROUP.upper(), ALLOWED),
        (VAULT, ALLOWED),
        (VAULT + "/", ALLOWED),
        (KEY, ALLOWED),
        (GROUP + "0", DENIED),
        (VAULT + "2", DENIED),
        (f"{VAULT}/keys/other", DENIED),
        (f"{KEY}/versions/1", DENIED),
        ("/providers/Microsoft.Management/managementGroups/mg", UNKNOWN),
        (f"{GROUP}/providers/Microsoft.KeyVault", UNKNOWN),
        (f"{SUBSCRIPTION}/resourceGroups", UNKNOWN),
        (f"{VAULT}/keys", UNKNOWN),
        (f"{VAULT}/secrets", DENIED),
        ("", UNKNOWN),
    ],
)
def test_scopes_by_whole_segments(scope, expected):
    assert by_roles([GOOD], [assignment(scope=scope)]).outcome is expected


@pytest.mark.parametrize(
    ("change", "expected", "near"),
    [
        ({"principal": vendor.AZURE_APP_ID}, DENIED, "application-id"),
        ({"principal": vendor.AZURE_APP_ID, "kind": ""}, DENIED, "application-id"),
        ({"principal": SOMEONE}, DENIED, "other-principal"),
        ({"principal": SOMEONE, "kind": "Group"}, UNKNOWN, ""),
        ({"principal": SOMEONE, "kind": ""}, UNKNOWN, ""),
        ({"scope": f"{VAULT}/keys/other"}, DENIED, "other-scope"),
        ({"role": SERVICE_ENCRYPTION}, DENIED, "other-role"),
        ({"role": "dddddddd-0000-0000-0000-000000000004"}, UNKNOWN, ""),
        ({"condition": "@Resource[x] StringEquals 'y'"}, UNKNOWN, ""),
        ({"role": CRYPTO_USER}, ALLOWED, ""),
    ],
)
def test_assignments(change, expected, near):
    decision = by_roles([GOOD], [assignment(**change)])
    assert decision.outcome is expected
    assert [one.kind for one in decision.near] == ([near] if near else [])


def test_data_actions_under_actions_are_named():
    decision = by_roles([role([], actions=vendor.AZURE_DATA_ACTIONS)], [assignment()])
    assert (decision.outcome, decision.near[0].kind) == (DENIED, "under-actions")


def test_encrypt_with_read_alone_is_not_certain():
    # Azure's own description of keys/encrypt/action: with an asymmetric key, read access is enough.
    assert by_roles([], [assignment(SERVICE_ENCRYPTION)], action=policy.ENCRYPT).outcome is UNKNOWN
    assert by_roles([], [assignment(SERVICE_ENCRYPTION)], action=policy.DECRYPT).outcome is DENIED


@pytest.mark.parametrize(
    ("denial", "expected"),
    [
        (deny(), DENIED),
        (deny(scope=f"{VAULT}/keys/other"), ALLOWED),
        (deny(data_actions=()), ALLOWED),
        (deny({"id": OPENAI, "type": "ServicePrincipal"}), DENIED),
        (deny({"id": SOMEONE, "type": "User"}), ALLOWED),
        (deny({"id": SOMEONE, "type": "Group"}), UNKNOWN),
        (deny(exclude=[{"id": OPENAI, "type": "ServicePrincipal"}]), ALLOWED),
        (deny(exclude=[{"id": SOMEONE, "type": "Group"}]), UNKNOWN),
        (deny(doNotApplyToChildScopes=True), ALLOWED),
        (deny(doNotApplyToChildScopes=True, scope=KEY), DENIED),
        (deny(doNotApplyToChildScopes="yes"), UNKNOWN),
        (deny(condition="x"), UNKNOWN),
        (deny(denyAssignmentEffect="Audit"), UNKNOWN),
        (deny(scope="/providers/Microsoft.Management/managementGroups/mg"), UNKNOWN),
        ({"properties": 3}, UNKNOWN),
    ],
)
def test_deny_assignments_come_first(denial, expected):
    assert by_roles([GOOD], [assignment()], [denial]).outcome is expected


def test_what_is_not_given_is_unknown_or_said():
    assert policy.decide_by_roles(policy.DECRYPT, OPENAI, KEY, [GOOD], None, []).outcome is UNKNOWN
    assert policy.decide_by_roles(policy.DECRYPT, "", KEY, [GOOD], [assignment()], []).outcome is UNKNOWN
    page = {"value": [], "nextLink": "https://management.azure.com/next"}
    assert policy.decide_by_roles(policy.DECRYPT, OPENAI, KEY, [GOOD], page, []).outcome is UNKNOWN
    unseen = policy.decide_by_roles(policy.DECRYPT, OPENAI, KEY, [GOOD], [assignment()], None)
    assert unseen.outcome is ALLOWED
    assert unseen.missing


def vault(**properties):
    return {"id": VAULT, "name": "kv", "properties": {"tenantId": "t", **properties}}


def access(keys, holder=OPENAI, **more):
    return {"objectId": holder, "tenantId": "t", "permissions": {"keys": keys}, **more}


@pytest.mark.parametrize(
    ("policies", "expected", "near"),
    [
        ([access(["get", "Decrypt"])], ALLOWED, ""),
        ([access(["all"])], ALLOWED, ""),
        ([access(["get", "wrapKey", "unwrapKey"])], DENIED, "other-permission"),
        ([access(None)], DENIED, "other-permission"),
        ([access(["decrypt"], vendor.AZURE_APP_ID)], DENIED, "application-id"),
        ([access(["decrypt"], SOMEONE)], UNKNOWN, "other-principal"),
        ([access(["get"], SOMEONE)], DENIED, ""),
        ([access(["decrypt"], applicationId=vendor.AZURE_APP_ID)], UNKNOWN, ""),
        ([access("decrypt")], UNKNOWN, ""),
        ([access(["decrypt"], tenantId="u")], DENIED, "other-tenant"),
        ([], DENIED, ""),
        (None, UNKNOWN, ""),
    ],
)
def test_access_policies_decide_where_roles_are_off(policies, expected, near):
    document = vault(enableRbacAuthorization=False, accessPolicies=policies)
    decision = policy.decide(
        policy.DECRYPT,
        OPENAI,
        KEY,
        [GOOD],
        [assignment()],
        [],
        document,
        app_id=vendor.AZURE_APP_ID,
        tenant_id="t",
    )
    assert decision.outcome is expected
    assert [one.kind for one in decision.near] == ([near] if near else [])


def test_the_vaults_mode_decides_and_an_empty_one_proves_nothing():
    for mode, expected in ((True, ALLOWED), (None, UNKNOWN), ("true", UNKNOWN)):
        document = vault(enableRbacAuthorization=mode, accessPolicies=[])
        assert policy.decide(policy.DECRYPT, OPENAI, KEY, [GOOD], [assignment()], [], document).outcome is expected


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"publicNetworkAccess": "Enabled", "networkAcls": None}, ALLOWED),
        ({"publicNetworkAccess": "Enabled", "networkAcls": {"defaultAction": "Allow"}}, ALLOWED),
        ({"networkAcls": {"defaultAction": "Deny", "ipRules": [], "virtualNetworkRules": []}}, DENIED),
        (
            {"networkAcls": {"defaultAction": "Deny", "ipRules": [{"value": "1.2.3.4/32"}], "virtualNetworkRules": []}},
            UNKNOWN,
        ),
        ({"networkAcls": {"defaultAction": "Deny"}}, UNKNOWN),
        ({"publicNetworkAccess": "Disabled"}, DENIED),
        ({"publicNetworkAccess": "Disabled", "privateEndpointConnections": [{}]}, UNKNOWN),
        ({"publicNetworkAccess": "SecuredByPerimeter"}, UNKNOWN),
        ({}, UNKNOWN),
    ],
)
def test_network_rules(properties, expected):
    assert policy.network(vault(**properties)).outcome is expected


WORDS = st.sampled_from(
    ("id", "name", "properties", "scope", "principalId", "principals", "permissions", "dataActions", "value", "keys")
) | st.sampled_from(
    ("roleDefinitionId", "accessPolicies", "objectId", "networkAcls", "defaultAction", "enableRbacAuthorization")
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([OPENAI, KEY, "*", "Deny", "\ud800"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=5),
    max_leaves=20,
)
ASSIGNMENTS = st.lists(
    st.builds(
        assignment,
        role=st.sampled_from([CUSTOM, CRYPTO_USER, SERVICE_ENCRYPTION, "x"]),
        principal=st.sampled_from([OPENAI, SOMEONE, vendor.AZURE_APP_ID]),
        scope=st.sampled_from(["/", VAULT, KEY, GROUP + "0", "/providers/Microsoft.Management/managementGroups/m"]),
        kind=st.sampled_from(["ServicePrincipal", "Group"]),
    ),
    max_size=5,
)
DENIALS = st.lists(
    st.builds(
        deny,
        principal=st.none() | st.just({"id": OPENAI, "type": "ServicePrincipal"}) | st.just({"id": SOMEONE}),
        scope=st.sampled_from([VAULT, KEY, GROUP + "0"]),
        data_actions=st.sampled_from([("*",), (), (policy.DECRYPT,)]),
    ),
    max_size=3,
)


@settings(deadline=None)
@given(JSON, JSON, JSON, JSON)
def test_no_document_raises(definitions, assignments, denials, document):
    policy.decide(policy.DECRYPT, OPENAI, KEY, definitions, assignments, denials, document)
    policy.decide_by_roles(policy.ENCRYPT, OPENAI, KEY, definitions, assignments, denials)
    policy.decide_by_access_policy(policy.DECRYPT, OPENAI, document)
    policy.network(document)


@settings(deadline=None)
@given(ASSIGNMENTS, DENIALS, st.randoms(use_true_random=False))
def test_order_does_not_matter(assignments, denials, random):
    first = by_roles([GOOD], assignments, denials).outcome
    random.shuffle(assignments)
    random.shuffle(denials)
    assert by_roles([GOOD], assignments, denials).outcome is first


@settings(deadline=None)
@given(ASSIGNMENTS, ASSIGNMENTS, DENIALS, DENIALS)
def test_an_assignment_never_takes_away_and_a_denial_never_gives(some, more, denials, others):
    if by_roles([GOOD], some).outcome is ALLOWED:
        assert by_roles([GOOD], some + more).outcome is ALLOWED
    if by_roles([GOOD], some, denials).outcome is DENIED:
        assert by_roles([GOOD], some, denials + others).outcome is DENIED
    if by_roles([GOOD], some, denials + others).outcome is ALLOWED:
        assert by_roles([GOOD], some, denials).outcome is ALLOWED


def test_a_pattern_of_many_stars_is_linear():
    pattern = "*a" * 200_000
    assert by_roles([role([pattern])], [assignment()]).outcome is DENIED


def test_two_definitions_of_one_role_decide_nothing():
    other = role([])
    for definitions in ([GOOD, other], [other, GOOD]):
        assert by_roles(definitions, [assignment()]).outcome is UNKNOWN
    assert by_roles([GOOD, GOOD], [assignment()]).outcome is ALLOWED
