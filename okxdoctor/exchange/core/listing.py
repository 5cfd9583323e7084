"""The table of listings: which instruments exist where, with figures observed in 2026 (grade observed)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import erf, log, sqrt

from .protocol import Json

FIELDS = (
    "alias", "auctionEndTime", "baseCcy", "category", "contTdSwTime", "ctMult", "ctType", "ctVal", "ctValCcy",
    "expTime", "floatPxLmtPct", "futureSettlement", "groupId", "initPxLmtPct", "instCategory", "instFamily",
    "instId", "instIdCode", "instType", "lever", "listTime", "longPosRemainingQuota", "lotSz", "maxIcebergSz",
    "maxLmtAmt", "maxLmtSz", "maxMktAmt", "maxMktSz", "maxPlatOILmt", "maxPxLmtPct", "maxStopSz", "maxTriggerSz",
    "maxTwapSz", "minSz", "openType", "optType", "posLmtAmt", "posLmtPct", "preMktSwTime", "quoteCcy",
    "ruleType", "seriesId", "settleCcy", "shortPosRemainingQuota", "state", "stk", "tickSz",
    "tradeQuoteCcyList", "uly", "upcChg",
)  # fmt: skip
"""Fields of public/instruments in the order of the wire."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One listing; every figure is text, as on the wire, and '' where it does not apply."""

    inst_id: str
    inst_type: str
    base: str = ""
    quote: str = ""
    settle: str = ""
    family: str = ""
    tick: str = ""
    lot: str = ""
    minimum: str = ""
    ct_val: str = ""
    ct_mult: str = ""
    ct_val_ccy: str = ""
    ct_type: str = ""
    lever: str = ""
    expiry_ms: int | None = None
    alias: str = ""
    option_type: str = ""
    strike: str = ""
    state: str = "live"
    max_limit: str = "100000000"
    max_market: str = "1000000"
    reference: str = ""

    def field(self, name: str) -> Json:
        """The value of one wire field (``instIdCode`` and ``upcChg`` are the instrument's)."""
        spot = self.inst_type in ("SPOT", "MARGIN")
        if self.state == "preopen" and name not in ("instId", "instType", "state", "futureSettlement", "upcChg"):
            return [] if name == "tradeQuoteCcyList" else ""
        return _value(self, name, spot)


def _value(row: Listing, name: str, spot: bool) -> Json:
    trigger = f"{row.max_limit}.0000000000000000"
    values: dict[str, Json] = {
        "alias": row.alias, "baseCcy": row.base, "category": "1", "ctMult": row.ct_mult, "ctType": row.ct_type,
        "ctVal": row.ct_val, "ctValCcy": row.ct_val_ccy,
        "expTime": "" if row.expiry_ms is None else str(row.expiry_ms),
        "futureSettlement": row.inst_type == "FUTURES", "groupId": "12" if spot else "4", "instCategory": "1",
        "instFamily": row.family, "instId": row.inst_id, "instType": row.inst_type, "lever": row.lever,
        "listTime": "1611907686000", "lotSz": row.lot, "maxIcebergSz": trigger, "maxLmtAmt": "20000000",
        "maxLmtSz": row.max_limit, "maxMktAmt": "1000000" if spot else "", "maxMktSz": row.max_market,
        "maxPlatOILmt": "10000000000000" if row.inst_type in ("SWAP", "FUTURES") else "",
        "maxStopSz": row.max_market, "maxTriggerSz": trigger, "maxTwapSz": trigger, "minSz": row.minimum,
        "openType": "fix_price" if spot else "call_auction", "optType": row.option_type,
        "posLmtAmt": "" if spot else "250000", "posLmtPct": "" if spot else "30", "quoteCcy": row.quote,
        "ruleType": "normal", "settleCcy": row.settle, "state": row.state, "stk": row.strike,
        "tickSz": row.tick, "tradeQuoteCcyList": [row.quote] if spot else [],
        "uly": row.family, "initPxLmtPct": "0.05", "floatPxLmtPct": "0.02", "maxPxLmtPct": "0.15",
    }  # fmt: skip
    return values.get(name, "")


