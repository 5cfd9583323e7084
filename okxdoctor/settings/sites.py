"""The sites of OKX: which REST and WebSocket hosts belong together. From the knowledge of hosts, read late."""

from __future__ import annotations

from dataclasses import dataclass

from okxdoctor.port import Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One site. ``rest`` is the recommended base; a WebSocket base that is not published is ""."""

    name: str
    rest: str
    ws: str
    demo_ws: str

    def cells(self) -> tuple[Cell, ...]:
        """Live and demo. Demo has the REST host of live."""
        return (
            Cell(site=self.name, environment="live", rest_url=self.rest, ws_url=self.ws),
            Cell(site=self.name, environment="demo", rest_url=self.rest, ws_url=self.demo_ws),
        )


def sites() -> dict[str, Site]:
    """Every published site by name; ``global`` first."""
    from okxdoctor.knowledge import hosts

    return {
        site.name: Site(name=site.name, rest=f"https://{site.rest[0]}", ws=_ws(site.ws), demo_ws=_ws(site.demo_ws))
        for site in hosts().sites
    }


def home_of(host: str) -> str | None:
    """The site that a host belongs to: one it publishes, or one that stands where a published one was meant."""
    from okxdoctor.knowledge import hosts

    known = hosts()
    site = known.site_of(host)
    if site is not None:
        return site.name
    return "global" if known.retirement(host) is not None or known.mistake(host) is not None else None


def _ws(host: str) -> str:
    return f"wss://{host}/ws/v5" if host else ""
