"""Where requests leave: nothing is asked unless one was refused for its address; then each family is forced."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fakeio import FakeIo, Scripted, Talk, codes, judged, ok, refusal, run, view
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.check import Skip
from okxdoctor.facts import Ask, LedgerRow
from okxdoctor.port import TimeBasis
from okxdoctor_checks.egress import CHECK, Facts, Passage

CONFIG, BALANCE = "GET /api/v5/account/config", "GET /api/v5/account/balance"


def row(code: str) -> LedgerRow:
    return LedgerRow(at_mono_ns=0, method="GET", path="/api/v5/account/config", scope="", status=200, code=code)


def refused(address: str) -> Scripted:
    return refusal("50110", f"Your IP {address} is not included in your API key's *** IP whitelist.")


REFUSED = '{"event":"error","code":"60009","msg":"Login failed."}'


def world(rows: list[str], config: Any = None, balance: Any = None, login: str = REFUSED) -> FakeIo:
    return FakeIo(
        http_script={CONFIG: config or ok([{}]), BALANCE: balance or ok([{}])},
        ledger_rows=tuple(row(code) for code in rows),
        sockets={"private": Talk(login=[login])},
    )


def by_family(v4: Scripted, v6: Scripted) -> Any:
    return lambda ask: v4 if ask.family == "v4" else v6


def test_without_a_refusal_nothing_is_asked() -> None:
    io = world(["0", "0", "50113"])
    assert codes(run(CHECK, io)[1]) == []
    assert io.asks == []
    with pytest.raises(Skip):
        asyncio.run(CHECK.probe(FakeIo(view=view(credentials=False))))


def test_five_reads_over_fresh_connections_and_no_budget_by_half() -> None:
    io = world(["50110"], refused("203.0.113.7"), refused("203.0.113.7"))
    assert codes(run(CHECK, io)[1]) == [], "one address, refused each time, is the key's business"
    assert [(ask.family, ask.fresh, ask.method) for ask in io.asks] == [
        ("v4", True, "GET"), ("v6", True, "GET"), *[("any", True, "GET")] * 3,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("v4", "v6", "fresh", "family"),
    [
        (ok([{}]), refused("2001:db8::9"), refused("2001:db8::9"), "v6"),
        (refused("203.0.113.7"), ok([{}]), refused("203.0.113.7"), "v4"),
        (ok([{}]), refused("2001:db8::9"), [refused("2001:db8::9"), ok([{}])], "v6"),
    ],
)
def test_one_family_is_listed_and_the_other_is_not(v4: Any, v6: Any, fresh: Any, family: str) -> None:
    _, (found,) = run(CHECK, world(["50110"], by_family(v4, v6), fresh))
    assert found.code == "ip.family-mismatch"
    assert found.evidence["refused_family"] == family
    assert "ip.not-whitelisted" in found.excluded
    assert ("/64" in found.remedy[0]) == (family == "v6")


@pytest.mark.parametrize(
    ("before", "config", "balance"),
    [
        (["0", "50110"], refused("203.0.113.7"), refused("203.0.113.7")),
        (["50110"], refused("203.0.113.7"), [refused("203.0.113.7"), ok([{}])]),
        (["50110"], refused("203.0.113.7"), [refused("203.0.113.8"), refused("203.0.113.9")]),
        (["0", "50110"], ok([{}]), ok([{}])),
    ],
)
def test_more_than_one_address(before: list[str], config: Any, balance: Any) -> None:
    _, (found,) = run(CHECK, world(before, config, balance))
    assert found.code == "ip.egress-unstable"
    assert found.evidence["requests_refused"] == 1


def test_what_lies_behind_the_address_is_told_beside_it() -> None:
    io = world(["50110"], by_family(refusal("50105", "incorrect"), refused("2001:db8::9")), refused("2001:db8::9"))
    assert codes(run(CHECK, io)[1]) == ["ip.family-mismatch", "key.passphrase-wrong"]


def test_a_key_that_may_not_read_has_come_from_a_listed_address() -> None:
    io = world(["50110"], by_family(refusal("50120", "permission"), refused("2001:db8::9")), refused("2001:db8::9"))
    assert codes(run(CHECK, io)[1]) == ["ip.family-mismatch", "permission.missing"]


def test_with_a_wrong_clock_the_families_are_tried_at_the_right_time() -> None:
    """Else each attempt would be refused for its time, and the address would not be looked at."""

    def by_time(ask: Ask) -> Scripted:
        if abs(ask.shift_s + 87.0) > 30:
            return refusal("50102")
        return ok([{}]) if ask.family == "v4" else refused("2001:db8::9")

    io = world(["50102", "50110"], by_time, by_time)
    io.records = (TimeBasis(low_s=-87.1, high_s=-87.0, source="server time"),)
    assert codes(run(CHECK, io)[1]) == ["ip.family-mismatch"]


def test_in_the_other_environment_the_families_are_tried_in_the_keys_own() -> None:
    def of_a_demo_key(ask: Ask) -> Scripted:
        if not ask.simulated:
            return refusal("50101")
        return ok([{}]) if ask.family == "v4" else refused("2001:db8::9")

    io = world(["50101", "50110"], of_a_demo_key, of_a_demo_key)
    assert codes(run(CHECK, io)[1]) == ["ip.family-mismatch"]


def test_rest_and_websocket_leave_by_different_ways() -> None:
    io = world(["50110"], refused("203.0.113.7"), refused("203.0.113.7"), '{"event":"login","code":"0"}')
    _, (found,) = run(CHECK, io)
    assert found.code == "ip.egress-unstable"
    assert found.evidence["websocket_login"] == "accepted"
    assert "203.0.113.7" in found.summary
    assert io.opened[0].closed


@given(facts=st.from_type(Facts))
def test_any_facts_are_judged(facts: Facts) -> None:
    judged(CHECK, facts)


def test_the_key_never_stands_in_the_facts() -> None:
    io = world(["50110"], refused("203.0.113.7"), lambda ask: refused("no address at all"))
    facts, _ = run(CHECK, io)
    assert Passage(family="any", outcome="refused") in facts.passages
    assert all(isinstance(ask, Ask) for ask in io.asks)


def test_in_the_keys_own_environment_the_header_stays_as_it_is() -> None:
    io = world(["50110"], refused("203.0.113.7"), refused("203.0.113.7"))
    run(CHECK, io)
    assert {ask.simulated for ask in io.asks} == {None}


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        ('{"event":"login","code":"0"}', "accepted"),
        (REFUSED, "refused"),
        ('{"event":"notice","code":"64008","msg":"service upgrade"}', "unknown"),
    ],
)
def test_what_a_login_met(frame: str, told: str) -> None:
    facts, _ = run(CHECK, world(["50110"], refused("203.0.113.7"), refused("203.0.113.7"), login=frame))
    assert facts.websocket == told


@pytest.mark.parametrize(("family", "other", "number"), [("v6", "v4", 6), ("v4", "v6", 4)])
def test_the_advice_is_for_the_family_that_is_refused(family: Any, other: Any, number: int) -> None:
    address = "2001:db8::9" if family == "v6" else "203.0.113.7"
    passages = (
        Passage(family=family, outcome="refused", address=address), Passage(family=other, outcome="accepted"),
        *[Passage(family="any", outcome="refused", address=address)] * 3,
    )  # fmt: skip
    (found,) = judged(CHECK, Facts(host="openapi.okx.com", refused=1, passages=passages))
    assert f"curl -{number}s" in found.remedy[-1]
    assert ("AF_INET)" in found.remedy[1]) == (family == "v6"), "aiohttp is told to use IPv4 alone"
    assert ("'0.0.0.0'" in found.remedy[1]) == (family == "v6")
