"""Known mistakes of the reference program, and the cases that each of them misses.

`python mistakes.py [NAME…]` runs them all (or some) against all cases of the areas they are about and prints what
does not agree.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from okxdoctor.conformance.client.cases import cases, limits, only
from okxdoctor.conformance.client.suite import Outcome, Wish, run
from okxdoctor.conformance.client.trace import Asked, Event, Heard, Opened, Said

BOT = Path(__file__).with_name("bot.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """``missed``: exactly these cases fail, of those that ``only`` chooses. ``perhaps`` may fail beside them."""

    only: tuple[str, ...]
    missed: tuple[str, ...]
    perhaps: tuple[str, ...] = ()
    parts: str = "rest,orders,public,private,business"


REST, ORDERS, CHANNELS, PUBLIC = "rest", "rest,orders", "rest,public,private,business", "public"
LOGIN = ("login.members", "login.seconds", "login.window", "login.sign", "login.key", "login.place", "login.awaited")
_AREAS = ("sign", "header", "timestamp", "request", "query", "site", "secret", "order", "ws", "login")
FORM = tuple(case.id for case in cases() if case.area in _AREAS and {"*", "healthy"}.issuperset(case.rounds))
"""What the healthy round alone shows."""

MISTAKES: dict[str, Mistake] = {
    "none": Mistake(only=FORM, missed=()),
    "query-unsigned": Mistake(only=FORM, missed=("sign.encoded",), parts=REST, perhaps=("sign.query",)),
    "hex-signature": Mistake(
        only=FORM,
        missed=("sign.base64", "sign.encoded", "sign.plain", "sign.query"),
        parts=REST,
        perhaps=("sign.plain", "sign.query", "sign.encoded"),
    ),
    "microseconds": Mistake(only=FORM, missed=("timestamp.form",), parts=REST),
    "secret-in-header": Mistake(only=FORM, missed=("secret.sent-secret",), parts=REST),
    "prints-secret": Mistake(only=FORM, missed=("secret.printed-secret",), parts=REST),
    "demo-header": Mistake(only=FORM, missed=("site.demo-header",), parts=REST, perhaps=("site.demo-instruments",)),
    "other-host": Mistake(only=FORM, missed=("site.elsewhere",), parts=REST),
    "json-numbers": Mistake(
        only=FORM, missed=("order.number-text",), parts=ORDERS, perhaps=("order.number-exponent", "order.refused-form")
    ),
    "exponent": Mistake(only=FORM, missed=("order.number-exponent",), parts=ORDERS, perhaps=("order.refused-form",)),
    "other-names": Mistake(only=FORM, missed=("order.names",), parts=ORDERS, perhaps=("order.refused-form",)),
    "dashed-id": Mistake(only=FORM, missed=("order.clOrdId",), parts=ORDERS, perhaps=("order.refused-form",)),
    "one-id": Mistake(only=FORM, missed=("order.unique-id",), parts=ORDERS),
    "no-id": Mistake(only=FORM, missed=("order.has-id",), parts=ORDERS),
    "off-tick": Mistake(
        only=FORM, missed=("order.on-tick",), parts=ORDERS, perhaps=("order.number-noise", "order.refused-form")
    ),
    "inst-by-name": Mistake(
        only=FORM, missed=("order.code",), parts="rest,orders,private", perhaps=("order.refused-form",)
    ),
    "candles-on-public": Mistake(only=FORM, missed=("ws.path-business",), parts=CHANNELS),
    "json-ping": Mistake(
        only=("heartbeat.text", "heartbeat.pong", "ws.message"), missed=("heartbeat.text",), parts=PUBLIC
    ),
    "pong-parsed": Mistake(only=("heartbeat.text", "heartbeat.pong"), missed=("heartbeat.pong",), parts=PUBLIC),
    # On a busy machine the answer may come before the next message leaves; with a late answer it never does.
    "login-not-awaited": Mistake(
        only=("login.awaited", "login.sign"), missed=("login.awaited",), perhaps=("login.awaited",), parts="private"
    ),
    "login-still-not-awaited": Mistake(only=("login.awaited-lost",), missed=("login.awaited-lost",), parts="private"),
    "login-milliseconds": Mistake(only=LOGIN, missed=("login.seconds",), parts="private"),
    "refusal-ignored": Mistake(only=("login.refused",), missed=("login.refused",), parts="private"),
    "gap-ignored": Mistake(only=("book.gap", "book.checksum"), missed=("book.gap",), parts=PUBLIC),
    "keep-alive-is-gap": Mistake(only=("book",), missed=("book.keep-alive", "book.reset"), parts=PUBLIC),
    "checksum-verified": Mistake(
        only=("book", "ws.stable"),
        missed=("book.checksum", "ws.stable"),
        parts=PUBLIC,
        perhaps=("book.keep-alive", "book.reset", "ws.once"),
    ),
    "no-reconnect": Mistake(
        only=("reconnect.cut-*",),
        missed=("reconnect.cut-business", "reconnect.cut-private", "reconnect.cut-public"),
        parts=CHANNELS,
    ),
    "no-subscription-again": Mistake(
        only=("reconnect.cut-channels", "reconnect.cut-login", "reconnect.cut-private"),
        missed=("reconnect.cut-channels",),
        parts="private",
    ),
    "no-login-again": Mistake(only=("reconnect.cut-login",), missed=("reconnect.cut-login",), parts="private"),
    "stale-login": Mistake(
        only=("reconnect.cut-login", "login.fresh"), missed=("login.fresh", "reconnect.cut-login"), parts="private"
    ),
    "no-reconciliation": Mistake(
        only=("reconnect.cut-reconciles",), missed=("reconnect.cut-reconciles",), parts="private"
    ),
    "reconnect-flood": Mistake(
        only=("reconnect.cut-503-*", "ws.connects"),
        missed=("reconnect.cut-503-pauses", "reconnect.cut-503-storm", "ws.connects"),
        parts="private",
        perhaps=("reconnect.cut-503-pauses",),
    ),
    "notice-ignored": Mistake(only=("reconnect.notice-*",), missed=("reconnect.notice-early",), parts="private"),
    "storms": Mistake(
        only=("lasting.limit-429-*", "lasting.html-502-*"),
        missed=(
            "lasting.html-502-pauses",
            "lasting.html-502-storm",
            "lasting.limit-429-pauses",
            "lasting.limit-429-storm",
        ),
        parts=REST,
        perhaps=(
            "lasting.html-502-recovers",
            "lasting.limit-429-recovers",
            "lasting.html-502-pauses",
            "lasting.limit-429-pauses",
        ),
    ),
    "sends-again": Mistake(only=("lost.cut", "lost.504"), missed=("lost.504", "lost.cut"), parts=ORDERS),
    "scode-ignored": Mistake(
        only=("refused.51008", "refused.code-0", "refused.batch"),
        missed=("refused.51008", "refused.code-0", "refused.batch"),
        parts=ORDERS,
    ),
    "cancels-on": Mistake(only=("cancel.gone-once",), missed=("cancel.gone-once",), parts=ORDERS),
    "cancel-forgotten": Mistake(only=("cancel.*",), missed=("cancel.lost-looked-up",), parts=ORDERS),
    "works-on-each": Mistake(only=("ws.reads",), missed=("ws.reads",), parts=PUBLIC),
    "strict-repeats": Mistake(only=("push.twice", "push.empty-data"), missed=("push.twice",), parts=PUBLIC),
    "offset-once": Mistake(only=("clock.*",), missed=("clock.step-applied",), parts=REST),
    "insists": Mistake(
        only=("refused.50*-once",),
        missed=("refused.50011-once",),
        parts=ORDERS,
        perhaps=("refused.50001-once", "refused.50013-once", "refused.50061-once"),
    ),
    "whole-batch-again": Mistake(only=("refused.partial",), missed=("refused.partial",), parts=ORDERS),
    "verify-off": Mistake(
        only=("tls.*",),
        missed=tuple(
            f"tls.{side}-{name}"
            for side in ("rest", "ws")
            for name in ("expired", "not-yet-valid", "self-signed", "unknown-issuer", "wrong-name")
        ),
    ),
    "name-unchecked": Mistake(
        only=("tls.*-wrong-name", "tls.*-expired"), missed=("tls.rest-wrong-name", "tls.ws-wrong-name")
    ),
    "follows-redirects": Mistake(only=("redirect",), missed=(), parts=REST, perhaps=("redirect.302", "redirect.307")),
    "offset-ignored": Mistake(
        only=("clock.[ab]*-applied",), missed=("clock.ahead-applied", "clock.behind-applied"), parts=REST
    ),
    "strict-fields": Mistake(only=("answer",), missed=("answer.added-fields",), parts=REST),
    "every-row": Mistake(only=("answer",), missed=("answer.preopen-rows",), parts=REST),
    "known-states": Mistake(only=("answer",), missed=("answer.new-values",), parts=REST),
    "empty-is-number": Mistake(only=("answer",), missed=("answer.empty-members",), parts=REST),
    "nervous": Mistake(only=("push",), missed=("push.unknown-event",), parts=PUBLIC),
    "strict-messages": Mistake(only=("push",), missed=("push.unknown-event",), parts=PUBLIC),
}


def enough(parts: str) -> Callable[[Sequence[Event]], bool]:
    """Whether a program of these parts has shown each of them, however slow the machine is."""
    wanted = set(parts.split(","))

    def shown(events: Sequence[Event]) -> bool:
        posted = sum(isinstance(event, Asked) and event.target.endswith("/trade/order") for event in events)
        paths = {event.conn: event.path for event in events if isinstance(event, Opened)}
        heard = [event for event in events if isinstance(event, Heard)]
        subscribed = {paths.get(event.conn) for event in heard if '"subscribe"' in event.text}
        placed = any('"op": "order"' in event.text for event in heard)
        return (
            sum(isinstance(event, Asked) for event in events) >= (12 if "rest" in wanted else 3)
            and ("orders" not in wanted or posted >= 3)
            and subscribed >= wanted & {"public", "private", "business"}
            and (not {"orders", "private"} <= wanted or placed)
            and (not heard or sum(isinstance(event, Said) for event in events) >= (40 if "public" in wanted else 8))
        )

    return shown


async def graded(name: str, jobs: int = 4) -> Outcome:
    """The program with one mistake, through the cases that show it."""
    mistake = MISTAKES[name]
    environ = {
        "BOT_MISTAKES": "" if name == "none" else name.replace("-still", ""),
        "BOT_PARTS": mistake.parts,
        "BOT_PACE": "0.12",
    }
    wish = Wish(
        command=(sys.executable, str(BOT)), cases=only(cases(), mistake.only), healthy_s=20.0, seconds=60.0, jobs=jobs,
        limits=limits(), environ=environ,
        enough=enough(mistake.parts),
    )  # fmt: skip
    return await run(wish)


def missed(outcome: Outcome) -> set[str]:
    return {one.case.id for one in outcome.graded if one.grade.verdict == "failed"}


def disagreement(name: str, outcome: Outcome) -> str:
    """What was to be missed and was not, or the other way round; "" when all is as it should be."""
    mistake, found = MISTAKES[name], missed(outcome)
    lacking = set(mistake.missed) - found - set(mistake.perhaps)
    more = found - set(mistake.missed) - set(mistake.perhaps)
    defects = f" defects: {outcome.defects}" if outcome.defects else ""
    if not lacking and not more and not defects:
        return ""
    says = {one.case.id: (one.grade.verdict, one.grade.says) for one in outcome.graded if one.case.id in lacking | more}
    return f"{name}: not missed {sorted(lacking)}, missed as well {sorted(more)}: {says}{defects} {outcome.said}"


async def several(names: list[str], side_by_side: int) -> dict[str, Outcome]:
    gate = asyncio.Semaphore(side_by_side)

    async def one(name: str) -> Outcome:
        async with gate:
            return await graded(name)

    return dict(zip(names, await asyncio.gather(*map(one, names)), strict=True))


if __name__ == "__main__":
    for name, outcome in asyncio.run(several(sys.argv[1:] or list(MISTAKES), 3)).items():
        print(
            disagreement(name, outcome)
            or f"{name}: as expected ({len(missed(outcome))} missed, "
            f"{outcome.count('passed')} passed, {outcome.elapsed_ms / 1000:.0f} s)"
        )
