"""Prices and sizes to round; the expected texts come from `oracle` (fractions)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import rounding_walks
from oracle import FractionBand, grid_above, grid_below, on_grid, plain, rounded, rounded_size

NOTE = (
    "round_price moves a price to the grid in force at the result (the maximum of a band is exclusive, the last band "
    "is open, lower bounds are not used); nearest resolves a tie upwards. round_size gives null under the minimum. "
    "Numbers are text."
)
FLAGS = {
    "tick": "One tick for all prices.",
    "awkward-tick": "A tick that is no power of ten: rounding to its count of decimals is wrong.",
    "integer-tick": "A tick of one or more.",
    "tiny-tick": "A tick of 1e-9 or less, where a default rendering uses an exponent.",
    "bands": "The tick depends on the price.",
    "band-boundary": "The price is at or beside a boundary, or the result crosses it.",
    "on-grid": "The price is on the grid already.",
    "tie": "Exactly between two grid prices.",
    "many-digits": "More digits than a double or a default decimal context holds.",
    "exponent-input": "The input is written with an exponent; the output must not be.",
    "trailing-zeros": "The input has trailing zeros.",
    "zero": "The result is zero.",
    "negative": "A negative price: down is towards lower values.",
    "size": "A size to the lot.",
    "under-minimum": "Nothing is left to send: null.",
    "minimum-off-lot": "The minimum is not a multiple of the lot (event contracts).",
    "binary-float": "Arithmetic in binary doubles gives another result.",
    "rejected": "The input is no decimal number; an implementation says so.",
}

# (tick, prices). The ticks are those of listed instruments, on production or demo, and three that were common before.
TICKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("0.1", ("67001.34", "67001.3", "67001.35", "0.04", "0.05", "99999.99")),
    ("0.01", ("3456.789", "3456.785", "0.005", "1.00")),
    ("0.5", ("67001.3", "67001.25", "67001.75", "0.2", "67001.5")),
    ("5", ("67", "67.5", "62.5", "2.5", "2.4", "150000")),
    ("1", ("0.4", "0.5", "28300.7", "28300")),
    ("10", ("123", "125", "4.9", "120")),
    ("0.05", ("3456.78", "3456.775", "0.024", "0.025", "3456.75")),
    ("0.005", ("7.1234", "7.1225", "0.0025", "7.125")),
    ("0.0005", ("0.0058", "0.00575", "0.00024", "0.006")),
    ("0.0002", ("1.23456", "1.2345", "0.0001", "1.2346")),
    ("0.00005", ("0.123456", "0.123475", "0.00002", "0.12345")),
    ("0.0001", ("0.00437", "0.00435", "0.00003")),
    ("0.000000001", ("0.0000123456", "0.0000123455", "0.0000000004")),
    ("0.00000000001", ("0.0000002345678", "0.000000000004")),
    ("0.000000000001", ("0.0000000012345678", "0.0000000000004", "0.0000000000005", "1")),
    ("0.3", ("1", "0.45", "0.9", "100000000000000000000.1")),
    ("4.7619", ("100", "9.5238", "0.1")),
    ("25", ("12.5", "37.4", "4200")),
)

CM_OPTION = ({"min": "0", "max": "0.005", "tick": "0.0001"}, {"min": "0.005", "max": "10000000", "tick": "0.0005"})
UM_OPTION = ({"min": "0", "max": "5", "tick": "1"}, {"min": "0.005", "max": "150000", "tick": "5"})
THREE = (
    {"min": "0", "max": "1", "tick": "0.01"},
    {"min": "1", "max": "10", "tick": "0.3"},
    {"min": "10", "max": "", "tick": "2"},
)
REVERSED = tuple(reversed(THREE))
BAND_SETS: tuple[tuple[tuple[dict[str, str], ...], tuple[str, ...]], ...] = (
    (
        CM_OPTION,
        (
            "0.00437",
            "0.0049",
            "0.00495",
            "0.00499",
            "0.005",
            "0.0058",
            "0.00525",
            "0.00575",
            "0.00001",
            "12345678.1234",
        ),
    ),
    (UM_OPTION, ("0.004", "4", "4.2", "4.5", "4.999", "5", "6", "7.5", "149999", "150001", "152500", "0.5")),
    (THREE, ("0.994", "0.995", "0.999", "1", "1.1", "1.15", "1.2", "9.95", "9.9", "9.98", "10", "11", "10.5", "0.004")),
    (REVERSED, ("0.999", "1.15", "9.98", "11")),
)
LONG = (
    ("0.1", "12345678901234567890123456789012345.678"),
    ("0.000000000001", "9999999999999999999999.9999999999995"),
    ("0.5", "170141183460469231731687303715884105727.26"),
    ("1", "0.99999999999999999999999999999999999999"),
    ("0.01", "57693.044376796888536773622035980224609375"),
    ("0.1", "0.1000000000000000055511151231257827021181583404541015625"),
)
WRITTEN = (("0.00001", "1e-5"), ("0.00000001", "1.5E-8"), ("100", "1E+3"), ("0.1", "6.70013e4"), ("1e-12", "2E-12"))


def vectors() -> list[dict[str, Any]]:
    out = list(_prices())
    out += _sizes()
    out += _rejected()
    out += _walked_prices()
    out += _walked_sizes()
    return out


def _tick_flags(tick: str) -> list[str]:
    flags = ["tick"]
    flags += ["awkward-tick"] if tick.strip("0.") != "1" else []
    flags += ["integer-tick"] if Fraction(tick) >= 1 else []
    flags += ["tiny-tick"] if Fraction(tick) <= Fraction(1, 10**9) else []
    return flags


def _bands(rows: Sequence[dict[str, str]]) -> list[FractionBand]:
    return [(Fraction(row["max"]) if row["max"] else None, Fraction(row["tick"])) for row in rows]


def _price(
    price: str, grid: dict[str, Any], bands: list[FractionBand], flags: list[str], comment: str
) -> Iterator[dict[str, Any]]:
    value = Fraction(price)
    below, above = grid_below(value, bands), grid_above(value, bands)
    marks = list(flags)
    if on_grid(value, bands):
        marks.append("on-grid")
    elif value - below == above - value:
        marks.append("tie")
    for mode, side in (("down", "buy"), ("up", "buy"), ("nearest", "sell"), ("passive", "buy"), ("passive", "sell")):
        result = rounded(value, bands, mode, side)
        yield {
            "op": "round_price",
            "flags": marks + (["zero"] if result == 0 else []),
            "valid": True,
            "comment": f"{comment} {mode} for a {side}.".strip(),
            "input": {"price": price, "side": side, "mode": mode, **grid},
            "expect": {"price": plain(result)},
        }


def _prices() -> Iterator[dict[str, Any]]:
    for tick, prices in TICKS:
        for price in prices:
            yield from _price(price, {"tick": tick}, [(None, Fraction(tick))], _tick_flags(tick), f"Tick {tick}:")
    for rows, prices in BAND_SETS:
        bands = _bands(rows)
        edges = [high for high, _ in bands if high is not None]
        for price in prices:
            value = Fraction(price)
            span = (grid_below(value, bands), grid_above(value, bands))
            near = any(span[0] <= edge <= span[1] or value == edge for edge in edges)
            flags = ["bands", *(["band-boundary"] if near else [])]
            yield from _price(price, {"bands": [dict(row) for row in rows]}, bands, flags, "Bands:")
    for tick, price in LONG:
        yield from _price(price, {"tick": tick}, [(None, Fraction(tick))], ["tick", "many-digits"], f"Tick {tick}:")
    for tick, price in WRITTEN:
        yield from _price(price, {"tick": tick}, [(None, Fraction(tick))], ["tick", "exponent-input"], f"Tick {tick}:")
    for tick, price in (("0.1", "67001.3000"), ("0.0001", "1.00000"), ("0.5", "000.50")):
        yield from _price(price, {"tick": tick}, [(None, Fraction(tick))], ["tick", "trailing-zeros"], f"Tick {tick}:")
    for tick, price in (("0.1", "-0.26"), ("5", "-7"), ("0.5", "-0.25")):
        yield from _price(price, {"tick": tick}, [(None, Fraction(tick))], ["tick", "negative"], f"Tick {tick}:")


# (lot, minimum, sizes) of listed instruments.
LOTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("0.00000001", "0.00001", ("0.123456789", "0.00001", "0.000009999", "1e-5", "9999999999.000000019")),
    ("0.01", "0.01", ("0.37", "0.379", "0.009", "0.01", "34000", "1.049427")),
    ("0.1", "0.1", ("0.19", "0.1", "0.0999", "100")),
    ("1", "1", ("1.999", "0.999", "1", "7")),
    ("1", "1000000000", ("999999999.9", "1000000000", "1000000000.7", "1234567890")),
    ("0.1", "0.01", ("0.05", "0.1", "0.15", "0.01", "0.0999", "12.34")),
    ("0.000000001", "0.0001", ("0.0001234567891", "0.00009999")),
    ("5", "12", ("12", "14.9", "15", "19", "4")),
    ("0.3", "1", ("1", "1.2", "1.1", "0.9", "100000000000000000000.05")),
    ("0.01", "", ("0.019", "0.009", "0", "5")),
    ("0.01", "0", ("0.009", "0.01")),
)


def _sizes() -> Iterator[dict[str, Any]]:
    for lot, minimum, sizes in LOTS:
        for size in sizes:
            yield _size(size, lot, minimum, rounded_size(Fraction(size), Fraction(lot), Fraction(minimum or "0")))


def _size(size: str, lot: str, minimum: str, result: Fraction | None) -> dict[str, Any]:
    flags = ["size"] + (["under-minimum"] if result is None else [])
    if minimum and (Fraction(minimum) / Fraction(lot)).denominator != 1:
        flags.append("minimum-off-lot")
    flags += ["exponent-input"] if "e" in size else []
    return {
        "op": "round_size",
        "flags": flags,
        "valid": True,
        "comment": f"Lot {lot}, minimum {minimum or 'absent'}.",
        "input": {"size": size, "lot": lot, "min": minimum},
        "expect": {"size": None if result is None else plain(result)},
    }


def _walked_prices() -> Iterator[dict[str, Any]]:
    for tick, price in rounding_walks.prices():
        flags = _tick_flags(tick)
        for vector in _price(price, {"tick": tick}, [(None, Fraction(tick))], flags, f"Tick {tick}:"):
            given = vector["input"]
            mode = {"buy": "down", "sell": "up"}[given["side"]] if given["mode"] == "passive" else given["mode"]
            if rounding_walks.by_doubles(price, tick, mode) != vector["expect"]["price"]:
                vector["flags"].append("binary-float")
            yield vector
    for index, price in rounding_walks.band_prices():
        rows = rounding_walks.BANDS[index]
        grid = {"bands": [dict(row) for row in rows]}
        yield from _price(price, grid, _bands(rows), ["bands", "band-boundary"], "Bands:")


def _walked_sizes() -> Iterator[dict[str, Any]]:
    for lot, minimum, size in rounding_walks.sizes():
        result = rounded_size(Fraction(size), Fraction(lot), Fraction(minimum))
        vector = _size(size, lot, minimum, result)
        if result is not None and rounding_walks.by_doubles(size, lot, "down") != plain(result):
            vector["flags"].append("binary-float")
        yield vector


def _rejected() -> Iterator[dict[str, Any]]:
    for text in (
        "",
        " ",
        "NaN",
        "Infinity",
        "-inf",
        "1_000",
        "1,000.5",
        "1,5",
        " 1",
        "1 ",
        "１２",
        "0x10",
        "1e",
        "e5",
        ".",
        "--1",
        "1.2.3",
    ):
        yield {
            "op": "round_price",
            "flags": ["rejected"],
            "valid": False,
            "cause": "precision.number-format",
            "comment": f"{text!r} is no decimal number.",
            "input": {"price": text, "side": "buy", "mode": "down", "tick": "0.1"},
            "expect": None,
        }
        yield {
            "op": "round_size",
            "flags": ["rejected", "size"],
            "valid": False,
            "cause": "precision.number-format",
            "comment": f"{text!r} is no decimal number.",
            "input": {"size": text, "lot": "0.1", "min": "0.1"},
            "expect": None,
        }
    for tick in ("0", "-0.1"):
        yield {
            "op": "round_price",
            "flags": ["rejected"],
            "valid": False,
            "cause": "precision.number-format",
            "comment": f"A tick of {tick} makes no grid.",
            "input": {"price": "1", "side": "buy", "mode": "down", "tick": tick},
            "expect": None,
        }
