"""REST handlers of candles: of trades, of mark prices and of indices, recent and historical.

All of them are cut out of the same path: newest first, ``after`` is older, ``before`` newer, both exclusive. A month
is a calendar month, opening at 16:00 UTC of the day before unless ``utc`` is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from .instruments import Instrument
from .market import SLOT_MS, Bar
from .paging import limit_of, number_of
from .prices import index_market, mark_ticks
from .protocol import Json, Refused, Reply, bad_parameter, failure, ok
from .rest import Call
from .rest_market import BARS, HOUR_SLOTS, candle_row
from .venue import Venue

MONTHS = {"1M": (1, 8), "3M": (3, 8), "1Mutc": (1, 0), "3Mutc": (3, 0)}
"""Calendar months and the hours by which they open before midnight UTC."""

Span = tuple[int, int]
"""First slot of a bar and first slot after it."""


def spans(name: str, slot: int) -> Iterator[Span]:
    """The bars called ``name``, from the one that ``slot`` is in back to 1970."""
    if name in MONTHS:
        yield from _months(*MONTHS[name], slot)
        return
    length, offset = BARS[name]
    start = (slot - offset) // length * length + offset
    while start > 0:
        yield start, start + length
        start -= length


def _months(count: int, hours: int, slot: int) -> Iterator[Span]:
    shift = hours * HOUR_SLOTS
    at = datetime.fromtimestamp((slot + shift) * SLOT_MS // 1000, UTC)
    number = (at.year * 12 + at.month - 1) // count * count
    while number >= 1970 * 12 + count:
        start, end = (
            int(datetime(each // 12, each % 12 + 1, 1, tzinfo=UTC).timestamp()) * 1000 // SLOT_MS - shift
            for each in (number, number + count)
        )
        yield start, end
        number -= count


def _page(call: Call, make: Callable[[Span, int], Json], most: int) -> Reply:
    name, slot = call.params.get("bar", "1m"), call.now_ms // SLOT_MS
    if name not in BARS and name not in MONTHS:
        raise bad_parameter("bar")
    after, before, limit = number_of(call, "after"), number_of(call, "before"), limit_of(call, 100, most)
    newest = slot if after is None else min(slot, -(-after // SLOT_MS) - 1)
    rows: list[Json] = []
    for span in spans(name, newest):
        if len(rows) >= limit or (before is not None and span[0] * SLOT_MS <= before):
            break
        rows.append(make(span, slot))
    return ok(rows)


def candles(call: Call) -> Reply:
    """GET market/candles and history-candles: 100 unless told, at most 300."""
    inst = call.venue.instrument(call.need("instId"))
    if not inst.trades:
        return ok([])
    return _page(call, lambda span, slot: candle_row(call.venue, inst, span[0], span[1] - span[0], slot), 300)


def mark_candles(call: Call) -> Reply:
    """GET market/mark-price-candles and their history, at most 100."""
    inst = call.venue.instrument(call.need("instId"))
    return _prices(call, inst) if inst.trades else ok([])


def index_candles(call: Call) -> Reply:
    """GET market/index-candles and their history, at most 100."""
    inst = index_market(call.venue, call.need("instId"))
    if inst is None:
        raise Refused(failure(200, "51014", "Index doesn't exist."))
    return _prices(call, inst)


def _prices(call: Call, inst: Instrument) -> Reply:
    return _page(call, lambda span, slot: price_candle(call.venue, inst, span, slot), 100)


def price_candle(venue: Venue, inst: Instrument, span: Span, slot: int) -> Json:
    """One candle of mark (or index) prices: ts, o, h, l, c, confirm."""
    market = venue.market(inst)
    bar: Bar = market.bar(*span, slot)
    opened, closed = mark_ticks(venue, inst, span[0]), mark_ticks(venue, inst, min(span[1] - 1, slot))
    px = market.tick.text
    return [
        str(bar.ts), px(opened), px(max(bar.high, opened, closed)), px(min(bar.low, opened, closed)), px(closed),
        "1" if bar.confirmed else "0",
    ]  # fmt: skip


TABLE = (
    ("GET", "/api/v5/market/candles", "public", "", candles),
    ("GET", "/api/v5/market/history-candles", "public", "", candles),
    ("GET", "/api/v5/market/mark-price-candles", "public", "", mark_candles),
    ("GET", "/api/v5/market/history-mark-price-candles", "public", "", mark_candles),
    ("GET", "/api/v5/market/index-candles", "public", "", index_candles),
    ("GET", "/api/v5/market/history-index-candles", "public", "", index_candles),
)
