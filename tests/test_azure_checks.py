"""What the text of an Azure error decides: confirmed, ruled out, and above all when it cannot tell."""

from __future__ import annotations

import pytest

from ekm_core.catalogue import errors
from ekm_core.model import Case, Ruling, Values, Verdict
from ekm_core.normalise import normalise
from ekm_core.vendor import AZURE_APP_ID

CONFIRMED, CANNOT_TELL, RULED_OUT = Verdict.CONFIRMED, Verdict.CANNOT_TELL, Verdict.RULED_OUT
TENANT = "7f0d2c9e-41b6-4c58-9a3e-5d1b8c2f6a70"
OTHER_TENANT = "2aa8cde7-7144-4826-b5d1-6c2f0e9a3b84"
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
PRINCIPAL = "4be1c0de-0b7a-4e55-8a0f-6f1d2c3b4a59"
SUBSCRIPTION = "2f9a6c51-73de-4b0c-a1f4-8d5e3b7c9016"
ASSIGNMENT = "91c4f0aa-6d27-4f35-b3a9-0e8d5c6b7f12"

MISSING = "AADSTS7000229: The client application {app} is missing service principal in the tenant {tenant}."
RBAC = (
    "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role "
    "definitions were changed recently, please observe propagation time.\r\nCaller: appid={app};oid={oid};"
    "iss=https://sts.windows.net/{tenant}/\r\nAction: 'Microsoft.KeyVault/vaults/{action}'\r\nResource: "
    "'/subscriptions/{subscription}/resourcegroups/rg/providers/microsoft.keyvault/vaults/{vault}/keys/{key}'\r\n"
    "Assignment: {assignment}\r\nDenyAssignmentId: {deny}\r\nDecisionReason: {reason} \r\nVault: {vault};"
    "location=westeurope\r\n"
)
NAME_ERROR = (
    "Invalid 'key_name': string does not match pattern. Expected a string that matches the pattern "
    "'^org-[0-9a-zA-Z-]*--[0-9a-zA-Z-]*$'."
)


def judge(error: str, cause: str, text: str, **typed: str) -> Ruling:
    """The ruling on one cause, with what the contract of a ruling demands."""
    words = normalise(text).text
    [found] = [one for one in errors()[error].causes if one.id == cause]
    ruling = found.check(Case(words, (), Values(typed, frozenset(typed))))
    assert ruling.because
    assert all(quote and quote in words for quote in ruling.quotes)
    assert bool(ruling.quotes) == (ruling.verdict is not CANNOT_TELL)
    return ruling


def missing(app: str = AZURE_APP_ID, tenant: str = TENANT) -> str:
    return MISSING.format(app=app, tenant=tenant)


def rbac(**fields: str) -> str:
    values = {
        "app": AZURE_APP_ID,
        "oid": PRINCIPAL,
        "tenant": TENANT,
        "action": "keys/encrypt/action",
        "subscription": SUBSCRIPTION,
        "vault": "ekm-vault",
        "key": "org-a1b2c3--chat",
        "assignment": "(not found)",
        "deny": "null",
        "reason": "'DeniedWithNoValidRBAC'",
    }
    return RBAC.format(**{**values, **fields})


