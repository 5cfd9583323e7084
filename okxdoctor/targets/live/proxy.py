"""A tunnel through a proxy: HTTP CONNECT (RFC 9110 §9.3.6), also inside TLS, and SOCKS5 (RFC 1928, RFC 1929).

The host's name goes to the proxy as it is: names that only the proxy can resolve are a reason to have one.
"""

from __future__ import annotations

import base64
import ipaddress
import ssl
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

from okxdoctor.secret import Secret
from okxdoctor.targets.live.broken import Broken
from okxdoctor.targets.live.tls import TlsBroken, TlsWire, looks_like_tls
from okxdoctor.targets.live.wire import Ahead, Wire

Refusal = Literal["status", "auth-required", "not-proxy", "closed", "timeout"]

_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_HEAD_LIMIT = 16384
_VERSION, _NO_AUTH, _PASSWORD, _NONE_FITS = 5, 0, 2, 0xFF
_SOCKS_REPLIES = {
    1: "general failure",
    2: "not allowed by the ruleset",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "TTL expired",
    7: "command not supported",
    8: "address type not supported",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyAddress:
    """A proxy as configured. The password is a Secret; ``repr`` shows none."""

    scheme: str
    host: str
    port: int
    user: Secret
    password: Secret

    @property
    def tls(self) -> bool:
        return self.scheme == "https"

    @property
    def socks(self) -> bool:
        return self.scheme.startswith("socks5")


class ProxyRefused(Broken):
    """The proxy, or what stands in its place, did not open the tunnel. ``speaks`` as far as seen: http, tls, socks5."""

    def __init__(
        self, outcome: Refusal, detail: str = "", *, status: int | None = None, reason: str = "", speaks: str = ""
    ) -> None:
        super().__init__("proxy", "proxy", detail or f"{outcome} {status or ''} {reason}".strip())
        self.outcome: Refusal = outcome
        self.status = status
        self.reason = reason
        self.speaks = speaks


def proxy_address(url: str) -> ProxyAddress:
    """Reads a proxy URL; a bare ``host:port`` is an HTTP proxy, as curl has it. Raises ValueError, without the URL."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port, host = parts.port, parts.hostname
    except ValueError:
        raise ValueError("the proxy URL is malformed") from None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not host:
        raise ValueError(f"the proxy URL has no host or an unknown scheme ({scheme})")
    return ProxyAddress(
        scheme=scheme,
        host=host,
        port=port or _PORTS[scheme],
        user=Secret(unquote(parts.username or "")),
        password=Secret(unquote(parts.password or "")),
    )


async def tunnel(wire: Wire, proxy: ProxyAddress, host: str, port: int, *, tls: ssl.SSLContext | None) -> Wire:
    """Makes a connection to the proxy one to the host. Raises Broken (ProxyRefused); the caller bounds the time
    and closes ``wire``. ``tls`` verifies an https proxy."""
    if tls is not None:
        secured = TlsWire(wire, tls, proxy.host, alpn=("http/1.1",))
        try:
            await secured.handshake()
        except TlsBroken as broken:
            raise _not_tls(broken) from None
        wire = secured
    try:
        rest = await (_socks5 if proxy.socks else _connect)(wire, proxy, host, port)
    except ProxyRefused:
        raise
    except Broken as broken:
        raise ProxyRefused("closed", f"{broken.failure.kind} {broken.failure.detail}".strip()) from None
    # A host that speaks first (SSH, a mail server) is heard in one packet with the proxy's consent.
    return Ahead(wire, rest) if rest else wire


def _not_tls(broken: TlsBroken) -> ProxyRefused:
    if broken.failure.kind == "not-tls":
        return ProxyRefused("not-proxy", "TLS is spoken to what is no TLS server", speaks=spoken_in(broken.heard))
    if broken.failure.kind in ("closed", "reset"):
        return ProxyRefused("closed", f"{broken.failure.kind} in the TLS handshake with the proxy")
    return ProxyRefused("closed", f"TLS with the proxy: {broken.failure.detail}", speaks="tls")


def spoken_in(first: bytes) -> str:
    """Which protocol the first bytes of a peer belong to: http, tls, socks5, ``""``."""
    if first.startswith(b"HTTP/"):
        return "http"
    if len(first) >= 3 and looks_like_tls(first):
        return "tls"
    if first[:1] == b"\x05" and len(first) == 2:
        return "socks5"
    return ""


# ---- HTTP CONNECT -------------------------------------------------------------------------------


async def _connect(wire: Wire, proxy: ProxyAddress, host: str, port: int) -> bytes:
    """What came behind the proxy's answer."""
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
    if proxy.user or proxy.password:
        pair = f"{proxy.user.reveal()}:{proxy.password.reveal()}".encode()
        lines.append(f"Proxy-Authorization: Basic {base64.b64encode(pair).decode()}")
    await wire.write("\r\n".join([*lines, "", ""]).encode("latin-1", "replace"))
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _HEAD_LIMIT:
        more = await wire.read()
        if not more:
            break
        head += more
        if not head.startswith(b"HTTP/"[: len(head)]):
            raise ProxyRefused("not-proxy", "the answer to CONNECT is no HTTP", speaks=spoken_in(head))
    if not head:
        raise ProxyRefused("closed", "closed without an answer to CONNECT")
    words = head.partition(b"\r\n")[0].decode("latin-1").split(" ", 2)
    if len(words) < 2 or not words[1].isdigit():
        raise ProxyRefused("not-proxy", "the answer to CONNECT has no status", speaks="http")
    status, reason = int(words[1]), printable(words[2] if len(words) > 2 else "")
    if status == 407:
        raise ProxyRefused("auth-required", status=status, reason=reason, speaks="http")
    if not 200 <= status < 300:
        raise ProxyRefused("status", status=status, reason=reason, speaks="http")
    return head.partition(b"\r\n\r\n")[2]


def printable(text: str) -> str:
    """Up to 80 characters of a stranger's text, fit for one line."""
    return "".join(character if character.isprintable() else " " for character in text[:80]).strip()


# ---- SOCKS5 -------------------------------------------------------------------------------------


async def _socks5(wire: Wire, proxy: ProxyAddress, host: str, port: int) -> bytes:
    """What came behind the proxy's answer."""
    source = _Exactly(wire)
    has_login = bool(proxy.user) or bool(proxy.password)
    await wire.write(bytes([_VERSION, 2, _NO_AUTH, _PASSWORD]) if has_login else bytes([_VERSION, 1, _NO_AUTH]))
    version, method = await source.take(2)
    if version != _VERSION:
        heard = bytes([version, method]) + source.rest
        raise ProxyRefused("not-proxy", "the answer is not SOCKS5", speaks=spoken_in(heard))
    if method == _PASSWORD and has_login:
        user, password = proxy.user.reveal().encode()[:255], proxy.password.reveal().encode()[:255]
        await wire.write(bytes([1, len(user)]) + user + bytes([len(password)]) + password)
        _, verdict = await source.take(2)
        if verdict != 0:
            raise ProxyRefused("auth-required", reason="login refused", speaks="socks5")
    elif method != _NO_AUTH:
        reason = "no acceptable method" if method == _NONE_FITS else f"method {method} wanted"
        raise ProxyRefused("auth-required", reason=reason, speaks="socks5")
    await wire.write(bytes([_VERSION, 1, 0]) + _socks_address(host) + port.to_bytes(2, "big"))
    _, reply, _, kind = await source.take(4)
    if reply != 0:
        reason = _SOCKS_REPLIES.get(reply, "unknown reply")
        raise ProxyRefused("status", status=reply, reason=reason, speaks="socks5")
    length = {1: 4, 4: 16}.get(kind)
    await source.take((length if length is not None else (await source.take(1))[0]) + 2)
    return source.rest


def _socks_address(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("idna" if not host.isascii() else "ascii")[:255]
        return bytes([3, len(name)]) + name
    return bytes([1 if address.version == 4 else 4]) + address.packed


class _Exactly:
    """Reads counted bytes from a wire."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.rest = b""

    async def take(self, count: int) -> bytes:
        while len(self.rest) < count:
            more = await self._wire.read()
            if not more:
                if self.rest:
                    raise ProxyRefused("not-proxy", "cut short", speaks=spoken_in(self.rest))
                raise ProxyRefused("closed", "closed without an answer")
            self.rest += more
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken
