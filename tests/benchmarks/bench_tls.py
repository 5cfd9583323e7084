"""TLS verdict against one bare handshake, in one process and one run.

    python tests/benchmarks/bench_tls.py

A verdict is what a check gets: connection, handshake that takes the chain whatever it is, certificates read, chain
verified against the store in use. The bare handshake is asyncio's own, verifying, to the same server. Target: ≤ 5x.
"""

from __future__ import annotations

import asyncio
import ssl
import statistics
import sys
import tempfile
import time
from pathlib import Path

import trustme

from okxdoctor.port import Endpoint, View
from okxdoctor.targets.config import TargetConfig
from okxdoctor.targets.live.target import LiveTarget

ROUNDS = 60


def config(port: int, ca_file: str) -> TargetConfig:
    def endpoint(role: str, scheme: str, base: str) -> Endpoint:
        return Endpoint(
            role=role,  # type: ignore[arg-type]
            url=f"{scheme}://127.0.0.1:{port}",
            scheme=scheme,
            host="127.0.0.1",
            port=port,
            base=base,
            tls=True,
        )

    view = View(
        kind="sim",
        site="global",
        environment="live",
        rest=endpoint("rest", "https", ""),
        ws=endpoint("ws", "wss", "/ws/v5"),
        addresses="loopback",
        declared_hosts=True,
        legacy_ws_port=8443,
        credentials=False,
        need=(),
        instruments=(),
        product=None,
        trade_mode=None,
        declared_specs=(),
        burst=False,
        rest_route=None,
        ws_route=None,
        ca_file=ca_file,
        dns_servers=(),
        ntp_servers=(),
        ntp_declared=False,
        control_name="localhost",
        cells=(),
    )
    return TargetConfig(view=view, ca_file=ca_file)


async def bare(port: int, context: ssl.SSLContext) -> float:
    started = time.perf_counter()
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    took = time.perf_counter() - started
    writer.transport.abort()
    return took


async def verdict(port: int, ca_file: str) -> float:
    started = time.perf_counter()
    async with LiveTarget(config(port, ca_file)) as target:
        seen = await target.handshake("rest")
    took = time.perf_counter() - started
    if not (seen.outcome == "ok" and seen.verifications[0].ok and len(seen.chain) == 2):
        raise SystemExit(f"not the handshake that is to be measured: {seen}")
    return took


async def main() -> None:
    authority = trustme.CA()
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.create_child_ca().issue_cert("127.0.0.1").configure_cert(server_tls)
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)

    async def idle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(1)
        except OSError:
            pass
        writer.transport.abort()

    server = await asyncio.start_server(idle, "127.0.0.1", 0, ssl=server_tls)
    port = server.sockets[0].getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        ca_file = str(Path(folder) / "ca.pem")
        authority.cert_pem.write_to_path(ca_file)
        context = ssl.create_default_context(cafile=ca_file)
        plain, judged = [], []
        await verdict(port, ca_file)  # the imports
        for _ in range(ROUNDS):
            plain.append(await bare(port, context))
            judged.append(await verdict(port, ca_file))
    server.close()
    base, whole = statistics.median(plain), statistics.median(judged)
    sys.stdout.write(
        f"bare handshake {base * 1000:6.2f} ms   TLS verdict {whole * 1000:6.2f} ms   "
        f"ratio {whole / base:4.2f} (target ≤ 5)   {ROUNDS} rounds, medians\n"
    )


if __name__ == "__main__":
    asyncio.run(main())
