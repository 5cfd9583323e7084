"""From the faults that are on to the circumstances: a pure function, one small step for each fault."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from okxdoctor.exchange.core.circumstances import (
    HEALTHY,
    Circumstances,
    HeaderName,
    Page,
    Window,
    with_budgets,
    with_edge,
    with_key,
)
from okxdoctor.exchange.core.exchange import LOOPBACK
from okxdoctor.exchange.core.http_edge import blocked_page, challenge_page, denied_json, region_page, too_many_page
from okxdoctor.exchange.core.instruments import Change
from okxdoctor.exchange.core.limits import Pressure

from .account import changed
from .model import Injected
from .schema import redrafts
from .ws import troubled

CONTROL_INSTRUMENTS = ("BTC-USDT", "BTC-USDT-SWAP")
_HEADERS: dict[str, HeaderName] = {
    "key": "ok-access-key", "sign": "ok-access-sign", "timestamp": "ok-access-timestamp",
    "passphrase": "ok-access-passphrase",
}  # fmt: skip


def circumstances(injected: Iterable[Injected]) -> Circumstances:
    """The world with all these faults on at once. Faults of the network around it are passed over."""
    world = HEALTHY
    for each in injected:
        world = _with(world, each.name, each.value)
    return world


def _with(world: Circumstances, name: str, value: float | str | None) -> Circumstances:
    layer = name.partition("-")[0]
    match layer:
        case "clock":
            return _clock(world, name, value)
        case "key" | "permission" | "ip":
            return _key(world, name, value)
        case "order" if name == "order-state-diverges":
            return replace(world, channels=replace(world.channels, endings_lost=True))
        case "account" | "order":
            return replace(world, account=changed(world.account, name))
        case "http" | "header" | "timestamp":
            return _edge(world, name, value)
        case "status":
            return _status(world, name, value)
        case "ratelimit":
            return _budgets(world, name, value)
        case "instrument":
            return replace(world, changes=world.changes + _changes(name, value))
        case "schema":
            return replace(world, redrafts=world.redrafts + redrafts(name, value))
        case "ws":
            return replace(world, channels=troubled(world.channels, name, value))
        case _:
            return world


def _ms(value: float | str | None) -> int:
    return round(float(value or 0) * 1000)


def _clock(world: Circumstances, name: str, value: float | str | None) -> Circumstances:
    match name:
        # The user's clock is right where it stands: what is moved is the rest of the world, the other way.
        case "clock-ahead" | "clock-drifting" | "clock-timezone-shift":
            return replace(world, clock_offset_ms=world.clock_offset_ms - _ms(value))
        case "clock-behind":
            return replace(world, clock_offset_ms=world.clock_offset_ms + _ms(value))
        case "clock-server-time-cached":
            return with_edge(world, cache_time_s=max(1, round(float(value or 1))))
        case _:
            return world


def _key(world: Circumstances, name: str, value: float | str | None) -> Circumstances:
    match name:
        case "key-wrong-environment":
            return with_key(world, environment="demo")
        case "key-malformed":
            return with_edge(world, cut_key=True)
        case "key-unknown":
            return with_key(world, deleted=True)
        case "key-passphrase-wrong":
            return with_key(world, other_passphrase=True)
        case "key-secret-wrong":
            return with_key(world, other_secret=True)
        case "key-frozen":
            return with_key(world, frozen=True)
        case "key-idle-expiry":
            return with_key(world, addresses=())
        case "permission-missing":
            return with_key(world, permissions=("read_only",) if value == "trade" else ("trade",))
        case "permission-excess":
            return with_key(world, permissions=("read_only", "withdraw", "trade"))
        case "permission-ip-binding-required":
            return replace(with_key(world, addresses=()), bound_keys_only=True)
        case "ip-not-whitelisted":
            return replace(world, seen_address=str(value))
        case "ip-family-mismatch":
            return with_key(world, addresses=tuple(each for each in LOOPBACK if ":" not in each))
        case "ip-egress-unstable":
            return replace(world, seen_in_turn=(LOOPBACK[0], str(value)))
        case "ip-unbound":
            return with_key(world, addresses=(), permissions=("read_only",))
        case "ip-private-listed":
            return with_key(world, addresses=(*LOOPBACK, str(value)))
        case _:
            return world


def _edge(world: Circumstances, name: str, value: float | str | None) -> Circumstances:
    match name:
        case "http-edge-blocked":
            return with_edge(world, page=blocked_page("8f2a6c1d9e3b4705-FRA"))
        case "http-edge-blocked-challenge":
            return with_edge(world, page=challenge_page())
        case "http-edge-blocked-too-many":
            return with_edge(world, page=too_many_page())
        case "http-edge-blocked-json":
            return with_edge(world, page=denied_json())
        case "http-edge-blocked-agent":
            return with_edge(world, page=blocked_page("8f2a6c1d9e3b4705-FRA"), page_for_agent=str(value).lower())
        case "http-region-blocked" if value == "page":
            return with_edge(world, page=region_page())
        case "http-region-blocked" if value == "50121":
            return replace(world, refused_service="50121")
        case "http-region-blocked":
            return with_edge(
                world, page=_page(451, "Unavailable For Legal Reasons", "This service is not available in your region.")
            )
        case "http-origin-down":
            return with_edge(world, page=_origin_down(int(str(value))))
        case "http-captive-portal":
            return with_edge(world, page=_portal(str(value)))
        case "http-not-json":
            return with_edge(world, garble=value)
        case "http-not-json-cut":
            return with_edge(world, cut=value)
        case "http-goaway-reused":
            return with_edge(world, cut_reused=True)
        case "http-not-json-redirect":
            slash = Page(status=301, body=b"", headers=(("Location", "./"),), server="nginx", ray=False)
            return with_edge(world, page=slash)
        case "http-timeout":
            return with_edge(world, stall=value)
        case "http-slow":
            return with_edge(world, delay_ms=_ms(value))
        case "http-slow-body":
            return with_edge(world, body_ms=_ms(value))
        case "http-goaway":
            return with_edge(world, goaway_after=max(1, int(float(value or 1))))
        case "header-missing":
            return with_edge(world, drop_headers=(*world.edge.drop_headers, _HEADERS[str(value)]))
        case "timestamp-expired":
            return replace(world, verification_age_ms=_ms(value))
        case "timestamp-format":
            return with_edge(world, timestamp_form=value)
        case _:
            return world


_ORIGIN = {
    "521": "Web server is down", "522": "Connection timed out", "523": "Origin is unreachable",
    "524": "A timeout occurred", "525": "SSL handshake failed",
}  # fmt: skip


def _page(status: int, title: str, text: str) -> Page:
    body = (
        f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>\n"
    )
    return Page(status=status, body=body.encode())


def _origin_down(status: int) -> Page:
    if status in _GATEWAY:
        # A reverse proxy of one's own says this of what stands behind it, without the CDN's marks.
        page = _page(status, f"{status} {_GATEWAY[status]}", "nginx")
        return replace(page, server="nginx", ray=False)
    text = _ORIGIN.get(str(status), "Web server is returning an unknown error")
    return _page(status, f"okx.com | {status}: {text}", f"Error code {status}: {text}.")


_GATEWAY = {500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Temporarily Unavailable",
            504: "Gateway Time-out"}  # fmt: skip


def _portal(how: str) -> Page:
    sign_in = "http://portal.hotel-guest.test/login"
    if how == "511":
        page = _page(511, "Network Authentication Required", f"Sign in at {sign_in} to go online.")
        return replace(page, server="Portal/2.4", ray=False)
    if how == "redirect":
        return Page(
            status=302, body=b"", server="Portal/2.4", ray=False,
            headers=(("Location", f"{sign_in}?continue=1"), ("Cache-Control", "no-store")),
        )  # fmt: skip
    form = f'<form action="{sign_in}">Sign in to go online</form>'
    body = f"<html><head><title>Guest network</title></head><body>{form}</body></html>"
    return Page(status=200, body=body.encode(), server="Portal/2.4", ray=False)


def _status(world: Circumstances, name: str, value: float | str | None) -> Circumstances:
    match name:
        case "status-maintenance":
            window = Window(begins_in_s=-600, ends_in_s=3_000, state="ongoing")
            return replace(world, busy="50001", windows=(*world.windows, window))
        case "status-maintenance-scheduled":
            begin = max(60, round(float(value or 0)))
            window = Window(begins_in_s=begin, ends_in_s=begin + 3_600, state="scheduled")
            return replace(world, windows=(*world.windows, window))
        case "status-overloaded":
            return replace(world, busy=str(value))
        case _:
            return world


def _budgets(world: Circumstances, name: str, value: float | str | None) -> Circumstances:
    pressure = world.budgets.pressure
    match name:
        case "ratelimit-shared":
            return with_budgets(world, pressure=replace(pressure, foreign=min(1.0, float(value or 0))))
        case "ratelimit-headers-inconsistent":
            return with_budgets(world, headers=value)
        case "ratelimit-order-cap":
            return with_budgets(world, orders_spent=True)
        case "ratelimit-refusal-shape":
            return with_budgets(world, refusal=value)
        case "ratelimit-limit-differs":
            return with_budgets(world, pressure=Pressure(foreign=pressure.foreign, factor=float(value or 0)))
        case _:
            return world


def _changes(name: str, value: float | str | None) -> tuple[Change, ...]:
    match name:
        case "instrument-unknown":
            return (Change(inst_id=str(value).upper(), removed=True),)
        case "instrument-not-live":
            return tuple(Change(inst_id=each, state=str(value)) for each in CONTROL_INSTRUMENTS)
        case "instrument-change-announced":
            seconds = round(float(value or 0))
            upcoming = (("tickSz", "1", seconds), ("minSz", "0.1", seconds))
            return tuple(Change(inst_id=each, upcoming=upcoming) for each in CONTROL_INSTRUMENTS)
        case "instrument-spec-differs":
            return (
                Change(inst_id="BTC-USDT", tick="0.5", lot="0.0001", minimum="0.001"),
                Change(inst_id="BTC-USDT-SWAP", tick="0.5", lot="1", minimum="1"),
            )
        case _:
            return ()
