"""Seeded numbers: every value that looks random is a function of the seed and of what it is for.

There is no state to advance, so the order in which clients ask cannot change what they are told, and
the same seed at the same virtual time gives the same bytes.
"""

from __future__ import annotations

import hashlib

_MASK = (1 << 64) - 1


def digest(seed: int, *purpose: object) -> bytes:
    """32 bytes that belong to ``purpose`` under ``seed``."""
    text = "\x1f".join((str(seed), *map(str, purpose)))
    return hashlib.sha256(text.encode()).digest()


def number(seed: int, *purpose: object) -> int:
    """64 bits that belong to ``purpose`` under ``seed``."""
    return int.from_bytes(digest(seed, *purpose)[:8], "big")


def mix(a: int, b: int) -> int:
    """64 well spread bits from two integers; cheap enough for each level of a book (SplitMix64's finish)."""
    z = (a + b * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def unit(a: int, b: int) -> float:
    """A float in [-1, 1) from two integers."""
    return (mix(a, b) >> 11) / (1 << 52) - 1.0


def uuid(seed: int, *purpose: object) -> str:
    """A text with the shape of a random UUID."""
    h = digest(seed, "uuid", *purpose).hex()
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{'89ab'[int(h[16], 16) % 4]}{h[17:20]}-{h[20:32]}"


def secret_key(seed: int, *purpose: object) -> str:
    """32 upper-case hexadecimal digits, the shape of OKX's secret keys."""
    return digest(seed, "secret", *purpose).hex()[:32].upper()


def passphrase(seed: int, *purpose: object) -> str:
    """12 characters that satisfy the rules (8-32, digit, upper, lower, special)."""
    h = digest(seed, "passphrase", *purpose).hex()
    return f"{h[:4].upper()}z{h[4:8]}Q7!"


def digits(seed: int, count: int, *purpose: object) -> str:
    """``count`` decimal digits, the first not zero."""
    n = number(seed, "digits", *purpose)
    return str(10 ** (count - 1) + n % (9 * 10 ** (count - 1)))
