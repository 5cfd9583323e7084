"""What positions are worth and what they need: value, profit, initial and maintenance margin, free money.

Cross positions are valued at the mark price, so what is free of a currency goes up and down with it; an isolated
position has its margin set aside when it is opened. Everything is in the settlement currency (in margin trading the
quote currency; that margin is kept in it is assumed). What has to be divided is rounded once.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from . import prices
from .accounts import MAKER_FEE, SWAP_MAKER_FEE, SWAP_TAKER_FEE, TAKER_FEE, ZERO, Account, Position
from .decimals import EXACT
from .instruments import Instrument
from .tiers import maintenance_rate
from .venue import Venue

VALUE = Decimal(1).scaleb(-16)
_MARGIN = Decimal(1).scaleb(-12)

DELIVERED = "D"
"""The role of the exchange's own execution at an expiry."""
DELIVERY_FEE = Decimal("0.0001")
OPTION_FEES = {"M": Decimal("0.0002"), "T": Decimal("0.0003"), DELIVERED: Decimal("0.0002")}
OPTION_FEE_CAP = Decimal("0.07")
"""The fee on an option is a share of the underlying value, at most this share of the premium (assumed)."""
SHORT_OPTION = (Decimal("0.15"), Decimal("0.1"), Decimal("0.075"))
"""Initial margin at the money, its least, and maintenance margin of a short option, as shares of the underlying."""


def lever(account: Account, inst: Instrument, mode: str, side: str = "net") -> str:
    """The leverage in force for an instrument, a margin mode and the side of a position; '' for options."""
    return "" if inst.type == "OPTION" else account.leverage.get(lever_level(account, inst, mode, side), "3")


def lever_level(account: Account, inst: Instrument, mode: str, side: str) -> tuple[str, str]:
    """What a leverage is kept for: futures on cross margin share one by their family, and isolated positions of
    long/short mode have one for each side."""
    if inst.type == "FUTURES" and mode == "cross":
        return f"{inst.type} {inst.listing.family}", mode
    if mode == "isolated" and two_sided(account, inst):
        return inst.id, f"{mode} {side}"
    return inst.id, mode


def two_sided(account: Account, inst: Instrument) -> bool:
    """Whether long and short positions in ``inst`` stand beside each other."""
    return account.position_mode == "long_short_mode" and inst.type in ("SWAP", "FUTURES")


def notional(inst: Instrument, size: Decimal, price: Decimal) -> Decimal:
    """Value of ``size`` contracts at ``price`` in the settlement currency; of options, the premium."""
    value = EXACT.multiply(Decimal(inst.listing.ct_val), Decimal(inst.listing.ct_mult or "1"))
    if straight(inst):
        return EXACT.multiply(EXACT.multiply(size, value), price)
    return EXACT.quantize(EXACT.divide(EXACT.multiply(size, value), price), VALUE)


def straight(inst: Instrument) -> bool:
    """Whether the value of a contract rises with the price (an inverse contract's falls)."""
    return inst.linear or inst.type == "OPTION"


def margin_of(value: Decimal, leverage: str) -> Decimal:
    """Initial margin of a position worth ``value``."""
    return EXACT.divide(value, Decimal(leverage)).quantize(_MARGIN, ROUND_CEILING, context=EXACT)


def opening_need(value: Decimal, leverage: str, rate: Decimal = SWAP_TAKER_FEE) -> Decimal:
    """What an order that opens ``value`` holds: initial margin and the taker's fee."""
    fee = EXACT.multiply(value, rate).quantize(_MARGIN, ROUND_CEILING, context=EXACT)
    return EXACT.add(margin_of(value, leverage), fee)


def fee_rate(inst: Instrument, role: str) -> Decimal:
    """The regular rate; ``role`` is M or T."""
    if inst.type == "OPTION":
        return OPTION_FEES.get(role, OPTION_FEES["T"])
    if inst.type in ("SPOT", "MARGIN"):
        return MAKER_FEE if role == "M" else TAKER_FEE
    return SWAP_MAKER_FEE if role == "M" else SWAP_TAKER_FEE


def fee_of(venue: Venue, inst: Instrument, size: Decimal, price: Decimal, role: str, now_ms: int) -> Decimal:
    """What an execution (role M, T or ``DELIVERED``) costs, not negative, in the settlement currency."""
    premium = notional(inst, size, price)
    if inst.type != "OPTION":
        return EXACT.multiply(premium, DELIVERY_FEE if role == DELIVERED else fee_rate(inst, role))
    fee = EXACT.multiply(underlying(venue, inst, size, now_ms), OPTION_FEES[role])
    return min(fee, EXACT.multiply(premium, OPTION_FEE_CAP))


def underlying(venue: Venue, inst: Instrument, size: Decimal, now_ms: int) -> Decimal:
    """What ``size`` options stand for, in the settlement currency."""
    amount = EXACT.multiply(size, EXACT.multiply(Decimal(inst.listing.ct_val), Decimal(inst.listing.ct_mult or "1")))
    if not inst.linear:
        return amount
    return EXACT.multiply(amount, prices.index(venue, prices.index_of(inst), now_ms) or ZERO)


