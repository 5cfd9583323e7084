"""HAR files for triage: every failed request to OKX with its entry, and what its own bytes prove."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from okxdoctor.model import Severity
from okxdoctor.triage.capture import CaptureError, Request
from okxdoctor.triage.inspection import Known, inspect_one
from okxdoctor.triage.logs.gather import File, Gathered, Place
from okxdoctor.triage.logs.signals import Signal, signals
from okxdoctor.triage.readers.har import entries

_PROVEN = ("timestamp.", "header.", "signature.", "order.", "precision.", "clock.")


def is_har(value: Any) -> bool:
    return (
        isinstance(value, dict) and isinstance(value.get("log"), dict) and isinstance(value["log"].get("entries"), list)
    )


def read_har(name: str, value: dict[str, Any], size: int, gathered: Gathered) -> None:
    """The failures of one HAR. Requests to other hosts are counted and left aside."""
    rows = value["log"]["entries"]
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            continue
        try:
            (request,) = entries({"log": {"entries": [row]}})
        except (CaptureError, ValueError):
            gathered.elsewhere += _status(row) >= 400
            continue
        place = Place(file=name, line=number, moment=_moment(row), zoned=True)
        for signal, text in _failures(row, request):
            group = gathered.note(signal, place, text)
            if group.decided is None:
                group.decided = _proven(request, group.signal)
    gathered.files.append(File(name=name, kind="har", bytes=size, lines=len(rows)))


def _status(row: dict[str, Any]) -> int:
    answer = row.get("response")
    status = answer.get("status") if isinstance(answer, dict) else 0
    return status if isinstance(status, int) else 0


def _moment(row: dict[str, Any]) -> float | None:
    try:
        return datetime.fromisoformat(str(row.get("startedDateTime"))).timestamp()
    except (ValueError, OverflowError):
        return None


def _failures(row: dict[str, Any], request: Request) -> Iterator[tuple[Signal, str]]:
    """A code in the answer, else its status, else the browser's own error; then what the WebSocket of it said."""
    status = _status(row)
    answer = row.get("response")
    content = answer.get("content") if isinstance(answer, dict) else None
    body = content.get("text") if isinstance(content, dict) else None
    head = f"{request.method} {request.path} answered HTTP {status}"
    text = f"{head}: {body[:4000]}" if isinstance(body, str) else head
    found = [signal for signal in signals(text) if signal.kind != "status" or status >= 400]
    error = row.get("_error") or (answer.get("_error") if isinstance(answer, dict) else None)
    if not found and isinstance(error, str) and error:
        found, text = list(signals(f"error {error}")), f"{request.method} {request.path}: {error[:300]}"
    yield from ((signal, text[:1000]) for signal in found)
    messages = row.get("_webSocketMessages")
    for message in messages if isinstance(messages, list) else ():
        data = message.get("data") if isinstance(message, dict) else None
        if isinstance(data, str) and '"error"' in data:
            yield from ((signal, data[:1000]) for signal in signals(data[:4000]))


def _proven(request: Request, signal: Signal) -> tuple[str, str] | None:
    """What the request itself shows: its timestamp against the answer's Date, a header that is missing, an order."""
    if signal.kind != "code":
        return None
    for row in inspect_one(request, Known()).diagnosis:
        if row.severity is Severity.ERROR and row.code.startswith(_PROVEN) and row.confidence.value != "possible":
            return row.code, f"inspected request: {row.summary}"
    return None
