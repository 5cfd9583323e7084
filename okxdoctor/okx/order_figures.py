"""Price and size of an order against the instrument's figures: tick, band, lot, minimum, maximum. Pure and exact.

Each limit is compared in the unit that it has: the market maximum of spot counts USDT, those of derivatives count
contracts, the amount limits USD. See `order_rules` for source and grade.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

from okxdoctor.model import Json as Value
from okxdoctor.okx.account_modes import SIDED
from okxdoctor.okx.json_text import Json
from okxdoctor.okx.off_grid import AboveMaximum, BelowMinimum, OffLot, size_faults, why_off_tick
from okxdoctor.okx.order_view import Breach, Place, contract_value, fraction, grid, number, shown, size_in_quote, word
from okxdoctor.okx.order_wire import WRONG
from okxdoctor.okx.precision import PrecisionError, round_price, round_size
from okxdoctor.trading_facts import ListedInstrument

PRICED = ("limit", "post_only", "fok", "ioc")
_STABLE = ("USD", "USDT", "USDC")


def above_zero(order: Mapping[str, Json]) -> Iterator[Breach]:
    """Whatever the instrument: a price and a size below or at zero."""
    meant = {"px": "price"} if word(order, "ordType") in PRICED else {}
    for name, noun in (meant | {"sz": "size"}).items():
        amount = fraction(number(order, name))
        if amount is not None and amount <= 0:
            yield Breach(
                cause="order.parameter-invalid",
                codes=(WRONG,),
                parameter=name,
                says=f"{name} is {number(order, name)}; a {noun} is above zero",
                evidence={name: number(order, name)},
            )


# ---- the price -----------------------------------------------------------------------------------


def priced(order: Mapping[str, Json], listed: ListedInstrument, place: Place) -> Iterator[Breach]:
    asked = word(order, "px")
    price = fraction(number(order, "px"))
    if word(order, "ordType") not in PRICED or price is None or price <= 0:
        return
    yield from _off_tick(asked, order, listed)
    yield from _takes(asked, price, order, listed, place)
    limits = next((one for one in place.limits if one.inst_id == listed.inst_id), None)
    if limits is None or word(order, "pxAmendType") == "1":
        return
    highest, lowest = fraction(limits.highest_buy), fraction(limits.lowest_sell)
    price = _rounded(asked, price, listed)
    evidence: dict[str, Value] = {
        "px": asked,
        "highest_buy": limits.highest_buy or "none",
        "lowest_sell": limits.lowest_sell or "none",
    }
    if word(order, "side") == "buy" and highest is not None and price > highest:
        yield Breach(
            cause="order.price-out-of-band",
            codes=("51137", "51006"),
            parameter="px",
            says=f"px {asked} > {limits.highest_buy}, the highest price of a buy of {listed.inst_id} now",
            evidence=evidence,
            fix=(("px", limits.highest_buy), ("pxAmendType", "1")),
        )
    elif word(order, "side") == "sell" and lowest is not None and price < lowest:
        yield Breach(
            cause="order.price-out-of-band",
            codes=("51138", "51006"),
            parameter="px",
            says=f"px {asked} < {limits.lowest_sell}, the lowest price of a sell of {listed.inst_id} now",
            evidence=evidence,
            fix=(("px", limits.lowest_sell), ("pxAmendType", "1")),
        )


def _takes(
    asked: str, price: Fraction, order: Mapping[str, Json], listed: ListedInstrument, place: Place
) -> Iterator[Breach]:
    """A post-only order that would trade at once: it is accepted and cancelled in the same moment."""
    side = word(order, "side")
    bid, ask = next(((bid, ask) for name, bid, ask in place.best if name == listed.inst_id), ("", ""))
    facing, own = (ask, bid) if side == "buy" else (bid, ask)
    best = fraction(facing)
    if word(order, "ordType") != "post_only" or side not in ("buy", "sell") or best is None or best <= 0:
        return
    if price >= best if side == "buy" else price <= best:
        yield Breach(
            cause="order.parameter-invalid",
            codes=(),
            parameter="px",
            says=f"a post_only {side} at {asked} would trade at once with the best {'ask' if side == 'buy' else 'bid'} "
            f"of {facing}, and is cancelled instead (cancelSource 31)",
            evidence={"px": asked, "best_bid": bid or "none", "best_ask": ask or "none", "ordType": "post_only"},
            fix=(("px", own),) if own else (),
            sure=False,
            mild=True,
        )


def _rounded(asked: str, price: Fraction, listed: ListedInstrument) -> Fraction:
    """The price that is compared with the limits: of an option, the nearest one on the grid (documented)."""
    ticks = grid(listed)
    if listed.type != "OPTION" or ticks is None:
        return price
    try:
        return fraction(round_price(asked, grid=ticks, mode="nearest")) or price
    except PrecisionError:  # a listing whose ticks make no sense
        return price


def _off_tick(asked: str, order: Mapping[str, Json], listed: ListedInstrument) -> Iterator[Breach]:
    ticks = grid(listed)
    if ticks is None:
        return
    try:
        off = why_off_tick(asked, ticks)
    except PrecisionError:  # a listing whose ticks make no sense
        return
    if off is None:
        return
    passive, other = (off.below, off.above) if word(order, "side") == "buy" else (off.above, off.below)
    quiet = listed.type == "OPTION"
    yield Breach(
        cause="precision.price-off-tick",
        codes=() if quiet else ("51150",),
        parameter="px",
        says=f"px {asked} is no multiple of {off.tick}, the tick of {listed.inst_id}"
        + (" at this price" if listed.bands else "")
        + ("; the exchange rounds it without a word" if quiet else ""),
        evidence={"px": asked, "tick": off.tick, "below": off.below, "above": off.above, "banded": bool(listed.bands)},
        fix=tuple(("px", each) for each in (passive, other) if each != "0"),
        mild=quiet,
    )


# ---- the size ------------------------------------------------------------------------------------


def sized(order: Mapping[str, Json], listed: ListedInstrument, place: Place) -> Iterator[Breach]:
    asked = number(order, "sz")
    size = fraction(asked)
    if size is None or size <= 0:
        return
    try:
        yield from (
            _in_quote(asked, size, order, listed, place)
            if size_in_quote(order, listed)
            else _in_units(asked, size, order, listed, place)
        )
    except PrecisionError:  # a listing whose lot or maximum makes no sense
        return


def unit_of(listed: ListedInstrument) -> str:
    """What a limit order's size counts."""
    return listed.value("baseCcy") if listed.type == "SPOT" else "contracts"


