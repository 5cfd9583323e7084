"""The judges against the reference vectors, whose expected values come from the openssl program and fractions."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from okxdoctor.conformance.callables import Callables
from okxdoctor.conformance.cases import vectors
from okxdoctor.conformance.judges import judge
from okxdoctor.conformance.protocol import OPS, Output, Refused, Skipped
from okxdoctor.conformance.verdict import Case
from okxdoctor.knowledge import causes
from okxdoctor.knowledge.vectors import Vector, load

SIGN = load("sign").vectors
WS = load("ws").vectors


def test_every_input_of_the_vectors_is_asked_once() -> None:
    cases = list(vectors(OPS))
    assert len({(case.op, repr(case.input)) for case in cases}) == len(cases)
    for kind in ("sign", "ws", "round", "parse"):
        wanted = {repr(one.data["input"]) for one in load(kind).vectors if one.op in OPS}
        assert len(wanted) <= sum(case.id.startswith(kind) for case in cases)
    assert len(cases) > 1_100


def test_what_the_vectors_expect_is_right_for_the_judges() -> None:
    """The frozen answers, of the oracle, not of any implementation."""
    for kind in ("sign", "ws", "round", "parse"):
        for vector in load(kind).vectors:
            if vector.op not in OPS or not vector.valid:
                continue
            found = judge(Case(op=vector.op, input=vector.data["input"]), Output(_expected(vector)))
            assert found is None or found.level == "should", (vector.id, found)


def _expected(vector: Vector) -> Any:
    if vector.op == "sign":
        return {"sign": vector.data["expect"]["sign"], **vector.data["wire"]}
    return vector.data["wire"] if vector.op == "ws_login" else vector.data["expect"]


def test_an_input_that_is_none_must_be_refused() -> None:
    refused = [case for case in vectors(OPS) if case.must_refuse]
    assert len(refused) >= 40
    for case in refused:
        assert judge(case, Refused("no")) is None
        found = judge(case, Output({"price": "1", "size": "1", "iso": "2026-01-01T00:00:00.000Z"}))
        assert found is not None, case
        assert found.code in ("precision.number-format", "timestamp.format")


@pytest.mark.parametrize(
    ("params", "mistake"),
    [
        ([["ccy", "a\tb"]], "sign refused a valid input with a control character"),
        ([["ccy", None]], "sign refused a valid input with a parameter that is no text"),
        # Nobody knows which of them it was.
        ([["ccy", None], ["instId", "a\x7f"]], None),
        ([["ccy", "BTC"]], "sign refused a valid input"),
    ],
)
def test_a_refusal_is_put_down_to_what_alone_can_be_its_reason(params: list[list[Any]], mistake: str | None) -> None:
    given = {
        "secret": "s", "timestamp": "2026-01-01T00:00:00.000Z", "method": "GET", "path": "/api/v5/account/balance",
        "params": params, "body_json": None,
    }  # fmt: skip
    found = judge(Case(op="sign", input=given), Refused("InvalidURL"))
    assert (None if found is None else found.mistake) == mistake


@pytest.mark.parametrize("text", ["NaN", "", "1,5", "--1", "."])
def test_no_number_parser_excuses_an_answer_to_this(text: str) -> None:
    case = Case(op="round_size", input={"size": text, "lot": "1", "min": "1"}, must_refuse=True)
    found = judge(case, Output({"size": "1"}))
    assert found is not None
    assert found.level == "must"


# A signature is judged against the given timestamp: another one in the header is not the adapter's to choose.
_WHO_HOLDS_ANOTHER_SECRET = {"the passphrase", "the API key", "another key's secret"}


@pytest.mark.parametrize("vector", [one for one in SIGN if not one.valid], ids=lambda one: one.id)
def test_the_mistakes_of_the_signing_vectors_are_named(vector: Vector) -> None:
    sent, wire = vector.data["sent"], vector.data["wire"]
    found = judge(Case(op="sign", input=vector.data["input"]), Output({"sign": sent["sign"], **wire}))
    assert found is not None
    if sent["mistake"]["is"] in _WHO_HOLDS_ANOTHER_SECRET:
        assert found.code == "signature.unexplained"
    elif vector.cause == "timestamp.format":
        assert found.code == "signature.timestamp-differs"
        assert found.actual == sent["prehash"]
    else:
        assert found.code == vector.cause, found
        assert found.actual in (sent["prehash"], sent["sign"])


@pytest.mark.parametrize("vector", [one for one in WS if not one.valid], ids=lambda one: one.id)
def test_the_mistakes_of_the_login_vectors_are_named(vector: Vector) -> None:
    sent = vector.data["sent"]
    answer = {**vector.data["wire"], "sign": sent["sign"], "timestamp": sent["timestamp"]}
    found = judge(Case(op="ws_login", input=vector.data["input"]), Output(answer))
    assert found is not None
    assert found.code == vector.cause, found


def test_a_right_signature_is_never_named_a_mistake(right: ModuleType) -> None:
    subject = Callables({op: getattr(right, op) for op in OPS})
    for case in vectors(OPS):
        found = judge(case, subject.ask(case.op, case.input))
        assert found is None, (case, found)


GET = {
    "secret": "22582BD0CFF14C41EDBF1AB98506286D",
    "timestamp": "2026-01-01T00:00:00.007Z",
    "method": "GET",
    "path": "/api/v5/account/balance",
    "params": [["ccy", "a b"], ["uly", None], ["ccy", "c+d"], ["on", True]],
    "body_json": None,
}
POST = {**GET, "method": "POST", "params": None, "body_json": '{"sz":1e-8,"n":12345678901234567890,"x":null}'}


def _signed(given: dict[str, Any], request_path: str, body: str = "") -> Output:
    """What a client sends that signs exactly what it sends; the digest is hashlib's, block by block (RFC 2104)."""
    import base64
    from hashlib import sha256

    key = given["secret"].encode().ljust(64, b"\0")
    text = f"{given['timestamp']}{given['method']}{request_path}{body}".encode()
    inner = sha256(bytes(b ^ 0x36 for b in key) + text).digest()
    raw = sha256(bytes(b ^ 0x5C for b in key) + inner).digest()
    return Output({"sign": base64.b64encode(raw).decode(), "request_path": request_path, "body": body})


