"""What is known about OKX, as data: causes, codes, endpoints, hosts, enumerations, limits of judgement.

Each fact carries its source, the date it was seen and a grade (documented, observed, assumed; `chosen` for limits that
are the project's own choice). Nothing is read before it is asked for, and files are split so that looking up one row
parses little: `okxdoctor explain` must start about as fast as the command line library itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from okxdoctor.knowledge.cause_table import CauseRow, LookAlike, cause, causes, families, family
from okxdoctor.knowledge.code_table import CodeRow, code, codes

if TYPE_CHECKING:
    from okxdoctor.knowledge.endpoint_table import endpoint, endpoints
    from okxdoctor.knowledge.enum_table import enums
    from okxdoctor.knowledge.host_table import hosts
    from okxdoctor.knowledge.tunable_table import tunable, tunables

__all__ = [
    "CauseRow",
    "CodeRow",
    "LookAlike",
    "cause",
    "causes",
    "code",
    "codes",
    "endpoint",
    "endpoints",
    "enums",
    "families",
    "family",
    "hosts",
    "tunable",
    "tunables",
]

_LATE = {
    "endpoint": "endpoint_table",
    "endpoints": "endpoint_table",
    "enums": "enum_table",
    "hosts": "host_table",
    "tunable": "tunable_table",
    "tunables": "tunable_table",
}


def __getattr__(name: str) -> object:
    # Tables that `explain` does not need are imported on first use.
    module = _LATE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value
