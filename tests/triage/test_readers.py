"""Each form of capture, with the awkward things that real ones have."""

from __future__ import annotations

import base64
import gzip
import json
import zlib

import pytest

from okxdoctor.triage.capture import CaptureError, Login, Request, is_redacted
from okxdoctor.triage.readers import answer, read

ORDER = '{"instId":"BTC-USDT","tdMode":"cash","side":"buy","ordType":"limit","px":"2.15","sz":"2"}'


def one(data: str | bytes) -> Request:
    captures = read(data if isinstance(data, bytes) else data.encode())
    assert len(captures) == 1
    assert isinstance(captures[0], Request)
    return captures[0]


# ---- curl ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "method", "target", "body"),
    [
        ("curl https://www.okx.com/api/v5/public/time", "GET", "/api/v5/public/time", ""),
        ("$ curl -s 'https://www.okx.com/a?b=1&c=2' | jq .", "GET", "/a?b=1&c=2", ""),
        ("FOO=1 /usr/bin/curl -XDELETE https://h/a", "DELETE", "/a", ""),
        ("curl -d '{}' https://h/a", "POST", "/a", "{}"),
        ("curl -X PUT -d '{}' https://h/a", "PUT", "/a", "{}"),
        ("curl https://h/a --data-raw '@x'", "POST", "/a", "@x"),
        ("curl -sSG https://h/a -d x=1 --data-urlencode 'y=a b&c'", "GET", "/a?x=1&y=a%20b%26c", ""),
        ("curl -G 'https://h/a?z=0' -d x=1", "GET", "/a?z=0&x=1", ""),
        ("curl -d a=1 -d b=2 https://h/a", "POST", "/a", "a=1&b=2"),
        ("curl --json '{\"a\":1}' https://h/a", "POST", "/a", '{"a":1}'),
        ("curl --request=POST --data-binary='x y' --url=https://h/a", "POST", "/a", "x y"),
        ("curl -I https://h/a", "HEAD", "/a", ""),
        ("curl \\\n  --compressed \\\r\n 'https://h/a'\\\n -d x", "POST", "/a", "x"),
        ('curl "https://h/a" ^\r\n -d "{\\"a\\":1}"', "POST", "/a", '{"a":1}'),
        ('curl "https://h/a" `\n -d "x"', "POST", "/a", "x"),
        ('curl https://h/a -d $\'{"a":"\\u00e9\\n\\x21\\\'"}\'', "POST", "/a", '{"a":"é\n!\'"}'),
        ("curl https://h/a -d $'\\xc3\\xa9\\303\\251'", "POST", "/a", "éé"),
        ("curl https://h/a -d 'a'\"'\"'b'", "POST", "/a", "a'b"),
        ('curl https://h/a -d "\\$x \\`y\\` \\n \\\\"', "POST", "/a", "$x `y` \\n \\"),
        ("curl https://h/a#frag", "GET", "/a", ""),
        ("curl h:8080/a?x", "GET", "/a?x", ""),
        ("curl https://h", "GET", "/", ""),
        ("curl https://h?x=1", "GET", "/?x=1", ""),
        ('curl ^"https://h/a?b=1^&c=2^" ^\r\n  -d ^"{^\\^"a^\\^":1}^"', "POST", "/a?b=1&c=2", '{"a":1}'),
        ("# a comment\ncurl https://h/a # and another", "GET", "/a", ""),
        ("curl https://h/a --max-time 5 -o /dev/null -x http://p:1 -k -d x", "POST", "/a", "x"),
    ],
)
def test_curl_sends(command: str, method: str, target: str, body: str) -> None:
    request = one(command)
    assert (request.method, request.target, request.body.decode()) == (method, target, body)


def test_curl_headers() -> None:
    request = one(
        "curl https://h/a -H 'OK-ACCESS-KEY: k' -H 'Empty;' -H 'Gone:' -H'X-A:b:c' "
        "--header 'Content-Type:application/json' -d x"
    )
    assert request.headers == (
        ("OK-ACCESS-KEY", "k"), ("Empty", ""), ("X-A", "b:c"), ("Content-Type", "application/json"),
    )  # fmt: skip
    assert one("curl https://h/a -d x").header("content-type") == "application/x-www-form-urlencoded"
    assert one("curl https://h/a --json x").header("content-type") == "application/json"