@pytest.mark.parametrize(
    "query",
    [
        "ccy=a%20b&ccy=c%2Bd&on=true",
        "ccy=a+b&ccy=c%2bd&on=true",
        "ccy=%61%20b&ccy=c%2Bd&on=true&",
    ],
)
def test_any_encoding_that_means_the_same_conforms(query: str) -> None:
    assert judge(Case(op="sign", input=GET), _signed(GET, f"/api/v5/account/balance?{query}")) is None


@pytest.mark.parametrize(
    ("query", "code", "mistake"),
    [
        ("ccy=a%20b&ccy=c+d&on=true", "signature.request-altered", "a raw + means a space"),
        ("ccy=c%2Bd&on=true", "signature.request-altered", "a repeated name is sent once"),
        ("ccy=c%2Bd&ccy=a%20b&on=true", "signature.request-altered", "values of a repeated name in another order"),
        ("ccy=a%20b&ccy=c%2Bd&on=True", "signature.request-altered", "a value in another letter case"),
        ("ccy=a%20b&uly=&ccy=c%2Bd&on=true", "signature.request-altered", "an absent value is sent as text"),
        ("ccy=a%20b&uly=None&ccy=c%2Bd&on=true", "signature.request-altered", "an absent value is sent as text"),
        ("ccy=a%2520b&ccy=c%252Bd&on=true", "signature.request-altered", "values are encoded twice"),
        ("ccy=a%20b&ccy=c%2Bd", "signature.request-altered", "a parameter is left out"),
        ("", "signature.request-altered", "a parameter is left out"),
        ("ccy=a%20b&ccy=c%2Bd&on=true&t=1", "signature.request-altered", "a parameter is added"),
        ("ccy=a b&ccy=c%2Bd&on=true", "signature.query-encoding", "a raw space in the request path"),
    ],
)
def test_a_valid_signature_over_another_request_is_a_failure_of_its_own(query: str, code: str, mistake: str) -> None:
    found = judge(Case(op="sign", input=GET), _signed(GET, f"/api/v5/account/balance?{query}"))
    assert found is not None
    assert (found.code, found.mistake, found.level) == (code, mistake, "must")


