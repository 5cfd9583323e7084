"""One order's way there and back: placed far from the market, seen, amended, canceled. What was seen, step by step.

The order is the smallest that the instrument takes, post-only, so far below the market that it is never filled.
Whatever happens on the way (a time-out, an interruption, a defect), it is canceled by its client order id at once.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from okxdoctor.check import Inconclusive, Skip
from okxdoctor.knowledge import tunable
from okxdoctor.okx.order_view import fraction, shown
from okxdoctor.okx.precision import least_size, round_price
from okxdoctor.okx.signing import request_path
from okxdoctor.port import Answer, Ask, Io, ListedInstrument, Socket
from okxdoctor_checks._answers import Reply, line, read, rows, text
from okxdoctor_checks._conversation import argument, message

T = TypeVar("T")

ORDER, AMEND, CANCEL = "/api/v5/trade/order", "/api/v5/trade/amend-order", "/api/v5/trade/cancel-order"
PENDING = "/api/v5/trade/orders-pending"
TICKER = "/api/v5/market/ticker"
OWN = "okxdoctor"
"""What client order ids of this program begin with."""
TRIES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One operation. ``code`` "0" accepted; times in milliseconds from sending, None where it did not come.

    ``channel`` and ``rest``: state and price that the orders channel and trade/order told afterwards, "" nothing.
    """

    name: str
    code: str
    said: str = ""
    ack_ms: float | None = None
    channel_ms: float | None = None
    channel: str = ""
    channel_px: str = ""
    rest: str = ""
    rest_px: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The order. ``px`` and ``moved_px`` lie on the grid, ``sz`` is the least size, ``mode`` is the documented tdMode
    of spot in the account's mode."""

    inst_id: str
    mode: str
    px: str
    moved_px: str
    sz: str
    client_id: str


def wanted(listed: ListedInstrument, level: str, last: Fraction, now_ms: int) -> Wanted:
    """A buy far below ``last``."""
    tick = listed.value("tickSz")
    far = last * (100 - Fraction(tunable("order_far_percent"))) / 100
    price = round_price(shown(far, digits=20), grid=tick, mode="down")
    moved = round_price(shown(far * Fraction(99, 100), digits=20), grid=tick, mode="down")
    return Wanted(
        inst_id=listed.inst_id,
        mode="cross" if level in ("3", "4") else "cash",
        px=price,
        moved_px=moved,
        sz=least_size(lot=listed.value("lotSz"), minimum=listed.value("minSz")),
        client_id=f"{OWN}{now_ms:020x}",
    )


async def last_price(io: Io, inst_id: str) -> Fraction | None:
    answer = await io.http(Ask(method="GET", path=request_path(TICKER, [("instId", inst_id)])))
    return next((fraction(text(row, "last")) for row in rows(answer)), None)


# ---- the orders channel --------------------------------------------------------------------------


class Channel:
    """The orders channel of one instrument; ``open`` once the subscription was acknowledged."""

    def __init__(self, io: Io, socket: Socket) -> None:
        self._io = io
        self._socket = socket
        self.open = False
        self._told: dict[str, list[tuple[str, str]]] = {}

    async def subscribe(self, inst_id: str) -> None:
        """Log in, subscribe, wait for the acknowledgement; leaves ``open`` false where one of it is refused."""
        if not self._socket.opening.ok:
            return
        await self._socket.login()
        if not await self._until(lambda content: content.get("event") in ("login", "error")):
            return
        arg = {"channel": "orders", "instType": "SPOT", "instId": inst_id}
        await self._socket.send(json.dumps({"id": "trip", "op": "subscribe", "args": [arg]}))
        self.open = await self._until(lambda content: content.get("event") == "subscribe")

    async def state(self, client_id: str, fits: Callable[[str, str], bool]) -> tuple[str, str]:
        """The newest state and price told of an order, waiting until they fit or the settling time is over."""

        def heard() -> bool:
            told = self._told.get(client_id, [])
            return bool(told) and fits(*told[-1])

        if self.open and not heard():
            await self._until(lambda content: heard())
        return (self._told.get(client_id) or [("", "")])[-1]

    async def _until(self, right: Callable[[dict[str, object]], bool]) -> bool:
        begun_ns, limit_s = self._io.now().mono_ns, tunable("order_settle_s")
        while (waited_s := (self._io.now().mono_ns - begun_ns) / 1e9) < limit_s:
            frame = await self._socket.receive(limit_s - waited_s)
            if frame is None:
                continue
            if frame.kind == "close":
                self.open = False
                return False
            content = message(frame.text)
            if argument(content).get("channel") == "orders" and isinstance(data := content.get("data"), list):
                for row in data:
                    if isinstance(row, dict):
                        at = self._told.setdefault(text(row, "clOrdId")[:40], [])
                        at.append((text(row, "state")[:20], text(row, "px")[:40]))
            if right(content):
                return content.get("event") != "error"
        return False


