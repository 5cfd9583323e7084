"""WebSocket conversations with aiohttp as the peer, and with peers that are none."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from okxdoctor.check import Skip
from okxdoctor.port import Ask, Cell
from okxdoctor.targets.live import pacing


@contextlib.asynccontextmanager
async def exchange(
    talk: Callable[[web.WebSocketResponse], Awaitable[None]], seen: list[web.Request] | None = None, **options: Any
) -> AsyncIterator[int]:
    tls = options.pop("tls", None)

    async def handle(request: web.Request) -> web.WebSocketResponse:
        if seen is not None:
            seen.append(request)
        socket = web.WebSocketResponse(**options)
        await socket.prepare(request)
        await talk(socket)
        return socket

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def echo(socket: web.WebSocketResponse) -> None:
    async for message in socket:
        if message.type == WSMsgType.TEXT:
            await socket.send_str("pong" if message.data == "ping" else message.data)


def test_an_upgrade_is_never_asked_of_http2(stage: Any) -> None:
    """The edge of the public exchange speaks both on one port, and a request before it has offered HTTP/2."""
    offered: list[str | None] = []

    async def main() -> Any:
        tls = stage.server_tls()
        tls.set_alpn_protocols(["h2", "http/1.1"])

        async def talk(socket: web.WebSocketResponse) -> None:
            offered.append(socket.get_extra_info("ssl_object").selected_alpn_protocol())
            await echo(socket)

        async with exchange(talk, tls=tls) as port, stage.target(port, tls=True) as target:
            await target.http(Ask(method="GET", path="/api/v5/public/time"))
            socket = await target.open_socket("public")
            await socket.send("ping")
            heard = await socket.receive(2)
            await socket.close()
            return socket.opening, heard

    opening, heard = asyncio.run(main())
    assert (opening.ok, opening.failure) == (True, None)
    assert (heard.text, offered) == ("pong", ["http/1.1"])


@pytest.mark.parametrize("secure", [False, True])
def test_a_conversation_is_told_frame_by_frame(stage: Any, secure: bool) -> None:
    requests: list[web.Request] = []

    async def main() -> Any:
        tls = stage.server_tls() if secure else None
        async with exchange(echo, requests, tls=tls) as port, stage.target(port, tls=secure) as target:
            socket = await target.open_socket("public")
            await socket.send("ping")
            first = await socket.receive(2)
            await socket.send('{"op":"subscribe","args":[{"channel":"ü"}]}')
            second = await socket.receive(2)
            nothing = await socket.receive(0.05)
            await socket.close()
            await socket.close()
            return socket, first, second, nothing, await socket.receive(1), target.ledger(), target.requests_made

    socket, first, second, nothing, after, ledger, requests_made = asyncio.run(main())
    opening = socket.opening
    assert (opening.ok, opening.status, opening.failure) == (True, 101, None)
    assert opening.url == f"{'wss' if secure else 'ws'}://127.0.0.1:{requests[0].url.port}/ws/v5/public"
    assert requests[0].path == "/ws/v5/public"
    assert "permessage-deflate" in requests[0].headers["Sec-WebSocket-Extensions"]
    assert "permessage-deflate" in opening.extensions
    assert (first.text, second.text) == ("pong", '{"op":"subscribe","args":[{"channel":"ü"}]}')
    assert (nothing, after) == (None, None)
    told = [(frame.direction, frame.kind) for frame in socket.frames]
    assert told == [("sent", "text"), ("received", "text")] * 2 + [("sent", "close")]
    times = [frame.at_ms for frame in socket.frames]
    assert times == sorted(times)
    assert [(row.path, row.status) for row in ledger] == [("/ws/v5/public", 101)]
    assert requests_made == 1


def test_the_login_is_right_on_the_wire_and_hidden_in_the_transcript(stage: Any, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    got: list[dict[str, str]] = []

    async def check(socket: web.WebSocketResponse) -> None:
        message = await socket.receive_json()
        assert message["op"] == "login"
        got.extend(message["args"])
        await socket.send_json({"event": "error", "code": "60009", "msg": f"Login failed {message['args'][0]}"})

    async def main() -> Any:
        async with exchange(check) as port, stage.target(port, keyed=True) as target:
            socket = await target.open_socket("private")
            await socket.login(shift_s=-40)
            answer = await socket.receive(2)
            await socket.close()
            return socket.frames, answer

    frames, answer = asyncio.run(main())
    (argument,) = got
    prehash = f"{argument['timestamp']}GET/users/self/verify".encode()
    expected = base64.b64encode(hmac.new(stage.secret.encode(), prehash, hashlib.sha256).digest()).decode()
    assert argument == {
        "apiKey": stage.key, "passphrase": stage.passphrase, "timestamp": argument["timestamp"], "sign": expected,
    }  # fmt: skip
    assert abs(int(argument["timestamp"]) - time.time() + 40) < 20
    assert json.loads(frames[0].text)["args"][0] == {
        "apiKey": "***", "passphrase": "***", "timestamp": argument["timestamp"], "sign": "***",
    }  # fmt: skip
    assert "Login failed" in answer.text
    told = repr(frames) + caplog.text
    for hidden in (stage.key, stage.secret, stage.passphrase, expected):
        assert hidden not in told


def test_without_a_key_a_login_is_skipped(stage: Any) -> None:
    async def main() -> None:
        async with exchange(echo) as port, stage.target(port) as target:
            socket = await target.open_socket("private")
            with pytest.raises(Skip):
                await socket.login()

    asyncio.run(main())


def test_the_close_of_the_exchange_comes_once_with_code_and_reason(stage: Any) -> None:
    async def leave(socket: web.WebSocketResponse) -> None:
        await socket.send_str("hello")
        await socket.close(code=4004, message=b"No data received in 30s.")

    async def main() -> Any:
        async with exchange(leave) as port, stage.target(port) as target:
            socket = await target.open_socket("public")
            frames = [await socket.receive(2) for _ in range(3)]
            await socket.send("too late")
            return frames, socket.frames

    (hello, close, nothing), frames = asyncio.run(main())
    assert hello.text == "hello"
    assert (close.kind, close.code, close.text) == ("close", 4004, "No data received in 30s.")
    assert nothing is None
    assert [frame.kind for frame in frames] == ["text", "close"]


def test_protocol_pings_are_answered_while_nobody_receives(stage: Any) -> None:
    answered: list[bytes] = []

    async def ping(socket: web.WebSocketResponse) -> None:
        await socket.ping(b"are you there")
        message = await socket.receive()
        answered.append(message.data)
        await socket.send_str("good")

    async def main() -> Any:
        async with exchange(ping, autoping=False) as port, stage.target(port) as target:
            socket = await target.open_socket("public")
            return await socket.receive(2), socket.frames

    good, frames = asyncio.run(main())
    assert good.text == "good"
    assert answered == [b"are you there"]
    assert [(frame.direction, frame.kind) for frame in frames][:2] == [("received", "ping"), ("sent", "pong")]


def test_a_message_in_pieces_is_received_whole(stage: Any) -> None:
    async def pieces(socket: web.WebSocketResponse) -> None:
        writer = socket._writer
        assert writer is not None
        for head, body in ((b"\x01", b"one "), (b"\x89", b"p"), (b"\x00", b"two "), (b"\x80", b"three")):
            writer.transport.write(head + bytes([len(body)]) + body)  # type: ignore[union-attr]
        await socket.receive()

    async def main() -> Any:
        async with exchange(pieces, compress=False) as port, stage.target(port) as target:
            socket = await target.open_socket("public")
            return await socket.receive(2), socket.frames

    whole, frames = asyncio.run(main())
    assert whole.text == "one two three"
    assert [frame.kind for frame in frames] == ["ping", "pong", "text"]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", 1006),
        (b"\x81\x05ab", 1006),
        (b"\xff\xff\xff", 1002),
        (b"\x81\x02\xff\xfe", None),
        (b"\x82\x02\xff\xfe", 1006),
    ],
)
def test_an_end_without_a_close_frame_is_still_an_end(stage: Any, raw: bytes, code: int | None) -> None:
    async def cut(socket: web.WebSocketResponse) -> None:
        transport = socket._writer.transport  # type: ignore[union-attr]
        transport.write(raw)  # type: ignore[union-attr]
        transport.close()  # type: ignore[union-attr]

    async def main() -> Any:
        async with exchange(cut, compress=False) as port, stage.target(port) as target:
            socket = await target.open_socket("public")
            frames = []
            while (frame := await socket.receive(2)) is not None:
                frames.append(frame)
            return frames

    *before, last = asyncio.run(main())
    assert last.kind == "close"
    if code is not None:
        assert last.code == code
    kinds = {b"\x81\x02\xff\xfe": ["text"], b"\x82\x02\xff\xfe": ["binary"]}
    assert [frame.kind for frame in before] == kinds.get(raw, [])


@pytest.mark.parametrize(
    ("raw", "status", "kind"),
    [
        (b"HTTP/1.1 403 Forbidden\r\nServer: cloudflare\r\nContent-Length: 4\r\n\r\nstop", 403, None),
        (b"HTTP/1.1 200 OK\r\nServer: portal\r\n\r\n<html>", 200, None),
        (b"HTTP/1.1 302 Found\r\nServer: portal\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", 302, None),
        (b"HTTP/1.0 400 Bad Request\r\nServer: squid\r\n\r\n", 400, None),
        (b"HTTP/1.1 429 Too Many\r\nServer: x\r\nTransfer-Encoding: gzip\r\n\r\nzzz", 429, None),
        (b"HTTP/1.1 101 Switching Protocols\r\nServer: strip\r\n\r\n", 101, "protocol"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", None, "protocol"),
        (b"", None, "closed"),
    ],
)  # fmt: skip
def test_what_comes_instead_of_an_upgrade(stage: Any, raw: bytes, status: int | None, kind: str | None) -> None:
    async def main() -> Any:
        async with stage.answer(raw) as port, stage.target(port) as target:
            socket = await target.open_socket("public")
            await socket.send("ping")
            return socket.opening, await socket.receive(0.1), socket.frames

    opening, frame, frames = asyncio.run(main())
    assert (opening.ok, opening.status, frame, frames) == (False, status, None, ())
    assert (opening.failure.kind if opening.failure else None) == kind
    if status is not None:
        assert dict(opening.headers)["server"]
    if status == 403:
        assert opening.body == "stop"
    if opening.failure:
        assert opening.failure.phase == "upgrade"


def test_an_answer_that_never_ends_still_has_its_status(stage: Any) -> None:
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nServer: gateway\r\n\r\nstream")
        await reader.read()

    async def main() -> Any:
        async with stage.serve(hold) as port, stage.target(port) as target:
            return (await target.open_socket("public", timeout_s=0.3)).opening

    opening = asyncio.run(main())
    assert (opening.ok, opening.status, opening.failure, opening.body) == (False, 200, None, "stream")


def test_silence_is_a_timeout_of_the_upgrade_and_a_closed_port_is_refused(stage: Any) -> None:
    async def main() -> Any:
        with stage.silent_port() as port:
            async with stage.target(stage.closed_port(), ws_port=port) as target:
                silent = await target.open_socket("public", timeout_s=0.3)
            async with stage.target(port, ws_port=stage.closed_port()) as target:
                return silent.opening, (await target.open_socket("public")).opening

    silent, refused = asyncio.run(main())
    assert (silent.failure.kind, silent.failure.phase) == ("timeout", "upgrade")
    assert (refused.failure.kind, refused.failure.phase) == ("refused", "connect")


def test_another_cell_s_socket_goes_to_its_own_place(stage: Any) -> None:
    requests: list[web.Request] = []

    async def main() -> Any:
        async with exchange(echo, requests) as port:
            cells = tuple(
                Cell(
                    site=site, environment="demo", rest_url="http://127.0.0.1:1", ws_url=f"ws://127.0.0.1:{port}{tail}"
                )
                for site, tail in (("eea", ""), ("us", "/ws/v5"))
            )
            async with stage.target(1, cells=cells) as target:
                for cell in ("eea/demo", "us/demo"):
                    assert (await target.open_socket("business", cell=cell)).opening.ok

    asyncio.run(main())
    assert [request.path for request in requests] == ["/ws/v5/business"] * 2


def test_open_conversations_are_closed_when_the_target_is_left(stage: Any) -> None:
    async def main() -> Any:
        ended: list[int | None] = []

        async def wait(socket: web.WebSocketResponse) -> None:
            await socket.receive()
            ended.append(socket.close_code)

        async with exchange(wait) as port:
            async with stage.target(port, connections=4) as target:
                sockets = [await target.open_socket("public") for _ in range(2)]
                assert all(socket.opening.ok for socket in sockets)
            await asyncio.sleep(0.05)
        return ended, asyncio.all_tasks() - {asyncio.current_task()}

    ended, left = asyncio.run(main())
    assert ended == [1000, 1000]
    assert not left


def test_a_conversation_that_ended_gives_its_place_back(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "allowed", lambda limit: 100)  # places are looked at, not budgets

    async def leave(socket: web.WebSocketResponse) -> None:
        await socket.close(code=4004)

    async def main() -> Any:
        async with exchange(leave) as port, stage.target(port, connections=3) as target:
            for _ in range(6):
                socket = await asyncio.wait_for(target.open_socket("public"), 5)
                assert (await socket.receive(2)).kind == "close"

    asyncio.run(main())