_PRICE = {
    "BTC": "68000", "ETH": "2450", "SOL": "142", "XRP": "1.37", "ADA": "0.4512", "DOGE": "0.10212", "LTC": "91.3",
    "ATOM": "4.215", "YFI": "3120", "PEPE": "0.000004312", "SHIB": "0.000006721", "SATS": "0.0000000213",
    "BABYDOGE": "0.000000000612", "BONK": "0.00000712", "OKB": "101.4", "USDC": "1.0001", "DOT": "2.87",
    "LINK": "13.21", "TRX": "0.2715", "BNB": "655.2",
}  # fmt: skip
"""Reference prices in USD."""


def dollars(listing: Listing) -> float:
    """What one unit of the currency that an instrument is priced in is worth in USD, by the reference prices.

    A spot pair is priced in its quote currency, an option in what it is settled in, other contracts in USD.
    """
    ccy = listing.settle if listing.inst_type == "OPTION" else listing.quote
    return float(_PRICE.get(ccy, "1"))


_SPOT = (
    # base, quote, tick, lot, minimum, leverage
    ("BTC", "USDT", "0.1", "0.00000001", "0.00001", "10"),
    ("ETH", "USDT", "0.01", "0.000001", "0.001", "10"),
    ("SOL", "USDT", "0.01", "0.000001", "0.01", "10"),
    ("XRP", "USDT", "0.0001", "0.000001", "1", "10"),
    ("ADA", "USDT", "0.0001", "0.0001", "1", "10"),
    ("DOGE", "USDT", "0.00001", "0.000001", "10", "10"),
    ("LTC", "USDT", "0.01", "0.000001", "0.01", "10"),
    ("ATOM", "USDT", "0.001", "0.00001", "0.1", "5"),
    ("YFI", "USDT", "1", "0.000001", "0.0001", "5"),
    ("PEPE", "USDT", "0.000000001", "1", "100000", "5"),
    ("SHIB", "USDT", "0.000000001", "1", "10000", "5"),
    ("SATS", "USDT", "0.00000000001", "1", "1000000", ""),
    ("BABYDOGE", "USDT", "0.000000000001", "1", "1000000000", ""),
    ("LINK", "USDT", "0.001", "0.000001", "0.1", "10"),
    ("DOT", "USDT", "0.001", "0.000001", "0.1", "10"),
    ("TRX", "USDT", "0.00001", "0.0001", "1", "5"),
    ("OKB", "USDT", "0.01", "0.000001", "0.01", "10"),
    ("BNB", "USDT", "0.1", "0.000001", "0.001", "5"),
    ("USDC", "USDT", "0.0001", "0.000001", "1", "10"),
    ("BTC", "USDC", "0.1", "0.00000001", "0.00001", ""),
    ("ETH", "USDC", "0.01", "0.000001", "0.001", ""),
    ("SOL", "USDC", "0.01", "0.000001", "0.01", ""),
    ("ETH", "BTC", "0.00001", "0.000001", "0.001", "10"),
)
_SWAP = (
    # family, tick, lot, minimum, contract value, its currency, settle, max market size
    ("BTC-USDT", "0.1", "0.01", "0.01", "0.01", "BTC", "USDT", "34000"),
    ("ETH-USDT", "0.01", "0.01", "0.01", "0.1", "ETH", "USDT", "60000"),
    ("SOL-USDT", "0.01", "0.01", "0.01", "1", "SOL", "USDT", "80000"),
    ("XRP-USDT", "0.001", "0.01", "0.01", "100", "XRP", "USDT", "20000"),
    ("LTC-USDT", "0.01", "0.1", "0.1", "1", "LTC", "USDT", "20000"),
    ("ADA-USDT", "0.0001", "0.1", "0.1", "100", "ADA", "USDT", "20000"),
    ("DOGE-USDT", "0.00001", "0.01", "0.01", "1000", "DOGE", "USDT", "20000"),
    ("PEPE-USDT", "0.000000001", "0.1", "0.1", "10000000", "PEPE", "USDT", "20000"),
    ("SHIB-USDT", "0.000000001", "0.1", "0.1", "1000000", "SHIB", "USDT", "20000"),
    ("SATS-USDT", "0.00000000001", "1", "1", "10000000", "SATS", "USDT", "20000"),
    ("BONK-USDT", "0.000000001", "1", "1", "100000", "BONK", "USDT", "20000"),
    ("YFI-USDT", "1", "1", "1", "0.0001", "YFI", "USDT", "20000"),
    ("BTC-USDC", "0.1", "0.01", "0.01", "0.01", "BTC", "USDC", "10000"),
    ("BTC-USD", "0.1", "0.1", "0.1", "100", "USD", "BTC", "20000"),
    ("ETH-USD", "0.01", "1", "1", "10", "USD", "ETH", "20000"),
)
_FUTURES = (
    ("BTC-USD", "0.1", "0.1", "0.1", "100", "USD", "BTC", "10000"),
    ("ETH-USD", "0.01", "1", "1", "10", "USD", "ETH", "10000"),
    ("BTC-USDT", "0.1", "0.01", "0.01", "0.01", "BTC", "USDT", "3000"),
    ("ETH-USDT", "0.01", "0.01", "0.01", "0.1", "ETH", "USDT", "3000"),
)
_OPTIONS = (
    # family, smallest tick, contract value currency, settle, strikes around the reference, strike step
    ("BTC-USD", "0.0001", "BTC", "BTC", 68_000, 2_000),
    ("BTC-USD_UM", "1", "BTC", "USD", 68_000, 2_000),
    ("ETH-USD", "0.0001", "ETH", "ETH", 2_450, 100),
)
_DEMO = {
    # Other figures in demo trading: tick, lot, minimum.
    "ATOM-USDT": ("0.005", "0.0000001", "1"),
    "DOGE-USDT": ("0.00005", "0.000001", "10"),
    "ETH-USDT": ("0.01", "0.000001", "0.01"),
    "SOL-USDT": ("0.001", "0.0001", "0.1"),
    "XRP-USDT": ("0.0001", "0.0001", "10"),
    "SATS-USDT": ("0.0000000000001", "1", "2000000"),
    "DOGE-USDT-SWAP": ("0.00005", "0.01", "0.01"),
    "ADA-USDT-SWAP": ("0.0002", "0.1", "0.1"),
    "SOL-USDT-SWAP": ("0.01", "0.1", "0.1"),
    "LTC-USDT-SWAP": ("0.02", "1", "1"),
}
_ABSENT = {
    # Not listed there: site, environment -> ids.
    ("eea", "live"): frozenset({"PEPE-USDT", "SATS-USDT", "BABYDOGE-USDT"}),
    ("us", "live"): frozenset({"OKB-USDT", "BNB-USDT", "SATS-USDT"}),
}


