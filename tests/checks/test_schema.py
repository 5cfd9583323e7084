"""The walker over answers: every change of shape is found wherever it stands, and what is documented is no alarm."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from fakeio import FakeIo, codes, judged, ok, page, refusal, run
from hypothesis import given, settings
from hypothesis import strategies as st

from okxdoctor.exchange.core.clock import Clock
from okxdoctor.exchange.core.exchange import Exchange
from okxdoctor.exchange.core.protocol import Request
from okxdoctor.exchange.core.rest import respond
from okxdoctor.knowledge import enums
from okxdoctor.knowledge.shape_table import Field, shape, shapes
from okxdoctor.model import Severity
from okxdoctor.port import Answer, Conversation, Traffic
from okxdoctor_checks import schema
from okxdoctor_checks._schema_forms import MOST_ROWS, decoded, form_of

# A row of each kind as documented (public/instruments, market/ticker, market/books, account/balance).
INSTRUMENT = {
    "instType": "SPOT", "instId": "BTC-USDT", "instIdCode": 542783, "baseCcy": "BTC", "quoteCcy": "USDT",
    "tickSz": "0.1", "lotSz": "0.00000001", "minSz": "0.00001", "state": "live", "listTime": "1611907686000",
    "expTime": "", "alias": "", "ctMult": "", "ctType": "", "ctVal": "", "ctValCcy": "", "instFamily": "",
    "lever": "10",
    "maxLmtSz": "9999999999", "maxMktSz": "", "maxIcebergSz": "9999999999.0000000000000000", "maxStopSz": "",
    "maxTriggerSz": "9999999999.0000000000000000", "maxTwapSz": "9999999999.0000000000000000", "optType": "",
    "ruleType": "normal", "settleCcy": "", "stk": "", "uly": "", "tradeQuoteCcyList": ["USDT", "USDC"],
    "upcChg": [{"param": "tickSz", "newValue": "0.01", "effTime": "1611907686000"}],
}  # fmt: skip
TICKER = {
    "instType": "SPOT", "instId": "BTC-USDT", "last": "9999.99", "lastSz": "0.1", "askPx": "9999.99", "askSz": "11",
    "bidPx": "8888.88", "bidSz": "5", "open24h": "9000", "high24h": "10000", "low24h": "8888.88",
    "volCcy24h": "2222", "vol24h": "2222", "sodUtc0": "2222", "sodUtc8": "2222", "ts": "1597026383085",
}  # fmt: skip
BOOK = {
    "asks": [["41006.8", "0.60038921", "0", "1"]], "bids": [["41006.3", "0.30178218", "0", "2"]],
    "ts": "1629966436396", "seqId": 3235851742,
}  # fmt: skip
BALANCE = {
    "totalEq": "91884", "uTime": "1705564223311", "adjEq": "",
    "details": [{"ccy": "USDT", "eq": "9", "cashBal": "9", "availBal": "9", "frozenBal": "0", "ordFrozen": "0",
                 "uTime": "1705564223311", "collateralEnabled": False}],
}  # fmt: skip
ROWS = {
    "GET /api/v5/public/instruments": INSTRUMENT,
    "GET /api/v5/market/ticker": TICKER,
    "GET /api/v5/market/books": BOOK,
    "GET /api/v5/account/balance": BALANCE,
}


def answer(place: str, body: object, *, status: int = 200, content_type: str = "application/json") -> Answer:
    method, _, path = place.partition(" ")
    text = body if isinstance(body, str) else json.dumps(body)
    url = f"https://openapi.okx.com{path}"
    return Answer(
        method=method, path=path, url=url, status=status, body=text, headers=(("content-type", content_type),)
    )


def envelope(*rows: object) -> dict[str, object]:
    return {"code": "0", "msg": "", "data": list(rows)}


def looked(*answers: Answer, conversations: tuple[Conversation, ...] = ()) -> tuple[Any, tuple[Any, ...]]:
    """The check's facts and findings for a run that heard this, and nothing by its own asking."""
    io = FakeIo(
        http_script={"GET /api/v5/public/instruments": refusal("51001"), "GET /api/v5/market/books": refusal("51001")},
        records=(Traffic(answers=answers, conversations=conversations),),
    )
    return run(schema.CHECK, io)


