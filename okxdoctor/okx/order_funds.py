"""What an order needs and what the account has: the whole inequality, in exact numbers. Pure.

* spot buy: size × price of quote currency; a market buy in quote its size. The fee is taken from what is bought.
* spot sell: the size of base currency.
* futures and swaps: value / leverage + value × taker rate, of the settlement currency, where value is size × ctVal
  × ctMult × price (linear) or size × ctVal × ctMult / price (inverse). What only closes a position needs nothing.
* options bought: the premium, price × size × ctVal × ctMult.
* pairs traded with margin and options sold: account/max-size alone, because tiers and borrowing decide.

The price is the order's own; where the order would take at once, or is a market order, the last price stands in, and
the verdict is sure only beyond `SLACK`. Then account/max-size, the exchange's own figure, is compared: it knows of
tiers. In multi-currency and portfolio margin all currencies are margin together, so there it alone is compared.

Source: place order, account/balance, account/max-size of the API v5 documentation; error code 51008. Grade: documented.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from okxdoctor.okx.account_modes import SIDED
from okxdoctor.okx.json_text import Json
from okxdoctor.okx.order_view import (
    Breach,
    Place,
    contract_value,
    fraction,
    number,
    product,
    shown,
    size_in_quote,
    word,
)
from okxdoctor.okx.precision import PrecisionError, round_size
from okxdoctor.trading_facts import Holding, ListedInstrument

CODES = ("51008", "51127", "51131", "51119")
SLACK = Fraction(102, 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """``amount`` of ``ccy``; ``terms`` are the factors in words; ``exact``: the price is the order's own."""

    ccy: str
    amount: Fraction
    terms: tuple[tuple[str, str], ...]
    formula: str
    exact: bool


