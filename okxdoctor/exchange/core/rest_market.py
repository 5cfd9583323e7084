"""REST handlers of market data: tickers, books, trades, candles, index tickers."""

from __future__ import annotations

from .instruments import Instrument
from .market import LEVELS, SLOT_MS, Market, Trade
from .matching import book
from .protocol import Json, Reply, bad_parameter, ok
from .rest import Call
from .venue import Venue

HOUR_SLOTS = 3_600_000 // SLOT_MS
DAY_SLOTS = 24 * HOUR_SLOTS
BARS: dict[str, tuple[int, int]] = {
    # Length and offset of the opening, in slots; without "utc" days open at 16:00 UTC.
    "1s": (10, 0), "1m": (600, 0), "3m": (1800, 0), "5m": (3000, 0), "15m": (9000, 0), "30m": (18000, 0),
    "1H": (HOUR_SLOTS, 0), "2H": (2 * HOUR_SLOTS, 0), "4H": (4 * HOUR_SLOTS, 0),
    "6H": (6 * HOUR_SLOTS, 4 * HOUR_SLOTS), "12H": (12 * HOUR_SLOTS, 4 * HOUR_SLOTS),
    "1D": (DAY_SLOTS, 16 * HOUR_SLOTS), "6Hutc": (6 * HOUR_SLOTS, 0), "12Hutc": (12 * HOUR_SLOTS, 0),
    "1Dutc": (DAY_SLOTS, 0), "1W": (7 * DAY_SLOTS, 4 * DAY_SLOTS - 8 * HOUR_SLOTS),
    "1Wutc": (7 * DAY_SLOTS, 4 * DAY_SLOTS),
}  # fmt: skip


def ticker_row(venue: Venue, inst: Instrument, now_ms: int) -> dict[str, Json]:
    """The ticker of one instrument at ``now_ms``."""
    market, slot = venue.market(inst), now_ms // SLOT_MS
    depth = book(venue, inst, now_ms)
    trade = depth.last(slot)
    (bid, bid_size, _), (ask, ask_size, _) = depth.levels("buy", 1)[0], depth.levels("sell", 1)[0]
    day = market.bar(slot - DAY_SLOTS, slot + 1, slot)
    utc0, utc8 = slot // DAY_SLOTS * DAY_SLOTS, (slot + 8 * HOUR_SLOTS) // DAY_SLOTS * DAY_SLOTS - 8 * HOUR_SLOTS
    px, sz = market.tick.text, market.lot.text
    in_ccy, _ = volumes(market, inst, day.volume, trade.px)
    return {
        "instType": inst.type, "instId": inst.id, "last": px(trade.px), "lastSz": sz(trade.sz), "askPx": px(ask),
        "askSz": sz(ask_size), "bidPx": px(bid), "bidSz": sz(bid_size), "open24h": px(day.open),
        "high24h": px(day.high), "low24h": px(day.low), "volCcy24h": in_ccy, "vol24h": sz(day.volume),
        "ts": str(now_ms), "sodUtc0": px(market.trade(utc0).px), "sodUtc8": px(market.trade(utc8).px),
    }  # fmt: skip


def volumes(market: Market, inst: Instrument, lots: int, px: int) -> tuple[str, str]:
    """Volume in currency and in quote currency.

    SPOT reports quote currency in both columns of a candle and in ``volCcy24h``; contracts report base currency.
    """
    from decimal import Decimal

    from .decimals import EXACT, plain

    size, price = market.lot.decimal(lots), market.tick.decimal(px)
    if inst.type == "SPOT":
        quote = plain(EXACT.multiply(size, price))
        return quote, quote
    value = EXACT.multiply(size, EXACT.multiply(Decimal(inst.listing.ct_val), Decimal(inst.listing.ct_mult or "1")))
    if inst.listing.ct_type == "inverse" and inst.type != "OPTION":
        return plain(EXACT.divide(value, price).quantize(Decimal("0.0001"))), plain(value)
    return plain(value), plain(EXACT.multiply(value, price))


def ticker(call: Call) -> Reply:
    """GET market/ticker."""
    inst = call.venue.instrument(call.need("instId"))
    return ok([ticker_row(call.venue, inst, call.now_ms)] if inst.trades else [])


def tickers(call: Call) -> Reply:
    """GET market/tickers."""
    inst_type = call.need("instType")
    if inst_type not in ("SPOT", "SWAP", "FUTURES", "OPTION"):
        raise bad_parameter("instType")
    family = call.params.get("instFamily") or call.params.get("uly", "")
    return ok(
        [
            ticker_row(call.venue, inst, call.now_ms)
            for inst in call.venue.of_type(inst_type)
            if inst.trades and (not family or inst.listing.family == family)
        ]
    )


def books(call: Call) -> Reply:
    """GET market/books: ``sz`` levels a side, 1 unless told, at most 400."""
    inst = call.venue.instrument(call.need("instId"))
    depth = call.params.get("sz", "1")
    if not depth.isdigit() or not 1 <= int(depth) <= LEVELS:
        raise bad_parameter("sz")
    if not inst.trades:
        return ok([{"asks": [], "bids": [], "ts": str(call.now_ms), "seqId": 0}])
    found = book(call.venue, inst, call.now_ms)
    return ok(
        [
            {
                "asks": levels(found.market, found.levels("sell", int(depth))),
                "bids": levels(found.market, found.levels("buy", int(depth))),
                "ts": str(found.slot * SLOT_MS),
                "seqId": found.seq,
            }
        ]
    )


