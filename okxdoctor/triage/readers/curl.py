"""A curl command as a shell would hand it over: the request that curl makes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from okxdoctor.triage.capture import MAX_BODY_BYTES, CaptureError, Request
from okxdoctor.triage.readers.parts import encoded, split_url
from okxdoctor.triage.readers.shell import commands

_SHORT_WITH_VALUE = frozenset("XHdAebcoumxwTFCDEKPQrtUyYz")
_LONG_WITH_VALUE = frozenset(
    [
        "request",
        "header",
        "data",
        "data-raw",
        "data-binary",
        "data-ascii",
        "data-urlencode",
        "json",
        "url",
        "user",
        "user-agent",
        "referer",
        "cookie",
        "cookie-jar",
        "output",
        "max-time",
        "connect-timeout",
        "proxy",
        "write-out",
        "cacert",
        "capath",
        "cert",
        "key",
        "resolve",
        "connect-to",
        "interface",
        "retry",
        "retry-delay",
        "retry-max-time",
        "limit-rate",
        "proxy-user",
        "proxy-header",
        "noproxy",
        "form",
        "form-string",
        "upload-file",
        "range",
        "dns-servers",
        "tls-max",
        "ciphers",
        "socks5",
        "socks5-hostname",
        "socks4",
        "preproxy",
        "max-redirs",
        "unix-socket",
        "trace",
        "trace-ascii",
        "config",
        "variable",
        "expand-url",
        "aws-sigv4",
        "ca-native",
        "tlsuser",
        "tlspassword",
        "stderr",
        "dump-header",
        "rate",
    ]
)
_NO_VALUE = frozenset(
    [
        "get",
        "head",
        "compressed",
        "insecure",
        "silent",
        "show-error",
        "location",
        "verbose",
        "include",
        "fail",
        "fail-with-body",
        "globoff",
        "path-as-is",
        "http1.0",
        "http1.1",
        "http2",
        "http2-prior-knowledge",
        "http3",
        "ipv4",
        "ipv6",
        "no-buffer",
        "tlsv1.2",
        "tlsv1.3",
        "progress-bar",
        "raw",
    ]
)
_DATA = frozenset({"data", "data-ascii", "data-raw", "data-binary", "data-urlencode", "json"})
_SHORT = {"X": "request", "H": "header", "d": "data", "G": "get", "I": "head", "A": "user-agent", "e": "referer",
          "b": "cookie", "u": "user", "T": "upload-file", "F": "form"}  # fmt: skip


def read(source: str) -> tuple[Request, ...]:
    """The request of every curl command in a text."""
    if len(source) > 2 * MAX_BODY_BYTES:
        raise CaptureError(f"the text has {len(source) // 1_000_000} MB, too much for curl commands")
    given = [words for words in commands(source) if words]
    if not given:
        raise CaptureError("the curl command has no end or no words")
    found = tuple(_request(words) for words in given)
    if _BARE_AMPERSAND.search(source):
        note = "an address with & stands without quotation marks: a shell ends the command there"
        return tuple(replace(request, remarks=(*request.remarks, note)) for request in found)
    return found


_BARE_AMPERSAND = re.compile(r"(?:^|\s)https?://[^\s'\"&]*&[^\s'\"&]")


@dataclass(slots=True)
class _Order:
    """The options of one command, as they come."""

    method: str | None = None
    url: str | None = None
    headers: list[str] = field(default_factory=list)
    data: list[tuple[str, str]] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    remarks: list[str] = field(default_factory=list)

    def take(self, name: str, value: str) -> None:
        match name:
            case "request":
                self.method = value
            case "header":
                self.headers.append(value)
            case "url":
                self.url = self.url or value
            case _ if name in _DATA:
                self.data.append((name, value))
            case "user-agent" | "referer" | "cookie":
                self.headers.append(f"{name.title()}: {value}")
            case "form" | "form-string" | "upload-file" | "config":
                self.remarks.append(f"curl's --{name} is not followed: what it sends is not known")
            case _:
                pass


def _request(words: list[str]) -> Request:
    order = _order(words)
    if order.url is None:
        raise CaptureError("the curl command names no address")
    # Without a scheme curl guesses http for what begins with a host.
    origin, target = split_url(order.url if "://" in order.url else f"http://{order.url}")
    body, missing = _body(order)
    headers = _headers(order, body)
    if "get" in order.flags and body:
        target += ("&" if "?" in target else "?") + body.decode("utf-8", "surrogateescape")
        body = b""
    if len(body) > MAX_BODY_BYTES:
        raise CaptureError(f"the body has {len(body) // 1_000_000} MB")
    method = order.method or (
        "HEAD" if "head" in order.flags else "GET" if "get" in order.flags or not order.data else "POST"
    )
    return Request(
        form="curl",
        label=f"{method} {target.partition('?')[0]}",
        method=method,
        origin=origin,
        target=target,
        headers=tuple(headers),
        body=body,
        body_missing=missing,
        remarks=tuple(order.remarks),
    )


def _order(words: list[str]) -> _Order:
    order = _Order()
    i = 0
    while i < len(words):
        word = words[i]
        i += 1
        if word.startswith("--") and len(word) > 2:
            name, equals, value = word[2:].partition("=")
            if name in _LONG_WITH_VALUE:
                if not equals:
                    value, i = (words[i], i + 1) if i < len(words) else ("", i)
                order.take(name, value)
            else:
                order.flags.add(name)
        elif word.startswith("-") and len(word) > 1:
            i = _short(word[1:], words, i, order)
        elif order.url is None:
            order.url = word
    return order


def _short(letters: str, words: list[str], i: int, order: _Order) -> int:
    """A cluster such as -sSX POST or -XPOST; returns the place of the next word."""
    for place, letter in enumerate(letters):
        name = _SHORT.get(letter, letter)
        if letter in _SHORT_WITH_VALUE:
            value = letters[place + 1 :]
            if not value and i < len(words):
                value, i = words[i], i + 1
            order.take(name, value)
            return i
        order.flags.add(name)
    return i


def _body(order: _Order) -> tuple[bytes, bool]:
    pieces: list[str] = []
    missing = False
    for name, value in order.data:
        if name == "data-urlencode":
            label, mark, content = value.partition("=")
            if mark:
                value = (f"{label}=" if label else "") + quote(content, safe="-._~")
            elif "@" in value:
                missing = True
                continue
            else:
                value = quote(value, safe="-._~")
        elif value.startswith("@") and name != "data-raw":
            missing = True
            continue
        if pieces and name != "json":
            pieces.append("&")
        pieces.append(value)
    if missing:
        order.remarks.append("the body comes from a file that the capture does not hold")
    return encoded("".join(pieces)), missing


def _headers(order: _Order, body: bytes) -> list[tuple[str, str]]:
    headers: list[tuple[str, str]] = []
    for line in order.headers:
        if line.startswith("@"):
            order.remarks.append("headers come from a file that the capture does not hold")
            continue
        name, colon, value = line.partition(":")
        if not colon:
            if line.rstrip().endswith(";"):
                headers.append((line.rstrip()[:-1], ""))
            continue
        if value.strip():  # curl leaves a header out where nothing follows the colon
            headers.append((name.strip(), value.lstrip(" \t").rstrip("\r\n")))
    if body and "get" not in order.flags and not any(name.lower() == "content-type" for name, _ in headers):
        kind = (
            "application/json" if any(name == "json" for name, _ in order.data) else "application/x-www-form-urlencoded"
        )
        headers.append(("Content-Type", kind))
    return headers
