"""The TCP check: what the attempts say, with the control addresses as witness."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from fakeio import FakeIo, codes, judged, run, view
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.check import Inconclusive, Skip
from okxdoctor.model import Confidence, Finding, Severity
from okxdoctor.port import Dial, Endpoint, NtpAnswer, Route
from okxdoctor_checks.tcp import CHECK, Door, Facts

V4, V6 = "104.18.43.174", "2606:4700::6812:2bae"
ERRNO = {"refused": "ECONNREFUSED", "unreachable": "ENETUNREACH", "reset": "ECONNRESET", "error": "EPERM"}


def dial(outcome: Any, address: str = V4, *, port: int = 443, errno: str | None = None) -> Dial:
    return Dial(
        address=address,
        port=port,
        family="v6" if ":" in address else "v4",
        outcome=outcome,
        elapsed_ms=5000.0 if outcome == "timeout" else 20.0,
        errno=ERRNO.get(outcome, "") if errno is None else errno,
    )


CONTROL = (dial("connected", "1.1.1.1"), dial("timeout", "8.8.8.8"))
SILENT = (dial("timeout", "1.1.1.1"), dial("timeout", "8.8.8.8"))


def door(*dials: Dial, role: Any = "rest", port: int = 443, elsewhere: tuple[Dial, ...] = ()) -> Door:
    return Door(
        role=role, host="ws.okx.com" if role == "ws" else "openapi.okx.com", port=port, dials=dials, elsewhere=elsewhere
    )


OPEN_WS = door(dial("connected"), role="ws")
WS_ELSEWHERE = door(dial("connected", "104.18.9.9"), role="ws")


def facts(*doors: Door, control: tuple[Dial, ...] = ()) -> Facts:
    return Facts(doors=doors, control=control, legacy_port=8443)


def only(found: tuple[Finding, ...]) -> Finding:
    assert len(found) == 1, found
    return found[0]


def test_healthy() -> None:
    assert judged(CHECK, facts(door(dial("connected"), dial("connected", V6)), OPEN_WS)) == ()


@pytest.mark.parametrize(("outcome", "code"), [("refused", "tcp.refused"), ("timeout", "tcp.filtered")])
def test_one_dead_address_of_several_is_a_warning_of_its_own(outcome: Any, code: str) -> None:
    found = only(judged(CHECK, facts(door(dial(outcome, "104.18.43.1"), dial("connected")), OPEN_WS)))
    assert (found.code, found.severity) == (code, Severity.WARNING)
    assert "1 of 2 addresses" in found.summary
    # What is wrong at the living address (a certificate, say) is not explained by the dead one.
    assert found.subject not in ("", "rest", "ws")


@pytest.mark.parametrize("outcome", ["unreachable", "error"])
def test_an_address_that_this_machine_cannot_try_says_nothing(outcome: Any) -> None:
    assert judged(CHECK, facts(door(dial(outcome, "104.18.43.1"), dial("connected")), OPEN_WS)) == ()


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        ("refused", "tcp.refused"),
        ("reset", "tcp.refused"),
        ("timeout", "tcp.filtered"),
        ("unreachable", "tcp.unreachable"),
    ],
)
def test_every_address_the_same(outcome: Any, expected: str) -> None:
    found = only(judged(CHECK, facts(door(dial(outcome), dial(outcome, "104.18.9.9")), OPEN_WS, control=CONTROL)))
    assert (found.code, found.subject, found.confidence) == (expected, "rest", Confidence.CERTAIN)
    assert V4 in found.summary
    assert "openapi.okx.com" in found.summary


def test_both_roles_shut_are_two_findings() -> None:
    shut = facts(door(dial("refused")), door(dial("refused"), role="ws"), control=CONTROL)
    found = judged(CHECK, shut)
    assert codes(found) == ["tcp.refused"] * 2
    assert [f.subject for f in found] == ["rest", "ws"]


def test_mixed_outcomes_are_less_certain() -> None:
    mixed = facts(door(dial("refused"), dial("refused", "104.18.9.9"), dial("timeout", "104.18.8.8")), control=CONTROL)
    found = only(judged(CHECK, mixed))
    assert (found.code, found.confidence) == ("tcp.refused", Confidence.LIKELY)


def test_silence_without_a_living_witness_decides_nothing() -> None:
    assert judged(CHECK, facts(door(dial("timeout")), control=SILENT)) == ()


def test_the_other_role_is_a_witness() -> None:
    assert codes(judged(CHECK, facts(door(dial("timeout")), OPEN_WS, control=SILENT))) == ["tcp.filtered"]


def test_silence_without_control_addresses_is_likely_a_filter() -> None:
    assert only(judged(CHECK, facts(door(dial("timeout"))))).confidence is Confidence.LIKELY


def test_a_refusal_beside_an_attempt_that_stood_is_a_limit() -> None:
    """REST and WebSocket at one address, and a firewall that rejects the fourth connection at the same time."""
    found = only(judged(CHECK, facts(door(dial("refused")), OPEN_WS, control=CONTROL)))
    assert (found.code, found.confidence, found.excluded) == ("tcp.refused", Confidence.LIKELY, ())
    assert "at the same time" in found.summary
    elsewhere = facts(door(dial("refused")), WS_ELSEWHERE, control=CONTROL)
    assert only(judged(CHECK, elsewhere)).confidence is Confidence.CERTAIN


def test_local_refusal_by_the_operating_system_is_only_possible() -> None:
    found = only(judged(CHECK, facts(door(dial("error")), control=CONTROL)))
    assert (found.code, found.confidence) == ("tcp.unreachable", Confidence.POSSIBLE)
    assert found.evidence["addresses"] == {V4: "EPERM"}


# ---- IPv6 ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("six", "expected"),
    [
        (dial("connected", V6), []),
        (dial("refused", V6), ["tcp.ipv6-broken"]),
        (dial("timeout", V6), ["tcp.ipv6-broken"]),
        (dial("unreachable", V6, errno="EHOSTUNREACH"), ["tcp.ipv6-broken"]),
        (dial("unreachable", V6, errno="ENETUNREACH"), []),
        (dial("error", V6, errno="EADDRNOTAVAIL"), []),
        (dial("error", V6, errno="EAFNOSUPPORT"), []),
    ],
)
def test_ipv6(six: Dial, expected: list[str]) -> None:
    assert codes(judged(CHECK, facts(door(dial("connected"), six), OPEN_WS))) == expected


def test_one_living_ipv6_address_is_enough() -> None:
    six = (dial("timeout", V6), dial("connected", "2606:4700::1"))
    assert judged(CHECK, facts(door(dial("connected"), *six), OPEN_WS)) == ()


@pytest.mark.parametrize(("addresses", "expected"), [("global", []), ("any", ["tcp.ipv6-broken"])])
def test_an_ipv6_address_that_is_nobody_s_says_nothing_of_ipv6(addresses: Any, expected: list[str]) -> None:
    """A resolver that answers AAAA with this machine's own address: the answer is wrong, the protocol works."""
    seen = replace(facts(door(dial("connected"), dial("refused", "::1")), OPEN_WS), addresses=addresses)
    assert codes(judged(CHECK, seen)) == expected


