"""Twenty clients at mixed load against one exchange, for as long as is asked for.

    python tests/soak/soak.py [--seconds 600] [--seed 1]

The exchange runs in a process of its own. Traders place, amend, cancel and fill spot orders by REST and by WebSocket on
two accounts; readers follow books without a gap; watchers hold private channels; a visitor comes and goes; a vandal
sends what no client should; the operator moves the market, cuts connections and announces upgrades. In the end every
order is accounted for: what the client was told, what the exchange says, what its fills sum up to, and what the money
has become, in exact fractions of an own book-keeping.

Prints one JSON object; the exit status is 1 when anything is wrong: a lost order, money that does not add up, a gap in
a book, a defect or an unhandled exception in the exchange, memory that goes on growing.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import random
import socket
import ssl
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from websockets.exceptions import WebSocketException

sys.path.insert(0, str(Path(__file__).parent))

from wire import Refused, Rest, conversation

INSTRUMENTS = ("BTC-USDT", "ETH-USDT")
SIZES = {"BTC-USDT": "0.001", "ETH-USDT": "0.01"}
GROWTH = 1.05
"""Memory in the last quarter may be so much above that in the third: logs and histories have their full length then."""
GONE = (OSError, EOFError, asyncio.IncompleteReadError, TimeoutError, WebSocketException)
"""What a cut connection looks like to its client."""


# -- the exchange's process ---------------------------------------------------------------------------


def exchange_process(pipe: Connection, seed: int) -> None:
    """Serve; answer ``stats`` with a dict and the name of an operation with None; end with ``stop``."""
    from okxdoctor.exchange import Bench, serve

    unhandled: list[str] = []
    with serve(seed=seed) as served:
        served.faults.turn_on("ratelimit-limit-differs=100000")
        bench, draw = Bench(served), random.Random(seed)
        loop = served._loop
        loop.call_soon_threadsafe(loop.set_exception_handler, lambda _, what: unhandled.append(repr(what)[:500]))
        pipe.send(served.info.as_json())
        while (asked := pipe.recv()) != "stop":
            match asked:
                case "stats":
                    pipe.send({
                        "rss_mib": _rss_mib(), "defects": served.wire_log.defects[:3], "unhandled": unhandled[:3],
                        "sockets": len(served.running.sockets.open),
                        "tasks": served.run(_tasks()),
                    })  # fmt: skip
                    continue
                case "cut":
                    bench.cut_connections()
                case "notice":
                    bench.notice(0.01)
                case "market":
                    bench.move_market(draw.choice(INSTRUMENTS), by=draw.uniform(-0.01, 0.01))
            pipe.send(None)
    pipe.send("stopped")


async def _tasks() -> int:
    return len(asyncio.all_tasks())


def _rss_mib() -> float:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096 / 2**20


# -- clients --------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Ledger:
    """What the clients know of one account."""

    site: dict[str, Any]
    start: dict[str, Fraction] = field(default_factory=dict)
    orders: dict[str, str] = field(default_factory=dict)
    """Order id -> accFillSz when the order was over."""
    fills: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By trade and order id."""
    newest: str = ""
    deals: int = 0


@dataclass(slots=True)
class Soak:
    """The state of one run."""

    sites: list[dict[str, Any]]
    context: ssl.SSLContext
    draw: random.Random
    end: float
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    ledgers: list[Ledger] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ledgers = [Ledger(site) for site in self.sites]

    def goes_on(self) -> bool:
        return time.monotonic() < self.end

    async def rest(self) -> None:
        await asyncio.sleep(self.draw.uniform(0.01, 0.06))


