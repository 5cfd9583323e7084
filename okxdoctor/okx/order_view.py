"""What an order is judged against, as plain values, and exact arithmetic on the texts in it. Pure.

Every figure is the text that the exchange gave; "" is absent, never zero. Where the exchange did not tell something,
the member is None, and the rules that need it keep silent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from okxdoctor.facts import AccountView
from okxdoctor.model import Json as Value
from okxdoctor.okx.json_text import Json
from okxdoctor.okx.precision import Band, Exact, Grid, PrecisionError, parse, plain
from okxdoctor.okx.wire_numbers import NumberFlaw, number_flaws
from okxdoctor.trading_facts import Holding, ListedInstrument


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLimits:
    """public/price-limit: no buy above ``highest_buy``, no sell below ``lowest_sell``; "" where none is in force."""

    inst_id: str
    highest_buy: str
    lowest_sell: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leverage:
    """One row of account/leverage-info."""

    inst_id: str
    margin_mode: str
    position_side: str
    lever: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPosition:
    """One row of account/positions; ``quantity`` in contracts, negative for a short one in net mode."""

    inst_id: str
    margin_mode: str
    side: str
    quantity: str
    available: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MostSize:
    """account/max-size at the price ``px`` ("" the market's): the most that can be bought and sold, in the unit of a
    limit order's size."""

    inst_id: str
    mode: str
    px: str
    buy: str
    sell: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The exchange and the account as they are now.

    ``last``: (instId, last price). ``best``: (instId, best bid, best ask). ``taker``: (instType, currency of the group,
    rate) of account/trade-fee, the rate negative for a charge as on the wire. ``taken``: client order ids of pending
    orders. ``now_ms``: epoch milliseconds.
    """

    account: AccountView | None
    instruments: tuple[ListedInstrument, ...]
    now_ms: int
    limits: tuple[PriceLimits, ...] = ()
    last: tuple[tuple[str, str], ...] = ()
    best: tuple[tuple[str, str, str], ...] = ()
    leverages: tuple[Leverage, ...] = ()
    positions: tuple[OpenPosition, ...] | None = None
    holdings: tuple[Holding, ...] | None = None
    taker: tuple[tuple[str, str, str], ...] = ()
    most: tuple[MostSize, ...] = ()
    taken: tuple[str, ...] = ()

    def instrument(self, inst_id: str) -> ListedInstrument | None:
        return next((one for one in self.instruments if one.inst_id == inst_id), None)

    def price(self, inst_id: str) -> Fraction | None:
        """The last price."""
        return next((fraction(price) for name, price in self.last if name == inst_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """One rule that an order breaks here and now.

    ``cause`` is the code under which a report names it; ``codes`` are those that the exchange may refuse it with, none
    where it would take the order and do something else with it. ``fix``: (member, value) pairs that would be right,
    best first. ``sure``: the rule decides; where it is not, the figures are estimates. ``mild``: it is no error.
    """

    cause: str
    codes: tuple[str, ...]
    parameter: str
    says: str
    evidence: Mapping[str, Value] = field(default_factory=dict)
    fix: tuple[tuple[str, str], ...] = ()
    hints: tuple[str, ...] = ()
    sure: bool = True
    mild: bool = False


# ---- reading an order ----------------------------------------------------------------------------


def code_of(order: Mapping[str, Json]) -> str:
    """``instIdCode`` as text, "" absent: on the WebSocket it names the instrument (an integer; texts are seen too)."""
    value = order.get("instIdCode")
    return str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""


def identified(order: Mapping[str, Json], listed: Iterable[ListedInstrument]) -> Mapping[str, Json]:
    """The order with the instrument's id, where it has the code alone and that is listed."""
    code = code_of(order)
    if word(order, "instId") or not code:
        return order
    found = next((one.inst_id for one in listed if one.value("instIdCode") == code), None)
    return order if found is None else {**order, "instId": found}


def word(order: Mapping[str, Json], name: str) -> str:
    """A member as text; null, absent and what is no text are "". Booleans are their JSON words."""
    value = order.get(name)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else ""


def number(order: Mapping[str, Json], name: str) -> str:
    """A member that is written as a plain number, else "": how it is written is judged elsewhere."""
    value = order.get(name)
    if not isinstance(value, str):
        return ""
    passing = (NumberFlaw.LEADING_ZEROS, NumberFlaw.FLOAT_NOISE)
    flaws = [flaw for flaw in number_flaws(value) if flaw not in passing]
    return "" if flaws or fraction(value) is None else value


def margin_mode(order: Mapping[str, Json]) -> str:
    return word(order, "tdMode")


def product(order: Mapping[str, Json], listed: ListedInstrument) -> str:
    """SPOT pairs that are traded with margin are MARGIN."""
    if listed.type == "SPOT" and word(order, "tdMode") in ("cross", "isolated"):
        return "MARGIN"
    return listed.type


def size_in_quote(order: Mapping[str, Json], listed: ListedInstrument) -> bool:
    """Whether ``sz`` counts quote currency: spot market buys, unless tgtCcy says otherwise."""
    if listed.type != "SPOT" or word(order, "ordType") != "market":
        return False
    target = word(order, "tgtCcy")
    return target == "quote_ccy" or (not target and word(order, "side") == "buy")


def grid(listed: ListedInstrument) -> Grid | None:
    """The price grid, None where the listing has none yet."""
    if listed.bands:
        return tuple(Band(tick=tick, max=below or None, min=low or "0") for low, below, tick in listed.bands)
    return listed.value("tickSz") or None


def contract_value(listed: ListedInstrument) -> Fraction | None:
    """ctVal times ctMult; None for what is not counted in contracts."""
    value = fraction(listed.value("ctVal"))
    if value is None or value <= 0:
        return None
    return value * (fraction(listed.value("ctMult")) or 1)


# ---- exact numbers -------------------------------------------------------------------------------


def fraction(text: str) -> Fraction | None:
    """The exact number that a text writes; None for no number."""
    try:
        exact = parse(text)
    except PrecisionError:
        return None
    return Fraction(exact.units, 10**exact.places)


def shown(value: Fraction, *, up: bool = False, digits: int = 10) -> str:
    """Plain decimal text of at most so many significant digits, rounded down, or up."""
    if value == 0:
        return "0"
    places = 0
    size = abs(value)
    while size * 10**places < 10 ** (digits - 1) and places < 40:
        places += 1
    scaled = value * 10**places
    units = -((-scaled.numerator) // scaled.denominator) if up else scaled.numerator // scaled.denominator
    return plain(Exact(units=units, places=places))
