"""Checks of other packages enter by an entry point; a broken one is named, and a crashing one stops nobody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from okxdoctor_process import environment, okxdoctor

GOOD = """
from dataclasses import dataclass
from okxdoctor.check import Check

@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    n: int = 1

async def probe(io):
    {probe}
    return Facts()

def evaluate(facts):
    {evaluate}
    return ()

CHECK = Check(id="foreign", title="A stranger's check", probe=probe, evaluate=evaluate, facts=Facts, causes=())
"""


def install(folder: Path, source: str) -> dict[str, str]:
    """A package ``stranger`` with an entry point, in a folder that Python searches."""
    (folder / "stranger_check.py").write_text(source, "utf-8")
    info = folder / "stranger-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text("[okxdoctor.checks]\nstranger = stranger_check\n", "utf-8")
    return environment(PYTHONPATH=str(folder))


@pytest.mark.parametrize(
    "source",
    ["import no_such_module", "raise ValueError('no\\nway')", "def f(:", "1 / 0", "x = 5", "CHECK = 5", "CHECK: int"],
)
def test_a_broken_package_is_named(source: str, tmp_path: Path, bundle: Path) -> None:
    env = install(tmp_path, source)
    for args in (["run", "--target", f"facts:{bundle}"], ["list", "checks"]):
        ended = okxdoctor(*args, env=env)
        assert (ended.code, ended.out) == (2, "")
        assert len(ended.err.splitlines()) == 1
        assert "stranger = stranger_check" in ended.err


@pytest.mark.parametrize("where", ["probe", "evaluate"])
def test_a_crashing_check_is_exit_4_and_tells_no_secret(where: str, tmp_path: Path) -> None:
    """It has read the secrets and puts them into its exception, in several forms."""
    crash = (
        "import os, base64, json, urllib.parse; s = os.environ['OKX_PASSPHRASE']; "
        "raise RuntimeError(' '.join([s, repr(s), json.dumps(s), urllib.parse.quote(s), urllib.parse.quote_plus(s), "
        "base64.b64encode(s.encode()).decode(), s.encode().hex()]))"
    )
    secret = 'Pä ss%"w\\ord-1!'
    env = install(tmp_path, GOOD.format(**{"probe": "pass", "evaluate": "pass", where: crash}))
    env |= {"OKX_API_KEY": "0badcafe-1111-4222-8333-444455556666", "OKX_SECRET_KEY": "C" * 32}
    env |= {"OKX_PASSPHRASE": secret, "OKXDOCTOR_DEBUG": "1"}
    flags = ["--rest-url", "http://127.0.0.1:9", "--timeout", "2", "--deadline", "5", "--only", "foreign"]
    ended = okxdoctor("run", *flags, "--format", "json", "--verbose", env=env)
    assert ended.code == 4, ended.err
    [check] = [check for check in json.loads(ended.out)["checks"] if check["id"] == "foreign"]
    assert check["outcome"] == "broken"
    assert "RuntimeError" in check["because"]
    assert "Traceback" in ended.err, "asked for"
    for form in (secret, "ss%25", "ss%\\", '\\"w', "c3a4", "UMOkIHNz", "P%C3%A4"):
        assert form not in ended.out + ended.err
