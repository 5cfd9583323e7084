"""Does an order go all the way: placed, seen, amended, canceled, with the same story on both channels?

Only with --demo-orders, and only on demo trading or the embedded exchange: places one post-only buy of the least size
far below the market, so that it is never filled. It is watched by the orders channel and by trade/order, moved by one
per cent, and canceled. Nothing is left behind: the order is canceled whatever happens, also when the run is
interrupted, and orders that an earlier run left are canceled first. If a cancellation is not confirmed, the report
names the order.

What it finds, and what to do:
* state diverges: after the settling time, the orders channel and trade/order tell different states of the same order,
  or the channel tells none. What trade/order says counts; reconcile by REST after each reconnect.
* a refusal of the order: told as the cause that the code stands for, as the exchange words it.

The times from sending to acknowledgement and to the push are in the facts (--verbose, --format json).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from okxdoctor.check import Check, Inconclusive, Skip
from okxdoctor.knowledge import code as code_row
from okxdoctor.knowledge import tunable
from okxdoctor.model import Confidence, Finding, Json
from okxdoctor.okx.order_view import fraction
from okxdoctor.port import Instruments, Io, ListedInstrument
from okxdoctor_checks._answers import line
from okxdoctor_checks._order_trip import (
    AMEND,
    CANCEL,
    ORDER,
    Channel,
    Step,
    Wanted,
    cancel,
    last_price,
    leftovers,
    step,
    to_the_end,
    wanted,
)
from okxdoctor_checks._refusals import accepted_account

REFUSALS = (
    "order.insufficient-funds",
    "order.parameter-invalid",
    "order.price-out-of-band",
    "account.mode-forbids",
    "permission.missing",
    "permission.ip-binding-required",
    "ratelimit.order-cap",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``heard``: the orders channel was open. ``left_behind``: the order, where its end is not certain.

    ``cleared``: orders of an earlier run that were canceled first.
    """

    order: Wanted
    heard: bool
    steps: tuple[Step, ...]
    left_behind: str = ""
    cleared: int = 0


# ---- probe -------------------------------------------------------------------------------------


