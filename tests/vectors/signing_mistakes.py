"""Mistakes that clients make when they sign, each applied to several requests.

A mistake changes what is signed, how the digest is made or how it is written; the request on the wire stays as meant
(except the timestamp header, where that is the mistake). A mistake that makes no difference to a request (sorting one
parameter) gives no vector for it: `generate.py` drops what the exchange would accept.
"""

from __future__ import annotations

import base64 as stdlib_base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from oracle import calendar, percent
from signing_cases import (
    BALANCE,
    BATCH,
    DOCS_SECRET,
    KEY,
    LEVERAGE,
    LIMIT,
    ORDER,
    OTHER_SECRET,
    PASSPHRASE,
    PENDING,
    SUBACCOUNT,
    Request,
    get,
    post,
)  # fmt: skip

HEADER_MS = 1_607_418_537_715  # 2020-12-08T09:08:57.715Z, the moment of the documentation's example


@dataclass(frozen=True)
class Signing:
    """What one client signs and sends for a request."""

    header: str
    """The OK-ACCESS-TIMESTAMP on the wire, or the login's `timestamp`."""
    timestamp: str
    method: str
    request_path: str
    body: str
    algorithm: str = "hmac-sha256"
    key: bytes = DOCS_SECRET.encode()
    form: str = "base64"
    """How the digest is written: the names in `generate.stages`."""
    literal: str = ""
    around: tuple[str, str] = ("", "")
    """Text put before and after the prehash: how plain hashes mix the secret in."""
    order: str = "tmpb"
    """The initials of timestamp, method, path and body in the order in which they are signed."""
    between: str = ""

    @property
    def message(self) -> bytes:
        parts = {"t": self.timestamp, "m": self.method, "p": self.request_path, "b": self.body}
        prehash = self.between.join(parts[initial] for initial in self.order)
        return f"{self.around[0]}{prehash}{self.around[1]}".encode()


@dataclass(frozen=True)
class Mistake:
    """`flags` are added to those of the request."""

    cause: str
    step: str
    wrong: str
    right: str
    apply: Callable[[Signing], Signing]
    flags: tuple[str, ...] = ()


def right_signing(request: Request) -> Signing:
    return Signing(
        header=request.timestamp,
        timestamp=request.timestamp,
        method=request.method.upper(),
        request_path=request.request_path,
        body=request.body,
        key=request.secret.encode(),
    )


# ---- changes to the query ------------------------------------------------------------------------------------------


def _on_query(change: Callable[[str], str]) -> Callable[[Signing], Signing]:
    def apply(signing: Signing) -> Signing:
        path, mark, query = signing.request_path.partition("?")
        return replace(signing, request_path=f"{path}?{change(query)}") if mark else signing

    return apply


def _decoded(text: str) -> str:
    from urllib.parse import unquote

    return unquote(text)


def _recoded(**form: object) -> Callable[[str], str]:
    def change(query: str) -> str:
        pairs = (pair.partition("=") for pair in query.split("&"))
        return "&".join(
            f"{percent(_decoded(name), **form)}={percent(_decoded(value), **form)}"  # type: ignore[arg-type]
            for name, _, value in pairs
        )

    return change


def _lists(write: Callable[[str, list[str]], list[tuple[str, str]]]) -> Callable[[str], str]:
    """The lists of a query, names that are repeated, in another writing; names and items are encoded already."""

    def change(query: str) -> str:
        found: dict[str, list[str]] = {}
        for pair in query.split("&"):
            name, _, value = pair.partition("=")
            found.setdefault(name, []).append(value)
        pairs = [
            pair
            for name, items in found.items()
            for pair in (write(name.removesuffix("%5B%5D"), items) if len(items) > 1 else [(name, items[0])])
        ]
        return "&".join(f"{name}={value}" for name, value in pairs)

    return change


def _in_brackets(name: str, items: list[str]) -> list[tuple[str, str]]:
    return [(f"{name}[]", item) for item in items]


