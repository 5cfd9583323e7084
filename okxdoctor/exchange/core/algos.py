"""Algo orders: take profit and stop loss, trigger orders, trailing stops, and those that hang on an order.

Here they are kept and written down; what sets them off is in ``triggers``.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from .accounts import Account, Event
from .decimals import plain
from .protocol import Json

if TYPE_CHECKING:
    from .orders import Order
    from .venue import Venue

KINDS = ("conditional", "oco", "trigger", "move_order_stop")
ADVANCED = ("move_order_stop",)
"""Kinds that the channel algo-advance tells; the others are told by orders-algo."""

CAPS = {"conditional": 100, "oco": 100, "trigger": 500, "move_order_stop": 50}
"""Live algo orders: of one instrument for the first two, of an account for the others."""

KEPT = 1_000
PRICES = ("last", "index", "mark")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """A price that sets an order off: ``of`` last, index or mark; ``price`` of the order, None at market."""

    trigger: Decimal
    price: Decimal | None
    of: str = "last"

    @property
    def order_price(self) -> str:
        return "-1" if self.price is None else plain(self.price)


@dataclass(slots=True, kw_only=True)
class Algo:
    """One algo order. ``size`` None closes the whole position that there is when it is set off."""

    algo_id: str
    client_id: str
    uid: str
    inst_id: str
    inst_type: str
    family: str
    side: str
    position_side: str
    mode: str
    kind: str
    size: Decimal | None
    size_text: str
    created_ms: int
    updated_ms: int
    tp: Leg | None = None
    sl: Leg | None = None
    trigger: Leg | None = None
    rising: bool = False
    """A trigger order is set off when the price comes up to it."""
    ratio: Decimal | None = None
    spread: Decimal | None = None
    active: Decimal | None = None
    extreme: Decimal | None = None
    """The best price that a trailing stop has seen since it is active."""
    reduce_only: bool = False
    with_position: bool = False
    """Ends with the position (cxlOnClosePos)."""
    target_ccy: str = ""
    ccy: str = ""
    tag: str = ""
    lever: str = ""
    state: str = "live"
    fail_code: str = ""
    order_id: str = ""
    actual_side: str = ""
    actual_price: Decimal | None = None
    actual_size: Decimal | None = None
    triggered_ms: int | None = None
    parent_id: str = ""
    """The order that it hangs on."""

    @property
    def live(self) -> bool:
        return self.state == "live"

    @property
    def trailing(self) -> Decimal | None:
        """The price at which a trailing stop is set off now."""
        if self.extreme is None:
            return None
        away = self.spread if self.spread is not None else self.extreme * (self.ratio or 0)
        return self.extreme - away if self.side == "sell" else self.extreme + away

    def row(self, last: Decimal | None = None) -> dict[str, Json]:
        """The object of the algo order lists and of the channels."""
        tp, sl, trigger, at = self.tp, self.sl, self.trigger, self.trailing
        return {
            "activePx": _text(self.active), "actualPx": _text(self.actual_price), "actualSide": self.actual_side,
            "actualSz": "0" if self.actual_size is None else plain(self.actual_size), "algoClOrdId": self.client_id,
            "algoId": self.algo_id, "amendPxOnTriggerType": "0", "attachAlgoOrds": [],
            "cTime": str(self.created_ms), "callbackRatio": _text(self.ratio), "callbackSpread": _text(self.spread),
            "ccy": self.ccy, "chaseType": "", "chaseVal": "", "clOrdId": self.client_id,
            "closeFraction": "1" if self.size is None else "", "failCode": self.fail_code, "instId": self.inst_id,
            "instType": self.inst_type, "isTradeBorrowMode": "", "last": _text(last), "lever": self.lever,
            "linkedOrd": {"ordId": self.parent_id}, "maxChaseType": "", "maxChaseVal": "",
            "moveTriggerPx": _text(at), "ordId": self.order_id, "ordIdList": [self.order_id] if self.order_id else [],
            "ordPx": "" if trigger is None else trigger.order_price, "ordType": self.kind,
            "posSide": self.position_side or "net", "pxLimit": "", "pxSpread": "", "pxVar": "", "quickMgnType": "",
            "reduceOnly": "true" if self.reduce_only else "false", "side": self.side,
            "slOrdPx": "" if sl is None else sl.order_price, "slTriggerPx": "" if sl is None else plain(sl.trigger),
            "slTriggerPxType": "" if sl is None else sl.of, "state": self.state, "sz": self.size_text, "szLimit": "",
            "tag": self.tag, "tdMode": self.mode, "tgtCcy": self.target_ccy, "timeInterval": "",
            "tpOrdPx": "" if tp is None else tp.order_price, "tpTriggerPx": "" if tp is None else plain(tp.trigger),
            "tpTriggerPxType": "" if tp is None else tp.of, "tradeQuoteCcy": "",
            "triggerPx": "" if trigger is None else plain(trigger.trigger),
            "triggerPxType": "" if trigger is None else trigger.of,
            "triggerTime": "" if self.triggered_ms is None else str(self.triggered_ms), "uTime": str(self.updated_ms),
        }  # fmt: skip


def _text(value: Decimal | None) -> str:
    return "" if value is None else plain(value)


@dataclass(slots=True)
class Algos:
    """The algo orders of a venue: live ones by id, finished ones as long as they are kept."""

    live: dict[str, Algo] = field(default_factory=dict)
    _past: dict[str, deque[Algo]] = field(default_factory=dict)
    _named: dict[tuple[str, str], Algo] = field(default_factory=dict)

    def add(self, algo: Algo) -> None:
        self.live[algo.algo_id] = algo
        if algo.client_id:
            self._named[algo.uid, algo.client_id] = algo

    def finish(self, algo: Algo) -> None:
        self.live.pop(algo.algo_id, None)
        self._named.pop((algo.uid, algo.client_id), None)
        self._past.setdefault(algo.uid, deque(maxlen=KEPT)).append(algo)

    def of(self, uid: str) -> list[Algo]:
        """Live algo orders of an account, newest first."""
        return [algo for algo in reversed(self.live.values()) if algo.uid == uid]

    def past(self, uid: str) -> list[Algo]:
        """Finished algo orders of an account, newest first."""
        return list(reversed(self._past.get(uid, ())))

    def find(self, uid: str, algo_id: str, client_id: str) -> Algo | None:
        """By id, else by client id: a live one first."""
        if algo_id:
            found = self.live.get(algo_id)
            if found is not None:
                return found if found.uid == uid else None
            return next((algo for algo in self.past(uid) if algo.algo_id == algo_id), None)
        named = self._named.get((uid, client_id))
        return named or next((algo for algo in self.past(uid) if algo.client_id == client_id), None)

    def taken(self, uid: str, client_id: str) -> bool:
        """Whether a live algo order has this client id."""
        return (uid, client_id) in self._named


def tell(venue: Venue, account: Account, algo: Algo, now_ms: int) -> None:
    """Tell the account's algo channels how ``algo`` stands."""
    inst = venue.instruments.get(algo.inst_id)
    last = None if inst is None or not inst.trades else venue.price(inst, now_ms)
    channel = "algo-advance" if algo.kind in ADVANCED else "orders-algo"
    account.tell(
        Event(
            channel=channel, inst_type=algo.inst_type, inst_id=algo.inst_id, family=algo.family, row=algo.row(last)
        )
    )  # fmt: skip


