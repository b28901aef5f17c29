"""The command line: ``python -m ekm_core diagnose | check | probe | triage | simulate | explain``.

Exit codes: 0 done (diagnose: a known error was found), 1 diagnose found none, or check or probe found a failure, 2 bad
input with one line on stderr, 130 stopped by Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ekm_core import catalogue
from ekm_core.model import (
    ChainLink,
    Change,
    Configuration,
    Diagnosis,
    Exhibit,
    Finding,
    LinkState,
    Provider,
    Status,
    Verdict,
)

if TYPE_CHECKING:
    from ekm_core.check import Checked
    from ekm_core.credentials import Credentials
    from ekm_core.probing.event import Event
    from ekm_core.probing.record import Record

_MOST_BYTES = 16 << 20
_SECTION = "=" * 72

_VERDICTS = {Verdict.CONFIRMED: "CONFIRMED", Verdict.CANNOT_TELL: "cannot tell", Verdict.RULED_OUT: "ruled out"}
_STATUSES = {Status.FAIL: "FAIL", Status.WARN: "warning"}
_STATES = {LinkState.PROVEN: "ok", LinkState.BROKEN: "BROKEN", LinkState.UNKNOWN: "unknown"}


class BadInputError(Exception):
    """What the user gave cannot be used; the message is the one line they read."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code. Never a traceback for what a user can get wrong."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except BadInputError as problem:
        print(f"ekm_core: {problem}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader (head, less) has seen enough
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        print("ekm_core: stopped before the end", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ekm_core", description="Explains errors of OpenAI EKM set-ups.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    diagnose = commands.add_parser("diagnose", help="which known error stands in a text, why, and how to mend it")
    diagnose.add_argument("file", nargs="?", default="-", help="a text file; - is standard input")
    diagnose.add_argument("--config", metavar="FILE", help="what you registered: JSON body, curl, SDK call …")
    _add_evidence(diagnose)
    diagnose.add_argument("--changed", metavar="WHEN", help="when you last changed it: “10 minutes ago”, “14:05”")
    diagnose.set_defaults(run=_diagnose)

    check = commands.add_parser("check", help="what OpenAI would meet with a configuration, before any error")
    check.add_argument("config", metavar="CONFIG", help="what you registered: JSON body, curl, SDK call …")
    _add_evidence(check)
    check.set_defaults(run=_check)

    probe = commands.add_parser("probe", help="check with read-only calls to your cloud, by your own credentials")
    probe.add_argument("config", metavar="CONFIG", help="what you registered: JSON body, curl, SDK call …")
    probe.add_argument("--json", action="store_true", help="the public JSON, schema 1")
    probe.add_argument("--changed", metavar="WHEN", help="when you last changed it: “10 minutes ago”, “14:05”")
    probe.add_argument("--save", metavar="FILE", help="write the evidence, which check --evidence reads")
    who = probe.add_mutually_exclusive_group()
    who.add_argument("--public", action="store_true", help="only what can be read without credentials")
    who.add_argument("--device-code", action="store_true", help="Azure: sign in with a browser while it runs")
    probe.add_argument(
        "--round-trip", action="store_true", help="also encrypt and decrypt once, as yourself (not as OpenAI)"
    )
    probe.set_defaults(run=_probe)

    triage = commands.add_parser(
        "triage",
        help="classify many messages: csv, jsonl, parquet, logs, the clouds' audit records, .gz and .zip of them",
    )
    triage.add_argument("source", metavar="IN", help="a file, a folder, a pattern in quotes, or - for standard input")
    triage.add_argument("--out", metavar="OUT", help="written by its ending: .csv, .jsonl, .parquet")
    triage.add_argument("--text-column", default="text", metavar="NAME", help="what to classify; text unless given")
    triage.add_argument("--time-column", default="", metavar="NAME", help="when each message was, for the summary")
    triage.add_argument("--customer-column", default="", metavar="NAME", help="whose message it is, for the summary")
    triage.add_argument(
        "--processes",
        type=int,
        metavar="N",
        help="of this machine, to share the work: 1, with Dask one a core",
    )
    triage.add_argument(
        "--engine",
        choices=("local", "dask"),
        default="local",
        help="who does the work: this command, or Dask's workers",
    )
    triage.add_argument(
        "--scheduler", default="", metavar="ADDRESS", help="of a Dask cluster, tcp://…; without it workers start here"
    )
    triage.add_argument(
        "--summary",
        metavar="FILE",
        help="what broke, since when, for whom, and unknown messages: .md; without it printed where a column is named",
    )
    triage.set_defaults(run=_triage)

    simulate = commands.add_parser("simulate", help="AWS policy evaluation: one case a line in, one verdict a line out")
    simulate.add_argument("--jsonl", action="store_true", required=True, help="cases as JSON lines on standard input")
    simulate.set_defaults(run=_simulate)

    explain = commands.add_parser("explain", help="one entry of the catalogue as Markdown")
    explain.add_argument("error_id", metavar="ERROR_ID")
    explain.set_defaults(run=_explain)
    return parser


def _add_evidence(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--evidence",
        metavar="FILE",
        action="append",
        default=[],
        help="a cloud command's output, a terminal transcript or the script's bundle; may be given several times",
    )
    command.add_argument("--json", action="store_true", help="the public JSON, schema 1")


def _diagnose(options: argparse.Namespace) -> int:
    from ekm_core.diagnose import Setup, diagnose
    from ekm_core.report import as_dict

    text = _read(options.file)
    setup = Setup(
        _configuration(options.config) if options.config else None,
        _evidence(options.evidence),
        *(_changed(options.changed) if options.changed else ()),
    )
    diagnosis = diagnose(text, setup=setup)
    if options.json:
        _print_json(as_dict(diagnosis))
    else:
        print(_plain(diagnosis))
    return 0 if diagnosis.errors else 1


def _check(options: argparse.Namespace) -> int:
    from ekm_core.check import check
    from ekm_core.report import checked_dict

    checked = check(_configuration(options.config), _evidence(options.evidence))
    if options.json:
        _print_json(checked_dict(checked))
    else:
        print(_plain_check(checked))
    return 1 if checked.failed else 0


def _probe(options: argparse.Namespace) -> int:
    from ekm_core.check import check
    from ekm_core.diagnose import Setup, diagnose
    from ekm_core.probing.record import Record
    from ekm_core.report import as_dict, checked_dict

    configured = _configuration(options.config)
    changed = _changed(options.changed) if options.changed else ()
    if options.save:
        _must_be_writable(options.save)
    record = Record()
    try:
        _run(record, configured, options)
    except KeyboardInterrupt:
        print("ekm_core: stopped; nothing was changed in your cloud", file=sys.stderr)
        return 130
    if record.stopped:
        print(f"ekm_core: {record.stopped}", file=sys.stderr)
    if options.save:
        _save(options.save, "w", record.bundle())
    checked = check(configured, record.exhibits)
    said = record.said_by_openai
    diagnosis = diagnose(said, setup=Setup(configured, record.exhibits, *changed)) if said else None
    if options.json:
        answer = {
            **checked_dict(checked),
            "steps": [line.as_dict() for line in record.lines.values()],
            "stopped": record.stopped,
            "diagnosis": as_dict(diagnosis) if diagnosis else None,
        }
        _print_json(answer)
    else:
        print(_plain_steps(record))
        print(_plain_check(checked))
        if diagnosis:
            print(f"\nWhat OpenAI's own call met:\n\n{_plain(diagnosis)}")
    return 1 if checked.failed or (diagnosis and diagnosis.errors) else 0


def _print_json(answer: Mapping[str, Any]) -> None:
    """Prints the public JSON, with escapes only for a terminal that needs them: nobody can read other scripts so."""
    knows_all = "utf" in sys.stdout.encoding.lower()
    print(json.dumps(answer, indent=2, ensure_ascii=not knows_all))


def _must_be_writable(path: str) -> None:
    """Says what cannot be written before the work, not after it. A file that was not there is taken away again."""
    known = os.path.lexists(path)
    if known and not (Path(path).is_file() or Path(path).is_dir()):
        return  # whoever reads a pipe would take this for the end
    _save(path, "a", "")
    if not known:
        Path(path).unlink()


def _save(path: str, mode: str, text: str) -> None:
    try:
        with Path(path).open(mode, encoding="utf-8") as file:
            file.write(text)
    except OSError as problem:
        raise BadInputError(f"cannot write {path!r}: {_one_line(problem)}") from problem


def _run(record: Record, configured: Configuration, options: argparse.Namespace) -> None:
    """Makes the calls with the credentials of this shell: whoever can run a command here may use them anyway."""
    from ekm_core.credentials import AzureDeviceCode
    from ekm_core.probing import live

    credentials: Credentials | None = None
    if options.device_code:
        if configured.provider is not Provider.AZURE:
            raise BadInputError("--device-code is for Azure alone")
        credentials = AzureDeviceCode()
    elif not options.public:
        credentials = _shell_credentials(configured.provider)
    openai = None
    if os.environ.get("OPENAI_ADMIN_KEY") and not options.public:
        openai = _shell_credentials(Provider.OPENAI)
    run = live.run(configured, credentials, openai=openai, round_trip=options.round_trip, ambient_allowed=True)
    with contextlib.closing(run) as events:
        for event in events:
            record.add(event)
            _show(record, event)


def _shell_credentials(provider: Provider) -> Credentials:
    from ekm_core import credentials

    given = credentials.from_environment(provider, os.environ)
    if given.credentials is None:
        raise BadInputError(f"the credentials of this shell: {given.problems[0]}")
    for advice in given.advice:
        print(f"ekm_core: {advice}", file=sys.stderr)
    return given.credentials


def _show(record: Record, event: Event) -> None:
    """Progress for somebody who sits before it; the request to sign in always."""
    from ekm_core.probing.event import Ended, Prompted

    if isinstance(event, Prompted):
        print(f"Open {event.url} and enter the code {event.code}", file=sys.stderr, flush=True)
    elif isinstance(event, Ended) and sys.stderr.isatty():
        title = record.lines[event.step].planned.title
        print(f"{title}: {event.sentence or 'done'} ({event.seconds:.1f} s)", file=sys.stderr, flush=True)


def _triage(options: argparse.Namespace) -> int:
    from ekm_core import triage

    if options.processes is not None and options.processes < 1:
        raise BadInputError("--processes must be 1 or more")
    if options.scheduler and options.engine != "dask":
        raise BadInputError("--scheduler is for --engine dask")
    if options.scheduler and options.processes:
        raise BadInputError("--processes is for this machine; the workers of a cluster are counted by its scheduler")
    if options.summary:
        _must_be_writable(options.summary)
    progress = sys.stderr if sys.stderr.isatty() else None
    collector = None
    if options.summary or options.time_column or options.customer_column:
        from ekm_core.triage import results

        collector = results.Collector(options.time_column, options.customer_column)
    try:
        with ExitStack() as stack:
            executor, processes = None, options.processes or 1
            if options.engine == "dask":
                from ekm_core.triage import cluster

                executor, processes = stack.enter_context(cluster.of(options.scheduler, options.processes))
            counts = triage.run(
                options.source,
                options.out,
                options.text_column,
                progress,
                collector=collector,
                processes=processes,
                executor=executor,
                elsewhere=options.scheduler != "",
            )
        if collector is not None:
            from ekm_core.triage import export

            text = export.markdown(collector.summary(), counts)
            if options.summary:
                _save(options.summary, "w", text)
            else:
                print(text)
    except (triage.TriageError, OSError) as problem:
        raise BadInputError(_one_line(problem)) from problem
    print(counts.table())
    return 0


def _simulate(_: argparse.Namespace) -> int:
    from ekm_core.aws import simulate

    bad = 0
    for line, is_verdict in simulate.lines(raw.decode("utf-8-sig", "replace") for raw in sys.stdin.buffer):
        print(line)
        bad += not is_verdict
    if bad:
        raise BadInputError(f"{bad} of the lines could not be judged; each has its error in place of a result")
    return 0


def _explain(options: argparse.Namespace) -> int:
    from ekm_core.diagnose import explain
    from ekm_core.report import explain as as_markdown

    error = catalogue.get(options.error_id)
    if error is None:
        import difflib

        near = difflib.get_close_matches(options.error_id, catalogue.errors(), 3, 0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else "the ids stand in the error reference"
        raise BadInputError(f"there is no known error {options.error_id!r}; {hint}")
    print(as_markdown(error, explain(error.id)))
    return 0


def _read(path: str) -> str:
    try:
        if path == "-":
            data = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with Path(path).open("rb") as file:
                data = file.read(_MOST_BYTES + 1)
    except OSError as problem:
        raise BadInputError(f"cannot read {path!r}: {_one_line(problem)}") from problem
    if len(data) > _MOST_BYTES:
        raise BadInputError(f"{path!r} is larger than 16 MiB; use the triage command for whole logs")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")


def _configuration(path: str) -> Configuration:
    """The one key in a file of any form that can be imported; remarks on it go to stderr, a line each."""
    from ekm_core import configuration

    imported = configuration.read(_read(path))
    if not imported.configurations:
        raise BadInputError(f"{path!r}: {_one_line(imported.problems[0])}")
    if len(imported.configurations) > 1:
        count = len(imported.configurations)
        raise BadInputError(f"{path!r} holds {count} keys; keep the one that the error is about")
    for problem in imported.problems:
        print(f"ekm_core: {path!r}: {_one_line(problem)}", file=sys.stderr)
    return imported.configurations[0]


def _evidence(paths: Sequence[str]) -> tuple[Exhibit, ...]:
    """What stands in the files; what could not be read in them goes to stderr, a line each."""
    if not paths:
        return ()
    from ekm_core import evidence

    exhibits: list[Exhibit] = []
    for path in paths:
        gathered = evidence.read(_read(path), path)
        for problem in gathered.problems:
            print(f"ekm_core: {path!r}: {' '.join(problem.split())}", file=sys.stderr)
        if not gathered.exhibits:
            raise BadInputError(f"{path!r} holds no command's output that can be read")
        exhibits += gathered.exhibits
    return tuple(exhibits)


def _changed(text: str) -> tuple[datetime, datetime]:
    from ekm_core import waiting

    now = datetime.now().astimezone()
    try:
        return waiting.parse(text, now), now
    except waiting.WhenError as problem:
        raise BadInputError(str(problem)) from problem


def _plain_check(checked: Checked) -> str:
    lines: list[str] = []
    for finding in checked.findings:
        if finding.status not in (Status.FAIL, Status.WARN):
            continue
        lines.append(f"[{_STATUSES[finding.status]}] {finding.title}")
        lines += [f"  {sentence}" for sentence in (finding.saw, finding.means) if sentence]
        lines += [f"  Next step: {finding.next_step}"] if finding.next_step else []
        lines += [*_changes(finding.changes), ""]
    lines += _grouped("Could not check", checked.of(Status.COULD_NOT_CHECK))
    if checked.missing:
        first = checked.missing[0]
        lines += [f"This would tell more: {first.title}", *(f"    {line}" for line in first.text.splitlines()), ""]
    passed = checked.of(Status.PASS)
    if passed:
        lines += [f"{len(passed)} checks passed:", *(f"  {finding.title}" for finding in passed), ""]
    lines.append(_plain_chain(checked.chain))
    return "\n".join(lines)


def _plain_steps(record: Record) -> str:
    """What could not be read, each with what to do, and how much was read."""
    ended = record.ended
    lines = []
    for end in ended:
        if end.trouble:
            lines.append(f"[Not read] {record.lines[end.step].planned.title}")
            lines += [f"  {end.sentence}", *(f"  Known error: {error}" for error in end.errors)]
    read = sum(not end.trouble for end in ended)
    return "\n".join((f"Read {read} of {len(record.lines)}.", *lines, ""))


def _grouped(head: str, findings: Sequence[Finding]) -> list[str]:
    """Findings under what they have in common: one missing output often leaves several open."""
    groups: dict[str, list[str]] = {}
    for finding in findings:
        groups.setdefault(finding.saw, []).append(finding.title)
    lines = []
    for saw, titles in groups.items():
        lines += [f"[{head}] {saw}", *(f"  - {title}" for title in titles), ""]
    return lines


def _changes(changes: Sequence[Change]) -> list[str]:
    lines = []
    for change in changes:
        lines += ["", f"  {change.title}, the smallest change:", *(f"    {line}" for line in change.diff.splitlines())]
    return lines


def _plain_chain(chain: Sequence[ChainLink]) -> str:
    return "Chain: " + " -> ".join(f"{item.link} ({_STATES[item.state]})" for item in chain)


def _plain(diagnosis: Diagnosis) -> str:
    lines = []
    if diagnosis.redactions:
        removed = ", ".join(f"{count} x {kind}" for kind, count in diagnosis.redactions.items())
        lines += [f"Secrets removed from your text: {removed}", ""]
    if not diagnosis.errors:
        from ekm_core.diagnose import WHERE_TO_COPY

        lines += ["No known error stands in this text.", "", diagnosis.next_step, ""]
        lines += [f"  {hint}" for hint in WHERE_TO_COPY.values()]
        if diagnosis.perhaps:
            lines += ["", "Perhaps (resembles, but is not a match):"]
            lines += [f"  {error.id}: {error.title}" for error in diagnosis.perhaps]
        return "\n".join(lines)
    lines += [f"Next step: {diagnosis.next_step}", ""]
    for judged_error in diagnosis.errors:
        error = judged_error.match.error
        lines += [_SECTION, f"{error.title}  [{error.id}]", _SECTION, error.summary, "", "Why we say so:"]
        lines += [f"  “{proof.text}”" for proof in judged_error.match.proofs]
        lines.append("")
        for judged in judged_error.causes:
            lines.append(f"[{_VERDICTS[judged.ruling.verdict]}] {judged.cause.title}")
            lines.append(f"  {judged.ruling.because}")
            lines += [f"  Seen: {line}" for line in judged.ruling.shown]
            if judged.ruling.verdict is Verdict.CANNOT_TELL:
                lines += [f"  Look: {step}" for step in judged.look.console[:1]]
            if judged.ruling.verdict is Verdict.CONFIRMED:
                lines += [f"  Fix: {judged.fix.summary}", *_changes(judged.ruling.changes)]
                for snippet in (*judged.fix.policies, *judged.fix.cli):
                    lines += ["", f"  {snippet.title}:", *(f"    {line}" for line in snippet.text.splitlines())]
                if judged.fix.placeholders:
                    lines += ["", f"  Still open: {', '.join(judged.fix.placeholders)}"]
            lines.append("")
        lines += [f"All fixes with Terraform and sources: python -m ekm_core explain {error.id}", ""]
    lines.append(_plain_chain(diagnosis.chain))
    return "\n".join(lines)


def _one_line(problem: BaseException | str) -> str:
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return " ".join(str(problem).split())
