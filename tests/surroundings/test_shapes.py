"""What is said of a credential: its class, never its characters."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.secret import Secret
from okxdoctor.surroundings.shapes import shape

KEY = "d0c0ffee-1234-4abc-8def-0123456789ab"
HEX = "0123456789ABCDEF0123456789abcdef"


@pytest.mark.parametrize(
    ("text", "looks_like", "blemishes"),
    [
        ("", "empty", ()),
        (KEY, "uuid", ()),
        (KEY.upper(), "uuid", ()),
        (KEY.replace("-", ""), "hex32", ()),
        (HEX, "hex32", ()),
        (HEX[:-1], "other", ()),
        ("Pass-phrase_9!", "other", ()),
        (f" {KEY}", "uuid", ("leading-space",)),
        (f"{KEY} ", "uuid", ("trailing-space",)),
        (f"{KEY}\n", "uuid", ("newline",)),
        (f"{KEY} \r\n", "uuid", ("trailing-space", "newline")),
        (f"\ufeff{KEY}", "uuid", ("bom",)),
        (f'"{HEX}"', "hex32", ("quotes",)),
        (f"\u201c{HEX}\u201d", "hex32", ("quotes", "non-ascii")),
        (f"{HEX}\u00a0", "hex32", ("trailing-space", "non-ascii")),
        ("pässphrase9!", "other", ("non-ascii",)),
        ("Pass\x00word1!", "other", ("control",)),
        ("your-api-key", "other", ("placeholder",)),
        ("YOUR_SECRET_KEY", "other", ("placeholder",)),
        ("<api key>", "other", ("placeholder",)),
        ("${OKX_PASSPHRASE}", "other", ("placeholder",)),
        ("$OKX_PASSPHRASE", "other", ("placeholder",)),
        ("{{ okx_key }}", "other", ("placeholder",)),
        ("xxxxxxxx", "other", ("placeholder",)),
        ("********", "other", ("placeholder",)),
        ("changeme", "other", ("placeholder",)),
        ("passphrase", "other", ("placeholder",)),
        ("None", "other", ("placeholder",)),
        ("paste your key here", "other", ("placeholder",)),
    ],
)
def test_shapes(text: str, looks_like: str, blemishes: tuple[str, ...]) -> None:
    one = shape("api_key", Secret(text), "env:OKX_API_KEY")
    assert (one.looks_like, one.blemishes) == (looks_like, blemishes)
    assert (one.present, one.length) == (bool(text), len(text))


@pytest.mark.parametrize(
    "good", ["Yourself-9", "Mysecret1!", "Test1234!", "xXx-1-Abc", "A$b1cdef", "a'b\"C1!d", "#1Passphrase"]
)
def test_real_passphrases_are_no_placeholders(good: str) -> None:
    assert shape("passphrase", Secret(good), "").blemishes == ()


@given(st.uuids())
def test_every_uuid_is_one(value: uuid.UUID) -> None:
    assert shape("api_key", Secret(str(value)), "").looks_like == "uuid"
    assert shape("api_key", Secret(value.hex.upper()), "").looks_like == "hex32"


@given(st.text(max_size=50))
def test_total_and_silent(text: str) -> None:
    one = shape("secret_key", Secret(text), "env:X")
    if len(text) >= 6 and text not in "secret_keyenv:Xother":
        assert text not in repr(one)


def test_a_variable_whose_bytes_are_no_utf8_is_a_blemish_and_compares() -> None:
    """Python reads a Latin-1 byte of the environment as a lone surrogate."""
    latin = Secret(b"caf\xe9".decode("utf-8", "surrogateescape"))
    assert "non-ascii" in shape("passphrase", latin, "env:OKX_PASSPHRASE").blemishes
    assert latin == Secret("caf\udce9") != Secret("caf\xe9")