# ---- operations ----------------------------------------------------------------------------------


async def operate(io: Io, path: str, body: dict[str, str]) -> tuple[Reply, str, str]:
    """One operation: the reply, its item's code (else the envelope's), and what was said."""
    answer = await io.http(Ask(method="POST", path=path, body=json.dumps(body), signed=True))
    reply = read(answer)
    item = next(iter(rows(answer)), {})
    code = text(item, "sCode") or reply.code
    return reply, code, line(text(item, "sMsg") or reply.msg, 160)


async def told_by_rest(io: Io, order: Wanted) -> tuple[str, str]:
    """State and price of the order by trade/order; "" where it is not known there."""
    path = request_path(ORDER, [("instId", order.inst_id), ("clOrdId", order.client_id)])
    answer = await io.http(Ask(method="GET", path=path, signed=True))
    row = next(iter(rows(answer)), {})
    return text(row, "state")[:20], text(row, "px")[:40]


async def step(
    io: Io, channel: Channel, name: str, path: str, body: dict[str, str], order: Wanted, state: str, price: str
) -> Step:
    """One operation, and what channel and REST tell of the order afterwards."""
    begun_ns = io.now().mono_ns

    def since_ms() -> float:
        return round((io.now().mono_ns - begun_ns) / 1e6, 1)

    _, code, said = await operate(io, path, body)
    done = Step(name=name, code=code, said=said, ack_ms=since_ms())
    if code != "0":
        return done

    def fits(told: str, at: str) -> bool:
        return told == state and (not price or fraction(at) == fraction(price))

    heard, heard_px = await channel.state(order.client_id, fits)
    heard_ms = since_ms()
    shown_state, shown_px = await told_by_rest(io, order)
    return Step(
        name=name,
        code=code,
        ack_ms=done.ack_ms,
        channel_ms=heard_ms if fits(heard, heard_px) else None,
        channel=heard,
        channel_px=heard_px,
        rest=shown_state,
        rest_px=shown_px,
    )


# ---- leaving nothing behind ----------------------------------------------------------------------


async def cancel(io: Io, inst_id: str, client_id: str) -> bool:
    """Cancel an own order; whether it is certain that it no longer stands."""
    for _ in range(TRIES):
        try:
            _, code, _ = await operate(io, CANCEL, {"instId": inst_id, "clOrdId": client_id})
        except (Skip, Inconclusive):
            continue
        if code in ("0", "51400", "51401", "51402", "51410"):  # canceled, or not there (any more)
            return True
    return False


async def leftovers(io: Io) -> list[tuple[str, str]]:
    """(instId, clOrdId) of orders that an earlier run of this program left behind."""
    answer: Answer = await io.http(Ask(method="GET", path=request_path(PENDING, [("instType", "SPOT")]), signed=True))
    found = [(text(row, "instId"), text(row, "clOrdId")) for row in rows(answer)]
    return [(inst_id, client_id) for inst_id, client_id in found if client_id.startswith(OWN) and len(client_id) == 29]


async def to_the_end(work: Awaitable[T]) -> T:
    """Await ``work`` though this task is cancelled, as often as it may be."""
    running = asyncio.ensure_future(work)
    while not running.done():
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            if running.cancelled():
                raise
    return running.result()
