"""The check of the order book: what it asks for, what it takes for whole, stale or wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from fakeio import FakeIo, FakeSocket, Talk, codes, failed, judged, ok, refusal, run, view
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.check import Skip
from okxdoctor.model import Finding, Severity
from okxdoctor.okx.orderbook import BookMessage, folded
from okxdoctor.port import Failure, Opening
from okxdoctor_checks.ws_book import CHECK, Facts

BOOKS = "GET /api/v5/market/books"
ARG = {"channel": "books", "instId": "BTC-USDT"}
BIDS, ASKS = [["99", "1", "0", "1"], ["98", "2", "0", "1"]], [["100", "1", "0", "1"], ["101", "3", "0", "2"]]


def message(action: str, prev: int, seq: int, bids: Any = (), asks: Any = (), ts: int = 1_000, **more: Any) -> str:
    data = {"bids": bids, "asks": asks, "ts": str(ts), "checksum": 0, "prevSeqId": prev, "seqId": seq, **more}
    return json.dumps({"arg": ARG, "action": action, "data": [data]})


SNAPSHOT = message("snapshot", -1, 10, BIDS, ASKS)
ACK = json.dumps({"id": "book", "event": "subscribe", "arg": ARG, "connId": "a4d3ae55"})


def sends(*texts: str | int, ack: bool = True) -> Callable[[str], Iterable[str | int]]:
    return lambda text: [*([ACK] if ack else []), *texts]


def rest(seq: int, bids: Any = None, asks: Any = None, ts: int = 1_000) -> Any:
    return ok([{"bids": BIDS if bids is None else bids, "asks": ASKS if asks is None else asks, "ts": str(ts),
                "seqId": seq}])  # fmt: skip


def look(*texts: str | int, book: Any = None, ack: bool = True) -> tuple[tuple[Finding, ...], FakeIo, Facts]:
    io = FakeIo(sockets={"public": Talk(respond=sends(*texts, ack=ack))}, http_script={BOOKS: book or rest(10)})
    facts, findings = run(CHECK, io)
    return findings, io, facts


def one(findings: tuple[Finding, ...]) -> Finding:
    assert len(findings) == 1, codes(findings)
    return findings[0]


UPDATES = (message("update", 10, 12, [["99", "0", "0", "0"]]), message("update", 12, 15, [["98.5", "4", "0", "1"]]))


def test_a_whole_book_asks_rest_once_and_says_nothing() -> None:
    findings, io, facts = look(SNAPSHOT, *UPDATES)
    assert findings == ()
    assert [ask.path for ask in io.asks] == ["/api/v5/market/books?instId=BTC-USDT&sz=25"]
    assert [each.action for each in facts.messages] == ["snapshot", "update", "update"]
    assert all(socket.closed for socket in io.opened)
    assert [json.loads(frame.text)["args"] for frame in io.opened[0].frames if frame.direction == "sent"] == [[ARG]]


def test_a_stream_that_is_late_and_moves_has_not_stopped() -> None:
    """Everything comes 3 s late: no reason to say that nothing more came."""
    slow = [message("update", at - 1, at, [["97", str(at), "0", "1"]], ts=1_000 + at) for at in range(11, 14)]

    class Delayed(FakeIo):
        async def http(self, ask: Any) -> Any:
            if self.asks:
                self.opened[0]._coming += slow
            return await super().http(ask)

    io = Delayed(sockets={"public": Talk(respond=sends(SNAPSHOT))}, http_script={BOOKS: rest(99, ts=4_000)})
    facts, findings = run(CHECK, io)
    assert facts.moved
    assert facts.listened_s >= 1
    assert findings == ()


def test_a_late_rest_answer_is_compared_with_what_was_pushed_meanwhile() -> None:
    """The REST book takes 6 s: it is newer than what came in the first second, and no newer than what lies waiting."""
    pushed = [message("update", at - 1, at, [["97", str(at), "0", "1"]], ts=1_000 + 75 * (at - 10))
              for at in range(11, 91)]  # fmt: skip

    class Late(FakeIo):
        async def http(self, ask: Any) -> Any:
            self.elapsed_s += 6.0
            self.opened[0]._coming += pushed
            return await super().http(ask)

    book = rest(90, [*BIDS, ["97", "90", "0", "1"]], ts=7_000)
    facts, findings = run(CHECK, Late(sockets={"public": Talk(respond=sends(SNAPSHOT))}, http_script={BOOKS: book}))
    assert (findings, len(facts.messages)) == ((), 81)


@pytest.mark.parametrize("other", ["wss://wsus.okx.com/ws/v5", "wss://wspap.okx.com/ws/v5"])
def test_the_book_of_another_market_is_not_compared(other: str) -> None:
    """REST would show another book under the same number: the WebSocket is of another site, or of the demo one."""
    here = view()
    io = FakeIo(
        view=replace(here, ws=replace(here.ws, url=other)),
        sockets={"public": Talk(respond=sends(SNAPSHOT, *UPDATES))},
    )
    facts, findings = run(CHECK, io)
    assert (findings, io.asks, len(facts.messages)) == ((), [], 3)
    broken = Talk(respond=sends(SNAPSHOT, message("update", 12, 15)))
    assert codes(run(CHECK, FakeIo(view=io.view, sockets={"public": broken}))[1]) == ["ws.sequence-gap"]


@pytest.mark.parametrize("own", ["wss://gateway.example/ws/v5", "wss://ws.okx.com/elsewhere"])
def test_the_book_behind_an_address_of_ones_own_is_compared(own: str) -> None:
    here = view()
    io = FakeIo(
        view=replace(here, ws=replace(here.ws, url=own)),
        sockets={"public": Talk(respond=sends(SNAPSHOT, *UPDATES))},
        http_script={BOOKS: rest(10, [["99", "5", "0", "1"]])},
    )
    assert codes(run(CHECK, io)[1]) == ["ws.book-corrupt"]


def test_whose_book_it_is_behind_an_address_of_ones_own_is_not_known_in_demo_trading() -> None:
    """REST is told by a header which environment is meant; a WebSocket host in no table may be production's."""
    here = view()
    io = FakeIo(
        view=replace(here, environment="demo", ws=replace(here.ws, url="wss://gateway.example/ws/v5")),
        sockets={"public": Talk(respond=sends(SNAPSHOT, *UPDATES))},
        http_script={BOOKS: rest(10, [["99", "5", "0", "1"]])},
    )
    assert codes(run(CHECK, io)[1]) == []


