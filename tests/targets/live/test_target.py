"""The target as a whole: shared questions, bounds, and that nothing is left when it is left."""

from __future__ import annotations

import asyncio
import base64
import gc
import time
import warnings
from typing import Any

import pytest
from aiohttp import web

from okxdoctor.check import Skip
from okxdoctor.port import Ask, Dial, Lookup, Surroundings
from okxdoctor.targets.live import target as target_module
from okxdoctor.targets.live.aia import allowed
from okxdoctor.targets.live.veil import Veil, veil_header

TIME = Ask(method="GET", path="/api/v5/public/time", paced=False)


def test_a_target_opens_nothing_by_itself(stage: Any) -> None:
    async def main() -> Any:
        async with stage.target(1) as target:
            assert target.view.rest.port == 1
            assert target.now().wall_ns > 0
            await target.sleep(0)
            assert await target.given(Surroundings) is None
            with pytest.raises(Skip):
                await target.surroundings()
            return target.requests_made, target.connections_made, target.ledger()

    assert asyncio.run(main()) == (0, 0, ())


def test_the_surroundings_are_gathered_once(stage: Any) -> None:
    calls: list[int] = []
    found = Surroundings(
        python="3", platform="", credentials=(), files=(), tls_off=(), packages=(), import_owner="", proxy_variables=()
    )

    def gather() -> Surroundings:
        calls.append(1)
        return found

    async def main() -> Any:
        async with stage.target(1, surroundings=gather) as target:
            return await asyncio.gather(*(target.surroundings() for _ in range(3)))

    assert asyncio.run(main()) == [found] * 3
    assert calls == [1]


def test_every_question_about_a_host_that_filters_costs_one_timeout_in_all(stage: Any) -> None:
    async def main() -> Any:
        with stage.silent_port() as port:
            async with stage.target(port, tls=True, timeout_s=0.6) as target:
                started = time.monotonic()
                together = await asyncio.gather(
                    *(target.http(TIME) for _ in range(30)),
                    target.handshake("rest"),
                    target.dial("rest"),
                    target.open_socket("public"),
                )
                at_once = time.monotonic() - started
                await target.http(TIME)
                await target.open_socket("business")
                return together, at_once, time.monotonic() - started

    together, at_once, whole = asyncio.run(main())
    assert {answer.failure.kind for answer in together[:30]} == {"timeout"}
    assert together[30].outcome == "timeout"
    assert [dial.outcome for dial in together[31]] == ["connected"]
    assert at_once < 2.5
    assert whole - at_once < 0.3


def test_dials_tell_each_address_and_the_control(stage: Any) -> None:
    async def main() -> Any:
        with stage.silent_port() as port:
            control = (("127.0.0.1", port), ("127.0.0.1", stage.closed_port()), ("::1", stage.closed_port()))
            async with stage.target(stage.closed_port(), control_addresses=control) as target:
                one, two = await asyncio.gather(target.dial("rest"), target.dial("ws"))
                return one, two, await target.dial("rest", port=port), await target.dial_control()

    rest, ws, other, control = asyncio.run(main())
    assert rest is ws, "one host and port, one question"
    assert [(dial.outcome, dial.errno, dial.family) for dial in rest] == [("refused", "ECONNREFUSED", "v4")]
    assert [dial.outcome for dial in other] == ["connected"]
    assert [dial.outcome for dial in control][:2] == ["connected", "refused"]
    assert control[2].family == "v6"
    assert control[2].outcome in ("refused", "unreachable")