async def trader(soak: Soak, ledger: Ledger, seed: int) -> None:
    """One order after the other over REST, each brought to its end and asked for then."""
    rest, draw = Rest(ledger.site, soak.context), random.Random(seed)
    while soak.goes_on():
        inst = draw.choice(INSTRUMENTS)
        last = Fraction((await rest("GET", f"/api/v5/market/ticker?instId={inst}"))[0]["last"])
        side, wanted = draw.choice(("buy", "sell")), {"instId": inst, "tdMode": "cash", "sz": SIZES[inst]}
        try:
            match draw.randrange(5):
                case 0:
                    market = {**wanted, "side": side, "ordType": "market", "tgtCcy": "base_ccy"}
                    placed = await rest("POST", "/api/v5/trade/order", market)
                case 1:
                    factor = Fraction(101, 100) if side == "buy" else Fraction(99, 100)
                    deal = {**wanted, "side": side, "ordType": "ioc", "px": _px(last * factor)}
                    placed = await rest("POST", "/api/v5/trade/order", deal)
                case 2:
                    far = {**wanted, "side": "buy", "ordType": "limit", "px": _px(last * Fraction(9, 10))}
                    placed = await rest("POST", "/api/v5/trade/batch-orders", [far, far])
                case _:
                    far = {**wanted, "side": "buy", "ordType": "limit", "px": _px(last * Fraction(9, 10))}
                    placed = await rest("POST", "/api/v5/trade/order", far)
                    change = {"instId": inst, "ordId": placed[0]["ordId"], "newPx": _px(last * Fraction(91, 100))}
                    with contextlib.suppress(Refused):  # the money may not suffice for the new price
                        await rest("POST", "/api/v5/trade/amend-order", change)
        except Refused as refused:
            placed = refused.data
        for each in placed:
            if each["sCode"] == "0":
                await _finish(soak, ledger, rest, inst, each["ordId"])
            else:
                soak.counts[f"refused {each['sCode']}"] += 1
        if draw.random() < 0.01:
            rest.hang_up()
        await soak.rest()
    soak.counts["requests"] += rest.asked
    rest.hang_up()


async def _finish(soak: Soak, ledger: Ledger, rest: Rest, inst: str, order_id: str) -> None:
    """Bring an order to its end; its last word goes into the ledger."""
    ledger.orders[order_id] = "?"
    name = f"instId={inst}&ordId={order_id}"
    (order,) = await rest("GET", f"/api/v5/trade/order?{name}")
    if order["state"] in ("live", "partially_filled"):
        with contextlib.suppress(Refused):  # it may have been filled meanwhile
            await rest("POST", "/api/v5/trade/cancel-order", {"instId": inst, "ordId": order_id})
        (order,) = await rest("GET", f"/api/v5/trade/order?{name}")
    if order["state"] not in ("filled", "canceled"):
        soak.wrong.append(f"order {order_id} is {order['state']} after its end")
    ledger.orders[order_id] = order["accFillSz"]
    soak.counts[order["state"]] += 1


async def socket_trader(soak: Soak, ledger: Ledger, seed: int) -> None:
    """Orders over a WebSocket; what happened to each is asked for by REST."""
    rest, draw = Rest(ledger.site, soak.context), random.Random(seed)
    code = {
        row["instId"]: row["instIdCode"] for row in await rest("GET", "/api/v5/public/instruments?instType=SPOT")
    }  # fmt: skip
    number = seed * 1_000_000
    while soak.goes_on():
        with contextlib.suppress(*GONE):
            async with conversation(ledger.site, soak.context, "private") as wire:
                while soak.goes_on():
                    inst, number = draw.choice(INSTRUMENTS), number + 1
                    last = Fraction((await rest("GET", f"/api/v5/market/ticker?instId={inst}"))[0]["last"])
                    side, factor = draw.choice(
                        (("buy", Fraction(9, 10)), ("buy", Fraction(101, 100)), ("sell", Fraction(99, 100)))
                    )
                    client_id = f"soak{number}"
                    arg = {
                        "instIdCode": code[inst], "tdMode": "cash", "side": side, "ordType": "limit",
                        "sz": SIZES[inst], "px": _px(last * factor), "clOrdId": client_id,
                    }  # fmt: skip
                    try:
                        await wire.send(json.dumps({"id": str(number), "op": "order", "args": [arg]}))
                        said = await _reply(wire, str(number))
                    except GONE:
                        # Cut off before the answer: the order is there or not, the exchange knows.
                        said = await _asked_later(rest, inst, client_id)
                        if said:
                            await _finish(soak, ledger, rest, inst, said)
                        raise
                    item = said["data"][0]
                    if item["sCode"] == "0":
                        await _finish(soak, ledger, rest, inst, item["ordId"])
                    else:
                        soak.counts[f"refused {item['sCode']}"] += 1
                    await soak.rest()
        soak.counts["reconnects"] += 1
        await asyncio.sleep(0.4)
    soak.counts["requests"] += rest.asked
    rest.hang_up()


