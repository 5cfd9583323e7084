"""What can happen to what the exchange tells on its channels, by name: books, oddities, bursts.

Books are changed so that their numbers tell a true story: a gap is an update that is missing, a reset goes on counting
from a lower number.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from okxdoctor.conformance.client.trace import spelled
from okxdoctor.conformance.client.ws_circumstances import Circumstance, Link, Passed

BOOKS = ("books", "books-l2-tbt", "books50-l2-tbt", "books-elp", "books-rpi")
"""Channels with a chain of sequence numbers."""


class Book(Circumstance):
    """One thing that happens to the first book of each connection, after some updates."""

    def __init__(self, name: str, kind: Literal["gap", "reset", "keep-alive"], *, after: int = 4) -> None:
        self.name = name
        self._kind = kind
        self._after = after
        self._seen: dict[tuple[int, str], int] = {}
        self._shift: dict[tuple[int, str], int] = {}
        self._done: set[int] = set()

    @property
    def exhausted(self) -> bool:
        return bool(self._done)

    def said(self, link: Link, frame: Passed) -> list[Passed]:
        if not frame.text.startswith('{"arg"') or '"channel":"books' not in frame.text[:200]:
            return [frame]
        message = json.loads(frame.text)
        arg, rows = message.get("arg", {}), message.get("data")
        if arg.get("channel") not in BOOKS or not isinstance(rows, list) or not rows:
            return [frame]
        place = (link.conn, spelled(arg))
        row = rows[0]
        if message.get("action") == "snapshot":
            self._seen[place], self._shift[place] = 0, 0
            return [frame]
        self._seen[place] = self._seen.get(place, 0) + 1
        shift = self._shift.get(place, 0)
        if link.conn in self._done or self._seen[place] <= self._after:
            return [frame if not shift else self._moved(message, row, shift, shift)]
        self._done.add(link.conn)
        link.note(self.name, spelled(arg))
        match self._kind:
            case "gap":
                return []
            case "reset":
                # One message links a lower number to the last one; the chain goes on from there.
                lower = row["seqId"] // 2 + 1
                self._shift[place] = lower
                return [self._moved(message, row, 0, lower)]
            case "keep-alive":
                still = {**row, "asks": [], "bids": [], "prevSeqId": row["seqId"], "seqId": row["seqId"]}
                text = json.dumps({**message, "data": [still]}, separators=(",", ":"))
                return [frame, Passed(text=text, done=self.name)]

    def _moved(self, message: dict[str, Any], row: dict[str, Any], before: int, after: int) -> Passed:
        moved = {**row, "prevSeqId": row["prevSeqId"] - before, "seqId": row["seqId"] - after}
        return Passed(text=json.dumps({**message, "data": [moved]}, separators=(",", ":")), done=self.name)


def _with_fields(message: dict[str, Any]) -> dict[str, Any]:
    found = {**message, "zFutureField": "1"}
    if isinstance(found.get("data"), list):
        found["data"] = [
            {**row, "zFutureField": "1", "zFutureNothing": None} if isinstance(row, dict) else row
            for row in found["data"]
        ]
    return found


REPEATED = ("orders", "account", "positions", "balance_and_position", "tickers")
"""Channels whose messages are a whole state each, so that one of them twice says nothing new."""


def _later(message: dict[str, Any]) -> dict[str, Any]:
    """The same event once more, as the orders channel tells it: with another time of update."""
    rows = [
        {**row, "uTime": str(int(row["uTime"]) + 1)} if str(row.get("uTime", "")).isdigit() else row
        for row in message["data"]
        if isinstance(row, dict)
    ]
    return {**message, "data": rows}


EXTRA = {
    "unknown-event": '{"event":"zfuture-event","msg":"","code":"0","connId":"a4d3ae55"}',
    "conn-count": '{"event":"channel-conn-count","channel":"orders","connCount":"2","connId":"a4d3ae55"}',
    "empty-data": '{"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[]}',
    "other-channel": '{"arg":{"channel":"zfuture-channel","instId":"BTC-USDT"},"data":[{"zFuture":"1"}]}',
    "stray-pong": "pong",
}
"""Messages that nobody asked for and that a client must let pass."""


class Oddities(Circumstance):
    """Messages with members that are new, and messages that were not asked for."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.name = "oddities"
        self._names = names
        self._told: set[int] = set()

    @property
    def exhausted(self) -> bool:
        return bool(self._told)

    def said(self, link: Link, frame: Passed) -> list[Passed]:
        if not frame.text.startswith("{"):
            return [frame]
        message = json.loads(frame.text)
        again: list[Passed] = []
        arg = message.get("arg")
        told = arg.get("channel") if isinstance(arg, dict) and message.get("data") else None
        if "twice" in self._names and told in REPEATED:
            again = [Passed(text=json.dumps(_later(message), separators=(",", ":")), done="twice")]
        if "added-members" in self._names:
            frame = Passed(text=json.dumps(_with_fields(message), separators=(",", ":")), done="added-members")
        return [frame, *again]

    def settled(self, link: Link) -> None:
        if link.conn not in self._told:
            self._told.add(link.conn)
            for at, name in enumerate(name for name in self._names if name in EXTRA):
                link.later(0.3 + 0.1 * at, lambda name=name: link.say(EXTRA[name], name))


class Burst(Circumstance):
    """Many messages at once on the first connection that has some to repeat: how fast are they read?"""

    plain = True  # equal messages compress to nothing, and a library unpacks them all at once
    _KINDS = ("tickers", "candle", "account", "bbo-tbt", "books5", "mark-price", "index-tickers")

    def __init__(self, name: str, times: int) -> None:
        self.name = name
        self._times = times
        self._latest: dict[int, str] = {}
        self._begun: int | None = None
        self._over = False

    @property
    def exhausted(self) -> bool:
        return self._over

    def settled(self, link: Link) -> None:
        link.later(1.5, lambda: self._begin(link))

    def said(self, link: Link, frame: Passed) -> list[Passed]:
        head = '{"arg":{"channel":"'
        if frame.text.startswith(tuple(head + kind for kind in self._KINDS)) and '"data":[' in frame.text[:600]:
            self._latest[link.conn] = frame.text
        return [frame]

    def _begin(self, link: Link) -> None:
        text = self._latest.get(link.conn)
        if self._begun is not None:
            return
        if text is None:
            link.later(0.5, lambda: self._begin(link))
            return
        self._begun = link.conn
        # Who does not answer ping frames cannot be asked how far it has read.
        link.ping(b"burst-begins", lambda: self._flood(link))

    def _flood(self, link: Link) -> None:
        link.note(self.name, f"{self._times} messages")
        link.flood(self._latest[link.conn], self._times)
        link.ping(b"burst-ends", lambda: self._read(link))

    def _read(self, link: Link) -> None:
        self._over = True
        link.note(f"{self.name}-read")

    def gone(self, link: Link) -> None:
        self._over = self._over or link.conn == self._begun
