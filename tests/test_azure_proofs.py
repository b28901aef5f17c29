"""The proofs of Azure's causes: no false claim, whatever the evidence is, and changes that mend what they say.

The set-ups are those of ``tests/scenarios/azure``.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import causes
from ekm_core import catalogue
from ekm_core.azure.proofs import chain
from ekm_core.check import case_of, check
from ekm_core.diagnose import Setup, diagnose
from ekm_core.model import Case, Configuration, Exhibit, LinkState, Provider, Status, Verdict

SCENARIOS = {item.name: item for item in causes.load() if item.name.startswith("azure/")}
HEALTHY = SCENARIOS["azure/healthy"]
PROOFS = [
    cause.proof
    for error in catalogue.errors().values()
    if error.provider is Provider.AZURE
    for cause in error.causes
    if cause.proof is not None
]
DENIED = (
    "ERROR: (AuthorizationFailed) The client 'a@b.dev' with object id 'd5a1c7e3-60b4-4f29-8e17-9c3b2f6a0d84' does not "
    "have authorization to perform action 'Microsoft.KeyVault/vaults/read' over scope '/subscriptions/x'.\n"
    "Code: AuthorizationFailed"
)
PLACES = range(len(HEALTHY.evidence))


def confirmed(evidence, configuration=HEALTHY.configuration, text=""):
    case = replace(case_of(configuration, evidence), text=text)
    return [ruling for proof in PROOFS if (ruling := proof(case)).verdict is Verdict.CONFIRMED]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text", ["", "Caller is not authorized to perform action on resource."])
def test_without_one_output_nothing_is_confirmed(place, text):
    evidence = HEALTHY.evidence
    assert confirmed(evidence[:place] + evidence[place + 1 :], text=text) == []


@pytest.mark.parametrize("place", PLACES)
def test_a_refused_command_confirms_nothing(place):
    evidence = list(HEALTHY.evidence)
    evidence[place] = Exhibit(evidence[place].command, None, DENIED)
    assert confirmed(evidence) == []


@pytest.mark.parametrize("place", PLACES)
def test_an_output_without_its_command_confirms_nothing(place):
    evidence = list(HEALTHY.evidence)
    evidence[place] = replace(evidence[place], command="")
    assert confirmed(evidence) == []


@pytest.mark.parametrize("place", PLACES)
def test_an_empty_list_without_its_command_confirms_nothing(place):
    evidence = list(HEALTHY.evidence)
    evidence[place] = Exhibit("", [], "[]")
    assert confirmed(evidence) == []


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_order_of_the_outputs_does_not_matter(name):
    scenario = SCENARIOS[name]
    shuffled = list(scenario.evidence)
    random.Random(name).shuffle(shuffled)
    assert causes.run(replace(scenario, evidence=tuple(shuffled))) == causes.run(scenario)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_verdict_says_how_we_know(name):
    scenario = SCENARIOS[name]
    case = case_of(scenario.configuration, scenario.evidence)
    for proof in PROOFS:
        ruling = proof(case)
        assert ruling.because
        assert bool(ruling.shown) or ruling.verdict is Verdict.CANNOT_TELL, ruling
        assert not ruling.changes or ruling.verdict is Verdict.CONFIRMED


CHANGED = [
    name
    for name, scenario in SCENARIOS.items()
    if any(ruling.changes for ruling in confirmed(scenario.evidence, scenario.configuration))
]


@pytest.mark.parametrize("name", CHANGED)
def test_a_change_put_back_turns_the_check_clean(name):
    scenario = SCENARIOS[name]
    found = confirmed(scenario.evidence, scenario.configuration)
    (change,) = {change for ruling in found for change in ruling.changes}
    before, after = json.loads(change.before), json.loads(change.after)
    assert change.diff
    configuration = scenario.configuration
    if change.title == "Registration":
        configuration = replace(configuration, fields={**configuration.fields, **after})
    evidence = []
    for exhibit in scenario.evidence:
        put = [after if item == before else item for item in exhibit.output] if isinstance(exhibit.output, list) else 0
        evidence.append(replace(exhibit, output=put) if put else exhibit)
    assert not confirmed(evidence, configuration)


def test_a_wrong_registration_is_not_printed_as_its_own_repair():
    scenario = SCENARIOS["azure/missing-principal-wrong-tenant"]
    judged = diagnose(scenario.text, setup=Setup(scenario.configuration, scenario.evidence)).errors[0].causes[0]
    assert judged.cause.id == "wrong-tenant-registered"
    wrong = scenario.configuration.get("tenant_id")
    assert not any(wrong in snippet.text for snippet in (*judged.fix.cli, *judged.fix.verify))
    assert "<TENANT_ID>" in judged.fix.placeholders


def test_there_are_changes():
    assert len(CHANGED) >= 4


def test_a_healthy_chain_is_proven_from_end_to_end():
    links = chain(case_of(HEALTHY.configuration, HEALTHY.evidence))
    assert [item.state for item in links] == [LinkState.PROVEN] * 6


def test_without_evidence_only_the_request_is_proven():
    links = chain(case_of(HEALTHY.configuration, ()))
    assert [str(item.link) for item in links] == ["request"]


@pytest.mark.parametrize("place", PLACES)
def test_no_link_breaks_by_what_is_not_given(place):
    evidence = HEALTHY.evidence[:place] + HEALTHY.evidence[place + 1 :]
    links = chain(case_of(HEALTHY.configuration, evidence))
    assert all(item.state is LinkState.PROVEN for item in links)


def test_another_clouds_configuration_decides_nothing():
    other = Configuration(Provider.AWS, {"role_arn": "arn:aws:iam::210987654321:role/x"})
    for proof in PROOFS:
        assert proof(Case("", configuration=other)).verdict is Verdict.CANNOT_TELL
        assert proof(Case("")).verdict is Verdict.CANNOT_TELL


# --- Best practice ---------------------------------------------------------------------------------------------------


def practices(name, **changed):
    """The status of each practice in a scenario, with fields of the vault changed."""
    scenario = SCENARIOS[f"azure/{name}"]
    evidence = [
        replace(item, output={**item.output, "properties": {**item.output["properties"], **changed}})
        if item.command.startswith("az keyvault show")
        else item
        for item in scenario.evidence
    ]
    found = check(scenario.configuration, evidence).findings
    return {item.id.removeprefix("azure-practice-"): item.status for item in found if "-practice-" in item.id}


def test_a_healthy_set_up_has_no_warning():
    assert set(practices("healthy").values()) == {Status.PASS}


def test_nothing_is_said_of_what_is_not_seen():
    assert practices("no-evidence") == {}


@pytest.mark.parametrize(
    ("practice", "name", "changed"),
    [
        ("purge", "healthy", {"enablePurgeProtection": None}),
        ("access-policies", "access-policy-that-allows", {}),
        ("role-scope", "rbac-inherited-from-group", {}),
        ("role-scope", "rbac-crypto-user-on-vault", {}),
        ("role-actions", "rbac-crypto-user-on-vault", {}),
        ("role-actions", "rbac-wildcard-role", {}),
        ("key-shared", "rbac-assigned-to-application-object", {}),
    ],
)
def test_what_is_unwise_is_a_warning(practice, name, changed):
    assert practices(name, **changed)[practice] is Status.WARN


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ([{"action": "Rotate", "timeAfterCreate": "P90D"}], Status.PASS),
        ([{"action": {"type": "Rotate"}, "trigger": {"timeAfterCreate": "P90D"}}], Status.PASS),
        ([{"action": "Notify", "timeBeforeExpiry": "P30D"}], Status.WARN),
        ([], Status.WARN),
    ],
)
def test_rotation(actions, expected):
    name = HEALTHY.configuration.get("key_name")
    output = {"id": f"https://ekm-vault.vault.azure.net/keys/{name}/rotationpolicy", "lifetimeActions": actions}
    command = f"az keyvault key rotation-policy show --vault-name ekm-vault --name {name}"
    found = check(HEALTHY.configuration, [*HEALTHY.evidence, Exhibit(command, output, "")]).findings
    assert [item.status for item in found if item.id == "azure-practice-rotation"] == [expected]


# --- Hostile evidence ------------------------------------------------------------------------------------------------

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["\ud800", "20a14814-5ab7-4612-a671-1382b412bf93", "/", "*", "Deny", "https://ekm-vault.vault.azure.net/"]
    )
)
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=12,
)
COMMANDS = st.sampled_from(["", *(exhibit.command for exhibit in HEALTHY.evidence)])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(COMMANDS, DOCUMENTS), max_size=4))
def test_random_outputs_never_raise(pairs):
    evidence = [Exhibit(command, output, "") for command, output in pairs]
    check(HEALTHY.configuration, evidence)


def places(value, path=()):
    """Every place inside a document."""
    yield path
    if isinstance(value, dict):
        for name, item in value.items():
            yield from places(item, (*path, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from places(item, (*path, number))


def put(value, path, new):
    if not path:
        return new
    made = value.copy()
    made[path[0]] = put(value[path[0]], path[1:], new)
    return made


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_one_value_of_a_wrong_type_never_raises(data):
    evidence = list(HEALTHY.evidence)
    at = data.draw(st.sampled_from(PLACES))
    path = data.draw(st.sampled_from(list(places(evidence[at].output))))
    evidence[at] = replace(evidence[at], output=put(evidence[at].output, path, data.draw(DOCUMENTS)))
    check(HEALTHY.configuration, evidence)


def value_at(value, path):
    return value_at(value[path[0]], path[1:]) if path else value


@pytest.mark.parametrize("mask", ["***", "xxxx", "<redacted>", "…", "", None, {}], ids=repr)
@pytest.mark.parametrize("at", PLACES)
def test_what_is_masked_or_cut_out_confirms_nothing(at, mask):
    for path in places(HEALTHY.evidence[at].output):
        evidence = list(HEALTHY.evidence)
        evidence[at] = replace(evidence[at], output=put(evidence[at].output, path, mask))
        assert confirmed(evidence) == [], path


GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
HIDDEN = ("00000000-0000-0000-0000-000000000000", "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "<id>", "***", "11111111-…")


@pytest.mark.parametrize("mask", HIDDEN)
@pytest.mark.parametrize("at", PLACES)
def test_an_id_hidden_in_one_place_confirms_nothing(at, mask):
    for path in places(HEALTHY.evidence[at].output):
        shown = value_at(HEALTHY.evidence[at].output, path)
        if isinstance(shown, str) and GUID.search(shown):
            evidence = list(HEALTHY.evidence)
            hidden = GUID.sub(mask, shown)
            evidence[at] = replace(evidence[at], output=put(evidence[at].output, path, hidden))
            assert confirmed(evidence) == [], path


@pytest.mark.parametrize("size", [1000, 20000])
def test_long_lists_are_judged_in_time(size):
    evidence = list(HEALTHY.evidence)
    at = next(number for number, item in enumerate(evidence) if "assignment list" in item.command)
    many = [{**evidence[at].output[0], "id": f"a{number}", "principalId": f"{number:032x}"} for number in range(size)]
    evidence[at] = replace(evidence[at], output=many)
    assert Status.FAIL not in {finding.status for finding in check(HEALTHY.configuration, evidence).findings}
