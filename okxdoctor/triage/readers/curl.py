"""A curl command as a shell would hand it over: the request that curl makes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import quote

from okxdoctor.triage.capture import MAX_BODY_BYTES, CaptureError, Request
from okxdoctor.triage.readers.parts import encoded, split_url

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
    commands = [words for words in _commands(source) if words]
    if not commands:
        raise CaptureError("the curl command has no end or no words")
    return tuple(_request(words) for words in commands)


# ---- what the shell does -------------------------------------------------------------------------------------------

_ANSI = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "v": "\v",
         "\\": "\\", "'": "'", '"': '"', "?": "?"}  # fmt: skip
_CODED = re.compile(r"x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})")
_CURL_WORD = re.compile(r"(?:.*[/\\])?curl(?:\.exe)?$")


def _commands(source: str) -> list[list[str]]:
    """The words after each `curl`, as a POSIX shell splits them. Variables stay as they stand: nobody knows them."""
    source = re.sub(r"\^[ \t]*\r?\n", " ", source)  # cmd.exe's continuation; other shells do not end a line with it
    source = re.sub(r"`[ \t]*\r?\n", " ", source)  # that of PowerShell
    commands: list[list[str]] = []
    words: list[str] | None = None
    for word, ends in _words(source):
        if word is not None:
            if words is None:
                words = [] if _CURL_WORD.fullmatch(word) else None
            else:
                words.append(word)
        if ends and words is not None:
            commands.append(words)
            words = None
    if words is not None:
        commands.append(words)
    return commands


def _words(source: str) -> list[tuple[str | None, bool]]:
    """(word, whether the command ends after it). An open quote runs to the end, as a cut copy has it."""
    found: list[tuple[str | None, bool]] = []
    piece: list[str] | None = None
    i, end = 0, len(source)

    def finish(ends: bool) -> None:
        nonlocal piece
        found.append(("".join(piece) if piece is not None else None, ends))
        piece = None

    while i < end:
        c = source[i]
        if c == "\\":
            following = source[i + 1 : i + 3]
            if following[:1] == "\n":
                i += 2
                continue
            if following == "\r\n":
                i += 3
                continue
            piece = piece if piece is not None else []
            piece.append(following[:1])
            i += 2
        elif c == "'" or source.startswith("$'", i):
            ansi = c == "$"
            text, i = _single(source, i + 1 + ansi, ansi)
            piece = piece if piece is not None else []
            piece.append(text)
        elif c == '"' or source.startswith('$"', i):
            text, i = _double(source, i + (2 if c == "$" else 1))
            piece = piece if piece is not None else []
            piece.append(text)
        elif c in " \t":
            if piece is not None:
                finish(False)
            i += 1
        elif c in "\r\n;|&<>()":
            # An unquoted & between the letters of an address is a common slip: the shell ends the command there too.
            finish(True)
            i += 1
        elif c == "#" and piece is None:
            newline = source.find("\n", i)
            i = end if newline < 0 else newline
        else:
            piece = piece if piece is not None else []
            piece.append(c)
            i += 1
    if piece is not None:
        finish(False)
    return found


def _single(source: str, start: int, ansi: bool) -> tuple[str, int]:
    if not ansi:
        close = source.find("'", start)
        return (source[start:], len(source)) if close < 0 else (source[start:close], close + 1)
    made: list[str] = []
    i = start
    while i < len(source) and source[i] != "'":
        if source[i] != "\\" or i + 1 >= len(source):
            made.append(source[i])
            i += 1
            continue
        coded = _CODED.match(source, i + 1)
        if coded is not None:
            value = int(coded[1] or coded[2] or coded[3] or coded[4], 8 if coded[4] else 16)
            is_byte = coded[1] is not None or coded[4] is not None
            made.append(_character(value & 255 if is_byte else value, is_byte))
            i = coded.end()
        else:
            made.append(_ANSI.get(source[i + 1], "\\" + source[i + 1]))
            i += 2
    return _joined_bytes("".join(made)), i + 1


def _character(value: int, is_byte: bool) -> str:
    if is_byte and value >= 0x80:
        return chr(0xDC00 + value)  # a raw byte, as `surrogateescape` writes it
    return chr(value) if value <= 0x10FFFF else "\ufffd"


def _joined_bytes(text: str) -> str:
    r"""`$'\xc3\xa9'` is one character written as two bytes."""
    if not any("\udc80" <= c <= "\udcff" for c in text):
        return text
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text


def _double(source: str, start: int) -> tuple[str, int]:
    made: list[str] = []
    i = start
    while i < len(source) and source[i] != '"':
        if source[i] == "\\" and i + 1 < len(source):
            following = source[i + 1]
            if following == "\n":
                i += 2
                continue
            made.append(following if following in '$`"\\' else "\\" + following)
            i += 2
        else:
            made.append(source[i])
            i += 1
    return "".join(made), i + 1


# ---- what curl does ------------------------------------------------------------------------------------------------


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
