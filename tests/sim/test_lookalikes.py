"""One symptom, many causes: in each group every member is named alone, and its look-alikes are ruled out.

The groups are those of ``lookalikes.toml``. The first group (a refused signature) lies in captured requests. Waiting is
virtual (``tests/campaign/leaping.py``), so that eighty worlds take seconds.
"""

from __future__ import annotations

import tempfile
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from okxdoctor.checkup import check_up
from okxdoctor.exchange.faults import catalogue as exchange_faults
from okxdoctor.knowledge import causes
from okxdoctor.model import Report
from okxdoctor.settings import Flags, resolve
from okxdoctor.targets.world import catalogue as machine_faults

HERE = Path(__file__).parent
DATA: dict[str, dict[str, Any]] = tomllib.loads((HERE / "lookalikes.toml").read_text("utf-8"))
OPEN = DATA.pop("open")
MEMBERS = sorted({member for group in DATA.values() for member in group["members"]})
CAUSE = {fault.name: fault.cause for fault in (*exchange_faults(), *machine_faults())}
BURST = ("ratelimit.refusal-shape", "ratelimit.limit-differs")


@pytest.fixture(scope="module")
def looked() -> SimpleNamespace:
    """One run for each world, however many groups it is in."""
    import leaping

    reports: dict[tuple[str, ...], Report] = {}

    def look(*faults: str) -> Report:
        if faults not in reports:
            cause = CAUSE[faults[0].partition("=")[0]] if faults else ""
            with tempfile.TemporaryDirectory() as home:
                flags = Flags(target="sim", faults=faults, seed=19, burst=cause in BURST)
                reports[faults] = leaping.run(check_up(resolve(flags, {}, Path(home))))
        return reports[faults]

    return SimpleNamespace(at=look)


@pytest.mark.parametrize("member", MEMBERS)
def test_a_member_is_named_alone_and_its_look_alikes_are_ruled_out(looked: SimpleNamespace, member: str) -> None:
    name = member.partition("=")[0]
    report = looked.at(member)
    assert [root.code for root in report.diagnosis] == [CAUSE[name]]
    (root,) = report.diagnosis
    shown = {code for attempt in report.attempts for code in (finding.code for finding in attempt.findings)}
    alike = {other.code for other in causes()[root.code].look_alikes} - shown
    assert alike - set(root.excluded) - set(OPEN.get(name, ())) == set()
    assert not set(root.excluded) & {root.code, *root.explains}


@pytest.mark.parametrize("group", DATA)
def test_no_two_members_of_a_group_read_the_same(looked: SimpleNamespace, group: str) -> None:
    """One symptom, and for each cause another verdict: told by cause and by the measurement beside it."""
    told: dict[str, set[str]] = {}
    for member in DATA[group]["members"]:
        report = looked.at(member)
        told.setdefault(report.diagnosis[0].code, set()).add(CAUSE[member.partition("=")[0]])
        assert report.diagnosis[0].evidence, member
    assert all(len(of) == 1 for of in told.values())
    assert len(told) >= min(3, len({CAUSE[member.partition("=")[0]] for member in DATA[group]["members"]}))


def test_what_is_left_open_is_a_look_alike_of_that_cause() -> None:
    for name, others in OPEN.items():
        alike = {other.code for other in causes()[CAUSE[name]].look_alikes}
        assert set(others) <= alike, name


# ---- two at once: the deeper one explains the shallower ----------------------------------------


@pytest.mark.parametrize(
    ("faults", "deep", "shallow"),
    [
        (("dns-poisoned=127.9.8.7", "tls-hostname-mismatch"), "dns.poisoned", ""),
        (("clock-behind=2000d", "tls-expires-soon=3d"), "clock.behind", "timestamp.expired"),
        (("clock-timezone-shift=8h", "clock-jumped=2s"), "clock.timezone-shift", "timestamp.expired"),
        (("proxy-unreachable=closed", "key-unknown"), "proxy.unreachable", ""),
        (("tcp-filtered", "http-edge-blocked"), "tcp.filtered", ""),
        (("tls-expired=3d", "status-maintenance"), "tls.expired", ""),
        (("http-captive-portal=redirect", "key-frozen"), "http.captive-portal", ""),
        (("env-config-mangled", "ratelimit-shared=90%"), "env.config-mangled", "key.passphrase-wrong"),
        (("env-credential-malformed=newline", "ws-no-pong"), "env.credential-malformed", "key.secret-wrong"),
        (("http-region-blocked=451", "instrument-unknown=BTC-USDT"), "http.region-blocked", ""),
        (("schema-field-missing=lotSz", "precision-size-off-lot"), "schema.field-missing", ""),
    ],
)
def test_the_deeper_cause_stands_first_and_explains(
    looked: SimpleNamespace, faults: tuple[str, ...], deep: str, shallow: str
) -> None:
    report = looked.at(*faults)
    first = report.diagnosis[0]
    assert first.code == deep
    assert not shallow or shallow in first.explains
    # What hangs under another cause is no root of its own.
    assert not {root.code for root in report.diagnosis} & {code for root in report.diagnosis for code in root.explains}


# ---- where the evidence does not decide --------------------------------------------------------


@pytest.mark.parametrize(
    "faults",
    [
        ("http-timeout=headers,p=0.1",),
        ("status-overloaded=50013",),
        ("ratelimit-shared=97%",),
    ],
)
def test_unknown_is_said_where_nothing_decides(looked: SimpleNamespace, faults: tuple[str, ...]) -> None:
    """Somebody did not answer now and then, or was too busy: no error is made up, and no health."""
    report = looked.at(*faults)
    assert [root.code for root in report.diagnosis if root.severity == "error"] == []
    assert [each for each in report.attempts if each.outcome == "inconclusive" and each.matters]
    assert (report.verdict, report.exit_code) == ("inconclusive", 3)
