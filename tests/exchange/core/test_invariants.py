"""Whatever clients and the market do, the exchange stays true to itself.

One customer over REST and WebSocket, another participant behind the scenes, a market that moves, a clock that jumps,
connections that come and go. What must hold is computed again here, in fractions, from what is on the wire.
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

SPOT = ("BTC-USDT", "ETH-BTC")
SWAP = ("BTC-USDT-SWAP", "BTC-USD-SWAP")
ROUNDING = Fraction(1, 10**10)
"""Divisions are rounded once each, at 12 or more decimals."""

KINDS = ["limit", "limit", "limit", "market", "post_only", "ioc", "fok", "optimal_limit_ioc"]
PLAIN = {"tgtCcy": "", "tdMode": "", "reduceOnly": "", "posSide": "", "stpMode": ""}
STATES = {"live": 0, "partially_filled": 1, "filled": 2, "canceled": 2}


def number(text: str) -> Fraction:
    return Fraction(text or "0")


class Trading(RuleBasedStateMachine):
    """Everything that an account can do to its orders and its money, on spot and on swaps."""

    make_bench: Any = None
    mode = "net_mode"

    def __init__(self) -> None:
        super().__init__()
        from okxdoctor.exchange.core.backstage import counterparty
        from okxdoctor.exchange.core.limits import Pressure

        self.bench = Trading.make_bench()
        exchange = self.bench.exchange
        # The clock stands still between steps, so budgets would end; they have their own tests.
        budgets = replace(exchange.world.budgets, pressure=Pressure(factor=1e4))
        exchange.set_circumstances(replace(exchange.world, budgets=budgets))
        self.venue = exchange.venue("global", "live")
        self.account = next(iter(self.venue.accounts.values()))
        for inst in SPOT + SWAP:
            self.other = counterparty(self.venue, self.venue.instrument(inst))
        self.subs = [each for each in self.venue.accounts.values() if each.label]
        self.seen_ids: set[str] = set()
        self.history: dict[str, list[dict[str, Any]]] = {}
        self.books: dict[str, dict[str, dict[str, str]]] = {}
        self.last_seq: dict[str, int] = {}
        self.session: Any = None
        self.number = 0
        self.start = self.money()
        self.connect()
        assert self.post("account/set-position-mode", {"posMode": self.mode})["code"] == "0"

    # -- asking ----------------------------------------------------------------------------------

    def post(self, path: str, body: object) -> Any:
        self.bench.advance(1)
        return json.loads(self.bench.send("POST", f"/api/v5/{path}", json.dumps(body)).body)

    def get(self, target: str) -> Any:
        answer = json.loads(self.bench.send("GET", f"/api/v5/{target}").body)
        assert answer["code"] == "0", answer
        return answer["data"]

    def money(self) -> dict[str, Fraction]:
        """Both wallets together, and those of the sub-accounts."""
        total = self.own_money()
        for account in self.subs:
            for ccy, held in account.balances.items():
                total[ccy] = total.get(ccy, Fraction(0)) + Fraction(held.cash)
            for ccy, amount in account.funding.items():
                total[ccy] = total.get(ccy, Fraction(0)) + Fraction(amount)
        return total

    def own_money(self) -> dict[str, Fraction]:
        total = {row["ccy"]: number(row["cashBal"]) for row in self.get("account/balance")[0]["details"]}
        for row in self.get("asset/balances"):
            total[row["ccy"]] = total.get(row["ccy"], Fraction(0)) + number(row["bal"])
        return total

    def pending(self) -> list[dict[str, str]]:
        return list(self.get("trade/orders-pending"))

    def price(self, inst: str, away: int) -> str:
        market = self.venue.market(self.venue.instrument(inst))
        bid, ask = market.touch(self.bench.now_ms // 100)
        return str(market.tick.text(max(1, bid + away * max(1, (ask - bid) // 2))))

    def request(self, inst: str, side: str, kind: str, away: int, lots: int, more: dict[str, str]) -> dict[str, str]:
        size = {"BTC-USDT": Fraction(lots, 1000), "ETH-BTC": Fraction(lots, 100)}.get(inst, Fraction(lots, 10))
        order = {
            "instId": inst, "side": side, "ordType": kind, "sz": f"{float(size):.6f}", "px": self.price(inst, away),
        }  # fmt: skip
        if inst in SPOT:
            quote = kind == "market" and more["tgtCcy"] == "quote_ccy"
            if quote and inst == "BTC-USDT":
                order["sz"] = str(lots * 20)
            if more.get("margin") and inst == "BTC-USDT":
                # Bought and sold with borrowed money; market orders buy for quote currency.
                order["sz"] = str(lots * 20) if kind == "market" and side == "buy" else f"{lots / 1000:.3f}"
                return {**order, "tdMode": more["tdMode"] or "cross", "stpMode": more["stpMode"]}
            return {**order, "tdMode": "cash", "tgtCcy": more["tgtCcy"], "stpMode": more["stpMode"]}
        if self.mode == "long_short_mode":
            return {**order, "tdMode": more["tdMode"], "posSide": more["posSide"], "stpMode": more["stpMode"]}
        return {**order, "tdMode": more["tdMode"], "reduceOnly": more["reduceOnly"], "stpMode": more["stpMode"]}

    # -- what happens ----------------------------------------------------------------------------

    @rule(
        inst=st.sampled_from(SPOT + SWAP),
        side=st.sampled_from(["buy", "sell"]),
        kind=st.sampled_from(KINDS),
        away=st.sampled_from([1, 1, 1, 0, 2, -1, 3, -2, 6, -6]),
        lots=st.integers(1, 60),
        more=st.fixed_dictionaries(
            {
                "tgtCcy": st.sampled_from(["base_ccy", "quote_ccy"]),
                "tdMode": st.sampled_from(["cross", "isolated"]),
                "reduceOnly": st.sampled_from(["false", "false", "true"]),
                "posSide": st.sampled_from(["long", "short"]),
                "stpMode": st.sampled_from(["", "cancel_maker", "cancel_taker", "cancel_both"]),
                "margin": st.sampled_from(["", "", "yes"]),
            }
        ),
        batch=st.integers(1, 3),
        socket=st.booleans(),
    )
    def order(
        self, inst: str, side: str, kind: str, away: int, lots: int, more: dict[str, str], batch: int, socket: bool
    ) -> None:
        one = self.request(inst, side, kind, away, lots, more)
        if socket:
            self.bench.advance(1)
            args = [{**one, "instIdCode": self.venue.instrument(inst).code}] * batch
            frames = self.session.receive(json.dumps({"id": "7", "op": "batch-orders", "args": args}))
            answer = json.loads(frames[0].text)
        else:
            answer = self.post("trade/batch-orders", [one] * batch) if batch > 1 else self.post("trade/order", one)
        for item in answer["data"]:
            if item["sCode"] == "0":
                assert item["ordId"] not in self.seen_ids
                self.seen_ids.add(item["ordId"])
            else:
                assert item["ordId"] == ""
                assert item["sCode"] in ("51008", "51020", "51112", "51169", "51170", "54036", "51137", "51138"), item

    @rule(
        inst=st.sampled_from(SPOT + SWAP),
        side=st.sampled_from(["buy", "sell"]),
        away=st.sampled_from([1, 1, 0, 2, 3, -3]),
        lots=st.integers(1, 60),
    )
    def somebody_else_orders(self, inst: str, side: str, away: int, lots: int) -> None:
        from okxdoctor.exchange.core.backstage import counter_order

        wanted = self.request(inst, side, "limit", away, lots, PLAIN)
        order = counter_order(self.bench.exchange, self.venue, inst, side, wanted["px"], wanted["sz"])
        assert order.order_id not in self.seen_ids
        self.seen_ids.add(order.order_id)

    @rule(pick=st.integers(0, 20), part=st.sampled_from([1, 1, 3, 7]), sixths=st.integers(1, 9))
    def somebody_else_takes(self, pick: int, part: int, sixths: int) -> None:
        """Another participant goes for one of the customer's orders: a part of it, all, or more than there is."""
        from okxdoctor.exchange.core.backstage import Impossible, counter_order

        orders = self.pending()
        if not orders:
            return
        one = orders[pick % len(orders)]
        lot = self.venue.instrument(one["instId"]).lot
        left = Decimal(one["sz"]) - Decimal(one["accFillSz"])
        size = lot.text(max(1, lot.floor(left * sixths / 6 / part)))
        side = {"buy": "sell", "sell": "buy"}[one["side"]]
        refusal = ""
        try:
            self.seen_ids.add(
                counter_order(self.bench.exchange, self.venue, one["instId"], side, one["px"], size).order_id
            )
        except Impossible as refused:
            refusal = str(refused)
        # Below the least size, or too far from where the market is by now.
        assert not refusal or any(code in refusal for code in ("51020", "51137", "51138")), refusal

    @rule(pick=st.integers(0, 20), both=st.booleans())
    def cancel(self, pick: int, both: bool) -> None:
        orders = self.pending()
        if orders:
            chosen = [orders[pick % len(orders)], orders[0]][: 1 + both]
            answer = self.post("trade/cancel-batch-orders", [{n: o[n] for n in ("instId", "ordId")} for o in chosen])
            assert answer["data"][0]["sCode"] in ("0", "51400")

    @rule(pick=st.integers(0, 20), lots=st.integers(1, 60), away=st.integers(-4, 4), what=st.integers(1, 3))
    def amend(self, pick: int, lots: int, away: int, what: int) -> None:
        orders = self.pending()
        if not orders:
            return
        one = orders[pick % len(orders)]
        wanted = self.request(one["instId"], one["side"], "limit", away, lots, PLAIN)
        body = {"instId": one["instId"], "ordId": one["ordId"]}
        if what & 1:
            body["newSz"] = wanted["sz"]
        if what & 2:
            body["newPx"] = wanted["px"]
        item = self.post("trade/amend-order", body)["data"][0]
        assert item["sCode"] in ("0", "51008", "51000", "51503", "51137", "51138"), item

    @rule(
        ccy=st.sampled_from(["USDT", "BTC", "OKB", "XRP"]),
        amount=st.sampled_from(["0.01", "40.5", "300", "1e6"]),
        out=st.booleans(),
    )
    def transfer(self, ccy: str, amount: str, out: bool) -> None:
        source, target = ("18", "6") if out else ("6", "18")
        self.carry({"ccy": ccy, "amt": amount, "from": source, "to": target})

    def carry(self, body: dict[str, str]) -> None:
        """A transfer changes no sum; the clock stands still for it, so that nothing else happens."""
        self.bench.advance(1_000)
        before = self.money()
        answer = json.loads(self.bench.send("POST", "/api/v5/asset/transfer", json.dumps(body)).body)
        assert answer["code"] in ("0", "58008", "58116"), answer
        assert self.money() == before

    @rule(
        kind=st.sampled_from(["conditional", "oco", "trigger", "move_order_stop"]),
        inst=st.sampled_from(SPOT[:1] + SWAP),
        side=st.sampled_from(["buy", "sell"]),
        lots=st.integers(1, 40),
        away=st.sampled_from([2, 5, 20, 300]),
        by=st.sampled_from(["last", "mark", "index"]),
        more=st.fixed_dictionaries(
            {
                "tdMode": st.sampled_from(["cross", "isolated"]), "reduceOnly": st.sampled_from(["false", "true"]),
                "posSide": st.sampled_from(["long", "short"]),
            }
        ),
        cancel=st.booleans(),
    )  # fmt: skip
    def algo(
        self, kind: str, inst: str, side: str, lots: int, away: int, by: str, more: dict[str, str], cancel: bool
    ) -> None:  # fmt: skip
        """An order that waits for a price close by; one that was placed before may be taken back."""
        up, down = (self.price(inst, each) for each in (away, -away))
        tp, sl = (up, down) if side == "sell" else (down, up)
        by = "last" if inst in SPOT else by
        body = self.request(inst, side, kind, 0, lots, {**PLAIN, **more})
        body |= {"px": "", "tgtCcy": "", "stpMode": ""}
        if kind in ("conditional", "oco"):
            body |= {"slTriggerPx": sl, "slOrdPx": "-1", "slTriggerPxType": by}
        if kind == "oco":
            body |= {"tpTriggerPx": tp, "tpOrdPx": tp, "tpTriggerPxType": by}
        if kind == "trigger":
            body |= {"triggerPx": up, "orderPx": "-1", "triggerPxType": by}
        if kind == "move_order_stop":
            body |= {"callbackSpread": str(away)}
        item = self.post("trade/order-algo", body)["data"][0]
        assert item["sCode"] in ("0", "51278", "51280", "51277", "51279", "51302", "51304", "51306", "51308", "51300",
                                 "51303", "51305", "51307"), item  # fmt: skip
        live = self.get("trade/orders-algo-pending?ordType=conditional,oco,trigger,move_order_stop")
        if cancel and live:
            one = {"instId": live[-1]["instId"], "algoId": live[-1]["algoId"]}
            assert self.post("trade/cancel-algos", [one])["data"][0]["sCode"] in ("0", "51400")

    @rule(
        inst=st.sampled_from(SWAP),
        mode=st.sampled_from(["cross", "isolated"]),
        lever=st.sampled_from(["2", "25", "75"]),
        side=st.sampled_from(["long", "short"]),
    )
    def leverage(self, inst: str, mode: str, lever: str, side: str) -> None:
        body = {"instId": inst, "mgnMode": mode, "lever": lever}
        if mode == "isolated" and self.mode == "long_short_mode":
            body["posSide"] = side
        answer = self.post("account/set-leverage", body)
        assert answer["code"] in ("0", "59101", "59103", "59107", "59668", "59669"), answer

    @rule(
        pick=st.integers(0, 5), amount=st.sampled_from(["0.0001", "3", "5000"]), kind=st.sampled_from(["add", "reduce"])
    )
    def margin(self, pick: int, amount: str, kind: str) -> None:
        positions = [row for row in self.get("account/positions") if row["mgnMode"] == "isolated"]
        if positions:
            row = positions[pick % len(positions)]
            body = {"instId": row["instId"], "posSide": row["posSide"], "type": kind, "amt": amount}
            assert self.post("account/position/margin-balance", body)["code"] in ("0", "59300", "59301")

    @rule(pick=st.integers(0, 5))
    def close_position(self, pick: int) -> None:
        positions = self.get("account/positions")
        if positions:
            row = positions[pick % len(positions)]
            body = {"instId": row["instId"], "mgnMode": row["mgnMode"], "posSide": row["posSide"], "autoCxl": True}
            assert self.post("trade/close-position", body)["code"] in ("0", "51023", "51112", "51169", "51170")

    @rule(seconds=st.sampled_from(["0", "10", "60"]))
    def cancel_unless(self, seconds: str) -> None:
        assert self.post("trade/cancel-all-after", {"timeOut": seconds})["code"] == "0"

    @rule(
        amount=st.sampled_from(["0.01", "45", "1e5"]), back=st.booleans(), wallets=st.sampled_from(["66", "6Z", "Z6"])
    )
    def transfer_to_a_sub_account(self, amount: str, back: bool, wallets: str) -> None:
        source, target = ({"6": "6", "Z": "18"}[each] for each in wallets)
        body = {"ccy": "USDT", "amt": amount, "from": source, "to": target, "subAcct": "deskone"}
        self.carry({**body, "type": "2" if back else "1"})

    @rule(
        pair=st.sampled_from(["BTC-USDT", "ETH-USDT", "XRP-USDT"]),
        side=st.sampled_from(["buy", "sell"]),
        size=st.sampled_from(["0.01", "7.123456789", "45", "900", "1e5"]),
        in_base=st.booleans(),
        share=st.sampled_from([1, 1, 3]),
    )
    def convert(self, pair: str, side: str, size: str, in_base: bool, share: int) -> None:
        base, quote = pair.split("-")
        common = {"baseCcy": base, "quoteCcy": quote, "side": side}
        body = {**common, "rfqSz": size, "rfqSzCcy": base if in_base else quote}
        answer = self.post("asset/convert/estimate-quote", body)
        assert answer["code"] in ("0", "50011", "52917", "52918"), answer
        if answer["code"] == "0":
            (row,) = answer["data"]
            part = format((Decimal(row["rfqSz"]) / share).quantize(Decimal("1e-8")), "f")
            body = {**common, "quoteId": row["quoteId"], "sz": part, "szCcy": row["rfqSzCcy"]}
            assert self.post("asset/convert/trade", body)["code"] in ("0", "50011", "52914", "52917")

    @rule(by=st.sampled_from([-0.09, -0.03, 0.03, 0.09]))
    def market_jumps(self, by: float) -> None:
        """Far enough for positions with much leverage to be taken over."""
        from okxdoctor.exchange.core.backstage import move_market

        move_market(self.bench.exchange, self.venue, "BTC-USDT", by=by)
        self.bench.advance(1_100)
        self.look()

    @rule(ms=st.sampled_from([100, 100, 300, 5_000, 60_000, 400_000, 9 * 3_600_000]))
    def wait(self, ms: int) -> None:
        self.bench.advance(ms)
        self.look()

    @rule(by=st.sampled_from([-0.004, -0.0002, -0.00003, 0.00003, 0.0002, 0.004]), inst=st.sampled_from(SPOT + SWAP))
    def market_moves(self, by: float, inst: str) -> None:
        from okxdoctor.exchange.core.backstage import move_market

        move_market(self.bench.exchange, self.venue, inst, by=by)
        self.bench.advance(100)
        self.look()

    @rule()
    def disconnect(self) -> None:
        self.session.end()
        self.connect()

    def connect(self) -> None:
        self.number += 1
        self.session = self.bench.session("private", conn=f"c{self.number}")
        self.read(self.session.receive(json.dumps({"op": "login", "args": [self.bench.login()]})))
        args = [{"channel": "orders", "instType": "ANY"}, {"channel": "account"}]
        self.read(self.session.receive(json.dumps({"op": "subscribe", "args": args})))
        self.public = self.bench.session("public", conn=f"p{self.number}")
        self.books.clear()
        args = [{"channel": "books", "instId": inst} for inst in SPOT[:1] + SWAP[:1]]
        self.read(self.public.receive(json.dumps({"op": "subscribe", "args": args})))
        # What happened while nobody listened is not told again; REST has it.
        for row in [
            row for kind in ("SPOT", "SWAP", "MARGIN") for row in self.get(f"trade/orders-history?instType={kind}")
        ]:
            self.history.pop(row["ordId"], None)

    def look(self) -> None:
        self.read(self.session.tick())
        self.read(self.public.tick())

    def read(self, frames: list[Any]) -> None:
        for frame in frames:
            message = json.loads(frame.text)
            channel = message.get("arg", {}).get("channel", "")
            if "data" not in message:
                continue
            if channel == "orders":
                for row in message["data"]:
                    self.history.setdefault(row["ordId"], []).append(row)
            elif channel == "books":
                self.follow(message["arg"]["instId"], message)

    def follow(self, inst: str, message: dict[str, Any]) -> None:
        data = message["data"][0]
        if message["action"] == "snapshot":
            assert data["prevSeqId"] == -1
            self.books[inst] = {"bids": {}, "asks": {}}
        else:
            assert data["prevSeqId"] == self.last_seq[inst]
            assert data["seqId"] > data["prevSeqId"]
        self.last_seq[inst] = data["seqId"]
        for side, levels in self.books[inst].items():
            for px, sz, _, _ in data[side]:
                levels.pop(px, None)
                if sz != "0":
                    levels[px] = sz
        bids, asks = ([Decimal(px) for px in self.books[inst][side]] for side in ("bids", "asks"))
        assert max(bids) < min(asks)

    # -- what must hold ----------------------------------------------------------------------------

    @invariant()
    def money_moves_by_fills_and_by_what_the_bills_say(self) -> None:
        """Per currency, both wallets: what was there, what spot fills and conversions exchanged, fees, profits.

        What else moves money (funding, interest, penalties, the insurance fund) is in the bills, and nowhere else.
        """
        expected = dict(self.start)
        for bill in self.account.bills:
            row = bill.row()
            if row["type"] not in ("1", "2", "5", "27") or row["subType"] in ("109", "200"):
                expected[row["ccy"]] = expected.get(row["ccy"], Fraction(0)) + number(row["balChg"])
        for row in self.get("asset/convert/history"):
            sign = 1 if row["side"] == "buy" else -1
            for ccy, change in ((row["baseCcy"], row["fillBaseSz"]), (row["quoteCcy"], row["fillQuoteSz"])):
                expected[ccy] = expected.get(ccy, Fraction(0)) + sign * number(change)
                sign = -sign
        for fill in self.venue.orders.fills(self.account.uid):
            row = fill.row()
            fee_ccy, size, price = row["feeCcy"], number(row["fillSz"]), number(row["fillPx"])
            expected[fee_ccy] = expected.get(fee_ccy, Fraction(0)) + number(row["fee"])
            if row["instType"] == "SPOT":
                base, quote = row["instId"].split("-")
                sign = 1 if row["side"] == "buy" else -1
                expected[base] = expected.get(base, Fraction(0)) + sign * size
                expected[quote] = expected.get(quote, Fraction(0)) - sign * size * price
                rate = Fraction(8, 10_000) if row["execType"] == "M" else Fraction(1, 1_000)
                received = size if row["side"] == "buy" else size * price
            else:
                expected[fee_ccy] += number(row["fillPnl"])
                rate = Fraction(2, 10_000) if row["execType"] == "M" else Fraction(5, 10_000)
                if row["instType"] == "MARGIN":
                    rate = Fraction(8, 10_000) if row["execType"] == "M" else Fraction(1, 1_000)
                received = self.worth(row["instId"], size, price)
            assert abs(number(row["fee"]) + rate * received) < ROUNDING
        now = self.money()
        for ccy in expected.keys() | now.keys():
            assert now.get(ccy, Fraction(0)) == expected.get(ccy, Fraction(0)), ccy

    @invariant()
    def bills_add_up_to_the_balances(self) -> None:
        """Each bill goes on from the one before, the last one shows the balance, and nothing is left out."""
        for log, now in (
            (self.account.bills, {row["ccy"]: row["cashBal"] for row in self.details()}),
            (self.account.funding_bills, {row["ccy"]: row["bal"] for row in self.get("asset/balances")}),
        ):
            last: dict[str, Fraction] = {}
            stamps, numbers = [0], []
            for bill in log:
                row = bill.row()
                if row["ccy"] in last:
                    assert number(row["bal"]) == last[row["ccy"]] + number(row["balChg"])
                last[row["ccy"]] = number(row["bal"])
                stamps.append(int(row["ts"]))
                numbers.append(int(row["billId"]))
            assert stamps == sorted(stamps)
            assert len(set(numbers)) == len(numbers)
            for bill in log:
                row = bill.row()
                assert row["type"] != "8" or log is not self.account.bills or int(row["ts"]) % (8 * 3_600_000) == 0
            for ccy, amount in last.items():
                assert amount == number(now.get(ccy, "0")), ccy
                assert amount >= 0

    def details(self) -> list[dict[str, str]]:
        return list(self.get("account/balance")[0]["details"])

    def worth(self, inst: str, size: Fraction, price: Fraction) -> Fraction:
        """BTC-USDT-SWAP: 0.01 BTC a contract, in USDT; BTC-USD-SWAP: 100 USD a contract, in BTC; BTC-USDT: BTC."""
        if inst == "BTC-USDT":
            return size * price
        return size * Fraction(1, 100) * price if inst == "BTC-USDT-SWAP" else size * 100 / price

    @invariant()
    def profits_are_those_of_the_positions(self) -> None:
        """Bought and sold value differ by the profits told and by what is still open."""
        flow: dict[tuple[str, str, str], Fraction] = {}
        for fill in self.venue.orders.fills(self.account.uid):
            row = fill.row()
            if row["instType"] in ("SWAP", "MARGIN"):
                key = (row["instId"], fill.order.mode, row["posSide"])
                value = self.worth(row["instId"], number(row["fillSz"]), number(row["fillPx"]))
                linear = -1 if row["instId"] == "BTC-USD-SWAP" else 1
                sign = linear * (1 if row["side"] == "sell" else -1)
                flow[key] = flow.get(key, Fraction(0)) + sign * value - number(row["fillPnl"])
        positions = {(row["instId"], row["mgnMode"], row["posSide"]): row for row in self.get("account/positions")}
        for key, rest in flow.items():
            row = positions.pop(key, None)
            if row is None:
                assert abs(rest) < ROUNDING
                continue
            linear = -1 if key[0] == "BTC-USD-SWAP" else 1
            long = row["posSide"] == "long" or (row["posSide"] == "net" and number(row["pos"]) > 0)
            assert number(row["pos"]) > 0 or row["posSide"] == "net"
            size = abs(number(row["pos"]))
            if row["instType"] == "MARGIN":
                # What is held: the coin of a long, the money of a short position. The other one is owed.
                long = row["posCcy"] == "BTC"
                size = size if long else -number(row["liab"])
                assert (row["posCcy"], row["liabCcy"]) in (("BTC", "USDT"), ("USDT", "BTC"))
            cost = self.worth(key[0], size, number(row["avgPx"]))
            assert abs(rest + (linear if long else -linear) * cost) < ROUNDING * 100
            if row["mgnMode"] == "isolated":
                added = self.account.positions[row["instId"], row["posSide"], "isolated"].added
                assert added >= 0
                assert abs(number(row["margin"]) - Fraction(added) - cost / number(row["lever"])) < ROUNDING * 100
            else:
                value = self.worth(key[0], size, number(row["markPx"]))
                assert abs(number(row["imr"]) - value / number(row["lever"])) < ROUNDING * 100
        assert not positions

    @invariant()
    def frozen_money_stands_behind_open_orders(self) -> None:
        behind: dict[str, Fraction] = {}
        for row in self.pending():
            left = number(row["sz"]) - number(row["accFillSz"])
            assert left > 0
            assert row["state"] in ("live", "partially_filled")
            if row["instType"] == "SPOT":
                base, quote = row["instId"].split("-")
                ccy, amount = (quote, left * number(row["px"])) if row["side"] == "buy" else (base, left)
                behind[ccy] = behind.get(ccy, Fraction(0)) + amount
        for order in self.venue.orders.open(self.account.uid):
            if order.inst_type in ("SWAP", "MARGIN"):
                most = self.worth(order.inst_id, Fraction(order.remaining), Fraction(order.price))
                assert 0 <= order.frozen <= most / number(order.lever) + most * Fraction(10, 10_000) + ROUNDING
                behind[order.frozen_ccy] = behind.get(order.frozen_ccy, Fraction(0)) + Fraction(order.frozen)
        isolated: dict[str, Fraction] = {}
        for row in self.get("account/positions"):
            isolated[row["ccy"]] = isolated.get(row["ccy"], Fraction(0)) + number(row["margin"])
        for row in self.details():
            assert number(row["ordFrozen"]) == behind.pop(row["ccy"], Fraction(0)), row["ccy"]
            bound = number(row["ordFrozen"]) + number(row["imr"]) + isolated.pop(row["ccy"], Fraction(0))
            assert number(row["frozenBal"]) == bound
            assert number(row["availBal"]) == max(Fraction(0), number(row["cashBal"]) + number(row["upl"]) - bound)
            assert number(row["cashBal"]) >= number(row["ordFrozen"])
        assert not behind
        assert not any(isolated.values())

    @invariant()
    def what_is_left_is_covered_and_what_was_set_off_exists(self) -> None:
        if self.bench.now_ms % 1_000 < 100:
            # Mark prices are new with the second, and positions are looked at when they are.
            for row in self.get("account/positions"):
                assert number(row["mgnRatio"]) > 1, row
        algos = self.venue.algos.of(self.account.uid) + self.venue.algos.past(self.account.uid)
        assert len({each.algo_id for each in algos}) == len(algos)
        for each in algos:
            if each.state == "effective":
                order = self.get(f"trade/order?instId={each.inst_id}&ordId={each.order_id}")[0]
                assert order["algoId"] == each.algo_id
            else:
                assert each.order_id == ""

    @invariant()
    def the_public_book_has_the_orders_and_is_not_crossed(self) -> None:
        for inst in SPOT + SWAP:
            book = self.get(f"market/books?instId={inst}&sz=30")[0]
            bids, asks = ([(Decimal(px), Decimal(sz)) for px, sz, _, _ in book[side]] for side in ("bids", "asks"))
            assert bids == sorted(bids, reverse=True)
            assert asks == sorted(asks)
            assert bids[0][0] < asks[0][0]
            assert min(sz for _, sz in (*bids, *asks)) > 0
            for side, levels in (("buy", dict(bids)), ("sell", dict(asks))):
                worst = min(levels) if side == "buy" else max(levels)
                wanted: dict[Decimal, Decimal] = {}
                for account in (self.account, self.other):
                    for order in self.venue.orders.open(account.uid):
                        if (order.inst_id, order.side) == (inst, side):
                            wanted[order.price] = wanted.get(order.price, Decimal(0)) + order.remaining
                for px, size in wanted.items():
                    inside = px > worst if side == "buy" else px < worst
                    assert not inside or levels[px] >= size, (inst, side, px)

    @invariant()
    def trades_have_two_sides_and_one_number(self) -> None:
        sides: dict[tuple[str, str], list[Any]] = {}
        bills: set[str] = set()
        for account in (self.account, self.other):
            for fill in self.venue.orders.fills(account.uid):
                row = fill.row()
                assert row["billId"] not in bills
                bills.add(row["billId"])
                sides.setdefault((row["instId"], row["tradeId"]), []).append((account.uid, row))
        for both in sides.values():
            assert len(both) <= 2
            if len(both) == 2:
                (one, first), (two, second) = both
                assert one != two
                assert (first["fillPx"], first["fillSz"]) == (second["fillPx"], second["fillSz"])
                assert {first["side"], second["side"]} == {"buy", "sell"}
                assert {first["execType"], second["execType"]} == {"M", "T"}
        for inst in SPOT + SWAP:
            public = self.get(f"market/trades?instId={inst}&limit=40")
            numbers = [int(row["tradeId"]) for row in public]
            assert numbers == sorted(set(numbers), reverse=True)
            stamps = [int(row["ts"]) for row in public]
            assert stamps == sorted(stamps, reverse=True)
            assert stamps[0] <= self.bench.now_ms
            shown = {row["tradeId"]: row for row in public}
            for (inst_id, trade_id), both in sides.items():
                if inst_id == inst and int(trade_id) >= numbers[-1]:
                    row, fill = shown[trade_id], both[0][1]
                    taker = fill["side"] if fill["execType"] == "T" else {"buy": "sell", "sell": "buy"}[fill["side"]]
                    assert (row["px"], row["sz"], row["side"]) == (fill["fillPx"], fill["fillSz"], taker)

    @invariant()
    def orders_live_as_documented(self) -> None:
        self.look()
        for order_id, rows in self.history.items():
            ranks = [STATES[row["state"]] for row in rows]
            assert ranks == sorted(ranks), order_id
            assert ranks.count(2) <= 1
            filled = [number(row["accFillSz"]) for row in rows]
            assert filled == sorted(filled)
            stamps = [int(row["uTime"]) for row in rows]
            assert stamps == sorted(stamps)
            assert int(rows[0]["cTime"]) <= stamps[0]
            assert stamps[-1] <= self.bench.now_ms
            # A push tells the fill that it is of, and no fill twice: their sizes add up to what was filled.
            fills = [row for row in rows if row["tradeId"]]
            trades = [row["tradeId"] for row in fills]
            last = rows[-1]
            assert len(set(trades)) == len(trades)
            assert sum(number(row["fillSz"]) for row in rows) == filled[-1]
            if last["tgtCcy"] != "quote_ccy" or last["ordType"] != "market":
                assert (last["state"] == "filled") == (number(last["accFillSz"]) == number(last["sz"]))
            assert trades or last["state"] != "filled"
            assert (last["cancelSource"] != "") == (last["state"] == "canceled")
            now = self.get(f"trade/order?instId={last['instId']}&ordId={order_id}")[0]
            # REST remembers the last fill, and has no average of nothing.
            kept = {name: fills[-1][name] for name in ("fillPx", "fillSz", "fillTime", "tradeId")} if fills else {}
            average = {} if filled[-1] else {"avgPx": ""}
            assert {name: last[name] for name in now if name in last} | kept | average == now


class LongShort(Trading):
    """The same in long/short mode."""

    mode = "long_short_mode"


@pytest.mark.parametrize(("machine", "examples"), [(Trading, 20), (LongShort, 10)], ids=["net", "long-short"])
def test_the_exchange_stays_true_to_itself(make_bench: Any, machine: type[Trading], examples: int) -> None:
    Trading.make_bench = make_bench
    run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=30, deadline=None))
