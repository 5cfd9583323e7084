"""How healthy worlds differ from each other: customs of the machine, of the edge and of the account, harmless.

A habit is ``name`` or ``name=value``. Some are put on the process (time zone, locale, a slow processor), some on the
edge (its Date header), some on the records of the exchange: what an owner of the account could have done himself.
"""

from __future__ import annotations

import contextlib
import locale
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from okxdoctor.exchange.serving.running import Running

Value = Callable[[random.Random], str]

# Far from UTC, with halves and quarters, beyond the date line; one whose summer time begins within this second.
_ZONES = (
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Etc/GMT+12",
    "changes-now",
)
_LOCALES = ("C", "POSIX", "C.utf8", "de_DE.UTF-8", "tr_TR.UTF-8", "fa_IR.UTF-8")
# Several ranges of both families; the two ways by which a world on this machine leaves are among them.
_RANGES = ("203.0.113.0/24", "198.51.100.7", "2001:db8:40::/48", "127.0.0.0/8", "::1", "192.0.2.64/26")


def _signed(low: float, high: float) -> Value:
    return lambda dice: f"{dice.choice((-1, 1)) * dice.uniform(low, high):.3f}"


def _one(*values: str) -> Value:
    return lambda dice: dice.choice(values)


HABITS: Mapping[str, Value] = {
    "zone": _one(*_ZONES),
    "locale": _one(*_LOCALES),
    "slow-machine": lambda dice: f"{0.05 * 12 ** dice.random():.3f}",  # milliseconds for each turn of the loop
    "stall": lambda dice: f"{dice.uniform(80, 400):.0f}",  # milliseconds in which the machine does nothing, once
    "date-skew": _signed(2, 90),  # seconds by which the edge's Date header is off
    "leap-second": _one("1", "2"),  # the time servers announce one: 61 or 59 seconds
}
OF_THE_RECORDS: Mapping[str, Value] = {
    "ip-list": _one("ranges"),
    "account-level": _one("1", "2", "3", "4"),
    "position-mode": _one("net_mode", "long_short_mode"),
    "empty-account": _one(""),
    "positions": lambda dice: str(dice.randint(10, 60)),
}
"""Whoever declares orders needs money and a mode for them: drawn for those who look from outside."""


def drawn(dice: random.Random, *, records: bool) -> tuple[str, ...]:
    """Some habits, or none."""
    known = {**HABITS, **OF_THE_RECORDS} if records else HABITS
    chosen = dice.sample(sorted(known), dice.choice((0, 0, 1, 1, 2, 3, 4)))
    return tuple(f"{name}={value}" if (value := known[name](dice)) else name for name in chosen)


def values(habits: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name, _, value in (each.partition("=") for each in habits)}


@contextlib.contextmanager
def lived(habits: tuple[str, ...]) -> Iterator[None]:
    """The process as these habits have it, and the edge's clock."""
    on = values(habits)
    with _zone(on.get("zone")), _locale(on.get("locale")), _date(float(on.get("date-skew", 0))):
        yield


@contextlib.contextmanager
def _zone(name: str | None) -> Iterator[None]:
    before = os.environ.get("TZ")
    if name is not None:
        os.environ["TZ"] = _changing() if name == "changes-now" else name
        time.tzset()
    try:
        yield
    finally:
        if name is not None:
            os.environ.pop("TZ")
            os.environ |= {"TZ": before} if before is not None else {}
            time.tzset()


def _changing() -> str:
    """A zone of the POSIX form whose clocks go forward an hour within the next second."""
    soon = time.gmtime(time.time() + 1)
    at = f"{soon.tm_hour:02}:{soon.tm_min:02}:{soon.tm_sec:02}"
    other = (soon.tm_yday + 180) % 365
    return f"AAA0BBB,{soon.tm_yday - 1}/{at},{other}/02:00:00"


@contextlib.contextmanager
def _locale(name: str | None) -> Iterator[None]:
    before = locale.setlocale(locale.LC_ALL)
    if name is not None:
        with contextlib.suppress(locale.Error):  # not installed here: then its name in the environment is all there is
            locale.setlocale(locale.LC_ALL, name)
    try:
        yield
    finally:
        locale.setlocale(locale.LC_ALL, before)


@contextlib.contextmanager
def _date(skew_s: float) -> Iterator[None]:
    from okxdoctor.exchange.serving import web

    true = web.http_date
    if skew_s:
        web.http_date = lambda epoch_ms: true(int(epoch_ms + skew_s * 1000))
    try:
        yield
    finally:
        web.http_date = true


def arrange(habits: tuple[str, ...], exchange: Running, environment: str) -> None:
    """The records of the exchange as these habits have them."""
    from okxdoctor.exchange.core.account_world import AccountChange, alter
    from okxdoctor.exchange.core.backstage import customer

    on = values(habits)
    venue, now_ms = exchange.exchange.venue("global", environment), exchange.clock.now_ms()
    account = customer(venue)
    if "ip-list" in on:
        exchange.exchange.sites["global"].bind(environment, _RANGES)
    if "leap-second" in on:
        for server in exchange._edge.ntp:
            server.behaviour = replace(server.behaviour, leap=int(on["leap-second"]))
    change = AccountChange(
        level=on.get("account-level"), position_mode=on.get("position-mode"),
        share="0" if "empty-account" in on else None, rest="nowhere",
    )  # fmt: skip
    alter(venue, account, change, now_ms)
    if "empty-account" in on:
        account.funding.clear()
    _hold(int(on.get("positions", 0)), exchange, environment)


def _hold(count: int, exchange: Running, environment: str) -> None:
    """So many positions in perpetual contracts, small ones, opened at the present price."""
    from okxdoctor.exchange.core.accounts import Position
    from okxdoctor.exchange.core.backstage import customer
    from okxdoctor.exchange.core.margin import notional

    venue, now_ms = exchange.exchange.venue("global", environment), exchange.clock.now_ms()
    account, one = customer(venue), Decimal(1)
    contracts = [each for each in venue.instruments.values() if each.type == "SWAP" and each.state == "live"]
    for inst in contracts[:count]:
        price = venue.price(inst, now_ms)
        worth = notional(inst, one, price)
        account.positions[inst.id, "net", "cross"] = Position(
            position_id=venue.orders.next_id(), inst_id=inst.id, inst_type=inst.type, mode="cross", side="net",
            quantity=one, average=price, lever="3", opened_ms=now_ms, updated_ms=now_ms, cost=worth, opened=one,
            paid=worth, most=one,
        )  # fmt: skip
