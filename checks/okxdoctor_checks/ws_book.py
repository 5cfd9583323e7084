"""Is the order book that the WebSocket sends whole and right?

Subscribes to the `books` channel of an instrument that always moves, takes the snapshot and the next updates as they
come, and asks REST once or twice for the same book. From the raw frames okxdoctor builds a book of its own:

* sequence gap: an update does not name the one before it. A keep-alive (the same number twice, nothing in it) and a
  reset after maintenance (a smaller number) are no gaps.
* book corrupt: the chain is whole and the book is not: it crosses, has a price twice or levels out of order, fails a
  checksum that is not 0, or differs from the REST book with the same sequence number.
* silent: the subscription is acknowledged and no book comes, or what comes is older than what REST shows.

Where the WebSocket is known to be that of another site or environment than REST, the two show different markets, and
the stream is judged by itself.

A checksum of 0 is no checksum: since June 2026 the field is always 0, and a client that still verifies it fails on
every message. The connection is the one of the check `ws`; what is wrong with the connection itself is told there.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from okxdoctor.check import Check, Skip
from okxdoctor.knowledge import tunable
from okxdoctor.model import Confidence, Finding, Json
from okxdoctor.okx.orderbook import (
    BROKEN,
    BookMessage,
    Defect,
    FoldedMessage,
    book_message,
    compared,
    defects,
    folded,
    links,
    unfolded,
)
from okxdoctor.okx.signing import request_path
from okxdoctor.port import Ask, Frame, Io, Socket
from okxdoctor_checks._answers import Reply, line, read, rows, standing_in_the_way
from okxdoctor_checks._control import CONTROL_INSTRUMENTS
from okxdoctor_checks._conversation import (
    Ending,
    argument,
    by_itself,
    dropped,
    ending,
    ends_too,
    is_notice,
    message,
    of_one_market,
    ours,
    patience_s,
    refusal,
)
from okxdoctor_checks._words import counted

BOOKS = "/api/v5/market/books"
LEVELS = "25"
MOST_ASKED = 2
MOST_MESSAGES = 50
MOST_MEANWHILE = 500
"""Frames that are heard after a late REST answer."""
_ID = "book"
_NO_INSTRUMENT = "60018"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``messages`` of the book as they arrived, and ``rest`` books asked for meanwhile.

    ``acknowledged``: whether the subscription was. ``unreadable``: frames that were no JSON objects. ``ended``: the
    connection ended by itself before enough had come; ``before``: so did a first one, and this is a second.
    ``waited_s``: from subscribing; ``listened_s``: from the newest REST book, where the stream had to come to it;
    ``moved``: something came meanwhile.
    """

    url: str
    instrument: str
    acknowledged: bool
    messages: tuple[FoldedMessage, ...] = ()
    rest: tuple[FoldedMessage, ...] = ()
    unreadable: int = 0
    ended: Ending | None = None
    before: Ending | None = None
    waited_s: float = 0.0
    listened_s: float = 0.0
    moved: bool = False

    @property
    def stream(self) -> tuple[BookMessage, ...]:
        return tuple(map(unfolded, self.messages))

    @property
    def shown(self) -> tuple[BookMessage, ...]:
        return tuple(map(unfolded, self.rest))


