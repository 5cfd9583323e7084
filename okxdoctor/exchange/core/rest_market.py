"""REST handlers of market data: tickers, books, trades, indices."""

from __future__ import annotations

from . import prices
from .decimals import plain
from .instruments import Instrument
from .market import LEVELS, SLOT_MS, Market, Trade, slot_of_trade
from .matching import book
from .paging import limit_of, number_of
from .protocol import Json, Refused, Reply, bad_parameter, encode, failure, ok
from .rest import Call
from .venue import Venue

HOUR_SLOTS = 3_600_000 // SLOT_MS
DAY_SLOTS = 24 * HOUR_SLOTS
HISTORY_SLOTS = 90 * DAY_SLOTS
"""How far back trades are told: three months."""

BARS: dict[str, tuple[int, int]] = {
    # Length and offset of the opening, in slots; without "utc" days open at 16:00 UTC.
    "1s": (10, 0), "1m": (600, 0), "3m": (1800, 0), "5m": (3000, 0), "15m": (9000, 0), "30m": (18000, 0),
    "1H": (HOUR_SLOTS, 0), "2H": (2 * HOUR_SLOTS, 0), "4H": (4 * HOUR_SLOTS, 0),
    "6H": (6 * HOUR_SLOTS, 4 * HOUR_SLOTS), "12H": (12 * HOUR_SLOTS, 4 * HOUR_SLOTS),
    "1D": (DAY_SLOTS, 16 * HOUR_SLOTS), "6Hutc": (6 * HOUR_SLOTS, 0), "12Hutc": (12 * HOUR_SLOTS, 0),
    "1Dutc": (DAY_SLOTS, 0), "1W": (7 * DAY_SLOTS, 4 * DAY_SLOTS - 8 * HOUR_SLOTS),
    "1Wutc": (7 * DAY_SLOTS, 4 * DAY_SLOTS), "2D": (2 * DAY_SLOTS, 16 * HOUR_SLOTS),
    "3D": (3 * DAY_SLOTS, 16 * HOUR_SLOTS), "5D": (5 * DAY_SLOTS, 16 * HOUR_SLOTS),
    "2Dutc": (2 * DAY_SLOTS, 0), "3Dutc": (3 * DAY_SLOTS, 0), "5Dutc": (5 * DAY_SLOTS, 0),
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
    """GET market/books and books-rpi: ``sz`` levels a side, 1 unless told, at most 400."""
    return ok([_book(call, _depth(call, LEVELS), 4)])


def books_full(call: Call) -> Reply:
    """GET market/books-full: at most 5000 levels a side, each of price, size and number of orders."""
    return ok([_book(call, _depth(call, 5_000), 3)])


def books_lite(call: Call) -> Reply:
    """GET market/books-lite: 25 levels a side."""
    return ok([_book(call, 25, 4)])


def _depth(call: Call, most: int) -> int:
    depth = call.params.get("sz", "1")
    if not (depth.isascii() and depth.isdigit()) or not 1 <= int(depth[:9]) <= most:
        raise bad_parameter("sz")
    return int(depth)


def _book(call: Call, depth: int, columns: int) -> Json:
    inst = call.venue.instrument(call.need("instId"))
    if not inst.trades:
        return {"asks": [], "bids": [], "ts": str(call.now_ms), "seqId": 0}
    found = book(call.venue, inst, call.now_ms)
    make = levels if columns == 4 else _short_levels
    return {
        "asks": make(found.market, found.levels("sell", depth)),
        "bids": make(found.market, found.levels("buy", depth)), "ts": str(found.slot * SLOT_MS), "seqId": found.seq,
    }  # fmt: skip


def _short_levels(market: Market, rows: list[tuple[int, int, int]]) -> list[Json]:
    px, sz = market.tick.text, market.lot.text
    return [[px(price), sz(size), str(count)] for price, size, count in rows]


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
    limit = limit_of(call, 100, 500)
    if not inst.trades:
        return ok([])
    found = book(call.venue, inst, call.now_ms)
    rows: list[Json] = []
    slot = found.slot
    while len(rows) < limit:
        rows.extend(trade_row(found.market, inst, trade) for trade in reversed(found.tape(slot)))
        slot -= 1
    return ok(rows[:limit])


def history_trades(call: Call) -> Reply:
    """GET market/history-trades: pages by trade id (``type`` 1) or by time (2; ``before`` is not supported then)."""
    inst = call.venue.instrument(call.need("instId"))
    kind, limit = call.params.get("type", "1"), limit_of(call)
    if kind not in ("1", "2"):
        raise bad_parameter("type")
    after, before = number_of(call, "after"), number_of(call, "before")
    if kind == "2" and before is not None:
        raise Refused(failure(200, "50039", 'Parameter "before" isn\'t supported for timestamp pagination'))
    if not inst.trades:
        return ok([])
    found = book(call.venue, inst, call.now_ms)
    slot = found.slot
    if after is not None:
        slot = min(slot, after // SLOT_MS if kind == "2" else slot_of_trade(after))
    rows: list[Json] = []
    while len(rows) < limit and slot > found.slot - HISTORY_SLOTS:
        for trade in reversed(found.tape(slot)):
            place = trade.ts if kind == "2" else trade.trade_id
            if after is not None and place >= after:
                continue
            if before is not None and place <= before:
                return ok(rows[:limit])
            rows.append(trade_row(found.market, inst, trade))
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


def index_components(call: Call) -> Reply:
    """GET market/index-components: the index is that of one spot market, so it has one component."""
    name = call.need("index")
    price = prices.index(call.venue, name, call.now_ms)
    if price is None:
        raise Refused(failure(200, "51014", "Index doesn't exist."))
    component: dict[str, Json] = {
        "cnvPx": plain(price), "exch": "OKX", "symPx": plain(price), "symbol": name.replace("-", "/"), "wgt": "1.000",
    }  # fmt: skip
    row: dict[str, Json] = {
        "components": [component], "index": name, "last": plain(price), "ts": str(call.now_ms),
    }  # fmt: skip
    return Reply(status=200, body=encode({"code": "0", "data": row, "msg": ""}))


def exchange_rate(call: Call) -> Reply:
    """GET market/exchange-rate: the average rate of the Yuan of two weeks."""
    del call
    return ok([{"usdCny": "7.162"}])


def platform_volume(call: Call) -> Reply:
    """GET market/platform-24-volume: what all spot markets here have traded in a day."""
    total = sum(
        float(str(ticker_row(call.venue, inst, call.now_ms)["volCcy24h"]))
        for inst in call.venue.of_type("SPOT")
        if inst.trades and inst.listing.quote == "USDT"
    )
    return ok([{"ts": str(call.now_ms), "volCny": f"{total * 7.162:.2f}", "volUsd": f"{total:.2f}"}])


def block_ticker(call: Call) -> Reply:
    """GET market/block-ticker: nobody has traded blocks."""
    inst = call.venue.instrument(call.need("instId"))
    return ok([{"instId": inst.id, "instType": inst.type, "ts": str(call.now_ms), "vol24h": "0", "volCcy24h": "0"}])


def index_tickers(call: Call) -> Reply:
    """GET market/index-tickers by ``instId`` (an index such as BTC-USD) or ``quoteCcy``."""
    wanted, quote = call.params.get("instId", ""), call.params.get("quoteCcy", "")
    if not wanted and not quote:
        raise Refused(failure(400, "50015", "Either parameter quoteCcy or instId is required"))
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


TABLE = (
    ("GET", "/api/v5/market/ticker", "public", "", ticker),
    ("GET", "/api/v5/market/tickers", "public", "", tickers),
    ("GET", "/api/v5/market/books", "public", "", books),
    ("GET", "/api/v5/market/trades", "public", "", trades),
    ("GET", "/api/v5/market/books-full", "public", "", books_full),
    ("GET", "/api/v5/market/books-lite", "public", "", books_lite),
    ("GET", "/api/v5/market/books-rpi", "public", "", books),
    ("GET", "/api/v5/market/history-trades", "public", "", history_trades),
    ("GET", "/api/v5/market/index-components", "public", "", index_components),
    ("GET", "/api/v5/market/exchange-rate", "public", "", exchange_rate),
    ("GET", "/api/v5/market/platform-24-volume", "public", "", platform_volume),
    ("GET", "/api/v5/market/block-ticker", "public", "", block_ticker),
    ("GET", "/api/v5/market/index-tickers", "public", "", index_tickers),
)
