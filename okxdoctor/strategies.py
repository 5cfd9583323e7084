"""Hypothesis strategies for code that talks to OKX, aimed at what is known to break.

    from hypothesis import given
    from okxdoctor import strategies as okx

    @given(okx.instruments(), okx.prices())
    def test_my_rounding(instrument, price): ...

Values have the documented shapes: numbers are texts, absent is "", times are epoch milliseconds as text. Everything
shrinks to something short and ordinary. What the conformance harness asks is put together from these.

A strategy without arguments is made once: Hypothesis examines each one that it has not met, which costs more than
drawing from it. What it gives is made for each example, so that nobody who changes a value in place changes the next.

Source of the traps: failures reported for public clients, and recorded answers; nothing here speaks of how likely an
input is.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

__all__ = [
    "bands",
    "book_updates",
    "envelopes",
    "epochs_ms",
    "header_timestamps",
    "instruments",
    "json_bodies",
    "lots",
    "off_grid",
    "on_grid",
    "order_payloads",
    "param_texts",
    "params",
    "prices",
    "ticks",
]

Json = dict[str, Any]


# ---- numbers -----------------------------------------------------------------------------------------------


def _text(units: int, places: int) -> str:
    digits = str(abs(units)).rjust(places + 1, "0")
    text = f"{digits[: len(digits) - places]}.{digits[len(digits) - places :]}" if places else digits
    text = text.rstrip("0").rstrip(".") if places else text
    return f"-{text}" if units < 0 else text


_LEADS = (1, 5, 2, 25, 47619)


@cache
def ticks() -> SearchStrategy[str]:
    """A tick: powers of ten as in production, and 0.5, 0.2, 5, 25, 4.7619 … as in options, demo and history."""
    return st.builds(_text, st.sampled_from((1, 1, 1, 5, 2, 25, 50, 10)), st.integers(0, 12))


@cache
def lots() -> SearchStrategy[str]:
    """A lot or contract value."""
    return st.builds(_text, st.sampled_from((1, 1, 1, 5, 25, 10, 47619)), st.integers(0, 9))


# Where in a step a number stands, in thousandths; the ends and the middle are where rounding goes wrong.
_WITHIN = st.sampled_from((0, 500)) | st.sampled_from((1, 999, 499, 501, 250)) | st.integers(0, 999)


def between(step: str, count: int, within: int) -> str:
    """`count` steps and `within` thousandths of one more."""
    value = Fraction(step) * (count * 1000 + within) / 1000
    places = len(step.partition(".")[2]) + 3
    return _text(int(value * 10**places), places)


@cache
def _counts() -> SearchStrategy[int]:
    return st.integers(0, 100) | st.integers(0, 10**7) | st.integers(0, 10**14)


def on_grid(step: str) -> SearchStrategy[str]:
    """A number on the grid of ``step``."""
    return st.builds(between, st.just(step), _counts(), st.just(0))


def off_grid(step: str) -> SearchStrategy[str]:
    """A number between two multiples of ``step``."""
    return st.builds(between, st.just(step), _counts(), _WITHIN.filter(bool))


@lru_cache(256)
def prices(step: str | None = None) -> SearchStrategy[str]:
    """A price above or at zero, on the grid of ``step`` or off it; without ``step`` on or off any grid."""
    if step is None:
        return ticks().flatmap(prices)
    return st.builds(between, st.just(step), _counts(), _WITHIN)


_SHAPES = ((1, 5), (1, 10), (5, 1), (1, 2), (2, 5))


@st.composite
def bands(draw: st.DrawFn) -> list[dict[str, str]]:
    """Tick bands as `instrument-tick-bands` lists them: two or three, `max` exclusive, the last one open or as good as.

    A bound is not always a multiple of the ticks beside it, and a listed lower bound may be wrong: both were recorded.
    """
    places = draw(st.integers(0, 8))
    low, high = draw(st.sampled_from(_SHAPES))
    steps = [low, high, high * 5][: draw(st.integers(2, 3))]
    rows: list[dict[str, str]] = []
    floor_units = 0
    for index, step in enumerate(steps):
        top = floor_units + step * draw(st.integers(2, 60)) + draw(st.sampled_from((0, 0, 0, 1)))
        last = index == len(steps) - 1
        wrong = draw(st.sampled_from((False, False, False, True)))
        rows.append(
            {
                "min": "0" if index == 0 else _text(1 if wrong else floor_units, places),
                "max": draw(st.sampled_from(("", _text(top * 1000, places)))) if last else _text(top, places),
                "tick": _text(step, places),
            }
        )
        floor_units = top
    return rows


@st.composite
def band_prices(draw: st.DrawFn, rows: list[dict[str, str]]) -> str:
    """A price around the bounds of the bands, or anywhere."""
    tick = rows[0]["tick"]
    bound = draw(st.sampled_from([row["max"] for row in rows[:-1]]))
    base = int(Fraction(bound) / Fraction(tick))
    count = draw(st.integers(max(0, base - 3), base + 12) | st.integers(0, base * 3 + 10))
    return between(tick, count, draw(_WITHIN))


@st.composite
def instruments(draw: st.DrawFn) -> Json:
    """The fields of an instrument that orders depend on. OPTION has ``bands``; SPOT has no contract value ("")."""
    kind = draw(st.sampled_from(("SWAP", "SPOT", "FUTURES", "OPTION", "EVENTS")))
    names = {
        "SWAP": "BTC-USDT-SWAP",
        "SPOT": "BTC-USDT",
        "FUTURES": "BTC-USD-261225",
        "OPTION": "BTC-USD-261225-60000-C",
        "EVENTS": "BTC-ABOVE-DAILY-261225-1600-120000",
    }
    lot = draw(lots())
    # Of event contracts the minimum is no multiple of the lot.
    least = between(lot, 0, 100) if kind == "EVENTS" else between(lot, draw(st.sampled_from((1, 1, 10, 1000))), 0)
    made: Json = {
        "instType": kind,
        "instId": names[kind],
        "tickSz": draw(ticks()),
        "lotSz": lot,
        "minSz": least,
        "ctVal": "" if kind == "SPOT" else draw(st.sampled_from(("0.01", "100", "1", "0.1", "10000000", "4.7619"))),
        "state": draw(st.sampled_from(("live", "live", "live", "suspend", "preopen"))),
    }
    if kind == "OPTION":
        made["bands"] = draw(bands())
        made["tickSz"] = made["bands"][0]["tick"]
    return made


# ---- requests ----------------------------------------------------------------------------------------------

_TRAPS = " ,+&=%#/?'\"[]:;@!$*()~|<>{}^`\\-._\t\n\x00\x7f"
_BEYOND_ASCII = "éßжع中🚀 \u2028\u200d"
_ORDINARY = ("BTC", "BTC-USDT", "BTC,ETH", "1", "0.1", "limit", "live")
_LOOKS_LIKE = (
    "null",
    "None",
    "true",
    "0.00000001",
    "1e-8",
    "12345678901234567890",
    "007",
    "%2C",
    "a%20b",
    "../a",
    "//",
)
"""Texts that a program may take for something else, and that must arrive as they are."""


@cache
def param_texts() -> SearchStrategy[str]:
    """The text of a parameter: ordinary ones, and any mix of the characters that encodings treat differently."""
    characters = st.sampled_from(f"aB1{_TRAPS}{_BEYOND_ASCII}")
    one_trap = st.sampled_from(f"{_TRAPS}{_BEYOND_ASCII}").map(lambda character: f"a{character}b")
    return st.sampled_from((*_ORDINARY, "", *_LOOKS_LIKE)) | one_trap | st.text(characters, max_size=6)


@cache
def params() -> SearchStrategy[list[list[Any]] | None]:
    """Query parameters in order: repeated names, empty, null and boolean values and lists of texts among them; or None.

    The texts of a list are not empty and hold no comma, and there is one at least: joined by commas, as OKX documents
    lists, they could not be told apart otherwise.
    """
    names = st.sampled_from(("ccy", "instId", "after", "limit", "Before", "uly", "ids[]", "x y", "from", "10", "9"))
    items = st.sampled_from(("BTC", "ETH", "USDT")) | param_texts().filter(lambda text: text != "" and "," not in text)
    usual = st.sampled_from((None, True, False, None, True, False, ("BTC", "ETH")))
    other = usual.map(lambda value: [*value] if isinstance(value, tuple) else value) | st.lists(
        items, min_size=1, max_size=3
    )
    value = param_texts() | param_texts() | param_texts() | other
    return st.none() | st.lists(st.tuples(names, value).map(list), max_size=5)


_NUMBERS = ("1", "0", "-1", "0.1", "1e-8", "0.00000001", "1E-08", "1e22", "0.30000000000000004", "1.10", "-0", "100")


_OPTIONAL: dict[str, SearchStrategy[Any]] = {
    "clOrdId": st.text("abcXYZ019", min_size=1, max_size=32),
    "tag": st.text("aZ09", max_size=16),
    "posSide": st.sampled_from(("long", "short", "net")),
    "reduceOnly": st.booleans(),
    "tgtCcy": st.sampled_from(("base_ccy", "quote_ccy", "")),
    "attachAlgoOrds": st.builds(lambda: [{"tpTriggerPx": "70000", "tpOrdPx": "-1"}]),
}
_CHOSEN = st.lists(st.sampled_from(sorted(_OPTIONAL)), unique=True, max_size=4)


@st.composite
def order_payloads(draw: st.DrawFn) -> Json:
    """The body of an order with the texts that OKX wants; every optional member may be missing."""
    made: Json = {
        "instId": draw(st.sampled_from(("BTC-USDT", "BTC-USDT-SWAP", "ETH-USD-261225"))),
        "tdMode": draw(st.sampled_from(("cash", "cross", "isolated"))),
        "side": draw(st.sampled_from(("buy", "sell"))),
        "ordType": draw(st.sampled_from(("limit", "market", "post_only", "ioc"))),
        "sz": draw(prices("0.01")),
    }
    if made["ordType"] != "market":
        made["px"] = draw(prices("0.1"))
    for name in draw(_CHOSEN):
        made[name] = draw(_OPTIONAL[name])
    return made


@st.composite
def json_bodies(draw: st.DrawFn) -> str:
    """The body of a request as JSON text: orders and small objects, with numbers, nulls, non-ASCII, odd spacing.

    Numbers are such that a double holds them: languages without other numbers can repeat them.
    """
    if draw(st.booleans()):
        value: Any = draw(_orders())
        value = [value] if draw(st.sampled_from((False, False, True))) else value
    else:
        value = draw(_objects())
    separators = draw(st.sampled_from(((",", ":"), (", ", ": "), (",\n ", " : "))))
    ascii_only = draw(st.booleans())
    return _dump(value, separators, ascii_only)


@cache
def _orders() -> SearchStrategy[Json]:
    return order_payloads()


@cache
def _objects() -> SearchStrategy[Json]:
    members = param_texts() | st.none() | st.booleans() | st.sampled_from(_NUMBERS).map(_Raw)
    nested = members | st.lists(members, max_size=2)
    names = st.sampled_from(("tag", "b", "a", "sz", "é", "x/y", "from", "10", "9", "constructor"))
    return st.dictionaries(names, nested, max_size=3)


class _Raw(str):
    """A number in the spelling it shall have."""

    __slots__ = ()


def _dump(value: Any, separators: tuple[str, str], ascii_only: bool) -> str:
    if isinstance(value, _Raw):
        return str(value)
    if isinstance(value, dict):
        members = (
            f"{json.dumps(name, ensure_ascii=ascii_only)}{separators[1]}{_dump(item, separators, ascii_only)}"
            for name, item in value.items()
        )
        return "{" + separators[0].join(members) + "}"
    if isinstance(value, list):
        return "[" + separators[0].join(_dump(item, separators, ascii_only) for item in value) + "]"
    return json.dumps(value, ensure_ascii=ascii_only)


# ---- times -------------------------------------------------------------------------------------------------

_MOMENTS = tuple(
    int(datetime(*parts).replace(tzinfo=UTC).timestamp()) * 1000
    for parts in ((2026, 1, 1), (2024, 2, 29, 12), (2038, 1, 19, 3, 14, 8), (2001, 9, 9, 1, 46, 40), (2026, 3, 29, 1))
)


@cache
def epochs_ms() -> SearchStrategy[int]:
    """A moment in epoch milliseconds: beside the turn of years, leap days, clock changes and number widths, with
    milliseconds that lose their zeros (.007, .070, .700, .000)."""
    ms = st.sampled_from((0, 7, 70, 700, 999, 1, 10, 100)) | st.integers(0, 999)
    beside = st.builds(
        lambda moment, s, rest: moment + s * 1000 + rest, st.sampled_from(_MOMENTS), st.integers(-2, 2), ms
    )
    anywhere = st.integers(1_500_000_000_000, 2_000_000_000_000)
    return beside | anywhere | st.sampled_from((0, 1, 999, 1000, 253_402_300_799_999))


@cache
def header_timestamps() -> SearchStrategy[str]:
    """OK-ACCESS-TIMESTAMP of a moment in this century."""
    ms = epochs_ms().filter(lambda moment: 1_000_000_000_000 <= moment < 4_102_444_800_000)
    return ms.map(_iso)


def _iso(ms: int) -> str:
    moment = datetime(1970, 1, 1) + timedelta(milliseconds=ms)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


# ---- answers -----------------------------------------------------------------------------------------------

_CODES = ("51008", "50011", "51121", "50061", "51000", "50013", "51400", "50004")
_REFUSALS = ("50113", "50102", "50011", "51001", "50001", "50013", "50061", "50004", "50110", "51000")


@st.composite
def envelopes(draw: st.DrawFn) -> str:
    """The body of an answer: items with codes of their own under 0, 1 and 2; refusals without data; plain data."""
    shape = draw(st.sampled_from(("items", "items", "refusal", "data")))
    if shape == "refusal":
        made: Json = {"msg": draw(st.sampled_from(("refused", ""))), "code": draw(st.sampled_from(_REFUSALS))}
        if draw(st.booleans()):
            made["data"] = []
    elif shape == "data":
        rows = st.fixed_dictionaries({"px": st.sampled_from(("1", "", "-57693.0443767968885")), "ts": st.just("1")})
        odd: tuple[Any, ...] = ({}, None, "", [[]], [None])
        data: SearchStrategy[Any] = st.lists(rows, max_size=2) | st.sampled_from(odd)
        made = {"code": draw(st.sampled_from(("0", "0", 0))), "msg": "", "data": draw(data)}
    else:
        code = draw(st.sampled_from(("0", "1", "2")))
        item = st.fixed_dictionaries(
            {
                "ordId": st.just(""),
                "sCode": st.sampled_from(("0", "0", "", *_CODES)),
                "sMsg": st.sampled_from(("", "why")),
            }
        )
        made = {"code": code, "msg": "", "data": draw(st.lists(item, min_size=1, max_size=3))}
        if draw(st.booleans()):
            made |= {"inTime": "1748617662056837", "outTime": "1748617662058171"}
    names = draw(st.permutations(sorted(made)))
    return json.dumps({name: made[name] for name in names}, separators=(",", ":"))


@st.composite
def book_updates(draw: st.DrawFn, *, gap: bool = False) -> list[Json]:
    """Messages of an order book channel: a snapshot, then updates whose `prevSeqId` is the `seqId` before.

    Keep-alives (equal ids, empty sides) and a reset (a `seqId` under its `prevSeqId`) occur, both are no fault. With
    ``gap`` one update is missing, and never the last one, so that it can be noticed. The checksum is 0, as OKX sends
    it since 2026.
    """
    seq = draw(st.integers(1, 1_000_000))
    messages = [_book("snapshot", -1, seq, draw(_sides(1)))]
    for _ in range(draw(st.integers(4 if gap else 0, 12))):
        kind = draw(st.sampled_from(("step", "step", "step", "keep-alive", "reset")))
        if kind == "keep-alive":
            messages.append(_book("update", seq, seq, ([], [])))
            continue
        following = seq + draw(st.integers(1, 20)) if kind == "step" else draw(st.integers(0, max(0, seq - 1)))
        messages.append(_book("update", seq, following, draw(_sides(0))))
        seq = following
    if gap:
        while len(messages) < 4 or all(
            one["data"][0]["prevSeqId"] == one["data"][0]["seqId"] for one in messages[1:-1]
        ):
            messages.append(_book("update", seq, seq + 1, ([], [["1", "1", "0", "1"]])))
            seq += 1
        steps = [
            place
            for place, one in enumerate(messages[1:-1], 1)
            if one["data"][0]["prevSeqId"] != one["data"][0]["seqId"]
        ]
        del messages[draw(st.sampled_from(steps))]
    return messages


def _book(action: str, previous: int, seq: int, sides: tuple[list[Any], list[Any]]) -> Json:
    asks, bids = sides
    row = {"asks": asks, "bids": bids, "ts": "1767225600000", "checksum": 0, "prevSeqId": previous, "seqId": seq}
    return {"arg": {"channel": "books", "instId": "BTC-USDT"}, "action": action, "data": [row]}


@st.composite
def _sides(draw: st.DrawFn, least: int) -> tuple[list[list[str]], list[list[str]]]:
    def rows(low: int, high: int) -> list[list[str]]:
        levels = draw(st.lists(st.integers(low, high), min_size=least, max_size=3, unique=True))
        return [
            [_text(level, 1), draw(st.sampled_from(("0", "1", "0.5"))) if not least else "1", "0", "1"]
            for level in levels
        ]

    return sorted(rows(1001, 1010), key=lambda row: float(row[0])), sorted(
        rows(990, 1000), key=lambda row: -float(row[0])
    )