@dataclass(slots=True, kw_only=True)
class _Watch:
    """What has come so far of one subscription. ``comparable``: REST shows the same market."""

    instrument: str
    comparable: bool = True
    acknowledged: bool = False
    refused: str = ""
    messages: list[BookMessage] = field(default_factory=list)
    rest: list[BookMessage] = field(default_factory=list)
    replied: Reply | None = None
    unreadable: int = 0
    notice: bool = False
    ended: Ending | None = None

    def hear(self, frame: Frame) -> None:
        if frame.kind == "close":
            self.ended = ending(frame, announced=self.notice)
            return
        content = message(frame.text) if frame.kind == "text" else {}
        if not content:
            self.unreadable += frame.kind == "text" and frame.text != "pong"
            return
        arg = argument(content)
        own = arg.get("channel") == "books" and arg.get("instId") == self.instrument
        self.notice = self.notice or is_notice(content)
        if content.get("event") == "error" and ours(content, _ID, "books"):
            self.refused = refusal(content)
        elif own and content.get("event") == "subscribe":
            self.acknowledged = True
        elif own and isinstance(data := content.get("data"), list):
            action = str(content.get("action", ""))
            self.messages += [
                book_message(row, action=action, arrived_ms=frame.at_ms) for row in data if isinstance(row, dict)
            ]

    def over(self) -> bool:
        """Whether the connection has ended."""
        return self.ended is not None

    @property
    def matched(self) -> bool:
        return compared(self.messages, self.rest) > 0

    @property
    def passed(self) -> bool:
        """The stream has gone beyond the newest REST book: asking again may hit a message better."""
        newest, last = (self.rest or [BookMessage()])[-1].seq, (self.messages or [BookMessage()])[-1].seq
        return newest is not None and last is not None and last > newest

    @property
    def lagging(self) -> bool:
        """REST is far ahead in time: the stream will not come to its book while we look."""
        return _behind_s(self.messages, self.rest) > tunable("ws_stale_s")

    @property
    def quiet(self) -> bool:
        """The connection stands, and little or nothing came on it."""
        return not self.over() and self.updates < tunable("ws_book_updates")

    @property
    def updates(self) -> int:
        return sum(1 for each in self.messages if each.action != "snapshot")


# ---- probe --------------------------------------------------------------------------------------


async def probe(io: Io) -> Facts:
    facts = await _attempt(io)
    if facts.ended is None or not by_itself(facts.ended):
        return facts
    try:
        return replace(await _attempt(io, after=facts.ended), before=facts.ended)
    except Skip:
        return facts


async def _attempt(io: Io, after: Ending | None = None) -> Facts:
    """One subscription on the connection that is shared; ``after``: another one ended so."""
    socket = await io.open_socket("public", shared=True)
    try:
        if not socket.opening.ok:
            raise Skip("the WebSocket does not open (see ws)", layer="ws")
        begun_ns = io.now().mono_ns
        comparable = of_one_market(io.view)
        for instrument in CONTROL_INSTRUMENTS:
            watch = _Watch(instrument=instrument, comparable=comparable)
            await _watch(io, socket, watch)
            before = len(watch.messages)
            listened_s = await _last_chance(io, socket, watch)
            if not watch.refused.startswith(_NO_INSTRUMENT):
                break
        if after is not None and watch.ended is None:
            watch.ended = await ends_too(io, socket, begun_ns, after)
    finally:
        await socket.close()
    if watch.refused:
        raise Skip(line(f"books is refused: {watch.refused} (see ws)"), layer="ws")
    if not watch.messages and not watch.acknowledged and watch.ended is None:
        raise Skip("the subscription to books is not answered (see ws)", layer="ws")
    if watch.quiet and watch.replied is not None and (reason := standing_in_the_way(watch.replied, io.view.rest.host)):
        raise reason  # a stream that stands still, and nobody tells whether there was anything to send
    return Facts(
        url=socket.opening.url,
        instrument=watch.instrument,
        acknowledged=watch.acknowledged,
        messages=tuple(map(folded, watch.messages)),
        rest=tuple(map(folded, watch.rest)),
        unreadable=watch.unreadable,
        ended=watch.ended,
        waited_s=round((io.now().mono_ns - begun_ns) / 1e9, 3),
        listened_s=listened_s,
        moved=len(watch.messages) > before,
    )


