"""The rules of the incremental order book: chain, book, checksum. Expected values are worked out here by hand."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.okx.orderbook import Book, BookMessage, book_message, compared, defects, folded, links, unfolded


def snap(seq: int = 10, bids: tuple[str, ...] = ("99 1", "98 2"), asks: tuple[str, ...] = ("100 1", "101 3"),
         **more: Any) -> BookMessage:  # fmt: skip
    return BookMessage(action="snapshot", seq=seq, prev=-1, checksum=0, bids=bids, asks=asks, **more)


def upd(prev: int, seq: int, bids: tuple[str, ...] = (), asks: tuple[str, ...] = (), **more: Any) -> BookMessage:
    return BookMessage(action="update", seq=seq, prev=prev, bids=bids, asks=asks, **more)


def kinds(*messages: BookMessage, rest: tuple[BookMessage, ...] = ()) -> list[str]:
    return [defect.kind for defect in defects(messages, rest)]


# ---- the chain ----------------------------------------------------------------------------------


def test_the_documented_example_is_a_whole_chain() -> None:
    # OKX docs: (-1,10)(10,15)(15,15)(15,3)(3,5): snapshot, update, nothing changed, reset, update.
    told = (snap(10), upd(10, 15), upd(15, 15), upd(15, 3), upd(3, 5))
    assert links(told) == ("snapshot", "next", "keep-alive", "reset", "next")


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ((snap(10), upd(12, 15)), ("snapshot", "gap")),
        ((snap(10), upd(12, 15), upd(15, 20)), ("snapshot", "gap", "next")),
        ((snap(10), upd(10, 12), upd(10, 12), upd(12, 13)), ("snapshot", "next", "repeated", "next")),
        # The second came first: it names one that is not there yet, and the late one names one long gone.
        ((snap(10), upd(12, 15), upd(10, 12)), ("snapshot", "gap", "gap")),
        ((upd(10, 12), upd(12, 13)), ("headless", "next")),
        ((snap(10), upd(10, 12), snap(40), upd(40, 41)), ("snapshot", "next", "snapshot", "next")),
        ((snap(10), BookMessage(action="update", seq=11)), ("snapshot", "unnumbered")),
        ((snap(10), upd(10, 10), upd(10, 10), upd(10, 11)), ("snapshot", "keep-alive", "keep-alive", "next")),
        ((), ()),
    ],
)
def test_links(told: tuple[BookMessage, ...], found: tuple[str, ...]) -> None:
    assert links(told) == found


# ---- the book -----------------------------------------------------------------------------------


def test_sizes_are_absolute_and_zero_takes_away() -> None:
    book = Book()
    assert book.apply(snap()) == []
    assert book.apply(upd(10, 11, bids=("99 0", "97.5 4"), asks=("100.0 7",))) == []
    assert book.best("bids", 5) == (("98", "2"), ("97.5", "4"))
    # The same price in another form is the same level; the text is that of the newest message.
    assert book.best("asks", 1) == (("100.0", "7"),)


def test_a_right_book_has_no_defects() -> None:
    told = (snap(), upd(10, 11, asks=("100 0",)), upd(11, 11), upd(11, 4, bids=("100 2",)))
    rest = BookMessage(seq=4, bids=("100 2", "99 1"), asks=("101 3",))
    assert kinds(*told, rest=(rest,)) == []
    assert compared(told, (rest,)) == 1


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ((snap(bids=("99 1", "99 2")),), ["duplicate"]),
        ((snap(bids=("99 1", "99.0 2")),), ["duplicate"]),
        ((snap(bids=("98 1", "99 2")),), ["unsorted"]),
        ((snap(asks=("101 1", "100 2")),), ["unsorted"]),
        ((snap(bids=("100 1",)),), ["crossed"]),
        ((snap(), upd(10, 11, bids=("103 1",)), upd(11, 12)), ["crossed"]),
        ((snap(asks=("x 1",)),), ["not-a-level"]),
        ((snap(asks=("100 -1",)),), ["not-a-level"]),
        ((snap(asks=("NaN 1",)),), ["not-a-level"]),
        ((snap(asks=("0 1",)),), ["not-a-level"]),
        ((snap(asks=("",)),), ["not-a-level"]),
    ],
)
def test_defects_of_a_book(told: tuple[BookMessage, ...], found: list[str]) -> None:
    assert kinds(*told) == found


def test_sides_may_cross_for_one_message() -> None:
    assert kinds(snap(), upd(10, 11, bids=("100 1",)), upd(11, 12, bids=("100 0",))) == []
    assert kinds(snap(), upd(10, 11), upd(11, 4, bids=("100 1",))) == []


def test_behind_a_gap_nothing_is_judged() -> None:
    wrong = BookMessage(seq=20, bids=("1 1",))
    assert kinds(snap(), upd(15, 20, bids=("103 1",)), rest=(wrong,)) == []
    assert compared((snap(), upd(15, 20)), (wrong,)) == 0


@pytest.mark.parametrize(
    ("rest", "found"),
    [
        (BookMessage(seq=10, bids=("99 1", "98 2"), asks=("100 1", "101 3")), []),
        (BookMessage(seq=10, bids=("99.0 1.0",), asks=()), []),
        (BookMessage(seq=10, bids=("99 1.5",)), ["differs"]),
        (BookMessage(seq=10, bids=("99 1", "98 2", "97 5")), ["differs"]),
        (BookMessage(seq=10, asks=("99.5 1",)), ["differs"]),
        (BookMessage(seq=11, bids=("1 1",)), []),
        (BookMessage(bids=("1 1",)), []),
    ],
)
def test_a_rest_book_of_the_same_number_must_be_the_same(rest: BookMessage, found: list[str]) -> None:
    assert kinds(snap(), rest=(rest,)) == found


# ---- the checksum -------------------------------------------------------------------------------


def signed(words: str) -> int:
    value = zlib.crc32(words.encode())
    return value - 2**32 if value > 2**31 - 1 else value


def test_the_checksum_is_that_of_the_documented_string() -> None:
    # OKX docs, of two levels against two: bid and ask in turn, in the texts as sent.
    book = Book()
    book.apply(snap(bids=("3366.1 7", "3366 6"), asks=("3366.8 9", "3368 8")))
    assert book.checksum() == signed("3366.1:7:3366.8:9:3366:6:3368:8")
    # One side is shorter: what there is of the other follows on.
    book.apply(snap(bids=("3366.1 7",), asks=("3366.8 9", "3368 8", "3372 8")))
    assert book.checksum() == signed("3366.1:7:3366.8:9:3368:8:3372:8")


def test_only_twenty_five_levels_count() -> None:
    bids = tuple(f"{100 - k} 1" for k in range(30))
    asks = tuple(f"{101 + k} 1" for k in range(30))
    book = Book()
    book.apply(snap(bids=bids, asks=asks))
    turns = zip(bids[:25], asks[:25], strict=True)
    assert book.checksum() == signed(":".join(f"{b}:{a}".replace(" ", ":") for b, a in turns))


def test_zero_is_no_checksum_and_another_value_is_verified() -> None:
    right = signed("99:1:100:1:98:2:101:3")
    assert kinds(snap()) == []
    assert kinds(replace(snap(), checksum=right)) == []
    assert kinds(replace(snap(), checksum=right + 1)) == ["checksum"]
    assert kinds(replace(snap(), checksum=None)) == []


# ---- reading, and whatever comes -----------------------------------------------------------------


def test_a_message_is_read_as_it_is_sent() -> None:
    data = {
        "asks": [["100", "1", "0", "2"]], "bids": [["99.5", "0", "0", "0"]], "ts": "1630048897897", "checksum": 0,
        "prevSeqId": -1, "seqId": 123456,
    }  # fmt: skip
    assert book_message(data, action="snapshot", arrived_ms=1.5) == BookMessage(
        action="snapshot", seq=123456, prev=-1, checksum=0, ts_ms=1630048897897, bids=("99.5 0",), asks=("100 1",),
        arrived_ms=1.5,
    )  # fmt: skip


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(
    ("asks", "bids", "ts", "checksum", "prevSeqId", "seqId"), json_values | st.lists(st.lists(json_values)))
), st.sampled_from(["snapshot", "update", ""]))  # fmt: skip
def test_any_message_is_read_and_judged(data: dict[str, Any], action: str) -> None:
    told = book_message(data, action=action)
    assert len(links((told, told))) == 2
    defects((told, told), (told,))


@given(st.lists(st.tuples(st.decimals(0, 9, places=2), st.integers(0, 9)), max_size=4), st.none() | st.integers(-1, 9))
def test_a_message_is_the_same_when_it_is_unfolded(rows: list[Any], seq: int | None) -> None:
    data = {"bids": [[str(px), str(sz)] for px, sz in rows], "asks": [[1]], "seqId": seq, "prevSeqId": -1, "ts": "7"}
    told = book_message(data, action="update", arrived_ms=2.5)
    assert unfolded(folded(told)) == told
    assert told.asks == ("?",)


levels = st.dictionaries(st.integers(1, 40), st.integers(0, 5), max_size=8)


@given(st.lists(st.tuples(levels, levels), min_size=1, max_size=6))
def test_the_own_book_is_that_of_a_plain_replay(steps: list[tuple[dict[int, int], dict[int, int]]]) -> None:
    book, plain = Book(), ({}, {})  # type: tuple[Book, tuple[dict[int, int], dict[int, int]]]
    for n, (bids, asks) in enumerate(steps):
        for side, new in zip(plain, (bids, asks), strict=True):
            side.update(new)
            for px in [px for px, sz in side.items() if sz == 0]:
                del side[px]
        texts = [tuple(f"{px} {sz}" for px, sz in side.items()) for side in (bids, asks)]
        book.apply(upd(n, n + 1, bids=texts[0], asks=texts[1]))
    assert book.best("bids", 99) == tuple((str(px), str(plain[0][px])) for px in sorted(plain[0], reverse=True))
    assert book.best("asks", 99) == tuple((str(px), str(plain[1][px])) for px in sorted(plain[1]))