def changes(findings: tuple[Any, ...]) -> set[tuple[str, str, str]]:
    return {(finding.code, row["field"], row["change"]) for finding in findings for row in finding.evidence["changes"]}


@pytest.mark.parametrize("place", ROWS)
def test_what_is_documented_is_no_alarm(place: str) -> None:
    _, findings = looked(answer(place, envelope(ROWS[place], ROWS[place])))
    assert findings == ()


def paths(value: object, path: str = "") -> Iterator[str]:
    """Every member of every object in a row, in the words of the model."""
    if isinstance(value, dict):
        for name, inner in value.items():
            below = f"{path}.{name}" if path else name
            yield below
            yield from paths(inner, below)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        yield from paths(value[0], f"{path}[]")


def changed(row: object, path: str, change: Callable[[dict[str, Any], str], None]) -> Any:
    """A copy of a row with one member changed."""
    copy = json.loads(json.dumps(row))
    here = copy
    *way, name = path.split(".")
    for step in way:
        here = here[step.removesuffix("[]")]
        here = here[0] if step.endswith("[]") else here
    change(here, name)
    return copy


def put(value: object) -> Callable[[dict[str, Any], str], None]:
    return lambda row, name: row.__setitem__(name, value)


EVERY = [(place, path) for place, row in ROWS.items() for path in paths(row)]


def known(place: str, path: str) -> Field:
    model = shape(place)
    assert model is not None
    return model.fields[path]


@pytest.mark.parametrize(("place", "path"), EVERY)
def test_each_path_is_walked_in_the_second_row_as_well(place: str, path: str) -> None:
    """Of each field of each model: null, '', another JSON type, gone. Expected from the marks of the data file."""
    row, field = ROWS[place], known(place, path)
    cases: list[tuple[object, tuple[str, str] | None]] = [
        (None, None if field.null or (field.empty and field.kind == "array") else ("schema.type-changed", "null")),
        ({"a": 1} if field.kind != "object" else "x", ("schema.type-changed", "type")),
    ]
    if field.kind in ("decimal", "ms", "text", "word"):
        cases.append((7, ("schema.type-changed", "type")))
        cases.append((0.5, ("schema.type-changed", "type")))
    if field.kind in ("number", "bool"):
        cases.append(("7", ("schema.type-changed", "type")))
    if field.kind == "decimal":
        cases.append(("1E-8", ("schema.type-changed", "number-format")))
        cases.append(("-12.50", None))
        cases.append(("68585.399999999994", ("schema.type-changed", "number-format") if field.exact else None))
    if field.kind == "ms":
        cases.append(("1597026383", ("schema.type-changed", "time-unit")))
        cases.append(("1597026383085000", ("schema.type-changed", "time-unit")))
        cases.append(("2020-08-10T02:26:23.085Z", ("schema.type-changed", "time-unit")))
        cases.append(("0", None))
    if field.kind == "word":
        cases.append(("never_heard_of", ("schema.unknown-value", "unknown-word")))
    if field.kind in ("decimal", "ms", "word"):
        cases.append(("", None if field.empty else ("schema.type-changed", "emptied")))
    for value, wanted in cases:
        _, findings = looked(answer(place, envelope(row, changed(row, path, put(value)))))
        expected = {(wanted[0], path, wanted[1])} if wanted is not None else set()
        assert changes(findings) == expected, value
    _, findings = looked(answer(place, envelope(row, changed(row, path, lambda here, name: here.pop(name)))))
    assert changes(findings) == ({("schema.field-missing", path, "missing")} if field.always else set())


def test_a_new_field_is_told_and_is_no_alarm() -> None:
    facts, findings = looked(answer("GET /api/v5/market/ticker", envelope({**TICKER, "medianPx": "1"})))
    assert changes(findings) == {("schema.new-field", "medianPx", "new")}
    assert facts.answers == 3  # that one, and two that were asked for and refused
    from okxdoctor.runner.diagnose import diagnose, vocabulary

    assert vocabulary().severity(findings[0]) is Severity.INFO
    assert diagnose(findings, vocabulary()) == ()


def test_a_field_with_a_new_name_is_one_finding() -> None:
    row = {("askPrice" if name == "askPx" else name): value for name, value in TICKER.items()}
    _, findings = looked(answer("GET /api/v5/market/ticker", envelope(row)))
    assert changes(findings) == {("schema.field-missing", "askPx", "renamed")}
    assert "askPrice" in findings[0].summary


