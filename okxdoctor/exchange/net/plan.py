"""From the faults that are on to the state of the network: a pure function, and the value it yields.

All policy is here ("what does ``tcp-unreachable`` mean?"), none in the servers: they only carry out a plan.
Faults of other layers are passed over, so the whole list of what is on can be given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal

from okxdoctor.exchange.core.sites import WS_NAME
from okxdoctor.exchange.faults.model import Injected
from okxdoctor.exchange.net.ca import VALID_FROM
from okxdoctor.exchange.net.delay import NEAR, Distance
from okxdoctor.exchange.net.dns import DnsAnswers, Refusal
from okxdoctor.exchange.net.ntp import HONEST, NtpBehaviour
from okxdoctor.exchange.net.tcp import LOOPBACK_BROADCAST
from okxdoctor.exchange.net.tls import DEEPER_NAMES, HEALTHY, STRANGER_NAMES, ServerTls

CONTROL_NAME = "control.okxdoctor.test"
"""A name that has nothing to do with the exchange: it resolves as long as the resolver works at all."""

NTP_SERVERS = 3

SIDE_ADDRESS = "127.77.7.7"
"""A second address of the exchange's names where a fault gives them one; nobody serves there."""

UNKNOWN_PROXY = "proxy.hotel-guest.test"
"""A name that no resolver knows."""

