"""Captures in JSON: a request as an object, a WebSocket login, or a HAR."""

from __future__ import annotations

import json
from typing import Any

from okxdoctor.triage.capture import Capture, CaptureError, Login, Request, Response
from okxdoctor.triage.readers.parts import encoded, header_pairs, response, split_url, text

_TARGETS = ("request_path", "requestPath", "target", "path", "url", "uri")
_MAX_CAPTURES = 10_000


def read(source: str) -> tuple[Capture, ...]:
    """Every request and login in JSON text, or in several JSON texts one a line."""
    found: list[Capture] = []
    for value in _values(source):
        found += _of(value)
        if len(found) > _MAX_CAPTURES:
            raise CaptureError(f"more than {_MAX_CAPTURES} requests in one file")
    if not found:
        raise CaptureError(
            "the JSON holds no request: expected method, url or request_path, headers and body; a login; or a HAR"
        )
    return tuple(found)


class _Number(float):
    """A JSON number that remembers how it was written."""

    written: str

    def __new__(cls, written: str) -> _Number:
        made = super().__new__(cls, written)
        made.written = written
        return made

    def __str__(self) -> str:
        return self.written


def _integer(written: str) -> int:
    if len(written) > 400:
        raise CaptureError(f"a number of {len(written)} digits in the JSON")
    return int(written)


def _values(source: str) -> list[Any]:
    bare = source.strip()
    try:
        return [json.loads(bare, parse_float=_Number, parse_int=_integer)]
    except RecursionError:
        raise CaptureError("the JSON is nested too deeply") from None
    except json.JSONDecodeError as error:
        whole = error
    lines = [line for line in bare.splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].rstrip().endswith(("}", "]")):
        try:
            return [json.loads(line, parse_float=_Number, parse_int=_integer) for line in lines]
        except (ValueError, RecursionError):
            pass
    raise CaptureError(
        f"it begins like JSON and is none: {whole.msg.lower()} in line {whole.lineno}, column {whole.colno}"
    )


def _of(value: Any) -> list[Capture]:
    if isinstance(value, list):
        return [capture for item in value for capture in _of(item)]
    if not isinstance(value, dict):
        return []
    if isinstance(value.get("log"), dict) or (
        "request" in value and isinstance(value["request"], dict) and "url" in value["request"]
    ):
        from okxdoctor.triage.readers import har

        return list(har.entries(value))
    if str(value.get("op", "")).lower() == "login" and isinstance(value.get("args"), list):
        logins = [_login(item, value) for item in value["args"] if isinstance(item, dict)]
        if not logins:
            raise CaptureError("the login message has no argument object")
        return list(logins)
    if "sign" in value and ("apiKey" in value or "timestamp" in value):
        return [_login(value, {})]
    if "method" in value or any(name in value for name in _TARGETS[:-3]) or ("url" in value and "headers" in value):
        return [_request(value)]
    inner = value.get("request")
    return _of({**inner, "response": value.get("response")}) if isinstance(inner, dict) else []


def _login(value: dict[str, Any], message: dict[str, Any]) -> Login:
    moment = value.get("timestamp")
    numeric = isinstance(moment, int | float) and not isinstance(moment, bool)

    def member(name: str) -> str | None:
        found = value.get(name)
        return None if found is None else text(found)

    answer = message.get("response") or value.get("response")
    return Login(
        label="WebSocket login",
        key=member("apiKey"),
        passphrase=member("passphrase"),
        timestamp=member("timestamp"),
        sign=member("sign"),
        numeric_timestamp=numeric,
        response=_answer(answer),
        remarks=tuple(
            f"{wrong} is no member of a login; {right} is" for wrong, right in _NEAR_MEMBERS.items() if wrong in value
        ),
    )


_NEAR_MEMBERS = {"apikey": "apiKey", "api_key": "apiKey", "key": "apiKey", "signature": "sign",
                 "passPhrase": "passphrase",                 "pass": "passphrase", "ts": "timestamp"}  # fmt: skip


def _request(value: dict[str, Any]) -> Request:
    address = next((value[name] for name in _TARGETS if isinstance(value.get(name), str)), None)
    if address is None:
        raise CaptureError("the request has neither url nor request_path")
    origin, target = split_url(address)
    host = value.get("host")
    if not origin and isinstance(host, str) and host:
        origin = f"https://{host}"
    method = value.get("method", "")
    if not isinstance(method, str):
        raise CaptureError("the method of the request is no text")
    headers = header_pairs(value.get("headers", {}))
    body, exact = _body(value.get("body", value.get("data")))
    remarks = () if exact else ("the body is given as a value, not as text: its rendering on the wire is not known",)
    method = method.upper() or ("POST" if body else "GET")
    return Request(
        form="json",
        label=f"{method} {target.partition('?')[0]}",
        method=method,
        origin=origin,
        target=target,
        headers=tuple(headers),
        body=body,
        exact_body=exact,
        response=_answer(value.get("response")),
        remarks=remarks,
    )


def _body(value: Any) -> tuple[bytes, bool]:
    """The bytes of the body, and whether they are known. A value is rendered compactly for want of better."""
    if value is None:
        return b"", True
    if isinstance(value, str):
        return encoded(value), True
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass"), False
    except RecursionError:
        raise CaptureError("the body is nested too deeply") from None


def _answer(value: Any) -> Response:
    if not isinstance(value, dict):
        return Response()
    if "status" not in value and "headers" not in value and "body" not in value:
        return response(None, [], json.dumps(value, default=str))
    body = value.get("body")
    content = body if isinstance(body, str) else json.dumps(body, default=str) if body is not None else None
    return response(value.get("status"), header_pairs(value.get("headers", {})), content)