def test_levels_of_a_book_are_walked_by_place() -> None:
    book = changed(BOOK, "bids", put([["1", "2", "0", "1"], ["1", 2, "0", "1"]]))
    _, findings = looked(answer("GET /api/v5/market/books", envelope(book)))
    assert changes(findings) == {("schema.type-changed", "bids[][1]", "type")}
    short = changed(BOOK, "asks", put([["41006.8"]]))
    _, findings = looked(answer("GET /api/v5/market/books", envelope(short)))
    assert changes(findings) == {("schema.field-missing", "asks[][1]", "missing")}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"code": "0", "msg": "", "data": {"0": TICKER}}, ("schema.type-changed", "data", "type")),
        ({"code": 0, "msg": "", "data": [TICKER]}, ("schema.type-changed", "code", "type")),
        ({"msg": "", "data": [TICKER]}, ("schema.field-missing", "code", "missing")),
        ({"code": "0", "msg": ""}, ("schema.field-missing", "data", "missing")),
        ({"code": "0", "msg": "", "data": None}, ("schema.type-changed", "data", "null")),
        ({"code": 50113, "msg": "Invalid Sign"}, ("schema.type-changed", "code", "type")),
    ],
)
def test_envelopes(body: dict[str, object], expected: tuple[str, str, str]) -> None:
    status = 401 if body.get("code") == 50113 else 200
    _, findings = looked(answer("GET /api/v5/market/ticker", body, status=status))
    assert expected in changes(findings)


@pytest.mark.parametrize(
    "body",
    [
        {"msg": "Invalid Sign", "code": "50113"},
        {"code": "51001", "data": [], "msg": "Instrument ID doesn't exist."},
        {"msg": "Too Many Requests", "code": "50011"},
    ],
)
def test_refusals_are_no_alarm(body: dict[str, object]) -> None:
    _, findings = looked(answer("GET /api/v5/account/config", body, status=401))
    assert findings == ()


def test_one_endpoint_without_json_while_others_answer() -> None:
    html = answer("GET /api/v5/public/mark-price", "<html>down</html>", content_type="text/html")
    _, findings = looked(html, answer("GET /api/v5/market/ticker", envelope(TICKER)))
    assert codes(findings) == ["http.not-json"]
    # Where nothing is JSON it is the business of the check that asks for that.
    io = FakeIo(
        http_script={"GET /api/v5/public/instruments": page(200), "GET /api/v5/market/books": page(200)},
        records=(Traffic(answers=(html,)),),
    )
    with pytest.raises(schema.Skip, match="see http"):
        run(schema.CHECK, io)


def test_without_others_it_asks_for_a_list_and_a_book() -> None:
    io = FakeIo(
        http_script={"GET /api/v5/public/instruments": ok([INSTRUMENT]), "GET /api/v5/market/books": ok([BOOK])}
    )
    facts, findings = run(schema.CHECK, io)
    assert (facts.answers, findings) == (2, ())
    assert len(io.asks) == 2


def message(channel: str, row: object, **more: object) -> str:
    return json.dumps({"arg": {"channel": channel, "instId": "BTC-USDT"}, **more, "data": [row]})


def said(*texts: str, path: str = "public") -> tuple[Conversation, ...]:
    return (Conversation(url=f"wss://ws.okx.com/ws/v5/{path}", received=texts),)


PUSHED = {
    "asks": BOOK["asks"],
    "bids": BOOK["bids"],
    "ts": "1629966436396",
    "checksum": 0,
    "seqId": 12,
    "prevSeqId": -1,
}


def test_messages_of_a_websocket() -> None:
    texts = ("pong", '{"event":"subscribe","arg":{"channel":"tickers","instId":"BTC-USDT"},"connId":"a4d3ae55"}',
             message("tickers", TICKER), message("books", PUSHED, action="snapshot"))  # fmt: skip
    facts, findings = looked(conversations=said(*texts))
    assert findings == ()
    assert facts.messages == 3
    wrong = (
        message("tickers", {**TICKER, "last": 9999.99}),
        message("books", {**PUSHED, "seqId": "12"}, action="delta"),
        '{"event":"subscribe","connId":"a4d3ae55"}',
    )
    _, findings = looked(conversations=said(*texts, *wrong))
    assert changes(findings) == {
        ("schema.type-changed", "last", "type"),
        ("schema.type-changed", "seqId", "type"),
        ("schema.unknown-value", "action", "unknown-word"),
        ("schema.field-missing", "arg", "missing"),
    }
    # The book is a subject of its own: another check rebuilds it from these fields.
    assert {finding.subject for finding in findings} == {"ws", "ws books"}


