"""Reading answers of the REST API, for the checks that ask it: what came, kept small and without judging.

A :class:`Reply` is the part of an answer that a verdict needs: status, code, message, some headers. It is a fact, so it
holds no body; a probe takes the rows it needs by :func:`rows` at once. Two questions are answered here for every
check: whether the answer came from the API at all, and which lower layer's check names the reason if it did not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Literal, TypeVar, assert_never

from okxdoctor.check import Inconclusive, Skip
from okxdoctor.knowledge import code as code_row
from okxdoctor.okx import envelope
from okxdoctor.okx.json_text import Json
from okxdoctor.port import Answer, Ask, Failure, Io

T = TypeVar("T")
MESSAGE_LENGTH = 200
NO_SUCH_PATH = "404"
"""The one HTTP status that the exchange itself writes as a code."""
Kind = Literal["ok", "refused", "not-json", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer without its rows.

    ``kind``: ok (code 0) | refused (an envelope that refuses) | not-json (no envelope) | failed (no response).
    ``item_codes``: the sCode of each row that has one. ``age_ms``: from signing to the first byte of the answer.
    """

    method: str
    path: str
    kind: Kind
    status: int | None = None
    code: str = ""
    msg: str = ""
    item_codes: tuple[str, ...] = ()
    server: str = ""
    ray: str = ""
    failure: Failure | None = None
    age_ms: float = 0.0

    @property
    def said(self) -> str:
        """What the answer said, for a sentence: ``HTTP 401, code 50113 (Invalid Sign)``."""
        if self.failure is not None:
            return line(f"no answer ({broken_off(self.failure)})")
        head = f"HTTP {self.status}"
        if self.kind == "not-json":
            return f"{head} without an answer of the API"
        return line(f"{head}, code {self.code}" + (f" ({self.msg})" if self.msg else ""))


def _decoded(answer: Answer) -> envelope.Answer | None:
    if answer.status is None or answer.failure is not None:
        return None
    # JSON is UTF-8. Where a byte was not, somebody rewrote the answer, and no field of it is the API's word.
    return envelope.decode(answer.status, "" if "\ufffd" in answer.body else answer.body)


def of_the_api(found: envelope.Ok | envelope.Rejected | envelope.Partial) -> bool:
    """Whether an envelope is the exchange's and not that of a gateway which happens to call a member ``code``.

    Gateways write the HTTP status there, or a number of their own, beside a ``message`` or nothing. A code that the
    exchange is known to use, rows, or a ``msg`` beside a code of any other form, is taken for its word.
    """
    if isinstance(found.data, list):
        return True
    if found.code == str(found.status) != NO_SUCH_PATH:
        return False
    if envelope.Oddity.CODE_IS_NUMBER not in found.oddities and _known(found.code):
        return True
    return bool(found.message)


def _known(code: str) -> bool:
    try:
        code_row(code)
    except KeyError:
        return False
    return True


def rows(answer: Answer) -> tuple[dict[str, Json], ...]:
    """The objects in ``data``; nothing when there are none."""
    match _decoded(answer):
        case (envelope.Ok() | envelope.Rejected() | envelope.Partial()) as found if isinstance(found.data, list):
            return tuple(row for row in found.data if isinstance(row, dict))
        case _:
            return ()


def text(row: Mapping[str, Json], name: str) -> str:
    """A field as text: absent, null and "" are all absent (""), and so is what cannot be a text."""
    value = row.get(name)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else ""


def line(words: str, length: int = MESSAGE_LENGTH) -> str:
    """A stranger's text as one printable line, an ellipsis where something was left out."""
    begin = words[: 2 * length]
    text = " ".join("".join(c if c.isprintable() else " " for c in begin).split())
    # White space that was folded may have hidden that there is more.
    whole = len(text) <= length and not words[len(begin) :].strip()
    return text if whole else f"{text[: length - 1].rstrip()}…"


def read(answer: Answer) -> Reply:
    """The reply that an answer holds."""
    age_ms = round(max(answer.received_mono_ns - answer.sent_mono_ns, 0) / 1e6, 1)
    found = _decoded(answer)
    if answer.status is None or found is None:
        failure = answer.failure or Failure(kind="other", phase="first-byte")
        return Reply(method=answer.method, path=answer.path, kind="failed", failure=failure, age_ms=age_ms)
    seen = Reply(
        method=answer.method,
        path=answer.path,
        kind="not-json",
        status=answer.status,
        server=line(answer.header("server") or "", 60),
        ray=line(answer.header("cf-ray") or "", 60),
        age_ms=age_ms,
    )
    match found:
        case envelope.Ok() | envelope.Rejected() | envelope.Partial() if not of_the_api(found):
            return seen
        case envelope.Ok() | envelope.Rejected() | envelope.Partial():
            return replace(
                seen,
                kind="ok" if isinstance(found, envelope.Ok) else "refused",
                code=line(found.code, 16),
                msg=line(found.message),
                item_codes=tuple(line(item.code, 16) for item in found.items[:20]),
            )
        case envelope.Http() | envelope.NotJson():
            return seen
        case _:
            assert_never(found)


