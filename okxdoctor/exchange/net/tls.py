"""Fronts for TLS: healthy, badly certified, or broken before a certificate is ever shown.

A bad certificate is just another ``ssl.SSLContext`` for the real server (``ContextFront``).  A broken handshake
needs the bytes in hand (``RawFront``): the front ends TLS itself and, where a connection is to be served after
all, relays the decrypted bytes to a plain listener of the exchange.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import warnings
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal, cast

from okxdoctor.exchange.net import ca
from okxdoctor.exchange.net.ca import Authority, LeafMaterial
from okxdoctor.exchange.net.hello import read_client_hello
from okxdoctor.exchange.net.pump import TlsPump, close_politely
from okxdoctor.exchange.net.service import Handler
from okxdoctor.exchange.net.tcp import abort_with_reset, reset, stay_silent

Continuation = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]
"""A handler that takes over after something was read from the connection; the bytes are what was read."""
Address = tuple[str, int]

Issuer = Literal["exchange", "inspection", "self"]
Sends = Literal["chain", "leaf", "chain-and-root", "wrong-issuer"]
Versions = Literal["modern", "tls1.2", "tls1.1", "tls1.0"]
Ciphers = Literal["modern", "aes128-sha", "dhe1024"]
Handshake = Literal[
    "complete", "reset", "close", "alert", "blackhole", "http", "ssh", "smtp", "garbage", "mute", "refuse", "hang-up",
    "large-packets",
]  # fmt: skip

STRANGER_NAMES = ("portal.hotel-guest.test", "www.hotel-guest.test")
"""Whose certificate is shown when the name is to be wrong."""
DEEPER_NAMES = ("*.api.okx.test", "*.api.okx.com")
"""A star stands for one label, and not for the names that lie beside it."""

_CHUNK = 65536
_GARBAGE = bytes.fromhex("00ffee0110c0ffee") * 8
_HTTP_400 = (
    b"HTTP/1.1 400 Bad Request\r\n"
    b"Server: plain\r\n"
    b"Content-Type: text/plain\r\n"
    b"Content-Length: 12\r\n"
    b"Connection: close\r\n"
    b"\r\n"
    b"Bad request\n"
)
_GREETINGS = {"ssh": b"SSH-2.0-OpenSSH_9.6\r\n", "smtp": b"220 mail.hotel-guest.test ESMTP ready\r\n"}
"""Of protocols in which the server speaks first."""

_SEGMENT = 1400
"""Bytes of a TCP segment that passes a way on which packets of the usual 1500 bytes vanish."""

_OLD = {"tls1.0": ssl.TLSVersion.TLSv1, "tls1.1": ssl.TLSVersion.TLSv1_1}
_CIPHERS: dict[Ciphers, str] = {
    "modern": "DEFAULT", "aes128-sha": "AES128-SHA", "dhe1024": "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-SHA",
}  # fmt: skip

_FRESH = timedelta(seconds=60)
_FRESH_ENOUGH = timedelta(hours=12)
"""How far a clock may move until a certificate is made anew: with chosen dates, and with the usual ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTls:
    """What a server's TLS is like; the default is healthy.

    ``names``                      in the certificate; None: those of the server
    ``valid_from``, ``valid_until``  relative to the authority's now
    ``issuer``                     ``inspection`` is a complete private hierarchy that no store has
    ``issuer_until``               end of the intermediate, relative to now; None: far away
    ``sends``                      ``wrong-issuer``: an intermediate that has not issued the leaf
    ``alternative_names``          False: the common name alone says for whom it is
    ``authority``                  a self-signed one calls itself an authority
    ``handshake``  how it goes.  For the server's own names only, after the ClientHello, while any other name (or
                   none) is answered: ``reset`` (RST), ``close`` (FIN), ``alert`` (fatal unrecognized_name),
                   ``blackhole`` (nothing more is sent).  For everybody: ``http``, ``ssh``, ``smtp``, ``garbage``
                   (the peer speaks something else), ``mute`` (the ClientHello is never answered), ``refuse`` and
                   ``hang-up`` (RST and FIN right after TCP has connected), ``large-packets`` (what the server sends
                   in packets of full size is lost)
    ``handshake_s``  seconds before the ClientHello is answered
    ``ciphers``    the only ones that are offered (then TLS 1.2 and an RSA key): ``aes128-sha`` has no forward secrecy
                   and a SHA-1 checksum, ``dhe1024`` a Diffie-Hellman group of 1024 bits
    ``client_certificate``  who asks for the server's own names, or for none, must show a certificate, of an issuer
                   that nobody has one of
    """

    names: tuple[str, ...] | None = None
    valid_from: timedelta = ca.VALID_FROM
    valid_until: timedelta = ca.VALID_UNTIL
    key: ca.LeafKey = "ec"
    digest: ca.Digest = "sha256"
    issuer: Issuer = "exchange"
    sends: Sends = "chain"
    versions: Versions = "modern"
    handshake: Handshake = "complete"
    issuer_until: timedelta | None = None
    alternative_names: bool = True
    authority: bool = False
    handshake_s: float = 0.0
    ciphers: Ciphers = "modern"
    client_certificate: bool = False

    @property
    def by_hand(self) -> bool:
        """Whether the handshake can fail by an alert, which has to reach the wire."""
        return self.versions != "modern" or self.ciphers != "modern" or self.client_certificate