def _in_units(
    asked: str, size: Fraction, order: Mapping[str, Json], listed: ListedInstrument, place: Place
) -> Iterator[Breach]:
    lot, minimum, unit = listed.value("lotSz"), listed.value("minSz"), unit_of(listed)
    market = word(order, "ordType") == "market"
    # The market maximum of spot counts USDT, all others the unit of the size.
    counted = not (market and listed.type == "SPOT")
    maximum = listed.value("maxMktSz" if market else "maxLmtSz") if counted else ""
    evidence: dict[str, Value] = {"sz": asked, "unit": unit, "lot": lot, "minimum": minimum}
    faults = size_faults(asked, lot=lot, minimum=minimum, maximum=maximum) if lot else ()
    for fault in faults:
        match fault:
            case OffLot(below=below, above=above):
                good = tuple(each for each in (below, above) if _least(each, minimum))
                yield Breach(
                    cause="precision.size-off-lot",
                    codes=("51121",),
                    parameter="sz",
                    says=f"sz {asked} is no multiple of {lot}, the lot of {listed.inst_id}",
                    evidence={**evidence, "below": below, "above": above},
                    fix=tuple(("sz", each) for each in good or (above,)),
                )
            case BelowMinimum(least=least):
                yield Breach(
                    cause="precision.size-below-minimum",
                    codes=("51020", "51120"),
                    parameter="sz",
                    says=f"sz {asked} {unit} < {minimum}, the minimum of {listed.inst_id}",
                    evidence=evidence,
                    fix=(("sz", least),),
                )
            case AboveMaximum(most=most):
                yield _above(asked, f"{maximum} {unit}", "maxMktSz" if market else "maxLmtSz", market, listed, most)
    price = fraction(number(order, "px")) if not market else place.price(listed.inst_id)
    if price is None or not lot or any(isinstance(fault, AboveMaximum) for fault in faults):
        return
    worth = _usd(size, price, listed)
    if worth is not None:
        if market and listed.type == "SPOT":
            yield from _over_amount(asked, worth, "maxMktSz", "USDT", price, True, listed)
        yield from _over_amount(asked, worth, "maxMktAmt" if market else "maxLmtAmt", "USD", price, market, listed)


