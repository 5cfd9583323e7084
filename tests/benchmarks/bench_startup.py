"""How long the command line takes to start, as ratios of one run.

    python tests/benchmarks/bench_startup.py [--rounds N] [--peer 'sslyze --help' …]

Every round starts each command once, in turn, so that what else the machine does hits all alike. The quickest start
of each is compared: other work only ever adds. A peer is any other command line; its ratio is ours over its.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

BARE = [sys.executable, "-c", "pass"]
TARGET_BARE, TARGET_PEER, TARGET_PRINTING_MS = 6.0, 0.35, 30.0


def seconds(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - begun


def quickest(commands: dict[str, list[str]], rounds: int) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for command in commands.values():
        seconds(command)  # files come into the cache
    for _ in range(rounds):
        for name, command in commands.items():
            taken[name].append(seconds(command))
    return {name: min(values) for name, values in taken.items()}


def printing_ms() -> float:
    """Import and first rendering of the text report, in a fresh process that has what a run has loaded anyway."""
    script = """
import json, re, textwrap, time, sys
sys.path.insert(0, sys.argv[1])
import literals, okxdoctor.knowledge
begun = time.perf_counter()
from okxdoctor.reports import Look, writer
writer('text').render(literals.ONE_ERROR, Look(colour=True))
print((time.perf_counter() - begun) * 1000)
"""
    reports = str(Path(__file__).parents[1] / "reports")
    runs = [subprocess.run([sys.executable, "-c", script, reports], capture_output=True, text=True) for _ in range(7)]
    return statistics.median(float(run.stdout) for run in runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--peer", action="append", default=[], metavar="COMMAND")
    args = parser.parse_args()
    beside = str(Path(sys.executable).parent / "okxdoctor")
    program = beside if Path(beside).exists() else shutil.which("okxdoctor")
    if program is None:
        raise SystemExit("okxdoctor is not installed beside this interpreter")
    ours = {"okxdoctor --help": [program, "--help"], "okxdoctor explain 50113": [program, "explain", "50113"]}
    peers = {text: shlex.split(text) for text in args.peer}
    taken = quickest({"python -c pass": BARE, **ours, **peers}, args.rounds)
    bare = taken["python -c pass"]
    for name in ours:
        ratio = taken[name] / bare
        print(f"{name:<26} {taken[name] * 1000:7.1f} ms   {ratio:5.2f}x python -c pass (target {TARGET_BARE:g})")
        for peer in peers:
            print(f"{'':<26} {'':7}      {taken[name] / taken[peer]:5.2f}x {peer} (target {TARGET_PEER:g})")
    printing = printing_ms()
    print(f"{'printing the text report':<26} {printing:7.1f} ms   (target {TARGET_PRINTING_MS:g})")
    result = {"quickest_ms": {name: round(value * 1000, 2) for name, value in taken.items()}}
    print(json.dumps({**result, "printing_ms": round(printing, 2)}))


if __name__ == "__main__":
    main()
