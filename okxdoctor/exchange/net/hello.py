"""The first flight of a TLS client, read without TLS: whom it asks for and what it can speak (RFC 8446 §4.1.2)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

_HANDSHAKE = 22
_CLIENT_HELLO = 1
_SERVER_NAME = 0
_SUPPORTED_VERSIONS = 43
_LARGEST_HELLO = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientHello:
    """``server_name`` is the SNI host name or None; ``versions`` are wire numbers, highest first (0x0304 = TLS 1.3)."""

    server_name: str | None
    versions: tuple[int, ...]


async def read_client_hello(reader: asyncio.StreamReader) -> tuple[bytes, ClientHello | None]:
    """Read up to the end of the ClientHello.

    Returns every byte read, to be fed to a TLS engine, and the parsed hello: None if what came is no TLS, or
    the client went away first.
    """
    received = bytearray()
    while len(received) < _LARGEST_HELLO:
        chunk = await reader.read(16384)
        received += chunk
        if not chunk or received[0] != _HANDSHAKE:
            return bytes(received), None
        message = _first_message(received)
        if message is not None:
            return bytes(received), parse_client_hello(message)
    return bytes(received), None


def _first_message(received: bytes | bytearray) -> bytes | None:
    """The first handshake message put together from its records; None while it is incomplete."""
    body = bytearray()
    at = 0
    while at + 5 <= len(received) and received[at] == _HANDSHAKE:
        length = int.from_bytes(received[at + 3 : at + 5])
        body += received[at + 5 : at + 5 + length]
        at += 5 + length
    if len(body) < 4 or len(body) < 4 + int.from_bytes(body[1:4]):
        return None
    return bytes(body[: 4 + int.from_bytes(body[1:4])])


def parse_client_hello(message: bytes) -> ClientHello | None:
    """Parse one handshake message; None if it is no well-formed ClientHello."""
    try:
        return _parse(message)
    except IndexError:
        return None


def _parse(message: bytes) -> ClientHello | None:
    if message[0] != _CLIENT_HELLO:
        return None
    legacy_version = int.from_bytes(message[4:6])
    at = 4 + 2 + 32
    at += 1 + message[at]  # session id
    at += 2 + _length(message, at)  # cipher suites
    at += 1 + message[at]  # compression methods
    versions: tuple[int, ...] = (legacy_version,)
    server_name: str | None = None
    if at < len(message):
        end = at + 2 + _length(message, at)
        at += 2
        while at < end:
            kind, size = _length(message, at), _length(message, at + 2)
            value = message[at + 4 : at + 4 + size]
            at += 4 + size
            if kind == _SERVER_NAME and size > 5:
                server_name = value[5 : 5 + _length(value, 3)].decode("ascii", "replace").lower()
            elif kind == _SUPPORTED_VERSIONS and size:
                listed = [_length(value, each) for each in range(1, 1 + value[0], 2)]
                # Values of the form 0x?A?A are GREASE (RFC 8701), not versions.
                versions = tuple(sorted((v for v in listed if v & 0x0F0F != 0x0A0A), reverse=True))
    return ClientHello(server_name=server_name, versions=versions)


def _length(data: bytes, at: int) -> int:
    return data[at] << 8 | data[at + 1]
