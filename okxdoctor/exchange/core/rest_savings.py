"""REST handlers of simple earn flexible: subscribe, redeem, the least rate, what was lent, and the market's rates."""

from __future__ import annotations

from decimal import Decimal

from .bills import credit_funding
from .decimals import EXACT, parse, plain
from .paging import limit_of, number_of, page_of_rows
from .protocol import Json, Refused, Reply, bad_parameter, empty_parameter, failure, ok
from .rest import Call
from .savings import FIRST_MS, HOUR_MS, LEAST, MOST, Saving, borrowing_rate, lending_rate, reckon
from .tickets import text

SUBSCRIBED, REDEEMED = "75", "76"
"""Types of funding bills."""

_DAY = 24


def _currencies(call: Call) -> list[str]:
    """What can be lent, or the one that is asked for."""
    wanted = call.params.get("ccy", "")
    return [ccy for ccy in sorted(call.venue.currencies - {"USD"}) if wanted in ("", ccy)]


def balance(call: Call) -> Reply:
    """GET finance/savings/balance."""
    reckon(call.venue, call.account, call.now_ms)
    names = _currencies(call)
    return ok([saving.row() for ccy, saving in sorted(call.account.savings.items()) if ccy in names and saving.amount])


def _given(call: Call) -> tuple[str, Decimal | None]:
    """The currency, and the rate where one is given."""
    ccy, given = text(call.body.get("ccy")), text(call.body.get("rate"))
    if not ccy:
        raise empty_parameter("ccy")
    if ccy not in call.venue.currencies - {"USD"}:
        raise Refused(failure(200, "58003", "Savings does not support this currency type"))
    rate = parse(given) if given else None
    if given and (rate is None or not LEAST <= rate <= MOST):
        raise bad_parameter("rate")
    return ccy, rate


def move(call: Call) -> Reply:
    """POST finance/savings/purchase-redempt: between the funding wallet and the savings."""
    side, amount = text(call.body.get("side")), parse(text(call.body.get("amt")))
    ccy, rate = _given(call)
    if side not in ("purchase", "redempt"):
        raise bad_parameter("side")
    if amount is None or amount <= 0:
        raise bad_parameter("amt")
    account = call.account
    reckon(call.venue, account, call.now_ms)
    saving = account.savings.get(ccy)
    saved = Decimal(0) if saving is None else saving.amount
    if amount > (account.funding.get(ccy, Decimal(0)) if side == "purchase" else saved):
        raise Refused(failure(200, "58350", "Insufficient balance."))
    if saving is None:
        saving = account.savings[ccy] = Saving(ccy=ccy, rate=LEAST, hour=call.now_ms // HOUR_MS)
    if side == "purchase":
        saving.rate = rate or saving.rate
        saving.amount = EXACT.add(saving.amount, amount)
        credit_funding(call.venue, account, ccy, -amount, kind=SUBSCRIBED, now_ms=call.now_ms)
    else:
        saving.amount = EXACT.subtract(saving.amount, amount)
        saving.lent = min(saving.lent, saving.amount)
        credit_funding(call.venue, account, ccy, amount, kind=REDEEMED, now_ms=call.now_ms)
    return ok([{"amt": plain(amount), "ccy": ccy, "rate": plain(saving.rate), "side": side}])


def set_rate(call: Call) -> Reply:
    """POST finance/savings/set-lending-rate: the least that is to be earned, from the next hour on."""
    ccy, rate = _given(call)
    if rate is None:
        raise empty_parameter("rate")
    reckon(call.venue, call.account, call.now_ms)
    saving = call.account.savings.setdefault(ccy, Saving(ccy=ccy, rate=rate, hour=call.now_ms // HOUR_MS))
    saving.rate = rate
    return ok([{"ccy": ccy, "rate": plain(rate)}])


def history(call: Call) -> Reply:
    """GET finance/savings/lending-history: one row for each hour and currency."""
    reckon(call.venue, call.account, call.now_ms)
    names = _currencies(call)
    rows = [row for ccy, saving in sorted(call.account.savings.items()) if ccy in names for row in saving.history]
    return ok(page_of_rows(call, sorted(rows, key=lambda row: int(str(row["ts"])), reverse=True)))


def summary(call: Call) -> Reply:
    """GET finance/savings/lending-rate-summary: the last hour's rate, the next one's, and the mean of a day."""
    hour = call.now_ms // HOUR_MS
    rows: list[Json] = []
    for ccy in _currencies(call):
        day = [borrowing_rate(call.venue, ccy, hour - k) for k in range(_DAY)]
        mean = EXACT.divide(sum(day, Decimal(0)), Decimal(_DAY)).quantize(Decimal("1e-4"))
        rows.append(
            {
                "avgAmt": "", "avgAmtUsd": "", "avgRate": plain(mean), "ccy": ccy,
                "estRate": plain(borrowing_rate(call.venue, ccy, hour + 1)), "preRate": plain(day[0]),
            }
        )  # fmt: skip
    return ok(rows)


def rates(call: Call) -> Reply:
    """GET finance/savings/lending-rate-history, the newest first; without ``ccy`` the rows of a time stay together."""
    after, before, limit = number_of(call, "after"), number_of(call, "before"), limit_of(call)
    hour = call.now_ms // HOUR_MS
    if after is not None:
        hour = min(hour, (after - 1) // HOUR_MS)
    names, rows = _currencies(call), list[Json]()
    while names and len(rows) < limit and hour * HOUR_MS >= max(FIRST_MS, 0 if before is None else before + 1):
        rows.extend(
            {
                "amt": "", "ccy": ccy, "lendingRate": plain(lending_rate(call.venue, ccy, hour)),
                "rate": plain(borrowing_rate(call.venue, ccy, hour)), "ts": str(hour * HOUR_MS),
            }
            for ccy in names
        )  # fmt: skip
        hour -= 1
    return ok(rows)


TABLE = (
    ("GET", "/api/v5/finance/savings/balance", "private", "read_only", balance),
    ("POST", "/api/v5/finance/savings/purchase-redempt", "private", "trade", move),
    ("POST", "/api/v5/finance/savings/set-lending-rate", "private", "trade", set_rate),
    ("GET", "/api/v5/finance/savings/lending-history", "private", "read_only", history),
    ("GET", "/api/v5/finance/savings/lending-rate-summary", "public", "", summary),
    ("GET", "/api/v5/finance/savings/lending-rate-history", "public", "", rates),
)