HEALTHY = ServerTls()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextFront:
    """The real server listens as ever, with this context."""

    context: ssl.SSLContext = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFront:
    """``handle`` serves each connection from its first byte; the real server does not see it, or only relayed."""

    handle: Handler


def tls_front(
    wish: ServerTls,
    *,
    authority: Authority,
    names: Iterable[str],
    upstream: Address | None = None,
    alpn: tuple[str, ...] = ("http/1.1",),
) -> ContextFront | RawFront:
    """The front that makes ``wish`` true on one TLS port.

    ``names``     of the server: DNS names and IP addresses
    ``upstream``  plain HTTP/WebSocket listener for the connections that a raw front lets through; without it
                  they are closed after a complete handshake
    ``alpn``      what a context front offers (a raw front relays HTTP/1.1 and offers that alone)
    """
    names = tuple(names)
    match wish.handshake:
        case "http" | "ssh" | "smtp" | "garbage":
            return RawFront(handle=plain_text_peer(wish.handshake))
        case "mute":
            return RawFront(handle=stay_silent)
        case "refuse":
            return RawFront(handle=reset)
        case "hang-up":
            return RawFront(handle=hang_up)
        case "complete" if not wish.by_hand and not wish.handshake_s:
            return ContextFront(context=context_of(wish, authority=authority, names=names, alpn=alpn))
        case "complete" | "large-packets":
            narrow, protocols = wish.handshake == "large-packets", () if wish.versions in _OLD else ("http/1.1",)
            context = context_of(wish, authority=authority, names=names, alpn=protocols)
            if not wish.client_certificate:
                return RawFront(handle=terminate(context, upstream, after_s=wish.handshake_s, narrow=narrow))
            trusting = replace(wish, client_certificate=False)
            freely = context_of(trusting, authority=authority, names=names, alpn=protocols)
            asked, other = (terminate_after_hello(each, upstream, narrow=narrow) for each in (context, freely))
            return RawFront(handle=by_server_name(names, asked, other, nameless=asked, after_s=wish.handshake_s))
        case "reset" | "close" | "alert" | "blackhole":
            context = context_of(wish, authority=authority, names=names, alpn=("http/1.1",))
            served = terminate_after_hello(context, upstream)
            return RawFront(handle=by_server_name(names, handshake_killer(wish.handshake), served))


def context_of(
    wish: ServerTls, *, authority: Authority, names: tuple[str, ...], alpn: tuple[str, ...]
) -> ssl.SSLContext:
    """The server context with the certificate and protocol versions of ``wish``; made once for each authority."""
    span = authority.span
    usual = (wish.valid_from, wish.valid_until, wish.issuer_until) == (ca.VALID_FROM, ca.VALID_UNTIL, None)
    known = authority.contexts.get((wish, names, alpn))
    if known is not None and all(
        abs(now - then) <= (_FRESH_ENOUGH if usual else _FRESH) for now, then in zip(span, known[1], strict=True)
    ):
        return known[0]
    weak = wish.versions in _OLD or wish.ciphers != "modern" or wish.key == "rsa1024" or wish.digest == "sha1"
    # None of the weak ciphers is for an EC key.
    keyed = replace(wish, key="rsa2048") if wish.ciphers != "modern" and wish.key == "ec" else wish
    context = ca.server_context(
        certificate(keyed, authority=authority, names=names),
        alpn=alpn,
        accept_weak=weak,
        ciphers=_CIPHERS[wish.ciphers],
    )
    if wish.ciphers == "dhe1024":
        ca.use_small_group(context)
    if wish.versions != "modern" or wish.ciphers != "modern":
        with warnings.catch_warnings():
            # To offer what is deprecated is the point.
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = _OLD.get(wish.versions, ssl.TLSVersion.TLSv1_2)
    if wish.client_certificate:
        # An authority that has issued nothing to anybody.
        partners = Authority(times=authority.times, names=ca.PARTNER_NAMES)
        context.load_verify_locations(cadata=partners.root_pem.decode())
        context.verify_mode = ssl.CERT_REQUIRED
    authority.contexts[wish, names, alpn] = context, span
    return context


def certificate(wish: ServerTls, *, authority: Authority, names: tuple[str, ...]) -> LeafMaterial:
    """The chain and key that a server with ``wish`` has."""
    names = wish.names or names
    if wish.issuer == "self":
        return ca.self_signed(
            names,
            span=authority.span,
            valid_from=wish.valid_from,
            valid_until=wish.valid_until,
            key=wish.key,
            authority=wish.authority,
        )
    if wish.issuer == "inspection":
        authority = Authority(times=authority.times, names=ca.INSPECTION_NAMES)
    material = authority.leaf(
        names,
        valid_from=wish.valid_from,
        valid_until=wish.valid_until,
        key=wish.key,
        digest=wish.digest,
        with_root=wish.sends == "chain-and-root",
        issuer_until=wish.issuer_until,
        alternative_names=wish.alternative_names,
    )
    if wish.sends == "wrong-issuer":
        other = Authority(times=authority.times, names=ca.RETIRED_NAMES)
        return LeafMaterial(certificates=(material.certificates[0], other.issuing_pem), key_pem=material.key_pem)
    if wish.sends == "leaf":
        return LeafMaterial(certificates=material.certificates[:1], key_pem=material.key_pem)
    return material