async def _reply(wire: Any, given: str) -> Any:
    async with asyncio.timeout(20):
        while True:
            said = json.loads(await wire.recv())
            if said.get("id") == given:
                return said


async def _asked_later(rest: Rest, inst: str, client_id: str) -> str:
    try:
        return str((await rest("GET", f"/api/v5/trade/order?instId={inst}&clOrdId={client_id}"))[0]["ordId"])
    except Refused:
        return ""


async def reader(soak: Soak, site: dict[str, Any], seed: int) -> None:
    """A book without a gap, a ticker and trades whose ids rise; begins anew when it is cut off."""
    inst = INSTRUMENTS[seed % 2]
    args = [{"channel": channel, "instId": inst} for channel in ("books", "tickers", "trades")]
    while soak.goes_on():
        with contextlib.suppress(*GONE):
            async with conversation(site, soak.context, "public", *args) as wire:
                at: int | None = None
                trade = -1
                while soak.goes_on():
                    async with asyncio.timeout(20):
                        said = json.loads(await wire.recv())
                    soak.counts["pushes"] += 1
                    channel, data = said.get("arg", {}).get("channel"), said.get("data")
                    if channel == "books" and data:
                        if said["action"] == "update" and data[0]["prevSeqId"] != at:
                            soak.wrong.append(f"gap in {inst}: {data[0]['prevSeqId']} after {at}")
                        at = data[0]["seqId"]
                    elif channel == "trades" and data:
                        if int(data[-1]["tradeId"]) <= trade:
                            soak.wrong.append(f"trade {data[-1]['tradeId']} of {inst} after {trade}")
                        trade = int(data[-1]["tradeId"])
        soak.counts["reconnects"] += 1
        await asyncio.sleep(0.4)


async def watcher(soak: Soak, ledger: Ledger) -> None:
    """Private channels: each order is told with states in their order, and never after its end."""
    args = [{"channel": "orders", "instType": "ANY"}, {"channel": "account"}, {"channel": "balance_and_position"}]
    while soak.goes_on():
        over: set[str] = set()
        with contextlib.suppress(*GONE):
            async with conversation(ledger.site, soak.context, "private", *args) as wire:
                while soak.goes_on():
                    async with asyncio.timeout(20):
                        said = json.loads(await wire.recv())
                    soak.counts["pushes"] += 1
                    if said.get("arg", {}).get("channel") == "orders":
                        for row in said.get("data", ()):
                            if row["ordId"] in over:
                                soak.wrong.append(f"order {row['ordId']} is told after its end")
                            if row["state"] in ("filled", "canceled"):
                                over.add(row["ordId"])
        soak.counts["reconnects"] += 1
        await asyncio.sleep(0.4)


async def auditor(soak: Soak, ledger: Ledger, rest: Rest) -> None:
    """Collects every fill of an account, page by page."""
    while soak.goes_on():
        await collect(ledger, rest)
        await asyncio.sleep(1.0)
    soak.counts["requests"] += rest.asked


async def collect(ledger: Ledger, rest: Rest) -> None:
    page = ""
    while True:
        more = f"&after={page}" if page else ""
        rows = await rest("GET", f"/api/v5/trade/fills?instType=SPOT&limit=100{more}")
        fresh = [row for row in rows if f"{row['tradeId']}/{row['ordId']}" not in ledger.fills]
        for row in fresh:
            ledger.fills[f"{row['tradeId']}/{row['ordId']}"] = row
        if len(fresh) < 100:
            return
        page = rows[-1]["billId"]


