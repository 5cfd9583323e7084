"""Word sets and limits of judgement."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest

import okxdoctor
import okxdoctor_checks
from okxdoctor.knowledge import enums, tunable, tunables

UNITS = (
    "_s",
    "_ms",
    "_days",
    "_h",
    "_percent",
    "_per_s",
    "_updates",
    "_per_2s",
    "_per_h",
    "_connections",
    "_left",
)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("instrument_type", {"SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION", "EVENTS"}),
        ("instrument_state", {"live", "suspend", "preopen", "test", "rebase", "post_only", "settling"}),
        ("order_state", {"live", "partially_filled", "filled", "canceled", "mmp_canceled"}),
        ("account_mode", {"1", "2", "3", "4"}),
        ("position_mode", {"net_mode", "long_short_mode"}),
        ("permission", {"read_only", "trade", "withdraw"}),
        ("maintenance_state", {"scheduled", "ongoing", "pre_open", "completed", "canceled"}),
        ("maintenance_service", {"0", "5", "6", "7", "8", "9", "10", "11", "99"}),
        ("maintenance_environment", {"1", "2"}),
    ],
)
def test_word_sets(name: str, values: set[str]) -> None:
    known = enums()[name]
    assert set(known.values) == values
    assert len(set(known.values)) == len(known.values)
    for value in values:
        assert value in known
    assert "something new" not in known
    assert set(known.words) <= {*values, *known.marked.get("also", ())}


def test_marked_values() -> None:
    assert enums()["order_state"].marked["terminal"] == ("filled", "canceled", "mmp_canceled")
    assert "expired" in enums()["instrument_state"]
    assert "expired" not in enums()["instrument_state"].values
    assert "read" in enums()["permission"]
    assert enums()["permission"].word("read_only") == enums()["permission"].word("read") == "read"
    assert enums()["wallet"].word("6") == "funding"
    assert enums()["wallet"].word("18") == "trading"
    assert enums()["account_mode"].word("9") == "9"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("request_window_s", 30),
        ("key_idle_days", 14),
        ("order_cap_per_2s", 1000),
        ("ws_connections_per_s", 3),
        ("ws_requests_per_h", 480),
    ],
)
def test_rules_of_the_exchange(name: str, value: float) -> None:
    assert tunable(name) == value
    assert tunables()[name].grade == "documented"


def test_each_limit_has_unit_reason_and_grade() -> None:
    for name, row in tunables().items():
        assert row.name == name
        assert name.endswith(UNITS), name
        assert re.fullmatch(r"[a-z0-9_]+", name)
        assert row.value > 0
        assert len(row.says) >= 15
        assert len(row.source) >= 15
        assert row.grade in {"documented", "observed", "assumed", "chosen"}
        assert datetime.date.fromisoformat(row.seen) < datetime.date(2027, 1, 1)


def test_each_limit_is_asked_for() -> None:
    """A row that nothing reads would be believed and change nothing."""
    folders = [Path(str(module.__file__)).parent for module in (okxdoctor, okxdoctor_checks)]
    code = "\n".join(path.read_text("utf-8") for folder in folders for path in sorted(folder.rglob("*.py")))
    assert [name for name in tunables() if f'"{name}"' not in code] == []


def test_an_unknown_limit_is_an_error() -> None:
    with pytest.raises(KeyError):
        tunable("clock_warn_ms")


def test_each_set_has_source_and_grade() -> None:
    for row in enums().values():
        assert len(row.source) >= 8
        assert row.grade in {"documented", "observed", "assumed"}
