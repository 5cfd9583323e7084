"""The order store of a venue: open and finished orders, their fills, and ids that are unique."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from . import seeded
from .accounts import ZERO
from .decimals import EXACT, plain
from .protocol import Json

if TYPE_CHECKING:
    from .algos import Attached

OPEN = ("live", "partially_filled")
KEPT = 5_000
"""Finished orders and fills that stay readable."""


@dataclass(slots=True, kw_only=True)
class Order:
    """One order. ``size`` and ``filled`` in base currency or contracts, ``price`` None for market orders."""

    order_id: str
    client_id: str
    uid: str
    inst_id: str
    inst_type: str
    family: str
    side: str
    position_side: str
    mode: str
    kind: str
    size_text: str
    size: Decimal
    price: Decimal | None
    target_ccy: str
    ccy: str
    tag: str
    reduce_only: bool
    lever: str
    created_ms: int
    updated_ms: int
    state: str = "live"
    filled: Decimal = ZERO
    paid: Decimal = ZERO
    """Sum of price times size of the fills."""
    fee: Decimal = ZERO
    fee_ccy: str = ""
    frozen_ccy: str = ""
    frozen: Decimal = ZERO
    pnl: Decimal = ZERO
    last: Fill | None = None
    cancel_source: str = ""
    stp: str = "cancel_maker"
    category: str = "normal"
    """normal, full_liquidation, delivery …"""
    source: str = ""
    """Why the order exists: 6 trigger, 7 take profit or stop loss, 25 trailing stop; '' for an order of the client."""
    algo_id: str = ""
    algo_client_id: str = ""
    attached: tuple[Attached, ...] = ()
    """Take profit and stop loss that are set up when the order has ended."""

    @property
    def open(self) -> bool:
        return self.state in OPEN

    @property
    def remaining(self) -> Decimal:
        return EXACT.subtract(self.size, self.filled)

    @property
    def quote_ccy(self) -> str:
        """The currency that a spot pair is priced in; '' for contracts."""
        return self.inst_id.rpartition("-")[2] if self.inst_type in ("SPOT", "MARGIN") else ""

    @property
    def rebate_ccy(self) -> str:
        """Of a spot order, the currency of its pair that no fee is taken in; of others, the one of the fee."""
        if self.inst_type != "SPOT":
            return self.fee_ccy
        base, quote = self.inst_id.split("-")[:2]
        return quote if self.fee_ccy == base else base

    def row(self) -> dict[str, Json]:
        """The object of trade/order and of the order lists."""
        last = self.last
        average = "" if not self.filled else plain(EXACT.divide(self.paid, self.filled).quantize(_AVERAGE))
        stamp = "" if last is None else str(last.ts)
        return {
            "accFillSz": plain(self.filled), "algoClOrdId": self.algo_client_id, "algoId": self.algo_id,
            "attachAlgoClOrdId": "", "attachAlgoOrds": [each.row() for each in self.attached],
            "avgPx": average, "cTime": str(self.created_ms),
            "cancelSource": self.cancel_source, "cancelSourceReason": "", "category": self.category, "ccy": self.ccy,
            "clOrdId": self.client_id, "fee": plain(self.fee), "feeCcy": self.fee_ccy,
            "fillPx": "" if last is None else plain(last.price), "fillSz": "0" if last is None else plain(last.size),
            "fillTime": stamp, "instId": self.inst_id, "instType": self.inst_type, "isTpLimit": "false",
            "lever": self.lever, "linkedAlgoOrd": {"algoId": ""}, "ordId": self.order_id, "ordType": self.kind,
            "pnl": plain(self.pnl), "posSide": self.position_side,
            "px": "" if self.price is None else plain(self.price), "pxType": "", "pxUsd": "", "pxVol": "",
            "quickMgnType": "", "rebate": "0", "rebateCcy": self.rebate_ccy,
            "reduceOnly": "true" if self.reduce_only else "false", "side": self.side, "slOrdPx": "",
            "slTriggerPx": "", "slTriggerPxType": "", "source": self.source, "state": self.state, "stpId": "",
            "stpMode": self.stp, "sz": self.size_text, "tag": self.tag, "tdMode": self.mode,
            "tgtCcy": self.target_ccy, "tpOrdPx": "", "tpTriggerPx": "", "tpTriggerPxType": "",
            "tradeId": "" if last is None else last.trade_id, "tradeQuoteCcy": self.quote_ccy,
            "uTime": str(self.updated_ms),
        }  # fmt: skip

    def pushed_row(
        self, *, last_price: str, usd: str = "", filled_usd: str = "", fill: Fill | None = None, amend: str = "",
        amend_source: str = "", request_id: str = "",
    ) -> dict[str, Json]:  # fmt: skip
        """The object of the ``orders`` channel: the row with the fields that only the channel has.

        What it says of a fill is said of this event alone: nothing when the order is placed, amended or cancelled,
        whatever was filled before. ``filled_usd`` is the worth of all that was filled.
        """
        row = self.row()
        if fill is None:
            row.update(fillPx="", fillSz="0", fillTime="", tradeId="")
        if not self.filled:
            row["avgPx"] = "0"
        row.update(
            amendResult=amend, amendSource=amend_source, code="0", msg="", reqId=request_id,
            execType="" if fill is None else fill.role, fillFee="0" if fill is None else plain(fill.fee),
            fillFeeCcy="" if fill is None else self.fee_ccy, fillFwdPx="",
            fillMarkPx="" if fill is None else fill.mark, fillMarkVol="",
            fillNotionalUsd=filled_usd,
            fillPnl="0" if fill is None else plain(fill.pnl), fillPxUsd="", fillPxVol="",
            fillIdxPx="" if fill is None else fill.index, lastPx=last_price, notionalUsd=usd,
        )  # fmt: skip
        return row


_AVERAGE = Decimal(1).scaleb(-12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution; ``role`` is T (taker) or M (maker)."""

    trade_id: str
    bill_id: str
    price: Decimal
    size: Decimal
    fee: Decimal
    role: str
    ts: int
    pnl: Decimal = ZERO
    sub: str = ""
    """Subtype of its bill."""
    rate: Decimal = ZERO
    """The fee rate, positive for a charge."""
    mark: str = ""
    """The mark price of that moment; '' for spot."""
    index: str = ""
    order: Order = field(repr=False)

    def row(self) -> dict[str, Json]:
        """The object of trade/fills."""
        order = self.order
        return {
            "billId": self.bill_id, "clOrdId": order.client_id, "execType": self.role, "fee": plain(self.fee),
            "feeRate": plain(-self.rate),
            "feeCcy": order.fee_ccy, "fillFwdPx": "", "fillIdxPx": self.index, "fillMarkPx": self.mark,
            "fillMarkVol": "", "fillPnl": plain(self.pnl), "fillPx": plain(self.price), "fillPxUsd": "",
            "fillPxVol": "", "fillSz": plain(self.size), "fillTime": str(self.ts), "instId": order.inst_id,
            "instType": order.inst_type, "ordId": order.order_id, "posSide": order.position_side,
            "side": order.side, "subType": self.sub, "tag": order.tag,
            "tradeId": self.trade_id, "ts": str(self.ts),
        }  # fmt: skip


