"""What people write: the causes an expert would accept stand first, and nothing is made of what tells nothing."""

from __future__ import annotations

import io
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okxdoctor.knowledge import causes, codes
from okxdoctor.knowledge.log_marks import log_marks
from okxdoctor.knowledge.told import LONGEST, differentials, fails, kinds, marks, matching, observe
from okxdoctor.knowledge.words import words
from okxdoctor.triage.logs.gather import Gathered, read_log
from okxdoctor.triage.logs.judge import UNKNOWN, Row, judge
from okxdoctor.triage.logs.lines import SHORT

SAID: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("said.toml").read_text("utf-8"))["said"]


def rows(text: str) -> tuple[Row, ...]:
    gathered = Gathered()
    read_log("ticket.txt", io.BytesIO(text.encode()), gathered, year=2026)  # type: ignore[arg-type]
    return judge(gathered)


def first(text: str) -> str:
    """The cause that stands first, "" for none."""
    found = rows(text)
    if not found:
        return ""
    return found[0].candidates[0].code if found[0].code == UNKNOWN else found[0].code


@pytest.mark.parametrize("said", [one for one in SAID if one["causes"]], ids=lambda one: one["text"][:50])
def test_an_accepted_cause_stands_first(said: dict[str, Any]) -> None:
    found = rows(said["text"])
    named = [one.code for row in found for one in row.candidates] + [row.code for row in found if row.code != UNKNOWN]
    reached = (
        "nothing" if not found else "first" if first(said["text"]) in said["causes"]
        else "later" if set(named) & set(said["causes"]) else "wrong"
    )  # fmt: skip
    assert reached == said.get("known", "first"), named
    assert {row.code for row in found} <= {UNKNOWN, *said["causes"]}, "a sure name that the text does not allow"


@pytest.mark.parametrize("said", [one for one in SAID if not one["causes"]], ids=lambda one: one["text"][:50])
def test_nothing_is_made_of_what_tells_no_failure(said: dict[str, Any]) -> None:
    assert rows(said["text"]) == ()


def test_the_accepted_causes_exist() -> None:
    for said in SAID:
        assert set(said["causes"]) <= set(causes()), said["text"]


# ---- what is told of a code ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "leads_to"),
    [
        ("okx says 50113", "key.secret-wrong"),
        ("okx says 50113. All GET are fine, POST fails", "signature.body-reserialised"),
        ("okx says 50113. All POST are fine, GET fails", "signature.query-unsigned"),
        ("okx says 50113 for POST only", "signature.body-reserialised"),
        ("okx says 50113 with query parameters, without parameters it works", "signature.query-unsigned"),
        ("okx says 50113 without parameters, with parameters it works", "signature.path"),
        ("okx says 50119", "region.wrong-rest-host"),
        ("okx says 50119. Demo works, live does not work", "key.wrong-environment"),
        ("okx says 50119. Live works, demo does not work", "key.wrong-environment"),
        ("okx says 50119. REST works, websocket does not work", "region.wrong-ws-host"),
        ("okx says 50102", "clock.ahead"),
        ("okx says 50102. The time zone was changed", "clock.timezone-shift"),
        ("okx says 50110", "ip.not-whitelisted"),
        ("okx says 50110, another IP every time", "ip.egress-unstable"),
    ],
)
def test_one_thing_more_that_is_told_changes_the_order(told: str, leads_to: str) -> None:
    (row,) = rows(told)
    assert row.code == UNKNOWN
    assert row.candidates[0].code == leads_to
    before = rows(told[: len("okx says 50113")])[0]
    assert {one.code for one in before.candidates} <= {one.code for one in row.candidates}, "none is lost by it"


def test_what_is_told_is_said_back() -> None:
    (row,) = rows("GET ok, POST 50113")
    assert "Told besides: POST is refused, GET is accepted" in row.group.signal.says
    assert row.confidence.value == "possible"


def test_the_same_words_in_a_log_are_no_telling() -> None:
    """Lines with a time, or that begin as programs write them, are not what a person says."""
    line = "GET ok, POST 50113"
    assert first(line) == "signature.body-reserialised"
    for head in ("2026-11-22 10:00:00,001 ", "INFO ", "[WARN] ", '{"m":"', "Nov 22 10:00:00 host "):
        assert rows(head + line) == (), head


def test_a_ticket_tells_about_the_log_beside_it() -> None:
    gathered = Gathered()
    for name, text in (
        ("bot.log", '2026-11-22 10:00:00 okx {"code":"50113"}\n'),
        ("ticket.txt", "okx: only POST fails"),
    ):
        read_log(name, io.BytesIO(text.encode()), gathered, year=2026)  # type: ignore[arg-type]
    (row,) = judge(gathered)
    assert row.candidates[0].code == "signature.body-reserialised"
    assert row.separate[0] == "okxdoctor inspect REQUEST", "what decides about the likeliest comes first"


def test_a_list_of_errors_is_each_of_them() -> None:
    found = rows("okx: ETIMEDOUT, ECONNRESET / no route to host")
    assert {row.candidates[0].code for row in found} == {"tcp.filtered", "tls.handshake-reset", "tcp.unreachable"}
    assert {row.code for row in found} == {UNKNOWN}


