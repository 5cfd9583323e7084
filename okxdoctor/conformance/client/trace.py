"""What crossed the wire in one round, as frozen values, and the index over them that judges read.

Times are seconds since the start of the round; ``epoch_ms`` is the exchange's clock. Headers have lower-case names in
the order of the wire. Texts are what was sent, undecodable bytes as lone surrogates. Nothing here is redacted: a trace
holds what the judges need; reports pass it through redaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

Side = Literal["rest", "ws"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """A TLS handshake that came to an end. ``shown`` names the certificate, "healthy" or a defect of it."""

    at_s: float
    conn: int
    side: Side
    outcome: Literal["complete", "refused"]
    shown: str = "healthy"
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A REST request."""

    at_s: float
    epoch_ms: int
    number: int
    conn: int
    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What the program was given for request ``number``. ``done`` names the circumstance that made it, "" the
    exchange itself; ``reached`` whether the exchange has seen the request."""

    at_s: float
    number: int
    status: int
    body: str = ""
    done: str = ""
    reached: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """Request ``number`` got no (whole) answer."""

    at_s: float
    number: int
    done: str
    reached: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A WebSocket upgrade: 101, or the status of its refusal."""

    at_s: float
    conn: int
    path: str
    status: int
    target: str = ""
    done: str = ""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A text message of the program."""

    at_s: float
    epoch_ms: int
    conn: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A text message to the program; long books are shortened to their numbers."""

    at_s: float
    conn: int
    text: str
    done: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinged:
    """A ping frame of the protocol (RFC 6455) from the program."""

    at_s: float
    conn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """The end of a WebSocket; ``by`` the circumstances means that ``done`` names them."""

    at_s: float
    conn: int
    by: Literal["program", "exchange", "circumstances"]
    code: int = 0
    done: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A circumstance that is no answer: it began, or it happened to ``conn``."""

    at_s: float
    name: str
    conn: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """The program wanted a connection to another host."""

    at_s: float
    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """The beginning of what the program printed on one stream."""

    at_s: float
    stream: Literal["stdout", "stderr"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The end of the program by itself (negative: by that signal)."""

    at_s: float
    status: int


Event = (
    Knock
    | Asked
    | Answered
    | Unanswered
    | Opened
    | Heard
    | Said
    | Pinged
    | Closed
    | Played
    | Elsewhere
    | Printed
    | Ended
)


def decoded(text: str) -> Any:
    """The JSON value of a text; None when it has none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the suite knows of the world that the program was put into.

    ``instruments``  instId → (tickSz, lotSz, minSz, instIdCode), texts as the exchange lists them
    ``environment``  live or demo
    """

    key: str = ""
    secret: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)
    environment: Literal["live", "demo"] = "live"
    instruments: tuple[tuple[str, tuple[str, str, str, int]], ...] = ()

    def instrument(self, inst_id: str) -> tuple[str, str, str, int] | None:
        return dict(self.instruments).get(inst_id)

    def by_code(self, code: int) -> str | None:
        return next((name for name, row in self.instruments if row[3] == code), None)


class Call:
    """A request with what came of it."""

    def __init__(self, place: int, asked: Asked) -> None:
        self.place = place
        self.asked = asked
        self.result: Answered | Unanswered | None = None
        self.result_place: int | None = None

    @property
    def at_s(self) -> float:
        return self.asked.at_s

    @property
    def path(self) -> str:
        return self.asked.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.asked.target.partition("?")[2]

    @property
    def kind(self) -> tuple[str, str]:
        return self.asked.method, self.path

    @cached_property
    def headers(self) -> dict[str, str]:
        return dict(self.asked.headers)

    @property
    def signed(self) -> bool:
        """Whether it carries any of the headers of a signed request, filled."""
        return any(self.headers.get(f"ok-access-{name}") for name in ("key", "sign"))

    @cached_property
    def json(self) -> Any:
        return decoded(self.asked.body)

    @cached_property
    def answer(self) -> Any:
        return decoded(self.result.body) if isinstance(self.result, Answered) else None

    @property
    def code(self) -> str:
        """The code of the answer's envelope, "" when there is none."""
        found = self.answer.get("code") if isinstance(self.answer, dict) else None
        return found if isinstance(found, str) else ""

    @property
    def status(self) -> int:
        return self.result.status if isinstance(self.result, Answered) else 0

    @property
    def done(self) -> str:
        return "" if self.result is None else self.result.done

    @property
    def fine(self) -> bool:
        """Answered by the exchange itself with code 0."""
        return self.done == "" and self.status == 200 and self.code == "0"


class Message:
    """One WebSocket text message, with its place among the events."""

    def __init__(self, place: int, event: Heard | Said) -> None:
        self.place = place
        self.event = event

    @property
    def at_s(self) -> float:
        return self.event.at_s

    @property
    def mine(self) -> bool:
        """Whether the program sent it."""
        return isinstance(self.event, Heard)

    @cached_property
    def json(self) -> dict[str, Any]:
        found = decoded(self.event.text)
        return found if isinstance(found, dict) else {}

    @property
    def op(self) -> str:
        found = self.json.get("op")
        return found if isinstance(found, str) and self.mine else ""

    @property
    def name(self) -> str:
        """The event of a message to the program ("login", "subscribe", "error", "notice" …)."""
        found = self.json.get("event")
        return found if isinstance(found, str) and not self.mine else ""

    @property
    def args(self) -> tuple[dict[str, Any], ...]:
        found = self.json.get("args")
        return tuple(each for each in found if isinstance(each, dict)) if isinstance(found, list) else ()

    @property
    def arg(self) -> dict[str, Any]:
        found = self.json.get("arg")
        return found if isinstance(found, dict) else {}

    @property
    def done(self) -> str:
        return self.event.done if isinstance(self.event, Said) else ""


