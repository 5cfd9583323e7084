"""Time in which this process did not look is not counted as the network's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from okxdoctor.port import Ask
from okxdoctor.targets.live.attention import Attention, Stopwatch, absent_s, patience, waited_ms


def watched(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    async def run() -> Any:
        attention = Attention()
        attention.start()
        try:
            return await main()
        finally:
            attention.stop()

    return asyncio.run(run())


def test_an_answer_that_came_while_the_loop_was_busy_counts_up_to_the_last_look() -> None:
    async def main() -> tuple[float, float]:
        started = time.monotonic()
        asyncio.get_running_loop().call_later(0.05, time.sleep, 0.4)
        await asyncio.sleep(0.1)
        return waited_ms(started), (time.monotonic() - started) * 1000

    told, raw = watched(main)
    assert raw > 400
    assert told < 200


def test_a_wait_with_open_eyes_counts_in_full() -> None:
    """The busy time is over long before the answer comes."""

    async def main() -> float:
        started = time.monotonic()
        asyncio.get_running_loop().call_soon(time.sleep, 0.1)
        await asyncio.sleep(0.5)
        for _ in range(100):  # on a machine that is itself busy: until it has looked again
            if not absent_s():
                break
            await asyncio.sleep(0.02)
        return waited_ms(started)

    assert watched(main) >= 490


def test_what_was_lost_on_several_occasions_is_taken_off() -> None:
    async def main() -> tuple[float, float]:
        stopwatch, started = Stopwatch(), time.monotonic()
        for _ in range(3):
            time.sleep(0.2)
            await asyncio.sleep(0.03)
        return stopwatch.waited_ms(), (time.monotonic() - started) * 1000

    told, raw = watched(main)
    assert raw > 600
    assert told < raw / 2
    assert asyncio.run(main())[0] > 600  # nobody watches


def test_patience_waits_for_what_lay_there_when_the_loop_came_back() -> None:
    async def main() -> str:
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        loop.call_later(0.2, answer.set_result, "here")
        loop.call_later(0.1, time.sleep, 0.5)
        async with patience(0.3):
            return await answer

    assert watched(main) == "here"


@pytest.mark.parametrize("watch", [True, False])
def test_patience_ends(watch: bool) -> None:
    async def main() -> float:
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            async with patience(0.2):
                await asyncio.sleep(30)
        return time.monotonic() - started

    took_s = watched(main) if watch else asyncio.run(main())
    assert 0.19 <= took_s < 20


def test_a_cancellation_is_no_end_of_patience() -> None:
    async def main() -> None:
        async with patience(30):
            await asyncio.sleep(30)

    async def cancelled() -> None:
        task = asyncio.ensure_future(main())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    watched(cancelled)


def test_nobody_watches() -> None:
    assert absent_s() == 0.0

    async def main() -> float:
        time.sleep(0.05)
        return absent_s()

    assert asyncio.run(main()) == 0.0


def test_nothing_is_left_behind() -> None:
    async def main() -> None:
        attention = Attention()
        attention.start()
        attention.stop()
        attention.stop()
        await asyncio.sleep(0.05)
        time.sleep(0.05)
        assert absent_s() == 0.0

    asyncio.run(main())


def test_a_busy_moment_of_our_own_makes_no_slow_answer(stage: Any) -> None:
    body = b'{"code":"0","data":[]}'
    raw = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asyncio.get_running_loop().call_later(0.05, time.sleep, 0.5)
        await asyncio.sleep(0.06)
        writer.write(raw)

    async def main() -> Any:
        async with stage.serve(peer) as port, stage.target(port, tls=False) as target:
            return await target.http(Ask(method="GET", path="/api/v5/public/time"))

    answer = asyncio.run(main())
    assert answer.status == 200
    assert answer.phases.total_ms > 500
    assert answer.phases.first_byte_ms < 300