def test_a_keep_alive_and_a_reset_are_no_gaps() -> None:
    assert look(SNAPSHOT, message("update", 10, 10), message("update", 10, 3), message("update", 3, 5))[0] == ()


@pytest.mark.parametrize(
    ("updates", "how"),
    [
        (((12, 15),), "gap"),
        (((10, 12), (10, 12)), "repeated"),
        (((12, 15), (10, 12)), "gap"),
        (((15, 3),), "gap"),
    ],
)
def test_a_broken_chain(updates: tuple[tuple[int, int], ...], how: str) -> None:
    finding = one(look(SNAPSHOT, *(message("update", *each) for each in updates))[0])
    assert finding.code == "ws.sequence-gap"
    assert finding.subject == "BTC-USDT"
    assert how in finding.evidence["links"]
    assert finding.evidence["last_seq_id"] == 10 if how == "gap" else finding.evidence["last_seq_id"] == 12


@pytest.mark.parametrize(
    ("snapshot", "book", "kind"),
    [
        (message("snapshot", -1, 10, [["100.5", "1"], *BIDS], ASKS), rest(9), "crossed"),
        (message("snapshot", -1, 10, [BIDS[0], BIDS[0]], ASKS), rest(9), "duplicate"),
        (message("snapshot", -1, 10, BIDS[::-1], ASKS), rest(9), "unsorted"),
        (message("snapshot", -1, 10, BIDS, ASKS, checksum=-855196043), rest(9), "checksum"),
        (message("snapshot", -1, 10, BIDS, [["100", "7", "0", "1"]]), rest(10), "differs"),
        (message("snapshot", -1, 10, BIDS, [["oops"]]), rest(9), "not-a-level"),
    ],
)
def test_a_wrong_book_in_a_whole_chain(snapshot: str, book: Any, kind: str) -> None:
    finding = one(look(snapshot, message("update", 10, 11), message("update", 11, 12), book=book)[0])
    assert finding.code == "ws.book-corrupt"
    assert kind in finding.evidence["kinds"]


