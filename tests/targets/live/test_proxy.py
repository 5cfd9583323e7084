"""Proxies written by hand from RFC 9110, RFC 1928 and RFC 1929, good and bad."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from okxdoctor.port import Ask, ProxyDial
from okxdoctor.targets.live import dialproxy
from okxdoctor.targets.live.proxy import proxy_address, spoken_in

TIME = Ask(method="GET", path="/api/v5/public/time", paced=False)
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"code":"0"}'
PASSWORD = "pr0xy-s3cret/&"


@pytest.fixture(autouse=True)
def _greetings_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who says nothing at once says nothing: the peers stand in the same loop."""
    monkeypatch.setattr(dialproxy, "_GREETING_S", 0.3)


async def origin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)


async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    there_reader, there = await asyncio.open_connection("127.0.0.1", port)

    async def one_way(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()

    both = [asyncio.ensure_future(one_way(reader, there)), asyncio.ensure_future(one_way(there_reader, writer))]
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        there.transport.abort()
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)


class HttpProxy:
    """CONNECT to anywhere ends at one port; what was asked is noted."""

    def __init__(self, port: int, *, login: bytes | None = None) -> None:
        self.port = port
        self.login = login
        self.asked: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self.asked.append(head.split("\r\n")[0])
        expected = f"Proxy-Authorization: Basic {base64.b64encode(self.login).decode()}" if self.login else ""
        if expected not in head:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n")
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n")
        await relay(reader, writer, self.port)


class Socks5:
    def __init__(self, port: int, *, login: bytes | None = None, reply: int = 0) -> None:
        self.port = port
        self.login = login
        self.reply = reply
        self.asked: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        version, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        if version != 5:
            return
        wanted = 2 if self.login else 0
        if wanted not in methods:
            writer.write(b"\x05\xff")
            return
        writer.write(bytes([5, wanted]))
        if self.login:
            _, length = await reader.readexactly(2)
            user = await reader.readexactly(length)
            password = await reader.readexactly((await reader.readexactly(1))[0])
            good = user + b":" + password == self.login
            writer.write(b"\x01\x00" if good else b"\x01\x01")
            if not good:
                return
        head = await reader.readexactly(4)
        length = {1: 4, 4: 16}.get(head[3]) or (await reader.readexactly(1))[0]
        self.asked.append(await reader.readexactly(length))
        await reader.readexactly(2)
        writer.write(bytes([5, self.reply, 0, 1]) + bytes(6))
        if not self.reply:
            await relay(reader, writer, self.port)


def login_url(scheme: str, port: int) -> str:
    return f"{scheme}://us%40er:pr0xy-s3cret%2F%26@127.0.0.1:{port}"


LOGIN = b"us@er:pr0xy-s3cret/&"


@contextlib.asynccontextmanager
async def through(stage: Any, scheme: str, *, login: bytes | None = None, secure: bool = True) -> AsyncIterator[Any]:
    """A target whose host exists for the proxy alone, reached through a proxy of the scheme; and that proxy."""
    tls = stage.server_tls("only.test") if secure else None
    async with stage.serve(origin, tls=tls) as port:
        proxy: Any = Socks5(port, login=login) if scheme.startswith("socks") else HttpProxy(port, login=login)
        front = stage.server_tls() if scheme == "https" else None
        async with stage.serve(proxy, tls=front) as proxy_port:
            url = login_url(scheme, proxy_port) if login else f"{scheme}://127.0.0.1:{proxy_port}"
            # The name exists for the proxy alone: the resolver of this side has never heard of it.
            async with stage.dns(lambda name, kind, packet: stage.reply(packet, rcode=3)) as dns:
                where = {"host": "only.test", "tls": secure, "rest_proxy": url, "ws_proxy": url, "dns_servers": (dns,)}
                async with stage.target(443, **where) as target:
                    yield target, proxy


@pytest.mark.parametrize("scheme", ["http", "https", "socks5", "socks5h"])
@pytest.mark.parametrize("login", [None, LOGIN])
def test_everything_goes_through_the_proxy(stage: Any, scheme: str, login: bytes | None) -> None:
    async def main() -> Any:
        async with through(stage, scheme, login=login) as (target, proxy):
            answer = await target.http(TIME)
            seen = await target.handshake("rest")
            dialled = await target.dial_proxy("rest")
            assert await target.dial_proxy("ws") == dialled
            socket = await target.open_socket("public")
            return answer, seen, dialled, socket.opening, proxy.asked

    answer, seen, dialled, opening, asked = asyncio.run(main())
    assert (answer.status, answer.failure) == (200, None)
    assert (seen.outcome, seen.chain[0].names) == ("ok", ("only.test",))
    assert dialled.outcome == "established"
    assert dialled.target == "only.test:443"
    assert [dial.outcome for dial in dialled.dials] == ["connected"]
    assert opening.status == 200, "the origin speaks no WebSocket, and the answer came through the proxy"
    assert len(asked) == 4
    assert set(asked) == ({b"only.test"} if "socks" in scheme else {"CONNECT only.test:443 HTTP/1.1"})
    told = repr((answer, seen, dialled, opening))
    for hidden in ("pr0xy-s3cret", base64.b64encode(LOGIN).decode(), "us@er"):
        assert hidden not in told


