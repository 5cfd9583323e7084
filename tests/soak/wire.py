"""A client of its own for the soak: REST over one TLS connection, and messages over a WebSocket."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import connect


class Refused(Exception):
    """The exchange has answered with a code other than 0."""

    def __init__(self, answer: Any) -> None:
        super().__init__(json.dumps(answer)[:300])
        self.data: list[dict[str, Any]] = answer.get("data") or []
        """The items, each with its own code, where the answer has some."""


class Rest:
    """Signed requests of one account, one after the other over a connection that is kept."""

    def __init__(self, site: dict[str, Any], context: ssl.SSLContext) -> None:
        self.site, self.context = site, context
        self.asked = 0
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __call__(self, method: str, target: str, body: object = None) -> list[dict[str, Any]]:
        """The data of the answer; raises ``Refused``."""
        raw = "" if body is None else json.dumps(body)
        at = datetime.now(UTC)
        stamp = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
        head = [
            f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json",
            f"Content-Length: {len(raw)}", f"OK-ACCESS-KEY: {self.site['api_key']}",
            f"OK-ACCESS-PASSPHRASE: {self.site['passphrase']}", f"OK-ACCESS-TIMESTAMP: {stamp}",
            f"OK-ACCESS-SIGN: {sign(self.site, stamp + method + target + raw)}",
        ]  # fmt: skip
        if self.site["environment"] == "demo":
            head.append("x-simulated-trading: 1")
        self.asked += 1
        answer = json.loads(await self._exchange("\r\n".join([*head, "", raw]).encode()))
        if answer.get("code") != "0":
            raise Refused(answer)
        data: list[dict[str, Any]] = answer["data"]
        return data

    async def _exchange(self, request: bytes) -> bytes:
        if self._streams is None:
            port = urlsplit(self.site["rest_url"]).port
            self._streams = await asyncio.open_connection("127.0.0.1", port, ssl=self.context)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        at = head.index(b"content-length: ") + 16
        return await reader.readexactly(int(head[at : head.index(b"\r", at)]))

    def hang_up(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def sign(site: dict[str, Any], text: str) -> str:
    return base64.b64encode(hmac.digest(site["secret_key"].encode(), text.encode(), "sha256")).decode()


@asynccontextmanager
async def conversation(site: dict[str, Any], context: ssl.SSLContext, path: str, *args: dict[str, Any]) -> Any:
    """A connection to a path, logged in where it is private, with ``args`` subscribed."""
    async with connect(f"{site['ws_url']}/{path}", ssl=context, compression=None, max_queue=None) as socket:
        if path == "private":
            stamp = str(int(datetime.now(UTC).timestamp()))
            login = {
                "apiKey": site["api_key"], "passphrase": site["passphrase"], "timestamp": stamp,
                "sign": sign(site, f"{stamp}GET/users/self/verify"),
            }  # fmt: skip
            await socket.send(json.dumps({"op": "login", "args": [login]}))
            while (said := json.loads(await socket.recv())).get("event") != "login":
                if said.get("event") != "notice":
                    raise Refused(said)
        if args:
            await socket.send(json.dumps({"op": "subscribe", "args": args}))
        yield socket
