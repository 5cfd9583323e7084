"""TLS by hand over asyncio streams, so that alerts really reach the wire.

asyncio's own TLS server drops what OpenSSL has written when a handshake fails: the client sees an end of file
where a real server sends ``protocol_version`` or ``unrecognized_name``.  Here the two memory buffers of the
engine are emptied by hand, also after an error.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl

_CHUNK = 65536
_LINGER_S = 1.0


class TlsPump:
    """Server side of one TLS connection.

    ``received``  bytes already taken from ``reader`` (a ClientHello that somebody looked at first)
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        received: bytes = b"",
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._engine = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._incoming.write(received)

    @property
    def version(self) -> str | None:
        """``TLSv1.3``…, None before the handshake."""
        return self._engine.version()

    async def handshake(self) -> None:
        """Complete the handshake.  Raises ssl.SSLError after the alert was sent; ConnectionError if the peer left."""
        while True:
            try:
                self._engine.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            except ssl.SSLError:
                await self._flush()
                raise
            else:
                await self._flush()
                return

    async def read(self) -> bytes:
        """Some decrypted bytes; empty at the end, orderly or not."""
        while True:
            try:
                return self._engine.read(_CHUNK)
            except ssl.SSLWantReadError:
                await self._flush()
                try:
                    await self._fill()
                except ConnectionError:
                    return b""
            except ssl.SSLError:
                await self._flush()
                return b""

    async def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            # TLS 1.0 and 1.1 write one record at a time; a memory buffer never asks us to wait.
            view = view[self._engine.write(view) :]
        await self._flush()

    async def end(self) -> None:
        """Send close_notify; the other direction stays open."""
        with contextlib.suppress(ssl.SSLError):
            self._engine.unwrap()
        await self._flush()

    async def _fill(self) -> None:
        data = await self._reader.read(_CHUNK)
        if not data:
            self._incoming.write_eof()
            raise ConnectionResetError("peer closed during TLS")
        self._incoming.write(data)

    async def _flush(self) -> None:
        pending = self._outgoing.read()
        if pending:
            self._writer.write(pending)
            await self._writer.drain()


async def close_politely(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send FIN, and take in what still comes for a moment before closing.

    Closing with unread bytes would make the kernel send RST, and that can overtake an alert on its way up.
    """
    with contextlib.suppress(ConnectionError, TimeoutError, OSError):
        if writer.can_write_eof():
            writer.write_eof()
        async with asyncio.timeout(_LINGER_S):
            while await reader.read(_CHUNK):
                pass
    writer.close()
