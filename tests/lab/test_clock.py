"""A clock changed under the process (libfaketime) and a real time server (chrony)."""

from __future__ import annotations

import pytest
from lab_components import Lab, codes


def faketime(change: str) -> tuple[str, ...]:
    """Only the wall clock; the "fix" of libfaketime makes threads of Python wait for each other for seconds."""
    settings = ("FAKETIME_DONT_FAKE_MONOTONIC=1", "FAKETIME_FORCE_MONOTONIC_FIX=0", "NO_FAKE_STAT=1")
    return ("env", *settings, "faketime", "-f", change)


@pytest.mark.parametrize(
    ("change", "cause", "skew_s"),
    [("+45s", "clock.ahead", 45.0), ("-45s", "clock.behind", -45.0), ("+8h", "clock.timezone-shift", 28_800.0),
     ("-19800s", "clock.timezone-shift", -19_800.0), ("-400d", "clock.behind", -34_560_000.0)],
)  # fmt: skip
def test_the_clock_of_this_machine_is_off(lab: Lab, change: str, cause: str, skew_s: float) -> None:
    report = lab.doctor(before=faketime(change))
    assert codes(report) == [cause]
    assert report["diagnosis"][0]["evidence"]["skew_s"] == pytest.approx(skew_s, abs=0.5)


def test_without_a_time_server_the_exchange_tells_the_time(lab: Lab) -> None:
    lab.wire.filter_near("udp dport 123 drop")
    assert codes(lab.doctor()) == []
    assert codes(lab.doctor(before=faketime("+45s"))) == ["clock.ahead"]


def test_the_time_server_is_wrong(lab: Lab) -> None:
    lab.time_server(*faketime("+60s"))
    try:
        assert codes(lab.doctor()) == ["clock.sources-disagree"]
    finally:
        lab.time_server()
