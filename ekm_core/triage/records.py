"""Audit records of the three clouds as messages: the record's own words in the frame that the classifier knows.

In: one record, parsed. Out: a row (time, customer, source, operation, and the text), None for a record without an
error, or NO_RECORD for anything else. Only these few fields are taken over: the rest of a record names people.

Shapes as we know them; the vendors' pages were not read again, but for excerpts of Azure's: AWS CloudTrail, "CloudTrail
record contents" (errorCode, errorMessage); Google Cloud, "AuditLog" (protoPayload.status is a google.rpc.Status); Azure
Monitor, "AZKVAuditLogs" (resultSignature is the HTTP status in words), and published AuditEvent records (a denied
KeyList has the resultType Success, so the status decides).
"""

from __future__ import annotations

import json
from enum import Enum
from typing import Any, Final

from ekm_core.triage.rows import Row


class _NoRecord(Enum):
    """The one value that says: this is no audit record."""

    NO_RECORD = "no record"


NO_RECORD: Final = _NoRecord.NO_RECORD

_NAMES = """
    CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED
    FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED
"""
_CODES = dict(enumerate(_NAMES.split(), 1))
"""The names of google.rpc.Code, by number."""


def row(record: dict[str, Any], column: str) -> Row | _NoRecord | None:
    """The record's message as a row with its text in ``column``."""
    if isinstance(inner := record.get("CloudTrailEvent"), str):  # as lookup-events prints it
        try:
            record = json.loads(inner)
        except (ValueError, RecursionError):
            return NO_RECORD
        if not isinstance(record, dict):
            return NO_RECORD
    if "eventSource" in record and "eventName" in record:
        return _of_cloudtrail(record, column)
    if isinstance(record.get("protoPayload"), dict):
        return _of_google(record, column)
    if record.get("category") == "AuditEvent" and "operationName" in record:
        return _of_key_vault(record, column)
    return NO_RECORD


def _of_cloudtrail(record: dict[str, Any], column: str) -> Row | None:
    code, said, name = _text(record, "errorCode"), _text(record, "errorMessage"), _text(record, "eventName")
    if not code and not said:
        return None
    service = _text(record, "eventSource")
    if said:
        text = f"An error occurred ({code or 'Unknown'}) when calling the {name} operation: {said}"
    else:
        text = f'"eventSource": "{service}", "eventName": "{name}", "errorCode": "{code}"'
    return _row(
        record, "eventTime", _text(record, "recipientAccountId"), "cloudtrail", f"{service} {name}", column, text
    )


def _of_google(record: dict[str, Any], column: str) -> Row | None:
    payload = record["protoPayload"]
    status = _inner(payload, "status")
    code, said = status.get("code"), _text(status, "message")
    if not code and not said:
        return None
    name = _CODES.get(code, "") if isinstance(code, int) else ""
    service, method = _text(payload, "serviceName"), _text(payload, "methodName")
    words = said if name and said.startswith(name) else f"{name or 'error'}: {said}"
    where = " ".join(part for part in (service, method, _text(payload, "resourceName")) if part)
    project = _text(_inner(_inner(record, "resource"), "labels"), "project_id")
    return _row(record, "timestamp", project, "google-audit", f"{service} {method}", column, f"{words}\n{where}")


def _of_key_vault(record: dict[str, Any], column: str) -> Row | None:
    properties = _inner(record, "properties")
    status, signature = properties.get("httpStatusCode"), _text(record, "resultSignature")
    said = _text(record, "resultDescription")
    failed = status >= 400 if isinstance(status, int) else _text(record, "resultType") not in ("", "Success")
    if not failed:
        return None
    name = _text(record, "operationName")
    where = _text(properties, "id") or _text(properties, "requestUri").partition("?")[0]
    words = [f"({signature or status}) {said}".strip(), f"{name} {where} HTTP {status}"]
    if properties.get("isRbacAuthorized") is False:
        words.append("isRbacAuthorized: false")
    vault = _text(record, "resourceId").rpartition("/")[2].lower()
    return _row(record, "time", vault, "key-vault", name, column, "\n".join(words))


def _row(record: dict[str, Any], time: str, customer: str, source: str, operation: str, column: str, text: str) -> Row:
    made = {"time": _text(record, time), "customer": customer, "source": source, "operation": operation}
    return {**made, column: text}


def _text(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    return value if isinstance(value, str) else ""


def _inner(record: dict[str, Any], name: str) -> dict[str, Any]:
    value = record.get(name)
    return value if isinstance(value, dict) else {}
