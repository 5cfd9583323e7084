"""Installed Python packages that OKX clients live on, read from the names of their metadata folders.

importlib.metadata opens every package's metadata; one listing of each folder is enough here and ten times quicker.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping

WANTED = frozenset(
    {
        "python-okx",
        "okx",
        "okx-api",
        "okx-sdk",
        "okx-python",
        "okx-client",
        "async-okx",
        "ccxt",
        "nautilus-trader",
        "cryptofeed",
        "httpx",
        "httpcore",
        "h2",
        "requests",
        "urllib3",
        "urllib3-future",
        "niquests",
        "aiohttp",
        "websockets",
        "websocket-client",
        "certifi",
        "truststore",
        "pip-system-certs",
    }
)
"""Distributions whose version explains trouble of OKX clients (normalised names)."""

_METADATA = re.compile(r"(?P<name>.+?)-(?P<version>\d[^-]*)(?:-.*)?\.(?:dist|egg)-info")


def folders(environ: Mapping[str, str]) -> Iterator[str]:
    """This interpreter's folders, then those of an activated environment that is not its own."""
    yield from (path for path in sys.path if path)
    active = environ.get("VIRTUAL_ENV", "")
    if not active or os.path.realpath(active) == os.path.realpath(sys.prefix):
        return
    try:
        for entry in sorted(os.listdir(os.path.join(active, "lib"))):
            if entry.startswith("python"):
                yield os.path.join(active, "lib", entry, "site-packages")
    except OSError:
        windows = os.path.join(active, "Lib", "site-packages")
        if os.path.isdir(windows):
            yield windows


def installed(paths: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """(distribution, version) of what is wanted, sorted; the first folder that has one wins, as in an import."""
    found: dict[str, str] = {}
    for path in paths:
        for name, version, _ in _distributions(path):
            if name in WANTED:
                found.setdefault(name, version)
    return tuple(sorted(found.items()))


def owner_of_okx(paths: Iterable[str]) -> str:
    """The distribution whose files ``import okx`` loads.

    "" when nothing is imported by that name; ``(no distribution)`` when a plain folder or file of that name is.
    """
    for path in paths:
        folder, module = os.path.join(path, "okx"), os.path.join(path, "okx.py")
        if not os.path.isfile(module) and not _is_package(folder):
            continue
        likely = sorted(_distributions(path), key=lambda row: "okx" not in row[0])
        return next((name for name, _, place in likely if _brings_okx(place)), "(no distribution)")
    return ""


def _is_package(folder: str) -> bool:
    """A folder with an __init__, or with modules (a namespace package); an empty folder is neither."""
    try:
        return any(name.endswith((".py", ".so", ".pyd")) for name in os.listdir(folder))
    except OSError:
        return False


def _distributions(path: str) -> tuple[tuple[str, str, str], ...]:
    try:
        entries = os.listdir(path)
    except OSError:
        return ()
    rows = []
    for entry in entries:
        found = _METADATA.fullmatch(entry)
        if found:
            name = re.sub(r"[-_.]+", "-", found["name"]).lower()
            rows.append((name, found["version"], os.path.join(path, entry)))
    return tuple(sorted(rows))


def _brings_okx(metadata: str) -> bool:
    """Whether the record of a distribution lists the import name."""
    for name in ("RECORD", "installed-files.txt", "top_level.txt"):
        try:
            with open(os.path.join(metadata, name), encoding="utf-8", errors="replace") as file:
                text = file.read(4_000_000)
        except OSError:
            continue
        if re.search(r"^(?:\.\./)*okx(?:/|\.py|\s*$)", text, re.MULTILINE):
            return True
    return False
