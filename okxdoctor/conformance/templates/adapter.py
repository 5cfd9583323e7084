"""Adapter for `okxdoctor conform`, in Python without dependencies.

Run it:   okxdoctor conform sign  --adapter 'python adapter.py'
          okxdoctor conform round --adapter 'python adapter.py'
          okxdoctor conform parse --adapter 'python adapter.py'

The functions below give right answers. Replace their bodies by calls of your own code, leave out the ones you do not
have, and keep the loop at the end. Print nothing to standard output but replies; standard error is free for logs.
Functions with these names in a module of yours can also be tested without a process: --python adapter:sign
"""

import base64
import hashlib
import hmac
import json
import re
import sys
from datetime import datetime, timedelta
from fractions import Fraction
from math import ceil, floor
from urllib.parse import quote

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")


# ---- signing -----------------------------------------------------------------------------------------------


def sign(secret, timestamp, method, path, params, body):
    """`params` is None or a list of (name, value), `body` None or JSON. Returns what is put on the wire."""
    pairs = [(name, "true" if value is True else "false" if value is False else value) for name, value in params or ()]
    query = "&".join(
        f"{quote(name, safe='')}={quote(str(value), safe='')}" for name, value in pairs if value is not None
    )
    request_path = f"{path}?{query}" if query else path
    text = "" if body is None else json.dumps(body)
    return {
        "sign": _sign(secret, timestamp + method.upper() + request_path + text),
        "request_path": request_path,
        "body": text,
    }


def ws_login(key, secret, passphrase, epoch_s):
    """Returns the one element of `args` of the login."""
    signature = _sign(secret, epoch_s + "GET" + "/users/self/verify")
    return {"apiKey": key, "passphrase": passphrase, "timestamp": epoch_s, "sign": signature}


def _sign(secret, text):
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


# ---- rounding ----------------------------------------------------------------------------------------------


def round_price(price, side, mode, tick=None, bands=None):
    """One `tick`, or `bands` [{"min", "max", "tick"}] with exclusive maxima, the last one open. Returns text."""
    value = _number(price)
    rows = [(None, _positive(tick))] if bands is None else _rows(bands)
    if mode == "passive":
        mode = "down" if side == "buy" else "up"
    below, above = _below(value, rows), _above(value, rows)
    if mode == "down":
        return _plain(below)
    if mode == "up":
        return _plain(above)
    return _plain(below if value - below < above - value else above)


def round_size(size, lot, min):
    """Returns text, or None when nothing can be sent."""
    step, least = _positive(lot), _number(min) if min else Fraction(0)
    fitted = floor(_number(size) / step) * step
    return _plain(fitted) if fitted > 0 and fitted >= least else None


def _rows(bands):
    tops = [_number(band["max"]) if band["max"] else None for band in bands]
    rows = sorted(zip(tops, (_positive(band["tick"]) for band in bands)), key=lambda row: (row[0] is None, row[0] or 0))
    return rows[:-1] + [(None, rows[-1][1])]


def _below(value, rows):
    lows = [None] + [top for top, _ in rows[:-1]]
    for low, (top, tick) in reversed(list(zip(lows, rows))):
        if low is not None and value < low:
            continue
        point = floor(value / tick) * tick
        if top is not None and point >= top:
            point = (ceil(top / tick) - 1) * tick
        if low is None or point >= low:
            return point
    raise AssertionError("the lowest band is open downwards")


def _above(value, rows):
    low = None
    for top, tick in rows:
        if top is None or value < top:
            point = ceil((value if low is None or value > low else low) / tick) * tick
            if top is None or point < top:
                return point
        low = top
    raise AssertionError("the highest band is open upwards")


def _number(text):
    if not NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is no decimal number")
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    return Fraction(int(whole + fraction), 10 ** len(fraction)) * Fraction(10) ** int(exponent or "0")


def _positive(text):
    number = _number(text)
    if number <= 0:
        raise ValueError(f"{text!r} makes no grid")
    return number


def _plain(number):
    places = 0
    while 10**places % number.denominator:
        places += 1
    units = number.numerator * 10**places // number.denominator
    digits = str(abs(units)).rjust(places + 1, "0")
    text = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return f"-{text}" if units < 0 else text


# ---- parsing -----------------------------------------------------------------------------------------------

AGAIN = {"50001", "50011", "50013", "50061"}


def parse_timestamp(ts):
    """Epoch milliseconds as text to ISO-8601, None for ""."""
    if ts == "":
        return None
    if not re.fullmatch("[0-9]{1,32}", ts) or int(ts) > 253402300799999:
        raise ValueError(f"{ts!r} is no epoch time in milliseconds")
    seconds, ms = divmod(int(ts), 1000)
    return f"{(datetime(1970, 1, 1) + timedelta(seconds=seconds)).isoformat()}.{ms:03d}Z"


def parse_response(status, headers, body):
    """What an answer says: kind ok, rejected, partial, http or not_json; code; items with codes of their own."""
    try:
        value = json.loads(body, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        value = None
    code = value.get("code") if isinstance(value, dict) else None
    if type(code) is int:
        code = str(code)
    if not isinstance(code, str) or not code:
        kind = "not_json" if 200 <= status < 300 else "http"
        return {"kind": kind, "code": None, "items": [], "retryable": kind == "http" and status in RETRY_STATUS}
    data = value.get("data")
    rows = [row if isinstance(row, dict) else {} for row in data] if isinstance(data, list) else []
    items = [{"code": row.get("sCode") or "", "message": row.get("sMsg") or ""} for row in rows]
    if not any(item["code"] for item in items):
        items = []
    kind = {"0": "ok", "1": "rejected", "2": "partial"}.get(code, "rejected")
    if items and code in ("0", "1", "2"):
        kinds = {kind if not item["code"] else "ok" if item["code"] == "0" else "rejected" for item in items}
        kind = kinds.pop() if len(kinds) == 1 else "partial"
    codes = {item["code"] for item in items if item["code"]} or {code}
    return {
        "kind": kind,
        "code": code,
        "items": items,
        "retryable": kind == "rejected" and len(codes) == 1 and codes <= AGAIN,
    }


# The CDN could not reach the exchange: nothing happened there. 429 and 503: too much, or not now.
RETRY_STATUS = {429, 503, 521, 522, 523, 525, 526, 530}


def _unique(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("an object with the same name twice")
    return dict(pairs)


def _no_constant(name):
    raise ValueError(f"{name} is not JSON")


# ---- the protocol ------------------------------------------------------------------------------------------

OPS = {
    "sign": sign,
    "ws_login": ws_login,
    "round_price": lambda **given: {"price": round_price(**given)},
    "round_size": lambda **given: {"size": round_size(**given)},
    "parse_timestamp": lambda **given: {"iso": parse_timestamp(**given)},
    "parse_response": parse_response,
}


def main():
    for line in sys.stdin.buffer:
        message = json.loads(line)
        if message["cmd"] == "stop":
            return
        if message["cmd"] == "start":
            reply = {"name": "my client", "version": "1.0", "language": "python", "supports": list(OPS)}
        else:
            reply = {"seq": message["seq"]}
            try:
                reply["output"] = OPS[message["op"]](**message["input"])
            except Exception as error:
                reply["error"] = f"{type(error).__name__}: {error}"
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
