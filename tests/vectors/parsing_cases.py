"""Texts to read: times, numbers, header timestamps, answers.

Times come from `oracle.calendar`, numbers from fractions. What an answer means is written by hand from the rules of
the documentation: items decide, "" is absent, the status alone refuses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import parsing_walks
from oracle import calendar, iso_ms, plain

NOTE = (
    'parse_timestamp: epoch milliseconds to ISO-8601, "" is absent. parse_epoch_us: epoch microseconds. '
    "header_timestamp: whether a text has the form of OK-ACCESS-TIMESTAMP. parse_number: plain decimal text. "
    "parse_response: the meaning of an answer."
)
FLAGS = {
    "time": "A moment in epoch milliseconds.",
    "microseconds": "A moment in epoch microseconds.",
    "boundary": "A boundary of the calendar or of a number range.",
    "absent": "An empty text is absent, not zero.",
    "header": "The form of OK-ACCESS-TIMESTAMP.",
    "number": "A decimal number.",
    "many-digits": "More digits than a double holds.",
    "exponent-input": "Written with an exponent.",
    "rejected": "Not readable; an implementation says so.",
    "answer": "An answer of the REST API.",
    "items": "Elements with their own codes, which decide.",
    "no-data": "A refusal that carries only msg and code.",
    "edge": "Not an envelope: an edge, a gateway or a broken answer.",
}

Vector = dict[str, Any]


def vectors() -> list[Vector]:
    return [*_times(), *_microseconds(), *_headers(), *_numbers(), *_answers(), *_walked()]


def _walked() -> Iterator[Vector]:
    for op, flags, comment, given, expect, cause in parsing_walks.rows():
        yield _vector(op, flags, comment, given, expect, cause)


MOMENTS_MS = (
    0, 1, 999, 1000, 86_399_999, 86_400_000, 951_782_399_999, 951_782_400_000, 951_868_800_000, 978_307_199_999,
    1_000_000_000_000, 1_230_768_000_000, 1_483_228_799_999, 1_582_934_400_000, 1_609_459_200_000, 1_617_235_200_001,
    1_709_137_844_000, 1_709_164_800_000, 1_709_251_199_999, 1_709_251_200_000, 1_735_689_599_999, 1_748_617_662_056,
    1_767_225_600_000, 1_774_747_800_000, 1_795_361_598_371, 1_798_761_599_999, 2_147_483_647_999, 2_147_483_648_000,
    4_102_444_799_999, 4_107_542_399_999, 4_107_542_400_000, 4_294_967_295_999, 4_294_967_296_000, 9_007_199_254_740,
    9_999_999_999_999, 10_000_000_000_000, 13_569_465_600_000, 32_503_680_000_000, 253_402_300_799_999,
)  # fmt: skip


def _vector(op: str, flags: list[str], comment: str, given: Vector, expect: Any, cause: str | None = None) -> Vector:
    vector = {"op": op, "flags": flags, "valid": cause is None, "comment": comment, "input": given, "expect": expect}
    return vector if cause is None else vector | {"cause": cause}


def _times() -> Iterator[Vector]:
    for moment in MOMENTS_MS:
        edge = calendar(moment // 1000)
        flags = ["time", *(["boundary"] if edge.endswith(("00:00:00", "23:59:59")) else [])]
        yield _vector("parse_timestamp", flags, edge, {"ts": str(moment)}, {"iso": iso_ms(moment)})
    # a walk through the calendar that meets every month and both kinds of century year
    for step in range(60):
        moment = 1_582_930_799_000 + step * 8_765_432_101
        yield _vector(
            "parse_timestamp", ["time"], calendar(moment // 1000), {"ts": str(moment)}, {"iso": iso_ms(moment)}
        )
    yield _vector(
        "parse_timestamp", ["time"], "Leading zeros.", {"ts": "0001709137844000"}, {"iso": iso_ms(1709137844000)}
    )
    yield _vector("parse_timestamp", ["absent"], "Empty is absent.", {"ts": ""}, {"iso": None})
    for text in (
        "253402300800000", "1709137844.000", "1.7e12", "-1", "+1", " 1709137844000", "0x10", "1_000", "１２３",
        "abc", "2024-02-28T16:30:44.000Z", "NaN", "9" * 40,
    ):  # fmt: skip
        yield _vector(
            "parse_timestamp", ["rejected"], f"{text} is no epoch time.", {"ts": text}, None, "timestamp.format"
        )


def _microseconds() -> Iterator[Vector]:
    for moment in (0, 1, 999_999, 1_000_000, 1_748_617_662_056_837, 1_748_617_662_057_000, 253_402_300_799_999_999):
        iso = f"{calendar(moment // 1_000_000)}.{moment % 1_000_000:06d}Z"
        yield _vector("parse_epoch_us", ["microseconds"], iso, {"ts": str(moment)}, {"iso": iso})
    yield _vector("parse_epoch_us", ["microseconds", "absent"], "Empty is absent.", {"ts": ""}, {"iso": None})


def _headers() -> Iterator[Vector]:
    good = (0, 1_607_418_537_715, 1_709_164_800_000, 1_767_225_600_010, 1_767_225_600_100, 1_798_761_599_999)
    for moment in good:
        text = iso_ms(moment)
        yield _vector("header_timestamp", ["header"], "Well formed.", {"timestamp": text}, {"epoch_ms": str(moment)})
    bad = (
        ("1607418537", "Epoch seconds."), ("1607418537715", "Epoch milliseconds."), ("1607418537.715", "A fraction."),
        ("2020-12-08T09:08:57Z", "No milliseconds."), ("2020-12-08T09:08:57.7Z", "One digit."),
        ("2020-12-08T09:08:57.71Z", "Two digits."), ("2020-12-08T09:08:57.7150Z", "Four digits."),
        ("2020-12-08T09:08:57.715123Z", "Microseconds."), ("2020-12-08T09:08:57.715123456Z", "Nanoseconds."),
        ("2020-12-08T09:08:57.715", "No Z."), ("2020-12-08T09:08:57.715+00:00", "An offset of zero."),
        ("2020-12-08T17:08:57.715+08:00", "An offset."), ("2020-12-08T17:08:57.715+0800", "An offset without colon."),
        ("2020-12-08t09:08:57.715z", "Lower case."), ("2020-12-08 09:08:57.715Z", "A space."),
        ("2020-12-08T09:08:57,715Z", "A comma."), (" 2020-12-08T09:08:57.715Z", "A space before it."),
        ("2020-12-08T09:08:57.715Z\n", "A line feed after it."), ("2020-13-08T09:08:57.715Z", "Month 13."),
        ("2021-02-29T09:08:57.715Z", "A day that does not exist."), ("2020-12-08T24:00:00.000Z", "Hour 24."),
        ("2016-12-31T23:59:60.000Z", "A leap second."), ("20201208T090857.715Z", "The basic form."),
        ("2020-343T09:08:57.715Z", "An ordinal date."), ("Tue, 08 Dec 2020 09:08:57 GMT", "The HTTP form."),
        ("２０２０-12-08T09:08:57.715Z", "Full-width digits."), ("", "Empty."), ("null", "The text null."),
        ("0000-01-01T00:00:00.000Z", "The year 0."), ("2020-12-08T09:08:57.715ZZ", "Two Z."),
        ("12020-12-08T09:08:57.715Z", "A five-digit year."), ("2020-12-08T09:08.715Z", "No seconds."),
    )  # fmt: skip
    for text, comment in bad:
        yield _vector(
            "header_timestamp", ["header", "rejected"], comment, {"timestamp": text}, None, "timestamp.format"
        )


def _numbers() -> Iterator[Vector]:
    texts = (
        "0", "1", "-1", "0.1", "100.00", "0.000000000001", "100000000.0000000000000000", "00012.50", "-0", "0.0",
        "+5", ".5", "5.", "-.25", "9999999999", "-57693.044376796888536773622035980224609375",
        "123456789012345678901234567890.123456789",
        "1e-8", "1E-12", "1e22", "1.5e+3", "0e5", "0E-400", "12345e-3", "-1e-2", "1e0", "00e00",
    )  # fmt: skip
    for text in texts:
        flags = ["number"]
        flags += ["exponent-input"] if "e" in text.lower() else []
        flags += ["many-digits"] if sum(c.isdigit() for c in text) > 17 else []
        yield _vector("parse_number", flags, "", {"text": text}, {"plain": plain(Fraction(text))})
    for text in (
        "", " ", ".", "-", "+", "e", "1e", "1e+", "e1", "1.2.3", "1,5", "1,234.5", "1_0", " 1", "1 ", "1\n",
        "NaN", "nan", "Infinity", "-inf", "sNaN", "0x1", "1/2", "１", "٣", "½", "1e999999999", "1e-999999999",
        "--1", "+-1", "1d", "null", "1" * 401,
    ):  # fmt: skip
        shown = text if len(text) < 40 else f"{len(text)} digits"
        yield _vector(
            "parse_number",
            ["number", "rejected"],
            f"Not a number: {shown!r}.",
            {"text": text},
            None,
            "precision.number-format",
        )


def _answer(status: int, body: str, kind: str, comment: str, flags: str, **expect: Any) -> Vector:
    headers = {"Content-Type": expect.pop("content_type", "application/json")}
    meaning = {"kind": kind, "code": None, "items": [], "retryable": False, **expect}
    return _vector(
        "parse_response", flags.split(), comment, {"status": status, "headers": headers, "body": body}, meaning
    )


def _item(code: str, message: str = "") -> dict[str, str]:
    return {"code": code, "message": message}


def _answers() -> Iterator[Vector]:
    yield _answer(
        200, '{"code":"0","msg":"","data":[{"ts":"1597026383085"}]}', "ok", "Server time.", "answer", code="0"
    )
    yield _answer(200, '{"data":[],"msg":"","code":"0"}', "ok", "Names in another order, no rows.", "answer", code="0")
    yield _answer(200, ' {"code": "0", "msg": "", "data": []}\n', "ok", "White space around it.", "answer", code="0")
    order = (
        '{"code":"0","data":[{"clOrdId":"b15","ordId":"312","sCode":"0","sMsg":"","tag":"","ts":"1"}],'
        '"inTime":"1748617662056837","msg":"","outTime":"1748617662058171"}'
    )
    yield _answer(200, order, "ok", "An accepted order.", "answer items", code="0", items=[_item("0")])
    lot = (
        '{"code":"1","data":[{"clOrdId":"","ordId":"","sCode":"51121","sMsg":"Off lot","tag":"","ts":"1"}],'
        '"msg":"All operations failed"}'
    )
    yield _answer(
        200,
        lot,
        "rejected",
        "An order refused by its item.",
        "answer items",
        code="1",
        items=[_item("51121", "Off lot")],
    )
    hidden = '{"code":"0","data":[{"algoId":"","sCode":"51000","sMsg":"Bad"}],"msg":""}'
    yield _answer(
        200,
        hidden,
        "rejected",
        "Refused under code 0: the item decides.",
        "answer items",
        code="0",
        items=[_item("51000", "Bad")],
    )
    mixed = '{"code":"2","data":[{"sCode":"0","sMsg":""},{"sCode":"51008","sMsg":"Funds"}],"msg":""}'
    yield _answer(
        200, mixed, "partial", "One of two.", "answer items", code="2", items=[_item("0"), _item("51008", "Funds")]
    )
    mixed0 = mixed.replace('"code":"2"', '"code":"0"')
    yield _answer(
        200,
        mixed0,
        "partial",
        "One of two, under code 0.",
        "answer items",
        code="0",
        items=[_item("0"), _item("51008", "Funds")],
    )
    mixed1 = mixed.replace('"code":"2"', '"code":"1"')
    yield _answer(
        200,
        mixed1,
        "partial",
        "One of two, under code 1.",
        "answer items",
        code="1",
        items=[_item("0"), _item("51008", "Funds")],
    )
    both = '{"code":"1","data":[{"sCode":"51008","sMsg":"a"},{"sCode":"51020","sMsg":"b"}],"msg":""}'
    yield _answer(
        200,
        both,
        "rejected",
        "Both refused.",
        "answer items",
        code="1",
        items=[_item("51008", "a"), _item("51020", "b")],
    )
    fine2 = '{"code":"2","data":[{"sCode":"0"},{"sCode":"0"}],"msg":""}'
    yield _answer(
        200, fine2, "ok", "Code 2, yet every item passed.", "answer items", code="2", items=[_item("0"), _item("0")]
    )
    yield _answer(
        200,
        '{"code":"0","data":[{"sCode":"","sMsg":""}],"msg":""}',
        "ok",
        "An empty sCode is absent.",
        "answer absent",
        code="0",
    )
    yield _answer(
        200,
        '{"code":"1","data":[{"sCode":"","sMsg":""}],"msg":""}',
        "rejected",
        "An empty sCode is not zero.",
        "answer absent",
        code="1",
    )
    yield _answer(
        200, '{"code":"0","data":[{"sCode":null}],"msg":""}', "ok", "A null sCode is absent.", "answer absent", code="0"
    )
    half = '{"code":"1","data":[{"sCode":""},{"sCode":"51008"}],"msg":""}'
    yield _answer(
        200,
        half,
        "rejected",
        "An absent code follows the envelope.",
        "answer items absent",
        code="1",
        items=[_item(""), _item("51008")],
    )
    yield _answer(200, '{"code":"1","data":[],"msg":"x"}', "rejected", "Code 1 without items.", "answer", code="1")
    yield _answer(200, '{"code":"2","data":[],"msg":"x"}', "partial", "Code 2 without items.", "answer", code="2")
    yield _answer(
        200,
        '{"code":"51001","msg":"No such instrument","data":[]}',
        "rejected",
        "A business refusal.",
        "answer",
        code="51001",
    )
    for code in ("50102", "50103", "50105", "50110", "50111", "50112", "50113", "50119", "50120"):
        body = f'{{"msg":"refused","code":"{code}"}}'
        yield _answer(401, body, "rejected", "An authentication refusal.", "answer no-data", code=code)
    yield _answer(
        429,
        '{"msg":"Too Many Requests","code":"50011"}',
        "rejected",
        "Over the limit.",
        "answer no-data",
        code="50011",
        retryable=True,
    )
    yield _answer(
        200,
        '{"code":"50011","msg":"","data":[]}',
        "rejected",
        "Over the limit, under HTTP 200.",
        "answer",
        code="50011",
        retryable=True,
    )
    yield _answer(
        200,
        '{"code":"50061","msg":"","data":[]}',
        "rejected",
        "Over the order cap.",
        "answer",
        code="50061",
        retryable=True,
    )
    yield _answer(
        429,
        '{"msg":"Systems are busy.","code":"50013"}',
        "rejected",
        "Overload.",
        "answer no-data",
        code="50013",
        retryable=True,
    )
    yield _answer(
        503,
        '{"msg":"Later.","code":"50001"}',
        "rejected",
        "Maintenance.",
        "answer no-data",
        code="50001",
        retryable=True,
    )
    yield _answer(
        400,
        '{"msg":"Timeout","code":"50004"}',
        "rejected",
        "Outcome unknown: not simply to be repeated.",
        "answer no-data",
        code="50004",
    )
    yield _answer(
        405,
        '{"msg":"Invalid request method","code":"50115"}',
        "rejected",
        "The wrong verb.",
        "answer no-data",
        code="50115",
    )
    throttled = '{"code":"1","data":[{"sCode":"50011"},{"sCode":"50011"}],"msg":""}'
    yield _answer(
        200,
        throttled,
        "rejected",
        "Every item throttled.",
        "answer items",
        code="1",
        items=[_item("50011")] * 2,
        retryable=True,
    )
    partly = '{"code":"1","data":[{"sCode":"50011"},{"sCode":"51008"}],"msg":""}'
    yield _answer(
        200,
        partly,
        "rejected",
        "One throttled, one refused for good.",
        "answer items",
        code="1",
        items=[_item("50011"), _item("51008")],
    )
    yield _answer(403, "<html>Access denied</html>", "http", "A CDN refusal.", "edge", content_type="text/html")
    yield _answer(
        525,
        "<!DOCTYPE html><title>525</title>",
        "http",
        "The CDN cannot agree on TLS with the origin.",
        "edge",
        content_type="text/html",
        retryable=True,
    )
    yield _answer(
        502, "", "http", "A gateway without a body: the request may have arrived.", "edge", content_type="text/plain"
    )
    yield _answer(
        503, "upstream unavailable", "http", "A gateway says later.", "edge", content_type="text/plain", retryable=True
    )
    yield _answer(429, "slow down", "http", "A limit of the edge.", "edge", content_type="text/plain", retryable=True)
    yield _answer(404, '{"error":"not found"}', "http", "JSON, but no envelope.", "edge")
    yield _answer(302, "", "http", "A redirect.", "edge", content_type="text/html")
    yield _answer(451, "unavailable", "http", "Not available in this region.", "edge", content_type="text/plain")
    for body, comment in (
        ("", "Empty."), ("   ", "White space."), ("<html>sign in</html>", "A portal's page."),
        ('{"code":"0","da', "Cut in a name."),
        ('{"code":"0","msg":"","data":[', "Cut in a list."),
        ('{"code":"0","msg":"","data":[]', "Cut before the last brace."),
        ("null", "null."), ("[]", "A list."), ('"0"', "A string."), ("0", "A number."), ("{}", "An empty object."),
        ('{"code":null}', "A null code."), ('{"code":"","msg":"","data":[]}', "An empty code is absent, not zero."),
        ('{"code":true}', "A boolean code."), ('{"code":"0","data":[NaN]}', "NaN is not JSON."),
        ("{'code':'0'}", "Single quotes."),
        ('{"code":"0",}', "A comma too many."), ('\ufeff{"code":"0","data":[]}', "A byte order mark."),
        ('{"code":"0","code":"50113"}', "The code twice."), ("[" * 5000, "Five thousand brackets."),
        ('{"code":"0"}{"code":"0"}', "Two documents."), ('{"code":"0","data":"\t"}', "A raw tab in a string."),
    ):  # fmt: skip
        yield _answer(200, body, "not_json", comment, "edge")
    big = '{"code":"0","msg":"","data":[{"n":12345678901234567890123456789,"d":0.1000000000000000055511151231257827}]}'
    yield _answer(200, big, "ok", "Numbers beyond a double.", "answer many-digits", code="0")
