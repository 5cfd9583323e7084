"""What an order asks for, in words, and whether its size is right in another unit than the exchange reads it. Pure.

OKX counts contracts for derivatives, quote currency for spot market buys without tgtCcy, and base currency otherwise. A
size that breaks a rule as it is read, and breaks none when it is read in the unit that other exchanges use, was most
likely meant in that unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from okxdoctor.okx.account_modes import DERIVATIVES
from okxdoctor.okx.json_text import Json
from okxdoctor.okx.order_view import Breach, Place, contract_value, fraction, number, shown, size_in_quote, word
from okxdoctor.okx.precision import PrecisionError, round_size
from okxdoctor.trading_facts import ListedInstrument

_TOO_SMALL, _TOO_LARGE, _UNPAID = (
    "precision.size-below-minimum",
    "precision.size-above-maximum",
    "order.insufficient-funds",
)
FAR = 8
"""So many times more than there is: contracts are worth 10, 100 or 1000 units where they are worth more than one."""


def other_unit(
    order: Mapping[str, Json], listed: ListedInstrument, place: Place, found: tuple[Breach, ...]
) -> Iterator[Breach]:
    """The breach of an order whose size breaks a rule, and is right in another unit. ``found``: what else it breaks."""
    causes = {breach.cause for breach in found if breach.parameter == "sz" and _far(breach)}
    size = fraction(number(order, "sz"))
    if size is None or size <= 0 or not causes & {_TOO_SMALL, _TOO_LARGE, _UNPAID}:
        return
    if listed.type in DERIVATIVES:
        yield from _coins(order, listed, size, causes)
    elif listed.type == "SPOT" and word(order, "ordType") == "market" and not word(order, "tgtCcy"):
        yield from _base_or_quote(order, listed, place, size, causes)
    elif listed.type == "SPOT" and _UNPAID in causes:
        yield from _limit_in_quote(order, listed, place, size)


def _far(breach: Breach) -> bool:
    """Whether a size is wrong by more than a miscalculation: money may just be short."""
    if breach.cause != _UNPAID:
        return True
    needs, has = (fraction(str(breach.evidence.get(name, "")).partition(" ")[0]) for name in ("needs", "has"))
    return needs is not None and has is not None and needs > has * FAR


def _coins(order: Mapping[str, Json], listed: ListedInstrument, size: Fraction, causes: set[str]) -> Iterator[Breach]:
    value = contract_value(listed)
    if value is None or value == 1:
        return
    contracts = size / value
    # Too little in contracts is more in coins, where a contract is less than a coin, and the reverse.
    if (_TOO_SMALL in causes) != (contracts > size) or not _fits(contracts, listed):
        return
    coin, asked = listed.value("ctValCcy"), word(order, "sz")
    yield Breach(
        cause="order.unit-confusion",
        codes=(),
        parameter="sz",
        says=f"sz {asked} is {asked} contracts = {shown(size * value)} {coin}; {asked} {coin} are {shown(contracts)} "
        "contracts",
        evidence={
            "sz": asked,
            "read_as": f"{asked} contracts = {shown(size * value)} {coin}",
            "meant_perhaps": f"{asked} {coin} = {shown(contracts)} contracts",
            "contract_value": f"{shown(value)} {coin}",
        },
        fix=(("sz", shown(contracts)),),
        sure=False,
        mild=True,
    )


def _base_or_quote(
    order: Mapping[str, Json], listed: ListedInstrument, place: Place, size: Fraction, causes: set[str]
) -> Iterator[Breach]:
    last = place.price(listed.inst_id)
    if not last:
        return
    base, quote, asked = listed.value("baseCcy"), listed.value("quoteCcy"), word(order, "sz")
    if size_in_quote(order, listed):
        read, other, target, right = quote, base, "base_ccy", _TOO_SMALL in causes and _fits(size, listed)
    else:
        meant = round_size(shown(size / last, digits=30), lot=listed.value("lotSz"), minimum=listed.value("minSz"))
        read, other, target, right = base, quote, "quote_ccy", _TOO_SMALL not in causes and meant is not None
    if not right:
        return
    yield Breach(
        cause="order.unit-confusion",
        codes=(),
        parameter="tgtCcy",
        says=f"sz {asked} of a market {word(order, 'side')} without tgtCcy is {asked} {read}; as {asked} {other} it "
        "would be right",
        evidence={
            "sz": asked,
            "read_as": f"{asked} {read}",
            "meant_perhaps": f"{asked} {other}",
            "last_price": shown(last),
        },
        fix=(("tgtCcy", target),),
        sure=False,
        mild=True,
    )


def _limit_in_quote(
    order: Mapping[str, Json], listed: ListedInstrument, place: Place, size: Fraction
) -> Iterator[Breach]:
    """A limit order's size counts the base currency. So large a one that can be paid for as an amount of quote
    currency was most likely meant as one."""
    price, asked, side = fraction(number(order, "px")), word(order, "sz"), word(order, "side")
    base, quote = listed.value("baseCcy"), listed.value("quoteCcy")
    spent, amount = (quote, size) if side == "buy" else (base, size / price if price else size)
    held = next((fraction(one.available) for one in place.holdings or () if one.ccy == spent), None)
    if not price or price <= 0 or held is None or amount > held:
        return
    try:
        meant = round_size(shown(size / price, digits=30), lot=listed.value("lotSz"), minimum=listed.value("minSz"))
    except PrecisionError:  # a listing whose lot makes no sense
        return
    if meant is None:
        return
    yield Breach(
        cause="order.unit-confusion",
        codes=(),
        parameter="sz",
        says=f"sz {asked} of a limit order is {asked} {base}; {asked} {quote} at this price are {meant} {base}",
        evidence={
            "sz": asked,
            "read_as": f"{asked} {base} = {shown(size * price, digits=6)} {quote}",
            "meant_perhaps": f"{asked} {quote} = {meant} {base}",
        },
        fix=(("sz", meant),),
        sure=False,
        mild=True,
    )


def _fits(size: Fraction, listed: ListedInstrument) -> bool:
    """Whether a size is on the lot and within minimum and maximum."""
    text = shown(size, digits=40)
    maximum = fraction(listed.value("maxLmtSz"))
    try:
        return round_size(text, lot=listed.value("lotSz"), minimum=listed.value("minSz")) == text and (
            maximum is None or size <= maximum
        )
    except PrecisionError:
        return False


def means(order: Mapping[str, Json], listed: ListedInstrument, place: Place) -> str:
    """The order in one sentence: ``buy 2 contracts of BTC-USDT-SWAP = 0.02 BTC at 60000, worth 1200 USDT``."""
    size, side = fraction(number(order, "sz")), word(order, "side")
    if size is None or side not in ("buy", "sell"):
        return ""
    price = fraction(number(order, "px")) or place.price(listed.inst_id)
    at = f" at {word(order, 'px')}" if word(order, "px") else " at the market"
    if listed.type in DERIVATIVES:
        value = contract_value(listed)
        if value is None:
            return ""
        coins = f"{shown(size * value)} {listed.value('ctValCcy')}"
        linear = listed.value("ctType") != "inverse"
        worth = (
            f", worth {shown(size * value * price, digits=6)} {listed.value('settleCcy')}" if price and linear else ""
        )
        return f"{side} {shown(size)} contracts of {listed.inst_id} = {coins}{at}{worth}"
    base, quote = listed.value("baseCcy"), listed.value("quoteCcy")
    if size_in_quote(order, listed):
        about = f", about {shown(size / price, digits=6)} {base}" if price else ""
        return f"{side} {listed.inst_id} for {shown(size)} {quote}{at}{about}"
    worth = f", worth {shown(size * price, digits=6)} {quote}" if price else ""
    return f"{side} {shown(size)} {base}{at}{worth}"
