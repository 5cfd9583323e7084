"""What a fault is: a named circumstance, and the one cause that it must lead a diagnosis to.

A fault describes circumstances (bytes, sockets, records, clocks).  It never names an answer that
somebody should give, and nothing outside the exchange reads ``cause`` to find one: it is there so that
``okxdoctor list faults`` can print it and the test suite can hold the doctor to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .when import ALWAYS, When

ValueKind = Literal["duration", "choice", "number", "address", "text"]
"""How the part after ``=`` is read; the parser of the catalogue owns the reading.

``duration``  ``45s``, ``800ms``, ``8h``, ``3d`` → seconds (float)
``choice``    one word of ``Fault.choices`` (str)
``number``    a decimal number (float)
``address``   an IPv4 or IPv6 address (str)
``text``      anything (str)
"""

Layer = Literal[
    "clock", "dns", "tcp", "proxy", "tls", "http", "status", "key", "account", "ratelimit", "instrument", "schema",
    "ws", "machine",
]  # fmt: skip

Unit = Literal["request", "session", "connection", "lookup", "packet", "tunnel", "state"]
"""What one occasion of a fault is, for those that are met only now and then (``when``).

``request``     an HTTP request, upgrades included, or an operation that a WebSocket client sends
``session``     a WebSocket connection: what it meets when it is opened holds for as long as it lives
``connection``  a TCP connection to a TLS port of the exchange
``lookup``      a query to a name server
``packet``      a query to a time server
``tunnel``      a connection to the proxy
``state``       a stretch of time, a minute unless ``each`` says another: how things stand lasts (on the user's machine
                for the whole run: those faults have no occasions at all)
"""

_USUAL: dict[Layer, Unit] = {
    "dns": "lookup", "tcp": "connection", "tls": "connection", "proxy": "tunnel", "ws": "session",
    "instrument": "state", "account": "state", "machine": "state",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One entry of the catalogue.

    ``name``     what a user types: the cause with ``.`` written ``-``, and a suffix if a cause has several faults
    ``example``  a complete argument that parses, ``tls-weak=tls1.1``
    ``layer``    where the circumstance is produced
    ``says``     one sentence in the present tense: what the world is like while the fault is on
    ``cause``    the code of the verdict that this circumstance must lead to
    ``value``    how a value is read; None: the fault takes none
    ``default``  value when none is typed: seconds for ``duration``, else text or number
    ``choices``  the words that a ``choice`` accepts
    ``occasion``  what one occasion is, if another than is usual on the layer
    """

    name: str
    example: str
    layer: Layer
    says: str
    cause: str
    value: ValueKind | None = None
    default: float | str | None = None
    choices: tuple[str, ...] = ()
    occasion: Unit | None = None

    @property
    def unit(self) -> Unit:
        """What one occasion of the fault is."""
        return self.occasion or _USUAL.get(self.layer, "request")


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """A fault that is on, with the value in force (already read: seconds, number or text) and when it is met."""

    fault: Fault
    value: float | str | None = None
    when: When = ALWAYS

    @property
    def name(self) -> str:
        return self.fault.name
