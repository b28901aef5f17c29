"""What an AWS error text proves: each cause that a text can decide, confirmed, ruled out, and left open when masked."""

from __future__ import annotations

import json

import pytest

from ekm_core import vendor
from ekm_core.catalogue import errors
from ekm_core.model import Case, Provider, Ruling, Values, Verdict

STS = "aws-sts-assume-role-denied"
KMS = "aws-kms-access-denied"
ROLE = "arn:aws:iam::204857193341:role/openai-ekm"
KEY = "arn:aws:kms:eu-central-1:204857193341:key/1d0e24a5-1bfe-4099-9c81-41c3155c506b"
SESSION = "arn:aws:sts::204857193341:assumed-role/openai-ekm/OpenAI-EKM-Service"


def judge(error_id: str, text: str, **typed: str) -> dict[str, Ruling]:
    """The ruling on every cause; every proof must stand in the text."""
    case = Case(text, (), Values(typed, frozenset(typed)))
    rulings = {cause.id: cause.check(case) for cause in errors()[error_id].causes}
    for name, ruling in rulings.items():
        assert ruling.because, name
        assert bool(ruling.quotes) == (ruling.verdict is not Verdict.CANNOT_TELL), (name, ruling)
        assert all(quote and quote in text for quote in ruling.quotes), (name, ruling)
    return rulings


def confirmed(error_id: str, text: str, **typed: str) -> set[str]:
    return {name for name, ruling in judge(error_id, text, **typed).items() if ruling.verdict is Verdict.CONFIRMED}


def ruled_out(error_id: str, text: str, **typed: str) -> set[str]:
    return {name for name, ruling in judge(error_id, text, **typed).items() if ruling.verdict is Verdict.RULED_OUT}


def sts(principal: str = vendor.AWS_SESSION, resource: str = ROLE, tail: str = "") -> str:
    return f"User: {principal} is not authorized to perform: sts:AssumeRole on resource: {resource}{tail}"


def kms(principal: str = SESSION, resource: str = KEY, tail: str = "", action: str = "kms:Encrypt") -> str:
    return f"User: {principal} is not authorized to perform: {action} on resource: {resource}{tail}"


# --- sts:AssumeRole ---------------------------------------------------------------------------------------------------


def test_the_faq_message_proves_nothing_because_it_is_masked():
    text = (
        "User: arn:aws:sts::xxxxx:assumed-role/EnterpriseKeyManagement/OpenAI-EKM-Service is not authorized to "
        "perform: "
        "sts:AssumeRole on resource: arn:aws:iam::xxxxx:role/xxxxxx"
    )
    typed = {"role_arn": ROLE, "organization_id": "org-A1b2C3d4E5", "account_id": "204857193341"}
    for ruling in judge(STS, text, **typed).values():
        assert ruling.verdict is Verdict.CANNOT_TELL


def test_openais_call_alone_decides_only_that_it_is_openais():
    assert confirmed(STS, sts()) == set()
    assert ruled_out(STS, sts()) == {"own-test"}


@pytest.mark.parametrize(
    "principal",
    [
        "arn:aws:iam::204857193341:user/alice",
        "arn:aws:iam::***:user/alice",
        "arn:aws:iam::204857193341:root",
        "arn:aws:sts::204857193341:assumed-role/Admin/alice",
        "arn:aws:sts::***:assumed-role/Admin/alice",
        "arn:aws:sts::204857193341:assumed-role/EnterpriseKeyManagement/test",
    ],
)
def test_another_caller_is_the_users_own_test_and_nothing_else(principal):
    typed = {"role_arn": ROLE.replace("openai-ekm", "other"), "account_id": "318530021177"}
    text = sts(principal, tail=" with an explicit deny in the role trust policy")
    assert confirmed(STS, text, **typed) == {"own-test"}
    assert ruled_out(STS, text, **typed) == set()


