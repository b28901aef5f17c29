"""The Triage page by Streamlit's own test harness: what it offers to whom, and what it says."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ekm_core.triage.results import OTHERS, Affected, Point, Summary
from pages.components import charts, staff
from pages.components.staff import Access
from tests.test_pages_app import app, html
from tests.test_triage import DENIED
from tests.test_triage_results import export_of

PATH = "Or a path on this computer"


@pytest.fixture(autouse=True)
def switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(staff.LOCAL_FILES, "1")


def page() -> AppTest:
    test = app().run().switch_page("pages/triage.py").run()
    assert not test.exception
    return test


def labels(test: AppTest) -> list[str]:
    return [field.label for field in (*test.text_input, *test.selectbox)]


def name(test: AppTest, path: Path | str) -> AppTest:
    return test.text_input(key="triage-path").set_value(str(path)).run()


def press(test: AppTest, label: str) -> AppTest:
    return next(button for button in test.button if button.label == label).click().run()


def triaged(test: AppTest) -> str:
    """What the page shows when the triage is done."""
    press(test, "Triage")
    for _ in range(600):
        if not any(button.label == "Cancel" for button in test.button):
            break
        time.sleep(0.05)  # another process works, and only a browser is told that it goes on
        test.run()
    assert not test.exception
    return html(test)


def specs(test: AppTest) -> list[dict[str, object]]:
    return [json.loads(chart.proto.spec) for chart in test.get("vega_lite_chart")]


def test_what_lies_at_a_path_is_triaged_whatever_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ekm_core.triage.session.MOST_BYTES", 1 << 20)
    (tmp_path / "in.jsonl").write_bytes(export_of(300) + b"\n" * (1 << 20))
    test = name(page(), tmp_path)
    assert [field.value for field in test.selectbox] == ["text", "created", "organization"]
    shown = triaged(test)
    assert "300 messages in" in shown
    assert "<td>customer-1</td>" in shown
    over_time, for_whom = specs(test)
    assert "utc" in str(over_time["encoding"])
    assert "Customer" in str(for_whom["encoding"])


def choose(test: AppTest, label: str, value: str) -> str:
    next(field for field in test.selectbox if field.label == label).set_value(value).run()
    assert not test.exception
    return html(test)


def test_one_error_is_looked_at_alone_until_the_next_triage(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(export_of(300))
    (tmp_path / "other.jsonl").write_text(json.dumps({"text": DENIED, "created": "x", "organization": "<b>"}))
    test = name(page(), tmp_path / "in.jsonl")
    assert "azure-key-name-pattern · 75</li>" in triaged(test)
    shown = choose(test, "Since when and for whom: of which error", "aws-sts-assume-role-denied")
    assert "aws-sts-assume-role-denied · 75</li>" in shown
    assert "azure-key-name-pattern · 75</li>" not in shown
    assert "Download all customers as csv" in [button.label for button in test.get("download_button")]
    name(test, tmp_path / "other.jsonl")
    assert "<td>&lt;b&gt;</td>" in triaged(test)


def test_unknown_messages_are_shown_by_kind_and_word_some_at_a_time(tmp_path: Path) -> None:
    words = [f"{chr(97 + n)}{chr(97 + n)}x" for n in range(25)]
    rows = [f"{word} failed" for word in words] + ["<i>my chats are gone"] * 30
    (tmp_path / "in.log").write_text("\n".join(rows))
    test = name(page(), tmp_path / "in.log")
    shown = triaged(test)
    assert "jjx failed" in shown
    assert "kkx failed" not in shown
    press(test, "Show 10 more of 15")
    assert "ttx failed" in html(test)
    press(test, "Show 5 more of 5")
    assert "yyx failed" in html(test)
    test.text_input(key="triage-template").set_value("FAILED ccx").run()
    assert [button.label for button in test.get("download_button")].count("Export as a proposal") == 1
    test.text_input(key="triage-template").set_value("nothing").run()
    assert "No template has these words." in html(test)
    test.text_input(key="triage-template").set_value("").run()
    shown = choose(test, "Which messages", "Without such a word")
    assert "&lt;i&gt;my chats are gone" in shown
    assert "aax failed</pre>" not in shown


def test_messages_without_a_time_that_can_be_read_are_counted(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(export_of(20) + b'\n{"text": "x", "created": "11/12/2026"}')
    assert "Of all messages 1 has no time that can be read." in triaged(name(page(), tmp_path / "in.jsonl"))


def test_what_is_taken_along_is_called_a_part_where_it_is_one(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(export_of(300))
    (tmp_path / "large.jsonl").write_bytes(export_of(10_000))
    test = name(page(), tmp_path / "in.jsonl")
    assert "kept rows. The command line" not in triaged(test)
    name(test, tmp_path / "large.jsonl")
    assert "The csv and the parquet hold the 3,770 kept rows. The command line writes all of them" in triaged(test)


def test_a_column_is_taken_by_its_name_or_asked_for(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(f"context,textPayload,category,orgName,updatedTime\na,{DENIED},b,c,d\n")
    test = name(page(), tmp_path / "in.csv")
    assert [field.value for field in test.selectbox] == ["textPayload", "updatedTime", "orgName"]
    (tmp_path / "other.csv").write_text(f"Erstellt;Kunde;Beschreibung\n27.11.2026;Acme;{DENIED}\n")
    name(test, tmp_path / "other.csv")
    assert [field.value for field in test.selectbox] == [None, "(none)", "(none)"]
    assert next(button for button in test.button if button.label == "Triage").disabled
    choose(test, "Column of the text", "Beschreibung")
    assert "1 message in" in triaged(test)


def test_where_nothing_is_known_the_page_asks_whether_it_is_the_right_column(tmp_path: Path) -> None:
    asked = "No known error stands in the column “ticket”. Do the messages stand in another one?"
    (tmp_path / "in.csv").write_text(f"ticket,message\nT-1,{DENIED}\n")
    test = name(page(), tmp_path / "in.csv")
    choose(test, "Column of the text", "ticket")
    assert asked in triaged(test)
    choose(test, "Column of the text", "message")
    assert "No known error stands" not in triaged(test)
    (tmp_path / "in.log").write_text("all is well\n")
    shown = triaged(name(test, tmp_path / "in.log"))
    assert "0 with a known error" in shown
    assert "No known error stands" not in shown


def test_without_a_column_of_the_customer_the_page_says_so(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(json.dumps({"text": DENIED, "created": "2026-11-27T10:00:00Z", "by": ""}))
    test = name(page(), tmp_path / "in.jsonl")
    assert "No column of the customer was chosen, so there is no chart" in triaged(test)
    assert len(specs(test)) == 1
    test.selectbox[2].set_value("by").run()
    assert "No message with a known error has a value in “by”, so there is no chart" in triaged(test)


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("{folder}/nothing.csv", "Cannot read &#x27;{folder}/nothing.csv&#x27;: No such file or directory."),
        ("{folder}", "The folder &#x27;{folder}&#x27; holds no csv, JSON, parquet or log files."),
        ("{folder}/*.csv", "No file has a name like &#x27;{folder}/*.csv&#x27;."),
        ("{folder}/pipe", "&#x27;{folder}/pipe&#x27; is neither a file nor a folder."),
        ("/dev/zero", "&#x27;/dev/zero&#x27; is neither a file nor a folder."),
        ("/proc/self/mem", "What was to be read cannot be read to its end: Input/output error."),
        ("/" + "x" * 300, ": File name too long."),
        ("in.csv", "Write the whole path, from its beginning"),
        ("-", "Write the whole path, from its beginning"),
        ("~nobody-of-this-name/in.csv", "Write the whole path, from its beginning"),
    ],
)
def test_a_path_of_no_use_is_answered_in_a_sentence(path: str, sentence: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    test = name(page(), path.format(folder=tmp_path))
    assert sentence.format(folder=tmp_path) in html(test)
    assert not test.exception
    assert "Triage" not in [button.label for button in test.button]


def test_where_nothing_is_found_no_empty_table_is_drawn(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("created,text\n")
    test = name(page(), tmp_path / "in.csv")
    shown = triaged(test)
    assert "There is no message in it." in shown
    assert "<table>" not in shown
    (tmp_path / "in.csv").write_text("created,text\n1,all is well\n2\n")
    shown = triaged(test)
    assert "1 message in" in shown
    assert "<p>1 row could not be read:</p><ul><li>row 2: it has 1 cells" in shown
    assert "What broke" not in shown
    assert len(test.dataframe) == 1


def test_a_path_is_looked_at_again(tmp_path: Path) -> None:
    test = name(page(), tmp_path / "in.csv")
    assert "No such file" in html(test)
    (tmp_path / "in.csv").write_text("body,created\nx,\n")
    press(test, "Look again")
    assert test.selectbox[0].value == "body"


def test_of_a_path_and_lines_the_path_is_read(tmp_path: Path) -> None:
    (tmp_path / "in.log").write_text("a\nb\n")
    test = page()
    test.text_area(key="triage-paste").set_value("one line")
    name(test, tmp_path / "in.log")
    assert "Only the path will be read." in html(test)
    assert "2 messages in" in triaged(test)


@pytest.mark.parametrize("found", [Access.LISTED, Access.PUBLIC, Access.SIGN_IN])
def test_no_path_is_offered_or_read_where_the_files_would_be_the_servers(
    found: Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in.log").write_text("a word of the server\n")
    test = name(page(), tmp_path / "in.log")
    started: list[object] = []
    monkeypatch.setattr("ekm_core.triage.session.subprocess.Popen", lambda *args, **_: started.append(args))
    monkeypatch.setattr(staff, "access", lambda: found)
    press(test, "Triage")  # drawn while the visitor sat at this machine
    assert not started
    assert PATH not in labels(test)
    if found.open:
        assert "A path is read only on your own computer, by a server started with EKM_LOCAL_FILES=1." in html(test)
        assert PATH not in labels(page())
        assert "A path on this computer" not in html(test)


@pytest.mark.parametrize("value", [None, "", "0", "true"])
def test_a_path_is_offered_only_where_the_server_was_started_for_it(
    value: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = name(page(), tmp_path)
    if value is None:
        monkeypatch.delenv(staff.LOCAL_FILES)
    else:
        monkeypatch.setenv(staff.LOCAL_FILES, value)
    assert PATH not in labels(test.run())
    assert "Started with EKM_LOCAL_FILES=1, this server also takes a path to files of any size" in html(test)
    assert "The command line has no limit" in html(test)


def summary(by_error: dict[str, int], affected: list[Affected]) -> Summary:
    points = tuple(Point("2026-11-27 10:00:00", error, count) for error, count in by_error.items())
    return Summary(sum(by_error.values()), by_error, {}, {}, "hour", points, tuple(affected), (), 0, 0, ())


def test_the_largest_customers_have_a_bar_and_the_nameless_stand_last() -> None:
    affected = [Affected("aws-a", f"c{n}", 10 + n, "", "") for n in range(20)]
    affected += [Affected("aws-b", "c0", 100, "", ""), Affected("aws-a", "", 500, "", "")]
    shown, named = charts.largest([*affected, Affected("aws-a", OTHERS, 900, "", "")])
    assert named == 20
    assert shown[:3] == ["c0", "c19", "c18"]
    assert shown[charts.MOST_CUSTOMERS :] == [OTHERS, ""]
    assert charts.largest([Affected("aws-a", "", 5, "", "")]) == ([""], 0)


def test_rare_errors_share_a_colour_and_no_message_is_lost() -> None:
    by_error = {f"aws-{n}": 100 - n for n in range(10)}
    affected = [Affected(error, "<b>", count, "", "") for error, count in by_error.items()]
    found, parts = summary(by_error, affected), charts.Parts(by_error)
    assert "</span>4 further errors · 370</li>" in parts.legend()
    for chart in (charts.over_time(found, parts), charts.by_customer(affected, ["<b>"], parts)):
        assert chart.data["Messages"].sum() == sum(by_error.values())
        assert chart.data["Error"].nunique() == 7
        assert chart.to_dict()["encoding"]["color"]["scale"]["domain"] == [*list(by_error)[:6], "4 further errors"]


def test_few_errors_have_a_colour_each() -> None:
    assert "further" not in charts.Parts({f"aws-{n}": 1 for n in range(7)}).legend()
