"""What an HTTP and a SOCKS5 proxy have in common: how they treat their clients, what they note down, the tunnel."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from okxdoctor.exchange.net.service import Handler, StreamService

DEADLINE_S = 10.0
"""Real seconds in which a client must have said what it wants."""
CONNECT_S = 30.0
NEXT_ADDRESS_S = 1.0
_CHUNK = 65536
_LOG_SIZE = 1000

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyBehaviour:
    """How a proxy treats its clients.

    ``user``, ``password``  wanted by Basic authentication (HTTP) or RFC 1929 (SOCKS5); user None: nobody is asked
    ``refusal``   every request that would otherwise be let through is refused, HTTP by this status; None: let through
    ``hang``      never answer anything
    ``hang_up``   take the request and close the connection without an answer
    ``inspect``   handler for the tunnelled bytes instead of the target: a proxy that opens TLS and rewrites it
    """

    user: str | None = None
    password: str = field(default="", repr=False)
    refusal: int | None = None
    hang: bool = False
    hang_up: bool = False
    inspect: Handler | None = None


OBLIGING = ProxyBehaviour()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyRequest:
    """One request that the proxy got and what became of it.

    ``outcome``  HTTP status, or SOCKS5 reply code; None: nothing was answered
    """

    method: str
    host: str
    port: int
    outcome: int | None


class ProxyServer(ABC):
    """A proxy on a port of its own, or (``serve``) on connections that somebody else accepted.

    Replace ``behaviour`` to change how it treats clients.
    ``hosts``  names → addresses, for names (``.test``) that no resolver of the machine knows, tried in this order; a
               name without addresses does not exist; others are looked up
    """

    def __init__(self, hosts: Mapping[str, tuple[str, ...]], behaviour: ProxyBehaviour = OBLIGING) -> None:
        self.hosts = hosts
        self.behaviour = behaviour
        self.requests: deque[ProxyRequest] = deque(maxlen=_LOG_SIZE)
        self._service = StreamService(self.handle)

    @property
    def port(self) -> int:
        return self._service.port

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Bind and serve.  Raises OSError if ``port`` is taken."""
        await self._service.start(host, port)

    async def close(self) -> None:
        await self._service.close()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection by ``behaviour``."""
        await self.serve(reader, writer, self.behaviour)

    @abstractmethod
    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behaviour: ProxyBehaviour
    ) -> None:
        """Serve one connection: one tunnel, or one forwarded request."""

    async def _reach(self, host: str, port: int) -> Streams:
        """A connection to the target.  Raises OSError; waits long for one that does not answer, as proxies do."""
        addresses = self.hosts.get(host, (host,))
        failure = OSError(f"no address for {host}")
        for address in addresses:
            try:
                async with asyncio.timeout(CONNECT_S if address == addresses[-1] else NEXT_ADDRESS_S):
                    return await asyncio.open_connection(address, port)
            except OSError as error:  # TimeoutError is one
                failure = error
        raise failure

    def _log(self, method: str, host: str, port: int, outcome: int | None) -> None:
        self.requests.append(ProxyRequest(method=method, host=host, port=port, outcome=outcome))


async def tunnel(
    client: Streams,
    server: Streams,
) -> None:
    """Copy both ways until both directions have ended; an end in one direction is passed on as an end."""
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_copy(client[0], server[1]))
            group.create_task(_copy(server[0], client[1]))
    except* OSError:
        pass  # a reset on one side ends the tunnel
    finally:
        client[1].close()
        server[1].close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
