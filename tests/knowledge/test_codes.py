"""The codes of OKX: all there, sourced, explained in own words, and not mapped to the wrong causes."""

from __future__ import annotations

import datetime
import difflib
import re
import shlex
from fnmatch import fnmatch
from pathlib import Path

import msgspec
import pytest

from okxdoctor.knowledge import CodeRow, causes, code, codes
from okxdoctor.knowledge.code_table import RETRIES
from okxdoctor.knowledge.store import Malformed

ROWS = tuple(codes().values())
AREAS = {
    "account", "algo", "asset", "auth", "block-spread", "bot", "close", "convert", "copy", "finance", "general", "grid",
    "market", "trade", "websocket",
}  # fmt: skip


def published() -> list[str]:
    lines = Path(__file__).with_name("codes.txt").read_text("utf-8").splitlines()
    return [number for line in lines if not line.startswith("#") for number in line.split()]


def test_every_published_code_is_known() -> None:
    assert len(published()) == 1031
    assert set(published()) <= set(codes())
    assert list(codes()) == sorted(codes(), key=int)


def test_one_code_is_found_without_the_others() -> None:
    assert code("50113") is codes()["50113"]
    assert code("4004").area == "close"
    for unknown in ("", "50131", "99999", "abc", "501", "../../x", "５０１１３", "5011３", "-1", "501130"):
        with pytest.raises(KeyError):
            code(unknown)


def test_each_row_is_well_formed() -> None:
    for row in ROWS:
        assert row.area in AREAS, row.code
        assert row.retry in RETRIES, row.code
        assert row.grade in {"documented", "observed", "assumed"}, row.code
        assert len(row.source) >= 8, row.code
        assert datetime.date(2025, 1, 1) < datetime.date.fromisoformat(row.seen) < datetime.date(2027, 1, 1), row.code
        assert {*row.http_documented, *row.http_observed} <= {200, 400, 401, 403, 405, 410, 429, 500, 503}, row.code
        assert bool(row.http_observed) <= (row.grade == "observed"), row.code
        for text in (row.message, row.meaning, *row.variants, *row.reasons):
            assert text == " ".join(text.split()), row.code
        assert len(set(row.variants)) == len(row.variants), row.code
        assert row.message not in row.variants, row.code


def test_every_code_explains() -> None:
    for row in ROWS:
        assert len(row.meaning.split()) >= 3, row.code
        assert row.meaning.endswith((".", ")")), row.code


def test_meanings_are_not_the_exchange_s_sentences() -> None:
    """Two sentences about the same thing are alike; the same sentence is not allowed."""
    for row in ROWS:
        plain = re.sub(r"\W+", " ", row.meaning).lower().strip()
        told = re.sub(r"\W+", " ", row.message).lower().strip()
        assert plain != told, row.code
        if len(plain) > 40:
            likeness = difflib.SequenceMatcher(None, plain, told).quick_ratio()
            assert likeness < 0.9 or difflib.SequenceMatcher(None, plain, told).ratio() < 0.9, row.code


def test_likely_causes_exist_and_are_not_repeated() -> None:
    for row in ROWS:
        assert set(row.causes) <= set(causes()), row.code
        assert len(set(row.causes)) == len(row.causes), row.code


def test_codes_about_access_all_name_a_cause() -> None:
    """Authentication, WebSocket and close codes are what people ask about: none is left without a cause of ours."""
    unexplained = {row.code for row in ROWS if row.area in {"auth", "websocket", "close"} and not row.causes}
    # Fast API sign-in, identifiers of brokers, and channels for a higher fee tier have no cause in the vocabulary.
    assert unexplained <= {"50108", "50109", "50116", "50118", "60029", "60030", "64003", "64004"}


OPTIONS = {"--only": True, "--target": True, "--need": True, "--instrument": True, "--burst": False, "--site": True}


def test_the_next_command_can_be_typed() -> None:
    for row in ROWS:
        program, command, *rest = shlex.split(row.run_next)
        assert program == "okxdoctor", row.code
        if command == "explain":
            (target,) = rest
            assert target in causes() or target in codes(), row.code
            assert target != row.code
            continue
        assert command == "run", row.code
        while rest:
            option = rest.pop(0)
            assert option in OPTIONS, row.run_next
            value = rest.pop(0) if OPTIONS[option] else ""
            match option:
                case "--only":
                    assert any(fnmatch(name, value) for name in causes()), row.run_next
                case "--target":
                    assert value in {"live", "demo"}
                case "--need":
                    assert set(value.split(",")) <= {"read", "trade", "withdraw"}