@pytest.mark.parametrize(
    "principal",
    [
        "arn:aws:sts::123456789012:assumed-role/EnterpriseKeyManagement/OpenAI-EKM-Service",
        "arn:aws:sts::111111111111:assumed-role/EnterpriseKeyManagement/OpenAI-EKM-Service",
        "arn:aws:sts::***:assumed-role/***/***",
        "arn:aws:sts::<account>:assumed-role/<role>/<session>",
        "xxxxx",
    ],
)
def test_a_masked_caller_decides_nothing(principal):
    assert judge(STS, sts(principal))["own-test"].verdict is Verdict.CANNOT_TELL


def test_two_callers_decide_nothing_about_the_caller():
    text = f"{sts()} {sts('arn:aws:iam::204857193341:user/alice')}"
    assert judge(STS, text)["own-test"].verdict is Verdict.CANNOT_TELL


@pytest.mark.parametrize(
    ("tail", "cause"),
    [
        (" with an explicit deny in the role trust policy", "trust-explicit-deny"),
        (" with an explicit deny in a resource-based policy", "trust-explicit-deny"),
        (" with an explicit deny in a resource control policy", "resource-control-policy"),
        (" with an explicit deny in a service control policy", "caller-side-policy"),
        (" because no identity-based policy allows the sts:AssumeRole action", "caller-side-policy"),
        (" because no permissions boundary allows the sts:AssumeRole action", "caller-side-policy"),
        (" because no session policy allows the sts:AssumeRole action", "caller-side-policy"),
        (" because no VPC endpoint policy allows the sts:AssumeRole action", "caller-side-policy"),
    ],
)
def test_the_named_policy_is_confirmed(tail, cause):
    assert confirmed(STS, sts(tail=tail)) == {cause}


def test_a_trust_policy_that_does_not_allow_leaves_principal_and_external_id_open():
    text = sts(tail=" because no role trust policy allows the sts:AssumeRole action")
    assert confirmed(STS, text) == set()
    assert ruled_out(STS, text) == {"own-test", "trust-explicit-deny"}
    assert "not why" in judge(STS, text)["principal-missing"].because


def test_a_deny_elsewhere_in_the_paste_is_not_this_ones():
    other = (
        "User: x is not authorized to perform: s3:GetObject on resource: y with an explicit deny in a service control "
        "policy"
    )
    assert confirmed(STS, f"{sts()} {other}") == set()
    assert confirmed(STS, f"{other} {sts()}") == set()


def test_the_typed_role_against_the_role_in_the_text():
    assert "role-arn-wrong" in ruled_out(STS, sts(), role_arn=ROLE)
    assert confirmed(STS, sts(), role_arn=ROLE.replace("openai-ekm", "openai_ekm")) == {"role-arn-wrong"}
    assert confirmed(STS, sts(), role_arn=ROLE.replace("204857193341", "318530021177")) == {"role-arn-wrong"}
    # Masked, or cut at the end of the paste: nothing is proven.
    assert confirmed(STS, sts(resource="arn:aws:iam::***:role/xxxxxx"), role_arn=ROLE) == set()
    assert confirmed(STS, sts(resource="arn:aws:iam::204857193341:role/open"), role_arn=ROLE) == set()
    for cut in ("open...", "openai…", "openai (truncated...)"):
        assert confirmed(STS, sts(resource=f"arn:aws:iam::204857193341:role/{cut}") + " more", role_arn=ROLE) == set()
    # Read from the same text, not typed: no comparison.
    case = Case(sts(), (), Values({"role_arn": ROLE + "x"}))
    causes = {cause.id: cause for cause in errors()[STS].causes}
    assert causes["role-arn-wrong"].check(case).verdict is Verdict.CANNOT_TELL


def test_the_typed_account_against_the_account_in_the_text():
    assert "other-account" in ruled_out(STS, sts(), account_id="204857193341")
    assert confirmed(STS, sts(), account_id="318530021177") == {"other-account"}
    assert confirmed(STS, sts(resource="arn:aws:iam::***:role/x"), account_id="318530021177") == set()


def policy(external_id: str) -> str:
    return sts() + ' {"Condition": {"StringEquals": {"sts:ExternalId": "' + external_id + '"}}}'


