"""Files of orders: JSON, JSON Lines and CSV are read as they stand; what is none of them is refused with its line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.okx.order_files import MOST_ORDERS, OrderFileProblem, read_orders

ONE = '{"instId":"BTC-USDT","px":"1.10","sz":1e-3}'


def lines(content: str | bytes) -> list[tuple[int, str]]:
    raw = content if isinstance(content, bytes) else content.encode()
    return [(draft.line, draft.wire) for draft in read_orders(raw, "f")]


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (ONE, [(1, ONE)]),
        (f"\n[\n  {ONE},\n  {ONE}\n]\n", [(3, ONE), (4, ONE)]),
        (f"{ONE}\n\n{ONE}\n", [(1, ONE), (3, ONE)]),
        (f"\ufeff{ONE}", [(1, ONE)]),
        ('{\n "instId": "A"\n}\n{"b": 1}', [(1, '{\n "instId": "A"\n}'), (4, '{"b": 1}')]),
        (f'{{"id":"1",\n"op":"batch-orders","args":\n[{ONE},\n{ONE}],"x":{{"args":[]}}}}\n{ONE}',
         [(3, ONE), (4, ONE), (5, ONE)]),
        ('{"op":"order","args":"none"}', [(1, '{"op":"order","args":"none"}')]),
        ('{"args":[{"a":1}]}', [(1, '{"args":[{"a":1}]}')]),
    ],
)  # fmt: skip
def test_json_keeps_the_text_of_each_order(content: str, wanted: list[tuple[int, str]]) -> None:
    assert lines(content) == wanted


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("instId,side,px\nBTC-USDT,buy,1.10\n\nETH-USDT,sell,\n",
         [(2, {"instId": "BTC-USDT", "side": "buy", "px": "1.10"}), (4, {"instId": "ETH-USDT", "side": "sell"})]),
        ("instId;px\r\nBTC-USDT;1,5\r\n", [(2, {"instId": "BTC-USDT", "px": "1,5"})]),
        ("instId\tpx\nBTC-USDT\t1.5\n", [(2, {"instId": "BTC-USDT", "px": "1.5"})]),
        ('instId, price\n"BTC-USDT", "1,000"\n'.replace(", ", ","), [(2, {"instId": "BTC-USDT", "price": "1,000"})]),
        ("symbol,qty\nBTC,1\n", [(2, {"symbol": "BTC", "qty": "1"})]),
    ],
)  # fmt: skip
def test_csv_becomes_texts_and_empty_cells_are_left_out(content: str, wanted: list[tuple[int, object]]) -> None:
    assert [(line, json.loads(wire)) for line, wire in lines(content)] == wanted


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        ("", 0, "holds no order"),
        ("[]", 0, "holds no order"),
        ("instId,side\n", 0, "holds no order"),
        ("some notes\nabout orders\n", 1, "neither JSON nor CSV"),
        (f"{ONE}\n{ONE[:-1]}\n", 2, "not closed"),
        (f"{ONE}\n{{'a': 1}}\n", 2, "not JSON"),
        (f"[{ONE}\n{ONE}]", 2, "comma"),
        (f"[{ONE},]", 1, "must be a JSON object"),
        (f"[{ONE}]\n\nx", 3, "something follows"),
        ('["a"]', 1, "must be a JSON object"),
        ('[{"px":"1",\n"px":"2"}]', 1, "same name twice"),
        ("instId,side\nBTC,buy,1\n", 2, "3 cells under 2 names"),
        ("instId,instId\nA,B\n", 1, "twice"),
        ('instId,side\n"A,buy\n', 2, "no CSV"),
        (b"instId,side\nBTC,\xff\n", 2, "not UTF-8"),
        (b"instId\x00", 1, "no text"),
        ('{"a":' * 100, 1, "not closed"),
        ('{"a":' * 5_000 + "1" + "}" * 5_000, 1, "nested too deep"),
        ("\n".join([ONE] * (MOST_ORDERS + 1)), MOST_ORDERS + 1, "more than"),
    ],
)
def test_what_is_no_file_of_orders(content: str | bytes, line: int, says: str) -> None:
    with pytest.raises(OrderFileProblem) as problem:
        lines(content)
    assert says in problem.value.says
    assert problem.value.line == line


@given(st.binary(max_size=200) | st.text(alphabet='[]{},":;\n \\uabc1eE-+.\t', max_size=80).map(str.encode))
def test_any_bytes_are_orders_or_a_problem(content: bytes) -> None:
    try:
        drafts = read_orders(content, "f")
    except OrderFileProblem:
        return
    for draft in drafts:
        assert isinstance(json.loads(draft.wire), dict)
