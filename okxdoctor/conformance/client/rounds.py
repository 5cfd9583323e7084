"""The rounds: which circumstances are played together, for whom they matter, and how long.

What a program does in the healthy round decides which of the others can tell anything about it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Literal

from okxdoctor.conformance.client.rest_circumstances import (
    ALL,
    CANCEL_PATHS,
    EDGE,
    LOST,
    ODD,
    REFUSED,
    Match,
    Script,
    Treatment,
    matches,
)
from okxdoctor.conformance.client.trace import Trace
from okxdoctor.conformance.client.ws_circumstances import (
    Circumstance,
    Disruption,
    Login,
    LoginRefused,
    OrderOps,
    Quiet,
)
from okxdoctor.conformance.client.ws_pushes import BOOKS, EXTRA, Book, Burst, Oddities

Need = Literal[
    "rest", "get", "private", "place", "batch", "cancel", "ws", "ws-private", "ws-login", "books", "place-ws", "polls"
]

HEALTHY = "healthy"
HEALTHY_S = 9.0
TLS_DEFECTS = ("self-signed", "expired", "not-yet-valid", "wrong-name", "unknown-issuer", "tls-1.1")
AUTH_FAULTS = (
    ("50113", "key-secret-wrong"),
    ("50119", "key-unknown"),
    ("50105", "key-passphrase-wrong"),
    ("50101", "key-wrong-environment"),
    ("50110", "ip-not-whitelisted"),
    ("50100", "key-frozen"),
    ("50120", "permission-missing=trade"),
    ("50001", "status-maintenance"),
    ("50013", "status-overloaded=50013"),
)
LASTING = ("limit-429", "limit-200", "unavailable-503", "html-502", "cut-before", "code-1015")
LASTING_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round of the plan.

    ``series``    treatments that are played one after the other; what a program did not get to is played again
    ``together``  treatments or oddities that are played at once; when a case fails they are played one by one
    ``faults``    of the exchange, on from the start
    ``step_s``    by so much the exchange's clock jumps once, some time after the program has come
    ``length_s``  the longest it lasts; ``settle_s`` how long the program is watched after the last circumstance
    """

    name: str
    needs: tuple[Need, ...] = ()
    length_s: float = 9.0
    settle_s: float = 3.0
    faults: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    together: tuple[str, ...] = ()
    match: Match = "any"
    gap: int = 0
    skip: int = 0
    lasting_s: float = 0.0
    odd_ws: tuple[str, ...] = ()
    make: tuple[Callable[[], Circumstance], ...] = ()
    rest_tls: str = ""
    ws_tls: str = ""
    step_s: float = 0.0
    knock: bool = False
    """Over, after a while, when a handshake came to an end."""

    def scripts(self) -> list[Script]:
        if self.series:
            return [
                Script(self.match, _treatments(self.series), skip=self.skip, gap=self.gap, lasting_s=self.lasting_s)
            ]
        if self.together:
            return [Script(self.match, _treatments(self.together), times=None)]
        return []

    def circumstances(self) -> list[Circumstance]:
        return [make() for make in self.make] + ([Oddities(self.odd_ws)] if self.odd_ws else [])


def _treatments(names: Sequence[str]) -> list[Treatment]:
    return [ALL[name] for name in names]


def _names(treatments: Sequence[Treatment]) -> tuple[str, ...]:
    return tuple(each.name for each in treatments)


ODD_WS = ("added-members", "twice", *EXTRA)
BURST = 4_000
"""Messages: more than the buffers on the way hold of them."""
STEP_S = 45.0