def test_the_external_id_of_a_pasted_trust_policy():
    ours, personal, project = "org-A1b2C3d4E5", "org-Zz9Yy8Xx7W", "proj_A1b2C3d4E5"
    assert "external-id-mismatch" in ruled_out(STS, policy(ours), organization_id=ours)
    assert confirmed(STS, policy(personal), organization_id=ours) == {"external-id-mismatch"}
    # A project's id may be right: it depends on what was registered.
    assert confirmed(STS, policy(project), organization_id=ours) == set()
    assert confirmed(STS, policy(project), external_id=ours) == {"external-id-mismatch", "project-id"}
    assert {"external-id-mismatch", "project-id"} <= ruled_out(STS, policy(project), external_id=project)
    assert confirmed(STS, policy("xxxxx"), organization_id=ours) == set()
    # The ids stand in the text, and no trust policy does.
    assert confirmed(STS, sts() + f" organization {personal}", organization_id=ours) == set()


def trusting(principal, action="sts:AssumeRole", **more):
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, **more}
    return f"{sts()}\nOur trust policy:\n{json.dumps({'Version': '2012-10-17', 'Statement': [statement]}, indent=2)}"


@pytest.mark.parametrize(
    "principal", [{"AWS": "arn:aws:iam::790389265272:role/CustomerStorage"}, {"AWS": [ROLE]}, {"Service": "ec2.a.com"}]
)
def test_a_pasted_trust_policy_that_names_somebody_else_is_the_cause(principal):
    assert confirmed(STS, trusting(principal)) == {"principal-missing"}


@pytest.mark.parametrize("principal", ["790389265272", "arn:aws:iam::790389265272:root", vendor.AWS_PRINCIPAL])
def test_a_pasted_trust_policy_that_names_openai_rules_the_principal_out(principal):
    assert "principal-missing" in ruled_out(STS, trusting({"AWS": [ROLE, principal]}, action=["sts:*"]))


def test_what_a_paste_does_not_show_whole_of_a_trust_policy_decides_nothing():
    other = {"AWS": "arn:aws:iam::790389265272:role/CustomerStorage"}
    allowed = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::204857193341:role/ekm"}
    # Masked, a key policy, two policies, one that is cut off, and one that is attached to whoever calls.
    for text in (
        trusting({"AWS": "arn:aws:iam::xxxxxxxxxxxx:role/xxxxx"}),
        trusting({"AWS": "arn:aws:iam::204857193341:root"}, action="kms:*"),
        trusting(other) + trusting({"AWS": ROLE}),
        trusting(other)[:-12],
        f"{sts()}\n{json.dumps({'Version': '2012-10-17', 'Statement': [allowed]})}",
    ):
        assert confirmed(STS, text) == set()
        assert "principal-missing" not in ruled_out(STS, text)
        shows_one = '"Principal"' in text
        assert ("does not show your trust policy" in judge(STS, text)["principal-missing"].because) is not shows_one


# --- kms --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tail", "cause"),
    [
        (" because no identity-based policy allows the kms:Encrypt action", "identity-policy-missing"),
        (" because no resource-based policy allows the kms:Encrypt action", "key-policy-missing"),
        (" because no permissions boundary allows the kms:Encrypt action", "permissions-boundary"),
        (" with an explicit deny in a permissions boundary", "permissions-boundary"),
        (" with an explicit deny in a resource-based policy", "key-policy-explicit-deny"),
        (" with an explicit deny in an identity-based policy", "identity-explicit-deny"),
        (" with an explicit deny in a service control policy", "service-control-policy"),
        (" with an explicit deny in a resource control policy", "resource-control-policy"),
        (" because no session policy allows the kms:Encrypt action", "session-or-endpoint-policy"),
        (" with an explicit deny in a sessions policy", "session-or-endpoint-policy"),
        (" because no VPC endpoint policy allows the kms:Encrypt action", "session-or-endpoint-policy"),
        (
            " with an explicit deny in a VPC endpoint policy transitively through a service control policy",
            "service-control-policy",
        ),
    ],
)
def test_the_named_policy_of_a_kms_denial_is_confirmed(tail, cause):
    assert confirmed(KMS, kms(tail=tail)) == {cause}
    # Masked ARNs do not matter: the sentence itself names the policy.
    masked = kms("arn:aws:sts::***:assumed-role/***/***", "arn:aws:kms:us-east-1:***:key/***", tail)
    assert confirmed(KMS, masked) == {cause}


