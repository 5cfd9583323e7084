"""Finding what somebody asks about."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okxdoctor.knowledge import CauseRow, CodeRow, causes, codes, families
from okxdoctor.knowledge.lookup import MOST, Endpoints, Family, Matches, find, near
from okxdoctor.knowledge.messages import families_meant, in_logs, in_questions, same_words
from okxdoctor.knowledge.search import _is_slip, _mended, symptoms
from okxdoctor.knowledge.words import words


def names(asked: str) -> list[str]:
    found = find(asked)
    match found:
        case None:
            return []
        case CauseRow() | CodeRow():
            return [found.code]
        case Family():
            return [row.code for row in found.causes]
        case Matches():
            return [row.code for row in found.rows]
        case Endpoints():
            return [f"{row.method} {row.path}" for row in found.rows]


def test_every_cause_code_and_family_finds_itself() -> None:
    for code in causes():
        assert find(code) is causes()[code]
    for number in codes():
        assert find(number) is codes()[number]
    for family in families():
        found = find(family)
        assert isinstance(found, Family)
        assert found.name == family
        assert {row.family for row in found.causes} == {family}


def test_a_family_may_be_written_as_a_pattern() -> None:
    for asked in ("tls", "tls.", "tls*", "TLS.*"):
        found = find(asked)
        assert isinstance(found, Family)
        assert found.name == "tls"
    assert find("*") is None
    assert find(".") is None


def test_a_whole_log_is_searched_in_bounded_time() -> None:
    """Repetition is the worst case for templates with several placeholders; the limit is generous."""
    from time import monotonic

    begun = monotonic()
    find("Order failed. For isolated long/short mode of " + "the sum of current order size, contracts " * 4000)
    assert monotonic() - begun < 20


def test_case_and_blanks_do_not_matter() -> None:
    assert names("  Clock.AHEAD ") == ["clock.ahead"]
    assert names(" 50113\n") == ["50113"]


def test_every_message_of_the_exchange_finds_its_code() -> None:
    """Placeholders filled as the exchange does. Several codes can share a text: then the code is in the list."""
    lost = []
    for row in codes().values():
        for text in (row.message, *row.variants):
            filled = text.replace("{param0}", "BTC").replace("{", "").replace("}", "")
            if filled and row.code not in names(filled) and not is_shared_widely(filled):
                lost.append((row.code, filled))
    assert not lost


def is_shared_widely(text: str) -> bool:
    found = find(text)
    return isinstance(found, Matches) and found.more > 0


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Invalid Sign", "50113"),
        ("invalid sign.", "50113"),
        ("Timestamp request expired", "50102"),
        ("APIKey does not match current environment.", "50101"),
        ("API key doesn't exist", "50119"),
        ("Too Many Requests", "50011"),
        ("Your IP 203.0.113.7 is not included in your API key's IP whitelist.", "50110"),
        ("Your IP 203.0.113.7 is not included in your API key's 0a-1b IP whitelist.", "50110"),
        ("Order price is not within the price limit (max buy price: 17057.9 , min sell price: 16388.9 )", "51006"),
        ("Order failed. Insufficient USDT margin in account", "51008"),
        ("Insufficient USDT balance in account", "51008"),
        ("Parameter clOrdId  error", "51000"),
        ("No data received in 30s.", "4004"),
        ("Login failed.", "60009"),
        ("Wrong URL or channel:x doesn't exist. Please use the correct URL, channel and parameters referring to API"
         " document.", "60018"),
        ("rate limit", "50011"),
        ("ahead", "clock.ahead"),
    ],
)  # fmt: skip
def test_texts_people_paste(text: str, first: str) -> None:
    assert names(text)[0] == first


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('ccxt.base.errors.AuthenticationError: okx {"msg":"Invalid Sign","code":"50113"}', "50113"),
        ("okx.exceptions.OkxAPIException: API Request Error(code=50119): API key doesn't exist", "50119"),
        ("OkxAPIException: APIError(code=50111): Invalid OK-ACCESS-KEY", "50111"),
        ("{'code': '50011', 'data': [], 'msg': 'Too Many Requests'}", "50011"),
        ('okx {"code":"1","data":[{"sCode":"51008","sMsg":"Order failed."}],"msg":"All operations failed"}', "51008"),
        ('{"event":"error","msg":"Login failed.","code":"60009","connId":"5f1a0f01"}', "60009"),
        ("ConnectionClosedError: received 4004 (private use) No data received in 30s.; then sent 4004", "4004"),
        ('ERROR bot: {"level":"error","error":{"code":"51000","msg":"Parameter posSide error"}}', "51000"),
        ("OKXAPIError [50014] Parameter ordId can not be empty", "50014"),
        ('{"event":"notice","code":"64008","msg":"The connection will soon be closed"}', "64008"),
        ("Request header OK-ACCESS-PASSPHRASE incorrect.", "50105"),
    ],
)
def test_exceptions_of_clients_find_their_code(text: str, code: str) -> None:
    assert names(text) == [code]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("ssl.SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)", "proxy.scheme-wrong"),
        ("SSLCertVerificationError: certificate verify failed: self-signed certificate", "tls.intercepted"),
        ("certificate verify failed: certificate is not yet valid", "clock.behind"),
        ("httpx.ConnectError: [Errno -2] Name or service not known", "dns.name-not-found"),
        ("[Errno 111] Connection refused", "tcp.refused"),
        ("json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)", "http.not-json"),
        ("Error: getaddrinfo ENOTFOUND www.okex.com", "dns.name-not-found"),
        ("Error: connect ECONNREFUSED 127.0.0.1:7890", "tcp.refused"),
        ("407 Proxy Authentication Required", "proxy.auth-required"),
        ("clock skew", "clock.ahead"),
        ("httpx.HTTPStatusError: Client error '401 Unauthorized' for url 'https://a.test/api/v5/x'", "key.unknown"),
        ("requests.exceptions.HTTPError: 403 Client Error: 403 Forbidden for url", "http.edge-blocked"),
        ("ExchangeNotAvailable: okx GET https://a.test/x 503 Service Unavailable", "status.maintenance"),
        ("asyncio.exceptions.TimeoutError", "http.timeout"),
        ("API key expired", "key.unknown"),
        ("TimeoutError: [Errno 110] Connection timed out", "tcp.filtered"),
    ],
)
def test_texts_of_libraries_lead_to_causes(text: str, first: str) -> None:
    assert names(text)[0] == first


def test_symptoms_name_known_causes_and_no_phrase_twice() -> None:
    phrases = [phrase for phrase, _ in symptoms()]
    assert len(set(phrases)) == len(phrases)
    for phrase, behind in symptoms():
        assert phrase
        assert set(behind) <= set(causes()), phrase


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('{"msg":"Invalid Sign","code":"50113"}', ["50113"]),
        ("okx {'code': '50119', 'msg': 'x'}", ["50119"]),
        ('{"code":"1","data":[{"sCode":"51008","sMsg":""}],"msg":"All operations failed"}', ["51008"]),
        ('{"code":"2","data":[{"sCode":"0"},{"sCode":"51121"},{"sCode":"51020"}]}', ["51121", "51020"]),
        ('{"code":"0","data":[]}', ["0"]),
        ('{"event":"error","msg":"Login failed.","code":"60009","connId":"a4d3ae55"}', ["60009"]),
        ("50102, 50113", ["50102", "50113"]),
        ("error 50113", ["50113"]),
    ],
)
def test_pasted_answers(body: str, found: list[str]) -> None:
    assert names(body) == found


@pytest.mark.parametrize(
    ("asked", "methods"),
    [
        ("/api/v5/market/ticker", ["GET"]),
        ("market/ticker", ["GET"]),
        ("GET /api/v5/market/ticker?instId=BTC-USDT", ["GET"]),
        ("https://openapi.okx.com/api/v5/market/ticker", ["GET"]),
        ("trade/order", ["GET", "POST"]),
        ("post trade/order", ["POST"]),
        ("/API/V5/Trade/Order/", ["GET", "POST"]),
        ("orders-pending", ["GET", "GET"]),
        ("set-leverage", ["POST"]),
    ],
)
def test_endpoints(asked: str, methods: list[str]) -> None:
    found = find(asked)
    assert isinstance(found, Endpoints)
    assert [row.method for row in found.rows] == methods


@pytest.mark.parametrize("asked", ["market/nothing", "/", "//", "POST /api/v5/public/time", "a/b"])
def test_unknown_endpoints(asked: str) -> None:
    assert not isinstance(find(asked), Endpoints)


def test_http_statuses() -> None:
    assert names("429")[:2] == ["50011", "50013"]
    assert {"50113", "50119", "50120"} <= set(names("HTTP 401"))
    assert names("405") == ["50115"]
    assert names("403") == ["http.edge-blocked", "http.region-blocked", "50035"]
    assert names("HTTP 522") == ["http.origin-down"]
    assert find("200") is None
    assert find("418") is None


@pytest.mark.parametrize(
    "asked", ["", "   ", "xyzzy", "50131", "12", "-5", "ÄÖ", "?", "{}", "a", "clok.ahead", "9" * 400]
)
def test_what_is_not_known(asked: str) -> None:
    assert find(asked) is None


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("50131", "50113"),
        ("50130", "50100"),
        ("60033x", None),
        ("5113", "50113"),
        ("501113", "50113"),
        ("clok.ahead", "clock.ahead"),
        ("tls.expire", "tls.expired"),
        ("drifting", "clock.drifting"),
        ("dsn", "dns"),
        ("mycheck", "mychecks"),
    ],
)
def test_near_misses(asked: str, expected: str | None) -> None:
    hints = near(asked, ("mychecks",))
    assert len(hints) <= 4
    if expected is not None:
        assert expected in hints


def test_exchanged_digits_come_first() -> None:
    assert near("50131")[0] == "50113"
    assert near("999999") == ()


@given(st.text(max_size=80))
@settings(max_examples=60, deadline=None)
def test_any_text_is_answered_or_not_but_never_fails(text: str) -> None:
    found = find(text)
    near(text)
    if isinstance(found, Matches):
        assert 2 <= len(found.rows) <= MOST


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ("E50113", "50113"), ("code: 50113", "50113"), ("websocket 1006", "ws.drops"), ("1006", "ws.drops"),
        ("status 429", "50011"), ("HTTP status 403", "http.edge-blocked"),
        ("invalid signature", "50113"), ("signature invalid", "50113"), ("wrong sign", "50113"),
        ("invalid sing", "50113"),
        ("bad signature", "50113"), ("hmac mismatch", "50113"),
        ("timestmap expired", "50102"), ("passphrase wrong", "50105"), ("ip whitelist", "50110"),
        ("wrong apikey", "50111"), ("api key not found", "50119"), ("api key does not exist", "50119"),
        ("insuficient balance", "51008"), ("not enough money", "51008"), ("duplicate order id", "51016"),
        ("symbol not found", "51001"), ("order not found", "51603"), ("channel does not exist", "60018"),
        ("hedge mode", "account.position-mode"), ("tick size", "precision.price-off-tick"),
        ("无效的签名", "50113"), ("签名错误", "50113"), ("请求时间戳过期", "50102"), ("余额不足", "51008"),
        ("IP白名单", "50110"),
        ("UnknownHostException", "dns.name-not-found"), ("PKIX path building failed", "tls.trust-store"),
        ("x509: certificate signed by unknown authority", "tls.trust-store"),
        ("only POST fails", "signature.body-reserialised"), ("websocket disconnects every 30 seconds", "ws.drops"),
        ("works on demo but not live", "key.wrong-environment"),
    ],
)  # fmt: skip
def test_what_people_call_it(asked: str, first: str) -> None:
    assert names(asked)[0] == first


@pytest.mark.parametrize(
    ("asked", "family"), [("SSL error", "tls"), ("dns failure", "dns"), ("precision trouble", "precision")]
)
def test_a_vague_question_is_answered_by_a_family(asked: str, family: str) -> None:
    found = find(asked)
    assert isinstance(found, Family)
    assert found.name == family


@pytest.mark.parametrize("asked", ["hello world", "good morning", "签", "ahed", "sgin"])
def test_what_asks_nothing_is_not_answered(asked: str) -> None:
    assert find(asked) is None


def test_letters_for_digits_are_a_slip() -> None:
    assert near("5O113") == ("50113",)
    assert near("5oii3") == ("50113",)


def test_a_slip_of_the_pen_is_mended_only_where_one_word_is_meant() -> None:
    assert _is_slip("sing", "sign")
    assert _is_slip("timestmp", "timestamp")
    assert not _is_slip("sign", "sign in")
    assert _mended("the sgin of it") == "the sign of it"
    assert _mended("xyzzy plugh") == "xyzzy plugh"


def test_every_chinese_message_finds_its_code() -> None:
    lost = []
    for number, texts in in_logs().items():
        assert number in codes()
        for text in texts:
            filled = text.replace("{param0}", "BTC").replace("{param1}", "9")
            if number not in names(filled) and not is_shared_widely(filled):
                lost.append((number, filled))
    assert not lost


def test_what_codes_are_called_exists_and_is_told_once() -> None:
    seen: dict[tuple[str, ...], str] = {}
    for number, texts in in_questions().items():
        assert number in codes() or number in causes()
        for text in texts:
            assert words(text), text
            assert seen.setdefault(words(text), number) == number, text
    assert set(families_meant().values()) <= set(families())
    assert not set(same_words()) & set(same_words().values()), "a word is replaced once"