def exchange_ms(answer: Answer) -> int | None:
    """The Date header of an answer in epoch milliseconds (1 s resolution); None without a readable one."""
    try:
        return round(parsedate_to_datetime(answer.header("date") or "").timestamp() * 1000)
    except (ValueError, TypeError, OverflowError):
        return None


async def together(*asks: Awaitable[T]) -> tuple[T, ...]:
    """All at once, and all of them to their end: the first exception is raised when nothing is left running."""
    found = await asyncio.gather(*asks, return_exceptions=True)
    for value in found:
        if isinstance(value, BaseException):
            raise value
    return tuple(value for value in found if not isinstance(value, BaseException))


async def recorded(io: Io, *asks: Ask) -> tuple[Answer, ...]:
    """The answers, asked for together. A recording of a run that did not ask for them holds nothing to look at."""
    try:
        return await together(*(io.http(ask) for ask in asks))
    except Inconclusive as missing:
        if io.view.kind == "cassette":
            raise Skip(missing.because) from None
        raise


# ---- whose business a missing answer is --------------------------------------------------------

_LAYER_BY_PHASE = {"resolve": "dns", "connect": "tcp", "proxy": "proxy", "handshake": "tls"}
_LAYER_BY_KIND = {
    "dns": "dns",
    "refused": "tcp",
    "unreachable": "tcp",
    "proxy": "proxy",
    "tls": "tls",
    "not-tls": "tls",
}


def layer(failure: Failure) -> str:
    """The check that names the cause of this failure. The kind decides where it says more than the phase."""
    return _LAYER_BY_KIND.get(failure.kind) or _LAYER_BY_PHASE.get(failure.phase, "http")


_HOW = {
    "dns": "the name does not resolve",
    "refused": "refused",
    "timeout": "nothing came in time",
    "unreachable": "no route",
    "reset": "reset",
    "closed": "closed",
    "tls": "the TLS handshake fails",
    "not-tls": "no TLS is spoken there",
    "proxy": "the proxy gives no way",
    "protocol": "what came breaks the protocol",
}
_WHILE = {
    "resolve": "looking up the name",
    "connect": "connecting",
    "proxy": "asking the proxy",
    "handshake": "in the TLS handshake",
    "send": "sending",
    "first-byte": "waiting for the answer",
    "body": "in the middle of the answer",
    "upgrade": "in the upgrade",
    "receive": "waiting for messages",
}
_SAYS_WHERE = frozenset({("dns", "resolve"), ("tls", "handshake"), ("not-tls", "handshake"), ("refused", "connect")})


def broken_off(failure: Failure) -> str:
    """Why an exchange of bytes did not happen, in words for a sentence: "nothing came in time, connecting"."""
    how = _HOW.get(failure.kind, "broken off")
    where = _WHILE.get(failure.phase, "")
    told = not where or failure.kind == "proxy" or (failure.kind, failure.phase) in _SAYS_WHERE
    return how if told else f"{how}, {where}"


# Codes that say something of the exchange or of the way to it, not of what was asked.
_STATUS_CODES = frozenset({"50001", "50004", "50013", "50026"})
_LIMIT_CODES = frozenset({"50011", "50061"})
_EDGE_CODES = frozenset({"50121"})


def standing_in_the_way(reply: Reply, host: str) -> Skip | None:
    """The skip for an answer that did not come from what was asked, naming the check that judges it; else None."""
    if reply.failure is not None:
        below = layer(reply.failure)
        word = "no answer from" if below == "http" else "no connection to"
        return Skip(f"{word} {host}: {broken_off(reply.failure)} (see {below})", layer=below)
    if reply.kind == "not-json":
        return Skip(f"{host} answered HTTP {reply.status} without an answer of the API (see http)", layer="http")
    if reply.kind == "refused":
        for codes, judge in ((_STATUS_CODES, "status"), (_LIMIT_CODES, "ratelimit"), (_EDGE_CODES, "http")):
            if reply.code in codes:
                return Skip(f"{host} answered {reply.said} (see {judge})", layer=judge)
    return None