def short_option(venue: Venue, inst: Instrument, size: Decimal, price: Decimal, now_ms: int) -> tuple[Decimal, Decimal]:
    """Initial margin (their price included) and maintenance margin (without it) of ``size`` sold options."""
    spot = prices.index(venue, prices.index_of(inst), now_ms) or Decimal(1)
    away = Decimal(inst.listing.strike) - spot
    away = away if inst.listing.option_type == "C" else -away
    money, least, keep = SHORT_OPTION
    share = max(money - max(ZERO, away) / spot, least)
    base, premium = underlying(venue, inst, size, now_ms), notional(inst, size, price)
    return (base * share + premium).quantize(_MARGIN), (base * keep).quantize(_MARGIN)


def profit(inst: Instrument, position: Position, price: Decimal) -> Decimal:
    """What closing the whole position at ``price`` would bring, fees aside."""
    gain = notional(inst, abs(position.quantity), price) - position.cost
    return gain if position.long == straight(inst) else -gain


def liability(position: Position) -> Decimal:
    """What a margin position has borrowed: quote currency when long, base currency when short."""
    return position.cost if position.long else abs(position.quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One position at the mark price. ``worth`` is the option value; zero for everything else."""

    inst: Instrument
    position: Position
    mark: Decimal
    value: Decimal
    upl: Decimal
    initial: Decimal
    maintenance: Decimal
    closing_fee: Decimal
    worth: Decimal = ZERO


def standing(venue: Venue, position: Position, now_ms: int) -> Standing | None:
    """How ``position`` stands; None when its instrument is not listed any more."""
    inst = venue.traded(position.inst_id, position.inst_type)
    if inst is None or not inst.trades:
        return None
    mark = prices.mark(venue, inst, now_ms)
    size = abs(position.quantity)
    value, upl = notional(inst, size, mark), profit(inst, position, mark).quantize(_MARGIN)
    fee = fee_of(venue, inst, size, mark, "T", now_ms).quantize(_MARGIN)
    if inst.type == "OPTION":
        initial, keep = (ZERO, ZERO) if position.long else short_option(venue, inst, size, mark, now_ms)
        worth = value if position.long else -value
        return Standing(
            inst=inst, position=position, mark=mark, value=value, upl=upl, initial=initial, maintenance=keep,
            closing_fee=ZERO if position.long else fee, worth=worth,
        )  # fmt: skip
    return Standing(
        inst=inst, position=position, mark=mark, value=value, upl=upl, initial=margin_of(value, position.lever),
        maintenance=EXACT.multiply(value, maintenance_rate(inst, size)).quantize(_MARGIN), closing_fee=fee,
    )  # fmt: skip


def standings(venue: Venue, account: Account, now_ms: int) -> list[Standing]:
    """All positions of an account."""
    found = (standing(venue, position, now_ms) for position in account.positions.values())
    return [each for each in found if each is not None]


def free(venue: Venue, account: Account, ccy: str, now_ms: int) -> Decimal:
    """What may be spent or bound of ``ccy``; negative when positions have lost more than there is.

    The value of bought options is not free; what was received for sold ones is bound by their margin.
    """
    held = account.balances.get(ccy)
    left = ZERO if held is None else held.available
    for each in standings(venue, account, now_ms) if account.positions else ():
        if each.position.mode == "cross" and each.inst.listing.settle == ccy:
            left += (ZERO if each.inst.type == "OPTION" else each.upl) - each.initial
    return left


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """What is there to cover positions, and what must be."""

    equity: Decimal
    need: Decimal

    @property
    def spent(self) -> bool:
        return bool(self.need) and self.equity <= self.need

    @property
    def ratio(self) -> Decimal | None:
        """The margin ratio: liquidation at 1; None without need."""
        return EXACT.divide(self.equity, self.need).quantize(Decimal("1e-10")) if self.need else None


def cross_risk(account: Account, ccy: str, all_standings: list[Standing]) -> Risk:
    """The risk of the cross positions that settle in ``ccy``."""
    held = account.balances.get(ccy)
    equity, need = (ZERO if held is None else held.cash - held.margin), ZERO
    for each in all_standings:
        if each.position.mode == "cross" and each.inst.listing.settle == ccy:
            equity += each.worth if each.inst.type == "OPTION" else each.upl
            need += each.maintenance + each.closing_fee
    return Risk(equity=equity, need=need)


def isolated_risk(each: Standing) -> Risk:
    """The risk of one isolated position."""
    equity = each.position.margin + (each.worth if each.inst.type == "OPTION" else each.upl)
    return Risk(equity=equity, need=each.maintenance + each.closing_fee)


def liquidation_price(each: Standing, risk: Risk) -> Decimal | None:
    """The mark price at which ``risk`` is spent if nothing else moves; None where there is none."""
    if each.inst.type == "OPTION" or not each.position.quantity or not each.value:
        return None
    rate = EXACT.divide(each.maintenance + each.closing_fee, each.value)
    others = risk.equity - (risk.need - each.maintenance - each.closing_fee)
    up = 1 if each.position.long else -1
    if each.inst.linear:
        # others + up * (P/mark - 1) * value = rate * value * P/mark
        below = (up - rate) * each.value
        found = EXACT.divide((up * each.value - others) * each.mark, below) if below else None
    else:
        # others + up * (1 - mark/P) * value = rate * value * mark/P
        below = others + up * each.value
        found = EXACT.divide((up + rate) * each.value * each.mark, below) if below else None
    return found.quantize(Decimal("1e-10")) if found is not None and found > 0 else None