def plan() -> tuple[Round, ...]:
    """Every round after the healthy one, the longest first."""
    rounds = [
        Round(name="silent", needs=("ws",), length_s=50.0, settle_s=1.0, make=(lambda: Quiet("silent", pongs=False),)),
        Round(name="quiet", needs=("ws",), length_s=36.0, settle_s=1.0, make=(lambda: Quiet("quiet", pongs=True),)),
        Round(
            name="login-lost",
            needs=("ws-login",),
            length_s=14.0,
            settle_s=7.0,
            make=(lambda: Login("login-lost", None),),
        ),
        Round(
            name="login-late",
            needs=("ws-login",),
            length_s=14.0,
            settle_s=2.0,
            make=(lambda: Login("login-late", 6.5),),
        ),
        Round(
            name="login-refused",
            needs=("ws-login",),
            length_s=9.0,
            settle_s=4.0,
            make=(lambda: LoginRefused("login-refused"),),
        ),
        Round(name="lost", needs=("place",), length_s=25.0, settle_s=5.0, series=_names(LOST), match="place", gap=1),
        Round(
            name="refused", needs=("place",), length_s=20.0, settle_s=3.0, series=_names(REFUSED), match="place", gap=0
        ),
        Round(name="partial", needs=("batch",), length_s=9.0, settle_s=3.0, series=("partial",), match="batch"),
        Round(
            name="batch-refused",
            needs=("batch",),
            length_s=9.0,
            settle_s=3.0,
            series=("batch-refused",),
            match="batch",
        ),
        Round(
            name="cancels",
            needs=("cancel",),
            length_s=16.0,
            settle_s=5.5,
            series=("cancel-gone", "cancel-lost"),
            match="cancel",
            gap=1,
        ),
        Round(name="burst", needs=("ws",), length_s=20.0, settle_s=0.5, make=(lambda: Burst("burst", BURST),)),
        Round(name="clock-step", needs=("private", "polls"), step_s=STEP_S, length_s=20.0, settle_s=13.0),
        Round(
            name="edge", needs=("get",), length_s=20.0, settle_s=2.0, series=_names(EDGE), match="get", gap=1, skip=1
        ),
        Round(name="odd-rest", needs=("rest",), length_s=9.0, settle_s=9.0, together=_names(ODD)),
        Round(name="odd-ws", needs=("ws",), length_s=8.0, settle_s=8.0, odd_ws=ODD_WS),
        Round(
            name="retry-after",
            needs=("get",),
            length_s=9.0,
            settle_s=4.0,
            series=("retry-after-3",),
            match="get",
            skip=1,
        ),
        Round(
            name="redirect",
            needs=("private",),
            length_s=8.0,
            settle_s=2.0,
            series=("redirect-302", "redirect-307"),
            skip=1,
        ),
    ]
    rounds += [
        Round(
            name=f"lasting-{name}",
            needs=("polls",),
            length_s=20.0,
            settle_s=LASTING_S + 6.0,
            series=(name,),
            match="any",
            skip=3,
            lasting_s=LASTING_S,
        )
        for name in LASTING
    ]
    cuts: tuple[tuple[str, Callable[[], Circumstance]], ...] = (
        ("cut", lambda: Disruption("cut", "cut")),
        ("close-1001", lambda: Disruption("close-1001", "close", code=1001)),
        ("close-4004", lambda: Disruption("close-4004", "close", code=4004, reason="No data received in 30s.")),
        ("notice", lambda: Disruption("notice", "notice")),
        ("cut-503", lambda: Disruption("cut-503", "cut", refuse=4, refuse_status=503)),
        ("cut-429", lambda: Disruption("cut-429", "cut", refuse=4, refuse_status=429)),
        ("cut-reset", lambda: Disruption("cut-reset", "cut", refuse=4, refuse_status=0)),
    )
    rounds += [Round(name=name, needs=("ws",), length_s=26.0, settle_s=5.5, make=(make,)) for name, make in cuts]
    books: tuple[tuple[Literal["gap", "reset", "keep-alive"], str], ...] = (
        ("gap", "book-gap"),
        ("reset", "book-reset"),
        ("keep-alive", "book-keep-alive"),
    )
    rounds += [
        Round(
            name=name,
            needs=("books",),
            length_s=9.0,
            settle_s=4.0,
            make=(partial(Book, name, kind),),
        )
        for kind, name in books
    ]
    ops: tuple[tuple[Literal["lost", "cut", "refused", "limit"], str], ...] = (
        ("lost", "op-lost"),
        ("cut", "op-cut"),
        ("refused", "op-refused"),
        ("limit", "op-limit"),
    )
    rounds += [
        Round(
            name=name,
            needs=("place-ws",),
            length_s=12.0,
            settle_s=6.0,
            make=(partial(OrderOps, name, kind),),
        )
        for kind, name in ops
    ]
    rounds += [
        Round(name=f"auth-{code}", needs=("private",), faults=(fault,), length_s=5.0, settle_s=5.0)
        for code, fault in AUTH_FAULTS
    ]
    rounds += [
        Round(name=name, needs=("private",), faults=(f"{name}=45s",), length_s=6.0, settle_s=6.0)
        for name in ("clock-ahead", "clock-behind")
    ]
    rounds += [
        Round(name=f"tls-rest-{defect}", needs=("rest",), rest_tls=defect, knock=True, length_s=6.0, settle_s=0.7)
        for defect in TLS_DEFECTS
    ]
    rounds += [
        Round(name=f"tls-ws-{defect}", needs=("ws",), ws_tls=defect, knock=True, length_s=9.0, settle_s=0.7)
        for defect in TLS_DEFECTS
    ]
    return tuple(sorted(rounds, key=lambda one: -one.length_s))