async def _watch(io: Io, socket: Socket, watch: _Watch) -> None:
    """Subscribe, and take what comes until it is enough to judge, or the time for it is over."""
    args = [{"channel": "books", "instId": watch.instrument}]
    await socket.send(json.dumps({"id": _ID, "op": "subscribe", "args": args}))
    begun_ns = io.now().mono_ns
    came_s: float | None = None
    asking: asyncio.Task[None] | None = None
    asked, first_s = 0, patience_s(io, "ws_first_data_s")
    # The run is not over before the checks in ``reads`` are: until then the stream is listened to at no cost.
    others = asyncio.ensure_future(io.settled())
    await asyncio.sleep(0)  # where there are none, it is known at once
    try:
        while not watch.refused and watch.ended is None:
            waited_s = (io.now().mono_ns - begun_ns) / 1e9
            if watch.messages and came_s is None:
                came_s = waited_s
            limit_s = first_s if came_s is None else came_s + tunable("ws_book_watch_s")
            over = waited_s >= limit_s or len(watch.messages) >= MOST_MESSAGES
            if over or (_enough(watch, asking) and others.done()):
                break
            first = asking is None and (watch.messages or waited_s >= first_s / 4)
            again = asking is not None and asking.done() and watch.passed and not watch.matched
            if watch.comparable and asked < MOST_ASKED and (first or again):
                asking, asked = asyncio.ensure_future(_ask(io, watch)), asked + 1
            sure = asking is not None or watch.messages or not watch.comparable
            pause_s = limit_s - waited_s if sure else first_s / 4
            frame = await socket.receive(max(pause_s, 0.001))
            if frame is not None:
                watch.hear(frame)
        others.cancel()
        if asking is not None:
            await asking
            # The answer may have taken its time: what was pushed meanwhile is there, and is no older than it.
            for _ in range(MOST_MEANWHILE):
                frame = None if watch.over() else await socket.receive(0.001)
                if frame is None:
                    break
                watch.hear(frame)
    finally:
        others.cancel()
        if asking is not None:
            asking.cancel()


async def _last_chance(io: Io, socket: Socket, watch: _Watch) -> float:
    """A stream that stopped moving is compared with REST once more, and heard a little longer; how long, in seconds."""
    if not watch.messages or not watch.quiet or not watch.comparable:
        return 0.0
    await _ask(io, watch)
    begun_ns, limit_s, listened_s = io.now().mono_ns, tunable("ws_catch_up_s"), 0.0
    while _behind_s(watch.messages, watch.rest) > 0 and not watch.over() and listened_s < limit_s:
        frame = await socket.receive(max(limit_s - listened_s, 0.001))
        listened_s = (io.now().mono_ns - begun_ns) / 1e9
        if frame is not None:
            watch.hear(frame)
    return round(listened_s, 3)


def _enough(watch: _Watch, asking: asyncio.Task[None] | None) -> bool:
    told = not watch.comparable or (asking is not None and asking.done())
    settled = watch.matched or watch.passed or watch.lagging or not watch.rest
    return told and watch.updates >= tunable("ws_book_updates") and settled


async def _ask(io: Io, watch: _Watch) -> None:
    """The REST book; an answer that holds none is none."""
    path = request_path(BOOKS, [("instId", watch.instrument), ("sz", LEVELS)])
    answer = await io.http(Ask(method="GET", path=path))
    watch.replied = read(answer)
    watch.rest += [book_message(row) for row in rows(answer)[:1]]


# ---- evaluate -----------------------------------------------------------------------------------


def evaluate(facts: Facts) -> Iterable[Finding]:
    ends = tuple(end for end in (facts.before, facts.ended) if end is not None and not end.announced)
    yield from dropped(ends, facts.url, tried=1 if facts.before is None else 2, doing="while books was subscribed")
    if not facts.messages:
        if facts.ended is None and facts.acknowledged and facts.rest:
            yield _silent(facts)
        return
    joined = links(facts.stream)
    broken = [k for k, link in enumerate(joined) if link in BROKEN]
    wrong = defects(facts.stream, facts.shown)
    if broken:
        yield _gap(facts, joined, broken)
    if wrong:
        yield _corrupt(facts, wrong)
    behind_s = _behind_s(facts.stream, facts.shown)
    if broken or wrong or facts.ended is not None:
        return
    if behind_s > tunable("ws_stale_s"):
        yield _stale(facts, behind_s)
    elif behind_s > 0 and not facts.moved and facts.listened_s >= tunable("ws_catch_up_s"):
        yield _stopped(facts, behind_s)


def _behind_s(messages: Sequence[BookMessage], rest: Sequence[BookMessage]) -> float:
    """How much older the newest message is than the newest REST book, where REST has gone on by its number."""
    told = [each.ts_ms for each in messages if each.ts_ms is not None]
    shown = [(each.ts_ms, each.seq) for each in rest if each.ts_ms is not None and each.seq is not None]
    if not told or not shown or max(shown)[1] in {each.seq for each in messages}:
        return 0.0
    return (max(shown)[0] - max(told)) / 1000


