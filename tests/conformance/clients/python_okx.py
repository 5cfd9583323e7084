"""python-okx as a program for `okxdoctor conform client`: what its README shows, in a loop.

okxdoctor conform client -- python tests/conformance/clients/python_okx.py
"""

import asyncio
import os
import secrets
import time

from okx import Account, MarketData, PublicData, Trade
from okx.websocket.WsPrivateAsync import WsPrivateAsync
from okx.websocket.WsPublicAsync import WsPublicAsync

BASE, WS = os.environ["OKX_BASE_URL"], os.environ["OKX_WS_URL"]
KEYS = (os.environ["OKX_API_KEY"], os.environ["OKX_SECRET_KEY"], os.environ["OKX_PASSPHRASE"])
REST = {"flag": "0", "domain": BASE, "debug": False}
INST = "BTC-USDT"


def told(answer: dict) -> list:
    """The library hands out every answer; what is no success is an error of this program."""
    if answer["code"] != "0" or any(item.get("sCode", "0") != "0" for item in answer["data"]):
        raise RuntimeError(f"{answer['code']} {answer.get('msg')} {answer.get('data')}")
    return answer["data"]


def rest() -> None:
    public, market = PublicData.PublicAPI(**REST), MarketData.MarketAPI(**REST)
    account, trade = Account.AccountAPI(*KEYS, **REST), Trade.TradeAPI(*KEYS, **REST)
    told(public.get_instruments("SPOT"))
    told(account.get_account_config())
    told(account.get_account_balance("BTC,USDT"))
    while True:
        try:
            told(market.get_ticker(INST))
            for left in told(trade.get_order_list("SPOT")):  # what became of an order whose answer was lost
                told(trade.cancel_order(INST, left["ordId"]))
            name = "p" + secrets.token_hex(8)
            order = told(trade.place_order(INST, "cash", "buy", "limit", "0.001", px="20000", clOrdId=name))[0]["ordId"]
            told(trade.get_order(INST, order))
            told(trade.cancel_order(INST, order))
        except Exception as error:
            print("error:", repr(error))
            time.sleep(1.0)
        time.sleep(0.25)


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
