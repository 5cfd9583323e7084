"""Which faults are on at this very moment, and which of them an occasion meets.

``Occasions`` holds the faults that were turned on, with what has become of each. A fault without a choice of
occasions (``When.chooses``) is steady: on, or not, by the clock. Of the others each occasion of their unit is told
whether it meets them. An occasion sees the world of ``effects.circumstances`` (or the plan of ``net.plan``) for the
steady faults and those that it meets; so every fault can be combined with every choice, and with every other fault.

A state of the world (``model.Unit``) has stretches of time for occasions. In a stretch that meets it the state holds,
for everything and from the first to the last moment; so it is steady as well, and ends and begins by the clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from okxdoctor.exchange.core import seeded
from okxdoctor.exchange.core.circumstances import Circumstances

from .effects import circumstances
from .model import Injected, Unit

_WORLDS = 256
_STRETCHES = 100_000
"""Stretches of one jump of the clock that are looked at, the newest ones: more than two months of minutes."""


@dataclass(slots=True)
class Record:
    """What has become of one fault. ``occasions`` and ``met`` by the place where it is counted ("" for most).

    ``holds``: whether a state holds in the stretch that was looked at last.
    """

    injected: Injected
    turned_on_ms: int
    occasions: dict[str, int]
    met: dict[str, int]
    holds: bool = False

    @property
    def seen_times(self) -> int:
        return sum(self.occasions.values())

    @property
    def met_times(self) -> int:
        return sum(self.met.values())


class Occasions:
    """The faults of one exchange. ``now_ms`` is the virtual time that schedules go by."""

    def __init__(self, *, seed: int, now_ms: Callable[[], int]) -> None:
        self._seed = seed
        self._now_ms = now_ms
        self._records: dict[str, Record] = {}
        self._choosing: dict[Unit, tuple[Record, ...]] = {}
        self._worlds: dict[tuple[Injected, ...], Circumstances] = {}

    @property
    def injected(self) -> tuple[Injected, ...]:
        """Everything that was turned on, also what has not begun or is over."""
        return tuple(record.injected for record in self._records.values())

    @property
    def records(self) -> tuple[Record, ...]:
        return tuple(self._records.values())

    def replace(self, injected: Iterable[Injected], *, anew: Iterable[str] = ()) -> None:
        """Let these be turned on and no others. What is left as it was keeps its history, but for those ``anew``."""
        now_ms, fresh = self._now_ms(), frozenset(anew)
        found: dict[str, Record] = {}
        for each in injected:
            known = None if each.name in fresh else self._records.get(each.name)
            if known is None or known.injected != each:
                known = Record(injected=each, turned_on_ms=now_ms, occasions={}, met={})
            found[each.name] = known
        self.restore(tuple(found.values()))

    def restore(self, records: Iterable[Record]) -> None:
        """Let things be as they were when these were the ``records``."""
        self._records = {record.injected.name: record for record in records}
        choosing: dict[Unit, list[Record]] = {}
        for record in self._records.values():
            if record.injected.when.chooses and record.injected.fault.unit != "state":
                choosing.setdefault(record.injected.fault.unit, []).append(record)
        self._choosing = {unit: tuple(chosen) for unit, chosen in choosing.items()}

    def steady(self) -> tuple[Injected, ...]:
        """Faults that everything meets now."""
        now_ms = self._now_ms()
        return tuple(
            record.injected
            for record in self._records.values()
            if _lasts(record) and _within(record, now_ms) and self._holds(record, now_ms)
        )

    def next_turn_ms(self) -> int | None:
        """When the next steady fault begins or ends by the clock; None: never."""
        now_ms = self._now_ms()
        self.steady()  # what a state is at the next turn goes by what it is now
        turns = [
            at
            for record in self._records.values()
            if _lasts(record)
            for at in (*record.injected.when.window(record.turned_on_ms), _next_stretch_ms(record, now_ms))
            if at is not None and at > now_ms
        ]
        return min(turns, default=None)

    def _holds(self, record: Record, now_ms: int) -> bool:
        """Whether the stretch of time that ``now_ms`` lies in meets the fault, which is within its schedule."""
        when = record.injected.when
        if not when.chooses:
            return True
        number, seen = _stretch(record, now_ms), record.occasions.get("", 0)
        if number < seen:
            # The clock was set back: what was is told anew, and comes out the same.
            record.met[""] = seen = 0
        draw = self._draw(record.injected.name, "")
        for each in range(max(seen, number - _STRETCHES) + 1, number + 1):
            met = record.met.get("", 0)
            record.holds = when.hits(each, met, draw)
            record.met[""] = met + record.holds
        record.occasions[""] = number
        return record.holds

    def _draw(self, name: str, place: str) -> Callable[[int], float]:
        """A number from 0 to below 1 for each occasion of a fault at a place."""
        return lambda number: (seeded.number(self._seed, "fault", name, place, number) >> 11) / (1 << 53)

    def meet(self, unit: Unit, place: str = "") -> tuple[Injected, ...]:
        """One more occasion: the faults that it meets, besides the steady ones.

        ``place``: where it happens, if several places count for themselves (two name servers).
        """
        records = self._choosing.get(unit)
        if not records:
            return ()
        now_ms = self._now_ms()
        found: list[Injected] = []
        for record in records:
            if not _within(record, now_ms):
                continue
            number = record.occasions[place] = record.occasions.get(place, 0) + 1
            met = record.met.get(place, 0)
            injected = record.injected
            if injected.when.hits(number, met, self._draw(injected.name, place)):
                record.met[place] = met + 1
                found.append(injected)
        return tuple(found)

    def choose(self, unit: Unit) -> bool:
        """Whether a fault that is turned on chooses among the occasions of this kind."""
        return unit in self._choosing

    def still_on(self, injected: tuple[Injected, ...]) -> tuple[Injected, ...]:
        """Those of ``injected`` that were not lifted since, and whose time is not over."""
        if not injected:
            return ()
        now_ms = self._now_ms()
        return tuple(
            each
            for each in injected
            if (record := self._records.get(each.name)) is not None
            and record.injected == each
            and _within(record, now_ms)
        )

    def world(self, base: Circumstances, met: tuple[Injected, ...]) -> Circumstances:
        """The circumstances of an occasion that meets ``met``; ``base`` is the world of the steady faults."""
        if not met:
            return base
        on = (*self.steady(), *met)
        known = self._worlds.get(on)
        if known is None:
            if len(self._worlds) >= _WORLDS:
                self._worlds.clear()
            known = self._worlds[on] = circumstances(on)
        return known


def _lasts(record: Record) -> bool:
    """Whether it is there for everybody while it is there: without a choice of occasions, or a state."""
    return not record.injected.when.chooses or record.injected.fault.unit == "state"


def _stretch(record: Record, now_ms: int) -> int:
    """The number of the stretch that ``now_ms`` lies in, from 1."""
    when = record.injected.when
    return (now_ms - when.window(record.turned_on_ms)[0]) // when.stretch_ms + 1


def _next_stretch_ms(record: Record, now_ms: int) -> int | None:
    """When the next stretch of a state begins; None where none is to come that could differ."""
    when = record.injected.when
    begin, end = when.window(record.turned_on_ms)
    spent = when.count is not None and not record.holds and record.met.get("", 0) >= when.count
    if not when.chooses or spent or now_ms < begin:
        return None
    at = begin + _stretch(record, now_ms) * when.stretch_ms
    return at if end is None or at < end else None


def _within(record: Record, now_ms: int) -> bool:
    begin, end = record.injected.when.window(record.turned_on_ms)
    return begin <= now_ms and (end is None or now_ms < end)
