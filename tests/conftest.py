"""What every test shares: one hypothesis profile, and an environment without the developer's own settings."""

from __future__ import annotations

import os
import signal
import threading

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "suite", deadline=None, database=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")

_FOREIGN = ("OKX_", "OKXDOCTOR_CONFIG", "OKXDOCTOR_PROFILE", "OKXDOCTOR_DEBUG")


def pytest_configure() -> None:
    """A shell starts what runs in the background with SIGINT ignored, every child would inherit it, and okxdoctor would
    rightly leave it so: the tests that interrupt it are about programs in front of somebody."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No key, profile, proxy or trust store of the machine that runs the tests."""
    for name in list(os.environ):
        lower = name.lower()
        if name.startswith(_FOREIGN) or lower in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
            monkeypatch.delenv(name)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "XDG_CONFIG_HOME", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
