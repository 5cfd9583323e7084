"""The whole: nothing secret in it, survives JSON, quick."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from okxdoctor.port import Mangling, Surroundings
from okxdoctor.settings import Flags, resolve

KEY = "d0c0ffee-1234-4abc-8def-0123456789ab"


def gathered(home: Path, environ: dict[str, str]) -> Surroundings:
    return resolve(Flags(), environ, home).surroundings()


def test_a_clean_machine(tmp_path: Path) -> None:
    found = gathered(tmp_path, {})
    assert [(c.field, c.present) for c in found.credentials] == [
        ("api_key", False),
        ("secret_key", False),
        ("passphrase", False),
    ]
    assert (found.files, found.tls_off, found.proxy_variables) == ((), (), ())


def test_everything_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / ".okx" / "config.toml"
    path.parent.mkdir()
    path.write_text('[profiles.a]\nverify = false\npassphrase = 12345678\nsecret_key = "x"\n')
    path.chmod(0o644)
    environ = {
        "OKX_API_KEY": KEY,
        "OKX_SECRET_KEY": KEY,
        "NODE_TLS_REJECT_UNAUTHORIZED": "0",
        "PYTHONHTTPSVERIFY": "1",
        "https_proxy": "http://me:canary-word@p:1",
        "NO_PROXY": "localhost",
    }
    found = gathered(tmp_path, environ)
    key, secret, word = found.credentials
    assert (key.looks_like, key.equals, secret.equals, word.equals) == ("uuid", ("secret_key",), ("api_key",), ())
    (file,) = found.files
    assert (file.kind, file.holds_secrets, file.readable_by_others) == ("okx-kit", True, True)
    assert file.mangled == (Mangling(member="passphrase", how="without quotes it is a number"),)
    assert found.tls_off == (f"{path}, [profiles.a] verify = false", "env:NODE_TLS_REJECT_UNAUTHORIZED=0")
    assert found.proxy_variables == (("NO_PROXY", "localhost"), ("https_proxy", "http://***@p:1"))
    text = msgspec.json.encode(found).decode()
    assert msgspec.json.decode(text, type=Surroundings) == found
    for secret_text in (KEY, "canary-word", "12345678"):
        assert secret_text not in text


def test_dotenv_of_the_folder_one_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("OKX_PASSPHRASE=ab#cd\n")
    (file,) = gathered(tmp_path, {"OKX_PASSPHRASE": "ab"}).files
    assert (file.kind, file.mangled[0].member) == ("dotenv", "OKX_PASSPHRASE")


def test_it_is_quick(tmp_path: Path) -> None:
    gathered(tmp_path, {})
    begun = time.perf_counter()
    gathered(tmp_path, {})
    assert time.perf_counter() - begun < 1
