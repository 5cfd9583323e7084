"""--order: files are read before anything is asked of the world, and what cannot be read says which file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from okxdoctor.settings import Flags, UsageProblem, resolve
from okxdoctor.settings.orders import read_order_files

ONE = '{"instId":"BTC-USDT","side":"buy"}'


def test_all_files_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(f"[{ONE}]", "utf-8")
    (tmp_path / "b.csv").write_text("instId,side\nETH-USDT,sell\n", "utf-8")
    flags = Flags(target="sim", orders=(str(tmp_path / "b.csv"), str(tmp_path / "a.json")))
    settings = resolve(flags, {}, tmp_path)
    assert [(draft.file, draft.line) for draft in settings.drafts] == [("b.csv", 2), ("a.json", 1)]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[1]", "o.json, line 1: an order must be"),
        ("", "o.json: holds no order"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, content: str | None, says: str) -> None:
    path = tmp_path / "o.json"
    if content is not None:
        path.write_text(content, "utf-8")
    with pytest.raises(UsageProblem, match=says):
        resolve(Flags(target="sim", orders=(str(path),)), {}, tmp_path)


def test_a_directory_and_a_device_that_never_ends() -> None:
    for path in ("/", "/dev/zero", "bad\x00name"):
        with pytest.raises(UsageProblem, match=r"--order: .*cannot be read"):
            read_order_files([path])


def test_orders_are_placed_on_demo_and_sim_alone(tmp_path: Path) -> None:
    for target in ("live", "demo", "sim"):
        flags = Flags(target=target, demo_orders=True)
        if target == "live":
            with pytest.raises(UsageProblem, match="--demo-orders"):
                resolve(flags, {}, tmp_path)
        else:
            assert resolve(flags, {}, tmp_path).demo_orders
    with pytest.raises(UsageProblem, match="--demo-orders"):
        resolve(Flags(demo_orders=True), {}, tmp_path)
