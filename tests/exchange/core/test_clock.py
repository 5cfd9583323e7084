"""Virtual time: follows, stands, jumps and runs, and tells who waits for it."""

from __future__ import annotations

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
