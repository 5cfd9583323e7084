"""A loopback server that keeps the exact bytes of each request: what a client really puts on the wire, whatever its
HTTP library makes of the address on the way. Used by the adapters beside it.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from queue import Queue
from typing import Any

ANSWER = b'{"code":"0","msg":"","data":[]}'


class Skip(Exception):
    """The client has no way to say this."""


@dataclass(frozen=True)
class Sent:
    """One request: method, target as it stands in the request line, headers by their names in lower case, body."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: str


class Wire:
    """Listens on loopback until the process ends."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._sent: Queue[Sent] = Queue()
        threading.Thread(target=self._serve, daemon=True).start()

    def take(self) -> Sent:
        """The one request that was made since the last call."""
        if self._sent.qsize() != 1:
            raise RuntimeError(f"{self._sent.qsize()} requests on the wire")
        return self._sent.get()

    def clear(self) -> None:
        while not self._sent.empty():
            self._sent.get()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            while line := stream.readline():
                method, target, _ = line.decode("latin-1").rstrip("\r\n").split(" ", 2)
                headers: dict[str, str] = {}
                while (field := stream.readline().decode("latin-1").rstrip("\r\n")) != "":
                    name, _, value = field.partition(":")
                    headers[name.lower()] = value.strip(" \t")
                body = stream.read(int(headers.get("content-length", "0")))
                self._sent.put(Sent(method, target, headers, body.decode("utf-8", "backslashreplace")))
                head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(ANSWER)}\r\n\r\n"
                connection.sendall(head.encode() + ANSWER)


def one_each(params: Any) -> dict[str, Any]:
    """The parameters as the dict that most clients take."""
    names = [name for name, _ in params or ()]
    if len(set(names)) < len(names):
        raise Skip("a dict holds no name twice")
    return dict(params or ())


def serve(name: str, version: str, language: str, ops: Mapping[str, Callable[..., Any]]) -> None:
    """The harness protocol on standard input and output; what the client prints goes to standard error."""
    out, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin.buffer:
        message = json.loads(line)
        if message["cmd"] == "stop":
            return
        if message["cmd"] == "start":
            reply: dict[str, Any] = {"name": name, "version": version, "language": language, "supports": list(ops)}
        else:
            reply = {"seq": message["seq"]}
            try:
                reply["output"] = ops[message["op"]](**message["input"])
            except Skip as reason:
                reply["skipped"] = str(reason)
            except Exception as error:
                reply["error"] = f"{type(error).__name__}: {error}"
        print(json.dumps(reply), file=out, flush=True)
