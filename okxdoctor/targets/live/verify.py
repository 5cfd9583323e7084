"""Whether a chain leads to a root of a store, asked of OpenSSL itself and without a connection.

Python's ``ssl`` verifies chains only while it shakes hands. So the chain that a server has sent once is played to a
client in memory as the beginning of a TLS 1.2 handshake: ServerHello and Certificate, both unencrypted and unsigned in
that version (RFC 5246 §7.4). OpenSSL verifies a certificate message when it reads it, before it asks for any
proof of the key; a chain that passes leaves it waiting for more, one that fails ends with the verify code.

Compared with a handshake per store this costs no connection (and no second opinion of a server that may answer
differently), and unlike a path builder of our own it gives the codes of the very library, flags and store that the
user's program verifies with; on Python 3.13 strictness included. Dates are left out by a flag of OpenSSL, the name by
not giving one: the check judges both from the certificates, by trusted time.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Sequence

# X509_V_FLAG_NO_CHECK_TIME, <openssl/x509_vfy.h>; the ssl module has no name for it.
NO_CHECK_TIME = 0x200000

_RECORD = 16384
_ECDHE_RSA = 0xC02F  # TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
_ECDHE_ECDSA = 0xC02B  # TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
# An empty renegotiation_info (RFC 5746 §3.6): OpenSSL 3 refuses servers that do not send it.
_SECURE_RENEGOTIATION = b"\xff\x01\x00\x01\x00"
_UNSPECIFIED = 1  # X509_V_ERR_UNSPECIFIED


def dateless(context: ssl.SSLContext) -> ssl.SSLContext:
    """Makes a context that has a store loaded judge nothing but the way to a root. Returns the same object.

    Key sizes and hashes are not judged either (security level 0): that is a finding of its own.
    """
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AESGCM:@SECLEVEL=0")
    context.verify_flags |= NO_CHECK_TIME
    return context


def leads_to_root(chain: Sequence[bytes], context: ssl.SSLContext, *, rsa: bool) -> tuple[int, str]:
    """OpenSSL's X509 verify code (0 = ok) and its text for a DER chain, leaf first.

    ``context`` comes from :func:`dateless`. ``rsa``: whether the leaf's key is RSA (any other is taken as a
    signature key, which decides the cipher suite that the played server chooses).
    """
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing)
    try:
        try:
            client.do_handshake()
        except ssl.SSLWantReadError:
            pass
        incoming.write(_first_flight(chain, _ECDHE_RSA if rsa else _ECDHE_ECDSA))
        client.do_handshake()
    except ssl.SSLWantReadError:
        return 0, ""
    except ssl.SSLCertVerificationError as error:
        return error.verify_code, error.verify_message
    except ssl.SSLError as error:
        return _UNSPECIFIED, f"the chain was not read: {(error.reason or '').lower().replace('_', ' ')}"
    raise AssertionError("a handshake without a server's key cannot succeed")


def _first_flight(chain: Sequence[bytes], suite: int) -> bytes:
    extensions = _SECURE_RENEGOTIATION
    hello = (
        b"\x03\x03"
        + os.urandom(32)
        + b"\x00"  # no session id
        + suite.to_bytes(2, "big")
        + b"\x00"  # no compression
        + len(extensions).to_bytes(2, "big")
        + extensions
    )
    listed = b"".join(len(der).to_bytes(3, "big") + der for der in chain)
    messages = _message(2, hello) + _message(11, len(listed).to_bytes(3, "big") + listed)
    return b"".join(
        b"\x16\x03\x03" + len(part).to_bytes(2, "big") + part
        for part in (messages[at : at + _RECORD] for at in range(0, len(messages), _RECORD))
    )


def _message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body