def listings(site: str, environment: str, now_ms: int) -> Iterator[Listing]:
    """Every listing of a venue; expiries are computed from ``now_ms``."""
    absent = _ABSENT.get((site, environment), frozenset())
    for listing in _everywhere(now_ms, derivatives=site != "us"):
        if listing.inst_id in absent:
            continue
        if environment == "demo" and listing.inst_id in _DEMO:
            tick, lot, minimum = _DEMO[listing.inst_id]
            yield replace(listing, tick=tick, lot=lot, minimum=minimum)
        elif environment == "demo" and listing.inst_id in ("BABYDOGE-USDT", "BONK-USDT-SWAP"):
            continue
        else:
            yield listing
    if environment == "demo":
        yield Listing(
            inst_id="TESTPM-USDT", inst_type="SPOT", base="TESTPM", quote="USDT", tick="0.1", lot="0.00000001",
            minimum="0.00001", lever="10", state="test", reference="100", max_limit="9999999999",
        )  # fmt: skip
        yield Listing(inst_id="TESTING4-USDT", inst_type="SPOT", state="preopen")
        yield Listing(inst_id="TESTING-USDT-SWAP", inst_type="SWAP", state="preopen")


def _everywhere(now_ms: int, *, derivatives: bool) -> Iterator[Listing]:
    for base, quote, tick, lot, minimum, lever in _SPOT:
        price = "0.036" if quote == "BTC" else _PRICE[base]
        yield Listing(
            inst_id=f"{base}-{quote}", inst_type="SPOT", base=base, quote=quote, tick=tick, lot=lot,
            minimum=minimum, lever=lever, reference=price, max_limit="9999999999",
        )  # fmt: skip
    if not derivatives:
        return
    for row in _SWAP:
        yield _contract(row, "SWAP", f"{row[0]}-SWAP", None, "")
    for row in _FUTURES:
        for expiry, alias in expiries(now_ms):
            yield _contract(row, "FUTURES", f"{row[0]}-{expiry:%y%m%d}", expiry, alias)
    yield from _options(now_ms)


