"""What can happen to WebSocket connections, by name.

A circumstance is an object for one round. The gateway asks it at three places: at an upgrade, at each message of the
program, at each message to it; everything it does leaves its name in the trace.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Path = Literal["public", "private", "business"]


class Link(Protocol):
    """One relayed connection as circumstances see it."""

    conn: int
    path: str
    settled: bool
    """Whether a subscription was acknowledged (on a private connection: after a login)."""

    def say(self, text: str, done: str) -> None: ...
    def cut(self, done: str) -> None: ...
    def close(self, code: int, reason: str, done: str) -> None: ...
    def later(self, delay_s: float, action: Any) -> None: ...
    def note(self, name: str, detail: str = "") -> None: ...
    def flood(self, text: str, times: int) -> None: ...
    def ping(self, mark: bytes, answered: Callable[[], None]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An upgrade that is refused: with a status, or by cutting the connection."""

    done: str
    status: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A message to the program as it goes on, with the name of what was done to it."""

    text: str
    done: str = ""
    unrecorded: bool = False
    ping: bytes = b""


class Circumstance:
    """Does nothing. Subclasses change what they are about. ``plain``: messages are not compressed meanwhile."""

    name = ""
    plain = False

    @property
    def exhausted(self) -> bool:
        """Whether nothing more will happen because of it."""
        return True

    def upgrade(self, path: str) -> Refusal | None:
        return None

    def heard(self, link: Link, text: str, message: dict[str, Any]) -> bool:
        """Whether the message goes on to the exchange."""
        return True

    def said(self, link: Link, frame: Passed) -> list[Passed]:
        return [frame]

    def settled(self, link: Link) -> None:
        """A subscription was acknowledged for the first time on this connection."""

    def gone(self, link: Link) -> None:
        """The connection has ended, by whomever."""

    def pinged(self, link: Link) -> None:
        """A ping frame of the protocol came."""


class Disruption(Circumstance):
    """Ends one connection of each path, some time after it has settled; new ones may be refused for a while."""

    def __init__(
        self,
        name: str,
        how: Literal["cut", "close", "notice"],
        *,
        code: int = 1001,
        reason: str = "",
        after_s: float = 1.6,
        refuse: int = 0,
        refuse_status: int = 503,
        grace_s: float = 1.5,
    ) -> None:
        self.name = name
        self._how = how
        self._code, self._reason = code, reason
        self._after_s, self._grace_s = after_s, grace_s
        self._refuse, self._refuse_status = refuse, refuse_status
        self._left: dict[str, int] = {}
        self._met: set[str] = set()
        self._told: set[int] = set()
        self._ended: set[str] = set()
        self._back: set[str] = set()

    @property
    def exhausted(self) -> bool:
        """Whether every path that was lost is connected again."""
        return bool(self._met) and self._met <= self._back

    def upgrade(self, path: str) -> Refusal | None:
        if path not in self._met:
            return None
        if path in self._ended and self._left.get(path, self._refuse) > 0:
            self._left[path] = self._left.get(path, self._refuse) - 1
            return Refusal(done=f"{self.name}-refused", status=self._refuse_status)
        self._back.add(path)
        return None

    def settled(self, link: Link) -> None:
        if link.path not in self._met:
            self._met.add(link.path)
            link.later(self._after_s, lambda: self._end(link))

    def gone(self, link: Link) -> None:
        if link.conn in self._told:
            self._ended.add(link.path)

    def _end(self, link: Link) -> None:
        self._told.add(link.conn)
        if self._how == "notice":
            link.say(
                '{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade. '
                'Please reconnect.","connId":"a4d3ae55"}',
                self.name,
            )
            link.later(self._grace_s, lambda: self._gone(link))
            return
        self._gone(link)

    def _gone(self, link: Link) -> None:
        self._ended.add(link.path)
        if self._how == "close":
            link.close(self._code, self._reason, self.name)
        else:
            link.cut(self.name)


class Login(Circumstance):
    """The answer to each login comes late, or never."""

    def __init__(self, name: str, delay_s: float | None) -> None:
        self.name = name
        self._delay_s = delay_s
        self._used = False

    @property
    def exhausted(self) -> bool:
        return self._used

    def said(self, link: Link, frame: Passed) -> list[Passed]:
        if '"event":"login"' not in frame.text[:120]:
            return [frame]
        link.note(self.name)
        if self._delay_s is None:
            self._used = True
        else:
            link.later(self._delay_s, lambda: self._say(link, frame.text))
        return []

    def _say(self, link: Link, text: str) -> None:
        self._used = True
        link.say(text, self.name)


class LoginRefused(Circumstance):
    """No login is accepted; REST goes on."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._used = False

    @property
    def exhausted(self) -> bool:
        return self._used

    def heard(self, link: Link, text: str, message: dict[str, Any]) -> bool:
        if message.get("op") != "login":
            return True
        self._used = True
        link.say('{"event":"error","code":"60009","msg":"Login failed.","connId":"a4d3ae55"}', self.name)
        return False