def end(venue: Venue, account: Account, algo: Algo, state: str, now_ms: int) -> None:
    """Take a live algo order out, in ``state``, and tell it."""
    algo.state, algo.updated_ms = state, max(now_ms, algo.updated_ms)
    venue.algos.finish(algo)
    tell(venue, account, algo, now_ms)


def attach(venue: Venue, account: Account, order: Order, now_ms: int) -> None:
    """Set up what hangs on ``order``, which has ended with something filled; nothing is left hanging then."""
    waiting, order.attached = order.attached, ()
    if not order.filled:
        return
    for each in waiting:
        side = "sell" if order.side == "buy" else "buy"
        size = min(each.size, order.filled) if each.size is not None else order.filled
        algo = Algo(
            algo_id=each.algo_id, client_id=each.client_id, uid=order.uid, inst_id=order.inst_id,
            inst_type=order.inst_type, family=order.family, side=side, position_side=order.position_side,
            mode=order.mode, kind="oco" if each.tp is not None and each.sl is not None else "conditional", size=size,
            size_text=plain(size), created_ms=now_ms, updated_ms=now_ms, tp=each.tp, sl=each.sl,
            reduce_only=order.inst_type != "SPOT", with_position=order.inst_type != "SPOT",
            target_ccy="base_ccy" if order.inst_type == "SPOT" else "", ccy=order.ccy, tag=order.tag,
            lever=order.lever, parent_id=order.order_id,
        )  # fmt: skip
        venue.algos.add(algo)
        tell(venue, account, algo, now_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """Take profit and stop loss that hang on an order until it has ended."""

    algo_id: str
    client_id: str
    tp: Leg | None
    sl: Leg | None
    size: Decimal | None

    def row(self) -> dict[str, Json]:
        """The object of ``attachAlgoOrds`` in an order."""
        tp, sl = self.tp, self.sl
        return {
            "amendPxOnTriggerType": "0", "attachAlgoClOrdId": self.client_id, "attachAlgoId": self.algo_id,
            "failCode": "", "failReason": "", "slOrdPx": "" if sl is None else sl.order_price,
            "slTriggerPx": "" if sl is None else plain(sl.trigger), "slTriggerPxType": "" if sl is None else sl.of,
            "sz": "" if self.size is None else plain(self.size), "tpOrdKind": "condition",
            "tpOrdPx": "" if tp is None else tp.order_price,
            "tpTriggerPx": "" if tp is None else plain(tp.trigger), "tpTriggerPxType": "" if tp is None else tp.of,
        }  # fmt: skip
