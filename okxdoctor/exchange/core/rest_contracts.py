"""REST handlers of public data about contracts: funding, tiers, discounts, expiries, option figures."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from math import erf, exp, log, pi, sqrt

from . import prices
from .decimals import EXACT, parse, plain
from .instruments import Instrument
from .listing import VOLATILITY, expiries
from .paging import limit_of, number_of
from .prices import FUNDING_MS
from .protocol import Json, Refused, Reply, bad_parameter, empty_parameter, failure, ok
from .rest import Call
from .tiers import DAILY_INTEREST, Tier, discount, tiers

HISTORY = 270
"""Funding periods that are told: three months."""

HOUR_MS = 3_600_000


def funding_history(call: Call) -> Reply:
    """GET public/funding-rate-history: settled periods, newest first, at most 400."""
    inst = call.venue.instrument(call.need("instId"))
    if inst.type != "SWAP":
        raise bad_parameter("instId")
    after, before, limit = number_of(call, "after"), number_of(call, "before"), limit_of(call, 100, 400)
    last = call.now_ms // FUNDING_MS
    rows: list[Json] = []
    for period in range(last, max(0, last - HISTORY), -1):
        at = period * FUNDING_MS
        if (after is not None and at >= after) or len(rows) >= limit or not inst.trades:
            continue
        if before is not None and at <= before:
            break
        rate = f"{prices.funding_rate(call.venue, inst, period - 1):.16f}"
        rows.append(
            {
                "formulaType": "withRate", "fundingRate": rate, "fundingTime": str(at), "instId": inst.id,
                "instType": "SWAP", "method": "current_period", "realizedRate": rate,
            }
        )  # fmt: skip
    return ok(rows)


def premium_history(call: Call) -> Reply:
    """GET public/premium-history: how far the mark price stands from the index, minute by minute."""
    inst = call.venue.instrument(call.need("instId"))
    if inst.type != "SWAP":
        raise bad_parameter("instId")
    limit, name = limit_of(call), prices.index_of(inst)
    newest = min(call.now_ms, number_of(call, "after") or call.now_ms) // 60_000
    rows: list[Json] = []
    for minute in range(newest, newest - limit, -1):
        mark, index = prices.mark(call.venue, inst, minute * 60_000), prices.index(call.venue, name, minute * 60_000)
        if index is not None:
            premium = (mark / index - 1).quantize(Decimal("1e-16"))
            rows.append({"instId": inst.id, "premium": plain(premium), "ts": str(minute * 60_000)})
    return ok(rows)


def underlying(call: Call) -> Reply:
    """GET public/underlying: one array of names in the array."""
    inst_type = call.need("instType")
    if inst_type not in ("SWAP", "FUTURES", "OPTION"):
        raise bad_parameter("instType")
    return ok([list(dict.fromkeys(prices.index_of(inst) for inst in call.venue.of_type(inst_type) if inst.trades))])


def position_tiers(call: Call) -> Reply:
    """GET public/position-tiers of a family (contracts) or an instrument (margin)."""
    inst_type, mode = call.need("instType"), call.need("tdMode")
    if inst_type not in ("MARGIN", "SWAP", "FUTURES", "OPTION"):
        raise bad_parameter("instType")
    if mode not in ("cross", "isolated"):
        raise bad_parameter("tdMode")
    family = call.params.get("instFamily") or call.params.get("uly", "")
    named = call.params.get("instId", "")
    if inst_type != "MARGIN" and not family:
        raise empty_parameter("instFamily")
    if inst_type == "MARGIN" and not named and not call.params.get("ccy"):
        raise Refused(failure(400, "50015", "Either parameter instId or ccy is required"))
    names = (named or call.params.get("ccy", "")) if inst_type == "MARGIN" else family
    rows: list[Json] = []
    for name in names.split(",")[:5]:
        found = [inst for inst in call.venue.of_type(inst_type) if name in (inst.id, inst.listing.family)]
        wanted = call.params.get("tier", "")
        if found:
            each = found[0]
            rows.extend(_tier_row(each, inst_type, tier) for tier in tiers(each) if wanted in ("", str(tier.number)))
    return ok(rows)


def _tier_row(inst: Instrument, inst_type: str, tier: Tier) -> Json:
    margin = inst_type == "MARGIN"
    return {
        "baseMaxLoan": plain(tier.high) if margin else "", "imr": plain(tier.initial),
        "instFamily": inst.listing.family, "instId": inst.id if margin else "", "maxLever": plain(tier.lever),
        "maxSz": plain(tier.high), "minSz": plain(tier.low), "mmr": plain(tier.maintenance),
        "optMgnFactor": "0", "quoteMaxLoan": plain(tier.high * 10_000) if margin else "", "tier": str(tier.number),
        "uly": "" if margin else prices.index_of(inst),
    }  # fmt: skip


def discount_info(call: Call) -> Reply:
    """GET public/discount-rate-interest-free-quota: what share of a currency counts as collateral."""
    wanted = call.params.get("ccy", "")
    rows: list[Json] = []
    for ccy in sorted(call.venue.currencies - {"USD"}):
        if wanted and ccy not in wanted.split(","):
            continue
        detail: dict[str, Json] = {
            "disCcyEq": "", "discountRate": plain(discount(ccy)), "liqPenaltyRate": "0.02", "maxAmt": "",
            "minAmt": "0", "tier": "1",
        }  # fmt: skip
        rows.append(
            {
                "amt": "0", "ccy": ccy, "colRes": "0", "collateralRestrict": False, "details": [detail],
                "discountLv": "1", "minDiscountRate": "0",
            }
        )  # fmt: skip
    return ok(rows)


def loan_quota(call: Call) -> Reply:
    """GET public/interest-rate-loan-quota: daily rates and quotas of borrowing."""
    basic: list[Json] = [
        {"ccy": ccy, "quota": "1000000" if ccy == "USDT" else "500", "rate": plain(DAILY_INTEREST)}
        for ccy in sorted(call.venue.currencies - {"USD"})
    ]
    regular: list[Json] = [{"irDiscount": "", "level": f"Lv{k}", "loanQuotaCoef": str(k)} for k in range(1, 6)]
    vip: list[Json] = [{"irDiscount": "", "level": f"VIP{k}", "loanQuotaCoef": str(k + 5)} for k in range(1, 8)]
    return ok([{"basic": basic, "config": [], "configCcyList": [], "regular": regular, "vip": vip}])


def estimated_price(call: Call) -> Reply:
    """GET public/estimated-price: a delivery price, within the hour before delivery only."""
    inst = call.venue.instrument(call.need("instId"))
    if inst.type not in ("FUTURES", "OPTION"):
        raise bad_parameter("instId")
    return ok(estimated(call, inst))


def estimated(call: Call, inst: Instrument) -> list[Json]:
    """The row of an estimated delivery price; none before the last hour."""
    expiry, price = inst.listing.expiry_ms, prices.index(call.venue, prices.index_of(inst), call.now_ms)
    if expiry is None or price is None or not expiry - HOUR_MS <= call.now_ms < expiry:
        return []
    return [{"instId": inst.id, "instType": inst.type, "settlePx": plain(price), "ts": str(call.now_ms)}]


def delivery_history(call: Call) -> Reply:
    """GET public/delivery-exercise-history: the Fridays of three months, at the index price of the moment."""
    inst_type = call.need("instType")
    family = call.params.get("instFamily") or call.params.get("uly", "")
    if inst_type not in ("FUTURES", "OPTION"):
        raise bad_parameter("instType")
    if not family:
        raise empty_parameter("instFamily")
    after, before, limit = number_of(call, "after"), number_of(call, "before"), limit_of(call)
    rows: list[Json] = []
    for when in past_fridays(call.now_ms):
        at = int(when.timestamp()) * 1000
        price = prices.index(call.venue, family.removesuffix("_UM"), at) if family in call.venue.families else None
        if price is None or (after is not None and at >= after) or (before is not None and at <= before):
            continue
        name = f"{family}-{when:%y%m%d}"
        detail: dict[str, Json] = {"insId": name, "px": plain(price), "type": "delivery"}
        if inst_type == "OPTION":
            detail = {"insId": f"{name}-{int(price) // 1000 * 1000}-C", "px": plain(price), "type": "exercised"}
        if len(rows) < limit:
            rows.append({"details": [detail], "ts": str(at)})
    return ok(rows)


def past_fridays(now_ms: int) -> list[datetime]:
    """The expiries of the last three months, newest first."""
    following, _ = expiries(now_ms)[0]
    return [following - timedelta(days=7 * k) for k in range(1, 14)]


def option_summary(call: Call) -> Reply:
    """GET public/opt-summary: figures of the options of a family, by the model of Black with one volatility."""
    family = call.params.get("instFamily") or call.params.get("uly", "")
    if not family:
        raise empty_parameter("instFamily")
    found = [inst for inst in call.venue.of_type("OPTION") if inst.listing.family == family and inst.trades]
    return ok([greeks_row(call, inst) for inst in found])


def greeks_row(call: Call, inst: Instrument) -> dict[str, Json]:
    """Delta, gamma, theta and vega of one contract of one coin; ``BS`` in USD, the others in the coin."""
    forward = float(prices.index(call.venue, prices.index_of(inst), call.now_ms) or 1)
    years = max(1, (inst.listing.expiry_ms or call.now_ms) - call.now_ms) / (365 * 86_400_000)
    spread = VOLATILITY * sqrt(years)
    d1 = log(forward / float(inst.listing.strike)) / spread + spread / 2
    density = exp(-d1 * d1 / 2) / sqrt(2 * pi)
    delta = (1 + erf(d1 / sqrt(2))) / 2 - (inst.listing.option_type == "P")
    gamma, vega = density / (forward * spread), forward * density * sqrt(years) / 100
    theta = -forward * density * VOLATILITY / (2 * sqrt(years)) / 365
    price = float(prices.mark(call.venue, inst, call.now_ms))
    coin = forward if inst.listing.settle not in ("USD", "USDT", "USDC") else 1.0
    return {
        "askVol": f"{VOLATILITY + 0.01:.6f}", "bidVol": f"{VOLATILITY - 0.01:.6f}",
        "delta": f"{delta - (price if coin != 1.0 else 0.0):.10f}", "deltaBS": f"{delta:.10f}",
        "fwdPx": f"{forward:.4f}", "gamma": f"{gamma * forward:.10f}", "gammaBS": f"{gamma:.10f}",
        "instId": inst.id, "instType": "OPTION", "lever": f"{forward / max(price * coin, 1e-9):.4f}",
        "markVol": f"{VOLATILITY:.6f}", "realVol": "", "theta": f"{theta / coin:.10f}", "thetaBS": f"{theta:.10f}",
        "ts": str(call.now_ms), "uly": prices.index_of(inst), "vega": f"{vega / coin:.10f}", "vegaBS": f"{vega:.10f}",
        "volLv": f"{VOLATILITY:.6f}",
    }  # fmt: skip


def insurance_fund(call: Call) -> Reply:
    """GET public/insurance-fund: one regular row of the family or currency."""
    inst_type = call.need("instType")
    if inst_type not in ("MARGIN", "SWAP", "FUTURES", "OPTION"):
        raise bad_parameter("instType")
    family, ccy = call.params.get("instFamily") or call.params.get("uly", ""), call.params.get("ccy", "")
    if inst_type != "MARGIN" and not family:
        raise empty_parameter("instFamily")
    day = call.now_ms // 86_400_000 * 86_400_000
    detail: dict[str, Json] = {
        "adlType": "", "amt": "", "balance": "125000000", "ccy": ccy or family.rpartition("-")[2], "decRate": "",
        "maxBal": "", "maxBalTs": "", "ts": str(day), "type": "regular_update",
    }  # fmt: skip
    return ok([{"details": [detail], "instFamily": family, "instType": inst_type, "total": "125000000"}])


def convert_contract(call: Call) -> Reply:
    """GET public/convert-contract-coin: coins into contracts (``type`` 1), contracts into coins (2)."""
    inst = call.venue.instrument(call.need("instId"))
    kind, unit = call.params.get("type", "1"), call.params.get("unit", "coin")
    size = parse(call.need("sz"))
    if inst.type not in ("SWAP", "FUTURES") or inst.lot is None:
        raise bad_parameter("instId")
    if kind not in ("1", "2"):
        raise bad_parameter("type")
    if unit not in ("coin", "usds"):
        raise bad_parameter("unit")
    if size is None or size <= 0:
        raise bad_parameter("sz")
    price = parse(call.params.get("px")) or prices.mark(call.venue, inst, call.now_ms)
    if price <= 0:
        raise bad_parameter("px")
    value = EXACT.multiply(Decimal(inst.listing.ct_val), Decimal(inst.listing.ct_mult or "1"))
    # What one contract is in the unit asked for.
    in_usd = inst.listing.ct_val_ccy == "USD"
    one = value if in_usd == (unit == "usds") else value / price if in_usd else EXACT.multiply(value, price)
    found = inst.lot.decimal(inst.lot.floor(size / one)) if kind == "1" else EXACT.multiply(size, one)
    return ok(
        [
            {
                "instId": inst.id, "px": plain(price), "sz": plain(found.quantize(Decimal("1e-12"))), "type": kind,
                "unit": unit,
            }
        ]
    )  # fmt: skip


def option_trades(call: Call) -> Reply:
    """GET public/option-trades: the newest trade of each option of a family."""
    family, inst_id = call.params.get("instFamily", ""), call.params.get("instId", "")
    if not family and not inst_id:
        raise Refused(failure(400, "50015", "Either parameter instId or instFamily is required"))
    rows: list[Json] = []
    for inst in call.venue.of_type("OPTION"):
        if not inst.trades or (inst_id and inst.id != inst_id) or (family and inst.listing.family != family):
            continue
        trade = call.venue.market(inst).trade(call.now_ms // 100)
        index = prices.index(call.venue, prices.index_of(inst), call.now_ms) or Decimal(0)
        market = call.venue.market(inst)
        rows.append(
            {
                "fillVol": f"{VOLATILITY:.4f}", "fwdPx": plain(index), "idxPx": plain(index),
                "instFamily": inst.listing.family, "instId": inst.id,
                "markPx": plain(prices.mark(call.venue, inst, call.now_ms)), "optType": inst.listing.option_type,
                "px": market.tick.text(trade.px), "side": trade.side, "sz": market.lot.text(trade.sz),
                "tradeId": str(trade.trade_id), "ts": str(trade.ts),
            }
        )  # fmt: skip
    return ok(rows)


TABLE = (
    ("GET", "/api/v5/public/funding-rate-history", "public", "", funding_history),
    ("GET", "/api/v5/public/premium-history", "public", "", premium_history),
    ("GET", "/api/v5/public/underlying", "public", "", underlying),
    ("GET", "/api/v5/public/position-tiers", "public", "", position_tiers),
    ("GET", "/api/v5/public/discount-rate-interest-free-quota", "public", "", discount_info),
    ("GET", "/api/v5/public/interest-rate-loan-quota", "public", "", loan_quota),
    ("GET", "/api/v5/public/estimated-price", "public", "", estimated_price),
    ("GET", "/api/v5/public/delivery-exercise-history", "public", "", delivery_history),
    ("GET", "/api/v5/public/opt-summary", "public", "", option_summary),
    ("GET", "/api/v5/public/insurance-fund", "public", "", insurance_fund),
    ("GET", "/api/v5/public/convert-contract-coin", "public", "", convert_contract),
    ("GET", "/api/v5/public/option-trades", "public", "", option_trades),
)