def test_a_missing_allow_rules_out_explicit_denies_and_nothing_else():
    text = kms(tail=" because no identity-based policy allows the kms:Encrypt action")
    assert ruled_out(KMS, text) == {"key-policy-explicit-deny", "identity-explicit-deny", "key-in-other-account"}


def test_an_explicit_deny_rules_out_no_other_policy():
    text = kms(tail=" with an explicit deny in a service control policy")
    assert ruled_out(KMS, text) == {"key-in-other-account"}


def test_a_denial_without_a_reason_or_cut_in_it_decides_no_policy():
    for tail in ("", " because no identity-ba", " with an explicit deny"):
        assert confirmed(KMS, kms(tail=tail)) == set()
        assert ruled_out(KMS, kms(tail=tail)) == {"key-in-other-account"}


def test_the_users_own_words_about_policies_are_no_reason():
    text = kms(tail=". I looked, and there is nothing with an explicit deny in a service control policy.")
    assert confirmed(KMS, text) == set()


def test_the_wording_without_a_resource_leaves_all_three_readings_open():
    text = (
        f"User: {SESSION} is not authorized to perform: kms:Decrypt on this resource because the resource does not "
        f"exist "
        "in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"
    )
    assert confirmed(KMS, text) == ruled_out(KMS, text) == set()


def test_the_ciphertext_wording_decides_nothing():
    text = (
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you "
        "are not "
        "allowed to access."
    )
    assert confirmed(KMS, text) == ruled_out(KMS, text) == set()
    assert "three" not in judge(KMS, text)["ciphertext-other-key"].because
    assert "does not say which" in judge(KMS, text)["ciphertext-other-key"].because


def test_a_cut_beginning_still_has_its_reason():
    text = "AccessDeniedException: ... because no resource-based policy allows the kms:DescribeKey action"
    assert confirmed(KMS, text) == {"key-policy-missing"}
    assert "needs kms:Encrypt and kms:Decrypt only" in judge(KMS, text)["key-policy-missing"].because


def test_two_accounts_are_a_fault_only_with_awss_word():
    other = KEY.replace("204857193341", "318530021177")
    assert confirmed(KMS, kms(resource=other)) == set()
    assert "key-in-other-account" not in ruled_out(KMS, kms(resource=other))
    text = kms(resource=other, tail=" because no resource-based policy allows the kms:Encrypt action")
    assert confirmed(KMS, text) == {"key-policy-missing", "key-in-other-account"}
    masked = kms(resource="arn:aws:kms:us-east-1:***:key/x")
    assert judge(KMS, masked)["key-in-other-account"].verdict is Verdict.CANNOT_TELL


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("eu-central-1", "eu-west-1", "Region"),
        ("204857193341", "318530021177", "account"),
        ("1d0e24a5", "2e1f35b6", "name"),
    ],
)
def test_the_typed_key_against_the_key_in_the_text(old, new, part):
    ruling = judge(KMS, kms(tail=" (Service: Kms)"), kms_key=KEY.replace(old, new))["other-key"]
    assert ruling.verdict is Verdict.CONFIRMED
    assert f"the {part} differs" in ruling.because
    assert judge(KMS, kms(), kms_key=KEY)["other-key"].verdict is Verdict.RULED_OUT


def test_masked_cut_or_aliased_keys_are_not_compared():
    for resource in ("arn:aws:kms:***:***:key/***", KEY[:-4], KEY.replace("key/1d0e24a5", "alias/ekm")):
        assert judge(KMS, kms(resource=resource), kms_key=KEY)["other-key"].verdict is Verdict.CANNOT_TELL