def test_curl_body_in_a_file_is_not_known() -> None:
    request = one("curl https://h/api/v5/x -d @order.json")
    assert request.body_missing
    assert any("file" in remark for remark in request.remarks)


def test_an_address_cut_by_the_shell_is_told() -> None:
    request = one("curl https://h/a?b=1&c=2 -H 'A: b'")
    assert request.target == "/a?b=1"
    assert any("quotation marks" in remark for remark in request.remarks)
    assert not one("curl 'https://h/a?b=1&c=2'").remarks


def test_several_curl_commands() -> None:
    captures = read(b"curl https://h/a\ncurl https://h/b -d 1; curl https://h/c")
    assert [(c.method, c.target) for c in captures if isinstance(c, Request)] == [
        ("GET", "/a"), ("POST", "/b"), ("GET", "/c"),
    ]  # fmt: skip


def test_credentials_in_an_address_do_not_reach_the_origin() -> None:
    assert one("curl https://user:hunter22@h:1/a").origin == "https://h:1"


# ---- HTTP text -----------------------------------------------------------------------------------------------------

HEAD = "POST /api/v5/trade/order HTTP/1.1\r\nHost: www.okx.com\r\nOK-ACCESS-KEY: k\r\n"


@pytest.mark.parametrize("newline", ["\r\n", "\n"])
def test_http_text(newline: str) -> None:
    text = f"{HEAD}Content-Length: {len(ORDER)}\r\n\r\n{ORDER}".replace("\r\n", newline)
    request = one(text)
    assert (request.method, request.target, request.origin) == ("POST", "/api/v5/trade/order", "https://www.okx.com")
    assert request.header("ok-access-key") == "k"
    assert request.body == ORDER.encode()


def test_http_text_without_length_and_with_a_last_line_break() -> None:
    assert one(f"{HEAD}\r\n{ORDER}\r\n").body == ORDER.encode()


def test_http_text_from_an_editor_without_version() -> None:
    request = one("GET https://www.okx.com/api/v5/account/balance?ccy=BTC\nOK-ACCESS-KEY: k\n")
    assert (request.target, request.origin) == ("/api/v5/account/balance?ccy=BTC", "https://www.okx.com")


def test_absolute_form_and_a_folded_header() -> None:
    request = one("GET http://www.okx.com/api/v5/x?a=1 HTTP/1.1\r\nX-Long: a\r\n b\r\n\r\n")
    assert (request.origin, request.target, request.header("x-long")) == ("http://www.okx.com", "/api/v5/x?a=1", "a b")


def chunked(body: bytes) -> bytes:
    half = len(body) // 2
    parts = (body[:half], body[half:])
    return b"".join(f"{len(p):X};x=y\r\n".encode() + p + b"\r\n" for p in parts) + b"0\r\n\r\n"


@pytest.mark.parametrize("coding", ["identity", "gzip", "deflate", "raw deflate"])
@pytest.mark.parametrize("in_chunks", [False, True])
def test_codings_of_the_body(coding: str, in_chunks: bool) -> None:
    plain = ORDER.encode()
    raw = zlib.compressobj(wbits=-15)
    packed = {"identity": plain, "gzip": gzip.compress(plain), "deflate": zlib.compress(plain),
              "raw deflate": raw.compress(plain) + raw.flush()}[coding]  # fmt: skip
    length = "Transfer-Encoding: chunked" if in_chunks else f"Content-Length: {len(packed)}"
    head = f"{HEAD}Content-Encoding: {coding.removeprefix('raw ')}\r\n{length}\r\n\r\n".encode()
    assert one(head + (chunked(packed) if in_chunks else packed)).body == plain


def test_a_body_that_a_tool_already_unpacked() -> None:
    assert one(f"{HEAD}Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n{ORDER}").body == ORDER.encode()


