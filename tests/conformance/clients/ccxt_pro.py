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
        except ccxt.BaseError as error:
            print("error:", repr(error))
            await asyncio.sleep(1.0)  # the next call connects and subscribes again


async def trade(exchange: ccxt.pro.okx) -> None:
    while True:
        try:
            for left in await exchange.fetch_open_orders(PAIR):  # what became of an order whose answer was lost
                await exchange.cancel_order(left["id"], PAIR)
            order = await exchange.create_order(PAIR, "limit", "buy", 0.001, 20_000)
            await exchange.cancel_order(order["id"], PAIR)
            order = await exchange.create_order_ws(PAIR, "limit", "buy", 0.001, 20_000)
            await exchange.cancel_order_ws(order["id"], PAIR)
        except ccxt.BaseError as error:
            print("error:", repr(error))
            await asyncio.sleep(2.0)
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
        calls = (
            (exchange.watch_ticker, PAIR),
            (exchange.watch_order_book, PAIR),
            (exchange.watch_ohlcv, PAIR),
            (exchange.watch_orders, PAIR),
            (exchange.watch_balance,),
        )
        await asyncio.gather(trade(exchange), *(watch(*call) for call in calls))
    finally:
        await exchange.close()


asyncio.run(main())
