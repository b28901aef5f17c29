"""Proofs of AWS's causes: changes that mend, and evidence of any kind that proves nothing it should not."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks import causes as benchmark
from ekm_core import catalogue, check
from ekm_core.aws import practice, proofs
from ekm_core.diagnose import Setup, diagnose
from ekm_core.model import Exhibit, Link, LinkState, Provider, Status, Verdict

SCENARIOS = [item for item in benchmark.load() if item.name.startswith("aws/")]
HEALTHY = [item for item in SCENARIOS if "healthy" in item.name]
PROOFS = [
    (f"{error.id}.{cause.id}", cause)
    for error in catalogue.errors().values()
    if error.provider is Provider.AWS
    for cause in error.causes
    if cause.proof is not None
]


def rulings(scenario):
    case = check.case_of(scenario.configuration, scenario.evidence)
    return {name: cause.proof(case) for name, cause in PROOFS}


def confirmed(scenario):
    return {name for name, ruling in rulings(scenario).items() if ruling.verdict is Verdict.CONFIRMED}


def applied(scenario, change):
    """The scenario with a document of its evidence replaced by the corrected one."""
    before, after = json.loads(change.before), json.loads(change.after)

    def mended(value):
        if value == before:
            return after
        if isinstance(value, dict):
            return {name: mended(item) for name, item in value.items()}
        if isinstance(value, list):
            return [mended(item) for item in value]
        if isinstance(value, str) and value.lstrip().startswith("{") and json.loads(value) == before:
            return json.dumps(after)
        return value

    exhibits = tuple(
        Exhibit("", after, change.after)  # of Terraform the document that it makes
        if 'resource "' in item.text and item.output is None
        else replace(item, output=mended(item.output))
        for item in scenario.evidence
    )
    assert exhibits != scenario.evidence
    return replace(scenario, evidence=exhibits)


CHANGES = [
    pytest.param(scenario, name, change, id=f"{scenario.name}-{name}")
    for scenario in SCENARIOS
    for name, ruling in rulings(scenario).items()
    for change in ruling.changes
]


@pytest.mark.parametrize(("scenario", "name", "change"), CHANGES)
def test_the_corrected_document_turns_the_very_check_clean(scenario, name, change):
    assert change.diff
    ruling = rulings(applied(scenario, change))[name]
    if name.endswith("-control-policy"):  # these set-ups show the account's own policies, not those above it
        assert ruling.verdict is Verdict.CANNOT_TELL
        assert "is not shown" in ruling.because
    else:
        assert ruling.verdict is Verdict.RULED_OUT


@pytest.mark.parametrize(("scenario", "name", "change"), CHANGES)
def test_no_statement_is_lost(scenario, name, change):
    def sids(text):
        raw = json.loads(text)["Statement"]
        return [item.get("Sid") for item in (raw if isinstance(raw, list) else [raw])]

    before, after = sids(change.before), sids(change.after)
    assert after[: len(before)] == before
    assert len(after) <= len(before) + 1


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[item.name for item in SCENARIOS])
def test_a_decided_verdict_shows_what_decides_it_and_an_open_one_says_what_is_missing(scenario):
    for name, ruling in rulings(scenario).items():
        assert ruling.because.endswith((".", ")")), name
        if ruling.verdict is Verdict.CANNOT_TELL:
            assert not ruling.changes
        else:
            assert ruling.shown, name


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[item.name for item in SCENARIOS])
def test_the_order_of_exhibits_does_not_matter(scenario):
    turned = replace(scenario, evidence=scenario.evidence[::-1])
    first, second = rulings(scenario), rulings(turned)
    assert {name: ruling.verdict for name, ruling in first.items()} == {
        name: ruling.verdict for name, ruling in second.items()
    }


def test_there_are_healthy_set_ups():
    assert len(HEALTHY) >= 5


@pytest.mark.parametrize("scenario", HEALTHY, ids=[item.name for item in HEALTHY])
def test_a_healthy_set_up_with_a_gap_confirms_nothing(scenario):
    for place, exhibit in enumerate(scenario.evidence):
        others = scenario.evidence[:place] + scenario.evidence[place + 1 :]
        assert confirmed(replace(scenario, evidence=others)) == set()
        for text in (
            "An error occurred (AccessDenied) when calling the Get operation: User: arn:aws:iam::418273645091:user/ada "
            "is not authorized to perform: iam:GetRole on resource: role openai-ekm",
            "Could not connect to the endpoint URL: https://kms.eu-central-1.amazonaws.com/",
            "{",
            "",
        ):
            gap = Exhibit(exhibit.command, None, text)
            assert confirmed(replace(scenario, evidence=(*others, gap))) == set()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


def paths(value, here=()):
    """Every place in a JSON value."""
    yield here
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield from paths(item, (*here, name))


def put(value, path, junk):
    if not path:
        return junk
    if isinstance(value, dict):
        return {name: put(item, path[1:], junk) if name == path[0] else item for name, item in value.items()}
    return [put(item, path[1:], junk) if place == path[0] else item for place, item in enumerate(value)]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_value_anywhere_in_the_evidence_is_survived(data):
    scenario = data.draw(st.sampled_from(SCENARIOS))
    exhibits = list(scenario.evidence)
    if exhibits:
        place = data.draw(st.integers(0, len(exhibits) - 1))
        value = exhibits[place].output
        path = data.draw(st.sampled_from(list(paths(value))))
        exhibits[place] = replace(exhibits[place], output=put(value, path, data.draw(JSON)))
    diagnose(scenario.text, setup=Setup(scenario.configuration, tuple(exhibits)))
    check.check(scenario.configuration, exhibits)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_random_outputs_confirm_nothing(data):
    scenario = data.draw(st.sampled_from(HEALTHY))
    commands = [exhibit.command for exhibit in scenario.evidence]
    outputs = data.draw(st.lists(JSON, min_size=len(commands), max_size=len(commands)))
    exhibits = tuple(Exhibit(command, output, "") for command, output in zip(commands, outputs, strict=True))
    assert confirmed(replace(scenario, evidence=exhibits)) == set()


def practices(name):
    scenario = next(item for item in SCENARIOS if item.name == f"aws/{name}")
    case = check.case_of(scenario.configuration, scenario.evidence)
    return scenario, {finding.id: finding for finding in practice.findings(case)}


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("trust-healthy-no-external-id", "aws-no-external-id"),
        ("trust-healthy-string-like", "aws-external-id-wildcard"),
        ("trust-healthy-account-principal", "aws-trust-principal-account"),
        ("kms-healthy-wildcard", "aws-identity-policy-every-key"),
    ],
)
def test_a_practice_warns_and_its_change_ends_the_warning(name, id):
    scenario, found = practices(name)
    assert found[id].status is Status.WARN
    for change in found[id].changes:
        mended = applied(scenario, change)
        case = check.case_of(mended.configuration, mended.evidence)
        assert id not in {finding.id for finding in practice.findings(case)}
        assert confirmed(mended) == set()


def test_a_good_practice_passes_and_what_is_unseen_is_not_spoken_of():
    _, found = practices("healthy")
    assert {finding.status for finding in found.values()} == {Status.PASS}
    assert {"aws-external-id-demanded", "aws-trust-principal-named", "aws-key-rotation"} <= set(found)
    assert practices("healthy-nothing")[1] == {}


@pytest.mark.parametrize(("name", "permission"), [("healthy", LinkState.PROVEN), ("healthy-terse", LinkState.UNKNOWN)])
def test_the_chain_is_proven_only_where_everything_was_seen(name, permission):
    scenario = next(item for item in SCENARIOS if item.name == f"aws/{name}")
    known = {item.link: item for item in proofs.chain(check.case_of(scenario.configuration, scenario.evidence))}
    assert known[Link.TRUST].state is known[Link.KEY].state is LinkState.PROVEN
    assert known[Link.PERMISSION].state is permission


def test_an_unseen_organization_is_said_beside_the_proof():
    scenario = next(item for item in SCENARIOS if item.name == "aws/healthy-terse")
    known = {item.link: item for item in proofs.chain(check.case_of(scenario.configuration, scenario.evidence))}
    assert "organization were not seen" in known[Link.TRUST].because


def test_the_right_id_is_named_only_where_it_is_known():
    scenario = next(item for item in SCENARIOS if item.name == "aws/trust-external-id-registered-wrong")
    ruling = rulings(scenario)["aws-sts-assume-role-denied.external-id-mismatch"]
    assert "the registration is what to correct" in ruling.because
    assert not ruling.changes
    unsure = replace(scenario, configuration=replace(scenario.configuration, organization_id=""))
    ruling = rulings(unsure)["aws-sts-assume-role-denied.external-id-mismatch"]
    assert "If the registered one is right" in ruling.because


def test_proofs_are_loaded_only_when_one_is_asked_for():
    code = (
        "import sys; from ekm_core import catalogue; catalogue.errors(); "
        "print([name for name in sys.modules if name.startswith('ekm_core.aws.proofs.') or '.aws.iam' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_large_hostile_policy_is_judged_in_time():
    statement = {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": ["kms:" + "*a" * 40] * 200,
        "Resource": "arn:aws:kms:" + "*" * 3000,
        "Condition": {"StringNotLike": {"aws:PrincipalArn": ["*a" * 500] * 5}},
    }
    document = {"Version": "2012-10-17", "Statement": [statement] * 2}
    scenario = next(item for item in SCENARIOS if item.name == "aws/kms-healthy")
    hostile = (*scenario.evidence[:-1], replace(scenario.evidence[-1], output={"Policy": json.dumps(document)}))
    started = time.process_time()
    rulings(replace(scenario, evidence=hostile))
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("name", "cause", "command"),
    [
        ("aws/identity-tags-of-another-key", "identity-policy-missing", "aws kms list-resource-tags --key-id="),
        ("aws/key-policy-encryption-context", "key-policy-missing", None),
    ],
)
def test_an_open_condition_names_the_command_that_would_decide_it(name, cause, command):
    (scenario,) = (item for item in SCENARIOS if item.name == name)
    ruling = rulings(scenario)[f"aws-kms-access-denied.{cause}"]
    assert ruling.verdict is Verdict.CANNOT_TELL
    assert ("your evidence does not show" in ruling.because) is bool(command)
    assert [item.text.startswith(command) for item in ruling.missing] == ([True] if command else [])
