"""REST handlers of trading statistics (rubik): open interest, volumes by takers, ratios of longs to shorts.

Volumes are those of the candles, divided between buyers and sellers; open interest is what public/open-interest
tells. How many accounts are long is nobody's account here: those ratios are seeded (assumed) and move within the
bounds that are usual. Rows are arrays of texts, newest first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import takewhile

from . import seeded
from .accounts import ZERO
from .decimals import EXACT, plain
from .instruments import Instrument
from .market import SLOT_MS, coin_of
from .paging import limit_of, number_of
from .protocol import Json, Reply, bad_parameter, encode
from .rest import Call
from .rest_candles import MONTHS, Span, spans
from .rest_market import BARS, candle_row
from .rest_public import interest_row

_FINE = Decimal("1e-8")
_RATIO = Decimal("1e-4")

_BY_COIN = {"5m": 2 * 86_400_000, "1H": 30 * 86_400_000, "1D": 180 * 86_400_000}
"""Periods of what is told by currency, and how far back each goes."""

_CONTRACTS = ("SWAP",)
"""What is summed up for a currency: perpetual contracts alone (assumed), which are nearly all of it."""

_EIGHT_HOURS = 8 * 3_600_000 // SLOT_MS
_OPTION_ROWS = 72
"""Rows of each period of options (documented)."""

_BY_INSTRUMENT = frozenset({*BARS, *MONTHS}) - {"1s", "1m", "3m"}
_MOST = 720
"""Rows of a list by currency, which has no pages: 30 days of hours are the longest."""


def support_coin(call: Call) -> Reply:
    """GET rubik/stat/trading-data/support-coin; ``data`` is an object."""

    def coins(*kinds: str) -> list[Json]:
        found = {coin_of(inst) for kind in kinds for inst in call.venue.of_type(kind) if inst.trades}
        return [*sorted(found)]

    data = {"contract": coins("SWAP", "FUTURES"), "option": coins("OPTION"), "spot": coins("SPOT")}
    return Reply(status=200, body=encode({"code": "0", "data": data, "msg": ""}))


def _spans(call: Call, name: str) -> Iterator[Span]:
    """Periods from the one that is under way back to ``begin``, the newest not after ``end``."""
    begin, end = number_of(call, "begin"), number_of(call, "end")
    slot = call.now_ms // SLOT_MS
    newest = slot if end is None else min(slot, end // SLOT_MS)
    return takewhile(lambda span: begin is None or span[0] * SLOT_MS >= begin, spans(name, newest))


def _coin(call: Call) -> tuple[str, Iterator[Span]]:
    """The currency that is asked for, and its periods as far back as they are kept."""
    ccy, name = call.need("ccy"), call.params.get("period", "5m")
    if name not in _BY_COIN:
        raise bad_parameter("period")
    if not any(coin_of(inst) == ccy for inst in call.venue.instruments.values()):
        raise bad_parameter("ccy")
    oldest = call.now_ms - _BY_COIN[name]
    kept = takewhile(lambda span: span[0] * SLOT_MS >= oldest, _spans(call, name))
    return ccy, (span for _, span in zip(range(_MOST), kept, strict=False))


def _instrument(call: Call) -> tuple[Instrument, list[Span]]:
    """The contract that is asked for, and one page of its periods."""
    inst, name = call.venue.instrument(call.need("instId")), call.params.get("period", "5m")
    if inst.type not in ("SWAP", "FUTURES"):
        raise bad_parameter("instId")
    if name not in _BY_INSTRUMENT:
        raise bad_parameter("period")
    if not inst.trades:
        return inst, []
    return inst, [span for _, span in zip(range(limit_of(call)), _spans(call, name), strict=False)]


def _listed(rows: list[list[str]]) -> Reply:
    return Reply(status=200, body=encode({"code": "0", "data": rows, "msg": ""}))


def _ts(span: Span) -> str:
    return str(span[0] * SLOT_MS)


def interest_history(call: Call) -> Reply:
    """GET rubik/stat/contracts/open-interest-history: ts, contracts, coins, USD at the end of each period."""
    inst, found = _instrument(call)
    rows: list[list[str]] = []
    for span in found:
        row = interest_row(call.venue, inst, min(span[1] * SLOT_MS, call.now_ms))
        assert isinstance(row, dict)
        rows.append([_ts(span), *(str(row[name]) for name in ("oi", "oiCcy", "oiUsd"))])
    return _listed(rows)


def _sold(call: Call, inst: Instrument, span: Span, volume: Decimal) -> tuple[Decimal, Decimal]:
    """``volume`` of a period as takers sold and bought it."""
    share = Decimal(seeded.number(call.venue.seed, "taker", inst.id, *span) % 2_000 + 4_000).scaleb(-4)
    sold = EXACT.multiply(volume, share).quantize(_FINE, context=EXACT)
    return sold, volume - sold


def taker_volume_contract(call: Call) -> Reply:
    """GET rubik/stat/taker-volume-contract: ts, sold, bought; unit 0 coins, 1 contracts, 2 quote currency."""
    unit = call.params.get("unit", "1")
    if unit not in ("0", "1", "2"):
        raise bad_parameter("unit")
    inst, found = _instrument(call)
    column, rows = {"1": 5, "0": 6, "2": 7}[unit], []
    for span in found:
        candle = candle_row(call.venue, inst, span[0], span[1] - span[0], call.now_ms // SLOT_MS)
        sold, bought = _sold(call, inst, span, Decimal(str(candle[column])))
        rows.append([_ts(span), plain(sold), plain(bought)])
    return _listed(rows)


def _volume(call: Call, inst: Instrument, span: Span, column: int) -> Decimal:
    return Decimal(str(candle_row(call.venue, inst, span[0], span[1] - span[0], call.now_ms // SLOT_MS)[column]))


def _of_coin(call: Call, ccy: str, kinds: tuple[str, ...]) -> list[Instrument]:
    return [inst for kind in kinds for inst in call.venue.of_type(kind) if inst.trades and coin_of(inst) == ccy]


def taker_volume(call: Call) -> Reply:
    """GET rubik/stat/taker-volume: ts, sold, bought of a currency, in spot markets or contracts."""
    kind = call.need("instType")
    if kind not in ("SPOT", "CONTRACTS"):
        raise bad_parameter("instType")
    ccy, found = _coin(call)
    markets, column = (
        _of_coin(call, ccy, ("SPOT",) if kind == "SPOT" else _CONTRACTS),
        5 if kind == "SPOT" else 6,
    )
    rows: list[list[str]] = []
    for span in found:
        parts = [_sold(call, inst, span, _volume(call, inst, span, column)) for inst in markets]
        sold, bought = (plain(sum((part[k] for part in parts), ZERO)) for k in (0, 1))
        rows.append([_ts(span), sold, bought])
    return _listed(rows)


def interest_volume(call: Call) -> Reply:
    """GET rubik/stat/contracts/open-interest-volume: ts, open interest and volume of a currency's contracts in USD."""
    ccy, found = _coin(call)
    markets, rows = _of_coin(call, ccy, _CONTRACTS), list[list[str]]()
    for span in found:
        at = min(span[1] * SLOT_MS, call.now_ms)
        interest = volume = ZERO
        for inst in markets:
            row = interest_row(call.venue, inst, at)
            assert isinstance(row, dict)
            interest += Decimal(str(row["oiUsd"]))
            volume += _volume(call, inst, span, 7)
        rows.append([_ts(span), plain(interest.quantize(_FINE)), plain(volume.quantize(_FINE))])
    return _listed(rows)


