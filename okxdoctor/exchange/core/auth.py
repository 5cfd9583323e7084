"""Verification of signed REST requests and of WebSocket logins.

The exchange's own reading of the rules (documented 2026-07, refusals observed 2026-09): the prehash is
timestamp, method, request target and body exactly as they came off the wire. Which of passphrase and
signature is looked at first is not known; here the passphrase is (assumed).
"""

from __future__ import annotations

import hmac
import re
from binascii import b2a_base64
from collections.abc import Callable
from datetime import datetime

from .accounts import KeyRecord
from .exchange import Exchange
from .protocol import Refused, Request, refusal

WINDOW_MS = 30_000
"""A timestamp may differ from the exchange's time by no more than this."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z", re.ASCII)
_SECONDS = re.compile(r"\d{10}(\.\d{1,9})?\Z", re.ASCII)

LOGIN_PATH = "/users/self/verify"


def signature(secret: str, prehash: bytes) -> bytes:
    """Base64 of the HMAC-SHA256 of ``prehash``."""
    return b2a_base64(hmac.digest(secret.encode(), prehash, "sha256"), newline=False)


def _same(given: str, wanted: bytes) -> bool:
    """Constant-time comparison; header bytes that are no UTF-8 arrive as lone surrogates."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), wanted)


def _refuse(status: int, code: str, message: str) -> Refused:
    return Refused(refusal(status, code, message))


def _missing(key: str, sign: str, timestamp: str) -> Refused:
    code, name = "50104", "OK-ACCESS-PASSPHRASE"
    if not key:
        code, name = "50103", "OK-ACCESS-KEY"
    elif not sign:
        code, name = "50106", "OK-ACCESS-SIGN"
    elif not timestamp:
        code, name = "50107", "OK-ACCESS-TIMESTAMP"
    return _refuse(401, code, f"Request header {name} can not be empty.")


def authenticate(exchange: Exchange, site: str, environment: str, request: Request) -> KeyRecord:
    """The record of the key that signed ``request``; refuses as the live exchange does.

    Order (partly inferred from recorded refusals): presence, shape of the key, timestamp, existence,
    environment, frozen, address, passphrase, signature.
    """
    headers = request.headers
    key = headers.get("ok-access-key", "")
    sign = headers.get("ok-access-sign", "")
    timestamp = headers.get("ok-access-timestamp", "")
    given = headers.get("ok-access-passphrase", "")
    if not (key and sign and timestamp and given):
        raise _missing(key, sign, timestamp)
    record = exchange.sites[site].keys.get(key)
    if record is None and not _UUID.match(key):
        raise _refuse(401, "50111", "Invalid OK-ACCESS-KEY")
    sent_ms = timestamp_ms(timestamp)
    if sent_ms is None:
        raise _refuse(401, "50112", "Invalid OK-ACCESS-TIMESTAMP")
    if _stale(exchange, sent_ms):
        raise _refuse(401, "50102", "Timestamp request expired")
    if record is None:
        raise _refuse(401, "50119", "API key doesn't exist")
    if record.environment != environment:
        raise _refuse(401, "50101", "APIKey does not match current environment.")
    if record.frozen:
        raise _refuse(400, "50100", "API frozen, please contact customer service.")
    if not record.admits(request.peer):
        text = f"Your IP {request.peer} is not included in your API key's {record.key} IP whitelist."
        raise _refuse(401, "50110", text)
    if not _same(given, record.passphrase.encode()):
        raise _refuse(401, "50105", "Request header OK-ACCESS-PASSPHRASE incorrect.")
    prehash = f"{timestamp}{request.method}{request.target}".encode("utf-8", "surrogateescape") + request.body
    if not _same(sign, signature(record.secret, prehash)):
        raise _refuse(401, "50113", "Invalid Sign")
    return record


def _stale(exchange: Exchange, sent_ms: int) -> bool:
    """Whether a timestamp is out of its window by every clock that its sender may have read."""
    age = exchange.world.verification_age_ms
    return all(abs(reading + age - sent_ms) > WINDOW_MS for reading in exchange.clock.readings_ms())


def timestamp_ms(text: str) -> int | None:
    """Epoch milliseconds of an ``OK-ACCESS-TIMESTAMP``; None when it has another form."""
    if not _TIMESTAMP.match(text):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return round(at.timestamp() * 1000)


class LoginRefused(Exception):
    """A login was refused with ``code`` and ``message``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


def login(
    exchange: Exchange,
    site: str,
    environment: str,
    argument: dict[str, object],
    peer: str,
    *,
    known: Callable[[KeyRecord], KeyRecord] | None = None,
) -> KeyRecord:
    """The record of the key that a login argument proves; raises ``LoginRefused``.

    ``known`` gives the record as the login service knows it, where it is not up to date.

    ``timestamp`` may be a string of seconds, with or without a fraction, or a JSON number: the textual
    form is what was signed (all three forms are sent by clients in use).
    """
    key, sign, given = (argument.get(name) for name in ("apiKey", "sign", "passphrase"))
    timestamp = argument.get("timestamp")
    text = repr(timestamp) if isinstance(timestamp, int | float) and not isinstance(timestamp, bool) else timestamp
    if not isinstance(key, str) or not _UUID.match(key):
        raise LoginRefused("60005", "Invalid apiKey")
    if not isinstance(text, str) or not _SECONDS.match(text):
        raise LoginRefused("60004", "Invalid timestamp")
    if _stale(exchange, int(float(text) * 1000)):
        raise LoginRefused("60006", "Timestamp request expired")
    record = exchange.sites[site].keys.get(key)
    if record is None:
        raise LoginRefused("60032", "API key doesn't exist.")
    record = record if known is None else known(record)
    if record.environment != environment:
        raise LoginRefused("50101", "APIKey does not match current environment.")
    if record.frozen or not record.admits(peer):
        # Which code a login meets here is not documented; the generic one is assumed.
        raise LoginRefused("60009", "Login failed.")
    if not isinstance(given, str) or not _same(given, record.passphrase.encode()):
        raise LoginRefused("60024", "Wrong passphrase")
    wanted = signature(record.secret, f"{text}GET{LOGIN_PATH}".encode())
    if not isinstance(sign, str) or not _same(sign, wanted):
        raise LoginRefused("60007", "Invalid sign")
    return record
