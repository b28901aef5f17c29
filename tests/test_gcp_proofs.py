"""Proofs of Google Cloud's causes: changes mend what they promise, and nothing but proof confirms."""

from __future__ import annotations

import json
import random
import time
from dataclasses import replace
from functools import cache
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks import causes
from ekm_core import catalogue
from ekm_core.check import case_of, chain, check
from ekm_core.diagnose import Setup, diagnose
from ekm_core.evidence import read as read_text
from ekm_core.gcp import practice, printed, proofs
from ekm_core.model import Exhibit, Link, LinkState, Provider, Status, Verdict

SCENARIOS = {item.name: item for item in causes.load() if item.name.startswith("gcp/")}
HEALTHY = SCENARIOS["gcp/healthy"]
PROVEN = [
    (f"{error.id}.{cause.id}", cause.proof)
    for error in catalogue.errors().values()
    if error.provider is Provider.GCP
    for cause in error.causes
    if cause.proof
]
SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
pytestmark = pytest.mark.usefixtures("cel_once")
REFUSED = "ERROR: (gcloud) PERMISSION_DENIED: The caller does not have permission. It may not exist."


def case(scenario, evidence=None):
    made = case_of(scenario.configuration, scenario.evidence if evidence is None else evidence)
    return replace(made, text=scenario.text)


def rulings(judged):
    return {name: proof(judged) for name, proof in PROVEN}


def confirmed(judged):
    return {name for name, ruling in rulings(judged).items() if ruling.verdict is Verdict.CONFIRMED}


def replaced(value, before, after):
    """The value with every part that equals ``before`` exchanged for ``after``."""
    if value == before:
        return after
    if isinstance(value, dict):
        return {key: replaced(part, before, after) for key, part in value.items()}
    if isinstance(value, list):
        return [replaced(part, before, after) for part in value]
    return value


def applied(change, evidence):
    before, after = json.loads(change.before), json.loads(change.after)
    assert before != after
    mended = []
    for exhibit in evidence:
        output = printed.read(exhibit.text) if exhibit.output is None else exhibit.output
        output = replaced(output, before, after) if output is not None else None
        mended.append(Exhibit(exhibit.command, output, json.dumps(output) if output is not None else exhibit.text))
    assert [item.output for item in mended] != [item.output for item in evidence]
    return tuple(mended)


@cache
def all_rulings():
    """(scenario, cause, ruling) of every scenario; CEL makes them slow, so they are judged once."""
    return [(item, cause, ruling) for item in SCENARIOS.values() for cause, ruling in rulings(case(item)).items()]


def test_a_change_put_back_into_the_evidence_mends_the_cause():
    proofs_by_name, mended = dict(PROVEN), set()
    for scenario, cause, ruling in all_rulings():
        for change in ruling.changes:
            verdict = proofs_by_name[cause](case(scenario, applied(change, scenario.evidence))).verdict
            # A deny policy may still be above the project: that is not in the changed document.
            open_ = cause.endswith(".deny-policy") and verdict is Verdict.CANNOT_TELL
            assert verdict is Verdict.RULED_OUT or open_, (scenario.name, cause)
            mended.add(cause)
    assert len(mended) >= 12


def members(document):
    return {
        (one.get("role"), json.dumps(one.get("condition")), member)
        for one in document.get("bindings", [])
        for member in one["members"]
    }


def test_changes_take_nobody_out_and_bind_openai_alone():
    added = set()
    for _, _, ruling in all_rulings():
        for change in ruling.changes:
            if change.title.startswith("IAM policy"):
                before, after = json.loads(change.before), json.loads(change.after)
                assert members(before) <= members(after)
                added |= {member.rpartition("/")[2] for *_, member in members(after) - members(before)}
    assert added == {"105900137572174660365"}


def test_every_decided_verdict_says_where_it_was_seen():
    for scenario, cause, ruling in all_rulings():
        assert ruling.because, cause
        assert ruling.shown or ruling.verdict is Verdict.CANNOT_TELL, (scenario.name, cause)
        assert not ruling.changes or ruling.verdict is Verdict.CONFIRMED