def _eight_hours(slot: int) -> Iterator[Span]:
    """Thirds of a day from the one that is under way back."""
    start = slot // _EIGHT_HOURS * _EIGHT_HOURS
    while start > 0:
        yield start, start + _EIGHT_HOURS
        start -= _EIGHT_HOURS


def _of_options(call: Call) -> Iterator[tuple[Span, dict[str, tuple[Decimal, Decimal]]]]:
    """Periods of a currency's options, newest first: open interest and volume of calls (C) and puts (P), in coins."""
    ccy, name = call.need("ccy"), call.params.get("period", "8H")
    if name not in ("8H", "1D"):
        raise bad_parameter("period")
    markets = _of_coin(call, ccy, ("OPTION",))
    if not markets:
        raise bad_parameter("ccy")
    slot = call.now_ms // SLOT_MS
    found = spans(name, slot) if name == "1D" else _eight_hours(slot)
    for _, span in zip(range(_OPTION_ROWS), found, strict=False):
        told = {"C": (ZERO, ZERO), "P": (ZERO, ZERO)}
        for inst in markets:
            row = interest_row(call.venue, inst, min(span[1] * SLOT_MS, call.now_ms))
            assert isinstance(row, dict)
            interest, volume = told[inst.listing.option_type]
            told[inst.listing.option_type] = (
                interest + Decimal(str(row["oiCcy"])),
                volume + _volume(call, inst, span, 6),
            )
        yield span, told


