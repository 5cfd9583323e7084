"""One request over real sockets: what goes out, what comes in, what every kind of bad peer becomes."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import hmac
import json
import logging
import socket
import time
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from okxdoctor.check import Skip
from okxdoctor.port import Answer, Ask, Cell, Instant
from okxdoctor.targets.live.asking import HARMLESS_POSTS, NotReadOnly, guard

TIME = Ask(method="GET", path="/api/v5/public/time", paced=False)
PRECHECK = Ask(method="POST", path="/api/v5/trade/order-precheck", body="{}", paced=False)
OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\r\n{"code":"0","data":["ok"]}'


def head(raw: bytes) -> tuple[str, dict[str, str]]:
    line, *rest = raw.decode("latin-1").split("\r\n")
    return line, {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in rest if one)}


async def ask_peer(stage: Any, *chunks: bytes, ask: Ask = TIME, timeout_s: float = 2.0) -> Answer:
    async with stage.answer(*chunks) as port, stage.target(port, timeout_s=timeout_s) as target:
        answer: Answer = await target.http(ask)
        return answer


def keeping(seen: list[bytes], answer: bytes = OK) -> Any:
    """A keep-alive server that notes every request (head and body)."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            raw = await reader.readuntil(b"\r\n\r\n")
            length = int(head(raw)[1].get("content-length", "0"))
            seen.append(raw + await reader.readexactly(length))
            writer.write(answer)
            await writer.drain()

    return handle


# ---- what goes out ------------------------------------------------------------------------------


def test_the_path_goes_out_as_it_is_written(stage: Any) -> None:
    seen: list[bytes] = []
    path = "/api/v5/account/balance?ccy=BTC,ETH&x=%2c%2C|\"'{}[]^`&&=?/"

    async def main() -> None:
        async with stage.serve(keeping(seen)) as port, stage.target(port) as target:
            assert (await target.http(Ask(method="GET", path=path))).status == 200

    asyncio.run(main())
    line, headers = head(seen[0])
    assert line == f"GET {path} HTTP/1.1"
    assert headers["host"].startswith("127.0.0.1:")
    assert "ok-access-key" not in headers
    assert "x-simulated-trading" not in headers


@pytest.mark.parametrize("shift_s", [0.0, -45.5])
def test_a_signed_request_carries_what_the_exchange_recomputes(stage: Any, shift_s: float) -> None:
    seen: list[bytes] = []
    body = '{"instId":"BTC-USDT","sz":"1"}'
    asks = (
        Ask(method="GET", path="/api/v5/account/balance?ccy=BTC,ETH", signed=True, shift_s=shift_s),
        Ask(method="POST", path="/api/v5/trade/order-precheck", body=body, signed=True, shift_s=shift_s),
    )

    async def main() -> None:
        async with stage.serve(keeping(seen)) as port, stage.target(port, keyed=True) as target:
            for ask in asks:
                assert (await target.http(ask)).signed

    asyncio.run(main())
    for ask, raw in zip(asks, seen, strict=True):
        line, headers = head(raw.partition(b"\r\n\r\n")[0])
        stamp = headers["ok-access-timestamp"]
        prehash = f"{stamp}{ask.method}{ask.path}{ask.body or ''}"
        expected = base64.b64encode(hmac.new(stage.secret.encode(), prehash.encode(), hashlib.sha256).digest())
        assert headers["ok-access-sign"] == expected.decode()
        assert headers["ok-access-key"] == stage.key
        assert headers["ok-access-passphrase"] == stage.passphrase
        assert raw.partition(b"\r\n\r\n")[2].decode() == (ask.body or "")
        when = datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
        assert abs(when.timestamp() - time.time() - shift_s) < 20
        assert len(stamp) == 24
        assert headers.get("content-type") == ("application/json" if ask.body else None)
        assert line.startswith(ask.method)