def test_a_long_file_is_a_log() -> None:
    line = "okx: REST works, the websocket does not work\n"
    assert [row.group.signal.kind for row in rows(line)] == ["told"]
    assert rows(line + "-\n" * (SHORT // 2)) == ()


def test_what_is_said_of_another_exchange_is_left_aside() -> None:
    assert rows("Kraken: REST works, the websocket does not work") == ()


def test_several_codes_in_a_breath_are_none_of_them_sure() -> None:
    (alone,) = rows("okx says 50100")
    assert alone.code == "key.frozen"
    assert {row.code for row in rows("okx says 50100 or 50120")} == {UNKNOWN}


@pytest.mark.parametrize(
    "line",
    [
        "okx 500 symbols loaded", "we got 503 fills at okx", "okx gives 50113 usdt", "okx price says 50113.5",
        "the okx price is at 50102, target 51000", "BTC hits 51008 on okx", "OKX order 51008 filled at 50101",
        "okx latency 403 ms", "okx websocket connected\nsubscribed to tickers\nwaiting, no data yet",
        "okx: proxy not used, direct connection", "okx: POST /trade/order ok, GET /account/balance ok",
        "okx trade: side long, net pnl 3.2", "okx demo trading enabled, live trading disabled",
        "INFO okx websocket disconnected, reconnecting", "okx backtest with 401 candles",
    ],
)  # fmt: skip
def test_a_healthy_text_tells_nothing(line: str) -> None:
    assert rows(line) == ()


# ---- the words of a text ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "works", "fails_"),
    [
        ("GET works but POST fails", {"get"}, {"post"}),
        ("GET and POST work", {"get", "post"}, set()),
        ("only POST fails", {"get"}, {"post"}),
        ("it fails with POST only", {"get"}, {"post"}),
        ("works on demo but not live", {"demo"}, {"live"}),
        ("GETs without parameters and POSTs work", {"no-params", "get", "post"}, set()),
        ("https://a.test/x?ccy=BTC is refused", set(), {"params"}),
        ("https://a.test/x is refused", set(), set()),
        ("I post it here and get no answer", set(), set()),
        ("REST works\nWebsocket", {"rest"}, set()),
        ("REST works for a while", {"rest"}, set()),
        ("模拟盘可以，实盘报错", {"demo"}, {"live"}),
        ("只有POST报错", {"get"}, {"post"}),
        ("", set(), set()),
    ],
)
def test_a_clause_gives_its_verdict_to_what_it_names(text: str, works: set[str], fails_: set[str]) -> None:
    observed = observe(text)
    assert (observed.works, observed.fails) == (works, fails_)


def test_a_failure_is_told_by_words_not_by_numbers() -> None:
    assert fails("it is refused")
    assert not fails("it is 50113")
    assert not fails("all is well")


def _phrase(name: str) -> str:
    table = tomllib.loads(_text())
    groups = [table["mark"], *(table[kind] for kind in kinds())]
    return next(str(group[name][-1]) for group in groups if name in group)


def _text() -> str:
    from okxdoctor.knowledge import store

    return store.text("differentials.toml")


SPELLED = {"get": "GET", "post": "POST"}


@pytest.mark.parametrize("row", differentials(), ids=lambda row: row.says[:50])
def test_every_differential_is_reached_by_its_own_words(row: Any) -> None:
    told = [f"{SPELLED.get(one, _phrase(one))} is fine." for one in sorted(row.works)]
    told += [f"{SPELLED.get(one, _phrase(one))} is refused." for one in sorted(row.fails)]
    told += [f"{_phrase(one)}." for one in sorted(row.marks)]
    assert row in list(matching(observe(" ".join(told)))), told


def test_differentials_speak_of_what_exists() -> None:
    names = {signal for row in tomllib.loads(_symptoms())["symptom"] for signal in row["phrases"]}
    statuses = {f"HTTP {status}" for status in log_marks().statuses}
    seen = set()
    for row in differentials():
        assert row.causes, row.says
        assert set(row.causes) <= set(causes()), row.says
        assert len(set(row.causes)) == len(row.causes), row.says
        assert row.works | row.fails <= {one for things in kinds().values() for one in things}, row.says
        assert row.marks <= marks(), row.says
        for one in row.within:
            assert one in codes() or one in causes() or one in statuses or one in names, (row.says, one)
        key = (row.works, row.fails, row.marks, row.within)
        assert key not in seen, f"{row.says}: another row asks for the same"
        seen.add(key)


def _symptoms() -> str:
    from okxdoctor.knowledge import store

    return store.text("symptoms.toml")


def test_no_phrase_stands_for_two_things() -> None:
    table = tomllib.loads(_text())
    owner: dict[tuple[str, ...], str] = {}
    for kind, group in table.items():
        if not isinstance(group, dict) or kind == "clause":
            continue
        for name, phrases in group.items():
            for phrase in phrases:
                assert words(phrase), phrase
                assert owner.setdefault(words(phrase), name) == name, (phrase, name, owner[words(phrase)])


PARTS = st.sampled_from(
    ["GET ", "POST ", "only ", "fails", " works", ", ", ". ", " but ", "okx ", "50113 ", "demo ", "live ", "not ", "\n",
     "websocket ", "https://a.test/x?y=1 ", "签名", "报错", "，", "1e-05 ", "2a01:4f8::1 ", "503 ",
     "2026-11-22 10:00:00 "]
)  # fmt: skip


@settings(max_examples=200)
@given(st.lists(PARTS, max_size=30).map("".join) | st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    observed = observe(text)
    assert observed.works | observed.fails <= {one for things in kinds().values() for one in things}
    for row in rows(text):
        assert row.group.signal.kind != "told" or row.code == UNKNOWN


@pytest.mark.parametrize(
    "piece", ["50113 ", "get 50113, ", "but ", "a:", "2a01:", "=A,", "?a=", "https://", "签", "on "]
)
def test_a_hostile_text_is_read_like_any_other(piece: str) -> None:
    rows(("okx says " + piece * SHORT)[:SHORT])
    assert observe("x" * LONGEST + " only POST fails").fails == set()
