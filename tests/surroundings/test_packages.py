"""Installed packages, compared with importlib.metadata and with what an import really loads."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from okxdoctor.surroundings.packages import WANTED, folders, installed, owner_of_okx


def put(site: Path, name: str, version: str, *files: str) -> None:
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "RECORD").write_text("".join(f"{file},sha256=x,1\n" for file in files))
    for file in files:
        path = site / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def test_versions_as_importlib_metadata_gives_them() -> None:
    expected = {}
    for name in WANTED:
        try:
            expected[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    assert dict(installed(folders({}))) == expected
    assert "httpx" in expected


@pytest.mark.parametrize(
    ("packages", "owner"),
    [
        ((), ""),
        ((("python-okx", "0.4.0", "okx/__init__.py"),), "python-okx"),
        ((("okx", "2.1", "okx/client.py"), ("python-okx", "0.4.0", "other.py")), "okx"),
        ((("some-thing", "1", "okx.py"),), "some-thing"),
    ],
)
def test_who_owns_the_import_name(tmp_path: Path, packages: tuple[tuple[str, ...], ...], owner: str) -> None:
    for name, version, *files in packages:
        put(tmp_path, name, version, *files)
    assert owner_of_okx([str(tmp_path)]) == owner


def test_a_plain_folder_shadows(tmp_path: Path) -> None:
    """As an import does: the first folder wins, whoever it belongs to."""
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "okx.py").write_text("")
    put(tmp_path / "second", "python-okx", "0.4.0", "okx/__init__.py")
    paths = [str(tmp_path / "first"), str(tmp_path / "second")]
    assert owner_of_okx(paths) == "(no distribution)"
    script = f"import sys; sys.path[:0] = {paths!r}; import okx; print(okx.__file__)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path / "first") in loaded
    assert owner_of_okx(reversed(paths)) == "python-okx"


def test_an_empty_folder_is_no_package(tmp_path: Path) -> None:
    (tmp_path / "okx").mkdir()
    assert owner_of_okx([str(tmp_path)]) == ""


def test_an_activated_environment_is_looked_at(tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=False)
    (site,) = (tmp_path / "env" / "lib").glob("python*/site-packages")
    put(site, "python-okx", "0.3.9", "okx/__init__.py")
    where = tuple(folders({"VIRTUAL_ENV": str(tmp_path / "env")}))
    assert str(site) in where
    assert ("python-okx", "0.3.9") in installed(where)
    assert str(site) not in tuple(folders({"VIRTUAL_ENV": str(tmp_path / "nothing")}))


def test_folders_that_are_not_there() -> None:
    assert installed(["/does/not/exist", ""]) == ()