class Book:
    """All orders of a venue by id; open ones by account; finished ones as long as they are kept."""

    def __init__(self, *, seed: int, venue: str) -> None:
        self._next = int(seeded.digits(seed, 15, "ordId", venue)) * 1000
        self._by_id: dict[str, Order] = {}
        self._open: dict[str, dict[str, Order]] = {}
        self._fellows: dict[tuple[str, str, str, str], dict[str, Order]] = {}
        self._bases: dict[tuple[str, str, str, str], Decimal] = {}
        self._named: dict[tuple[str, str], Order] = {}
        self._counts: dict[tuple[str, str], int] = {}
        self._finished: dict[str, deque[Order]] = {}
        self._fills: dict[str, deque[Fill]] = {}

    def next_id(self) -> str:
        """A number of eighteen digits that was never given out."""
        self._next += 7
        return str(self._next)

    def add(self, order: Order) -> None:
        self._by_id[order.order_id] = order
        self._open.setdefault(order.uid, {})[order.order_id] = order
        self._fellows.setdefault(_position(order), {})[order.order_id] = order
        if order.client_id:
            self._named[order.uid, order.client_id] = order
        self._counts[order.uid, order.inst_id] = self.count(order.uid, order.inst_id) + 1

    def fill(self, fill: Fill) -> None:
        self._fills.setdefault(fill.order.uid, deque(maxlen=KEPT)).append(fill)

    def finish(self, order: Order) -> None:
        """Move an order out of the open ones; the oldest finished one is forgotten beyond ``KEPT``."""
        if self._open.get(order.uid, {}).pop(order.order_id, None) is not None:
            fellows = self._fellows[_position(order)]
            del fellows[order.order_id]
            if not fellows:
                del self._fellows[_position(order)]
            self._named.pop((order.uid, order.client_id), None)
            self._counts[order.uid, order.inst_id] -= 1
        finished = self._finished.setdefault(order.uid, deque())
        finished.append(order)
        if len(finished) > KEPT:
            forgotten = finished.popleft()
            self._by_id.pop(forgotten.order_id, None)
            # An order and its last fill point at each other: without this both would wait for the garbage collector.
            forgotten.last = None

    def open(self, uid: str) -> list[Order]:
        """Open orders of an account, oldest first."""
        return list(self._open.get(uid, {}).values())

    def count(self, uid: str, inst_id: str) -> int:
        """How many orders of an account are open for an instrument."""
        return self._counts.get((uid, inst_id), 0)

    def total(self, uid: str) -> int:
        """How many orders of an account are open."""
        return len(self._open.get(uid, ()))

    def fellows(self, order: Order) -> list[Order]:
        """The open orders on the same position as ``order``, oldest first."""
        return list(self._fellows.get(_position(order), {}).values())

    def alone(self, order: Order, quantity: Decimal) -> bool:
        """Whether ``order`` can have changed nothing for the others on its position, which is now ``quantity``.

        Without a position no order has to do with another one; the newest order has nothing behind it.
        """
        key = _position(order)
        before = self._bases.get(key, ZERO)
        if quantity:
            self._bases[key] = quantity
        else:
            self._bases.pop(key, None)
        if before != quantity:
            return False
        return not quantity or (order.open and next(reversed(self._fellows.get(key, {}).values()), None) is order)

    def of_position(self, uid: str, inst_id: str, side: str, mode: str) -> list[Order]:
        """The open orders on one position, oldest first."""
        return list(self._fellows.get((uid, inst_id, side, mode), {}).values())

    def all_open(self) -> list[Order]:
        """Open orders of all accounts, oldest first within each."""
        return [order for orders in self._open.values() for order in orders.values()]

    @property
    def quiet(self) -> bool:
        """No order is open anywhere."""
        return not any(self._open.values())

    def finished(self, uid: str) -> list[Order]:
        """Finished orders of an account, newest first."""
        return list(reversed(self._finished.get(uid, ())))

    def fills(self, uid: str) -> list[Fill]:
        """Executions of an account, newest first."""
        return list(reversed(self._fills.get(uid, ())))

    def find(self, uid: str, order_id: str, client_id: str) -> Order | None:
        """By order id (which decides when both are given), else by client id: open first, then newest."""
        if order_id:
            found = self._by_id.get(order_id)
            return found if found is not None and found.uid == uid else None
        named = self._named.get((uid, client_id))
        if named is not None:
            return named
        return next((order for order in self.finished(uid) if order.client_id == client_id), None)

    def has_open_client_id(self, uid: str, client_id: str) -> bool:
        return (uid, client_id) in self._named


def _position(order: Order) -> tuple[str, str, str, str]:
    return order.uid, order.inst_id, order.position_side, order.mode
