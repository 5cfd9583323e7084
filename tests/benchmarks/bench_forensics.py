"""Forensics: the whole space of single and double mistakes, as time and as a ratio to raw HMACs of the same messages.

    python tests/benchmarks/bench_forensics.py              the time of searches that find nothing
    python tests/benchmarks/bench_forensics.py --pairs N    also: how many of N random pairs of mistakes are named right

A search that finds nothing tries everything, so it is the slowest there is. The ratio divides its time by that of as
many bare `hmac.digest(key, message, "sha256")` calls over a message of the same length, in alternating rounds of one
process; the best round counts, which other work on the machine disturbs least. Pairs are composed of the mistakes that
the reference vectors show one at a time, and what the client sends is computed by the openssl program.
"""

from __future__ import annotations

import argparse
import hmac
import importlib.util
import json
import sys
import time
from collections import Counter
from pathlib import Path
from types import ModuleType

from okxdoctor.triage.capture import Capture, Login, Request
from okxdoctor.triage.inspection import Known, inspect_one
from okxdoctor.triage.search import Signed, search

TARGET_S = 1.5
TARGET_PAIRS = 0.95
SECRET = b"22582BD0CFF14C41EDBF1AB98506286D"
KEY, PASSPHRASE = "7b0c5e1a-3f52-4d8e-9a61-0c4b7d2e9f13", "Vector-Phrase-1"
NOBODYS = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
ORDER = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "2.15", "sz": "2"}


def signed(method: str, target: str, body: str = "", *, login: bool = False) -> Signed:
    return Signed(
        timestamp="1767225600" if login else "2020-12-08T09:08:57.715Z",
        method=method,
        target=target,
        body=body.encode(),
        sign=NOBODYS,
        secret=SECRET,
        origin="https://www.okx.com",
        passphrases=(PASSPHRASE.encode(),),
        keys=(KEY.encode(),),
        login=login,
    )


REQUESTS = {
    "GET, no query": signed("GET", "/api/v5/account/balance"),
    "GET, query": signed("GET", "/api/v5/trade/orders-pending?instType=SWAP&instId=BTC-USDT-SWAP&ccy=BTC%2CETH"),
    "POST, order": signed("POST", "/api/v5/trade/order", json.dumps(ORDER)),
    "POST, 20 orders": signed("POST", "/api/v5/trade/batch-orders", json.dumps([ORDER] * 20)),
    "WebSocket login": signed("GET", "/users/self/verify", login=True),
}


def raw_s(count: int, length: int) -> float:
    """Seconds for `count` bare HMACs."""
    message = b"x" * length
    start = time.perf_counter()
    for _ in range(count):
        hmac.digest(SECRET, message, "sha256")
    return time.perf_counter() - start


def timed(rounds: int) -> bool:
    print(f"{'request':<18} {'tried':>8} {'search s':>9} {'HMACs s':>9} {'ratio':>6}")
    held = True
    for name, request in REQUESTS.items():
        found = search(request)
        assert not found.matches, "nobody's signature was found"
        length = len(request.timestamp) + len(request.method) + len(request.target) + len(request.body)
        ours, bare = [], []
        for _ in range(rounds):
            start = time.perf_counter()
            search(request)
            ours.append(time.perf_counter() - start)
            bare.append(raw_s(found.tried, length))
        held = held and min(ours) <= TARGET_S
        print(f"{name:<18} {found.tried:>8} {min(ours):>9.3f} {min(bare):>9.3f} {min(ours) / min(bare):>6.2f}")
    print(f"every search within {TARGET_S} s: {'yes' if held else 'no'}")
    return held


def composer() -> ModuleType:
    path = Path(__file__).parents[1] / "triage" / "pairs.py"
    spec = importlib.util.spec_from_file_location("mistake_pairs", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def named_right(amount: int, seed: int) -> bool:
    missed: Counter[str] = Counter()
    slowest = 0.0
    pairs = composer().pairs(amount, seed)
    for pair in pairs:
        headers = (
            ("OK-ACCESS-KEY", KEY),
            ("OK-ACCESS-SIGN", pair.sign),
            ("OK-ACCESS-TIMESTAMP", pair.timestamp),
            ("OK-ACCESS-PASSPHRASE", PASSPHRASE),
            ("Content-Type", "application/json"),
        )
        capture: Capture
        if pair.login:
            capture = Login(label="", key=KEY, passphrase=PASSPHRASE, timestamp=pair.timestamp, sign=pair.sign)
        else:
            capture = Request(
                form="",
                label="",
                method=pair.method,
                origin="https://www.okx.com",
                target=pair.target,
                headers=headers,
                body=pair.body.encode(),
            )
        start = time.perf_counter()
        found = inspect_one(capture, Known(api_key=KEY, secret=pair.secret, passphrase=PASSPHRASE))
        slowest = max(slowest, time.perf_counter() - start)
        named = {
            code
            for row in found.diagnosis
            if row.severity.value == "error" and not row.code.startswith(("order.", "precision."))
            for code in (row.code, *row.explains)
        }
        if "Python bytes" in pair.what:
            named.discard("signature.not-text")
        if named != pair.causes:
            missed[pair.what] += 1
    share = 1 - sum(missed.values()) / len(pairs)
    print(f"{len(pairs)} pairs that leave a trace of both: {share:.2%} named right, slowest {slowest:.2f} s")
    for what, count in missed.most_common(20):
        print(f"  missed {count}: {what}")
    return share >= TARGET_PAIRS


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=0, help="random pairs of mistakes to compose")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    held = timed(options.rounds)
    if options.pairs:
        held = named_right(options.pairs, options.seed) and held
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
