"""What several forms of capture share: URLs, answers, bodies that come as values."""

from __future__ import annotations

import json
import re
from email.utils import parsedate_to_datetime
from typing import Any

from okxdoctor.triage.capture import Capture, CaptureError, Login, Request, Response

_URL = re.compile(r"(?P<origin>[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)?(?P<target>[^#]*)", re.DOTALL)
_MAX_URL = 200_000


def split_url(url: str) -> tuple[str, str]:
    """Scheme and host without credentials ("" when there is none), and the request target as it goes on the wire."""
    if len(url) > _MAX_URL:
        raise CaptureError(f"the address has {len(url)} characters")
    match = _URL.match(url.strip())
    assert match is not None  # every text matches
    origin = match["origin"] or ""
    if "@" in origin:
        scheme, _, rest = origin.partition("://")
        origin = f"{scheme}://{rest.rpartition('@')[2]}"
    target = match["target"]
    if not target.startswith("/"):
        target = f"/{target}"
    return origin, target


def response(status: Any, headers: list[tuple[str, str]], body: str | bytes | None) -> Response:
    """The answer as far as it can be read; anything odd in it is left out."""
    date = next((value for name, value in headers if name.lower() == "date"), None)
    return Response(
        status=status if isinstance(status, int) and not isinstance(status, bool) and 100 <= status <= 999 else None,
        code=answer_code(body),
        date_ms=_date_ms(date),
    )


def answer_code(body: str | bytes | None) -> str:
    """The `code` of an answer of the exchange, or that of its single item; "" where it has none."""
    if not body or len(body) > 1_000_000:
        return ""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(value, dict):
        return ""
    code = value.get("code")
    text = str(code) if isinstance(code, str | int) and not isinstance(code, bool) else ""
    data = value.get("data")
    if text in ("1", "2") and isinstance(data, list):
        for item in data:
            inner = item.get("sCode") if isinstance(item, dict) else None
            if isinstance(inner, str) and inner not in ("", "0"):
                return inner if inner.isdigit() else ""
    return text if text.isdigit() and len(text) <= 8 else ""


def _date_ms(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
        return int(moment.timestamp()) * 1000 if moment.tzinfo is not None else None
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def header_pairs(value: Any) -> list[tuple[str, str]]:
    """Headers given as an object, as pairs, or as {"name", "value"} rows."""
    if isinstance(value, dict):
        return [(str(name), text(item)) for name, item in value.items() if item is not None]
    pairs: list[tuple[str, str]] = []
    if isinstance(value, list):
        for row in value:
            if isinstance(row, dict) and isinstance(row.get("name"), str):
                pairs.append((row["name"], text(row.get("value"))))
            elif isinstance(row, list) and len(row) == 2 and isinstance(row[0], str):
                pairs.append((row[0], text(row[1])))
            elif isinstance(row, str) and ":" in row:
                name, _, rest = row.partition(":")
                pairs.append((name.strip(), rest.strip()))
    return pairs


def text(value: Any) -> str:
    """A header value as text; a list of one (as some tools log them) is its element."""
    if isinstance(value, list) and len(value) == 1:
        return text(value[0])
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, dict | list | bool) else str(value)


def encoded(body: str) -> bytes:
    """The bytes of a body that was read as text: bytes that were no UTF-8 come back as they were."""
    try:
        return body.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return body.encode("utf-8", "surrogatepass")


_SECRET_HEADERS = frozenset(
    {"ok-access-key", "ok-access-sign", "ok-access-passphrase", "authorization", "proxy-authorization", "cookie"}
)


def secrets_of(capture: Capture) -> list[str]:
    """The values in a capture that no report may repeat."""
    match capture:
        case Login():
            values = [capture.key, capture.passphrase, capture.sign]
        case Request():
            values = [value for name, value in capture.headers if name.lower().replace("_", "-") in _SECRET_HEADERS]
    return [value for value in values if value]
