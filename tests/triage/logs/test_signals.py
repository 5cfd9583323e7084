"""What is a failure of OKX in a line, in the words of many clients; and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.knowledge import causes, codes
from okxdoctor.knowledge.log_marks import log_marks
from okxdoctor.knowledge.search import symptoms
from okxdoctor.knowledge.words import words as words_of
from okxdoctor.triage.logs.signals import concerns_okx, signals


def names(text: str) -> list[str]:
    return [signal.name for signal in signals(text)]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        # ccxt, python-okx, okx-api, nautilus_trader, aiohttp, websockets and what people write around them
        ('ccxt.base.errors.AuthenticationError: okx {"msg":"Invalid Sign","code":"50113"}', "50113"),
        ("{'code': '51000', 'data': [], 'msg': 'Parameter sz error'}", "51000"),
        ("okx.exceptions.OkxAPIException: API Request Error(code=50119): API key doesn't exist", "50119"),
        ("  code: '50101'", "50101"),
        ("[ERROR] TRADER-001.OKX: OKX error 51121: Order quantity must be a multiple of the lot size.", "51121"),
        (r'{"MESSAGE":"failed: {\"code\":\"50105\",\"msg\":\"x\"}"}', "50105"),
        ('{"event":"error","code":"60012","msg":"Illegal request: ping","connId":"a4d3"}', "60012"),
        ("error_code=50011 retrying", "50011"),
        ("okx order rejected (51008)", "51008"),
        ("50102 Timestamp request expired", "50102"),
        ("okx: Timestamp request expired.", "Timestamp request expired."),
        ("okx Invalid Sign", "50113"),
        ('{"code":"59999","msg":"new in the future"}', "59999"),
        ("websockets.exceptions.ConnectionClosedError: received 4004 (private use) No data received in 30s", "4004"),
        ("ws closed: code=1006", "1006"),
        ("sent 1011 (internal error) keepalive ping timeout; no close frame received on connection", "1011"),
        ("socket.gaierror: [Errno -2] Name or service not known", "name or service not known"),
        ("connect ECONNREFUSED 127.0.0.1:7890", "connection refused"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] verify failed: unable to get local issuer certificate (_ssl.c:1)",
         "unable to get local issuer certificate"),
        ("json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)", "jsondecodeerror"),
        ("HTTPError: 403 Client Error: Forbidden for url: https://www.okx.com/api/v5/x", "HTTP 403"),
        ("WSServerHandshakeError: 403, message='Invalid response status', url='wss://ws.okx.com'", "HTTP 403"),
        ("okx status_code=503", "HTTP 503"),
        ('"GET /api/v5/account/balance HTTP/1.1" 401 87', "HTTP 401"),
        ("okx order failed with sCode 51155", "51155"),
        ("okx: login fails 60032", "60032"),
        ("Unexpected server response: 429", "server rejected websocket connection"),
        # the message behind the number is evidence without the word error
        ('50103 "Request header OK-ACCESS-KEY can not be empty."', "50103"),
        ("[okx] 50110 Your IP 203.0.113.7 is not included in your API key's IP whitelist", "50110"),
        ("60011 Please log in", "60011"),
    ],
)  # fmt: skip
def test_a_failure_is_found(line: str, name: str) -> None:
    assert name in names(line)


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("Cannot connect to host ws.okx.com:8443 ssl:default [The semaphore timeout period has expired]",
         "tcp.port-8443-closed"),
        ("WS 'Cannot connect to host …:8443 … semaphore timeout'", "tcp.port-8443-closed"),
        ("okx OSError: [WinError 10060]", "tcp.filtered"),
        ('okx answered {"msg":"Too Many Requests","code":50011}', "schema.type-changed"),
        ('okx answered {"msg":"Too Many Requests","code":"50011"}', "ratelimit.exceeded"),
        ("okx sCode=51169 order failed", "order.state-diverges"),
        ("okx {'code': '51000', 'msg': 'Parameter posSide error'}", "account.position-mode"),
        ('50014 "Parameter ccy can not be empty"', "account.mode-forbids"),
        ("okx error 50113", "signature.timestamp-differs"),
    ],
)  # fmt: skip
def test_a_cause_is_among_the_candidates(line: str, cause: str) -> None:
    assert any(cause in signal.causes for signal in signals(line))


def test_each_parameter_is_a_failure_of_its_own() -> None:
    text = "okx {'code': '51000', 'msg': 'Parameter NAME error'}"
    told = [next(signals(text.replace("NAME", name))) for name in ("posSide", "clOrdId", "instId")]
    assert len({signal.key for signal in told}) == 3
    assert {signal.name for signal in told} == {"51000"}
    assert told[1].causes == ("order.client-id-invalid",)


def test_a_code_as_text_has_no_other_type() -> None:
    (signal,) = signals('okx answered {"msg":"Too Many Requests","code":"50011"}')
    assert "schema.type-changed" not in signal.causes


@pytest.mark.parametrize(
    "line",
    [
        '{"code":"0","data":[{"ordId":"312","sCode":"0","sMsg":""}],"msg":"","inTime":"1748617662056837"}',
        "order placed px 50113 sz 51008 ordId 590908157585625111 clOrdId b50113",
        '{"arg":{"channel":"tickers"},"data":[{"last":"50102","lastSz":"429","askPx":"50103.1","ts":"1763800050113"}]}',
        "INFO starting: retry codes [50011, 50061], ws wss://ws.okx.com:8443/ws/v5/public",
        'INFO httpx HTTP Request: GET https://www.okx.com/api/v5/public/time "HTTP/1.1 200 OK"',
        "headers {'server': 'cloudflare', 'cf-ray': '8f1-AMS'}",
        "child exited with code=1, country code: 51000, 404 rows in 503 ms, port 50011 open",
        "exit code 1", "latency 401 ms, http pool size 429, status ok", "websocket closed normally code=1000",
        "error rate 0.0, errors: 0, exceptions 0, last error: none", "balance 50113.50119 equity=50119",
        "ntp offset 0.3 ms, clock drift 2 ppm", "code 101", "funding 0.00050113", "error at line 50113.5",
    ],
)  # fmt: skip
def test_a_healthy_line_tells_nothing(line: str) -> None:
    assert names(line) == []


def test_the_codes_of_the_items_count_before_that_of_the_whole() -> None:
    answer = '{"code":"2","data":[{"sCode":"0"},{"sCode":"51008"},{"sCode":"51121"}],"msg":""}'
    assert names(answer) == ["51008", "51121"]
    assert names('{"code":"1","data":[],"msg":"Operation failed."}') == ["1"]
    assert names('{"code":"1","data":[{"sCode":"0"}],"msg":""}') == []


def test_who_is_spoken_of() -> None:
    assert concerns_okx("okx refused") is True
    assert concerns_okx("GET https://my-gateway.test/api/v5/account/balance") is True
    assert concerns_okx("GET https://api.example.com/v1 429") is False
    assert concerns_okx("binance 429") is False
    assert concerns_okx("binance and okx 429") is True
    assert concerns_okx("http://localhost:8080 refused") is None
    assert concerns_okx("429") is None


@pytest.mark.parametrize("code", [code for code in codes() if len(code) == 5])
def test_every_code_is_found_in_an_answer(code: str) -> None:
    assert names(f'{{"code":"{code}","data":[],"msg":"x"}}') == [code]


def test_every_phrase_that_is_read_in_logs_is_found_again() -> None:
    marks = log_marks()
    for words, causes_ in symptoms():
        phrase = " ".join(words)
        if phrase not in {" ".join(words_of(text)) for text in marks.not_in_logs}:
            found = list(signals(f"failed: {phrase}"))
            assert any(set(signal.causes) & set(causes_) for signal in found), phrase


def test_the_marks_name_causes_and_phrases_that_exist() -> None:
    marks = log_marks()
    named = {cause for table in (marks.statuses, marks.closes) for row in table.values() for cause in row}
    assert named <= set(causes())
    phrases = {" ".join(words) for words, _ in symptoms()}
    for text in marks.not_in_logs | marks.generic:
        assert " ".join(words_of(text)) in phrases, text


FRAGMENTS = st.sampled_from(
    ["code", '"code":"50113"', "error", "50113", ":", " ", "okx", "sCode=51008", "HTTP/1.1 429", "closed", "1006", "🚀",
     "Connection refused", "{", "}", '"', "\\", "Invalid Sign", "msg", "\t"]
)  # fmt: skip


@given(st.lists(FRAGMENTS, max_size=25).map("".join) | st.text(max_size=200))
def test_any_line_is_judged(line: str) -> None:
    for signal in signals(line):
        assert signal.name
        assert set(signal.causes) <= set(causes())
    concerns_okx(line)


def test_an_address_in_the_line_names_causes_of_its_own() -> None:
    (old,) = signals("Cannot connect to host www.okex.com:443 [Connection refused]")
    assert old.causes[0] == "dns.retired-name"
    (port,) = signals("Cannot connect to host ws.okx.com:8443 [Connect call failed]")
    assert port.causes[0] == "tcp.port-8443-closed"
    (usual,) = signals("Cannot connect to host ws.okx.com:443 [Connect call failed]")
    assert "tcp.port-8443-closed" not in usual.causes


@pytest.mark.parametrize(
    "piece", [" ", "\\", "error ", "code", "code: ", "status ", "x", "5", "50113 ", "closed ", "a.", "/", "'", '"']
)
def test_a_hostile_line_is_judged_like_any_other(piece: str) -> None:
    for head in ("", "error", "okx status", "code", "websocket closed", "https://"):
        list(signals((head + piece * 16_384)[:16_384]))
        concerns_okx((head + piece * 16_384)[:16_384])