def test_broken_ipv4_is_no_ipv6_finding() -> None:
    assert judged(CHECK, facts(door(dial("timeout"), dial("connected", V6)), OPEN_WS)) == ()


def test_a_machine_without_ipv6_is_judged_by_ipv4() -> None:
    found = only(judged(CHECK, facts(door(dial("refused"), dial("unreachable", V6)), control=CONTROL)))
    assert (found.code, found.confidence) == ("tcp.refused", Confidence.CERTAIN)


# ---- the old port ----------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["refused", "timeout"])
def test_closed_old_port_is_a_note(outcome: Any) -> None:
    ws = door(dial("connected"), role="ws", elsewhere=(dial(outcome, port=8443),))
    found = only(judged(CHECK, facts(door(dial("connected")), ws)))
    assert found.code == "tcp.port-8443-closed"
    assert found.severity is None  # the vocabulary says info


def test_open_old_port_is_nothing() -> None:
    ws = door(dial("connected"), role="ws", elsewhere=(dial("connected", port=8443),))
    assert judged(CHECK, facts(door(dial("connected")), ws)) == ()


@pytest.mark.parametrize("outcome", ["refused", "timeout"])
def test_configured_old_port_is_an_error(outcome: Any) -> None:
    ws = door(dial(outcome, port=8443), role="ws", port=8443, elsewhere=(dial("connected", port=443),))
    found = only(judged(CHECK, facts(door(dial("connected")), ws)))
    assert (found.code, found.severity, found.subject) == ("tcp.port-8443-closed", Severity.ERROR, "ws")
    assert ":8443" in found.remedy[0]


