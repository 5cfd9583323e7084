"""How much of a documented budget one run may use: half in any window, a budget of one once, and who waits for it."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okxdoctor.held import held
from okxdoctor.knowledge import endpoints
from okxdoctor.knowledge.budget import budget_of
from okxdoctor.runner.scope import Heard, scoped
from okxdoctor.targets.live.pacing import Pacing, Window, allowed

sys.path.append(str(Path(__file__).parent.parent.parent / "campaign"))
import leaping


@given(
    most=st.integers(1, 4),
    delays=st.lists(st.floats(0, 3), min_size=1, max_size=12),
    late=st.lists(st.floats(0, 0.5), min_size=12, max_size=12),
)
@settings(max_examples=60, deadline=None)
def test_no_window_holds_more_and_nobody_waits_for_nothing(most: int, delays: list[float], late: list[float]) -> None:
    """Brute force over the instants of sending, which may be later than the turns."""

    async def use(window: Window, delay_s: float, late_s: float) -> float:
        await asyncio.sleep(delay_s)
        turn = await window.turn()
        # Who takes a turn sends it before the next one who waits can take his.
        sent = time.monotonic() + late_s
        turn.sent(round(sent * 1e9))
        return sent

    async def main() -> tuple[list[float], float]:
        window, begun = Window(most, 1.0), time.monotonic()
        uses = [use(window, delay_s, late_s) for delay_s, late_s in zip(delays, late, strict=False)]
        return sorted(await asyncio.gather(*uses)), begun

    sent, begun = leaping.run(main())
    for at in sent:
        assert sum(at <= other < at + 1.0 for other in sent) <= most
    # The last one waits for whole windows of those before it and no longer.
    assert sent[-1] - begun <= max(delays) + 0.5 + (len(delays) // most) * 1.6 + 0.1


def test_first_come_first_served() -> None:
    async def main() -> list[int]:
        window, served = Window(1, 1.0), []

        async def one(number: int) -> None:
            await window.turn()
            served.append(number)

        await asyncio.gather(*map(one, range(5)))
        return served

    assert leaping.run(main()) == [0, 1, 2, 3, 4]


def test_what_has_not_left_is_put_back_and_frees_who_waits() -> None:
    async def main() -> tuple[float, float]:
        window = Window(1, 5.0)
        first = await window.turn()
        waiting = asyncio.ensure_future(window.turn())
        await asyncio.sleep(1.0)
        first.sent(None)
        return (await waiting).held_s, (await window.turn()).held_s

    freed_s, whole_s = leaping.run(main())
    assert freed_s == pytest.approx(1.0, abs=0.01)
    assert whole_s == pytest.approx(5.0, abs=0.01)


def test_half_of_each_documented_budget_and_a_budget_of_one_once() -> None:
    for row in endpoints():
        most = allowed(row.limit)
        assert most == 1 if row.limit == 1 else 1 <= most <= row.limit / 2


@pytest.mark.parametrize(
    ("method", "path", "bucket"),
    [
        ("GET", "/api/v5/market/ticker?instId=BTC-USDT", ""),
        ("GET", "/api/v5/public/instruments?instType=SPOT&instId=BTC-USDT", "SPOT"),
        ("POST", "/api/v5/trade/order", ""),
    ],
)
def test_the_parameter_that_divides_a_budget(method: str, path: str, bucket: str) -> None:
    found = budget_of(method, path)
    assert found is not None
    assert found.bucket == bucket


def test_hosts_and_endpoints_do_not_wait_for_each_other() -> None:
    async def main() -> list[float]:
        pacing = Pacing()
        asks = [
            ("openapi.okx.com", "/api/v5/system/status"), ("eea.okx.com", "/api/v5/system/status"),
            ("openapi.okx.com", "/api/v5/public/time"), ("openapi.okx.com", "/api/v5/of/no/known/budget"),
            ("openapi.okx.com", "/api/v5/system/status"),
        ]  # fmt: skip
        turns = [await pacing.request(authority, "GET", path) for authority, path in asks]
        upgrades = [await pacing.upgrade() for _ in range(3)]
        return [round(turn.held_s, 1) if turn is not None else 0.0 for turn in (*turns, *upgrades)]

    # 1 in 5 s; 3 upgrades a second, of which one is half; both and a little more.
    *free, again, first, second, third = leaping.run(main())
    assert free == [0.0, 0.0, 0.0, 0.0]
    assert again == pytest.approx(5.05, abs=0.06)
    assert (first, second, third) == (0.0, pytest.approx(1.05, abs=0.06), pytest.approx(1.05, abs=0.06))


def test_whoever_is_alone_has_whole_budgets_and_no_more() -> None:
    async def main() -> list[float]:
        pacing = Pacing(alone=True)
        turns = [await pacing.upgrade() for _ in range(4)]
        asks = [await pacing.request("openapi.okx.test", "GET", "/api/v5/system/status") for _ in range(2)]
        return [round(turn.held_s, 1) for turn in (*turns, *asks) if turn is not None]

    # 3 upgrades a second; 1 request in 5 s.
    assert leaping.run(main()) == pytest.approx([0.0, 0.0, 0.0, 1.05, 0.0, 5.05], abs=0.06)


def test_what_several_checks_wait_for_passes_first_if_it_comes_soon() -> None:
    async def main(comes_s: float) -> list[str]:
        pacing, served = Pacing(), []

        async def one() -> None:
            await pacing.upgrade()
            served.append("one")

        async def several() -> None:
            with pacing.coming() as came:
                await asyncio.sleep(comes_s)
                await pacing.upgrade(first=True)
                came()
                served.append("several")

        late = asyncio.ensure_future(several())
        await asyncio.sleep(0)
        await asyncio.gather(one(), late)
        return served

    assert leaping.run(main(0.3)) == ["several", "one"]
    assert leaping.run(main(3.0)) == ["one", "several"]


def test_a_probe_that_is_held_back_is_not_charged_for_it() -> None:
    """Its timeout stands still, as while it waits for another check; what overlaps counts once."""

    class Slow:
        async def http(self, ask: object) -> object:
            with held():
                await asyncio.sleep(2.0)
            return ask

    async def main() -> tuple[float, float, bool]:
        scope = scoped(Slow(), {}, Heard())  # type: ignore[arg-type]
        both = asyncio.gather(scope.http(1), scope.http(2))  # type: ignore[arg-type]
        await asyncio.sleep(1.0)
        waiting = scope.waiting
        await both
        await scope.http(3)  # type: ignore[arg-type]
        return scope.paused_s, scope.held_s, waiting and not scope.waiting

    paused_s, held_s, told = leaping.run(main())
    assert told
    assert paused_s == pytest.approx(4.0, abs=0.05)
    assert held_s == pytest.approx(4.0, abs=0.05)