def abilities(healthy: Trace) -> frozenset[str]:
    """What a program does when all is well."""
    found: set[str] = set()
    if healthy.calls:
        found.add("rest")
    for call in healthy.calls:
        if call.asked.method == "GET" and call.path != "/api/v5/public/time":
            found.add("get")
        if call.signed:
            found.add("private")
        if call.kind in (("POST", "/api/v5/trade/order"), ("POST", "/api/v5/trade/batch-orders")):
            found.add("place")
            if isinstance(call.json, list) and len(call.json) > 1:
                found.add("batch")
        if call.asked.method == "POST" and call.path in CANCEL_PATHS:
            found.add("cancel")
    if len(healthy.calls) >= 4:
        found.add("polls")
    for socket in healthy.sockets:
        found.add("ws")
        if socket.logins:
            found.add("ws-login")
        if any(message.op in ("order", "batch-orders") for message in socket.heard):
            found.add("place-ws")
        for message in socket.heard:
            if message.op == "subscribe" and any(arg.get("channel") in BOOKS for arg in message.args):
                found.add("books")
    return frozenset(found)


def after_start(one: Round, healthy: Trace) -> Round:
    """The same round, beginning when the program has started up: with the first question that it asks again.

    What it does when its start fails is its own affair; what it does when it runs is graded.
    """
    if one.match not in ("get", "any") or not one.series or one.name == "redirect":
        return one
    seen: set[str] = set()
    matching = 0
    for call in healthy.calls:
        if not matches(one.match, call.asked.method, call.path, b""):
            continue
        if call.asked.target in seen and call.asked.method == "GET":
            return replace(one, skip=matching)
        seen.add(call.asked.target)
        matching += 1
    return one


def narrowed(one: Round, names: Collection[str]) -> Round:
    """The same round with only those circumstances of a series or bundle that somebody asks about."""

    def kept(given: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in given if name in names) or given

    return replace(one, series=kept(one.series), together=kept(one.together), odd_ws=kept(one.odd_ws))


def alone(one: Round) -> tuple[Round, ...]:
    """The circumstances that a round plays together, each in a round of its own."""
    rest = tuple(replace(one, name=f"{one.name}:{name}", together=(name,), length_s=6.0) for name in one.together)
    return rest + tuple(replace(one, name=f"{one.name}:{name}", odd_ws=(name,), length_s=6.0) for name in one.odd_ws)


def again(one: Round, applied: Sequence[str]) -> Round | None:
    """The rest of a series that came only so far; None when it is complete or nothing was played at all."""
    rest = tuple(name for name in one.series if name not in applied)
    return replace(one, series=rest) if applied and rest else None


def tls_wishes() -> dict[str, dict[str, object]]:
    """Server certificates by the name of their defect, as arguments of the exchange's own server description."""
    day = timedelta(days=1)
    return {
        "healthy": {},
        "self-signed": {"issuer": "self"},
        "expired": {"valid_from": -30 * day, "valid_until": -3 * day},
        "not-yet-valid": {"valid_from": 3 * day},
        "wrong-name": {"names": ("portal.hotel-guest.test", "www.hotel-guest.test")},
        "unknown-issuer": {"issuer": "inspection"},
        "tls-1.1": {"versions": "tls1.1"},
    }
