"""Many random worlds, and what the doctor makes of them.

    python tests/campaign/campaign.py --worlds 1000 --seed 7 --jobs 2 --report campaign.md
    python tests/campaign/campaign.py --seed 7 --only pair --world 128      one world again, with its whole report

A fifth of the worlds is healthy, two fifths have one fault, two fifths have two of different families; ``--extra``
worlds come besides and are reported apart. The same seed gives the same worlds, whatever the number of them and of the
jobs. A report that is made anew keeps what was written by hand between its two marks. Exit code 1 when something was
not right.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import shlex
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import matrix
from expectations import Judgement, Seen, judge
from matrix import Result
from worlds import EXTRA, KINDS, Kind, World, draw

SHARES: dict[Kind, int] = {"healthy": 1, "single": 2, "pair": 2}
WELL: frozenset[Judgement] = frozenset({"right", "passed"})
FOREIGN = ("OKX_", "OKXDOCTOR_", "SSL_CERT_", "REQUESTS_CA_BUNDLE", "XDG_CONFIG_HOME")


def plan(worlds: int, only: Kind | None, extra: int = 0) -> list[tuple[Kind, int]]:
    """Which worlds a campaign of this size has; ``extra`` are those that are reported apart, half of each kind."""
    if only is not None:
        return [(only, index) for index in range(worlds)]
    whole = sum(SHARES.values())
    counts = {kind: worlds * share // whole for kind, share in SHARES.items()}
    counts["pair"] += worlds - sum(counts.values())
    counts |= {kind: extra // len(EXTRA) for kind in EXTRA}
    return [(kind, index) for kind in KINDS for index in range(counts[kind])]


def one(kind: Kind, seed: int, index: int) -> Result:
    """Draw a world, look at it, judge what was seen."""
    from trial import look

    world = draw(kind, seed, index)
    try:
        seen, _ = look(world)
    except TimeoutError:
        seen = Seen(roots=(), broken=("the run did not end",))
    except Exception as error:  # one world that cannot be made or looked at must not end the others
        seen = Seen(roots=(), broken=(f"{type(error).__name__}: {error}"[:200],))
    return Result(world=world, seen=seen, judgement=judge(world, seen))


def leave_out_the_developers_own() -> None:
    """No key, profile, proxy or trust store of the machine that runs this."""
    for name in list(os.environ):
        if name.startswith(FOREIGN) or name.lower().endswith("_proxy"):
            del os.environ[name]


def run(
    worlds: list[tuple[Kind, int]], seed: int, jobs: int, *, quiet: bool = False, minutes: float = float("inf")
) -> list[Result]:
    """All these worlds, in as many processes; after ``minutes`` no further one is begun.

    They come in an order of the seed's, so that a campaign that ends early has its share of each kind.
    """
    worlds = list(worlds)
    random.Random(f"{seed}/turns").shuffle(worlds)
    begun, results = time.monotonic(), []
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=fresh, initializer=leave_out_the_developers_own) as pool:
        waiting = [pool.submit(one, kind, seed, index) for kind, index in worlds]
        for done, future in enumerate(as_completed(waiting), 1):
            if future.cancelled():
                continue
            result = future.result()
            if time.monotonic() - begun > 60 * minutes:
                for other in waiting:
                    other.cancel()
            results.append(result)
            if result.judgement not in WELL and not quiet:
                print(matrix.told(result), file=sys.stderr, flush=True)
            if done % 100 == 0 and not quiet:
                print(f"{done}/{len(worlds)} after {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    return sorted(results, key=lambda r: (KINDS.index(r.world.kind), r.world.index))


def again(world: World) -> Judgement:
    """One world with its whole report."""
    from trial import look

    from okxdoctor.reports import writer
    from okxdoctor.reports.look import Look

    print(world)
    print("faults:", " ".join(f"--fault {shlex.quote(text)}" for text in world.faults) or "none")
    seen, report = look(world)
    print(writer("text").render(report, Look(verbose=True)))
    for attempt in report.attempts:
        for finding in attempt.findings:
            excluded = f" (excludes {', '.join(finding.excluded)})" if finding.excluded else ""
            print(f"  {attempt.check}: {finding.code} [{finding.subject}] {finding.summary}{excluded}")
        if attempt.because:
            print(f"  {attempt.check}: {attempt.outcome}: {attempt.because}")
    judgement = judge(world, seen)
    print(matrix.told(Result(world=world, seen=seen, judgement=judgement)))
    return judgement


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument(
        "--extra", type=int, default=0, help="so many besides: three faults at once, or one now and then"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", choices=KINDS)
    parser.add_argument("--world", type=int, help="only this one (with --only), and its whole report")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no world after this long")
    parser.add_argument("--report", type=Path, help="write a Markdown report")
    given = parser.parse_args()
    if given.world is not None:
        leave_out_the_developers_own()
        return int(again(draw(given.only or "healthy", given.seed, given.world)) not in WELL)
    worlds = plan(given.worlds, given.only, given.extra)
    results = run(worlds, given.seed, given.jobs, minutes=given.minutes)
    print(matrix.as_text(results))
    if given.report is not None:
        more = (f" --only {given.only}" if given.only else "") + (f" --extra {given.extra}" if given.extra else "")
        command = f"python tests/campaign/campaign.py --worlds {given.worlds} --seed {given.seed}{more}"
        words = matrix.kept(given.report.read_text("utf-8")) if given.report.is_file() else ""
        given.report.write_text(matrix.as_markdown(results, command=command, words=words), "utf-8")
    return int(any(result.judgement not in WELL for result in results))


if __name__ == "__main__":
    sys.exit(main())