class TestMissingServicePrincipal:
    error = "azure-missing-service-principal"

    def test_own_tenant_confirms(self):
        assert judge(self.error, "not-created", missing(), tenant_id=TENANT).verdict is CONFIRMED
        assert judge(self.error, "wrong-tenant-registered", missing(), tenant_id=TENANT).verdict is RULED_OUT

    def test_other_tenant_confirms_the_registration(self):
        text = missing(tenant=OTHER_TENANT)
        assert judge(self.error, "wrong-tenant-registered", text, tenant_id=TENANT).verdict is CONFIRMED
        assert judge(self.error, "not-created", text, tenant_id=TENANT).verdict is CANNOT_TELL

    @pytest.mark.parametrize(
        "text",
        [
            missing("xxxxx", "xxxxx"),
            missing("***", TENANT),
            missing(tenant="xxxxx"),
            missing("<app id>", "<tenant id>"),
            missing("00000000-0000-0000-0000-000000000000", OTHER_TENANT),
        ],
    )
    def test_masked_values_decide_nothing(self, text):
        for cause in ("not-created", "own-test", "created-in-another-tenant", "deleted"):
            expected = RULED_OUT if cause == "own-test" and AZURE_APP_ID in text else CANNOT_TELL
            assert judge(self.error, cause, text, tenant_id="3c5d7e9f-1a2b-4c3d-8e4f-5a6b7c8d9e0f").verdict is expected

    def test_a_tenant_read_from_the_error_is_not_the_users(self):
        words = normalise(missing()).text
        for cause in errors()[self.error].causes[:2]:
            case = Case(words, (), Values({"tenant_id": OTHER_TENANT}))
            assert cause.check(case).verdict is CANNOT_TELL

    def test_another_application_is_an_own_test(self):
        text = missing(AZURE_CLI)
        assert judge(self.error, "own-test", text).verdict is CONFIRMED
        assert judge(self.error, "own-test", missing()).verdict is RULED_OUT
        for cause in ("not-created", "wrong-tenant-registered", "created-in-another-tenant", "deleted"):
            assert judge(self.error, cause, text, tenant_id=TENANT).verdict is CANNOT_TELL

    def test_two_applications_decide_nothing(self):
        assert judge(self.error, "own-test", missing() + " " + missing(AZURE_CLI)).verdict is CANNOT_TELL

    def test_the_service_is_missing_not_the_client(self):
        text = (
            f"AADSTS650052: The app is trying to access a service '{AZURE_CLI}' that your organization lacks a service"
        )
        assert judge(self.error, "service-has-no-principal", text).verdict is CONFIRMED
        assert judge(self.error, "service-has-no-principal", missing()).verdict is RULED_OUT
        assert judge(self.error, "service-has-no-principal", "AADSTS7000229").verdict is CANNOT_TELL
        assert judge(self.error, "own-test", text).verdict is CANNOT_TELL

    def test_creation_refused(self):
        text = missing() + " az ad sp create: Insufficient privileges to complete the operation."
        assert judge(self.error, "creation-blocked", text).verdict is CONFIRMED
        assert judge(self.error, "creation-blocked", missing()).verdict is CANNOT_TELL