def test_silent_addresses_do_not_wait_for_each_other(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both hosts with as many addresses as are dialled, and the old port of one: more than one patience in a row
    would be all that the check has."""
    most = target_module.MOST_DIALS
    running: list[int] = []
    many = tuple(f"192.0.2.{n}" for n in range(1, most + 1))

    async def silent(address: str, port: int, **bounds: Any) -> Dial:
        running.append(port)
        while len(running) < 2 * most:
            await asyncio.sleep(0)
        return Dial(address=address, port=port, family="v4", outcome="timeout")

    async def resolved(self: Any, name: str) -> Lookup:
        return Lookup(name=name, resolver="system", outcome="ok", addresses=(*many, "192.0.2.99"))

    monkeypatch.setattr(target_module, "dial", silent)
    monkeypatch.setattr(target_module.Resolver, "system", resolved)

    async def main() -> Any:
        async with stage.target(443) as target:
            async with asyncio.timeout(5):
                return await asyncio.gather(target.dial("rest"), target.dial("ws", port=8443))

    rest, old = asyncio.run(main())
    assert [dial.address for dial in rest] == [dial.address for dial in old] == list(many)


def test_leaving_in_the_middle_of_everything_leaves_nothing(stage: Any) -> None:
    async def main() -> Any:
        with stage.silent_port() as port:
            async with stage.dns(lambda name, kind, packet: None) as dns:
                where = {"host": "127.0.0.1", "tls": True, "timeout_s": 30, "ntp_servers": (("127.0.0.1", dns[1]),)}
                async with stage.target(port, dns_servers=(dns,), **where) as target:
                    running = [
                        asyncio.ensure_future(question)
                        for question in (
                            target.http(TIME), target.handshake("rest"), target.open_socket("public"), target.ntp(),
                            target.lookup("slow.test"), target.http(Ask(method="GET", path="/api/v5/x", fresh=True)),
                        )
                    ]  # fmt: skip
                    await asyncio.sleep(0.1)
                    for question in running:
                        question.cancel()
                    started = time.monotonic()
                    await asyncio.gather(*running, return_exceptions=True)
                took_s = time.monotonic() - started
        left = asyncio.all_tasks() - {asyncio.current_task()}
        return took_s, left

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        took_s, left = asyncio.run(main())
        gc.collect()
    assert took_s < 2
    assert not left


def test_a_suspicious_answer_is_put_to_a_doh_service_and_a_good_one_is_not(stage: Any) -> None:
    asked: list[bytes] = []

    async def main() -> Any:
        async def doh(request: web.Request) -> web.Response:
            question = await request.read()
            asked.append(question)
            kind = int.from_bytes(question[-4:-2], "big")
            records = [(1, bytes([203, 0, 113, 9]))] if kind == 1 else []
            assert request.headers["Content-Type"] == "application/dns-message"
            return web.Response(body=stage.reply(question, *records), content_type="application/dns-message")

        app = web.Application()
        app.router.add_post("/dns-query", doh)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=stage.server_tls())
        await site.start()
        urls = (f"https://127.0.0.1:{runner.addresses[0][1]}/dns-query", "https://127.0.0.1:1/dns-query", "nonsense")
        poisoned = {"bad.test": bytes([127, 0, 0, 1]), "good.test": bytes([1, 1, 1, 1])}
        try:
            async with (
                stage.dns(
                    lambda name, kind, packet: stage.reply(packet, *([(1, poisoned[name])] if kind == 1 else []))
                ) as dns,
                stage.target(1, tls=True, dns_servers=(dns,), doh_urls=urls) as target,
            ):
                return await target.lookup("bad.test"), await target.lookup("good.test"), urls
        finally:
            await runner.cleanup()

    bad, good, urls = asyncio.run(main())
    assert [found.resolver for found in bad] == ["system", *urls]
    assert bad[1].addresses == ("203.0.113.9",)
    assert [found.outcome for found in bad] == ["ok", "ok", "error", "error"]
    assert len(asked) == 2
    assert [found.addresses for found in good] == [("1.1.1.1",)]


@pytest.mark.parametrize(
    ("address", "port", "beside", "may"),
    [
        ("1.1.1.1", 80, "8.8.8.8", True),
        ("1.1.1.1", 443, "8.8.8.8", True),
        ("1.1.1.1", 8080, "8.8.8.8", False),
        ("127.0.0.1", 80, "8.8.8.8", False),
        ("127.0.0.1", 40000, "127.0.0.1", True),
        ("::1", 40000, "127.0.0.1", True),
        ("10.0.0.1", 80, "8.8.8.8", False),
        ("10.0.0.1", 80, "10.0.0.2", True),
        ("10.0.0.1", 22, "10.0.0.2", False),
        ("169.254.169.254", 80, "10.0.0.2", False),
        ("169.254.169.254", 80, "127.0.0.1", False),
        ("224.0.0.1", 80, "10.0.0.2", False),
        ("0.0.0.0", 80, "10.0.0.2", False),
        ("fe80::1", 80, "fd00::1", False),
        ("100.64.0.1", 80, "8.8.8.8", False),
        ("::ffff:10.0.0.1", 80, "8.8.8.8", False),
        ("name", 80, "8.8.8.8", False),
    ],
)
def test_where_an_issuer_may_be_fetched(address: str, port: int, beside: str, may: bool) -> None:
    assert allowed(address, port, beside=beside) is may


def test_the_veil_knows_the_forms_of_a_secret() -> None:
    veil = Veil(['a"b/c\\d&e f'])
    for form in ('a"b/c\\d&e f', 'a\\"b/c\\\\d&e f', 'a\\"b\\/c\\\\d&e f', "a%22b%2Fc%5Cd%26e%20f"):
        assert veil(f"<{form}>") == "<***>"
    assert veil("live") == Veil(["live"])("live") == "live", "a short word is no credential, and stands everywhere"
    signature = base64.b64encode(b"x" * 32).decode()
    assert veil(f"sign={signature}.", signature) == "sign=***."
    assert veil_header("set-cookie", "a=b=c; Path=/; Secure") == "a=***; Path=/; Secure"
    assert veil_header("server", "cloudflare") == "cloudflare"