def _as_python(name: str, items: list[str]) -> list[tuple[str, str]]:
    return [(name, percent(str([_decoded(item) for item in items]), plus=True))]


def _split_lists(query: str) -> str:
    pairs = (pair.partition("=") for pair in query.replace("%2C", ",").split("&"))
    return "&".join(f"{name}={item}" for name, _, value in pairs for item in value.split(","))


def _on_path(change: Callable[[str], str]) -> Callable[[Signing], Signing]:
    return lambda signing: replace(signing, request_path=change(signing.request_path))


def _on_body(change: Callable[[str], str]) -> Callable[[Signing], Signing]:
    return lambda signing: replace(signing, body=change(signing.body)) if signing.body else signing


def _dumped(**form: object) -> Callable[[str], str]:
    return lambda body: json.dumps(json.loads(body), **form)  # type: ignore[arg-type]


def _for_empty_body(text: str) -> Callable[[Signing], Signing]:
    return lambda signing: signing if signing.body else replace(signing, body=text)


def _key(change: Callable[[bytes], bytes]) -> Callable[[Signing], Signing]:
    return lambda signing: replace(signing, key=change(signing.key))


def _set(**changes: object) -> Callable[[Signing], Signing]:
    return lambda signing: replace(signing, **changes)  # type: ignore[arg-type]


def _header(text: str) -> Callable[[Signing], Signing]:
    """A malformed timestamp, signed as it is sent."""
    return lambda signing: replace(signing, header=text, timestamp=text)


def _signed_time(text: str) -> Callable[[Signing], Signing]:
    return lambda signing: replace(signing, timestamp=text)


