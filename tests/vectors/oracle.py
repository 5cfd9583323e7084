"""The independent sources of expected values. Nothing of okxdoctor is imported here.

* digests, HMACs and Base64: the `openssl` program, one process for each key and hash (not for each vector);
* rounding: `fractions.Fraction`, by looking at every band on its own;
* percent-encoding: written out from RFC 3986 section 2;
* calendar: counting days year by year.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

OPENSSL = shutil.which("openssl")

# ---- openssl -------------------------------------------------------------------------------------------------------

Job = tuple[str, bytes, bytes]
"""(algorithm, key, message); algorithm is "hmac-sha256", "hmac-sha1" … or a plain hash as "sha256" (its key is
b"").
"""


def _openssl(*arguments: str, stdin: bytes | None = None) -> bytes:
    assert OPENSSL is not None
    done = subprocess.run([OPENSSL, *arguments], input=stdin, capture_output=True, check=True)
    return done.stdout


def digests(jobs: Sequence[Job]) -> list[bytes]:
    """The digest of each job, computed by the openssl program."""
    groups: dict[tuple[str, bytes], list[int]] = defaultdict(list)
    for index, (algorithm, key, _) in enumerate(jobs):
        groups[algorithm, key].append(index)
    results: list[bytes] = [b""] * len(jobs)
    with tempfile.TemporaryDirectory() as folder:
        for (algorithm, key), members in groups.items():
            files = []
            for index in members:
                file = Path(folder, str(index))
                file.write_bytes(jobs[index][2])
                files.append(str(file))
            hashed = algorithm.removeprefix("hmac-")
            keyed = ["-mac", "HMAC", "-macopt", f"hexkey:{key.hex()}"] if algorithm.startswith("hmac-") else []
            lines = _openssl("dgst", f"-{hashed}", *keyed, *files).decode().splitlines()
            assert len(lines) == len(members)
            for index, line in zip(members, lines, strict=True):
                results[index] = bytes.fromhex(line.rpartition("= ")[2])
    return results


def base64(items: Sequence[bytes]) -> list[str]:
    """Standard Base64 of each item by one openssl process.

    openssl writes 64 characters for each 48 bytes, so items are laid in blocks of 48 bytes. Filling with zero bytes
    leaves the characters of the item as they are and only adds ones after them, where the item's own padding belongs.
    """
    blocks = [max(1, -(-len(item) // 48)) for item in items]
    laid = b"".join(item.ljust(48 * count, b"\0") for item, count in zip(items, blocks, strict=True))
    lines = _openssl("enc", "-base64", stdin=laid).decode().split()
    assert len(lines) == sum(blocks)
    texts, position = [], 0
    for item, count in zip(items, blocks, strict=True):
        text = "".join(lines[position : position + count])[: math.ceil(len(item) * 8 / 6)]
        texts.append(text + "=" * (-len(text) % 4))
        position += count
    return texts


# ---- percent-encoding ----------------------------------------------------------------------------------------------

UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def percent(text: str, *, keep: str = "", lower: bool = False, plus: bool = False) -> str:
    """Percent-encode the UTF-8 of `text`; `keep` stays raw, `lower` writes %2c, `plus` writes a space as +."""
    kept = UNRESERVED | set(keep.encode())
    out = []
    for byte in text.encode():
        if byte == 0x20 and plus:
            out.append("+")
        elif byte in kept:
            out.append(chr(byte))
        else:
            out.append(f"%{byte:02x}" if lower else f"%{byte:02X}")
    return "".join(out)


# ---- rounding ------------------------------------------------------------------------------------------------------

FractionBand = tuple[Fraction | None, Fraction]
"""(exclusive maximum or None, tick)."""


def _limits(bands: Sequence[FractionBand]) -> list[tuple[Fraction | None, Fraction | None, Fraction]]:
    ordered = sorted(bands, key=lambda band: (band[0] is None, band[0] or 0))
    out, low = [], None
    for place, (high, tick) in enumerate(ordered):
        high = None if place == len(ordered) - 1 else high
        out.append((low, high, tick))
        low = high
    return out


def tick_at(price: Fraction, bands: Sequence[FractionBand]) -> Fraction:
    return next(tick for _, high, tick in _limits(bands) if high is None or price < high)


def grid_below(price: Fraction, bands: Sequence[FractionBand]) -> Fraction:
    """The greatest grid price at or below: the best of every band's own greatest."""
    found = []
    for low, high, tick in _limits(bands):
        count = math.floor(price / tick)
        if high is not None and count * tick >= high:
            count = math.ceil(high / tick) - 1
        if low is None or count * tick >= low:
            found.append(count * tick)
    return max(found)


def grid_above(price: Fraction, bands: Sequence[FractionBand]) -> Fraction:
    found = []
    for low, high, tick in _limits(bands):
        count = math.ceil(price / tick)
        if low is not None and count * tick < low:
            count = math.ceil(low / tick)
        if high is None or count * tick < high:
            found.append(count * tick)
    return min(found)


def on_grid(price: Fraction, bands: Sequence[FractionBand]) -> bool:
    return (price / tick_at(price, bands)).denominator == 1


def rounded(price: Fraction, bands: Sequence[FractionBand], mode: str, side: str | None) -> Fraction:
    below, above = grid_below(price, bands), grid_above(price, bands)
    if mode == "passive":
        mode = {"buy": "down", "sell": "up"}[side or ""]
    if mode == "nearest":
        return below if price - below < above - price else above
    return below if mode == "down" else above


def rounded_size(size: Fraction, lot: Fraction, minimum: Fraction) -> Fraction | None:
    floored = size - size % lot
    return floored if floored > 0 and floored >= minimum else None


def plain(value: Fraction) -> str:
    """Plain decimal text of a fraction whose denominator divides a power of ten."""
    places = 0
    while (value * 10**places).denominator != 1:
        places += 1
        assert places < 1000, "no finite decimal"
    digits = str(abs(int(value * 10**places))).zfill(places + 1)
    text = f"{digits[: len(digits) - places]}.{digits[len(digits) - places :]}" if places else digits
    return f"-{text}" if value < 0 else text


# ---- calendar ------------------------------------------------------------------------------------------------------


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def calendar(epoch_s: int) -> str:
    """`YYYY-MM-DDTHH:MM:SS` of a moment at or after 1970, found by counting."""
    day, second = divmod(epoch_s, 86_400)
    year = 1970
    while day >= 365 + _leap(year):
        day -= 365 + _leap(year)
        year += 1
    month = 1
    for length in (31, 28 + _leap(year), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31):
        if day < length:
            break
        day -= length
        month += 1
    hour, second = divmod(second, 3600)
    minute, second = divmod(second, 60)
    return f"{year:04d}-{month:02d}-{day + 1:02d}T{hour:02d}:{minute:02d}:{second:02d}"


def iso_ms(epoch_ms: int) -> str:
    return f"{calendar(epoch_ms // 1000)}.{epoch_ms % 1000:03d}Z"