def test_a_healthy_setup_confirms_nothing_and_proves_the_chain():
    assert confirmed(case(HEALTHY)) == set()
    states = {link.link: link.state for link in chain(case(HEALTHY))}
    assert states[Link.TRUST] is states[Link.KEY] is LinkState.PROVEN
    assert states[Link.PERMISSION] is LinkState.PROVEN
    listed = SCENARIOS["gcp/kms-condition-true"]
    assert LinkState.PROVEN in {link.state for link in proofs.chain(case(listed)) if link.link is Link.PERMISSION}


@pytest.mark.parametrize("at", range(len(HEALTHY.evidence)))
def test_without_one_exhibit_or_with_it_refused_nothing_is_confirmed(at):
    evidence = list(HEALTHY.evidence)
    assert confirmed(case(HEALTHY, evidence[:at] + evidence[at + 1 :])) == set()
    for name in ("gcp/healthy", "gcp/kms-bound-on-ring", "gcp/kms-bound-on-project", "gcp/kms-custom-role-whole"):
        evidence = list(SCENARIOS[name].evidence)
        if at < len(evidence):
            evidence[at] = Exhibit(evidence[at].command, None, REFUSED)
            assert confirmed(case(SCENARIOS[name], evidence)) == set(), name


@pytest.mark.parametrize("name", ["gcp/healthy", "gcp/kms-two-faults", "gcp/check-several-faults", "gcp/pool-disabled"])
def test_the_order_of_the_exhibits_does_not_matter(name):
    evidence = list(SCENARIOS[name].evidence)
    first = {cause: ruling.verdict for cause, ruling in rulings(case(SCENARIOS[name])).items()}
    for seed in range(3):
        random.Random(seed).shuffle(evidence)
        again = rulings(case(SCENARIOS[name], evidence))
        assert {cause: ruling.verdict for cause, ruling in again.items()} == first


def test_without_a_registration_nothing_is_decided():
    judged = replace(case(HEALTHY), configuration=None)
    assert {ruling.verdict for ruling in rulings(judged).values()} == {Verdict.CANNOT_TELL}
    assert practice.findings(judged) == ()
    assert proofs.chain(judged) == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
COMMANDS = st.sampled_from([exhibit.command for exhibit in HEALTHY.evidence] + [""])


@SLOW
@given(st.lists(st.tuples(COMMANDS, JSON.filter(lambda value: value != [])), max_size=5))
def test_random_evidence_confirms_nothing(outputs):
    evidence = [Exhibit(command, output, json.dumps(output)) for command, output in outputs]
    judged = case(HEALTHY, evidence)
    assert confirmed(judged) == set()
    practice.findings(judged)
    proofs.chain(judged)


def paths(value, path=()):
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from paths(part, (*path, key))


