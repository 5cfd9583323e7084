"""Is the exchange itself in service, or under maintenance, about to be, or too busy to answer?

Looks at the exchange's own table of maintenance windows (GET system/status) and at what all calls of this run
were answered with: 50001 says maintenance, and 50013, 50026 or 50004 say that the system is busy, which is only
believed while the run itself stayed under every request limit.

What it finds, and what to do:
* maintenance now: nothing on this machine is wrong; wait for the announced end, then read orders, fills and positions
  before trading again. A window in pre-open already accepts post-only orders and cancellations.
* maintenance announced: the finding says when and for which service; plan the bot's pause.
* overloaded: retry with growing, randomised pauses. After 50004 the outcome of an order is unknown: look it up.

Only windows of the environment asked (live or demo) count. A window of a service that a normal trading program does not
use (block trading, spreads, bots, copy trading) is listed as information.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from okxdoctor.check import Check, Inconclusive
from okxdoctor.knowledge import endpoint, enums
from okxdoctor.model import Confidence, Finding, Json, Severity
from okxdoctor.okx.timestamps import TimestampError, parse_epoch_ms
from okxdoctor.port import Ask, Io
from okxdoctor_checks._answers import Reply, exchange_ms, line, read, rows, standing_in_the_way, text
from okxdoctor_checks._ledger import Usage, path_of, usage
from okxdoctor_checks._limits import limit
from okxdoctor_checks._words import counted, moment

STATUS = "/api/v5/system/status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One row of system/status. Instants are epoch milliseconds, None where empty or unreadable."""

    title: str
    state: str
    service: str
    environment: str
    kind: str
    system: str
    begin_ms: int | None
    end_ms: int | None
    pre_open_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``now_ms``: the exchange's time where it told it, else this machine's (``clock`` says which).

    ``refusals``: how often which endpoint answered which code in the whole run. ``usage``: the own use of the budgets
    of these endpoints.
    """

    environment: Literal["live", "demo"]
    now_ms: int
    clock: Literal["exchange", "local"]
    table: Reply
    windows: tuple[Window, ...] = ()
    refusals: tuple[tuple[str, str, int], ...] = ()
    usage: tuple[Usage, ...] = ()


async def probe(io: Io) -> Facts:
    table = await io.http(Ask(method="GET", path=STATUS))
    asked = read(table)
    if (obstacle := standing_in_the_way(asked, io.view.rest.host)) is not None and obstacle.layer not in OWN:
        # Maintenance and overload are what is looked for here, and a used-up budget hides the table only.
        raise obstacle
    await io.settled()
    sent = io.ledger()
    refusals = Counter((path_of(row.path), row.code) for row in sent if row.code in MAINTENANCE | BUSY)
    if asked.kind != "ok" and not refusals:
        raise Inconclusive(_no_table(asked))
    told_ms = exchange_ms(table)
    return Facts(
        environment=io.view.environment,
        now_ms=told_ms if told_ms is not None else io.now().wall_ns // 1_000_000,
        clock="exchange" if told_ms is not None else "local",
        table=asked,
        windows=tuple(
            Window(
                title=line(text(row, "title"), 120),
                state=text(row, "state"),
                service=text(row, "serviceType"),
                environment=text(row, "env"),
                kind=text(row, "maintType"),
                system=text(row, "system"),
                begin_ms=_instant(text(row, "begin")),
                end_ms=_instant(text(row, "end")),
                pre_open_ms=_instant(text(row, "preOpenBegin")),
            )
            for row in rows(table)[:50]
        ),
        refusals=tuple((path, code, count) for (path, code), count in sorted(refusals.items())),
        usage=tuple(use for use in usage(sent) if any(use.path == path for path, _ in refusals)),
    )


def _no_table(asked: Reply) -> str:
    budget = endpoint(asked.method, STATUS)
    if asked.code == "50011" and budget is not None:
        often = f"{counted(budget.limit, 'request')} in {budget.per_seconds:g} s"
        return f"maintenance windows are unknown: system/status allows {often}, and this was one more (50011)"
    return f"maintenance windows are unknown: system/status answered {asked.said}"


def _instant(epoch_ms: str) -> int | None:
    try:
        return parse_epoch_ms(epoch_ms)
    except TimestampError:
        return None


# ---- evaluate ----------------------------------------------------------------------------------

OWN = ("status", "ratelimit")
MAINTENANCE = frozenset({"50001"})
BUSY = frozenset({"50004", "50013", "50026"})
Reach = Literal["all", "some", "apart"]
"""Whether a service concerns every trading program, some of them, or a product that such a program rarely uses."""
# Our own reading of the documented services; those not named here are "some".
_REACH: dict[str, Reach] = {"0": "all", "5": "all", "6": "apart", "7": "apart", "10": "apart", "11": "apart"}


def evaluate(facts: Facts) -> Iterable[Finding]:
    concerning = [window for window in facts.windows if window.system != "classic" and _concerns(window, facts)]
    ongoing = [window for window in concerning if window.state in enums()["maintenance_state"].marked["active"]]
    for window in ongoing:
        yield _maintenance(window, facts)
    if not any(_severity(window) is Severity.ERROR for window in ongoing):
        yield from _unannounced(facts)
    for window in concerning:
        if window.state == "scheduled":
            yield from _scheduled(window, facts)
    yield from _overloaded(facts)


def _concerns(window: Window, facts: Facts) -> bool:
    return enums()["maintenance_environment"].word(window.environment) in (facts.environment, "")


def _service(window: Window) -> str:
    named = enums()["maintenance_service"]
    return named.word(window.service) if window.service in named else f"service {window.service or 'without number'}"


def _reach(window: Window) -> Reach:
    return _REACH.get(window.service, "some")


def _severity(window: Window) -> Severity:
    match _reach(window):
        case "all":
            # In pre-open, post-only orders, cancellations and transfers already work.
            return Severity.WARNING if window.state == "pre_open" else Severity.ERROR
        case "some":
            return Severity.WARNING
        case "apart":
            return Severity.INFO


def _about(window: Window, facts: Facts) -> dict[str, Json]:
    return {
        "title": window.title,
        "state": window.state,
        "service": _service(window),
        "service_type": window.service,
        "environment": facts.environment,
        "begin": moment(window.begin_ms),
        "end": moment(window.end_ms),
        "now": moment(facts.now_ms),
    }


def _subject(window: Window) -> str:
    return "ws" if window.service == "0" else ""


def _maintenance(window: Window, facts: Facts) -> Finding:
    over = (window.end_ms - facts.now_ms) / 60_000 if window.end_ms is not None else None
    until = f", announced until {moment(window.end_ms)}" if window.end_ms is not None else ""
    stage = "in pre-open after maintenance" if window.state == "pre_open" else "under maintenance"
    return Finding(
        code="status.maintenance",
        summary=line(f"The exchange is {stage}: {_service(window)}{until}"),
        evidence={**_about(window, facts), "minutes_left": round(over, 1) if over is not None else None},
        subject=_subject(window),
        severity=_severity(window),
        confidence=Confidence.CERTAIN if _reach(window) == "all" else Confidence.LIKELY,
    )


def _unannounced(facts: Facts) -> Iterator[Finding]:
    """50001 without a window in the table: the service says itself that it is closed."""
    closed = [(path, count) for path, code, count in facts.refusals if code in MAINTENANCE]
    if closed:
        times = sum(count for _, count in closed)
        yield Finding(
            code="status.maintenance",
            summary=f"The exchange answers {counted(times, 'call')} with 50001 (service temporarily unavailable)",
            evidence={
                "calls_refused": times,
                "endpoints": [path for path, _ in closed],
                "code": "50001",
                "table": facts.table.said,
            },
        )


def _scheduled(window: Window, facts: Facts) -> Iterator[Finding]:
    if window.begin_ms is None or (window.end_ms is not None and window.end_ms <= facts.now_ms):
        return
    hours = (window.begin_ms - facts.now_ms) / 3_600_000
    horizon_h = limit("maintenance_horizon_h")
    if hours > horizon_h:
        return
    begins = f"begins in {hours:.1f} h" if hours > 0 else f"should have begun {-hours:.1f} h ago"
    yield Finding(
        code="status.maintenance-scheduled",
        summary=line(f"Maintenance of {_service(window)} {begins}, at {moment(window.begin_ms)}"),
        evidence={**_about(window, facts), "begins_in_h": round(hours, 2), "horizon_h": horizon_h},
        subject=_subject(window),
        severity=Severity.INFO if _reach(window) == "apart" else None,
    )


def _overloaded(facts: Facts) -> Iterator[Finding]:
    busy = [(path, code, count) for path, code, count in facts.refusals if code in BUSY]
    own = [use for use in facts.usage if use.spent and any(use.path == path for path, _, _ in busy)]
    if not busy or own:
        return
    times = sum(count for _, _, count in busy)
    answered = sorted({code for _, code, _ in busy})
    yield Finding(
        code="status.overloaded",
        summary=line(
            f"{counted(times, 'call')} answered with {' and '.join(answered)} while the run stayed under every limit"
        ),
        evidence={
            "calls_refused": times,
            "codes": list(answered),
            "endpoints": [path for path, _, _ in busy],
            "own_use": [use.said for use in facts.usage],
        },
        confidence=Confidence.LIKELY,
        excluded=("ratelimit.exceeded",),
    )


CHECK = Check(
    id="status",
    title="The exchange is in service, now and in the coming hours",
    facts=Facts,
    probe=probe,
    evaluate=evaluate,
    reads=("key", "signature", "account", "instrument", "order"),
    matters=False,  # a table that cannot be read leaves no doubt about services that answer
    causes=("status.maintenance", "status.maintenance-scheduled", "status.overloaded"),
)