async def probe(io: Io) -> Facts:
    view = io.view
    if not view.demo_orders:
        raise Skip("no order is placed without --demo-orders")
    if not view.credentials:
        raise Skip("no whole API key (id, secret, passphrase) is set: private checks are not made")
    account = await accepted_account(io)
    if account.perm and "trade" not in account.perm:
        raise Skip("the key may not trade (see key)")
    listed = _instrument(await io.given(Instruments))
    last = await last_price(io, listed.inst_id)
    if last is None:
        raise Inconclusive(f"market/ticker told no price of {listed.inst_id}")
    cleared = 0
    for inst_id, client_id in (await leftovers(io))[:2]:
        cleared += await cancel(io, inst_id, client_id)
    order = wanted(listed, account.acct_lv, last, io.now().wall_ns // 1_000_000)
    socket = await io.open_socket("private")
    channel = Channel(io, socket)
    try:
        await channel.subscribe(order.inst_id)
        heard = channel.open
        steps, gone = await _there_and_back(io, channel, order)
    finally:
        await to_the_end(socket.close())
    stopped = next((one for one in steps if _of_the_gateway(one.code)), None)
    if stopped is not None and gone:
        raise Inconclusive(line(f"the exchange refuses to {stopped.name} an order: {stopped.code} {stopped.said}", 200))
    return Facts(
        order=order, heard=heard, steps=steps, left_behind="" if gone else _name(order), cleared=cleared
    )  # fmt: skip


def _instrument(listed: Instruments | None) -> ListedInstrument:
    """The first spot instrument of the run that is open, as it is known by the instrument check."""
    if listed is None:
        raise Skip("the instruments were not read (see instrument)", layer="instrument")
    for one in listed.listed:
        if one.type == "SPOT" and one.state == "live" and one.value("tickSz") and one.value("lotSz"):
            return one
    raise Skip("no spot instrument of this run is open: name one by --instrument")


async def _there_and_back(io: Io, channel: Channel, order: Wanted) -> tuple[tuple[Step, ...], bool]:
    """The steps, and whether it is certain that the order is gone."""
    steps: list[Step] = []
    gone = False
    place = {
        "instId": order.inst_id, "tdMode": order.mode, "side": "buy", "ordType": "post_only", "px": order.px,
        "sz": order.sz, "clOrdId": order.client_id,
    }  # fmt: skip
    own = {"instId": order.inst_id, "clOrdId": order.client_id}
    try:
        steps.append(await step(io, channel, "place", ORDER, place, order, "live", order.px))
        if steps[-1].code == "0":
            amend = {**own, "newPx": order.moved_px}
            steps.append(await step(io, channel, "amend", AMEND, amend, order, "live", order.moved_px))
            steps.append(await step(io, channel, "cancel", CANCEL, own, order, "canceled", ""))
            gone = steps[-1].code == "0"
        else:
            # A refusal of the exchange is certain, a missing answer is not.
            gone = bool(steps[-1].code)
    except asyncio.CancelledError:
        canceled, gone = await to_the_end(cancel(io, order.inst_id, order.client_id)), True
        told = f"the order {order.client_id} was canceled" if canceled else f"NOT canceled: {_name(order)}"
        raise Inconclusive(f"given up on the way; {told}") from None
    finally:
        if not gone:
            gone = await to_the_end(cancel(io, order.inst_id, order.client_id))
    return tuple(steps), gone


def _name(order: Wanted) -> str:
    return f"{order.inst_id} clOrdId {order.client_id}"


# ---- evaluate ----------------------------------------------------------------------------------


def evaluate(facts: Facts) -> Iterable[Finding]:
    if facts.left_behind:
        yield Finding(
            code="order.state-diverges",
            summary=line(f"The order of the round trip may still stand: {facts.left_behind}", 300),
            evidence={"order": facts.left_behind, "cancellations_tried": True},
            subject=facts.order.inst_id,
            remedy=(
                f'POST {CANCEL} {{"instId":"{facts.order.inst_id}","clOrdId":"{facts.order.client_id}"}}',
                "okxdoctor run --target demo --demo-orders   # cancels what an earlier run left behind",
            ),
        )
    for one in facts.steps:
        if one.code not in ("", "0") and not _of_the_gateway(one.code):
            yield from _refused(one, facts)
        elif one.code == "0" and facts.heard and _differ(one):
            yield _diverges(one, facts)
            return


def _differ(one: Step) -> bool:
    """REST told of the order, and the channel of another state, of another price, or not of it at all."""
    if not one.rest:
        return False
    return one.channel != one.rest or bool(one.rest_px and fraction(one.channel_px) != fraction(one.rest_px))


def _diverges(one: Step, facts: Facts) -> Finding:
    settle_s = tunable("order_settle_s")
    heard = f"{one.channel} at {one.channel_px}" if one.channel else "nothing"
    return Finding(
        code="order.state-diverges",
        summary=line(
            f"{settle_s:g} s after {one.name} the orders channel tells {heard} of an order that trade/order tells as "
            f"{one.rest} at {one.rest_px}",
            300,
        ),
        evidence={
            "order": _name(facts.order),
            "after": one.name,
            "channel": one.channel or "nothing",
            "channel_px": one.channel_px,
            "rest": one.rest,
            "rest_px": one.rest_px,
            "settle_s": settle_s,
            "acknowledged_ms": one.ack_ms,
        },
        subject=facts.order.inst_id,
    )


def _cause(code: str) -> str | None:
    try:
        return next((each for each in code_row(code).causes if each in REFUSALS), None)
    except KeyError:
        return None


def _of_the_gateway(code: str) -> bool:
    """A refusal of any request (address, key, service, 50xxx), which says nothing of the order."""
    return code.startswith("50") and _cause(code) is None


def _refused(one: Step, facts: Facts) -> Iterable[Finding]:
    """An operation that the exchange refuses: the likeliest cause of its code among those that this check can name."""
    cause = _cause(one.code)
    evidence: dict[str, Json] = {"order": _name(facts.order), "step": one.name, "code": one.code, "message": one.said}
    yield Finding(
        code=cause or "order.parameter-invalid",
        summary=line(f"The exchange refuses to {one.name} the order of the round trip: {one.code} {one.said}", 300),
        evidence=evidence,
        subject=facts.order.inst_id,
        confidence=Confidence.LIKELY if cause else Confidence.POSSIBLE,
        remedy=(f"okxdoctor explain {one.code}",),
    )


CHECK = Check(
    id="order.trip",
    title="An order goes there and back, and both channels tell the same of it",
    facts=Facts,
    probe=probe,
    evaluate=evaluate,
    reads=("key", "instrument"),
    brings=("key", "instrument"),
    private=True,
    cleanup_s=8.0,
    causes=("order.state-diverges", *REFUSALS),
)