def put(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


@SLOW
@given(st.data())
def test_a_document_with_a_wrong_part_anywhere_never_raises(data):
    at = data.draw(st.integers(0, len(HEALTHY.evidence) - 1))
    exhibit = HEALTHY.evidence[at]
    output = put(exhibit.output, data.draw(st.sampled_from(list(paths(exhibit.output)))), data.draw(JSON))
    evidence = list(HEALTHY.evidence)
    evidence[at] = Exhibit(exhibit.command, output, json.dumps(output))
    judged = case(HEALTHY, evidence)
    rulings(judged)
    practice.findings(judged)
    proofs.chain(judged)


def test_no_policy_with_an_odd_part_makes_a_practice_fail():
    for at, exhibit in enumerate(HEALTHY.evidence):
        if "get-iam-policy" not in exhibit.command:
            continue
        for path, odd in product(paths(exhibit.output), ([], {}, 7)):
            output = put(exhibit.output, path, odd)
            evidence = list(HEALTHY.evidence)
            evidence[at] = Exhibit(exhibit.command, output, json.dumps(output))
            practice.findings(case(HEALTHY, evidence))


def warnings(name):
    return {item.id: item for item in practice.findings(case(SCENARIOS[name])) if item.status is Status.WARN}


def test_best_practice_of_a_healthy_setup_is_all_pass():
    found = practice.findings(case(HEALTHY))
    assert {item.status for item in found} == {Status.PASS}
    assert {item.id for item in found} >= {
        "gcp-condition-open-to-others",
        "gcp-role-above-key",
        "gcp-key-without-rotation",
    }


def test_what_works_and_is_wide_is_warned_of():
    assert set(warnings("gcp/healthy-wide")) == {
        "gcp-condition-open-to-others",
        "gcp-key-open-to-pool",
        "gcp-role-above-key",
    }
    assert set(warnings("gcp/kms-bound-on-ring")) == {"gcp-role-above-key"}
    assert "gcp-older-version-unusable" in warnings("gcp/version-named-is-older")


def test_the_changes_of_warnings_keep_openai_in():
    scenario = SCENARIOS["gcp/healthy-wide"]
    for finding in warnings("gcp/healthy-wide").values():
        for change in finding.changes:
            judged = case(scenario, applied(change, scenario.evidence))
            assert confirmed(judged) == set()
            assert not check(scenario.configuration, judged.evidence).failed
    (change,) = warnings("gcp/healthy-wide")["gcp-condition-open-to-others"].changes
    mended = practice.findings(case(scenario, applied(change, scenario.evidence)))
    assert "gcp-condition-open-to-others" not in {item.id for item in mended if item.status is Status.WARN}


def test_every_bound_name_is_there():
    assert len(PROVEN) == len({name for name, _ in PROVEN}) >= 30


TRANSCRIPT = """\
ada@cloudshell:~ (acme-keys)$ gcloud kms keys get-iam-policy openai --keyring ekm --location europe-west1 \\
  --project acme-keys
bindings:
- members:
  - principal://iam.googleapis.com/projects/acme-keys/locations/global/workloadIdentityPools/openai-pool/subject/105900137572174660365
  role: roles/cloudkms.cryptoKeyEncrypterDecrypter
etag: BwYhPzqLx0Q=
version: 1
ada@cloudshell:~ (acme-keys)$ gcloud kms keyrings get-iam-policy ekm --location europe-west1 --project acme-keys
etag: ACAB
ada@cloudshell:~ (acme-keys)$ gcloud projects get-iam-policy acme-keys
bindings:
- members:
  - user:ada@acme.example
  role: roles/owner
etag: BwYhO8mCdvU=
version: 1
"""


def test_a_terminals_transcript_proves_as_a_bundle_does():
    judged = case(SCENARIOS["gcp/kms-not-bound"], read_text(TRANSCRIPT).exhibits)
    assert confirmed(judged) == {"gcp-kms-permission-denied.wrong-principal"}


MEMBER = "principal://iam.googleapis.com/projects/481516234299/locations/global/workloadIdentityPools/openai-pool/"


@pytest.mark.parametrize(
    "policy",
    [
        {"bindings": [{"role": "roles/cloudkms.cryptoKeyEncrypter", "members": [f"{MEMBER}subject/1"]}] * 6000},
        {"bindings": [{"role": "roles/cloudkms.cryptoKeyEncrypter", "members": [f"{MEMBER}subject/1"] * 8000}]},
        {
            "bindings": [
                {"role": "roles/cloudkms.cryptoKeyEncrypter", "members": [MEMBER + "subject/" + "1" * 1_000_000]}
            ]
        },
    ],
    ids=["many bindings", "many members", "a long member"],
)
def test_a_huge_policy_is_judged_in_time(policy):
    wanted = "gcloud kms keys get-iam-policy"
    exhibits = [
        Exhibit(item.command, policy, json.dumps(policy)) if item.command.startswith(wanted) else item
        for item in HEALTHY.evidence
    ]
    start = time.perf_counter()
    rulings(case(HEALTHY, exhibits))
    assert time.perf_counter() - start < 10


def test_the_fix_does_not_open_the_provider_to_another_organization():
    scenario = SCENARIOS["gcp/audience-personal-organization"]
    judged = diagnose(scenario.text, setup=Setup(scenario.configuration, scenario.evidence)).errors[0].causes
    commands = [snippet.text for item in judged[:2] for snippet in item.fix.cli]
    assert {item.ruling.verdict for item in judged[:2]} == {Verdict.CONFIRMED}
    assert any("--allowed-audiences=org-Acme7xQ2LmT9" in text for text in commands)
    assert not any("org-Personal3kV8" in text for text in commands)
