"""The baseline: a misread acceptance would hide a failure, so everything odd in it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from okxdoctor.runner.verdict import Acceptance
from okxdoctor.settings import UsageProblem
from okxdoctor.settings.baseline import read_baseline

GOOD = 'code = "ip.unbound"\nreason = "until the NAT gateway is up"\nowner = "platform"\nexpires = 2027-01-31\n'


def put(folder: Path, text: str) -> Path:
    path = folder / "baseline.toml"
    path.write_text(text)
    return path


def test_acceptances(tmp_path: Path) -> None:
    path = put(
        tmp_path, f"[[accept]]\n{GOOD}[[accept]]\n{GOOD.replace('2027-01-31', chr(34) + '2027-02-01' + chr(34))}"
    )
    first, second = read_baseline(path)
    assert first == Acceptance(
        code="ip.unbound", reason="until the NAT gateway is up", owner="platform", expires="2027-01-31"
    )
    assert second.expires == "2027-02-01"
    assert read_baseline(put(tmp_path, "")) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("accept = 3", "[[accept]] tables only"),
        ("[accept]\n", "[[accept]] tables only"),
        (f"[[acept]]\n{GOOD}", "[[accept]] tables only"),
        ("[[accept]]\n", "code, reason, owner, expires is missing"),
        (f"[[accept]]\n{GOOD}".replace('owner = "platform"', 'owner = ""'), "owner is missing"),
        (f'[[accept]]\n{GOOD}note = "x"\n', "nothing reads note"),
        (f"[[accept]]\n{GOOD}".replace("ip.unbound", "ip.unbuond"), "did you mean ip.unbound"),
        (f"[[accept]]\n{GOOD}".replace("2027-01-31", '"next year"'), "expires must be a day"),
        (f"[[accept]]\n{GOOD}".replace("2027-01-31", "2027-01-31T00:00:00"), "expires must be a day"),
        ("broken [", "is not TOML"),
    ],
)
def test_what_is_odd_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageProblem) as problem:
        read_baseline(put(tmp_path, text))
    assert said in str(problem.value)
    assert "\n" not in str(problem.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="cannot be read"):
        read_baseline(tmp_path)
    path = tmp_path / "x"
    path.write_bytes(b"\xff")
    with pytest.raises(UsageProblem, match="is not UTF-8"):
        read_baseline(path)
