"""What a fault is: a named circumstance, and the one cause that it must lead a diagnosis to.

A fault describes circumstances (bytes, sockets, records, clocks).  It never names an answer that
somebody should give, and nothing outside the exchange reads ``cause`` to find one: it is there so that
``okxdoctor list faults`` can print it and the test suite can hold the doctor to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ValueKind = Literal["duration", "choice", "number", "address", "text"]
"""How the part after ``=`` is read; the parser of the catalogue owns the reading.

``duration``  ``45s``, ``800ms``, ``8h``, ``3d`` → seconds (float)
``choice``    one word of ``Fault.choices`` (str)
``number``    a decimal number (float)
``address``   an IPv4 or IPv6 address (str)
``text``      anything (str)
"""

Layer = Literal[
    "clock", "dns", "tcp", "proxy", "tls", "http", "status", "key", "ratelimit", "instrument", "schema", "ws",
    "machine",
]  # fmt: skip


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
    """

    name: str
    example: str
    layer: Layer
    says: str
    cause: str
    value: ValueKind | None = None
    default: float | str | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """A fault that is on, with the value in force (already read: seconds, number or text)."""

    fault: Fault
    value: float | str | None = None

    @property
    def name(self) -> str:
        return self.fault.name
