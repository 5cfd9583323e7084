"""When a fault is on: between which times, and at which of the occasions that come then.

Behind ``NAME`` or ``NAME=VALUE`` stand any of these, each after a ``,`` or ``;``, in any order:

    p=0.3  p=30%      each occasion meets the fault with this probability
    every=5           every fifth occasion meets it
    skip=10           the first ten occasions pass unharmed
    count=3           after it was met three times it is over
    after=10s         it begins this long after it was turned on; also an instant: after=2030-01-01T00:00:00Z
    for=30s           it ends this long after it began
    until=1h          it ends this long after it was turned on, or at an instant
    each=10s          how long one occasion lasts, for a state of the world (a minute unless told)

Times are those of the exchange's virtual clock, so a schedule of days is over in milliseconds where a test lets
time pass. What an occasion is depends on the fault (``model.Unit``): a request, a connection, a lookup; the
occasions of a state of the world (an instrument suspended, money elsewhere) are stretches of time, one after the
other: in some the state holds, in others it does not. Which of them are hit is a function of the seed and of their
number alone: the same seed gives the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

_KEYS = ("p", "every", "skip", "count", "after", "for", "until", "each")
_SEPARATOR = re.compile(rf"[;,]\s*(?=(?:{'|'.join(_KEYS)})\s*=)")
_DURATION = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)(ms|s|min|m|h|d)\Z", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_WHOLE = re.compile(r"[0-9]{1,9}\Z")
STRETCH_S = 60.0
"""How long one occasion of a state lasts unless it is told."""
_SHORTEST_S = 1.0
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,9})?)(%?)\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """A schedule and a choice of occasions; the default is always.

    ``p``                   probability for each occasion, above 0 and up to 1
    ``every``, ``skip``     occasions are counted from 1 while the schedule holds: those after the first ``skip``
                            whose number behind these is a multiple of ``every``
    ``count``               how often it is met; None: without end
    ``after_s``, ``until_s``  seconds since the fault was turned on
    ``from_ms``, ``until_ms``  epoch milliseconds, instead of those
    ``for_s``               seconds since it began
    ``each_s``              how long one occasion of a state lasts; None: ``STRETCH_S``
    """

    p: float = 1.0
    every: int = 1
    skip: int = 0
    count: int | None = None
    after_s: float = 0.0
    for_s: float | None = None
    until_s: float | None = None
    from_ms: int | None = None
    until_ms: int | None = None
    each_s: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.p <= 1:
            raise ValueError("p is a probability above 0 and up to 1 (or 100%)")
        if self.every < 1 or self.skip < 0 or (self.count is not None and self.count < 1):
            raise ValueError("every and count are whole numbers from 1, skip from 0")
        if self.after_s < 0 or any(each is not None and each <= 0 for each in (self.for_s, self.until_s)):
            raise ValueError("after, for and until are times that are not over yet")
        if self.each_s is not None and (self.each_s < _SHORTEST_S or not self.chooses):
            raise ValueError("each is a duration of at least a second, beside p, every, skip or count")

    @property
    def chooses(self) -> bool:
        """Whether some occasions meet the fault and others do not."""
        return self.p < 1 or self.every > 1 or self.skip > 0 or self.count is not None

    @property
    def scheduled(self) -> bool:
        """Whether it begins or ends by itself."""
        return self.window(0) != (0, None)

    def window(self, turned_on_ms: int) -> tuple[int, int | None]:
        """First millisecond in which it is on, and the first in which it is on no more (None: never)."""
        begin = turned_on_ms + round(self.after_s * 1000) if self.from_ms is None else self.from_ms
        ends = [
            *([begin + round(self.for_s * 1000)] if self.for_s is not None else []),
            *([turned_on_ms + round(self.until_s * 1000)] if self.until_s is not None else []),
            *([self.until_ms] if self.until_ms is not None else []),
        ]
        return begin, min(ends, default=None)

    @property
    def stretch_ms(self) -> int:
        """How long one occasion of a state lasts."""
        return round((STRETCH_S if self.each_s is None else self.each_s) * 1000)

    def hits(self, number: int, met: int, draw: Callable[[int], float]) -> bool:
        """Whether occasion ``number`` (from 1) meets the fault, which was met ``met`` times before.

        ``draw`` gives a number from 0 to below 1 that belongs to an occasion.
        """
        behind = number - self.skip
        if behind < 1 or behind % self.every or (self.count is not None and met >= self.count):
            return False
        return self.p == 1 or draw(number) < self.p

    def __str__(self) -> str:
        """As it is typed; empty for always."""
        said: list[str] = []
        if self.p != 1:
            said.append(f"p={self.p:g}")
        numbers = (("every", self.every, 1), ("skip", self.skip, 0), ("count", self.count, None))
        said += [f"{name}={value}" for name, value, usual in numbers if value != usual]
        if self.from_ms is not None:
            said.append(f"after={_instant_text(self.from_ms)}")
        elif self.after_s:
            said.append(f"after={self.after_s:g}s")
        said += [f"{name}={value:g}s" for name, value in (("for", self.for_s), ("until", self.until_s)) if value]
        if self.until_ms is not None:
            said.append(f"until={_instant_text(self.until_ms)}")
        if self.each_s is not None:
            said.append(f"each={self.each_s:g}s")
        return ",".join(said)


ALWAYS = When()


def split(text: str) -> tuple[str, list[str]]:
    """``NAME=VALUE`` and the words behind it that say when."""
    first, *more = _SEPARATOR.split(text)
    return first.strip(), more


def read(words: list[str]) -> When:
    """Read words such as ``p=0.3`` and ``for=30s``; raises ValueError that says what would have been right."""
    found: dict[str, float | int | None] = {}
    given: set[str] = set()
    for word in words:
        name, _, value = (part.strip() for part in word.partition("="))
        if name in given:
            raise ValueError(f"{name} stands twice")
        given.add(name)
        match name:
            case "p":
                found["p"] = _share(value)
            case "every" | "skip" | "count":
                if _WHOLE.match(value) is None:
                    raise ValueError(f"{name} wants a whole number, not {value[:32]!r}")
                found[name] = int(value)
            case _:
                found |= _time(name, value)
    return When(**found)  # type: ignore[arg-type]


def seconds(text: str) -> float | None:
    """A duration such as 800ms, 45s, 8h or 3d; None for anything else."""
    found = _DURATION.match(text)
    return None if found is None else float(found[1]) * _SECONDS[found[2]]


def _share(value: str) -> float:
    found = _SHARE.match(value)
    if found is None:
        raise ValueError(f"p wants a probability such as 0.3 or 30%, not {value[:32]!r}")
    return float(found[1]) / (100 if found[2] else 1)


def _time(name: str, value: str) -> dict[str, float | int | None]:
    duration = seconds(value)
    if duration is not None:
        return {f"{name}_s": duration}
    instant = _instant_ms(value) if name in ("after", "until") else None
    if instant is None:
        form = "a duration such as 30s" + (
            "" if name in ("for", "each") else " or an instant such as 2030-01-01T00:00:00Z"
        )
        raise ValueError(f"{name} wants {form}, not {value[:32]!r}")
    return {"from_ms" if name == "after" else "until_ms": instant}


def _instant_ms(value: str) -> int | None:
    """ISO 8601 with date and time, UTC unless an offset is named."""
    if "T" not in value:
        return None
    try:
        at = datetime.fromisoformat(value)
        return round((at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def _instant_text(epoch_ms: int) -> str:
    from okxdoctor.exchange.core.clock import iso_ms

    return iso_ms(epoch_ms)
