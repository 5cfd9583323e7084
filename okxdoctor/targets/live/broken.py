"""How a broken exchange of bytes travels inside the live target: one exception, turned into a fact at the port.

``Broken`` never leaves this package; the port shows its :class:`~okxdoctor.port.Failure`.
"""

from __future__ import annotations

import errno
import socket

from okxdoctor.port import Failure, FailureKind

# errno → kind. What is not listed is "other": a name is better than a guess.
_KINDS: dict[int, FailureKind] = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.ECONNABORTED: "reset",
    errno.EPIPE: "reset",
    errno.ETIMEDOUT: "timeout",
    errno.ENETUNREACH: "unreachable",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETDOWN: "unreachable",
    errno.EHOSTDOWN: "unreachable",
    errno.EADDRNOTAVAIL: "unreachable",
    errno.EAFNOSUPPORT: "unreachable",
    # A local firewall that refuses the outgoing packet answers with these; nothing gets through.
    errno.EACCES: "unreachable",
    errno.EPERM: "unreachable",
}


class Broken(Exception):
    """Bytes did not get through."""

    def __init__(self, kind: FailureKind, phase: str, detail: str = "") -> None:
        super().__init__(f"{kind} in phase {phase}: {detail}")
        self.failure = Failure(kind=kind, phase=phase, detail=detail)


def errno_name(error: OSError) -> str:
    """``ECONNREFUSED`` and the like; the class name where there is no number."""
    if isinstance(error, socket.gaierror):
        return gai_name(error)
    if isinstance(error, TimeoutError) and error.errno is None:
        return "ETIMEDOUT"
    if error.errno is None:
        return type(error).__name__
    return errno.errorcode.get(error.errno, f"errno {error.errno}")


def gai_name(error: socket.gaierror) -> str:
    """``EAI_AGAIN`` and the like: getaddrinfo's numbers are not errno's."""
    for name in ("EAI_AGAIN", "EAI_FAIL", "EAI_FAMILY", "EAI_MEMORY", "EAI_NODATA", "EAI_NONAME", "EAI_SYSTEM"):
        if getattr(socket, name, None) == error.errno:
            return name
    return f"EAI {error.errno}"


def kind_of(error: OSError) -> FailureKind:
    if isinstance(error, TimeoutError):
        return "timeout"
    return _KINDS.get(error.errno or 0, "other")


def broken_by(error: OSError, phase: str) -> Broken:
    """The operating system's refusal as a :class:`Broken`. Carries the symbolic name, not the text."""
    return Broken(kind_of(error), phase, errno_name(error))