PortState = Literal["open", "closed", "filtered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyPlan:
    """The proxy, and the URL by which clients are told of it.

    ``in_use``      the client of the exchange is configured to go through it
    ``url_scheme``  what the URL says, and ``speaks`` what the proxy does
    ``url_host``    what the URL says; None: where it is
    ``port``        ``closed``: nobody is there; ``filtered``: nobody answers
    ``demands_credentials``  does not let in a client without user and password
    ``url_credentials``      the URL has a user and a password, not the right ones
    ``refusal``     HTTP status for every CONNECT; None: obliging
    ``hang``, ``hang_up``    a client that has said what it wants gets no answer, or the end of the connection
    ``inspects``    opens the TLS of what goes through it, and signs it anew
    """

    in_use: bool = False
    url_scheme: Literal["http", "https", "socks5"] = "http"
    url_host: str | None = None
    speaks: Literal["http", "socks5"] = "http"
    port: PortState = "open"
    demands_credentials: bool = False
    url_credentials: bool = False
    refusal: int | None = None
    hang: bool = False
    hang_up: bool = False
    inspects: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NetPlan:
    """The state of the network.

    ``program_dns``, ``independent_dns``  answers of the machine's resolver and of one that nobody configured
    ``ntp``        one behaviour for each time server
    ``tls_ports``  of every TLS listener of the exchange; the plain listener and the control endpoint stay open
    ``side_ports``, ``ipv6_ports``  of the same numbers at ``SIDE_ADDRESS`` and at ``::1``, where nobody serves
    ``aia_port``   where the missing issuer of a certificate can be fetched
    ``distance``   how far away the TLS ports seem, and (without jitter and loss) the name and time servers; not a
                   fault, a place in the world
    ``ws_on_legacy_port``  the WebSocket address that clients are told names the old port, which is always closed
    """

    program_dns: DnsAnswers
    independent_dns: DnsAnswers
    ntp: tuple[NtpBehaviour, ...] = (HONEST,) * NTP_SERVERS
    tls_ports: PortState = "open"
    side_ports: PortState = "closed"
    ipv6_ports: PortState = "closed"
    aia_port: PortState = "open"
    distance: Distance = NEAR
    ws_on_legacy_port: bool = False
    tls: ServerTls = HEALTHY
    proxy: ProxyPlan = field(default_factory=ProxyPlan)


_LAST = ("http-timeout-handshake", "tcp-refused-behind", "dns-poisoned-partly", "dns-poisoned")
"""Faults that have the last word, whatever order they come in: where nobody answers nobody shows a certificate, and
what the program's own resolver says replaces what others say of the names."""


def net_plan(
    injected: Iterable[Injected],
    *,
    names: Iterable[str],
    address: str = "127.0.0.1",
    distance: Distance = NEAR,
) -> NetPlan:
    """The network with all these faults on at once; without any, the healthy one.

    ``names``     the host names of the exchange (lower case)
    ``address``   where it listens
    ``distance``  to everything but the proxy
    """
    names = tuple(names)
    control = {CONTROL_NAME: (address,)}
    away_s = distance.one_way_s * 2
    healthy = DnsAnswers(records={**control, **dict.fromkeys(names, (address,))}, delay_s=away_s)
    far = replace(HONEST, round_trip_s=away_s)
    plan = NetPlan(program_dns=healthy, independent_dns=healthy, ntp=(far,) * NTP_SERVERS, distance=distance)
    for each in sorted(injected, key=lambda each: _LAST.index(each.name) if each.name in _LAST else -1):
        plan = _with(plan, each, names)
    return plan


def _with(plan: NetPlan, injected: Injected, names: tuple[str, ...]) -> NetPlan:
    match injected.name.partition("-")[0]:
        case "dns":
            return _with_dns(plan, injected, names)
        case "clock":
            return replace(plan, ntp=tuple(_ntp_with(each, injected) for each in plan.ntp))
        case "tcp" | "ip":
            return _with_tcp(plan, injected, names)
        case "proxy":
            return replace(plan, proxy=_proxy_with(replace(plan.proxy, in_use=True), injected))
        case "tls" | "http":
            return _with_tls(plan, injected)
        case _:
            return plan


def _with_dns(plan: NetPlan, injected: Injected, names: tuple[str, ...]) -> NetPlan:
    value, own, other = injected.value, plan.program_dns, plan.independent_dns
    match injected.name:
        case "dns-resolver-down":
            return replace(plan, program_dns=_down(own, str(value)))
        case "dns-resolver-down-truncated":
            return replace(plan, program_dns=replace(own, truncate=True, silent_tcp=True))
        case "dns-name-not-found":
            gone = names if value in ("*", None) else (str(value).lower(),)
            return replace(plan, program_dns=_without(own, gone), independent_dns=_without(other, gone))
        case "dns-name-not-found-blocked":
            return replace(plan, program_dns=_blocked(own, names, str(value)))
        case "dns-poisoned":
            return replace(plan, program_dns=_at(own, names, (str(value),)))
        case "dns-poisoned-partly":
            both = {name: (str(value), *own.records[name]) for name in names if own.records.get(name)}
            return replace(plan, program_dns=_records(own, both))
        case "dns-slow":
            return replace(plan, program_dns=replace(own, delay_s=own.delay_s + _seconds(injected)))
        case "dns-slow-ipv6":
            return replace(plan, program_dns=replace(own, aaaa_delay_s=_seconds(injected)))
        case "dns-slow-lossy":
            return replace(plan, program_dns=replace(own, lose_first=True))
        case _:
            return plan


def _ntp_with(server: NtpBehaviour, injected: Injected) -> NtpBehaviour:
    match injected.name, injected.value:
        case "clock-sources-disagree", _:
            return replace(server, offset_s=server.offset_s + _seconds(injected))
        case "clock-ntp-unreachable", "denied":
            return replace(server, kiss="DENY")
        case "clock-ntp-unreachable", "unsynchronized":
            return replace(server, stratum=16, leap=3)
        case "clock-ntp-unreachable", _:
            return replace(server, silent=True)
        case _:
            return server


def _with_tcp(plan: NetPlan, injected: Injected, names: tuple[str, ...]) -> NetPlan:
    chosen = [name for name in names if (name in _WS_NAMES) == (injected.value == "ws")]
    match injected.name:
        case "tcp-refused":
            return replace(plan, tls_ports="closed")
        case "tcp-refused-behind":
            return replace(plan, tls=replace(plan.tls, handshake="refuse" if injected.value == "reset" else "hang-up"))
        case "tcp-filtered":
            return replace(plan, tls_ports="filtered")
        case "tcp-refused-one-host":
            return _everywhere(plan, chosen, (SIDE_ADDRESS,))
        case "tcp-filtered-one-host":
            return replace(_everywhere(plan, chosen, (SIDE_ADDRESS,)), side_ports="filtered")
        case "tcp-refused-one-address":
            return _also_at(plan, names, SIDE_ADDRESS)
        case "tcp-filtered-one-address":
            return replace(_also_at(plan, names, SIDE_ADDRESS), side_ports="filtered")
        case "tcp-unreachable":
            return _everywhere(plan, names, (LOOPBACK_BROADCAST,))
        case "tcp-ipv6-broken":
            return replace(
                _also_at(plan, names, "::1"), ipv6_ports="filtered" if injected.value == "filtered" else "closed"
            )
        case "ip-family-mismatch":
            return replace(_also_at(plan, names, "::1"), ipv6_ports="open")
        case "tcp-port-8443-closed":
            return replace(plan, ws_on_legacy_port=True)
        case _:
            return plan


def _proxy_with(proxy: ProxyPlan, injected: Injected) -> ProxyPlan:
    match injected.name, injected.value:
        case "proxy-unreachable", "name":
            return replace(proxy, url_host=UNKNOWN_PROXY)
        case "proxy-unreachable", "filtered":
            return replace(proxy, port="filtered")
        case "proxy-unreachable", "silent":
            return replace(proxy, hang=True)
        case "proxy-unreachable", _:
            return replace(proxy, port="closed")
        case "proxy-auth-required", _:
            return replace(proxy, demands_credentials=True)
        case "proxy-auth-required-rejected", _:
            return replace(proxy, demands_credentials=True, url_credentials=True)
        case "proxy-auth-required-socks", _:
            return replace(proxy, demands_credentials=True, speaks="socks5", url_scheme="socks5")
        case "proxy-forbidden", "hang-up":
            return replace(proxy, hang_up=True)
        case "proxy-forbidden", status:
            return replace(proxy, refusal=int(str(status)))
        case "proxy-forbidden-socks", _:
            return replace(proxy, refusal=403, speaks="socks5", url_scheme="socks5")
        case "proxy-scheme-wrong", "socks5":
            return replace(proxy, url_scheme="socks5")
        case "proxy-scheme-wrong", _:
            return replace(proxy, url_scheme="https")
        case "proxy-scheme-wrong-socks", _:
            return replace(proxy, speaks="socks5")
        case _:
            raise ValueError(f"{injected.name} is no fault of the proxy")


def _with_tls(plan: NetPlan, injected: Injected) -> NetPlan:
    match injected.name:
        case "tls-intercepted-by-proxy":
            return replace(plan, proxy=replace(plan.proxy, in_use=True, inspects=True))
        case "tls-incomplete-chain-unfetchable":
            return replace(plan, aia_port="closed", tls=replace(plan.tls, sends="leaf"))
        case _:
            return replace(plan, tls=_tls_with(plan.tls, injected))


def _tls_with(tls: ServerTls, injected: Injected) -> ServerTls:
    match injected.name, injected.value:
        case "tls-expired", _:
            ended = timedelta(seconds=-_seconds(injected))
            return replace(tls, valid_from=ended - timedelta(days=90), valid_until=ended)
        case "tls-expired-issuer", _:
            return replace(tls, issuer_until=timedelta(seconds=-_seconds(injected)))
        case "tls-not-yet-valid", _:
            begins = timedelta(seconds=_seconds(injected))
            return replace(tls, valid_from=begins, valid_until=begins + timedelta(days=90))
        case "tls-expires-soon", _:
            ends = timedelta(seconds=_seconds(injected))
            begun = min(ends - timedelta(days=90), VALID_FROM)  # valid today, also if "soon" is far away
            return replace(tls, valid_from=begun, valid_until=ends)
        case "tls-expires-soon-issuer", _:
            return replace(tls, issuer_until=timedelta(seconds=_seconds(injected)))
        case "tls-hostname-mismatch", _:
            return replace(tls, names=STRANGER_NAMES)
        case "tls-hostname-mismatch-wildcard", _:
            return replace(tls, names=DEEPER_NAMES)
        case "tls-hostname-mismatch-no-names", _:
            return replace(tls, alternative_names=False)
        case "tls-self-signed", _:
            return replace(tls, issuer="self")
        case "tls-self-signed-authority", _:
            return replace(tls, issuer="self", authority=True)
        case "tls-intercepted", "without-root":
            return replace(tls, issuer="inspection")
        case "tls-intercepted", _:
            return replace(tls, issuer="inspection", sends="chain-and-root")
        case "tls-incomplete-chain", _:
            return replace(tls, sends="leaf")
        case "tls-incomplete-chain-wrong-issuer", _:
            return replace(tls, sends="wrong-issuer")
        case "tls-weak", ("tls1.0" | "tls1.1") as versions:
            return replace(tls, versions=versions)
        case "tls-weak", "rsa1024":
            return replace(tls, key="rsa1024")
        case "tls-weak", "sha1":
            return replace(tls, digest="sha1")
        case "tls-weak-ciphers", ("aes128-sha" | "dhe1024") as ciphers:
            return replace(tls, ciphers=ciphers)
        case "tls-handshake-reset-client-certificate", how:
            return replace(tls, client_certificate=True, versions="tls1.2" if how == "tls1.2" else tls.versions)
        case "tls-handshake-reset", ("reset" | "close" | "alert" | "blackhole") as how:
            return replace(tls, handshake=how)
        case "tls-not-tls", ("http" | "ssh" | "smtp" | "garbage") as what:
            return replace(tls, handshake=what)
        case "http-timeout-handshake", ("mute" | "large-packets") as how:
            return replace(tls, handshake=how)
        case "http-slow-handshake", _:
            return replace(tls, handshake_s=_seconds(injected))
        case name, value if name.startswith("tls-"):
            raise ValueError(f"{name}={value} is no fault of TLS")
        case _:
            return tls


_WS_NAMES = frozenset(WS_NAME.values())


def _down(answers: DnsAnswers, how: str) -> DnsAnswers:
    match how:
        case "servfail":
            return replace(answers, refusals={"*": "SERVFAIL"})
        case "refused":
            return replace(answers, refusals={"*": "REFUSED"})
        case "garbled":
            return replace(answers, garble=True)
        case _:
            return replace(answers, silent=True)


def _blocked(answers: DnsAnswers, names: Iterable[str], how: str) -> DnsAnswers:
    """One resolver's own idea of these names, as block lists give it."""
    match how:
        case "nodata":
            return _records(answers, dict.fromkeys((name for name in names if name in answers.records), ()))
        case "servfail" | "refused":
            refused: dict[str, Refusal] = dict.fromkeys(names, "SERVFAIL" if how == "servfail" else "REFUSED")
            return replace(answers, refusals={**answers.refusals, **refused})
        case _:
            return _without(answers, names)


def _without(answers: DnsAnswers, gone: Iterable[str]) -> DnsAnswers:
    absent = frozenset(gone)
    return replace(answers, records={name: at for name, at in answers.records.items() if name not in absent})


def _at(answers: DnsAnswers, names: Iterable[str], addresses: tuple[str, ...]) -> DnsAnswers:
    return _records(answers, {name: addresses for name in names if name in answers.records})


def _records(answers: DnsAnswers, changed: Mapping[str, tuple[str, ...]]) -> DnsAnswers:
    return replace(answers, records={**answers.records, **changed})


def _also_at(plan: NetPlan, names: Iterable[str], address: str) -> NetPlan:
    """The names have this address too, and it comes first."""

    def both(answers: DnsAnswers) -> DnsAnswers:
        found = {name: answers.records.get(name, ()) for name in names}
        return _records(answers, {name: (address, *known) for name, known in found.items() if known})

    return replace(plan, program_dns=both(plan.program_dns), independent_dns=both(plan.independent_dns))


def _everywhere(plan: NetPlan, names: Iterable[str], addresses: tuple[str, ...]) -> NetPlan:
    return replace(
        plan,
        program_dns=_at(plan.program_dns, names, addresses),
        independent_dns=_at(plan.independent_dns, names, addresses),
    )


def _seconds(injected: Injected) -> float:
    if not isinstance(injected.value, float | int):
        raise ValueError(f"{injected.name} wants a duration, not {injected.value!r}")
    return float(injected.value)
