"""A file as lines, in bounded memory whatever it holds: gigabytes, no line break at all, zero bytes, another encoding.

Only lines that can matter are handed out: a block is searched for the marks of failures as a whole, by the C library,
and lines without any of them are merely counted. Gzip is unpacked on the way.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

BLOCK = 1 << 20
LONGEST = 1 << 14
"""A longer line is read in pieces of this many bytes that overlap; no message of the exchange is that long."""
OVERLAP = 512
SHORT = 1 << 14
"""A file of so many bytes may be what a person wrote, and is kept whole."""
HEAD = 400
"""Bytes of an earlier line that are looked at for its time."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its number, counted from 1. A further piece of the same line is `continued`."""

    number: int
    text: str
    continued: bool = False
    _block: bytes = field(default=b"", repr=False)
    _start: int = 0

    def before(self, most: int) -> Iterator[tuple[int, str]]:
        """The lines before it with their numbers, the nearest first, as far as they are at hand."""
        end, number = self._start, self.number
        for _ in range(most):
            if end <= 0:
                return
            start = self._block.rfind(b"\n", 0, end - 1) + 1
            number -= 1
            yield number, self._block[start : min(end - 1, start + HEAD)].decode("utf-8", "replace")
            end = start


@dataclass(slots=True)
class Tally:
    """What was read so far."""

    bytes: int = 0
    lines: int = 0
    problem: str = ""
    """Why the rest could not be read: a damaged gzip file."""
    zero_bytes: int = 0
    short: bytearray = field(default_factory=bytearray)
    """All of it, as UTF-8, while it is no longer than SHORT."""


MARKS: tuple[bytes, ...] = tuple(
    mark.encode()
    for mark in (
        *("code", "error", "exception", "fail", "refused", "reject", "timeout", "timed out", "reset", "unreachable"),
        *("resol", "getaddrinfo", "no such host", "nameserver", "no route", "aborted", "econn", "enet", "ehost"),
        *("certificate", "issuer", "ssl", "tls", "protocol", "proxy", "denied", "clos", "disconnect", "restart"),
        *("http", "status", "invalid", "expired", "checksum", "not json", "unexpected", "too many requests"),
        *("keyword argument", "no module named", "/api/v5/", "unauthori", "insufficient", "not exist", "okx"),
        *("clock", "synchronized", "attention required", "invalidoperation", "conversionsyntax"),
        *("received 1", "received 4", "ok-access", "incorrect", "whitelist", "permission", "'t exist", "log in"),
        *("duplicate", "illegal", "not be empty", "semaphore", "hang up", "misbehav", "deadline", "net::err", "pong"),
        *("not match", "marshal", "variant", "deserial"),
        *("失败", "错误", "超时", "拒绝", "断开", "无效", "过期", "不足", "不能", "无法", "报错"),
    )
)
"""Lower case; a line with none of them holds no failure that is known here."""


def lines(stream: BinaryIO, tally: Tally, marks: Sequence[bytes] = MARKS) -> Iterator[Line]:
    """The lines that hold one of the marks. `tally` grows as it goes."""
    try:
        stream = _unpacked(stream)
        encoding, stream = _encoding(stream)
    except (OSError, EOFError, zlib.error) as error:
        tally.problem = f"damaged at its beginning: {error}"
        return
    rest = b""
    number = 1
    continued = False
    while True:
        try:
            block = stream.read(BLOCK)
        except (OSError, EOFError, zlib.error) as error:
            tally.problem = f"damaged after {tally.bytes:,} bytes: {error}"
            block = b""
        tally.bytes += len(block)
        if encoding != "utf-8":
            block = _recoded(block, encoding, stream, tally)
        if tally.bytes <= SHORT:
            tally.short += block
        else:
            tally.short.clear()
        data = rest + block
        if not data:
            break
        if b"\0" in data:
            tally.zero_bytes += data.count(b"\0")
            data = data.replace(b"\0", b" ")
        end = data.rfind(b"\n") + 1 if block else len(data)
        whole, rest = data[:end], data[end:]
        if not whole and len(rest) > max(2 * BLOCK, 4 * OVERLAP):
            # No line break in sight: hand out what there is, keep a little, so that nothing on the seam is lost.
            whole, rest = rest[:-OVERLAP], rest[-OVERLAP:]
            yield from _pieces(whole, number, continued=continued)
            continued = True
            continue
        yield from _marked(whole, number, marks, continued=continued)
        if whole:
            continued = False
        number += whole.count(b"\n")
        if not block:
            number += bool(whole) and not whole.endswith(b"\n")
            break
    tally.lines = number - 1


def _unpacked(stream: BinaryIO) -> BinaryIO:
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(stream)  # type: ignore[type-var]
    if buffered.peek(2)[:2] == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=buffered)  # type: ignore[return-value]
    return buffered


def _encoding(stream: BinaryIO) -> tuple[str, BinaryIO]:
    """UTF-16 is what PowerShell's redirection writes; a BOM or every second byte zero tells it."""
    peek = stream.peek(4096) if hasattr(stream, "peek") else b""
    if peek[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return ("utf-16-le" if peek[:1] == b"\xff" else "utf-16-be"), stream
    head = peek[:512]
    if len(head) >= 16 and head[1::2].count(0) > len(head) * 0.4 and head[::2].count(0) < len(head) * 0.1:
        return "utf-16-le", stream
    return "utf-8", stream


def _recoded(block: bytes, encoding: str, stream: BinaryIO, tally: Tally) -> bytes:
    if len(block) % 2:
        more = stream.read(1)
        tally.bytes += len(more)
        block += more
    return block.decode(encoding, "replace").lstrip("\ufeff").encode("utf-8", "replace")


def _marked(whole: bytes, number: int, marks: Sequence[bytes], *, continued: bool) -> Iterator[Line]:
    """The lines of a block that hold a mark, each once, in their order."""
    lower = whole.lower()
    starts: set[int] = set()
    ascii_only = lower.isascii()
    for mark in marks:
        if ascii_only and not mark.isascii():
            continue
        at = lower.find(mark)
        while at >= 0:
            starts.add(whole.rfind(b"\n", 0, at) + 1)
            line_end = whole.find(b"\n", at)
            at = lower.find(mark, line_end) if line_end >= 0 else -1
    done = 0
    for start in sorted(starts):
        number += whole.count(b"\n", done, start)
        done = start
        end = whole.find(b"\n", start)
        line = whole[start : end if end >= 0 else len(whole)]
        yield from _pieces(line, number, whole, start, continued=continued and start == 0)


def _pieces(line: bytes, number: int, block: bytes = b"", start: int = 0, *, continued: bool = False) -> Iterator[Line]:
    step = LONGEST - OVERLAP
    for at in range(0, max(1, len(line) - OVERLAP), step):
        text = line[at : at + LONGEST].decode("utf-8", "replace").rstrip("\r\n")
        yield Line(number, text, continued or at > 0, block, start)
