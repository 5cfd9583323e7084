"""Texts to read, laid out systematically: every month, every width of milliseconds, numbers in every spelling, and
answers in every combination of codes.

The meanings of the answers are a table by hand (`KINDS`), not a rule that code shares.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from oracle import calendar, iso_ms, plain

Row = tuple[str, list[str], str, dict[str, Any], Any, str | None]
"""(operation, flags, comment, input, expectation, cause of a refusal)."""


def rows() -> Iterator[Row]:
    yield from _months()
    yield from _milliseconds()
    yield from _microseconds()
    yield from _headers()
    yield from _numbers()
    yield from _answers()


# ---- times ---------------------------------------------------------------------------------------------------------


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _starts() -> Iterator[int]:
    """Epoch seconds of the first second of each month from 2017 to 2037, by adding days."""
    days = sum(365 + _leap(year) for year in range(1970, 2017))
    for year in range(2017, 2038):
        for length in (31, 28 + _leap(year), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31):
            yield days * 86_400
            days += length


def _months() -> Iterator[Row]:
    for start in _starts():
        for moment in (start * 1000, start * 1000 - 1):
            text = {"ts": str(moment)}
            yield "parse_timestamp", ["time", "boundary"], calendar(moment // 1000), text, {"iso": iso_ms(moment)}, None


def _milliseconds() -> Iterator[Row]:
    base = 1_767_225_599_000
    for ms in (0, 1, 7, 9, 10, 70, 99, 100, 101, 500, 700, 990, 998, 999, 1000, 1001):
        for shift in (0, 86_400_000, 5_097_600_000, -28_800_000):
            moment = base + shift + ms
            yield (
                "parse_timestamp",
                ["time"],
                f"{moment % 1000} ms.",
                {"ts": str(moment)},
                {"iso": iso_ms(moment)},
                None,
            )


def _microseconds() -> Iterator[Row]:
    base = 1_748_617_662_000_000
    for us in (0, 1, 9, 10, 99, 100, 999, 1000, 1001, 9_999, 10_000, 99_999, 100_000, 500_000, 999_000, 999_999):
        for shift in (0, -1_000_000, 86_399_000_000, 31_536_000_000_000):
            moment = base + shift + us
            iso = f"{calendar(moment // 1_000_000)}.{moment % 1_000_000:06d}Z"
            yield "parse_epoch_us", ["microseconds"], iso, {"ts": str(moment)}, {"iso": iso}, None


def _headers() -> Iterator[Row]:
    spoilers = (
        ("No milliseconds.", lambda t: t[:-5] + "Z"), ("Two digits.", lambda t: t[:-2] + "Z"),
        ("Microseconds.", lambda t: t[:-1] + "000Z"), ("No Z.", lambda t: t[:-1]),
        ("An offset of zero.", lambda t: t[:-1] + "+00:00"), ("A space.", lambda t: t.replace("T", " ")),
        ("Lower case.", str.lower), ("A comma.", lambda t: t.replace(".", ",")),
        ("A space after it.", lambda t: t + " "),
        ("A quote around it.", lambda t: f'"{t}"'), ("An offset after Z.", lambda t: t + "+08:00"),
        ("Slashes in the date.", lambda t: t.replace("-", "/")),
    )  # fmt: skip
    for second in (1_767_225_599, 1_709_164_800, 2_147_483_648, 1_774_747_799):
        for ms in (0, 1, 10, 100, 700, 999):
            moment = second * 1000 + ms
            text = iso_ms(moment)
            good = {"epoch_ms": str(moment)}
            yield "header_timestamp", ["header"], "Well formed.", {"timestamp": text}, good, None
        for comment, spoil in spoilers:
            given = {"timestamp": spoil(iso_ms(second * 1000 + 715))}
            yield "header_timestamp", ["header", "rejected"], comment, given, None, "timestamp.format"


# ---- numbers -------------------------------------------------------------------------------------------------------


def _numbers() -> Iterator[Row]:
    mantissas = (
        "1",
        "5",
        "10",
        "0.1",
        "1.50",
        "123456789",
        "-7.25",
        "0.000001",
        "99999999999999999999",
        "9007199254740993",
    )
    for mantissa in mantissas:
        for suffix in ("", "e0", "e3", "E3", "e+3", "e-3", "E-08", "e12", "e-12", "e22"):
            text = mantissa + suffix
            flags = ["number", *(["exponent-input"] if suffix else [])]
            flags += ["many-digits"] if sum(c.isdigit() for c in mantissa) > 15 else []
            yield "parse_number", flags, "", {"text": text}, {"plain": plain(Fraction(text))}, None
        for form in (f"{mantissa} ", f" {mantissa}", f"{mantissa}%", f"${mantissa}", f"{mantissa}e", f"{mantissa}L"):
            comment = f"Not a number: {form!r}."
            yield "parse_number", ["number", "rejected"], comment, {"text": form}, None, "precision.number-format"


# ---- answers -------------------------------------------------------------------------------------------------------

# By code of the envelope and what the items say: a all pass, r all refused, m some of each.
KINDS = {
    ("0", "a"): "ok", ("0", "r"): "rejected", ("0", "m"): "partial",
    ("1", "a"): "ok", ("1", "r"): "rejected", ("1", "m"): "partial",
    ("2", "a"): "ok", ("2", "r"): "rejected", ("2", "m"): "partial",
}  # fmt: skip
FINAL = ("51000", "51001", "51008", "51016", "51020", "51121", "51155", "51400", "51603")
LATER = ("50011", "50061", "50013")
REFUSED = ("50100", "50101", "50103", "50105", "50110", "50111", "50112", "50113", "50114", "50119", "50120")


def _answer(status: int, body: str, comment: str, flags: list[str], meaning: dict[str, Any]) -> Row:
    given = {"status": status, "headers": {"Content-Type": "application/json"}, "body": body}
    expect = {"code": None, "items": [], "retryable": False, **meaning}
    return "parse_response", ["answer", *flags], comment, given, expect, None


def _body(code: str, items: list[str]) -> str:
    data = [{"ordId": "", "sCode": item, "sMsg": "" if item == "0" else "why"} for item in items]
    return json.dumps({"code": code, "msg": "", "data": data}, separators=(",", ":"))


def _answers() -> Iterator[Row]:
    for code in ("0", "1", "2"):
        for items in (
            *([a] for a in ("0", *FINAL[:4], *LATER)),
            *([a, b] for a in ("0", *FINAL[:3]) for b in ("0", *FINAL[:3])),
        ):
            refused = sum(item != "0" for item in items)
            letter = "a" if not refused else "r" if refused == len(items) else "m"
            kind = KINDS[code, letter]
            said = [{"code": item, "message": "" if item == "0" else "why"} for item in items]
            again = letter == "r" and set(items) <= set(LATER)
            yield _answer(
                200,
                _body(code, list(items)),
                f"Items {', '.join(items)} under code {code}.",
                ["items"],
                {"kind": kind, "code": code, "items": said, "retryable": again},
            )
    for code in (*FINAL, *REFUSED, "50004"):
        for status in (200, 400, 401):
            comment = f"Code {code} with status {status}: the code decides."
            whole = {"kind": "rejected", "code": code}
            yield _answer(status, json.dumps({"msg": "no", "code": code}), comment, ["no-data"], whole)
    for code in (*LATER, "50001"):
        for status in (200, 429, 503):
            comment = f"Code {code} with status {status}: later."
            whole = {"kind": "rejected", "code": code, "retryable": True}
            yield _answer(status, json.dumps({"msg": "later", "code": code}), comment, ["no-data"], whole)
