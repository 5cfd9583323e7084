"""HAR files: what a browser's network tab or a proxy exports. The entries that went to OKX are taken, in order."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from okxdoctor.triage.capture import CaptureError, Request, Response
from okxdoctor.triage.readers.parts import encoded, header_pairs, response, split_url

_HOST = re.compile(r"(^|\.)(okx|okex)\.(com|cab|test)$")


def entries(value: dict[str, Any]) -> Iterator[Request]:
    """The requests to OKX of a HAR, or of one entry of it."""
    log = value.get("log")
    rows = log.get("entries") if isinstance(log, dict) else [value]
    if not isinstance(rows, list):
        raise CaptureError("the HAR has no list of entries")
    found = 0
    for number, row in enumerate(rows, 1):
        request = row.get("request") if isinstance(row, dict) else None
        if isinstance(request, dict) and isinstance(request.get("url"), str) and _is_api(request):
            found += 1
            yield _request(request, row.get("response"), number if len(rows) > 1 else None)
    if not found:
        raise CaptureError(f"none of the {len(rows)} entries of the HAR is a request to the API of OKX (/api/v5)")


def _is_api(request: dict[str, Any]) -> bool:
    """By path or by signature header: gateways have names of their own."""
    origin, target = split_url(request["url"])
    host = origin.partition("://")[2].partition(":")[0].lower()
    signed = any(name.lower().startswith("ok-access-") for name, _ in header_pairs(request.get("headers")))
    return target.startswith("/api/v5/") or signed or (bool(_HOST.search(host)) and "/api/" in target)


def _request(request: dict[str, Any], answer: Any, number: int | None) -> Request:
    origin, target = split_url(request["url"])
    method = str(request.get("method") or "GET").upper()
    headers = [(name, value) for name, value in header_pairs(request.get("headers")) if not name.startswith(":")]
    remarks: list[str] = []
    body, missing = _body(request, remarks)
    where = f"entry {number}: " if number is not None else ""
    return Request(
        form="har",
        label=f"{where}{method} {target.partition('?')[0]}",
        method=method,
        origin=origin,
        target=target,
        headers=tuple(headers),
        body=body,
        body_missing=missing,
        response=_response(answer),
        remarks=tuple(remarks),
    )


def _body(request: dict[str, Any], remarks: list[str]) -> tuple[bytes, bool]:
    data = request.get("postData")
    size = request.get("bodySize")
    if isinstance(data, dict):
        content = data.get("text")
        if isinstance(content, str) and content:
            if data.get("encoding") == "base64":
                try:
                    return base64.b64decode(content, validate=True), False
                except (binascii.Error, ValueError):
                    remarks.append("the body is marked as Base64 and is none")
            return encoded(content), False
        pairs = header_pairs(data.get("params"))
        if pairs:
            return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs).encode(), False
    if isinstance(size, int) and size > 0:
        remarks.append(f"the HAR says that a body of {size} bytes was sent and does not hold it")
        return b"", True
    return b"", False


def _response(answer: Any) -> Response:
    if not isinstance(answer, dict):
        return response(None, [], None)
    content = answer.get("content")
    body: str | bytes | None = None
    if isinstance(content, dict) and isinstance(content.get("text"), str):
        body = content["text"]
        if content.get("encoding") == "base64":
            try:
                body = base64.b64decode(body)
            except (binascii.Error, ValueError):
                body = None
    return response(answer.get("status"), header_pairs(answer.get("headers")), body)