def test_configured_old_port_that_still_answers_is_nothing() -> None:
    ws = door(dial("connected", port=8443), role="ws", port=8443, elsewhere=(dial("connected", port=443),))
    assert judged(CHECK, facts(door(dial("connected")), ws)) == ()


def test_old_port_on_a_host_that_is_shut_altogether() -> None:
    ws = door(dial("refused", port=8443), role="ws", port=8443, elsewhere=(dial("refused", port=443),))
    assert codes(judged(CHECK, facts(door(dial("connected")), ws, control=CONTROL))) == ["tcp.refused"]


wild_dials = st.lists(
    st.builds(Dial, port=st.sampled_from([443, 8443]), errno=st.sampled_from(["", "ENETUNREACH", "x"])), max_size=4
).map(tuple)
wild_doors = st.builds(Door, port=st.sampled_from([443, 8443]), dials=wild_dials, elsewhere=wild_dials)


@given(
    st.builds(
        Facts,
        doors=st.lists(wild_doors, max_size=3).map(tuple),
        control=wild_dials,
        legacy_port=st.sampled_from([0, 8443]),
    )
)
def test_evaluate_is_total(any_facts: Facts) -> None:
    for found in CHECK.evaluate(any_facts):
        assert found.code in CHECK.causes
        assert found.evidence


# ---- the probe -------------------------------------------------------------------------------

OLD_WS = Endpoint(
    role="ws", url="wss://ws.okx.com:8443/ws/v5", scheme="wss", host="ws.okx.com", port=8443, base="/ws/v5", tls=True
)
PROXY = Route(url="http://p:1", scheme="http", host="p", port=1, source="flag", has_credentials=False)


def test_probe_of_a_healthy_world_leaves_the_control_alone() -> None:
    io = FakeIo(
        dials={"rest": (dial("connected"),), "ws": (dial("connected"),), "ws:8443": (dial("connected", port=8443),)}
    )
    found, findings = run(CHECK, io)
    assert findings == ()
    assert found.control == ()


def test_probe_asks_the_control_when_a_door_is_shut() -> None:
    io = FakeIo(dials={"rest": (dial("timeout"),), "ws": (dial("timeout"),), "ws:8443": ()}, control_dials=CONTROL)
    assert codes(run(CHECK, io)[1]) == ["tcp.filtered"] * 2


def test_probe_finds_the_usual_port_beside_the_old_one() -> None:
    io = FakeIo(
        view=view(ws=OLD_WS),
        dials={
            "rest": (dial("connected"),),
            "ws": (dial("refused", port=8443),),
            "ws:443": (dial("connected"),),
        },
        control_dials=CONTROL,
    )
    assert codes(run(CHECK, io)[1]) == ["tcp.port-8443-closed"]


def test_probe_without_any_network_is_inconclusive() -> None:
    io = FakeIo(dials={"rest": (dial("timeout"),), "ws": (dial("timeout"),), "ws:8443": ()}, control_dials=SILENT)
    with pytest.raises(Inconclusive, match="no network"):
        _probe(io)