def _numbers(facts: Facts) -> dict[str, Json]:
    return {
        "url": facts.url,
        "instrument": facts.instrument,
        "messages": len(facts.messages),
        "rest_books_compared": compared(facts.stream, facts.shown),
        "waited_s": facts.waited_s,
    }


def _gap(facts: Facts, joined: tuple[str, ...], broken: list[int]) -> Finding:
    at = broken[0]
    bad = facts.messages[at]
    last = next((each.seq for each in reversed(facts.messages[:at]) if each.seq is not None), None)
    how = {
        "gap": f"an update says that {bad.prev} came before it, and {last} did",
        "repeated": f"an update ({bad.prev} to {bad.seq}) comes twice",
        "headless": "an update comes before any snapshot",
    }[joined[at]]
    return Finding(
        code="ws.sequence-gap",
        summary=line(f"The chain of the order book of {facts.instrument} is broken: {how}"),
        evidence={
            **_numbers(facts),
            "links": list(joined),
            "seq_ids": [each.seq for each in facts.messages],
            "prev_seq_ids": [each.prev for each in facts.messages],
            "last_seq_id": last,
            "prev_seq_id": bad.prev,
        },
        subject=facts.instrument,
        excluded=("ws.book-corrupt",),
    )


_WORDS = {
    "not-a-level": "a level is no price with a size",
    "duplicate": "the snapshot has a price twice",
    "unsorted": "the snapshot's levels are out of order",
    "crossed": "bids and asks cross",
    "checksum": "a checksum that is not 0 does not fit",
    "differs": "it differs from the REST book with the same sequence number",
}


def _corrupt(facts: Facts, wrong: tuple[Defect, ...]) -> Finding:
    first = wrong[0]
    return Finding(
        code="ws.book-corrupt",
        summary=line(f"The order book of {facts.instrument} is wrong: {_WORDS[first.kind]} ({first.says})"),
        evidence={
            **_numbers(facts),
            "kinds": sorted({each.kind for each in wrong}),
            "defects": [line(f"message {each.message + 1}: {each.kind}: {each.says}", 160) for each in wrong[:5]],
        },
        subject=facts.instrument,
        # The two sides of one comparison may be cut at different moments; a book that is wrong in itself may not be.
        confidence=Confidence.LIKELY if {each.kind for each in wrong} == {"differs"} else Confidence.CERTAIN,
        excluded=("ws.sequence-gap",),
    )


def _silent(facts: Facts) -> Finding:
    brings = f"{counted(facts.unreadable, 'frame')} with no JSON" if facts.unreadable else "nothing"
    return Finding(
        code="ws.silent",
        summary=f"books of {facts.instrument} is acknowledged and brings {brings} in {facts.waited_s:.1f} s, while "
        "REST has the book",
        evidence={**_numbers(facts), "frames_unreadable": facts.unreadable},
        subject="ws",
        excluded=("ws.wrong-path",),
    )


def _stale(facts: Facts, behind_s: float) -> Finding:
    return Finding(
        code="ws.silent",
        summary=f"What the WebSocket sends of {facts.instrument} is {behind_s:.1f} s older than what REST shows",
        evidence={**_numbers(facts), "behind_s": round(behind_s, 3), "limit_s": tunable("ws_stale_s")},
        subject="ws",
        remedy=(
            "Do not trade on this stream: compare ts of what is pushed with the exchange's time",
            "okxdoctor run --only 'ws.*'   # once more; then from another network",
        ),
    )


def _stopped(facts: Facts, behind_s: float) -> Finding:
    return Finding(
        code="ws.silent",
        summary=f"books of {facts.instrument} brings {counted(len(facts.messages), 'message')} and nothing more in "
        f"{facts.waited_s:.1f} s, while the REST book goes on",
        evidence={**_numbers(facts), "behind_s": round(behind_s, 3), "listened_s": facts.listened_s},
        subject="ws",
        excluded=("ws.sequence-gap",),
    )


CHECK = Check(
    id="ws.book",
    title="The order book that the WebSocket sends is whole and right",
    facts=Facts,
    probe=probe,
    evaluate=evaluate,
    reads=("ws.private",),
    causes=("ws.sequence-gap", "ws.book-corrupt", "ws.silent", "ws.drops", "ws.connection-limit"),
)