@pytest.mark.parametrize(
    ("scheme", "consent"),
    [("http", b"HTTP/1.1 200 Connection established\r\n\r\n"), ("socks5h", b"\x05\x00\x05\x00\x00\x01" + bytes(6))],
)
def test_a_host_that_speaks_first_is_heard_through_a_tunnel(stage: Any, scheme: str, consent: bytes) -> None:
    """Its greeting may come in one packet with the proxy's consent."""

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(consent + b"SSH-2.0-OpenSSH_9.6\r\n")
        await reader.read(65536)

    async def main() -> Any:
        async with stage.serve(proxy) as port:
            url = f"{scheme}://127.0.0.1:{port}"
            async with stage.target(443, host="only.test", tls=True, rest_proxy=url) as target:
                return await target.handshake("rest")

    seen = asyncio.run(main())
    assert (seen.outcome, seen.plain) == ("not-tls", "SSH-2.0-OpenSSH_9.6")


def test_a_target_without_tls_goes_through_a_tunnel_too(stage: Any) -> None:
    async def main() -> Any:
        async with through(stage, "http", secure=False) as (target, _):
            return await target.http(TIME)

    assert asyncio.run(main()).status == 200


def test_no_proxy_is_none(stage: Any) -> None:
    async def main() -> Any:
        async with stage.target(1) as target:
            return await target.dial_proxy("rest")

    assert asyncio.run(main()) is None


async def dialled(stage: Any, url: str, **kwargs: Any) -> tuple[ProxyDial, Any]:
    kwargs.setdefault("host", "only.test")
    async with stage.target(443, tls=True, rest_proxy=url, **kwargs) as target:
        seen = await target.dial_proxy("rest")
        answer = await target.http(TIME)
    return seen, answer


@pytest.mark.parametrize(
    ("raw", "outcome", "status"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "auth-required", 407),
        (b"HTTP/1.1 403 Forbidden by policy\r\n\r\n", "status", 403),
        (b"HTTP/1.0 502\r\n\r\n", "status", 502),
        (b"HTTP/1.1 405 Method Not Allowed\r\nServer: nginx\r\n\r\n", "status", 405),
    ],
)
def test_a_refusal_of_the_proxy_has_its_status(stage: Any, raw: bytes, outcome: str, status: int) -> None:
    async def main() -> Any:
        async with stage.answer(raw) as port:
            return await dialled(stage, login_url("http", port))

    seen, answer = asyncio.run(main())
    assert (seen.outcome, seen.status, seen.speaks) == (outcome, status, "http")
    assert (answer.failure.kind, answer.failure.phase) == ("proxy", "proxy")
    assert str(status) in answer.failure.detail
    assert "pr0xy-s3cret" not in repr((seen, answer))


@pytest.mark.parametrize(
    ("reply", "login", "outcome", "status"),
    [(2, None, "status", 2), (5, None, "status", 5), (0, b"some:one", "auth-required", None)],
)
def test_a_refusal_of_socks_has_its_reply(
    stage: Any, reply: int, login: bytes | None, outcome: str, status: int | None
) -> None:
    async def main() -> Any:
        async with stage.serve(Socks5(1, reply=reply, login=login)) as port:
            first = await dialled(stage, f"socks5://127.0.0.1:{port}")
            return first[0], (await dialled(stage, login_url("socks5", port)))[0] if login else first[0]

    without, with_wrong = asyncio.run(main())
    for seen in (without, with_wrong):
        assert (seen.outcome, seen.status, seen.speaks) == (outcome, status, "socks5")


def test_a_proxy_that_is_not_there_is_not_the_exchange(stage: Any) -> None:
    async def main() -> Any:
        closed = await dialled(stage, f"http://127.0.0.1:{stage.closed_port()}")
        async with stage.dns(lambda name, kind, packet: stage.reply(packet, rcode=3)) as dns:
            nowhere = await dialled(stage, "http://proxy.test:3128", dns_servers=(dns,))
        return closed, nowhere

    (closed, answer), (nowhere, lost) = asyncio.run(main())
    assert (closed.outcome, closed.dials[0].errno) == ("refused", "ECONNREFUSED")
    assert (answer.failure.kind, answer.failure.phase) == ("proxy", "connect")
    assert (nowhere.outcome, nowhere.dials) == ("name-not-found", ())
    assert (lost.failure.kind, lost.failure.phase) == ("proxy", "resolve")