def terminate(
    context: ssl.SSLContext, upstream: Address | None, *, after_s: float = 0.0, narrow: bool = False
) -> Handler:
    """Handler: complete the handshake by hand and relay to ``upstream``; a failed one ends with its alert sent.

    ``after_s``  seconds before the first answer.  ``narrow``: what goes out in packets of full size is lost.
    """
    go_on = terminate_after_hello(context, upstream, narrow=narrow)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received = b""
        if after_s:
            received, _ = await read_client_hello(reader)
            await asyncio.sleep(after_s)
        await go_on(reader, writer, received)

    return handle


def terminate_after_hello(context: ssl.SSLContext, upstream: Address | None, *, narrow: bool = False) -> Continuation:
    """``terminate`` for a connection whose first bytes somebody has read."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, received: bytes) -> None:
        # A pump writes and drains, nothing else.
        way_out = cast(asyncio.StreamWriter, NarrowWriter(writer)) if narrow else writer
        pump = TlsPump(context, reader, way_out, received=received)
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            await pump.handshake()
            if upstream is not None:
                await _relay(pump, upstream)
            await pump.end()
        await close_politely(reader, writer)

    return handle


class NarrowWriter:
    """A way on which packets of full size vanish and nobody is told (a path MTU black hole).

    TCP keeps the order: once a full segment is lost, nothing behind it is delivered either.
    """

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._stuck = False

    def write(self, data: bytes) -> None:
        """Send ``data`` unless it fills a packet, or something before it did."""
        self._stuck = self._stuck or len(data) > _SEGMENT
        if not self._stuck:
            self._writer.write(data)

    async def drain(self) -> None:
        await self._writer.drain()


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Connection handler: FIN at once after accept, as a forwarder does that has nobody behind it."""
    await close_politely(reader, writer)


def by_server_name(
    hurt: Iterable[str], victim: Continuation, other: Continuation, *, nameless: Continuation | None = None,
    after_s: float = 0.0,
) -> Handler:  # fmt: skip
    """Handler: ``victim`` for a ClientHello that names one of ``hurt``, ``other`` for any other or no name.

    ``nameless`` instead for one without a name; ``after_s``: seconds before it is answered.
    """
    hurt_names = frozenset(name.lower() for name in hurt)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            received, hello = await read_client_hello(reader)
        except ConnectionError:
            writer.close()
            return
        if after_s:
            await asyncio.sleep(after_s)
        if hello is not None and hello.server_name in hurt_names:
            await victim(reader, writer, received)
        elif nameless is not None and hello is not None and not hello.server_name:
            await nameless(reader, writer, received)
        else:
            await other(reader, writer, received)

    return handle


def handshake_killer(how: Literal["reset", "close", "alert", "blackhole"]) -> Continuation:
    """What happens to a connection whose ClientHello was seen (see ``ServerTls.handshake``)."""

    async def kill(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, received: bytes) -> None:
        match how:
            case "reset":
                abort_with_reset(writer)
            case "close":
                writer.close()
            case "blackhole":
                await stay_silent(reader, writer)
            case "alert":
                await send_unrecognized_name(reader, writer, received)

    return kill


async def send_unrecognized_name(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, received: bytes = b""
) -> None:
    """Refuse the name by OpenSSL's own alert, then close."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = lambda _socket, _name, _context: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    with contextlib.suppress(ssl.SSLError, ConnectionError):
        await TlsPump(context, reader, writer, received=received).handshake()
    await close_politely(reader, writer)


def plain_text_peer(what: Literal["http", "ssh", "smtp", "garbage"]) -> Handler:
    """Handler of a peer that does not speak TLS.

    ``http``     waits for the client's bytes and answers an HTTP 400
    ``ssh``, ``smtp``  greets with its banner before the client says anything
    ``garbage``  answers bytes that belong to no protocol
    """

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            greeting = _GREETINGS.get(what, b"")
            writer.write(greeting)
            if await reader.read(_CHUNK) and not greeting:
                writer.write(_HTTP_400 if what == "http" else _GARBAGE)
            await writer.drain()
        await close_politely(reader, writer)

    return handle


async def _relay(pump: TlsPump, upstream: Address) -> None:
    try:
        reader, writer = await asyncio.open_connection(*upstream)
    except OSError:
        return

    async def inward() -> None:
        while data := await pump.read():
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    inbound = asyncio.create_task(inward())
    try:
        # The exchange decides when a connection is over, as it does without this front.
        while data := await reader.read(_CHUNK):
            await pump.write(data)
    finally:
        writer.close()
        inbound.cancel()
        await asyncio.gather(inbound, return_exceptions=True)
