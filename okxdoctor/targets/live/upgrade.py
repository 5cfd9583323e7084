"""The upgrade from HTTP to WebSocket: asked for, and whatever comes instead of it kept as a fact."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import WebSocketURI

from okxdoctor.port import Failure
from okxdoctor.targets.live.attention import patience
from okxdoctor.targets.live.broken import Broken
from okxdoctor.targets.live.content import text as decoded
from okxdoctor.targets.live.hosts import Place
from okxdoctor.targets.live.wire import Wire

# A message of the exchange is far below; beyond it a peer is flooding, and the protocol closes with 1009.
_LARGEST = 4 * 2**20
_HEARD = 16384
_BODY_KEPT = 4096

# websockets writes frames to its log at DEBUG, the login among them: this logger has no way out.
_SILENT = logging.getLogger("okxdoctor.targets.live.upgrade.silent")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False
_SILENT.setLevel(logging.CRITICAL)


class Talk:
    """The protocol and the wire under one open conversation."""

    def __init__(self, protocol: ClientProtocol, wire: Wire) -> None:
        self.protocol = protocol
        self._wire = wire
        self.heard = bytearray()
        self._kept: list[object] = []

    def events(self) -> list[object]:
        kept, self._kept = self._kept, []
        return [*kept, *self.protocol.events_received()]

    def keep(self, events: list[object]) -> None:
        """Frames that came in one packet with the answer to the upgrade: they are for the conversation."""
        self._kept = events

    async def more(self) -> bool:
        """Reads some bytes into the protocol; False at the end."""
        data = await self._wire.read()
        if data:
            self.protocol.receive_data(data)
        else:
            self.protocol.receive_eof()
        if self.protocol.state is State.CONNECTING:
            self.heard += data[: _HEARD - len(self.heard)]
        return bool(data)

    async def flush(self) -> None:
        for data in self.protocol.data_to_send():
            if data:
                await self._wire.write(data)

    def broken_protocol(self) -> tuple[int, str]:
        """The close code and reason that this side gave because the peer broke the protocol; (0, "") if it did not."""
        sent = self.protocol.close_sent
        if self.protocol.parser_exc is None or sent is None or isinstance(self.protocol.parser_exc, EOFError):
            return 0, ""
        return int(sent.code), sent.reason

    def close(self) -> None:
        self._wire.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgraded:
    """How it went. ``talk`` is there only if the conversation is open; else the wire is closed already."""

    talk: Talk | None
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    failure: Failure | None = None


async def upgrade(wire: Wire, place: Place, target: str, headers: Mapping[str, str], *, timeout_s: float) -> Upgraded:
    """Asks for the upgrade on an open wire. Total, and closes the wire when it does not become a conversation."""
    path, _, query = target.partition("?")
    uri = WebSocketURI(secure=place.tls, host=place.host, port=place.port, path=path, query=query)
    protocol = ClientProtocol(uri, extensions=[ClientPerMessageDeflateFactory()], max_size=_LARGEST, logger=_SILENT)
    talk = Talk(protocol, wire)
    opened: Upgraded | None = None
    try:
        async with patience(timeout_s):
            opened = await _ask(talk, headers)
    except TimeoutError:
        opened = _instead(talk, Failure(kind="timeout", phase="upgrade", detail="no complete answer"))
    except Broken as broken:
        failure = Failure(kind=broken.failure.kind, phase="upgrade", detail=broken.failure.detail)
        opened = _instead(talk, failure)
    finally:
        if opened is None or opened.talk is None:
            wire.close()
    return opened


async def _ask(talk: Talk, headers: Mapping[str, str]) -> Upgraded:
    protocol = talk.protocol
    request = protocol.connect()
    for name, value in headers.items():
        request.headers[name] = value
    protocol.send_request(request)
    await talk.flush()
    while True:
        more = await talk.more()
        events = talk.events()
        for at, event in enumerate(events):
            if isinstance(event, Response):
                talk.keep(events[at + 1 :])
                accepted = protocol.handshake_exc is None
                return Upgraded(
                    talk=talk if accepted else None,
                    status=event.status_code,
                    headers=tuple((name.lower(), value) for name, value in event.headers.raw_items()),
                    body=decoded(bytes(event.body or b"")[:_BODY_KEPT], ""),
                    failure=None if accepted or event.status_code != 101 else _refused(protocol),
                )
        if protocol.handshake_exc is not None or not more:
            kind = "protocol" if talk.heard else "closed"
            detail = "the answer is no HTTP/1.1 response" if talk.heard else "closed without an answer"
            return _instead(talk, Failure(kind=kind, phase="upgrade", detail=detail))  # type: ignore[arg-type]


def _refused(protocol: ClientProtocol) -> Failure:
    """101, and yet no WebSocket: a header of the handshake is wrong (RFC 6455 §4.1)."""
    error = protocol.handshake_exc
    detail = type(error).__name__ if isinstance(error, InvalidHandshake) else "bad handshake"
    return Failure(kind="protocol", phase="upgrade", detail=detail)


def _instead(talk: Talk, failure: Failure) -> Upgraded:
    """A response that never became complete still has a status and headers, if its head came through."""
    head, complete, body = bytes(talk.heard).partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ", 2)
    if not complete or len(words) < 2 or not words[0].startswith("HTTP/") or not words[1].isdigit():
        return Upgraded(talk=None, failure=failure)
    headers = tuple(
        (name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])
    )
    return Upgraded(talk=None, status=int(words[1]), headers=headers, body=decoded(body[:_BODY_KEPT], ""))
