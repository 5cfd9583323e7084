"""An exchange that is far away: round trips, jitter and losses under everything that it does."""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import Any

import httpx

from okxdoctor.exchange import running
from okxdoctor.exchange.net.delay import Distance

TRADES = "/api/v5/market/trades?instId=BTC-USDT"


async def answers(exchange: Any, times: int) -> list[tuple[int, float]]:
    """Status and seconds of requests on one connection, the handshake not counted."""
    context = ssl.create_default_context(cafile=exchange.info.ca_file)
    async with httpx.AsyncClient(base_url=exchange.info.rest_url, verify=context, trust_env=False) as client:
        await client.get(TRADES)
        found = []
        for _ in range(times):
            began = time.monotonic()
            answer = await client.get(TRADES)
            found.append((answer.status_code, time.monotonic() - began))
        return found


def test_every_answer_takes_the_way_there_and_back() -> None:
    async def main() -> list[tuple[int, float]]:
        async with running(distance=Distance(one_way_s=0.02, jitter_s=0.01, seed=3)) as exchange:
            return await answers(exchange, 5)

    found = asyncio.run(main())
    assert [status for status, _ in found] == [200] * 5
    assert all(seconds >= 0.04 for _, seconds in found)


def test_what_is_lost_comes_later() -> None:
    async def main() -> list[tuple[int, float]]:
        far = Distance(one_way_s=0.001, loss=0.5, retransmit_s=0.1, seed=1)
        async with running(distance=far) as exchange:
            return await answers(exchange, 8)

    found = asyncio.run(main())
    assert [status for status, _ in found] == [200] * 8  # a byte stream misses nothing
    assert any(seconds >= 0.1 for _, seconds in found)


def test_faults_happen_far_away_too() -> None:
    async def main() -> list[int]:
        far = Distance(one_way_s=0.005, jitter_s=0.002)
        async with running(distance=far, faults=["http-origin-down=502,every=2"]) as exchange:
            first = [status for status, _ in await answers(exchange, 3)]
            await exchange.faults.clear()
            return first + [status for status, _ in await answers(exchange, 2)]

    assert asyncio.run(main()) == [502, 200, 502, 200, 200]


def test_the_distance_in_round_trips_is_the_same_thing() -> None:
    async def main() -> Any:
        async with running(round_trip_s=0.04) as near, running(distance=Distance(one_way_s=0.02)) as far:
            return near._edge.plan, far._edge.plan

    near, far = asyncio.run(main())
    assert near.distance == far.distance
    assert near.program_dns.delay_s == far.program_dns.delay_s == 0.04
