"""Root causes: the relation has no circles, and the deeper cause stands first with the others under it."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.model import Finding, Severity
from okxdoctor.runner.diagnose import diagnose, vocabulary

WORDS = vocabulary()
CODES = sorted(WORDS.words)


def f(code: str, subject: str = "", **more: object) -> Finding:
    return Finding(code=code, summary=f"{code} happened", evidence={"n": 1}, subject=subject, **more)  # type: ignore[arg-type]


def edges() -> dict[str, set[str]]:
    return {
        deep: {
            shallow
            for rule in WORDS.rules
            if deep in rule.cause
            for shallow in CODES
            if shallow != deep and any(fnmatchcase(shallow, glob) for glob in rule.of)
        }
        for deep in CODES
    }


def test_every_pattern_of_the_relation_names_a_cause_of_the_vocabulary() -> None:
    for rule in WORDS.rules:
        for code in rule.cause:
            assert code in WORDS.words, code
        for glob in rule.of:
            assert any(fnmatchcase(code, glob) for code in CODES), glob


def test_the_relation_has_no_circle() -> None:
    graph = edges()
    state: dict[str, int] = {}

    def visit(code: str, path: tuple[str, ...]) -> None:
        assert state.get(code) != 1, " -> ".join([*path, code])
        if state.get(code) == 2:
            return
        state[code] = 1
        for nxt in graph[code]:
            visit(nxt, (*path, code))
        state[code] = 2

    for code in CODES:
        visit(code, ())


def test_a_doubt_is_ended_by_what_it_explains() -> None:
    """Quotes around a passphrase may be meant; once it is refused they are the cause. They explain no wrong secret."""
    quotes = f("env.credential-malformed", severity=Severity.WARNING)
    (root,) = diagnose([quotes, f("key.passphrase-wrong", "rest")], WORDS)
    assert (root.code, root.severity, root.explains) == (
        "env.credential-malformed", Severity.ERROR, ("key.passphrase-wrong",),
    )  # fmt: skip
    roots = diagnose([quotes, f("key.secret-wrong", "rest")], WORDS)
    assert [root.code for root in roots] == ["key.secret-wrong", "env.credential-malformed"]
    (alone,) = diagnose([quotes], WORDS)
    assert alone.severity is Severity.WARNING


def test_the_deeper_cause_explains_the_shallower() -> None:
    (root,) = diagnose([f("timestamp.expired"), f("ws.login-refused"), f("clock.ahead")], WORDS)
    assert root.code == "clock.ahead"
    assert root.explains == ("timestamp.expired", "ws.login-refused")


def test_explanations_of_one_subject_do_not_reach_another() -> None:
    roots = diagnose([f("tls.expired", "rest"), f("ws.blocked", "ws")], WORDS)
    assert [r.code for r in roots] == ["tls.expired", "ws.blocked"]
    (root,) = diagnose([f("tls.expired", "ws"), f("ws.blocked", "ws")], WORDS)
    assert (root.code, root.explains) == ("tls.expired", ("ws.blocked",))


def test_a_websocket_of_the_other_environment_explains_nothing_that_rest_was_told() -> None:
    beside = [f("permission.missing", "rest"), f("instrument.unknown", "BTC-USDT")]
    roots = diagnose([f("key.wrong-environment", "ws"), f("ws.login-refused", "ws"), *beside], WORDS)
    assert {root.code: root.explains for root in roots} == {
        "key.wrong-environment": ("ws.login-refused",), "permission.missing": (), "instrument.unknown": (),
    }  # fmt: skip
    (root,) = diagnose([f("key.wrong-environment", "rest"), *beside], WORDS)
    assert root.explains == ("instrument.unknown", "permission.missing")


def test_a_permission_that_was_read_came_from_a_listed_address() -> None:
    roots = diagnose([f("ip.egress-unstable", "rest"), f("permission.missing", "rest")], WORDS)
    assert {root.code for root in roots} == {"ip.egress-unstable", "permission.missing"}


def test_a_finding_is_not_explained_by_what_its_evidence_rules_out() -> None:
    by_trusted_time = f("tls.expired", "rest", excluded=("clock.ahead",))
    roots = diagnose([f("clock.ahead"), by_trusted_time, f("timestamp.expired")], WORDS)
    assert [(r.code, r.explains) for r in roots] == [("clock.ahead", ("timestamp.expired",)), ("tls.expired", ())]
    (root,) = diagnose([f("clock.ahead"), f("tls.expired", "rest")], WORDS)
    assert (root.code, root.explains) == ("clock.ahead", ("tls.expired",))


def test_what_is_ruled_out_for_one_subject_is_not_for_another() -> None:
    shared = f("ratelimit.shared", "/api/v5/account/balance", excluded=("ratelimit.exceeded",))
    (root,) = diagnose([f("ratelimit.exceeded", "/api/v5/market/ticker"), shared], WORDS)
    assert root.explains == ("ratelimit.shared",)


def test_an_instrument_that_no_site_lists_is_not_unknown_because_of_the_site() -> None:
    site = Finding(code="region.wrong-rest-host", summary="-", evidence={"n": 1}, subject="rest")
    typo = Finding(code="instrument.unknown", summary="-", evidence={"n": 1}, subject="BTC-USDT-PERP")
    assert [root.code for root in diagnose([site, typo], vocabulary())] == ["region.wrong-rest-host"]
    nowhere = replace(typo, excluded=("region.wrong-rest-host", "key.wrong-environment"))
    roots = diagnose([site, nowhere], vocabulary())
    assert {root.code for root in roots} == {"region.wrong-rest-host", "instrument.unknown"}


def test_a_field_of_another_answer_breaks_no_book() -> None:
    """The ticker of REST has a number: the book of the WebSocket has its gap for another reason."""
    gap = f("ws.sequence-gap", "BTC-USDT")
    for subject, explained in (("rest", False), ("ws", False), ("rest books", False), ("ws books", True)):
        roots = diagnose([f("schema.type-changed", subject), gap], WORDS)
        assert (len(roots) == 1) == explained, subject
    assert len(diagnose([f("schema.type-changed", "rest books"), f("ws.book-corrupt", "BTC-USDT")], WORDS)) == 1


def test_a_login_that_was_answered_is_not_refused_for_want_of_a_pong() -> None:
    silent = f("ws.no-pong", "ws")
    assert len(diagnose([silent, f("ws.login-refused", "ws", excluded=("ws.no-pong",))], WORDS)) == 2
    assert len(diagnose([silent, f("ws.login-refused", "ws")], WORDS)) == 1


def test_a_warning_that_explains_an_error_is_one() -> None:
    (root,) = diagnose([f("ip.private-listed"), f("ip.not-whitelisted", "rest")], WORDS)
    assert (root.code, root.severity) == ("ip.private-listed", Severity.ERROR)
    (root,) = diagnose([f("ip.private-listed")], WORDS)
    assert root.severity is Severity.WARNING


def test_the_same_cause_at_two_hosts_is_one_diagnosis() -> None:
    (root,) = diagnose([f("tls.expired", "rest"), f("tls.expired", "ws")], WORDS)
    assert root.evidence["subjects"] == ["rest", "ws"]
    assert root.explains == ()


def test_one_subject_is_named_once_whatever_the_number_of_findings() -> None:
    (root,) = diagnose([f("ws.silent", "ws"), f("ws.silent", "ws")], WORDS)
    assert root.evidence["subject"] == "ws"
    assert {"subjects", "also"}.isdisjoint(root.evidence)


def test_errors_stand_before_warnings_and_infos_stay_out() -> None:
    roots = diagnose([f("ip.unbound"), f("clock.ntp-unreachable"), f("instrument.unknown", "X")], WORDS)
    assert [r.code for r in roots] == ["instrument.unknown", "ip.unbound"]
    raised = diagnose([f("clock.ntp-unreachable", severity=Severity.WARNING)], WORDS)
    assert [r.severity for r in raised] == [Severity.WARNING]


@given(st.lists(st.builds(f, st.sampled_from(CODES), st.sampled_from(["", "rest", "ws"])), max_size=12))
def test_nothing_grave_is_ever_lost(findings: list[Finding]) -> None:
    roots = diagnose(findings, WORDS)
    grave = {x.code for x in findings if WORDS.severity(x) is not Severity.INFO}
    shown = {r.code for r in roots} | {code for r in roots for code in r.explains}
    assert shown == grave
    assert len({r.code for r in roots}) == len(roots)
    worst = min((WORDS.severity(x) for x in findings), key=lambda s: s.rank, default=Severity.INFO)
    assert worst is Severity.INFO or roots[0].severity is worst
    assert roots == diagnose(list(findings), WORDS)
