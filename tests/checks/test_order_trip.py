"""The order round trip: what is seen on the way, and that nothing stays behind however it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from coreio import Core, CoreIo
from fakeio import FakeSocket, Talk, judged, view
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.check import Inconclusive, Skip
from okxdoctor.facts import AccountView, Answer, Ask, Failure
from okxdoctor.trading_facts import Instruments, ListedInstrument
from okxdoctor_checks._order_trip import Step, Wanted
from okxdoctor_checks.order_trip import CHECK, Facts

BTC = ListedInstrument(
    inst_id="BTC-USDT", type="SPOT", state="live",
    spec=(("tickSz", "0.1"), ("lotSz", "0.00000001"), ("minSz", "0.00001")),
)  # fmt: skip
ACCOUNT = AccountView(
    uid="1", perm=("read_only", "trade"), ip=(), acct_lv="2", pos_mode="net_mode", kyc_lv="2", account_type="0"
)
SUBSCRIBED = '{"event":"subscribe","arg":{"channel":"orders","instType":"SPOT","instId":"BTC-USDT"}}'


@dataclass(kw_only=True)
class TripIo(CoreIo):
    """``strike(n, ask)`` is called before the n-th request and after it was carried out (then n is negative)."""

    strike: Any = lambda n, ask: None
    told: bool = True
    count: int = 0
    pushed: list[str] = field(default_factory=list)

    async def http(self, ask: Ask) -> Answer:
        self.count += 1
        n = self.count
        self.strike(n, ask)
        await asyncio.sleep(0)
        answer = await super().http(ask)
        replaced = self.strike(-n, ask)
        if ask.method == "POST" and self.told:
            self._push(json.loads(ask.body or "{}")["clOrdId"])
        await asyncio.sleep(0)
        return answer if replaced is None else replaced

    def _push(self, client_id: str) -> None:
        account = next(iter(self.core.exchange.venue("global", "live").accounts.values()))
        found = self.core.exchange.venue("global", "live").orders.find(account.uid, "", client_id)
        if found is not None and self.opened:
            push = {"arg": {"channel": "orders"}, "data": [found.row()]}
            self.opened[-1]._coming.append(json.dumps(push))

    async def open_socket(self, path: Any, **more: Any) -> FakeSocket:
        return await super().open_socket(path, **more)


def talk(text: str) -> Iterable[str]:
    return [SUBSCRIBED] if "subscribe" in text else []


def world(core: Core, **more: Any) -> TripIo:
    io = TripIo(
        core=core, view=view(kind="sim", addresses="loopback", demo_orders=True),
        sockets={"private": Talk(login=['{"event":"login","code":"0"}'], respond=talk)}, **more,
    )  # fmt: skip
    io.records = (Instruments(listed=(BTC,)), ACCOUNT)
    return io


def open_orders(core: Core) -> list[Any]:
    return core.exchange.venue("global", "live").orders.all_open()


def test_there_and_back() -> None:
    core = Core(3)
    io = world(core)
    facts = asyncio.run(CHECK.probe(io))
    assert [(one.name, one.code, one.channel, one.rest) for one in facts.steps] == [
        ("place", "0", "live", "live"), ("amend", "0", "live", "live"), ("cancel", "0", "canceled", "canceled"),
    ]  # fmt: skip
    assert facts.steps[1].rest_px == facts.order.moved_px != facts.order.px
    assert judged(CHECK, facts) == ()
    assert open_orders(core) == []
    assert [ask.path for ask in io.asks if ask.method == "POST"] == [
        "/api/v5/trade/order", "/api/v5/trade/amend-order", "/api/v5/trade/cancel-order",
    ]  # fmt: skip


def test_a_channel_that_tells_nothing_diverges() -> None:
    facts = asyncio.run(CHECK.probe(world(Core(3), told=False)))
    (found,) = judged(CHECK, facts)
    assert found.code == "order.state-diverges"
    assert found.evidence["channel"] == "nothing"
    assert found.evidence["rest"] == "live"


def _interrupted_at(core: Core, n: int) -> str:
    """Cancel the probe at its n-th request (before it for positive, after it for negative n); what became of it."""

    async def go() -> str:
        def strike(at: int, ask: Ask) -> None:
            if at == n:
                task.cancel()

        task = asyncio.ensure_future(CHECK.probe(world(core, strike=strike)))
        try:
            await task
        except asyncio.CancelledError:
            return "cancelled"
        except Inconclusive as blind:
            return blind.because
        return "done"

    return asyncio.run(go())


@pytest.mark.parametrize("n", [sign * n for n in range(1, 9) for sign in (1, -1)])
def test_an_interruption_anywhere_leaves_nothing_behind(n: int) -> None:
    core = Core(3)
    said = _interrupted_at(core, n)
    assert open_orders(core) == []
    placed = core.exchange.venue("global", "live").orders.finished(
        next(iter(core.exchange.venue("global", "live").accounts))
    )
    if placed and said != "done":
        assert said.startswith("given up on the way; the order okxdoctor")


@pytest.mark.parametrize("n", range(1, 9))
@pytest.mark.parametrize("kind", ["timeout", "reset"])
def test_a_lost_answer_leaves_nothing_behind(n: int, kind: Any) -> None:
    core = Core(3)

    def lost(at: int, ask: Ask) -> Answer | None:
        if at != -n:
            return None
        return Answer(
            method=ask.method, path=ask.path, url="", status=None, failure=Failure(kind=kind, phase="first-byte")
        )

    try:
        facts = asyncio.run(CHECK.probe(world(core, strike=lost)))
    except (Inconclusive, Skip):
        facts = None
    assert open_orders(core) == []
    if facts is not None:
        assert facts.left_behind == ""


def test_a_defect_on_the_way_leaves_nothing_behind() -> None:
    core = Core(3)

    def broken(at: int, ask: Ask) -> None:
        if at == 4:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(CHECK.probe(world(core, strike=broken)))
    assert open_orders(core) == []


def test_what_cannot_be_canceled_is_named() -> None:
    core = Core(3)

    def refuse(at: int, ask: Ask) -> Answer | None:
        if at < 0 and ask.path.endswith("cancel-order"):
            failure = Failure(kind="timeout", phase="first-byte")
            return Answer(method=ask.method, path=ask.path, url="", status=None, failure=failure)
        return None

    facts = asyncio.run(CHECK.probe(world(core, strike=refuse)))
    assert facts.order.client_id in facts.left_behind
    found = judged(CHECK, facts)
    assert found[0].code == "order.state-diverges"
    assert facts.order.client_id in found[0].remedy[0]


def test_what_an_earlier_run_left_is_canceled_first_and_nothing_else() -> None:
    core = Core(3)
    order = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "40000", "sz": "0.001"}
    assert core.place(order | {"clOrdId": "okxdoctor" + "a" * 20}) == "0"
    assert core.place(order | {"clOrdId": "okxdoctormine"}) == "0"
    assert core.place(order) == "0"
    facts = asyncio.run(CHECK.probe(world(core)))
    assert facts.cleared == 1
    assert sorted(one.client_id for one in open_orders(core)) == ["", "okxdoctormine"]


@pytest.mark.parametrize(
    ("changes", "records", "why"),
    [
        ({"demo_orders": False}, (), "--demo-orders"),
        ({"credentials": False}, (), "API key"),
        ({}, (), "see key"),
        ({}, (replace(ACCOUNT, perm=("read_only",)),), "may not trade"),
        ({}, (ACCOUNT,), "see instrument"),
        ({}, (ACCOUNT, Instruments(listed=(replace(BTC, state="suspend"),))), "no spot instrument"),
    ],
)
def test_when_nothing_is_placed(changes: dict[str, Any], records: tuple[Any, ...], why: str) -> None:
    io = world(Core())
    io.view, io.records = replace(io.view, **changes), records
    with pytest.raises(Skip, match=why):
        asyncio.run(CHECK.probe(io))
    assert not [ask for ask in io.asks if ask.method != "GET"]


def test_a_refusal_is_told_as_the_cause_of_its_code() -> None:
    core = Core(3)
    core.put("order-insufficient-funds", "account-funds-elsewhere")
    facts = asyncio.run(CHECK.probe(world(core)))
    (found,) = judged(CHECK, facts)
    assert found.code == "order.insufficient-funds"
    assert found.evidence["code"] == "51008"


def test_a_key_that_must_be_bound_first_is_no_mistake_in_the_order() -> None:
    core = Core(3)
    core.put("permission-ip-binding-required")
    (found,) = judged(CHECK, asyncio.run(CHECK.probe(world(core))))
    assert (found.code, found.evidence["code"]) == ("permission.ip-binding-required", "50035")


def test_a_refusal_of_any_request_is_no_mistake_in_the_order() -> None:
    """Nor is an address that the key's list does not have, or a service that is closed."""
    core = Core(3)
    core.put("key-frozen")
    with pytest.raises(Inconclusive, match="refuses to place an order: 50100"):
        asyncio.run(CHECK.probe(world(core)))
    stopped = Step(name="place", code="50110", channel="", channel_px="", rest="", rest_px="")
    order = Wanted(inst_id="BTC-USDT", mode="cash", px="1", moved_px="0.9", sz="1", client_id="okxdoctor" + "0" * 20)
    assert judged(CHECK, Facts(order=order, heard=True, steps=(stopped,))) == ()