class Quiet(Circumstance):
    """After the acknowledgements nothing is pushed any more; without ``pongs`` the connection is dead altogether.

    Over when every quiet connection has shown a heartbeat, or every dead one has been given up.
    """

    def __init__(self, name: str, *, pongs: bool) -> None:
        self.name = name
        self._pongs = pongs
        self._quiet: set[int] = set()
        self._paths: set[str] = set()
        self._alive: set[int] = set()
        self._gone: set[int] = set()

    @property
    def exhausted(self) -> bool:
        return bool(self._quiet) and self._quiet <= (self._alive if self._pongs else self._gone)

    def settled(self, link: Link) -> None:
        if link.path not in self._paths:
            # Of those that come after a connection was given up nothing more is to be learnt.
            self._paths.add(link.path)
            link.later(0.3, lambda: self._begin(link))

    def _begin(self, link: Link) -> None:
        self._quiet.add(link.conn)
        link.note(self.name)

    def heard(self, link: Link, text: str, message: dict[str, Any]) -> bool:
        if text == "ping":
            self._alive.add(link.conn)
        return True

    def pinged(self, link: Link) -> None:
        self._alive.add(link.conn)

    def gone(self, link: Link) -> None:
        self._gone.add(link.conn)

    def said(self, link: Link, frame: Passed) -> list[Passed]:
        if link.conn not in self._quiet:
            return [frame]
        return [frame] if self._pongs and not frame.text.startswith('{"arg"') else []


class OrderOps(Circumstance):
    """One order operation: its answer is lost, the connection ends instead of it, or it is refused."""

    def __init__(self, name: str, kind: Literal["lost", "cut", "refused", "limit"]) -> None:
        self.name = name
        self._kind = kind
        self._waiting: set[tuple[int, str]] = set()
        self._used = False

    @property
    def exhausted(self) -> bool:
        return self._used

    def heard(self, link: Link, text: str, message: dict[str, Any]) -> bool:
        if message.get("op") not in ("order", "batch-orders") or self._used:
            return True
        self._used = True
        given = message.get("id")
        if self._kind in ("lost", "cut"):
            self._waiting.add((link.conn, str(given)))
            return True
        code, said = ("51008", "Order failed. Insufficient USDT balance in account.")
        if self._kind == "limit":
            reply = {"id": given, "op": message["op"], "code": "50011", "msg": "Rate limit reached.", "data": []}
        else:
            items = [{"clOrdId": "", "ordId": "", "sCode": code, "sMsg": said, "tag": "", "ts": "1748617662056"}]
            reply = {"id": given, "op": message["op"], "code": "1", "msg": "", "data": items}
        reply |= {"inTime": "1748617662056837", "outTime": "1748617662057837"}
        link.say(json.dumps(reply, separators=(",", ":")), self.name)
        return False

    def said(self, link: Link, frame: Passed) -> list[Passed]:
        if self._waiting and '"op":"' in frame.text[:160]:
            given = str(json.loads(frame.text).get("id"))
            if (link.conn, given) in self._waiting:
                self._waiting.discard((link.conn, given))
                link.note(self.name, given)
                if self._kind == "cut":
                    link.cut(self.name)
                return []
        # What the orders channel says about it would give the answer away; that is fine, and stays.
        return [frame]
