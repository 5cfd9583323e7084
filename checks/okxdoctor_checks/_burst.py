"""The burst of ``--burst``: somewhat more requests than a public endpoint allows, once, and a look at what happens."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from okxdoctor.port import Ask, Io
from okxdoctor_checks._answers import read, together

OVER = 10
"""Requests beyond the documented budget: enough to see the refusal of an edge that is not exact, and no flood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One kind of answer over the limit and how often it came. ``said`` is empty for an answer of the API."""

    status: int | None
    code: str
    count: int
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """``accepted`` of ``sent`` requests within ``spread_s``; the rest by ``refused``. ``lost``: no answer at all.

    ``recovered_s``: after how long a request was accepted again, None if it was not within two windows.
    """

    path: str
    limit: int
    window_s: float
    sent: int
    accepted: int
    lost: int
    spread_s: float
    refused: tuple[Shape, ...]
    recovered_s: float | None = None


async def burst(io: Io, ask: Ask, *, limit: int, window_s: float) -> Burst:
    """Wait until the window is empty of own requests, send limit + OVER at once, and wait for the recovery."""
    ask = replace(ask, paced=False)
    await io.sleep(window_s)
    begun_ns = io.now().mono_ns
    answers = await together(*(io.http(ask) for _ in range(limit + OVER)))
    spread_s = (io.now().mono_ns - begun_ns) / 1e9
    replies = [read(answer) for answer in answers]
    over = Counter(
        (reply.status, reply.code, "no answer of the API" if reply.kind == "not-json" else "")
        for reply in replies
        if reply.kind in ("refused", "not-json")
    )
    recovered_s: float | None = None
    if over:
        for _ in range(2):
            await io.sleep(window_s)
            if read(await io.http(ask)).kind == "ok":
                recovered_s = round((io.now().mono_ns - begun_ns) / 1e9 - spread_s, 2)
                break
    return Burst(
        path=ask.path,
        limit=limit,
        window_s=window_s,
        sent=len(replies),
        accepted=sum(reply.kind == "ok" for reply in replies),
        lost=sum(reply.kind == "failed" for reply in replies),
        spread_s=round(spread_s, 3),
        refused=tuple(
            Shape(status=status, code=code, count=count, said=said)
            for (status, code, said), count in over.most_common(10)
        ),
        recovered_s=recovered_s,
    )
