"""Root causes: the relation has no circles, and the deeper cause stands first with the others under it."""

from __future__ import annotations

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


def test_the_deeper_cause_explains_the_shallower() -> None:
    (root,) = diagnose([f("timestamp.expired"), f("ws.login-refused"), f("clock.ahead")], WORDS)
    assert root.code == "clock.ahead"
    assert root.explains == ("timestamp.expired", "ws.login-refused")


def test_explanations_of_one_subject_do_not_reach_another() -> None:
    roots = diagnose([f("tls.expired", "rest"), f("ws.blocked", "ws")], WORDS)
    assert [r.code for r in roots] == ["tls.expired", "ws.blocked"]
    (root,) = diagnose([f("tls.expired", "ws"), f("ws.blocked", "ws")], WORDS)
    assert (root.code, root.explains) == ("tls.expired", ("ws.blocked",))


def test_the_same_cause_at_two_hosts_is_one_diagnosis() -> None:
    (root,) = diagnose([f("tls.expired", "rest"), f("tls.expired", "ws")], WORDS)
    assert root.evidence["subjects"] == ["rest", "ws"]
    assert root.explains == ()


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
    assert roots == diagnose(list(findings), WORDS)
