"""From a file to captures: which form it has is found by looking, never asked."""

from __future__ import annotations

import re

from okxdoctor.triage.capture import MAX_FILE_BYTES, Capture, CaptureError, Response

_CURL = re.compile(r"(?:^|[\s;&|(`])(?:[\w./\\:-]*[/\\])?curl(?:\.exe)?[\"']?(?:\s|$)", re.MULTILINE)
_REQUEST_LINE = re.compile(r"^(?:> ?)?[A-Za-z]{3,10} \S+ HTTP/\d(?:\.\d)?\s*$", re.MULTILINE)
_BARE_LINE = re.compile(r"\s*(?:GET|POST|PUT|DELETE|PATCH|HEAD) (?:/|https?://)\S*\s*(?:$|\n)")


def read(data: bytes) -> tuple[Capture, ...]:
    """Every request and login in the data: at least one, or :class:`CaptureError` with one line that says why not."""
    if len(data) > MAX_FILE_BYTES:
        most = MAX_FILE_BYTES // 1_000_000
        raise CaptureError(f"the file has more than {most} MB, the most that is read; okxdoctor triage takes any size")
    text = _text(data)
    start = text.lstrip()
    if not start:
        raise CaptureError("the file is empty")
    if start[0] in "{[":
        from okxdoctor.triage.readers import json_text

        return json_text.read(text)
    line = _REQUEST_LINE.search(text)
    curl = _CURL.search(text)
    if line is not None and (curl is None or line.start() < curl.start() or "\n> " in text):
        from okxdoctor.triage.readers import raw_http

        return (raw_http.read(data, text),)
    if curl is not None:
        from okxdoctor.triage.readers import curl as curl_reader

        return curl_reader.read(text)
    if _BARE_LINE.match(text):
        from okxdoctor.triage.readers import raw_http

        return (raw_http.read(data, text),)
    raise CaptureError(
        "no request is found in it: neither a curl command, nor HTTP text, nor JSON (a HAR, a request, a login)"
    )


def _text(data: bytes) -> str:
    """The data as text; windows tools write UTF-16."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace").lstrip("\ufeff")
    return data.decode("utf-8-sig", "surrogateescape")


def answer(data: bytes) -> Response:
    """An answer of the exchange from HTTP text or from its body alone. Total: what cannot be read is left out."""
    from okxdoctor.triage.readers import raw_http

    return raw_http.read_answer(data)
