"""The wire log: what arrived and what was answered, without anything secret."""

from __future__ import annotations

import itertools
import re
import threading
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 10_000
BODY = 2_500
"""Characters of a body that are kept; an order fits."""
_SECRET_WORDS = ("passphrase", "secret", "login", "sign", "apikey")
_SECRET_FIELDS = re.compile(r"(?:passphrase|secret\w*|sign|apikey)[\\'\"]*\s*[:=]", re.IGNORECASE)
_CODE = re.compile(r'"code":"([^"]{0,16})')
NOT_KEPT = "(not kept)"


def received(text: str) -> str:
    """A body of the client as the log keeps it: its beginning, or nothing of it when it may speak of secrets."""
    start = text[:BODY]
    low = start.lower()
    return NOT_KEPT if any(word in low for word in _SECRET_WORDS) else start


def sent(text: str) -> str:
    """A body of the exchange as the log keeps it: refusals may name what was wrong, values may not be shown."""
    start = text[:BODY]
    return NOT_KEPT if _SECRET_FIELDS.search(start) else start


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One exchange of bytes.

    ``kind``: ``rest`` (request and answer), ``ws-open``, ``ws-in`` (from the client), ``ws-out`` (to it: what
    answers a message, and private pushes; market data is left out), ``ws-close``. ``at_ms`` is virtual time.
    ``detail`` is the code of the answer, or a shortened text; ``body`` the beginning of the request's body or of
    the message, ``answer`` that of the answer. Whatever speaks of keys, logins or signatures is not kept.
    """

    number: int
    at_ms: int
    kind: str
    site: str
    peer: str
    method: str = ""
    target: str = ""
    status: int = 0
    detail: str = ""
    headers: tuple[str, ...] = ()
    """Names of the request's headers, lower case."""
    body: str = ""
    answer: str = ""

    def __str__(self) -> str:
        said = f"{self.method} {self.target}".strip() or self.detail
        code = f" {self.detail}" if self.method and self.detail else ""
        return f"{self.kind} {said}{f' -> {self.status}' if self.status else ''}{code}"

    @property
    def direction(self) -> str:
        """``in``: the client began it; ``out``: the exchange did."""
        return "out" if self.kind == "ws-out" else "in"

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


class WireLog:
    """The last ``KEPT`` entries, oldest first; safe to read from another thread.

    Writing happens with every request and must cost next to nothing: entries are made when somebody reads them.
    """

    def __init__(self) -> None:
        self._written: deque[tuple[Any, ...]] = deque(maxlen=KEPT)
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._reading = threading.Lock()
        self._numbers = itertools.count(1)
        self.defects: list[str] = []
        """Errors of the exchange itself: none, unless something is wrong with it."""

    def add(self, *, at_ms: int, kind: str, site: str, peer: str, method: str = "", target: str = "", status: int = 0,
            detail: str = "", headers: tuple[str, ...] = (), body: str | bytes = b"",
            answer: str | bytes = b"") -> None:  # fmt: skip
        self._written.append(
            (
                next(self._numbers), at_ms, kind, site, peer, method, target, status, detail, headers, body[:BODY],
                answer[:BODY],
            )
        )  # fmt: skip

    def entries(self, after: int = 0) -> tuple[Entry, ...]:
        """Entries whose number is above ``after``."""
        with self._reading:
            while self._written:
                self._entries.append(_entry(*self._written.popleft()))
            return tuple(entry for entry in self._entries if entry.number > after)

    def clear(self) -> None:
        """Forget all entries; numbers go on."""
        with self._reading:
            self._written.clear()
            self._entries.clear()

    def as_json(self, after: int = 0) -> list[dict[str, object]]:
        return [{**asdict(entry), "direction": entry.direction} for entry in self.entries(after)]


def _entry(
    number: int, at_ms: int, kind: str, site: str, peer: str, method: str, target: str, status: int, detail: str,
    headers: tuple[str, ...], body: str | bytes, answer: str | bytes,
) -> Entry:  # fmt: skip
    came, went = _text(body), _text(answer)
    if kind == "rest" and not detail:
        code = _CODE.search(went)
        detail = code[1] if code is not None else ""
    return Entry(
        number=number, at_ms=at_ms, kind=kind, site=site, peer=peer, method=method, target=target, status=status,
        detail=detail, headers=headers, body=sent(came) if kind == "ws-out" else received(came), answer=sent(went),
    )  # fmt: skip


def _text(body: str | bytes) -> str:
    return body if isinstance(body, str) else body.decode("utf-8", "replace")
