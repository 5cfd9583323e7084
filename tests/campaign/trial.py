"""One world made and looked at: the exchange on loopback, a real run of the doctor, and what its report says."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import leaping
from expectations import Seen
from worlds import World

from okxdoctor.checkup import check_up
from okxdoctor.exchange.net.delay import Distance
from okxdoctor.exchange.serving.running import Running, running
from okxdoctor.model import Outcome, Report
from okxdoctor.settings import Flags, resolve

NEEDS = {"trading": "read,trade", "reading": "read", "demo": "read,trade", "none": None}
SLOWEST_S = 60.0
"""A run has a deadline of its own; this is for a run that ignores it."""


def look(world: World) -> tuple[Seen, Report]:
    """Make the world, look at it once, take it away again."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="okxdoctor-campaign-") as home, _far(world):
        report = leaping.run(asyncio.wait_for(_run(world, Path(home)), SLOWEST_S))
    return _seen(report, time.monotonic() - begun), report


async def _run(world: World, home: Path) -> Report:
    if world.vantage == "sim":
        flags = Flags(
            target="sim", faults=world.faults, seed=world.exchange_seed, instruments=world.instruments,
            burst=world.burst,
        )  # fmt: skip
        return await check_up(resolve(flags, {}, home))
    async with running(seed=world.exchange_seed, faults=world.faults, distance=_distance(world)) as exchange:
        return await check_up(resolve(_flags(world, exchange), _environ(world, exchange, home), home))


def _flags(world: World, exchange: Running) -> Flags:
    info = exchange.info
    live = {site.name: site for site in info.sites if site.environment == "live"}
    demo = {site.name: site for site in info.sites if site.environment == "demo"}
    own = demo["global"] if world.key == "demo" else live["global"]
    return Flags(
        target="demo" if world.key == "demo" else "live",
        rest_url=own.named_rest_url,
        ws_url=own.named_ws_url,
        site_urls=tuple(
            f"{name}={site.named_rest_url},{site.named_ws_url},{demo[name].named_ws_url}" for name, site in live.items()
        ),
        ca_file=info.ca_file,
        dns_servers=(info.dns_server, info.independent_dns_server),
        ntp_servers=info.ntp_servers,
        proxy=info.proxy_url if world.proxy or info.proxy_in_use else None,
        need=NEEDS[world.key],
        instruments=world.instruments,
        burst=world.burst,
    )


def _environ(world: World, exchange: Running, home: Path) -> dict[str, str]:
    environ = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
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
    return Distance(
        one_way_s=world.round_trip_s / 2, jitter_s=world.jitter_s / 2, loss=world.loss, seed=world.exchange_seed
    )


@contextlib.contextmanager
def _far(world: World) -> Iterator[None]:
    """Distance is no fault and so no flag: it is put under the exchange that a run starts."""
    import okxdoctor.exchange

    before = okxdoctor.exchange.running
    okxdoctor.exchange.running = functools.partial(running, distance=_distance(world))  # type: ignore[assignment]
    try:
        yield
    finally:
        okxdoctor.exchange.running = before  # type: ignore[assignment]


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
