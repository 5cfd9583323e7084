"""ccxt.pro (asyncio, REST and WebSocket) as a program for `okxdoctor conform client`.

okxdoctor conform client -- python tests/conformance/clients/ccxt_pro.py
"""

import asyncio
import os

import ccxt.pro

PAIR = "BTC/USDT"


async def watch(call, *args) -> None:
    while True:
        try:
            await call(*args)
        except ccxt.NetworkError:
            await asyncio.sleep(0.5)  # as the manual says: network errors may be tried again


async def trade(exchange: ccxt.pro.okx) -> None:
    while True:
        try:
            order = await exchange.create_order(PAIR, "limit", "buy", 0.001, 20_000)
            await exchange.cancel_order(order["id"], PAIR)
            order = await exchange.create_order_ws(PAIR, "limit", "buy", 0.001, 20_000)
            await exchange.cancel_order_ws(order["id"], PAIR)
        except ccxt.NetworkError as error:
            print("network:", error)
        await asyncio.sleep(0.3)


async def main() -> None:
    exchange = ccxt.pro.okx(
        {
            "apiKey": os.environ["OKX_API_KEY"], "secret": os.environ["OKX_SECRET_KEY"],
            "password": os.environ["OKX_PASSPHRASE"], "cafile": os.environ["SSL_CERT_FILE"],
        }
    )  # fmt: skip
    exchange.urls["api"]["rest"] = os.environ["OKX_BASE_URL"]
    exchange.urls["api"]["ws"] = os.environ["OKX_WS_URL"]
    try:
        await exchange.load_markets()
        await exchange.fetch_balance()
        await asyncio.gather(
            watch(exchange.watch_ticker, PAIR), watch(exchange.watch_order_book, PAIR), watch(exchange.watch_ohlcv, PAIR),
            watch(exchange.watch_orders, PAIR), watch(exchange.watch_balance), trade(exchange),
        )  # fmt: skip
    finally:
        await exchange.close()


asyncio.run(main())