LISTED = {**GET, "params": [["limit", "5"], ["ccy", ["BTC", "E+H", "BTC"]], ["uly", None]]}


@pytest.mark.parametrize(
    ("query", "verdict"),
    [
        ("limit=5&ccy=BTC%2CE%2BH%2CBTC", None),
        ("limit=5&ccy=BTC,E%2BH,BTC", None),
        ("limit=5&ccy=BTC&ccy=E%2BH&ccy=BTC", None),
        ("limit=5&ccy[]=BTC&ccy[]=E%2BH&ccy[]=BTC", None),
        ("limit=5&ccy%5B0%5D=BTC&ccy%5B1%5D=E%2BH&ccy%5B2%5D=BTC", None),
        ("limit=5&ccy=%5B%22BTC%22%2C%20%22E%2BH%22%2C%20%22BTC%22%5D", None),
        ("limit=5&ccy=%5B%27BTC%27%2C%20%27E%2BH%27%2C%20%27BTC%27%5D",
         ("should", "a list is sent as a text that no server reads")),
        ("limit=5&ccy=%5BBTC+E%2BH+BTC%5D", ("should", "a list is sent as a text that no server reads")),
        ("ccy=BTC%2CE%2BH%2CBTC&limit=5", ("should", "parameters in another order")),
        ("limit=5&ccy=BTC&ccy=BTC&ccy=E%2BH", ("must", "values of a repeated name in another order")),
        ("limit=5&ccy=E%2BH", ("must", "a list is sent without some of its items")),
        ("limit=5&ccy=E%2BH%2CBTC", ("must", "a value is changed")),
        ("limit=5&ccy=BTC%2CE+H%2CBTC", ("must", "a raw + means a space")),
        ("limit=5&ccy=Array", ("must", "a value is changed")),
        ("limit=5", ("must", "a parameter is left out")),
    ],
)  # fmt: skip
def test_a_list_is_right_in_every_convention_that_carries_its_items(
    query: str, verdict: tuple[str, str] | None
) -> None:
    found = judge(Case(op="sign", input=LISTED), _signed(LISTED, f"/api/v5/account/balance?{query}"))
    assert (None if found is None else (found.level, found.mistake)) == verdict


@pytest.mark.parametrize(
    ("price", "answer", "level"),
    [("0.25", "0.5", None), ("0.25", "0", "must"), ("-0.25", "0", None), ("-0.25", "-0.5", "should")],
)
def test_half_up_of_a_negative_price_is_a_matter_of_taste(price: str, answer: str, level: str | None) -> None:
    given = {"price": price, "side": "buy", "mode": "nearest", "tick": "0.5"}
    found = judge(Case(op="round_price", input=given), Output({"price": answer}))
    assert (found and found.level) == level


def test_a_client_without_lists_may_refuse_one() -> None:
    assert judge(Case(op="sign", input=LISTED), Refused("TypeError: a list")) is None
    assert judge(Case(op="sign", input=GET), Refused("TypeError: a list")) is not None


def test_another_order_of_different_names_is_noted_only() -> None:
    """The exchange reads what arrives; sorting is harmless when the sent query is sorted the same way."""
    found = judge(Case(op="sign", input=GET), _signed(GET, "/api/v5/account/balance?on=true&ccy=a%20b&ccy=c%2Bd"))
    assert found is not None
    assert (found.code, found.level) == ("signature.query-sorted", "should")


