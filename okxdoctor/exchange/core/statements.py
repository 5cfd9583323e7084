"""How an account stands: the rows of account/balance and account/positions, for REST and for the private channels."""

from __future__ import annotations

from decimal import Decimal

from . import prices
from .accounts import ZERO, Account, Balance
from .decimals import EXACT, plain
from .margin import Risk, Standing, cross_risk, isolated_risk, liability, liquidation_price, profit, standings
from .protocol import Json
from .tiers import discount
from .venue import Venue

_FINE = Decimal("1e-12")
_ONE = Decimal(1)


def balance_row(venue: Venue, account: Account, now_ms: int, wanted: tuple[str, ...] = ()) -> dict[str, Json]:
    """The whole object; ``details`` only has the currencies of ``wanted`` when there are any.

    Margin at the level of the account is a thing of the modes that take several currencies as one (acctLv 3, 4): what
    each is worth counts by its discount rate, all together stands behind all positions. In the others those members
    are empty.
    """
    details: list[Json] = []
    total = adjusted = isolated = initial = keep = gains = frozen = ZERO
    found = standings(venue, account, now_ms)
    for ccy, held in sorted(account.balances.items()):
        rate = venue.usd(ccy, now_ms)
        part = Part(account, ccy, held, found)
        usd = EXACT.multiply(part.equity, rate)
        total += usd
        if part.isolated:
            isolated += part.isolated * rate
        if found:
            initial, keep = initial + part.initial * rate, keep + part.keep * rate
            gains += part.upl * rate
        adjusted += part.collateral(rate, part.equity - part.isolated)
        frozen += held.frozen * rate
        if (wanted and ccy not in wanted) or not (held.cash or held.frozen or part.own):
            continue
        details.append(part.row(rate, usd))
    row = dict.fromkeys(_OF_THE_ACCOUNT, "")
    if account.level in ("3", "4"):
        kinds = {"": "", "ForBorrow": "MARGIN", "ForFutures": "FUTURES", "ForOption": "OPTION", "ForSwap": "SWAP"}
        row |= {f"notionalUsd{name}": plain(_notional(found, kind, venue, now_ms)) for name, kind in kinds.items()}
        row |= {
            "adjEq": _text(adjusted), "availEq": _text(adjusted - initial - frozen), "imr": _text(initial),
            "mgnRatio": plain(EXACT.divide(adjusted, keep).quantize(_FINE)) if keep else "", "mmr": _text(keep),
            "ordFroz": _text(frozen), "upl": _text(gains),
        }  # fmt: skip
    return {
        "adjEq": row["adjEq"], "availEq": row["availEq"], "borrowFroz": "", "delta": "", "deltaLever": "",
        "deltaNeutralStatus": "", "details": details, "imr": row["imr"], "isoEq": _text(isolated),
        "mgnRatio": row["mgnRatio"], "mmr": row["mmr"], "notionalUsd": row["notionalUsd"],
        "notionalUsdForBorrow": row["notionalUsdForBorrow"], "notionalUsdForFutures": row["notionalUsdForFutures"],
        "notionalUsdForOption": row["notionalUsdForOption"], "notionalUsdForSwap": row["notionalUsdForSwap"],
        "ordFroz": row["ordFroz"], "totalEq": _text(total), "uTime": str(now_ms), "upl": row["upl"],
    }  # fmt: skip


_OF_THE_ACCOUNT = (
    "adjEq", "availEq", "imr", "mgnRatio", "mmr", "notionalUsd", "notionalUsdForBorrow", "notionalUsdForFutures",
    "notionalUsdForOption", "notionalUsdForSwap", "ordFroz", "upl",
)  # fmt: skip


