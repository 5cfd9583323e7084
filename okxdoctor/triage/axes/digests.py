"""The hash that made the digest: HMAC-SHA256 as it should be, and what clients took for it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from okxdoctor.triage.recipe import Step

CAUSE = "signature.digest"

Digest = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One way to make a digest of `size` bytes. `prepared(key)` does what needs the key only once."""

    name: str
    size: int
    prepared: Callable[[bytes], Digest]
    right: bool = False

    @property
    def steps(self) -> tuple[Step, ...]:
        if self.right:
            return ()
        return (Step(step="digest", done=self.name, should_be="HMAC-SHA256", cause=CAUSE),)


class _State(Protocol):
    """A running hash."""

    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...
    def copy(self) -> _State: ...


def hmac_sha256(key: bytes) -> Digest:
    """HMAC-SHA256 under one key; inner and outer state are hashed once (RFC 2104) and copied for each message."""
    block = (key if len(key) <= 64 else hashlib.sha256(key).digest()).ljust(64, b"\0")
    inner_state: _State = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
    outer_state: _State = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))
    inner_copy, outer_copy = inner_state.copy, outer_state.copy

    def digest(message: bytes) -> bytes:
        inner, outer = inner_copy(), outer_copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()

    return digest


def _hmac(algorithm: str) -> Callable[[bytes], Digest]:
    return lambda key: lambda message: hmac.digest(key, message, algorithm)


def _plain(algorithm: str, arrange: Callable[[bytes, bytes], bytes]) -> Callable[[bytes], Digest]:
    return lambda key: lambda message: hashlib.new(algorithm, arrange(key, message), usedforsecurity=False).digest()


_HASHES = {"md5": "MD5", "sha1": "SHA-1", "sha224": "SHA-224", "sha256": "SHA-256", "sha384": "SHA-384",
           "sha512": "SHA-512", "sha3_256": "SHA3-256", "sha3_512": "SHA3-512", "sha512_256": "SHA-512/256",
           "blake2s": "BLAKE2s", "sm3": "SM3"}  # fmt: skip


def _swapped(key: bytes) -> Digest:
    return lambda message: hmac.digest(message, key, "sha256")


def _hashed_after(key: bytes) -> Digest:
    return lambda message: hashlib.sha256(hmac.digest(key, message, "sha256")).digest()


def _hashed_before(key: bytes) -> Digest:
    return lambda message: hmac.digest(key, hashlib.sha256(message).digest(), "sha256")


def _methods() -> tuple[Method, ...]:
    found = [Method(name="HMAC-SHA256", size=32, prepared=hmac_sha256, right=True)]
    for algorithm, name in _HASHES.items():
        try:
            size = len(hmac.digest(b"k", b"", algorithm))
        except ValueError:  # not in this build of OpenSSL
            continue
        if algorithm != "sha256":
            found.append(Method(name=f"HMAC-{name.replace('SHA-', 'SHA')}", size=size, prepared=_hmac(algorithm)))
    for algorithm, name in _HASHES.items():
        try:
            size = hashlib.new(algorithm, usedforsecurity=False).digest_size
        except ValueError:
            continue
        for way, arrange in _ARRANGED:
            found.append(Method(name=f"{name} {way}", size=size, prepared=_plain(algorithm, arrange)))
    found.append(Method(name="HMAC-SHA256 with key and text exchanged", size=32, prepared=_swapped))
    found.append(Method(name="SHA-256 of the HMAC-SHA256", size=32, prepared=_hashed_after))
    found.append(Method(name="HMAC-SHA256 of the SHA-256 of the text", size=32, prepared=_hashed_before))
    return tuple(found)


_ARRANGED: tuple[tuple[str, Callable[[bytes, bytes], bytes]], ...] = (
    ("of prehash and secret", lambda key, message: message + key),
    ("of secret and prehash", lambda key, message: key + message),
    ("of the prehash alone", lambda key, message: message),
    ("of secret, prehash and secret", lambda key, message: key + message + key),
)

METHODS = _methods()
SIZES = frozenset(method.size for method in METHODS)


def of_size(size: int) -> tuple[Method, ...]:
    """The methods whose digests have this many bytes, the right one first."""
    return tuple(method for method in METHODS if method.size == size)
