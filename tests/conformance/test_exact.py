"""Numbers and JSON by value."""

from __future__ import annotations

from fractions import Fraction

import pytest

from okxdoctor.conformance.exact import NotJson, is_plain, json_value, number, plain, same, same_but_for_floats


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", Fraction(1)), ("1e-8", Fraction(1, 10**8)), ("-0.50", Fraction(-1, 2)), (".5", Fraction(1, 2)),
        ("5.", Fraction(5)), ("+1E3", Fraction(1000)), ("", None), (".", None), ("1_0", None), ("١", None),
        ("NaN", None), (" 1", None), ("1e99999999", None), ("1" * 5000, None), ("0x1", None),
    ],
)  # fmt: skip
def test_a_number_is_read_exactly_or_not_at_all(text: str, value: Fraction | None) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["0", "1", "0.1", "10.50", "-0.001", "-3", "100000000000000000000.000000000001"])
def test_plain_text_is_what_okx_takes(text: str) -> None:
    assert is_plain(text)
    found = number(text)
    assert found is not None
    assert number(plain(found)) == found


@pytest.mark.parametrize("text", ["1e-8", "-0", "-0.0", "01", ".5", "5.", "+1", "1,0", "", " 1", "NaN", "١", "1\n"])
def test_everything_else_is_not(text: str) -> None:
    assert not is_plain(text)


def test_a_third_has_no_plain_text() -> None:
    with pytest.raises(ValueError, match="finite"):
        plain(Fraction(1, 3))


@pytest.mark.parametrize("text", ["", "{", "NaN", '{"a":Infinity}', '{"a":1,"a":1}', "[" * 100_000, "1e999999999"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(NotJson):
        json_value(text)


def test_json_is_compared_by_value_and_type() -> None:
    assert same(json_value('{"a":1,"b":[1e2]}'), json_value('{"b": [100.0], "a": 1.0}'))
    for other in (
        '{"a":1,"b":["100"]}',
        '{"a":true,"b":[100]}',
        '{"a":1,"b":[100,null]}',
        '{"a":1}',
        '{"a":null,"b":[100]}',
    ):
        assert not same(json_value('{"a":1,"b":[100]}'), json_value(other))
    assert not same(json_value("0.1"), json_value("0.1000000000000000055511151231257827"))
    assert same_but_for_floats(json_value('[{"a":0.1}]'), json_value('[{"a":0.1000000000000000055511151231257827}]'))
    assert not same_but_for_floats(json_value('["0.1"]'), json_value("[0.1]"))
    assert not same_but_for_floats(json_value("1e400"), json_value("1e401"))