def test_a_packed_body_that_unpacks_to_far_too_much_is_refused() -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    with pytest.raises(CaptureError, match="unpacks"):
        read(f"{HEAD}Content-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode() + bomb)


def test_a_cut_body_says_so() -> None:
    assert any("cut" in remark for remark in one(f"{HEAD}Content-Length: 500\r\n\r\n{ORDER}").remarks)


ANSWER = 'HTTP/1.1 401 Unauthorized\r\nDate: Tue, 08 Dec 2020 09:09:58 GMT\r\n\r\n{"msg":"Invalid Sign","code":"50113"}'


def test_the_answer_after_the_request() -> None:
    for length in (f"Content-Length: {len(ORDER)}\r\n", ""):
        request = one(f"{HEAD}{length}\r\n{ORDER}\r\n{ANSWER}" if not length else f"{HEAD}{length}\r\n{ORDER}{ANSWER}")
        assert request.body == ORDER.encode()
        assert (request.response.status, request.response.code) == (401, "50113")
        assert request.response.date_ms == 1_607_418_598_000


def test_curl_verbose_log() -> None:
    text = "* Trying 1.2.3.4\n> GET /api/v5/account/balance HTTP/2\n> Host: www.okx.com\n> OK-ACCESS-KEY: k\n>\n"
    text += '< HTTP/2 401\n< date: Tue, 08 Dec 2020 09:09:58 GMT\n<\n{"msg":"x","code":"50103"}\n'
    request = one(text)
    assert (request.target, request.header("OK-ACCESS-KEY")) == ("/api/v5/account/balance", "k")
    assert (request.response.status, request.response.code) == (401, "50103")


def test_utf16_from_windows() -> None:
    request = one(f"{HEAD}\r\n{ORDER}".encode("utf-16"))
    assert (request.target, request.body) == ("/api/v5/trade/order", ORDER.encode())


# ---- JSON ----------------------------------------------------------------------------------------------------------


def test_json_request_in_its_variants() -> None:
    headers = {"OK-ACCESS-KEY": "k"}
    for extra in ({"url": "https://www.okx.com/api/v5/x?a=1"}, {"request_path": "/api/v5/x?a=1"},
                  {"requestPath": "/api/v5/x?a=1", "host": "www.okx.com"}):  # fmt: skip
        request = one(json.dumps({"method": "get", "headers": headers, "body": None, **extra}))
        assert (request.method, request.target, request.header("ok-access-key")) == ("GET", "/api/v5/x?a=1", "k")
    pairs = json.dumps(
        {"method": "POST", "url": "/api/v5/x", "headers": [["A", "1"], {"name": "B", "value": "2"}, "C: 3"]}
    )
    assert one(pairs).headers == (("A", "1"), ("B", "2"), ("C", "3"))


def test_a_body_given_as_value_is_known_not_to_be_exact() -> None:
    request = one(json.dumps({"method": "POST", "url": "/api/v5/x", "headers": {}, "body": {"a": 1}}))
    assert request.body == b'{"a":1}'
    assert not request.exact_body
    assert one(json.dumps({"method": "POST", "url": "/api/v5/x", "body": '{"a": 1}'})).exact_body


def test_json_lines_and_lists() -> None:
    row = {"method": "GET", "url": "https://h/api/v5/x"}
    assert len(read("\n".join(json.dumps(row) for _ in range(3)).encode())) == 3
    assert len(read(json.dumps([row, row]).encode())) == 2


@pytest.mark.parametrize("stamp", ['"1767225600"', "1767225600", "1767225600.5"])
def test_logins(stamp: str) -> None:
    argument = f'{{"apiKey":"k","passphrase":"p","timestamp":{stamp},"sign":"s"}}'
    for text in (argument, f'{{"op":"login","args":[{argument}]}}'):
        (login,) = read(text.encode())
        assert isinstance(login, Login)
        assert (login.key, login.passphrase, login.sign) == ("k", "p", "s")
        assert login.timestamp == stamp.strip('"')
        assert login.numeric_timestamp is not stamp.startswith('"')


# ---- HAR -----------------------------------------------------------------------------------------------------------


def har(*entries: dict[str, object]) -> bytes:
    return json.dumps({"log": {"version": "1.2", "entries": list(entries)}}).encode()


def entry(url: str, method: str = "GET", **more: object) -> dict[str, object]:
    rest = {"status": 401, "headers": [{"name": "Date", "value": "Tue, 08 Dec 2020 09:09:58 GMT"}],
            "content": {"text": '{"msg":"x","code":"50113"}'}}  # fmt: skip
    headers = [{"name": ":method", "value": method}, {"name": "ok-access-key", "value": "k"}]
    return {"request": {"method": method, "url": url, "headers": headers, **more}, "response": rest}


def test_har_takes_the_entries_of_the_exchange() -> None:
    data = har(
        {"request": {"method": "GET", "url": "https://www.okx.com/favicon.ico", "headers": []}},
        entry("https://www.okx.com/api/v5/account/balance?ccy=BTC"),
        {"request": {"method": "GET", "url": "https://tracker.example/api/v1/x", "headers": []}},
        entry("https://gateway.example/api/v5/trade/order", "POST", postData={"text": ORDER}),
    )
    first, second = read(data)
    assert isinstance(first, Request)
    assert isinstance(second, Request)
    assert first.label == "entry 2: GET /api/v5/account/balance"
    assert first.response.code == "50113"
    assert first.response.date_ms == 1_607_418_598_000
    assert all(not name.startswith(":") for name, _ in first.headers)
    assert second.body == ORDER.encode()


def test_har_bodies() -> None:
    url = "https://www.okx.com/api/v5/trade/order"
    packed = base64.b64encode(ORDER.encode()).decode()
    (request,) = read(har(entry(url, "POST", postData={"text": packed, "encoding": "base64"})))
    assert isinstance(request, Request)
    assert request.body == ORDER.encode()
    (form,) = read(har(entry(url, "POST", postData={"params": [{"name": "a", "value": "b c"}]})))
    assert isinstance(form, Request)
    assert form.body == b"a=b%20c"
    (gone,) = read(har(entry(url, "POST", bodySize=88)))
    assert isinstance(gone, Request)
    assert gone.body_missing


def test_a_single_har_entry() -> None:
    assert one(json.dumps(entry("https://www.okx.com/api/v5/x")).encode()).label == "GET /api/v5/x"


# ---- garbage, and what was blacked out -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"), (b" \n ", "empty"), (b"hello", "no request"), (b"\x00\xff\xfe\x80", "no request"),
        (b"{", "begins like JSON"), (b'{"a":1}', "holds no request"), (b"[]", "holds no request"),
        (b"[" * 100_000, "JSON"), (b'{"method":"GET"}', "neither url"), (b"curl", "no end"), (b"curl -s", "no address"),
        (b'{"log":{"entries":[]}}', "none of the 0"), (b'{"log":{}}', "no list"),
        (b'{"op":"login","args":[]}', "argument"),
        (b'{"method":5,"url":"/a"}', "no text"), (b"CONNECT www.okx.com:443 HTTP/1.1\r\n\r\n", "CONNECT"),
    ],
)  # fmt: skip
def test_garbage_gets_one_line(data: bytes, says: str) -> None:
    with pytest.raises(CaptureError, match=says) as caught:
        read(data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["***", "[REDACTED]", "<redacted>", "REDACTED", "xxxx", "••••", "abcd...wxyz", "ab***yz", "$OKX_SIGN", "${SIGN}",
     "{{sign}}", "%OKX_SIGN%", "<your signature>", "YOUR_SIGN"],
)  # fmt: skip
def test_blacked_out(text: str) -> None:
    assert is_redacted(text)


@pytest.mark.parametrize(
    "text",
    ["AkD5YszBhggtIyjDlmTy/9PpNVntel+1Lff8wh0qpQw=", "[object Promise]", "", "undefined", "Vector-Phrase-1",
     "9cb03b6d07e1887cba8b646c1ac836413f6b23fc9ce22074c15db223233ff522"],
)  # fmt: skip
def test_not_blacked_out(text: str) -> None:
    assert not is_redacted(text)


def test_answers_alone() -> None:
    assert answer(b'{"code":"50102","msg":""}').code == "50102"
    assert answer(ANSWER.encode()).status == 401
    assert answer(b'{"code":"1","data":[{"sCode":"51000","sMsg":""}]}').code == "51000"
    assert answer(b"<html>").code == ""
