"""A small trading program, right in all that the client cases ask for, and wrong in one known way at will.

It takes its addresses and keys from the environment, as any program under `okxdoctor conform client` does. The names
in BOT_MISTAKES (comma-separated) turn one good habit each into a mistake that people have made. BOT_PACE is the
pause between two rounds of its work in seconds.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import decimal
import hmac
import json
import os
import random
import secrets
import ssl
import sys
import time
import zlib

import httpx
import websockets

REST, WS = os.environ["OKX_BASE_URL"], os.environ["OKX_WS_URL"]
KEY, SECRET, PHRASE = (os.environ[name] for name in ("OKX_API_KEY", "OKX_SECRET_KEY", "OKX_PASSPHRASE"))
MISTAKES = frozenset(filter(None, os.environ.get("BOT_MISTAKES", "").split(",")))
PARTS = frozenset(os.environ.get("BOT_PARTS", "rest,tour,orders,public,private,business").split(","))
PACE = float(os.environ.get("BOT_PACE", "0.25"))
INST = "BTC-USDT"
FATAL = {"50113", "50119", "50105", "50101", "50110", "50100", "50120", "50111"}
LATER = {"50001", "50011", "50013", "50026", "50004", "50061", "50102"}
HEARTBEAT_S, PONG_S = 0.8, 1.5


def wrong(name: str) -> bool:
    return name in MISTAKES


class Fatal(Exception):
    """Nothing helps but somebody who looks."""


class Unknown(Exception):
    """An answer was lost."""


class Refused(Exception):
    def __init__(self, code: str, message: str, wait_s: float = 0.0) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.wait_s = wait_s


def verified() -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE"))
    if wrong("verify-off"):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if wrong("name-unchecked"):
        context.check_hostname = False
    return context


def signature(text: str) -> str:
    raw = hmac.digest(SECRET.encode(), text.encode(), "sha256")
    return raw.hex() if wrong("hex-signature") else base64.b64encode(raw).decode()


class Api:
    """REST: signed, patient, and never sure that a lost answer means a lost request."""

    def __init__(self) -> None:
        self.http = httpx.AsyncClient(
            base_url=REST, verify=verified(), timeout=4.0, follow_redirects=wrong("follows-redirects"), trust_env=True
        )
        self.offset_ms = 0
        self.stamp = ""

    def now_ms(self) -> int:
        return int(time.time() * 1000) + (0 if wrong("offset-ignored") else self.offset_ms)

    def headers(self, method: str, target: str, body: str) -> dict[str, str]:
        at = datetime.datetime.fromtimestamp(self.now_ms() / 1000, datetime.UTC)
        stamp = at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
        if wrong("microseconds"):
            stamp = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if wrong("stale-signature"):
            self.stamp = stamp = self.stamp or stamp
        signed = target.partition("?")[0] if wrong("query-unsigned") else target
        found = {
            "OK-ACCESS-KEY": KEY,
            "OK-ACCESS-SIGN": signature(stamp + method + signed + body),
            "OK-ACCESS-TIMESTAMP": stamp,
            "OK-ACCESS-PASSPHRASE": PHRASE,
        }
        if body:
            found["Content-Type"] = "application/json"
        if wrong("secret-in-header"):
            found["X-Debug"] = SECRET
        if wrong("demo-header"):
            found["x-simulated-trading"] = "1"
        return found

    async def once(self, method: str, target: str, body: str, private: bool) -> dict:
        headers = self.headers(method, target, body) if private else {}
        try:
            answer = await self.http.request(method, target, content=body or None, headers=headers)
        except httpx.HTTPError as error:
            raise Unknown(repr(error)) from None
        try:
            envelope = answer.json()
            code = envelope["code"]
        except (ValueError, TypeError, KeyError):
            if answer.status_code == 429:
                raise Refused("50011", "a page") from None
            raise Unknown(f"{answer.status_code} is no envelope") from None
        if code in FATAL:
            raise Fatal(f"{code} {envelope.get('msg')}")
        if code in ("0", "1", "2") and "data" in envelope:
            return envelope
        if code in ("50004", "50026") or (answer.status_code >= 500 and code not in LATER):
            raise Unknown(code)
        if code == "50102" and not wrong("offset-once"):
            await self.sync()  # the clocks have parted
        after = answer.headers.get("Retry-After", "")
        raise Refused(code, str(envelope.get("msg")), float(after) if after.isdigit() else 0.0)

    async def get(self, path: str, private: bool = False, **params: str) -> list:
        query = "&".join(f"{name}={value.replace(',', '%2C')}" for name, value in params.items())
        pause = 0.3
        for attempt in range(9):
            try:
                envelope = await self.once("GET", path + (f"?{query}" if query else ""), "", private)
                if envelope["code"] != "0":
                    raise Refused(envelope["code"], envelope.get("msg", ""))
                return envelope["data"]
            except (Unknown, Refused) as problem:
                if isinstance(problem, Refused) and problem.code not in LATER:
                    raise
                if attempt == 8:
                    raise
                least = getattr(problem, "wait_s", 0.0)
                print("later:", path, problem, file=sys.stderr)
            if not wrong("storms"):
                await asyncio.sleep(max(least, pause * random.uniform(0.8, 1.2)))
                pause = min(pause * 2, 4.0)
        raise AssertionError

    async def post(self, path: str, value: object) -> list:
        envelope = await self.once("POST", path, json.dumps(value), True)
        return envelope["data"]

    async def sync(self) -> None:
        began = time.time()
        rows = await self.get("/api/v5/public/time")
        self.offset_ms = int(rows[0]["ts"]) - int((began + time.time()) / 2 * 1000)


def number(text: object) -> decimal.Decimal | None:
    """'' and null are absent."""
    if wrong("empty-is-number"):
        return decimal.Decimal(str(float(text)))  # type: ignore[arg-type]
    return decimal.Decimal(text) if isinstance(text, str) and text else None


class Trader:
    """Places, watches, changes and cancels orders far from the market."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.tick, self.lot = decimal.Decimal("0.1"), decimal.Decimal("0.00001")
        self.code: int | None = None
        self.last = decimal.Decimal(60_000)
        self.channel: Feed | None = None
        self.round = 0

    async def prepare(self) -> None:
        for row in await self.api.get("/api/v5/public/instruments", instType="SPOT"):
            if wrong("strict-fields") and "zFutureField" in row:
                raise SystemExit("unexpected field zFutureField")
            if wrong("every-row") and not row["instId"].replace("-", "").isalnum():
                raise ValueError(row["instId"])
            if wrong("known-states") and row["state"] not in ("live", "suspend", "preopen", "test"):
                raise ValueError(row["state"])
            if row.get("instId") == INST and row.get("state") == "live":
                self.tick, self.lot, self.code = (
                    decimal.Decimal(row["tickSz"]), decimal.Decimal(row["minSz"]), row["instIdCode"]
                )  # fmt: skip
        await self.api.get("/api/v5/account/config", private=True)
        await self.look()

    async def tour(self) -> None:
        """Everything else that a program may ask for, once."""
        get, swap = self.api.get, "BTC-USDT-SWAP"
        public = (
            ("market/tickers", {"instType": "SWAP"}),
            ("market/books", {"instId": INST, "sz": "5"}),
            ("market/candles", {"instId": INST, "bar": "1m", "limit": "5"}),
            ("market/trades", {"instId": INST, "limit": "5"}),
            ("market/history-candles", {"instId": INST, "after": str(self.api.now_ms() - 60_000), "limit": "5"}),
            ("public/mark-price", {"instType": "SWAP"}),
            ("public/open-interest", {"instType": "SWAP", "instId": swap}),
            ("public/funding-rate", {"instId": swap}),
            ("public/price-limit", {"instId": swap}),
            ("system/status", {}),
        )
        private = (
            ("trade/orders-history", {"instType": "SPOT"}),
            ("trade/fills-history", {"instType": "SPOT"}),
            ("trade/orders-history-archive", {"instType": "SPOT"}),
            ("account/instruments", {"instType": "SPOT"}),
            ("account/trade-fee", {"instType": "SPOT"}),
            ("account/max-size", {"instId": INST, "tdMode": "cash"}),
            ("account/max-avail-size", {"instId": INST, "tdMode": "cash"}),
            ("asset/balances", {}),
            ("account/leverage-info", {"instId": swap, "mgnMode": "cross"}),
        )
        for rows, signed in ((public, False), (private, True)):
            for path, params in rows:
                with contextlib.suppress(Unknown, Refused):
                    await get(f"/api/v5/{path}", private=signed, **params)
        if "orders" in PARTS:
            order = self.order()
            market = {
                **order,
                "ordType": "market",
                "tgtCcy": "base_ccy",
                "tag": "tour",
                "clOrdId": "t" + secrets.token_hex(8),
            }
            del market["px"]
            await self.place(market)
            contract = {
                "instId": swap, "tdMode": "cross", "side": "buy", "ordType": "post_only", "px": "10000", "sz": "1",
                "posSide": "net", "reduceOnly": "false", "clOrdId": "s" + secrets.token_hex(8),
            }  # fmt: skip
            await self.place(contract)

    async def look(self) -> None:
        for row in await self.api.get("/api/v5/account/balance", private=True, ccy="BTC,USDT"):
            number(row.get("adjEq", ""))
            for detail in row.get("details", ()):
                number(detail.get("availBal", ""))
        if not wrong("cancel-forgotten"):
            await self.api.get("/api/v5/trade/orders-pending", private=True, instType="SPOT")

    def order(self, times: str = "1") -> dict[str, object]:
        px = (self.last * decimal.Decimal("0.9") / self.tick).to_integral_value(decimal.ROUND_FLOOR) * self.tick
        if wrong("off-tick"):
            px += self.tick / 3
        found: dict[str, object] = {
            "instId": INST, "tdMode": "cash", "side": "buy", "ordType": "post_only",
            "px": f"{px.normalize():f}", "sz": f"{(self.lot * decimal.Decimal(times)).normalize():f}",
            "clOrdId": "bot" + secrets.token_hex(10),
        }  # fmt: skip
        if wrong("json-numbers"):
            found |= {"px": float(px), "sz": float(self.lot)}
        if wrong("exponent"):
            found["sz"] = str(float(self.lot))
        if wrong("other-names"):
            found["price"] = found.pop("px")
        if wrong("dashed-id"):
            found["clOrdId"] = "bot-" + secrets.token_hex(4)
        if wrong("one-id"):
            found["clOrdId"] = "always"
        if wrong("no-id"):
            del found["clOrdId"]
        return found

    async def place(self, order: dict[str, object]) -> dict | None:
        """The acknowledgement, None when it was refused; an order with unknown fate is asked for by its name."""
        pause = 0.4
        for _ in range(5):
            try:
                item = (await self.api.post("/api/v5/trade/order", order))[0]
                if wrong("scode-ignored"):
                    return item
                if item["sCode"] == "51016":
                    return await self.found(order)
                return item if item["sCode"] == "0" else None
            except Unknown:
                if wrong("sends-again"):
                    order = {**order, "clOrdId": "bot" + secrets.token_hex(10)}
                    continue
                known = await self.found(order)
                if known is not None:
                    return known
            except Refused as refused:
                if wrong("insists"):
                    for _ in range(12):
                        with contextlib.suppress(Refused, Unknown):
                            await self.api.post("/api/v5/trade/order", order)
                if wrong("scode-ignored"):
                    return {"ordId": ""}
                if refused.code not in LATER:
                    return None
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))
            pause *= 2
        return None

    async def found(self, order: dict[str, object]) -> dict | None:
        try:
            rows = await self.api.get(
                "/api/v5/trade/order", private=True, instId=INST, clOrdId=str(order["clOrdId"])
            )  # fmt: skip
        except Refused:
            return None
        return rows[0] if rows else None

    async def cancel(self, order_id: str) -> None:
        """Until an answer comes: what the order channel or the exchange says of a gone order is the end of it."""
        for _ in range(40 if wrong("cancels-on") else 3):
            with contextlib.suppress(Unknown, Refused):
                items = await self.api.post("/api/v5/trade/cancel-order", {"instId": INST, "ordId": order_id})
                if not wrong("cancels-on") or items[0]["sCode"] == "0":
                    return
            if wrong("cancel-forgotten"):
                return
            if not wrong("cancels-on"):
                await asyncio.sleep(0.3)

    async def batch(self) -> None:
        orders = [self.order("2"), self.order("3")]
        try:
            items = await self.api.post("/api/v5/trade/batch-orders", orders)
            if wrong("whole-batch-again") and any(item["sCode"] != "0" for item in items):
                items = await self.api.post(
                    "/api/v5/trade/batch-orders", [{**each, "clOrdId": "b" + secrets.token_hex(8)} for each in orders]
                )
        except Refused:
            return
        except Unknown:
            items = [item for order in orders if (item := await self.found(order)) is not None]
        for item in items:
            if wrong("scode-ignored") or (item.get("ordId") and item.get("sCode", "0") == "0"):
                await self.cancel(item["ordId"])

    async def work(self) -> None:
        if "tour" in PARTS:
            await self.tour()
        while True:
            self.round += 1
            with contextlib.suppress(Unknown, Refused):
                rows = await self.api.get("/api/v5/market/ticker", instId=INST)
                if rows:
                    self.last = number(rows[0].get("last")) or self.last
            if "orders" in PARTS and self.round % 2 == 0:
                item = await self.place(self.order())
                if item is not None:
                    with contextlib.suppress(Unknown, Refused):
                        await self.api.post(
                            "/api/v5/trade/amend-order",
                            {"instId": INST, "ordId": item["ordId"], "newSz": f"{(self.lot * 2).normalize():f}"},
                        )
                    await self.cancel(item["ordId"])
            if "orders" in PARTS and self.round % 5 == 0:
                await self.batch()
            if "orders" in PARTS and self.round % 3 == 0 and self.channel is not None:
                await self.channel.order(self)
            if self.round % 4 == 0:
                with contextlib.suppress(Unknown, Refused):
                    await self.look()
            await asyncio.sleep(PACE)