async def visitor(soak: Soak, site: dict[str, Any]) -> None:
    """Another client every time: connects, asks one thing, leaves."""
    while soak.goes_on():
        rest = Rest(site, soak.context)
        await rest("GET", "/api/v5/account/balance")
        rest.hang_up()
        soak.counts["visits"] += 1
        await soak.rest()


async def vandal(soak: Soak, info: dict[str, Any]) -> None:
    """What no client should send, to the plain and the TLS port; whatever becomes of it is right but harm to others."""
    ports = [int(info[name].rpartition(":")[2]) for name in ("rest_url", "plain_rest_url")]
    post = b"POST /api/v5/trade/order HTTP/1.1\r\nHost: x\r\n"
    upgrade = (
        b"GET /ws/v5/public HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    junk = [
        b"\x16\x03\x01\x02\x00\x01" + bytes(80), b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 5_000 + b"\r\n",
        post + b"Content-Length: 99999999999\r\n\r\n{", b"\x00" * 5_000,
        post + b"Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n" + b"[" * 60_000,
        upgrade + b"\xff" * 300,
        b"",
    ]  # fmt: skip
    while soak.goes_on():
        with contextlib.suppress(*GONE):
            peer, wire = await asyncio.open_connection("127.0.0.1", soak.draw.choice(ports))
            wire.write(soak.draw.choice(junk))
            await asyncio.sleep(soak.draw.uniform(0, 0.1))
            if soak.draw.random() < 0.5:
                wire.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1] + [0] * 7))
            wire.close()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(peer.read(), 0.2)
        soak.counts["vandalism"] += 1
        await soak.rest()


async def operator(soak: Soak, pipe: Connection, seconds: float) -> list[dict[str, Any]]:
    """Moves the market, cuts, announces, and looks at the exchange's process forty times."""
    looks: list[dict[str, Any]] = []
    step = seconds / 40
    while soak.goes_on():
        await asyncio.sleep(step)
        looks.append(await asyncio.to_thread(_ask, pipe, "stats"))
        await asyncio.to_thread(_ask, pipe, soak.draw.choice(("market", "market", "market", "cut", "notice")))
    return looks


def _ask(pipe: Connection, what: str) -> Any:
    pipe.send(what)
    return pipe.recv()


def _px(value: Fraction) -> str:
    return f"{float(value):.1f}"


# -- the reckoning ---------------------------------------------------------------------------------------


async def balances(rest: Rest) -> dict[str, Fraction]:
    details = (await rest("GET", "/api/v5/account/balance"))[0]["details"]
    return {row["ccy"]: Fraction(row["cashBal"]) for row in details}


async def reckon(soak: Soak, ledger: Ledger, rest: Rest) -> None:
    """Compare what the clients know with what the exchange says."""
    place = f"{ledger.site['name']} {ledger.site['environment']}"
    await collect(ledger, rest)
    by_order: dict[str, Fraction] = defaultdict(Fraction)
    money = dict(ledger.start)
    for row in ledger.fills.values():
        base, quote = row["instId"].split("-")
        size, value = Fraction(row["fillSz"]), Fraction(row["fillSz"]) * Fraction(row["fillPx"])
        sign = 1 if row["side"] == "buy" else -1
        by_order[row["ordId"]] += size
        money[base] = money.get(base, Fraction()) + sign * size
        money[quote] = money.get(quote, Fraction()) - sign * value
        money[row["feeCcy"]] += Fraction(row["fee"])
    for order_id, filled in ledger.orders.items():
        if filled == "?" or Fraction(filled) != by_order.pop(order_id, Fraction()):
            soak.wrong.append(f"{place}: order {order_id} has filled {filled}, its fills say otherwise")
    if by_order:
        soak.wrong.append(f"{place}: fills of orders that nobody knows: {list(by_order)[:3]}")
    now = await balances(rest)
    for ccy in sorted(set(money) | set(now)):
        if money.get(ccy, Fraction()) != now.get(ccy, Fraction()):
            soak.wrong.append(f"{place}: {ccy} is {now.get(ccy)}, by the fills {money.get(ccy)}")
    if left := await rest("GET", "/api/v5/trade/orders-pending"):
        soak.wrong.append(f"{place}: {len(left)} orders are still open")
    details = (await rest("GET", "/api/v5/account/balance"))[0]["details"]
    for row in details:
        if Fraction(row["frozenBal"]) != 0 or Fraction(row["availBal"]) != Fraction(row["cashBal"]):
            soak.wrong.append(f"{place}: {row['ccy']} has {row['frozenBal']} frozen without an order")
    soak.counts["orders"] += len(ledger.orders)
    soak.counts["fills"] += len(ledger.fills)


