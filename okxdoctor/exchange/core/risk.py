"""Liquidation: what happens when positions have lost so much that their maintenance margin is not covered.

A risk unit is all cross positions that settle in one currency, or one isolated position. When its margin ratio comes
to 100 %, open orders of the unit are canceled (source 3), and then positions are taken over at the mark price, the
one with the greatest need first, each as a whole, until the ratio is well again. What is left of the maintenance
margin is the penalty; a currency never ends below zero, the exchange makes up for it. The order of these steps and
that no position is taken over in parts are assumed.
"""

from __future__ import annotations

from decimal import Decimal

from . import bills
from .accounts import ZERO, Account, Event
from .bills import credit
from .clearing import close, fill, rehold
from .decimals import plain
from .instruments import Instrument
from .margin import Risk, Standing, cross_risk, isolated_risk, standings
from .market import SLOT_MS
from .orders import Order
from .prices import STEP_SLOTS, mark_ticks
from .venue import Venue

WARNING = Decimal(3)
"""The margin ratio at which the account is warned."""


Band = tuple[Instrument, int, int]
"""An instrument and the mark prices (in ticks) between which nothing can happen."""


class Liquidation:
    """The chore that looks at every account with positions whenever there is a new mark price.

    Most looks are short: a whole one says how far prices may go before anything can happen, and as long as they have
    not gone that far and nothing else has happened to the account, it is safe.
    """

    __slots__ = ("_safe", "_step")

    def __init__(self) -> None:
        self._step = -1
        self._safe: dict[str, tuple[int, list[Band]]] = {}
        """User id -> events told at the last whole look, and the bands."""

    def idle(self, venue: Venue) -> bool:
        return not any(account.positions for account in venue.accounts.values())

    def due(self, venue: Venue, after_ms: int, until_ms: int) -> tuple[int, ...]:
        return ()

    def do(self, venue: Venue, at_ms: int) -> bool:
        step = at_ms // SLOT_MS // STEP_SLOTS
        if step == self._step:
            return False
        self._step = step
        moved = False
        for account in list(venue.accounts.values()):
            if account.positions and not self._is_safe(venue, account, at_ms):
                moved = _look(venue, account, at_ms) or moved
                self._safe[account.uid] = account.told, _bands(venue, account, at_ms)
        return moved

    def _is_safe(self, venue: Venue, account: Account, now_ms: int) -> bool:
        told, bands = self._safe.get(account.uid, (-1, []))
        if told != account.told or not bands:
            return False
        slot = now_ms // SLOT_MS
        return all(low < mark_ticks(venue, inst, slot) < high for inst, low, high in bands)


