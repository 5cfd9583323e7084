"""Reading JSON: exact numbers, and a verdict instead of an exception for everything else."""

from __future__ import annotations

import json
import sys
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okxdoctor.okx.json_text import MAX_DEPTH, MAX_NUMBER_CHARACTERS, Trouble, Unreadable, read

PROPERTY = settings(max_examples=300, deadline=None, database=None)


def trouble_of(body: str | bytes) -> Trouble:
    result = read(body)
    assert isinstance(result, Unreadable)
    return result.trouble


def test_numbers_are_exact() -> None:
    value = read('{"a": 12345678901234567890123, "b": 0.1000000000000000055511151231257827, "c": 1e-8, "d": -0.0}')
    assert value == {
        "a": 12345678901234567890123,
        "b": Decimal("0.1000000000000000055511151231257827"),
        "c": Decimal("0.00000001"),
        "d": Decimal("-0.0"),
    }
    assert not any(isinstance(number, float) for number in value.values())  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("body", "trouble"),
    [
        (b"", Trouble.EMPTY),
        (" \r\n\t", Trouble.EMPTY),
        (b'{"a":"\xff"}', Trouble.NOT_UTF8),
        ('{"a":1}'.encode("utf-16"), Trouble.NOT_UTF8),
        (b"\xef\xbb\xbf{}", Trouble.BYTE_ORDER_MARK),
        ("\ufeff{}", Trouble.BYTE_ORDER_MARK),
        ("<!DOCTYPE html><p>hi", Trouble.HTML),
        ("\n  <html>", Trouble.HTML),
        ('{"a"', Trouble.TRUNCATED),
        ('{"a":', Trouble.TRUNCATED),
        ('{"a":tru', Trouble.TRUNCATED),
        ('{"a":"b', Trouble.TRUNCATED),
        ("[1,2", Trouble.TRUNCATED),
        ("[1,", Trouble.TRUNCATED),
        ("[1.", Trouble.TRUNCATED),
        ("[1.5e-", Trouble.TRUNCATED),
        ('["\\\\', Trouble.TRUNCATED),
        ("[truth", Trouble.INVALID),
        ('{"a":1,', Trouble.TRUNCATED),
        ('{"a":-', Trouble.TRUNCATED),
        ('{"a":"\\u12', Trouble.TRUNCATED),
        ("{'a':1}", Trouble.INVALID),
        ('{"a":1}x', Trouble.INVALID),
        ('{"a":1,}', Trouble.INVALID),
        ("[01]", Trouble.INVALID),
        ("[NaN]", Trouble.INVALID),
        ("[-Infinity]", Trouble.INVALID),
        ('["\t"]', Trouble.INVALID),
        ("tru", Trouble.INVALID),
        ('["\\ud800"]', Trouble.INVALID),
        ('["\ud800"]', Trouble.INVALID),
        ('{"\\udc00":1}', Trouble.INVALID),
        ('{"a":1,"b":2,"a":1}', Trouble.DUPLICATE_NAME),
        ('[{"x":{"a":1,"a":1}}]', Trouble.DUPLICATE_NAME),
        ("[1e9999999999999999999999]", Trouble.NUMBER_TOO_LONG),
        ("[1e-401]", Trouble.NUMBER_TOO_LONG),
        (f"[{'1' * (MAX_NUMBER_CHARACTERS + 1)}]", Trouble.NUMBER_TOO_LONG),
        (f"[{'1' * 100_000}]", Trouble.NUMBER_TOO_LONG),
        (f"[0.{'1' * MAX_NUMBER_CHARACTERS}]", Trouble.NUMBER_TOO_LONG),
        ("[" * 100_000, Trouble.TOO_DEEP),
        ('{"a":' * 100_000, Trouble.TOO_DEEP),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), Trouble.TOO_DEEP),
        ('{"a":[' * 60 + "]}" * 60, Trouble.TOO_DEEP),
    ],
)
def test_what_cannot_be_read_is_named(body: str | bytes, trouble: Trouble) -> None:
    assert trouble_of(body) is trouble


def test_nesting_up_to_the_limit_is_read_at_any_depth_of_the_caller() -> None:
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    deeper = "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)

    def from_depth(frames: int) -> None:
        if frames:
            from_depth(frames - 1)
            return
        assert not isinstance(read(text), Unreadable)
        assert trouble_of(deeper) is Trouble.TOO_DEEP

    from_depth(0)
    from_depth(sys.getrecursionlimit() // 2)


def test_a_long_but_shallow_list_is_read() -> None:
    rows = [{"instId": f"A-{n}", "bands": [[str(n)]]} for n in range(500)]
    assert read(json.dumps({"data": rows})) == {"data": rows}


def test_numbers_up_to_the_limit_are_read() -> None:
    whole = "1" * MAX_NUMBER_CHARACTERS
    fraction = "0." + "1" * (MAX_NUMBER_CHARACTERS - 2)
    value = read(f"[{whole},{fraction},1e{MAX_NUMBER_CHARACTERS},1e-{MAX_NUMBER_CHARACTERS}]")
    assert value == [
        int(whole),
        Decimal(fraction),
        Decimal(f"1e{MAX_NUMBER_CHARACTERS}"),
        Decimal(f"1e-{MAX_NUMBER_CHARACTERS}"),
    ]


def test_a_surrogate_pair_is_one_character() -> None:
    assert read('["\\ud83d\\ude80"]') == ["🚀"]


def test_the_place_of_a_failure_is_given() -> None:
    invalid, not_utf8 = read('{"a":1}x'), read(b'{"a":"\xff"}')
    assert invalid == Unreadable(trouble=Trouble.INVALID, at=7, detail="Extra data")
    assert read("\ufeff{}") == Unreadable(trouble=Trouble.BYTE_ORDER_MARK, at=0)
    assert read('{"c":0,"b":2,"b":3,"a":4}') == Unreadable(trouble=Trouble.DUPLICATE_NAME, detail="b")
    assert not_utf8 == Unreadable(trouble=Trouble.NOT_UTF8, at=6)


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@PROPERTY
@given(JSON, st.booleans())
def test_valid_json_is_read_as_it_was_written(value: object, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert read(text) == value
    assert read(text.encode()) == value


@PROPERTY
@given(st.lists(JSON | st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=4), st.data())
def test_valid_json_cut_short_is_truncated(value: list[object], data: st.DataObject) -> None:
    text = json.dumps(value)
    cut = data.draw(st.integers(1, len(text) - 1))
    assert trouble_of(text[:cut]) is Trouble.TRUNCATED


@PROPERTY
@given(st.binary() | st.text() | st.text(st.sampled_from('{}[]",:0123456789eE+-.tfn\\u \n')))
def test_reading_is_total_and_agrees_with_the_standard_library(body: bytes | str) -> None:
    result = read(body)
    if isinstance(result, Unreadable):
        return
    assert json.loads(body) == json.loads(json.dumps(result, default=float))