# ---- what is known to be right -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "status", "first"),
    [
        ("50103", 401, "env.credentials-missing"),
        ("50105", 401, "key.passphrase-wrong"),
        ("50102", 401, "clock.ahead"),
        ("50111", 401, "key.malformed"),
        ("50119", 401, "region.wrong-rest-host"),
        ("50113", 401, "key.secret-wrong"),
        ("50101", 401, "key.wrong-environment"),
        ("50110", 401, "ip.not-whitelisted"),
        ("50120", 401, "permission.missing"),
        ("50011", 429, "ratelimit.exceeded"),
    ],
)
def test_observed_status_and_first_cause(number: str, status: int, first: str) -> None:
    """Recorded and probed answers, also where the published table says something else (50119 and 50120: 200)."""
    row = code(number)
    assert row.http_observed == (status,)
    assert row.causes[0] == first


def test_the_table_and_the_wire_disagree_where_they_do() -> None:
    for number in ("50119", "50120"):
        assert code(number).http_documented == (200,)
        assert code(number).http_observed == (401,)
    assert set(code("50011").http_documented) == {429, 200}


@pytest.mark.parametrize(
    ("number", "wrong"),
    [
        # Mappings found in well-known tools; each would send the user the wrong way.
        ("50112", ("signature.", "key.secret")),
        ("50113", ("key.passphrase", "ratelimit.")),
        ("50100", ("permission.",)),
        ("50110", ("key.",)),
        ("50061", ("ws.connection", "ratelimit.shared")),
        ("51009", ("account.mode",)),
        ("51019", ("order.price",)),
        ("60005", ("ws.drops", "ws.no-pong")),
        ("51016", ("order.parameter",)),
        ("51100", ("precision.size-below",)),
    ],
)
def test_wrong_mappings_of_other_tools_are_not_ours(number: str, wrong: tuple[str, ...]) -> None:
    assert not [name for name in code(number).causes if name.startswith(wrong)]


def test_the_right_reading_of_codes_others_misread() -> None:
    assert code("50112").causes == ("timestamp.format",)
    assert code("50100").causes == ("key.frozen",)
    assert code("50061").causes == ("ratelimit.order-cap",)
    assert code("50113").retry == "no"
    assert code("51016").causes == ("order.client-id-invalid",)
    assert code("51016").retry == "after reconcile"
    assert code("50013").causes == ("status.overloaded",)
    assert "6 is the funding account, 18 the trading account" in code("58123").meaning
    assert code("60032").causes[0] == "region.wrong-ws-host"
    assert code("4004").causes[0] == "ws.drops"


@pytest.mark.parametrize(
    ("number", "retry"),
    [
        ("50004", "after reconcile"),
        ("51149", "after reconcile"),
        ("51054", "after reconcile"),
        ("50026", "after reconcile"),
        ("50001", "with backoff"),
        ("50011", "with backoff"),
        ("50013", "with backoff"),
        ("50061", "with backoff"),
        ("64008", "yes"),
        ("51008", "no"),
        ("50105", "no"),
    ],
)
def test_retry(number: str, retry: str) -> None:
    assert code(number).retry == retry


def test_the_small_table_of_the_rules_agrees() -> None:
    """`okxdoctor.okx` carries a table of its own, because the rules read no files."""
    from okxdoctor.okx.retry import Retry, by_code

    ours = {"no": {Retry.NO, Retry.RE_SIGN}, "yes": {Retry.NO}, "with backoff": {Retry.AFTER_WAIT, Retry.NO},
            "after reconcile": {Retry.AFTER_RECONCILE, Retry.NO}}  # fmt: skip
    for row in ROWS:
        assert by_code(row.code) in ours[row.retry], row.code


def test_live_texts_are_known_beside_the_published_ones() -> None:
    assert "Invalid Sign" in code("50113").variants
    assert "Too Many Requests" in code("50011").variants
    assert "All operations failed" in code("1").variants
    assert "Request header OK-ACCESS-KEY can not be empty." in code("50103").variants


def test_sub_codes_of_insufficient_funds() -> None:
    assert len(code("51008").sub_codes) == 16
    assert dict(code("51008").sub_codes)["1000"] == "balance of the currency"
    assert len(code("51004").sub_codes) == 14


def test_rows_are_plain_data() -> None:
    for row in ROWS[:200]:
        assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(row)), CodeRow) == row


def test_a_spoilt_row_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from okxdoctor.knowledge import code_table, store

    spoilt = {"defaults": {}, "codes": {"50113": {"area": "auth"}}}
    monkeypatch.setattr(store, "from_json", lambda path: spoilt)
    with pytest.raises(Malformed, match=r"codes/501.json: 50113: 'message' is missing"):
        code_table._hundred.__wrapped__("501")
    spoilt["codes"]["50113"] = {"colour": "red"}
    with pytest.raises(Malformed, match="colour"):
        code_table._hundred.__wrapped__("501")


SECRET = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b[0-9A-Fa-f]{32}\b|[A-Za-z0-9+/]{43}="
)


def test_no_data_looks_like_a_secret() -> None:
    folder = Path(__file__).parents[2] / "okxdoctor" / "knowledge" / "data"
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 60
    for path in files:
        assert not SECRET.search(path.read_text("utf-8")), path.name
    assert SECRET.search("key 22582BD0CFF14C41EDBF1AB98506286D")
