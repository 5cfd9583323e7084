"""The requests and mistakes that the signing vectors are made of. Inputs only: `generate.py` has the oracle compute
the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from oracle import percent

# The secret and the moment of the documentation's own signing example.
DOCS_SECRET = "22582BD0CFF14C41EDBF1AB98506286D"
DOCS_TIME = "2020-12-08T09:08:57.715Z"
OTHER_SECRET = "0F1E2D3C4B5A69788796A5B4C3D2E1F0"
KEY = "7b0c5e1a-3f52-4d8e-9a61-0c4b7d2e9f13"
PASSPHRASE = "Vector-Phrase-1"

PUBLISHED = "okx-docs-example-secret"
FLAGS = {
    PUBLISHED: "Signs with the example secret and moment of OKX's documentation, as other tables do.",
    "independent": "The signature was published by somebody else; the oracle only confirms it.",
    "canonical": "Request path and body are exactly what okxdoctor's own builder writes for the given parts.",
    "no-query": "A request path without a query.",
    "query": "The query is part of what is signed.",
    "order": "Parameters in an order that is not alphabetical; nothing sorts them.",
    "repeated-name": "A parameter name occurs more than once.",
    "empty-value": "A parameter is sent with an empty value.",
    "null": "A parameter without a value: it is not sent.",
    "boolean": "A parameter with a boolean value, sent as the words of JSON.",
    "list": "A list. How one is written in a query is the client's convention; what is sent is signed.",
    "encoding": "A character with more than one encoding; valid as signed and sent (inferred, except for commas).",
    "encoding-raw": "Sent unencoded although it could be encoded.",
    "encoding-lower": "Percent-encoding with lower-case hexadecimal digits.",
    "encoding-plus": "A space sent as + (form encoding).",
    "unicode": "Characters outside ASCII.",
    "body": "A request with a JSON body.",
    "body-form": "The same JSON in another rendering: every rendering is valid as long as it is sent as signed.",
    "body-numbers": "Numbers whose text differs between languages and libraries.",
    "no-body": "A POST without a body: the body part of the prehash is empty.",
    "empty-object": "The body is {}: two characters that are signed, unlike no body.",
    "method-case": "The method is handed over in lower case and signed in upper case.",
    "time": "A moment at a boundary of the timestamp form.",
    "secret": "A secret of unusual form. It is used as the bytes of its text.",
    "long": "A long request.",
    "assumed": "That the exchange refuses this form is assumed: the documentation shows one form and names no others.",
    "must-fail": "What a client with one mistake sends. The exchange refuses it; `cause` names the mistake.",
}


@dataclass(frozen=True)
class Request:
    """One request: the parts that were meant, and the exact strings on the wire."""

    method: str
    path: str
    comment: str
    flags: tuple[str, ...] = ()
    params: tuple[tuple[str, str | bool | tuple[str, ...] | None], ...] | None = None
    query: str | None = None
    body: str = ""
    secret: str = DOCS_SECRET
    timestamp: str = DOCS_TIME
    published_sign: str | None = None
    source: str | None = None

    @property
    def request_path(self) -> str:
        return self.path if self.query is None else f"{self.path}?{self.query}"


def get(path: str, *params: tuple[str, str], comment: str, flags: str = "", **more: Any) -> Request:
    """A GET whose query is encoded canonically unless `query` says otherwise."""
    query = more.pop("query", None)
    canonical = "&".join(f"{percent(name)}={percent(value)}" for name, value in params) or None
    marks = flags.split()
    if query is None or query == canonical:
        query = canonical
        marks.append("canonical")
    marks.append("query" if query is not None else "no-query")
    return Request("GET", path, comment, tuple(marks), params or None, query, **more)


def post(path: str, body: str, comment: str, flags: str = "body", **more: Any) -> Request:
    marks = flags.split()
    canonical = json.dumps(json.loads(body), separators=(",", ":")) if body else ""
    if body == canonical and "body-numbers" not in marks:
        marks.append("canonical")
    return Request("POST", path, comment, tuple(marks), body=body, **more)


BALANCE, PENDING, LEVERAGE = "/api/v5/account/balance", "/api/v5/trade/orders-pending", "/api/v5/account/set-leverage"
ORDER, BATCH = "/api/v5/trade/order", "/api/v5/trade/batch-orders"
SUBACCOUNT = "/api/v5/users/subaccount/list"


def published() -> Iterator[Request]:
    """The table whose signatures were computed elsewhere; they are typed in here and must come out of the oracle."""

    def row(request: Request, sign: str) -> Request:
        return replace(request, flags=(PUBLISHED, *request.flags), published_sign=sign)

    yield row(get(BALANCE, comment="A read without parameters."), "AkD5YszBhggtIyjDlmTy/9PpNVntel+1Lff8wh0qpQw=")
    yield row(get(BALANCE, ("ccy", "BTC"), comment="One parameter."), "HiZhvSfMtWJA3uUIVXV3a/bSXNPCWvYFXoGCVS8V4zY=")
    yield row(
        get(
            BALANCE, ("ccy", "BTC,ETH"), query="ccy=BTC,ETH", comment="A comma sent raw.", flags="encoding encoding-raw"
        ),
        "oah2EOT2Fnz1bjkgiAnuKl+zFQzDG3/nqPUqyYzArrE=",
    )
    yield row(
        get(BALANCE, ("ccy", "BTC,ETH"), comment="The same comma sent as %2C.", flags="encoding"),
        "X/i/q53ENYaVFJP/x3gMqfyuIw8hS3HPa3eFxfQQFaY=",
    )
    yield row(
        get(
            PENDING,
            ("instType", "SWAP"),
            ("instId", "BTC-USDT-SWAP"),
            comment="Not in alphabetical order.",
            flags="order",
        ),
        "nLA7bQfhiHy6i2RsGsg2QT9rI/yc4iB0wV2yIyM/9SI=",
    )
    yield row(
        get(PENDING, ("instId", "BTC-USDT-SWAP"), ("instType", "SWAP"), comment="The same two the other way round."),
        "7IskpKhIorWQkd57zdc1wl7aynPET0X6m2w6l7SZXV0=",
    )
    yield row(
        post(LEVERAGE, '{"instId":"BTC-USDT","lever":"5","mgnMode":"isolated"}', "A compact body."),
        "eCnnCgWLjlQ9XnpUkrcny3qNq3WW/81KNrDr/XR6Xv8=",
    )
    yield row(
        post(LEVERAGE, '{"instId": "BTC-USDT", "lever": "5", "mgnMode": "isolated"}', "Spaced.", "body body-form"),
        "/XctMG4gU+l0Tv1E5CsSdhrndN0MZxclhFp3+SFofI8=",
    )
    yield replace(
        get(
            BALANCE, ("ccy", "BTC"), comment="Printed in a third-party tutorial.", timestamp="2026-08-22T16:20:00.000Z"
        ),
        flags=("independent", "query", "canonical"),
        published_sign="FN++QZPqWIZja9FNV7ev3w3IvSQUleBYxtJidJKKB+E=",
        source="a measured third-party tutorial, August 2026",
    )


READS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("/api/v5/account/config", ()),
    ("/api/v5/account/positions", (("instType", "SWAP"),)),
    ("/api/v5/account/positions", (("instType", "MARGIN"), ("instId", "BTC-USDT"))),
    ("/api/v5/account/bills", (("instType", "SPOT"), ("ccy", "USDT"), ("begin", "1704067200000"), ("limit", "100"))),
    ("/api/v5/account/trade-fee", (("instType", "OPTION"), ("instFamily", "BTC-USD"))),
    ("/api/v5/account/leverage-info", (("instId", "ETH-USDT-SWAP"), ("mgnMode", "cross"))),
    ("/api/v5/account/max-size", (("instId", "BTC-USDT"), ("tdMode", "cash"), ("px", "0.000000000001"))),
    ("/api/v5/account/instruments", (("instType", "FUTURES"),)),
    ("/api/v5/account/interest-limits", (("type", "2"), ("ccy", "BTC"))),
    ("/api/v5/account/account-position-risk", ()),
    ("/api/v5/asset/balances", (("ccy", "USDT"),)),
    ("/api/v5/asset/currencies", ()),
    ("/api/v5/asset/deposit-address", (("ccy", "USDT"),)),
    ("/api/v5/asset/transfer-state", (("transId", "1"), ("type", "0"))),
    ("/api/v5/trade/order", (("ordId", "590908157585625111"), ("instId", "BTC-USDT"))),
    ("/api/v5/trade/order", (("instId", "BTC-USDT"), ("clOrdId", "b15"))),
    ("/api/v5/trade/fills", (("instType", "SPOT"), ("before", "1"), ("after", "9"))),
    ("/api/v5/trade/fills-history", (("instType", "SWAP"), ("limit", "50"), ("begin", "1609459200000"))),
    ("/api/v5/trade/orders-history", (("instType", "SPOT"), ("state", "filled"), ("ordType", "limit"))),
    ("/api/v5/trade/orders-history-archive", (("instType", "FUTURES"), ("uly", "BTC-USD"))),
    ("/api/v5/trade/account-rate-limit", ()),
    ("/api/v5/users/subaccount/apikey", (("subAcct", "desk1"),)),
    ("/api/v5/market/candles", (("instId", "BTC-USDT"), ("bar", "1Dutc"), ("limit", "300"))),
    ("/api/v5/public/price-limit", (("instId", "BTC-USDT-SWAP"),)),
    ("/api/v5/public/instruments", (("instType", "OPTION"), ("instFamily", "BTC-USD_UM"))),
)

# One character (or short run) at a time inside a value. The second text is a form other than the canonical one that
# clients really send: raw where URLs allow it, else as rewritten by a common library.
AWKWARD: tuple[tuple[str, str], ...] = (
    ("a space", "desk one"),
    ("a comma", "BTC,ETH,USDT"),
    ("a plus", "desk+one"),
    ("an ampersand", "a&b"),
    ("an equals sign", "a=b"),
    ("a hash", "desk#1"),
    ("a slash", "a/b"),
    ("a question mark", "why?"),
    ("a percent sign", "100%"),
    ("an encoded comma as text", "BTC%2CETH"),
    ("a double quote", 'say "x"'),
    ("a single quote", "o'brien"),
    ("square brackets", "a[0]"),
    ("braces", "{a}"),
    ("a pipe", "a|b"),
    ("a backslash", "a\\b"),
    ("a caret", "a^b"),
    ("a grave accent", "a`b"),
    ("a tilde", "~a"),
    ("an asterisk", "a*b"),
    ("an exclamation mark", "a!"),
    ("parentheses", "(a)"),
    ("a colon", "a:b"),
    ("a semicolon", "a;b"),
    ("an at sign", "a@b"),
    ("a dollar sign", "$a"),
    ("angle brackets", "<a>"),
    ("a tab", "a\tb"),
    ("a line feed", "a\nb"),
    ("a NUL character", "a\0b"),
    ("DEL", "a\x7fb"),
    ("a dot segment", "../a"),
    ("Latin letters with accents", "déjà"),
    ("Chinese", "账户一"),
    ("an emoji", "desk🚀"),
    ("a combining accent", "e\u0301"),
    ("right-to-left text", "حساب"),
    ("a no-break space", "a\u00a0b"),
    ("a zero-width joiner", "a\u200db"),
    ("a character beyond the BMP", "𝒳"),
    ("a small float as text", "1e-8"),
    ("a twenty-digit integer", "12345678901234567890"),
    ("the word null", "null"),
    ("the word true", "true"),
    ("a minus", "-1.5"),
    ("leading and trailing spaces", " a "),
)
RAW_IN_QUERIES = ",/?:;@!$*()'~"


def valid_reads() -> Iterator[Request]:
    for path, params in READS:
        sorted_names = [name for name, _ in params] == sorted(name for name, _ in params)
        flags = "" if sorted_names else "order"
        yield get(path, *params, comment=f"A documented read: {path.rpartition('/')[2]}.", flags=flags)
    for what, value in AWKWARD:
        flags = "encoding" if value.isascii() else "encoding unicode"
        yield get(SUBACCOUNT, ("subAcct", value), comment=f"A value with {what}.", flags=flags)
    for what, value in AWKWARD:
        raw = f"subAcct={percent(value, keep=RAW_IN_QUERIES)}"
        plus = f"subAcct={percent(value, plus=True)}"
        lower = f"subAcct={percent(value, lower=True)}"
        canonical = f"subAcct={percent(value)}"
        for flag, query in (("encoding-raw", raw), ("encoding-plus", plus), ("encoding-lower", lower)):
            if query != canonical:
                note = f"A value with {what}, sent in another form ({flag.partition('-')[2]})."
                yield get(SUBACCOUNT, ("subAcct", value), query=query, comment=note, flags=f"encoding {flag}")
    yield from odd_queries()


def odd_queries() -> Iterator[Request]:
    yield get(BALANCE, ("ccy", ""), comment="An empty value.", flags="empty-value")
    yield get(BALANCE, ("ccy", ""), ("x", ""), comment="Two empty values.", flags="empty-value")
    yield get(BALANCE, ("ccy", "BTC"), ("ccy", "ETH"), comment="One name twice.", flags="repeated-name")
    yield get(BALANCE, ("ccy", "BTC"), ("ccy", "BTC"), comment="One pair twice.", flags="repeated-name")
    yield get(
        PENDING,
        ("b", "1"),
        ("a", "2"),
        ("b", "3"),
        comment="A repeated name not side by side.",
        flags="repeated-name order",
    )
    yield get(PENDING, ("ids[]", "1"), ("ids[]", "2"), comment="Bracketed names.", flags="repeated-name encoding")
    yield get(
        PENDING, ("ids[]", "1"), ("ids[]", "2"), query="ids[]=1&ids[]=2", comment="Bracketed names sent raw.",
        flags="repeated-name encoding encoding-raw",
    )  # fmt: skip
    yield get(PENDING, ("a b", "1"), comment="A name with a space.", flags="encoding")
    yield get(PENDING, ("z", "1"), ("Z", "2"), ("a", "3"), comment="Upper and lower case names.", flags="order")
    yield get(
        PENDING, ("a10", "1"), ("a9", "2"), comment="Names whose numeric and alphabetical orders differ.", flags="order"
    )
    yield get(PENDING, *((f"p{n}", str(n)) for n in range(12)), comment="Twelve parameters.", flags="long order")
    yield get(
        "/api/v5/trade/orders-algo-pending", ("ordType", "conditional,oco"), query="ordType=conditional,oco",
        comment="A documented comma list, raw.", flags="encoding encoding-raw",
    )  # fmt: skip
    yield get(
        "/api/v5/trade/orders-algo-pending",
        ("ordType", "conditional,oco"),
        comment="The same, encoded.",
        flags="encoding",
    )
    yield get(
        BALANCE,
        ("ccy", ",".join(f"C{n}" for n in range(400))),
        comment="A query of over 2,000 characters.",
        flags="long",
    )
    yield Request("GET", BALANCE, "A bare ? at the end is signed when it is sent.", ("encoding-raw",), None, "")
    yield Request("GET", BALANCE + "/", "A slash at the end is signed when it is sent.", ("encoding-raw",))
    yield Request("GET", BALANCE, "An & too many at the end.", ("query", "encoding-raw"), (("ccy", "BTC"),), "ccy=BTC&")
    yield Request("GET", BALANCE, "A name without =.", ("query", "encoding-raw"), (("ccy", ""),), "ccy")
    yield replace(
        get(BALANCE, ("ccy", "BTC"), comment="The method handed over as get."),
        method="get",
        flags=("method-case", "query"),
    )
    yield replace(
        post(LEVERAGE, '{"lever":"5"}', "The method handed over as Post."), method="Post", flags=("method-case", "body")
    )


LIMIT = '{"instId":"BTC-USDT","tdMode":"cash","side":"buy","ordType":"limit","px":"2.15","sz":"2"}'
BODIES: tuple[tuple[str, str, str, str], ...] = (
    (ORDER, LIMIT, "A limit order.", "body"),
    (ORDER, json.dumps(json.loads(LIMIT)), "A limit order rendered with spaces.", "body body-form"),
    (ORDER, json.dumps(json.loads(LIMIT), indent=2), "A limit order rendered over several lines.", "body body-form"),
    (ORDER, json.dumps(json.loads(LIMIT), indent="\t"), "The same indented by tabs.", "body body-form"),
    (
        ORDER,
        json.dumps(json.loads(LIMIT), sort_keys=True, separators=(",", ":")),
        "The same with sorted names.",
        "body body-form",
    ),
    (ORDER, LIMIT + "\n", "A line feed after the body.", "body body-form"),
    (ORDER, " " + LIMIT, "A space before the body.", "body body-form"),
    (
        ORDER,
        json.dumps(json.loads(LIMIT), indent=2).replace("\n", "\r\n"),
        "Carriage return and line feed.",
        "body body-form",
    ),
    (ORDER, LIMIT.replace('":"', '" : "'), "Spaces around the colons.", "body body-form"),
    (BATCH, f"[{LIMIT},{LIMIT}]", "A batch of two.", "body"),
    (BATCH, f"[{LIMIT}]", "A batch of one.", "body"),
    (BATCH, "[" + ",".join([LIMIT] * 20) + "]", "A batch of twenty.", "body long"),
    (BATCH, "[]", "An empty batch.", "body"),
    ("/api/v5/trade/cancel-order", '{"instId":"BTC-USDT","ordId":"590908157585625111"}', "A cancellation.", "body"),
    ("/api/v5/trade/amend-order", '{"instId":"BTC-USDT","clOrdId":"b15","newSz":"3"}', "An amendment.", "body"),
    ("/api/v5/trade/order-precheck", LIMIT, "A preflight, which places nothing.", "body"),
    (
        "/api/v5/asset/transfer",
        '{"ccy":"USDT","amt":"1.5","from":"6","to":"18"}',
        "A transfer between wallets.",
        "body",
    ),
    ("/api/v5/account/set-position-mode", '{"posMode":"long_short_mode"}', "One field.", "body"),
    ("/api/v5/trade/cancel-all-after", '{"timeOut":"60"}', "A dead man's switch.", "body"),
    ("/api/v5/trade/cancel-all-after", "{}", "An empty object is signed as its two characters.", "body empty-object"),
    ("/api/v5/trade/cancel-all-after", "{ }", "An empty object with a space.", "body empty-object body-form"),
    ("/api/v5/trade/cancel-all-after", "", "A POST with no body at all.", "no-body"),
    (ORDER, '{"instId":"BTC-USDT","tag":""}', "An empty value.", "body"),
    (ORDER, '{"instId":"BTC-USDT","clOrdId":null}', "A null.", "body"),
    (ORDER, '{"instId":"BTC-USDT","reduceOnly":true,"banAmend":false}', "Booleans.", "body"),
    (ORDER, '{"instId":"BTC-USDT","attachAlgoOrds":[{"tpTriggerPx":"3","tpOrdPx":"-1"}]}', "A nested list.", "body"),
    (ORDER, '{"sz":"1e-8"}', "An exponent inside a string stays as it is.", "body"),
    (ORDER, '{"sz":1e-8}', "A number with an exponent.", "body body-numbers"),
    (ORDER, '{"sz":0.00000001}', "The same number written plainly.", "body body-numbers"),
    (ORDER, '{"sz":1E-08}', "The same number in a third writing.", "body body-numbers"),
    (ORDER, '{"sz":0.30000000000000004}', "The sum of 0.1 and 0.2 in binary floating point.", "body body-numbers"),
    (ORDER, '{"sz":1e22}', "A large float with an exponent.", "body body-numbers"),
    (ORDER, '{"sz":10000000000000000000000}', "The same number written out.", "body body-numbers"),
    (ORDER, '{"ordId":12345678901234567890}', "A twenty-digit integer, beyond 64 bits signed.", "body body-numbers"),
    (ORDER, '{"ordId":9007199254740993}', "The first integer that a double cannot hold.", "body body-numbers"),
    (ORDER, '{"sz":1.0}', "A whole number written as a float.", "body body-numbers"),
    (ORDER, '{"sz":1.10}', "A trailing zero.", "body body-numbers"),
    (ORDER, '{"sz":-0}', "Minus zero.", "body body-numbers"),
    (ORDER, '{"tag":"déjà 账户 🚀"}', "Characters outside ASCII sent as UTF-8.", "body unicode body-form"),
    (ORDER, json.dumps({"tag": "déjà 账户 🚀"}, separators=(",", ":")), "The same as \\u escapes.", "body unicode"),
    (
        ORDER,
        json.dumps({"tag": "déjà"}, separators=(",", ":")).replace("e9", "E9"),
        "Escapes in upper case.",
        "body unicode body-form",
    ),
    (ORDER, '{"tag":"a/b"}', "A slash as it is.", "body"),
    (ORDER, '{"tag":"a\\/b"}', "The same slash escaped.", "body body-form"),
    (ORDER, '{"tag":"a\\"b\\\\c"}', "An escaped quote and backslash.", "body"),
    (ORDER, '{"tag":"a\\n\\tb"}', "Escaped control characters.", "body"),
    (ORDER, '{"tag":"a\\u0000b"}', "An escaped NUL character.", "body"),
    (ORDER, '{"tag":"<a&b>"}', "Characters that some encoders escape for HTML.", "body"),
    (ORDER, '{"tag":"\\u003ca\\u0026b\\u003e"}', "The same escaped for HTML.", "body body-form"),
    (ORDER, '{"tag":"a+b c%20d"}', "Plus, space and a percent code in a body are plain text.", "body"),
    (ORDER, '{"tag":"\u2028"}', "A line separator as UTF-8.", "body unicode body-form"),
    (ORDER, '{"tag":"\u00a0"}', "A no-break space as UTF-8.", "body unicode body-form"),
    (ORDER, json.dumps({"tag": "x" * 4000}, separators=(",", ":")), "A body of 4,000 characters.", "body long"),
    (ORDER, '{"a":{"b":{"c":{"d":{"e":["f",["g"]]}}}}}', "Deeper nesting.", "body"),
    (ORDER, '{"a":[]}', "A member with an empty list.", "body list"),
    (ORDER, '{"a":[""]}', "A list of one empty text.", "body list"),
    (ORDER, '{"a":["b","a","b"]}', "A list of texts, neither sorted nor unique.", "body list"),
    (ORDER, '{"a": ["b", "a"]}', "A list rendered with spaces.", "body list body-form"),
    (ORDER, '{"a":[[],[["b"]],{}]}', "Lists in lists.", "body list"),
    (ORDER, '{"a":[null,true,false,"null"]}', "A list of nulls and booleans.", "body list"),
    (
        ORDER,
        '{"a":[1e-8,1e22,0.30000000000000004,12345678901234567890]}',
        "A list of numbers.",
        "body list body-numbers",
    ),
    (ORDER, '{"a":["é","/","\\""]}', "A list of awkward texts.", "body list unicode body-form"),
    (BATCH, f"[{LIMIT},{LIMIT.replace('BTC', 'ETH')}]", "A batch of two instruments.", "body list"),
    (BATCH, f"[\n{LIMIT},\n{LIMIT}\n]", "A batch over several lines.", "body list body-form"),
    (
        "/api/v5/trade/cancel-batch-orders",
        '[{"instId":"BTC-USDT","ordId":"590908157585625111"},{"instId":"ETH-USDT","clOrdId":"b15"}]',
        "A batch of cancellations with different members.",
        "body list",
    ),
    (ORDER, '{"b":"1","a":"2"}', "Names not in alphabetical order.", "body"),
    (
        ORDER,
        '{"1":"a","10":"b","9":"c"}',
        "Names that look like numbers, which some languages move to the front.",
        "body",
    ),
)

TIMES: tuple[tuple[str, str], ...] = (
    ("2026-01-01T00:00:00.000Z", "Midnight, zero milliseconds."),
    ("2026-01-01T00:00:00.001Z", "One millisecond."),
    ("2026-01-01T00:00:00.010Z", "Ten milliseconds: a leading zero in the fraction."),
    ("2026-01-01T00:00:00.100Z", "A hundred milliseconds: trailing zeros that must stay."),
    ("2026-01-01T00:00:00.510Z", "One trailing zero that must stay."),
    ("2026-12-31T23:59:59.999Z", "The last millisecond of a year."),
    ("2024-02-29T12:00:00.500Z", "A leap day."),
    ("2026-03-29T01:30:00.000Z", "During a change to summer time, which UTC does not know."),
    ("2038-01-19T03:14:08.000Z", "One second past 31 bits."),
    ("2026-09-09T09:09:09.009Z", "One-digit fields."),
)  # fmt: skip

SECRETS: tuple[tuple[str, str], ...] = (
    (OTHER_SECRET, "Another secret of the usual form."),
    (OTHER_SECRET.lower(), "Lower-case hexadecimal: not decoded, not re-cased."),
    ("K" * 64, "A secret of exactly one SHA-256 block."),
    ("K" * 65, "A secret longer than one block, which HMAC hashes first."),
    ("c2VjcmV0", "A secret that looks like Base64: not decoded."),
    ("pässwörd-秘密", "A secret outside ASCII: used as its UTF-8 bytes."),
    ("with space and\ttab", "White space inside a secret is part of it."),
    ("0", "One character."),
)


def valid_writes() -> Iterator[Request]:
    for path, body, comment, flags in BODIES:
        yield post(path, body, comment, flags)
    for timestamp, comment in TIMES:
        yield get(BALANCE, comment=comment, flags="time", timestamp=timestamp)
        yield post(LEVERAGE, '{"lever":"5"}', f"{comment} With a body.", "body time", timestamp=timestamp)
    for secret, comment in SECRETS:
        yield get(BALANCE, ("ccy", "BTC"), comment=comment, flags="secret", secret=secret)
        yield post(LEVERAGE, '{"lever":"5"}', f"{comment} With a body.", "body secret", secret=secret)


def valid() -> Iterator[Request]:
    yield from published()
    yield from valid_reads()
    yield from valid_writes()
