"""The server's log: one JSON object a line on stderr, and nothing in it that a person pasted or typed.

Fields of every line: ``time`` (UTC), ``level``, ``logger``, ``event``. Our own events add their own fields, named where
they are written. A line of Streamlit or of the web server has the event ``log`` and its words in ``message``. A fault
adds ``error``, the names of the exceptions, and ``at``, the places in the code; never an exception's words, for those
may quote what was pasted.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

from streamlit import logger as streamlit_logger

_ROOT = Path(__file__).resolve().parents[2]
_MOST_PLACES = 20
_LONGEST = 2_000

_own = logging.getLogger("ekm")


def event(name: str, **fields: object) -> None:
    """Write one line. fields: ours alone (ids, counts, seconds), by names that this module's docstring does not use."""
    _own.info(name, extra={"fields": fields})


def fault(name: str, problem: BaseException, **fields: object) -> None:
    """Write one line on a fault of our own code."""
    _own.error(name, extra={"fields": fields}, exc_info=problem)


class JsonLines(logging.Formatter):
    """One record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        fields = getattr(record, "fields", None)
        if fields is None:
            line |= {"event": "log", "message": _words(record)}
        else:
            line |= {"event": record.msg, **fields}
        if record.exc_info and record.exc_info[1]:
            line |= _traced(record.exc_info[1])
        return json.dumps(line, default=str)


def _words(record: logging.LogRecord) -> str:
    """The message, with the name of an exception in place of its words."""
    arguments = record.args
    if isinstance(arguments, tuple):
        arguments = tuple(_named(item) for item in arguments)
    try:
        return str(record.msg % arguments if arguments else _named(record.msg))[:_LONGEST]
    except (TypeError, ValueError):  # words and arguments of somebody else's line that do not fit each other
        return str(_named(record.msg))[:_LONGEST]


def _named(item: object) -> object:
    return type(item).__name__ if isinstance(item, BaseException) else item


def _traced(problem: BaseException) -> dict[str, object]:
    names, cause = [type(problem).__name__], problem.__cause__ or problem.__context__
    while cause and len(names) < _MOST_PLACES:
        names.append(type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    places = traceback.extract_tb(problem.__traceback__)[-_MOST_PLACES:]
    return {"error": names, "at": [f"{_short(place.filename)}:{place.lineno} {place.name}" for place in places]}


def _short(filename: str) -> str:
    path = Path(filename)
    if path.is_relative_to(_ROOT):
        return str(path.relative_to(_ROOT))
    return "/".join(path.parts[-3:])


def _tells_no_visitor(record: logging.LogRecord) -> bool:
    """False for uvicorn's lines on WebSockets, which it writes among its errors: they hold a visitor's address."""
    return '"WebSocket %s"' not in str(record.msg)


def _write_json(logger: logging.Logger) -> None:
    if logger.name == "uvicorn.error":
        logger.addFilter(_tells_no_visitor)
    if logger.name == "uvicorn.access":
        return  # it has no handler, and writes as soon as it gets one: addresses, which may hold anything
    logger.handlers[:] = [handler for handler in logger.handlers if not isinstance(handler, logging.StreamHandler)]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logger.addHandler(handler)
    logger.propagate = False


def install() -> None:
    """Have every logger of the server write JSON lines; those that Streamlit makes later too."""
    # Streamlit gives each of its loggers a handler of its own and offers no setting for it but a template, into which
    # an exception's words would go unescaped.
    streamlit_logger.setup_formatter = _write_json
    streamlit_logger.update_formatter()
    for name in ("uvicorn", "uvicorn.error", "ekm"):
        _write_json(logging.getLogger(name))
    _own.setLevel(logging.INFO)
