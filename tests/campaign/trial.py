"""One world made and looked at: the exchange on loopback, a real run of the doctor, and what its report says."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import habits
import leaping
from expectations import Seen
from worlds import World

from okxdoctor.checkup import check_up
from okxdoctor.exchange.net.delay import NEAR, Distance
from okxdoctor.exchange.serving.running import Running, running
from okxdoctor.model import Outcome, Report
from okxdoctor.settings import Flags, resolve

NEEDS = {"trading": "read,trade", "reading": "read", "demo": "read,trade", "none": None}
SLOWEST_S = 60.0
"""A run has a deadline of its own; this is for a run that ignores it."""


def look(world: World) -> tuple[Seen, Report]:
    """Make the world, look at it once, take it away again."""
    begun = time.monotonic()
    on = habits.values(world.habits)
    slow = leaping.Machine(
        turn_ns=int(float(on.get("slow-machine", 0)) * 1e6),
        stall_ns=int(float(on.get("stall", 0)) * 1e6),
        stall_at=world.exchange_seed % 400,
    )
    with tempfile.TemporaryDirectory(prefix="okxdoctor-campaign-") as home, habits.lived(world.habits), _far(world):
        report = leaping.run(asyncio.wait_for(_run(world, Path(home)), SLOWEST_S), slow)
    return _seen(report, time.monotonic() - begun), report


async def _run(world: World, home: Path) -> Report:
    if world.vantage == "sim":
        flags = Flags(
            target="sim", faults=world.faults, seed=world.exchange_seed, instruments=world.instruments,
            burst=world.burst, demo_orders=world.round_trip,
        )  # fmt: skip
        return await check_up(resolve(flags, {}, home))
    host = "::1" if world.ipv6 and _has_ipv6() else "127.0.0.1"
    async with running(seed=world.exchange_seed, faults=world.faults, distance=_distance(world), host=host) as exchange:
        habits.arrange(world.habits, exchange, "demo" if world.key == "demo" else "live")
        return await check_up(resolve(_flags(world, exchange), _environ(world, exchange, home), home))


@functools.cache
def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def _flags(world: World, exchange: Running) -> Flags:
    info = exchange.info
    live = {site.name: site for site in info.sites if site.environment == "live"}
    demo = {site.name: site for site in info.sites if site.environment == "demo"}
    own = demo["global"] if world.key == "demo" else live["global"]
    proxy = info.proxy_url if world.proxy or info.proxy_in_use else None
    return Flags(
        target="demo" if world.key == "demo" else "live",
        rest_url=own.named_rest_url,
        ws_url=own.named_ws_url,
        site_urls=tuple(
            f"{name}={site.named_rest_url},{site.named_ws_url},{demo[name].named_ws_url}" for name, site in live.items()
        ),
        ca_file=info.ca_file,
        dns_servers=tuple(map(_bracketed, (info.dns_server, info.independent_dns_server))),
        ntp_servers=tuple(map(_bracketed, info.ntp_servers)),
        proxy=_bracketed(proxy) if proxy is not None else None,
        need=NEEDS[world.key],
        instruments=world.instruments,
        burst=world.burst,
    )


def _bracketed(address: str) -> str:
    """An IPv6 address as it is typed beside a port."""
    return re.sub(r"(?<!\[)::1:(\d+)\Z", r"[::1]:\1", address)


def _environ(world: World, exchange: Running, home: Path) -> dict[str, str]:
    environ = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    on = habits.values(world.habits)
    environ |= {name: on[habit] for name, habit in (("TZ", "zone"), ("LC_ALL", "locale")) if habit in on}
    if world.key == "none":
        return environ
    wanted = "demo" if world.key == "demo" else "live"
    own = next(s for s in exchange.info.sites if (s.name, s.environment) == ("global", wanted))
    return environ | {
        "OKX_API_KEY": own.api_key,
        "OKX_SECRET_KEY": own.secret_key,
        "OKX_PASSPHRASE": own.passphrase,
    }


def _distance(world: World) -> Distance:
    if not (world.round_trip_s or world.jitter_s or world.loss):
        return NEAR  # no forwarder stands between, and the exchange sees the client's own address
    return Distance(
        one_way_s=world.round_trip_s / 2, jitter_s=world.jitter_s / 2, loss=world.loss, seed=world.exchange_seed
    )


@contextlib.contextmanager
def _far(world: World) -> Iterator[None]:
    """Distance, jitter and loss are no faults and so no flags: they are put under the exchange that a run starts."""
    import okxdoctor.exchange

    before = okxdoctor.exchange.running
    okxdoctor.exchange.running = functools.partial(running, distance=_distance(world))  # type: ignore[assignment]
    try:
        yield
    finally:
        okxdoctor.exchange.running = before


def _seen(report: Report, elapsed_s: float) -> Seen:
    return Seen(
        roots=tuple(root.code for root in report.diagnosis),
        explained=tuple(root.explains for root in report.diagnosis),
        exit_code=report.exit_code,
        broken=tuple(attempt.check for attempt in report.attempts if attempt.outcome is Outcome.BROKEN),
        inconclusive=tuple(
            attempt.check for attempt in report.attempts if attempt.outcome is Outcome.INCONCLUSIVE and attempt.matters
        ),
        elapsed_s=elapsed_s,
    )
