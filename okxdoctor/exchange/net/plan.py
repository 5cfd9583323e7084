"""From the faults that are on to the state of the network: a pure function, and the value it yields.

All policy is here ("what does ``tcp-unreachable`` mean?"), none in the servers: they only carry out a plan.
Faults of other layers are passed over, so the whole list of what is on can be given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal

from okxdoctor.exchange.faults.model import Injected
from okxdoctor.exchange.net.ca import VALID_FROM
from okxdoctor.exchange.net.dns import DnsAnswers
from okxdoctor.exchange.net.ntp import HONEST, NtpBehaviour
from okxdoctor.exchange.net.tcp import LOOPBACK_BROADCAST
from okxdoctor.exchange.net.tls import HEALTHY, STRANGER_NAMES, ServerTls

CONTROL_NAME = "control.okxdoctor.test"
"""A name that has nothing to do with the exchange: it resolves as long as the resolver works at all."""

NTP_SERVERS = 3

PortState = Literal["open", "closed", "filtered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyPlan:
    """The proxy, and the URL by which clients are told of it.

    ``in_use``      the client of the exchange is configured to go through it
    ``url_scheme``  what the URL says; the proxy itself speaks plain HTTP
    ``port``        ``closed``: nobody is there
    ``demands_credentials``  answers 407 to a client without user and password; the URL has none
    ``refusal``     HTTP status for every CONNECT; None: obliging
    """

    in_use: bool = False
    url_scheme: Literal["http", "https", "socks5"] = "http"
    port: PortState = "open"
    demands_credentials: bool = False
    refusal: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NetPlan:
    """The state of the network.

    ``program_dns``, ``independent_dns``  answers of the machine's resolver and of one that nobody configured
    ``ntp``        one behaviour for each time server
    ``tls_ports``  of every TLS listener of the exchange; the plain listener and the control endpoint stay open
    ``round_trip_s``  how far away name servers, time servers and TLS ports seem; not a fault, a place in the world
    ``ws_on_legacy_port``  the WebSocket address that clients are told names the old port, which is always closed
    """

    program_dns: DnsAnswers
    independent_dns: DnsAnswers
    ntp: tuple[NtpBehaviour, ...] = (HONEST,) * NTP_SERVERS
    tls_ports: PortState = "open"
    round_trip_s: float = 0.0
    ws_on_legacy_port: bool = False
    tls: ServerTls = HEALTHY
    proxy: ProxyPlan = field(default_factory=ProxyPlan)


def net_plan(
    injected: Iterable[Injected],
    *,
    names: Iterable[str],
    address: str = "127.0.0.1",
    round_trip_s: float = 0.0,
) -> NetPlan:
    """The network with all these faults on at once; without any, the healthy one.

    ``names``         the host names of the exchange (lower case)
    ``address``       where it listens
    ``round_trip_s``  distance to everything but the proxy, seconds
    """
    names = tuple(names)
    control = {CONTROL_NAME: (address,)}
    healthy = DnsAnswers(records={**control, **dict.fromkeys(names, (address,))}, delay_s=round_trip_s)
    far = replace(HONEST, round_trip_s=round_trip_s)
    plan = NetPlan(program_dns=healthy, independent_dns=healthy, ntp=(far,) * NTP_SERVERS, round_trip_s=round_trip_s)
    # What the program's resolver alone says comes last: it replaces whatever others say of these names.
    for each in sorted(injected, key=lambda each: each.name == "dns-poisoned"):
        plan = _with(plan, each, names)
    return plan


def _with(plan: NetPlan, injected: Injected, names: tuple[str, ...]) -> NetPlan:
    value = injected.value
    match injected.name:
        case "clock-ntp-unreachable":
            return replace(plan, ntp=tuple(replace(each, silent=True) for each in plan.ntp))
        case "dns-resolver-down":
            return replace(plan, program_dns=_down(plan.program_dns, str(value)))
        case "dns-name-not-found":
            gone = names if value in ("*", None) else (str(value).lower(),)
            return replace(
                plan,
                program_dns=_without(plan.program_dns, gone),
                independent_dns=_without(plan.independent_dns, gone),
            )
        case "dns-poisoned":
            return replace(plan, program_dns=_at(plan.program_dns, names, (str(value),)))
        case "dns-slow":
            slow = plan.round_trip_s + _seconds(injected)
            return replace(plan, program_dns=replace(plan.program_dns, delay_s=slow))
        case "tcp-refused":
            return replace(plan, tls_ports="closed")
        case "tcp-filtered":
            return replace(plan, tls_ports="filtered")
        case "tcp-unreachable":
            return _everywhere(plan, names, (LOOPBACK_BROADCAST,))
        case "tcp-ipv6-broken":
            present = plan.independent_dns.records
            both = {name: ("::1", *present[name]) for name in names if name in present}
            return replace(
                plan,
                program_dns=_records(plan.program_dns, both),
                independent_dns=_records(plan.independent_dns, both),
            )
        case "tcp-port-8443-closed":
            return replace(plan, ws_on_legacy_port=True)
        case name if name.startswith("proxy-"):
            return replace(plan, proxy=_proxy_with(replace(plan.proxy, in_use=True), injected))
        case name if name.startswith("tls-"):
            return replace(plan, tls=_tls_with(plan.tls, injected))
        case _:
            return plan


def _proxy_with(proxy: ProxyPlan, injected: Injected) -> ProxyPlan:
    match injected.name, injected.value:
        case "proxy-unreachable", _:
            return replace(proxy, port="closed")
        case "proxy-auth-required", _:
            return replace(proxy, demands_credentials=True)
        case "proxy-forbidden", status:
            return replace(proxy, refusal=int(str(status)))
        case "proxy-scheme-wrong", "socks5":
            return replace(proxy, url_scheme="socks5")
        case "proxy-scheme-wrong", _:
            return replace(proxy, url_scheme="https")
        case _:
            raise ValueError(f"{injected.name} is no fault of the proxy")


def _tls_with(tls: ServerTls, injected: Injected) -> ServerTls:
    match injected.name, injected.value:
        case "tls-expired", _:
            ended = timedelta(seconds=-_seconds(injected))
            return replace(tls, valid_from=ended - timedelta(days=90), valid_until=ended)
        case "tls-not-yet-valid", _:
            begins = timedelta(seconds=_seconds(injected))
            return replace(tls, valid_from=begins, valid_until=begins + timedelta(days=90))
        case "tls-expires-soon", _:
            ends = timedelta(seconds=_seconds(injected))
            begun = min(ends - timedelta(days=90), VALID_FROM)  # valid today, also if "soon" is far away
            return replace(tls, valid_from=begun, valid_until=ends)
        case "tls-hostname-mismatch", _:
            return replace(tls, names=STRANGER_NAMES)
        case "tls-self-signed", _:
            return replace(tls, issuer="self")
        case "tls-intercepted", "without-root":
            return replace(tls, issuer="inspection")
        case "tls-intercepted", _:
            return replace(tls, issuer="inspection", sends="chain-and-root")
        case "tls-incomplete-chain", _:
            return replace(tls, sends="leaf")
        case "tls-weak", ("tls1.0" | "tls1.1") as versions:
            return replace(tls, versions=versions)
        case "tls-weak", "rsa1024":
            return replace(tls, key="rsa1024")
        case "tls-weak", "sha1":
            return replace(tls, digest="sha1")
        case "tls-handshake-reset", ("reset" | "close" | "alert" | "blackhole") as how:
            return replace(tls, handshake=how)
        case "tls-not-tls", ("http" | "ssh" | "garbage") as what:
            return replace(tls, handshake=what)
        case _:
            raise ValueError(f"{injected.name}={injected.value} is no fault of TLS")


def _down(answers: DnsAnswers, how: str) -> DnsAnswers:
    match how:
        case "servfail":
            return replace(answers, refusals={"*": "SERVFAIL"})
        case "refused":
            return replace(answers, refusals={"*": "REFUSED"})
        case _:
            return replace(answers, silent=True)


def _without(answers: DnsAnswers, gone: Iterable[str]) -> DnsAnswers:
    absent = frozenset(gone)
    return replace(answers, records={name: at for name, at in answers.records.items() if name not in absent})


def _at(answers: DnsAnswers, names: Iterable[str], addresses: tuple[str, ...]) -> DnsAnswers:
    return _records(answers, {name: addresses for name in names if name in answers.records})


def _records(answers: DnsAnswers, changed: Mapping[str, tuple[str, ...]]) -> DnsAnswers:
    return replace(answers, records={**answers.records, **changed})


def _everywhere(plan: NetPlan, names: tuple[str, ...], addresses: tuple[str, ...]) -> NetPlan:
    return replace(
        plan,
        program_dns=_at(plan.program_dns, names, addresses),
        independent_dns=_at(plan.independent_dns, names, addresses),
    )


def _seconds(injected: Injected) -> float:
    if not isinstance(injected.value, float | int):
        raise ValueError(f"{injected.name} wants a duration, not {injected.value!r}")
    return float(injected.value)
