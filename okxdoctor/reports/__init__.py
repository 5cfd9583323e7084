"""How a report is shown. One module per format; a new module here is a new format.

A format module has ``NAME`` (what ``--format`` takes), ``SAYS`` (one line for ``okxdoctor list formats``) and
``render(report, look) -> str``: the whole document, ending with a newline. It receives a report that is
redacted already (see :mod:`okxdoctor.redact`), only lays out, and judges nothing. Modules without ``NAME``
are rooms that the formats share.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Protocol, cast

from okxdoctor.model import Report
from okxdoctor.reports.look import Look

__all__ = ["Look", "Writer", "formats", "writer"]


class Writer(Protocol):
    """What a format module offers. One with ``MARKUP = True`` is read by what knows references to characters."""

    NAME: str
    SAYS: str

    def render(self, report: Report, look: Look) -> str: ...


def _modules() -> Mapping[str, Writer]:
    import pkgutil

    found: dict[str, Writer] = {}
    for info in pkgutil.iter_modules(__path__):
        module = import_module(f"{__name__}.{info.name}")
        if hasattr(module, "NAME"):
            found[module.NAME] = cast("Writer", module)
    return dict(sorted(found.items(), key=lambda pair: (pair[0] != "text", pair[0])))


def formats() -> Mapping[str, str]:
    """Name and one-line description of every format; ``text`` first."""
    return {name: module.SAYS for name, module in _modules().items()}


def writer(name: str) -> Writer:
    """The format of that name. Raises KeyError for an unknown one."""
    try:
        module = import_module(f"{__name__}.{name}") if name.isidentifier() else None
    except ModuleNotFoundError:
        module = None
    if module is not None and getattr(module, "NAME", None) == name:
        return cast("Writer", module)
    return _modules()[name]
