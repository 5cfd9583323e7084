"""Virtual time: follows, stands, jumps and runs, and tells who waits for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from okxdoctor.exchange.core.clock import Clock, http_date, iso_ms


def test_the_clock_follows_its_source_and_can_be_moved() -> None:
    source = [1_000_000_000]
    clock = Clock(lambda: source[0], at_ms=50_000)
    assert clock.now_ms() == 50_000
    source[0] += 1_500_000_000
    assert clock.now_ms() == 51_500
    clock.freeze()
    source[0] += 9_000_000_000
    assert clock.now_ms() == 51_500
    clock.step(30)
    assert clock.now_ms() == 81_500
    clock.run_at(60)
    source[0] += 1_000_000_000
    assert clock.now_ms() == 141_500
    clock.resume()
    source[0] += 1_000_000
    assert clock.now_ms() == 141_501
    clock.set_offset(-45_000)
    assert clock.now_ms() == 96_501
    assert clock.now_us() == 96_501_000


def test_listeners_hear_of_jumps_until_they_leave() -> None:
    clock = Clock(lambda: 0)
    heard: list[str] = []
    forget = clock.listen(lambda: heard.append("jump"))
    clock.step(1)
    clock.freeze()
    clock.set_offset(5)
    forget()
    clock.step(1)
    assert heard == ["jump"] * 3


def test_written_times() -> None:
    # Documented example of the exchange, and RFC 9110's.
    assert iso_ms(1_607_418_537_715) == "2020-12-08T09:08:57.715Z"
    assert http_date(784_111_777_000) == "Sun, 06 Nov 1994 08:49:37 GMT"


def test_time_that_passes_unnoticed_keeps_honest_clients_in_their_window(bench: Any) -> None:
    def code(offset_ms: int) -> str:
        reply = bench.send("GET", "/api/v5/trade/orders-pending", stamp=bench.stamp(offset_ms))
        return str(json.loads(reply.body)["code"])

    clock = bench.exchange.clock
    clock.advance(600.5)
    assert clock.readings_ms() == (bench.now_ms + 600_500, bench.now_ms)
    # A client's clock may show the one time or the other, within 30 s of it, and nothing between them.
    assert [code(ms) for ms in (0, 29_000, -29_000, 600_500, 630_000, 572_000)] == ["0"] * 6
    assert [code(ms) for ms in (-31_000, 31_000, 300_000, 569_000, 632_000)] == ["50102"] * 5
    clock.step(90)
    assert [code(ms) for ms in (0, 90_000, 690_500)] == ["50102", "0", "0"]
    # Who asked for the time between two advances, and kept it.
    clock.advance(40)
    assert [code(ms) for ms in (0, 90_000, 690_500, 730_500, 800_000)] == ["50102", "0", "0", "0", "50102"]


def test_many_advances_are_remembered_as_one(bench: Any) -> None:
    clock = bench.exchange.clock
    for _ in range(1_000):
        clock.advance(1)
    readings = clock.readings_ms()
    assert len(readings) <= 101
    assert (readings[0], readings[1], readings[-1]) == (bench.now_ms + 1_000_000, bench.now_ms + 999_000, bench.now_ms)


@pytest.mark.parametrize("seconds", [-1.0, 1.1e9, float("nan"), float("inf")])
def test_time_does_not_pass_backwards_or_without_end(bench: Any, seconds: float) -> None:
    clock = bench.exchange.clock
    with pytest.raises(ValueError, match="forward"):
        clock.advance(seconds)
    assert clock.readings_ms() == (bench.now_ms,)


def test_a_clock_stays_where_times_can_be_written(bench: Any) -> None:
    clock = bench.exchange.clock
    for wrong in (1e10, -1e10, float("nan")):
        with pytest.raises(ValueError, match="up to"):
            clock.step(wrong)
    for wrong in (-1.0, 1e7, float("nan")):
        with pytest.raises(ValueError, match="rate"):
            clock.run_at(wrong)
    clock.step(-1e9)
    with pytest.raises(ValueError, match="1970"):
        clock.step(-1e9)
    assert clock.now_ms() == bench.now_ms - 10**12
    while clock.now_ms() < 220_000_000_000_000:
        clock.advance(1e9)
    readings = clock.readings_ms()
    clock.advance(845_392_000 - 1e8)
    now_ms = clock.now_ms()
    with pytest.raises(ValueError, match="9000"):
        clock.advance(1e9)
    assert len(clock.readings_ms()) <= len(readings) + 1
    assert clock.now_ms() == now_ms
    assert json.loads(bench.send("GET", "/api/v5/public/time", signed=False).body)["data"][0]["ts"] == str(now_ms)
