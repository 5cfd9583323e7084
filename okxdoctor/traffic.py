"""What a whole run has heard: every answer and every conversation, whichever check asked."""

from __future__ import annotations

from dataclasses import dataclass

from okxdoctor.facts import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One WebSocket conversation of the run: where it was held, and the texts that arrived, in order."""

    url: str
    received: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Everything that the run has heard so far, whichever check asked. The runner gives it to those that read it."""

    answers: tuple[Answer, ...] = ()
    conversations: tuple[Conversation, ...] = ()
