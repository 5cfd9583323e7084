"""WebSocket logins: good ones, and the mistakes that clients make in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from oracle import iso_ms
from signing_cases import DOCS_SECRET, KEY, OTHER_SECRET, PASSPHRASE, SECRETS
from signing_mistakes import Mistake, Signing

PATH = "/users/self/verify"
FLAGS = {
    "okx-docs-example-secret": "Signs with the example secret of OKX's documentation.",
    "canonical": "The login argument is exactly what okxdoctor's own builder writes.",
    "time": "A moment at a boundary.",
    "secret": "A secret of unusual form. It is used as the bytes of its text.",
    "passphrase": "A passphrase that JSON or a shell could alter. It is sent, not signed.",
    "lenient-form": "Not the documented form, but observed to be accepted: signed as it is sent.",
    "must-fail": "What a client with one mistake sends. The exchange refuses it; `cause` names the mistake.",
}


@dataclass(frozen=True)
class Login:
    comment: str
    flags: tuple[str, ...]
    timestamp: str
    secret: str = DOCS_SECRET
    key: str = KEY
    passphrase: str = PASSPHRASE
    published_sign: str | None = None
    source: str | None = None


def valid() -> Iterator[Login]:
    yield Login(
        "The moment of a published table.", ("okx-docs-example-secret", "canonical"), "1704876947",
        published_sign="5/36BgGV6m/6pmdc20zdqk0mzF5ZalmzzPD2fo3wavU=",
    )  # fmt: skip
    moments = (
        (1_000_000_000, "The first second with ten digits."), (1_600_000_000, "A round number."),
        (1_607_418_537, "The second of the documentation's REST example."), (1_735_689_599, "The last second of 2024."),
        (1_735_689_600, "The first second of 2025."), (1_709_164_800, "A leap day."),
        (1_767_225_600, "The first second of 2026."),
        (2_147_483_647, "The last second of 31 bits."), (2_147_483_648, "The first second beyond 31 bits."),
        (4_294_967_296, "The first second beyond 32 bits."), (9_999_999_999, "The last second with ten digits."),
    )  # fmt: skip
    for second, comment in moments:
        yield Login(comment, ("time", "canonical"), str(second))
        yield Login(f"{comment} Another secret.", ("time", "canonical"), str(second), secret=OTHER_SECRET)
    for secret, comment in SECRETS:
        yield Login(comment, ("secret", "canonical"), "1767225600", secret=secret)
    for passphrase in ('quote"d', "back\\slash", "dollar$sign", "hash#sign", "spa ce", "é", "🚀", "a'b", "Aa1!" * 8):
        yield Login("A passphrase with a trap.", ("passphrase", "canonical"), "1767225600", passphrase=passphrase)
    for text in ("1767225600.123", "1767225600.0", "1767225600.123456"):
        yield Login("Fractional seconds, signed as they are sent.", ("lenient-form",), text)


def right_signing(login: Login) -> Signing:
    return Signing(
        header=login.timestamp,
        timestamp=login.timestamp,
        method="GET",
        request_path=PATH,
        body="",
        key=login.secret.encode(),
    )


def mistakes(second: int) -> Iterator[Mistake]:
    def template(step: str, wrong: str, right: str, **changes: str) -> Mistake:
        return Mistake("signature.ws-template", step, wrong, right, lambda signing: replace(signing, **changes))  # type: ignore[arg-type]

    yield template("path", "with /api/v5 before it", PATH, request_path="/api/v5" + PATH)
    yield template("path", "with a slash after it", PATH, request_path=PATH + "/")
    yield template("path", "without the first slash", PATH, request_path=PATH[1:])
    yield template("path", "/ws/v5/private", PATH, request_path="/ws/v5/private")
    yield template("path", "left out", PATH, request_path="")
    yield template("method", "POST", "GET", method="POST")
    yield template("method", "get", "GET", method="get")
    yield template("method", "left out", "GET", method="")
    yield template("body", "{}", "nothing", body="{}")
    yield template("timestamp", "milliseconds signed", "seconds", timestamp=f"{second}000")
    yield template("timestamp", "ISO-8601 signed", "seconds", timestamp=iso_ms(second * 1000))
    yield template("timestamp", "the next second signed", "the second sent", timestamp=str(second + 1))
    yield template("timestamp", "with a fraction signed", "the seconds sent", timestamp=f"{second}.0")
    for wrong, text in (
        ("milliseconds", f"{second}000"), ("microseconds", f"{second}000000"), ("ISO-8601", iso_ms(second * 1000)),
    ):  # fmt: skip
        yield Mistake(
            "timestamp.format", "timestamp", f"{wrong} sent and signed", "seconds",
            lambda signing, text=text: replace(signing, header=text, timestamp=text),  # type: ignore[misc]
        )  # fmt: skip