class TestRbac:
    error = "azure-keyvault-rbac-denied"

    def test_the_caller(self):
        assert judge(self.error, "own-test", rbac(app=AZURE_CLI)).verdict is CONFIRMED
        assert judge(self.error, "own-test", rbac()).verdict is RULED_OUT
        assert judge(self.error, "own-test", rbac(app="***")).verdict is CANNOT_TELL
        assert judge(self.error, "own-test", rbac(app="***", key="acr-key")).verdict is CANNOT_TELL
        secret = rbac(app="***", action="secrets/getSecret/action")
        assert judge(self.error, "own-test", secret).verdict is CONFIRMED

    def test_vault_and_key_against_the_typed_ones(self):
        def verdict(text, **typed):
            return judge(self.error, "wrong-key-or-vault", text, **typed).verdict

        assert verdict(rbac(), vault="ekm-vaults") is CONFIRMED
        assert verdict(rbac(), key_name="org-a1b2c3--chats") is CONFIRMED
        assert verdict(rbac(), vault="EKM-Vault", key_name="ORG-a1b2c3--chat") is CANNOT_TELL
        assert verdict(rbac(app="***"), vault="ekm-vaults") is CANNOT_TELL
        assert verdict(rbac(app=AZURE_CLI), vault="ekm-vaults") is CANNOT_TELL
        assert verdict(rbac(vault="xxxxx"), vault="ekm-vault") is CANNOT_TELL
        assert verdict(rbac(key="***"), key_name="org-a1b2c3--chat") is CANNOT_TELL
        assert verdict(rbac(key="<key-name>"), key_name="org-a1b2c3--chat") is CANNOT_TELL
        assert verdict(rbac()) is CANNOT_TELL

    def test_a_missing_assignment_has_several_causes(self):
        for cause in ("role-not-assigned", "role-lacks-action", "other-principal-or-scope", "not-propagated"):
            assert judge(self.error, cause, rbac()).verdict is CANNOT_TELL

    def test_an_assignment_rules_out_that_none_exists(self):
        text = rbac(assignment=f"'/subscriptions/{SUBSCRIPTION}/providers/x/roleAssignments/{ASSIGNMENT}'")
        assert judge(self.error, "role-not-assigned", text).verdict is RULED_OUT
        assert "likely" in judge(self.error, "role-lacks-action", text).because
        assert judge(self.error, "role-not-assigned", rbac(assignment="***")).verdict is CANNOT_TELL

    def test_the_principal(self):
        def verdict(text, object_id):
            return judge(self.error, "other-principal-or-scope", text, object_id=object_id).verdict

        assert verdict(rbac(), ASSIGNMENT) is CONFIRMED
        assert verdict(rbac(), PRINCIPAL) is CANNOT_TELL
        assert verdict(rbac(oid="***"), ASSIGNMENT) is CANNOT_TELL
        assert verdict(rbac(), "xxxxx") is CANNOT_TELL

    def test_wrap_only(self):
        assert judge(self.error, "wrap-only-role", rbac()).verdict is CANNOT_TELL
        assert judge(self.error, "wrap-only-role", rbac(action="keys/read")).verdict is CANNOT_TELL

    def test_the_vaults_mode(self):
        assert judge(self.error, "access-policy-mode", rbac()).verdict is RULED_OUT
        assert judge(self.error, "access-policy-mode", rbac(reason="null")).verdict is CANNOT_TELL

    def test_deny_assignments(self):
        assert judge(self.error, "deny-assignment", rbac()).verdict is RULED_OUT
        assert judge(self.error, "deny-assignment", rbac(deny=f"'{ASSIGNMENT}'")).verdict is CONFIRMED
        assert judge(self.error, "deny-assignment", rbac(deny="***")).verdict is CANNOT_TELL

    def test_the_faqs_words_alone_decide_nothing(self):
        [text] = [sample.text for sample in errors()[self.error].samples if "Caller: " not in sample.text][:1]
        for cause in errors()[self.error].causes:
            assert (
                judge(self.error, cause.id, text, tenant_id=TENANT, vault="v1-x", key_name="k").verdict is CANNOT_TELL
            )


class TestKeyName:
    error = "azure-key-name-pattern"
    causes = ("no-prefix", "one-dash", "forbidden-character", "other-organization")

    def verdicts(self, text, **typed):
        return [judge(self.error, cause, text, **typed).verdict for cause in self.causes]

    def test_without_a_name_nothing_is_decided(self):
        assert self.verdicts(NAME_ERROR, organization_id="org-a1b2c3") == [CANNOT_TELL] * 4

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("chat", [CONFIRMED, RULED_OUT, RULED_OUT, RULED_OUT]),
            ("Org-a1b2c3--chat", [CONFIRMED, RULED_OUT, RULED_OUT, RULED_OUT]),
            ("my_key", [CONFIRMED, RULED_OUT, CONFIRMED, RULED_OUT]),
            ("my-key", [CONFIRMED, RULED_OUT, RULED_OUT, RULED_OUT]),
            ("org-a1b2c3-chat", [RULED_OUT, CONFIRMED, RULED_OUT, RULED_OUT]),
            ("org-a1b2c3--chat_1", [RULED_OUT, RULED_OUT, CONFIRMED, RULED_OUT]),
            ("org-a1b2c3--chat.eu", [RULED_OUT, RULED_OUT, CONFIRMED, RULED_OUT]),
            ("org-zzzzz9--chat", [RULED_OUT, RULED_OUT, RULED_OUT, CONFIRMED]),
            ("org-zzzzz9-chat", [RULED_OUT, CONFIRMED, RULED_OUT, CONFIRMED]),
            ("org-a1b2c39--chat", [RULED_OUT, RULED_OUT, RULED_OUT, CANNOT_TELL]),
            ("org-A1B2C3--chat", [RULED_OUT, RULED_OUT, RULED_OUT, CANNOT_TELL]),
            ("proj_abc--chat", [CONFIRMED, RULED_OUT, CONFIRMED, RULED_OUT]),
            ("<org_id>--chat", [CANNOT_TELL] * 4),
            ("org-xxxx--chat", [CANNOT_TELL] * 4),
        ],
    )
    def test_the_name_decides(self, name, expected):
        assert self.verdicts(NAME_ERROR, key_name=name, organization_id="org-a1b2c3") == expected
        pasted = f'{{"type": "azure", "key_name": "{name}"}} ' + NAME_ERROR
        assert self.verdicts(pasted, organization_id="org-a1b2c3") == expected

    def test_a_name_of_the_right_form_was_not_the_one_sent(self):
        assert self.verdicts(NAME_ERROR, key_name="org-a1b2c3--chat") == [CANNOT_TELL] * 4
        assert self.verdicts(NAME_ERROR, key_name="org-a1b2c3--chat", organization_id="org-a1b2c3") == [CANNOT_TELL] * 4

    def test_without_an_organization_its_id_is_not_judged(self):
        assert self.verdicts(NAME_ERROR, key_name="org-zzzzz9-chat")[3] is CANNOT_TELL
        assert self.verdicts(NAME_ERROR, key_name="org-zzzzz9-chat", organization_id="proj_abc")[3] is CANNOT_TELL

    def test_the_name_that_was_sent_counts_before_the_typed_one(self):
        text = 'client.create(key_name="chat") ' + NAME_ERROR
        assert self.verdicts(text, key_name="org-a1b2c3--chat")[0] is CONFIRMED


