"""A request as HTTP text: from a socket, a proxy's log, `curl -v`, an editor's .http file."""

from __future__ import annotations

import re
import zlib

from okxdoctor.triage.capture import MAX_BODY_BYTES, CaptureError, Request, Response
from okxdoctor.triage.readers.parts import response, split_url

_REQUEST = re.compile(rb"^([A-Za-z]{3,10}) +(\S(?:.*?\S)?)(?: +HTTP/\d(?:\.\d)?)?\s*$")
_STATUS = re.compile(rb"^HTTP/\d(?:\.\d)? +(\d{3})\b")
_CURL_PREFIX = re.compile(rb"^[>*<{}] ?", re.MULTILINE)
_MAX_LINES = 2_000


def read(data: bytes, text: str) -> Request:
    """The first request in the data, and the answer where one follows it."""
    data = _without_prefixes(_plain_bytes(data, text))
    lines, body = _head(data)
    found = next((i for i, line in enumerate(lines) if _REQUEST.match(line) and not _STATUS.match(line)), None)
    if found is None:
        raise CaptureError("the HTTP text has no request line")
    match = _REQUEST.match(lines[found])
    assert match is not None
    method = match[1].decode("ascii").upper()
    origin, target = split_url(match[2].decode("utf-8", "surrogateescape"))
    headers = _headers(lines[found + 1 :])
    remarks: list[str] = []
    content, rest = _content(headers, body, remarks)
    host = _value(headers, "host")
    if not origin and host:
        origin = f"https://{host}"
    if method == "CONNECT":
        raise CaptureError("the HTTP text is a CONNECT to a proxy; the request itself is inside TLS")
    return Request(
        form="http",
        label=f"{method} {target.partition('?')[0]}",
        method=method,
        origin=origin,
        target=target,
        headers=tuple(headers),
        body=content,
        response=read_answer(rest) if rest.lstrip().startswith(b"HTTP/") else Response(),
        remarks=tuple(remarks),
    )


def read_answer(data: bytes) -> Response:
    """An answer as HTTP text, or its body alone. Total."""
    data = data.lstrip()
    status = _STATUS.match(data)
    if status is None:
        return response(None, [], data[:1_000_000])
    lines, body = _head(data)
    headers = _headers(lines[1:])
    try:
        content, _ = _content(headers, body, [])
    except CaptureError:
        content = b""
    return response(int(status[1]), headers, content)


def _plain_bytes(data: bytes, text: str) -> bytes:
    """UTF-16 as tools of Windows write it becomes UTF-8; everything else stays as it is."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return text.encode("utf-8", "surrogatepass")
    return data.removeprefix(b"\xef\xbb\xbf")


def _without_prefixes(data: bytes) -> bytes:
    """`curl -v` marks what it sends by "> " and what it gets by "< "."""
    if not re.search(rb"^> ", data, re.MULTILINE):
        return data
    sent, got = [], []
    for line in data.splitlines():
        if line.startswith(b"> ") or line == b">":
            sent.append(line[2:])
        elif line.startswith(b"< ") or line == b"<":
            got.append(line[2:])
        elif got and line.startswith((b"{", b"[")) and not line.startswith(b"{ ["):
            got.append(line)
    return b"\r\n".join([*sent, b"", *got]) if got else b"\r\n".join(sent)


def _head(data: bytes) -> tuple[list[bytes], bytes]:
    """The lines before the first empty one that follows a request or status line, and what comes after it."""
    lines: list[bytes] = []
    rest = data
    started = False
    while rest:
        line, _, rest = rest.partition(b"\n")
        line = line.removesuffix(b"\r")
        if not line.strip():
            if started:
                return lines, rest
            continue
        started = started or bool(_REQUEST.match(line) or _STATUS.match(line))
        lines.append(line)
        if len(lines) > _MAX_LINES:
            raise CaptureError(f"the HTTP text has more than {_MAX_LINES} header lines")
    return lines, b""


def _headers(lines: list[bytes]) -> list[tuple[str, str]]:
    headers: list[tuple[str, str]] = []
    for line in lines:
        text = line.decode("utf-8", "surrogateescape")
        if line[:1] in (b" ", b"\t") and headers:  # a folded header, which old writers still produce
            name, value = headers[-1]
            headers[-1] = (name, f"{value} {text.strip()}")
            continue
        name, colon, value = text.partition(":")
        if colon and name.strip():
            headers.append((name.strip(), value.strip(" \t")))
    return headers


def _value(headers: list[tuple[str, str]], name: str) -> str | None:
    return next((value for written, value in headers if written.lower() == name), None)


def _content(headers: list[tuple[str, str]], data: bytes, remarks: list[str]) -> tuple[bytes, bytes]:
    """The body without its codings, and what follows it."""
    length = _value(headers, "content-length")
    if "chunked" in (_value(headers, "transfer-encoding") or "").lower():
        body, rest = _unchunked(data, remarks)
    elif length is not None and length.isascii() and length.isdigit() and len(length) < 12:
        body, rest = data[: int(length)], data[int(length) :]
        if len(body) < int(length):
            remarks.append(f"the body has {len(body)} bytes and Content-Length says {int(length)}: the capture is cut")
    else:
        answer = re.search(rb"^HTTP/\d(?:\.\d)? \d{3}", data, re.MULTILINE)
        body, rest = (data[: answer.start()], data[answer.start() :]) if answer else (data, b"")
        # No length on the wire means no body; an editor's text has one all the same, without the last line break.
        body = body.rstrip(b"\r\n")
    if len(body) > MAX_BODY_BYTES:
        raise CaptureError(f"the body has {len(body) // 1_000_000} MB")
    return decoded(body, _value(headers, "content-encoding") or "", remarks), rest


def _unchunked(data: bytes, remarks: list[str]) -> tuple[bytes, bytes]:
    """The chunks joined. A text that is not chunked in spite of its header (tools show it joined) is taken as it is."""
    chunks: list[bytes] = []
    rest = data
    while True:
        line, _, following = rest.partition(b"\n")
        size_text = line.partition(b";")[0].strip()
        if not re.fullmatch(rb"[0-9a-fA-F]{1,8}", size_text):
            if not chunks:
                return data.rstrip(b"\r\n"), b""
            remarks.append("the chunks of the body end in the middle")
            return b"".join(chunks), rest
        size = int(size_text, 16)
        if size == 0:
            return b"".join(chunks), following.lstrip(b"\r\n")
        chunks.append(following[:size])
        if len(following) < size:
            remarks.append("the chunks of the body end in the middle")
            return b"".join(chunks), b""
        rest = following[size:].removeprefix(b"\r").removeprefix(b"\n")


def decoded(body: bytes, coding: str, remarks: list[str]) -> bytes:
    """The body without its content coding. What cannot be undone stays as it is, with a remark."""
    name = coding.strip().lower()
    if not body or name in ("", "identity"):
        return body
    if name in ("gzip", "x-gzip", "deflate"):
        for bits in (31, 15, -15):
            machine = zlib.decompressobj(bits)
            try:
                plain = machine.decompress(body, MAX_BODY_BYTES)
            except zlib.error:
                continue
            if machine.unconsumed_tail:
                raise CaptureError(f"the body unpacks to more than {MAX_BODY_BYTES // 1_000_000} MB")
            if not machine.eof:
                remarks.append("the packed body is cut")
            return plain
        # Tools that show the body unpacked leave the header as it was.
        return body
    remarks.append(f"the body is packed with {name[:20]}, which is not undone")
    return body
