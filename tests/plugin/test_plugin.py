"""The pytest plugin as its users meet it: small suites of theirs, run by a pytest of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import okxdoctor.pytest_plugin as plugin

INI = "[pytest]\naddopts = -p no:cacheprovider --strict-markers --strict-config\nfilterwarnings = error\n"


class Suite:
    """A directory with somebody's tests."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "pytest.ini").write_text(INI)

    def write(self, code: str, name: str = "test_theirs.py") -> None:
        (self.path / name).write_text(textwrap.dedent(code))

    def run(self, *arguments: str, plugins: str = "okxdoctor") -> subprocess.CompletedProcess[str]:
        """Run pytest there, as a process that knows nothing of the one that runs this test.

        ``plugins`` are entry points; others of the environment stay out of it, unless it is empty: then all are in.
        """
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV_"))}
        if plugins:
            environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        chosen = [word for name in plugins.split() for word in ("-p", name)]
        return subprocess.run(
            [sys.executable, "-m", "pytest", *chosen, *arguments], cwd=self.path, env=environment,
            capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return Suite(tmp_path)


def outcome(done: subprocess.CompletedProcess[str]) -> str:
    """``2 passed, 1 failed``, without the seconds."""
    return done.stdout.strip().splitlines()[-1].strip("= ").rpartition(" in ")[0]


def test_the_plugin_is_entered() -> None:
    (entry,) = [each for each in entry_points(group="pytest11") if each.name == "okxdoctor"]
    assert entry.load() is plugin


def test_it_costs_nothing_when_unused(suite: Suite) -> None:
    suite.write(
        """
        import sys

        def test_nothing_of_it_is_loaded(request):
            assert request.config.pluginmanager.has_plugin("okxdoctor")
            ours = {name for name in sys.modules if name.partition(".")[0] == "okxdoctor"}
            assert ours == {"okxdoctor", "okxdoctor.pytest_plugin"}
            assert not {"aiohttp", "cryptography", "msgspec"} & sys.modules.keys()
        """
    )
    assert outcome(done := suite.run()) == "1 passed", done.stdout


def test_the_documented_example_runs(suite: Suite) -> None:
    text = textwrap.dedent((plugin.__doc__ or "").partition("\n\n")[2].partition("\n``okx_exchange``\n")[0])
    assert text.count("def test_") == 2
    suite.write(text)
    # As users have it: every plugin that is installed takes part.
    assert outcome(done := suite.run("-v", plugins="")) == "2 passed", done.stdout


def test_each_test_has_its_own_also_on_several_processes_and_nothing_is_left(suite: Suite) -> None:
    suite.write(
        """
        import gc, os, threading
        import pytest

        SEEN = []

        @pytest.mark.parametrize("turn", range(25))
        def test_it_is_fresh(okx_exchange, turn):
            assert okx_exchange.balance("USDT")["cash"] == "10000"
            assert okx_exchange.orders() == () and okx_exchange.wire_log == ()
            okx_exchange.add_funds("USDT", 1)
            okx_exchange.inject("key-frozen")
            okx_exchange.advance(40)
            SEEN.append(os.path.dirname(okx_exchange.info.ca_file))

        def test_nothing_is_left():
            gc.collect()
            assert not any(map(os.path.exists, SEEN))
            assert not [each for each in threading.enumerate() if "okxdoctor" in each.name]
            if os.path.isdir("/proc/self/fd"):
                links = [os.path.join("/proc/self/fd", each) for each in os.listdir("/proc/self/fd")]
                # The directory's own descriptor is gone by now.
                assert not [each for each in links if os.path.islink(each) and "socket" in os.readlink(each)]
        """
    )
    assert outcome(done := suite.run()) == "26 passed", done.stdout
    suite.write((suite.path / "test_theirs.py").read_text().partition("def test_nothing_is_left")[0], "test_theirs.py")
    assert outcome(done := suite.run("-n", "2", plugins="okxdoctor xdist")) == "25 passed", done.stdout


def test_markers_and_configuration_set_the_stage(suite: Suite) -> None:
    (suite.path / "pytest.ini").write_text(INI + "okx_seed = 5\n")
    suite.write(
        """
        import os
        import pytest

        pytestmark = pytest.mark.okx(faults=["http-slow=1ms"])
        KEYS = {}

        def on(x):
            return {fault.name: fault.value for fault in x.served.faults.on}

        def test_configured(okx_exchange):
            KEYS["ini"] = okx_exchange.info.api_key
            assert on(okx_exchange) == {"http-slow": 0.001}

        @pytest.mark.okx(seed=5)
        def test_the_same_seed(okx_exchange):
            assert okx_exchange.info.api_key == KEYS["ini"]

        @pytest.mark.okx(seed=6)
        class TestMarked:
            @pytest.mark.okx(faults=["clock-ahead=45s", "http-slow=2ms"])
            def test_added(self, okx_exchange):
                assert okx_exchange.info.api_key != KEYS["ini"]
                assert on(okx_exchange) == {"http-slow": 0.002, "clock-ahead": 45.0}

        def test_the_environment_is_left_alone(okx_exchange):
            assert "OKX_BASE_URL" not in os.environ

        def test_the_environment_leads_there(okx_exchange_env, okx_exchange):
            assert okx_exchange_env is okx_exchange
            assert os.environ["OKX_BASE_URL"] == okx_exchange.info.rest_url
            assert okx_exchange.environ().items() <= os.environ.items()

        def test_and_is_brought_back():
            assert not [name for name in os.environ if name.startswith("OKX_")]
        """
    )
    assert outcome(done := suite.run()) == "6 passed", done.stdout


WRONG = {
    'okx(faults=["nonsense"])': "no fault is called 'nonsense'",
    'okx(faults=["http-slow=much"])': "http-slow wants a duration",
    'okx(faults="ws-no-pong")': "faults is a list of texts",
    "okx(faults=7)": "faults is a list of texts",
    "okx(7, sede=3)": "takes faults=[...] and seed=N, not 7, sede",
    'okx(seed="x")': "okx_seed is a whole number, not 'x'",
}


def test_a_wrong_marker_is_told_in_one_line(suite: Suite) -> None:
    tests = "".join(
        f"\n@pytest.mark.{marker}\ndef test_{turn}(okx_exchange):\n    pass\n" for turn, marker in enumerate(WRONG)
    )
    suite.write(f"import pytest\n{tests}")
    done = suite.run()
    assert outcome(done) == f"{len(WRONG)} errors", done.stdout
    told = done.stdout.partition("short test summary")[0].split("ERROR at setup of test_")[1:]
    for section, says in zip(told, WRONG.values(), strict=True):
        assert says in section
    assert "Traceback" not in done.stdout
    assert "pytest_plugin.py" not in done.stdout


def test_a_failed_test_shows_the_wire(suite: Suite) -> None:
    suite.write(
        """
        import json, urllib.request
        from pathlib import Path

        def test_it(okx_exchange):
            info = okx_exchange.info
            Path("canaries").write_text(info.passphrase + " " + info.secret_key)
            secrets = json.dumps({"passphrase": info.passphrase, "secretKey": info.secret_key}).encode()
            for body in (None, None, None, secrets):
                path = "/api/v5/public/time" if body is None else "/api/v5/trade/order"
                try:
                    with urllib.request.urlopen(info.plain_rest_url + path, body, timeout=10) as answer:
                        answer.read()
                except urllib.error.HTTPError as refused:
                    refused.close()
            assert repr(okx_exchange) == "", okx_exchange.info

        def test_passes(okx_exchange):
            pass
        """
    )
    done = suite.run()
    assert outcome(done) == "1 failed, 1 passed", done.stdout
    section = done.stdout.partition("OKX wire log")[2]
    assert section.count("rest GET /api/v5/public/time -> 200 0") == 3
    assert "rest POST /api/v5/trade/order -> 401 50103" in section
    for canary in (suite.path / "canaries").read_text().split():
        assert canary not in done.stdout


def test_a_defect_of_the_exchange_is_told(suite: Suite) -> None:
    suite.write(
        """
        def test_it(okx_exchange):
            okx_exchange.served.wire_log.defects.append("GET /: KeyError()")
        """
    )
    done = suite.run()
    assert outcome(done) == "1 passed, 1 error"
    assert "defects of the embedded exchange: GET /: KeyError()" in done.stdout


def test_coroutines_of_somebody_s_loop(suite: Suite) -> None:
    """Without any plugin for coroutines; those of such plugins run in a loop, too."""
    suite.write(
        """
        import asyncio

        def test_it(okx_exchange):
            async def go():
                x = okx_exchange.aio
                await x.add_funds("USDT", 5)
                async with x.inject("ws-no-pong"):
                    assert [fault.name for fault in okx_exchange.served.faults.on] == ["ws-no-pong"]
                return await x.wait_for(lambda: x.balance("USDT"))

            assert asyncio.run(go())["cash"] == "10005"
        """
    )
    assert outcome(done := suite.run()) == "1 passed", done.stdout
