"""Readings of times and answers with one mistake each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mutant import Function, Mutant


def _time(name: str, code: str, mistake: str, source: str, read: Callable[[str, Function], Any]) -> Mutant:
    def make(right: Mapping[str, Function]) -> Function:
        return lambda ts: read(ts, right["parse_timestamp"])

    return Mutant(name=name, op="parse_timestamp", make=make, code=f"timestamp.{code}", mistake=mistake, source=source)


def _valid(ts: str) -> bool:
    return ts.isascii() and ts.isdigit() and int(ts) < 32_503_680_000_000


TIMES = [
    _time(
        "microseconds assumed",
        "misread",
        "milliseconds read as microseconds",
        "FF-122",
        lambda ts, right: right(ts and str(int(ts) // 1000) if _valid(ts) else ts),
    ),
    _time(
        "milliseconds cut",
        "misread",
        "milliseconds are cut off",
        "FF-122",
        lambda ts, right: right(str(int(ts) // 1000 * 1000) if _valid(ts) else ts),
    ),
    _time(
        "local time",
        "misread",
        "local time instead of UTC",
        "FF-043",
        lambda ts, right: right(str(int(ts) + 8 * 3_600_000) if _valid(ts) else ts),
    ),
    _time(
        "isoformat()",
        "format",
        "milliseconds are missing",
        "FF-046",
        lambda ts, right: right(ts).replace(".000Z", "Z") if _valid(ts) else right(ts),
    ),
    _time(
        "absent is 1970", "misread", "an absent time is read as a time", "FF-119", lambda ts, right: right(ts or "0")
    ),
    _time(
        "unpadded milliseconds",
        "format",
        "milliseconds without their zeros",
        "FF-036",
        lambda ts, right: right(ts).replace(".00", ".").replace(".0", ".") if _valid(ts) else right(ts),
    ),
    _time("no Z", "format", "Z is missing", "FF-046", lambda ts, right: right(ts)[:-1] if _valid(ts) else right(ts)),
]


def _answer(
    name: str, code: str, mistake: str, source: str, change: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]
) -> Mutant:
    def make(right: Mapping[str, Function]) -> Function:
        return lambda **given: change(dict(right["parse_response"](**given)), given)

    return Mutant(name=name, op="parse_response", make=make, code=f"answer.{code}", mistake=mistake, source=source)


def _envelope_only(made: dict[str, Any], _given: Any) -> dict[str, Any]:
    kinds = {"0": "ok", "1": "rejected", "2": "partial"}
    return {**made, "kind": kinds[made["code"]]} if made["code"] in kinds else made


def _repeat(*codes: str) -> Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]:
    return lambda made, _: {**made, "retryable": made["retryable"] or made["code"] in codes}


ANSWERS = [
    _answer("envelope alone", "items-ignored", "the codes of the items are not what decides", "FF-110", _envelope_only),
    _answer(
        "items dropped",
        "items-ignored",
        "the codes of the items are lost",
        "FF-110",
        lambda made, _: {**made, "items": []},
    ),
    _answer(
        "first item only",
        "items-ignored",
        "some items are lost",
        "FF-110",
        lambda made, _: {**made, "items": made["items"][:1]},
    ),
    _answer(
        "empty code is zero",
        "items-ignored",
        "an empty item code is read as zero",
        "FF-119",
        lambda made, _: {**made, "items": [{**item, "code": item["code"] or "0"} for item in made["items"]]},
    ),
    _answer(
        "messages lost",
        "items-ignored",
        "the message of an item is lost",
        "FF-076",
        lambda made, _: {**made, "items": [{**item, "message": ""} for item in made["items"]]},
    ),
    _answer(
        "raises on the status",
        "kind-misread",
        "rejected is read as http",
        "FF-076",
        lambda made, given: (
            made
            if given["status"] < 400 or made["kind"] != "rejected" or made["items"] or made["code"] in ("0", "1", "2")
            else {"kind": "http", "code": None, "items": [], "retryable": False}
        ),
    ),
    _answer(
        "2 is a refusal",
        "code-misread",
        "code 2 is read as rejected",
        "FF-110",
        lambda made, _: {**made, "kind": "rejected"} if made["code"] == "2" and not made["items"] else made,
    ),
    _answer(
        "code as a number",
        "code-misread",
        "the code is no text",
        "FF-086",
        lambda made, _: {**made, "code": made["code"] and int(made["code"])},
    ),
    _answer(
        "code hidden",
        "code-misread",
        "the code is lost",
        "FF-076",
        lambda made, _: {**made, "code": None if made["kind"] == "rejected" else made["code"]},
    ),
    _answer(
        "pages are answers",
        "kind-misread",
        "not_json is read as ok",
        "FF-074",
        lambda made, _: {**made, "kind": "ok"} if made["kind"] == "not_json" else made,
    ),
    _answer(
        "50113 tried again", "retry-misjudged", "a final refusal is repeated", "FF-028 (facts §9)", _repeat("50113")
    ),
    _answer(
        "timeouts tried again",
        "retry-misjudged",
        "an unknown outcome is repeated: the order may stand",
        "FF-144",
        _repeat("50004"),
    ),
    _answer(
        "throttling is final",
        "retry-misjudged",
        "a refusal that passes by itself is taken as final",
        "FF-080",
        lambda made, _: {**made, "retryable": False},
    ),
    _answer(
        "batches sent again",
        "retry-misjudged",
        "a partly accepted batch is repeated as a whole",
        "FF-110",
        lambda made, _: {**made, "retryable": made["retryable"] or made["kind"] == "partial"},
    ),
]
