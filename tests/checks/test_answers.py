"""Reading answers for the checks: what counts as the API's word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from okxdoctor.port import Answer, Failure
from okxdoctor_checks._answers import broken_off, line, read, rows, standing_in_the_way

GOOD = '{"code":"0","data":[{"uid":"1"}],"msg":""}'


def answer(body: str, status: int = 200) -> Answer:
    return Answer(method="GET", path="/api/v5/account/config", url="", status=status, body=body)


def test_an_envelope_is_the_api() -> None:
    assert read(answer(GOOD)).kind == "ok"
    assert rows(answer(GOOD)) == ({"uid": "1"},)


@pytest.mark.parametrize("body", ["", "<html>", GOOD[:20], '{"code":"0","data":[{"note":"caf\ufffd"}],"msg":""}'])
def test_anything_else_is_left_to_the_http_check(body: str) -> None:
    reply = read(answer(body))
    assert reply.kind == "not-json"
    assert rows(answer(body)) == ()
    skip = standing_in_the_way(reply, "openapi.okx.com")
    assert skip is not None
    assert skip.layer == "http"


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ('{"code":"50113","msg":"Invalid Sign"}', 401, "HTTP 401, code 50113 (Invalid Sign)"),
        ('{"code":"50113","msg":"","data":[]}', 401, "HTTP 401, code 50113"),
        ("<html>", 502, "HTTP 502 without an answer of the API"),
    ],
)
def test_what_an_answer_said(body: str, status: int, told: str) -> None:
    assert read(answer(body, status)).said == told


def test_a_failure_is_told_as_one() -> None:
    lost = replace(answer(""), status=None, failure=Failure(kind="timeout", phase="connect", detail=""))
    assert read(lost).said.startswith("no answer (")
    assert "connect" in read(lost).said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", ""), ("ten chars.", "ten chars."), ("eleven char", "eleven ch…"), ("a\tb\n\x07 c ", "a b c"),
        ("nine char x", "nine char…"), (" " * 19 + "abc", "a…"), ("a" + " " * 30, "a"), ("a" + " " * 30 + "b", "a…"),
    ],
)  # fmt: skip
def test_a_strangers_text_is_one_line_that_says_where_it_was_cut(words: str, told: str) -> None:
    assert line(words, 10) == told


@pytest.mark.parametrize(
    ("kind", "phase", "told"),
    [
        ("timeout", "connect", "nothing came in time, connecting"), ("refused", "connect", "refused"),
        ("reset", "first-byte", "reset, waiting for the answer"), ("dns", "resolve", "the name does not resolve"),
        ("proxy", "connect", "the proxy gives no way"), ("other", "nowhere", "broken off"),
    ],
)  # fmt: skip
def test_a_failure_says_where_unless_its_kind_does(kind: Any, phase: str, told: str) -> None:
    assert broken_off(Failure(kind=kind, phase=phase, detail="")) == told