@pytest.mark.parametrize(
    ("environment", "forced", "sent"),
    [("live", None, None), ("live", True, "1"), ("live", False, "0"), ("demo", None, "1"), ("demo", False, "0")],
)
def test_the_demo_header_follows_the_environment_unless_forced(
    stage: Any, environment: str, forced: bool | None, sent: str | None
) -> None:
    seen: list[bytes] = []

    async def main() -> None:
        async with stage.serve(keeping(seen)) as port, stage.target(port, environment=environment) as target:
            await target.http(Ask(method="GET", path="/api/v5/public/time", simulated=forced))

    asyncio.run(main())
    assert head(seen[0])[1].get("x-simulated-trading") == sent


def test_another_cell_is_another_host_with_its_own_environment(stage: Any) -> None:
    here: list[bytes] = []
    there: list[bytes] = []

    async def main() -> Answer:
        async with stage.serve(keeping(here)) as port, stage.serve(keeping(there)) as other:
            cell = Cell(site="eea", environment="demo", rest_url=f"http://127.0.0.1:{other}", ws_url="ws://127.0.0.1:1")
            async with stage.target(port, cells=(cell,)) as target:
                with pytest.raises(LookupError):
                    await target.http(Ask(method="GET", path="/api/v5/public/time", cell="us/live"))
                answer: Answer = await target.http(Ask(method="GET", path="/api/v5/public/time", cell="eea/demo"))
                return answer

    answer = asyncio.run(main())
    assert answer.status == 200
    assert not here
    assert head(there[0])[1]["x-simulated-trading"] == "1"


def test_without_a_key_a_signed_request_is_skipped(stage: Any) -> None:
    async def main() -> None:
        async with stage.target(1) as target:
            with pytest.raises(Skip, match="no API key is set"):
                await target.http(Ask(method="GET", path="/api/v5/account/config", signed=True))

    asyncio.run(main())


@pytest.mark.parametrize(
    "ask",
    [
        Ask(method="POST", path="/api/v5/trade/order", body="{}", signed=True),
        Ask(method="POST", path="/api/v5/trade/order-precheck/../order", body="{}"),
        Ask(method="POST", path="/api/v5/trade/order-precheck/%2e%2e/order", body="{}"),
        Ask(method="POST", path="/api/v5/asset/withdrawal", body="{}"),
        Ask(method="GET", path="/api/v5/../priapi/v5/x"),
        Ask(method="GET", path="/api/v5/x HTTP/1.1\r\nEvil: 1"),
        Ask(method="GET", path="/api/v5/x#frag"),
        Ask(method="GET", path="/api/v5/ä"),
        Ask(method="GET", path="/other"),
        Ask(method="GET", path="/api/v5/public/time", body="{}"),
        Ask(method="GET", path="//evil.test/api/v5/"),
        Ask(method="DELETE", path="/api/v5/public/time"),  # type: ignore[arg-type]
    ],
)
def test_what_may_change_something_never_leaves(stage: Any, ask: Ask) -> None:
    seen: list[bytes] = []

    async def main() -> None:
        async with stage.serve(keeping(seen)) as port, stage.target(port, keyed=True) as target:
            with pytest.raises(NotReadOnly):
                await target.http(ask)

    asyncio.run(main())
    assert seen == []


def test_the_list_of_harmless_posts_is_short_and_argued() -> None:
    assert set(HARMLESS_POSTS) == {"/api/v5/trade/order-precheck"}
    assert all(len(why) > 20 for why in HARMLESS_POSTS.values())
    guard(Ask(method="GET", path="/api/v5/market/books?instId=BTC-USDT&sz=5"))


