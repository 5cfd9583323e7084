"""What is said of a wrong reading of an answer: the requirement it breaks, and the mistake in words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from okxdoctor.conformance.judges.answers import CODE, ITEMS, KIND, RETRY, judge


def given(status: int, body: object) -> dict[str, Any]:
    return {"status": status, "headers": [], "body": body if isinstance(body, str) else json.dumps(body)}


def reading(kind: str, code: str | None, *items: tuple[Any, str], retryable: bool = False, **more: Any) -> Any:
    rows = [{"code": item, "message": message} for item, message in items]
    return {"kind": kind, "code": code, "items": rows, "retryable": retryable, **more}


def rows(*items: tuple[str, str]) -> list[dict[str, str]]:
    return [{"ordId": "", "sCode": code, "sMsg": message} for code, message in items]


OK = given(200, {"code": "0", "msg": "", "data": [{"ts": "1"}]})
PLACED = given(200, {"code": "0", "msg": "", "data": rows(("0", ""))})
REFUSED = given(200, {"code": "1", "msg": "", "data": rows(("51008", "no funds"))})
HALF = given(200, {"code": "2", "msg": "", "data": rows(("0", ""), ("51008", "no funds"))})
EMPTY = given(200, {"code": "1", "msg": "", "data": rows(("", "?"), ("51008", "no funds"))})
LIMIT = given(429, {"code": "50011", "msg": "Too Many Requests"})
UNKNOWN = given(500, {"code": "50004", "msg": "timeout"})
SIGN = given(401, {"code": "50113", "msg": "Invalid Sign"})
LOST, PAGE, BUSY = given(200, "<html>"), given(403, "<html>"), given(503, "")


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        (OK, reading("ok", "0")), (OK, reading("ok", "0", ("", ""))), (OK, reading("ok", "0", (None, ""))),
        (PLACED, reading("ok", "0", ("0", ""))), (REFUSED, reading("rejected", "1", ("51008", "no funds"))),
        (HALF, reading("partial", "2", ("0", ""), ("51008", "no funds"))),
        (LIMIT, reading("rejected", "50011", retryable=True)), (UNKNOWN, reading("rejected", "50004")),
        (LOST, reading("not_json", None)), (LOST, reading("not_json", "")), (PAGE, reading("http", None)),
        (BUSY, reading("http", None, retryable=True)),
        (given(502, "<html>"), reading("http", None, retryable=True)),  # nothing settles whether that is repeated
        (given(502, "<html>"), reading("http", None)),
    ],
)  # fmt: skip
def test_a_right_reading(answer: dict[str, Any], value: Any) -> None:
    assert judge(answer, value) is None


@pytest.mark.parametrize(
    ("answer", "value", "code", "mistake"),
    [
        (PAGE, reading("not_json", None), KIND, "http is read as not_json"),
        (SIGN, reading("http", "50113"), KIND, "rejected is read as http"),
        (OK, reading("rejected", "0"), CODE, "code 0 is read as rejected"),
        (HALF, reading("ok", "2", ("0", ""), ("51008", "no funds")), ITEMS,
         "the codes of the items are not what decides"),
        (SIGN, reading("rejected", ""), CODE, "the code is lost"),
        (SIGN, reading("rejected", None), CODE, "the code is lost"),
        (SIGN, reading("rejected", "50111"), CODE, "the code is another one"),
        (SIGN, reading("rejected", None) | {"code": 50113}, CODE, "the code is no text"),
        (SIGN, reading("rejected", None) | {"code": 50111}, CODE, "the code is another one"),
        (PAGE, reading("http", "403"), CODE, "a code is made up"),
        (REFUSED, reading("rejected", "1"), ITEMS, "the codes of the items are lost"),
        (EMPTY, reading("rejected", "1", ("0", "?"), ("51008", "no funds")), ITEMS,
         "an empty item code is read as zero"),
        (EMPTY, reading("rejected", "1", (0, "?"), ("51008", "no funds")), ITEMS,
         "an empty item code is read as zero"),
        (SIGN, reading("rejected", "50113", ("50113", "Invalid Sign")), ITEMS,
         "codes are made up for items that have none"),
        (HALF, reading("partial", "2", ("51008", "no funds")), ITEMS, "some items are lost"),
        (REFUSED, reading("rejected", "1", ("51008", "")), ITEMS, "the message of an item is lost"),
        (REFUSED, reading("rejected", "1", ("51000", "no funds")), ITEMS, "the code of an item is another one"),
        (LIMIT, reading("rejected", "50011"), RETRY, "a refusal that passes by itself is taken as final"),
        (BUSY, reading("http", None), RETRY, "a refusal that passes by itself is taken as final"),
        (LOST, reading("not_json", None, retryable=True), RETRY,
         "an answer that was lost is repeated: the order may stand"),
        (HALF, reading("partial", "2", ("0", ""), ("51008", "no funds"), retryable=True), RETRY,
         "a partly accepted batch is repeated as a whole"),
        (OK, reading("ok", "0", retryable=True), RETRY, "an accepted request is repeated"),
        (UNKNOWN, reading("rejected", "50004", retryable=True), RETRY,
         "an unknown outcome is repeated: the order may stand"),
        (SIGN, reading("rejected", "50113", retryable=True), RETRY, "a final refusal is repeated"),
        (PAGE, reading("http", None, retryable=True), RETRY, "a final refusal is repeated"),
    ],
)  # fmt: skip
def test_a_wrong_reading_is_named_by_its_first_mistake(
    answer: dict[str, Any], value: Any, code: str, mistake: str
) -> None:
    found = judge(answer, value)
    assert found is not None
    assert (found.code, found.mistake, found.level) == (code, mistake, "must")


@pytest.mark.parametrize(
    "value",
    [
        None, [], "ok", {}, {"kind": "ok"}, reading("good", "0"), reading("ok", "0") | {"retryable": "no"},
        reading("ok", "0") | {"items": None}, reading("ok", "0") | {"items": ["0"]},
        {name: each for name, each in reading("ok", "0").items() if name != "code"},
    ],
)  # fmt: skip
def test_a_reply_of_another_form_is_no_reading(value: Any) -> None:
    found = judge(OK, value)
    assert found is not None
    assert found.code not in (ITEMS, CODE, KIND, RETRY)


@pytest.mark.parametrize("body", ['{"code":"0","code":"1","data":[]}', '{"code":"0","data":[NaN]}'])
def test_where_parsers_may_differ_it_is_a_should(body: str) -> None:
    found = judge(given(200, body), reading("ok", "0"))
    assert found is not None
    assert found.level == "should"
