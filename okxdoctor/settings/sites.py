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
    rest_hosts: tuple[str, ...]

    def cells(self) -> tuple[Cell, ...]:
        """Live and demo. Demo has the REST host of live."""
        return (
            Cell(site=self.name, environment="live", rest_url=self.rest, ws_url=self.ws),
            Cell(site=self.name, environment="demo", rest_url=self.rest, ws_url=self.demo_ws),
        )


def sites() -> dict[str, Site]:
    """Every published site by name; ``global`` first."""
    table = {
        "global": (("openapi.okx.com", "www.okx.com"), "ws.okx.com", "wspap.okx.com"),
        "eea": (("eea.okx.com",), "wseea.okx.com", "wseeapap.okx.com"),
        "us": (("us.okx.com",), "wsus.okx.com", "wsuspap.okx.com"),
        "tr": (("tr.okx.com",), "", ""),
    }
    return {
        name: Site(
            name=name,
            rest=f"https://{rest[0]}",
            ws=f"wss://{ws}/ws/v5" if ws else "",
            demo_ws=f"wss://{demo}/ws/v5" if demo else "",
            rest_hosts=rest,
        )
        for name, (rest, ws, demo) in table.items()
    }
