"""The check of instruments: listed, open, announced changes, declared figures, awkward rows."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from fakeio import EPOCH_NS, FakeIo, Scripted, codes, failed, judged, ok, page, refusal, run, view
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.check import Inconclusive, Skip
from okxdoctor.model import Confidence, Finding
from okxdoctor.port import Ask, OrderDraft
from okxdoctor_checks._instruments import Change, Listing, Row, listing_of
from okxdoctor_checks.instrument import CHECK, Facts, Instrument

LIST = "GET /api/v5/public/instruments"
BANDS = "GET /api/v5/public/instrument-tick-bands"
NOW_MS = EPOCH_NS // 1_000_000
DAY_MS = 86_400_000
DATED = (("date", "Mon, 24 Nov 2025 16:00:00 GMT"),)


def instrument(inst_id: str = "BTC-USDT", **changes: Any) -> dict[str, Any]:
    row = {
        "instId": inst_id, "instType": "SPOT", "state": "live", "tickSz": "0.1", "lotSz": "0.00000001",
        "minSz": "0.00001", "ctVal": "", "ctMult": "", "ruleType": "normal", "listTime": "1548133413000",
        "expTime": "", "instIdCode": 3, "upcChg": [], "futureSettlement": False,
    }  # fmt: skip
    return {**row, **changes}


def preopen(inst_id: str) -> dict[str, Any]:
    """A placeholder as demo lists it: nearly every field empty, the code null, some names missing."""
    return {"instId": inst_id, "instType": "SPOT", "state": "preopen", "tickSz": "", "lotSz": "", "instIdCode": None,
            "listTime": str(NOW_MS + DAY_MS), "upcChg": []}  # fmt: skip


def look(script: Any = None, *rows: dict[str, Any], **changes: Any) -> tuple[tuple[Finding, ...], FakeIo, Facts]:
    io = FakeIo(view=view(**changes), http_script=script or {LIST: ok(list(rows), headers=DATED)})
    facts, findings = run(CHECK, io)
    return findings, io, facts


def one(findings: tuple[Finding, ...]) -> Finding:
    assert len(findings) == 1, codes(findings)
    return findings[0]


# ---- the request ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inst_id", "listing", "path"),
    [
        ("BTC-USDT", Listing(type="SPOT"), "instType=SPOT&instId=BTC-USDT"),
        ("BTC-USDT-SWAP", Listing(type="SWAP"), "instType=SWAP&instId=BTC-USDT-SWAP"),
        ("BTC-USD-260327", Listing(type="FUTURES"), "instType=FUTURES&instId=BTC-USD-260327"),
        (
            "BTC-USD_UM-260428-72000-C",
            Listing(type="OPTION", family="BTC-USD_UM"),
            "instType=OPTION&instFamily=BTC-USD_UM&instId=BTC-USD_UM-260428-72000-C",
        ),
        (
            "BTC-ABOVE-DAILY-260428-1600-64000",
            Listing(type="EVENTS", series="BTC-ABOVE-DAILY"),
            "instType=EVENTS&seriesId=BTC-ABOVE-DAILY&instId=BTC-ABOVE-DAILY-260428-1600-64000",
        ),
        ("btc usdt", Listing(type="SPOT"), "instType=SPOT&instId=btc%20usdt"),
    ],
)
def test_the_list_is_inferred_from_the_id(inst_id: str, listing: Listing, path: str) -> None:
    assert listing_of(inst_id) == listing
    assert listing.path(inst_id) == f"/api/v5/public/instruments?{path}"


def test_without_names_one_that_always_exists_is_looked_at() -> None:
    findings, io, _ = look(None, instrument())
    assert findings == ()
    assert [ask.path for ask in io.asks] == ["/api/v5/public/instruments?instType=SPOT&instId=BTC-USDT"]
    assert not io.asks[0].signed


def test_few_are_asked_one_by_one_and_many_as_a_list() -> None:
    few = tuple(f"C{n}-USDT" for n in range(5))
    many = (*few, "C5-USDT")
    script = {LIST: ok([instrument(name) for name in many])}
    assert len(look(script, instruments=few)[1].asks) == 5
    findings, io, _ = look(script, instruments=many)
    assert findings == ()
    assert [ask.path for ask in io.asks] == ["/api/v5/public/instruments?instType=SPOT"]


# ---- unknown ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("reply", [ok(), refusal("51001", status=200, data=True), refusal("51000", status=400)])
def test_an_unknown_instrument_gives_the_nearest_name(reply: Scripted) -> None:
    script = {
        f"{LIST}?instType=SWAP&instId=BTC-USTD-SWAP": reply,
        f"{LIST}?instType=SWAP": ok([instrument("BTC-USDT-SWAP"), instrument("ETH-USD-SWAP")]),
    }
    finding = one(look(script, instruments=("BTC-USTD-SWAP",))[0])
    assert finding.code == "instrument.unknown"
    assert finding.subject == "BTC-USTD-SWAP"
    assert finding.evidence["nearest"][0] == "BTC-USDT-SWAP"  # type: ignore[index]
    assert "BTC-USDT-SWAP" in finding.summary


@pytest.mark.parametrize(
    ("typed", "listing", "meant"),
    [
        ("btc-usdt-swap", "SWAP", "BTC-USDT-SWAP"),
        ("btc-usdt", "SPOT", "BTC-USDT"),
        ("BTC/USDT", "SPOT", "BTC-USDT"),
        ("BTC_USDT", "SPOT", "BTC-USDT"),
        ("BTCUSDT", "SPOT", "BTC-USDT"),
    ],
)
def test_the_spelling_of_others_finds_the_id(typed: str, listing: str, meant: str) -> None:
    script = {
        f"{LIST}?instType={listing}&instId={quote(typed, safe='')}": ok(),
        f"{LIST}?instType={listing}": ok([instrument(meant), instrument("ETH-" + meant.partition("-")[2])]),
    }
    finding = one(look(script, instruments=(typed,))[0])
    assert finding.code == "instrument.unknown"
    assert finding.evidence["nearest"][0] == meant  # type: ignore[index]


def test_an_instrument_of_another_place_is_found_there() -> None:
    script = {
        LIST: ok(),
        f"{LIST} @global/demo": ok([instrument("NEW-USDT")]),
        f"{LIST} @us/live": ok([instrument("NEW-USDT")]),
    }
    finding = one(look(script, instruments=("NEW-USDT",))[0])
    assert finding.evidence["elsewhere"] == ["global/demo", "us/live"]


def test_a_recording_without_the_other_places_is_no_crash() -> None:
    def not_recorded(ask: Ask) -> Scripted:
        if ask.cell is not None:
            raise Skip("the cassette does not hold this request")
        return ok()

    finding = one(look({LIST: not_recorded}, instruments=("NEW-USDT",))[0])
    assert finding.evidence["elsewhere"] == []


@pytest.mark.parametrize(("site", "expected"), [("global", ["instrument.unknown"]), ("eea", []), ("custom", [])])
def test_the_control_instrument_need_not_exist_everywhere(site: str, expected: list[str]) -> None:
    assert codes(look({LIST: ok()}, site=site)[0]) == expected


def test_a_named_instrument_must_exist_everywhere() -> None:
    assert codes(look({LIST: ok()}, site="eea", instruments=("BTC-USDT",))[0]) == ["instrument.unknown"]


def test_a_neighbour_in_the_answer_is_not_the_instrument() -> None:
    assert codes(look(None, instrument("BTC-USDC"))[0]) == ["instrument.unknown"]


# ---- state -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["suspend", "preopen", "test", "rebase", "post_only", "settling"])
def test_every_state_but_live_is_told(state: str) -> None:
    finding = one(look(None, instrument(state=state))[0])
    assert finding.code == "instrument.not-live"
    assert finding.evidence["state"] == state


@pytest.mark.parametrize("state", ["live", "", "something-new"])
def test_live_and_unknown_states_are_not(state: str) -> None:
    assert look(None, instrument(state=state))[0] == ()


def test_a_placeholder_row_is_no_crash() -> None:
    specs = (("NEW-USDT", "tickSz", "0.1"), ("NEW-USDT", "minSz", "1"))
    finding = one(look(None, preopen("NEW-USDT"), declared_specs=specs)[0])
    assert finding.code == "instrument.not-live"
    assert "2025-11-25" in finding.summary


# ---- announced changes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("in_ms", "expected"),
    [
        (1, ["instrument.change-announced"]),
        (7 * DAY_MS, ["instrument.change-announced"]),
        (7 * DAY_MS + 1, []),
        (0, []),
        (-DAY_MS, []),
    ],
)
def test_changes_within_the_horizon(in_ms: int, expected: list[str]) -> None:
    change = {"param": "tickSz", "newValue": "0.01", "effTime": str(NOW_MS + in_ms)}
    findings, _, facts = look(None, instrument(upcChg=[change]))
    assert facts.now_ms == NOW_MS
    assert codes(findings) == expected


def test_an_announced_change_tells_old_and_new() -> None:
    changes = [
        {"param": "tickSz", "newValue": "0.01", "effTime": str(NOW_MS + 2 * DAY_MS)},
        {"param": "minSz", "newValue": "0.001", "effTime": str(NOW_MS + DAY_MS)},
        {"param": "maxMktSz", "newValue": "1", "effTime": ""},
        "rubbish",
    ]
    finding = one(look(None, instrument(upcChg=changes))[0])
    assert finding.evidence["in_days"] == 1
    assert "tickSz 0.1 to 0.01" in finding.summary
    assert "minSz 0.00001 to 0.001" in finding.summary
    assert len(finding.evidence["changes"]) == 2  # type: ignore[arg-type]


# ---- declared figures -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "declared", "differs"),
    [
        ("tickSz", "0.1", False),
        ("tickSz", "0.10", False),
        ("tickSz", "1e-1", False),
        ("tickSz", "0.01", True),
        ("lotSz", "1e-8", False),
        ("lotSz", "0.00000001", False),
        ("minSz", "0.0001", True),
        ("ctVal", "1", False),  # the live row has none: nothing to compare
        ("ctVal", "", False),
        ("tickSz", "", False),
        ("tickSz", "a tenth", True),
        ("ruleType", "normal", False),
        ("ruleType", "pre_market", True),
    ],
)
def test_declared_figures_are_compared_as_numbers(name: str, declared: str, differs: bool) -> None:
    findings, _, _ = look(None, instrument(), declared_specs=(("BTC-USDT", name, declared),))
    assert codes(findings) == (["instrument.spec-differs"] if differs else [])


def test_demo_figures_used_for_live_are_recognised() -> None:
    def listed(ask: Ask) -> Scripted:
        return ok([instrument(tickSz="0.01", minSz="0.01")] if ask.simulated else [instrument()])

    specs = (("BTC-USDT", "tickSz", "0.01"), ("BTC-USDT", "minSz", "0.01"), ("BTC-USDT", "lotSz", "0.00000001"))
    findings, io, _ = look({LIST: listed}, declared_specs=specs)
    finding = one(findings)
    assert finding.evidence["figures_of"] == "demo"
    assert "demo" in finding.summary
    assert [ask.simulated for ask in io.asks] == [None, True]


def test_live_figures_used_for_demo_are_recognised() -> None:
    def listed(ask: Ask) -> Scripted:
        return ok([instrument(tickSz="0.01")] if ask.simulated is False else [instrument()])

    finding = one(look({LIST: listed}, declared_specs=(("BTC-USDT", "tickSz", "0.01"),), environment="demo")[0])
    assert finding.evidence["figures_of"] == "live"


# ---- bands ------------------------------------------------------------------------------------------------

OPTION = "BTC-USD-260428-72000-C"
BANDED = {
    LIST: ok([instrument(OPTION, instType="OPTION", tickSz="0.0001", lotSz="1", minSz="1")]),
    BANDS: ok(
        [
            {
                "instType": "OPTION",
                "instFamily": "BTC-USD",
                "tickBand": [
                    {"minPx": "0", "maxPx": "0.005", "tickSz": "0.0001"},
                    {"minPx": "0.005", "maxPx": "10000000", "tickSz": "0.0005"},
                ],
            }
        ]
    ),
}


def test_bands_are_read_for_options_and_are_no_finding_by_themselves() -> None:
    findings, io, facts = look(BANDED, instruments=(OPTION,))
    assert findings == ()
    assert [band.tick for band in facts.instruments[0].bands] == ["0.0001", "0.0005"]
    assert io.asks[1].path == "/api/v5/public/instrument-tick-bands?instType=OPTION&instFamily=BTC-USD"


def test_one_declared_tick_for_a_banded_instrument_is_told() -> None:
    finding = one(look(BANDED, declared_specs=((OPTION, "tickSz", "0.0001"),))[0])
    assert finding.code == "instrument.spec-differs"
    assert "0.0005" in finding.summary


@pytest.mark.parametrize(
    "reply", [failed("timeout", "first-byte"), ok(), refusal("51000", status=400), page(200, "[]")]
)
def test_missing_bands_are_no_crash(reply: Scripted) -> None:
    assert look({**BANDED, BANDS: reply}, declared_specs=((OPTION, "tickSz", "0.0001"),))[0] == ()


# ---- what stands in the way -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "layer"),
    [
        (failed("dns", "resolve"), "dns"),
        (page(403), "http"),
        (refusal("50001", status=503), "status"),
        (refusal("50011", status=429), "ratelimit"),
    ],
)
def test_a_lower_layer_names_the_cause(reply: Scripted, layer: str) -> None:
    with pytest.raises(Skip) as caught:
        asyncio.run(CHECK.probe(FakeIo(http_script={LIST: reply})))
    assert caught.value.layer == layer


def test_a_refusal_that_is_not_understood_is_inconclusive() -> None:
    with pytest.raises(Inconclusive, match="50014"):
        asyncio.run(CHECK.probe(FakeIo(http_script={LIST: refusal("50014", status=400)})))


# ---- total ------------------------------------------------------------------------------------------------------

NUMBERS = st.sampled_from(["", "0.1", "0.10", "1e-400", "NaN", "x", "1"])
ROWS = st.builds(
    Row,
    state=st.sampled_from(["live", "suspend", "preopen", "?"]),
    spec=st.lists(st.tuples(st.sampled_from(["tickSz", "minSz"]), NUMBERS)).map(tuple),
    changes=st.lists(st.builds(Change, at_ms=st.none() | st.integers(-(10**20), 10**20))).map(tuple),
)
INSTRUMENTS = st.builds(
    Instrument,
    row=st.none() | ROWS,
    other=st.none() | ROWS,
    declared=st.lists(st.tuples(st.sampled_from(["tickSz", "minSz"]), NUMBERS)).map(tuple),
)


@given(st.builds(Facts), st.lists(INSTRUMENTS, max_size=3), st.integers(-(10**18), 10**18))
def test_any_facts_are_judged(facts: Facts, instruments: list[Instrument], now_ms: int) -> None:
    judged(CHECK, replace(facts, instruments=tuple(instruments), now_ms=now_ms))


def test_figures_of_the_other_environment_are_so_called_when_all_are() -> None:
    def declared_as(**figures: str) -> Finding:
        specs = tuple(("BTC-USDT", name, value) for name, value in figures.items())
        script = {
            LIST: lambda ask: ok([instrument(tickSz="0.5", lotSz="0.1")] if ask.simulated else [instrument()]),
            BANDS: ok([]),
        }  # fmt: skip
        return one(look(script, instruments=("BTC-USDT",), declared_specs=specs)[0])

    whole, half = declared_as(tickSz="0.5", lotSz="0.1"), declared_as(tickSz="0.5", lotSz="7")
    assert (whole.code, whole.evidence["figures_of"]) == ("instrument.spec-differs", "demo")
    assert (half.code, half.evidence["figures_of"]) == ("instrument.spec-differs", "")


def test_a_list_that_was_refused_does_not_say_that_the_instrument_is_missing() -> None:
    """Nothing is searched for by another name because the exchange was busy."""
    io = FakeIo(
        view=view(instruments=("BTC-USDT",)), http_script={LIST: refusal("50011", "Too Many Requests", status=429)}
    )
    with pytest.raises(Skip, match="50011"):
        run(CHECK, io)
    assert len(io.asks) == 1


@pytest.mark.parametrize(
    ("other", "excluded"),
    [
        (ok([]), ("region.wrong-rest-host", "key.wrong-environment")),
        (refusal("51001", status=200), ("region.wrong-rest-host", "key.wrong-environment")),
        (failed("timeout", "connect"), ()),
        (page(403), ()),
        (ok([instrument("NO-SUCH")]), ()),
    ],
)
def test_where_no_site_lists_it_the_site_is_not_the_reason(other: Scripted, excluded: tuple[str, ...]) -> None:
    script = {LIST: ok([instrument()])} | {
        f"{LIST}?instType=SPOT&instId=NO-SUCH @{cell.site}/{cell.environment}": other for cell in view().cells
    }
    assert one(look(script, instruments=("NO-SUCH",))[0]).excluded == excluded


# ---- orders that name their instrument by its code -------------------------------------------------


def by_code(code: object, **script: Scripted) -> tuple[tuple[Finding, ...], FakeIo, Facts]:
    wire = json.dumps({"instIdCode": code, "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "1", "sz": "1"})
    lists = {
        f"{LIST}?instType=SPOT": ok([instrument(), preopen("NEW-USDT")]),
        f"{LIST}?instType=SWAP": ok([instrument("BTC-USDT-SWAP", instType="SWAP", instIdCode=10459, state="suspend")]),
        f"{LIST}?instType=FUTURES": ok([]),
        f"{LIST}?instType=SWAP&instId=BTC-USDT-SWAP": ok([instrument("BTC-USDT-SWAP", state="suspend")]),
        f"{LIST}?instType=SPOT&instId=BTC-USDT": ok([instrument()]),
    }
    return look(lists | script, orders=(OrderDraft(file="o.json", line=1, wire=wire),))


def test_the_instrument_of_an_order_with_a_code_alone_is_looked_at() -> None:
    findings, _, facts = by_code(10459)
    assert [each.inst_id for each in facts.instruments] == ["BTC-USDT-SWAP"]
    assert (one(findings).code, one(findings).subject) == ("instrument.not-live", "BTC-USDT-SWAP")
    assert by_code("3")[0] == ()


@pytest.mark.parametrize("code", [0, 999, "BTC"])
def test_a_code_that_is_in_no_list(code: object) -> None:
    finding = one(by_code(code)[0])
    assert (finding.code, finding.confidence) == ("instrument.unknown", Confidence.LIKELY)
    assert f"has the instIdCode {code} on global (live)" in finding.summary


def test_a_list_that_was_not_read_says_nothing_of_a_code() -> None:
    with pytest.raises(Inconclusive, match="public/instruments"):
        by_code(10459, **{f"{LIST}?instType=SWAP": refusal("51000", status=400)})
