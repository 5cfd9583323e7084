"""python-okx as a program for `okxdoctor conform client`: what its README shows, in a loop.

okxdoctor conform client -- python tests/conformance/clients/python_okx.py
"""

import asyncio
import os
import secrets

from okx import Account, MarketData, PublicData, Trade
from okx.websocket.WsPrivateAsync import WsPrivateAsync
from okx.websocket.WsPublicAsync import WsPublicAsync

BASE, WS = os.environ["OKX_BASE_URL"], os.environ["OKX_WS_URL"]
KEYS = (os.environ["OKX_API_KEY"], os.environ["OKX_SECRET_KEY"], os.environ["OKX_PASSPHRASE"])
REST = {"flag": "0", "domain": BASE, "debug": False}
INST = "BTC-USDT"


def rest() -> None:
    public, market = PublicData.PublicAPI(**REST), MarketData.MarketAPI(**REST)
    account, trade = Account.AccountAPI(*KEYS, **REST), Trade.TradeAPI(*KEYS, **REST)
    public.get_system_time()
    public.get_instruments("SPOT")
    account.get_account_config()
    account.get_account_balance("BTC,USDT")
    for _ in range(200):
        market.get_ticker(INST)
        placed = trade.place_order(
            INST, "cash", "buy", "limit", "0.001", px="20000", clOrdId="p" + secrets.token_hex(8)
        )
        order = placed["data"][0]["ordId"]
        trade.get_order(INST, order)
        trade.cancel_order(INST, order)


async def main() -> None:
    public = WsPublicAsync(f"{WS}/public")
    await public.start()
    await public.subscribe(
        [{"channel": "tickers", "instId": INST}, {"channel": "books", "instId": INST}], lambda _: None
    )
    private = WsPrivateAsync(*KEYS[:1], KEYS[2], KEYS[1], f"{WS}/private")
    await private.start()
    subscribed = private.subscribe([{"channel": "orders", "instType": "ANY"}], lambda _: None)
    await asyncio.gather(asyncio.to_thread(rest), subscribed)
    await asyncio.sleep(3600)


asyncio.run(main())