def test_probe_takes_time_servers_for_a_network_where_no_connection_leaves_it() -> None:
    answer = NtpAnswer(server="time.cloudflare.com:123", address="162.159.200.1", outcome="ok", stratum=3)
    shut = {"rest": (dial("timeout"),), "ws": (dial("timeout"),), "ws:8443": ()}
    found, findings = run(CHECK, FakeIo(dials=shut, control_dials=SILENT, ntp_answers=(answer,)))
    assert found.passes == ("time.cloudflare.com:123",)
    assert codes(findings) == ["tcp.filtered"] * 2
    assert findings[0].confidence is Confidence.LIKELY
    near = replace(answer, address="192.168.1.1")
    with pytest.raises(Inconclusive, match="no network"):
        _probe(FakeIo(dials=shut, control_dials=SILENT, ntp_answers=(near, replace(answer, outcome="timeout"))))


def test_probe_without_descriptors_says_so() -> None:
    spent = (dial("error", errno="EMFILE"),)
    with pytest.raises(Inconclusive, match="ulimit -n"):
        _probe(FakeIo(dials={"rest": spent, "ws": spent, "ws:8443": ()}, control_dials=spent))
    assert judged(CHECK, facts(door(dial("connected")), door(*spent, role="ws"))) == ()


def test_no_port_left_on_this_machine_is_said_as_that() -> None:
    found = only(judged(CHECK, facts(door(dial("error", errno="EADDRNOTAVAIL")), OPEN_WS)))
    assert (found.code, found.confidence) == ("tcp.unreachable", Confidence.POSSIBLE)
    assert "no port or address left" in found.summary


def test_an_attempt_that_is_lost_while_another_one_to_the_same_place_stands() -> None:
    found = only(judged(CHECK, facts(door(dial("timeout")), OPEN_WS, control=CONTROL)))
    assert (found.code, found.severity, found.confidence) == ("tcp.filtered", Severity.WARNING, Confidence.LIKELY)
    assert "lost on the way" in found.summary
    elsewhere = door(dial("connected", "104.18.43.9"), role="ws")
    assert only(judged(CHECK, facts(door(dial("timeout")), elsewhere, control=CONTROL))).severity is None


@pytest.mark.parametrize(
    ("outcome", "code"), [("timeout", "tcp.filtered"), ("unreachable", "tcp.unreachable"), ("refused", "tcp.refused")]
)
@pytest.mark.parametrize("wrong", ["127.0.0.1", "10.0.0.1", "::1"])
def test_an_address_that_is_not_the_exchange_s_does_not_outvote_one_that_is(
    outcome: Any, code: str, wrong: str
) -> None:
    two = door(dial("refused", wrong), dial(outcome))
    found = only(judged(CHECK, replace(facts(two, control=CONTROL), addresses="global")))
    assert (found.code, found.confidence) == (code, Confidence.CERTAIN)
    assert wrong not in found.summary


def test_the_control_of_the_same_family_is_the_witness() -> None:
    four, six = dial("connected", "1.1.1.1"), dial("connected", "2606:4700:4700::1111")
    no_six = replace(six, outcome="unreachable", errno="ENETUNREACH")
    silent_four, silent_six = replace(four, outcome="timeout"), replace(six, outcome="timeout")

    def named(address: str, *control: Dial) -> list[str]:
        return codes(judged(CHECK, facts(door(dial("timeout", address)), control=control)))

    assert named(V4, four, no_six) == ["tcp.filtered"]
    assert named(V6, silent_four, six) == ["tcp.filtered"]
    assert named(V4, silent_four, six) == []  # all of IPv4 is silent: no wall before the exchange alone
    assert named(V6, four, silent_six) == []


