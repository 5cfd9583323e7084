"""The whole run on the embedded exchange, as ratios within one run of this program.

    python tests/benchmarks/bench_run.py [--runs 9]

1. A whole process (`okxdoctor run --target sim`) against the import floor: a process that only imports what such a
   run needs. Aim: at most 1.5. That exchange is the run's own, and nothing is held back; beside it stands the same run
   as it is elsewhere, where a second WebSocket connection waits a second for the first, because three a second are
   documented and a run may use half of what is.
2. The critical path at 100 ms of injected round trip: elapsed time of a run with the distance, less the same run
   without, in round trips. Aim: at most 8, beside waits that a rule imposes; measured both ways as well.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FLOOR = (
    "import aiohttp.web, asyncio, certifi, click, cryptography.x509, dns.asyncresolver, httpx, msgspec, ntplib, ssl;"
    "import websockets.asyncio.client;"
    "import okxdoctor.checkup, okxdoctor.targets.live.target, okxdoctor.targets.live.http, okxdoctor.targets.sim;"
    "import okxdoctor.exchange.serving.running, okxdoctor.runner.discover as d; d.checks()"
)


RUN = "from okxdoctor.cli.main import main; main(['run', '--target', 'sim'])"
SPARING = "from okxdoctor.targets.live import pacing, target; target.Pacing = lambda alone: pacing.Pacing();"
"""Half of each budget is left to others, though there are none."""


def process(arguments: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - begun


def whole(runs: int, *, held: bool) -> None:
    ratios, floors, wholes = [], [], []
    for _ in range(runs):
        floor = process(["-c", FLOOR])
        run = process(["-c", SPARING + RUN] if held else ["-m", "okxdoctor.cli.main", "run", "--target", "sim"])
        floors.append(floor)
        wholes.append(run)
        ratios.append(run / floor)
    print(
        f"{'held back by budgets' if held else 'nothing held back'}: "
        f"whole run {statistics.median(wholes) * 1000:.0f} ms, import floor {statistics.median(floors) * 1000:.0f} ms, "
        f"ratio {statistics.median(ratios):.2f} (min {min(ratios):.2f}, max {max(ratios):.2f}"
        + (")" if held else "; aim <= 1.5)")
    )


def elapsed(round_trip_s: float, runs: int) -> float:
    import okxdoctor.exchange
    from okxdoctor.checkup import check_up
    from okxdoctor.exchange.serving.running import running
    from okxdoctor.settings import Flags, resolve

    # The distance is no fault and so no flag: it is put under the exchange that the target starts.
    okxdoctor.exchange.running = functools.partial(running, round_trip_s=round_trip_s)
    found = []
    with tempfile.TemporaryDirectory() as home:
        for seed in range(runs):
            settings = resolve(Flags(target="sim", seed=seed), {}, Path(home))
            report = asyncio.run(check_up(settings))
            assert report.exit_code == 0, [d.summary for d in report.diagnosis]
            found.append(report.elapsed_ms / 1000)
    return statistics.median(found)


def critical_path(runs: int) -> None:
    near, far = elapsed(0, runs), elapsed(0.1, runs)
    print(
        f"at 100 ms round trip {far * 1000:.0f} ms, without {near * 1000:.0f} ms: "
        f"{(far - near) / 0.1:.1f} round trips of critical path (aim <= 8)"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=9)
    given = parser.parse_args()
    whole(given.runs, held=False)
    whole(given.runs, held=True)
    critical_path(max(3, given.runs // 3))
    exec(SPARING)
    print("held back by budgets: ", end="")
    critical_path(max(3, given.runs // 3))
