"""The embedded exchange: real servers on loopback that behave as OKX's v5 API does.

    with okxdoctor.exchange.serve(faults=["clock-ahead=45s"]) as x:      # a thread of its own
        x.info.rest_url, x.info.ws_url, x.info.ca_file, x.info.api_key
    async with okxdoctor.exchange.running(seed=7) as x:                  # in the running loop
        await x.faults.turn_on("ws-silent")

``Bench(x)`` is what a test does to it: funds, counter-orders, prices, time, faults, the wire log.

``core`` is pure (state, protocol, faults' circumstances), ``serving`` has the HTTP and WebSocket servers,
``net`` the network around them (certificates, DNS, NTP, proxies, broken TLS), ``faults`` the catalogue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .bench import AsyncBench, Bench
    from .core.clock import Clock
    from .serving.info import Info, SiteInfo
    from .serving.running import Running, running
    from .serving.thread import Served, serve

__all__ = ["AsyncBench", "Bench", "Clock", "Info", "Running", "Served", "SiteInfo", "running", "serve"]

_WHERE = {
    "AsyncBench": ".bench", "Bench": ".bench",
    "Clock": ".core.clock", "Info": ".serving.info", "SiteInfo": ".serving.info", "Running": ".serving.running",
    "running": ".serving.running", "Served": ".serving.thread", "serve": ".serving.thread",
}  # fmt: skip


def __getattr__(name: str) -> object:
    # Importing this package must stay cheap: the command line lists faults without starting anything.
    where = _WHERE.get(name)
    if where is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(where, __name__), name)
