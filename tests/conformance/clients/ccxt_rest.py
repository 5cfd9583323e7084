"""ccxt (synchronous, REST) as a program for `okxdoctor conform client`.

okxdoctor conform client -- python tests/conformance/clients/ccxt_rest.py
"""

import os
import time

import ccxt

exchange = ccxt.okx(
    {
        "apiKey": os.environ["OKX_API_KEY"], "secret": os.environ["OKX_SECRET_KEY"],
        "password": os.environ["OKX_PASSPHRASE"], "requests_trust_env": True,
    }
)  # fmt: skip
exchange.urls["api"]["rest"] = os.environ["OKX_BASE_URL"]
PAIR = "BTC/USDT"

exchange.load_markets()
exchange.fetch_balance()
while True:
    try:
        exchange.fetch_ticker(PAIR)
        for left in exchange.fetch_open_orders(PAIR):  # what became of an order whose answer was lost
            exchange.cancel_order(left["id"], PAIR)
        order = exchange.create_order(PAIR, "limit", "buy", 0.001, 20_000)
        exchange.fetch_order(order["id"], PAIR)
        exchange.cancel_order(order["id"], PAIR)
    except ccxt.BaseError as error:
        print("error:", repr(error))
        time.sleep(1.0)
    time.sleep(0.25)
