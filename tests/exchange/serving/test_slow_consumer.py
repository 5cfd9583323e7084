"""A subscriber that does not read is cut off; one that does loses nothing by it."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.sync.client import connect

from okxdoctor.exchange import serve
from okxdoctor.exchange.serving import sockets

BOOKS = [{"channel": "books", "instId": inst} for inst in ("BTC-USDT", "ETH-USDT", "BTC-USDT-SWAP", "ETH-USDT-SWAP")]
SUBSCRIBE = json.dumps({"op": "subscribe", "args": BOOKS})
UPGRADE = (
    "GET /ws/v5/public HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.fixture
def served() -> Iterator[Any]:
    with serve(seed=44) as exchange:
        exchange.clock.freeze()
        yield exchange


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_who_does_not_read_is_cut_off(served: Any, monkeypatch: pytest.MonkeyPatch, compression: Any) -> None:
    monkeypatch.setattr(sockets, "QUEUE", 40)
    monkeypatch.setattr(sockets, "WRITE_AHEAD", 4_096)
    where, text = urlsplit(served.info.plain_ws_url), SUBSCRIBE.encode()
    lazy = socket.socket()
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    context = ssl.create_default_context(cafile=served.info.ca_file)
    with lazy, connect(f"{served.info.ws_url}/public", ssl=context, compression=compression, max_queue=None) as reader:
        lazy.connect((where.hostname, where.port))
        agree = "" if compression is None else "Sec-WebSocket-Extensions: permessage-deflate\r\n"
        lazy.sendall(UPGRADE.replace("\r\n\r\n", f"\r\n{agree}\r\n").encode())
        lazy.sendall(bytes([0x81, 0xFE]) + len(text).to_bytes(2) + bytes(4) + text)
        reader.send(SUBSCRIBE)
        at: dict[str, int] = {}
        for step in range(3_000):
            while True:
                said = json.loads(reader.recv(timeout=10))
                if "data" in said:
                    inst, row = said["arg"]["instId"], said["data"][0]
                    assert row["prevSeqId"] == at.get(inst, -1)
                    at[inst] = row["seqId"]
                    if inst == BOOKS[-1]["instId"]:
                        break
            if step == 3:
                assert len(served.running.sockets.open) == 2
            elif step > 3 and len(served.running.sockets.open) == 1:
                return
            served.clock.step(0.1)
    pytest.fail("whoever does not read is still there")
