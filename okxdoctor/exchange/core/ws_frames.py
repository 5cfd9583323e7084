"""What a session sends: text frames and the close frame, and what the way to the client does to them."""

from __future__ import annotations

from dataclasses import dataclass

from .protocol import Json, encode
from .ws_world import CUT, Channels

REASONS = {
    CUT: "",
    1000: "", 1001: "", 1011: "", 1012: "", 1013: "",
    1009: "Request message exceeds the maximum frame length",
    4001: "Login Failed",
    4002: "Invalid Request",
    4003: "APIKey subscription amount exceeds the limit 100",
    4004: "No data received in 30s.",
    4005: "Buffer is full, cannot write data",
    4006: "Abnormal disconnection",
    4007: "API key has been updated or deleted. Please reconnect.",
    4008: "The number of subscribed channels exceeds the maximum limit.",
    4009: "The number of subscription channels for this connection exceeds the limit",
}  # fmt: skip
"""Documented close codes and their reasons; 4004 as recorded, with its full stop. 1006 stands for no frame at all."""


@dataclass(frozen=True, slots=True)
class Send:
    """One text frame. ``compressed``: with the bits of a compressed one, agreed on or not."""

    text: str
    compressed: bool = False


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection with this close frame; 1006: without one."""

    code: int
    reason: str


Out = Send | Close


def message(content: dict[str, Json], given: str | None = None) -> Send:
    """A message; ``given`` is the id of the request that it answers."""
    return Send(encode(content if given is None else {"id": given, **content}).decode())


def ending(code: int) -> Close:
    return Close(code, REASONS.get(code, ""))


def arriving(channels: Channels, frames: list[Out]) -> list[Out]:
    """What of ``frames`` comes out at the client's end of the way."""
    if channels.mute:
        return [frame for frame in frames if isinstance(frame, Close)]
    if not channels.cut_frames and not channels.undeclared_compression:
        return frames
    return [
        Send(frame.text[: channels.cut_frames or None], compressed=channels.undeclared_compression)
        if isinstance(frame, Send)
        else frame
        for frame in frames
    ]