def test_a_book_that_is_wrong_behind_a_gap_is_the_gaps_doing() -> None:
    assert codes(look(SNAPSHOT, message("update", 12, 15, [["103", "1"]]), book=rest(15))[0]) == ["ws.sequence-gap"]


# ---- nothing, old things, another thing -------------------------------------------------------------


def test_no_book_while_rest_has_one_is_silence() -> None:
    finding = one(look()[0])
    assert finding.code == "ws.silent"
    assert finding.evidence["messages"] == 0


@pytest.mark.parametrize("came", [(), (SNAPSHOT,)])
def test_a_stream_that_stands_still_while_rest_does_not_answer_is_no_health(came: tuple[str, ...]) -> None:
    """A network that went away in the middle of the run: nobody tells whether there was anything to send."""
    with pytest.raises(Skip) as caught:
        look(*came, book=failed("timeout", "first-byte"))
    assert caught.value.layer == "http"
    # A stream that moves is judged by itself, and whoever answers that there is no such book has answered.
    assert look(SNAPSHOT, *UPDATES, book=failed("timeout", "first-byte"))[0] == ()
    assert look(book=refusal("51001", data=True, status=200))[0] == ()


def test_frames_that_are_cut_off_are_counted() -> None:
    assert one(look(SNAPSHOT[:60])[0]).evidence["frames_unreadable"] == 1


def test_a_stream_behind_rest_is_stale() -> None:
    finding = one(look(SNAPSHOT, *UPDATES, book=rest(900, ts=41_000))[0])
    assert finding.code == "ws.silent"
    assert finding.evidence["behind_s"] == 40.0


def test_a_market_at_rest_is_not_stale() -> None:
    findings, io, facts = look(SNAPSHOT, book=rest(10, ts=41_000))
    assert findings == ()
    # Asked again at the end, whether the book has gone on.
    assert len(io.asks) == 2
    assert facts.listened_s == 0


def test_a_stream_that_stops_behind_its_snapshot_is_silence() -> None:
    finding = one(look(SNAPSHOT, book=[rest(10), rest(90, ts=3_000)])[0])
    assert finding.code == "ws.silent"
    assert finding.evidence["messages"] == 1
    assert finding.evidence["behind_s"] == 2.0
    assert finding.evidence["listened_s"] >= 1


def test_a_book_that_moves_at_the_last_moment_is_waited_for() -> None:
    late = iter([SNAPSHOT])

    class Late(FakeIo):
        async def http(self, ask: Any) -> Any:
            answer = await super().http(ask)
            if len(self.asks) == 2:
                self.opened[0]._coming.append(message("update", 10, 90, ts=3_000))
            return answer

    io = Late(
        sockets={"public": Talk(respond=lambda text: [ACK, next(late)])},
        http_script={BOOKS: [rest(10), rest(90, ts=3_000)]},
    )
    _, findings = run(CHECK, io)
    assert findings == ()


def test_a_rest_book_without_a_number_cannot_be_compared() -> None:
    nameless = ok([{"bids": BIDS, "asks": ASKS, "ts": "41000"}])
    findings, _, facts = look(SNAPSHOT, *UPDATES, book=nameless)
    assert findings == ()
    assert [each.seq for each in facts.rest] == [None]
    assert look(SNAPSHOT, book=nameless)[0] == ()


def test_a_little_older_than_rest_is_not_stale() -> None:
    assert look(SNAPSHOT, *UPDATES, book=rest(900, ts=3_000))[0] == ()


# ---- whose business it is -----------------------------------------------------------------------------


def test_a_websocket_that_does_not_open_is_the_other_checks() -> None:
    shut = Opening(url="wss://x", ok=False, failure=Failure(kind="timeout", phase="upgrade"))
    with pytest.raises(Skip) as caught:
        run(CHECK, FakeIo(sockets={"public": Talk(opening=shut)}))
    assert caught.value.layer == "ws"


@pytest.mark.parametrize("code", ["60014", "64002", "64007"])
def test_a_refused_subscription_is_the_other_checks(code: str) -> None:
    error = json.dumps({"id": "book", "event": "error", "code": code, "msg": "no"})
    with pytest.raises(Skip, match=code) as caught:
        look(error, ack=False)
    assert caught.value.layer == "ws"


