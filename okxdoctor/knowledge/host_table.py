"""Host names of OKX and the control names (`data/hosts.toml`)."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import cache
from typing import Any

from okxdoctor.knowledge import store


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteHosts:
    """The hosts of one site; all of them serve `/api/v5` and `/ws/v5/{public,private,business}` on port 443.

    `rest[0]` is recommended, the others stay usable; `also_answers` answer and are not documented as API hosts.
    `ws` and `demo_ws` are "" where none is published. Demo has the REST hosts of live.
    """

    name: str
    registered_on: str
    rest: tuple[str, ...]
    also_answers: tuple[str, ...]
    ws: str
    demo_ws: str
    source: str
    seen: str
    grade: str

    @property
    def all(self) -> tuple[str, ...]:
        """Every published name of the site."""
        return (*self.rest, *(name for name in (self.ws, self.demo_ws) if name))


@dataclass(frozen=True, slots=True, kw_only=True)
class RetiredName:
    """A name OKX has given up (`*.` in front: every host below it), and the one to use instead."""

    name: str
    successor: str
    source: str
    seen: str
    grade: str

    def covers(self, host: str) -> bool:
        """Whether the name is this host, or one above it where it begins with `*.`."""
        return host == self.name or (self.name.startswith("*.") and host.endswith(self.name[1:]))


@dataclass(frozen=True, slots=True, kw_only=True)
class MistakenName:
    """A name that often stands where an API host belongs and never was one."""

    name: str
    use: str
    why: str
    source: str
    seen: str
    grade: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """Names and `address:port` of others, to tell "this name" from "every name". Our choice."""

    names: tuple[str, ...]
    addresses: tuple[str, ...]
    addresses_v6: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyPort:
    """The WebSocket port that ends on a date, and the one that replaces it."""

    port: int
    successor: int
    ends: datetime.date
    source: str
    seen: str
    grade: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """Every host name that this program knows by itself, by what it is for."""

    sites: tuple[SiteHosts, ...]
    retired: tuple[RetiredName, ...]
    mistaken: tuple[MistakenName, ...]
    control: Controls
    legacy_ws_port: LegacyPort

    def site(self, name: str) -> SiteHosts:
        """The site of that name (global, eea, us, tr). Raises KeyError."""
        for one in self.sites:
            if one.name == name:
                return one
        raise KeyError(name)

    def site_of(self, host: str) -> SiteHosts | None:
        """The site that publishes this host (any case, a closing dot is ignored), None for any other name."""
        host = _plain(host)
        return next((one for one in self.sites if host in (*one.all, *one.also_answers)), None)

    def retirement(self, host: str) -> RetiredName | None:
        """The row of a retired name, exact rows before `*.` ones, None for any other name."""
        host = _plain(host)
        return next((row for row in self.retired if row.covers(host)), None)

    def mistake(self, host: str) -> MistakenName | None:
        """The row of a name that is no API host although it looks like one."""
        host = _plain(host)
        return next((row for row in self.mistaken if row.name == host), None)


def _plain(host: str) -> str:
    return host.rstrip(".").lower()


@cache
def hosts() -> Hosts:
    """Everything known about host names."""
    table = store.from_toml("hosts.toml")
    control = table["control"]
    return Hosts(
        sites=tuple(_site(raw) for raw in table["site"]),
        # Exact names first, so that `ws.okex.com` is not swallowed by `*.okex.com`.
        retired=tuple(
            sorted((RetiredName(**raw) for raw in table["retired"]), key=lambda row: row.name.startswith("*."))
        ),
        mistaken=tuple(MistakenName(**raw) for raw in table["mistaken"]),
        control=Controls(
            names=tuple(control["names"]),
            addresses=tuple(control["addresses"]),
            addresses_v6=tuple(control["addresses_v6"]),
        ),
        legacy_ws_port=LegacyPort(
            **{**table["legacy_ws_port"], "ends": datetime.date.fromisoformat(table["legacy_ws_port"]["ends"])}
        ),
    )


def _site(raw: dict[str, Any]) -> SiteHosts:
    return SiteHosts(
        **{**raw, "rest": tuple(raw["rest"]), "also_answers": tuple(raw.get("also_answers", ()))},
    )
