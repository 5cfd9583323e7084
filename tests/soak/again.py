"""A client started again and again against one exchange: it works every time, and leaves nothing behind.

    python tests/soak/again.py [--times 50] [--apart 0.5] -- python my_client.py

The command gets the environment of ``okxdoctor sim -- COMMAND``, and works when its exit status is 0. The budgets are
the documented ones; ``--apart`` seconds of the exchange's time pass between two starts. Prints one JSON object; the
exit status is 1 when a start has failed, or when a connection, a task or a defect is left.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from typing import Any

from okxdoctor.exchange import serve


async def _left(running: Any) -> dict[str, int]:
    """What is there while no client is."""
    return {
        "tasks": len(asyncio.all_tasks()),
        "sockets": len(running.sockets.open),
        "connections": sum(len(front.direct) for front in running._fronts),
    }


def again(command: list[str], times: int, apart_s: float, timeout_s: float) -> dict[str, Any]:
    """Start ``command`` so many times."""
    failed: list[str] = []
    with serve(seed=11) as served:
        before = served.run(_left(served.running))
        for number in range(times):
            environment = os.environ | served.info.environ()
            try:
                done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout_s)
            except subprocess.TimeoutExpired:
                failed.append(f"{number}: takes more than {timeout_s:g} s")
            else:
                if done.returncode:
                    failed.append(f"{number}: status {done.returncode}, {(done.stderr or done.stdout)[-300:]}")
            served.clock.advance(apart_s)
        end = time.monotonic() + 10
        while (after := served.run(_left(served.running))) != before and time.monotonic() < end:
            time.sleep(0.05)
        defects = list(served.wire_log.defects)
    return {
        "started": times, "worked": times - len(failed), "failed": failed[:5], "before": before, "after": after,
        "defects": defects[:5],
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--apart", type=float, default=0.5)
    parser.add_argument("--timeout", type=float, default=60)
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    result = again(given.command, given.times, given.apart, given.timeout)
    print(json.dumps(result, indent=1))
    return 1 if result["failed"] or result["defects"] or result["before"] != result["after"] else 0


if __name__ == "__main__":
    sys.exit(main())
