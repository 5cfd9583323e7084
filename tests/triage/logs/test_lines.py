"""Lines of any file: numbered right, none with a mark lost, in bounded memory."""

from __future__ import annotations

import gzip
import io
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.triage.logs import lines as module
from okxdoctor.triage.logs.lines import MARKS, Line, Tally, lines


def read(data: bytes) -> tuple[list[Line], Tally]:
    tally = Tally()
    return list(lines(io.BytesIO(data), tally)), tally  # type: ignore[arg-type]


TEXTS = st.sampled_from(["", "hello", "an Error here", "code 5", "x" * 300, "ERROR\r", "é HTTP 🚀", "\x00error\x00"])


@given(st.lists(TEXTS, max_size=30), st.booleans(), st.sampled_from([1, 7, 64, 1 << 20]))
def test_numbers_and_marks_are_those_of_a_plain_reading(texts: list[str], closed: bool, block: int) -> None:
    data = "\n".join(texts).encode() + (b"\n" if closed and texts else b"")
    before, module.BLOCK = module.BLOCK, block
    try:
        found, tally = read(data)
    finally:
        module.BLOCK = before
    plain = data.replace(b"\0", b" ").split(b"\n")
    if plain[-1] == b"":
        plain.pop()
    wanted = [
        (number, line.decode().rstrip("\r"))
        for number, line in enumerate(plain, 1)
        if any(mark in line.lower() for mark in MARKS)
    ]
    assert [(line.number, line.text) for line in found if not line.continued] == wanted
    assert tally.lines == len(plain)
    assert tally.bytes == len(data)


@given(st.binary(max_size=3000))
def test_anything_is_read(data: bytes) -> None:
    found, tally = read(data)
    assert [line.number for line in found] == sorted(line.number for line in found)
    assert tally.lines <= tally.bytes + 1


class Endless(io.RawIOBase):
    """So many bytes of the same text without a line break, and something at the end."""

    def __init__(self, size: int, end: bytes) -> None:
        self._left, self._end = size, end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left > 0:
            amount = min(len(buffer), self._left)
            buffer[:amount] = b"x" * amount
            self._left -= amount
            return amount
        amount = min(len(buffer), len(self._end))
        buffer[:amount] = self._end[:amount]
        self._end = self._end[amount:]
        return amount


def test_a_line_that_never_ends_takes_no_memory() -> None:
    tally = Tally()
    stream = io.BufferedReader(Endless(40_000_000, b' {"code":"50113"}\nnext Error\n'))
    tracemalloc.start()
    texts = [(line.number, line.text[-20:]) for line in lines(stream, tally)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16_000_000
    assert tally.lines == 2
    assert (1, ' {"code":"50113"}') in [(number, text[-17:]) for number, text in texts]
    assert texts[-1] == (2, "next Error")


def test_a_code_on_the_seam_of_two_pieces_is_whole_in_one_of_them() -> None:
    for shift in range(0, 40, 3):
        data = b"x" * (module.LONGEST - 20 + shift) + b' error "code":"50113" ' + b"y" * 3000
        found, _ = read(data)
        assert any('"code":"50113"' in line.text for line in found), shift


def test_gzip_is_unpacked_and_a_damaged_one_told() -> None:
    text = b"".join(b"line %d error %d\n" % (number, number * 7919) for number in range(5000))
    found, tally = read(gzip.compress(text))
    assert len(found) == tally.lines == 5000
    assert tally.problem == ""
    found, tally = read(gzip.compress(text)[:-2000])
    assert 0 < len(found) < 5000 or tally.problem
    assert "damaged" in tally.problem


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_what_powershell_writes_is_read(encoding: str) -> None:
    found, tally = read('ok\r\n2026-11-22 10:00:00 error "code":"50113"\r\nfine\r\n'.encode(encoding))
    assert [(line.number, line.text) for line in found] == [(2, '2026-11-22 10:00:00 error "code":"50113"')]
    assert tally.lines == 3


def test_earlier_lines_are_at_hand() -> None:
    found, _ = read(b"first\nsecond\n\nan error\n")
    assert list(found[0].before(9)) == [(3, ""), (2, "second"), (1, "first")]
    assert list(found[0].before(1)) == [(3, "")]
