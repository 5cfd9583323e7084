"""A request to the exchange, byte for byte as the program sent it: no library that tidies up targets in between."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

_OWN = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "accept-encoding", "expect", "te"})


class Unreachable(Exception):
    """The exchange did not answer: a defect of this program."""


async def ask(
    place: tuple[str, int], method: str, target: str, headers: Iterable[tuple[bytes, bytes]], body: bytes
) -> tuple[int, str, bytes, list[tuple[str, str]]]:
    """Status, content type, body and the other headers of the exchange's answer."""
    head = [f"{method} {target} HTTP/1.1".encode("utf-8", "surrogateescape")]
    head += [name + b": " + value for name, value in headers if name.decode("latin-1").lower() not in _OWN]
    head += [b"Connection: close", b"Content-Length: %d" % len(body), b"", b""]
    reader, writer = await asyncio.open_connection(*place, limit=1 << 24)
    try:
        writer.write(b"\r\n".join(head) + body)
        await writer.drain()
        raw = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = raw.split("\r\n")
        status = int(lines[0].split(" ", 2)[1])
        answered = [
            (name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:]) if name
        ]
        length = next((int(value) for name, value in answered if name.lower() == "content-length"), None)
        content = await (reader.read() if length is None else reader.readexactly(length))
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, IndexError, OSError) as error:
        raise Unreachable(f"{method} {target[:200]}: {error!r}") from None
    finally:
        writer.close()
    kind = next((value for name, value in answered if name.lower() == "content-type"), "application/json")
    gone = {*_OWN, "content-type", "date", "server"}
    return status, kind, content, [(name, value) for name, value in answered if name.lower() not in gone]
