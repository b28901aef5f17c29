"""Triage, for the support team: many messages at once. What broke, since when, for whom, and what nobody knows yet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

import streamlit as st

from ekm_core import catalogue
from ekm_core.model import Provider
from ekm_core.triage import TriageError, export, proposal, session
from ekm_core.triage.job import Counts
from ekm_core.triage.results import Group, Summary, TableRow
from pages.components import asking, charts, frame, markup, staff, uploads

_NONE = "(none)"
_TEXT = ("text", "message", "error", "description", "body", "comment", "msg", "content", "details")
_TIME = ("time", "timestamp", "created", "date", "when")
_CUSTOMER = ("customer", "organization", "organisation", "org", "account", "tenant", "company")
_NOT_HERE = (
    f"A path is read only on your own computer, by a server started with {staff.LOCAL_FILES}=1. Please upload the file."
)
_NO_CUSTOMERS = "No column of the customer was chosen"
_EVERY, _UNKNOWN = "All", "No known error"
_ALARMING, _QUIET = "With a word that errors have", "Without such a word"
_SHOWN_ERRORS, _SHOWN_GROUPS, _SHOWN_AFFECTED = 12, 10, 30
_WORD = re.compile(r"[A-Z]*[a-z]+|[A-Z]+")
_LOW = 8
"""So many rows of the table stand without empty ones below them."""


def _likely(names: Sequence[str], words: Sequence[str]) -> str:
    """The column that is most likely meant, "" where no name says so."""
    exact = (name for word in words for name in names if name.casefold() == word)
    apart = (name for word in words for name in names if word in map(str.casefold, _WORD.findall(name)))
    within = (name for word in words for name in names if word in name.casefold())
    return next(exact, "") or next(apart, "") or next(within, "")


def _columns(data: bytes | None, name: str, id: str) -> tuple[str, ...]:
    """The columns of an upload or of what lies at a path, read once."""
    if st.session_state.get("triage-upload") != id:
        st.session_state["triage-columns"] = session.columns(data, name)
        st.session_state["triage-upload"] = id
    found: tuple[str, ...] = st.session_state["triage-columns"]
    return found


def _begin(data: bytes | None, name: str, text: str, time: str, customer: str) -> None:
    if running := st.session_state.pop("triage", None):
        running.cancel()
    st.session_state["triage-problem"] = ""
    for choice in ("triage-chosen", "triage-error", "triage-kind", "triage-groups"):  # they were about another result
        st.session_state.pop(choice, None)
    if data is None and not staff.may_name_files():  # it may have been, when the button was drawn
        st.session_state["triage-problem"] = _NOT_HERE
        return
    try:
        st.session_state["triage"] = session.Session(data, name, text, time, customer)
    except TriageError as problem:
        st.session_state["triage-problem"] = str(problem)


def _cancel() -> None:
    if running := st.session_state.pop("triage", None):
        running.cancel()
    st.session_state["triage-problem"] = "The triage was cancelled."


def _megabytes() -> int:
    """What an upload may have: the server refuses more than its own limit, whatever a field allows."""
    return min(int(st.get_option("server.maxUploadSize")), session.MOST_BYTES >> 20)


def _draw_input() -> None:
    left, right = st.columns(2, gap="large")
    file = left.file_uploader(
        "A file of messages",
        key="triage-file",
        max_upload_size=_megabytes(),
        help="csv, JSON, JSON lines, parquet, a log, CloudTrail, Google Cloud audit logs, Key Vault diagnostic logs, "
        "a ticket export; .gz and .zip of them.",
    )
    pasted = right.text_area("Or paste lines, one message a line", key="triage-paste", height=110)
    path = ""
    if staff.may_name_files():
        path = st.text_input(
            "Or a path on this computer",
            key="triage-path",
            placeholder="~/logs/*.jsonl.gz",
            help="A file, a folder or a pattern. It is read where it lies, whatever its size.",
        ).strip()
    given = {"the path": bool(path), "the file": file is not None, "the lines": bool((pasted or "").strip())}
    meant = [what for what, is_given in given.items() if is_given]
    if len(meant) > 1:
        st.html(markup.page(f'<p class="ekm-quiet" role="status">Only {meant[0]} will be read.</p>'))
    if path or file is not None:
        data, name, id = (None, path, path) if path else (file.getvalue(), file.name, file.file_id)
        try:
            names = _columns(data, name, id)
        except TriageError as problem:
            st.html(markup.page(markup.note(str(problem), bad=True)))
            if path:
                st.button("Look again")
            return
        text, time, customer = "", "", ""
        if names:
            fields = st.columns(3)
            guess = _likely(names, _TEXT)
            place = names.index(guess) if guess else None
            text = fields[0].selectbox("Column of the text", names, place, placeholder="Choose the column") or ""
            rest = [_NONE, *names]
            chosen = []
            for field, label, words in (
                (fields[1], "Column of the time", _TIME),
                (fields[2], "Column of the customer", _CUSTOMER),
            ):
                guess = _likely(names, words)
                chosen.append(field.selectbox(label, rest, rest.index(guess) if guess else 0))
            time, customer = ("" if name == _NONE else name for name in chosen)
        given_all = (data, name, text, time, customer)
        st.button("Triage", type="primary", on_click=_begin, args=given_all, disabled=bool(names) and not text)
    else:
        lines = (pasted or "").encode("utf-8", "replace")
        ready = bool(lines.strip())
        st.button("Triage", type="primary", on_click=_begin, args=(lines, "", "", "", ""), disabled=not ready)


@st.fragment(run_every=0.5)
def _draw_progress() -> None:
    state = st.session_state["triage"].state if "triage" in st.session_state else None
    if state is None or not state.running:
        st.rerun()
    st.progress(state.share, text=state.sentence)
    st.button("Cancel", on_click=_cancel)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _draw_counts(found: Summary, counts: Counts, seconds: float, column: str) -> None:
    known = catalogue.errors()
    with_error, without = found.matched, found.rows - found.matched
    took = f"{_count(found.rows, 'message')} in {seconds:,.1f} seconds"
    said = [f"{took}: {with_error:,} with a known error, {without:,} without."]
    if not found.rows:
        said = ["There is no message in it."]
    elif column and not with_error:
        said.append(f"No known error stands in the column “{column}”. Do the messages stand in another one?")
    if counts.silent:
        said.append(f"Audit records without an error, which were passed over: {counts.silent:,}.")
    if counts.mended:
        said.append(f"Messages with bytes that are not UTF-8, which are shown as \ufffd: {counts.mended:,}.")
    st.html(markup.page("<h2>Result</h2>", markup.sentences(said)))
    if counts.bad:
        head = f"{_count(counts.bad, 'row')} could not be read" + (
            f"; the first {len(counts.named)}:" if counts.bad > len(counts.named) else ":"
        )
        st.html(markup.page(markup.sentences([row.sentence for row in counts.named], head=head, bad=True)))
    if not found.matched:
        return
    lasted = found.lasted
    head = ("Count", "Error", "ID", "First", "Last") if lasted else ("Count", "Error", "ID")
    errors = markup.folded_table(
        head,
        [
            (f"{n:,}", known[id].title, id, *(_minute(time) for time in lasted.get(id, ("", "")) if lasted))
            for id, n in found.by_error.items()
        ],
        _SHOWN_ERRORS,
    )
    clouds = markup.table(("Count", "Cloud"), [(f"{n:,}", Provider(id).label) for id, n in found.by_cloud.items()])
    links = markup.table(
        ("Count", "Link of the chain"), [(f"{n:,}", id.capitalize()) for id, n in found.by_link.items()]
    )
    st.html(markup.page("<h3>What broke</h3>", errors))
    left, right = st.columns(2, gap="large")
    left.html(markup.page("<h3>In which cloud</h3>", clouds))
    right.html(markup.page("<h3>At which link of the chain</h3>", links))


def _minute(time: str) -> str:
    return time[:16]


def _draw_choice(found: Summary) -> Summary:
    """What the charts and the customers below are about: all errors, or the chosen one."""
    if len(found.by_error) < 2:
        return found
    chosen = st.selectbox(
        "Since when and for whom: of which error",
        [_EVERY, *found.by_error],
        key="triage-chosen",
        format_func=lambda id: f"{id} · {found.by_error[id]:,}" if id in found.by_error else id,
    )
    return found.of(chosen) if chosen in found.by_error else found


def _draw_time(found: Summary, parts: charts.Parts) -> None:
    if found.over_time:
        st.html(markup.page(f"<h3>Since when (by {found.bucket}, UTC)</h3>", parts.legend()))
        alt = f"Messages with a known error by {found.bucket}."
        st.altair_chart(charts.over_time(found, parts), height=280, alt=alt)
        if found.untimed:
            said = (
                f"Of all messages {found.untimed:,} {'has' if found.untimed == 1 else 'have'} no time that can be read."
            )
            st.html(markup.page(f'<p class="ekm-quiet">{said}</p>'))
    elif found.matched:
        none = markup.note("No message has a time that can be read, so there is no chart over time.")
        st.html(markup.page("<h3>Since when</h3>", none))


def _draw_customers(found: Summary, parts: charts.Parts, column: str) -> None:
    if not found.affected:
        return
    shown, named = charts.largest(found.affected)
    if named:
        st.html(markup.page("<h3>For whom</h3>", parts.legend()))
        alt = "Messages with a known error by customer; the table below has the figures."
        st.altair_chart(charts.by_customer(found.affected, shown, parts), height=charts.height(len(shown)), alt=alt)
        if named > charts.MOST_CUSTOMERS:
            said = f"The {charts.MOST_CUSTOMERS} customers with the most messages, of {named:,}."
            st.html(markup.page(f'<p class="ekm-quiet">{said}</p>'))
    else:
        why = f"No message with a known error has a value in “{column}”" if column else _NO_CUSTOMERS
        st.html(markup.page("<h3>For whom</h3>", markup.note(f"{why}, so there is no chart by customer.")))
    rows = [
        (f"{item.count:,}", item.error_id, item.customer or charts.NOT_GIVEN, item.first, item.last)
        for item in found.affected[:_SHOWN_AFFECTED]
    ]
    head = ("Count", "Error", "Customer", "First", "Last")
    said = f"The {len(rows)} largest of {len(found.affected):,}." if len(found.affected) > len(rows) else ""
    note = f'<p class="ekm-quiet">{said}</p>' if said else ""
    st.html(markup.page(markup.folded_table(head, rows, _SHOWN_ERRORS), note))
    if named:
        make, name = partial(export.affected_as_csv, found.affected), "triage-customers.csv"
        st.download_button("Download all customers as csv", make, name, "text/csv", on_click="ignore")


def _draw_table(found: Summary) -> None:
    import pandas as pd

    st.html(markup.page("<h3>Messages</h3>"))
    left, right = st.columns(2)
    chosen = left.selectbox("Error", [_EVERY, _UNKNOWN, *found.by_error], key="triage-error")
    words = right.text_input("Words in the text or the customer", key="triage-words", max_chars=200).casefold().split()

    def fits(row: TableRow) -> bool:
        hay = f"{row.text} {row.customer}".casefold()
        return (chosen == _EVERY or row.error_id == ("" if chosen == _UNKNOWN else chosen)) and all(
            word in hay for word in words
        )

    rows = [row for row in found.table if fits(row)]
    st.html(markup.page(f'<p class="ekm-quiet" role="status">{len(rows):,} of {len(found.table):,} kept rows</p>'))
    shown = pd.DataFrame(
        [(row.number, row.time, row.customer, row.error_id, " ".join(row.text[:300].split())) for row in rows],
        columns=["Row", "Time", "Customer", "Error", "Text"],
    )
    event = st.dataframe(
        shown,
        hide_index=True,
        height=320 if len(rows) > _LOW else "content",
        on_select="rerun",
        selection_mode="single-row",
        key="triage-table",
        column_config={"Error": st.column_config.Column(width="medium"), "Text": st.column_config.Column(width=600)},
    )
    picked = [rows[number] for number in event["selection"]["rows"] if number < len(rows)]
    if st.button("Open in Diagnose", disabled=not picked, icon=":material/open_in_new:"):
        asking.put(picked[0].text)
        st.switch_page("pages/diagnose.py")


def _draw_groups(found: Summary) -> None:
    if not found.groups:
        return
    st.html(
        markup.page(
            f"<h3>Unknown messages by template ({len(found.groups):,})</h3>"
            "<p>What varies is replaced by &lt;*&gt;. A proposal is a file for the catalogue with one sample; "
            "identifiers in it are renamed.</p>"
        )
    )
    kinds = [
        kind for kind in (_ALARMING, _QUIET) if any(group.alarming is (kind == _ALARMING) for group in found.groups)
    ]
    counts = {
        kind: sum(group.count for group in found.groups if group.alarming is (kind == _ALARMING)) for kind in kinds
    }
    left, right = st.columns(2)
    chosen = left.selectbox(
        "Which messages",
        kinds,
        key="triage-kind",
        format_func=lambda kind: f"{kind} · {_count(counts[kind], 'message')}",
    )
    words = right.text_input("Words in the template", key="triage-template", max_chars=200).casefold().split()
    fits = [
        (number, group)
        for number, group in enumerate(found.groups)
        if group.alarming is (chosen == _ALARMING) and all(word in group.template.casefold() for word in words)
    ]
    shown = st.session_state.get("triage-groups", _SHOWN_GROUPS)
    for number, group in fits[:shown]:
        _draw_group(number, group)
    if len(fits) > shown:
        st.button(f"Show {min(_SHOWN_GROUPS, len(fits) - shown)} more of {len(fits) - shown}", on_click=_show_more)
    elif not fits:
        st.html(markup.page('<p class="ekm-quiet">No template has these words.</p>'))
    if found.ungrouped:
        said = f"Further messages whose templates were too rare to keep: {found.ungrouped:,}."
        st.html(markup.page(f'<p class="ekm-quiet">{said}</p>'))


def _show_more() -> None:
    st.session_state["triage-groups"] = st.session_state.get("triage-groups", _SHOWN_GROUPS) + _SHOWN_GROUPS


def _draw_group(number: int, group: Group) -> None:
    said = [_count(group.count, "message")]
    if group.customers:
        said.append(f"{export.customers(group)} customer{'' if group.customers == 1 else 's'}")
    if group.first:
        said.append(f"first {group.first}, last {group.last}")
    sample = f'<pre class="ekm-text" tabindex="0" aria-label="A sample">{markup.esc(group.sample)}</pre>'
    with st.container(border=True):
        st.html(
            markup.page(
                f'<p class="ekm-quiet">{markup.esc(" · ".join(said))}</p>'
                f'<pre class="ekm-text">{markup.esc(group.template)}</pre>'
                f'<details class="ekm-fold"><summary>A sample</summary>{sample}</details>'
            )
        )
        st.download_button(
            "Export as a proposal",
            lambda: proposal.proposal(group),
            proposal.file_name(group).rpartition("/")[2],
            "text/x-python",
            key=f"triage-proposal-{number}",
            on_click="ignore",
        )


def _draw_downloads(found: Summary, counts: Counts) -> None:
    said = ""
    if len(found.table) < found.rows:
        said = (
            f"The csv and the parquet hold the {len(found.table):,} kept rows. The command line writes all of them: "
            f"{session.COMMAND}"
        )
    st.html(markup.page("<h3>Take it along</h3>", f'<p class="ekm-quiet">{markup.esc(said)}</p>' if said else ""))
    with st.container(horizontal=True):
        for label, make, name, mime in (
            ("Markdown", lambda: export.markdown(found, counts), "triage.md", "text/markdown"),
            ("csv", lambda: export.as_csv(found.table), "triage.csv", "text/csv"),
            ("parquet", lambda: export.as_parquet(found.table), "triage.parquet", "application/vnd.apache.parquet"),
        ):
            st.download_button(f"Download {label}", make, name, mime, on_click="ignore")


def _unlimited() -> str:
    """Where a file of any size can be triaged."""
    if staff.may_name_files():
        return "A path on this computer has no limit."
    if staff.access() is staff.Access.LOOPBACK:
        switch = f"Started with {staff.LOCAL_FILES}=1, this server also takes a path to files of any size."
        return f"{switch} {session.UNLIMITED}"
    return session.UNLIMITED


staff.admit("Triage")
uploads.allow_large()
frame.head(
    "Triage",
    "Many messages at once: what broke, since when, for whom, and what nobody knows yet.",
    f"An upload may have {_megabytes()} MB, packed (.gz, .zip) or not; it is read by a process of its own and goes "
    f"with this session. {session.KEPT} {_unlimited()}",
)
_draw_input()
if problem := st.session_state.get("triage-problem"):
    st.html(markup.page(markup.note(problem, bad=True)))
if "triage" in st.session_state:
    now = st.session_state["triage"].state
    if now.running:
        _draw_progress()
    elif now.problem:
        st.html(markup.page(markup.note(now.problem, bad=True)))
    else:
        _draw_counts(now.summary, now.counts, now.seconds, st.session_state["triage"].column)
        chosen = _draw_choice(now.summary)
        parts = charts.Parts(chosen.by_error)
        _draw_time(chosen, parts)
        _draw_customers(chosen, parts, st.session_state["triage"].customer)
        if now.summary.rows:
            _draw_table(now.summary)
            _draw_groups(now.summary)
            _draw_downloads(now.summary, now.counts)
