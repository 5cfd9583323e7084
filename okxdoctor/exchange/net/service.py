"""A listener on loopback that ends its connections when it is closed."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from okxdoctor.exchange.net.tls import Handler


class StreamService:
    """Serve connections by ``handler``.  A peer that goes away or is too slow ends its connection, not the service."""

    def __init__(self, handler: Handler) -> None:
        self.host = ""
        self.port = 0
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def start(self, host: str = "127.0.0.1", port: int = 0, *, listener: socket.socket | None = None) -> None:
        """Bind and serve, or serve on ``listener``.  Raises OSError if ``port`` is taken."""
        if listener is not None:
            self._server = await asyncio.start_server(self._serve, sock=listener)
        else:
            self._server = await asyncio.start_server(self._serve, host, port)
        self.host, self.port = self._server.sockets[0].getsockname()[:2]

    async def close(self) -> None:
        """Stop listening and end every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            # Cancelled only by close(); nobody awaits this task, so the cancellation ends here.
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._handler(reader, writer)
        finally:
            self._running.discard(task)
            writer.close()
