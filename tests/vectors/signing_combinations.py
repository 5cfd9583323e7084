"""Requests laid out systematically: every awkward text in every place, every width of milliseconds, values that are no
text. `signing_cases` has those that were thought of one by one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from oracle import percent
from signing_cases import AWKWARD, BALANCE, ORDER, PENDING, RAW_IN_QUERIES, SUBACCOUNT, Request, get, post

FRACTIONS = ("000", "001", "005", "009", "010", "050", "090", "099", "100", "500", "900", "999")


def moments() -> Iterator[Request]:
    """Every width that a careless writer gives to milliseconds, at four ends of a day."""
    for second in ("2026-01-01T00:00:00", "2026-02-28T23:59:59", "2027-12-31T23:59:59", "2028-02-29T00:00:00"):
        for fraction in FRACTIONS:
            moment = f"{second}.{fraction}Z"
            yield get(BALANCE, ("ccy", "BTC"), comment=f"At {moment}.", flags="time", timestamp=moment)


def untyped() -> Iterator[Request]:
    """Values that are no text: what has no value is not sent, booleans are the words of JSON."""

    def row(comment: str, flags: str, sent: str | None, *params: tuple[str, str | bool | None]) -> Request:
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