DAY_AND_TIME = calendar(HEADER_MS // 1000)
AHEAD = calendar(HEADER_MS // 1000 + 8 * 3600)


def mistakes() -> Iterator[Mistake]:
    """Every mistake of a REST client, under the cause that names it."""

    def of(cause: str, step: str) -> Callable[[str, str, Callable[[Signing], Signing]], Mistake]:
        return lambda wrong, right, apply: Mistake(cause, step, wrong, right, apply)

    row = of("signature.query-unsigned", "query")
    yield row("left out", "as sent", _on_path(lambda target: target.partition("?")[0]))
    row = of("signature.query-sorted", "query")
    yield row("sorted", "as sent", _on_query(lambda query: "&".join(sorted(query.split("&")))))
    yield row("reverse sorted", "as sent", _on_query(lambda query: "&".join(sorted(query.split("&"), reverse=True))))
    row = of("signature.query-encoding", "query")
    yield row("decoded", "as sent", _on_query(_decoded))
    yield row("with commas left raw", "as sent", _on_query(_recoded(keep=",")))
    yield row("with lower-case hexadecimal", "as sent", _on_query(_recoded(lower=True)))
    yield row("with spaces as +", "as sent", _on_query(_recoded(plus=True)))
    yield row("encoded twice", "as sent", _on_query(lambda query: percent(query, keep="=&")))
    # One library writes the list for the signature, another for the wire: `urlencode` beside `requests`,
    # URLSearchParams beside axios.
    yield row(
        "with lists joined by commas", "as sent", _on_query(_lists(lambda name, items: [(name, "%2C".join(items))]))
    )
    yield row(
        "with lists joined by raw commas", "as sent", _on_query(_lists(lambda name, items: [(name, ",".join(items))]))
    )
    yield row("with [] after repeated names", "as sent", _on_query(_lists(_in_brackets)))
    yield row("with lists as text of a Python list", "as sent", _on_query(_lists(_as_python)))
    yield row("with lists as repeated names", "as sent", _on_query(_split_lists))
    row = of("signature.body-reserialised", "body")
    yield row("rendered with spaces", "as sent", _on_body(_dumped(ensure_ascii=False)))
    yield row("rendered compactly", "as sent", _on_body(_dumped(ensure_ascii=False, separators=(",", ":"))))
    yield row("with escapes for non-ASCII", "as sent", _on_body(_dumped(separators=(",", ":"))))
    yield row(
        "with sorted names", "as sent", _on_body(_dumped(sort_keys=True, separators=(",", ":"), ensure_ascii=False))
    )
    yield row("rendered over several lines", "as sent", _on_body(_dumped(indent=2)))
    yield row("with escaped slashes", "as sent", _on_body(lambda body: body.replace("/", "\\/")))
    yield row("as text of a Python dict", "as sent", _on_body(lambda body: str(json.loads(body))))
    yield row("with a line feed after it", "as sent", _on_body(lambda body: body + "\n"))
    row = of("signature.body-unsigned", "body")
    yield row("left out", "as sent", _on_body(lambda body: ""))
    for text in ("{}", "None", "null", "undefined", '""', "[]"):
        yield row(f"the text {text}", "empty: nothing was sent", _for_empty_body(text))
    row = of("signature.method-case", "method")
    yield row("in lower case", "in upper case", lambda signing: replace(signing, method=signing.method.lower()))
    yield row("capitalised", "in upper case", lambda signing: replace(signing, method=signing.method.capitalize()))
    yield row("the other of GET and POST", "the one sent", _swapped_method)
    yield row("left out", "the one sent", _set(method=""))
    row = of("signature.path", "path")
    yield row("with scheme and host", "from /api on", _on_path(lambda target: "https://www.okx.com" + target))
    yield row("with host", "from /api on", _on_path(lambda target: "www.okx.com" + target))
    yield row("without /api", "from /api on", _on_path(lambda target: target.removeprefix("/api")))
    yield row("without /api/v5", "from /api on", _on_path(lambda target: target.removeprefix("/api/v5")))
    yield row("without the first slash", "from /api on", _on_path(lambda target: target.removeprefix("/")))
    yield row("with a slash after it", "as sent", _slash_after_path)
    yield row("with a bare ?", "as sent", _on_path(lambda target: target if "?" in target else target + "?"))
    yield row("without the ?", "as sent", _on_path(lambda target: target.replace("?", "", 1)))
    row = of("signature.timestamp-differs", "timestamp")
    yield row("one millisecond later", "the header's", _signed_time(f"{DAY_AND_TIME}.716Z"))
    yield row("one second earlier", "the header's", _signed_time(f"{calendar(HEADER_MS // 1000 - 1)}.715Z"))
    yield row("epoch milliseconds", "the header's", _signed_time(str(HEADER_MS)))
    yield row("epoch seconds", "the header's", _signed_time(str(HEADER_MS // 1000)))
    yield row("without milliseconds", "the header's", _signed_time(f"{DAY_AND_TIME}Z"))
    yield row("without Z", "the header's", _signed_time(f"{DAY_AND_TIME}.715"))
    yield row("left out", "the header's", _signed_time(""))
    row = of("signature.prehash-order", "order")
    right = "timestamp, method, path, body, with nothing between them"
    for order, name in (
        ("mtpb", "method, timestamp, path, body"), ("tpmb", "timestamp, path, method, body"),
        ("mptb", "method, path, timestamp, body"), ("tbmp", "timestamp, body, method, path"),
    ):  # fmt: skip
        yield row(f"{name}, with nothing between them", right, _set(order=order))
    for between, name in (("\n", "a line feed"), (" ", "a space"), ("|", "a bar")):
        yield row(f"timestamp, method, path, body, with {name} between them", right, _set(between=between))
    yield from _writing_mistakes()
    yield from _secret_mistakes()
    yield from _timestamp_format_mistakes()


def _swapped_method(signing: Signing) -> Signing:
    return replace(signing, method={"GET": "POST", "POST": "GET"}[signing.method])


def _slash_after_path(signing: Signing) -> Signing:
    path, mark, query = signing.request_path.partition("?")
    return replace(signing, request_path=f"{path}/{mark}{query}")


def _writing_mistakes() -> Iterator[Mistake]:
    def encoding(wrong: str, form: str, literal: str = "") -> Mistake:
        # The text of an object in the header: `[object Promise]`, and `b'…'` although the right bytes stand in it.
        cause = "signature.not-text" if form in ("literal", "python-bytes") else "signature.encoding"
        return Mistake(cause, "encoding", wrong, "Base64 of the digest", _set(form=form, literal=literal))

    yield encoding("hexadecimal", "hex")
    yield encoding("upper-case hexadecimal", "hex-upper")
    yield encoding("Base64 of the hexadecimal text", "base64-of-hex")
    yield encoding("URL-safe Base64", "base64url")
    yield encoding("Base64 without padding", "base64-unpadded")
    yield encoding("Base64 with a line feed", "base64-newline")
    yield encoding("the text of a promise", "literal", "[object Promise]")
    yield encoding("the text of an object", "literal", "[object Object]")
    yield encoding("the text of Python bytes", "python-bytes")
    for algorithm, name in (("hmac-sha1", "HMAC-SHA1"), ("hmac-sha512", "HMAC-SHA512"), ("hmac-md5", "HMAC-MD5")):
        yield Mistake("signature.digest", "digest", name, "HMAC-SHA256", _set(algorithm=algorithm))
    yield Mistake(
        "signature.digest", "digest", "SHA-256 of prehash and secret", "HMAC-SHA256",
        lambda signing: replace(signing, algorithm="sha256", around=("", signing.key.decode()), key=b""),
    )  # fmt: skip
    yield Mistake(
        "signature.digest", "digest", "SHA-256 of secret and prehash", "HMAC-SHA256",
        lambda signing: replace(signing, algorithm="sha256", around=(signing.key.decode(), ""), key=b""),
    )  # fmt: skip


def _secret_mistakes() -> Iterator[Mistake]:
    def secret(wrong: str, change: Callable[[bytes], bytes]) -> Mistake:
        return Mistake("signature.secret-altered", "secret", wrong, "as given", _key(change))

    yield secret("in lower case", bytes.lower)
    yield secret("decoded from hexadecimal", lambda key: bytes.fromhex(key.decode()))
    yield secret("decoded from Base64", stdlib_base64.b64decode)
    yield secret("with a line feed after it", lambda key: key + b"\n")
    yield secret("with a carriage return after it", lambda key: key + b"\r")
    yield secret("with a space before it", lambda key: b" " + key)
    yield secret("in double quotes", lambda key: b'"' + key + b'"')
    yield secret("with its last character missing", lambda key: key[:-1])
    yield secret("the passphrase", lambda key: PASSPHRASE.encode())
    yield secret("the API key", lambda key: KEY.encode())
    yield Mistake(
        "signature.unexplained", "secret", "another key's secret", "as given", _key(lambda key: OTHER_SECRET.encode())
    )


def _timestamp_format_mistakes() -> Iterator[Mistake]:
    def timestamp(wrong: str, text: str, *flags: str) -> Mistake:
        right = "ISO-8601 with milliseconds and Z"
        return Mistake("timestamp.format", "timestamp", wrong, right, _header(text), flags)

    yield timestamp("epoch seconds", str(HEADER_MS // 1000))
    yield timestamp("epoch milliseconds", str(HEADER_MS))
    yield timestamp("epoch seconds with a fraction", f"{HEADER_MS // 1000}.{HEADER_MS % 1000}")
    yield timestamp("without milliseconds", f"{DAY_AND_TIME}Z")
    yield timestamp("with microseconds", f"{DAY_AND_TIME}.715000Z")
    yield timestamp("with nanoseconds", f"{DAY_AND_TIME}.715000000Z", "assumed")
    yield timestamp("with two fraction digits", f"{DAY_AND_TIME}.71Z")
    yield timestamp("without Z", f"{DAY_AND_TIME}.715")
    yield timestamp("with an offset of zero", f"{DAY_AND_TIME}.715+00:00")
    yield timestamp("with a local offset", f"{AHEAD}.715+08:00")
    yield timestamp("with a space for T", f"{DAY_AND_TIME.replace('T', ' ')}.715Z", "assumed")
    yield timestamp("in lower case", f"{DAY_AND_TIME}.715Z".lower(), "assumed")
    yield timestamp("with a comma", f"{DAY_AND_TIME},715Z", "assumed")
    yield timestamp("in the form of the HTTP Date header", "Tue, 08 Dec 2020 09:08:57 GMT")


def bases() -> Iterator[Request]:
    """The requests that the mistakes are applied to. Between them every mistake shows at least once."""
    yield get(BALANCE, comment="a read without parameters")
    yield get(PENDING, ("instType", "SWAP"), ("instId", "BTC-USDT-SWAP"), comment="a read with two parameters")
    yield post(LEVERAGE, '{"instId":"BTC-USDT","lever":"5","mgnMode":"isolated"}', "a write with sorted names")
    spaced = json.dumps({**json.loads(LIMIT), "tag": "a/é"}, ensure_ascii=False)
    yield post(ORDER, spaced, "a spaced write with é and a slash", "body body-form unicode")
    yield post(BATCH, f"[{LIMIT},{LIMIT}]", "a batch")
    yield post(ORDER, json.dumps({"tag": "déjà/vu"}, separators=(",", ":")), "a write with \\u escapes", "body unicode")
    yield get(BALANCE, ("ccy", "BTC,ETH"), comment="a read with an encoded comma", flags="encoding")
    raw = "ccy=BTC,ETH"
    yield get(BALANCE, ("ccy", "BTC,ETH"), query=raw, comment="a read with a raw comma", flags="encoding encoding-raw")
    yield get(
        SUBACCOUNT, ("subAcct", "desk one"), ("limit", "5"), comment="a read with a space", flags="encoding order"
    )
    yield get(
        SUBACCOUNT,
        ("z", "a+b&c"),
        ("a", "账户"),
        comment="a read with +, & and Chinese",
        flags="encoding unicode order",
    )
    yield get(
        SUBACCOUNT, ("subAcct", "~a*b!'"), ("page", "(1)"), comment="a read with ~ * ! ' ( )", flags="encoding order"
    )
    yield get(
        SUBACCOUNT,
        ("subAcct", "a/b?c"),
        ("enable", "true"),
        ("after", ""),
        comment="a read with a slash, a ? and an empty value",
        flags="encoding empty-value order",
    )
    numbers = '{"instId":"BTC-USDT","sz":1e-8,"px":0.30000000000000004,"n":12345678901234567890}'
    yield post(ORDER, numbers, "a write with bare numbers", "body body-numbers")
    yield post(ORDER, '{"tag":"a\\u2028b","note":"<a&b>","z":null,"a":[true,false]}', "a write with null and booleans")
    yield get(
        PENDING, ("ids[]", "2"), ("ids[]", "1"), comment="a read with a repeated name", flags="encoding repeated-name"
    )
    listed = Request(
        "GET", BALANCE, "a read with a list as repeated names", ("list", "query", "repeated-name"),
        (("ccy", ("USDT", "BTC", "ETH")), ("limit", "5")), "ccy=USDT&ccy=BTC&ccy=ETH&limit=5",
    )  # fmt: skip
    yield listed
    yield replace(listed, query="ccy=USDT%2CBTC%2CETH&limit=5", comment="a read with a list joined by commas")
    yield post(
        "/api/v5/trade/cancel-batch-orders",
        json.dumps([{"instId": "BTC-USDT", "ordId": "1"}, {"instId": "ETH-USDT", "clOrdId": "é", "a": ["b", []]}]),
        "a spaced batch with a list in it",
        "body list body-form",
    )


FEW = ("a read without parameters", "a read with two parameters", "a write with sorted names")


def applications() -> Iterator[tuple[Request, Mistake]]:
    """Each mistake with the requests it is shown in: all where the request matters, a few where it does not."""
    for mistake in mistakes():
        for base in bases():
            if mistake.step in ("query", "body", "path") or base.comment in FEW:
                yield base, mistake
