"""REST handlers of risk and borrowing: account-position-risk, risk state, greeks, loans, interest, withdrawals."""

from __future__ import annotations

from decimal import Decimal

from .accounts import ZERO
from .decimals import EXACT, parse, plain
from .instruments import Instrument
from .margin import free, lever, standings
from .prices import mark
from .protocol import Json, Refused, Reply, bad_parameter, failure, ok
from .rest import Call
from .rest_contracts import greeks_row
from .rest_public import TYPES
from .statements import balance_row, position_rows
from .tiers import DAILY_INTEREST

_FINE = Decimal("1e-12")


def position_risk(call: Call) -> Reply:
    """GET account/account-position-risk: balances and positions of one moment."""
    kind = call.params.get("instType", "")
    if kind and kind not in TYPES:
        raise bad_parameter("instType")
    balance = balance_row(call.venue, call.account, call.now_ms)
    details = balance["details"]
    kept: list[Json] = [
        {name: each[name] for name in ("ccy", "eq", "disEq")}
        for each in (details if isinstance(details, list) else [])
        if isinstance(each, dict)
    ]
    names = (
        "baseBal", "ccy", "instId", "instType", "mgnMode", "notionalUsd", "pos", "posCcy", "posId", "posSide",
        "quoteBal",
    )  # fmt: skip
    positions: list[Json] = [
        {**{name: row[name] for name in names}, "notionalCcy": ""}
        for row in position_rows(call.venue, call.account, call.now_ms)
        if not kind or row["instType"] == kind
    ]
    row: dict[str, Json] = {
        "adjEq": balance["adjEq"], "balData": kept, "posData": positions, "ts": str(call.now_ms),
    }  # fmt: skip
    return ok([row])


def risk_state(call: Call) -> Reply:
    """GET account/risk-state: for portfolio margin accounts only."""
    if call.account.level != "4":
        raise Refused(failure(200, "51010", "Request unsupported under current account mode"))
    return ok([{"atRisk": False, "atRiskIdx": [], "atRiskMgn": [], "ts": str(call.now_ms)}])


def greeks(call: Call) -> Reply:
    """GET account/greeks: what the options of each coin add up to."""
    sums: dict[str, dict[str, Decimal]] = {}
    for each in standings(call.venue, call.account, call.now_ms):
        if each.inst.type == "OPTION":
            figures = greeks_row(call, each.inst)
            size = each.position.quantity * Decimal(each.inst.listing.ct_val) * Decimal(each.inst.listing.ct_mult)
            into = sums.setdefault(each.inst.listing.settle, {})
            for name in ("delta", "gamma", "theta", "vega"):
                for kind, source in (("BS", f"{name}BS"), ("PA", name)):
                    total = into.get(name + kind, ZERO) + size * Decimal(str(figures[source]))
                    into[name + kind] = total
    wanted = call.params.get("ccy", "")
    return ok(
        [
            {
                "ccy": ccy,
                "ts": str(call.now_ms),
                **{name: plain(value.quantize(_FINE)) for name, value in found.items()},
            }
            for ccy, found in sorted(sums.items())
            if not wanted or ccy == wanted
        ]
    )


def max_loan(call: Call) -> Reply:
    """GET account/max-loan of instruments, for both directions."""
    mode, ids = call.need("mgnMode"), call.need("instId").split(",")
    if mode not in ("cross", "isolated"):
        raise bad_parameter("mgnMode")
    if len(ids) > 5:
        raise bad_parameter("instId")
    rows: list[Json] = []
    for inst_id in ids:
        inst = call.venue.instrument(inst_id)
        if inst.type != "SPOT" or not inst.listing.lever or not inst.trades:
            raise Refused(failure(200, "54000", "Margin trading is not supported."))
        rows.extend(_loans(call, inst, mode))
    return ok(rows)


def _loans(call: Call, inst: Instrument, mode: str) -> list[Json]:
    """Free quote currency times the leverage less itself can be borrowed."""
    view = call.venue.margin(inst)
    left = max(ZERO, free(call.venue, call.account, view.listing.settle, call.now_ms))
    quote = EXACT.multiply(left, Decimal(lever(call.account, view, mode)) - 1)
    base = EXACT.divide(quote, mark(call.venue, inst, call.now_ms)).quantize(_FINE)
    return [
        {
            "ccy": ccy, "instId": inst.id, "maxLoan": plain(amount), "mgnCcy": inst.listing.quote, "mgnMode": mode,
            "side": side,
        }
        for ccy, amount, side in ((inst.listing.quote, quote, "buy"), (inst.listing.base, base, "sell"))
    ]  # fmt: skip


def interest_rate(call: Call) -> Reply:
    """GET account/interest-rate: of one hour."""
    wanted = call.params.get("ccy", "")
    rate = plain((DAILY_INTEREST / 24).quantize(_FINE))
    names = sorted(call.venue.currencies - {"USD"})
    return ok([{"ccy": ccy, "interestRate": rate} for ccy in names if not wanted or ccy in wanted.split(",")])