def test_probe_looks_at_the_control_while_a_door_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both waits together, not one after the other: a probe has room for little more than one."""
    monkeypatch.setattr("okxdoctor_checks.tcp.limit", lambda name: 0.01)
    begun: list[str] = []

    class Silent(FakeIo):
        async def dial(self, role: Any, *, port: int | None = None) -> tuple[Dial, ...]:
            while not begun:
                await asyncio.sleep(0)
            return (dial("timeout"),)

        async def dial_control(self) -> tuple[Dial, ...]:
            begun.append("control")
            return CONTROL

    assert codes(run(CHECK, Silent())[1]) == ["tcp.filtered"] * 2


def test_probe_without_addresses_points_to_dns() -> None:
    with pytest.raises(Skip, match="see dns") as caught:
        _probe(FakeIo(dials={"rest": (), "ws": (), "ws:8443": ()}))
    assert caught.value.layer == "dns"


def test_probe_leaves_proxied_roles_alone() -> None:
    with pytest.raises(Skip, match="see proxy"):
        _probe(FakeIo(view=view(rest_route=PROXY, ws_route=PROXY)))
    half, _ = run(CHECK, FakeIo(view=view(ws_route=PROXY), dials={"rest": (dial("connected"),)}))
    assert [d.role for d in half.doors] == ["rest"]


def test_probe_waits_for_no_side_port() -> None:
    class Slow(FakeIo):
        async def dial(self, role: Any, *, port: int | None = None) -> tuple[Dial, ...]:
            if port is not None:
                await asyncio.sleep(30)
            return (dial("connected"),)

    found, _ = run(CHECK, Slow())
    assert found.doors[1].elsewhere == ()


def _probe(io: FakeIo) -> Any:
    async def once() -> Any:
        return await CHECK.probe(io)

    return asyncio.run(once())


def test_what_kind_of_silence_it_is_stands_in_the_summary() -> None:
    refused = only(judged(CHECK, facts(door(dial("refused", "104.18.43.1"), dial("connected")), OPEN_WS)))
    silent = only(judged(CHECK, facts(door(dial("timeout", "104.18.43.1"), dial("connected")), OPEN_WS)))
    assert "refuse connections" in refused.summary
    assert "do not answer" in silent.summary


def test_only_what_is_certain_rules_the_others_out() -> None:
    sure = only(judged(CHECK, facts(door(dial("refused")), WS_ELSEWHERE, control=CONTROL)))
    assert (sure.confidence, sure.excluded) == (Confidence.CERTAIN, ("tcp.filtered", "tcp.unreachable"))
    weak = [found for found in judged(CHECK, facts(door(dial("timeout")), OPEN_WS, control=SILENT))
            if found.confidence is not Confidence.CERTAIN]  # fmt: skip
    assert [found.excluded for found in weak] in ([], [()])


def test_a_machine_without_ipv6_is_judged_by_ipv4_and_by_what_there_is() -> None:
    missing = dial("unreachable", V6)
    refused = only(judged(CHECK, facts(door(dial("refused"), missing), WS_ELSEWHERE, control=CONTROL)))
    assert (refused.code, refused.confidence) == ("tcp.refused", Confidence.CERTAIN)
    assert V6 not in refused.summary
    # Where nothing else was tried, that is all there is to say.
    alone = only(judged(CHECK, facts(door(missing), OPEN_WS, control=CONTROL)))
    assert (alone.code, V6 in alone.summary) == ("tcp.unreachable", True)


def test_time_servers_that_answer_are_told_where_connections_stay_unanswered() -> None:
    shut = facts(door(dial("timeout")), door(dial("timeout"), role="ws"), control=SILENT)
    told = [found.summary for found in judged(CHECK, replace(shut, passes=("time.cloudflare.com:123",)))]
    assert told
    assert all("while time servers answer (time.cloudflare.com:123)" in text for text in told)
    assert not [found for found in judged(CHECK, shut) if "time servers" in found.summary]
    closed = facts(door(dial("refused")), OPEN_WS, control=CONTROL)
    (refused,) = judged(CHECK, replace(closed, passes=("time.cloudflare.com:123",)))
    assert "time servers" not in refused.summary
