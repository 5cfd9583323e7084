"""One WebSocket conversation that several checks hold."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from aiohttp import WSMsgType, web


@contextlib.asynccontextmanager
async def exchange(talk: Callable[[web.WebSocketResponse], Awaitable[None]], opened: list[str]) -> AsyncIterator[int]:
    async def handle(request: web.Request) -> web.WebSocketResponse:
        opened.append(request.path)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await talk(socket)
        return socket

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def echo(socket: web.WebSocketResponse) -> None:
    async for message in socket:
        if message.type == WSMsgType.TEXT:
            await socket.send_str(message.data)


def run(stage: Any, talk: Any, held: Callable[[Any], Awaitable[Any]]) -> tuple[Any, list[str]]:
    opened: list[str] = []

    async def main() -> Any:
        async with exchange(talk, opened) as port, stage.target(port, connections=8) as target:
            return await held(target)

    return asyncio.run(main()), opened


def test_two_hold_one_connection_and_both_hear_everything(stage: Any) -> None:
    async def held(target: Any) -> Any:
        one, other = await asyncio.gather(*(target.open_socket("public", shared=True) for _ in range(2)))
        await one.send("a")
        await other.send("b")
        heard = [[(await each.receive(2)).text for _ in range(2)] for each in (one, other)]
        await one.close()
        # Who is left hears on; who has gone hears no more.
        await other.send("c")
        last = (await other.receive(2)).text, await one.receive(0.01)
        await other.close()
        await other.close()
        return heard, last, one.opening is other.opening, target.connections_made

    (heard, last, same, connections), opened = run(stage, echo, held)
    assert heard == [["a", "b"], ["a", "b"]]
    assert last == ("c", None)
    assert (same, connections, opened) == (True, 1, ["/ws/v5/public"])


def test_a_conversation_of_ones_own_and_one_on_another_path_are_not_shared(stage: Any) -> None:
    async def held(target: Any) -> Any:
        sockets = [
            await target.open_socket("public", shared=True), await target.open_socket("public"),
            await target.open_socket("business", shared=True),
        ]  # fmt: skip
        for socket in sockets:
            await socket.close()

    assert run(stage, echo, held)[1] == ["/ws/v5/public", "/ws/v5/public", "/ws/v5/business"]


def test_who_comes_when_all_have_left_opens_a_new_one(stage: Any) -> None:
    async def held(target: Any) -> Any:
        for _ in range(2):
            socket = await target.open_socket("public", shared=True)
            await socket.send("x")
            assert (await socket.receive(2)).text == "x"
            await socket.close()

    assert len(run(stage, echo, held)[1]) == 2


def test_everybody_hears_the_end_and_who_comes_later_as_well(stage: Any) -> None:
    async def leave(socket: web.WebSocketResponse) -> None:
        await socket.close(code=4004)

    async def held(target: Any) -> Any:
        one, other = [await target.open_socket("public", shared=True) for _ in range(2)]
        ends = [await each.receive(2) for each in (one, other)]
        late = await target.open_socket("public", shared=True)
        ends.append(await late.receive(2))
        return [(each.kind, each.code) for each in ends]

    ends, opened = run(stage, leave, held)
    assert ends == [("close", 4004)] * 3
    assert len(opened) == 1


def test_one_that_does_not_listen_does_not_stop_the_others(stage: Any) -> None:
    async def flood(socket: web.WebSocketResponse) -> None:
        await socket.receive()
        for k in range(1_500):
            await socket.send_str(str(k))
        await socket.receive()

    async def held(target: Any) -> Any:
        deaf, other = [await target.open_socket("public", shared=True) for _ in range(2)]
        await other.send("go")
        heard = 0
        while heard < 1_000:
            heard += await other.receive(2) is not None
        # The queue of the one that does not listen is full now; when it leaves, the rest comes.
        await deaf.close()
        while await other.receive(2) is not None and heard < 1_499:
            heard += 1
        await other.close()
        return heard

    assert run(stage, flood, held)[0] == 1_499


def test_a_cancelled_opener_takes_only_itself_away(stage: Any) -> None:
    async def held(target: Any) -> Any:
        first = asyncio.ensure_future(target.open_socket("public", shared=True))
        second = asyncio.ensure_future(target.open_socket("public", shared=True))
        await asyncio.sleep(0)
        first.cancel()
        socket = await second
        await socket.send("x")
        return (await socket.receive(2)).text

    assert run(stage, echo, held) == ("x", ["/ws/v5/public"])


def test_what_is_held_is_closed_when_the_target_is_left(stage: Any) -> None:
    async def main() -> Any:
        ended: list[int | None] = []

        async def wait(socket: web.WebSocketResponse) -> None:
            await socket.receive()
            ended.append(socket.close_code)

        async with exchange(wait, []) as port:
            async with stage.target(port, connections=8) as target:
                for _ in range(2):
                    await target.open_socket("public", shared=True)
            await asyncio.sleep(0.05)
        return ended, asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(main()) == ([1000], set())