class Part:
    """One currency of an account with the positions that settle in it."""

    __slots__ = (
        "ccy", "equity", "free", "gain", "held", "initial", "isolated", "keep", "options", "own", "risk", "upl",
        "value",
    )  # fmt: skip

    def __init__(self, account: Account, ccy: str, held: Balance, found: list[Standing]) -> None:
        self.ccy, self.held = ccy, held
        self.own = [each for each in found if each.inst.listing.settle == ccy]
        self.upl = self.gain = self.options = self.initial = self.keep = self.isolated = self.value = ZERO
        for each in self.own:
            option = each.inst.type == "OPTION"
            self.options += each.worth
            self.value += each.value
            if each.position.mode == "isolated":
                self.isolated += each.position.margin + (each.worth if option else each.upl)
                self.gain += ZERO if option else each.upl
            else:
                self.upl += ZERO if option else each.upl
                self.initial += each.initial
                self.keep += each.maintenance + each.closing_fee
        self.equity = held.cash + self.upl + self.gain + self.options
        self.free = held.available + self.upl - self.initial
        self.risk: Risk | None = cross_risk(account, ccy, found) if self.initial or self.keep else None

    def collateral(self, rate: Decimal, equity: Decimal) -> Decimal:
        """What ``equity`` counts for in USD; what is owed counts in full."""
        share = discount(self.ccy) if equity > 0 else _ONE
        return EXACT.multiply(EXACT.multiply(equity, rate), share)

    def row(self, rate: Decimal, usd: Decimal) -> dict[str, Json]:
        """The object of ``details``. ``frozenBal`` is all that is bound, ``ordFrozen`` the part behind orders."""
        held, cash, free = self.held, plain(self.held.cash), plain(max(ZERO, self.free))
        ratio = None if self.risk is None else self.risk.ratio
        lent = sum((liability(each.position) for each in self._borrowed()), ZERO)
        return {
            "accAvgPx": "", "autoLendAmt": "0", "autoLendMtAmt": "0", "autoLendStatus": "off", "availBal": free,
            "availEq": free, "borrowFroz": "0", "cashBal": cash, "ccy": self.ccy, "clSpotInUseAmt": "",
            "coinUsdPrice": plain(rate), "colBorrAutoConversion": "0", "colRes": "0", "collateralEnabled": False,
            "collateralRestrict": False, "crossLiab": plain(lent),
            "disEq": _text(self.collateral(rate, self.equity)), "eq": _text(self.equity),
            "eqUsd": _text(usd), "fixedBal": "0", "frozenBal": plain(held.frozen + held.margin + self.initial),
            "frpType": "0", "imr": plain(self.initial), "interest": "0", "isoEq": plain(self.isolated),
            "isoLiab": "0", "isoUpl": plain(self.gain), "liab": plain(lent), "maxLoan": "0",
            "maxSpotInUseAmt": "", "mgnRatio": "" if ratio is None else plain(ratio), "mmr": plain(self.keep),
            "notionalLever": plain((self.value / self.equity).quantize(_FINE)) if self.equity > 0 else "0",
            "openAvgPx": "", "ordFrozen": plain(held.frozen), "rewardBal": "0", "smtSyncEq": "0", "spotBal": "",
            "spotCopyTradingEq": "0", "spotInUseAmt": "", "spotIsoBal": "0", "spotUpl": "", "spotUplRatio": "",
            "stgyEq": "0", "totalPnl": "", "totalPnlRatio": "", "twap": "0", "uTime": str(held.updated_ms),
            "upl": plain(self.upl), "uplLiab": "0",
        }  # fmt: skip

    def _borrowed(self) -> list[Standing]:
        """Long margin positions: what they have borrowed is in this currency, their quote currency."""
        return [each for each in self.own if each.inst.type == "MARGIN" and each.position.long]


def _notional(found: list[Standing], kind: str, venue: Venue, now_ms: int) -> Decimal:
    total = ZERO
    for each in found:
        if kind in ("", each.inst.type):
            total += EXACT.multiply(each.value, venue.usd(each.inst.listing.settle, now_ms))
    return total.quantize(_FINE)


def _text(amount: Decimal) -> str:
    return plain(amount) if not amount or amount.as_tuple().exponent >= -16 else plain(amount.quantize(_FINE))  # type: ignore[operator]


def position_rows(venue: Venue, account: Account, now_ms: int) -> list[dict[str, Json]]:
    """All open positions."""
    found = standings(venue, account, now_ms)
    return [position_row(venue, account, each, found, now_ms) for each in found]