def test_the_environment_of_the_process_changes_no_route(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{stage.closed_port()}")
    assert asyncio.run(ask_peer(stage, OK)).status == 200


# ---- what comes in ------------------------------------------------------------------------------


@pytest.mark.parametrize(("header", "miscoded"), [("gzip", True), ("br", True), ("identity", False), ("", False)])
def test_a_coding_that_was_announced_and_not_used_is_told(stage: Any, header: str, miscoded: bool) -> None:
    body = b'{"code":"0","data":[]}'
    line = f"Content-Encoding: {header}\r\n" if header else ""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{line}Content-Length: {len(body)}\r\n\r\n"
    answer = asyncio.run(ask_peer(stage, head.encode() + body))
    assert (answer.body, answer.miscoded) == (body.decode(), miscoded)


def test_a_request_that_was_sent_twice_is_told(stage: Any) -> None:
    async def one_each(reader: Any, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await reader.readuntil(b"\r\n\r\n")  # the second one gets the end of the connection

    async def main() -> Any:
        async with stage.serve(one_each) as port, stage.target(port) as target:
            return [await target.http(TIME) for _ in range(3)]

    answers = asyncio.run(main())
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert [answer.retried for answer in answers][:2] == [False, True]


def test_an_answer_is_told_with_phases_clocks_and_ledger(stage: Any) -> None:
    async def main() -> Any:
        seen: list[bytes] = []
        tls = stage.server_tls()
        async with stage.serve(keeping(seen), tls=tls) as port, stage.target(port, tls=True) as target:
            first = await target.http(TIME)
            again = await target.http(TIME)
            fresh = await target.http(Ask(method="GET", path=TIME.path, fresh=True))
            return first, again, fresh, target.ledger(), target.requests_made, target.connections_made

    before_ns = time.time_ns()
    first, again, fresh, ledger, requests, connections = asyncio.run(main())
    assert (first.status, first.body, first.failure) == (200, '{"code":"0","data":["ok"]}', None)
    assert first.header("content-type") == "application/json"
    assert first.http_version == "HTTP/1.1"
    assert (first.reused, again.reused, fresh.reused) == (False, True, False)
    for answer in (first, fresh):
        phases = (answer.phases.connect_ms, answer.phases.handshake_ms, answer.phases.first_byte_ms)
        assert all(phase is not None and phase > 0 for phase in phases)
        assert sum(phase or 0 for phase in phases) <= answer.phases.total_ms
    assert again.phases.connect_ms is None
    assert again.phases.handshake_ms is None
    assert before_ns <= first.sent_wall_ns <= first.received_wall_ns <= time.time_ns()
    assert first.sent_mono_ns < first.received_mono_ns < again.sent_mono_ns
    assert [row.path for row in ledger] == ["/api/v5/public/time"] * 3
    assert [row.code for row in ledger] == ["0"] * 3
    assert ledger[0].connection == ledger[1].connection != ledger[2].connection
    assert (requests, connections) == (3, 2)


def test_many_at_once_stay_within_the_connections_allowed(stage: Any) -> None:
    open_now = peak = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, peak
        open_now += 1
        peak = max(peak, open_now)
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(0.01)
                writer.write(OK)
        finally:
            open_now -= 1

    async def main() -> Any:
        async with stage.serve(handle) as port, stage.target(port, connections=8, requests=12) as target:
            asks = [target.http(replace(TIME, fresh=n % 3 == 0)) for n in range(60)]
            return await asyncio.gather(*asks)

    answers = asyncio.run(main())
    assert {answer.status for answer in answers} == {200}
    assert 2 <= peak <= 8


@pytest.mark.parametrize(
    ("coding", "encode"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes), ("", bytes)],
)
def test_content_codings_are_undone(stage: Any, coding: str, encode: Any) -> None:
    body = encode('{"code":"0","msg":"ü"}'.encode())
    answer = asyncio.run(ask_peer(stage, response(body, f"Content-Encoding: {coding}" if coding else "X: y")))
    assert (answer.status, answer.body, answer.truncated) == (200, '{"code":"0","msg":"ü"}', False)


def response(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "hex", "gzip, br"])
def test_a_body_that_is_not_what_its_coding_says_is_given_as_it_came(stage: Any, coding: str) -> None:
    answer = asyncio.run(ask_peer(stage, response(b'{"code":"0"}', f"Content-Encoding: {coding}")))
    assert (answer.status, answer.failure, answer.body) == (200, None, '{"code":"0"}')
    assert answer.header("content-encoding") == coding


def test_a_gzip_bomb_ends_at_the_limit(stage: Any) -> None:
    bomb = gzip.compress(bytes(50_000_000), 9)
    answer = asyncio.run(ask_peer(stage, response(bomb, "Content-Encoding: gzip"), timeout_s=5))
    assert answer.status == 200
    assert answer.truncated
    assert len(answer.body) == 2_000_000