def test_figures_of_private_answers_are_not_kept() -> None:
    told = answer("GET /api/v5/account/balance", envelope(changed(BALANCE, "totalEq", put("918.84e2"))))
    io_facts, _ = looked(replace(told, signed=True))
    text = msgspec.json.encode(io_facts).decode()
    assert "918.84" not in text
    assert "91884" not in text


def test_illiquid_instruments_may_have_nothing_to_say() -> None:
    new = {
        **INSTRUMENT,
        "instId": "NEW-USDT",
        "state": "preopen",
        "tickSz": "",
        "lotSz": "",
        "minSz": "",
        "maxLmtSz": "",
    }
    _, findings = looked(answer("GET /api/v5/public/instruments", envelope(INSTRUMENT, new)))
    assert findings == ()


def test_a_contract_on_a_liquid_pair_does_not_stand_for_the_pair() -> None:
    """The contract names the pair as its family; the pair itself is asked for all the same."""
    contract = {**INSTRUMENT, "instId": "BTC-USDT-SWAP", "instFamily": "BTC-USDT", "uly": "BTC-USDT", "minSz": "0.01"}
    io = FakeIo(
        http_script={
            "GET /api/v5/public/instruments": ok([{**INSTRUMENT, "minSz": ""}]),
            "GET /api/v5/market/books": ok([BOOK]),
        },
        records=(Traffic(answers=(answer("GET /api/v5/public/instruments", envelope(contract)),), conversations=()),),
    )
    _, findings = run(schema.CHECK, io)
    assert changes(findings) == {("schema.type-changed", "minSz", "emptied")}


def test_a_long_list_is_walked_evenly() -> None:
    rows = [INSTRUMENT] * (3 * MOST_ROWS)
    facts, findings = looked(answer("GET /api/v5/public/instruments", envelope(*rows, {**INSTRUMENT})))
    (profile,) = (one for one in facts.profiles if one.part == "rows")
    assert profile.rows == len(rows) + 1
    assert MOST_ROWS // 2 < profile.walked <= MOST_ROWS
    assert findings == ()


def test_answers_of_another_site_are_not_judged() -> None:
    other = replace(answer("GET /api/v5/market/ticker", envelope({})), url="https://eea.okx.com/api/v5/market/ticker")
    _, findings = looked(other, answer("GET /api/v5/market/ticker", envelope(TICKER)))
    assert findings == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)

ENVELOPES = st.dictionaries(st.sampled_from(["code", "data", "msg"]), JSON)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(ROWS)), JSON | ENVELOPES), max_size=4), st.lists(JSON, max_size=4))
def test_any_answer_is_judged_without_a_crash(answers: list[tuple[str, Any]], messages: list[Any]) -> None:
    gathered = schema._Gathered()
    for place, body in answers:
        gathered.answer(answer(place, body))
    texts = tuple(json.dumps(one) for one in messages)
    gathered.conversation(Conversation(url="wss://ws.okx.com/ws/v5/public", received=texts))
    judged(schema.CHECK, gathered.facts())


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 50_000, "NaN", "\x00", "1e999999999", '{"code":NaN}'])
def test_hostile_text(text: str) -> None:
    gathered = schema._Gathered()
    gathered.answer(answer("GET /api/v5/market/ticker", text))
    judged(schema.CHECK, gathered.facts())


def test_numbers_are_kept_as_they_were_written() -> None:
    expected = {
        "1": "number", "1.0": "fraction", "1e2": "exponent", '"1"': "digits", '"0.00"': "zero",
        '"1e2"': "exponent-text", '"x"': "text", '"0.10000000000000001"': "noise", '"12345.00000001"': "decimal",
        "null": "null", "true": "bool",
    }  # fmt: skip
    assert {text: form_of(decoded(text)) for text in expected} == expected


# ---- the models ----------------------------------------------------------------------------------


