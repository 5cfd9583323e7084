"""HTTP/2, with a server made of the h2 library: multiplexing, and the ends that only HTTP/2 has."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest

from okxdoctor.port import Ask

TIME = Ask(method="GET", path="/api/v5/public/time", paced=False)
Connection = h2.connection.H2Connection


class Server:
    """Speaks HTTP/2 to whoever asks for it; ``answer(connection, stream, number)`` decides what a request gets."""

    def __init__(self, answer: Callable[[Connection, int, int], bool | None]) -> None:
        self.answer = answer
        self.connections = 0
        self.requests: list[dict[str, str]] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = 0
        connection = Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        while data := await reader.read(65536):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    number += 1
                    self.requests.append(dict(event.headers or ()))
                    leave = self.answer(connection, event.stream_id or 0, number)
                    writer.write(connection.data_to_send())
                    if leave:
                        await writer.drain()
                        return
            writer.write(connection.data_to_send())


def fine(connection: Connection, stream: int, number: int) -> None:
    connection.send_headers(stream, [(":status", "200"), ("content-type", "application/json"), ("set-cookie", "a=b")])
    connection.send_data(stream, b'{"code":"0","data":[]}', end_stream=True)


@contextlib.asynccontextmanager
async def served(stage: Any, server: Server, **kwargs: Any) -> AsyncIterator[Any]:
    tls: ssl.SSLContext = stage.server_tls()
    tls.set_alpn_protocols(["h2"])
    async with stage.serve(server, tls=tls) as port, stage.target(port, tls=True, **kwargs) as target:
        yield target


def test_requests_share_a_connection_where_http2_is_spoken(stage: Any) -> None:
    server = Server(fine)

    async def main() -> Any:
        async with served(stage, server, keyed=True) as target:
            first = await target.http(TIME)
            more = await asyncio.gather(*(target.http(TIME) for _ in range(20)))
            signed = await target.http(Ask(method="GET", path="/api/v5/account/balance?ccy=BTC,ETH", signed=True))
            return first, more, signed, target.connections_made

    first, more, signed, connections = asyncio.run(main())
    assert (first.status, first.http_version, first.body) == (200, "HTTP/2", '{"code":"0","data":[]}')
    assert first.header("set-cookie") == "a=***"
    assert (first.reused, first.phases.handshake_ms is not None) == (False, True)
    assert {answer.status for answer in more} == {200}
    assert all(answer.reused for answer in more)
    assert connections == server.connections == 1
    assert signed.status == 200
    last = server.requests[-1]
    assert last[":path"] == "/api/v5/account/balance?ccy=BTC,ETH"
    assert last[":authority"].startswith("127.0.0.1:")
    assert last["ok-access-key"] == stage.key
    assert first.sent_wall_ns < first.received_wall_ns


def test_the_start_of_a_run_does_not_wait_to_see_which_protocol_it_gets(stage: Any) -> None:
    async def main() -> Any:
        async with served(stage, Server(fine)) as target:
            return await asyncio.gather(*(target.http(TIME) for _ in range(8)))

    answers = asyncio.run(main())
    assert {answer.status for answer in answers} == {200}


def test_a_request_that_a_goaway_took_along_is_read_again_and_says_after_how_many_streams(stage: Any) -> None:
    """Nothing is known of its answer; a read does no harm, and what the connection did is told all the same."""

    def thousand(connection: Connection, stream: int, number: int) -> bool:
        if number < 3:
            fine(connection, stream, number)
            return False
        connection.close_connection(error_code=0, last_stream_id=stream)
        return True

    async def main() -> Any:
        async with served(stage, Server(thousand)) as target:
            return [await target.http(TIME) for _ in range(4)]

    one, two, three, four = asyncio.run(main())
    assert (one.status, two.status, three.status, four.status) == (200, 200, 200, 200)
    assert [each.ended_after for each in (one, two, three)] == [None, None, 3]
    assert [each.retried for each in (one, two, three)] == [False, False, True]


def test_a_read_that_every_goaway_takes_along_fails(stage: Any) -> None:
    """One attempt more, and not a third."""

    def never(connection: Connection, stream: int, number: int) -> bool:
        connection.close_connection(error_code=0, last_stream_id=stream)
        return True

    server = Server(never)

    async def main() -> Any:
        async with served(stage, server) as target:
            return await target.http(TIME)

    answer = asyncio.run(main())
    assert (answer.status, answer.failure.kind) == (None, "protocol")
    assert answer.failure.detail == "goaway after 1 streams, error code 0"
    assert server.connections == 2


def test_a_goaway_that_spares_the_request_is_no_failure(stage: Any) -> None:
    """RFC 9113 §6.8: streams above the last one named were not looked at; they go to a new connection."""

    def leave_before(connection: Connection, stream: int, number: int) -> bool:
        if number == 2:
            connection.close_connection(error_code=0, last_stream_id=1)
            return True
        fine(connection, stream, number)
        return False

    server = Server(leave_before)

    async def main() -> Any:
        async with served(stage, server) as target:
            return [await target.http(TIME) for _ in range(2)]

    answers = asyncio.run(main())
    assert [answer.status for answer in answers] == [200, 200]
    assert [answer.ended_after for answer in answers] == [None, 1]
    assert server.connections == 2


def test_a_stream_that_is_reset_is_a_broken_protocol(stage: Any) -> None:
    def reset(connection: Connection, stream: int, number: int) -> None:
        connection.reset_stream(stream, error_code=2)

    async def main() -> Any:
        async with served(stage, Server(reset)) as target:
            return await target.http(TIME)

    failure = asyncio.run(main()).failure
    assert (failure.kind, failure.detail) == ("protocol", "stream reset, error code 2")


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00" * 200, b"\xff" * 200])
def test_a_server_that_promised_http2_and_speaks_none(stage: Any, said: bytes) -> None:
    async def main() -> Any:
        tls = stage.server_tls()
        tls.set_alpn_protocols(["h2"])

        async def lie(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(100)
            writer.write(said)
            await writer.drain()

        async with stage.serve(lie, tls=tls) as port, stage.target(port, tls=True) as target:
            return await target.http(TIME)

    answer = asyncio.run(main())
    assert answer.status is None
    assert answer.failure.kind in ("protocol", "closed", "reset")


def test_silence_on_http2_ends_in_time(stage: Any) -> None:
    async def main() -> Any:
        async with served(stage, Server(lambda connection, stream, number: None), timeout_s=0.4) as target:
            return await asyncio.gather(*(target.http(TIME) for _ in range(3)))

    for answer in asyncio.run(main()):
        assert (answer.failure.kind, answer.failure.phase) == ("timeout", "first-byte")
