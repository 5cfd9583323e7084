"""How fast a log is read, and in how much memory: MB/s beside a bare reading of the same lines, peak beside the size.

    python tests/benchmarks/bench_triage.py            # 64 MB of a bot's log, one line in three speaks of OKX
    python tests/benchmarks/bench_triage.py --mb 1024

The basis is what no reader in this language can beat: opening the file and counting its lines.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

from okxdoctor.triage.logs.gather import Gathered, read_log


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mb", type=int, default=64)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "bot.log"
        write(path, options.mb * 1_000_000)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        gathered = Gathered()
        began = time.perf_counter()
        with open(path, "rb") as stream:
            read_log("bot.log", stream, gathered, year=2026)
        took = time.perf_counter() - began
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        began = time.perf_counter()
        with open(path, "rb") as stream:
            count = sum(1 for _ in stream)
        bare = time.perf_counter() - began
    (file,) = gathered.files
    size = file.bytes / 1e6
    assert file.lines == count
    print(f"{size / took:>8.1f} MB/s   {took / bare:.0f} times a bare reading ({size / bare:.0f} MB/s)")
    print(f"{grown / 1024:>8.1f} MB more memory for {file.bytes / 1e6:.0f} MB, {count:,} lines")
    for group in gathered.groups.values():
        print(f"{group.count:>8} times {group.signal.name}, {group.decided}")


def write(path: Path, size: int) -> None:
    """A healthy bot's log with a refusal now and then."""
    with open(path, "w", encoding="utf-8") as file:
        number = 0
        while file.tell() < size:
            for _ in range(5_000):
                number += 1
                when = (
                    f"2026-11-22 {number // 3_600_000 % 24:02d}:{number // 60_000 % 60:02d}:{number // 1000 % 60:02d}"
                )
                when += f",{number % 1000:03d}"
                if number % 5_000 == 0:
                    file.write(f'{when} ERROR okx {{"msg":"Too Many Requests","code":"50011"}}\n')
                elif number % 3 == 0:
                    file.write(
                        f"{when} INFO httpx HTTP Request: GET https://www.okx.com/api/v5/market/ticker?instId=BTC-USDT "
                        '"HTTP/1.1 200 OK"\n'
                    )
                else:
                    file.write(
                        f"{when} DEBUG strategy tick BTC-USDT last=67001.{number % 10} qty={number} spread 0.1\n"
                    )


if __name__ == "__main__":
    main()