def test_models_are_sourced_and_their_sets_of_words_exist() -> None:
    places = [place for model in shapes() for place in model.of]
    assert len(places) == len(set(places))
    for model in shapes():
        assert model.grade in ("documented", "observed", "assumed")
        assert len(model.source) > 10
        assert model.seen.startswith("2026-")
        for field in (*model.fields.values(), *model.message.values()):
            assert not field.words or field.words in enums(), field


def test_every_public_answer_of_the_exchange_has_the_documented_shape() -> None:
    """The embedded exchange is another author's reading of the same documents."""
    exchange = Exchange(clock=Clock(lambda: 1_795_363_200_123_000_000), seed=11)
    gathered = schema._Gathered()
    asked = (
        "public/time", "public/instruments?instType=SPOT", "public/instruments?instType=SWAP", "system/status",
        "public/instruments?instType=FUTURES", "public/mark-price?instType=SWAP", "market/tickers?instType=SPOT",
        "market/books?instId=ETH-USDT&sz=20", "market/trades?instId=BTC-USDT", "market/candles?instId=BTC-USDT",
        "public/price-limit?instId=BTC-USDT-SWAP", "public/open-interest?instType=SWAP",
        "public/funding-rate?instId=BTC-USDT-SWAP", "market/index-tickers?instId=BTC-USDT",
    )  # fmt: skip
    for path in asked:
        reply = respond(exchange, "global", Request(method="GET", target=f"/api/v5/{path}"))
        assert reply.status == 200, path
        gathered.answer(answer(f"GET /api/v5/{path}", reply.body.decode()))
    facts = gathered.facts()
    assert codes(judged(schema.CHECK, facts)) == []
    assert facts.unmodelled == ()


def test_answers_that_were_cut_are_not_walked() -> None:
    place = "GET /api/v5/market/ticker"
    whole = answer(place, envelope({**TICKER, "last": 1}))
    assert looked(whole)[1] != ()
    for cut in (replace(whole, truncated=True), replace(whole, body=whole.body[:-9] + "\ufffd" + whole.body[-8:])):
        facts, findings = looked(cut)
        assert findings == ()
        assert looked(whole)[0].answers - facts.answers == 1


def test_answers_that_are_no_json_are_counted() -> None:
    place = "GET /api/v5/market/ticker"
    facts, _ = looked(*[answer(place, "<html>", content_type="text/html")] * 3)
    assert [(odd.place, odd.count) for odd in facts.odd] == [(place, 3)]


@pytest.mark.parametrize("row", [["BTC-USDT", "67000"], [[]], "BTC-USDT", None, 7])
def test_a_row_that_is_no_object(row: object) -> None:
    findings = looked(answer("GET /api/v5/market/ticker", envelope(row)))[1]
    assert [(one.code, one.evidence["changes"][0]["field"]) for one in findings] == [("schema.type-changed", "data[]")]


def test_a_candle_that_is_an_object() -> None:
    findings = looked(answer("GET /api/v5/market/candles", envelope({"ts": "1795361598371", "o": "1"})))[1]
    assert ("type", "data[]") in {(row["change"], row["field"]) for row in findings[0].evidence["changes"]}


def test_what_stands_beside_the_rows_is_walked_too() -> None:
    """Of the documented pushes the books have such a member: the kind of message."""
    row = {**BOOK, "checksum": 0, "prevSeqId": -1}

    def pushed(action: object) -> Conversation:
        beside = {} if action is None else {"action": action}
        text = json.dumps({"arg": {"channel": "books", "instId": "BTC-USDT"}, **beside, "data": [row]})
        return Conversation(url="wss://ws.okx.com:8443/ws/v5/public", received=(text,))

    assert changes(looked(conversations=(pushed("snapshot"),))[1]) == set()
    assert {field for _, field, _ in changes(looked(conversations=(pushed(7),))[1])} == {"action"}
    assert {field for _, field, _ in changes(looked(conversations=(pushed(None),))[1])} == {"action"}


@pytest.mark.parametrize(
    ("status", "body"), [(429, '{"code":429,"message":"slow down"}'), (403, '{"code":"403","message":"no route"}')]
)
def test_the_envelope_of_a_gateway_is_no_drift(status: int, body: str) -> None:
    facts, findings = looked(answer("GET /api/v5/market/ticker", body, status=status))
    assert findings == ()
    assert facts.answers == looked()[0].answers
