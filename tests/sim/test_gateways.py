"""Gateways that nobody has listed: what stands between program and exchange changes things, and the verdict names it.

What they do is done to the bytes on their way; the exchange answers as it always does. ``None``: the verdict is that
nothing is wrong, because to this program nothing is.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gateway import Gateway, Request, Response, page, standing, without

from okxdoctor.checkup import check_up
from okxdoctor.exchange import running
from okxdoctor.model import Confidence, Outcome, Report, Severity
from okxdoctor.settings import Flags, resolve

ORDER = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "60000", "sz": "0.01"}
Change = Callable[[Request], "Request | Response"]


@pytest.fixture
def behind(tmp_path: Path) -> Callable[..., Report]:
    """A run with a key, an instrument and an order, through a gateway."""
    import leaping

    (tmp_path / "order.json").write_text(json.dumps([ORDER]), "utf-8")

    async def go(gateway: Gateway, base: str) -> Report:
        async with running(seed=5) as exchange:
            info = exchange.info
            async with standing(gateway, info.plain_rest_url) as port:
                flags = Flags(
                    rest_url=f"http://127.0.0.1:{port}{base}", ws_url=f"ws://127.0.0.1:{port}/ws/v5",
                    dns_servers=(info.dns_server,), ntp_servers=tuple(info.ntp_servers), need="read,trade",
                    instruments=("BTC-USDT",), orders=(str(tmp_path / "order.json"),),
                )  # fmt: skip
                key = {
                    "OKX_API_KEY": info.api_key, "OKX_SECRET_KEY": info.secret_key, "OKX_PASSPHRASE": info.passphrase,
                }  # fmt: skip
                return await check_up(resolve(flags, key, tmp_path))

    def run(gateway: Gateway, *, base: str = "") -> Report:
        report: Report = leaping.run(go(gateway, base))
        assert not [attempt for attempt in report.attempts if attempt.outcome is Outcome.BROKEN]
        return report

    return run


def rest(change: Change) -> Gateway:
    """Requests are changed or answered; WebSockets pass."""
    return Gateway(ask=lambda request: request if request.upgrade else change(request))


def targets(change: Callable[[str], str]) -> Gateway:
    return rest(lambda request: replace(request, target=change(request.target)))


def answers(change: Callable[[Response], Response]) -> Gateway:
    return Gateway(answer=lambda request, told: told if request.upgrade else change(told))


def upgrades(change: Callable[[Response], Response]) -> Gateway:
    return Gateway(answer=lambda request, told: change(told) if request.upgrade else told)


def lost(*names: str) -> Gateway:
    return rest(lambda request: replace(request, headers=without(request.headers, *names)))


def zipped(told: Response) -> Response:
    headers = [*without(told.headers, "content-encoding"), ("Content-Encoding", "gzip")]
    return replace(told, headers=headers, body=gzip.compress(b"0" * 20_000_000))


def storing(where: str) -> Gateway:
    """Keeps the first answer to a GET whose target holds this text, and gives it again."""
    kept: dict[str, Response] = {}

    def stored(request: Request, told: Response) -> Response:
        if not request.upgrade and request.method == "GET" and where in request.target and told.status == 200:
            return kept.setdefault(request.target, told)
        return told

    return Gateway(ask=lambda request: kept.get(request.target, request), answer=stored)


async def in_pieces_of_64k(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    held = b""
    while data := await reader.read(65536):
        held += data
        if len(held) >= 65536:
            writer.write(held)
            held = b""


def late(seconds: float) -> Callable[..., Any]:
    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while data := await reader.read(65536):
            loop.call_later(seconds, writer.write, data)

    return relay


SSO = ("Location", "https://sso.corp.example/login?next=x")
NOT_ROUTED = Response(
    status=404, headers=[("Content-Type", "application/json"), ("Server", "kong")],
    body=b'{"message":"no Route matched with those values"}',
)  # fmt: skip

GATEWAYS: dict[str, tuple[Callable[[], Gateway], str | None]] = {
    "passes everything": (Gateway, None),
    "has no patience for a connection without a request": (lambda: Gateway(patience_s=0.4), None),
    "loses x-simulated-trading": (lambda: lost("x-simulated-trading"), None),
    "keeps private answers": (lambda: storing("/account/"), None),
    "loses Sec-WebSocket-Extensions of the request": (
        lambda: Gateway(ask=lambda it: replace(it, headers=without(it.headers, "sec-websocket-extensions"))), None
    ),
    "tells everything 3 s late": (lambda: Gateway(down=late(3.0)), None),
    "loses OK-ACCESS-*": (
        lambda: lost("ok-access-key", "ok-access-sign", "ok-access-timestamp", "ok-access-passphrase"),
        "header.missing",
    ),
    "loses OK-ACCESS-SIGN": (lambda: lost("ok-access-sign"), "header.missing"),
    "writes timestamps in whole seconds": (
        lambda: rest(lambda it: replace(it, headers=[(name, value[:19] + "Z" if name.lower() == "ok-access-timestamp"
                                                      else value) for name, value in it.headers])),
        "timestamp.format",
    ),
    "sorts parameters": (lambda: targets(sorted_query), "signature.unexplained"),
    "decodes %2C": (lambda: targets(lambda it: it.replace("%2C", ",")), "signature.unexplained"),
    "writes %2c": (lambda: targets(lambda it: it.replace("%2C", "%2c")), "signature.unexplained"),
    "adds a parameter": (lambda: targets(lambda it: f"{it}{'&' if '?' in it else '?'}utm=1"), "signature.unexplained"),
    "loses the query": (lambda: targets(lambda it: it.partition("?")[0]), "signature.unexplained"),
    "writes bodies anew": (
        lambda: rest(lambda it: replace(it, body=it.body + b"\n") if it.body else it), "signature.unexplained"
    ),
    "makes every POST a GET": (
        lambda: rest(lambda it: replace(it, method="GET", body=b"") if it.method == "POST" else it),
        "signature.unexplained",
    ),
    "writes another Content-Type": (
        lambda: rest(lambda it: replace(it, headers=[(name, "text/plain" if name.lower() == "content-type" else value)
                                                      for name, value in it.headers])),
        "header.missing",
    ),
    "gives OK-ACCESS-KEY twice in one": (
        lambda: rest(lambda it: replace(it, headers=[(name, f"{value}, {value}" if name.lower() == "ok-access-key"
                                                      else value) for name, value in it.headers])),
        "key.malformed",
    ),
    "changes the passphrase": (
        lambda: rest(lambda it: replace(it, headers=[(name, f"{value}%20" if name.lower() == "ok-access-passphrase"
                                                      else value) for name, value in it.headers])),
        "header.missing",
    ),
    "answers upgrades with 429 and reaches nothing": (
        lambda: Gateway(ask=lambda it: page(429 if it.upgrade else 522, "no", ("Server", "cloudflare"))),
        "http.origin-down",
    ),
    "has a code of its own": (
        lambda: Gateway(ask=lambda _: replace(NOT_ROUTED, status=401, body=b'{"code":401,"message":"Unauthorized"}')),
        "http.edge-blocked",
    ),
    "counts private requests": (
        lambda: rest(lambda it: page(429, "slow", ("Server", "kong")) if "/account/" in it.target else it),
        "http.edge-blocked",
    ),
    "takes no bodies of that size": (
        lambda: rest(lambda it: page(413, "no", ("Server", "nginx")) if it.method == "POST" else it),
        "http.edge-blocked",
    ),
    "sends to a login of its own": (lambda: Gateway(ask=lambda _: page(302, "", ("Location", "/login?next=x"))),
                                    "http.captive-portal"),
    "makes every GET a POST": (lambda: rest(lambda it: replace(it, method="POST")), "signature.unexplained"),
    "keeps all answers": (lambda: storing("/api/"), "clock.server-time-cached"),
    "answers 200 with a page": (lambda: rest(lambda _: page(200, "<title>Welcome</title>")), "http.not-json"),
    "cuts bodies": (lambda: answers(lambda it: replace(it, body=it.body[: len(it.body) // 2])), "http.not-json"),
    "empties bodies": (lambda: answers(lambda it: replace(it, body=b"")), "http.not-json"),
    "packs a bomb": (lambda: answers(zipped), "http.not-json"),
    "knows no route": (lambda: rest(lambda _: NOT_ROUTED), "http.not-json"),
    "knows no route for WebSockets either": (lambda: Gateway(ask=lambda _: NOT_ROUTED), "http.not-json"),
    "sends to a login": (lambda: Gateway(ask=lambda _: page(302, "", SSO, ("Server", "F5"))), "http.captive-portal"),
    "wants a password of its own": (
        lambda: rest(lambda _: page(401, "", ("WWW-Authenticate", "Basic"), ("Server", "nginx"))), "http.edge-blocked"
    ),
    "keeps private paths for itself": (
        lambda: rest(lambda it: page(403, "no", ("Server", "zscaler")) if "/account/" in it.target else it),
        "http.edge-blocked",
    ),
    "has no route for private paths": (
        lambda: rest(lambda it: page(404, "no", ("Server", "nginx")) if "/account/" in it.target else it),
        "http.edge-blocked",
    ),
    "passes nothing but GET": (
        lambda: rest(lambda it: page(405, "no", ("Server", "nginx")) if it.method == "POST" else it),
        "http.edge-blocked",
    ),
    "does not reach the exchange": (lambda: rest(lambda _: page(503, "no", ("Server", "envoy"))), "http.origin-down"),
    "loses Sec-WebSocket-Accept": (
        lambda: upgrades(lambda it: replace(it, headers=without(it.headers, "sec-websocket-accept"))), "ws.blocked"
    ),
    "loses Upgrade of the answer": (
        lambda: upgrades(lambda it: replace(it, headers=without(it.headers, "upgrade", "connection"))), "ws.blocked"
    ),
    "knows no /private": (
        lambda: Gateway(ask=lambda it: page(404, "no") if it.target.endswith("/private") else it), "ws.blocked"
    ),
    "cuts WebSockets after 0.3 s": (lambda: Gateway(life_s=0.3), "ws.drops"),
    "cuts WebSockets after 0.7 s": (lambda: Gateway(life_s=0.7), "ws.drops"),
    "loses Sec-WebSocket-Extensions of the answer": (
        lambda: upgrades(lambda it: replace(it, headers=without(it.headers, "sec-websocket-extensions"))), "ws.drops"
    ),
    "hands frames on by 64 KiB": (lambda: Gateway(down=in_pieces_of_64k), "ws.no-pong"),
    "tells everything 7 s late": (lambda: Gateway(down=late(7.0)), "ws.no-pong"),
}  # fmt: skip


def sorted_query(target: str) -> str:
    path, mark, query = target.partition("?")
    return f"{path}{mark}{'&'.join(sorted(query.split('&')))}"


@pytest.mark.parametrize("name", GATEWAYS)
def test_what_a_gateway_does_is_named(behind: Any, name: str) -> None:
    made, cause = GATEWAYS[name]
    report = behind(made())
    assert [found.code for found in report.diagnosis] == ([cause] if cause else []), name
    if cause is None:
        assert report.exit_code == 0, [attempt.because for attempt in report.attempts]


def test_what_happens_to_one_of_several_is_not_certain(behind: Any) -> None:
    """Every third answer is a page: the others show that it is not always so."""
    count = 0

    def third(request: Request) -> Request | Response:
        nonlocal count
        count += 1
        return page(200, "<title>Oops</title>") if count % 3 == 0 else request

    (found,) = behind(rest(third)).diagnosis
    assert (found.code, found.confidence) == ("http.not-json", Confidence.LIKELY)


@pytest.mark.parametrize("life_s", [0.2, 0.5, 1.0])
def test_who_cuts_every_websocket_at_an_age_is_certain(behind: Any, life_s: float) -> None:
    """The second connection is let grow as old as the first: else it would pass for one that holds."""
    (found,) = behind(Gateway(life_s=life_s)).diagnosis
    assert (found.code, found.severity, found.confidence) == ("ws.drops", Severity.ERROR, Confidence.CERTAIN)
    assert found.evidence["ended"] == found.evidence["connections"] == 2


def test_a_path_that_is_not_there_is_unknown_and_said(behind: Any) -> None:
    """A prefix too many: the API answers that it has nothing there. Nothing is claimed of what was not seen."""
    report = behind(Gateway(ask=lambda request: page(404, "no") if request.upgrade else request), base="/okx")
    assert [found.code for found in report.diagnosis] == []
    assert report.exit_code == 3
    said = {attempt.check: attempt.because or "" for attempt in report.attempts}
    assert "/okx/api/v5/account/config" in said["key"]
    assert "REST does not answer" in said["ws"]
