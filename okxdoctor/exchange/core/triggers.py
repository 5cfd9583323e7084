"""What sets algo orders off: last, mark and index prices, slot by slot.

An order that is set off is placed like a client's own; when it is refused, the algo order has failed with that code.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from . import algos, prices
from .accounts import Account
from .algos import Algo, Leg
from .instruments import Instrument
from .tickets import Rejected, ticket
from .trading import place
from .venue import Venue

SOURCES = {"trigger": "6", "conditional": "7", "oco": "7", "move_order_stop": "25"}
"""``source`` of the orders that come of an algo order."""


class Triggers:
    """The chore that looks at the live algo orders in each slot of the market."""

    __slots__ = ()

    def idle(self, venue: Venue) -> bool:
        return not venue.algos.live

    def due(self, venue: Venue, after_ms: int, until_ms: int) -> tuple[int, ...]:
        return ()

    def do(self, venue: Venue, at_ms: int) -> bool:
        moved = False
        known: dict[tuple[str, str], Decimal | None] = {}
        for algo in list(venue.algos.live.values()):
            inst = venue.instruments.get(algo.inst_id)
            if inst is None or not inst.trades or not algo.live:
                continue
            account = venue.accounts[algo.uid]
            if algo.with_position and not _position(account, algo):
                algos.end(venue, account, algo, "canceled", at_ms)
                moved = True
                continue
            leg, side = _due(venue, inst, algo, at_ms, known)
            if leg is not None:
                _set_off(venue, account, inst, algo, leg, side, at_ms)
                moved = True
        return moved


def price_of(venue: Venue, inst: Instrument, kind: str, now_ms: int) -> Decimal | None:
    """The last, mark or index price."""
    match kind:
        case "mark":
            return prices.mark(venue, inst, now_ms)
        case "index":
            return prices.index(venue, prices.index_of(inst), now_ms)
        case _:
            return venue.price(inst, now_ms)


def _position(account: Account, algo: Algo) -> bool:
    position = account.positions.get((algo.inst_id, algo.position_side, algo.mode))
    return position is not None and position.long == (algo.side == "sell")


def _due(
    venue: Venue, inst: Instrument, algo: Algo, at_ms: int, known: dict[tuple[str, str], Decimal | None]
) -> tuple[Leg | None, str]:
    """The leg that is reached, and what it is called; stop loss comes before take profit."""

    def price(kind: str) -> Decimal | None:
        key = (inst.id, kind)
        if key not in known:
            known[key] = price_of(venue, inst, kind, at_ms)
        return known[key]

    selling = algo.side == "sell"
    for leg, name, up in ((algo.sl, "sl", not selling), (algo.tp, "tp", selling), (algo.trigger, "", algo.rising)):
        if leg is None:
            continue
        now = price(leg.of)
        if now is not None and (now >= leg.trigger if up else now <= leg.trigger):
            return leg, name
    if algo.kind == "move_order_stop":
        now = price("last")
        if now is not None and _trail(algo, now):
            return Leg(trigger=now, price=None), ""
    return None, ""


def _trail(algo: Algo, now: Decimal) -> bool:
    """Follow the price; True when it has turned by as much as the order allows."""
    selling = algo.side == "sell"
    if algo.extreme is None:
        reached = algo.active is None or (now >= algo.active if selling else now <= algo.active)
        if not reached:
            return False
        algo.extreme = now
    algo.extreme = max(algo.extreme, now) if selling else min(algo.extreme, now)
    at = algo.trailing
    return at is not None and (now <= at if selling else now >= at)


def _set_off(
    venue: Venue, account: Account, inst: Instrument, algo: Algo, leg: Leg, side: str, now_ms: int
) -> None:  # fmt: skip
    algo.triggered_ms, algo.actual_side = now_ms, side
    size = algo.size_text
    if algo.size is None:
        position = account.positions.get((inst.id, algo.position_side, algo.mode))
        size = "0" if position is None else format(abs(position.quantity), "f")
    wanted: dict[str, object] = {
        "instId": inst.id, "tdMode": algo.mode, "side": algo.side, "posSide": algo.position_side, "sz": size,
        "ordType": "market" if leg.price is None else "limit", "px": "" if leg.price is None else leg.order_price,
        "reduceOnly": "true" if algo.reduce_only else "", "tgtCcy": algo.target_ccy, "ccy": algo.ccy, "tag": algo.tag,
    }  # fmt: skip
    try:
        checked = ticket(venue, account, wanted, inst, now_ms, in_base=True)
        order = place(
            venue, account,
            replace(checked, source=SOURCES[algo.kind], algo_id=algo.algo_id, algo_client_id=algo.client_id), now_ms,
        )  # fmt: skip
    except Rejected as refused:
        algo.fail_code = refused.code
        algos.end(venue, account, algo, "order_failed", now_ms)
        return
    algo.order_id, algo.actual_size = order.order_id, order.size
    algo.actual_price = leg.trigger if order.price is None else order.price
    algos.end(venue, account, algo, "effective", now_ms)
