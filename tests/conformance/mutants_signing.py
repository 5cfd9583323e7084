"""Signers and logins with one mistake each."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

from mutant import Function, Mutant


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(value)
    return "true" if value is True else "false" if value is False else str(value)


def _rfc(text: str) -> str:
    return quote(text, safe="")


def _query(params: Any, write: Callable[[str], str] = _rfc) -> str:
    return "&".join(f"{write(name)}={write(_text(value))}" for name, value in params or () if value is not None)


def _compact(body: Any) -> str:
    return "" if body is None else json.dumps(body, separators=(",", ":"))


def _key(secret: str) -> bytes:
    return secret.encode()


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _same(text: str) -> str:
    return text


def signer(
    *,
    sent_query: Callable[[Any], str] = _query,
    signed_query: Callable[[Any], str] | None = None,
    sent_body: Callable[[Any], str] = _compact,
    signed_body: Callable[[Any], str] | None = None,
    stamp: Callable[[str], str] = _same,
    verb: Callable[[str], str] = str.upper,
    route: Callable[[str], str] = _same,
    key: Callable[[str], bytes] = _key,
    mac: Callable[[bytes, str], bytes] = _mac,
    text: Callable[[bytes], str] = _b64,
    mark: Callable[[str], str] = lambda query: f"?{query}" if query else "",
    join: Callable[[str, str, str, str], str] = lambda *parts: "".join(parts),
) -> Callable[[Mapping[str, Function]], Function]:
    """A right signer in steps, each of which can be replaced."""

    def sign(secret: str, timestamp: str, method: str, path: str, params: Any, body: Any) -> dict[str, str]:
        query, send = sent_query(params), sent_body(body)
        signed = (signed_query or sent_query)(params)
        covered = (signed_body or sent_body)(body)
        request_path = f"{path}?{query}" if query else path
        prehash = join(stamp(timestamp), verb(method), f"{route(path)}{mark(signed)}", covered)
        return {"sign": text(mac(key(secret), prehash)), "request_path": request_path, "body": send}

    return lambda _right: sign


def _sorted(params: Any) -> str:
    return _query(
        sorted((pair for pair in params or () if pair[1] is not None), key=lambda pair: (pair[0], str(pair[1])))
    )


def _repeated(params: Any, mark: str = "") -> list[tuple[str, Any]]:
    """Lists as repeated names, as `requests` writes them and, with brackets, axios."""
    return [
        pair
        for name, value in params or ()
        for pair in ([(f"{name}{mark}", item) for item in value] if isinstance(value, list) else [(name, value)])
    ]


def _later(timestamp: str) -> str:
    moment = datetime.strptime(timestamp, "%Y-%m-%dT%H:%M:%S.%fZ") + timedelta(seconds=1)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _epoch(timestamp: str) -> str:
    moment = datetime.strptime(timestamp, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    return str(round(moment.timestamp() * 1000))


def _unpadded(timestamp: str) -> str:
    return f"{timestamp[:-4]}{int(timestamp[-4:-1])}Z"


def _sign(name: str, code: str, mistake: str, source: str, **steps: Any) -> Mutant:
    return Mutant(name=name, op="sign", make=signer(**steps), code=f"signature.{code}", mistake=mistake, source=source)


def _bad_b64(secret: str) -> bytes:
    return base64.b64decode(secret + "=" * (-len(secret) % 4))


ALTERED = "request-altered"
SIGNERS = [
    _sign("query not signed", "query-unsigned", "query left out", "FF-024", signed_query=lambda _: ""),
    _sign("signed sorted, sent as given", "query-sorted", "query sorted", "FF-025", signed_query=_sorted),
    _sign(
        "signed raw, sent encoded",
        "query-encoding",
        "query decoded",
        "FF-026",
        signed_query=lambda params: _query(params, _same),
    ),
    _sign(
        "signed with +, sent with %20",
        "query-encoding",
        "query with spaces as +",
        "FF-026",
        signed_query=lambda params: _query(params, quote_plus),
    ),
    _sign(
        "commas signed raw",
        "query-encoding",
        "query with commas left raw",
        "FF-026",
        signed_query=lambda params: _query(params, lambda text: quote(text, safe=",")),
    ),
    _sign(
        "encoded again before signing",
        "query-encoding",
        "query encoded twice",
        "FF-026",
        signed_query=lambda params: _query(params, lambda text: _rfc(text).replace("%", "%25")),
    ),
    _sign(
        "raw values sent", ALTERED, "a raw & or = splits a value", "python-okx", sent_query=lambda p: _query(p, _same)
    ),
    _sign(
        "form encoding of None",
        ALTERED,
        "an absent value is sent as text",
        "python-okx",
        sent_query=lambda params: "&".join(f"{_rfc(name)}={_rfc(_text(value))}" for name, value in params or ()),
    ),
    _sign(
        "parameters in a dict",
        ALTERED,
        "a repeated name is sent once",
        "L1",
        sent_query=lambda params: _query(list(dict(map(tuple, params or ())).items())),
    ),
    _sign(
        "str() of booleans",
        ALTERED,
        "a value in another letter case",
        "L1",
        sent_query=lambda params: urlencode([(name, value) for name, value in params or () if value is not None]),
    ),
    _sign(
        "empty values dropped",
        ALTERED,
        "an empty value is left out",
        "FF-119",
        sent_query=lambda params: _query([pair for pair in params or () if pair[1] not in (None, "")]),
    ),
    _sign(
        "encoded twice, sent so too",
        ALTERED,
        "values are encoded twice",
        "FF-026",
        sent_query=lambda params: _query(params, lambda text: _rfc(_rfc(text))),
    ),
    _sign(
        "encodeURI leaves + alone",
        ALTERED,
        "a raw + means a space",
        "FF-026",
        sent_query=lambda params: _query(params, lambda text: quote(text, safe="+")),
    ),
    _sign("parameters forgotten", ALTERED, "a parameter is left out", "FF-029", sent_query=lambda _: ""),
    _sign(
        "values stripped",
        ALTERED,
        "white space around a value is dropped",
        "L1",
        sent_query=lambda params: _query([(n, v.strip() if isinstance(v, str) else v) for n, v in params or ()]),
    ),
    _sign(
        "body rendered again with blanks",
        "body-reserialised",
        "body rendered with spaces",
        "FF-027",
        signed_body=lambda body: "" if body is None else json.dumps(body),
    ),
    _sign(
        "body signed compact, sent by another library",
        "body-reserialised",
        "body rendered compactly",
        "FF-028",
        sent_body=lambda body: "" if body is None else json.dumps(body),
        signed_body=_compact,
    ),
    _sign(
        "members sorted for signing",
        "body-reserialised",
        "body with sorted names",
        "L1",
        signed_body=lambda body: "" if body is None else json.dumps(body, separators=(",", ":"), sort_keys=True),
    ),
    _sign(
        "str(dict) signed",
        "body-reserialised",
        "body as text of a Python dict",
        "L1",
        signed_body=lambda body: "" if body is None else str(body),
    ),
    _sign(
        "escapes lost on the way",
        "body-reserialised",
        "body with escapes for non-ASCII",
        "FF-028",
        sent_body=lambda b: "" if b is None else json.dumps(b, separators=(",", ":"), ensure_ascii=False),
        signed_body=_compact,
    ),
    _sign(
        "form instead of JSON",
        ALTERED,
        "a body that is no JSON",
        "FF-030",
        sent_body=lambda body: urlencode(body) if isinstance(body, dict) else _compact(body),
    ),
    _sign("body not signed", "body-unsigned", "body left out", "FF-035", signed_body=lambda _: ""),
    _sign(
        "{} signed where there is no body",
        "body-unsigned",
        "body the text {}",
        "FF-035",
        signed_body=lambda body: _compact(body) or "{}",
    ),
    _sign(
        "None signed where there is no body",
        "body-unsigned",
        "body the text None",
        "FF-035",
        signed_body=lambda body: _compact(body) or "None",
    ),
    _sign(
        "{} sent where there is no body",
        ALTERED,
        "a body where none was asked",
        "FF-035",
        sent_body=lambda body: _compact(body) or "{}",
    ),
    _sign(
        "empty object taken for no body",
        ALTERED,
        "the body is left out",
        "FF-035",
        sent_body=lambda body: _compact(body) if body else "",
    ),
    _sign(
        "nulls stripped from the body",
        ALTERED,
        "a null member of the body is left out",
        "L11",
        sent_body=lambda body: _compact(
            {k: v for k, v in body.items() if v is not None} if isinstance(body, dict) else body
        ),
    ),
    _sign(
        "urlencode signs, requests sends: a list",
        "query-encoding",
        "query with lists as text of a Python list",
        "urlencode without doseq",
        sent_query=lambda params: _query(_repeated(params)),
        signed_query=lambda params: _query([(n, str(v) if isinstance(v, list) else v) for n, v in params or ()]),
    ),
    _sign(
        "URLSearchParams signs, axios sends: a list",
        "query-encoding",
        "query with lists joined by commas",
        "axios",
        sent_query=lambda params: _query(_repeated(params, "[]")),
        signed_query=lambda params: _query([(n, ",".join(v) if isinstance(v, list) else v) for n, v in params or ()]),
    ),
    _sign(
        "one item of a list",
        ALTERED,
        "a list is sent without some of its items",
        "a map of name to one text",
        sent_query=lambda params: _query([(n, "".join(v[-1:]) if isinstance(v, list) else v) for n, v in params or ()]),
    ),
    _sign("method in lower case", "method-case", "method in lower case", "FF-033", verb=str.lower),
    _sign("always POST", "method-case", "method the other of GET and POST", "FF-033", verb=lambda _: "POST"),
    _sign("whole URL signed", "path", "path with scheme and host", "FF-034", route=lambda p: f"https://www.okx.com{p}"),
    _sign("base path stripped", "path", "path without /api/v5", "FF-034", route=lambda p: p.removeprefix("/api/v5")),
    _sign("slash appended", "path", "path with a slash after it", "FF-034", route=lambda p: f"{p}/"),
    _sign("? always appended", "path", "query with a bare ?", "FF-034", mark=lambda query: f"?{query}"),
    _sign("? forgotten", "path", "query without the ?", "FF-034", mark=_same),
    _sign("clock asked twice", "timestamp-differs", "timestamp one second later", "FF-032", stamp=_later),
    _sign("epoch signed, ISO sent", "timestamp-differs", "timestamp epoch milliseconds", "FF-045", stamp=_epoch),
    _sign(
        "milliseconds without zeros",
        "timestamp-differs",
        "timestamp with unpadded milliseconds",
        "FF-036",
        stamp=_unpadded,
    ),
    _sign("hexdigest", "encoding", "encoding hexadecimal", "FF-031", text=bytes.hex),
    _sign(
        "Base64 of hexdigest",
        "encoding",
        "encoding Base64 of the hexadecimal text",
        "FF-031",
        text=lambda raw: _b64(raw.hex().encode()),
    ),
    _sign(
        "URL-safe Base64",
        "encoding",
        "encoding URL-safe Base64",
        "FF-031",
        text=lambda raw: base64.urlsafe_b64encode(raw).decode(),
    ),
    _sign(
        "encodebytes",
        "encoding",
        "encoding Base64 with a line feed",
        "FF-031",
        text=lambda raw: base64.encodebytes(raw).decode(),
    ),
    _sign(
        "str() of bytes",
        "not-text",
        "encoding the text of Python bytes",
        "FF-038",
        text=lambda raw: str(base64.b64encode(raw)),
    ),
    _sign(
        "promise not awaited", "not-text", "encoding the text of a promise", "FF-038", text=lambda _: "[object Promise]"
    ),
    _sign(
        "method first",
        "prehash-order",
        "order method, timestamp, path, body, with nothing between them",
        "L1",
        join=lambda ts, method, path, body: f"{method}{ts}{path}{body}",
    ),
    _sign(
        "line feeds between",
        "prehash-order",
        "order timestamp, method, path, body, with a line feed between them",
        "L1",
        join=lambda *parts: "\n".join(parts),
    ),
    _sign("SHA-512", "digest", "digest HMAC-SHA512", "L1", mac=lambda k, t: hmac.digest(k, t.encode(), "sha512")),
    _sign(
        "hash without HMAC",
        "digest",
        "digest SHA-256 of secret and prehash",
        "L1",
        mac=lambda k, t: hashlib.sha256(k + t.encode()).digest(),
    ),
    _sign("secret in upper case", "secret-altered", "secret in upper case", "L1", key=lambda s: s.upper().encode()),
    _sign("secret decoded from Base64", "secret-altered", "secret decoded from Base64", "L1", key=_bad_b64),
    _sign(
        "secret with its line feed",
        "secret-altered",
        "secret with a line feed after it",
        "FF-018",
        key=lambda secret: f"{secret}\n".encode(),
    ),
]


def _login(name: str, code: str, mistake: str, source: str, prehash: Function, sent: Function = _same) -> Mutant:
    def make(_right: Mapping[str, Function]) -> Function:
        def ws_login(key: str, secret: str, passphrase: str, epoch_s: str) -> dict[str, str]:
            signature = _b64(_mac(secret.encode(), prehash(epoch_s)))
            return {"apiKey": key, "passphrase": passphrase, "timestamp": sent(epoch_s), "sign": signature}

        return ws_login

    return Mutant(name=name, op="ws_login", make=make, code=code, mistake=mistake, source=source)


VERIFY = "GET/users/self/verify"
LOGINS = [
    _login(
        "path of the socket",
        "signature.ws-template",
        "the path /ws/v5/private signed",
        "L1",
        lambda ts: f"{ts}GET/ws/v5/private",
    ),
    _login(
        "milliseconds",
        "timestamp.format",
        "milliseconds sent",
        "FF-045",
        lambda ts: f"{ts}000{VERIFY}",
        lambda ts: f"{ts}000",
    ),
    _login(
        "REST prefix",
        "signature.ws-template",
        "the path /api/v5/users/self/verify signed",
        "L1",
        lambda ts: f"{ts}GET/api/v5/users/self/verify",
    ),
    _login("method forgotten", "signature.ws-template", "method left out", "L1", lambda ts: f"{ts}/users/self/verify"),
    _login(
        "stale timestamp signed",
        "signature.ws-template",
        "the second before signed",
        "FF-049",
        lambda ts: f"{int(ts) - 1}{VERIFY}",
    ),
]
