"""Adapters that break the protocol in known ways: `python liars.py KIND`. Miniatures to test the tester with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

KIND = sys.argv[1] if len(sys.argv) > 1 else "right"
OPS = ["sign", "ws_login", "round_price", "round_size", "parse_timestamp", "parse_response"]


def say(value: Any) -> None:
    sys.stdout.write((value if isinstance(value, str) else json.dumps(value)) + "\n")
    sys.stdout.flush()


def start() -> None:
    greeting: dict[str, Any] = {"name": "liar", "version": "1", "language": "python", "supports": OPS}
    match KIND:
        case "silent":
            time.sleep(60)
        case "dead-at-start":
            print("cannot find my config", file=sys.stderr)
            raise SystemExit(3)
        case "banner":
            say("Debugger listening on ws://127.0.0.1")
            return
        case "no-supports":
            del greeting["supports"]
        case "unknown-support":
            greeting["supports"] = ["sign", "make_coffee"]
        case "supports-nothing":
            greeting["supports"] = []
        case "array":
            say("[]")
            return
    say(greeting)


def answer(seq: int, given: dict[str, Any]) -> None:
    right = {"seq": seq, "output": {"iso": None}}
    match KIND:
        case "dies-at-non-ascii" if not json.dumps(given, ensure_ascii=False).isascii():
            raise UnicodeEncodeError("ascii", "", 0, 1, "ordinal not in range(128)")
        case "hangs-at-seven" if given["ts"].endswith("7"):
            time.sleep(60)
        case "dies-at-non-ascii" | "hangs-at-seven":
            say({"seq": seq, "skipped": "not now"})
        case "hangs":
            time.sleep(60)
        case "hangs-with-child":
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
            time.sleep(60)
        case "dies":
            print("Traceback: the secret plan OKX_SECRET_KEY=hunter2hunter2", file=sys.stderr)
            os._exit(7)
        case "dies-in-a-line":
            sys.stdout.write('{"seq":1,"outp')
            sys.stdout.flush()
            os._exit(0)
        case "killed":
            os.kill(os.getpid(), 9)
        case "prints":
            say("debug: got a call")
        case "not-utf8":
            sys.stdout.buffer.write(b"\xff\xfe\n")
            sys.stdout.flush()
        case "endless":
            while True:
                sys.stdout.write("x" * 65_536)
        case "wrong-seq":
            say({**right, "seq": seq + 1})
        case "seq-as-text":
            say({**right, "seq": str(seq)})
        case "two-answers":
            say({**right, "error": "x"})
        case "no-answer":
            say({"seq": seq})
        case "error-object":
            say({"seq": seq, "error": {"code": 1}})
        case "skips":
            say({"seq": seq, "skipped": "later"})
        case "chatty":
            print("x" * 1_000_000, file=sys.stderr)
            say(right)
        case "dies-once":
            flag = sys.argv[2]
            if not os.path.exists(flag):
                open(flag, "w").close()
                os._exit(1)
            say(right)
        case _:
            say(right)


def main() -> None:
    for line in sys.stdin:
        message = json.loads(line)
        match message["cmd"]:
            case "start":
                start()
            case "stop":
                if KIND == "ignores-stop":
                    time.sleep(60)
                return
            case _:
                if KIND == "deaf":
                    time.sleep(60)
                answer(message["seq"], message["input"])


main()