@pytest.mark.parametrize(
    ("body", "mistake"),
    [
        ('{"x":null,"n":12345678901234567890,"sz":0.00000001}', None),
        ('{"sz": 1e-08, "n": 12345678901234567890, "x": null}', None),
        ('{"sz":1e-8,"n":12345678901234567000,"x":null}', "a number of the body went through a float"),
        ('{"sz":"1e-8","n":12345678901234567890,"x":null}', "a member of the body has another type"),
        ('{"sz":1e-8,"n":12345678901234567890}', "a null member of the body is left out"),
        ('{"n":12345678901234567890,"x":null}', "a member of the body is left out"),
        ("", "the body is left out"),
        ("sz=1e-8&n=12345678901234567890&x=", "a body that is no JSON"),
        ('{"sz":1e-7,"n":12345678901234567890,"x":null}', "the body is another JSON"),
    ],
)
def test_the_body_is_the_same_json_with_exact_numbers(body: str, mistake: str | None) -> None:
    found = judge(Case(op="sign", input=POST), _signed(POST, POST["path"], body))
    assert (None if found is None else found.mistake) == mistake


def test_no_body_and_an_empty_object_are_two_things() -> None:
    none, empty = {**POST, "body_json": None}, {**POST, "body_json": "{}"}
    assert judge(Case(op="sign", input=none), _signed(none, POST["path"], "")) is None
    assert judge(Case(op="sign", input=empty), _signed(empty, POST["path"], "{}")) is None
    for given, body in ((none, "{}"), (empty, ""), (empty, "null")):
        found = judge(Case(op="sign", input=given), _signed(given, POST["path"], body))
        assert found is not None
        assert found.code == "signature.request-altered"


def test_two_mistakes_at_once_are_both_named() -> None:
    given = {**GET, "method": "get", "params": [["b", "1"], ["a", "2"]]}
    text = f"{GET['timestamp']}get/api/v5/account/balance?a=2&b=1"
    signature = _signed({**GET, "timestamp": "", "method": ""}, text).value["sign"]
    answer = {"sign": signature, "request_path": "/api/v5/account/balance?b=1&a=2", "body": ""}
    found = judge(Case(op="sign", input=given), Output(answer))
    assert found is not None
    assert found.mistake == "method in lower case and query sorted"
    assert found.actual == text


@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        "x",
        [],
        {},
        {"sign": "x"},
        {"sign": 1, "request_path": "/", "body": ""},
        {"sign": "x", "request_path": 1},
    ],
)
@pytest.mark.parametrize("op", OPS)
def test_an_output_of_another_shape_is_the_adapters_fault(op: str, value: Any) -> None:
    case = next(one for one in vectors([op]) if not one.must_refuse)
    found = judge(case, Output(value))
    assert found is not None
    assert found.code in ("adapter.reply", "precision.size-below-minimum")


def test_a_skipped_call_is_neither_right_nor_wrong_and_a_refused_one_is_wrong() -> None:
    case = next(iter(vectors(["sign"])))
    assert judge(case, Skipped("cannot")) is None
    found = judge(case, Refused("boom"))
    assert found is not None
    assert found.code == "adapter.error"
    assert "boom" in found.actual


def test_codes_of_judges_are_in_the_vocabulary() -> None:
    from okxdoctor.conformance.judges import answers, recipes, rounding, signing, times

    codes = {
        *(value for module in (answers, rounding, times) for name, value in vars(module).items()
          if name.isupper() and isinstance(value, str) and "." in value),
        *recipes._CAUSES.values(), *recipes._SPECIAL.values(), signing.ALTERED,
    }  # fmt: skip
    assert len(codes) >= 20
    assert codes <= set(causes())