@pytest.mark.parametrize(
    ("error", "cause", "text", "verdict"),
    [
        ("azure-key-unusable", "disabled", "Operation decrypt is not allowed on a disabled key.", CONFIRMED),
        ("azure-key-unusable", "expired", "Operation encrypt is not allowed on an expired key.", CONFIRMED),
        ("azure-key-unusable", "disabled", "Operation encrypt is not allowed on an expired key.", CANNOT_TELL),
        (
            "azure-key-operation-not-permitted",
            "operations",
            "Operation encrypt is not permitted on this key.",
            CONFIRMED,
        ),
        ("azure-key-operation-not-permitted", "wrong-type", "Key uses curve 'P-256', and algorithm", CONFIRMED),
        (
            "azure-key-operation-not-permitted",
            "wrong-type",
            "Operation encrypt is not permitted on this key.",
            CANNOT_TELL,
        ),
        ("azure-keyvault-network-disabled", "openai-not-allowed", "ForbiddenByConnection", CONFIRMED),
        ("azure-keyvault-firewall", "openai-not-allowed", "ForbiddenByFirewall", CANNOT_TELL),
        (
            "azure-keyvault-access-policy",
            "access-policy-mode",
            "does not have keys get permission on key vault 'v'",
            CONFIRMED,
        ),
        ("azure-keyvault-access-policy", "access-policy-mode", "AccessDenied | stratégie d'accès", CANNOT_TELL),
        (
            "azure-resource-principal-not-found",
            "private-link-host",
            "The resource principal named https://privatelink.vaultcore.azure.net/ was not found",
            CONFIRMED,
        ),
        ("azure-conditional-access", "own-test", "AADSTS530003: Your device is required to be managed", CONFIRMED),
        ("azure-conditional-access", "own-test", "AADSTS53003: Access has been blocked", CANNOT_TELL),
        ("azure-app-disabled", "principal-disabled", "AADSTS7000112", CANNOT_TELL),
    ],
)
def test_other_entries(error, cause, text, verdict):
    assert judge(error, cause, text).verdict is verdict


def test_no_cause_confirms_without_words():
    for error in errors().values():
        if error.provider in ("azure", "openai"):
            for cause in error.causes:
                ruling = cause.check(Case("", (), Values()))
                assert ruling.verdict is CANNOT_TELL, (error.id, cause.id)


def test_openai_is_not_said_to_fall_under_policies_for_workload_identities():
    causes = {cause.id: cause for cause in errors()["azure-conditional-access"].causes}
    assert list(causes) == ["own-test", "workload-policy"]
    assert "single-tenant" in causes["workload-policy"].why
