"""Variables that only look like those that are read are named to the user, without their values."""

from __future__ import annotations

from pathlib import Path

import pytest

from okxdoctor.settings import Flags, resolve

ALL = {"OKX_API_KEY": "key-value", "OKX_SECRET_KEY": "secret-value", "OKX_PASSPHRASE": "word-value"}


def notes(environ: dict[str, str], home: Path, target: str | None = None) -> tuple[str, ...]:
    return resolve(Flags(target=target), environ, home).notes


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        *((name, "OKX_API_KEY") for name in ("OKX_KEY", "OKX_APIKEY", "OKEX_API_KEY", "OKX_ACCESS_KEY", "okx_api_key")),
        *((name, "OKX_API_KEY") for name in ("OK_ACCESS_KEY", "OKX_API_KEY_ID", "OKX_DEMO_API_KEY")),
        *((name, "OKX_SECRET_KEY") for name in ("OKX_SECRET", "OKX_API_SECRET_KEY", "OKX_SECRETKEY", "OKX_APISECRET")),
        *((name, "OKX_PASSPHRASE") for name in ("OKX_PASS", "OKX_PASS_PHRASE", "OKX_PASSWORD", "OK_ACCESS_PASSPHRASE")),
    ],
)
def test_a_credential_under_another_name_is_noted_while_it_is_missing(tmp_path: Path, name: str, meant: str) -> None:
    found = notes({name: "hidden-value"}, tmp_path)
    assert len(found) == 1
    assert found[0].startswith(f"{name} is set, and nothing reads it: the ")
    assert found[0].endswith(f" is read from {meant}")
    assert "hidden-value" not in found[0]
    assert notes({**ALL, name: "hidden-value"}, tmp_path) == ()


def test_the_names_that_are_read_are_not_noted(tmp_path: Path) -> None:
    assert notes(ALL, tmp_path) == ()
    assert notes({"OKX_API_KEY": "k", "OKX_API_SECRET": "s", "OKX_API_PASSPHRASE": "p"}, tmp_path) == ()
    assert notes({"OKX_SITE": "eea", "OKX_DEMO": "0", "OKX_BASE_URL": "https://eea.okx.com"}, tmp_path) == ()


def test_two_names_with_different_values_are_noted(tmp_path: Path) -> None:
    (note,) = notes({**ALL, "OKX_API_SECRET": "other-value"}, tmp_path)
    assert note == "OKX_API_SECRET has another value than OKX_SECRET_KEY, and OKX_SECRET_KEY counts as the secret key"
    assert notes({**ALL, "OKX_API_SECRET": ALL["OKX_SECRET_KEY"]}, tmp_path) == ()


def test_parts_of_different_places_are_noted(tmp_path: Path) -> None:
    path = tmp_path / ".okx" / "config.toml"
    path.parent.mkdir()
    path.write_text('[profiles.a]\napi_key = "k"\nsecret_key = "s"\npassphrase = "p"\n')
    assert notes({}, tmp_path) == ()
    assert notes(ALL, tmp_path) == ()
    (note,) = notes({"OKX_API_KEY": ALL["OKX_API_KEY"]}, tmp_path)
    assert note == (
        "the credentials come from different places, and must belong together: the API key from env:OKX_API_KEY, "
        f"the secret key from profile:a ({path}), the passphrase from profile:a ({path})"
    )


def test_a_misspelt_address_is_noted(tmp_path: Path) -> None:
    (note,) = notes({"OKX_BASEURL": "https://eea.okx.com"}, tmp_path)
    assert note == "OKX_BASEURL is set, and nothing reads it (did you mean OKX_BASE_URL?)"


def test_what_belongs_to_others_is_left_alone(tmp_path: Path) -> None:
    others = {
        "OKX_LOG_LEVEL": "debug",
        "BINANCE_API_KEY": "x",
        "OK_COMPUTER": "1",
        "OKX_API_KEYRING": "",
        "SECRET": "x",
    }
    assert notes(others, tmp_path) == ()


def test_a_world_of_its_own_reads_no_variable(tmp_path: Path) -> None:
    assert notes({"OKX_SECRET": "x"}, tmp_path, target="sim") == ()


@pytest.mark.parametrize(
    "name", ["OKX_FLAG", "OKX_SIMULATED", "OKX_SIMULATED_TRADING", "OKX_TESTNET", "OKX_USE_DEMO", "OKX_PAPER_TRADING"]
)
def test_the_switch_of_another_tool_is_noted_where_the_run_is_live(name: str, tmp_path: Path) -> None:
    (note,) = notes({**ALL, name: "1"}, tmp_path)
    assert note == f"{name}=1 is set, and nothing reads it: demo trading is --target demo, or OKX_DEMO=1"
    assert notes({**ALL, name: "0"}, tmp_path) == ()
    assert notes({**ALL, name: "1"}, tmp_path, "live") == ()
    assert notes({**ALL, name: "1", "OKX_DEMO": "1"}, tmp_path) == ()
