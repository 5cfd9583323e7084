"""One TLS handshake that takes the certificates whatever they are, and what every store makes of them.

It offers more than a program would (TLS 1.0 upwards, every cipher, no security level), so that a server that is
only old is seen as old and not as silent. Nothing is ever sent over such a connection. Where only an offer of
yesterday was good enough, a second handshake makes today's, so that the program's own refusal is seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Literal
from weakref import WeakSet

from okxdoctor.port import Certificate, Handshake, Verification
from okxdoctor.targets.live.broken import Broken
from okxdoctor.targets.live.certificates import describe, fetched, sent_chain
from okxdoctor.targets.live.proxy import printable
from okxdoctor.targets.live.route import Route
from okxdoctor.targets.live.tls import TlsBroken, TlsWire
from okxdoctor.targets.live.trust import Trust
from okxdoctor.targets.live.verify import leads_to_root

Outcome = Literal["ok", "alert", "reset", "closed", "timeout", "not-tls", "error"]
Fetch = Callable[[str, str], Awaitable[bytes]]
"""Gets what lies at a URL, for a target that was reached at an address."""

# X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT(_LOCALLY), X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: an issuer is missing.
_ISSUER_MISSING = (2, 20, 21)
_MOST_ISSUERS = 3

_CERTIFICATE_REQUEST = 13
"""RFC 5246 §7.4, RFC 8446 §4."""
_REFUSAL_S = 2.0
"""How long a server of TLS 1.3 that wants a certificate is given to refuse a client without one."""


class Asked:
    """Connections in which the server wanted a certificate of the client.

    ``ssl`` has no public way to know; its hook for debuggers, there since 3.8, tells each message of a handshake.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._connections: WeakSet[object] = WeakSet()
        if hasattr(context, "_msg_callback"):
            context._msg_callback = self._note

    def __contains__(self, connection: object) -> bool:
        return connection in self._connections

    def _note(self, connection: object, direction: str, *said: object) -> None:
        if direction == "read" and said[2:3] == (_CERTIFICATE_REQUEST,):
            self._connections.add(connection)


def usual_context() -> ssl.SSLContext:
    """What a program of today offers, whatever certificate comes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def nothing_to_offer() -> str:
    """Why this machine's OpenSSL cannot even greet a server, "" where it can: its configuration may leave no protocol
    version (``MaxProtocol = TLSv1.1``) or no cipher (FIPS without its module), for every program that uses it."""
    try:
        usual_context().wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="example.com").do_handshake()
    except ssl.SSLWantReadError:
        return ""
    except ssl.SSLError as error:
        return (error.reason or str(error)).replace("_", " ").lower()
    return ""


def lenient_context() -> ssl.SSLContext:
    """Takes every version, cipher and key length that the library still knows: what is refused is judged afterwards."""
    context = usual_context()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:COMPLEMENTOFDEFAULT:@SECLEVEL=0")
    # Servers without RFC 5746 are old, not absent.
    context.options |= getattr(ssl, "OP_LEGACY_SERVER_CONNECT", 0x4)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


async def shake(
    route: Route, server_name: str, *, context: ssl.SSLContext, trust: Trust, fetch: Fetch, timeout_s: float
) -> Handshake:
    """Total: every failure is an outcome."""

    def failed(outcome: Outcome, *, detail: str, alert: str = "", plain: str = "", heard: bytes = b"") -> Handshake:
        return Handshake(
            host=route.host,
            server_name=server_name,
            address=wire.address if wire is not None else "",
            port=route.port,
            outcome=outcome,
            alert=alert,
            plain=plain,
            detail=detail,
            asks_certificate=tls is not None and tls.tls in asked,
            began=bool(heard) and not plain,
            elapsed_ms=_ms_since(started),
        )

    asked = Asked(context)
    wire = tls = None
    started = time.monotonic()
    try:
        wire = await route.open()
    except Broken as broken:
        return failed(_outcome(broken), detail=f"{broken.failure.phase}: {broken.failure.detail}")
    started = time.monotonic()
    try:
        tls = TlsWire(wire, context, server_name)
        async with asyncio.timeout(timeout_s):
            await tls.handshake()
        if tls.tls in asked and tls.tls.version() == "TLSv1.3":
            await _refusal(tls)
    except TimeoutError:
        return failed("timeout", detail="no answer to the ClientHello")
    except TlsBroken as broken:
        plain = printable(broken.heard.decode("latin-1")) if broken.failure.kind == "not-tls" else ""
        return failed(
            _outcome(broken), detail=broken.failure.detail, alert=broken.alert, plain=plain, heard=broken.heard
        )
    except Broken as broken:
        return failed(_outcome(broken), detail=broken.failure.detail)
    finally:
        wire.close()
    elapsed_ms = _ms_since(started)
    chain = sent_chain(tls.tls)
    certificates = tuple(describe(der) for der in chain)
    verifications, fetched_from = await verify(chain, certificates, trust=trust, fetch=fetch, reached=wire.address)
    return Handshake(
        host=route.host,
        server_name=server_name,
        address=wire.address,
        port=route.port,
        outcome="ok",
        version=tls.tls.version() or "",
        cipher=(tls.tls.cipher() or ("",))[0],
        alpn=tls.tls.selected_alpn_protocol() or "",
        chain=certificates,
        verifications=verifications,
        aia_fetched=fetched_from,
        refused=await _refused(route, server_name, tls, timeout_s=timeout_s),
        asks_certificate=tls.tls in asked,
        elapsed_ms=elapsed_ms,
    )


async def _refusal(tls: TlsWire) -> None:
    """Raises TlsBroken if the server ends what the client of TLS 1.3 takes for a finished handshake."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_REFUSAL_S):
            await tls.ended()


