"""One endpoint that answers otherwise than all others: the cause is named, and nothing is called right.

The path is one that a single check asks, and late in the run: what it meets must still be heard by whoever names it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from gateway import Gateway, Response, standing

from okxdoctor.checkup import check_up
from okxdoctor.exchange import running
from okxdoctor.model import Report
from okxdoctor.settings import Flags, resolve

ORDER = {
    "instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "buy", "ordType": "limit", "px": "60000", "sz": "1",
    "clOrdId": "a1",
}  # fmt: skip
WALLET, PENDING, LEVERAGE = "/asset/balances", "/trade/orders-pending", "/account/leverage-info"


@pytest.fixture
def met(tmp_path: Path) -> Callable[[str, str, int], Report]:
    """A run with an order, where one path answers with this code and status."""
    import leaping

    (tmp_path / "order.json").write_text(json.dumps([ORDER]), "utf-8")

    async def go(path: str, code: str, status: int) -> Report:
        said = "Your IP 198.51.100.9 is not included in your API key's x IP whitelist." if code == "50110" else "no"
        told = Response(
            status=status, headers=[("Content-Type", "application/json")],
            body=json.dumps({"msg": said, "code": code}).encode(),
        )  # fmt: skip
        gateway = Gateway(ask=lambda it: told if path in it.target else it)
        async with running(seed=5) as exchange, standing(gateway, exchange.info.plain_rest_url) as port:
            info = exchange.info
            flags = Flags(
                rest_url=f"http://127.0.0.1:{port}", ws_url=f"ws://127.0.0.1:{port}/ws/v5",
                dns_servers=(info.dns_server,), ntp_servers=tuple(info.ntp_servers), need="read,trade",
                orders=(str(tmp_path / "order.json"),),
            )  # fmt: skip
            key = {"OKX_API_KEY": info.api_key, "OKX_SECRET_KEY": info.secret_key, "OKX_PASSPHRASE": info.passphrase}
            return await check_up(resolve(flags, key, tmp_path))

    def run(path: str, code: str, status: int) -> Report:
        report: Report = leaping.run(go(path, code, status))
        return report

    return run


@pytest.mark.parametrize("path", [WALLET, PENDING, LEVERAGE])
@pytest.mark.parametrize(
    ("code", "status", "cause"),
    [
        ("50001", 503, "status.maintenance"),
        ("50026", 500, "status.overloaded"),
        ("50011", 429, "ratelimit.shared"),
        ("50113", 401, "signature.unexplained"),
        ("50120", 401, "permission.missing"),
        ("50110", 401, "ip.egress-unstable"),
        ("50121", 200, "http.region-blocked"),
    ],
)
def test_what_one_path_answers_is_named(
    met: Callable[[str, str, int], Report], path: str, code: str, status: int, cause: str
) -> None:
    report = met(path, code, status)
    assert [root.code for root in report.diagnosis] == [cause]
    assert report.exit_code in (1, 3)


def test_figures_that_were_not_told_leave_an_order_unjudged(met: Callable[[str, str, int], Report]) -> None:
    """410: the leverage is not known, so whether the order can be paid for is not either."""
    report = met(LEVERAGE, "50005", 410)
    order = next(attempt for attempt in report.attempts if attempt.check == "order")
    assert (order.outcome.value, order.because) == (
        "inconclusive", "account/leverage-info: HTTP 410, code 50005 (no)",
    )  # fmt: skip
    assert (report.diagnosis, report.exit_code) == ((), 3)