def test_a_body_over_the_limit_is_cut_and_says_so(stage: Any) -> None:
    answer = asyncio.run(ask_peer(stage, response(b"x" * 2_500_000), timeout_s=5))
    assert (answer.status, len(answer.body), answer.truncated) == (200, 2_000_000, True)


@pytest.mark.parametrize(
    "raw",
    [
        response(b'{"code":"0","data":[', length=100),
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n{"code":"0","data":[\r\n5\r\n',
    ],
)
def test_a_body_that_ends_before_its_time_is_kept_and_called_truncated(stage: Any, raw: bytes) -> None:
    answer = asyncio.run(ask_peer(stage, raw))
    assert (answer.status, answer.truncated, answer.failure) == (200, True, None)
    assert answer.body == '{"code":"0","data":['


@pytest.mark.parametrize(
    ("kind", "raw", "text"),
    [
        ("text/html; charset=iso-8859-1", b"\xfc", "ü"),
        ('text/html; charset="GBK"', "维护".encode("gbk"), "维护"),
        ("text/html; charset=hex", b"ab", "ab"),
        ("text/html; charset=nonsense", b"\xff", "�"),
        ("application/json", b"\xff{", "�{"),
    ],
)
def test_charsets_are_honoured_and_never_trusted(stage: Any, kind: str, raw: bytes, text: str) -> None:
    assert asyncio.run(ask_peer(stage, response(raw, f"Content-Type: {kind}"))).body == text


def test_redirects_are_facts_and_not_followed(stage: Any) -> None:
    raw = response(b"", "Location: http://127.0.0.1:1/login", status="302 Found")
    answer = asyncio.run(ask_peer(stage, raw))
    assert (answer.status, answer.header("location")) == (302, "http://127.0.0.1:1/login")


def test_nothing_secret_becomes_part_of_a_fact(stage: Any) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw = await reader.readuntil(b"\r\n\r\n")
        headers = head(raw)[1]
        echoed = json.dumps(
            {"msg": f"Your IP is not in your API key's {headers['ok-access-key']} list", "all": headers}
        )
        reflected = [f"X-Echo: {headers['ok-access-sign']} {headers['ok-access-passphrase']}"]
        cookies = ["Set-Cookie: __cf_bm=verysecretcookie; Path=/; HttpOnly", f"Location: /?s={stage.secret}"]
        writer.write(response(echoed.encode(), *reflected, *cookies, status="401 Unauthorized"))

    async def main() -> Answer:
        async with stage.serve(echo) as port, stage.target(port, keyed=True) as target:
            answer: Answer = await target.http(Ask(method="GET", path="/api/v5/account/config", signed=True))
            return answer

    answer = asyncio.run(main())
    told = repr(answer)
    assert answer.status == 401
    assert "API key's *** list" in answer.body
    for hidden in (stage.key, stage.secret, stage.passphrase, json.dumps(stage.passphrase)[1:-1], "verysecretcookie"):
        assert hidden not in told
    assert json.loads(answer.body)["all"]["ok-access-sign"] == "***"
    assert answer.header("set-cookie") == "__cf_bm=***; Path=/; HttpOnly"


@pytest.mark.parametrize("http2", [False, True])
def test_a_log_turned_up_shows_no_credential(stage: Any, caplog: pytest.LogCaptureFixture, http2: bool) -> None:
    caplog.set_level(logging.DEBUG)

    async def main() -> Answer:
        tls = stage.server_tls()
        if http2:
            # It promises HTTP/2 and breaks it: the request's headers have gone through the compression by then.
            tls.set_alpn_protocols(["h2"])
        async with (
            stage.serve(keeping([]), tls=tls) as port,
            stage.target(port, tls=True, keyed=True, timeout_s=0.5) as target,
        ):
            answer: Answer = await target.http(Ask(method="GET", path="/api/v5/account/config", signed=True))
            return answer

    answer = asyncio.run(main())
    assert (answer.status == 200) is not http2
    for hidden in (stage.key, stage.secret, stage.passphrase, "OK-ACCESS-SIGN"):
        assert hidden not in caplog.text


def test_the_ledger_counts_by_the_scope_that_the_knowledge_has(stage: Any) -> None:
    from okxdoctor.knowledge import endpoint

    async def main() -> Any:
        async with stage.serve(keeping([])) as port, stage.target(port, keyed=True) as target:
            for path in ("/api/v5/public/time?x=1", "/api/v5/account/config", "/api/v5/no/such"):
                await target.http(Ask(method="GET", path=path))
            return target.ledger()

    public, private, unknown = asyncio.run(main())
    known = endpoint("GET", "/api/v5/public/time")
    assert known is not None
    assert public.scope == known.scope != ""
    assert private.scope not in ("", public.scope)
    assert (unknown.scope, unknown.status) == ("", 200)


# ---- bad peers ----------------------------------------------------------------------------------


def test_a_refused_connection_is_a_fact_and_the_second_asker_pays_nothing(stage: Any) -> None:
    async def main() -> Any:
        async with stage.target(stage.closed_port()) as target:
            return await target.http(TIME), await target.http(TIME), target.requests_made

    first, second, requests = asyncio.run(main())
    assert first.status is None
    assert (first.failure.kind, first.failure.phase, first.failure.detail) == ("refused", "connect", "ECONNREFUSED")
    assert second.failure == first.failure
    assert requests == 0


def test_a_name_that_is_not_found_fails_without_a_connection(stage: Any) -> None:
    async def main() -> Any:
        async with (
            stage.dns(lambda name, kind, packet: stage.reply(packet, rcode=3)) as server,
            stage.target(443, host="api.test", dns_servers=(server,)) as target,
        ):
            return await target.http(TIME), target.connections_made

    answer, connections = asyncio.run(main())
    assert (answer.failure.kind, answer.failure.phase) == ("dns", "resolve")
    assert "nxdomain" in answer.failure.detail
    assert connections == 0


def test_the_name_stays_in_host_header_and_certificate_check_when_addresses_come_from_our_dns(stage: Any) -> None:
    seen: list[bytes] = []

    async def main() -> Any:
        def behave(name: str, kind: int, packet: bytes) -> bytes:
            return bytes(stage.reply(packet, *([(1, socket.inet_aton("127.0.0.1"))] if kind == 1 else [])))

        good, wrong = stage.server_tls("api.test"), stage.server_tls("other.test")
        async with stage.dns(behave) as server, stage.serve(keeping(seen), tls=good) as port:
            async with stage.target(port, host="api.test", tls=True, dns_servers=(server,)) as target:
                first = await target.http(TIME)
            async with (
                stage.serve(keeping(seen), tls=wrong) as other,
                stage.target(other, host="api.test", tls=True, dns_servers=(server,)) as target,
            ):
                return first, await target.http(TIME), port

    first, second, port = asyncio.run(main())
    assert first.status == 200
    assert head(seen[0])[1]["host"] == f"api.test:{port}"
    assert (second.failure.kind, second.failure.phase) == ("tls", "handshake")
    assert "Hostname mismatch" in second.failure.detail
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("chunks", "kind", "phase"),
    [
        ((), "closed", "first-byte"),
        ((b"SSH-2.0-OpenSSH_9.2\r\n",), "protocol", "first-byte"),
        ((b"\x00\xff" * 50,), "protocol", "first-byte"),
        ((b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 30_000 + b"\r\n",), "protocol", "first-byte"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n",), "protocol", "first-byte"),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",), "protocol", "body"),
        ((b"HTTP/1.1 20",), "closed", "first-byte"),
        ((b"HTTP/1.1 200 OK\r\nServer: x\r\n",), "closed", "first-byte"),
    ],
)
def test_what_is_no_http_is_named_by_kind_and_phase(
    stage: Any, chunks: tuple[bytes, ...], kind: str, phase: str
) -> None:
    answer = asyncio.run(ask_peer(stage, *chunks))
    assert answer.failure is not None
    assert answer.status is None
    assert (answer.failure.kind, answer.failure.phase) == (kind, phase)


