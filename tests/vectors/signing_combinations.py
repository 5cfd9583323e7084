"""Requests laid out systematically: every awkward text in every place, every width of milliseconds, values that are no
text. `signing_cases` has those that were thought of one by one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from oracle import percent
from signing_cases import AWKWARD, BALANCE, ORDER, PENDING, RAW_IN_QUERIES, SUBACCOUNT, Request, get, post

Parameter = tuple[str, str | bool | tuple[str, ...] | None]

FRACTIONS = ("000", "001", "005", "009", "010", "050", "090", "099", "100", "500", "900", "999")


def moments() -> Iterator[Request]:
    """Every width that a careless writer gives to milliseconds, at four ends of a day."""
    for second in ("2026-01-01T00:00:00", "2026-02-28T23:59:59", "2027-12-31T23:59:59", "2028-02-29T00:00:00"):
        for fraction in FRACTIONS:
            moment = f"{second}.{fraction}Z"
            yield get(BALANCE, ("ccy", "BTC"), comment=f"At {moment}.", flags="time", timestamp=moment)


def untyped() -> Iterator[Request]:
    """Values that are no text: what has no value is not sent, booleans are the words of JSON."""

    def row(comment: str, flags: str, sent: str | None, *params: Parameter) -> Request:
        marks = (*flags.split(), "query" if sent is not None else "no-query")
        return Request("GET", PENDING, comment, marks, params, sent)

    yield row("One parameter without a value.", "null", None, ("ordType", None))
    yield row("Two parameters without a value.", "null", None, ("ordType", None), ("state", None))
    yield row("The first without a value.", "null", "instType=SWAP", ("ordType", None), ("instType", "SWAP"))
    yield row("The last without a value.", "null", "instType=SWAP", ("instType", "SWAP"), ("after", None))
    middle = (("uly", "BTC-USD"), ("ordType", None), ("limit", "5"))
    yield row("One in the middle without a value.", "null order", "uly=BTC-USD&limit=5", *middle)
    mixed = (("after", ""), ("before", None), ("limit", "5"))
    yield row("An empty one is sent, one without a value is not.", "null empty-value", "after=&limit=5", *mixed)
    yield row("The word null is a value.", "null", "ordType=null", ("ordType", "null"), ("state", None))
    yield row("A repeated name, once without a value.", "null", "ccy=BTC", ("ccy", None), ("ccy", "BTC"))
    yield row("True.", "boolean", "reduceOnly=true", ("reduceOnly", True))
    yield row("False.", "boolean", "reduceOnly=false", ("reduceOnly", False))
    both = (("enable", True), ("details", False), ("limit", "5"))
    yield row("Both.", "boolean order", "enable=true&details=false&limit=5", *both)
    yield row("A boolean and none.", "boolean null", "enable=false", ("enable", False), ("limit", None))
    yield row("The word True is a text.", "boolean", "enable=True", ("enable", "True"))


def _with_lists(params: tuple[Parameter, ...], way: str) -> str | None:
    """The query with lists written in one of the ways of `LIST_WAYS`."""
    comma = "," if way == "raw commas" else "%2C"
    pieces: list[str] = []
    for name, value in params:
        key = percent(name)
        if not isinstance(value, tuple):
            word = {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value
            pieces += [] if word is None else [f"{key}={percent(word)}"]
        elif way in ("commas", "raw commas"):
            pieces.append(f"{key}={comma.join(percent(item) for item in value)}")
        elif way == "JSON":
            quoted = [json.dumps(item, ensure_ascii=False) for item in value]
            pieces.append(f"{key}={percent('[' + ','.join(quoted) + ']')}")
        else:
            marks = {
                "repeated names": "",
                "brackets": "%5B%5D",
                "raw brackets": "[]",
                "numbered names": "%5B{}%5D",
            }[way]
            pieces += [f"{key}{marks.format(place)}={percent(item)}" for place, item in enumerate(value)]
    return "&".join(pieces) or None


LIST_WAYS = (
    ("commas", "encoding"),
    ("raw commas", "encoding encoding-raw"),
    ("repeated names", "repeated-name"),
    ("brackets", "repeated-name encoding"),
    ("raw brackets", "repeated-name encoding encoding-raw"),
    ("numbered names", "encoding"),
    ("JSON", "encoding"),
)
LISTS: tuple[tuple[str, str, tuple[Parameter, ...]], ...] = (
    ("A list of two", "", (("ccy", ("BTC", "ETH")),)),
    ("A list of one", "", (("ccy", ("BTC",)),)),
    ("A list of three, not sorted, one twice", "order", (("ccy", ("USDT", "BTC", "USDT")),)),
    ("A list between other parameters", "order", (("instType", "SWAP"), ("ccy", ("BTC", "ETH")), ("after", "1"))),
    ("Two lists", "order", (("state", ("live", "filled")), ("ccy", ("BTC", "ETH")))),
    ("A list and what has no value", "null", (("ccy", ("BTC", "ETH")), ("state", None))),
    ("A list and a boolean", "boolean", (("ccy", ("BTC", "ETH")), ("enable", True))),
    ("A list of texts with spaces", "encoding", (("subAcct", ("desk one", "desk two")),)),
    ("A list of texts with & = + # and /", "encoding", (("subAcct", ("a&b", "c=d", "e+f", "#", "/")),)),
    ("A list of texts with quotes and brackets", "encoding", (("subAcct", ("o'brien", 'say "x"', "a[0]")),)),
    ("A list of texts outside ASCII", "encoding unicode", (("subAcct", ("déjà", "账户一")),)),
    ("A list of numbers as text", "", (("ordId", ("1e-8", "12345678901234567890", "-0", "007")),)),
    ("A list of words", "", (("ccy", ("null", "true", "None")),)),
)


def lists() -> Iterator[Request]:
    """Lists of texts in every way that clients write them. The input is the same: no way is more right than another."""
    for comment, flags, params in LISTS:
        for way, marks in LIST_WAYS:
            query = _with_lists(params, way)
            every = tuple(dict.fromkeys(("list", "query", *flags.split(), *marks.split())))
            yield Request("GET", PENDING, f"{comment}, sent as {way}.", every, params, query)
    empty: tuple[Parameter, ...] = (("ccy", ()), ("limit", "5"))
    for query, comment in (
        ("limit=5", "An empty list that is not sent."),
        ("ccy=&limit=5", "An empty list sent as an empty value."),
        ("ccy=%5B%5D&limit=5", "An empty list sent as JSON."),
    ):
        yield Request("GET", PENDING, comment, ("list", "query"), empty, query)


def combined() -> Iterator[Request]:
    """Every awkward text in a parameter's name, beside another awkward value, and in a body in two renderings."""
    for place, (what, text) in enumerate(AWKWARD):
        other_what, other = AWKWARD[(place + 17) % len(AWKWARD)]
        flags = "encoding" if text.isascii() else "encoding unicode"
        both = "encoding order" if (text + other).isascii() else "encoding order unicode"
        yield get(PENDING, (text, "1"), comment=f"A name with {what}.", flags=flags)
        yield get(
            SUBACCOUNT,
            ("subAcct", text),
            ("limit", "5"),
            ("after", other),
            comment=f"A value with {what} and one with {other_what}.",
            flags=both,
        )
        yield get(
            SUBACCOUNT,
            ("subAcct", text),
            ("limit", "5"),
            ("after", other),
            query="&".join(
                (f"subAcct={percent(text, keep=RAW_IN_QUERIES)}", "limit=5", f"after={percent(other, plus=True)}")
            ),
            comment=f"A value with {what} sent raw where it may be, and one with {other_what} as forms write it.",
            flags=f"{both} encoding-raw encoding-plus",
        )
        yield get(
            SUBACCOUNT,
            ("subAcct", f"{text}{other}"),
            comment=f"One value with {what} and {other_what}.",
            flags="encoding" if (text + other).isascii() else "encoding unicode",
        )
        for ascii_only, note in ((True, "escaped"), (False, "as UTF-8")):
            body = json.dumps({"instId": "BTC-USDT", "tag": text}, separators=(",", ":"), ensure_ascii=ascii_only)
            marks = ("body" if text.isascii() else "body unicode") + ("" if ascii_only else " body-form")
            if ascii_only or not text.isascii():
                yield post(ORDER, body, f"A member with {what}, {note}.", marks)


def valid() -> Iterator[Request]:
    yield from combined()
    yield from moments()
    yield from untyped()
    yield from lists()
