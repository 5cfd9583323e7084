"""Reading the data files that lie beside this package. Standard library only, nothing is read at import."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any

_DATA = os.path.join(os.path.dirname(__file__), "data")


class Malformed(ValueError):
    """A data file of the package does not hold what it must: a defect of okxdoctor, never of the user."""


@cache
def names(folder: str, suffix: str) -> tuple[str, ...]:
    """Stems of the files with `suffix` in `folder`, sorted: `names("causes", ".toml")` gives `("account", …)`."""
    found = (entry.name for entry in os.scandir(os.path.join(_DATA, folder)))
    return tuple(sorted(name.removesuffix(suffix) for name in found if name.endswith(suffix)))


def text(path: str) -> str:
    """The text of one data file; `path` is relative to the data folder and uses `/`."""
    with open(os.path.join(_DATA, *path.split("/")), encoding="utf-8") as file:
        return file.read()


def from_toml(path: str) -> dict[str, Any]:
    """The table of one TOML data file."""
    import tomllib

    try:
        return tomllib.loads(text(path))
    except tomllib.TOMLDecodeError as error:
        raise Malformed(f"{path}: {error}") from None


def from_json(path: str) -> Any:
    """The value of one JSON data file."""
    try:
        return json.loads(text(path))
    except json.JSONDecodeError as error:
        raise Malformed(f"{path}: {error}") from None


def words(text_: str) -> str:
    """The same text with every run of white space made one blank (data files wrap their long texts)."""
    return " ".join(text_.split())
