"""The catalogue of faults and the reading of ``NAME[=VALUE]``.

catalogue()                    every fault that the exchange can produce
parse("clock-ahead=45s")       one that is on, with its value read
UnknownFault, BadFaultValue    what parsing raises: both say what would have been right
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from ipaddress import ip_address

from .model import Fault, Injected

__all__ = ["BadFaultValue", "Fault", "Injected", "UnknownFault", "catalogue", "parse"]


class UnknownFault(ValueError):
    """No fault has this name."""


class BadFaultValue(ValueError):
    """The value does not have the form that the fault wants."""


@cache
def catalogue() -> tuple[Fault, ...]:
    """All faults, by layer and name: the exchange's own and those of the network around it."""
    from okxdoctor.exchange.net.faults import FAULTS as NETWORK

    from .edge import FAULTS as EDGE
    from .semantics import FAULTS as SEMANTICS

    return tuple(sorted((*SEMANTICS, *EDGE, *NETWORK), key=lambda fault: (fault.layer, fault.name)))


def parse(text: str, *, more: Iterable[Fault] = ()) -> Injected:
    """Read ``NAME`` or ``NAME=VALUE``; raises ``UnknownFault`` or ``BadFaultValue``.

    ``more`` are faults of somebody else's making (the client's machine) that are read by the same rules.
    """
    name, given, value = text.strip().partition("=")
    found = {fault.name: fault for fault in (*catalogue(), *more)}
    fault = found.get(name)
    if fault is None:
        raise UnknownFault(_unknown(name, list(found)))
    if fault.value is None:
        if given:
            raise BadFaultValue(f"{name} takes no value")
        return Injected(fault=fault)
    if not given:
        return Injected(fault=fault, value=fault.default)
    return Injected(fault=fault, value=_read(fault, value.strip()))


def _unknown(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    alike = [one for one in known if name and one.startswith(name[:4])]
    near = get_close_matches(name, known, n=3, cutoff=0.5) or alike[:3]
    hint = f"; did you mean {', '.join(near)}?" if near else "; see: okxdoctor list faults"
    return f"no fault is called {name[:64]!r}{hint}"


_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|min|m|h|d)\Z", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}


def _read(fault: Fault, value: str) -> float | str:
    match fault.value:
        case "duration":
            found = _DURATION.match(value)
            if found is None:
                raise _bad(fault, value, "a duration such as 800ms, 45s, 8h or 3d")
            return float(found[1]) * _SECONDS[found[2]]
        case "choice":
            if value not in fault.choices:
                raise _bad(fault, value, f"one of {', '.join(fault.choices)}")
            return value
        case "number":
            if not re.fullmatch(r"\d+(\.\d+)?%?", value, re.ASCII):
                raise _bad(fault, value, "a number")
            return float(value[:-1]) / 100 if value.endswith("%") else float(value)
        case "address":
            try:
                return str(ip_address(value))
            except ValueError:
                raise _bad(fault, value, "an IPv4 or IPv6 address") from None
        case _:
            if not value:
                raise _bad(fault, value, "a text")
            return value


def _bad(fault: Fault, value: str, wanted: str) -> BadFaultValue:
    return BadFaultValue(f"{fault.name} wants {wanted}, not {value[:64]!r} (example: {fault.example})")
