"""What can happen to a REST request on its way, by name: answers of somebody else, lost answers, strange answers.

A *treatment* changes the circumstances of one request; a *script* says which requests it happens to. Bodies and
statuses are those of the facts (CDN pages, the exchange's refusals); ``says`` is what a report tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Literal

from okxdoctor.conformance.client.strange import STRANGE, already_gone, partially_refused

ORDER_PATHS = ("/api/v5/trade/order", "/api/v5/trade/batch-orders")
CANCEL_PATHS = ("/api/v5/trade/cancel-order", "/api/v5/trade/cancel-batch-orders")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An answer that does not come from the exchange. ``reached``: the exchange has carried the request out before.

    ``item`` is told once for each order of a batch, in the place of ``%s`` in the body.
    """

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    reached: bool = False
    item: bytes = b""

    def told(self, orders: int) -> bytes:
        """The body for a request of so many orders."""
        return self.body % b",".join([self.item] * max(1, orders)) if self.item else self.body


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """No (whole) answer: the connection is cut, stays silent, or is cut in the middle of the answer."""

    how: Literal["cut", "silence", "half"]
    reached: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The exchange's answer, changed on the way. ``wrap`` is about its transport, not its text.

    ``undo_second``: the second order of a batch is cancelled at the exchange before, so that what is told is true.
    """

    text: Callable[[str, bytes], bytes] | None = None
    wrap: Literal["", "chunked", "gzip", "slow", "close-after"] = ""
    undo_second: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    name: str
    says: str
    act: Page | Loss | Change


def _json(status: int, code: str, message: str, *, reached: bool = False, data: bool = True) -> Page:
    rows = b',"data":[]' if data else b""
    return Page(
        status=status, body=b'{"code":"%s","msg":"%s"%s}' % (code.encode(), message.encode(), rows), reached=reached
    )


def _html(status: int, title: str, *, reached: bool = False) -> Page:
    body = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    return Page(status=status, body=body.encode(), content_type="text/html; charset=UTF-8", reached=reached)


TOO_MANY = Page(status=429, body=b'{"msg":"Too Many Requests","code":"50011"}')

EDGE: tuple[Treatment, ...] = (
    Treatment(name="html-200", says="a page with status 200", act=_html(200, "Welcome")),
    Treatment(name="empty-200", says="status 200 and no body", act=Page(status=200, body=b"")),
    Treatment(
        name="truncated-200",
        says="JSON that breaks off",
        act=Page(status=200, body=b'{"code":"0","data":[{"ts":"17'),
    ),
    Treatment(
        name="not-utf8",
        says="a body that is no UTF-8",
        act=Page(status=200, body=b'{"code":"0","data":[{"note":"caf\xe9"}],"msg":""}'),
    ),
    Treatment(name="json-null", says="the JSON value null", act=Page(status=200, body=b"null")),
    Treatment(name="json-list", says="a JSON array", act=Page(status=200, body=b"[]")),
    Treatment(name="no-data", says="code 0 without data", act=Page(status=200, body=b'{"code":"0","msg":""}')),
    Treatment(name="blocked-403", says="the CDN's 403 page", act=_html(403, "Attention Required! | Cloudflare")),
    Treatment(
        name="code-1015",
        says="429 with the CDN's text",
        act=Page(status=429, body=b"error code: 1015", content_type="text/plain; charset=UTF-8"),
    ),
    Treatment(name="limit-429", says="429 with 50011", act=TOO_MANY),
    Treatment(
        name="limit-200",
        says="50011 with status 200",
        act=_json(
            200, "50011", "Rate limit reached. Please refer to API documentation and throttle requests accordingly."
        ),
    ),
    Treatment(
        name="busy-429", says="429 with 50013", act=_json(429, "50013", "Systems are busy. Please try again later.")
    ),
    Treatment(
        name="unavailable-503",
        says="503 with 50001",
        act=_json(503, "50001", "Service temporarily unavailable. Please try again later."),
    ),
    Treatment(name="error-500", says="500 with 50026", act=_json(500, "50026", "System error. Try again later")),
    Treatment(name="timeout-50004", says="400 with 50004", act=_json(400, "50004", "API endpoint request timeout.")),
    Treatment(name="html-502", says="a 502 page", act=_html(502, "502 Bad Gateway")),
    Treatment(name="html-503", says="a 503 page of maintenance", act=_html(503, "503 Service Temporarily Unavailable")),
    Treatment(name="html-504", says="a 504 page", act=_html(504, "504 Gateway Time-out")),
    Treatment(
        name="html-520", says="the CDN's 520 page", act=_html(520, "520: Web server is returning an unknown error")
    ),
    Treatment(name="html-522", says="the CDN's 522 page", act=_html(522, "522: Connection timed out")),
    Treatment(name="cut-before", says="a connection that ends before the answer", act=Loss(how="cut", reached=False)),
    Treatment(name="cut-half", says="a connection that ends within the answer", act=Loss(how="half")),
)
"""To a GET, one at a time."""

LOST: tuple[Treatment, ...] = (
    Treatment(name="lost-cut", says="the connection ends instead of the answer", act=Loss(how="cut")),
    Treatment(
        name="lost-504", says="a 504 page instead of the answer", act=_html(504, "504 Gateway Time-out", reached=True)
    ),
    Treatment(
        name="lost-502", says="a 502 page instead of the answer", act=_html(502, "502 Bad Gateway", reached=True)
    ),
    Treatment(
        name="lost-50004",
        says="50004 (timeout, outcome unknown) instead of the answer",
        act=_json(
            400,
            "50004",
            "API endpoint request timeout. (does not mean that the request was successful or failed, "
            "please check the request result).",
            reached=True,
        ),
    ),
    Treatment(
        name="lost-50026",
        says="500 with 50026 instead of the answer",
        act=_json(500, "50026", "System error. Try again later", reached=True),
    ),
    Treatment(
        name="lost-empty", says="an empty body instead of the answer", act=Page(status=200, body=b"", reached=True)
    ),
    Treatment(
        name="lost-html", says="a page with status 200 instead of the answer", act=_html(200, "Welcome", reached=True)
    ),
    Treatment(name="lost-half", says="half of the answer", act=Loss(how="half")),
    Treatment(name="lost-silence", says="no answer at all", act=Loss(how="silence")),
)
"""To an order that the exchange has accepted: its outcome is unknown to the program."""


def _refused(code: str, message: str, envelope: str = "1") -> Page:
    text = (
        '{"code":"%s","data":[{"clOrdId":"","ordId":"","sCode":"%s","sMsg":"%s","tag":"","ts":"1748617662056"}],'
        '"inTime":"1748617662056837","msg":"%s","outTime":"1748617662057837"}'
    )
    said = "" if envelope == "0" else "All operations failed"
    return Page(status=200, body=(text % (envelope, code, message, said)).encode())


REFUSED: tuple[Treatment, ...] = (
    Treatment(
        name="refused-51008",
        says="the order is refused for lack of funds (sCode 51008)",
        act=_refused("51008", "Order failed. Insufficient USDT balance in account."),
    ),
    Treatment(
        name="refused-51121",
        says="the order is refused for its size (sCode 51121)",
        act=_refused("51121", "Order quantity must be a multiple of the lot size."),
    ),
    Treatment(
        name="refused-code-0",
        says="a refusal (sCode 51008) under code 0",
        act=_refused("51008", "Order failed. Insufficient USDT balance in account.", envelope="0"),
    ),
    Treatment(name="refused-51000", says="400 with 51000", act=_json(400, "51000", "Parameter px error")),
    Treatment(name="refused-50011", says="429 with 50011 to an order", act=TOO_MANY),
    Treatment(
        name="refused-50061",
        says="50061, the order rate of the sub-account",
        act=_json(200, "50061", "You've reached the maximum order rate limit for this account."),
    ),
    Treatment(
        name="refused-50013",
        says="429 with 50013 to an order",
        act=_json(429, "50013", "Systems are busy. Please try again later."),
    ),
    Treatment(
        name="refused-50001",
        says="503 with 50001 to an order",
        act=_json(503, "50001", "Service temporarily unavailable. Please try again later."),
    ),
    Treatment(
        name="refused-51155",
        says="a compliance refusal (sCode 51155)",
        act=_refused("51155", "You can't trade this pair or borrow this crypto due to local compliance restrictions."),
    ),
)
"""To an order that the exchange has not seen."""

ODD: tuple[Treatment, ...] = (
    *tuple(Treatment(name=each.name, says=each.says, act=Change(text=each.change)) for each in STRANGE),
    Treatment(name="chunked", says="answers arrive in chunks", act=Change(wrap="chunked")),
    Treatment(name="gzip", says="answers are compressed where the program offers it", act=Change(wrap="gzip")),
    Treatment(name="slow", says="every answer takes 0.4 s", act=Change(wrap="slow")),
    Treatment(name="close-after", says="connections are closed after each answer", act=Change(wrap="close-after")),
)
"""To good answers: what a program must take."""

STRANGER = "https://stranger.invalid"
"""Stands for the address of another host; the gateway puts a real one there."""

OTHER: tuple[Treatment, ...] = (
    Treatment(
        name="retry-after-3",
        says="429 with 50011 and Retry-After: 3",
        act=Page(status=429, body=TOO_MANY.body, headers=(("Retry-After", "3"),)),
    ),
    Treatment(
        name="redirect-302",
        says="a redirect (302) to another host",
        act=Page(status=302, body=b"", content_type="text/html", headers=(("Location", STRANGER),)),
    ),
    Treatment(
        name="redirect-307",
        says="a redirect (307) to another host",
        act=Page(status=307, body=b"", content_type="text/html", headers=(("Location", STRANGER),)),
    ),
    Treatment(
        name="batch-refused",
        says="every order of a batch is refused (code 1, sCode 51008)",
        act=Page(
            status=200,
            body=b'{"code":"1","data":[%s],"inTime":"1748617662056837","msg":"All operations failed",'
            b'"outTime":"1748617662057837"}',
            item=b'{"clOrdId":"","ordId":"","sCode":"51008",'
            b'"sMsg":"Order failed. Insufficient USDT balance in account.","tag":"","ts":"1748617662056"}',
        ),
    ),
    Treatment(
        name="cancel-gone",
        says="a cancellation comes too late: the order is gone (sCode 51400)",
        act=Change(text=already_gone),
    ),
    Treatment(
        name="cancel-lost",
        says="the connection ends instead of the answer to a cancellation, which never arrived",
        act=Loss(how="cut", reached=False),
    ),
    Treatment(
        name="partial",
        says="the second order of a batch is refused (code 2)",
        act=Change(text=partially_refused, undo_second=True),
    ),
)

ALL: dict[str, Treatment] = {each.name: each for each in (*EDGE, *LOST, *REFUSED, *ODD, *OTHER)}

Match = Literal["get", "place", "batch", "cancel", "any"]


def matches(match: Match, method: str, path: str, body: bytes) -> bool:
    """Whether a request is one that a script speaks of."""
    match match:
        case "get":
            return method == "GET" and path != "/api/v5/public/time"
        case "place":
            return method == "POST" and path in ORDER_PATHS
        case "batch":
            return method == "POST" and path == ORDER_PATHS[1] and body.count(b"instId") > 1
        case "cancel":
            return method == "POST" and path in CANCEL_PATHS
        case "any":
            return True


class Script:
    """Which requests a row of treatments happens to: one after the other, or (``times`` None) all to every one.

    ``skip`` matching requests come first; between two treatments ``gap`` matching ones pass unharmed. With
    ``lasting_s`` a treatment goes on for that long after its first request.
    """

    def __init__(
        self,
        match: Match,
        treatments: Sequence[Treatment],
        *,
        skip: int = 0,
        gap: int = 0,
        times: int | None = 1,
        lasting_s: float = 0.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._match = match
        self._waiting = list(treatments)
        self._always = times is None
        self._pass = skip
        self._gap = gap
        self._lasting_s = lasting_s
        self._clock = clock
        self._until = 0.0
        self._lasting: Treatment | None = None
        self.applied: list[str] = []

    @property
    def exhausted(self) -> bool:
        return not self._always and not self._waiting

    @property
    def endless(self) -> bool:
        return self._always

    def choose(self, method: str, path: str, body: bytes) -> list[Treatment]:
        """The treatments of this request."""
        if self._lasting is not None and self._clock() < self._until and matches(self._match, method, path, body):
            return [self._lasting]
        if not matches(self._match, method, path, body) or not self._waiting:
            return []
        if self._pass:
            self._pass -= 1
            return []
        if self._always:
            self.applied = [each.name for each in self._waiting]
            return list(self._waiting)
        self._pass = self._gap
        chosen = self._waiting.pop(0)
        self.applied.append(chosen.name)
        if self._lasting_s:
            self._lasting, self._until = chosen, self._clock() + self._lasting_s
        return [chosen]


def names(treatments: Iterable[Treatment]) -> tuple[str, ...]:
    return tuple(each.name for each in treatments)
