"""The campaign judges rightly, repeats itself, and a small one over sockets goes well."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

MODULES = ("habits", "together", "worlds", "sight", "expectations", "matrix", "trial", "campaign")
SEED = 21
# Written out, not drawn: a fault that joins the catalogue changes what is drawn.
SLICE: list[tuple[tuple[str, ...], dict[str, object]]] = [
    (("dns-poisoned=127.9.8.7", "tls-hostname-mismatch"), {}),
    (("tls-expired=2d", "clock-behind=77s"), {"round_trip_s": 0.03}),
    (("http-goaway=2",), {"round_trip_s": 0.05, "jitter_s": 0.01}),
    (("tls-not-tls=ssh",), {"vantage": "outside", "proxy": True}),
    (("ip-private-listed=10.1.2.3", "instrument-not-live=preopen"), {"vantage": "outside"}),
    (("proxy-forbidden=451", "key-secret-wrong"), {}),
]


@pytest.fixture(scope="module")
def parts() -> Iterator[SimpleNamespace]:
    """The campaign's own modules, which are a program's and no package."""
    folder = str(Path(__file__).parent)
    sys.path.insert(0, folder)
    try:
        yield SimpleNamespace(**{name: __import__(name) for name in MODULES})
    finally:
        sys.path.remove(folder)
        for name in MODULES:
            sys.modules.pop(name, None)


def world(parts: SimpleNamespace, *faults: str) -> Any:
    """A world in which these faults are on, by their texts."""
    known = parts.worlds.catalogue()
    wrong = tuple(parts.worlds.Wrong(text=text, cause=known[text.partition("=")[0]].cause) for text in faults)
    kind = ("healthy", "single", "pair", "triple")[len(wrong)]
    return parts.worlds.World(kind=kind, campaign=0, index=0, exchange_seed=0, vantage="sim", wrong=wrong)


@pytest.mark.parametrize(
    ("faults", "roots", "judgement"),
    [
        ((), (), "right"),
        ((), ("dns.slow",), "false-alarm"),
        (("clock-ahead=45s",), ("clock.ahead",), "right"),
        # What is not there makes a report wrong, wherever it stands.
        (("clock-ahead=45s",), ("clock.ahead", "dns.slow"), "stray"),
        (("clock-ahead=45s",), ("dns.slow", "clock.ahead"), "wrong"),
        (("clock-ahead=45s",), (), "unknown"),
        # Neither explains nor hides the other: both, in either order.
        (("clock-ahead=45s", "ws-no-pong"), ("ws.no-pong", "clock.ahead"), "right"),
        (("clock-ahead=45s", "ws-no-pong"), ("ws.no-pong",), "half"),
        # Behind a closed port nobody sees a key; whoever says something of it has made it up, or stands wrongly first.
        (("key-secret-wrong", "tcp-refused"), ("tcp.refused",), "right"),
        (("key-secret-wrong", "tcp-refused"), ("key.secret-wrong",), "wrong"),
        (("key-secret-wrong", "tcp-refused"), ("tcp.refused", "key.unknown"), "stray"),
        # A warning does not stand before an error that was seen as well.
        (("http-goaway=3", "ws-no-pong"), ("ws.no-pong", "http.goaway"), "right"),
        (("http-goaway=3", "ws-no-pong"), ("http.goaway", "ws.no-pong"), "wrong"),
        # What the relation explains hangs under its cause and is no root.
        (("dns-poisoned=169.254.1.9", "tls-hostname-mismatch"), ("dns.poisoned",), "right"),
        (("dns-poisoned=169.254.1.9", "tls-hostname-mismatch"), ("dns.poisoned", "tls.hostname-mismatch"), "half"),
        # A warning from which an error follows is as grave as that error.
        (("instrument-spec-differs", "precision-size-below-minimum", "permission-ip-binding-required"),
         ("instrument.spec-differs", "permission.ip-binding-required"), "right"),
        # What comes later at the gate may stand first only beside what comes before it.
        (("key-wrong-environment", "ip-family-mismatch"), ("ip.family-mismatch", "key.wrong-environment"), "right"),
        (("key-wrong-environment", "ip-family-mismatch"), ("ip.family-mismatch",), "wrong"),
        # What one address of several does explains nothing of the others.
        (("tcp-refused-one-address", "tls-expired=3d"), ("tls.expired", "tcp.refused"), "right"),
        # What explains and cannot be seen is not asked for.
        (("http-timeout=body", "status-maintenance"), ("http.timeout",), "right"),
        # The WebSocket's address alone: REST's own trouble does not come from it.
        (("key-wrong-environment-ws", "permission-missing=trade"), ("key.wrong-environment", "permission.missing"),
         "right"),
        (("key-wrong-environment-ws", "permission-missing=trade"), ("key.wrong-environment",), "half"),
        # Two that hide each other: either one.
        (("region-wrong-ws-host=us", "ws-wrong-path=public"), ("region.wrong-ws-host",), "right"),
        (("region-wrong-ws-host=us", "ws-wrong-path=public"), ("ws.wrong-path",), "right"),
        # The same to every measurement, and only where it is; what is only true as well takes nobody's place.
        (("ws-login-refused=stale", "http-not-json=latin"), ("http.not-json", "key.passphrase-wrong"), "right"),
        (("permission-ip-binding-required", "ws-no-pong"), ("ws.no-pong", "key.idle-expiry"), "half"),
        (("clock-sources-disagree=40s", "tcp-refused"), ("clock.behind", "tcp.refused"), "right"),
        (("clock-sources-disagree=40s", "http-edge-blocked"), ("http.edge-blocked", "clock.behind"), "stray"),
        (("tls-expired=3d", "key-frozen", "env-config-exposed"), ("tls.expired", "env.config-exposed"), "right"),
        (("tls-expired=3d", "key-frozen", "env-config-exposed"), ("tls.expired",), "half"),
    ],
)  # fmt: skip
def test_reports_are_judged(
    parts: SimpleNamespace, faults: tuple[str, ...], roots: tuple[str, ...], judgement: str
) -> None:
    seen = parts.expectations.Seen(roots=roots, explained=((),) * len(roots))
    assert parts.expectations.judge(world(parts, *faults), seen) == judgement


def test_a_broken_check_and_a_blind_run_are_no_success(parts: SimpleNamespace) -> None:
    seen = parts.expectations.Seen
    assert parts.expectations.judge(world(parts, "clock-ahead=45s"), seen(roots=("clock.ahead",), broken=("tls",))) == (
        "defect"
    )
    assert parts.expectations.judge(world(parts), seen(roots=(), exit_code=3)) == "blind"


def test_every_row_of_the_tables_speaks_of_something(parts: SimpleNamespace) -> None:
    """Each glob matches a cause or a fault with one of its values, and each row says why it stands there."""
    from fnmatch import fnmatchcase

    from okxdoctor.knowledge import causes

    texts = {text for name in parts.worlds.catalogue() for text in spellings(parts, name)}
    known = texts | set(causes())
    rows = [(row.why, (row.one, row.other)) for row in parts.together.NEVER]
    rows += [(row.why, (*row.behind, *row.of)) for row in parts.sight.HIDDEN]
    rows += [(row.why, (*row.behind, *row.of, *row.reads_as)) for row in parts.sight.STAND_INS]
    for why, globs in rows:
        assert len(why) > 20
        for glob in globs:
            assert any(fnmatchcase(each, glob) for each in known), glob


def spellings(parts: SimpleNamespace, name: str) -> set[str]:
    dice = random.Random(name)
    return {parts.worlds._valued(name, dice).text for _ in range(60)}


def test_whoever_may_stand_in_is_a_cause(parts: SimpleNamespace) -> None:
    from okxdoctor.knowledge import causes

    assert {code for row in parts.sight.STAND_INS for code in row.reads_as} <= set(causes())


def test_few_pairs_are_never_drawn(parts: SimpleNamespace) -> None:
    """Of all pairs of two families, counted with one value of each: a bound that the table of exceptions keeps."""
    faults = [parts.worlds._valued(name, random.Random(1)) for name in sorted(parts.worlds.catalogue())]
    pairs = [(one, other) for n, one in enumerate(faults) for other in faults[n + 1 :] if one.family != other.family]
    left_out = [pair for pair in pairs if parts.together.why_never(pair[0].text, pair[1].text)]
    assert len(pairs) > 10_000
    assert len(left_out) < 0.01 * len(pairs)


def test_mistakes_in_the_same_member_of_the_same_order_are_apart(parts: SimpleNamespace) -> None:
    why = parts.together.why_never
    assert "sz of the spot order" in why("order-unit-confusion=quote", "precision-size-below-minimum")
    assert not why("order-unit-confusion=coins", "precision-size-below-minimum")
    assert not why("tcp-refused", "precision-size-below-minimum")


def test_the_same_seed_draws_the_same_worlds(parts: SimpleNamespace) -> None:
    kinds = parts.worlds.KINDS
    drawn = [[parts.worlds.draw(kind, SEED, index) for kind in kinds for index in range(60)] for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert drawn[0] != [parts.worlds.draw(kind, SEED + 1, index) for kind in kinds for index in range(60)]


def test_every_fault_comes_and_every_value_parses(parts: SimpleNamespace) -> None:
    from okxdoctor.exchange.faults import parse
    from okxdoctor.targets.world import FAULTS

    names = parts.worlds.catalogue()
    singles = [parts.worlds.draw("single", SEED, index) for index in range(len(names))]
    assert {each.name for drawn in singles for each in drawn.wrong} == set(names)
    for kind in parts.worlds.KINDS:
        for index in range(100):
            for text in parts.worlds.draw(kind, SEED, index).faults:
                parse(text, more=FAULTS)


def test_faults_of_one_world_are_of_different_families_and_possible_together(parts: SimpleNamespace) -> None:
    for kind, count in (("pair", 2), ("triple", 3)):
        for index in range(150):
            wrong = parts.worlds.draw(kind, SEED, index).wrong
            assert len({each.family for each in wrong}) == count
            assert parts.together.composable(*(each.text for each in wrong))


def test_the_matrix_counts_and_is_written(parts: SimpleNamespace) -> None:
    seen, judge, result = parts.expectations.Seen, parts.expectations.judge, parts.matrix.Result
    told = [
        (world(parts), seen(roots=())),
        (world(parts), seen(roots=("dns.slow",), explained=((),))),
        (world(parts, "tls-expired=3d"), seen(roots=("tls.weak",), explained=(("ws.blocked",),))),
        (world(parts, "tls-expired=3d"), seen(roots=("tls.expired",), explained=((),))),
    ]
    results = [result(world=each, seen=what, judgement=judge(each, what)) for each, what in told]
    assert json.loads(json.dumps(parts.matrix.confusion(results))) == {
        "(nothing)": {"(nothing)": 1, "dns.slow": 1},
        "tls.expired": {"tls.weak": 1, "tls.expired": 1},
    }
    whole = parts.matrix.tallies(results)[-1]
    assert (whole.worlds, whole.first_right, whole.count["wrong"], whole.count["false-alarm"]) == (4, 2, 1, 1)
    text = parts.matrix.as_markdown(results, command="campaign", words="By hand.")
    assert parts.matrix.kept(text).strip() == "By hand."
    assert all(row.why in text for row in parts.together.NEVER)
    assert "| tls.expired | 2 | tls.weak 1, tls.expired 1 |" in text
    assert "tls.weak (explains ws.blocked)" in text
    assert parts.matrix.as_text(results).count("\n") > 8


def test_extra_worlds_are_counted_apart(parts: SimpleNamespace) -> None:
    seen, result = parts.expectations.Seen, parts.matrix.Result
    drawn = [parts.worlds.draw(kind, SEED, 0) for kind in parts.worlds.KINDS]
    results = [result(world=each, seen=seen(roots=("dns.slow",)), judgement="wrong") for each in drawn]
    lines = parts.matrix.tallies(results)
    assert [line.kind for line in lines] == ["healthy", "single", "pair", "all", "triple", "sometimes"]
    assert lines[3].worlds == 3
    assert len(parts.campaign.plan(10, None, 4)) == 14


HEALTHY: list[dict[str, object]] = [
    {"key": "reading", "proxy": True, "almost": ("permission-missing=trade", "http-goaway=400")},
    {"key": "demo", "instruments": ("BTC-USDT", "PEPE-USDT", "BTC-USD-SWAP"), "almost": ("timestamp-expired=20s",)},
    {"key": "none", "round_trip_s": 0.08, "jitter_s": 0.02, "almost": ("tls-expires-soon=20d", "clock-ahead=500ms")},
    {
        "key": "trading",
        "habits": (
            "ip-list=ranges",
            "positions=30",
            "account-level=3",
            "position-mode=long_short_mode",
            "date-skew=-61",
            "slow-machine=0.3",
            "leap-second=1",
            "zone=changes-now",
        ),
    },
]


@pytest.mark.parametrize("where", HEALTHY, ids=lambda where: where["key"])
def test_a_healthy_world(parts: SimpleNamespace, where: dict[str, object]) -> None:
    drawn = parts.worlds.World(
        **{"kind": "healthy", "campaign": 0, "index": 0, "exchange_seed": 9, "vantage": "outside", **where}
    )
    seen, _ = parts.trial.look(drawn)
    result = parts.matrix.Result(world=drawn, seen=seen, judgement=parts.expectations.judge(drawn, seen))
    assert result.judgement == "right", parts.matrix.told(result)


@pytest.mark.parametrize(("faults", "where"), SLICE)
def test_a_world_with_faults(parts: SimpleNamespace, faults: tuple[str, ...], where: dict[str, object]) -> None:
    drawn = replace(world(parts, *faults), exchange_seed=5, **where)
    seen, _ = parts.trial.look(drawn)
    result = parts.matrix.Result(world=drawn, seen=seen, judgement=parts.expectations.judge(drawn, seen))
    assert result.judgement == "right", parts.matrix.told(result)