_BLANK: dict[str, Json] = dict.fromkeys(
    (
        "baseBal", "baseBorrowed", "baseInterest", "bizRefId", "bizRefType", "clSpotInUseAmt", "deltaBS", "deltaPA",
        "gammaBS", "gammaPA", "hedgedPos", "interest", "liab", "liabCcy", "maxSpotInUseAmt", "nonSettleAvgPx", "optVal",
        "posCcy", "quoteBal", "quoteBorrowed", "quoteInterest", "settledPnl", "spotInUseAmt", "spotInUseCcy", "thetaBS",
        "thetaPA", "vegaBS", "vegaPA", "mgnRatio", "liqPx",
    ),
    "",
)  # fmt: skip


def position_row(venue: Venue, account: Account, each: Standing, found: list[Standing], now_ms: int) -> dict[str, Json]:
    """The object of account/positions. ``availPos`` is only told where orders can only close (long/short mode)."""
    position, inst = each.position, each.inst
    cross = position.mode == "cross"
    risk = cross_risk(account, inst.listing.settle, found) if cross else isolated_risk(each)
    last = venue.price(inst, now_ms)
    by_last = profit(inst, position, last).quantize(_FINE)
    base = EXACT.divide(position.cost, Decimal(position.lever)) if position.lever else position.cost
    ratios = [plain(EXACT.divide(gain, base).quantize(_FINE)) if base else "0" for gain in (each.upl, by_last)]
    size = abs(position.quantity)
    waiting = ZERO
    if position.side != "net":
        closing = "sell" if position.long else "buy"
        orders = venue.orders.of_position(account.uid, inst.id, position.side, position.mode)
        waiting = sum((order.remaining for order in orders if order.side == closing), ZERO)
    usd = EXACT.multiply(each.value, venue.usd(inst.listing.settle, now_ms)).quantize(_FINE)
    price = liquidation_price(each, risk)
    average = plain(position.average.quantize(_FINE))
    row: dict[str, Json] = {
        **_BLANK,
        "adl": "1", "availPos": "" if position.side == "net" else plain(max(ZERO, size - waiting)), "avgPx": average,
        "bePx": average, "cTime": str(position.opened_ms), "ccy": inst.listing.settle,
        "closeOrderAlgo": venue.closing_algos(account.uid, inst.id, position.side),
        "fee": plain(position.fee), "fundingFee": plain(position.funding),
        "idxPx": plain(prices.index(venue, prices.index_of(inst), now_ms) or last),
        "imr": plain(each.initial) if cross else "", "instId": inst.id, "instType": inst.type, "last": plain(last),
        "lever": position.lever, "liqPenalty": plain(position.penalty),
        "liqPx": "" if price is None else plain(price), "margin": "" if cross else plain(position.margin),
        "markPx": plain(each.mark), "mgnMode": position.mode,
        "mgnRatio": "" if risk.ratio is None else plain(risk.ratio), "mmr": plain(each.maintenance),
        "notionalUsd": plain(usd), "pTime": str(now_ms), "pendingCloseOrdLiabVal": "0",
        "pnl": plain(position.realized), "pos": plain(position.quantity), "posId": position.position_id,
        "posSide": position.side,
        "realizedPnl": plain(position.realized + position.fee + position.funding + position.penalty),
        "tradeId": position.last_trade, "uTime": str(position.updated_ms), "upl": plain(each.upl),
        "uplLastPx": plain(by_last), "uplRatio": ratios[0], "uplRatioLastPx": ratios[1],
        "usdPx": plain(venue.usd(inst.listing.settle, now_ms)),
    }  # fmt: skip
    if inst.type == "OPTION":
        row["optVal"] = plain(each.worth)
    if inst.type == "MARGIN":
        # What is held is the base currency of a long, the quote currency of a short position; it counts as positive.
        row["posCcy"] = inst.listing.base if position.long else inst.listing.quote
        row["liabCcy"] = inst.listing.quote if position.long else inst.listing.base
        row["liab"] = plain(-liability(position))
        row["interest"] = plain(position.interest)
        row["pos"] = plain(size if position.long else position.cost)
        row["availPos"] = row["pos"]
    return row
