"""The catalogue of faults and the reading of ``NAME[=VALUE][,WHEN…]``.

catalogue()                    every fault that the exchange can produce
parse("clock-ahead=45s")       one that is on, with its value read
parse("http-slow=2s,p=0.3,count=5,after=10s")   met now and then only: see ``when``
UnknownFault, BadFaultValue    what parsing raises: both say what would have been right
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from ipaddress import ip_address

from .model import Fault, Injected
from .when import ALWAYS, When, read, seconds, split

__all__ = ["BadFaultValue", "Fault", "Injected", "UnknownFault", "When", "catalogue", "parse", "timed"]


class UnknownFault(ValueError):
    """No fault has this name."""


class BadFaultValue(ValueError):
    """The value does not have the form that the fault wants."""


@cache
def catalogue() -> tuple[Fault, ...]:
    """All faults, by layer and name: the exchange's own and those of the network around it."""
    from okxdoctor.exchange.net.faults import FAULTS as NETWORK

    from .account import FAULTS as ACCOUNT
    from .edge import FAULTS as EDGE
    from .schema import FAULTS as SHAPES
    from .semantics import FAULTS as SEMANTICS
    from .ws import FAULTS as CONVERSATIONS

    found = (*SEMANTICS, *ACCOUNT, *SHAPES, *EDGE, *CONVERSATIONS, *NETWORK)
    return tuple(sorted(found, key=lambda fault: (fault.layer, fault.name)))


def parse(text: str, *, more: Iterable[Fault] = ()) -> Injected:
    """Read ``NAME`` or ``NAME=VALUE`` with what may follow; raises ``UnknownFault`` or ``BadFaultValue``.

    ``more`` are faults of somebody else's making (the client's machine) that are read by the same rules.
    """
    said, words = split(text.strip())
    name, given, value = said.partition("=")
    found = {fault.name: fault for fault in (*catalogue(), *more)}
    fault = found.get(name)
    if fault is None:
        raise UnknownFault(_unknown(name, list(found)))
    if fault.value is None:
        if given:
            raise BadFaultValue(f"{name} takes no value")
        injected = Injected(fault=fault)
    else:
        injected = Injected(fault=fault, value=_read(fault, value.strip()) if given else fault.default)
    try:
        return timed(injected, read(words)) if words else injected
    except BadFaultValue:
        raise
    except ValueError as wrong:
        raise BadFaultValue(f"{name}: {wrong}") from None


def timed(injected: Injected, when: When) -> Injected:
    """The same fault, on at these times and occasions alone; raises ``BadFaultValue`` where it has none."""
    fault = injected.fault
    if fault.layer == "machine" and when != ALWAYS:
        raise BadFaultValue(f"{fault.name} is how the user's machine is; it holds for the whole run")
    if fault.unit != "state" and when.each_s is not None:
        raise BadFaultValue(f"{fault.name} is met by each {fault.unit}; each=… is for states of the world alone")
    return replace(injected, when=when)


def _unknown(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    alike = [one for one in known if name and one.startswith(name[:4])]
    near = get_close_matches(name, known, n=3, cutoff=0.5) or alike[:3]
    hint = f"; did you mean {', '.join(near)}?" if near else "; see: okxdoctor list faults"
    return f"no fault is called {name[:64]!r}{hint}"


def _read(fault: Fault, value: str) -> float | str:
    match fault.value:
        case "duration":
            found = seconds(value)
            if found is None:
                raise _bad(fault, value, "a duration such as 800ms, 45s, 8h or 3d")
            return found
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
