"""What each fault changes, and what it leaves alone."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest

from okxdoctor.exchange.faults.model import Fault, Injected
from okxdoctor.exchange.faults.semantics import FAULTS as SEMANTICS
from okxdoctor.exchange.net.faults import FAULTS
from okxdoctor.exchange.net.plan import CONTROL_NAME, SIDE_ADDRESS, NetPlan, net_plan

NAMES = ("openapi.okx.test", "ws.okx.test")
HERE = ("127.0.0.1",)
BY_NAME = {fault.name: fault for fault in (*FAULTS, *SEMANTICS)}
HEALTHY = net_plan((), names=NAMES)


def plan(*arguments: str | Injected) -> NetPlan:
    read = [each if isinstance(each, Injected) else injected(each) for each in arguments]
    return net_plan(read, names=NAMES)


def injected(argument: str) -> Injected:
    name, _, value = argument.partition("=")
    return Injected(fault=BY_NAME[name], value=value or BY_NAME[name].default)


def changed(one: NetPlan) -> set[str]:
    return {field.name for field in fields(NetPlan) if getattr(one, field.name) != getattr(HEALTHY, field.name)}


def everything() -> list[Any]:
    return [
        pytest.param(Injected(fault=fault, value=value), id=f"{fault.name}={value}")
        for fault in FAULTS
        for value in (fault.choices or (fault.default,))
    ]


# ---- the catalogue -----------------------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_catalogue_is_in_order(fault: Fault) -> None:
    cause = fault.cause.replace(".", "-")
    assert fault.name == cause or fault.name.startswith(f"{cause}-")
    assert fault.example.partition("=")[0] == fault.name
    assert (fault.value is None) == (fault.default is None)
    assert bool(fault.choices) == (fault.value == "choice")
    if fault.choices:
        assert fault.default in fault.choices
        assert fault.example.partition("=")[2] in ("", *fault.choices)
    if fault.value is None:
        assert "=" not in fault.example
    assert fault.says[0].islower() or fault.says.startswith("TCP ")
    assert not fault.says.endswith(".")
    # A cause of one layer can have its reason on a deeper one; the other way round there is no such thing.
    order = ("clock", "dns", "tcp", "proxy", "tls", "http")
    assert order.index(fault.layer) <= order.index(fault.name.partition("-")[0])


def test_names_are_unique() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("one", everything())
def test_every_fault_and_choice_changes_something(one: Injected) -> None:
    assert changed(plan(one))


def test_no_two_faults_or_choices_are_the_same() -> None:
    plans = [repr(plan(each.values[0])) for each in everything()]
    assert len(set(plans)) == len(plans)


# ---- what they change --------------------------------------------------------------------------


def test_healthy_network() -> None:
    assert HEALTHY.program_dns == HEALTHY.independent_dns
    assert dict(HEALTHY.program_dns.records) == dict.fromkeys((*NAMES, CONTROL_NAME), HERE)
    assert len(HEALTHY.ntp) == 3
    assert HEALTHY.tls_ports == "open"
    assert not HEALTHY.proxy.in_use


@pytest.mark.parametrize(
    ("argument", "touched"),
    [
        ("clock-ntp-unreachable", {"ntp"}),
        ("dns-resolver-down", {"program_dns"}),
        ("dns-name-not-found", {"program_dns", "independent_dns"}),
        ("dns-poisoned", {"program_dns"}),
        ("dns-slow", {"program_dns"}),
        ("tcp-refused", {"tls_ports"}),
        ("tcp-filtered", {"tls_ports"}),
        ("tcp-unreachable", {"program_dns", "independent_dns"}),
        ("tcp-ipv6-broken", {"program_dns", "independent_dns"}),
        ("tcp-port-8443-closed", {"ws_on_legacy_port"}),
        ("proxy-unreachable", {"proxy"}),
        ("proxy-scheme-wrong", {"proxy"}),
        ("tls-expired", {"tls"}),
        ("tls-not-tls", {"tls"}),
        ("clock-sources-disagree", {"ntp"}),
        ("dns-name-not-found-blocked", {"program_dns"}),
        ("dns-poisoned-partly", {"program_dns"}),
        ("dns-slow-ipv6", {"program_dns"}),
        ("tcp-refused-one-host", {"program_dns", "independent_dns"}),
        ("tcp-filtered-one-host", {"program_dns", "independent_dns", "side_ports"}),
        ("tcp-ipv6-broken=filtered", {"program_dns", "independent_dns", "ipv6_ports"}),
        ("http-timeout-handshake", {"tls"}),
        ("tls-intercepted-by-proxy", {"proxy"}),
        ("tls-incomplete-chain-unfetchable", {"tls", "aia_port"}),
    ],
)
def test_a_fault_touches_its_layer_only(argument: str, touched: set[str]) -> None:
    assert changed(plan(argument)) == touched


@pytest.mark.parametrize("argument", ["dns-name-not-found", "dns-poisoned", "tcp-unreachable", "tcp-ipv6-broken"])
def test_control_name_keeps_its_address(argument: str) -> None:
    one = plan(argument)
    assert one.program_dns.records[CONTROL_NAME] == one.independent_dns.records[CONTROL_NAME] == HERE


@pytest.mark.parametrize(("which", "gone", "stays"), [("ws", NAMES[1], NAMES[0]), ("rest", *NAMES)])
def test_one_host_alone_can_be_shut(which: str, gone: str, stays: str) -> None:
    for argument in (f"tcp-refused-one-host={which}", f"tcp-filtered-one-host={which}"):
        records = plan(argument).program_dns.records
        assert (records[gone], records[stays]) == ((SIDE_ADDRESS,), HERE)


@pytest.mark.parametrize("how", ["nxdomain", "nodata", "servfail", "refused"])
def test_a_block_list_is_one_resolvers_own(how: str) -> None:
    one = plan(f"dns-name-not-found-blocked={how}")
    assert one.program_dns.records[CONTROL_NAME] == HERE
    assert not one.program_dns.records.get(NAMES[0]) or one.program_dns.refusals[NAMES[0]] == how.upper()
    assert one.independent_dns.records[NAMES[0]] == HERE


def test_one_name_alone_can_be_gone() -> None:
    one = plan("dns-name-not-found=WS.okx.test")
    assert set(one.program_dns.records) == {"openapi.okx.test", CONTROL_NAME}
    assert one.program_dns == one.independent_dns


def test_poison_is_the_programs_resolver_alone() -> None:
    one = plan("dns-poisoned=10.10.34.35")
    assert {one.program_dns.records[name] for name in NAMES} == {("10.10.34.35",)}
    assert {one.independent_dns.records[name] for name in NAMES} == {HERE}


def test_broken_ipv6_comes_beside_ipv4() -> None:
    assert plan("tcp-ipv6-broken").program_dns.records[NAMES[0]] == ("::1", "127.0.0.1")


def test_certificate_dates() -> None:
    day = timedelta(days=1)
    expired, early, short = (plan(f"tls-{each}").tls for each in ("expired", "not-yet-valid", "expires-soon"))
    assert (expired.valid_from, expired.valid_until) == (-93 * day, -3 * day)
    assert (early.valid_from, early.valid_until) == (3 * day, 93 * day)
    assert (short.valid_from, short.valid_until) == (-87 * day, 3 * day)
    year = plan(Injected(fault=BY_NAME["tls-expires-soon"], value=365 * 86400.0)).tls
    assert (year.valid_from, year.valid_until) == (-day, 365 * day)


# ---- together ----------------------------------------------------------------------------------


def test_faults_compose() -> None:
    one = plan("dns-slow", "dns-poisoned", "tls-expired", "tls-weak=rsa1024", "proxy-auth-required", "proxy-forbidden")
    assert one.program_dns.delay_s == 0.8
    assert one.program_dns.records[NAMES[0]] == ("127.66.6.6",)
    assert (one.tls.key, one.tls.valid_until < timedelta(0)) == ("rsa1024", True)
    assert (one.proxy.in_use, one.proxy.demands_credentials, one.proxy.refusal) == (True, True, 403)


def test_gone_name_is_not_brought_back_by_another_fault() -> None:
    one = plan("dns-name-not-found", "dns-poisoned", "tcp-ipv6-broken", "tcp-unreachable")
    assert set(one.program_dns.records) == {CONTROL_NAME}


@pytest.mark.parametrize("other", ["tcp-ipv6-broken", "tcp-unreachable"])
def test_the_order_of_faults_makes_no_difference_to_poison(other: str) -> None:
    one = plan("dns-poisoned=10.10.34.35", other)
    assert one == plan(other, "dns-poisoned=10.10.34.35")
    assert one.program_dns.records[NAMES[0]] == ("10.10.34.35",)
    assert one.independent_dns == plan(other).independent_dns


@pytest.mark.parametrize(
    ("deeper", "handshake"), [("tcp-refused-behind", "refuse"), ("http-timeout-handshake", "mute")]
)
def test_where_nobody_answers_nobody_speaks_another_language(deeper: str, handshake: str) -> None:
    for other in ("tls-not-tls", "tls-handshake-reset", "tls-expired"):
        assert plan(deeper, other) == plan(other, deeper)
        assert plan(deeper, other).tls.handshake == handshake


def test_faults_of_other_layers_are_passed_over() -> None:
    other = Fault(name="key-frozen", example="key-frozen", layer="key", says="the key is frozen", cause="key.frozen")
    assert plan(Injected(fault=other)) == HEALTHY


def test_duration_has_to_be_a_number() -> None:
    with pytest.raises(ValueError, match="tls-expired"):
        plan("tls-expired=soon")


def test_unknown_choice_is_refused() -> None:
    with pytest.raises(ValueError, match="tls-weak"):
        plan("tls-weak=rot13")
