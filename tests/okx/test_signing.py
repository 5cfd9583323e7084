"""Signing: examples, the rules of the request path and body, and silence about the secret.

That signatures are right is shown in `tests/vectors`, against the openssl program. The examples here are the
ones that a person can look up.
"""

from __future__ import annotations

import json
import pickle
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okxdoctor.okx.signing import (
    Signer,
    SigningError,
    digest,
    json_body,
    login_argument,
    percent_encode,
    prehash,
    request_path,
    sign,
    signed_headers,
    ws_prehash,
    ws_sign,
)

DOCS_SECRET = "22582BD0CFF14C41EDBF1AB98506286D"
TIME = "2020-12-08T09:08:57.715Z"
PROPERTY = settings(max_examples=200, deadline=None, database=None)


def test_the_example_of_the_documentation_and_an_independent_one() -> None:
    assert sign(DOCS_SECRET, TIME, "GET", "/api/v5/account/balance?ccy=BTC") == (
        "HiZhvSfMtWJA3uUIVXV3a/bSXNPCWvYFXoGCVS8V4zY="
    )
    assert sign(DOCS_SECRET, "2026-08-22T16:20:00.000Z", "GET", "/api/v5/account/balance?ccy=BTC") == (
        "FN++QZPqWIZja9FNV7ev3w3IvSQUleBYxtJidJKKB+E="
    )
    assert ws_sign(DOCS_SECRET, 1704876947) == "5/36BgGV6m/6pmdc20zdqk0mzF5ZalmzzPD2fo3wavU="


def test_the_prehash_is_timestamp_method_path_body() -> None:
    assert prehash(TIME, "post", "/api/v5/trade/order", '{"a":"é"}') == (
        b'2020-12-08T09:08:57.715ZPOST/api/v5/trade/order{"a":"\xc3\xa9"}'
    )
    assert ws_prehash(1704876947) == b"1704876947GET/users/self/verify"
    assert ws_prehash("1704876947.5") == b"1704876947.5GET/users/self/verify"


def test_a_body_of_bytes_signs_like_its_text() -> None:
    text = '{"tag":"déjà"}'
    assert sign("s", TIME, "POST", "/p", text) == sign("s", TIME, "POST", "/p", text.encode())
    assert sign("s", TIME, "POST", "/p", b"\xff") != sign("s", TIME, "POST", "/p", b"\xfe")


def test_a_secret_of_bytes_signs_like_its_text() -> None:
    assert sign("clé", TIME, "GET", "/p") == sign("clé".encode(), TIME, "GET", "/p")


def test_headers_of_a_read_and_of_a_write() -> None:
    common = {"key": "k", "secret": DOCS_SECRET, "passphrase": "p", "timestamp": TIME}
    read = signed_headers(**common, method="GET", request_path="/api/v5/account/balance")
    assert read == {
        "OK-ACCESS-KEY": "k",
        "OK-ACCESS-SIGN": "AkD5YszBhggtIyjDlmTy/9PpNVntel+1Lff8wh0qpQw=",
        "OK-ACCESS-TIMESTAMP": TIME,
        "OK-ACCESS-PASSPHRASE": "p",
    }
    write = signed_headers(**common, method="POST", request_path="/api/v5/trade/order", body="{}")
    assert write["Content-Type"] == "application/json"


def test_a_login_argument_has_the_documented_names_and_only_text() -> None:
    assert login_argument(key="k", secret=DOCS_SECRET, passphrase="p", epoch_s=1704876947) == {
        "apiKey": "k",
        "passphrase": "p",
        "timestamp": "1704876947",
        "sign": "5/36BgGV6m/6pmdc20zdqk0mzF5ZalmzzPD2fo3wavU=",
    }


@pytest.mark.parametrize("length", [1, 63, 64, 65, 200])
def test_a_prepared_secret_signs_like_the_secret(length: int) -> None:
    secret = "K" * length
    signer = Signer(secret)
    for body in ("", '{"tag":"é"}', b"\xff"):
        assert signer.sign(TIME, "post", "/p", body) == sign(secret, TIME, "post", "/p", body)
    assert signer.ws_sign(1704876947) == ws_sign(secret, 1704876947)
    assert signer.digest(b"m") == digest(secret, b"m")


def test_a_prepared_secret_can_be_shared_and_used_again() -> None:
    signer = Signer(DOCS_SECRET)
    paths = [f"/api/v5/account/balance?ccy={n}" for n in range(200)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda path: signer.sign(TIME, "GET", path), paths))
    assert found == [sign(DOCS_SECRET, TIME, "GET", path) for path in paths]


def test_a_prepared_secret_does_not_show_it() -> None:
    signer = Signer("CANARY-7F3A")
    assert repr(signer) == str(signer) == "Signer(***)"
    with pytest.raises(TypeError) as caught:
        pickle.dumps(signer)
    assert "CANARY" not in str(caught.value)