def levels(market: Market, rows: list[tuple[int, int, int]]) -> list[Json]:
    """Levels as on the wire: price, size, "0", number of orders."""
    px, sz = market.tick.text, market.lot.text
    return [[px(price), sz(size), "0", str(count)] for price, size, count in rows]


def trade_row(market: Market, inst: Instrument, trade: Trade) -> dict[str, Json]:
    """One public trade."""
    return {
        "instId": inst.id, "side": trade.side, "sz": market.lot.text(trade.sz), "source": "0",
        "px": market.tick.text(trade.px), "tradeId": str(trade.trade_id), "ts": str(trade.ts),
    }  # fmt: skip


def trades(call: Call) -> Reply:
    """GET market/trades: newest first, 100 unless told, at most 500."""
    inst = call.venue.instrument(call.need("instId"))
    limit = _limit(call, 100, 500)
    if not inst.trades:
        return ok([])
    found = book(call.venue, inst, call.now_ms)
    rows: list[Json] = []
    slot = found.slot
    while len(rows) < limit:
        rows.extend(trade_row(found.market, inst, trade) for trade in reversed(found.tape(slot)))
        slot -= 1
    return ok(rows[:limit])


def candle_row(venue: Venue, inst: Instrument, start: int, length: int, slot: int) -> list[Json]:
    """One candle: ts, o, h, l, c, vol, volCcy, volCcyQuote, confirm."""
    market = venue.market(inst)
    bar = market.bar(start, start + length, slot)
    px = market.tick.text
    in_ccy, in_quote = volumes(market, inst, bar.volume, bar.close)
    return [
        str(bar.ts), px(bar.open), px(bar.high), px(bar.low), px(bar.close), market.lot.text(bar.volume),
        in_ccy, in_quote, "1" if bar.confirmed else "0",
    ]  # fmt: skip


def candles(call: Call) -> Reply:
    """GET market/candles and history-candles: newest first; ``after`` is older, ``before`` newer, both exclusive."""
    inst = call.venue.instrument(call.need("instId"))
    name = call.params.get("bar", "1m")
    if name not in BARS:
        raise bad_parameter("bar")
    limit = _limit(call, 100, 300)
    length, offset = BARS[name]
    slot = call.now_ms // SLOT_MS
    newest = (slot - offset) // length * length + offset
    after, before = (_stamp(call, name) for name in ("after", "before"))
    if after is not None:
        last = (-(-after // SLOT_MS) - 1 - offset) // length * length + offset
        newest = min(newest, last)
    rows: list[Json] = []
    start = newest
    while inst.trades and len(rows) < limit and start > 0:
        if before is not None and start * SLOT_MS <= before:
            break
        rows.append(candle_row(call.venue, inst, start, length, slot))
        start -= length
    return ok(rows)


def index_tickers(call: Call) -> Reply:
    """GET market/index-tickers by ``instId`` (an index such as BTC-USD) or ``quoteCcy``."""
    wanted, quote = call.params.get("instId", ""), call.params.get("quoteCcy", "")
    if not wanted and not quote:
        raise bad_parameter("instId")
    rows: list[Json] = []
    for inst in call.venue.of_type("SPOT"):
        names = [inst.id] if inst.listing.quote != "USDT" else [inst.id, f"{inst.listing.base}-USD"]
        for name in names:
            if inst.trades and (name == wanted or (not wanted and name.endswith(f"-{quote}"))):
                row = ticker_row(call.venue, inst, call.now_ms)
                rows.append(
                    {
                        "instId": name,
                        "idxPx": row["last"],
                        "high24h": row["high24h"],
                        "sodUtc0": row["sodUtc0"],
                        "open24h": row["open24h"],
                        "low24h": row["low24h"],
                        "sodUtc8": row["sodUtc8"],
                        "ts": row["ts"],
                    }
                )
    return ok(rows)


def _limit(call: Call, default: int, most: int) -> int:
    text = call.params.get("limit", "")
    if not text:
        return default
    if not text.isdigit() or int(text) < 1:
        raise bad_parameter("limit")
    return min(int(text), most)


def _stamp(call: Call, name: str) -> int | None:
    text = call.params.get(name, "")
    if not text:
        return None
    if not text.isdigit() or len(text) > 15:
        raise bad_parameter(name)
    return int(text)


TABLE = (
    ("GET", "/api/v5/market/ticker", "public", "", ticker),
    ("GET", "/api/v5/market/tickers", "public", "", tickers),
    ("GET", "/api/v5/market/books", "public", "", books),
    ("GET", "/api/v5/market/trades", "public", "", trades),
    ("GET", "/api/v5/market/candles", "public", "", candles),
    ("GET", "/api/v5/market/history-candles", "public", "", candles),
    ("GET", "/api/v5/market/index-tickers", "public", "", index_tickers),
)
