"""How fast the harness asks: calls a second of a trivial Python adapter, as a process and as a function.

    python tests/benchmarks/bench_harness.py            # calls a second, and as a share of a bare pipe
    python tests/benchmarks/bench_harness.py --examples 100000   # the right implementations through the search

The basis is one line to and fro over a pipe with nothing in between: what no harness can beat.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from types import ModuleType

from okxdoctor.conformance.callables import Callables
from okxdoctor.conformance.process import Adapter
from okxdoctor.conformance.protocol import OPS
from okxdoctor.conformance.search import Search
from okxdoctor.conformance.suite import Book

ECHO = "import sys\nfor line in sys.stdin.buffer:\n    sys.stdout.buffer.write(line)\n    sys.stdout.buffer.flush()\n"
TRIVIAL = """
import json, sys
for line in sys.stdin.buffer:
    message = json.loads(line)
    if message["cmd"] == "start":
        reply = {"name": "trivial", "version": "1", "language": "python", "supports": ["parse_timestamp"]}
    elif message["cmd"] == "stop":
        break
    else:
        reply = {"seq": message["seq"], "output": {"iso": None}}
    sys.stdout.write(json.dumps(reply) + "\\n")
    sys.stdout.flush()
"""
CALLS = 5_000
ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--examples", type=int, default=0, help="search the right implementations this long instead")
    options = parser.parse_args()
    if options.examples:
        search(options.examples)
        return
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "trivial.py"
        path.write_text(TRIVIAL)
        adapter = Adapter([sys.executable, str(path)])
        asked = best(lambda: adapter.ask("parse_timestamp", {"ts": "0"}))
        adapter.close()
    pipe = subprocess.Popen([sys.executable, "-c", ECHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert pipe.stdin is not None
    assert pipe.stdout is not None
    stdin, stdout = pipe.stdin, pipe.stdout

    def echo() -> None:
        stdin.write(b'{"seq":1,"output":{"iso":null}}\n')
        stdin.flush()
        stdout.readline()

    bare = best(echo)
    stdin.close()
    pipe.wait()
    function = best(lambda: Callables({"parse_timestamp": lambda ts: None}).ask("parse_timestamp", {"ts": "0"}))
    print(f"process   {asked:>10,.0f} calls/s   {asked / bare:.2f} of a bare pipe ({bare:,.0f}/s); to reach: 2,000/s")
    print(f"function  {function:>10,.0f} calls/s")


def best(call: Callable[[], object]) -> float:
    """Calls a second, best of some rounds."""
    call()
    fastest = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(CALLS):
            call()
        fastest = min(fastest, time.perf_counter() - began)
    return CALLS / fastest


def search(examples: int) -> None:
    """The right implementations of the Python template; every failure is one of the judges."""
    right = ModuleType("right")
    text = files("okxdoctor.conformance").joinpath("templates", "adapter.py.txt").read_text("utf-8")
    exec(compile(text, "adapter.py", "exec"), right.__dict__)
    failed = False
    for op in OPS:
        book, began = Book(), time.perf_counter()
        ran, skipped = Search(examples=examples, seed=1)(Callables({op: getattr(right, op)}), op, book)
        took = time.perf_counter() - began
        print(f"{op:<16} {ran:>8,} inputs, {skipped} skipped, {len(book.found)} bugs, {took:.1f} s", flush=True)
        for found in book.found.values():
            failed = True
            print("   ", found.failure.bug, dict(found.case.input), found.answer)
    sys.exit(failed)


if __name__ == "__main__":
    main()