def steady(looks: list[dict[str, Any]]) -> tuple[float, float]:
    """Memory in the third and in the last quarter: medians, MiB."""
    memory = [look["rss_mib"] for look in looks]
    quarter = max(1, len(memory) // 4)
    early, late = sorted(memory[2 * quarter : 3 * quarter] or memory), sorted(memory[-quarter:])
    return early[len(early) // 2], late[len(late) // 2]


async def run(info: dict[str, Any], pipe: Connection, seconds: float, seed: int) -> dict[str, Any]:
    wanted = [("global", "live"), ("eea", "demo")]
    sites = [site for site in info["sites"] if (site["name"], site["environment"]) in wanted]
    context = ssl.create_default_context(cafile=info["ca_file"])
    soak = Soak(sites=sites, context=context, draw=random.Random(seed), end=time.monotonic() + seconds)
    rests = [Rest(ledger.site, context) for ledger in soak.ledgers]
    for ledger, rest in zip(soak.ledgers, rests, strict=True):
        ledger.start = await balances(rest)
    clients = [trader(soak, soak.ledgers[k % 2], seed + k) for k in range(8)]
    clients += [socket_trader(soak, soak.ledgers[k % 2], seed + 10 + k) for k in range(3)]
    clients += [reader(soak, sites[k % 2], k) for k in range(4)]
    clients += [watcher(soak, soak.ledgers[k]) for k in range(2)]
    clients += [auditor(soak, ledger, rest) for ledger, rest in zip(soak.ledgers, rests, strict=True)]
    clients += [visitor(soak, sites[0])]
    watch = asyncio.create_task(operator(soak, pipe, seconds))
    outcome = await asyncio.gather(*clients, vandal(soak, info), return_exceptions=True)
    looks = await watch
    soak.wrong.extend(f"a client ended: {each!r}" for each in outcome if isinstance(each, BaseException))
    for ledger, rest in zip(soak.ledgers, rests, strict=True):
        await reckon(soak, ledger, rest)
        rest.hang_up()
    last = await asyncio.to_thread(_ask, pipe, "stats")
    soak.wrong.extend(f"defect: {each}" for each in last["defects"])
    soak.wrong.extend(f"unhandled: {each}" for each in last["unhandled"])
    early, late = steady(looks)
    return {
        "clients": len(clients), "seconds": seconds, "counts": dict(sorted(soak.counts.items())),
        "memory_mib": {"first": looks[0]["rss_mib"], "third quarter": early, "last quarter": late},
        "tasks": [looks[0]["tasks"], last["tasks"]], "wrong": soak.wrong[:20],
    }  # fmt: skip


def soak(seconds: float, seed: int = 1) -> dict[str, Any]:
    """One whole run; ``wrong`` of the result is empty when all is well. Memory is told, and not judged here."""
    spawning = multiprocessing.get_context("spawn")
    pipe, theirs = spawning.Pipe()
    process = spawning.Process(target=exchange_process, args=(theirs, seed), daemon=True)
    process.start()
    try:
        info = pipe.recv()
        result = asyncio.run(run(info, pipe, seconds, seed))
        pipe.send("stop")
        if not pipe.poll(20):
            result["wrong"].append("the exchange does not stop")
    finally:
        process.join(5)
        process.kill()
        process.join()
        pipe.close()
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    result = soak(given.seconds, given.seed)
    memory = result["memory_mib"]
    if memory["last quarter"] > memory["third quarter"] * GROWTH:
        result["wrong"].append(f"memory grows: {memory}")
    print(json.dumps(result, indent=1))
    return 1 if result["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