def option_interest(call: Call) -> Reply:
    """GET rubik/stat/option/open-interest-volume: ts, open interest and volume of a currency's options in coins."""
    rows = [
        [_ts(span), *(plain((told["C"][k] + told["P"][k]).quantize(_RATIO)) for k in (0, 1))]
        for span, told in _of_options(call)
    ]
    return _listed(rows)


def option_ratio(call: Call) -> Reply:
    """GET rubik/stat/option/open-interest-volume-ratio: ts, calls to puts of the open interest and of the volume."""
    rows = [
        [_ts(span), *(plain(EXACT.divide(told["C"][k], told["P"][k]).quantize(_RATIO)) for k in (0, 1))]
        for span, told in _of_options(call)
    ]
    return _listed(rows)


def _ratio(call: Call, what: str, name: str, span: Span, low: int, high: int) -> str:
    """A figure between ``low`` and ``high`` ten-thousandths that belongs to a period."""
    found = seeded.number(call.venue.seed, "ratio", what, name, *span) % (high - low) + low
    return plain((Decimal(found) / 10_000).quantize(_RATIO))


def _by_instrument(what: str) -> Callable[[Call], Reply]:
    def handler(call: Call) -> Reply:
        inst, found = _instrument(call)
        return _listed([[_ts(span), _ratio(call, what, inst.id, span, 6_000, 24_000)] for span in found])

    return handler


def _by_coin(what: str, low: int, high: int) -> Callable[[Call], Reply]:
    def handler(call: Call) -> Reply:
        ccy, found = _coin(call)
        return _listed([[_ts(span), _ratio(call, what, ccy, span, low, high)] for span in found])

    return handler


_STAT = "/api/v5/rubik/stat"
TABLE = (
    ("GET", f"{_STAT}/trading-data/support-coin", "public", "", support_coin),
    ("GET", f"{_STAT}/taker-volume", "public", "", taker_volume),
    ("GET", f"{_STAT}/taker-volume-contract", "public", "", taker_volume_contract),
    ("GET", f"{_STAT}/margin/loan-ratio", "public", "", _by_coin("loans", 10_000, 80_000)),
    ("GET", f"{_STAT}/contracts/open-interest-history", "public", "", interest_history),
    ("GET", f"{_STAT}/contracts/open-interest-volume", "public", "", interest_volume),
    ("GET", f"{_STAT}/option/open-interest-volume", "public", "", option_interest),
    ("GET", f"{_STAT}/option/open-interest-volume-ratio", "public", "", option_ratio),
    ("GET", f"{_STAT}/contracts/long-short-account-ratio", "public", "", _by_coin("accounts", 6_000, 24_000)),
    ("GET", f"{_STAT}/contracts/long-short-account-ratio-contract", "public", "", _by_instrument("accounts")),
    (
        "GET", f"{_STAT}/contracts/long-short-account-ratio-contract-top-trader", "public", "",
        _by_instrument("top-accounts"),
    ),
    (
        "GET", f"{_STAT}/contracts/long-short-position-ratio-contract-top-trader", "public", "",
        _by_instrument("top-positions"),
    ),
)  # fmt: skip
