"""Prices and sizes laid out along the grids of listed instruments: many steps, and every place within a step.

`rounding_cases` has the inputs that were thought of; here are those that nobody thinks of. Where arithmetic in binary
doubles gives another text, the vector is flagged `binary-float`: computed with doubles here, never with the code under
test.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from oracle import plain

TICKS = (
    "100", "25", "10", "5", "2", "1", "0.5", "0.25", "0.2", "0.1", "0.05", "0.02", "0.01", "0.005", "0.0025", "0.001",
    "0.0005", "0.0002", "0.0001", "0.00005", "0.00001", "0.000001", "0.0000001", "0.00000001", "0.000000001",
    "0.00000000001", "0.000000000001", "4.7619", "0.3",
)  # fmt: skip
COUNTS = (0, 1, 2, 3, 9, 10, 29, 35, 57, 101, 1009, 65_537, 9_999_999, 123_456_789, 1_000_000_000_007)
WITHIN = tuple(
    Fraction(text)
    for text in ("0", "0.5", "0.001", "0.999", "0.499", "0.501", "1/1000000000", "0.999999999", "0.25", "0.75")
)
LOTS = (
    ("0.00000001", "0.00001"), ("0.000001", "0.000001"), ("0.00001", "0.0001"), ("0.0001", "0.001"), ("0.001", "0.01"),
    ("0.01", "0.01"), ("0.1", "0.1"), ("1", "1"), ("1", "10"), ("10", "10"), ("100", "1000"), ("5", "5"), ("0.5", "1"),
    ("0.05", "0.2"), ("0.25", "0.1"), ("0.3", "1"), ("4.7619", "1"), ("1", "1000000000"), ("0.01", "1"), ("0.1", "0"),
)  # fmt: skip


def prices() -> Iterator[tuple[str, str]]:
    """(tick, price): two places within a step for each count, others for the next tick."""
    for shift, tick in enumerate(TICKS):
        for turn, count in enumerate(COUNTS):
            for within in (WITHIN[(turn + shift) % len(WITHIN)], WITHIN[(turn * 3 + shift + 1) % len(WITHIN)]):
                yield tick, plain((count + within) * Fraction(tick))


def sizes() -> Iterator[tuple[str, str, str]]:
    """(lot, minimum, size): along the lots, and around the minimum."""
    for shift, (lot, minimum) in enumerate(LOTS):
        for turn, count in enumerate(COUNTS):
            for within in (WITHIN[(turn + shift) % len(WITHIN)], WITHIN[(turn * 3 + shift + 1) % len(WITHIN)]):
                yield lot, minimum, plain((count + within) * Fraction(lot))
        for delta in ("-1", "-0.5", "-1/1000000", "0", "1/1000000", "0.5", "1"):
            size = Fraction(minimum) + Fraction(delta) * Fraction(lot)
            if size >= 0:
                yield lot, minimum, plain(size)


BANDS = (
    ({"min": "0", "max": "0.005", "tick": "0.0001"}, {"min": "0.005", "max": "10000000", "tick": "0.0005"}),
    ({"min": "0", "max": "5", "tick": "1"}, {"min": "0.005", "max": "150000", "tick": "5"}),
    (
        {"min": "0", "max": "1", "tick": "0.01"},
        {"min": "1", "max": "10", "tick": "0.3"},
        {"min": "10", "max": "", "tick": "2"},
    ),
    ({"min": "0", "max": "100", "tick": "0.1"}, {"min": "100", "max": "", "tick": "0.5"}),
    ({"min": "0", "max": "0.0105", "tick": "0.0001"}, {"min": "0.0105", "max": "", "tick": "0.0005"}),
    (
        {"min": "0", "max": "0.3", "tick": "0.1"},
        {"min": "0.3", "max": "7", "tick": "0.5"},
        {"min": "7", "max": "", "tick": "5"},
    ),
)


def band_prices() -> Iterator[tuple[int, str]]:
    """(index of the bands, price): on both sides of every boundary, by steps of either tick and between them."""
    for index, rows in enumerate(BANDS):
        for lower, upper in pairwise(rows):
            edge = Fraction(lower["max"])
            for tick in (Fraction(lower["tick"]), Fraction(upper["tick"])):
                for steps in ("-2.5", "-1.5", "-1", "-0.5", "-0.001", "0", "0.001", "0.5", "1", "1.25", "2.5"):
                    price = edge + Fraction(steps) * tick
                    if price >= 0:
                        yield index, plain(price)


def by_doubles(price: str, tick: str, mode: str) -> str:
    """What a client gets that divides, rounds and multiplies in doubles and prints the decimals of the tick."""
    count = float(price) / float(tick)
    count = {"down": math.floor, "up": math.ceil, "nearest": lambda x: math.floor(x + 0.5)}[mode](count)
    places = len(tick.partition(".")[2])
    text = f"{count * float(tick):.{places}f}"
    return text.rstrip("0").rstrip(".") if places else text