class Book:
    """Follows the chain of sequence numbers; what it holds is of no use to anybody here."""

    def __init__(self) -> None:
        self.last: int | None = None

    def fits(self, message: dict) -> bool:
        row = message["data"][0]
        if message["action"] == "snapshot":
            self.last = row["seqId"]
            return True
        if wrong("gap-ignored"):
            return True
        if wrong("checksum-verified") and row.get("checksum") != zlib.crc32(b"") + 1:
            return False
        if wrong("keep-alive-is-gap") and row["seqId"] <= row["prevSeqId"]:
            return False
        fits = row["prevSeqId"] == self.last
        self.last = row["seqId"]
        return fits


class Doorman:
    """New connections of the whole program: no more than the exchange admits in a second."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.last = 0.0

    async def enter(self) -> None:
        async with self.lock:
            if not wrong("reconnect-flood"):
                await asyncio.sleep(max(0.0, self.last + 0.4 - time.monotonic()))
            self.last = time.monotonic()


DOOR = Doorman()


class Feed:
    """One WebSocket connection with its channels, for ever."""

    def __init__(self, api: Api, path: str, channels: list[dict[str, str]], login: bool = False) -> None:
        self.api, self.path, self.channels, self.login = api, path, channels, login
        self.book = Book()
        self.socket: websockets.ClientConnection | None = None
        self.waiting: dict[str, asyncio.Future[dict]] = {}
        self.ready = False
        self.payload: dict[str, str] = {}
        self.rows: dict[str, list] = {}
        self.connected = 0
        self.numbers = 0

    async def run(self) -> None:
        pause = 0.4
        while True:
            began = time.monotonic()
            try:
                await self.one()
            except (OSError, websockets.WebSocketException, TimeoutError):
                if wrong("no-reconnect"):
                    return
            if wrong("reconnect-flood"):
                continue
            if time.monotonic() - began > 2.0:
                pause = 0.4
            await asyncio.sleep(pause * random.uniform(0.8, 1.3))
            pause = min(pause * 2, 8.0)

    async def one(self) -> None:
        """From upgrade to end. After a notice the next connection is made before this one ends."""
        await DOOR.enter()
        async with self.connect() as socket:
            await self.greet(socket)
            while True:
                told = await self.listen(socket)
                if not told:
                    return
                await DOOR.enter()
                following = await self.connect()
                await self.greet(following)
                await socket.close()
                socket = following

    def connect(self) -> websockets.connect:
        tls = verified() if WS.startswith("wss") else None
        return websockets.connect(f"{WS}/{self.path}", ssl=tls, ping_interval=None, open_timeout=4.0, close_timeout=0.5)

    async def greet(self, socket: websockets.ClientConnection) -> None:
        self.ready, self.socket = False, socket
        again, self.connected = self.connected > 0, self.connected + 1
        if self.login and not (again and wrong("no-login-again")):
            stamp = str(self.api.now_ms() // 1000)
            if wrong("login-milliseconds"):
                stamp = str(self.api.now_ms())
            payload = {
                "apiKey": KEY, "passphrase": PHRASE, "timestamp": stamp,
                "sign": base64.b64encode(
                    hmac.digest(SECRET.encode(), f"{stamp}GET/users/self/verify".encode(), "sha256")
                ).decode(),
            }  # fmt: skip
            if wrong("stale-login"):
                payload = self.payload = self.payload or payload
            await socket.send(json.dumps({"op": "login", "args": [payload]}))
            while not wrong("login-not-awaited"):
                message = await self.receive(socket)
                if message.get("event") == "login" and message.get("code") == "0":
                    break
                if message.get("event") == "error":
                    if wrong("refusal-ignored"):
                        break
                    print("login refused", message, file=sys.stderr)
                    if message.get("code") not in ("63999", "60014"):
                        raise Fatal(str(message))
                    raise TimeoutError
        if not (again and wrong("no-subscription-again")):
            await socket.send(json.dumps({"op": "subscribe", "args": self.channels}))
        self.ready = True
        if again and self.login and not wrong("no-reconciliation"):
            await self.api.get("/api/v5/trade/orders-pending", private=True, instType="SPOT")
            await self.api.get("/api/v5/trade/fills", private=True, instType="SPOT")

    async def receive(self, socket: websockets.ClientConnection) -> dict:
        """The next JSON message; keeps the connection alive meanwhile and knows when it is dead."""
        pinged = None
        while True:
            try:
                text = await asyncio.wait_for(socket.recv(), HEARTBEAT_S)
            except TimeoutError:
                if pinged is not None and time.monotonic() - pinged > PONG_S and not wrong("pong-not-missed"):
                    raise
                if not wrong("no-ping"):
                    await socket.send('{"op":"ping"}' if wrong("json-ping") else "ping")
                pinged = pinged or time.monotonic()
                continue
            pinged = None
            if text == "pong" and not wrong("pong-parsed"):
                continue
            return json.loads(text)

    async def listen(self, socket: websockets.ClientConnection) -> bool:
        """Until the connection ends (an exception) or its end is announced (True)."""
        while True:
            message = await self.receive(socket)
            if wrong("works-on-each") and "data" in message:
                await asyncio.sleep(0.02)
            if wrong("strict-repeats") and "data" in message:
                rows = [{**row, "uTime": ""} for row in message["data"]]
                if rows == self.rows.get(str(message["arg"])):
                    raise SystemExit(f"twice: {message['arg']}")
                self.rows[str(message["arg"])] = rows
            if wrong("strict-messages") and message.get("event") not in (
                None, "subscribe", "login", "error", "channel-conn-count", "notice", "unsubscribe",
            ):  # fmt: skip
                raise SystemExit(f"unknown event {message.get('event')}")
            if wrong("nervous") and message.get("event") == "zfuture-event":
                raise TimeoutError
            if message.get("event") == "notice" and message.get("code") == "64008" and not wrong("notice-ignored"):
                return True
            if "op" in message:
                future = self.waiting.pop(str(message.get("id")), None)
                if future is not None and not future.done():
                    future.set_result(message)
            arg = message.get("arg") or {}
            if arg.get("channel") == "books" and message.get("data") and not self.book.fits(message):
                await socket.send(json.dumps({"op": "unsubscribe", "args": [arg]}))
                await socket.send(json.dumps({"op": "subscribe", "args": [arg]}))

    async def order(self, trader: Trader) -> None:
        """An order over WebSocket; its fate is asked for by REST when no answer comes."""
        if not self.ready or self.socket is None or trader.code is None:
            return
        order = trader.order("4")
        del order["instId"]
        order["instIdCode"] = trader.code
        if wrong("inst-by-name"):
            order["instId"] = INST
            del order["instIdCode"]
        self.numbers += 1
        identifier = f"op{self.connected}x{self.numbers}"
        future = self.waiting[identifier] = asyncio.get_running_loop().create_future()
        try:
            await self.socket.send(json.dumps({"id": identifier, "op": "order", "args": [order]}))
            reply = await asyncio.wait_for(future, 1.5)
            items = reply.get("data") or []
            if items and items[0].get("sCode") == "0":
                await trader.cancel(items[0]["ordId"])
        except (OSError, websockets.WebSocketException, TimeoutError):
            known = await trader.found({**order, "instId": INST})
            if known is not None:
                await trader.cancel(known["ordId"])


async def main() -> int:
    api = Api()
    if wrong("prints-secret"):
        print("using", KEY, SECRET)
    if wrong("other-host"):
        with contextlib.suppress(httpx.HTTPError):
            await httpx.AsyncClient().get("https://www.okx.com/api/v5/public/time")
    trader = Trader(api)
    try:
        await api.sync()
        await trader.prepare()
        jobs = [trader.work()] if "rest" in PARTS else []
        candles = [{"channel": "candle1m", "instId": INST}]
        if "public" in PARTS:
            channels = [{"channel": "tickers", "instId": INST}, {"channel": "books", "instId": INST}]
            jobs.append(Feed(api, "public", channels + (candles if wrong("candles-on-public") else [])).run())
        if "business" in PARTS:
            jobs.append(Feed(api, "business", candles).run())
        if "private" in PARTS:
            channels = [{"channel": "orders", "instType": "ANY"}, {"channel": "account"}]
            trader.channel = Feed(api, "private", channels, login=True)
            jobs.append(trader.channel.run())
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(job)
    except BaseExceptionGroup as group:
        problems = list(flat(group))
        print("gave up:", *(repr(each) for each in problems), file=sys.stderr)
        return 1
    except (Fatal, Unknown, Refused) as problem:
        print("gave up:", repr(problem), file=sys.stderr)
        return 1
    return 0


def flat(group: BaseExceptionGroup) -> list[BaseException]:
    """The exceptions in a group of groups."""
    found: list[BaseException] = []
    for each in group.exceptions:
        found += flat(each) if isinstance(each, BaseExceptionGroup) else [each]
    return found


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
