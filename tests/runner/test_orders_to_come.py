"""What stands in the way now comes before what is wrong with orders that are to come."""

from __future__ import annotations

from okxdoctor.model import Finding
from okxdoctor.runner.diagnose import diagnose, vocabulary


def finding(code: str, subject: str = "") -> Finding:
    return Finding(code=code, summary=code, evidence={"n": 1}, subject=subject)


def test_a_refused_key_comes_before_an_order_that_explains_two_readings_of_its_size() -> None:
    found = [
        finding("order.unit-confusion", "o:1"), finding("precision.size-below-minimum", "o:1"),
        finding("precision.size-off-lot", "o:1"), finding("key.frozen"),
    ]  # fmt: skip
    assert [(root.code, len(root.explains)) for root in diagnose(found, vocabulary())] == [
        ("key.frozen", 0), ("order.unit-confusion", 2),
    ]  # fmt: skip


def test_an_order_that_is_refused_comes_before_a_warning_of_the_present() -> None:
    roots = diagnose([finding("dns.slow"), finding("precision.size-off-lot", "o:1")], vocabulary())
    assert [root.code for root in roots] == ["precision.size-off-lot", "dns.slow"]


def test_money_that_only_an_order_to_come_lacks_is_to_come_as_well() -> None:
    """The transfer explains the order, and is no reason for anything that is wrong now."""
    found = [
        finding("account.funds-elsewhere"), finding("order.insufficient-funds", "o:1"), finding("tcp.refused", "ws"),
    ]  # fmt: skip
    roots = diagnose(found, vocabulary())
    assert [(root.code, root.severity.value) for root in roots] == [
        ("tcp.refused", "error"), ("account.funds-elsewhere", "error"),
    ]  # fmt: skip


def test_a_key_that_was_not_meant_comes_before_what_is_said_of_it() -> None:
    found = [finding("env.config-mangled"), finding("ip.egress-unstable"), finding("ip.not-whitelisted")]
    assert [(root.code, root.explains) for root in diagnose(found, vocabulary())] == [
        ("env.config-mangled", ()), ("ip.egress-unstable", ("ip.not-whitelisted",)),
    ]  # fmt: skip


def test_an_edge_that_stops_some_requests_explains_nothing_that_others_were_told() -> None:
    """Instruments were read, and the WebSocket's book has a gap: the exchange's own words."""
    found = [
        finding("http.edge-blocked", "rest"), finding("instrument.unknown", "X-USDT"), finding("ws.sequence-gap", "X"),
        finding("key.secret-wrong", "ws"), finding("key.unknown", "rest"), finding("ws.blocked", "ws"),
    ]  # fmt: skip
    roots = {root.code: root.explains for root in diagnose(found, vocabulary())}
    assert roots["http.edge-blocked"] == ("key.unknown", "ws.blocked")
    assert set(roots) == {"http.edge-blocked", "instrument.unknown", "key.secret-wrong", "ws.sequence-gap"}
