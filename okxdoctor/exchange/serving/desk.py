"""What can be done to a running exchange from outside its API, in its loop: one place for all who do it.

``okxdoctor.exchange.bench`` offers it to Python, ``control`` to any language over HTTP.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import TYPE_CHECKING

from okxdoctor.exchange.core import backstage
from okxdoctor.exchange.core.backstage import Amount, Impossible
from okxdoctor.exchange.core.decimals import plain
from okxdoctor.exchange.core.exchange import ENVIRONMENTS, SITES
from okxdoctor.exchange.core.protocol import Json
from okxdoctor.exchange.core.venue import SUB_ACCOUNTS, Venue

if TYPE_CHECKING:
    from .running import Running

SLOW = 0.1
"""A clock below this pace is not waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something is done: a site and one of its environments."""

    site: str = "global"
    environment: str = "live"

    def __post_init__(self) -> None:
        if self.site not in SITES or self.environment not in ENVIRONMENTS:
            raise Impossible(
                f"there are the sites {', '.join(SITES)}, each with {' and '.join(ENVIRONMENTS)}, "
                f"not {self.site[:32]!r} with {self.environment[:32]!r}"
            )


class Desk:
    """The operator's desk of one running exchange. ``Impossible`` (a ValueError) is raised for what cannot be."""

    def __init__(self, running: Running) -> None:
        self._running = running

    def _venue(self, place: Place) -> Venue:
        return self._running.exchange.venue(place.site, place.environment)

    def sub_environ(self, place: Place, sub: str) -> dict[str, str]:
        """The variables that name the keys of a sub-account."""
        if sub not in SUB_ACCOUNTS:
            raise Impossible(f"a sub-account is one of {', '.join(SUB_ACCOUNTS)}, not {sub[:32]!r}")
        keys = self._running.exchange.credentials(place.site, place.environment, sub)
        return {"OKX_API_KEY": keys.api_key, "OKX_SECRET_KEY": keys.secret_key, "OKX_PASSPHRASE": keys.passphrase}

    async def add_funds(self, place: Place, ccy: str, amount: Amount, wallet: str = "trading") -> str:
        return plain(backstage.add_funds(self._running.exchange, self._venue(place), ccy, amount, wallet))

    async def balance(self, place: Place, ccy: str, wallet: str = "trading") -> dict[str, str]:
        held = backstage.holding(self._venue(place), ccy, wallet)
        spare = backstage.available(self._running.exchange, self._venue(place), ccy, wallet)
        return {"cash": plain(held.cash), "available": plain(spare), "frozen": plain(held.frozen)}

    async def place_counter_order(self, place: Place, inst: str, side: str, px: Amount, sz: Amount) -> dict[str, Json]:
        return backstage.counter_order(self._running.exchange, self._venue(place), inst, side, px, sz).row()

    async def fill(self, place: Place, ord_id: str, sz: Amount | None = None) -> dict[str, Json]:
        return backstage.fill(self._running.exchange, self._venue(place), ord_id, sz).row()

    async def orders(self, place: Place) -> tuple[dict[str, Json], ...]:
        venue = self._venue(place)
        backstage.settle_all(self._running.exchange)
        return tuple(order.row() for order in venue.orders.open(backstage.customer(venue).uid))

    async def price(self, place: Place, inst: str) -> str:
        venue = self._venue(place)
        found = backstage.trading_instrument(venue, inst)
        return plain(venue.price(found, self._running.clock.now_ms()))

    async def move_market(self, place: Place, inst: str, *, to: Amount | None = None, by: float | None = None) -> str:
        exchange, clock = self._running.exchange, self._running.clock
        at_ms = backstage.move_market(exchange, self._venue(place), inst, to=to, by=by)
        if clock.rate >= SLOW:
            await asyncio.sleep((at_ms - clock.now_ms()) / 1000 / clock.rate)
        if clock.now_ms() < at_ms:
            # Time stands still, or all but; or this machine's clock and its timers differ by a hair.
            clock.step((at_ms - clock.now_ms()) / 1000)
        backstage.settle_all(exchange)
        return backstage.market_bid(exchange, self._venue(place), inst)

    async def advance(self, seconds: float) -> int:
        """Let time pass at once; epoch milliseconds afterwards."""
        self._running.clock.advance(seconds)
        await self._running.faults.settle()
        backstage.settle_all(self._running.exchange)
        return self._running.clock.now_ms()

    async def bind_key(self, place: Place, addresses: tuple[str, ...]) -> None:
        for each in addresses:
            try:
                ip_network(each, strict=False)
            except ValueError:
                raise Impossible(f"{each[:64]!r} is neither an address nor a network") from None
        self._running.exchange.sites[place.site].bind(place.environment, addresses)

    async def reset_book(self, place: Place, inst: str) -> int:
        return backstage.reset_book(self._running.exchange, self._venue(place), inst)

    async def options(
        self, *, checksum: str | None = None, tier: int | None = None, slack: float | None = None
    ) -> dict[str, Json]:
        """Choose (what is not None); what is chosen then."""
        given = (("checksum", checksum), ("tier", tier), ("slack", slack))
        chosen = {name: each for name, each in given if each is not None}
        exchange = self._running.exchange
        exchange.options = replace(exchange.options, **chosen)  # type: ignore[arg-type]
        now = exchange.options
        return {"checksum": now.checksum, "tier": now.tier, "slack": now.slack}

    async def cut_connections(self) -> int:
        return await self._running.sockets.cut()

    async def notice(self, grace_s: float = 0.0) -> None:
        if not 0 <= grace_s <= 60:
            raise Impossible("a notice is given up to 60 seconds ahead")
        await self._running.sockets.notice(grace_s)
