"""Every labelled policy case as a set-up: what AWS allows is no confirmed fault, what it denies stays open."""

from __future__ import annotations

import json

import pytest

from ekm_core.aws import simulate
from ekm_core.check import check
from ekm_core.model import Configuration, Exhibit, Provider, Status
from tests.test_aws_policy_cases import ANY_ROLE, OWN, SHARED, policy, read, whole

# A case may take place at another time than now, or be called by a person with MFA; OpenAI's next call is neither.
OF_ANOTHER_CALL = ("aws:currenttime", "aws:epochtime", "aws:tokenissuetime", "aws:multifactorauth")
DENIALS = ("aws-sts-assume-role-denied.", "aws-kms-access-denied.")


def _cases():
    own = [whole(line) | {"id": line["id"], "expected": [line["expected"]]} for line in read(OWN)]
    for case in (*own, *(read(SHARED) if SHARED.exists() else ())):
        documents = (case["resource_policy"], *case["identity_policies"])
        # A set-up cannot show what only the case itself says of the session and of the organization.
        plain = not any(case[name] for name in ("session_policy", "scps", "rcps", "permission_boundary"))
        plain = plain and not any(name in json.dumps(documents).lower() for name in OF_ANOTHER_CALL)
        if plain and case.get("strict", True) and all(isinstance(item, dict | None) for item in documents):
            yield case


def _exhibit(command, output):
    return Exhibit(command, output, json.dumps(output))


def _role(arn, trust):
    name = arn.rsplit("/", 1)[-1]
    path = "/" + arn.split(":role/", 1)[1].removesuffix(name)
    role = {"Path": path, "RoleName": name, "RoleId": "AROAABCDEFGHIJKLMNOPQ", "Arn": arn}
    return _exhibit(f"aws iam get-role --role-name {name}", {"Role": {**role, "AssumeRolePolicyDocument": trust}})


def _setup(case):
    """The case as configuration and evidence, or None where it is not OpenAI's call on a customer's role or key."""
    context = {key.lower(): value for key, value in (case.get("context") or {}).items()}
    if case["action"].lower() == "sts:assumerole":
        if case["identity_policies"] != [policy(ANY_ROLE)]:
            return None  # the caller's own side is OpenAI's: no set-up shows it
        external = context.get("sts:externalid")
        if "assumed-role/EnterpriseKeyManagement/" not in case["principal"] or not isinstance(external, str):
            return None
        fields = {"role_arn": case["resource"], "external_id": external}
        return fields, [_role(case["resource"], case["resource_policy"])]
    _, _, _, _, account, session = case["principal"].split(":", 5)
    role = context.get("aws:principalarn", f"arn:aws:iam::{account}:role/{session.split('/')[1]}")
    if case["action"] not in ("kms:Encrypt", "kms:Decrypt"):
        return None
    name, key = role.rsplit("/", 1)[-1], case["resource"]
    inline = {f"policy-{number}": document for number, document in enumerate(case.get("identity_policies") or ())}
    option = f"--role-name {name}"
    exhibits = [
        _role(role, {"Version": "2012-10-17", "Statement": []}),
        _exhibit(f"aws iam list-attached-role-policies {option}", {"AttachedPolicies": []}),
        _exhibit(f"aws iam list-role-policies {option}", {"PolicyNames": list(inline)}),
        _exhibit(f"aws kms get-key-policy --key-id {key}", {"Policy": json.dumps(case["resource_policy"])}),
        _exhibit(f"aws kms list-grants --key-id {key}", {"Grants": []}),
    ]
    for title, document in inline.items():
        answer = {"RoleName": name, "PolicyName": title, "PolicyDocument": document}
        exhibits.append(_exhibit(f"aws iam get-role-policy {option} --policy-name {title}", answer))
    return {"role_arn": role, "kms_arn": key, "external_id": "org-AbCdEfGhIjKlMnOpQrSt"}, exhibits


CASES = [(case, made) for case in _cases() if (made := _setup(case))]


def _also_allowed(case):
    """OpenAI needs both actions; a case asks for one of them."""
    others = {"kms:Encrypt": "kms:Decrypt", "kms:Decrypt": "kms:Encrypt"}
    other = others.get(case["action"])
    return other is None or simulate.decide(case | {"action": other}).result == "Allowed"


@pytest.mark.parametrize(("case", "made"), CASES, ids=[case["id"] for case, _ in CASES])
def test_proofs_agree_with_the_labels(case, made):
    fields, exhibits = made
    findings = check(Configuration(Provider.AWS, fields), exhibits).findings
    prefix = DENIALS[0] if case["action"].lower() == "sts:assumerole" else DENIALS[1]
    said = {finding.id: finding.status for finding in findings if finding.id.startswith(prefix)}
    confirmed = [name for name, status in said.items() if status is Status.FAIL]
    if "Allowed" in case["expected"] and _also_allowed(case):
        assert confirmed == []
    else:
        assert confirmed or Status.COULD_NOT_CHECK in said.values()
