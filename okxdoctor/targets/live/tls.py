"""TLS over any wire, with the standard library's OpenSSL and memory buffers.

Pumping the buffers by hand keeps what asyncio's TLS hides: the first bytes that a peer answered with, the alert
it sent, and whether the end came as a reset, an end-of-file or silence.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl

from okxdoctor.targets.live.broken import Broken
from okxdoctor.targets.live.wire import Wire

# RFC 8446 §6, RFC 5246 §7.2, and the older ones that old servers still send.
ALERTS: dict[int, str] = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 21: "decryption_failed",
    22: "record_overflow", 30: "decompression_failure", 40: "handshake_failure", 41: "no_certificate",
    42: "bad_certificate", 43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired",
    46: "certificate_unknown", 47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error",
    51: "decrypt_error", 60: "export_restriction", 70: "protocol_version", 71: "insufficient_security",
    80: "internal_error", 86: "inappropriate_fallback", 90: "user_canceled", 100: "no_renegotiation",
    109: "missing_extension", 110: "unsupported_extension", 111: "certificate_unobtainable",
    112: "unrecognized_name", 113: "bad_certificate_status_response", 115: "unknown_psk_identity",
    116: "certificate_required", 120: "no_application_protocol", 121: "ech_required",
}  # fmt: skip

_CHANGE_CIPHER, _ALERT, _HANDSHAKE, _DATA = 20, 21, 22, 23
_HEARD = 4096


class TlsBroken(Broken):
    """A handshake that failed, with everything seen of it.

    ``alert`` is the RFC name of a fatal alert that the peer sent, ``heard`` the first bytes that came.
    ``verify_code`` is OpenSSL's X509 code where the certificate was the reason, else 0.
    """

    alert = ""
    heard = b""
    verify_code = 0


class TlsWire:
    """TLS inside another wire; use :meth:`handshake` first.

    ``alpn``: the protocols to offer; None leaves it to the context. One context serves everybody, and httpcore writes
    its own offer into it: whoever speaks something else has to say so.
    """

    def __init__(
        self, inner: Wire, context: ssl.SSLContext, server_name: str | None, *, alpn: tuple[str, ...] | None = None
    ) -> None:
        self._inner = inner
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._eof = False
        self._sending = asyncio.Lock()
        self._heard = bytearray()
        if alpn is not None:
            context.set_alpn_protocols(list(alpn))
        try:
            self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        except (ValueError, UnicodeError) as error:
            raise Broken("tls", "handshake", f"not a name that TLS can ask for: {type(error).__name__}") from None

    @property
    def number(self) -> int:
        return self._inner.number

    @property
    def address(self) -> str:
        return self._inner.address

    async def handshake(self) -> None:
        """Raises TlsBroken (kinds tls, not-tls, reset, closed). The caller bounds the time."""
        while True:
            try:
                self.tls.do_handshake()
                await self._flush()
                return
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                # The alert that says why we leave is written into the buffer: a polite client sends it.
                with contextlib.suppress(Broken):
                    await self._flush()
                raise self._broken(error) from None
            try:
                await self._flush()
                data = await self._inner.read()
            except Broken as broken:
                raise self._lost(broken.failure.kind == "reset", broken.failure.detail) from None
            if not data:
                raise self._lost(False, "the peer closed during the handshake")
            self._hear(data)

    async def ended(self) -> None:
        """Waits for what the server says first; raises TlsBroken if that is a fatal alert, or the end."""
        while True:
            try:
                self.tls.read(1)
                return
            except ssl.SSLWantReadError:
                data = await self._inner.read()
                self._feed(data)
                if not data:
                    raise self._lost(False, "the peer closed before it said anything") from None
            except ssl.SSLError as error:
                if _alert_by_reason(error):
                    raise self._broken(error) from None
                return

    async def read(self) -> bytes:
        while True:
            data = self._decrypt()
            if data is not None:
                return data
            await self._flush()
            self._feed(await self._inner.read())

    async def write(self, data: bytes) -> None:
        try:
            self.tls.write(data)
        except ssl.SSLError as error:
            raise Broken("tls", "send", _reason(error)) from None
        await self._flush()

    def pull(self) -> bytes | None:
        # Session tickets make the socket readable although nothing was said: only what decrypts to data counts.
        while True:
            data = self._decrypt_quietly()
            if data is not None:
                return data
            raw = self._inner.pull()
            if raw is None:
                return None
            self._feed(raw)

    def close(self) -> None:
        self._inner.close()

    def _decrypt_quietly(self) -> bytes | None:
        try:
            return self._decrypt()
        except Broken:
            return b""

    def _decrypt(self) -> bytes | None:
        try:
            return self.tls.read(65536)
        except ssl.SSLWantReadError:
            return b"" if self._eof else None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""
        except ssl.SSLError as error:
            # An end without close_notify is an end; HTTP's own lengths tell whether something is missing.
            if self._eof:
                return b""
            raise Broken("tls", "receive", _reason(error)) from None

    def _feed(self, data: bytes) -> None:
        if data:
            self._incoming.write(data)
        else:
            self._eof = True
            self._incoming.write_eof()

    async def _flush(self) -> None:
        if not self._outgoing.pending:
            return
        async with self._sending:
            data = self._outgoing.read()
            if data:
                await self._inner.write(data)

    def _hear(self, data: bytes) -> None:
        self._heard += data[: _HEARD - len(self._heard)]
        self._incoming.write(data)

    def _lost(self, reset: bool, detail: str) -> TlsBroken:
        heard = bytes(self._heard)
        if heard and not looks_like_tls(heard):
            return self._tell(TlsBroken("not-tls", "handshake", "the answer is no TLS record"))
        if alert_in(heard):
            return self._tell(TlsBroken("tls", "handshake", f"alert {alert_in(heard)}"))
        return self._tell(TlsBroken("reset" if reset else "closed", "handshake", detail))

    def _broken(self, error: ssl.SSLError) -> TlsBroken:
        heard = bytes(self._heard)
        if heard and not looks_like_tls(heard):
            return self._tell(TlsBroken("not-tls", "handshake", "the answer is no TLS record"))
        alert = alert_in(heard) or _alert_by_reason(error)
        if isinstance(error, ssl.SSLCertVerificationError):
            broken = TlsBroken("tls", "handshake", f"{error.verify_message} (code {error.verify_code})")
            broken.verify_code = error.verify_code
            return self._tell(broken)
        return self._tell(TlsBroken("tls", "handshake", f"alert {alert}" if alert else _reason(error)))

    def _tell(self, broken: TlsBroken) -> TlsBroken:
        broken.heard = bytes(self._heard)
        broken.alert = alert_in(broken.heard)
        if not broken.alert and broken.failure.detail.startswith("alert "):
            broken.alert = broken.failure.detail.removeprefix("alert ")
        return broken


def looks_like_tls(first: bytes) -> bool:
    """Whether bytes can be the start of a TLS record: a content type of RFC 8446 §5.1 and a major version 3."""
    return first[0] in (_CHANGE_CIPHER, _ALERT, _HANDSHAKE, _DATA) and (len(first) < 2 or first[1] == 3)


def alert_in(heard: bytes) -> str:
    """The name of a fatal alert among the plain records of a handshake, ``""`` without one."""
    at = 0
    while at + 5 <= len(heard):
        length = int.from_bytes(heard[at + 3 : at + 5])
        record = heard[at + 5 : at + 5 + length]
        # An encrypted alert (TLS 1.3 sends it as application data) is OpenSSL's to read, not ours.
        if heard[at] == _ALERT and len(record) == 2 and length == 2:
            level, code = record
            # unrecognized_name may come as a warning, after which the server goes on (RFC 6066 §3).
            if level == 2 or (code != 0 and at + 7 == len(heard)):
                return ALERTS.get(code, f"alert_{code}")
        at += 5 + length
    return ""


def _alert_by_reason(error: ssl.SSLError) -> str:
    # OpenSSL names received alerts TLSV1_ALERT_PROTOCOL_VERSION, SSLV3_ALERT_HANDSHAKE_FAILURE,
    # TLSV1_UNRECOGNIZED_NAME, TLSV13_ALERT_CERTIFICATE_REQUIRED.
    reason = (error.reason or "").lower()
    for prefix in ("tlsv13_alert_", "tlsv1_alert_", "sslv3_alert_", "tlsv1_"):
        if reason.startswith(prefix) and reason.removeprefix(prefix) in ALERTS.values():
            return reason.removeprefix(prefix)
    return ""


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or type(error).__name__).lower().replace("_", " ")
