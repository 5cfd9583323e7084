"""The campaign judges rightly, repeats itself, and a small one over sockets goes well."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

MODULES = ("worlds", "expectations", "matrix", "trial", "campaign")
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


def world(parts: SimpleNamespace, *causes: str) -> object:
    wrong = tuple(parts.worlds.Wrong(text=code.replace(".", "-"), cause=code) for code in causes)
    kind = ("healthy", "single", "pair")[len(causes)]
    return parts.worlds.World(kind=kind, campaign=0, index=0, exchange_seed=0, vantage="sim", wrong=wrong)


@pytest.mark.parametrize(
    ("causes", "roots", "judgement"),
    [
        ((), (), "right"),
        ((), ("dns.slow",), "false-alarm"),
        (("clock.ahead",), ("clock.ahead",), "right"),
        (("clock.ahead",), ("clock.ahead", "dns.slow"), "first-right"),
        (("clock.ahead",), ("dns.slow", "clock.ahead"), "wrong"),
        (("clock.ahead",), (), "unknown"),
        # Neither explains nor hides the other: both, in either order.
        (("clock.ahead", "ws.no-pong"), ("ws.no-pong", "clock.ahead"), "right"),
        (("clock.ahead", "ws.no-pong"), ("ws.no-pong",), "first-right"),
        # Behind a closed port nobody sees a key; if somebody does, the port still comes first.
        (("key.secret-wrong", "tcp.refused"), ("tcp.refused",), "right"),
        (("key.secret-wrong", "tcp.refused"), ("key.secret-wrong",), "wrong"),
        # Of two that were seen the error stands before the warning, also before one that may hide it.
        (("http.goaway", "ws.blocked"), ("ws.blocked", "http.goaway"), "right"),
        (("http.goaway", "ws.blocked"), ("http.goaway",), "right"),
        # What the relation explains hangs under its cause and is no root.
        (("dns.poisoned", "tls.hostname-mismatch"), ("dns.poisoned",), "right"),
        (("dns.poisoned", "tls.hostname-mismatch"), ("dns.poisoned", "tls.hostname-mismatch"), "first-right"),
    ],
)
def test_reports_are_judged(
    parts: SimpleNamespace, causes: tuple[str, ...], roots: tuple[str, ...], judgement: str
) -> None:
    seen = parts.expectations.Seen(roots=roots, explained=((),) * len(roots))
    assert parts.expectations.judge(world(parts, *causes), seen) == judgement


def test_a_broken_check_and_a_blind_run_are_no_success(parts: SimpleNamespace) -> None:
    seen = parts.expectations.Seen
    assert parts.expectations.judge(world(parts, "clock.ahead"), seen(roots=("clock.ahead",), broken=("tls",))) == (
        "defect"
    )
    assert parts.expectations.judge(world(parts), seen(roots=(), exit_code=3)) == "blind"


def test_what_the_table_of_the_hidden_names_exists(parts: SimpleNamespace) -> None:
    from fnmatch import fnmatchcase

    from okxdoctor.knowledge import causes

    for code, globs in parts.expectations.HIDES.items():
        assert code in causes()
        for glob in globs:
            assert any(fnmatchcase(known, glob) for known in causes()), glob


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


def test_a_pair_has_two_layers(parts: SimpleNamespace) -> None:
    for index in range(200):
        one, other = parts.worlds.draw("pair", SEED, index).wrong
        assert parts.expectations.families(one.cause) != parts.expectations.families(other.cause)


def test_the_matrix_counts_and_is_written(parts: SimpleNamespace) -> None:
    seen, judge, result = parts.expectations.Seen, parts.expectations.judge, parts.matrix.Result
    told = [
        (world(parts), seen(roots=())),
        (world(parts), seen(roots=("dns.slow",), explained=((),))),
        (world(parts, "tls.expired"), seen(roots=("tls.weak",), explained=(("ws.blocked",),))),
        (world(parts, "tls.expired"), seen(roots=("tls.expired",), explained=((),))),
    ]
    results = [result(world=each, seen=what, judgement=judge(each, what)) for each, what in told]
    assert json.loads(json.dumps(parts.matrix.confusion(results))) == {
        "(nothing)": {"(nothing)": 1, "dns.slow": 1},
        "tls.expired": {"tls.weak": 1, "tls.expired": 1},
    }
    whole = parts.matrix.tallies(results)[-1]
    assert (whole.worlds, whole.first_right, whole.wrong, whole.false_alarms) == (4, 2, 1, 1)
    text = parts.matrix.as_markdown(results, command="campaign")
    assert "| tls.expired | 2 | tls.weak 1, tls.expired 1 |" in text
    assert "tls.weak (explains ws.blocked)" in text
    assert parts.matrix.as_text(results).count("\n") > 8


HEALTHY: list[dict[str, object]] = [
    {"key": "reading", "proxy": True, "almost": ("permission-missing=trade", "http-goaway=400")},
    {"key": "demo", "instruments": ("BTC-USDT", "PEPE-USDT", "BTC-USD-SWAP"), "almost": ("timestamp-expired=20s",)},
    {"key": "none", "round_trip_s": 0.08, "jitter_s": 0.02, "almost": ("tls-expires-soon=20d", "clock-ahead=500ms")},
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
    known = parts.worlds.catalogue()
    wrong = tuple(parts.worlds.Wrong(text=text, cause=known[text.partition("=")[0]].cause) for text in faults)
    kind = "single" if len(wrong) == 1 else "pair"
    drawn = parts.worlds.World(
        **{"kind": kind, "campaign": 0, "index": 0, "exchange_seed": 5, "vantage": "sim", "wrong": wrong, **where}
    )
    seen, _ = parts.trial.look(drawn)
    result = parts.matrix.Result(world=drawn, seen=seen, judgement=parts.expectations.judge(drawn, seen))
    assert result.judgement == "right", parts.matrix.told(result)