# ---- the request path --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "target"),
    [
        (None, "/api/v5/x"),
        ([], "/api/v5/x"),
        ([("ccy", "BTC")], "/api/v5/x?ccy=BTC"),
        ([("b", "1"), ("a", "2"), ("b", "3")], "/api/v5/x?b=1&a=2&b=3"),
        ([("ccy", "BTC,ETH")], "/api/v5/x?ccy=BTC%2CETH"),
        ([("q", "a b+c")], "/api/v5/x?q=a%20b%2Bc"),
        ([("q", "é🚀")], "/api/v5/x?q=%C3%A9%F0%9F%9A%80"),
        ([("q", "")], "/api/v5/x?q="),
        ([("q", None)], "/api/v5/x"),
        ([("q", None), ("r", "1")], "/api/v5/x?r=1"),
        ([("q", True), ("r", False), ("n", 5)], "/api/v5/x?q=true&r=false&n=5"),
        ([("q", Decimal("1E-8"))], "/api/v5/x?q=0.00000001"),
        ([("n", 10**400 - 1)], "/api/v5/x?n=" + "9" * 400),
        ([("ids[]", "1")], "/api/v5/x?ids%5B%5D=1"),
        ({"b": "1", "a": "2"}, "/api/v5/x?b=1&a=2"),
    ],
)
def test_request_path(params: object, target: str) -> None:
    assert request_path("/api/v5/x", params) == target  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "api/v5/x",
        "https://www.okx.com/api/v5/x",
        "/a?b=c",
        "/a#b",
        "/a b",
        "/é",
        "/a\n",
        "/a\\b",
        '/a"b',
        "/{a}",
        "/a\0",
    ],
)
def test_a_path_that_would_be_rewritten_on_the_way_is_refused(path: str) -> None:
    with pytest.raises(SigningError):
        request_path(path)


@pytest.mark.parametrize(
    "value",
    [1.5, float("nan"), Decimal("NaN"), Decimal("1e401"), Decimal("1e-999999999"), 10**400, -(10**400), b"x", ["a"]],
)
def test_a_value_without_one_text_form_is_refused(value: object) -> None:
    with pytest.raises(SigningError, match="px"):
        request_path("/a", [("px", value)])  # type: ignore[list-item]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@PROPERTY
@given(st.lists(st.tuples(TEXT.filter(bool), TEXT), min_size=1, max_size=6))
def test_the_query_means_what_was_given_and_uses_no_other_character(pairs: list[tuple[str, str]]) -> None:
    target = request_path("/api/v5/x", pairs)
    query = urlsplit(target).query
    assert parse_qsl(query, keep_blank_values=True) == pairs
    assert set(query) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%=&")


@PROPERTY
@given(TEXT)
def test_percent_encoding_is_undone_by_decoding(text: str) -> None:
    assert unquote(percent_encode(text), errors="strict") == text


# ---- the body ----------------------------------------------------------------------------------------------


def test_no_body_is_empty_and_an_empty_object_is_not() -> None:
    assert json_body(None) == ""
    assert json_body({}) == "{}"
    assert json_body([]) == "[]"


def test_a_body_is_compact_ascii_in_the_order_given() -> None:
    body = {"b": "é", "a": [True, None, 12345678901234567890]}
    assert json_body(body) == '{"b":"\\u00e9","a":[true,null,12345678901234567890]}'


@pytest.mark.parametrize("value", [float("nan"), {"a": float("inf")}, {"a": object()}, {"a": {1, 2}}])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(SigningError, match="not JSON"):
        json_body(value)  # type: ignore[arg-type]


def test_a_body_that_holds_itself_or_is_too_deep_is_refused() -> None:
    loop: list[object] = []
    loop.append(loop)
    deep: list[object] = []
    for _ in range(200_000):
        deep = [deep]
    for value in (loop, deep):
        with pytest.raises(SigningError):
            json_body(value)  # type: ignore[arg-type]
    while deep:  # unwound by hand: releasing 200,000 nested lists at once is the interpreter's problem, not ours
        deep = deep.pop()  # type: ignore[assignment]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@PROPERTY
@given(JSON.filter(lambda value: value is not None))
def test_a_body_is_the_same_json(value: object) -> None:
    text = json_body(value)  # type: ignore[arg-type]
    assert text.isascii()
    assert json.loads(text) == value


# ---- refusals and silence ----------------------------------------------------------------------------------


def test_an_empty_secret_is_refused() -> None:
    for secret in ("", b""):
        with pytest.raises(SigningError, match="secret is empty"):
            sign(secret, TIME, "GET", "/p")
        with pytest.raises(SigningError, match="secret is empty"):
            ws_sign(secret, 1)
        with pytest.raises(SigningError, match="secret is empty"):
            Signer(secret)


def _everything_said(error: BaseException) -> str:
    """All that a log or a crash reporter could get hold of: texts, arguments, chained errors and their
    objects.
    """
    said = "".join(traceback.format_exception(error))
    seen: list[BaseException] = []
    queue: list[BaseException | None] = [error]
    while queue:
        current = queue.pop()
        if current is None or current in seen:
            continue
        seen.append(current)
        said += repr(current.args) + repr(vars(current))
        queue += [current.__cause__, current.__context__]
    return said


def test_no_exception_carries_the_secret() -> None:
    canary = "CANARY-7F3A"
    calls: list[Callable[[], object]] = [
        lambda: sign(f"{canary}\ud800", TIME, "GET", "/p"),
        lambda: ws_sign(f"{canary}\ud800", 1),
        lambda: Signer(f"{canary}\ud800"),
        lambda: Signer(canary).sign(TIME, "GET", "/p\ud800"),
        lambda: Signer(canary).sign(TIME, "GET", "/p", "\ud800"),
        lambda: sign(canary, TIME, "GET", "/p\ud800"),
        lambda: sign(canary, TIME, "GET", "/p", "\ud800"),
        lambda: login_argument(key="k", secret=f"{canary}\ud800", passphrase=canary, epoch_s=1),
        lambda: signed_headers(
            key="k", secret=f"{canary}\udfff", passphrase=canary, timestamp=TIME, method="GET", request_path="/p"
        ),
    ]
    for call in calls:
        with pytest.raises(SigningError) as caught:
            call()
        assert canary not in _everything_said(caught.value)


def test_a_lone_surrogate_in_a_parameter_is_refused() -> None:
    with pytest.raises(SigningError, match="surrogate"):
        request_path("/p", [("a", "\ud800")])
