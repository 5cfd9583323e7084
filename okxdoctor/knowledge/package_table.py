"""Installed packages that break OKX clients (`data/packages.toml`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from okxdoctor.knowledge import store

_RELEASE = re.compile(r"\d+(?:\.\d+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageConflict:
    """`package` in one of `versions`, beside `beside` ("" nothing) in one of `beside_versions`, breaks; `says` how."""

    package: str
    versions: str
    beside: str
    beside_versions: str
    says: str
    remedy: str
    source: str
    seen: str
    grade: str

    def present(self, packages: Mapping[str, str]) -> bool:
        """Whether these distributions (name to version) include the conflict."""
        return _within(packages.get(self.package), self.versions) and (
            not self.beside or _within(packages.get(self.beside), self.beside_versions)
        )


def release(version: str) -> tuple[int, ...] | None:
    """The release part of a version as numbers (PEP 440; pre-releases count as their release); None without one."""
    found = _RELEASE.match(version.removeprefix("v"))
    if found is None or len(found.group()) > 60:
        return None
    numbers = [int(part) for part in found.group().split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _within(version: str | None, bounds: str) -> bool:
    if version is None:
        return False
    if not bounds:
        return True
    have = release(version)
    return have is not None and all(_holds(have, bound.strip()) for bound in bounds.split(","))


def _holds(have: tuple[int, ...], bound: str) -> bool:
    for sign in (">=", "<"):
        if bound.startswith(sign):
            wanted = release(bound.removeprefix(sign))
            if wanted is None:
                break
            return have >= wanted if sign == ">=" else have < wanted
    raise store.Malformed(f"packages.toml: {bound!r} is no bound")


@cache
def package_conflicts() -> tuple[PackageConflict, ...]:
    """Every known conflict, in the order of the file."""
    return tuple(PackageConflict(**row) for row in store.from_toml("packages.toml")["conflict"])