def test_silence_without_an_acknowledgement_is_the_other_checks() -> None:
    with pytest.raises(Skip) as caught:
        look(ack=False)
    assert caught.value.layer == "ws"


def test_an_instrument_that_the_site_has_not_is_passed_over() -> None:
    def respond(text: str) -> list[str]:
        arg = json.loads(text)["args"][0]
        if arg["instId"] == "BTC-USDT":
            return [json.dumps({"id": "book", "event": "error", "code": "60018", "msg": "doesn't exist"})]
        return [SNAPSHOT.replace("BTC-USDT", arg["instId"])]

    facts, findings = run(CHECK, FakeIo(sockets={"public": Talk(respond=respond)}, http_script={BOOKS: rest(10)}))
    assert findings == ()
    assert facts.instrument == "BTC-USDC"


def test_an_error_of_the_ticker_is_not_ours() -> None:
    error = json.dumps({"id": "ticker", "event": "error", "code": "60014", "msg": "Requests too frequent"})
    assert look(error, SNAPSHOT, *UPDATES)[0] == ()


@pytest.mark.parametrize(("code", "cause"), [(1006, "ws.drops"), (4005, "ws.drops"), (4008, "ws.connection-limit")])
def test_an_end_is_told(code: int, cause: str) -> None:
    assert codes(look(SNAPSHOT, code)[0]) == [cause]


def test_an_end_once_is_a_warning_and_the_second_book_is_judged() -> None:
    talks = iter([sends(SNAPSHOT, 1006), sends(SNAPSHOT, message("update", 12, 15))])

    class Once(FakeIo):
        async def open_socket(self, *_: Any, **__: Any) -> FakeSocket:
            socket = FakeSocket(self, Talk(respond=next(talks)))
            self.opened.append(socket)
            return socket

    facts, findings = run(CHECK, Once(http_script={BOOKS: rest(10)}))
    assert [(each.code, each.severity) for each in findings] == [
        ("ws.drops", Severity.WARNING), ("ws.sequence-gap", None),
    ]  # fmt: skip
    assert facts.before is not None
    assert facts.before.code == 1006


def test_an_announced_end_is_the_other_checks() -> None:
    notice = json.dumps({"event": "notice", "code": "64008", "msg": "soon"})
    assert look(SNAPSHOT, notice, 1001)[0] == ()


# ---- total ----------------------------------------------------------------------------------------------


books = st.builds(
    BookMessage, action=st.sampled_from(["snapshot", "update", ""]), seq=st.none() | st.integers(-1, 6),
    prev=st.none() | st.integers(-1, 6), checksum=st.none() | st.integers(-2, 2),
    bids=st.lists(st.sampled_from(["1 1", "2 0", "3 5", "x", ""]), max_size=4).map(tuple),
    asks=st.lists(st.sampled_from(["1 1", "2 0", "3 5", "-1 1", "NaN 1"]), max_size=4).map(tuple),
    ts_ms=st.none() | st.integers(0, 10**13),
)  # fmt: skip


kept = books.map(folded)


@given(st.builds(Facts, messages=st.lists(kept, max_size=5).map(tuple), rest=st.lists(kept, max_size=2).map(tuple)))
def test_any_facts_are_judged(facts: Facts) -> None:
    judged(CHECK, facts)


def test_the_probe_survives_a_cancelled_wait() -> None:
    async def cancelled() -> FakeIo:
        io = FakeIo(view=view(), sockets={"public": Talk(respond=sends(SNAPSHOT))}, http_script={BOOKS: rest(10)})
        task = asyncio.ensure_future(CHECK.probe(io))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return io

    assert all(socket.closed for socket in asyncio.run(cancelled()).opened)


def test_a_market_that_stands_still_for_long_is_neither_stale_nor_silent() -> None:
    """REST shows the very message that came last, however long nothing else came."""
    _, _, facts = look(SNAPSHOT, book=rest(10))
    assert judged(CHECK, replace(facts, moved=False, listened_s=1e6)) == ()
    _, _, behind = look(SNAPSHOT, book=rest(20, ts=1_400))
    stopped = one(judged(CHECK, replace(behind, moved=False, listened_s=1e6)))
    assert stopped.code == "ws.silent"
    assert judged(CHECK, replace(behind, moved=False, listened_s=0.0)) == ()