def interest_limits(call: Call) -> Reply:
    """GET account/interest-limits: what may be borrowed, and what is."""
    kind, wanted = call.params.get("type", "2"), call.params.get("ccy", "")
    if kind not in ("1", "2"):
        raise bad_parameter("type")
    used: dict[str, Decimal] = {}
    for each in standings(call.venue, call.account, call.now_ms):
        if each.inst.type == "MARGIN":
            ccy = each.inst.listing.quote if each.position.long else each.inst.listing.base
            amount = each.position.cost if each.position.long else abs(each.position.quantity)
            used[ccy] = used.get(ccy, ZERO) + amount
    rate = plain(DAILY_INTEREST)
    records: list[Json] = []
    for ccy in sorted(call.venue.currencies - {"USD"}):
        if not wanted or ccy in wanted.split(","):
            quota = Decimal(1_000_000 if ccy in ("USDT", "USDC") else 500)
            records.append(
                {
                    "availLoan": plain(quota - used.get(ccy, ZERO)), "avgRate": rate, "ccy": ccy, "interest": "0",
                    "interestFreeLiab": "0", "loanQuota": plain(quota), "posLoan": "0", "rate": rate,
                    "surplusLmt": plain(quota - used.get(ccy, ZERO)), "surplusLmtDetails": {}, "usedLmt":
                    plain(used.get(ccy, ZERO)), "usedLoan": plain(used.get(ccy, ZERO)), "potentialBorrowingAmt": "0",
                }
            )  # fmt: skip
    hour = (call.now_ms // 3_600_000 + 1) * 3_600_000
    debt = sum((amount * call.venue.usd(ccy, call.now_ms) for ccy, amount in used.items()), ZERO)
    row: dict[str, Json] = {
        "debt": plain(debt.quantize(_FINE)), "interest": "0", "loanAlloc": "", "nextDiscountTime": str(hour),
        "nextInterestTime": str(hour), "records": records,
    }  # fmt: skip
    return ok([row])


def max_withdrawal(call: Call) -> Reply:
    """GET account/max-withdrawal: what can be transferred out of the trading account."""
    wanted = call.params.get("ccy", "")
    rows: list[Json] = []
    for ccy, held in sorted(call.account.balances.items()):
        if (wanted and ccy not in wanted.split(",")) or not held.cash:
            continue
        most = plain(max(ZERO, min(held.available, free(call.venue, call.account, ccy, call.now_ms))))
        rows.append(
            {
                "ccy": ccy, "maxWd": most, "maxWdEx": most, "spotOffsetMaxWd": "0", "spotOffsetMaxWdEx": "0",
            }
        )  # fmt: skip
    return ok(rows)


def leverage_estimate(call: Call) -> Reply:
    """GET account/adjust-leverage-info: what another leverage would mean."""
    mode, wanted, inst_id = call.need("mgnMode"), parse(call.need("lever")), call.params.get("instId", "")
    if mode not in ("cross", "isolated"):
        raise bad_parameter("mgnMode")
    inst = call.venue.instrument(inst_id or call.params.get("instId", ""))
    most = parse(inst.listing.lever)
    if wanted is None or wanted <= 0 or most is None:
        raise bad_parameter("lever")
    if wanted > most:
        raise Refused(failure(200, "59102", "Leverage exceeds the maximum limit. Please lower the leverage."))
    found = [each for each in standings(call.venue, call.account, call.now_ms) if each.inst.id == inst.id]
    value = sum((each.value for each in found if each.position.mode == mode), ZERO)
    now = sum((each.initial for each in found if each.position.mode == mode), ZERO)
    need = EXACT.divide(value, wanted)
    ccy = inst.listing.settle or inst.listing.quote
    left = max(ZERO, free(call.venue, call.account, ccy, call.now_ms) + now - need)
    row: dict[str, Json] = {
        "estAvailQuoteTrans": "", "estAvailTrans": plain(left.quantize(_FINE)), "estLiqPx": "",
        "estMaxAmt": plain((left * wanted).quantize(_FINE)), "estMgn": plain(need.quantize(_FINE)),
        "estQuoteMaxAmt": "", "estQuoteMgn": "", "existOrd": call.venue.orders.count(call.account.uid, inst.id) > 0,
        "maxLever": inst.listing.lever, "minLever": "0.01",
    }  # fmt: skip
    return ok([row])


TABLE = (
    ("GET", "/api/v5/account/account-position-risk", "private", "read_only", position_risk),
    ("GET", "/api/v5/account/risk-state", "private", "read_only", risk_state),
    ("GET", "/api/v5/account/greeks", "private", "read_only", greeks),
    ("GET", "/api/v5/account/max-loan", "private", "read_only", max_loan),
    ("GET", "/api/v5/account/interest-rate", "private", "read_only", interest_rate),
    ("GET", "/api/v5/account/interest-limits", "private", "read_only", interest_limits),
    ("GET", "/api/v5/account/max-withdrawal", "private", "read_only", max_withdrawal),
    ("GET", "/api/v5/account/adjust-leverage-info", "private", "read_only", leverage_estimate),
)