class Socket:
    """One WebSocket connection from its upgrade on."""

    def __init__(self, place: int, opened: Opened) -> None:
        self.place = place
        self.opened = opened
        self.messages: list[Message] = []
        self.pings: list[Pinged] = []
        self.closed: Closed | None = None
        self.closed_place: int | None = None

    @property
    def conn(self) -> int:
        return self.opened.conn

    @property
    def path(self) -> str:
        return self.opened.path

    @property
    def at_s(self) -> float:
        return self.opened.at_s

    @cached_property
    def heard(self) -> tuple[Message, ...]:
        """Messages of the program."""
        return tuple(each for each in self.messages if each.mine)

    @cached_property
    def said(self) -> tuple[Message, ...]:
        """Messages to the program."""
        return tuple(each for each in self.messages if not each.mine)

    @cached_property
    def logins(self) -> tuple[Message, ...]:
        return tuple(each for each in self.heard if each.op == "login")

    @cached_property
    def login_ack(self) -> Message | None:
        """The acceptance of a login."""
        return next((each for each in self.said if each.name == "login" and each.json.get("code") == "0"), None)

    @cached_property
    def subscribed(self) -> frozenset[str]:
        """Arguments that were asked for on this connection and not given up, in one spelling each."""
        live: set[str] = set()
        for each in self.heard:
            if each.op == "subscribe":
                live.update(spelled(arg) for arg in each.args)
            elif each.op == "unsubscribe":
                live.difference_update(spelled(arg) for arg in each.args)
        return frozenset(live)


def spelled(arg: dict[str, Any]) -> str:
    """A channel argument as one text: absent and empty members left out, names in order."""
    kept = {str(name): value for name, value in arg.items() if value not in (None, "")}
    try:
        return json.dumps(kept, sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError):
        return repr(kept)


class Trace:
    """The events of one round, indexed. Total: any sequence of events makes a trace."""

    def __init__(self, name: str, events: Iterable[Event], known: Known) -> None:
        self.name = name
        self.events = tuple(events)
        self.known = known
        calls: dict[int, Call] = {}
        sockets: dict[int, Socket] = {}
        for place, event in enumerate(self.events):
            match event:
                case Asked():
                    calls.setdefault(event.number, Call(place, event))
                case Answered() | Unanswered():
                    call = calls.get(event.number)
                    if call is not None and call.result is None:
                        call.result, call.result_place = event, place
                case Opened():
                    sockets.setdefault(event.conn, Socket(place, event))
                case Heard() | Said():
                    if event.conn in sockets:
                        sockets[event.conn].messages.append(Message(place, event))
                case Pinged():
                    if event.conn in sockets:
                        sockets[event.conn].pings.append(event)
                case Closed():
                    socket = sockets.get(event.conn)
                    if socket is not None and socket.closed is None:
                        socket.closed, socket.closed_place = event, place
                case _:
                    pass
        self.calls = tuple(calls.values())
        self.upgrades = tuple(sockets.values())
        self.sockets = tuple(each for each in self.upgrades if each.opened.status == 101)

    @cached_property
    def ended(self) -> Ended | None:
        return next((event for event in self.events if isinstance(event, Ended)), None)

    @cached_property
    def end_s(self) -> float:
        """When the last event was."""
        return max((event.at_s for event in self.events), default=0.0)

    @cached_property
    def printed(self) -> str:
        return "\n".join(event.text for event in self.events if isinstance(event, Printed))

    def of(self, *kinds: type[Any]) -> Iterator[tuple[int, Any]]:
        """Events of these types with their places."""
        for place, event in enumerate(self.events):
            if isinstance(event, kinds):
                yield place, event

    def acts_after(self, place: int) -> Iterator[tuple[int, Event]]:
        """What the program did after an event: requests, upgrades, messages; text pings are left out."""
        for at in range(place + 1, len(self.events)):
            event = self.events[at]
            if isinstance(event, Asked | Opened) or (isinstance(event, Heard) and event.text != "ping"):
                yield at, event


def shortened(text: str, keep: int = 3_000) -> str:
    """A message for the trace: the levels of a book by their number, everything else whole up to ``keep``."""
    if len(text) < 600 or not text.startswith('{"arg"'):
        return text[:keep]
    value = decoded(text)
    rows = value.get("data") if isinstance(value, dict) else None
    if not isinstance(rows, list):
        return text[:keep]
    brief = [
        {name: len(each) if name in ("asks", "bids") and isinstance(each, list) else each for name, each in row.items()}
        if isinstance(row, dict)
        else row
        for row in rows
    ]
    return json.dumps({**value, "data": brief}, separators=(",", ":"))[:keep]