def test_a_kms_call_by_something_else_proves_nothing_about_the_role():
    tail = " because no identity-based policy allows the kms:Encrypt action"
    for principal in ("arn:aws:iam::204857193341:user/alice", "arn:aws:iam::***:root"):
        assert confirmed(KMS, kms(principal, tail=tail)) == {"own-test"}
    other = "arn:aws:sts::204857193341:assumed-role/lambda/fn"
    assert confirmed(KMS, kms(other, tail=tail), role_arn=ROLE) == {"own-test"}
    # Without the user's own role there is nothing to compare with.
    assert confirmed(KMS, kms(other, tail=tail)) == {"identity-policy-missing"}
    assert "own-test" in ruled_out(KMS, kms(), role_arn=ROLE)
    assert judge(KMS, kms("arn:aws:sts::***:assumed-role/***/***"), role_arn=ROLE)["own-test"].verdict is (
        Verdict.CANNOT_TELL
    )


# --- The other entries ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error_id", "text", "cause"),
    [
        ("aws-kms-key-not-found", "Alias arn:aws:kms:us-west-2:204857193341:alias/x is not found.", "alias-missing"),
        ("aws-kms-key-disabled", f"DisabledException: {KEY} is disabled.", "key-disabled"),
        ("aws-kms-invalid-state", f"{KEY} is pending deletion.", "pending-deletion"),
        ("aws-kms-invalid-state", f"{KEY} is pending import.", "pending-import"),
        ("aws-kms-invalid-state", f"{KEY} is pending replica deletion.", "pending-replica-deletion"),
        ("aws-kms-invalid-state", f"{KEY} is unavailable.", "unavailable"),
        ("aws-kms-invalid-state", f"{KEY} is creating.", "in-transition"),
        ("aws-kms-wrong-key-type", f"{KEY} key usage is SIGN_VERIFY which is not valid for Encrypt.", "wrong-usage"),
        ("aws-kms-wrong-key-type", "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_3072.", "asymmetric"),
        ("aws-kms-ciphertext-mismatch", "An error occurred (IncorrectKeyException) when calling", "other-key"),
        ("aws-kms-custom-key-store", "the external key store proxy did not respond in time", "proxy-unreachable"),
        ("aws-kms-custom-key-store", "XksKeyNotFoundException: x", "external-key"),
        ("aws-kms-invalid-arn", "NotFoundException: Invalid arn us-west-2", "other-region"),
        ("aws-kms-invalid-arn", "Key Aliases are not supported for this operation.", "alias"),
        ("aws-sts-invalid-role-arn", "Value '' at 'roleArn' failed to satisfy constraint", "empty-or-short"),
        ("aws-sts-invalid-role-arn", "ValidationError: Request ARN is invalid", "malformed"),
        (
            "aws-sts-region-disabled",
            "STS is not activated in this region for account:204857193341.",
            "endpoint-inactive",
        ),
        ("aws-throttled", "You have exceeded the rate at which you may call KMS.", "kms-quota"),
        ("aws-throttled", "operation error STS: AssumeRole, api error Throttling: Rate exceeded", "sts-quota"),
        ("aws-credentials-invalid", "The security token included in the request is expired", "expired"),
        ("aws-credentials-invalid", "The security token included in the request is invalid.", "unknown"),
        ("aws-credentials-invalid", "SignatureDoesNotMatch: The request signature we calculated does not", "signature"),
        ("aws-credentials-invalid", "Unable to locate credentials", "none"),
    ],
)
def test_the_providers_words_confirm_one_cause(error_id, text, cause):
    assert confirmed(error_id, text) == {cause}


def test_a_state_rules_out_the_other_states():
    assert ruled_out("aws-kms-invalid-state", f"{KEY} is pending deletion.") == {
        "pending-import",
        "unavailable",
        "pending-replica-deletion",
        "in-transition",
    }


def test_no_cause_is_decided_by_an_empty_text():
    for error in errors().values():
        if error.provider is Provider.AWS:
            assert confirmed(error.id, "") == ruled_out(error.id, "") == set()
