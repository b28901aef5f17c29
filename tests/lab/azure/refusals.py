"""Errors as each of the services words them, raised where an answer is made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.responses import JSONResponse, Response

_TRACE, _CORRELATION = "81beda46-f15d-4e7d-b42b-71374dccc100", "c1b9b8e2-4ddf-484d-9e30-78fda6c79269"


class Refusal(Exception):
    """An error answer."""

    def __init__(self, response: Response) -> None:
        self.response = response


def entra(code: int, error: str, sentence: str, status: int = 400) -> Refusal:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    tail = f"Trace ID: {_TRACE} Correlation ID: {_CORRELATION} Timestamp: {now}"
    body = {
        "error": error,
        "error_description": f"AADSTS{code}: {sentence} {tail}",
        "error_codes": [code],
        "timestamp": now,
        "trace_id": _TRACE,
        "correlation_id": _CORRELATION,
        "error_uri": f"https://login.microsoftonline.com/error?code={code}",
    }
    return Refusal(JSONResponse(body, status))


def manager(status: int, code: str, message: str) -> Refusal:
    return Refusal(JSONResponse({"error": {"code": code, "message": message}}, status))


def graph(status: int, code: str, message: str) -> Refusal:
    inner = {"date": "2026-11-27T10:00:00", "request-id": _TRACE, "client-request-id": _CORRELATION}
    return Refusal(JSONResponse({"error": {"code": code, "message": message, "innerError": inner}}, status))


def vault(status: int, code: str, message: str, inner: str = "", headers: Mapping[str, str] | None = None) -> Refusal:
    error: dict[str, Any] = {"code": code, "message": message}
    if inner:
        error["innererror"] = {"code": inner}
    return Refusal(JSONResponse({"error": error}, status, headers=dict(headers or {})))