def short_of_funds(order: Mapping[str, Json], listed: ListedInstrument, place: Place) -> Iterator[Breach]:
    """The breach of an order that the account cannot pay for."""
    level = place.account.acct_lv if place.account is not None else ""
    if level in ("3", "4") and product(order, listed) != "SPOT":
        yield from _over_most(order, listed, place)
        return
    need = needs(order, listed, place)
    if need is None:
        # The exchange's own figure is all there is where borrowing and tiers decide.
        if product(order, listed) in ("MARGIN", "OPTION"):
            yield from _over_most(order, listed, place)
        return
    if place.holdings is None:
        return
    held = next((one for one in place.holdings if one.ccy == need.ccy), None)
    has = _free(held, listed)
    if has is None or need.amount <= has:
        # What tiers and other limits leave of it is the exchange's to say.
        yield from _over_most(order, listed, place)
        return
    fits = _affordable(order, listed, has / need.amount)
    frozen = held.frozen if held is not None and (fraction(held.frozen) or 0) > 0 else ""
    hints = [] if fits else [f"Transfer or buy at least {shown(need.amount - has, up=True)} {need.ccy}"]
    if frozen:
        hints.append(f"{frozen} {need.ccy} are held by open orders: GET /api/v5/trade/orders-pending")
    yield Breach(
        cause="order.insufficient-funds",
        codes=CODES,
        parameter="sz",
        says=f"needs {shown(need.amount, up=True)} {need.ccy}, has {shown(has)}, missing "
        f"{shown(need.amount - has, up=True)}: {need.formula}",
        evidence={
            "needs": f"{shown(need.amount, up=True)} {need.ccy}",
            "has": f"{shown(has)} {need.ccy}",
            "missing": f"{shown(need.amount - has, up=True)} {need.ccy}",
            **({"held_by_orders": f"{frozen} {need.ccy}"} if frozen else {}),
            **dict(need.terms),
        },
        fix=(("sz", fits),) if fits else (),
        hints=tuple(hints),
        sure=need.exact or need.amount > has * SLACK,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """Orders that can each be paid for, and not all at once: ``index`` is the first that cannot stand beside the others
    before it, ``count`` how many of them need ``ccy``."""

    index: int
    count: int
    ccy: str
    needs: str
    has: str
    missing: str


def all_at_once(orders: Sequence[Mapping[str, Json]], place: Place) -> Iterator[Shared]:
    """One row for each currency that the resting orders together need more of than there is."""
    if place.holdings is None or (place.account is not None and place.account.acct_lv in ("3", "4")):
        return
    sums: dict[str, Fraction] = {}
    counts: dict[str, int] = {}
    told: set[str] = set()
    for index, order in enumerate(orders):
        listed = place.instrument(word(order, "instId"))
        if listed is None or word(order, "ordType") not in ("limit", "post_only"):
            continue
        need = needs(order, listed, place)
        if need is None or not need.exact or need.ccy in told:
            continue
        sums[need.ccy] = sums.get(need.ccy, Fraction(0)) + need.amount
        counts[need.ccy] = counts.get(need.ccy, 0) + 1
        has = _free(next((one for one in place.holdings if one.ccy == need.ccy), None), listed)
        if has is not None and need.amount <= has < sums[need.ccy]:
            told.add(need.ccy)
            total = sums[need.ccy]
            yield Shared(
                index=index,
                count=counts[need.ccy],
                ccy=need.ccy,
                needs=shown(total, up=True),
                has=shown(has),
                missing=shown(total - has, up=True),
            )


def needs(order: Mapping[str, Json], listed: ListedInstrument, place: Place) -> Need | None:
    """What the order needs; None where it cannot be computed, or is nothing."""
    size, price = fraction(number(order, "sz")), fraction(number(order, "px"))
    side, last = word(order, "side"), place.price(listed.inst_id)
    market = word(order, "ordType") in ("market", "optimal_limit_ioc")
    if size is None or size <= 0 or side not in ("buy", "sell"):
        return None
    if market:
        price = last
    match product(order, listed):
        case "SPOT":
            return _spot(order, listed, size, price, last, market=market)
        case "SWAP" | "FUTURES":
            return _margin(order, listed, place, size, price, last, market=market)
        case "OPTION" if side == "buy" and price is not None:
            value = contract_value(listed)
            if value is None:
                return None
            return Need(
                ccy=listed.value("settleCcy"),
                amount=size * value * price,
                terms=(("contract_value", shown(value)), ("price", shown(price))),
                formula=f"{shown(size)} × {shown(value)} × {shown(price)}",
                exact=False,
            )
        case _:
            return None


def _spot(
    order: Mapping[str, Json],
    listed: ListedInstrument,
    size: Fraction,
    price: Fraction | None,
    last: Fraction | None,
    *,
    market: bool,
) -> Need | None:
    quote, base = listed.value("quoteCcy"), listed.value("baseCcy")
    in_quote = size_in_quote(order, listed)
    if word(order, "side") == "buy":
        if in_quote:
            return Need(ccy=quote, amount=size, terms=(), formula=f"sz {shown(size)} {quote}", exact=True)
        if price is None:
            return None
        return Need(
            ccy=quote,
            amount=size * price,
            terms=(("size", f"{shown(size)} {base}"), ("price", f"{shown(price)} {quote}")),
            formula=f"{shown(size)} {base} × {shown(price)}",
            exact=not market,
        )
    if in_quote:
        if not last:
            return None
        return Need(
            ccy=base,
            amount=size / last,
            terms=(("last_price", shown(last)),),
            formula=f"{shown(size)} {quote} / {shown(last)}",
            exact=False,
        )
    return Need(ccy=base, amount=size, terms=(), formula=f"sz {shown(size)} {base}", exact=True)


def _margin(
    order: Mapping[str, Json],
    listed: ListedInstrument,
    place: Place,
    size: Fraction,
    price: Fraction | None,
    last: Fraction | None,
    *,
    market: bool,
) -> Need | None:
    value, mode, side = contract_value(listed), word(order, "tdMode"), word(order, "side")
    lever, rate = _leverage(order, listed, place), _taker(listed, place)
    if value is None or not price or not lever or place.positions is None:
        return None
    takes = market or (last is not None and (price >= last if side == "buy" else price <= last))
    if takes and last and not market:
        price = last if side == "sell" else price
    opening = max(Fraction(0), size - _closes(order, place, listed.inst_id, mode, side))
    inverse = listed.value("ctType") == "inverse"
    worth = opening * value / price if inverse else opening * value * price
    if not worth:
        return None
    ccy = listed.value("settleCcy")
    sign = "/" if inverse else "×"
    known = rate is not None
    fee = worth * (rate or 0)
    return Need(
        ccy=ccy,
        amount=worth / lever + fee,
        terms=(
            ("contracts", shown(opening)),
            ("contract_value", f"{shown(value)} {listed.value('ctValCcy')}"),
            ("price", shown(price)),
            ("leverage", shown(lever)),
            ("margin", f"{shown(worth / lever, up=True)} {ccy}"),
            ("fee", f"{shown(fee, up=True)} {ccy}" if known else "not known"),
        ),
        formula=f"{shown(opening)} × {shown(value)} {sign} {shown(price)} / {shown(lever)}"
        + (f" + fee {shown(fee, up=True, digits=4)}" if known else ""),
        exact=not takes and known,
    )


def _leverage(order: Mapping[str, Json], listed: ListedInstrument, place: Place) -> Fraction | None:
    rows = [
        one
        for one in place.leverages
        if (one.inst_id, one.margin_mode) == (listed.inst_id, word(order, "tdMode"))
    ]  # fmt: skip
    side = word(order, "posSide") or "net"
    best = next((one for one in rows if one.position_side == side), rows[0] if rows else None)
    return fraction(best.lever) if best is not None else None


def _taker(listed: ListedInstrument, place: Place) -> Fraction | None:
    """The rate as a charge; a rebate for takers is none."""
    group = listed.value("settleCcy") if listed.value("settleCcy") in ("USDT", "USDC") else ""
    for wanted in (group, ""):
        for kind, ccy, rate in place.taker:
            found = fraction(rate)
            if (kind, ccy) == (listed.type, wanted) and found is not None:
                return max(Fraction(0), -found)
    return None


def _closes(order: Mapping[str, Json], place: Place, inst_id: str, mode: str, side: str) -> Fraction:
    """Contracts of the order that close what is open, and so need no margin."""
    given = word(order, "posSide") or "net"
    for one in place.positions or ():
        if (one.inst_id, one.margin_mode, one.side) != (inst_id, mode, given):
            continue
        quantity = fraction(one.quantity) or Fraction(0)
        long = given == "long" or (given == "net" and quantity > 0)
        if quantity and (side == "sell") == long:
            return abs(quantity)
    return Fraction(0)


def _may_close(order: Mapping[str, Json], listed: ListedInstrument, place: Place) -> bool:
    """Whether margin is lent for the pair, or that is not known: a position's quantity there has no sign."""
    if product(order, listed) != "MARGIN":
        return False
    mine = (listed.inst_id, word(order, "tdMode"))
    return place.positions is None or any(
        (one.inst_id, one.margin_mode) == mine and fraction(one.quantity) for one in place.positions
    )


def _free(held: Holding | None, listed: ListedInstrument) -> Fraction | None:
    """What can be spent of a currency: nothing of one that is not held, None where the figure is no number."""
    if held is None:
        return Fraction(0)
    told = fraction((held.margin or held.available) if listed.type in SIDED else held.available)
    return None if told is None else max(Fraction(0), told)


def _affordable(order: Mapping[str, Json], listed: ListedInstrument, share: Fraction) -> str:
    """The largest size of this order that can be paid for; "" where none can."""
    size = fraction(number(order, "sz")) or Fraction(0)
    lot, minimum = listed.value("lotSz"), listed.value("minSz")
    in_quote = size_in_quote(order, listed)
    try:
        text = shown(size * share, digits=20)
        return (text if in_quote else round_size(text, lot=lot, minimum=minimum)) or ""
    except PrecisionError:
        return ""


def _over_most(order: Mapping[str, Json], listed: ListedInstrument, place: Place) -> Iterator[Breach]:
    size, side = fraction(number(order, "sz")), word(order, "side")
    key = (listed.inst_id, word(order, "tdMode"), word(order, "px"))
    row = next((one for one in place.most if (one.inst_id, one.mode, one.px) == key), None)
    if row is None or size is None or word(order, "reduceOnly").lower() == "true" or size_in_quote(order, listed):
        return
    if _closes(order, place, listed.inst_id, word(order, "tdMode"), side) or _may_close(order, listed, place):
        return  # what can be opened says nothing of what can be closed
    most = fraction(row.buy if side == "buy" else row.sell)
    if most is None or size <= most:
        return
    unit = "contracts" if listed.type != "SPOT" else listed.value("baseCcy")
    fits = _affordable(order, listed, most / size)
    yield Breach(
        cause="order.insufficient-funds",
        codes=(*CODES, "51004"),
        parameter="sz",
        says=f"sz {word(order, 'sz')} {unit}, and the account can {side} {shown(most)} at most (account/max-size)",
        evidence={"sz": word(order, "sz"), "most": shown(most), "unit": unit, "side": side},
        fix=(("sz", fits),) if fits else (),
        sure=size > most * SLACK,
    )