def test_a_proxy_that_says_nothing_is_a_timeout_paid_once(stage: Any) -> None:
    async def main() -> Any:
        with stage.silent_port() as port:
            async with stage.target(
                443, host="only.test", tls=True, rest_proxy=f"http://127.0.0.1:{port}", timeout_s=0.4
            ) as target:
                first = await target.http(TIME)
                started = time.monotonic()
                again = await target.http(TIME)
                took_s = time.monotonic() - started
                return first, again, took_s, await target.dial_proxy("rest")

    first, again, took_s, seen = asyncio.run(main())
    assert (first.failure.kind, first.failure.phase) == ("proxy", "proxy")
    assert again.failure == first.failure
    assert took_s < 0.3
    assert seen.outcome == "timeout"


def peer(stage: Any, speaks: str) -> tuple[Any, ssl.SSLContext | None]:
    return {
        "http": (HttpProxy(1), None),
        "socks5": (Socks5(1), None),
        "tls": (HttpProxy(1), stage.server_tls()),
    }[speaks]


@pytest.mark.parametrize(
    ("scheme", "speaks"),
    [
        ("https", "http"),
        ("https", "socks5"),
        ("http", "tls"),
        ("http", "socks5"),
        ("socks5", "http"),
        ("socks5", "tls"),
    ],
)
def test_what_a_wrong_scheme_really_met_is_found_out(stage: Any, scheme: str, speaks: str) -> None:
    async def main() -> Any:
        handler, tls = peer(stage, speaks)

        async def shy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # A proxy that meets bytes it cannot read closes, or answers 400 as squid does.
            with contextlib.suppress(UnicodeError, ValueError, asyncio.LimitOverrunError):
                await handler(reader, writer)

        async with stage.serve(shy, tls=tls) as port:
            return await dialled(stage, f"{scheme}://127.0.0.1:{port}", timeout_s=0.4)

    seen, answer = asyncio.run(main())
    assert (seen.outcome, seen.speaks) == ("not-proxy", speaks)
    assert answer.failure.kind == "proxy"


@pytest.mark.parametrize(
    "said", [b"SSH-2.0-x\r\n", b"\x00\x00", b"HTTP/1.1 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n", b"H" * 50_000]
)
@pytest.mark.parametrize("scheme", ["http", "https", "socks5"])
def test_a_peer_that_is_no_proxy_at_all(stage: Any, scheme: str, said: bytes) -> None:
    async def main() -> Any:
        async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(said)
            await writer.drain()

        async with stage.serve(say) as port:
            return await dialled(stage, f"{scheme}://127.0.0.1:{port}", timeout_s=0.4)

    seen, answer = asyncio.run(main())
    assert seen.outcome in ("not-proxy", "closed", "established")
    assert seen.outcome != "established" or said.startswith(b"HTTP/1.1 200")
    assert answer.failure is not None


def test_one_role_through_a_proxy_and_the_other_direct(stage: Any) -> None:
    async def main() -> Any:
        async with stage.serve(origin) as port:
            proxy = f"http://127.0.0.1:{stage.closed_port()}"
            async with stage.target(port, ws_proxy=proxy) as target:
                return (await target.http(TIME)).status, (await target.open_socket("public")).opening.failure.kind

    assert asyncio.run(main()) == (200, "proxy")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://proxy:3128", ("http", "proxy", 3128)),
        ("proxy:3128", ("http", "proxy", 3128)),
        ("https://proxy", ("https", "proxy", 443)),
        ("socks5h://[::1]:9", ("socks5h", "::1", 9)),
        ("HTTP://u:p@Proxy", ("http", "proxy", 80)),
    ],
)
def test_proxy_urls(url: str, expected: tuple[str, str, int]) -> None:
    found = proxy_address(url)
    assert (found.scheme, found.host, found.port) == expected


@pytest.mark.parametrize(
    "url", ["ftp://u:geheim@h:1", "http://u:geheim@", "http://u:geheim@h:99999", "socks4://h:geheim"]
)
def test_a_malformed_proxy_url_is_not_repeated_in_the_error(url: str) -> None:
    with pytest.raises(ValueError) as raised:
        proxy_address(url)
    assert "geheim" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_protocols_by_their_first_bytes() -> None:
    assert spoken_in(b"HTTP/1.1 200") == "http"
    assert spoken_in(b"\x15\x03\x01\x00\x02\x02\x0a") == "tls"
    assert spoken_in(b"\x05\x00") == "socks5"
    assert spoken_in(b"hello") == spoken_in(b"") == spoken_in(b"\x15") == ""