def _contract(row: tuple[str, ...], kind: str, inst_id: str, expiry: datetime | None, alias: str) -> Listing:
    family, tick, lot, minimum, ct_val, ct_val_ccy, settle, max_market = row
    return Listing(
        inst_id=inst_id, inst_type=kind, settle=settle, family=family, tick=tick, lot=lot, minimum=minimum,
        ct_val=ct_val, ct_mult="1", ct_val_ccy=ct_val_ccy, ct_type="inverse" if ct_val_ccy == "USD" else "linear",
        lever="100" if kind == "SWAP" else "20", alias=alias, max_market=max_market,
        expiry_ms=None if expiry is None else int(expiry.timestamp()) * 1000,
        reference=_PRICE[family.split("-", 1)[0]],
    )  # fmt: skip


def _options(now_ms: int) -> Iterator[Listing]:
    expiry, _ = expiries(now_ms)[1]
    for family, tick, ct_val_ccy, settle, around, step in _OPTIONS:
        for k in (-1, 0, 1):
            strike = (around // step + k) * step
            for side in ("C", "P"):
                yield Listing(
                    inst_id=f"{family}-{expiry:%y%m%d}-{strike}-{side}", inst_type="OPTION", settle=settle,
                    family=family, tick=tick, lot="1", minimum="1", ct_val="1", ct_mult="0.01",
                    ct_val_ccy=ct_val_ccy, ct_type="linear" if family.endswith("_UM") else "inverse",
                    option_type=side, strike=str(strike), expiry_ms=int(expiry.timestamp()) * 1000,
                    max_limit="1000000", max_market="5000",
                    reference=_premium(family, side, strike, expiry.timestamp() - now_ms / 1000, tick == "1"),
                )  # fmt: skip


VOLATILITY = 0.55
"""The volatility that options are priced with."""


def _premium(family: str, side: str, strike: int, seconds: float, in_usd: bool) -> str:
    """What an option is worth by the model of Black, in USD or as a share of the coin."""
    spot = float(_PRICE[family.split("-", 1)[0]])
    spread = VOLATILITY * sqrt(max(seconds, 3_600.0) / (365 * 86_400))
    d1 = log(spot / strike) / spread + spread / 2
    call = spot * _normal(d1) - strike * _normal(d1 - spread)
    worth = call if side == "C" else call - spot + strike
    return f"{worth:.0f}" if in_usd else f"{worth / spot:.6f}"


def _normal(x: float) -> float:
    """The cumulative distribution."""
    return (1 + erf(x / sqrt(2))) / 2


def expiries(now_ms: int) -> list[tuple[datetime, str]]:
    """The next weekly, second weekly, monthly and quarterly expiry: Fridays, 08:00 UTC, each one once."""
    now = datetime.fromtimestamp(now_ms // 1000, UTC)
    friday = (now + timedelta(days=(4 - now.weekday()) % 7)).replace(hour=8, minute=0, second=0, microsecond=0)
    if friday <= now:
        friday += timedelta(days=7)
    fridays = [friday + timedelta(days=7 * k) for k in range(40)]
    monthly = [day for day in fridays[2:] if (day + timedelta(days=7)).month != day.month]
    quarterly = [day for day in monthly[1:] if day.month % 3 == 0]
    return [
        (fridays[0], "this_week"), (fridays[1], "next_week"), (monthly[0], "this_month"), (quarterly[0], "quarter"),
    ]  # fmt: skip
