"""Find the checks that are installed: everyone's enter by the entry-point group ``okxdoctor.checks``.

An entry point names a module or package. A package brings every module of its own that has a ``CHECK``;
a module brings its ``CHECK``. So a new built-in check is one new module and no table.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from okxdoctor.check import Check
from okxdoctor.imports import to_blame

GROUP = "okxdoctor.checks"


class BrokenCheck(Exception):
    """An installed check module cannot be imported or holds no usable ``CHECK``."""


def _checks_of(module: ModuleType) -> list[Check[Any]]:
    own = getattr(module, "CHECK", None)
    if isinstance(own, Check):
        return [own]
    found: list[Check[Any]] = []
    for info in pkgutil.iter_modules(getattr(module, "__path__", ())):
        if info.name.startswith("_"):
            continue
        part = importlib.import_module(f"{module.__name__}.{info.name}")
        check = getattr(part, "CHECK", None)
        if not isinstance(check, Check):
            raise BrokenCheck(f"{part.__name__} has no CHECK")
        found.append(check)
    return found


@cache
def checks() -> tuple[Check[Any], ...]:
    """Every installed check, built-in ones first, in dependency order and then by id.

    Raises BrokenCheck when two checks share an id or a module cannot be used.
    """
    found: dict[str, Check[Any]] = {}
    points = sorted(entry_points(group=GROUP), key=lambda p: (not p.value.startswith("okxdoctor"), p.value))
    for point in points:
        try:
            brought = _checks_of(importlib.import_module(point.value.split(":")[0]))
        except BrokenCheck:
            raise
        except Exception as error:  # a stranger's module may raise anything while it is imported
            what = to_blame(error) or " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise BrokenCheck(f"entry point {point.name} = {point.value}: {what}") from error
        if not brought:
            raise BrokenCheck(f"entry point {point.name} = {point.value}: it holds no CHECK")
        for check in brought:
            if check.id in found and found[check.id] is not check:
                raise BrokenCheck(f"two checks have the id {check.id!r}")
            found[check.id] = check
    from okxdoctor.runner.plan import in_order

    return in_order(tuple(found.values()))