async def _refused(route: Route, server_name: str, tls: TlsWire, *, timeout_s: float) -> str:
    """What today's offer comes to, where a cipher of yesterday was chosen."""
    name = (tls.tls.cipher() or ("",))[0]
    if tls.tls.version() != "TLSv1.2" or name.startswith("ECDHE-"):
        return ""
    wire = None
    try:
        wire = await route.open()
        async with asyncio.timeout(timeout_s):
            await TlsWire(wire, usual_context(), server_name).handshake()
    except TlsBroken as broken:
        return "" if broken.failure.kind == "timeout" else broken.failure.detail
    except (Broken, TimeoutError):
        return ""
    finally:
        if wire is not None:
            wire.close()
    return ""


def _outcome(broken: Broken) -> Outcome:
    if isinstance(broken, TlsBroken) and broken.alert:
        return "alert"
    match broken.failure.kind:
        case "reset" | "closed" | "timeout" | "not-tls" as same:
            return same
        case _:
            return "error"


async def verify(
    chain: tuple[bytes, ...], certificates: tuple[Certificate, ...], *, trust: Trust, fetch: Fetch, reached: str
) -> tuple[tuple[Verification, ...], tuple[str, ...]]:
    """The chain against the stores, dates and names left out; and the addresses that missing issuers came from.

    The store in use is always asked. The others are asked where their answer can matter: the default store is not
    certifi's, which most Python clients use; and whoever fails is compared with both.
    """
    if not chain:
        return (), ()
    in_use = await trust.in_use()
    own = (await trust.dateless("in-use")).context
    rsa = certificates[0].key_type == "RSA"
    found = [_verified("in-use", chain, own, source=in_use.store.source, rsa=rsa)]
    fetched_from: tuple[str, ...] = ()
    if not found[0].ok or in_use.store.source == "system":
        if in_use.store.source == "system":
            found.append(_verified("system", chain, own, source=in_use.store.path, rsa=rsa))
        else:
            found.append(await _against("system", chain, trust=trust, rsa=rsa))
        found.append(await _against("bundled", chain, trust=trust, rsa=rsa))
    if found[0].code in _ISSUER_MISSING:
        longer, fetched_from = await _with_issuers(chain, certificates[-1], fetch, reached)
        if fetched_from:
            found.append(_verified("in-use+aia", longer, own, source=fetched_from[-1], rsa=rsa))
    return tuple(found), fetched_from


async def _against(
    store: Literal["system", "bundled"], chain: tuple[bytes, ...], *, trust: Trust, rsa: bool
) -> Verification:
    loaded = await trust.dateless(store)
    return _verified(store, chain, loaded.context, source=loaded.store.path, rsa=rsa)


def _verified(
    store: Literal["in-use", "system", "bundled", "in-use+aia"],
    chain: tuple[bytes, ...],
    context: ssl.SSLContext,
    *,
    source: str,
    rsa: bool,
) -> Verification:
    code, message = leads_to_root(chain, context, rsa=rsa)
    return Verification(store=store, ok=code == 0, code=code, message=message, source=source)


async def _with_issuers(
    chain: tuple[bytes, ...], last: Certificate, fetch: Fetch, reached: str
) -> tuple[tuple[bytes, ...], tuple[str, ...]]:
    """The chain with the issuers that its certificates say can be fetched, and where they came from."""
    fetched_from: list[str] = []
    for _ in range(_MOST_ISSUERS):
        if last.self_issued:
            break
        for url in last.aia_issuers[:2]:
            issuers = fetched(await fetch(url, reached))
            if issuers:
                chain += issuers
                last = describe(issuers[0])
                fetched_from.append(url)
                break
        else:
            break
    return chain, tuple(fetched_from)


def _ms_since(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 3)