def _bands(venue: Venue, account: Account, now_ms: int) -> list[Band]:
    """How far each mark price may go before a warning or a liquidation; empty when that is not looked ahead.

    What all positions of a unit lose together is at most their value times the change, twice that for inverse
    contracts and growing needs.
    """
    found = standings(venue, account, now_ms)
    if any(each.inst.type == "OPTION" for each in found):
        return []
    bands: list[Band] = []
    for each in found:
        cross = each.position.mode == "cross"
        risk = cross_risk(account, each.inst.listing.settle, found) if cross else isolated_risk(each)
        mine = [one for one in found if one is each or (cross and _same_unit(one, each))]
        floor = risk.need if each.position.warned else risk.need * WARNING
        value = sum((one.value for one in mine), ZERO)
        share = min(Decimal("0.3"), (risk.equity - floor) / (2 * value)) if value else ZERO
        if share <= 0:
            return []
        ticks = mark_ticks(venue, each.inst, now_ms // SLOT_MS)
        bands.append((each.inst, int(ticks * (1 - share)), int(ticks * (1 + share)) + 1))
    return bands


def _same_unit(one: Standing, other: Standing) -> bool:
    return one.position.mode == "cross" and one.inst.listing.settle == other.inst.listing.settle


def _look(venue: Venue, account: Account, now_ms: int) -> bool:
    found = standings(venue, account, now_ms)
    moved = False
    for ccy in {each.inst.listing.settle for each in found if each.position.mode == "cross"}:
        moved = _unit(venue, account, ccy, now_ms) or moved
    for each in found:
        if each.position.mode == "isolated":
            risk = isolated_risk(each)
            _warn(account, each, risk)
            if risk.spent:
                _cancel(venue, account, now_ms, of=each)
                _take_over(venue, account, each, now_ms)
                moved = True
    return moved


def _unit(venue: Venue, account: Account, ccy: str, now_ms: int) -> bool:
    """One currency's cross positions."""
    moved = False
    while True:
        found = standings(venue, account, now_ms)
        mine = [each for each in found if each.position.mode == "cross" and each.inst.listing.settle == ccy]
        risk = cross_risk(account, ccy, found)
        for each in mine:
            _warn(account, each, risk)
        if not mine or not risk.spent:
            return moved
        if not moved:
            for each in mine:
                _cancel(venue, account, now_ms, of=each)
        _take_over(venue, account, max(mine, key=lambda each: each.maintenance), now_ms)
        moved = True


def _warn(account: Account, each: Standing, risk: Risk) -> None:
    close_by = risk.ratio is not None and risk.ratio <= WARNING
    if close_by and not each.position.warned:
        account.tell(Event(channel="liquidation-warning", inst_type=each.inst.type, inst_id=each.inst.id))
    each.position.warned = close_by


def _cancel(venue: Venue, account: Account, now_ms: int, *, of: Standing) -> None:
    """Cancel the open orders of the risk unit that ``of`` belongs to."""
    for order in venue.orders.open(account.uid):
        inst = venue.inst_of(order)
        if of.position.mode == "cross":
            same = order.frozen_ccy == of.inst.listing.settle and order.mode != "isolated"
        else:
            same = inst.id == of.inst.id and order.mode == "isolated"
        if same and order.open:
            close(venue, account, inst, order, "canceled", now_ms, source="3")


def _take_over(venue: Venue, account: Account, each: Standing, now_ms: int) -> None:
    """Close a whole position at the mark price, charge the penalty, and make up for what is missing."""
    inst, position, ccy = each.inst, each.position, each.inst.listing.settle
    isolated = position.mode == "isolated"
    kept, size, long = position.margin, abs(position.quantity), position.long
    held = account.balance(ccy)
    cash = held.cash
    order = forced_order(venue, account, inst, position.side, position.mode, "sell" if long else "buy", size, now_ms)
    order.category = "full_liquidation"
    depth = venue.depth(inst, now_ms).at(now_ms // SLOT_MS)
    trade = depth.show(depth.market.tick.floor(each.mark), size, order.side, now_ms)
    fill(
        venue, account, inst, order, price=each.mark, size=size, role="T", trade_id=str(trade.trade_id), now_ms=now_ms,
        kind=bills.LIQUIDATION, sub="104" if long else "105",
    )  # fmt: skip
    rest = kept + held.cash - cash if isolated else min(each.maintenance, held.available)
    if rest > 0:
        credit(
            venue, account, ccy, -rest, kind=bills.LIQUIDATION, sub="109", now_ms=now_ms, inst_id=inst.id,
            inst_type=inst.type, mode=position.mode, fee=-rest, note="liquidation penalty",
        )  # fmt: skip
    elif isolated and rest < 0:
        # Nobody pays more than the margin of an isolated position.
        credit(venue, account, ccy, -rest, kind=bills.TRANSFER, sub="200", now_ms=now_ms, note="insurance fund")
    past = account.past[-1]
    penalty = -max(ZERO, rest)
    past.update(
        type="3", triggerPx=plain(each.mark), liqPenalty=plain(penalty),
        realizedPnl=plain(Decimal(str(past["realizedPnl"])) + penalty),
    )  # fmt: skip
    venue.liquidations.append(
        {
            "details": [
                {
                    "bkLoss": plain(max(ZERO, -rest)), "bkPx": plain(each.mark), "ccy": "", "posSide": position.side,
                    "side": order.side, "sz": plain(size), "ts": str(now_ms),
                }
            ],
            "instFamily": inst.listing.family, "instId": inst.id, "instType": inst.type, "uly": inst.listing.family,
        }
    )  # fmt: skip
    account.tell(Event(channel="balance_and_position", event_type="liquidation"))
    rehold(venue, account, inst, order, now_ms)


def forced_order(
    venue: Venue, account: Account, inst: Instrument, position_side: str, mode: str, side: str, size: Decimal,
    now_ms: int,
) -> Order:  # fmt: skip
    """A market order of the exchange itself on an account's position."""
    position = account.positions[inst.id, position_side, mode]
    order = Order(
        order_id=venue.orders.next_id(), client_id="", uid=account.uid, inst_id=inst.id, inst_type=inst.type,
        family=inst.listing.family, side=side, position_side=position_side, mode=mode, kind="market",
        size_text=plain(size), size=size, price=None, target_ccy="", ccy="", tag="", reduce_only=True,
        lever=position.lever, created_ms=now_ms, updated_ms=now_ms, fee_ccy=inst.listing.settle,
        frozen_ccy=inst.listing.settle, stp=account.stp,
    )  # fmt: skip
    venue.orders.add(order)
    return order
