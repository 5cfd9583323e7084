"""The lab: two hosts on a wire of their own, with the programs that stand between people and an exchange.

Needs root (network namespaces, packet filter) and Debian's programs; the reason of a skip names what is missing.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_HERE = str(Path(__file__).parent)
if _HERE not in sys.path:
    sys.path.insert(0, _HERE)

from lab_components import Lab, start_lab  # noqa: E402  stands beside this file
from lab_wire import NoWire  # noqa: E402

PROGRAMS = {
    "ip": "iproute2",
    "nft": "nftables",
    "dnsmasq": "dnsmasq-base",
    "chronyd": "chrony",
    "faketime": "faketime",
    "tinyproxy": "tinyproxy-bin",
    "microsocks": "microsocks",
    "openssl": "openssl",
    "nginx": "nginx-light",
}
"""What a lab is made of: the program -> the Debian package that has it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).parent == Path(_HERE):
            item.add_marker(pytest.mark.lab)


def _missing() -> str | None:
    if sys.platform != "linux" or os.geteuid() != 0:
        return "the lab needs root on Linux: it makes network namespaces"
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    gone = [package for program, package in PROGRAMS.items() if shutil.which(program, path=path) is None]
    return f"the lab needs programs that are not here: apt-get install {' '.join(gone)}" if gone else None


@pytest.fixture(scope="session")
def _lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if reason := _missing():
        pytest.skip(reason)
    try:
        with start_lab(tmp_path_factory.mktemp("lab")) as lab:
            yield lab
    except NoWire as no:
        pytest.skip(f"this system gives no network namespace: {no}")


@pytest.fixture
def lab(_lab: Lab) -> Iterator[Lab]:
    """Two hosts and nothing wrong; what a test changes is undone after it."""
    try:
        yield _lab
    finally:
        _lab.reset()