def _least(size: str, minimum: str) -> bool:
    value, least = fraction(size), fraction(minimum)
    return value is not None and value > 0 and (least is None or value >= least)


def _usd(size: Fraction, price: Fraction, listed: ListedInstrument) -> Fraction | None:
    """What the size is worth in USD; None where the price says it in another currency."""
    if listed.type == "SPOT":
        return size * price if listed.value("quoteCcy") in _STABLE else None
    value = contract_value(listed)
    if listed.type not in SIDED or value is None:
        return None
    if listed.value("ctType") == "inverse":
        return size * value
    return size * value * price if listed.value("settleCcy") in _STABLE else None


def _over_amount(
    asked: str, worth: Fraction, name: str, unit: str, price: Fraction, market: bool, listed: ListedInstrument
) -> Iterator[Breach]:
    most = fraction(listed.value(name))
    if most is None or worth <= most:
        return
    size = fraction(asked) or Fraction(0)
    fits = round_size(shown(size * most / worth, digits=20), lot=listed.value("lotSz"), minimum=listed.value("minSz"))
    limit = f"{listed.value(name)} {unit}"
    breach = _above(asked, limit, name, market, listed, fits or "", worth=f"{shown(worth)} {unit}")
    # The value of a market order is an estimate at the last price.
    yield replace(breach, sure=not market or worth > most * Fraction(102, 100))


def _above(
    asked: str, limit: str, name: str, market: bool, listed: ListedInstrument, most: str, *, worth: str = ""
) -> Breach:
    what = f"worth {worth}" if worth else f"{unit_of(listed)}"
    return Breach(
        cause="precision.size-above-maximum",
        codes=("51202", "51201", "51203", "51185") if market else ("51005", "51203", "51185"),
        parameter="sz",
        says=f"sz {asked} ({what}) > {limit}, the {name} of {listed.inst_id}",
        evidence={"sz": asked, "maximum": limit, "field": name} | ({"worth": worth} if worth else {}),
        fix=(("sz", most),) if most and most != "0" else (),
    )


def _in_quote(
    asked: str, size: Fraction, order: Mapping[str, Json], listed: ListedInstrument, place: Place
) -> Iterator[Breach]:
    """A spot market order whose size is an amount of quote currency."""
    last, lot, minimum = place.price(listed.inst_id), listed.value("lotSz"), listed.value("minSz")
    quote, base = listed.value("quoteCcy"), listed.value("baseCcy")
    if not last or not lot:
        return
    gets = round_size(shown(size / last, digits=30), lot=lot, minimum=minimum)
    least = (fraction(minimum) or Fraction(0)) * last
    if gets is None:
        yield Breach(
            cause="precision.size-below-minimum",
            codes=("51020", "51120"),
            parameter="sz",
            says=f"sz {asked} {quote} = {shown(size / last, digits=4)} {base} < {minimum}, the minimum of "
            f"{listed.inst_id}",
            evidence={"sz": asked, "unit": quote, "last_price": shown(last), "minimum": f"{minimum} {base}"},
            fix=(("sz", shown(least * Fraction(101, 100), up=True, digits=4)),),
            sure=size < least * Fraction(98, 100),
        )
    if quote in _STABLE:
        yield from _quote_over(asked, size, listed)


def _quote_over(asked: str, size: Fraction, listed: ListedInstrument) -> Iterator[Breach]:
    for name, unit in (("maxMktSz", "USDT"), ("maxMktAmt", "USD")):
        most = fraction(listed.value(name))
        if most is not None and size > most:
            limit = f"{listed.value(name)} {unit}"
            yield _above(asked, limit, name, True, listed, listed.value(name), worth=f"{asked} {unit}")
            return