@pytest.mark.parametrize("ends", [True, False])
def test_a_peer_with_a_language_of_its_own_is_quoted(stage: Any, ends: bool) -> None:
    """Also where it greets and then waits for an answer in that language."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        await reader.read(1000)
        if not ends:
            await reader.read()

    async def main() -> Any:
        async with stage.serve(greet) as port, stage.target(port, timeout_s=0.3) as target:
            return await target.http(TIME)

    failure = asyncio.run(main()).failure
    assert (failure.kind, failure.phase) == ("protocol", "first-byte")
    assert failure.detail == "the answer is no HTTP: 'SSH-2.0-OpenSSH_9.6'"


def test_silence_after_the_request_is_a_timeout_of_the_first_byte(stage: Any) -> None:
    async def main() -> Any:
        with stage.silent_port() as port:
            async with stage.target(port, timeout_s=0.3) as target:
                return await target.http(TIME), await target.http(Ask(method="GET", path=TIME.path, timeout_s=0.1))

    first, second = asyncio.run(main())
    assert (first.failure.kind, first.failure.phase) == ("timeout", "first-byte")
    assert second.failure.detail == "not complete after 0.1 s"
    assert second.phases.total_ms < 2000


def test_a_dripping_body_ends_at_the_deadline_of_the_whole_request(stage: Any) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.02)

    async def main() -> Any:
        async with stage.serve(drip) as port, stage.target(port, timeout_s=0.4) as target:
            return await target.http(TIME)

    answer = asyncio.run(main())
    assert (answer.failure.kind, answer.failure.phase) == ("timeout", "body")
    assert answer.phases.total_ms < 3000


@pytest.mark.parametrize("after", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"])
def test_a_reset_is_told_from_an_end(stage: Any, after: bytes) -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(after)
        await asyncio.sleep(0.05)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    async def main() -> Any:
        async with stage.serve(reset) as port, stage.target(port) as target:
            return await target.http(TIME)

    answer = asyncio.run(main())
    assert answer.failure.kind == "reset"
    assert answer.failure.phase == ("body" if after else "first-byte")


def test_a_handshake_that_never_ends_is_paid_for_once(stage: Any) -> None:
    async def main() -> Any:
        with stage.silent_port() as port:
            async with stage.target(port, tls=True, timeout_s=0.5) as target:
                first = await target.http(TIME)
                started = time.monotonic()
                later = await asyncio.gather(*(target.http(TIME) for _ in range(5)))
                socket_ = await target.open_socket("public")
                return first, later, socket_.opening, time.monotonic() - started

    first, later, opening, took_s = asyncio.run(main())
    assert (first.failure.kind, first.failure.phase) == ("timeout", "handshake")
    assert {answer.failure for answer in later} == {first.failure}
    assert opening.failure == first.failure
    assert took_s < 0.4


@pytest.mark.parametrize(("raw", "kind"), [(b"HTTP/1.1 400 Bad Request\r\n\r\n", "not-tls"), (b"", "closed")])
def test_tls_spoken_to_what_is_none(stage: Any, raw: bytes, kind: str) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(raw)

    async def main() -> Any:
        async with stage.serve(plain) as port, stage.target(port, tls=True) as target:
            return await target.http(TIME)

    assert asyncio.run(main()).failure.kind == kind


def test_an_unknown_issuer_is_named_although_the_http_library_would_swallow_it(stage: Any) -> None:
    import trustme

    async def main() -> Any:
        stranger = stage.server_tls(issuer=trustme.CA())
        async with stage.serve(keeping([]), tls=stranger) as port, stage.target(port, tls=True) as target:
            return await target.http(TIME)

    failure = asyncio.run(main()).failure
    assert (failure.kind, failure.phase) == ("tls", "handshake")
    assert "issuer certificate" in failure.detail
    assert "code 20" in failure.detail


def test_a_connection_closed_while_idle_is_no_failure(stage: Any) -> None:
    served = 0

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        served += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()
        # Without "Connection: close": the client believes that it may come back. It is reset when it does.
        await reader.read(1)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    async def main() -> Any:
        async with stage.serve(once) as port, stage.target(port) as target:
            return [await target.http(TIME) for _ in range(3)]

    answers = asyncio.run(main())
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert served >= 3


@pytest.mark.parametrize("secure", [False, True])
def test_a_post_is_never_sent_into_a_connection_that_has_ended(stage: Any, secure: bool) -> None:
    """A GET would be repeated; a POST is not, so the end of an idle connection has to be noticed before."""

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head(raw)[1].get("content-length", "0")))
        writer.write(OK)
        await writer.drain()

    async def main() -> Any:
        tls = stage.server_tls() if secure else None
        async with stage.serve(once, tls=tls) as port, stage.target(port, tls=secure) as target:
            answers = []
            for _ in range(3):
                answers.append(await target.http(PRECHECK))
                await asyncio.sleep(0.05)
            return answers

    assert [answer.status for answer in asyncio.run(main())] == [200, 200, 200]


def test_one_family_can_be_forced(stage: Any) -> None:
    async def main() -> Any:
        def behave(name: str, kind: int, packet: bytes) -> bytes:
            v4, v6 = (1, socket.inet_aton("127.0.0.1")), (28, socket.inet_pton(socket.AF_INET6, "::1"))
            return bytes(stage.reply(packet, v4 if kind == 1 else v6))

        async with (
            stage.dns(behave) as server,
            stage.serve(keeping([])) as port,
            stage.target(port, host="both.test", dns_servers=(server,)) as target,
        ):
            either = await target.http(TIME)
            only4 = await target.http(Ask(method="GET", path=TIME.path, family="v4"))
            only6 = await target.http(Ask(method="GET", path=TIME.path, family="v6"))
            return either, only4, only6, await target.http(TIME), await target.dial("rest")

    either, only4, only6, after, dials = asyncio.run(main())
    assert (either.status, only4.status, after.status) == (200, 200, 200)
    assert only6.failure.kind == "refused"
    assert {(dial.family, dial.outcome) for dial in dials} == {("v4", "connected"), ("v6", "refused")}


def test_the_clock_of_the_target_is_the_one_that_is_read(stage: Any) -> None:
    at = Instant(wall_ns=1_600_000_000_123_000_000, mono_ns=5)
    seen: list[bytes] = []

    async def main() -> Any:
        async with stage.serve(keeping(seen)) as port, stage.target(port, keyed=True, clock=lambda: at) as target:
            return await target.http(Ask(method="GET", path="/api/v5/account/config", signed=True))

    answer = asyncio.run(main())
    assert answer.sent_wall_ns == answer.received_wall_ns == at.wall_ns
    assert head(seen[0])[1]["ok-access-timestamp"] == "2020-09-13T12:26:40.123Z"


def test_a_credential_that_no_header_can_carry_is_a_failure_without_its_text(stage: Any) -> None:
    import dataclasses

    from okxdoctor.secret import Secret
    from okxdoctor.targets.live.target import LiveTarget

    async def main() -> Any:
        async with stage.serve(keeping([])) as port:
            config = stage.config(port, keyed=True)
            broken = dataclasses.replace(config.credentials, passphrase=Secret("pass\nword-secret"))
            async with LiveTarget(dataclasses.replace(config, credentials=broken)) as target:
                return await target.http(Ask(method="GET", path="/api/v5/account/config", signed=True))

    failure = asyncio.run(main()).failure
    assert failure.phase == "send"
    assert "word-secret" not in repr(failure)


def test_a_cancelled_request_leaves_nothing_behind(stage: Any) -> None:
    async def main() -> Any:
        with stage.silent_port() as port:
            async with stage.target(port, timeout_s=30) as target:
                asks = [asyncio.ensure_future(target.http(TIME)) for _ in range(4)]
                await asyncio.sleep(0.1)
                started = time.monotonic()
                for ask in asks:
                    ask.cancel()
                await asyncio.gather(*asks, return_exceptions=True)
            left = asyncio.all_tasks() - {asyncio.current_task()}
            return asks, time.monotonic() - started, left

    asks, took_s, left = asyncio.run(main())
    assert all(ask.cancelled() for ask in asks)
    assert took_s < 2
    assert not left