def test_an_order_that_stands_is_canceled_where_changing_it_is_refused_for_another_reason() -> None:
    core = Core(3)

    def refuse(n: int, ask: Ask) -> Answer | None:
        if n < 0 and ask.path.endswith("amend-order"):
            return Answer(
                method=ask.method, path=ask.path, url="", status=429, body='{"code":"50011","msg":"x","data":[]}'
            )
        return None

    with pytest.raises(Inconclusive, match="refuses to amend an order: 50011"):
        asyncio.run(CHECK.probe(world(core, strike=refuse)))
    assert open_orders(core) == []


@given(facts=st.from_type(Facts))
def test_any_facts_are_judged(facts: Facts) -> None:
    judged(CHECK, facts)


def test_steps_are_values() -> None:
    order = Wanted(inst_id="BTC-USDT", mode="cash", px="1", moved_px="0.9", sz="1", client_id="okxdoctor" + "0" * 20)
    one = Step(name="place", code="0", channel="live", channel_px="1", rest="live", rest_px="1.0")
    assert judged(CHECK, Facts(order=order, heard=True, steps=(one,))) == ()


STEP = Step(name="place", code="0", ack_ms=9.0, channel="live", channel_px="1.5", rest="live", rest_px="1.5")


@pytest.mark.parametrize(
    ("changes", "heard", "told"),
    [
        ({}, True, ""),
        ({"channel_px": "1.50"}, True, ""),
        ({"channel_px": "1.6"}, True, "live at 1.6"),
        ({"channel": "", "channel_px": ""}, True, "tells nothing of"),
        ({"channel": "", "channel_px": ""}, False, ""),  # a channel that was never open has told nothing wrong
        ({"channel_px": "1.6", "rest": "", "rest_px": ""}, True, ""),
        ({"channel_px": "1.6", "code": ""}, True, ""),  # no answer: nobody knows what came of it
    ],
)
def test_when_channel_and_rest_tell_different_things(changes: dict[str, Any], heard: bool, told: str) -> None:
    order = Wanted(inst_id="BTC-USDT", mode="cash", client_id="okxdoctor" + "a" * 20, px="1.5", moved_px="1.4", sz="1")
    found = judged(CHECK, Facts(order=order, heard=heard, steps=(replace(STEP, **changes),)))
    assert [one.code for one in found] == (["order.state-diverges"] if told else [])
    assert told in "".join(one.summary for one in found)


@pytest.mark.parametrize("lost", ["tickSz", "lotSz"])
def test_an_instrument_without_a_grid_is_no_place_for_an_order(lost: str) -> None:
    io = world(Core(3))
    io.records = (
        Instruments(listed=(replace(BTC, spec=tuple(each for each in BTC.spec if each[0] != lost)),)), ACCOUNT,
    )  # fmt: skip
    with pytest.raises(Skip, match="no spot instrument of this run is open"):
        asyncio.run(CHECK.probe(io))
    assert not [ask for ask in io.asks if ask.method == "POST"]
